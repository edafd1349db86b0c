"""What the imitated Google remembers: calendars with their events, channels, tokens, mails, options."""

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any
from uuid import UUID

# Names that Google would make up are derived from this, so that two runs make the same ones.
ID_NAMESPACE = UUID("6d617263-6164-4f00-8000-676f6f676c65")
MEET = "hangoutsMeet"
DEFAULT_REMINDERS = [{"method": "popup", "minutes": 10}]


@dataclass
class Options:
    """How strict and how slow this Google is. Every field is a key of the seed and of POST /_sandbox/calendar/options.

    Attributes:
        user: Whose calls those are that carry no token we issued.
        require_token: Refuse (401) calls without a token that was issued here or stands in the seed.
        service_account: Such calls come from a service account nobody delegated to: no guests, no Meet.
        delegation: Service accounts may act for a user (`sub` in their assertion).
        allow_http_channels: Plain http is accepted for push addresses on 127.0.0.1, ::1 and localhost.
        conference_pending_reads: How many reads still find a new Meet link pending; 0 makes it at once.
        conference_outcome: How creation ends: "success" or "failure".
        deleted_write: What a patch or update of a deleted event meets: "gone" (410), "forbidden" (403) or "allow".
        move_keeps_private: A moved event keeps its private extended properties (not documented either way).
        declined_blocks: An invitation the calendar's owner declined still counts as busy.
    """

    user: str = "ana@solclaro.example"
    require_token: bool = False
    service_account: bool = False
    delegation: bool = True
    allow_http_channels: bool = True
    conference_pending_reads: int = 0
    conference_outcome: str = "success"
    deleted_write: str = "gone"
    move_keeps_private: bool = True
    declined_blocks: bool = False

    def change(self, values: dict[str, Any]) -> None:
        """Sets the given fields. Raises ValueError for an unknown name, a wrong type or a value outside its list."""
        choices = {"conference_outcome": ("success", "failure"), "deleted_write": ("gone", "forbidden", "allow")}
        known = {item.name for item in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"unknown Google option {name!r}; use one of {', '.join(sorted(known))}")
            expected = type(getattr(self, name))
            if type(value) is not expected:
                raise ValueError(f"Google option {name} is {value!r}; it takes a {expected.__name__}")
            if name in choices and value not in choices[name]:
                raise ValueError(f"Google option {name} is {value!r}; use one of {', '.join(choices[name])}")
        for name, value in values.items():
            setattr(self, name, value)


@dataclass
class EventRecord:
    """One event on one calendar. A guest with a calendar here has a record of their own.

    Attributes:
        number: Order of appearance among all events; also the key of unordered listings.
        origin: Number of the first record of this event. Copies and moves share it; equal ids need not mean one event.
        fields: The resource's own fields, checked, times in the inside form of `times`; no server-made ones.
        organizer: At least `{"email": …}`.
        stamp_ms: Moment of the last write of any kind; the etag is made from it. Unique per state.
        updated_ms: Moment of the last write that was more than reminders.
        version: The state's version at the last write, which sync tokens are compared with.
        stub: Only the id may be shown (what a move leaves behind).
        removed: A guest deleted their copy: it stays away whatever the organizer does.
        meet_reads_left: Reads that still find the conference pending; None when none is being made.
    """

    id: str
    number: int
    origin: int
    ical_uid: str
    created_ms: int
    creator: str
    organizer: dict[str, str]
    fields: dict[str, Any]
    sequence: int = 0
    stamp_ms: int = 0
    updated_ms: int = 0
    version: int = 0
    stub: bool = False
    removed: bool = False
    meet_reads_left: int | None = None

    @property
    def status(self) -> str:
        return str(self.fields.get("status", "confirmed"))

    @property
    def is_cancelled(self) -> bool:
        return self.status == "cancelled"

    @property
    def etag(self) -> str:
        # Twice the microseconds, in quotes: the pattern of real etags. Clients must not rely on it.
        return f'"{self.stamp_ms * 2000}"'

    def attendee(self, email: str) -> dict[str, Any] | None:
        """The guest's own entry, or None."""
        wanted = email.lower()
        guests: list[dict[str, Any]] = self.fields.get("attendees", [])
        return next((guest for guest in guests if guest["email"].lower() == wanted), None)


@dataclass
class CalendarRecord:
    """A calendar and how the caller sees it.

    Attributes:
        primary: It is a person's own calendar, its id their address.
        shared: False makes it invisible to every caller (404, and `notFound` in free/busy).
        role: What callers other than its owner may do: reader, writer or owner.
        sync_generation: Rises when old sync tokens stop working.
        listed: It stands in the caller's calendar list.
    """

    id: str
    summary: str
    time_zone: str
    primary: bool = True
    description: str | None = None
    location: str | None = None
    working_hours: dict[str, Any] | None = None
    shared: bool = True
    role: str = "writer"
    sync_generation: int = 0
    listed: bool = True
    list_fields: dict[str, Any] = field(default_factory=dict)
    stamp_ms: int = 0
    updated_ms: int = 0
    events: dict[str, EventRecord] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        return f'"{self.stamp_ms * 2000}"'


@dataclass
class Channel:
    """A push channel. `expires_ms` is Unix milliseconds; `messages` counts those sent, `sync` included."""

    id: str
    resource_id: str
    resource_uri: str
    calendar_id: str
    address: str
    expires_ms: int
    owner: str
    token: str | None = None
    event_types: tuple[str, ...] = ()
    messages: int = 0


@dataclass
class Grant:
    """What a token allows. `scopes` are short names ("calendar.events"); None allows everything."""

    user: str
    scopes: tuple[str, ...] | None = None
    service_account: bool = False
    expires_at: datetime | None = None
    issued: bool = False


@dataclass
class GoogleState:
    """Everything a call may change."""

    options: Options = field(default_factory=Options)
    calendars: dict[str, CalendarRecord] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    used_channel_ids: set[str] = field(default_factory=set)
    notifications: list[dict[str, Any]] = field(default_factory=list)
    access_tokens: dict[str, Grant] = field(default_factory=dict)
    refresh_tokens: dict[str, Grant] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    epoch: int = 0
    version: int = 0
    last_number: int = 0
    stamps: set[int] = field(default_factory=set)
    last_at: dict[int, int] = field(default_factory=dict)

    def next_number(self) -> int:
        self.last_number += 1
        return self.last_number

    def next_stamp(self, now: datetime) -> int:
        """A millisecond nobody had before, at or just after `now`: two writes in a standing clock still differ."""
        now_ms = int(now.timestamp() * 1000)
        stamp = self.last_at.get(now_ms, now_ms - 1) + 1
        while stamp in self.stamps:
            stamp += 1
        self.stamps.add(stamp)
        self.last_at[now_ms] = stamp
        return stamp
