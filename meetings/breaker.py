"""Stops what we send of our own accord (reminders, invitations, questions) when WhatsApp refuses us, until a person resumes it.

Answers, confirmations and changes go on being tried: customers wait for them. Writing unasked to people while WhatsApp says no is
what gets a number banned for good.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from meetings.database import Database
from meetings.tables import Breaker as Row
from meetings.tables import Touch

log = structlog.get_logger("breaker")
WAITS = "waits: WhatsApp refuses"  # the outcome of a touch that is kept back
BY_HAND = "by hand"
_NAME = "proactive"
_MOST = 3  # messages refused in a row, none delivered between them


@dataclass(frozen=True)
class Stopped:
    """Since when nothing is sent unasked, and why: an error's detail, or `BY_HAND`."""

    since: datetime
    reason: str


class Breaker:
    """Counts refusals and says whether messages of our own accord may go out."""

    def __init__(self, db: Database, now: Callable[[], datetime]) -> None:
        self.db, self.now = db, now

    async def stopped(self) -> Stopped | None:
        """None while they may."""
        async with self.db.transaction() as session:
            return await stopped(session)

    async def refused(self, problem: str, *, for_all: bool) -> None:
        """A message was refused. `for_all`: not this message, but all of ours (key, licence, block), which stops them at once."""
        async with self.db.transaction() as session:
            await note_refusal(session, self.now(), problem, for_all=for_all)


async def stopped(session: AsyncSession) -> Stopped | None:
    """Whether messages of our own accord are kept back; None when they go out."""
    row = await session.get(Row, _NAME)
    return Stopped(row.stopped_at, row.reason or "") if row is not None and row.stopped_at is not None else None


async def note_refusal(session: AsyncSession, now: datetime, problem: str, *, for_all: bool = False) -> None:
    """Counts a refused message; too many in a row stop the rest."""
    row = await _row(session)
    row.refusals += 1
    if row.stopped_at is None and (for_all or row.refusals >= _MOST):
        row.stopped_at, row.reason = now, problem[:200]
        log.error("nothing is sent unasked any more", problem=problem, refusals=row.refusals)


async def note_delivery(session: AsyncSession) -> None:
    """A message reached somebody: what was refused before was those messages' own trouble. What is stopped stays so."""
    row = await session.get(Row, _NAME)
    if row is not None and row.refusals:
        row.refusals = 0


async def stop(session: AsyncSession, now: datetime) -> None:
    """A person keeps back what would be sent unasked."""
    row = await _row(session)
    if row.stopped_at is None:
        row.stopped_at, row.reason = now, BY_HAND


async def resume(session: AsyncSession, now: datetime) -> bool:
    """A person lets it go on; False when nothing was stopped. What is still of use goes out now."""
    row = await session.get(Row, _NAME)
    if row is None or row.stopped_at is None:
        return False
    row.stopped_at, row.reason, row.refusals = None, None, 0
    waiting = update(Touch).where(Touch.done_at.is_(None), Touch.outcome == WAITS).values(due_at=now, outcome=None)
    await session.execute(waiting.execution_options(synchronize_session=False))
    return True


async def _row(session: AsyncSession) -> Row:
    row = await session.get(Row, _NAME)
    if row is None:
        row = Row(name=_NAME, refusals=0)
        session.add(row)
    return row
