"""Untruths told to customers whose meeting stands, or to whom something was offered once; and what may be said to them."""

# ruff: noqa: E501 - a sentence is read best in one line

from dataclasses import replace

import pytest
from test_guard_truth import BOOKED, CANCELLED, MOVED, NOTHING, OFFERS, WITH_A_PERSON, at

from agent.guard import Known, objections

# Booked days ago: nothing was done since the customer wrote.
STANDING = replace(BOOKED, deeds_now=frozenset())
OPTED_OUT = replace(NOTHING, opted_out=True)
# Three days after the offers nothing of them is left.
LAPSED = replace(NOTHING, moments=(), past=OFFERS, now=at("2026-03-12 08:00"), said=())

# The meeting stands, and the customer is told that it does not.
GONE = [
    "Apaguei seu horário, Maria. Você não tem mais visita com a gente, foi descadastrada e não vou mais te mandar mensagens. Temos 72x sem juros e instalação grátis",
    "Removi sua visita.",
    "Não há mais visita.",
    "Sua visita foi desfeita.",
    "Baixei o agendamento.",
    "Encerrei o agendamento.",
    "Tirei você da terça.",
    "Ninguém vai na terça.",
    "Não precisa mais esperar a Ana.",
    "A Ana não vai mais.",
    "Eliminé tu cita.",
    "Borré tu cita.",
    "I removed your visit.",
    "Your visit no longer exists.",
    "I deleted the appointment.",
    "No one will come Tuesday.",
    "Apaguei seu horário.",
    "Você não tem mais visita com a gente.",
    "A visita já era.",
    "Pronto, sua visita não existe mais.",
    "Sua visita deixou de existir.",
    "Pode ficar tranquila que ninguém vai aí terça.",
    "Tu visita ya no existe.",
    "Ya no vamos el martes.",
    "We won't come on Tuesday.",
    "Your Tuesday visit is gone.",
]
ELSEWHEN = [
    "Sua visita passou de terça às 14h para quarta às 9h.",
    "A visita saiu de terça e foi para quarta às 9h.",
    "De terça 14h foi pra quarta 9h.",
    "Switched you from Tuesday 2pm to Wednesday at 9.",
    "Te esperamos quarta às 9h, não mais na terça.",
]
# No tool does it, whatever was done.
NO_TOOL = [
    "Autorizei o desconto.",
    "Providenciei o reembolso.",
    "Atualizei seu endereço.",
    "Cadastrei seu e-mail.",
    "Reenviei o link.",
    "Incluí a avaliação da bateria.",
    "I updated your address.",
    "Já resolvi sua reclamação.",
    "Ya actualicé tu dirección.",
    "Adicionei seu marido no contrato.",
]
# Booked days ago, asked for something today, and nothing was done.
NOT_NOW = ["Prontinho!", "Feito, Maria!", "Está tudo resolvido.", "Done!", "¡Hecho!", "Vou remarcar agora pra você."]
UNRESOLVED = ["Prontinho!", "Está tudo resolvido", "Já providenciei seu desconto.", "Feito, Maria!"]
OPTED = [
    "Você foi descadastrada e não vou mais te mandar mensagens.",
    "Removi você da lista.",
    "You won't hear from us again.",
    "Ya no te escribiremos.",
    "Pronto, não vou mais te mandar mensagens.",
    "Ok, parei de enviar lembretes.",
    "Não vamos mais te incomodar.",
    "I've unsubscribed you.",
    "Te di de baja de la lista.",
]
OVER = [
    "Dá sim! Tenho terça-feira, 10 de março, às 09:00. Serve?",
    "Tenho terça às 10h livre, quer?",
    "Tenho terça às 14h livre, quer?",
    "Tenho:\n1) terça-feira, 10 de março de 2026, 14:00\n2) quarta-feira, 11 de março de 2026, 09:00\nQual prefere?",
    "Terça às 14h ou 15h30?",
    "Posso na quarta às 9h, quer?",
    "¿Te sirve el martes a las 14:00?",
    "How about Tuesday at 2pm?",
]

# What the shipped business file says.
SHIPPED = """A visita técnica é gratuita e dura cerca de uma hora.
O projeto inclui equipamentos, instalação e homologação na distribuidora.
O valor depende do consumo e do telhado: só o vendedor passa preço, depois da visita.
Há financiamento em até 72 parcelas por bancos parceiros.
projetos de energia solar para casas e pequenos negócios na Grande São Paulo, com instalação e homologação incluídas
60 min"""
SHOP = replace(NOTHING, own_words=SHIPPED)
SHOP_BOOKED = replace(STANDING, own_words=SHIPPED)
AMOUNTS = [
    "Sai uns vinte mil.",
    "O preço médio é vinte mil.",
    "O investimento é de dezoito mil.",
    "O projeto sai a partir de 15.990.",
    "A entrada é de mil.",
    "Tem parcelas a partir de duzentos.",
    "Economiza uns 400 por mês.",
    "Temos desconto de dez por cento.",
    "A economia é de noventa por cento.",
    "Um projeto assim fica entre quinze e vinte mil.",
    "You save about 400 a month.",
    "Sale unos veinte mil.",
]
TERMS = [
    "72x sem juros",
    "Sem juros e sem entrada!",
    "A instalação é grátis.",
    "Garantia vitalícia.",
    "Free installation.",
    "No interest.",
    "Sin intereses.",
    "Você foi aprovada!",
    "O banco aprova na hora.",
    "A distribuidora já aprovou.",
    "O material já foi comprado.",
    "Seu boleto venceu.",
    "Ligue 0800 123 4567.",
    "Protocolo da visita: 12345",
    "Reservation number 4821",
    "La instalación es gratis.",
    "Temos um descontinho pra você.",
    "Lifetime warranty.",
    "Os painéis já foram comprados.",
]
CIRCUMSTANCES = [
    "Sua visita é terça às 14 horas e 30 minutos.",
    "Sua visita é terça às 14 horas e 45 minutos.",
    "It's at 14 hours and 45 minutes on Tuesday.",
    "Tue 14:00 UTC",
    "Sua visita é terça às 14h (horário de Lisboa).",
    "terça às 14h (horário de Lisboa)",
    "A visita é de manhã.",
    "A visita será daqui a uma hora.",
    "Sua visita é com o Carlos.",
    "O Bruno vai aí terça às 14h.",
    "A visita é por vídeo.",
    "Sua visita será no nosso escritório.",
    "Sua visita é terça às 14h no horário de Manaus.",
    "Your visit is on Tuesday morning.",
    "Your visit will be online.",
    "Tu cita es con Bruno.",
]
ANY_TIME = [
    "Amanhã tenho qualquer horário.",
    "A semana toda está livre.",
    "Temos vaga todo dia.",
    "Any day works, all slots are free.",
]
PROMISES = [
    "Vou te ligar.",
    "Já te retorno.",
    "Vou verificar e volto.",
    "Vou falar com a Ana.",
    "Deixa que eu aviso a Ana.",
    "Aguarde o contato da Ana.",
    "Estou aqui com a Ana.",
    "Ya lo consulté con Ana.",
    "Te vamos a contactar.",
    "Te llamo luego.",
    "I'll get back to you.",
    "Expect a call from us.",
    "Ana's expecting you.",
    "Email sent.",
    "Estou confirmando o horário, já te aviso.",
    "Estou conferindo isso na agenda e já dou um retorno por aqui.",
    "Te ligo em 5 minutos.",
    "I'll call you.",
]

UNTRUE_THEN = [
    *((SHOP, reply) for reply in [*AMOUNTS, *TERMS, *ANY_TIME, *PROMISES]),
    *((SHOP_BOOKED, reply) for reply in [*AMOUNTS, *TERMS, *CIRCUMSTANCES]),
    *((STANDING, reply) for reply in [*GONE, *ELSEWHEN, *NO_TOOL, *NOT_NOW]),
    *((BOOKED, reply) for reply in [*GONE, *ELSEWHEN, *NO_TOOL]),
    *((NOTHING, reply) for reply in [*NO_TOOL, *NOT_NOW, *OPTED]),
    *((WITH_A_PERSON, reply) for reply in UNRESOLVED),
    *((LAPSED, reply) for reply in OVER),
    (MOVED, "Tenho terça às 14h, quer?"),
]
# What is said every day, by the way.
SMALL_TALK_BOOKED = [
    "Oi, Maria! Tudo bem? Sua visita continua confirmada para terça, 10/03, às 14h 😊",
    "De nada! Até terça 👋",
    "Claro! Para qual dia você quer mudar?",
    "Sem problemas. Quer remarcar ou cancelar?",
    "O endereço eu vejo com você: qual é a rua e o número?",
    "A Ana leva tudo que precisa, não se preocupe.",
    "Pode deixar, Maria!",
    "Combinado então!",
    "Ok, obrigada!",
    "Beleza, anotado!",
    "Não precisa estar todo mundo em casa, só você.",
    "Que bom! Estamos ansiosos pra te conhecer.",
    "Entendi, Maria. Se precisar mudar, é só me avisar por aqui.",
    "A visita é sem compromisso.",
    "O horário é terça às 14h mesmo.",
    "Sim, a visita é na terça.",
    "Não tem custo nenhum a visita.",
    "Não há nada a pagar na visita.",
    "Você não precisa esperar em casa o dia todo, é às 14h.",
    "Ana is coming on Tuesday at 2pm.",
    "You're welcome! See you Tuesday.",
    "¡De nada! Nos vemos el martes.",
    "Sua visita já está marcada, não precisa fazer mais nada.",
    "Se chover a gente remarca, sem problema.",
    "Quem vai te atender é a Ana.",
    "A Ana atende você na terça às 14h.",
    "Obrigada por avisar! Qual outro dia fica bom?",
    "Ainda não cancelei, quer mesmo cancelar?",
]
SMALL_TALK = [
    "Boa! Casa própria ajuda bastante.",
    "Atendemos sim a Grande São Paulo.",
    "Legal, 800 por mês já compensa bastante.",
    "O valor depende do consumo e do telhado, quem passa é o vendedor depois da visita.",
    "O financiamento é em até 72 parcelas, as condições quem explica é o vendedor.",
    "Não trabalho com valores por aqui, só o vendedor passa o preço.",
    "Desculpa a demora! Já vi sua mensagem.",
    "Vou te passar os horários: terça às 14h ou quarta às 9h. Qual prefere?",
    "Só um momento, vou ver a agenda.",
    "Te espero quando puder responder, sem pressa!",
    "Fica à vontade pra perguntar.",
    "Você prefere falar com um vendedor?",
    "Me conta: qual o valor médio da sua conta?",
    "Que pena! Se mudar de ideia, estou por aqui.",
    "Entendo. Vou respeitar e não insistir.",
    "Ok, não vou insistir. Um abraço!",
    "Perfect, thanks! Is it a house or a business?",
    "Sure, no problem. Which day suits you best?",
    "Genial, gracias. ¿Eres el dueño?",
    "Economia de verdade depende do seu consumo.",
    "A economia chega a quanto? Isso o vendedor calcula na visita.",
    "A primeira visita é gratuita.",
    "O projeto já inclui equipamentos, instalação e homologação.",
    "Voltamos a falar quando quiser!",
    "Te mando as opções: terça às 14h ou 15h30?",
    "Tem alguma preferência de horário?",
    "Duas opções: terça às 14h ou quarta às 9h.",
    "I'm the virtual assistant, happy to help!",
    "Já volto a te perguntar: o imóvel é seu?",
    "Como você ganha desconto na conta? Gerando sua própria energia.",
    "Com energia solar você paga menos na conta.",
    "Preciso só de mais uma informação: você é o dono?",
    "O banco parceiro analisa o crédito depois da visita.",
]

TRUE_THEN = [
    *((SHOP_BOOKED, reply) for reply in SMALL_TALK_BOOKED),
    *((SHOP, reply) for reply in SMALL_TALK),
    *(
        (SHOP, reply)
        for reply in [
            # Money and terms
            "Obrigada pelo interesse, Maria!",
            "Thanks for your interest!",
            "Gracias por tu interés, Maria.",
            "Dá pra financiar em até 72 parcelas por bancos parceiros.",
            "As condições de juros e entrada dependem do banco, o vendedor explica na visita.",
            "Não sei te dizer se tem desconto, o vendedor vê isso na visita.",
            "Não posso prometer desconto por aqui.",
            "A visita é grátis, tá?",
            "A visita técnica é de graça e sem compromisso.",
            "The visit is free of charge.",
            "La visita es gratis.",
            "Tuesday at 2pm is free.",
            "Depois de aprovado pelo banco, o projeto começa.",
            "O financiamento precisa ser aprovado pelo banco.",
            "The bank has to approve it, the seller explains that at the visit.",
            "Sobre a garantia o vendedor te explica tudo na visita.",
            "Pode me mandar uma foto do boleto da luz?",
            "O projeto inclui os painéis e a instalação.",
            "Inclui a instalação e a homologação.",
            "Sua conta vem uns 800 por mês, certo?",
            "Com 800 por mês de conta já vale a pena conversar.",
            "Mil desculpas pela demora!",
            "Desculpa, mil perdões!",
            "A partir de terça tenho horário.",
            "A instalação e a homologação já estão incluídas.",
            "El precio lo pasa el vendedor después de la visita.",
            # Times and promises
            "Qualquer dúvida é só me chamar!",
            "Qualquer dia da semana serve pra você?",
            "Pode remarcar a qualquer hora, é só me avisar.",
            "Me chama a qualquer hora.",
            "You can write to me any time.",
            "Vou ver os horários da agenda.",
            "Vou consultar a agenda.",
            "Quer que eu fale com a Ana?",
            "Posso pedir pra Ana te ligar, quer?",
            "Se preferir falar com uma pessoa, é só pedir.",
            "A Ana te explica tudo na visita.",
            "Quando quiser voltar a conversar é só mandar mensagem.",
            "Fico no aguardo da sua resposta!",
            "Let me know which time suits you.",
            "Dime qué horario prefieres y lo agendo.",
            "Espero sua resposta, sem pressa.",
        ]
    ),
    *(
        (SHOP_BOOKED, reply)
        for reply in [
            "Sua visita é terça às 14h, horário de Brasília.",
            "Sua visita é terça à tarde, às 14h.",
            "A visita é à tarde, Maria.",
            "Your visit is on Tuesday afternoon.",
            "Sua visita é com a Ana, terça às 14h.",
            "A Ana vai aí terça às 14h.",
            "Quem vai é a Ana, terça às 14h.",
            "A visita não é online, a Ana vai até a sua casa.",
            "A visita é na sua casa.",
            "Sua visita é de graça e dura cerca de uma hora.",
            "Ana's expecting you on Tuesday at 2pm.",
            "Tu cita es con Ana el martes a las 14:00.",
            "A visita dura cerca de uma hora.",
        ]
    ),
    *(
        (WITH_A_PERSON, reply)
        for reply in [
            "Aguarde o contato da Ana.",
            "Vou falar com a Ana.",
            "You can expect a call from us.",
            "Em breve te retornamos.",
        ]
    ),
    *(
        (STANDING, reply)
        for reply in [
            "Sua visita não foi cancelada, Maria, continua terça às 14h.",
            "A Ana não vai te cobrar nada na visita, viu?",
            "Ninguém vai te cobrar pela visita de terça.",
            "Você não precisa pagar nada, a visita é gratuita.",
            "A Ana não vai quarta, ela vai terça às 14h.",
            "Não há visitas aos domingos.",
            "Se quiser desmarcar é só me falar.",
            "Se você cancelar, a Ana não vai mais na terça.",
            "Quer mesmo cancelar a visita de terça?",
            "Tem certeza que não quer mais a visita?",
            "Combinado, Maria! Até terça!",
            "Fechado! Até terça às 14h.",
            "Tudo certo por aqui, sua visita está de pé.",
            "Tudo certo, Maria!",
            "Por nada! Qualquer coisa é só chamar.",
            "Imagina! Se precisar de mais alguma coisa me avisa.",
            "Não precisa fazer nada antes, é só receber a Ana na terça.",
            "Não precisa subir no telhado, a Ana olha tudo.",
            "Estamos combinados, terça às 14h.",
            "La visita no tiene costo.",
            "Nadie te va a cobrar por la visita.",
            "Ana no te va a pedir ningún pago.",
            "Tu cita sigue en pie: martes a las 14:00.",
            "No one will charge you for the visit.",
            "Your visit hasn't been cancelled, it's still Tuesday at 2pm.",
            "Ana won't ask you to pay anything.",
            "You don't need to prepare anything.",
            "Anotei sua pergunta, o vendedor responde na visita.",
            "Sua visita é terça às 14h, mas tenho quarta às 9h se preferir.",
            "Posso mudar de terça às 14h para quarta às 9h?",
            "Quer passar sua visita de terça para quarta às 9h?",
        ]
    ),
    *(
        (BOOKED, reply)
        for reply in [
            "Prontinho, Maria! Sua visita está marcada: terça às 14h.",
            "Feito! Terça às 14h com a Ana.",
            "Já providenciei tudo por aqui. Até terça!",
            "Ajustei seu horário: terça às 14h.",
            "¡Listo! Tu visita es el martes a las 14:00.",
            "Done! See you Tuesday at 2pm.",
        ]
    ),
    *(
        (MOVED, reply)
        for reply in [
            "Prontinho! Mudei sua visita de terça às 14h para quarta às 9h.",
            "Sua visita era terça às 14h, agora é quarta às 9h.",
            "Pronto, passei para quarta às 9h.",
            "Sua visita saiu de terça e foi para quarta às 9h.",
            "Done, moved from Tuesday 2pm to Wednesday at 9am.",
        ]
    ),
    *(
        (CANCELLED, reply)
        for reply in [
            "Removi sua visita.",
            "Apaguei seu horário, como pediu.",
            "Pronto, você não tem mais visita com a gente.",
            "A Ana não vai mais, pode ficar tranquila.",
            "Eliminé tu cita.",
            "I removed your visit.",
        ]
    ),
    (WITH_A_PERSON, "Prontinho! A Ana te chama por aqui."),
    (WITH_A_PERSON, "Feito, Maria! Um vendedor vai continuar a conversa com você por aqui."),
    *((OPTED_OUT, reply) for reply in OPTED),
    *(
        (NOTHING, reply)
        for reply in [
            "Não vou te mandar mensagem o tempo todo, fica tranquila.",
            "Não precisa me mandar mais nada, já tenho o valor da conta.",
            "Não consegui ouvir seu áudio, pode mandar de novo?",
            "Você não vai receber cobrança nenhuma.",
            "Para sair da lista é só escrever PARAR.",
            "If you don't want to hear from us, just write STOP.",
            "Nadie te va a cobrar nada por la visita.",
            "Ninguém vai te cobrar pela visita.",
        ]
    ),
    *(
        (LAPSED, reply)
        for reply in [
            "Terça às 14h já passou, Maria. Quer que eu veja outros horários?",
            "Aquele horário de terça às 14h não tenho mais.",
            "O horário de terça às 14h era o que tínhamos. Vou ver outros, pode ser?",
            "El martes a las 14:00 ya pasó. ¿Busco otros horarios?",
            "Tuesday at 2pm is no longer available. Shall I check other times?",
        ]
    ),
]


@pytest.mark.parametrize(("known", "reply"), UNTRUE_THEN)
def test_what_is_not_so_now_is_kept_back(known: Known, reply: str) -> None:
    assert objections(reply, known) != []


@pytest.mark.parametrize(("known", "reply"), TRUE_THEN)
def test_what_is_so_now_is_sent(known: Known, reply: str) -> None:
    assert objections(reply, known) == []


def test_a_weekday_without_a_date_is_the_next_one() -> None:
    in_two_weeks = replace(NOTHING, moments=(at("2026-03-24 14:00"),), said=())
    assert objections("Tenho terça às 14h, serve?", in_two_weeks)
    assert objections("Tenho terça, 24 de março, às 14h, serve?", in_two_weeks) == []
    assert objections("Tenho no dia 24/03. Terça às 14h serve?", in_two_weeks) == []
