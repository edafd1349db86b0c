"""What the imitated Evolution server and the WhatsApp behind it remember. Plain data; survives `copy.deepcopy`."""

import random
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

# From the lowest to the highest; ERROR stands outside and ends the ladder.
LADDER = ("PENDING", "SERVER_ACK", "DELIVERY_ACK", "READ", "PLAYED")


@dataclass
class Person:
    """Somebody on WhatsApp, or a number that is not there.

    Attributes:
        key: E.164 with the Brazilian ninth digit, e.g. "+5511987654321".
        lid: The person's LID JID.
        jid: The phone JID WhatsApp knows the person by.
        exists: Whether the number has WhatsApp.
        name: The name the person chose; None while unknown.
        addressing: How the chat shows in webhooks: "pn", or a LID chat as "2.3.7", "2.3.6", … spell it.
    """

    key: str
    lid: str
    jid: str
    exists: bool = True
    name: str | None = None
    addressing: str = "pn"


@dataclass
class Row:
    """One row of the server's message table, and what the sandbox knows about the message besides.

    Attributes:
        chat: The person's key, or the JID of a group or of the status broadcast.
        author: customer, agent (through the API) or seller (typed on a device).
        via: api, phone, web; for a customer's message the customer's device.
        text: What a reader of the chat would see; for a voice note its transcript.
        status: Highest rung of `LADDER` reached, or ERROR, or DELETED once revoked.
        media: The decrypted bytes of a media message.
        recorded: False for a message that reached the customer but was never saved by the server.
    """

    id: str
    key: dict[str, Any]
    push_name: str | None
    message_type: str
    message: dict[str, Any]
    timestamp: int
    source: str
    context_info: Any
    chat: str
    author: str
    via: str
    kind: str
    text: str | None
    status: str
    at: datetime
    media: bytes | None = None
    edited: bool = False
    read_by_us: bool = False
    recorded: bool = True

    def climb(self, status: str) -> None:
        """Move up the ladder; a step back changes nothing, ERROR stays."""
        if self.status not in LADDER:
            return
        if status not in LADDER or LADDER.index(status) > LADDER.index(self.status):
            self.status = status


@dataclass
class Known:
    """A number the server has found on WhatsApp: good for seven days, under both spellings."""

    jid: str
    at: datetime
    lid: bool = False


@dataclass
class Instance:
    """One WhatsApp account on the server.

    Attributes:
        state: What connectionState shows: open, connecting or close.
        socket_up: Whether sends get through; False with state "open" is the zombie that users complain about.
        base64_active: The webhook's base64 flag as it stood when the socket was last opened.
        offline: What customers sent while the socket was down, delivered when it opens again.
        numbers_known: By person key.
        lids_known: LID JID to person key, where a webhook named both.
        contacts: JID to push name.
    """

    name: str
    id: str
    token: str
    own_jid: str | None
    profile_name: str
    created_at: datetime
    updated_at: datetime
    setting_id: str
    state: str = "close"
    socket_up: bool = False
    number: str | None = None
    qr_count: int = 0
    webhook: dict[str, Any] | None = None
    base64_active: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    disconnection: dict[str, Any] | None = None
    rows: list[Row] = field(default_factory=list)
    status_rows: list[dict[str, Any]] = field(default_factory=list)
    contacts: dict[str, str | None] = field(default_factory=dict)
    numbers_known: dict[str, Known] = field(default_factory=dict)
    lids_known: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    offline: list[Any] = field(default_factory=list)
    presences: list[dict[str, Any]] = field(default_factory=list)
    reads: list[dict[str, Any]] = field(default_factory=list)

    def row(self, message_id: str | None) -> Row | None:
        """The first stored message with this WhatsApp id."""
        return next((row for row in self.rows if row.recorded and row.key["id"] == message_id), None)


@dataclass
class State:
    """Everything a call may change.

    Attributes:
        acks: auto, server (one tick only), none or error: what becomes of messages sent through the API.
        ack_read: Whether `auto` goes on to READ.
        timeouts: Sends still to be answered "Timed Out"; each "no", "yes" or "unrecorded": whether the message goes
            out all the same, and whether the server then knows of it.
        transcripts: SHA-256 (hex) of a voice note's bytes to what it says.
    """

    instances: dict[str, Instance] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    acks: str = "auto"
    ack_read: bool = False
    license_required: bool = False
    timeouts: list[str] = field(default_factory=list)
    transcripts: dict[str, str] = field(default_factory=dict)


class Ids:
    """Ids of the forms WhatsApp and Prisma give. Not part of `State`: a lost message's id is never given again."""

    def __init__(self) -> None:
        self._random = random.Random(20261123)
        self._count = 0

    def _hex(self, digits: int) -> str:
        return f"{self._random.getrandbits(digits * 4):0{digits}X}"

    def web(self) -> str:
        """As sent through the API or WhatsApp Web."""
        return "3EB0" + self._hex(18)

    def android(self) -> str:
        return "AC" + self._hex(30)

    def ios(self) -> str:
        return "3A" + self._hex(18)

    def row(self) -> str:
        """A database id: sortable by age, 25 characters."""
        self._count += 1
        return f"cmw{self._count:08d}{self._hex(14).lower()}"

    def uuid(self) -> str:
        n = self._hex(32).lower()
        return f"{n[:8]}-{n[8:12]}-4{n[13:16]}-8{n[17:20]}-{n[20:]}"

    def jitter(self, factor: float) -> float:
        """A multiplier between 1 - factor and 1 + factor."""
        return 1 + factor * (self._random.random() * 2 - 1)
