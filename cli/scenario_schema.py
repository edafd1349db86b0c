"""The form of a conversation as data: given, what people say and do, what the model does, the state that must be left behind.

The files live in tests/conversations/*.yaml; `cli/scenario.py` plays them.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.config import JsonDict

from cli.scenario_acts import OnCalendar, SellerDoes

MessageKind = Literal[
    "text",
    "audio",
    "image",
    "view_once",
    "video",
    "document",
    "sticker",
    "location",
    "contact",
    "button_reply",
    "list_reply",
    "ephemeral",
    "placeholder",
]
# What only the scripted model's words can fulfil; an exam does not judge it. All else of `afterwards` is judged in both.
JUDGED_WHEN_SCRIPTED: JsonDict = {"judged": "scripted"}


class ScenarioError(Exception):
    """The file is no scenario; the message names the file and every key at fault."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class BusyTime(_Part):
    """Something that stands on a seller's calendar already."""

    calendar: str
    start: AwareDatetime
    end: AwareDatetime
    summary: str = "Ocupado"


class KnownContact(_Part):
    """A contact with an open lead that exists in Kommo before the conversation."""

    name: str
    phone: str
    responsible_user_id: int = 10000


class Given(_Part):
    """The world before anybody speaks.

    Attributes:
        after: Another scenario that has taken place already: the world is what it left behind. Time, customer, contact and
            status field are that one's then.
        business: What is different from the business file: tables key by key, lists of tables place by place.
    """

    after: Path | None = None
    now: AwareDatetime | None = None
    phone: str = "5511987654321"
    name: str = "Maria Souza"
    busy: list[BusyTime] = []
    contact: KnownContact | None = None
    status_field: Literal["text", "select"] = "text"
    settings: dict[str, Any] = {}
    business: dict[str, Any] = {}

    @field_validator("after")
    @classmethod
    def _is_there(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is None:
            return None
        path = Path((info.context or {}).get("folder", ".")) / value
        if not path.is_file():
            raise ValueError(f"there is no scenario {value}")
        return path

    @model_validator(mode="after")
    def _has_one_beginning(self) -> Self:
        if self.after is None and self.now is None:
            raise ValueError("give the time (now), or the scenario that came before (after)")
        world = {"now", "phone", "name", "busy", "contact", "status_field"}
        if self.after is not None and (given := sorted(world & self.model_fields_set)):
            raise ValueError(f"{given[0]} is that of the scenario before")
        return self


class Said(_Part):
    """A message that is no plain text, comes from somebody else, or changes before anybody can answer it.

    Attributes:
        transcript: What is heard in a voice note.
        with_fields: Any other field of the control /customer/say.
        times: How often its webhook comes.
        edited_to: The text that the customer puts in its place at once.
        deleted: The customer takes it back at once.
        phone: Another customer's (or a seller's own), instead of the scenario's; `name` goes with it.
        quotes: A part of the message of ours that this one answers by quoting it; the newest one with these words.
    """

    kind: MessageKind = "text"
    text: str | None = None
    transcript: str | None = None
    caption: str | None = None
    with_fields: dict[str, Any] = {}
    times: int = Field(default=1, ge=1, le=10)
    edited_to: str | None = None
    deleted: bool = False
    phone: str | None = None
    name: str | None = None
    quotes: str | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.kind in ("text", "ephemeral") and not self.text:
            raise ValueError(f"a message of kind {self.kind} needs a text")
        if self.transcript is not None and self.kind != "audio":
            raise ValueError("only audio has a transcript")
        if self.edited_to is not None and self.kind not in ("text", "ephemeral"):
            raise ValueError("only a text can be edited")
        if self.phone and not self.name:
            raise ValueError("another customer needs a name")
        return self

    @property
    def shown(self) -> str:
        """What a person would say it was."""
        return self.text or self.transcript or self.caption or f"({self.kind})"


def _in_long_form(customer: Any) -> Any:
    """One message, or several, each a text or an object: as a list of objects, so that a mistake has one plain place."""
    if customer is None:
        return []
    several = customer if isinstance(customer, list) else [customer]
    return [{"text": one} if isinstance(one, str) else one for one in several]


def _as_list(acts: Any) -> Any:
    return [] if acts is None else acts if isinstance(acts, list) else [acts]


class Step(_Part):
    """One thing that happens, and what the model does then (its script; empty when it must not be asked).

    Attributes:
        customer: One message, or several in quick succession.
        choose: In an exam, instead of `customer`: which offered time is taken. A moment (asked for when it is not among
            the offered ones) or its place in the list.
        answers: In an exam: what the customer says when a criterion is asked about, in place of the scenario's.
        if_asked: In an exam: the answer to any other question that comes back.
        seller: One act, or several; no time passes between them.
        on_calendar: The same of what is done to our events, after the seller's acts.
        calendar: Somebody writes something onto a calendar.
        wait_s: Time passes (seconds).
        until: Time passes until then.
        by_control: Any other control of the sandbox, path to fields.
        faults: What goes wrong with the next calls, set before the rest of the step.
    """

    customer: Annotated[list[Said], BeforeValidator(_in_long_form)] = []
    choose: AwareDatetime | int | None = None
    answers: dict[str, str | list[str]] = {}
    if_asked: str | None = None
    seller: Annotated[list[SellerDoes], BeforeValidator(_as_list)] = []
    on_calendar: Annotated[list[OnCalendar], BeforeValidator(_as_list)] = []
    calendar: BusyTime | None = None
    wait_s: float | None = None
    until: AwareDatetime | None = None
    by_control: dict[str, dict[str, Any]] = {}
    faults: list[dict[str, Any]] = []
    model: list[dict[str, Any]] = []

    @model_validator(mode="after")
    def _chooses_in_words(self) -> Self:
        if self.choose is not None and not self.customer:
            raise ValueError("choose needs the words of the customer in a scripted run: give `customer` too")
        return self


class EventState(_Part):
    calendar: str | None = None
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    summary: str | None = None
    cancelled: bool = False


class TaskState(_Part):
    completed: bool = False
    deadline: AwareDatetime | None = None
    duration_s: int | None = None
    responsible: int | None = None
    text: str | None = None
    result: str | None = None


def _known_pattern(fact: str) -> str:
    if fact.startswith("/"):
        try:
            re.compile(fact.strip("/"))
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from None
    return fact


Fact = Annotated[str, Field(min_length=1), AfterValidator(_known_pattern)]


class OtherState(_Part):
    """What must be so for another customer."""

    phone: str
    name: str
    events: list[EventState] | None = None
    facts_told: list[Fact] = []
    never_told: list[str] = []


class Afterwards(_Part):
    """The state that must be left behind. What is not named is not judged, except that no list may be longer than given.

    Attributes:
        events: All events on the calendars that we made, in order.
        tasks: All meeting tasks that exist, in order.
        meeting_status: What stands on the lead; "" for nothing.
        link_saved: Whether the lead's link is that of the newest event.
        leads: How many leads there are.
        tags: All tags of the newest lead, in any order.
        answers_noted: Parts of the notes with the customer's answers, each in exactly one; no other such note may exist.
        notes: Parts of the notes about meetings, each in exactly one; no other note may speak of a meeting.
        facts_told: What the customer must know in the end, in any words around it and any order: a part of a message, or
            /a regular expression/. Case and accents do not count.
        told: Texts the customer must have been told, each part of one message, in this order. Scripted runs only.
        told_once: Parts that stand in exactly one message. Scripted runs only.
        never_told: Parts that stand in no message.
        replies: How many messages the customer got from us in all. Scripted runs only.
        handed_off: Whether a follow-up task asks a seller to take over.
        follow_ups: All tasks that ask a seller how a meeting went, in order.
        others: The same of other customers, or of sellers on their own phones.
    """

    events: list[EventState] | None = None
    tasks: list[TaskState] | None = None
    meeting_status: str | None = None
    link_saved: bool | None = None
    leads: int | None = None
    follow_ups: list[TaskState] | None = None
    tags: list[str] | None = None
    answers_noted: list[str] | None = None
    notes: list[str] | None = None
    facts_told: list[Fact] = []
    told: list[str] = Field(default=[], json_schema_extra=JUDGED_WHEN_SCRIPTED)
    told_once: list[str] = Field(default=[], json_schema_extra=JUDGED_WHEN_SCRIPTED)
    never_told: list[str] = []
    replies: int | None = Field(default=None, json_schema_extra=JUDGED_WHEN_SCRIPTED)
    handed_off: bool = False
    others: list[OtherState] = []

    def as_exam(self) -> "Afterwards":
        """The same without what depends on the scripted model's words."""
        kept = {name for name, info in type(self).model_fields.items() if info.json_schema_extra != JUDGED_WHEN_SCRIPTED}
        return self.model_copy(update={n: f.get_default() for n, f in type(self).model_fields.items() if n not in kept})


class Scenario(_Part):
    """One file.

    Attributes:
        only_scripted: Why it is no exam: it tells what happens when a model does something certain.
        answers: In an exam: what the customer says when a criterion is asked about; a list for the first time and later.
        goal: What a simulated customer wants and knows.
        temper: How a simulated customer talks.
        webhooks: "any": the end is the same when Kommo's webhooks are lost, doubled, late or in the wrong order.
    """

    title: str
    only_scripted: str | None = None
    goal: str | None = None
    temper: str | None = None
    answers: dict[str, str | list[str]] = {}
    webhooks: Literal["any"] | None = None
    given: Given
    talk: list[Step] = Field(min_length=1)
    afterwards: Afterwards

    @model_validator(mode="after")
    def _judges_something(self) -> Self:
        if not self.afterwards.model_fields_set:
            raise ValueError("afterwards judges nothing")
        return self

    @property
    def has_talk(self) -> bool:
        """Whether a customer speaks, so that the model has a part in it."""
        return any(step.customer for step in self.talk)


def load_scenario(path: Path) -> Scenario:
    """Reads a scenario.

    Raises:
        ScenarioError: It is no YAML or has mistakes; all are named.
    """
    try:
        return Scenario.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")), context={"folder": path.parent})
    except yaml.YAMLError as error:
        raise ScenarioError(f"{path} is no YAML: {error}") from None
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False)]
        raise ScenarioError("\n".join([f"{path} has mistakes:", *lines])) from None
