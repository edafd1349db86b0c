"""What the model is sent: the same beginning for everybody and always, so that providers cache it; and no more after months."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cli.people import People
from cli.stack import Stack
from cli.wiring import Service
from meetings.tables import Turn
from sandbox.openai.wire import tokens
from sandbox.server import Sandbox
from tests.processes import ROOT

Json = dict[str, Any]
START = datetime(2026, 3, 9, 12, tzinfo=UTC)
JOAO = ("5511912345678", "João Lima")


@contextmanager
def served() -> Iterator[tuple[Stack, People]]:
    with Sandbox() as sandbox:
        sandbox.world.clock.set(START)
        overrides = {"DEBOUNCE_SILENCE_S": 0, "MESSAGES_PER_HOUR": 10_000}
        with (
            Stack(
                business_file=ROOT / "business.toml", sandbox=sandbox, overrides=overrides, now=sandbox.world.clock.now
            ) as stack,
            closing(People(sandbox.control_url)) as people,
        ):
            yield stack, people


def talk(stack: Stack, people: People, text: str, *says: str) -> None:
    """A minute later the customer writes."""
    stack.sandbox.world.clock.advance(60)
    people.do("/model/script", steps=[{"say": said} for said in says])
    people.customer_says(text)
    stack.settle()


def asked(stack: Stack) -> list[Json]:
    found: list[Json] = stack.sandbox.world.services["openai"].state.requests
    return found


def static(body: Json) -> str:
    """The part that comes first on the wire: the tools, then the policy."""
    assert body["messages"][0]["role"] == "system"
    return json.dumps([body["tools"], body["messages"][0]], ensure_ascii=False)


def test_the_beginning_is_the_same_byte_for_byte_for_every_customer_turn_and_time() -> None:
    with served() as (stack, people):
        clock = stack.sandbox.world.clock
        talk(stack, people, "Oi, minha conta é de 873 reais", "Oi! E o imóvel?")
        clock.advance(timedelta(days=40).total_seconds())
        talk(stack, people, "é uma casa grande em Cotia", "Sua visita está marcada!", "E você é o dono?")
        stack.stop_service()
        stack.start_service()
        joao = People(stack.sandbox.control_url, *JOAO)
        talk(stack, joao, "Bom dia! Quero saber o preço", "Depende do telhado.")
        joao.close()
        bodies = asked(stack)
        assert len(bodies) == 4
        assert len({static(body) for body in bodies}) == 1
        for word in ("Maria", "João", "873", "2026"):
            assert word not in bodies[0]["messages"][0]["content"]

        async def read(service: Service) -> Turn:
            async with service.db.transaction() as session:
                return (await session.scalars(select(Turn).order_by(Turn.started_at.desc()))).first()

        newest = stack.call(read)
        assert newest.cached_tokens >= tokens(static(bodies[0])) * 0.9  # João's first call finds it in the cache


def test_what_changes_with_every_turn_comes_after_the_history() -> None:
    with served() as (stack, people):
        for n in range(4):
            talk(stack, people, f"mensagem {n}", f"Resposta {n}.")
        third, fourth = (body["messages"] for body in asked(stack)[-2:])
        facts = next(n for n, m in enumerate(third) if str(m["content"]).startswith("<facts>"))
        assert third[:facts] == fourth[:facts]  # all that was history stays where it was
        assert [m["content"] for m in fourth[facts : facts + 2]] == ["mensagem 2", "Resposta 2."]
        assert fourth[-2]["content"].startswith("<facts>")


@pytest.mark.long
def test_the_window_on_a_long_conversation_moves_in_leaps() -> None:
    with served() as (stack, people):
        for n in range(22):
            talk(stack, people, f"mensagem {n}", f"Resposta {n}.")
        starts, sizes = [], []
        for body in asked(stack):
            history = [m["content"] for m in body["messages"][1:] if m["role"] in ("user", "assistant")][:-1]
            starts.append(history[0] if history else None)
            sizes.append(len(history))
        assert max(sizes) == 30
        assert starts == [None, *["mensagem 0"] * 15, *["mensagem 5"] * 5, "mensagem 10"]


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_the_two_hundredth_turn_takes_hardly_more_than_the_twentieth() -> None:
    with served() as (stack, people):
        for n in range(1, 201):
            talk(
                stack,
                people,
                f"Mensagem {n:03} de uma conversa que não quer terminar nunca",
                f"Resposta {n:03}, e assim por diante.",
            )

        async def read(service: Service) -> list[int]:
            async with service.db.transaction() as session:
                found = await session.scalars(select(Turn).where(Turn.outcome == "answered"))
                return [t.input_tokens for t in sorted(found, key=lambda t: int(t.id.split(":")[2]))]

        spent = stack.call(read)
        assert len(spent) == 200
        assert spent[199] <= 1.2 * spent[19]
        assert max(spent[19:]) <= 1.2 * min(spent[19:])
