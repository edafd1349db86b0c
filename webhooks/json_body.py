"""A webhook's JSON body, read within bounds."""

import json
from typing import Any

# A value costs fifty bytes and a look, however short it is: five megabytes of "[],[],…" would be half a gigabyte. Real bodies
# hold hundreds of values; with a thumbnail as a list of its bytes, some ten thousand.
_MOST_VALUES = 200_000


class JsonBodyError(ValueError):
    """The body is no JSON object that could ever be read. The message says why, never what it holds."""


def read_json_object(body: bytes) -> dict[str, Any]:
    """The body as a dict.

    Raises:
        JsonBodyError: It is no JSON, none in UTF-8, -16 or -32, nested too deep, holds a number of thousands of digits, is
            no object, or holds more values than any real one.
    """
    if body.count(b",") + body.count(b"[") + body.count(b"{") > _MOST_VALUES:
        raise JsonBodyError("too many values")
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:  # ValueError: bad JSON, bad encoding, and numbers Python refuses to read
        raise JsonBodyError(type(error).__name__) from None
    if not isinstance(payload, dict):
        raise JsonBodyError("no object")
    return payload
