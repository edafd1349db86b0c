"""What the word lists of the guard share: the shape of a pattern, and the parts they are put together from.

All are written for `plain` text of which "é" at a verb's end is "e^" (see `guard_clauses`). PERSON stands for whoever sells: a
noun of the trade, or a seller's name.
"""

from dataclasses import dataclass
from functools import lru_cache

from agent.moments_words import one_of


@dataclass(frozen=True)
class ClaimPattern:
    """One way to claim.

    Attributes:
        facts: What must be true, one of them; the first names the objection.
        words: Pattern, looked for in each clause.
        is_past_deed: A verb such as "marquei": a condition in another clause does not excuse it.
        needs_moment: It claims only in a sentence that names a day or an hour: "te espero terça".
        holds_denial: A denial is part of the claim: "você não compareceu".
        is_of_the_meeting: A deed by its form alone: done to anything but a meeting, no tool did it.
        unless_after: Pattern of words right before it after which it claims nothing: "uma visita marcada".
    """

    facts: tuple[str, ...]
    words: str
    is_past_deed: bool = False
    needs_moment: bool = False
    holds_denial: bool = False
    is_of_the_meeting: bool = False
    unless_after: str = ""


MEETING = (
    r"(?:visit(?:a|inha)|reuniao|horario|agendamento|encontro|atendimento|compromisso|cita|reunion|turno|slot|visit|meeting"
    r"|appointment|booking|reserva)"
)
# A place in somebody's calendar, which is given, held or lost.
PLACE = (
    rf"(?:{MEETING}|vaga|vaguinha|lugar|lugarzinho|lugarcito|cantinho|horarinho|espaco|cupo|espacio|spot|place|seat|time slot"
    r"|date|data|dia|hora|fecha|agenda)"
)
_PEOPLE = (
    "vendedor", "vendedora", "vendedores", "atendente", "atendentes", "consultor", "consultora", "consultores",
    "especialista", "especialistas", "representante", "representantes", "agente", "agentes", "executivo", "ejecutivo",
    "ejecutiva", "colega", "colegas", "equipe", "o time", "nosso time", "do time", "humano", "pessoa", "pessoal",
    "responsavel", "gerente", "supervisor", "supervisora", "setor", "comercial", "tecnico", "tecnicos", "nossa tecnica",
    "engenheiro", "engenheira", "instalador", "alguem", "persona", "asesor", "asesora", "asesores", "equipo", "companero",
    "companera", "encargado", "encargada", "ingeniero", "alguien", "seller", "sellers", "salesperson", "salespeople",
    "sales team", "sales rep", "rep", "reps", "representative", "representatives", "team", "person", "human", "agent",
    "agents", "colleague", "colleagues", "manager", "someone", "somebody", "specialist", "specialists", "consultant",
    "consultants", "technician", "engineer", "expert", "experts", "advisor", "advisors", "gente nossa", "nossa gente",
    "gente do time", "gente da equipe", "gerencia", "diretoria", "suporte", "management",
)  # fmt: skip


@lru_cache(maxsize=64)
def person(names: tuple[str, ...]) -> str:
    """A pattern for a seller's noun or one of the names."""
    # "José" ends like a Spanish verb and is marked like one.
    escaped = [rf"{name}\^?" for name in names if name.isalnum()]
    return rf"\b(?:{one_of([*_PEOPLE, *escaped])})\b"


# How a participle ends: also as "marcadinha", "marcadíssimo", "marcadão".
ENDING = r"(?:[oa]s?|(?:z?inh|it|is{1,2}im)[oa]s?|ao|ona|azo|aco)\b"
# The schedule's own participles: of whatever they are said, it is settled.
SETTLED = rf"(?:marcad|agendad|reservad|programad){ENDING}(?!'s)"
SET = rf"(?:marcad|agendad|reservad|confirmad|garantid|programad|separad|apartad|assegurad|asegurad|acertad){ENDING}"
SET_EN = r"(?:booked|scheduled|confirmed|reserved|secured|arranged|finali[sz]ed|guaranteed|penciled in|pencilled in|locked in)\b"
HELD = rf"(?:guardad|segurad|travad|bloquead|fixad|cravad|encaixad|registrad|anotad|lancad|fechad|salv|atualizad){ENDING}"
HELD_EN = r"(?:saved|held|blocked|set aside|kept|waiting)\b"
WE = r"(?:\b(?:i|we|i've|we've|i have|we have|i just|just|system has|team has)(?: (?:\w+|just)){0,2}? )"
YOUR = r"(?:sua|seu|a sua|o seu|tua|teu|tu|su|la|el|a visita|o horario|a reuniao|para|pra|voce|entao)"
BE = (
    r"(?:esta|estao|ta|tao|ficou|ficaram|fica|fico|foi|foram|deixei|deixamos|deixo|ja|ya|tem|tens|tienes|tiene|tenho|quedo"
    r"|queda|quedaste|quedas|quedado|deje\^|dejamos|fue|fueron|encontra(?:-se)?|sido|segue|esta(?:s|n|mos))"
)
BE_EN = r"(?:\b(?:is|are|was|were|been|got|get|have you|consider (?:it|yourself)|it)|'s|'re)"
# "Passei para quarta": a meeting is moved there, not a customer handed over.
TO_A_TIME = (
    r"(?:dia|segunda|terca|quarta|quinta|sexta|sabado|domingo|amanha|hoje|as|aas|\d+h?|lunes|martes|miercoles|jueves|viernes)\b"
)
# Before it any meeting is meant, not this one: "com a visita marcada", "without the visit booked".
ANY = (
    r"(?:com|con|with|com a|da|apos a|de|da sua|con la|sem|sin|the|uma|una|without|an?|cada|toda|nenhuma|ninguna|outra|otra"
    r"|another|quer|every)"
)
# Before it something is to be settled, or settled as a rule: "será marcada", "as visitas são marcadas por aqui".
TO_BE = (
    r"(?:ser|sera|serao|seria|seja|sejam|sao|eh|es|son|hora|horas|fique|fiquem|estiver|estivesse|esteja|for|forem|fosse"
    r"|sendo|siendo|quede|este|sea|pre|com|con|sem|sin|visitas|reunioes|citas|horarios|turnos|ter|tener|os|as|ou|nem|be"
    r"|being|do|del|de"
    rf"|{ANY} {MEETING}(?: tecnica)?)"
)
# Words of agreement with which a claim begins.
AGREED = (
    r"(?:tudo|ja|ya|entao|entonces|todo|all|now|pronto|prontinho|perfeito|certo|certinho|otimo|listo|listito|perfecto|great"
    r"|done|ok|okay|show|beleza|isso|sim|si|yes|maravilha|legal|top|boa|feito|genial|dale|awesome|super)"
)
