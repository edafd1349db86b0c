"""Changes to JSON bodies that leave them JSON. Changed byte by byte, nearly none would get past the decoder."""

import json
import random
from typing import Any

_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**70), 1e308, 0.5, float("inf"), "", " ", "0", "x", "\0", "\ud800"),
    *("true", "null", "5511987654321@s.whatsapp.net", "5511987654321:12@s.whatsapp.net", "123456789@lid", "1@g.us", "@lid"),
    *("status@broadcast", "+5511987654321", "1795431105", "1795431105.5", "9" * 40, "2026-11-23T10:00:00.000Z", "kkkk" * 600),
    *("messages.upsert", "MESSAGES_UPDATE", "messages-edited", "send.message", "DELIVERY_ACK", "REVOKE", "MESSAGE_EDIT"),
    *("https://user:word@host/path?token=1#x", "data:image/png;base64,AAAA", "[audio] oi", "TEL:+55 11 98765-4321"),
)


def change(body: bytes, most: int, seed: int) -> bytes | None:
    """The body with one to four random changes, None when it is no JSON or would become longer than `most` bytes."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    chance = random.Random(seed)
    try:
        for _ in range(chance.randint(1, 4)):
            value = _changed(value, chance)
        new = json.dumps(value).encode()
    except (ValueError, RecursionError):
        return None
    return new if len(new) <= most else None


def _changed(value: Any, chance: random.Random) -> Any:
    """A copy in which one place, anywhere, holds something else, is gone, or stands twice."""
    if isinstance(value, dict) and value and chance.random() < 0.85:
        key = chance.choice(list(value))
        match chance.randrange(8):
            case 0:
                return {name: member for name, member in value.items() if name != key}
            case 1:
                return {**value, chance.choice(list(value)): value[key]}
            case 2:
                return {**value, key: {"message": value[key]}}
            case _:
                return {**value, key: _changed(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.85:
        at = chance.randrange(len(value))
        rest = value[at:] if chance.random() < 0.2 else value[at + 1 :]
        return [*value[:at], _changed(value[at], chance), *rest]
    other = chance.choice(_VALUES)
    match chance.randrange(5):
        case 0:
            return [value, other]
        case 1:
            return {"message": value, "text": other}
        case _:
            return other
