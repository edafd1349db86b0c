"""What was said in a WhatsApp message: its kind and its text, out of whatever wrappers it came in.

Read key by key; nothing is taken for granted and nothing raises.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from meetings.events import ContentKind, Ignored
from meetings.phones import to_e164

Json = Mapping[str, Any]

_EMPTY: Json = {}
_MAX_WRAPPERS = 10  # WhatsApp nests two or three; more is a broken body
_SPEECH_MARK = re.compile(r"^\[audio\]\s*")
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


@dataclass(frozen=True)
class Content:
    """What a message consists of; `text` is empty for bare media."""

    kind: ContentKind
    text: str = ""


def content_of(data: Json) -> Content | Ignored:
    """What a message's `data` says; by its keys, by `messageType` only where the keys say nothing."""
    message = as_object(data.get("message"))
    content = content_in(message)
    if isinstance(content, Ignored):
        return content
    declared = as_text(data.get("messageType"))
    if content.kind is ContentKind.TEXT and declared == "interactiveMessage":
        return Content(ContentKind.CHOICE, content.text)  # a button's label, as the Cloud API channel passes it on
    if content.kind is ContentKind.AUDIO:
        return Content(ContentKind.AUDIO, _SPEECH_MARK.sub("", as_text(message.get("speechToText"))).strip())
    if content.kind is not ContentKind.UNKNOWN:
        return content
    if declared in _WITHOUT_CONTENT:
        return Ignored(_WITHOUT_CONTENT[declared])
    if not message and data.get("messageStubType") is not None:
        return Ignored("system notice")  # missed call, changed security code
    reader = _KINDS.get(declared)
    return Content(reader[0]) if reader and reader[0] in _BARE_KINDS else content


def content_in(message: Json) -> Content | Ignored:
    """Kind and text of a content object, unwrapped as far as needed."""
    for layer in _layers(message):
        for name, reason in _WITHOUT_CONTENT.items():
            if layer.get(name) is not None:
                return Ignored(reason)
        if (text := as_text(layer.get("conversation"))).strip():
            return Content(ContentKind.TEXT, text)
        for name, (kind, read) in _KINDS.items():
            part = layer.get(name)
            if isinstance(part, Mapping) and ((text := read(part)) or kind in _BARE_KINDS):
                return Content(kind, text)
    return Content(ContentKind.UNKNOWN)


def _layers(message: Json) -> Iterator[Json]:
    """A content object and what it wraps, from the outside in.

    Disappearing, view-once, caption, edit and future wrappers all hold a whole content object under `message`.
    """
    layer: Json | None = message
    for _ in range(_MAX_WRAPPERS):
        if layer is None:
            return
        yield layer
        wrapped = (as_object(part).get("message") for part in layer.values())
        layer = next((inner for inner in wrapped if isinstance(inner, Mapping)), None)


def _first(*names: str) -> Callable[[Json], str]:
    """The first of these members that is not blank, exactly as written."""
    return lambda part: next((text for name in names if (text := as_text(part.get(name))).strip()), "")


def _list_row(part: Json) -> str:
    return _first("title", "description")(part) or _first("selectedRowId")(as_object(part.get("singleSelectReply")))


def _flow_answer(part: Json) -> str:
    if label := _first("text")(as_object(part.get("body"))):
        return label
    try:
        answer = json.loads(as_text(as_object(part.get("nativeFlowResponseMessage")).get("paramsJson")))
    except (ValueError, RecursionError):
        return ""
    return _first("title", "display_text", "id")(as_object(answer))


def _place(part: Json) -> str:
    """As much as is there of: name – address (latitude, longitude)."""
    words = dict.fromkeys(text for name in ("name", "address", "caption") if (text := as_text(part.get(name)).strip()))
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
    vcard = as_text(part.get("vcard"))[:10_000]
    whatsapp = re.search(r"waid=([0-9]{6,15})", vcard)
    line = re.search(r"TEL[^:\n]{0,200}:([^\n]{1,100})", vcard)
    phone = to_e164(f"+{whatsapp[1]}") if whatsapp else to_e164(line[1]) if line else None
    return " ".join(filter(None, [as_text(part.get("displayName")).strip(), phone]))


def _cards(part: Json) -> str:
    contacts = part.get("contacts")
    shown = [_card(as_object(contact)) for contact in contacts[:10]] if isinstance(contacts, list) else []
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


def quoted_id(data: Json) -> str | None:
    """Id of the quoted message: beside the content, or inside it on old servers and in wrapped messages."""
    parts = [data, *(as_object(part) for layer in _layers(as_object(data.get("message"))) for part in layer.values())]
    quoted = (as_text(as_object(part.get("contextInfo")).get("stanzaId")) for part in parts)
    return next(filter(None, quoted), None)


def as_object(value: Any) -> Json:
    return value if isinstance(value, Mapping) else _EMPTY


def as_text(value: Any) -> str:
    """A string that can be stored: no NUL, no half characters; "" for everything that is no string."""
    return value.replace("\0", "").encode("utf-8", "replace").decode() if isinstance(value, str) else ""
