"""Series: one stored event with a rule, seen as many; a changed or deleted occurrence becomes an event of its own."""

import re
from collections.abc import Iterator
from copy import copy
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr  # type: ignore[import-untyped]

from sandbox.google.errors import invalid
from sandbox.google.state import CalendarRecord, EventRecord
from sandbox.google.times import EventTime, duration, find_zone, instant, shifted

_INSTANCE_ID = re.compile(r"(.+)_(\d{8}(T\d{6}Z)?)")
_UNTIL_UTC = re.compile(r"UNTIL=(\d{8}T\d{6})Z")
# How far an endless series is followed when nobody says where to stop; Google's horizon is not known.
_HORIZON = timedelta(days=730)


def is_series(event: EventRecord) -> bool:
    return "recurrence" in event.fields


def check_rule(fields: dict[str, Any], calendar_zone: str) -> None:
    """Refuses (400) a rule that can't be read or never happens."""
    if "recurrence" not in fields:
        return
    try:
        next(_starts(fields["recurrence"], fields["start"], calendar_zone))
    except (ValueError, StopIteration):
        raise invalid("Invalid recurrence rule.", "recurrence") from None


def occurrences(
    calendar: CalendarRecord, series: EventRecord, start: datetime | None, end: datetime | None
) -> Iterator[EventRecord]:
    """The series' occurrences that overlap [start, end), without those that became events of their own.

    Args:
        calendar: Where the series stands.
        series: The event with the rule.
        start: Aware; None for the beginning.
        end: Aware; None for two years after `start`.
    """
    own = {event.id for event in calendar.events.values() if event.fields.get("recurringEventId") == series.id}
    beginning = start or instant(series.fields["start"], calendar.time_zone)
    for instance in _expand(calendar, series, end or beginning + _HORIZON):
        if start and instant(instance.fields["end"], calendar.time_zone) <= start:
            continue
        if instance.id not in own:
            yield instance


def find_instance(calendar: CalendarRecord, event_id: str) -> EventRecord | None:
    """The occurrence with that id (`<series>_20261201T130000Z`), not yet an event of its own; None when there is none."""
    match = _INSTANCE_ID.fullmatch(event_id)
    series = calendar.events.get(match[1]) if match else None
    if match is None or series is None or not is_series(series) or series.is_cancelled:
        return None
    day = datetime.strptime(match[2][:8], "%Y%m%d").replace(tzinfo=UTC)
    window = _expand(calendar, series, day + timedelta(days=2))
    return next((instance for instance in window if instance.id == event_id), None)


def _expand(calendar: CalendarRecord, series: EventRecord, end: datetime) -> Iterator[EventRecord]:
    first: EventTime = series.fields["start"]
    length = duration(first, series.fields["end"])
    for begin in _starts(series.fields["recurrence"], first, calendar.time_zone):
        if instant(begin, calendar.time_zone) >= end:
            return
        yield _occurrence(series, begin, shifted(begin, length))


def _starts(lines: list[str], first: EventTime, calendar_zone: str) -> Iterator[EventTime]:
    """Start of every occurrence in order. Rules run on wall time, so a series keeps its hour across clock changes."""
    zone = find_zone(first.get("timeZone", calendar_zone)) or ZoneInfo("UTC")
    if "date" in first:
        wall = datetime.combine(date.fromisoformat(first["date"]), time())
    else:
        wall = datetime.fromisoformat(first["dateTime"]).astimezone(zone).replace(tzinfo=None)
    text = "\n".join(_UNTIL_UTC.sub(lambda match: _local_until(match[1], zone), line) for line in lines)
    for moment in rrulestr(text, dtstart=wall, forceset=True):
        if "date" in first:
            yield {"date": moment.date().isoformat()}
        else:
            utc = moment.replace(tzinfo=zone).astimezone(UTC)
            yield first | {"dateTime": utc.strftime("%Y-%m-%dT%H:%M:%SZ")}


def _local_until(utc: str, zone: ZoneInfo) -> str:
    moment = datetime.strptime(utc, "%Y%m%dT%H%M%S").replace(tzinfo=UTC).astimezone(zone)
    return f"UNTIL={moment:%Y%m%dT%H%M%S}"


def _occurrence(series: EventRecord, start: EventTime, end: EventTime) -> EventRecord:
    fields: dict[str, Any] = {key: value for key, value in series.fields.items() if key != "recurrence"}
    mark = start["date"] if "date" in start else start["dateTime"]
    instance = copy(series)
    instance.id = f"{series.id}_{re.sub('[-:]', '', mark)}"
    instance.fields = fields | {
        "start": start,
        "end": end,
        "originalStartTime": start,
        "recurringEventId": series.id,
    }
    return instance
