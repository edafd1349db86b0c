"""Reading plain text: a comparable form, clauses, and the numbers people write. Knows no conversation."""

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal

# Understanding looks at this much of a message; a customer's answer is never later than that.
_READ_CHARS = 4000

_NEGATIONS = {
    "pt": re.compile(r"\b(nao|nem|nenhum[ao]?|sem|nunca)\b"),  # "no" is "in the" in Portuguese
    "es": re.compile(r"\b(no|ni|ningun[ao]?|sin|tampoco|nunca)\b"),
    "en": re.compile(r"\b(no|not|none|neither|never|cannot|cant|without)\b|n't\b"),
}
_ASKS_WITH_NO = re.compile(r"\b(nao (tem|teria|daria|da|rola|seria|pode)|no (hay|tiene|tienen|podria|puede)|(do|is)n't)\b")
_NO_REFUSAL = re.compile(
    r"\b(sem|nao tem|no hay|sin|no) (nenhum |ningun )?(problem\w*|duvida|duda)\b|\bpor ?que (nao|no)\b"
    r"|\bnao (sei|lembro)( (bem|direito|ao certo|exatamente))?\b"
)
_CLAUSE_ENDS = re.compile(r"(?<=[!?;\n])\s*|(?<=[.,])(?![0-9])\s*|\n+|\s+(?=(?:mas|pero|but)\b)", re.IGNORECASE)


def fold(text: str) -> str:
    """The text without accents, emoji selectors, capitals and doubled spaces: for comparing, never for quoting."""
    spread = unicodedata.normalize("NFKD", text[:_READ_CHARS])
    bare = "".join(char for char in spread if not unicodedata.category(char).startswith("M"))
    return " ".join(bare.replace("’", "'").casefold().split())


def vocabulary(*lines: str) -> frozenset[str]:
    """A set of words from lines of words."""
    return frozenset(word for line in lines for word in line.split())


def words(text: str) -> list[str]:
    """The letter-only words of a text, folded."""
    return re.findall(r"[a-z]+", fold(text))


def stem(word: str) -> str:
    """The first five letters: enough to bring "próprio" and "própria" together."""
    return word[:5]


def clauses(text: str) -> list[str]:
    """The text cut at punctuation, each piece a literal substring with its closing mark."""
    return [piece.strip() for piece in _CLAUSE_ENDS.split(text[:_READ_CHARS]) if piece and piece.strip()]


def is_negated(clause: str, language: str) -> bool:
    """Whether a clause refuses what it names ("terça não dá"); "não tem quinta?" asks for it instead."""
    folded = _NO_REFUSAL.sub(" ", fold(clause))
    if folded.endswith("?") and _ASKS_WITH_NO.search(folded):
        return False
    return bool(_NEGATIONS[language].search(folded))


def stated(text: str) -> list[str]:
    """The clauses that say something: not questions, not conditions ("se fosse 800 …")."""
    return [clause for clause in clauses(text) if not _is_question(clause)]


def _is_question(clause: str) -> bool:
    return clause.endswith("?") or bool(re.match(r"(se|si|if|caso)\s", fold(clause)))


@dataclass(frozen=True)
class Amount:
    """A number found in a text.

    Attributes:
        value: The number with its multiplier applied ("2 mil" is 2000).
        has_currency: A currency sign or word stands beside it.
        unit: The folded word that follows it, "" at the end.
    """

    value: Decimal
    has_currency: bool
    unit: str


_AMOUNT = re.compile(
    r"(?<![\w.,])(?P<sign>\$|€|brl|usd|eur|ars)?\s*"
    r"(?P<number>[0-9]{1,9}(?:[.,][0-9]{1,3}){0,4})(?![0-9])"
    r"(?:\s*(?P<times>mil|k|thousand|grand)\b)?\s*(?P<unit>[a-z%]+)?"
)
_CURRENCY = vocabulary(
    "reais real reales conto contos pila pilas pau paus brl peso pesos dolar dolares dollar dollars bucks usd",
    "euro euros eur sol soles",
)
_SMALL = {
    "pt": "zero um dois tres quatro cinco seis sete oito nove dez onze doze treze quatorze quinze "
    "dezesseis dezessete dezoito dezenove",
    "es": "cero un dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince "
    "dieciseis diecisiete dieciocho diecinueve",
    "en": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen",
}
_TENS = {
    "pt": "vinte trinta quarenta cinquenta sessenta setenta oitenta noventa",
    "es": "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
    "en": "twenty thirty forty fifty sixty seventy eighty ninety",
}
_HUNDREDS = {
    "pt": "cento duzentos trezentos quatrocentos quinhentos seiscentos setecentos oitocentos novecentos",
    "es": "ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos",
    "en": "",
}
_MORE = {
    "pt": {"uma": 1, "duas": 2, "catorze": 14, "cem": 100, "mil": 1000},
    "es": {"uno": 1, "una": 1, "cien": 100, "mil": 1000},
    "en": {"hundred": 100, "thousand": 1000},
}
_JOINERS = {"pt": "e", "es": "y", "en": "and"}


def _numerals(language: str) -> dict[str, int]:
    """Number words of one language. Kept apart because "once" and "dos" are other words elsewhere."""
    table = {word: value for value, word in enumerate(_SMALL[language].split())}
    table |= {word: 20 + 10 * place for place, word in enumerate(_TENS[language].split())}
    table |= {word: 100 * (place + 1) for place, word in enumerate(_HUNDREDS[language].split())}
    return table | _MORE[language]


NUMERALS = {language: _numerals(language) for language in _SMALL}
_ARTICLES = frozenset({"um", "uma", "un", "una", "uno"})


def spell_out(folded: str, language: str) -> str:
    """Number words become digits: "mil e duzentos" → "1200". A lone article ("uma conta") stays a word."""
    table, joiner = NUMERALS[language], _JOINERS[language]
    out: list[str] = []
    run: list[str] = []

    def close_run() -> None:
        trailing = [run.pop()] if run and run[-1] == joiner else []
        follows_digits = bool(run) and table[run[0]] == 1000 and bool(out) and out[-1].isdecimal() and len(out[-1]) < 4
        if follows_digits:  # "2 mil e duzentos"
            out.append(str(int(out.pop()) * 1000 + _sum([table[word] for word in run[1:] if word != joiner])))
        elif len(run) == 1 and (run[0] in _ARTICLES or (table[run[0]] == 1000 and out and out[-1][-1:].isdecimal())):
            out.extend(run)  # an article, or the "mil" of "1,5 mil", which the amount's pattern reads
        elif run:
            out.append(str(_sum([table[word] for word in run if word != joiner])))
        out.extend(trailing)
        run.clear()

    for token in re.findall(r"[a-z]+|[^a-z\s]+", folded):
        if token in table or (token == joiner and run and run[-1] != joiner):
            run.append(token)
        else:
            close_run()
            out.append(token)
    close_run()
    return " ".join(out)


def _sum(values: list[int]) -> int:
    total = current = 0
    for value in values:
        if value == 1000:
            total, current = total + (current or 1) * 1000, 0
        elif value == 100 and 0 < current < 100:  # "five hundred"; "cem" and "cien" never follow a smaller number
            current *= 100
        else:
            current += value
    return total + current


def amounts(text: str, language: str) -> list[Amount]:
    """The numbers of a text in order. Days of the month ("dia 10") are left out."""
    folded = spell_out(re.sub(r"\b(dia|day) [0-9]{1,2}\b", " ", fold(text)), language)
    found = []
    for match in _AMOUNT.finditer(folded):
        value = _decimal(match["number"]) * (1000 if match["times"] else 1)
        unit = match["unit"] or ""
        found.append(Amount(value, bool(match["sign"]) or unit in _CURRENCY, unit))
    return found


def _decimal(written: str) -> Decimal:
    """Brazilian or English writing; three digits after a lone separator are thousands ("1.200")."""
    last = max(written.rfind("."), written.rfind(","))
    if last < 0:
        return Decimal(written)
    fraction = written[last + 1 :]
    separators = {char for char in written if char in ".,"}
    is_thousands = len(fraction) == 3 and len(separators) == 1
    whole = re.sub(r"[.,]", "", written if is_thousands else written[:last])
    return Decimal(whole if is_thousands else f"{whole}.{fraction}")
