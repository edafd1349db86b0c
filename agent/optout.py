"""Recognises that somebody wants to hear nothing more. By code, so that no model can overlook or undo it."""

import re

from meetings.qualification import fold
from prompts.catalogue import LOCALES, Catalogue


def wants_out(text: str) -> bool:
    """Whether the message is one of the words for it, or contains one of the phrases, in any of our languages."""
    said = re.sub(r"[^\w\s]", " ", fold(text))
    said = " ".join(said.split())
    for locale in LOCALES:
        words = Catalogue.load("conversation", locale)
        if said in {fold(word) for word in words.list("opt_out_words")}:
            return True
        if any(fold(phrase) in said for phrase in words.list("opt_out_phrases")):
            return True
    return False
