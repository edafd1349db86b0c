"""What the outside tells us, in our own words: the webhook parsers make these, `meetings/` and the turn read them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class ContentKind(StrEnum):
    """What a WhatsApp message consists of, as far as answering it goes."""

    TEXT = "text"
    AUDIO = "audio"
    IMAGE = "image"
    VIDEO = "video"
    DOCUMENT = "document"
    STICKER = "sticker"
    LOCATION = "location"
    CONTACT = "contact"
    CHOICE = "choice"  # a pressed button or a picked list row; `text` is its label
    UNKNOWN = "unknown"  # arrived, but nothing in it can be read


@dataclass(frozen=True)
class ChatIdentity:
    """Who the chat is with. At least one of the two is set.

    Attributes:
        phone: E.164 with the Brazilian ninth digit ("+5511987654321"), None when WhatsApp hides it.
        jid: The chat id to reply to exactly as WhatsApp spells it ("…@s.whatsapp.net" or "…@lid").
        lid: The hidden id ("…@lid") when the body shows it, else None.
    """

    phone: str | None
    jid: str
    lid: str | None = None


@dataclass(frozen=True)
class CustomerMessage:
    """A customer wrote in a one-to-one chat.

    Attributes:
        id: WhatsApp's message id, unique per chat.
        chat: Who wrote.
        kind: What the message consists of.
        text: Text, caption, transcript of a choice, or address of a location; empty for bare media.
        sent_at: When it was sent, aware UTC (whole seconds). May be hours old after an outage.
        name: The name the customer chose on WhatsApp, if any.
        quoted_id: Id of the message this one answers, if any.
    """

    id: str
    chat: ChatIdentity
    kind: ContentKind
    text: str
    sent_at: datetime
    name: str | None = None
    quoted_id: str | None = None


@dataclass(frozen=True)
class OwnMessage:
    """A message of our own number.

    Attributes:
        via_api: True when it went out through Evolution's API (`send.message`); False when somebody typed it on
            the phone or WhatsApp Web, or the WhatsApp Business app answered by itself.
        automatic: True when the server itself wrote it (call rejection text): nobody took over.
    """

    id: str
    chat: ChatIdentity
    kind: ContentKind
    text: str
    sent_at: datetime
    via_api: bool
    automatic: bool = False


class DeliveryState(StrEnum):
    """How far an outgoing message got, in the order of the ladder; `failed` ends it."""

    SENT = "sent"  # accepted by WhatsApp's server
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


@dataclass(frozen=True)
class DeliveryUpdate:
    """An outgoing message got further, or failed. `message_id` is WhatsApp's id of that message."""

    message_id: str
    state: DeliveryState


@dataclass(frozen=True)
class MessageEdited:
    """The customer changed the text of an earlier message."""

    message_id: str
    text: str


@dataclass(frozen=True)
class MessageDeleted:
    """The customer deleted a message for everyone."""

    message_id: str


@dataclass(frozen=True)
class ConnectionChanged:
    """The WhatsApp session's state: open, connecting, close or refused."""

    state: str


@dataclass(frozen=True)
class Ignored:
    """Nothing for us; `reason` is a short fixed phrase that can be counted, never a customer's words."""

    reason: str


EvolutionEvent = CustomerMessage | OwnMessage | DeliveryUpdate | MessageEdited | MessageDeleted | ConnectionChanged | Ignored


class HintEntity(StrEnum):
    """What a hint is about: a task or lead in Kommo, or the event of one of our meetings."""

    TASK = "task"
    LEAD = "lead"
    EVENT = "event"


@dataclass(frozen=True)
class LeadShown:
    """What a webhook shows of a lead. Never acted on; but what shows nothing new needs no look.

    Attributes:
        fields: The first value of each custom field, by its id; an empty field is not among them.
    """

    fields: Mapping[int, str]
    status_id: int | None
    responsible_user_id: int | None
    tags: tuple[str, ...]


@dataclass(frozen=True)
class KommoHint:
    """Something happened to this task or lead: look at it. Never acted on by itself.

    Attributes:
        entity: Task or lead.
        id: Its Kommo id.
        action: Kommo's word: add, update, delete, status, responsible, restore, note.
        lead_id: The lead a task belongs to, when the body says so (a deletion does not).
        task_type: A task's type, when the body says so.
        shows: A lead as the body has it, None when it has nothing of the kind.
    """

    entity: HintEntity
    id: int
    action: str
    lead_id: int | None = None
    task_type: int | None = None
    shows: LeadShown | None = field(default=None, compare=False)


@dataclass(frozen=True)
class KommoWebhook:
    """One decoded Kommo webhook body.

    Attributes:
        account_id: The account it claims to come from, None when the body does not say.
        hints: All tasks and leads it names, in order, each once.
        ignored: Keys that mean nothing to us, e.g. "contacts[update]", each once.
    """

    account_id: int | None
    hints: tuple[KommoHint, ...]
    ignored: tuple[str, ...] = ()
