"""The HTTP face: webhooks and two health routes. Authenticate, bound the size, parse, store, answer. No rules."""

import hmac
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Annotated, Any

import structlog
from fastapi import FastAPI, Header, Query, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from meetings.events import Ignored
from meetings.inbox import Inbox
from meetings.letters import FAILED, TOO_LARGE, UNREADABLE
from meetings.push_channels import PushChannels
from webhooks.evolution import parse_evolution
from webhooks.forms import FormError
from webhooks.google import mount_google
from webhooks.json_body import JsonBodyError, read_json_object
from webhooks.kommo import parse_kommo
from webhooks.redact import redact, redact_form

# Bytes. Media comes by reference, so an honest body is far smaller; a form takes seventy times its size to read, JSON twenty.
MAX_BODY = 5 * 1024 * 1024
MAX_FORM = 2 * 1024 * 1024
_TROUBLE_S = 60  # how long a webhook that was not stored keeps readiness red, unless another is stored
log = structlog.get_logger("webhooks")


@dataclass
class Door:
    """What the routes need.

    Attributes:
        inbox: Where webhooks are put down.
        tokens: The secrets that senders may know: today's, and the one before while it is being replaced.
        instance: Name of our WhatsApp instance; other instances' webhooks are not for us.
        wake: Called when something was stored.
        checks: Per part of the service, whether it is ready: name → "ok" or what is wrong.
        push: Where Google's messages about calendars are put down; None: they are not taken.
        counts: What was stored and what was ignored, since the start.
        failed_at: Real time (monotonic) of the last webhook that could not be stored, None since one was stored again.
        warnings: What is wrong outside, though webhooks can be stored: name → what.
        account_id: Id of our Kommo account, None while it is not known; other accounts' webhooks are not for us.
        waiting: The oldest work that is due, as JSON; None: nobody knows.
    """

    inbox: Inbox
    tokens: tuple[str, ...]
    instance: str
    wake: Callable[[], None]
    checks: Callable[[], Awaitable[dict[str, str]]]
    push: PushChannels | None = None
    counts: dict[str, int] = field(default_factory=dict)
    warnings: Callable[[], dict[str, str]] = dict
    failed_at: float | None = None
    account_id: Callable[[], int | None] = lambda: None
    waiting: Callable[[], Awaitable[dict[str, Any]]] | None = None

    def knows(self, token: str) -> bool:
        """Whether that is one of the tokens. Takes equally long whichever it is, and however much of it is right."""
        given = token.encode()
        results = [hmac.compare_digest(given, known.encode()) for known in self.tokens]
        return any(results)

    def count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1


class _TooLargeError(Exception):
    """The body is larger than any honest one."""


class _NoTraceback:
    """The last resort: an error nobody foresaw is named by kind, in the log as in the answer. Its text could hold anything."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_begun = False

        async def watched(message: Message) -> None:
            nonlocal is_begun
            is_begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            log.error("request failed", problem=type(error).__name__)
            if not is_begun:
                await JSONResponse({"error": "our mistake, try again"}, 500)(scope, receive, send)


def make_app(door: Door, lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]]) -> FastAPI:
    """The application. No description of it is served, as page or as JSON: its callers are programs that know it."""
    app = FastAPI(title="Marcado", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.door = door
    app.add_middleware(_NoTraceback)

    @app.post("/webhook/kommo/events")
    async def kommo(
        request: Request,
        token: Annotated[str, Query()] = "",
        x_marcado_token: Annotated[str, Header()] = "",
    ) -> JSONResponse:
        """Kommo's webhook: form-encoded, several entities in one body."""
        return await _receive(request, door, token or x_marcado_token, _read_kommo, MAX_FORM)

    @app.post("/webhook/evolution")
    @app.post("/webhook/evolution/{event}")
    async def evolution(
        request: Request,
        token: Annotated[str, Query()] = "",
        x_marcado_token: Annotated[str, Header()] = "",
        event: str = "",
    ) -> JSONResponse:
        """Evolution's webhook: JSON, one event per body. The path may end in the event's name ("by events")."""
        return await _receive(request, door, token or x_marcado_token, _read_evolution)

    if door.push is not None:
        mount_google(app, door.push, door.count)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process is alive."""
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        """Whether webhooks can be stored now; 503 when not. Also says what was stored and ignored since the start."""
        checks = await door.checks()
        if door.failed_at is not None and time.monotonic() - door.failed_at < _TROUBLE_S:
            checks["webhooks"] = "the last one could not be stored; its sender tries again"
        is_ready = all(value == "ok" for value in checks.values())
        status = "ok" if is_ready else "not ready"
        body = {"status": status, "checks": checks, "warnings": door.warnings(), "webhooks": door.counts}
        if door.waiting is not None and is_ready:
            body["waiting"] = await door.waiting()
        return JSONResponse(body, 200 if is_ready else 503)

    return app


Store = Callable[[], Awaitable[dict[str, Any]]]


async def _receive(
    request: Request, door: Door, token: str, read: Callable[[Door, bytes], Store], most: int = MAX_BODY
) -> JSONResponse:
    """Answers 200 for what is stored or surely not for us, 4xx for what can never succeed, 503 for our own trouble.

    Evolution drops an event for good on 400, 401, 403, 404 and 422, so these are for strangers and for nonsense only.
    """
    if not door.knows(token):
        door.count("wrong token")
        return JSONResponse({"error": "wrong or missing token"}, 401)
    source = "kommo" if read is _read_kommo else "evolution"
    body = b""
    try:
        body = await _body(request, most)
        answer = await read(door, body)()
    except _TooLargeError:
        door.count("too large")
        await _keep(door, source, "", TOO_LARGE, f"larger than {most} bytes")
        return JSONResponse({"error": f"body larger than {most} bytes"}, 413)
    except (FormError, JsonBodyError) as error:
        door.count("unreadable")
        # What can't be taken apart can't be redacted for sure either, so its size and the complaint are all that is kept.
        await _keep(door, source, "", UNREADABLE, f"{type(error).__name__}, {len(body)} bytes")
        return JSONResponse({"error": f"unreadable body: {type(error).__name__}"}, 400)
    except ClientDisconnect:
        return JSONResponse({"error": "broken off"}, 400)  # nobody is there to read it
    except Exception as error:
        # Whatever it is, it is ours. The database's trouble passes: the sender must try again. A mistake in what we make of
        # the body does not, and senders give up: it is kept, to be replayed when that is mended.
        if not isinstance(error, SQLAlchemyError | OSError | TimeoutError):
            log.error("webhook not understood", problem=type(error).__name__)
            if await _keep(door, source, _redacted(source, body), FAILED, type(error).__name__):
                return JSONResponse({"stored": 0, "kept": 1})
        log.error("webhook not stored", problem=type(error).__name__)
        door.count("not stored")
        door.failed_at = time.monotonic()
        return JSONResponse({"error": "not stored, try again"}, 503, headers={"retry-after": "5"})
    door.failed_at = None
    door.wake()
    return JSONResponse(answer)


async def _keep(door: Door, source: str, body: str, outcome: str, reason: str) -> bool:
    """Puts down a webhook that comes to nothing; False when not even that can be done."""
    try:
        await door.inbox.keep(source, body, outcome, reason)
    except Exception as error:
        log.error("webhook not kept", problem=type(error).__name__)
        return False
    return True


def _redacted(source: str, body: bytes) -> str:
    """What may be kept of a body that we could read and then stumbled over; nothing of one that can't be redacted for sure."""
    try:
        return redact_form(body) if source == "kommo" else json.dumps(redact(read_json_object(body)), ensure_ascii=False)
    except Exception as error:
        log.error("webhook not redacted", problem=type(error).__name__)
        return ""


async def _body(request: Request, most: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise _TooLargeError
    return bytes(body)


def _read_kommo(door: Door, body: bytes) -> Store:
    webhook = parse_kommo(body)
    ours = door.account_id()
    is_ours = webhook.account_id is None or ours is None or webhook.account_id == ours

    async def store() -> dict[str, Any]:
        if not is_ours:
            door.count("kommo other account")
            return {"stored": 0, "ignored": len(webhook.hints)}
        hints = await door.inbox.store_kommo(webhook, redact_form(body))
        door.count("kommo stored" if hints else "kommo ignored")
        return {"stored": hints, "ignored": len(webhook.ignored)}

    return store


def _read_evolution(door: Door, body: bytes) -> Store:
    payload = read_json_object(body)
    is_ours = str(payload.get("instance") or "") == door.instance
    events = parse_evolution(payload) if is_ours else []

    async def store() -> dict[str, Any]:
        if not is_ours:
            door.count("evolution other instance")
            return {"stored": 0, "ignored": 1}
        kept = json.dumps(redact(payload), ensure_ascii=False)
        await door.inbox.store_evolution(str(payload.get("event") or ""), events, kept)
        ignored = sum(isinstance(event, Ignored) for event in events)
        door.count("evolution ignored" if ignored == len(events) else "evolution stored")
        return {"stored": len(events) - ignored, "ignored": ignored}

    return store
