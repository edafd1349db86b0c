"""When a meeting may change, and the line that is written when it does."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from meetings.tables import Change, Meeting, MeetingStatus

S = MeetingStatus

# From → to. Nothing revives a cancelled meeting; what took place and what did not may be corrected by the seller.
LEGAL: frozenset[tuple[MeetingStatus, MeetingStatus]] = frozenset(
    {
        (S.SCHEDULED, S.SCHEDULED),  # moved
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
) -> None:
    """Makes the next revision of a meeting. Its effects (calendar, task, lead, notice) are now behind and will follow.

    Args:
        what: booked, moved, cancelled, completed or no_show.
        by: customer, seller or system.
        source: task, lead, event, conversation or system.
        hint: What made us look, in plain words without customers' data, e.g. "task 77 was deleted".

    Raises:
        IllegalChangeError: The status change is not in the table.
    """
    wanted = status or MeetingStatus(meeting.status)
    if not may_become(MeetingStatus(meeting.status), wanted):
        raise IllegalChangeError(f"meeting {meeting.id} is {meeting.status} and can't become {wanted}")
    before = snapshot(meeting)
    meeting.status = wanted
    meeting.starts_at = starts_at or meeting.starts_at
    meeting.ends_at = ends_at or meeting.ends_at
    meeting.revision += 1
    meeting.attempts, meeting.next_try_at, meeting.problem = 0, None, None
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
            after=snapshot(meeting),
            at=now,
        )
    )


def first_change(meeting: Meeting, now: datetime) -> Change:
    """The line for the booking itself."""
    return Change(
        meeting_id=meeting.id,
        revision=1,
        what="booked",
        by="customer",
        source="conversation",
        hint="the customer chose an offered time",
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
