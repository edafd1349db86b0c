"""The one world that the four services share, and the form each service has."""

import copy
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from sandbox.clock import SandboxClock
from sandbox.delivery import Deliveries
from sandbox.faults import Faults
from sandbox.weather import Weather


class Service(Protocol):
    """A service: a name, its vendor's routes, what people do to it, and a seed.

    `state` holds everything a call may change and must survive `copy.deepcopy`: a swallowed call puts it back.
    Handlers change it synchronously (no await between reading and writing), so one event loop needs no locks.
    """

    name: str
    state: Any

    def routes(self) -> list[BaseRoute]:
        """The vendor's routes, as that vendor spells them."""

    def controls(self) -> list[BaseRoute]:
        """Routes under /_sandbox/… for what people do in this service; served on all four ports."""

    def reset(self, seed: dict[str, Any]) -> None:
        """Back to the seed state. `seed` overrides parts of it; unknown keys are a ValueError."""

    def snapshot(self) -> dict[str, Any]:
        """The state as plain JSON, for tests and the inspector."""

    def wire_error(self, status: int, request: Request) -> Response:
        """The body this vendor sends with `status` when nothing more is known."""


class World:
    """Clock, faults, post office and services; `reset()` puts all of them back.

    Attributes:
        in_hand: Calls that are being handled now, also those whose caller has hung up.
    """

    def __init__(self) -> None:
        self.clock = SandboxClock()
        self.faults = Faults()
        self.deliveries = Deliveries(self.clock)
        self.services: dict[str, Service] = {}
        self.requests: list[dict[str, Any]] = []
        self.base_urls: dict[str, str] = {}
        self.in_hand = 0

    def add(self, service: Service) -> None:
        self.services[service.name] = service

    def reset(self, seed: dict[str, Any] | None = None) -> None:
        """Back to the beginning: real time, no faults, no webhooks under way, seeded services.

        Args:
            seed: Per service name, what to put in place of that service's defaults.
        """
        self.calm_down()
        self.clock.set(None)
        self.faults.clear()
        self.deliveries.reset()
        self.requests.clear()
        for name, service in self.services.items():
            service.reset(copy.deepcopy((seed or {}).get(name, {})))

    def brew(self, seed: int, *, strength: float = 1.0, late_s: float = 2.5) -> Weather:
        """Bad weather for all calls and webhooks from now on; what was there before is over."""
        self.calm_down()
        weather = Weather(seed, self.clock, strength=strength, late_s=late_s, switch=self._switch)
        self.faults.weather = self.deliveries.weather = weather
        return weather

    def calm_down(self) -> None:
        """The end of bad weather; outages under way are over. Webhooks that are late stay late."""
        if self.faults.weather:
            self.faults.weather.clear_up()
        self.faults.weather = self.deliveries.weather = None

    def _switch(self, name: str, begins: bool) -> None:
        for service in self.services.values():
            if trouble := getattr(service, "trouble", None):  # not every service has states to be in
                trouble(name, begins)

    def snapshot(self) -> dict[str, Any]:
        return {
            "now": self.clock.now().isoformat(),
            **{name: service.snapshot() for name, service in self.services.items()},
        }
