"""events.list and events.instances: filters, order, pages, sync tokens."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.google import errors
from sandbox.google.backend import Backend
from sandbox.google.call import Call, Reply
from sandbox.google.event_input import EVENT_TYPES
from sandbox.google.event_view import minimal, render, shows_details
from sandbox.google.events import find_event, settle
from sandbox.google.recurrence import is_series, occurrences
from sandbox.google.state import DEFAULT_REMINDERS, CalendarRecord, EventRecord
from sandbox.google.times import instant, wire_ms
from sandbox.google.tokens import pack, unpack

_NOT_WITH_SYNC_TOKEN = (
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMin",
    "timeMax",
    "updatedMin",
)
# A listing narrowed or ordered by one of these ends without a sync token; one narrowed by time has one.
_NO_SYNC_TOKEN_AFTER = tuple(name for name in _NOT_WITH_SYNC_TOKEN if not name.startswith("time"))
_DEFAULT_PAGE, _LARGEST_PAGE = 250, 2500
_UPDATED_MIN_REACH = timedelta(days=30)

Key = list[Any]


@dataclass(frozen=True)
class Query:
    """A listing's parameters, checked."""

    single_events: bool
    show_deleted: bool
    order_by: str | None
    time_min: datetime | None
    time_max: datetime | None
    updated_min: datetime | None
    ical_uid: str | None
    words: tuple[str, ...]
    private: tuple[tuple[str, str], ...]
    shared: tuple[tuple[str, str], ...]
    event_types: tuple[str, ...]
    since: int | None
    """Version of the sync token; None for a full listing."""


def list_events(backend: Backend, call: Call) -> Reply:
    calendar = backend.find_calendar(call)
    query = _read_query(backend, call, calendar)
    # The token handed out at the end must cover what changes while the client turns the pages.
    page = _read_page_token(call)
    as_of = page["as_of"] if page else backend.state.version
    found = sorted(_matches(calendar, query), key=lambda event: _key(event, calendar, query))
    body = _page(backend, call, calendar, query, found, page["after"] if page else None, as_of)
    return Reply(body=body)


def list_instances(backend: Backend, call: Call) -> Reply:
    calendar = backend.find_calendar(call)
    series = find_event(call, calendar)
    time_min, time_max = _time_range(call)
    query = _plain_query(call, time_min, time_max)
    page = _read_page_token(call)
    own = [event for event in calendar.events.values() if event.fields.get("recurringEventId") == series.id]
    found = [event for event in own if _is_wanted(event, calendar, query)]
    if is_series(series) and not series.is_cancelled:
        found += occurrences(calendar, series, time_min, time_max)
    found.sort(key=lambda event: _key(event, calendar, query))
    return Reply(body=_page(backend, call, calendar, query, found, page["after"] if page else None, None))


def _plain_query(call: Call, time_min: datetime | None, time_max: datetime | None) -> Query:
    return Query(
        single_events=True,
        show_deleted=call.flag("showDeleted") or False,
        order_by="startTime",
        time_min=time_min,
        time_max=time_max,
        updated_min=None,
        ical_uid=None,
        words=(),
        private=(),
        shared=(),
        event_types=(),
        since=None,
    )


def _read_query(backend: Backend, call: Call, calendar: CalendarRecord) -> Query:
    since = _read_sync_token(backend, call, calendar)
    time_min, time_max = _time_range(call)
    single_events = call.flag("singleEvents") or False
    order_by = call.choice("orderBy", ("startTime", "updated"))
    if order_by == "startTime" and not single_events:
        message = "The requested ordering is not available for the particular query."
        raise errors.bad_request(message, "orderBy")
    event_types = tuple(call.texts("eventTypes"))
    for name in event_types:
        if name not in EVENT_TYPES:
            raise errors.invalid_parameter("eventTypes", name)
    return Query(
        single_events=single_events,
        show_deleted=call.flag("showDeleted") or False,
        order_by=order_by,
        time_min=time_min,
        time_max=time_max,
        updated_min=_updated_min(backend, call),
        ical_uid=call.text("iCalUID"),
        words=tuple((call.text("q") or "").lower().split()),
        private=_properties(call, "privateExtendedProperty"),
        shared=_properties(call, "sharedExtendedProperty"),
        event_types=event_types,
        since=since,
    )


def _read_sync_token(backend: Backend, call: Call, calendar: CalendarRecord) -> int | None:
    token = call.text("syncToken")
    if token is None:
        return None
    for name in _NOT_WITH_SYNC_TOKEN:
        if call.text(name) is not None:
            raise errors.invalid(f"Sync token cannot be used together with {name}.", name)
    if call.flag("showDeleted") is False:
        raise errors.invalid("Sync token cannot be used together with showDeleted=false.", "showDeleted")
    values = unpack("sync", token)
    here = {"c": calendar.id, "e": backend.state.epoch, "g": calendar.sync_generation}
    if values is None or {name: values.get(name) for name in here} != here or values["v"] > backend.state.version:
        raise errors.full_sync_required()
    return int(values["v"])


def _time_range(call: Call) -> tuple[datetime | None, datetime | None]:
    time_min, time_max = call.moment("timeMin"), call.moment("timeMax")
    if time_min and time_max and time_max <= time_min:
        raise errors.time_range_empty()
    return time_min, time_max


def _updated_min(backend: Backend, call: Call) -> datetime | None:
    moment = call.moment("updatedMin")
    if moment and backend.world.clock.now() - moment > _UPDATED_MIN_REACH:
        raise errors.updated_min_too_long_ago()
    return moment


def _properties(call: Call, name: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for text in call.texts(name):
        key, separator, value = text.partition("=")
        if not key or not separator:
            raise errors.invalid_parameter(name, text, "Use propertyName=value.")
        pairs.append((key, value))
    return tuple(pairs)


def _read_page_token(call: Call) -> dict[str, Any] | None:
    token = call.text("pageToken")
    if not token:
        return None
    values = unpack("page", token)
    if values is None or values.get("c") != call.args["calendarId"]:
        raise errors.invalid_parameter("pageToken", token)
    return values


def _matches(calendar: CalendarRecord, query: Query) -> Iterable[EventRecord]:
    for event in list(calendar.events.values()):
        if query.single_events and is_series(event):
            if not event.is_cancelled and (query.since is None or event.version > query.since):
                found = occurrences(calendar, event, query.time_min, query.time_max)
                yield from (item for item in found if _is_wanted(item, calendar, query))
                continue
            if query.since is None:
                continue
        if _is_wanted(event, calendar, query):
            yield event


def _is_wanted(event: EventRecord, calendar: CalendarRecord, query: Query) -> bool:
    if query.since is not None:
        return event.version > query.since and _is_of_type(event, query)
    if event.is_cancelled and not _shows_cancelled(event, query):
        return False
    return _is_of_type(event, query) and _is_in_time(event, calendar, query) and _has_content(event, query)


def _shows_cancelled(event: EventRecord, query: Query) -> bool:
    if query.show_deleted or query.updated_min:
        return True
    return "recurringEventId" in event.fields and not query.single_events


def _is_of_type(event: EventRecord, query: Query) -> bool:
    return not query.event_types or event.fields["eventType"] in query.event_types


def _is_in_time(event: EventRecord, calendar: CalendarRecord, query: Query) -> bool:
    if query.updated_min and event.updated_ms < query.updated_min.timestamp() * 1000:
        return False
    if is_series(event) and not query.single_events and (query.time_min or query.time_max):
        return any(True for _ in occurrences(calendar, event, query.time_min, query.time_max))
    start = instant(event.fields["start"], calendar.time_zone)
    end = instant(event.fields["end"], calendar.time_zone)
    return (query.time_min is None or end > query.time_min) and (query.time_max is None or start < query.time_max)


def _has_content(event: EventRecord, query: Query) -> bool:
    if query.ical_uid and event.ical_uid != query.ical_uid:
        return False
    properties = event.fields.get("extendedProperties", {})
    for name, pairs in (("private", query.private), ("shared", query.shared)):
        if any(properties.get(name, {}).get(key) != value for key, value in pairs):
            return False
    if not query.words:
        return True
    text = _searchable(event)
    return all(word in text for word in query.words)


def _searchable(event: EventRecord) -> str:
    people = [event.organizer, *event.fields.get("attendees", [])]
    texts = [event.fields.get(name, "") for name in ("summary", "description", "location")]
    texts += [person.get(name, "") for person in people for name in ("email", "displayName")]
    return " ".join(texts).lower()


def _key(event: EventRecord, calendar: CalendarRecord, query: Query) -> Key:
    start = instant(event.fields["start"], calendar.time_zone).timestamp()
    if query.order_by == "startTime":
        return [start, event.number]
    if query.order_by == "updated":
        return [event.updated_ms, event.number, start]
    return [event.number, start]


def _page(
    backend: Backend,
    call: Call,
    calendar: CalendarRecord,
    query: Query,
    found: list[EventRecord],
    after: Key | None,
    as_of: int | None,
) -> dict[str, Any]:
    size = min(call.integer("maxResults", 1) or _DEFAULT_PAGE, _LARGEST_PAGE)
    rest = [event for event in found if after is None or _key(event, calendar, query) > after]
    shown = rest[:size]
    items = _items(backend, call, calendar, query, shown)
    body = _envelope(backend, call, calendar, items)
    if len(rest) > size:
        last = _key(shown[-1], calendar, query)
        body["nextPageToken"] = pack("page", {"c": call.args["calendarId"], "after": last, "as_of": as_of})
    elif as_of is not None and not any(call.text(name) is not None for name in _NO_SYNC_TOKEN_AFTER):
        values = {"c": calendar.id, "e": backend.state.epoch, "g": calendar.sync_generation, "v": as_of}
        body["nextSyncToken"] = pack("sync", values)
    return body


def _items(
    backend: Backend, call: Call, calendar: CalendarRecord, query: Query, events: list[EventRecord]
) -> list[dict[str, Any]]:
    zone_name, limit = call.zone_name(), call.integer("maxAttendees", 1)
    items = []
    for event in events:
        settle(backend, calendar, event)
        if event.is_cancelled and (query.since is not None or not shows_details(event, calendar)):
            items.append(minimal(event))
        else:
            shown = render(event, calendar, zone_name=zone_name, viewer=call.caller.email, max_attendees=limit)
            items.append(shown)
    return items


def _envelope(backend: Backend, call: Call, calendar: CalendarRecord, items: list[dict[str, Any]]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "kind": "calendar#events",
        "etag": f'"p{calendar.updated_ms}"',
        "summary": calendar.summary,
        "updated": wire_ms(calendar.updated_ms),
        "timeZone": call.zone_name() or calendar.time_zone,
        "accessRole": backend.role(calendar, call.caller),
        "defaultReminders": DEFAULT_REMINDERS if calendar.primary else [],
        "items": items,
    }
    return body | ({"description": calendar.description} if calendar.description else {})
