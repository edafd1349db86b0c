"""What people do in Kommo's pages, what the snapshot shows of it, and how a scene is seeded."""

import pytest
from kommo_server import ALL_LEAD_SETTINGS, ALL_TASK_SETTINGS, KommoServer

DEADLINE = 1773255600


@pytest.fixture(scope="module")
def server():
    with KommoServer() as running:
        yield running


@pytest.fixture
def kommo(server):
    """Every webhook subscribed at an address where nobody listens; the log of deliveries tells what was sent."""
    hook = {"destination": "http://127.0.0.1:9/", "settings": [*ALL_TASK_SETTINGS, *ALL_LEAD_SETTINGS, "add_contact"]}
    server.reset(webhooks=[hook])
    server.control("/clock", now="2026-03-10T14:00:00-03:00")
    return server


def sent(kommo):
    return [delivery["event"] for delivery in kommo.deliveries()]


@pytest.fixture
def lead(kommo):
    return kommo.control("/seller/lead/create", name="Telhado", price=500, tags=["whatsapp"])["id"]


@pytest.fixture
def task(kommo, lead):
    return kommo.control("/seller/task/create", lead_id=lead, text="Reunião", complete_till=DEADLINE, duration=1800)["id"]


def test_the_default_scene_is_sol_claro(kommo):
    state = kommo.state()
    assert (state["account"]["id"], state["account"]["subdomain"]) == (32720107, "solclaro")
    assert [(user["id"], user["name"]) for user in state["users"]] == [
        (10000, "Integração Marcado"),
        (10001, "Ana Ribeiro"),
        (10002, "Bruno Teixeira"),
    ]
    assert [f["name"] for f in state["custom_fields"]["leads"]] == ["google_calendar_link", "meeting_status"]
    assert [f["code"] for f in state["custom_fields"]["contacts"]] == ["PHONE", "EMAIL"]
    assert (state["leads"], state["contacts"], state["tasks"], state["notes"]) == ([], [], [], [])


def test_a_person_acts_as_ana_unless_told_otherwise(kommo, task):
    made = kommo.one("tasks", task)
    assert (made["created_by"], made["responsible_user_id"], made["task_type_id"], made["duration"]) == (10001, 10001, 2, 1800)
    kommo.control("/seller/task/edit", task_id=task, text="Visita", user_id=10002)
    assert (kommo.one("tasks", task)["text"], kommo.one("tasks", task)["updated_by"]) == ("Visita", 10002)
    robot = kommo.control("/seller/task/create", text="Ligar", complete_till=DEADLINE, user_id=0, responsible_user_id=10002)
    assert (robot["created_by"], robot["responsible_user_id"]) == (0, 10002)


def test_the_last_editor_of_a_lead_or_contact_is_remembered(kommo, lead):
    contact = kommo.control("/seller/contact/create", name="João")["id"]
    kommo.control("/seller/lead/edit", lead_id=lead, price=1, user_id=10002)
    kommo.control("/seller/contact/edit", contact_id=contact, name="João Souza", user_id=10002)
    for shown in (kommo.one("leads", lead), kommo.one("contacts", contact)):
        assert (shown["created_by"], shown["updated_by"]) == (10001, 10002)


def test_the_life_of_a_task_in_the_pages(kommo, task):
    kommo.control("/seller/task/move", task_id=task, complete_till=DEADLINE + 3600, duration=900)
    kommo.control("/seller/task/reassign", task_id=task, responsible_user_id=10002)
    kommo.control("/seller/task/complete", task_id=task, result="Cliente compareceu")
    done = kommo.one("tasks", task)
    assert (done["complete_till"], done["duration"], done["responsible_user_id"]) == (DEADLINE + 3600, 900, 10002)
    assert (done["is_completed"], done["result"]) == (True, "Cliente compareceu")
    kommo.control("/seller/task/reopen", task_id=task)
    assert kommo.one("tasks", task)["is_completed"] is False
    kommo.control("/seller/task/delete", task_id=task)
    state = kommo.state()
    assert (state["tasks"], state["deleted"]["tasks"]) == ([], [task])
    assert kommo.get(f"/tasks/{task}").status_code == 204
    assert sent(kommo) == ["leads[add]", "task[add]", *["task[update]"] * 4, "task[delete]"]


def test_the_life_of_a_lead_in_the_pages(kommo, lead):
    fields = {"123457": "cancelled", "google_calendar_link": "https://x.example"}
    shown = kommo.control(
        "/seller/lead/edit", lead_id=lead, name="Obra", price=900, custom_fields=fields, tags_add=["a"], tags_delete=["whatsapp"]
    )
    assert shown == kommo.one("leads", lead)
    assert (shown["name"], shown["price"], shown["tags"]) == ("Obra", 900, ["a"])
    assert shown["fields"] == {"google_calendar_link": "https://x.example", "meeting_status": "cancelled"}
    kommo.control("/seller/lead/edit", lead_id=lead, custom_fields={"meeting_status": None})
    assert kommo.one("leads", lead)["fields"]["meeting_status"] is None
    kommo.control("/seller/lead/stage", lead_id=lead, status_id=67548615)
    assert kommo.one("leads", lead)["status"] == "Reunião marcada"
    kommo.control("/seller/lead/reassign", lead_id=lead, responsible_user_id=10002)
    kommo.control("/seller/lead/delete", lead_id=lead)
    assert (kommo.state()["leads"], kommo.state()["deleted"]["leads"]) == ([], [lead])
    kommo.control("/seller/lead/restore", lead_id=lead)
    assert kommo.one("leads", lead)["responsible_user_id"] == 10002
    assert sent(kommo) == [
        "leads[add]",
        "leads[update]",
        "leads[update]",
        "leads[status]",
        "leads[update]",
        "leads[responsible]",
        "leads[update]",
        "leads[delete]",
        "leads[restore]",
    ]


def test_merged_leads_become_one(kommo, lead, task):
    contact = kommo.control("/seller/contact/create", name="João", lead_id=lead)["id"]
    kommo.control("/seller/note/add", lead_id=lead, text="Olá")
    kept = kommo.control("/seller/lead/create", name="Duplicado", custom_fields={"meeting_status": "scheduled"})["id"]
    merged = kommo.control("/seller/lead/merge", lead_id=lead, into_id=kept)
    assert (merged["contact_ids"], merged["open_tasks"], merged["tags"]) == ([contact], [task], ["whatsapp"])
    assert kommo.one("tasks", task)["entity_id"] == kept
    assert kommo.state()["notes"][0]["entity_id"] == kept
    assert kommo.state()["deleted"]["leads"] == [lead]
    assert sent(kommo)[-2:] == ["leads[delete]", "leads[update]"]


def test_contacts_and_notes_in_the_pages(kommo, lead):
    contact = kommo.control("/seller/contact/create", name="João", phone="(11) 98888-0001", email="j@x.example", lead_id=lead)
    assert contact["fields"] == {"Phone": "(11) 98888-0001", "Email": "j@x.example"}
    assert contact["leads"] == [lead]
    kommo.control("/seller/contact/edit", contact_id=contact["id"], name="João Souza", phone="+5511988880001")
    assert kommo.one("contacts", contact["id"])["fields"]["Phone"] == "+5511988880001"
    note = kommo.control("/seller/note/add", contact_id=contact["id"], text="Prefere a tarde")
    assert (note["entity_type"], note["text"]) == ("contacts", "Prefere a tarde")
    kommo.control("/seller/contact/delete", contact_id=contact["id"])
    assert kommo.one("leads", lead)["contact_ids"] == []


@pytest.mark.parametrize(
    ("path", "data", "reason"),
    [
        ("/seller/task/delete", {"task_id": 5}, "task_id is 5"),
        ("/seller/task/delete", {}, "task_id"),
        ("/seller/task/move", {"task_id": 5, "when": 1}, "when"),
        ("/seller/task/create", {"text": "x", "complete_till": 1, "user_id": 9}, "user_id is 9"),
        ("/seller/task/create", {"text": "x", "complete_till": 1, "lead_id": 9}, "entity_id"),
        ("/seller/lead/edit", {"lead_id": 9, "name": "x"}, "lead_id is 9"),
        ("/seller/lead/restore", {"lead_id": 9}, "no lead in the bin"),
        ("/seller/note/add", {"text": "x"}, "lead_id or contact_id"),
        ("/kommo/webhook/save", {"destination": "https://x.example"}, "settings"),
        ("/kommo/webhook/save", {"destination": "https://x.example", "settings": ["x"]}, "x"),
    ],
)
def test_a_control_says_what_is_wrong(kommo, path, data, reason):
    assert reason in kommo.refused(path, **data)


def test_a_person_cannot_choose_an_option_that_is_not_there(kommo):
    kommo.reset(meeting_status="select")
    lead = kommo.control("/seller/lead/create", name="Telhado", custom_fields={"meeting_status": "scheduled"})["id"]
    assert "not a valid choice" in kommo.refused("/seller/lead/edit", lead_id=lead, custom_fields={"meeting_status": "adiada"})
    assert "adiamento" in kommo.refused("/seller/lead/edit", lead_id=lead, custom_fields={"adiamento": "x"})
    assert kommo.one("leads", lead)["fields"]["meeting_status"] == "scheduled"


def test_clearing_a_field_by_hand_works_whatever_the_api_takes(kommo):
    for clearing in ("null", "list", "both"):
        kommo.reset(clearing=clearing, leads=[{"id": 7, "fields": {"meeting_status": "scheduled"}}])
        kommo.control("/seller/lead/edit", lead_id=7, custom_fields={"123457": None})
        assert kommo.one("leads", 7)["fields"]["meeting_status"] is None


def test_a_seed_places_entities_in_silence_and_numbering_goes_on_above_them(kommo):
    hook = {"destination": "http://127.0.0.1:9/", "settings": ["add_lead"]}
    kommo.reset(
        webhooks=[hook],
        contacts=[{"id": 90, "name": "João", "fields": {"Phone": "+5511988880001"}}],
        leads=[{"id": 99999999, "name": "Telhado", "contact_ids": [90], "tags": ["whatsapp"], "fields": {"123457": "scheduled"}}],
        tasks=[{"id": 3, "text": "Reunião", "complete_till": DEADLINE, "entity_type": "leads", "entity_id": 99999999}],
        notes=[{"id": 4, "entity_type": "leads", "entity_id": 99999999, "params": {"text": "Olá"}}],
    )
    assert sent(kommo) == []
    lead = kommo.one("leads", 99999999)
    assert (lead["fields"]["meeting_status"], lead["main_contact_id"], lead["open_tasks"]) == ("scheduled", 90, [3])
    assert kommo.state()["events"] == []
    assert kommo.add("leads", name="x") == 100000001


@pytest.mark.parametrize(
    "seed",
    [
        {"lead": []},
        {"clearing": "none"},
        {"meeting_status": "date"},
        {"leads": [{"id": 1, "fields": {"nada": 1}}]},
        {"leads": [{"id": 1, "colour": "red"}]},
        {"leads": [{"id": 1, "pipeline_id": 5}]},
        {"next_ids": {"leads": 1}},
    ],
)
def test_a_seed_that_does_not_fit_is_refused(kommo, seed):
    assert kommo.refused("/reset", kommo=seed)


def test_a_reset_brings_back_the_empty_scene(kommo, task):
    kommo.reset()
    assert (kommo.state()["tasks"], kommo.state()["webhooks"], kommo.deliveries()) == ([], [], [])
