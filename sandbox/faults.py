"""Bad days on demand: what should go wrong with the next calls, and how."""

import json
import re
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.weather import Weather

_ids = count(1)


@dataclass
class Fault:
    """One thing that goes wrong with the next `times` matching calls.

    Attributes:
        service: kommo, google, evolution or openai.
        method: HTTP method, or None for any.
        path: Regular expression searched in the path, or None for any.
        body_has: Text that the request's body must hold (as sent or as JSON text with escapes), or None for any.
        times: How many calls it still applies to; -1 for all.
        skip: How many matching calls pass unharmed before.
        status: Answer with this status instead of handling the call (with `body`, `headers`).
        body: JSON value or text of that answer; None takes the service's own wording for the status.
        headers: Extra headers of that answer.
        delay_s: Real seconds to wait before handling.
        drop: "before" closes the connection unhandled; "after" handles the call, then closes it unanswered.
        after_write: With `status`: handle the call first, then answer with the status all the same.
        swallow: Handle and answer as usual, then put the world back as it was: the effect is lost in silence.
        hold: Keep the call waiting until POST /_sandbox/faults/release ("before" or "after" the handling).
    """

    service: str
    method: str | None = None
    path: str | None = None
    body_has: str | None = None
    times: int = 1
    skip: int = 0
    status: int | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    drop: str | None = None
    after_write: bool = False
    swallow: bool = False
    hold: str | None = None
    id: int = field(default_factory=lambda: next(_ids))
    hits: int = 0

    def __post_init__(self) -> None:
        if self.drop not in (None, "before", "after"):
            raise ValueError(f"drop is {self.drop!r}; use 'before' or 'after'")
        if self.hold not in (None, "before", "after"):
            raise ValueError(f"hold is {self.hold!r}; use 'before' or 'after'")
        if self.path:
            re.compile(self.path)

    def matches(self, service: str, method: str, path: str, body: str) -> bool:
        return (
            self.times != 0
            and self.service == service
            and (self.method is None or self.method.upper() == method.upper())
            and (self.path is None or re.search(self.path, path) is not None)
            and (self.body_has is None or self.body_has in body or json.dumps(self.body_has)[1:-1] in body)
        )

    def describe(self) -> dict[str, Any]:
        return asdict(self)


class Faults:
    """The list of planned faults; the oldest that matches a call is used. Without one the weather decides, if there is any."""

    def __init__(self) -> None:
        self.planned: list[Fault] = []
        self.weather: Weather | None = None

    def add(self, fault: Fault) -> Fault:
        self.planned.append(fault)
        return fault

    def clear(self) -> None:
        self.planned.clear()

    def take(self, service: str, method: str, path: str, body: str = "") -> Fault | None:
        """The fault for this call, counted down; None when the call goes through unharmed."""
        for fault in self.planned:
            if not fault.matches(service, method, path, body):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.times > 0:
                fault.times -= 1
            fault.hits += 1
            return fault
        return self.weather.fault(service) if self.weather else None
