"""Transport, what all JSON clients stand on: time-outs, cancelling, waits, and that nothing leaks."""

import asyncio
from datetime import UTC, datetime

import pytest
from outside_world import KOMMO_TOKEN, QUICK, OutsideWorld, calls, failure, logged, until

from clients.errors import NoAnswerError, RefusedError, UnreachableError
from clients.transport import RetryPolicy, Transport, retry_after_s

ACCOUNT, LEADS = "/api/v4/account", "/api/v4/leads"
LEAD = [{"name": "Casa"}]


def refuse(answer, operation, is_safe):
    return RefusedError("Kommo", operation, f"status {answer.status_code}, safe: {is_safe}")


def with_transport(world: OutsideWorld, work, *, retry: RetryPolicy = QUICK, timeout_s: float = 5.0):
    async def main():
        headers = {"authorization": f"Bearer {KOMMO_TOKEN}"}
        transport = Transport("Kommo", world.url("kommo"), headers, error_of=refuse, retry=retry, timeout_s=timeout_s)
        try:
            return await work(transport)
        finally:
            await transport.close()

    return asyncio.run(main())


def test_an_answer_is_its_json_and_none_without_a_body(world):
    async def work(transport):
        return await transport.call("read account", "GET", ACCOUNT), await transport.call("list leads", "GET", LEADS)

    account, leads = with_transport(world, work)
    assert (account["id"], leads) == (32720107, None)


@pytest.mark.parametrize(
    ("method", "safe", "is_safe"),
    [("GET", None, True), ("POST", None, False), ("PATCH", None, False), ("POST", True, True), ("GET", False, False)],
)
def test_reads_are_safe_to_repeat_and_writes_only_when_it_is_said(world, method, safe, is_safe):
    world.fault("kommo", status=400)
    error = with_transport(world, lambda t: failure(t.call("x", method, LEADS, json=LEAD, safe=safe)))
    assert error.detail == f"status 400, safe: {is_safe}"


@pytest.mark.parametrize(("safe", "kind", "attempts"), [(True, UnreachableError, QUICK.attempts), (False, NoAnswerError, 1)])
def test_a_server_that_hangs_is_given_up(world, safe, kind, attempts):
    async def work(transport):
        await transport.call("read account", "GET", ACCOUNT)  # so that there is a connection
        world.fault("kommo", hold="before", times=-1)
        with logged() as entries:
            error = await failure(transport.call("create lead", "POST", LEADS, json=LEAD, safe=safe, timeout_s=0.4))
        world.control("/faults/release")
        return error, [line["status"] for line in calls(entries)]

    error, statuses = with_transport(world, work)
    assert type(error) is kind
    assert statuses[0] == "ReadTimeout"
    assert len(statuses) == attempts


def test_one_call_may_wait_longer_than_usual(world):
    world.fault("kommo", delay_s=0.5)
    account = with_transport(world, lambda t: t.call("read account", "GET", ACCOUNT, timeout_s=10), timeout_s=0.1)
    assert account["id"] == 32720107
    assert len(world.requests("kommo")) == 1


def test_after_a_time_out_the_next_call_gets_its_own_answer(world):
    world.fault("kommo", path="/leads", hold="after")

    async def work(transport):
        error = await failure(transport.call("list leads", "GET", LEADS, timeout_s=0.2))
        world.control("/faults/release")
        return error, await transport.call("read account", "GET", ACCOUNT)

    error, account = with_transport(world, work, retry=RetryPolicy(attempts=1))
    assert (type(error), account["id"]) == (UnreachableError, 32720107)


def test_a_call_that_its_caller_gives_up_is_not_repeated(world):
    world.fault("kommo", hold="before", times=-1)

    async def work(transport):
        call = asyncio.create_task(transport.call("read account", "GET", ACCOUNT))
        await asyncio.to_thread(until, lambda: bool(world.requests("kommo")))
        call.cancel()
        outcome = (await asyncio.gather(call, return_exceptions=True))[0]
        world.control("/faults/release")
        return outcome

    assert type(with_transport(world, work)) is asyncio.CancelledError
    assert len(world.requests("kommo")) == 1


def test_no_attempt_follows_when_the_time_is_up(world):
    world.fault("kommo", drop="before", times=-1)
    retry = RetryPolicy(attempts=50, total_s=0.2, wait_s=0.05, wait_max_s=0.1)
    assert type(with_transport(world, lambda t: failure(t.call("x", "GET", ACCOUNT)), retry=retry)) is UnreachableError
    assert 1 <= len(world.requests("kommo")) < 10


def test_a_policy_of_one_attempt_repeats_nothing(world):
    world.fault("kommo", drop="before", times=-1)
    with_transport(world, lambda t: failure(t.call("x", "GET", ACCOUNT)), retry=RetryPolicy(attempts=1))
    assert len(world.requests("kommo")) == 1


def test_an_error_hides_its_cause_which_may_hold_addresses(world):
    world.fault("kommo", drop="before", times=-1)
    error = with_transport(world, lambda t: failure(t.call("x", "GET", ACCOUNT)))
    assert error.__cause__ is None
    assert error.__suppress_context__


def test_many_calls_at_once_get_each_its_own_answer(world):
    async def work(transport):
        made = [
            transport.call("create lead", "POST", LEADS, json=[{"name": f"Casa {n}", "request_id": str(n)}]) for n in range(60)
        ]
        return await asyncio.gather(*made)

    answers = with_transport(world, work)
    names = {lead["id"]: lead["name"] for lead in world.state("kommo")["leads"]}
    assert [names[answer["_embedded"]["leads"][0]["id"]] for answer in answers] == [f"Casa {n}" for n in range(60)]


NOW = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0.0),
        ("120", 120.0),
        ("Tue, 10 Mar 2026 17:01:30 GMT", 90.0),
        ("Tue, 10 Mar 2026 14:01:30 -0300", 90.0),
        ("Tue, 10 Mar 2026 17:01:30 -0000", 90.0),
        ("Tue, 10 Mar 2026 16:00:00 GMT", 0.0),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("soon", None),
        ("Tue, 99 Mar 2026 17:01:30 GMT", None),
    ],
)
def test_a_retry_after_header_is_seconds_or_a_date(value, seconds):
    assert retry_after_s(value, NOW) == seconds
