"""Which Kommo account is ours: its id, by which another account's webhooks are known."""

import asyncio

import structlog

from clients.errors import ServiceError
from clients.kommo import KommoClient

_WAIT_S, _WAIT_MAX_S = 5, 600
log = structlog.get_logger("hooks")


class OwnAccount:
    """`id` is None until Kommo has said it; until then every account's webhooks are taken, being no more than hints."""

    def __init__(self, kommo: KommoClient) -> None:
        self.kommo = kommo
        self.id: int | None = None
        self._asking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to ask, and does so until there is an answer."""
        self._asking = asyncio.create_task(self._ask())

    async def stop(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def learn(self) -> int | None:
        """Asks once.

        Raises:
            ServiceError: Kommo can't be asked.
        """
        found = (await self.kommo.account()).get("id")
        self.id = found if isinstance(found, int) else None
        return self.id

    async def _ask(self) -> None:
        wait_s = _WAIT_S
        while True:
            try:
                await self.learn()
                return
            except ServiceError as error:
                log.warning("own account not known yet", problem=str(error))
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _WAIT_MAX_S)
