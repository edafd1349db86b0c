"""Days and hours in a reply: each must be a known moment, the business's own words, or a word about what the customer said."""

import re
from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache

from agent.guard_known import Known
from agent.guard_speech import COMFORT, DENIES, TODAY_IS, WISHES
from agent.moments import Mention, mentions
from agent.moments_text import plain

_HOUR = "it names an hour that no tool returned"
_DATE = "it names a date that no tool returned"
_WEEKDAY = "it names a weekday that no tool returned"
_PART = "it names a part of the day in which no tool returned a time"
_TOGETHER = "it joins a day and an hour that no tool returned together"
_CALENDAR = "it names a day that is not in the calendar; weekday and date disagree"

# Where one thought ends and the next begins: what is denied in one may be offered in the next.
_TURN = re.compile(
    r"[;\n]|[.!?]+(?=\s|$)|[,:] (?=(?:so|somente|apenas|mas|tenho|temos|posso|podemos|consigo|que tal"
    r"|pode ser|solo|pero|tengo|puedo|only|but|i have|we have"
    r"|how about|i can|esta otim|fica|serve)\b)| (?:mas|porem|pero|but|e sim|sino|porque|so tenho|so temos|solo tengo) "
)
_ENDS = re.compile(r"[.!?]+(?=\s|$)|\n")
_OFFERED = re.compile(
    r"\b(?:quer que eu|quieres que|do you want me|would you like me|shall i|posso (?:marcar|agendar"
    r"|reservar|confirmar)|pode ser|puede ser|que tal|how about"
    r"|esta (?:otim\w*|perfeit\w*|bom|livre|disponivel|confirmad|marcad|agendad|reservad|bien|libre)"
    r"|(?<!nao )tenho|(?<!nao )temos (?:vaga|horario|livre)|consigo|livres?|disponive(?:l|is)|disponibles?"
    r"|libres?|tengo|i have|we have|is (?:fine|free|available|great|perfect)|works|marc(?:ad|o|ar|amos"
    r"|ei)\w*|agend(?:ad|o|ar|amos|ei)\w*|reserv(?:ad|o|ar|amos|ei)\w*"
    r"|confirm(?:ad|o|ar|amos|ei|ed)\w*|book(?:ed)?|scheduled?|combinad\w+|fechado|te espero|(?:sua|tua|tu"
    r"|su|your) (?:visita|reuniao|reunion|cita|visit|meeting|appointment) (?:eh|es|is|sera|fica)|serve"
    r"|sirve|te queda|voce vem|vamos)\b"
)
_CHECKS = re.compile(
    r"\b(?:ver|verificar|checar|consultar|conferir|olhar|revisar|mirar|check|see|look|checking|verificando"
    r"|consultando|conferindo|revisando|se|if|si)\b"
)
_ASKS_PREFERENCE = re.compile(
    r"\b(?:prefere|preferes|prefieres|prefer|melhor|mejor|better|best|qual|quais|cual|cuales|which"
    r"|que (?:dia|parte|periodo|horario)|when|what)\b"
)
_A_WEEK = timedelta(days=7)
# What was: "a visita de terça foi cancelada", "mudei de terça para quarta".
_WAS = re.compile(
    r"\b(?:foi|fora|era|eram|estava|estavam|tinha\w*|tenha|tivemos|ficou|seria|fue|estaba|tenia|haya|was|were|had|been"
    r"|anterior|antes|antig[oa]|passad[oa]|pasad[oa]|previous|earlier|before|original\w*|last|ultim[oa]"
    r"|mud\w+|troc\w+|remarc\w+|reagend\w+|cancel\w*|desmarc\w+|anul\w+|passei|passou|saiu|transfer\w+|cambi\w+|mov[ei]\w*"
    r"|pase\^?|paso|reprogram\w+|resched\w+|switched|changed|pushed|swapped|adi(?:ei|ad[oa])|antecip\w+|empurr\w+"
    r"|em vez|ao inves|no lugar|en vez|instead|nao mais|ya no|no longer)\b"
)
# Nobody offers what is over.
_HAS = re.compile(
    r"\b(?:(?<!nao )tenho|(?<!nao )temos|(?<!no )tengo|tenemos|consigo|posso|podemos|puedo|pode ser|puede ser|que tal|livres?"
    r"|libres?|disponive\w+|disponibles?|i have|we have|i can|we can|how about|what about|available|free|serve|sirve|works)\b"
)


def unknown_moments(reply: str, known: Known) -> list[str]:
    """Objections to days, hours and parts of the day, each once and with its words."""
    now = known.local_now
    if now is None:
        # Without any clock nothing relative can be judged; the epoch makes every named day an unknown one.
        now = datetime(1970, 1, 1, tzinfo=known.zone)
    text = plain(reply)
    judge = _Judge(known, now, text)
    return [why for mention in mentions(reply, now) if (why := judge.objection(mention))]


class _Judge:
    """Judges the mentions of one reply."""

    def __init__(self, known: Known, now: datetime, text: str) -> None:
        self.now, self.closed = now, known.closed
        self.thoughts, self.sentences = _pieces(_TURN, text), _pieces(_ENDS, text)
        self.standing = known.meeting_at.astimezone(known.zone) if known.meeting_at else None
        self.moments = [moment.astimezone(known.zone) for moment in known.moments if moment > now]
        self.past = [
            moment.astimezone(known.zone) for moment in {*known.past, *known.moments} if moment <= now or moment in known.past
        ]
        # A date that stands elsewhere in the reply tells which of several Tuesdays is meant.
        self.dated = {day for mention in mentions(text, now) for day in mention.days}
        self.own = mentions(known.own_words, now)
        self.said = [mention for text in known.said for mention in mentions(text, now)]

    def objection(self, mention: Mention) -> str | None:
        if not mention.is_possible:
            return _with(_CALENDAR, mention)
        if any(self._is_meant(mention, moment) for moment in self.moments) or (self.standing and mention.fits(self.standing)):
            return None
        thought, sentence = _piece_at(self.thoughts, mention), _piece_at(self.sentences, mention).strip()
        if (
            self._is_closed(mention, thought)
            or self._is_today(mention, thought)
            or self._is_past(mention, thought)
            or self._is_business(mention, thought)
            or self._is_customers(mention, thought)
        ):
            return None
        if mention.part_of_day and not mention.names_day and sentence.endswith("?"):
            return None  # "manhã ou tarde?"
        if mention.days and len(mention.days) > 3 and sentence.endswith("?") and _ASKS_PREFERENCE.search(sentence):
            return None  # "esta semana ou na próxima?"
        return self._why(mention)

    def _is_meant(self, mention: Mention, moment: datetime) -> bool:
        """Whether it names that moment. A weekday without a date is the next one of that name, whoever reads it."""
        if not mention.fits(moment):
            return False
        is_bare = mention.weekday is not None and not mention.days
        return not is_bare or moment.date() - self.now.date() <= _A_WEEK or moment.date() in self.dated

    def _is_past(self, mention: Mention, thought: str) -> bool:
        """Whether it speaks of what was offered or agreed once as of something that is over, or is not to be had."""
        if not any(mention.fits(moment) for moment in self.past):
            return False
        calm = COMFORT.sub(" ", thought)
        return DENIES.search(calm) is not None or (_WAS.search(calm) is not None and not _HAS.search(calm))

    def _is_closed(self, mention: Mention, thought: str) -> bool:
        """Whether it says that there is nothing on a day on which nobody works."""
        named = {mention.weekday} if mention.weekday is not None else set()
        days = {day.weekday() for day in mention.days} or named
        if not days:
            return False
        return all(day in self.closed for day in days) and DENIES.search(COMFORT.sub(" ", thought)) is not None

    def _is_today(self, mention: Mention, thought: str) -> bool:
        """Whether it only says what day today is: "hoje é segunda-feira, 9 de março"."""
        return mention.day == self.now.date() and not mention.times and TODAY_IS.search(thought) is not None

    def _is_business(self, mention: Mention, thought: str) -> bool:
        """Whether the business's words are repeated, such as its opening hours. An offer is not."""
        return bool(self.own) and is_covered(mention, self.own) and not _is_offer(thought)

    def _is_customers(self, mention: Mention, thought: str) -> bool:
        """Whether the customer's words are denied, repeated or looked into."""
        if not is_covered(mention, self.said):
            return False
        calm = COMFORT.sub(" ", thought)
        if DENIES.search(calm):
            return True
        return WISHES.search(calm) is not None and (not _is_offer(calm) or _CHECKS.search(calm) is not None)

    def _why(self, mention: Mention) -> str:
        day_known = any(mention.fits_day(moment.date()) for moment in self.moments)
        time_known = any(mention.fits_time((moment.hour, moment.minute)) for moment in self.moments)
        if mention.names_day and not day_known:
            why = _with(_WEEKDAY if not mention.days else _DATE, mention)
            return f"{why}; {_HOUR}" if mention.times and not time_known else why
        if not time_known:
            return _with(_HOUR if mention.times else _PART, mention)
        return _with(_TOGETHER, mention)


def is_covered(mention: Mention, others: Iterable[Mention]) -> bool:
    """Whether its day and its hour were both named, together or apart."""
    others = list(others)
    days = not mention.names_day or any(_share_day(mention, other) for other in others)
    times = not mention.times or any(set(mention.times) & set(other.times) for other in others)
    part = mention.part_of_day
    parts = part is None or any(
        other.part_of_day is part or any(hour in part.hours for hour, _ in other.times) for other in others
    )
    return days and times and parts


def _share_day(one: Mention, other: Mention) -> bool:
    if not other.names_day:
        return False
    if one.days and other.days:
        return bool(set(one.days) & set(other.days))
    if one.days or other.days:
        weekday = one.weekday if not one.days else other.weekday
        return any(day.weekday() == weekday for day in (one.days or other.days))
    return one.weekday == other.weekday


def _pieces(separator: re.Pattern[str], text: str) -> tuple[list[int], list[str]]:
    """Where the text's pieces begin, and the pieces with what closes them."""
    ends = [*(match.end() for match in separator.finditer(text)), len(text)]
    starts = [0, *ends[:-1]]
    return starts, [text[start:end] for start, end in zip(starts, ends, strict=True)]


def _piece_at(pieces: tuple[list[int], list[str]], mention: Mention) -> str:
    """The piece in which the mention's hour (or day) stands."""
    starts, texts = pieces
    return texts[bisect_right(starts, mention.end - 1) - 1]


@lru_cache(maxsize=256)
def _is_offer(thought: str) -> bool:
    return _OFFERED.search(thought) is not None


def _with(why: str, mention: Mention) -> str:
    return f'{why}: "{mention.text}"'
