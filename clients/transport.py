"""One HTTP call as the three JSON clients need it: time-outs, bounded retries, rate limit, one log line, our errors."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import stamina
import structlog
from aiolimiter import AsyncLimiter

from clients.errors import BusyError, OutcomeUnknownError, ServiceError, UnreachableError

log = structlog.get_logger("clients")

# Failures that come before the request has left us.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long one call is repeated.

    Attributes:
        attempts: Calls in all, the first included.
        total_s: No new attempt starts after this many seconds.
        wait_s: First wait in seconds; it doubles, with as much jitter again, up to `wait_max_s`.
        wait_max_s: Longest wait in seconds. A service that asks for more is not waited for here: the error says so.
    """

    attempts: int = 4
    total_s: float = 20.0
    wait_s: float = 0.3
    wait_max_s: float = 5.0


# Given a response that is not a success, the error to raise.
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
            timeout=timeout_s,
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
    ) -> httpx.Response:
        """The service's answer with a status below 300.

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

        def wait_for(error: Exception) -> bool | float:
            if isinstance(error, BusyError):
                if error.retry_after_s is None:
                    return True
                return error.retry_after_s if error.retry_after_s <= self.retry.wait_max_s else False
            return isinstance(error, UnreachableError)

        async for attempt in stamina.retry_context(
            on=wait_for,
            attempts=self.retry.attempts,
            timeout=self.retry.total_s,
            wait_initial=self.retry.wait_s,
            wait_max=self.retry.wait_max_s,
            wait_jitter=self.retry.wait_s,
        ):
            with attempt:
                return await self._once(
                    operation, method, path, template or path, params, json, is_safe, timeout_s, attempt.num
                )
        raise AssertionError("unreachable: the retry loop returns or raises")

    async def _once(
        self,
        operation: str,
        method: str,
        path: str,
        template: str,
        params: Mapping[str, Any] | None,
        json: Any,
        is_safe: bool,
        timeout_s: float | None,
        attempt: int,
    ) -> httpx.Response:
        if self._limiter:
            await self._limiter.acquire()
        started = time.monotonic()
        outcome: int | str = "?"
        try:
            answer = await self._http.request(
                method,
                path,
                params=params,
                json=json,
                timeout=timeout_s if timeout_s is not None else httpx.USE_CLIENT_DEFAULT,
            )
            outcome = answer.status_code
        except httpx.HTTPError as error:
            outcome = type(error).__name__
            if is_safe or isinstance(error, _NOT_SENT):
                raise UnreachableError(self.service, operation, outcome) from None
            raise OutcomeUnknownError(self.service, operation, outcome) from None
        finally:
            log.info(
                "call",
                service=self.service,
                method=method,
                path=template,
                status=outcome,
                ms=round((time.monotonic() - started) * 1000),
                attempt=attempt,
            )
        if answer.status_code < 300:
            return answer
        raise self._error_of(answer, operation, is_safe)


def retry_after_s(answer: httpx.Response, now: datetime | None = None) -> float | None:
    """Seconds the Retry-After header asks for (a number or an HTTP date), None without one."""
    value = answer.headers.get("retry-after")
    if not value:
        return None
    if value.isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def server_trouble(service: str, operation: str, answer: httpx.Response, is_safe: bool) -> ServiceError:
    """The error for a 5xx: a read may be repeated, a write may have been carried out before the answer broke."""
    kind = UnreachableError if is_safe else OutcomeUnknownError
    return kind(service, operation, f"status {answer.status_code}")
