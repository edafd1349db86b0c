"""What the imitated Evolution posts, against bodies captured from a real 2.3.7 server."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from served_scene import CAPTURED, CAPTURED_SERVER, Receiver, ServedWorld, captured, differences, receiving, wait_until

from sandbox.evolution.service import EvolutionService

PHONE, LID = "+5511987654321", "222333444555666"
OURS = "3EB0AAAAAAAAAAAAAAAAAA"  # the message of ours that the captured quote and reaction refer to

# Phones put this noise into any message; the captures have it only in some.
NOISE = "data.message.messageContextInfo"

Captured = dict[str, Any]


@pytest.fixture(scope="module")
def world() -> Iterator[ServedWorld]:
    with ServedWorld(EvolutionService) as served:
        yield served


@pytest.fixture
def inbox() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def scene(world: ServedWorld, inbox: Receiver) -> ServedWorld:
    """The captured server's scene: its names, tokens and customer."""
    world.control("/reset", evolution={**CAPTURED_SERVER, "webhook": {"url": inbox.url}})
    world.control("/whatsapp/number", phone=PHONE, lid=LID, name="Maria Souza")
    return world


def check(scene: ServedWorld, inbox: Receiver, expected: Captured, **allowances: Any) -> None:
    """The sandbox has posted exactly one event of that name, and it is like the captured one."""
    posts = inbox.wait_for(expected["event"])
    wait_until(lambda: scene.look("/idle")["idle"], "webhooks to settle")
    assert len(posts) == 1
    assert_like(expected, posts[0], inbox, **allowances)


def assert_like(expected: Captured, actual: Captured, inbox: Receiver, **allowances: Any) -> None:
    assert differences(expected, actual, **{k: frozenset(v) for k, v in allowances.items()}) == []
    assert actual["destination"] == inbox.url
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", actual["date_time"])


def said(expected: Captured, **fields: Any) -> dict[str, Any]:
    """The control's fields that a captured messages.upsert follows from."""
    data = expected["data"]
    fields |= {"id": data["key"]["id"], "sent_at": data["messageTimestamp"], "source": data["source"]}
    return {"phone": PHONE, **fields}


AD = {"title": "Promoção", "body": "Fale conosco"}
SPOKEN: list[tuple[str, dict[str, Any]]] = [
    ("text", {"text": "Oi, quero saber mais sobre o plano"}),
    ("text-from-click-to-whatsapp-ad", {"text": "Olá! Tenho interesse", "ad": AD}),
    ("audio-voice-note", {"kind": "audio", "seconds": 4, "transcript": "oi"}),
    ("image-with-caption", {"kind": "image", "caption": "Olha a foto do local"}),
    ("video-with-caption", {"kind": "video", "caption": "vídeo"}),
    ("document-with-caption", {"kind": "document", "caption": "segue a proposta", "file_name": "proposta.pdf"}),
    ("sticker", {"kind": "sticker"}),
    ("location", {"kind": "location", "place": "Av. Paulista", "address": "Av. Paulista, 1000"}),
    ("live-location", {"kind": "live_location"}),
    ("contact-card", {"kind": "contact"}),
    ("button-reply", {"kind": "button_reply", "text": "Sim"}),
    ("list-reply", {"kind": "list_reply", "text": "Plano Pro", "choice_id": "plano_pro", "description": "R$ 99"}),
    ("template-button-reply", {"kind": "template_button_reply", "text": "Sim"}),
    ("interactive-reply", {"kind": "interactive_reply", "text": "Sim"}),
    ("ephemeral-wrapper", {"kind": "ephemeral", "text": "mensagem temporária"}),
    ("view-once-image", {"kind": "view_once"}),
    ("poll-vote-undecryptable", {"kind": "poll_vote", "poll_id": "3EB0BBBBBBBBBBBBBBBBBB"}),
    ("received-while-offline", {"text": "mandei enquanto vocês estavam offline"}),
    ("lid", {"text": "Oi, vim pelo anúncio", "lid_mode": "2.3.7"}),
]


@pytest.mark.parametrize(("name", "fields"), SPOKEN)
def test_what_a_customer_sends_is_posted_like_the_captured_message(
    scene: ServedWorld, inbox: Receiver, name: str, fields: dict[str, Any]
) -> None:
    expected = captured(f"webhook-messages-upsert-{name}")
    scene.control("/customer/say", **said(expected, **fields))
    check(scene, inbox, expected, may_add={NOISE})


LID_VARIANTS = [("variant-2.3.6-messages-upsert-lid", "2.3.6"), ("variant-2.4.0-rc2-messages-upsert-lid", "2.4")]


@pytest.mark.parametrize(("name", "mode"), LID_VARIANTS)
def test_a_lid_chat_has_the_key_of_the_version_asked_for(scene: ServedWorld, inbox: Receiver, name: str, mode: str) -> None:
    expected = captured(name)
    scene.control("/customer/say", **said(expected, text="Oi, vim pelo anúncio", lid_mode=mode))
    check(scene, inbox, expected, may_add={NOISE})


OLD_LID_VARIANTS = [
    ("variant-2.3.0-messages-upsert-lid-senderPn", "2.3.0"),
    ("variant-2.3.1-messages-upsert-lid-previousRemoteJid", "2.3.1"),
]


@pytest.mark.parametrize(("name", "mode"), OLD_LID_VARIANTS)
def test_older_servers_keys_are_available_without_their_older_encodings(
    scene: ServedWorld, inbox: Receiver, name: str, mode: str
) -> None:
    expected = captured(name)
    scene.control("/customer/say", **said(expected, text="Oi", lid_mode=mode))
    assert inbox.wait_for("messages.upsert")[0]["data"]["key"] == expected["data"]["key"]


def test_a_lid_chat_without_phone_shows_the_lid_alone(scene: ServedWorld, inbox: Receiver) -> None:
    expected = captured("webhook-messages-upsert-lid-without-phone")
    scene.control("/whatsapp/number", phone="+5511955554444", lid="999888777666555", name="Sem Número")
    fields = said(expected, text="sem telefone", lid_mode="no_phone")
    scene.control("/customer/say", **{**fields, "phone": "+5511955554444"})
    check(scene, inbox, expected, may_add={NOISE})


def test_a_customer_without_a_name_has_push_name_null(scene: ServedWorld, inbox: Receiver) -> None:
    expected = captured("webhook-messages-upsert-no-push-name")
    scene.control("/whatsapp/number", phone="+5511955554444")
    scene.control("/customer/say", **{**said(expected, text="sem pushname"), "phone": "+5511955554444"})
    post = inbox.wait_for("messages.upsert")[0]
    expected["data"]["key"] |= {k: post["data"]["key"][k] for k in ("remoteJid", "remoteJidAlt")}
    check(scene, inbox, expected, may_add={NOISE})


def test_a_quote_carries_the_quoted_message_and_its_author(scene: ServedWorld, inbox: Receiver) -> None:
    expected = captured("webhook-messages-upsert-text-quoting-a-message")
    scene.control("/seller/type", phone=PHONE, text="Qual o melhor horário?", on="web", id=OURS)
    inbox.wait_for("messages.upsert")
    inbox.posts.clear()
    scene.control("/customer/say", **said(expected, text="Pode ser amanhã às 15h?", quoted_id=OURS))
    check(scene, inbox, expected)


def test_a_voice_note_comes_with_base64_once_the_socket_was_opened_with_that_flag(scene: ServedWorld, inbox: Receiver) -> None:
    expected = captured("webhook-messages-upsert-audio-with-base64")
    scene.control("/reset", evolution={**CAPTURED_SERVER, "webhook": {"url": inbox.url, "base64": True}})
    scene.control("/customer/say", **said(expected, kind="audio", seconds=4, name="Maria Souza"))
    # That capture came through another path: no second identity, no waveform, no noise.
    may_add = {NOISE, "data.key.remoteJidAlt", "data.message.audioMessage.waveform"}
    check(scene, inbox, expected, may_add=may_add)


def test_a_reaction_names_its_target(scene: ServedWorld, inbox: Receiver) -> None:
    expected = captured("webhook-messages-upsert-reaction")
    scene.control("/seller/type", phone=PHONE, text="Qual o melhor horário?", on="web", id=OURS)
    inbox.wait_for("messages.upsert")
    inbox.posts.clear()
    made = scene.control("/customer/react", id=OURS, emoji="👍", source="ios", sent_at=1795431185)
    expected["data"]["key"]["id"] = made["id"]
    check(scene, inbox, expected)


GROUPS = [("group", False), ("group-lid-participant", True)]


@pytest.mark.parametrize(("name", "by_lid"), GROUPS)
def test_group_messages_name_group_and_author(scene: ServedWorld, inbox: Receiver, name: str, by_lid: bool) -> None:
    expected = captured(f"webhook-messages-upsert-{name}")
    text = expected["data"]["message"]["conversation"]
    made = scene.control("/group/say", phone=PHONE, text=text, by_lid=by_lid, sent_at=expected["data"]["messageTimestamp"])
    expected["data"]["key"]["id"] = made["id"]
    check(scene, inbox, expected)


def test_a_status_post_comes_from_the_status_broadcast(scene: ServedWorld, inbox: Receiver) -> None:
    expected = captured("webhook-messages-upsert-status-broadcast")
    made = scene.control("/status/post", phone=PHONE, caption="meu status", sent_at=expected["data"]["messageTimestamp"])
    expected["data"]["key"]["id"] = made["id"]
    check(scene, inbox, expected)
    assert inbox.events("contacts.upsert") == []


TYPED = [
    ("typed-on-phone", "phone", "pn"),
    ("typed-on-phone-lid-chat", "phone", "2.3.7"),
    ("typed-on-whatsapp-web", "web", "pn"),
    ("call-rejection-text", "call_reject", "pn"),
]


@pytest.mark.parametrize(("name", "device", "mode"), TYPED)
def test_what_the_seller_types_is_posted_like_the_captured_message(
    scene: ServedWorld, inbox: Receiver, name: str, device: str, mode: str
) -> None:
    expected = captured(f"webhook-messages-upsert-from-me-{name}")
    data = expected["data"]
    fields = {"id": data["key"]["id"], "sent_at": data["messageTimestamp"], "on": device, "lid_mode": mode}
    scene.control("/seller/type", phone=PHONE, text=data["message"]["conversation"], **fields)
    check(scene, inbox, expected)


def test_an_edit_by_the_customer_comes_as_two_events(scene: ServedWorld, inbox: Receiver) -> None:
    expected = captured("webhook-message-edited-by-customer")
    message_id = expected[1]["data"]["keyId"]
    scene.control("/customer/say", phone=PHONE, text="Oi, quero saber mais sobre o plano", id=message_id)
    scene.control("/customer/edit", id=message_id, text="Oi, quero saber mais sobre o plano Pro")
    check(scene, inbox, expected[0])
    check(scene, inbox, expected[1])


def test_a_deletion_by_the_customer_comes_as_two_events(scene: ServedWorld, inbox: Receiver) -> None:
    expected = captured("webhook-message-deleted-by-customer")
    message_id = expected[0]["data"]["key"]["id"]
    scene.control("/customer/say", phone=PHONE, text="apaga isso", id=message_id)
    scene.control("/customer/delete", id=message_id)
    check(scene, inbox, expected[0])
    check(scene, inbox, expected[1])


def test_changing_the_disappearing_timer_comes_as_an_edit_without_key(scene: ServedWorld, inbox: Receiver) -> None:
    scene.control("/customer/timer", phone=PHONE, seconds=604800)
    check(scene, inbox, captured("webhook-disappearing-timer-changed"))


def test_a_new_contact_is_announced_by_upsert_and_then_by_a_list(scene: ServedWorld, inbox: Receiver) -> None:
    scene.control("/customer/say", phone=PHONE, text="oi")
    check(scene, inbox, captured("webhook-contacts-upsert"))
    check(scene, inbox, captured("webhook-contacts-update"))


def test_our_own_message_updates_the_contact_with_an_empty_name(scene: ServedWorld, inbox: Receiver) -> None:
    scene.control("/customer/say", phone=PHONE, text="oi")
    inbox.wait_for("contacts.update")
    inbox.posts.clear()
    scene.control("/seller/type", phone=PHONE, text="oi Maria")
    check(scene, inbox, captured("webhook-contacts-update-after-own-message"))


# --- what we send ----------------------------------------------------------------------------------------------------


def send(scene: ServedWorld, body: dict[str, Any], method: str = "POST", path: str = "/message/sendText/vendas") -> Any:
    headers = {"apikey": "sandbox-evolution-key"}
    response = scene.http.request(method, scene.urls["evolution"] + path, json=body, headers=headers)
    assert response.status_code in (200, 201), response.text
    return response.json()


def at(scene: ServedWorld, timestamp: int) -> None:
    scene.control("/clock", now=datetime.fromtimestamp(timestamp, UTC).isoformat())


def test_a_send_through_the_api_is_announced_with_the_object_of_its_answer(scene: ServedWorld, inbox: Receiver) -> None:
    expected = captured("webhook-send-message-api")
    at(scene, expected["data"]["messageTimestamp"])
    answer = send(scene, {"number": "5511987654321", "text": expected["data"]["message"]["conversation"]})
    expected["data"]["key"]["id"] = answer["key"]["id"]
    check(scene, inbox, expected)
    assert inbox.events("send.message")[0]["data"] == answer


def test_delivery_reports_look_like_the_captured_ones(scene: ServedWorld, inbox: Receiver) -> None:
    answer = send(scene, {"number": "5511987654321", "text": "oi"})
    scene.control("/customer/read", phone=PHONE)
    reports = {report["data"]["status"]: report for report in inbox.wait_for("messages.update", 3)}
    for expected in captured("webhook-messages-update-delivery"):
        if expected["data"]["remoteJid"].endswith("@lid"):
            continue  # seen below, in a LID chat
        expected["data"]["keyId"] = answer["key"]["id"]
        assert_like(expected, reports[expected["data"]["status"]], inbox)


def test_in_a_lid_chat_delivery_reports_name_the_lid(scene: ServedWorld, inbox: Receiver) -> None:
    scene.control("/whatsapp/number", phone=PHONE, lid_mode="2.3.7")
    answer = send(scene, {"number": "5511987654321", "text": "oi"})
    scene.control("/customer/read", phone=PHONE)
    read = next(r for r in inbox.wait_for("messages.update", 3) if r["data"]["status"] == "READ")
    expected = captured("webhook-messages-update-delivery")[-1]
    expected["data"]["keyId"] = answer["key"]["id"]
    assert_like(expected, read, inbox)


def test_a_failed_delivery_looks_like_the_derived_one(scene: ServedWorld, inbox: Receiver) -> None:
    expected = captured("webhook-messages-update-error")
    scene.control("/whatsapp/acks", mode="error")
    answer = send(scene, {"number": "5511987654321", "text": "oi"})
    expected["data"]["keyId"] = answer["key"]["id"]
    check(scene, inbox, expected)


def test_our_edit_and_deletion_are_posted_like_the_captured_ones(scene: ServedWorld, inbox: Receiver) -> None:
    edited, deleted = captured("webhook-send-message-update-api-edit"), captured("webhook-messages-delete-api-delete")
    at(scene, deleted["data"]["messageTimestamp"])
    key = send(scene, {"number": "5511987654321", "text": "texto com erro"})["key"]
    send(scene, {"number": "5511987654321", "key": key, "text": "texto corrigido"}, path="/chat/updateMessage/vendas")
    send(scene, key, "DELETE", "/chat/deleteMessageForEveryone/vendas")
    edited["data"]["key"]["id"] = deleted["data"]["key"]["id"] = key["id"]
    check(scene, inbox, edited)
    deleted["data"]["id"] = inbox.wait_for("messages.delete")[0]["data"]["id"]
    check(scene, inbox, deleted)


# --- the instance ----------------------------------------------------------------------------------------------------


def test_a_logout_is_three_events_in_the_captured_order(scene: ServedWorld, inbox: Receiver) -> None:
    scene.control("/whatsapp/connection", state="close", status_reason=401)
    inbox.wait_for("connection.update")
    inbox.wait_for("status.instance")
    inbox.wait_for("logout.instance")
    for expected in captured("webhook-logged-out"):
        check(scene, inbox, expected)
    assert_like(captured("webhook-connection-update-close"), inbox.events("connection.update")[0], inbox)
    assert [d["event"] for d in scene.look("/deliveries")] == [e["event"] for e in captured("webhook-logged-out")]


def test_pairing_an_instance_posts_what_the_real_server_posted(scene: ServedWorld, inbox: Receiver) -> None:
    """From its creation to the open connection; before the first connection there is no `sender`."""
    create = {"instanceName": "nova", "integration": "WHATSAPP-BAILEYS", "qrcode": True, "token": "<instance token>"}
    create["webhook"] = {"url": inbox.url, "byEvents": False, "base64": False, "events": []}
    send(scene, create, path="/instance/create")
    qr = inbox.wait_for("qrcode.updated")[0]
    scene.control("/whatsapp/connection", state="open", instance="nova")
    updates = {body["data"]["state"]: body for body in inbox.wait_for("connection.update", 2)}
    seen = {
        "webhook-instance-create": inbox.events("instance.create")[0],
        "webhook-qrcode-updated": qr,
        "webhook-connection-update-connecting": updates["connecting"],
        "webhook-connection-update-open": updates["open"],
    }
    for name, actual in seen.items():
        expected = captured(name)
        expected["instance"] = "nova"
        for place in (expected["data"], expected["data"].get("qrcode", {})):
            place |= {k: "nova" for k in ("instance", "instanceName") if k in place}
        if "qrcode" in expected["data"]:
            expected["data"]["qrcode"]["code"] = actual["data"]["qrcode"]["code"]
        assert_like(expected, actual, inbox)


def test_presence_is_posted_once_we_have_shown_ours(scene: ServedWorld, inbox: Receiver) -> None:
    assert scene.control("/customer/typing", phone=PHONE) == {"seen": False}
    typing = {"number": "5511987654321", "presence": "composing", "delay": 10}
    send(scene, typing, path="/chat/sendPresence/vendas")
    assert scene.control("/customer/typing", phone=PHONE) == {"seen": True}
    check(scene, inbox, captured("webhook-presence-update"))


def test_history_after_pairing_has_its_two_extra_fields(scene: ServedWorld, inbox: Receiver) -> None:
    expected = captured("webhook-messages-set-history")
    old = {"text": "mensagem antiga do histórico", "sent_at": 1790000000}
    scene.control("/whatsapp/history", phone=PHONE, messages=[old])
    expected["data"][0]["key"]["id"] = inbox.wait_for("messages.set")[0]["data"][0]["key"]["id"]
    check(scene, inbox, expected)


# --- the comparison itself -------------------------------------------------------------------------------------------

BROKEN = [
    (lambda data: data["key"].pop("remoteJidAlt"), "key.remoteJidAlt: missing"),
    (lambda data: data["key"].update(senderPn="x"), "key.senderPn: added"),
    (lambda data: data["key"].update(fromMe=1), "key.fromMe: 1, captured False"),
    (lambda data: data.update(status="READ"), "status: 'READ', captured 'DELIVERY_ACK'"),
    (lambda data: data.update(contextInfo=None), "contextInfo: added"),
    (lambda data: data.update(messageTimestamp="1795431105"), "messageTimestamp: '1795431105', captured 1795431105"),
    (lambda data: data.update(instanceId=None), "instanceId: a NoneType, captured a str"),
]


@pytest.mark.parametrize(("spoil", "complaint"), BROKEN)
def test_the_comparison_sees_a_wrong_key_kind_or_value(spoil: Any, complaint: str) -> None:
    actual = captured("webhook-messages-upsert-text")["data"]
    spoil(actual)
    assert differences(captured("webhook-messages-upsert-text")["data"], actual) == [complaint]


# --- nothing forgotten -----------------------------------------------------------------------------------------------

NOT_IMITATED = {
    "webhook-business-messages-update": "another channel",
    "webhook-business-messages-upsert-audio": "another channel",
    "webhook-business-messages-upsert-button": "another channel",
    "webhook-business-messages-upsert-text": "another channel",
    "webhook-evolution-channel-messages-upsert": "another channel",
    "variant-before-2.2-messages-upsert-extended-text": "a server older than those in the field",
}


def test_every_captured_webhook_is_compared_or_named_as_not_imitated() -> None:
    names = {path.stem for path in (*CAPTURED.glob("webhook-*"), *CAPTURED.glob("variant-*-messages-*"))}
    quoted = set(re.findall(r'"([\w.-]+)"', Path(__file__).read_text()))
    prefixes = ("", "webhook-", "webhook-messages-upsert-", "webhook-messages-upsert-from-me-")
    compared = {prefix + name for prefix in prefixes for name in quoted}
    assert names - compared == set()
    assert set(NOT_IMITATED) <= names
