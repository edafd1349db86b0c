"""The settings and colors methods: read-only and the same for everybody, as far as client libraries ask for them."""

from typing import Any

from sandbox.google import errors
from sandbox.google.backend import Backend
from sandbox.google.call import Call, Reply
from sandbox.google.tokens import pack

_ETAG = '"0"'
_SETTINGS = {
    "autoAddHangouts": "false",
    "dateFieldOrder": "DMY",
    "defaultEventLength": "60",
    "format24HourTime": "true",
    "hideInvitations": "false",
    "hideWeekends": "false",
    "locale": "pt_BR",
    "remindOnRespondedEventsOnly": "false",
    "showDeclinedEvents": "true",
    "useKeyboardShortcuts": "true",
    "weekStart": "0",
}
_EVENT_COLORS = "a4bdfc 7ae7bf dbadff ff887c fbd75b ffb878 46d6db e1e1e1 5484ed 51b749 dc2127"
_CALENDAR_COLORS = (
    "ac725e d06b64 f83a22 fa573c ff7537 ffad46 42d692 16a765 7bd148 b3dc6c fbe983 fad165 "
    "92e1c0 9fe1e7 9fc6e7 4986e7 9a9cff b99aff c2c2c2 cabdbf cca6ac f691b2 cd74e6 a47ae2"
)


def list_settings(backend: Backend, call: Call) -> Reply:
    values = _settings(backend, call)
    items = [_setting(name, values[name]) for name in sorted(values)]
    token = pack("settings", {"v": backend.state.epoch})
    return Reply(body={"kind": "calendar#settings", "etag": _ETAG, "items": items, "nextSyncToken": token})


def get_setting(backend: Backend, call: Call) -> Reply:
    values = _settings(backend, call)
    if call.args["setting"] not in values:
        raise errors.not_found()
    return Reply(body=_setting(call.args["setting"], values[call.args["setting"]]))


def _settings(backend: Backend, call: Call) -> dict[str, str]:
    own = backend.state.calendars.get(call.caller.email)
    return _SETTINGS | {"timezone": own.time_zone if own else "UTC"}


def _setting(name: str, value: str) -> dict[str, Any]:
    return {"kind": "calendar#setting", "etag": _ETAG, "id": name, "value": value}


def get_colors(backend: Backend, call: Call) -> Reply:
    return Reply(
        body={
            "kind": "calendar#colors",
            "updated": "2012-02-14T00:00:00.000Z",
            "calendar": _palette(_CALENDAR_COLORS),
            "event": _palette(_EVENT_COLORS),
        }
    )


def _palette(colors: str) -> dict[str, dict[str, str]]:
    return {str(number): {"background": f"#{color}", "foreground": "#1d1d1d"} for number, color in enumerate(colors.split(), 1)}
