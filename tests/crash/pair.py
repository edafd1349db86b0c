"""Two services on one PostgreSQL database: one is killed, the other is left to go on alone."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psycopg

from tests.crash.crashing import CALL, Border, Recording, hold, prepare, record
from tests.crash.matrix import flow_named
from tests.crash.picture import differences, picture
from tests.crash.rig import Rig

_BIN = (Path("/usr/lib/postgresql"), Path("/opt/homebrew"), Path("/usr/local"))


class Cluster:
    """A PostgreSQL server of our own, in a temporary folder. A context manager.

    Raises:
        FileNotFoundError: PostgreSQL is not installed (apt install postgresql).
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="marcado-pg-", ignore_cleanup_errors=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    def __enter__(self) -> Self:
        folder = Path(self._folder.name)
        user = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
        if user:
            shutil.chown(folder, user)
        data = folder / "data"
        init = [_program("initdb"), "-D", str(data), "-U", "marcado", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(init, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)
        # fsync off: what is killed here is the service, never the server.
        options = ["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1", "-c", f"port={self.port}", "-c", "max_connections=200"]
        self._log = (folder / "server.log").open("w")
        self._server = subprocess.Popen(
            [_program("postgres"), "-D", str(data), "-k", str(folder), *options], user=user, cwd=folder, stderr=self._log
        )
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.dsn("postgres")).close()
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, "PostgreSQL did not start"
                time.sleep(0.05)
            else:
                return self

    def __exit__(self, *exc: object) -> None:
        self._server.terminate()
        self._server.wait(30)
        self._log.close()
        self._folder.cleanup()

    def dsn(self, database: str) -> str:
        return f"postgresql://marcado@127.0.0.1:{self.port}/{database}"

    def copy(self, source: str, target: str) -> None:
        """Makes a database anew as a copy of another; nobody may be connected to the other."""
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {target} WITH (FORCE)".encode())
            connection.execute(f"CREATE DATABASE {target} TEMPLATE {source}".encode())


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        found = next((str(path) for folder in _BIN for path in sorted(folder.glob(f"*/bin/{name}"))), None)
    if found is None:
        raise FileNotFoundError(f"{name} is not there; install PostgreSQL (apt install postgresql)")
    return found


class Pair(Rig):
    """One sandbox and two services on one database."""

    names = ("first", "second")

    def __init__(self, cluster: Cluster) -> None:
        super().__init__()
        self.cluster = cluster

    @property
    def database_url(self) -> str:
        return self.cluster.dsn("live")

    def owners(self) -> set[int]:
        """Process ids of those that have a workflow under way."""
        with psycopg.connect(self.database_url) as connection:
            rows = connection.execute("SELECT executor_id FROM dbos.workflow_status WHERE status = 'PENDING'")
            return {int(str(row[0]).split(":")[1]) for row in rows}

    def _wipe(self) -> None:
        self.cluster.copy("template1", "live")

    def _records(self) -> dict[str, bytes]:
        self.cluster.copy("live", "kept")
        return {}

    def _write_records(self, files: Mapping[str, bytes]) -> None:
        self.cluster.copy("kept", "live")


@dataclass
class TakenOver:
    """What became of one border: real seconds from the kill until the survivor had done everything, and what differs then."""

    flow: str
    border: Border
    was_reached: bool
    seconds: float = 0.0
    differences: list[str] = field(default_factory=list)


def take_over(pair: Pair, recording: Recording, border: Border) -> TakenOver:
    """The flow with the process that makes the call killed there, and nothing started anew."""
    pair.put_back(recording.before)
    pair.start()
    with hold(pair, border) as is_held:
        recording.flow.act(pair)
        pair.settle(until=is_held)
        if not is_held():
            pair.kill()
            return TakenOver(recording.flow.name, border, was_reached=False)
        owners = pair.owners()
        # What looks at calendars runs in every process and belongs to no workflow: then either may have made the call.
        victim = next((process for process in pair.processes if process.pid in owners), pair.processes[0])
        victim.kill()
        began = time.monotonic()
    pair.settle()
    took_s = time.monotonic() - began
    left = differences(recording.picture, picture(pair.people, pair.database_url))
    pair.kill()
    return TakenOver(recording.flow.name, border, was_reached=True, seconds=took_s, differences=left)


def take_over_all(names: Sequence[str], lease_s: float) -> Iterator[TakenOver]:
    """Every outside call of these flows, before and after it: the process that makes it is killed, the other goes on.

    Args:
        lease_s: Real seconds after which a process that is not heard of counts as dead.
    """
    Pair.lease_s = lease_s
    with Cluster() as cluster, Pair(cluster) as pair:
        for name in names:
            flow = flow_named(name)
            recording = record(pair, flow, prepare(pair, flow))
            for border in recording.borders:
                if border.kind == CALL:
                    yield take_over(pair, recording, border)
