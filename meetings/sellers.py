"""Sellers who write from their own WhatsApp number: which question they answer, and what follows."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from clients.errors import ServiceError
from meetings.answers import SellerAnswer, understood
from meetings.backoff import wait_after
from meetings.business import Business
from meetings.database import Database
from meetings.notice_facts import seller_facts
from meetings.outcomes import Outcomes, Taken
from meetings.seller_box import SellerBox
from meetings.tables import Author, Customer, Meeting, MeetingStatus, MessageState, SellerMessage, Touch
from prompts.catalogue import Catalogue

log = structlog.get_logger("sellers")
_HELP_EVERY = timedelta(hours=1)  # an automatic reply on the seller's phone must not start an endless exchange


class Sellers:
    """Never customers: what they write is an answer to a question of ours, or gets a short help."""

    def __init__(
        self,
        db: Database,
        box: SellerBox,
        outcomes: Outcomes,
        business: Business,
        *,
        locale: str,
        now: Callable[[], datetime],
    ) -> None:
        """`locale`: the sellers' language."""
        self.db, self.box, self.outcomes, self.business, self.locale, self.now = db, box, outcomes, business, locale, now

    async def assign(self, session: AsyncSession) -> None:
        """Gives each new answer its question, in the order of arrival: the quoted one, else the newest that is open."""
        new = await session.scalars(
            select(SellerMessage)
            .where(
                SellerMessage.state == MessageState.NEW,
                SellerMessage.author == Author.SELLER,
                SellerMessage.assigned.is_(False),
            )
            .order_by(SellerMessage.id)
        )
        for message in new:
            message.assigned = True
            answer = understood(message.text, self.business.result_words)
            touch_id = await self._question_of(session, message) if answer else None
            if answer and touch_id is not None:
                message.answer, message.touch_id = answer.value, touch_id
            await session.flush()  # a question that is answered is not open for the next message

    async def waiting(self, session: AsyncSession) -> list[tuple[SellerMessage, int | None]]:
        """Messages to act upon now, each with the id of the customer whose meeting it is about."""
        rows = await session.execute(
            select(SellerMessage, Meeting.customer_id)
            .outerjoin(Touch, Touch.id == SellerMessage.touch_id)
            .outerjoin(Meeting, Meeting.id == Touch.meeting_id)
            .where(SellerMessage.state == MessageState.NEW, SellerMessage.author == Author.SELLER)
            .order_by(SellerMessage.id)
        )
        now = self.now()
        return [(message, customer_id) for message, customer_id in rows if (message.next_try_at or now) <= now]

    async def act(self, message_id: int) -> str:
        """Takes an answer and says what was made of it; helps with anything else. Safe to repeat.

        Returns:
            The outcome, "later" when a service could not be asked.
        """
        try:
            outcome = await self._act(message_id)
        except Exception as error:
            # A service that is down, or a mistake of ours: either way it is tried again, never dropped.
            problem = str(error) if isinstance(error, ServiceError) else type(error).__name__
            log.warning("seller's message waits", message=message_id, problem=problem)
            async with self.db.transaction() as session:
                row = await session.get_one(SellerMessage, message_id)
                row.attempts, row.problem = row.attempts + 1, problem
                row.next_try_at = self.now() + wait_after(row.attempts)
            return "later"
        async with self.db.transaction() as session:
            row = await session.get_one(SellerMessage, message_id)
            row.state = MessageState.SEEN if outcome == "nothing" else MessageState.ANSWERED
            row.next_try_at, row.problem = None, None
        return outcome

    async def _act(self, message_id: int) -> str:
        async with self.db.transaction() as session:
            message = await session.get_one(SellerMessage, message_id)
            helped = await self._helped_lately(session, message)
        if message.state != MessageState.NEW:
            return "nothing"
        if message.touch_id is None or message.answer is None:
            if helped:
                return "nothing"
            words = Catalogue.load("crm", self.locale)
            await self.box.post(message.kommo_user_id, f"seller:{message.id}:help", words.text("seller_help"))
            return "helped"
        answer = SellerAnswer(message.answer)
        taken = await self.outcomes.take(message.touch_id, answer, hint="seller_answered", message_id=message.id)
        text = await self._reply(message.touch_id, answer, taken)
        await self.box.post(message.kommo_user_id, f"seller:{message.id}:answer", text, touch_id=message.touch_id)
        return taken.value

    async def _reply(self, touch_id: int, answer: SellerAnswer, taken: Taken) -> str:
        """What was made of the answer. It says nothing of effects that are still to come true."""
        async with self.db.transaction() as session:
            touch = await session.get_one(Touch, touch_id)
            meeting = await session.get_one(Meeting, touch.meeting_id)
            customer = await session.get_one(Customer, meeting.customer_id)
        words = Catalogue.load("crm", self.locale)
        facts: dict[str, str] = {**seller_facts(self.business, customer, meeting, self.locale), "status": str(meeting.status)}
        if taken is not Taken.TAKEN:
            return words.fill(f"seller_{taken.value}", facts)
        if answer is SellerAnswer.REBOOK and customer.opted_out_at is not None:
            return words.fill("seller_taken_rebook_yourself", facts)
        return words.fill(f"seller_taken_{answer.value}", facts)

    async def _question_of(self, session: AsyncSession, message: SellerMessage) -> int | None:
        """The quoted question, also one that was answered before (that corrects the answer); else the newest open one."""
        if message.quoted_id:
            quoted = await session.scalar(
                select(SellerMessage.touch_id).where(
                    SellerMessage.kommo_user_id == message.kommo_user_id,
                    SellerMessage.vendor_id == message.quoted_id,
                    SellerMessage.author == Author.SYSTEM,
                )
            )
            if quoted is not None:
                return quoted
        answered = aliased(SellerMessage)
        return await session.scalar(
            select(Touch.id)
            .join(SellerMessage, SellerMessage.touch_id == Touch.id)
            .join(Meeting, Meeting.id == Touch.meeting_id)
            .where(
                SellerMessage.kommo_user_id == message.kommo_user_id,
                SellerMessage.author == Author.SYSTEM,
                SellerMessage.state != MessageState.FAILED,
                Touch.done_at.is_(None),
                Meeting.status == MeetingStatus.SCHEDULED,
                ~select(answered.id).where(answered.touch_id == Touch.id, answered.author == Author.SELLER).exists(),
            )
            .order_by(SellerMessage.id.desc())
            .limit(1)
        )

    async def _helped_lately(self, session: AsyncSession, message: SellerMessage) -> bool:
        """Whether a help of the last hour answered an earlier message."""
        found = await session.scalar(
            select(SellerMessage.id)
            .where(
                SellerMessage.kommo_user_id == message.kommo_user_id,
                SellerMessage.key.like("seller:%:help"),
                SellerMessage.key != f"seller:{message.id}:help",
                SellerMessage.stored_at > self.now() - _HELP_EVERY,
            )
            .limit(1)
        )
        return found is not None
