"""What sellers, calendar owners and guests do in a scenario: the form of an act, and its doing through the sandbox's controls."""

from datetime import date, timedelta
from typing import Any, ClassVar, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from cli.people import People
from clients.kommo import LOST


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewTask(_Part):
    """A task that a seller makes by hand on the newest lead. Type 2 is Kommo's Meeting."""

    deadline: AwareDatetime
    duration_s: int = 3600
    responsible_user_id: int = 10001
    text: str = "Reunião"
    type: int = 2


class _OneAct(_Part):
    """Exactly one of the acts; the rest says how it is done."""

    how: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="after")
    def _is_one_act(self) -> Self:
        if len(self.model_fields_set - self.how) != 1:
            raise ValueError("give exactly one act; several are a list")
        return self

    @property
    def act(self) -> str:
        """The name of what is done."""
        return next(iter(self.model_fields_set - self.how))


class SellerDoes(_OneAct):
    """One act of a seller in Kommo or on the phone.

    Attributes:
        result: Of the task that is completed.
        via: Where it is completed: on the lead's card or in the calendar of tasks; Kommo announces that differently.
        duration_s: New length of the task that is moved, in seconds; it keeps its own unless given.
        task: Which of the meeting tasks that exist, 1 for the oldest; the newest open one unless given.
    """

    how: ClassVar[frozenset[str]] = frozenset({"result", "via", "duration_s", "task"})

    delete_task: Literal[True] | None = None
    complete_task: Literal[True] | None = None
    reopen_task: Literal[True] | None = None
    move_task: AwareDatetime | None = None
    reassign_task: int | None = None
    edit_task: str | None = None
    create_task: NewTask | None = None
    set_status: str | None = None
    set_link: str | None = None
    reassign_lead: int | None = None
    stage_lead: int | None = None
    lose_lead: Literal[True] | None = None
    delete_lead: Literal["silent", "announce", "keep"] | None = None
    merge_lead: Literal[True] | None = None
    types: str | None = None
    result: str | None = None
    via: Literal["card", "calendar"] | None = None
    duration_s: int | None = None
    task: int | None = Field(default=None, ge=1)


class OnCalendar(_OneAct):
    """One act on the event, by the calendar's owner or by a guest.

    Attributes:
        until: New end of the event that is moved; it keeps its length unless given.
        event: Which of the meetings' events that are not cancelled, 1 for the oldest; the newest unless given.
    """

    how: ClassVar[frozenset[str]] = frozenset({"until", "event"})

    move_event: AwareDatetime | None = None
    make_all_day: date | None = None
    edit_event: dict[str, str] | None = None
    delete_event: Literal[True] | None = None
    transfer: str | None = None
    invite: str | None = None
    decline: str | None = None
    until: AwareDatetime | None = None
    event: int | None = Field(default=None, ge=1)


def do_as_seller(does: SellerDoes, people: People) -> None:
    """One act in Kommo, or on the phone.

    Raises:
        LookupError: There is no such task or lead.
        SandboxRefusedError: It can't be done.
    """
    value: Any = getattr(does, does.act)
    match does.act:
        case "delete_task":
            people.seller_deletes_task(people.task_id(does.task))
        case "complete_task":
            people.seller_completes_task(does.result, people.task_id(does.task), via=does.via)
        case "reopen_task":
            people.do("/seller/task/reopen", task_id=people.task_id(does.task))
        case "move_task":
            people.seller_moves_task(value, people.task_id(does.task), duration_s=does.duration_s)
        case "reassign_task":
            people.do("/seller/task/reassign", task_id=people.task_id(does.task), responsible_user_id=value)
        case "edit_task":
            people.do("/seller/task/edit", task_id=people.task_id(does.task), text=value)
        case "create_task":
            _create_task(value, people)
        case "set_status":
            people.seller_sets_field(123457, value or None)
        case "set_link":
            people.seller_sets_field(123456, value or None)
        case "types":
            people.seller_types(value)
        case _:
            _change_lead(does.act, value, people)


def _change_lead(act: str, value: Any, people: People) -> None:
    lead_id = people.lead()["id"]
    match act:
        case "reassign_lead":
            people.do("/seller/lead/reassign", lead_id=lead_id, responsible_user_id=value)
        case "stage_lead":
            people.do("/seller/lead/stage", lead_id=lead_id, status_id=value)
        case "lose_lead":
            people.do("/seller/lead/stage", lead_id=lead_id, status_id=LOST)
        case "delete_lead":
            people.do("/seller/lead/delete", lead_id=lead_id, tasks=value)
        case "merge_lead":
            other = people.do("/seller/lead/create", name="O mesmo cliente outra vez")
            people.do("/seller/lead/merge", lead_id=lead_id, into_id=other["id"])


def _create_task(new: NewTask, people: People) -> None:
    people.do(
        "/seller/task/create",
        lead_id=people.lead()["id"],
        text=new.text,
        complete_till=int(new.deadline.timestamp()),
        duration=new.duration_s,
        responsible_user_id=new.responsible_user_id,
        task_type_id=new.type,
    )


def do_on_calendar(does: OnCalendar, people: People) -> None:
    """One act in Google Calendar.

    Raises:
        LookupError: There is no such event.
        SandboxRefusedError: It can't be done.
    """
    value: Any = getattr(does, does.act)
    event = people.event(does.event)
    which = {"calendar_id": event.calendar_id, "event_id": event.id}
    match does.act:
        case "move_event":
            end = {"end": does.until.isoformat()} if does.until else {}
            people.do("/calendar/event/move", **which, start=value.isoformat(), **end)
        case "make_all_day":
            day_after = value + timedelta(days=1)
            people.do("/calendar/event/move", **which, start=value.isoformat(), end=day_after.isoformat())
        case "edit_event":
            people.do("/calendar/event/edit", **which, **value)
        case "delete_event":
            people.do("/calendar/event/delete", **which)
        case "transfer":
            people.do("/calendar/event/transfer", **which, destination=value)
        case "invite":
            people.do("/calendar/event/invite", **which, email=value)
        case "decline":
            people.do("/calendar/event/respond", **which, email=value, response="declined")
