"""Finds what is due and puts it into its customer's lane: bursts that fell silent, hints, unsettled meetings, the sweep.

Everything it needs to know stands in the database; enqueuing twice is harmless because ids are derived from what is due.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from clients.errors import ServiceError
from meetings.database import Database
from meetings.events import KommoEntity
from meetings.lanes import Lanes, lane_of
from meetings.qualifying import HandOff
from meetings.sync import Synchroniser, meetings_named
from meetings.tables import Author, Customer, Hint, Meeting, MeetingPhase, MeetingStatus, Message, MessageState
from meetings.touches import SELLER, TOUCH, Touches, hasten

log = structlog.get_logger("dispatcher")
TURN, LOOK, LEAD, SETTLE, HAND_OFF = "turn.v1", "look.v1", "lead.v1", "settle.v1", "hand_off.v1"
_GRACE_S = 30  # a change's own workflow gets this long before the dispatcher helps


class Dispatcher:
    """Ticks a few times per second; a webhook wakes it at once."""

    def __init__(
        self,
        db: Database,
        lanes: Lanes,
        synchroniser: Synchroniser,
        hand_off: HandOff,
        touches: Touches,
        now: Callable[[], datetime],
        *,
        silence_s: float,
        cap_s: float,
        sweep_s: float,
        tick_s: float = 0.1,
    ) -> None:
        """
        Args:
            silence_s: Seconds without a new message after which a burst is answered.
            cap_s: Seconds after which a burst is answered in any case.
            sweep_s: Seconds between two sweeps over all open meetings.
            tick_s: Real seconds between two looks at the database.
        """
        self.db, self.lanes, self.synchroniser, self.hand_off, self.now = db, lanes, synchroniser, hand_off, now
        self.touches = touches
        self.silence, self.cap = timedelta(seconds=silence_s), timedelta(seconds=cap_s)
        self.sweep_every, self.tick_s = timedelta(seconds=sweep_s), tick_s
        self._swept_at: datetime | None = None
        self._enqueued: set[str] = set()
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_stopping = False
        self.ticks = 0
        self._ticked_at = time.monotonic()
        lanes.register(LOOK, self.look)
        lanes.register(LEAD, self.look_at_lead)
        lanes.register(SETTLE, self.settle)
        lanes.register(HAND_OFF, self.complete_hand_off)
        lanes.register(TOUCH, self.touch)
        lanes.register(SELLER, self.hear_seller)

    def start(self) -> None:
        self._swept_at = self.now()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ends after the look under way; calling it again is fine."""
        # Not cancelled: that could hit the middle of a transaction.
        self._is_stopping = True
        self.wake()
        if self._task:
            await self._task

    def wake(self) -> None:
        """Something new is in the database."""
        self._woken.set()

    async def tick(self) -> None:
        """One look at what is due now. `ticks` counts those that were completed."""
        await self._turns()
        await self._hints()
        await self._unsettled()
        await self._hand_offs()
        await self._touches()
        if self._swept_at is None or self.now() >= self._swept_at + self.sweep_every:
            self._swept_at = self.now()
            await self.sweep()
        self.ticks += 1
        self._ticked_at = time.monotonic()

    def seconds_since_tick(self) -> float:
        """Real seconds since the last completed look; a large number means that nothing is being dispatched."""
        return time.monotonic() - self._ticked_at

    async def next_due(self) -> datetime | None:
        """When something that waits will be due: a burst to answer, a look or a settling to try again. None: nothing waits.

        The periodic sweep does not count, nor what is planned for later, such as a reminder.
        """
        async with self.db.transaction() as session:
            bursts = await session.execute(
                select(func.min(Message.stored_at), func.max(Message.stored_at), Customer.next_turn_at)
                .join(Customer, Customer.id == Message.customer_id)
                .where(Message.state == MessageState.NEW, Message.author == Author.CUSTOMER)
                .group_by(Message.customer_id, Customer.next_turn_at)
            )
            times = [
                max(min(last_at + self.silence, first_at + self.cap), next_turn_at or last_at)
                for first_at, last_at, next_turn_at in bursts
            ]
            hints = await session.execute(select(Hint.stored_at, Hint.next_try_at).where(Hint.done_at.is_(None)))
            times += [next_try_at or stored_at for stored_at, next_try_at in hints]
            meetings = await session.execute(
                select(Meeting.updated_at, Meeting.next_try_at).where(Meeting.phase != MeetingPhase.RELEASED, _behind())
            )
            times += [next_try_at or updated_at + timedelta(seconds=_GRACE_S) for updated_at, next_try_at in meetings]
            times += await self.touches.next_due(session)
        return min(times, default=None)

    async def sweep(self) -> int:
        """Lets every open meeting be compared with Kommo, without a hint; returns how many. Finds lost webhooks."""
        since = self.now() - timedelta(days=7)
        async with self.db.transaction() as session:
            rows = await session.execute(
                select(Meeting.id, Meeting.customer_id).where(
                    Meeting.phase == MeetingPhase.BOOKED,
                    or_(Meeting.status == MeetingStatus.SCHEDULED, Meeting.updated_at > since),
                )
            )
            meetings = [(row[0], row[1]) for row in rows]
        stamp = self.now().isoformat()
        for meeting_id, customer_id in meetings:
            await self._enqueue(LOOK, meeting_id, None, 0, customer_id=customer_id, workflow_id=f"sweep:{meeting_id}:{stamp}")
        return len(meetings)

    # Workflows

    async def look(self, meeting_id: int, entity: str | None, upto_hint: int) -> str:
        """A look at Kommo for one meeting; afterwards the hints that asked for it are done, or planned again."""

        async def act() -> str:
            try:
                decision = await self.synchroniser.sync(meeting_id, KommoEntity(entity) if entity else None)
            except Exception as error:
                # A service that can't be read, or a mistake of ours: either way the look is planned again, never dropped.
                problem = str(error) if isinstance(error, ServiceError) else type(error).__name__
                log.warning("look failed", meeting=meeting_id, problem=problem)
                await self._hints_failed(meeting_id, entity, upto_hint)
                return "failed"
            outcome = decision.status.value if decision.status else "rewritten" if decision.rewrite_lead else "already so"
            await self._hints_done(meeting_id, entity, upto_hint, outcome)
            return outcome

        return str(await self.lanes.step("look", act))

    async def look_at_lead(self, customer_id: int, lead_id: int, upto_hint: int) -> str:
        """A look at the lead of a customer without a meeting; the hints that asked for it are done, or planned again."""

        async def act() -> str:
            try:
                await self.synchroniser.look_at_lead(customer_id)
            except Exception as error:
                problem = str(error) if isinstance(error, ServiceError) else type(error).__name__
                log.warning("look failed", lead=lead_id, problem=problem)
                await self._later(KommoEntity.LEAD, lead_id, upto_hint)
                return "failed"
            async with self.db.transaction() as session:
                await _close_hints(session, KommoEntity.LEAD, lead_id, upto_hint, self.now(), "looked at")
            return "looked at"

        return str(await self.lanes.step("look at lead", act))

    async def settle(self, meeting_id: int) -> bool:
        """Carries out what of a meeting is still behind."""

        async def act() -> bool:
            return (await self.synchroniser.settle(meeting_id)).complete

        return bool(await self.lanes.step("settle", act))

    async def complete_hand_off(self, customer_id: int) -> bool:
        """Makes the seller's task that could not be made when the conversation was handed over."""

        async def act() -> bool:
            try:
                await self.hand_off.complete(customer_id)
            except ServiceError as error:
                log.warning("hand-off waits", customer=customer_id, problem=str(error))
                return False
            return True

        return bool(await self.lanes.step("hand_off", act))

    async def touch(self, touch_id: int) -> str:
        """Does one thing around a meeting whose time has come."""
        return str(await self.lanes.step("touch", partial(self.touches.carry_out, touch_id)))

    async def hear_seller(self, message_id: int) -> str:
        """Acts upon what a seller wrote from their own number."""
        return str(await self.lanes.step("hear seller", partial(self.touches.sellers.act, message_id)))

    # What is due

    async def _turns(self) -> None:
        now = self.now()
        async with self.db.transaction() as session:
            rows = await session.execute(
                select(
                    Message.customer_id,
                    func.max(Message.id),
                    func.min(Message.stored_at),
                    func.max(Message.stored_at),
                    Customer.turn_attempts,
                )
                .join(Customer, Customer.id == Message.customer_id)
                .where(
                    Message.state == MessageState.NEW,
                    Message.author == Author.CUSTOMER,
                    or_(Customer.next_turn_at.is_(None), Customer.next_turn_at <= now),
                )
                .group_by(Message.customer_id, Customer.turn_attempts)
            )
            due = [
                (customer_id, last_id, attempts)
                for customer_id, last_id, first_at, last_at, attempts in rows
                if last_at + self.silence <= now or first_at + self.cap <= now
            ]
        for customer_id, last_id, attempts in due:
            workflow_id = f"turn:{customer_id}:{last_id}:{attempts}"
            await self._enqueue(TURN, customer_id, last_id, workflow_id, customer_id=customer_id, workflow_id=workflow_id)

    async def _hints(self) -> None:
        now = self.now()
        async with self.db.transaction() as session:
            rows = await session.execute(
                select(Hint.entity, Hint.entity_id, func.max(Hint.id), func.max(Hint.attempts))
                .where(Hint.done_at.is_(None), or_(Hint.next_try_at.is_(None), Hint.next_try_at <= now))
                .group_by(Hint.entity, Hint.entity_id)
            )
            wanted, leads = [], []
            for entity, entity_id, upto, attempts in rows.all():
                meetings = await meetings_named(session, entity, entity_id)
                customers = await _customers_of(session, entity_id) if entity == KommoEntity.LEAD and not meetings else []
                if not meetings and not customers:
                    is_question = entity == KommoEntity.TASK and await hasten(session, entity_id, now)
                    await _close_hints(session, entity, entity_id, upto, now, "a question" if is_question else "nobody we know")
                leads += [(customer_id, entity_id, upto, attempts) for customer_id in customers]
                wanted += [(m.id, m.customer_id, entity, upto, attempts) for m in meetings]
        for meeting_id, customer_id, entity, upto, attempts in wanted:
            workflow_id = f"look:{meeting_id}:{entity}:{upto}:{attempts}"
            await self._enqueue(LOOK, meeting_id, entity, upto, customer_id=customer_id, workflow_id=workflow_id)
        for customer_id, lead_id, upto, attempts in leads:
            workflow_id = f"lead:{customer_id}:{upto}:{attempts}"
            await self._enqueue(LEAD, customer_id, lead_id, upto, customer_id=customer_id, workflow_id=workflow_id)

    async def _unsettled(self) -> None:
        now = self.now()
        late = or_(
            Meeting.next_try_at <= now,
            Meeting.next_try_at.is_(None) & (Meeting.updated_at <= now - timedelta(seconds=_GRACE_S)),
        )
        async with self.db.transaction() as session:
            rows = await session.execute(
                select(Meeting.id, Meeting.customer_id, Meeting.revision, Meeting.attempts).where(
                    Meeting.phase != MeetingPhase.RELEASED, _behind(), late
                )
            )
            due = list(rows.all())
        for meeting_id, customer_id, revision, attempts in due:
            workflow_id = f"settle:{meeting_id}:{revision}:{attempts}"
            await self._enqueue(SETTLE, meeting_id, customer_id=customer_id, workflow_id=workflow_id)

    async def _hand_offs(self) -> None:
        now = self.now()
        async with self.db.transaction() as session:
            waiting = list(
                await session.scalars(
                    select(Customer.id).where(
                        Customer.handed_off_at < now - timedelta(seconds=_GRACE_S),
                        Customer.handoff_task_id.is_(None),
                        Customer.phone.is_not(None),
                    )
                )
            )
        for customer_id in waiting:
            workflow_id = f"hand_off:{customer_id}:{int(now.timestamp()) // 60}"  # at most one try a minute
            await self._enqueue(HAND_OFF, customer_id, customer_id=customer_id, workflow_id=workflow_id)

    async def _touches(self) -> None:
        for work in await self.touches.due():
            await self._put(work.workflow, work.row_id, lane=work.lane, workflow_id=work.workflow_id)

    async def _enqueue(self, workflow: str, *args: object, customer_id: int, workflow_id: str) -> None:
        await self._put(workflow, *args, lane=lane_of(customer_id), workflow_id=workflow_id)

    async def _put(self, workflow: str, *args: object, lane: str, workflow_id: str) -> None:
        if workflow_id in self._enqueued:
            return
        await self.lanes.enqueue(workflow, *args, lane=lane, workflow_id=workflow_id)
        if len(self._enqueued) > 10_000:
            self._enqueued.clear()  # only saves a look at the engine's table; ids make repeats harmless
        self._enqueued.add(workflow_id)

    async def _hints_done(self, meeting_id: int, entity: str | None, upto: int, outcome: str) -> None:
        if entity is None:
            return
        async with self.db.transaction() as session:
            meeting = await session.get_one(Meeting, meeting_id)
            entity_id = meeting.kommo_task_id if entity == KommoEntity.TASK else meeting.kommo_lead_id
            await _close_hints(session, entity, entity_id or 0, upto, self.now(), outcome)

    async def _hints_failed(self, meeting_id: int, entity: str | None, upto: int) -> None:
        if entity is None:
            return
        async with self.db.transaction() as session:
            meeting = await session.get_one(Meeting, meeting_id)
            entity_id = meeting.kommo_task_id if entity == KommoEntity.TASK else meeting.kommo_lead_id
        await self._later(entity, entity_id or 0, upto)

    async def _later(self, entity: str, entity_id: int, upto: int) -> None:
        """Plans a look again, with growing waits."""
        async with self.db.transaction() as session:
            for hint in await _open_hints(session, entity, entity_id, upto):
                hint.attempts += 1
                hint.next_try_at = self.now() + timedelta(seconds=min(2.0**hint.attempts, 600))

    async def _run(self) -> None:
        while not self._is_stopping:
            try:
                await self.tick()
            except Exception as error:
                # The loop must outlive a passing database trouble; nothing is lost, it is all still due at the next tick.
                log.error("tick failed", problem=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self.tick_s)
            self._woken.clear()


def _behind() -> ColumnElement[bool]:
    """Meetings of which some effect lags behind the newest revision."""
    return or_(
        Meeting.event_rev < Meeting.revision,
        Meeting.task_rev < Meeting.revision,
        Meeting.lead_rev < Meeting.revision,
        Meeting.notice_rev < Meeting.revision,
    )


async def _customers_of(session: AsyncSession, lead_id: int) -> list[int]:
    return list(await session.scalars(select(Customer.id).where(Customer.kommo_lead_id == lead_id)))


async def _open_hints(session: AsyncSession, entity: str, entity_id: int, upto: int) -> list[Hint]:
    found = await session.scalars(
        select(Hint).where(Hint.entity == entity, Hint.entity_id == entity_id, Hint.id <= upto, Hint.done_at.is_(None))
    )
    return list(found)


async def _close_hints(session: AsyncSession, entity: str, entity_id: int, upto: int, now: datetime, outcome: str) -> None:
    for hint in await _open_hints(session, entity, entity_id, upto):
        hint.done_at, hint.outcome = now, outcome[:40]
