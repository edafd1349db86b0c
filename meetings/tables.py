"""The records we keep. Times are aware UTC; phones are E.164; ids are ours unless their name says whose they are."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, DateTime, ForeignKey, Index, String, Text, TypeDecorator, UniqueConstraint
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python whatever the database keeps (SQLite forgets the zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without a zone can't be stored")
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Table(DeclarativeBase):
    """Base of all records."""

    type_annotation_map = {datetime: UtcDateTime(), dict[str, Any]: JSON(), str: Text()}  # noqa: RUF012 (SQLAlchemy's own form)


class MeetingStatus(StrEnum):
    """What the owner tracks; the very words written to the lead's meeting_status."""

    SCHEDULED = "scheduled"
    COMPLETED = "completed"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"


class MeetingPhase(StrEnum):
    """Whether a row is a meeting yet.

    held: the time is reserved with us, the event's outcome is not known. booked: the event exists or existed.
    released: it never became a meeting (the time was taken, the calendar refused).
    """

    HELD = "held"
    BOOKED = "booked"
    RELEASED = "released"


class Author(StrEnum):
    CUSTOMER = "customer"
    AGENT = "agent"
    SELLER = "seller"
    SYSTEM = "system"


class MessageState(StrEnum):
    """Incoming: new, answered, seen (needs no answer). Outgoing: pending, sending, sent, delivered, read, failed."""

    NEW = "new"
    ANSWERED = "answered"
    SEEN = "seen"
    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


class Customer(Table):
    """A person who writes to us. `match_key` is the same with and without Brazil's ninth digit.

    `former_phone`: the number they wrote from before, until Kommo's contact has the new one.
    """

    __tablename__ = "customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    phone: Mapped[str | None] = mapped_column(String(20))
    match_key: Mapped[str | None] = mapped_column(String(20), unique=True)
    former_phone: Mapped[str | None] = mapped_column(String(20))
    jid: Mapped[str] = mapped_column(String(80))
    lid: Mapped[str | None] = mapped_column(String(80), unique=True)
    name: Mapped[str | None]
    locale: Mapped[str | None] = mapped_column(String(8))
    kommo_contact_id: Mapped[int | None]
    kommo_lead_id: Mapped[int | None] = mapped_column(index=True)
    kommo_user_id: Mapped[int | None]
    introduced_at: Mapped[datetime | None]
    paused_until: Mapped[datetime | None]
    pause_source: Mapped[str | None] = mapped_column(String(12))
    handed_off_at: Mapped[datetime | None]
    handoff_reason: Mapped[str | None]
    handoff_task_id: Mapped[int | None]
    opted_out_at: Mapped[datetime | None]
    not_qualified_at: Mapped[datetime | None]
    turn_attempts: Mapped[int] = mapped_column(default=0)
    superseded: Mapped[int] = mapped_column(default=0)
    next_turn_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Message(Table):
    """One WhatsApp message, in or out. `key` names an outgoing message before it is sent, so it is sent once."""

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("customer_id", "vendor_id"),
        Index("message_by_customer", "customer_id", "id"),
        Index("message_by_state", "state", "author"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    author: Mapped[Author] = mapped_column(String(16))
    vendor_id: Mapped[str | None] = mapped_column(String(80), index=True)
    key: Mapped[str | None] = mapped_column(String(120), unique=True)
    kind: Mapped[str] = mapped_column(String(16), default="text")
    text: Mapped[str]
    state: Mapped[MessageState] = mapped_column(String(16))
    sent_at: Mapped[datetime]
    stored_at: Mapped[datetime]
    turn_id: Mapped[str | None] = mapped_column(String(120), index=True)
    meeting_id: Mapped[int | None] = mapped_column(ForeignKey("meeting.id"), index=True)
    send_started_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str | None]


class Answer(Table):
    """One qualification criterion with its evidence: the customer's words and their message, or none when it stood on the lead.

    `on_lead`: Kommo has it, in the mapped field or in a note.
    """

    __tablename__ = "answer"
    __table_args__ = (UniqueConstraint("customer_id", "criterion"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    criterion: Mapped[str] = mapped_column(String(60))
    value: Mapped[str]
    qualifies: Mapped[bool]
    quote: Mapped[str]
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    on_lead: Mapped[bool] = mapped_column(default=False)
    recorded_at: Mapped[datetime]


class Offer(Table):
    """A time that was offered to a customer under a number. Only offered times can be booked.

    `repeated_back_in` is the turn in which a choice made by voice was repeated to the customer for a yes.
    """

    __tablename__ = "offer"
    __table_args__ = (UniqueConstraint("customer_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    number: Mapped[int]
    kommo_user_id: Mapped[int]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    turn_id: Mapped[str] = mapped_column(String(120))
    repeated_back_in: Mapped[str | None] = mapped_column(String(120))
    offered_at: Mapped[datetime]


class Meeting(Table):
    """A meeting and how far its effects have come.

    `revision` counts changes; `event_rev`, `task_rev`, `lead_rev`, `notice_rev` say up to which revision the calendar
    event, the Kommo task, the lead's fields and the customer's notice have been carried out and seen. While one of them is
    behind, the meeting is unsettled and its workflow goes on.
    """

    __tablename__ = "meeting"
    __table_args__ = (Index("meeting_by_time", "calendar_id", "starts_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    kommo_lead_id: Mapped[int | None] = mapped_column(index=True)
    kommo_user_id: Mapped[int]
    calendar_id: Mapped[str]
    event_id: Mapped[str] = mapped_column(String(64), unique=True)
    generation: Mapped[int] = mapped_column(default=1)
    link: Mapped[str | None]
    kommo_task_id: Mapped[int | None] = mapped_column(index=True)
    task_tried: Mapped[bool] = mapped_column(default=False)
    phase: Mapped[MeetingPhase] = mapped_column(String(16))
    status: Mapped[MeetingStatus] = mapped_column(String(16))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    revision: Mapped[int] = mapped_column(default=1)
    event_rev: Mapped[int] = mapped_column(default=0)
    task_rev: Mapped[int] = mapped_column(default=0)
    lead_rev: Mapped[int] = mapped_column(default=0)
    notice_rev: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None]
    problem: Mapped[str | None]
    booked_in_turn: Mapped[str | None] = mapped_column(String(120))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @property
    def settled(self) -> bool:
        """True when calendar, task, lead and customer all have the newest revision."""
        return min(self.event_rev, self.task_rev, self.lead_rev, self.notice_rev) >= self.revision


class Change(Table):
    """One line per revision of a meeting: what changed, who did it, where it was seen, when.

    `source` is where it was done: task, lead, event, conversation or system; `hint` says it in plain words.
    """

    __tablename__ = "change"
    __table_args__ = (UniqueConstraint("meeting_id", "revision"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id"))
    revision: Mapped[int]
    what: Mapped[str] = mapped_column(String(24))
    by: Mapped[str] = mapped_column(String(16))
    source: Mapped[str] = mapped_column(String(16))
    hint: Mapped[str]
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class Webhook(Table):
    """A webhook body as it came, without secrets; stored before it is answered 200."""

    __tablename__ = "webhook"

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(16))
    event: Mapped[str] = mapped_column(String(60))
    body: Mapped[str]
    outcome: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None]
    stored_at: Mapped[datetime] = mapped_column(index=True)


class Hint(Table):
    """A task or lead somebody touched in Kommo: to be looked at. `done_at` is set when the look is over."""

    __tablename__ = "hint"
    __table_args__ = (Index("hint_open", "done_at", "next_try_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.id"))
    entity: Mapped[str] = mapped_column(String(8))
    entity_id: Mapped[int]
    action: Mapped[str] = mapped_column(String(16))
    kommo_lead_id: Mapped[int | None]
    stored_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(40))


class Turn(Table):
    """One answer to a customer: how it ended and what it cost. Tokens are those the provider counted."""

    __tablename__ = "turn"

    id: Mapped[str] = mapped_column(String(120), primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(24))
    model: Mapped[str | None]
    model_calls: Mapped[int] = mapped_column(default=0)
    input_tokens: Mapped[int] = mapped_column(default=0)
    cached_tokens: Mapped[int] = mapped_column(default=0)
    output_tokens: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
