"""A clear yes to a reminder, in any of our languages, and what only looks like one."""

import pytest

from agent.replies import is_yes

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


@pytest.mark.parametrize("text", NO_YES)
def test_anything_more_is_for_the_model(text: str) -> None:
    assert not is_yes(text, ["Clara", "Ana Ribeiro", "Ana"])


def test_a_long_text_is_more_than_a_yes() -> None:
    assert is_yes("sim " * 40)
    assert not is_yes("sim " * 40 + "na")
    assert not is_yes("sim " * 500)
