"""test_minimal_sync.py must fail, with a clear line, when any one of the effects is lost. Here each is lost in silence."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli.minimal_sync import run_on_sandbox
from cli.settings import operator_catalogue
from sandbox.delivery import DeliveryFault
from sandbox.faults import Fault
from sandbox.server import Sandbox

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
ALWAYS = -1

# What is swallowed (the call is answered as usual and has no effect) → the line that must say so.
LOST: dict[str, tuple[dict[str, Any], str]] = {
    "event not created": ({"service": "google", "method": "POST", "path": "/events$"}, "sync_event"),
    "event not cancelled": ({"service": "google", "method": "DELETE", "path": "/events/"}, "sync_cancelled"),
    "link and status not saved": ({"service": "kommo", "method": "PATCH", "path": "/leads/"}, "sync_link"),
    "status not saved on cancellation": (
        {"service": "kommo", "method": "PATCH", "path": "/leads/", "skip": 1},
        "sync_status_cancelled",
    ),
    "status not saved on completion": (
        {"service": "kommo", "method": "PATCH", "path": "/leads/", "skip": 3},
        "sync_status_completed",
    ),
    "task not created": ({"service": "kommo", "method": "POST", "path": "/tasks$"}, "sync_task"),
}


@pytest.mark.parametrize(("fault", "line"), LOST.values(), ids=LOST.keys())
def test_a_lost_effect_fails_the_sync_test_with_its_line(fault: dict[str, Any], line: str) -> None:
    def lose(sandbox: Sandbox) -> None:
        sandbox.world.faults.add(Fault(**fault, times=ALWAYS, swallow=True))

    assert_fails_at(line, lose)


# Messages to the customer, by the words they hold.
UNSENT = {
    "confirmation": ("✅ Marcado", "sync_confirmed"),
    "cancellation": ("foi cancelada pela", "sync_told"),
    "thanks": ("brigado pela", "sync_thanked"),
}


@pytest.mark.parametrize(("words", "line"), UNSENT.values(), ids=UNSENT.keys())
def test_a_notice_that_is_not_sent_fails_the_sync_test_with_its_line(words: str, line: str) -> None:
    def lose(sandbox: Sandbox) -> None:
        sandbox.world.faults.add(
            Fault(service="evolution", method="POST", path="/message/sendText", body_has=words, times=ALWAYS, swallow=True)
        )

    assert_fails_at(line, lose)


def test_lost_webhooks_fail_the_sync_test_before_the_sweep_could_help() -> None:
    def lose(sandbox: Sandbox) -> None:
        sandbox.world.deliveries.faults.append(DeliveryFault("kommo", "lose", times=ALWAYS))

    assert_fails_at("sync_cancelled", lose)


def assert_fails_at(line: str, lose: Any) -> None:
    words = operator_catalogue(None)
    console = Console(file=StringIO(), width=200)
    passed = run_on_sandbox(words, console, wait_s=6, business_file=ROOT / "business.toml", prepare=lose)
    output = console.file.getvalue()
    failures = [text for text in output.splitlines() if text.startswith("✘")]
    assert not passed, output
    assert len(failures) == 1, output
    assert failures[0].startswith(f"✘ {words.text(line)}: "), output
