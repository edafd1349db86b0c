"""A running service and Google's push messages: the channel leads back to the service that opened it."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.stack import Stack
from meetings.calendars import Following

ROOT = Path(__file__).parents[2]
ANA = "ana@solclaro.example"


@pytest.fixture
def stack() -> Iterator[Stack]:
    with Stack(business_file=ROOT / "business.toml") as served:
        yield served


def until(condition: Any, bound_s: float = 20) -> None:
    deadline = time.monotonic() + bound_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def test_a_channel_that_the_service_opens_is_heard_by_it(stack: Stack) -> None:
    def report() -> Following:
        found: list[Following] = stack.call(lambda service: service.calendars.report())
        return next(following for following in found if following.calendar_id == ANA)

    stack.call(lambda service: service.calendars.push.ensure([ANA]))
    until(lambda: report().is_heard)
    stack.call(lambda service: service.calendars.poll(ANA))
    assert report().problem is None
    assert report().polled_at is not None
    counts = httpx.get(stack.url + "/readyz", trust_env=False).json()["webhooks"]
    assert counts["google channel opened"] >= 1


def test_a_stranger_is_answered_404(stack: Stack) -> None:
    headers = {
        "X-Goog-Channel-ID": "a",
        "X-Goog-Channel-Token": "b",
        "X-Goog-Resource-ID": "c",
        "X-Goog-Resource-State": "exists",
    }
    assert httpx.post(stack.url + "/webhook/google", headers=headers, trust_env=False).status_code == 404
    assert httpx.get(stack.url + "/webhook/google", trust_env=False).status_code == 405
