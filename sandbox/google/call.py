"""One call of the API, however it came in (plainly, as a POST that means GET, or as a part of a batch), and its answer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from sandbox.google import errors
from sandbox.google.times import find_zone, parse_moment

INT32_MAX = 2**31 - 1


@dataclass(frozen=True)
class Caller:
    """Who calls. `scopes` are short names ("calendar.events"); None allows everything."""

    email: str
    scopes: frozenset[str] | None = None
    service_account: bool = False


@dataclass
class Call:
    """A call of the API.

    Attributes:
        path: Still percent-encoded, so that a slash inside an id is no separator.
        query: In order, repeated names repeated.
        headers: Names in lower case.
        args: The path's placeholders, decoded; filled by the dispatcher, as is `caller`.
    """

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes = b""
    args: dict[str, str] = field(default_factory=dict)
    caller: Caller = field(default_factory=lambda: Caller(""))

    def effective(self) -> "Call":
        """The call that is meant: X-HTTP-Method-Override applied, with a GET's query taken from the form body."""
        override = self.headers.get("x-http-method-override", "").upper()
        if not override or self.method != "POST":
            return self
        if override != "GET":
            return replace(self, method=override)
        form = parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return replace(self, method="GET", query=[*self.query, *form], body=b"")

    def text(self, name: str) -> str | None:
        """The parameter's value, the last one when repeated; None when absent."""
        return next((value for key, value in reversed(self.query) if key == name), None)

    def texts(self, name: str) -> list[str]:
        return [value for key, value in self.query if key == name]

    def flag(self, name: str) -> bool | None:
        value = self.text(name)
        if value is None:
            return None
        if value not in ("true", "false"):
            raise errors.invalid_parameter(name, value, "Use true or false.")
        return value == "true"

    def integer(self, name: str, minimum: int, maximum: int = INT32_MAX) -> int | None:
        value = self.text(name)
        if value is None:
            return None
        if not value.lstrip("-").isdecimal() or not minimum <= int(value) <= maximum:
            raise errors.invalid_parameter(name, value, f"Values must be within the range: [{minimum}, {maximum}]")
        return int(value)

    def choice(self, name: str, allowed: tuple[str, ...]) -> str | None:
        value = self.text(name)
        if value is not None and value not in allowed:
            raise errors.invalid_parameter(name, value, f"Allowed values: {list(allowed)}")
        return value

    def moment(self, name: str) -> datetime | None:
        """An aware moment. Raises ApiError 400 for anything else, a time without an offset included."""
        value = self.text(name)
        if value is None:
            return None
        moment = parse_moment(value)
        if moment is None or moment.tzinfo is None:
            raise errors.bad_request(location=name)
        return moment

    def zone_name(self) -> str | None:
        """The `timeZone` parameter, checked."""
        name = self.text("timeZone")
        if name is not None and find_zone(name) is None:
            raise errors.invalid("Invalid time zone.", "timeZone")
        return name

    def object(self) -> dict[str, Any]:
        """The JSON body. Raises ApiError 400 when it is missing or no object."""
        try:
            value = json.loads(self.body) if self.body else {}
        except ValueError:
            raise errors.ApiError(400, "parseError", "Parse Error") from None
        if not isinstance(value, dict):
            raise errors.ApiError(400, "parseError", "Parse Error")
        return value

    def send_updates(self) -> str:
        """Who is to be mailed: all, externalOnly or none. The older `sendNotifications=true` means all."""
        chosen = self.choice("sendUpdates", ("all", "externalOnly", "none"))
        return chosen or ("all" if self.flag("sendNotifications") else "none")


@dataclass
class Reply:
    """An answer; `body` None means an empty one."""

    status: int = 200
    body: dict[str, Any] | None = None

    @classmethod
    def of(cls, error: errors.ApiError) -> "Reply":
        return cls(error.status, error.body())


NO_CONTENT = Reply(204)
