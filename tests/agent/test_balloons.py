"""Long answers go out in short messages; lists of options stay whole and nothing is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.balloons import MOST, balloons

SENTENCE = "A equipe cuida de tudo, do desenho do projeto até o sistema ligado, e você acompanha cada passo. "
OPTIONS = "\n".join(f"{n}) terça-feira, 10 de março, {8 + n:02}:00, com a Ana Ribeiro, na sua casa em Cotia" for n in range(1, 6))


def test_a_short_answer_is_one_message() -> None:
    assert balloons("Oi, Maria! Tudo bem? Como posso ajudar?") == ["Oi, Maria! Tudo bem? Como posso ajudar?"]


def test_one_long_paragraph_is_split_at_ends_of_sentences_into_even_parts() -> None:
    parts = balloons((SENTENCE * 14).strip())
    assert len(parts) == MOST
    assert all(part.endswith(".") and part.startswith("A equipe") for part in parts)
    assert max(map(len, parts)) < 2 * min(map(len, parts))


def test_lines_are_split_too() -> None:
    text = f"{SENTENCE * 2}\n{SENTENCE * 2}".strip()
    assert len(balloons(text)) > 1


def test_a_list_of_options_is_never_torn_apart() -> None:
    text = f"{SENTENCE * 3}Tenho estes horários:\n{OPTIONS}\nQual prefere, Maria? Se nenhum servir, me diga outro dia."
    assert len(balloons(text)) > 1
    assert sum(OPTIONS in part for part in balloons(text)) == 1


@pytest.mark.parametrize("name", ["R. Augusta", "Av. Paulista", "Dr. Souza", "R$ 1.491,00", "10.30 da manhã"])
def test_no_abbreviation_or_number_is_taken_for_an_end(name: str) -> None:
    text = f"{'palavra ' * 30}{name} {'palavra ' * 30}".strip()
    assert balloons(text) == [text]


@given(st.text(alphabet="ab .!?\n1)-é", max_size=900))
def test_nothing_is_lost_and_no_part_is_empty(text: str) -> None:
    parts = balloons(text)
    assert len(parts) <= MOST
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert not text.strip() or all(part.strip() for part in parts)
