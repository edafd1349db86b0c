"""Killed anywhere, started again, left alone: all is as if nothing had happened. `python -m tests.crash` prints every border."""

import contextlib
from collections.abc import Iterator

import pytest

from tests.crash.crashing import CALL, WEBHOOK, Border
from tests.crash.flows import FLOWS
from tests.crash.matrix import Workshop

_COURTESY = ("markMessageAsRead", "sendPresence", "watch", "stop")


def is_dangerous(border: Border) -> bool:
    """Something was done that nobody has written down: it could be done twice. Or nothing was done that was promised by a 200."""
    if border.side != "after":
        return False
    if border.kind == WEBHOOK:
        return border.number == 1
    is_write = border.method != "GET" and border.service != "openai" and not any(word in border.path for word in _COURTESY)
    return border.kind == CALL and is_write


@pytest.fixture(scope="module")
def shop() -> Iterator[Workshop]:
    with contextlib.closing(Workshop()) as made:
        yield made


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [flow.name for flow in FLOWS])
def test_killed_anywhere_the_flow_ends_as_if_nothing_had_happened(shop: Workshop, name: str) -> None:
    """All borders in one run first, then the dangerous ones each in a run of its own."""
    borders = shop.recording(name).borders
    kills, differences = shop.crash_everywhere(name)
    assert not differences
    assert kills >= 0.7 * sum(border.kind == CALL for border in borders)  # what is known after a kill needs no second look
    results = [shop.crash(name, border) for border in borders if is_dangerous(border)]
    assert not {f"{r.border}": r.differences or "not reached" for r in results if not r.is_well}
