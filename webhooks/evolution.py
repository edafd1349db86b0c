"""Evolution API's webhooks: one body in, typed events out, for servers from 2.2 to 2.4 and all three channels.

Three questions, three parts: which event it is (`_READERS`), whose chat it is (`_chat`), what was said (`_content`).
Bodies are read key by key and nothing is taken for granted: any JSON object gives events, never an exception.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from meetings.events import (
    ChatIdentity,
    ConnectionChanged,
    ContentKind,
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

Json = Mapping[str, Any]

_EMPTY: Json = {}
_MAX_WRAPPERS = 10  # WhatsApp nests two or three; more is a broken body

# Evolution signs what the server itself wrote with this name, whatever the profile is called.
_SERVER_NAME = "Você"
_PHONE_JID = re.compile(r"([0-9]{5,20})(?::[0-9]+)?@s\.whatsapp\.net")
_LID = re.compile(r"([0-9]{5,20})(?::[0-9]+)?@lid")
_BARE_NUMBER = re.compile(r"\+?([0-9]{8,15})")
_SPEECH_MARK = re.compile(r"^\[audio\]\s*")

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
_WITHOUT_CONTENT = {
    "reactionMessage": "reaction",
    "encReactionMessage": "reaction",
    "pollUpdateMessage": "poll vote",
    "protocolMessage": "protocol message",
    "placeholderMessage": "placeholder",
    "albumMessage": "album header",  # the pictures follow, each as its own message
    "pinInChatMessage": "pin",
    "keepInChatMessage": "pin",
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
    return [read(_object(item), payload) for item in items] or [Ignored("empty list")]


def _event_name(value: Any) -> str:
    return re.sub(r"[-_]", ".", value).lower() if isinstance(value, str) else ""


# --- one reader per event ---------------------------------------------------------------------------------------------


def _read_upsert(data: Json, envelope: Json) -> EvolutionEvent:
    message = _read_message(data, envelope)
    if isinstance(message, Ignored):
        return message
    if _is_ours(_object(data.get("key"))):
        return message.as_own(via_api=False, automatic=_text(data.get("pushName")) == _SERVER_NAME)
    return message.as_customers(name=_person_name(data.get("pushName")), quoted_id=_quoted_id(data))


def _read_sent(data: Json, envelope: Json) -> EvolutionEvent:
    message = _read_message({**data, "key": {**_object(data.get("key")), "fromMe": True}}, envelope)
    return message if isinstance(message, Ignored) else message.as_own(via_api=True)


def _read_update(data: Json, envelope: Json) -> EvolutionEvent:
    if "editedMessage" in _object(data.get("message")):
        return Ignored("edit, told by messages.edited")  # its status word is a filler
    if data.get("pollUpdates"):
        return Ignored("poll vote")
    if reason := _other_chat(data.get("remoteJid")):
        return Ignored(reason)
    message_id = _text(data.get("keyId")) or _text(_object(data.get("key")).get("id"))
    if not message_id:
        return Ignored("delivery update without message id")
    word = _text(data.get("status")).upper()
    if word == "PENDING":
        return Ignored("not sent yet")
    state = _DELIVERY.get(word)
    return DeliveryUpdate(message_id, state) if state else Ignored("unknown delivery status")


def _read_edited(data: Json, envelope: Json) -> EvolutionEvent:
    key = _object(data.get("key"))
    message_id = _text(key.get("id"))
    if reason := _other_chat(key.get("remoteJid")):
        return Ignored(reason)
    kind = data.get("type")
    if kind not in ("MESSAGE_EDIT", "REVOKE"):
        return Ignored("protocol message")  # e.g. EPHEMERAL_SETTING: the chat's timer
    if not message_id:
        return Ignored("edit or deletion without message id")
    if kind == "REVOKE":
        return MessageDeleted(message_id)
    edited = _object(data.get("editedMessage"))
    content = _content(_object(edited.get("message")) or edited)
    if isinstance(content, Ignored) or not content.text:
        return Ignored("edit without text")
    return MessageEdited(message_id, content.text)


def _read_deleted(data: Json, envelope: Json) -> EvolutionEvent:
    """Deleted by a person: `data` is the key itself. Deleted through the API: `data` is a row which holds the key."""
    key = _object(data.get("key")) or data
    message_id = _text(key.get("id"))
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
class _Content:
    kind: ContentKind
    text: str = ""


@dataclass(frozen=True)
class _Message:
    """What customers' messages and our own have in common."""

    id: str
    chat: ChatIdentity
    content: _Content
    sent_at: datetime

    def as_customers(self, *, name: str | None, quoted_id: str | None) -> CustomerMessage:
        content = self.content
        return CustomerMessage(self.id, self.chat, content.kind, content.text, self.sent_at, name, quoted_id)

    def as_own(self, *, via_api: bool, automatic: bool = False) -> OwnMessage:
        content = self.content
        return OwnMessage(self.id, self.chat, content.kind, content.text, self.sent_at, via_api, automatic)


def _read_message(data: Json, envelope: Json) -> _Message | Ignored:
    key = _object(data.get("key"))
    message_id = _text(key.get("id"))
    chat = _chat(key, own=_text(envelope.get("sender")))
    if isinstance(chat, Ignored):
        return chat
    if not message_id:
        return Ignored("message without id")
    content = _content_of(data)
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
    found = _PHONE_JID.fullmatch(_text(value).strip())
    return f"{found[1]}@s.whatsapp.net" if found else None


def _bare_number(value: Any) -> list[str]:
    """The ids that digits alone stand for: one or none. The EVOLUTION channel repeats whatever its caller gave."""
    found = _BARE_NUMBER.fullmatch(_text(value).strip())
    return [f"{found[1]}@s.whatsapp.net"] if found and to_e164(f"+{found[1]}") else []


def _lid(value: Any) -> str | None:
    found = _LID.fullmatch(_text(value).strip())
    return f"{found[1]}@lid" if found else None


def _is_ours(key: Json) -> bool:
    return key.get("fromMe") in (True, "true")


def _person_name(value: Any) -> str | None:
    """A chosen name. Servers that know none put the number there."""
    name = _text(value).strip()
    return name if re.search(r"[^\d\s+()-]", name) else None


def _moment(value: Any) -> datetime | None:
    """Aware UTC of Unix seconds written in any of Evolution's ways."""
    seconds = _long(value)
    # Until the year 2100; anything else is no time.
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None and 0 < seconds < 4_102_444_800 else None


def _server_moment(value: Any) -> datetime | None:
    """The envelope's time: hours off, because local time is written with a false "Z", but better than none."""
    try:
        moment = datetime.fromisoformat(_text(value)).replace(microsecond=0)
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


# --- a message: what was said -----------------------------------------------------------------------------------------


def _content_of(data: Json) -> _Content | Ignored:
    """What a message's `data` says; by its keys, by `messageType` only where the keys say nothing."""
    message = _object(data.get("message"))
    content = _content(message)
    if isinstance(content, Ignored):
        return content
    declared = _text(data.get("messageType"))
    if content.kind is ContentKind.TEXT and declared == "interactiveMessage":
        return _Content(ContentKind.CHOICE, content.text)  # a button's label, as the Cloud API channel passes it on
    if content.kind is ContentKind.AUDIO:
        return _Content(ContentKind.AUDIO, _SPEECH_MARK.sub("", _text(message.get("speechToText"))).strip())
    if content.kind is not ContentKind.UNKNOWN:
        return content
    if declared in _WITHOUT_CONTENT:
        return Ignored(_WITHOUT_CONTENT[declared])
    if not message and data.get("messageStubType") is not None:
        return Ignored("system notice")  # missed call, changed security code
    reader = _KINDS.get(declared)
    return _Content(reader[0]) if reader and reader[0] in _BARE_KINDS else content


def _content(message: Json) -> _Content | Ignored:
    """Kind and text of a content object, unwrapped as far as needed."""
    for layer in _layers(message):
        for name, reason in _WITHOUT_CONTENT.items():
            if layer.get(name) is not None:
                return Ignored(reason)
        if (text := _text(layer.get("conversation"))).strip():
            return _Content(ContentKind.TEXT, text)
        for name, (kind, read) in _KINDS.items():
            part = layer.get(name)
            if isinstance(part, Mapping) and ((text := read(part)) or kind in _BARE_KINDS):
                return _Content(kind, text)
    return _Content(ContentKind.UNKNOWN)


def _layers(message: Json) -> Iterator[Json]:
    """A content object and what it wraps, from the outside in.

    Disappearing, view-once, caption, edit and future wrappers all hold a whole content object under `message`.
    """
    layer: Json | None = message
    for _ in range(_MAX_WRAPPERS):
        if layer is None:
            return
        yield layer
        wrapped = (_object(part).get("message") for part in layer.values())
        layer = next((inner for inner in wrapped if isinstance(inner, Mapping)), None)


def _first(*names: str) -> Callable[[Json], str]:
    """The first of these members that is not blank, exactly as written."""
    return lambda part: next((text for name in names if (text := _text(part.get(name))).strip()), "")


def _list_row(part: Json) -> str:
    return _first("title", "description")(part) or _first("selectedRowId")(_object(part.get("singleSelectReply")))


def _flow_answer(part: Json) -> str:
    if label := _first("text")(_object(part.get("body"))):
        return label
    try:
        answer = json.loads(_text(_object(part.get("nativeFlowResponseMessage")).get("paramsJson")))
    except (ValueError, RecursionError):
        return ""
    return _first("title", "display_text", "id")(_object(answer))


def _place(part: Json) -> str:
    """As much as is there of: name – address (latitude, longitude)."""
    words = dict.fromkeys(text for name in ("name", "address", "caption") if (text := _text(part.get(name)).strip()))
    latitude, longitude = _degrees(part.get("degreesLatitude"), 90), _degrees(part.get("degreesLongitude"), 180)
    position = f"{latitude}, {longitude}" if latitude and longitude else ""
    described = " – ".join(words)
    return f"{described} ({position})" if described and position else described or position


def _degrees(value: Any, limit: int) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= limit:
        return None
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _card(part: Json) -> str:
    """Display name and phone of one contact card."""
    vcard = _text(part.get("vcard"))[:10_000]
    whatsapp = re.search(r"waid=([0-9]{6,15})", vcard)
    line = re.search(r"TEL[^:\n]{0,200}:([^\n]{1,100})", vcard)
    phone = to_e164(f"+{whatsapp[1]}") if whatsapp else to_e164(line[1]) if line else None
    return " ".join(filter(None, [_text(part.get("displayName")).strip(), phone]))


def _cards(part: Json) -> str:
    contacts = part.get("contacts")
    shown = [_card(_object(contact)) for contact in contacts[:10]] if isinstance(contacts, list) else []
    return ", ".join(filter(None, shown)) or _first("displayName")(part)


def _nothing(part: Json) -> str:
    return ""


_Reader = tuple[ContentKind, Callable[[Json], str]]
_KINDS: dict[str, _Reader] = {
    "extendedTextMessage": (ContentKind.TEXT, _first("text")),
    "audioMessage": (ContentKind.AUDIO, _nothing),
    "imageMessage": (ContentKind.IMAGE, _first("caption")),
    "videoMessage": (ContentKind.VIDEO, _first("caption")),
    "ptvMessage": (ContentKind.VIDEO, _nothing),  # the round video note
    "documentMessage": (ContentKind.DOCUMENT, _first("caption", "fileName", "title")),
    "stickerMessage": (ContentKind.STICKER, _nothing),
    "locationMessage": (ContentKind.LOCATION, _place),
    "liveLocationMessage": (ContentKind.LOCATION, _place),
    "contactMessage": (ContentKind.CONTACT, _card),
    "contactsArrayMessage": (ContentKind.CONTACT, _cards),
    "buttonsResponseMessage": (ContentKind.CHOICE, _first("selectedDisplayText", "selectedButtonId")),
    "templateButtonReplyMessage": (ContentKind.CHOICE, _first("selectedDisplayText", "selectedId")),
    "listResponseMessage": (ContentKind.CHOICE, _list_row),
    "interactiveResponseMessage": (ContentKind.CHOICE, _flow_answer),
}
# Kinds that say something without a text; a text or choice without one can't be read.
_BARE_KINDS = frozenset(_kind for _kind, _ in _KINDS.values()) - {ContentKind.TEXT, ContentKind.CHOICE}


def _quoted_id(data: Json) -> str | None:
    """Id of the quoted message: beside the content, or inside it on old servers and in wrapped messages."""
    parts = [data, *(_object(part) for layer in _layers(_object(data.get("message"))) for part in layer.values())]
    quoted = (_text(_object(part.get("contextInfo")).get("stanzaId")) for part in parts)
    return next(filter(None, quoted), None)


def _object(value: Any) -> Json:
    return value if isinstance(value, Mapping) else _EMPTY


def _text(value: Any) -> str:
    """A string that can be stored: no NUL, no half characters; "" for everything that is no string."""
    return value.replace("\0", "").encode("utf-8", "replace").decode() if isinstance(value, str) else ""
