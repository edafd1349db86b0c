"""Answers as people give them, through the whole app: what is recorded, and what the model hears back."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from cli.people import People
from cli.stack import Stack
from sandbox.server import Sandbox
from tests.processes import ROOT

pytestmark = pytest.mark.long

OWNER = "Você é o dono do imóvel?"


@pytest.fixture
def served() -> Iterator[tuple[Stack, People]]:
    with (
        Sandbox() as sandbox,
        Stack(business_file=ROOT / "business.toml", sandbox=sandbox, overrides={"DEBOUNCE_SILENCE_S": 0}) as stack,
    ):
        people = People(sandbox.control_url)
        yield stack, people
        people.close()


def tell(stack: Stack, people: People, text: str, *records: tuple[str, str, str], say: str = "Certo!") -> list[str]:
    """The customer writes, the model records; returns what each call gave back."""
    names = ("criterion", "value", "quote")
    calls = [{"record_qualification": dict(zip(names, record, strict=True))} for record in records]
    people.do("/model/script", steps=[*([{"calls": calls}] if calls else []), {"say": say}])
    people.customer_says(text)
    stack.settle()
    messages: list[dict[str, Any]] = stack.sandbox.world.services["openai"].state.requests[-1]["messages"]
    return [str(m["content"]) for m in messages if m["role"] == "tool"]


def recorded(stack: Stack) -> dict[str, str]:
    with closing(sqlite3.connect(f"file:{stack.database}?mode=ro", uri=True)) as connection:
        return dict(connection.execute("select criterion, value from answer").fetchall())


def test_words_are_taken_as_numbers_and_nicknames_as_options(served: tuple[Stack, People]) -> None:
    stack, people = served
    tell(stack, people, "pago uns mil e duzentos, é uma lojinha, uma loja mesmo", ("bill", "1200", "mil e duzentos"))
    tell(stack, people, "a loja é minha", ("property", "comércio", "a loja"), ("owner", "sim", "é minha"))
    assert recorded(stack) == {"bill": "R$ 1.200,00", "property": "comércio", "owner": "sim"}


def test_what_is_vague_or_cut_out_is_not_recorded_and_the_model_is_told_what_to_ask(served: tuple[Stack, People]) -> None:
    stack, people = served
    heard = tell(
        stack, people, "dois mil e pouco, e não sou o dono", ("bill", "2000", "dois mil"), ("owner", "sim", "sou o dono")
    )
    assert [text.split(":")[0] for text in heard] == ["UNCLEAR", "UNCLEAR"]
    assert "Qual é o valor médio da sua conta de luz?" in heard[0]
    assert recorded(stack) == {}


def test_a_bare_yes_counts_for_what_was_asked(served: tuple[Stack, People]) -> None:
    stack, people = served
    tell(stack, people, "oi", say="Oi! Posso te fazer umas perguntas?")
    assert tell(stack, people, "sim", ("owner", "sim", "sim"), say=OWNER)[0].startswith("UNCLEAR")
    assert tell(stack, people, "sim", ("owner", "sim", "sim"))[0].startswith("RECORDED")
    assert recorded(stack) == {"owner": "sim"}


@pytest.mark.parametrize("words", ["é da minha mãe", "moro de aluguel", "é alugado", "sou inquilina"])
def test_a_no_in_other_words_rules_out_at_once_and_is_never_a_yes(served: tuple[Stack, People], words: str) -> None:
    stack, people = served
    tell(stack, people, "oi", say=OWNER)
    heard = tell(stack, people, words, ("owner", "sim", words), ("owner", "não", words))
    assert [text.split(":")[0] for text in heard] == ["UNCLEAR", "NOT_QUALIFIED"]
