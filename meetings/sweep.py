"""Compares all meetings with Kommo and the calendar, without a hint: finds lost webhooks, wiped links, changed events.

Tasks and leads are read many at a time. What disagrees is looked at once more, alone and in its customer's lane, before anything
is done: a sweep itself changes nothing.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import or_, select

from clients.errors import ServiceError
from clients.kommo import KommoClient, KommoLead, KommoTask
from meetings.booking import newest_meeting_of_lead
from meetings.business import Business
from meetings.by_hand import FIRST_START
from meetings.calendars import CalendarWatch
from meetings.database import Database
from meetings.decide import Crm, Decision, EventSeen, decide
from meetings.events import HintEntity
from meetings.seen import agreed_of, event_seen, lead_seen, rules_of, task_seen
from meetings.sync import see_event
from meetings.tables import Bookmark, Change, Customer, Hint, Meeting, MeetingPhase, MeetingStatus
from meetings.told import who_may_not_know

log = structlog.get_logger("sweep")
_CHUNK = 100
_OVER_FOR = timedelta(days=7)  # how long a meeting that is over, or was closed, is still compared
_BY_HAND = "tasks by hand"
_OVERLAP = timedelta(minutes=10)  # Kommo's clock and ours may differ


@dataclass(frozen=True)
class Disagreement:
    """A meeting that is not everywhere as agreed.

    Attributes:
        decision: What a look at it now would decide; nothing of it when only an effect of ours is behind.
        behind: Those of event, task, lead and notice that our newest revision has not reached.
        is_elsewhere: Its task is on another lead than we know of: the two were merged.
        is_untold: It is still to come, or would have been, and WhatsApp did not take the customer's notice of it. A seller has
            a task that says so (`meetings/delivery.py`).
    """

    meeting: Meeting
    customer: Customer
    decision: Decision
    behind: tuple[str, ...]
    is_elsewhere: bool = False
    is_untold: bool = False

    @property
    def needs_look(self) -> bool:
        return self.decision.is_change or bool(self.decision.put_back) or self.is_elsewhere


@dataclass(frozen=True)
class Comparison:
    """One sweep's result: how many meetings were compared, which disagree, how many tasks made by hand were found.

    `unread` are the ids of meetings whose event could not be read: they were compared with Kommo alone.
    """

    compared: int
    disagreements: tuple[Disagreement, ...]
    tasks_by_hand: int
    unread: tuple[int, ...] = ()


class Sweeper:
    """Looks at everything."""

    def __init__(
        self,
        db: Database,
        kommo: KommoClient,
        calendars: CalendarWatch,
        business: Business,
        *,
        fields: tuple[int, int],
        now: Callable[[], datetime],
    ) -> None:
        """`fields`: ids of the lead fields google_calendar_link and meeting_status."""
        self.db, self.kommo, self.calendars = db, kommo, calendars
        self.business, self.fields, self.now = business, fields, now
        self.rules = rules_of(business)

    async def begin(self) -> None:
        """Marks the service's very first start: a task made by hand from then on is found even if its webhook is lost."""
        async with self.db.transaction() as session:
            swept = await session.get(Bookmark, _BY_HAND)
            if await session.get(Bookmark, FIRST_START) is None:
                session.add(Bookmark(name=FIRST_START, at=swept.at if swept else self.now()))
            if swept is None:
                session.add(Bookmark(name=_BY_HAND, at=self.now() + _OVERLAP))

    async def sweep(self) -> Comparison:
        """Compares, and has everything that disagrees looked at.

        Raises:
            ServiceError: Kommo can't be read.
        """
        found = await self._compare()
        wanted = [d.meeting.id for d in found.disagreements if d.needs_look]
        async with self.db.transaction() as session:
            for meeting in await session.scalars(select(Meeting).where(Meeting.id.in_(wanted))):
                meeting.look_at = min(meeting.look_at or self.now(), self.now())
        return replace(found, tasks_by_hand=await self._note_by_hand())

    async def compare(self) -> Comparison:
        """The same without consequences.

        Raises:
            ServiceError: Kommo can't be read.
        """
        return replace(await self._compare(), tasks_by_hand=len(await self._lost_by_hand(self.now())))

    async def _compare(self) -> Comparison:
        rows = await self._open_meetings()
        meetings = [meeting for meeting, _, _, _ in rows]
        tasks, leads, events = await asyncio.gather(self._tasks(meetings), self._leads(meetings), self._events(meetings))
        async with self.db.transaction() as session:
            untold = await who_may_not_know(session, meetings)
        unread = tuple(meeting_id for meeting_id, event in events.items() if event is None)
        found = []
        for meeting, customer, change, speaks in rows:
            task = tasks.get(meeting.kommo_task_id)
            crm = Crm(
                task_seen(task, meeting, self.business) if meeting.kommo_task_id else None,
                lead_seen(leads.get(meeting.kommo_lead_id), self.fields, speaks=speaks) if meeting.kommo_lead_id else None,
            )
            decision = decide(agreed_of(meeting, change), crm, events.get(meeting.id), self.now(), self.rules)
            is_elsewhere = task is not None and task.lead_id not in (None, meeting.kommo_lead_id)
            is_untold = meeting.id in untold and meeting.ends_at > self.now()
            one = Disagreement(meeting, customer, decision, _behind(meeting), is_elsewhere, is_untold)
            if one.needs_look or one.behind or is_untold:
                found.append(one)
        return Comparison(len(rows), tuple(found), 0, unread)

    async def _open_meetings(self) -> list[tuple[Meeting, Customer, Change, bool]]:
        since = self.now() - _OVER_FOR
        async with self.db.transaction() as session:
            rows = await session.execute(
                select(Meeting, Customer, Change)
                .join(Customer, Customer.id == Meeting.customer_id)
                .join(Change, (Change.meeting_id == Meeting.id) & (Change.revision == Meeting.revision))
                .where(
                    Meeting.phase == MeetingPhase.BOOKED,
                    or_(
                        (Meeting.status == MeetingStatus.SCHEDULED) & (Meeting.ends_at > since),
                        (Meeting.status != MeetingStatus.SCHEDULED) & (Meeting.updated_at > since),
                    ),
                )
                .order_by(Meeting.id)
            )
            found = []
            for meeting, customer, change in rows.all():
                newest = await newest_meeting_of_lead(session, meeting.kommo_lead_id) if meeting.kommo_lead_id else None
                found.append((meeting, customer, change, newest is None or newest.id == meeting.id))
            return found

    async def _tasks(self, meetings: Sequence[Meeting]) -> dict[int | None, KommoTask]:
        ids = sorted({m.kommo_task_id for m in meetings if m.kommo_task_id})
        chunks = [await self.kommo.list_tasks_by_id(ids[n : n + _CHUNK]) for n in range(0, len(ids), _CHUNK)]
        return {task.id: task for chunk in chunks for task in chunk}

    async def _leads(self, meetings: Sequence[Meeting]) -> dict[int | None, KommoLead]:
        ids = sorted({m.kommo_lead_id for m in meetings if m.kommo_lead_id})
        chunks = [await self.kommo.list_leads(ids[n : n + _CHUNK]) for n in range(0, len(ids), _CHUNK)]
        return {lead.id: lead for chunk in chunks for lead in chunk}

    async def _events(self, meetings: Sequence[Meeting]) -> dict[int, EventSeen | None]:
        """The events of meetings that are still to come, and of those just cancelled; what took place stays as it is.

        One that can't be read is None and says nothing: a calendar that is closed to us must not keep the others from being seen.
        """
        wanted = [m for m in meetings if m.status in (MeetingStatus.SCHEDULED, MeetingStatus.CANCELLED)]
        found = await asyncio.gather(*(self._event(meeting) for meeting in wanted))
        return {meeting.id: event for meeting, event in zip(wanted, found, strict=True)}

    async def _event(self, meeting: Meeting) -> EventSeen | None:
        try:
            if meeting.status == MeetingStatus.CANCELLED:  # only whether it stands where it was: nobody searches for what is off
                found = await self.calendars.calendar.get_event(meeting.calendar_id, meeting.event_id)
                return event_seen(found, meeting.guest_email)
            return await see_event(self.calendars, meeting, self.business)
        except ServiceError as error:
            log.warning("event not read", meeting=meeting.id, problem=str(error))
            return None

    async def _lost_by_hand(self, now: datetime) -> list[KommoTask]:
        """Meeting tasks that nobody told us of; those from before our first start are not ours to take."""
        if self.business.sync.task_by_hand == "ignore":
            return []
        async with self.db.transaction() as session:
            mark = await session.get(Bookmark, _BY_HAND)
        since = mark.at - _OVERLAP if mark else now
        tasks = await self.kommo.list_open_tasks(self.business.kommo.task_type_id, since)
        async with self.db.transaction() as session:
            ids = [task.id for task in tasks]
            known = set(await session.scalars(select(Meeting.kommo_task_id).where(Meeting.kommo_task_id.in_(ids))))
            waiting = select(Hint.entity_id).where(Hint.entity == HintEntity.TASK, Hint.done_at.is_(None))
            known |= set(await session.scalars(waiting))
        return [task for task in tasks if task.lead_id and task.id not in known]

    async def _note_by_hand(self) -> int:
        """A hint for each of them."""
        now = self.now()
        new = await self._lost_by_hand(now)
        async with self.db.transaction() as session:
            session.add_all(
                Hint(
                    entity=HintEntity.TASK,
                    entity_id=task.id,
                    action="found",
                    kommo_lead_id=task.lead_id,
                    task_type=task.task_type_id,
                    stored_at=now,
                )
                for task in new
            )
            await session.merge(Bookmark(name=_BY_HAND, at=now))
        return len(new)


def _behind(meeting: Meeting) -> tuple[str, ...]:
    revs = {"event": meeting.event_rev, "task": meeting.task_rev, "lead": meeting.lead_rev, "notice": meeting.notice_rev}
    return tuple(name for name, rev in revs.items() if rev < meeting.revision)
