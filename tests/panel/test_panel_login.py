"""Who gets in, for how long, and what a form must bring: the panel of a running service, over HTTP."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.routing import Mount, Route

from cli.people import People
from cli.settings import SettingsError
from cli.stack import Stack, sandbox_settings
from meetings.customers import is_paused
from panel.app import COOKIE
from panel.login import GUESSES_IN_ALL, GUESSES_PER_ADDRESS, GUESSES_WITHIN_MIN, SESSION_H, Guesses, Sessions, _network
from tests.meetings.meeting_scene import Clock
from tests.panel.panel_scene import (
    HELLO,
    NOW,
    PASSWORD,
    Operator,
    customer_named,
    operator,
    panel_stack,
    say,
    talk,
    words_of,
)

SECRET_WORDS = "minha conta é de 800 reais"


@pytest.fixture(scope="module")
def scene() -> Iterator[tuple[Stack, People]]:
    with panel_stack() as (stack, people):
        talk(stack, people, SECRET_WORDS, say(HELLO))
        yield stack, people


@pytest.fixture
def stack(scene: tuple[Stack, People]) -> Stack:
    # Every test starts with a clean record of guesses, a quarter of an hour after the one before.
    scene[0].sandbox.world.clock.advance(GUESSES_WITHIN_MIN * 60 + 1)
    return scene[0]


def panel_routes(stack: Stack) -> list[tuple[str, str]]:
    """Method and path of everything the panel serves, with a customer who exists."""
    (mount,) = (r for r in stack.service.app.routes if isinstance(r, Mount) and r.path == "/panel")
    routes = [r for r in mount.app.routes if isinstance(r, Route)]  # type: ignore[attr-defined]
    return [(m, r.path.replace("{customer_id}", "1")) for r in routes for m in sorted(r.methods or ())]


# --- without a login --------------------------------------------------------------------------------------------------


def test_without_a_password_there_is_no_panel() -> None:
    with panel_stack(PANEL_PASSWORD=None) as (stack, _), httpx.Client(base_url=stack.url, trust_env=False) as http:
        for path in ("/panel", "/panel/", "/panel/login", "/panel/conversations", "/panel/static/panel.css"):
            assert http.get(path).status_code == 404, path
        assert http.post("/panel/login", data={"password": ""}).status_code == 404


def test_no_route_gives_anything_to_a_stranger(stack: Stack) -> None:
    routes = panel_routes(stack)
    assert len(routes) >= 9
    name = customer_named(stack).name or ""
    for cookie in (None, "x", "eyJpZCI6IngiLCJ1bnRpbCI6OTk5OTk5OTk5OX0.AAAA"):
        with Operator(stack.url) as stranger:
            if cookie:
                stranger.http.cookies.set(COOKIE, cookie, path="/panel")
            for method, path in [*routes, ("GET", "/nothing"), ("POST", "/nothing"), ("DELETE", "/"), ("HEAD", "/meetings")]:
                answer = stranger.http.request(method, path)
                is_login = path == "/login"
                assert answer.status_code in ((200, 401) if is_login else (303,)), f"{method} {path}: {answer.status_code}"
                assert is_login or answer.headers["location"].startswith("/panel/login")
                assert name not in answer.text
                assert "800" not in answer.text
                assert answer.headers["cache-control"] == "no-store"


def test_static_files_hold_no_data_and_lead_nowhere_else(stack: Stack) -> None:
    with Operator(stack.url) as stranger:
        assert stranger.get("/static/panel.css").headers["content-type"].startswith("text/css")
        for path in ("/static/", "/static/../app.py", "/static/%2e%2e/app.py", "/static/nothing.css"):
            assert stranger.get(path).status_code in (303, 404), path


def test_every_answer_forbids_scripts_frames_and_keeping(stack: Stack) -> None:
    with operator(stack) as op:
        pages = [op.get(path) for path in ("/", "/conversations", "/conversations/1", "/meetings", "/nothing", "/login")]
    with Operator(stack.url) as stranger:
        pages += [stranger.get("/login"), stranger.get("/"), stranger.log_in("falsa")]
    for page in pages:
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "frame-ancestors 'none'" in policy
        assert (page.headers["x-content-type-options"], page.headers["cache-control"]) == ("nosniff", "no-store")
        assert "<script" not in page.text
        assert " style=" not in page.text


def test_the_address_without_a_slash_leads_to_the_panel_on_the_same_host(stack: Stack) -> None:
    answer = httpx.get(f"{stack.url}/panel", headers={"host": "internal:8000"}, trust_env=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/panel/")


# --- the password -----------------------------------------------------------------------------------------------------


def test_the_password_opens_the_panel_for_twelve_hours(stack: Stack) -> None:
    with Operator(stack.url) as op:
        answer = op.log_in()
        assert (answer.status_code, answer.headers["location"]) == (303, "/panel/")
        cookie = answer.headers["set-cookie"].lower()
        assert all(part in cookie for part in ("httponly", "samesite=strict", "path=/panel", f"max-age={SESSION_H * 3600}"))
        assert "secure" not in cookie  # this service is served over http
        stack.sandbox.world.clock.advance(SESSION_H * 3600 - 1)
        assert op.get("/").status_code == 200
        stack.sandbox.world.clock.advance(1)
        answer = op.get("/conversations/1")
        assert answer.headers["location"] == "/panel/login?next=%2Fconversations%2F1&note=again"
        assert "sessão terminou" in words_of(op.http.get("/login?note=again").text)


def test_the_cookie_is_for_https_alone_when_the_service_is_reached_that_way() -> None:
    with panel_stack(PUBLIC_URL="https://marcado.example/") as (stack, _), Operator(stack.url) as op:
        assert "secure" in op.log_in().headers["set-cookie"].lower()


@pytest.mark.parametrize("wrong", ["", PASSWORD[:-1], PASSWORD + "x", PASSWORD.upper(), "não é"])
def test_a_wrong_password_opens_nothing(stack: Stack, wrong: str) -> None:
    with Operator(stack.url) as op:
        answer = op.log_in(wrong)
        assert (answer.status_code, answer.headers.get("set-cookie")) == (401, None)
        assert "A senha não confere" in words_of(answer.text)
        assert op.get("/").status_code == 303


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        ("/conversations/1", "/panel/conversations/1"),
        ("/meetings", "/panel/meetings"),
        ("//evil.example", "/panel/"),
        ("https://evil.example/", "/panel/"),
        ("/conversations/1/../../../x", "/panel/"),
        ("/\\evil.example", "/panel/"),
        ("", "/panel/"),
    ],
)
def test_after_the_login_the_wanted_page_is_shown_if_it_is_ours(stack: Stack, wanted: str, shown: str) -> None:
    with Operator(stack.url) as op:
        assert op.log_in(next=wanted).headers["location"] == shown
        assert op.http.get("/login", params={"next": wanted}).headers["location"] == shown


def test_whoever_logs_out_is_out_even_with_the_old_cookie(stack: Stack) -> None:
    with operator(stack) as op:
        cookie = op.http.cookies[COOKIE]
        answer = op.post("/logout")
        assert (answer.status_code, answer.headers["location"]) == (303, "/panel/login?note=bye")
        assert COOKIE not in op.http.cookies
        op.http.cookies.set(COOKIE, cookie, path="/panel")
        assert op.get("/").status_code == 303


def test_a_logout_outlives_a_restart() -> None:
    with panel_stack() as (stack, _):
        with operator(stack) as op:
            cookie = op.http.cookies[COOKIE]
            op.post("/logout")
        stack.stop_service()
        stack.start_service()
        assert httpx.get(f"{stack.url}/panel/", cookies={COOKIE: cookie}, trust_env=False).status_code == 303


def test_sessions_outlive_a_restart_but_not_another_password() -> None:
    def status(stack: Stack, cookie: str) -> int:
        return httpx.get(f"{stack.url}/panel/", cookies={COOKIE: cookie}, trust_env=False).status_code

    with panel_stack() as (stack, _):
        with operator(stack) as op:
            cookie = op.http.cookies[COOKIE]
        stack.stop_service()
        stack.start_service()
        assert status(stack, cookie) == 200
        stack.stop_service()
        stack.overrides["PANEL_PASSWORD"] = "outra senha comprida"
        stack.start_service()
        assert status(stack, cookie) == 303


@pytest.mark.parametrize("given", ["curta", " " * 20, "onze letras"])
def test_a_short_password_keeps_the_service_from_starting_and_is_not_shown(given: str) -> None:
    urls = dict.fromkeys(("kommo", "google", "evolution", "openai"), "http://127.0.0.1:9")
    with pytest.raises(SettingsError) as refusal:
        sandbox_settings(urls, None, database=None, PANEL_PASSWORD=given)  # type: ignore[arg-type]
    assert "PANEL_PASSWORD" in str(refusal.value)
    assert "12" in str(refusal.value)
    assert "curta" not in str(refusal.value)


def test_accents_may_be_composed_either_way() -> None:
    sessions = Sessions("senha de Jo\u00e3o aqui", "pepper", lambda: NOW)
    assert sessions.knows("senha de Joa\u0303o aqui")
    assert not sessions.knows("senha de Joao aqui")


def test_a_cookie_signed_with_another_second_secret_opens_nothing() -> None:
    ours, theirs = (Sessions(PASSWORD, pepper, lambda: NOW) for pepper in ("a", "b"))
    assert ours.read(ours.begin()) is not None
    assert ours.read(theirs.begin()) is None


# --- guessing ---------------------------------------------------------------------------------------------------------


def test_after_five_wrong_passwords_an_address_must_wait_and_others_need_not(stack: Stack) -> None:
    with Operator(stack.url) as op, Operator(stack.url, address="127.0.0.2") as neighbour:
        assert [op.log_in(f"falsa {n}").status_code for n in range(GUESSES_PER_ADDRESS)] == [401] * GUESSES_PER_ADDRESS
        answer = op.log_in()  # the right one now
        assert (answer.status_code, answer.headers.get("set-cookie")) == (429, None)
        assert answer.headers["retry-after"] == str(GUESSES_WITHIN_MIN * 60)
        assert "Espere 15 minutos" in words_of(answer.text)
        assert neighbour.log_in().status_code == 303
        stack.sandbox.world.clock.advance(GUESSES_WITHIN_MIN * 60)
        assert op.log_in().status_code == 303


def test_the_right_password_forgives_earlier_mistakes(stack: Stack) -> None:
    with Operator(stack.url) as op:
        for _ in range(3):
            for n in range(GUESSES_PER_ADDRESS - 1):
                assert op.log_in(f"falsa {n}").status_code == 401
            assert op.log_in().status_code == 303


def test_many_addresses_together_must_wait_too() -> None:
    clock = Clock()
    guesses = Guesses(clock)
    for n in range(GUESSES_IN_ALL):
        assert guesses.wait_min(f"10.0.{n}.1") == 0
        guesses.was_wrong(f"10.0.{n}.1")
        clock.advance(seconds=1)
    assert guesses.wait_min("192.0.2.1") == GUESSES_WITHIN_MIN
    clock.advance(minutes=GUESSES_WITHIN_MIN)
    assert guesses.wait_min("192.0.2.1") == 0


@pytest.mark.parametrize(
    ("one", "other", "are_one"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "unknown", False),
    ],
)
def test_addresses_of_one_household_count_as_one(one: str, other: str, are_one: bool) -> None:
    assert (_network(one) == _network(other)) == are_one


# --- forms ------------------------------------------------------------------------------------------------------------


def paused(stack: Stack) -> bool:
    return is_paused(customer_named(stack), stack.now())


@pytest.mark.parametrize(
    ("data", "headers"),
    [
        ({}, {}),
        ({"form_token": ""}, {}),
        ({"form_token": "0" * 64}, {}),
        ({"form_token": "ção"}, {}),
        ("token", {"sec-fetch-site": "cross-site"}),
        ("token", {"sec-fetch-site": "same-site"}),
        ("token", {"origin": "https://evil.example"}),
        ("token", {"origin": "null"}),
    ],
    ids=str,
)
def test_a_form_that_is_not_ours_changes_nothing(stack: Stack, data: Any, headers: dict[str, str]) -> None:
    with operator(stack) as op:
        fields = {"form_token": op.token()} if data == "token" else data
        answer = op.http.post("/conversations/1/pause", data=fields, headers=headers)
        assert answer.status_code == 403
        assert "nada foi feito" in words_of(answer.text)
        assert not paused(stack)
        assert op.http.post("/logout", data=fields, headers=headers).status_code == 403
        assert op.get("/").status_code == 200


def test_the_token_of_another_session_is_not_accepted(stack: Stack) -> None:
    with operator(stack) as op, operator(stack) as other:
        assert op.http.post("/conversations/1/pause", data={"form_token": other.token()}).status_code == 403
        assert not paused(stack)


def test_a_login_from_another_site_is_refused(stack: Stack) -> None:
    with Operator(stack.url) as op:
        for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
            answer = op.http.post("/login", data={"password": PASSWORD}, headers=headers)
            assert (answer.status_code, answer.headers.get("set-cookie")) == (403, None)


def test_a_form_larger_than_any_of_ours_is_refused(stack: Stack) -> None:
    with Operator(stack.url) as op:
        assert op.log_in("x" * 10_000).status_code == 400


@pytest.mark.parametrize("headers", [{}, {"sec-fetch-site": "same-origin"}, {"origin": "OURS"}], ids=str)
def test_our_own_forms_are_accepted(stack: Stack, headers: dict[str, str]) -> None:
    sent = {name: stack.url if value == "OURS" else value for name, value in headers.items()}
    with operator(stack) as op:
        assert op.post("/conversations/1/pause", **sent).status_code == 303
        assert paused(stack)
        assert op.post("/conversations/1/resume", **sent).status_code == 303
        assert not paused(stack)


def test_behind_a_proxy_that_changes_the_host_the_public_address_is_ours() -> None:
    with panel_stack(PUBLIC_URL="https://marcado.example") as (stack, _), Operator(stack.url) as op:
        for origin, status in (("https://marcado.example", 303), ("https://evil.example", 403)):
            answer = op.http.post("/login", data={"password": PASSWORD}, headers={"origin": origin, "host": "10.0.0.5:8000"})
            assert answer.status_code == status, origin


def test_the_session_s_end_is_that_of_the_clock() -> None:
    clock = Clock()
    sessions = Sessions(PASSWORD, "pepper", clock)
    session = sessions.read(sessions.begin())
    assert session is not None
    assert session.until == clock() + timedelta(hours=SESSION_H)
