"""Commercial terms and states of affairs ("sem juros", "você foi aprovada"): the business file tells them, or nobody does."""

import re
from dataclasses import dataclass

from agent.guard_claim_words import MEETING
from agent.guard_clauses import Clause, sentences
from agent.guard_known import Known
from agent.moments_text import plain

_WHY = 'it promises terms that the business file does not give: "{}"'
_STATE = 'it tells how something stands that no tool knows: "{}"'
_FREE = (
    r"(?:gratis|gratuit\w+|de graca|sem (?:nenhum )?custo|sin (?:ningun )?costo|free of charge|for free|at no cost|no cost"
    r"|complimentary|free)\b"
)
# "Free" also means vacant: only of these it tells a price.
_SERVICE = (
    r"(?:instala\w+|install\w+|projetos?|proyectos?|projects?|homologa\w+|manuten\w+|mantenim\w+|maintenance|limpeza|limpieza"
    r"|cleaning|monitora\w+|monitore\w+|monitoring|kits?|paine(?:l|is)|panel(?:es|s)?|frete|envio|shipping|entrega|delivery"
    r"|seguro|insurance|bateria|battery|garantia|warranty|inversor|inverter)\b"
)


@dataclass(frozen=True)
class _Term:
    """How it is said, and the stem that must stand in the business's words; none: it can't be known."""

    words: str
    stem: str = ""


_TERMS = (
    _Term(
        r"\b(?:sem|zero|livre de|baixos?|menores?|s/) juros\b|\bjuros (?:zero|baix\w+|de|a partir)|\bjurinhos?\b"
        r"|\b(?:no|zero|without|low) interest\b(?! in)|\binterest[- ]free|\b(?:sin|cero) interes(?:es)?\b",
        r"juros|interes(?:es)?\b|interest",
    ),
    _Term(
        r"\b(?:sem|zero|s/)(?: \w+)?? entrada\b|\bentrada (?:zero|facilitada|parcelada|minima|a partir)\b"
        r"|\b(?:sin|cero)(?: \w+)?? (?:entrada|enganche|anticipo)\b|\bno (?:down ?payment|deposit|money down)\b"
        r"|\b(?:nothing|zero) down\b",
        r"\bentrada|enganche|anticipo|down ?payment|deposit",
    ),
    _Term(
        r"\b(?:temos|tenho|tem|ha|ganha\w*|ganhe|dou|damos|consigo|consegue|fazemos|faco|rola|tienes|hay|tenemos|con|com|get|have"
        r"|offer|with|give)(?: \w+){0,3}? (?:descontos?|descontinho|descuentos?|discounts?|promoc\w+|promotion"
        r"|cashback|brindes?|bonus)\b"
        r"|\b(?:desconto|descuento|discount|promocao) (?:de|especial|a vista|aa vista|of)\b",
        r"descont|descuent|discount|promoc|promot|cashback|brinde|bonus",
    ),
    _Term(
        r"\bvitalici\w+|\blifetime\b|\bde por vida\b|\b(?:garantia|warranty|guarantee)(?: \w+){0,3}? (?:eterna|ilimitada|forever"
        r"|unlimited|para sempre)\b",
        r"vitalici|lifetime|de por vida|ilimitad|unlimited",
    ),
    _Term(
        r"\b(?:pre[- ]?)?(?:aprovad|aprobad)[oa]s?\b|\bapproved\b|\b(?:aprova|aprovou|aprovam|aprueba|aprueban|aprobo"
        r"|approves?)\b"
        r"|\b(?:aprovacao|aprobacion|approval)(?: \w+){0,2}? (?:garantid\w+|na hora|rapid\w+|imediat\w+|inmediat\w+"
        r"|instant\w*|guaranteed)",
        r"aprov|aprob|approv",
    ),
    _Term(
        r"\bboleto(?: \w+){0,2}? (?:venc\w+|gerad\w+|emitid\w+|enviad\w+|pago|atrasad\w+|aberto|disponivel)"
        r"|\b(?:fatura|factura|invoice)(?: \w+){0,2}? (?:venceu|vencida|vencio|overdue|past due|atrasada)"
    ),
    _Term(
        r"\b(?:material|materiais|equipamentos?|paine(?:l|is)|placas?|inversor\w*|kit|equipos?|panel(?:es|s)?|equipment|order)"
        r"(?: \w+){0,2}? (?:foi|foram|esta\w*|fue\w*|was|were|been|ja|ya|has|have)(?: \w+){0,2}? (?:comprad|pedid"
        r"|encomendad|despachad"
        r"|enviad|entreg|ordered|bought|shipped|dispatched|delivered)\w*"
    ),
    _Term(
        r"\b(?:distribuidora|concessionaria|banco|financeira|financiera|bank|utility|prefeitura)(?: \w+){0,2}? (?:ja"
        r"|ya|already|has"
        r"|acabou de)(?: \w+)? (?:aprov|liber|autoriz|confirm|homolog|aprob|approv|authori)\w+"
    ),
)
_ID = r"(?: (?:eh|es|is))?\W{0,3}#?\w{0,3}\d{2,}"
# Nothing has a number that customers could be told.
_REFERENCE = re.compile(
    rf"\bprotocolo(?: d[aeo] \w+)?{_ID}"
    r"|\b(?:reservation|appointment|booking|visit|visita|agendamento|pedido|cita|reserva|order|case)"
    rf"(?: (?:number|numero|id|codigo|code|no\.?|n[oº]))+{_ID}"
    r"|\b(?:numero|codigo|number|code) (?:d[aeo]|del|de la|of)(?: (?:seu|sua|tu|your|the))?"
    rf" (?:agendamento|visita|reserva|pedido|cita|visit|appointment|booking){_ID}"
)
# Told of what may come, of a rule or of who decides it: "depois de aprovado", "o vendedor explica".
_OPEN_BEFORE = re.compile(
    r"(?:\b(?:nao|not|never|nunca|nem|ni|jamais|se|si|if|quando|cuando|when|once|depois|despues|after|apos|ate|until|precisa\w*"
    r"|necesita\w*|needs?|depende\w*|depends|ser|sera|seja|sea|be|para|caso|sobre|about|acerca)\b|n't\b)[^,;:]*$"
)
_SPANISH_NO = re.compile(r"\bno (?:se|te|le|me|hay|tenemos|tengo|puedo|podemos|es|esta|fue|damos|hacemos|ofrecemos)\b[^,;:]*$")
_SELLERS = re.compile(
    r"\b(?:explic\w+|inform\w+|pass(?:a|ar)|esclarec\w+|responde\w*|tira\w*|mostra\w*|fala\w*|diz|avalia\w*|calcula\w*|ve|pergunt\w+"
    r"|explains?|tells?|answers?|cover|ask\w*|responde|cuenta|pregunt\w+)\b.*\b(?:visita|visit|vendedora?|seller|asesora?)\b"
    r"|\b(?:vendedora?|seller|asesora?|consultora?)\b.*\b(?:explic\w+|inform\w+|pass(?:a|ar)|responde\w*|mostra\w*|fala\w*|diz|ve\b"
    r"|explains?|tells?|answers?|cuenta)"
)


def unknown_terms(reply: str, known: Known) -> list[str]:
    """Objections to terms and states that neither the business file nor a seller told."""
    own = plain(known.own_words)
    found = []
    for sentence in sentences(reply, known):
        if not sentence.asks and (number := _REFERENCE.search(sentence.text)):
            found.append(_STATE.format(number[0]))
        if _SELLERS.search(sentence.text):
            continue
        for clause in sentence.clauses:
            for term in _TERMS:
                match = re.search(term.words, clause.text)
                if match and not _is_open(clause, match) and not (term.stem and re.search(term.stem, own)):
                    found.append((_WHY if term.stem else _STATE).format(match[0].strip()))
            found += _free(clause, own)
    return found


def _free(clause: Clause, own: str) -> list[str]:
    """What is free must be said of the same thing: a visit without cost is no installation without cost."""
    said, service = re.search(rf"\b{_FREE}", clause.text), re.search(rf"\b{_SERVICE}", clause.text)
    if not said or not service or _is_open(clause, said) or re.search(rf"\b{MEETING}", clause.text):
        return []
    stem = service[0][:6]
    if any(stem in line and re.search(rf"\b{_FREE}", line) for line in re.split(r"[\n.!?]", own)):
        return []
    return [_WHY.format(f"{service[0]}: {said[0]}")]


def _is_open(clause: Clause, match: re.Match[str]) -> bool:
    before = clause.text[: match.start()]
    return _OPEN_BEFORE.search(before) is not None or _SPANISH_NO.search(before) is not None
