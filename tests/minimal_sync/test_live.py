"""test_minimal_sync.py --live, with a sandbox in the place of the real accounts."""

from pathlib import Path

import pytest

from cli.people import People
from cli.stack import SANDBOX_VALUES, sandbox_urls
from sandbox.server import Sandbox
from tests.processes import ROOT, Running, environment

pytestmark = pytest.mark.long

SCRIPT = str(ROOT / "test_minimal_sync.py")


def accounts(sandbox: Sandbox, **more: object) -> dict[str, str]:
    settings = {**SANDBOX_VALUES, **sandbox_urls(sandbox.urls), "BUSINESS_FILE": ROOT / "business.toml", "LOCALE": "en"}
    return environment(**settings, COLUMNS=200, **more)


def test_live_books_waits_for_the_person_in_kommo_and_cleans_up(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        people = People(sandbox.control_url)
        arguments = (SCRIPT, "--live", "--yes", "--phone", "+55 11 98765-4321", "--hand-wait", "60")
        with Running(*arguments, cwd=tmp_path, env=accounts(sandbox)) as script:
            script.wait_for(r"Now delete the task in Kommo: http://\S+/leads/detail/\d+")
            people.seller_deletes_task()
            assert script.ended(100) == 0, script.output
        assert "✔ Customer told of the cancellation" in script.output
        assert "✔ Test data cleaned up" in script.output
        lead = people.lead()
        assert (lead["tags"], lead["status_id"]) == (["marcado-teste"], 143)
        assert all(event.is_cancelled for event in people.events())
        assert all(task["is_completed"] for task in people.tasks())
        told_after_cleaning = [t for t in people.told() if "foi cancelada pela" in t]
        assert len(told_after_cleaning) == 1  # the cleaning itself tells nobody anything
        assert people.state()["kommo"]["webhooks"] == []  # nothing was registered on the account
        people.close()


def test_live_needs_a_phone_and_touches_nothing_without_one(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        with Running(SCRIPT, "--live", "--yes", cwd=tmp_path, env=accounts(sandbox)) as script:
            assert script.ended() == 2
        assert "--phone" in script.output
        assert sandbox.world.requests == []


def test_live_asks_first_and_no_answer_is_a_no(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        with Running(SCRIPT, "--live", "--phone", "+5511987654321", cwd=tmp_path, env=accounts(sandbox)) as script:
            assert script.ended() == 2
        assert "Nothing was done." in script.output
        assert sandbox.world.requests == []


def test_live_names_what_is_missing_in_the_settings(tmp_path: Path) -> None:
    with Running(SCRIPT, "--live", "--phone", "+5511987654321", cwd=tmp_path, env=environment(LOCALE="en")) as script:
        assert script.ended() == 2
    assert "KOMMO_ACCESS_TOKEN: missing" in script.output
