"""What the guard lets through and what it keeps back: a table of replies in Portuguese, Spanish and English."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from agent.guard import Known, objections

ZONE = ZoneInfo("America/Sao_Paulo")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


# What the business file and the customer have said.
OWN_WORDS = """
Há financiamento em até 72 parcelas. A visita técnica é gratuita e dura cerca de uma hora.
Veja https://solclaro.example/projetos
pode ser na sexta?
tem às 4 da tarde? ou 18h?
domingo eu posso
"""
NOW, OFFERS = at("2026-03-09 08:00"), (at("2026-03-10 14:00"), at("2026-03-10 15:30"), at("2026-03-11 09:00"))


def known(*, booked: bool = False, moved: bool = False, cancelled: bool = False, handed_off: bool = False) -> Known:
    """A Monday at eight; two times on Tuesday and one on Wednesday were offered. Nothing else happened unless said."""
    return Known(booked, moved, cancelled, handed_off, (NOW, *OFFERS), OWN_WORDS, ZONE)


FINE = [
    "Oi, Maria! Aqui é a Clara, assistente virtual da Sol Claro Energia.",
    "Qual é o valor médio da sua conta de luz?",
    "Hola, ¿cuál es el valor promedio de tu factura?",
    "Hi! How much is your electricity bill on average?",
    "Há financiamento em até 72 parcelas.",
    "Tenho:\n1) terça-feira, 10 de março de 2026, 14:00\n2) quarta-feira, 11 de março de 2026, 09:00\nQual prefere?",
    "Terça às 14h ou 15h30?",
    "Pode ser 10/03 às 14:00?",
    "Consigo na quarta-feira às 9 horas.",
    "Martes 10 de marzo a las 14:00 o miércoles 11 de marzo a las 9, ¿cuál prefieres?",
    "Wednesday at 9 works too.",
    "Posso confirmar o horário de terça às 14:00?",
    "Quer que eu marque terça às 14:00?",
    "Vou marcar assim que você escolher.",
    "Você quer que a visita fique agendada para quarta-feira?",
    "Ainda não está marcado: qual horário você prefere?",
    "Nada foi agendado até agora.",
    "Sua visita não foi cancelada.",
    "Se você confirmar, a visita fica marcada.",
    "¿Quieres que agende tu visita?",
    "Todavía no está agendada.",
    "Nothing is booked yet.",
    "Shall I book it for Tuesday at 14:00?",
    "Your visit is not booked yet.",
    "Estou confirmando o horário, já te aviso.",
    "Posso cancelar a visita, se quiser.",
    "Posso passar você para um vendedor?",
    "O vendedor responde essa pergunta na visita.",
    "Só o vendedor passa o preço, depois da visita.",
    "Veja https://solclaro.example/projetos",
    "Às 18h não tenho nada livre.",
    "Domingo não atendemos.",
    "A visita dura cerca de 1 hora.",
    "I have March 10 at 14:00.",
    "O kit é 110/220 V.",
    "Respondemos em até 24h.",
    "Assim que você escolher o número, fica agendado.",
    "Sua visita será confirmada em instantes.",
    "Perfeito! Qual desses horários você prefere: terça-feira às 14:00 ou quarta-feira às 09:00?",
    "Não consegui confirmar o horário, desculpe.",
    "Não foi possível agendar agora.",
    "O horário das 14:00 está livre na terça-feira.",
    "O agendamento é rápido e gratuito.",
    "Assim que o sistema confirmar, você recebe a mensagem.",
    "Obrigada! Anotei: conta de R$ 800.",
    "Anotei que você é o dono do imóvel.",
    "Perfeito, anotado!",
    "Confirma para mim: sua conta é de R$ 800?",
    "Só para confirmar, o imóvel é uma casa?",
    "Você confirma o horário de terça-feira às 14:00?",
    "Se preferir, posso pedir para um vendedor falar com você.",
    "Vou chamar um vendedor.",
    "Um vendedor vai continuar a conversa com você por aqui.",
    "La visita dura cerca de 1 hora.",
    "La visita es gratuita y dura 60 minutos.",
    "¿Prefieres el martes a las 14:00 o el miércoles a las 9:00?",
    "Todavía no hay nada agendado.",
    "No quedó nada agendado.",
    "Si confirmas, queda agendada.",
    "Cuando elijas un horario, lo reservo.",
    "Which option do you prefer, 1 or 2?",
    "The visit is free and takes about 1 hour.",
    "Nothing has been booked.",
    "I have not booked anything yet.",
    "I haven't booked anything yet.",
    "If you confirm, I will book it.",
    "Desculpe, a segunda opção não está mais livre.",
    "A opção 2 é na quarta-feira às 9:00.",
    "Responda com o número: 1, 2 ou 3.",
    "A economia chega a 95%.",
    "São 4 passos até a instalação.",
    "O projeto é homologado na distribuidora em 30 dias.",
    "Instalamos em até 2 dias.",
    "Obrigada pelo contato! Até mais.",
    "Que pena! No momento atendemos contas a partir de R$ 250.",
]
SAYS_BOOKED = [
    "Pronto, está marcado!",
    "Marquei sua visita.",
    "Sua visita ficou agendada.",
    "Visita técnica agendada!",
    "Agendado!",
    "Prontinho! Agendado para terça-feira às 14:00.",
    "Perfeito, confirmado.",
    "Sua visita está confirmada para terça-feira, 10 de março, às 14:00.",
    "Já reservei o horário para você.",
    "Está tudo agendado, Maria.",
    "A reunião foi marcada com a Ana.",
    "Deixei reservado terça às 14:00.",
    "Tu visita está agendada.",
    "Tu visita quedó agendada.",
    "Agendé tu visita.",
    "Ya reservé el horario.",
    "Tu visita ha quedado confirmada.",
    "Your visit is booked.",
    "I've booked your visit.",
    "I have just scheduled it.",
    "Booked!",
    "Your visit has been scheduled for Tuesday at 14:00.",
    "You're all set for Tuesday at 14:00.",
    "It's confirmed.",
    "Don't worry, your visit is booked.",
]
SAYS_MOVED = [
    "Remarquei sua visita.",
    "Sua visita foi remarcada.",
    "Mudei o horário para quarta-feira às 9:00.",
    "Reagendé tu visita.",
    "Tu visita fue reagendada.",
    "Cambié tu visita para el miércoles.",
    "Your visit has been moved.",
    "I've rescheduled it.",
]
SAYS_CANCELLED = [
    "Cancelei sua visita.",
    "Sua visita foi cancelada.",
    "A visita está desmarcada.",
    "Desmarquei a visita.",
    "Cancelé tu visita.",
    "Tu visita quedó cancelada.",
    "Your visit has been cancelled.",
    "I canceled it.",
]
SAYS_HANDED_OVER = [
    "Encaminhei sua conversa para a Ana.",
    "Já avisei um vendedor.",
    "Transferi você para um atendente.",
    "Pasé tu contacto a un vendedor.",
    "Avisé a un vendedor.",
    "I've passed this to a seller.",
    "I forwarded your message.",
]
NAMES_AN_HOUR = [
    "Tenho terça às 11:00.",
    "Que tal às 17h?",
    "Pode ser 11h30?",
    "Consigo às 10 horas.",
    "Tengo a las 13:00.",
    "A las 10 te sirve?",
    "I have 5 pm.",
    "How about at 10?",
    "9:30 am works.",
]
NAMES_A_DATE = [
    "Pode ser dia 12/03?",
    "Tenho 13 de março.",
    "Tengo el 13 de marzo.",
    "Consigo 10/04.",
]
NAMES_A_WEEKDAY = [
    "Tenho sábado.",
    "Temos quinta-feira.",
    "Tengo el jueves.",
    "How about Thursday?",
    "Saturday works.",
]
NAMES_A_LINK = [
    "Veja https://maps.example/abc",
    "Entre em www.outro.example",
    "O link é http://meet.example/x?y=1",
]

CLAIMS = {
    "booked": (SAYS_BOOKED, "it says that a meeting is booked, but none is: call create_meeting first"),
    "moved": (SAYS_MOVED, "it says that the meeting was moved, but it was not: call reschedule_meeting first"),
    "cancelled": (SAYS_CANCELLED, "it says that the meeting was cancelled, but it was not: call cancel_meeting first"),
    "handed_off": (SAYS_HANDED_OVER, "it says that a person was called, but nobody was: call hand_off_to_seller first"),
}
NAMES = {
    "hour": (NAMES_AN_HOUR, "it names an hour that no tool returned"),
    "date": (NAMES_A_DATE, "it names a date that no tool returned"),
    "weekday": (NAMES_A_WEEKDAY, "it names a weekday that no tool returned"),
    "link": (NAMES_A_LINK, "it contains a link that no tool returned"),
}
FALSE_CLAIMS = [(fact, reply, why) for fact, (replies, why) in CLAIMS.items() for reply in replies]
INVENTIONS = [(reply, why) for replies, why in NAMES.values() for reply in replies]


def test_the_table_is_long_enough() -> None:
    assert len({*FINE, *(reply for _, reply, _ in FALSE_CLAIMS), *(reply for reply, _ in INVENTIONS)}) >= 80


@pytest.mark.parametrize("reply", FINE)
def test_a_reply_that_claims_and_invents_nothing_is_sent(reply: str) -> None:
    assert objections(reply, known()) == []


@pytest.mark.parametrize(("fact", "reply", "why"), FALSE_CLAIMS)
def test_a_claim_of_what_did_not_happen_is_kept_back_with_what_to_do(fact: str, reply: str, why: str) -> None:
    assert why in objections(reply, known())


@pytest.mark.parametrize(("fact", "reply", "why"), FALSE_CLAIMS)
def test_the_same_claim_is_sent_once_it_is_true(fact: str, reply: str, why: str) -> None:
    assert objections(reply, known(**{fact: True})) == []


@pytest.mark.parametrize("fact", CLAIMS)
def test_no_claim_is_covered_by_another_one_being_true(fact: str) -> None:
    others = known(**{other: True for other in CLAIMS if other != fact})
    replies, why = CLAIMS[fact]
    assert all(why in objections(reply, others) for reply in replies)


@pytest.mark.parametrize(("reply", "why"), INVENTIONS)
def test_what_nobody_offered_and_nobody_said_is_not_named(reply: str, why: str) -> None:
    assert any(objection.startswith(why) for objection in objections(reply, known()))
    assert objections(reply, known(booked=True, moved=True, cancelled=True, handed_off=True))  # no fact makes up for it


def test_everything_wrong_with_a_reply_is_said_at_once() -> None:
    reply = "Está marcado para quinta-feira, 12 de março, às 10:00. Veja https://meet.example/x"
    assert len(objections(reply, known())) == 5


def test_a_wrong_sentence_among_good_ones_is_found() -> None:
    reply = "Que bom, Maria! A visita é gratuita. Agendei sua visita. Qualquer dúvida, é só chamar."
    assert objections(reply, known()) == [CLAIMS["booked"][1]]


@pytest.mark.parametrize("moment", OFFERS)
def test_hours_are_compared_on_the_wall_clock_of_the_business(moment: datetime) -> None:
    local, utc = (f"Tenho às {m:%H:%M}." for m in (moment.astimezone(ZONE), moment))
    assert objections(local, known()) == []
    assert objections(utc, known()) != []


def test_what_the_customer_wrote_may_be_repeated() -> None:
    reply = "Você perguntou por domingo às 18h, certo?"
    assert objections(reply, known()) == []
    nothing_said = Known(
        booked=False, moved=False, cancelled=False, handed_off=False, moments=(NOW, *OFFERS), own_words="", zone=ZONE
    )
    assert len(objections(reply, nothing_said)) == 2


def test_an_empty_reply_is_no_matter_for_the_guard() -> None:
    assert objections("", known()) == []
