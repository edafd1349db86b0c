"""The API's manners: who is let in, shapes of reads and writes, refusals, filters and pages."""

import time

import pytest
from kommo_server import KommoServer

DEADLINE = 1773255600  # 2026-03-11T16:00:00-03:00


@pytest.fixture(scope="module")
def server():
    with KommoServer() as running:
        yield running


@pytest.fixture
def kommo(server):
    server.reset()
    server.control("/clock", now="2026-03-10T14:00:00-03:00")
    return server


NOW = 1773162000  # the same moment


def issues(answer):
    """The validation errors of a 400: request_id, code and path of each."""
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return [(item["request_id"], e["code"], e["path"]) for item in answer.json()["validation-errors"] for e in item["errors"]]


def names(answer, kind):
    return [item["name"] for item in answer.json()["_embedded"][kind]]


def ids(answer, kind):
    return [item["id"] for item in answer.json()["_embedded"][kind]]


# Who is let in


@pytest.mark.parametrize("token", [None, "wrong", "sandbox-kommo-token2"])
def test_without_the_right_token_everything_is_401(kommo, token):
    for method, path in (("GET", "/account"), ("POST", "/tasks"), ("DELETE", "/leads/1")):
        answer = kommo.api(method, path, token=token)
        assert (answer.status_code, answer.json()["title"]) == (401, "Unauthorized")
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_revoked_token_and_an_ended_plan_stop_everything(kommo):
    kommo.control("/kommo/account", paid=False)
    assert kommo.get("/account").status_code == 402
    kommo.control("/kommo/account", paid=True, token="new-token")
    assert kommo.get("/account").status_code == 401
    assert kommo.api("GET", "/account", token="new-token").status_code == 200


def test_an_admin_token_may_act_as_another_user(kommo):
    answer = kommo.api("GET", "/account", headers={"x-context-user-id": "10002"})
    assert answer.json()["current_user_id"] == 10002
    assert kommo.api("GET", "/users", headers={"x-context-user-id": "10002"}).status_code == 403
    assert kommo.api("GET", "/webhooks", headers={"x-context-user-id": "10002"}).status_code == 403


def test_the_eighth_call_in_a_second_is_429_when_the_limit_is_on(kommo):
    kommo.reset(rate_limit=True)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        answers = [kommo.get("/account") for _ in range(8)]
        if [a.status_code for a in answers] == [200] * 7 + [429]:
            break
        kommo.reset(rate_limit=True)
    refused = answers[-1]
    assert refused.status_code == 429
    assert (refused.json()["title"], refused.json()["retry_after"]) == ("Too Many Requests", 1)


def test_nothing_is_limited_by_default(kommo):
    assert {kommo.get("/account").status_code for _ in range(30)} == {200}


def test_unknown_paths_are_404_and_wrong_methods_405(kommo):
    missing = kommo.get("/nothing")
    assert (missing.status_code, missing.json()["detail"]) == (404, f"Cannot GET {kommo.url}/api/v4/nothing")
    lead = kommo.add("leads", name="Telhado")
    assert kommo.api("DELETE", f"/leads/{lead}").status_code == 405
    assert kommo.api("DELETE", "/account").json()["title"] == "Method Not Allowed"
    assert kommo.one("leads", lead)["name"] == "Telhado"


def test_tasks_cannot_be_deleted(kommo):
    task = kommo.add("tasks", text="Reunião", complete_till=DEADLINE)
    assert kommo.api("DELETE", f"/tasks/{task}").status_code == 403
    assert kommo.one("tasks", task)["id"] == task


# Shapes


def test_a_lead_is_read_whole_and_written_thinly(kommo):
    answer = kommo.post("/leads", [{"name": "Telhado", "price": 500}])
    [made] = answer.json()["_embedded"]["leads"]
    lead = made["id"]
    assert answer.headers["content-type"] == "application/hal+json"
    assert made == {"id": lead, "request_id": "0", "_links": {"self": {"href": f"{kommo.url}/api/v4/leads/{lead}"}}}
    assert kommo.get(f"/leads/{lead}").json() == {
        "id": lead,
        "name": "Telhado",
        "price": 500,
        "responsible_user_id": 10000,
        "group_id": 0,
        "status_id": 67548607,
        "pipeline_id": 8572511,
        "loss_reason_id": None,
        "created_by": 10000,
        "updated_by": 10000,
        "created_at": NOW,
        "updated_at": NOW,
        "closed_at": None,
        "closest_task_at": None,
        "is_deleted": False,
        "custom_fields_values": None,
        "score": None,
        "account_id": 32720107,
        "labor_cost": None,
        "is_price_computed": False,
        "_links": {"self": {"href": f"{kommo.url}/api/v4/leads/{lead}"}},
        "_embedded": {"tags": [], "companies": []},
    }
    changed = kommo.patch(f"/leads/{lead}", {"price": 600}).json()
    assert changed == {"id": lead, "updated_at": NOW, "_links": made["_links"]}


def test_a_task_is_read_whole_with_an_empty_result_as_a_list(kommo):
    task = kommo.add("tasks", text="Reunião", complete_till=DEADLINE, duration=1800, request_id="x")
    assert kommo.get(f"/tasks/{task}").json() == {
        "id": task,
        "created_by": 10000,
        "updated_by": 10000,
        "created_at": NOW,
        "updated_at": NOW,
        "responsible_user_id": 10000,
        "group_id": 0,
        "entity_id": None,
        "entity_type": None,
        "duration": 1800,
        "is_completed": False,
        "task_type_id": 1,
        "text": "Reunião",
        "result": [],
        "complete_till": DEADLINE,
        "account_id": 32720107,
        "_links": {"self": {"href": f"{kommo.url}/api/v4/tasks/{task}"}},
    }
    changed = kommo.patch(f"/tasks/{task}", {"is_completed": True, "result": {"text": "feito"}, "request_id": "77"}).json()
    assert (changed["request_id"], sorted(changed)) == ("77", ["_links", "id", "request_id", "updated_at"])
    assert kommo.get(f"/tasks/{task}").json()["result"] == {"text": "feito"}


def test_a_single_patch_can_be_answered_wrapped(kommo):
    kommo.reset(single_patch="wrapped")
    lead = kommo.add("leads", name="Telhado")
    assert ids(kommo.patch(f"/leads/{lead}", {"price": 1}), "leads") == [lead]


def test_a_contact_names_itself_from_its_parts_and_lists_its_leads_when_asked(kommo):
    contact = kommo.add("contacts", first_name="João", last_name="Souza")
    lead = kommo.add("leads", name="Telhado", _embedded={"contacts": [{"id": contact}]})
    shown = kommo.get(f"/contacts/{contact}", **{"with": "leads"}).json()
    assert (shown["name"], shown["first_name"], shown["is_unsorted"]) == ("João Souza", "João", False)
    assert [x["id"] for x in shown["_embedded"]["leads"]] == [lead]
    assert "leads" not in kommo.get(f"/contacts/{contact}").json()["_embedded"]
    assert "contacts" not in kommo.get(f"/leads/{lead}").json()["_embedded"]
    [embedded] = kommo.get(f"/leads/{lead}", **{"with": "contacts"}).json()["_embedded"]["contacts"]
    assert (embedded["id"], embedded["is_main"]) == (contact, True)
    [changed] = [kommo.patch(f"/contacts/{contact}", {"last_name": "Lima"}).json()]
    assert (changed["name"], changed["is_deleted"]) == ("João Lima", False)


def test_closing_a_lead_stamps_it_and_reopening_clears_it(kommo):
    lead = kommo.add("leads", name="Telhado")
    kommo.patch(f"/leads/{lead}", {"status_id": 143, "loss_reason_id": 5})
    closed = kommo.get(f"/leads/{lead}").json()
    assert (closed["closed_at"], closed["loss_reason_id"]) == (NOW, 5)
    kommo.patch(f"/leads/{lead}", {"status_id": 67548611})
    assert kommo.get(f"/leads/{lead}").json()["closed_at"] is None


def test_the_closest_task_of_a_lead_is_its_earliest_open_one(kommo):
    lead = kommo.add("leads", name="Telhado")
    on_lead = {"entity_id": lead, "entity_type": "leads"}
    first = kommo.add("tasks", text="a", complete_till=DEADLINE, **on_lead)
    kommo.add("tasks", text="b", complete_till=DEADLINE + 60, **on_lead)
    assert kommo.get(f"/leads/{lead}").json()["closest_task_at"] == DEADLINE
    kommo.patch(f"/tasks/{first}", {"is_completed": True})
    assert kommo.get(f"/leads/{lead}").json()["closest_task_at"] == DEADLINE + 60


# What is not there


def test_missing_things_are_204_when_read(kommo):
    for path in ("/leads/1", "/contacts/1", "/tasks/1", "/leads", "/contacts", "/tasks", "/leads/notes", "/events"):
        answer = kommo.get(path)
        assert (answer.status_code, answer.content) == (204, b""), path


def test_a_missing_task_can_be_404(kommo):
    kommo.reset(missing_task=404)
    assert kommo.get("/tasks/1").status_code == 404
    assert kommo.get("/tasks", **{"filter[id][]": 1}).status_code == 204


@pytest.mark.parametrize("status", [404, 400, 204])
def test_changing_what_is_gone_answers_as_chosen(kommo, status):
    kommo.reset(missing_write=status)
    for path in ("/leads/1", "/contacts/1", "/tasks/1"):
        assert kommo.patch(path, {"name": "x", "text": "x"}).status_code == status
    assert kommo.patch("/tasks", [{"id": 1, "text": "x"}]).status_code == status


# Array or object


@pytest.mark.parametrize("path", ["/leads", "/contacts", "/tasks", "/leads/notes", "/leads/complex"])
def test_creating_takes_an_array_of_objects(kommo, path):
    assert kommo.post(path, {"name": "x", "text": "x", "complete_till": 1}).status_code == 400
    assert kommo.post(path, ["x"]).status_code == 400
    assert kommo.post(path, []).json()["detail"] == "Request data can not be empty"
    assert kommo.api("POST", path).json()["detail"] == "Request data can not be empty"
    assert kommo.api("POST", path, content=b"{nonsense").status_code == 400


@pytest.mark.parametrize("kind", ["leads", "contacts", "tasks"])
def test_changing_takes_an_object_with_an_id_in_the_path_and_an_array_without(kommo, kind):
    made = kommo.add(kind, name="x", text="x", complete_till=DEADLINE)
    assert kommo.patch(f"/{kind}/{made}", [{"name": "y"}]).status_code == 400
    assert kommo.patch(f"/{kind}", {"id": made, "name": "y"}).status_code == 400
    assert kommo.patch(f"/{kind}", [{"id": made, "name": "y", "text": "y"}]).status_code == 200


def test_more_than_250_items_are_422(kommo):
    answer = kommo.post("/leads", [{"name": "x"}] * 251)
    assert (answer.status_code, answer.json()["detail"]) == (422, "Limit 250 per page")
    assert kommo.post("/leads/complex", [{"name": "x"}] * 51).status_code == 422


# Refusals


def test_a_refusal_has_the_documented_form(kommo):
    assert kommo.post("/leads", [{"name": 5}]).json() == {
        "validation-errors": [
            {
                "request_id": "0",
                "errors": [{"code": "InvalidType", "path": "name", "detail": "This value should be of type string."}],
            }
        ],
        "title": "Bad Request",
        "type": "https://httpstatus.es/400",
        "status": 400,
        "detail": "Request validation failed",
    }


def test_one_faulty_item_refuses_the_whole_batch_and_names_itself(kommo):
    answer = kommo.post("/leads", [{"name": "gut"}, {"price": "500"}, {"status_id": 1, "request_id": "mine"}])
    assert issues(answer) == [("1", "InvalidType", "price"), ("mine", "NotSupportedChoice", "status_id")]
    assert kommo.state()["leads"] == []


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"responsible_user_id": 99}, ("NotSupportedChoice", "responsible_user_id")),
        ({"pipeline_id": 99}, ("NotSupportedChoice", "pipeline_id")),
        ({"status_id": 67548603}, ("NotSupportedChoice", "status_id")),
        ({"price": True}, ("InvalidType", "price")),
        ({"custom_fields_values": {}}, ("InvalidType", "custom_fields_values")),
        ({"custom_fields_values": [{"values": []}]}, ("FieldMissing", "custom_fields_values.0.field_id")),
        ({"custom_fields_values": [{"field_id": 1, "values": []}]}, ("NotSupportedChoice", "custom_fields_values.0.field_id")),
        (
            {"custom_fields_values": [{"field_code": "X", "values": []}]},
            ("NotSupportedChoice", "custom_fields_values.0.field_code"),
        ),
        (
            {"custom_fields_values": [{"field_id": 123456, "values": [{"value": 5}]}]},
            ("InvalidType", "custom_fields_values.0.values.0.value"),
        ),
        ({"_embedded": {"contacts": [{"id": 1}]}}, ("NotSupportedChoice", "_embedded.contacts.0.id")),
    ],
)
def test_faulty_leads_are_refused(kommo, item, expected):
    assert issues(kommo.post("/leads", [item])) == [("0", *expected)]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"complete_till": DEADLINE}, ("FieldMissing", "text")),
        ({"text": "x"}, ("FieldMissing", "complete_till")),
        ({"text": "x", "complete_till": str(DEADLINE)}, ("InvalidType", "complete_till")),
        ({"text": "x", "complete_till": DEADLINE * 1000}, ("NotSupportedChoice", "complete_till")),
        ({"text": "x", "complete_till": DEADLINE, "task_type_id": 9}, ("NotSupportedChoice", "task_type_id")),
        ({"text": "x", "complete_till": DEADLINE, "entity_id": 5, "entity_type": "leads"}, ("NotSupportedChoice", "entity_id")),
        ({"text": "x", "complete_till": DEADLINE, "entity_id": 5, "entity_type": "lead"}, ("NotSupportedChoice", "entity_type")),
        ({"text": "x", "complete_till": DEADLINE, "is_completed": 1}, ("InvalidType", "is_completed")),
    ],
)
def test_faulty_tasks_are_refused(kommo, item, expected):
    assert issues(kommo.post("/tasks", [item])) == [("0", *expected)]


def test_a_deactivated_user_cannot_be_named(kommo):
    lead = kommo.add("leads", name="Telhado")
    kommo.control("/kommo/user", id=10002, is_active=False)
    assert issues(kommo.patch(f"/leads/{lead}", {"responsible_user_id": 10002})) == [
        ("0", "NotSupportedChoice", "responsible_user_id")
    ]


def test_an_account_can_insist_on_results(kommo):
    kommo.reset(task_close_needs_result=True)
    task = kommo.add("tasks", text="x", complete_till=DEADLINE)
    assert issues(kommo.patch(f"/tasks/{task}", {"is_completed": True})) == [("0", "FieldMissing", "result")]
    assert kommo.patch(f"/tasks/{task}", {"is_completed": True, "result": {"text": "ok"}}).status_code == 200


# Custom field values


def write(kommo, lead, field_id, values):
    return kommo.patch(f"/leads/{lead}", {"custom_fields_values": [{"field_id": field_id, "values": values}]})


def read(kommo, lead):
    found = kommo.get(f"/leads/{lead}").json()["custom_fields_values"]
    return found and {item["field_id"]: item["values"] for item in found}


def test_a_select_takes_its_options_by_text_id_or_code_and_nothing_else(kommo):
    kommo.reset(meeting_status="select")
    lead = kommo.add("leads", name="Telhado")
    assert issues(write(kommo, lead, 123457, [{"value": "adiada"}])) == [
        ("0", "NotSupportedChoice", "custom_fields_values.0.values.0.value")
    ]
    assert issues(write(kommo, lead, 123457, [{"enum_id": 1}]))[0][2] == "custom_fields_values.0.values.0.enum_id"
    assert write(kommo, lead, 123457, [{"value": "no_show"}]).status_code == 200
    assert read(kommo, lead) == {123457: [{"value": "no_show", "enum_id": 908105, "enum_code": None}]}
    assert write(kommo, lead, 123457, [{"enum_id": 908103}]).status_code == 200
    assert kommo.one("leads", lead)["fields"]["meeting_status"] == "completed"


def test_a_read_value_describes_its_field(kommo):
    lead = kommo.add("leads", name="Telhado")
    write(kommo, lead, 123456, [{"value": "https://x.example"}])
    assert kommo.get(f"/leads/{lead}").json()["custom_fields_values"] == [
        {
            "field_id": 123456,
            "field_name": "google_calendar_link",
            "field_code": None,
            "field_type": "url",
            "values": [{"value": "https://x.example"}],
            "is_computed": False,
        }
    ]


def test_a_field_is_replaced_as_a_whole_and_others_stay(kommo):
    lead = kommo.add("leads", name="Telhado")
    write(kommo, lead, 123456, [{"value": "https://x.example"}])
    write(kommo, lead, 123457, [{"value": "scheduled"}])
    write(kommo, lead, 123457, [{"value": "completed"}])
    assert read(kommo, lead) == {123456: [{"value": "https://x.example"}], 123457: [{"value": "completed"}]}


@pytest.mark.parametrize(("clearing", "null", "empty"), [("both", 200, 200), ("null", 200, 400), ("list", 400, 200)])
def test_a_field_is_emptied_the_way_the_account_takes_it(kommo, clearing, null, empty):
    kommo.reset(clearing=clearing)
    for values, status in ((None, null), ([], empty)):
        lead = kommo.add("leads", name="Telhado")
        write(kommo, lead, 123457, [{"value": "scheduled"}])
        assert write(kommo, lead, 123457, values).status_code == status
        assert read(kommo, lead) == (None if status == 200 else {123457: [{"value": "scheduled"}]})


def test_every_type_keeps_its_kind_of_value(kommo):
    types = ["numeric", "monetary", "checkbox", "date", "date_time", "birthday", "textarea"]
    fields = [{"id": n, "name": kind, "type": kind} for n, kind in enumerate(types, start=1)]
    kommo.reset(
        lead_fields=[
            *fields,
            {"id": 20, "name": "multi", "type": "multiselect", "enums": [{"id": 21, "value": "a"}, {"id": 22, "value": "b"}]},
        ]
    )
    lead = kommo.add("leads", name="Telhado")
    given = {1: 1.5, 2: "200", 3: True, 4: 1773198000, 5: "2026-03-11T16:00:00-03:00", 6: 316494000, 7: "duas\nlinhas"}
    entries = [{"field_id": key, "values": [{"value": value}]} for key, value in given.items()]
    entries.append({"field_id": 20, "values": [{"enum_id": 21}, {"value": "b"}]})
    assert kommo.patch(f"/leads/{lead}", {"custom_fields_values": entries}).status_code == 200
    found = read(kommo, lead)
    assert {key: values[0]["value"] for key, values in found.items() if key < 20} == {
        1: "1.5",
        2: "200",
        3: True,
        4: 1773198000,
        5: DEADLINE,
        6: 316494000,
        7: "duas\nlinhas",
    }
    assert [value["enum_id"] for value in found[20]] == [21, 22]
    for field_id, bad in ((1, "viel"), (3, "ja"), (4, "amanhã"), (5, "2026-03-11T16:00:00")):
        assert issues(write(kommo, lead, field_id, [{"value": bad}]))[0][1] == "InvalidType"


def test_a_phone_takes_the_first_kind_unless_told_and_refuses_unknown_ones(kommo):
    phone = {"field_code": "PHONE", "values": [{"value": "+5511988880001"}, {"value": "1133334444", "enum_code": "HOME"}]}
    contact = kommo.add("contacts", name="João", custom_fields_values=[phone])
    [field] = kommo.get(f"/contacts/{contact}").json()["custom_fields_values"]
    assert [(value["value"], value["enum_code"]) for value in field["values"]] == [
        ("+5511988880001", "WORK"),
        ("1133334444", "HOME"),
    ]
    bad = {"field_code": "PHONE", "values": [{"value": "1", "enum_code": "CELULAR"}]}
    assert issues(kommo.post("/contacts", [{"name": "x", "custom_fields_values": [bad]}])) == [
        ("0", "NotSupportedChoice", "custom_fields_values.0.values.0.enum_code")
    ]


# Tags


def test_tags_are_added_deleted_and_replaced(kommo):
    lead = kommo.add("leads", name="Telhado", _embedded={"tags": [{"name": "whatsapp"}, {"name": "quente"}]})
    tag = kommo.get(f"/leads/{lead}").json()["_embedded"]["tags"][0]
    assert (tag["name"], tag["color"]) == ("whatsapp", None)
    change = {"tags_to_add": [{"name": "reunião"}, {"name": "quente"}], "tags_to_delete": [{"id": tag["id"]}]}
    kommo.patch(f"/leads/{lead}", change)
    assert kommo.one("leads", lead)["tags"] == ["quente", "reunião"]
    kommo.patch(f"/leads/{lead}", {"price": 5})
    assert kommo.one("leads", lead)["tags"] == ["quente", "reunião"]
    kommo.patch(f"/leads/{lead}", {"_embedded": {"tags": [{"name": "fria"}]}})
    assert kommo.one("leads", lead)["tags"] == ["fria"]


# Definitions of fields


def test_a_field_is_defined_found_and_changed(kommo):
    made = kommo.post(
        "/leads/custom_fields",
        [{"name": "Agenda", "type": "url", "code": "CALENDAR_URL", "is_api_only": True, "group_id": "g1"}],
    )
    assert made.status_code == 201
    [field] = made.json()["_embedded"]["custom_fields"]
    assert (field["code"], field["is_api_only"], field["enums"], field["entity_type"]) == ("CALENDAR_URL", True, None, "leads")
    listed = kommo.get("/leads/custom_fields", limit=250, **{"filter[type][0]": "url"}).json()
    assert (listed["_total_items"], listed["_page_count"]) == (2, 1)
    assert {f["name"] for f in listed["_embedded"]["custom_fields"]} == {"google_calendar_link", "Agenda"}
    lead = kommo.add("leads", name="x", custom_fields_values=[{"field_code": "CALENDAR_URL", "values": [{"value": "https://y"}]}])
    assert kommo.one("leads", lead)["fields"]["Agenda"] == "https://y"
    assert kommo.patch(f"/leads/custom_fields/{field['id']}", {"name": "Agenda Google"}).json()["name"] == "Agenda Google"
    assert kommo.refused("/seller/lead/edit", lead_id=lead, custom_fields={"Agenda Google": "z"}).startswith(
        "Agenda Google is an API"
    )


def test_options_sent_without_their_id_are_made_anew(kommo):
    [field] = kommo.post(
        "/leads/custom_fields", [{"name": "Status", "type": "select", "enums": [{"value": "a"}, {"value": "b"}]}]
    ).json()["_embedded"]["custom_fields"]
    a, b = field["enums"]
    changed = kommo.patch(f"/leads/custom_fields/{field['id']}", {"enums": [a, {"value": "b"}, {"value": "c"}]}).json()
    assert changed["enums"][0] == a
    assert changed["enums"][1]["id"] != b["id"]
    bad = kommo.patch(f"/leads/custom_fields/{field['id']}", {"enums": [{"id": 1, "value": "x"}]})
    assert issues(bad) == [("0", "NotSupportedChoice", "enums.0.id")]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"type": "url"}, ("FieldMissing", "name")),
        ({"name": "x"}, ("FieldMissing", "type")),
        ({"name": "x", "type": "link"}, ("NotSupportedChoice", "type")),
        ({"name": "x", "type": "multitext"}, ("NotSupportedChoice", "type")),
    ],
)
def test_faulty_definitions_are_refused(kommo, item, expected):
    assert issues(kommo.post("/leads/custom_fields", [item])) == [("0", *expected)]


def test_a_code_is_used_once(kommo):
    kommo.post("/leads/custom_fields", [{"name": "x", "type": "url", "code": "X"}])
    assert issues(kommo.post("/leads/custom_fields", [{"name": "y", "type": "url", "code": "X"}])) == [("0", "NotUnique", "code")]


def test_only_administrators_define_fields(kommo):
    kommo.reset(token_user=10001)
    assert kommo.post("/leads/custom_fields", [{"name": "x", "type": "url"}]).status_code == 403
    assert kommo.get("/leads/custom_fields").status_code == 200


# Lists


def test_pages_are_linked_until_the_last_one(kommo):
    kommo.post("/leads", [{"name": f"L{n}"} for n in range(5)])
    first = kommo.get("/leads", limit=2, query="L")
    assert (first.json()["_page"], names(first, "leads")) == (1, ["L0", "L1"])
    second = kommo.client.get(first.json()["_links"]["next"]["href"], headers={"authorization": "Bearer sandbox-kommo-token"})
    assert names(second, "leads") == ["L2", "L3"]
    last = kommo.get("/leads", limit=2, page=3)
    assert (names(last, "leads"), "next" in last.json()["_links"]) == (["L4"], False)
    assert kommo.get("/leads", limit=2, page=4).status_code == 204
    assert "next" not in kommo.get("/leads", limit=5).json()["_links"]


def test_pages_hold_50_unless_told_and_never_more_than_250(kommo):
    kommo.post("/leads", [{"name": f"L{n}"} for n in range(60)])
    assert len(ids(kommo.get("/leads"), "leads")) == 50
    assert len(ids(kommo.get("/leads", limit=250), "leads")) == 60
    assert kommo.get("/leads", limit=251).status_code == 422
    assert kommo.get("/leads", page=0).status_code == 400
    assert kommo.get("/leads", limit="viele").status_code == 400


def test_leads_are_filtered_and_ordered(kommo):
    kommo.reset(
        leads=[
            {"id": 1, "name": "A", "price": 5, "updated_at": 100, "created_at": 10, "responsible_user_id": 10002},
            {"id": 3, "name": "B", "price": 7, "updated_at": 300, "created_at": 30, "status_id": 142},
            {"id": 5, "name": "C", "price": 9, "updated_at": 200, "created_at": 20, "fields": {"meeting_status": "no_show"}},
        ]
    )
    stage = {"filter[statuses][0][pipeline_id]": 8572511, "filter[statuses][0][status_id]": 142}
    for params, expected in (
        ({}, [1, 3, 5]),
        ({"order[updated_at]": "desc"}, [3, 5, 1]),
        ({"filter[id][]": [1, 5]}, [1, 5]),
        ({"filter[id][0]": 1, "filter[id][1]": 3}, [1, 3]),
        ({"filter[id]": 5}, [5]),
        ({"filter[name][]": "B"}, [3]),
        ({"filter[price]": 9}, [5]),
        ({"filter[responsible_user_id][]": 10002}, [1]),
        ({"filter[updated_at][from]": 200}, [3, 5]),
        ({"filter[updated_at][from]": 100, "filter[updated_at][to]": 200}, [1, 5]),
        ({"filter[created_at][to]": 20}, [1, 5]),
        ({"filter[pipeline_id][]": 8572511}, [1, 3, 5]),
        (stage, [3]),
        ({"query": "no_sh"}, [5]),
        ({"filter[custom_fields_values][123457]": "no_show"}, [1, 3, 5]),
    ):
        assert ids(kommo.get("/leads", **params), "leads") == expected, params
    assert kommo.get("/leads", **{"filter[pipeline_id][]": 1}).status_code == 204
    assert kommo.get("/leads", **{"filter[statuses][0][status_id]": 142}).status_code == 400
    assert kommo.get("/leads", **{"filter[updated_at][from]": "ontem"}).status_code == 400
    assert kommo.get("/leads", **{"order[name]": "asc"}).status_code == 400


def test_tasks_are_filtered_and_ordered(kommo):
    kommo.reset(
        leads=[{"id": 7}],
        tasks=[
            {"id": 1, "text": "a", "complete_till": 30, "entity_type": "leads", "entity_id": 7, "updated_at": 100},
            {"id": 3, "text": "b", "complete_till": 10, "is_completed": True, "task_type_id": 1, "updated_at": 200},
            {"id": 5, "text": "c", "complete_till": 20, "responsible_user_id": 10002, "updated_at": 300},
        ],
    )
    for params, expected in (
        ({"order[complete_till]": "asc"}, [3, 5, 1]),
        ({"filter[is_completed]": 0}, [1, 5]),
        ({"filter[is_completed]": 1}, [3]),
        ({"filter[task_type][]": 2}, [1, 5]),
        ({"filter[task_type_id]": 1}, [3]),
        ({"filter[responsible_user_id][]": [10001, 10002]}, [1, 3, 5]),
        ({"filter[entity_type]": "leads", "filter[entity_id][]": 7}, [1]),
        ({"filter[updated_at]": 200}, [3, 5]),
        ({"filter[updated_at][to]": 200}, [1, 3]),
        ({"filter[id][]": 5}, [5]),
    ):
        assert ids(kommo.get("/tasks", **params), "tasks") == expected, params
    assert kommo.get("/tasks", **{"filter[entity_id][]": 7}).status_code == 400


def test_contacts_are_found_by_the_digits_of_a_phone_or_by_name(kommo):
    typed = kommo.control("/seller/contact/create", name="João Souza", phone="+55 (11) 98888-0001")["id"]
    kommo.control("/seller/contact/create", name="Maria", phone="+55 21 97777-0002", email="maria@x.example")
    for query in ("5511988880001", "11988880001", "+55 11 98888-0001", "+55 (11) 98888-0001", "joão"):
        assert ids(kommo.get("/contacts", query=query), "contacts") == [typed], query
    assert names(kommo.get("/contacts", query="MARIA@x"), "contacts") == ["Maria"]
    assert kommo.get("/contacts", query="5511988880009").status_code == 204


def test_phone_search_can_be_literal(kommo):
    kommo.reset(phone_search="exact")
    kommo.control("/seller/contact/create", name="João", phone="+55 (11) 98888-0001")
    assert kommo.get("/contacts", query="5511988880001").status_code == 204
    assert names(kommo.get("/contacts", query="98888-0001"), "contacts") == ["João"]


def test_deleted_leads_are_listed_only_when_asked_for(kommo):
    lead = kommo.add("leads", name="Telhado")
    kommo.control("/seller/lead/delete", lead_id=lead)
    assert kommo.get("/leads").status_code == 204
    assert kommo.get(f"/leads/{lead}").status_code == 204
    [gone] = kommo.get("/leads", **{"with": "only_deleted"}).json()["_embedded"]["leads"]
    assert (gone["id"], gone["is_deleted"], gone["name"]) == (lead, True, None)


def test_the_journal_tells_what_happened_to_tasks(kommo):
    lead = kommo.add("leads", name="Telhado")
    task = kommo.add("tasks", text="x", complete_till=DEADLINE, entity_id=lead, entity_type="leads")
    kommo.control("/clock", advance_s=60)
    kommo.control("/seller/task/move", task_id=task, complete_till=DEADLINE + 60)
    kommo.control("/seller/task/complete", task_id=task, result="feito")
    kommo.control("/seller/task/delete", task_id=task)
    wanted = "task_deleted,task_completed,task_deadline_changed,task_result_added"
    answer = kommo.get("/events", **{"filter[entity]": "task", "filter[type]": wanted})
    events = answer.json()["_embedded"]["events"]
    assert [e["type"] for e in events] == ["task_deleted", "task_result_added", "task_completed", "task_deadline_changed"]
    assert {(e["entity_id"], e["entity_type"], e["created_by"], e["created_at"]) for e in events} == {
        (task, "task", 10001, NOW + 60)
    }
    assert isinstance(events[0]["id"], str)
    assert events[3]["value_before"] == [{"task_deadline": {"timestamp": DEADLINE}}]
    assert kommo.get(f"/events/{events[0]['id']}").json() == events[0]
    since = {"filter[created_at][from]": NOW + 1}
    assert len(kommo.get("/events", **since).json()["_embedded"]["events"]) == 4
    assert kommo.get("/events", **since, **{"filter[type][]": "lead_added"}).status_code == 204
    assert kommo.get("/events", **{"filter[entity_id][]": task}).status_code == 400


# Links, notes, combined creation


def test_links_are_made_listed_and_undone(kommo):
    contact, lead = kommo.add("contacts", name="João"), kommo.add("leads", name="Telhado")
    [company] = ids(kommo.post("/companies", [{"name": "Obra"}]), "companies")
    body = [{"to_entity_id": contact, "to_entity_type": "contacts", "metadata": {"is_main": True}}]
    [row] = kommo.post(f"/leads/{lead}/link", body).json()["_embedded"]["links"]
    assert (row["entity_id"], row["to_entity_id"], row["metadata"]) == (lead, contact, {"main_contact": True})
    kommo.post(f"/companies/{company}/link", [{"to_entity_id": lead, "to_entity_type": "leads"}])
    kommo.post(f"/contacts/{contact}/link", [{"to_entity_id": company, "to_entity_type": "companies"}])
    links = kommo.get(f"/leads/{lead}/links").json()
    assert [(x["to_entity_type"], x["to_entity_id"]) for x in links["_embedded"]["links"]] == [
        ("contacts", contact),
        ("companies", company),
    ]
    assert links["_total_items"] == 2
    assert kommo.get(f"/contacts/{contact}").json()["_embedded"]["companies"][0]["id"] == company
    assert kommo.post(f"/leads/{lead}/unlink", [{"to_entity_id": contact, "to_entity_type": "contacts"}]).status_code == 204
    assert kommo.one("leads", lead)["contact_ids"] == []
    assert issues(kommo.post(f"/leads/{lead}/link", [{"to_entity_id": 9, "to_entity_type": "contacts"}])) == [
        ("0", "NotSupportedChoice", "to_entity_id")
    ]
    assert kommo.post(f"/leads/{lead}/link", body[0]).status_code == 400


def test_notes_go_on_one_entity_or_on_several(kommo):
    lead, other = kommo.add("leads", name="a"), kommo.add("leads", name="b")
    service = {"note_type": "service_message", "params": {"service": "Marcado", "text": "Reunião marcada"}}
    answer = kommo.post(f"/leads/{lead}/notes", [service])
    [row] = answer.json()["_embedded"]["notes"]
    assert (row["entity_id"], row["request_id"]) == (lead, "0")
    assert row["_links"]["self"]["href"].endswith(f"/leads/{lead}/notes/{row['id']}")
    kommo.post("/leads/notes", [{"entity_id": other, "note_type": "common", "params": {"text": "Olá"}}])
    assert len(ids(kommo.get("/leads/notes"), "notes")) == 2
    assert ids(kommo.get(f"/leads/{lead}/notes", **{"filter[note_type][]": "service_message"}), "notes") == [row["id"]]
    assert kommo.get(f"/leads/{lead}/notes", **{"filter[note_type][]": "common"}).status_code == 204
    kommo.patch(f"/leads/notes/{row['id']}", {"note_type": "common", "params": {"text": "Adiada"}})
    assert kommo.get(f"/leads/{lead}/notes/{row['id']}").json()["params"] == {"text": "Adiada"}
    assert kommo.get(f"/leads/{other}/notes/{row['id']}").status_code == 204


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"note_type": "common", "params": {"text": "x"}}, ("FieldMissing", "entity_id")),
        ({"entity_id": 1, "note_type": "common", "params": {"text": "x"}}, ("NotSupportedChoice", "entity_id")),
    ],
)
def test_a_note_needs_something_to_stand_on(kommo, item, expected):
    assert issues(kommo.post("/leads/notes", [item])) == [("0", *expected)]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"note_type": "memo", "params": {"text": "x"}}, ("NotSupportedChoice", "note_type")),
        ({"note_type": "common", "params": {}}, ("FieldMissing", "params.text")),
        ({"note_type": "service_message", "params": {"text": "x"}}, ("FieldMissing", "params.service")),
    ],
)
def test_faulty_notes_are_refused(kommo, item, expected):
    lead = kommo.add("leads", name="a")
    assert issues(kommo.post(f"/leads/{lead}/notes", [item])) == [("0", *expected)]


def complex_lead(phone, **more):
    contact = {"name": "João", "custom_fields_values": [{"field_code": "PHONE", "values": [{"value": phone}]}]}
    return {"name": "Telhado", "_embedded": {"contacts": [contact], "companies": [{"name": "Obra"}]}, **more}


def test_the_combined_creation_answers_a_plain_array(kommo):
    answer = kommo.post("/leads/complex", [complex_lead("+5511988880001", request_id="1")])
    [row] = answer.json()
    assert (row["request_id"], row["merged"]) == (["1"], False)
    lead = kommo.one("leads", row["id"])
    assert (lead["contact_ids"], lead["company_id"]) == ([row["contact_id"]], row["company_id"])
    [again] = kommo.post("/leads/complex", [complex_lead("+5511988880001")]).json()
    assert again["contact_id"] != row["contact_id"]


def test_duplicate_control_reuses_what_was_there_but_not_within_a_batch(kommo):
    kommo.reset(duplicate_control=True)
    twice = kommo.post("/leads/complex", [complex_lead("+5511988880001"), complex_lead("+5511988880001")]).json()
    assert [row["merged"] for row in twice] == [False, False]
    [again] = kommo.post("/leads/complex", [complex_lead("+55 11 98888-0001")]).json()
    assert (again["merged"], again["contact_id"], again["id"]) == (True, twice[0]["contact_id"], twice[0]["id"])


def test_the_combined_creation_takes_one_contact(kommo):
    item = {"name": "x", "_embedded": {"contacts": [{"name": "a"}, {"name": "b"}]}}
    assert issues(kommo.post("/leads/complex", [item])) == [("0", "TooMany", "_embedded.contacts")]


# Account


def test_the_account_shows_extras_only_when_asked(kommo):
    plain = kommo.get("/account").json()
    assert "_embedded" not in plain
    assert "amojo_id" not in plain
    full = kommo.get("/account", **{"with": "amojo_id,users_groups,datetime_settings,drive_url,version"}).json()
    assert full["_embedded"]["users_groups"][0]["id"] == 0
    assert full["version"]
    assert full["drive_url"]


def test_users_are_read_one_by_one(kommo):
    assert kommo.get("/users/10001").json()["email"] == "ana@solclaro.example"
    assert kommo.get("/users/1").status_code == 404
    listed = kommo.get("/users", limit=250).json()
    assert (listed["_total_items"], listed["_page_count"]) == (3, 1)


def test_a_stage_is_read_by_its_pipeline_and_id(kommo):
    assert kommo.get("/leads/pipelines/8572511/statuses/67548615").json()["name"] == "Reunião marcada"
    assert kommo.get("/leads/pipelines/8572511/statuses/1").status_code == 404
    assert kommo.get("/leads/pipelines/1").status_code == 404


def test_a_lead_moves_to_another_pipeline_and_lands_on_its_first_stage(kommo):
    second = {"id": 9, "name": "Pós-venda", "is_main": False, "sort": 2, "stages": [{"id": 91, "name": "Início", "sort": 1}]}
    first = {"id": 8, "name": "Vendas", "stages": [{"id": 81, "name": "Novo", "sort": 1}, {"id": 143, "name": "x", "sort": 9}]}
    kommo.reset(pipelines=[first, second])
    lead = kommo.add("leads", name="Telhado")
    assert issues(kommo.patch(f"/leads/{lead}", {"status_id": 91})) == [("0", "NotSupportedChoice", "status_id")]
    kommo.patch(f"/leads/{lead}", {"pipeline_id": 9})
    assert (kommo.one("leads", lead)["pipeline_id"], kommo.one("leads", lead)["status"]) == (9, "Início")
