"""How Google's library is called: a pool of threads with a connection each, our own retries, one log line per call.

The library is synchronous. Every call runs in a small thread pool whose size is our concurrency towards Google; each thread has
its own connection because a shared one corrupts. The library's own retry is off: it repeats writes blindly.
"""

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import structlog

from clients.errors import OutcomeUnknownError, ServiceError, UnreachableError
from clients.google_errors import SERVICE, broken_off, refused
from clients.google_login import AnswerError, AuthorizedHttp, Login
from clients.transport import RetryPolicy, attempts

Repeated = type[ServiceError] | tuple[type[ServiceError], ...]
log = structlog.get_logger("clients")


class GoogleCalls:
    """Carries out requests of Google's library. `make` gives a new one per attempt: executing one changes it."""

    def __init__(self, login: Login | None, retry: RetryPolicy, *, timeout_s: float, threads: int) -> None:
        self.retry = retry
        self._login, self._timeout_s = login, retry.answer_s or timeout_s
        self._pool = ThreadPoolExecutor(threads, "google-calendar")
        self._local = threading.local()
        self._connections: list[AuthorizedHttp] = []

    async def close(self) -> None:
        """Lets calls that are under way end (at most the time-out), then hangs up."""
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)
        for connection in self._connections:
            connection.close()

    async def read(self, operation: str, path: str, make: Callable[[], Any], *, on: Repeated = UnreachableError) -> Any:
        """Google's answer to what changes nothing. `path`, with names for ids, is for the log; `on`: errors to repeat after."""
        return await self._call(operation, path, make, UnreachableError, on)

    async def write(
        self,
        operation: str,
        path: str,
        make: Callable[[], Any],
        *,
        on: Repeated = (UnreachableError, OutcomeUnknownError),
    ) -> Any:
        """Google's answer to what changes something. It is repeated even if it may have been carried out, unless `on` says no."""
        return await self._call(operation, path, make, OutcomeUnknownError, on)

    async def _call(
        self, operation: str, path: str, make: Callable[[], Any], lost: type[ServiceError], repeated_on: Repeated
    ) -> Any:
        """`lost` is what it is called when the answer is lost."""
        async for attempt in attempts(self.retry, repeated_on):
            with attempt:
                # As asyncio.to_thread does: the thread's log line belongs to whatever the caller works on.
                context = contextvars.copy_context()
                once = partial(context.run, self._once, operation, path, make(), lost, attempt.num)
                return await asyncio.get_running_loop().run_in_executor(self._pool, once)
        raise AssertionError("unreachable: the retry loop returns or raises")

    def _once(self, operation: str, path: str, request: Any, lost: type[ServiceError], attempt: int) -> Any:
        started = time.monotonic()
        status: int | str = "?"

        def note(response: Any) -> None:
            nonlocal status
            status = int(response.status)

        request.add_response_callback(note)
        try:
            answer = request.execute(http=self._connection(), num_retries=0)
        except AnswerError as error:
            status = error.status
            raise refused(operation, error, lost) from None
        except Exception as error:
            status = type(error).__name__
            self._hang_up()
            raise broken_off(operation, error, lost) from None
        finally:
            ms = round((time.monotonic() - started) * 1000)
            log.info("call", service=SERVICE, method=request.method, path=path, status=status, ms=ms, attempt=attempt)
        if answer and not isinstance(answer, dict):
            # Somebody in between answered for Google; the library hands on as text what is no JSON.
            raise lost(SERVICE, operation, f"status {status}, but no JSON")
        return answer

    def _connection(self) -> AuthorizedHttp:
        if not hasattr(self._local, "connection"):
            self._local.connection = AuthorizedHttp(self._login, self._timeout_s)
            self._connections.append(self._local.connection)
        connection: AuthorizedHttp = self._local.connection
        return connection

    def _hang_up(self) -> None:
        """Gives up this thread's connection: what a broken exchange left on it must not be read as the next answer."""
        connection = self._local.__dict__.pop("connection", None)
        if connection:
            self._connections.remove(connection)
            connection.close()
