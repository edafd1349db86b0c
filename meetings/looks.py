"""Looks at what hints name, each in the lane of the customer it concerns, and the keeping of those hints."""

import time
from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from clients.errors import ServiceError
from meetings.backoff import wait_after
from meetings.by_hand import Adoption, ByHand
from meetings.cases import EffectLostError
from meetings.database import Database
from meetings.decide import Decision
from meetings.events import HintEntity
from meetings.lanes import Lanes
from meetings.sync import Synchroniser
from meetings.tables import Hint, Meeting

log = structlog.get_logger("looks")
_LOOK_TAKES_S = 60  # real seconds; after that long a look that was begun counts as lost
LOOK, LEAD, TASK, ADOPT = "look.v1", "lead.v1", "task.v1", "adopt.v1"


class Looks:
    """The workflows behind hints."""

    def __init__(
        self, db: Database, lanes: Lanes, synchroniser: Synchroniser, by_hand: ByHand, now: Callable[[], datetime]
    ) -> None:
        self.db, self.lanes, self.synchroniser, self.by_hand, self.now = db, lanes, synchroniser, by_hand, now
        self._begun: dict[tuple[int, str], float] = {}
        lanes.register(LOOK, self.look)
        lanes.register(LEAD, self.look_at_lead)
        lanes.register(TASK, self.look_at_task)
        lanes.register(ADOPT, self.adopt)

    def may_begin(self, meeting_id: int, entity: str) -> bool:
        """Whether a look that hints ask for may be put into the lane. While one is under way newer hints wait for its end and
        are then looked at together: a lead that is edited all the time must not use up our calls to Kommo.
        """
        now = time.monotonic()
        begun = self._begun.get((meeting_id, entity))
        if begun is not None and now - begun < _LOOK_TAKES_S:
            return False
        self._begun[meeting_id, entity] = now
        return True

    async def look(self, meeting_id: int, entity: str | None, upto_hint: int) -> str:
        """A look for one meeting at what the hints name (all of it without one); they are done then, or planned again."""

        async def act() -> str:
            try:
                decision = await self.synchroniser.sync(meeting_id, HintEntity(entity) if entity else None)
            except Exception as error:
                # A service that can't be read, or a mistake of ours: either way the look is planned again, never dropped.
                log.warning("look failed", meeting=meeting_id, problem=_plainly(error))
                if entity in (None, HintEntity.LEAD):  # a lead's hints may be closed by the look of another meeting of it
                    await self.synchroniser.look_again(meeting_id)
                if entity is not None:
                    await self.later(entity, await self._named(meeting_id, entity), upto_hint, problem=_plainly(error))
                return "failed"
            outcome = _outcome(decision)
            if entity is not None:
                await self.done(entity, await self._named(meeting_id, entity), upto_hint, outcome)
            return outcome

        try:
            return str(await self.lanes.step("look", act))
        finally:
            if entity is not None:
                self._begun.pop((meeting_id, entity), None)

    async def look_at_lead(self, customer_id: int, lead_id: int, upto_hint: int) -> str:
        """A look at the lead of a customer without a meeting; the hints that asked for it are done, or planned again."""

        async def act() -> str:
            try:
                await self.synchroniser.look_at_lead(customer_id)
            except Exception as error:
                log.warning("look failed", lead=lead_id, problem=_plainly(error))
                await self.later(HintEntity.LEAD, lead_id, upto_hint, problem=_plainly(error))
                return "failed"
            await self.done(HintEntity.LEAD, lead_id, upto_hint, "looked at")
            return "looked at"

        return str(await self.lanes.step("look at lead", act))

    async def look_at_task(self, task_id: int, upto_hint: int) -> str:
        """A look at a task that is no meeting's: whose meeting could it be? Its hints get the customer, or are done."""

        async def act() -> str:
            try:
                customer_id = await self.by_hand.find_customer(task_id)
            except Exception as error:
                log.warning("look failed", task=task_id, problem=_plainly(error))
                await self.later(HintEntity.TASK, task_id, upto_hint, problem=_plainly(error))
                return "failed"
            if customer_id is None:
                await self.done(HintEntity.TASK, task_id, upto_hint, Adoption.NOT_A_MEETING)
                return "nobody"
            async with self.db.transaction() as session:
                for hint in await open_hints(session, HintEntity.TASK, task_id, upto_hint):
                    hint.customer_id = customer_id
            return "found"

        return str(await self.lanes.step("look at task", act))

    async def adopt(self, customer_id: int, task_id: int, upto_hint: int) -> str:
        """Makes a seller's task a meeting, in its customer's lane; its hints are done, or planned again."""

        async def act() -> str:
            try:
                outcome, again_at = await self.by_hand.adopt(customer_id, task_id)
            except Exception as error:
                log.warning("task made by hand waits", task=task_id, problem=_plainly(error))
                await self.later(HintEntity.TASK, task_id, upto_hint, problem=_plainly(error))
                return "failed"
            if again_at is None:
                await self.done(HintEntity.TASK, task_id, upto_hint, outcome)
            else:
                await self.later(HintEntity.TASK, task_id, upto_hint, at=again_at)
            return outcome

        return str(await self.lanes.step("adopt", act))

    async def done(self, entity: str, entity_id: int | None, upto: int, outcome: str) -> None:
        """Closes the hints about an entity, up to and including the one with that id."""
        async with self.db.transaction() as session:
            for hint in await open_hints(session, entity, entity_id, upto):
                hint.done_at, hint.outcome = self.now(), outcome[:40]

    async def later(
        self, entity: str, entity_id: int | None, upto: int, *, at: datetime | None = None, problem: str | None = None
    ) -> None:
        """Plans a look again: at that time, else with growing waits."""
        async with self.db.transaction() as session:
            for hint in await open_hints(session, entity, entity_id, upto):
                hint.attempts, hint.problem = hint.attempts + 1, problem
                hint.next_try_at = at or self.now() + wait_after(hint.attempts)

    async def _named(self, meeting_id: int, entity: str) -> int | None:
        """The id under which hints name a meeting."""
        async with self.db.transaction() as session:
            meeting = await session.get_one(Meeting, meeting_id)
        return {
            HintEntity.TASK: meeting.kommo_task_id,
            HintEntity.LEAD: meeting.kommo_lead_id,
            HintEntity.EVENT: meeting.id,
        }[HintEntity(entity)]


def _outcome(decision: Decision) -> str:
    if decision.is_change:
        return decision.because
    return "put back" if decision.put_back else "already so"


def _plainly(error: Exception) -> str:
    """An error for the log: our own say what they must, others could carry customers' words."""
    return str(error) if isinstance(error, ServiceError | EffectLostError) else type(error).__name__


async def open_hints(session: AsyncSession, entity: str, entity_id: int | None, upto: int) -> list[Hint]:
    """The hints about an entity that are not done, up to and including the one with that id."""
    found = await session.scalars(
        select(Hint).where(Hint.entity == entity, Hint.entity_id == entity_id, Hint.id <= upto, Hint.done_at.is_(None))
    )
    return list(found)
