"""Checks an event as a client sends it and brings it to the form it is kept in."""

import re
from typing import Any
from urllib.parse import urlsplit

from sandbox.google.errors import ApiError, invalid, required
from sandbox.google.times import check_range, read_event_time

EVENT_TYPES = ("birthday", "default", "focusTime", "fromGmail", "outOfOffice", "workingLocation")
RESPONSES = ("needsAction", "declined", "tentative", "accepted")

_ID = re.compile(r"[a-v0-9]{5,1024}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_STRINGS = ("summary", "description", "location", "colorId")
# Value that Google leaves out of its answers because it is the default.
_FLAGS = {
    "guestsCanInviteOthers": True,
    "guestsCanModify": False,
    "guestsCanSeeOtherGuests": True,
    "anyoneCanAddSelf": False,
    "privateCopy": False,
}
_ENUMS = {
    "status": ("confirmed", "tentative", "cancelled"),
    "transparency": ("opaque", "transparent"),
    "visibility": ("default", "public", "private", "confidential"),
    "eventType": EVENT_TYPES,
}
_OBJECTS = (
    "birthdayProperties",
    "focusTimeProperties",
    "outOfOfficeProperties",
    "workingLocationProperties",
    "gadget",
)
_GUEST_STRINGS = ("displayName", "comment", "id")
_MAX_REMINDER_MIN = 40320


def check_id(value: Any) -> str:
    """A client-made event id: base32hex characters, 5 to 1024 of them. Raises ApiError 400."""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise invalid("Invalid resource id value.")
    return value


def read_event(body: dict[str, Any], calendar_zone: str) -> dict[str, Any]:
    """The fields of a whole event, checked; unknown names and read-only ones are dropped, as Google does.

    Conferences are not looked at here: see `conference`.

    Args:
        body: A resource, or an existing event merged with a patch; nulls count as absent.
        calendar_zone: Name of the zone for times that bring none.

    Raises:
        ApiError: 400 with Google's reason.
    """
    given = {key: value for key, value in body.items() if value is not None}
    fields: dict[str, Any] = {}
    fields["start"] = read_event_time(given.get("start"), "start", calendar_zone)
    fields["end"] = read_event_time(given.get("end"), "end", calendar_zone)
    check_range(fields["start"], fields["end"])
    fields |= _read_plain(given)
    _check_event_type(fields)
    for name, reader in _READERS.items():
        if name in given and (value := reader(given[name])):
            fields[name] = value
    fields["reminders"] = _read_reminders(given.get("reminders"))
    if "recurrence" in fields:
        _check_recurrence_zone(body)
    return fields


def _read_plain(given: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name in _STRINGS:
        if name in given:
            fields[name] = _string(given[name], name)
    for name, unsaid in _FLAGS.items():
        if name in given and _boolean(given[name], name) is not unsaid:
            fields[name] = given[name]
    for name, allowed in _ENUMS.items():
        if name in given:
            if given[name] not in allowed:
                raise invalid(f"Invalid value for: {given[name]} is not a valid value", name)
            fields[name] = given[name]
    for name, default in (("transparency", "opaque"), ("visibility", "default")):
        if fields.get(name) == default:
            del fields[name]
    fields.setdefault("status", "confirmed")
    fields.setdefault("eventType", "default")
    for name in _OBJECTS:
        if name in given:
            fields[name] = _object(given[name], name)
    return fields


def _check_event_type(fields: dict[str, Any]) -> None:
    kind = fields["eventType"]
    if kind in ("outOfOffice", "focusTime") and ("date" in fields["start"] or "transparency" in fields):
        raise invalid(f"An event of type {kind} must be timed and opaque.", "eventType")
    if kind in ("workingLocation", "birthday"):
        fields["transparency"] = "transparent"


def _read_attendees(value: Any) -> list[dict[str, Any]]:
    guests: dict[str, dict[str, Any]] = {}
    for raw in _array(value, "attendees"):
        guest = _read_attendee(_object(raw, "attendees"))
        guests[guest["email"].lower()] = guest
    return list(guests.values())


def _read_attendee(raw: dict[str, Any]) -> dict[str, Any]:
    email = raw.get("email")
    if not isinstance(email, str) or not _EMAIL.fullmatch(email):
        raise invalid("Invalid attendee email.")
    guest: dict[str, Any] = {"email": email}
    for name in _GUEST_STRINGS:
        if raw.get(name) is not None:
            guest[name] = _string(raw[name], name)
    for name in ("optional", "resource"):
        if raw.get(name) is not None and _boolean(raw[name], name):
            guest[name] = True
    if raw.get("additionalGuests"):
        guest["additionalGuests"] = _integer(raw["additionalGuests"], "additionalGuests")
    response = raw.get("responseStatus") or "needsAction"
    if response not in RESPONSES:
        raise invalid(f"Invalid value for: {response} is not a valid value", "responseStatus")
    guest["responseStatus"] = response
    return guest


def _read_reminders(value: Any) -> dict[str, Any]:
    if value is None:
        return {"useDefault": True}
    raw = _object(value, "reminders")
    overrides = [_read_reminder(item) for item in _array(raw.get("overrides") or [], "reminders.overrides")]
    use_default = _boolean(raw.get("useDefault", False), "reminders.useDefault")
    if use_default and overrides:
        raise ApiError(
            400,
            "cannotUseDefaultRemindersAndSpecifyOverride",
            "Cannot specify both default reminders and overrides at the same time.",
            domain="calendar",
        )
    if len(overrides) > 5:
        raise invalid("At most 5 reminder overrides are allowed.", "reminders.overrides")
    return {"useDefault": use_default} | ({"overrides": overrides} if overrides else {})


def _read_reminder(value: Any) -> dict[str, Any]:
    raw = _object(value, "reminders.overrides")
    if raw.get("method") is None or raw.get("minutes") is None:
        raise required("Missing reminder method or minutes.", "reminders.overrides")
    if raw["method"] not in ("email", "popup"):
        raise invalid(f"Invalid value for: {raw['method']} is not a valid value", "reminders.overrides.method")
    minutes = _integer(raw["minutes"], "reminders.overrides.minutes")
    if not 0 <= minutes <= _MAX_REMINDER_MIN:
        raise invalid("Reminder minutes must be between 0 and 40320.", "reminders.overrides.minutes")
    return {"method": raw["method"], "minutes": minutes}


def _read_extended(value: Any) -> dict[str, dict[str, str]]:
    raw = _object(value, "extendedProperties")
    kept = {name: _read_properties(raw[name], name) for name in ("private", "shared") if raw.get(name)}
    return {name: values for name, values in kept.items() if values}


def _read_properties(value: Any, name: str) -> dict[str, str]:
    """One map of extended properties. The guide's limits: 300 of them, 32 kB together.

    That names over 44 characters vanish and values are cut at 1024, both without a word, is an assumption.
    """
    raw = _object(value, name)
    texts = {key: _string(text, name) for key, text in raw.items() if text is not None}
    kept = {key: text[:1024] for key, text in texts.items() if len(key) <= 44}
    if len(kept) > 300 or sum(len(key) + len(text) for key, text in kept.items()) > 32_768:
        raise invalid("The extended properties are too many or too large.", f"extendedProperties.{name}")
    return kept


def _read_source(value: Any) -> dict[str, str]:
    raw = _object(value, "source")
    source = {name: _string(raw[name], f"source.{name}") for name in ("title", "url") if raw.get(name)}
    if "url" in source and urlsplit(source["url"]).scheme not in ("http", "https"):
        raise invalid("Invalid source URL.", "source.url")
    return source


def _read_recurrence(value: Any) -> list[str]:
    lines = [_string(line, "recurrence") for line in _array(value, "recurrence")]
    for line in lines:
        if not re.match(r"(RRULE|EXRULE|RDATE|EXDATE)[:;]", line):
            raise invalid("Invalid recurrence rule.", "recurrence")
    return lines


def _check_recurrence_zone(body: dict[str, Any]) -> None:
    start = body["start"]
    if "dateTime" in start and not start.get("timeZone"):
        raise required("Missing time zone definition for start time.")


def _read_attachments(value: Any) -> list[Any]:
    attachments = _array(value, "attachments")
    if len(attachments) > 25:
        raise invalid("At most 25 attachments are allowed.", "attachments")
    return [_object(item, "attachments") for item in attachments]


_READERS = {
    "attendees": _read_attendees,
    "extendedProperties": _read_extended,
    "source": _read_source,
    "recurrence": _read_recurrence,
    "attachments": _read_attachments,
}


def _string(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise invalid(f"Invalid value for {name}: a string is expected.", name)
    return value


def _boolean(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise invalid(f"Invalid value for {name}: a boolean is expected.", name)
    return value


def _integer(value: Any, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid(f"Invalid value for {name}: an integer is expected.", name)
    return value


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise invalid(f"Invalid value for {name}: an object is expected.", name)
    return value


def _array(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise invalid(f"Invalid value for {name}: an array is expected.", name)
    return value
