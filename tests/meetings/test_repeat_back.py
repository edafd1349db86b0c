"""An hour that was heard is repeated to the customer before it is booked, whatever became of the turn that heard it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from meeting_scene import add_customer, add_message, add_offer, at, new_file, shipped

from meetings.database import Database
from meetings.repeat_back import must_repeat_back
from meetings.tables import Author, MessageState

NOW = at("2026-03-09 09:00")
CUSTOMER: dict[str, Any] = {"state": MessageState.ANSWERED}
SPOKEN: dict[str, Any] = {**CUSTOMER, "kind": "audio"}
SENT: dict[str, Any] = {"author": Author.AGENT, "state": MessageState.SENT}
LOST: dict[str, Any] = {"author": Author.AGENT, "state": MessageState.FAILED}
LIST = "Tenho: 1) segunda, 9 de março, 13:00; 2) terça-feira, 10 de março, 09:00. Qual prefere?"
QUESTION = "Só para confirmar: terça-feira, 10 de março, 09:00. Certo?"


def judge(tmp_path: Path, *talk: tuple[str, dict[str, Any]], option: int = 2) -> bool:
    async def act() -> bool:
        db = Database(new_file(tmp_path))
        try:
            customer_id = await add_customer(db, NOW)
            await add_offer(db, customer_id, 1, at("2026-03-09 13:00"))
            await add_offer(db, customer_id, 2, at("2026-03-10 09:00"))
            for text, fields in talk:
                await add_message(db, customer_id, text, NOW, **fields)
            async with db.transaction() as session:
                return await must_repeat_back(session, customer_id, option, shipped().zone)
        finally:
            await db.close()

    return asyncio.run(act())


def test_what_was_written_needs_no_repeating(tmp_path: Path) -> None:
    assert not judge(tmp_path, (LIST, SENT), ("a 2", CUSTOMER))


def test_an_option_that_is_not_offered_is_refused_elsewhere(tmp_path: Path) -> None:
    assert not judge(tmp_path, (LIST, SENT), ("a sete", SPOKEN), option=7)


def test_what_was_spoken_is_repeated_and_booked_after_the_answer(tmp_path: Path) -> None:
    talk = [(LIST, SENT), ("a segunda opção", SPOKEN)]
    assert judge(tmp_path, *talk)
    assert judge(tmp_path, *talk, (QUESTION, SENT))  # nobody has answered yet
    assert not judge(tmp_path, *talk, (QUESTION, SENT), ("sim", CUSTOMER))


def test_a_question_that_was_not_sent_has_asked_nobody(tmp_path: Path) -> None:
    assert judge(tmp_path, (LIST, SENT), ("a segunda", SPOKEN), (QUESTION, LOST), ("oi?", CUSTOMER))


def test_an_hour_spoken_before_the_list_is_repeated_too(tmp_path: Path) -> None:
    """The list names every offered time, so it asks about none in particular."""
    assert judge(tmp_path, ("quero amanhã às nove da manhã", SPOKEN), (LIST, SENT), ("sou o dono", CUSTOMER))


@pytest.mark.parametrize("text", ["a 2", "opção 2", "pode ser 9h", "às 09:00 então", "9:00", "9 horas da manhã", "2️⃣"])
def test_who_writes_the_number_or_the_hour_afterwards_has_chosen_in_writing(tmp_path: Path, text: str) -> None:
    assert not judge(tmp_path, ("qualquer dia de manhã", SPOKEN), (LIST, SENT), (text, CUSTOMER))


@pytest.mark.parametrize("text", ["sim", "pode ser", "a 1", "13h", "2h", "12", "às 19:00", "10 de março"])
def test_other_words_choose_nothing(tmp_path: Path, text: str) -> None:
    assert judge(tmp_path, ("amanhã às nove", SPOKEN), (LIST, SENT), (text, CUSTOMER))


@pytest.mark.parametrize("asked", ["Terça às 9h, certo?", "Tuesday at 9 am, right?", "¿Martes a las 09:00?", "amanhã, 9 horas?"])
def test_it_may_be_asked_in_other_words(tmp_path: Path, asked: str) -> None:
    assert not judge(tmp_path, (LIST, SENT), ("a segunda", SPOKEN), (asked, SENT), ("isso", SPOKEN | {"kind": "text"}))


def test_a_spoken_yes_is_an_answer_only_to_a_question_asked_before_it(tmp_path: Path) -> None:
    talk = [(LIST, SENT), ("a segunda", SPOKEN), (QUESTION, SENT), ("sim, isso", SPOKEN)]
    assert not judge(tmp_path, *talk)
