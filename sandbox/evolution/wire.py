"""Evolution's error bodies, and the odd shapes its JSON gives to bytes and 64-bit numbers."""

from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse, Response

SERVER_ERROR = "Internal Server Error"


class ApiError(Exception):
    """An answer other than success: Evolution's usual envelope.

    Attributes:
        message: What stands under `response.message`: a list where Evolution raises on purpose, a plain string where
            an exception got through.
    """

    def __init__(self, status: int, message: Any, error: str | None = None) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message
        self.error = error or HTTPStatus(status).phrase

    def response(self) -> Response:
        body = {"status": self.status, "error": self.error, "response": {"message": self.message}}
        return JSONResponse(body, self.status)

    def bare(self) -> Response:
        """The form of /chat/whatsappNumbers: no `response` around the message, and always HTTP 400."""
        return JSONResponse({"status": self.status, "error": self.error, "message": self.message}, 400)


def bad_request(*message: Any) -> ApiError:
    return ApiError(400, list(message))


def not_found(message: str) -> ApiError:
    return ApiError(404, [message])


def crashed(message: str) -> ApiError:
    """An exception nobody caught: 500 with its text."""
    return ApiError(500, message, SERVER_ERROR)


class SocketClosedError(Exception):
    """WhatsApp's connection is down. What the caller sees of it depends on the route."""


CONNECTION_CLOSED_BOOM = {
    "data": None,
    "isBoom": True,
    "isServer": False,
    "output": {
        "statusCode": 428,
        "payload": {"statusCode": 428, "error": "Precondition Required", "message": "Connection Closed"},
        "headers": {},
    },
}


def license_required(server_url: str, instance_id: str) -> Response:
    """What 2.4.0 answers on every route until it is activated with its vendor."""
    body = {
        "error": "service not activated",
        "code": "LICENSE_REQUIRED",
        "register_url": f"{server_url}/manager/login",
        "instance_id": instance_id,
        "docs_url": "https://docs.evolutionfoundation.com.br/licensing",
        "message": "This Evolution API instance is not activated.",
    }
    return JSONResponse(body, 503)


def indexed(data: bytes) -> dict[str, int]:
    """Bytes as 2.3.6 and later write them: an object from position to value."""
    return {str(n): byte for n, byte in enumerate(data)}


def long(value: int, *, unsigned: bool = False) -> dict[str, Any]:
    """A 64-bit number as two signed halves; `low` may be negative."""
    low = value & 0xFFFFFFFF
    return {"low": low - (1 << 32) if low >= 1 << 31 else low, "high": value >> 32, "unsigned": unsigned}


def as_stored(value: Any) -> Any:
    """Key order after a trip through the database: shorter names first, then by alphabet."""
    if isinstance(value, dict):
        return {k: as_stored(value[k]) for k in sorted(value, key=lambda name: (len(name), name))}
    if isinstance(value, list):
        return [as_stored(item) for item in value]
    return value
