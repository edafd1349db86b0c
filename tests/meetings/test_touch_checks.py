"""Nobody is reminded of, or asked about, what a seller has just changed, also while the seller can still take it back."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sync_scene import TASK, UNDO_S, WEDNESDAY, House, Stage, reset, run, staged

from meetings.tables import Meeting, Touch
from meetings.touch_checks import NotYetError, Witness


@pytest.fixture(scope="module")
def shared_scene() -> Iterator[Stage]:
    with staged() as scene:
        yield scene


@pytest.fixture
def scene(shared_scene: Stage) -> Stage:
    reset(shared_scene)
    return shared_scene


def witness_of(house: House) -> Witness:
    return Witness(house.db, house.calendar, house.sync.sync, house.scene.now)


def touch_of(meeting: Meeting, *, attempts: int = 0) -> Touch:
    return Touch(id=1, meeting_id=meeting.id, starts_at=meeting.starts_at, attempts=attempts)


ACTS: dict[str, Callable[[House, Meeting], None]] = {
    "moved": lambda house, meeting: house.seller.moves_task(meeting.kommo_task_id, WEDNESDAY),
    "cancelled": lambda house, meeting: house.seller.writes_on_lead(status="cancelled"),
    "event moved": lambda house, meeting: house.seller.moves_event(meeting, WEDNESDAY),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
def test_a_change_that_can_still_be_taken_back_is_waited_for(
    tmp_path: Path, scene: Stage, act: Callable[[House, Meeting], None]
) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        act(house, meeting)
        done_at = scene.now()
        scene.advance(seconds=5)
        with pytest.raises(NotYetError) as waits:
            await witness_of(house).confirm(touch_of(meeting))
        assert waits.value.at == done_at + timedelta(seconds=UNDO_S)
        scene.control("/clock", now=waits.value.at.isoformat())
        assert await witness_of(house).confirm(touch_of(meeting)) is None  # followed by the look: the old time is nobody's

    run(tmp_path, scene, check)


def test_a_change_that_was_taken_back_holds_up_nothing(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.moves_task(meeting.kommo_task_id, WEDNESDAY)
        await house.look(meeting.id, TASK)
        house.seller.moves_task(meeting.kommo_task_id, "2026-03-10 14:00")
        seen = await witness_of(house).confirm(touch_of(meeting))
        assert seen is not None
        assert seen.wish is None

    run(tmp_path, scene, check)


def test_a_known_change_is_waited_for_also_while_kommo_is_down(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.writes_on_lead(status="cancelled")
        await house.look(meeting.id)
        scene.advance(minutes=2)
        scene.control("/faults", service="kommo", status=503, times=-1)
        with pytest.raises(NotYetError) as waits:
            await witness_of(house).confirm(touch_of(meeting, attempts=9))
        assert waits.value.at is None

    run(tmp_path, scene, check)


def test_nobody_is_written_to_again_before_they_heard_of_the_newest_change(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        scene.fault("evolution", path="/sendText", status=503, times=-1)
        house.seller.moves_task(meeting.kommo_task_id, WEDNESDAY)
        await house.look(meeting.id, TASK)
        scene.advance(seconds=UNDO_S + 1)
        await house.look(meeting.id)
        moved = await house.one(meeting.id)
        assert moved.notice_rev < moved.revision
        with pytest.raises(NotYetError):
            await witness_of(house).confirm(touch_of(moved))
        scene.clear_faults()
        scene.advance(minutes=1)
        assert (await house.settle(meeting.id)).complete
        assert await witness_of(house).confirm(touch_of(moved)) is not None

    run(tmp_path, scene, check)
