"""The batch endpoint: several calls in one multipart/mixed body, answered in another, each on its own."""

from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

from sandbox.google import errors
from sandbox.google.call import Call

BOUNDARY = "batch_sandbox"
_MOST_CALLS = 50


def read_batch(content_type: str, body: bytes, prefix: str, headers: dict[str, str]) -> list[tuple[str, Call]]:
    """The calls of a batch, each with its Content-ID.

    Args:
        content_type: The outer header, which names the boundary.
        body: The multipart body.
        prefix: What every inner path starts with, cut off.
        headers: The outer headers in lower case; Authorization holds for parts that bring none.

    Raises:
        ApiError: 400 for a body that is no batch, and for more than 50 calls.
    """
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1")
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    parts = [part for part in message.walk() if part.get_content_type() == "application/http"]
    if not parts:
        raise errors.bad_request("Failed to parse batch request.")
    if len(parts) > _MOST_CALLS:
        raise errors.bad_request(f"The batch has more than {_MOST_CALLS} calls.")
    outer = {"authorization": headers["authorization"]} if "authorization" in headers else {}
    return [(str(part.get("Content-ID", "")), _read_part(part, prefix, outer)) for part in parts]


def _read_part(part: Message, prefix: str, outer: dict[str, str]) -> Call:
    raw = part.get_payload(decode=True)
    assert isinstance(raw, bytes)
    head, _, body = raw.replace(b"\r\n", b"\n").lstrip(b"\n").partition(b"\n\n")
    lines = head.decode("utf-8", "replace").split("\n")
    verb, _, target = lines[0].partition(" ")
    parts = urlsplit(target.split(" ")[0])
    headers = dict(outer)
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    query = parse_qsl(parts.query, keep_blank_values=True)
    return Call(verb.upper(), parts.path.removeprefix(prefix), query, headers, body.strip())


def write_batch(answers: list[tuple[str, int, bytes]]) -> bytes:
    """The multipart body for (Content-ID, status, JSON body) answers."""
    lines: list[bytes] = []
    for content_id, status, body in answers:
        answered = content_id.replace("<", "<response-", 1) if content_id.startswith("<") else f"response-{content_id}"
        lines += [
            f"--{BOUNDARY}".encode(),
            b"Content-Type: application/http",
            f"Content-ID: {answered}".encode(),
            b"",
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode(),
            b"Content-Type: application/json; charset=UTF-8",
            f"Content-Length: {len(body)}".encode(),
            b"",
            body,
        ]
    return b"\r\n".join([*lines, f"--{BOUNDARY}--".encode(), b""])
