"""When a meeting may change, and the line that is written when it does."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from meetings.business import Seller
from meetings.tables import Change, Meeting, MeetingStatus

S = MeetingStatus

# From → to. Nothing revives a cancelled meeting; what took place and what did not may be corrected by the seller.
LEGAL: frozenset[tuple[MeetingStatus, MeetingStatus]] = frozenset(
    {
        (S.SCHEDULED, S.SCHEDULED),  # moved, or handed to another seller
        (S.SCHEDULED, S.COMPLETED),
        (S.SCHEDULED, S.NO_SHOW),
        (S.SCHEDULED, S.CANCELLED),
        (S.COMPLETED, S.NO_SHOW),
        (S.NO_SHOW, S.COMPLETED),
    }
)


class IllegalChangeError(Exception):
    """A change that the life of a meeting does not allow."""


def may_become(status: MeetingStatus, wanted: MeetingStatus) -> bool:
    return (status, wanted) in LEGAL


def revise(
    session: AsyncSession,
    meeting: Meeting,
    *,
    what: str,
    by: str,
    source: str,
    hint: str,
    now: datetime,
    status: MeetingStatus | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    seller: Seller | None = None,
    reason: str = "",
) -> None:
    """Makes the next revision of a meeting. Its effects (calendar, task, lead, notice) are now behind and will follow.

    Args:
        what: booked, moved, handed_over, cancelled, completed or no_show.
        by: customer, seller or system.
        source: task, lead, event, conversation or system.
        hint: What made us act: a key of the catalogue `story`, e.g. "task_deleted".
        seller: Who holds the meeting from now on, None when that stays. On another calendar it becomes a new event; the old one
            is deleted when the new one is there.
        reason: Why, in somebody's own words, if they gave any.

    Raises:
        IllegalChangeError: The status change is not in the table.
    """
    wanted = status or MeetingStatus(meeting.status)
    if not may_become(MeetingStatus(meeting.status), wanted):
        raise IllegalChangeError(f"meeting {meeting.id} is {meeting.status} and can't become {wanted}")
    before = snapshot(meeting)
    outdone = _outdone(meeting, wanted) if by == "customer" else {}
    meeting.status = wanted
    meeting.starts_at = starts_at or meeting.starts_at
    meeting.ends_at = ends_at or meeting.ends_at
    if seller is not None:
        _hand_over(meeting, seller)
    meeting.revision += 1
    meeting.attempts, meeting.next_try_at, meeting.problem = 0, None, None
    meeting.wish, meeting.look_at = None, None
    meeting.updated_at = now
    session.add(
        Change(
            meeting_id=meeting.id,
            revision=meeting.revision,
            what=what,
            by=by,
            source=source,
            hint=hint,
            before=before,
            after=snapshot(meeting) | ({"reason": reason} if reason else {}) | outdone,
            at=now,
        )
    )


def _outdone(meeting: Meeting, wanted: MeetingStatus) -> dict[str, str]:
    """The seller's order that still waited when the customer cancelled, kept so that the seller hears what became of it."""
    wish = meeting.wish or {}
    if wanted is not S.CANCELLED or wish.get("status") == S.CANCELLED or not wish.get("because"):
        return {}
    return {"outdone": wish["because"]}


def _hand_over(meeting: Meeting, seller: Seller) -> None:
    meeting.kommo_user_id = seller.kommo_user_id
    if seller.calendar_id == meeting.calendar_id:
        return
    # An event can't keep its id on another calendar for sure, so it is made anew there and deleted here.
    meeting.old_events = [*(meeting.old_events or []), {"calendar_id": meeting.calendar_id, "event_id": meeting.event_id}]
    meeting.calendar_id, meeting.event_id, meeting.generation = seller.calendar_id, uuid4().hex, 1


def first_change(
    meeting: Meeting, now: datetime, *, by: str = "customer", source: str = "conversation", hint: str = "customer_booked"
) -> Change:
    """The line for the booking itself."""
    return Change(
        meeting_id=meeting.id,
        revision=1,
        what="booked",
        by=by,
        source=source,
        hint=hint,
        before={},
        after=snapshot(meeting),
        at=now,
    )


def notice_key(change: Change) -> str:
    """The key of the message that tells the customer of a change."""
    return f"meeting:{change.meeting_id}:{change.revision}:{change.what}"


def snapshot(meeting: Meeting) -> dict[str, Any]:
    """What of a meeting the customer, the calendar and the CRM must agree on."""
    return {
        "status": str(meeting.status),
        "starts_at": meeting.starts_at.isoformat(),
        "ends_at": meeting.ends_at.isoformat(),
        "kommo_user_id": meeting.kommo_user_id,
    }
