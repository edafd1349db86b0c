"""Logging in at Google: the credentials file, one token for all threads, tokens that expire, are revoked or can't be had."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from outside_world import ANA, QUICK, OutsideWorld, calls, closed_port, failure, logged

from clients.calendar import CalendarClient, CredentialsFileError
from clients.errors import LoginRefusedError, UnreachableError

ROBOT = "marcado@solclaro.iam.gserviceaccount.com"
START = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)
END = START + timedelta(minutes=30)


def read(calendar):
    return calendar.free_busy([ANA], START, END)


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


@pytest.fixture
def key_info(world: OutsideWorld, private_key: str) -> dict[str, str]:
    """What Google hands out as a service account's key, with the login server of the sandbox."""
    return {
        "type": "service_account",
        "project_id": "solclaro",
        "private_key_id": "0123456789abcdef",
        "private_key": private_key,
        "client_email": ROBOT,
        "client_id": "100000000000000000001",
        "token_uri": f"{world.url('google')}/token",
    }


@pytest.fixture
def key_file(tmp_path: Path, key_info: dict[str, str], world: OutsideWorld) -> Path:
    world.control("/calendar/options", require_token=True)
    return written(tmp_path, key_info)


def written(tmp_path: Path, info: object) -> Path:
    path = tmp_path / "google.json"
    path.write_text(json.dumps(info), encoding="utf-8")
    return path


def logins(world: OutsideWorld) -> int:
    return len(world.requests("google", "/token"))


def error_of(world: OutsideWorld, path: Path, **more):
    return world.calendar(lambda calendar: failure(read(calendar)), credentials_file=path, **more)


# A token


def test_a_service_account_logs_in_and_reads(world, key_file):
    assert world.calendar(read, credentials_file=key_file) == {ANA: []}
    [token] = world.state("google")["tokens"]
    assert (token["user"], token["service_account"]) == (ROBOT, True)
    assert sorted(token["scopes"]) == ["calendar.events", "calendar.freebusy"]


def test_without_a_file_a_server_that_wants_a_token_refuses(world):
    world.control("/calendar/options", require_token=True)
    error = world.calendar(lambda calendar: failure(read(calendar)))
    assert (type(error), error.detail) == (LoginRefusedError, "status 401, authError")


async def fifty(calendar):
    return await asyncio.gather(*(read(calendar) for _ in range(50)))


def test_one_token_serves_fifty_calls_at_once(world, key_file):
    assert world.calendar(fifty, credentials_file=key_file) == [{ANA: []}] * 50
    assert logins(world) == 1


def test_a_token_that_the_server_lets_expire_is_renewed_once_for_all_threads(world, key_file):
    async def work(calendar):
        await read(calendar)
        world.control("/calendar/tokens/expire")
        return await fifty(calendar)

    assert world.calendar(work, credentials_file=key_file) == [{ANA: []}] * 50
    assert logins(world) == 2


def test_a_token_near_its_end_is_renewed_before_it_is_refused(world, key_file):
    world.reset(google={"require_token": True, "tokens": {"short-lived": {"user": ANA}}})
    body = {"access_token": "short-lived", "expires_in": 60, "token_type": "Bearer"}
    world.fault("google", path="/token", status=200, body=body)

    async def work(calendar):
        return await read(calendar), await read(calendar)

    assert world.calendar(work, credentials_file=key_file) == ({ANA: []}, {ANA: []})
    assert world.asked("google") == ["POST /token", "POST /calendar/v3/freeBusy"] * 2


def test_a_token_that_is_taken_back_is_replaced_when_a_new_one_is_given(world, key_file):
    async def work(calendar):
        await read(calendar)
        [token] = world.state("google")["tokens"]
        world.control("/calendar/tokens/revoke", who=token["token"])
        return await read(calendar)

    assert world.calendar(work, credentials_file=key_file) == {ANA: []}
    assert logins(world) == 2


def test_an_account_whose_access_is_revoked_needs_a_person_until_it_is_given_back(world, key_file):
    async def work(calendar):
        await read(calendar)
        world.control("/calendar/tokens/revoke", who=ROBOT)
        error = await failure(read(calendar))
        world.control("/calendar/tokens/restore")
        return error, await read(calendar)

    error, busy = world.calendar(work, credentials_file=key_file)
    assert (type(error), error.detail) == (LoginRefusedError, "RefreshError: is GOOGLE_CREDENTIALS_FILE still valid?")
    assert busy == {ANA: []}
    assert len(world.requests("google", "/token")) == 3  # the refusal was not asked for twice


def test_a_server_that_refuses_every_token_is_not_asked_for_ever(world, key_file):
    world.fault("google", path="/freeBusy", status=401, times=-1)
    assert type(error_of(world, key_file)) is LoginRefusedError
    assert (logins(world), len(world.requests("google", "/freeBusy"))) == (2, 2)


# A login server in trouble


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500},
        {"status": 503},
        {"status": 429, "body": {"error": "rate_limited"}},
        {"status": 200, "body": "<html>Log in to the hotel's network</html>"},
        {"drop": "before"},
        {"drop": "after"},
    ],
)
def test_a_token_that_cannot_be_had_just_now_is_asked_for_again_a_few_times(world, key_file, answer):
    world.fault("google", path="/token", times=1, **answer)
    assert world.calendar(read, credentials_file=key_file) == {ANA: []}
    world.reset()
    world.fault("google", path="/token", times=-1, **answer)
    error = error_of(world, key_file)
    assert (type(error), error.detail) == (UnreachableError, "no token: the login server did not answer")
    assert world.requests("google", "/freeBusy") == []
    if "status" in answer:
        assert logins(world) == QUICK.attempts


def test_a_login_server_that_is_not_there_is_unreachable(world, tmp_path, key_info):
    path = written(tmp_path, {**key_info, "token_uri": f"http://127.0.0.1:{closed_port()}/token"})
    assert type(error_of(world, path)) is UnreachableError


def test_a_login_server_that_hangs_is_unreachable_for_everybody(world, key_file):
    world.fault("google", path="/token", hold="before", times=-1)

    async def work(calendar):
        errors = await asyncio.gather(*(failure(read(calendar)) for _ in range(8)))
        world.control("/faults/release")
        return errors

    errors = world.calendar(work, credentials_file=key_file, timeout_s=0.2)
    assert {type(error) for error in errors} == {UnreachableError}


@pytest.mark.parametrize("status", [400, 401, 302])
def test_a_login_server_that_says_no_is_believed(world, key_file, status):
    world.fault("google", path="/token", status=status, body={"error": "invalid_grant"}, headers={"location": "/x"}, times=-1)
    assert type(error_of(world, key_file)) is LoginRefusedError
    assert world.asked("google") == ["POST /token"]


# What else goes over the wire

_heard: set[str] = set()
_is_listening = False


def _note(event: str, args: tuple[object, ...]) -> None:
    if _is_listening and event == "socket.getaddrinfo":
        _heard.add(str(args[0]))


sys.addaudithook(_note)


@contextlib.contextmanager
def hosts_looked_up() -> Iterator[set[str]]:
    global _is_listening  # noqa: PLW0603 (an audit hook can't be taken away again)
    _heard.clear()
    _is_listening = True
    try:
        yield _heard
    finally:
        _is_listening = False


def test_no_host_but_the_configured_ones_is_asked(world, key_file):
    with hosts_looked_up() as hosts:
        world.calendar(fifty, credentials_file=key_file)
    assert hosts == {"127.0.0.1"}


def test_neither_the_token_nor_the_key_is_logged(world, key_file, private_key):
    async def work(calendar):
        await read(calendar)
        world.control("/calendar/tokens/expire")
        world.fault("google", path="/token", status=503)
        await read(calendar)
        world.control("/calendar/tokens/revoke", who=ROBOT)
        return await failure(read(calendar))

    with logged() as entries:
        error = world.calendar(work, credentials_file=key_file)
    said = f"{entries} {error} {error!r}"
    secrets = [token["token"] for token in world.state("google")["tokens"]] + [private_key.splitlines()[1], "ya29", "eyJ"]
    assert [secret for secret in secrets if secret in said] == []
    assert [entry["status"] for entry in calls(entries)][-1] == "TokenRefusedError"


# The file


def test_a_users_own_token_is_used_while_it_lives(world, tmp_path):
    world.reset(google={"require_token": True, "tokens": {"users-token": {"user": ANA}}})
    until = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    info = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r", "token": "users-token"}
    path = written(tmp_path, {**info, "expiry": until})
    assert world.calendar(read, credentials_file=path) == {ANA: []}
    assert logins(world) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"private_key": "-----BEGIN PRIVATE KEY-----\nbm8ga2V5\n-----END PRIVATE KEY-----\n"},
        {"private_key": "none"},
        {"private_key": None},
        {"client_email": ...},
        {"token_uri": ...},
        {"private_key": ...},
        {"type": ...},
        {"type": "external_account"},
        {"type": ["service_account"]},
        {"type": "authorized_user"},
    ],
)
def test_a_file_that_is_no_usable_key_is_named_with_the_reason(tmp_path, key_info, private_key, change):
    info = {name: value for name, value in {**key_info, **change}.items() if value is not ...}
    path = written(tmp_path, info)
    with pytest.raises(CredentialsFileError) as refused:
        CalendarClient(path)
    assert str(path) in str(refused.value)
    assert private_key.splitlines()[1] not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"not json", b"[]", b'"text"', b"\xff\xfe", b"null"])
def test_a_file_that_is_no_json_object_is_named(tmp_path, content):
    path = tmp_path / "google.json"
    path.write_bytes(content)
    with pytest.raises(CredentialsFileError, match=r"google\.json"):
        CalendarClient(path)


def test_an_encrypted_key_is_named(tmp_path, key_info):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encryption = serialization.BestAvailableEncryption(b"password")
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption).decode()
    with pytest.raises(CredentialsFileError):
        CalendarClient(written(tmp_path, {**key_info, "private_key": pem}))


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(CredentialsFileError, match=path.name):
            CalendarClient(path)
