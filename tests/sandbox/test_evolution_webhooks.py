"""How the imitated Evolution posts: to whom, with what, how often, and what it does when nobody takes it."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from served_scene import Receiver, ServedWorld, receiving, wait_until

from sandbox.evolution.service import EvolutionService

MARIA = "+5511987654321"


@pytest.fixture(scope="module")
def world() -> Iterator[ServedWorld]:
    with ServedWorld(EvolutionService) as served:
        yield served


@pytest.fixture
def inbox() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def scene(world: ServedWorld, inbox: Receiver, hook: dict[str, Any] | None = None, **seed: Any) -> None:
    """Start anew with a webhook for messages only, and retries that take milliseconds."""
    hook = {"url": inbox.url, "events": ["MESSAGES_UPSERT"], **(hook or {})}
    quick = {"retry_waits_s": [0.05, 0.05, 0.05], "retry_jitter": 0.0}
    world.control("/reset", evolution={"webhook": hook, **quick, **seed})


def post(world: ServedWorld, path: str, body: dict[str, Any]) -> httpx.Response:
    headers = {"apikey": "sandbox-evolution-key"}
    return world.http.post(f"{world.urls['evolution']}{path}/marcado", json=body, headers=headers)


def settled(world: ServedWorld) -> list[dict[str, Any]]:
    """The log of webhooks once none of them will be tried again."""
    finals = ("delivered", "failed", "lost")
    wait_until(lambda: all(d["state"] in finals for d in world.look("/deliveries")), "webhooks to end")
    return world.look("/deliveries")


def test_only_subscribed_events_are_posted(world: ServedWorld, inbox: Receiver) -> None:
    scene(world, inbox)
    world.control("/customer/say", phone=MARIA, text="oi")
    post(world, "/message/sendText", {"number": "5511987654321", "text": "olá"})
    settled(world)
    assert [body["event"] for body in inbox.bodies] == ["messages.upsert"]


def test_no_events_named_means_all_of_them(world: ServedWorld, inbox: Receiver) -> None:
    scene(world, inbox, {"events": []})
    post(world, "/message/sendText", {"number": "5511987654321", "text": "olá"})
    settled(world)
    assert sorted(b["event"] for b in inbox.bodies) == ["messages.update", "messages.update", "send.message"]


def test_a_disabled_webhook_posts_nothing(world: ServedWorld, inbox: Receiver) -> None:
    scene(world, inbox)
    off = {"webhook": {"enabled": False, "url": inbox.url}}
    assert post(world, "/webhook/set", off).json()["events"] == []
    world.control("/customer/say", phone=MARIA, text="oi")
    assert world.look("/deliveries") == []


def test_configured_headers_are_sent_and_the_user_agent_is_axios(world: ServedWorld, inbox: Receiver) -> None:
    scene(world, inbox, {"headers": {"authorization": "Bearer segredo", "x-custom": "1"}})
    world.control("/customer/say", phone=MARIA, text="oi")
    settled(world)
    headers = inbox.posts[0].headers
    assert (headers["authorization"], headers["x-custom"]) == ("Bearer segredo", "1")
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"].startswith("axios/")


def test_a_jwt_key_is_replaced_by_a_token_signed_with_it(world: ServedWorld, inbox: Receiver) -> None:
    scene(world, inbox, {"headers": {"jwt_key": "segredo"}})
    world.control("/clock", now="2026-03-10T14:00:00-03:00")
    world.control("/customer/say", phone=MARIA, text="oi")
    settled(world)
    headers = inbox.posts[0].headers
    assert "jwt_key" not in headers
    signed, _, signature = headers["authorization"].removeprefix("Bearer ").rpartition(".")
    wanted = base64.urlsafe_b64encode(hmac.new(b"segredo", signed.encode(), hashlib.sha256).digest())
    assert signature == wanted.rstrip(b"=").decode()
    claims = json.loads(base64.urlsafe_b64decode(signed.partition(".")[2] + "=="))
    assert claims == {"iat": 1773162000, "exp": 1773162600, "app": "evolution", "action": "webhook"}


def test_by_events_appends_the_name_to_the_path_but_not_to_the_destination(world: ServedWorld, inbox: Receiver) -> None:
    scene(world, inbox, {"byEvents": True})
    world.control("/customer/say", phone=MARIA, text="oi")
    settled(world)
    assert inbox.posts[0].path == "/webhooks/evolution/messages-upsert"
    assert inbox.bodies[0]["destination"] == inbox.url


def test_date_time_is_local_time_with_a_false_z(world: ServedWorld, inbox: Receiver) -> None:
    scene(world, inbox)
    world.control("/clock", now="2026-03-10T14:00:00.250+00:00")
    world.control("/customer/say", phone=MARIA, text="oi")
    settled(world)
    assert inbox.bodies[0]["date_time"] == "2026-03-10T11:00:00.250Z"
    assert inbox.bodies[0]["data"]["messageTimestamp"] == 1773151200


def test_the_body_carries_the_instance_token_unless_the_operator_hides_it(world: ServedWorld, inbox: Receiver) -> None:
    scene(world, inbox)
    world.control("/customer/say", phone=MARIA, text="oi")
    settled(world)
    assert inbox.bodies[0]["apikey"] == "sandbox-evolution-instance-token"
    assert inbox.bodies[0]["server_url"] == world.urls["evolution"]
    scene(world, inbox, expose_token=False)
    world.control("/customer/say", phone=MARIA, text="oi")
    settled(world)
    assert inbox.bodies[1]["apikey"] is None


# --- retries ---------------------------------------------------------------------------------------------------------


def test_a_failed_post_is_repeated_byte_for_byte(world: ServedWorld, inbox: Receiver) -> None:
    scene(world, inbox)
    inbox.answers = [500, 503, 200]
    world.control("/customer/say", phone=MARIA, text="oi")
    (delivery,) = settled(world)
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 3)
    assert len({p.raw for p in inbox.posts}) == 1
    assert len(inbox.posts) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_final_statuses_lose_the_event(world: ServedWorld, inbox: Receiver, status: int) -> None:
    scene(world, inbox)
    inbox.answers = [status]
    world.control("/customer/say", phone=MARIA, text="oi")
    (delivery,) = settled(world)
    assert (delivery["state"], delivery["attempts"], delivery["status"]) == ("failed", 1, status)


def test_after_the_last_attempt_the_event_is_dropped(world: ServedWorld, inbox: Receiver) -> None:
    scene(world, inbox)
    inbox.answers = [500] * 9
    world.control("/customer/say", phone=MARIA, text="oi")
    (delivery,) = settled(world)
    assert (delivery["state"], delivery["attempts"]) == ("failed", 4)


def test_a_slow_answer_is_a_timeout_and_the_event_comes_again(world: ServedWorld, inbox: Receiver) -> None:
    scene(world, inbox, webhook_timeout_s=0.1)
    inbox.answers, inbox.slow_s = [0], 0.4
    world.control("/customer/say", phone=MARIA, text="oi")
    (delivery,) = settled(world)
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 2)
    assert len(inbox.posts) == 2


def test_a_message_overtakes_one_that_has_to_be_repeated(world: ServedWorld, inbox: Receiver) -> None:
    scene(world, inbox, retry_waits_s=[5, 10])
    world.control("/clock", now="2026-03-10T14:00:00-03:00")
    inbox.answers = [500]
    world.control("/customer/say", phone=MARIA, text="primeira")
    inbox.wait_for("messages.upsert")
    world.control("/customer/say", phone=MARIA, text="segunda")
    inbox.wait_for("messages.upsert", 2)
    wait_until(lambda: world.look("/deliveries")[0]["state"] == "waiting", "the first to be put off")
    world.control("/clock", advance_s=5)
    inbox.wait_for("messages.upsert", 3)
    delivered = [body["data"]["message"]["conversation"] for body in inbox.bodies[1:]]
    assert delivered == ["segunda", "primeira"]


def test_by_default_waits_double_from_five_seconds_to_five_minutes(world: ServedWorld, inbox: Receiver) -> None:
    world.control("/reset", evolution={"webhook": {"url": inbox.url, "events": ["MESSAGES_UPSERT"]}})
    world.control("/clock", now="2026-03-10T14:00:00-03:00")
    world.control("/customer/say", phone=MARIA, text="oi")
    rule = world.world.deliveries.log[0].rule
    assert len(rule.waits_s) == 9
    for wait, documented in zip(rule.waits_s, [5, 10, 20, 40, 80, 160, 300, 300, 300], strict=True):
        assert max(5, documented * 0.8) <= wait <= documented * 1.2
    assert rule.timeout_s == 30


# --- configuration ---------------------------------------------------------------------------------------------------


def test_missing_events_crash_the_call_and_unknown_ones_are_listed(world: ServedWorld, inbox: Receiver) -> None:
    scene(world, inbox)
    hook = {"enabled": True, "url": inbox.url}
    crashed = post(world, "/webhook/set", {"webhook": hook})
    assert crashed.status_code == 500
    assert crashed.json()["response"]["message"] == "Cannot read properties of undefined (reading 'length')"
    unknown = post(world, "/webhook/set", {"webhook": {**hook, "events": ["MESSAGES_UPSERT", "NOPE"]}})
    assert unknown.status_code == 400
    ((text,),) = unknown.json()["response"]["message"]
    assert text.startswith("webhook.events[1] is not one of enum values: APPLICATION_STARTUP,QRCODE_UPDATED,")
    assert text.count(",") == 30
    unwrapped = post(world, "/webhook/set", {**hook, "events": []})
    assert unwrapped.json()["response"]["message"] == [['instance requires property "webhook"']]


def test_what_a_new_setting_leaves_out_stays_as_it_was(world: ServedWorld, inbox: Receiver) -> None:
    scene(world, inbox, {"headers": {"authorization": "Bearer segredo"}, "byEvents": True})
    hook = {"enabled": True, "url": inbox.url, "events": ["SEND_MESSAGE"]}
    kept = post(world, "/webhook/set", {"webhook": hook}).json()
    assert (kept["headers"], kept["webhookByEvents"]) == ({"authorization": "Bearer segredo"}, True)
    assert kept["events"] == ["SEND_MESSAGE"]


def test_the_base64_flag_takes_effect_when_the_socket_is_opened_again(world: ServedWorld, inbox: Receiver) -> None:
    scene(world, inbox)
    hook = {"enabled": True, "url": inbox.url, "base64": True, "events": ["MESSAGES_UPSERT"]}
    post(world, "/webhook/set", {"webhook": hook})
    world.control("/customer/say", phone=MARIA, kind="audio")
    settled(world)
    post(world, "/instance/restart", {})
    world.control("/customer/say", phone=MARIA, kind="audio")
    settled(world)
    assert ["base64" in body["data"]["message"] for body in inbox.bodies] == [False, True]


def test_an_instance_without_webhook_finds_null(world: ServedWorld) -> None:
    world.control("/reset")
    url = f"{world.urls['evolution']}/webhook/find/marcado"
    answer = world.http.get(url, headers={"apikey": "sandbox-evolution-key"})
    assert (answer.status_code, answer.json()) == (200, None)
