"""Hours of the day in running text: "14h30", "às duas e meia da tarde", "quinze pras três", "half past two", "2pm"."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from agent.moments_text import DAY, HOUR, NOISE, fill
from agent.moments_words import FRACTIONS, NUMBERS, PARTS, Part, one_of

Time = tuple[int, int]  # hour and minute on the wall clock


@dataclass(frozen=True)
class Hour:
    """An hour that a text names.

    Attributes:
        start: Offset in the plain text.
        end: Offset after it.
        times: What it may mean; "às 3" has two readings.
    """

    start: int
    end: int
    times: tuple[Time, ...]


_WORDED_HOURS = [word for word, value in NUMBERS.items() if 1 <= value <= 24 and word not in ("um", "un", "dois")]
_HN = rf"(?P<h>2[0-4]|1\d|0?\d|{one_of(_WORDED_HOURS)})"
_MINUTES = [word for word, value in NUMBERS.items() if value in range(5, 60)]
_MN = rf"(?P<m>[0-5]?\d|{one_of([*_MINUTES, *FRACTIONS])})"
_PART = (
    r"(?: ?(?P<ampm>[ap]\.? ?m\b\.?)| ?,? (?:da|de la|del|de|in the|at|por la|na|en la|pela"
    rf"|aa) (?P<part>{one_of(PARTS)}|mediodia)\b)"
)
_POST = rf"{_PART}?"
_STRONG = r"(?:aas|a las|las las|at|aa(?= (?:uma|1)\b)|a la(?= (?:una|1)\b)|la pelas|pelas|por las|tipo)"
_WEAK = r"(?:as|das|las|from|by|until|till|before|after|around|between|entre|desde|ate|hasta|about|sobre las)"
_BEGIN = r"(?<![\w:/.$])(?<!\d,)"
# What may stand after a bare number that is an hour; after anything else it counts something ("as 3 opções").
_AFTER_HOUR = (
    r"(?=\s*(?:$|[^\w\s%:/ºª°.,]|[.,](?!\d)|(?:e|y|and|ou|o|or|da|de|do|del|na|no|nesta|neste|en|em|in|on"
    r"|com|con|with|para|pra|por|for|to|a|aa|as|aas"
    r"|ate|until|till|hasta|amanha|manana|hoje|hoy|today|tomorrow|tonight|works?|sirve|te|esta|fica"
    r"|funciona|queda|is|eh|es|ja|mesmo|ainda|se|si|if"
    r"|que|ok|nao|not|mas|pero|but|then|entao|entonces|sharp|em ponto|horas?|hs|hoo?ras|en punto|this|next"
    r"|pode|vai|tudo|este|esta|seria|sera"
    r"|would|will|only|also|tambem|tambien|instead|segunda|terca|quarta|quinta|sexta|sabado|domingo|lunes"
    r"|martes|miercoles|jueves|viernes"
    r"|monday|tuesday|wednesday|thursday|friday|saturday|sunday|livres?|libres?|free|available)\b))"
)
# A counted thing is plural; these plurals and other words may follow an hour.
_COUNTED = (
    r"(?! ?[%/º°])(?![.,]\d)(?! (?!horas\b|hours\b|nas\b|nos\b|dos\b|das\b|mas\b|aas\b|as\b|is\b"
    r"|works\b|this\b|lunes|martes|miercoles|jueves|viernes|com\b|tambem|thurs|tues|weds|les\b|es\b"
    r"|las\b|los\b|entonces\b|unless\b|funcionas?\b)[a-z]{3,}s\b)(?! (?:of|por cento|vez|people"
    r"|pessoas?|kw|v|volts?|m2|kwp|mil)\b)"
)


def _number(word: str) -> int:
    return int(word) if word.isdigit() else NUMBERS.get(word, FRACTIONS.get(word, 0))


def _minute(word: str | None) -> int:
    return 0 if word is None else FRACTIONS[word] if word in FRACTIONS else _number(word)


def _readings(hour: int, minute: int, match: re.Match[str], *, is_exact: bool) -> tuple[Time, ...]:
    """What the hour may mean. `is_exact` is a written form that leaves no doubt, such as "09:00"."""
    groups = match.groupdict()
    if minute < 0:
        hour, minute = (hour - 1) % 24 or 12, minute + 60
    if hour > 24:
        return ()
    if ampm := groups.get("ampm"):
        return ((hour % 12 + (12 if ampm[0] == "p" else 0), minute),) if hour <= 12 else ((hour % 24, minute),)
    if part := groups.get("part"):
        return ((_in_part(hour % 24, part), minute),)
    if is_exact or hour > 12 or hour == 0:
        return ((hour % 24, minute),)
    return ((hour, minute), ((hour + 12) % 24, minute))


def _in_part(hour: int, word: str) -> int:
    if word == "mediodia":
        return hour if hour >= 10 else hour + 12
    match PARTS[word]:
        case Part.AFTERNOON:
            return hour + 12 if hour < 12 else hour
        case Part.EVENING:
            return 0 if hour == 12 else hour + 12 if 5 <= hour < 12 else hour
        case _:
            return 0 if hour == 12 and word == "madrugada" else hour


def _as_written(match: re.Match[str]) -> tuple[Time, ...]:
    """Digits with a mark of the clock: a leading zero or a number from ten on can only be read one way."""
    word = match["h"]
    is_exact = word.isdigit() and (word.startswith("0") or int(word) >= 10)
    return _readings(_number(word), _minute(match.groupdict().get("m")), match, is_exact=is_exact)


def _spoken(match: re.Match[str]) -> tuple[Time, ...]:
    """Words or a bare number: up to twelve there are two readings."""
    word = match["h"]
    is_exact = word.isdigit() and len(word) == 2 and word.startswith("0")
    return _readings(_number(word), _minute(match.groupdict().get("m")), match, is_exact=is_exact)


def _before_the_hour(match: re.Match[str]) -> tuple[Time, ...]:
    minute = -_minute(match["m"])
    if _number(match["h"]) == 0:  # "quinze para o meio-dia"
        return ((11, 60 + minute),)
    return _readings(_number(match["h"]), minute, match, is_exact=False)


def _noon(match: re.Match[str]) -> tuple[Time, ...]:
    is_noon = match["noon"] is not None
    return ((12 if is_noon else 0, 30 if match["half"] else 0),)


_FEW = (
    r"(?P<m>5|10|20|25|cinco|dez|diez|vinte|veinte|vinte e cinco|veinticinco|quinze|quince|15|five|ten"
    r"|twenty|twenty[- ]five|(?:um |un |a )?(?:quarto|cuarto|quarter))"
)
_RULES: list[tuple[str, Callable[[re.Match[str]], tuple[Time, ...]]]] = [
    (rf"{_FEW}(?: min\w*)? (?:para|pra|pro|faltando para) o meio[- ]dia", lambda match: ((11, 60 - _quarter(match)),)),
    (
        (
            rf"(?<!de )(?<!das )(?<!aas )(?<!\d )(?:faltan )?{_FEW}(?: min\w*)? (?:(?:para|pra|pro) (?:as|aas|a"
            rf"|aa|las?|la)|pras|to|before|til) {_HN}"
            rf"(?: horas?| ?h\b)?{_POST}(?![\w:])"
        ),
        lambda match: _readings(_number(match["h"]), -_quarter(match), match, is_exact=_number(match["h"]) > 12),
    ),
    (
        rf"(?P<m>(?:a )?quarter|half|[a-z]+(?:-five)?|\d\d?)(?: minutes)? past {_HN}{_POST}(?!\w)",
        lambda match: _readings(_number(match["h"]), _quarter(match), match, is_exact=False),
    ),
    (
        rf"(?:{_STRONG} |las )?{_HN} menos (?P<m>cuarto|cinco|diez|veinte|veinticinco|quince|\d\d?){_POST}(?!\w)",
        lambda match: _readings(_number(match["h"]), -_quarter(match), match, is_exact=False),
    ),
    (
        (
            r"(?:(?:ao|al|at|aas|o|de) )?(?:12 )?(?:(?P<noon>meio[- ]?dia|medio ?dia|noon|midday)"
            r"|meia[- ]?noite|media ?noche|midnight)"
            r"(?P<half> (?:e mei[ao]|y media))?\b"
        ),
        _noon,
    ),
    # "14:00", "14h30", "2:30 pm".
    (
        (
            rf"(?:(?:{_STRONG}|{_WEAK}) )?(?P<h>2[0-4]|1\d|0?\d)(?: ?(?:hs?|hrs?|horas) ?|:|(?: ?hs?"
            r"| horas) (?:e|y) (?=\d\d(?! ?h)))(?P<m>[0-5]\d)(?::[0-5]\d)?"
            rf"(?: ?min(?:utos)?\b| ?hs?\b| ?hrs?\b| ?horas\b)?(?![\d:/%]){_POST}"
        ),
        _as_written,
    ),
    (rf"{_STRONG} (?P<h>2[0-4]|1\d|0?\d)\.(?P<m>[0-5]\d)(?:h\b)?(?![\d.]){_POST}", _as_written),
    (r"(?P<h>2[0-4]|1\d|0?\d)\.(?P<m>[0-5]\d) ?(?P<ampm>[ap]\.? ?m\b\.?)", _as_written),
    # "às três e quinze", "duas e meia", "tres y cuarto", "at two thirty".
    (rf"(?:{_STRONG}|{_WEAK}) {_HN}(?: ?hs?| ?horas?)? (?:e|y) {_MN}(?: min\w*)?(?![\w:]){_POST}", _spoken),
    (rf"{_HN}(?: ?hs?| ?horas?)? (?:e|y) {_MN}(?: min\w*)?(?![\w:]){_PART}", _spoken),
    (rf"{_HN}(?: ?hs?)? (?:e|y) (?P<m>meia|media|cuarto|um quarto)\b(?! horas?)", _spoken),
    (
        (
            rf"(?:{_STRONG} )?(?P<h>one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
            rf"|\d\d?)[ -](?P<m>thirty|fifteen|forty[- ]five)\b{_POST}"
        ),
        _spoken,
    ),
    # "2pm", "duas da tarde", "14h", "às 9 horas".
    (rf"(?:(?:{_STRONG}|{_WEAK}) )?{_HN}(?: ?hs?\b| ?hrs?\b| ?horas?\b| o'? ?clock)?{_PART}(?!\w)", _spoken),
    (rf"(?:{_STRONG}|{_WEAK}) {_HN} ?(?:hs|hrs?|h|horas?|hours?|o'? ?clock|em ponto|en punto|sharp)\b", _as_written),
    (rf"{_HN} ?(?:h|hs|hrs|o'? ?clock|em ponto|en punto|sharp)\b", _as_written),
    (rf"(?P<h>1[3-9]|2[0-3]|(?<=[{DAY}{HOUR}] )\d\d?|(?<=[{DAY}], )\d\d?) (?:horas|hours)\b", _as_written),
    # A bare number after a word that an hour follows.
    (rf"(?<!uma )(?<!qual )(?<!cual )(?<!nenhuma ){_STRONG} {_HN}\b{_COUNTED}", _spoken),
    (rf"(?<!uma )(?<!qual )(?<!cual )(?<!nenhuma )(?<!una de ){_WEAK} {_HN}\b{_AFTER_HOUR}", _spoken),
]
_COMPILED = [(re.compile(f"{_BEGIN}{pattern}"), read) for pattern, read in _RULES]
# "às 14 ou 15", "10 ou 11h": numbers that borrow the sense of the hour beside them.
_NEXT = re.compile(
    rf"(?<={HOUR}) ?(?:,|,? (?:ou|o|or|a|to|ate|hasta|until)|-|/) ?(?:as |aas |las "
    rf"|at )?{_HN}\b(?![:/.]\d)(?! ?[%{NOISE}])(?! ?h\b){_COUNTED}(?! [a-z]{{4,}}s\b)"
)
_LAST = re.compile(rf"{_BEGIN}{_HN}(?: (?:ou|o|or|a|to)| ?-) ?(?={HOUR})")


def _quarter(match: re.Match[str]) -> int:
    word = match["m"].removeprefix("um ").removeprefix("un ").removeprefix("a ")
    return 15 if word in ("quarto", "cuarto", "quarter") else 30 if word == "half" else _number(word.replace("y-", "y "))


def hours_in(text: str) -> tuple[list[Hour], str]:
    """The hours of a plain text whose noise and days are covered, in order, and the text with them covered too."""
    found: list[Hour] = []
    for pattern, read in _COMPILED:
        for match in pattern.finditer(text):
            if times := tuple(time for time in read(match) if 0 <= time[1] < 60):
                found.append(Hour(match.start(), match.end(), times))
                text = fill(text, match.start(), match.end(), HOUR)
    for _ in range(4):  # lists are short
        for match in _NEXT.finditer(text):
            found.append(Hour(match.start("h"), match.end(), _spoken(match)))
            text = fill(text, match.start("h"), match.end(), HOUR)
    for match in _LAST.finditer(text):
        found.append(Hour(match.start("h"), match.end("h"), _spoken(match)))
        text = fill(text, match.start("h"), match.end("h"), HOUR)
    return sorted((hour for hour in found if hour.times), key=lambda hour: hour.start), text
