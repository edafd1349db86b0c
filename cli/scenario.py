"""A conversation as data: given, what people say and do, what the model does, and the state that must be left behind.

The files live in tests/conversations/*.yaml. With a scripted model every step of the script must be consumed exactly; as an
exam (`marcado eval`) the model's steps are left out and its own words are not judged.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
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
    model_validator,
)
from pydantic.config import JsonDict

from cli.eval_judge import judge, our_calendars
from cli.people import People
from cli.stack import Stack
from prompts.catalogue import DEFAULT_LOCALE
from sandbox.server import Sandbox

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
        business: What is different from the business file: tables key by key, lists of tables place by place.
    """

    now: AwareDatetime
    phone: str = "5511987654321"
    name: str = "Maria Souza"
    busy: list[BusyTime] = []
    contact: KnownContact | None = None
    status_field: Literal["text", "select"] = "text"
    settings: dict[str, Any] = {}
    business: dict[str, Any] = {}


class SellerDoes(_Part):
    """One act of a seller in Kommo or on the phone."""

    delete_task: bool = False
    complete_task: bool = False
    result: str | None = None
    set_status: str | None = None
    types: str | None = None


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


class Step(_Part):
    """One thing that happens, and what the model does then (its script; empty when it must not be asked).

    Attributes:
        customer: One message, or several in quick succession.
        choose: In an exam, instead of `customer`: which offered time is taken. A moment (asked for when it is not among
            the offered ones) or its place in the list.
        answers: In an exam: what the customer says when a criterion is asked about, in place of the scenario's.
        if_asked: In an exam: the answer to any other question that comes back.
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
    seller: SellerDoes | None = None
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
    cancelled: bool = False


class TaskState(_Part):
    completed: bool = False
    deadline: AwareDatetime | None = None
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
        facts_told: What the customer must know in the end, in any words around it and any order: a part of a message, or
            /a regular expression/. Case and accents do not count.
        told: Texts the customer must have been told, each part of one message, in this order. Scripted runs only.
        told_once: Parts that stand in exactly one message. Scripted runs only.
        never_told: Parts that stand in no message.
        replies: How many messages the customer got from us in all. Scripted runs only.
        handed_off: Whether a follow-up task asks a seller to take over.
        follow_ups: All tasks that ask a seller how a meeting went, in order.
        notes: Parts of the notes on leads, each in one note.
        others: The same of other customers, or of sellers on their own phones.
    """

    events: list[EventState] | None = None
    tasks: list[TaskState] | None = None
    meeting_status: str | None = None
    link_saved: bool | None = None
    leads: int | None = None
    facts_told: list[Fact] = []
    told: list[str] = Field(default=[], json_schema_extra=JUDGED_WHEN_SCRIPTED)
    told_once: list[str] = Field(default=[], json_schema_extra=JUDGED_WHEN_SCRIPTED)
    never_told: list[str] = []
    replies: int | None = Field(default=None, json_schema_extra=JUDGED_WHEN_SCRIPTED)
    handed_off: bool = False
    follow_ups: list[TaskState] | None = None
    notes: list[str] = []
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
    """

    title: str
    only_scripted: str | None = None
    goal: str | None = None
    temper: str | None = None
    answers: dict[str, str | list[str]] = {}
    given: Given
    talk: list[Step] = Field(min_length=1)
    afterwards: Afterwards

    @model_validator(mode="after")
    def _judges_something(self) -> Self:
        if not self.afterwards.model_fields_set:
            raise ValueError("afterwards judges nothing")
        return self


@dataclass
class Verdict:
    """How a scenario ended: no complaints means passed."""

    complaints: list[str] = field(default_factory=list)
    transcript: list[dict[str, Any]] = field(default_factory=list)


def load_scenario(path: Path) -> Scenario:
    """Reads a scenario.

    Raises:
        ScenarioError: It is no YAML or has mistakes; all are named.
    """
    try:
        return Scenario.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise ScenarioError(f"{path} is no YAML: {error}") from None
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False)]
        raise ScenarioError("\n".join([f"{path} has mistakes:", *lines])) from None


def play(scenario: Scenario, business_file: Path, *, inspect: Callable[[Stack, People], None] | None = None) -> Verdict:
    """Plays a scenario with the scripted model on a sandbox of its own and judges what is left.

    Args:
        inspect: Called with everything still running, before the end.
    """
    with staged(scenario.given, business_file) as (stack, people):
        people.do("/model/mind", mind="script")
        complaints = [c for n, step in enumerate(scenario.talk, 1) for c in _play_step(n, step, stack, people)]
        complaints += judge(scenario.afterwards, people, our_calendars(business_file))
        if inspect:
            inspect(stack, people)
        return Verdict(complaints, people.chat())


@contextmanager
def staged(given: Given, business_file: Path, overrides: Mapping[str, Any] | None = None) -> Iterator[tuple[Stack, People]]:
    """A sandbox and a service in the given world, with nothing said yet.

    Args:
        overrides: Settings, stronger than the scenario's own.
    """
    with ExitStack() as running:
        sandbox = Sandbox().start()
        running.callback(sandbox.stop)
        sandbox.world.reset({"kommo": {"meeting_status": "select"}} if given.status_field == "select" else {})
        sandbox.world.clock.set(given.now)
        # The files are written for sellers who read Portuguese, whatever language the operator reads.
        settings = {"LOCALE": DEFAULT_LOCALE, **given.settings, **(overrides or {})}
        stack = Stack(
            business_file=business_file,
            business_changes=given.business,
            sandbox=sandbox,
            now=sandbox.world.clock.now,
            overrides=settings,
        )
        running.enter_context(stack)
        people = People(sandbox.control_url, given.phone, given.name)
        running.callback(people.close)
        _prepare(given, people)
        yield stack, people


def _prepare(given: Given, people: People) -> None:
    for busy in given.busy:
        _occupy(people, busy)
    if given.contact:
        contact = people.do("/seller/contact/create", name=given.contact.name, phone=given.contact.phone)
        people.do(
            "/seller/lead/create",
            name=f"Lead de {given.contact.name}",
            contact_id=contact["id"],
            responsible_user_id=given.contact.responsible_user_id,
        )


def _occupy(people: People, busy: BusyTime) -> None:
    people.do(
        "/calendar/event/add",
        calendar_id=busy.calendar,
        start=busy.start.isoformat(),
        end=busy.end.isoformat(),
        summary=busy.summary,
    )


def _play_step(number: int, step: Step, stack: Stack, people: People) -> list[str]:
    people.do("/model/script", steps=step.model)
    before_talk(step, stack, people)
    for said in step.customer:
        say(said, people, stack)
    after_talk(step, people)
    try:
        stack.settle()
    except TimeoutError as error:
        return [f"step {number}: {error}"]
    model = people.state()["openai"]
    complaints = [f"step {number}: the model was asked without a script: {u['why']}" for u in model["unexpected"]]
    if model["remaining"]:
        complaints.append(f"step {number}: the model was never asked for: {model['remaining']}")
    return complaints


def before_talk(step: Step, stack: Stack, people: People) -> None:
    """What happens in a step before the customer writes: bad days, controls, calendars, time."""
    for fault in step.faults:
        people.do("/faults", **fault)
    for path, fields in step.by_control.items():
        people.do(path, **fields)
    if step.calendar:
        _occupy(people, step.calendar)
    if step.wait_s is not None:
        stack.sandbox.world.clock.advance(step.wait_s)
    if step.until is not None:
        stack.sandbox.world.clock.set(step.until)


def say(said: Said, people: People, stack: Stack) -> None:
    """The customer, or another one, sends a message, and changes it at once when it says so."""
    fields: dict[str, Any] = {"kind": said.kind, **said.with_fields}
    for name in ("text", "transcript", "caption"):
        if getattr(said, name) is not None:
            fields[name] = getattr(said, name)
    if said.phone:
        fields |= {"phone": said.phone, "name": said.name}
    if said.quotes:
        fields["quoted_id"] = people.id_of(said.quotes, said.phone)
    sent = people.do("/customer/say", **{"phone": people.phone, "name": people.name, **fields})
    for _ in range(said.times - 1):
        people.do("/customer/say", **{"phone": people.phone, "name": people.name, **fields, "id": sent["id"]})
    if said.edited_to is not None or said.deleted:
        _wait_for_webhooks(stack)  # nobody edits within milliseconds; webhooks sent together may arrive in another order
    if said.edited_to is not None:
        people.do("/customer/edit", id=sent["id"], text=said.edited_to)
    if said.deleted:
        people.do("/customer/delete", id=sent["id"])


def _wait_for_webhooks(stack: Stack, within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not stack.sandbox.world.deliveries.idle:
        if time.monotonic() > deadline:
            raise TimeoutError(f"webhooks still under way after {within_s:g} s")
        time.sleep(0.01)


def after_talk(step: Step, people: People) -> None:
    """What a seller does in a step."""
    does = step.seller
    if does is None:
        return
    if does.delete_task:
        people.seller_deletes_task()
    if does.complete_task:
        people.seller_completes_task(does.result)
    if does.set_status is not None:
        people.seller_sets_field(123457, does.set_status or None)
    if does.types:
        people.seller_types(does.types)
