"""A Meeting task that a seller makes in Kommo becomes a meeting, or a note says why not; over served services."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from meeting_scene import ANA, BRUNO, PHONE, at
from sqlalchemy import select
from sync_scene import (
    EMPTY,
    FOLLOW_UP,
    JOAO,
    LEAD,
    MARIA,
    MEETING,
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

from clients.errors import ServiceError
from meetings.by_hand import Adoption
from meetings.settle import HOLD_MIN
from meetings.tables import Customer, Meeting, MeetingPhase

UNDO = timedelta(seconds=UNDO_S)


@pytest.fixture(scope="module")
def shared_scene() -> Iterator[Stage]:
    with staged() as scene:
        yield scene


@pytest.fixture
def scene(shared_scene: Stage) -> Stage:
    reset(shared_scene)
    return shared_scene


async def adopted(house: House, task_id: int, customer_id: int | None = None) -> Adoption:
    """What becomes of a task once nobody can undo it any more."""
    house.scene.advance(seconds=UNDO_S)
    customer_id = customer_id or await house.by_hand.find_customer(task_id)
    assert customer_id is not None
    outcome, again_at = await house.by_hand.adopt(customer_id, task_id)
    assert again_at is None
    return outcome


async def customers(house: House) -> list[Customer]:
    async with house.db.transaction() as session:
        return list(await session.scalars(select(Customer).order_by(Customer.id)))


# --- whose meeting it is ----------------------------------------------------------------------------------------------


def test_the_customer_of_a_task_is_the_one_whose_lead_it_is_on(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        maria = await house.customer()
        await house.customer(MARIA, OTHER_PHONE, "João Lima")  # shares her lead; she wrote first
        before = len(scene.calls("kommo", "/leads"))
        assert await house.by_hand.find_customer(house.seller.makes_task()) == maria
        assert len(scene.calls("kommo", "/leads")) == before

    run(tmp_path, scene, check)


def test_somebody_who_never_wrote_is_known_by_the_lead_s_contact_from_now_on(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        task_id = house.seller.makes_task(lead_id=JOAO)
        found = await house.by_hand.find_customer(task_id)
        assert await house.by_hand.find_customer(task_id) == found
        (row,) = await customers(house)
        assert (row.id, row.phone, row.name, row.kommo_lead_id, row.kommo_contact_id) == (
            found,
            OTHER_PHONE,
            "João Lima",
            JOAO,
            12,
        )

    run(tmp_path, scene, check)


def test_somebody_known_by_phone_keeps_the_lead_they_have(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        maria = await house.customer(MARIA)
        second = house.seller.does("/seller/lead/create", name="Maria, loja", contact_id=11)["id"]
        task_id = house.seller.makes_task(lead_id=second)
        assert await house.by_hand.find_customer(task_id) == maria
        (row,) = await customers(house)
        assert row.kommo_lead_id == MARIA
        assert await adopted(house, task_id, maria) is Adoption.BOOKED
        (meeting,) = await house.meetings()
        assert meeting.kommo_lead_id == second
        assert house.fields(second) == (meeting.link, "scheduled")
        assert house.fields(MARIA) == (None, None)

    run(tmp_path, scene, check)


@pytest.mark.parametrize("has_contact", [False, True])
def test_a_lead_without_a_usable_phone_gets_one_note_and_no_customer(tmp_path: Path, scene: Stage, has_contact: bool) -> None:
    async def check(house: House) -> None:
        if has_contact:
            house.seller.does("/seller/contact/create", name="Sem número", phone="ramal 12", lead_id=EMPTY)
        task_id = house.seller.makes_task(lead_id=EMPTY)
        for _ in range(2):
            assert await house.by_hand.find_customer(task_id) is None
        (note,) = await house.noted()
        assert "não tem um telefone que dê para usar" in note
        assert await customers(house) == []

    run(tmp_path, scene, check)


def test_of_several_contacts_the_first_with_a_phone_is_met(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        house.seller.does("/seller/contact/create", name="Recepção", lead_id=EMPTY)
        house.seller.does("/seller/contact/create", name="Rui Alves", phone="(11) 95555-4444", lead_id=EMPTY)
        await house.by_hand.find_customer(house.seller.makes_task(lead_id=EMPTY))
        assert [(row.phone, row.name) for row in await customers(house)] == [("+5511955554444", "Rui Alves")]

    run(tmp_path, scene, check)


def test_what_is_no_open_meeting_on_a_lead_has_no_customer_and_no_note(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        follow_up = house.seller.makes_task(lead_id=EMPTY, task_type_id=FOLLOW_UP)
        closed, deleted = house.seller.makes_task(lead_id=EMPTY), house.seller.makes_task(lead_id=EMPTY)
        house.seller.completes_task(closed)
        house.seller.deletes_task(deleted)
        deadline = int(at(TUESDAY).timestamp())
        of_contact = house.seller.does("/seller/task/create", text="x", complete_till=deadline, contact_id=11)["id"]
        for task_id in (follow_up, closed, deleted, of_contact, 999):
            assert await house.by_hand.find_customer(task_id) is None
        assert await house.noted() == []

    run(tmp_path, scene, check)


@pytest.mark.parametrize(
    ("mode", "worth"),
    [("create_and_tell", [True, False, True]), ("create_silently", [True, False, True]), ("ignore", [False] * 3)],
)
def test_only_meeting_tasks_are_worth_reading_unless_their_type_is_not_told(
    tmp_path: Path, scene: Stage, mode: str, worth: list[bool]
) -> None:
    async def check(house: House) -> list[bool]:
        return [house.by_hand.may_be_meeting(kind) for kind in (MEETING, FOLLOW_UP, None)]

    assert run(tmp_path, scene, check, task_by_hand=mode) == worth


# --- it becomes a meeting ---------------------------------------------------------------------------------------------


def test_a_task_made_by_hand_becomes_a_meeting_everywhere_and_the_customer_is_told_whose_idea_it_was(
    tmp_path: Path, scene: Stage
) -> None:
    async def check(house: House) -> None:
        task_id = house.seller.makes_task(lead_id=JOAO, seller=BRUNO)
        assert await adopted(house, task_id) is Adoption.BOOKED
        (meeting,) = await house.meetings()
        await house.agrees(meeting.id)
        assert house.events() == [(BRUNO, TUESDAY)]
        assert house.fields(JOAO) == (meeting.link, "scheduled")
        (task,) = house.tasks(JOAO)
        assert (task["id"], task["text"]) == (task_id, f"Visita técnica com João Lima, 10/03/2026 14:00 #{meeting.id}")
        (text,) = house.told(OTHER_PHONE)
        assert text.startswith("João, Bruno Teixeira, da Sol Claro Energia, marcou com você:")
        assert "terça-feira, 10 de março de 2026, às 14:00" in text
        assert await house.story(meeting.id) == [("booked", "task_by_hand")]
        assert await house.noted() == []

    run(tmp_path, scene, check)


def test_a_task_is_one_meeting_however_often_it_is_looked_at(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        task_id = house.seller.makes_task()
        assert await adopted(house, task_id) is Adoption.BOOKED
        before = house.writes()
        (meeting,) = await house.meetings()
        assert await house.by_hand.adopt(meeting.customer_id, task_id) == (Adoption.KNOWN, None)
        assert house.writes() == before
        assert len(await house.meetings()) == 1

    run(tmp_path, scene, check)


@pytest.mark.parametrize("service", ["google", "evolution"])
def test_one_that_could_not_be_carried_everywhere_is_carried_on_at_the_next_look(
    tmp_path: Path, scene: Stage, service: str
) -> None:
    async def check(house: House) -> None:
        task_id = house.seller.makes_task()
        scene.fault(service, method="POST", path="/events$|/message/sendText", status=503)
        assert await adopted(house, task_id) is Adoption.BOOKED
        (meeting,) = await house.meetings()
        assert not meeting.settled
        assert await adopted(house, task_id) is Adoption.KNOWN
        await house.agrees(meeting.id)
        assert len(house.told()) == 1

    run(tmp_path, scene, check)


def test_a_silent_one_is_told_to_nobody_until_something_changes(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        task_id = house.seller.makes_task()
        assert await adopted(house, task_id) is Adoption.BOOKED
        (meeting,) = await house.meetings()
        await house.agrees(meeting.id)
        assert house.told() == []
        house.seller.moves_task(task_id, WEDNESDAY)
        await house.look(meeting.id, TASK)
        await house.later(meeting.id)
        await house.agrees(meeting.id)
        (text,) = house.told()
        assert "Antes: terça-feira, 10 de março" in text

    run(tmp_path, scene, check, task_by_hand="create_silently")


def test_a_task_without_a_duration_is_as_long_as_meetings_are(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        assert await adopted(house, house.seller.makes_task(duration=0)) is Adoption.BOOKED
        (meeting,) = await house.meetings()
        assert (meeting.starts_at, meeting.ends_at) == (at(TUESDAY), at("2026-03-10 15:00"))
        await house.agrees(meeting.id)

    run(tmp_path, scene, check)


def test_where_deadlines_are_ends_the_meeting_is_before_its_task_s_deadline(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        kommo = house.business.kommo.model_copy(update={"task_deadline": "end"})
        ends = house.business.model_copy(update={"kommo": kommo})
        for part in (house.by_hand, house.settler.task, house.sync, house.sweeper):
            part.business = ends
        task_id = house.seller.makes_task("2026-03-10 15:30", duration=5400)
        assert await adopted(house, task_id) is Adoption.BOOKED
        (meeting,) = await house.meetings()
        assert (meeting.starts_at, meeting.ends_at) == (at(TUESDAY), at("2026-03-10 15:30"))
        assert (await house.sweeper.compare()).disagreements == ()
        house.seller.moves_task(task_id, "2026-03-11 11:30")
        await house.look(meeting.id, TASK)
        await house.later(meeting.id)
        moved = await house.one(meeting.id)
        assert (moved.starts_at, moved.ends_at) == (at(WEDNESDAY), at("2026-03-11 11:30"))
        assert house.tasks()[0]["complete_till"] == int(at("2026-03-11 11:30").timestamp())
        assert (await house.sweeper.compare()).disagreements == ()

    run(tmp_path, scene, check)


def test_afterwards_it_is_a_meeting_like_any_other(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        task_id = house.seller.makes_task()
        await adopted(house, task_id)
        (meeting,) = await house.meetings()
        house.seller.deletes_task(task_id)
        await house.look(meeting.id, TASK)
        await house.agrees(meeting.id)
        assert "foi cancelada" in house.told()[1]
        again = house.seller.makes_task(WEDNESDAY)
        assert await adopted(house, again) is Adoption.BOOKED
        await house.agrees((await house.meetings())[1].id)

    run(tmp_path, scene, check)


# --- while it can be undone -------------------------------------------------------------------------------------------


def test_a_task_just_made_waits_and_one_that_is_deleted_meanwhile_never_was(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        maria = await house.customer()
        task_id = house.seller.makes_task()
        made_at = scene.now()
        scene.advance(seconds=5)
        before = house.writes()
        assert await house.by_hand.adopt(maria, task_id) == (Adoption.WAITS, made_at + UNDO)
        house.seller.moves_task(task_id, WEDNESDAY)  # while they are still at it, it waits on
        assert await house.by_hand.adopt(maria, task_id) == (Adoption.WAITS, scene.now() + UNDO)
        assert house.writes() == before
        house.seller.deletes_task(task_id)
        assert await adopted(house, task_id, maria) is Adoption.NOT_A_MEETING
        assert await house.meetings() == []
        assert await house.noted() == []

    run(tmp_path, scene, check)


def test_the_time_it_has_when_the_wait_is_over_counts(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        task_id = house.seller.makes_task(SUNDAY)
        house.seller.moves_task(task_id, WEDNESDAY)
        assert await adopted(house, task_id) is Adoption.BOOKED
        assert house.events() == [(ANA, WEDNESDAY)]
        assert await house.noted() == []

    run(tmp_path, scene, check)


# --- what is no meeting to be made ------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["completed", "another type"])
def test_a_task_that_is_no_open_meeting_any_more_is_left_alone(tmp_path: Path, scene: Stage, change: str) -> None:
    async def check(house: House) -> None:
        maria = await house.customer()
        task_id = house.seller.makes_task()
        if change == "completed":
            house.seller.completes_task(task_id)
        else:
            house.seller.does("/seller/task/edit", task_id=task_id, task_type_id=FOLLOW_UP)
        assert await adopted(house, task_id, maria) is Adoption.NOT_A_MEETING
        assert await house.meetings() == []

    run(tmp_path, scene, check)


def test_our_own_task_whose_answer_was_lost_is_not_taken_for_a_seller_s(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        scene.fault("kommo", method="POST", path="/tasks", drop="after")
        meeting = await house.booked(settled=False)
        await house.settle(meeting.id)
        (task,) = house.tasks()
        assert await adopted(house, task["id"], meeting.customer_id) is Adoption.NOT_A_MEETING
        assert (await house.settle(meeting.id)).complete
        assert len(await house.meetings()) == 1
        await house.agrees(meeting.id)

    run(tmp_path, scene, check)


# --- why not ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "seller", "reason"),
    [
        ("2026-03-09 07:00", ANA, "esse horário já passou"),
        (SUNDAY, ANA, "fora do expediente"),
        ("2026-03-10 09:00", BRUNO, "fora do expediente"),
        ("2026-03-11 15:00", ANA, "já tem compromisso"),
        (TUESDAY, 10000, "não está entre os vendedores"),
    ],
)
def test_a_time_that_can_not_be_kept_is_said_in_a_note_and_nothing_else_happens(
    tmp_path: Path, scene: Stage, start: str, seller: int, reason: str
) -> None:
    async def check(house: House) -> None:
        house.seller.is_busy("2026-03-11 15:00")
        task_id = house.seller.makes_task(start, seller=seller)
        before = house.writes()
        for _ in range(2):
            assert await adopted(house, task_id) is Adoption.REFUSED
        assert house.writes() == before
        (note,) = await house.noted()
        assert reason in note
        assert "Não marquei a reunião da tarefa feita à mão" in note
        assert await house.meetings() == []
        assert house.told() == []

    run(tmp_path, scene, check)


def test_a_time_taken_by_another_customer_s_meeting_is_taken(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        await house.booked()
        assert await adopted(house, house.seller.makes_task(lead_id=JOAO)) is Adoption.REFUSED
        assert "já tem compromisso" in (await house.noted())[0]
        assert house.told(OTHER_PHONE) == []

    run(tmp_path, scene, check)


def test_who_has_a_meeting_gets_no_second_one(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        assert await adopted(house, house.seller.makes_task(WEDNESDAY)) is Adoption.REFUSED
        assert "já tem uma reunião marcada" in (await house.noted())[0]
        assert house.events() == [(ANA, TUESDAY)]
        assert (await house.look(meeting.id, LEAD)).is_change is False

    run(tmp_path, scene, check)


def test_a_refused_task_that_nobody_changed_stays_refused_whatever_names_it(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        house.seller.is_busy(TUESDAY)
        task_id = house.seller.makes_task()
        assert await adopted(house, task_id) is Adoption.REFUSED
        for calendar_id, calendar in scene.state("google")["calendars"].items():
            for event in calendar["events"].values():
                house.seller.does("/calendar/event/delete", calendar_id=calendar_id, event_id=event["id"])
        scene.advance(hours=1)
        assert await adopted(house, task_id) is Adoption.REFUSED  # its webhook once more, or a forged one
        assert (await house.meetings(), house.told(), len(await house.noted())) == ([], [], 1)
        house.seller.moves_task(task_id, TUESDAY)
        assert await adopted(house, task_id) is Adoption.BOOKED

    run(tmp_path, scene, check)


def test_a_task_from_before_the_first_start_is_left_alone_until_somebody_changes_it(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        maria = await house.customer()
        task_id = house.seller.makes_task()
        of_joao = house.seller.makes_task(lead_id=JOAO)
        scene.advance(hours=1)
        await house.sweeper.begin()
        assert await adopted(house, task_id, maria) is Adoption.OLDER
        assert await house.by_hand.find_customer(of_joao) is None
        assert house.told() == []
        house.seller.moves_task(task_id, WEDNESDAY)
        await house.sweeper.sweep()
        assert await adopted(house, task_id, maria) is Adoption.BOOKED

    run(tmp_path, scene, check)


def test_a_refused_task_that_is_set_right_is_booked(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        task_id = house.seller.makes_task(SUNDAY)
        assert await adopted(house, task_id) is Adoption.REFUSED
        house.seller.moves_task(task_id, WEDNESDAY)
        assert await adopted(house, task_id) is Adoption.BOOKED
        assert house.events() == [(ANA, WEDNESDAY)]
        assert len(await house.noted()) == 1

    run(tmp_path, scene, check)


@pytest.mark.parametrize(("service", "path"), [("kommo", "/tasks"), ("google", "/freeBusy")])
def test_what_can_not_be_judged_now_is_neither_made_nor_refused(tmp_path: Path, scene: Stage, service: str, path: str) -> None:
    async def check(house: House) -> None:
        maria, task_id = await house.customer(), house.seller.makes_task()
        scene.advance(seconds=UNDO_S)
        scene.fault(service, path=path, status=503)
        with pytest.raises(ServiceError):
            await house.by_hand.adopt(maria, task_id)
        assert await house.meetings() == []
        assert await house.noted() == []
        assert await adopted(house, task_id, maria) is Adoption.BOOKED

    run(tmp_path, scene, check)


def test_one_that_the_calendar_never_took_is_given_up_with_a_note_and_the_customer_hears_nothing(
    tmp_path: Path, scene: Stage
) -> None:
    async def check(house: House) -> None:
        task_id = house.seller.makes_task()
        scene.fault("google", method="POST", path="/events$", status=503, times=-1)
        assert await adopted(house, task_id) is Adoption.BOOKED
        (meeting,) = await house.meetings()
        scene.advance(minutes=HOLD_MIN, seconds=1)
        await house.settle(meeting.id)
        assert (await house.one(meeting.id)).phase == MeetingPhase.RELEASED
        assert house.told() == []
        (note,) = await house.noted()
        assert "Não marquei a reunião da tarefa feita à mão" in note
        scene.clear_faults()
        assert await adopted(house, task_id, meeting.customer_id) is Adoption.REFUSED  # nobody changed it
        house.seller.moves_task(task_id, WEDNESDAY)  # the seller tries once more
        assert await adopted(house, task_id, meeting.customer_id) is Adoption.BOOKED
        rows: list[Meeting] = await house.meetings()
        assert [row.phase for row in rows] == [MeetingPhase.RELEASED, MeetingPhase.BOOKED]
        await house.agrees(rows[1].id)
        assert house.events() == [(ANA, WEDNESDAY)]
        assert house.told()[0].startswith("Maria, Ana Ribeiro, da Sol Claro Energia, marcou com você")
        assert (await customers(house))[0].phone == PHONE

    run(tmp_path, scene, check)
