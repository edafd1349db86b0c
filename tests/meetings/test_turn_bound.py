"""The bound on answers within an hour: nobody is refused, the others wait, the oldest go first."""

from pathlib import Path

import pytest
from meeting_scene import Clock
from structlog.testing import capture_logs

from meetings.database import Database
from meetings.turn_bound import DueTurn, TurnBound

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_the_bound_on_answers_lets_the_oldest_go_first(tmp_path: Path) -> None:
    db, clock = Database(f"sqlite:///{tmp_path}/m.sqlite"), Clock()
    db.migrate()
    bound = TurnBound(3, clock)
    due = [DueTurn(clock(), customer, customer, f"turn:{customer}") for customer in range(1, 6)]
    try:
        async with db.reading() as session:
            with capture_logs() as lines:
                assert list(await bound.admit(session, due)) == due[:3]
                assert list(await bound.admit(session, due[3:])) == []
            assert [line["event"] for line in lines] == ["too many answers within an hour"]
            assert bound.held_back == 2
            clock.advance(minutes=60)
            assert list(await bound.admit(session, due[3:])) == due[3:]
            assert bound.held_back == 0
    finally:
        await db.close()
