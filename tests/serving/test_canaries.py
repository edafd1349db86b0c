"""Canaries in every secret and in a customer's words: after a day with errors they stand nowhere but where they belong."""

import sqlite3
import time
from pathlib import Path

import httpx
import pytest

from cli.people import People
from cli.stack import SANDBOX_VALUES, sandbox_urls
from sandbox.server import Sandbox
from tests.processes import ROOT, Running, environment

PASSWORD, PRIVACY_KEY, FORMER = (
    "canario senha do painel",
    "canary-privacy-key-of-32-characters-and-more",
    "canary-former-webhook-token",
)
WORDS = "canariozinho amarelo"
SECRETS = [
    *(str(SANDBOX_VALUES[name]) for name in ("KOMMO_ACCESS_TOKEN", "EVOLUTION_API_KEY", "OPENAI_API_KEY", "WEBHOOK_TOKEN")),
    *(PASSWORD, PRIVACY_KEY, FORMER, "canary-instance-token", "canary-in-a-kommo-form"),
]


@pytest.mark.long
def test_secrets_and_words_stay_where_they_belong(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        settings = {
            **SANDBOX_VALUES,
            **sandbox_urls(sandbox.urls),
            "BUSINESS_FILE": ROOT / "business.toml",
            "DATABASE_URL": f"sqlite:///{tmp_path}/m.sqlite",
            "PANEL_PASSWORD": PASSWORD,
            "PRIVACY_KEY": PRIVACY_KEY,
            "WEBHOOK_TOKEN_PREVIOUS": FORMER,
            "DEBOUNCE_SILENCE_S": 0.1,
            "LOG_LEVEL": "DEBUG",
            "LOCALE": "en",
        }
        with Running("-m", "cli", "serve", "--port", "0", cwd=tmp_path, env=environment(**settings)) as service:
            url = service.wait_for(r"http://127\.0\.0\.1:\d+")[0]
            people = People(sandbox.control_url)
            with httpx.Client(base_url=url, trust_env=False, timeout=60) as http:
                answers = a_bad_day(http, people, sandbox, tmp_path / "m.sqlite")
            people.close()
            service.wait_for("turn failed|webhook not stored")
        log = service.output
    assert "webhook not stored" in log
    assert found_in(log.encode(), *SECRETS, WORDS) == []
    assert "Traceback" not in log
    for answer in answers:
        heads = "".join(f"{name}: {value}" for name, value in answer.headers.items())
        assert found_in(answer.content + heads.encode(), *SECRETS, WORDS, "Traceback") == [], answer.url.path
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert {"m.sqlite", "m.engine.sqlite"} <= {path.name for path in files}
    for path in files:
        assert found_in(path.read_bytes(), *SECRETS) == [], path.name
    assert any(WORDS.encode() in path.read_bytes() for path in files)  # it was stored: the search would have found it


def a_bad_day(http: httpx.Client, people: People, sandbox: Sandbox, database: Path) -> list[httpx.Response]:
    """Messages, errors of every service, nonsense, strangers, a database in trouble; what was answered."""
    token = {"token": str(SANDBOX_VALUES["WEBHOOK_TOKEN"])}
    key = {"remoteJid": "5511987654321@s.whatsapp.net", "fromMe": False, "id": "CANARY1"}
    data = {"key": key, "pushName": "Ana", "message": {"conversation": WORDS}, "messageTimestamp": int(time.time())}
    body = {"event": "messages.upsert", "instance": "marcado", "data": data, "apikey": "canary-instance-token"}
    for name in ("openai", "kommo", "google", "evolution"):
        people.do("/faults", service=name, status=500, times=3)
    answers = [
        http.post("/webhook/evolution", params=token, json=body),
        http.post(
            "/webhook/evolution", params={"token": FORMER}, json={**body, "data": {**data, "key": {**key, "id": "CANARY2"}}}
        ),
        http.post("/webhook/evolution", params={"token": "wrong " + WORDS}, json=body),
        http.post("/webhook/evolution", params=token, content=f'{{"{WORDS}": '),
        http.post("/webhook/evolution", params=token, content="9" * 5000),
        http.post(
            "/webhook/kommo/events",
            headers={"x-marcado-token": token["token"]},
            content=f"a[{WORDS}]=1&token=canary-in-a-kommo-form",
        ),
        http.post("/webhook/kommo/events", params=token, content="&".join(["a=1"] * 100_000)),
        http.post("/panel/login", data={"password": PASSWORD + "x"}),
        http.get("/panel/conversations", params={"q": WORDS}),
        http.get("/nowhere", params={**token, "q": WORDS}),
        http.request("BREW", "/healthz", params=token),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 401, 400, 400, 200, 400, 401, 303, 404, 405]
    deadline = time.monotonic() + 60
    while not people.told():
        assert time.monotonic() < deadline, "no answer"
        time.sleep(0.1)
    change_table(database, "ALTER TABLE webhook RENAME TO webhook_away")
    answers.append(http.post("/webhook/evolution", params=token, json=body))
    assert answers[-1].status_code == 503
    change_table(database, "ALTER TABLE webhook_away RENAME TO webhook")
    return [*answers, http.get("/healthz"), http.get("/readyz"), http.get("/panel/login")]


def change_table(database: Path, statement: str) -> None:
    connection = sqlite3.connect(database, timeout=30)
    try:
        connection.execute(statement)
        connection.commit()
    finally:
        connection.close()


def found_in(content: bytes, *words: str) -> list[str]:
    return [word for word in words if word.encode() in content]
