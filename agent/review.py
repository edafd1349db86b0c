"""Recognises that somebody ruled out by the rules wants a person to look again. By code: that is their right."""

import re

from meetings.qualification import fold
from prompts.catalogue import LOCALES, Catalogue


def asks_for_review(text: str) -> bool:
    """Whether the message contains one of the phrases for it, in any of our languages."""
    said = " ".join(re.sub(r"[^\w\s]", " ", fold(text)).split())
    return any(re.search(rf"\b{fold(phrase)}\b", said) for phrase in _phrases())


def _phrases() -> list[str]:
    return [phrase for locale in LOCALES for phrase in Catalogue.load("conversation", locale).list("review_phrases")]
