"""Days, periods and hours in a customer's words, and which of the offered options they choose."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from sandbox.openai.standin_text import NUMERALS, clauses, fold, is_negated


def _numbered(names: str) -> dict[str, int]:
    return {name: number for number, name in enumerate(names.split(), start=1)}


_WEEKDAYS = {
    "pt": ["segunda", "terca", "quarta", "quinta", "sexta", "sabado", "domingo"],
    "es": ["lunes", "martes", "miercoles", "jueves", "viernes", "sabado", "domingo"],
    "en": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
}
_MONTHS = {
    "pt": _numbered("janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro"),
    "es": _numbered("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"),
    "en": _numbered("january february march april may june july august september october november december"),
}
_GREETING_TIMES = re.compile(
    r"\b(boa (tarde|noite)|bom dia|buen[oa]s? (dias?|tardes?|noches?)|good (morning|afternoon|evening|night)|ma[is]s tarde)\b"
)
_OTHER_MATTERS = re.compile(
    r"\b(presencial|online|on-line|video|link|quanto|custa|preco|valor|onde|endereco|como|quem|por ?que|demora|dura|"
    r"cuanto|cuesta|precio|donde|direccion|quien|how (much|long)|where|who|why|price|cost|remote|in person)\b"
)
_PERIODS = {
    "morning": re.compile(
        r"\b(manha|manhazinha|mornings?)\b|(?<!mais )\bcedo\b|\b(por|de|en|a) la manana\b|\bprimeir?[ao] hora\b"
    ),
    "afternoon": re.compile(r"\b(tardes?|tardinha|afternoons?)\b"),
    "evening": re.compile(r"\b(noite|noites|noche|noches|evenings?|night|tonight)\b"),
}

_NEXT_WEEK = r"\b(semana que vem|proxima semana|semana proxima|semana que viene|next week)\b"
_RANGE = re.compile(r"\b(depois d[ao]s?|apos|a partir|antes|ate as|entre|despues|hasta|after|before|between|from)\b")


@dataclass(frozen=True)
class When:
    """What a customer said about time. Empty fields were not said.

    Attributes:
        weekdays: 0 is Monday.
        days: Dates that were named or follow from "amanhã" or "semana que vem".
        times: (hour, minute) readings; "às 2" has two.
    """

    weekdays: tuple[int, ...] = ()
    days: tuple[date, ...] = ()
    period: str | None = None
    times: tuple[tuple[int, int], ...] = ()

    @property
    def names_day(self) -> bool:
        return bool(self.weekdays or self.days)

    def __bool__(self) -> bool:
        return self.names_day or bool(self.period or self.times)


def day_to_check(when: When, today: date) -> date | None:
    """The date to ask the calendar for: the next such weekday after today, or the named date."""
    try:
        if when.days:
            return when.days[0]
        if when.weekdays:
            return today + timedelta(days=(when.weekdays[0] - today.weekday() - 1) % 7 + 1)
    except OverflowError:
        return None
    return None


def period_to_check(when: When) -> str | None:
    """The named period, or the one an unambiguous hour lies in."""
    periods = {period_of(hour) for hour, _ in when.times}
    return when.period or (periods.pop() if len(periods) == 1 else None)


def period_of(hour: int) -> str:
    return "morning" if hour < 12 else "afternoon" if hour < 18 else "evening"


def positive(message: str, language: str) -> str:
    """The folded text without refused clauses ("terça não dá"), questions on other matters ("a 2 é presencial?"), and
    greetings that name a time of day.
    """
    said = [clause for clause in clauses(message) if not is_negated(clause, language)]
    kept = [fold(clause) for clause in said if not (clause.endswith("?") and _OTHER_MATTERS.search(fold(clause)))]
    return _GREETING_TIMES.sub(" ", " ".join(kept))


def read_when(text: str, language: str, today: date) -> tuple[When, str]:
    """Time words, and what is left of the text without them."""
    is_range = bool(_RANGE.search(text))
    text = _hour_words(text, language)
    days, text = _dates(text, language, today)
    more_days, text = _relative_days(text, language, today)
    times, text = _times(text)
    weekdays, text = _weekdays(text, language)
    days = (*days, *more_days)
    if re.search(_NEXT_WEEK, text):
        days, weekdays = _in_next_week(weekdays, today), ()
    weekdays = tuple(weekday for weekday in weekdays if all(day.weekday() != weekday for day in days))  # "terça, dia 10"
    period = next((name for name, pattern in _PERIODS.items() if pattern.search(text)), None)
    if period:
        text = _PERIODS[period].sub(" ", text)
    if period in ("afternoon", "evening"):
        times = tuple(sorted({(hour + 12 if hour < 12 else hour, minute) for hour, minute in times}))
    elif period == "morning":
        times = tuple(time for time in times if time[0] < 12) or times
    if is_range and times:  # "depois das 15h" names no hour, only a part of the day
        period, times = period or period_of(times[-1][0]), ()
    return When(weekdays, days, period, times), text


def _in_next_week(weekdays: tuple[int, ...], today: date) -> tuple[date, ...]:
    """Those weekdays of the week that begins next Monday, or all of its days."""
    try:
        monday = today + timedelta(days=7 - today.weekday())
        return tuple(monday + timedelta(days=weekday) for weekday in (weekdays or range(7)))
    except OverflowError:
        return ()


def _take(pattern: str, text: str) -> tuple[list[str], str]:
    found = [match[0] for match in re.finditer(pattern, text)]
    return found, re.sub(pattern, " ", text) if found else text


def _hour_words(text: str, language: str) -> str:
    """Hours said in words, only where an hour must follow or a period does: "às duas", "dez da manhã"."""
    table = NUMERALS[language]
    names = "|".join(sorted((word for word, value in table.items() if 1 <= value <= 23), key=len, reverse=True))
    after = re.compile(rf"\b(as|las|a la|at|pelas|umas) ({names})\b")
    before = re.compile(rf"\b({names})(?= (?:horas?|da manha|da tarde|da noite|de la|in the|o'clock|am|pm))")
    text = after.sub(lambda match: f"{match[1]} {table[match[2]]}", text)
    text = before.sub(lambda match: str(table[match[1]]), text)
    text = re.sub(r"\b(meio[- ]dia|mediodia|noon)\b", "12:00", text)
    return re.sub(r"\b([0-9]{1,2})(?: ?h(?:oras?)?)? (?:e meia|y media)\b", r"\1:30", text)


def _dates(text: str, language: str, today: date) -> tuple[tuple[date, ...], str]:
    months = _MONTHS[language]
    names = "|".join(months)
    found: list[date | None] = []

    def slashed(match: re.Match[str]) -> str:
        first, second, year = int(match[1]), int(match[2]), int(match[3] or 0)
        day, month = (second, first) if language == "en" and second > 12 else (first, second)
        found.append(_date(year + 2000 if 0 < year < 100 else year, month, day, today))
        return " "

    def named(match: re.Match[str]) -> str:
        day, month = (match[1], match[2]) if match[1] else (match[4], match[3])
        found.append(_date(0, months[month], int(day), today))
        return " "

    def of_month(match: re.Match[str]) -> str:
        found.append(_next_day_of_month(int(match[1] or match[2]), today))
        return " "

    text = re.sub(r"\b([0-9]{1,2})/([0-9]{1,2})(?:/([0-9]{2}|[0-9]{4}))?\b", slashed, text)
    text = re.sub(
        rf"\b([0-9]{{1,2}})o?(?:st|nd|rd|th)?(?: de| of)? ({names})\b|\b({names}) ([0-9]{{1,2}})(?:st|nd|rd|th)?\b", named, text
    )
    text = re.sub(r"\b(?:dia|day) ([0-9]{1,2})\b|\bthe ([0-9]{1,2})(?:st|nd|rd|th)\b", of_month, text)
    return tuple(day for day in found if day), text


def _date(year: int, month: int, day: int, today: date) -> date | None:
    """A date; without a year, the next one that is not past. None when there is no such day."""
    try:
        named = date(year or today.year, month, day)
        return named if year or named >= today else date(today.year + 1, month, day)
    except ValueError:
        return None


def _next_day_of_month(day: int, today: date) -> date | None:
    for ahead in range(2):
        month = today.month + ahead
        found = _date(today.year + (month > 12), (month - 1) % 12 + 1, day, today)
        if found and found >= today:
            return found
    return None


def _relative_days(text: str, language: str, today: date) -> tuple[tuple[date, ...], str]:
    patterns = {
        "pt": [(2, r"\bdepois de amanha\b"), (1, r"\bamanha\b"), (0, r"\bhoje\b")],
        # "por la mañana" is the morning; any other "mañana" is tomorrow.
        "es": [(2, r"\bpasado manana\b"), (1, r"(?<!\bla )\bmanana\b"), (0, r"\bhoy\b")],
        "en": [
            (2, r"\b(the )?day after tomorrow\b"),
            (1, r"\btomorrow\b"),
            (0, r"\btoday\b|\bthis (?=morning|afternoon|evening)"),
        ],
    }
    found = []
    for ahead, pattern in patterns[language]:
        said, text = _take(pattern, text)
        try:
            found += [today + timedelta(days=ahead)] if said else []
        except OverflowError:
            continue
    return tuple(found), text


_TIME = re.compile(
    r"\b(?P<h1>[0-9]{1,2}):(?P<m1>[0-9]{2})\b(?: ?(?P<half1>am|pm|a\.m\.|p\.m\.)(?!\w))?"
    r"|\b(?P<h2>[0-9]{1,2}) ?(?:horas?|hs|hrs|h)(?: ?(?P<m2>[0-9]{2}))?\b"
    r"|\b(?P<h3>[0-9]{1,2}) ?(?P<half3>am|pm|a\.m\.|p\.m\.)(?!\w)"
    r"|\b(?:as|las|a la|at|pelas|umas) (?P<h4>[0-9]{1,2})\b(?![/:]| ?[ap]\.?m)"
    r"|\b(?P<h5>[0-9]{1,2})(?= (?:da|de la|in the|de) (?:manha|manana|tarde|noite|noche|morning|afternoon|evening)\b)"
)


def _times(text: str) -> tuple[tuple[tuple[int, int], ...], str]:
    readings: list[tuple[int, int]] = []
    for match in _TIME.finditer(text):
        hour = int(next(match[name] for name in ("h1", "h2", "h3", "h4", "h5") if match[name]))
        minute = int(match["m1"] or match["m2"] or 0)
        half = (match["half1"] or match["half3"] or "")[:1]
        if hour > 23 or minute > 59:
            continue
        if half:
            readings.append((hour % 12 + (12 if half == "p" else 0), minute))
        elif hour < 8:  # nobody sells at "2" in the night: it may be 14:00
            readings += [(hour, minute), (hour + 12, minute)]
        else:
            readings.append((hour, minute))
    return tuple(readings), _TIME.sub(" ", text)


def _weekdays(text: str, language: str) -> tuple[tuple[int, ...], str]:
    names = "|".join(_WEEKDAYS[language])
    one = rf"({names})s?(?:[- ]?feira)?"
    # "de terça para quinta" wants Thursday only.
    text = re.sub(rf"\b(?:de|da|do|del|from) {one}\b(?=.*\b(?:para|pra|pro|al?|to)\b)", " ", text)
    found = tuple(_WEEKDAYS[language].index(match[1]) for match in re.finditer(rf"\b{one}\b", text))
    return found, re.sub(rf"\b{one}\b", " ", text)
