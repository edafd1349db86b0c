"""How long what failed waits before it is tried again. The one place that says so."""

from datetime import timedelta

_LONGEST_S = 600.0
_DOUBLINGS = 20  # a float has no room for 2 ** 1024, and an outage of a month comes to more attempts than that


def wait_after(attempts: int, most_s: float = _LONGEST_S) -> timedelta:
    """2, 4, 8 … seconds after the first, second, third … failure in a row, at most `most_s`."""
    return timedelta(seconds=min(2.0 ** min(max(attempts, 0), _DOUBLINGS), most_s))
