"""The content objects inside a message: what a customer's phone sends, and what Evolution's media sends look like."""

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any

from sandbox.evolution.wire import indexed, long

ABSENT = "absent"  # for contextInfo: the field is left out, which is not the same as null


@dataclass
class Content:
    """A message's content.

    Attributes:
        message_type: The key under which the content stands.
        message: The `message` object, without noise.
        context_info: An object, None for null, or `ABSENT`.
        text: What a reader would see.
        media: Decrypted bytes of a media message.
    """

    message_type: str
    message: dict[str, Any]
    context_info: Any = ABSENT
    text: str | None = None
    media: bytes | None = None


@dataclass
class Said:
    """What somebody sends, before it becomes a content object: the fields of /customer/say and its like."""

    message_id: str
    timestamp: int
    text: str | None = None
    caption: str | None = None
    transcript: str | None = None
    media: bytes | None = None
    fields: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str, default: Any) -> Any:
        value = self.fields.get(name)
        return default if value is None else value


def noise(message_id: str, timestamp: int) -> dict[str, Any]:
    """The messageContextInfo that phones put beside the content and nobody needs."""
    digest = hashlib.sha256(message_id.encode()).digest()
    return {
        "threadId": [],
        "deviceListMetadata": {
            "senderKeyIndexes": [],
            "recipientKeyIndexes": [],
            "senderKeyHash": indexed(digest[:10]),
            "senderTimestamp": long(timestamp - 431_105, unsigned=True),
            "recipientKeyHash": indexed(digest[10:20]),
            "recipientTimestamp": long(timestamp - 31_105, unsigned=True),
        },
        "deviceListMetadataVersion": 2,
        "messageSecret": indexed(digest),
    }


def context(**extra: Any) -> dict[str, Any]:
    """A contextInfo as decoded from a phone."""
    return {"mentionedJid": [], "groupMentions": [], "statusAttributions": [], **extra}


# --- media -----------------------------------------------------------------------------------------------------------


def media_bytes(said: Said, magic: bytes, kind: str) -> bytes:
    """The bytes behind a media message: those given, or some that no other message has.

    They start like a file of their kind but cannot be played; `size_bytes` pads them.
    """
    given = said.get("base64", None)
    data = base64.b64decode(given) if given else magic + f"sandbox {kind} {said.message_id}".encode()
    return data.ljust(int(said.get("size_bytes", 0)), b"\0")


def _envelope(said: Said, data: bytes) -> dict[str, Any]:
    """The fields every encrypted file has."""
    secret = hashlib.sha256(b"key" + data).digest()
    path = f"/v/t62.7117-24/{said.message_id}_n.enc?ccb=11-4"
    return {
        "url": f"https://mmg.whatsapp.net{path}",
        "fileSha256": indexed(hashlib.sha256(data).digest()),
        "fileLength": long(len(data), unsigned=True),
        "mediaKey": indexed(secret),
        "fileEncSha256": indexed(hashlib.sha256(secret).digest()),
        "directPath": path,
        "mediaKeyTimestamp": long(said.timestamp - 125),
    }


def audio(said: Said) -> Content:
    data = media_bytes(said, b"OggS\x00\x02", "voice note")
    body = {
        "mimetype": said.get("mimetype", "audio/ogg; codecs=opus"),
        **_envelope(said, data),
        "seconds": int(said.get("seconds", max(1, len(said.transcript or "") // 15))),
        "ptt": bool(said.get("ptt", True)),
        "waveform": indexed(hashlib.sha256(data).digest()[:8]),
    }
    return Content("audioMessage", {"audioMessage": body}, None, said.transcript, data)


def image(said: Said) -> Content:
    data = media_bytes(said, b"\xff\xd8\xff\xe0", "image")
    body = {
        **_annotations("interactiveAnnotations", "scanLengths", "annotations"),
        "mimetype": said.get("mimetype", "image/jpeg"),
        **_caption(said),
        **_envelope(said, data),
        "height": int(said.get("height", 1280)),
        "width": int(said.get("width", 720)),
        "jpegThumbnail": indexed(data[:6]),
    }
    return Content("imageMessage", {"imageMessage": body}, None, said.caption, data)


def video(said: Said) -> Content:
    data = media_bytes(said, b"\x00\x00\x00\x18ftypmp42", "video")
    body = {
        **_annotations("interactiveAnnotations", "annotations", "processedVideos"),
        "mimetype": said.get("mimetype", "video/mp4"),
        "seconds": int(said.get("seconds", 9)),
        **_caption(said),
        **_envelope(said, data),
    }
    return Content("videoMessage", {"videoMessage": body}, None, said.caption, data)


def document(said: Said) -> Content:
    name = said.get("file_name", "documento.pdf")
    data = media_bytes(said, b"%PDF-1.4 ", "document")
    body = {
        "mimetype": said.get("mimetype", "application/pdf"),
        "title": name,
        "pageCount": int(said.get("pages", 2)),
        "fileName": name,
        **_caption(said),
        **_envelope(said, data),
    }
    return Content("documentMessage", {"documentMessage": body}, ABSENT, said.caption, data)


def sticker(said: Said) -> Content:
    data = media_bytes(said, b"RIFF\x00\x00\x00\x00WEBP", "sticker")
    body = {"mimetype": "image/webp", **_envelope(said, data), "isAnimated": False}
    return Content("stickerMessage", {"stickerMessage": body}, None, None, data)


def view_once(said: Said) -> Content:
    data = media_bytes(said, b"\xff\xd8\xff\xe0", "image")
    body = {
        **_annotations("interactiveAnnotations", "scanLengths", "annotations"),
        "mimetype": "image/jpeg",
        **_envelope(said, data),
        "viewOnce": True,
    }
    message = {"viewOnceMessageV2": {"message": {"imageMessage": body}}}
    return Content("viewOnceMessageV2", message, ABSENT, None, data)


def status_image(said: Said) -> Content:
    """A picture posted to the status: no size, no thumbnail."""
    content = image(said)
    body = content.message["imageMessage"]
    for name in ("height", "width", "jpegThumbnail"):
        del body[name]
    return content


def _annotations(*names: str) -> dict[str, Any]:
    return {name: [] for name in names}


def _caption(said: Said) -> dict[str, str]:
    return {"caption": said.caption} if said.caption is not None else {}


# --- everything else -------------------------------------------------------------------------------------------------


def text(said: Said) -> Content:
    if said.get("ad", None):
        return Content("conversation", {"conversation": said.text}, _ad(said), said.text)
    return Content("conversation", {"conversation": said.text}, ABSENT, said.text)


def _ad(said: Said) -> dict[str, Any]:
    """What a click on a Meta ad leaves in the first message."""
    given: dict[str, Any] = said.fields["ad"] if isinstance(said.fields["ad"], dict) else {}
    reply = {
        "title": "Promoção",
        "body": "Fale conosco",
        "mediaType": 1,
        "thumbnailUrl": "https://example.invalid/t.jpg",
        "sourceType": "ad",
        "sourceId": "120200000000",
        "sourceUrl": "https://fb.me/abc",
        "showAdAttribution": True,
        "ctwaClid": "CLID123",
        **given,
    }
    return context(
        conversionSource="FB_Ads",
        conversionData=indexed(b"\x01"),
        externalAdReply=reply,
        entryPointConversionSource="ctwa_ad",
        entryPointConversionApp="instagram",
    )


def ephemeral(said: Said) -> Content:
    """Text in a chat with disappearing messages; the server does not unwrap it."""
    inner: dict[str, Any] = {"endCardTiles": [], "text": said.text, "contextInfo": context(expiration=86_400)}
    message = {"ephemeralMessage": {"message": {"extendedTextMessage": inner}}}
    return Content("ephemeralMessage", message, ABSENT, said.text)


def location(said: Said) -> Content:
    body: dict[str, Any] = {
        "degreesLatitude": float(said.get("latitude", -23.561414)),
        "degreesLongitude": float(said.get("longitude", -46.655881)),
    }
    for ours, theirs in (("place", "name"), ("address", "address")):
        if said.get(ours, None):
            body[theirs] = said.fields[ours]
    return Content("locationMessage", {"locationMessage": body}, None, said.fields.get("address"))


def live_location(said: Said) -> Content:
    body = {
        "degreesLatitude": float(said.get("latitude", -23.56)),
        "degreesLongitude": float(said.get("longitude", -46.65)),
        "sequenceNumber": long(1),
    }
    return Content("liveLocationMessage", {"liveLocationMessage": body}, None)


def contact(said: Said) -> Content:
    name, phone = said.get("contact_name", "João"), str(said.get("contact_phone", "5511911112222"))
    digits = re.sub(r"\D", "", phone)
    shown = re.sub(r"^(55)(\d\d)(\d{4,5})(\d{4})$", r"\1 \2 \3-\4", digits)
    card = f"BEGIN:VCARD\nVERSION:3.0\nN:;{name};;;\nFN:{name}\nitem1.TEL;waid={digits}:+{shown}\nEND:VCARD"
    return Content("contactMessage", {"contactMessage": {"displayName": name, "vcard": card}}, None, name)


def button_reply(said: Said) -> Content:
    body = {"selectedButtonId": said.get("choice_id", "sim"), "selectedDisplayText": said.text, "type": 1}
    return Content("buttonsResponseMessage", {"buttonsResponseMessage": body}, None, said.text)


def list_reply(said: Said) -> Content:
    body = {
        "title": said.text,
        "listType": 1,
        "singleSelectReply": {"selectedRowId": said.get("choice_id", "opcao_1")},
        "description": said.get("description", ""),
    }
    return Content("listResponseMessage", {"listResponseMessage": body}, None, said.text)


def template_button_reply(said: Said) -> Content:
    body = {"selectedId": said.get("choice_id", "sim"), "selectedDisplayText": said.text, "selectedIndex": 0}
    return Content("templateButtonReplyMessage", {"templateButtonReplyMessage": body}, None, said.text)


def interactive_reply(said: Said) -> Content:
    params = json.dumps({"id": said.get("choice_id", "sim")}, separators=(",", ":"))
    flow = {"name": "quick_reply", "paramsJson": params, "version": 1}
    body = {"body": {"text": said.text}, "nativeFlowResponseMessage": flow}
    return Content("interactiveResponseMessage", {"interactiveResponseMessage": body}, None, said.text)


def poll_vote(said: Said) -> Content:
    """A vote the server cannot decrypt."""
    digest = hashlib.sha256(said.message_id.encode()).digest()
    key = {"remoteJid": said.get("chat_jid", ""), "fromMe": True, "id": said.get("poll_id", ""), "participant": ""}
    vote = {"encPayload": indexed(digest[:16]), "encIv": indexed(digest[16:28])}
    return Content("pollUpdateMessage", {"pollUpdateMessage": {"pollCreationMessageKey": key, "vote": vote}})


def placeholder(said: Said) -> Content:
    """A masked message, as some businesses on the official API send: no content at all."""
    return Content("placeholderMessage", {"placeholderMessage": {"type": 0}}, None)


KINDS = {
    "text": text,
    "ephemeral": ephemeral,
    "audio": audio,
    "image": image,
    "view_once": view_once,
    "video": video,
    "document": document,
    "sticker": sticker,
    "location": location,
    "live_location": live_location,
    "contact": contact,
    "button_reply": button_reply,
    "list_reply": list_reply,
    "template_button_reply": template_button_reply,
    "interactive_reply": interactive_reply,
    "poll_vote": poll_vote,
    "placeholder": placeholder,
}


def fingerprint(media: bytes) -> str:
    """By which a voice note is recognised again when it comes for transcription."""
    return hashlib.sha256(media).hexdigest()
