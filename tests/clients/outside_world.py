"""Help for the clients' tests: the sandbox over HTTP, clients pointed at it, what they asked and what they logged."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import structlog
from structlog.testing import capture_logs

from clients.calendar import CalendarClient
from clients.kommo import KommoClient
from clients.transport import RetryPolicy
from clients.whatsapp import WhatsAppClient
from sandbox.server import Sandbox

KOMMO_TOKEN = "sandbox-kommo-token"
EVOLUTION_KEY = "sandbox-evolution-key"
ANA, BRUNO = "ana@solclaro.example", "bruno@solclaro.example"
# Three calls in all, and no wait that a test would feel.
QUICK = RetryPolicy(attempts=3, total_s=10, wait_s=0.01, wait_max_s=0.05)

T = TypeVar("T")


class OutsideWorld:
    """The four services on loopback, and what people do there."""

    def __init__(self) -> None:
        self.sandbox = Sandbox().start()
        self._http = httpx.Client(base_url=f"{self.sandbox.control_url}/_sandbox", timeout=20, trust_env=False)

    def stop(self) -> None:
        self._http.close()
        self.sandbox.stop()

    def url(self, service: str) -> str:
        return self.sandbox.urls[service]

    def control(self, path: str, /, **data: Any) -> Any:
        answer = self._http.post(path, json=data)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def reset(self, **seed: Any) -> None:
        """Back to the default scene, with parts of it replaced per service."""
        self.control("/reset", **seed)

    def fault(self, service: str, /, **what: Any) -> None:
        self.control("/faults", **{"service": service, **what})

    def state(self, service: str) -> Any:
        return self._http.get("/state").json()[service]

    def requests(self, service: str, path: str = "") -> list[dict[str, Any]]:
        """The calls that reached a service, those whose path contains `path`, oldest first."""
        found = self._http.get("/requests", params={"service": service}).json()
        return [entry for entry in found if path in entry["path"]]

    def asked(self, service: str, path: str = "") -> list[str]:
        """The same as "METHOD /path"."""
        return [f"{entry['method']} {entry['path']}" for entry in self.requests(service, path)]

    # Clients. Each test runs one piece of work with one client in an event loop of its own.

    def kommo(self, work: Callable[[KommoClient], Awaitable[T]], *, retry: RetryPolicy = QUICK, **more: Any) -> T:
        options = {"base_url": self.url("kommo"), "token": KOMMO_TOKEN, "requests_per_s": 5000.0, **more}
        return _run(lambda: KommoClient(retry=retry, **options), work)

    def whatsapp(self, work: Callable[[WhatsAppClient], Awaitable[T]], *, retry: RetryPolicy = QUICK, **more: Any) -> T:
        options = {"base_url": self.url("evolution"), "api_key": EVOLUTION_KEY, "instance": "marcado", **more}
        return _run(lambda: WhatsAppClient(retry=retry, **options), work)

    def calendar(
        self,
        work: Callable[[CalendarClient], Awaitable[T]],
        *,
        retry: RetryPolicy = QUICK,
        credentials_file: Path | None = None,
        **more: Any,
    ) -> T:
        options = {"endpoint": self.url("google"), **more}
        return _run(lambda: CalendarClient(credentials_file, retry=retry, **options), work)


def _run(make: Callable[[], Any], work: Callable[[Any], Awaitable[T]]) -> T:
    async def main() -> T:
        client = make()
        try:
            return await work(client)
        finally:
            await client.close()

    return asyncio.run(main())


async def failure(call: Awaitable[Any]) -> BaseException:
    """The error a call ends with; fails when it ends well."""
    try:
        answer = await call
    except Exception as error:
        return error
    raise AssertionError(f"no error, but {answer!r}")


@contextlib.contextmanager
def logged() -> Iterator[list[dict[str, Any]]]:
    """Everything that is logged meanwhile, with the context it is bound to."""
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as entries:
        yield entries


def calls(entries: list[Any]) -> list[dict[str, Any]]:
    """The clients' own lines among those logged."""
    return [entry for entry in entries if entry["event"] == "call"]


def closed_port() -> int:
    """A port on loopback where nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def until(condition: Callable[[], bool], within_s: float = 10) -> None:
    """Waits for the condition; fails when it has not come true in time."""
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)
