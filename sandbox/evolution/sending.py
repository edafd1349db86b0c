"""The /message routes: text, media, location, reaction."""

import asyncio
import base64
import binascii
import hashlib
import re
from typing import Any
from urllib.parse import urlsplit

from starlette.routing import BaseRoute

from sandbox.evolution import bodies
from sandbox.evolution.content import ABSENT, Content
from sandbox.evolution.core import Core
from sandbox.evolution.directory import check_number
from sandbox.evolution.messages import sent
from sandbox.evolution.numbers import STATUS_JID, is_group, is_lid
from sandbox.evolution.routing import Call, vendor_route
from sandbox.evolution.state import Instance, Row
from sandbox.evolution.wire import bad_request, indexed, long


def routes(core: Core) -> list[BaseRoute]:
    def message(op: str, handler: Any, schema: Any) -> BaseRoute:
        return vendor_route(core, "POST", f"/message/{op}/{{name}}", handler, schema=schema, status=201)

    return [
        message("sendText", send_text, bodies.SEND_TEXT),
        message("sendMedia", send_media, bodies.SEND_MEDIA),
        message("sendLocation", send_location, bodies.SEND_LOCATION),
        message("sendReaction", send_reaction, bodies.SEND_REACTION),
    ]


async def send_text(call: Call) -> Any:
    text = call.body["text"]
    if not text.strip():
        raise bad_request("Text is required")

    def build(context: dict[str, Any]) -> Content:
        return Content("conversation", {"conversation": text}, context, text)

    return await _send(call, call.body["number"], build, "text")


async def send_location(call: Call) -> Any:
    body = call.body

    def build(context: dict[str, Any]) -> Content:
        place = {
            "degreesLatitude": body["latitude"],
            "degreesLongitude": body["longitude"],
            "name": body["name"],
            "address": body["address"],
            "contextInfo": context,
        }
        return Content("locationMessage", {"locationMessage": place}, context, body["name"])

    return await _send(call, body["number"], build, "location")


async def send_reaction(call: Call) -> Any:
    key, emoji = call.body["key"], call.body["reaction"]
    if emoji and not _is_emoji(emoji):
        raise bad_request("Reaction must be a single emoji or empty string")

    def build(context: dict[str, Any]) -> Content:
        at = int(call.core.now().timestamp() * 1000)
        body = {"text": emoji, "key": key, "senderTimestampMs": at}
        return Content("reactionMessage", {"reactionMessage": body}, ABSENT, emoji)

    return await _send(call, key["remoteJid"], build, "reaction")


async def send_media(call: Call) -> Any:
    body = call.body
    media, mediatype = body.get("media", ""), body["mediatype"]
    decoded = _decoded(media)
    if decoded is not None and not body.get("fileName") and mediatype == "document":
        raise bad_request("For base64 the file name must be informed.")
    if decoded is None and not _is_url(media):
        raise bad_request("Owned media must be a url or base64")
    data = decoded if decoded is not None else f"fetched from {media}".encode()

    def build(context: dict[str, Any]) -> Content:
        content_type = f"{mediatype}Message"
        message = {content_type: _media_object(call.core, body, data, context)}
        return Content(content_type, message, context, body.get("caption"), data)

    return await _send(call, body["number"], build, mediatype)


def _media_object(core: Core, body: dict[str, Any], data: bytes, context: dict[str, Any]) -> dict[str, Any]:
    defaults = {
        "image": ("image/jpeg", None),
        "video": ("video/mp4", None),
        "audio": ("audio/mpeg", None),
        "document": ("application/pdf", "file"),
    }
    mimetype, name = defaults[body["mediatype"]]
    if body["mediatype"] == "document":
        name = body.get("fileName") or body["media"].rsplit("/", 1)[-1] or name
    secret = hashlib.sha256(b"key" + data).digest()
    media: dict[str, Any] = {
        "url": "https://mmg.whatsapp.net/v/t62.0000-00/example.enc",
        # Images are re-encoded, so whatever was sent leaves as JPEG.
        "mimetype": mimetype if body["mediatype"] == "image" else body.get("mimetype") or mimetype,
        "fileSha256": indexed(hashlib.sha256(data).digest()),
        "fileLength": long(len(data), unsigned=True),
        "mediaKey": indexed(secret),
    }
    if name:
        media["fileName"] = name
    media |= {
        "fileEncSha256": indexed(hashlib.sha256(secret).digest()),
        "directPath": "/v/t62.0000-00/example.enc?ccb=11-4",
        "mediaKeyTimestamp": long(core.timestamp()),
    }
    if body.get("caption") is not None and body["mediatype"] != "audio":
        media["caption"] = body["caption"]
    return {**media, "contextInfo": context}


async def _send(call: Call, number: str, build: Any, kind: str) -> Any:
    """Check the number, type for `delay`, send. Everything from the typing on that fails is a 400."""
    core = call.core
    found = check_number(core, call.inst, number)
    jid = found["jid"].lower()
    if not found["exists"] and not is_group(jid) and "@broadcast" not in jid:
        raise bad_request(found)
    delay = call.body.get("delay") or 0
    if delay:
        _require_socket(call.inst)
        _note_typing(call, jid, delay)
        await asyncio.sleep(core.wait_s(delay))
    inst = call.inst
    if is_group(jid) and jid not in inst.groups:
        raise bad_request("[object Object]")  # "Group not found", lost in the vendor's own error handling
    _require_socket(inst)
    chat = _chat_of(core, inst, jid)
    content: Content = build(_context(core, inst, call.body.get("quoted")))
    if core.state.timeouts:
        outcome = core.state.timeouts.pop(0)
        if outcome != "no":
            sent(core, inst, chat, jid, content, kind, recorded=outcome == "yes")
        raise bad_request("Error: Timed Out")
    return sent(core, inst, chat, jid, content, kind, recorded=True)


def _require_socket(inst: Instance) -> None:
    if not inst.socket_up:
        raise bad_request("Error: Connection Closed")


def _note_typing(call: Call, jid: str, delay: int) -> None:
    entry = {"jid": jid, "presence": "composing", "delay_ms": delay, "by": "delay", "at": call.core.now().isoformat()}
    call.inst.presences.append(entry)


def _chat_of(core: Core, inst: Instance, jid: str) -> str:
    """Whose chat a send ends up in."""
    if is_group(jid) or jid == STATUS_JID:
        return jid
    if is_lid(jid):
        person = core.person_with_lid(jid)
        return person.key if person else jid
    return core.person(jid).key


def _context(core: Core, inst: Instance, quoted: Any) -> dict[str, Any]:
    """The contextInfo Evolution puts on what it sends; a quote whose message it does not find is left out."""
    context: dict[str, Any] = {
        "mentionedJid": [],
        "groupMentions": [],
        "ephemeralSettingTimestamp": {"low": core.timestamp() - 172_800, "high": 0, "unsigned": False},
        "disappearingMode": {"initiator": 0},
    }
    row = inst.row(quoted["key"].get("id")) if isinstance(quoted, dict) and quoted.get("key") else None
    if row:
        message = {k: v for k, v in row.message.items() if k != "messageContextInfo"}
        context |= {"participant": _author(inst, row), "stanzaId": row.key["id"], "quotedMessage": message}
    return context


def _author(inst: Instance, row: Row) -> str | None:
    if row.key["fromMe"]:
        return inst.own_jid
    author: str = row.key.get("participant") or row.key["remoteJid"]
    return author


def _decoded(media: str) -> bytes | None:
    """Bare base64, or None: a data: prefix is refused, as by the vendor's validator."""
    if not media or len(media) % 4 or not re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", media):
        return None
    try:
        return base64.b64decode(media, validate=True)
    except binascii.Error:
        return None


def _is_url(media: str) -> bool:
    """An http(s) URL whose host has a dot; bare host names such as `localhost` are refused."""
    parts = urlsplit(media)
    return parts.scheme in ("http", "https", "ftp") and "." in (parts.hostname or "")


def _is_emoji(text: str) -> bool:
    """Exactly one emoji: variation selectors and skin tones aside, one character, a joined sequence or a flag."""
    parts = re.sub(r"[\ufe0f\u20e3\U0001f3fb-\U0001f3ff]", "", text).split("\u200d")
    return all(re.fullmatch(r"[^\w\s!-/:-@\[-`{-~]|[\d#*]|[\U0001f1e6-\U0001f1ff]{2}", part) for part in parts)
