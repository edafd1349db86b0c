"""Which of our languages a customer writes in."""

from functools import cache
from typing import Any

from prompts.catalogue import closest_locale

_SURE = 0.9  # below it the language stays what it was: "casa" and "ok" are no evidence
_LETTERS = 8


def language_written(texts: list[str]) -> str | None:
    """The catalogue for what was written, None when it can't be told."""
    text = " ".join(texts)
    if sum(c.isalpha() for c in text) < _LETTERS:
        return None
    language, probability = _identifier().classify(text)
    return closest_locale(language) if probability >= _SURE else None


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # takes a second: only the process that answers needs it

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(["pt", "es", "en"])
    return identifier
