"""What a turn takes on, and when it must not speak: a person has taken over, the customer opted out, or writes without end."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from agent.language import language_written
from agent.optout import OptOut, opt_out_of
from agent.replies import confirmed_meeting
from agent.review import asks_for_review
from meetings.business import Business
from meetings.database import Database
from meetings.reminders import confirm
from meetings.tables import Author, Customer, Message, MessageState, Offer, Turn

_UNSENT = (MessageState.PENDING, MessageState.SENDING)


class Verdict(StrEnum):
    """What to do with what was written: answer, or one of the reasons why the model is not asked."""

    ANSWER = "answer"
    NOTHING = "nothing"
    PAUSED = "paused"
    OPTED_OUT = "opted out"
    CONFIRMED = "confirmed"
    TOO_MANY = "too many"
    REVIEW = "review"


@dataclass(frozen=True)
class Claimed:
    """The messages of one turn (ids in the order they were written) and what to do with them."""

    messages: list[int]
    verdict: Verdict


class Claims:
    """Takes the customer's unanswered messages. They stay unanswered on record until the turn ends."""

    def __init__(
        self, db: Database, business: Business, now: Callable[[], datetime], *, messages_per_hour: int, model_name: str
    ) -> None:
        """`messages_per_hour`: messages of one customer within an hour after which a person takes over."""
        self.db, self.business, self.now = db, business, now
        self.messages_per_hour, self.model_name = messages_per_hour, model_name

    async def claim(self, customer_id: int, turn_id: str) -> Claimed:
        """The messages to answer now."""
        now = self.now()
        async with self.db.transaction() as session:
            customer = await session.get_one(Customer, customer_id)
            new = await _unanswered(session, customer_id)
            if not new:
                return Claimed([], Verdict.NOTHING)
            opt_out = opt_out_of([message.text for message in new])
            if opt_out is not OptOut.NO:
                customer.opted_out_at = customer.opted_out_at or now
            reminded = None if opt_out is not OptOut.NO else await confirmed_meeting(session, self.business, new, now)
            if reminded is None and customer.paused_until is not None and customer.paused_until > now:
                made = await replies_made(session, customer_id, min(message.id for message in new))
                if customer.pause_source == "hand-off" and any(reply.state in _UNSENT for reply in made):
                    # We fell silent ourselves, and what says so could not be sent yet.
                    session.add(self._turn(turn_id, customer_id))
                    return Claimed([message.id for message in new], Verdict.PAUSED)
                for message in new:
                    message.state = MessageState.SEEN
                return Claimed([], Verdict.PAUSED)
            customer.locale = language_written([m.text for m in new]) or customer.locale
            if await session.get(Turn, turn_id) is None:
                session.add(self._turn(turn_id, customer_id))
            ids = [message.id for message in new]
            if opt_out is OptOut.WHOLE:
                return Claimed(ids, Verdict.OPTED_OUT)
            if reminded is not None:
                await confirm(session, reminded, now)
                return Claimed(ids, Verdict.CONFIRMED)
            if await _written_within(session, customer_id, now - timedelta(hours=1)) > self.messages_per_hour:
                return Claimed(ids, Verdict.TOO_MANY)
            if customer.not_qualified_at is not None and any(asks_for_review(message.text) for message in new):
                return Claimed(ids, Verdict.REVIEW)
            return Claimed(ids, Verdict.ANSWER)

    async def is_superseded(self, customer_id: int, turn_id: str, claimed: list[int], most: int) -> bool:
        """Whether the customer wrote again meanwhile, so that the answer in the making is dropped.

        At most `most` times in a row: then it is sent all the same, so that somebody who keeps writing is answered in the end.
        Never one that offers times (their numbers count from now on) or announces a person (nobody would say it later).
        """
        async with self.db.transaction() as session:
            customer = await session.get_one(Customer, customer_id)
            newer = [m for m in await _unanswered(session, customer_id) if m.id not in claimed]
            if not newer or customer.superseded >= most:
                return False
            is_offering = await session.scalar(select(Offer.id).where(Offer.turn_id == turn_id).limit(1)) is not None
            is_paused = customer.paused_until is not None and customer.paused_until > self.now()
            if is_offering or is_paused:
                return False
            customer.superseded += 1
            return True

    def _turn(self, turn_id: str, customer_id: int) -> Turn:
        return Turn(
            id=turn_id,
            customer_id=customer_id,
            started_at=self.now(),
            model=self.model_name,
            model_calls=0,
            input_tokens=0,
            cached_tokens=0,
            output_tokens=0,
            refused=0,
        )


async def replies_made(session: AsyncSession, customer_id: int, first_claimed: int) -> list[Message]:
    """The reply that an earlier try, which then failed, made to these messages; sent or not, part by part."""
    found = await session.scalars(
        select(Message)
        .join(Turn, Turn.id == Message.turn_id)
        .where(
            Message.customer_id == customer_id,
            Message.author == Author.AGENT,
            Message.id > first_claimed,
            or_(Message.key.like("turn:%:reply:%"), Message.key.like("too-many:%"), Message.key.like("review:%")),
            Turn.outcome == "failed",
        )
        .order_by(Message.id)
    )
    return list(found)


async def _unanswered(session: AsyncSession, customer_id: int) -> list[Message]:
    found = await session.scalars(
        select(Message)
        .where(Message.customer_id == customer_id, Message.author == Author.CUSTOMER, Message.state == MessageState.NEW)
        .order_by(Message.sent_at, Message.id)
    )
    return list(found)


async def _written_within(session: AsyncSession, customer_id: int, since: datetime) -> int:
    count = await session.scalar(
        select(func.count())
        .select_from(Message)
        .where(Message.customer_id == customer_id, Message.author == Author.CUSTOMER, Message.stored_at > since)
    )
    return count or 0
