"""What Kommo or WhatsApp did not take with the customer's turn is brought there later, without the customer."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cli.people import People
from cli.stack import Stack
from meetings.tables import Message, MessageState
from tests.panel.panel_scene import HELLO, in_database, panel_stack, say, talk

pytestmark = pytest.mark.long


def ends(people: People) -> None:
    people._http.delete("/faults")


@pytest.mark.parametrize("fault", [{"status": 502}, {"status": 401}, {"drop": "after"}], ids=["down", "login", "lost answers"])
def test_a_new_customer_who_wrote_while_kommo_was_down_gets_one_lead_all_the_same(fault: dict[str, Any]) -> None:
    with panel_stack() as (stack, people):
        people.do("/faults", service="kommo", times=-1, **fault)
        talk(stack, people, "Oi, quero saber de energia solar", say(HELLO))
        assert people.told() == [HELLO]  # talking does not wait for the CRM
        ends(people)
        passes(stack, 900)
        assert [lead["tags"] for lead in people.state()["kommo"]["leads"]] == [["marcado"]]
        assert len(people.state()["kommo"]["contacts"]) == 1
        assert people.told() == [HELLO]


def test_who_is_ruled_out_while_kommo_is_down_is_marked_later() -> None:
    with panel_stack() as (stack, people):
        talk(stack, people, "Oi", say(HELLO))
        people.do("/faults", service="kommo", status=502, times=-1)
        record = {"record_qualification": {"criterion": "bill", "value": "80", "quote": "80 reais"}}
        talk(stack, people, "São 80 reais", {"call": record}, say("Obrigada! Para esse consumo a gente não consegue ajudar."))
        assert "não qualificado" not in people.lead()["tags"]
        ends(people)
        passes(stack, 900)
        assert "não qualificado" in people.lead()["tags"]
        assert [note["text"] for note in people.state()["kommo"]["notes"] if "80" in note["text"]] != []


def test_an_apology_that_never_got_out_is_taken_back_with_the_answer() -> None:
    with panel_stack() as (stack, people):
        people.do("/faults", service="evolution", path="/message/sendText", status=401, times=2)
        error = {"error": {"status": 503}}
        talk(stack, people, "Oi", error, error, error, error, say(HELLO))
        assert people.told() == [HELLO]
        assert in_database(stack, unsent) == []


def passes(stack: Stack, seconds: float) -> None:
    stack.sandbox.world.clock.advance(seconds)
    stack.settle()


async def unsent(session: AsyncSession) -> list[str | None]:
    waiting = Message.state.in_([MessageState.PENDING, MessageState.SENDING])
    return list(await session.scalars(select(Message.key).where(waiting)))


def introductions(people: People) -> int:
    return sum("assistente virtual da Sol Claro" in text for text in people.told())


@pytest.mark.parametrize("fault", [{"drop": "after"}, {"drop": "before"}], ids=["arrived", "never arrived"])
def test_somebody_is_introduced_once_whatever_became_of_the_apology(fault: dict[str, Any]) -> None:
    """The first message is an apology whose answer is lost; the reply must know whether it arrived."""
    with panel_stack() as (stack, people):
        people.do("/faults", service="evolution", path="/message/sendText", **fault)
        error = {"error": {"status": 503}}
        talk(stack, people, "Oi", error, error, error, error, say("Qual é o valor médio da sua conta de luz?"))
        assert introductions(people) == 1
        assert sum("conta de luz" in text for text in people.told()) == 1
