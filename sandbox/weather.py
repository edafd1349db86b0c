"""Bad weather: faults drawn by chance from a seed, for calls and for webhooks, until it is over.

Each service draws from a sequence of its own, so that a seed brings the same faults in the same order. Which call meets which
fault depends on the order in which calls arrive, as with real weather.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.clock import SandboxClock
from sandbox.faults import Fault

_HOUR_S = 3600.0
_LONGEST_OUTAGE = timedelta(minutes=8)
# What the customer wrote comes once, or twice, but not an hour late: a wish of an hour ago would be another story to tell.
_SPOKEN = "messages.upsert"

# What one call can meet: its name, how often compared with the others, the fault's fields (late and slow: see `_single`).
_COMMON: list[tuple[str, int, dict[str, Any]]] = [
    ("500 before", 3, {"status": 500}),
    ("500 after the write", 3, {"status": 500, "after_write": True}),
    ("503 before", 2, {"status": 503}),
    ("dropped before", 3, {"drop": "before"}),
    ("dropped after the write", 3, {"drop": "after"}),
    ("429", 2, {"status": 429}),
    ("429 with Retry-After", 2, {"status": 429, "headers": {"retry-after": "30"}}),
    ("timeout", 1, {"late": True}),
    ("slow answer", 3, {"slow": True}),
]
_RATE = {"code": 403, "message": "Rate Limit Exceeded"}
_OWN: dict[str, list[tuple[str, int, dict[str, Any]]]] = {
    "google": [
        (
            f"403 {reason}",
            2,
            {"status": 403, "body": {"error": {**_RATE, "errors": [{"domain": "usageLimits", "reason": reason}]}}},
        )
        for reason in ("rateLimitExceeded", "userRateLimitExceeded")
    ],
}
# Several calls in a row go wrong, until a number of them is used up or `_LONGEST_OUTAGE` is over.
_OUTAGES: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "kommo": [("HTML 403 block", {"status": 403}), ("token expired", {"status": 401}), ("down", {"status": 502})],
    "google": [("token expired", {"status": 401}), ("down", {"status": 503})],
    "evolution": [("disconnected", {}), ("LICENSE_REQUIRED", {}), ("down", {"status": 502})],
    "openai": [("down", {"status": 503})],
}


@dataclass
class _Outage:
    name: str
    fields: dict[str, Any]
    calls: int
    until: datetime


class Weather:
    """Faults by chance.

    Attributes:
        came: How often each kind of trouble came, by (service, name).
    """

    def __init__(
        self,
        seed: int,
        clock: SandboxClock,
        *,
        strength: float = 1.0,
        late_s: float = 2.5,
        slow_s: float = 0.2,
        switch: Callable[[str, bool], None] | None = None,
    ) -> None:
        """
        Args:
            seed: The same seed brings the same faults in the same order to each service.
            strength: 1: every eighth call goes wrong, every ninetieth begins an outage, every fourth webhook is disturbed.
            late_s: Real seconds before a call is handled whose caller is to lose patience.
            slow_s: Real seconds before a call is handled that is only slow.
            switch: Called with the name of an outage that is no answer but a state (disconnected, LICENSE_REQUIRED), and
                whether it begins.
        """
        self.seed, self.clock, self.strength = seed, clock, strength
        self._late_s, self._slow_s, self._switch = late_s, slow_s, switch or (lambda _name, _begins: None)
        self._random: dict[str, random.Random] = {}
        self._outages: dict[str, _Outage] = {}
        self.came: Counter[tuple[str, str]] = Counter()

    def fault(self, service: str) -> Fault | None:
        """What goes wrong with the next call of a service, None when nothing does."""
        dice = self._dice(service, "calls")
        is_hit, is_outage = dice.random() < self.strength / 8, dice.random() < self.strength / 90
        which, length = dice.random(), dice.randint(6, 30)
        outage = self._outages.get(service)
        if outage is not None and outage.calls <= 0:
            self._end(service)
            outage = None
        if outage is None and is_outage:
            outage = self._begin(service, which, length)
        if outage is not None:
            outage.calls -= 1
            return Fault(service, **outage.fields) if outage.fields else None
        return self._single(service, which) if is_hit else None

    def deliveries(self, service: str, event: str) -> list[float]:
        """After how many seconds each copy of the next webhook is posted; none at all when it is lost."""
        dice = self._dice(service, "webhooks")
        is_hit, which, wait_s = dice.random() < self.strength / 4, dice.random(), dice.uniform(1, 40)
        if not is_hit:
            return [0.0]
        kinds = {"lost": [], "doubled": [0.0, wait_s], "reordered": [wait_s], "an hour late": [_HOUR_S]}
        kinds["doubled, once an hour late"] = [0.0, _HOUR_S]
        if event == _SPOKEN:
            del kinds["an hour late"]
        name = list(kinds)[int(which * len(kinds))]
        self.came[service, f"webhook {name}"] += 1
        return kinds[name]

    def pass_on(self) -> None:
        """Ends the outages whose time is over. Called as time goes by, also when nobody calls the service."""
        now = self.clock.now()
        for service in [name for name, outage in self._outages.items() if now >= outage.until]:
            self._end(service)

    def clear_up(self) -> None:
        """The end of it: outages that are a state are over."""
        self.strength = 0.0
        for service in list(self._outages):
            self._end(service)

    def _dice(self, service: str, what: str) -> random.Random:
        key = f"{self.seed}:{service}:{what}"
        return self._random.setdefault(key, random.Random(key))

    def _single(self, service: str, which: float) -> Fault:
        kinds = [kind for kind in [*_COMMON, *_OWN.get(service, [])] for _ in range(kind[1])]
        name, _, fields = kinds[int(which * len(kinds))]
        self.came[service, name] += 1
        own = dict(fields)
        delay_s = self._late_s if own.pop("late", False) else self._slow_s if own.pop("slow", False) else 0.0
        return Fault(service, delay_s=delay_s, **own)

    def _begin(self, service: str, which: float, length: int) -> _Outage:
        kinds = _OUTAGES[service]
        name, fields = kinds[int(which * len(kinds))]
        outage = self._outages[service] = _Outage(name, fields, length, self.clock.now() + _LONGEST_OUTAGE)
        self.came[service, name] += 1
        if not fields:
            self._switch(name, True)
        return outage

    def _end(self, service: str) -> None:
        outage = self._outages.pop(service)
        if not outage.fields:
            self._switch(outage.name, False)
