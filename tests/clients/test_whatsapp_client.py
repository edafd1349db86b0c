"""WhatsAppClient against the imitated Evolution: sending, looking for what was sent, and everything around it."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from outside_world import OutsideWorld, failure

from clients.errors import NotFoundError, RefusedError, UnreachableError
from clients.whatsapp import SentMessage, number_for

JOANA, JOANA_JID = "+5511987654321", "5511987654321@s.whatsapp.net"
RUI, RUI_JID = "+5511912345678", "5511912345678@s.whatsapp.net"
NOW = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)


@pytest.fixture
def still(world: OutsideWorld) -> OutsideWorld:
    """The sandbox at NOW, its clock standing."""
    world.control("/clock", now=NOW.isoformat())
    return world


def chat(world: OutsideWorld, phone: str = JOANA) -> list[tuple[str, str]]:
    return [(line["from"], line["text"]) for line in world.state("evolution")["chat"].get(phone, [])]


# Sending


@pytest.mark.parametrize("to", [JOANA, JOANA_JID, "5511987654321"])
def test_a_text_is_sent_to_a_phone_or_a_jid(world, to):
    sent = world.whatsapp(lambda whatsapp: whatsapp.send_text(to, "Olá, Joana!"))
    assert sent == SentMessage(id=world.state("evolution")["chat"][JOANA][0]["id"], jid=JOANA_JID)
    assert chat(world) == [("agent", "Olá, Joana!")]


def test_a_text_goes_to_a_lid_as_it_is(world):
    world.control("/customer/say", phone=JOANA, text="oi", lid_mode="no_phone")
    lid = world.state("evolution")["people"][JOANA]["lid"]
    sent = world.whatsapp(lambda whatsapp: whatsapp.send_text(lid, "Olá!"))
    assert sent.jid == lid
    assert chat(world) == [("customer", "oi"), ("agent", "Olá!")]


def test_the_answer_tells_which_spelling_the_message_really_went_to(world):
    world.control("/whatsapp/number", phone="+5548999887766", canonical="without_nine")
    assert world.whatsapp(lambda w: w.send_text("+5548999887766", "Olá!")).jid == "554899887766@s.whatsapp.net"


@pytest.mark.parametrize(
    ("to", "number"),
    [
        ("+5511987654321", "5511987654321"),
        ("5511987654321@s.whatsapp.net", "5511987654321"),
        ("222333444555666@lid", "222333444555666@lid"),
        ("120363000000000001@g.us", "120363000000000001@g.us"),
    ],
)
def test_phones_are_sent_as_bare_digits_and_lids_and_groups_whole(to, number):
    assert number_for(to) == number


def test_typing_is_shown_before_a_text_when_it_is_asked_for(world):
    async def work(whatsapp):
        await whatsapp.send_text(JOANA, "na hora")
        await whatsapp.send_text(JOANA, "depois", delay_ms=1200)

    world.whatsapp(work)
    assert [(shown["by"], shown["jid"], shown["delay_ms"]) for shown in world.state("evolution")["presence"]] == [
        ("delay", JOANA_JID, 1200)
    ]
    assert chat(world) == [("agent", "na hora"), ("agent", "depois")]


# What was sent


def test_a_sent_message_is_found_by_its_exact_text(still):
    async def work(whatsapp):
        await whatsapp.send_text(JOANA, "Bom dia, Joana")
        sent = await whatsapp.send_text(JOANA, "Bom dia")
        return sent, await whatsapp.find_sent(JOANA_JID, "Bom dia", NOW, NOW)

    sent, found = still.whatsapp(work)
    assert found == sent


def test_what_was_not_sent_is_not_found(still):
    still.control("/customer/say", phone=JOANA, text="Bom dia")  # theirs, not ours
    still.control("/seller/type", phone=RUI, text="Bom dia")  # ours, in another chat

    async def work(whatsapp):
        await whatsapp.send_text(RUI, "Bom dia")
        return await whatsapp.find_sent(JOANA_JID, "Bom dia", NOW, NOW)

    assert still.whatsapp(work) is None


def test_known_messages_are_passed_over(still):
    async def work(whatsapp):
        first = await whatsapp.send_text(JOANA, "Bom dia")
        second = await whatsapp.send_text(JOANA, "Bom dia")
        found = [
            await whatsapp.find_sent(JOANA_JID, "Bom dia", NOW, NOW, known=known)
            for known in ((), {first.id}, {second.id}, {first.id, second.id})
        ]
        return first, second, found

    first, second, found = still.whatsapp(work)
    assert found == [first, second, first, None]


def test_the_oldest_of_several_is_found(still):
    async def work(whatsapp):
        first = await whatsapp.send_text(JOANA, "Bom dia")
        still.control("/clock", advance_s=30)
        await whatsapp.send_text(JOANA, "Bom dia")
        return first, await whatsapp.find_sent(JOANA_JID, "Bom dia", NOW, NOW + timedelta(minutes=1))

    first, found = still.whatsapp(work)
    assert found == first


def test_a_message_on_a_later_page_is_found(still):
    async def work(whatsapp):
        wanted = await whatsapp.send_text(JOANA, "a primeira")
        for n in range(60):
            await whatsapp.send_text(JOANA, f"mais uma, {n}")
        return wanted, await whatsapp.find_sent(JOANA_JID, "a primeira", NOW, NOW)

    wanted, found = still.whatsapp(work)
    assert found == wanted
    pages = [json.loads(entry["body"])["page"] for entry in still.requests("evolution", "/chat/findMessages")]
    assert pages == [1, 2, 1]  # two under the number as given, one (empty) under its spelling without the nine


@pytest.mark.parametrize(
    ("since_min", "until_min", "is_found"), [(-10, 10, True), (-10, -1, False), (1, 10, False), (0, 0, True)]
)
def test_only_the_asked_span_counts_in_whatever_zone_it_is_given(still, since_min, until_min, is_found):
    sao_paulo = timezone(timedelta(hours=-3))
    since = (NOW + timedelta(minutes=since_min)).astimezone(sao_paulo)
    until = (NOW + timedelta(minutes=until_min)).astimezone(sao_paulo)

    async def work(whatsapp):
        await whatsapp.send_text(JOANA, "Bom dia")
        return await whatsapp.find_sent(JOANA_JID, "Bom dia", since, until)

    assert (still.whatsapp(work) is not None) is is_found


def test_a_message_that_went_to_the_other_spelling_of_the_number_is_found(still):
    still.control("/whatsapp/number", phone="+5548999887766", canonical="without_nine")

    async def work(whatsapp):
        sent = await whatsapp.send_text("+5548999887766", "Bom dia")
        return sent, await whatsapp.find_sent("5548999887766@s.whatsapp.net", "Bom dia", NOW, NOW)

    sent, found = still.whatsapp(work)
    assert found == sent


def test_the_landline_that_a_newer_mobile_would_be_without_its_nine_is_not_searched(still):
    still.whatsapp(lambda whatsapp: whatsapp.find_sent("5511953334444@s.whatsapp.net", "Bom dia", NOW, NOW))
    assert len(still.requests("evolution", "/chat/findMessages")) == 1


def test_a_message_sent_to_another_address_of_the_person_is_found_when_it_is_named(still):
    still.control("/customer/say", phone=JOANA, text="oi", lid_mode="2.3.6")
    lid = still.state("evolution")["people"][JOANA]["lid"]

    async def work(whatsapp):
        sent = await whatsapp.send_text(JOANA, "Bom dia")
        alone = await whatsapp.find_sent(lid, "Bom dia", NOW, NOW)
        return sent, alone, await whatsapp.find_sent(lid, "Bom dia", NOW, NOW, also=[JOANA])

    sent, alone, found = still.whatsapp(work)
    assert (alone, found) == (None, sent)


def test_a_long_text_with_a_link_preview_is_found_too(world):
    record = {
        "key": {"id": "3EB0AA", "fromMe": True, "remoteJid": JOANA_JID},
        "message": {"extendedTextMessage": {"text": "Veja https://exemplo.com"}},
        "messageTimestamp": 1773162000,
    }
    odd = [{"key": None}, {"key": {"fromMe": True}}, {"key": {"id": "3EB0BB", "fromMe": True}, "message": None}]
    world.fault(
        "evolution", path="/findMessages", status=200, body={"messages": {"pages": 1, "records": [*odd, record]}}, times=-1
    )
    found = world.whatsapp(lambda whatsapp: whatsapp.find_sent(JOANA_JID, "Veja https://exemplo.com", NOW, NOW))
    assert found == SentMessage("3EB0AA", JOANA_JID)


def test_what_we_sent_to_a_chat_is_listed_oldest_first(still):
    still.control("/customer/say", phone=JOANA, text="oi")

    async def work(whatsapp):
        for text in ("um", "dois"):
            await whatsapp.send_text(JOANA, text)
        still.control("/clock", advance_s=60)
        await whatsapp.send_text(JOANA, "três")
        await whatsapp.send_text(RUI, "quatro")
        return await whatsapp.sent_texts(JOANA, NOW, NOW + timedelta(minutes=2)), await whatsapp.sent_texts(JOANA_JID, NOW, NOW)

    assert still.whatsapp(work) == (["um", "dois", "três"], ["um", "dois"])


# Around it


@pytest.mark.parametrize("state", ["open", "connecting", "close"])
def test_the_connection_is_told(world, state):
    if state != "open":
        world.control("/whatsapp/connection", state=state)
    assert world.whatsapp(lambda whatsapp: whatsapp.connection_state()) == state


def test_typing_is_shown(world):
    world.whatsapp(lambda whatsapp: whatsapp.show_typing(JOANA, 3000))
    [presence] = world.state("evolution")["presence"]
    assert (presence["jid"], presence["presence"], presence["delay_ms"]) == (JOANA_JID, "composing", 3000)


def test_a_customers_messages_are_marked_as_read(world):
    ids = [world.control("/customer/say", phone=JOANA, text=text)["id"] for text in ("oi", "tudo bem?")]
    world.whatsapp(lambda whatsapp: whatsapp.mark_read(JOANA_JID, ids))
    assert [(mark["id"], mark["remoteJid"]) for mark in world.state("evolution")["reads"]] == [(one, JOANA_JID) for one in ids]


def test_numbers_are_told_apart_by_whether_they_have_whatsapp(world):
    world.control("/whatsapp/number", phone=RUI, exists=False)
    world.control("/whatsapp/number", phone="+5548999887766", canonical="without_nine")
    assert world.whatsapp(lambda whatsapp: whatsapp.numbers([JOANA, RUI, "+5548999887766"])) == {
        JOANA: JOANA_JID,
        RUI: None,
        "+5548999887766": "554899887766@s.whatsapp.net",
    }


def test_no_numbers_are_an_empty_answer(world):
    world.fault("evolution", path="/whatsappNumbers", status=200, body=[])
    assert world.whatsapp(lambda whatsapp: whatsapp.numbers([JOANA])) == {}


def test_a_voice_note_is_fetched(world):
    message_id = world.control("/customer/say", phone=JOANA, kind="audio", transcript="quero energia solar")["id"]
    data, mimetype = world.whatsapp(lambda whatsapp: whatsapp.media(message_id))
    assert world.sandbox.world.services["evolution"].transcript_of(data) == "quero energia solar"
    assert mimetype == "audio/ogg; codecs=opus"


def test_media_that_is_not_stored_or_is_none_is_not_found(world):
    text_id = world.control("/customer/say", phone=JOANA, text="oi")["id"]

    async def work(whatsapp):
        return await failure(whatsapp.media("3A00")), await failure(whatsapp.media(text_id))

    assert [type(error) for error in world.whatsapp(work)] == [NotFoundError, NotFoundError]


@pytest.mark.parametrize("body", [{"mimetype": "audio/ogg"}, {"base64": "not base64!"}, {"base64": None}, []])
def test_an_answer_without_media_is_not_found(world, body):
    world.fault("evolution", path="/getBase64FromMediaMessage", status=201, body=body)
    assert type(world.whatsapp(lambda whatsapp: failure(whatsapp.media("3A00")))) is NotFoundError


def test_media_is_asked_for_again_later_when_whatsapp_is_away(world):
    message_id = world.control("/customer/say", phone=JOANA, kind="audio", transcript="oi")["id"]
    world.control("/whatsapp/connection", state="zombie")
    assert type(world.whatsapp(lambda whatsapp: failure(whatsapp.media(message_id)))) is UnreachableError


def test_the_webhook_is_none_then_set_then_read(world):
    async def work(whatsapp):
        before = await whatsapp.get_webhook()
        await whatsapp.set_webhook(
            "https://marcado.example/hook", {"X-Marcado-Token": "t0ken"}, ["MESSAGES_UPSERT", "SEND_MESSAGE"]
        )
        return before, await whatsapp.get_webhook()

    before, after = world.whatsapp(work)
    assert before is None
    assert (after["url"], after["headers"], after["enabled"]) == (
        "https://marcado.example/hook",
        {"X-Marcado-Token": "t0ken"},
        True,
    )
    assert after["events"] == ["MESSAGES_UPSERT", "SEND_MESSAGE"]
    assert (after["webhookByEvents"], after["webhookBase64"]) == (False, False)


def test_an_event_that_evolution_does_not_know_is_refused(world):
    error = world.whatsapp(lambda whatsapp: failure(whatsapp.set_webhook("https://marcado.example/hook", {}, ["NO_SUCH_EVENT"])))
    assert type(error) is RefusedError


def test_an_instance_with_an_odd_name_is_reached(world):
    world.reset(evolution={"instance": "vendas são paulo?"})
    assert world.whatsapp(lambda whatsapp: whatsapp.connection_state(), instance="vendas são paulo?") == "open"
