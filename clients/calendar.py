"""Google Calendar through google-api-python-client: events with our own ids, and free/busy.

The library is synchronous. Every call runs in a small thread pool whose size is our concurrency towards Google; each thread has
its own httplib2.Http because a shared one corrupts. The library's own retry is off: it repeats writes blindly.
"""

import asyncio
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import google.auth.exceptions
import google_auth_httplib2
import httplib2
import stamina
import structlog
from google.auth.credentials import AnonymousCredentials
from google.oauth2 import credentials as user_credentials
from google.oauth2 import service_account
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from clients.errors import (
    BusyError,
    ConflictError,
    LoginRefusedError,
    NotFoundError,
    OutcomeUnknownError,
    RefusedError,
    ServiceError,
    UnreachableError,
)
from clients.transport import RetryPolicy

SERVICE = "Google Calendar"
SCOPES = ("https://www.googleapis.com/auth/calendar.events", "https://www.googleapis.com/auth/calendar.freebusy")
_RATE_REASONS = {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "calendarUsageLimitsExceeded", "dailyLimitExceeded"}
log = structlog.get_logger("clients")


class CredentialsFileError(Exception):
    """GOOGLE_CREDENTIALS_FILE can't be used; the message says why."""


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
        self._credentials = _load_credentials(credentials_file)
        self._retry = retry or RetryPolicy()
        self._timeout_s = timeout_s
        self._pool = ThreadPoolExecutor(threads, "google-calendar")
        self._local = threading.local()
        self._token_lock = threading.Lock()
        options = {"api_endpoint": f"{endpoint.rstrip('/')}/calendar/v3/"} if endpoint else None
        service = build("calendar", "v3", http=httplib2.Http(), static_discovery=True, client_options=options)
        # Resources are kept: making one rebuilds its class, dearer than the call itself.
        self._events = service.events()
        self._freebusy = service.freebusy()

    async def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

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
        try:
            request = self._events.insert(calendarId=calendar_id, body=body, sendUpdates="all")
            return _event(await self._call("create event", request, safe=True))
        except ConflictError:
            found = await self.get_event(calendar_id, event.id)
            if found is None or found.is_cancelled or dict(found.private) != dict(event.private):
                raise
            return found

    async def get_event(self, calendar_id: str, event_id: str) -> CalendarEvent | None:
        """The event (also one that was deleted, marked so), None when Google knows nothing of it."""
        try:
            request = self._events.get(calendarId=calendar_id, eventId=event_id)
            return _event(await self._call("read event", request, safe=True))
        except NotFoundError:
            return None

    async def move_event(
        self, calendar_id: str, event_id: str, starts_at: datetime, ends_at: datetime, zone: str
    ) -> CalendarEvent:
        """Gives the event another time; id and link stay. Safe to repeat.

        Raises:
            NotFoundError: Somebody deleted it.
        """
        body = {"start": _when(starts_at, zone), "end": _when(ends_at, zone)}
        request = self._events.patch(calendarId=calendar_id, eventId=event_id, body=body, sendUpdates="all")
        event = _event(await self._call("move event", request, safe=True))
        if event.is_cancelled:
            raise NotFoundError(SERVICE, "move event", "the event was deleted")
        return event

    async def delete_event(self, calendar_id: str, event_id: str) -> None:
        """Cancels the event for everyone. One that is gone already is fine. Safe to repeat."""
        try:
            request = self._events.delete(calendarId=calendar_id, eventId=event_id, sendUpdates="all")
            await self._call("delete event", request, safe=True)
        except NotFoundError:
            return

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
        answer = await self._call("read free/busy", self._freebusy.query(body=body), safe=True)
        calendars = answer.get("calendars") or {}
        return {calendar_id: _busy(calendars.get(calendar_id)) for calendar_id in calendar_ids}

    async def _call(self, operation: str, request: Any, *, safe: bool) -> Any:
        def wait_for(error: Exception) -> bool:
            repeatable = isinstance(error, UnreachableError) or (safe and isinstance(error, OutcomeUnknownError))
            return repeatable

        async for attempt in stamina.retry_context(
            on=wait_for,
            attempts=self._retry.attempts,
            timeout=self._retry.total_s,
            wait_initial=self._retry.wait_s,
            wait_max=self._retry.wait_max_s,
            wait_jitter=self._retry.wait_s,
        ):
            with attempt:
                once = partial(self._once, operation, request, attempt.num)
                return await asyncio.get_running_loop().run_in_executor(self._pool, once)
        raise AssertionError("unreachable: the retry loop returns or raises")

    def _once(self, operation: str, request: Any, attempt: int) -> Any:
        started = time.monotonic()
        status: int | str = 200
        try:
            return request.execute(http=self._thread_http(), num_retries=0)
        except HttpError as error:
            status = error.status_code
            raise _http_error(operation, error) from None
        except google.auth.exceptions.TransportError as error:
            status = type(error).__name__
            raise UnreachableError(SERVICE, operation, "no token: the login server did not answer") from None
        except google.auth.exceptions.GoogleAuthError as error:
            status = type(error).__name__
            raise LoginRefusedError(SERVICE, operation, f"{status}: is GOOGLE_CREDENTIALS_FILE still valid?") from None
        except (ConnectionRefusedError, socket.gaierror, httplib2.ServerNotFoundError, ssl.SSLError) as error:
            status = type(error).__name__
            raise UnreachableError(SERVICE, operation, status) from None
        except (OSError, http.client.HTTPException, httplib2.HttpLib2Error) as error:
            status = type(error).__name__
            raise OutcomeUnknownError(SERVICE, operation, status) from None
        finally:
            ms = round((time.monotonic() - started) * 1000)
            path = request.methodId
            log.info("call", service=SERVICE, method=request.method, path=path, status=status, ms=ms, attempt=attempt)

    def _thread_http(self) -> Any:
        self._refresh_token()
        if not hasattr(self._local, "http"):
            plain = httplib2.Http(timeout=self._timeout_s, proxy_info=None)
            plain.follow_redirects = False
            self._local.http = (
                google_auth_httplib2.AuthorizedHttp(self._credentials, http=plain) if self._credentials else plain
            )
        return self._local.http

    def _refresh_token(self) -> None:
        """One thread fetches a new token; without the lock each of them would."""
        if self._credentials is None or isinstance(self._credentials, AnonymousCredentials) or self._credentials.valid:
            return
        with self._token_lock:
            if not self._credentials.valid:
                request = google_auth_httplib2.Request(httplib2.Http(timeout=self._timeout_s, proxy_info=None))
                self._credentials.refresh(request)


def _load_credentials(path: Path | None) -> Any:
    if path is None:
        return None
    loaders: dict[str, Callable[..., Any]] = {
        "service_account": service_account.Credentials.from_service_account_info,
        "authorized_user": user_credentials.Credentials.from_authorized_user_info,
    }
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
        kind = info.get("type")
        if kind not in loaders:
            raise CredentialsFileError(
                f"{path} has type {kind!r}; it must be the key of a service account or of an authorized user."
            )
        # Scopes are named: without them the library would ask for every calendar scope there is.
        return loaders[kind](info, scopes=list(SCOPES))
    except (OSError, ValueError, AttributeError) as error:
        raise CredentialsFileError(f"{path} can't be read as Google credentials ({type(error).__name__}).") from None


def _http_error(operation: str, error: HttpError) -> ServiceError:
    status = int(error.status_code)
    details = error.error_details
    reason = str(details[0].get("reason", "")) if isinstance(details, list) and details and isinstance(details[0], dict) else ""
    what = f"status {status}{f', {reason}' if reason else ''}"
    if status == 429 or (status == 403 and reason in _RATE_REASONS):
        return BusyError(SERVICE, operation, what)
    if status == 401 or status == 403:
        return LoginRefusedError(SERVICE, operation, what)
    if status in (404, 410):
        return NotFoundError(SERVICE, operation, what)
    if status in (409, 412):
        return ConflictError(SERVICE, operation, what)
    if status >= 500 or status == 408:
        return OutcomeUnknownError(SERVICE, operation, what)
    return RefusedError(SERVICE, operation, what)


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
