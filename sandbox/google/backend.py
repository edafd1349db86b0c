"""The calendars behind both doors: the API that programs call and the controls that stand for people."""

from sandbox.google import errors
from sandbox.google.call import Call, Caller
from sandbox.google.state import CalendarRecord, EventRecord, GoogleState
from sandbox.google.times import find_zone
from sandbox.world import World

WRITERS = ("writer", "owner")


class Backend:
    """State, clock and post office, and the few operations everything else is made of.

    Attributes:
        changed: Calendar id and event type of every write since push messages were last sent.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.state = GoogleState()
        self.changed: list[tuple[str, str]] = []

    def touch(self, calendar: CalendarRecord, event: EventRecord, *, only_reminders: bool = False) -> None:
        """Notes a write: new etag, new version for sync tokens, and `updated` unless only reminders changed."""
        stamp = self.state.next_stamp(self.world.clock.now())
        event.stamp_ms = stamp
        if not only_reminders:
            event.updated_ms = stamp
        self.state.version += 1
        event.version = self.state.version
        calendar.updated_ms = stamp
        self.changed.append((calendar.id, str(event.fields.get("eventType", "default"))))

    def touch_calendar(self, calendar: CalendarRecord) -> None:
        """Notes a change of the calendar itself (its name, its zone), not of its events."""
        calendar.stamp_ms = self.state.next_stamp(self.world.clock.now())

    def find_calendar(self, call: Call, calendar_id: str | None = None) -> CalendarRecord:
        """The calendar a call names, `primary` being the caller's own.

        Raises:
            ApiError: 404 when there is none or it is not shared.
        """
        wanted = calendar_id or call.args["calendarId"]
        calendar = self.state.calendars.get(call.caller.email if wanted == "primary" else wanted)
        if calendar is None or not calendar.shared:
            raise errors.not_found()
        return calendar

    def find_writable(self, call: Call, calendar_id: str | None = None) -> CalendarRecord:
        """As `find_calendar`. Raises ApiError 403 when the caller may only read it."""
        calendar = self.find_calendar(call, calendar_id)
        if self.role(calendar, call.caller) not in WRITERS:
            raise errors.access_level("writer")
        return calendar

    @staticmethod
    def role(calendar: CalendarRecord, caller: Caller) -> str:
        return "owner" if calendar.id == caller.email or not calendar.primary else calendar.role

    def organizer_copy(self, event: EventRecord) -> tuple[CalendarRecord, EventRecord] | None:
        """The record the organizer has of the same event, when the organizer's calendar is one of ours."""
        calendar = self.state.calendars.get(event.organizer["email"])
        if calendar is None:
            return None
        record = calendar.events.get(event.id)
        return (calendar, record) if record and record.origin == event.origin else None

    def set_time_zone(self, calendar: CalendarRecord, name: str) -> None:
        if find_zone(name) is None:
            raise errors.invalid("Invalid time zone.", "timeZone")
        calendar.time_zone = name
