"""`marcado serve` as an operator runs it: another process, configured by the environment alone."""

import signal
import time
from pathlib import Path

import httpx
import pytest

from cli.people import People
from cli.stack import SANDBOX_VALUES, sandbox_urls
from sandbox.server import Sandbox
from tests.processes import ROOT, Running, environment


def test_serve_talks_to_the_configured_servers_alone(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        settings = {**SANDBOX_VALUES, **sandbox_urls(sandbox.urls), "BUSINESS_FILE": ROOT / "business.toml"}
        env = environment(**settings, DATABASE_URL=f"sqlite:///{tmp_path}/m.sqlite", DEBOUNCE_SILENCE_S=0.1, LOCALE="en")
        with Running("-m", "cli", "serve", "--port", "0", cwd=tmp_path, env=env) as service:
            url = service.wait_for(r"http://127\.0\.0\.1:\d+")[0]
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
            service.process.send_signal(signal.SIGTERM)
            assert service.ended() in (0, -signal.SIGTERM, 128 + signal.SIGTERM)


def test_serve_lists_every_missing_setting_with_its_meaning(tmp_path: Path) -> None:
    with Running("-m", "cli", "serve", cwd=tmp_path, env=environment(KOMMO_BASE_URL="acme.kommo.com", LOCALE="en")) as process:
        assert process.ended() == 2
    output = process.output
    for name in ("KOMMO_BASE_URL", "KOMMO_ACCESS_TOKEN", "EVOLUTION_API_KEY", "WEBHOOK_TOKEN", "OPENAI_API_KEY"):
        assert name in output
    assert "must start with https://" in output
    assert "Keys and scopes" in output


@pytest.mark.long
@pytest.mark.parametrize("locale", ["pt-BR", "es", "en"])
def test_run_without_a_terminal_takes_the_tour_and_succeeds(tmp_path: Path, locale: str) -> None:
    env = environment(LOCALE=locale, COLUMNS=100)
    business = str(ROOT / "business.toml")
    with Running("-m", "cli", "run", "--business", business, cwd=tmp_path, env=env) as process:
        assert process.ended(110) == 0, process.output
    assert process.output.count("✔") == 7
    assert "cancelled" in process.output
    assert "Traceback" not in process.output
