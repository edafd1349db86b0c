"""The two webhooks and the health routes of a running service, over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from cli.stack import SANDBOX_TOKEN, Stack
from cli.wiring import Service
from meetings.tables import Customer, Hint, Message, Webhook
from webhooks.app import MAX_BODY

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
KOMMO = "/webhook/kommo/events"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    # A silence of a minute: nothing is answered here, only taken in.
    with Stack(business_file=ROOT / "business.toml", overrides={"DEBOUNCE_SILENCE_S": 60, "DEBOUNCE_CAP_S": 300}) as served:
        yield served


@pytest.fixture
def http(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.url, trust_env=False, params={"token": SANDBOX_TOKEN}) as client:
        yield client


def rows(stack: Stack, table: Any) -> list[Any]:
    async def read(service: Service) -> list[Any]:
        async with service.db.transaction() as session:
            return list(await session.scalars(select(table).order_by(table.id)))

    found: list[Any] = stack.call(read)
    return found


def upsert(message_id: str, text_: str = "Oi", **changes: Any) -> dict[str, Any]:
    key = {"remoteJid": "5521987650000@s.whatsapp.net", "fromMe": False, "id": message_id}
    data = {"key": key, "pushName": "João", "message": {"conversation": text_}, "messageTimestamp": 1795431105}
    return {"event": "messages.upsert", "instance": "marcado", "data": data, "apikey": "very-secret-key", **changes}


def test_every_documented_kommo_body_is_stored_and_answered_200(http: httpx.Client, stack: Stack) -> None:
    for path in sorted((FIXTURES / "kommo-webhooks").glob("*.txt")):
        before = len(rows(stack, Webhook))
        answer = http.post(KOMMO, content=path.read_bytes(), headers=FORM)
        assert answer.status_code == 200, path.name
        assert len(rows(stack, Webhook)) == before + 1, path.name


def test_a_body_with_several_tasks_leaves_a_hint_for_each(http: httpx.Client, stack: Stack) -> None:
    body = "task[delete][0][id]=501&task[delete][1][id]=502&task[update][7][id]=503&leads[update][0][id]=601"
    assert http.post(KOMMO, content=body, headers=FORM).json() == {"stored": 4, "ignored": 0}
    assert [hint.entity_id for hint in rows(stack, Hint)][-4:] == [501, 502, 503, 601]


def test_what_is_not_for_us_is_ignored_with_200_and_counted(http: httpx.Client) -> None:
    before = http.get("/readyz").json()["webhooks"].get("kommo ignored", 0)
    answer = http.post(KOMMO, content="contacts[update][0][id]=1", headers=FORM)
    assert answer.status_code == 200
    assert http.get("/readyz").json()["webhooks"]["kommo ignored"] == before + 1


@pytest.mark.parametrize("token", ["", "wrong", SANDBOX_TOKEN[:-1], SANDBOX_TOKEN + "x", "ção"])
def test_a_wrong_token_is_refused_and_nothing_is_stored(stack: Stack, token: str) -> None:
    before = len(rows(stack, Webhook))
    for path in (KOMMO, "/webhook/evolution"):
        answer = httpx.post(stack.url + path, params={"token": token}, content="task[delete][0][id]=1", trust_env=False)
        assert answer.status_code == 401
    assert len(rows(stack, Webhook)) == before


def test_the_token_may_come_in_a_header(stack: Stack) -> None:
    answer = httpx.post(stack.url + KOMMO, headers={"x-marcado-token": SANDBOX_TOKEN, **FORM}, content="a=b", trust_env=False)
    assert answer.status_code == 200


def test_a_customers_message_is_stored_once_however_often_it_comes(http: httpx.Client, stack: Stack) -> None:
    for _ in range(3):
        assert http.post("/webhook/evolution", json=upsert("TWICE1", "Bom dia")).status_code == 200
    assert [m.text for m in rows(stack, Message) if m.vendor_id == "TWICE1"] == ["Bom dia"]
    assert [c.phone for c in rows(stack, Customer) if c.name == "João"] == ["+5521987650000"]


def test_events_may_come_under_their_own_path(http: httpx.Client, stack: Stack) -> None:
    assert http.post("/webhook/evolution/messages-upsert", json=upsert("BYEVENT")).status_code == 200
    assert [m for m in rows(stack, Message) if m.vendor_id == "BYEVENT"]


def test_another_instances_messages_are_not_ours(http: httpx.Client, stack: Stack) -> None:
    assert http.post("/webhook/evolution", json=upsert("FOREIGN", instance="other")).json() == {"stored": 0, "ignored": 1}
    assert not [m for m in rows(stack, Message) if m.vendor_id == "FOREIGN"]


def test_secrets_in_bodies_are_not_stored(http: httpx.Client, stack: Stack) -> None:
    http.post("/webhook/evolution", json=upsert("SECRET1"))
    assert not [w for w in rows(stack, Webhook) if "very-secret-key" in w.body]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b"{" * 100_000])
def test_a_body_that_can_never_be_read_is_answered_400(http: httpx.Client, body: bytes) -> None:
    answer = http.post("/webhook/evolution", content=body)
    assert answer.status_code == 400
    assert "Traceback" not in answer.text


def test_a_body_beyond_the_bound_is_answered_413(http: httpx.Client) -> None:
    assert http.post("/webhook/evolution", content=b"x" * (MAX_BODY + 1)).status_code == 413


def test_what_can_not_be_stored_is_answered_503_and_readiness_says_why(http: httpx.Client, stack: Stack) -> None:
    async def rename(service: Service, statement: str) -> None:
        async with service.db.transaction() as session:
            await session.execute(text(statement))

    stack.call(lambda s: rename(s, "ALTER TABLE webhook RENAME TO webhook_away"))
    try:
        assert http.post("/webhook/evolution", json=upsert("LOST1")).status_code == 503
        assert http.post(KOMMO, content="task[delete][0][id]=1", headers=FORM).status_code == 503
    finally:
        stack.call(lambda s: rename(s, "ALTER TABLE webhook_away RENAME TO webhook"))
    assert http.post("/webhook/evolution", json=upsert("LOST1")).status_code == 200  # the vendor's repetition gets through
    assert [m for m in rows(stack, Message) if m.vendor_id == "LOST1"]


def test_health_routes_answer_without_a_token(stack: Stack) -> None:
    assert httpx.get(stack.url + "/healthz", trust_env=False).json() == {"status": "ok"}
    ready = httpx.get(stack.url + "/readyz", trust_env=False)
    assert (ready.status_code, ready.json()["checks"]) == (200, {"database": "ok", "dispatcher": "ok"})


def test_api_pages_are_off(stack: Stack) -> None:
    assert httpx.get(stack.url + "/docs", trust_env=False).status_code == 404


def test_another_accounts_webhook_is_not_ours(http: httpx.Client, stack: Stack) -> None:
    own = stack.call(lambda service: service.kommo.account())["id"]
    before = len(rows(stack, Hint))
    other = http.post(KOMMO, content=f"account[id]={own + 1}&task[delete][0][id]=901", headers=FORM)
    assert (other.status_code, other.json()) == (200, {"stored": 0, "ignored": 1})
    assert len(rows(stack, Hint)) == before
    assert http.post(KOMMO, content=f"account[id]={own}&task[delete][0][id]=902", headers=FORM).json()["stored"] == 1


def test_both_tokens_count_during_a_rotation_and_the_former_not_after_it() -> None:
    former, new = "the-former-webhook-token", "a-new+webhook&token#of-today"
    quiet = {"DEBOUNCE_SILENCE_S": 60, "DEBOUNCE_CAP_S": 300, "WEBHOOK_TOKEN": new}

    def answers(stack: Stack) -> list[int]:
        asked = ({"params": {"token": token}} for token in (former, new))
        headers = ({"headers": {"x-marcado-token": token}} for token in (former, new))
        return [httpx.post(stack.url + KOMMO, content="a=b", trust_env=False, **how).status_code for how in (*asked, *headers)]

    with Stack(business_file=ROOT / "business.toml", overrides={**quiet, "WEBHOOK_TOKEN_PREVIOUS": former}) as stack:
        assert answers(stack) == [200, 200, 200, 200]
        stack.stop_service()
        del stack.overrides["WEBHOOK_TOKEN_PREVIOUS"]
        stack.start_service()
        assert answers(stack) == [401, 200, 401, 200]
