"""Times spoken of as settled: "terça às 14h então". They must be those of the booked meeting.

Claims are known by their words; what is settled is known by what is missing. A sentence that names a day or an hour must say
what it names it for: it offers, asks, denies, repeats what the customer wants, depends on something, or tells the business's
hours. One that does none of this speaks of an agreement, in whatever words.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from agent.guard_claims import asks_on, claims_of
from agent.guard_clauses import Sentence, sentences
from agent.guard_known import Known
from agent.guard_moments import is_covered
from agent.guard_speech import DENIES, DEPENDS, TODAY_IS, WAITS, WISHES, offers
from agent.moments import mentions
from agent.moments_text import NOISE
from agent.moments_words import MONTHS, NUMBERS, ORDINALS, PARTS, SHORT_WEEKDAYS, WEEKDAYS

_UNBOOKED = "it speaks of {} as settled, but no meeting is booked then: call create_meeting first, or ask whether it suits"
_ELSEWHEN = (
    "it speaks of {} as settled, but the meeting is at another time: call reschedule_meeting first, or ask whether it suits"
)

_TURNS = re.compile(r"[;]|[,:]? (?:entao|entonces|so then|then|mas|porem|pero|but|e por isso|por isso|assim)\b")
# "Não tenho às 16h, só terça às 14h", "mas terça às 14h sim".
_REMAINS = re.compile(r"\b(?:so|somente|apenas|solo|solamente|only|just|sim|si|yes|tambem|tambien|too)\b")
_HOURS_KEPT = re.compile(
    r"\b(?:atend\w+|funciona\w*|abr(?:e|imos|em|en)|aberto|abierto|open(?:s|ing)?|horario de|trabalha\w*|trabaja\w*"
    r"|expediente|office hours|closes?|fecha(?:mos|m)?|cierra|cerramos)\b|\b(?:de|from) \w+(?:-feira)? (?:a|aa|ate|to"
    r"|through) \w+|\bd?[ae]s \S+ (?:aas|as|ate|to|a las) \S+"
)
_NODS = re.compile(
    r"\b(?:perfeito|perfect[oa]?|otimo|show|maravilha|beleza|blz|combinad\w+|fech(?:ou|ado|adinho)|feito|certo|certinho"
    r"|pronto|prontinho|ok|okay|claro|listo|vale|dale|great|sure|deal|done|top|legal|isso|excelente|excellent|genial"
    r"|awesome|anotad\w+|entendid\w+|noted|got it|ate|hasta|obrigad[oa]|gracias|thanks|oba|uhul|bora|partiu)\b"
    r"|[👍🤝🎉🥳📌✔✅☑🙌👌💪🗓📅🚀🤩😉]"
)
_NOD_FIRST = re.compile(rf"\W*(?:{_NODS.pattern}|(?:voce|vc|eu|sim|si|yes|me)\b)")
_ASKS_BACK = re.compile(
    r"\b(?:qual|quais|cual|cuales)\W*\?|\b(?:confirm\w*|pode ser|puede ser|serve|certo|correto|correcto|combinad\w+"
    r"|quer (?:que eu|confirm\w+|marcar|esse|este|ficar)|prefer\w*|prefier\w*|fica bo[ma]|tudo bem|qual (?:d\w+|prefer\w+"
    r"|fica|voce|hora\w*|opc\w*|te|o melhor)|cual (?:prefier\w+|te|de|es)|which|ok|works?|sirve|te queda|te parece|marco"
    r"|agendo|fecho|reservo|book|shall|right|suits?|topa|fechado|isso mesmo|posso|puedo|de acuerdo|good|bom|bien)\b"
)
_MOVES = re.compile(
    r"\b(?:pass(?:ou|ei|amos|a a)|saiu|saio|paso|pase\^|mud\w+|troc\w+|remarc\w+|transfer\w+|cambi\w+|mov(?:i|ed|emos|io)|swapped"
    r"|switched|went|foi (?:para|pra|p)|fue (?:para|al|a)|em vez|ao inves|no lugar|en vez|en lugar|instead|nao mais"
    r"|ya no|no longer)\b"
)
_LABEL = re.compile(r"^\W*(?:dia|data|date|fecha|hora|horario|time|when|quando|cuando|day)\s*:")
_NUMBERED = re.compile(rf"^\W*(?:(?:\d{{1,2}}|[a-e])\s?[).:-]\s?(?!\d)|{NOISE})|\b\d\)[^)]*\b\d\)")
_BULLET = re.compile(r"^\s*[-•·▪►>]\s")
_SMALL_WORDS = """
feira feiras dia as aas aa a las la los el o the at on of de del do da em no na en e y and ou or u para pra por h hs hrs min
horas hora am pm m p st nd rd th amanha tomorrow hoje hoy today depois pasado day after meio medio mediodia noon midday meia
media brt gmt
"""
_TABLES = (WEEKDAYS, SHORT_WEEKDAYS, MONTHS, NUMBERS, ORDINALS, PARTS)
_OF_TIMES = frozenset(word for table in _TABLES for words in table for word in re.findall("[a-z]+", words)) | set(
    _SMALL_WORDS.split()
)


def unbooked_times(reply: str, known: Known) -> list[str]:
    """Objections to days and hours that are spoken of as settled without being those of the booked meeting."""
    parts = sentences(reply, known)
    return [_why(part, known) for n, part in enumerate(parts) if part.mentions and _is_settled(parts, n) and not _is_backed(part)]


def _why(part: Sentence, known: Known) -> str:
    named = " / ".join(f'"{mention.text}"' for mention in part.mentions)
    return (_ELSEWHEN if known.booked else _UNBOOKED).format(named)


def _is_settled(parts: Sequence[Sentence], n: int) -> bool:
    part = parts[n]
    if any(facts[0] in ("booked", "moved") for facts in claims_of(part)):
        return True
    is_asked = part.asks and not _is_answered(parts, n)
    return not (is_asked or _is_listed(parts, n) or (not part.asks and _says_what_for(part)) or _is_asked_back(parts, n))


def _is_backed(part: Sentence) -> bool:
    """Whether the booked meeting is then, or the sentence tells another deed that is on record, such as a cancellation."""
    known, begins = part.known, part.known.meeting_at
    claimed = {facts[0] for facts in claims_of(part)}
    if any(getattr(known, fact) for fact in claimed & {"cancelled", "completed", "no_show"}):
        return True
    if known.completed or known.no_show:  # what was may be spoken of: "espero que a visita de terça tenha sido boa"
        past = [moment.astimezone(known.zone) for moment in known.moments if moment < _now(part)]
        if any(mention.fits(moment) for mention in part.mentions for moment in past):
            return True
    if begins is None:
        return known.booked or (known.moved and "moved" in claimed)
    if not known.moved and _MOVES.search(part.text):
        # "De terça às 14h para quarta às 9h": the one that fits does not back the other.
        return known.booked and all(mention.fits(begins.astimezone(known.zone)) for mention in part.mentions)
    return known.booked and any(mention.fits(begins.astimezone(known.zone)) for mention in part.mentions)


def _says_what_for(part: Sentence) -> bool:
    text = part.text
    if offers(text) or any(pattern.search(text) for pattern in (WISHES, DEPENDS, WAITS, TODAY_IS)):
        return True
    if _is_of_the_business(part) or _is_a_choice(part):
        return True
    if not DENIES.search(text):
        return False
    # What is denied in one thought may be settled in the next: "sexta não tenho, então terça às 14h".
    thoughts = [thought for thought in _TURNS.split(text) if mentions(thought, _now(part))]
    return all(DENIES.search(thought) or _REMAINS.search(thought) for thought in thoughts)


def _is_a_choice(part: Sentence) -> bool:
    """Whether it names several hours that cannot be one: what is settled is one."""
    exact = [mention for mention in part.mentions if mention.times]
    moments = [moment.astimezone(part.known.zone) for moment in part.known.moments]
    is_several = len({mention.text for mention in exact}) > 1 and not any(
        all(m.fits(moment) for m in exact) for moment in moments
    )
    return is_several and not _NODS.search(part.text) and not _MOVES.search(part.text)


def _is_of_the_business(part: Sentence) -> bool:
    """Whether it tells the business's hours: in words of opening, and named in the business file."""
    own = mentions(part.known.own_words, _now(part))
    return _HOURS_KEPT.search(part.text) is not None and all(is_covered(mention, own) for mention in part.mentions)


def _is_listed(parts: Sequence[Sentence], n: int) -> bool:
    """Whether it is one line of a list of times that is offered, or of a reply that is nothing but such lines."""
    if not _is_listlike(parts[n]):
        return False
    before = next((part for part in reversed(parts[:n]) if not _is_listlike(part)), None)
    if before and (before.text.rstrip().endswith(":") or before.mentions) and (offers(before.text) or before.asks):
        return True
    if _NUMBERED.search(parts[n].text) or _is_asked_back(parts, n):
        return True
    return all(_is_listlike(part) and not _NODS.search(part.text) for part in parts)


def _is_asked_back(parts: Sequence[Sentence], n: int) -> bool:
    """Whether the next sentence, lists passed over, asks for a choice or a yes."""
    after = next((part for part in parts[n + 1 :] if not _is_listlike(part)), None)
    return after is not None and asks_on(after) and _ASKS_BACK.search(after.text) is not None


def _is_answered(parts: Sequence[Sentence], n: int) -> bool:
    """Whether the reply answers its own question: "terça às 14h? Perfeito!"."""
    after = parts[n + 1] if n + 1 < len(parts) else None
    if after is None or after.asks or after.mentions or any(asks_on(part) for part in parts[n + 1 :]):
        return False
    return _NOD_FIRST.match(after.text) is not None and not (
        offers(after.text) or DENIES.search(after.text) or WISHES.search(after.text)
    )


def _is_listlike(part: Sentence) -> bool:
    if _LABEL.search(part.text) or not part.mentions:
        return False
    if part.opens_line and (_NUMBERED.search(part.text) or _BULLET.search(part.text)):
        return True
    return all(word in _OF_TIMES for word in re.findall("[a-z]+", part.text))


def _now(part: Sentence) -> datetime:
    now = part.known.local_now
    assert now is not None  # a sentence without a clock names nothing
    return now
