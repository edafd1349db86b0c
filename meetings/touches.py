"""Plans what is to be done around meetings, finds what is due, and carries it out once.

A touch is a row: planned when a meeting is booked or changes, read again at its time. What a touch does, `reminders.py`,
`follow_up.py` and `rescue.py` know; when it is due, `touch_plan.py`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from clients.errors import ServiceError
from meetings.backoff import wait_after
from meetings.breaker import WAITS, Breaker
from meetings.business import Business
from meetings.database import Database
from meetings.lanes import lane_of
from meetings.sellers import Sellers
from meetings.tables import Author, Change, Meeting, MeetingPhase, MessageState, SellerMessage, Touch, TouchKind
from meetings.touch_checks import NotYetError, Result
from meetings.touch_plan import Planned, awake, plan

log = structlog.get_logger("touches")
TOUCH, SELLER = "touch.v1", "seller.v1"
CHANGED = "meeting changed"  # planned anew if the meeting returns to that time
_PLANNED = (TouchKind.REMINDER, TouchKind.FOLLOW_UP, TouchKind.RESCUE)  # the others are added where they arise
_TO_CUSTOMERS = (TouchKind.REMINDER, TouchKind.REBOOK, TouchKind.RESCUE)
_LOOK_AGAIN = timedelta(minutes=5)  # while WhatsApp refuses; a person who lets it go on does not wait for that
_AT_ONCE = 200  # meetings planned in one transaction
_RECENT = timedelta(days=21)  # older meetings have no touches left


@dataclass(frozen=True)
class Work:
    """A workflow to put into a lane: its name, its argument, its lane, its id."""

    workflow: str
    row_id: int
    lane: str
    workflow_id: str


class Touches:
    """Everything we do around meetings of our own accord."""

    def __init__(
        self,
        db: Database,
        business: Business,
        acts: Mapping[TouchKind, Callable[[Touch], Awaitable[Result]]],
        sellers: Sellers,
        now: Callable[[], datetime],
        breaker: Breaker,
    ) -> None:
        """`acts`: what each kind of touch does at its time. Each is safe to repeat. `breaker`: whether they may go out."""
        self.db, self.business, self.acts, self.sellers, self.now = db, business, acts, sellers, now
        self.breaker = breaker
        self._is_planned_anew = False

    async def due(self) -> list[Work]:
        """What is to be done now: touches whose time has come, sellers' messages. Plans what changed before it looks."""
        now = self.now()
        async with self.db.transaction() as session:
            if not self._is_planned_anew:
                await self._forget_plans(session)
            await self._plan(session)
            await self.sellers.assign(session)
            touches = await session.execute(
                select(Touch.id, Touch.runs, Meeting.customer_id)
                .join(Meeting, Meeting.id == Touch.meeting_id)
                .where(Touch.done_at.is_(None), Touch.due_at <= now)
                .order_by(Touch.due_at, Touch.id)
            )
            work = [Work(TOUCH, row_id, lane_of(who), f"touch:{row_id}:{runs}") for row_id, runs, who in touches]
            for message, customer_id in await self.sellers.waiting(session):
                lane = lane_of(customer_id) if customer_id is not None else f"seller:{message.kommo_user_id}"
                work.append(Work(SELLER, message.id, lane, f"seller:{message.id}:{message.attempts}"))
        self._is_planned_anew = True
        return work

    async def next_due(self, session: AsyncSession) -> list[datetime]:
        """When work that is under way will go on: touches due or to be tried again, sellers' messages.

        What is only planned does not count: a reminder of tomorrow is nothing that waits.
        """
        touches = await session.scalars(
            select(Touch.due_at).where(Touch.done_at.is_(None), or_(Touch.due_at <= self.now(), Touch.attempts > 0))
        )
        messages = await session.execute(
            select(SellerMessage.stored_at, SellerMessage.next_try_at).where(
                SellerMessage.state == MessageState.NEW, SellerMessage.author == Author.SELLER
            )
        )
        return [*touches, *(next_try_at or stored_at for stored_at, next_try_at in messages)]

    async def carry_out(self, touch_id: int) -> str:
        """Does what a touch is for, or puts it off. Safe to repeat after a kill at any point.

        Returns:
            The outcome, in a few words.
        """
        async with self.db.transaction() as session:
            touch = await session.get_one(Touch, touch_id)
            if touch.done_at is not None:
                return touch.outcome or ""
            if touch.due_at > self.now():  # put off meanwhile; the next workflow needs another id
                touch.runs += 1
                return "not due"
        try:
            result = await self._carry_out(touch)
        except Exception as error:
            # A service that is down, something not as agreed, or a mistake of ours: it is tried again, never dropped.
            problem = str(error) if isinstance(error, ServiceError | NotYetError) else type(error).__name__
            log.warning("touch waits", touch=touch_id, kind=str(touch.kind), problem=problem)
            await self._again(touch, problem, at=error.at if isinstance(error, NotYetError) else None)
            return "later"
        await self._conclude(touch, result)
        return result.outcome

    async def _carry_out(self, touch: Touch) -> Result:
        now = self.now()
        if touch.useful_until <= now and touch.asked_at is None:
            return Result("too late")
        if touch.kind in _TO_CUSTOMERS and (morning := awake(self.business, now)) > now:
            return Result("quiet hours", again_at=morning) if morning < touch.useful_until else Result("too late")
        if self._is_message(touch) and await self.breaker.stopped():
            later = now + _LOOK_AGAIN
            return Result(WAITS, again_at=later) if later < touch.useful_until else Result("too late")
        return await self.acts[TouchKind(touch.kind)](touch)

    def _is_message(self, touch: Touch) -> bool:
        """Whether it writes to somebody who does not wait for it."""
        return touch.kind in _TO_CUSTOMERS or (touch.kind == TouchKind.FOLLOW_UP and self.business.follow_up.how == "whatsapp")

    async def _conclude(self, touch: Touch, result: Result) -> None:
        async with self.db.transaction() as session:
            row = await session.get_one(Touch, touch.id)
            row.runs, row.attempts, row.problem, row.outcome = row.runs + 1, 0, None, result.outcome
            if result.again_at is None:
                row.done_at = self.now()
            elif row.due_at == touch.due_at:  # else somebody wants it sooner
                row.due_at = result.again_at

    async def _again(self, touch: Touch, problem: str, *, at: datetime | None) -> None:
        """At that time, which is no failure; else with growing waits."""
        async with self.db.transaction() as session:
            row = await session.get_one(Touch, touch.id)
            row.runs, row.problem = row.runs + 1, problem
            if at is not None:
                row.due_at = at
                return
            row.attempts += 1
            row.due_at = self.now() + wait_after(row.attempts)

    async def _forget_plans(self, session: AsyncSession) -> None:
        """The business file may have changed since the last start."""
        recent = Meeting.ends_at > self.now() - _RECENT
        forget = update(Meeting).where(Meeting.phase == MeetingPhase.BOOKED, recent).values(touch_rev=0)
        await session.execute(forget.execution_options(synchronize_session=False))

    async def _plan(self, session: AsyncSession) -> None:
        """Brings the touches of new and changed meetings into agreement with them."""
        behind = select(Meeting).where(Meeting.phase == MeetingPhase.BOOKED, Meeting.touch_rev < Meeting.revision)
        for meeting in await session.scalars(behind.order_by(Meeting.id).limit(_AT_ONCE)):
            changes = await session.scalars(select(Change).where(Change.meeting_id == meeting.id).order_by(Change.revision))
            wanted = {touch.key: touch for touch in plan(self.business, meeting, list(changes))}
            rows = await session.scalars(select(Touch).where(Touch.meeting_id == meeting.id, Touch.kind.in_(_PLANNED)))
            known = {row.key: row for row in rows}
            for key, row in known.items():
                self._adapt(row, wanted.get(key))
            new = [touch for key, touch in wanted.items() if key not in known and touch.useful_until > self.now()]
            session.add_all(_row(meeting, touch) for touch in new)
            meeting.touch_rev = meeting.revision

    def _adapt(self, row: Touch, wanted: Planned | None) -> None:
        if row.done_at is not None:
            if wanted is not None and row.outcome == CHANGED:  # moved away and back
                row.done_at, row.outcome, row.runs = None, None, row.runs + 1
                row.due_at, row.useful_until = wanted.due_at, wanted.useful_until
        elif row.asked_at is not None:
            row.due_at = row.due_at if wanted is not None else self.now()  # the outcome is known: the question is closed
        elif wanted is None:
            row.done_at, row.outcome = self.now(), CHANGED
        elif row.attempts == 0:
            row.due_at, row.useful_until = wanted.due_at, wanted.useful_until


def _row(meeting: Meeting, touch: Planned) -> Touch:
    return Touch(
        meeting_id=meeting.id,
        kind=touch.kind,
        key=touch.key,
        step=touch.step,
        starts_at=meeting.starts_at,
        due_at=touch.due_at,
        useful_until=touch.useful_until,
    )


async def hasten(session: AsyncSession, task_id: int, now: datetime) -> bool:
    """Has the question that a task asks looked at now: somebody touched the task. False when it is none of ours."""
    row = await session.scalar(select(Touch).where(Touch.kommo_task_id == task_id))
    if row is not None and row.done_at is None:
        row.due_at = min(row.due_at, now)
    return row is not None
