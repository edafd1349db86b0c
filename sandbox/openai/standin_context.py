"""What a request says: facts, history, the customer's new words, and what the tools answered in this turn.

Everything is read tolerantly: a field of the wrong kind counts as absent.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sandbox.openai.standin_text import fold

_FACTS = re.compile(r"<facts>(.*)</facts>", re.DOTALL)
# How a product may mark what is no text: "[o cliente mandou um áudio] uns 800".
_MEDIA_MARK = re.compile(r"^\s*\[[^\]\n]{1,80}\]\s*")
_OPTION = re.compile(r"^\s*(?:offered:\s*)?([0-9]{1,3})\s*\|\s*([^|]*?)\s*\|\s*([^|]+?)\s*$")


@dataclass(frozen=True)
class Criterion:
    """One qualification question still to be answered; `options` only for the type "choice"."""

    name: str
    kind: str
    question: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Option:
    """A time that was offered. `starts_at` is aware in the customer's zone, None when it can't be read."""

    number: int
    starts_at: datetime | None
    label: str


@dataclass(frozen=True)
class Meeting:
    """The customer's meeting as the facts show it. Until it is confirmed, nothing may be said or done about it."""

    starts_at: datetime | None
    label: str
    is_confirmed: bool = True


@dataclass(frozen=True)
class Step:
    """One tool call of this turn with its result ("" while there is none)."""

    tool: str
    arguments: dict[str, Any]
    result: str

    @property
    def head(self) -> str:
        """The result's code: "BOOKED" of "BOOKED: …"."""
        match = re.match(r"\s*([A-Z_]+)\b", self.result)
        return match[1] if match else ""


@dataclass
class Facts:
    """The facts block. `qualification` is "missing", "ok" or "failed"; options are the ones still valid."""

    language: str = "pt"
    today: date | None = None
    customer: str = ""
    qualification: str = "missing"
    answered: int = 0
    missing: list[Criterion] = field(default_factory=list)
    offered: list[Option] = field(default_factory=list)
    meeting: Meeting | None = None
    introduction: str = ""


@dataclass
class Context:
    """One request, read. `facts` is None when the request has no facts block."""

    facts: Facts | None
    history: list[tuple[str, str]]
    customer_messages: list[str]
    steps: list[Step]
    tools: frozenset[str]

    @property
    def customer_text(self) -> str:
        return "\n".join(self.customer_messages)

    @property
    def last_said(self) -> str:
        """The assistant's latest text before this turn."""
        return next((text for role, text in reversed(self.history) if role == "assistant"), "")


def read_request(request: dict[str, Any], today: date) -> Context:
    """The request as a `Context`; `today` (the customer's zone) serves when the facts have no `now:`."""
    messages = [message for message in _list(request.get("messages")) if isinstance(message, dict)]
    at = _facts_at(messages)
    facts = None if at is None else parse_facts(_text(messages[at].get("content")), today)
    start = _turn_start(messages) if at is None else at + 1
    turn = messages[start:]
    return Context(
        facts=facts,
        history=_texts(messages[: start if at is None else at]),
        customer_messages=_new_messages(turn),
        steps=_steps(turn),
        tools=_tools(request),
    )


def parse_facts(text: str, today: date) -> Facts:
    """Facts from a system message's text. Unknown keys are passed over."""
    block = _FACTS.search(text)
    facts = Facts(today=today)
    first_contact = False
    for line in (block[1] if block else "").splitlines():
        key, _, value = line.strip().partition(":")
        columns = [column.strip() for column in value.split("|")]
        if key == "now" and (moment := _moment(columns[0])):
            facts.today = moment.date()
        elif key == "language":
            facts.language = _language(columns[0])
        elif key == "customer":
            facts.customer = " ".join(value.split())
        elif key == "qualification":
            facts.qualification = columns[0]
        elif key == "answered":
            facts.answered += 1
        elif key == "meeting" and columns[0] in ("scheduled", "confirming"):
            padded = [*columns, "", ""]
            facts.meeting = Meeting(_moment(padded[1]), padded[2], is_confirmed=columns[0] == "scheduled")
        elif key == "first_contact":
            first_contact = columns[0].lower() == "yes"
        elif key == "introduction":
            facts.introduction = value.strip()
    facts.missing = missing_lines(block[1] if block else "")
    facts.offered = option_lines(block[1] if block else "", prefix="offered:")
    facts.introduction = facts.introduction if first_contact else ""
    return facts


def missing_lines(text: str) -> list[Criterion]:
    """Criteria of the "missing: …" lines, in order."""
    found = []
    for line in text.splitlines():
        key, _, value = line.strip().partition(":")
        columns = [column.strip() for column in value.split("|")]
        if key == "missing" and len(columns) >= 3 and columns[0] and columns[2]:
            options = columns[3].split(",") if len(columns) > 3 else []
            named = tuple(option.strip() for option in options if option.strip())
            found.append(Criterion(columns[0], columns[1], columns[2], named))
    return found


def option_lines(text: str, prefix: str = "") -> list[Option]:
    """Options of the "1 | 2026-03-10T14:00-03:00 | label" lines, in order."""
    found = []
    for line in text.splitlines():
        match = _OPTION.match(line) if line.strip().startswith(prefix) else None
        if match:
            found.append(Option(int(match[1]), _moment(match[2]), match[3]))
    return found


def asked_criterion(context: Context, missing: list[Criterion]) -> Criterion | None:
    """The criterion whose question the assistant asked last."""
    for role, text in reversed(context.history):
        said = fold(text) if role == "assistant" else ""
        for criterion in missing:
            if said and fold(criterion.question) in said:
                return criterion
    return None


def _facts_at(messages: list[dict[str, Any]]) -> int | None:
    """Index of the facts: the last one, because the static prompt may describe the block."""
    places = [
        index
        for index, message in enumerate(messages)
        if message.get("role") in ("system", "developer") and _FACTS.search(_text(message.get("content")))
    ]
    return places[-1] if places else None


def _turn_start(messages: list[dict[str, Any]]) -> int:
    """Without facts, a turn begins after the last assistant message that was a text."""
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].get("role") == "assistant" and not _list(messages[index].get("tool_calls")):
            return index + 1
    return 0


def _texts(messages: Iterable[dict[str, Any]]) -> list[tuple[str, str]]:
    return [
        (str(message["role"]), _text(message.get("content")))
        for message in messages
        if message.get("role") in ("user", "assistant")
    ]


def _new_messages(turn: list[dict[str, Any]]) -> list[str]:
    """What the customer wrote, up to the turn's first answer: later texts are remarks of the product."""
    answered = next((at for at, message in enumerate(turn) if message.get("role") == "assistant"), len(turn))
    said = [_MEDIA_MARK.sub("", text) for role, text in _texts(turn[:answered]) if role == "user"]
    return [text for text in said if text.strip()]


def _steps(turn: list[dict[str, Any]]) -> list[Step]:
    results = {
        str(message.get("tool_call_id")): _text(message.get("content")) for message in turn if message.get("role") == "tool"
    }
    steps = []
    for message in turn:
        for call in _list(message.get("tool_calls")) if message.get("role") == "assistant" else []:
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(function, dict):
                result = results.get(str(call.get("id")), "")
                steps.append(Step(str(function.get("name")), _arguments(function.get("arguments")), result))
    return steps


def _tools(request: dict[str, Any]) -> frozenset[str]:
    if request.get("tool_choice") == "none":
        return frozenset()
    functions = [tool.get("function") for tool in _list(request.get("tools")) if isinstance(tool, dict)]
    names = [function.get("name") for function in functions if isinstance(function, dict)]
    return frozenset(name for name in names if isinstance(name, str))


def _arguments(value: Any) -> dict[str, Any]:
    try:
        read = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _text(content: Any) -> str:
    """The text of a message's content: a string, or the text parts of a list, one a line."""
    if isinstance(content, str):
        # Half a surrogate pair is legal in JSON and can't be sent on as UTF-8.
        return content.encode("utf-8", "replace").decode()
    parts = [part if isinstance(part, str) else part.get("text") for part in _list(content) if isinstance(part, str | dict)]
    return "\n".join(_text(part) for part in parts if isinstance(part, str))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _moment(written: str) -> datetime | None:
    try:
        return datetime.fromisoformat(written.strip())
    except ValueError:
        return None


def _language(tag: str) -> str:
    code = tag.lower()[:2]
    return code if code in ("es", "en") else "pt"
