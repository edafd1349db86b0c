"""What the guard lets through and what it keeps back: a table of replies in Portuguese, Spanish and English."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.guard import Known, objections
from prompts.labels import day_label, hour_label, short_label, when_label

ZONE = ZoneInfo("America/Sao_Paulo")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


# What the business file says.
OWN_WORDS = """
Há financiamento em até 72 parcelas. A visita técnica é gratuita e dura cerca de uma hora.
Veja https://solclaro.example/projetos
Nosso escritório atende de segunda a sexta, das 9h às 18h.
A economia chega a 95%. Telefone: (11) 4002-8922.
Respondemos em até 24h. O projeto é homologado na distribuidora em 30 dias e instalado em 2 dias.
"""
SAID = (
    "pode ser na sexta?",
    "tem às 4 da tarde? ou 18h?",
    "domingo eu posso",
    "minha conta é uns 800",
    "https://fotos.example/telhado",
)
NOW, OFFERS = at("2026-03-09 08:00"), (at("2026-03-10 14:00"), at("2026-03-10 15:30"), at("2026-03-11 09:00"))


def known(**facts: bool) -> Known:
    """A Monday at eight; two times on Tuesday and one on Wednesday were offered. Nothing else happened unless said."""
    deeds = dict.fromkeys(("booked", "moved", "cancelled", "handed_off"), False) | facts
    return Known(
        **deeds,
        deeds_now=frozenset(deed for deed, is_so in deeds.items() if is_so),
        moments=OFFERS,
        own_words=OWN_WORDS,
        zone=ZONE,
        now=NOW,
        said=SAID,
        amounts=(Decimal(250),),
        people=("Ana", "Bruno"),
    )


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
    "Posso cancelar a visita, se quiser.",
    "Às 16h não tenho, mas na terça às 14:00 sim.",
    "Na sexta às 16h não temos vaga. Serve terça às 14:00?",
    "Você pediu sexta às 16h; vou verificar.",
    "Entendi, você prefere domingo. Vou ver a agenda.",
    "Você perguntou por domingo às 18h, certo?",
    "Infelizmente domingo não atendemos.",
    "El domingo no atendemos.",
    "Sorry, nothing is free on Friday.",
    "We are closed on Sunday.",
    "Hoje é segunda-feira, 9 de março.",
    "Como posso te ajudar hoje?",
    "How can I help you today?",
    "¿En qué puedo ayudarte hoy?",
    "Obrigada! Até amanhã!",
    "¡Gracias, hasta mañana!",
    "Boa tarde, Maria!",
    "Bom dia! Tudo bem?",
    "Buenas tardes, ¿cómo estás?",
    "Good evening!",
    "Você prefere de manhã ou à tarde?",
    "¿Prefieres por la mañana o por la tarde?",
    "Do you prefer the morning or the afternoon?",
    "Qual dia e período (manhã, tarde ou noite) ficam melhores para você?",
    "¿Qué día y qué parte del día (mañana, tarde o noche) te quedan mejor?",
    "Which day and part of the day (morning, afternoon or evening) suit you best?",
    "Amanhã às 14h ou às 15h30?",
    "Amanhã à tarde tenho 14h.",
    "Depois de amanhã, às 9 da manhã, pode ser?",
    "Às duas da tarde de terça?",
    "Terça às três e meia da tarde, pode ser?",
    "Mañana a las dos de la tarde, ¿te sirve?",
    "Pasado mañana a las 9, ¿te queda bien?",
    "Tomorrow at half past three?",
    "Tuesday at 2pm or 3:30 pm?",
    "Wednesday, March 11th, 9 am is free.",
    "Tenho amanhã (terça-feira): 14:00 e 15:30.",
    "Para terça-feira, 10 de março, tenho:\n- 14:00\n- 15:30",
    "*terça-feira*, _10 de março_, *14:00*",
    "1️⃣ terça, 10/03, 14:00\n2️⃣ quarta, 11/03, 09:00",
    "Nosso escritório atende de segunda a sexta, das 9h às 18h.",
    "Atendemos contas a partir de R$ 250.",
    "Sua conta é de R$ 800, certo?",
    "Your bill is about R$ 800, right?",
    "Você me mandou https://fotos.example/telhado, obrigada!",
    "Mais em solclaro.example/projetos.",
    "Não se preocupe, nada foi marcado ainda.",
    "Sua visita ainda não foi marcada.",
    "Ainda não marquei nada.",
    "A visita não está confirmada ainda.",
    "Se preferir, posso cancelar e marcar de novo.",
    "Caso confirme, fica agendado para terça às 14:00.",
    "Quando a visita estiver confirmada, você recebe uma mensagem.",
    "Depois de confirmada, a visita dura uma hora.",
    "Uma vez agendada, você pode remarcar quando quiser.",
    "Once it is booked you will get a message.",
    "As soon as you choose, it is booked.",
    "En cuanto elijas, queda reservada.",
    "No agendé nada todavía.",
    "Aún no he reservado nada.",
    "We haven't scheduled anything.",
    "It is not confirmed yet.",
    "Agende su visita con nosotros.",
    "Agende sua visita gratuita!",
    "Não encaminhei sua conversa a ninguém.",
    "Quer que eu avise um vendedor?",
    "Do you want me to call a person?",
    "¿Quieres que llame a un vendedor?",
    "Se você quiser, chamo um vendedor.",
    "O vendedor explica isso na visita.",
    "Não consegui chamar uma pessoa da equipe agora.",
    "Não enviei nenhuma mensagem.",
    "Ainda não mandei a confirmação.",
    "O sistema envia a confirmação quando estiver marcado.",
    "Estou conferindo isso na agenda.",
    "A segunda opção é na quarta-feira às 9:00.",
    "Prefere a primeira ou a segunda?",
    "As 2 opções são boas.",
    "As duas opções servem.",
    "Nosso telefone é (11) 4002-8922.",
    "O endereço é Rua 15 de Novembro, 200?",
    "O sistema tem 12 módulos de 550 W.",
    "A instalação leva 2 dias.",
    "Responda sim ou não, por favor.",
    "✅ Conta de luz: R$ 800",
    "✅ Anotado!",
    "O kit fica pronto em 24h.",
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
    "A gente marcou sua visita.",
    "Te agendamos para terça às 14h.",
    "Já está na agenda!",
    "Reservado!",
    "✅ terça-feira às 14:00",
    "✅ Visita de terça às 14:00",
    "Está tudo certo para terça!",
    "Sua visita gratuita e sem compromisso está marcada.",
    "Sua visita no horário das 14:00 está confirmada.",
    "Não se preocupe, sua visita está marcada.",
    "Está marcado, se precisar mudar me avise.",
    "Se tiver dúvidas me chame, já marquei sua visita.",
    "Consegui encaixar você na terça às 14:00.",
    "Acabei de agendar sua visita.",
    "Coloquei você na agenda.",
    "Agendamento realizado com sucesso!",
    "Combinado, terça às 14:00!",
    "Fechado para quarta às 9h.",
    "A Ana vai te visitar na terça às 14:00.",
    "Te esperamos el martes a las 14:00.",
    "Nos vemos el martes a las 14:00.",
    "See you on Tuesday at 14:00!",
    "Our team will visit you on Tuesday at 2pm.",
    "Até terça às 14h!",
    "Sua visita é terça às 14:00.",
    "Então fica marcado para terça às 14:00.",
    "Garanti o horário de terça às 14:00.",
    "Sí, tu visita está agendada.",
    "Te agendé el martes a las 14:00.",
    "Ya quedaste agendada.",
    "Ya está en la agenda.",
    "He reservado tu visita.",
    "Se agendó tu visita.",
    "Marquei sua visita, ok?",
    "We've got your visit scheduled.",
    "It's on the calendar.",
    "I put you on the schedule.",
    "Great, booked!",
    "You're down for Tuesday at 2pm.",
    "Your appointment is set for Tuesday at 2pm.",
    "✅ Marcado, Maria!",
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
    "Troquei o horário.",
    "Pronto, horário alterado!",
    "A gente remarcou sua visita.",
    "Consegui mudar o horário.",
    "¡Listo, horario cambiado!",
    "Reprogramé tu visita.",
    "Moví tu visita.",
    "Done, the time has been changed!",
    "We moved your visit.",
    "Rescheduled!",
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
    "Pronto, a reunião foi cancelada.",
    "A gente cancelou sua visita.",
    "Cancelado!",
    "Acabei de cancelar a visita.",
    "Tirei sua visita da agenda.",
    "He cancelado tu visita.",
    "Listo, la reunión fue cancelada.",
    "We've cancelled your meeting.",
    "Cancelled!",
    "I removed it from the calendar.",
]
SAYS_HANDED_OVER = [
    "Encaminhei sua conversa para a Ana.",
    "Já avisei um vendedor.",
    "Transferi você para um atendente.",
    "Pasé tu contacto a un vendedor.",
    "Avisé a un vendedor.",
    "I've passed this to a seller.",
    "I forwarded your message.",
    "Vou chamar um vendedor.",
    "Um vendedor vai continuar a conversa com você por aqui.",
    "Já chamei uma pessoa da equipe, que continua a conversa com você por aqui.",
    "A equipe já foi avisada.",
    "Notifiquei a Ana.",
    "A Ana vai entrar em contato com você.",
    "Estou transferindo você para um atendente.",
    "Sua conversa já foi encaminhada.",
    "Ya llamé a una persona del equipo, que sigue la conversación contigo por aquí.",
    "Le avisé al vendedor.",
    "Un vendedor va a llamarte.",
    "I have called a person from the team, who will continue with you here.",
    "A seller will contact you.",
    "The team has been notified.",
    "Vou verificar com a equipe.",
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
    "Às 16h está ótimo.",
    "Pode ser às 18h?",
    "Às 18h está ótimo, não se preocupe.",
    "Que tal ao meio-dia?",
    "Terça às duas e meia da tarde?",
    "Quinze pras três de terça?",
    "Martes a las tres y cuarto.",
    "Mañana a las 3 de la tarde.",
    "Tuesday at noon?",
    "Tuesday at half past two works.",
    "Amanhã às 9 da noite.",
    "Tenho terça às 02:00.",
    "Posso às 14h ou 17h de terça.",
    "Agora são 08:00, tenho às 08:00.",
]
NAMES_A_DATE = [
    "Pode ser dia 12/03?",
    "Tenho 13 de março.",
    "Tengo el 13 de marzo.",
    "Consigo 10/04.",
    "Tenho amanhã ou dia 12.",
    "Consigo hoje.",
    "Hoy es lunes y tengo a las 17:00.",
    "Pode ser hoje à tarde?",
    "Un vendedor te escribe el 15.",
    "March 12th works.",
    "Tenho vaga na semana que vem.",
    "Próxima sexta tenho.",
    "Tenho fim de semana livre.",
    "Te respondo ontem.",
    "Next Friday is free.",
]
NAMES_A_WEEKDAY = [
    "Tenho sábado.",
    "Temos quinta-feira.",
    "Tengo el jueves.",
    "How about Thursday?",
    "Saturday works.",
    "Sexta está ótimo!",
    "Domingo às 16h está confirmado.",
    "Sábado de manhã temos.",
    "Pode ser na quinta?",
]
NAMES_A_LINK = [
    "Veja https://maps.example/abc",
    "Entre em www.outro.example",
    "O link é http://meet.example/x?y=1",
    "Veja https://solclaro.example/proj",
    "Escreva para vendas@outro.example",
    "Acesse outro.com.br/agenda",
    "Fale em wa.me/5511999990000",
]
NAMES_AN_AMOUNT = [
    "O kit custa R$ 18.000.",
    "Fica em 300 reais por mês.",
    "Você economiza 90%.",
    "São 60 parcelas.",
    "72x de R$ 199,90.",
    "Custa mil e duzentos reais.",
    "It costs $500.",
    "Cuesta 500 dólares.",
    "Sale 15 mil reales.",
    "Temos 10% de desconto.",
    "12 parcelas de 350.",
    "Entre 300 e 400 reais.",
]
JOINS_WRONGLY = [
    "Quarta-feira às 14:00?",
    "Terça às 9h.",
    "Quarta, 11 de março, às 15:30.",
    "Tenho às 14h na quarta.",
    "Wednesday at 2pm?",
    "Miércoles a las 14:00.",
    "Amanhã às 9 da manhã.",
    "Terça ou quarta às 9h?",
    "Terça-feira à noite tenho.",
]
DISAGREES_WITH_THE_CALENDAR = [
    "Tenho terça, 11 de março de 2026, às 9h.",
    "Quarta-feira, 10/03, às 14:00?",
    "Martes 11 de marzo.",
    "Wednesday, March 10, 2026",
    "Amanhã, quarta-feira, às 9h.",
    "Não tenho nada em 31 de abril.",
]
SAYS_OTHER_THINGS = {
    "link_saved": ["Salvei o link no Kommo.", "O link foi salvo.", "I saved the link.", "Guardé el enlace."],
    "notified": [
        "Enviei a confirmação.",
        "Te mandei a mensagem com os detalhes.",
        "I've sent you the confirmation.",
        "La confirmación fue enviada.",
    ],
    "completed": ["A visita foi realizada.", "Your visit was completed."],
    "no_show": ["Você não compareceu.", "You missed your visit."],
}
NEVER_TRUE = [
    "Enviei um e-mail para você.",
    "I sent you an email.",
    "Seu financiamento foi aprovado.",
    "O desconto foi aplicado.",
    "Te liguei agora há pouco.",
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
    "amount": (NAMES_AN_AMOUNT, "it names an amount that neither the business file nor the customer gave"),
    "together": (JOINS_WRONGLY, "it "),
    "calendar": (DISAGREES_WITH_THE_CALENDAR, "it names a day that is not in the calendar"),
}
FALSE_CLAIMS = [(fact, reply, why) for fact, (replies, why) in CLAIMS.items() for reply in replies]
INVENTIONS = [(reply, why) for replies, why in NAMES.values() for reply in replies]


def test_the_table_is_long_enough() -> None:
    assert len({*FINE, *(reply for _, reply, _ in FALSE_CLAIMS), *(reply for reply, _ in INVENTIONS)}) >= 200


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


@pytest.mark.parametrize(("fact", "reply"), [(fact, reply) for fact, replies in SAYS_OTHER_THINGS.items() for reply in replies])
def test_further_deeds_need_their_record(fact: str, reply: str) -> None:
    assert len(objections(reply, known())) == 1
    assert objections(reply, known(**{fact: True})) == []


@pytest.mark.parametrize("reply", NEVER_TRUE)
def test_what_no_tool_does_is_never_claimed(reply: str) -> None:
    everything = dict.fromkeys(("booked", "moved", "cancelled", "handed_off", "link_saved", "notified"), True)
    assert any("no tool can do" in why for why in objections(reply, known(**everything)))


def test_everything_wrong_with_a_reply_is_said_at_once() -> None:
    reply = "Está marcado para quinta-feira, 12 de março, às 10:00. Custa R$ 90. Veja https://meet.example/x"
    booked, moment, link, amount = objections(reply, known())
    assert booked == CLAIMS["booked"][1]
    assert "date" in moment
    assert "hour" in moment
    assert link == NAMES["link"][1]
    assert amount == NAMES["amount"][1]


def test_a_wrong_sentence_among_good_ones_is_found() -> None:
    reply = "Que bom, Maria! A visita é gratuita. Agendei sua visita. Qualquer dúvida, é só chamar."
    assert objections(reply, known()) == [CLAIMS["booked"][1]]


@pytest.mark.parametrize("moment", OFFERS)
def test_hours_are_compared_on_the_wall_clock_of_the_business(moment: datetime) -> None:
    local, utc = (f"Tenho às {m:%H:%M}." for m in (moment.astimezone(ZONE), moment))
    assert objections(local, known()) == []
    assert objections(utc, known()) != []


def test_what_the_customer_wrote_may_be_repeated_but_not_offered() -> None:
    asked, offered = "Você perguntou por domingo às 18h, certo?", "Domingo às 18h está ótimo!"
    nothing_said = Known(False, False, False, False, moments=OFFERS, own_words="", zone=ZONE, now=NOW)
    assert objections(asked, known()) == []
    assert objections(asked, nothing_said) != []
    assert objections(offered, known()) != []


def test_the_present_is_no_offer() -> None:
    assert objections("Tenho hoje às 08:00.", known()) != []


def test_without_moments_every_named_time_is_unknown() -> None:
    empty = Known(False, False, False, False, moments=(), own_words="", zone=ZONE)
    assert objections("Tenho amanhã às 14h.", empty) != []
    assert objections("Qual é o valor da sua conta?", empty) == []


def test_an_empty_reply_is_no_matter_for_the_guard() -> None:
    assert objections("", known()) == []


MOMENTS = st.datetimes(datetime(2026, 3, 9, 9), datetime(2026, 6, 30), timezones=st.just(ZONE)).map(  # noqa: DTZ001
    lambda moment: moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)
)
LOCALES = ("pt-BR", "es", "en")
FRAMES = {
    "pt-BR": ("1) {}", "Tenho {}.", "Pode ser {}?", "Que tal {}?"),
    "es": ("1) {}", "Tengo {}.", "¿Puede ser {}?", "¿Qué tal {}?"),
    "en": ("1) {}", "I have {}.", "How about {}?", "Is {} good for you?"),
}
JOINERS = {"pt-BR": " às ", "es": " a las ", "en": " at "}


def rendered(moment: datetime, locale: str) -> list[str]:
    """The moment in every form that code prints."""
    day, hour = day_label(moment, ZONE, locale), hour_label(moment, ZONE)
    return [when_label(moment, ZONE, locale), short_label(moment, ZONE, locale), f"{day}{JOINERS[locale]}{hour}"]


def only(*moments: datetime) -> Known:
    return Known(False, False, False, False, moments=moments, own_words="", zone=ZONE, now=NOW)


@settings(deadline=None)
@given(st.lists(MOMENTS, min_size=1, max_size=4, unique=True), st.sampled_from(LOCALES), st.integers(0, 3))
def test_known_moments_pass_however_they_are_printed(moments: list[datetime], locale: str, frame: int) -> None:
    for form in range(3):
        lines = [FRAMES[locale][frame].format(rendered(moment, locale)[form]) for moment in moments]
        assert objections("\n".join(lines), only(*moments)) == []


SHIFTS = st.timedeltas(timedelta(minutes=-20000), timedelta(minutes=20000)).map(
    lambda shift: timedelta(minutes=shift // timedelta(minutes=15) * 15)
)


@settings(deadline=None)
@given(MOMENTS, SHIFTS.filter(bool), st.sampled_from(LOCALES), st.integers(0, 3))
def test_a_shifted_moment_never_passes(moment: datetime, shift: timedelta, locale: str, frame: int) -> None:
    for text in rendered(moment + shift, locale):
        assert objections(FRAMES[locale][frame].format(text), only(moment)) != []


@settings(deadline=None)
@given(MOMENTS, MOMENTS, st.sampled_from(LOCALES))
def test_the_day_of_one_moment_and_the_hour_of_another_do_not_pass(one: datetime, other: datetime, locale: str) -> None:
    if one.date() == other.date() or one.time() == other.time():
        return
    reply = f"{day_label(one, ZONE, locale)}{JOINERS[locale]}{hour_label(other, ZONE)}"
    assert objections(reply, only(one, other)) != []


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_reply_is_judged_without_a_mistake(reply: str) -> None:
    assert isinstance(objections(reply, known()), list)
