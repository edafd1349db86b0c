"""A clear yes to a reminder, in any of our languages, and what only looks like one."""

from datetime import UTC, date, datetime

import pytest

from agent.replies import is_yes

WEDNESDAY_AT_10 = datetime(2026, 3, 11, 10, tzinfo=UTC)
YES = [
    "sim",
    "Sim!",
    "SIM",
    "sim 👍",
    "👍",
    "👍🏽",
    "ok 👍",
    "Ok, obrigada!",
    "confirmo",
    "Confirmado",
    "Confirmo minha presença.",
    "Sim, confirmo a visita. Obrigado!",
    "estarei lá",
    "Sim, estarei em casa",
    "pode confirmar sim",
    "Bom dia! Confirmado 🙏",
    "Sim, Clara",
    "ok, até amanhã",
    "sí",
    "Si, gracias",
    "Sí, ahí estaré",
    "claro que sí",
    "yes",
    "Yes, I'll be there",
    "Yes, I’ll be there!",  # with the apostrophe of a phone
    "yes please",
    "confirmed, thank you",
    "✅",
    "claro que sim",
    "simm",
    "Siiiim!!",
    "uhum",
    "¡Por supuesto que sí!",
    "ajá",
    "yesss",
    "uh-huh",
    "Sí, ahí estaremos",
]
NAMES_THE_TIME = [
    "Sim, estarei lá às 10h",
    "sim, às 10",
    "Sim, 10:00",
    "Confirmado, quarta-feira às 10h00!",
    "sim, amanhã às 10 da manhã",
    "ok, 10hs",
    "Sí, el miércoles a las 10:00",
    "sí, mañana a las 10 de la mañana",
    "Yes, tomorrow at 10am",
    "yes, Wednesday at 10 o'clock",
]
NAMES_ANOTHER = [
    "sim, às 11h",
    "sim, mas às 11h",
    "sim, às 10h30",
    "sim, 10:30",
    "sim, às 10 da noite",
    "sim, às 10 e meia",
    "sim, das 10 às 11",
    "às 10h",
    "sim, quinta às 10h",
    "sim, hoje às 10h",
    "yes, at 10pm",
    "sim 10",
    "sí, a las 10 y media",
]
NO_YES = [
    "",
    "🙏",
    "obrigada",
    "bom dia",
    "sim?",
    "sim, mas vou atrasar",
    "Sim, pode ser às 15h?",
    "sim, qual o endereço",
    "não",
    "não posso",
    "não confirmo",
    "sim não",
    "acho que sim",
    "talvez",
    "ok, mas pode ser amanhã",
    "simples",
    "confirmar o quê",
    "quero remarcar",
    "cancelar",
    "no",
    "yes but later",
    "I can't",
    "no puedo",
    "👎",
    "👍👎",
    "a 2",
    "sim\nna verdade não",
]


@pytest.mark.parametrize("text", YES)
def test_a_yes_and_nothing_but_a_yes_is_one(text: str) -> None:
    assert is_yes(text, ["Clara", "Ana Ribeiro", "Ana"])


@pytest.mark.parametrize("text", NAMES_THE_TIME)
def test_a_yes_may_name_the_agreed_time(text: str) -> None:
    assert is_yes(text, [], WEDNESDAY_AT_10, date(2026, 3, 10))
    assert not is_yes(text)


@pytest.mark.parametrize("text", NAMES_ANOTHER)
def test_and_no_other_time(text: str) -> None:
    assert not is_yes(text, [], WEDNESDAY_AT_10, date(2026, 3, 10))


@pytest.mark.parametrize("text", ["sim, às 14h30", "sim, 2 e 30 não"])
def test_an_hour_with_minutes_is_named_with_them(text: str) -> None:
    assert is_yes(text, [], datetime(2026, 3, 11, 14, 30, tzinfo=UTC)) == ("14" in text)


@pytest.mark.parametrize("text", NO_YES)
def test_anything_more_is_for_the_model(text: str) -> None:
    assert not is_yes(text, ["Clara", "Ana Ribeiro", "Ana"])


def test_a_long_text_is_more_than_a_yes() -> None:
    assert is_yes("sim " * 40)
    assert not is_yes("sim " * 40 + "na")
    assert not is_yes("sim " * 500)
