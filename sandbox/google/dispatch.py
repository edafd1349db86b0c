"""From a call to its answer: which method it is, whether the caller may, and what of the answer is shown."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from sandbox.google import calendars, channels, errors, events, freebusy, listing, preferences
from sandbox.google.backend import Backend
from sandbox.google.call import Call, Reply
from sandbox.google.oauth import check_scope, identify
from sandbox.google.partial import parse, select

Handler = Callable[[Backend, Call], Reply]

_EVENTS = "calendars/{calendarId}/events"
_ENTRIES = "users/me/calendarList"


@dataclass(frozen=True)
class Method:
    """One method of the API. `handler` None: it exists at Google and is not imitated."""

    name: str
    verb: str
    template: str
    handler: Handler | None

    @property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.template))


# Fixed words before placeholders, so that ".../events/import" is not an event called "import".
METHODS = (
    Method("events.import", "POST", f"{_EVENTS}/import", events.import_an_event),
    Method("events.quickAdd", "POST", f"{_EVENTS}/quickAdd", None),
    Method("events.watch", "POST", f"{_EVENTS}/watch", channels.watch_events),
    Method("events.list", "GET", _EVENTS, listing.list_events),
    Method("events.insert", "POST", _EVENTS, events.insert_event),
    Method("events.get", "GET", f"{_EVENTS}/{{eventId}}", events.get_event),
    Method("events.patch", "PATCH", f"{_EVENTS}/{{eventId}}", events.patch_event),
    Method("events.update", "PUT", f"{_EVENTS}/{{eventId}}", events.update_event),
    Method("events.delete", "DELETE", f"{_EVENTS}/{{eventId}}", events.delete_event),
    Method("events.move", "POST", f"{_EVENTS}/{{eventId}}/move", events.move_event),
    Method("events.instances", "GET", f"{_EVENTS}/{{eventId}}/instances", listing.list_instances),
    Method("freebusy.query", "POST", "freeBusy", freebusy.query_freebusy),
    Method("channels.stop", "POST", "channels/stop", channels.stop_channel),
    Method("colors.get", "GET", "colors", preferences.get_colors),
    Method("settings.list", "GET", "users/me/settings", preferences.list_settings),
    Method("settings.watch", "POST", "users/me/settings/watch", None),
    Method("settings.get", "GET", "users/me/settings/{setting}", preferences.get_setting),
    Method("calendarList.list", "GET", _ENTRIES, calendars.list_calendars),
    Method("calendarList.insert", "POST", _ENTRIES, calendars.insert_entry),
    Method("calendarList.watch", "POST", f"{_ENTRIES}/watch", None),
    Method("calendarList.get", "GET", f"{_ENTRIES}/{{calendarId}}", calendars.get_entry),
    Method("calendarList.patch", "PATCH", f"{_ENTRIES}/{{calendarId}}", calendars.patch_entry),
    Method("calendarList.update", "PUT", f"{_ENTRIES}/{{calendarId}}", calendars.patch_entry),
    Method("calendarList.delete", "DELETE", f"{_ENTRIES}/{{calendarId}}", calendars.delete_entry),
    Method("calendars.insert", "POST", "calendars", calendars.insert_calendar),
    Method("calendars.get", "GET", "calendars/{calendarId}", calendars.get_calendar),
    Method("calendars.patch", "PATCH", "calendars/{calendarId}", calendars.patch_calendar),
    Method("calendars.update", "PUT", "calendars/{calendarId}", calendars.update_calendar),
    Method("calendars.delete", "DELETE", "calendars/{calendarId}", calendars.delete_calendar),
    Method("calendars.clear", "POST", "calendars/{calendarId}/clear", None),
    Method("calendars.transferOwnership", "POST", "calendars/{calendarId}/transferOwnership", None),
    Method("acl.watch", "POST", "calendars/{calendarId}/acl/watch", None),
    Method("acl.list", "GET", "calendars/{calendarId}/acl", None),
    Method("acl.insert", "POST", "calendars/{calendarId}/acl", None),
    Method("acl.get", "GET", "calendars/{calendarId}/acl/{ruleId}", None),
    Method("acl.patch", "PATCH", "calendars/{calendarId}/acl/{ruleId}", None),
    Method("acl.update", "PUT", "calendars/{calendarId}/acl/{ruleId}", None),
    Method("acl.delete", "DELETE", "calendars/{calendarId}/acl/{ruleId}", None),
)
_ROUTES = tuple((method, method.pattern) for method in METHODS)


def dispatch(backend: Backend, call: Call) -> Reply:
    """Answers a call, and tells the push channels when it changed something."""
    call = call.effective()
    try:
        reply = _run(backend, call)
    except errors.ApiError as error:
        reply = Reply.of(error)
    channels.publish(backend)
    return reply


def _run(backend: Backend, call: Call) -> Reply:
    method, handler = _find(call)
    call.caller = identify(backend, call)
    check_scope(call.caller, method.name)
    # Read before the call is carried out: a broken selector must not leave a write behind.
    wanted = parse(call.text("fields") or "*")
    reply = handler(backend, call)
    return Reply(reply.status, select(reply.body, wanted) if reply.body is not None else None)


def _find(call: Call) -> tuple[Method, Handler]:
    for method, pattern in _ROUTES:
        match = pattern.fullmatch(call.path) if method.verb == call.method else None
        if match is None:
            continue
        if method.handler is None:
            raise errors.not_imitated(method.name)
        call.args = {name: unquote(value) for name, value in match.groupdict().items()}
        return method, method.handler
    raise errors.not_found()
