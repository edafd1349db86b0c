"""The service as a process that can be killed: `python -m tests.crash.process`, told what to do on its standard input.

It wires the service once, opening nothing, and forks a copy for every start: what a start costs is then the start alone, not the
imports. Each copy is a process of its own with its own port, connections and threads, and dies by SIGKILL.
"""

import asyncio
import ctypes
import importlib
import json
import mmap
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI

from agent.language import language_written
from cli.stack import sandbox_settings, whats_left
from cli.wiring import Service, make_service
from meetings.business import load_business

_PR_SET_PDEATHSIG = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SharedClock:
    """A time that stands still until it is set, read by several processes: microseconds since 1970 in a file of eight bytes."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(8))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 8)

    def now(self) -> datetime:
        return _EPOCH + timedelta(microseconds=struct.unpack("<q", self._memory[:8])[0])

    def set(self, moment: datetime) -> None:
        self._memory[:8] = struct.pack("<q", (moment - _EPOCH) // timedelta(microseconds=1))


class Fuse:
    """Ends this very process with SIGKILL when something has happened for the nth time, counted from `arm` on."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.ends_at: dict[str, int] = {}

    def arm(self, ends_at: dict[str, int]) -> None:
        self.counts, self.ends_at = {}, ends_at

    def count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1
        if self.counts[what] == self.ends_at.get(what):
            os.kill(os.getpid(), signal.SIGKILL)


def watch_commits(fuse: Fuse) -> None:
    """Counts the commits that are about to write something, in the service's database and in the durable engine's."""
    seen: dict[int, int] = {}

    @sa.event.listens_for(sa.engine.Engine, "commit")
    def about_to_commit(connection: sa.Connection) -> None:
        driver: Any = connection.connection.driver_connection
        if not hasattr(driver, "total_changes"):  # not SQLite: each counts
            fuse.count("commit")
            return
        changes = driver.total_changes
        if changes != seen.get(id(driver), 0):
            seen[id(driver)] = changes
            fuse.count("commit")


def watch_webhooks(app: FastAPI, fuse: Fuse) -> Callable[..., Any]:
    """The app, with its answers to webhooks counted: just before they are given, and when they are given."""

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/webhook/"):
            await app(scope, receive, send)
            return

        async def counting_send(message: Any) -> None:
            if message["type"] == "http.response.start":
                fuse.count("before webhook's answer")
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                fuse.count("after webhook's answer")

        await app(scope, receive, counting_send)

    return watched


async def _serve(service: Service, port: int, say: Callable[[str], None]) -> None:
    fuse = Fuse()
    watch_commits(fuse)

    @service.app.get("/_crash/left")
    async def left() -> dict[str, Any]:
        busy, due, ticks = await whats_left(service)
        return {"busy": busy, "due": due.isoformat() if due else None, "ticks": ticks, "counts": fuse.counts}

    @service.app.post("/_crash/arm")
    async def arm(ends_at: dict[str, int]) -> dict[str, int]:
        fuse.arm(ends_at)
        return ends_at

    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(256)
    config = uvicorn.Config(
        watch_webhooks(service.app, fuse), log_level="error", access_log=False, lifespan="on", proxy_headers=False
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([listening]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.002)
    if server.started:
        say(f"up {os.getpid()}")
    await serving


def _warm_up() -> None:
    """Loads what is otherwise loaded at first use: every copy would pay for it anew."""
    for module in (
        "anyio._backends._asyncio",
        "dbos._sys_db_sqlite",
        "langchain_core.tracers.run_collector",
        "langchain_core.tracers.stdout",
        "phonenumbers.data.region_BR",
        "uvicorn.lifespan.on",
        "uvicorn.protocols.http.auto",
    ):
        importlib.import_module(module)
    language_written(["Oi, tudo bem? Quero marcar uma visita"])


def _die_with_parent() -> None:
    """A test run that is killed leaves no service behind (Linux; elsewhere they end with the session)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    _die_with_parent()
    # What the service prints goes to the standard error; the standard output is for the lines that the parent reads.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    wanted: dict[str, Any] = json.loads(sys.stdin.readline())
    clock = SharedClock(Path(wanted["clock"]))
    public_url = f"http://127.0.0.1:{wanted['port']}"
    settings = sandbox_settings(wanted["urls"], public_url, Path("as DATABASE_URL says"), **wanted["settings"])
    business = load_business(Path(wanted["business_file"]), None)
    service = make_service(
        settings, business, now=clock.now, tick_s=wanted["tick_s"], kommo_requests_per_s=200, takeover_lease_s=wanted["lease_s"]
    )

    def say(line: str) -> None:
        answers.write(line + "\n")
        answers.flush()

    _warm_up()
    say("ready")
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            _die_with_parent()
            try:
                asyncio.run(_serve(service, wanted["port"], say))
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        say(f"gone {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    main()
