"""Between model and customer: a reply that claims what did not happen, or names a time nobody offered, is not sent.

The guard reads the reply's words against what code knows. It does not judge style.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from meetings.qualification import fold


@dataclass(frozen=True)
class Known:
    """What a reply may speak of.

    Attributes:
        booked: The customer has a scheduled meeting that the calendar shows.
        moved: Its time was changed in this conversation, on the calendar.
        cancelled: A meeting of the customer was cancelled and the calendar shows that.
        handed_off: A seller was given this conversation.
        moments: Aware times that may be named: offers, the meeting, now.
        own_words: Sentences of the business file and of the customer's own messages: what they name may be repeated.
    """

    booked: bool
    moved: bool
    cancelled: bool
    handed_off: bool
    moments: tuple[datetime, ...]
    own_words: str
    zone: ZoneInfo


# Claims, after `fold` (lower case, no accents). Portuguese, Spanish, English. Questions and offers are told apart below.
_BOOKED = re.compile(
    r"\b(?:(?:esta|ficou|foi|ja esta|deixei|esta tudo) (?:marcad|agendad|reservad|confirmad)[oa]s?"
    r"|(?:marquei|agendei|reservei|confirmei) "
    r"|(?:visita|reuniao|horario|agendamento)(?: tecnica)? (?:marcad|agendad|confirmad|reservad)[oa]\b"
    r"|^(?:pronto|prontinho|perfeito|certo)?[,!.\s]*(?:marcad|agendad|confirmad)[oa]\b"
    r"|(?:esta|quedo|queda|ha quedado|fue) (?:agendad|reservad|confirmad)[oa]s?|(?:agende|reserve|confirme) (?:tu|su|la|el) "
    r"|(?:is|are|has been|have been|it's|its|you're|youre|you are) (?:all )?(?:booked|scheduled|confirmed|set for)"
    r"|i(?:'ve| have)? (?:just )?(?:booked|scheduled|confirmed)|^(?:booked|scheduled|confirmed)\b)"
)
_MOVED = re.compile(
    r"\b(?:(?:foi|ficou|esta) (?:remarcad|reagendad|alterad|mudad)[oa]|(?:remarquei|reagendei|mudei|alterei) "
    r"|(?:fue|quedo|esta) (?:reagendad|cambiad|movid)[oa]|(?:reagende|cambie|movi) (?:tu|su|la|el) "
    r"|(?:has been|is|was) (?:moved|rescheduled|changed to)|i(?:'ve| have)? (?:just )?(?:moved|rescheduled))"
)
_CANCELLED = re.compile(
    r"\b(?:(?:foi|esta|ficou) (?:cancelad|desmarcad)[oa]|(?:cancelei|desmarquei)\b"
    r"|(?:fue|quedo|esta) cancelad[oa]|cancele (?:tu|su|la|el) "
    r"|(?:has been|is|was) cancel?led|i(?:'ve| have)? (?:just )?cancel?led)"
)
_HANDED = re.compile(
    r"\b(?:(?:passei|encaminhei|transferi|repassei) "
    r"|(?:ja )?(?:avisei|chamei) (?:um|uma|o|a) (?:vendedor|atendente|colega|pessoa)"
    r"|(?:pase|transferi|derive) (?:tu|su|la|el|con|a un)|(?:avise|llame) a (?:un|una) (?:vendedor|persona|colega)"
    r"|i(?:'ve| have)? (?:just )?(?:passed|transferred|forwarded|handed))"
)
_NEGATION = re.compile(
    r"\b(?:nao|nada|nunca|ainda nao|sem|no|aun no|todavia no|not|n't|never|nothing|if|se|si|caso|quando|when)\b"
)
_CLOCK = re.compile(
    r"\b([01]?\d|2[0-3])\s*(?::|h|hs|hrs?)\s*([0-5]\d)?\b|\b(1[0-2]|0?[1-9])(?::([0-5]\d))?\s*(am|pm|a\.m\.|p\.m\.)"
)
_AT_HOUR = re.compile(r"\b(?:as|a las|at) ([01]?\d|2[0-3])(?: horas?)?\b(?!\s*[:%\d])")
_DATE = re.compile(r"\b([0-3]?\d)/([01]?\d)(?:/(\d{2,4}))?\b")
_WORDED_DATE = re.compile(
    r"\b([0-3]?\d) de (janeiro|fevereiro|marco|abril|maio|junho|julho|agosto|setembro|outubro|novembro|dezembro"
    r"|enero|febrero|marzo|mayo|junio|julio|septiembre|setiembre|octubre|noviembre|diciembre)\b"
)
_MONTHS = {
    "janeiro": 1, "fevereiro": 2, "marco": 3, "abril": 4, "maio": 5, "junho": 6, "julho": 7, "agosto": 8, "setembro": 9,
    "outubro": 10, "novembro": 11, "dezembro": 12, "enero": 1, "febrero": 2, "marzo": 3, "mayo": 5, "junio": 6, "julio": 7,
    "septiembre": 9, "setiembre": 9, "octubre": 10, "noviembre": 11, "diciembre": 12,
}  # fmt: skip
_WEEKDAYS = {
    "segunda-feira": 0, "terca-feira": 1, "quarta-feira": 2, "quinta-feira": 3, "sexta-feira": 4, "sabado": 5, "domingo": 6,
    "lunes": 0, "martes": 1, "miercoles": 2, "jueves": 3, "viernes": 4,
    "monday": 0, "tuesday": 1, "wednesday": 2, "thursday": 3, "friday": 4, "saturday": 5, "sunday": 6,
}  # fmt: skip
_LINK = re.compile(r"https?://\S+|\bwww\.\S+")


def objections(reply: str, known: Known) -> list[str]:
    """Why the reply may not be sent, in words for the model; empty when it may."""
    found = [*_false_claims(reply, known), *_unknown_times(reply, known)]
    if any(link not in known.own_words for link in _LINK.findall(reply)):
        found.append("it contains a link that no tool returned")
    return found


def _false_claims(reply: str, known: Known) -> list[str]:
    checks = (
        (_BOOKED, known.booked, "it says that a meeting is booked, but none is: call create_meeting first"),
        (_MOVED, known.moved, "it says that the meeting was moved, but it was not: call reschedule_meeting first"),
        (_CANCELLED, known.cancelled, "it says that the meeting was cancelled, but it was not: call cancel_meeting first"),
        (_HANDED, known.handed_off, "it says that a person was called, but nobody was: call hand_off_to_seller first"),
    )
    return [why for pattern, is_true, why in checks if not is_true and _claims(pattern, reply)]


def _claims(pattern: re.Pattern[str], reply: str) -> bool:
    return any(pattern.search(s) and not _NEGATION.search(s) for s in _statements(reply))


def _statements(reply: str) -> Iterable[str]:
    """The reply's sentences, folded, without its questions: "posso confirmar?" claims nothing."""
    for sentence in re.findall(r"[^.!?\n]+[.!?]*", reply):
        if not sentence.strip().endswith("?"):
            yield fold(sentence)


def _unknown_times(reply: str, known: Known) -> list[str]:
    text = fold(reply)
    said_before = fold(known.own_words)
    local = [moment.astimezone(known.zone) for moment in known.moments]
    found = []
    hours = {(m.hour, m.minute) for m in local} | _hours_in(said_before)
    if _hours_in(text) - hours:
        found.append("it names an hour that no tool returned")
    days = {(m.day, m.month) for m in local} | _dates_in(said_before)
    if _dates_in(text) - days:
        found.append("it names a date that no tool returned")
    weekdays = {m.weekday() for m in local} | {n for word, n in _WEEKDAYS.items() if word in said_before}
    if {n for word, n in _WEEKDAYS.items() if re.search(rf"\b{word}\b", text)} - weekdays:
        found.append("it names a weekday that no tool returned")
    return found


def _hours_in(text: str) -> set[tuple[int, int]]:
    found = set()
    for match in _CLOCK.finditer(text):
        if match[5]:
            hour = int(match[3]) % 12 + (12 if match[5].startswith("p") else 0)
            found.add((hour, int(match[4] or 0)))
        else:
            found.add((int(match[1]), int(match[2] or 0)))
    found |= {(int(m[1]), 0) for m in _AT_HOUR.finditer(text)}
    return found


def _dates_in(text: str) -> set[tuple[int, int]]:
    found = {(int(m[1]), int(m[2])) for m in _DATE.finditer(text)}
    return found | {(int(m[1]), _MONTHS[m[2]]) for m in _WORDED_DATE.finditer(text)}
