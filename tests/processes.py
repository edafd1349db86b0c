"""Running our commands as other processes, as an operator would."""

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[1]


def environment(**values: object) -> dict[str, str]:
    """Only what a process needs to run, and these settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), **{name: str(value) for name, value in values.items()}}


class Running:
    """A process whose output is read as it comes. A context manager: it is terminated at the end."""

    def __init__(self, *arguments: str, cwd: Path, env: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.ended()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line

    def wait_for(self, pattern: str, bound_s: float = 60) -> re.Match[str]:
        """The first match in the output so far or to come."""
        deadline = time.monotonic() + bound_s
        while True:
            if found := re.search(pattern, self.output):
                return found
            assert time.monotonic() < deadline, f"{pattern!r} did not appear in: {self.output}"
            assert self.process.poll() is None, f"ended without {pattern!r}: {self.output}"
            time.sleep(0.02)

    def ended(self, bound_s: float = 60) -> int:
        """The exit code, once the process has ended by itself or was told to."""
        code = self.process.wait(bound_s)
        self._reader.join(10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code
