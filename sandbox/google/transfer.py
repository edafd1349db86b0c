"""Events that change calendars: `move`, which changes the organizer, and `import`, which brings a copy from outside."""

from copy import deepcopy
from typing import Any
from uuid import uuid5

from sandbox.google import errors, guests
from sandbox.google.backend import Backend
from sandbox.google.call import Caller
from sandbox.google.event_input import read_event
from sandbox.google.recurrence import check_rule
from sandbox.google.state import ID_NAMESPACE, CalendarRecord, EventRecord
from sandbox.google.writes import find_by_ical_uid, organizer_of


def move(
    backend: Backend,
    source: CalendarRecord,
    event: EventRecord,
    destination: CalendarRecord,
    send_updates: str,
) -> EventRecord:
    """Gives the event to another calendar under the same id; the link changes with the calendar.

    The old organizer keeps a copy when on the guest list, else a cancelled stub.

    Returns:
        The event on the destination.

    Raises:
        ApiError: 400 for other than default events and for occurrences, 403 for a guest's copy, 409 when the
            destination has a different event with that id, 410 for a deleted event.
    """
    _check_movable(source, event, destination)
    moved = deepcopy(event)
    moved.number = backend.state.next_number()
    moved.organizer = organizer_of(destination)
    if not backend.state.options.move_keeps_private:
        moved.fields.get("extendedProperties", {}).pop("private", None)
        if not moved.fields.get("extendedProperties"):
            moved.fields.pop("extendedProperties", None)
    event.organizer = organizer_of(destination)
    event.meet_reads_left = None
    if event.attendee(source.id) is None:
        event.stub = True
        event.fields = event.fields | {"status": "cancelled"}
    backend.touch(source, event)
    destination.events[event.id] = moved
    backend.touch(destination, moved)
    guests.spread(backend, destination, moved)
    guests.mail(backend, destination, moved, "update", moved.fields.get("attendees", []), send_updates)
    return moved


def _check_movable(source: CalendarRecord, event: EventRecord, destination: CalendarRecord) -> None:
    if event.is_cancelled:
        raise errors.deleted()
    if not guests.is_organizer(event, source):
        raise errors.not_the_organizer()
    if event.fields["eventType"] != "default" or "recurringEventId" in event.fields:
        raise errors.invalid("This event cannot be moved.")
    if destination.id == source.id:
        raise errors.invalid("The event is already on this calendar.", "destination")
    there = destination.events.get(event.id)
    if there and there.origin != event.origin:
        raise errors.duplicate()


def import_event(backend: Backend, calendar: CalendarRecord, body: dict[str, Any], caller: Caller) -> EventRecord:
    """A private copy of an event known elsewhere under its iCalUID; importing again overwrites it. Nobody is mailed."""
    ical_uid = body.get("iCalUID")
    if not isinstance(ical_uid, str) or not ical_uid:
        raise errors.required("Missing iCalUID.", "iCalUID")
    fields = read_event(body, calendar.time_zone)
    check_rule(fields, calendar.time_zone)
    if fields["eventType"] != "default":
        raise errors.invalid("Only default events can be imported.", "eventType")
    if caller.service_account and fields.get("attendees"):
        raise errors.service_account_guests()
    event = find_by_ical_uid(calendar, ical_uid)
    if event is None:
        event = _imported(backend, calendar, ical_uid, body, caller)
        calendar.events[event.id] = event
    event.fields = fields
    event.stub = event.removed = False
    backend.touch(calendar, event)
    return event


def _imported(backend: Backend, calendar: CalendarRecord, ical_uid: str, body: dict[str, Any], caller: Caller) -> EventRecord:
    organizer = body.get("organizer") or {}
    named = {name: str(organizer[name]) for name in ("email", "displayName") if organizer.get(name)}
    number = backend.state.next_number()
    return EventRecord(
        id=uuid5(ID_NAMESPACE, f"import {calendar.id} {ical_uid}").hex,
        number=number,
        origin=number,
        ical_uid=ical_uid,
        created_ms=int(backend.world.clock.now().timestamp()) * 1000,
        creator=caller.email,
        organizer=named if "email" in named else organizer_of(calendar),
        fields={},
    )
