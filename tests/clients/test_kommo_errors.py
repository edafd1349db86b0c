"""KommoClient on bad days: which answer becomes which error, what is repeated and what never is."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from outside_world import QUICK, OutsideWorld, closed_port, failure

from clients.errors import (
    BusyError,
    LoginRefusedError,
    NoAnswerError,
    NotFoundError,
    OutcomeUnknownError,
    RefusedError,
    UnreachableError,
)
from clients.transport import RetryPolicy
from clients.under_way import LASTS

WHEN = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)

READS = {
    "account": lambda kommo: kommo.account(),
    "get_lead": lambda kommo: kommo.get_lead(21),
    "get_task": lambda kommo: kommo.get_task(31),
    "list_open_tasks": lambda kommo: kommo.list_open_tasks(2, WHEN),
    "list_tasks": lambda kommo: kommo.list_tasks(21),
    "find_contacts": lambda kommo: kommo.find_contacts("11987654321"),
}
CREATIONS = {
    "create_lead": lambda kommo: kommo.create_lead("Casa 2", contact_id=11),
    "create_lead_with_contact": lambda kommo: kommo.create_lead_with_contact(
        "Casa 2", contact_name="Rui", phone="+5511912345678"
    ),
    "create_task": lambda kommo: kommo.create_task(21, text="Reunião", deadline=WHEN, task_type_id=2),
    "add_note": lambda kommo: kommo.add_note(21, "nota"),
    "add_notes": lambda kommo: kommo.add_notes([(21, "nota")]),
}
MADE = {
    "create_lead": "leads",
    "create_lead_with_contact": "contacts",
    "create_task": "tasks",
    "add_note": "notes",
    "add_notes": "notes",
}
CHANGES = {
    "update_lead": lambda kommo: kommo.update_lead(21, status_id=67548615),
    "update_task": lambda kommo: kommo.update_task(31, text="Nova"),
    "complete_task": lambda kommo: kommo.complete_task(31, "feito"),
    "set_webhook": lambda kommo: kommo.set_webhook("https://marcado.example/hook", ["add_task"]),
    "delete_webhook": lambda kommo: kommo.delete_webhook("https://marcado.example/old"),
}


@pytest.fixture(autouse=True)
def scene(world: OutsideWorld) -> OutsideWorld:
    """Contact 11, lead 21 with task 31, and an old webhook."""
    task = {"id": 31, "text": "Visita", "complete_till": 1773162000, "entity_type": "leads", "entity_id": 21}
    world.reset(
        kommo={
            "contacts": [{"id": 11, "name": "Joana"}],
            "leads": [{"id": 21, "name": "Casa", "contact_ids": [11]}],
            "tasks": [task],
            "webhooks": [{"destination": "https://marcado.example/old", "settings": ["add_task"]}],
        }
    )
    return world


def error_of(world, call, **more):
    return world.kommo(lambda kommo: failure(call(kommo)), **more)


# Which answer becomes which error


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RefusedError),
        (401, LoginRefusedError),
        (402, LoginRefusedError),
        (403, LoginRefusedError),
        (404, NotFoundError),
        (405, RefusedError),
        (422, RefusedError),
        (408, OutcomeUnknownError),
        (500, OutcomeUnknownError),
        (502, OutcomeUnknownError),
        (503, OutcomeUnknownError),
        (504, OutcomeUnknownError),
    ],
)
@pytest.mark.parametrize("name", CREATIONS)
def test_a_creation_ends_with_the_error_that_says_what_to_do_and_is_tried_once(scene, name, status, kind):
    scene.fault("kommo", method="POST", status=status, times=-1)
    error = error_of(scene, CREATIONS[name])
    assert type(error) is kind
    assert f"status {status}" in error.detail or error.detail == "blocked address"
    assert len(scene.requests("kommo")) == 1


@pytest.mark.parametrize(
    ("status", "kind", "attempts"),
    [
        (401, LoginRefusedError, 1),
        (402, LoginRefusedError, 1),
        (403, LoginRefusedError, 1),
        (408, UnreachableError, 3),
        (500, UnreachableError, 3),
        (502, UnreachableError, 3),
        (503, UnreachableError, 3),
        (504, UnreachableError, 3),
    ],
)
@pytest.mark.parametrize("name", [*READS, *CHANGES])
def test_what_may_be_repeated_is_repeated_after_trouble_and_not_after_a_refusal(scene, name, status, kind, attempts):
    scene.fault("kommo", status=status, times=-1)
    assert type(error_of(scene, {**READS, **CHANGES}[name])) is kind
    assert len(scene.requests("kommo")) == attempts


@pytest.mark.parametrize("name", [*READS, *CHANGES])
def test_one_bad_answer_is_no_failure_for_what_may_be_repeated(scene, name):
    scene.fault("kommo", status=503)
    scene.kommo({**READS, **CHANGES}[name])
    assert len(scene.requests("kommo")) == 2


@pytest.mark.parametrize("status", [400, 422])
def test_a_refused_change_is_a_refusal_when_the_thing_is_there(scene, status):
    scene.fault("kommo", method="PATCH", status=status, times=-1)
    assert type(error_of(scene, CHANGES["update_task"])) is RefusedError
    assert [entry["method"] for entry in scene.requests("kommo")] == ["PATCH", "GET"]


def test_a_revoked_token_is_told_apart_from_everything_else(scene):
    scene.control("/kommo/account", token="another")
    error = error_of(scene, READS["get_lead"])
    assert (type(error), error.detail) == (LoginRefusedError, "status 401")


def test_an_account_whose_plan_has_ended_needs_a_person(scene):
    scene.control("/kommo/account", paid=False)
    error = error_of(scene, READS["get_lead"])
    assert (type(error), error.detail) == (LoginRefusedError, "status 402")


def test_a_block_page_in_html_is_a_blocked_address_and_missing_rights_are_not(scene):
    scene.fault("kommo", status=403)  # the front server's page
    assert error_of(scene, READS["get_lead"]).detail == "blocked address"
    scene.fault("kommo", status=403, body={"title": "Forbidden", "status": 403, "detail": "Invalid scope"})
    error = error_of(scene, READS["get_lead"])
    assert (type(error), error.detail) == (LoginRefusedError, "status 403")


@pytest.mark.parametrize("name", ["get_lead", "create_lead", "update_lead"])
def test_a_redirect_is_not_followed(scene, name):
    target = f"{scene.url('kommo')}/api/v4/account"
    scene.fault("kommo", status=302, body="", headers={"location": target}, times=-1)
    error = error_of(scene, {**READS, **CREATIONS, **CHANGES}[name])
    assert type(error) is RefusedError
    assert "a redirect: is the address right?" in error.detail
    assert scene.requests("kommo", "/account") == []


@pytest.mark.parametrize(
    ("name", "kind", "attempts"), [("get_lead", UnreachableError, 3), ("create_lead", OutcomeUnknownError, 1)]
)
def test_a_page_in_place_of_json_is_no_answer(scene, name, kind, attempts):
    scene.fault("kommo", status=200, body="<html>Log in to the hotel's network</html>", times=-1)
    error = error_of(scene, {**READS, **CREATIONS}[name])
    assert (type(error), error.detail) == (kind, "status 200, but no JSON")
    assert len(scene.requests("kommo")) == attempts


def test_a_server_that_is_not_there_is_unreachable_also_for_creations(scene):
    nowhere = f"http://127.0.0.1:{closed_port()}"
    error = error_of(scene, CREATIONS["create_lead"], base_url=nowhere)
    assert (type(error), error.service, error.operation, error.detail) == (
        UnreachableError,
        "Kommo",
        "create lead",
        "ConnectError",
    )


def test_an_error_reads_as_one_sentence(scene):
    scene.fault("kommo", status=500, times=-1)
    assert str(error_of(scene, READS["get_lead"])) == "Kommo: read lead failed (status 500)"


# Too many calls


def test_a_long_wait_is_not_waited_but_told(scene):
    scene.fault("kommo", status=429, times=-1)  # Kommo's documented body: retry_after 300
    error = error_of(scene, CREATIONS["create_task"])
    assert (type(error), error.retry_after_s) == (BusyError, 300.0)
    assert len(scene.requests("kommo")) == 1


@pytest.mark.parametrize(
    "answer",
    [
        {"body": {"retry_after": 0.03}},
        {"body": {"retry_after": 0}},
        {"body": {}},
        {"body": {"retry_after": "soon"}},
        {"body": []},
        {"body": "slow down"},
        {"body": "", "headers": {"retry-after": "0"}},
        {"body": "", "headers": {"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT"}},
    ],
)
def test_a_short_wait_is_waited_and_the_call_repeated_creations_too(scene, answer):
    scene.fault("kommo", status=429, **answer)
    task_id = scene.kommo(CREATIONS["create_task"])
    assert len(scene.requests("kommo")) == 2
    assert [task["id"] for task in scene.state("kommo")["tasks"]] == [31, task_id]


def test_the_header_counts_more_than_the_body(scene):
    scene.fault("kommo", status=429, body={"retry_after": 0}, headers={"retry-after": "120"}, times=-1)
    assert error_of(scene, READS["get_lead"]).retry_after_s == 120.0


def test_the_wait_that_was_asked_for_is_kept(scene):
    scene.fault("kommo", status=429, body={"retry_after": 0.4})
    scene.kommo(READS["get_lead"], retry=RetryPolicy(attempts=2, total_s=10, wait_s=0.001, wait_max_s=1))
    first, second = (datetime.fromisoformat(entry["at"]) for entry in scene.requests("kommo"))
    assert (second - first).total_seconds() > 0.35


def test_a_service_that_stays_busy_ends_with_busy(scene):
    scene.fault("kommo", status=429, body={"retry_after": 0.01}, times=-1)
    error = error_of(scene, READS["get_lead"])
    assert (type(error), error.retry_after_s) == (BusyError, 0.01)
    assert len(scene.requests("kommo")) == QUICK.attempts


def test_calls_beyond_the_limit_of_the_account_get_through_in_the_end(scene):
    scene.reset(kommo={"rate_limit": 2, "retry_after": 1})
    patient = RetryPolicy(attempts=9, total_s=30, wait_s=0.01, wait_max_s=2)

    async def work(kommo):
        return await asyncio.gather(*(kommo.account() for _ in range(4)))

    assert [account["id"] for account in scene.kommo(work, retry=patient)] == [32720107] * 4
    assert 429 in [entry["status"] for entry in scene.requests("kommo")]


def test_never_more_than_seven_calls_leave_in_any_second(scene):
    left: list[float] = []

    async def note(_request):
        left.append(time.monotonic())

    async def work(kommo):
        kommo._http._http.event_hooks = {"request": [note]}
        await asyncio.gather(*(kommo.account() for _ in range(12)))

    scene.kommo(work, requests_per_s=7)
    assert len(left) == 12
    assert all(later - earlier > 1 for earlier, later in zip(left, left[7:], strict=False))
    assert any(second - first > 0.1 for first, second in pairwise(left))


# Lost answers


@pytest.mark.parametrize(("drop", "made"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("name", CREATIONS)
def test_a_creation_whose_answer_is_lost_has_an_unknown_outcome_and_is_not_repeated(scene, name, drop, made):
    before = len(scene.state("kommo")[MADE[name]])
    scene.fault("kommo", method="POST", drop=drop)
    error = error_of(scene, CREATIONS[name])
    assert (type(error), error.detail) == (NoAnswerError, "RemoteProtocolError")
    assert len(scene.requests("kommo")) == 1
    assert len(scene.state("kommo")[MADE[name]]) == before + made


@pytest.mark.parametrize("name", CREATIONS)
def test_what_a_slow_server_may_still_be_making_is_not_asked_for_again_until_that_is_surely_over(scene, name):
    before = len(scene.state("kommo")[MADE[name]])
    now = datetime(2026, 3, 9, 12, tzinfo=UTC)
    clock = [now]

    async def work(kommo):
        lost = await failure(CREATIONS[name](kommo))
        scene.control("/faults/release")
        clock[0] = now + LASTS - timedelta(seconds=1)
        too_early = await failure(CREATIONS[name](kommo))
        clock[0] = now + LASTS
        await CREATIONS[name](kommo)
        return lost, too_early

    scene.fault("kommo", method="POST", hold="before")
    lost, too_early = scene.kommo(work, now=lambda: clock[0], retry=replace(QUICK, answer_s=0.3))
    assert (type(lost), lost.detail) == (NoAnswerError, "ReadTimeout")
    assert type(too_early) is OutcomeUnknownError
    assert "may be under way" in too_early.detail
    assert len(scene.requests("kommo")) == 2
    assert len(scene.state("kommo")[MADE[name]]) in (before + 1, before + 2)  # the held call ends when it likes


def test_others_may_be_made_meanwhile(scene):
    async def work(kommo):
        assert type(await failure(kommo.add_note(21, "um"))) is NoAnswerError
        await kommo.add_note(21, "outro")
        assert type(await failure(kommo.add_notes([(21, "mais um"), (21, "um")]))) is NoAnswerError

    scene.fault("kommo", method="POST", drop="before")
    scene.fault("kommo", method="POST", path="/leads/notes", drop="before")
    scene.kommo(work)


@pytest.mark.parametrize("drop", ["before", "after"])
@pytest.mark.parametrize("name", [*READS, *CHANGES])
def test_what_may_be_repeated_is_repeated_after_a_lost_answer(scene, name, drop):
    scene.fault("kommo", drop=drop)
    scene.kommo({**READS, **CHANGES}[name])
    assert len(scene.requests("kommo")) == 2


def test_a_change_whose_answers_stay_lost_is_unreachable_for_it_may_simply_be_repeated_later(scene):
    scene.fault("kommo", drop="after", times=-1)
    assert type(error_of(scene, CHANGES["update_lead"])) is UnreachableError
    assert len(scene.requests("kommo")) == QUICK.attempts
    assert scene.state("kommo")["leads"][0]["status_id"] == 67548615


def test_a_write_that_was_lost_in_silence_is_a_success_that_only_reading_back_uncovers(scene):
    scene.fault("kommo", method="PATCH", swallow=True)

    async def work(kommo):
        await kommo.update_lead(21, status_id=67548615)
        return await kommo.get_lead(21)

    assert scene.kommo(work).status_id == 67548607
