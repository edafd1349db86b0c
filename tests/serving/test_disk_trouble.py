"""A disk that is full or read-only under a running service: webhooks are refused with 503, readiness is red, nothing is lost."""

import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from cli.people import People
from cli.stack import SANDBOX_VALUES, sandbox_urls
from sandbox.server import Sandbox
from tests.processes import ROOT, Running, environment

pytestmark = pytest.mark.long

TOKEN = SANDBOX_VALUES["WEBHOOK_TOKEN"]
JID = "5511987654321@s.whatsapp.net"


class Served:
    """`marcado serve` in another process, whose disk may be one of its own."""

    def __init__(self, process: Running, sandbox: Sandbox, pid: int, disk: Path) -> None:
        self.process, self.pid, self.disk = process, pid, disk
        self.url = process.wait_for(r"http://127\.0\.0\.1:\d+")[0]
        self.people = People(sandbox.control_url)
        self.people.do("/model/mind", mind="script")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.people.close()

    def on_disk(self, command: str) -> None:
        """A shell command that sees the service's disk."""
        found = ["nsenter", "--target", str(self.pid), "--mount", "sh", "-c", command]
        subprocess.run(found, check=False, capture_output=True)

    def writes(self, text: str, message_id: str) -> int:
        """The customer writes; the answer to Evolution's webhook."""
        data = {
            "key": {"remoteJid": JID, "fromMe": False, "id": message_id},
            "pushName": "Maria Souza",
            "message": {"conversation": text},
            "messageType": "conversation",
            "messageTimestamp": int(time.time()),
        }
        return self._post("/webhook/evolution", json={"event": "messages.upsert", "instance": "marcado", "data": data})

    def kommo_tells(self, task_id: int) -> int:
        form = {"task[update][0][id]": task_id, "task[update][0][element_id]": 1, "task[update][0][element_type]": 2}
        return self._post("/webhook/kommo/events", data={key: str(value) for key, value in form.items()})

    def ready(self) -> httpx.Response:
        return httpx.get(f"{self.url}/readyz", trust_env=False, timeout=60)

    def messages(self) -> list[tuple[str, str]]:
        """Whose they are and how far they got, as the service has them on record."""
        script = f"import sqlite3; print(*sqlite3.connect('{self.disk}/m.sqlite').execute('SELECT author, state FROM message'))"
        command = ["nsenter", "--target", str(self.pid), "--mount", sys.executable, "-c", script]
        shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return re.findall(r"\('(\w+)', '(\w+)'\)", shown)

    def fill(self, size: int) -> int:
        """A webhook that is for nobody, yet kept."""
        data = {"remoteJid": JID, "pushName": "é " * size}
        return self._post("/webhook/evolution", json={"event": "contacts.update", "instance": "marcado", "data": data})

    def _post(self, path: str, **body: Any) -> int:
        return httpx.post(f"{self.url}{path}", params={"token": TOKEN}, trust_env=False, timeout=60, **body).status_code


@contextmanager
def serving(sandbox: Sandbox, folder: Path, *wrapped: str) -> Iterator[tuple[Running, Path]]:
    settings = {**SANDBOX_VALUES, **sandbox_urls(sandbox.urls), "BUSINESS_FILE": ROOT / "business.toml"}
    env = environment(**settings, DATABASE_URL=f"sqlite:///{folder}/m.sqlite", DEBOUNCE_SILENCE_S=0.1, LOCALE="en")
    command = [*wrapped, sys.executable, "-m", "cli", "serve", "--port", "0"]
    with Running("-c", "import os, sys; os.execvp(sys.argv[1], sys.argv[1:])", *command, cwd=folder.parent, env=env) as process:
        yield process, folder


def own_disk(folder: Path) -> list[str]:
    """The command before a command that gives it a small disk at that folder, gone when it ends."""
    mounting = f'mount -t tmpfs -o size=6m tmpfs {folder} && exec "$@"'
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", mounting, "sh"]


def may_mount() -> bool:
    if os.geteuid() or not shutil.which("unshare") or not shutil.which("nsenter"):
        return False
    tried = ["unshare", "--mount", "--propagation", "private", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
    return subprocess.run(tried, check=False, capture_output=True).returncode == 0


@contextmanager
def frozen(*files: Path) -> Iterator[None]:
    """Nobody may write these files, not even who had opened them before."""
    subprocess.run(["chattr", "+i", *map(str, files)], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", *map(str, files)], check=True, capture_output=True)


def may_freeze(probe: Path) -> bool:
    with probe.open("w") as file:
        try:
            with frozen(probe):
                os.write(file.fileno(), b"x")
        except PermissionError:
            return True
        except (OSError, subprocess.CalledProcessError):
            pass
    return False


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as served:
        yield served


@pytest.fixture
def on_own_disk(sandbox: Sandbox, tmp_path: Path) -> Iterator[Served]:
    if not may_mount():
        pytest.skip("this machine lets nobody mount a disk; the bounded file size is tried all the same")
    folder = tmp_path / "disk"
    folder.mkdir()
    with (
        serving(sandbox, folder, *own_disk(folder)) as (process, disk),
        Served(process, sandbox, process.process.pid, disk) as served,
    ):
        yield served


def wait_until(condition: Callable[[], object], bound_s: float = 60) -> None:
    deadline = time.monotonic() + bound_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def refuses_while(served: Served, says: str) -> None:
    """Both webhooks are told to try again, and readiness names the trouble."""
    assert served.writes("Oi", "A1") == 503
    assert served.kommo_tells(77) == 503
    ready = served.ready()
    assert ready.status_code == 503
    assert says in ready.json()["checks"]["database"], ready.text
    assert httpx.get(f"{served.url}/healthz", trust_env=False).status_code == 200


def goes_on(served: Served) -> None:
    """The senders' next tries are taken, and the customer is answered once."""
    served.people.do("/model/script", steps=[{"say": "Qual é o valor da sua conta?"}])
    wait_until(lambda: served.writes("Oi", "A1") == 200)
    assert served.writes("Oi", "A1") == 200  # a repeat of a repeat
    assert served.kommo_tells(77) == 200
    wait_until(lambda: served.ready().status_code == 200)
    wait_until(lambda: served.messages() == [("customer", "answered"), ("agent", "sent")])
    assert len(served.people.told()) == 1
    assert "Traceback" not in served.process.output


def test_a_full_disk(on_own_disk: Served) -> None:
    served = on_own_disk
    assert served.ready().status_code == 200
    for size in (50_000, 1_000, 10):  # until what SQLite still had of its own is used up, too
        served.on_disk(f"cat /dev/zero >> {served.disk}/filler")
        wait_until(lambda size=size: all(served.fill(size) == 503 for _ in range(5)))  # type: ignore[misc]
    refuses_while(served, "full")
    served.on_disk(f"rm {served.disk}/filler")
    goes_on(served)


def test_files_that_became_read_only(sandbox: Sandbox, tmp_path: Path) -> None:
    if not may_freeze(tmp_path / "probe"):
        pytest.skip("this file system knows no files that nobody may write; the bounded file size is tried all the same")
    with serving(sandbox, tmp_path) as (process, disk), Served(process, sandbox, process.process.pid, disk) as served:
        assert served.ready().status_code == 200
        # Not the -shm files: they are mapped into memory, and writing to a frozen mapping ends a process by a signal.
        with frozen(*(path for path in tmp_path.glob("m.*") if not path.name.endswith("-shm"))):
            refuses_while(served, "")
        goes_on(served)


def test_files_that_may_not_grow(sandbox: Sandbox, tmp_path: Path) -> None:
    with serving(sandbox, tmp_path) as (process, disk), Served(process, sandbox, process.process.pid, disk) as served:
        assert served.ready().status_code == 200
        before = resource.prlimit(served.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(served.pid, resource.RLIMIT_FSIZE, (4096, before[1]))
        refuses_while(served, "")
        resource.prlimit(served.pid, resource.RLIMIT_FSIZE, before)
        goes_on(served)
