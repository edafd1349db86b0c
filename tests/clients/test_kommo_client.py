"""KommoClient against the imitated Kommo: what each method gives, writes and takes for "not there"."""

from datetime import UTC, datetime, timedelta

import pytest
from outside_world import OutsideWorld, failure

from clients.errors import LoginRefusedError, NotFoundError, OutcomeUnknownError, RefusedError, UnreachableError
from clients.kommo import LOST, WON, KommoContact, KommoLead, KommoTask, KommoWebhookSetting

LINK, STATUS = 123456, 123457  # custom fields of the scene
QUALIFIED, BOOKED = 67548611, 67548615  # stages of the scene
WHEN = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)
GONE = 999


@pytest.fixture
def scene(world: OutsideWorld) -> OutsideWorld:
    """Joana (contact 11) with the open lead 21 and the won lead 22; on 21 the open task 31 and the completed task 32."""
    made = int(WHEN.timestamp())
    lead = {"contact_ids": [11], "responsible_user_id": 10002, "created_at": made}
    task = {"entity_type": "leads", "entity_id": 21, "text": "Visita", "complete_till": made, "created_at": made}
    world.reset(
        kommo={
            "contacts": [
                {"id": 11, "name": "Joana", "fields": {"Phone": "(11) 98765-4321"}},
                {"id": 12, "name": "Mudo"},
            ],
            "leads": [
                {**lead, "id": 21, "name": "Casa", "tags": ["whatsapp", "sol"], "fields": {str(STATUS): "scheduled"}},
                {**lead, "id": 22, "name": "Loja", "status_id": WON, "created_at": made + 60},
            ],
            "tasks": [
                {**task, "id": 31, "duration": 1800, "responsible_user_id": 10002},
                {**task, "id": 32, "is_completed": True, "result": "feito", "task_type_id": 1},
            ],
        }
    )
    return world


def stored(world: OutsideWorld, kind: str, entity_id: int) -> dict[str, object]:
    return next(item for item in world.state("kommo")[kind] if item["id"] == entity_id)


# Account, leads


def test_the_account_is_read(world):
    account = world.kommo(lambda kommo: kommo.account())
    assert (account["id"], account["subdomain"], account["current_user_id"]) == (32720107, "solclaro", 10000)


def test_an_account_that_is_not_there_is_an_error_and_not_an_empty_one(world):
    world.fault("kommo", status=404, path="/account")
    assert type(world.kommo(lambda kommo: failure(kommo.account()))) is NotFoundError


def test_a_lead_comes_with_fields_tags_and_contacts(scene):
    assert scene.kommo(lambda kommo: kommo.get_lead(21)) == KommoLead(
        id=21,
        name="Casa",
        status_id=67548607,
        pipeline_id=8572511,
        responsible_user_id=10002,
        updated_at=int(WHEN.timestamp()),
        fields={STATUS: "scheduled"},
        tags=("whatsapp", "sol"),
        contact_ids=(11,),
    )


@pytest.mark.parametrize(("status_id", "is_open"), [(67548607, True), (WON, False), (LOST, False)])
def test_a_lead_is_open_until_it_is_won_or_lost(status_id, is_open):
    assert KommoLead(id=1, status_id=status_id).is_open is is_open
    assert not KommoLead(id=1, status_id=status_id, is_deleted=True).is_open


def test_a_lead_that_never_was_or_is_in_the_bin_is_none(scene):
    scene.control("/seller/lead/delete", lead_id=21)

    async def work(kommo):
        return await kommo.get_lead(21), await kommo.get_lead(GONE)

    assert scene.kommo(work) == (None, None)


def test_a_lead_in_the_bin_is_none_also_where_kommo_still_shows_it(scene):
    scene.fault("kommo", path="/leads/21", status=200, body={"id": 21, "is_deleted": True})
    assert scene.kommo(lambda kommo: kommo.get_lead(21)) is None


@pytest.mark.parametrize("status", [204, 400, 404, 405])
@pytest.mark.parametrize(("name", "entity_id"), [("lead", 21), ("contact", 11)])
def test_what_its_own_address_denies_is_looked_for_in_the_list_before_it_counts_as_gone(scene, name, entity_id, status):
    scene.fault("kommo", path=f"/{name}s/{entity_id}$", status=status)
    found = scene.kommo(lambda kommo: getattr(kommo, f"get_{name}")(entity_id))
    assert found.id == entity_id
    assert scene.asked("kommo") == [f"GET /api/v4/{name}s/{entity_id}", f"GET /api/v4/{name}s"]


@pytest.mark.parametrize(
    ("list_status", "error"), [(404, RefusedError), (403, LoginRefusedError), (503, UnreachableError), (500, UnreachableError)]
)
def test_nothing_counts_as_gone_while_the_list_gives_no_answer(scene, list_status, error):
    scene.fault("kommo", path="/(leads/21|contacts/11)$", status=404, times=-1)
    scene.fault("kommo", path="/(tasks|leads|contacts)$", status=list_status, times=-1)

    async def work(kommo):
        return [await failure(call) for call in (kommo.get_task(31), kommo.get_lead(21), kommo.get_contact(11))]

    assert all(isinstance(found, error) for found in scene.kommo(work))


def test_leads_are_listed_newest_change_first_and_without_those_that_are_gone(scene):
    scene.control("/clock", now="2026-03-10T18:00:00+00:00")
    scene.control("/seller/lead/edit", lead_id=21, name="Casa nova")
    leads = scene.kommo(lambda kommo: kommo.list_leads([22, 21, GONE]))
    assert [(lead.id, lead.name) for lead in leads] == [(21, "Casa nova"), (22, "Loja")]


def test_leads_in_the_bin_are_not_listed(scene):
    scene.control("/seller/lead/delete", lead_id=22)
    assert [lead.id for lead in scene.kommo(lambda kommo: kommo.list_leads([21, 22]))] == [21]


def test_no_leads_are_listed_without_a_call_when_none_are_named(scene):
    assert scene.kommo(lambda kommo: kommo.list_leads([])) == []
    assert scene.requests("kommo") == []


def test_a_lead_is_created_for_a_contact(scene):
    lead_id = scene.kommo(
        lambda kommo: kommo.create_lead(
            "Joana – WhatsApp", contact_id=11, tags=["marcado"], pipeline_id=8572511, status_id=QUALIFIED
        )
    )
    lead = stored(scene, "leads", lead_id)
    assert (lead["name"], lead["contact_ids"], lead["tags"], lead["status_id"]) == (
        "Joana – WhatsApp",
        [11],
        ["marcado"],
        QUALIFIED,
    )


def test_a_lead_without_a_place_starts_where_the_account_says(scene):
    lead_id = scene.kommo(lambda kommo: kommo.create_lead("Sem lugar", contact_id=11))
    assert (stored(scene, "leads", lead_id)["status_id"], stored(scene, "leads", lead_id)["tags"]) == (67548607, [])


def test_a_lead_and_its_contact_are_created_together(world):
    lead_id, contact_id = world.kommo(
        lambda kommo: kommo.create_lead_with_contact("Novo", contact_name="Rui", phone="+5511912345678", tags=["marcado"])
    )
    assert stored(world, "leads", lead_id)["contact_ids"] == [contact_id]
    contact = world.kommo(lambda kommo: kommo.get_contact(contact_id))
    assert contact == KommoContact(id=contact_id, name="Rui", phones=("+5511912345678",), lead_ids=(lead_id,))


def test_only_what_is_given_is_written_on_a_lead(scene):
    scene.kommo(lambda kommo: kommo.update_lead(21, fields={LINK: "https://calendar.google.com/x"}, tags_to_add=["novo"]))
    lead = stored(scene, "leads", 21)
    assert lead["fields"] == {"google_calendar_link": "https://calendar.google.com/x", "meeting_status": "scheduled"}
    assert lead["tags"] == ["whatsapp", "sol", "novo"]
    assert (lead["name"], lead["status_id"]) == ("Casa", 67548607)


def test_a_lead_is_moved_to_a_stage(scene):
    scene.kommo(lambda kommo: kommo.update_lead(21, status_id=BOOKED))
    assert stored(scene, "leads", 21)["status"] == "Reunião marcada"


def test_a_status_is_written_into_a_list_field_by_its_text(world):
    world.reset(kommo={"meeting_status": "select", "leads": [{"id": 21, "name": "Casa"}]})

    async def work(kommo):
        await kommo.update_lead(21, fields={STATUS: "no_show"})
        return await kommo.get_lead(21)

    assert world.kommo(work).fields == {STATUS: "no_show"}


@pytest.mark.parametrize("clearing", ["both", "null", "list"])
def test_an_empty_text_empties_the_field_however_this_account_wants_it_said(world, clearing):
    fields = {str(LINK): "https://calendar.google.com/x", str(STATUS): "scheduled"}
    world.reset(kommo={"clearing": clearing, "leads": [{"id": 21, "name": "Casa", "fields": fields}]})

    async def work(kommo):
        await kommo.update_lead(21, fields={LINK: "", STATUS: "cancelled"})
        return await kommo.get_lead(21)

    assert world.kommo(work).fields == {STATUS: "cancelled"}


def test_an_update_of_nothing_makes_no_call(scene):
    async def work(kommo):
        await kommo.update_lead(21)
        await kommo.update_task(31)

    scene.kommo(work)
    assert scene.requests("kommo") == []


def test_a_refused_value_is_named_by_code_and_path_and_never_by_itself(scene):
    error = scene.kommo(lambda kommo: failure(kommo.update_lead(21, fields={777: "segredo do cliente"})))
    assert type(error) is RefusedError
    assert "NotSupportedChoice at custom_fields_values.0" in str(error)
    assert "segredo" not in str(error)


@pytest.mark.parametrize("missing_write", [404, 400, 204])
@pytest.mark.parametrize("what", ["update_lead", "update_task", "complete_task"])
def test_a_change_of_something_deleted_says_so_whichever_way_kommo_puts_it(world, what, missing_write):
    world.reset(kommo={"missing_write": missing_write})

    async def work(kommo):
        return {
            "update_lead": lambda: kommo.update_lead(GONE, status_id=BOOKED),
            "update_task": lambda: kommo.update_task(GONE, text="x"),
            "complete_task": lambda: kommo.complete_task(GONE, "feito"),
        }[what]

    assert type(world.kommo(lambda kommo: _fails(work, kommo))) is NotFoundError


async def _fails(work, kommo):
    return await failure((await work(kommo))())


def test_a_change_answered_without_a_body_is_a_success_when_the_lead_is_there(scene):
    scene.fault("kommo", method="PATCH", status=204, after_write=True)
    scene.kommo(lambda kommo: kommo.update_lead(21, status_id=BOOKED))
    assert stored(scene, "leads", 21)["status_id"] == BOOKED


def test_a_change_that_misses_a_lead_which_is_there_is_no_deletion(scene):
    scene.fault("kommo", method="PATCH", status=404)
    assert type(scene.kommo(lambda kommo: failure(kommo.update_lead(21, status_id=BOOKED)))) is RefusedError


def test_a_leads_page_is_named_whether_or_not_the_address_ends_in_a_slash(world):
    async def work(kommo):
        return kommo.lead_url(21)

    assert world.kommo(work, base_url="https://acme.kommo.com/") == "https://acme.kommo.com/leads/detail/21"
    assert world.kommo(work, base_url="https://acme.kommo.com") == "https://acme.kommo.com/leads/detail/21"


# Contacts


def test_contacts_are_found_by_phone_with_phones_as_typed(scene):
    found = scene.kommo(lambda kommo: kommo.find_contacts("5511987654321"[2:]))
    assert found == [KommoContact(id=11, name="Joana", phones=("(11) 98765-4321",), lead_ids=(21, 22))]


def test_nobody_found_is_an_empty_list(scene):
    assert scene.kommo(lambda kommo: kommo.find_contacts("11900000000")) == []


def test_contacts_in_the_bin_are_not_found(scene):
    item = {"id": 11, "name": "Joana", "is_deleted": True}
    scene.fault("kommo", path="/contacts$", status=200, body={"_embedded": {"contacts": [item]}})
    assert scene.kommo(lambda kommo: kommo.find_contacts("Joana")) == []


def test_a_contact_without_phones_and_leads_is_read(scene):
    assert scene.kommo(lambda kommo: kommo.get_contact(12)) == KommoContact(id=12, name="Mudo")


def test_a_phone_is_added_once_and_those_before_stay_as_they_were_typed(scene):
    for _ in range(2):
        scene.kommo(lambda kommo: kommo.add_phone(11, "+5521998877665"))
    assert scene.kommo(lambda kommo: kommo.get_contact(11)).phones == ("(11) 98765-4321", "+5521998877665")
    assert len([call for call in scene.requests("kommo") if call["method"] == "PATCH"]) == 1


def test_a_contact_without_a_phone_gets_its_first(scene):
    scene.kommo(lambda kommo: kommo.add_phone(12, "+5521998877665"))
    assert scene.kommo(lambda kommo: kommo.get_contact(12)).phones == ("+5521998877665",)


def test_a_phone_of_a_contact_that_is_gone_is_an_error(scene):
    assert type(scene.kommo(lambda kommo: failure(kommo.add_phone(GONE, "+5521998877665")))) is NotFoundError


def test_a_contact_that_is_not_there_is_none(scene):
    assert scene.kommo(lambda kommo: kommo.get_contact(GONE)) is None


# Tasks


def test_a_task_comes_with_its_deadline_in_utc_and_its_duration(scene):
    assert scene.kommo(lambda kommo: kommo.get_task(31)) == KommoTask(
        id=31,
        text="Visita",
        deadline=WHEN,
        duration_s=1800,
        responsible_user_id=10002,
        lead_id=21,
        task_type_id=2,
        updated_at=int(WHEN.timestamp()),
    )


def test_a_completed_task_comes_with_its_result(scene):
    task = scene.kommo(lambda kommo: kommo.get_task(32))
    assert (task.is_completed, task.result, task.task_type_id) == (True, "feito", 1)


@pytest.mark.parametrize("missing_task", [204, 404])
def test_a_deleted_task_is_none(world, missing_task):
    world.reset(kommo={"missing_task": missing_task, "tasks": [{"id": 31, "text": "Visita", "complete_till": 1773162000}]})
    world.control("/seller/task/delete", task_id=31)
    assert world.kommo(lambda kommo: kommo.get_task(31)) is None


def test_a_task_is_read_in_one_call_also_when_it_is_gone(scene):
    async def work(kommo):
        return (await kommo.get_task(31)).id, await kommo.get_task(GONE)

    assert scene.kommo(work) == (31, None)
    assert scene.asked("kommo") == ["GET /api/v4/tasks"] * 2


def test_a_task_is_not_mistaken_for_another_where_kommo_ignores_the_filter(scene):
    rows = [{"id": 77, "complete_till": 1773162000}, {"id": 32, "complete_till": 1773162000}]
    scene.fault("kommo", path="/tasks$", status=200, body={"_embedded": {"tasks": rows}}, times=-1)

    async def work(kommo):
        return await kommo.get_task(31), [task.id for task in await kommo.list_tasks_by_id([31, 32])]

    assert scene.kommo(work) == (None, [32])


def test_several_tasks_are_read_in_one_call_open_and_completed_without_those_that_are_gone(scene):
    tasks = scene.kommo(lambda kommo: kommo.list_tasks_by_id([32, GONE, 31]))
    assert sorted((task.id, task.is_completed) for task in tasks) == [(31, False), (32, True)]
    assert len(scene.requests("kommo")) == 1


def test_no_tasks_are_read_without_a_call_when_none_are_named(scene):
    assert scene.kommo(lambda kommo: kommo.list_tasks_by_id([])) == []
    assert scene.requests("kommo") == []


def test_more_tasks_than_a_page_holds_are_all_read(world):
    rows = [{"id": n, "text": f"#{n}", "complete_till": 1773162000} for n in range(1, 301)]
    world.reset(kommo={"tasks": rows})
    tasks = world.kommo(lambda kommo: kommo.list_tasks_by_id(range(1, 301)))
    assert [task.id for task in tasks] == list(range(1, 301))


def test_open_tasks_of_a_type_are_listed_from_the_moment_of_their_last_change(world):
    at = int(WHEN.timestamp())
    task = {"entity_type": "leads", "entity_id": 21, "text": "Visita", "complete_till": at}
    world.reset(
        kommo={
            "leads": [{"id": 21, "name": "Casa"}],
            "tasks": [
                {**task, "id": 1, "created_at": at - 1},  # before
                {**task, "id": 2, "created_at": at},
                {**task, "id": 3, "created_at": at + 60, "is_completed": True},
                {**task, "id": 4, "created_at": at + 60, "task_type_id": 1},
                {**task, "id": 5, "created_at": at - 60, "updated_at": at + 60},
            ],
        }
    )
    assert [task.id for task in world.kommo(lambda kommo: kommo.list_open_tasks(2, WHEN))] == [2, 5]


def test_open_tasks_are_sorted_out_by_ourselves_where_kommo_ignores_a_filter(scene):
    rows = [
        {"id": 1, "task_type_id": 2, "is_completed": True, "complete_till": 1773162000},
        {"id": 2, "task_type_id": 1, "is_completed": False, "complete_till": 1773162000},
        {"id": 3, "task_type_id": 2, "is_completed": False, "complete_till": 1773162000},
    ]
    scene.fault("kommo", path="/tasks$", status=200, body={"_embedded": {"tasks": rows}})
    assert [task.id for task in scene.kommo(lambda kommo: kommo.list_open_tasks(2, WHEN))] == [3]


def test_a_task_of_something_else_than_a_lead_has_no_lead(world):
    task = {"id": 31, "text": "Ligar", "complete_till": 1773162000, "entity_type": "contacts", "entity_id": 11}
    world.reset(kommo={"contacts": [{"id": 11, "name": "Joana"}], "tasks": [task]})
    assert world.kommo(lambda kommo: kommo.get_task(31)).lead_id is None


def test_open_and_completed_tasks_of_a_lead_are_listed(scene):
    assert [task.id for task in scene.kommo(lambda kommo: kommo.list_tasks(21))] == [31, 32]


def test_a_lead_without_tasks_has_an_empty_list(scene):
    assert scene.kommo(lambda kommo: kommo.list_tasks(22)) == []


def test_a_long_list_is_read_to_its_last_page(world):
    rows = [
        {"id": n, "text": f"#{n}", "complete_till": 1773162000, "entity_type": "leads", "entity_id": 21} for n in range(1, 602)
    ]
    world.reset(kommo={"leads": [{"id": 21, "name": "Casa"}], "tasks": rows})
    tasks = world.kommo(lambda kommo: kommo.list_tasks(21))
    assert [task.id for task in tasks] == list(range(1, 602))
    assert len(world.requests("kommo")) == 3


def test_a_task_is_created_on_a_lead(scene):
    task_id = scene.kommo(
        lambda kommo: kommo.create_task(
            21, text="Reunião #7", deadline=WHEN, duration_s=3600, task_type_id=2, responsible_user_id=10001
        )
    )
    task = stored(scene, "tasks", task_id)
    assert (task["entity_type"], task["entity_id"], task["text"], task["task_type_id"]) == ("leads", 21, "Reunião #7", 2)
    assert (task["complete_till"], task["duration"], task["responsible_user_id"]) == (int(WHEN.timestamp()), 3600, 10001)


def test_a_task_without_a_responsible_user_belongs_to_the_tokens_owner(scene):
    task_id = scene.kommo(lambda kommo: kommo.create_task(21, text="x", deadline=WHEN, task_type_id=1))
    assert stored(scene, "tasks", task_id)["responsible_user_id"] == 10000


def test_only_what_is_given_is_written_on_a_task(scene):
    later = WHEN + timedelta(hours=2)

    async def work(kommo):
        await kommo.update_task(31, deadline=later)
        await kommo.update_task(31, responsible_user_id=10001)
        return await kommo.get_task(31)

    task = scene.kommo(work)
    assert (task.deadline, task.responsible_user_id) == (later, 10001)
    assert (task.text, task.duration_s) == ("Visita", 1800)


def test_a_duration_of_nothing_is_written_too(scene):
    scene.kommo(lambda kommo: kommo.update_task(31, text="Nova", duration_s=0))
    assert (stored(scene, "tasks", 31)["duration"], stored(scene, "tasks", 31)["text"]) == (0, "Nova")


def test_a_task_is_closed_with_a_result_where_the_account_demands_one(world):
    world.reset(kommo={"task_close_needs_result": True, "tasks": [{"id": 31, "text": "Visita", "complete_till": 1773162000}]})

    async def work(kommo):
        await kommo.complete_task(31, "cancelada")
        return await kommo.get_task(31)

    task = world.kommo(work)
    assert (task.is_completed, task.result) == (True, "cancelada")


# Notes


def test_notes_are_added_and_listed(scene):
    async def work(kommo):
        ids = [await kommo.add_note(21, text) for text in ("um", "dois")]
        return ids, await kommo.list_notes(21)

    ids, notes = scene.kommo(work)
    assert notes == ["um", "dois"]
    assert ids == [note["id"] for note in scene.state("kommo")["notes"]]


def test_notes_of_several_leads_are_added_in_one_call(scene):
    async def work(kommo):
        await kommo.add_notes([(21, "um"), (22, "dois"), (21, "três")])
        return await kommo.list_notes(21), await kommo.list_notes(22)

    assert scene.kommo(work) == (["um", "três"], ["dois"])
    assert [entry["path"] for entry in scene.requests("kommo") if entry["method"] == "POST"] == ["/api/v4/leads/notes"]


def test_notes_of_which_one_can_not_be_added_are_all_refused(scene):
    error = scene.kommo(lambda kommo: failure(kommo.add_notes([(21, "um"), (GONE, "dois")])))
    assert isinstance(error, RefusedError | NotFoundError)
    assert scene.state("kommo")["notes"] == []


def test_a_lead_without_notes_or_without_a_life_has_none(scene):
    scene.fault("kommo", path="/leads/999/notes", status=404)

    async def work(kommo):
        return await kommo.list_notes(21), await kommo.list_notes(GONE)

    assert scene.kommo(work) == ([], [])


# Webhooks

HOOK = "https://marcado.example/webhook/kommo/events?token=t0ken"


def test_a_webhook_is_set_read_replaced_and_deleted(world):
    async def work(kommo):
        before = await kommo.get_webhook(HOOK)
        await kommo.set_webhook(HOOK, ["add_task", "update_task"])
        await kommo.set_webhook(HOOK, ["delete_task"])
        stored = await kommo.get_webhook(HOOK)
        await kommo.delete_webhook(HOOK)
        await kommo.delete_webhook(HOOK)
        return before, stored, await kommo.get_webhook(HOOK)

    assert world.kommo(work) == (None, KommoWebhookSetting(destination=HOOK, settings=("delete_task",)), None)


def test_another_destinations_webhook_is_not_ours(world):
    async def work(kommo):
        await kommo.set_webhook("https://other.example/hook", ["add_task"])
        return await kommo.get_webhook(HOOK)

    assert world.kommo(work) is None


def test_a_disabled_webhook_shows_it(world):
    hook = {"destination": HOOK, "settings": ["add_task"], "disabled": True}
    world.reset(kommo={"webhooks": [hook]})
    assert world.kommo(lambda kommo: kommo.get_webhook(HOOK)).disabled


@pytest.mark.parametrize("status", [400, 422])
def test_a_setting_that_this_account_does_not_know_is_refused(world, status):
    world.reset(kommo={"refuse_update_task": status})
    error = world.kommo(lambda kommo: failure(kommo.set_webhook(HOOK, ["add_task", "update_task"])))
    assert type(error) is RefusedError
    assert f"status {status}, NotSupportedChoice at settings.1" in str(error)


# What Kommo's PHP makes of emptiness


def test_empty_objects_that_arrive_as_lists_or_null_are_empty(world):
    lead = {"id": 5, "name": None, "custom_fields_values": None, "_embedded": []}
    task = {"id": 6, "text": None, "complete_till": None, "result": [], "entity_id": None}
    world.fault("kommo", path="/leads/5", status=200, body=lead)
    world.fault("kommo", path="/tasks$", status=200, body={"_embedded": {"tasks": [task]}})
    world.fault("kommo", path="/leads$", status=200, body={"_embedded": [], "_links": []})

    async def work(kommo):
        return await kommo.get_lead(5), await kommo.get_task(6), await kommo.list_leads([5])

    lead, task, leads = world.kommo(work)
    assert lead == KommoLead(id=5)
    assert (task.text, task.result, task.lead_id, task.deadline) == ("", "", None, datetime(1970, 1, 1, tzinfo=UTC))
    assert leads == []


def test_values_of_fields_are_text_and_empty_ones_are_left_out(world):
    values = [
        {"field_id": 1, "values": [{"value": 42}]},
        {"field_id": 2, "values": [{"value": None}]},
        {"field_id": 3, "values": None},
        {"field_id": 4, "values": [{"value": True}, {"value": "second"}]},
    ]
    world.fault("kommo", path="/leads/5", status=200, body={"id": 5, "custom_fields_values": values})
    assert world.kommo(lambda kommo: kommo.get_lead(5)).fields == {1: "42", 4: "True"}


@pytest.mark.parametrize("body", [{"_embedded": {"leads": []}}, {"_embedded": {"leads": [{}]}}, [], {}])
def test_a_creation_that_answers_without_an_id_has_an_unknown_outcome(scene, body):
    scene.fault("kommo", method="POST", status=200, body=body)
    error = scene.kommo(lambda kommo: failure(kommo.create_lead("x", contact_id=11)))
    assert type(error) is OutcomeUnknownError
    assert len(scene.requests("kommo")) == 1
