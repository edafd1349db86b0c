"""The calendars and calendarList methods."""

from typing import Any
from uuid import uuid5

from sandbox.google import errors
from sandbox.google.backend import Backend
from sandbox.google.call import NO_CONTENT, Call, Caller, Reply
from sandbox.google.state import DEFAULT_REMINDERS, ID_NAMESPACE, MEET, CalendarRecord
from sandbox.google.tokens import pack

_COLOR = {"colorId": "14", "backgroundColor": "#9fe1e7", "foregroundColor": "#000000"}
_LIST_FIELDS = (
    "summaryOverride",
    "colorId",
    "backgroundColor",
    "foregroundColor",
    "hidden",
    "selected",
    "defaultReminders",
    "notificationSettings",
)
_CONFERENCES = {"allowedConferenceSolutionTypes": [MEET]}


def get_calendar(backend: Backend, call: Call) -> Reply:
    return Reply(body=render_calendar(backend.find_calendar(call)))


def insert_calendar(backend: Backend, call: Call) -> Reply:
    body = call.object()
    if not body.get("summary"):
        raise errors.required("Missing title.", "summary")
    number = backend.state.next_number()
    name = uuid5(ID_NAMESPACE, f"calendar {backend.state.epoch} {number}").hex
    calendar = CalendarRecord(id=f"c_{name}@group.calendar.google.com", summary="", time_zone="UTC", primary=False, role="owner")
    _write(backend, calendar, body, required_summary=True)
    calendar.list_fields["dataOwner"] = call.caller.email
    backend.state.calendars[calendar.id] = calendar
    return Reply(body=render_calendar(calendar))


def patch_calendar(backend: Backend, call: Call) -> Reply:
    calendar = _owned(backend, call)
    _write(backend, calendar, call.object(), required_summary=False)
    return Reply(body=render_calendar(calendar))


def update_calendar(backend: Backend, call: Call) -> Reply:
    calendar = _owned(backend, call)
    body = {"description": None, "location": None} | call.object()
    _write(backend, calendar, body, required_summary=True)
    return Reply(body=render_calendar(calendar))


def delete_calendar(backend: Backend, call: Call) -> Reply:
    calendar = _owned(backend, call)
    if calendar.primary:
        raise errors.ApiError(403, "cannotDeletePrimaryCalendar", "Cannot delete a primary calendar.", domain="calendar")
    del backend.state.calendars[calendar.id]
    return NO_CONTENT


def _owned(backend: Backend, call: Call) -> CalendarRecord:
    calendar = backend.find_calendar(call)
    if backend.role(calendar, call.caller) != "owner":
        raise errors.access_level("owner")
    return calendar


def _write(backend: Backend, calendar: CalendarRecord, body: dict[str, Any], *, required_summary: bool) -> None:
    for name in ("summary", "description", "location", "timeZone"):
        if body.get(name) is not None and not isinstance(body[name], str):
            raise errors.invalid(f"Invalid value for {name}: a string is expected.", name)
    if required_summary and not body.get("summary"):
        raise errors.required("Missing title.", "summary")
    if body.get("timeZone"):
        backend.set_time_zone(calendar, body["timeZone"])
    calendar.summary = body.get("summary") or calendar.summary
    for name in ("description", "location"):
        if name in body:
            setattr(calendar, name, body[name])
    if body.get("workingHours"):
        calendar.working_hours = body["workingHours"]
    backend.touch_calendar(calendar)


def render_calendar(calendar: CalendarRecord) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "kind": "calendar#calendar",
        "etag": calendar.etag,
        "id": calendar.id,
        "summary": calendar.summary,
        "timeZone": calendar.time_zone,
        "conferenceProperties": _CONFERENCES,
    }
    optional = {
        "description": calendar.description,
        "location": calendar.location,
        "workingHours": calendar.working_hours,
        "dataOwner": calendar.list_fields.get("dataOwner"),
    }
    return shown | {name: value for name, value in optional.items() if value is not None}


def list_calendars(backend: Backend, call: Call) -> Reply:
    size = min(call.integer("maxResults", 1) or 100, 250)
    entries = [calendar for calendar in backend.state.calendars.values() if calendar.listed and calendar.shared]
    if call.flag("showHidden") is not True:
        entries = [calendar for calendar in entries if not calendar.list_fields.get("hidden")]
    roles = ("freeBusyReader", "reader", "writerWithoutPrivateAccess", "writer", "owner")
    least = call.choice("minAccessRole", roles)
    if least:
        floor = roles.index(least)
        entries = [item for item in entries if roles.index(backend.role(item, call.caller)) >= floor]
    offset = _offset(call)
    body: dict[str, Any] = {
        "kind": "calendar#calendarList",
        "etag": f'"p{max((item.stamp_ms for item in entries), default=0)}"',
        "items": [render_entry(backend, item, call.caller) for item in entries[offset : offset + size]],
    }
    if offset + size < len(entries):
        body["nextPageToken"] = str(offset + size)
    else:
        body["nextSyncToken"] = pack("calendarList", {"v": backend.state.version})
    return Reply(body=body)


def _offset(call: Call) -> int:
    token = call.text("pageToken") or "0"
    if not token.isdecimal():
        raise errors.invalid_parameter("pageToken", token)
    return int(token)


def get_entry(backend: Backend, call: Call) -> Reply:
    calendar = backend.find_calendar(call)
    if not calendar.listed:
        raise errors.not_found()
    return Reply(body=render_entry(backend, calendar, call.caller))


def insert_entry(backend: Backend, call: Call) -> Reply:
    body = call.object()
    if not body.get("id"):
        raise errors.required("Missing calendar id.", "id")
    calendar = backend.find_calendar(call, str(body["id"]))
    _write_entry(backend, calendar, body)
    return Reply(body=render_entry(backend, calendar, call.caller))


def patch_entry(backend: Backend, call: Call) -> Reply:
    calendar = backend.find_calendar(call)
    if not calendar.listed:
        raise errors.not_found()
    _write_entry(backend, calendar, call.object())
    return Reply(body=render_entry(backend, calendar, call.caller))


def delete_entry(backend: Backend, call: Call) -> Reply:
    calendar = backend.find_calendar(call)
    calendar.listed = False
    return NO_CONTENT


def _write_entry(backend: Backend, calendar: CalendarRecord, body: dict[str, Any]) -> None:
    calendar.listed = True
    calendar.list_fields |= {name: body[name] for name in _LIST_FIELDS if body.get(name) is not None}
    backend.touch_calendar(calendar)


def render_entry(backend: Backend, calendar: CalendarRecord, caller: Caller) -> dict[str, Any]:
    """The calendar as it stands in the caller's list."""
    shown = render_calendar(calendar) | {
        "kind": "calendar#calendarListEntry",
        "accessRole": backend.role(calendar, caller),
        "defaultReminders": DEFAULT_REMINDERS if calendar.primary else [],
        "selected": True,
        **_COLOR,
        **calendar.list_fields,
    }
    shown.pop("workingHours", None)
    return shown | ({"primary": True} if calendar.id == caller.email else {})
