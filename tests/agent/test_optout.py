"""Who wants to hear nothing more is understood by code; who wants something else is not silenced."""

import pytest

from agent.optout import OptOut, opt_out_of, says_opt_out

OUT = [
    "parar",
    "PARAR!",
    "Parar por favor",
    "quero parar",
    "quero sair",
    "sair da lista",
    "me tira da lista",
    "me tire dessa lista",
    "tira meu número",
    "não quero mais mensagens",
    "não quero mais mensagem de vocês",
    "nao quero mais receber mensagens",
    "não quero receber mais nada",
    "não quero receber mensagens",
    "não me mande mensagem",
    "não me mande mais nada",
    "para de me mandar mensagem",
    "para de mandar mensagem",
    "parem com isso",
    "pare de me incomodar",
    "me deixa em paz",
    "chega de mensagem",
    "descadastrar",
    "descadastre meu número",
    "remova meu número",
    "stop",
    "STOP.",
    "Stop please",
    "please stop",
    "stop it",
    "stop sending me messages",
    "stop contacting me",
    "don't text me",
    "don't text me again",
    "leave me alone",
    "unsubscribe me",
    "baja",
    "BAJA",
    "quiero darme de baja",
    "darme de baja por favor",
    "no me escribas más",
    "no me escriban",
    "no quiero recibir mensajes",
    "no quiero que me escriban",
    "basta",
    "deja de escribirme",
    "no molesten",
    "não quero mais receber",
    "Não quero receber mais mensagens",
    "stop stop",
    "parar.",
    "sair!!",
    "não me envie mais mensagens",
    "não enviem mais mensagens",
    "não me chame mais",
    "não entre mais em contato",
    "esqueçam meu número",
    "não quero mais receber nada de vocês",
    "Não me escreva mais",
    "por favor pare de me mandar mensagens",
    "dame de baja",
    "no quiero más mensajes",
    "no me envíen más mensajes",
    "I don't want any more messages",
    "do not contact me again",
    "take me off your list",
    "Oi, não quero mais receber mensagens, obrigado",
    "não tenho interesse. não me mande mais mensagens",
]
PART = [
    "não vou poder, cancela. e para de me mandar mensagem",
    "me tira da lista. e qual o telefone de vocês pra eu reclamar?",
    "No quiero recibir más mensajes. ¿La cita del martes sigue en pie?",
]
IN = [
    "não quero mais receber a visita na terça, pode ser quarta?",
    "não quero mais receber conta alta de luz!",
    "quero parar de pagar tanto",
    "no quiero recibir más facturas caras",
    "dame de baja la cita del martes y agenda otra",
    "I don't want to stop",
    "don't message me today, message me tomorrow",
    "do not message me on weekends",
    "não quero mais",
    "cancelar",
    "cancela",
    "para terça",
    "para",
    "quero sair da conta de luz",
    "não quero receber a visita de manhã",
    "não me ligue amanhã",
    "pode parar aqui na frente de casa",
    "stop by my house at 3",
    "quero sair mais cedo",
    "não recebi nenhuma mensagem",
    "não precisa mandar nada agora",
    "não me mande o boleto",
    "you can stop by tuesday",
    "basta mandar o endereço",
    "Me tira uma dúvida",
    "tira o desconto da lista de preços",
    "no quiero visita",
    "salir a las 3",
]


@pytest.mark.parametrize("text", OUT)
def test_it_is_understood(text: str) -> None:
    assert says_opt_out(text) is OptOut.WHOLE


@pytest.mark.parametrize("text", PART)
def test_what_is_said_besides_is_still_answered(text: str) -> None:
    assert says_opt_out(text) is OptOut.PART


@pytest.mark.parametrize("text", IN)
def test_a_wish_about_something_else_silences_nobody(text: str) -> None:
    assert says_opt_out(text) is OptOut.NO


def test_a_burst_is_judged_as_a_whole() -> None:
    assert opt_out_of(["Oi", "parar"]) is OptOut.WHOLE
    assert opt_out_of(["a visita de terça está de pé?", "e não me mande mais mensagens"]) is OptOut.PART
    assert opt_out_of(["Oi", "tudo bem?"]) is OptOut.NO
