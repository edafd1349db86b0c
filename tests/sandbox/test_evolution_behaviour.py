"""What happens to messages in the imitated WhatsApp: the chat as a person sees it, acks, outages, history."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from served_scene import Receiver, ServedWorld, receiving, wait_until

from sandbox.evolution.service import EvolutionService

MARIA = "+5511987654321"
JID = "5511987654321@s.whatsapp.net"


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
    world.control("/reset", evolution={"webhook": {"url": inbox.url}})
    return world


def call(scene: ServedWorld, method: str, path: str, body: Any = None, key: str = "sandbox-evolution-key") -> httpx.Response:
    url = scene.urls["evolution"] + path
    return scene.http.request(method, url, json=body, headers={"apikey": key})


def send(scene: ServedWorld, text: str = "olá", number: str = "5511987654321", **fields: Any) -> httpx.Response:
    return call(scene, "POST", "/message/sendText/marcado", {"number": number, "text": text, **fields})


def chat(scene: ServedWorld) -> list[dict[str, Any]]:
    return scene.state("evolution")["chat"].get(MARIA, [])


def found(scene: ServedWorld, where: dict[str, Any] | None = None, **page: Any) -> list[dict[str, Any]]:
    answer = call(scene, "POST", "/chat/findMessages/marcado", {"where": where or {}, **page})
    assert answer.status_code == 200, answer.text
    return answer.json()["messages"]["records"]


def settled(scene: ServedWorld) -> None:
    wait_until(lambda: scene.look("/idle")["idle"], "webhooks to settle")


# --- the chat --------------------------------------------------------------------------------------------------------


def test_the_chat_shows_who_wrote_what_in_order(scene: ServedWorld) -> None:
    said = scene.control("/customer/say", phone=MARIA, text="oi")
    ours = send(scene).json()["key"]["id"]
    typed = scene.control("/seller/type", phone=MARIA, text="deixa comigo")
    assert chat(scene) == [
        {"from": "customer", "text": "oi", "id": said["id"], "status": "DELIVERY_ACK"},
        {"from": "agent", "text": "olá", "id": ours, "status": "DELIVERY_ACK"},
        {"from": "seller", "text": "deixa comigo", "id": typed["id"], "status": "SERVER_ACK"},
    ]
    messages = scene.state("evolution")["messages"][MARIA]
    assert [(m["direction"], m["via"]) for m in messages] == [("in", "android"), ("out", "api"), ("out", "phone")]


def test_a_voice_note_shows_what_it_says(scene: ServedWorld) -> None:
    scene.control("/customer/say", phone=MARIA, kind="audio", transcript="quero um orçamento")
    assert chat(scene)[0]["text"] == "quero um orçamento"


def test_our_sends_are_never_upserts_and_typed_messages_never_sends(scene: ServedWorld, inbox: Receiver) -> None:
    ours = send(scene).json()["key"]["id"]
    typed = scene.control("/seller/type", phone=MARIA, text="oi")["id"]
    inbox.wait_for("messages.upsert")
    settled(scene)
    assert [body["data"]["key"]["id"] for body in inbox.events("send.message")] == [ours]
    assert [body["data"]["key"]["id"] for body in inbox.events("messages.upsert")] == [typed]


def test_the_same_stanza_twice_is_two_events_and_two_rows(scene: ServedWorld, inbox: Receiver) -> None:
    for _ in range(2):
        scene.control("/customer/say", phone=MARIA, text="oi", id="ACDUPLICADA")
    assert len(inbox.wait_for("messages.upsert", 2)) == 2
    assert len(found(scene, {"key": {"id": "ACDUPLICADA"}})) == 2


def test_edited_text_and_deletion_show_in_the_chat(scene: ServedWorld) -> None:
    first = scene.control("/customer/say", phone=MARIA, text="amanha as 15")["id"]
    second = scene.control("/customer/say", phone=MARIA, text="ops")["id"]
    scene.control("/customer/edit", id=first, text="amanhã às 16")
    scene.control("/customer/delete", id=second)
    assert [(line["text"], line["status"]) for line in chat(scene)] == [
        ("amanhã às 16", "DELIVERY_ACK"),
        ("ops", "DELETED"),
    ]


def test_group_messages_are_dropped_when_groups_are_ignored(scene: ServedWorld, inbox: Receiver) -> None:
    settings = dict.fromkeys(("rejectCall", "alwaysOnline", "readMessages", "readStatus", "syncFullHistory"), False)
    call(scene, "POST", "/settings/set/marcado", {**settings, "groupsIgnore": True})
    scene.control("/group/say", phone=MARIA, text="oi grupo")
    scene.control("/customer/say", phone=MARIA, text="oi")
    inbox.wait_for("messages.upsert")
    settled(scene)
    assert [body["data"]["key"]["remoteJid"] for body in inbox.events("messages.upsert")] == [JID]


def test_a_group_we_know_can_be_written_to_and_another_cannot(scene: ServedWorld) -> None:
    scene.control("/group/say", phone=MARIA, text="oi grupo")
    assert send(scene, number="120363000000000001@g.us").status_code == 201
    assert send(scene, number="120363000000009999@g.us").json()["response"]["message"] == ["[object Object]"]


# --- what becomes of our messages ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "read", "statuses"),
    [
        ("auto", False, ["SERVER_ACK", "DELIVERY_ACK"]),
        ("auto", True, ["SERVER_ACK", "DELIVERY_ACK", "READ"]),
        ("server", False, ["SERVER_ACK"]),
        ("none", False, []),
        ("error", False, ["ERROR"]),
    ],
)
def test_acks_follow_the_mode(scene: ServedWorld, inbox: Receiver, mode: str, read: bool, statuses: list[str]) -> None:
    scene.control("/whatsapp/acks", mode=mode, read=read)
    answer = send(scene).json()
    assert answer["status"] == "PENDING"
    inbox.wait_for("messages.update", len(statuses))
    settled(scene)
    assert sorted(u["data"]["status"] for u in inbox.events("messages.update")) == sorted(statuses)
    assert chat(scene)[0]["status"] == (statuses or ["PENDING"])[-1]
    (record,) = found(scene, {"key": {"id": answer["key"]["id"]}})
    assert [update["status"] for update in record["MessageUpdate"]] == statuses
    assert "status" not in record


def test_reading_the_chat_reports_each_unread_message_once(scene: ServedWorld, inbox: Receiver) -> None:
    ids = [send(scene, text).json()["key"]["id"] for text in ("um", "dois")]
    assert scene.control("/customer/read", phone=MARIA) == {"read": ids}
    assert scene.control("/customer/read", phone=MARIA) == {"read": []}
    assert {line["status"] for line in chat(scene)} == {"READ"}


def test_a_step_back_is_reported_but_not_shown(scene: ServedWorld, inbox: Receiver) -> None:
    ours = send(scene).json()["key"]["id"]
    scene.control("/customer/read", phone=MARIA)
    scene.control("/whatsapp/ack", id=ours, status="SERVER_ACK")
    reports = inbox.wait_for("messages.update", 4)
    assert sorted(r["data"]["status"] for r in reports) == ["DELIVERY_ACK", "READ", "SERVER_ACK", "SERVER_ACK"]
    assert chat(scene)[0]["status"] == "READ"


@pytest.mark.parametrize(("sent", "seen", "recorded"), [("no", 0, 0), ("yes", 1, 1), ("unrecorded", 1, 0)])
def test_a_timed_out_send_may_or_may_not_have_gone_out(
    scene: ServedWorld, inbox: Receiver, sent: str, seen: int, recorded: int
) -> None:
    scene.control("/whatsapp/timeout", sent=sent)
    assert send(scene).json()["response"]["message"] == ["Error: Timed Out"]
    settled(scene)
    assert len(chat(scene)) == seen
    assert len(found(scene)) == recorded
    assert len(inbox.events("send.message")) == recorded
    assert len(inbox.events("messages.update")) == 2 * recorded


def test_a_swallowed_send_is_answered_but_never_happened(scene: ServedWorld, inbox: Receiver) -> None:
    scene.control("/faults", service="evolution", path="sendText", swallow=True)
    lost = send(scene)
    assert lost.status_code == 201
    assert chat(scene) == []
    assert scene.look("/deliveries") == []
    assert send(scene).json()["key"]["id"] != lost.json()["key"]["id"]


def test_a_dropped_answer_leaves_the_message_sent(scene: ServedWorld) -> None:
    scene.control("/faults", service="evolution", path="sendText", drop="after")
    with pytest.raises(httpx.RemoteProtocolError):
        send(scene)
    assert [line["text"] for line in chat(scene)] == ["olá"]


def test_a_planned_status_has_the_vendors_envelope(scene: ServedWorld) -> None:
    worded = {503: "Service Unavailable", 500: "Internal Server Error", 401: "Unauthorized", 400: ["Error: Timed Out"]}
    for status, message in worded.items():
        scene.control("/faults", service="evolution", status=status)
        answer = send(scene)
        assert answer.status_code == status
        assert answer.json()["response"] == {"message": message}


# --- outages ---------------------------------------------------------------------------------------------------------


def test_what_was_written_during_an_outage_arrives_later_with_its_old_time(scene: ServedWorld, inbox: Receiver) -> None:
    scene.control("/clock", now="2026-03-10T09:00:00-03:00")
    scene.control("/whatsapp/connection", state="connecting")
    scene.control("/customer/say", phone=MARIA, text="tem alguém aí?")
    assert chat(scene) == []
    scene.control("/clock", advance_s=3 * 3600)
    scene.control("/whatsapp/connection", state="open")
    data = inbox.wait_for("messages.upsert")[0]["data"]
    assert data["messageTimestamp"] == 1773144000
    assert {u["data"]["state"] for u in inbox.wait_for("connection.update", 2)} == {"connecting", "open"}
    assert scene.state("evolution")["waiting_offline"] == 0


def test_a_zombie_shows_open_sends_nothing_and_is_revived_by_a_restart(scene: ServedWorld) -> None:
    send(scene)
    scene.control("/whatsapp/connection", state="zombie")
    assert call(scene, "GET", "/instance/connectionState/marcado").json()["instance"]["state"] == "open"
    assert send(scene).json()["response"]["message"] == ["Error: Connection Closed"]
    assert call(scene, "POST", "/instance/restart/marcado").status_code == 200
    assert send(scene).status_code == 201


def test_a_logged_out_instance_cannot_be_restarted_or_logged_out_again(scene: ServedWorld) -> None:
    assert call(scene, "DELETE", "/instance/logout/marcado").json()["status"] == "SUCCESS"
    restarted = call(scene, "POST", "/instance/restart/marcado")
    assert (restarted.status_code, restarted.json()["error"]) == (200, True)
    again = call(scene, "DELETE", "/instance/logout/marcado")
    assert again.json()["response"]["message"] == ['The "marcado" instance is not connected']
    listed = call(scene, "GET", "/instance/fetchInstances").json()[0]
    assert (listed["connectionStatus"], listed["disconnectionReasonCode"]) == ("close", 401)


# --- presence, reads -------------------------------------------------------------------------------------------------


def test_delays_are_noted_but_not_waited_for(scene: ServedWorld) -> None:
    answer = send(scene, delay=20_000)
    assert answer.elapsed.total_seconds() < 5
    presence = {"number": "5511987654321", "presence": "composing", "delay": 15_000}
    assert call(scene, "POST", "/chat/sendPresence/marcado", presence).json() == {"presence": "composing"}
    noted = [(p["jid"], p["delay_ms"], p["by"]) for p in scene.state("evolution")["presence"]]
    assert noted == [(JID, 20_000, "delay"), (JID, 15_000, "sendPresence")]


def test_delays_are_waited_for_when_the_seed_says_so(scene: ServedWorld) -> None:
    scene.control("/reset", evolution={"real_delays": True})
    assert send(scene, delay=300).elapsed.total_seconds() >= 0.3


def test_a_presence_needs_all_three_fields(scene: ServedWorld) -> None:
    answer = call(scene, "POST", "/chat/sendPresence/marcado", {"presence": "typing"})
    assert answer.json()["response"]["message"] == [
        [
            "presence is not one of enum values: unavailable,available,composing,recording,paused",
            'instance requires property "number"',
            'instance requires property "delay"',
        ]
    ]


def test_read_marks_of_lid_keys_are_dropped_in_silence(scene: ServedWorld) -> None:
    scene.control("/whatsapp/number", phone=MARIA, lid_mode="2.3.6")
    said = scene.control("/customer/say", phone=MARIA, text="oi")["id"]
    for jid, reads in ((scene.state("evolution")["people"][MARIA]["lid"], 0), (JID, 1)):
        body = {"readMessages": [{"id": said, "remoteJid": jid, "fromMe": False}]}
        answer = call(scene, "POST", "/chat/markMessageAsRead/marcado", body)
        assert answer.json() == {"message": "Read messages", "read": "success"}
        assert len(scene.state("evolution")["reads"]) == reads
    assert scene.state("evolution")["messages"][MARIA][0]["read_by_us"] is True


# --- history ---------------------------------------------------------------------------------------------------------


def test_history_filters_what_the_vendor_filters_and_ignores_the_rest(scene: ServedWorld) -> None:
    scene.control("/clock", now="2026-03-10T09:00:00-03:00")
    scene.control("/customer/say", phone=MARIA, text="oi")
    scene.control("/clock", advance_s=60)
    send(scene, "olá")
    scene.control("/customer/say", phone="+5511955554444", text="outra pessoa")

    def texts(where: dict[str, Any]) -> list[str]:
        return [record["message"]["conversation"] for record in found(scene, where)]

    assert texts({}) == ["outra pessoa", "olá", "oi"]
    assert texts({"key": {"fromMe": True}}) == ["olá"]
    assert texts({"key": {"fromMe": False}}) == ["outra pessoa", "olá", "oi"]
    assert texts({"key": {"remoteJid": JID}}) == ["olá", "oi"]
    assert texts({"message": {"conversation": "oi"}}) == ["outra pessoa", "olá", "oi"]
    assert texts({"source": "web"}) == ["olá"]
    assert texts({"messageType": "imageMessage"}) == []
    early = {"gte": "2026-03-10T12:00:00.000Z", "lte": "2026-03-10T12:00:30.000Z"}
    assert texts({"messageTimestamp": early}) == ["oi"]
    assert texts({"messageTimestamp": {"gte": "2026-03-10T12:00:30.000Z"}}) == ["outra pessoa", "olá", "oi"]


def test_offset_is_the_page_size_and_wants_an_integer(scene: ServedWorld) -> None:
    for n in range(5):
        send(scene, f"mensagem {n}")
    page = call(scene, "POST", "/chat/findMessages/marcado", {"where": {}, "offset": 2, "page": 2}).json()["messages"]
    assert (page["total"], page["pages"], page["currentPage"]) == (5, 3, 2)
    assert [r["message"]["conversation"] for r in page["records"]] == ["mensagem 2", "mensagem 1"]
    assert found(scene, offset=2, page=9) == []
    refused = call(scene, "POST", "/chat/findMessages/marcado", {"where": {}, "offset": "2"})
    assert refused.status_code == 500


def test_media_is_refused_for_the_content_alone(scene: ServedWorld, inbox: Receiver) -> None:
    scene.control("/customer/say", phone=MARIA, kind="image", caption="minha conta de luz")
    data = inbox.wait_for("messages.upsert")[0]["data"]
    whole = call(scene, "POST", "/chat/getBase64FromMediaMessage/marcado", {"message": data})
    assert (whole.status_code, whole.json()["caption"]) == (201, "minha conta de luz")
    alone = call(scene, "POST", "/chat/getBase64FromMediaMessage/marcado", {"message": data["message"]})
    assert alone.status_code == 400
    assert "reading 'ephemeralMessage'" in alone.json()["response"]["message"][0]


def test_every_voice_note_has_bytes_of_its_own(scene: ServedWorld) -> None:
    ids = [scene.control("/customer/say", phone=MARIA, kind="audio", transcript="sim")["id"] for _ in range(2)]
    path = "/chat/getBase64FromMediaMessage/marcado"
    notes = [call(scene, "POST", path, {"message": {"key": {"id": i}}}).json() for i in ids]
    assert notes[0]["base64"] != notes[1]["base64"]
