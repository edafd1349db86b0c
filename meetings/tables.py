"""The records we keep. Times are aware UTC; phones are E.164; ids are ours unless their name says whose they are."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    DateTime,
    ForeignKey,
    Index,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    or_,
)
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

    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy's own form)
        datetime: UtcDateTime(),
        dict[str, Any]: JSON(),
        list[dict[str, Any]]: JSON(),
        str: Text(),
    }


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


# The problem of a message of ours that was sent again although nobody could tell whether the first attempt had got through.
SENT_BLINDLY = "perhaps sent twice"


class Proof(StrEnum):
    """How it stands with the proof that a customer got a message that matters.

    awaited: not yet. proven: WhatsApp acknowledged it, or the customer wrote afterwards. other_form: sent once more, to the other
    form of the number; that message has the proof. seller_told: it never came, a seller knows. overtaken: no longer true.
    """

    AWAITED = "awaited"
    PROVEN = "proven"
    OTHER_FORM = "other form"
    SELLER_TOLD = "seller told"
    OVERTAKEN = "overtaken"


TAKEN_BACK = "taken back"  # the problem of a customer's message that they deleted before it was answered


class Customer(Table):
    """A person who writes to us.

    `match_key` is the same with and without Brazil's ninth digit. `pause_source` is person, hand-off, tag or operator.
    `resumed` counts how often messages that a pause had left to a person were given back to the agent. `former_phone`: the number
    they wrote from before, until Kommo's contact has the new one. `lead_made_with`: the responsible user that Kommo gave the lead
    when we made it, as long as nobody has chosen another. `crm_due_at`: when lead and answers that Kommo did not
    take with the turn are tried again; they wait since `crm_since`.
    """

    __tablename__ = "customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    phone: Mapped[str | None] = mapped_column(String(20))
    match_key: Mapped[str | None] = mapped_column(String(20), unique=True)
    former_phone: Mapped[str | None] = mapped_column(String(20))
    jid: Mapped[str] = mapped_column(String(80))
    lid: Mapped[str | None] = mapped_column(String(80), unique=True)
    name: Mapped[str | None]
    email: Mapped[str | None] = mapped_column(String(254))
    locale: Mapped[str | None] = mapped_column(String(8))
    kommo_contact_id: Mapped[int | None]
    kommo_lead_id: Mapped[int | None] = mapped_column(index=True)
    kommo_user_id: Mapped[int | None]
    lead_made_with: Mapped[int | None]
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
    resumed: Mapped[int] = mapped_column(default=0, server_default="0")
    next_turn_at: Mapped[datetime | None]
    crm_due_at: Mapped[datetime | None] = mapped_column(index=True)
    crm_since: Mapped[datetime | None]
    crm_attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime]


class Message(Table):
    """One WhatsApp message, in or out. `key` names an outgoing message before it is sent, so it is sent once.

    `quoted_id` is WhatsApp's id of the message that this one answers, when the customer marked one. `address` is where an
    outgoing message goes when that is not the customer's chat, `sent_to` where it really went. `proof` is None for
    messages that need none; it is looked at again at `proof_due_at`.
    """

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
    quoted_id: Mapped[str | None] = mapped_column(String(80))
    turn_id: Mapped[str | None] = mapped_column(String(120), index=True)
    meeting_id: Mapped[int | None] = mapped_column(ForeignKey("meeting.id"), index=True)
    send_started_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str | None]
    address: Mapped[str | None] = mapped_column(String(80))
    sent_to: Mapped[str | None] = mapped_column(String(80))
    proof: Mapped[Proof | None] = mapped_column(String(16), index=True)
    proof_due_at: Mapped[datetime | None]
    proof_tries: Mapped[int] = mapped_column(default=0, server_default="0")
    proof_task_id: Mapped[int | None]


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
    """A time that was offered to a customer under a number. Only offered times can be booked."""

    __tablename__ = "offer"
    __table_args__ = (UniqueConstraint("customer_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    number: Mapped[int]
    kommo_user_id: Mapped[int]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    turn_id: Mapped[str] = mapped_column(String(120))
    offered_at: Mapped[datetime]


class Meeting(Table):
    """A meeting and how far its effects have come.

    `revision` counts changes; `event_rev`, `task_rev`, `lead_rev`, `notice_rev` say up to which revision the calendar
    event, the Kommo task, the lead's fields and the customer's notice have been carried out and seen. While one of them is
    behind, the meeting is unsettled and its workflow goes on. `touch_rev` says for which revision the touches (reminders and
    the like) were planned. `confirmed_for` is the start to which the customer said yes: after a move it is not the meeting's own.

    `shown` is what task, lead and event showed when we last wrote or accepted it: the base that tells somebody's change from
    our own write still to come. `told` is what the customer was last told (a snapshot), None before the confirmation.
    `wish` is an act of the seller that can still be taken back (`what`, `since`); at `look_at` everything is read again.
    `link` is the seller's page of the event; `meet_link` its video call. `guest_email` is the address that was invited.
    `old_events` are events on calendars of earlier sellers, still to be deleted (`calendar_id`, `event_id`).
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
    meet_link: Mapped[str | None]
    guest_email: Mapped[str | None] = mapped_column(String(254))
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
    touch_rev: Mapped[int] = mapped_column(default=0, server_default="0")
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None]
    problem: Mapped[str | None]
    confirmed_at: Mapped[datetime | None]
    confirmed_for: Mapped[datetime | None]
    booked_in_turn: Mapped[str | None] = mapped_column(String(120))
    shown: Mapped[dict[str, Any] | None]
    told: Mapped[dict[str, Any] | None]
    wish: Mapped[dict[str, Any] | None]
    look_at: Mapped[datetime | None] = mapped_column(index=True)
    old_events: Mapped[list[dict[str, Any]] | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @property
    def settled(self) -> bool:
        """True when calendar, task, lead and customer all have the newest revision."""
        return min(self.event_rev, self.task_rev, self.lead_rev, self.notice_rev) >= self.revision

    @classmethod
    def is_behind(cls) -> ColumnElement[bool]:
        """The opposite of `settled`, as a condition on rows."""
        return or_(*(done < cls.revision for done in (cls.event_rev, cls.task_rev, cls.lead_rev, cls.notice_rev)))

    @property
    def confirmed(self) -> bool:
        """True when the customer said yes to the time at which the meeting now stands."""
        return self.confirmed_for is not None and self.confirmed_for == self.starts_at


class Change(Table):
    """One line per revision of a meeting: what changed, who did it, where it was seen, when.

    `source` is where it was done: task, lead, event, conversation or system. `hint` is a key of the catalogue `story`, which
    says it in plain words.
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


class Worker(Table):
    """A process that serves this database, on PostgreSQL. `seen_at` is when it last said so, by the database's clock."""

    __tablename__ = "worker"

    executor_id: Mapped[str] = mapped_column(String(120), primary_key=True)
    seen_at: Mapped[datetime]


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
    """Something to be looked at; `done_at` is set when the look is over.

    A task or lead that somebody touched in Kommo (`entity_id` is Kommo's), or the event of one of our meetings on the calendar
    (entity "event", `entity_id` is the meeting's). `webhook_id` is None when it came from a poll. `task_type` and `kommo_lead_id`
    are a task's, as far as the webhook told; `customer_id` is whom a task made by hand is about, once that is found out.
    """

    __tablename__ = "hint"
    __table_args__ = (Index("hint_open", "done_at", "next_try_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    webhook_id: Mapped[int | None] = mapped_column(ForeignKey("webhook.id"))
    entity: Mapped[str] = mapped_column(String(8))
    entity_id: Mapped[int]
    action: Mapped[str] = mapped_column(String(16))
    kommo_lead_id: Mapped[int | None]
    task_type: Mapped[int | None]
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id", name="hint_customer"))
    stored_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(40))
    problem: Mapped[str | None]


class EarlyEdit(Table):
    """The new text of a message that has not come yet; empty for one that was deleted. Gone as soon as the message is here."""

    __tablename__ = "early_edit"

    vendor_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    text: Mapped[str]
    stored_at: Mapped[datetime] = mapped_column(index=True)


class Bookmark(Table):
    """How far a periodic look has come: what was before `at` has been seen."""

    __tablename__ = "bookmark"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    at: Mapped[datetime]


class Breaker(Table):
    """Whether something is held back until a person lets it go on; see `meetings/breaker.py`.

    `refusals` counts those in a row; `stopped_at` is None while nothing is held back.
    """

    __tablename__ = "breaker"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    refusals: Mapped[int] = mapped_column(default=0)
    stopped_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(200))


class CrmNote(Table):
    """A note for a lead's feed. Notes of several leads are written in one call, so that an act costs no call of its own.

    `tried`: a call that may have written it was begun; the lead's feed is looked through before another.
    """

    __tablename__ = "crm_note"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True)
    kommo_lead_id: Mapped[int]
    meeting_id: Mapped[int | None] = mapped_column(ForeignKey("meeting.id"), index=True)
    text: Mapped[str]
    tried: Mapped[bool] = mapped_column(default=False)
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime] = mapped_column(index=True)
    written_at: Mapped[datetime | None]
    problem: Mapped[str | None]
    stored_at: Mapped[datetime]


class CalendarFeed(Table):
    """How far a seller's calendar has been followed. Nothing of other people's events is kept.

    `sync_token` is Google's mark for what we have seen, `polled_at` when that was. `nudged_at` is the first push message since
    the last look. `problem` says why the calendar can't be read, `push_problem` why nobody announces its changes.
    """

    __tablename__ = "calendar_feed"

    id: Mapped[int] = mapped_column(primary_key=True)
    calendar_id: Mapped[str] = mapped_column(unique=True)
    sync_token: Mapped[str | None]
    polled_at: Mapped[datetime | None]
    nudged_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None]
    problem: Mapped[str | None]
    push_attempts: Mapped[int] = mapped_column(default=0)
    push_next_try_at: Mapped[datetime | None]
    push_problem: Mapped[str | None]


class CalendarChannel(Table):
    """A push channel at Google, noted before it is asked for: its messages may come before the answer, or instead of it.

    `opened_with` is a fingerprint of address and secret; a channel opened with others is of no use any more. `resource_id` is
    Google's, from its answer or its first message; `heard_at` is when that message came.
    """

    __tablename__ = "calendar_channel"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    calendar_id: Mapped[str] = mapped_column(index=True)
    opened_with: Mapped[str] = mapped_column(String(64))
    resource_id: Mapped[str | None]
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    heard_at: Mapped[datetime | None]


class TouchKind(StrEnum):
    """What we do around a meeting of our own accord.

    reminder: to the customer, before it. confirmed: a note on the lead that the customer said yes. follow_up: the seller is asked
    how it went. rebook: the customer is offered times because the seller wants to meet anew. rescue: a later word to a customer
    who did not come.
    """

    REMINDER = "reminder"
    CONFIRMED = "confirmed"
    FOLLOW_UP = "follow_up"
    REBOOK = "rebook"
    RESCUE = "rescue"


class Touch(Table):
    """One thing to do around a meeting at its time, once. Planned ahead; at its time everything is read again.

    `key` names it and its message for ever. `starts_at` is the start of the meeting it was planned for; `step` its minutes or
    hours in the business file, of a follow-up 2 when it is asked once more. After `useful_until` it is left undone. `runs`
    counts looks at it, `attempts` failures in a row. A follow-up stays open after the question (`asked_at`) until the outcome is
    known.
    """

    __tablename__ = "touch"
    __table_args__ = (Index("touch_open", "done_at", "due_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id"), index=True)
    kind: Mapped[TouchKind] = mapped_column(String(16))
    key: Mapped[str] = mapped_column(String(120), unique=True)
    step: Mapped[int] = mapped_column(default=0)
    starts_at: Mapped[datetime]
    due_at: Mapped[datetime]
    useful_until: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    kommo_task_id: Mapped[int | None] = mapped_column(index=True)
    runs: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str | None]
    done_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(40))


class SellerMessage(Table):
    """One WhatsApp message between us and a seller's own number, in or out (author seller or system).

    `touch_id` is the question that it asks or answers, `answer` what an answer was understood as, `applied_at` when the meeting
    took it. An answer is `assigned` to its question once, in the order of arrival.
    """

    __tablename__ = "seller_message"
    __table_args__ = (
        UniqueConstraint("kommo_user_id", "vendor_id"),
        Index("seller_message_by_state", "state", "author"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kommo_user_id: Mapped[int]
    author: Mapped[Author] = mapped_column(String(16))
    vendor_id: Mapped[str | None] = mapped_column(String(80), index=True)
    key: Mapped[str | None] = mapped_column(String(120), unique=True)
    lid: Mapped[str | None] = mapped_column(String(80), index=True)
    text: Mapped[str]
    state: Mapped[MessageState] = mapped_column(String(16))
    quoted_id: Mapped[str | None] = mapped_column(String(80))
    touch_id: Mapped[int | None] = mapped_column(ForeignKey("touch.id"), index=True)
    assigned: Mapped[bool] = mapped_column(default=False)
    answer: Mapped[str | None] = mapped_column(String(16))
    applied_at: Mapped[datetime | None]
    sent_at: Mapped[datetime]
    stored_at: Mapped[datetime]
    send_started_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None]
    problem: Mapped[str | None]


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
    problem: Mapped[str | None]


class PanelLogout(Table):
    """A session of the panel that was ended before its time. `session` is a hash of its id; after `until` it has ended anyway."""

    __tablename__ = "panel_logout"

    session: Mapped[str] = mapped_column(String(64), primary_key=True)
    until: Mapped[datetime]


class Erased(Table):
    """Somebody whose records were erased, and who wants no messages we begin. `mark` is a keyed hash of their number."""

    __tablename__ = "erased"

    mark: Mapped[str] = mapped_column(String(64), primary_key=True)
    opted_out_at: Mapped[datetime]
