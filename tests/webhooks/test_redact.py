"""What is stored for replays holds no key of anybody's and no media, and still replays."""

import copy
import json
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webhooks.evolution import parse_evolution
from webhooks.kommo import parse_kommo
from webhooks.redact import REDACTED, redact, redact_form

FIXTURES = Path(__file__).parents[1] / "fixtures"


def recorded_payloads():
    for path in sorted((FIXTURES / "evolution").glob("*.json")):
        if path.name.startswith(("webhook-", "variant-")):
            content = json.loads(path.read_text("utf-8"))
            for number, payload in enumerate(content if isinstance(content, list) else [content]):
                yield pytest.param(payload, id=f"{path.stem}-{number}")


def leaves(value, key=""):
    if isinstance(value, dict):
        for name, child in value.items():
            yield from leaves(child, name)
    elif isinstance(value, list):
        for child in value:
            yield from leaves(child, key)
    else:
        yield key, value


@pytest.mark.parametrize("payload", list(recorded_payloads()))
def test_a_redacted_body_replays_as_the_original(payload):
    assert parse_evolution(redact(payload)) == parse_evolution(payload)


@pytest.mark.parametrize("payload", list(recorded_payloads()))
def test_no_recorded_body_keeps_a_secret_or_media(payload):
    hidden = {"apikey", "mediaKey", "fileSha256", "fileEncSha256", "jpegThumbnail", "messageSecret", "base64"}
    clean = redact(payload)

    assert all(value == REDACTED for key, value in leaves(clean) if key in hidden)
    assert "<instance token>" not in json.dumps(clean)
    assert "<Meta access token>" not in json.dumps(clean)
    assert "EXAMPLEQRDATA" not in json.dumps(clean)


def test_a_whole_body_shows_what_goes_and_what_stays():
    payload = {
        "event": "messages.upsert",
        "instance": "vendas",
        "data": {
            "key": {"remoteJid": "5511987654321@s.whatsapp.net", "id": "3A1", "fromMe": False},
            "pushName": "Maria",
            "message": {
                "imageMessage": {
                    "url": "https://mmg.whatsapp.net/v/f.enc?ccb=11-4&oh=abc",
                    "caption": "minha senha? token=123 https://x.example/?a=b",
                    "mediaKey": {"0": 1, "1": 255},
                    "fileEncSha256": "AAECAwQ=",
                    "jpegThumbnail": {"0": 255, "1": 216},
                    "fileLength": {"low": 8420, "high": 0, "unsigned": True},
                    "height": 1280,
                },
                "base64": "T2dnUw==",
                "messageContextInfo": {"messageSecret": "AAEC", "unknownBytes": {"0": 7, "1": 8}},
            },
            "messageTimestamp": 1795431130,
        },
        "destination": "https://user:pw@agent.example.com/webhook/evolution/9f8e7d6c5b4a39281706?token=abc&x=1#part",
        "server_url": "https://evolution.example.com",
        "apikey": "B6D711FCDE4D4FD5936544120E713976",
    }

    assert redact(payload) == {
        "event": "messages.upsert",
        "instance": "vendas",
        "data": {
            "key": {"remoteJid": "5511987654321@s.whatsapp.net", "id": "3A1", "fromMe": False},
            "pushName": "Maria",
            "message": {
                "imageMessage": {
                    "url": "https://mmg.whatsapp.net/v/f.enc?ccb=[redacted]&oh=[redacted]",
                    "caption": "minha senha? token=123 https://x.example/?a=b",
                    "mediaKey": REDACTED,
                    "fileEncSha256": REDACTED,
                    "jpegThumbnail": REDACTED,
                    "fileLength": {"low": 8420, "high": 0, "unsigned": True},
                    "height": 1280,
                },
                "base64": REDACTED,
                "messageContextInfo": {"messageSecret": REDACTED, "unknownBytes": REDACTED},
            },
            "messageTimestamp": 1795431130,
        },
        "destination": "https://agent.example.com/webhook/evolution/[redacted]?token=[redacted]&x=[redacted]",
        "server_url": "https://evolution.example.com",
        "apikey": REDACTED,
    }


@pytest.mark.parametrize(
    "name",
    [
        "apikey",
        "apiKey",
        "api_key",
        "API-KEY",
        "token",
        "access_token",
        "authorization",
        "Proxy-Authorization",
        "password",
        "client_secret",
        "X-Signature",
        "jwt_key",
        "set-cookie",
        "hash",
        "pairingCode",
        "qrcode",
    ],
)
@pytest.mark.parametrize("secret", ["s3cret", {"a": "s3cret"}, ["s3cret"]])
def test_secrets_are_known_by_their_names_however_deep(name, secret):
    assert redact({"data": [{name: secret}]}) == {"data": [{name: REDACTED}]}


@pytest.mark.parametrize(
    "name",
    ["mediaKey", "fileSha256", "jpegThumbnail", "streamingSidecar", "senderKeyHash", "waveform", "encPayload", "encIv"],
)
def test_media_is_known_by_its_names(name):
    assert redact({"message": {name: "AAECAwQ="}}) == {"message": {name: REDACTED}}


def test_an_empty_secret_stays_empty_to_show_that_none_was_sent():
    assert redact({"apikey": None, "token": ""}) == {"apikey": None, "token": ""}


def test_headers_keep_their_names_only():
    assert redact({"headers": {"Authorization": "Bearer x", "X-Ours": "y"}}) == {
        "headers": {"Authorization": REDACTED, "X-Ours": REDACTED}
    }
    assert redact({"headers": [["Authorization", "Bearer x"]]}) == {"headers": REDACTED}


@pytest.mark.parametrize(
    "media",
    [
        {"0": 255, "1": 216},
        {"type": "Buffer", "data": [1, 2]},
        b"bytes",
        "data:image/png;base64,iVBORw0KGgo=",
        "A" * 2_000,
    ],
)
def test_media_is_known_by_its_form_where_the_name_says_nothing(media):
    assert redact({"something": media}) == {"something": REDACTED}
    assert redact([media]) == [REDACTED]


@pytest.mark.parametrize("name", ["conversation", "text", "caption"])
def test_customers_words_stay_however_long(name):
    assert redact({name: "k" * 5_000}) == {name: "k" * 5_000}


@pytest.mark.parametrize(
    ("address", "clean"),
    [
        ("https://agent.example.com/webhooks/evolution", "https://agent.example.com/webhooks/evolution"),
        ("https://a.example/hook?token=abc", "https://a.example/hook?token=[redacted]"),
        ("https://a.example/hook?abc", "https://a.example/hook?[redacted]"),
        ("https://a.example/hook?token=", "https://a.example/hook?token="),
        ("https://a.example/hook#abc", "https://a.example/hook"),
        ("https://u:p@a.example:8080/hook", "https://a.example:8080/hook"),
        ("https://agent-2.europe.example.com/x", "https://agent-2.europe.example.com/x"),
        ("https://a.example/hook/0123456789abcdef/messages-upsert", "https://a.example/hook/[redacted]/messages-upsert"),
        ("https://a.example/" + "x" * 32, "https://a.example/[redacted]"),
        ("/hook?token=abc", "/hook?token=[redacted]"),
        ("https://a.example/?", "https://a.example/?"),
        ("data:image/png;base64,iVBORw0KGgo=", "[redacted]"),
        ("", ""),
    ],
)
def test_addresses_lose_what_could_open_a_door(address, clean):
    assert redact({"destination": address, "server_url": address}) == {"destination": clean, "server_url": clean}


def test_the_original_is_not_touched_and_shares_nothing_with_the_copy():
    payload = {"data": {"list": [{"apikey": "x"}], "keep": {"a": [1]}}}
    before = copy.deepcopy(payload)
    clean = redact(payload)
    clean["data"]["keep"]["a"].append(2)

    assert payload == before


def test_nul_characters_vanish_from_words_and_names():
    assert redact({"te\0xt": "a\0b", "n": ["\0"]}) == {"text": "ab", "n": [""]}


def test_a_body_nested_beyond_reason_is_cut():
    objects, lists = "secret", "secret"
    for _ in range(800):
        objects, lists = {"x": objects}, [lists]

    for deep in (objects, lists):
        clean = json.dumps(redact(deep))
        assert "secret" not in clean
        assert REDACTED in clean


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["apikey", "url", "headers", "text", "0", "1", "type", "data", "x"]), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(json_values)
@settings(deadline=None)
def test_redacting_twice_changes_nothing_and_the_result_is_json(value):
    once = redact(value)

    assert redact(once) == once
    json.dumps(once)


@pytest.mark.parametrize("name", [path.name for path in sorted((FIXTURES / "kommo-webhooks").glob("*.txt"))])
def test_recorded_kommo_bodies_hold_no_secrets_and_stay_as_they_are(name):
    body = (FIXTURES / "kommo-webhooks" / name).read_bytes()

    assert redact_form(body).encode() == body


@pytest.mark.parametrize(
    ("body", "clean"),
    [
        (b"token=abc&a=1", "token=%5Bredacted%5D&a=1"),
        (b"account%5Bapi_key%5D=abc", "account%5Bapi_key%5D=%5Bredacted%5D"),
        (b"x[access_token][0]=abc", "x[access_token][0]=%5Bredacted%5D"),
        (b"headers[x-ours]=abc", "headers[x-ours]=%5Bredacted%5D"),
        (b"token=", "token="),
        (b"token", "token"),
        (b"text=meu+token+%C3%A9+abc", "text=meu+token+%C3%A9+abc"),
        (
            b"account[_links][self]=https%3A%2F%2Fx.example%2F%3Ftoken%3Dabc",
            "account[_links][self]=https%3A%2F%2Fx.example%2F%3Ftoken%3D%5Bredacted%5D",
        ),
        (b"url=https://x.example/a%2Cb", "url=https://x.example/a%2Cb"),
        (b"a=\xff\x00", "a=\ufffd"),
    ],
)
def test_a_form_body_loses_its_secrets_and_keeps_the_rest_to_the_letter(body, clean):
    assert redact_form(body) == clean


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_any_form_body_can_be_redacted_and_names_the_same_tasks_and_leads(body):
    clean = redact_form(body)

    assert redact_form(clean.encode()) == clean
    assert parse_kommo(clean.encode()).hints == parse_kommo(body).hints


def test_a_nul_hides_nothing():
    assert redact({"picture": {"0\0": 255, "1": 216}}) == {"picture": REDACTED}
    assert redact({"anything": "A" * 1500 + "\0" + "A" * 1500}) == {"anything": REDACTED}
    assert (
        redact_form(b"to%00ken=abc&self=https://x/?a\0=1")
        == f"to%00ken=%5Bredacted%5D&self={quote_plus(f'https://x/?a={REDACTED}')}"
    )


@pytest.mark.parametrize(
    "url", ["@https://ana:segredo@host/", "x@http://@https://ana:segredo@host/", "//u@//ana:segredo@host/?segredo"]
)
def test_an_address_within_a_broken_address_keeps_no_password(url):
    clean = redact({"url": url})
    assert "segredo" not in clean["url"]
    assert redact(clean) == clean
