"""The cued mind: for words that a customer says a list of steps, for many customers side by side and as often as asked.

It remembers nothing. What it says next follows from the customer's last words and from what was done since, so a call that is
repeated after a lost answer gets the same answer again, which a script could not give.
"""

from typing import Any

from sandbox.openai.script import check_steps

AT = "option_at"  # in a call's arguments: a local time in place of the number under which it is offered
_UNLESS = "otherwise"  # in a step: what is said when the time is not among those offered, or the words below came back
_IF = "only_after"  # in a step: words with which the last tool's answer must begin, else `otherwise` is said


def check_cues(cues: Any) -> dict[str, list[dict[str, Any]]]:
    """The cues, if each of them has a script. A step may have `otherwise` and `only_after` beside what a script's step has.

    Raises:
        TypeError: No object.
        ValueError: A step that says nothing, or too much; the message names it.
    """
    if not isinstance(cues, dict):
        raise TypeError(f"cues is {cues!r}; give an object: the customer's words, and the steps that follow")
    for words, steps in cues.items():
        try:
            check_steps([_plain(step) for step in steps])
        except ValueError as error:
            raise ValueError(f"{words!r}: {error}") from None
        if not steps:
            raise ValueError(f"{words!r}: give at least one step")
    return dict(cues)


def step_for(messages: list[dict[str, Any]], cues: dict[str, list[dict[str, Any]]]) -> dict[str, Any] | None:
    """The step that follows in this conversation, None when no cue is among the customer's last words.

    Args:
        messages: Of a chat completion. The cue that stands last in the last user message counts.
    """
    last = max((n for n, message in enumerate(messages) if message.get("role") == "user"), default=-1)
    said = _text(messages[last]) if last >= 0 else ""
    heard = [(said.rfind(words), words) for words in cues if words in said]
    if not heard:
        return None
    steps = cues[max(heard)[1]]
    since = messages[last + 1 :]
    step = steps[min(sum(message.get("role") == "assistant" for message in since), len(steps) - 1)]
    return _resolved(step, _text(since[-1]) if since and since[-1].get("role") == "tool" else "")


def _resolved(step: dict[str, Any], result: str) -> dict[str, Any]:
    otherwise = {"say": step.get(_UNLESS, "")}
    if _IF in step and not result.startswith(step[_IF]):
        return otherwise
    plain: dict[str, Any] = _plain(step)
    for arguments in plain.get("call", {}).values():
        if isinstance(arguments, dict) and AT in arguments:
            number = _number_of(arguments[AT], result)
            if number is None:
                return otherwise
            return {**plain, "call": {name: {"option": number} for name in plain["call"]}}
    return plain


def _number_of(time: str, result: str) -> int | None:
    """The number under which a time is offered, in lines of the form "number | time | text"."""
    for line in result.splitlines():
        parts = [part.strip() for part in line.split("|")]
        if len(parts) == 3 and parts[0].isdigit() and parts[1] == time:
            return int(parts[0])
    return None


def _plain(step: Any) -> Any:
    return {name: value for name, value in step.items() if name not in (_UNLESS, _IF)} if isinstance(step, dict) else step


def _text(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
