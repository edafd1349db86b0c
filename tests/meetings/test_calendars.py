"""What happens on a seller's calendar becomes hints: against a served Google, with time passed in."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from calendar_scene import ANA, BRUNO, Office, run
from meeting_scene import Scene, served, shipped, soon
from sqlalchemy import text

from clients.errors import LoginRefusedError, NotFoundError, UnreachableError
from meetings.calendars import Following
from meetings.tables import MeetingPhase, MeetingStatus


@pytest.fixture(scope="module")
def shared_scene() -> Iterator[Scene]:
    with served() as scene:
        yield scene


@pytest.fixture
def scene(shared_scene: Scene) -> Scene:
    shared_scene.reset()
    return shared_scene


async def looked(office: Office) -> None:
    """Both calendars have been looked at; nothing of that is left to do."""
    for calendar_id in (ANA, BRUNO):
        await office.watch.poll(calendar_id)
    async with office.db.transaction() as session:
        await session.execute(text("DELETE FROM hint"))


# --- what people do ---------------------------------------------------------------------------------------------------

ACTS: dict[str, Callable[[Office], Any]] = {
    "drag": lambda office: office.act("move", start="2026-03-11T09:00"),
    "resize": lambda office: office.act("move", start="2026-03-10T14:00", end="2026-03-10T16:00"),
    "make it all day": lambda office: office.act("move", start="2026-03-12", end="2026-03-13"),
    "delete": lambda office: office.act("delete"),
    "set free": lambda office: office.act("edit", transparency="transparent"),
    "rename": lambda office: office.act("edit", summary="Outra coisa"),
    "invite": lambda office: office.act("invite", email="joana@cliente.example"),
}


@pytest.mark.parametrize("name", ACTS)
def test_what_somebody_does_to_a_meetings_event_leaves_one_hint(tmp_path: Path, scene: Scene, name: str) -> None:
    async def act(office: Office) -> None:
        await office.book("2026-03-10 10:00")
        meeting_id = await office.book()
        await looked(office)
        office.act("edit", "event1", summary="x")  # the other meeting's, before the mark is set
        await office.watch.poll(ANA)
        before = len(await office.hints())
        ACTS[name](_second(office))
        assert await office.watch.poll(ANA) == [meeting_id]
        assert (await office.hints())[before:] == [("event", meeting_id, "changed")]
        assert await office.watch.poll(ANA) == []

    run(tmp_path, scene, act)


def _second(office: Office) -> Office:
    """The same office, whose acts concern the second meeting."""

    class Second(Office):
        def act(self, what: str, event_id: str = "event2", calendar_id: str = ANA, **more: Any) -> None:
            super().act(what, event_id, calendar_id, **more)

    return Second(**vars(office))


def test_a_guest_who_declines_leaves_a_hint(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> list[int]:
        await office.book()
        office.act("invite", email=ANA)
        await looked(office)
        office.act("respond", email=ANA, response="declined")
        return await office.watch.poll(ANA)

    assert run(tmp_path, scene, act) == [1]


def test_an_occurrence_of_a_meeting_that_somebody_made_a_series_leaves_a_hint(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> list[int]:
        series = {"id": "event1", "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"], "start": "2026-03-10T14:00"}
        scene.control("/calendar/event/add", calendar_id=ANA, **series)
        await office.book(with_event=False)
        await looked(office)
        office.act("delete", "event1_20260317T170000Z")
        return await office.watch.poll(ANA)

    assert run(tmp_path, scene, act) == [1]


def test_other_peoples_events_leave_nothing_behind(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        await office.book()
        await looked(office)
        scene.control("/calendar/event/add", calendar_id=ANA, id="medico", start="2026-03-10T09:00", summary="Consulta")
        assert await office.watch.poll(ANA) == []
        assert await office.hints() == []
        async with office.db.engine.connect() as connection:
            kept = str((await connection.execute(text("SELECT * FROM calendar_feed"))).all())
        assert "medico" not in kept
        assert "Consulta" not in kept

    run(tmp_path, scene, act)


def test_an_event_given_to_another_seller_leaves_a_hint_on_both_calendars(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        meeting_id = await office.book()
        await looked(office)
        office.act("transfer", destination=BRUNO)
        assert await office.watch.poll(ANA) == [meeting_id]
        assert await office.watch.poll(BRUNO) == [meeting_id]

    run(tmp_path, scene, act)


@pytest.mark.parametrize(
    ("values", "is_seen"),
    [
        ({"phase": MeetingPhase.HELD}, True),
        ({"status": MeetingStatus.COMPLETED}, True),
        ({"status": MeetingStatus.CANCELLED}, True),
        ({"phase": MeetingPhase.RELEASED}, False),
    ],
)
def test_whatever_ever_became_a_meeting_is_seen(tmp_path: Path, scene: Scene, values: dict[str, Any], *, is_seen: bool) -> None:
    async def act(office: Office) -> list[int]:
        await office.book(**values)
        await looked(office)
        office.act("delete")
        return await office.watch.poll(ANA)

    assert run(tmp_path, scene, act) == ([1] if is_seen else [])


def test_more_events_than_fit_into_one_statement_are_compared(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> list[int]:
        await office.book("2026-03-10 08:00")
        await office.watch.poll(ANA)
        await office.book(event_id="vvv99")
        for n in range(700):
            scene.sandbox.world.services["google"]._people.add(
                {"calendar_id": ANA, "id": f"outro{n:04}", "start": "2026-03-20T09:00"}
            )
        office.act("delete", "event1")
        return await office.watch.poll(ANA)

    assert run(tmp_path, scene, act) == [1, 2]


# --- the mark ---------------------------------------------------------------------------------------------------------


def test_the_first_look_hints_at_all_open_meetings_of_the_calendar(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> list[int]:
        await office.book("2026-03-10 09:00")
        await office.book("2026-03-11 09:00", status=MeetingStatus.COMPLETED, event_id="event2")
        await office.book("2026-03-12 09:00", BRUNO)
        gone = await office.book("2026-03-13 09:00")
        office.act("delete", "event4")
        found = await office.watch.poll(ANA)
        assert gone in found
        return found

    # The completed one's event still stands there; the deleted event is missing from a list of everything.
    assert run(tmp_path, scene, act) == [1, 2, 4]


def test_an_expired_mark_finds_what_was_deleted_meanwhile(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        await office.book()
        await looked(office)
        office.act("delete")
        scene.control("/calendar/sync_tokens/expire")
        assert await office.watch.poll(ANA) == [1]
        assert await office.watch.poll(ANA) == []

    run(tmp_path, scene, act)


def test_a_crash_before_anything_is_stored_loses_nothing(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        await office.book()
        await looked(office)
        office.act("delete")
        async with office.db.transaction() as session:
            await session.execute(text("ALTER TABLE hint RENAME TO hint_away"))
        with pytest.raises(Exception, match="no such table"):
            await office.watch.poll(ANA)
        async with office.db.transaction() as session:
            await session.execute(text("ALTER TABLE hint_away RENAME TO hint"))
        assert await office.watch.poll(ANA) == [1]
        assert await office.hints() == [("event", 1, "changed")]

    run(tmp_path, scene, act)


def test_two_looks_at_once_lose_nothing(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        await office.book("2026-03-10 09:00")
        await office.book("2026-03-10 14:00")
        await looked(office)
        scene.control("/faults", service="google", method="GET", path="/events$", hold="after")
        office.act("delete", "event1")
        slow = asyncio.create_task(office.watch.poll(ANA))
        await soon(is_held, "the first look is under way")
        office.act("delete", "event2")
        assert await office.watch.poll(ANA) == [1, 2]
        scene.control("/faults/release")
        assert await slow == [1]
        assert await office.watch.poll(ANA) == []

    async def is_held() -> bool:
        return any(fault.hits for fault in scene.sandbox.world.faults.planned)

    run(tmp_path, scene, act)


# --- when -------------------------------------------------------------------------------------------------------------


def test_every_sellers_calendar_is_due_at_first_and_then_regularly(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        assert await office.watch.due() == [ANA, BRUNO]
        await looked(office)
        assert await office.watch.due() == []
        assert await office.watch.next_due() is None
        scene.control("/clock", advance_s=59)
        assert await office.watch.due() == []
        scene.control("/clock", advance_s=1)
        assert await office.watch.due() == [ANA, BRUNO]

    run(tmp_path, scene, act)


def test_a_calendar_nobody_has_looked_at_is_due_while_time_goes_on(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        passed = count()
        office.watch.now = lambda: scene.now() + timedelta(microseconds=next(passed))
        await office.push.ensure([ANA])  # the calendar has a row by now
        assert await office.watch.due() == [ANA, BRUNO]

    run(tmp_path, scene, act)


def test_the_calendar_of_a_seller_who_left_is_followed_while_meetings_are_open(tmp_path: Path, scene: Scene) -> None:
    without_bruno = shipped().model_copy(update={"sellers": shipped().sellers[:1]})

    async def act(office: Office) -> None:
        await office.book("2026-03-10 14:00", BRUNO)
        assert await office.watch.due() == [ANA, BRUNO]
        scene.control("/clock", now="2026-03-11T00:00:00-03:00")
        assert await office.watch.due() == [ANA]

    run(tmp_path, scene, act, business=without_bruno)


def test_a_calendar_that_can_not_be_read_is_tried_again_with_growing_waits(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> list[float]:
        await looked(office)
        scene.control("/faults", service="google", method="GET", status=503, times=-1)
        waits = []
        for _ in range(10):
            with pytest.raises(UnreachableError):
                await office.watch.poll(ANA)
            due_at = await office.watch.next_due()
            assert due_at is not None
            waits.append((due_at - scene.now()).total_seconds())
            assert ANA not in await office.watch.due()
            scene.control("/clock", now=due_at.isoformat())
            assert ANA in await office.watch.due()
        assert (await office.feed()).problem == "Google Calendar: list changes failed (status 503)"
        return waits

    assert run(tmp_path, scene, act) == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_a_calendar_that_can_be_read_again_is_followed_from_where_it_was(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        await office.book()
        await looked(office)
        office.act("delete")
        scene.control("/calendar/share", calendar_id=ANA, shared=False)
        with pytest.raises(NotFoundError):
            await office.watch.poll(ANA)
        scene.control("/calendar/share", calendar_id=ANA, shared=True)
        assert await office.watch.poll(ANA) == [1]
        feed = await office.feed()
        assert (feed.attempts, feed.next_try_at, feed.problem) == (0, None, None)

    run(tmp_path, scene, act)


def test_a_service_that_names_its_own_wait_is_left_alone_for_so_long(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> float:
        scene.control("/faults", service="google", status=429, headers={"retry-after": "240"})
        with pytest.raises(UnreachableError):
            await office.watch.poll(ANA)
        return ((await office.feed()).next_try_at - scene.now()).total_seconds()  # type: ignore[operator]

    assert run(tmp_path, scene, act) == 240


def test_one_tick_looks_at_all_that_is_due_and_waits_for_none(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        await office.book()
        scene.control("/faults", service="google", method="GET", path="ana", hold="before")
        await office.watch.tick()
        await soon(lambda: _is(office.watch.busy() == [ANA]), "Bruno's calendar is looked at, Ana's hangs")
        await office.watch.tick()
        assert office.watch.busy() == [ANA]
        assert [call["method"] for call in scene.calls("google", "bruno")].count("GET") == 1
        scene.control("/faults/release")
        await soon(lambda: _is(office.watch.busy() == []), "Ana's calendar is looked at")
        assert await office.hints() == [("event", 1, "changed")]

    async def _is(value: bool) -> bool:
        return value

    run(tmp_path, scene, act)


def test_a_tick_survives_a_calendar_that_can_not_be_read_and_a_database_that_breaks(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        scene.control("/calendar/share", calendar_id=ANA, shared=False)
        await office.watch.tick()
        await office.watch.stop()
        assert office.watch.busy() == []
        assert (await office.feed()).problem == "Google Calendar: list changes failed (status 404, notFound)"
        assert (await office.feed(BRUNO)).polled_at == scene.now()
        scene.control("/clock", advance_s=61)
        async with office.db.transaction() as session:
            await session.execute(text("ALTER TABLE hint RENAME TO hint_away"))
            await session.execute(text("ALTER TABLE calendar_channel RENAME TO channel_away"))
        await office.book("2026-03-10 14:00", BRUNO)
        await office.watch.tick()
        await office.watch.stop()
        assert (await office.feed(BRUNO)).problem == "OperationalError"

    run(tmp_path, scene, act)


# --- where an event is ------------------------------------------------------------------------------------------------


def test_an_event_is_found_where_it_was(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        await office.book()
        office.act("move", start="2026-03-11T09:00")
        found = await office.watch.locate(ANA, "event1")
        assert found is not None
        assert (found.calendar_id, found.event.starts_at) == (ANA, scene.now() + timedelta(days=2, hours=1))

    run(tmp_path, scene, act)


@pytest.mark.parametrize("keeps_a_copy", [False, True])
def test_an_event_that_somebody_gave_to_another_seller_is_found_there(
    tmp_path: Path, scene: Scene, *, keeps_a_copy: bool
) -> None:
    async def act(office: Office) -> None:
        await office.book()
        if keeps_a_copy:
            office.act("invite", email=ANA)
        office.act("transfer", destination=BRUNO)
        found = await office.watch.locate(ANA, "event1")
        assert found is not None
        assert (found.calendar_id, found.event.organizer) == (BRUNO, BRUNO)

    run(tmp_path, scene, act)


def test_the_copy_of_a_seller_who_was_invited_is_not_the_event(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        await office.book()
        office.act("invite", email=BRUNO)
        found = await office.watch.locate(ANA, "event1")
        assert found is not None
        assert found.calendar_id == ANA
        office.act("delete")
        assert await office.watch.locate(ANA, "event1") is None

    run(tmp_path, scene, act)


@pytest.mark.parametrize("is_purged", [False, True])
def test_a_deleted_event_is_nowhere(tmp_path: Path, scene: Scene, *, is_purged: bool) -> None:
    async def act(office: Office) -> None:
        await office.book()
        office.act("delete")
        if is_purged:
            office.act("purge")
        assert await office.watch.locate(ANA, "event1") is None

    run(tmp_path, scene, act)


def test_a_calendar_that_is_no_longer_shared_is_not_taken_for_a_deletion(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        await office.book()
        scene.control("/calendar/share", calendar_id=ANA, shared=False)
        with pytest.raises(NotFoundError):
            await office.watch.locate(ANA, "event1")

    run(tmp_path, scene, act)


def test_another_calendar_that_does_not_answer_leaves_it_open_whether_the_event_is_gone(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        await office.book()
        office.act("transfer", destination=BRUNO)
        scene.control("/faults", service="google", path="bruno", status=503)
        with pytest.raises(UnreachableError):
            await office.watch.locate(ANA, "event1")
        assert (await office.watch.locate(ANA, "event1")).calendar_id == BRUNO  # type: ignore[union-attr]

    run(tmp_path, scene, act)


def test_another_calendar_that_is_closed_to_us_does_not_hide_a_deletion(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        await office.book()
        office.act("delete")
        scene.control("/faults", service="google", path="bruno", status=401)
        assert await office.watch.locate(ANA, "event1") is None
        scene.control("/faults", service="google", path="ana", status=401)
        with pytest.raises(LoginRefusedError):
            await office.watch.locate(ANA, "event1")

    run(tmp_path, scene, act)


# --- what people who look after the service see -----------------------------------------------------------------------


def test_a_report_says_how_each_calendar_is_followed(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        nothing = (None, None, None, False, None)
        assert await office.watch.report() == [Following(ANA, *nothing), Following(BRUNO, *nothing)]
        scene.control("/calendar/share", calendar_id=BRUNO, shared=False)
        await office.watch.tick()
        await office.watch.stop()
        ana, bruno = await office.watch.report()
        assert ana == Following(ANA, scene.now(), None, scene.now() + timedelta(days=7), is_heard=False, push_problem=None)
        assert bruno == Following(
            BRUNO,
            None,
            "Google Calendar: list changes failed (status 404, notFound)",
            None,
            is_heard=False,
            push_problem="Google Calendar: watch calendar failed (status 404, notFound)",
        )

    run(tmp_path, scene, act)
