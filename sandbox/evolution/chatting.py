"""The /chat routes: presence, read marks, number check, history, media, profile, edit and delete."""

import asyncio
import base64
import math
from datetime import datetime
from typing import Any

from starlette.routing import BaseRoute

from sandbox.evolution import bodies
from sandbox.evolution.core import PICTURE, Core, iso
from sandbox.evolution.directory import check_number, check_numbers
from sandbox.evolution.messages import delete_own, edit_own, mark_read
from sandbox.evolution.numbers import create_jid, is_group
from sandbox.evolution.routing import Call, vendor_route
from sandbox.evolution.state import Instance, Row
from sandbox.evolution.wire import ApiError, SocketClosedError, as_stored, bad_request, crashed, not_found

_EXTENSIONS = {
    "audio/ogg; codecs=opus": "oga",
    "audio/ogg": "oga",
    "audio/mpeg": "mpga",
    "image/jpeg": "jpeg",
    "image/webp": "webp",
    "video/mp4": "mp4",
    "application/pdf": "pdf",
}
_MEDIA_TYPES = ("imageMessage", "documentMessage", "audioMessage", "videoMessage", "stickerMessage")
_WRAPPERS = ("ephemeralMessage", "documentWithCaptionMessage", "viewOnceMessage", "viewOnceMessageV2")


def routes(core: Core) -> list[BaseRoute]:
    def chat(op: str, handler: Any, schema: Any = None, status: int = 200, method: str = "POST") -> BaseRoute:
        bare = op == "whatsappNumbers"
        return vendor_route(core, method, f"/chat/{op}/{{name}}", handler, schema=schema, status=status, bare=bare)

    return [
        chat("sendPresence", send_presence, bodies.PRESENCE, 201),
        chat("markMessageAsRead", mark_message_as_read, bodies.READ_MESSAGES, 201),
        chat("whatsappNumbers", whatsapp_numbers, bodies.NUMBERS),
        chat("findMessages", find_messages, bodies.FIND_MESSAGES),
        chat("findStatusMessage", find_status_message, bodies.FIND_STATUS),
        chat("findContacts", find_contacts),
        chat("getBase64FromMediaMessage", get_base64, status=201),
        chat("fetchProfile", fetch_profile, bodies.PROFILE),
        chat("fetchProfilePictureUrl", fetch_picture, bodies.PROFILE),
        chat("updateMessage", update_message, bodies.UPDATE_MESSAGE),
        chat("deleteMessageForEveryone", delete_message, bodies.DELETE_MESSAGE, 201, "DELETE"),
    ]


async def send_presence(call: Call) -> Any:
    """Typing: the call lasts as long as the typing does."""
    body = call.body
    try:
        found = check_number(call.core, call.inst, body["number"])
    except SocketClosedError:
        raise bad_request("Error: Connection Closed") from None
    if not found["exists"] and not is_group(found["jid"]):
        raise bad_request("[object Object]")  # the vendor stringifies its own error
    if not call.inst.socket_up:
        raise bad_request("Error: Connection Closed")
    entry = {"jid": found["jid"], "presence": body["presence"], "delay_ms": body["delay"], "by": "sendPresence"}
    call.inst.presences.append({**entry, "at": call.core.now().isoformat()})
    await asyncio.sleep(call.core.wait_s(body["delay"]))
    return {"presence": body["presence"]}


def mark_message_as_read(call: Call) -> Any:
    if not call.inst.socket_up:
        raise ApiError(500, ["Read messages fail", "Error: Connection Closed"])
    mark_read(call.core, call.inst, call.body["readMessages"])
    return {"message": "Read messages", "read": "success"}


def whatsapp_numbers(call: Call) -> Any:
    return check_numbers(call.core, call.inst, call.body.get("numbers", []))


def fetch_profile(call: Call) -> Any:
    inst = call.inst
    jid = create_jid(call.body.get("number") or inst.own_jid or "")
    found = check_number(call.core, inst, jid)
    if not found["exists"]:
        raise bad_request(found)
    profile: dict[str, Any] = {"wuid": found["jid"]}
    if "name" in found:
        profile["name"] = found["name"]
    return profile | {
        "numberExists": True,
        "picture": PICTURE,
        "status": {"status": "Disponível"},
        "isBusiness": False,
    }


def fetch_picture(call: Call) -> Any:
    return {"wuid": create_jid(call.body.get("number") or ""), "profilePictureUrl": PICTURE}


# --- history ---------------------------------------------------------------------------------------------------------


def find_messages(call: Call) -> Any:
    """Stored messages, newest first. `offset` is the page size; several filters are ignored, as by the vendor."""
    where = call.body.get("where") or {}
    key = where.get("key") or {}
    size, page = call.body.get("offset") or 50, call.body.get("page") or 1
    _require_integers(size, page)
    if set(key) <= {"fromMe", "remoteJid", "id"} and "" in (key.get("remoteJid"), key.get("id")):
        raise bad_request(["The property cannot be empty"])
    found = [row for row in call.inst.rows if row.recorded and _matches(row, where, key)]
    # Of equal seconds the later arrival comes first.
    found.sort(key=lambda row: row.timestamp)
    found.reverse()
    start = size * (page - 1)
    records = [_record(call.inst, row) for row in found[start : start + size]]
    pages = math.ceil(len(found) / size)
    return {"messages": {"total": len(found), "pages": pages, "currentPage": page, "records": records}}


def _require_integers(size: Any, page: Any) -> None:
    """A string here reaches the database, which refuses it."""
    for name, value in (("take", size), ("skip", page)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            text = f"Invalid `prisma.message.findMany()` invocation: Argument `{name}`: Invalid value provided."
            raise crashed(text)


def _matches(row: Row, where: dict[str, Any], key: dict[str, Any]) -> bool:
    plain = {"id": row.id, "source": row.source, "messageType": row.message_type}
    if any(where.get(name) is not None and where[name] != value for name, value in plain.items()):
        return False
    if any(key.get(name) and row.key.get(name) != key[name] for name in ("id", "participant")):
        return False
    if key.get("fromMe") and not row.key["fromMe"]:  # false is no filter
        return False
    jids = [(name, key[name]) for name in ("remoteJid", "remoteJidAlt") if key.get(name)]
    if jids and not any(row.key.get(name) == jid for name, jid in jids):
        return False
    return _in_time(row, where.get("messageTimestamp"))


def _in_time(row: Row, limits: Any) -> bool:
    """Both limits are needed; one alone is ignored."""
    if not isinstance(limits, dict) or not limits.get("gte") or not limits.get("lte"):
        return True
    return _seconds(limits["gte"]) <= row.timestamp <= _seconds(limits["lte"])


def _seconds(text: Any) -> int:
    try:
        return math.floor(datetime.fromisoformat(text).timestamp())
    except (TypeError, ValueError):
        raise crashed("Invalid `prisma.message.count()` invocation: Argument `gte`: Invalid value provided.") from None


def _record(inst: Instance, row: Row) -> dict[str, Any]:
    updates = [{"status": update["status"]} for update in inst.status_rows if update["messageId"] == row.id]
    return {
        "id": row.id,
        "key": as_stored(row.key),
        "pushName": row.push_name,
        "messageType": row.message_type,
        "message": as_stored(row.message),
        "messageTimestamp": row.timestamp,
        "instanceId": inst.id,
        "source": row.source,
        "contextInfo": as_stored(row.context_info),
        "MessageUpdate": updates,
    }


def find_status_message(call: Call) -> Any:
    where = call.body.get("where") or {}
    size, page = call.body.get("offset") or 50, call.body.get("page") or 1
    _require_integers(size, page)
    wanted = {"remoteJid": where.get("remoteJid"), "keyId": where.get("id")}
    found = [
        update
        for update in call.inst.status_rows
        if all(value is None or update[name] == value for name, value in wanted.items())
    ]
    start = size * (page - 1)
    return found[start : start + size]


def find_contacts(call: Call) -> Any:
    wanted = (call.body.get("where") or {}).get("remoteJid")
    jid = create_jid(wanted) if wanted else None
    inst, at = call.inst, iso(call.core.now())
    return [
        {
            "id": f"contact-{n:04d}",
            "remoteJid": contact,
            "pushName": name,
            "profilePicUrl": PICTURE,
            "createdAt": at,
            "updatedAt": at,
            "instanceId": inst.id,
            "isGroup": is_group(contact),
            "isSaved": True,
            "type": "group" if is_group(contact) else "contact",
        }
        for n, (contact, name) in enumerate(inst.contacts.items())
        if jid in (None, contact)
    ]


# --- media -----------------------------------------------------------------------------------------------------------


def get_base64(call: Call) -> Any:
    """A message's media, decrypted. Wants the key's id, or the webhook's whole `data`."""
    asked = call.body.get("message") or {}
    key = asked.get("key")
    if not isinstance(key, dict):
        # The content object alone: the vendor then finds no message inside it.
        raise bad_request("TypeError: Cannot read properties of undefined (reading 'ephemeralMessage')")
    row = call.inst.row(key.get("id"))
    if row is None:
        raise bad_request("Message not found")
    message = row.message
    for wrapper in _WRAPPERS:
        if wrapper in message:
            message = message[wrapper]["message"]
    kind = next((name for name in _MEDIA_TYPES if name in message), None)
    if kind is None or row.media is None:
        raise bad_request("The message is not of the media type")
    if not call.inst.socket_up:
        raise bad_request("Error: Connection Closed")
    return _media(row, kind, message[kind])


def _media(row: Row, kind: str, content: dict[str, Any]) -> dict[str, Any]:
    mimetype = content["mimetype"]
    name = content.get("fileName") or f"{row.key['id']}.{_EXTENSIONS.get(mimetype, 'bin')}"
    media: dict[str, Any] = {"mediaType": kind, "fileName": name}
    if "caption" in content:
        media["caption"] = content["caption"]
    media["size"] = {k: content[k] for k in ("fileLength", "height", "width") if k in content}
    encoded = base64.b64encode(row.media or b"").decode()
    return {**media, "mimetype": mimetype, "base64": encoded, "buffer": None}


# --- edit, delete ----------------------------------------------------------------------------------------------------


def update_message(call: Call) -> Any:
    body = call.body
    jid = create_jid(body.get("number") or "")
    row = call.inst.row((body.get("key") or {}).get("id"))
    if row is None:
        raise not_found("Message not found")
    if row.key["remoteJid"] != jid:
        raise bad_request("RemoteJid does not match")
    if not call.inst.socket_up:
        raise crashed("Connection Closed")
    return edit_own(call.core, call.inst, row, body.get("text") or "")


def delete_message(call: Call) -> Any:
    if not call.inst.socket_up:
        raise ApiError(500, ["Error while deleting message for everyone", "Error: Connection Closed"])
    return delete_own(call.core, call.inst, call.inst.row(call.body["id"]), call.body)
