"""What Google's refusals and broken connections mean, in our errors. The only place that knows its status codes and reasons."""

import http.client
import json
import socket
import ssl

import httplib2

from clients.errors import (
    BusyError,
    ConflictError,
    LoginRefusedError,
    NotFoundError,
    RefusedError,
    ServiceError,
    UnreachableError,
)
from clients.google_login import AnswerError, TokenRefusedError, TokenUnreachableError
from clients.transport import retry_after_s

SERVICE = "Google Calendar"
_RATE_REASONS = {"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED"}
# Google's limits against abuse and a project's daily quota: not over in seconds, so a quick repeat only feeds them.
_LASTING_REASONS = {"quotaExceeded", "calendarUsageLimitsExceeded", "dailyLimitExceeded"}
_LASTING_S = 15 * 60.0
_EXPIRED_REASONS = {"fullSyncRequired", "updatedMinTooLongAgo"}


class GuestsForbiddenError(LoginRefusedError):
    """This account may not invite: a service account that was delegated no user."""


class SyncTokenExpiredError(NotFoundError):
    """What changed since then is no longer known: everything must be listed."""


class MeetPendingError(ServiceError):
    """The event is there, its Meet link is still being made."""


def refused(operation: str, answer: AnswerError, lost: type[ServiceError]) -> ServiceError:
    """The error for an answer that is no success; `lost` for one that does not tell whether the call was carried out."""
    status, reasons = answer.status, _reasons(answer.content)
    what = ", ".join([f"status {status}", *reasons[:1]])
    asked_s = retry_after_s(answer.headers.get("retry-after"))
    if status in (403, 429) and _LASTING_REASONS & set(reasons):
        return BusyError(SERVICE, operation, what, asked_s or _LASTING_S)
    if status == 429 or (status == 403 and _RATE_REASONS & set(reasons)):
        return BusyError(SERVICE, operation, what, asked_s)
    if status == 403 and "forbiddenForServiceAccounts" in reasons:
        return GuestsForbiddenError(SERVICE, operation, what)
    if status in (401, 403):
        return LoginRefusedError(SERVICE, operation, what)
    if status == 410 and _EXPIRED_REASONS & set(reasons):
        return SyncTokenExpiredError(SERVICE, operation, what)
    if status in (404, 410):
        return NotFoundError(SERVICE, operation, what)
    if status in (409, 412) or (status == 400 and "channelIdNotUnique" in reasons):
        return ConflictError(SERVICE, operation, what)
    if status >= 500 or status == 408:
        return lost(SERVICE, operation, what)
    return RefusedError(SERVICE, operation, what if status >= 400 else f"{what}, a redirect: is the address right?")


def _reasons(content: bytes) -> list[str]:
    """Google's words for what is wrong, the most specific first: `errors[].reason`, `details[].reason`, `status`.

    Which of these an answer has depends on which of Google's servers gave it.
    """
    try:
        error = json.loads(content)["error"]
        listed = [*(error.get("errors") or []), *(error.get("details") or [])]
        found = [item.get("reason") for item in listed if isinstance(item, dict)]
        return [str(reason) for reason in [*found, error.get("status")] if reason]
    except (ValueError, LookupError, TypeError, AttributeError):
        return []


def broken_off(operation: str, error: Exception, lost: type[ServiceError]) -> Exception:
    """The error for a call without an answer; `lost` unless it surely never left. Mistakes of ours stay as they are."""
    if isinstance(error, TokenUnreachableError):
        return UnreachableError(SERVICE, operation, "no token: the login server did not answer")
    if isinstance(error, TokenRefusedError):
        return LoginRefusedError(SERVICE, operation, f"{error}: is GOOGLE_CREDENTIALS_FILE still valid?")
    not_sent = (ConnectionRefusedError, socket.gaierror, httplib2.ServerNotFoundError, ssl.SSLCertVerificationError)
    if isinstance(error, not_sent):
        return UnreachableError(SERVICE, operation, type(error).__name__)
    if isinstance(error, OSError | http.client.HTTPException | httplib2.HttpLib2Error):
        return lost(SERVICE, operation, type(error).__name__)
    return error
