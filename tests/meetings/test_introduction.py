"""What a first message says: the company's name and that a machine writes, in the customer's language, once."""

import pytest
from meeting_scene import JID, at

from meetings.business import Company
from meetings.introduction import Introduction
from meetings.tables import Customer

INTRODUCTION = Introduction(Company(name="Sol Claro Energia", sells="energia solar", assistant_name="Clara"), "pt-BR")
PT = "Oi, Maria! Aqui é a Clara, assistente virtual da Sol Claro Energia."


def maria(**values: object) -> Customer:
    return Customer(**{"jid": JID, "created_at": at("2026-03-09 08:00"), "name": "Maria Souza", **values})


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("Qual é o valor da sua conta?", "Qual é o valor da sua conta?"),
        ("Oi! Qual é o valor?", "Qual é o valor?"),
        ("Oi, Maria! Qual é o valor?", "Qual é o valor?"),
        ("Olá Maria, tudo bem?", "Tudo bem?"),
        ("Bom dia, qual é o valor?", "Qual é o valor?"),
        ("Oi, Mariana é a vendedora.", "Mariana é a vendedora."),
        ("Oitocentos reais, certo?", "Oitocentos reais, certo?"),
        ("Oi, aqui é a Clara! Qual é o valor?", "Aqui é a Clara! Qual é o valor?"),
        ("Aqui é a assistente virtual.", "Aqui é a assistente virtual."),  # of which company?
        ("Aqui é da Sol Claro Energia.", "Aqui é da Sol Claro Energia."),  # who?
        ("✅ Marcado, Maria!", "✅ Marcado, Maria!"),
    ],
)
def test_a_text_without_an_introduction_gets_one_and_keeps_one_greeting(text: str, rest: str) -> None:
    assert INTRODUCTION.before(text, maria()) == f"{PT}\n\n{rest}"


@pytest.mark.parametrize("text", ["Oi!", "Olá, Maria!", "Bom dia"])
def test_a_mere_greeting_becomes_the_introduction(text: str) -> None:
    assert INTRODUCTION.before(text, maria()) == PT


@pytest.mark.parametrize(
    "text",
    [
        PT,
        "Oi! Sou a Clara, ASSISTENTE VIRTUAL da sol claro energia. Tudo bem?",
        "Oi! Aqui é o atendimento automático da Sol Claro Energia.",
        "Sou um robô da Sol Claro Energia :)",
    ],
)
def test_one_in_other_words_is_recognised(text: str) -> None:
    assert INTRODUCTION.is_in(text, maria())
    assert INTRODUCTION.before(text, maria()) == text


def test_it_is_said_in_the_customers_language() -> None:
    assert INTRODUCTION.before("Hola, ¿qué tal?", maria(locale="es", name=None)).startswith(
        "¡Hola! Soy Clara, asistente virtual de Sol Claro Energia.\n\n¿qué tal?"
    )
    assert INTRODUCTION.before("How are you?", maria(locale="en")).startswith(
        "Hi, Maria! This is Clara, the virtual assistant of Sol Claro Energia.\n\n"
    )
    assert not INTRODUCTION.is_in(PT, maria(locale="en"))
