"""An event as the API shows it."""

from base64 import urlsafe_b64encode
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.google.state import CalendarRecord, EventRecord
from sandbox.google.times import find_zone, render_event_time, wire_ms

_SHORT_DOMAINS = {"@gmail.com": "@m", "@group.calendar.google.com": "@g"}
_TIMES = ("start", "end", "originalStartTime")


def html_link(event_id: str, calendar_id: str) -> str:
    """The link that opens the event for people with access to that calendar."""
    short = calendar_id
    for domain, letter in _SHORT_DOMAINS.items():
        if calendar_id.endswith(domain):
            short = calendar_id.removesuffix(domain) + letter
    eid = urlsafe_b64encode(f"{event_id} {short}".encode()).decode().rstrip("=")
    return f"https://www.google.com/calendar/event?eid={eid}"


def minimal(event: EventRecord) -> dict[str, Any]:
    """A cancelled event of which only the id is promised."""
    shown = {"kind": "calendar#event", "etag": event.etag, "id": event.id, "status": "cancelled"}
    for name in ("recurringEventId", "originalStartTime"):
        if name in event.fields:
            shown[name] = event.fields[name]
    return shown


def shows_details(event: EventRecord, calendar: CalendarRecord) -> bool:
    """Deleted events keep their details on the organizer's calendar and where the guest threw away their own copy."""
    if event.stub:
        return False
    return not event.is_cancelled or event.removed or event.organizer["email"] == calendar.id


def render(
    event: EventRecord,
    calendar: CalendarRecord,
    *,
    zone_name: str | None = None,
    viewer: str | None = None,
    max_attendees: int | None = None,
) -> dict[str, Any]:
    """The whole resource.

    Args:
        event: The calendar's own record of it.
        calendar: Where it is seen: decides links and whom `self` means.
        zone_name: Zone of the times; the calendar's when None.
        viewer: Who looks; `source` is for its creator's eyes only. None sees all.
        max_attendees: With more guests than that, only the calendar's own entry is shown.
    """
    zone = find_zone(zone_name or calendar.time_zone) or ZoneInfo("UTC")
    fields = dict(event.fields)
    if viewer is not None and viewer != event.creator:
        fields.pop("source", None)
    for name in _TIMES:
        if name in fields:
            fields[name] = render_event_time(fields[name], zone)
    if "attendees" in fields:
        fields |= _render_attendees(event, calendar, max_attendees)
    return {
        "kind": "calendar#event",
        "etag": event.etag,
        "id": event.id,
        "htmlLink": html_link(event.id, calendar.id),
        "created": wire_ms(event.created_ms),
        "updated": wire_ms(event.updated_ms),
        "creator": _person({"email": event.creator}, calendar),
        "organizer": _person(event.organizer, calendar),
        "iCalUID": event.ical_uid,
        "sequence": event.sequence,
        **fields,
    }


def _person(person: dict[str, str], calendar: CalendarRecord) -> dict[str, Any]:
    return person | ({"self": True} if person["email"] == calendar.id else {})


def _render_attendees(event: EventRecord, calendar: CalendarRecord, limit: int | None) -> dict[str, Any]:
    shown = []
    for guest in event.fields["attendees"]:
        marks = {}
        if guest["email"].lower() == event.organizer["email"].lower():
            marks["organizer"] = True
        if guest["email"].lower() == calendar.id.lower():
            marks["self"] = True
        shown.append(guest | marks)
    if limit is not None and len(shown) > limit:
        return {"attendees": [guest for guest in shown if guest.get("self")], "attendeesOmitted": True}
    return {"attendees": shown}
