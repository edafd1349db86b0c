"""What a seller's answer means, and what means nothing clear."""

import pytest
from meeting_scene import shipped

from meetings.answers import SellerAnswer, understood

CLEAR = {
    SellerAnswer.COMPLETED: [
        "1",
        " 1 ",
        "1.",
        "1️⃣",
        "1 sim",
        "1 - correu tudo bem!",
        "Sim",
        "sim, aconteceu",
        "Aconteceu!",
        "foi realizada",
        "OK",
        "sí",
        "se hizo",
        "yes",
        "it took place",
    ],
    SellerAnswer.NO_SHOW: ["2", "2)", "2 faltou", "Faltou", "ele não veio", "Não veio.", "no vino", "did not come", "no-show"],
    SellerAnswer.REBOOK: ["3", "3: remarcar", "remarcar", "Remarcar para semana que vem", "reagendar", "reschedule please"],
    SellerAnswer.CANCELLED: ["cancelou", "cancelado pelo cliente"],
}
UNCLEAR = [
    "",
    "4",
    "12",
    "1 hora de atraso",
    "1 ou 2",
    "1 faltou",
    "2 sim",
    "não",
    "não aconteceu",
    "sim, mas faltou",
    "oi",
    "estou de férias, respondo em breve",
    "quem?",
    "ainda não sei",
    "amanhã eu vejo",
]


@pytest.mark.parametrize(("text", "answer"), [(text, answer) for answer, texts in CLEAR.items() for text in texts])
def test_a_clear_answer_is_understood(text: str, answer: SellerAnswer) -> None:
    assert understood(text, shipped().result_words) is answer


@pytest.mark.parametrize("text", UNCLEAR)
def test_anything_else_is_not_guessed_at(text: str) -> None:
    assert understood(text, shipped().result_words) is None
