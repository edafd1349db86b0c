"""Recognises that somebody wants to hear nothing more. By code, so that no model can overlook or undo it."""

import re
from collections.abc import Sequence
from enum import StrEnum

from meetings.qualification import fold


class OptOut(StrEnum):
    """What a message says about it. PART: it says more besides, which wants an answer."""

    NO = "no"
    PART = "part"
    WHOLE = "whole"


_SHORT = 2  # words beside it that need no answer of their own: "não me mande mais mensagens, ok?"
# What is said around it, and changes nothing.
_FILLERS = (
    "por favor|por gentileza|porfa|pf|pfv|pls|please|thanks|thank you|obrigad[oa]|gracias|grat[oa]|oi|ola|hola|hi|hello|hey|"
    "gente|e|y|and|entao|so|"
    "bom dia|boa tarde|boa noite|buenos dias|buenas tardes|agora|ja|ya|now|imediatamente|eu|quero|quiero|yo|"
    "i want to|i d like to|i|gostaria de|prefiro|senao vou denunciar"
)
# Alone they say it; within a sentence they say all kinds of things ("quero parar de pagar tanto").
_WORDS = (
    r"(?:parar|pare|parem|sair|descadastrar|me descadastr(?:e|em|a)|remover|me remov(?:a|e|am)|"
    r"cancelar (?:a )?inscricao|bloquear|"
    r"stop(?: it)?|unsubscribe(?: me)?|opt out|remove me|quit|baja|salir|basta|cancelar (?:la )?suscripcion)"
)
_TAIL = (
    r"(?: (?:de voces|de vcs|desse numero|deste numero|daqui|por aqui|aqui|no whatsapp|no zap|da empresa|nunca mais|nunca|mais|"
    r"comigo|"
    r"pra mim|para mim|me|from you|anymore|any more|again|ever|here|de ustedes|por aca|por whatsapp|nunca mas|mas|ya))*"
)
_THINGS = (
    r"(?:(?:essas?|estas?|as|suas?|tantas?|nenhuma?|qualquer|outras?|os|seus|these|your|any|more|sus|tus|estos|los|"
    r"ningun|otro) )*"
    r"(?:mensage(?:m|ns)|msgs?|mensajes?|messages?|texts?|contatos?|contactos?|propagandas?|publicidad|promocoes|ofertas?|lembretes?|"
    r"notificac(?:ao|oes)|recordatorios?|spam|nada|nothing|anything)(?: mais| mas)?"
)
_PHRASES = (
    # Portuguese
    rf"nao (?:quero|desejo|gostaria de|preciso)(?: mais)? (?:receber|ter)(?: mais)?(?: {_THINGS})?",
    rf"nao quero mais {_THINGS}",
    rf"nao quero que (?:me )?(?:mand|envi|escrev|cham|perturb)\w+(?: mais)?(?: {_THINGS})?",
    rf"nao me (?:mand|envi)\w+ (?:mais )?{_THINGS}",
    r"nao me (?:mand|envi|escrev|cham|contat|perturb|incomod|procur)\w+ mais",
    rf"nao (?:mand|envi)\w+ mais {_THINGS}",
    r"nao entr\w+ mais em contato",
    rf"par(?:a|e|em|ar)(?: ai)? de (?:me )?(?:mandar|enviar|escrever|perturbar|incomodar|encher)(?: o saco)?(?: {_THINGS})?",
    rf"par(?:a|e|em|ar)(?: ai)? com (?:isso|{_THINGS})",
    rf"chega de {_THINGS}",
    r"me deix\w+ em paz",
    r"(?:me )?(?:tir|remov|exclu|apag|descadastr)\w+(?: me)?(?: (?:o )?meu (?:numero|contato|cadastro))? da?(?:ess|st)?a lista",
    r"(?:me )?(?:tir|remov|exclu|apag|descadastr)\w+(?: me)? (?:do cadastro|daqui)",
    r"(?:tir|remov|exclu|apag|descadastr|esquec)\w+ (?:o )?meu (?:numero|contato|telefone|cadastro)",
    r"sair d(?:a|essa|esta) lista",
    # English
    r"stop (?:messaging|texting|contacting|writing|bothering|spamming)(?: to)?(?: me)?",
    rf"stop sending(?: me)? {_THINGS}",
    r"(?:do not|don t|dont|never) (?:message|text|contact|write|write to|bother) me",
    rf"(?:do not|don t|dont|never) send(?: me)? {_THINGS}",
    rf"(?:do not|don t|dont) want(?: to (?:receive|get))?(?: any)?(?: more)? {_THINGS}",
    rf"no more {_THINGS}",
    r"(?:take|remove) (?:me|my number)(?: off| from)(?: the| your| this)?(?: \w+)? list",
    r"remove my number",
    r"leave me alone",
    # Spanish
    rf"no quiero(?: ya)?(?: mas)? recibir(?: mas)?(?: {_THINGS})?",
    rf"no quiero(?: mas)? {_THINGS}",
    rf"no quiero que me (?:escrib|mand|envi|contact|llam)\w+(?: {_THINGS})?",
    rf"no me (?:mand|envi)\w+(?: mas)? {_THINGS}",
    r"no me (?:escrib|mand|envi|contact|molest|busqu)\w+ mas",
    r"no me (?:escriban|molesten)",
    r"no molest\w+",
    rf"dej(?:a|e|en) de (?:escribirme|molestarme|molestar|contactarme|(?:mandar|enviar)(?:me)? {_THINGS})",
    r"dejen?me en paz",
    r"(?:dame|darme|denme|deme|dar) de baja(?: de (?:la|esta|su) lista| del servicio)?",
    r"(?:quit|sac|borr|elimin)\w+ (?:de (?:la|esta|su) lista|mi numero)(?: de (?:la|esta|su) lista)?",
    rf"basta de {_THINGS}",
)
_ALONE = re.compile(rf"(?:{_WORDS} ?)+")
_PHRASE = re.compile(rf"(?:{'|'.join(_PHRASES)}){_TAIL}")
_AROUND = re.compile(rf"^(?:(?:{_FILLERS}) )+|(?: (?:{_FILLERS}))+$")
_CLAUSE = re.compile(
    r"[.!?;,:\n…]+|\s(?:e|y|and|mas|pero|but|entao|porque|pois)\s"
    r"(?=(?:nao|no|para|pare|parem|me|stop|don|do|dejen?|deje|dame|chega|tira|tire|remova|remove|leave|take)\b)"
)
# A goodbye needs no answer of its own.
_GOODBYE = re.compile(
    r"(?:eu )?(?:nao (?:tenho|ha)(?: mais)? interesse|nao (?:estou|to) interessad[oa]|desisti|nao quero(?: mais)?|"
    r"ja contratei(?: outra empresa)?|"
    r"not interested|i m not interested|no me interesa|no tengo interes|ya no|ya contrate)"
)


def says_opt_out(text: str) -> OptOut:
    """Whether a message says so, alone or beside something else, in any of our languages."""
    said = fold(text)
    if _ALONE.fullmatch(_bare(said)):
        return OptOut.WHOLE
    clauses = [_bare(part) for part in _CLAUSE.split(said)]
    clauses = [clause for clause in clauses if clause]
    found = [_PHRASE.fullmatch(clause) is not None for clause in clauses]
    if not any(found):
        return OptOut.NO
    others = [clause for clause, is_it in zip(clauses, found, strict=True) if not is_it]
    rest = [clause for clause in others if not _ALONE.fullmatch(clause) and not _GOODBYE.fullmatch(clause)]
    return OptOut.PART if any(len(clause.split()) > _SHORT for clause in rest) else OptOut.WHOLE


def _bare(text: str) -> str:
    """Without marks and without what is said around it."""
    words = " ".join(re.sub(r"[^\w\s]", " ", text).split())
    while True:
        shorter = _AROUND.sub("", words)
        if shorter == words or not shorter:
            return shorter or words
        words = shorter


def opt_out_of(texts: Sequence[str]) -> OptOut:
    """The same for several messages that are answered together."""
    said = [says_opt_out(text) for text in texts]
    if all(one is OptOut.NO for one in said):
        return OptOut.NO
    is_answered = all(one is OptOut.WHOLE or len(text.split()) <= _SHORT for one, text in zip(said, texts, strict=True))
    return OptOut.WHOLE if is_answered else OptOut.PART
