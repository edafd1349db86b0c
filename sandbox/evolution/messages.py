"""Messages on their way in and out: stored, posted as webhooks, acknowledged, edited, deleted."""

import base64
from dataclasses import dataclass
from typing import Any

from sandbox.evolution.addressing import hides_phone, raw_jid, reveals_lid
from sandbox.evolution.content import ABSENT, Content, noise
from sandbox.evolution.core import PICTURE, Core
from sandbox.evolution.directory import remember
from sandbox.evolution.numbers import STATUS_JID, is_group
from sandbox.evolution.state import Instance, Person, Row


@dataclass
class Upsert:
    """A message that WhatsApp hands to the server: from somebody else, or typed by us on a device.

    Attributes:
        chat: Person key, group JID or the status broadcast.
        person: Who wrote it, or whose chat it was typed in.
        key: As the webhook shows it.
        stored_key: As the database keeps it.
        noisy: Whether the phone's messageContextInfo comes with it.
        status: DELIVERY_ACK for incoming, SERVER_ACK for what we typed, PENDING for what the server sent by itself.
    """

    chat: str
    person: Person
    author: str
    via: str
    kind: str
    key: dict[str, Any]
    stored_key: dict[str, Any]
    push_name: str | None
    content: Content
    timestamp: int
    status: str
    source: str
    noisy: bool = False

    @property
    def from_me(self) -> bool:
        return bool(self.key["fromMe"])


def deliver(core: Core, inst: Instance, upsert: Upsert) -> None:
    """Let the server see a message: a row, messages.upsert and the contact events. Waits while the socket is down."""
    if not inst.socket_up:
        inst.offline.append(upsert)
        return
    if is_group(upsert.chat) and inst.settings["groupsIgnore"]:
        return
    row = _store_upsert(core, inst, upsert)
    data = {**_data(core, inst, row, upsert.content.context_info), "key": upsert.key}
    if inst.base64_active and row.media is not None:
        data["message"] = {**row.message, "base64": base64.b64encode(row.media).decode()}
    if inst.settings["readMessages"] and not upsert.from_me:
        _mark_read(core, inst, row)
    core.emit(inst, "messages.upsert", data)
    if upsert.chat != STATUS_JID:
        _learn_contact(core, inst, upsert)


def deliver_offline(core: Core, inst: Instance) -> None:
    """Hand over what came while the socket was down: ordinary events, old timestamps, no marker."""
    waiting, inst.offline = inst.offline, []
    for upsert in waiting:
        deliver(core, inst, upsert)


def _store_upsert(core: Core, inst: Instance, upsert: Upsert) -> Row:
    content = upsert.content
    message = dict(content.message)
    if upsert.noisy:
        message["messageContextInfo"] = noise(upsert.key["id"], upsert.timestamp)
    row = Row(
        id=core.ids.row(),
        key=upsert.stored_key,
        push_name=upsert.push_name,
        message_type=content.message_type,
        message=message,
        timestamp=upsert.timestamp,
        source=upsert.source,
        context_info=None if content.context_info == ABSENT else content.context_info,
        chat=upsert.chat,
        author=upsert.author,
        via=upsert.via,
        kind=upsert.kind,
        text=content.text,
        status=upsert.status,
        at=core.now(),
        media=content.media,
    )
    inst.rows.append(row)
    return row


def _data(core: Core, inst: Instance, row: Row, context_info: Any) -> dict[str, Any]:
    """A message as events and answers show it."""
    data = {"key": row.key, "pushName": row.push_name, "status": row.status, "message": row.message}
    if context_info != ABSENT:
        data["contextInfo"] = context_info
    return {
        **data,
        "messageType": row.message_type,
        "messageTimestamp": row.timestamp,
        "instanceId": inst.id,
        "source": row.source,
    }


def _learn_contact(core: Core, inst: Instance, upsert: Upsert) -> None:
    jid = upsert.key["remoteJid"]
    name = "" if upsert.from_me else upsert.push_name
    contact = {"remoteJid": jid, "pushName": name, "profilePicUrl": PICTURE, "instanceId": inst.id}
    if not is_group(upsert.chat) and not hides_phone(upsert.person):
        lid = upsert.person.lid if reveals_lid(upsert.person) and not upsert.from_me else None
        remember(core, inst, upsert.person.jid, lid=lid, lid_chat=upsert.key.get("addressingMode") == "lid")
    if jid in inst.contacts:
        core.emit(inst, "contacts.update", contact)
    else:
        core.emit(inst, "contacts.upsert", contact)
        if not upsert.from_me:
            # Baileys' own contact event follows: a list, and without a name.
            core.emit(inst, "contacts.update", [{k: v for k, v in contact.items() if k != "pushName"}])
    inst.contacts[jid] = name


# --- ours ------------------------------------------------------------------------------------------------------------


def sent(core: Core, inst: Instance, chat: str, jid: str, content: Content, kind: str, *, recorded: bool) -> Any:
    """A message that went out through the API: stored, announced as send.message, acknowledged.

    Returns:
        The object both the HTTP answer and send.message carry.
    """
    row = Row(
        id=core.ids.row(),
        key={"remoteJid": jid, "fromMe": True, "id": core.ids.web()},
        push_name="Você",
        message_type=content.message_type,
        message=content.message,
        timestamp=core.timestamp(),
        source="web",
        context_info=None if content.context_info == ABSENT else content.context_info,
        chat=chat,
        author="agent",
        via="api",
        kind=kind,
        text=content.text,
        status="PENDING",
        at=core.now(),
        media=content.media,
        recorded=recorded,
    )
    inst.rows.append(row)
    data = _data(core, inst, row, content.context_info)
    if recorded:
        shown = data
        if inst.base64_active and row.media is not None:
            shown = {**data, "message": {**row.message, "base64": base64.b64encode(row.media).decode()}}
        core.emit(inst, "send.message", shown)
    _acknowledge(core, inst, row)
    return data


def _acknowledge(core: Core, inst: Instance, row: Row) -> None:
    """What WhatsApp reports about a message of ours, as the scene has it."""
    mode = core.state.acks
    if row.kind == "reaction" or mode == "none":
        return
    steps = {"auto": ["SERVER_ACK", "DELIVERY_ACK"], "server": ["SERVER_ACK"], "error": ["ERROR"]}[mode]
    if mode == "auto" and core.state.ack_read:
        steps.append("READ")
    for status in steps:
        report(core, inst, row, status)


def report(core: Core, inst: Instance, row: Row, status: str) -> None:
    """One messages.update about a message of ours. Skipped, as the server does, when the message was never saved."""
    row.climb(status)
    if not row.recorded:
        return
    person = core.state.people.get(row.chat)
    remote = raw_jid(person) if person else row.chat
    update = _status_row(core, inst, row, status, remote, from_me=True)
    shown = ("keyId", "remoteJid", "fromMe", "status", "instanceId", "messageId")
    core.emit(inst, "messages.update", {name: update[name] for name in shown})


def _status_row(core: Core, inst: Instance, row: Row, status: str, remote: str, *, from_me: bool) -> dict[str, Any]:
    stored = {
        "id": core.ids.row(),
        "keyId": row.key["id"],
        "remoteJid": remote,
        "fromMe": from_me,
        "participant": None,
        "pollUpdates": None,
        "status": status,
        "messageId": row.id,
        "instanceId": inst.id,
    }
    inst.status_rows.append(stored)
    return stored


def edit_own(core: Core, inst: Instance, row: Row, new_text: str) -> dict[str, Any]:
    """Edit a message of ours through the API; returns the HTTP answer, which is not what the webhook shows."""
    row.text, row.edited, row.timestamp = new_text, True, core.timestamp()
    if row.message_type == "conversation":
        row.message = {**row.message, "conversation": new_text}
    else:
        row.message = {**row.message, row.message_type: {**row.message[row.message_type], "caption": new_text}}
    _status_row(core, inst, row, "EDITED", row.key["remoteJid"], from_me=True)
    key = {name: row.key[name] for name in ("id", "remoteJid", "fromMe")}
    milliseconds = int(core.now().timestamp() * 1000)
    edited = {"extendedTextMessage": {"text": new_text}}
    update = {"key": key, "editedMessage": edited, "timestampMs": milliseconds, "type": 14}
    core.emit(inst, "send.message.update", update)
    protocol = {"key": key, "type": "MESSAGE_EDIT", "editedMessage": edited, "timestampMs": str(milliseconds)}
    return _protocol_answer(core, row, protocol)


def delete_own(core: Core, inst: Instance, row: Row | None, key: dict[str, Any]) -> dict[str, Any]:
    """Delete a message for everyone through the API; returns the HTTP answer."""
    protocol = {"key": {name: key[name] for name in ("remoteJid", "fromMe", "id")}, "type": "REVOKE"}
    if row is None:
        return _protocol_answer(core, None, protocol, key["remoteJid"])
    row.status = "DELETED"
    row.key = {**row.key, "deleted": True}
    _status_row(core, inst, row, "DELETED", row.key["remoteJid"], from_me=True)
    gone = {
        "id": row.id,
        "instanceId": inst.id,
        "key": row.key,
        "messageType": row.message_type,
        "status": "DELETED",
        "source": row.source,
        "messageTimestamp": row.timestamp,
        "pushName": row.push_name,
        "participant": None,
        "message": row.message,
    }
    core.emit(inst, "messages.delete", gone)
    return _protocol_answer(core, row, protocol)


def _protocol_answer(core: Core, row: Row | None, protocol: dict[str, Any], jid: str | None = None) -> dict[str, Any]:
    remote = row.key["remoteJid"] if row else jid
    return {
        "key": {"remoteJid": remote, "fromMe": True, "id": core.ids.web()},
        "message": {"protocolMessage": protocol},
        "messageTimestamp": str(core.timestamp()),
        "status": "PENDING",
    }


# --- the customer's afterthoughts ------------------------------------------------------------------------------------


def edit_theirs(core: Core, inst: Instance, row: Row, person: Person, new_text: str) -> None:
    """The customer edits: messages.edited, and messages.update with a status that means nothing."""
    row.text, row.edited, row.timestamp = new_text, True, core.timestamp()
    row.message = {"conversation": new_text}
    # The key inside is from the sender's view: their "me", and us as the chat.
    seen = {"remoteJid": inst.own_jid, "fromMe": True, "id": row.key["id"]}
    edited = {
        "key": seen,
        "type": "MESSAGE_EDIT",
        "editedMessage": {"conversation": new_text},
        "timestampMs": str(int(core.now().timestamp() * 1000)),
    }
    core.emit(inst, "messages.edited", edited)
    _status_row(core, inst, row, "EDITED", str(inst.own_jid), from_me=True)
    _status_row(core, inst, row, "SERVER_ACK", raw_jid(person), from_me=False)
    update = {
        "keyId": row.key["id"],
        "remoteJid": raw_jid(person),
        "fromMe": False,
        "participant": "",
        "status": "SERVER_ACK",
        "instanceId": inst.id,
        "message": {"editedMessage": {"message": {"conversation": new_text}}},
        "messageId": row.id,
    }
    core.emit(inst, "messages.update", update)


def delete_theirs(core: Core, inst: Instance, row: Row, person: Person) -> None:
    """The customer deletes for everyone: messages.edited of type REVOKE, and messages.delete."""
    row.status = "DELETED"
    _status_row(core, inst, row, "DELETED", raw_jid(person), from_me=False)
    key = {"remoteJid": raw_jid(person), "fromMe": False, "id": row.key["id"]}
    core.emit(inst, "messages.edited", {"key": key, "type": "REVOKE"})
    core.emit(inst, "messages.delete", {**row.key, "status": "DELETED"})


def mark_read(core: Core, inst: Instance, keys: list[dict[str, Any]]) -> None:
    """Our read marks. LID keys are dropped in silence, as the server does."""
    for key in keys:
        if key["remoteJid"].endswith(("@s.whatsapp.net", "@g.us")):
            inst.reads.append({"id": key["id"], "remoteJid": key["remoteJid"], "at": core.now().isoformat()})
            row = inst.row(key["id"])
            if row:
                row.read_by_us = True


def _mark_read(core: Core, inst: Instance, row: Row) -> None:
    """The server's own read mark, made on arrival when `readMessages` is set."""
    row.read_by_us = True
    inst.reads.append({"id": row.key["id"], "remoteJid": row.key["remoteJid"], "at": core.now().isoformat()})
