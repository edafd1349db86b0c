"""Splits a long answer into a few short messages, as people write on WhatsApp."""

import re

MOST = 3
_LONG = 350  # characters from which one message reads like a letter
_CRUMB = 60  # characters; less is no message of its own
_END = re.compile(r"\n|(?<=[^\W\d]{3}[.!?…])[ ]+(?=[^\W\d_a-z]|[¿¡])|(?<=[^\W\d]{3}[!?])[ ]+")  # no "1. ", "R. Augusta", "Dr. "
_ITEM = re.compile(r"\s*(?:\d{1,2}[.)º]|[-*•–]|[a-z]\))\s")
_MS_PER_CHARACTER = 25
_PAUSE_MAX_MS = 4000


def balloons(text: str) -> list[str]:
    """The answer in at most three parts; a list of options is never torn apart.

    Split at blank lines; where these leave a part that is too long, at line ends around its lists and at ends of sentences.
    """
    if len(text) <= _LONG:
        return [text]
    parts = [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
    while len(parts) > MOST:
        # Join the shortest neighbours: the split should even out, not leave crumbs.
        at = min(range(len(parts) - 1), key=lambda n: len(parts[n]) + len(parts[n + 1]))
        parts[at : at + 2] = [f"{parts[at]}\n\n{parts[at + 1]}"]
    while len(parts) < MOST:
        cuts = [
            (len(part), n, cut)
            for n, part in enumerate(parts)
            if len(part) > _LONG and (cut := _cut(part, MOST - len(parts) + 1))
        ]
        if not cuts:
            break
        _, n, cut = max(cuts)
        parts[n : n + 1] = [parts[n][:cut].strip(), parts[n][cut:].strip()]
    return parts


def _cut(part: str, pieces: int) -> int:
    """Where to split off the first of so many even pieces; 0 when there is no good place."""
    wanted = len(part) / pieces
    places = [match.end() for match in _END.finditer(part) if not _ITEM.match(part[match.end() :])]
    places = [at for at in places if min(at, len(part) - at) >= _CRUMB]
    return min(places, key=lambda at: abs(at - wanted), default=0)


def pause_ms(text: str) -> int:
    """Milliseconds somebody takes to type this, as "typing…" is shown before it."""
    return min(len(text) * _MS_PER_CHARACTER, _PAUSE_MAX_MS)
