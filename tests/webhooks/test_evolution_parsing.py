"""Evolution's webhook bodies: every recorded one, the differences between versions, and broken ones."""

import copy
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meetings.events import (
    ChatIdentity,
    ConnectionChanged,
    ContentKind,
    CustomerMessage,
    DeliveryState,
    DeliveryUpdate,
    Ignored,
    MessageDeleted,
    MessageEdited,
    OwnMessage,
)
from webhooks.evolution import parse_evolution

FIXTURES = Path(__file__).parents[1] / "fixtures" / "evolution"

PHONE, JID, LID = "+5511987654321", "5511987654321@s.whatsapp.net", "222333444555666@lid"
OWN = "5511900000001@s.whatsapp.net"
MARIA = ChatIdentity(PHONE, JID, LID)
MARIA_WITHOUT_LID = ChatIdentity(PHONE, JID)
TEXT = ContentKind.TEXT
SENT = "3EB0BFC8B8F70920F968CA"  # the message whose way the delivery fixture follows


def at(clock):
    return datetime.strptime(f"2026-11-23 {clock} +0000", "%Y-%m-%d %H:%M:%S %z").astimezone(UTC)


def customer(message_id, clock, kind, text, *, chat=MARIA, name="Maria Souza", quoted_id=None):
    return CustomerMessage(message_id, chat, kind, text, at(clock), name, quoted_id)


def own(message_id, clock, text, *, via_api=False, automatic=False):
    return OwnMessage(message_id, MARIA_WITHOUT_LID, TEXT, text, at(clock), via_api, automatic)


def android(number):
    return f"AC{number:0>30}"


def ios(number):
    return f"3A{number:0>18}"


# One entry per recorded file: the event of each post in it.
RECORDED = {
    "variant-2.3.0-messages-upsert-lid-senderPn": [customer(ios("2D"), "10:54:10", TEXT, "Oi")],
    "variant-2.3.1-messages-upsert-lid-previousRemoteJid": [customer(ios("2D"), "10:54:10", TEXT, "Oi")],
    "variant-2.3.6-messages-upsert-lid": [customer(ios("2B"), "10:54:10", TEXT, "Oi, vim pelo anúncio")],
    "variant-2.4.0-rc2-messages-upsert-lid": [customer(ios("2B"), "10:54:10", TEXT, "Oi, vim pelo anúncio")],
    "variant-before-2.2-messages-upsert-extended-text": [
        customer(android("2"), "10:51:45", TEXT, "Pode ser amanhã às 15h?", chat=MARIA_WITHOUT_LID)
    ],
    "webhook-business-messages-update": [DeliveryUpdate("wamid.TEST0002", DeliveryState.DELIVERED)],
    "webhook-business-messages-upsert-audio": [
        customer("wamid.5511987654321.2", "10:50:00", ContentKind.AUDIO, "", chat=MARIA_WITHOUT_LID)
    ],
    "webhook-business-messages-upsert-button": [
        customer("wamid.5511987654321.3", "10:50:00", ContentKind.CHOICE, "Sim", chat=MARIA_WITHOUT_LID)
    ],
    "webhook-business-messages-upsert-text": [
        customer("wamid.5511987654321.1", "10:50:00", TEXT, "sou 5511987654321", chat=MARIA_WITHOUT_LID)
    ],
    "webhook-connection-update-close": [ConnectionChanged("close")],
    "webhook-connection-update-connecting": [ConnectionChanged("connecting")],
    "webhook-connection-update-open": [ConnectionChanged("open")],
    "webhook-contacts-update": [Ignored("contacts")],
    "webhook-contacts-update-after-own-message": [Ignored("contacts")],
    "webhook-contacts-upsert": [Ignored("contacts")],
    "webhook-disappearing-timer-changed": [Ignored("protocol message")],
    "webhook-evolution-channel-messages-upsert": [
        customer("ABC-1", "11:12:16", TEXT, "Oi, quero um orçamento", chat=MARIA_WITHOUT_LID)
    ],
    "webhook-instance-create": [Ignored("instance")],
    "webhook-logged-out": [ConnectionChanged("close"), ConnectionChanged("close"), ConnectionChanged("close")],
    "webhook-message-deleted-by-customer": [MessageDeleted(android("3")), MessageDeleted(android("3"))],
    "webhook-message-edited-by-customer": [
        MessageEdited(android("1"), "Oi, quero saber mais sobre o plano Pro"),
        Ignored("edit, told by messages.edited"),
    ],
    "webhook-messages-delete-api-delete": [Ignored("own message deleted")],
    "webhook-messages-set-history": [Ignored("history after pairing")],
    "webhook-messages-update-delivery": [
        DeliveryUpdate(SENT, DeliveryState.SENT),
        DeliveryUpdate(SENT, DeliveryState.DELIVERED),
        DeliveryUpdate(SENT, DeliveryState.DELIVERED),
        DeliveryUpdate(SENT, DeliveryState.READ),
        DeliveryUpdate(SENT, DeliveryState.READ),
        DeliveryUpdate(SENT, DeliveryState.READ),
    ],
    "webhook-messages-update-error": [DeliveryUpdate("3EB0E0154FC23E8B5ABB13", DeliveryState.FAILED)],
    "webhook-messages-upsert-audio-voice-note": [customer(android("5"), "10:52:05", ContentKind.AUDIO, "")],
    "webhook-messages-upsert-audio-with-base64": [
        customer(f"ACD{2:0>29}", "11:08:20", ContentKind.AUDIO, "", chat=MARIA_WITHOUT_LID)
    ],
    "webhook-messages-upsert-button-reply": [customer(android("D"), "10:52:45", ContentKind.CHOICE, "Sim")],
    "webhook-messages-upsert-contact-card": [customer(android("C"), "10:52:40", ContentKind.CONTACT, "João +5511911112222")],
    "webhook-messages-upsert-document-with-caption": [
        customer(android("7"), "10:52:15", ContentKind.DOCUMENT, "segue a proposta")
    ],
    "webhook-messages-upsert-ephemeral-wrapper": [customer(android("14"), "10:53:25", TEXT, "mensagem temporária")],
    "webhook-messages-upsert-from-me-call-rejection-text": [
        own("3EB03A81C8D3878388B7FC", "10:54:30", "Não atendo ligações", automatic=True)
    ],
    "webhook-messages-upsert-from-me-typed-on-phone": [own(android("19"), "10:54:00", "Oi Maria, aqui é o João do comercial")],
    "webhook-messages-upsert-from-me-typed-on-phone-lid-chat": [own(android("1A"), "10:54:05", "respondendo pelo celular (LID)")],
    "webhook-messages-upsert-from-me-typed-on-whatsapp-web": [own(f"3EB0{'C' * 18}", "10:54:30", "digitado no WhatsApp Web")],
    "webhook-messages-upsert-group": [Ignored("group chat")],
    "webhook-messages-upsert-group-lid-participant": [Ignored("group chat")],
    "webhook-messages-upsert-image-with-caption": [customer(android("6"), "10:52:10", ContentKind.IMAGE, "Olha a foto do local")],
    "webhook-messages-upsert-interactive-reply": [customer(android("10"), "10:53:00", ContentKind.CHOICE, "Sim")],
    "webhook-messages-upsert-lid": [customer(ios("2B"), "10:54:10", TEXT, "Oi, vim pelo anúncio", chat=MARIA_WITHOUT_LID)],
    "webhook-messages-upsert-lid-without-phone": [
        customer(
            ios("2C"),
            "10:54:15",
            TEXT,
            "sem telefone",
            chat=ChatIdentity(None, "999888777666555@lid", "999888777666555@lid"),
            name="Sem Número",
        )
    ],
    "webhook-messages-upsert-list-reply": [customer(android("E"), "10:52:50", ContentKind.CHOICE, "Plano Pro")],
    "webhook-messages-upsert-live-location": [customer(android("B"), "10:52:35", ContentKind.LOCATION, "-23.56, -46.65")],
    "webhook-messages-upsert-location": [
        customer(
            android("A"),
            "10:52:30",
            ContentKind.LOCATION,
            "Av. Paulista – Av. Paulista, 1000 (-23.561414, -46.655881)",
        )
    ],
    "webhook-messages-upsert-no-push-name": [customer(android("1C"), "10:54:25", TEXT, "sem pushname", name=None)],
    "webhook-messages-upsert-poll-vote-undecryptable": [Ignored("poll vote")],
    "webhook-messages-upsert-reaction": [Ignored("reaction")],
    "webhook-messages-upsert-received-while-offline": [
        customer(android("1B"), "10:54:20", TEXT, "mandei enquanto vocês estavam offline")
    ],
    "webhook-messages-upsert-status-broadcast": [Ignored("status or broadcast")],
    "webhook-messages-upsert-sticker": [customer(android("9"), "10:52:25", ContentKind.STICKER, "")],
    "webhook-messages-upsert-template-button-reply": [customer(android("F"), "10:52:55", ContentKind.CHOICE, "Sim")],
    "webhook-messages-upsert-text": [customer(android("1"), "10:51:45", TEXT, "Oi, quero saber mais sobre o plano")],
    "webhook-messages-upsert-text-from-click-to-whatsapp-ad": [customer(android("4"), "10:52:00", TEXT, "Olá! Tenho interesse")],
    "webhook-messages-upsert-text-quoting-a-message": [
        customer(android("2"), "10:51:50", TEXT, "Pode ser amanhã às 15h?", quoted_id=f"3EB0{'A' * 18}")
    ],
    "webhook-messages-upsert-video-with-caption": [customer(android("8"), "10:52:20", ContentKind.VIDEO, "vídeo")],
    "webhook-messages-upsert-view-once-image": [customer(android("15"), "10:53:30", ContentKind.IMAGE, "")],
    "webhook-presence-update": [Ignored("presence")],
    "webhook-qrcode-updated": [Ignored("qr code")],
    "webhook-send-message-api": [
        own("3EB0E0154FC23E8B5ABB13", "11:08:48", "Olá! Aqui é a assistente da Loja Exemplo.", via_api=True)
    ],
    "webhook-send-message-update-api-edit": [Ignored("edit through the API")],
}

REASONS = {
    "album header",
    "application",
    "call",
    "channel",
    "chat with ourselves",
    "chats",
    "contacts",
    "delivery update without message id",
    "edit or deletion without message id",
    "edit through the API",
    "edit without text",
    "edit, told by messages.edited",
    "empty list",
    "group chat",
    "groups",
    "history after pairing",
    "instance",
    "labels",
    "message without chat",
    "message without id",
    "message without time",
    "not sent yet",
    "own message deleted",
    "pin",
    "placeholder",
    "poll vote",
    "presence",
    "protocol message",
    "qr code",
    "reaction",
    "status or broadcast",
    "system notice",
    "unknown connection state",
    "unknown delivery status",
    "unknown event",
    "unknown kind of chat",
}


def posts(name):
    content = json.loads((FIXTURES / f"{name}.json").read_text("utf-8"))
    return content if isinstance(content, list) else [content]


def upsert(message=None, *, key=None, **data):
    """A body with one message of Maria's; `key` and `data` replace or add members, None removes them."""
    whole_key = {"remoteJid": JID, "id": "3A1", "fromMe": False, **(key or {})}
    whole = {
        "key": {name: value for name, value in whole_key.items() if value is not None},
        "pushName": "Maria Souza",
        "message": {"conversation": "Oi"} if message is None else message,
        "messageTimestamp": 1795431105,
        **data,
    }
    return {"event": "messages.upsert", "instance": "vendas", "sender": OWN, "data": whole}


def parse_one(payload):
    (event,) = parse_evolution(payload)
    return event


def said(message, **data):
    """Kind and text of a customer's message with this content."""
    event = parse_one(upsert(message, **data))
    assert isinstance(event, CustomerMessage)
    return event.kind, event.text


def test_every_recorded_webhook_has_its_expected_events_here():
    recorded = {path.stem for path in FIXTURES.glob("webhook-*.json")}
    recorded |= {path.stem for path in FIXTURES.glob("variant-*-messages*.json")}

    assert recorded == set(RECORDED)


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_webhook_gives_its_events(name):
    assert [parse_evolution(post) for post in posts(name)] == [[event] for event in RECORDED[name]]


@pytest.mark.parametrize("name", RECORDED)
def test_event_names_are_understood_as_in_settings_and_addresses(name):
    for post, event in zip(posts(name), RECORDED[name], strict=True):
        assert parse_evolution({**post, "event": post["event"].upper().replace(".", "_")}) == [event]
        assert parse_evolution({**post, "event": post["event"].replace(".", "-")}) == [event]


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("chats.upsert", "chats"),
        ("CHATS_SET", "chats"),
        ("call", "call"),
        ("groups.upsert", "groups"),
        ("group-participants-update", "groups"),
        ("labels.association", "labels"),
        ("application.startup", "application"),
        ("typebot.start", "unknown event"),
        ("", "unknown event"),
        (None, "unknown event"),
        (7, "unknown event"),
    ],
)
def test_events_without_meaning_are_ignored_whatever_they_hold(event, reason):
    assert parse_evolution({**upsert(), "event": event}) == [Ignored(reason)]


def test_a_list_of_messages_gives_one_event_each_in_order():
    first, second = upsert()["data"], upsert(key={"id": "3A2"})["data"]

    assert [event.id for event in parse_evolution({**upsert(), "data": [first, second]})] == ["3A1", "3A2"]
    assert parse_evolution({**upsert(), "data": []}) == [Ignored("empty list")]


# --- whose chat it is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "chat"),
    [
        ({"remoteJid": LID}, ChatIdentity(None, LID, LID)),
        ({"remoteJid": LID, "senderPn": JID}, MARIA),
        ({"remoteJid": LID, "remoteJidAlt": JID, "senderPn": "5521900000000@s.whatsapp.net"}, MARIA),
        ({"remoteJid": JID, "remoteJidAlt": LID}, MARIA),
        ({"remoteJid": JID, "previousRemoteJid": LID}, MARIA),
        ({"remoteJid": JID, "remoteJidAlt": JID}, MARIA_WITHOUT_LID),
        ({"remoteJid": JID, "remoteJidAlt": OWN}, MARIA_WITHOUT_LID),
        ({"remoteJid": LID, "remoteJidAlt": OWN}, ChatIdentity(None, LID, LID)),
        ({"remoteJid": LID, "remoteJidAlt": OWN, "senderPn": JID}, MARIA),
        # a device of a person is that person
        ({"remoteJid": "5511987654321:12@s.whatsapp.net"}, MARIA_WITHOUT_LID),
        ({"remoteJid": "222333444555666:3@lid"}, ChatIdentity(None, LID, LID)),
        # the spelling without the ninth digit is kept for replies
        ({"remoteJid": "553187654321@s.whatsapp.net"}, ChatIdentity("+5531987654321", "553187654321@s.whatsapp.net")),
        # a number nobody can make sense of is still somebody to answer
        ({"remoteJid": "5500123456789@s.whatsapp.net"}, ChatIdentity(None, "5500123456789@s.whatsapp.net")),
        # the EVOLUTION channel repeats what it was given
        ({"remoteJid": "5511987654321"}, MARIA_WITHOUT_LID),
        ({"remoteJid": "+5511987654321"}, MARIA_WITHOUT_LID),
    ],
)
def test_the_chat_is_found_in_whichever_fields_the_version_fills(key, chat):
    assert parse_one(upsert(key=key)).chat == chat


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ({"remoteJid": "120363000000000001@g.us", "participantAlt": JID, "senderPn": JID}, "group chat"),
        ({"remoteJid": "status@broadcast", "participant": JID, "senderPn": JID}, "status or broadcast"),
        ({"remoteJid": "1234567890@broadcast"}, "status or broadcast"),
        ({"remoteJid": "120363000000000002@newsletter"}, "channel"),
        ({"remoteJid": "0@s.whatsapp.net"}, "unknown kind of chat"),
        ({"remoteJid": "13135550002@bot"}, "unknown kind of chat"),
        ({"remoteJid": "222333444555666"}, "unknown kind of chat"),  # a LID without its suffix is nobody's number
        ({"remoteJid": None}, "message without chat"),
        ({"remoteJid": ""}, "message without chat"),
        ({"remoteJid": OWN}, "chat with ourselves"),
        ({"remoteJid": OWN, "fromMe": True}, "chat with ourselves"),
        ({"id": None}, "message without id"),
        ({"id": 7}, "message without id"),
        ({"id": ""}, "message without id"),
    ],
)
def test_what_is_no_chat_with_one_customer_is_ignored(key, reason):
    assert parse_one(upsert(key=key)) == Ignored(reason)


@pytest.mark.parametrize(
    "key",
    [
        {"remoteJid": LID, "senderPn": OWN},
        {"remoteJid": LID, "senderPn": "5511900000001:7@s.whatsapp.net"},
        {"remoteJid": LID, "remoteJidAlt": OWN},
        {"remoteJid": OWN, "previousRemoteJid": LID, "senderPn": OWN},  # 2.3.1 puts the writer's phone over the chat's id
    ],
)
@pytest.mark.parametrize("sender", [OWN, "5511900000001:7@s.whatsapp.net"])
def test_our_own_number_is_never_taken_for_the_customers(key, sender):
    event = parse_one({**upsert(key={**key, "fromMe": True}), "sender": sender})

    assert event.chat == ChatIdentity(None, LID, LID)


def test_the_writers_phone_of_our_own_message_is_ours_even_when_the_envelope_does_not_say_who_we_are():
    payload = upsert(key={"remoteJid": LID, "senderPn": OWN, "fromMe": True})
    del payload["sender"]

    assert parse_one(payload).chat == ChatIdentity(None, LID, LID)


@pytest.mark.parametrize("from_me", [True, "true"])
def test_the_customers_phone_is_found_in_our_own_message_to_a_hidden_chat(from_me):
    event = parse_one(upsert(key={"remoteJid": LID, "remoteJidAlt": JID, "fromMe": from_me}))

    assert event == OwnMessage("3A1", MARIA, TEXT, "Oi", at("10:51:45"), via_api=False)


def test_our_number_is_recognised_without_its_ninth_digit():
    payload = {**upsert(key={"remoteJid": LID, "remoteJidAlt": "553187654321@s.whatsapp.net"})}

    assert parse_one({**payload, "sender": "5531987654321@s.whatsapp.net"}).chat == ChatIdentity(None, LID, LID)


# --- who wrote, and when ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [None, "", "   ", "5511987654321", "+55 11 98765-4321", 7])
def test_a_name_that_is_none_is_none(name):
    assert parse_one(upsert(pushName=name)).name is None


@pytest.mark.parametrize("name", ["Maria", "🌸", "J. P. 3"])
def test_a_chosen_name_is_kept(name):
    assert parse_one(upsert(pushName=f" {name} ")).name == name


def test_our_profile_name_on_a_typed_message_means_a_person_and_the_servers_name_means_no_person():
    typed = upsert(key={"fromMe": True}, pushName="Loja Exemplo")
    automatic = upsert(key={"fromMe": True}, pushName="Você")

    assert parse_one(typed) == OwnMessage("3A1", MARIA_WITHOUT_LID, TEXT, "Oi", at("10:51:45"), via_api=False)
    assert parse_one(automatic) == OwnMessage("3A1", MARIA_WITHOUT_LID, TEXT, "Oi", at("10:51:45"), via_api=False, automatic=True)


def test_a_customer_who_calls_himself_like_the_server_is_a_customer():
    assert isinstance(parse_one(upsert(pushName="Você")), CustomerMessage)


def test_what_the_api_sent_is_ours_even_if_the_key_does_not_say_so():
    assert parse_one({**upsert(), "event": "send.message"}) == OwnMessage(
        "3A1", MARIA_WITHOUT_LID, TEXT, "Oi", at("10:51:45"), via_api=True
    )
    assert parse_one({**upsert(key={"remoteJid": "1203630000@g.us"}), "event": "send.message"}) == Ignored("group chat")


def test_the_writers_phone_of_what_the_api_sent_is_ours_too():
    payload = {**upsert(key={"remoteJid": LID, "senderPn": OWN}), "event": "send.message", "sender": None}

    assert parse_one(payload).chat == ChatIdentity(None, LID, LID)


@pytest.mark.parametrize(
    "timestamp",
    [
        1795431105,
        1795431105.0,
        "1795431105",
        {"low": 1795431105, "high": 0, "unsigned": True},
        {"low": 1795431105 - 2**32, "high": 0, "unsigned": False},
        {"low": 1795431105},
    ],
)
def test_the_time_is_read_in_every_encoding(timestamp):
    assert parse_one(upsert(messageTimestamp=timestamp)).sent_at == at("10:51:45")


@pytest.mark.parametrize(
    "timestamp",
    [
        None,
        "",
        "agora",
        True,
        0,
        -5,
        10**30,
        1e300,
        float("nan"),
        float("inf"),
        {"low": "x"},
        {"low": 1, "high": 10**9},
        [],
        "9" * 5_000,
        "1795431105.5",
    ],
)
def test_an_unreadable_time_falls_back_to_the_servers_and_without_that_the_message_is_ignored(timestamp):
    payload = upsert(messageTimestamp=timestamp)

    assert parse_one({**payload, "date_time": "2026-11-23T10:51:45.123Z"}).sent_at == at("10:51:45")
    assert parse_one({**payload, "date_time": "2026-11-23T07:51:45-03:00"}).sent_at == at("10:51:45")
    assert parse_one({**payload, "date_time": "2026-11-23T10:51:45"}).sent_at == at("10:51:45")
    for date_time in (None, "ontem", 5, "0001-01-01T00:00:00+10:00"):
        assert parse_one({**payload, "date_time": date_time}) == Ignored("message without time")


# --- what was said ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"conversation": "  Oi\n tudo bem? "}, (TEXT, "  Oi\n tudo bem? ")),
        ({"extendedTextMessage": {"text": "Oi"}}, (TEXT, "Oi")),
        ({"conversation": "", "extendedTextMessage": {"text": "Oi"}}, (TEXT, "Oi")),
        ({"audioMessage": {}}, (ContentKind.AUDIO, "")),
        ({"audioMessage": {}, "speechToText": "[audio] quero marcar"}, (ContentKind.AUDIO, "quero marcar")),
        ({"imageMessage": {"caption": "foto"}}, (ContentKind.IMAGE, "foto")),
        ({"videoMessage": {}}, (ContentKind.VIDEO, "")),
        ({"ptvMessage": {}}, (ContentKind.VIDEO, "")),
        ({"documentMessage": {"fileName": "conta.pdf"}}, (ContentKind.DOCUMENT, "conta.pdf")),
        ({"documentMessage": {"fileName": "a.pdf", "caption": "conta"}}, (ContentKind.DOCUMENT, "conta")),
        ({"documentMessage": {"caption": " ", "title": "conta"}}, (ContentKind.DOCUMENT, "conta")),
        ({"stickerMessage": {}}, (ContentKind.STICKER, "")),
        ({"locationMessage": {"name": "Padaria"}}, (ContentKind.LOCATION, "Padaria")),
        ({"locationMessage": {"name": "X", "address": "X"}}, (ContentKind.LOCATION, "X")),
        ({"locationMessage": {"degreesLatitude": 0, "degreesLongitude": -46.5}}, (ContentKind.LOCATION, "0, -46.5")),
        ({"locationMessage": {"degreesLatitude": 91, "degreesLongitude": 1}}, (ContentKind.LOCATION, "")),
        ({"locationMessage": {"degreesLatitude": 1, "degreesLongitude": 181}}, (ContentKind.LOCATION, "")),
        ({"locationMessage": {"degreesLatitude": "1", "degreesLongitude": True}}, (ContentKind.LOCATION, "")),
        (
            {"liveLocationMessage": {"degreesLatitude": 1.5, "degreesLongitude": 2, "caption": "a caminho"}},
            (ContentKind.LOCATION, "a caminho (1.5, 2)"),
        ),
        ({"contactMessage": {"displayName": "João"}}, (ContentKind.CONTACT, "João")),
        (
            {"contactMessage": {"displayName": "João", "vcard": "BEGIN:VCARD\nTEL;TYPE=CELL:(11) 91111-2222\nEND:VCARD"}},
            (ContentKind.CONTACT, "João +5511911112222"),
        ),
        (
            {
                "contactsArrayMessage": {
                    "displayName": "2 contatos",
                    "contacts": [
                        {"displayName": "João", "vcard": "TEL;waid=551191112222:+55 11 9111-2222"},
                        {"displayName": "Ana"},
                        None,
                    ],
                }
            },
            (ContentKind.CONTACT, "João +5511991112222, Ana"),
        ),
        (
            {"contactMessage": {"displayName": "João", "vcard": "item1.TEL;waid=5511911112222:recado"}},
            (ContentKind.CONTACT, "João +5511911112222"),
        ),
        ({"contactsArrayMessage": {"displayName": "2 contatos"}}, (ContentKind.CONTACT, "2 contatos")),
        ({"buttonsResponseMessage": {"selectedButtonId": "sim"}}, (ContentKind.CHOICE, "sim")),
        ({"templateButtonReplyMessage": {"selectedId": "sim"}}, (ContentKind.CHOICE, "sim")),
        ({"listResponseMessage": {"description": "R$ 99"}}, (ContentKind.CHOICE, "R$ 99")),
        ({"listResponseMessage": {"singleSelectReply": {"selectedRowId": "pro"}}}, (ContentKind.CHOICE, "pro")),
        *(
            (
                {"interactiveResponseMessage": {"nativeFlowResponseMessage": {"paramsJson": answer}}},
                (ContentKind.CHOICE, "sim"),
            )
            for answer in ('{"id":"sim"}', '{"id":"1","display_text":"sim"}', '{"display_text":"1","title":"sim"}')
        ),
    ],
)
def test_content_is_read_by_its_keys(message, expected):
    assert said(message) == expected


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"conversation": None},
        {"conversation": "   "},
        {"conversation": 7},
        {"extendedTextMessage": {}},
        {"extendedTextMessage": "text"},
        {"imageMessage": "foto"},
        {"buttonsResponseMessage": {}},
        {"interactiveResponseMessage": {"nativeFlowResponseMessage": {"paramsJson": "{"}}},
        {"interactiveResponseMessage": {"nativeFlowResponseMessage": {"paramsJson": "[" * 100_000}}},
        {"interactiveResponseMessage": {"nativeFlowResponseMessage": {"paramsJson": "[1]"}}},
        {"pollCreationMessage": {"name": "Quando?"}},
        {"orderMessage": {"message": "pedido"}},
        {"messageContextInfo": {"messageSecret": "x"}},
        {"ephemeralMessage": {"message": {}}},
        {"ephemeralMessage": {"message": None}},
        {"somethingNew": {"text": "x"}},
    ],
)
def test_a_message_nobody_can_read_is_still_known_to_have_come(message):
    assert said(message) == (ContentKind.UNKNOWN, "")


@pytest.mark.parametrize("message", [None, "x", 5, [], {}, {"base64": "T2dn"}])
def test_the_declared_type_helps_when_the_content_is_missing(message):
    payload = upsert(messageType="audioMessage")
    payload["data"]["message"] = message

    assert parse_one(payload) == customer("3A1", "10:51:45", ContentKind.AUDIO, "", chat=MARIA_WITHOUT_LID)


def test_the_declared_type_never_beats_the_content():
    assert said({"imageMessage": {}}, messageType="audioMessage") == (ContentKind.IMAGE, "")
    assert said({"conversation": "Oi"}, messageType="reactionMessage") == (TEXT, "Oi")
    assert said({}, messageType="conversation") == (ContentKind.UNKNOWN, "")
    assert parse_one(upsert({}, messageType="reactionMessage")) == Ignored("reaction")


WRAPPERS = [
    "ephemeralMessage",
    "viewOnceMessage",
    "viewOnceMessageV2",
    "viewOnceMessageV2Extension",
    "documentWithCaptionMessage",
    "editedMessage",
    "aWrapperOfTomorrow",
]


@pytest.mark.parametrize("outer", WRAPPERS)
@pytest.mark.parametrize("inner", WRAPPERS)
def test_wrappers_are_opened_however_they_are_nested(outer, inner):
    message = {"messageContextInfo": {}, outer: {"message": {inner: {"message": {"conversation": "Oi"}}}}}

    assert said(message) == (TEXT, "Oi")


def test_a_message_wrapped_without_end_is_unreadable_and_harmless():
    message = {"conversation": "fundo"}
    for _ in range(500):
        message = {"ephemeralMessage": {"message": message}}

    assert said(message) == (ContentKind.UNKNOWN, "")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("reactionMessage", "reaction"),
        ("pollUpdateMessage", "poll vote"),
        ("protocolMessage", "protocol message"),
        ("placeholderMessage", "placeholder"),
        ("albumMessage", "album header"),
        ("pinInChatMessage", "pin"),
        ("keepInChatMessage", "pin"),
        ("encReactionMessage", "reaction"),
    ],
)
@pytest.mark.parametrize("from_me", [True, False])
def test_signals_that_need_no_answer_are_ignored_also_inside_wrappers(name, reason, from_me):
    assert parse_one(upsert({name: {}}, key={"fromMe": from_me})) == Ignored(reason)
    assert parse_one(upsert({"ephemeralMessage": {"message": {name: {}}}}, key={"fromMe": from_me})) == Ignored(reason)


def test_a_notice_of_whatsapp_itself_is_no_message():
    payload = upsert({}, messageStubType=40)

    assert parse_one(payload) == Ignored("system notice")
    assert parse_one(upsert(messageStubType=40)).text == "Oi"


@pytest.mark.parametrize(
    "data",
    [
        {"contextInfo": {"stanzaId": "3EB0Q"}},
        {"message": {"extendedTextMessage": {"text": "x", "contextInfo": {"stanzaId": "3EB0Q"}}}},
        {"message": {"imageMessage": {"contextInfo": {"stanzaId": "3EB0Q"}}}},
        {
            "message": {
                "ephemeralMessage": {"message": {"extendedTextMessage": {"text": "x", "contextInfo": {"stanzaId": "3EB0Q"}}}}
            }
        },
    ],
)
def test_the_quoted_message_is_found_beside_or_inside_the_content(data):
    assert parse_one(upsert(**data)).quoted_id == "3EB0Q"


def test_text_can_always_be_stored():
    event = parse_one(upsert({"conversation": "a\0b\ud83dc"}, key={"id": "3A\0\udc00"}, pushName="M\0aria\ud800"))

    assert (event.id, event.text, event.name) == ("3A?", "ab?c", "Maria?")


# --- what happened to a message ---------------------------------------------------------------------------------------


def update(**data):
    return {"event": "messages.update", "sender": OWN, "data": {"keyId": "3EB0X", "remoteJid": JID, **data}}


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("SERVER_ACK", DeliveryState.SENT),
        ("DELIVERY_ACK", DeliveryState.DELIVERED),
        ("READ", DeliveryState.READ),
        ("PLAYED", DeliveryState.READ),
        ("ERROR", DeliveryState.FAILED),
        ("SENT", DeliveryState.SENT),
        ("DELIVERED", DeliveryState.DELIVERED),
        ("FAILED", DeliveryState.FAILED),
        ("read", DeliveryState.READ),
    ],
)
def test_both_channels_words_are_the_same_ladder(word, state):
    assert parse_one(update(status=word)) == DeliveryUpdate("3EB0X", state)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"status": "PENDING"}, "not sent yet"),
        ({"status": "DELETED"}, "unknown delivery status"),
        ({"status": None}, "unknown delivery status"),
        ({}, "unknown delivery status"),
        ({"status": "READ", "keyId": None}, "delivery update without message id"),
        ({"status": "READ", "keyId": None, "key": {"id": 5}}, "delivery update without message id"),
        ({"status": "SERVER_ACK", "message": {"editedMessage": {}}}, "edit, told by messages.edited"),
        ({"status": "SERVER_ACK", "pollUpdates": [{"name": "x"}]}, "poll vote"),
        ({"status": "READ", "remoteJid": "1203630000@g.us"}, "group chat"),
        ({"status": "READ", "remoteJid": "status@broadcast"}, "status or broadcast"),
    ],
)
def test_updates_that_say_nothing_about_delivery_are_ignored(data, reason):
    assert parse_one(update(**data)) == Ignored(reason)


def test_the_message_of_an_update_may_be_named_by_a_whole_key():
    assert parse_one(update(status="READ", keyId=None, key={"id": "3EB0Y"})) == DeliveryUpdate("3EB0Y", DeliveryState.READ)


def test_a_hidden_chat_id_does_not_matter_for_delivery():
    assert parse_one(update(status="READ", remoteJid=LID)) == DeliveryUpdate("3EB0X", DeliveryState.READ)


def edited(**data):
    return {"event": "messages.edited", "sender": OWN, "data": {"key": {"id": "3A1", "remoteJid": OWN}, **data}}


@pytest.mark.parametrize(
    "content",
    [
        {"conversation": "novo"},
        {"extendedTextMessage": {"text": "novo"}},
        {"imageMessage": {"caption": "novo"}},
        {"message": {"conversation": "novo"}},
    ],
)
def test_an_edit_brings_the_new_text(content):
    assert parse_one(edited(type="MESSAGE_EDIT", editedMessage=content)) == MessageEdited("3A1", "novo")


@pytest.mark.parametrize(
    ("data", "event"),
    [
        ({"type": "REVOKE"}, MessageDeleted("3A1")),
        ({"type": "REVOKE", "key": {}}, Ignored("edit or deletion without message id")),
        ({"type": "REVOKE", "key": None}, Ignored("edit or deletion without message id")),
        ({"type": "REVOKE", "key": {"id": "1", "remoteJid": "1203630000@g.us"}}, Ignored("group chat")),
        ({"type": "MESSAGE_EDIT"}, Ignored("edit without text")),
        ({"type": "MESSAGE_EDIT", "editedMessage": {"imageMessage": {}}}, Ignored("edit without text")),
        ({"type": "MESSAGE_EDIT", "editedMessage": {"protocolMessage": {}}}, Ignored("edit without text")),
        ({"type": "EPHEMERAL_SETTING"}, Ignored("protocol message")),
        ({"type": None}, Ignored("protocol message")),
        ({"type": {}}, Ignored("protocol message")),
    ],
)
def test_only_edits_and_deletions_count_among_protocol_messages(data, event):
    assert parse_one(edited(**data)) == event


@pytest.mark.parametrize(
    ("data", "event"),
    [
        ({"id": "3A1", "remoteJid": JID, "fromMe": False}, MessageDeleted("3A1")),
        ({"id": "row", "key": {"id": "3A1", "remoteJid": JID, "fromMe": False}}, MessageDeleted("3A1")),
        ({"id": "3A1", "remoteJid": JID, "fromMe": True}, Ignored("own message deleted")),
        ({"id": "row", "key": {"id": "3A1", "remoteJid": JID, "fromMe": True}}, Ignored("own message deleted")),
        ({"id": "3A1", "remoteJid": "1203630000@g.us"}, Ignored("group chat")),
        ({"remoteJid": JID}, Ignored("edit or deletion without message id")),
        (None, Ignored("edit or deletion without message id")),
    ],
)
def test_a_deletion_counts_when_the_customer_did_it(data, event):
    assert parse_one({"event": "messages.delete", "data": data}) == event


@pytest.mark.parametrize("state", ["open", "connecting", "close", "refused"])
def test_the_connections_states_are_passed_on(state):
    assert parse_one({"event": "connection.update", "data": {"state": state}}) == ConnectionChanged(state)


@pytest.mark.parametrize("data", [None, {}, {"state": None}, {"state": "x"}, {"state": []}, "open"])
def test_an_unknown_connection_state_changes_nothing(data):
    assert parse_one({"event": "connection.update", "data": data}) == Ignored("unknown connection state")


# --- anything at all --------------------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from([JID, LID, OWN]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
JID_SHAPE = re.compile(r"[0-9]{5,20}@(s\.whatsapp\.net|lid)")


def assert_sound(events):
    assert events
    for event in events:
        match event:
            case Ignored(reason):
                assert reason in REASONS
            case CustomerMessage() | OwnMessage():
                assert event.id
                assert JID_SHAPE.fullmatch(event.chat.jid)
                assert event.chat.lid is None or event.chat.lid.endswith("@lid")
                assert event.chat.phone is None or re.fullmatch(r"\+[0-9]{7,15}", event.chat.phone)
                assert event.sent_at.tzinfo is UTC
                assert "\0" not in event.text
                assert event.text.encode()[:0] == b""  # no half characters
            case DeliveryUpdate() | MessageDeleted() | MessageEdited():
                assert event.message_id
            case ConnectionChanged(state):
                assert state in {"open", "connecting", "close", "refused"}


def places(value, path=()):
    """The paths of all members and items inside a JSON value."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from places(child, (*path, key))


def changed(payload, path, value):
    """A copy with one place replaced, or removed if the value is ... (an Ellipsis)."""
    whole = copy.deepcopy(payload)
    parent = whole
    for key in path[:-1]:
        parent = parent[key]
    if value is ...:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    return whole


ALL_POSTS = [post for name in RECORDED for post in posts(name)]


@pytest.mark.parametrize("value", [..., None, "", "x", 0, -1, True, [], {}, [{}], {"message": {}}, {"x": None}])
def test_every_single_place_of_every_recorded_body_may_be_missing_or_wrong(value):
    for post in ALL_POSTS:
        for path in places(post):
            if not str(path[-1]).isdecimal():
                assert_sound(parse_evolution(changed(post, path, value)))


@given(st.data())
@settings(deadline=None, max_examples=400)
def test_recorded_bodies_with_several_random_changes_are_read(data):
    payload = data.draw(st.sampled_from(ALL_POSTS))
    for _ in range(data.draw(st.integers(1, 4))):
        path = data.draw(st.sampled_from(list(places(payload))))
        payload = changed(payload, path, data.draw(json_values | st.just(...)))
        if not payload:
            break
    assert_sound(parse_evolution(payload))


@given(
    st.sampled_from([*sorted({post["event"] for post in ALL_POSTS}), "CALL", "x"]),
    json_values,
    st.dictionaries(st.sampled_from(["sender", "date_time", "instance", "isLatest"]), json_values),
)
@settings(deadline=None, max_examples=300)
def test_any_data_under_any_event_is_read(event, data, envelope):
    assert_sound(parse_evolution({**envelope, "event": event, "data": data}))


@given(st.dictionaries(st.text(max_size=12), json_values, max_size=4))
@settings(deadline=None)
def test_any_json_object_is_read(payload):
    assert_sound(parse_evolution(payload))
