"""Numbers, JIDs and LIDs in the imitated WhatsApp: the ninth digit, unknown numbers, hidden phones."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from served_scene import ServedWorld

from sandbox.evolution.numbers import create_jid, person_key
from sandbox.evolution.service import EvolutionService

MARIA = "+5511987654321"


@pytest.fixture(scope="module")
def world() -> Iterator[ServedWorld]:
    with ServedWorld(EvolutionService) as served:
        yield served


@pytest.fixture
def scene(world: ServedWorld) -> ServedWorld:
    world.control("/reset")
    return world


def post(scene: ServedWorld, path: str, body: dict[str, Any]) -> httpx.Response:
    headers = {"apikey": "sandbox-evolution-key"}
    return scene.http.post(f"{scene.urls['evolution']}{path}/marcado", json=body, headers=headers)


def send(scene: ServedWorld, number: str, text: str = "oi") -> httpx.Response:
    return post(scene, "/message/sendText", {"number": number, "text": text})


FIRST_TRIED = [
    ("5511987654321", "5511987654321@s.whatsapp.net"),
    ("5528999990000", "5528999990000@s.whatsapp.net"),
    ("5530999990000", "5530999990000@s.whatsapp.net"),
    ("5531987654321", "553187654321@s.whatsapp.net"),
    ("5531967654321", "5531967654321@s.whatsapp.net"),
    ("5547991234567", "554791234567@s.whatsapp.net"),
    ("553133334444", "553133334444@s.whatsapp.net"),
    ("31987654321", "31987654321@s.whatsapp.net"),
    ("5491123456789", "541123456789@s.whatsapp.net"),
    ("+55 (11) 98765-4321", "5511987654321@s.whatsapp.net"),
    ("222333444555666@lid", "222333444555666@lid"),
    ("120363000000000001", "120363000000000001@g.us"),
    ("5511987654321:12@s.whatsapp.net", "5511987654321@s.whatsapp.net"),
]


@pytest.mark.parametrize(("number", "jid"), FIRST_TRIED)
def test_the_first_jid_tried_follows_the_vendors_rules(number: str, jid: str) -> None:
    assert create_jid(number) == jid


PEOPLE = [
    ("5531987654321", "+5531987654321"),
    ("553187654321", "+5531987654321"),
    ("553187654321@s.whatsapp.net", "+5531987654321"),
    ("+55 31 3333-4444", "+553133334444"),
    ("541123456789", "+5491123456789"),
    ("595981234567", "+595981234567"),
]


@pytest.mark.parametrize(("phone", "key"), PEOPLE)
def test_every_spelling_of_a_telephone_is_one_person(phone: str, key: str) -> None:
    assert person_key(phone) == key


@pytest.mark.parametrize("number", ["5531987654321", "553187654321", "+55 31 98765-4321"])
def test_all_spellings_of_a_number_end_in_one_chat(scene: ServedWorld, number: str) -> None:
    assert send(scene, number).json()["key"]["remoteJid"] == "553187654321@s.whatsapp.net"
    assert [line["text"] for line in scene.state("evolution")["chat"]["+5531987654321"]] == ["oi"]


def test_whatsapps_own_spelling_wins_for_plain_digits_only(scene: ServedWorld) -> None:
    scene.control("/whatsapp/number", phone="5548999887766", canonical="with_nine")
    formatted = send(scene, "+55 48 99988-7766")
    assert formatted.status_code == 400
    assert formatted.json()["response"]["message"] == [
        {"jid": "554899887766@s.whatsapp.net", "exists": False, "number": "+55 48 99988-7766"}
    ]
    plain = send(scene, "5548999887766")
    assert plain.json()["key"]["remoteJid"] == "5548999887766@s.whatsapp.net"
    # Known now, under both spellings and however it is written.
    assert send(scene, "+55 48 99988-7766").status_code == 201


def test_a_number_is_forgotten_after_seven_days(scene: ServedWorld) -> None:
    scene.control("/clock", now="2026-03-02T12:00:00-03:00")
    scene.control("/whatsapp/number", phone="5548999887766", canonical="with_nine")
    assert send(scene, "5548999887766").status_code == 201
    scene.control("/clock", advance_s=7 * 86400 - 1)
    assert send(scene, "+55 48 99988-7766").status_code == 201
    scene.control("/clock", advance_s=1)
    assert send(scene, "+55 48 99988-7766").status_code == 400


def test_a_number_without_its_country_code_is_not_on_whatsapp(scene: ServedWorld) -> None:
    message = send(scene, "31987654321").json()["response"]["message"]
    assert message == [{"jid": "31987654321@s.whatsapp.net", "exists": False, "number": "31987654321"}]


@pytest.mark.parametrize("number", ["51987654321", "56912345678", "595981234567", "541123456789"])
def test_neighbours_numbers_exist(scene: ServedWorld, number: str) -> None:
    assert send(scene, number).status_code == 201


def test_a_number_that_left_whatsapp_is_refused_from_then_on(scene: ServedWorld) -> None:
    assert send(scene, "5511987654321").status_code == 201
    scene.control("/whatsapp/number", phone=MARIA, exists=False)
    assert send(scene, "5511987654321").status_code == 400
    assert len(scene.state("evolution")["chat"][MARIA]) == 1


# --- LIDs ------------------------------------------------------------------------------------------------------------


def test_a_lid_that_came_with_a_phone_is_sent_to_the_phone(scene: ServedWorld) -> None:
    lid = scene.control("/whatsapp/number", phone=MARIA)["lid"]
    scene.control("/customer/say", phone=MARIA, text="oi")
    assert send(scene, lid).json()["key"]["remoteJid"] == "5511987654321@s.whatsapp.net"


def test_a_lid_nobody_has_mapped_is_sent_to_as_it_is(scene: ServedWorld) -> None:
    lid = scene.control("/whatsapp/number", phone=MARIA, lid_mode="no_phone")["lid"]
    scene.control("/customer/say", phone=MARIA, text="oi")
    assert send(scene, lid, "resposta").json()["key"]["remoteJid"] == lid
    assert [line["text"] for line in scene.state("evolution")["chat"][MARIA]] == ["oi", "resposta"]


def test_the_digits_of_a_lid_without_its_suffix_are_no_number(scene: ServedWorld) -> None:
    scene.control("/whatsapp/number", phone=MARIA, lid="222333444555666")
    refused = send(scene, "222333444555666")
    assert refused.status_code == 400
    assert refused.json()["response"]["message"][0]["exists"] is False


def test_the_database_keeps_the_lid_that_the_webhook_hid(scene: ServedWorld) -> None:
    """So a person's history needs both filters."""
    lid = scene.control("/whatsapp/number", phone=MARIA, lid_mode="2.3.7")["lid"]
    scene.control("/customer/say", phone=MARIA, text="oi")
    send(scene, "5511987654321", "resposta")
    jid = "5511987654321@s.whatsapp.net"

    def found(key: dict[str, str]) -> list[str]:
        answer = post(scene, "/chat/findMessages", {"where": {"key": key}}).json()
        return [record["key"]["remoteJid"] for record in answer["messages"]["records"]]

    assert found({"remoteJid": jid}) == [jid]
    assert sorted(found({"remoteJid": jid, "remoteJidAlt": jid})) == sorted([jid, lid])
