"""A flood of webhooks about one lead loses none and keeps nobody from being served once. How fast: `marcado storm --flood`."""

from pathlib import Path

import pytest

from cli.flood import WEBHOOKS, flood
from cli.storm import DEFAULT_CALENDAR
from meetings.business import load_business

BUSINESS = Path(__file__).parents[2] / "business.toml"


@pytest.mark.long
@pytest.mark.timeout(600)
def test_every_webhook_is_taken_and_every_act_followed_once() -> None:
    found = flood(load_business(BUSINESS, DEFAULT_CALENDAR), BUSINESS, span_s=4.0)
    assert found.wrong == []
    assert (found.refused, found.hints_open) == (0, 0)
    assert found.stored >= len(found.acks_s) >= WEBHOOKS * 0.9
