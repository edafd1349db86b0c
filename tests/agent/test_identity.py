"""The agent says what it is: asked for or not, whatever the model says."""

import pytest

from agent.identity import asks_whether_machine, claims_to_be_human, identity_objections, owning_up
from meetings.business import Company

CLARA = Company(name="Sol Claro Energia", sells="energia solar", assistant_name="Clara")

QUESTIONS = [
    *("você é um robô?", "vc é robo", "Vc é um bot?", "tu é uma máquina?", "voce e ia?", "você é uma inteligência artificial?"),
    *("você é uma pessoa de verdade?", "você é humano?", "vc é gente?", "você é real?", "é um robô?", "É robô isso?", "robô?"),
    *("Oi, tô falando com um robô ou com gente?", "estou falando com uma pessoa?", "falo com um humano?", "robô ou pessoa?"),
    *("pessoa ou robô", "isso é um robô?", "aqui é gente ou máquina?", "Isso aí é automático?", "vc é mesmo uma pessoa?"),
    *("¿eres un robot?", "eres una persona?", "¿Sos un bot?", "es usted humano?", "¿estoy hablando con una máquina?"),
    *("hablo con una persona real?", "¿esto es un bot?", "¿robot o persona?", "mas é gente de verdade?"),
    *("are you a robot?", "Are you human?", "are u a bot", "r u real?", "am I talking to a real person?", "is this a bot?"),
    *("Am I chatting with an AI?", "are you a real human being?", "bot or human?", "you're a bot, right?"),
]
NO_QUESTIONS = [
    *("quero falar com uma pessoa", "me passa para um humano", "posso falar com alguém?", "oi"),
    *("é uma casa", "é da minha mãe", "sou uma pessoa ocupada", "somos 4 pessoas", "quanto é em reais?"),
    *("isso é de verdade?", "quiero hablar con una persona", "es una casa", "I want to talk to a person", "it is real estate"),
    *("vou instalar um robô de piscina", "are you open on Sunday?", "você é de São Paulo?", "¿eres de Chile?", "800 reais"),
]
LIES = [
    *("Sou uma pessoa!", "Sou humana, pode ficar tranquila", "Não sou um robô", "não sou robô não", "Aqui não é robô"),
    *("Aqui é uma pessoa de verdade", "Você está falando com uma pessoa", "Sou gente de verdade", "Sou de carne e osso"),
    *("Sou a Clara, uma pessoa real da equipe", "Não, sou uma atendente, uma pessoa de verdade", "Não é um bot", "Nada de robô!"),
    *("Não sou uma assistente virtual", "não é automático, sou humana", "Quem fala é uma pessoa", "Não tem nenhum robô aqui"),
    *("Soy una persona", "¡Soy humana!", "No soy un robot", "No, soy de carne y hueso", "Estás hablando con una persona real"),
    *(
        "I'm a real person",
        "I am human",
        "I’m not a robot",
        "This is not a bot",
        "You're talking to a real human",
        "I am a person",
    ),
    *("Real person here!", "I'm not an AI", "we're not automated"),
]
HONEST = [
    *(
        "Sou a Clara, assistente virtual da Sol Claro Energia.",
        "Sim, sou um robô!",
        "Sou uma assistente virtual, não uma pessoa.",
    ),
    *("Não sou uma pessoa, sou uma assistente virtual.", "Se preferir, chamo uma pessoa de verdade.", "Sou um robô, sim."),
    *("Sou a assistente virtual, mas posso chamar uma pessoa real.", "Uma pessoa da equipe vai falar com você."),
    *("São quantas pessoas na casa?", "O imóvel é seu?", "Não sou humana.", "Quer falar com uma pessoa?", "Somos da Sol Claro."),
    *("Soy una asistente virtual.", "No soy una persona, soy un robot.", "Si quieres, llamo a una persona real."),
    *("I'm a virtual assistant.", "I am not a person.", "I can ask a real person to join.", "We're in real estate too."),
    *("Não tenho robô de piscina para vender.", "Uma pessoa aqui da equipe continua com você.", "A gente te espera!"),
]


@pytest.mark.parametrize("text", QUESTIONS)
def test_the_question_is_recognised(text: str) -> None:
    assert asks_whether_machine(["Oi", text])


@pytest.mark.parametrize("text", NO_QUESTIONS)
def test_other_talk_of_people_and_robots_is_no_such_question(text: str) -> None:
    assert not asks_whether_machine([text])


@pytest.mark.parametrize("reply", LIES)
def test_who_claims_to_be_a_person_is_refused_whether_asked_or_not(reply: str) -> None:
    assert claims_to_be_human(reply)
    for is_last in (False, True):
        assert identity_objections(reply, ["Oi"], "pt-BR", is_last=is_last)


@pytest.mark.parametrize("reply", HONEST)
def test_what_is_honest_passes(reply: str) -> None:
    assert not claims_to_be_human(reply, ["Oi"])


@pytest.mark.parametrize(
    ("asked", "reply", "is_lie"),
    [
        ("você é uma pessoa?", "Sou sim!", True),
        ("você é humana?", "Sim, claro!", True),
        ("¿eres una persona?", "Sí.", True),
        ("are you human?", "Yes, I am!", True),
        ("você é um robô?", "Sou sim! Como posso ajudar?", False),
        ("é robô ou pessoa?", "Sou.", False),  # says nothing; what it leaves out is said for it
        ("você é da Sol Claro?", "Sou sim!", False),
    ],
)
def test_a_bare_yes_means_what_was_asked(asked: str, reply: str, is_lie: bool) -> None:
    assert claims_to_be_human(reply, [asked]) is is_lie


def test_who_is_asked_and_evades_is_asked_again_once_and_then_corrected() -> None:
    asked, reply = ["vc é um robô?"], "Sou a Clara! Qual é o valor da sua conta?"
    assert identity_objections(reply, asked, "pt-BR", is_last=False)
    assert not identity_objections(reply, asked, "pt-BR", is_last=True)
    sent = owning_up(reply, asked, CLARA, "pt-BR")
    assert sent == f"Sou a Clara, assistente virtual da Sol Claro Energia.\n\n{reply}"


@pytest.mark.parametrize(
    ("asked", "reply", "locale"),
    [
        ("vc é um robô?", "Sou uma assistente virtual!", "pt-BR"),
        ("¿eres un bot?", "Sí, soy una asistente virtual.", "es"),
        ("are you a bot?", "I'm a virtual assistant.", "en"),
        ("qual o preço?", "Depende do telhado.", "pt-BR"),
    ],
)
def test_who_says_it_or_was_not_asked_is_left_alone(asked: str, reply: str, locale: str) -> None:
    assert not identity_objections(reply, [asked], locale, is_last=False)
    assert owning_up(reply, [asked], CLARA, locale) == reply


@pytest.mark.parametrize(
    "reply",
    [
        "Sou a Clara, vendedora da Sol Claro.",
        "Sou funcionária da empresa, pode confiar.",
        "Sou uma atendente de verdade.",
        "Trabalho aqui há 5 anos.",
        "I'm an employee of Sol Claro.",
        "Soy asesora de ventas.",
        "I've worked here for years.",
    ],
)
def test_it_does_not_pass_for_a_member_of_the_staff(reply: str) -> None:
    assert claims_to_be_human(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "Sou a Clara, assistente virtual da Sol Claro.",
        "Sou uma atendente virtual, mas chamo a vendedora se quiser.",
        "Aqui é a Clara, atendente virtual. Tudo bem?",
        "A Ana é a vendedora que vai até você.",
        "Não sou vendedora, sou a assistente virtual.",
        "I'm a virtual assistant; a seller can call you.",
        "Quem trabalha aqui na região é a Ana.",
    ],
)
def test_a_virtual_assistant_may_speak_of_the_staff(reply: str) -> None:
    assert not claims_to_be_human(reply)


@pytest.mark.parametrize(
    "question", ["vc é o chatgpt?", "você é o ChatGPT", "isso é o gpt?", "are you chatgpt?", "eres chatgpt?"]
)
def test_the_name_of_a_model_asks_whether_a_machine_writes(question: str) -> None:
    assert asks_whether_machine([question])
