"""CalendarClient on bad days: rate limits and rights, broken answers, servers that hang or are not there."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from outside_world import ANA, QUICK, OutsideWorld, closed_port, failure

from clients.calendar import NewEvent
from clients.errors import (
    BusyError,
    ConflictError,
    LoginRefusedError,
    NotFoundError,
    OutcomeUnknownError,
    RefusedError,
    UnreachableError,
)
from clients.google_errors import GuestsForbiddenError
from clients.transport import RetryPolicy

ZONE = "America/Sao_Paulo"
START = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)
END = START + timedelta(minutes=30)
TWO_TRIES = RetryPolicy(attempts=2, wait_s=0.01)

READS = {
    "get_event": lambda c: c.get_event(ANA, "reuniao1"),
    "free_busy": lambda c: c.free_busy([ANA], START, END),
    "changes": lambda c: c.changes(ANA, None, START),
}
WRITES = {
    "insert_event": lambda c: c.insert_event(ANA, NewEvent("reuniao1", "x", "", START, END, ZONE)),
    "move_event": lambda c: c.move_event(ANA, "reuniao1", START, END, ZONE),
    "delete_event": lambda c: c.delete_event(ANA, "reuniao1"),
    "stop_channel": lambda c: c.stop_channel("canal-1", "recurso-1"),
}
ALL = {**READS, **WRITES}


def google_error(status: int, reason: str, /, **more: object) -> dict[str, object]:
    detail = {"domain": "usageLimits", "reason": reason, "message": "secret words"}
    return {"error": {"code": status, "message": "secret words", "errors": [detail], **more}}


def error_of(world: OutsideWorld, call, **more):
    return world.calendar(lambda calendar: failure(call(calendar)), **more)


def tries(world: OutsideWorld) -> int:
    return len(world.requests("google"))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    ("reason", "kind", "attempts"),
    [
        ("rateLimitExceeded", BusyError, QUICK.attempts),
        ("userRateLimitExceeded", BusyError, QUICK.attempts),
        ("forbiddenForServiceAccounts", GuestsForbiddenError, 1),
        ("insufficientPermissions", LoginRefusedError, 1),
        ("accessNotConfigured", LoginRefusedError, 1),
        ("quotaExceeded", BusyError, 1),
        ("dailyLimitExceeded", BusyError, 1),
        ("calendarUsageLimitsExceeded", BusyError, 1),
    ],
)
def test_a_403_is_a_wait_or_a_matter_of_rights_by_its_reason(world, name, reason, kind, attempts):
    world.fault("google", status=403, body=google_error(403, reason), times=-1)
    error = error_of(world, ALL[name])
    assert (type(error), error.detail) == (kind, f"status 403, {reason}")
    if name != "move_event" or kind is BusyError:  # a refused move is followed by a look at the event
        assert tries(world) == attempts


@pytest.mark.parametrize("reason", ["quotaExceeded", "dailyLimitExceeded", "calendarUsageLimitsExceeded"])
def test_a_limit_that_lasts_says_so_and_is_not_run_against(world, reason):
    world.fault("google", status=403, body=google_error(403, reason), times=-1)
    error = error_of(world, WRITES["insert_event"])
    assert error.retry_after_s == 900
    assert tries(world) == 1


@pytest.mark.parametrize(
    "body",
    [
        google_error(
            403, "rateLimitExceeded", details=[{"@type": "x", "reason": "RATE_LIMIT_EXCEEDED"}], status="PERMISSION_DENIED"
        ),
        {"error": {"code": 403, "details": [{"reason": "RATE_LIMIT_EXCEEDED"}], "status": "PERMISSION_DENIED"}},
        {"error": {"code": 403, "errors": None, "details": None, "status": "RESOURCE_EXHAUSTED"}},
    ],
)
def test_a_rate_limit_is_known_in_each_of_googles_error_formats(world, body):
    world.fault("google", status=403, body=body)
    world.calendar(READS["free_busy"])
    assert tries(world) == 2


def test_the_most_specific_of_googles_reasons_is_told(world):
    body = google_error(403, "forbiddenForNonOrganizer", details=[{"reason": "GENERAL"}], status="PERMISSION_DENIED")
    world.fault("google", status=403, body=body)
    assert error_of(world, READS["free_busy"]).detail == "status 403, forbiddenForNonOrganizer"


@pytest.mark.parametrize(
    "body", ["<html>Sorry</html>", "", [], {}, {"error": "x"}, {"error": {"errors": "x", "details": {"a": "b"}}}, {"error": None}]
)
def test_a_403_that_says_nothing_is_a_matter_of_rights(world, body):
    world.fault("google", status=403, body=body, times=-1)
    error = error_of(world, READS["free_busy"])
    assert (type(error), error.detail) == (LoginRefusedError, "status 403")
    assert tries(world) == 1


@pytest.mark.parametrize(
    ("headers", "asked_s", "attempts"), [({}, None, 3), ({"retry-after": "0"}, 0.0, 3), ({"retry-after": "120"}, 120.0, 1)]
)
def test_a_429_is_waited_for_as_long_as_google_asks_and_we_can(world, headers, asked_s, attempts):
    world.fault("google", status=429, headers=headers, times=-1)
    error = error_of(world, WRITES["insert_event"])
    assert (type(error), error.retry_after_s) == (BusyError, asked_s)
    assert tries(world) == attempts


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_server_error_is_repeated_and_then_unknown_for_writes_only(world, name, status):
    world.fault("google", status=status, times=-1)
    error = error_of(world, ALL[name])
    assert type(error) is (UnreachableError if name in READS else OutcomeUnknownError)
    assert f"status {status}" in error.detail
    assert tries(world) == QUICK.attempts


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    ("status", "kind"), [(302, RefusedError), (400, RefusedError), (401, LoginRefusedError), (412, ConflictError)]
)
def test_a_refusal_is_not_repeated(world, name, status, kind):
    world.fault("google", status=status, body="", headers={"location": f"{world.url('google')}/elsewhere"}, times=-1)
    assert type(error_of(world, ALL[name])) is kind
    assert world.requests("google", "/elsewhere") == []
    assert set(world.asked("google")) <= {*world.asked("google")[:1], f"GET /calendar/v3/calendars/{ANA}/events/reuniao1"}
    if name not in ("move_event", "insert_event"):  # these two look at the event after some refusals
        assert tries(world) == 1


@pytest.mark.parametrize(("status", "kind"), [(404, NotFoundError), (410, NotFoundError), (409, ConflictError)])
def test_a_move_of_what_is_gone_or_changed_is_told(world, status, kind):
    world.fault("google", method="PATCH", status=status, times=-1)
    assert type(error_of(world, WRITES["move_event"])) is kind
    assert tries(world) == 1


@pytest.mark.parametrize("name", ALL)
def test_a_page_in_place_of_json_is_no_answer(world, name):
    world.fault("google", status=200, body="<html>Log in to the hotel's network</html>", times=-1)
    error = error_of(world, ALL[name])
    assert type(error) is (UnreachableError if name in READS else OutcomeUnknownError)
    assert error.detail == "status 200, but no JSON"
    assert tries(world) == QUICK.attempts


@pytest.mark.parametrize("name", ALL)
def test_a_server_that_is_not_there_got_nothing(world, name):
    error = error_of(world, ALL[name], endpoint=f"http://127.0.0.1:{closed_port()}")
    assert (type(error), error.service, error.detail) == (UnreachableError, "Google Calendar", "ConnectionRefusedError")


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("drop", ["before", "after"])
def test_answers_that_stay_lost_are_unknown_for_writes_only(world, name, drop):
    world.fault("google", drop=drop, times=-1)
    error = error_of(world, ALL[name])
    assert (type(error), error.detail) == (UnreachableError if name in READS else OutcomeUnknownError, "RemoteDisconnected")


@pytest.mark.parametrize("name", ALL)
def test_a_server_that_hangs_is_given_up_and_leaves_nothing_behind_for_the_next_call(world, name):
    world.fault("google", hold="after", times=2)

    async def work(calendar):
        error = await failure(ALL[name](calendar))
        world.control("/faults/release")  # now the late answer is sent
        return error, await calendar.free_busy(["nobody@solclaro.example"], START, END)

    error, busy = world.calendar(work, retry=TWO_TRIES, timeout_s=0.4, threads=1)
    assert (type(error), error.detail) == (UnreachableError if name in READS else OutcomeUnknownError, "TimeoutError")
    assert busy == {"nobody@solclaro.example": None}


def test_a_call_that_is_given_up_by_its_caller_is_not_repeated(world):
    world.fault("google", hold="before")

    async def work(calendar):
        call = asyncio.create_task(READS["free_busy"](calendar))
        while tries(world) < 1:
            await asyncio.sleep(0.005)
        call.cancel()
        outcome = (await asyncio.gather(call, return_exceptions=True))[0]
        world.control("/faults/release")
        return outcome

    assert type(world.calendar(work)) is asyncio.CancelledError
    assert tries(world) == 1


def test_closing_lets_a_write_under_way_end(world):
    world.fault("google", hold="before")

    async def work(calendar):
        inserting = asyncio.create_task(WRITES["insert_event"](calendar))
        while tries(world) < 1:
            await asyncio.sleep(0.005)
        closing = asyncio.create_task(calendar.close())
        await asyncio.wait([closing], timeout=0.2)
        was_waiting = not closing.done()
        world.control("/faults/release")
        await closing
        assert was_waiting
        return await inserting

    assert world.calendar(work).id == "reuniao1"


def test_no_word_of_googles_answer_is_in_an_error(world):
    world.fault("google", status=400, body=google_error(400, "invalid"), times=-1)
    assert "secret" not in str(error_of(world, READS["free_busy"]))
