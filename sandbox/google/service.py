"""The Google service: Calendar v3, its batch endpoint and the token endpoint, over one state."""

import json
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.google import errors, oauth
from sandbox.google.backend import Backend
from sandbox.google.batch import BOUNDARY, read_batch, write_batch
from sandbox.google.call import Call, Reply
from sandbox.google.channels import is_live
from sandbox.google.dispatch import dispatch
from sandbox.google.event_view import minimal, render
from sandbox.google.people import People
from sandbox.google.seed import seeded
from sandbox.google.state import CalendarRecord, Channel, EventRecord
from sandbox.world import World

_PREFIX = "/calendar/v3/"
_VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_JSON = "application/json; charset=UTF-8"


class GoogleService(Backend):
    """Google as Marcado meets it. Paths are Google's own, below the server's root."""

    name = "google"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._resets = 0
        self._people = People(self)
        self.reset({})

    def routes(self) -> list[BaseRoute]:
        return [
            Route(_PREFIX + "{rest:path}", self._api, methods=_VERBS),
            Route("/batch/calendar/v3", self._batch, methods=["POST"]),
            Route("/batch", self._batch, methods=["POST"]),
            Route("/token", self._token, methods=["POST"]),
        ]

    def controls(self) -> list[BaseRoute]:
        return self._people.routes()

    def reset(self, seed: dict[str, Any]) -> None:
        """Ana's and Bruno's empty calendars, unless `seed` says otherwise; see `seed.seeded`."""
        self._resets += 1
        self.state, events = seeded(self.world.clock.now(), seed, self._resets)
        for event in events:
            self._people.add(event)
        self.changed.clear()
        self.state.notifications.clear()

    def snapshot(self) -> dict[str, Any]:
        state = self.state
        return {
            "options": vars(state.options).copy(),
            "calendars": {calendar.id: _calendar_snapshot(calendar) for calendar in state.calendars.values()},
            "notifications": [dict(mail) for mail in state.notifications],
            "channels": [self._channel_snapshot(channel) for channel in state.channels.values()],
            "tokens": [
                {
                    "token": token,
                    "user": grant.user,
                    "scopes": list(grant.scopes) if grant.scopes is not None else None,
                    "service_account": grant.service_account,
                    "expires_at": grant.expires_at.isoformat() if grant.expires_at else None,
                }
                for token, grant in state.access_tokens.items()
            ],
            "revoked": sorted(state.revoked),
        }

    def _channel_snapshot(self, channel: Channel) -> dict[str, Any]:
        return vars(channel) | {"event_types": list(channel.event_types), "live": is_live(self, channel)}

    def wire_error(self, status: int, request: Request) -> Response:
        """JSON envelopes, HTML for a 502, 503 or 504 as Google's front ends send, and OAuth's form for /token."""
        if status in (502, 503, 504):
            return HTMLResponse(f"<html><title>Error {status}</title><p>That's an error.</p></html>", status)
        if request.url.path == "/token":
            return JSONResponse({"error": "invalid_grant" if status < 500 else "internal_failure"}, status)
        return _response(Reply.of(errors.by_status(status)))

    async def _api(self, request: Request) -> Response:
        raw_path = request.scope["raw_path"].decode("latin-1").partition("?")[0]
        query = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        body = await request.body()
        call = Call(request.method, raw_path.removeprefix(_PREFIX), query, request.headers, body)
        return _response(dispatch(self, call))

    async def _batch(self, request: Request) -> Response:
        body = await request.body()
        try:
            calls = read_batch(request.headers.get("content-type", ""), body, _PREFIX, dict(request.headers))
        except errors.ApiError as error:
            return _response(Reply.of(error))
        answers = []
        for content_id, call in calls:
            reply = dispatch(self, call)
            answers.append((content_id, reply.status, _encode(reply)))
        return Response(write_batch(answers), media_type=f"multipart/mixed; boundary={BOUNDARY}")

    async def _token(self, request: Request) -> Response:
        body = await request.body()
        try:
            return JSONResponse(oauth.issue(self, body))
        except oauth.OAuthError as error:
            return JSONResponse(error.body, error.status)


def _response(reply: Reply) -> Response:
    if reply.body is None:
        return Response(status_code=reply.status)
    return Response(_encode(reply), reply.status, media_type=_JSON)


def _encode(reply: Reply) -> bytes:
    return b"" if reply.body is None else json.dumps(reply.body, ensure_ascii=False).encode()


def _calendar_snapshot(calendar: CalendarRecord) -> dict[str, Any]:
    return {
        "summary": calendar.summary,
        "time_zone": calendar.time_zone,
        "primary": calendar.primary,
        "shared": calendar.shared,
        "role": calendar.role,
        "working_hours": calendar.working_hours,
        "events": {event.id: _event_snapshot(event, calendar) for event in calendar.events.values()},
    }


def _event_snapshot(event: EventRecord, calendar: CalendarRecord) -> dict[str, Any]:
    """The full resource; a cancelled event has only its status outside and the rest under `_details`."""
    full = render(event, calendar)
    return minimal(event) | {"_details": full} if event.is_cancelled else full
