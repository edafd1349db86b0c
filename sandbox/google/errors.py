"""Google's refusals: one exception that carries the error envelope, and a constructor for each refusal we know."""

from typing import Any


class ApiError(Exception):
    """A refusal as Google words it.

    Attributes:
        status: HTTP status.
        reason: `errors[0].reason`, what clients decide by.
        message: The human sentence, both outside and inside `errors`.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        domain: str = "global",
        location: str | None = None,
        location_type: str = "parameter",
        canonical: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message
        self._detail: dict[str, Any] = {"domain": domain, "reason": reason, "message": message}
        if location:
            self._detail |= {"locationType": location_type, "location": location}
        self._canonical = canonical

    def body(self) -> dict[str, Any]:
        """The envelope: code and message, a list with one detail, and for some refusals the canonical status."""
        error: dict[str, Any] = {"code": self.status, "message": self.message, "errors": [dict(self._detail)]}
        if self._canonical:
            error["status"] = self._canonical
        return {"error": error}


def invalid(message: str, location: str | None = None) -> ApiError:
    return ApiError(400, "invalid", message, location=location)


def invalid_parameter(name: str, value: str, rule: str = "") -> ApiError:
    message = f"Invalid value '{value}' for parameter {name}.{' ' + rule if rule else ''}"
    return ApiError(400, "invalidParameter", message, location=name)


def bad_request(message: str = "Bad Request", location: str | None = None) -> ApiError:
    return ApiError(400, "badRequest", message, location=location)


def required(message: str, location: str | None = None) -> ApiError:
    return ApiError(400, "required", message, location=location)


def time_range_empty() -> ApiError:
    return ApiError(400, "timeRangeEmpty", "The specified time range is empty.", domain="calendar", location="timeMax")


def time_range_too_long() -> ApiError:
    message = "The requested time range is too long."
    return ApiError(400, "timeRangeTooLong", message, domain="calendar", location="timeMax")


def auth_error() -> ApiError:
    return ApiError(
        401,
        "authError",
        "Invalid Credentials",
        location="Authorization",
        location_type="header",
        canonical="UNAUTHENTICATED",
    )


def insufficient_permissions() -> ApiError:
    message = "Request had insufficient authentication scopes."
    return ApiError(403, "insufficientPermissions", message, canonical="PERMISSION_DENIED")


def service_account_guests() -> ApiError:
    message = "Service accounts cannot invite attendees without Domain-Wide Delegation of Authority."
    return ApiError(403, "forbiddenForServiceAccounts", message, domain="calendar")


def not_the_organizer() -> ApiError:
    message = "Shared properties can only be changed by the organizer of the event."
    return ApiError(403, "forbiddenForNonOrganizer", message, domain="calendar")


def access_level(role: str) -> ApiError:
    message = f"You need to have {role} access to this calendar."
    return ApiError(403, "requiredAccessLevel", message, domain="calendar")


def forbidden() -> ApiError:
    return ApiError(403, "forbidden", "Forbidden")


def not_found() -> ApiError:
    return ApiError(404, "notFound", "Not Found")


def duplicate() -> ApiError:
    return ApiError(409, "duplicate", "The requested identifier already exists.")


def deleted() -> ApiError:
    return ApiError(410, "deleted", "Resource has been deleted")


def full_sync_required() -> ApiError:
    message = "Sync token is no longer valid, a full sync is required."
    return ApiError(410, "fullSyncRequired", message, domain="calendar", location="syncToken")


def updated_min_too_long_ago() -> ApiError:
    message = "The requested minimum modification time lies too far in the past."
    return ApiError(410, "updatedMinTooLongAgo", message, domain="calendar", location="updatedMin")


def condition_not_met() -> ApiError:
    return ApiError(412, "conditionNotMet", "Precondition Failed", location="If-Match", location_type="header")


def not_imitated(method: str) -> ApiError:
    """Ours, not Google's: the method exists there and the sandbox has nothing for it."""
    return ApiError(501, "notImitated", f"The sandbox does not imitate calendar.{method}.", domain="sandbox")


def by_status(status: int) -> ApiError:
    """The usual refusal with `status`, for faults that name nothing else."""
    known = {
        400: bad_request(),
        401: auth_error(),
        403: ApiError(403, "rateLimitExceeded", "Rate Limit Exceeded", domain="usageLimits"),
        404: not_found(),
        409: duplicate(),
        410: deleted(),
        412: condition_not_met(),
        429: ApiError(429, "rateLimitExceeded", "Rate Limit Exceeded", domain="usageLimits"),
    }
    return known.get(status) or ApiError(status, "backendError", "Backend Error")
