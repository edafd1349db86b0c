"""Numbers as people write them on WhatsApp: digits, words, "2 mil", in our three languages; and which of them are exact.

Our own, because the libraries read one language at a time, no mixture of digits and words, and can't tell "mil e duzentos"
from "mil e pouco".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

from babel.numbers import NumberFormatError, parse_decimal

_LONGEST = 20  # characters; no bill and no head count is longer


@dataclass(frozen=True)
class Mention:
    """A number in a folded text.

    Attributes:
        value: None when it is no number we can read ("1.23.456").
        start: Where it begins in the text.
        end: Where it ends.
        is_exact: False for bounds ("até 300"), leftovers ("mil e pouco") and ranges ("800 a 900"). "Uns 800" is exact enough.
        is_other_unit: It counts something else than reais: kWh, dollars, a percentage.
    """

    value: Decimal | None
    start: int
    end: int
    is_exact: bool = True
    is_other_unit: bool = False


_WORDS: dict[str, int] = {
    **dict.fromkeys(("um", "uma", "uno", "un", "una", "one"), 1),
    **dict.fromkeys(("dois", "duas", "dos", "two"), 2),
    **dict.fromkeys(("tres", "three"), 3),
    **dict.fromkeys(("quatro", "cuatro", "four"), 4),
    **dict.fromkeys(("cinco", "five"), 5),
    **dict.fromkeys(("seis", "six"), 6),
    **dict.fromkeys(("sete", "siete", "seven"), 7),
    **dict.fromkeys(("oito", "ocho", "eight"), 8),
    **dict.fromkeys(("nove", "nueve", "nine"), 9),
    **dict.fromkeys(("dez", "diez", "ten"), 10),
    **dict.fromkeys(("onze", "once", "eleven"), 11),
    **dict.fromkeys(("doze", "doce", "twelve"), 12),
    **dict.fromkeys(("treze", "trece", "thirteen"), 13),
    **dict.fromkeys(("quatorze", "catorze", "catorce", "fourteen"), 14),
    **dict.fromkeys(("quinze", "quince", "fifteen"), 15),
    **dict.fromkeys(("dezesseis", "dezasseis", "dieciseis", "sixteen"), 16),
    **dict.fromkeys(("dezessete", "dezassete", "diecisiete", "seventeen"), 17),
    **dict.fromkeys(("dezoito", "dieciocho", "eighteen"), 18),
    **dict.fromkeys(("dezenove", "dezanove", "diecinueve", "nineteen"), 19),
    **dict.fromkeys(("vinte", "veinte", "twenty"), 20),
    **dict.fromkeys(("veintiuno", "veintiun", "veintiuna"), 21),
    "veintidos": 22,
    "veintitres": 23,
    "veinticuatro": 24,
    "veinticinco": 25,
    "veintiseis": 26,
    "veintisiete": 27,
    "veintiocho": 28,
    "veintinueve": 29,
    **dict.fromkeys(("trinta", "treinta", "thirty"), 30),
    **dict.fromkeys(("quarenta", "cuarenta", "forty"), 40),
    **dict.fromkeys(("cinquenta", "cincoenta", "cincuenta", "fifty"), 50),
    **dict.fromkeys(("sessenta", "sesenta", "sixty"), 60),
    **dict.fromkeys(("setenta", "seventy"), 70),
    **dict.fromkeys(("oitenta", "ochenta", "eighty"), 80),
    **dict.fromkeys(("noventa", "ninety"), 90),
    **dict.fromkeys(("cem", "cento", "cien", "ciento"), 100),
    **dict.fromkeys(("duzentos", "duzentas", "doscientos", "doscientas"), 200),
    **dict.fromkeys(("trezentos", "trezentas", "trescientos", "trescientas"), 300),
    **dict.fromkeys(("quatrocentos", "quatrocentas", "cuatrocientos", "cuatrocientas"), 400),
    **dict.fromkeys(("quinhentos", "quinhentas", "quinientos", "quinientas"), 500),
    **dict.fromkeys(("seiscentos", "seiscentas", "seiscientos", "seiscientas"), 600),
    **dict.fromkeys(("setecentos", "setecentas", "setecientos", "setecientas"), 700),
    **dict.fromkeys(("oitocentos", "oitocentas", "ochocientos", "ochocientas"), 800),
    **dict.fromkeys(("novecentos", "novecentas", "novecientos", "novecientas"), 900),
}
_HUNDRED = "hundred"
_SCALES = {
    **dict.fromkeys(("mil", "thousand", "k"), 1_000),
    **dict.fromkeys(("milhao", "milhoes", "millon", "millones", "million"), 1_000_000),
}
_AND = ("e", "y", "and")
# Words that are more often something else: they count only as the whole text, before a scale, or after one of these.
_ARTICLES = ("um", "uma", "uno", "un", "una", "one", "dos")
_BEFORE_COUNTS = ("so", "apenas", "somente", "solo", "solamente", "just", "only", "somos", "son", "hay", "tenemos", "are")
_OF_THE = ("mais", "menos", "acima", "abaixo", "perto", "cerca", "volta", "casa", "alem", "passa", "um", "uma")  # "mais dos mil"
_NO_COUNT = (
    "gracias",
    "desculpas",
    "perdoes",
    "disculpas",
    "perdones",
    "beijos",
    "abracos",
    "obrigado",
    "obrigada",
    "vezes",
    "veces",
)

_TOKEN = re.compile(r"\d[\d.,]*|[^\W\d_]+|[^\w\s]|_")
_CURRENCY = r"(?:r\$|\$|reais|reales|real|brl|contos?|pilas?)"
_FILLER = rf"(?:\s|{_CURRENCY}|uns|umas|unos|unas|os|as|los|las|the|a|de|some|about|like)*$"
_BOUND_BEFORE = re.compile(
    r"(?:\b(?:mais d[eo]s?|menos d[eo]s?|acima d[eo]s?|abaixo d[eo]s?|(?:maior|menor|mais|menos) (?:do )?que"
    r"|pass\w+ (?:\w+ ){0,2}d[eo]s?"
    r"|ate|quase|a partir d[eo]s?|pelo menos|no (?:max|min)imo|(?:max|min)imo d?e?|entre|beira\w*|chega\w* a|chega\w* n?[oa]?s?"
    r"|lleg\w+ a"
    r"|mas de|arriba de|debajo de|encima de|hasta|casi|desde|al menos|por lo menos|como (?:max|min)imo"
    r"|more than|less than|fewer than|over|under|above|below|up to|at (?:least|most)|almost|nearly"
    r"|shy of|short of|between|upwards of|not quite)"
    rf"|[<>≤≥]){_FILLER}"
)
_SIGN_BEFORE = re.compile(r"(?:^|[\s$])[-−.,]$")
_LEFT_OVER = re.compile(
    rf"^\s*{_CURRENCY}?\s*(?:"
    r"e (?:uns? |umas? )?(?:pouc|pouqu|poko|tant|alg|quebrad|trocad|mei[oa]\b|la vai|bolinha|cacetada|fumaca|uns\b|umas\b)"
    r"|y (?:pico|algo|tant|un poco|medi[oa]\b|monedas)"
    r"|and (?:a bit|some|something|change|a half)"
    r"|(?:ou|o|or|e|y|and) (?:mais|mas|more|above|up|over|menos|less|pouco)\b"
    r"|(?:pra|para) (?:cima|mais)\b|something\b|odd\b|\+"
    r"|no (?:max|min)imo|como (?:max|min)imo|pelo menos|al menos|at (?:least|most)|tops\b|max\b)"
)
_JOIN = re.compile(rf"^\s*{_CURRENCY}?\s*(?:a|ou|o|u|ate|hasta|to|or|-|–|—|/|~)\s*(?:uns|umas|os|los|ate|{_CURRENCY})?\s*$")
_AND_ALONE = re.compile(r"^\s*(?:e|y|and)(?: (?:a|uns|umas|os|los))?\s*$")
_NEAR = 60  # characters around a number that can bound it
_UNIT_AFTER = re.compile(
    r"^\s*(?:kwh|kw\b|watts?|%|por ?cento|por ?ciento|per ?cent|us\$|usd|d[oó]lar|dollar|bucks|€|euros?\b|pesos?\b"
    r"|libras?\b|pounds?\b"
    r"|soles\b|guaranies\b|m2\b|metros?\b|meters?\b|square\b)"
)
_UNIT_BEFORE = re.compile(r"(?:us\$|u\$s|usd|€)\s*$")


def mentions(folded: str) -> list[Mention]:
    """All numbers in a text, in order.

    Args:
        folded: Lower case, without accents, as `fold` makes it.
    """
    tokens = [_Token(match[0], match.start(), match.end()) for match in _TOKEN.finditer(folded)]
    found: list[Mention] = []
    at = 0
    while at < len(tokens):
        read = _read(tokens, at)
        if read is None:
            at += 1
            continue
        value, after = read
        found.append(_seen(folded, value, tokens[at].start, tokens[after - 1].end))
        at = after
    return _without_ranges(folded, found)


def only_exact(folded: str, *, in_reais: bool = False) -> Decimal | None:
    """The text's number if it has just one and that is exact; with `in_reais` it must not count something else."""
    found = mentions(folded)
    if len(found) != 1 or not found[0].is_exact or (in_reais and found[0].is_other_unit):
        return None
    return found[0].value


@dataclass(frozen=True)
class _Token:
    text: str
    start: int
    end: int

    @property
    def is_digits(self) -> bool:
        return self.text[0].isdigit()


class _Reading:
    """A number being put together from the left."""

    def __init__(self) -> None:
        self.total, self.group = Decimal(0), Decimal(0)
        self.room = Decimal("Infinity")  # what is added next must be less
        self.scale = 10**9  # the next scale must be less

    def add(self, value: Decimal) -> bool:
        if value >= self.room:
            return False
        self.group += value
        is_round_hundred, is_ten = value >= 100 and value % 100 == 0, 20 <= value < 100 and value % 10 == 0
        self.room = Decimal(100 if is_round_hundred else 10 if is_ten else 0)
        return True

    def times(self, scale: int) -> bool:
        if scale >= self.scale:
            return False
        self.total += (self.group or 1) * scale
        self.group, self.room, self.scale = Decimal(0), Decimal(scale), scale
        return True

    def hundreds(self) -> bool:
        if self.group >= 100 or self.group != int(self.group):
            return False
        self.group, self.room = (self.group or Decimal(1)) * 100, Decimal(100)
        return True


def _read(tokens: Sequence[_Token], at: int) -> tuple[Decimal | None, int] | None:
    """The number that begins at a token, and the token after it; None when none begins there."""
    first = tokens[at]
    if first.is_digits and _decimal(first.text) is None:
        return None, at + 1
    if not first.is_digits and not _may_begin(tokens, at):
        return None
    reading, here = _Reading(), at
    if first.is_digits:
        reading.add(_decimal(first.text) or Decimal(0))
        reading.room, here = Decimal(0), at + 1
    while here < len(tokens):
        linked = here + 1 if here > at and tokens[here].text in (*_AND, "-") else here
        if linked >= len(tokens) or not _take(reading, tokens, linked, is_linked=linked > here):
            break
        here = linked + 1
    return (reading.total + reading.group, here) if here > at else None


def _take(reading: _Reading, tokens: Sequence[_Token], at: int, *, is_linked: bool) -> bool:
    """Adds the token to the number, if it goes on with it."""
    token = tokens[at]
    if token.text in _SCALES:
        # "Oitocentos e mil" is no number; "k" counts only right after digits, "mil gracias" counts nothing.
        is_k = token.text == "k" and not tokens[at - 1].is_digits
        is_thanks = at + 1 < len(tokens) and tokens[at + 1].text in _NO_COUNT
        return not (is_linked or is_k or is_thanks) and reading.times(_SCALES[token.text])
    if token.text == _HUNDRED:
        return not is_linked and reading.hundreds()
    if token.is_digits:
        value = _decimal(token.text)
        return value is not None and value == int(value) and value > 0 and reading.add(value)
    return token.text in _WORDS and reading.add(Decimal(_WORDS[token.text]))


def _may_begin(tokens: Sequence[_Token], at: int) -> bool:
    word = tokens[at].text
    before = tokens[at - 1].text if at else ""
    after = tokens[at + 1].text if at + 1 < len(tokens) else ""
    if word in ("cento", "ciento"):  # "por cento" counts nothing
        return after in _AND or after in _WORDS
    if word in _ARTICLES:
        if word == "dos" and before in _OF_THE:
            return False
        is_alone = all(not token.text[0].isalnum() for n, token in enumerate(tokens) if n != at)
        return is_alone or after in _SCALES or after == _HUNDRED or before in _BEFORE_COUNTS
    if word == "once":  # eleven in Spanish, "once a month" in English
        return after not in ("a", "per", "every", "in", "i", "we", "you", "the", "more")
    return word in _WORDS or word == _HUNDRED or (word in _SCALES and word != "k")


def _decimal(digits: str) -> Decimal | None:
    plain = digits.rstrip(".,")
    if len(digits) > _LONGEST:
        return None
    try:
        # Brazil writes 1.491,00; a model or an English speaker may write 1491.00 or 1,491.00.
        english = re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?|\d+\.\d{1,2}", plain)
        return parse_decimal(plain, locale="en" if english else "pt_BR", strict=True)
    except NumberFormatError:
        return None


def _seen(text: str, value: Decimal | None, start: int, end: int) -> Mention:
    end -= len(text[start:end]) - len(text[start:end].rstrip(".,"))
    before, after = text[max(0, start - _NEAR) : start], text[end : end + _NEAR]
    is_bound = _BOUND_BEFORE.search(before) or _SIGN_BEFORE.search(before) or _LEFT_OVER.match(after)
    is_other = _UNIT_AFTER.match(after) or _UNIT_BEFORE.search(before)
    return Mention(value, start, end, value is not None and not is_bound, bool(is_other))


def _without_ranges(text: str, found: Sequence[Mention]) -> list[Mention]:
    """The same mentions; those that bound a range, or are two halves of a number nobody can be sure of, are not exact."""
    doubtful = set()
    for one, two in pairwise(range(len(found))):
        between = text[found[one].end : found[two].start]
        is_range = _JOIN.match(between) is not None
        if _AND_ALONE.match(between):
            # "Entre 800 e mil"; "dois e quinhentos", which means 2500; "1e3". But "800 e 3 quartos" are two things.
            first, second = found[one].value or 0, found[two].value or 0
            is_halved = first < 100 <= second and second % 100 == 0
            is_range = " " not in between or not found[one].is_exact or is_halved or min(first, second) >= 100
        if is_range:
            doubtful |= {one, two}
    return [replace(mention, is_exact=False) if n in doubtful else mention for n, mention in enumerate(found)]
