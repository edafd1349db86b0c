"""Carries a meeting's newest revision to calendar, task, lead and customer. Every step is an ensure: twice changes nothing.

The order matters once: the event comes first, for nobody may be told of a meeting that the calendar does not have. After it
the task, the lead and the customer's notice do not wait for each other: Kommo being down does not keep a customer in the dark.
"""

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from clients.calendar import CalendarClient, CalendarEvent, NewEvent
from clients.errors import ConflictError, NotFoundError, RefusedError, ServiceError
from clients.kommo import KommoClient
from meetings.booking import newest_meeting_of_lead
from meetings.business import Business, in_language
from meetings.customers import Leads, language_of
from meetings.database import Database
from meetings.lifecycle import notice_key
from meetings.outbox import Outbox
from meetings.tables import Author, Change, Customer, Meeting, MeetingPhase, MeetingStatus, MessageState
from prompts.catalogue import Catalogue
from prompts.labels import day_label, hour_label, short_label, zone_label

log = structlog.get_logger("settle")
HOLD_MIN = 30  # a held time whose event still can't be made after this many minutes is given back
BACKOFF_MAX_S = 600


class EffectLostError(Exception):
    """A write was accepted, yet reading it back shows something else."""


@dataclass(frozen=True)
class Receipts:
    """How far a meeting's newest revision has come."""

    event: bool
    task: bool
    lead: bool
    notice: bool

    @property
    def complete(self) -> bool:
        return self.event and self.task and self.lead and self.notice


@dataclass(frozen=True)
class _Case:
    """A meeting with what its effects need to know, read in one transaction."""

    meeting: Meeting
    customer: Customer
    change: Change
    is_current: bool  # the lead's fields speak of the customer's newest meeting only


class Settler:
    """Ensures effects, one by one or all that are behind."""

    def __init__(
        self,
        db: Database,
        calendar: CalendarClient,
        kommo: KommoClient,
        leads: Leads,
        outbox: Outbox,
        business: Business,
        *,
        fields: tuple[int, int],
        locale: str,
        now: Callable[[], datetime],
    ) -> None:
        """`fields`: ids of the lead fields google_calendar_link and meeting_status. `locale`: the sellers' language."""
        self.db, self.calendar, self.kommo, self.leads, self.outbox = db, calendar, kommo, leads, outbox
        self.business, self.locale, self.now = business, locale, now
        self.link_field, self.status_field = fields

    async def settle(self, meeting_id: int) -> Receipts:
        """Brings every effect that is behind up to date, as far as the services let us.

        Returns:
            What is done now. What failed is planned again (`next_try_at`) with growing waits.
        """
        steps: list[Callable[[int], Awaitable[None]]] = [self.ensure_event]
        case = await self._case(meeting_id)
        if case.meeting.phase == MeetingPhase.RELEASED:
            return Receipts(event=True, task=True, lead=True, notice=True)
        problems = await self._attempt(meeting_id, steps)
        if not problems:
            problems = await self._attempt(meeting_id, [self.ensure_notice, self.ensure_task, self.ensure_lead])
        return await self._conclude(meeting_id, problems)

    async def ensure_event(self, meeting_id: int) -> None:
        """The calendar shows the meeting as it is: there at its time, or gone.

        Raises:
            ServiceError: Not known to be so; try again later.
        """
        case = await self._case(meeting_id)
        meeting = case.meeting
        if meeting.event_rev >= meeting.revision:
            return
        link = meeting.link
        if meeting.status == MeetingStatus.SCHEDULED:
            link = (await self._put_event(case)).link
        elif meeting.status == MeetingStatus.CANCELLED and case.change.source != "event":
            await self.calendar.delete_event(meeting.calendar_id, meeting.event_id)
        async with self.db.transaction() as session:
            row = await session.get_one(Meeting, meeting_id)
            row.link, row.phase = link, MeetingPhase.BOOKED
            row.event_rev = max(row.event_rev, meeting.revision)

    async def ensure_task(self, meeting_id: int) -> None:
        """The lead has one task for the meeting, at its time; closed when the meeting is over.

        Raises:
            ServiceError: Not known to be so; try again later.
        """
        case = await self._case(meeting_id)
        meeting = case.meeting
        if meeting.task_rev >= meeting.revision:
            return
        task_id = meeting.kommo_task_id
        if meeting.status == MeetingStatus.SCHEDULED:
            lead_id = await self._lead_id(case)
            if lead_id is not None:
                task_id = await self._put_task(case, lead_id)
        else:
            task_id = task_id or await self._stray_task(case)
            if task_id is not None and case.change.source != "task":
                await self._close_task(case, task_id)
        async with self.db.transaction() as session:
            row = await session.get_one(Meeting, meeting_id)
            row.kommo_task_id = task_id
            row.task_rev = max(row.task_rev, meeting.revision)

    async def ensure_lead(self, meeting_id: int) -> None:
        """The lead carries google_calendar_link and meeting_status; for a new or moved meeting this is read back.

        Raises:
            ServiceError: Not known to be so; try again later.
            EffectLostError: Kommo accepted the write but does not show it.
        """
        case = await self._case(meeting_id)
        meeting = case.meeting
        if meeting.lead_rev >= meeting.revision:
            return
        lead_id = await self._lead_id(case)
        if lead_id is not None and case.is_current:
            await self._write_lead(meeting, lead_id)
        await self._mark(meeting_id, lead_rev=meeting.revision)

    async def rewrite_lead(self, meeting_id: int) -> None:
        """Puts the lead's two fields back to what is agreed.

        Raises:
            ServiceError, EffectLostError: As `ensure_lead`.
        """
        case = await self._case(meeting_id)
        if case.meeting.kommo_lead_id is not None and case.is_current:
            await self._write_lead(case.meeting, case.meeting.kommo_lead_id)

    async def ensure_notice(self, meeting_id: int) -> None:
        """The customer was told of the newest revision, once.

        Raises:
            ServiceError: Not known to be sent; try again later.
        """
        case = await self._case(meeting_id)
        meeting = case.meeting
        if meeting.notice_rev >= meeting.revision:
            return
        text = self.notice_text(case)
        if text:
            key = notice_key(case.change)
            state = await self.outbox.post(meeting.customer_id, key, text, author=Author.SYSTEM, meeting_id=meeting.id)
            if state is MessageState.FAILED:
                log.error("customer not told", meeting=meeting.id, revision=meeting.revision)
        await self._mark(meeting_id, notice_rev=meeting.revision)

    def notice_text(self, case: _Case) -> str | None:
        """What the customer is told of the newest change, None when there is nothing to tell."""
        meeting, change = case.meeting, case.change
        locale = language_of(case.customer, self.locale)
        if case.customer.opted_out_at is not None and change.what in ("completed", "no_show"):
            return None  # thanks and invitations are ours to offer; changes of the meeting itself are told all the same
        corrected = {change.before.get("status"), change.after.get("status")} == {"completed", "no_show"}
        if corrected:
            return None  # the seller set right what was marked wrong; the customer was there, or knows that not
        key = {
            "booked": "confirmation",
            "moved": "moved",
            "cancelled": "cancelled_by_customer" if change.by == "customer" else "cancelled_by_us",
            "completed": "completed",
            "no_show": "no_show",
        }[change.what]
        words = Catalogue.load("notices", locale)
        zone = self.business.zone
        seller = self.business.seller(meeting.kommo_user_id)
        values = {
            "name": (case.customer.name or "").split(" ")[0],
            "company": self.business.company.name,
            "subject": in_language(self.business.meetings.subject, locale),
            "seller": seller.name if seller else self.business.company.name,
            "day": day_label(meeting.starts_at, zone, locale),
            "hour": hour_label(meeting.starts_at, zone),
            "zone": zone_label(meeting.starts_at, zone, locale),
        }
        return words.fill(key, values)

    async def _attempt(self, meeting_id: int, steps: list[Callable[[int], Awaitable[None]]]) -> list[str]:
        problems = []
        for step in steps:
            try:
                await step(meeting_id)
            except Exception as error:
                # A service that does not answer, or a mistake of ours: either way it is planned again, never dropped.
                problem = str(error) if isinstance(error, ServiceError | EffectLostError) else type(error).__name__
                log.warning("effect failed", meeting=meeting_id, step=step.__name__, problem=problem)
                problems.append(problem)
        return problems

    async def _conclude(self, meeting_id: int, problems: list[str]) -> Receipts:
        async with self.db.transaction() as session:
            row = await session.get_one(Meeting, meeting_id)
            if problems:
                row.attempts += 1
                row.problem = "; ".join(problems)
                row.next_try_at = self.now() + timedelta(seconds=min(2.0**row.attempts, BACKOFF_MAX_S))
            else:
                row.attempts, row.problem, row.next_try_at = 0, None, None
            gives_up = row.phase == MeetingPhase.HELD and row.created_at + timedelta(minutes=HOLD_MIN) < self.now()
            receipts = Receipts(
                event=row.event_rev >= row.revision,
                task=row.task_rev >= row.revision,
                lead=row.lead_rev >= row.revision,
                notice=row.notice_rev >= row.revision,
            )
        if gives_up:
            await self._attempt(meeting_id, [self._give_up])
        return receipts

    async def _give_up(self, meeting_id: int) -> None:
        """Gives a held time back after the customer had been told that it is being confirmed, and says so.

        The row is released last: until the event is surely gone and the customer knows, this is tried again.
        """
        case = await self._case(meeting_id)
        # An insert whose answer was lost may have gone through after all: nothing of it may stay.
        await self.calendar.delete_event(case.meeting.calendar_id, case.meeting.event_id)
        words = Catalogue.load("notices", language_of(case.customer, self.locale))
        text = words.text("booking_failed", name=(case.customer.name or "").split(" ")[0])
        await self.outbox.post(case.customer.id, f"meeting:{meeting_id}:sorry", text, author=Author.SYSTEM, meeting_id=meeting_id)
        await self._mark(meeting_id, phase=MeetingPhase.RELEASED)

    async def _put_event(self, case: _Case) -> CalendarEvent:
        meeting = case.meeting
        if meeting.event_rev > 0:
            try:
                return await self.calendar.move_event(
                    meeting.calendar_id, meeting.event_id, meeting.starts_at, meeting.ends_at, self.business.time_zone
                )
            except NotFoundError:
                await self._next_generation(meeting)
        for _ in range(2):
            try:
                return await self.calendar.insert_event(meeting.calendar_id, self._new_event(case))
            except ConflictError:
                # Our id belongs to an event that somebody deleted: ids are never used again.
                await self._next_generation(meeting)
        raise RefusedError("Google Calendar", "create event", "two ids in a row were taken")

    async def _next_generation(self, meeting: Meeting) -> None:
        async with self.db.transaction() as session:
            row = await session.get_one(Meeting, meeting.id)
            row.generation += 1
            row.event_id = f"{row.event_id[:24]}{row.generation:08x}"
            meeting.generation, meeting.event_id = row.generation, row.event_id

    def _new_event(self, case: _Case) -> NewEvent:
        meeting, customer = case.meeting, case.customer
        words = Catalogue.load("crm", self.locale)
        subject = in_language(self.business.meetings.subject, self.locale)
        name = customer.name or customer.phone or "WhatsApp"
        lead = self.kommo.lead_url(meeting.kommo_lead_id) if meeting.kommo_lead_id else "–"
        return NewEvent(
            id=meeting.event_id,
            summary=words.text("event_title", subject=subject, name=name),
            description=words.text("event_description", name=name, phone=customer.phone or "–", lead=lead),
            starts_at=meeting.starts_at,
            ends_at=meeting.ends_at,
            zone=self.business.time_zone,
            private={"marcado_meeting": str(meeting.id)},
        )

    async def _lead_id(self, case: _Case) -> int | None:
        if case.meeting.kommo_lead_id is not None:
            return case.meeting.kommo_lead_id
        lead_id = await self.leads.ensure(case.customer.id)
        if lead_id is not None:
            await self._mark(case.meeting.id, kommo_lead_id=lead_id)
        return lead_id

    async def _put_task(self, case: _Case, lead_id: int) -> int:
        meeting = case.meeting
        deadline, duration_s = self.task_times(meeting)
        if meeting.kommo_task_id is not None:
            text = self._task_text(case)
            # Deleted meanwhile: that is the seller's cancellation, and the next look at the task will see it.
            with contextlib.suppress(NotFoundError):
                await self.kommo.update_task(meeting.kommo_task_id, text=text, deadline=deadline, duration_s=duration_s)
            return meeting.kommo_task_id
        stray = await self._stray_task(case)
        if stray is not None:
            return stray
        await self._mark(meeting.id, task_tried=True)
        return await self.kommo.create_task(
            lead_id,
            text=self._task_text(case),
            deadline=deadline,
            duration_s=duration_s,
            task_type_id=self.business.kommo.task_type_id,
            responsible_user_id=meeting.kommo_user_id,
        )

    async def _stray_task(self, case: _Case) -> int | None:
        """The task that an earlier attempt made whose answer was lost, recognised by its mark; None without one."""
        meeting = case.meeting
        if not meeting.task_tried or meeting.kommo_lead_id is None:
            return None
        tasks = await self.kommo.list_tasks(meeting.kommo_lead_id)
        return next((task.id for task in tasks if f"#{meeting.id}" in task.text.split()), None)

    def task_times(self, meeting: Meeting) -> tuple[datetime, int]:
        """The task's deadline and its duration in seconds, in the sense the business file gives to a deadline."""
        length = meeting.ends_at - meeting.starts_at
        is_start = self.business.kommo.task_deadline == "start"
        return (meeting.starts_at if is_start else meeting.ends_at), int(length.total_seconds())

    def _task_text(self, case: _Case) -> str:
        words = Catalogue.load("crm", self.locale)
        return words.text(
            "task_text",
            subject=in_language(self.business.meetings.subject, self.locale),
            name=case.customer.name or case.customer.phone or "WhatsApp",
            when=short_label(case.meeting.starts_at, self.business.zone, self.locale),
            mark=f"#{case.meeting.id}",
        )

    async def _close_task(self, case: _Case, task_id: int) -> None:
        key = f"task_result_{case.change.what}_by_{case.change.by}"
        try:
            await self.kommo.complete_task(task_id, Catalogue.load("crm", self.locale).text(key))
        except NotFoundError:
            return  # deleted meanwhile

    async def _write_lead(self, meeting: Meeting, lead_id: int) -> None:
        wanted = {self.link_field: meeting.link or "", self.status_field: str(meeting.status)}
        try:
            await self.kommo.update_lead(lead_id, fields=wanted)
        except NotFoundError:
            return  # deleted or merged away: nothing left to write on
        if meeting.status != MeetingStatus.SCHEDULED:
            return
        lead = await self.kommo.get_lead(lead_id)
        if lead is not None and any(lead.fields.get(field, "") != value for field, value in wanted.items()):
            raise EffectLostError(f"Kommo accepted link and status of lead {lead_id}, but the lead does not show them")

    async def _mark(self, meeting_id: int, **values: object) -> None:
        async with self.db.transaction() as session:
            row = await session.get_one(Meeting, meeting_id)
            for name, value in values.items():
                setattr(row, name, value)

    async def _case(self, meeting_id: int) -> _Case:
        async with self.db.transaction() as session:
            meeting = await session.get_one(Meeting, meeting_id)
            customer = await session.get_one(Customer, meeting.customer_id)
            change = await session.scalar(
                select(Change).where(Change.meeting_id == meeting_id, Change.revision == meeting.revision)
            )
            newest = await self._newest(session, meeting)
            assert change is not None
            return _Case(meeting, customer, change, is_current=newest == meeting_id)

    @staticmethod
    async def _newest(session: AsyncSession, meeting: Meeting) -> int:
        """The meeting that the lead's fields speak of. One lead may have several people, each with meetings."""
        if meeting.kommo_lead_id is None:
            return meeting.id
        newest = await newest_meeting_of_lead(session, meeting.kommo_lead_id)
        return newest.id if newest else meeting.id
