"""Google Calendar through google-api-python-client: events with our own ids, free/busy, and what others change.

Writes may be repeated, because every call here can be: events have ids of our choosing, changes say the whole new value or
name the version they change.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httplib2
import structlog
from googleapiclient.discovery import build

from clients.calendar_shapes import (
    CHANGE_FIELDS,
    Busy,
    CalendarChanges,
    CalendarEvent,
    Channel,
    Extra,
    Guest,
    GuestResponse,
    Invitee,
    NewEvent,
    event_time,
    guest_list,
    read_busy,
    read_channel,
    read_event,
)
from clients.errors import (
    ConflictError,
    LoginRefusedError,
    NotFoundError,
    RefusedError,
    ServiceError,
    UnreachableError,
)
from clients.google_calls import GoogleCalls
from clients.google_errors import SERVICE, GuestsForbiddenError, MeetPendingError, SyncTokenExpiredError
from clients.google_login import CredentialsFileError, Login, load_credentials
from clients.transport import RetryPolicy, attempts

__all__ = [
    "SERVICE",
    "Busy",
    "CalendarChanges",
    "CalendarClient",
    "CalendarEvent",
    "Channel",
    "CredentialsFileError",
    "Extra",
    "Guest",
    "GuestResponse",
    "Invitee",
    "NewEvent",
]
_EVENTS, _EVENT, _FREE_BUSY = "/calendars/{calendarId}/events", "/calendars/{calendarId}/events/{eventId}", "/freeBusy"
_PAGE = 1000  # events per answer of a list; Google's most is 2500
log = structlog.get_logger("clients")


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
        login = Login(load_credentials(credentials_file), timeout_s) if credentials_file else None
        self._calls = GoogleCalls(login, retry or RetryPolicy(), timeout_s=timeout_s, threads=threads)
        self._cannot: dict[str, frozenset[Extra]] = {}
        options = {"api_endpoint": f"{endpoint.rstrip('/')}/calendar/v3/"} if endpoint else None
        service = build("calendar", "v3", http=httplib2.Http(), static_discovery=True, client_options=options)
        # Resources are kept: making one rebuilds its class, dearer than the call itself.
        self._events = service.events()
        self._freebusy = service.freebusy()
        self._channels = service.channels()

    async def close(self) -> None:
        """Lets calls that are under way end (at most the time-out), then hangs up."""
        await self._calls.close()

    # Events

    def cannot(self, calendar_id: str) -> frozenset[Extra]:
        """What Google has refused us on this calendar since the start: events there are made without it."""
        return self._cannot.get(calendar_id, frozenset())

    async def insert_event(self, calendar_id: str, event: NewEvent) -> CalendarEvent:
        """Creates the event; when it exists already under this id, gives that one. Safe to repeat.

        Guests and Meet link are left out where Google refuses them: a service account without domain-wide delegation may have
        neither. The event shows what it got; `cannot` says what was found to be refused for good. A link that is still being
        made is waited for a little.

        Raises:
            ConflictError: The id is taken by an event that is not this one, or that somebody deleted.
            NotFoundError: No such calendar, or it is not shared with us.
            RefusedError: Google does not take the event, not even without guests and link.
        """
        wanted = event.extras - self.cannot(calendar_id)
        # Which part is refused shows by leaving it out: Google's words for it are no promise.
        choices = dict.fromkeys([wanted, wanted - {Extra.MEET}, wanted - {Extra.GUESTS}, frozenset[Extra]()])
        refusals: list[ServiceError] = []
        for extras in choices:
            try:
                made = await self._insert(calendar_id, event, extras)
            except (GuestsForbiddenError, RefusedError) as error:
                refusals.append(error)
                continue
            if refusals:
                self._note_refused(calendar_id, wanted - extras, refusals)
            return await self._when_meet_is_made(calendar_id, made)
        raise refusals[-1]

    async def get_event(self, calendar_id: str, event_id: str) -> CalendarEvent | None:
        """The event (also one that was deleted, marked so), None when Google knows nothing of it, or nothing of the calendar."""
        try:
            return read_event(await self._get(calendar_id, event_id))
        except NotFoundError:
            return None

    async def move_event(
        self, calendar_id: str, event_id: str, starts_at: datetime, ends_at: datetime, zone: str
    ) -> CalendarEvent:
        """Gives the event another time; id, link, guests and video call stay. Safe to repeat.

        Raises:
            NotFoundError: Somebody deleted it.
        """
        # A patch merges: without the nulls, an event that somebody made an all-day one would get a time beside its date.
        body = {"start": {**event_time(starts_at, zone), "date": None}, "end": {**event_time(ends_at, zone), "date": None}}
        patch = partial(self._events.patch, calendarId=calendar_id, eventId=event_id, body=body, sendUpdates="all")
        try:
            event = read_event(await self._calls.write("move event", _EVENT, patch))
        except LoginRefusedError:
            # Some deleted events are answered with 403 instead of 410.
            found = await self.get_event(calendar_id, event_id)
            if found is None or not found.is_cancelled:
                raise
            event = found
        if event.is_cancelled:
            raise NotFoundError(SERVICE, "move event", "the event was deleted")
        return event

    async def change_guests(
        self,
        calendar_id: str,
        event_id: str,
        *,
        invite: Sequence[Invitee] = (),
        uninvite: Collection[str] = (),
        description: str | None = None,
    ) -> CalendarEvent:
        """Adds people to the guest list and takes others (by address) off it; the rest keep their answers. Safe to repeat.

        `description` replaces the event's own in the same write: guests read it.

        Where we may not invite, the event stays as it is, see `cannot`.

        Raises:
            NotFoundError: The event is gone.
            ConflictError: Somebody changed it each time between our look and our write.
        """
        async for attempt in attempts(self._calls.retry, ConflictError):
            with attempt:
                return await self._change_guests(calendar_id, event_id, invite, uninvite, description)
        raise AssertionError("unreachable: the retry loop returns or raises")

    async def blank_event(self, calendar_id: str, event_id: str, summary: str) -> bool:
        """Leaves of an event its time and this title: no description, no guests. Nobody is told. Safe to repeat.

        Returns:
            False when it is gone, or was deleted: a deleted event can't be changed, Google forgets it by itself.
        """
        event = await self.get_event(calendar_id, event_id)
        if event is None or event.is_cancelled:
            return False
        body = {"summary": summary, "description": "", "attendees": []}
        patch = partial(self._events.patch, calendarId=calendar_id, eventId=event_id, body=body, sendUpdates="none")
        try:
            await self._calls.write("blank event", _EVENT, patch)
        except NotFoundError:
            return False
        return True

    async def delete_event(self, calendar_id: str, event_id: str) -> bool:
        """Cancels the event for everyone. Safe to repeat.

        Returns:
            False when it was gone from that calendar already, which is fine.
        """
        delete = partial(self._events.delete, calendarId=calendar_id, eventId=event_id, sendUpdates="all")
        try:
            await self._calls.write("delete event", _EVENT, delete)
        except NotFoundError:
            return False
        return True

    # Calendars

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
        answer = await self._calls.read("read free/busy", _FREE_BUSY, partial(self._freebusy.query, body=body))
        calendars = answer.get("calendars") or {}
        return {calendar_id: read_busy(calendars.get(calendar_id)) for calendar_id in calendar_ids}

    async def check_readable(self, calendar_id: str) -> None:
        """Returns when events of the calendar can be read.

        Raises:
            NotFoundError: No such calendar, or it is not shared with us.
        """
        listing = partial(self._events.list, calendarId=calendar_id, maxResults=1, fields="kind")
        await self._calls.read("look at calendar", _EVENTS, listing)

    async def changes(
        self, calendar_id: str, sync_token: str | None, time_min: datetime, *, page_size: int = _PAGE
    ) -> CalendarChanges:
        """What changed since the token was given. Repeating events come as one, with their changed occurrences beside them.

        Args:
            sync_token: From the last answer; None, or one that Google no longer takes, lists everything.
            time_min: Aware; when everything is listed, events that end before are left out.
            page_size: Events per call, at most 2500.

        Raises:
            NotFoundError: No such calendar, or it is not shared with us.
        """
        if sync_token:
            # Google speaks of 410 for a token that is too old; one it can't read at all may as well be a bad request.
            with suppress(SyncTokenExpiredError, RefusedError):
                return await self._changes(calendar_id, page_size, is_full=False, syncToken=sync_token)
            log.info("sync token not taken, everything is listed", service=SERVICE)
        return await self._changes(calendar_id, page_size, is_full=True, timeMin=time_min.astimezone(UTC).isoformat())

    async def watch(self, calendar_id: str, channel_id: str, address: str, token: str, ttl_s: int) -> Channel:
        """Opens a push channel: from now on Google posts to `address` when something changes on the calendar.

        Not safe to repeat: an id is good for one channel, ever. When the answer is lost the channel may exist all the same.

        Args:
            channel_id: New; 1 to 64 letters, digits, - and _.
            address: Where to post: https with a valid certificate.
            token: At most 256 characters; comes back with each message.
            ttl_s: Wished life in seconds; Google may shorten it.

        Raises:
            ConflictError: The id was used before.
            RefusedError: Google does not take the address.
            LoginRefusedError: We may not, or not for this address.
            OutcomeUnknownError: The answer was lost.
        """
        body = {"id": channel_id, "type": "web_hook", "address": address, "token": token, "params": {"ttl": str(ttl_s)}}
        watch = partial(self._events.watch, calendarId=calendar_id, body=body)
        answer = await self._calls.write("watch calendar", f"{_EVENTS}/watch", watch, on=UnreachableError)
        return read_channel(channel_id, answer)

    async def stop_channel(self, channel_id: str, resource_id: str) -> None:
        """Closes a push channel. One that is closed or over already is fine. Safe to repeat."""
        stop = partial(self._channels.stop, body={"id": channel_id, "resourceId": resource_id})
        with suppress(NotFoundError):
            await self._calls.write("stop channel", "/channels/stop", stop)

    # Within

    async def _insert(self, calendar_id: str, event: NewEvent, extras: frozenset[Extra]) -> CalendarEvent:
        insert = partial(
            self._events.insert,
            calendarId=calendar_id,
            body=event.body(extras),
            sendUpdates="all",
            # With 0 Google ignores the request for a link in silence.
            conferenceDataVersion=int(Extra.MEET in extras),
        )
        try:
            return read_event(await self._calls.write("create event", _EVENTS, insert))
        except ConflictError:
            found = await self._taken_by(calendar_id, event.id)
            if found is None or found.is_cancelled or dict(found.private) != dict(event.private):
                raise
            return found

    def _note_refused(self, calendar_id: str, left_out: frozenset[Extra], refusals: Sequence[ServiceError]) -> None:
        """Remembers what the account may not do. Guests may also be refused for what they are: a mistyped address."""
        is_lasting = any(isinstance(error, GuestsForbiddenError) for error in refusals)
        lasting = left_out if is_lasting else left_out - {Extra.GUESTS}
        self._cannot[calendar_id] = self.cannot(calendar_id) | lasting
        problems = sorted({error.detail for error in refusals})
        log.warning("event made without", service=SERVICE, left_out=sorted(left_out), for_good=sorted(lasting), problems=problems)

    async def _when_meet_is_made(self, calendar_id: str, event: CalendarEvent) -> CalendarEvent:
        """The event with its link, or as it was last seen when that takes too long."""
        if not event.is_meet_pending:
            return event
        seen = event
        # The event is made: trouble with reading it once more is none of the caller's.
        with suppress(ServiceError):
            async for attempt in attempts(self._calls.retry, MeetPendingError):
                with attempt:
                    seen = read_event(await self._get(calendar_id, event.id))
                    if not seen.is_meet_pending:
                        return seen
                    raise MeetPendingError(SERVICE, "make Meet link", "pending")
        return seen

    async def _change_guests(
        self,
        calendar_id: str,
        event_id: str,
        invite: Sequence[Invitee],
        uninvite: Collection[str],
        description: str | None,
    ) -> CalendarEvent:
        item = await self._get(calendar_id, event_id)
        event = read_event(item)
        if event.is_cancelled:
            raise NotFoundError(SERVICE, "change guests", "the event was deleted")
        attendees = list(item.get("attendees") or [])
        wanted = guest_list(attendees, invite, uninvite)
        if wanted == attendees or Extra.GUESTS in self.cannot(calendar_id):
            return event

        def patch() -> Any:
            body: dict[str, Any] = {"attendees": wanted}
            if description is not None:
                body["description"] = description
            request = self._events.patch(calendarId=calendar_id, eventId=event_id, body=body, sendUpdates="all")
            # The list is written as a whole: a guest's answer that came meanwhile would be lost.
            request.headers["If-Match"] = event.etag
            return request

        try:
            return read_event(await self._calls.write("change guests", _EVENT, patch))
        except GuestsForbiddenError as error:
            self._note_refused(calendar_id, frozenset({Extra.GUESTS}), [error])
            return event

    async def _get(self, calendar_id: str, event_id: str) -> dict[str, Any]:
        get = partial(self._events.get, calendarId=calendar_id, eventId=event_id)
        item: dict[str, Any] = await self._calls.read("read event", _EVENT, get)
        return item

    async def _taken_by(self, calendar_id: str, event_id: str) -> CalendarEvent | None:
        """The event that has this id. One just made may not be visible everywhere yet: "not found" is asked again."""
        get = partial(self._events.get, calendarId=calendar_id, eventId=event_id)
        try:
            return read_event(await self._calls.read("read event", _EVENT, get, on=(UnreachableError, NotFoundError)))
        except NotFoundError:
            return None

    async def _changes(self, calendar_id: str, page_size: int, *, is_full: bool, **since: str) -> CalendarChanges:
        events: list[CalendarEvent] = []
        page: dict[str, str] = {}
        while True:
            # Series stay whole: some accounts get no sync token for a list of single occurrences.
            listing = partial(
                self._events.list,
                calendarId=calendar_id,
                singleEvents=False,
                maxResults=page_size,
                fields=CHANGE_FIELDS,
                **since,
                **page,
            )
            answer = await self._calls.read("list changes", _EVENTS, listing)
            events += [read_event(item) for item in answer.get("items") or []]
            if not answer.get("nextPageToken"):
                return CalendarChanges(tuple(events), answer.get("nextSyncToken"), is_full)
            page = {"pageToken": answer["nextPageToken"]}
