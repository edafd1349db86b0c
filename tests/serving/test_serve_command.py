"""`marcado serve` as an operator runs it: another process, configured by the environment alone."""

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from cli.people import People
from cli.stack import SANDBOX_VALUES, sandbox_urls
from sandbox.server import Sandbox

ROOT = Path(__file__).parents[2]


def environment(**values: object) -> dict[str, str]:
    """Only what a process needs to run, and these settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), **{name: str(value) for name, value in values.items()}}


def marcado(*arguments: str, cwd: Path, env: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "cli", *arguments], cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def read_until(
    process: subprocess.Popen[str], pattern: str, bound_s: float = 60
) -> tuple[re.Match[str], threading.Thread]:
    """The first match in the process's output, and the thread that goes on reading it."""
    lines: queue.Queue[str] = queue.Queue()
    assert process.stdout is not None
    stream = process.stdout
    reader = threading.Thread(target=lambda: [lines.put(line) for line in stream], daemon=True)
    reader.start()
    seen = ""
    deadline = time.monotonic() + bound_s
    while time.monotonic() < deadline:
        try:
            seen += lines.get(timeout=0.2)
        except queue.Empty:
            assert process.poll() is None, seen
        if found := re.search(pattern, seen):
            return found, reader
    raise AssertionError(f"{pattern} did not appear in: {seen}")


def test_serve_talks_to_the_configured_servers_alone(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        settings = {**SANDBOX_VALUES, **sandbox_urls(sandbox.urls), "BUSINESS_FILE": ROOT / "business.toml"}
        env = environment(**settings, DATABASE_URL=f"sqlite:///{tmp_path}/m.sqlite", DEBOUNCE_SILENCE_S=0.1, LOCALE="en")
        process = marcado("serve", "--port", "0", cwd=tmp_path, env=env)
        try:
            found, reader = read_until(process, r"http://127\.0\.0\.1:\d+")
            url = found[0]
            people = People(sandbox.control_url)
            token = SANDBOX_VALUES["WEBHOOK_TOKEN"]
            webhook = {"enabled": True, "url": f"{url}/webhook/evolution?token={token}", "events": ["MESSAGES_UPSERT"]}
            httpx.post(
                f"{sandbox.urls['evolution']}/webhook/set/marcado",
                json={"webhook": webhook},
                headers={"apikey": SANDBOX_VALUES["EVOLUTION_API_KEY"]},
                trust_env=False,
            ).raise_for_status()
            people.customer_says("Oi")
            deadline = time.monotonic() + 30
            while not people.told():
                assert time.monotonic() < deadline, "no answer"
                time.sleep(0.05)
            assert {r["service"] for r in sandbox.world.requests} >= {"kommo", "evolution", "openai"}
            people.close()
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) in (0, -signal.SIGTERM, 128 + signal.SIGTERM)
            reader.join(10)
            assert process.stdout is not None
            process.stdout.close()


def test_serve_lists_every_missing_setting_with_its_meaning(tmp_path: Path) -> None:
    process = marcado("serve", cwd=tmp_path, env=environment(KOMMO_BASE_URL="acme.kommo.com", LOCALE="en"))
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    for name in ("KOMMO_BASE_URL", "KOMMO_ACCESS_TOKEN", "EVOLUTION_API_KEY", "WEBHOOK_TOKEN", "OPENAI_API_KEY"):
        assert name in output
    assert "must start with https://" in output
    assert "Keys and scopes" in output


@pytest.mark.parametrize("locale", ["pt-BR", "es", "en"])
def test_run_without_a_terminal_takes_the_tour_and_succeeds(tmp_path: Path, locale: str) -> None:
    env = environment(LOCALE=locale, COLUMNS=100)
    business = str(ROOT / "business.toml")
    process = subprocess.run(
        [sys.executable, "-m", "cli", "run", "--business", business],
        cwd=tmp_path,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    assert process.stdout.count("✔") == 7
    assert "cancelled" in process.stdout
    assert process.stderr == ""
