"""Waits grow to a bound and stay there, however long a service is away."""

from datetime import timedelta

import pytest

from meetings.backoff import wait_after


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 1), (1, 2), (2, 4), (9, 512), (10, 600), (1_024, 600), (10**9, 600)])
def test_the_wait_doubles_up_to_its_bound(attempts: int, seconds: int) -> None:
    assert wait_after(attempts) == timedelta(seconds=seconds)


def test_another_bound_holds_as_well() -> None:
    assert wait_after(5_000, 300.0) == timedelta(seconds=300)
