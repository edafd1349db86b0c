"""The state as plain JSON, arranged for tests and the inspector."""

from typing import Any

from sandbox.evolution.core import Core
from sandbox.evolution.state import Instance, Row


def snapshot(core: Core) -> dict[str, Any]:
    """The scene's own instance in full, the others by name and connection.

    `chat` is what a person sees on the phone: per telephone (E.164, ninth digit written) the messages in order, each
    with from (customer, agent or seller), text, id and status. Reactions are only under `messages`.
    """
    state = core.state
    inst = state.instances.get(core.config.instance)
    shared = {
        "instances": {i.name: {"connection": i.state, "webhook": i.webhook} for i in state.instances.values()},
        "acks": {"mode": state.acks, "read": state.ack_read},
        "license_required": state.license_required,
        "people": {p.key: _person(p) for p in state.people.values()},
    }
    if inst is None:
        return {**shared, "messages": {}, "chat": {}, "presence": [], "reads": []}
    return {**shared, **_instance(core, inst)}


def _person(person: Any) -> dict[str, Any]:
    return {
        "jid": person.jid,
        "lid": person.lid,
        "exists": person.exists,
        "name": person.name,
        "lid_mode": person.addressing,
    }


def _instance(core: Core, inst: Instance) -> dict[str, Any]:
    chats: dict[str, list[Row]] = {}
    for row in inst.rows:
        chats.setdefault(row.chat, []).append(row)
    people = core.state.people
    return {
        "instance": inst.name,
        "connection": {"state": inst.state, "socket_up": inst.socket_up, "own_jid": inst.own_jid},
        "webhook": inst.webhook,
        "settings": inst.settings,
        "messages": {chat: [_message(row) for row in rows] for chat, rows in chats.items()},
        "chat": {chat: [_line(row) for row in rows if row.kind != "reaction"] for chat, rows in chats.items() if chat in people},
        "presence": inst.presences,
        "reads": inst.reads,
        "waiting_offline": len(inst.offline),
    }


def _line(row: Row) -> dict[str, Any]:
    return {"from": row.author, "text": row.text, "id": row.key["id"], "status": row.status}


def _message(row: Row) -> dict[str, Any]:
    return {
        "direction": "out" if row.key["fromMe"] else "in",
        **_line(row),
        "kind": row.kind,
        "via": row.via,
        "type": row.message_type,
        "jid": row.key["remoteJid"],
        "push_name": row.push_name,
        "timestamp": row.timestamp,
        "at": row.at.isoformat(),
        "edited": row.edited,
        "read_by_us": row.read_by_us,
        "recorded": row.recorded,
        "quoted_id": (row.context_info or {}).get("stanzaId"),
    }
