"""The events methods that concern one event."""

from sandbox.google import errors
from sandbox.google.backend import Backend
from sandbox.google.call import NO_CONTENT, Call, Reply
from sandbox.google.conference import finish, is_pending
from sandbox.google.event_view import minimal, render, shows_details
from sandbox.google.guests import spread
from sandbox.google.recurrence import find_instance
from sandbox.google.state import CalendarRecord, EventRecord
from sandbox.google.transfer import import_event, move
from sandbox.google.writes import Manner, cancel, create, rewrite


def get_event(backend: Backend, call: Call) -> Reply:
    calendar = backend.find_calendar(call)
    event = find_event(call, calendar)
    zone_name, limit = call.zone_name(), call.integer("maxAttendees", 1)
    settle(backend, calendar, event)
    if not shows_details(event, calendar):
        return Reply(body=minimal(event))
    return Reply(body=render(event, calendar, zone_name=zone_name, viewer=call.caller.email, max_attendees=limit))


def insert_event(backend: Backend, call: Call) -> Reply:
    calendar = backend.find_writable(call)
    manner = _manner(call)
    return _shown(call, calendar, create(backend, calendar, call.object(), call.caller, manner))


def patch_event(backend: Backend, call: Call) -> Reply:
    return _change(backend, call, replace=False)


def update_event(backend: Backend, call: Call) -> Reply:
    return _change(backend, call, replace=True)


def _change(backend: Backend, call: Call, *, replace: bool) -> Reply:
    calendar = backend.find_writable(call)
    event = find_event(call, calendar)
    manner = _manner(call)
    _check_condition(call, event)
    if event.is_cancelled:
        _check_deleted_write(backend, event)
    rewrite(backend, calendar, event, call.object(), call.caller, manner, replace=replace)
    return _shown(call, calendar, event)


def _check_deleted_write(backend: Backend, event: EventRecord) -> None:
    """Reports differ on what Google does here (200, 403, 410), so an option decides."""
    policy = backend.state.options.deleted_write
    if policy == "forbidden":
        raise errors.forbidden()
    if policy == "gone" or event.stub:
        raise errors.deleted()


def delete_event(backend: Backend, call: Call) -> Reply:
    calendar = backend.find_writable(call)
    event = find_event(call, calendar)
    send_updates = call.send_updates()
    if event.is_cancelled:
        raise errors.deleted()
    _check_condition(call, event)
    cancel(backend, calendar, event, send_updates)
    return NO_CONTENT


def move_event(backend: Backend, call: Call) -> Reply:
    calendar = backend.find_writable(call)
    event = find_event(call, calendar)
    wanted = call.text("destination")
    if not wanted:
        raise errors.required("Required parameter: destination", "destination")
    destination = backend.find_writable(call, wanted)
    _check_condition(call, event)
    return _shown(call, destination, move(backend, calendar, event, destination, call.send_updates()))


def import_an_event(backend: Backend, call: Call) -> Reply:
    calendar = backend.find_writable(call)
    return _shown(call, calendar, import_event(backend, calendar, call.object(), call.caller))


def find_event(call: Call, calendar: CalendarRecord) -> EventRecord:
    """The event a call names, occurrences of series included. Raises ApiError 404."""
    event_id = call.args["eventId"]
    event = calendar.events.get(event_id) or find_instance(calendar, event_id)
    if event is None:
        raise errors.not_found()
    return event


def settle(backend: Backend, calendar: CalendarRecord, event: EventRecord) -> None:
    """Lets a pending Meet link come one read closer; when it is made, that is a change of the event."""
    if not is_pending(event):
        return
    assert event.meet_reads_left is not None
    if event.meet_reads_left > 0:
        event.meet_reads_left -= 1
        return
    finish(event, backend.state.options.conference_outcome)
    backend.touch(calendar, event)
    spread(backend, calendar, event)


def _shown(call: Call, calendar: CalendarRecord, event: EventRecord) -> Reply:
    limit = call.integer("maxAttendees", 1)
    return Reply(body=render(event, calendar, viewer=call.caller.email, max_attendees=limit))


def _manner(call: Call) -> Manner:
    call.integer("maxAttendees", 1)
    return Manner(
        send_updates=call.send_updates(),
        conference_version=call.integer("conferenceDataVersion", 0, 1) or 0,
        attachments=call.flag("supportsAttachments") or False,
    )


def _check_condition(call: Call, event: EventRecord) -> None:
    wanted = call.headers.get("if-match")
    if wanted not in (None, "*", event.etag):
        raise errors.condition_not_met()
