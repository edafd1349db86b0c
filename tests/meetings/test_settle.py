"""A revision reaches calendar, task, lead and customer once, whatever fails or is killed in between; over served services."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from meeting_scene import ANA, BRUNO, at
from sync_scene import (
    EVENT,
    LEAD,
    MARIA,
    TUESDAY,
    TUESDAY_LATER,
    WEDNESDAY,
    House,
    Stage,
    reset,
    run,
    staged,
)

from meetings.settle import HOLD_MIN, Receipts
from meetings.tables import Meeting, MeetingPhase, MeetingStatus, Message, MessageState

CANCELLED = {"what": "cancelled", "hint": "customer_cancelled", "status": MeetingStatus.CANCELLED}
HANDED = {"what": "handed_over", "by": "seller", "source": "task", "hint": "task_handed_over", "seller": BRUNO}
START = "2026-03-10 15:00"  # a time at which both sellers are there


@pytest.fixture(scope="module")
def shared_scene() -> Iterator[Stage]:
    with staged() as scene:
        yield scene


@pytest.fixture
def scene(shared_scene: Stage) -> Stage:
    reset(shared_scene)
    return shared_scene


async def settled(house: House, meeting_id: int) -> Meeting:
    """Settles as often as it takes, at the times that are planned; fails when there is no end of it."""
    for _ in range(8):
        if (await house.settle(meeting_id)).complete:
            return await house.agrees(meeting_id)
        planned = (await house.one(meeting_id)).next_try_at
        assert planned is not None, "it is not planned again"
        house.scene.control("/clock", now=max(planned, house.scene.now()).isoformat())
    raise AssertionError((await house.one(meeting_id)).problem)


# --- what a revision leads to -----------------------------------------------------------------------------------------


def test_a_booking_is_on_the_calendar_on_the_lead_and_told(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        assert house.events() == [(ANA, TUESDAY)]
        assert house.fields() == (meeting.link, "scheduled")
        (task,) = house.tasks()
        assert task["text"] == f"Visita técnica com Maria Souza, 10/03/2026 14:00 #{meeting.id}"
        assert len(house.told()) == 1
        assert house.told()[0].startswith("✅ Marcado, Maria!")
        assert (meeting.phase, meeting.problem, meeting.attempts) == (MeetingPhase.BOOKED, None, 0)
        assert await house.noted() == []  # it shows on the lead by itself
        await house.agrees(meeting.id)

    run(tmp_path, scene, check)


def test_settling_again_writes_nothing(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        before = house.writes()
        assert await house.settle(meeting.id) == Receipts(event=True, task=True, lead=True, notice=True)
        assert house.writes() == before

    run(tmp_path, scene, check)


@pytest.mark.parametrize(
    ("values", "note", "told"),
    [
        ({"start": WEDNESDAY}, "mudou para", "Agora é quarta-feira"),
        (CANCELLED, "foi cancelada (o cliente pediu para cancelar)", "cancelei a visita técnica"),
        (HANDED, "agora é com Bruno Teixeira (o responsável pela tarefa mudou)", "agora será com Bruno Teixeira"),
        (
            {"what": "no_show", "by": "seller", "source": "lead", "hint": "status_set_no_show", "status": MeetingStatus.NO_SHOW},
            "ficou como não compareceu (meeting_status no lead foi posto em no_show)",
            "sentimos sua falta",
        ),
    ],
)
def test_a_change_is_carried_everywhere_with_one_note_that_says_why(
    tmp_path: Path, scene: Stage, values: dict[str, Any], note: str, told: str
) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked(START)
        await house.changed(meeting.id, **values)
        await settled(house, meeting.id)
        (text,) = await house.noted()
        assert note in text
        assert f"#{meeting.id}" in text
        assert told in house.told()[1]
        assert len(house.told()) == 2

    run(tmp_path, scene, check)


def test_an_event_keeps_its_id_and_link_when_it_moves(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        await house.changed(meeting.id, start=WEDNESDAY)
        moved = await settled(house, meeting.id)
        assert (moved.event_id, moved.link) == (meeting.event_id, meeting.link)

    run(tmp_path, scene, check)


def test_an_event_that_somebody_deleted_is_made_anew_when_the_customer_moves_the_meeting(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.deletes_event(meeting)
        await house.changed(meeting.id, start=WEDNESDAY)
        moved = await settled(house, meeting.id)
        assert moved.event_id != meeting.event_id
        assert house.events() == [(ANA, WEDNESDAY)]
        assert house.fields()[0] == moved.link != meeting.link

    run(tmp_path, scene, check)


def test_the_notice_and_the_task_do_not_wait_for_the_lead_and_nobody_is_told_before_the_event_is_there(
    tmp_path: Path, scene: Stage
) -> None:
    async def check(house: House) -> None:
        scene.fault("kommo", method="PATCH", status=503, times=-1)
        meeting = await house.booked(settled=False)
        assert await house.settle(meeting.id) == Receipts(event=True, task=True, lead=False, notice=True)
        scene.clear_faults()
        await settled(house, meeting.id)
        scene.fault("google", method="PATCH", status=503)
        await house.changed(meeting.id, start=WEDNESDAY)
        assert await house.settle(meeting.id) == Receipts(event=False, task=False, lead=False, notice=False)
        assert len(house.told()) == 1
        await settled(house, meeting.id)
        assert len(house.told()) == 2

    run(tmp_path, scene, check)


def test_what_fails_is_tried_again_after_growing_waits_and_says_why(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        await house.changed(meeting.id, start=WEDNESDAY)
        scene.fault("google", status=503, times=-1)
        waits = []
        for _ in range(11):
            await house.settle(meeting.id)
            row = await house.one(meeting.id)
            assert row.next_try_at is not None
            assert row.problem == "Google Calendar: move event failed (status 503)"
            waits.append((row.next_try_at - scene.now()).total_seconds())
        assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]
        scene.clear_faults()
        await settled(house, meeting.id)
        row = await house.one(meeting.id)
        assert (row.attempts, row.problem, row.next_try_at) == (0, None, None)

    run(tmp_path, scene, check)


def test_a_write_that_kommo_accepted_and_lost_is_seen_and_written_again(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        scene.fault("kommo", method="PATCH", path="/leads", swallow=True)
        meeting = await house.booked(settled=False)
        assert not (await house.settle(meeting.id)).lead
        row = await house.one(meeting.id)
        assert row.problem == f"Kommo accepted link and status of lead {MARIA}, but the lead does not show them"
        await settled(house, meeting.id)

    run(tmp_path, scene, check)


# --- killed at any moment ---------------------------------------------------------------------------------------------


class KilledError(BaseException):
    """The process ends here."""


STEPS = {
    "calendar": ("insert_event", "move_event", "delete_event", "get_event"),
    "kommo": ("create_task", "update_task", "complete_task", "update_lead", "get_lead", "list_tasks"),
    "whatsapp": ("send_text",),
    "notes": ("put",),
}


def killed_after(house: House, step: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """From now on the process dies right after that many steps (calls to services, and marks in the database); names them."""
    taken: list[str] = []

    def watch(owner: Any, name: str) -> None:
        act = getattr(owner, name)

        async def watched(*args: Any, **kwargs: Any) -> Any:
            result = await act(*args, **kwargs)
            taken.append(name)
            if len(taken) == step:
                raise KilledError
            return result

        monkeypatch.setattr(owner, name, watched)

    for part, names in STEPS.items():
        for name in names:
            watch(getattr(house, part), name)
    for effect in (house.settler, house.settler.event, house.settler.task, house.settler.lead):
        watch(effect.cases, "mark")
    return taken


async def start_anew(house: House) -> None:
    """Nothing is left of what was before."""
    reset(house.scene)
    async with house.db.transaction() as session:
        for table in reversed(Meeting.metadata.sorted_tables):
            await session.execute(table.delete())


async def killed_everywhere(
    house: House, begin: Callable[[int], Awaitable[int]], monkeypatch: pytest.MonkeyPatch, *, new_tasks: int, notes: int
) -> None:
    """Begins something once per step, dies right after that step and settles anew: all must agree, nothing be there twice.

    Args:
        begin: Given the step, makes a revision that is not carried out; returns the meeting's id.
        new_tasks, notes: How many of them each time is to bring.
    """
    for step in range(1, 40):
        meeting_id = await begin(step)
        before = (len(house.told()), len(house.tasks()), len(await house.noted()))
        with monkeypatch.context() as patch:
            taken = killed_after(house, step, patch)
            try:
                await house.settle(meeting_id)
            except KilledError:
                pass
            else:
                assert step > 8, f"only {taken}"
                return
        house.scene.advance(seconds=1)
        await settled(house, meeting_id)
        after = (len(house.told()), len(house.tasks()), len(await house.noted()))
        assert after == (before[0] + 1, before[1] + new_tasks, before[2] + notes), f"killed after {taken}"
    raise AssertionError("there is no end of steps")


def test_a_booking_killed_between_any_two_steps_ends_with_one_event_one_task_and_one_message(
    tmp_path: Path, scene: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check(house: House) -> None:
        async def begin(step: int) -> int:
            await start_anew(house)
            return (await house.booked(settled=False)).id

        await killed_everywhere(house, begin, monkeypatch, new_tasks=1, notes=0)

    run(tmp_path, scene, check)


@pytest.mark.long
def test_a_hand_over_killed_between_any_two_steps_ends_with_one_event_one_task_and_one_message(
    tmp_path: Path, scene: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There and back, and to another time each time."""

    async def check(house: House) -> None:
        meeting = await house.booked(START)

        async def begin(step: int) -> int:
            way = {"seller": BRUNO, "start": TUESDAY_LATER} if step % 2 else {"seller": ANA, "start": START}
            await house.changed(meeting.id, **{**HANDED, "what": "moved", "hint": "task_moved", **way})
            return meeting.id

        await killed_everywhere(house, begin, monkeypatch, new_tasks=0, notes=1)

    run(tmp_path, scene, check)


@pytest.mark.long
def test_a_cancellation_killed_between_any_two_steps_ends_with_no_event_a_closed_task_and_one_message(
    tmp_path: Path, scene: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check(house: House) -> None:
        async def begin(step: int) -> int:
            await start_anew(house)
            meeting = await house.booked()
            await house.changed(meeting.id, **CANCELLED)
            return meeting.id

        await killed_everywhere(house, begin, monkeypatch, new_tasks=0, notes=1)

    run(tmp_path, scene, check)


CALLS = [
    ("google", "POST", "/events$"),
    ("google", "DELETE", "/events/"),
    ("kommo", "PATCH", "/tasks/"),
    ("kommo", "PATCH", "/leads/"),
    ("evolution", "POST", "/message/sendText"),
]


@pytest.mark.parametrize("call", CALLS, ids=[f"{s} {m}" for s, m, _ in CALLS])
@pytest.mark.parametrize("is_carried_out", [False, True], ids=["not carried out", "carried out"])
def test_handing_over_survives_every_lost_answer(
    tmp_path: Path, scene: Stage, call: tuple[str, str, str], is_carried_out: bool
) -> None:
    service, method, path = call

    async def check(house: House) -> None:
        meeting = await house.booked(START)
        await house.changed(meeting.id, **HANDED)
        scene.fault(service, method=method, path=path, status=503, after_write=is_carried_out)
        assert not (await house.settle(meeting.id)).complete
        await settled(house, meeting.id)
        assert house.events() == [(BRUNO, START)]
        assert len(house.told()) == 2
        assert len(house.tasks()) == 1

    run(tmp_path, scene, check)


def test_a_change_that_comes_while_a_hand_over_is_half_done_ends_at_the_newest_time(tmp_path: Path, scene: Stage) -> None:
    """The new event was made, its answer lost; before it is tried again the customer moves the meeting."""

    async def check(house: House) -> None:
        meeting = await house.booked(START)
        await house.changed(meeting.id, **HANDED)
        scene.fault("google", method="POST", path="/events$", status=503, after_write=True)
        assert not (await house.settle(meeting.id)).event
        assert sorted(house.events()) == [(ANA, START), (BRUNO, START)]
        await house.changed(meeting.id, start=TUESDAY_LATER)
        await house.look(meeting.id)
        assert len(await house.story(meeting.id)) == 3
        await settled(house, meeting.id)
        assert house.events() == [(BRUNO, TUESDAY_LATER)]
        assert not (await house.look(meeting.id)).is_change

    run(tmp_path, scene, check)


def test_a_meeting_handed_there_and_back_again_leaves_one_event(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked(START)
        await house.changed(meeting.id, **HANDED)
        await house.changed(meeting.id, **{**HANDED, "seller": ANA})
        await settled(house, meeting.id)
        assert house.events() == [(ANA, START)]
        assert len(house.told()) == 1  # to the customer nothing has changed

    run(tmp_path, scene, check)


def test_a_meeting_cancelled_while_a_hand_over_is_half_done_leaves_no_event(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked(START)
        await house.changed(meeting.id, **HANDED)
        scene.fault("google", method="DELETE", path="/events/", status=503)
        assert not (await house.settle(meeting.id)).event
        await house.changed(meeting.id, **CANCELLED)
        await settled(house, meeting.id)
        assert house.events() == []
        assert "Ana Ribeiro" in house.told()[1]  # whom the customer knows

    run(tmp_path, scene, check)


# --- the task whose answer was lost -----------------------------------------------------------------------------------


def test_a_task_whose_answer_was_lost_is_found_again_and_no_second_one_is_made(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        scene.fault("kommo", method="POST", path="/tasks", drop="after")
        meeting = await house.booked(settled=False)
        assert not (await house.settle(meeting.id)).task
        await settled(house, meeting.id)
        assert len(house.tasks()) == 1

    run(tmp_path, scene, check)


def test_such_a_task_gets_the_time_the_meeting_has_by_then(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        scene.fault("kommo", method="POST", path="/tasks", drop="after")
        meeting = await house.booked(settled=False)
        await house.settle(meeting.id)
        await house.changed(meeting.id, start=WEDNESDAY)
        moved = await settled(house, meeting.id)
        assert moved.starts_at == at(WEDNESDAY)
        assert len(house.tasks()) == 1

    run(tmp_path, scene, check)


def test_what_a_seller_did_to_such_a_task_meanwhile_is_seen(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        scene.fault("kommo", method="POST", path="/tasks", drop="after")
        meeting = await house.booked(settled=False)
        await house.settle(meeting.id)
        (task,) = house.tasks()
        house.seller.moves_task(task["id"], WEDNESDAY)
        assert (await house.settle(meeting.id)).complete
        scene.advance(hours=1)
        await house.look(meeting.id)
        assert (await house.agrees(meeting.id)).starts_at == at(WEDNESDAY)

    run(tmp_path, scene, check)


def test_such_a_task_of_a_meeting_cancelled_meanwhile_is_closed(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        scene.fault("kommo", method="POST", path="/tasks", drop="after")
        meeting = await house.booked(settled=False)
        await house.settle(meeting.id)
        await house.changed(meeting.id, **CANCELLED)
        await settled(house, meeting.id)
        (task,) = house.tasks()
        assert (task["is_completed"], task["result"]) == (True, "Cancelado pelo cliente")

    run(tmp_path, scene, check)


# --- notices that may or may not have gone out ------------------------------------------------------------------------

SEND = {"method": "POST", "path": "/message/sendText"}


@pytest.mark.parametrize("is_announced", [False, True], ids=["nothing heard", "its webhook came"])
def test_a_notice_that_did_go_out_counts_as_told_when_a_newer_change_comes(
    tmp_path: Path, scene: Stage, is_announced: bool
) -> None:
    """Moved; the notice arrives, its answer is lost; moved once more before it is tried again."""

    async def check(house: House) -> None:
        meeting = await house.booked()
        await house.changed(meeting.id, start=WEDNESDAY)
        scene.fault("evolution", **SEND, drop="after")
        assert not (await house.settle(meeting.id)).notice
        if is_announced:
            await announced(house, f"meeting:{meeting.id}:2:moved")
        await house.changed(meeting.id, start="2026-03-12 16:00")
        await settled(house, meeting.id)
        assert len(house.told()) == 3
        assert "Antes: quarta-feira, 11 de março" in house.told()[2]
        assert "Agora é quinta-feira, 12 de março" in house.told()[2]

    run(tmp_path, scene, check)


@pytest.mark.parametrize("is_announced", [False, True], ids=["nothing heard", "its webhook came"])
def test_going_back_is_told_to_who_was_told_of_going(tmp_path: Path, scene: Stage, is_announced: bool) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        await house.changed(meeting.id, start=WEDNESDAY)
        scene.fault("evolution", **SEND, drop="after")
        await house.settle(meeting.id)
        if is_announced:
            await announced(house, f"meeting:{meeting.id}:2:moved")
        await house.changed(meeting.id, start=TUESDAY)
        await settled(house, meeting.id)
        assert len(house.told()) == 3
        assert "Agora é terça-feira, 10 de março" in house.told()[2]

    run(tmp_path, scene, check)


async def announced(house: House, key: str) -> None:
    """What the inbox does when WhatsApp announces our own message before, or instead of, the answer."""
    async with house.db.transaction() as session:
        row = await session.scalar(Message.__table__.select().where(Message.key == key).with_only_columns(Message.id))
        message = await session.get_one(Message, row)
        assert message.state == MessageState.SENDING
        message.state, message.vendor_id = MessageState.SENT, house.scene.chat()[-1]["id"]


@pytest.mark.parametrize(("back_to", "messages"), [(TUESDAY, 1), ("2026-03-12 16:00", 2)])
def test_a_notice_that_never_went_out_is_withdrawn_and_told_with_the_next_change(
    tmp_path: Path, scene: Stage, back_to: str, messages: int
) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        await house.changed(meeting.id, start=WEDNESDAY)
        scene.fault("evolution", **SEND, drop="before")
        assert not (await house.settle(meeting.id)).notice
        await house.changed(meeting.id, start=back_to)
        await settled(house, meeting.id)
        assert len(house.told()) == messages
        assert not any("quarta-feira" in text for text in house.told())
        if messages == 2:
            assert "Antes: terça-feira, 10 de março" in house.told()[1]

    run(tmp_path, scene, check)


def test_while_whatsapp_can_not_say_whether_the_older_notice_went_out_the_newer_one_waits(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        await house.changed(meeting.id, start=WEDNESDAY)
        scene.fault("evolution", **SEND, drop="after")
        await house.settle(meeting.id)
        await house.changed(meeting.id, **CANCELLED)
        scene.fault("evolution", path="/chat/findMessages", status=503)
        receipts = await house.settle(meeting.id)
        assert receipts == Receipts(event=True, task=True, lead=True, notice=False)
        assert len(house.told()) == 2
        await settled(house, meeting.id)
        assert len(house.told()) == 3
        assert "quarta-feira, 11 de março" in house.told()[2]

    run(tmp_path, scene, check)


def test_a_reminder_or_a_reply_that_is_on_its_way_is_not_withdrawn(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        waiting = [
            f"meeting:{meeting.id}:remind:24",
            f"meeting:{meeting.id}:sorry",
            "turn:1:1:0:reply",
            f"meeting:{meeting.id}9:2:moved",
        ]
        for key in waiting:
            await house.outbox.put(meeting.customer_id, key, f"texto {key}", meeting_id=meeting.id)
        notice = f"meeting:{meeting.id}:2:moved"
        await house.outbox.put(meeting.customer_id, notice, "aviso antigo", meeting_id=meeting.id)
        assert await house.outbox.withdraw(meeting.id, except_key=f"meeting:{meeting.id}:3:moved") == [
            f"meeting:{meeting.id}:1:booked"
        ]
        states = {}
        for key in (*waiting, notice):
            states[key] = (await house.outbox.put(meeting.customer_id, key, "")).state
        assert states == {**dict.fromkeys(waiting, MessageState.PENDING), notice: MessageState.FAILED}

    run(tmp_path, scene, check)


def test_a_customer_who_can_not_be_reached_is_not_counted_as_told(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        nowhere = {"message": [{"jid": "5511987654321@s.whatsapp.net", "exists": False, "number": "5511987654321"}]}
        body = {"status": 400, "error": "Bad Request", "response": nowhere}
        scene.fault("evolution", **SEND, status=400, body=body, times=2)  # in both spellings
        await house.changed(meeting.id, start=WEDNESDAY)
        assert (await house.settle(meeting.id)).complete
        assert len(house.told()) == 1
        await house.changed(meeting.id, start="2026-03-12 16:00")
        await settled(house, meeting.id)
        assert "Antes: terça-feira, 10 de março" in house.told()[1]

    run(tmp_path, scene, check)


# --- a held time whose event can't be made ----------------------------------------------------------------------------


def test_a_held_time_is_given_back_after_half_an_hour_and_the_customer_is_told(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        scene.fault("google", method="POST", path="/events$", status=503, times=-1)
        meeting = await house.booked(settled=False)
        scene.advance(minutes=HOLD_MIN)
        await house.settle(meeting.id)
        assert (await house.one(meeting.id)).phase == MeetingPhase.HELD
        scene.advance(seconds=1)
        await house.settle(meeting.id)
        assert (await house.one(meeting.id)).phase == MeetingPhase.RELEASED
        assert len(house.told()) == 1
        assert "não consegui confirmar o horário que você escolheu" in house.told()[0]
        scene.clear_faults()
        before = house.writes()
        assert (await house.settle(meeting.id)).complete
        assert house.writes() == before
        assert house.events() == house.tasks() == []

    run(tmp_path, scene, check)


def test_an_insert_that_got_through_after_all_is_taken_back_when_the_time_is_given_back(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        scene.fault("google", method="POST", path="/events$", status=503, after_write=True)
        meeting = await house.booked(settled=False)
        await house.settle(meeting.id)
        assert house.events() == [(ANA, TUESDAY)]
        scene.fault("google", status=503, times=2)
        scene.advance(minutes=HOLD_MIN, seconds=1)
        await house.settle(meeting.id)  # neither can be told: it stays held until the event is surely gone
        assert (await house.one(meeting.id)).phase == MeetingPhase.HELD
        assert house.told() == []
        scene.fault("google", method="POST", path="/events$", status=503)
        await house.settle(meeting.id)
        assert (await house.one(meeting.id)).phase == MeetingPhase.RELEASED
        assert house.events() == []
        assert len(house.told()) == 1

    run(tmp_path, scene, check)


# --- what is put back -------------------------------------------------------------------------------------------------


def test_putting_back_what_is_right_already_changes_nothing_anybody_sees(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        shown = (house.events(), house.fields(), house.tasks()[0]["complete_till"])
        await house.settler.put_back(meeting.id, frozenset({"task", LEAD, EVENT}))
        assert (house.events(), house.fields(), house.tasks()[0]["complete_till"]) == shown
        await house.agrees(meeting.id)
        before = house.writes()
        await house.settler.put_back(meeting.id, frozenset())
        assert house.writes() == before

    run(tmp_path, scene, check)


def test_putting_back_a_deleted_task_or_lead_is_left_to_the_look_that_sees_it(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.deletes_task(meeting.kommo_task_id)
        house.seller.deletes_lead()
        await house.settler.put_back(meeting.id, frozenset({"task", "lead"}))
        await house.look(meeting.id)
        assert (await house.agrees(meeting.id)).status == "cancelled"

    run(tmp_path, scene, check)


def test_a_meeting_of_a_customer_whose_phone_is_hidden_waits_for_no_lead(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        customer_id = await house.customer(None, phone="")
        meeting = await house.booked(customer=customer_id, settled=False)
        receipts = await house.settle(meeting.id)
        assert (receipts.event, receipts.task, receipts.lead) == (True, True, True)
        assert scene.state("kommo")["tasks"] == []

    run(tmp_path, scene, check)


def test_a_task_moved_in_the_very_second_of_our_own_change_still_counts(tmp_path: Path, scene: Stage) -> None:
    """Kommo tells whole seconds; our change is not carried out yet."""

    async def check(house: House) -> None:
        meeting = await house.booked()
        await house.changed(meeting.id, start=WEDNESDAY)
        moved_to = int(at(TUESDAY_LATER).timestamp())
        scene.control("/seller/task/move", task_id=meeting.kommo_task_id, complete_till=moved_to)
        assert (await house.look(meeting.id)).starts_at == at(TUESDAY_LATER)

    run(tmp_path, scene, check)
