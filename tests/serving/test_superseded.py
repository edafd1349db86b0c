"""A customer who writes again while the answer is being made."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cli.people import People
from cli.stack import Stack
from cli.wiring import Service
from meetings.tables import Turn
from sandbox.faults import Fault
from sandbox.server import Sandbox

ROOT = Path(__file__).parents[2]
HELLO = "Oi, Maria! Aqui é a Clara, assistente virtual da Sol Claro Energia."


@pytest.fixture
def served(request: pytest.FixtureRequest) -> Iterator[tuple[Stack, People]]:
    with (
        Sandbox() as sandbox,
        Stack(
            business_file=ROOT / "business.toml", sandbox=sandbox, overrides={"DEBOUNCE_SILENCE_S": getattr(request, "param", 0)}
        ) as stack,
    ):
        people = People(sandbox.control_url)
        yield stack, people
        people.close()


def says_while_thinking(stack: Stack, people: People, first: str, *later: str) -> None:
    """Each later message is written while the model is asked about what came before."""
    faults = stack.sandbox.world.faults
    hold = faults.add(Fault(service="openai", path="completions", hold="before"))
    people.customer_says(first)
    for text in later:
        wait_until(lambda h=hold: h.hits == 1)
        people.customer_says(text)
        wait_until(lambda: stack.sandbox.world.deliveries.idle)
        answered, hold = hold, faults.add(Fault(service="openai", path="completions", hold="before"))
        faults.planned.remove(answered)
    wait_until(lambda h=hold: h.hits == 1)
    faults.clear()
    stack.settle()


def script(people: People, *says: str) -> None:
    people.do("/model/script", steps=[{"say": text} for text in says])


def wait_until(condition: Any, bound_s: float = 20) -> None:
    deadline = time.monotonic() + bound_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def test_the_answer_in_the_making_is_dropped_and_both_messages_are_answered_once(served: tuple[Stack, People]) -> None:
    stack, people = served
    script(people, "Bom dia!", "Claro, vamos lá!")
    says_while_thinking(stack, people, "Oi", "quero uma visita")
    assert people.told() == [f"{HELLO}\n\nClaro, vamos lá!"]
    texts = [m["content"] for m in stack.sandbox.world.services["openai"].state.requests[-1]["messages"]]
    assert texts[-2:] == ["Oi", "quero uma visita"]


def test_somebody_who_keeps_writing_is_answered_in_the_end(served: tuple[Stack, People]) -> None:
    stack, people = served
    script(people, "um", "dois", "três", "quatro")
    says_while_thinking(stack, people, "a", "b", "c", "d")
    assert people.told() == [f"{HELLO}\n\nTrês", "quatro"]


def test_a_seller_who_answers_while_the_model_thinks_is_not_talked_over(served: tuple[Stack, People]) -> None:
    stack, people = served
    script(people, "Bom dia!")
    hold = stack.sandbox.world.faults.add(Fault(service="openai", path="completions", hold="before"))
    people.customer_says("Oi")
    wait_until(lambda: hold.hits == 1)
    people.seller_types("Oi Maria, aqui é a Ana, já te respondo")
    wait_until(lambda: stack.sandbox.world.deliveries.idle)
    stack.sandbox.world.faults.clear()
    stack.settle()
    assert people.told() == []


@pytest.mark.parametrize("served", [2], indirect=True)
def test_a_newer_message_that_is_taken_back_again_does_not_leave_the_first_one_without_an_answer(
    served: tuple[Stack, People],
) -> None:
    stack, people = served
    script(people, "Bom dia!", "Claro, vamos lá!")
    hold = stack.sandbox.world.faults.add(Fault(service="openai", path="completions", hold="before"))
    people.customer_says("quero uma visita")
    wait_until(lambda: hold.hits == 1)
    newer = people.customer_says("ops")
    wait_until(lambda: stack.sandbox.world.deliveries.idle)
    stack.sandbox.world.faults.clear()
    wait_until(lambda: "superseded" in stack.call(outcomes))
    people.do("/customer/delete", id=newer)  # before it has been silent for long enough to be answered
    stack.settle()
    assert people.told() == [f"{HELLO}\n\nClaro, vamos lá!"]
    assert stack.call(outcomes) == ["superseded", "answered"]


async def outcomes(service: Service) -> list[str | None]:
    async with service.db.transaction() as session:
        return list(await session.scalars(select(Turn.outcome).order_by(Turn.started_at)))
