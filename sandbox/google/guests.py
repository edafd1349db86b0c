"""Guests: their copies of an event, what they may change on them, and the mails they would have got."""

from copy import deepcopy
from typing import Any

from sandbox.google import errors
from sandbox.google.backend import Backend
from sandbox.google.state import CalendarRecord, EventRecord

# What each calendar has of its own; everything else belongs to the organizer and travels.
OWN_FIELDS = ("reminders", "colorId", "transparency", "visibility", "source")
_GUEST_MAY_SET = ("responseStatus", "comment", "additionalGuests")
_GOOGLE_DOMAINS = ("@gmail.com", "@googlemail.com")


def is_organizer(event: EventRecord, calendar: CalendarRecord) -> bool:
    return event.organizer["email"] == calendar.id


def shared_part(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields every copy of the event has in common."""
    kept = {name: value for name, value in fields.items() if name not in (*OWN_FIELDS, "extendedProperties")}
    if shared := fields.get("extendedProperties", {}).get("shared"):
        kept["extendedProperties"] = {"shared": shared}
    return deepcopy(kept)


def spread(backend: Backend, calendar: CalendarRecord, event: EventRecord) -> None:
    """Brings every guest's copy in line with the organizer's event; people no longer invited lose theirs."""
    invited = {guest["email"].lower() for guest in event.fields.get("attendees", [])}
    for other in backend.state.calendars.values():
        if other.id == calendar.id:
            continue
        copy = other.events.get(event.id)
        if copy and copy.origin != event.origin:
            continue
        if other.id.lower() in invited:
            _give(backend, other, copy, event)
        elif copy and not copy.is_cancelled and copy.organizer == event.organizer:
            copy.fields["status"] = "cancelled"
            backend.touch(other, copy)


def _give(backend: Backend, calendar: CalendarRecord, copy: EventRecord | None, event: EventRecord) -> None:
    if copy is None:
        if event.is_cancelled:
            return
        copy = EventRecord(
            id=event.id,
            number=backend.state.next_number(),
            origin=event.origin,
            ical_uid=event.ical_uid,
            created_ms=event.created_ms,
            creator=event.creator,
            organizer=dict(event.organizer),
            fields=_first_own(event),
        )
        calendar.events[event.id] = copy
    if copy.removed:
        return
    wanted = merged_copy(copy, event)
    if copy.fields == wanted and copy.sequence == event.sequence and copy.organizer == event.organizer:
        return
    copy.fields, copy.sequence, copy.organizer = wanted, event.sequence, dict(event.organizer)
    copy.stub = False
    backend.touch(calendar, copy)


def _first_own(event: EventRecord) -> dict[str, Any]:
    """What a new copy starts with: reminders of its own, and whether it blocks time and who sees it as invited."""
    taken = {name: event.fields[name] for name in ("transparency", "visibility") if name in event.fields}
    return taken | {"reminders": {"useDefault": True}}


def merged_copy(copy: EventRecord, event: EventRecord) -> dict[str, Any]:
    """The organizer's fields with those of the copy's own."""
    fields = shared_part(event.fields)
    fields |= {name: copy.fields[name] for name in OWN_FIELDS if name in copy.fields}
    if private := copy.fields.get("extendedProperties", {}).get("private"):
        fields.setdefault("extendedProperties", {})["private"] = private
    return fields


def answer(backend: Backend, event: EventRecord, email: str, reply: dict[str, Any]) -> None:
    """Writes a guest's answer into the organizer's event, from where it reaches every copy.

    Args:
        event: Any copy of the event.
        email: Whose answer.
        reply: Of `responseStatus`, `comment` and `additionalGuests` what changes.
    """
    master = backend.organizer_copy(event)
    if master is None:
        return
    calendar, record = master
    entry = record.attendee(email)
    if entry is not None and any(entry.get(name) != value for name, value in reply.items()):
        record.fields["attendees"] = [guest | reply if guest is entry else guest for guest in record.fields["attendees"]]
        backend.touch(calendar, record)
        spread(backend, calendar, record)


def check_guest_write(event: EventRecord, calendar: CalendarRecord, proposed: dict[str, Any]) -> dict[str, Any]:
    """Lets a guest change their own answer and what is their copy's own, and nothing else.

    Args:
        event: The guest's copy.
        calendar: The guest's calendar.
        proposed: The fields after the write.

    Returns:
        What changes in the guest's own entry; empty when nothing does.

    Raises:
        ApiError: 403 `forbiddenForNonOrganizer` for a change of shared fields.
    """
    before, after = shared_part(event.fields), shared_part(proposed)
    old_guests, new_guests = before.pop("attendees", []), after.pop("attendees", [])
    if before != after:
        raise errors.not_the_organizer()
    me = calendar.id.lower()
    others = [guest for guest in old_guests if guest["email"].lower() != me]
    if others != [guest for guest in new_guests if guest["email"].lower() != me]:
        raise errors.not_the_organizer()
    old = next((guest for guest in old_guests if guest["email"].lower() == me), None)
    new = next((guest for guest in new_guests if guest["email"].lower() == me), None)
    if (old is None) != (new is None):
        raise errors.not_the_organizer()
    if old is None or new is None:
        return {}
    return {name: new[name] for name in _GUEST_MAY_SET if name in new and new[name] != old.get(name)}


def mail(
    backend: Backend,
    calendar: CalendarRecord,
    event: EventRecord,
    kind: str,
    guests: list[dict[str, Any]],
    send_updates: str,
) -> None:
    """Notes the mails Google would send.

    Args:
        calendar: The calendar that acts; its owner gets none.
        kind: invitation, update or cancellation.
        guests: Whom it concerns.
        send_updates: all, externalOnly (those without Google Calendar) or none.
    """
    if send_updates == "none":
        return
    for guest in guests:
        email = guest["email"]
        if email.lower() == calendar.id.lower() or (send_updates == "externalOnly" and _uses_google(backend, email)):
            continue
        backend.state.notifications.append(
            {
                "to": email,
                "what": kind,
                "calendar_id": calendar.id,
                "event_id": event.id,
                "summary": event.fields.get("summary"),
                "start": dict(event.fields["start"]) if "start" in event.fields else None,
                "at": backend.world.clock.now().isoformat(),
            }
        )


def _uses_google(backend: Backend, email: str) -> bool:
    return email.lower() in backend.state.calendars or email.lower().endswith(_GOOGLE_DOMAINS)


def mail_about_change(
    backend: Backend, calendar: CalendarRecord, event: EventRecord, before: list[dict[str, Any]], send_updates: str
) -> None:
    """Invitations to new guests, cancellations to those left out, updates to the rest."""
    after = event.fields.get("attendees", [])
    old = {guest["email"].lower() for guest in before}
    new = {guest["email"].lower() for guest in after}
    mail(backend, calendar, event, "invitation", [g for g in after if g["email"].lower() not in old], send_updates)
    mail(backend, calendar, event, "update", [g for g in after if g["email"].lower() in old], send_updates)
    mail(backend, calendar, event, "cancellation", [g for g in before if g["email"].lower() not in new], send_updates)
