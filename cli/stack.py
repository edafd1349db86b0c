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
from meetings.business import load_business
from sandbox.server import Sandbox, listen

SANDBOX_TOKEN = "sandbox-webhook-token"  # noqa: S105 (a fixed word for loopback servers)

# A trial is made at any hour, and nobody's evening is disturbed by it.
ANY_HOUR: dict[str, Any] = {"quiet_hours": ""}

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


class ServiceStack:
    """A service being served in this process. A context manager; the base of the sandboxed and the live one."""

    def __init__(self, now: Callable[[], datetime] = utc_now, port: int = 0) -> None:
        self.now, self.port = now, port
        self._folder = tempfile.TemporaryDirectory(prefix="marcado-", ignore_cleanup_errors=True)
        self.database = Path(self._folder.name) / "marcado.sqlite"
        self.served: ServedService | None = None

    def __enter__(self) -> Self:
        try:
            self.start_service()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop_service()
        with contextlib.suppress(OSError):
            self._folder.cleanup()

    @property
    def url(self) -> str:
        assert self.served is not None
        return self.served.url

    @property
    def service(self) -> Service:
        assert self.served is not None
        assert self.served.service is not None
        return self.served.service

    def start_service(self) -> None:
        """(Re)starts the service on the same database."""
        self.served = ServedService(self._make, self.port)
        self.served.start()

    def stop_service(self) -> None:
        if self.served:
            self.served.stop()
            self.served = None

    def call(self, work: Callable[[Service], Any]) -> Any:
        """Runs a coroutine function of the service on its own loop and waits for the result."""
        assert self.served is not None
        return self.served.call(work)

    def settle(self, within_s: float = 90.0, *, horizon_s: float = 120) -> None:
        """Waits until nothing more happens by itself: webhooks delivered, messages answered, meetings settled.

        What is due within `horizon_s` seconds of the service's time is waited for; a clock that stands still is moved there.

        Raises:
            TimeoutError: Something was still going on after `within_s` real seconds; the message says what.
        """
        deadline = time.monotonic() + within_s
        seen_tick = -1
        quiet = 0
        while quiet < 3:  # looks at quiet that a whole tick of the dispatcher lies between; each look asks for the next tick
            busy, next_due, tick = self.call(whats_left)
            if busy or not self._is_outside_quiet():
                quiet = 0
            elif next_due is not None and next_due <= self.now() + timedelta(seconds=horizon_s):
                quiet = 0
                self._let_time_reach(next_due)
            elif tick != seen_tick:
                quiet += 1
            seen_tick = tick
            if time.monotonic() > deadline:
                raise TimeoutError(f"still going on after {within_s:g} s: {busy or 'webhooks under way'}, next due {next_due}")
            time.sleep(0.02)

    def _is_outside_quiet(self) -> bool:
        """Whether no webhook is on its way to us, as far as that can be known."""
        return True

    def _let_time_reach(self, moment: datetime) -> None:
        """Something is due then; real time gets there by itself."""

    def _make(self, url: str) -> Service:
        raise NotImplementedError


class Stack(ServiceStack):
    """A sandbox and a service that talks to it alone."""

    def __init__(
        self,
        *,
        business_file: Path,
        overrides: Mapping[str, Any] | None = None,
        business_changes: Mapping[str, Any] | None = None,
        sandbox: Sandbox | None = None,
        port: int = 0,
        now: Callable[[], datetime] = utc_now,
        retry: RetryPolicy | None = None,
        tick_s: float = 0.2,
    ) -> None:
        """
        Args:
            overrides: Settings to use instead of the sandbox's own.
            business_changes: What is different from the business file.
            sandbox: One that is being served already; it is then not stopped here.
            port: The service's port; 0 for a free one.
        """
        super().__init__(now, port)
        self.business_file, self.business_changes = business_file, dict(business_changes or {})
        self.overrides = dict(overrides or {})
        self.retry, self.tick_s = retry, tick_s
        self.sandbox = sandbox or Sandbox()
        self._owns_sandbox = sandbox is None

    def __enter__(self) -> Self:
        if self._owns_sandbox:
            self.sandbox.start()
        return super().__enter__()

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        if self._owns_sandbox:
            self.sandbox.stop()

    def _is_outside_quiet(self) -> bool:
        return self.sandbox.world.in_hand == 0 and self.sandbox.world.deliveries.idle

    def _let_time_reach(self, moment: datetime) -> None:
        clock = self.sandbox.world.clock
        if clock.is_fixed and moment > clock.now():
            clock.set(moment)

    def _make(self, url: str) -> Service:
        settings = sandbox_settings(self.sandbox.urls, url, self.database, **self.overrides)
        return make_service(
            settings,
            load_business(self.business_file, settings.GOOGLE_CALENDAR_ID, self.business_changes),
            now=self.now,
            retry=self.retry,
            tick_s=self.tick_s,
            kommo_requests_per_s=200,  # the sandbox is not limited, and demo and tests should not wait as if it were
        )


class LiveStack(ServiceStack):
    """A service on the accounts of the given settings, apart from the one that may be running: its own database, no webhooks
    registered, a look at Kommo every few seconds instead, and no quiet hours.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        own = {
            "DATABASE_URL": f"sqlite:///{self.database}",
            "PUBLIC_URL": None,
            "SWEEP_INTERVAL_S": 5.0,
            "DEBOUNCE_SILENCE_S": 1.0,
        }
        self.settings = settings.model_copy(update=own)

    def _make(self, url: str) -> Service:
        business = load_business(self.settings.BUSINESS_FILE, self.settings.GOOGLE_CALENDAR_ID, ANY_HOUR)
        return make_service(self.settings, business)


async def whats_left(service: Service) -> tuple[list[str], datetime | None, int]:
    """What a service is doing now, or else when it will next do something by itself; and how often it has looked.

    A service at rest is made to look again at once.
    """
    looks = service.dispatcher.ticks  # read first: what the last look began must be among what is unfinished
    busy = [*await service.lanes.unfinished(), *service.calendars.busy()]
    if busy:
        return busy, None, looks
    next_due = await service.dispatcher.next_due()
    service.dispatcher.wake()
    return [], next_due, looks
