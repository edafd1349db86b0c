"""Push channels: events.watch, channels.stop, and the messages that say "something changed, come and look"."""

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid5

from sandbox.delivery import RetryRule
from sandbox.google import errors
from sandbox.google.backend import Backend
from sandbox.google.call import NO_CONTENT, Call, Reply
from sandbox.google.event_input import EVENT_TYPES
from sandbox.google.state import ID_NAMESPACE, CalendarRecord, Channel

_DEFAULT_TTL_S = 604_800
_LONGEST_TTL_S = 30 * 86_400
_CHANNEL_ID = re.compile(r"[A-Za-z0-9\-_+/=]{1,64}")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_SUCCESS = (102, 200, 201, 202, 204)
_REPEATED = (0, 500, 502, 503, 504)

# Google says that it backs off and not by how much.
_RETRIES = RetryRule(
    timeout_s=10,
    waits_s=(1, 2, 4, 8),
    accepted=lambda status: status in _SUCCESS,
    gives_up=lambda _attempts, status: status not in _REPEATED,
)


def watch_events(backend: Backend, call: Call) -> Reply:
    calendar = backend.find_calendar(call)
    body = call.object()
    for name in call.texts("eventTypes"):
        if name not in EVENT_TYPES:
            raise errors.invalid_parameter("eventTypes", name)
    channel = _read_channel(backend, call, calendar, body)
    backend.state.channels[channel.id] = channel
    backend.state.used_channel_ids.add(channel.id)
    _send(backend, channel, "sync")
    return Reply(body=_render(channel))


def _read_channel(backend: Backend, call: Call, calendar: CalendarRecord, body: dict[str, Any]) -> Channel:
    channel_id, address, token = body.get("id"), body.get("address"), body.get("token")
    if not channel_id:
        raise errors.required("Required field: entity.id", "entity.id")
    if not isinstance(channel_id, str) or not _CHANNEL_ID.fullmatch(channel_id):
        raise errors.invalid("Invalid value for channel id.", "entity.id")
    if body.get("type") not in ("web_hook", "webhook"):
        raise errors.invalid("Unknown channel type.", "entity.type")
    if token is not None and (not isinstance(token, str) or len(token) > 256):
        raise errors.invalid("Invalid channel token.", "entity.token")
    _check_address(backend, address)
    if channel_id in backend.state.used_channel_ids:
        raise errors.ApiError(400, "channelIdNotUnique", f"Channel id {channel_id} not unique")
    path = f"/calendar/v3/calendars/{quote(calendar.id, safe='')}/events"
    return Channel(
        id=channel_id,
        resource_id=uuid5(ID_NAMESPACE, f"resource {calendar.id}").hex[:27],
        resource_uri=f"https://www.googleapis.com{path}?alt=json",
        calendar_id=calendar.id,
        address=str(address),
        expires_ms=_expiration(backend, body),
        owner=call.caller.email,
        token=token,
        event_types=tuple(call.texts("eventTypes")),
    )


def _check_address(backend: Backend, address: Any) -> None:
    if not isinstance(address, str) or not address:
        raise errors.required("Required field: entity.address", "entity.address")
    parts = urlsplit(address)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and parts.hostname in _LOOPBACK and backend.state.options.allow_http_channels:
        return
    raise errors.ApiError(400, "push.webhookUrlNotHttps", f"WebHook callback must be HTTPS: {address}")


def _expiration(backend: Backend, body: dict[str, Any]) -> int:
    """When the channel ends, Unix milliseconds: by `params.ttl` (s) or `expiration` (ms), within thirty days."""
    now_ms = int(backend.world.clock.now().timestamp() * 1000)
    params = body.get("params") or {}
    ttl_s, wanted_ms = params.get("ttl"), body.get("expiration")
    try:
        if ttl_s is not None or wanted_ms is None:
            wanted_ms = now_ms + int(_DEFAULT_TTL_S if ttl_s is None else ttl_s) * 1000
        wanted = int(wanted_ms)
    except (TypeError, ValueError):
        raise errors.invalid("Invalid expiration.", "entity.expiration") from None
    if wanted <= now_ms:
        raise errors.invalid("Invalid expiration.", "entity.expiration")
    return min(wanted, now_ms + _LONGEST_TTL_S * 1000)


def _render(channel: Channel) -> dict[str, Any]:
    shown = {
        "kind": "api#channel",
        "id": channel.id,
        "resourceId": channel.resource_id,
        "resourceUri": channel.resource_uri,
        "expiration": str(channel.expires_ms),
    }
    return shown | ({"token": channel.token} if channel.token else {})


def stop_channel(backend: Backend, call: Call) -> Reply:
    body = call.object()
    channel = backend.state.channels.get(str(body.get("id")))
    known = channel and channel.resource_id == body.get("resourceId") and channel.owner == call.caller.email
    if not known or not is_live(backend, channel):
        message = f"Channel '{body.get('id')}' not found for project."
        raise errors.ApiError(404, "notFound", message)
    del backend.state.channels[str(body["id"])]
    return NO_CONTENT


def is_live(backend: Backend, channel: Channel | None) -> bool:
    return channel is not None and channel.expires_ms > backend.world.clock.now().timestamp() * 1000


def publish(backend: Backend) -> None:
    """One `exists` message per live channel whose calendar changed since the last time."""
    changed, backend.changed = backend.changed, []
    for channel in backend.state.channels.values():
        kinds = {kind for calendar_id, kind in changed if calendar_id == channel.calendar_id}
        wanted = kinds & set(channel.event_types) if channel.event_types else kinds
        if wanted and is_live(backend, channel):
            _send(backend, channel, "exists")


def _send(backend: Backend, channel: Channel, state: str) -> None:
    channel.messages += 1
    expires = datetime.fromtimestamp(channel.expires_ms / 1000, UTC)
    headers = {
        "X-Goog-Channel-ID": channel.id,
        "X-Goog-Channel-Expiration": format_datetime(expires, usegmt=True),
        "X-Goog-Resource-ID": channel.resource_id,
        "X-Goog-Resource-URI": channel.resource_uri,
        "X-Goog-Resource-State": state,
        "X-Goog-Message-Number": str(channel.messages),
    }
    if channel.token:
        headers["X-Goog-Channel-Token"] = channel.token
    backend.world.deliveries.send("google", state, channel.address, b"", headers, _RETRIES)
