"""What conversations cost: model calls and tokens, counted where each call ends, added up per day, customer and booked meeting.

Tokens are those that the provider reported. A call that failed counts as a call; it reports no tokens.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Self
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from meetings.database import Database
from meetings.tables import Customer, Meeting, MeetingPhase, Turn


@dataclass(frozen=True)
class Tokens:
    """Of one model call. `cached` is a part of `input`: what the provider had kept from an earlier call."""

    input: int = 0
    cached: int = 0
    output: int = 0


class Meter:
    """Counts what a turn uses while it runs."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def count_call(self, turn_id: str, tokens: Tokens) -> None:
        """One more model call of the turn. Call it once per call that was really made."""
        async with self.db.transaction() as session:
            await session.execute(
                update(Turn)
                .where(Turn.id == turn_id)
                .values(
                    model_calls=Turn.model_calls + 1,
                    input_tokens=Turn.input_tokens + tokens.input,
                    cached_tokens=Turn.cached_tokens + tokens.cached,
                    output_tokens=Turn.output_tokens + tokens.output,
                )
            )

    async def note_refusals(self, turn_id: str, refused: int) -> None:
        """How many replies of the turn the guard has refused so far. Safe to repeat."""
        async with self.db.transaction() as session:
            await session.execute(update(Turn).where(Turn.id == turn_id).values(refused=refused))


@dataclass(frozen=True)
class Usage:
    """Sums over some turns."""

    turns: int = 0
    model_calls: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    refused: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @classmethod
    def of(cls, turns: Iterable[Turn]) -> Self:
        """The sum over these turns."""
        listed = list(turns)
        return cls(
            len(listed),
            sum(t.model_calls for t in listed),
            sum(t.input_tokens for t in listed),
            sum(t.cached_tokens for t in listed),
            sum(t.output_tokens for t in listed),
            sum(t.refused for t in listed),
        )


@dataclass(frozen=True)
class Prices:
    """US dollars for a million tokens. Cached input tokens have a price of their own."""

    input: float
    cached: float
    output: float

    def cost(self, usage: Usage) -> float:
        """US dollars."""
        fresh = usage.input_tokens - usage.cached_tokens
        return (fresh * self.input + usage.cached_tokens * self.cached + usage.output_tokens * self.output) / 1_000_000


@dataclass(frozen=True)
class CustomerUsage:
    customer_id: int
    name: str | None
    kommo_lead_id: int | None
    usage: Usage


@dataclass(frozen=True)
class MeetingUsage:
    """A booked meeting (whatever became of it) with all turns of its customer since their booking before it.

    Attributes:
        booked_at: Aware UTC.
        starts_at: Aware UTC.
    """

    meeting_id: int
    customer_id: int
    name: str | None
    booked_at: datetime
    starts_at: datetime
    status: str
    usage: Usage


@dataclass(frozen=True)
class UsageReport:
    """Everything since a moment. Days, customers and total hold the turns that began since then; meetings those booked since
    then, each with all of its turns, earlier ones too.

    Attributes:
        days: Local dates in order; days without a turn are left out.
        customers: Those who wrote, by id.
        meetings: In the order they were booked.
    """

    days: dict[date, Usage]
    customers: list[CustomerUsage]
    meetings: list[MeetingUsage]
    total: Usage

    @property
    def of_meetings(self) -> Usage:
        """The sum over the booked meetings."""
        return sum((meeting.usage for meeting in self.meetings), Usage())


async def read_usage(db: Database, zone: ZoneInfo, since: datetime | None = None) -> UsageReport:
    """Adds up what was counted.

    Args:
        zone: Where days begin.
        since: Aware; None for everything.
    """
    async with db.transaction() as session:
        turns = await _turns_by_customer(session)
        customers = {c.id: c for c in await session.scalars(select(Customer).where(Customer.id.in_(list(turns))))}
        booked = await session.scalars(
            select(Meeting).where(Meeting.phase == MeetingPhase.BOOKED).order_by(Meeting.created_at, Meeting.id)
        )
        meetings: dict[int, list[Meeting]] = defaultdict(list)
        for meeting in booked:
            meetings[meeting.customer_id].append(meeting)
    days: dict[date, list[Turn]] = defaultdict(list)
    per_customer = []
    for customer_id in sorted(turns):
        recent = [t for t in turns[customer_id] if since is None or t.started_at >= since]
        for turn in recent:
            days[turn.started_at.astimezone(zone).date()].append(turn)
        if recent:
            customer = customers[customer_id]
            per_customer.append(CustomerUsage(customer_id, customer.name, customer.kommo_lead_id, Usage.of(recent)))
    per_meeting = [
        MeetingUsage(m.id, m.customer_id, customers[m.customer_id].name, m.created_at, m.starts_at, str(m.status), Usage.of(own))
        for customer_id, listed in meetings.items()
        for m, own in _shares(listed, turns.get(customer_id, []))
        if since is None or m.created_at >= since
    ]
    return UsageReport(
        {day: Usage.of(days[day]) for day in sorted(days)},
        per_customer,
        sorted(per_meeting, key=lambda m: (m.booked_at, m.meeting_id)),
        sum((c.usage for c in per_customer), Usage()),
    )


async def _turns_by_customer(session: AsyncSession) -> dict[int, list[Turn]]:
    """All turns in the order they began."""
    found: dict[int, list[Turn]] = defaultdict(list)
    for turn in await session.scalars(select(Turn)):
        found[turn.customer_id].append(turn)
    for listed in found.values():
        listed.sort(key=_began)
    return found


def _began(turn: Turn) -> tuple[datetime, list[int]]:
    # Turns of one moment are told apart by what their ids end with: the newest message, and the attempt.
    return turn.started_at, [int(n) for n in re.findall(r"\d+", turn.id)[1:]]


def _shares(meetings: Sequence[Meeting], turns: Sequence[Turn]) -> Iterable[tuple[Meeting, Sequence[Turn]]]:
    """Each of a customer's meetings with the turns after the booking before it, up to the one that booked."""
    place = {turn.id: n for n, turn in enumerate(turns)}
    start = 0
    for meeting in meetings:
        at = place.get(meeting.booked_in_turn or "")
        end = at + 1 if at is not None else bisect_right(turns, meeting.created_at, key=lambda turn: turn.started_at)
        end = max(start, end)
        yield meeting, turns[start:end]
        start = end
