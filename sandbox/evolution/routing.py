"""The way of every call: parse, license, instance, key, schema, handler; errors in the vendor's shapes."""

import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.evolution.core import Core
from sandbox.evolution.schema import Schema, complaints
from sandbox.evolution.state import Instance
from sandbox.evolution.wire import (
    CONNECTION_CLOSED_BOOM,
    ApiError,
    SocketClosedError,
    bad_request,
    crashed,
    license_required,
    not_found,
)

NIL_INSTANCE_ID = "00000000-0000-4000-8000-000000000000"


@dataclass
class Call:
    """One call that has passed the checks.

    Attributes:
        name: The instance it is for: from the path, unless the query string names another.
        key: The api key it came with.
    """

    core: Core
    name: str
    body: dict[str, Any] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    key: str = ""

    @property
    def inst(self) -> Instance:
        """The instance as it stands now; ask again after an await."""
        inst = self.core.state.instances.get(self.name)
        if inst is None:
            raise crashed("Cannot read properties of undefined (reading 'instanceId')")
        return inst


Handler = Callable[[Call], Any]


def vendor_route(
    core: Core,
    method: str,
    path: str,
    handler: Handler,
    *,
    schema: Schema | None = None,
    status: int = 200,
    bare: bool = False,
) -> Route:
    """A route of the vendor's API.

    Args:
        core: The server.
        method: HTTP method.
        path: With {name} for the instance, where there is one.
        handler: Gets the `Call`; its result is the JSON body. May be a coroutine function.
        schema: What the body must look like.
        status: Of a success.
        bare: The whatsappNumbers way with errors: HTTP 400 and no envelope, whatever went wrong.
    """

    async def endpoint(request: Request) -> Response:
        try:
            body = await _json_body(request)
            if core.state.license_required:
                return _unlicensed(core)
            call = _admit(core, request, body)
        except ApiError as error:
            return error.response()
        try:
            wrong = complaints(call.body, schema) if schema else []
            if wrong:
                raise bad_request(wrong)
            result = handler(call)
            if isinstance(result, Awaitable):
                result = await result
        except ApiError as error:
            return error.bare() if bare else error.response()
        except SocketClosedError:
            return JSONResponse(CONNECTION_CLOSED_BOOM, 400) if bare else crashed("Connection Closed").response()
        return JSONResponse(result, status)

    return Route(path, endpoint, methods=[method])


def unknown_route(core: Core) -> Route:
    """Whatever Evolution does not have, or the sandbox does not imitate."""

    async def endpoint(request: Request) -> Response:
        if core.state.license_required:
            return _unlicensed(core)
        return not_found(f"Cannot {request.method} {request.url.path}").response()

    return Route("/{path:path}", endpoint, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])


async def _json_body(request: Request) -> dict[str, Any]:
    """The body, before anything else is looked at: bad JSON is answered even for an unknown instance."""
    raw = await request.body()
    if not raw or "json" not in request.headers.get("content-type", ""):
        return {}
    try:
        body = json.loads(raw)
    except ValueError as error:
        text = f"Unexpected token in JSON: {error}"
        raise ApiError(400, text, "Internal Server Error") from None
    return body if isinstance(body, dict) else {}


def _admit(core: Core, request: Request, body: dict[str, Any]) -> Call:
    """Instance first, then key. The query string is laid over the path only after both: the vendor's own hole."""
    name = request.path_params.get("name")
    key = request.headers.get("apikey", "")
    instances = core.state.instances
    if name is not None and name not in instances:
        raise not_found(f'The "{name}" instance does not exist')
    if request.url.path == "/instance/create" and body.get("instanceName") in instances:
        raise ApiError(403, [f'This name "{body["instanceName"]}" is already in use.'])
    if request.url.path != "/" and not _opens(core, key, request.url.path, name):
        raise ApiError(401, "Unauthorized")
    query = dict(request.query_params)
    target = query.get("instanceName", name or "") if name is not None else ""
    return Call(core, target, body, query, key)


def _opens(core: Core, key: str, path: str, name: str | None) -> bool:
    if not key:
        return False
    if secrets.compare_digest(key.encode(), core.config.api_key.encode()):
        return True
    if name is not None:
        return core.state.instances[name].token == key
    return path == "/instance/fetchInstances" and any(i.token == key for i in core.state.instances.values())


def _unlicensed(core: Core) -> Response:
    inst = core.state.instances.get(core.config.instance)
    return license_required(core.server_url, inst.id if inst else NIL_INSTANCE_ID)
