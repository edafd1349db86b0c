"""Numbers, weekdays, months and parts of the day in Portuguese, Spanish and English, as `plain` writes them."""

from collections.abc import Iterable
from enum import StrEnum

_UNITS = {
    "um": 1, "uma": 1, "dois": 2, "duas": 2, "tres": 3, "quatro": 4, "cinco": 5, "seis": 6, "sete": 7, "oito": 8, "nove": 9,
    "dez": 10, "onze": 11, "doze": 12, "treze": 13, "catorze": 14, "quatorze": 14, "quinze": 15, "dezesseis": 16,
    "dezasseis": 16, "dezessete": 17, "dezassete": 17, "dezoito": 18, "dezenove": 19, "dezanove": 19, "vinte": 20,
    "una": 1, "uno": 1, "un": 1, "dos": 2, "cuatro": 4, "siete": 7, "ocho": 8, "nueve": 9, "diez": 10, "once": 11, "doce": 12,
    "trece": 13, "quince": 15, "dieciseis": 16, "diecisiete": 17, "dieciocho": 18, "diecinueve": 19, "veinte": 20,
    "veintiuno": 21, "veintiuna": 21, "veintiun": 21, "veintidos": 22, "veintitres": 23, "veinticuatro": 24, "veinticinco": 25,
    "veintiseis": 26, "veintisiete": 27, "veintiocho": 28, "veintinueve": 29,
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
    "twenty": 20,
}  # fmt: skip
_TENS = {
    "vinte e": 20, "trinta": 30, "quarenta": 40, "cinquenta": 50, "treinta": 30, "cuarenta": 40, "cincuenta": 50,
    "thirty": 30, "forty": 40, "fifty": 50, "twenty": 20,
}  # fmt: skip
_DIGITS = {
    "um": 1, "uma": 1, "dois": 2, "duas": 2, "tres": 3, "quatro": 4, "cinco": 5, "seis": 6, "sete": 7, "oito": 8, "nove": 9,
}  # fmt: skip
_ENGLISH = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9}


def _numbers() -> dict[str, int]:
    found = dict(_UNITS)
    for word, tens in _TENS.items():
        if word == "vinte e":
            found |= {f"vinte e {digit}": tens + value for digit, value in _DIGITS.items()}
            continue
        found[word] = tens
        digits = _ENGLISH if word.endswith("y") else _DIGITS
        joiners = (" ", "-") if word.endswith("y") else (" e ", " y ")
        found |= {f"{word}{joiner}{digit}": tens + value for digit, value in digits.items() for joiner in joiners}
    return found


NUMBERS = _numbers()
FRACTIONS = {"meia": 30, "media": 30, "half": 30, "cuarto": 15, "quarter": 15, "um quarto": 15, "un cuarto": 15, "a quarter": 15}
ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10,
    "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14, "fifteenth": 15, "sixteenth": 16, "seventeenth": 17,
    "eighteenth": 18, "nineteenth": 19, "twentieth": 20, "twenty-first": 21, "twenty-second": 22, "twenty-third": 23,
    "twenty-fourth": 24, "twenty-fifth": 25, "twenty-sixth": 26, "twenty-seventh": 27, "twenty-eighth": 28,
    "twenty-ninth": 29, "thirtieth": 30, "thirty-first": 31, "primeiro": 1, "primero": 1,
}  # fmt: skip

MONTHS = {
    "janeiro": 1, "fevereiro": 2, "marco": 3, "abril": 4, "maio": 5, "junho": 6, "julho": 7, "agosto": 8, "setembro": 9,
    "outubro": 10, "novembro": 11, "dezembro": 12,
    "enero": 1, "febrero": 2, "marzo": 3, "mayo": 5, "junio": 6, "julio": 7, "septiembre": 9, "setiembre": 9, "octubre": 10,
    "noviembre": 11, "diciembre": 12,
    "january": 1, "february": 2, "march": 3, "april": 4, "may": 5, "june": 6, "july": 7, "august": 8, "september": 9,
    "october": 10, "november": 11, "december": 12,
    "jan": 1, "fev": 2, "feb": 2, "mar": 3, "abr": 4, "apr": 4, "mai": 5, "jun": 6, "jul": 7, "ago": 8, "aug": 8, "set": 9,
    "sept": 9, "sep": 9, "out": 10, "oct": 10, "nov": 11, "dez": 12, "dic": 12, "dec": 12, "ene": 1,
}  # fmt: skip

WEEKDAYS = {
    "segunda": 0, "terca": 1, "quarta": 2, "quinta": 3, "sexta": 4, "sabado": 5, "domingo": 6,
    "lunes": 0, "martes": 1, "miercoles": 2, "jueves": 3, "viernes": 4,
    "monday": 0, "tuesday": 1, "wednesday": 2, "thursday": 3, "friday": 4, "saturday": 5, "sunday": 6,
    "tues": 1, "weds": 2, "thurs": 3,
}  # fmt: skip
# These are other words too ("ter", "sun", "sat"): a date or an hour must follow.
SHORT_WEEKDAYS = {
    "seg": 0, "ter": 1, "qua": 2, "qui": 3, "sex": 4, "sab": 5, "dom": 6,
    "lun": 0, "mie": 2, "jue": 3, "vie": 4, "mon": 0, "tue": 1, "wed": 2, "thu": 3, "thur": 3, "fri": 4, "sat": 5, "sun": 6,
}  # fmt: skip


class Part(StrEnum):
    """A part of the day. `hours` says which hours of the wall clock people mean by it."""

    NIGHT = "night"  # "madrugada"
    MORNING = "morning"
    AFTERNOON = "afternoon"
    EVENING = "evening"
    LATE = "late"  # "fim do dia"

    @property
    def hours(self) -> range:
        return _PART_HOURS[self]


_PART_HOURS = {
    Part.NIGHT: range(6),
    Part.MORNING: range(5, 13),
    Part.AFTERNOON: range(12, 19),
    Part.EVENING: range(18, 24),
    Part.LATE: range(16, 21),
}
PARTS = {
    "madrugada": Part.NIGHT, "manha": Part.MORNING, "manhas": Part.MORNING, "manhazinha": Part.MORNING, "manana": Part.MORNING,
    "mananas": Part.MORNING, "morning": Part.MORNING, "mornings": Part.MORNING, "tarde": Part.AFTERNOON, "tardes": Part.AFTERNOON,
    "tardezinha": Part.AFTERNOON, "tardinha": Part.AFTERNOON, "afternoon": Part.AFTERNOON, "afternoons": Part.AFTERNOON,
    "noite": Part.EVENING, "noites": Part.EVENING, "noitinha": Part.EVENING, "noche": Part.EVENING, "noches": Part.EVENING,
    "evening": Part.EVENING, "evenings": Part.EVENING, "night": Part.EVENING, "tonight": Part.EVENING,
}  # fmt: skip


def one_of(words: Iterable[str]) -> str:
    """A pattern for any of the words, the longest first."""
    return "|".join(sorted(map(str, words), key=len, reverse=True))
