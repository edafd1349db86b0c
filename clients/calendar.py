"""Google Calendar through google-api-python-client: events with our own ids, and free/busy.

The library is synchronous. Every call runs in a small thread pool whose size is our concurrency towards Google; each thread has
its own connection because a shared one corrupts. The library's own retry is off: it repeats writes blindly. Ours may, because
every call here can be repeated: events have ids of our choosing, changes say the whole new value.
"""

import asyncio
import contextlib
import contextvars
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httplib2
import structlog
from googleapiclient.discovery import build

from clients.errors import (
    ConflictError,
    LoginRefusedError,
    NotFoundError,
    OutcomeUnknownError,
    ServiceError,
    UnreachableError,
)
from clients.google_errors import SERVICE, broken_off, refused
from clients.google_login import AnswerError, AuthorizedHttp, CredentialsFileError, Login, load_credentials
from clients.transport import RetryPolicy, attempts

__all__ = ["SERVICE", "Busy", "CalendarClient", "CalendarEvent", "CredentialsFileError", "NewEvent"]
_EVENTS, _EVENT, _FREE_BUSY = "/calendars/{calendarId}/events", "/calendars/{calendarId}/events/{eventId}", "/freeBusy"
log = structlog.get_logger("clients")


@dataclass(frozen=True)
class NewEvent:
    """An event to create. Times are aware; `zone` is the IANA zone it is shown in.

    Attributes:
        id: Chosen by us: 5 to 1024 characters of a-v and 0-9, never used before in that calendar.
        private: Key to value, found again by us alone; this copy of the event only.
    """

    id: str
    summary: str
    description: str
    starts_at: datetime
    ends_at: datetime
    zone: str
    private: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CalendarEvent:
    """An event as read. Times aware UTC; None on all-day events and on cancelled ones that lost their details.

    Attributes:
        link: The page that opens the event for people with access to the calendar: for the seller, not for the customer.
        is_cancelled: Deleted by somebody (Google keeps answering for it for a while).
    """

    id: str
    etag: str
    link: str
    is_cancelled: bool
    starts_at: datetime | None
    ends_at: datetime | None
    summary: str
    private: Mapping[str, str]


@dataclass(frozen=True)
class Busy:
    """A busy interval, aware UTC, end exclusive."""

    starts_at: datetime
    ends_at: datetime


class CalendarClient:
    """The sellers' calendars, as far as one Google account may see and edit them."""

    def __init__(
        self,
        credentials_file: Path | None,
        endpoint: str | None = None,
        *,
        retry: RetryPolicy | None = None,
        timeout_s: float = 15.0,
        threads: int = 8,
    ) -> None:
        """`endpoint` replaces https://www.googleapis.com; without a credentials file calls are anonymous (sandbox only).

        Raises:
            CredentialsFileError: The file is not a service account's key nor an authorized user's.
        """
        self._login = Login(load_credentials(credentials_file), timeout_s) if credentials_file else None
        self._retry = retry or RetryPolicy()
        self._timeout_s = timeout_s
        self._pool = ThreadPoolExecutor(threads, "google-calendar")
        self._local = threading.local()
        self._connections: list[AuthorizedHttp] = []
        options = {"api_endpoint": f"{endpoint.rstrip('/')}/calendar/v3/"} if endpoint else None
        service = build("calendar", "v3", http=httplib2.Http(), static_discovery=True, client_options=options)
        # Resources are kept: making one rebuilds its class, dearer than the call itself.
        self._events = service.events()
        self._freebusy = service.freebusy()

    async def close(self) -> None:
        """Lets calls that are under way end (at most the time-out), then hangs up."""
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)
        for connection in self._connections:
            connection.close()

    async def insert_event(self, calendar_id: str, event: NewEvent) -> CalendarEvent:
        """Creates the event; when it exists already under this id, gives that one. Safe to repeat.

        Raises:
            ConflictError: The id is taken by an event that is not this one, or that somebody deleted.
            NotFoundError: No such calendar, or it is not shared with us.
        """
        body = {
            "id": event.id,
            "summary": event.summary,
            "description": event.description,
            "start": _when(event.starts_at, event.zone),
            "end": _when(event.ends_at, event.zone),
            "extendedProperties": {"private": dict(event.private)},
        }
        insert = partial(self._events.insert, calendarId=calendar_id, body=body, sendUpdates="all")
        try:
            return _event(await self._write("create event", _EVENTS, insert))
        except ConflictError:
            found = await self._taken_by(calendar_id, event.id)
            if found is None or found.is_cancelled or dict(found.private) != dict(event.private):
                raise
            return found

    async def get_event(self, calendar_id: str, event_id: str) -> CalendarEvent | None:
        """The event (also one that was deleted, marked so), None when Google knows nothing of it."""
        get = partial(self._events.get, calendarId=calendar_id, eventId=event_id)
        try:
            return _event(await self._read("read event", _EVENT, get))
        except NotFoundError:
            return None

    async def move_event(
        self, calendar_id: str, event_id: str, starts_at: datetime, ends_at: datetime, zone: str
    ) -> CalendarEvent:
        """Gives the event another time; id and link stay. Safe to repeat.

        Raises:
            NotFoundError: Somebody deleted it.
        """
        # A patch merges: without the nulls, an event that somebody made an all-day one would get a time beside its date.
        body = {"start": {**_when(starts_at, zone), "date": None}, "end": {**_when(ends_at, zone), "date": None}}
        patch = partial(self._events.patch, calendarId=calendar_id, eventId=event_id, body=body, sendUpdates="all")
        try:
            event = _event(await self._write("move event", _EVENT, patch))
        except LoginRefusedError:
            # Some deleted events are answered with 403 instead of 410.
            found = await self.get_event(calendar_id, event_id)
            if found is None or not found.is_cancelled:
                raise
            event = found
        if event.is_cancelled:
            raise NotFoundError(SERVICE, "move event", "the event was deleted")
        return event

    async def delete_event(self, calendar_id: str, event_id: str) -> None:
        """Cancels the event for everyone. One that is gone already is fine. Safe to repeat."""
        delete = partial(self._events.delete, calendarId=calendar_id, eventId=event_id, sendUpdates="all")
        with contextlib.suppress(NotFoundError):
            await self._write("delete event", _EVENT, delete)

    async def free_busy(
        self, calendar_ids: Sequence[str], starts_at: datetime, ends_at: datetime
    ) -> dict[str, list[Busy] | None]:
        """Busy intervals per calendar in that span (aware, at most 90 days); None for a calendar that can't be read.

        Google answers 200 with an error inside for such a calendar: nothing is known about it, so it is not free.
        """
        body = {
            "timeMin": starts_at.astimezone(UTC).isoformat(),
            "timeMax": ends_at.astimezone(UTC).isoformat(),
            "items": [{"id": calendar_id} for calendar_id in calendar_ids],
        }
        answer = await self._read("read free/busy", _FREE_BUSY, partial(self._freebusy.query, body=body))
        calendars = answer.get("calendars") or {}
        return {calendar_id: _busy(calendars.get(calendar_id)) for calendar_id in calendar_ids}

    async def _taken_by(self, calendar_id: str, event_id: str) -> CalendarEvent | None:
        """The event that has this id. One just made may not be visible everywhere yet: "not found" is asked again."""
        get = partial(self._events.get, calendarId=calendar_id, eventId=event_id)
        try:
            return _event(await self._call("read event", _EVENT, get, UnreachableError, (UnreachableError, NotFoundError)))
        except NotFoundError:
            return None

    async def _read(self, operation: str, path: str, make: Callable[[], Any]) -> Any:
        return await self._call(operation, path, make, UnreachableError, UnreachableError)

    async def _write(self, operation: str, path: str, make: Callable[[], Any]) -> Any:
        return await self._call(operation, path, make, OutcomeUnknownError, (UnreachableError, OutcomeUnknownError))

    async def _call(
        self,
        operation: str,
        path: str,
        make: Callable[[], Any],
        lost: type[ServiceError],
        repeated_on: type[ServiceError] | tuple[type[ServiceError], ...],
    ) -> Any:
        """Google's answer.

        Args:
            path: With names for ids, for the log.
            make: Gives a new request per attempt: executing one changes it.
            lost: What it is called when the answer is lost.
            repeated_on: The errors after which the call is repeated.
        """
        async for attempt in attempts(self._retry, repeated_on):
            with attempt:
                # As asyncio.to_thread does: the thread's log line belongs to whatever the caller works on.
                context = contextvars.copy_context()
                once = partial(context.run, self._once, operation, path, make(), lost, attempt.num)
                return await asyncio.get_running_loop().run_in_executor(self._pool, once)
        raise AssertionError("unreachable: the retry loop returns or raises")

    def _once(self, operation: str, path: str, request: Any, lost: type[ServiceError], attempt: int) -> Any:
        started = time.monotonic()
        status: int | str = "?"

        def note(response: Any) -> None:
            nonlocal status
            status = int(response.status)

        request.add_response_callback(note)
        try:
            answer = request.execute(http=self._connection(), num_retries=0)
        except AnswerError as error:
            status = error.status
            raise refused(operation, error, lost) from None
        except Exception as error:
            status = type(error).__name__
            self._hang_up()
            raise broken_off(operation, error, lost) from None
        finally:
            ms = round((time.monotonic() - started) * 1000)
            log.info("call", service=SERVICE, method=request.method, path=path, status=status, ms=ms, attempt=attempt)
        if answer and not isinstance(answer, dict):
            # Somebody in between answered for Google; the library hands on as text what is no JSON.
            raise lost(SERVICE, operation, f"status {status}, but no JSON")
        return answer

    def _connection(self) -> AuthorizedHttp:
        if not hasattr(self._local, "connection"):
            self._local.connection = AuthorizedHttp(self._login, self._timeout_s)
            self._connections.append(self._local.connection)
        connection: AuthorizedHttp = self._local.connection
        return connection

    def _hang_up(self) -> None:
        """Gives up this thread's connection: what a broken exchange left on it must not be read as the next answer."""
        connection = self._local.__dict__.pop("connection", None)
        if connection:
            self._connections.remove(connection)
            connection.close()


def _when(moment: datetime, zone: str) -> dict[str, str]:
    return {"dateTime": moment.astimezone(UTC).isoformat(), "timeZone": zone}


def _moment(value: Mapping[str, str] | None) -> datetime | None:
    text = (value or {}).get("dateTime")
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _event(item: Mapping[str, Any]) -> CalendarEvent:
    return CalendarEvent(
        id=str(item.get("id", "")),
        etag=str(item.get("etag", "")),
        link=str(item.get("htmlLink", "")),
        is_cancelled=item.get("status") == "cancelled",
        starts_at=_moment(item.get("start")),
        ends_at=_moment(item.get("end")),
        summary=str(item.get("summary", "")),
        private=dict((item.get("extendedProperties") or {}).get("private") or {}),
    )


def _busy(calendar: Mapping[str, Any] | None) -> list[Busy] | None:
    if calendar is None or calendar.get("errors"):
        return None
    return [
        Busy(datetime.fromisoformat(i["start"]).astimezone(UTC), datetime.fromisoformat(i["end"]).astimezone(UTC))
        for i in calendar.get("busy") or []
    ]
