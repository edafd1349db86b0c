"""A conversation as data: given, what people say and do, what the model does, and the state that must be left behind.

The files live in tests/conversations/*.yaml. With a scripted model every step of the script must be consumed exactly.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from cli.people import People
from cli.stack import Stack
from meetings.business import load_business
from sandbox.server import Sandbox


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
    """The world before anybody speaks."""

    now: AwareDatetime
    phone: str = "5511987654321"
    name: str = "Maria Souza"
    busy: list[BusyTime] = []
    contact: KnownContact | None = None
    status_field: Literal["text", "select"] = "text"
    settings: dict[str, Any] = {}


class SellerDoes(_Part):
    """One act of a seller in Kommo or on the phone."""

    delete_task: bool = False
    complete_task: bool = False
    result: str | None = None
    set_status: str | None = None
    types: str | None = None


class Step(_Part):
    """One thing that happens, and what the model does then (its script; empty when it must not be asked).

    Attributes:
        customer: One message, or several in quick succession.
        calendar: Somebody writes something onto a calendar.
        wait_s: Time passes (seconds).
        by_control: Any other control of the sandbox, path to fields.
        faults: What goes wrong with the next calls, set before the rest of the step.
    """

    customer: str | list[str] | None = None
    seller: SellerDoes | None = None
    calendar: BusyTime | None = None
    wait_s: float | None = None
    by_control: dict[str, dict[str, Any]] = {}
    faults: list[dict[str, Any]] = []
    model: list[dict[str, Any]] = []


class EventState(_Part):
    calendar: str | None = None
    start: AwareDatetime | None = None
    cancelled: bool = False


class TaskState(_Part):
    completed: bool = False
    deadline: AwareDatetime | None = None
    result: str | None = None


class Afterwards(_Part):
    """The state that must be left behind. What is not named is not judged, except that no list may be longer than given.

    Attributes:
        events: All events on the calendars that we made, in order.
        tasks: All meeting tasks that exist, in order.
        meeting_status: What stands on the lead; "" for nothing.
        link_saved: Whether the lead's link is that of the newest event.
        leads: How many leads there are.
        told: Texts the customer must have been told, each part of one message, in this order.
        told_once: Parts that stand in exactly one message.
        never_told: Parts that stand in no message.
        replies: How many messages the customer got from us in all.
        handed_off: Whether a follow-up task asks a seller to take over.
    """

    events: list[EventState] | None = None
    tasks: list[TaskState] | None = None
    meeting_status: str | None = None
    link_saved: bool | None = None
    leads: int | None = None
    told: list[str] = []
    told_once: list[str] = []
    never_told: list[str] = []
    replies: int | None = None
    handed_off: bool = False


class Scenario(_Part):
    """One file."""

    title: str
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
    sandbox = Sandbox().start()
    try:
        sandbox.world.reset(_seed(scenario.given))
        sandbox.world.clock.set(scenario.given.now)
        stack = Stack(
            business_file=business_file, sandbox=sandbox, now=sandbox.world.clock.now, overrides=scenario.given.settings
        )
        with stack:
            people = People(sandbox.control_url, scenario.given.phone, scenario.given.name)
            try:
                _prepare(scenario.given, people)
                complaints = [c for n, step in enumerate(scenario.talk, 1) for c in _play_step(n, step, stack, people)]
                complaints += judge(scenario.afterwards, people, _our_calendars(business_file))
                if inspect:
                    inspect(stack, people)
                return Verdict(complaints, people.chat())
            finally:
                people.close()
    finally:
        sandbox.stop()


def _seed(given: Given) -> dict[str, Any]:
    return {"kommo": {"meeting_status": "select"}} if given.status_field == "select" else {}


def _prepare(given: Given, people: People) -> None:
    people.do("/model/mind", mind="script")
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
    for fault in step.faults:
        people.do("/faults", **fault)
    for path, fields in step.by_control.items():
        people.do(path, **fields)
    if step.calendar:
        _occupy(people, step.calendar)
    if step.wait_s is not None:
        stack.sandbox.world.clock.advance(step.wait_s)
    if step.customer is not None:
        for text in [step.customer] if isinstance(step.customer, str) else step.customer:
            people.customer_says(text)
    if step.seller:
        _seller_acts(step.seller, people)
    try:
        stack.settle()
    except TimeoutError as error:
        return [f"step {number}: {error}"]
    model = people.state()["openai"]
    complaints = [f"step {number}: the model was asked without a script: {u['why']}" for u in model["unexpected"]]
    if model["remaining"]:
        complaints.append(f"step {number}: the model was never asked for: {model['remaining']}")
    return complaints


def _seller_acts(does: SellerDoes, people: People) -> None:
    if does.delete_task:
        people.seller_deletes_task()
    if does.complete_task:
        people.seller_completes_task(does.result)
    if does.set_status is not None:
        people.seller_sets_field(123457, does.set_status or None)
    if does.types:
        people.seller_types(does.types)


def _our_calendars(business_file: Path) -> list[str]:
    return [str(seller.calendar_id) for seller in load_business(business_file, "unused").sellers]


def judge(wanted: Afterwards, people: People, calendars: Sequence[str]) -> list[str]:
    """What of the wanted state is not so, one line each."""
    state = people.state()
    complaints: list[str] = []
    ours = [e for e in people.events(state) if e.calendar_id in calendars and people.name in e.summary]
    if wanted.events is not None:
        complaints += _compare_events(wanted.events, ours)
    if wanted.tasks is not None:
        complaints += _compare_tasks(wanted.tasks, people.tasks(state))
    leads = state["kommo"]["leads"]
    if wanted.leads is not None and len(leads) != wanted.leads:
        complaints.append(f"there are {len(leads)} leads, not {wanted.leads}")
    fields = leads[-1]["fields"] if leads else {}
    if wanted.meeting_status is not None and (fields.get("meeting_status") or "") != wanted.meeting_status:
        complaints.append(f"meeting_status on the lead is {fields.get('meeting_status')!r}, not {wanted.meeting_status!r}")
    if wanted.link_saved is not None:
        link = fields.get("google_calendar_link") or ""
        is_saved = bool(ours) and link == ours[-1].link
        if is_saved is not wanted.link_saved:
            complaints.append(f"google_calendar_link on the lead is {link!r}")
    complaints += _compare_told(wanted, people.told(state))
    handed_off = any(not t["is_completed"] for t in people.tasks(state, task_type_id=1))
    if handed_off is not wanted.handed_off:
        complaints.append("a seller was asked to take over" if handed_off else "no seller was asked to take over")
    return complaints


def _compare_events(wanted: Sequence[EventState], found: Sequence[Any]) -> list[str]:
    if len(wanted) != len(found):
        return [f"there are {len(found)} events, not {len(wanted)}: {found}"]
    complaints = []
    for n, (want, event) in enumerate(zip(wanted, found, strict=True), 1):
        if want.cancelled is not event.is_cancelled:
            complaints.append(f"event {n} is {'cancelled' if event.is_cancelled else 'not cancelled'}")
        if want.start and want.start != event.starts_at:
            complaints.append(f"event {n} starts {event.starts_at}, not {want.start}")
        if want.calendar and want.calendar != event.calendar_id:
            complaints.append(f"event {n} is on {event.calendar_id}, not {want.calendar}")
    return complaints


def _compare_tasks(wanted: Sequence[TaskState], found: Sequence[dict[str, Any]]) -> list[str]:
    if len(wanted) != len(found):
        return [f"there are {len(found)} meeting tasks, not {len(wanted)}: {found}"]
    complaints = []
    for n, (want, task) in enumerate(zip(wanted, found, strict=True), 1):
        if want.completed is not task["is_completed"]:
            complaints.append(f"task {n} is {'completed' if task['is_completed'] else 'open'}")
        if want.deadline and int(want.deadline.timestamp()) != task["complete_till"]:
            complaints.append(f"task {n} has deadline {task['complete_till']}, not {want.deadline}")
        if want.result and want.result not in str(task.get("result")):
            complaints.append(f"task {n} has result {task.get('result')!r}, not {want.result!r}")
    return complaints


def _compare_told(wanted: Afterwards, told: Sequence[str]) -> list[str]:
    complaints = []
    at = 0
    for part in wanted.told:
        found = next((n for n in range(at, len(told)) if part in told[n]), None)
        if found is None:
            complaints.append(f"the customer was not told (in this order) {part!r}")
        else:
            at = found + 1
    for part in wanted.told_once:
        count = sum(part in text for text in told)
        if count != 1:
            complaints.append(f"{part!r} was told {count} times, not once")
    complaints += [f"the customer was told {part!r}" for part in wanted.never_told if any(part in text for text in told)]
    if wanted.replies is not None and len(told) != wanted.replies:
        complaints.append(f"the customer got {len(told)} messages, not {wanted.replies}: {told}")
    return complaints
