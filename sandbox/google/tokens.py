"""Page and sync tokens: opaque to clients, readable to us."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any


def pack(kind: str, values: dict[str, Any]) -> str:
    raw = json.dumps({"k": kind, **values}, separators=(",", ":"), sort_keys=True).encode()
    return urlsafe_b64encode(raw).decode()


def unpack(kind: str, token: str) -> dict[str, Any] | None:
    """What was packed, or None when the token is not of that kind or not ours."""
    try:
        values = json.loads(urlsafe_b64decode(token.encode("ascii")))
    except (ValueError, UnicodeEncodeError):
        return None
    if not isinstance(values, dict) or values.pop("k", None) != kind:
        return None
    return values
