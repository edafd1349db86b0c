"""Between model and customer: a reply that claims what did not happen, or names what nobody offered, is not sent.

The guard reads the reply's words against what code knows. It does not judge style.
"""

from agent.guard_amounts import unknown_amounts, unknown_links, unknown_phones
from agent.guard_claims import false_claims
from agent.guard_durations import unknown_durations
from agent.guard_known import Known
from agent.guard_meeting import unknown_circumstances
from agent.guard_moments import unknown_moments
from agent.guard_settled import unbooked_times
from agent.guard_terms import unknown_terms
from agent.guard_text import as_read, is_disguised

__all__ = ["Known", "objections"]


_DISGUISE = "it spaces out letters or mixes alphabets: write plain words"


def objections(reply: str, known: Known) -> list[str]:
    """Why the reply may not be sent, in words for the model; empty when it may."""
    text = as_read(reply)
    claims = false_claims(text, known)
    found = [
        *([_DISGUISE] if is_disguised(reply) else []),
        *claims,
        *unknown_moments(text, known),
        *([] if claims else unbooked_times(text, known)),
        *unknown_durations(text, known),
        *unknown_links(reply, known),
        *unknown_phones(text, known),
        *unknown_amounts(text, known),
        *unknown_terms(text, known),
        *unknown_circumstances(text, reply, known),
    ]
    return list(dict.fromkeys(found))
