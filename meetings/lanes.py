"""The durable engine, behind one small class: workflows that survive a kill, one at a time per customer.

Everything that changes a customer's state runs in that customer's lane: a turn of the conversation, a look at Kommo, the settling
of a meeting. So an answer in the making and a seller's cancellation never overtake each other, in however many processes.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetEnqueueOptions, SetWorkflowID, StepOptions
from sqlalchemy.engine import URL

from meetings.files import engine_file

QUEUE = "lanes"
# A constant: with DBOS's default (a hash of the code) workflows of the version before would never be finished.
APPLICATION_VERSION = "1"
_UNFINISHED = ["PENDING", "ENQUEUED", "DELAYED"]
_TRIES = 1000  # of a step that must succeed in the end: more than a month


def lane_of(customer_id: int) -> str:
    """The lane of a customer's work."""
    return f"customer:{customer_id}"


class Lanes:
    """Registers, enqueues and recovers workflows. One instance per process at a time (DBOS is process-wide)."""

    def __init__(self, url: URL, *, executor_id: str = "marcado", concurrency: int = 16, poll_s: float = 0.1) -> None:
        """
        Args:
            url: The application's database. With SQLite the engine keeps a file of its own beside it.
            executor_id: This process's name in the engine's records, which may be set until the start. Then it takes up what it
                left under that name, so no two processes may share one.
            concurrency: Customers served at the same time by this process.
            poll_s: Seconds between two looks at the queue.
        """
        self._url, self.executor_id = url, executor_id
        self._concurrency, self._poll_s = concurrency, poll_s
        self._pending: dict[str, Callable[..., Awaitable[Any]]] = {}
        self._workflows: dict[str, Any] = {}

    def register(self, name: str, function: Callable[..., Awaitable[Any]]) -> None:
        """Declares a workflow under a name that outlives refactoring, e.g. "turn.v1". Before `start`.

        Arguments and result must be plain JSON. Between its steps the function must be deterministic.
        """
        self._pending[name] = function

    async def start(self) -> None:
        """Opens the engine, takes up unfinished workflows, begins to serve. Call on the loop that runs the workflows."""
        config: DBOSConfig = {
            "name": "marcado",
            "application_version": APPLICATION_VERSION,
            "executor_id": self.executor_id,
            "log_level": "ERROR",
            "serializer": DBOSPortableJSONSerializer(),  # the default would keep pickles in the database
            # Nothing of ours waits for the engine's notifications, but stopping waits for one look at them (else a second).
            "notification_listener_polling_interval_sec": self._poll_s,
        }
        if self._url.get_backend_name() == "sqlite":
            config["system_database_engine"] = _sqlite_engine(engine_file(Path(self._url.database or "")))
        else:
            config["system_database_url"] = self._url.render_as_string(hide_password=False)
        DBOS(config=config)
        for name, function in self._pending.items():
            self._workflows[name] = DBOS.workflow(name=name)(_as_function(function))
        DBOS.launch()
        await DBOS.register_queue_async(
            QUEUE, polling_interval_sec=self._poll_s, worker_concurrency=self._concurrency, partition_concurrency=1
        )

    async def stop(self, drain_s: int = 15) -> None:
        """Ends this process's part. Running workflows get `drain_s` seconds; the rest goes on at the next start."""
        running = await DBOS.list_workflows_async(status="PENDING", load_input=False, load_output=False)
        is_running = any(workflow.executor_id == self.executor_id for workflow in running)
        await asyncio.to_thread(DBOS.destroy, destroy_registry=True, workflow_completion_timeout_sec=drain_s if is_running else 0)
        # The engine made its thread pool the loop's own and has closed it; others still need one.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())

    async def enqueue(self, workflow: str, *args: Any, lane: str, workflow_id: str) -> None:
        """Puts a workflow at the end of a lane. The same id again is a no-op."""
        with SetWorkflowID(workflow_id), SetEnqueueOptions(queue_partition_key=lane):
            await DBOS.enqueue_workflow_async(QUEUE, self._workflows[workflow], *args)

    async def step(self, name: str, function: Callable[[], Awaitable[Any]], *, keep_trying: bool = False) -> Any:
        """Runs a step of the current workflow: its result (plain JSON) is kept, a replay does not run it again.

        Args:
            keep_trying: Whether the step is repeated when it raises, after 1, 2, 4 … 3600 seconds, until it succeeds. Its lane
                waits meanwhile.
        """

        async def call() -> Any:  # the engine tells coroutine functions from others by looking; a lambda hides it
            return await function()

        options: StepOptions = {"name": name}
        if keep_trying:
            options |= {"retries_allowed": True, "interval_seconds": 1.0, "backoff_rate": 2.0, "max_attempts": _TRIES}
        return await DBOS.run_step_async(options, call)

    async def owners(self) -> set[str]:
        """The names of the processes whose workflows are under way, dead ones among them."""
        running = await DBOS.list_workflows_async(status="PENDING", load_input=False, load_output=False)
        return {workflow.executor_id for workflow in running if workflow.executor_id}

    async def take_over(self, executor_ids: list[str]) -> None:
        """Puts the workflows of dead processes back into their lanes, to go on where they stopped. Several processes may do so
        at the same time: each workflow is taken from its owner once.
        """
        # Not public in DBOS, whose paid service would do it; that is why its minor release is pinned.
        await asyncio.to_thread(DBOS._recover_pending_workflows, executor_ids)  # noqa: SLF001

    async def unfinished(self) -> list[str]:
        """Ids of the workflows that wait or run."""
        found = await DBOS.list_workflows_async(status=_UNFINISHED, load_input=False, load_output=False)
        return [workflow.workflow_id for workflow in found]


class LaneBusyError(Exception):
    """Something of that lane waits or runs."""


def forget_lane(url: URL, lane: str) -> int:
    """Deletes what the engine keeps of a lane's finished workflows, arguments and results of steps; how many there were.

    Blocking; the service may be running.

    Raises:
        LaneBusyError: One of them is not finished.
    """
    is_sqlite = url.get_backend_name() == "sqlite"
    if is_sqlite and not engine_file(Path(url.database or "")).is_file():
        return 0
    engine = _sqlite_engine(engine_file(Path(url.database or ""))) if is_sqlite else sa.create_engine(url, hide_parameters=True)
    try:
        with engine.begin() as connection:
            tables = sa.MetaData()
            tables.reflect(connection, schema=None if is_sqlite else _schema_of(connection))
            by_name = {table.name: table for table in tables.tables.values()}
            status = by_name.get("workflow_status")
            if status is None:
                return 0
            mine = sa.select(status.c.workflow_uuid).where(status.c.queue_partition_key == lane)
            if connection.scalar(mine.where(status.c.status.in_(_UNFINISHED)).limit(1)) is not None:
                raise LaneBusyError(lane)
            ids = list(connection.scalars(mine))
            # The table that the others point to comes last.
            for table in sorted(by_name.values(), key=lambda one: one is status):
                for name in ("workflow_uuid", "destination_uuid"):
                    if name in table.c:
                        connection.execute(sa.delete(table).where(table.c[name].in_(ids)))
        return len(ids)
    finally:
        engine.dispose()


def _schema_of(connection: sa.Connection) -> str:
    """Where the engine's tables are on PostgreSQL."""
    return next(name for name in sa.inspect(connection).get_schema_names() if name.startswith("dbos"))


def _as_function(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def workflow(*args: Any) -> Any:
        return await method(*args)

    return workflow


def _sqlite_engine(path: Path) -> sa.Engine:
    # Few connections: SQLite has one writer and many waiting ones are served unfairly.
    engine = sa.create_engine(f"sqlite:///{path}", pool_size=3, max_overflow=0, hide_parameters=True)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        # Below Python 3.12 DBOS asks SQLite for whole seconds, strftime('%s', 'now'), which breaks first-in-first-out within
        # a lane; from 3.12 on for unixepoch('subsec'), which SQLite before 3.42 doesn't know. Both get fractions here.
        connection.create_function("strftime", 2, _strftime)
        connection.create_function("unixepoch", 1, lambda _: time.time())

    return engine


def _strftime(form: str, when: str) -> float | str:
    return time.time() if (form, when) == ("%s", "now") else datetime.now(UTC).strftime(form)
