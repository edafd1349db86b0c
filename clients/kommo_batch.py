"""Lead updates that wait for each other: one alone goes alone, those that pile up meanwhile go together in one call."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from clients.errors import NotFoundError, RefusedError

Change = dict[str, Any]
AT_ONCE = 50  # entities that Kommo advises per write


class LeadWriter:
    """Gathers updates while a call is under way. Each caller gets the outcome of its own lead."""

    def __init__(
        self,
        send_one: Callable[[int, Change], Awaitable[None]],
        send_many: Callable[[dict[int, Change]], Awaitable[set[int]]],
    ) -> None:
        """
        Args:
            send_one: Writes one lead.
            send_many: Writes several in one call; returns the ids that Kommo says it wrote.
        """
        self._send_one, self._send_many = send_one, send_many
        self._waiting: list[tuple[int, Change, asyncio.Future[None]]] = []
        self._runner: asyncio.Task[None] | None = None

    async def write(self, lead_id: int, change: Change) -> None:
        """Returns when the lead is written; raises what its writing raised."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((lead_id, change, done))
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run())
        await done

    async def _run(self) -> None:
        while self._waiting:
            batch = self._next()
            try:
                await self._send(batch)
            except Exception as error:
                for _, _, done in batch:
                    _conclude(done, error)
            except asyncio.CancelledError:
                for _, _, done in [*batch, *self._waiting]:
                    done.cancel()
                raise

    def _next(self) -> list[tuple[int, Change, asyncio.Future[None]]]:
        """The oldest updates, each lead once: a second change of a lead waits for the first."""
        batch: list[tuple[int, Change, asyncio.Future[None]]] = []
        rest = []
        seen: set[int] = set()
        for entry in self._waiting:
            if len(batch) < AT_ONCE and entry[0] not in seen:
                batch.append(entry)
            else:
                rest.append(entry)
            seen.add(entry[0])
        self._waiting = rest
        return batch

    async def _send(self, batch: list[tuple[int, Change, asyncio.Future[None]]]) -> None:
        written: set[int] = set()
        if len(batch) > 1:
            try:
                written = await self._send_many({lead_id: change for lead_id, change, _ in batch})
            except (RefusedError, NotFoundError):
                written = set()  # one of them can't be written, and Kommo then writes none: find out which
        for lead_id, change, done in batch:
            if lead_id in written:
                _conclude(done, None)
                continue
            try:
                await self._send_one(lead_id, change)
            except Exception as error:
                _conclude(done, error)
            else:
                _conclude(done, None)


def _conclude(done: "asyncio.Future[None]", error: Exception | None) -> None:
    if done.done():
        return  # its caller has gone
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
