"""Meetings as the panel shows them: what is agreed, how far it has come in the world, and who changed what."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from meetings.booking import newest_meeting_of_lead
from meetings.lifecycle import notice_key
from meetings.outbox import OTHER_FORM
from meetings.tables import Change, Customer, Meeting, MeetingPhase, MeetingStatus, Message, MessageState, Proof


class Progress(StrEnum):
    """How far an effect of a meeting's newest revision has come. none: there is nothing to do."""

    DONE = "done"
    BEHIND = "behind"
    FAILED = "failed"
    NONE = "none"


@dataclass(frozen=True)
class Receipt:
    """One effect.

    Attributes:
        of: event, lead, task or notice.
        what: Names the sentence that says it: `receipt_<what>` in the panel's catalogue.
    """

    of: str
    progress: Progress
    what: str


@dataclass(frozen=True)
class MeetingSeen:
    """A meeting with everything that is shown of it. `is_held`: the calendar has not confirmed it yet."""

    meeting: Meeting
    customer: Customer
    lead_url: str | None
    receipts: list[Receipt]
    changes: list[Change]

    @property
    def is_held(self) -> bool:
        return self.meeting.phase == MeetingPhase.HELD

    @property
    def is_settled(self) -> bool:
        """Everything has come through, the customer's notice too."""
        return all(receipt.progress in (Progress.DONE, Progress.NONE) for receipt in self.receipts)


async def see_meetings(session: AsyncSession, meetings: Sequence[Meeting], lead_url: Callable[[int], str]) -> list[MeetingSeen]:
    """The meetings, in the order given, with their receipts and their history (oldest line first)."""
    ids = [meeting.id for meeting in meetings]
    wanted = {meeting.customer_id for meeting in meetings}
    customers = {c.id: c for c in await session.scalars(select(Customer).where(Customer.id.in_(wanted)))}
    changes: dict[int, list[Change]] = {}
    for change in await session.scalars(select(Change).where(Change.meeting_id.in_(ids)).order_by(Change.revision)):
        changes.setdefault(change.meeting_id, []).append(change)
    keys = [notice_key(lines[-1]) for lines in changes.values()]
    # The try at the other form of the number comes later, and says how it stands now.
    keys += [f"{OTHER_FORM}{key}" for key in keys]
    notices: dict[int | None, Message] = {}
    for message in await session.scalars(select(Message).where(Message.key.in_(keys)).order_by(Message.id)):
        known = notices.get(message.meeting_id)
        if known is None or known.state not in (MessageState.DELIVERED, MessageState.READ):
            notices[message.meeting_id] = message
    seen = []
    for meeting in meetings:
        newest = await newest_meeting_of_lead(session, meeting.kommo_lead_id) if meeting.kommo_lead_id else None
        receipts = [
            _event(meeting),
            _lead(meeting, is_shown=newest is None or newest.id == meeting.id),
            _task(meeting),
            _notice(meeting, notices.get(meeting.id)),
        ]
        url = lead_url(meeting.kommo_lead_id) if meeting.kommo_lead_id else None
        seen.append(MeetingSeen(meeting, customers[meeting.customer_id], url, receipts, changes.get(meeting.id, [])))
    return seen


def _event(meeting: Meeting) -> Receipt:
    if meeting.event_rev < meeting.revision:
        return Receipt("event", Progress.BEHIND, "event_behind")
    is_gone = meeting.status == MeetingStatus.CANCELLED
    return Receipt("event", Progress.DONE, "event_gone" if is_gone else "event_there")


def _lead(meeting: Meeting, *, is_shown: bool) -> Receipt:
    if meeting.lead_rev < meeting.revision:
        return Receipt("lead", Progress.BEHIND, "lead_behind")
    if meeting.kommo_lead_id is None:
        return Receipt("lead", Progress.NONE, "lead_none")
    if not is_shown:
        return Receipt("lead", Progress.NONE, "lead_newer")
    is_read_back = meeting.status == MeetingStatus.SCHEDULED
    return Receipt("lead", Progress.DONE, "lead_read_back" if is_read_back else "lead_written")


def _task(meeting: Meeting) -> Receipt:
    if meeting.task_rev < meeting.revision:
        return Receipt("task", Progress.BEHIND, "task_behind")
    if meeting.kommo_task_id is None:
        return Receipt("task", Progress.NONE, "task_none")
    return Receipt("task", Progress.DONE, "task_open" if meeting.status == MeetingStatus.SCHEDULED else "task_closed")


def _notice(meeting: Meeting, notice: Message | None) -> Receipt:
    if notice and notice.proof == Proof.SELLER_TOLD:
        return Receipt("notice", Progress.FAILED, "notice_unproven")
    match notice.state if notice else None:
        case MessageState.FAILED:
            return Receipt("notice", Progress.FAILED, "notice_failed")
        case MessageState.SENT if notice and notice.proof in (Proof.AWAITED, Proof.OTHER_FORM):
            return Receipt("notice", Progress.BEHIND, "notice_sent")
        case MessageState.SENT | MessageState.DELIVERED | MessageState.READ as state:
            return Receipt("notice", Progress.DONE, f"notice_{state}")
    if meeting.notice_rev < meeting.revision:
        return Receipt("notice", Progress.BEHIND, "notice_behind")
    return Receipt("notice", Progress.NONE, "notice_none")
