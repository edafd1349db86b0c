"""Inventive untruths that are kept back, and true or harmless replies that are sent, with what is known at the time."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from agent.guard import Known, objections

ZONE = ZoneInfo("America/Sao_Paulo")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


OWN_WORDS = """
A visita técnica é gratuita e dura cerca de uma hora.
A instalação leva 2 dias depois da homologação, que sai em 30 dias.
Há financiamento em até 72 parcelas.
Nosso escritório atende de segunda a sexta, das 9h às 18h.
Os painéis têm 25 anos de garantia.
"""
OFFERS = (at("2026-03-10 14:00"), at("2026-03-10 15:30"), at("2026-03-11 09:00"))
# A Monday at eight; the customer has chosen nothing that was carried out.
NOTHING = Known(
    booked=False,
    moved=False,
    cancelled=False,
    handed_off=False,
    moments=OFFERS,
    own_words=OWN_WORDS,
    zone=ZONE,
    now=at("2026-03-09 08:00"),
    said=("minha conta é uns 800", "quero terça às 14h", "pode ser domingo às 10h?", "em 3 dias eu viajo", "ou sexta"),
    amounts=(Decimal(250),),
    people=("Ana", "Bruno"),
    closed=frozenset({5, 6}),
)
# Just now, for Tuesday at 14:00, with Ana.
BOOKED = replace(
    NOTHING, booked=True, meeting_at=OFFERS[0], link_saved=True, notified=True, seller="Ana", deeds_now=frozenset({"booked"})
)
MOVED = replace(  # from there to Wednesday at 9:00
    BOOKED, moved=True, meeting_at=OFFERS[2], moments=OFFERS[1:], past=OFFERS[:1], deeds_now=frozenset({"moved"})
)
CANCELLED = replace(NOTHING, cancelled=True, deeds_now=frozenset({"cancelled"}))
WITH_A_PERSON = replace(NOTHING, handed_off=True, deeds_now=frozenset({"handed_off"}))
HELD = replace(NOTHING, completed=True, now=at("2026-03-11 18:00"), moments=OFFERS[:1])  # the visit of Tuesday took place
REMINDED = replace(BOOKED, reminds=True)

# Nothing is booked, moved, cancelled or handed over.
UNTRUE = [
    # Portuguese: booked
    "Perfeito! Terça às 14h então.",
    "Anotado: terça às 14:00",
    "A visita fica para terça às 14:00",
    "Marcadíssimo!",
    "Vaga garantida!",
    "Prontinho! Qualquer coisa me chama por aqui 😊",
    "Tudo certo p/ terça 14h 👍",
    "Marcadinho, Maria 🎉",
    "Agendadinha pra terça!",
    "Terça, 14h. Fechou!",
    "Show! Terça 14h tá na mão.",
    "O horário das 14h é seu!",
    "Segurei terça às 14:00 pra você.",
    "Já deixei no seu nome.",
    "Sua visita já consta no sistema.",
    "Agora é só aguardar a visita.",
    "Você já está na lista de terça.",
    "A Ana passa aí na terça às 14h.",
    "Bora de terça às 14h então 🚀",
    "Fica assim: terça às 14h.",
    "Confirmadíssima para terça.",
    "Visita: marcada",
    "Seu horário foi assegurado.",
    "Data: terça-feira, 10/03\nHora: 14:00\nLocal: sua casa",
    "📅 Resumo da visita\n- Dia: 10/03\n- Horário: 14:00",
    "Estou agendando aqui pra você, um instante.",
    "O pessoal chega terça às 14h.",
    "Está tudo resolvido, Maria!",
    "Vou agendar terça às 14h para você agora.",
    "Acabou de sair a confirmação da sua visita.",
    "Terça, 10 de março, às 14:00: visita técnica com a Ana.",
    "Perfeito! Terça às 14h então. Posso ajudar em mais alguma coisa?",
    "Ótimo, Maria! 10/03, 14:00.",
    "👍 terça 14h",
    "Te espero na terça...",
    "Pode ficar tranquila, terça às 14h estaremos aí.",
    "Não precisa fazer mais nada, é terça às 14h.",
    "Sexta não tenho, então ficou terça às 14h.",
    "Se tiver dúvidas me chame, terça às 14h a gente se vê.",
    "Você já tem uma visita marcada com a gente.",
    "Anotado, domingo às 10h!",
    "Amanhã às 14h tá confirmado, viu?",
    # Portuguese: moved, cancelled
    "Passei sua visita para quarta às 9h.",
    "Mudadinho! Agora é quarta às 9h.",
    "Empurrei para quarta às 9h.",
    "Sua visita agora é quarta às 09:00",
    "Remarcação feita!",
    "Cancelamento efetuado.",
    "Prontinho, visita desmarcada.",
    "Já dei baixa na sua visita.",
    "Liberei o seu horário.",
    "Sua visita não está mais na agenda.",
    # Portuguese: a person
    "Um vendedor já está a caminho.",
    "Um consultor já te liga.",
    "Já já alguém da equipe fala com você.",
    "Abri um chamado para o time comercial.",
    "A Ana já está sabendo do seu caso.",
    "Em breve nossa equipe entra em contato.",
    "Te transfiro agora para um atendente.",
    "Entraremos em contato.",
    # Portuguese: what no tool does
    "Vou te lembrar um dia antes.",
    "Você vai receber um lembrete na véspera.",
    "O convite já está no seu e-mail.",
    "Mandei o convite da agenda pro seu e-mail.",
    "Te envio a confirmação por e-mail.",
    "Link salvo no seu cadastro!",
    "Seu financiamento já está aprovado!",
    "Consegui um desconto pra você.",
    "Um técnico te visita em 3 dias.",
    "Instalamos dentro de 2 semanas.",
    "Tenho vaga daqui 4 dias.",
    "A homologação sai em 10 dias.",
    "São 30 anos de garantia.",
    "Tenho horário em abril.",
    # Spanish
    "Listo, agendado.",
    "Quedamos el martes a las 14:00.",
    "¡Apartadísimo!",
    "Te anoté para el martes a las 14.",
    "Tu lugar está asegurado.",
    "El martes a las 14 entonces, ¡perfecto!",
    "Ya te dejé agendadita.",
    "Quedó todo confirmado.",
    "Nuestro asesor pasa el martes a las 14.",
    "Te mando el recordatorio un día antes.",
    "Un asesor te contactará en breve.",
    "Tu cita fue dada de baja.",
    "Cancelación realizada.",
    "Te llegará un correo con la invitación.",
    "Te visitamos en dos días.",
    "¡Dale! Martes 14:00.",
    "Ya hablé con el equipo.",
    "Pasé tu visita al miércoles a las 9.",
    # English
    "You're all set!",
    "See you Tuesday!",
    "Done!",
    "Tuesday at 2pm it is.",
    "Locked in for Tuesday.",
    "Consider it booked.",
    "Tuesday 2pm, done deal.",
    "Got you down for Tuesday at 2.",
    "Your spot is secured.",
    "I'll put you in for Tuesday at 2pm.",
    "Ana will swing by Tuesday at 2pm.",
    "Your cancellation has gone through.",
    "I've taken you off the schedule.",
    "We'll send you a reminder the day before.",
    "Check your inbox for the invite.",
    "Someone from our team will reach out shortly.",
    "I've looped in Ana.",
    "Your visit has been pushed to Wednesday at 9.",
    "Great, Tuesday at 2 then.",
    "We can be there in three days.",
    # Hidden
    "M a r c a d o",
    "M.a.r.c.a.d.o!",
    "M\na\nr\nc\na\nd\no",
    "Маrcado",
    "ᴍᴀʀᴄᴀᴅᴏ",
    "🅼🅰🆁🅲🅰🅳🅾",
    "mar\u200bca\u00addo!",
    "m4rc4d0",
    "𝗠𝗮𝗿𝗰𝗮𝗱𝗼!",
    "https://sоlclaro.example",
]
HARMLESS = [
    # Offers
    "Separei as 2 opções para você",
    "Já te passei os horários",
    "Separei dois horários pra você: terça às 14:00 e quarta às 9:00. Qual prefere?",
    "Temos terça às 14h ou quarta às 9h.",
    "Para terça: 14:00 e 15:30. Qual fica melhor?",
    "Horários disponíveis:\n- terça, 14:00\n- quarta, 09:00",
    "Ótimo! Tenho estes horários:\n1) terça, 10/03, 14:00\n2) quarta, 11/03, 09:00\nQual prefere?",
    "Perfeito! Então seria terça às 14:00, certo?",
    "Só para confirmar: terça-feira, 10 de março, 14:00. Certo?",
    "Você escolheu terça às 14:00. Posso confirmar?",
    "O primeiro horário livre é terça às 14h.",
    "Terça às 14h ainda está disponível.",
    "Para marcar terça às 14h, preciso saber se você é o dono do imóvel.",
    "Se terça às 14h servir, eu marco.",
    "A opção 1 é terça às 14h e a opção 3 é quarta às 9h.",
    "Consigo te encaixar na terça às 14:00, quer?",
    "Terça às 14h funciona para você?",
    "Você prefere terça às 14h ou quarta às 9h?",
    "Que tal terça às 15h30?",
    "Quer que eu marque terça às 14h?",
    "Esse horário de terça às 14h acabou de ser ocupado, desculpe.",
    "Quarta só tenho às 9h.",
    "Na sexta não consigo, só terça às 14h.",
    "Tengo el martes a las 14:00 y el miércoles a las 9:00.",
    "¿Te sirve el martes a las 14?",
    "Puedo ofrecerte el martes a las 14:00.",
    "Te separé dos opciones: martes 14:00 o miércoles 9:00.",
    "Si te queda bien el martes a las 14, lo agendo.",
    "I can do Tuesday at 2pm or Wednesday at 9am.",
    "We have two slots: Tuesday 2pm and Wednesday 9am.",
    "Would Tuesday at 2 work?",
    "Wednesday at 9 is still open.",
    "If Tuesday at 2pm works for you, just say yes.",
    "Esse horário já está reservado por outra pessoa.",
    # Questions and qualification
    "Prontinho, anotei! Agora me conta: o imóvel é casa ou comércio?",
    "Pronto! Qual é o valor médio da sua conta de luz?",
    "Tudo certo por aí?",
    "Perfeito, anotado! Você é o dono do imóvel?",
    "Beleza! Me diz só o valor da conta.",
    "Anotei aqui: conta de R$ 800.",
    "Perfecto, anotado. ¿Eres el dueño del inmueble?",
    "Got it, thanks! Do you own the place?",
    "Quantos meses você quer olhar da sua conta?",
    "Leva só 2 minutinhos.",
    # Policy, facts
    "As visitas são marcadas por aqui mesmo, pelo WhatsApp.",
    "Atendemos só com hora marcada.",
    "Uma visita agendada pode ser remarcada quando quiser.",
    "A instalação é agendada depois da visita.",
    "A visita é gratuita e dura cerca de uma hora.",
    "A visita dura 60 minutos.",
    "A instalação leva 2 dias.",
    "A homologação sai em 30 dias.",
    "Os painéis têm 25 anos de garantia.",
    "Atendemos de segunda a sexta, das 9h às 18h.",
    "El sistema tiene 25 años de garantía.",
    "The office is open Monday to Friday, 9am to 6pm.",
    "O vendedor passa o valor na visita, depois de ver o telhado.",
    "Os valores são confirmados pelo vendedor na visita.",
    "Não enviamos e-mail; tudo é por aqui.",
    "Ainda não marquei nada, ok?",
    "Não tem nada marcado no seu nome ainda.",
    "Combinado! Quando decidir, é só me chamar. Quer que eu sugira um horário?",
    "Se você quiser, chamo um vendedor para falar com você.",
    "Posso pedir para um consultor te ligar, quer?",
    "Bom fim de semana!",
    "Em 3 dias você viaja, entendi. Quer ver antes?",
    "Olá, Дмитрий! Tudo bem?",
    "Qual é o seu CNPJ, C.N.P.J. da empresa?",
    "Thanks! Nothing is booked yet. Which one do you prefer?",
    "No reservé nada todavía.",
    "You can pay in up to 72 installments.",
]
TRUE_THEN = [
    (BOOKED, "Prontinho! Marcadinho pra terça às 14h, Maria 🎉"),
    (BOOKED, "Perfeito! Terça às 14h então."),
    (BOOKED, "Sua visita fica para terça às 14:00."),
    (BOOKED, "Te esperamos terça!"),
    (BOOKED, "É na terça-feira, 10 de março, às 14:00, com a Ana."),
    (BOOKED, "Listo, quedamos el martes a las 14:00."),
    (BOOKED, "You're all set! See you Tuesday at 2pm."),
    (BOOKED, "Agora é só aguardar a visita."),
    (BOOKED, "Você já tem uma visita marcada. Quer mudar o horário dela?"),
    (BOOKED, "Sua visita continua terça às 14h. Para mudar, tenho quarta às 9h, serve?"),
    (BOOKED, "Tudo bem, não cancelei nada."),
    (BOOKED, "A Ana passa aí na terça às 14h."),
    (BOOKED, "A confirmação chega em instantes."),
    (BOOKED, "Não tenho outra visita livre no domingo."),
    (MOVED, "Mudadinho! Agora é quarta às 9h."),
    (MOVED, "Passei sua visita de terça às 14h para quarta às 9h."),
    (MOVED, "Your visit has been pushed to Wednesday at 9."),
    (CANCELLED, "Cancelamento efetuado."),
    (CANCELLED, "Sua visita de terça às 14h foi cancelada."),
    (CANCELLED, "Prontinho, desmarquei a de terça."),
    (WITH_A_PERSON, "Um consultor já te chama por aqui."),
    (WITH_A_PERSON, "A Ana já está sabendo do seu caso."),
    (WITH_A_PERSON, "I've looped in Ana."),
    (WITH_A_PERSON, "Ya hablé con el equipo."),
    (HELD, "Espero que a visita de terça às 14h tenha sido boa!"),
    (REMINDED, "Vou te lembrar um dia antes."),
]
UNTRUE_THEN = [
    (BOOKED, "A visita fica para quarta às 9h."),
    (BOOKED, "Sua visita está marcada para quarta às 9h."),
    (BOOKED, "Te espero quarta!"),
    (BOOKED, "Perfeito! Terça às 15h30 então."),
    (BOOKED, "Tenho sua visita marcada para quarta às 9h."),
    (BOOKED, "You're booked for Wednesday at 9."),
    (BOOKED, "Você não tem nenhuma visita marcada."),
    (BOOKED, "No tienes ninguna cita."),
    (BOOKED, "You have no meeting booked."),
    (BOOKED, "Cancelamento efetuado."),
    (BOOKED, "Empurrei para quarta às 9h."),
    (MOVED, "Sua visita é terça às 14h."),
    (CANCELLED, "Sua visita está marcada para terça às 14h."),
    (CANCELLED, "Sua visita tem tudo para dar certo na terça às 14h."),
    (WITH_A_PERSON, "A Ana te visita terça às 14h."),
    (HELD, "Sua visita está marcada."),
]


def test_the_tables_are_long_enough() -> None:
    assert len(set(UNTRUE)) >= 60
    assert len(set(HARMLESS)) >= 60


@pytest.mark.parametrize("reply", UNTRUE)
def test_an_untruth_is_kept_back_however_it_is_put(reply: str) -> None:
    assert objections(reply, NOTHING) != []


@pytest.mark.parametrize("reply", HARMLESS)
def test_what_is_true_or_harmless_is_sent(reply: str) -> None:
    assert objections(reply, NOTHING) == []


@pytest.mark.parametrize(("known", "reply"), TRUE_THEN)
def test_a_claim_is_sent_once_its_record_is_there(known: Known, reply: str) -> None:
    assert objections(reply, known) == []


@pytest.mark.parametrize(("known", "reply"), UNTRUE_THEN)
def test_a_record_backs_only_what_it_says(known: Known, reply: str) -> None:
    assert objections(reply, known) != []
