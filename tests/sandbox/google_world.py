"""Help for the Google tests: the sandbox, the vendor's client turned on it, every exchange recorded."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Self

import google_auth_httplib2
import httplib2
import httpx
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from sandbox.server import Sandbox

ANA = "ana@solclaro.example"
BRUNO = "bruno@solclaro.example"
LEAD = "joana@cliente.example"
ZONE = "America/Sao_Paulo"


@dataclass
class Exchange:
    """One request as it went over the wire, and its answer."""

    method: str
    uri: str
    body: bytes
    headers: dict[str, str]
    status: int
    content: bytes


class RecordingHttp(httplib2.Http):
    """httplib2 as it is, which also keeps what went through it."""

    def __init__(self, into: list[Exchange]) -> None:
        super().__init__(timeout=20, proxy_info=None)
        self._into = into

    def request(self, uri, method="GET", body=None, headers=None, **kwargs):
        response, content = super().request(uri, method=method, body=body, headers=headers, **kwargs)
        raw = body.encode() if isinstance(body, str) else body or b""
        lowered = {name.lower(): str(value) for name, value in (headers or {}).items()}
        self._into.append(Exchange(method, uri, raw, lowered, response.status, content))
        return response, content


class GoogleServer(Sandbox):
    """The sandbox, with a view of its Google."""

    def __init__(self) -> None:
        super().__init__()
        self.exchanges: list[Exchange] = []
        self._connections: list[httplib2.Http] = []
        self._control = httpx.Client(timeout=20, trust_env=False)

    @property
    def url(self) -> str:
        return self.urls["google"]

    @property
    def endpoint(self) -> str:
        return f"{self.url}/calendar/v3/"

    def control(self, path: str, /, **data: Any) -> Any:
        answer = self._control.post(f"{self.url}/_sandbox{path}", json=data)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def reset(self, **seed: Any) -> None:
        self._hang_up()
        self.control("/reset", google=seed)
        self.exchanges.clear()

    def stop(self) -> None:
        self._hang_up()
        self._control.close()
        super().stop()

    def _hang_up(self) -> None:
        # Kept in the list: a client used after a reset connects anew.
        for connection in self._connections:
            connection.close()

    def clock(self, now: str) -> None:
        self.control("/clock", now=now)

    def snapshot(self) -> dict[str, Any]:
        return self._control.get(f"{self.url}/_sandbox/state").json()["google"]

    def mails(self) -> list[tuple[str, str]]:
        return [(mail["to"], mail["what"]) for mail in self.snapshot()["notifications"]]

    def http(self) -> Any:
        """A fresh recording transport, closed with the next reset."""
        self._connections.append(RecordingHttp(self.exchanges))
        return self._connections[-1]

    def calendar(self, credentials: Any = None) -> Any:
        """The whole API as google-api-python-client builds it."""
        http = self.http()
        if credentials is not None:
            http = google_auth_httplib2.AuthorizedHttp(credentials, http=http)
        options = {"api_endpoint": self.endpoint}
        return build("calendar", "v3", http=http, static_discovery=True, client_options=options)

    def events(self, token: str | None = None) -> Any:
        return self.calendar(Credentials(token=token) if token else None).events()


class Receiver:
    """A push address on loopback; keeps the headers of every message. `status` is what it answers."""

    def __init__(self, status: int = 200) -> None:
        self.messages: list[dict[str, str]] = []
        self.status = status
        self.bodies: list[bytes] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                outer.messages.append({name.lower(): value for name, value in self.headers.items()})
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/gcal"

    def states(self) -> list[str]:
        return [message["x-goog-resource-state"] for message in self.messages]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def until(condition: Callable[[], bool], within_s: float = 10) -> None:
    """Waits for the condition; fails when it has not come true in time."""
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def refused(request: Any) -> tuple[int, str]:
    """Status and Google's reason of a request that must fail."""
    try:
        answer = request.execute()
    except HttpError as error:
        return error.status_code, json.loads(error.content)["error"]["errors"][0]["reason"]
    raise AssertionError(f"not refused: {answer}")


def meeting(**fields: Any) -> dict[str, Any]:
    """A half-hour meeting on 1 December 2026, 10:00 in São Paulo."""
    return {
        "summary": "Demo – Joana",
        "start": {"dateTime": "2026-12-01T10:00:00-03:00"},
        "end": {"dateTime": "2026-12-01T10:30:00-03:00"},
        **fields,
    }


def with_meet(request_id: str = "m-1", **fields: Any) -> dict[str, Any]:
    """The same with a wish for a Meet link."""
    wish = {"requestId": request_id, "conferenceSolutionKey": {"type": "hangoutsMeet"}}
    return meeting(conferenceData={"createRequest": wish}, **fields)
