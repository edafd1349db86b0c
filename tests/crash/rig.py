"""A sandbox here, the service in another process, one clock for both, and worlds that can be put back to how they were."""

import copy
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import httpx

from cli.people import People
from meetings.takeover import LEASE_S
from sandbox.server import Sandbox
from tests.crash.process import SharedClock
from tests.processes import ROOT, environment

BUSINESS = ROOT / "business.toml"
_TICK_S = 0.03
_POLL_S = 0.02
_HORIZON_S = 120  # what is due within this is waited for, by moving the clock


class GoneError(Exception):
    """The service's process has ended."""


@dataclass(frozen=True)
class World:
    """Everything that is, between two acts: what the sandbox's services hold, the service's files, the time."""

    now: datetime
    states: Mapping[str, Any]
    files: Mapping[str, bytes]


class ServiceProcess:
    """A service that is started and killed at will, on a port of its own that nobody else gets."""

    def __init__(self, printed: Path, urls: Mapping[str, str], clock: Path, settings: Mapping[str, Any], lease_s: float) -> None:
        """`printed`: the file for what it prints. `lease_s`: after which a process on the same database counts as dead."""
        self._printed = printed
        # Held, not listened on: while the service is dead nobody answers there.
        self._port = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._port.bind(("127.0.0.1", 0))
        port = self._port.getsockname()[1]
        self._log = self._printed.open("w")
        self._template = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.process"],
            cwd=ROOT,
            env=environment(OPENBLAS_NUM_THREADS=1, OMP_NUM_THREADS=1),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        wanted = {
            "urls": dict(urls),
            "port": port,
            "clock": str(clock),
            "business_file": str(BUSINESS),
            "settings": dict(settings),
            "tick_s": _TICK_S,
            "lease_s": lease_s,
        }
        self._tell(json.dumps(wanted))
        self._http = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )
        self.pid: int | None = None
        assert self._heard() == "ready", self.log()

    def close(self) -> None:
        self.kill()
        self._http.close()
        assert self._template.stdin is not None
        self._template.stdin.close()
        self._template.wait(30)
        assert self._template.stdout is not None
        self._template.stdout.close()
        self._log.close()
        self._port.close()

    def start(self) -> None:
        """Starts the service on what is in its database; returns when it answers."""
        self._tell("start")
        said = self._heard()
        assert said.startswith("up "), f"the service did not start: {said}\n{self.log()}"
        self.pid = int(said.split()[1])

    @property
    def is_alive(self) -> bool:
        return self.pid is not None

    def kill(self) -> None:
        """SIGKILL, unless it is dead already; returns when it is."""
        if self.pid is not None:
            try:
                os.kill(self.pid, signal.SIGKILL)  # a process that is dead stays in the table until its parent has looked
            finally:
                self.bury()

    def bury(self) -> None:
        """Waits for the end of a process that is about to die."""
        said = self._heard()
        assert said == f"gone {-signal.SIGKILL}", f"the service ended otherwise: {said}\n{self.log()}"
        self.pid = None

    def log(self) -> str:
        """The end of what the service has printed."""
        return self._printed.read_text()[-4000:]

    def arm(self, **ends_at: int) -> None:
        """Lets the service kill itself when one of these has happened so often from now on; with none, only counts."""
        self._http.post("/_crash/arm", json={name.replace("_", " "): n for name, n in ends_at.items()}).raise_for_status()

    def left(self) -> dict[str, Any]:
        """What the service is doing, when it will next do something, how often it has looked, what it has counted.

        Raises:
            GoneError: It has died.
        """
        try:
            answer = self._http.get("/_crash/left")
        except httpx.TransportError as error:
            raise GoneError from error
        answer.raise_for_status()
        left: dict[str, Any] = answer.json()
        return left

    def _tell(self, line: str) -> None:
        assert self._template.stdin is not None
        self._template.stdin.write(line + "\n")
        self._template.stdin.flush()

    def _heard(self) -> str:
        assert self._template.stdout is not None
        return self._template.stdout.readline().strip()


class Rig:
    """One sandbox and one service that is started and killed at will. A context manager."""

    names: tuple[str, ...] = ("service",)
    lease_s = LEASE_S

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="marcado-crash-", ignore_cleanup_errors=True)
        self.folder = Path(self._folder.name)
        self.data = self.folder / "data"
        self.data.mkdir()
        self.clock = SharedClock(self.folder / "clock")
        self.sandbox = Sandbox()

    def __enter__(self) -> Self:
        self.sandbox.start()
        self.processes = [self._process(name) for name in self.names]
        self.people = People(self.sandbox.control_url)
        return self

    def __exit__(self, *exc: object) -> None:
        for process in self.processes:
            process.close()
        self.people.close()
        self.sandbox.stop()
        self._folder.cleanup()

    @property
    def process(self) -> ServiceProcess:
        """The only one."""
        (process,) = self.processes
        return process

    @property
    def database_url(self) -> str:
        return f"sqlite:///{self.data / 'marcado.sqlite'}"

    def start(self) -> None:
        for process in self.processes:
            process.start()

    def kill(self) -> None:
        for process in self.processes:
            process.kill()

    def _process(self, name: str) -> ServiceProcess:
        settings = {"LOCALE": "pt-BR", "DATABASE_URL": self.database_url}
        return ServiceProcess(self.folder / f"{name}.log", self.sandbox.urls, self.folder / "clock", settings, self.lease_s)

    # Time and quiet

    def set_time(self, moment: datetime) -> None:
        self.clock.set(moment)
        self.sandbox.world.clock.set(moment)

    def pass_time(self, seconds: float) -> None:
        self.set_time(self.clock.now() + timedelta(seconds=seconds))

    def settle(self, until: Callable[[], bool] = lambda: False, within_s: float = 120) -> None:
        """Waits until nothing more happens by itself, moving the clock to what is due within two minutes.

        Args:
            until: Ends the wait before.

        Raises:
            GoneError: The service has died.
            TimeoutError: Something was still going on.
        """
        deadline = time.monotonic() + within_s
        seen_ticks: list[int] = []
        quiet = 0
        while quiet < 3 and not until():
            lefts = [process.left() for process in self.processes if process.is_alive]
            dues = [datetime.fromisoformat(left["due"]) for left in lefts if left["due"]]
            dues += [item.due for item in self.sandbox.world.deliveries._open if item.state == "waiting"]  # to be repeated
            due = min(dues, default=None)
            ticks = [left["ticks"] for left in lefts]
            if any(left["busy"] for left in lefts) or not self.sandbox.world.deliveries.idle:
                quiet = 0
            elif due is not None and due <= self.clock.now() + timedelta(seconds=_HORIZON_S):
                quiet = 0
                if due > self.clock.now():
                    self.set_time(due)
            elif all(now != before for now, before in zip(ticks, seen_ticks or [-1] * len(ticks), strict=True)):
                quiet += 1
                seen_ticks = ticks
            if time.monotonic() > deadline:
                raise TimeoutError(f"still going on after {within_s:g} s: {lefts}\n{self.processes[0].log()}")
            time.sleep(_POLL_S)

    # Worlds

    def begin(self, now: datetime) -> None:
        """An empty world."""
        self.kill()
        self._wipe()
        self.sandbox.world.reset({})
        self.set_time(now)

    def keep(self) -> World:
        """Kills the service and keeps the world as it is."""
        self.kill()
        return World(
            self.clock.now(),
            {name: copy.deepcopy(service.state) for name, service in self.sandbox.world.services.items()},
            self._records(),
        )

    def put_back(self, world: World) -> None:
        """The world as it was kept, with the service dead."""
        self.kill()
        self._wipe()
        self.sandbox.world.reset({})
        for name, state in world.states.items():
            self.sandbox.world.services[name].state = copy.deepcopy(state)
        self._write_records(world.files)
        self.set_time(world.now)

    def _wipe(self) -> None:
        for file in self.data.iterdir():
            file.unlink()

    def _records(self) -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in self.data.iterdir() if not file.name.endswith("-shm")}

    def _write_records(self, files: Mapping[str, bytes]) -> None:
        for name, content in files.items():
            (self.data / name).write_bytes(content)
