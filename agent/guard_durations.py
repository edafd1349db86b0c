"""Spans of time in a reply: "em 3 dias" names a day, "dura 2 horas" and "25 anos de garantia" are promises.

Each must be backed: by the business file, or, from now on, by an offered time or the booked meeting.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from agent.guard_known import Known
from agent.guard_speech import COMFORT, offers
from agent.moments_text import plain
from agent.moments_words import NUMBERS, one_of

_WHY = "it names a duration or deadline that neither the business file nor a tool gave"
_UNITS = {
    "min": r"min|mins|minut\w{1,5}", "hour": r"h|hs|hrs?|horas?|horinhas?|hours?", "day": r"dias?|diazinhos|days?",
    "week": r"semanas?|semaninhas?|weeks?", "month": r"mes|meses|months?", "year": r"anos?|years?|yrs?",
}  # fmt: skip
_MINUTES = {"min": 1, "hour": 60, "day": 1440, "week": 7 * 1440, "month": 30 * 1440, "year": 365 * 1440}
_N = rf"(?:\d{{1,4}}|{one_of([*NUMBERS, 'a', 'an', 'meia', 'media', 'half an'])})"
_UNIT = "|".join(f"(?P<{name}>{words})" for name, words in _UNITS.items())
_SPAN = re.compile(
    rf"(?<![\w:/.,])(?:(?P<n2>{_N}) ?(?:a|o|ou|or|to|e|-) )?(?P<n>{_N})[ -]?(?:{_UNIT})\b(?P<working> (?:uteis|util|habiles"
    r"|business days))?(?P<half> (?:e mei[ao]|y media|and a half))?"
)
_NEARLY = (
    r"(?:ate|cerca de|uns|umas|mais de|menos de|mais ou menos|no maximo|aproximadamente|apenas|so|up to|about|around"
    r"|less than|more than|just|only|unos|unas|hasta|mas de|menos|solo|os|as|los|las|the next|proxim[oa]s|max)"
)
# Counted from now, or as a deadline.
_FROM_NOW = re.compile(
    r"\b(?:em|en|in|within|dentro de|daqui(?: a)?|de aqui a|ate|hasta|prazo de|prazo eh de|prazo|plazo de"
    rf"|plazo) (?:{_NEARLY} )*$"
)
_LATER = re.compile(r"^ (?:depois|later|despues|from (?:now|today)|apos|a partir de (?:hoje|agora))\b")
# How long something takes, or is vouched for.
_LASTS = re.compile(
    rf"\b(?:lev\w{{1,4}}|demor\w{{1,4}}|dur\w{{1,6}}|tard\w{{1,3}}|takes?|lasts?|took|garantia|warranty|duracao|duracion"
    rf"|validade) (?:(?:de|of|is|eh|es) )?(?:{_NEARLY} )*$"
)
_VOUCHED = re.compile(r"^ (?:de garantia|de duracao|de duracion|de prazo|de vida util|warranty|guarantee)\b|^-?year warranty")
_HARMLESS_MIN = 10  # "leva 2 minutinhos" of chatting
_IN_TOUCH = re.compile(
    r"\b(?:lig[aou]\w*|cham[ao]\w*|retorn\w*|respond\w*|cheg\w+|visit\w*|call\w*|contact\w*|contat\w*|llam\w+|volt\w+"
    r"|avis\w+|confirm\w+|envi\w+|mand\w+|reuniao|meeting|appointment|cita)\b"
)
_DENIED = re.compile(r"\b(?:nao|no|not|never|nunca|sem|sin|can't|don't|isn't)\b")
_SAID = re.compile(r"\b(?:voce|tu|usted|you)\b")
_PIECE = re.compile(r"[^.!?\n]+[.!?]*")


@dataclass(frozen=True)
class _Span:
    text: str
    minutes: int
    is_working: bool
    from_now: bool
    is_promise: bool


def unknown_durations(reply: str, known: Known) -> list[str]:
    """Objections to spans from now, deadlines and lengths that nobody gave, each with its words."""
    # "Dura uma hora" tells nothing about "daqui a uma hora".
    own = {
        (span.minutes, span.is_working, is_contact, span.from_now)
        for piece in _PIECE.findall(plain(known.own_words))
        for span in _spans(piece)
        for is_contact in {False, _IN_TOUCH.search(piece) is not None}
    }
    said = {span.minutes for text in known.said for span in _spans(plain(text))}
    found = []
    for piece in _PIECE.findall(plain(reply)):
        is_asked, is_contact = piece.rstrip().endswith("?"), _IN_TOUCH.search(piece) is not None
        for span in _spans(piece):
            if not span.is_promise or (is_asked and not span.from_now) or (span.minutes <= _HARMLESS_MIN and not is_contact):
                continue
            # How long an installation takes does not tell when somebody calls.
            if any((span.minutes, span.is_working, is_contact, is_due) in own for is_due in {True, span.from_now}):
                continue
            if span.minutes in said and (is_asked or _DENIED.search(COMFORT.sub(" ", piece)) or _SAID.search(piece)):
                continue
            if not (span.from_now and _reaches(span, known, is_offer=offers(piece))):
                found.append(f'{_WHY}: "{span.text}"')
    return found


def _spans(text: str) -> Iterator[_Span]:
    for match in _SPAN.finditer(text):
        unit = next(name for name in _UNITS if match[name])
        before, after = text[max(0, match.start() - 60) : match.start()], text[match.end() : match.end() + 30]
        from_now = bool(_FROM_NOW.search(before) or _LATER.search(after))
        is_promise = from_now or bool(_LASTS.search(before) or _VOUCHED.search(after))
        for number in filter(None, (match["n"], match["n2"])):
            minutes = int(_value(number) * _MINUTES[unit]) + (_MINUTES[unit] // 2 if match["half"] else 0)
            yield _Span(match[0].strip(), minutes, bool(match["working"]), from_now, is_promise)


def _value(number: str) -> float:
    if number in ("meia", "media", "half an"):
        return 0.5
    return int(number) if number.isdigit() else NUMBERS.get(number, 1)


def _reaches(span: _Span, known: Known, *, is_offer: bool) -> bool:
    """Whether what is offered, or else the booked meeting, is that far away: on that day, or within half an hour of it."""
    now = known.local_now
    moments = known.moments if is_offer else filter(None, [known.meeting_at])
    if now is None:
        return False
    then = now + timedelta(minutes=span.minutes)
    if span.minutes >= _MINUTES["day"]:
        return any(moment.astimezone(known.zone).date() == then.date() for moment in moments)
    return any(moment > now and abs(moment - then) <= timedelta(minutes=30) for moment in moments)
