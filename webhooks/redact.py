"""Webhook bodies without secrets and media, fit to be stored for replays.

What customers wrote, their numbers and names stay: a replay needs them. This is not for logs.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, unquote_plus

REDACTED = "[redacted]"

# Names of keys are compared in lower case without "-" and "_". `hash` is the instance token in Evolution's instance
# data, `qrcode` lets its reader pair the phone.
_SECRET = re.compile(r".*(?:apikey|token|authorization|passw|secret|signature|jwt|cookie|privatekey|qrcode|pairingcode).*|hash")
_MEDIA = re.compile(r".*(?:base64|sha256|thumbnail|sidecar|keyhash).*|mediakey|encpayload|enciv|waveform", re.DOTALL)
_ADDRESS = re.compile(r".*url|destination|self", re.DOTALL)
# Never taken for base64, however long: "kkkkk…" is laughter.
_WORDS = frozenset(["conversation", "text", "caption"])

_DEPTH = 60  # real bodies reach about 12; deeper ones are somebody's test of our stack
_BLOB = re.compile(r"data:[\w/+.;=-]{1,100};base64,.*|[A-Za-z0-9+/_=-]{2000,}", re.DOTALL)
_URL = re.compile(r"([A-Za-z][\w+.-]*://)?(?:[^/?#]*@)?([^?#]*)(?:\?([^#]*))?(?:#.*)?", re.DOTALL)
_USER_IN_PATH = re.compile(r".*:.*@", re.DOTALL)  # of an address within an address
# A piece of a path that looks drawn by lot: long with digits, or very long.
_TOKEN_IN_PATH = re.compile(r"(?=[^/]*[0-9])[\w.~%-]{16,}|[\w.~%-]{32,}")


def redact(value: Any) -> Any:
    """A deep copy of JSON-like data in which secrets and media are "[redacted]".

    Secrets and media are told by the names of their keys, media also by their form (bytes as index objects, Node
    buffers, long base64). Of `headers` the names stay. Of addresses the values of the query, user and password, the
    fragment and parts of the path that look like tokens go. NUL characters, which databases refuse, vanish. Empty
    secrets stay empty, to show that none was sent. Doing it twice changes nothing.
    """
    return _redacted(value, _DEPTH)


def redact_form(body: bytes) -> str:
    """A form body as text, with the values of secret keys and tokens in addresses replaced; all else stays as it was.

    Bytes that are no UTF-8 become U+FFFD. The result is a form body again, so it can be replayed.
    """
    text = body.replace(b"\0", b"").decode("utf-8", errors="replace")
    return "&".join(_redacted_pair(pair) for pair in text.split("&"))


def _redacted(value: Any, depth: int) -> Any:
    # Cleaned first: a NUL must not hide what a key or a text is.
    if isinstance(value, Mapping):
        members = {_text(key): member for key, member in value.items()}
        if _is_binary(members) or depth == 0:
            return REDACTED
        return {key: _redacted_member(_name(key), member, depth - 1) for key, member in members.items()}
    if isinstance(value, list | tuple):
        return REDACTED if depth == 0 else [_redacted(item, depth - 1) for item in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return REDACTED
    if isinstance(value, str):
        text = _text(value)
        return REDACTED if _BLOB.fullmatch(text) else text
    return value


def _redacted_member(name: str, value: Any, depth: int) -> Any:
    if _is_hidden(name):
        return REDACTED if value else value
    if name == "headers":
        return dict.fromkeys(map(_text, value), REDACTED) if isinstance(value, Mapping) else REDACTED
    if isinstance(value, str) and _ADDRESS.fullmatch(name):
        return _redacted_url(_text(value))
    if isinstance(value, str) and name in _WORDS:
        return _text(value)
    return _redacted(value, depth)


def _redacted_pair(pair: str) -> str:
    key, _, value = pair.partition("=")
    names = [_name(part) for part in re.split(r"[\[\]]+", _text(unquote_plus(key))) if part]
    if value and any(_is_hidden(name) or name == "headers" for name in names):
        return f"{key}={quote_plus(REDACTED)}"
    if names and _ADDRESS.fullmatch(names[-1]):
        plain = _text(unquote_plus(value))
        clean = _redacted_url(plain)
        return pair if clean == plain else f"{key}={quote_plus(clean)}"
    return pair


def _is_hidden(name: str) -> bool:
    return bool(_SECRET.fullmatch(name) or _MEDIA.fullmatch(name))


def _redacted_url(url: str) -> str:
    """An address without user, password, fragment, values of its query and token-like parts of its path."""
    # What is left of a broken address may be an address again, with a user and password of its own.
    while (clean := _redacted_once(url)) != url:
        url = clean
    return url


def _redacted_once(url: str) -> str:
    if _BLOB.fullmatch(url):
        return REDACTED
    parts = _URL.fullmatch(url)
    assert parts, "every part of the pattern is optional"
    host, *path = (_USER_IN_PATH.sub("", piece) for piece in parts[2].split("/"))
    clean = "/".join([host, *(REDACTED if _TOKEN_IN_PATH.fullmatch(piece) else piece for piece in path)])
    query = "" if parts[3] is None else "?" + "&".join(_redacted_parameter(part) for part in parts[3].split("&"))
    return f"{parts[1] or ''}{clean}{query}"


def _redacted_parameter(parameter: str) -> str:
    name, equals, value = parameter.partition("=")
    if equals:
        return f"{name}={REDACTED}" if value else parameter
    return REDACTED if name else ""


def _is_binary(value: Mapping[Any, Any]) -> bool:
    """Bytes as JavaScript's JSON writes them: {"0": 255, "1": 216, …} or {"type": "Buffer", "data": […]}."""
    if value.get("type") == "Buffer" and "data" in value:
        return True
    return bool(value) and all(isinstance(key, str) and key.isdecimal() and isinstance(byte, int) for key, byte in value.items())


def _name(key: str) -> str:
    return key.replace("-", "").replace("_", "").lower()


def _text(value: Any) -> str:
    # Half a surrogate pair is legal in JSON, yet no database keeps it.
    return str(value).replace("\0", "").encode("utf-8", "replace").decode("utf-8")
