"""The imitated Evolution server itself: keys and instances, refusals, and controls that are used wrongly."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from served_scene import ServedWorld

from sandbox.evolution.service import EvolutionService

MARIA = "+5511987654321"
JID = "5511987654321@s.whatsapp.net"


@pytest.fixture(scope="module")
def world() -> Iterator[ServedWorld]:
    with ServedWorld(EvolutionService) as served:
        yield served


@pytest.fixture
def scene(world: ServedWorld) -> ServedWorld:
    world.control("/reset")
    return world


def call(scene: ServedWorld, method: str, path: str, body: Any = None, key: str = "sandbox-evolution-key") -> httpx.Response:
    url = scene.urls["evolution"] + path
    return scene.http.request(method, url, json=body, headers={"apikey": key})


# --- the server ------------------------------------------------------------------------------------------------------


def test_the_welcome_needs_no_key_and_names_the_version(scene: ServedWorld) -> None:
    answer = scene.http.get(scene.urls["evolution"])
    assert (answer.status_code, answer.json()["version"]) == (200, "2.3.7")


def test_an_instance_token_opens_its_instance_and_any_other_by_query(scene: ServedWorld) -> None:
    other = {"instanceName": "outra", "integration": "WHATSAPP-BAILEYS", "token": "token-da-outra"}
    assert call(scene, "POST", "/instance/create", other).status_code == 201
    assert call(scene, "GET", "/instance/connectionState/marcado", key="token-da-outra").status_code == 401
    redirected = "/instance/connectionState/outra?instanceName=marcado"
    answer = call(scene, "GET", redirected, key="token-da-outra")
    assert answer.json() == {"instance": {"instanceName": "marcado", "state": "open"}}
    listed = call(scene, "GET", "/instance/fetchInstances", key="token-da-outra").json()
    assert [inst["name"] for inst in listed] == ["outra"]


def test_creating_needs_the_global_key_and_a_free_name(scene: ServedWorld) -> None:
    body = {"instanceName": "marcado", "integration": "WHATSAPP-BAILEYS"}
    taken = call(scene, "POST", "/instance/create", body)
    assert taken.status_code == 403
    assert taken.json()["response"]["message"] == ['This name "marcado" is already in use.']
    token = "sandbox-evolution-instance-token"
    assert call(scene, "POST", "/instance/create", {**body, "instanceName": "nova"}, key=token).status_code == 401
    body = {"instanceName": "nova", "integration": "TELEGRAM"}
    assert call(scene, "POST", "/instance/create", body).json()["response"]["message"] == ["Invalid integration"]


def test_bad_json_is_answered_before_anything_else(scene: ServedWorld) -> None:
    url = scene.urls["evolution"] + "/message/sendText/nao-existe"
    answer = scene.http.post(url, content=b"{nope", headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"] == "Internal Server Error"


def test_unknown_routes_are_named(scene: ServedWorld) -> None:
    answer = call(scene, "POST", "/chat/checkIsWhatsappNumber/marcado", {})
    assert answer.status_code == 404
    assert answer.json()["response"]["message"] == ["Cannot POST /chat/checkIsWhatsappNumber/marcado"]


MEDIA = [
    ({"mediatype": "document", "media": "JVBERi0xLjQgZXhhbXBsZQ=="}, "For base64 the file name must be informed."),
    ({"mediatype": "image", "media": "data:image/png;base64,AAAA"}, "Owned media must be a url or base64"),
    ({"mediatype": "image", "media": "http://localhost/x.png"}, "Owned media must be a url or base64"),
    ({"mediatype": "image", "media": "http://127.0.0.1/x.png"}, None),
    ({"mediatype": "image", "media": "https://example.com/x.png"}, None),
]


@pytest.mark.parametrize(("body", "complaint"), MEDIA)
def test_media_must_be_a_real_url_or_bare_base64(scene: ServedWorld, body: dict[str, str], complaint: str | None) -> None:
    answer = call(scene, "POST", "/message/sendMedia/marcado", {"number": "5511987654321", **body})
    if complaint is None:
        assert answer.status_code == 201
    else:
        assert answer.json()["response"]["message"] == [complaint]


@pytest.mark.parametrize(
    ("emoji", "status"), [("👍", 201), ("❤️", 201), ("👍🏽", 201), ("🇧🇷", 201), ("", 201), ("ok", 400), ("👍👍", 400)]
)
def test_a_reaction_is_one_emoji_or_none(scene: ServedWorld, emoji: str, status: int) -> None:
    key = {"id": scene.control("/customer/say", phone=MARIA, text="oi")["id"], "remoteJid": JID, "fromMe": False}
    answer = call(scene, "POST", "/message/sendReaction/marcado", {"key": key, "reaction": emoji})
    assert answer.status_code == status


# --- controls --------------------------------------------------------------------------------------------------------

MISTAKES = [
    ("/customer/say", {"phone": MARIA, "kind": "telegram"}, "kind is 'telegram'"),
    ("/customer/say", {"phone": MARIA}, "text is missing"),
    ("/customer/say", {"phone": "123", "text": "oi"}, "phone is '123'"),
    ("/customer/say", {"phone": MARIA, "text": "oi", "sent_at": "2026-03-10T14:00:00"}, "no UTC offset"),
    ("/customer/say", {"phone": MARIA, "text": "oi", "lid_mode": "3.0"}, "lid_mode is '3.0'"),
    ("/customer/edit", {"id": "NOPE", "text": "x"}, "id is 'NOPE'"),
    ("/seller/type", {"phone": MARIA, "text": "oi", "on": "fax"}, "on is 'fax'"),
    ("/whatsapp/connection", {"state": "close", "status_reason": 428}, "status_reason is 428"),
    ("/whatsapp/acks", {"mode": "maybe"}, "mode is 'maybe'"),
    ("/whatsapp/number", {"phone": "+553133334444", "canonical": "without_nine"}, "no ninth digit"),
    ("/whatsapp/timeout", {"sent": "perhaps"}, "sent is 'perhaps'"),
]


@pytest.mark.parametrize(("path", "data", "complaint"), MISTAKES)
def test_a_control_says_what_is_wrong_with_it(scene: ServedWorld, path: str, data: dict[str, Any], complaint: str) -> None:
    assert complaint in scene.control(path, 400, **data)["error"]


def test_a_seed_with_an_unknown_key_is_refused(scene: ServedWorld) -> None:
    assert "unknown keys: instanse" in scene.control("/reset", 400, evolution={"instanse": "x"})["error"]
