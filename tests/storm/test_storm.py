"""After a storm everything is as after the calm run with the same acts. `marcado storm` plays more and longer ones."""

from datetime import datetime
from functools import cache
from pathlib import Path

import pytest

from cli.storm import Played, play
from cli.storm_plan import Plan, make_plan
from cli.storm_state import differences
from meetings.business import load_business

BUSINESS = Path(__file__).parents[2] / "business.toml"
FLOWS = 6  # per seed; 200 of them are a command


@cache
def plan() -> Plan:
    return make_plan(load_business(BUSINESS), FLOWS, datetime.fromisoformat("2026-03-09T08:00:00-03:00"))


@cache
def calm() -> Played:
    return play(plan(), BUSINESS, weather_seed=None)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(1, 21))
def test_a_storm_leaves_what_the_calm_run_leaves(seed: int) -> None:
    assert calm().complaints == []
    stormy = play(plan(), BUSINESS, weather_seed=seed)
    assert sum(stormy.weather.values()) > 0
    assert [*stormy.complaints, *differences(calm().left, stormy.left)] == []
