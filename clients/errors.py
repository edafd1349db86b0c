"""What can go wrong with a call, sorted by what the caller would do next.

ServiceError
├── UnreachableError      nothing was carried out, or a repeat does no harm; repeat later without looking
│   └── BusyError         the service asked us to wait (`retry_after_s`)
├── OutcomeUnknownError   it may have been carried out; look first, then repeat
├── NotFoundError         the thing is not there, or not visible to us
├── ConflictError         the thing exists already, or changed meanwhile
├── RefusedError          the request can never succeed as it is
│   └── NotOnWhatsAppError
└── LoginRefusedError     token, plan or rights; a person must act
"""


class ServiceError(Exception):
    """A call to an outside service failed.

    Attributes:
        service: "Kommo", "Google Calendar", "WhatsApp" or "OpenAI".
        operation: What was tried, in our words, e.g. "read task".
        detail: What came back: a status, an error code. Never a body, a token or a customer's words.
    """

    def __init__(self, service: str, operation: str, detail: str) -> None:
        super().__init__(f"{service}: {operation} failed ({detail})")
        self.service, self.operation, self.detail = service, operation, detail


class UnreachableError(ServiceError):
    """No connection, or the service refused before doing anything; or a call that may be repeated blindly got no answer."""


class BusyError(UnreachableError):
    """The service wants us to wait.

    Attributes:
        retry_after_s: Seconds it asked for, None when it did not say.
    """

    def __init__(self, service: str, operation: str, detail: str, retry_after_s: float | None = None) -> None:
        super().__init__(service, operation, detail)
        self.retry_after_s = retry_after_s


class OutcomeUnknownError(ServiceError):
    """The answer was lost: it may have been carried out."""


class NoAnswerError(OutcomeUnknownError):
    """The connection ended before the answer: the service may even be at it still."""


class NotFoundError(ServiceError):
    """Not there, or not visible to us."""


class ConflictError(ServiceError):
    """Exists already, or changed since we read it."""


class RefusedError(ServiceError):
    """The service understood and said no; repeating is useless."""


class NotOnWhatsAppError(RefusedError):
    """The number has no WhatsApp in this spelling."""


class LoginRefusedError(ServiceError):
    """Token revoked or expired, plan ended, rights missing, address blocked: a person must act."""
