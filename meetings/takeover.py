"""Several processes on one PostgreSQL database: each says that it lives, and takes up the work of one that has died.

The durable engine gives a process back only its own work. With SQLite there is one process, which has one name for ever; with
PostgreSQL a process has a new name at every start, and the work of names that are heard of no more goes to whoever sees it first.
"""

import asyncio
import os
import secrets
import socket

import structlog
from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from meetings.database import Database
from meetings.lanes import Lanes
from meetings.tables import Worker

log = structlog.get_logger("takeover")
LEASE_S = 15.0


class Takeover:
    """This process's sign of life, and its look at the others'. Does nothing on SQLite."""

    def __init__(self, db: Database, lanes: Lanes, *, lease_s: float = LEASE_S) -> None:
        """`lease_s`: real seconds after which a process that is not heard of counts as dead."""
        self.db, self.lanes, self.lease_s = db, lanes, lease_s
        self._task: asyncio.Task[None] | None = None
        self._is_stopping = asyncio.Event()

    async def join(self) -> None:
        """Before the engine is started: gives this process its name; whoever looks from then on sees that it lives."""
        if not self.db.is_sqlite:
            self.lanes.executor_id = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
            await self._beat()

    def start(self) -> None:
        """Once the engine has started: goes on saying so, and looks after the others."""
        if not self.db.is_sqlite:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Before the engine is stopped: says so no more."""
        self._is_stopping.set()
        if self._task:
            await self._task

    async def leave(self) -> None:
        """Once the engine has stopped: what was left undone is anybody's at once."""
        if not self.db.is_sqlite:
            async with self.db.transaction() as session:
                await session.execute(delete(Worker).where(Worker.executor_id == self.lanes.executor_id))

    async def look(self) -> list[str]:
        """Takes up the work of processes that are heard of no more; returns their names."""
        owners = await self.lanes.owners()
        async with self.db.transaction() as session:
            since = func.clock_timestamp() - text("make_interval(secs => :lease)").bindparams(lease=self.lease_s)
            living = set(await session.scalars(select(Worker.executor_id).where(Worker.seen_at > since)))
            await session.execute(delete(Worker).where(Worker.executor_id.not_in(living | {self.lanes.executor_id})))
        dead = sorted(owners - living - {self.lanes.executor_id})
        if dead:
            await self.lanes.take_over(dead)
            log.warning("work taken over", processes=len(dead))
        return dead

    async def _beat(self) -> None:
        async with self.db.transaction() as session:
            row = insert(Worker).values(executor_id=self.lanes.executor_id, seen_at=func.clock_timestamp())
            await session.execute(
                row.on_conflict_do_update(index_elements=["executor_id"], set_={"seen_at": func.clock_timestamp()})
            )

    async def _run(self) -> None:
        while not self._is_stopping.is_set():
            try:
                await self._beat()
                await self.look()
            except Exception as error:
                # A database in trouble must not end this loop: without it nobody would take over, or all would be taken for dead.
                log.error("takeover failed", problem=type(error).__name__)
            try:
                await asyncio.wait_for(self._is_stopping.wait(), self.lease_s / 5)
            except TimeoutError:
                continue
