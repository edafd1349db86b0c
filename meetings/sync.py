"""Looks at Kommo for one meeting and acts on the difference. With a hint or without (the sweep): the same function."""

from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from clients.kommo import KommoClient, KommoLead
from meetings.booking import newest_meeting_of_lead
from meetings.business import Business
from meetings.customers import heed_lead
from meetings.database import Database
from meetings.decide import Agreed, Decision, LeadSeen, TaskSeen, decide
from meetings.events import KommoEntity
from meetings.lifecycle import may_become, revise
from meetings.settle import Receipts, Settler
from meetings.tables import Change, Customer, Meeting, MeetingPhase, MeetingStatus

log = structlog.get_logger("sync")


class Synchroniser:
    """Reads the truth, decides, writes the next revision and lets it settle."""

    def __init__(
        self,
        db: Database,
        kommo: KommoClient,
        settler: Settler,
        business: Business,
        *,
        fields: tuple[int, int],
        now: Callable[[], datetime],
    ) -> None:
        """`fields`: ids of the lead fields google_calendar_link and meeting_status."""
        self.db, self.kommo, self.settler, self.business, self.now = db, kommo, settler, business, now
        self.link_field, self.status_field = fields

    async def sync(self, meeting_id: int, entity: KommoEntity | None = None) -> Decision:
        """Compares a meeting with its task (hint: task), its lead (hint: lead) or both (no hint), and acts.

        Safe to repeat and to call without reason: what is already so stays so.

        Raises:
            ServiceError: Kommo can't be read; nothing was changed.
        """
        async with self.db.transaction() as session:
            meeting = await session.get_one(Meeting, meeting_id)
            source = await session.scalar(
                select(Change.source).where(Change.meeting_id == meeting_id, Change.revision == meeting.revision)
            )
        if meeting.phase != MeetingPhase.BOOKED:
            return Decision()
        task = await self._see_task(meeting) if entity is not KommoEntity.LEAD else None
        lead = await self._see_lead(meeting) if entity is not KommoEntity.TASK else None
        agreed = Agreed(MeetingStatus(meeting.status), meeting.starts_at, meeting.link, source or "")
        decision = decide(agreed, task, lead, self.business.result_words)
        await self._act(meeting, decision)
        return decision

    async def look_at_lead(self, customer_id: int) -> None:
        """Reads the lead of a customer who has no meeting: its tag may silence the agent, its seller may have changed.

        Raises:
            ServiceError: Kommo can't be read.
        """
        async with self.db.transaction() as session:
            lead_id = (await session.get_one(Customer, customer_id)).kommo_lead_id
        lead = await self.kommo.get_lead(lead_id) if lead_id is not None else None
        if lead is not None:
            await self._heed(customer_id, lead)

    async def settle(self, meeting_id: int) -> Receipts:
        """Carries out what is still behind."""
        return await self.settler.settle(meeting_id)

    async def _act(self, meeting: Meeting, decision: Decision) -> None:
        if decision.status is not None:
            log.info("meeting changes", meeting=meeting.id, to=decision.status.value, because=decision.because)
            if await self._revise(meeting.id, meeting.revision, decision):
                await self.settler.settle(meeting.id)
        elif decision.rewrite_lead and meeting.lead_rev >= meeting.revision:
            await self.settler.rewrite_lead(meeting.id)

    async def _revise(self, meeting_id: int, seen_revision: int, decision: Decision) -> bool:
        assert decision.status is not None
        async with self.db.transaction() as session:
            meeting = await session.get_one(Meeting, meeting_id)
            if meeting.revision != seen_revision or not may_become(MeetingStatus(meeting.status), decision.status):
                return False  # changed while we were reading; the next look decides anew
            revise(
                session,
                meeting,
                what=decision.status.value,
                by="seller",
                source=decision.source,
                hint=decision.because,
                now=self.now(),
                status=decision.status,
            )
            return True

    async def _see_task(self, meeting: Meeting) -> TaskSeen | None:
        if meeting.kommo_task_id is None:
            return None
        task = await self.kommo.get_task(meeting.kommo_task_id)
        if task is None:
            return TaskSeen(is_gone=True)
        return TaskSeen(is_completed=task.is_completed, result=task.result)

    async def _see_lead(self, meeting: Meeting) -> LeadSeen | None:
        if meeting.kommo_lead_id is None or not await self._is_current(meeting):
            return None
        lead = await self.kommo.get_lead(meeting.kommo_lead_id)
        if lead is None:
            return LeadSeen(is_gone=True)
        await self._heed(meeting.customer_id, lead)
        if meeting.lead_rev < meeting.revision:
            return None  # our own write is still to come: what stands there is old news, not the seller's word
        return LeadSeen(status=lead.fields.get(self.status_field), link=lead.fields.get(self.link_field))

    async def _heed(self, customer_id: int, lead: KommoLead) -> None:
        async with self.db.transaction() as session:
            heed_lead(await session.get_one(Customer, customer_id), lead, self.business)

    async def _is_current(self, meeting: Meeting) -> bool:
        """The lead's fields speak of its newest meeting only."""
        async with self.db.transaction() as session:
            newest = await newest_meeting_of_lead(session, meeting.kommo_lead_id or 0)
        return newest is not None and newest.id == meeting.id


async def meetings_named(session: AsyncSession, entity: str, entity_id: int) -> list[Meeting]:
    """The meetings that a hint is about: the one of a task, or the newest one of a lead."""
    if entity == KommoEntity.TASK:
        found = await session.scalars(select(Meeting).where(Meeting.kommo_task_id == entity_id))
        return list(found)
    newest = await newest_meeting_of_lead(session, entity_id)
    return [newest] if newest else []
