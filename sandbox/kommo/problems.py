"""Kommo's error answers: application/problem+json, `validation-errors`, and the bare HTML of its front server."""

import json
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import HTMLResponse, Response

TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Time-out",
}
DETAILS = {
    400: "Request validation failed",
    401: "Invalid user name or password",
    402: "Payment required",
    404: "Entity not found",
    405: "Method Not Allowed",
    429: "You have sent too many requests in a given amount of time. Please try again later.",
}
DOCUMENTED_RETRY_AFTER_S = 300


class JsonResponse(Response):
    """JSON with Kommo's media types."""

    def __init__(self, content: Any, status: int = 200, media_type: str = "application/hal+json") -> None:
        super().__init__(json.dumps(content, ensure_ascii=False).encode(), status, media_type=media_type)


def problem(status: int, detail: str | None = None, *, first: dict[str, Any] | None = None, **more: Any) -> Response:
    """An error answer; `first` goes before the title, `more` after the detail, as Kommo orders them."""
    body = {
        **(first or {}),
        "title": TITLES.get(status, "Error"),
        "type": f"https://httpstatus.es/{status}",
        "status": status,
        "detail": detail or DETAILS.get(status, TITLES.get(status, "Error")),
        **more,
    }
    return JsonResponse(body, status, "application/problem+json")


def bare_answer(status: int) -> Response:
    """What Kommo sends with `status` when nothing more is known about the call.

    403 is the front server's block page, 500 has its own shape, the other 5xx are the front server's pages.
    """
    if status < 300:
        return Response(status_code=status)
    if status == 403 or status > 500:
        page = f"{status} {TITLES.get(status, 'Error')}"
        return HTMLResponse(
            f"<html>\r\n<head><title>{page}</title></head>\r\n<body>\r\n<center><h1>{page}</h1></center>\r\n"
            "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
            status,
        )
    if status == 500:
        detail = "Our team are probably already working on the elimination of the problem"
        body = {"title": "ErrInternalServer", "status": 500, "detail": detail, "trace_id": "sandbox"}
        return JsonResponse(body, 500, "application/problem+json")
    if status == 429:
        return problem(429, retry_after=DOCUMENTED_RETRY_AFTER_S)
    return problem(status)


class ApiProblem(Exception):  # noqa: N818 (an answer on its way out, not a programming error)
    """Ends a call with this answer; nothing was changed."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def refuse(status: int, detail: str | None = None, **more: Any) -> ApiProblem:
    return ApiProblem(problem(status, detail, **more))


@dataclass
class Issues:
    """What is wrong with one item of a write."""

    found: list[dict[str, str]] = field(default_factory=list)

    def add(self, code: str, path: str, detail: str) -> None:
        self.found.append({"code": code, "path": path, "detail": detail})

    def missing(self, path: str) -> None:
        self.add("FieldMissing", path, "This field is missing.")

    def wrong_type(self, path: str, wanted: str) -> None:
        self.add("InvalidType", path, f"This value should be of type {wanted}.")

    def bad_choice(self, path: str) -> None:
        self.add("NotSupportedChoice", path, "The value you selected is not a valid choice.")

    def text(self) -> str:
        """One line for a person, e.g. "status_id: The value you selected is not a valid choice."."""
        return "; ".join(f"{issue['path']}: {issue['detail']}" for issue in self.found)


def refuse_invalid(per_item: list[tuple[str, Issues]]) -> None:
    """Raise the 400 that lists every faulty item by its request_id; nothing when all are sound.

    Raises:
        ApiProblem: At least one item has an issue.
    """
    errors = [{"request_id": rid, "errors": issues.found} for rid, issues in per_item if issues.found]
    if errors:
        raise ApiProblem(problem(400, first={"validation-errors": errors}))
