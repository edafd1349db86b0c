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


class Rig:
    """One sandbox and one service that is started and killed at will. A context manager."""

    def __init__(self, **settings: Any) -> None:
        """`settings`: other than the sandbox's own."""
        self._settings = {"LOCALE": "pt-BR", **settings}
        self._folder = tempfile.TemporaryDirectory(prefix="marcado-crash-", ignore_cleanup_errors=True)
        self.folder = Path(self._folder.name)
        self.data = self.folder / "data"
        self.data.mkdir()
        self.clock = SharedClock(self.folder / "clock")
        self.sandbox = Sandbox()
        self._pid: int | None = None

    def __enter__(self) -> Self:
        self.sandbox.start()
        # Held, not listened on: nobody else gets the port, and while the service is dead nobody answers there.
        self._port = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._port.bind(("127.0.0.1", 0))
        port = self._port.getsockname()[1]
        self._log = (self.folder / "service.log").open("w")
        self._template = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.process"],
            cwd=ROOT,
            env=environment(OPENBLAS_NUM_THREADS=1, OMP_NUM_THREADS=1),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self._tell(
            json.dumps(
                {
                    "urls": self.sandbox.urls,
                    "port": port,
                    "database": str(self.data / "marcado.sqlite"),
                    "clock": str(self.folder / "clock"),
                    "business_file": str(BUSINESS),
                    "settings": self._settings,
                    "tick_s": _TICK_S,
                }
            )
        )
        assert self._heard() == "ready"
        self._http = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )
        self.people = People(self.sandbox.control_url)
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()
        self._http.close()
        self.people.close()
        assert self._template.stdin is not None
        self._template.stdin.close()
        self._template.wait(30)
        assert self._template.stdout is not None
        self._template.stdout.close()
        self._log.close()
        self.sandbox.stop()
        self._port.close()
        self._folder.cleanup()

    # The process

    def start(self) -> None:
        """Starts the service on what is in its files; returns when it answers."""
        self._tell("start")
        said = self._heard()
        assert said.startswith("up "), f"the service did not start: {said}\n{self.log()}"
        self._pid = int(said.split()[1])

    @property
    def is_alive(self) -> bool:
        return self._pid is not None

    def kill(self) -> None:
        """SIGKILL, unless it is dead already; returns when it is."""
        if self._pid is not None:
            try:
                os.kill(self._pid, signal.SIGKILL)  # a process that is dead stays in the table until its parent has looked
            finally:
                self.bury()

    def bury(self) -> None:
        """Waits for the end of a process that is about to die."""
        said = self._heard()
        assert said == f"gone {-signal.SIGKILL}", f"the service ended otherwise: {said}\n{self.log()}"
        self._pid = None

    def log(self) -> str:
        """The end of what the service has printed."""
        return (self.folder / "service.log").read_text()[-4000:]

    def arm(self, **ends_at: int) -> None:
        """Lets the service kill itself when one of these has happened so often from now on; with none, only counts."""
        self._http.post("/_crash/arm", json={name.replace("_", " "): n for name, n in ends_at.items()}).raise_for_status()

    def counts(self) -> dict[str, int]:
        """What the service has counted since it was armed."""
        counts: dict[str, int] = self._left()["counts"]
        return counts

    # Time and quiet

    def set_time(self, moment: datetime) -> None:
        self.clock.set(moment)
        self.sandbox.world.clock.set(moment)

    def pass_time(self, seconds: float) -> None:
        self.set_time(self.clock.now() + timedelta(seconds=seconds))

    def settle(self, until: Callable[[], bool] = lambda: False, within_s: float = 60) -> None:
        """Waits until nothing more happens by itself, moving the clock to what is due within two minutes.

        Args:
            until: Ends the wait before.

        Raises:
            GoneError: The service has died.
            TimeoutError: Something was still going on.
        """
        deadline = time.monotonic() + within_s
        seen_ticks = -1
        quiet = 0
        while quiet < 3 and not until():
            left = self._left()
            dues = [datetime.fromisoformat(left["due"])] if left["due"] else []
            dues += [item.due for item in self.sandbox.world.deliveries._open if item.state == "waiting"]  # to be repeated
            due = min(dues, default=None)
            if left["busy"] or not self.sandbox.world.deliveries.idle:
                quiet = 0
            elif due is not None and due <= self.clock.now() + timedelta(seconds=_HORIZON_S):
                quiet = 0
                if due > self.clock.now():
                    self.set_time(due)
            elif left["ticks"] != seen_ticks:
                quiet += 1
            seen_ticks = left["ticks"]
            if time.monotonic() > deadline:
                raise TimeoutError(f"still going on after {within_s:g} s: {left}\n{self.log()}")
            time.sleep(_POLL_S)

    def _left(self) -> dict[str, Any]:
        try:
            answer = self._http.get("/_crash/left")
        except httpx.TransportError as error:
            raise GoneError from error
        answer.raise_for_status()
        left: dict[str, Any] = answer.json()
        return left

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
            {file.name: file.read_bytes() for file in self.data.iterdir() if not file.name.endswith("-shm")},
        )

    def put_back(self, world: World) -> None:
        """The world as it was kept, with the service dead."""
        self.kill()
        self._wipe()
        self.sandbox.world.reset({})
        for name, state in world.states.items():
            self.sandbox.world.services[name].state = copy.deepcopy(state)
        for name, content in world.files.items():
            (self.data / name).write_bytes(content)
        self.set_time(world.now)

    def _wipe(self) -> None:
        for file in self.data.iterdir():
            file.unlink()

    def _tell(self, line: str) -> None:
        assert self._template.stdin is not None
        self._template.stdin.write(line + "\n")
        self._template.stdin.flush()

    def _heard(self) -> str:
        assert self._template.stdout is not None
        return self._template.stdout.readline().strip()
