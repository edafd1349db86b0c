"""Task, lead and event as the comparison sees them, and the base it compares with, kept with the meeting."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from clients.calendar import CalendarEvent
from clients.kommo import LOST, KommoLead, KommoTask
from meetings.business import Business
from meetings.decide import EVENT, LEAD, TASK, Agreed, Crm, EventSeen, LeadSeen, Shown, TaskSeen
from meetings.tables import Change, Meeting, MeetingStatus

_Seen = TypeVar("_Seen", TaskSeen, LeadSeen, EventSeen)


def task_seen(task: KommoTask | None, meeting: Meeting, business: Business) -> TaskSeen:
    """A task in terms of the meeting's time. A duration of 0 says nothing: the meeting keeps its length then."""
    if task is None:
        return TaskSeen(is_gone=True)
    length = timedelta(seconds=task.duration_s) if task.duration_s > 0 else meeting.ends_at - meeting.starts_at
    starts_at = task.deadline if business.kommo.task_deadline == "start" else task.deadline - length
    return TaskSeen(
        is_completed=task.is_completed,
        result=task.result,
        starts_at=starts_at,
        ends_at=starts_at + length,
        responsible=task.responsible_user_id,
        updated_at=_moment(task.updated_at),
    )


def lead_seen(lead: KommoLead | None, field_ids: tuple[int, int], *, speaks: bool) -> LeadSeen:
    """`field_ids`: google_calendar_link and meeting_status. `speaks`: they are about the meeting in question."""
    if lead is None:
        return LeadSeen(is_gone=True, speaks=speaks)
    link_field, status_field = field_ids
    return LeadSeen(
        is_lost=lead.status_id == LOST,
        speaks=speaks,
        status=lead.fields.get(status_field),
        link=lead.fields.get(link_field),
        responsible=lead.responsible_user_id,
        updated_at=_moment(lead.updated_at),
    )


def event_seen(event: CalendarEvent | None) -> EventSeen:
    """Of a deleted event Google promises nothing but its id."""
    if event is None or event.is_cancelled:
        return EventSeen(is_gone=True, updated_at=event.updated_at if event else None)
    return EventSeen(
        is_untimed=event.starts_at is None,
        is_declined=any(guest.response == "declined" and not guest.is_self for guest in event.guests),
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        updated_at=event.updated_at,
    )


def agreed_of(meeting: Meeting, change: Change) -> Agreed:
    """What stands with us: the meeting, what made it so, and the base."""
    revs = {TASK: meeting.task_rev, LEAD: meeting.lead_rev, EVENT: meeting.event_rev}
    return Agreed(
        status=MeetingStatus(meeting.status),
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        link=meeting.link,
        kommo_user_id=meeting.kommo_user_id,
        changed_at=change.at,
        source=change.source,
        shown=shown_of(meeting),
        pending=frozenset(name for name, rev in revs.items() if rev < meeting.revision),
    )


def shown_of(meeting: Meeting) -> Shown:
    kept = meeting.shown or {}
    return Shown(_load(TaskSeen, kept.get(TASK)), _load(LeadSeen, kept.get(LEAD)), _load(EventSeen, kept.get(EVENT)))


def remember(meeting: Meeting, crm: Crm, event: EventSeen | None, *, has_new_event: bool = False) -> None:
    """Makes what was read or written the base; what is None keeps its old one.

    Args:
        has_new_event: What was read belongs to an event that the meeting has left; of the new one nothing is known.
    """
    shown = dict(meeting.shown or {})
    for name, seen in ((TASK, crm.task), (LEAD, crm.lead), (EVENT, event)):
        if seen is not None and not seen.is_gone:
            shown[name] = {key: _plain(value) for key, value in asdict(seen).items()}
    if has_new_event:
        shown.pop(EVENT, None)
    meeting.shown = shown


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _load(kind: type[_Seen], kept: Mapping[str, Any] | None) -> _Seen | None:
    if not kept:
        return None
    times = {"starts_at", "ends_at", "updated_at"}
    known = {field.name for field in fields(kind)}
    return kind(
        **{
            key: datetime.fromisoformat(value) if key in times and value else value
            for key, value in kept.items()
            if key in known
        }
    )


def _moment(epoch_s: int) -> datetime | None:
    return datetime.fromtimestamp(epoch_s, UTC) if epoch_s else None
