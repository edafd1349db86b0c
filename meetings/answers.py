"""What a seller's answer to "did it take place?" means: a number, or words in any of our languages."""

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum

from meetings.business import ResultWords
from meetings.qualification import fold
from prompts.catalogue import LOCALES, Catalogue


class SellerAnswer(StrEnum):
    """How a meeting went. rebook: it did not take place, and a new time is wanted."""

    COMPLETED = "completed"
    NO_SHOW = "no_show"
    REBOOK = "rebook"
    CANCELLED = "cancelled"


_NUMBERS = {"1": SellerAnswer.COMPLETED, "2": SellerAnswer.NO_SHOW, "3": SellerAnswer.REBOOK}
# A number that stands alone, or is followed by a mark and words: "1", "2️⃣", "1 - correu bem". Not "1 hora de atraso".
_NUMBER = re.compile(r"\W*([0-9]+)(?:\W*$|\s*[.,;:!)–-])")
_DENIED = re.compile(r"\b(?:nao|no|not|nunca|never|nem|ni)(?: \w+){0,2} $")


def understood(text: str, words: ResultWords) -> SellerAnswer | None:
    """The answer; None when it is not clear, or says two things."""
    said = fold(text)
    named = {answer for answer, phrases in _phrases(words) if _means(said, phrases)}
    if number := _NUMBER.match(said):
        answer = _NUMBERS.get(number[1])
        return answer if answer and named <= {answer} else None
    if re.search(r"[0-9]", said):
        chosen = {_NUMBERS[n] for n in re.findall(r"[0-9]+", said) if n in _NUMBERS}
        return chosen.pop() if chosen == named and len(chosen) == 1 else None
    return named.pop() if len(named) == 1 else None


def _phrases(words: ResultWords) -> Iterable[tuple[SellerAnswer, Sequence[str]]]:
    yield SellerAnswer.NO_SHOW, words.no_show
    yield SellerAnswer.CANCELLED, words.cancelled
    for locale in LOCALES:
        catalogue = Catalogue.load("crm", locale)
        yield SellerAnswer.COMPLETED, catalogue.list("answers_completed")
        yield SellerAnswer.REBOOK, catalogue.list("answers_rebook")


def _means(said: str, phrases: Sequence[str]) -> bool:
    """Whether one of the phrases stands there as such and is not denied: "não aconteceu" says nothing."""
    found = (match for phrase in phrases for match in re.finditer(rf"(?<!\w){re.escape(fold(phrase))}(?!\w)", said))
    return any(not _DENIED.search(said[: match.start()]) for match in found)
