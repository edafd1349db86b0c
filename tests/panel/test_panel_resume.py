"""Resuming and pausing the agent, pressed on the page or typed in a terminal: what customers then get."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cli.people import People
from cli.stack import SANDBOX_VALUES, Stack, sandbox_urls
from meetings.customers import UNTIL_TAKEN_OFF, is_paused
from meetings.database import Database
from meetings.tables import Customer, MessageState
from tests.meetings.meeting_scene import add_customer, add_message, new_file
from tests.panel.panel_scene import HELLO, Operator, customer_named, in_database, operator, panel_stack, say, talk
from tests.processes import Running, environment

PATH = "/conversations/1"


@pytest.fixture
def scene() -> Iterator[tuple[Stack, People, Operator]]:
    with panel_stack() as (stack, people), operator(stack) as op:
        talk(stack, people, "Oi", say(HELLO))
        yield stack, people, op


def press(stack: Stack, people: People, op: Operator, what: str, *model: dict[str, Any]) -> str:
    """Presses a button, lets everything come to rest, and reads the page it leads to."""
    people.do("/model/script", steps=list(model))
    answer = op.post(f"{PATH}/{what}")
    assert answer.status_code == 303
    stack.settle()
    state = people.state()["openai"]
    assert (state["unexpected"], state["remaining"]) == ([], [])
    return op.page(answer.headers["location"].removeprefix("/panel"))


def read_by_the_model(stack: Stack) -> list[str]:
    """The messages the model was last given, oldest first."""
    url = f"{stack.sandbox.urls['openai']}/_sandbox/model/requests"
    body = httpx.get(url, trust_env=False).json()[-1]
    return [str(message["content"]) for message in body["messages"]]


# --- on the page ------------------------------------------------------------------------------------------------------


def test_after_a_seller_wrote_resuming_lets_the_agent_answer_with_all_that_was_said(
    scene: tuple[Stack, People, Operator],
) -> None:
    stack, people, op = scene
    people.seller_types("Oi Maria, aqui é a Ana. O medidor eu levo!")
    stack.settle()
    talk(stack, people, "Que bom! Preciso separar a última conta?")
    assert "1 mensagem do cliente está sem resposta. Clara responde assim que você retomar" in op.page(PATH)
    page = press(stack, people, op, "resume", say("Precisa sim, Maria! Qual é o valor médio da sua conta?"))
    assert "Agente retomado. Ele responde agora" in page
    assert "Agente ativo" in page
    assert people.told()[-1].startswith("Precisa sim")
    assert any("O medidor eu levo!" in text for text in read_by_the_model(stack))
    assert read_by_the_model(stack)[-1] == "Que bom! Preciso separar a última conta?"


@pytest.mark.long
def test_resuming_with_nothing_unanswered_waits_for_the_next_message(scene: tuple[Stack, People, Operator]) -> None:
    stack, people, op = scene
    talk(stack, people, "800 reais", say("Obrigada! O imóvel é casa, comércio, sítio ou apartamento?"))
    people.seller_types("Oi Maria, deixa comigo")
    stack.settle()
    assert "Não há mensagem sem resposta: Clara espera a próxima" in op.page(PATH)
    told = people.told()
    assert "Agente retomado." in press(stack, people, op, "resume")
    assert people.told() == told
    talk(stack, people, "é uma casa", say("Você é o dono do imóvel?"))
    assert people.told()[-1] == "Você é o dono do imóvel?"


@pytest.mark.long
def test_pausing_and_resuming_again_and_again_answers_each_message_once(scene: tuple[Stack, People, Operator]) -> None:
    stack, people, op = scene
    for n in range(3):
        assert "Em pausa até 15:00 pausa feita no painel" in press(stack, people, op, "pause")
        talk(stack, people, f"pergunta {n}")
        press(stack, people, op, "pause")  # before anybody could answer
        told = people.told()
        press(stack, people, op, "resume", say(f"resposta {n}"))
        assert people.told() == [*told, f"resposta {n}"]
        press(stack, people, op, "resume")
        assert people.told() == [*told, f"resposta {n}"]


@pytest.mark.long
def test_a_pause_that_runs_out_leaves_messages_to_the_person_until_the_agent_is_let_to_answer(
    scene: tuple[Stack, People, Operator],
) -> None:
    stack, people, op = scene
    people.seller_types("Oi Maria, deixa comigo")
    stack.settle()
    talk(stack, people, "alguém aí?")
    stack.sandbox.world.clock.advance(6 * 3600 + 1)
    stack.settle()
    told = people.told()
    page = op.page(PATH)
    assert "Agente ativo" in page
    assert "1 mensagem ficou para uma pessoa durante uma pausa e está sem resposta" in page
    assert "Deixar o agente responder" in page
    press(stack, people, op, "resume", say("Estou aqui!"))
    assert people.told() == [*told, "Estou aqui!"]
    assert "Deixar o agente responder" not in op.page(PATH)


@pytest.mark.long
def test_a_pause_by_the_tag_is_not_ended_here_and_the_page_says_why(scene: tuple[Stack, People, Operator]) -> None:
    stack, people, op = scene
    lead_id = people.lead()["id"]
    people.do("/seller/lead/edit", lead_id=lead_id, tags_add=["humano"])
    stack.settle()
    talk(stack, people, "alguém aí?")
    page = op.get(PATH).text
    assert "Tire a tag no Kommo" in page
    assert f"/leads/detail/{lead_id}" in page
    assert "/resume" not in page
    assert "/pause" not in page
    told = people.told()
    assert "a tag ainda está no lead" in press(stack, people, op, "resume")
    press(stack, people, op, "pause")
    assert "Em pausa pela tag" in op.page("/conversations")
    assert people.told() == told
    people.do("/seller/lead/edit", lead_id=lead_id, tags_delete=["humano"])
    stack.settle()
    assert "Agente ativo" in op.page(PATH)
    press(stack, people, op, "resume", say("Estou aqui!"))
    assert people.told() == [*told, "Estou aqui!"]


@pytest.mark.long
def test_after_a_hand_off_the_agent_can_be_resumed_and_can_hand_over_again(scene: tuple[Stack, People, Operator]) -> None:
    stack, people, op = scene
    hand_off = {"call": {"hand_off_to_seller": {"reason": "pediu uma pessoa"}}}
    talk(stack, people, "Quero uma pessoa", hand_off, say("Claro! Um vendedor da nossa equipe vai continuar por aqui."))
    assert "Motivo: pediu uma pessoa" in op.page(PATH)
    press(stack, people, op, "resume")
    talk(stack, people, "pode ser você mesma", say("Combinado! Qual é o valor médio da sua conta?"))
    talk(stack, people, "não, uma pessoa", hand_off, say("Claro! Um vendedor da nossa equipe vai continuar por aqui."))
    assert "passou a uma pessoa" in op.page(PATH)
    assert len(people.tasks(task_type_id=1)) == 1  # the seller's task is still open


@pytest.mark.long
def test_who_asked_to_stop_during_a_pause_gets_the_acknowledgement_and_nothing_else(
    scene: tuple[Stack, People, Operator],
) -> None:
    stack, people, op = scene
    press(stack, people, op, "pause")
    talk(stack, people, "parar")
    told = people.told()
    press(stack, people, op, "resume")
    assert len(people.told()) == len(told) + 1
    assert "Pediu para parar" in op.page(PATH)


@pytest.mark.long
def test_what_was_edited_during_the_pause_is_answered_as_it_stands_now(scene: tuple[Stack, People, Operator]) -> None:
    stack, people, op = scene
    press(stack, people, op, "pause")
    people.do("/model/script", steps=[])
    first, second = people.customer_says("conta de 800"), people.customer_says("esquece")
    stack.settle()
    people.do("/customer/edit", id=first, text="conta de 900")
    people.do("/customer/delete", id=second)
    stack.settle()
    assert "apagada pelo cliente" in op.page(PATH)
    assert "1 mensagem do cliente está sem resposta" in op.page(PATH)
    press(stack, people, op, "resume", say("Anotado! O imóvel é casa, comércio, sítio ou apartamento?"))
    assert read_by_the_model(stack)[-1] == "conta de 900"


@pytest.mark.parametrize("what", ["resume", "pause"])
def test_nobody_is_there_to_be_paused(scene: tuple[Stack, People, Operator], what: str) -> None:
    assert scene[2].post(f"/conversations/99/{what}").status_code == 404


# --- in a terminal ----------------------------------------------------------------------------------------------------


def marcado(cwd: Path, *arguments: str, **settings: object) -> tuple[int, str]:
    """The exit code and output of a command of ours, run by an operator who reads English."""
    values = {**SANDBOX_VALUES, **sandbox_urls(dict.fromkeys(("kommo", "google", "evolution", "openai"), "http://127.0.0.1:9"))}
    env = environment(**{**values, "LOCALE": "en", "COLUMNS": 300, **settings})
    with Running("-m", "cli", *arguments, cwd=cwd, env=env) as process:
        return process.ended(), " ".join(process.output.split())


@pytest.mark.long
def test_the_commands_do_what_the_buttons_do(scene: tuple[Stack, People, Operator], tmp_path: Path) -> None:
    stack, people, op = scene
    database = f"sqlite:///{stack.database}"

    async def pause_for_long(session: AsyncSession) -> None:
        customer = await session.get_one(Customer, 1)
        customer.paused_until, customer.pause_source = datetime.now(UTC) + timedelta(days=1), "person"  # the command's own time

    in_database(stack, pause_for_long)
    talk(stack, people, "alguém aí?")
    people.do("/model/script", steps=[say("Estou aqui!")])
    code, output = marcado(tmp_path, "resume", "(11) 8765-4321", DATABASE_URL=database)
    assert (code, "active again for Maria Souza" in output, "answers 1 unanswered message now" in output) == (0, True, True)
    stack.settle()
    assert people.told()[-1] == "Estou aqui!"
    code, output = marcado(tmp_path, "resume", "+5511987654321", DATABASE_URL=database)
    assert (code, "waits for the next message" in output) == (0, True)
    code, output = marcado(tmp_path, "pause", "+5511987654321", DATABASE_URL=database, HANDOFF_PAUSE_MIN=30)
    assert (code, "silent for Maria Souza until" in output) == (0, True)
    assert is_paused(customer_named(stack), datetime.now(UTC))
    assert "Em pausa até" in op.page(PATH)


@pytest.mark.parametrize(
    ("arguments", "database", "said"),
    [
        (["resume", "maria"], "ours", "That is no phone number"),
        (["pause", "12"], "ours", "That is no phone number"),
        (["resume", "+5511900000000"], "ours", "Nobody with that number has written"),
        (["resume", "+5511987654321"], "sqlite:///nothing.sqlite", "no database where DATABASE_URL points"),
        (["pause", "+5511987654321"], "sqlite:///:memory:", "The database can't be used"),
        (["pause", "+5511987654321"], "sqlite:///empty.sqlite", "The database can't be used"),
        (["resume", "+5511987654321"], "held", "Only taking the tag off in Kommo ends that"),
        (["pause", "+5511987654321"], "held", "Only taking the tag off in Kommo ends that"),
    ],
)
def test_what_can_not_be_done_is_said_with_what_to_do(tmp_path: Path, arguments: list[str], database: str, said: str) -> None:
    (tmp_path / "empty.sqlite").touch()
    code, output = marcado(tmp_path, *arguments, DATABASE_URL=_database(tmp_path, database))
    assert (code, said in output) == (2, True), output
    assert "Traceback" not in output
    assert not (tmp_path / "nothing.sqlite").exists()


def _database(folder: Path, kind: str) -> str:
    """A database with Maria, whom in `held` the tag silences; or the URL given."""
    if kind not in ("ours", "held"):
        return kind
    url = new_file(folder)

    async def fill() -> None:
        db = Database(url)
        now = datetime.now(UTC)
        held = {"paused_until": UNTIL_TAKEN_OFF, "pause_source": "tag"} if kind == "held" else {}
        await add_message(db, await add_customer(db, now, **held), "Oi", now, state=MessageState.SEEN)
        await db.close()

    asyncio.run(fill())
    return url
