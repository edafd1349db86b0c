"""Evolution API's webhooks: one body in, typed events out, for servers from 2.2 to 2.4 and all three channels.

Two questions here: which event it is (`_READERS`) and whose chat it is (`_chat`). What was said: `webhooks/whatsapp_content.py`.
Bodies are read key by key and nothing is taken for granted: any JSON object gives events, never an exception.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from meetings.events import (
    ChatIdentity,
    ConnectionChanged,
    CustomerMessage,
    DeliveryState,
    DeliveryUpdate,
    EvolutionEvent,
    Ignored,
    MessageDeleted,
    MessageEdited,
    OwnMessage,
)
from meetings.phones import same_person, to_e164
from webhooks.whatsapp_content import Content, Json, as_object, as_text, content_in, content_of, quoted_id

# Evolution signs what the server itself wrote with this name, whatever the profile is called.
_SERVER_NAME = "Você"
_PHONE_JID = re.compile(r"([0-9]{5,20})(?::[0-9]+)?@s\.whatsapp\.net")
_LID = re.compile(r"([0-9]{5,20})(?::[0-9]+)?@lid")
_BARE_NUMBER = re.compile(r"\+?([0-9]{8,15})")

_OTHER_CHATS = {
    "@g.us": "group chat",
    "@broadcast": "status or broadcast",
    "@newsletter": "channel",
}
_EVENTS_WITHOUT_MEANING = {
    "messages.set": "history after pairing",
    "send.message.update": "edit through the API",
    "contacts": "contacts",
    "chats": "chats",
    "presence": "presence",
    "qrcode": "qr code",
    "call": "call",
    "groups": "groups",
    "group": "groups",
    "labels": "labels",
    "instance": "instance",
    "application": "application",
}
_DELIVERY = {
    "SERVER_ACK": DeliveryState.SENT,
    "SENT": DeliveryState.SENT,  # this and the other plain words are Meta's, from the Cloud API channel
    "DELIVERY_ACK": DeliveryState.DELIVERED,
    "DELIVERED": DeliveryState.DELIVERED,
    "READ": DeliveryState.READ,
    "PLAYED": DeliveryState.READ,
    "ERROR": DeliveryState.FAILED,
    "FAILED": DeliveryState.FAILED,
}
_CONNECTION_STATES = frozenset(["open", "connecting", "close", "refused"])


def parse_evolution(payload: Mapping[str, Any]) -> list[EvolutionEvent]:
    """The events of one posted body, at least one. Bodies that mean nothing to us give `Ignored`.

    Event names are understood with dots ("messages.upsert"), as in the settings ("MESSAGES_UPSERT") and as in the URL
    of `byEvents` ("messages-upsert"). Delivery states, edits and deletions name a message by its id only: WhatsApp
    reports who wrote it from the other side's view, so look at the stored message's author. A message that arrives with
    nothing readable in it may be delivered again under the same id, complete.

    Args:
        payload: The decoded JSON object, as posted.
    """
    name = _event_name(payload.get("event"))
    read = _READERS.get(name)
    if read is None:
        reason = _EVENTS_WITHOUT_MEANING.get(name) or _EVENTS_WITHOUT_MEANING.get(name.partition(".")[0])
        return [Ignored(reason or "unknown event")]
    data = payload.get("data")
    items = data if isinstance(data, list) else [data]
    return [read(as_object(item), payload) for item in items] or [Ignored("empty list")]


def _event_name(value: Any) -> str:
    return re.sub(r"[-_]", ".", value).lower() if isinstance(value, str) else ""


# --- one reader per event ---------------------------------------------------------------------------------------------


def _read_upsert(data: Json, envelope: Json) -> EvolutionEvent:
    message = _read_message(data, envelope)
    if isinstance(message, Ignored):
        return message
    if _is_ours(as_object(data.get("key"))):
        return message.as_own(via_api=False, automatic=as_text(data.get("pushName")) == _SERVER_NAME)
    return message.as_customers(name=_person_name(data.get("pushName")), quoted_id=quoted_id(data))


def _read_sent(data: Json, envelope: Json) -> EvolutionEvent:
    message = _read_message({**data, "key": {**as_object(data.get("key")), "fromMe": True}}, envelope)
    return message if isinstance(message, Ignored) else message.as_own(via_api=True)


def _read_update(data: Json, envelope: Json) -> EvolutionEvent:
    if "editedMessage" in as_object(data.get("message")):
        return Ignored("edit, told by messages.edited")  # its status word is a filler
    if data.get("pollUpdates"):
        return Ignored("poll vote")
    if reason := _other_chat(data.get("remoteJid")):
        return Ignored(reason)
    message_id = as_text(data.get("keyId")) or as_text(as_object(data.get("key")).get("id"))
    if not message_id:
        return Ignored("delivery update without message id")
    word = as_text(data.get("status")).upper()
    if word == "PENDING":
        return Ignored("not sent yet")
    state = _DELIVERY.get(word)
    return DeliveryUpdate(message_id, state) if state else Ignored("unknown delivery status")


def _read_edited(data: Json, envelope: Json) -> EvolutionEvent:
    key = as_object(data.get("key"))
    message_id = as_text(key.get("id"))
    if reason := _other_chat(key.get("remoteJid")):
        return Ignored(reason)
    kind = data.get("type")
    if kind not in ("MESSAGE_EDIT", "REVOKE"):
        return Ignored("protocol message")  # e.g. EPHEMERAL_SETTING: the chat's timer
    if not message_id:
        return Ignored("edit or deletion without message id")
    if kind == "REVOKE":
        return MessageDeleted(message_id)
    edited = as_object(data.get("editedMessage"))
    content = content_in(as_object(edited.get("message")) or edited)
    if isinstance(content, Ignored) or not content.text:
        return Ignored("edit without text")
    return MessageEdited(message_id, content.text)


def _read_deleted(data: Json, envelope: Json) -> EvolutionEvent:
    """Deleted by a person: `data` is the key itself. Deleted through the API: `data` is a row which holds the key."""
    key = as_object(data.get("key")) or data
    message_id = as_text(key.get("id"))
    if reason := _other_chat(key.get("remoteJid")):
        return Ignored(reason)
    if _is_ours(key):
        return Ignored("own message deleted")
    return MessageDeleted(message_id) if message_id else Ignored("edit or deletion without message id")


def _read_connection(data: Json, envelope: Json) -> EvolutionEvent:
    state = data.get("state")
    known = isinstance(state, str) and state in _CONNECTION_STATES
    return ConnectionChanged(str(state)) if known else Ignored("unknown connection state")


def _read_logout(data: Json, envelope: Json) -> EvolutionEvent:
    return ConnectionChanged("close")


_READERS: dict[str, Callable[[Json, Json], EvolutionEvent]] = {
    "messages.upsert": _read_upsert,
    "send.message": _read_sent,
    "messages.update": _read_update,
    "messages.edited": _read_edited,
    "messages.delete": _read_deleted,
    "connection.update": _read_connection,
    "logout.instance": _read_logout,
    "status.instance": _read_logout,  # sent for "closed" only
}


# --- a message: which, whose, when ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Message:
    """What customers' messages and our own have in common."""

    id: str
    chat: ChatIdentity
    content: Content
    sent_at: datetime

    def as_customers(self, *, name: str | None, quoted_id: str | None) -> CustomerMessage:
        content = self.content
        return CustomerMessage(self.id, self.chat, content.kind, content.text, self.sent_at, name, quoted_id)

    def as_own(self, *, via_api: bool, automatic: bool = False) -> OwnMessage:
        content = self.content
        return OwnMessage(self.id, self.chat, content.kind, content.text, self.sent_at, via_api, automatic)


def _read_message(data: Json, envelope: Json) -> _Message | Ignored:
    key = as_object(data.get("key"))
    message_id = as_text(key.get("id"))
    chat = _chat(key, own=as_text(envelope.get("sender")))
    if isinstance(chat, Ignored):
        return chat
    if not message_id:
        return Ignored("message without id")
    content = content_of(data)
    if isinstance(content, Ignored):
        return content
    sent_at = _moment(data.get("messageTimestamp")) or _server_moment(envelope.get("date_time"))
    if sent_at is None:
        return Ignored("message without time")
    return _Message(message_id, chat, content, sent_at)


def _chat(key: Json, own: str) -> ChatIdentity | Ignored:
    """Who the chat is with, whichever fields this server version fills.

    Our own number can stand where the customer's belongs: `senderPn` of a message we wrote is ours, and `remoteJidAlt`
    may be (or be copied over `remoteJid`) when the chat hides its phone.
    """
    if reason := _other_chat(key.get("remoteJid")):
        return Ignored(reason)
    names = ["remoteJid", "remoteJidAlt"] if _is_ours(key) else ["remoteJid", "remoteJidAlt", "senderPn"]
    phones = [jid for name in names if (jid := _phone_jid(key.get(name)))]
    phones = phones or _bare_number(key.get("remoteJid"))
    theirs = next((jid for jid in phones if jid != _phone_jid(own) and not same_person(jid, own)), None)
    lids = (_lid(key.get(name)) for name in ("remoteJid", "remoteJidAlt", "previousRemoteJid"))
    lid = next(filter(None, lids), None)
    if theirs:
        return ChatIdentity(to_e164(theirs), theirs, lid)
    if lid:
        return ChatIdentity(None, lid, lid)
    if phones:
        return Ignored("chat with ourselves")
    return Ignored("unknown kind of chat" if key.get("remoteJid") else "message without chat")


def _other_chat(jid: Any) -> str | None:
    """Why a chat is none with a single person, or None."""
    suffix = "@" + jid.strip().rpartition("@")[2] if isinstance(jid, str) else ""
    return _OTHER_CHATS.get(suffix)


def _phone_jid(value: Any) -> str | None:
    """A person's id by phone, without the device."""
    found = _PHONE_JID.fullmatch(as_text(value).strip())
    return f"{found[1]}@s.whatsapp.net" if found else None


def _bare_number(value: Any) -> list[str]:
    """The ids that digits alone stand for: one or none. The EVOLUTION channel repeats whatever its caller gave."""
    found = _BARE_NUMBER.fullmatch(as_text(value).strip())
    return [f"{found[1]}@s.whatsapp.net"] if found and to_e164(f"+{found[1]}") else []


def _lid(value: Any) -> str | None:
    found = _LID.fullmatch(as_text(value).strip())
    return f"{found[1]}@lid" if found else None


def _is_ours(key: Json) -> bool:
    return key.get("fromMe") in (True, "true")


def _person_name(value: Any) -> str | None:
    """A chosen name. Servers that know none put the number there."""
    name = as_text(value).strip()
    return name if re.search(r"[^\d\s+()-]", name) else None


def _moment(value: Any) -> datetime | None:
    """Aware UTC of Unix seconds written in any of Evolution's ways."""
    seconds = _long(value)
    # Until the year 2100; anything else is no time.
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None and 0 < seconds < 4_102_444_800 else None


def _server_moment(value: Any) -> datetime | None:
    """The envelope's time: hours off, because local time is written with a false "Z", but better than none."""
    try:
        moment = datetime.fromisoformat(as_text(value)).replace(microsecond=0)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _long(value: Any) -> int | None:
    """A whole number: as such, as decimal text (up to 2.3.5), or in two halves of 32 bits (since 2.3.6)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if math.isfinite(value) else None
    if isinstance(value, str):
        return int(value) if re.fullmatch(r"[0-9]{1,18}", value) else None
    if isinstance(value, Mapping):
        low, high = value.get("low"), value.get("high", 0)
        return low % 2**32 + high * 2**32 if isinstance(low, int) and isinstance(high, int) else None
    return value if isinstance(value, int) else None
