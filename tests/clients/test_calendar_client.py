"""CalendarClient against the imitated Google Calendar: events that are made once, moved, deleted, and free/busy."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from outside_world import ANA, BRUNO, OutsideWorld, failure

from clients.calendar import Busy, CalendarEvent, NewEvent
from clients.errors import ConflictError, LoginRefusedError, NotFoundError, OutcomeUnknownError, RefusedError, UnreachableError

ZONE = "America/Sao_Paulo"
START = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)
END = START + timedelta(minutes=30)
EVENT = NewEvent(
    id="b5f0c2d19a7e4c0e8f31",
    summary="Visita técnica – Joana",
    description="Lead: https://solclaro.kommo.com/leads/detail/21",
    starts_at=START,
    ends_at=END,
    zone=ZONE,
    private={"marcado_meeting": "7"},
)


def insert(calendar, event: NewEvent = EVENT):
    return calendar.insert_event(ANA, event)


def move(calendar, event_id: str = EVENT.id, hours: int = 2):
    return calendar.move_event(ANA, event_id, START + timedelta(hours=hours), END + timedelta(hours=hours), ZONE)


def events(world: OutsideWorld, calendar_id: str = ANA) -> dict[str, dict]:
    return world.state("google")["calendars"][calendar_id]["events"]


def methods(world: OutsideWorld) -> list[str]:
    return [entry["method"] for entry in world.requests("google")]


# insert_event


def test_an_event_is_created_under_our_id(world):
    event = world.calendar(insert)
    stored = events(world)[EVENT.id]
    assert event == CalendarEvent(
        id=EVENT.id,
        etag=stored["etag"],
        link=stored["htmlLink"],
        is_cancelled=False,
        starts_at=START,
        ends_at=END,
        summary=EVENT.summary,
        description=EVENT.description,
        private={"marcado_meeting": "7"},
        updated_at=datetime.fromisoformat(stored["updated"]),
        organizer=ANA,
        is_organized_here=True,
    )
    assert stored["start"] == {"dateTime": "2026-03-10T14:00:00-03:00", "timeZone": ZONE}
    assert (stored["summary"], stored["description"]) == (EVENT.summary, EVENT.description)


def test_creating_it_again_gives_the_same_event(world):
    async def work(calendar):
        return await insert(calendar), await insert(calendar)

    first, second = world.calendar(work)
    assert first == second
    assert list(events(world)) == [EVENT.id]


def test_creating_it_again_gives_it_as_the_seller_has_left_it(world):
    async def work(calendar):
        await insert(calendar)
        world.control("/calendar/event/move", calendar_id=ANA, event_id=EVENT.id, start="2026-03-11T09:00")
        return await insert(calendar)

    assert world.calendar(work).starts_at == datetime(2026, 3, 11, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("drop", ["before", "after"])
def test_an_event_whose_answers_are_lost_is_made_once(world, drop, times):
    world.fault("google", method="POST", drop=drop, times=times)
    event = world.calendar(insert)
    assert (event.id, event.is_cancelled) == (EVENT.id, False)
    assert list(events(world)) == [EVENT.id]


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
@pytest.mark.parametrize("after_write", [True, False])
def test_an_event_whose_creation_ends_in_a_server_error_is_made_once(world, status, after_write):
    world.fault("google", method="POST", status=status, after_write=after_write)
    assert world.calendar(insert).id == EVENT.id
    assert list(events(world)) == [EVENT.id]
    assert methods(world) == (["POST", "POST", "GET"] if after_write else ["POST", "POST"])


def test_an_event_whose_answers_stay_lost_has_an_unknown_outcome(world):
    world.fault("google", drop="after", times=-1)
    assert type(world.calendar(lambda calendar: failure(insert(calendar)))) is OutcomeUnknownError
    assert list(events(world)) == [EVENT.id]


def test_the_id_of_a_deleted_event_is_a_conflict(world):
    async def work(calendar):
        await insert(calendar)
        world.control("/calendar/event/delete", calendar_id=ANA, event_id=EVENT.id)
        return await failure(insert(calendar))

    assert type(world.calendar(work)) is ConflictError


def test_an_event_deleted_between_a_lost_answer_and_the_repeat_is_a_conflict(world):
    world.fault("google", method="POST", status=503, after_write=True)
    world.fault("google", method="POST", hold="before")

    async def work(calendar):
        inserting = asyncio.create_task(failure(insert(calendar)))
        while len(world.requests("google")) < 2:
            await asyncio.sleep(0.005)
        world.control("/calendar/event/delete", calendar_id=ANA, event_id=EVENT.id)
        world.control("/faults/release")
        return await inserting

    assert type(world.calendar(work)) is ConflictError


def test_an_id_that_belongs_to_another_event_is_a_conflict(world):
    async def work(calendar):
        await insert(calendar)
        return await failure(insert(calendar, NewEvent(EVENT.id, "x", "", START, END, ZONE, {"marcado_meeting": "8"})))

    assert type(world.calendar(work)) is ConflictError
    assert events(world)[EVENT.id]["summary"] == EVENT.summary


def test_an_event_that_is_taken_but_not_yet_visible_is_looked_for_again(world):
    async def work(calendar):
        first = await insert(calendar)
        world.fault("google", method="GET", status=404)
        return first, await insert(calendar)

    first, second = world.calendar(work)
    assert first == second


def test_an_id_that_is_taken_by_what_nobody_can_see_is_a_conflict(world):
    async def work(calendar):
        await insert(calendar)
        world.fault("google", method="GET", status=404, times=-1)
        return await failure(insert(calendar))

    assert type(world.calendar(work)) is ConflictError


def test_a_look_that_fails_after_a_conflict_is_no_conflict(world):
    async def work(calendar):
        await insert(calendar)
        world.fault("google", method="GET", status=503, times=-1)
        return await failure(insert(calendar))

    assert type(world.calendar(work)) is UnreachableError


@pytest.mark.parametrize("calendar_id", ["nobody@solclaro.example", ANA])
def test_a_calendar_that_is_not_there_or_not_shared_is_not_found(world, calendar_id):
    world.control("/calendar/share", calendar_id=ANA, shared=False)
    assert type(world.calendar(lambda c: failure(c.insert_event(calendar_id, EVENT)))) is NotFoundError


def test_a_calendar_shared_for_reading_only_needs_a_person(world):
    world.control("/calendar/share", calendar_id=BRUNO, role="reader")
    error = world.calendar(lambda calendar: failure(calendar.insert_event(BRUNO, EVENT)))
    assert (type(error), error.detail) == (LoginRefusedError, "status 403, requiredAccessLevel")


@pytest.mark.parametrize(
    "event",
    [NewEvent("UPPER_case", "x", "", START, END, ZONE), NewEvent("abcde", "x", "", END, START, ZONE)],
    ids=["an id that Google does not take", "an end before the start"],
)
def test_a_mistake_of_ours_is_refused_at_once(world, event):
    assert type(world.calendar(lambda calendar: failure(insert(calendar, event)))) is RefusedError
    assert methods(world) == ["POST"]


# get_event


def test_an_event_is_read(world):
    async def work(calendar):
        return await insert(calendar), await calendar.get_event(ANA, EVENT.id)

    made, read = world.calendar(work)
    assert made == read


def test_a_deleted_event_is_read_as_cancelled_until_it_is_forgotten(world):
    async def work(calendar):
        await insert(calendar)
        await calendar.delete_event(ANA, EVENT.id)
        deleted = await calendar.get_event(ANA, EVENT.id)
        world.control("/calendar/event/purge", calendar_id=ANA, event_id=EVENT.id)
        return deleted, await calendar.get_event(ANA, EVENT.id)

    deleted, forgotten = world.calendar(work)
    assert (deleted.id, deleted.is_cancelled) == (EVENT.id, True)
    assert forgotten is None


def test_a_cancelled_event_of_which_only_the_id_is_left_is_read(world):
    world.fault("google", status=200, body={"id": EVENT.id, "status": "cancelled"})
    assert world.calendar(lambda c: c.get_event(ANA, EVENT.id)) == CalendarEvent(EVENT.id, "", "", True, None, None, "", {})


def test_an_all_day_event_has_days_in_place_of_times(world):
    world.control("/calendar/event/add", calendar_id=ANA, id="feriado1", start="2026-03-10", end="2026-03-12", summary="Feriado")
    event = world.calendar(lambda calendar: calendar.get_event(ANA, "feriado1"))
    assert (event.starts_at, event.ends_at, event.summary) == (None, None, "Feriado")
    assert (event.is_all_day, event.starts_on, event.ends_on) == (True, date(2026, 3, 10), date(2026, 3, 12))


def test_a_timed_event_has_no_days(world):
    event = world.calendar(insert)
    assert (event.is_all_day, event.starts_on, event.ends_on) == (False, None, None)


def test_an_event_that_never_was_is_none(world):
    assert world.calendar(lambda calendar: calendar.get_event(ANA, "neverwas")) is None


# move_event


def test_a_moved_event_keeps_id_link_and_everything_else(world):
    async def work(calendar):
        return await insert(calendar), await move(calendar)

    made, moved = world.calendar(work)
    assert (moved.starts_at, moved.ends_at) == (START + timedelta(hours=2), END + timedelta(hours=2))
    assert (moved.id, moved.link, moved.summary, moved.private) == (made.id, made.link, made.summary, made.private)
    assert moved.etag != made.etag


def test_an_event_that_somebody_made_an_all_day_one_is_moved(world):
    async def work(calendar):
        await insert(calendar)
        world.control("/calendar/event/move", calendar_id=ANA, event_id=EVENT.id, start="2026-03-10", end="2026-03-11")
        return await move(calendar)

    assert world.calendar(work).starts_at == START + timedelta(hours=2)


@pytest.mark.parametrize("deleted_write", ["gone", "forbidden", "allow"])
def test_moving_a_deleted_event_says_so_however_google_puts_it(world, deleted_write):
    world.control("/calendar/options", deleted_write=deleted_write)

    async def work(calendar):
        await insert(calendar)
        world.control("/calendar/event/delete", calendar_id=ANA, event_id=EVENT.id)
        return await failure(move(calendar))

    assert type(world.calendar(work)) is NotFoundError
    assert events(world)[EVENT.id]["status"] == "cancelled"


def test_moving_what_never_was_is_not_found(world):
    assert type(world.calendar(lambda calendar: failure(move(calendar, "neverwas")))) is NotFoundError


def test_moving_an_event_without_the_right_to_needs_a_person(world):
    async def work(calendar):
        await insert(calendar)
        world.control("/calendar/share", calendar_id=ANA, role="reader")
        world.control("/calendar/options", user=BRUNO)
        return await failure(move(calendar))

    assert type(world.calendar(work)) is LoginRefusedError


@pytest.mark.parametrize("fault", [{"drop": "before"}, {"drop": "after"}, {"status": 500, "after_write": True}])
def test_a_move_whose_answer_is_lost_is_repeated(world, fault):
    async def work(calendar):
        await insert(calendar)
        world.fault("google", method="PATCH", **fault)
        return await move(calendar)

    assert world.calendar(work).starts_at == START + timedelta(hours=2)


# delete_event


def test_a_deleted_event_is_gone_for_everyone_and_may_be_deleted_again(world):
    async def work(calendar):
        await insert(calendar)
        world.control("/calendar/event/invite", calendar_id=ANA, event_id=EVENT.id, email="joana@cliente.example")
        await calendar.delete_event(ANA, EVENT.id)
        await calendar.delete_event(ANA, EVENT.id)

    world.calendar(work)
    assert events(world)[EVENT.id]["status"] == "cancelled"
    mails = [(mail["to"], mail["what"]) for mail in world.state("google")["notifications"]]
    assert mails.count(("joana@cliente.example", "cancellation")) == 1


def test_deleting_what_never_was_is_fine(world):
    world.calendar(lambda calendar: calendar.delete_event(ANA, "neverwas"))


@pytest.mark.parametrize("fault", [{"drop": "before"}, {"drop": "after"}, {"status": 503, "after_write": True}])
def test_a_deletion_whose_answer_is_lost_is_repeated(world, fault):
    async def work(calendar):
        await insert(calendar)
        world.fault("google", method="DELETE", **fault)
        await calendar.delete_event(ANA, EVENT.id)

    world.calendar(work)
    assert events(world)[EVENT.id]["status"] == "cancelled"


@pytest.mark.parametrize("status", [302, 400, 401, 403, 409, 412, 429, 500, 503])
def test_a_failed_deletion_never_looks_like_a_success(world, status):
    async def work(calendar):
        await insert(calendar)
        world.fault("google", method="DELETE", status=status, times=-1)
        return await failure(calendar.delete_event(ANA, EVENT.id))

    world.calendar(work)
    assert events(world)[EVENT.id]["status"] == "confirmed"


# free_busy


def busy_of(world: OutsideWorld, *calendar_ids: str, days: int = 1):
    span = (datetime(2026, 3, 10, 3, tzinfo=UTC), datetime(2026, 3, 10, 3, tzinfo=UTC) + timedelta(days=days))
    return world.calendar(lambda calendar: calendar.free_busy(calendar_ids, *span))


def test_busy_times_come_per_calendar_in_utc(world):
    world.control("/calendar/event/add", calendar_id=ANA, start="2026-03-10T09:00", end="2026-03-10T10:00")
    world.control("/calendar/event/add", calendar_id=ANA, start="2026-03-10T09:30", end="2026-03-10T11:00")
    world.control("/calendar/event/add", calendar_id=ANA, start="2026-03-10T15:00", end="2026-03-10T16:00")
    world.control("/calendar/event/add", calendar_id=ANA, start="2026-03-10T18:00", transparency="transparent")
    assert busy_of(world, ANA, BRUNO) == {
        ANA: [
            Busy(datetime(2026, 3, 10, 12, tzinfo=UTC), datetime(2026, 3, 10, 14, tzinfo=UTC)),
            Busy(datetime(2026, 3, 10, 18, tzinfo=UTC), datetime(2026, 3, 10, 19, tzinfo=UTC)),
        ],
        BRUNO: [],
    }


def test_the_span_may_be_given_in_any_zone(world):
    world.control("/calendar/event/add", calendar_id=ANA, start="2026-03-10T23:00", end="2026-03-10T23:30")
    sao_paulo = timezone(timedelta(hours=-3))
    span = (datetime(2026, 3, 10, 22, tzinfo=sao_paulo), datetime(2026, 3, 11, 0, tzinfo=sao_paulo))
    busy = world.calendar(lambda calendar: calendar.free_busy([ANA], *span))
    assert busy == {ANA: [Busy(datetime(2026, 3, 11, 2, tzinfo=UTC), datetime(2026, 3, 11, 2, 30, tzinfo=UTC))]}


def test_a_calendar_that_cannot_be_read_is_unknown_and_not_free(world):
    world.control("/calendar/share", calendar_id=BRUNO, shared=False)
    assert busy_of(world, ANA, BRUNO, "nobody@solclaro.example") == {ANA: [], BRUNO: None, "nobody@solclaro.example": None}


def test_a_calendar_that_the_answer_leaves_out_is_unknown(world):
    world.fault("google", status=200, body={"calendars": {ANA: {"busy": []}}})
    assert busy_of(world, ANA, BRUNO) == {ANA: [], BRUNO: None}


def test_an_internal_error_of_one_calendar_makes_it_unknown(world):
    errors = [{"domain": "global", "reason": "internalError"}]
    world.fault("google", status=200, body={"calendars": {ANA: {"errors": errors, "busy": []}}})
    assert busy_of(world, ANA) == {ANA: None}


def test_a_span_that_google_does_not_take_is_refused(world):
    span = (START, START + timedelta(days=91))
    error = world.calendar(lambda calendar: failure(calendar.free_busy([ANA], *span)))
    assert (type(error), error.detail) == (RefusedError, "status 400, timeRangeTooLong")


# Many at once


def test_fifty_calls_at_once_get_each_its_own_answer(world):
    wanted = [
        NewEvent(f"reuniao{n:02d}", f"Reunião {n}", "", START + timedelta(hours=n), END + timedelta(hours=n), ZONE, {"n": str(n)})
        for n in range(50)
    ]

    async def work(calendar):
        made = await asyncio.gather(*(insert(calendar, event) for event in wanted))
        read = await asyncio.gather(*(calendar.get_event(ANA, event.id) for event in wanted))
        return made, read

    made, read = world.calendar(work)
    assert made == read
    assert [(event.id, event.private) for event in made] == [(event.id, event.private) for event in wanted]
    assert len(events(world)) == 50


def test_fifty_calls_at_once_survive_lost_answers(world):
    world.fault("google", method="POST", drop="after", times=5)
    wanted = [NewEvent(f"reuniao{n:02d}", f"Reunião {n}", "", START, END, ZONE, {"n": str(n)}) for n in range(50)]

    async def work(calendar):
        return await asyncio.gather(*(insert(calendar, event) for event in wanted), return_exceptions=True)

    made = world.calendar(work)
    assert [getattr(event, "id", event) for event in made] == [event.id for event in wanted]
    assert len(events(world)) == 50


def test_our_own_ids_and_everyones_mail_are_asked_for_on_the_wire(world):
    async def work(calendar):
        await insert(calendar)
        await move(calendar)
        await calendar.delete_event(ANA, EVENT.id)

    world.calendar(work)
    assert all("sendUpdates=all" in entry["query"] for entry in world.requests("google"))
    assert json.loads(world.requests("google")[0]["body"])["id"] == EVENT.id
