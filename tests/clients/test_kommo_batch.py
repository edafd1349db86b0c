"""Lead updates that pile up go out together, and each caller hears about its own lead alone: over HTTP."""

import asyncio
import contextlib
import json

import pytest
from outside_world import OutsideWorld, failure

from clients.errors import NotFoundError, RefusedError, ServiceError, UnreachableError
from clients.kommo_batch import AT_ONCE

LINK, STATUS = 123456, 123457  # custom fields of the scene
QUALIFIED, BOOKED = 67548611, 67548615  # stages of the scene
GONE = 999


@pytest.fixture
def scene(world: OutsideWorld) -> OutsideWorld:
    """Leads 1 to 120, each with a link and a status."""
    fields = {str(LINK): "https://calendar.google.com/x", str(STATUS): "scheduled"}
    world.reset(kommo={"leads": [{"id": n, "name": f"Casa {n}", "fields": fields} for n in range(1, 121)]})
    return world


def patches(world: OutsideWorld) -> list[list[int]]:
    """The leads that each PATCH named, in the order of the calls."""
    found = []
    for entry in world.requests("kommo", "/leads"):
        if entry["method"] == "PATCH":
            alone = entry["path"].removeprefix("/api/v4/leads").strip("/")
            found.append([int(alone)] if alone else [item["id"] for item in json.loads(entry["body"])])
    return found


def statuses(world: OutsideWorld) -> dict[int, str | None]:
    return {lead["id"]: lead["fields"].get("meeting_status") for lead in world.state("kommo")["leads"]}


def all_at_once(ids, **change):
    """Work that updates the leads all at the same moment; gives per lead "written" or the kind of its error."""

    async def work(kommo):
        updates = [kommo.update_lead(lead_id, **(change or {"fields": {STATUS: "no_show"}})) for lead_id in ids]
        ends = await asyncio.gather(*updates, return_exceptions=True)
        return ["written" if end is None else type(end) for end in ends]

    return work


async def held(world, *, calls=1):
    """Waits until that many calls are kept waiting by the service."""
    for _ in range(2000):
        if sum(1 for entry in await asyncio.to_thread(world.requests, "kommo") if entry.get("held")) >= calls:
            return
        await asyncio.sleep(0.005)
    raise AssertionError("no call is being held")


# How they go out


def test_one_update_alone_is_one_call_for_that_lead(scene):
    assert scene.kommo(all_at_once([7])) == ["written"]
    assert patches(scene) == [[7]]


def test_one_update_after_the_other_is_one_call_each(scene):
    async def work(kommo):
        for lead_id in (3, 1, 2):
            await kommo.update_lead(lead_id, status_id=BOOKED)

    scene.kommo(work)
    assert patches(scene) == [[3], [1], [2]]


def test_what_piles_up_while_a_call_is_under_way_goes_out_in_one(scene):
    scene.fault("kommo", method="PATCH", hold="before")

    async def work(kommo):
        first = asyncio.create_task(kommo.update_lead(1, fields={STATUS: "completed"}))
        await held(scene)
        others = [asyncio.create_task(kommo.update_lead(n, fields={STATUS: "no_show"})) for n in (5, 4, 3)]
        await asyncio.sleep(0)
        await asyncio.to_thread(scene.control, "/faults/release")
        await asyncio.gather(first, *others)

    scene.kommo(work)
    assert patches(scene) == [[1], [5, 4, 3]]
    assert {n: status for n, status in statuses(scene).items() if status != "scheduled"} == {
        1: "completed",
        3: "no_show",
        4: "no_show",
        5: "no_show",
    }


def test_no_call_carries_more_leads_than_kommo_advises(scene):
    assert scene.kommo(all_at_once(range(1, 121))) == ["written"] * 120
    assert [len(ids) for ids in patches(scene)] == [AT_ONCE, AT_ONCE, 20]
    assert set(statuses(scene).values()) == {"no_show"}


def test_each_lead_keeps_to_what_was_written_for_it(scene):
    async def work(kommo):
        await asyncio.gather(
            kommo.update_lead(1, fields={STATUS: "completed"}),
            kommo.update_lead(2, status_id=BOOKED),
            kommo.update_lead(3, tags_to_add=["novo"]),
        )

    scene.kommo(work)
    leads = {lead["id"]: lead for lead in scene.state("kommo")["leads"]}
    shown = [(leads[n]["fields"]["meeting_status"], leads[n]["status"], leads[n]["tags"]) for n in (1, 2, 3)]
    assert shown == [
        ("completed", "Novo contato", []),
        ("scheduled", "Reunião marcada", []),
        ("scheduled", "Novo contato", ["novo"]),
    ]
    assert patches(scene) == [[1, 2, 3]]


def test_two_updates_of_one_lead_are_written_one_after_the_other_in_their_order(scene):
    async def work(kommo):
        await asyncio.gather(
            kommo.update_lead(1, fields={STATUS: "completed"}),
            kommo.update_lead(2, fields={STATUS: "completed"}),
            kommo.update_lead(1, fields={STATUS: "no_show"}),
            kommo.update_lead(1, status_id=BOOKED),
        )

    scene.kommo(work)
    assert patches(scene) == [[1, 2], [1], [1]]
    assert (statuses(scene)[1], statuses(scene)[2]) == ("no_show", "completed")


def test_hundreds_of_updates_stay_within_the_limit_of_the_account(world):
    world.reset(kommo={"rate_limit": 7, "leads": [{"id": n, "name": "Casa"} for n in range(1, 301)]})
    assert set(world.kommo(all_at_once(range(1, 301)), requests_per_s=7)) == {"written"}
    assert [entry["status"] for entry in world.requests("kommo")] == [200] * 6


# Each caller hears about its own lead


@pytest.mark.parametrize("missing_write", [404, 400, 204])
def test_a_lead_that_is_gone_is_told_to_its_caller_alone(scene, missing_write):
    scene.reset(kommo={"missing_write": missing_write, "leads": [{"id": n, "name": "Casa"} for n in (1, 2, 3)]})
    assert scene.kommo(all_at_once([1, GONE, 2, 3])) == ["written", NotFoundError, "written", "written"]
    assert statuses(scene) == dict.fromkeys((1, 2, 3), "no_show")


def test_an_update_that_kommo_refuses_does_not_hurt_the_others(scene):
    async def work(kommo):
        return await asyncio.gather(
            kommo.update_lead(1, fields={STATUS: "no_show"}),
            failure(kommo.update_lead(2, fields={777: "segredo do cliente"})),
            kommo.update_lead(3, fields={STATUS: "no_show"}),
        )

    _, error, _ = scene.kommo(work)
    assert type(error) is RefusedError
    assert "NotSupportedChoice" in str(error)
    assert "segredo" not in str(error)
    assert [statuses(scene)[n] for n in (1, 2, 3)] == ["no_show", "scheduled", "no_show"]


def test_leads_that_the_answer_leaves_out_are_written_again_alone(scene):
    scene.fault("kommo", method="PATCH", path="/leads$", status=200, body={"_embedded": {"leads": [{"id": 2}]}}, after_write=True)
    assert scene.kommo(all_at_once([1, 2, 3])) == ["written"] * 3
    assert patches(scene) == [[1, 2, 3], [1], [3]]


@pytest.mark.parametrize("body", [{}, [], {"_embedded": []}, {"_embedded": {"leads": [{}]}}])
def test_an_answer_that_names_no_lead_is_not_taken_for_a_success(scene, body):
    scene.fault("kommo", method="PATCH", path="/leads$", status=200, body=body)
    assert scene.kommo(all_at_once([1, 2])) == ["written"] * 2
    assert patches(scene) == [[1, 2], [1], [2]]
    assert (statuses(scene)[1], statuses(scene)[2]) == ("no_show", "no_show")


@pytest.mark.parametrize("clearing", ["both", "null", "list"])
def test_a_field_is_emptied_in_a_batch_however_this_account_wants_it_said(scene, clearing):
    fields = {str(LINK): "https://calendar.google.com/x", str(STATUS): "scheduled"}
    scene.reset(kommo={"clearing": clearing, "leads": [{"id": n, "name": "Casa", "fields": fields} for n in (1, 2)]})
    assert scene.kommo(all_at_once([1, 2], fields={LINK: "", STATUS: "cancelled"})) == ["written"] * 2
    assert [lead["fields"] for lead in scene.state("kommo")["leads"]] == [
        {"google_calendar_link": None, "meeting_status": "cancelled"}
    ] * 2


def test_when_kommo_is_down_all_of_them_hear_so_and_the_next_ones_go_out(scene):
    scene.fault("kommo", method="PATCH", status=503, times=3)

    async def work(kommo):
        down = await all_at_once([1, 2, 3])(kommo)
        return down, await all_at_once([1, 2, 3])(kommo)

    assert scene.kommo(work) == ([UnreachableError] * 3, ["written"] * 3)
    assert patches(scene) == [[1, 2, 3]] * 4


@pytest.mark.parametrize("drop", ["before", "after"])
def test_a_lost_answer_is_asked_for_again_and_leaves_every_lead_written_once(scene, drop):
    scene.fault("kommo", method="PATCH", drop=drop)
    assert scene.kommo(all_at_once([1, 2], tags_to_add=["novo"])) == ["written"] * 2
    assert [lead["tags"] for lead in scene.state("kommo")["leads"][:2]] == [["novo"]] * 2


# Callers that leave


def test_a_caller_that_leaves_takes_nothing_from_the_others(scene):
    scene.fault("kommo", method="PATCH", hold="before")

    async def work(kommo):
        first = asyncio.create_task(kommo.update_lead(1, fields={STATUS: "no_show"}))
        await held(scene)
        second = asyncio.create_task(kommo.update_lead(2, fields={STATUS: "no_show"}))
        third = asyncio.create_task(kommo.update_lead(3, fields={STATUS: "no_show"}))
        await asyncio.sleep(0)
        for leaving in (first, second):
            leaving.cancel()
        await asyncio.to_thread(scene.control, "/faults/release")
        await third
        return first.cancelled(), second.cancelled()

    assert scene.kommo(work) == (True, True)
    assert statuses(scene)[3] == "no_show"


def test_a_caller_that_leaves_and_an_update_that_fails_together_disturb_nobody(scene):
    scene.fault("kommo", method="PATCH", path="/leads/1$", hold="before", status=422)

    async def work(kommo):
        leaving = asyncio.create_task(kommo.update_lead(1, fields={STATUS: "no_show"}))
        await held(scene)
        leaving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await leaving
        staying = asyncio.create_task(kommo.update_lead(2, fields={STATUS: "no_show"}))
        await asyncio.sleep(0)
        await asyncio.to_thread(scene.control, "/faults/release")
        await staying
        await kommo.update_lead(3, fields={STATUS: "no_show"})

    scene.kommo(work)
    assert [statuses(scene)[n] for n in (1, 2, 3)] == ["scheduled", "no_show", "no_show"]


def test_updates_that_wait_while_the_program_ends_are_given_up_not_left_hanging(scene):
    scene.fault("kommo", method="PATCH", hold="before")
    ends = []

    async def update(kommo, lead_id):
        try:
            await kommo.update_lead(lead_id, fields={STATUS: "no_show"})
        except (asyncio.CancelledError, ServiceError) as error:
            ends.append((lead_id, type(error)))
            raise

    async def work(kommo):
        waiting = [asyncio.create_task(update(kommo, n)) for n in (1, 2)]
        await held(scene)
        kommo._leads._runner.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    scene.kommo(work)
    scene.control("/faults/release")
    assert ends == [(1, asyncio.CancelledError), (2, asyncio.CancelledError)]
