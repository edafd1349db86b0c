"""One HTTP call as the JSON clients need it: time-outs, bounded retries, rate limit, one log line, our errors."""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import stamina
import structlog
from aiolimiter import AsyncLimiter

from clients.errors import BusyError, NoAnswerError, OutcomeUnknownError, RefusedError, ServiceError, UnreachableError

log = structlog.get_logger("clients")

# Failures that come before the request has left us.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.ProxyError,
    httpx.LocalProtocolError,
)


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long one call is repeated.

    Attributes:
        attempts: Calls in all, the first included.
        total_s: After this many seconds no wait for another attempt begins.
        wait_s: First wait in seconds; it doubles, with as much jitter again, up to `wait_max_s`.
        wait_max_s: Longest wait in seconds. A service that asks for more is not waited for here: the error says so.
        answer_s: Longest wait for one answer; None for each client's own, which suits the service.
    """

    attempts: int = 4
    total_s: float = 20.0
    wait_s: float = 0.3
    wait_max_s: float = 5.0
    answer_s: float | None = None


def attempts(policy: RetryPolicy, on: type[ServiceError] | tuple[type[ServiceError], ...]) -> AsyncIterator[stamina.Attempt]:
    """The attempts of one call, for `async for attempt in …: with attempt: return …`.

    Args:
        on: The errors after which the call may be repeated; any other one ends it. A busy service's own wait is kept to.
    """

    def wait_for(error: Exception) -> bool | float:
        if not isinstance(error, on):
            return False
        asked_s = error.retry_after_s if isinstance(error, BusyError) else None
        if asked_s is None:
            return True
        return max(asked_s, policy.wait_s) if asked_s <= policy.wait_max_s else False

    return stamina.retry_context(
        on=wait_for,
        attempts=policy.attempts,
        timeout=policy.total_s,
        wait_initial=policy.wait_s,
        wait_max=policy.wait_max_s,
        wait_jitter=policy.wait_s,
    )


# Given a response of status 400 or more, the operation and whether a repeat is safe: the error to raise.
ErrorOf = Callable[[httpx.Response, str, bool], ServiceError]


class Transport:
    """Calls one service. Redirects are not followed: they would carry the token elsewhere."""

    def __init__(
        self,
        service: str,
        base_url: str,
        headers: Mapping[str, str],
        *,
        error_of: ErrorOf,
        timeout_s: float = 15.0,
        retry: RetryPolicy | None = None,
        limiter: AsyncLimiter | None = None,
    ) -> None:
        self.service = service
        self.retry = retry or RetryPolicy()
        self._error_of = error_of
        self._limiter = limiter
        self._http = httpx.AsyncClient(
            base_url=base_url,
            headers=dict(headers),
            timeout=self.retry.answer_s or timeout_s,
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_connections=16, max_keepalive_connections=4, keepalive_expiry=4),
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def call(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        template: str | None = None,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        safe: bool | None = None,
        timeout_s: float | None = None,
    ) -> Any:
        """The JSON of a successful answer, None when it came without a body.

        Args:
            operation: What this is, in our words, for errors and the log.
            path: Below the base URL, ids filled in.
            template: The same path with names for ids, for the log; defaults to `path`.
            safe: Whether a repeat changes nothing. Defaults to True for GET, False otherwise. An unsafe call is repeated only
                when it surely was not carried out.
            timeout_s: Seconds to wait for this call's answer, when it needs more than usual.

        Raises:
            ServiceError: Of the kind that says what to do next.
        """
        is_safe = method == "GET" if safe is None else safe
        own_s = None if timeout_s is None else self.retry.answer_s or timeout_s
        timeout = httpx.USE_CLIENT_DEFAULT if own_s is None else own_s
        async for attempt in attempts(self.retry, UnreachableError):
            with attempt:
                if self._limiter:
                    await self._limiter.acquire()
                request = self._http.build_request(method, path, params=params, json=json, timeout=timeout)
                answer = await self._send(operation, request, template or path, is_safe, attempt.num)
                return self._body(operation, answer, is_safe)
        raise AssertionError("unreachable: the retry loop returns or raises")

    async def _send(self, operation: str, request: httpx.Request, template: str, is_safe: bool, attempt: int) -> httpx.Response:
        started = time.monotonic()
        outcome: int | str = "cancelled"
        try:
            answer = await self._http.send(request)
            outcome = answer.status_code
            return answer
        except httpx.HTTPError as error:
            outcome = type(error).__name__
            kind = UnreachableError if is_safe or isinstance(error, _NOT_SENT) else NoAnswerError
            raise kind(self.service, operation, outcome) from None
        finally:
            log.info(
                "call",
                service=self.service,
                method=request.method,
                path=template,
                status=outcome,
                ms=round((time.monotonic() - started) * 1000),
                attempt=attempt,
            )

    def _body(self, operation: str, answer: httpx.Response, is_safe: bool) -> Any:
        status = answer.status_code
        if status >= 400:
            raise self._error_of(answer, operation, is_safe)
        if status >= 300:
            raise RefusedError(self.service, operation, f"status {status}, a redirect: is the address right?")
        if not answer.content:
            return None
        try:
            return answer.json()
        except ValueError:
            # Somebody in between answered for the service: whether it ever saw the call is not known.
            kind = UnreachableError if is_safe else OutcomeUnknownError
            raise kind(self.service, operation, f"status {status}, but no JSON") from None


def retry_after_s(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds a Retry-After header asks for (a number or an HTTP date), None without a readable one."""
    if not value:
        return None
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    # A date whose zone is written "-0000" comes without one; HTTP dates are UTC.
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def server_trouble(service: str, operation: str, status: int, is_safe: bool) -> ServiceError:
    """The error for a 5xx or 408: a safe call may be repeated, another may have been carried out before the answer broke."""
    kind = UnreachableError if is_safe else OutcomeUnknownError
    return kind(service, operation, f"status {status}")
