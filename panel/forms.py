"""What browsers send us: forms, and the headers that say which site a form stands on."""

import re
from urllib.parse import parse_qsl, urlsplit

from fastapi import Request

_MAX_FORM = 8 * 1024  # bytes; our forms hold a password or a token


class UnreadableFormError(Exception):
    """No form of ours."""


async def read_form(request: Request) -> dict[str, str]:
    """The fields of an url-encoded form.

    Raises:
        UnreadableFormError: It is larger than any form of ours, or no form.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM:
            raise UnreadableFormError
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=10))
    except ValueError:
        raise UnreadableFormError from None


def is_from_our_pages(request: Request, public_url: str | None) -> bool:
    """Whether the browser says that the form stood on a page of ours. Programs that say nothing about it are let through:
    they need the session's token all the same.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    if origin is None:
        return True
    ours = {request.headers.get("host", "")}  # a proxy may have changed it
    if public_url:
        ours.add(urlsplit(public_url).netloc)
    return urlsplit(origin).netloc in ours - {""}


_OUR_PAGE = re.compile(r"/(?:conversations(?:/[0-9]{1,10})?|meetings)?")


def page_of_ours(path: str | None) -> str:
    """The path, below the panel, to show after the login; the first page when it is none of ours."""
    return path if path and _OUR_PAGE.fullmatch(path) else "/"


def number(text: str | None, default: int, most: int = 1_000_000) -> int:
    """A number from a query, 1 to `most`; the default when it is none."""
    return int(text) if text and re.fullmatch(r"[0-9]{1,10}", text) and 1 <= int(text) <= most else default
