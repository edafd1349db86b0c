"""The sweep inside the whole service, on a fixed clock."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta

import pytest

from cli.people import People
from cli.stack import Stack
from clients.transport import RetryPolicy
from sandbox.server import Sandbox
from tests.processes import ROOT

pytestmark = pytest.mark.long


@pytest.fixture
def stack() -> Iterator[Stack]:
    with ExitStack() as running:
        sandbox = Sandbox().start()
        running.callback(sandbox.stop)
        sandbox.world.clock.set(datetime.fromisoformat("2026-03-09T09:00:00-03:00"))
        one = Stack(
            business_file=ROOT / "business.toml", sandbox=sandbox, now=sandbox.world.clock.now, retry=RetryPolicy(attempts=1)
        )
        yield running.enter_context(one)


def test_our_webhooks_are_repaired_even_while_kommo_s_tasks_can_not_be_read(stack: Stack) -> None:
    world = stack.sandbox.world
    people = People(stack.sandbox.control_url)
    try:
        hooks = world.services["kommo"].state.hooks
        assert hooks
        hooks.clear()
        people.do("/faults", service="kommo", method="GET", path="/tasks", status=503, times=-1)
        world.clock.set(world.clock.now() + timedelta(minutes=6))
        for _ in range(200):
            if hooks:
                break
            time.sleep(0.05)
        assert hooks
    finally:
        people.close()
