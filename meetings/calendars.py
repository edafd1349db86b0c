"""Follows the sellers' calendars: what happens to a meeting's event there becomes a hint to look at the meeting.

Google's sync tokens tell what changed since the last look. Only which of the events are ours is kept, never other people's. A
calendar is looked at regularly, and soon after a push message; nothing depends on push messages arriving.
"""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from clients.calendar import CalendarChanges, CalendarClient, CalendarEvent
from clients.errors import BusyError, LoginRefusedError, ServiceError
from meetings.backoff import wait_after
from meetings.business import Business
from meetings.database import Database
from meetings.push_channels import PushChannels, feed_of
from meetings.seen import event_seen, shown_of
from meetings.tables import CalendarChannel, CalendarFeed, Hint, Meeting, MeetingPhase, MeetingStatus

EVENT = "event"  # the hint's entity; its entity_id is the meeting's own id
_DEBOUNCE = timedelta(seconds=3)  # from the first push message to the look: one act of a person makes several
_LOOK_BACK = timedelta(days=7)  # how old an event may be that a list of everything holds
_PUSH_CHECK = timedelta(minutes=1)
_BACKOFF_MAX_S = 300
_AT_ONCE = 500  # ids per statement; databases bound their number
log = structlog.get_logger("calendars")


@dataclass(frozen=True)
class Whereabouts:
    """A meeting's event, and the calendar it stands on now."""

    calendar_id: str
    event: CalendarEvent


@dataclass(frozen=True)
class Following:
    """How a calendar is followed, for people who look after the service.

    Attributes:
        polled_at: Last time it could be read, aware UTC; None: never yet.
        problem: Why it can't be read now, None when it can.
        pushed_until: Up to when Google announces changes; None when it does not.
        is_heard: Its messages do arrive.
        push_problem: Why Google does not announce changes, None without trouble.
    """

    calendar_id: str
    polled_at: datetime | None
    problem: str | None
    pushed_until: datetime | None
    is_heard: bool
    push_problem: str | None


class CalendarWatch:
    """Looks at calendars when it is time, in tasks of its own."""

    def __init__(
        self,
        db: Database,
        calendar: CalendarClient,
        business: Business,
        push: PushChannels,
        now: Callable[[], datetime],
        *,
        poll_s: float,
    ) -> None:
        """`poll_s`: seconds between two regular looks at a calendar."""
        self.db, self.calendar, self.business, self.push, self.now = db, calendar, business, push, now
        self.poll_every = timedelta(seconds=poll_s)
        self._polls: dict[str, asyncio.Task[None]] = {}
        self._pushing: asyncio.Task[None] | None = None
        self._push_at: datetime | None = None

    async def tick(self) -> None:
        """Begins what is due, and does not wait for it: Google may take its time."""
        for calendar_id in await self.due():
            if calendar_id not in self._polls:
                self._polls[calendar_id] = asyncio.create_task(self._poll_quietly(calendar_id))
        if self._pushing is None and (self._push_at is None or self.now() >= self._push_at):
            self._push_at = self.now() + _PUSH_CHECK
            self._pushing = asyncio.create_task(self._ensure_quietly())

    async def stop(self) -> None:
        """Waits for what was begun; calling it again is fine."""
        # Not cancelled: that could hit the middle of a transaction.
        begun = [*self._polls.values(), *([self._pushing] if self._pushing else [])]
        await asyncio.gather(*begun)

    def busy(self) -> list[str]:
        """The calendars that are being looked at now."""
        return sorted(self._polls)

    async def due(self) -> list[str]:
        """The calendars to look at now, by id."""
        now = self.now()
        async with self.db.transaction() as session:
            feeds = {feed.calendar_id: feed for feed in await session.scalars(select(CalendarFeed))}
            followed = await self._followed(session)
        return [calendar_id for calendar_id in followed if self._due_at(feeds.get(calendar_id), now) <= now]

    async def next_due(self) -> datetime | None:
        """When a look will be due that a push message or a failure asked for; None: only the regular ones are to come."""
        now = self.now()
        async with self.db.transaction() as session:
            feeds = list(await session.scalars(select(CalendarFeed)))
            followed = set(await self._followed(session))
        asked = [feed for feed in feeds if feed.calendar_id in followed and (feed.nudged_at or feed.next_try_at)]
        return min((self._due_at(feed, now) for feed in asked), default=None)

    async def poll(self, calendar_id: str) -> list[int]:
        """Reads what changed on a calendar and leaves a hint for each meeting of ours among it.

        Hints and Google's mark for what was seen are stored in one transaction: what a crash takes away is read again. When
        the mark is new or lost, all open meetings of the calendar get a hint: some of their events may be gone.

        Returns:
            The meetings' ids, in order.

        Raises:
            ServiceError: It can't be read; the next look is planned with growing waits.
        """
        started = self.now()
        async with self.db.transaction() as session:
            feed = await feed_of(session, calendar_id)
            # What is announced from here on asks for one more look.
            feed.nudged_at = None
            token = feed.sync_token
        try:
            changes = await self.calendar.changes(calendar_id, token, started - _LOOK_BACK)
            return await self._keep(calendar_id, token, changes, started)
        except Exception as error:
            await self._failed(calendar_id, error)
            raise

    async def locate(self, calendar_id: str, event_id: str) -> Whereabouts | None:
        """Finds a meeting's event: where it was, or on another seller's calendar to which somebody gave it. None: deleted.

        A calendar that loses an event to another one shows it as deleted.

        Raises:
            ServiceError: A calendar can't be read now, or is no longer shared with us: nothing is known.
        """
        found = await self.calendar.get_event(calendar_id, event_id)
        if found is None:
            # Google says the same of an event it has forgotten and of a calendar that is closed to us.
            await self.calendar.check_readable(calendar_id)
        here = Whereabouts(calendar_id, found) if found and not found.is_cancelled else None
        if here and here.event.is_organized_here:
            return here
        async with self.db.transaction() as session:
            others = [other for other in await self._followed(session) if other != calendar_id]
        for other in others:
            try:
                found = await self.calendar.get_event(other, event_id)
            except LoginRefusedError:
                continue  # a calendar that is closed to us for good must not keep a deletion from being seen
            if found and not found.is_cancelled and found.is_organized_here:
                return Whereabouts(other, found)
        return here

    async def report(self) -> list[Following]:
        """How each calendar is followed, in order of their ids."""
        async with self.db.transaction() as session:
            feeds = {feed.calendar_id: feed for feed in await session.scalars(select(CalendarFeed))}
            channels = list(await session.scalars(select(CalendarChannel).order_by(CalendarChannel.expires_at)))
            followed = await self._followed(session)
        return [self._report_on(calendar_id, feeds.get(calendar_id), channels) for calendar_id in followed]

    def _report_on(self, calendar_id: str, feed: CalendarFeed | None, channels: Collection[CalendarChannel]) -> Following:
        live = [c for c in channels if c.calendar_id == calendar_id and c.resource_id and c.expires_at > self.now()]
        return Following(
            calendar_id,
            feed.polled_at if feed else None,
            feed.problem if feed else None,
            live[-1].expires_at if live else None,
            any(channel.heard_at for channel in live),
            feed.push_problem if feed else None,
        )

    async def _followed(self, session: AsyncSession) -> list[str]:
        """The sellers' calendars, and those of open meetings whose seller has left the business file."""
        of_meetings = await session.scalars(
            select(Meeting.calendar_id).where(*_open(), Meeting.ends_at > self.now()).group_by(Meeting.calendar_id)
        )
        return sorted({*of_meetings, *(seller.calendar_id for seller in self.business.sellers)})

    def _due_at(self, feed: CalendarFeed | None, now: datetime) -> datetime:
        if feed is not None and feed.next_try_at is not None:
            return feed.next_try_at  # a push message is no reason to press a server that is down
        if feed is None or feed.polled_at is None:
            return now
        regular = feed.polled_at + self.poll_every
        return min(regular, feed.nudged_at + _DEBOUNCE) if feed.nudged_at else regular

    async def _keep(self, calendar_id: str, token: str | None, changes: CalendarChanges, started: datetime) -> list[int]:
        # A changed occurrence of an event that somebody made a series stands beside it, under an id of its own.
        changed = {event_id: event for event in changes.events for event_id in (event.id, event.series_id) if event_id}
        async with self.db.transaction() as session:
            feed = await feed_of(session, calendar_id)
            meetings = {
                meeting.id
                for meeting in await self._meetings_of(session, sorted(changed))
                if _is_news(meeting, calendar_id, changed[meeting.event_id])
            }
            if changes.is_full:
                meetings |= await self._open_meetings(session, calendar_id, started)
            session.add_all(_hint(meeting_id, self.now()) for meeting_id in sorted(meetings))
            if feed.sync_token == token:  # unless somebody else has read further meanwhile
                feed.sync_token = changes.next_sync_token
            is_better = feed.problem is not None
            feed.polled_at, feed.attempts, feed.next_try_at, feed.problem = started, 0, None, None
        if is_better:
            log.info("calendar can be read again", calendar=calendar_id)
        if meetings:
            log.info("calendar changed", calendar=calendar_id, meetings=sorted(meetings), everything=changes.is_full)
        return sorted(meetings)

    async def _meetings_of(self, session: AsyncSession, event_ids: list[str]) -> list[Meeting]:
        """Whichever calendar they stand on: somebody may have given an event to another one."""
        found: list[Meeting] = []
        for start in range(0, len(event_ids), _AT_ONCE):
            ids = event_ids[start : start + _AT_ONCE]
            found += await session.scalars(
                select(Meeting).where(Meeting.event_id.in_(ids), Meeting.phase != MeetingPhase.RELEASED)
            )
        return found

    async def _open_meetings(self, session: AsyncSession, calendar_id: str, started: datetime) -> set[int]:
        rows = await session.scalars(
            select(Meeting.id).where(*_open(), Meeting.calendar_id == calendar_id, Meeting.ends_at > started - _LOOK_BACK)
        )
        return set(rows)

    async def _failed(self, calendar_id: str, error: Exception) -> None:
        problem = str(error) if isinstance(error, ServiceError) else type(error).__name__
        async with self.db.transaction() as session:
            feed = await feed_of(session, calendar_id)
            is_news = feed.problem != problem
            feed.attempts, feed.problem = feed.attempts + 1, problem
            wait_s = wait_after(feed.attempts, _BACKOFF_MAX_S).total_seconds()
            asked_s = error.retry_after_s if isinstance(error, BusyError) else None
            feed.next_try_at = self.now() + timedelta(seconds=max(wait_s, asked_s or 0))
        if is_news:
            log.warning("calendar can't be read", calendar=calendar_id, problem=problem)

    async def _poll_quietly(self, calendar_id: str) -> None:
        try:
            await self.poll(calendar_id)
        except ServiceError:
            pass  # noted and planned again
        except Exception as error:
            # Nobody waits for this task; the calendar stays due.
            log.error("calendar not looked at", calendar=calendar_id, problem=type(error).__name__)
        finally:
            self._polls.pop(calendar_id, None)

    async def _ensure_quietly(self) -> None:
        try:
            async with self.db.transaction() as session:
                followed = await self._followed(session)
            await self.push.ensure(followed)
        except Exception as error:
            # Nobody waits for this task; it is done again in a minute.
            log.error("push channels not looked after", problem=type(error).__name__)
        finally:
            self._pushing = None


def _is_news(meeting: Meeting, calendar_id: str, event: CalendarEvent) -> bool:
    """Whether a look could find anything: not so when the event is just as we left it, as our own writes coming back are."""
    if event.id != meeting.event_id or calendar_id != meeting.calendar_id or meeting.event_rev < meeting.revision:
        return True
    if event.is_cancelled:
        return meeting.status != MeetingStatus.CANCELLED
    known, seen = shown_of(meeting).event, event_seen(event, meeting.guest_email)
    if meeting.status != MeetingStatus.SCHEDULED or known is None:
        return meeting.status not in (MeetingStatus.COMPLETED, MeetingStatus.NO_SHOW)
    return replace(seen, updated_at=known.updated_at) != known


def _open() -> tuple[ColumnElement[bool], ...]:
    return (Meeting.phase == MeetingPhase.BOOKED, Meeting.status == MeetingStatus.SCHEDULED)


def _hint(meeting_id: int, now: datetime) -> Hint:
    return Hint(entity=EVENT, entity_id=meeting_id, action="changed", stored_at=now)
