"""The operator silences the agent and lets it go on: what a pause is, what ends it, and which messages are answered then."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from meeting_scene import PHONE, add_customer, add_message, at, database
from sqlalchemy import select

from meetings.customers import (
    UNTIL_TAKEN_OFF,
    HeldByTagError,
    customer_by_phone,
    is_paused,
    pause,
    resume,
    unanswered,
)
from meetings.database import Database
from meetings.tables import TAKEN_BACK, Author, Customer, Message, MessageState, Turn

NOW = at("2026-03-09 08:00")
LATER = NOW + timedelta(hours=6)


def run(folder: Path, act: Callable[[Database], Awaitable[Any]]) -> Any:
    async def inside() -> Any:
        async with database(folder) as db:
            return await act(db)

    return asyncio.run(inside())


async def resumed(db: Database, customer_id: int) -> tuple[int, Customer, list[tuple[str, str]]]:
    """What `resume` says, the customer afterwards, and text and state of every message of theirs."""
    async with db.transaction() as session:
        count = await resume(session, await session.get_one(Customer, customer_id), NOW)
    async with db.reading() as session:
        customer = await session.get_one(Customer, customer_id)
        rows = await session.scalars(select(Message).where(Message.author == Author.CUSTOMER).order_by(Message.id))
        return count, customer, [(m.text, m.state) for m in rows]


# --- pausing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("until", "source", "kept"),
    [
        (None, None, (LATER, "operator")),
        (NOW - timedelta(hours=1), "person", (LATER, "operator")),
        (NOW + timedelta(hours=1), "hand-off", (LATER, "operator")),
        (LATER + timedelta(hours=1), "person", (LATER + timedelta(hours=1), "person")),
        (UNTIL_TAKEN_OFF, "tag", (UNTIL_TAKEN_OFF, "tag")),
    ],
)
def test_a_pause_never_shortens_one_that_is_on(until: Any, source: Any, kept: Any) -> None:
    customer = Customer(jid="x", paused_until=until, pause_source=source)
    pause(customer, LATER)
    assert (customer.paused_until, customer.pause_source) == kept
    assert is_paused(customer, NOW)


@pytest.mark.parametrize("source", ["person", "hand-off"])
def test_neither_a_typed_line_nor_a_hand_off_lifts_what_the_tag_holds(source: str) -> None:
    customer = Customer(jid="x", paused_until=UNTIL_TAKEN_OFF, pause_source="tag")
    pause(customer, LATER, source)
    assert (customer.paused_until, customer.pause_source) == (UNTIL_TAKEN_OFF, "tag")


# --- resuming ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["person", "hand-off", "operator"])
def test_resuming_ends_the_pause_and_gives_the_agent_what_nobody_answered(tmp_path: Path, source: str) -> None:
    async def act(db: Database) -> Any:
        customer_id = await add_customer(db, NOW, paused_until=LATER, pause_source=source, turn_attempts=3, next_turn_at=LATER)
        await add_message(db, customer_id, "Oi", NOW, state=MessageState.ANSWERED)
        await add_message(db, customer_id, "Olá!", NOW, author=Author.AGENT, state=MessageState.READ)
        await add_message(db, customer_id, "com a Ana?", NOW, state=MessageState.SEEN)
        await add_message(db, customer_id, "Sou eu, a Ana", NOW, author=Author.SELLER, state=MessageState.SENT)
        await add_message(db, customer_id, "que bom", NOW, state=MessageState.SEEN)
        await add_message(db, customer_id, "Sua visita mudou", NOW, author=Author.SYSTEM, state=MessageState.SENT)
        await add_message(db, customer_id, "pode ser amanhã?", NOW, state=MessageState.SEEN)
        return await resumed(db, customer_id)

    count, customer, messages = run(tmp_path, act)
    assert (count, customer.paused_until, customer.pause_source) == (2, None, None)
    assert (customer.resumed, customer.turn_attempts, customer.next_turn_at) == (1, 0, None)
    assert messages == [("Oi", "answered"), ("com a Ana?", "seen"), ("que bom", "new"), ("pode ser amanhã?", "new")]


def test_resuming_when_the_seller_had_the_last_word_answers_nothing(tmp_path: Path) -> None:
    async def act(db: Database) -> Any:
        customer_id = await add_customer(db, NOW, paused_until=LATER, pause_source="person")
        await add_message(db, customer_id, "Oi", NOW, state=MessageState.SEEN)
        await add_message(db, customer_id, "Sou eu, a Ana", NOW, author=Author.SELLER, state=MessageState.SENT)
        return await resumed(db, customer_id)

    count, customer, messages = run(tmp_path, act)
    assert (count, customer.paused_until, customer.resumed, messages) == (0, None, 0, [("Oi", "seen")])


def test_what_the_agent_could_not_get_through_is_no_answer(tmp_path: Path) -> None:
    async def act(db: Database) -> Any:
        customer_id = await add_customer(db, NOW, paused_until=LATER, pause_source="person")
        await add_message(db, customer_id, "Oi", NOW, state=MessageState.SEEN)
        await add_message(db, customer_id, "Olá!", NOW, author=Author.AGENT, state=MessageState.FAILED)
        await add_message(db, customer_id, "Olá!", NOW, author=Author.AGENT, state=MessageState.PENDING)
        return await resumed(db, customer_id)

    assert run(tmp_path, act)[2] == [("Oi", "new")]


def test_what_the_customer_took_back_is_not_answered(tmp_path: Path) -> None:
    async def act(db: Database) -> Any:
        customer_id = await add_customer(db, NOW, paused_until=LATER, pause_source="person")
        await add_message(db, customer_id, "", NOW, state=MessageState.SEEN, problem=TAKEN_BACK)
        await add_message(db, customer_id, "", NOW, state=MessageState.SEEN, kind="audio")
        return await resumed(db, customer_id)

    count, _, messages = run(tmp_path, act)
    assert (count, messages) == (1, [("", "seen"), ("", "new")])


def test_a_message_whose_turn_found_the_tag_on_the_lead_was_not_answered(tmp_path: Path) -> None:
    async def act(db: Database) -> Any:
        customer_id = await add_customer(db, NOW)
        async with db.transaction() as session:
            for turn_id, outcome in (("t1", "answered"), ("t2", "paused")):
                session.add(Turn(id=turn_id, customer_id=customer_id, started_at=NOW, outcome=outcome))
        await add_message(db, customer_id, "Oi", NOW, state=MessageState.ANSWERED, turn_id="t1")
        await add_message(db, customer_id, "alguém aí?", NOW, state=MessageState.ANSWERED, turn_id="t2")
        return await resumed(db, customer_id)

    assert run(tmp_path, act)[2] == [("Oi", "answered"), ("alguém aí?", "new")]


def test_a_pause_held_by_the_tag_is_not_ended_here(tmp_path: Path) -> None:
    async def act(db: Database) -> Any:
        customer_id = await add_customer(db, NOW, paused_until=UNTIL_TAKEN_OFF, pause_source="tag")
        await add_message(db, customer_id, "Oi", NOW, state=MessageState.SEEN)
        with pytest.raises(HeldByTagError):
            await resumed(db, customer_id)
        async with db.reading() as session:
            customer = await session.get_one(Customer, customer_id)
            return customer.paused_until, await session.scalar(select(Message.state))

    assert run(tmp_path, act) == (UNTIL_TAKEN_OFF, "seen")


def test_after_a_pause_that_ran_out_what_was_left_can_still_be_given_to_the_agent(tmp_path: Path) -> None:
    async def act(db: Database) -> Any:
        customer_id = await add_customer(db, NOW, paused_until=NOW - timedelta(hours=1), pause_source="person")
        await add_message(db, customer_id, "Oi", NOW, state=MessageState.SEEN)
        first = await resumed(db, customer_id)
        return first, await resumed(db, customer_id)  # pressed twice

    (count, _, messages), (again, customer, still) = run(tmp_path, act)
    assert (count, messages) == (1, [("Oi", "new")])
    assert (again, customer.resumed, still) == (1, 1, messages)


def test_only_the_named_customers_are_looked_at(tmp_path: Path) -> None:
    async def act(db: Database) -> Any:
        maria = await add_customer(db, NOW)
        joao = await add_customer(db, NOW, phone="+5521998765432")
        await add_message(db, maria, "de Maria", NOW, state=MessageState.SEEN)
        await add_message(db, joao, "de João", NOW)
        async with db.reading() as session:
            return [[m.text for m in await unanswered(session, ids)] for ids in (None, [maria], [joao], [])]

    assert run(tmp_path, act) == [["de Maria", "de João"], ["de Maria"], ["de João"], []]


@pytest.mark.parametrize(("phone", "is_found"), [(PHONE, True), ("+551187654321", True), ("+5511912345678", False)])
def test_a_customer_is_found_by_phone_with_and_without_the_ninth_digit(tmp_path: Path, phone: str, is_found: bool) -> None:
    async def act(db: Database) -> Any:
        await add_customer(db, NOW)
        async with db.reading() as session:
            return await customer_by_phone(session, phone)

    assert (run(tmp_path, act) is not None) == is_found


# --- looking without writing ------------------------------------------------------------------------------------------


def test_a_look_neither_waits_for_a_writer_nor_sees_half_of_what_it_does(tmp_path: Path) -> None:
    async def act(db: Database) -> Any:
        await add_customer(db, NOW, name="Maria")
        async with db.transaction() as writing:
            (await writing.get_one(Customer, 1)).name = "Marina"
            await writing.flush()
            async with db.reading() as session:  # would wait for the writer's end, and so for ever, if it took the lock
                during = await session.scalar(select(Customer.name))
        async with db.reading() as session:
            return during, await session.scalar(select(Customer.name))

    assert run(tmp_path, act) == ("Maria", "Marina")


def test_what_is_changed_in_a_look_is_not_kept(tmp_path: Path) -> None:
    async def act(db: Database) -> Any:
        await add_customer(db, NOW, name="Maria")
        async with db.reading() as session:
            (await session.get_one(Customer, 1)).name = "Marina"
        async with db.transaction() as session:
            return await session.scalar(select(Customer.name))

    assert run(tmp_path, act) == "Maria"
