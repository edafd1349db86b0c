"""Who calls, and POST /token, where service accounts and refresh tokens become access tokens."""

import json
from base64 import urlsafe_b64decode
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid5

from sandbox.google import errors
from sandbox.google.backend import Backend
from sandbox.google.call import Call, Caller
from sandbox.google.scopes import PREFIX, SCOPES, short
from sandbox.google.state import ID_NAMESPACE, Grant

ROBOT = "marcado@solclaro.iam.gserviceaccount.com"
_LIFETIME_S = 3600
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class OAuthError(Exception):
    """A refusal of the token endpoint, whose body is not the API's envelope."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.status = status
        self.body = {"error": error, "error_description": description}


def identify(backend: Backend, call: Call) -> Caller:
    """The caller by their token; without one of ours, the caller the options name.

    Raises:
        ApiError: 401 `authError` for an expired or revoked token, and for a foreign one when `require_token` is set.
    """
    token = _bearer(call)
    grant = backend.state.access_tokens.get(token) if token else None
    options = backend.state.options
    if grant is None:
        email = ROBOT if options.service_account else options.user
        if options.require_token or backend.state.revoked & {token or "", email}:
            raise errors.auth_error()
        return Caller(email, None, options.service_account)
    if grant.expires_at and grant.expires_at <= backend.world.clock.now():
        raise errors.auth_error()
    return Caller(grant.user, frozenset(grant.scopes) if grant.scopes is not None else None, grant.service_account)


def check_scope(caller: Caller, method: str) -> None:
    """Raises ApiError 403 `insufficientPermissions` when no granted scope allows the method."""
    if caller.scopes is not None and not caller.scopes & SCOPES[method]:
        raise errors.insufficient_permissions()


def _bearer(call: Call) -> str | None:
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    return call.text("oauth_token") or call.text("access_token")


def issue(backend: Backend, body: bytes) -> dict[str, Any]:
    """Answers a token request. Raises OAuthError with Google's wording."""
    form = dict(parse_qsl(body.decode("utf-8", "replace")))
    kind = form.get("grant_type")
    if kind == _JWT_BEARER:
        grant = _from_assertion(backend, form.get("assertion", ""))
    elif kind == "refresh_token":
        grant = _from_refresh_token(backend, form)
    else:
        raise OAuthError("unsupported_grant_type", f"Invalid grant_type: {kind or ''}")
    number = backend.state.next_number()
    token = "ya29.sandbox-" + uuid5(ID_NAMESPACE, f"token {backend.state.epoch} {number}").hex
    grant.expires_at = backend.world.clock.now() + timedelta(seconds=_LIFETIME_S)
    grant.issued = True
    backend.state.access_tokens[token] = grant
    answer: dict[str, Any] = {"access_token": token, "expires_in": _LIFETIME_S, "token_type": "Bearer"}
    if grant.scopes is not None:
        answer["scope"] = " ".join(PREFIX + name for name in grant.scopes)
    return answer


def _from_assertion(backend: Backend, assertion: str) -> Grant:
    """A grant from a signed assertion. The signature is not checked: the sandbox knows nobody's key."""
    claims = _claims(assertion)
    robot, user = claims.get("iss"), claims.get("sub")
    if not isinstance(robot, str) or not isinstance(claims.get("scope"), str):
        raise OAuthError("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
    if not user or user == robot:
        _refuse_revoked(backend, robot)
        return Grant(user=robot, scopes=short(claims["scope"]), service_account=True)
    if not backend.state.options.delegation:
        raise OAuthError(
            "unauthorized_client",
            "Client is unauthorized to retrieve access tokens using this method, "
            "or client not authorized for any of the scopes requested.",
            401,
        )
    if user not in backend.state.calendars:
        raise OAuthError("invalid_grant", "Invalid email or User ID")
    _refuse_revoked(backend, user)
    return Grant(user=user, scopes=short(claims["scope"]))


def _claims(assertion: str) -> dict[str, Any]:
    try:
        middle = assertion.split(".")[1]
        claims = json.loads(urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (IndexError, ValueError):
        claims = None
    if not isinstance(claims, dict):
        raise OAuthError("invalid_grant", "Invalid JWT.")
    return claims


def _from_refresh_token(backend: Backend, form: dict[str, str]) -> Grant:
    """A grant from a refresh token; those the seed does not name belong to the options' user and allow everything."""
    token = form.get("refresh_token")
    if not token or not form.get("client_id"):
        raise OAuthError("invalid_request", "Missing required parameter: refresh_token or client_id")
    known = backend.state.refresh_tokens.get(token)
    user = known.user if known else backend.state.options.user
    _refuse_revoked(backend, token)
    _refuse_revoked(backend, user)
    scopes = known.scopes if known else None
    if scopes is None and form.get("scope"):
        scopes = short(form["scope"])
    return Grant(user=user, scopes=scopes)


def _refuse_revoked(backend: Backend, who: str) -> None:
    if who in backend.state.revoked:
        raise OAuthError("invalid_grant", "Token has been expired or revoked.")


def expire(backend: Backend, token: str | None) -> int:
    """Ends one access token, or all that were issued here; returns how many."""
    ended = 0
    for name, grant in backend.state.access_tokens.items():
        if name == token or (token is None and grant.issued):
            grant.expires_at = backend.world.clock.now()
            ended += 1
    return ended


def revoke(backend: Backend, who: str) -> None:
    """Takes access away from a user, a robot or a token: their access tokens end, new ones are refused."""
    backend.state.revoked.add(who)
    for name, grant in list(backend.state.access_tokens.items()):
        if who in (name, grant.user):
            backend.state.revoked.add(name)
            del backend.state.access_tokens[name]
