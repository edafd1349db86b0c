"""The customer changes the meeting while an order of the seller waits, or was never heard of: no order vanishes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from meeting_scene import BRUNO, add_offer, at
from sync_scene import (
    EVENT,
    LEAD,
    LOST,
    TASK,
    TUESDAY,
    TUESDAY_LATER,
    UNDO_S,
    WEDNESDAY,
    House,
    Stage,
    reset,
    run,
    staged,
)

from meetings.booking import BookingRefusedError
from meetings.desk import Desk
from meetings.events import HintEntity
from meetings.tables import Meeting, MeetingStatus


@pytest.fixture(scope="module")
def shared_scene() -> Iterator[Stage]:
    with staged() as scene:
        yield scene


@pytest.fixture
def scene(shared_scene: Stage) -> Stage:
    reset(shared_scene)
    return shared_scene


def desk_of(house: House) -> Desk:
    return Desk(house.db, house.booking, house.settler, house.settler.task.leads, house.sync.look_now, house.scene.now)


async def booked_and_offered(house: House) -> Meeting:
    """A meeting on Tuesday, and Wednesday on offer."""
    meeting = await house.booked()
    await add_offer(house.db, meeting.customer_id, 1, at(WEDNESDAY), offered_at=house.scene.now())
    return meeting


async def refused(house: House, meeting: Meeting) -> str:
    """The code with which the customer's choice of Wednesday is refused."""
    with pytest.raises(BookingRefusedError) as error:
        await desk_of(house).reschedule(meeting.customer_id, 1)
    return error.value.code


# What the seller does, where a webhook would say so, and what of the meeting stands in the end: status, seller, start.
ACTS: dict[str, tuple[Callable[[House, Meeting], None], HintEntity, tuple[str, int, str]]] = {
    "status": (lambda h, m: h.seller.writes_on_lead(status="cancelled"), LEAD, ("cancelled", 10001, TUESDAY)),
    "result": (lambda h, m: h.seller.completes_task(m.kommo_task_id, "cancelado"), TASK, ("cancelled", 10001, TUESDAY)),
    "completed": (lambda h, m: h.seller.completes_task(m.kommo_task_id), TASK, ("completed", 10001, TUESDAY)),
    "lost": (lambda h, m: h.seller.stages_lead(LOST), LEAD, ("cancelled", 10001, TUESDAY)),
    "moved": (lambda h, m: h.seller.moves_task(m.kommo_task_id, TUESDAY_LATER), TASK, ("scheduled", 10001, TUESDAY_LATER)),
    "task handed over": (lambda h, m: h.seller.hands_task(m.kommo_task_id, BRUNO), TASK, ("scheduled", 10002, TUESDAY)),
    "lead handed over": (lambda h, m: h.seller.hands_lead(BRUNO), LEAD, ("scheduled", 10002, TUESDAY)),
    "event deleted": (lambda h, m: h.seller.deletes_event(m), EVENT, ("cancelled", 10001, TUESDAY)),
    "event moved": (lambda h, m: h.seller.moves_event(m, TUESDAY_LATER), EVENT, ("scheduled", 10001, TUESDAY_LATER)),
}


def stands(meeting: Meeting, *, as_: tuple[str, int, str]) -> bool:
    status, seller, start = as_
    return (meeting.status, meeting.kommo_user_id, meeting.starts_at) == (status, seller, at(start))


@pytest.mark.parametrize("act", ACTS)
def test_a_move_waits_for_an_order_that_can_still_be_taken_back(tmp_path: Path, scene: Stage, act: str) -> None:
    does, entity, expected = ACTS[act]

    async def check(house: House) -> None:
        meeting = await booked_and_offered(house)
        does(house, meeting)
        await house.look(meeting.id, entity)
        scene.advance(seconds=5)
        assert await refused(house, meeting) == "MEETING_CHANGING"
        await house.later(meeting.id)
        assert stands(await house.agrees(meeting.id), as_=expected)

    run(tmp_path, scene, check)


@pytest.mark.parametrize("act", ACTS)
def test_an_order_whose_webhook_was_lost_is_followed_first(tmp_path: Path, scene: Stage, act: str) -> None:
    does, _, expected = ACTS[act]

    async def check(house: House) -> None:
        meeting = await booked_and_offered(house)
        does(house, meeting)
        scene.advance(seconds=UNDO_S)
        assert await refused(house, meeting) == "MEETING_CHANGED"
        assert stands(await house.agrees(meeting.id), as_=expected)
        assert len(house.told()) == 2  # the confirmation, and what the seller changed

    run(tmp_path, scene, check)


def test_an_order_that_was_taken_back_keeps_nobody_from_moving(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await booked_and_offered(house)
        house.seller.writes_on_lead(status="cancelled")
        await house.look(meeting.id, LEAD)
        assert await refused(house, meeting) == "MEETING_CHANGING"
        house.seller.writes_on_lead(status="scheduled")
        outcome = await desk_of(house).reschedule(meeting.customer_id, 1)
        assert (outcome.meeting.starts_at, outcome.is_on_calendar) == (at(WEDNESDAY), True)
        await house.settle(meeting.id)
        await house.agrees(meeting.id)

    run(tmp_path, scene, check)


@pytest.mark.parametrize("act", ["status", "completed", "task handed over", "lead handed over", "moved"])
def test_an_order_given_while_the_customers_move_is_on_its_way_is_the_newer_one(tmp_path: Path, scene: Stage, act: str) -> None:
    does, _, (status, seller, start) = ACTS[act]

    async def check(house: House) -> None:
        meeting = await booked_and_offered(house)
        await desk_of(house).reschedule(meeting.customer_id, 1)
        does(house, meeting)
        assert not (await house.settle(meeting.id)).complete  # nothing is written over what the seller did
        await house.later(meeting.id)
        await house.later(meeting.id)
        expected = (status, seller, WEDNESDAY if start == TUESDAY else start)
        assert stands(await house.agrees(meeting.id), as_=expected)

    run(tmp_path, scene, check)


def test_an_older_order_that_could_not_be_read_is_outdone_with_a_note(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await booked_and_offered(house)
        house.seller.moves_task(meeting.kommo_task_id, TUESDAY_LATER)
        scene.advance(minutes=1)
        scene.control("/faults", service="kommo", status=503, times=-1)
        await desk_of(house).reschedule(meeting.customer_id, 1)
        scene.clear_faults()
        await house.settle(meeting.id)
        assert (await house.agrees(meeting.id)).starts_at == at(WEDNESDAY)
        [outdone] = [note for note in await house.noted() if "não foi seguido" in note]
        assert "o prazo da tarefa mudou" in outdone

    run(tmp_path, scene, check)


def test_who_cancels_is_let_go_and_the_seller_hears_what_became_of_the_order(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.hands_task(meeting.kommo_task_id, BRUNO)
        await house.look(meeting.id, TASK)
        await desk_of(house).cancel(meeting.customer_id, "vai viajar")
        await house.settle(meeting.id)
        assert (await house.agrees(meeting.id)).status == MeetingStatus.CANCELLED
        outdone = [note for note in await house.noted() if "não foi seguido" in note]
        assert len(outdone) == 1
        assert "o responsável pela tarefa mudou" in outdone[0]
        assert "o cliente pediu para cancelar" in outdone[0]

    run(tmp_path, scene, check)


def test_both_cancel_and_nothing_was_outdone(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.writes_on_lead(status="cancelled")
        await desk_of(house).cancel(meeting.customer_id, "vai viajar")
        await house.settle(meeting.id)
        assert (await house.agrees(meeting.id)).status == MeetingStatus.CANCELLED
        assert [note for note in await house.noted() if "não foi seguido" in note] == []
        assert len(house.told()) == 2

    run(tmp_path, scene, check)


def test_who_wants_to_cancel_hears_first_of_a_new_time_they_did_not_know(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.moves_task(meeting.kommo_task_id, TUESDAY_LATER)
        scene.advance(seconds=UNDO_S)
        with pytest.raises(BookingRefusedError, match="MEETING_CHANGED"):
            await desk_of(house).cancel(meeting.customer_id, "terça às 14h não dá")
        assert (await house.agrees(meeting.id)).starts_at == at(TUESDAY_LATER)
        await desk_of(house).cancel(meeting.customer_id, "não dá mesmo")
        assert (await house.one(meeting.id)).status == MeetingStatus.CANCELLED

    run(tmp_path, scene, check)


def test_without_kommo_and_google_a_customer_can_still_cancel(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        scene.control("/faults", service="kommo", status=503, times=-1)
        scene.control("/faults", service="google", status=503, times=-1)
        await desk_of(house).cancel(meeting.customer_id, "vai viajar")
        assert (await house.one(meeting.id)).status == MeetingStatus.CANCELLED

    run(tmp_path, scene, check)
