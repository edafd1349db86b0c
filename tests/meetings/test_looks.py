"""What becomes of hints: done with an outcome, or planned again; over served services, without the engine that queues work."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sync_scene import (
    EMPTY,
    EVENT,
    JOAO,
    LEAD,
    MARIA,
    OTHER_PHONE,
    SUNDAY,
    TASK,
    TUESDAY,
    UNDO_S,
    WEDNESDAY,
    House,
    Stage,
    reset,
    run,
    staged,
)

from meetings.events import HintEntity
from meetings.looks import ADOPT, LOOK, Looks
from meetings.looks import LEAD as LOOK_AT_LEAD
from meetings.looks import TASK as LOOK_AT_TASK
from meetings.tables import Hint


@pytest.fixture(scope="module")
def shared_scene() -> Iterator[Stage]:
    with staged() as scene:
        yield scene


@pytest.fixture
def scene(shared_scene: Stage) -> Stage:
    reset(shared_scene)
    return shared_scene


class OneLane:
    """Does at once what the engine would queue."""

    def __init__(self) -> None:
        self.registered: list[str] = []

    def register(self, name: str, function: Callable[..., Awaitable[Any]]) -> None:
        self.registered.append(name)

    async def step(self, name: str, act: Callable[[], Awaitable[Any]]) -> Any:
        return await act()


def looks_of(house: House) -> Looks:
    return Looks(house.db, OneLane(), house.sync, house.by_hand, house.scene.now)  # type: ignore[arg-type]


async def hinted(house: House, entity: HintEntity, entity_id: int | None, times: int = 1) -> int:
    """Hints about something; returns the id of the last one."""
    assert entity_id is not None
    async with house.db.transaction() as session:
        hints = [
            Hint(entity=entity, entity_id=entity_id, action="update", kommo_lead_id=None, stored_at=house.scene.now())
            for _ in range(times)
        ]
        session.add_all(hints)
        await session.flush()
        return hints[-1].id


async def outcomes(house: House) -> list[str | None]:
    """Per hint: its outcome, None while it is open."""
    async with house.db.transaction() as session:
        hints = list(await session.scalars(select(Hint).order_by(Hint.id)))
    assert all((hint.done_at is None) is (hint.outcome is None) for hint in hints)
    return [hint.outcome for hint in hints]


async def waits(house: House) -> list[tuple[int, float | None]]:
    """Per open hint: attempts, and in how many seconds it is due."""
    async with house.db.transaction() as session:
        hints = list(await session.scalars(select(Hint).where(Hint.done_at.is_(None)).order_by(Hint.id)))
    now = house.scene.now()
    return [(hint.attempts, hint.next_try_at and (hint.next_try_at - now).total_seconds()) for hint in hints]


def test_every_kind_of_work_has_its_name_in_the_engine(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> list[str]:
        lane = OneLane()
        Looks(house.db, lane, house.sync, house.by_hand, scene.now)  # type: ignore[arg-type]
        return lane.registered

    assert run(tmp_path, scene, check) == [LOOK, LOOK_AT_LEAD, LOOK_AT_TASK, ADOPT]


def test_one_look_answers_all_hints_about_the_same_thing_that_came_before_it(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting, looks = await house.booked(), looks_of(house)
        house.seller.deletes_task(meeting.kommo_task_id)
        upto = await hinted(house, TASK, meeting.kommo_task_id, times=3)
        await hinted(house, LEAD, MARIA)
        await hinted(house, TASK, meeting.kommo_task_id)  # came while the look was under way
        assert await looks.look(meeting.id, TASK, upto) == "task_deleted"
        assert await outcomes(house) == ["task_deleted"] * 3 + [None] * 2

    run(tmp_path, scene, check)


def test_an_outcome_says_what_the_look_found(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting, looks = await house.booked(), looks_of(house)
        assert await looks.look(meeting.id, EVENT, await hinted(house, EVENT, meeting.id)) == "already so"
        house.seller.writes_on_lead(link=None)
        assert await looks.look(meeting.id, LEAD, await hinted(house, LEAD, MARIA)) == "put back"
        house.seller.moves_task(meeting.kommo_task_id, WEDNESDAY)
        assert await looks.look(meeting.id, TASK, await hinted(house, TASK, meeting.kommo_task_id)) == "task_moved"
        assert await outcomes(house) == ["already so", "put back", "task_moved"]  # the wish is noted with the meeting
        scene.advance(seconds=UNDO_S)
        assert await looks.look(meeting.id, None, 0) == "task_moved"
        await house.agrees(meeting.id)

    run(tmp_path, scene, check)


def test_a_look_that_fails_is_planned_again_with_growing_waits(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting, looks = await house.booked(), looks_of(house)
        house.seller.deletes_task(meeting.kommo_task_id)
        upto = await hinted(house, TASK, meeting.kommo_task_id)
        scene.fault("kommo", status=503, times=-1)
        found = []
        for _ in range(11):
            assert await looks.look(meeting.id, TASK, upto) == "failed"
            found += await waits(house)
        assert found == [(n, min(2.0**n, 600)) for n in range(1, 12)]
        scene.clear_faults()
        assert await looks.look(meeting.id, TASK, upto) == "task_deleted"
        await house.agrees(meeting.id)

    run(tmp_path, scene, check)


def test_a_look_at_everything_that_fails_is_planned_again(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting, looks = await house.booked(), looks_of(house)
        house.seller.deletes_task(meeting.kommo_task_id)
        scene.fault("google", status=503)
        assert await looks.look(meeting.id, None, 0) == "failed"
        await house.later(meeting.id)
        assert (await house.agrees(meeting.id)).status == "cancelled"

    run(tmp_path, scene, check)


@pytest.mark.parametrize("is_first_down", [True, False])
def test_of_two_meetings_on_a_lead_the_one_that_could_not_be_looked_at_is_not_forgotten(
    tmp_path: Path, scene: Stage, is_first_down: bool
) -> None:
    """Both are looked at for the same hint; one of the looks fails, the other one closes the hint."""

    async def check(house: House) -> None:
        looks, first = looks_of(house), await house.booked(TUESDAY)
        joao = await house.customer(MARIA, OTHER_PHONE, "João Lima")
        second = await house.booked(WEDNESDAY, customer=joao)
        house.seller.deletes_lead()
        upto = await hinted(house, LEAD, MARIA)
        scene.fault("kommo", method="GET", path="/leads/", skip=0 if is_first_down else 1, status=503)
        ends = [await looks.look(meeting.id, LEAD, upto) for meeting in (first, second)]
        assert sorted(ends) == ["failed", "lead_deleted"]
        missed = first if is_first_down else second
        await house.later(missed.id)
        assert (await house.agrees(missed.id)).status == "cancelled"

    run(tmp_path, scene, check)


def test_a_lead_without_a_meeting_is_looked_at_or_planned_again(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        customer_id, looks = await house.customer(), looks_of(house)
        upto = await hinted(house, LEAD, MARIA)
        scene.fault("kommo", status=503)
        assert await looks.look_at_lead(customer_id, MARIA, upto) == "failed"
        assert await waits(house) == [(1, 2)]
        assert await looks.look_at_lead(customer_id, MARIA, upto) == "looked at"
        assert await outcomes(house) == ["looked at"]

    run(tmp_path, scene, check)


def test_a_task_made_by_hand_is_given_to_its_customer_s_lane_and_adopted_there(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        looks, task_id = looks_of(house), house.seller.makes_task(lead_id=JOAO)
        upto = await hinted(house, TASK, task_id)
        scene.fault("kommo", status=503)
        assert await looks.look_at_task(task_id, upto) == "failed"
        assert await waits(house) == [(1, 2)]
        assert await looks.look_at_task(task_id, upto) == "found"
        async with house.db.transaction() as session:
            hint = await session.get_one(Hint, upto)
        assert hint.customer_id is not None
        assert hint.done_at is None
        assert await looks.adopt(hint.customer_id, task_id, upto) == "waits for undo"
        assert await waits(house) == [(2, UNDO_S)]
        scene.advance(seconds=UNDO_S)
        scene.fault("google", path="freeBusy", status=503)
        assert await looks.adopt(hint.customer_id, task_id, upto) == "failed"
        assert await waits(house) == [(3, 8)]
        assert await looks.adopt(hint.customer_id, task_id, upto) == "booked"
        assert await outcomes(house) == ["booked"]
        (meeting,) = await house.meetings()
        await house.agrees(meeting.id)

    run(tmp_path, scene, check)


def test_a_task_of_nobody_and_one_that_is_refused_are_done_with(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        looks, maria = looks_of(house), await house.customer()
        nobody, refused = house.seller.makes_task(lead_id=EMPTY), house.seller.makes_task(SUNDAY)
        scene.advance(seconds=UNDO_S)
        assert await looks.look_at_task(nobody, await hinted(house, TASK, nobody)) == "nobody"
        assert await looks.adopt(maria, refused, await hinted(house, TASK, refused)) == "refused"
        assert await outcomes(house) == ["not a meeting", "refused"]

    run(tmp_path, scene, check)
