"""The sweep finds what no webhook told, changes nothing itself, and asks few questions; over served services."""

from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from meeting_scene import ANA, BRUNO, PHONE, at
from rich.console import Console
from sqlalchemy import select
from sync_scene import (
    EMPTY,
    FOLLOW_UP,
    JOAO,
    MARIA,
    MEETING,
    OTHER_PHONE,
    SUNDAY,
    TASK,
    TUESDAY,
    WEDNESDAY,
    House,
    Stage,
    close_calendar,
    reset,
    run,
    staged,
)

from cli.operate import show_comparison, show_story
from clients.errors import ServiceError
from meetings import sweep
from meetings.story import story_of
from meetings.sweep import Comparison
from meetings.tables import Hint, Meeting, MeetingPhase, MeetingStatus, Message, MessageState
from prompts.catalogue import Catalogue


@pytest.fixture(scope="module")
def shared_scene() -> Iterator[Stage]:
    with staged() as scene:
        yield scene


@pytest.fixture
def scene(shared_scene: Stage) -> Stage:
    reset(shared_scene)
    return shared_scene


async def found(house: House) -> list[tuple[str, ...]]:
    """What a comparison finds, in words: why or what to put back, then what is behind."""
    result = await house.sweeper.compare()
    words = [d.decision.because + "".join(f" {name}" for name in sorted(d.decision.put_back)) for d in result.disagreements]
    return [(word, *d.behind) for word, d in zip(words, result.disagreements, strict=True)]


async def hints(house: House) -> list[Hint]:
    async with house.db.transaction() as session:
        return list(await session.scalars(select(Hint).order_by(Hint.id)))


# --- what it finds ----------------------------------------------------------------------------------------------------

SEEN: dict[str, Callable[[House, Meeting], None]] = {
    "task_deleted": lambda h, m: h.seller.deletes_task(m.kommo_task_id),
    "task_moved": lambda h, m: h.seller.moves_task(m.kommo_task_id, WEDNESDAY),
    "status_set_no_show": lambda h, _: h.seller.writes_on_lead(status="Não compareceu"),
    "lead_deleted": lambda h, _: h.seller.deletes_lead(),
    "event_deleted": lambda h, m: h.seller.deletes_event(m),
    "put_back lead": lambda h, _: h.seller.writes_on_lead(link=None),
}


@pytest.mark.parametrize("name", SEEN)
def test_what_no_webhook_told_is_found_and_looked_at(tmp_path: Path, scene: Stage, name: str) -> None:
    async def check(house: House) -> None:
        joao = await house.customer(JOAO, OTHER_PHONE, "João Lima")
        meeting = await house.booked("2026-03-10 15:00")
        other = await house.booked("2026-03-12 10:00", customer=joao)
        assert await found(house) == []
        SEEN[name](house, meeting)
        scene.advance(minutes=10)
        before = house.writes()
        assert await found(house) == [(name,)]
        assert (await house.one(meeting.id)).look_at is None
        result = await house.sweeper.sweep()
        assert (result.compared, [d.meeting.id for d in result.disagreements]) == (2, [meeting.id])
        assert result.disagreements[0].customer.name == "Maria Souza"
        assert house.writes() == before
        assert (await house.one(meeting.id)).look_at == scene.now()
        assert (await house.one(other.id)).look_at is None
        await house.later(meeting.id)
        await house.agrees(meeting.id)
        assert await found(house) == []

    run(tmp_path, scene, check)


def test_what_is_still_being_carried_out_is_told_but_not_looked_at(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        await house.changed(meeting.id, start=WEDNESDAY)
        assert await found(house) == [("", "event", "task", "lead", "notice")]
        scene.fault("kommo", method="PATCH", path="/leads", status=503)
        await house.settle(meeting.id)
        assert await found(house) == [("", "lead")]
        await house.sweeper.sweep()
        assert (await house.one(meeting.id)).look_at is None

    run(tmp_path, scene, check)


def test_a_look_that_is_planned_comes_no_later_than_the_sweep_and_no_earlier_than_the_undo_allows(
    tmp_path: Path, scene: Stage
) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.moves_task(meeting.kommo_task_id, WEDNESDAY)
        await house.look(meeting.id, None)
        planned = (await house.one(meeting.id)).look_at
        scene.advance(seconds=10)
        await house.sweeper.sweep()
        await house.later(meeting.id)  # at once, and found to be too early
        row = await house.one(meeting.id)
        assert (row.look_at, row.revision) == (planned, 1)
        scene.control("/clock", now=planned.isoformat())  # type: ignore[union-attr]
        scene.advance(seconds=5)
        await house.sweeper.sweep()
        assert (await house.one(meeting.id)).look_at == planned

    run(tmp_path, scene, check)


def test_tasks_and_leads_are_read_together_and_only_events_one_by_one(
    tmp_path: Path, scene: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check(house: House) -> list[tuple[str, int]]:
        maria, joao = await house.customer(), await house.customer(JOAO, OTHER_PHONE, "João Lima")
        for start, customer in ((TUESDAY, maria), (WEDNESDAY, maria), ("2026-03-12 10:00", joao)):
            await house.booked(start, customer=customer)
        scene.control("/clock", now=scene.now().isoformat())
        before = {path: len(scene.calls(service, path)) for service, path in PATHS}
        assert await found(house) == []
        return [(path, len(scene.calls(service, path)) - before[path]) for service, path in PATHS]

    PATHS = (("kommo", "/tasks"), ("kommo", "/leads"), ("google", "/events/"))  # noqa: N806
    assert run(tmp_path, scene, check) == [("/tasks", 2), ("/leads", 1), ("/events/", 3)]  # and the tasks made by hand
    reset(scene)
    monkeypatch.setattr(sweep, "_CHUNK", 2)  # in portions when there are many
    (tmp_path / "again").mkdir()
    assert run(tmp_path / "again", scene, check) == [("/tasks", 3), ("/leads", 1), ("/events/", 3)]


@pytest.mark.parametrize(
    ("status", "days_ago", "is_compared"),
    [
        (MeetingStatus.SCHEDULED, 7, True),  # it ended six days ago
        (MeetingStatus.SCHEDULED, 9, False),  # forgotten by everybody
        (MeetingStatus.COMPLETED, 6, True),
        (MeetingStatus.COMPLETED, 8, False),
        (MeetingStatus.CANCELLED, 6, True),
        (MeetingStatus.CANCELLED, 8, False),
        (MeetingStatus.NO_SHOW, 8, False),
    ],
)
def test_what_is_over_is_compared_for_a_week(
    tmp_path: Path, scene: Stage, status: MeetingStatus, days_ago: int, is_compared: bool
) -> None:
    async def check(house: House) -> int:
        meeting = await house.booked()
        await house.settler.cases.mark(meeting.id, status=status, updated_at=scene.now())
        scene.advance(days=days_ago)
        return (await house.sweeper.compare()).compared

    assert run(tmp_path, scene, check) == int(is_compared)


@pytest.mark.parametrize("phase", [MeetingPhase.HELD, MeetingPhase.RELEASED])
def test_what_is_no_meeting_is_not_compared(tmp_path: Path, scene: Stage, phase: MeetingPhase) -> None:
    async def check(house: House) -> int:
        meeting = await house.booked(settled=False)
        await house.settler.cases.mark(meeting.id, phase=phase)
        return (await house.sweeper.compare()).compared

    assert run(tmp_path, scene, check) == 0


def test_of_several_meetings_on_a_lead_only_the_newest_is_held_to_its_fields(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        await house.booked(TUESDAY)
        joao = await house.customer(MARIA, OTHER_PHONE, "João Lima")
        newer = await house.booked(WEDNESDAY, customer=joao)
        assert await found(house) == []
        house.seller.writes_on_lead(link=None)
        result = await house.sweeper.compare()
        assert [d.meeting.id for d in result.disagreements] == [newer.id]

    run(tmp_path, scene, check)


@pytest.mark.parametrize("status", [404, 403, 503])
def test_a_calendar_that_can_not_be_read_hides_nothing_but_its_own_events(tmp_path: Path, scene: Stage, status: int) -> None:
    async def check(house: House) -> None:
        joao = await house.customer(JOAO, OTHER_PHONE, "João Lima")
        of_ana = await house.booked("2026-03-10 15:00")
        of_bruno = await house.booked("2026-03-12 10:00", customer=joao, seller=BRUNO)
        await house.sweeper.sweep()
        close_calendar(scene, status)
        house.seller.deletes_event(of_ana)
        house.seller.deletes_task(of_bruno.kommo_task_id)
        house.seller.makes_task(WEDNESDAY, lead_id=JOAO)
        result = await house.sweeper.sweep()
        assert (result.compared, result.unread, result.tasks_by_hand) == (2, (of_ana.id,), 1)
        assert [d.meeting.id for d in result.disagreements] == [of_bruno.id]
        scene.clear_faults()
        assert [d.meeting.id for d in (await house.sweeper.sweep()).disagreements] == [of_ana.id, of_bruno.id]

    run(tmp_path, scene, check)


@pytest.mark.parametrize(("service", "path"), [("kommo", "/tasks$"), ("kommo", "/leads$")])
def test_what_can_not_be_read_is_not_compared(tmp_path: Path, scene: Stage, service: str, path: str) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.deletes_task(meeting.kommo_task_id)
        scene.fault(service, method="GET", path=path, status=503)
        with pytest.raises(ServiceError):
            await house.sweeper.sweep()
        assert (await house.one(meeting.id)).look_at is None
        await house.sweeper.sweep()
        assert (await house.one(meeting.id)).look_at == scene.now()

    run(tmp_path, scene, check)


def shown(house: House, result: Comparison) -> str:
    """The table of `marcado sweep --dry-run`."""
    out = Console(width=400, file=StringIO())
    show_comparison(out, result, house.business, Catalogue.load("operator", "pt-BR"), dry_run=True)
    return out.file.getvalue()  # type: ignore[attr-defined, no-any-return]


async def why(house: House, meeting_id: int) -> str:
    out = Console(width=400, file=StringIO())
    show_story(out, await story_of(house.db, meeting_id), house.business, Catalogue.load("operator", "pt-BR"))
    return out.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_a_notice_that_whatsapp_refused_is_found_and_nobody_claims_that_the_customer_knows(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        assert "✔ cliente avisado" in await why(house, meeting.id)
        scene.control("/whatsapp/number", phone=PHONE, exists=False)
        house.seller.moves_task(meeting.kommo_task_id, WEDNESDAY)
        await house.look(meeting.id, TASK)
        await house.later(meeting.id)
        (note,) = await house.noted()
        assert "não pôde ser avisado no WhatsApp" in note
        result = await house.sweeper.sweep()
        assert [(d.meeting.id, d.is_untold, d.needs_look) for d in result.disagreements] == [(meeting.id, True, False)]
        assert "cliente pode não saber" in shown(house, result)
        assert "✘ cliente pode não saber" in await why(house, meeting.id)
        scene.advance(days=3)  # the meeting is over: nobody needs to be told any more
        assert not any(d.is_untold for d in (await house.sweeper.compare()).disagreements)

    run(tmp_path, scene, check)


def test_why_tells_of_refused_changes_and_of_the_task_that_began_it(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        task_id = house.seller.makes_task()
        async with house.db.transaction() as session:
            session.add(Hint(entity="task", entity_id=task_id, action="add", stored_at=scene.now(), kommo_lead_id=MARIA))
        scene.advance(minutes=1)
        await house.by_hand.adopt(await house.customer(), task_id)
        (meeting,) = await house.meetings()
        house.seller.moves_task(task_id, SUNDAY)
        await house.look(meeting.id, TASK)
        await house.later(meeting.id)
        text = await why(house, meeting.id)
        assert "O que não foi possível" in text
        assert "esse horário está fora do expediente" in text
        assert "task[add]" in text

    run(tmp_path, scene, check)


def test_a_notice_that_failed_after_whatsapp_took_it_is_found(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        async with house.db.transaction() as session:
            (message,) = await session.scalars(select(Message))
            message.state = MessageState.FAILED
        assert [d.is_untold for d in (await house.sweeper.compare()).disagreements] == [True]
        assert "✘ cliente pode não saber" in await why(house, meeting.id)

    run(tmp_path, scene, check)


def test_a_cancelled_meeting_costs_one_call_at_google(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        meeting = await house.booked()
        house.seller.deletes_task(meeting.kommo_task_id)
        await house.look(meeting.id, TASK)
        before = len(scene.calls("google", "/"))
        assert await found(house) == []
        assert len(scene.calls("google", "/")) - before == 1

    run(tmp_path, scene, check)


def test_a_merged_lead_is_said_in_words(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        await house.booked()
        house.seller.does("/seller/lead/merge", lead_id=MARIA, into_id=JOAO)
        table = shown(house, await house.sweeper.compare())
        assert "a tarefa está em outro lead" in table
        assert "ainda não chegou" not in table

    run(tmp_path, scene, check, lead_deleted="keep")


# --- tasks made by hand -----------------------------------------------------------------------------------------------


def test_the_first_sweep_takes_no_old_tasks_and_later_ones_find_what_is_new(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        house.seller.makes_task()  # from before our time
        scene.advance(hours=1)
        assert (await house.sweeper.sweep()).tasks_by_hand == 0
        scene.advance(minutes=5)
        task_id = house.seller.makes_task(lead_id=JOAO)
        scene.advance(minutes=5)
        for _ in range(2):  # a dry run shows it and leaves it
            assert "Tarefas de reunião feitas à mão encontradas: 1" in shown(house, await house.sweeper.compare())
        assert await hints(house) == []
        assert (await house.sweeper.sweep()).tasks_by_hand == 1
        (hint,) = await hints(house)
        assert (hint.entity, hint.entity_id, hint.action, hint.kommo_lead_id, hint.task_type) == (
            "task",
            task_id,
            "found",
            JOAO,
            MEETING,
        )
        assert (hint.webhook_id, hint.stored_at, hint.done_at) == (None, scene.now(), None)
        assert (await house.sweeper.sweep()).tasks_by_hand == 0  # it waits to be looked at

    run(tmp_path, scene, check)


def test_a_task_made_between_the_first_start_and_the_first_sweep_is_found(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        house.seller.makes_task()  # from before our time
        scene.advance(minutes=1)
        await house.sweeper.begin()
        scene.advance(minutes=2)
        task_id = house.seller.makes_task(lead_id=JOAO)
        await house.sweeper.begin()  # started again
        scene.advance(minutes=2)
        assert (await house.sweeper.sweep()).tasks_by_hand == 1
        assert [hint.entity_id for hint in await hints(house)] == [task_id]

    run(tmp_path, scene, check)


def test_a_task_that_the_last_list_did_not_show_yet_is_found_too(tmp_path: Path, scene: Stage) -> None:
    """Kommo's clock and ours may differ, and a list may be behind."""

    async def check(house: House) -> None:
        await house.sweeper.sweep()
        scene.advance(hours=1)
        house.seller.makes_task()
        scene.fault("kommo", path="/tasks$", status=204)
        assert (await house.sweeper.sweep()).tasks_by_hand == 0
        scene.advance(minutes=9)
        assert (await house.sweeper.sweep()).tasks_by_hand == 1

    run(tmp_path, scene, check)


def test_only_open_meeting_tasks_on_leads_that_are_no_meeting_s_yet_are_found(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> list[tuple[int, int | None]]:
        await house.sweeper.sweep()
        await house.booked()  # with a task of its own
        house.seller.makes_task(lead_id=JOAO, task_type_id=FOLLOW_UP)
        house.seller.completes_task(house.seller.makes_task(lead_id=JOAO))
        house.seller.deletes_task(house.seller.makes_task(lead_id=JOAO))
        deadline = int(at(TUESDAY).timestamp())
        house.seller.does("/seller/task/create", text="x", complete_till=deadline, contact_id=11)
        house.seller.makes_task(WEDNESDAY, lead_id=EMPTY, seller=ANA)
        assert (await house.sweeper.sweep()).tasks_by_hand == 1
        return [(hint.entity_id, hint.kommo_lead_id) for hint in await hints(house)]

    ((_, lead_id),) = run(tmp_path, scene, check)
    assert lead_id == EMPTY


def test_a_task_changed_again_after_it_was_looked_at_is_found_again(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        async def swept() -> int:
            count = (await house.sweeper.sweep()).tasks_by_hand
            async with house.db.transaction() as session:
                for hint in await session.scalars(select(Hint)):
                    hint.done_at, hint.outcome = scene.now(), "refused"
            return count

        await swept()
        task_id = house.seller.makes_task()
        assert await swept() == 1
        scene.advance(minutes=15)
        await swept()
        scene.advance(minutes=15)
        assert await swept() == 0
        house.seller.moves_task(task_id, WEDNESDAY)
        assert await swept() == 1

    run(tmp_path, scene, check)


def test_where_they_are_to_be_ignored_nobody_looks_for_them(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> Any:
        for _ in range(2):
            house.seller.makes_task()
            assert (await house.sweeper.sweep()).tasks_by_hand == 0
        return scene.calls("kommo", "/tasks"), await hints(house)

    assert run(tmp_path, scene, check, task_by_hand="ignore") == ([], [])


def test_a_list_that_can_not_be_read_is_read_from_the_same_moment_next_time(tmp_path: Path, scene: Stage) -> None:
    async def check(house: House) -> None:
        await house.sweeper.sweep()
        house.seller.makes_task()
        scene.advance(hours=1)
        scene.fault("kommo", path="/tasks$", status=503)
        with pytest.raises(ServiceError):
            await house.sweeper.sweep()
        scene.advance(hours=1)
        assert (await house.sweeper.sweep()).tasks_by_hand == 1

    run(tmp_path, scene, check)
