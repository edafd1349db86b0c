"""CalendarClient: what others do on a calendar, seen with sync tokens, and the channels that announce it."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from outside_world import ANA, BRUNO, QUICK, OutsideWorld, failure

from clients.calendar import CalendarChanges, Channel, GuestResponse, NewEvent
from clients.errors import (
    BusyError,
    ConflictError,
    LoginRefusedError,
    NotFoundError,
    OutcomeUnknownError,
    RefusedError,
    UnreachableError,
)

ZONE = "America/Sao_Paulo"
NOW = datetime(2026, 3, 9, 11, 0, tzinfo=UTC)
START = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)
END = START + timedelta(minutes=30)
ADDRESS = "http://127.0.0.1:9/webhook/google"
WEEK = 7 * 86_400


@pytest.fixture(autouse=True)
def _clock(world: OutsideWorld) -> None:
    world.control("/clock", now=NOW.isoformat())


def new(event_id: str = "reuniao1", day: int = 0) -> NewEvent:
    start = START + timedelta(days=day)
    return NewEvent(event_id, "Visita", "Telhado", start, start + timedelta(minutes=30), ZONE, {"marcado_meeting": "7"})


def act(world: OutsideWorld, what: str, calendar_id: str = ANA, event_id: str = "reuniao1", **more) -> dict:
    return world.control(f"/calendar/event/{what}", calendar_id=calendar_id, event_id=event_id, **more)


def changes(calendar, sync_token: str | None = None, **more):
    return calendar.changes(ANA, sync_token, NOW, **more)


def after(world: OutsideWorld, *acts, event: NewEvent | None = None) -> CalendarChanges:
    """What is seen of an event after a person did something with it; only that."""

    async def work(calendar):
        await calendar.insert_event(ANA, event or new())
        before = await changes(calendar)
        for do in acts:
            do()
        return await changes(calendar, before.next_sync_token)

    return world.calendar(work)


# Lists


def test_the_first_list_holds_what_is_still_to_come_and_a_token(world):
    for event_id, day in (("passado", "2026-03-08"), ("hoje1", "2026-03-09"), ("depois", "2026-06-01")):
        world.control("/calendar/event/add", calendar_id=ANA, id=event_id, start=f"{day}T09:00", end=f"{day}T10:00")
    seen = world.calendar(changes)
    assert [event.id for event in seen.events] == ["hoje1", "depois"]
    assert seen.is_full
    assert seen.next_sync_token


def test_nothing_new_is_an_empty_list_with_a_token(world):
    seen = after(world)
    assert (seen.events, seen.is_full, bool(seen.next_sync_token)) == ((), False, True)


def test_only_what_a_comparison_needs_is_asked_for(world):
    world.control(
        "/calendar/event/add", calendar_id=ANA, id="medico", start="2026-03-10T09:00", summary="Consulta", description="x"
    )
    [event] = world.calendar(changes).events
    assert (event.summary, event.link, dict(event.private)) == ("", "", {})
    query = world.requests("google")[0]["query"]
    assert "summary" not in query
    assert "description" not in query


def test_many_events_come_in_pages_and_the_token_at_the_end(world):
    async def work(calendar):
        for n in range(7):
            await calendar.insert_event(ANA, new(f"reuniao{n}", n))
        first = await changes(calendar, page_size=3)
        for n in (1, 4, 5, 6):
            act(world, "delete", event_id=f"reuniao{n}")
        return first, await changes(calendar, first.next_sync_token, page_size=3)

    first, second = world.calendar(work)
    assert [event.id for event in first.events] == [f"reuniao{n}" for n in range(7)]
    assert [(event.id, event.is_cancelled) for event in second.events] == [(f"reuniao{n}", True) for n in (1, 4, 5, 6)]
    assert len([entry for entry in world.requests("google") if entry["method"] == "GET"]) == 3 + 2


def test_what_happens_while_pages_are_turned_comes_with_the_next_list(world):
    async def work(calendar):
        for n in range(4):
            await calendar.insert_event(ANA, new(f"reuniao{n}", n))
        world.fault("google", method="GET", path="/events$", hold="after")
        listing = asyncio.create_task(changes(calendar, page_size=2))
        while not [entry for entry in world.requests("google") if entry["method"] == "GET"]:
            await asyncio.sleep(0.005)
        act(world, "move", event_id="reuniao0", start="2026-03-20T09:00")
        world.control("/faults/release")
        first = await listing
        return await changes(calendar, first.next_sync_token)

    assert [event.id for event in world.calendar(work).events] == ["reuniao0"]


@pytest.mark.parametrize("sync_token", ["no-token", "x" * 3000])
def test_a_token_that_google_does_not_take_lists_everything(world, sync_token):
    async def work(calendar):
        await calendar.insert_event(ANA, new())
        return await changes(calendar, sync_token)

    seen = world.calendar(work)
    assert ([event.id for event in seen.events], seen.is_full) == (["reuniao1"], True)


def test_an_expired_token_lists_everything_without_what_was_deleted(world):
    seen = after(
        world,
        lambda: act(world, "delete"),
        lambda: world.control("/calendar/sync_tokens/expire", calendar_id=ANA),
    )
    assert (seen.events, seen.is_full, bool(seen.next_sync_token)) == ((), True, True)


def test_a_token_that_expires_between_two_pages_lists_everything(world):
    refusal = {"error": {"code": 410, "message": "x", "errors": [{"domain": "calendar", "reason": "fullSyncRequired"}]}}

    async def work(calendar):
        for n in range(3):
            await calendar.insert_event(ANA, new(f"reuniao{n}", n))
        first = await changes(calendar)
        for n in range(3):
            act(world, "move", event_id=f"reuniao{n}", start=f"2026-03-2{n}T09:00")
        world.fault("google", method="GET", skip=1, status=410, body=refusal)
        return await changes(calendar, first.next_sync_token, page_size=2)

    seen = world.calendar(work)
    assert ([event.id for event in seen.events], seen.is_full) == ([f"reuniao{n}" for n in range(3)], True)


def test_a_list_that_ends_without_a_token_says_so(world):
    world.fault("google", status=200, body={"items": []})
    assert world.calendar(changes) == CalendarChanges((), None, is_full=True)


@pytest.mark.parametrize("sync_token", [None, "no-token"])
def test_a_calendar_that_is_not_there_or_not_shared_is_not_found(world, sync_token):
    world.control("/calendar/share", calendar_id=ANA, shared=False)
    assert type(world.calendar(lambda calendar: failure(changes(calendar, sync_token)))) is NotFoundError


def test_a_lost_page_is_asked_for_again(world):
    world.fault("google", method="GET", drop="after")
    world.fault("google", method="GET", status=503)
    assert world.calendar(changes).is_full


# What people do


def test_a_dragged_event_shows_its_new_time(world):
    [event] = after(world, lambda: act(world, "move", start="2026-03-11T09:00")).events
    assert (event.id, event.starts_at, event.ends_at) == (
        "reuniao1",
        datetime(2026, 3, 11, 12, tzinfo=UTC),
        datetime(2026, 3, 11, 12, 30, tzinfo=UTC),
    )
    assert event.sequence == 1
    assert event.updated_at >= NOW
    assert event.is_organized_here


def test_a_deleted_event_may_have_nothing_but_its_id(world):
    [event] = after(world, lambda: act(world, "delete")).events
    assert (event.id, event.is_cancelled, event.starts_at, event.updated_at) == ("reuniao1", True, None, None)


def test_an_event_made_an_all_day_one_shows_its_day(world):
    [event] = after(world, lambda: act(world, "move", start="2026-03-12", end="2026-03-13")).events
    assert (event.starts_at, event.starts_on, event.ends_on) == (None, date(2026, 3, 12), date(2026, 3, 13))


def test_an_event_set_to_free_is_transparent(world):
    [event] = after(world, lambda: act(world, "edit", transparency="transparent")).events
    assert event.is_transparent


def test_a_seller_who_is_a_guest_of_the_own_event_declines(world):
    [event] = after(
        world,
        lambda: act(world, "invite", email=ANA),
        lambda: act(world, "respond", email=ANA, response="declined"),
    ).events
    assert (event.own_response, event.is_cancelled) == (GuestResponse.DECLINED, False)


def test_a_guest_who_answers_is_seen(world):
    [event] = after(
        world,
        lambda: act(world, "invite", email="joana@cliente.example"),
        lambda: act(world, "respond", email="joana@cliente.example", response="tentative"),
    ).events
    assert [(guest.response, guest.is_self) for guest in event.guests] == [(GuestResponse.TENTATIVE, False)]
    assert event.own_response is None


def test_an_event_given_to_another_calendar_is_gone_here_and_organized_there(world):
    async def work(calendar):
        await calendar.insert_event(ANA, new())
        here, there = await changes(calendar), await calendar.changes(BRUNO, None, NOW)
        act(world, "transfer", destination=BRUNO)
        return (
            await changes(calendar, here.next_sync_token),
            await calendar.changes(BRUNO, there.next_sync_token, NOW),
        )

    here, there = world.calendar(work)
    assert [(event.id, event.is_cancelled) for event in here.events] == [("reuniao1", True)]
    assert [(event.id, event.starts_at, event.organizer, event.is_organized_here) for event in there.events] == [
        ("reuniao1", START, BRUNO, True)
    ]


def test_a_guests_copy_is_not_organized_there(world):
    async def work(calendar):
        await calendar.insert_event(ANA, new())
        act(world, "invite", email=BRUNO)
        return await calendar.changes(BRUNO, None, NOW)

    [copy] = world.calendar(work).events
    assert (copy.id, copy.organizer, copy.is_organized_here) == ("reuniao1", ANA, False)
    assert copy.own_response is GuestResponse.NEEDS_ACTION


def test_a_series_comes_as_one_and_a_changed_occurrence_beside_it(world):
    world.control(
        "/calendar/event/add", calendar_id=ANA, id="serie1", start="2026-03-10T09:00", recurrence=["RRULE:FREQ=WEEKLY;COUNT=5"]
    )

    async def work(calendar):
        first = await changes(calendar)
        act(world, "move", event_id="serie1_20260317T120000Z", start="2026-03-18T09:00")
        act(world, "delete", event_id="serie1_20260324T120000Z")
        return first, await changes(calendar, first.next_sync_token)

    first, second = world.calendar(work)
    assert [(event.id, event.series_id, event.is_recurring) for event in first.events] == [("serie1", "", True)]
    assert [(event.series_id, event.is_recurring, event.is_cancelled) for event in second.events] == [
        ("serie1", True, False),
        ("serie1", True, True),
    ]


def test_an_event_that_does_not_repeat_says_so(world):
    assert world.calendar(lambda calendar: calendar.insert_event(ANA, new())).is_recurring is False


# Channels


def watch(calendar, channel_id: str = "canal-1", address: str = ADDRESS, ttl_s: int = WEEK):
    return calendar.watch(ANA, channel_id, address, "segredo", ttl_s)


def test_a_channel_is_opened_for_the_time_asked(world):
    channel = world.calendar(lambda calendar: watch(calendar, ttl_s=3600))
    [stored] = world.state("google")["channels"]
    assert channel == Channel("canal-1", stored["resource_id"], NOW + timedelta(hours=1))
    assert (stored["calendar_id"], stored["address"], stored["token"]) == (ANA, ADDRESS, "segredo")


def test_a_channel_whose_end_is_not_told_has_none(world):
    world.fault("google", status=200, body={"id": "canal-1", "resourceId": "r1"})
    assert world.calendar(watch) == Channel("canal-1", "r1", None)


def test_the_id_of_a_channel_is_good_once(world):
    async def work(calendar):
        await watch(calendar)
        return await failure(watch(calendar))

    assert type(world.calendar(work)) is ConflictError


def test_a_channel_whose_answer_is_lost_may_exist_and_is_not_asked_for_again(world):
    world.fault("google", path="/watch", status=503, after_write=True)
    assert type(world.calendar(lambda calendar: failure(watch(calendar)))) is OutcomeUnknownError
    assert len(world.requests("google")) == len(world.state("google")["channels"]) == 1


def test_a_channel_that_google_is_too_busy_for_is_asked_for_again(world):
    world.fault("google", path="/watch", status=429, times=-1)
    assert type(world.calendar(lambda calendar: failure(watch(calendar)))) is BusyError
    assert len(world.requests("google")) == QUICK.attempts


@pytest.mark.parametrize("address", ["http://marcado.example/webhook/google", "ftp://marcado.example", ""])
def test_an_address_that_google_does_not_post_to_is_refused(world, address):
    assert type(world.calendar(lambda calendar: failure(watch(calendar, address=address)))) is RefusedError


def test_a_domain_that_is_not_ours_needs_a_person(world):
    body = {"error": {"code": 401, "message": "Unauthorized WebHook callback channel", "errors": [{"reason": "push.x"}]}}
    world.fault("google", path="/watch", status=401, body=body)
    assert type(world.calendar(lambda calendar: failure(watch(calendar)))) is LoginRefusedError


def test_a_channel_is_stopped_once_and_stopping_it_again_is_fine(world):
    async def work(calendar):
        channel = await watch(calendar)
        await calendar.stop_channel(channel.id, channel.resource_id)
        await calendar.stop_channel(channel.id, channel.resource_id)

    world.calendar(work)
    assert world.state("google")["channels"] == []
    assert len(world.requests("google", "/stop")) == 2


def test_a_channel_that_can_not_be_stopped_is_no_success(world):
    world.fault("google", path="/stop", status=429, times=-1)
    error = world.calendar(lambda calendar: failure(calendar.stop_channel("canal-1", "r1")))
    assert isinstance(error, UnreachableError)
