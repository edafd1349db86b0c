"""Between model and customer: a reply that claims what did not happen, or names what nobody offered, is not sent.

The guard reads the reply's words against what code knows. It does not judge style, and it does not check durations
and deadlines ("em 30 dias").
"""

from agent.guard_amounts import unknown_amounts, unknown_links
from agent.guard_claims import false_claims
from agent.guard_known import Known
from agent.guard_moments import unknown_moments

__all__ = ["Known", "objections"]


def objections(reply: str, known: Known) -> list[str]:
    """Why the reply may not be sent, in words for the model; empty when it may."""
    found = [
        *false_claims(reply, known),
        *unknown_moments(reply, known),
        *unknown_links(reply, known),
        *unknown_amounts(reply, known),
    ]
    return list(dict.fromkeys(found))
