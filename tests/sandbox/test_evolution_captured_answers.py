"""What the imitated Evolution answers, against answers captured from a real 2.3.7 server."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from served_scene import CAPTURED, CAPTURED_SERVER, VOLATILE, ServedWorld, captured, differences

from sandbox.evolution.service import EvolutionService

PHONE, LID = "+5511987654321", "222333444555666"
KEY = "sandbox-evolution-key"
THEIRS = "AC000000000000000000000000000001"


@pytest.fixture(scope="module")
def world() -> Iterator[ServedWorld]:
    with ServedWorld(EvolutionService) as served:
        yield served


@pytest.fixture
def scene(world: ServedWorld) -> ServedWorld:
    world.control("/reset", evolution=CAPTURED_SERVER)
    world.control("/whatsapp/number", phone=PHONE, lid=LID, name="Maria Souza")
    world.control("/whatsapp/number", phone="+5511900009999", exists=False)
    return world


def call(scene: ServedWorld, request: dict[str, Any], key: str | None = KEY) -> httpx.Response:
    headers = {"apikey": key} if key else {}
    url = scene.urls["evolution"] + request["path"]
    body = request.get("body")
    return scene.http.request(request["method"], url, json=body, headers=headers)


def at(scene: ServedWorld, timestamp: int | None) -> None:
    if timestamp is not None:
        scene.control("/clock", now=datetime.fromtimestamp(timestamp, UTC).isoformat())


def replay(scene: ServedWorld, name: str, *, key: str | None = KEY, **limits: Any) -> Any:
    """Send the captured request at the captured second; the answer must be the captured one.

    Ids are the sandbox's own; `limits` are those of `differences`.
    """
    record = captured(name)
    expected = record["response"]
    if isinstance(expected, dict) and isinstance(expected.get("messageTimestamp"), int):
        at(scene, expected["messageTimestamp"])
    response = call(scene, record["request"], key)
    assert response.status_code == record["status"], response.text
    actual = response.json()
    if isinstance(expected, dict) and "id" in expected.get("key", {}):
        assert re.fullmatch("3EB0[0-9A-F]{18}", actual["key"]["id"])
        expected["key"]["id"] = actual["key"]["id"]
    assert differences(expected, actual, **limits) == []
    return actual


def customer_wrote(scene: ServedWorld, text: str = "Oi, quero saber mais sobre o plano Pro", **fields: Any) -> str:
    made = scene.control("/customer/say", **{"phone": PHONE, "text": text, "id": THEIRS, "name": "Maria Souza", **fields})
    return str(made["id"])


# --- sending ---------------------------------------------------------------------------------------------------------

SENT = [
    "api-send-text",
    "api-send-text-br-9th-digit-dropped",
    "api-send-text-br-ddd-below-31",
    "api-send-location",
    "api-send-media-document",
    "api-send-presence",
]


@pytest.mark.parametrize("name", SENT)
def test_a_send_is_answered_like_the_captured_one(scene: ServedWorld, name: str) -> None:
    replay(scene, name)


def test_a_quote_is_loaded_from_the_stored_message(scene: ServedWorld) -> None:
    customer_wrote(scene)
    replay(scene, "api-send-text-delay-quoted")


def test_a_reaction_is_answered_without_context(scene: ServedWorld) -> None:
    customer_wrote(scene)
    replay(scene, "api-send-reaction")


REFUSED = [
    "api-send-text-blank",
    "api-send-text-missing-number",
    "api-send-text-number-as-integer",
    "api-send-text-not-on-whatsapp",
    "api-send-text-unknown-instance",
    "api-send-media-bad-media",
    "api-get-base64-not-found",
    "api-fetch-profile-not-on-whatsapp",
]


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_has_the_captured_shape(scene: ServedWorld, name: str) -> None:
    replay(scene, name)


@pytest.mark.parametrize("key", ["wrong", None])
def test_a_wrong_or_missing_key_is_unauthorized(scene: ServedWorld, key: str | None) -> None:
    replay(scene, "api-send-text-bad-apikey", key=key)


def test_a_missing_instance_is_answered_before_the_key_is_looked_at(scene: ServedWorld) -> None:
    replay(scene, "api-send-text-unknown-instance", key=None)


def test_a_timeout_of_whatsapp_is_a_400(scene: ServedWorld) -> None:
    scene.control("/whatsapp/timeout")
    replay(scene, "api-send-text-whatsapp-timeout")
    assert call(scene, captured("api-send-text-whatsapp-timeout")["request"]).status_code == 201


def test_with_the_socket_down_a_known_number_is_a_400_and_an_unknown_one_a_500(scene: ServedWorld) -> None:
    customer_wrote(scene)
    scene.control("/whatsapp/connection", state="connecting")
    replay(scene, "api-send-text-connection-closed")
    replay(scene, "api-send-text-connection-closed-number-not-cached")
    replay(scene, "api-whatsapp-numbers-connection-closed")


def test_an_unactivated_server_answers_503_on_every_route(scene: ServedWorld) -> None:
    scene.control("/whatsapp/license", required=True)
    record = captured("variant-2.4.0-license-required")
    for request in (record["request"], {"method": "GET", "path": "/"}, {"method": "GET", "path": "/nothing"}):
        response = call(scene, request)
        assert response.status_code == record["status"]
        assert differences(record["response"], response.json(), volatile=frozenset({"instance_id"})) == []


# --- chat ------------------------------------------------------------------------------------------------------------


def test_numbers_are_checked_with_their_jid_and_known_name(scene: ServedWorld) -> None:
    customer_wrote(scene)
    replay(scene, "api-whatsapp-numbers")


def test_read_marks_are_confirmed_even_where_nothing_was_marked(scene: ServedWorld) -> None:
    customer_wrote(scene)
    replay(scene, "api-mark-message-as-read")
    assert [read["remoteJid"] for read in scene.state("evolution")["reads"]] == ["5511987654321@s.whatsapp.net"]


def test_a_profile_has_the_name_the_customer_chose(scene: ServedWorld) -> None:
    customer_wrote(scene)
    replay(scene, "api-fetch-profile")
    # The capture was made after more messages; ids and dates are the server's own.
    replay(scene, "api-find-contacts", volatile=VOLATILE | {"id"})


def test_an_edit_and_a_deletion_are_answered_with_the_protocol_message(scene: ServedWorld) -> None:
    edit, delete = captured("api-update-message"), captured("api-delete-message")
    message_id = call(scene, captured("api-send-text")["request"]).json()["key"]["id"]
    for record in (edit, delete):
        at(scene, int(record["response"]["messageTimestamp"]))
        record["request"]["body"].get("key", record["request"]["body"])["id"] = message_id
        record["response"]["message"]["protocolMessage"]["key"]["id"] = message_id
        response = call(scene, record["request"])
        record["response"]["key"]["id"] = response.json()["key"]["id"]
        assert response.status_code == record["status"]
        assert differences(record["response"], response.json()) == []


# --- media -----------------------------------------------------------------------------------------------------------


def test_a_voice_note_is_handed_out_with_its_file_name_and_size(scene: ServedWorld) -> None:
    customer_wrote(scene, kind="audio", id="AC000000000000000000000000000005", transcript="quero um orçamento")
    replay(scene, "api-get-base64")


def test_a_text_has_no_media(scene: ServedWorld) -> None:
    customer_wrote(scene)
    replay(scene, "api-get-base64-not-media")


# --- history ---------------------------------------------------------------------------------------------------------


def test_a_message_is_found_by_id_with_edits_and_duplicates_as_captured(scene: ServedWorld) -> None:
    """The same stanza twice, the first copy edited in between."""
    expected = captured("api-find-messages-by-id")
    second, first = expected["response"]["messages"]["records"]
    customer_wrote(scene, "Oi, quero saber mais sobre o plano", sent_at=1795431105)
    at(scene, first["messageTimestamp"])
    scene.control("/customer/edit", id=THEIRS, text=first["message"]["conversation"])
    customer_wrote(scene, second["message"]["conversation"], sent_at=second["messageTimestamp"])
    answer = call(scene, expected["request"])
    assert answer.status_code == expected["status"]
    for record, actual in zip((second, first), answer.json()["messages"]["records"], strict=True):
        record["id"] = actual["id"]
    # The duplicate was captured without the phone's noise.
    noise = frozenset({"messages.records[].message.messageContextInfo"})
    assert differences(expected["response"], answer.json(), may_add=noise) == []


def test_a_chat_is_found_newest_first_in_pages(scene: ServedWorld) -> None:
    expected = captured("api-find-messages-by-chat")
    newest, before = expected["response"]["messages"]["records"]
    scene.control("/whatsapp/acks", mode="none")
    at(scene, before["messageTimestamp"] - 60)
    for _ in range(30):
        call(scene, captured("api-send-text")["request"])
    for record in (before, newest):
        at(scene, record["messageTimestamp"])
        body = {"number": "5511987654321", "text": record["message"]["conversation"]}
        call(scene, {"method": "POST", "path": "/message/sendText/vendas", "body": body})
    answer = call(scene, expected["request"]).json()
    for record, actual in zip((newest, before), answer["messages"]["records"], strict=True):
        record["id"], record["key"]["id"] = actual["id"], actual["key"]["id"]
    assert differences(expected["response"], answer) == []


def test_status_rows_are_listed_oldest_first(scene: ServedWorld) -> None:
    """The captured server heard some statuses twice; the sandbox repeats one only when told to."""
    expected = captured("api-find-status-message")
    sent = call(scene, captured("api-send-text")["request"]).json()
    message_id = sent["key"]["id"]
    for status in ("DELIVERY_ACK", "READ", "READ"):
        scene.control("/whatsapp/ack", id=message_id, status=status)
    scene.control("/whatsapp/number", phone=PHONE, lid_mode="2.3.7")
    scene.control("/whatsapp/ack", id=message_id, status="READ")
    edit = {"number": "5511987654321", "key": sent["key"], "text": "x"}
    call(scene, {"method": "POST", "path": "/chat/updateMessage/vendas", "body": edit})
    call(scene, {"method": "DELETE", "path": "/chat/deleteMessageForEveryone/vendas", "body": sent["key"]})
    expected["request"]["body"]["where"]["id"] = message_id
    for row in expected["response"]:
        row["keyId"] = message_id
    answer = call(scene, expected["request"])
    assert answer.status_code == expected["status"]
    assert differences(expected["response"], answer.json(), volatile=VOLATILE | {"id"}) == []


# --- the instance ----------------------------------------------------------------------------------------------------


def test_the_connection_state_is_the_captured_one(scene: ServedWorld) -> None:
    replay(scene, "api-connection-state")


def test_an_instance_is_created_with_the_captured_fields(scene: ServedWorld) -> None:
    record = captured("api-instance-create")
    record["request"]["body"] |= {"instanceName": "nova"}
    record["request"]["body"]["webhook"]["events"] = ["MESSAGES_UPSERT"]
    response = call(scene, record["request"])
    assert response.status_code == record["status"]
    expected = record["response"]
    expected["instance"] |= {"instanceName": "nova", "instanceId": response.json()["instance"]["instanceId"]}
    # The captured server had no WhatsApp to connect to; a real one is connecting by then and shows a code.
    expected["instance"]["status"] = "connecting"
    expected["qrcode"] = captured("api-instance-connect-qr")["response"]
    assert differences(expected, response.json(), volatile=frozenset({"code", "base64"})) == []


def test_connecting_a_closed_instance_shows_a_qr_code(scene: ServedWorld) -> None:
    scene.control("/whatsapp/connection", state="close")
    replay(scene, "api-instance-connect-qr", volatile=VOLATILE | {"code"})


def test_the_instance_list_has_the_captured_fields(scene: ServedWorld) -> None:
    expected = captured("api-fetch-instances")
    actual = call(scene, expected["request"])
    assert actual.status_code == expected["status"]
    volatile = VOLATILE | {"id", "_count"}
    assert differences(expected["response"], actual.json(), volatile=volatile) == []


def test_settings_are_set_and_found(scene: ServedWorld) -> None:
    replay(scene, "api-settings-set")
    replay(scene, "api-settings-find")


def test_the_webhook_is_found_with_its_headers(scene: ServedWorld) -> None:
    expected = captured("api-webhook-find")["response"]
    wanted = {"enabled": True, "url": "http://127.0.0.1:9/", "byEvents": False, "base64": False}
    wanted |= {"headers": expected["headers"], "events": expected["events"]}
    body = {"webhook": wanted}
    made = call(scene, {"method": "POST", "path": "/webhook/set/vendas", "body": body})
    assert made.status_code == 201
    found = replay(scene, "api-webhook-find", volatile=VOLATILE | {"id"})
    assert found == made.json()


# --- nothing forgotten -----------------------------------------------------------------------------------------------

NOT_IMITATED = {
    "api-business-instance-create": "another channel",
    "api-business-send-text": "another channel",
    "api-business-send-text-bad-token": "another channel",
    "api-business-send-text-rejected-by-meta": "another channel",
    "api-business-unsupported-numbers": "another channel",
    "api-business-unsupported-presence": "another channel",
    "api-evolution-channel-inbound": "another channel",
    "api-evolution-channel-send-text": "another channel",
    "api-send-buttons": "not shown on phones, so nobody should send them",
    "api-send-list": "not shown on phones, so nobody should send them",
    "api-send-poll": "not used",
}


def test_every_captured_answer_is_compared_or_named_as_not_imitated() -> None:
    names = {path.stem for path in CAPTURED.glob("api-*.json")}
    compared = set(re.findall(r'"(api-[\w.-]+)"', Path(__file__).read_text()))
    assert names == compared
