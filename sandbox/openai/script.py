"""The scripted mind: every chat completion uses up exactly one step, in order; one call too many is an error."""

import json
from dataclasses import dataclass
from typing import Any

from sandbox.openai.wire import ApiError, usual_error

_STEP_KEYS = {"say", "call", "calls", "error", "raw", "finish_reason"}
_ERROR_KEYS = {"status", "message", "type", "code", "param", "retry_after"}


@dataclass
class Spoken:
    """What a step says: an assistant message and why it ends there."""

    message: dict[str, Any]
    finish_reason: str


def check_steps(steps: Any) -> list[dict[str, Any]]:
    """The steps, if they make a script.

    A step is {say: text}, {call: {name: arguments}}, {calls: [{name: arguments}, …]}, a call with a `say`,
    {error: {status, message?, type?, code?, param?, retry_after?}}, or {raw: message}; any but an error may name its
    `finish_reason`.

    Raises:
        TypeError: No list.
        ValueError: A step that says nothing, or too much; the message names it.
    """
    if not isinstance(steps, list):
        raise TypeError(f"steps is {steps!r}; give a list of steps, or an empty one")
    for n, step in enumerate(steps):
        problem = _problem(step)
        if problem:
            raise ValueError(f"step {n}: {problem}")
    return steps


def _problem(step: Any) -> str | None:
    if not isinstance(step, dict) or not set(step) <= _STEP_KEYS or not set(step) - {"finish_reason"}:
        return f"{step!r} is no step; use {', '.join(sorted(_STEP_KEYS))}"
    if len({"error", "raw"} & set(step)) + bool({"say", "call", "calls"} & set(step)) != 1:
        return "error and raw stand alone"
    if "call" in step and "calls" in step:
        return "use either call or calls"
    if "error" in step and (not isinstance(step["error"], dict) or not set(step["error"]) <= _ERROR_KEYS):
        return f"error is {step['error']!r}; use {', '.join(sorted(_ERROR_KEYS))}"
    if any(not isinstance(call, dict) or len(call) != 1 for call in _calls(step)):
        return "a call is an object with one key, the tool's name, and its arguments as the value"
    return None


def _calls(step: dict[str, Any]) -> list[Any]:
    return [step["call"]] if "call" in step else list(step.get("calls") or [])


def speak(step: dict[str, Any], new_call_id: Any) -> Spoken:
    """Turn a step into a message.

    Args:
        step: One of `check_steps`.
        new_call_id: Makes ids for tool calls.

    Raises:
        ApiError: The step is an error.
    """
    if "error" in step:
        raise _error(step["error"])
    if "raw" in step:
        message = {"role": "assistant", "content": None, **step["raw"]}
        return Spoken(message, step.get("finish_reason") or ("tool_calls" if message.get("tool_calls") else "stop"))
    message = {"role": "assistant", "content": step.get("say")}
    calls = [
        {"id": new_call_id(), "type": "function", "function": {"name": name, "arguments": _arguments(arguments)}}
        for call in _calls(step)
        for name, arguments in call.items()
    ]
    if calls:
        message["tool_calls"] = calls
    return Spoken(message, step.get("finish_reason") or ("tool_calls" if calls else "stop"))


def _arguments(arguments: Any) -> str:
    """JSON text; a string is passed on as it is, so that a script can send broken JSON."""
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def _error(wanted: dict[str, Any]) -> ApiError:
    extra: dict[str, Any] = {name: wanted[name] for name in ("code", "param") if name in wanted}
    if "type" in wanted:
        extra["kind"] = wanted["type"]
    if "retry_after" in wanted:
        extra["retry_after_s"] = wanted["retry_after"]
    return usual_error(int(wanted.get("status", 500)), wanted.get("message"), **extra)
