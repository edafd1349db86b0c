"""How a chat is named in a message's `key`: by phone, by LID, or by both, as different servers write it."""

from typing import Any

from sandbox.evolution.state import Person

# What `Person.addressing` may be. All but "pn" are LID chats; the names say which server writes the key that way.
# no_phone: WhatsApp withheld the number. 2.4 writes an ordinary-looking key, but its other events name the LID.
ADDRESSINGS = ("pn", "2.3.7", "2.3.6", "no_phone", "2.4", "2.3.1", "2.3.0", "2.2.3")
_NAMES_BOTH = ("pn", "2.3.6", "2.4", "2.3.1", "2.3.0")


def webhook_key(person: Person, message_id: str, *, from_me: bool) -> dict[str, Any]:
    """`data.key` of messages.upsert."""
    mode, phone, lid = person.addressing, person.jid, person.lid
    ids = {"fromMe": from_me, "id": message_id}
    tail = {**ids, "participant": "", "addressingMode": "pn" if mode in ("pn", "2.4") else "lid"}
    if mode in ("pn", "2.4"):
        # A message typed on our own phone comes without the other identity.
        return {"remoteJid": phone, **tail} if from_me else {"remoteJid": phone, "remoteJidAlt": lid, **tail}
    return {
        "2.3.7": {"remoteJid": phone, "remoteJidAlt": phone, **tail},
        "2.3.6": {"remoteJid": lid, "remoteJidAlt": phone, **tail},
        "no_phone": {"remoteJid": lid, **tail},
        "2.3.1": {"remoteJid": phone, **ids, "senderPn": phone, "previousRemoteJid": lid},
        "2.3.0": {"remoteJid": lid, **ids, "senderPn": phone},
        "2.2.3": {"remoteJid": lid, **ids},
    }[mode]


def stored_key(person: Person, message_id: str, *, from_me: bool) -> dict[str, Any]:
    """`key` as the database has it: 2.3.7 keeps the LID there although its webhook said phone."""
    key = webhook_key(person, message_id, from_me=from_me)
    return {**key, "remoteJid": person.lid} if person.addressing == "2.3.7" else key


def raw_jid(person: Person) -> str:
    """What events other than messages.upsert call the chat: the LID wherever WhatsApp addresses by LID."""
    return person.jid if person.addressing == "pn" else person.lid


def hides_phone(person: Person) -> bool:
    return person.addressing in ("no_phone", "2.2.3")


def reveals_lid(person: Person) -> bool:
    """Whether the server learns phone and LID as belonging together."""
    return person.addressing in _NAMES_BOTH
