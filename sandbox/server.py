"""Runs the world: one HTTP server per service on loopback, all on one event loop in one thread."""

import asyncio
import copy
import socket
import threading
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.controls import control_routes
from sandbox.faults import Fault
from sandbox.world import Service, World


class FaultMiddleware:
    """Applies planned faults around a service's handlers and keeps the log of calls."""

    def __init__(self, app: ASGIApp, world: World, service: Service) -> None:
        self.app, self.world, self.service = app, world, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_sandbox"):
            await self.app(scope, receive, send)
            return
        body = await _read(receive)
        entry = {
            "service": self.service.name,
            "method": scope["method"],
            "path": scope["path"],
            "query": scope["query_string"].decode("latin-1"),
            "body": body.decode("utf-8", "replace")[:20_000],
            "status": None,
            "at": self.world.clock.now().isoformat(),
        }
        self.world.requests.append(entry)
        self.world.in_hand += 1
        try:
            await self._serve(scope, body, send, entry)
        finally:
            self.world.in_hand -= 1

    async def _serve(self, scope: Scope, body: bytes, send: Send, entry: dict[str, Any]) -> None:
        fault = self.world.faults.take(self.service.name, scope["method"], scope["path"], entry["body"])
        if fault is None:
            await self._handle(scope, body, send, entry)
        else:
            await self._handle_with(fault, scope, body, send, entry)

    async def _handle(self, scope: Scope, body: bytes, send: Send, entry: dict[str, Any]) -> None:
        async def noting_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry["status"] = message["status"]
            await send(message)

        await self.app(scope, _replay(body), noting_send)

    async def _handle_with(self, fault: Fault, scope: Scope, body: bytes, send: Send, entry: dict[str, Any]) -> None:
        entry["fault"] = fault.id
        if fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault.hold == "before":
            await self._held(fault, entry)
        if fault.drop == "before":
            entry["status"] = 0
            await self._drop(send)
            return
        if fault.status is not None and not fault.after_write:
            entry["status"] = fault.status
            await self._answer(fault, scope, body, send)
            return
        before = copy.deepcopy(self.service.state) if fault.swallow else None
        mark = self.world.deliveries.mark()
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            kept.append(message)

        await self.app(scope, _replay(body), keep)
        if fault.swallow:
            self.service.state = before
            self.world.deliveries.forget_since(mark)
        if fault.hold == "after":
            await self._held(fault, entry)
        if fault.drop == "after":
            entry["status"] = 0
            await self._drop(send)
            return
        if fault.status is not None:
            entry["status"] = fault.status
            await self._answer(fault, scope, body, send)
            return
        for message in kept:
            if message["type"] == "http.response.start":
                entry["status"] = message["status"]
            await send(message)

    async def _held(self, fault: Fault, entry: dict[str, Any]) -> None:
        entry["held"] = fault.hold
        while fault.hold and fault in self.world.faults.planned:
            await asyncio.sleep(0.01)
        entry["held"] = None

    async def _drop(self, send: Send) -> None:
        """Close the TCP connection without an answer. Only uvicorn's own cycle object can do that."""
        cycle = send.__self__  # type: ignore[attr-defined]
        cycle.transport.abort()
        while not cycle.disconnected:
            await asyncio.sleep(0)

    async def _answer(self, fault: Fault, scope: Scope, body: bytes, send: Send) -> None:
        request = Request(scope, _replay(body))
        assert fault.status is not None
        if fault.body is None:
            response = self.service.wire_error(fault.status, request)
        elif isinstance(fault.body, str):
            response = PlainTextResponse(fault.body, fault.status)
        else:
            response = JSONResponse(fault.body, fault.status)
        response.headers.update(fault.headers)
        await response(scope, _replay(body), send)


async def _read(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return body
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


def _replay(body: bytes) -> Receive:
    sent = False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def service_app(world: World, service: Service) -> ASGIApp:
    """The ASGI application of one service: its vendor's routes plus the shared controls."""
    app = Starlette(routes=[*control_routes(world), *service.routes()])
    return FaultMiddleware(app, world, service)


class Sandbox:
    """The four servers in one background thread.

    Use as a context manager, or `start()` and `stop()`. Ports are free ones unless given.

    Attributes:
        urls: Base URL per service name, e.g. {"kommo": "http://127.0.0.1:40123", …}; filled by `start()`.
    """

    def __init__(
        self, ports: dict[str, int] | None = None, seed: dict[str, Any] | None = None, world: World | None = None
    ) -> None:
        """`world` replaces the full one, e.g. by one with a single service."""
        self.world = world or make_world()
        self.urls: dict[str, str] = {}
        self._ports = ports or {}
        self._seed = seed
        self._servers: list[uvicorn.Server] = []
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Serve; returns when all four answer. Raises OSError when a given port is taken."""
        self._thread.start()
        self._ready.wait()
        if self._failure:
            raise self._failure
        return self

    def stop(self) -> None:
        for server in self._servers:
            server.should_exit = True
        self._thread.join(timeout=10)

    @property
    def control_url(self) -> str:
        """Where /_sandbox/… is served (every service port serves it; this is one of them)."""
        return next(iter(self.urls.values()))

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failure = error
            self._ready.set()

    async def _serve(self) -> None:
        sockets = {name: listen(self._ports.get(name, 0)) for name in self.world.services}
        for name, sock in sockets.items():
            self.urls[name] = f"http://127.0.0.1:{sock.getsockname()[1]}"
        self.world.base_urls.update(self.urls)
        self.world.reset(self._seed)
        await self.world.deliveries.start()
        for service in self.world.services.values():
            config = uvicorn.Config(
                service_app(self.world, service),
                log_level="error",
                access_log=False,
                lifespan="off",
                proxy_headers=False,
                http="h11",
                timeout_keep_alive=60,
                timeout_graceful_shutdown=1,
            )
            server = uvicorn.Server(config)
            self._servers.append(server)
        tasks = [
            asyncio.create_task(server._serve([sockets[name]]))  # noqa: SLF001 (serve() would take over signals)
            for server, name in zip(self._servers, sockets, strict=True)
        ]
        while not all(server.started for server in self._servers):
            await asyncio.sleep(0.01)
        self._ready.set()
        await asyncio.gather(*tasks)
        await self.world.deliveries.stop()


def listen(port: int) -> socket.socket:
    # The protocol is named: without it asyncio would not switch Nagle's algorithm off, and every answer took 40 ms more.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    sock.listen(256)
    return sock


def make_world() -> World:
    """A world with its four services, not yet served."""
    from sandbox.evolution.service import EvolutionService
    from sandbox.google.service import GoogleService
    from sandbox.kommo.service import KommoService
    from sandbox.openai.service import OpenAIService

    world = World()
    for service in (KommoService(world), GoogleService(world), EvolutionService(world), OpenAIService(world)):
        world.add(service)
    return world
