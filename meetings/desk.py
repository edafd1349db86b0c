"""What a customer can have done about a meeting: book, move, cancel, be told. Each is one call, complete and repeatable."""

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from clients.errors import OutcomeUnknownError, ServiceError, UnreachableError
from meetings.booking import Booking, BookingRefusedError, latest_meeting, upcoming_meeting
from meetings.cases import EffectLostError
from meetings.customers import Leads
from meetings.database import Database
from meetings.settle import Settler
from meetings.tables import Meeting, MeetingPhase


@dataclass(frozen=True)
class Outcome:
    """A meeting after a wish of the customer.

    Attributes:
        is_on_calendar: The calendar shows the newest revision. False: it is being worked on; nothing may be claimed yet.
    """

    meeting: Meeting
    is_on_calendar: bool


class Desk:
    """Joins reservation, calendar, CRM and notice into the acts that tools offer."""

    def __init__(
        self,
        db: Database,
        booking: Booking,
        settler: Settler,
        leads: Leads,
        look: Callable[[int], Awaitable[object]],
        now: Callable[[], datetime],
    ) -> None:
        """`look`: compares a meeting (by id) with Kommo and the calendar, as far as they answer, and acts on the difference."""
        self.db, self.booking, self.settler, self.leads, self.look, self.now = db, booking, settler, leads, look, now

    async def book(self, customer_id: int, option: int, turn_id: str) -> Outcome:
        """Books the offered time: holds it, reads the calendar again, creates the event.

        Repeated with the same option in the same turn it gives the meeting it made.

        Raises:
            BookingRefusedError: With the reason; nothing is booked.
            ServiceError: The calendar refused for good; the time was given back.
        """
        made = await self._made_in(turn_id)
        if made is not None and await self._has_event(made):
            return await self._shown(made.id)
        if made is not None:
            return await self._put_on_calendar(made.id)  # held, then interrupted before the calendar was read again
        with contextlib.suppress(ServiceError):  # without Kommo the booking goes on; the lead is completed later
            await self.leads.refresh(customer_id)
        return await self._put_on_calendar(await self.booking.reserve(customer_id, option, turn_id))

    async def _has_event(self, meeting: Meeting) -> bool:
        """Whether the event of a meeting made in this turn is there, also when an interruption kept us from noting it."""
        if meeting.phase == MeetingPhase.BOOKED:
            return True
        found = await self.booking.calendar.get_event(meeting.calendar_id, meeting.event_id)
        if found is None or found.is_cancelled:
            return False
        await self.settler.event.ensure(meeting.id)
        return True

    async def _put_on_calendar(self, meeting_id: int) -> Outcome:
        """Reads the calendar once more for a held time and creates the event, or gives the time back."""
        try:
            is_free = await self.booking.check_still_free(meeting_id)
        except ServiceError as error:
            await self.booking.release(meeting_id, str(error))
            raise
        if not is_free:
            await self.booking.release(meeting_id, "taken on the calendar meanwhile")
            raise BookingRefusedError("SLOT_TAKEN", "that time is no longer free")
        try:
            await self.settler.event.ensure(meeting_id)
        except (OutcomeUnknownError, UnreachableError) as error:
            await self._plan(meeting_id, str(error))
        except ServiceError as error:
            await self.booking.release(meeting_id, str(error))
            raise
        return await self._shown(meeting_id)

    async def reschedule(self, customer_id: int, option: int) -> Outcome:
        """Moves the customer's meeting to the offered time; the event keeps its id and link.

        What the seller has done to it meanwhile comes first: the customer chose without knowing of it.

        Raises:
            BookingRefusedError: With the reason, also MEETING_CHANGED and MEETING_CHANGING; the customer moved nothing.
            ServiceError: The calendars could not be read; the meeting stays as it is.
        """
        if await self._take_over(customer_id):
            raise BookingRefusedError("MEETING_CHANGING", "the company is changing this meeting right now; nothing was moved")
        return await self._with_event(await self.booking.move(customer_id, option))

    async def cancel(self, customer_id: int, reason: str) -> Outcome:
        """Cancels the customer's upcoming meeting.

        What was changed just now is for the customer to hear first. A seller's change that still waits is outdone, with a note.

        Raises:
            BookingRefusedError: NO_MEETING or MEETING_CHANGED.
        """
        await self._take_over(customer_id)
        return await self._with_event(await self.booking.cancel(customer_id, reason))

    async def save_to_crm(self, customer_id: int) -> Outcome | None:
        """The task, and link and status on the lead, read back. None when there is no meeting.

        Raises:
            ServiceError, EffectLostError: Not done yet; it is tried again by itself.
        """
        meeting = await self.current(customer_id)
        if meeting is None or meeting.phase != MeetingPhase.BOOKED:
            return None
        await self.settler.task.ensure(meeting.id)
        await self.settler.keep_note(meeting.id)
        await self.settler.lead.ensure(meeting.id)
        return await self._shown(meeting.id)

    async def notify(self, customer_id: int) -> Outcome | None:
        """The customer's notice of the newest change. None when there is no meeting.

        Raises:
            ServiceError: Not known to be sent yet; it is tried again by itself.
        """
        meeting = await self.current(customer_id)
        if meeting is None or meeting.phase != MeetingPhase.BOOKED:
            return None
        await self.settler.event.ensure(meeting.id)  # nobody is told of what the calendar does not show
        await self.settler.ensure_notice(meeting.id)
        return await self._shown(meeting.id)

    async def current(self, customer_id: int) -> Meeting | None:
        """The customer's upcoming meeting, else the newest one in whatever state."""
        async with self.db.transaction() as session:
            return await upcoming_meeting(session, customer_id, self.now()) or await latest_meeting(session, customer_id)

    async def settle_all(self, customer_id: int) -> None:
        """Completes whatever was left out for the customer's meetings. Failures are planned again."""
        async with self.db.transaction() as session:
            meetings = await _of_customer(session, customer_id)
            upcoming = await upcoming_meeting(session, customer_id, self.now())
        for meeting in meetings:
            if not meeting.settled:
                await self.settler.settle(meeting.id)
        if upcoming is not None:
            with contextlib.suppress(ServiceError):  # an address that could not be invited is tried with the next turn
                await self.settler.event.ensure_guest(upcoming.id)

    async def _take_over(self, customer_id: int) -> bool:
        """Looks at what the seller did to the customer's meeting. What can't be read is found before it is written over.

        Returns:
            Whether a change is known that can still be taken back.

        Raises:
            BookingRefusedError: MEETING_CHANGED, a change was followed just now.
        """
        async with self.db.transaction() as session:
            meeting = await upcoming_meeting(session, customer_id, self.now())
        if meeting is None or meeting.phase != MeetingPhase.BOOKED:
            return False
        with contextlib.suppress(ServiceError, EffectLostError):
            await self.look(meeting.id)
        async with self.db.transaction() as session:
            seen = await session.get_one(Meeting, meeting.id)
        if seen.revision != meeting.revision:
            raise BookingRefusedError("MEETING_CHANGED", "this meeting was changed just now, and the system tells the customer")
        return bool(seen.wish)

    async def _with_event(self, meeting_id: int) -> Outcome:
        await self._try(meeting_id, self.settler.event.ensure)
        return await self._shown(meeting_id)

    async def _try(self, meeting_id: int, step: Callable[[int], Awaitable[None]]) -> None:
        try:
            await step(meeting_id)
        except (ServiceError, EffectLostError) as error:
            await self._plan(meeting_id, str(error))

    async def _plan(self, meeting_id: int, problem: str) -> None:
        async with self.db.transaction() as session:
            meeting = await session.get_one(Meeting, meeting_id)
            meeting.problem, meeting.next_try_at = problem, self.now() + timedelta(seconds=2)

    async def _made_in(self, turn_id: str) -> Meeting | None:
        async with self.db.transaction() as session:
            return await session.scalar(
                select(Meeting).where(Meeting.booked_in_turn == turn_id, Meeting.phase != MeetingPhase.RELEASED)
            )

    async def _shown(self, meeting_id: int) -> Outcome:
        async with self.db.transaction() as session:
            meeting = await session.get_one(Meeting, meeting_id)
        return Outcome(meeting, is_on_calendar=meeting.event_rev >= meeting.revision)


async def _of_customer(session: AsyncSession, customer_id: int) -> list[Meeting]:
    found = await session.scalars(
        select(Meeting).where(Meeting.customer_id == customer_id, Meeting.phase != MeetingPhase.RELEASED).order_by(Meeting.id)
    )
    return list(found)
