"""The event on the seller's calendar: there at its time, on the right calendar, or gone."""

from clients.calendar import CalendarClient, CalendarEvent, NewEvent
from clients.errors import ConflictError, NotFoundError, RefusedError
from clients.kommo import KommoClient
from meetings.business import Business, in_language
from meetings.cases import Case, Cases
from meetings.decide import Crm, EventSeen
from meetings.seen import event_seen, remember, shown_of
from meetings.tables import Meeting, MeetingPhase, MeetingStatus
from prompts.catalogue import Catalogue


class EventEffect:
    """Ensures the event."""

    def __init__(self, cases: Cases, calendar: CalendarClient, kommo: KommoClient, business: Business, locale: str) -> None:
        """`locale`: the sellers' language."""
        self.cases, self.calendar, self.kommo, self.business, self.locale = cases, calendar, kommo, business, locale

    async def ensure(self, meeting_id: int) -> None:
        """The calendar shows the meeting as it is.

        Raises:
            ServiceError: Not known to be so; try again later.
        """
        case = await self.cases.read(meeting_id)
        meeting = case.meeting
        if meeting.event_rev >= meeting.revision:
            return
        if meeting.status == MeetingStatus.SCHEDULED:
            event = await self._put(case)
            await self._left_behind(meeting)
            await self._done(meeting, event)
            return
        await self._left_behind(meeting)
        if meeting.status == MeetingStatus.CANCELLED and case.change.hint != "event_deleted":
            await self.calendar.delete_event(meeting.calendar_id, meeting.event_id)
        await self._done(meeting, None)

    async def put_back(self, meeting_id: int) -> None:
        """Undoes what somebody did to the event against what is agreed.

        Raises:
            ServiceError: Not known to be so; try again later.
        """
        meeting = (await self.cases.read(meeting_id)).meeting
        if meeting.status == MeetingStatus.CANCELLED:
            await self.calendar.delete_event(meeting.calendar_id, meeting.event_id)
        elif meeting.status == MeetingStatus.SCHEDULED:
            event = await self._move(meeting)
            await self.cases.mark(meeting_id, and_then=lambda row: remember(row, Crm(), event_seen(event)))

    async def _put(self, case: Case) -> CalendarEvent:
        meeting = case.meeting
        if self._is_there_already(case):
            found = await self.calendar.get_event(meeting.calendar_id, meeting.event_id)
            if found is not None and _is_at_its_time(found, meeting):
                return found
        has_been_made = shown_of(meeting).event is not None or (meeting.event_rev > 0 and not meeting.old_events)
        if has_been_made:
            try:
                return await self._move(meeting)
            except NotFoundError:
                await self._next_generation(meeting)
        for _ in range(2):
            try:
                event = await self.calendar.insert_event(meeting.calendar_id, self._new_event(case))
            except ConflictError:
                # Our id belongs to an event that somebody deleted: ids are never used again.
                await self._next_generation(meeting)
            else:
                # One whose answer was lost may have been made for an earlier revision.
                return event if _is_at_its_time(event, meeting) else await self._move(meeting)
        raise RefusedError("Google Calendar", "create event", "two ids in a row were taken")

    @staticmethod
    def _is_there_already(case: Case) -> bool:
        """The seller moved the event itself: what is agreed is what was read there."""
        return case.change.source == "event" and case.change.what == "moved"

    async def _move(self, meeting: Meeting) -> CalendarEvent:
        return await self.calendar.move_event(
            meeting.calendar_id, meeting.event_id, meeting.starts_at, meeting.ends_at, self.business.time_zone
        )

    async def _left_behind(self, meeting: Meeting) -> None:
        """Deletes the events on calendars of earlier sellers."""
        for old in meeting.old_events:
            await self.calendar.delete_event(old["calendar_id"], old["event_id"])

    async def _done(self, meeting: Meeting, event: CalendarEvent | None) -> None:
        deleted = list(meeting.old_events)
        seen: EventSeen | None = event_seen(event) if event else None

        def note(row: Meeting) -> None:
            row.link = event.link if event else row.link
            row.phase = MeetingPhase.BOOKED
            row.old_events = [old for old in row.old_events if old not in deleted]
            remember(row, Crm(), seen)

        await self.cases.mark(meeting.id, event_rev=meeting.revision, and_then=note)

    async def _next_generation(self, meeting: Meeting) -> None:
        meeting.generation += 1
        meeting.event_id = f"{meeting.event_id[:24]}{meeting.generation:08x}"
        await self.cases.mark(meeting.id, generation=meeting.generation, event_id=meeting.event_id)

    def _new_event(self, case: Case) -> NewEvent:
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


def _is_at_its_time(event: CalendarEvent, meeting: Meeting) -> bool:
    return (event.starts_at, event.ends_at) == (meeting.starts_at, meeting.ends_at)
