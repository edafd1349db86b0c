"""The Kommo imitation alone on loopback, and a receiver for its webhooks: what the tests here stand on."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl

import httpx
import uvicorn

from sandbox.kommo.service import KommoService
from sandbox.server import service_app
from sandbox.world import World

TOKEN = "sandbox-kommo-token"
ALL_TASK_SETTINGS = ["add_task", "update_task", "delete_task", "responsible_task"]
ALL_LEAD_SETTINGS = ["add_lead", "update_lead", "delete_lead", "restore_lead", "status_lead", "responsible_lead", "note_lead"]


def eventually(check: Callable[[], Any], what: str, within_s: float = 5.0) -> Any:
    """What `check` returns as soon as it is truthy; fails when that does not happen in time."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if found := check():
            return found
        time.sleep(0.005)
    raise AssertionError(f"did not happen within {within_s} s: {what}")


class KommoServer:
    """One account on a free port, served from a thread of its own."""

    def __init__(self) -> None:
        self.world = World()
        self.world.add(KommoService(self.world))
        # Named as TCP, so that asyncio turns Nagle's algorithm off; each call takes 40 ms otherwise.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen()
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        app = service_app(self.world, self.world.services["kommo"])
        config = uvicorn.Config(app, log_level="error", access_log=False, lifespan="off", http="h11", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self.client = httpx.Client(base_url=self.url, timeout=10, trust_env=False)

    async def _serve(self) -> None:
        await self.world.deliveries.start()
        await self._server._serve([self._socket])
        await self.world.deliveries.stop()

    def __enter__(self) -> Self:
        self._thread.start()
        eventually(lambda: self._server.started, "the server starts")
        return self

    def __exit__(self, *exc: object) -> None:
        self.client.close()
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self._socket.close()

    # Kommo's API

    def api(self, method: str, path: str, body: Any = None, *, token: str | None = TOKEN, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        headers.update(more.pop("headers", {}))
        content = {} if body is None else {"json": body}
        return self.client.request(method, f"/api/v4{path}", headers=headers, **content, **more)

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.api("GET", path, params=params)

    def post(self, path: str, body: Any) -> httpx.Response:
        return self.api("POST", path, body)

    def patch(self, path: str, body: Any) -> httpx.Response:
        return self.api("PATCH", path, body)

    def add(self, kind: str, **item: Any) -> int:
        """A new lead, contact or task through the API; its id."""
        answer = self.post(f"/{kind}", [item])
        assert answer.status_code == 200, answer.text
        return int(answer.json()["_embedded"][kind][0]["id"])

    # The sandbox's controls

    def control(self, path: str, /, **data: Any) -> Any:
        answer = self.client.post(f"/_sandbox{path}", json=data)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, path: str, /, **data: Any) -> str:
        """The reason a control gives for refusing."""
        answer = self.client.post(f"/_sandbox{path}", json=data)
        assert answer.status_code == 400, answer.text
        return str(answer.json()["error"])

    def reset(self, **seed: Any) -> None:
        self.control("/reset", kommo=seed)

    def state(self) -> dict[str, Any]:
        return self.client.get("/_sandbox/state").json()["kommo"]

    def one(self, kind: str, entity_id: int) -> dict[str, Any]:
        """A lead, contact, task or note of the snapshot."""
        return next(item for item in self.state()[kind] if item["id"] == entity_id)

    def deliveries(self) -> list[dict[str, Any]]:
        return self.client.get("/_sandbox/deliveries").json()

    def settled(self) -> list[dict[str, Any]]:
        """The deliveries, once nothing is on its way any more."""
        eventually(lambda: self.client.get("/_sandbox/idle").json()["idle"], "webhooks go out")
        return self.deliveries()


class Receiver:
    """Takes webhooks. `status` is its answer; `silent_s` makes it wait first."""

    def __init__(self) -> None:
        self.posts: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        self.silent_s = 0.0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.posts.append(({k.lower(): v for k, v in self.headers.items()}, body))
                if receiver.silent_s:
                    time.sleep(receiver.silent_s)
                self.send_response(receiver.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

            def finish(self) -> None:
                with contextlib.suppress(OSError):  # the sender has given up waiting
                    super().finish()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/hooks/secret"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    @property
    def bodies(self) -> list[bytes]:
        return [body for _, body in self.posts]

    def wait(self, count: int) -> list[bytes]:
        """The bodies, once `count` have come."""
        eventually(lambda: len(self.posts) >= count, f"{count} webhooks arrive, {len(self.posts)} did")
        return self.bodies


def form(body: bytes) -> dict[str, str]:
    """A webhook body as key and value, in order."""
    return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))


def keys(body: bytes) -> list[str]:
    return list(form(body))
