"""The first message a customer gets says which company writes and that it is an assistant: once, whatever goes wrong."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cli.people import People
from cli.stack import Stack
from cli.wiring import Service
from clients.transport import RetryPolicy
from meetings.tables import Customer
from sandbox.faults import Fault
from sandbox.server import Sandbox

ROOT = Path(__file__).parents[2]
HELLO = "Oi, Maria! Aqui é a Clara, assistente virtual da Sol Claro Energia."
TOLD = {"record_qualification": {"criterion": "bill", "value": "800", "quote": "800 reais"}}
GOOD = [
    TOLD,
    {"record_qualification": {"criterion": "property", "value": "casa", "quote": "casa"}},
    {"record_qualification": {"criterion": "owner", "value": "sim", "quote": "sou o dono"}},
]


@pytest.fixture
def served() -> Iterator[tuple[Stack, People]]:
    with (
        Sandbox() as sandbox,
        Stack(
            business_file=ROOT / "business.toml",
            sandbox=sandbox,
            overrides={"DEBOUNCE_SILENCE_S": 0},
            retry=RetryPolicy(attempts=1),
        ) as stack,
    ):
        people = People(sandbox.control_url)
        yield stack, people
        people.close()


def talk(stack: Stack, people: People, text: str, *says: str, **fields: Any) -> None:
    people.do("/model/script", steps=[{"say": said} for said in says])
    people.customer_says(text, **fields)
    stack.settle()


def introduced(stack: Stack) -> bool:
    async def read(service: Service) -> bool:
        async with service.db.transaction() as session:
            return (await session.scalars(select(Customer))).one().introduced_at is not None

    return bool(stack.call(read))


def wait_until(condition: Any, bound_s: float = 20) -> None:
    deadline = time.monotonic() + bound_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def test_a_model_that_forgets_it_is_helped_out_once(served: tuple[Stack, People]) -> None:
    stack, people = served
    talk(stack, people, "Oi", "Oi, Maria! Qual é o valor da sua conta?")
    assert introduced(stack)
    talk(stack, people, "800 reais", "Oi! E o imóvel?")
    assert people.told() == [f"{HELLO}\n\nQual é o valor da sua conta?", "Oi! E o imóvel?"]
    history = [m["content"] for m in stack.sandbox.world.services["openai"].state.requests[-1]["messages"]]
    assert f"{HELLO}\n\nQual é o valor da sua conta?" in history


def test_a_model_that_introduces_itself_is_left_alone(served: tuple[Stack, People]) -> None:
    stack, people = served
    talk(stack, people, "Oi", f"{HELLO} Qual é o valor?")
    talk(stack, people, "800 reais", "E o imóvel?")
    assert people.told() == [f"{HELLO} Qual é o valor?", "E o imóvel?"]


@pytest.mark.long
def test_it_stands_in_the_first_of_several_messages(served: tuple[Stack, People]) -> None:
    stack, people = served
    parts = ["Que bom! " * 25, f"Sou assistente virtual da Sol Claro Energia. {'Estou por aqui. ' * 16}"]
    talk(stack, people, "Oi", "\n\n".join(parts))
    first, second = people.told()
    assert first.startswith(HELLO)
    assert HELLO not in second


def test_a_fixed_sentence_introduces_too_when_it_comes_first(served: tuple[Stack, People]) -> None:
    stack, people = served
    talk(stack, people, "parar")
    talk(stack, people, "oi, mudei de ideia", "Que bom! Qual é o valor da sua conta?")
    first, second = people.told()
    assert first.startswith(f"{HELLO}\n\nPronto, não vou mais te mandar mensagens")
    assert second == "Que bom! Qual é o valor da sua conta?"


def test_a_safe_sentence_introduces_too(served: tuple[Stack, People]) -> None:
    stack, people = served
    talk(stack, people, "Oi", "Sua visita está marcada!", "Está marcada sim!")
    assert people.told()[0].startswith(f"{HELLO}\n\nDesculpe, não quero te passar")
    assert introduced(stack)


@pytest.mark.long
def test_a_confirmation_that_comes_before_any_reply_introduces(served: tuple[Stack, People]) -> None:
    stack, people = served
    steps = [
        {"calls": GOOD},
        {"call": {"check_availability": {}}},
        {"call": {"create_meeting": {"option": 1}}},
        {"call": {"notify_client": {}}},
        {"say": "Combinado!"},
    ]
    people.do("/model/script", steps=steps)
    people.customer_says("conta de 800 reais, casa, sou o dono, marca o primeiro horário")
    stack.settle()
    first, last = people.told()
    assert first.startswith(f"{HELLO}\n\n✅ Marcado")
    assert last == "Combinado!"


@pytest.mark.long
def test_what_was_sent_though_its_answer_was_lost_is_not_said_again(served: tuple[Stack, People]) -> None:
    stack, people = served
    people.do("/faults", service="evolution", path="sendText", drop="after")
    talk(stack, people, "Oi", "Qual é o valor da sua conta?")
    talk(stack, people, "800", "E o imóvel?")
    assert people.told() == [f"{HELLO}\n\nQual é o valor da sua conta?", "E o imóvel?"]
    assert introduced(stack)


@pytest.mark.long
def test_what_could_not_be_sent_introduces_when_it_is_sent(served: tuple[Stack, People]) -> None:
    stack, people = served
    stack.sandbox.world.faults.add(Fault(service="evolution", path="sendText", status=500, times=1))
    people.do("/model/script", steps=[{"say": "Qual é o valor da sua conta?"}])
    people.customer_says("Oi")
    stack.settle()
    assert people.told() == [f"{HELLO}\n\nQual é o valor da sua conta?"]


@pytest.mark.long
def test_whom_nothing_reached_is_not_introduced(served: tuple[Stack, People]) -> None:
    stack, people = served
    body = {"status": 400, "error": "Bad Request", "response": {"message": [["Invalid"]]}}
    stack.sandbox.world.faults.add(Fault(service="evolution", path="sendText", status=400, body=body, times=1))
    talk(stack, people, "Oi", "Qual é o valor da sua conta?")
    assert people.told() == []
    assert not introduced(stack)
    talk(stack, people, "alô?", "Oi! Qual é o valor da sua conta?")
    assert people.told() == [f"{HELLO}\n\nQual é o valor da sua conta?"]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_process_killed_while_it_sends_says_it_once(served: tuple[Stack, People], moment: Any) -> None:
    stack, people = served
    hold = stack.sandbox.world.faults.add(Fault(service="evolution", path="sendText", hold=moment))
    people.do("/model/script", steps=[{"say": "Qual é o valor da sua conta?"}])
    people.customer_says("Oi")
    wait_until(lambda: hold.hits == 1)
    stack.call(lambda service: service.lanes.stop(drain_s=0))  # as hard as a stop can be within a process
    stack.sandbox.world.faults.clear()
    stack.stop_service()
    stack.start_service()
    stack.settle()
    talk(stack, people, "800", "E o imóvel?")
    assert people.told() == [f"{HELLO}\n\nQual é o valor da sua conta?", "E o imóvel?"]
    assert introduced(stack)


@pytest.mark.long
def test_the_words_of_a_hand_over_are_sent_although_the_agent_is_silent_from_then_on(served: tuple[Stack, People]) -> None:
    stack, people = served
    stack.sandbox.world.faults.add(Fault(service="evolution", path="sendText", status=500, times=2))
    people.do(
        "/model/script", steps=[{"call": {"hand_off_to_seller": {"reason": "pediu"}}}, {"say": "Um vendedor continua por aqui."}]
    )
    people.customer_says("quero falar com uma pessoa")
    stack.settle()
    assert people.told() == [f"{HELLO}\n\nUm vendedor continua por aqui."]
    people.customer_says("ok")
    stack.settle()
    assert len(people.told()) == 1


@pytest.mark.long
def test_what_was_not_sent_is_not_sent_over_a_person_who_took_over_meanwhile(served: tuple[Stack, People]) -> None:
    stack, people = served
    hold = stack.sandbox.world.faults.add(Fault(service="evolution", path="sendText", status=500, times=-1))
    people.do("/model/script", steps=[{"say": "Qual é o valor da sua conta?"}])
    people.customer_says("Oi")
    wait_until(lambda: hold.hits >= 1)
    people.seller_types("Oi, aqui é a Ana, deixa comigo")
    wait_until(lambda: stack.sandbox.world.deliveries.idle)
    stack.sandbox.world.faults.clear()
    stack.settle()
    assert people.told() == []
