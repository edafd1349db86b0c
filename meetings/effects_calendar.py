"""The event on the seller's calendar: there at its time, on the right calendar, or gone."""

from collections.abc import Callable
from datetime import datetime

from clients.calendar import CalendarClient, CalendarEvent, Invitee, NewEvent
from clients.errors import ConflictError, NotFoundError, RefusedError
from clients.kommo import KommoClient
from meetings.business import Business, in_language
from meetings.calendars import CalendarWatch
from meetings.cases import Case, Cases, OvertakenError
from meetings.customers import language_of
from meetings.decide import Crm, EventSeen
from meetings.seen import event_seen, remember, shown_of
from meetings.tables import Meeting, MeetingPhase, MeetingStatus
from prompts.catalogue import Catalogue


class EventEffect:
    """Ensures the event."""

    def __init__(
        self,
        cases: Cases,
        calendar: CalendarClient,
        calendars: CalendarWatch,
        kommo: KommoClient,
        business: Business,
        locale: str,
        now: Callable[[], datetime],
    ) -> None:
        """`locale`: the sellers' language."""
        self.cases, self.calendar, self.calendars, self.kommo = cases, calendar, calendars, kommo
        self.business, self.locale, self.now = business, locale, now

    async def ensure(self, meeting_id: int) -> None:
        """The calendar shows the meeting as it is.

        Raises:
            ServiceError: Not known to be so; try again later.
            OvertakenError: Somebody gave the event to another seller meanwhile; the meeting is looked at anew.
        """
        case = await self.cases.read(meeting_id)
        meeting = case.meeting
        if meeting.event_rev >= meeting.revision:
            return
        if meeting.status == MeetingStatus.SCHEDULED:
            event = await self._put(case)
            await self._left_behind(meeting)
            await self._done(case, event)
            return
        await self._left_behind(meeting)
        if meeting.status == MeetingStatus.CANCELLED and case.change.hint != "event_deleted":
            await self._delete(meeting)
        await self._done(case, None)

    async def ensure_guest(self, meeting_id: int) -> None:
        """Who gave an e-mail address is invited, also after the booking; the address given last counts.

        Raises:
            ServiceError: Not known to be so; tried again with the customer's next turn.
        """
        case = await self.cases.read(meeting_id)
        meeting, email = case.meeting, self._email(case)
        is_due = meeting.status == MeetingStatus.SCHEDULED and meeting.event_rev >= meeting.revision
        if not is_due or email is None or email == meeting.guest_email:
            return
        event = await self.calendar.change_guests(
            meeting.calendar_id,
            meeting.event_id,
            invite=[Invitee(email, case.customer.name or "")],
            uninvite=[meeting.guest_email] if meeting.guest_email else [],
            description=self._description(case),
        )
        await self.cases.mark(meeting_id, guest_email=email, and_then=lambda row: remember(row, Crm(), event_seen(event, email)))

    async def put_back(self, meeting_id: int, holder: int | None = None) -> None:
        """Undoes what somebody did to the event against what is agreed.

        Args:
            holder: Kommo user id of the seller on whose calendar it was found, None when that is the meeting's own.

        Raises:
            ServiceError: Not known to be so; try again later.
        """
        meeting = (await self.cases.read(meeting_id)).meeting
        seller = self.business.seller(holder)
        calendar_id = seller.calendar_id if seller else meeting.calendar_id
        if meeting.status == MeetingStatus.CANCELLED:
            await self.calendar.delete_event(calendar_id, meeting.event_id)
        elif meeting.status == MeetingStatus.SCHEDULED:
            event = await self._move(meeting, calendar_id)
            seen = event_seen(event, meeting.guest_email, holder)
            await self.cases.mark(meeting_id, and_then=lambda row: remember(row, Crm(), seen))

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
                if await self.calendars.locate(meeting.calendar_id, meeting.event_id) is not None:
                    # Somebody gave it to another seller: that is followed first, or the customer hears of the wrong one.
                    await self.cases.ask_for_look(meeting.id, self.now())
                    raise OvertakenError(f"somebody gave the event of meeting {meeting.id} to another seller since") from None
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
        """It was done to the event itself: what is agreed is what was read there."""
        return case.change.source == "event" and case.change.what in ("moved", "handed_over")

    async def _move(self, meeting: Meeting, calendar_id: str | None = None) -> CalendarEvent:
        return await self.calendar.move_event(
            calendar_id or meeting.calendar_id, meeting.event_id, meeting.starts_at, meeting.ends_at, self.business.time_zone
        )

    async def _delete(self, meeting: Meeting) -> None:
        if await self.calendar.delete_event(meeting.calendar_id, meeting.event_id):
            return
        # Gone from there: deleted before, or somebody gave it to another seller a moment ago.
        elsewhere = await self.calendars.locate(meeting.calendar_id, meeting.event_id)
        if elsewhere is not None:
            await self.calendar.delete_event(elsewhere.calendar_id, meeting.event_id)

    async def _left_behind(self, meeting: Meeting) -> None:
        """Deletes the events on calendars of earlier sellers."""
        for old in meeting.old_events or []:
            await self.calendar.delete_event(old["calendar_id"], old["event_id"])

    async def _done(self, case: Case, event: CalendarEvent | None) -> None:
        meeting = case.meeting
        deleted = list(meeting.old_events or [])
        invited = [email for email in (self._email(case), meeting.guest_email) if email]
        guest = next((one for one in invited if event and any(g.is_address(one) for g in event.guests)), None)
        seen: EventSeen | None = event_seen(event, guest) if event else None

        def note(row: Meeting) -> None:
            row.link = event.link if event else row.link
            row.meet_link = (event.meet_link or None) if event else row.meet_link
            row.guest_email = guest if event else row.guest_email
            row.phase = MeetingPhase.BOOKED
            row.old_events = [old for old in row.old_events or [] if old not in deleted] or None
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
        email = self._email(case)
        return NewEvent(
            id=meeting.event_id,
            summary=words.text("event_title", subject=subject, name=name),
            description=self._description(case),
            starts_at=meeting.starts_at,
            ends_at=meeting.ends_at,
            zone=self.business.time_zone,
            private={"marcado_meeting": str(meeting.id)},
            guests=[Invitee(email, customer.name or "")] if email else [],
            wants_meet=self.business.meetings.meet_link,
        )

    def _email(self, case: Case) -> str | None:
        return case.customer.email if self.business.meetings.invite_guests else None

    def _description(self, case: Case) -> str:
        """For the seller who it is and where the lead is; an invited customer reads it too, and gets a text of their own."""
        meeting, customer = case.meeting, case.customer
        if self._email(case):
            words = Catalogue.load("notices", language_of(customer, self.locale))
            return words.text("event_description", company=self.business.company.name)
        return Catalogue.load("crm", self.locale).text(
            "event_description",
            name=customer.name or customer.phone or "WhatsApp",
            phone=customer.phone or "–",
            lead=self.kommo.lead_url(meeting.kommo_lead_id) if meeting.kommo_lead_id else "–",
        )


def _is_at_its_time(event: CalendarEvent, meeting: Meeting) -> bool:
    return (event.starts_at, event.ends_at) == (meeting.starts_at, meeting.ends_at)
