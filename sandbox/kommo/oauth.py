"""/oauth2/access_token at the root: codes and refresh tokens for access tokens, when the account has an integration.

A refresh token is spent by its first use; the reference contradicts itself here, and this is the strict reading.
"""

import json
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.kommo.core import Core
from sandbox.kommo.problems import JsonResponse, problem

ACCESS_LIFETIME_S = 24 * 3600
REFRESH_LIFETIME_S = 90 * 24 * 3600


def oauth_route(core: Core) -> Route:
    async def endpoint(request: Request) -> Response:
        return _grant(core, _fields(await request.body()))

    return Route("/oauth2/access_token", endpoint, methods=["POST"])


def _fields(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError:
        return dict(parse_qsl(raw.decode("utf-8", "replace")))
    return body if isinstance(body, dict) else {}


def _grant(core: Core, asked: dict[str, Any]) -> Response:
    oauth = core.state.options.oauth
    names = ("client_id", "client_secret", "redirect_uri")
    if oauth is None or any(asked.get(name) != oauth.get(name) for name in names):
        return problem(401, "Unsupported authentication type", hint="Client authentication failed")
    if asked.get("grant_type") == "authorization_code":
        if not oauth.get("code") or asked.get("code") != oauth["code"]:
            return problem(400, "The authorization code is invalid", hint="Authorization code has been revoked")
        oauth["code"] = ""
    elif asked.get("grant_type") == "refresh_token":
        expiry = core.state.refresh_tokens.pop(str(asked.get("refresh_token")), 0)
        if expiry <= core.now():
            return problem(401, "The refresh token is invalid.", hint="Token has been revoked")
    else:
        return problem(400, "Unsupported grant type")
    return _tokens(core)


def _tokens(core: Core) -> Response:
    core.state.counters["token"] += 1
    number = core.state.counters["token"]
    access, refresh = f"sandbox-access-{number}", f"sandbox-refresh-{number}"
    core.state.access_tokens[access] = core.now() + ACCESS_LIFETIME_S
    core.state.refresh_tokens[refresh] = core.now() + REFRESH_LIFETIME_S
    body = {"token_type": "Bearer", "expires_in": ACCESS_LIFETIME_S, "access_token": access, "refresh_token": refresh}
    return JsonResponse(body, 200, "application/json")
