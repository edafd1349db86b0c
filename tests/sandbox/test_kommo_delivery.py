"""When Kommo posts again, when it gives up, when it switches a hook off; subscriptions; faults around the API."""

import threading

import httpx
import pytest
from kommo_server import ALL_TASK_SETTINGS, TOKEN, KommoServer, Receiver, eventually, form

from sandbox.kommo.hooks import DISABLE_AFTER, DISABLE_WINDOW_S, RETRY_RULE, score
from sandbox.kommo.state import Hook

NOW = "2026-03-10T14:00:00-03:00"


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
def kommo(server, receiver):
    """Every task webhook subscribed; the clock stands still."""
    server.reset(webhooks=[{"destination": receiver.url, "settings": ALL_TASK_SETTINGS}])
    server.control("/clock", now=NOW)
    return server


def create_task(kommo):
    return kommo.control("/seller/task/create", text="Reunião", complete_till=1773255600)["id"]


def attempts(kommo):
    """The only webhook: attempts made, its state, its last status."""
    [delivery] = kommo.settled()
    return delivery["attempts"], delivery["state"], delivery["status"]


def test_a_500_is_tried_five_times_at_the_documented_waits(kommo, receiver):
    receiver.status = 500
    create_task(kommo)
    assert attempts(kommo) == (1, "waiting", 500)
    for n, minutes in enumerate((5, 15, 15, 60), start=2):
        kommo.control("/clock", advance_s=minutes * 60 - 1)
        assert attempts(kommo) == (n - 1, "waiting", 500)
        kommo.control("/clock", advance_s=1)
        eventually(lambda n=n: attempts(kommo)[0] == n, f"attempt {n}")
    assert attempts(kommo) == (5, "failed", 500)
    assert len(set(receiver.bodies)) == 1


def test_a_404_is_tried_three_times(kommo, receiver):
    receiver.status = 404
    create_task(kommo)
    assert attempts(kommo) == (1, "waiting", 404)
    kommo.control("/clock", advance_s=5 * 60)
    eventually(lambda: attempts(kommo)[0] == 2, "attempt 2")
    kommo.control("/clock", advance_s=15 * 60)
    eventually(lambda: attempts(kommo) == (3, "failed", 404), "attempt 3, the last")


@pytest.mark.parametrize(("status", "valid"), [(99, False), (100, True), (200, True), (299, True), (302, False), (404, False)])
def test_only_answers_from_100_to_299_count_as_delivered(status, valid):
    assert RETRY_RULE.accepted(status) is valid


def test_a_499_is_worth_five_attempts_and_silence_three():
    assert [RETRY_RULE.gives_up(n, 499) for n in (1, 2, 3, 4)] == [False, False, False, False]
    assert [RETRY_RULE.gives_up(n, 0) for n in (1, 2, 3)] == [False, False, True]


def test_an_answer_after_two_seconds_is_no_answer(kommo, receiver):
    receiver.silent_s = 2.6
    create_task(kommo)
    eventually(lambda: kommo.deliveries()[0]["attempts"] == 1, "the first attempt")
    assert attempts(kommo) == (1, "waiting", 0)


def test_a_later_success_ends_the_tries(kommo, receiver):
    receiver.status = 503
    create_task(kommo)
    assert attempts(kommo) == (1, "waiting", 503)
    receiver.status = 200
    kommo.control("/clock", advance_s=300)
    eventually(lambda: attempts(kommo) == (2, "delivered", 200), "the second attempt")


def test_more_than_a_hundred_bad_answers_in_two_hours_switch_the_hook_off(kommo, receiver):
    receiver.status = 404
    kommo.control("/kommo/webhook/emit", setting="add_task", entity="task", action="add", items=[{"id": n} for n in range(3)])
    eventually(lambda: kommo.settled()[0]["state"] == "waiting", "three tasks in one body")
    for _ in range(DISABLE_AFTER - 1):
        create_task(kommo)
    kommo.settled()
    assert kommo.state()["webhooks"][0] | {"id": 0} == {
        "id": 0,
        "destination": receiver.url,
        "settings": ALL_TASK_SETTINGS,
        "disabled": False,
        "bad_answers": DISABLE_AFTER,
    }
    create_task(kommo)
    kommo.settled()
    assert kommo.get("/webhooks").json()["_embedded"]["webhooks"][0]["disabled"] is True
    sent = len(kommo.deliveries())
    create_task(kommo)
    assert len(kommo.deliveries()) == sent


def test_an_administrator_switches_the_hook_on_again_and_the_api_does_not(kommo, receiver):
    receiver.status = 404
    for _ in range(DISABLE_AFTER + 1):
        create_task(kommo)
    kommo.settled()
    assert kommo.state()["webhooks"][0]["disabled"] is True
    kommo.post("/webhooks", {"destination": receiver.url, "settings": ALL_TASK_SETTINGS})
    assert kommo.state()["webhooks"][0]["disabled"] is True
    kommo.control("/kommo/webhook/save", destination=receiver.url)
    assert kommo.state()["webhooks"][0]["disabled"] is False
    assert kommo.state()["webhooks"][0]["settings"] == ALL_TASK_SETTINGS


def test_bad_answers_older_than_two_hours_do_not_count():
    hook = Hook(1, "https://x.example", [], 1, 1, 0, 0)
    for n in range(DISABLE_AFTER):
        score(hook, n, 500)
    score(hook, DISABLE_WINDOW_S, 500)  # only the answer at second 0 has aged out
    assert (hook.disabled, len(hook.answers)) == (False, DISABLE_AFTER)
    score(hook, DISABLE_WINDOW_S, 200)
    assert hook.disabled is False
    score(hook, DISABLE_WINDOW_S, 500)
    assert hook.disabled is True


def test_a_hook_hears_only_what_it_subscribed_to(kommo, receiver):
    other = Receiver()
    try:
        kommo.post("/webhooks", {"destination": other.url, "settings": ["delete_task", "add_lead"]})
        task_id = create_task(kommo)
        kommo.control("/seller/task/edit", task_id=task_id, text="Visita")
        kommo.control("/seller/task/reassign", task_id=task_id, responsible_user_id=10002)
        kommo.control("/seller/task/delete", task_id=task_id)
        kommo.control("/seller/lead/create", name="Telhado")
        kommo.settled()
        assert [d["event"] for d in kommo.deliveries() if d["url"] == other.url] == ["task[delete]", "leads[add]"]
        mine = [d["event"] for d in kommo.deliveries() if d["url"] == receiver.url]
        assert mine == ["task[add]", "task[update]", "task[update]", "task[delete]"]
    finally:
        other.close()


def test_a_reassigned_task_reaches_only_hooks_with_responsible_task(kommo, receiver):
    kommo.post("/webhooks", {"destination": receiver.url, "settings": ["update_task"]})
    task_id = create_task(kommo)
    kommo.control("/seller/task/reassign", task_id=task_id, responsible_user_id=10002)
    assert kommo.settled() == []


def test_changes_through_the_api_are_announced_too_and_say_who_made_them(kommo, receiver):
    kommo.post("/webhooks", {"destination": receiver.url, "settings": ["update_lead", "update_task"]})
    lead = kommo.add("leads", name="Telhado")
    kommo.patch(f"/leads/{lead}", {"custom_fields_values": [{"field_id": 123457, "values": [{"value": "scheduled"}]}]})
    [body] = receiver.wait(1)
    assert form(body)["leads[update][0][modified_user_id]"] == "10000"
    assert form(body)["leads[update][0][custom_fields][0][values][0][value]"] == "scheduled"


def test_a_patch_that_changes_nothing_is_announced_all_the_same(kommo, receiver):
    task_id = create_task(kommo)
    kommo.patch(f"/tasks/{task_id}", {"text": "Reunião"})
    assert [d["event"] for d in kommo.settled()] == ["task[add]", "task[update]"]


def test_the_echo_of_api_changes_can_be_turned_off(kommo, receiver):
    kommo.reset(echo_api_changes=False, webhooks=[{"destination": receiver.url, "settings": ALL_TASK_SETTINGS}])
    kommo.add("tasks", text="Reunião", complete_till=1773255600)
    create_task(kommo)
    assert [d["event"] for d in kommo.settled()] == ["task[add]"]


def test_a_refused_call_announces_nothing(kommo):
    kommo.post("/tasks", [{"text": "gut", "complete_till": 1773255600}, {"text": "ohne Frist"}])
    assert kommo.settled() == []
    assert kommo.state()["tasks"] == []


def test_the_fate_of_a_deleted_leads_tasks_can_be_chosen(kommo):
    def deleted(**choice):
        lead = kommo.control("/seller/lead/create", name="Telhado")["id"]
        task = kommo.control("/seller/task/create", text="Reunião", complete_till=1773255600, lead_id=lead)["id"]
        before = len(kommo.settled())
        kommo.control("/seller/lead/delete", lead_id=lead, **choice)
        alive = any(t["id"] == task for t in kommo.state()["tasks"])
        return alive, [d["event"] for d in kommo.settled()[before:]]

    assert deleted() == (False, [])
    assert deleted(tasks="announce") == (False, ["task[delete]"])
    assert deleted(tasks="keep") == (True, [])


# Subscriptions


def test_a_subscription_is_made_found_replaced_and_deleted_by_its_destination(kommo, receiver):
    kommo.reset()
    assert kommo.get("/webhooks").status_code == 204
    made = kommo.post("/webhooks", {"destination": receiver.url, "settings": ["add_task"], "sort": 10})
    assert made.status_code == 200
    hook = made.json()
    assert hook | {"id": 0, "created_at": 0, "updated_at": 0} == {
        "id": 0,
        "destination": receiver.url,
        "created_at": 0,
        "updated_at": 0,
        "account_id": 32720107,
        "created_by": 10000,
        "sort": 10,
        "disabled": False,
        "settings": ["add_task"],
    }
    again = kommo.post("/webhooks", {"destination": receiver.url, "settings": ["update_task"]}).json()
    assert (again["id"], again["settings"]) == (hook["id"], ["update_task"])
    found = kommo.get("/webhooks", **{"filter[destination]": receiver.url}).json()
    assert (found["_total_items"], found["_embedded"]["webhooks"]) == (1, [again])
    assert kommo.get("/webhooks", **{"filter[destination]": "https://other.example"}).status_code == 204
    assert kommo.api("DELETE", "/webhooks", {"destination": receiver.url}).status_code == 204
    assert kommo.api("DELETE", "/webhooks", {"destination": receiver.url}).status_code == 404


@pytest.mark.parametrize(
    "body", [[], [{"destination": "https://x.example", "settings": ["add_task"]}], {"settings": ["add_task"]}]
)
def test_a_subscription_must_be_one_object_with_a_destination(kommo, body):
    assert kommo.post("/webhooks", body).status_code == 400


def test_unknown_settings_and_addresses_are_refused(kommo):
    bad_setting = kommo.post("/webhooks", {"destination": "https://x.example", "settings": ["add_task", "task_add"]})
    [issue] = bad_setting.json()["validation-errors"][0]["errors"]
    assert (bad_setting.status_code, issue["path"]) == (400, "settings.1")
    assert kommo.post("/webhooks", {"destination": "x.example", "settings": ["add_task"]}).status_code == 400


@pytest.mark.parametrize(("option", "status"), [(True, 400), (400, 400), (422, 422)])
def test_update_task_can_be_refused_and_then_ticked_by_the_administrator(kommo, receiver, option, status):
    kommo.reset(refuse_update_task=option)
    refused = kommo.post("/webhooks", {"destination": receiver.url, "settings": ALL_TASK_SETTINGS})
    assert refused.status_code == status
    assert kommo.state()["webhooks"] == []
    settings = [setting for setting in ALL_TASK_SETTINGS if setting != "update_task"]
    assert kommo.post("/webhooks", {"destination": receiver.url, "settings": settings}).status_code == 200
    kommo.control("/kommo/webhook/save", destination=receiver.url, settings=ALL_TASK_SETTINGS)
    assert kommo.get("/webhooks").json()["_embedded"]["webhooks"][0]["settings"] == ALL_TASK_SETTINGS


# Faults


def test_a_call_dropped_after_the_write_has_written_and_announced(kommo):
    kommo.control("/faults", service="kommo", method="POST", path="/tasks$", drop="after")
    with pytest.raises(httpx.TransportError):
        kommo.post("/tasks", [{"text": "Reunião", "complete_till": 1773255600}])
    assert [t["text"] for t in kommo.state()["tasks"]] == ["Reunião"]
    assert [d["event"] for d in kommo.settled()] == ["task[add]"]


def test_a_call_dropped_before_the_write_has_done_nothing(kommo):
    kommo.control("/faults", service="kommo", method="POST", path="/tasks$", drop="before")
    with pytest.raises(httpx.TransportError):
        kommo.post("/tasks", [{"text": "Reunião", "complete_till": 1773255600}])
    assert kommo.state()["tasks"] == []


def test_a_swallowed_write_is_answered_and_leaves_nothing(kommo):
    task_id = create_task(kommo)
    kommo.settled()
    kommo.control("/faults", service="kommo", method="PATCH", swallow=True)
    answer = kommo.patch(f"/tasks/{task_id}", {"is_completed": True, "result": {"text": "feito"}})
    assert (answer.status_code, answer.json()["id"]) == (200, task_id)
    assert kommo.one("tasks", task_id)["is_completed"] is False
    assert [d["event"] for d in kommo.settled()] == ["task[add]"]
    kommo.patch(f"/tasks/{task_id}", {"is_completed": True})
    assert kommo.one("tasks", task_id)["is_completed"] is True


def test_a_held_call_waits_until_it_is_released(kommo):
    kommo.control("/faults", service="kommo", method="POST", path="/tasks$", hold="after")
    answers = []
    caller = threading.Thread(
        target=lambda: answers.append(
            httpx.post(
                f"{kommo.url}/api/v4/tasks",
                json=[{"text": "Reunião", "complete_till": 1773255600}],
                headers={"authorization": f"Bearer {TOKEN}"},
                timeout=10,
                trust_env=False,
            )
        )
    )
    caller.start()
    eventually(lambda: kommo.state()["tasks"], "the write happens")
    assert answers == []
    kommo.control("/faults/release")
    caller.join(timeout=5)
    assert [answer.status_code for answer in answers] == [200]


def test_a_fault_without_a_body_answers_in_kommos_words(kommo):
    kommo.control("/faults", service="kommo", path="/account", status=429)
    limited = kommo.get("/account")
    assert (limited.headers["content-type"], limited.json()["retry_after"]) == ("application/problem+json", 300)
    kommo.control("/faults", service="kommo", path="/account", status=402)
    assert kommo.get("/account").json()["detail"] == "Payment required"
    kommo.control("/faults", service="kommo", path="/account", status=403)
    blocked = kommo.get("/account")
    assert blocked.headers["content-type"].startswith("text/html")
    assert "nginx" in blocked.text
    kommo.control("/faults", service="kommo", path="/account", status=204)
    assert kommo.get("/account").content == b""
    kommo.control("/faults", service="kommo", path="/account", status=500)
    assert kommo.get("/account").json()["title"] == "ErrInternalServer"


def test_webhooks_can_be_lost_doubled_and_turned_around(kommo, receiver):
    kommo.control("/clock", now=None)
    kommo.control("/deliveries/faults", service="kommo", mode="lose")
    create_task(kommo)
    assert kommo.settled()[0]["state"] == "lost"
    kommo.control("/deliveries/faults", service="kommo", mode="double")
    create_task(kommo)
    first, second = receiver.wait(2)
    assert first == second
    kommo.control("/deliveries/faults", service="kommo", mode="hold", times=2)
    early, late = create_task(kommo), create_task(kommo)
    kommo.settled()
    kommo.control("/deliveries/release", newest_first=True)
    assert {form(body)["task[add][0][id]"] for body in receiver.wait(4)[2:]} == {str(early), str(late)}
