"""Takes a seller's word on how a meeting went, wherever it was given, and lets it settle."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from meetings.answers import SellerAnswer
from meetings.business import Business
from meetings.database import Database
from meetings.lifecycle import may_become, revise, snapshot
from meetings.tables import Customer, Meeting, MeetingStatus, SellerMessage, Touch, TouchKind
from meetings.touch_plan import awake, touch_key

_REBOOK_WITHIN = timedelta(days=2)
_STATUS = {
    SellerAnswer.COMPLETED: MeetingStatus.COMPLETED,
    SellerAnswer.NO_SHOW: MeetingStatus.NO_SHOW,
    SellerAnswer.REBOOK: MeetingStatus.CANCELLED,
    SellerAnswer.CANCELLED: MeetingStatus.CANCELLED,
}


class Taken(StrEnum):
    """What became of an answer.

    taken: the meeting changed. already: it was so. moved: the question was about another time. refused: the meeting's life does
    not allow it any more.
    """

    TAKEN = "taken"
    ALREADY = "already"
    MOVED = "moved"
    REFUSED = "refused"


class Outcomes:
    """The one way in which an answer changes a meeting. Runs in the customer's lane."""

    def __init__(
        self, db: Database, settle: Callable[[int], Awaitable[object]], business: Business, now: Callable[[], datetime]
    ) -> None:
        """`settle`: carries a meeting's (by id) newest revision out, as far as the services let it."""
        self.db, self.settle, self.business, self.now = db, settle, business, now

    async def take(self, touch_id: int, answer: SellerAnswer, hint: str, message_id: int | None = None) -> Taken:
        """Makes the next revision and settles it. Repeated for the same message it changes nothing more.

        Args:
            hint: Where the answer was given: a key of the catalogue `story`.
            message_id: The seller's message, when it was given in one.
        """
        async with self.db.transaction() as session:
            touch = await session.get_one(Touch, touch_id)
            meeting = await session.get_one(Meeting, touch.meeting_id)
            message = await session.get_one(SellerMessage, message_id) if message_id is not None else None
            if message is not None and message.applied_at is not None:
                taken = Taken.TAKEN
            else:
                taken = await self._revise(session, touch, meeting, answer, hint)
                if message is not None and taken is Taken.TAKEN:
                    message.applied_at = self.now()
        await self.settle(meeting.id)
        return taken

    async def _revise(self, session: AsyncSession, touch: Touch, meeting: Meeting, answer: SellerAnswer, hint: str) -> Taken:
        wanted = _STATUS[answer]
        if meeting.starts_at != touch.starts_at:
            return Taken.MOVED
        if meeting.status == wanted:
            return Taken.ALREADY
        if not may_become(MeetingStatus(meeting.status), wanted):
            return Taken.REFUSED
        now = self.now()
        revise(session, meeting, what=wanted.value, by="seller", source="conversation", hint=hint, now=now, status=wanted)
        customer = await session.get_one(Customer, meeting.customer_id)
        if answer is SellerAnswer.REBOOK and customer.opted_out_at is None:
            # The customer hears of it in the message that offers times: "was cancelled" would be odd after the hour.
            meeting.notice_rev, meeting.told = meeting.revision, snapshot(meeting)
            await self._plan_rebook(session, meeting, now)
        return Taken.TAKEN

    async def _plan_rebook(self, session: AsyncSession, meeting: Meeting, now: datetime) -> None:
        key = touch_key(meeting, TouchKind.REBOOK)
        if await session.scalar(select(Touch.id).where(Touch.key == key)) is not None:
            return
        due = awake(self.business, now)
        session.add(
            Touch(
                meeting_id=meeting.id,
                kind=TouchKind.REBOOK,
                key=key,
                starts_at=meeting.starts_at,
                due_at=due,
                useful_until=due + _REBOOK_WITHIN,
            )
        )
