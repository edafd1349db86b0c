"""The words that claim a moved or a cancelled meeting, in Portuguese, Spanish and English."""

from agent.guard_claim_words import ANY, ENDING, MEETING, TO_A_TIME, WE, YOUR, ClaimPattern

_MOVED_WORD = (
    r"(?:(?:remarcad|reagendad|alterad|mudad|trocad|adiad|antecipad|reprogramad|cambiad|movid|pospuest|adelantad|transferid"
    rf"|ajustad|remanejad){ENDING}"
    r"|(?:moved|rescheduled|changed|switched|postponed|pushed|shifted|swapped|bumped)\b)"
)
_GONE = (
    rf"(?:(?:cancelad|desmarcad|anulad|suspens|removid|excluid|eliminad|apagad|retirad|tirad|quitad|sacad){ENDING}|dada de baja\b"
    r"|(?:cancell?ed|called off|scrapped|removed|deleted)\b)"
)
_IS = (
    r"(?:\b(?:foi|ficou|fica|esta|ta|foram|ja|ya|fue|quedo|queda|sido|is|was|been|got|consider it|considera\w*"
    r"|considere\w*)|'s)"
)
_AFTER_A_NOD = r"^\W*(?:tudo |ja |ya |pronto |prontinho |listo |all |now |done )?"


def _moved(words: str, *, deed: bool = False, unless_after: str = "") -> ClaimPattern:
    return ClaimPattern(("moved",), words, is_past_deed=deed, unless_after=unless_after)


def _cancelled(words: str, *, deed: bool = False, unless_after: str = "") -> ClaimPattern:
    return ClaimPattern(("cancelled",), words, is_past_deed=deed, unless_after=unless_after)


_MOVED = (
    _moved(rf"{_IS} (?:\w+ ){{0,2}}?{_MOVED_WORD}"),
    _moved(rf"{_AFTER_A_NOD}{_MOVED_WORD}"),
    _moved(rf"\b(?:{MEETING}|time|hora)(?: tecnica)? {_MOVED_WORD}", unless_after=ANY),
    _moved(
        rf"\b(?:remarquei|reagendei|mudei(?! de (?!{TO_A_TIME}))|alterei|troquei|adiei|antecipei|empurrei|joguei"
        rf"|puxei|adiantei|(?:passei"
        r"|transferi) (?:a )?(?:sua|o seu|seu) (?:visita|reuniao|horario))\b",
        deed=True,
    ),
    _moved(
        rf"\b(?:remarcamos|reagendamos|mudamos|alteramos|trocamos|cambiamos|movimos|reprogramamos) {YOUR}\b"
        r"|\ba gente (?:ja )?(?:remarcou|mudou|reagendou|trocou|passou a sua)\b",
        deed=True,
    ),
    _moved(rf"\bpassei (?:ela |ele |tudo )?(?:para|pra|pro) (?:a |o )?{TO_A_TIME}", deed=True),
    _moved(
        r"\b(?:acabei de|consegui|acabo de|pude|managed to|able to) (?:remarcar|reagendar|mudar|alterar|trocar|cambiar"
        r"|mover|reprogramar|move|reschedule|switch)(?:la|lo)?\b",
        deed=True,
    ),
    _moved(
        r"\b(?:reagende\^|cambie\^|movi|corri|reprograme\^|pospuse|adelante\^|pase\^ (?:tu|su|la) (?:visita|cita|reunion)"
        r"|(?:he|hemos) (?:reagendado|cambiado|movido|reprogramado))(?!\w)",
        deed=True,
    ),
    _moved(rf"{WE}(?:moved|rescheduled|changed|switched|postponed|pushed|shifted|bumped|swapped)\b", deed=True),
    _moved(
        r"\b(?:remarcacao|mudanca|alteracao|reagendamento|troca|cambio|reprogramacion)(?: de \w+)?(?: \w+)? (?:feit|efetuad"
        r"|concluid|realizad|confirmad|hech)\w*"
    ),
    _moved(
        r"\b(?:conclui|fiz|finalizei|efetuei|realizei|hice|made|completed)(?: \w+){0,2}? (?:remarcacao|mudanca|alteracao"
        r"|troca|reagendamento|cambio|change)\b",
        deed=True,
    ),
    ClaimPattern(
        ("moved", "booked"),
        rf"\b{MEETING}(?: tecnica)? (?:agora|ahora|now|passou|paso|ya) ?(?:eh|es|is|fica|para|pra|a|esta)?\b",
        needs_moment=True,
    ),
)
_CANCELLED = (
    _cancelled(rf"{_IS} (?:\w+ ){{0,2}}?{_GONE}"),
    _cancelled(rf"{_AFTER_A_NOD}{_GONE}"),
    _cancelled(rf"\b{MEETING}(?: tecnica)? {_GONE}", unless_after=ANY),
    _cancelled(
        rf"\b(?:cancelei|desmarquei|anulei|suspendi)\b|\b{MEETING} caiu\b|\b(?:cancelamos|desmarcamos|anulamos) {YOUR}\b"
        r"|\ba gente (?:ja )?(?:cancelou|desmarcou)\b",
        deed=True,
    ),
    _cancelled(
        r"\b(?:acabei de|consegui|acabo de|pude|managed to|able to) (?:cancelar|desmarcar|anular|cancel)(?:la|lo)?\b"
        r"|\b(?:cancele\^|anule\^|di de baja(?! (?:de|en) (?:la|nuestra) lista)|dei baixa|liberei|libere\^|(?:he"
        r"|hemos) (?:cancelado|anulado)\b|se cancelo\b)",
        deed=True,
    ),
    _cancelled(
        rf"{WE}(?:cancell?ed|called off|freed up)\b|\b(?:tirei|removi|apaguei|exclui|quite\^|saque\^|elimine\^|removed"
        r"|deleted|took|taken)(?: \w+){0,3}? (?:da|do|de la|del|from|off|from the|off the) (?:\w+ )?(?:agenda|calendario"
        r"|calendar|schedule|sistema)\b",
        deed=True,
    ),
    _cancelled(
        r"\b(?:cancelamento|cancelacion|anulacion|cancellation)(?: \w+){0,2}? (?:feit|efetuad|concluid|realizad|confirmad"
        r"|registrad|hech|complete|confirmed|done|processed|gone through|through|ok\b)\w*"
    ),
    _cancelled(
        r"\b(?:conclui|fiz|finalizei|efetuei|realizei|hice|made|completed|processed)(?: \w+){0,2}? (?:cancelamento"
        r"|cancelacion|cancellation)\b",
        deed=True,
    ),
    ClaimPattern(
        ("cancelled",),
        r"\b(?:nao|not|isn't)(?: \w+){0,3}? (?:mais|anymore|any longer)(?: \w+){0,3}? (?:agenda|calendario|calendar"
        r"|marcad\w+|agendad\w+|schedule)\b|\b(?:ja nao|ya no)(?: \w+){0,3}? (?:agenda|calendario|marcad\w+|agendad\w+)\b"
        r"|\bno longer (?:\w+ )?(?:booked|scheduled|on)\b"
        rf"|\b{MEETING}(?: \S+){{0,4}}? (?:nao|no|won't|will not|isn't) (?:acontece\w*|vai (?:mais )?(?:acontecer|ter)|existe"
        r"|rola|happen\w*|va|be happening)\b",
        holds_denial=True,
    ),
)

CHANGED = (*_MOVED, *_CANCELLED)
