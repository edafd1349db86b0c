"""Splits a long answer into a few short messages, as people write on WhatsApp."""

import re

MOST = 3
_LONG = 350  # characters from which one message reads like a letter
_MS_PER_CHARACTER = 25
_PAUSE_MAX_MS = 4000


def balloons(text: str) -> list[str]:
    """The answer in at most three parts, split at blank lines only; a list of options is never torn apart."""
    if len(text) <= _LONG:
        return [text]
    parts = [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
    while len(parts) > MOST:
        # Join the shortest neighbours: the split should even out, not leave crumbs.
        at = min(range(len(parts) - 1), key=lambda n: len(parts[n]) + len(parts[n + 1]))
        parts[at : at + 2] = [f"{parts[at]}\n\n{parts[at + 1]}"]
    return parts


def pause_ms(text: str) -> int:
    """Milliseconds somebody takes to type this, as "typing…" is shown before it."""
    return min(len(text) * _MS_PER_CHARACTER, _PAUSE_MAX_MS)
