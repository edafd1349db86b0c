"""Webhooks, really delivered: queued, posted, repeated by the vendor's rules, and logged."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import httpx

from sandbox.clock import SandboxClock
from sandbox.weather import Weather

log = logging.getLogger(__name__)
_ids = count(1)


@dataclass(frozen=True)
class RetryRule:
    """When a vendor posts again.

    Attributes:
        timeout_s: How long the vendor waits for an answer.
        waits_s: Seconds before attempt 2, 3, …; the list's length bounds the attempts.
        accepted: Whether an answer's status counts as delivered.
        gives_up: Whether no further attempt follows, given the attempts made and the last status (0 for none).
    """

    timeout_s: float
    waits_s: Sequence[float]
    accepted: Callable[[int], bool]
    gives_up: Callable[[int, int], bool] = lambda _attempts, _status: False


@dataclass
class Delivery:
    """One webhook on its way. `status` is the last answer: 0 for no answer, None before the first attempt."""

    service: str
    event: str
    url: str
    body: bytes
    headers: dict[str, str]
    rule: RetryRule
    due: datetime
    id: int = field(default_factory=lambda: next(_ids))
    attempts: int = 0
    status: int | None = None
    state: str = "waiting"  # waiting, sending, delivered, failed, lost, held
    on_result: Callable[["Delivery"], None] | None = None

    def describe(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "service": self.service,
            "event": self.event,
            "url": self.url,
            "body": self.body.decode("utf-8", "replace"),
            "attempts": self.attempts,
            "status": self.status,
            "state": self.state,
            "due": self.due.isoformat(),
        }


@dataclass
class DeliveryFault:
    """What happens to the next `times` webhooks of a service: lose, double, hold (until released), delay by `delay_s`."""

    service: str
    mode: str
    times: int = 1
    delay_s: float = 0.0
    event: str | None = None

    def __post_init__(self) -> None:
        if self.mode not in ("lose", "double", "hold", "delay"):
            raise ValueError(f"mode is {self.mode!r}; use lose, double, hold or delay")


class Deliveries:
    """The post office: one queue for all services, posted from the sandbox's event loop.

    Every webhook is posted on its own, as the vendors do; nothing waits for the one before.
    """

    def __init__(self, clock: SandboxClock) -> None:
        self.clock = clock
        self.log: list[Delivery] = []
        self.faults: list[DeliveryFault] = []
        self.weather: Weather | None = None
        self._open: list[Delivery] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop_task: asyncio.Task[None] | None = None
        self._client: httpx.AsyncClient | None = None

    def send(
        self,
        service: str,
        event: str,
        url: str,
        body: bytes,
        headers: dict[str, str],
        rule: RetryRule,
        *,
        on_result: Callable[[Delivery], None] | None = None,
    ) -> None:
        """Queue one webhook. `event` names it in the log, e.g. "task[delete]" or "messages.upsert"."""
        waits_s = self.weather.deliveries(service, event) if self.weather else [0.0]
        for wait_s in waits_s * self._copies(service, event):
            due = self.clock.now() + timedelta(seconds=wait_s)
            item = Delivery(service, event, url, body, headers, rule, due, on_result=on_result)
            self._apply_fault(item)
            self.log.append(item)
            if item.state != "lost":
                self._open.append(item)

    def _copies(self, service: str, event: str) -> int:
        fault = self._find(service, event, "double")
        return 2 if fault else 1

    def _find(self, service: str, event: str, mode: str) -> DeliveryFault | None:
        for fault in self.faults:
            if fault.mode == mode and fault.service == service and fault.times != 0 and fault.event in (None, event):
                fault.times -= 1 if fault.times > 0 else 0
                return fault
        return None

    def _apply_fault(self, item: Delivery) -> None:
        if self._find(item.service, item.event, "lose"):
            item.state = "lost"
        elif self._find(item.service, item.event, "hold"):
            item.state = "held"
        elif fault := self._find(item.service, item.event, "delay"):
            item.due += timedelta(seconds=fault.delay_s)

    def release(self, *, newest_first: bool = False) -> int:
        """Let held webhooks go, oldest first unless told otherwise; returns how many."""
        held = [item for item in self._open if item.state == "held"]
        for n, item in enumerate(reversed(held) if newest_first else held):
            item.state = "waiting"
            item.due = self.clock.now() - timedelta(microseconds=len(held) - n)  # due now, in this order
        return len(held)

    def mark(self) -> int:
        """A place in the log to `forget_since`, used to swallow an effect with its webhooks."""
        return len(self.log)

    def forget_since(self, mark: int) -> None:
        gone = {id(item) for item in self.log[mark:]}
        del self.log[mark:]
        self._open = [item for item in self._open if id(item) not in gone]

    def reset(self) -> None:
        self.log.clear()
        self.faults.clear()
        self._open.clear()

    @property
    def idle(self) -> bool:
        """True when no webhook is being sent or due now. Retries due later and held ones do not count."""
        now = self.clock.now()
        return not any(i.state == "sending" or (i.state == "waiting" and i.due <= now) for i in self._open)

    async def start(self) -> None:
        # One connection per post, no proxies: loopback only, and no reuse of a connection the receiver has closed.
        self._client = httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
        self._loop_task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        for task in (self._loop_task, *self._tasks):
            if task:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        if self._client:
            await self._client.aclose()

    async def _run(self) -> None:
        while True:
            now = self.clock.now()
            if self.weather:
                self.weather.pass_on()
            for item in sorted(self._open, key=lambda i: i.due):
                if item.state == "waiting" and item.due <= now:
                    item.state = "sending"
                    task = asyncio.create_task(self._post(item))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
            await asyncio.sleep(0.01)

    async def _post(self, item: Delivery) -> None:
        assert self._client is not None
        item.attempts += 1
        try:
            answer = await self._client.post(item.url, content=item.body, headers=item.headers, timeout=item.rule.timeout_s)
            item.status = answer.status_code
        except httpx.HTTPError as error:
            log.debug("webhook %s to %s: %s", item.event, item.url, type(error).__name__)
            item.status = 0
        if item.rule.accepted(item.status):
            item.state = "delivered"
        elif item.attempts > len(item.rule.waits_s) or item.rule.gives_up(item.attempts, item.status):
            item.state = "failed"
        else:
            item.due = self.clock.now() + timedelta(seconds=item.rule.waits_s[item.attempts - 1])
            item.state = "waiting"
        if item.state != "waiting" and item in self._open:
            self._open.remove(item)
        if item.on_result:
            item.on_result(item)
