"""What is read again just before we speak of a meeting, and what a touch answers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from clients.calendar import CalendarClient
from clients.errors import ServiceError
from meetings.database import Database
from meetings.tables import Author, Hint, Meeting, MeetingPhase, MeetingStatus, Message, Touch

log = structlog.get_logger("touches")
EVENT = "event"  # entity of a hint about an event on the calendar; its id is the meeting's
_TALK = timedelta(minutes=5)  # nobody is reminded of anything in the middle of a conversation
_PATIENCE = 5  # failed looks at Kommo, about a minute, after which the calendar's word is enough


class NotYetError(Exception):
    """It can't be said that all is as agreed; to be looked at again soon. The message is for the log and the record.

    Attributes:
        at: When it can be said (aware); None: not known, it is tried with growing waits.
    """

    def __init__(self, why: str, *, at: datetime | None = None) -> None:
        super().__init__(why)
        self.at = at


@dataclass(frozen=True)
class Result:
    """What became of a touch. It is over, unless `again_at` (aware) says when to go on."""

    outcome: str
    again_at: datetime | None = None


class Witness:
    """Reads what Kommo and the calendar show about a meeting before anybody is told of it."""

    def __init__(
        self,
        db: Database,
        calendar: CalendarClient,
        look: Callable[[int], Awaitable[object]],
        now: Callable[[], datetime],
    ) -> None:
        """`look`: compares a meeting (by id) with Kommo and acts on the difference, as the sweep does."""
        self.db, self.calendar, self.look, self.now = db, calendar, look, now

    async def confirm(self, touch: Touch) -> Meeting | None:
        """The meeting, when it still stands at the touch's time and the calendar shows it there.

        Returns:
            None when it was cancelled, moved or marked meanwhile: then the touch is pointless.

        Raises:
            ServiceError: Google can't be asked (or Kommo, for the first few times).
            NotYetError: The event is not where the meeting is (a look was asked for), or a seller's change still waits.
        """
        await self.look_at(touch)
        meeting = await self._standing(touch)
        if meeting is None:
            return None
        event = await self.calendar.get_event(meeting.calendar_id, meeting.event_id)
        if event is None or event.is_cancelled or event.starts_at != meeting.starts_at:
            await self._ask_for_a_look(meeting.id)
            raise NotYetError("the event is gone or at another time")
        return await self._with_video_call(meeting, event.meet_link) if event.meet_link and not meeting.meet_link else meeting

    async def _with_video_call(self, meeting: Meeting, link: str) -> Meeting:
        """Keeps a link that Google made after the event, so that what is sent now has it."""
        async with self.db.transaction() as session:
            row = await session.get_one(Meeting, meeting.id)
            row.meet_link = link
            return row

    async def look_at(self, touch: Touch) -> None:
        """Takes over what sellers did in Kommo. While that fails it is tried again for a minute, then done without.

        Raises:
            NotYetError: A seller's change is known that can still be taken back, and nobody is told of what it may change; or the
                newest change waits to be told.
            Exception: What the look raises, for the first few times.
        """
        try:
            await self.look(touch.meeting_id)
        except Exception as error:
            # Kommo is down, or a mistake of ours in what follows from the look: neither may keep a customer from being reminded.
            if touch.attempts < _PATIENCE:
                raise
            problem = str(error) if isinstance(error, ServiceError) else type(error).__name__
            log.warning("going on without Kommo", touch=touch.id, problem=problem)
        async with self.db.transaction() as session:
            meeting = await session.get_one(Meeting, touch.meeting_id)
        if meeting.wish:
            is_ahead = meeting.look_at is not None and meeting.look_at > self.now()
            raise NotYetError("a seller's change can still be taken back", at=meeting.look_at if is_ahead else None)
        if meeting.notice_rev < meeting.revision:  # in order: what a message builds on was said before
            raise NotYetError("the customer has not been told of the newest change yet")

    async def _standing(self, touch: Touch) -> Meeting | None:
        async with self.db.transaction() as session:
            meeting = await session.get_one(Meeting, touch.meeting_id)
        return meeting if stands(meeting, touch) else None

    async def _ask_for_a_look(self, meeting_id: int) -> None:
        async with self.db.transaction() as session:
            is_open = Hint.entity == EVENT, Hint.entity_id == meeting_id, Hint.done_at.is_(None)
            if await session.scalar(select(Hint.id).where(*is_open).limit(1)) is None:
                session.add(Hint(entity=EVENT, entity_id=meeting_id, action="differs", stored_at=self.now(), attempts=0))


def stands(meeting: Meeting, touch: Touch) -> bool:
    """Whether the meeting is still to be, at the time for which the touch was planned."""
    return (
        meeting.phase == MeetingPhase.BOOKED
        and meeting.status == MeetingStatus.SCHEDULED
        and meeting.starts_at == touch.starts_at
    )


async def talk_ends(session: AsyncSession, customer_id: int, now: datetime) -> datetime | None:
    """Until when a conversation counts as going on: a few minutes after the last word of customer, agent or seller. None: it is
    over. What the system itself sent does not count.
    """
    last = await session.scalar(
        select(func.max(Message.stored_at)).where(Message.customer_id == customer_id, Message.author != Author.SYSTEM)
    )
    return last + _TALK if last is not None and last + _TALK > now else None
