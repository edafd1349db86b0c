"""What a comparison is made of: task, lead and event as it sees them, the base kept with the meeting, the rules."""

from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter

from clients.calendar import CalendarEvent
from clients.kommo import LOST, KommoLead, KommoTask
from meetings.business import Business
from meetings.decide import EVENT, LEAD, TASK, Agreed, Crm, EventSeen, LeadSeen, Rules, Shown, TaskSeen
from meetings.tables import Change, Meeting, MeetingStatus

_TASK, _LEAD, _EVENT = TypeAdapter(TaskSeen), TypeAdapter(LeadSeen), TypeAdapter(EventSeen)


def rules_of(business: Business) -> Rules:
    """What of the business file bears on decisions."""
    return Rules(
        words=business.result_words,
        sellers=frozenset(seller.kommo_user_id for seller in business.sellers),
        lead_lost=business.sync.lead_lost,
        lead_deleted=business.sync.lead_deleted,
    )


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


def event_seen(event: CalendarEvent | None, guest: str | None, holder: int | None = None) -> EventSeen:
    """Of a deleted event Google promises nothing but its id.

    Args:
        guest: The customer's address as it was invited; what others on the list answer is between them and the seller. None when
            we invited nobody: then it is the only one on the list who is not of the seller's own house, invited by the seller.
        holder: The seller on whose calendar it was found, if another.
    """
    if event is None or event.is_cancelled:
        return EventSeen(is_gone=True, updated_at=event.updated_at if event else None)
    return EventSeen(
        is_untimed=event.starts_at is None,
        is_declined=_customer_declined(event, guest),
        holder=holder,
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        updated_at=event.updated_at,
        meet_link=event.meet_link,
    )


def _customer_declined(event: CalendarEvent, guest: str | None) -> bool:
    if guest is None:
        house = event.organizer.rpartition("@")[2].casefold()
        others = [one for one in event.guests if not one.is_self and one.email.rpartition("@")[2].casefold() != house]
        return len(others) == 1 and others[0].response == "declined"
    return any(one.response == "declined" and one.is_address(guest) for one in event.guests)


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
    task, lead, event = kept.get(TASK), kept.get(LEAD), kept.get(EVENT)
    return Shown(
        _TASK.validate_python(task) if task else None,
        _LEAD.validate_python(lead) if lead else None,
        _EVENT.validate_python(event) if event else None,
    )


def remember(meeting: Meeting, crm: Crm, event: EventSeen | None, *, has_new_event: bool = False) -> None:
    """Makes what was read or written the base; what is None keeps its old one.

    Args:
        has_new_event: What was read belongs to an event that the meeting has left; of the new one nothing is known.
    """
    shown = dict(meeting.shown or {})
    if crm.task is not None and not crm.task.is_gone:
        shown[TASK] = _TASK.dump_python(crm.task, mode="json")
    if crm.lead is not None and not crm.lead.is_gone:
        shown[LEAD] = _LEAD.dump_python(crm.lead, mode="json")
    if event is not None and not event.is_gone:
        meeting.meet_link = meeting.meet_link or event.meet_link or None  # Google may make it after the event
        shown[EVENT] = _EVENT.dump_python(event, mode="json")
    if has_new_event:
        shown.pop(EVENT, None)
    meeting.shown = shown


def _moment(epoch_s: int) -> datetime | None:
    return datetime.fromtimestamp(epoch_s, UTC) if epoch_s else None
