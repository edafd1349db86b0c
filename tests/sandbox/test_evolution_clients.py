"""The imitated Evolution, driven by two published Python clients."""

from collections.abc import Iterator

import pytest
from evolutionapi.client import EvolutionClient as RequestsClient
from evolutionapi.exceptions import EvolutionAuthenticationError
from evolutionapi.models.message import LocationMessage, ReactionMessage, TextMessage
from pydantic import ValidationError as ParseError
from pyevolutionapi import EvolutionClient
from pyevolutionapi.exceptions import AuthenticationError, EvolutionAPIError, NotFoundError, ValidationError
from pyevolutionapi.models.message import MessageResponse
from pyevolutionapi.models.webhook import WebhookConfig, WebhookEvent
from served_scene import Receiver, ServedWorld, captured, receiving

from sandbox.evolution.service import EvolutionService

MARIA, JID = "+5511987654321", "5511987654321@s.whatsapp.net"
KEY = "sandbox-evolution-key"


@pytest.fixture(scope="module")
def world() -> Iterator[ServedWorld]:
    with ServedWorld(EvolutionService) as served:
        yield served


@pytest.fixture
def scene(world: ServedWorld, monkeypatch: pytest.MonkeyPatch) -> ServedWorld:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    world.control("/reset")
    return world


@pytest.fixture
def inbox() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def client(scene: ServedWorld) -> Iterator[EvolutionClient]:
    with EvolutionClient(scene.urls["evolution"], api_key=KEY, max_retries=1) as made:
        yield made


def said_to_maria(scene: ServedWorld) -> list[str]:
    return [line["text"] for line in scene.state("evolution")["chat"].get(MARIA, [])]


# --- pyevolutionapi --------------------------------------------------------------------------------------------------


def test_pyevolutionapi_finds_the_instance_and_its_state(client: EvolutionClient) -> None:
    assert client.health_check()
    assert client.instance.connection_state("marcado") == {"instance": {"instanceName": "marcado", "state": "open"}}
    (instance,) = client.instance.fetch_instances()
    assert (instance.profile_name, instance.integration) == ("Sol Claro Energia", "WHATSAPP-BAILEYS")


def test_pyevolutionapi_creates_connects_restarts_and_deletes_an_instance(client: EvolutionClient) -> None:
    made = client.instance.create("nova", qrcode=True)
    assert made.instance.instance_name == "nova"
    assert made.qr_code_base64.startswith("data:image/png;base64,")
    assert client.instance.connect("nova").code.startswith("2@")
    assert client.instance.restart("marcado").instance.state == "open"
    assert client.instance.delete("nova")["status"] == "SUCCESS"
    with pytest.raises(NotFoundError):
        client.instance.connection_state("nova")


def test_pyevolutionapi_sets_a_webhook_that_is_then_posted_to(
    client: EvolutionClient, scene: ServedWorld, inbox: Receiver
) -> None:
    config = WebhookConfig(url=inbox.url, webhook_base64=False, events=[WebhookEvent.MESSAGES_UPSERT])
    config.set_auth_header("segredo")
    with pytest.raises(EvolutionAPIError, match="not JSON serializable"):
        client.webhook.set_webhook("marcado", config)  # fails before anything is sent, whatever the server
    body = {"webhook": {**config.dict_for_api(), "url": inbox.url}}
    client.request("POST", "/webhook/set/marcado", json=body)
    client.webhook.find_webhook("marcado")
    scene.control("/customer/say", phone=MARIA, text="oi")
    inbox.wait_for("messages.upsert")
    assert inbox.posts[0].headers["authorization"] == "Bearer segredo"


def test_pyevolutionapi_sends_a_text(client: EvolutionClient, scene: ServedWorld) -> None:
    """The text goes out, but this client cannot read the real answer either: its model of `message` is another."""
    with pytest.raises(ParseError):
        client.messages.send_text("marcado", "5511987654321", "olá")
    with pytest.raises(ParseError):
        MessageResponse.model_validate(captured("api-send-text")["response"])
    assert said_to_maria(scene) == ["olá"]


def test_pyevolutionapi_checks_numbers_reads_history_and_shows_presence(client: EvolutionClient, scene: ServedWorld) -> None:
    said = scene.control("/customer/say", phone=MARIA, text="oi", name="Maria Souza")["id"]
    (number,) = client.chat.whatsapp_numbers("marcado", ["5511987654321"])
    assert number == {"jid": JID, "exists": True, "number": "5511987654321", "name": "Maria Souza"}
    assert client.chat.find_messages("marcado")["messages"]["records"][0]["key"]["id"] == said
    assert client.chat.send_presence("marcado", "5511987654321") == {"presence": "composing"}
    key = {"id": said, "remoteJid": JID, "fromMe": False}
    assert client.chat.mark_as_read("marcado", [key])["read"] == "success"
    assert client.profile.fetch_profile("marcado", "5511987654321")["name"] == "Maria Souza"


def test_pyevolutionapi_maps_our_errors_to_its_own(client: EvolutionClient, scene: ServedWorld) -> None:
    scene.control("/whatsapp/number", phone=MARIA, exists=False)
    with pytest.raises(ValidationError) as refused:
        client.messages.send_text("marcado", "5511987654321", "olá")
    assert refused.value.response_data["response"]["message"][0]["exists"] is False
    with pytest.raises(NotFoundError):
        client.messages.send_text("outra", "5511987654321", "olá")
    with EvolutionClient(scene.urls["evolution"], api_key="errada") as stranger, pytest.raises(AuthenticationError):
        stranger.instance.fetch_instances()


# --- evolutionapi ----------------------------------------------------------------------------------------------------


@pytest.fixture
def old_client(scene: ServedWorld) -> RequestsClient:
    return RequestsClient(base_url=scene.urls["evolution"], api_token=KEY)


def test_evolutionapi_sends_text_location_and_reaction(old_client: RequestsClient, scene: ServedWorld) -> None:
    said = scene.control("/customer/say", phone=MARIA, text="onde fica?")["id"]
    text = old_client.messages.send_text("marcado", TextMessage("5511987654321", "Na Paulista", delay=10), KEY)
    assert (text["status"], text["key"]["remoteJid"]) == ("PENDING", JID)
    place = LocationMessage("5511987654321", "Escritório", "Av. Paulista, 1000", -23.56, -46.65)
    assert old_client.messages.send_location("marcado", place, KEY)["messageType"] == "locationMessage"
    reaction = ReactionMessage({"id": said, "remoteJid": JID, "fromMe": False}, "👍")
    assert old_client.messages.send_reaction("marcado", reaction, KEY)["messageType"] == "reactionMessage"
    assert said_to_maria(scene) == ["onde fica?", "Na Paulista", "Escritório"]


def test_evolutionapi_reads_state_and_meets_the_401(old_client: RequestsClient, scene: ServedWorld) -> None:
    state = old_client.instance_operations.get_connection_state("marcado", KEY)
    assert state["instance"]["state"] == "open"
    assert [instance["name"] for instance in old_client.instances.fetch_instances()] == ["marcado"]
    with pytest.raises(EvolutionAuthenticationError):
        RequestsClient(scene.urls["evolution"], "errada").instances.fetch_instances()
