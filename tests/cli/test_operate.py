"""`marcado why` and `marcado sweep` as an operator runs them, beside a service's records and the sandbox's servers."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from agreement import Office
from meeting_scene import Scene, served

from cli.stack import SANDBOX_VALUES, sandbox_urls
from tests.processes import ROOT, environment


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with served() as one:
        yield one


@pytest.fixture
def office(scene: Scene) -> Iterator[Office]:
    one = Office(scene)
    try:
        yield one
    finally:
        one.close()


def marcado(office: Office, *arguments: str, locale: str = "en", code: int = 0, **settings: str) -> str:
    values = {
        **SANDBOX_VALUES,
        **sandbox_urls(office.scene.urls),
        "DATABASE_URL": f"sqlite:///{office.folder / 'marcado.sqlite'}",
        "BUSINESS_FILE": ROOT / "business.toml",
        "LOCALE": locale,
        "COLUMNS": 160,
        **settings,
    }
    done = subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        cwd=office.folder,
        env=environment(**values),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def comes_later(office: Office) -> None:
    """Moves the meeting to where it is still to come by the real clock, which commands go by."""
    where = {"calendar_id": office.meeting().calendar_id, "event_id": office.meeting().event_id}
    office.act("/calendar/event/move", **where, start="2099-03-10T14:00:00-03:00")
    office.look(None)
    office.passes(60)
    office.look(None)
    assert office.meeting().starts_at.year == 2099


@pytest.mark.long
def test_a_sweep_that_finds_agreement_says_so(office: Office) -> None:
    comes_later(office)
    assert "All in agreement: 1 meeting compared" in marcado(office, "sweep", "--dry-run")


def test_a_dry_run_shows_what_disagrees_and_changes_nothing(office: Office) -> None:
    comes_later(office)
    office.act("/seller/task/delete", task_id=office.task_id)
    for _ in range(2):
        shown = marcado(office, "sweep", "--dry-run")
        assert "#1" in shown
        assert "the meeting's task was deleted" in shown
        assert "cancelled" in shown
        assert "Nothing was changed" in shown
    assert office.meeting().look_at is None
    assert office.meeting().status == "scheduled"


@pytest.mark.long
def test_a_sweep_by_hand_has_the_service_look(office: Office) -> None:
    comes_later(office)
    fields = {"google_calendar_link": None}
    office.act("/seller/lead/edit", lead_id=office.lead_id, custom_fields=fields)
    shown = marcado(office, "sweep")
    assert "differs from what is agreed: lead" in shown
    assert "put back as agreed" in shown
    assert office.meeting().look_at is not None
    office.look(None)
    office.check()
    assert "All in agreement" in marcado(office, "sweep")


@pytest.mark.long
def test_a_sweep_by_hand_repairs_our_webhooks_and_a_dry_run_only_tells(office: Office) -> None:
    here = {"PUBLIC_URL": "http://127.0.0.1:9"}
    for _ in range(2):
        assert "Kommo webhook: does not exist" in (shown := marcado(office, "sweep", "--dry-run", **here))
        assert "repaired" not in shown
    shown = marcado(office, "sweep", **here)
    assert "Kommo webhook: does not exist (repaired now)" in shown
    assert "Evolution webhook: does not exist (repaired now)" in shown
    assert "Kommo webhook: all right" in marcado(office, "sweep", "--dry-run", **here)


def test_a_sweep_without_kommo_names_the_trouble(office: Office) -> None:
    office.act("/faults", service="kommo", status=401, times=-1)
    try:
        shown = marcado(office, "sweep", code=2)
        assert "Could not compare" in shown
        assert "401" in shown
    finally:
        office.scene._http.delete("/_sandbox/faults")


@pytest.mark.parametrize("name", ["1", "#1", "+5511987654321", "11 98765-4321"])
def test_why_tells_the_story_of_a_meeting(office: Office, name: str) -> None:
    office.passes(36 * 3600)  # the meeting is over
    office.act("/seller/task/complete", task_id=office.task_id, result="não veio")
    office.calm_down()
    shown = marcado(office, "why", name)
    assert "Maria Souza (+5511987654321) with Ana Ribeiro" in shown
    assert "the customer chose an offered time" in shown
    assert "the task was completed with a result that says the customer did not come" in shown
    assert "seller · task" in shown
    assert "Sentimos" in shown or "sentimos" in shown


@pytest.mark.long
@pytest.mark.parametrize(("locale", "said"), [("pt-BR", "o cliente pediu para cancelar"), ("es", "el cliente pidió cancelar")])
def test_why_speaks_the_operators_language_and_quotes_the_customer(office: Office, locale: str, said: str) -> None:
    office.customer_cancels()
    office.calm_down()
    shown = marcado(office, "why", "1", locale=locale)
    assert said in shown
    assert "mudança de planos" in shown


def test_why_without_such_a_meeting_says_what_to_give(office: Office) -> None:
    shown = marcado(office, "why", "99", code=2)
    assert "There is no meeting for 99" in shown
    assert "#12" in shown


def test_the_help_names_both(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli", "--help"],
        cwd=tmp_path,
        env=environment(LOCALE="en", COLUMNS=140),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "why" in done.stdout
    assert "sweep" in done.stdout


@pytest.mark.long
def test_why_without_a_meeting_tells_what_waits_and_since_when(office: Office) -> None:
    assert "Nothing waits." in marcado(office, "why")
    office.scene.control("/faults", service="kommo", status=502, times=-1)
    office.customer_cancels()
    office.due()
    said = marcado(office, "why")
    assert "meetings not yet everywhere as agreed" in said
    assert "status 502" in said
    assert "Reminders, invitations and questions go out." in said


def test_messages_unasked_are_stopped_and_resumed_from_the_terminal(office: Office) -> None:
    assert "go out" in marcado(office, "proactive")
    assert "somebody stopped it" in marcado(office, "proactive", "--stop")
    assert "marcado proactive --resume" in marcado(office, "proactive")
    assert "go out" in marcado(office, "proactive", "--resume")
