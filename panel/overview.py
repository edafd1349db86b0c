"""Whether anything is wrong, and what a day costs. A light is green only when what it stands for was looked at and is fine."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from clients.errors import ServiceError
from clients.whatsapp import WhatsAppClient
from meetings.backlog import Waiting, read_backlog
from meetings.breaker import BY_HAND, Stopped, stopped
from meetings.business import Business
from meetings.customers import unanswered
from meetings.phones import local_format
from meetings.tables import Author, Customer, Hint, Meeting, MeetingPhase, Message, MessageState, Turn
from panel.agenda import untold

COST_DAYS = 30  # over which tokens per booked meeting are reckoned
_SLOW = timedelta(minutes=1)  # what takes longer than this is not just under way
_VERY_SLOW = timedelta(minutes=10)
_ASK_AGAIN_S, _PATIENCE_S = 15, 3


class Level(StrEnum):
    """ok; look: it may right itself, or is over; wrong: somebody has to act."""

    OK = "ok"
    LOOK = "look"
    WRONG = "wrong"


@dataclass(frozen=True)
class Light:
    """One thing that was looked at.

    Attributes:
        of: Names its title: `light_<of>` in the panel's catalogue.
        level: How it stands.
        says: Names the sentence about it, and `values` fill it.
        customers: Id and name of those it is about, for links.
    """

    of: str
    level: Level
    says: str
    values: dict[str, object] = field(default_factory=dict)
    customers: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Numbers:
    """What happened. Tokens are those read and those written, as the provider counted them; days are the business's.

    `tokens_per_meeting`: over the last `COST_DAYS` days; None when no meeting was booked.
    """

    messages_today: int
    booked_today: int
    model_calls_today: int
    tokens_in_today: int
    tokens_out_today: int
    tokens_per_meeting: int | None
    paused: int
    left_to_a_person: int


@dataclass(frozen=True)
class Overview:
    """The lights, what happened, what waits (the oldest first), and whether anything is sent unasked."""

    lights: list[Light]
    numbers: Numbers
    waiting: list[Waiting] = field(default_factory=list)
    is_stopped: bool = False

    @property
    def level(self) -> Level:
        """That of the worst light."""
        found = {light.level for light in self.lights}
        return next(level for level in (Level.WRONG, Level.LOOK, Level.OK) if level in found)


class Connection:
    """Whether the phone is connected, as Evolution says. Asked rarely, and nobody waits long for the answer."""

    def __init__(self, whatsapp: WhatsAppClient) -> None:
        self.whatsapp = whatsapp
        self._asked_at: float | None = None
        self._state: str | None = None
        self._asking: asyncio.Task[None] | None = None

    async def state(self) -> str | None:
        """open, connecting or close; None when Evolution does not say."""
        is_fresh = self._asked_at is not None and time.monotonic() - self._asked_at < _ASK_AGAIN_S
        if not is_fresh and self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        if self._asking is not None:
            await asyncio.wait([self._asking], timeout=_PATIENCE_S)
        return self._state if self._asking is None else None

    async def close(self) -> None:
        """Gives up a question that is still under way."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])

    async def _ask(self) -> None:
        try:
            self._state = await self.whatsapp.connection_state()
        except ServiceError:
            self._state = None
        finally:
            self._asked_at, self._asking = time.monotonic(), None


async def see_overview(
    session: AsyncSession,
    business: Business,
    now: datetime,
    *,
    since_tick_s: float,
    late_s: float,
    connection: str | None,
    answer_within: timedelta,
) -> Overview:
    """How everything stands.

    Args:
        since_tick_s: Real seconds since the dispatcher last looked.
        late_s: After so many it hangs.
        connection: As `Connection.state`.
        answer_within: How long a message may wait before its turn must have begun.
    """
    today = business.local(now).replace(hour=0, minute=0, second=0, microsecond=0)
    waiting, held = await read_backlog(session, now), await stopped(session)
    lights = [
        _dispatcher(since_tick_s, late_s),
        _whatsapp(connection),
        await _answers(session, now, answer_within),
        await _sending(session, now),
        await _meetings(session, now),
        await _hints(session, now),
        await _hand_offs(session, now),
        await _turns(session, today),
        _proactive(held, business),
    ]
    return Overview(lights, await _numbers(session, now, today), waiting, held is not None)


def _dispatcher(since_tick_s: float, late_s: float) -> Light:
    is_late = since_tick_s >= late_s
    says = "dispatcher_late" if is_late else "dispatcher_ok"
    return Light("dispatcher", Level.WRONG if is_late else Level.OK, says, {"seconds": f"{since_tick_s:.0f}"})


def _whatsapp(connection: str | None) -> Light:
    match connection:
        case "open":
            return Light("whatsapp", Level.OK, "whatsapp_open")
        case "connecting":
            return Light("whatsapp", Level.LOOK, "whatsapp_connecting")
        case None:
            return Light("whatsapp", Level.WRONG, "whatsapp_unknown")
        case _:
            return Light("whatsapp", Level.WRONG, "whatsapp_close")


async def _answers(session: AsyncSession, now: datetime, answer_within: timedelta) -> Light:
    """Messages that the agent should have answered by now."""
    late = select(Message.customer_id).where(
        Message.author == Author.CUSTOMER,
        Message.state == MessageState.NEW,
        Message.stored_at < now - answer_within - _SLOW,
    )
    people = await _named(session, set(await session.scalars(late)))
    if people:
        return Light("answers", Level.WRONG, "answers_late", {"count": len(people)}, people)
    return Light("answers", Level.OK, "answers_ok")


async def _sending(session: AsyncSession, now: datetime) -> Light:
    ours = Message.author.in_([Author.AGENT, Author.SYSTEM])
    failed = list(
        await session.scalars(
            select(Message.customer_id).where(
                ours, Message.state == MessageState.FAILED, Message.stored_at > now - timedelta(days=1)
            )
        )
    )
    if failed:
        return Light("sending", Level.WRONG, "sending_failed", {"count": len(failed)}, await _named(session, set(failed)))
    stuck = list(
        await session.scalars(
            select(Message.customer_id).where(
                ours,
                Message.state.in_([MessageState.PENDING, MessageState.SENDING]),
                Message.stored_at < now - _SLOW,
            )
        )
    )
    if stuck:
        return Light("sending", Level.WRONG, "sending_stuck", {"count": len(stuck)}, await _named(session, set(stuck)))
    return Light("sending", Level.OK, "sending_ok")


async def _meetings(session: AsyncSession, now: datetime) -> Light:
    behind = list(await session.scalars(select(Meeting).where(Meeting.phase != MeetingPhase.RELEASED, Meeting.is_behind())))
    refused = await untold(session, now)
    planned = [m for m in behind if not m.problem and m.next_try_at is not None and m.next_try_at > now]  # for the morning
    slow = [m for m in behind if m.attempts > 0 or m.problem or (m.updated_at < now - _SLOW and m not in planned)]
    if slow or refused:
        return Light("meetings", Level.WRONG, "meetings_unsettled", {"count": len({m.id for m in slow} | set(refused))})
    if behind:
        return Light("meetings", Level.OK, "meetings_under_way", {"count": len(behind)})
    return Light("meetings", Level.OK, "meetings_ok")


async def _hints(session: AsyncSession, now: datetime) -> Light:
    count, oldest, tries = (
        await session.execute(
            select(func.count(), func.min(Hint.stored_at), func.max(Hint.attempts)).where(Hint.done_at.is_(None))
        )
    ).one()
    if count and (tries or oldest < now - _SLOW):
        level = Level.WRONG if oldest < now - _VERY_SLOW else Level.LOOK
        return Light("hints", level, "hints_late", {"count": count})
    return Light("hints", Level.OK, "hints_under_way" if count else "hints_ok", {"count": count} if count else {})


async def _hand_offs(session: AsyncSession, now: datetime) -> Light:
    """Sellers who were not told that a customer waits for them."""
    waiting = await session.scalars(
        select(Customer.id).where(
            Customer.handed_off_at < now - _SLOW,
            Customer.handoff_task_id.is_(None),
            # Without a number there is no lead and never a task; after a day the light has said so long enough.
            or_(Customer.phone.is_not(None), Customer.handed_off_at > now - timedelta(days=1)),
        )
    )
    people = await _named(session, set(waiting))
    if people:
        return Light("hand_offs", Level.WRONG, "hand_offs_late", {"count": len(people)}, people)
    return Light("hand_offs", Level.OK, "hand_offs_ok")


async def _turns(session: AsyncSession, today: datetime) -> Light:
    count = await session.scalar(select(func.count()).select_from(Turn).where(Turn.outcome == "failed", Turn.ended_at >= today))
    # Each was tried again: if that failed as well, the light for answers says so.
    return Light("turns", Level.LOOK, "turns_failed", {"count": count}) if count else Light("turns", Level.OK, "turns_ok")


def _proactive(held: Stopped | None, business: Business) -> Light:
    if held is None:
        return Light("proactive", Level.OK, "proactive_ok")
    since = f"{business.local(held.since):%d/%m %H:%M}"
    if held.reason == BY_HAND:
        return Light("proactive", Level.LOOK, "proactive_by_hand", {"since": since})
    return Light("proactive", Level.WRONG, "proactive_stopped", {"since": since, "reason": held.reason})


async def _numbers(session: AsyncSession, now: datetime, today: datetime) -> Numbers:
    async def count(of: type[Message] | type[Meeting] | type[Customer], *where: object) -> int:
        return await session.scalar(select(func.count()).select_from(of).where(*where)) or 0  # type: ignore[arg-type]

    calls, tokens_in, tokens_out = (
        await session.execute(
            select(func.sum(Turn.model_calls), func.sum(Turn.input_tokens), func.sum(Turn.output_tokens)).where(
                Turn.started_at >= today
            )
        )
    ).one()
    since = now - timedelta(days=COST_DAYS)
    spent = await session.scalar(select(func.sum(Turn.input_tokens + Turn.output_tokens)).where(Turn.started_at > since)) or 0
    is_booked = Meeting.phase == MeetingPhase.BOOKED
    booked = await count(Meeting, is_booked, Meeting.created_at > since)
    left = {m.customer_id for m in await unanswered(session) if m.state != MessageState.NEW}
    return Numbers(
        messages_today=await count(Message, Message.author == Author.CUSTOMER, Message.stored_at >= today),
        booked_today=await count(Meeting, is_booked, Meeting.created_at >= today),
        model_calls_today=calls or 0,
        tokens_in_today=tokens_in or 0,
        tokens_out_today=tokens_out or 0,
        tokens_per_meeting=round(spent / booked) if booked else None,
        paused=await count(Customer, Customer.paused_until > now),
        left_to_a_person=len(left),
    )


async def _named(session: AsyncSession, ids: set[int]) -> list[tuple[int, str]]:
    """Id and name (or phone, or "" when it is hidden) of customers, the first ten by id."""
    rows = await session.execute(
        select(Customer.id, Customer.name, Customer.phone).where(Customer.id.in_(ids)).order_by(Customer.id).limit(10)
    )
    return [(row.id, row.name or (local_format(row.phone) if row.phone else "")) for row in rows]
