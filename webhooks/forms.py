"""Form bodies with PHP's bracket keys, decoded into plain dicts and lists.

`leads[status][0][id]=5` becomes `{"leads": {"status": [{"id": "5"}]}}`. Every leaf is a string, as on the wire. Nothing
here knows a vendor.
"""

import re
from typing import Any
from urllib.parse import parse_qsl

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)")
_SEGMENT = re.compile(r"\[([^\[\]]*)\]")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


class FormError(ValueError):
    """A body over the limits. The message says which limit, never what the body holds."""


def parse_nested_form(body: bytes, *, max_keys: int = 20_000, max_depth: int = 12) -> dict[str, Any]:
    """The body's values as nested dicts, lists and strings.

    Reading is forgiving, because a webhook that can't be read is an event lost: bytes that are no UTF-8 become U+FFFD,
    NUL characters (which databases refuse) vanish, a key with misplaced brackets is taken literally, a pair without "="
    has an empty value, one without a name is dropped, and of two values for one place, or a value and a branch, the
    last one wins. Percent-encoded and bare brackets mean the same, "+" is a space.

    Args:
        body: The raw body, any length; its size is for the caller to limit.
        max_keys: How many pairs it may hold.
        max_depth: How many brackets one key may have.

    Returns:
        Branches whose keys are exactly 0…n-1 as lists, in order of the index; all others (gaps in the numbering, names)
        as dicts in order of appearance. `a[]` takes the next free index. Empty for an empty body.

    Raises:
        FormError: Too many pairs, or a key nested too deep.
    """
    if body.count(b"&") >= max_keys:
        raise FormError(f"The form body holds more than {max_keys} keys. It was not read; nothing in it was acted on.")
    root = _Branch()
    for key, value in parse_qsl(_decoded(body), keep_blank_values=True, errors="replace"):
        path = _path(key.replace("\0", ""))
        if len(path) > max_depth + 1:
            raise FormError(f"A key of the form body is nested deeper than {max_depth} levels. The body was not read.")
        if path[0]:
            root.put(path, value.replace("\0", ""))
    return {key: _plain(value) for key, value in root.items()}


class _Branch(dict[str, Any]):
    """A PHP array under construction: it remembers which index `[]` takes next."""

    next_index = 0

    def put(self, path: list[str], value: str) -> None:
        branch = self
        for segment in path[:-1]:
            branch = branch.branch_at(segment)
        branch[branch.key_for(path[-1])] = value

    def branch_at(self, segment: str) -> "_Branch":
        key = self.key_for(segment)
        child = self.get(key)
        if not isinstance(child, _Branch):
            child = self[key] = _Branch()
        return child

    def key_for(self, segment: str) -> str:
        key = segment or str(self.next_index)
        if _INDEX.fullmatch(key):
            self.next_index = max(self.next_index, int(key) + 1)
        return key


def _decoded(body: bytes) -> str:
    # NUL goes before percent signs are read as well as after: what is kept of a body (see `redact_form`) must read the same.
    return body.replace(b"\0", b"").decode("utf-8", errors="replace")


def _path(key: str) -> list[str]:
    """The key's segments; the first is never empty unless the whole key is."""
    split = _KEY.fullmatch(key)
    return [split[1], *_SEGMENT.findall(split[2])] if split else [key]


def _plain(value: Any) -> Any:
    """Branches as dicts and lists. As deep as the deepest key, hence bounded."""
    if not isinstance(value, _Branch):
        return value
    if all(str(index) in value for index in range(len(value))):
        return [_plain(value[str(index)]) for index in range(len(value))]
    return {key: _plain(child) for key, child in value.items()}
