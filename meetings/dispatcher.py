"""Finds what is due and puts it into its customer's lane: bursts that fell silent, hints, unsettled meetings, the sweep.

Everything it needs to know stands in the database; enqueuing twice is harmless because ids are derived from what is due.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from clients.errors import ServiceError
from meetings.calendars import CalendarWatch
from meetings.database import Database
from meetings.delivery import DELIVERY, Deliveries
from meetings.events import HintEntity
from meetings.hooks import Hooks
from meetings.lanes import Lanes, lane_of
from meetings.looks import ADOPT, LEAD, LOOK, TASK, Looks, open_hints
from meetings.notes import Notes
from meetings.qualifying import HandOff, Publisher
from meetings.retention import purge
from meetings.sweep import Sweeper
from meetings.sync import meetings_named
from meetings.tables import Author, Customer, Hint, Meeting, MeetingPhase, Message, MessageState, Turn
from meetings.touches import SELLER, TOUCH, Touches, hasten
from meetings.turn_bound import DueTurn, TurnBound

log = structlog.get_logger("dispatcher")
TURN, SETTLE, HAND_OFF, SWEEP, NOTES = "turn.v1", "settle.v1", "hand_off.v1", "sweep.v1", "notes.v1"
CRM = "crm.v1"
_HELD_S = 5  # hints about a meeting that is just being booked wait this long
_TROUBLE_S = 1.0  # real seconds until the next look after one that failed
_HURRY = 5  # looks in a row that webhooks asked for, after which they come more slowly
_BREATH_S = 0.3  # most real seconds between two looks at the database, however many webhooks come
_GRACE_S = 30  # a change's own workflow gets this long before the dispatcher helps


class Dispatcher:
    """Ticks a few times per second; a webhook wakes it at once."""

    def __init__(
        self,
        db: Database,
        lanes: Lanes,
        looks: Looks,
        sweeper: Sweeper,
        touches: Touches,
        notes: Notes,
        hand_off: HandOff,
        publisher: Publisher,
        hooks: Hooks | None,
        calendars: CalendarWatch,
        deliveries: Deliveries,
        now: Callable[[], datetime],
        *,
        silence_s: float,
        cap_s: float,
        sweep_s: float,
        retention_days: float,
        tick_s: float = 0.1,
        turns_per_hour: int = 1_000_000,
    ) -> None:
        """
        Args:
            turns_per_hour: Most answers begun within an hour, to all customers together; the others wait, the oldest first.
            silence_s: Seconds without a new message after which a burst is answered.
            cap_s: Seconds after which a burst is answered in any case.
            sweep_s: Seconds between two sweeps over all open meetings.
            retention_days: Days for which webhook bodies are kept.
            tick_s: Real seconds between two looks at the database.
        """
        self.db, self.lanes, self.looks, self.sweeper = db, lanes, looks, sweeper
        self.touches, self.deliveries = touches, deliveries
        self.notes, self.hand_off, self.publisher = notes, hand_off, publisher
        self.hooks, self.calendars, self.now = hooks, calendars, now
        self.silence, self.cap = timedelta(seconds=silence_s), timedelta(seconds=cap_s)
        self.sweep_every, self.tick_s = timedelta(seconds=sweep_s), tick_s
        self.bound = TurnBound(turns_per_hour, now)
        self.retention_days = retention_days
        self._swept_at: datetime | None = None
        self._enqueued: set[str] = set()
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_stopping = False
        self._has_begun = False
        self.ticks = 0
        self._ticked_at = time.monotonic()
        lanes.register(SETTLE, self.settle)
        lanes.register(SWEEP, self.sweep)
        lanes.register(NOTES, self.write_notes)
        lanes.register(TOUCH, self.touch)
        lanes.register(SELLER, self.hear_seller)
        lanes.register(DELIVERY, self.prove_delivery)
        lanes.register(HAND_OFF, self.complete_hand_off)
        lanes.register(CRM, self.complete_lead)

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
        await self._looks()
        await self.calendars.tick()
        await self._unsettled()
        await self._hand_offs()
        await self._crm()
        await self._touches()
        await self._deliveries()
        await self._notes()
        await self._sweep()
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
                select(Meeting.updated_at, Meeting.next_try_at).where(Meeting.phase != MeetingPhase.RELEASED, Meeting.is_behind())
            )
            times += [next_try_at or updated_at + timedelta(seconds=_GRACE_S) for updated_at, next_try_at in meetings]
            times += await self.touches.next_due(session)
            leads = await session.scalars(select(Customer.crm_due_at).where(Customer.crm_due_at.is_not(None)))
            times += [at for at in leads if at]
            times += [at for at in await session.scalars(select(Meeting.look_at).where(Meeting.look_at.is_not(None))) if at]
        times += [self.now()] if await self.deliveries.due() else []
        times += [due for due in (await self.notes.next_due(), await self.calendars.next_due()) if due is not None]
        return min(times, default=None)

    # Workflows

    async def sweep(self) -> int:
        """Compares everything with Kommo and the calendar; returns how many meetings disagree. What they need is due then."""

        async def act() -> int:
            if self.hooks:
                await self.hooks.ensure()  # first: whatever the sweep can't read, we must be told of what happens
            try:
                found = await self.sweeper.sweep()
            except ServiceError as error:
                log.warning("sweep failed", problem=str(error))  # the next one is minutes away
                return 0
            while purged := await purge(self.db, self.now(), self.retention_days):
                log.info("old webhooks purged", count=purged)
            log.info("swept", compared=found.compared, disagree=len(found.disagreements), by_hand=found.tasks_by_hand)
            return len(found.disagreements)

        return int(await self.lanes.step("sweep", act))

    async def write_notes(self) -> int:
        """Writes the notes that are due into the leads' feeds."""
        return int(await self.lanes.step("notes", self.notes.flush))

    async def touch(self, touch_id: int) -> str:
        """Does one thing around a meeting whose time has come."""
        return str(await self.lanes.step("touch", partial(self.touches.carry_out, touch_id)))

    async def prove_delivery(self, message_id: int) -> str:
        """Looks for the proof that a customer got a message that matters."""
        return str(await self.lanes.step("prove delivery", partial(self.deliveries.look, message_id)))

    async def hear_seller(self, message_id: int) -> str:
        """Acts upon what a seller wrote from their own number."""
        return str(await self.lanes.step("hear seller", partial(self.touches.sellers.act, message_id)))

    async def settle(self, meeting_id: int) -> None:
        """Carries out what of a meeting is still behind."""
        await self.lanes.step("settle", partial(self.looks.synchroniser.settle_late, meeting_id))

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

    async def complete_lead(self, customer_id: int) -> bool:
        """Brings to Kommo what it did not take with the customer's turn."""
        return bool(await self.lanes.step("crm", partial(self.publisher.complete, customer_id)))

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
                    Customer.resumed,
                )
                .join(Customer, Customer.id == Message.customer_id)
                .where(
                    Message.state == MessageState.NEW,
                    Message.author == Author.CUSTOMER,
                    or_(Customer.next_turn_at.is_(None), Customer.next_turn_at <= now),
                )
                .group_by(Message.customer_id, Customer.turn_attempts, Customer.resumed)
            )
            due = []
            for customer_id, last_id, first_at, last_at, attempts, resumed in rows.all():
                if last_at + self.silence > now and first_at + self.cap > now:
                    continue
                workflow_id = f"turn:{customer_id}:{last_id}:{attempts}"
                if resumed:  # what a pause left to a person had its turn already, under the plain id
                    workflow_id += f":{resumed}"
                workflow_id += await _again(session, customer_id, workflow_id)
                due.append(DueTurn(first_at, customer_id, last_id, workflow_id))
            admitted = await self.bound.admit(session, [turn for turn in sorted(due) if turn.workflow_id not in self._enqueued])
        for turn in admitted:
            lane = lane_of(turn.customer_id)
            await self._enqueue(TURN, turn.customer_id, turn.last_id, turn.workflow_id, lane=lane, workflow_id=turn.workflow_id)

    async def _hints(self) -> None:
        now = self.now()
        wanted: list[tuple[str, tuple[object, ...], str, str]] = []
        async with self.db.transaction() as session:
            rows = await session.execute(
                select(
                    Hint.entity,
                    Hint.entity_id,
                    func.max(Hint.id),
                    func.max(Hint.attempts),
                    func.max(Hint.kommo_lead_id),
                    func.max(Hint.task_type),
                    func.max(Hint.customer_id),
                )
                .where(Hint.done_at.is_(None), or_(Hint.next_try_at.is_(None), Hint.next_try_at <= now))
                .group_by(Hint.entity, Hint.entity_id)
            )
            for entity, entity_id, upto, attempts, lead_id, task_type, customer_id in rows.all():
                meetings = await meetings_named(session, entity, entity_id)
                nth = f"{upto}:{attempts}"
                if any(meeting.phase == MeetingPhase.HELD for meeting in meetings):
                    await self._wait(session, entity, entity_id, upto)  # it is being made: what was seen may be our own doing
                    continue
                begun = [m for m in meetings if self.looks.may_begin(m.id, entity)]
                wanted += [(LOOK, (m.id, entity, upto), lane_of(m.customer_id), f"look:{m.id}:{entity}:{nth}") for m in begun]
                customers = await _customers_of(session, entity_id) if entity == HintEntity.LEAD and not meetings else []
                wanted += [(LEAD, (one, entity_id, upto), lane_of(one), f"lead:{one}:{nth}") for one in customers]
                if meetings or customers:
                    continue
                if entity == HintEntity.TASK and lead_id and self.looks.by_hand.may_be_meeting(task_type):
                    if customer_id is None:
                        wanted.append((TASK, (entity_id, upto), f"task:{entity_id}", f"task:{entity_id}:{nth}"))
                    else:
                        about = (customer_id, entity_id, upto)
                        wanted.append((ADOPT, about, lane_of(customer_id), f"adopt:{entity_id}:{nth}"))
                    continue
                await self._nobody(session, entity, entity_id, upto)
        for workflow, args, lane, workflow_id in wanted:
            await self._enqueue(workflow, *args, lane=lane, workflow_id=workflow_id)

    async def _wait(self, session: AsyncSession, entity: str, entity_id: int, upto: int) -> None:
        for hint in await open_hints(session, entity, entity_id, upto):
            hint.next_try_at = self.now() + timedelta(seconds=_HELD_S)

    async def _nobody(self, session: AsyncSession, entity: str, entity_id: int, upto: int) -> None:
        """Closes hints about what is no business of ours."""
        is_question = entity == HintEntity.TASK and await hasten(session, entity_id, self.now())
        for hint in await open_hints(session, entity, entity_id, upto):
            hint.done_at, hint.outcome = self.now(), "a question" if is_question else "nobody we know"

    async def _looks(self) -> None:
        """Meetings to be compared with everything: an act that could be undone until now, or what a sweep found."""
        async with self.db.transaction() as session:
            rows = await session.execute(
                select(Meeting.id, Meeting.customer_id, Meeting.look_at).where(
                    Meeting.look_at <= self.now(), Meeting.phase == MeetingPhase.BOOKED
                )
            )
            due = list(rows.all())
        for meeting_id, customer_id, look_at in due:
            workflow_id = f"look:{meeting_id}:{look_at}"
            await self._enqueue(LOOK, meeting_id, None, 0, lane=lane_of(customer_id), workflow_id=workflow_id)

    async def _notes(self) -> None:
        due = await self.notes.next_due()
        if due is not None and due <= self.now():
            await self._enqueue(NOTES, lane="notes", workflow_id=f"notes:{due.isoformat()}")

    async def _sweep(self) -> None:
        now = self.now()
        if not self._has_begun:
            await self.sweeper.begin()
            self._has_begun = True
        if self._swept_at is None or now >= self._swept_at + self.sweep_every:
            self._swept_at = now
            await self._enqueue(SWEEP, lane="sweep", workflow_id=f"sweep:{now.isoformat()}")

    async def _unsettled(self) -> None:
        now = self.now()
        late = or_(
            Meeting.next_try_at <= now,
            Meeting.next_try_at.is_(None) & (Meeting.updated_at <= now - timedelta(seconds=_GRACE_S)),
        )
        async with self.db.transaction() as session:
            rows = await session.execute(
                select(Meeting.id, Meeting.customer_id, Meeting.revision, Meeting.attempts, Meeting.next_try_at).where(
                    Meeting.phase != MeetingPhase.RELEASED, Meeting.is_behind(), late
                )
            )
            due = list(rows.all())
        for meeting_id, customer_id, revision, attempts, planned in due:
            workflow_id = f"settle:{meeting_id}:{revision}:{attempts}"
            if planned is not None:  # what waits for the morning has not failed: the number of attempts does not tell it apart
                workflow_id += f":{int(planned.timestamp())}"
            await self._enqueue(SETTLE, meeting_id, lane=lane_of(customer_id), workflow_id=workflow_id)

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
            await self._enqueue(HAND_OFF, customer_id, lane=lane_of(customer_id), workflow_id=workflow_id)

    async def _crm(self) -> None:
        async with self.db.transaction() as session:
            due = select(Customer.id, Customer.crm_since, Customer.crm_attempts).where(Customer.crm_due_at <= self.now())
            rows = list((await session.execute(due)).all())
        for customer_id, since, attempts in rows:
            workflow_id = f"crm:{customer_id}:{since}:{attempts}"
            await self._enqueue(CRM, customer_id, lane=lane_of(customer_id), workflow_id=workflow_id)

    async def _touches(self) -> None:
        for work in await self.touches.due():
            await self._enqueue(work.workflow, work.row_id, lane=work.lane, workflow_id=work.workflow_id)

    async def _deliveries(self) -> None:
        for one in await self.deliveries.due():
            workflow_id = f"delivery:{one.message_id}:{one.tries}"
            await self._enqueue(DELIVERY, one.message_id, lane=lane_of(one.customer_id), workflow_id=workflow_id)

    async def _enqueue(self, workflow: str, *args: object, lane: str, workflow_id: str) -> None:
        if workflow_id in self._enqueued:
            return
        await self.lanes.enqueue(workflow, *args, lane=lane, workflow_id=workflow_id)
        if len(self._enqueued) > 10_000:
            self._enqueued.clear()  # only saves a look at the engine's table; ids make repeats harmless
        self._enqueued.add(workflow_id)

    async def _run(self) -> None:
        hurried = 0  # looks in a row that something new had asked for
        while not self._is_stopping:
            wait_s, began = self.tick_s, time.monotonic()
            try:
                await self.tick()
            except Exception as error:
                # The loop must outlive a passing database trouble; nothing is lost, it is all still due at the next tick.
                log.error("tick failed", problem=type(error).__name__)
                wait_s = max(wait_s, _TROUBLE_S)  # a full disk must not be filled with complaints about it
            took_s = time.monotonic() - began
            try:
                await asyncio.wait_for(self._woken.wait(), wait_s)
                hurried += 1
            except TimeoutError:
                hurried = 0
            if hurried > _HURRY and not self._is_stopping:
                # In a flood most of the time is for those who wait to be acknowledged.
                await asyncio.sleep(min(2 * took_s, _BREATH_S))
            self._woken.clear()


async def _again(session: AsyncSession, customer_id: int, workflow_id: str) -> str:
    """What makes a turn's id new when one of that id ended without an answer: a newer message, since deleted, had stopped it."""
    ended = await session.scalar(
        select(func.count()).where(
            Turn.customer_id == customer_id,
            or_(Turn.id == workflow_id, Turn.id.startswith(f"{workflow_id}+")),
            Turn.ended_at.is_not(None),
        )
    )
    return f"+{ended}" if ended else ""


async def _customers_of(session: AsyncSession, lead_id: int) -> list[int]:
    return list(await session.scalars(select(Customer.id).where(Customer.kommo_lead_id == lead_id)))
