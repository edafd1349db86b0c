"""What Google Calendar sends and takes, as data: events, guests, busy times, changes, channels. No call is made here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

# What of an event a list of changes needs: enough to see what was done to ours, nothing of what others' are about.
CHANGE_FIELDS = (
    "nextPageToken,nextSyncToken,items(id,etag,status,updated,sequence,start,end,transparency,recurrence,recurringEventId,"
    "organizer(email,self),attendees(email,self,responseStatus))"
)


class Extra(StrEnum):
    """What an event may have on top, and not every account may make."""

    GUESTS = "guests"
    MEET = "meet"


class GuestResponse(StrEnum):
    """A guest's answer to the invitation, in Google's words."""

    NEEDS_ACTION = "needsAction"
    DECLINED = "declined"
    TENTATIVE = "tentative"
    ACCEPTED = "accepted"


@dataclass(frozen=True)
class Invitee:
    """Somebody to invite: an address, and the name shown for it."""

    email: str
    name: str = ""


@dataclass(frozen=True)
class Guest:
    """Somebody on the guest list.

    Attributes:
        is_self: The calendar this copy of the event stands on is this guest's.
    """

    email: str
    response: GuestResponse
    is_self: bool = False

    def is_address(self, email: str | None) -> bool:
        """Whether this is the guest with that address; Google may give it back in other letters."""
        return email is not None and self.email.casefold() == email.casefold()


@dataclass(frozen=True)
class NewEvent:
    """An event to create. Times are aware; `zone` is the IANA zone it is shown in.

    Attributes:
        id: Chosen by us: 5 to 1024 characters of a-v and 0-9, never used before in that calendar.
        private: Key to value, found again by us alone; this copy of the event only.
        guests: Who is invited, by mail. They see summary and description.
        wants_meet: A Google Meet link is asked for.
    """

    id: str
    summary: str
    description: str
    starts_at: datetime
    ends_at: datetime
    zone: str
    private: Mapping[str, str] = field(default_factory=dict)
    guests: Sequence[Invitee] = ()
    wants_meet: bool = False

    @property
    def extras(self) -> frozenset[Extra]:
        wanted = {Extra.GUESTS: bool(self.guests), Extra.MEET: self.wants_meet}
        return frozenset(extra for extra, is_wanted in wanted.items() if is_wanted)

    def body(self, extras: Collection[Extra]) -> dict[str, Any]:
        """The resource, with those of the extras that are named."""
        body: dict[str, Any] = {
            "id": self.id,
            "summary": self.summary,
            "description": self.description,
            "start": event_time(self.starts_at, self.zone),
            "end": event_time(self.ends_at, self.zone),
            "extendedProperties": {"private": dict(self.private)},
        }
        if Extra.GUESTS in extras:
            body["attendees"] = [_attendee(invitee) for invitee in self.guests]
        if Extra.MEET in extras:
            # The same request id again asks for the same link: a repeated insert makes no second one.
            request = {"requestId": self.id, "conferenceSolutionKey": {"type": "hangoutsMeet"}}
            body["conferenceData"] = {"createRequest": request}
        return body


@dataclass(frozen=True)
class CalendarEvent:
    """An event as read. Times aware UTC; None on all-day events and on cancelled ones that lost their details.

    A list of changes leaves `link`, `summary`, `description`, `private` and `meet_link` empty.

    Attributes:
        link: The page that opens the event for people with access to the calendar: for the seller, not for the customer.
        is_cancelled: Deleted by somebody (Google keeps answering for it for a while).
        starts_on: First day of an all-day event, in the calendar's zone; None on timed ones.
        ends_on: The day after its last.
        sequence: How often its time was changed, as far as guests were concerned.
        updated_at: Last change of anything but reminders; None on cancelled ones that lost their details.
        guests: In Google's order; empty without guests.
        series_id: The repeating event this is one occurrence of, else empty.
        is_recurring: It repeats, or is one occurrence of what repeats.
        is_transparent: It does not block time ("free").
        organizer: Address of the calendar it belongs to, empty when not told.
        is_organized_here: It belongs to the calendar it was read from, which is no guest's copy.
        meet_link: Where its video call is held, empty without one.
        is_meet_pending: The link is still being made; it comes as a further change of the event.
    """

    id: str
    etag: str
    link: str
    is_cancelled: bool
    starts_at: datetime | None
    ends_at: datetime | None
    summary: str
    private: Mapping[str, str]
    starts_on: date | None = None
    ends_on: date | None = None
    sequence: int = 0
    updated_at: datetime | None = None
    guests: tuple[Guest, ...] = ()
    series_id: str = ""
    is_recurring: bool = False
    is_transparent: bool = False
    organizer: str = ""
    is_organized_here: bool = False
    meet_link: str = ""
    is_meet_pending: bool = False
    description: str = ""

    @property
    def is_all_day(self) -> bool:
        return self.starts_on is not None

    @property
    def own_response(self) -> GuestResponse | None:
        """What the calendar's owner answered, None when the owner is no guest (an organizer usually is none)."""
        return next((guest.response for guest in self.guests if guest.is_self), None)


@dataclass(frozen=True)
class CalendarChanges:
    """What happened on a calendar.

    Attributes:
        events: Everybody's, each as it is now; deleted ones may have lost everything but their id.
        next_sync_token: What to ask with next time. None when Google gave none: ask for everything again.
        is_full: These are all events from a moment on, without the deleted ones: what is missing is gone, or over.
    """

    events: tuple[CalendarEvent, ...]
    next_sync_token: str | None
    is_full: bool


@dataclass(frozen=True)
class Channel:
    """A push channel that Google opened.

    Attributes:
        resource_id: Google's name for what is watched; a channel can't be stopped without it.
        expires_at: Aware UTC, None when Google did not say.
    """

    id: str
    resource_id: str
    expires_at: datetime | None


@dataclass(frozen=True)
class Busy:
    """A busy interval, aware UTC, end exclusive."""

    starts_at: datetime
    ends_at: datetime


def event_time(moment: datetime, zone: str) -> dict[str, str]:
    return {"dateTime": moment.astimezone(UTC).isoformat(), "timeZone": zone}


def read_event(item: Mapping[str, Any]) -> CalendarEvent:
    start, end, organizer = item.get("start") or {}, item.get("end") or {}, item.get("organizer") or {}
    series_id = str(item.get("recurringEventId") or "")
    return CalendarEvent(
        id=str(item.get("id", "")),
        etag=str(item.get("etag", "")),
        link=str(item.get("htmlLink", "")),
        is_cancelled=item.get("status") == "cancelled",
        starts_at=_moment(start.get("dateTime")),
        ends_at=_moment(end.get("dateTime")),
        summary=str(item.get("summary", "")),
        private=dict((item.get("extendedProperties") or {}).get("private") or {}),
        starts_on=_day(start.get("date")),
        ends_on=_day(end.get("date")),
        sequence=int(item.get("sequence") or 0),
        updated_at=_moment(item.get("updated")),
        guests=tuple(_guest(attendee) for attendee in item.get("attendees") or []),
        series_id=series_id,
        is_recurring=bool(series_id or item.get("recurrence")),
        is_transparent=item.get("transparency") == "transparent",
        organizer=str(organizer.get("email") or ""),
        is_organized_here=bool(organizer.get("self")),
        meet_link=_video_link(item),
        is_meet_pending=_conference_status(item) == "pending",
        description=str(item.get("description", "")),
    )


def read_busy(calendar: Mapping[str, Any] | None) -> list[Busy] | None:
    """One calendar's part of a free/busy answer; None when it could not be read."""
    if calendar is None or calendar.get("errors"):
        return None
    return [
        Busy(datetime.fromisoformat(i["start"]).astimezone(UTC), datetime.fromisoformat(i["end"]).astimezone(UTC))
        for i in calendar.get("busy") or []
    ]


def read_channel(channel_id: str, answer: Mapping[str, Any]) -> Channel:
    expires_ms = str(answer.get("expiration") or "")
    expires_at = datetime.fromtimestamp(int(expires_ms) / 1000, UTC) if expires_ms.isdecimal() else None
    return Channel(channel_id, str(answer.get("resourceId") or ""), expires_at)


def guest_list(
    attendees: Sequence[Mapping[str, Any]], invite: Sequence[Invitee], uninvite: Collection[str]
) -> list[dict[str, Any]]:
    """The guest list with some more and some fewer people; everybody else's entry, answer included, stays as it is."""
    unwanted = {email.casefold() for email in uninvite}
    kept = [dict(guest) for guest in attendees if _address(guest) not in unwanted]
    known = {_address(guest) for guest in kept}
    new = {invitee.email.casefold(): _attendee(invitee) for invitee in invite}
    return kept + [attendee for address, attendee in new.items() if address not in known | unwanted]


def _address(attendee: Mapping[str, Any]) -> str:
    return str(attendee.get("email") or "").casefold()


def _attendee(invitee: Invitee) -> dict[str, str]:
    return {"email": invitee.email} | ({"displayName": invitee.name} if invitee.name else {})


def _guest(attendee: Mapping[str, Any]) -> Guest:
    answer = attendee.get("responseStatus")
    response = GuestResponse(answer) if answer in set(GuestResponse) else GuestResponse.NEEDS_ACTION
    return Guest(str(attendee.get("email") or ""), response, bool(attendee.get("self")))


def _video_link(item: Mapping[str, Any]) -> str:
    entries = (item.get("conferenceData") or {}).get("entryPoints") or []
    links = [entry.get("uri") for entry in entries if entry.get("entryPointType") == "video"]
    return str(item.get("hangoutLink") or next(iter(links), "") or "")


def _conference_status(item: Mapping[str, Any]) -> str | None:
    request = (item.get("conferenceData") or {}).get("createRequest") or {}
    status: str | None = (request.get("status") or {}).get("statusCode")
    return status


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
