"""The door: which token is accepted, as whom it acts, and how many calls a second are let in."""

from collections import deque

from starlette.requests import Request

from sandbox.kommo.core import Core
from sandbox.kommo.problems import refuse


class Gate:
    """Admits API calls. The limiter counts real seconds, also while the sandbox's clock stands still."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._recent: deque[float] = deque()

    def reset(self) -> None:
        self._recent.clear()

    def admit(self, request: Request) -> int:
        """The user id a call acts as.

        Raises:
            ApiProblem: Too many calls (429), account not paid (402), no or wrong token (401).
        """
        options = self._core.state.options
        self._limit(options.rate_limit, options.retry_after)
        if not options.paid:
            raise refuse(402)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self._accepts(token.strip()):
            raise refuse(401, hint="Token has been revoked" if token else "Missing token")
        return self._acting_user(request.headers.get("x-context-user-id"))

    def _accepts(self, token: str) -> bool:
        state = self._core.state
        if state.access_tokens.get(token, 0) > self._core.now():
            return True
        return bool(token) and token == state.options.token

    def _acting_user(self, context: str | None) -> int:
        owner = self._core.state.options.token_user
        user = self._core.user(owner)
        if context and context.isdigit() and user and user.is_admin and self._core.user(int(context)):
            return int(context)
        return owner

    def _limit(self, per_second: int, retry_after_s: int) -> None:
        if not per_second:
            return
        now = self._core.world.clock.monotonic()
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if len(self._recent) >= per_second:
            raise refuse(429, retry_after=retry_after_s)
        self._recent.append(now)
