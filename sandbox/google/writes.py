"""What a write does to an event, whoever asks: the API for a program, the controls for a person."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any
from uuid import uuid5

from sandbox.google import errors, guests
from sandbox.google.backend import Backend
from sandbox.google.call import Caller
from sandbox.google.conference import ConferenceChange, apply_conference, read_conference
from sandbox.google.event_input import check_id, read_event
from sandbox.google.recurrence import check_rule, is_series
from sandbox.google.state import ID_NAMESPACE, CalendarRecord, EventRecord

_TIMING = ("start", "end", "recurrence")


@dataclass(frozen=True)
class Manner:
    """How a write is asked for: `sendUpdates`, `conferenceDataVersion`, `supportsAttachments`."""

    send_updates: str = "none"
    conference_version: int = 0
    attachments: bool = False


def create(backend: Backend, calendar: CalendarRecord, body: dict[str, Any], caller: Caller, manner: Manner) -> EventRecord:
    """A new event with the calendar as organizer. Everything is checked before anything is stored."""
    event_id = _new_id(backend, body)
    _check_guests(body, caller)
    fields = _checked(calendar, body, manner)
    if fields["status"] == "cancelled":
        raise errors.invalid("A new event cannot be cancelled.", "status")
    if fields["eventType"] == "fromGmail":
        raise errors.invalid("Events of type fromGmail cannot be created.", "eventType")
    if fields["eventType"] in ("outOfOffice", "focusTime", "workingLocation") and not calendar.primary:
        raise errors.invalid("This type of event can only be created on primary calendars.", "eventType")
    change = read_conference(
        body,
        None,
        version=manner.conference_version,
        replace=False,
        service_account=caller.service_account,
    )
    ical_uid = body.get("iCalUID") or f"{event_id}@google.com"
    if event_id in calendar.events or (body.get("iCalUID") and find_by_ical_uid(calendar, ical_uid)):
        raise errors.duplicate()
    number = backend.state.next_number()
    event = EventRecord(
        id=event_id,
        number=number,
        origin=number,
        ical_uid=ical_uid,
        created_ms=int(backend.world.clock.now().timestamp()) * 1000,
        creator=caller.email,
        organizer=organizer_of(calendar),
        fields=fields,
    )
    apply_conference(event, change, {}, backend.state.options)
    calendar.events[event_id] = event
    backend.touch(calendar, event)
    guests.spread(backend, calendar, event)
    guests.mail(backend, calendar, event, "invitation", fields.get("attendees", []), manner.send_updates)
    return event


def organizer_of(calendar: CalendarRecord) -> dict[str, str]:
    """The calendar as an organizer; only secondary calendars show a name."""
    return {"email": calendar.id} | ({} if calendar.primary else {"displayName": calendar.summary})


def find_by_ical_uid(calendar: CalendarRecord, ical_uid: str) -> EventRecord | None:
    return next((event for event in calendar.events.values() if event.ical_uid == ical_uid), None)


def _new_id(backend: Backend, body: dict[str, Any]) -> str:
    if body.get("id") is not None:
        if body.get("iCalUID"):
            raise errors.invalid("Only one of id and iCalUID may be given.", "id")
        return check_id(body["id"])
    # Hexadecimal digits are base32hex characters, too; derived from the counter so that runs repeat.
    return uuid5(ID_NAMESPACE, f"event {backend.state.epoch} {backend.state.last_number + 1}").hex[:26]


def _checked(calendar: CalendarRecord, body: dict[str, Any], manner: Manner) -> dict[str, Any]:
    fields = read_event(body, calendar.time_zone)
    check_rule(fields, calendar.time_zone)
    if not manner.attachments:
        fields.pop("attachments", None)
    return fields


def _check_guests(body: dict[str, Any], caller: Caller) -> None:
    if caller.service_account and body.get("attendees"):
        raise errors.service_account_guests()


def merge_patch(base: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Patch semantics: objects merge, null removes, arrays and values replace."""
    merged = deepcopy(base)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict) and isinstance(merged.get(name), dict):
            merged[name] = merge_patch(merged[name], value)
        else:
            merged[name] = deepcopy(value)
    return merged


def rewrite(
    backend: Backend,
    calendar: CalendarRecord,
    event: EventRecord,
    body: dict[str, Any],
    caller: Caller,
    manner: Manner,
    *,
    replace: bool,
) -> None:
    """Changes an event: `body` is the whole resource (`replace`) or a patch.

    An occurrence of a series that was not an event of its own becomes one. A patch to `cancelled` is a deletion.
    """
    _check_guests(body, caller)
    fields = _checked(calendar, _proposal(event, body, replace=replace), manner)
    _keep_what_this_write_cannot_change(event, fields, caller, manner)
    if fields["status"] == "cancelled" and not event.is_cancelled:
        cancel(backend, calendar, event, manner.send_updates)
        return
    if fields["eventType"] != event.fields["eventType"]:
        raise errors.invalid("The event type cannot be changed.", "eventType")
    change = read_conference(
        body,
        event,
        version=manner.conference_version,
        replace=replace,
        service_account=caller.service_account,
    )
    if guests.is_organizer(event, calendar):
        _apply_as_organizer(backend, calendar, event, fields, change, manner)
    else:
        _apply_as_guest(backend, calendar, event, fields, change)


def _proposal(event: EventRecord, body: dict[str, Any], *, replace: bool) -> dict[str, Any]:
    if body.get("attendeesOmitted") is True:
        body = body | {"attendees": _with_omitted(event, body.get("attendees") or [])}
    if not replace:
        return merge_patch(event.fields, body)
    kept = {"eventType": event.fields["eventType"]}
    return kept | {name: value for name, value in body.items() if value is not None}


def _with_omitted(event: EventRecord, given: list[Any]) -> list[Any]:
    """The whole guest list when the client holds only a part of it and says so."""
    replies = {str(guest.get("email", "")).lower(): guest for guest in given if isinstance(guest, dict)}
    known = event.fields.get("attendees", [])
    return [guest | replies.get(guest["email"].lower(), {}) for guest in known]


def _keep_what_this_write_cannot_change(event: EventRecord, fields: dict[str, Any], caller: Caller, manner: Manner) -> None:
    fixed = ["recurringEventId", "originalStartTime"]
    if not manner.attachments:
        fixed.append("attachments")
    if caller.email != event.creator:
        fixed.append("source")
    for name in fixed:
        fields.pop(name, None)
        if name in event.fields:
            fields[name] = event.fields[name]


def _apply_as_organizer(
    backend: Backend,
    calendar: CalendarRecord,
    event: EventRecord,
    fields: dict[str, Any],
    change: ConferenceChange,
    manner: Manner,
) -> None:
    before = event.fields
    event.fields = fields
    apply_conference(event, change, before, backend.state.options)
    changed = {name for name in {*before, *event.fields} if before.get(name) != event.fields.get(name)}
    if changed & set(_TIMING):
        event.sequence += 1
    _adopt(backend, calendar, event)
    backend.touch(calendar, event, only_reminders=changed == {"reminders"})
    guests.spread(backend, calendar, event)
    if changed - set(guests.OWN_FIELDS):
        guests.mail_about_change(backend, calendar, event, before.get("attendees", []), manner.send_updates)


def _apply_as_guest(
    backend: Backend,
    calendar: CalendarRecord,
    event: EventRecord,
    fields: dict[str, Any],
    change: ConferenceChange,
) -> None:
    if change.action != "keep":
        raise errors.not_the_organizer()
    before = event.fields
    for name in ("conferenceData", "hangoutLink"):
        if name in before:
            fields[name] = before[name]
    reply = guests.check_guest_write(event, calendar, fields)
    changed = {name for name in {*before, *fields} if before.get(name) != fields.get(name)}
    event.fields = fields
    _adopt(backend, calendar, event)
    backend.touch(calendar, event, only_reminders=changed == {"reminders"})
    if reply:
        guests.answer(backend, event, calendar.id, reply)


def _adopt(backend: Backend, calendar: CalendarRecord, event: EventRecord) -> None:
    """Makes an occurrence of a series an event of its own."""
    if event.id not in calendar.events:
        event.number = backend.state.next_number()
        calendar.events[event.id] = event


def cancel(backend: Backend, calendar: CalendarRecord, event: EventRecord, send_updates: str) -> None:
    """Deletes: for everybody when the organizer does it, for themselves alone (declining) when a guest does."""
    event.meet_reads_left = None
    event.fields = event.fields | {"status": "cancelled"}
    _adopt(backend, calendar, event)
    if guests.is_organizer(event, calendar):
        backend.touch(calendar, event)
        guests.spread(backend, calendar, event)
        guests.mail(backend, calendar, event, "cancellation", event.fields.get("attendees", []), send_updates)
        _cancel_exceptions(backend, calendar, event)
        return
    event.removed = True
    event.fields["attendees"] = [
        guest | {"responseStatus": "declined"} if guest["email"].lower() == calendar.id.lower() else guest
        for guest in event.fields.get("attendees", [])
    ]
    backend.touch(calendar, event)
    guests.answer(backend, event, calendar.id, {"responseStatus": "declined"})


def _cancel_exceptions(backend: Backend, calendar: CalendarRecord, event: EventRecord) -> None:
    if not is_series(event):
        return
    for other in calendar.events.values():
        if other.fields.get("recurringEventId") == event.id and not other.is_cancelled:
            other.fields = other.fields | {"status": "cancelled"}
            backend.touch(calendar, other)
            guests.spread(backend, calendar, other)
