"""One API call: who calls, what was sent, and the way from path and method to a handler."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.kommo.access import Gate
from sandbox.kommo.core import Core
from sandbox.kommo.phpform import Tree, as_list, parse
from sandbox.kommo.problems import ApiProblem, Issues, JsonResponse, problem, refuse, refuse_invalid
from sandbox.kommo.reader import Reader

MAX_ITEMS = 250
METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]

Read = TypeVar("Read")


@dataclass
class Call:
    """A call that was let in.

    Attributes:
        core: The account.
        actor: The user id it acts as.
        path: What the path names.
        query: The query, nested as PHP nests it.
        raw: The body.
        url: The address called.
    """

    core: Core
    actor: int
    path: dict[str, Any]
    query: Tree
    raw: bytes
    url: URL

    @property
    def base(self) -> str:
        """Where links point: the address called, so that a client on loopback may follow them."""
        return f"{self.url.scheme}://{self.url.netloc}/api/v4"

    @property
    def wanted(self) -> set[str]:
        """The words of the `with` parameter."""
        return set(as_list(self.query.get("with")))

    def number(self, name: str = "id") -> int:
        """An id from the path."""
        return int(self.path[name])

    def need_admin(self) -> None:
        """Refuse everyone but administrators.

        Raises:
            ApiProblem: The acting user is none (403).
        """
        user = self.core.user(self.actor)
        if user is None or not user.is_admin:
            raise refuse(403, "Method is available for administrators only")

    def body(self) -> Any:
        if not self.raw.strip():
            raise refuse(400, "Request data can not be empty")
        try:
            body = json.loads(self.raw)
        except ValueError as error:
            raise refuse(400, "Request body is not valid JSON") from error
        if body in ({}, []):
            raise refuse(400, "Request data can not be empty")
        return body

    def obj(self) -> dict[str, Any]:
        """The body of a call that takes one object.

        Raises:
            ApiProblem: The body is empty, no JSON, or an array (400).
        """
        body = self.body()
        if not isinstance(body, dict):
            raise refuse(400, "Invalid data: an object is expected")
        return body

    def items(self, limit: int = MAX_ITEMS) -> list[dict[str, Any]]:
        """The body of a call that takes an array of objects.

        Raises:
            ApiProblem: The body is empty, no JSON, or an object (400), or has too many items (422).
        """
        body = self.body()
        if not isinstance(body, list) or not all(isinstance(item, dict) for item in body):
            raise refuse(400, "Invalid data: an array of objects is expected")
        if len(body) > limit:
            raise refuse(422, f"Limit {limit} per page")
        return body

    def link(self, *parts: Any) -> dict[str, Any]:
        """`_links` with a self link below the API's root."""
        return {"self": {"href": "/".join([self.base, *map(str, parts)])}}


def check_all(items: list[dict[str, Any]], read: Callable[[Reader], Read]) -> list[tuple[str, Read]]:
    """Every item with its request_id (its index unless given), checked by `read`.

    Raises:
        ApiProblem: Any item is faulty (400 with validation-errors); then nothing may be applied.
    """
    issues = [(str(item.get("request_id", index)), Issues()) for index, item in enumerate(items)]
    changes = [read(Reader(item, found)) for item, (_, found) in zip(items, issues, strict=True)]
    refuse_invalid(issues)
    return [(request_id, change) for (request_id, _), change in zip(issues, changes, strict=True)]


def gone(core: Core) -> ApiProblem:
    """The answer to a change of something that is not there; Kommo's is not documented."""
    status = core.state.options.missing_write
    if status == 204:
        return ApiProblem(Response(status_code=204))
    if status == 404:
        return refuse(404)
    issues = Issues()
    issues.bad_choice("id")
    return ApiProblem(problem(400, first={"validation-errors": [{"request_id": "0", "errors": issues.found}]}))


Handler = Callable[[Call], Any]


def api_route(core: Core, gate: Gate, path: str, handlers: dict[str, Handler]) -> Route:
    """A path of the API. A handler's dict or list is answered with 200, None with 204; other methods get 405."""

    async def endpoint(request: Request) -> Response:
        raw = await request.body()
        # From here on nothing awaits: a handler reads and writes the state in one go.
        try:
            actor = gate.admit(request)
            handler = handlers.get(request.method)
            if handler is None:
                return problem(405)
            call = Call(core, actor, request.path_params, parse(request.url.query), raw, request.url)
            with core.acting(through_api=True):
                result = handler(call)
        except ApiProblem as refused:
            return refused.response
        if result is None:
            return Response(status_code=204)
        return result if isinstance(result, Response) else JsonResponse(result)

    return Route("/api/v4" + path, endpoint, methods=METHODS)
