"""A reply as a person reads it: letters that only look Latin, styled, invisible or spaced out become plain ones.

Everything the guard judges goes through `as_read` first; what cannot be made plain is a disguise, and no honest reply has one.
"""

import re
import unicodedata
from functools import lru_cache

from confusable_homoglyphs import confusables

_ACCENT_AS_APOSTROPHE = str.maketrans({"´": "'"})  # NFKC would make a blank and a combining accent of "didn´t"
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_LETTERS = re.compile(r"[^\W\d_]+")
# "🅼", "🇲" and "ᴍ" have no plain form in Unicode's tables, but their names tell it.
_NAMED = re.compile(
    r"(?:NEGATIVE (?:SQUARED|CIRCLED) LATIN CAPITAL LETTER|REGIONAL INDICATOR SYMBOL LETTER"
    r"|LATIN LETTER SMALL CAPITAL) ([A-Z])|LATIN (?:SMALL|CAPITAL) LETTER ([A-Z]) WITH .*"
)
_LETTER = "[A-Za-zÀ-ɏ]"
_SPACED = re.compile(rf"(?<![^\W_])(?:{_LETTER}(?:[^\w,;/)(]|_){{1,3}}){{3,}}{_LETTER}(?![^\W_])")
_ACRONYM = re.compile(r"(?:[A-Z]\.){2,}[A-Z]")
_LONGEST_ODDITY = 4  # "A - B - C - D" are options
_DRAWN_OUT = re.compile(r"([^\W\d_])\1{2,}")  # "prontiiiinho"
_FIGURES = {"4": "a", "3": "e", "1": "i", "0": "o", "5": "s"}
_WITH_FIGURES = re.compile(r"(?<![\w@./-])[^\W\d_]+(?:[01345][^\W\d_]+)+[01345]?(?![\w@/-])")  # "m4rc4d0"
# "Às 14 horas e 45 minutos" is an hour; without "às" it would be a length.
_WITH_MINUTES = re.compile(
    r"(?P<at>\b(?:[àa]s|a las|at) )(?P<h>2[0-3]|1\d|0?\d) ?(?:h|hs|horas?|hours?) (?:e|y|and) (?P<m>[0-5]\d) "
    r"?min\w*",
    re.IGNORECASE,
)


def as_read(text: str) -> str:
    """The text in plain letters; accents, line breaks, emoji and keycaps stay. It changes nothing that is plain already."""
    text = _SPACED.sub(lambda run: re.sub(r"[\W_]", "", run[0]), _in_letters(text))
    text = _WITH_MINUTES.sub(r"\g<at>\g<h>:\g<m>", _DRAWN_OUT.sub(r"\1", text))
    return _WITH_FIGURES.sub(lambda word: "".join(_FIGURES.get(char, char) for char in word[0]), text)


def is_disguised(text: str) -> bool:
    """Whether it spaces out its letters, or mixes alphabets within a word in a way that cannot be made plain."""
    shown = _in_letters(text)
    spaced = (run[0] for run in _SPACED.finditer(shown) if not _ACRONYM.match(run[0]))
    if any(len(re.sub(r"[\W_]", "", run)) > _LONGEST_ODDITY for run in spaced):
        return True
    return any(len({_is_latin(char) for char in word[0]}) > 1 for word in _LETTERS.finditer(shown))


def _in_letters(text: str) -> str:
    """The text without what is invisible, each word in the alphabet it is read in."""
    text = unicodedata.normalize("NFKC", text.translate(_ACCENT_AS_APOSTROPHE))
    text = unicodedata.normalize("NFC", _INVISIBLE.sub("", "".join(_plain_char(char) for char in text)))
    return _LETTERS.sub(lambda word: _in_latin(word[0]), text)


@lru_cache(maxsize=4096)
def _plain_char(char: str) -> str:
    """The char without what is invisible: format characters, and marks that strike through or pile up."""
    if char.isascii():
        return char
    name = _NAMED.fullmatch(unicodedata.name(char, ""))
    if name and not unicodedata.normalize("NFD", char)[0].isascii():
        return name[1] or (name[2] if "CAPITAL" in name[0] else name[2].lower())
    category = unicodedata.category(char)
    return "" if category == "Cf" or (category[0] == "M" and unicodedata.combining(char)) else char


def _in_latin(word: str) -> str:
    """The word in Latin letters, if it is one that pretends to be: "Маrcado". A word of another alphabet stays: "Дмитрий"."""
    if word.isascii():
        return word
    letters = [_lookalike(char) for char in word]
    is_mixed = any(_is_latin(char) for char in word)
    return "".join(new or old for new, old in zip(letters, word, strict=True)) if is_mixed or all(letters) else word


@lru_cache(maxsize=4096)
def _lookalike(char: str) -> str:
    """The Latin letter that a letter shows, itself if it is one; empty when it shows none."""
    if char.isascii() or unicodedata.normalize("NFD", char)[0].isascii():
        return char
    found = confusables.is_confusable(char, greedy=True) or []
    shown = [other["c"] for entry in found for other in entry["homoglyphs"]]
    return next((letter for letter in shown if len(letter) == 1 and letter.isascii() and letter.isalpha()), "")


@lru_cache(maxsize=4096)
def _is_latin(char: str) -> bool:
    return char.isascii() or unicodedata.name(char, "").startswith("LATIN")
