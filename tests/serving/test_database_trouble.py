"""The database refuses in the middle of a turn: the turn is planned again by itself, and the customer is answered once."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.event import listen

from cli.people import People
from cli.stack import Stack
from cli.wiring import Service
from meetings.tables import Customer, Message, Turn
from sandbox.server import Sandbox
from tests.processes import ROOT

pytestmark = pytest.mark.long

HELLO = "Oi, Maria! Aqui é a Clara, assistente virtual da Sol Claro Energia."
ANSWERED = "NEW.state = 'answered'"
# What the database refuses: (event, table, condition).
CLAIM = ("INSERT", "turn", "1")
FINISH = ("UPDATE", "message", ANSWERED)
PLANNING = ("UPDATE", "customer", "NEW.turn_attempts > OLD.turn_attempts")


@pytest.fixture
def served() -> Iterator[tuple[Stack, People]]:
    with (
        Sandbox() as sandbox,
        Stack(business_file=ROOT / "business.toml", sandbox=sandbox, overrides={"DEBOUNCE_SILENCE_S": 0}) as stack,
    ):
        people = People(sandbox.control_url)
        yield stack, people
        people.close()


@contextmanager
def refusing(stack: Stack, *refused: tuple[str, str, str]) -> Iterator[None]:
    """The database raises an error on these writes, as a full disk would."""
    names = [f"trouble_{n}" for n in range(len(refused))]
    for name, (event, table, condition) in zip(names, refused, strict=True):
        run_sql(
            stack, f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {condition} BEGIN SELECT RAISE(ABORT, 'no space'); END"
        )
    try:
        yield
    finally:
        for name in names:
            run_sql(stack, f"DROP TRIGGER {name}")


def run_sql(stack: Stack, sql: str) -> None:
    with closing(sqlite3.connect(stack.database, timeout=30)) as connection, connection:
        connection.execute(sql)


def read(stack: Stack, table: type[Any]) -> list[Any]:
    async def rows(service: Service) -> list[Any]:
        async with service.db.transaction() as session:
            return list(await session.scalars(select(table)))

    found: list[Any] = stack.call(rows)
    return found


def wait_until(condition: Callable[[], object], bound_s: float = 30) -> None:
    deadline = time.monotonic() + bound_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def ask(stack: Stack, people: People, *says: str) -> None:
    people.do("/model/script", steps=[{"say": text} for text in says])
    people.customer_says("Oi")


def is_planned_again(stack: Stack, times: int = 1) -> bool:
    return any(customer.turn_attempts >= times for customer in read(stack, Customer))


def judge(stack: Stack, people: People, *told: str) -> None:
    stack.settle()
    assert people.told() == list(told)
    assert {message.state for message in read(stack, Message) if message.author == "customer"} == {"answered"}
    assert {turn.outcome for turn in read(stack, Turn)} <= {"failed", "answered"}
    assert [(c.turn_attempts, c.next_turn_at) for c in read(stack, Customer)] == [(0, None)]
    assert not people.state()["openai"]["remaining"]


def test_trouble_while_the_messages_are_claimed(served: tuple[Stack, People]) -> None:
    stack, people = served
    with refusing(stack, CLAIM):
        ask(stack, people, "Qual é o valor da sua conta?")
        wait_until(lambda: is_planned_again(stack))
    judge(stack, people, f"{HELLO}\n\nQual é o valor da sua conta?")


def test_trouble_at_the_end_of_a_turn_sends_nothing_twice_and_asks_no_model_again(served: tuple[Stack, People]) -> None:
    stack, people = served
    with refusing(stack, FINISH):
        ask(stack, people, "Qual é o valor da sua conta?")
        wait_until(lambda: is_planned_again(stack))
    judge(stack, people, f"{HELLO}\n\nQual é o valor da sua conta?")


def test_trouble_that_also_keeps_the_turn_from_being_planned_again(served: tuple[Stack, People]) -> None:
    stack, people = served
    refusals: list[str] = []
    listen(stack.service.db.engine.sync_engine, "handle_error", lambda context: refusals.append(str(context.original_exception)))
    with refusing(stack, CLAIM, PLANNING):
        ask(stack, people, "Qual é o valor da sua conta?")
        wait_until(lambda: len(refusals) >= 3)  # the claim, and two tries at planning it again
        assert not is_planned_again(stack)
    judge(stack, people, f"{HELLO}\n\nQual é o valor da sua conta?")


def test_trouble_that_lasts_brings_one_apology_and_then_the_answer(served: tuple[Stack, People]) -> None:
    stack, people = served
    with refusing(stack, CLAIM):
        ask(stack, people, "Qual é o valor da sua conta?")
        wait_until(lambda: is_planned_again(stack, times=3), 60)
    sorry = "Estou com um problema técnico agora. Assim que ele passar eu te respondo por aqui."
    judge(stack, people, f"{HELLO}\n\n{sorry}", "Qual é o valor da sua conta?")


def test_a_fixed_sentence_is_said_once_even_if_the_turn_could_not_end(served: tuple[Stack, People]) -> None:
    stack, people = served
    with refusing(stack, FINISH):
        people.customer_says("parar")
        wait_until(lambda: is_planned_again(stack))
    stack.settle()
    assert len(people.told()) == 1
