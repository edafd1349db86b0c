"""Days in running text: weekdays, dates, "amanhã", "na próxima terça", "the 12th", "semana que vem"."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from agent.moments_text import DAY, fill
from agent.moments_words import MONTHS, NUMBERS, ORDINALS, SHORT_WEEKDAYS, WEEKDAYS, one_of


@dataclass(frozen=True)
class Day:
    """A day that a text names.

    Attributes:
        start: Offset in the plain text.
        end: Offset after it.
        kind: "weekday", "date", "relative" or "week"; different kinds side by side name one day: "weekday+date".
        weekday: 0 is Monday; None when none is named.
        dates: What it may mean; empty for a bare weekday. `is_possible` is False for a day that does not exist.
    """

    start: int
    end: int
    kind: str
    weekday: int | None = None
    dates: tuple[date, ...] = ()
    is_possible: bool = True


_MONTH_NAMES = one_of(word for word in MONTHS if len(word) > 4 or word in ("maio", "mayo", "june", "july", "may"))
_MONTH_SHORT = one_of(word for word in MONTHS if len(word) <= 4 and word != "may")
_DAY_WORDS = one_of([*(word for word, value in NUMBERS.items() if 1 <= value <= 31), *ORDINALS])
_DN = rf"(?:3[01]|[12]\d|0?[1-9]|{_DAY_WORDS})"
_JOIN = r"(?:, ?(?:e |y |and )?| e | y | and | ou | o | or | a | to |-)"
_YEAR = r"(?:,? (?:de |of |del )?(?P<y>20\d\d)\b)?"
_NOT_HOUR = (
    r"(?! ?(?:h\b|hs\b|h\d|:\d|horas?\b|am\b|pm\b|o'clock)|(?: e mei[ao]| y (?:media|cuarto))"
    r"|,? (?:da|de la) (?:manha|tarde|noite|manana|noche))"
)
_WD = one_of(WEEKDAYS)
_NEXT = r"(?:proxim[ao]s?|next|this coming|que vem|que viene|seguinte|siguiente)"
_THIS = r"(?:ess[ae]|est[ae]|ness[ae]|nest[ae]|dess[ae]|dest[ae]|this)"
_NEXT_WEEK = (
    r"(?:(?:da|na|de la|en la|la|a|of the|of)? ?(?:semana (?:que vem|que viene|proxima|seguinte"
    r"|siguiente)|proxima semana)|,? ?(?:of )?next week)"
)
_ORDINAL_NOUN = (
    r"(?! (?:opc|alternativ|vez|parcel|parte|via\b|pergunt|etapa|visita|reuniao|mensag|sugest|escolh|linha"
    r"|melhor|maior|mais cara|casa\b|conta\b|forma"
    r"|op\w|do mes|da lista|possibilidade|chance|fatura|geracao))"
)


def days_in(text: str, today: date) -> tuple[list[Day], str]:
    """The days of a plain text whose noise is covered, in order, and the text with them covered too."""
    found: list[Day] = []
    has_ordinals = re.search(r"\b(?:primeir[ao]|terceir[ao])\b", text) is not None
    for pattern, read in _COMPILED:
        for match in pattern.finditer(text):
            if has_ordinals and match[0] in ("segunda", "quarta", "quinta", "sexta"):
                continue  # "a primeira ou a segunda?"
            days = read(match, today)
            found += days
            if days:
                text = fill(text, match.start(), match.end(), DAY)
    return _merged(sorted(found, key=lambda day: day.start), text), text


def _iso(match: re.Match[str], today: date) -> list[Day]:
    return [_dated(match, [(int(match["d"]), int(match["mo"]), match["y"])], today)]


def _slashed(match: re.Match[str], today: date) -> list[Day]:
    first, second = int(match["d"]), int(match["mo"])
    if second > 12 >= first:
        first, second = second, first  # month first, as in the United States
    return [_dated(match, [(first, second, match["y"])], today)] if 1 <= second <= 12 and first <= 31 else []


def _named(match: re.Match[str], today: date) -> list[Day]:
    """One day, or several of one month ("10 e 11 de março")."""
    numbers = [_value(word) for word in re.findall(rf"\b(?:{_DN})(?=o\b|st\b|nd\b|rd\b|th\b|\b)", match["d"])]
    month = MONTHS[match["mo"]]
    return [_dated(match, [(number, month, match["y"])], today) for number in numbers]


def _of_month(match: re.Match[str], today: date) -> list[Day]:
    """What "dia 10" or "the 12th" may be: this month's, or the neighbours'."""
    numbers = [_value(word) for word in re.findall(rf"\b(?:{_DN})(?=o\b|st\b|nd\b|rd\b|th\b|\b)", match["d"])]
    months = [(today.year, today.month + step) for step in (-1, 0, 1)]
    spread = [(year + (month - 1) // 12, (month - 1) % 12 + 1) for year, month in months]
    days = []
    for number in numbers:
        dates = [d for year, month in spread if (d := _date(year, month, number))]
        dates.sort(key=lambda d: (d < today, d))  # what is still to come first
        days.append(Day(match.start(), match.end(), "date", None, tuple(dates), bool(dates)))
    return days


def _weekday(match: re.Match[str], today: date) -> list[Day]:
    weekday = (WEEKDAYS | SHORT_WEEKDAYS)[match["wd"]]
    groups = match.groupdict()
    start, end = match.span()
    monday = today - timedelta(days=today.weekday())
    coming = today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
    if groups.get("next"):
        # People mean the coming one or that of next week.
        dates = dict.fromkeys((coming, monday + timedelta(days=7 + weekday)))
        return [Day(start, end, "weekday", weekday, tuple(dates))]
    if groups.get("this"):
        dates = dict.fromkeys((coming, monday + timedelta(days=weekday)))
        return [Day(start, end, "weekday", weekday, tuple(dates))]
    return [Day(start, end, "weekday", weekday)]


def _after_that(match: re.Match[str], today: date) -> list[Day]:
    """What "a outra terça" names: the one after the coming one."""
    weekday = WEEKDAYS[match["wd"] or match["wd2"]]
    coming = today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
    return [Day(*match.span(), "weekday", weekday, (coming + timedelta(days=7),))]


def _ahead(days: int) -> Callable[[re.Match[str], date], list[Day]]:
    return lambda match, today: [Day(*match.span(), "relative", None, (today + timedelta(days=days),))]


def _counted(match: re.Match[str], today: date) -> list[Day]:
    days = _value(match["n"]) * (7 if match["unit"].startswith(("sem", "week")) else 1)
    return [Day(*match.span(), "relative", None, (today + timedelta(days=days),))] if days <= 400 else []


def _week(first: int, count: int) -> Callable[[re.Match[str], date], list[Day]]:
    def read(match: re.Match[str], today: date) -> list[Day]:
        monday = today - timedelta(days=today.weekday())
        return [Day(*match.span(), "week", None, tuple(monday + timedelta(days=first + n) for n in range(count)))]

    return read


def _month(match: re.Match[str], today: date) -> list[Day]:
    """Every day of a month: of the named one nearest to today, or of the next."""
    if name := match.groupdict().get("mo"):
        near = [(today.year + offset, MONTHS[name]) for offset in (0, 1, -1)]
        year, month = min(near, key=lambda at: abs((date(at[0], at[1], 15) - today).days))
        year = int(match["y"] or year)
    else:
        year, month = today.year + today.month // 12, today.month % 12 + 1
    days = (_date(year, month, day) for day in range(1, 32))
    return [Day(*match.span(), "week", None, tuple(day for day in days if day))]


def _weekend(match: re.Match[str], today: date) -> list[Day]:
    saturday = today + timedelta(days=5 - today.weekday())
    weeks = (1,) if match.groupdict().get("next") else (0, 1)
    return [Day(*match.span(), "week", None, tuple(saturday + timedelta(days=7 * week + n) for week in weeks for n in (0, 1)))]


def _value(word: str) -> int:
    return int(word) if word.isdigit() else NUMBERS.get(word) or ORDINALS.get(word, 0)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _dated(match: re.Match[str], parts: list[tuple[int, int, str | None]], today: date) -> Day:
    ((day, month, year),) = parts
    if year:
        found = _date(int(year) + (2000 if len(year) == 2 else 0), month, day)
    else:
        # The year nearest to today: in December, "5 de janeiro" is next month.
        near = [d for offset in (0, 1, -1) if (d := _date(today.year + offset, month, day))]
        found = min(near, key=lambda d: abs((d - today).days)) if near else None
    return Day(match.start(), match.end(), "date", None, (found,) if found else (), found is not None)


def _with_number(match: re.Match[str], today: date) -> list[Day]:
    """The weekday and the day of the month of "terça, 10", which must agree."""
    (day,) = _of_month(match, today)
    weekday = WEEKDAYS[match["wd"]]
    dates = tuple(d for d in day.dates if d.weekday() == weekday)
    return [Day(match.start(), match.end(), "weekday+date", weekday, dates or day.dates, bool(dates))]


def _numbered(match: re.Match[str], today: date) -> list[Day]:
    """A weekday as Brazil abbreviates it: "2ª-feira" is Monday."""
    return [Day(*match.span(), "weekday", int(match["nth"]) - 2)]


def _in_next_week(match: re.Match[str], today: date) -> list[Day]:
    weekday = WEEKDAYS[match.groupdict().get("wd") or match["wd2"]]
    monday = today - timedelta(days=today.weekday())
    return [Day(*match.span(), "weekday", weekday, (monday + timedelta(days=7 + weekday),))]


def _past(match: re.Match[str], today: date) -> list[Day]:
    weekday = WEEKDAYS[match["wd"]]
    return [Day(*match.span(), "weekday", weekday, (today - timedelta(days=(today.weekday() - weekday - 1) % 7 + 1),))]


_NUMBERS_OF_DAYS = rf"(?P<d>{_DN}(?:o|st|nd|rd|th)?(?:{_JOIN}(?:dia |el |the )?{_DN}(?:o|st|nd|rd|th)?(?!\w)){{0,5}})"
_RULES: list[tuple[str, Callable[[re.Match[str], date], list[Day]]]] = [
    (r"(?<!\d)(?P<y>20\d\d)-(?P<mo>0\d|1[0-2])-(?P<d>[0-3]\d)(?:t(?=\d\d:)|(?!\d))", _iso),
    (r"(?<![\d/.,])(?P<d>\d{1,2})/(?P<mo>\d{1,2})(?:/(?P<y>20\d\d|\d\d))?(?![\d/%])", _slashed),
    (r"(?<![\d/.,-])(?P<d>[0-3]?\d)(?P<sep>[.-])(?P<mo>0?\d|1[0-2])(?P=sep)(?P<y>20\d\d|\d\d)(?![\d-])", _slashed),
    (
        (
            rf"(?<![\w,.:])(?:o dia |dias? |el dia |el )?{_NUMBERS_OF_DAYS}(?: de | of |/"
            rf"| )(?P<mo>{_MONTH_NAMES}|(?:(?<= de )|(?<=/)|(?<=\d )"
            rf"|(?<=\dth ))(?:{_MONTH_SHORT})\b\.?(?! \w+o\b))\b{_YEAR}"
        ),
        _named,
    ),
    (
        (
            rf"\b(?P<mo>{_MONTH_NAMES}|{_MONTH_SHORT})\.? (?:the )?(?P<d>(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd"
            r"|th)?(?:(?:, | and | or |-| to )(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?(?![\d:]))*"
            rf"|{one_of(ORDINALS)})(?![\w:]){_NOT_HOUR}{_YEAR}"
        ),
        _named,
    ),
    (rf"\b(?:o dia|dias?|nos dias|el dia|los dias) {_NUMBERS_OF_DAYS}(?![\w/:]){_NOT_HOUR}", _of_month),
    (
        (
            r"\b(?:el|para el|del) (?P<d>3[01]|[12]\d|0?[1-9])(?![\w/:%]"
            rf"|[.,]\d){_NOT_HOUR}(?! [a-z]{{4,}}(?<!para)(?<!tengo)(?<!sobre)\b)"
        ),
        _of_month,
    ),
    (
        (
            r"\b(?P<d>(?:the )?(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)"
            rf"|(?:on )the (?:{one_of(ORDINALS)}))\b(?! (?:option|time|step|one|question|visit|slot|floor))"
        ),
        _of_month,
    ),
    (
        (
            rf"\b(?P<wd>{_WD})(?:[- ]feira)?s?,? ?(?:\(|dia |the |el |dia el )?(?P<d>3[01]|[12]\d|0?[1-9])(?:st"
            r"|nd|rd|th)?\)?(?![\w/:%)]|[.,]\d| ?[a-z])"
        ),
        _with_number,
    ),
    (
        (
            rf"\b(?P<wd>{_WD})(?:[- ]feira)?s?,? ?(?:\(|dia |the |el )?(?P<d>3[01]|[12]\d|0?[1-9])(?=,? (?:aas"
            rf"|as|a las|at|de manha|aa|pela|por la|e|ou|o|or|y|and|in|to|a) ){_NOT_HOUR}"
        ),
        _with_number,
    ),
    (rf"\bdaqui (?:a |uns |umas )?(?P<n>\d{{1,3}}|{_DAY_WORDS}) (?P<unit>dias?|semanas?)\b", _counted),
    (rf"\b(?P<n>\d{{1,3}}|a|{_DAY_WORDS}) (?P<unit>days?|weeks?) from (?:now|today)\b", _counted),
    (r"\b(?:depois[- ]de[- ]amanha|pasado manana|(?:the )?day after tomorrow)\b", _ahead(2)),
    (r"\b(?:anteontem|antes de ontem|anteayer|(?:the )?day before yesterday)\b", _ahead(-2)),
    (r"\b(?:ontem|ayer|yesterday)\b", _ahead(-1)),
    (r"\b(?:amanha|tomorrow|tmrw|tmw)\b", _ahead(1)),
    (
        (
            r"(?<!la )(?<!esta )(?<!una )(?<!las )(?<!cada )(?<!de )\bmanana\b(?!,? (?:o |o la |por la "
            r"|y )?(?:tarde|noche)\b)|(?<=para )manana\b|(?<=de )manana(?= (?:a las|por la))"
        ),
        _ahead(1),
    ),
    (r"\b(?:hoje|hoy|today|esta (?:tarde|noche|noite|manana)|hoje|this (?:morning|afternoon|evening)|tonight)\b", _ahead(0)),
    (
        rf"\b(?P<wd>{_WD})(?:[- ]feira)?s?,? (?P<nextweek>{_NEXT_WEEK})|\b(?P<nextweek2>next week)(?: on|'s|,)? (?P<wd2>{_WD})",
        _in_next_week,
    ),
    (
        rf"\b(?P<nextweek2>semana que vem|proxima semana|semana que viene),? (?:na |no |el |a )?(?P<wd2>{_WD})(?:[- ]feira)?",
        _in_next_week,
    ),
    (rf"\b(?P<wd>{_WD})(?:[- ]feira)?,? (?:passad[ao]|pasad[ao])\b", _past),
    (rf"\b(?:last) (?P<wd>{_WD})\b", _past),
    (rf"\b(?:a|na|o|no|el|la) outr[ao] (?P<wd>{_WD})(?:[- ]feira)?\b|\bel otro (?P<wd2>{_WD})\b", _after_that),
    (rf"\b(?P<wd>{_WD})(?:[- ]feira)?,? (?P<next>{_NEXT})\b", _weekday),
    (rf"\b(?P<next>{_NEXT}) (?P<wd>{_WD})(?:[- ]feira)?\b", _weekday),
    (rf"\b(?P<this>{_THIS}) (?P<wd>{_WD})(?:[- ]feira)?\b{_ORDINAL_NOUN}", _weekday),
    (rf"\b(?P<wd>{_WD})s?[- ]feiras?\b", _weekday),
    (rf"\b(?P<wd>segunda|quarta|quinta|sexta|terca)s?\b{_ORDINAL_NOUN}", _weekday),
    (r"(?<!\w)(?P<nth>[2-6])a[- ]?(?:feira\b|f\b)", _numbered),
    (rf"\b(?P<wd>{one_of(set(WEEKDAYS) - {'segunda', 'terca', 'quarta', 'quinta', 'sexta'})})s?\b", _weekday),
    (rf"\b(?P<wd>{one_of(SHORT_WEEKDAYS)})\b\.?,?(?=(?: dia)? ?{DAY}| \d\d?(?:h|:|am|pm)| at \d| aas )", _weekday),
    (r"\b(?:(?:fi(?:m|nal) de|fin de) semana|weekend)(?P<next> que vem| que viene)?\b", _weekend),
    (r"\b(?:semana (?:que vem|que viene|proxima|seguinte|siguiente)|proxima semana|next week)\b", _week(7, 7)),
    (r"\b(?:(?:ess|est|ness|nest)a semana|this week)\b", _week(0, 7)),
    (
        rf"\b(?:em|en|in|para|pra|de) (?P<mo>{_MONTH_NAMES})\b(?: de| of)?(?: (?P<y>20\d\d)\b)?(?<!in may)(?! (?:i|we|you)\b)",
        _month,
    ),
    (r"\b(?:mes que vem|proximo mes|mes que viene|next month)\b", _month),
]
_COMPILED = [(re.compile(pattern), read) for pattern, read in _RULES]
_SAME_DAY = re.compile(r"\s?[,(/-]?\s?(?:no |o |el |the )?(?:dia |el dia )?(?:que )?(?:eh |es |is |dia )?\s?\(?")


def _merged(days: list[Day], text: str) -> list[Day]:
    """Weekday and date side by side become one day: "terça-feira, 10 de março", "amanhã (quarta)"."""
    merged: list[Day] = []
    for day in days:
        last = merged[-1] if merged else None
        is_beside = last and last.end <= day.start and _SAME_DAY.fullmatch(text, last.end, day.start)
        kinds = set(last.kind.split("+")) if last else set()
        if last and is_beside and not kinds & {"week", *day.kind.split("+")} and day.kind != "week":
            merged[-1] = _one(last, day)
        else:
            merged.append(day)
    return merged


def _one(first: Day, second: Day) -> Day:
    weekday = first.weekday if first.weekday is not None else second.weekday
    dates = tuple(d for d in first.dates if d in second.dates) if first.dates and second.dates else first.dates or second.dates
    fitting = tuple(d for d in dates if weekday is None or d.weekday() == weekday)
    kept = fitting or second.dates or first.dates
    return Day(
        first.start,
        second.end,
        f"{first.kind}+{second.kind}",
        weekday,
        kept,
        bool(fitting) and first.is_possible and second.is_possible,
    )
