"""The scene a reset puts up: Sol Claro's two sellers, or what the seed says."""

from datetime import datetime
from typing import Any

from sandbox.google.scopes import short
from sandbox.google.state import CalendarRecord, GoogleState, Grant
from sandbox.google.times import find_zone

DEFAULT_CALENDARS: list[dict[str, Any]] = [
    {"id": "ana@solclaro.example", "summary": "Ana Ribeiro"},
    {"id": "bruno@solclaro.example", "summary": "Bruno Teixeira"},
]
DEFAULT_ZONE = "America/Sao_Paulo"
_CALENDAR_KEYS = (
    "id",
    "summary",
    "time_zone",
    "primary",
    "description",
    "working_hours",
    "shared",
    "role",
    "listed",
    "events",
)
_GRANT_KEYS = ("user", "scopes", "service_account", "expires_at")


def seeded(now: datetime, seed: dict[str, Any], epoch: int) -> tuple[GoogleState, list[dict[str, Any]]]:
    """A fresh state and the events to put on it.

    Args:
        now: Aware; the calendars' first stamp.
        seed: `calendars` (a list; each may carry `events` as for /calendar/event/add), `tokens` and
            `refresh_tokens` (token to {user, scopes, service_account, expires_at}), and any of `Options`.
        epoch: Makes tokens of an earlier state worthless.

    Raises:
        ValueError: For an unknown key or a value that can't be.
    """
    state = GoogleState(epoch=epoch)
    seed = dict(seed)
    calendars = seed.pop("calendars", DEFAULT_CALENDARS)
    state.access_tokens = {token: _grant(values) for token, values in seed.pop("tokens", {}).items()}
    state.refresh_tokens = {token: _grant(values) for token, values in seed.pop("refresh_tokens", {}).items()}
    state.options.change(seed)
    events = []
    for values in calendars:
        calendar = _calendar(values)
        calendar.stamp_ms = calendar.updated_ms = state.next_stamp(now)
        state.calendars[calendar.id] = calendar
        events += [{"calendar_id": calendar.id, **event} for event in values.get("events", [])]
    return state, events


def _calendar(values: dict[str, Any]) -> CalendarRecord:
    _check_keys("calendar", values, _CALENDAR_KEYS)
    given = {name: value for name, value in values.items() if name != "events"}
    calendar = CalendarRecord(**({"summary": values["id"], "time_zone": DEFAULT_ZONE} | given))
    if find_zone(calendar.time_zone) is None:
        raise ValueError(f"time_zone is {calendar.time_zone!r}, which is no IANA zone")
    return calendar


def _grant(values: dict[str, Any]) -> Grant:
    _check_keys("token", values, _GRANT_KEYS)
    scopes, expires_at = values.get("scopes"), values.get("expires_at")
    return Grant(
        user=values["user"],
        scopes=short(" ".join(scopes)) if scopes is not None else None,
        service_account=bool(values.get("service_account", False)),
        expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
    )


def _check_keys(what: str, values: dict[str, Any], known: tuple[str, ...]) -> None:
    unknown = set(values) - set(known)
    if unknown:
        raise ValueError(f"unknown key of a Google {what} in the seed: {', '.join(sorted(unknown))}; use {', '.join(known)}")
