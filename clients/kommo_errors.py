"""What Kommo's refusals and broken answers mean, in our errors. The only place that knows its status codes."""

from typing import Any

import httpx

from clients.errors import BusyError, LoginRefusedError, NotFoundError, OutcomeUnknownError, RefusedError, ServiceError
from clients.transport import retry_after_s, server_trouble

SERVICE = "Kommo"


def error_of(answer: httpx.Response, operation: str, is_safe: bool) -> ServiceError:
    """The error for an answer of status 400 or more."""
    status = answer.status_code
    if status == 429:
        return BusyError(SERVICE, operation, "status 429", _wait_s(answer))
    if status in (401, 402, 403):
        # A block after repeated 429 is plain HTML; a token or rights problem is problem+json.
        is_block = "json" not in answer.headers.get("content-type", "")
        what = "blocked address" if status == 403 and is_block else f"status {status}"
        return LoginRefusedError(SERVICE, operation, what)
    if status == 404:
        return NotFoundError(SERVICE, operation, "status 404")
    if status >= 500 or status == 408:
        return server_trouble(SERVICE, operation, status, is_safe)
    return RefusedError(SERVICE, operation, f"status {status}{_codes(answer)}")


def _wait_s(answer: httpx.Response) -> float | None:
    """Kommo documents `retry_after` in the body only; a header is honoured as well."""
    header = retry_after_s(answer.headers.get("retry-after"))
    if header is not None:
        return header
    try:
        value = answer.json().get("retry_after")
    except (ValueError, AttributeError):
        return None
    return max(0.0, float(value)) if isinstance(value, int | float) else None


def _codes(answer: httpx.Response) -> str:
    """The validation codes and paths, e.g. ", NotSupportedChoice at custom_fields_values.0"; never the values."""
    try:
        groups = answer.json().get("validation-errors") or []
        errors = [e for group in groups for e in group.get("errors", [])]
        return "".join(f", {e.get('code')} at {e.get('path')}" for e in errors[:5])
    except (ValueError, AttributeError):
        return ""


def new_id(operation: str, rows: Any, name: str = "id") -> int:
    """The id of what a write made.

    Raises:
        OutcomeUnknownError: The answer shows none, though it was a success.
    """
    try:
        return int(rows[0][name])
    except (LookupError, TypeError, ValueError):
        raise OutcomeUnknownError(SERVICE, operation, f"a success without {name}") from None
