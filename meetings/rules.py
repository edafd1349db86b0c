"""When we write of our own accord: the parts of the business file about reminders, the question afterwards, and rescue."""

import re
from collections.abc import Mapping
from datetime import time
from itertools import zip_longest
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from meetings.phones import to_e164

_OVERNIGHT = re.compile(r"\s*((?:[01][0-9]|2[0-3]):[0-5][0-9])\s*-\s*((?:[01][0-9]|2[0-3]):[0-5][0-9])\s*")
_MOST_QUIET_H = 16


class Part(BaseModel):
    """Base of everything in the business file."""

    # A key nobody reads would be a setting that does nothing: refuse it.
    model_config = ConfigDict(extra="forbid", frozen=True)


class QuietHours(Part):
    """Local hours in which nothing is sent unasked. May span midnight; start inclusive, end exclusive."""

    start: time
    end: time

    @property
    def length_min(self) -> int:
        minutes = (self.end.hour - self.start.hour) * 60 + self.end.minute - self.start.minute
        return minutes % (24 * 60)

    def holds(self, clock: time) -> bool:
        """Whether a local wall-clock time lies within."""
        if self.start < self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end

    @model_validator(mode="after")
    def _leaves_a_day(self) -> Self:
        if not 0 < self.length_min <= _MOST_QUIET_H * 60:
            raise ValueError(f'must be longer than nothing and at most {_MOST_QUIET_H} hours; write "" for none')
        return self


def _parse_quiet(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    found = _OVERNIGHT.fullmatch(value)
    if found is None:
        raise ValueError(f'{value!r} is no interval; write e.g. "21:00-08:00", or "" for none')
    start, end = (time.fromisoformat(part) for part in found.groups())
    return QuietHours(start=start, end=end)


Quiet = Annotated[QuietHours | None, BeforeValidator(_parse_quiet)]


def _phone(value: str) -> str:
    number = to_e164(value)
    if number is None:
        raise ValueError(f"{value!r} is no phone number; write e.g. +5511987654321")
    return number


Phone = Annotated[str, AfterValidator(_phone)]


class ReminderRules(Part):
    """Reminders to the customer.

    Attributes:
        before_min: Minutes before the meeting, each once; empty for no reminders. The last one asks to confirm.
    """

    before_min: tuple[Annotated[int, Field(ge=15, le=20_160)], ...] = Field(default=(1440, 60), max_length=5)

    @field_validator("before_min")
    @classmethod
    def _each_once(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(_once(value), reverse=True))


class FollowUpRules(Part):
    """The question to the seller when nobody has said how a meeting went.

    Attributes:
        after_min: Minutes after the meeting's end.
        how: task: a Kommo task on the lead. whatsapp: a message to the seller's own number, and a task when it stays unanswered.
            off: nobody is asked.
    """

    after_min: int = Field(default=20, ge=0, le=2880)
    how: Literal["task", "whatsapp", "off"] = "task"


class RescueRules(Part):
    """Winning back a customer who did not come.

    Attributes:
        touches_h: Hours after it was marked at which the customer is written to, at most three. 0 is the message that goes out at
            once anyway: it then offers free times. So there may be two beside 0. Empty: nothing is offered.
    """

    touches_h: tuple[Annotated[int, Field(ge=0, le=336)], ...] = Field(default=(0, 24, 72), max_length=3)

    @field_validator("touches_h")
    @classmethod
    def _each_once(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        later = [hours for hours in value if hours]
        if len(later) > 2:
            raise ValueError("at most two hours besides 0: the message that every no-show gets at once is the first of three")
        return tuple(sorted(_once(value)))


def _once(values: tuple[int, ...]) -> tuple[int, ...]:
    double = [value for n, value in enumerate(values) if value in values[:n]]
    if double:
        raise ValueError(f"{double[0]} stands twice")
    return values


def merged(data: Any, changes: Any) -> Any:
    """The data with the changes in it."""
    if isinstance(data, Mapping) and isinstance(changes, Mapping):
        return {**data, **{key: merged(data.get(key), value) for key, value in changes.items()}}
    if isinstance(data, list) and isinstance(changes, list) and all(isinstance(one, Mapping) for one in [*data, *changes]):
        nothing: dict[str, Any] = {}
        return [merged(one, change) for one, change in zip_longest(data, changes, fillvalue=nothing)]
    return changes
