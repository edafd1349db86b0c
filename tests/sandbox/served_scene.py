"""Help for tests of the imitated services: a served world, a webhook receiver, and a comparison with captured bodies."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from sandbox.server import Sandbox
from sandbox.world import Service, World

# What the server was called that the captured bodies come from.
CAPTURED_SERVER = {
    "instance": "vendas",
    "token": "<instance token>",
    "profile_name": "Loja Exemplo",
    "server_url": "https://evolution.example.com",
    "timezone": "UTC",
}
CAPTURED = Path(__file__).parent.parent / "fixtures" / "evolution"


class ServedWorld(Sandbox):
    """Some services of the world, served the way `Sandbox` serves all four."""

    def __init__(self, *services: Callable[[World], Service]) -> None:
        self.world = World()
        for service in services:
            self.world.add(service(self.world))
        self.urls: dict[str, str] = {}
        self._ports: dict[str, int] = {}
        self._seed = None
        self._servers: list[Any] = []
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)
        # One client, because making one is slow; no kept connections, because worlds come and go.
        self.http = httpx.Client(trust_env=False, timeout=30, limits=httpx.Limits(max_keepalive_connections=0))

    def stop(self) -> None:
        self.http.close()
        super().stop()

    @property
    def control_url(self) -> str:
        return next(iter(self.urls.values()))

    def control(self, path: str, expect: int = 200, /, **data: Any) -> Any:
        """POST a control; fails the test when it answers another status than expected."""
        response = self.http.post(f"{self.control_url}/_sandbox{path}", json=data)
        assert response.status_code == expect, response.text
        return response.json()

    def look(self, path: str, **query: Any) -> Any:
        """GET a control."""
        return self.http.get(f"{self.control_url}/_sandbox{path}", params=query).json()

    def state(self, service: str) -> dict[str, Any]:
        """A service's snapshot."""
        return self.look("/state")[service]


@dataclass
class Post:
    """One webhook as it arrived."""

    path: str
    headers: dict[str, str]
    raw: bytes
    at: float

    @property
    def body(self) -> dict[str, Any]:
        return json.loads(self.raw)


@dataclass
class Receiver:
    """A webhook receiver on loopback.

    Attributes:
        posts: What arrived, in order.
        answers: Statuses for the next posts; 200 when empty. 0 waits `slow_s` before answering 200.
    """

    url: str = ""
    posts: list[Post] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    slow_s: float = 1.0

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [post.body for post in self.posts]

    def events(self, name: str | None = None) -> list[dict[str, Any]]:
        return [body for body in self.bodies if name in (None, body["event"])]

    def wait_for(self, name: str, count: int = 1) -> list[dict[str, Any]]:
        """The events of that name, once there are `count` of them."""
        wait_until(lambda: len(self.events(name)) >= count, f"{count} × {name}; got {[b['event'] for b in self.bodies]}")
        return self.events(name)


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            headers = {k.lower(): v for k, v in self.headers.items()}
            receiver.posts.append(Post(self.path, headers, raw, time.monotonic()))
            status = receiver.answers.pop(0) if receiver.answers else 200
            if status == 0:
                time.sleep(receiver.slow_s)
            with contextlib.suppress(OSError):
                self.send_response(status or 200)
                self.send_header("content-length", "0")
                self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/webhooks/evolution"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def wait_until(done: Callable[[], Any], what: str = "", within_s: float = 5.0) -> None:
    """Poll until `done()` is true; fails the test after `within_s`."""
    deadline = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < deadline, f"waited {within_s} s for {what}"
        time.sleep(0.005)


def captured(name: str) -> Any:
    return json.loads((CAPTURED / f"{name}.json").read_text())


# --- comparison ------------------------------------------------------------------------------------------------------

# Values that differ from one run to the next; only their kind is compared.
VOLATILE = frozenset(
    [
        *("destination", "date_time", "instanceId", "messageId"),
        # made up anew for every file
        *("url", "directPath", "fileSha256", "fileEncSha256", "mediaKey", "mediaKeyTimestamp", "waveform"),
        *("jpegThumbnail", "base64", "fileLength"),
        # noise and ciphertext
        *("senderKeyHash", "senderTimestamp", "recipientKeyHash", "recipientTimestamp", "messageSecret"),
        *("encPayload", "encIv"),
        # moments that no control sets
        *("timestampMs", "senderTimestampMs", "disconnectionAt", "disconnectionObject", "createdAt", "updatedAt"),
    ]
)


def differences(
    expected: Any,
    actual: Any,
    *,
    may_add: frozenset[str] = frozenset(),
    may_lack: frozenset[str] = frozenset(),
    volatile: frozenset[str] = VOLATILE,
    path: str = "",
) -> list[str]:
    """Where a body is not like the captured one: keys, kinds of value, and values that are not volatile.

    Args:
        expected: The captured body.
        actual: The sandbox's.
        may_add: Dotted paths that the sandbox may have in addition.
        may_lack: Dotted paths that it may leave out.
        volatile: Names of fields whose values are not compared, nor anything inside them.
        path: Where we are.
    """
    if _is_bytes(expected):
        return [] if _is_bytes(actual) else [f"{path}: {actual!r} is no index object"]
    if isinstance(expected, dict) and isinstance(actual, dict):
        found = [f"{_at(path, k)}: missing" for k in expected if k not in actual and _at(path, k) not in may_lack]
        found += [f"{_at(path, k)}: added" for k in actual if k not in expected and _at(path, k) not in may_add]
        for key in expected.keys() & actual.keys():
            limits = {"may_add": may_add, "may_lack": may_lack, "volatile": volatile, "path": _at(path, key)}
            if key in volatile:
                found += _kind_differences(expected[key], actual[key], _at(path, key))
            else:
                found += differences(expected[key], actual[key], **limits)
        return found
    if isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            return [f"{path}: {len(actual)} entries, captured {len(expected)}"]
        limits = {"may_add": may_add, "may_lack": may_lack, "volatile": volatile}
        return [d for e, a in zip(expected, actual, strict=True) for d in differences(e, a, path=f"{path}[]", **limits)]
    if type(expected) is not type(actual) or expected != actual:
        return [f"{path}: {actual!r}, captured {expected!r}"]
    return []


def _kind_differences(expected: Any, actual: Any, path: str) -> list[str]:
    """Same kinds of value all the way down, whatever the values."""
    if _is_bytes(expected) and _is_bytes(actual):
        return []
    if type(expected) is not type(actual):
        return [f"{path}: a {type(actual).__name__}, captured a {type(expected).__name__}"]
    if isinstance(expected, dict):
        if expected.keys() != actual.keys():
            return [f"{path}: keys {sorted(actual)}, captured {sorted(expected)}"]
        return [d for k in expected for d in _kind_differences(expected[k], actual[k], _at(path, k))]
    return []


def _is_bytes(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(key.isdigit() for key in value)


def _at(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
