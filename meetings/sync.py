"""Looks at Kommo and the calendar for one meeting and acts on the difference.

With a hint or without (an undo window that is over, the sweep): the same function.
"""

import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from clients.errors import LoginRefusedError, NotFoundError, ServiceError
from clients.kommo import KommoClient
from meetings.booking import Booking, newest_meeting_of_lead
from meetings.business import Business, Seller
from meetings.calendars import CalendarWatch
from meetings.cases import EffectLostError
from meetings.customers import heed_lead
from meetings.database import Database
from meetings.decide import Crm, Decision, EventSeen, LeadSeen, TaskSeen, decide
from meetings.events import HintEntity
from meetings.lifecycle import may_become, revise
from meetings.seen import agreed_of, event_seen, lead_seen, remember, rules_of, task_seen
from meetings.settle import Settler
from meetings.slots import Interval
from meetings.tables import Change, Customer, Meeting, MeetingPhase, MeetingStatus

log = structlog.get_logger("sync")
# A change that could not be made is looked at again after this long: the sweep may be far away.
_AGAIN_S = 30


class Synchroniser:
    """Reads the truth, decides, writes the next revision and lets it settle."""

    def __init__(
        self,
        db: Database,
        kommo: KommoClient,
        calendars: CalendarWatch,
        booking: Booking,
        settler: Settler,
        business: Business,
        *,
        fields: tuple[int, int],
        undo_s: float,
        now: Callable[[], datetime],
    ) -> None:
        """
        Args:
            fields: Ids of the lead fields google_calendar_link and meeting_status.
            undo_s: Seconds in which an act that can be undone is waited for before anybody hears of it.
        """
        self.db, self.kommo, self.calendars, self.booking = db, kommo, calendars, booking
        self.settler, self.business, self.now = settler, business, now
        self.fields, self.undo = fields, timedelta(seconds=undo_s)
        self.rules = rules_of(business)

    async def sync(self, meeting_id: int, entity: HintEntity | None = None) -> Decision:
        """Compares a meeting with its task, lead or event (the one that a hint names), or with all three (no hint), and acts.

        An act that can be undone is not followed yet: it is noted, and everything is read again when the time for undoing it
        is over. Safe to repeat and to call without reason: what is already so stays so.

        Raises:
            ServiceError: Something can't be read; nothing was changed.
        """
        async with self.db.transaction() as session:
            meeting = await session.get_one(Meeting, meeting_id)
            change = await _newest_change(session, meeting)
        if meeting.phase != MeetingPhase.BOOKED:
            return Decision()
        crm, event = await self._read(meeting, entity)
        decision = decide(agreed_of(meeting, change), crm, event, self.now(), self.rules)
        if meeting.wish and entity is not None and decision.is_change and not decision.can_be_undone:
            # Something else was done a moment ago: the two are judged together before what is final.
            crm, event = await self._read(meeting, None)
            decision = decide(agreed_of(meeting, change), crm, event, self.now(), self.rules)
        if decision.is_change and decision.can_be_undone and not await self._is_settled_wish(meeting, decision, entity):
            return decision
        await self._act(meeting, decision, crm, event, entity)
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
            async with self.db.transaction() as session:
                heed_lead(await session.get_one(Customer, customer_id), lead, self.business)

    async def settle_late(self, meeting_id: int) -> None:
        """Carries out what is still behind after something failed.

        What was true when it was decided may have been changed since, and a customer who is told of it late would be told
        something untrue. So everything is read again first; without Kommo the event alone, for that is what tells of times.
        When not even the event can be read all of it waits.
        """
        async with self.db.transaction() as session:
            meeting = await session.get_one(Meeting, meeting_id)
        if meeting.phase == MeetingPhase.BOOKED and meeting.notice_rev < meeting.revision:
            try:
                await self.look_now(meeting_id)
            except (ServiceError, EffectLostError) as error:
                await self.settler.postpone(meeting_id, str(error))
                return
            async with self.db.transaction() as session:
                seen = await session.get_one(Meeting, meeting_id)
            if seen.revision != meeting.revision:
                return  # that was followed, and is settling as a change of its own
        await self.settler.settle(meeting_id)

    async def look_now(self, meeting_id: int) -> None:
        """Compares with all that can be read now: with Kommo and the calendar, or with the calendar alone.

        Raises:
            ServiceError, EffectLostError: Not even the event can be read, or what was seen could not be followed.
        """
        try:
            await self.sync(meeting_id, None)
        except (ServiceError, EffectLostError):
            with contextlib.suppress(NotFoundError, LoginRefusedError):  # a calendar closed to us tells nothing any more
                await self.sync(meeting_id, HintEntity.EVENT)

    async def look_again(self, meeting_id: int) -> None:
        """Plans another look, after one that failed."""
        async with self.db.transaction() as session:
            (await session.get_one(Meeting, meeting_id)).look_at = self.now() + timedelta(seconds=_AGAIN_S)

    # What is read

    async def _read(self, meeting: Meeting, entity: HintEntity | None) -> tuple[Crm, EventSeen | None]:
        task = await self._see_task(meeting) if entity in (None, HintEntity.TASK) else None
        # Tasks may go with their lead: a task that is gone is the seller's word only if the lead is still there.
        went = task is not None and task.is_gone and self.rules.lead_deleted == "keep"
        lead = await self._see_lead(meeting) if went or entity in (None, HintEntity.LEAD) else None
        event = await self._see_event(meeting, is_named=entity is not None) if entity in (None, HintEntity.EVENT) else None
        return Crm(task, lead), event

    async def _see_task(self, meeting: Meeting) -> TaskSeen | None:
        if meeting.kommo_task_id is None:
            return None
        return task_seen(await self.kommo.get_task(meeting.kommo_task_id), meeting, self.business)

    async def _see_lead(self, meeting: Meeting) -> LeadSeen | None:
        if meeting.kommo_lead_id is None:
            return None
        async with self.db.transaction() as session:
            newest = await newest_meeting_of_lead(session, meeting.kommo_lead_id)
        lead = await self.kommo.get_lead(meeting.kommo_lead_id)
        if lead is None:
            await self._follow_merge(meeting)
        else:
            async with self.db.transaction() as session:
                heed_lead(await session.get_one(Customer, meeting.customer_id), lead, self.business)
        return lead_seen(lead, self.fields, speaks=newest is not None and newest.id == meeting.id)

    async def _follow_merge(self, meeting: Meeting) -> None:
        """A lead that was merged into another has left its tasks to that one: from now on it is the meeting's lead."""
        task = await self.kommo.get_task(meeting.kommo_task_id) if meeting.kommo_task_id is not None else None
        if task is None or task.lead_id in (None, meeting.kommo_lead_id):
            return
        async with self.db.transaction() as session:
            row = await session.get_one(Meeting, meeting.id)
            customer = await session.get_one(Customer, meeting.customer_id)
            if customer.kommo_lead_id == row.kommo_lead_id:
                customer.kommo_lead_id, customer.lead_made_with = task.lead_id, None
            row.kommo_lead_id = task.lead_id

    async def _see_event(self, meeting: Meeting, *, is_named: bool) -> EventSeen | None:
        """None when its calendar is closed to us: it says nothing then, and what was done in Kommo is followed all the same.

        Args:
            is_named: The event is all that is looked at; then the look is to be done again.
        """
        try:
            return await see_event(self.calendars, meeting, self.business)
        except (NotFoundError, LoginRefusedError) as error:
            if is_named:
                raise
            log.warning("event not read", meeting=meeting.id, problem=str(error))
            return None

    # What follows

    async def _is_settled_wish(self, meeting: Meeting, decision: Decision, entity: HintEntity | None) -> bool:
        """Whether the time for undoing the act is over and everything was read; else it is noted, for a look at that time."""
        now = self.now()
        done_at = min(now, decision.done_at or now)
        known = meeting.wish if meeting.wish and meeting.wish["what"] == decision.fingerprint else None
        since = datetime.fromisoformat(known["since"]) if known else done_at
        until = since + self.undo
        if now >= until and entity is None:
            return True
        async with self.db.transaction() as session:
            row = await session.get_one(Meeting, meeting.id)
            if row.revision == meeting.revision:
                row.wish = {
                    "what": decision.fingerprint,
                    "since": since.isoformat(),
                    "status": decision.status,
                    "because": decision.because,
                }
                row.look_at = max(until, now)
        return False

    async def _act(
        self, meeting: Meeting, decision: Decision, crm: Crm, event: EventSeen | None, entity: HintEntity | None
    ) -> None:
        refusal = await self._why_not(meeting, decision, event)
        if refusal:
            await self._refuse(meeting, decision, refusal, crm, event)
        elif decision.is_change:
            log.info("meeting changes", meeting=meeting.id, because=decision.because)
            if await self._revise(meeting, decision, crm, event):
                await self.settler.settle(meeting.id)
        else:
            await self._accept(meeting, crm, event, is_whole=entity is None)
            await self.settler.put_back(meeting.id, decision.put_back, event.holder if event else None)

    async def _why_not(self, meeting: Meeting, decision: Decision, event: EventSeen | None) -> str | None:
        """Why a change can't be followed; None when it can.

        What was done on the calendar itself need only lie ahead: there the seller sees what else there is.
        """
        if decision.refused or (decision.starts_at is None and decision.kommo_user_id is None):
            return decision.refused or None
        slot = Interval(decision.starts_at or meeting.starts_at, decision.ends_at or meeting.ends_at)
        if decision.source == "event":
            return "in_the_past" if decision.starts_at and slot.starts_at <= self.now() else None
        seller = self.business.seller(decision.kommo_user_id or meeting.kommo_user_id)
        if seller is None:
            return None  # somebody who was a seller when it was booked: we know of no hours to hold against it
        own = [Interval(meeting.starts_at, meeting.ends_at)] if seller.calendar_id == meeting.calendar_id else []
        if own and event and event.starts_at and event.ends_at:
            own.append(Interval(event.starts_at, event.ends_at))
        return await self.booking.check_slot(seller, slot, meeting_id=meeting.id, own=own)

    async def _revise(self, seen: Meeting, decision: Decision, crm: Crm, event: EventSeen | None) -> bool:
        async with self.db.transaction() as session:
            meeting = await session.get_one(Meeting, seen.id)
            wanted = decision.status or MeetingStatus(meeting.status)
            if meeting.revision != seen.revision or not may_become(MeetingStatus(meeting.status), wanted):
                return False  # changed while we were reading; the next look decides anew
            if event is not None and (holder := self.business.seller(event.holder)) is not None:
                meeting.calendar_id = holder.calendar_id  # where the event is, whoever holds the meeting
            revise(
                session,
                meeting,
                what=decision.status.value if decision.status else "moved" if decision.starts_at else "handed_over",
                by=decision.by,
                source=decision.source,
                hint=decision.because,
                now=self.now(),
                status=decision.status,
                starts_at=decision.starts_at,
                ends_at=decision.ends_at,
                seller=self._new_seller(meeting, decision),
            )
            remember(meeting, crm, event, has_new_event=bool(meeting.event_id != seen.event_id))
            return True

    def _new_seller(self, meeting: Meeting, decision: Decision) -> Seller | None:
        if decision.kommo_user_id in (None, meeting.kommo_user_id):
            return None
        return self.business.seller(decision.kommo_user_id)

    async def _refuse(self, meeting: Meeting, decision: Decision, reason: str, crm: Crm, event: EventSeen | None) -> None:
        """The seller reads on the lead why the meeting stays, and what was changed goes back.

        A lead keeps its responsible user: whose lead it is, is not ours to say. Its status goes back, and a task that was
        completed is opened again.
        """
        log.info("seller's change not possible", meeting=meeting.id, because=decision.because, reason=reason)
        is_status = decision.status is not None
        goes_back = decision.source if is_status or decision.source in ("task", "event") else None
        # What goes back keeps its base until it is back. What else was done at the same time is judged for itself.
        others = Crm(None if decision.source == "task" else crm.task, None if decision.source == "lead" else crm.lead)
        other_event = None if decision.source == "event" else event
        async with self.db.transaction() as session:
            row = await session.get_one(Meeting, meeting.id)
            change = await _newest_change(session, row)
            is_all = not decide(agreed_of(row, change), others, other_event, self.now(), self.rules).is_change
            row.wish, row.look_at = None, None if is_all else self.now()
            if decision.source == "lead" and not is_status:
                remember(row, Crm(None, crm.lead), None)  # accepted as it is, so that it is refused only once
            if is_all:
                remember(row, others, other_event)
        await self.settler.note_refusal(meeting.id, decision, reason)
        if goes_back:
            if is_status and goes_back == "task":
                await self.settler.task.reopen(meeting.id)
            await self.settler.put_back(meeting.id, frozenset({goes_back}), event.holder if event else None)

    async def _accept(self, meeting: Meeting, crm: Crm, event: EventSeen | None, *, is_whole: bool) -> None:
        """What was read is the base from now on. Only a look at everything can tell that a wish was taken back."""
        async with self.db.transaction() as session:
            row = await session.get_one(Meeting, meeting.id)
            if row.revision != meeting.revision:
                return
            if is_whole:
                row.wish = None
                if row.look_at is not None and row.look_at <= self.now():
                    row.look_at = None
            remember(row, crm, event)


async def see_event(calendars: CalendarWatch, meeting: Meeting, business: Business) -> EventSeen:
    """A meeting's event, wherever among the sellers' calendars it stands.

    Raises:
        ServiceError: A calendar can't be read: nothing is known.
    """
    found = await calendars.locate(meeting.calendar_id, meeting.event_id)
    if found is None:  # once more, for when it was deleted
        return event_seen(await calendars.calendar.get_event(meeting.calendar_id, meeting.event_id), meeting.guest_email)
    if found.calendar_id == meeting.calendar_id:
        return event_seen(found.event, meeting.guest_email)
    holder = next((s.kommo_user_id for s in business.sellers if s.calendar_id == found.calendar_id), None)
    return event_seen(found.event, meeting.guest_email, holder) if holder else EventSeen(is_gone=True)


async def _newest_change(session: AsyncSession, meeting: Meeting) -> Change:
    change = await session.scalar(select(Change).where(Change.meeting_id == meeting.id, Change.revision == meeting.revision))
    assert change is not None
    return change


async def meetings_named(session: AsyncSession, entity: str, entity_id: int) -> list[Meeting]:
    """The meetings that a hint is about: the one of a task or event; of a lead its newest one and those still to come."""
    if entity == HintEntity.EVENT:
        found = await session.get(Meeting, entity_id)
        return [found] if found else []
    if entity == HintEntity.TASK:
        return list(await session.scalars(select(Meeting).where(Meeting.kommo_task_id == entity_id)))
    newest = await newest_meeting_of_lead(session, entity_id)
    others = await session.scalars(
        select(Meeting).where(
            Meeting.kommo_lead_id == entity_id,
            Meeting.phase == MeetingPhase.BOOKED,
            Meeting.status == MeetingStatus.SCHEDULED,
            Meeting.id != (newest.id if newest else 0),
        )
    )
    return [*([newest] if newest else []), *others]
