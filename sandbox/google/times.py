"""Google's times: RFC 3339 in, instants inside, offsets of the calendar's zone out.

Inside, an event's start or end is `{"date": "2026-12-01"}` or `{"dateTime": "2026-12-01T13:00:00Z", "timeZone": name}`
with the instant always in UTC.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox.google.errors import ApiError, invalid, required

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")

EventTime = dict[str, str]


@lru_cache(maxsize=256)
def find_zone(name: str) -> ZoneInfo | None:
    """The IANA zone of that name, or None."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def parse_moment(text: Any) -> datetime | None:
    """An RFC 3339 moment without its fraction, aware or naive as written; None when it is not one."""
    if not isinstance(text, str) or not _DATE_TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).replace(microsecond=0)
    except ValueError:
        return None


def parse_date(text: Any) -> date | None:
    if not isinstance(text, str) or not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def wire(moment: datetime, zone: ZoneInfo) -> str:
    """RFC 3339 with whole seconds and the zone's offset; UTC is written Z."""
    return moment.astimezone(zone).isoformat(timespec="seconds").replace("+00:00", "Z")


def wire_utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def wire_ms(stamp_ms: int) -> str:
    """Milliseconds since 1970 as Google prints `created` and `updated`."""
    return wire_utc(datetime.fromtimestamp(stamp_ms / 1000, UTC))


def read_event_time(raw: Any, which: str, calendar_zone: str) -> EventTime:
    """Checks a start or end as a client sends it and brings it to the inside form.

    Args:
        raw: The client's object; nulls in it count as absent.
        which: "start" or "end", for the refusal's wording.
        calendar_zone: Name of the calendar's zone, kept when the client names none.

    Raises:
        ApiError: 400 `required` when nothing is given or a wall time has no zone, 400 `invalid` for the rest.
    """
    if not isinstance(raw, dict):
        if raw is None:
            raise required(f"Missing {which} time.")
        raise invalid(f"Invalid {which} time.", which)
    given = {key: value for key, value in raw.items() if value is not None}
    if "date" in given and "dateTime" in given:
        raise invalid(f"Invalid {which} time.", which)
    if "date" in given:
        day = parse_date(given["date"])
        if day is None:
            raise invalid(f'Invalid value for: Invalid format: "{given["date"]}"', which)
        return {"date": day.isoformat()}
    if "dateTime" not in given:
        raise required(f"Missing {which} time.")
    return _read_timed(given, which, calendar_zone)


def _read_timed(given: dict[str, Any], which: str, calendar_zone: str) -> EventTime:
    moment = parse_moment(given["dateTime"])
    if moment is None:
        raise invalid(f'Invalid value for: Invalid format: "{given["dateTime"]}"', which)
    name = given.get("timeZone")
    zone = find_zone(name) if isinstance(name, str) and name else None
    if name and zone is None:
        raise invalid(f"Invalid time zone definition for {which} time.", which)
    if moment.tzinfo is None:
        if zone is None:
            raise required(f"Missing time zone definition for {which} time.")
        moment = moment.replace(tzinfo=zone)
    instant = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"dateTime": instant, "timeZone": str(name or calendar_zone)}


def instant(event_time: EventTime, calendar_zone: str) -> datetime:
    """The moment in UTC; a date begins at midnight in the calendar's zone."""
    if "dateTime" in event_time:
        return datetime.fromisoformat(event_time["dateTime"]).astimezone(UTC)
    zone = find_zone(calendar_zone) or ZoneInfo("UTC")
    return datetime.combine(date.fromisoformat(event_time["date"]), time(), zone).astimezone(UTC)


def check_range(start: EventTime, end: EventTime) -> None:
    """Refuses a mixed pair, an empty range and a backward one."""
    if ("date" in start) != ("date" in end):
        raise invalid("Start and end times must either both be date or both be dateTime.")
    key = "date" if "date" in start else "dateTime"
    if end[key] <= start[key]:
        raise ApiError(400, "timeRangeEmpty", "The specified time range is empty.", domain="calendar", location="endTime")


def render_event_time(event_time: EventTime, zone: ZoneInfo) -> EventTime:
    """The outside form, with the offset of the zone asked for."""
    if "date" in event_time:
        return dict(event_time)
    moment = datetime.fromisoformat(event_time["dateTime"])
    return {"dateTime": wire(moment, zone), "timeZone": event_time["timeZone"]}


def shifted(event_time: EventTime, by: timedelta) -> EventTime:
    """The same kind of time, moved; whole days only for a date."""
    if "date" in event_time:
        return {"date": (date.fromisoformat(event_time["date"]) + timedelta(days=by.days)).isoformat()}
    moment = datetime.fromisoformat(event_time["dateTime"]) + by
    return event_time | {"dateTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ")}


def duration(start: EventTime, end: EventTime) -> timedelta:
    if "date" in start:
        return date.fromisoformat(end["date"]) - date.fromisoformat(start["date"])
    return datetime.fromisoformat(end["dateTime"]) - datetime.fromisoformat(start["dateTime"])
