"""What is waiting to be done, since when, and what keeps it: the age of the queue."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from meetings.tables import (
    Author,
    CrmNote,
    Customer,
    Hint,
    Meeting,
    MeetingPhase,
    Message,
    MessageState,
    SellerMessage,
    Touch,
)


@dataclass(frozen=True)
class Waiting:
    """Work of one kind that is due and not done.

    Attributes:
        kind: answers, sending, looks, meetings, leads, notes, touches or sellers: a key of the catalogues.
        since: When the oldest of it came up.
        attempts: The most that one of it was tried in vain.
        problem: What kept the oldest that says so; an error of ours, never a customer's words.
    """

    kind: str
    count: int
    since: datetime
    attempts: int
    problem: str | None

    def age(self, now: datetime) -> timedelta:
        return max(now - self.since, timedelta(0))


async def read_backlog(session: AsyncSession, now: datetime) -> list[Waiting]:
    """All kinds of which something waits, the oldest first."""
    no_problem = None
    found = [
        await _waiting(
            session,
            "answers",
            Message.stored_at,
            None,
            no_problem,
            (Message.state == MessageState.NEW, Message.author == Author.CUSTOMER),
        ),
        await _waiting(
            session,
            "sending",
            Message.stored_at,
            Message.attempts,
            Message.problem,
            (Message.state.in_([MessageState.PENDING, MessageState.SENDING]),),
        ),
        await _waiting(session, "looks", Hint.stored_at, Hint.attempts, no_problem, (Hint.done_at.is_(None),)),
        await _waiting(
            session,
            "meetings",
            Meeting.updated_at,
            Meeting.attempts,
            Meeting.problem,
            (Meeting.phase != MeetingPhase.RELEASED, Meeting.is_behind()),
        ),
        await _waiting(
            session, "leads", Customer.crm_since, Customer.crm_attempts, no_problem, (Customer.crm_due_at.is_not(None),)
        ),
        await _waiting(session, "notes", CrmNote.stored_at, CrmNote.attempts, CrmNote.problem, (CrmNote.written_at.is_(None),)),
        await _waiting(
            session, "touches", Touch.due_at, Touch.attempts, Touch.problem, (Touch.done_at.is_(None), Touch.due_at <= now)
        ),
        await _waiting(
            session,
            "sellers",
            SellerMessage.stored_at,
            SellerMessage.attempts,
            no_problem,
            (SellerMessage.state == MessageState.NEW, SellerMessage.author == Author.SELLER),
        ),
    ]
    return sorted((one for one in found if one is not None), key=lambda one: one.since)


async def _waiting(
    session: AsyncSession,
    kind: str,
    since: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None],
    attempts: InstrumentedAttribute[int] | None,
    problem: InstrumentedAttribute[str | None] | None,
    where: Iterable[ColumnElement[bool]],
) -> Waiting | None:
    conditions = list(where)
    tries = func.max(attempts) if attempts is not None else func.max(0)
    count, oldest, most = (await session.execute(select(func.count(), func.min(since), tries).where(*conditions))).one()
    if not count or oldest is None:
        return None
    why = None
    if problem is not None:
        why = await session.scalar(select(problem).where(*conditions, problem.is_not(None)).order_by(since).limit(1))
    return Waiting(kind, count, oldest, most or 0, why)
