"""What a seller does in Kommo or on the calendar becomes the meeting's next revision, or goes back; over served services."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from meeting_scene import ANA, BRUNO, at
from sync_scene import (
    EVENT,
    JOAO,
    LEAD,
    LOST,
    MARIA,
    OTHER_PHONE,
    QUALIFIED,
    SUNDAY,
    TASK,
    TUESDAY,
    TUESDAY_LATER,
    UNDO_S,
    WEDNESDAY,
    House,
    Stage,
    close_calendar,
    reset,
    run,
    staged,
)

from clients.errors import ServiceError
from meetings.events import HintEntity
from meetings.sync import meetings_named
from meetings.tables import Customer, Meeting, MeetingPhase, MeetingStatus

UNDO = timedelta(seconds=UNDO_S)


@pytest.fixture(scope="module")
def shared_scene() -> Iterator[Stage]:
    with staged() as scene:
        yield scene


@pytest.fixture
def scene(shared_scene: Stage) -> Stage:
    reset(shared_scene)
    return shared_scene


# --- acts that can be undone ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Act:
    """An act of a seller, how it is taken back, and what becomes of it otherwise."""

    about: HintEntity
    do: Callable[[House, Meeting], None]
    undo: Callable[[House, Meeting], None]
    change: tuple[str, str]
    told: str


ACTS = {
    "task moved": Act(
        TASK,
        lambda h, m: h.seller.moves_task(m.kommo_task_id, WEDNESDAY),
        lambda h, m: h.seller.moves_task(m.kommo_task_id, TUESDAY),
        ("moved", "task_moved"),
        "Agora é quarta-feira, 11 de março de 2026, às 10:00",
    ),
    "task completed": Act(
        TASK,
        lambda h, m: h.seller.completes_task(m.kommo_task_id),
        lambda h, m: h.seller.reopens_task(m.kommo_task_id),
        ("completed", "task_completed"),
        "obrigado pela visita técnica",
    ),
    "task handed over": Act(
        TASK,
        lambda h, m: h.seller.hands_task(m.kommo_task_id, BRUNO),
        lambda h, m: h.seller.hands_task(m.kommo_task_id, ANA),
        ("handed_over", "task_handed_over"),
        "agora será com Bruno Teixeira",
    ),
    "status cancelled": Act(
        LEAD,
        lambda h, m: h.seller.writes_on_lead(status="Cancelada"),
        lambda h, m: h.seller.writes_on_lead(status="scheduled"),
        ("cancelled", "status_set_cancelled"),
        "foi cancelada pela Sol Claro",
    ),
    "lead lost": Act(
        LEAD,
        lambda h, m: h.seller.stages_lead(LOST),
        lambda h, m: h.seller.stages_lead(QUALIFIED),
        ("cancelled", "lead_lost"),
        "foi cancelada pela Sol Claro",
    ),
    "lead handed over": Act(
        LEAD,
        lambda h, m: h.seller.hands_lead(BRUNO),
        lambda h, m: h.seller.hands_lead(10000),
        ("handed_over", "lead_handed_over"),
        "agora será com Bruno Teixeira",
    ),
    "event moved": Act(
        EVENT,
        lambda h, m: h.seller.moves_event(m, WEDNESDAY),
        lambda h, m: h.seller.moves_event(m, TUESDAY),
        ("moved", "event_moved"),
        "Agora é quarta-feira, 11 de março de 2026, às 10:00",
    ),
}


@pytest.mark.parametrize("name", ACTS)
def test_an_act_is_followed_everywhere_once_it_can_not_be_undone_any_more(tmp_path: Path, scene: Stage, name: str) -> None:
    act = ACTS[name]
    start = TUESDAY if "handed" not in name else "2026-03-10 15:00"  # Bruno is there from two o'clock on

    async def check(house: House) -> None:
        meeting = await house.booked(start)
        act.do(house, meeting)
        done_at = scene.now()
        before = house.writes()
        for _ in range(2):  # a webhook told twice does not make the time longer
            await house.look(meeting.id, act.about)
            scene.advance(seconds=3)
        waiting = await house.one(meeting.id)
        assert (waiting.revision, waiting.look_at) == (1, done_at + UNDO)
        assert waiting.wish is not None
        assert house.writes() == before
        scene.control("/clock", now=(done_at + UNDO - timedelta(seconds=1)).isoformat())
        await house.look(meeting.id)  # the sweep comes by a second too early
        assert house.writes() == before
        await house.later(meeting.id)
        assert await house.story(meeting.id) == [("booked", "customer_booked"), act.change]
        await house.agrees(meeting.id)
        assert len(house.told()) == 2
        assert act.told in house.told()[1]
        assert len(await house.noted()) == 1

    run(tmp_path, scene, check)


@pytest.mark.parametrize("name", ACTS)
def test_what_is_undone_in_time_leaves_no_trace(tmp_path: Path, scene: Stage, name: str) -> None:
    act = ACTS[name]

    async def check(house: House) -> None:
        meeting = await house.booked("2026-03-10 15:00" if "handed" in name else TUESDAY)
        act.do(house, meeting)
        await house.look(meeting.id, act.about)
        act.undo(house, meeting)
        before = house.writes()
        await house.later(meeting.id)
        assert house.writes() == before
        assert len(await house.story(meeting.id)) == 1
        assert len(house.told()) == 1
        assert await house.noted() == []
        await house.agrees(meeting.id)

    run(tmp_path, scene, check)


def test_a_second_act_waits_for_its_own_time(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.moves_task(meeting.kommo_task_id, WEDNESDAY)
        await house.look(meeting.id, TASK)
        scene.advance(seconds=UNDO_S - 5)
        house.seller.moves_task(meeting.kommo_task_id, TUESDAY_LATER)
        second_at = scene.now()
        await house.look(meeting.id, TASK)
        assert (await house.one(meeting.id)).look_at == second_at + UNDO
        await house.later(meeting.id)
        assert await house.story(meeting.id) == [("booked", "customer_booked"), ("moved", "task_moved")]
        assert (await house.agrees(meeting.id)).starts_at == at(TUESDAY_LATER)
        assert "quarta-feira" not in house.told()[1]

    run(tmp_path, scene, check)


def test_what_became_clear_too_late_is_followed_at_once_but_only_after_a_look_at_everything(tmp_path: Path, scene: Stage) -> None:
    """The webhook comes an hour late; meanwhile the seller has called the meeting off on the lead."""

    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.moves_task(meeting.kommo_task_id, WEDNESDAY)
        house.seller.writes_on_lead(status="cancelled")
        scene.advance(hours=1)
        await house.look(meeting.id, TASK)
        assert (await house.one(meeting.id)).look_at == scene.now()
        assert len(house.told()) == 1
        await house.later(meeting.id)  # the lead's word is the stronger one, and it is new: seen just now, done long ago
        assert await house.story(meeting.id) == [("booked", "customer_booked"), ("cancelled", "status_set_cancelled")]
        await house.agrees(meeting.id)
        assert len(house.told()) == 2

    run(tmp_path, scene, check)


@pytest.mark.parametrize("about", [LEAD, EVENT])
def test_a_look_at_something_else_does_not_make_a_planned_one_forgotten(tmp_path: Path, scene: Stage, about: HintEntity) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.moves_task(meeting.kommo_task_id, WEDNESDAY)
        await house.look(meeting.id, TASK)
        scene.advance(seconds=UNDO_S + 1)
        await house.look(meeting.id, about)  # a hint comes just before the dispatcher gets to the planned look
        await house.later(meeting.id)
        assert (await house.agrees(meeting.id)).starts_at == at(WEDNESDAY)

    run(tmp_path, scene, check)


@pytest.mark.parametrize(
    ("do", "about", "because"),
    [
        (lambda h, m: h.seller.deletes_task(m.kommo_task_id), TASK, "task_deleted"),
        (lambda h, _: h.seller.deletes_lead(), LEAD, "lead_deleted"),
    ],
)
def test_what_kommo_can_not_undo_is_followed_at_once(
    tmp_path: Path, scene: Stage, do: Callable[[House, Meeting], None], about: HintEntity, because: str
) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        do(house, meeting)
        await house.look(meeting.id, about)
        assert await house.story(meeting.id) == [("booked", "customer_booked"), ("cancelled", because)]
        await house.agrees(meeting.id)
        assert "foi cancelada" in house.told()[1]
        notes = await house.noted()
        assert len(notes) == (1 if because == "task_deleted" else 0)  # a lead that is gone has no feed

    run(tmp_path, scene, check)


def test_an_event_deleted_on_the_calendar_cancels_and_is_not_made_again(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.deletes_event(meeting)
        await house.look(meeting.id, EVENT)
        assert house.events() == []
        assert len(house.told()) == 1
        await house.later(meeting.id)
        await house.agrees(meeting.id)
        assert house.fields()[1] == "cancelled"
        assert "foi cancelada" in house.told()[1]
        assert house.task(meeting.kommo_task_id)["result"] == "Cancelado"  # type: ignore[index]
        assert [call for call in scene.calls("google", meeting.event_id) if call["method"] == "DELETE"] == []

    run(tmp_path, scene, check)


def test_a_customer_s_own_newer_change_takes_the_place_of_the_seller_s_wish(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.moves_task(meeting.kommo_task_id, WEDNESDAY)
        await house.look(meeting.id, TASK)
        await house.changed(meeting.id, start=TUESDAY_LATER)
        await house.look(meeting.id)  # before anything of it is carried out: the seller's move is the older one
        assert len(await house.story(meeting.id)) == 2
        assert (await house.settle(meeting.id)).complete
        scene.advance(seconds=UNDO_S)
        await house.look(meeting.id)
        assert (await house.agrees(meeting.id)).starts_at == at(TUESDAY_LATER)
        assert len(house.told()) == 2

    run(tmp_path, scene, check)


def test_a_look_without_reason_writes_nothing(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        before = house.writes()
        for about in (None, TASK, LEAD, EVENT):
            assert not (await house.look(meeting.id, about)).is_change
        assert house.writes() == before
        await house.agrees(meeting.id)

    run(tmp_path, scene, check)


@pytest.mark.parametrize("phase", [MeetingPhase.HELD, MeetingPhase.RELEASED])
def test_what_is_no_meeting_yet_or_never_became_one_is_not_looked_at(tmp_path: Path, scene: Stage, phase: MeetingPhase) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked(settled=False)
        await house.settler.cases.mark(meeting.id, phase=phase)
        assert not (await house.look(meeting.id)).is_change
        assert scene.calls("kommo", "/") == []
        assert scene.calls("google", "/") == []

    run(tmp_path, scene, check)


@pytest.mark.parametrize(("service", "path"), [("kommo", "/tasks"), ("kommo", "/leads"), ("google", "/events/")])
def test_when_something_can_not_be_read_nothing_is_changed(tmp_path: Path, scene: Stage, service: str, path: str) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.deletes_task(meeting.kommo_task_id)
        scene.fault(service, method="GET", path=path, status=503)
        with pytest.raises(ServiceError):
            await house.look(meeting.id)
        assert len(await house.story(meeting.id)) == 1
        await house.sync.look_again(meeting.id)
        await house.later(meeting.id)
        assert await house.story(meeting.id) == [("booked", "customer_booked"), ("cancelled", "task_deleted")]

    run(tmp_path, scene, check)


@pytest.mark.parametrize("status", [404, 403])
def test_a_calendar_that_is_closed_to_us_does_not_hide_what_was_done_in_kommo(tmp_path: Path, scene: Stage, status: int) -> None:
    async def check(house: House) -> None:
        joao = await house.customer(JOAO, OTHER_PHONE, "João Lima")
        done, off = await house.booked(TUESDAY), await house.booked(WEDNESDAY, customer=joao)
        close_calendar(scene, status)
        house.seller.completes_task(done.kommo_task_id)
        await house.look(done.id, TASK)
        await house.later(done.id)
        assert (await house.one(done.id)).status == MeetingStatus.COMPLETED
        house.seller.writes_on_lead(JOAO, status="cancelled")
        await house.look(off.id, LEAD)
        await house.later(off.id)
        assert house.fields(JOAO)[1] == "cancelled"
        assert "cancelada" in house.told(OTHER_PHONE)[-1]
        with pytest.raises(ServiceError):
            await house.look(done.id, EVENT)  # that alone was asked: not known, to be asked again
        scene.clear_faults()
        await house.settle(off.id)
        await house.look(off.id)  # to Google a calendar that is closed has no events: what is still there is taken away now
        await house.agrees(off.id)

    run(tmp_path, scene, check)


def test_a_new_length_is_kept_and_a_deadline_alone_keeps_the_old_one(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.moves_task(meeting.kommo_task_id, WEDNESDAY, duration=5400)
        await house.look(meeting.id, TASK)
        await house.later(meeting.id)
        longer = await house.agrees(meeting.id)
        assert (longer.starts_at, longer.ends_at) == (at(WEDNESDAY), at("2026-03-11 11:30"))
        house.seller.moves_task(meeting.kommo_task_id, "2026-03-12 14:00", duration=0)
        await house.look(meeting.id, TASK)
        await house.later(meeting.id)
        moved = await house.agrees(meeting.id)
        assert (moved.starts_at, moved.ends_at) == (at("2026-03-12 14:00"), at("2026-03-12 15:30"))

    run(tmp_path, scene, check)


def test_a_new_time_and_a_new_seller_are_one_change(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.hands_task(meeting.kommo_task_id, BRUNO)
        await house.look(meeting.id, TASK)
        house.seller.moves_task(meeting.kommo_task_id, WEDNESDAY)
        await house.look(meeting.id, TASK)
        await house.later(meeting.id)
        assert await house.story(meeting.id) == [("booked", "customer_booked"), ("moved", "task_moved")]
        assert (await house.agrees(meeting.id)).kommo_user_id == BRUNO
        assert house.events() == [(BRUNO, WEDNESDAY)]
        assert "Com Bruno Teixeira" in house.told()[1]
        assert len(house.told()) == 2

    run(tmp_path, scene, check)


@pytest.mark.parametrize("surface", [TASK, LEAD])
def test_a_no_show_before_the_start_is_put_back_with_a_note(tmp_path: Path, scene: Stage, surface: HintEntity) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        if surface is TASK:
            house.seller.completes_task(meeting.kommo_task_id, "não veio")
        else:
            house.seller.writes_on_lead(status="no_show")
        await house.look(meeting.id, surface)
        await house.later(meeting.id)
        assert (await house.agrees(meeting.id)).status == "scheduled"  # the task is open again, the lead says scheduled
        [note] = await house.noted()
        assert "ainda não começou" in note
        assert len(house.told()) == 1
        scene.control("/clock", now=at("2026-03-10 15:10").isoformat())
        await house.look(meeting.id)  # what was put back is not followed later
        assert (await house.agrees(meeting.id)).status == "scheduled"
        house.seller.completes_task(meeting.kommo_task_id, "não veio")
        await house.look(meeting.id, TASK)
        await house.later(meeting.id)
        assert (await house.agrees(meeting.id)).status == "no_show"

    run(tmp_path, scene, check)


def test_a_no_show_before_the_start_does_not_correct_a_completion(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.completes_task(meeting.kommo_task_id)
        await house.look(meeting.id, TASK)
        await house.later(meeting.id)
        house.seller.writes_on_lead(status="no_show")
        await house.look(meeting.id, LEAD)
        await house.later(meeting.id)
        assert (await house.agrees(meeting.id)).status == "completed"
        assert house.fields()[1] == "completed"

    run(tmp_path, scene, check)


def test_a_mark_is_corrected_on_the_lead_without_a_second_message(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        scene.control("/clock", now=at("2026-03-10 15:10").isoformat())
        house.seller.completes_task(meeting.kommo_task_id, "não veio")
        await house.look(meeting.id, TASK)
        await house.later(meeting.id)
        assert house.fields()[1] == "no_show"
        house.seller.writes_on_lead(status="Realizada")
        await house.look(meeting.id, LEAD)
        await house.later(meeting.id)
        assert house.fields()[1] == "completed"
        await house.look(meeting.id)  # the task's older result does not change it back
        await house.agrees(meeting.id)
        assert [what for what, _ in await house.story(meeting.id)] == ["booked", "no_show", "completed"]
        assert len(house.told()) == 2

    run(tmp_path, scene, check)


# --- what can't be followed -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (SUNDAY, "fora do expediente"),
        ("2026-03-09 07:00", "já passou"),
        ("2026-03-11 09:00", "já tem compromisso"),
    ],
)
def test_a_time_that_can_not_be_kept_goes_back_with_a_note_and_the_customer_hears_nothing(
    tmp_path: Path, scene: Stage, start: str, reason: str
) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.is_busy("2026-03-11 09:00")
        house.seller.moves_task(meeting.kommo_task_id, start)
        await house.look(meeting.id, TASK)
        await house.later(meeting.id)
        await house.agrees(meeting.id)
        assert await house.story(meeting.id) == [("booked", "customer_booked")]
        (note,) = await house.noted()
        assert reason in note
        assert "continua em" in note
        assert "Ana Ribeiro" in note
        assert len(house.told()) == 1
        await house.look(meeting.id)
        assert len(await house.noted()) == 1

    run(tmp_path, scene, check)


def test_what_else_was_done_at_the_same_time_is_not_refused_with_it(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.moves_task(meeting.kommo_task_id, SUNDAY)
        house.seller.moves_event(meeting, WEDNESDAY)
        await house.look(meeting.id, TASK)
        await house.later(meeting.id)
        assert "fora do expediente" in (await house.noted())[0]
        await house.later(meeting.id)  # only now is the event's move seen: it may be undone for a while
        await house.later(meeting.id)
        assert await house.story(meeting.id) == [("booked", "customer_booked"), ("moved", "event_moved")]
        assert (await house.agrees(meeting.id)).starts_at == at(WEDNESDAY)
        assert len(house.told()) == 2

    run(tmp_path, scene, check)


def test_each_refused_act_has_a_note_of_its_own(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        for _ in range(2):
            house.seller.moves_task(meeting.kommo_task_id, SUNDAY)
            await house.look(meeting.id, TASK)
            await house.later(meeting.id)
        assert len(await house.noted()) == 2
        await house.agrees(meeting.id)

    run(tmp_path, scene, check)


def test_a_refusal_that_kommo_kept_from_going_back_is_noted_once(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.moves_task(meeting.kommo_task_id, SUNDAY)
        await house.look(meeting.id, TASK)
        scene.fault("kommo", method="PATCH", path="/tasks", status=503)
        with pytest.raises(ServiceError):
            await house.later(meeting.id)
        await house.sync.look_again(meeting.id)
        await house.later(meeting.id)
        assert len(await house.noted()) == 1
        await house.agrees(meeting.id)

    run(tmp_path, scene, check)


def test_on_the_calendar_itself_the_seller_may_choose_any_time_to_come(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.is_busy(SUNDAY)
        house.seller.moves_event(meeting, SUNDAY)
        await house.look(meeting.id, EVENT)
        await house.later(meeting.id)
        assert (await house.agrees(meeting.id)).starts_at == at(SUNDAY)
        assert [call for call in scene.calls("google", meeting.event_id) if call["method"] == "PATCH"] == []

    run(tmp_path, scene, check)


def test_an_event_moved_into_the_past_goes_back(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.moves_event(meeting, "2026-03-09 07:00")
        await house.look(meeting.id, EVENT)
        await house.later(meeting.id)
        await house.agrees(meeting.id)
        assert house.events() == [(ANA, TUESDAY)]
        assert "já passou" in (await house.noted())[0]

    run(tmp_path, scene, check)


def test_a_meeting_can_not_be_handed_to_a_seller_who_is_not_there_then(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked("2026-03-10 09:00")  # Bruno starts at ten
        house.seller.hands_task(meeting.kommo_task_id, BRUNO)
        await house.look(meeting.id, TASK)
        await house.later(meeting.id)
        await house.agrees(meeting.id)
        assert house.events() == [(ANA, "2026-03-10 09:00")]
        assert "fora do expediente" in (await house.noted())[0]
        assert len(house.told()) == 1

    run(tmp_path, scene, check)


def test_a_lead_handed_to_such_a_seller_keeps_its_new_user_and_is_refused_once(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked("2026-03-10 09:00")
        house.seller.hands_lead(BRUNO)
        await house.look(meeting.id, LEAD)
        await house.later(meeting.id)
        for about in (LEAD, None):
            await house.look(meeting.id, about)
        await house.agrees(meeting.id)
        assert house.lead()["responsible_user_id"] == BRUNO  # whose lead it is, is not ours to say
        assert len(await house.noted()) == 1

    run(tmp_path, scene, check)


# --- what is put back -------------------------------------------------------------------------------------------------


def goes_all_day(house: House, meeting: Meeting) -> None:
    where = {"calendar_id": meeting.calendar_id, "event_id": meeting.event_id}
    house.seller.does("/calendar/event/move", **where, start="2026-03-10", end="2026-03-11")


@pytest.mark.parametrize(
    ("do", "about"),
    [
        (lambda h, _: h.seller.writes_on_lead(link=None), LEAD),
        (lambda h, _: h.seller.writes_on_lead(link="https://elsewhere.example", status="?"), LEAD),
        (lambda h, _: h.seller.writes_on_lead(status=None, link=None), None),
        (goes_all_day, EVENT),
        (goes_all_day, None),
    ],
    ids=["link wiped", "other words", "both wiped, not told", "all day", "all day, not told"],
)
def test_what_says_nothing_goes_back_to_what_is_agreed(
    tmp_path: Path, scene: Stage, do: Callable[[House, Meeting], None], about: HintEntity | None
) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        shown = house.fields()
        do(house, meeting)
        await house.look(meeting.id, about)
        await house.agrees(meeting.id)
        assert house.fields() == shown
        assert len(house.told()) == 1
        assert await house.noted() == []

    run(tmp_path, scene, check)


def test_what_could_not_be_put_back_is_put_back_at_the_next_look(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        shown = house.fields()
        house.seller.writes_on_lead(link=None)
        scene.fault("kommo", method="PATCH", status=503)
        with pytest.raises(ServiceError):
            await house.look(meeting.id, LEAD)
        await house.look(meeting.id, LEAD)
        assert house.fields() == shown

    run(tmp_path, scene, check)


def test_nothing_revives_a_cancelled_meeting_and_what_is_tried_goes_back(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.writes_on_lead(status="cancelled")
        await house.look(meeting.id, LEAD)
        await house.later(meeting.id)
        await house.agrees(meeting.id)
        house.seller.writes_on_lead(status="scheduled")
        house.seller.reopens_task(meeting.kommo_task_id)
        house.seller.moves_task(meeting.kommo_task_id, WEDNESDAY)
        await house.look(meeting.id)
        await house.agrees(meeting.id)
        assert house.fields()[1] == "cancelled"
        assert house.events() == []
        assert len(house.told()) == 2

    run(tmp_path, scene, check)


def test_a_task_reopened_after_the_meeting_is_closed_again(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.completes_task(meeting.kommo_task_id)
        await house.look(meeting.id, TASK)
        await house.later(meeting.id)
        house.seller.reopens_task(meeting.kommo_task_id)
        await house.look(meeting.id, TASK)
        await house.agrees(meeting.id)
        assert house.task(meeting.kommo_task_id)["is_completed"]  # type: ignore[index]

    run(tmp_path, scene, check)


# --- what happened between our look and our write ---------------------------------------------------------------------


def test_a_lead_lost_just_before_we_wrote_on_it_is_not_overlooked(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.stages_lead(LOST)
        await house.changed(meeting.id, start=WEDNESDAY)  # the customer moves; the lead is read before it is written on
        assert not (await house.settle(meeting.id)).lead
        await house.look(meeting.id, LEAD)
        await house.later(meeting.id)
        assert (await house.story(meeting.id))[-1] == ("cancelled", "lead_lost")

    run(tmp_path, scene, check)


def test_a_lead_handed_over_just_before_we_wrote_on_it_is_not_overlooked(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        await house.changed(meeting.id, start=WEDNESDAY)
        house.seller.hands_lead(BRUNO)
        assert not (await house.settle(meeting.id)).lead
        await house.look(meeting.id, LEAD)
        await house.later(meeting.id)
        assert (await house.story(meeting.id))[-1] == ("handed_over", "lead_handed_over")
        assert (await house.agrees(meeting.id)).kommo_user_id == BRUNO

    run(tmp_path, scene, check)


def test_what_the_lead_says_of_an_earlier_meeting_does_not_end_the_next_one(tmp_path: Path, scene: Stage) -> None:
    """The lead still shows "cancelled", for Kommo takes no writes; a webhook has it looked at."""

    async def check(house: House) -> None:
        first = await house.booked()
        house.seller.deletes_task(first.kommo_task_id)
        await house.look(first.id, TASK)
        assert house.fields()[1] == "cancelled"
        scene.fault("kommo", method="PATCH", path="/leads", status=503, times=-1)
        second = await house.booked(WEDNESDAY, customer=first.customer_id, settled=False)
        assert not (await house.settle(second.id)).lead
        scene.advance(seconds=UNDO_S)
        for about in (LEAD, None):
            assert not (await house.look(second.id, about)).is_change
        scene.clear_faults()
        assert (await house.settle(second.id)).complete
        await house.agrees(second.id)
        assert house.fields() == ((await house.one(second.id)).link, "scheduled")

    run(tmp_path, scene, check)


# --- two people, one lead ---------------------------------------------------------------------------------------------


async def couple(house: House) -> tuple[Meeting, Meeting]:
    """Maria and João share Maria's lead; each has a meeting, João's is the newer one."""
    first = await house.booked(TUESDAY)
    joao = await house.customer(MARIA, OTHER_PHONE, "João Lima")
    return first, await house.booked(WEDNESDAY, customer=joao)


def test_of_two_meetings_on_a_lead_its_fields_speak_of_the_newer_one(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        first, second = await couple(house)
        assert house.fields() == (second.link, "scheduled")
        await house.look(first.id)
        await house.look(second.id)
        assert house.fields() == (second.link, "scheduled")
        scene.control("/clock", now=second.ends_at.isoformat())
        house.seller.writes_on_lead(link=None, status="no_show")
        for meeting in (first, second):
            await house.look(meeting.id, LEAD)
        await house.later(second.id)
        assert (await house.one(first.id)).status == "scheduled"
        assert (await house.agrees(second.id)).status == "no_show"
        assert house.fields() == (second.link, "no_show")
        assert [len(house.told()), len(house.told(OTHER_PHONE))] == [1, 2]
        await house.agrees(first.id)

    run(tmp_path, scene, check)


def test_a_change_of_the_older_meeting_leaves_the_lead_to_the_newer_one(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        first, second = await couple(house)
        house.seller.deletes_task(first.kommo_task_id)
        await house.look(first.id, TASK)
        assert (await house.agrees(first.id)).status == "cancelled"
        await house.agrees(second.id)
        assert house.fields() == (second.link, "scheduled")
        assert "foi cancelada" in house.told()[-1]
        assert len(house.told(OTHER_PHONE)) == 1

    run(tmp_path, scene, check)


def test_a_lead_that_ends_ends_the_meetings_of_both(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        first, second = await couple(house)
        async with house.db.transaction() as session:
            named = [meeting.id for meeting in await meetings_named(session, LEAD, MARIA)]
        assert named == [second.id, first.id]
        house.seller.deletes_lead()
        for meeting_id in named:
            await house.look(meeting_id, LEAD)
        for meeting in (first, second):
            assert (await house.agrees(meeting.id)).status == "cancelled"
        assert "foi cancelada" in house.told()[-1]
        assert "foi cancelada" in house.told(OTHER_PHONE)[-1]

    run(tmp_path, scene, check)


def test_hints_name_the_meetings_they_are_about(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        first, second = await couple(house)
        third = await house.booked("2026-03-12 10:00", customer=second.customer_id)
        await house.settler.cases.mark(first.id, status="completed")
        async with house.db.transaction() as session:

            async def named(entity: HintEntity, entity_id: int | None) -> list[int]:
                return [m.id for m in await meetings_named(session, entity, entity_id or 0)]

            assert await named(LEAD, MARIA) == [third.id, second.id]
            assert await named(TASK, first.kommo_task_id) == [first.id]
            assert await named(EVENT, second.id) == [second.id]
            assert await named(LEAD, JOAO) == await named(TASK, 999) == await named(EVENT, 999) == []

    run(tmp_path, scene, check)


# --- a lead without a meeting -----------------------------------------------------------------------------------------


def test_a_lead_without_a_meeting_says_whose_it_is_and_may_silence_the_agent(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        customer_id = await house.customer()

        async def heeded() -> tuple[int | None, bool]:
            await house.sync.look_at_lead(customer_id)
            async with house.db.transaction() as session:
                row = await session.get_one(Customer, customer_id)
                return row.kommo_user_id, row.paused_until is not None

        assert await heeded() == (None, False)
        house.seller.hands_lead(BRUNO)
        house.seller.does("/seller/lead/edit", lead_id=MARIA, tags_add=["humano"])
        assert await heeded() == (BRUNO, True)
        house.seller.does("/seller/lead/edit", lead_id=MARIA, tags_delete=["humano"])
        house.seller.hands_lead(10000)
        assert await heeded() == (None, False)
        house.seller.deletes_lead()
        assert await heeded() == (None, False)

    run(tmp_path, scene, check)
