"""Later words to a customer who did not come, and times for one whom the seller wants to meet anew."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from clients.kommo import KommoClient
from meetings.booking import upcoming_meeting
from meetings.database import Database
from meetings.invitations import Invitations
from meetings.outbox import Outbox
from meetings.tables import (
    Author,
    Change,
    Customer,
    Meeting,
    MeetingPhase,
    MeetingStatus,
    Message,
    MessageState,
    Touch,
)
from meetings.touch_checks import Result, Witness, talk_ends
from meetings.touch_plan import missed_at


class Rescue:
    """The touches after a meeting that did not take place."""

    def __init__(
        self,
        db: Database,
        kommo: KommoClient,
        outbox: Outbox,
        invitations: Invitations,
        witness: Witness,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self.db, self.kommo, self.outbox = db, kommo, outbox
        self.invitations, self.witness, self.now = invitations, witness, now

    async def write_again(self, touch: Touch) -> Result:
        """Invites a customer who did not come once more, unless something has happened since.

        Raises:
            ServiceError: To be tried again.
        """
        await self.witness.look_at(touch)
        async with self.db.transaction() as session:
            meeting = await session.get_one(Meeting, touch.meeting_id)
            why_not = await self._why_not(session, meeting)
        if why_not:
            return Result(why_not)
        if meeting.kommo_lead_id is not None:
            lead = await self.kommo.get_lead(meeting.kommo_lead_id)
            if lead is None or not lead.is_open:
                return Result("lead closed")
        text = await self.invitations.text(meeting.id, touch.key, "rescue")
        return await self._post(touch, meeting, text)

    async def offer_anew(self, touch: Touch) -> Result:
        """Offers times in place of a meeting that the seller wants to hold at another time.

        Raises:
            ServiceError: To be tried again.
        """
        async with self.db.transaction() as session:
            meeting = await session.get_one(Meeting, touch.meeting_id)
            customer = await session.get_one(Customer, meeting.customer_id)
            has_another = await upcoming_meeting(session, customer.id, self.now()) is not None
            until = await talk_ends(session, customer.id, self.now())
        if customer.opted_out_at is not None:
            return Result("opted out")
        if has_another:
            return Result("booked again")
        if until is not None:
            return Result("somebody is talking", again_at=until)
        text = await self.invitations.text(meeting.id, touch.key, "rebook")
        return await self._post(touch, meeting, text)

    async def _why_not(self, session: AsyncSession, meeting: Meeting) -> str | None:
        """What speaks against writing again, None for nothing."""
        customer = await session.get_one(Customer, meeting.customer_id)
        changes = await session.scalars(select(Change).where(Change.meeting_id == meeting.id).order_by(Change.revision))
        missed = missed_at(list(changes))
        if meeting.status != MeetingStatus.NO_SHOW or missed is None:
            return "meeting changed"
        if customer.opted_out_at is not None:
            return "opted out"
        if customer.paused_until is not None and customer.paused_until > self.now():
            return "a person took over"
        if customer.not_qualified_at is not None and customer.not_qualified_at > missed:
            return "not qualified"
        if await self._spoke_since(session, customer.id, missed):
            return "somebody wrote"
        newer = select(func.count()).where(
            Meeting.customer_id == customer.id, Meeting.id > meeting.id, Meeting.phase != MeetingPhase.RELEASED
        )
        return "booked again" if await session.scalar(newer) else None

    async def _spoke_since(self, session: AsyncSession, customer_id: int, since: datetime) -> bool:
        """Whether the customer, or a person of ours by hand, wrote since."""
        spoken = select(func.count()).where(
            Message.customer_id == customer_id,
            Message.author.in_([Author.CUSTOMER, Author.SELLER]),
            Message.stored_at >= since,
        )
        return bool(await session.scalar(spoken))

    async def _post(self, touch: Touch, meeting: Meeting, text: str) -> Result:
        state = await self.outbox.post(meeting.customer_id, touch.key, text, author=Author.SYSTEM, meeting_id=meeting.id)
        return Result("failed" if state is MessageState.FAILED else "sent")
