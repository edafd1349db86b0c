"""Sandbox and service together in one process, over real HTTP on loopback: for `run`, `chat`, tests and the sync test."""

import asyncio
import contextlib
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import uvicorn

from cli.settings import Settings, load_settings
from cli.wiring import Service, make_service, utc_now
from clients.transport import RetryPolicy
from meetings.business import Business, load_business
from sandbox.server import Sandbox, listen

SANDBOX_TOKEN = "sandbox-webhook-token"  # noqa: S105 (a fixed word for loopback servers)


# What a service needs to talk to a sandbox, besides its addresses.
SANDBOX_VALUES: dict[str, Any] = {
    "KOMMO_ACCESS_TOKEN": "sandbox-kommo-token",
    "KOMMO_FIELD_GOOGLE_CALENDAR_LINK": 123456,
    "KOMMO_FIELD_MEETING_STATUS": 123457,
    "EVOLUTION_API_KEY": "sandbox-evolution-key",
    "EVOLUTION_INSTANCE": "marcado",
    "OPENAI_API_KEY": "sandbox-openai-key",
    "OPENAI_MODEL": "marcado-stand-in",
    "WEBHOOK_TOKEN": SANDBOX_TOKEN,
}


def sandbox_urls(urls: Mapping[str, str]) -> dict[str, str]:
    """The sandbox's addresses under the names of the settings."""
    return {
        "KOMMO_BASE_URL": urls["kommo"],
        "GOOGLE_CALENDAR_ENDPOINT": urls["google"],
        "EVOLUTION_BASE_URL": urls["evolution"],
        "OPENAI_BASE_URL": f"{urls['openai']}/v1",
    }


def sandbox_settings(urls: Mapping[str, str], public_url: str | None, database: Path, **overrides: Any) -> Settings:
    """Settings that talk to a sandbox and nothing else, whatever the environment says."""
    own = {
        "GOOGLE_CREDENTIALS_FILE": None,
        "GOOGLE_CALENDAR_ID": None,
        "PUBLIC_URL": public_url,
        "DATABASE_URL": f"sqlite:///{database}",
    }
    return load_settings({**SANDBOX_VALUES, **sandbox_urls(urls), **own, **overrides}, env_file=None)


class ServedService:
    """A service answering on a loopback port, on its own event loop in a thread."""

    def __init__(self, make: Callable[[str], Service], port: int = 0) -> None:
        """`make` gets the base URL and builds the service; it runs in the serving thread."""
        self._socket = listen(port)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._make = make
        self.service: Service | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self._server: uvicorn.Server | None = None
        self._failure: BaseException | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="service", daemon=True)

    def start(self) -> None:
        """Serve; returns when it answers. Raises what kept it from starting."""
        self._thread.start()
        self._ready.wait()
        if self._failure:
            raise self._failure

    def stop(self) -> None:
        if self._server:
            self._server.should_exit = True
        self._thread.join(timeout=30)

    def call(self, work: Callable[[Service], Any]) -> Any:
        """Runs a coroutine function of the service on its own loop and waits for the result."""
        assert self.service is not None
        assert self.loop is not None
        return asyncio.run_coroutine_threadsafe(work(self.service), self.loop).result(60)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.service = self._make(self.url)
        config = uvicorn.Config(
            self.service.app,
            log_level="error",
            access_log=False,
            lifespan="on",
            proxy_headers=False,
            timeout_graceful_shutdown=5,
        )
        self._server = uvicorn.Server(config)
        serving = asyncio.create_task(self._server._serve([self._socket]))  # noqa: SLF001 (serve() would take over signals)
        while not self._server.started and not serving.done():
            await asyncio.sleep(0.01)
        if not self._server.started:
            raise RuntimeError("the service did not start")
        self._ready.set()
        await serving


class Stack:
    """A sandbox and a service that talks to it alone. A context manager."""

    def __init__(
        self,
        *,
        business_file: Path,
        overrides: Mapping[str, Any] | None = None,
        sandbox: Sandbox | None = None,
        ports: Mapping[str, int] | None = None,
        now: Callable[[], datetime] = utc_now,
        retry: RetryPolicy | None = None,
        tick_s: float = 0.05,
        adapt_business: Callable[[Business], Business] = lambda business: business,
    ) -> None:
        """
        Args:
            overrides: Settings to use instead of the sandbox's own.
            sandbox: One that is being served already; it is then not stopped here.
            ports: Ports by name (service, kommo, google, evolution, openai); free ones where nothing is given.
        """
        self.business_file, self.overrides = business_file, dict(overrides or {})
        self.now, self.retry, self.tick_s, self.adapt = now, retry, tick_s, adapt_business
        self.ports = dict(ports or {})
        self.sandbox = sandbox or Sandbox({k: v for k, v in self.ports.items() if k != "service"})
        self._owns_sandbox = sandbox is None
        self._folder = tempfile.TemporaryDirectory(prefix="marcado-", ignore_cleanup_errors=True)
        self.database = Path(self._folder.name) / "marcado.sqlite"
        self.served: ServedService | None = None

    def __enter__(self) -> Self:
        if self._owns_sandbox:
            self.sandbox.start()
        try:
            self.start_service()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop_service()
        if self._owns_sandbox:
            self.sandbox.stop()
        with contextlib.suppress(OSError):
            self._folder.cleanup()

    @property
    def url(self) -> str:
        assert self.served is not None
        return self.served.url

    def start_service(self) -> None:
        """(Re)starts the service on the same database."""
        self.served = ServedService(self._make, self.ports.get("service", 0))
        self.served.start()

    def stop_service(self) -> None:
        if self.served:
            self.served.stop()
            self.served = None

    def settle(self, within_s: float = 30.0) -> None:
        """Waits until nothing more happens by itself: webhooks delivered, messages answered, meetings settled.

        What is due within the next two minutes of the service's time is waited for; a clock that stands still is moved there.

        Raises:
            TimeoutError: Something was still going on after `within_s` real seconds; the message says what.
        """
        deadline = time.monotonic() + within_s
        seen_tick = -1
        quiet = 0
        while quiet < 3:  # looks at quiet that a whole tick of the dispatcher lies between
            assert self.served is not None
            busy, next_due, tick = self.served.call(whats_left)
            clock = self.sandbox.world.clock
            if busy or not self.sandbox.world.deliveries.idle:
                quiet = 0
            elif next_due is not None and next_due <= self.now() + timedelta(minutes=2):
                quiet = 0
                if clock.is_fixed and next_due > clock.now():
                    clock.set(next_due)
            elif tick != seen_tick:
                quiet += 1
            seen_tick = tick
            if time.monotonic() > deadline:
                raise TimeoutError(f"still going on after {within_s:g} s: {busy or 'webhooks under way'}, next due {next_due}")
            time.sleep(0.02)

    def _make(self, url: str) -> Service:
        settings = sandbox_settings(self.sandbox.urls, url, self.database, **self.overrides)
        business = self.adapt(load_business(self.business_file, settings.GOOGLE_CALENDAR_ID))
        return make_service(
            settings,
            business,
            now=self.now,
            retry=self.retry,
            tick_s=self.tick_s,
            kommo_requests_per_s=200,  # the sandbox is not limited, and demo and tests should not wait as if it were
        )


async def whats_left(service: Service) -> tuple[list[str], datetime | None, int]:
    """What a service is doing now, when it will next do something by itself, and how often it has looked."""
    return await service.lanes.unfinished(), await service.dispatcher.next_due(), service.dispatcher.ticks
