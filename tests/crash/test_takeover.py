"""Two processes on one PostgreSQL: one is killed, the other does what is left. Needs PostgreSQL (apt install postgresql)."""

import pytest

from tests.crash.pair import take_over_all

_LEASE_S = 3.0  # the production one makes every kill cost a quarter of a minute


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", ["seller cancels", "booking"])
def test_the_survivor_goes_on_alone(name: str) -> None:
    results = list(take_over_all([name], lease_s=_LEASE_S))
    assert not {f"{r.border}": r.differences for r in results if r.differences}
    assert sum(r.was_reached for r in results) >= 0.8 * len(results)
