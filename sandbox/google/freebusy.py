"""freebusy.query: when calendars are busy, and which could not be read, both with status 200."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.google import errors
from sandbox.google.backend import Backend
from sandbox.google.call import Call, Reply
from sandbox.google.recurrence import is_series, occurrences
from sandbox.google.state import CalendarRecord, EventRecord, Options
from sandbox.google.times import find_zone, instant, parse_moment, wire, wire_utc

_LARGEST_RANGE = timedelta(days=90)
_MOST_CALENDARS = 50

Interval = tuple[datetime, datetime]


def query_freebusy(backend: Backend, call: Call) -> Reply:
    body = call.object()
    start, end = _moment(body, "timeMin"), _moment(body, "timeMax")
    if end <= start:
        raise errors.time_range_empty()
    if end - start > _LARGEST_RANGE:
        raise errors.time_range_too_long()
    zone = find_zone(str(body.get("timeZone") or "UTC"))
    if zone is None:
        raise errors.invalid("Invalid time zone.", "timeZone")
    ids = _ids(body)
    limit = _limit(body)
    answers = {
        name: _error("tooManyCalendarsRequested") if len(ids) > limit else _calendar(backend, call, name, start, end, zone)
        for name in ids
    }
    return Reply(
        body={
            "kind": "calendar#freeBusy",
            "timeMin": wire_utc(start),
            "timeMax": wire_utc(end),
            "calendars": answers,
        }
    )


def _moment(body: dict[str, Any], name: str) -> datetime:
    if body.get(name) is None:
        raise errors.required(f"Missing {name} parameter.", name)
    moment = parse_moment(body[name])
    if moment is None or moment.tzinfo is None:
        raise errors.bad_request(location=name)
    return moment


def _ids(body: dict[str, Any]) -> list[str]:
    items = body.get("items") or []
    if not isinstance(items, list) or not all(isinstance(item, dict) and isinstance(item.get("id"), str) for item in items):
        raise errors.invalid("Invalid items.", "items")
    return list(dict.fromkeys(item["id"] for item in items))


def _limit(body: dict[str, Any]) -> int:
    limit = body.get("calendarExpansionMax")
    if limit is None:
        return _MOST_CALENDARS
    if not isinstance(limit, int) or not 1 <= limit <= _MOST_CALENDARS:
        raise errors.invalid("Invalid calendarExpansionMax.", "calendarExpansionMax")
    return limit


def _error(reason: str) -> dict[str, Any]:
    return {"errors": [{"domain": "global", "reason": reason}], "busy": []}


def _calendar(backend: Backend, call: Call, name: str, start: datetime, end: datetime, zone: ZoneInfo) -> dict[str, Any]:
    try:
        calendar = backend.find_calendar(call, name)
    except errors.ApiError:
        return _error("notFound")
    busy = merge(_busy(calendar, start, end, backend.state.options))
    return {"busy": [{"start": wire(max(begins, start), zone), "end": wire(min(ends, end), zone)} for begins, ends in busy]}


def _busy(calendar: CalendarRecord, start: datetime, end: datetime, options: Options) -> Iterator[Interval]:
    for event in list(calendar.events.values()):
        if not blocks(event, calendar, options):
            continue
        for item in occurrences(calendar, event, start, end) if is_series(event) else [event]:
            begins = instant(item.fields["start"], calendar.time_zone)
            ends = instant(item.fields["end"], calendar.time_zone)
            if begins < end and ends > start:
                yield begins, ends


def blocks(event: EventRecord, calendar: CalendarRecord, options: Options) -> bool:
    """Whether the event makes its calendar busy: not when cancelled, transparent, or declined by the owner."""
    if event.is_cancelled or event.fields.get("transparency") == "transparent":
        return False
    owner = event.attendee(calendar.id)
    declined = owner is not None and owner["responseStatus"] == "declined"
    return options.declined_blocks or not declined


def merge(intervals: Iterator[Interval]) -> list[Interval]:
    """Overlapping and touching intervals as one, earliest first."""
    merged: list[Interval] = []
    for begins, ends in sorted(intervals):
        if merged and begins <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(ends, merged[-1][1]))
        else:
            merged.append((begins, ends))
    return merged
