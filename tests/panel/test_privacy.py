"""Export and erasure as an operator runs them beside the service: after them nothing of the phone is left with us."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from panel_scene import ROOT, book, in_database, panel_stack, say, talk
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cli.people import People
from cli.stack import SANDBOX_VALUES, Stack, sandbox_urls
from cli.wiring import Service
from meetings.forgotten import Forgotten
from meetings.privacy import Privacy, PrivacyRefusedError
from meetings.tables import Customer, Erased
from tests.processes import environment

pytestmark = pytest.mark.long

KEY = "a-privacy-key-of-more-than-32-characters"
PHONE = "+5511987654321"
TRACES = ("5511987654321", "551187654321", "11987654321", "98765-4321", "Maria Souza", "quero saber de energia solar")


@pytest.fixture
def scene() -> Iterator[tuple[Stack, People]]:
    with panel_stack(PRIVACY_KEY=KEY) as (stack, people):
        yield stack, people


def marcado(stack: Stack, *arguments: str, code: int = 0, key: str = KEY) -> str:
    values = {
        **SANDBOX_VALUES,
        **sandbox_urls(stack.sandbox.urls),
        "DATABASE_URL": f"sqlite:///{stack.database}",
        "BUSINESS_FILE": ROOT / "business.toml",
        "LOCALE": "en",
        "COLUMNS": 160,
        "PRIVACY_KEY": key,
    }
    done = subprocess.run(
        [sys.executable, "-m", "cli", "privacy", *arguments],
        cwd=stack.database.parent,
        env=environment(**values),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def traces(folder: Path) -> list[str]:
    """What of the customer stands in the database's files, byte for byte, their logs included."""
    files = [path for path in folder.iterdir() if ".sqlite" in path.name]
    assert {"marcado.sqlite", "marcado.engine.sqlite"} <= {path.name for path in files}
    return [f"{word!r} in {path.name}" for path in files for word in TRACES if word.encode() in path.read_bytes()]


def has_met(stack: Stack, people: People) -> None:
    """The customer has booked, the time has come and gone, and the seller closed the task."""
    book(stack, people)
    stack.sandbox.world.clock.advance(3 * 24 * 3600)
    people.seller_completes_task("Tudo certo")
    stack.settle()


def test_an_export_holds_what_was_said_booked_and_written(scene: tuple[Stack, People]) -> None:
    stack, people = scene
    book(stack, people)
    held = json.loads(marcado(stack, "export", PHONE))
    assert held["records"]["customer"][0]["phone"] == PHONE
    assert "Oi, quero saber de energia solar" in [message["text"] for message in held["records"]["message"]]
    assert {answer["criterion"] for answer in held["records"]["answer"]} == {"bill", "property", "owner"}
    assert len(held["records"]["meeting"]) == 1
    assert any("800 reais" in note for note in held["kommo"]["notes"])
    assert PHONE in held["calendar"][0]["description"]
    assert all(
        PHONE[1:] in body["body"] or "lead" in body["event"] or "task" in body["event"] for body in held["records"]["webhook"]
    )


def test_after_an_erasure_nothing_of_the_person_is_in_our_files(scene: tuple[Stack, People]) -> None:
    stack, people = scene
    has_met(stack, people)
    folder = stack.database.parent
    assert traces(folder)
    stack.stop_service()
    assert "Erased" in marcado(stack, "erase", PHONE, "--yes")
    assert traces(folder) == []
    state = people.state()
    event = next(iter(people.events()))
    assert event.summary == "Data erased at the customer's request"
    notes = [note["params"]["text"] for note in state["kommo"]["notes"] if "text" in note["params"]]
    assert "Data erased at the customer's request" in notes
    assert not [text for text in notes if "800 reais" in text]
    assert "Nobody with that number" in marcado(stack, "erase", PHONE, "--yes", code=2)


def test_an_erasure_beside_the_running_service_leaves_it_working(scene: tuple[Stack, People]) -> None:
    stack, people = scene
    has_met(stack, people)
    marcado(stack, "erase", PHONE, "--yes")
    assert in_database(stack, lambda session: session.scalar(select(Customer.phone))) is None
    talk(stack, people, "Oi de novo", say("Oi! Aqui é a Clara, assistente virtual da Sol Claro Energia. Como posso ajudar?"))
    phones = in_database(stack, lambda session: session.scalar(select(Customer.phone).where(Customer.phone.is_not(None))))
    assert phones == PHONE


def test_a_meeting_ahead_must_be_cancelled_first(scene: tuple[Stack, People]) -> None:
    stack, people = scene
    book(stack, people)

    async def erase(service: Service) -> None:  # with the service's time; the command has that of the wall
        await Privacy(service.db, service.kommo, service.calendar, Forgotten(KEY), stack.now, locale="en").erase(PHONE)

    with pytest.raises(PrivacyRefusedError, match="meeting_ahead"):
        stack.call(erase)
    assert in_database(stack, lambda session: session.scalar(select(Customer.phone))) == PHONE


def test_an_opt_out_is_remembered_without_the_number(scene: tuple[Stack, People]) -> None:
    stack, people = scene
    talk(stack, people, "Parar")
    assert "PRIVACY_KEY" in marcado(stack, "erase", PHONE, "--yes", code=2, key="")
    marcado(stack, "erase", PHONE, "--yes")
    assert in_database(stack, _marks) == 1
    talk(stack, people, "Oi", say("Oi! Aqui é a Clara, assistente virtual da Sol Claro Energia. Como posso ajudar?"))
    since = in_database(stack, lambda session: session.scalar(select(Customer.opted_out_at).where(Customer.phone == PHONE)))
    assert since is not None


async def _marks(session: AsyncSession) -> int:
    return len(list(await session.scalars(select(Erased))))


def test_without_a_yes_nothing_is_erased(scene: tuple[Stack, People]) -> None:
    stack, people = scene
    talk(stack, people, "Parar")
    marcado(stack, "erase", PHONE, code=1)
    assert in_database(stack, lambda session: session.scalar(select(Customer.phone))) == PHONE
