"""The days and hours a text names, in Portuguese, Spanish and English mixed freely. Pure: no clock, no store.

Not understood: relative hours ("em duas horas"), bare months and years ("em abril"), holidays ("depois do Carnaval").
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from agent.moments_days import Day, days_in
from agent.moments_hours import Hour, Time, hours_in
from agent.moments_text import DAY, HOUR, plain, without_noise
from agent.moments_words import PARTS, Part, one_of


@dataclass(frozen=True)
class Mention:
    """A day, an hour, a part of the day, or the ones of them that belong together.

    Attributes:
        text: The words, as `plain` writes them.
        start: Where the hour stands in `plain(text)`; without one, where the day or the part of the day stands.
        end: Offset after it.
        day: The day meant, None when none or only a weekday is named.
        weekday: 0 is Monday; None when no weekday is named.
        hour: Hour on the wall clock as written, e.g. 3 for "às 3"; None when none is named.
        minute: Minute of that hour.
        part_of_day: Morning, afternoon and so on, if it is named.
        days: Every reading of the day, the likeliest first; empty when none or only a weekday is named.
        times: Every reading of the hour: "às 3" may be 03:00 or 15:00.
        is_possible: False for a day that does not exist: "31/04", or a weekday that is not that date's.
    """

    text: str
    start: int
    end: int
    day: date | None = None
    weekday: int | None = None
    hour: int | None = None
    minute: int | None = None
    part_of_day: Part | None = None
    days: tuple[date, ...] = ()
    times: tuple[Time, ...] = ()
    is_possible: bool = True

    @property
    def is_ambiguous(self) -> bool:
        return len(self.times) > 1 or len(self.days) > 1

    @property
    def names_day(self) -> bool:
        return bool(self.days) or self.weekday is not None or not self.is_possible

    def fits_day(self, day: date) -> bool:
        """Whether it may mean that day; always so when it names none."""
        if not self.is_possible:
            return False
        return day in self.days if self.days else self.weekday in (None, day.weekday())

    def fits_time(self, time: Time) -> bool:
        """Whether it may mean that hour and minute; a part of the day holds many."""
        if self.times:
            return time in self.times
        return self.part_of_day is None or time[0] in self.part_of_day.hours

    def fits(self, moment: datetime) -> bool:
        """Whether it may mean that moment of the wall clock."""
        return self.fits_day(moment.date()) and self.fits_time((moment.hour, moment.minute))


@dataclass(frozen=True)
class _PartWord:
    start: int
    end: int
    part: Part


_LATE = (
    r"(?:(?:no |ao )?(?:fim|final|finalzinho) (?:do dia|da tarde|de tarde)|(?:al |a )?(?:fin"
    r"|final) (?:del dia|de la tarde)|(?:the )?end of (?:the )?(?:day|afternoon))"
)
_EARLY = (
    r"(?:(?:na |a |aa )?primeir[ao] hora|primera hora|first thing|logo cedo|bem cedo|cedinho"
    rf"|early morning|(?:no )?(?:inicio|comeco) da manha|(?<=[{DAY}] )(?:cedo|temprano|early)\b)"
)
_AFTER_LUNCH = r"(?:depois do almoco|apos o almoco|despues del almuerzo|after lunch)"
# "tarde" alone is an adverb ("chegar tarde"); the article or the list makes it a part of the day.
_PART = re.compile(
    rf"(?P<until>\b(?:ate|hasta|until|till) {DAY}+ (?:cedo|temprano|early)\b)"
    rf"|(?P<late>{_LATE})|(?P<early>{_EARLY})|(?P<lunch>{_AFTER_LUNCH})"
    r"|(?:\b(?:aa|a|da|de|na|pela|aas|as|la|las|por la|en la|in the|this|esta|essa|nesta|nessa|uma|una"
    rf"|{DAY}+) ?)(?P<word>{one_of(PARTS)})\b"
    rf"|(?<=[(,] )(?P<listed>tardes?|tardinha)\b(?= ou| o)|(?<=[{DAY}] )(?P<beside>tarde|noite|noche|manha|manana)\b"
    rf"|\b(?P<bare>{one_of(set(PARTS) - {'tarde', 'tardes', 'night'})})\b|(?<=\bou )(?P<chosen>tarde"
    r"|a tarde)\b|(?<=\bo )(?P<elegida>tarde)\b"
    r"|(?P<today>(?<!\w)(?:tonight|esta (?:noche|noite)))"
)
_TODAY_PART = re.compile(r"\b(?:esta (?P<a>tarde|noche|noite|manana)|this (?P<b>morning|afternoon|evening)|(?P<c>tonight))\b")
_SENTENCE = re.compile(r"[^.!?]*(?:[.!?]+(?=\s|$|[¡¿\"')])|[.!?](?=\S)|$)")
_SEGMENT = re.compile(r"[;\n]|,? (?:mas|porem|pero|but|enquanto|mientras) ")
_TIGHT = re.compile(
    r" ?(?:(?:so|somente|apenas|solo|only|livre|disponivel) )?(?:(?:de|da|do|del|na|no|nesta|neste|dessa"
    r"|desta|el|la|on|of|para|pra|em|desse|deste|d) ?)?(?:a |o |o dia |el )?"
)
_DIRECT = re.compile(r" ?[,:(-]?(?: ?\(?(?:de|a|pela|hora|ja|em|@|-|livre|tenho|temos|tengo|i have|horario))? ?")
_JOINED = re.compile(r"(?:[ ,/-]|¤|\b(?:ou|e|o|y|or|and|a|ate|to|through|na|no|el|on|tanto|quanto|dia|ao)\b){1,12}")


def mentions(text: str, now: datetime) -> list[Mention]:
    """What the text names, in its order; an hour is joined with the day of its clause.

    Args:
        text: What somebody wrote, in any of the three languages.
        now: Aware; its own zone decides what "amanhã" is.
    """
    covered = without_noise(plain(text))
    parts = _todays_parts(covered)
    days, covered = days_in(covered, now.date())
    hours, covered = hours_in(covered)
    parts += _parts_in(covered)
    words = plain(text)
    return list(_in_sentences(words, covered, days, hours, sorted(parts, key=lambda part: part.start)))


def _todays_parts(text: str) -> list[_PartWord]:
    """What "esta tarde" or "tonight" names besides the day, before the day's pattern takes the words."""
    return [_PartWord(m.start(), m.end(), PARTS[m["a"] or m["b"] or m["c"]]) for m in _TODAY_PART.finditer(text)]


def _parts_in(text: str) -> list[_PartWord]:
    found = []
    for match in _PART.finditer(text):
        if match["until"]:
            continue  # a time to answer by, not one to meet
        word = next((match[name] for name in ("word", "listed", "beside", "bare", "chosen", "elegida") if match[name]), None)
        if word:
            part = PARTS[word.removeprefix("a ")]
        else:
            part = Part.LATE if match["late"] else Part.MORNING if match["early"] else Part.AFTERNOON
        start = match.start()
        while start < match.end() and text[start] in (DAY, HOUR, " "):
            start += 1
        found.append(_PartWord(start, match.end(), part))
    return found


def _in_sentences(
    words: str, text: str, days: Sequence[Day], hours: Sequence[Hour], parts: Sequence[_PartWord]
) -> Iterator[Mention]:
    for sentence in _SENTENCE.finditer(text):
        if sentence.start() == sentence.end():
            continue
        carried: list[Day] = []
        for start, end in _segments(text, sentence.start(), sentence.end()):
            own_days = [day for day in days if start <= day.start < end]
            own_hours = [hour for hour in hours if start <= hour.start < end]
            own_parts = [part for part in parts if start <= part.start < end]
            yield from _joined(words, text, own_days, own_hours, own_parts, carried)
            carried = own_days[-1:] or carried


def _segments(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for match in _SEGMENT.finditer(text, start, end):
        yield start, match.end()
        start = match.end()
    yield start, end


def _joined(
    words: str, text: str, days: list[Day], hours: list[Hour], parts: list[_PartWord], carried: list[Day]
) -> Iterator[Mention]:
    used: set[int] = set()
    found: list[Mention] = []
    for hour in hours:
        narrowed = _narrowed(hour, parts, text)
        group = _days_of(hour, text, days, hours) or carried
        used |= {id(day) for day in group}
        found += [_mention(words, day, narrowed, None) for day in group] or [_mention(words, None, narrowed, None)]
    taken = {id(part) for part in parts if any(_is_beside(part, hour, text) for hour in hours)}
    for day in days:
        if id(day) in used:
            continue
        near = [part for part in parts if id(part) not in taken and _belongs(part, day, days)]
        taken |= {id(part) for part in near}
        found += [_mention(words, day, None, part) for part in near] or [_mention(words, day, None, None)]
    # A part beside a day whose hour is told adds nothing: "amanhã à tarde, às 15h".
    if not (hours and days):
        found += [_mention(words, None, None, part) for part in parts if id(part) not in taken]
    yield from sorted(found, key=lambda mention: mention.start)


def _days_of(hour: Hour, text: str, days: list[Day], hours: list[Hour]) -> list[Day]:
    """The days an hour belongs to; several when they are joined: "terça ou quarta às 9h"."""
    before = [day for day in days if day.end <= hour.start]
    after = [day for day in days if day.start >= hour.end]
    is_next_tight = bool(after) and _TIGHT.fullmatch(text, hour.end, after[0].start) is not None
    if before:
        is_direct = _DIRECT.fullmatch(text, before[-1].end, hour.start) is not None
        if is_direct or not is_next_tight:
            return _with_joined(before, text, hours)
    return after[:1]


def _with_joined(before: list[Day], text: str, hours: list[Hour]) -> list[Day]:
    group = [before[-1]]
    for day in reversed(before[:-1]):
        gap = (day.end, group[0].start)
        if day.end > group[0].start or (
            gap[1] - gap[0] <= 12 and _JOINED.fullmatch(text, *gap) and not any(gap[0] <= hour.start < gap[1] for hour in hours)
        ):  # two numbers of one date: "10 e 11 de março"
            group.insert(0, day)
        else:
            break
    return group


def _narrowed(hour: Hour, parts: list[_PartWord], text: str) -> Hour:
    """The hour with the readings that fit the part of the day named beside it."""
    for part in parts:
        fitting = tuple(time for time in hour.times if time[0] in part.part.hours)
        if fitting and _is_beside(part, hour, text):
            return replace(hour, times=fitting)
    return hour


def _is_beside(part: _PartWord, hour: Hour, text: str) -> bool:
    start, end = sorted([(part.start, part.end), (hour.start, hour.end)])
    return end[0] - start[1] <= 25 and HOUR not in text[start[1] : end[0]]


def _belongs(part: _PartWord, day: Day, days: list[Day]) -> bool:
    """Whether the part stands with this day: the nearest one, within a few words."""
    nearest = min(days, key=lambda other: _distance(part, other))
    return nearest is day and _distance(part, day) <= 25


def _distance(part: _PartWord, day: Day) -> int:
    if part.start < day.end and day.start < part.end:
        return 0
    return part.start - day.end if part.start >= day.end else day.start - part.end + 3  # the day before it comes first


def _mention(words: str, day: Day | None, hour: Hour | None, part: _PartWord | None) -> Mention:
    anchor = hour or part or day
    assert anchor is not None
    pieces = [words[piece.start : piece.end].strip(" ,(¤") for piece in (day, part, hour) if piece]
    pieces = list(dict.fromkeys(pieces))
    first = hour.times[0] if hour else (None, None)
    return Mention(
        text=" ".join(pieces),
        start=anchor.start,
        end=anchor.end,
        day=day.dates[0] if day and day.dates else None,
        weekday=day.weekday if day else None,
        hour=first[0],
        minute=first[1],
        part_of_day=part.part if part else None,
        days=day.dates if day else (),
        times=hour.times if hour else (),
        is_possible=day.is_possible if day else True,
    )
