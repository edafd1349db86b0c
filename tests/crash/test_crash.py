"""Killed anywhere, started again, left alone: all is as if nothing had happened. `python -m tests.crash` prints every border."""

import pytest

from tests.crash.crashing import CALL, WEBHOOK, Border
from tests.crash.flows import FLOWS
from tests.crash.matrix import workshop

NAMES = [flow.name for flow in FLOWS]
_READS = ("GET",)
_COURTESY = ("markMessageAsRead", "sendPresence")


def is_write(border: Border) -> bool:
    """What would be there twice or not at all; and the model's answers, which decide what is done."""
    return border.kind == CALL and border.method not in _READS and not any(word in border.path for word in _COURTESY)


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", NAMES)
def test_killed_before_and_after_every_call_of_one_run(name: str) -> None:
    kills, differences = workshop().crash_everywhere(name)
    assert not differences
    calls = sum(border.kind == CALL for border in workshop().recording(name).borders)
    assert kills >= 0.7 * calls  # a kill may spare a call: what is known needs no second look


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", NAMES)
def test_killed_once_at_a_write(name: str) -> None:
    borders = [
        b
        for b in workshop().recording(name).borders
        if is_write(b) or (b.kind == WEBHOOK and b.number == 1 and b.side == "after")
    ]
    results = [workshop().crash(name, border) for border in borders]
    wrong = {f"{r.border}": r.differences or "not reached" for r in results if not r.is_well}
    assert not wrong
