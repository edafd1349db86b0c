"""The webhook bodies that are posted, byte for byte against the recorded and documented ones."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from kommo_server import ALL_LEAD_SETTINGS, ALL_TASK_SETTINGS, KommoServer, Receiver, form, keys

FIXTURES = Path(__file__).parents[1] / "fixtures" / "kommo-webhooks"
ANDREA, BERTA = 11087123, 11940747

SCENE = {
    "account": {"subdomain": "examplecrm"},
    "users": [
        {"id": 10000, "name": "Integração Marcado", "email": "integracao@example.com", "is_admin": True},
        {"id": 10001, "name": "Ana Ribeiro", "email": "ana@example.com"},
        {"id": ANDREA, "name": "Andrea", "email": "andrea@example.com"},
        {"id": BERTA, "name": "Berta", "email": "berta@example.com"},
    ],
    "lead_fields": [
        {"id": 1118164, "name": "Benefit", "type": "numeric"},
        {"id": 1246483, "name": "Text", "type": "text"},
        {"id": 1246485, "name": "Numeric", "type": "numeric"},
        {"id": 1246487, "name": "Toggle switch", "type": "checkbox"},
        {
            "id": 1246489,
            "name": "Select",
            "type": "select",
            "enums": [{"id": 908105, "value": "1"}, {"id": 908107, "value": "2"}],
        },
        {"id": 1246491, "name": "Date", "type": "date"},
        {"id": 1246493, "name": "Currency", "type": "monetary"},
    ],
}
LEAD = {"id": 15318175, "responsible_user_id": ANDREA, "created_by": ANDREA}


def fixture(name):
    return (FIXTURES / f"{name}.txt").read_bytes()


@pytest.fixture(scope="module")
def server():
    with KommoServer() as running:
        yield running


@pytest.fixture
def receiver():
    running = Receiver()
    yield running
    running.close()


@pytest.fixture
def scene(server, receiver):
    """Starts a scene at a moment (Unix seconds) with every task and lead webhook subscribed."""

    def start(now, settings=None, **seed):
        settings = settings or [*ALL_TASK_SETTINGS, *ALL_LEAD_SETTINGS]
        server.reset(**SCENE, webhooks=[{"destination": receiver.url, "settings": settings}], **seed)
        at(server, now)
        return server

    return start


def at(server, now):
    server.control("/clock", now=datetime.fromtimestamp(now, UTC).isoformat())


def task(task_id, **more):
    base = {"id": task_id, "responsible_user_id": ANDREA, "created_by": ANDREA, "entity_type": "leads", "text": "text"}
    return {**base, "entity_id": 15320411, "task_type_id": 1, **more}


def test_a_new_task_is_announced_as_documented(scene, receiver):
    kommo = scene(1726578449, leads=[{**LEAD, "id": 15320411}], next_ids={"task": 1564671})
    kommo.control("/seller/task/create", user_id=ANDREA, lead_id=15320411, text="Visita a la obra", complete_till=1759438740)
    assert receiver.wait(1) == [fixture("task-add")]


def test_an_edited_text_is_announced_with_the_old_one(scene, receiver):
    old = task(1502517, text="task text", entity_id=14791277, complete_till=1757019540, created_at=1725465613)
    kommo = scene(1726578680, tasks=[old])
    kommo.control("/seller/task/edit", user_id=ANDREA, task_id=1502517, text="task text edited")
    assert receiver.wait(1) == [fixture("task-update-text")]


def test_completing_from_the_card_sends_action_close(scene, receiver):
    kommo = scene(1726579269, tasks=[task(1564845, complete_till=1729717140, created_at=1726579225)])
    kommo.control("/seller/task/complete", user_id=ANDREA, task_id=1564845)
    assert receiver.wait(1) == [fixture("task-complete")]


def test_completing_with_a_result_sends_it_without_action_close(scene, receiver):
    robot_task = task(1564835, text="test", created_by=0, complete_till=1726579137, created_at=1726579138, task_type_id=2)
    robot_task |= {"entity_type": "companies", "entity_id": 17612485}
    kommo = scene(1726579758, tasks=[robot_task], companies=[{"id": 17612485, "name": "Obra"}], next_ids={"note": 4600307})
    kommo.control("/seller/task/complete", user_id=ANDREA, task_id=1564835, result="client responded")
    assert receiver.wait(1) == [fixture("task-complete-with-result")]


def test_completing_on_the_card_with_a_result_sends_two_updates(scene, receiver):
    kommo = scene(1726579269, tasks=[task(1564845, complete_till=1729717140, created_at=1726579225)])
    kommo.control("/seller/task/complete", user_id=ANDREA, task_id=1564845, result="ok", via="card")
    closes, results = sorted((form(body) for body in receiver.wait(2)), key=len)
    assert closes["task[update][0][action_close]"] == "1"
    assert (results["task[update][0][action_close]"], results["task[update][0][result][text]"]) == ("0", "ok")


def test_a_new_responsible_user_arrives_as_an_update(scene, receiver):
    kommo = scene(1726579681, tasks=[task(1564917, complete_till=1758142740, created_at=1726579673)])
    kommo.control("/seller/task/reassign", user_id=ANDREA, task_id=1564917, responsible_user_id=BERTA)
    assert receiver.wait(1) == [fixture("task-responsible")]


def test_a_deleted_task_is_announced_by_its_id_alone(scene, receiver):
    kommo = scene(1726579700, tasks=[task(1564885, complete_till=1758142740)])
    kommo.control("/seller/task/delete", user_id=ANDREA, task_id=1564885)
    assert receiver.wait(1) == [fixture("task-delete")]


def test_a_moved_deadline_has_the_keys_of_an_update_and_no_old_deadline(scene, receiver):
    kommo = scene(1726579269, tasks=[task(1564845, complete_till=1729717140)])
    kommo.control("/seller/task/move", task_id=1564845, complete_till=1729803540)
    [body] = receiver.wait(1)
    assert keys(body) == keys(fixture("task-update-text"))
    assert form(body)["task[update][0][complete_before]"] == "1729803540"
    assert form(body)["task[update][0][complete_till]"] == "2024-10-24 20:59:00"
    assert form(body)["task[update][0][old_text]"] == "text"


def test_an_edited_lead_shows_every_field_in_its_webhook_shape(scene, receiver):
    fields = {
        "Benefit": 1000,
        "Text": "Text",
        "Numeric": 123,
        "Toggle switch": True,
        "Select": "2",
        "Date": 1729717200,
        "Currency": 200,
    }
    lead = {**LEAD, "status_id": 67548615, "created_at": 1726566390, "fields": fields}
    lead["tags"] = [{"id": 6172, "name": "whatsapp"}]
    kommo = scene(1726567767, leads=[lead])
    kommo.control("/seller/lead/edit", user_id=ANDREA, lead_id=15318175, price=1000)
    assert receiver.wait(1) == [fixture("lead-update")]


def test_a_new_stage_is_announced_with_the_old_one(scene, receiver):
    fields = {"Benefit": 1000, "Select": "2", "Date": 1725915600}
    kommo = scene(
        1726572758, leads=[{**LEAD, "price": 1000, "created_at": 1726572752, "fields": fields}], settings=["status_lead"]
    )
    kommo.control("/seller/lead/stage", user_id=ANDREA, lead_id=15318175, status_id=142)
    assert receiver.wait(1) == [fixture("lead-status")]


def test_a_deleted_lead_is_announced_with_its_stage(scene, receiver):
    kommo = scene(1726572800, leads=[{**LEAD, "id": 12345678}])
    kommo.control("/seller/lead/delete", user_id=ANDREA, lead_id=12345678)
    assert receiver.wait(1) == [fixture("lead-delete")]


def test_any_other_body_can_be_emitted(scene, receiver):
    kommo = scene(1726581300, settings=["add_message"])
    recorded = form(fixture("message-add-whatsapp"))
    item = {key.split("[")[-1][:-1]: value for key, value in recorded.items() if key.count("[") == 3 and "message" in key}
    author = {key.split("[")[-1][:-1]: value for key, value in recorded.items() if "[author]" in key}
    item = {**{k: v for k, v in item.items() if k != "origin"}, "author": author, "origin": item["origin"]}
    kommo.control("/kommo/webhook/emit", setting="add_message", entity="message", action="add", items=[item])
    [body] = receiver.wait(1)
    assert body.split(b"&message")[1:] == fixture("message-add-whatsapp").split(b"&message")[1:]


def test_text_is_encoded_the_way_php_does_it(scene, receiver):
    kommo = scene(1726579700, tasks=[task(1564885, complete_till=1758142740)])
    kommo.control("/seller/task/edit", task_id=1564885, text="Olá & até ~15h: a-b_c.d*e")
    [body] = receiver.wait(1)
    assert b"%5Btext%5D=Ol%C3%A1+%26+at%C3%A9+%7E15h%3A+a-b_c.d%2Ae&" in body


def test_requests_carry_the_vendors_headers(scene, receiver):
    kommo = scene(1726579700, tasks=[task(1564885, complete_till=1758142740), task(1564887, complete_till=1758142740)])
    for task_id in (1564885, 1564887):
        kommo.control("/seller/task/delete", task_id=task_id)
    receiver.wait(2)
    first, second = (headers for headers, _ in receiver.posts)
    assert first["user-agent"] == "amoCRM-Webhooks/3.0"
    assert first["content-type"] == "application/x-www-form-urlencoded"
    assert first["accept-encoding"] == "gzip"
    assert len(first["x-amocrm-requestid"]) == 36
    assert first["x-amocrm-requestid"] != second["x-amocrm-requestid"]


def test_a_handed_over_lead_names_the_old_user_and_counts_as_an_update_too(scene, receiver):
    kommo = scene(1726572882, leads=[{**LEAD, "name": "Obra"}])
    kommo.control("/seller/lead/reassign", user_id=ANDREA, lead_id=15318175, responsible_user_id=BERTA)
    special, update = sorted((form(body) for body in receiver.wait(2)), key=len, reverse=True)
    assert special["leads[responsible][0][old_responsible_user_id]"] == str(ANDREA)
    assert special["leads[responsible][0][responsible_user_id]"] == str(BERTA)
    assert update["leads[update][0][responsible_user_id]"] == str(BERTA)
    assert update["leads[update][0][modified_user_id]"] == str(ANDREA)


def test_a_stage_change_is_an_update_with_the_old_stage_too(scene, receiver):
    kommo = scene(1726572758, leads=[LEAD], settings=["update_lead"])
    kommo.control("/seller/lead/stage", lead_id=15318175, status_id=67548615)
    [body] = receiver.wait(1)
    assert form(body)["leads[update][0][old_status_id]"] == "67548607"


def test_a_note_lies_one_level_deeper_and_its_dates_are_three_hours_ahead(scene, receiver):
    kommo = scene(1726580291, leads=[LEAD], next_ids={"note": 4600471})
    kommo.control("/seller/note/add", user_id=ANDREA, lead_id=15318175, text="note text")
    [body] = receiver.wait(1)
    note = {key.removeprefix("leads[note][0][note]"): value for key, value in form(body).items() if "note" in key}
    assert "".join(note) == (
        "[text][attachement][date_create][note_type][element_type][element_id][catalog_id][group_id][timestamp_x][account_id]"
        "[metadata][created_by][modified_by][main_user_id][id][created_at][updated_at]"
    )
    assert (note["[date_create]"], note["[created_at]"], note["[id]"]) == ("2024-09-17 16:38:11", "1726580291", "4600471")
    assert note["[metadata]"] == '{"event_source":{"id":11087123,"author_name":"Andrea","type":1}}'


def test_contacts_carry_their_type_codes_after_values_and_radio_buttons_as_one_object(scene, receiver):
    fields = [
        {"id": 771906, "name": "Phone", "type": "multitext", "code": "PHONE", "enums": [{"id": 552476, "value": "WORK"}]},
        {"id": 782386, "name": "Birthday", "type": "birthday"},
        {"id": 791730, "name": "Any radiobutton", "type": "radiobutton", "enums": [{"id": 566642, "value": "2"}]},
    ]
    kommo = scene(1726573127, settings=["add_contact", "responsible_contact", "delete_contact"], contact_fields=fields)
    made = kommo.control(
        "/seller/contact/create",
        user_id=ANDREA,
        name="Contact Name",
        custom_fields={"Phone": "1234567890", "Birthday": 316494000, "Any radiobutton": "2"},
    )
    kommo.control("/seller/contact/edit", user_id=ANDREA, contact_id=made["id"], responsible_user_id=BERTA)
    kommo.control("/seller/contact/delete", user_id=ANDREA, contact_id=made["id"])
    added, moved, deleted = sorted(receiver.wait(3), key=lambda body: (b"add" not in body, b"update" not in body))
    contact = {key.removeprefix("contacts[add][0]"): value for key, value in form(added).items() if "contacts" in key}
    assert contact == {
        "[id]": str(made["id"]),
        "[name]": "Contact Name",
        "[responsible_user_id]": "11087123",
        "[date_create]": "1726573127",
        "[last_modified]": "1726573127",
        "[created_user_id]": "11087123",
        "[modified_user_id]": "11087123",
        "[account_id]": "32720107",
        "[custom_fields][0][id]": "771906",
        "[custom_fields][0][name]": "Phone",
        "[custom_fields][0][values][0][value]": "1234567890",
        "[custom_fields][0][values][0][enum]": "552476",
        "[custom_fields][0][code]": "PHONE",
        "[custom_fields][1][id]": "782386",
        "[custom_fields][1][name]": "Birthday",
        "[custom_fields][1][values][0][value]": "12.01.1980",
        "[custom_fields][2][id]": "791730",
        "[custom_fields][2][name]": "Any radiobutton",
        "[custom_fields][2][values][value]": "2",
        "[custom_fields][2][values][enum]": "566642",
        "[created_at]": "1726573127",
        "[updated_at]": "1726573127",
        "[type]": "contact",
    }
    assert list(contact)[-3:] == ["[created_at]", "[updated_at]", "[type]"]
    assert form(moved)["contacts[update][0][old_responsible_user_id]"] == str(ANDREA)
    assert keys(deleted)[3:] == ["contacts[delete][0][id]", "contacts[delete][0][type]"]


def test_several_entities_of_one_call_share_a_body(scene, receiver):
    kommo = scene(1726572758, leads=[LEAD, {**LEAD, "id": 15318177}], settings=["update_lead"])
    kommo.patch("/leads", [{"id": 15318175, "price": 1}, {"id": 15318177, "price": 2}])
    [body] = receiver.wait(1)
    assert (form(body)["leads[update][0][id]"], form(body)["leads[update][1][id]"]) == ("15318175", "15318177")
    assert form(body)["leads[update][1][price]"] == "2"


def test_batching_can_be_turned_off(scene, receiver):
    kommo = scene(1726572758, leads=[LEAD, {**LEAD, "id": 15318177}], settings=["update_lead"], batch_webhooks=False)
    kommo.patch("/leads", [{"id": 15318175, "price": 1}, {"id": 15318177, "price": 2}])
    assert {form(body)["leads[update][0][id]"] for body in receiver.wait(2)} == {"15318175", "15318177"}
