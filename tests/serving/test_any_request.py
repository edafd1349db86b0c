"""Schemathesis plays every route of the app and the panel, as a stranger and as who belongs there: no request breaks anything."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from starlette.routing import Mount

from cli.stack import SANDBOX_TOKEN, Stack
from panel.app import AT

# Schemathesis draws at random within its strategies, which hypothesis advises against.
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisDeprecationWarning")]
ROOT, PASSWORD = Path(__file__).parents[2], "uma senha bem comprida"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    # A silence of a minute: nothing is answered here, only taken in.
    overrides = {"DEBOUNCE_SILENCE_S": 60, "DEBOUNCE_CAP_S": 300, "PANEL_PASSWORD": PASSWORD}
    with Stack(business_file=ROOT / "business.toml", overrides=overrides) as served:
        yield served


@pytest.fixture(scope="module")
def cookie(stack: Stack) -> str:
    answer = httpx.post(f"{stack.url}{AT}/login", data={"password": PASSWORD}, trust_env=False)
    return answer.headers["set-cookie"].partition(";")[0]


def play(app: FastAPI, judge: Callable[[Case], None]) -> None:
    """Lets `judge` see requests to every route, as they should be and as they should not."""
    routes = [found.ok() for found in schemathesis.openapi.from_dict(app.openapi()).get_all_operations()]
    assert routes
    for route in routes:

        @given(
            case=route.as_strategy(generation_mode=GenerationMode.POSITIVE)
            | route.as_strategy(generation_mode=GenerationMode.NEGATIVE)
        )
        @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
        def try_out(case: Case) -> None:
            judge(case)

        try_out()


def panel_of(stack: Stack) -> FastAPI:
    [mounted] = [route.app for route in stack.service.app.routes if isinstance(route, Mount) and route.path == AT]
    assert isinstance(mounted, FastAPI)
    return mounted


def test_a_stranger_gets_a_refusal_and_nothing_else(stack: Stack) -> None:
    def judge(case: Case) -> None:
        answer = call(case, stack.url)
        assert answer.status_code < 500
        assert answer.status_code != 200 or case.path in ("/healthz", "/readyz")

    play(stack.service.app, judge)


def test_who_knows_the_token_breaks_nothing_either(stack: Stack) -> None:
    def judge(case: Case) -> None:
        answer = call(case, stack.url, params={"token": SANDBOX_TOKEN})
        assert answer.status_code in (200, 400, 404, 405, 413, 422)

    play(stack.service.app, judge)


def test_the_panel_shows_strangers_its_login_at_most(stack: Stack) -> None:
    def judge(case: Case) -> None:
        answer = call(case, stack.url + AT)
        assert answer.status_code < 500
        assert answer.status_code != 200 or case.path == "/login"

    play(panel_of(stack), judge)


def test_the_panel_breaks_for_nobody_who_is_logged_in(stack: Stack, cookie: str) -> None:
    def judge(case: Case) -> None:
        assert call(case, stack.url + AT, headers={"cookie": cookie}).status_code < 500

    play(panel_of(stack), judge)


def test_no_description_of_the_routes_is_served(stack: Stack) -> None:
    for path in ("/openapi.json", "/docs", "/redoc", f"{AT}/openapi.json", f"{AT}/docs"):
        assert httpx.get(stack.url + path, trust_env=False).status_code in (303, 404), path


def call(case: Case, base_url: str, **more: Any) -> Any:
    answer = case.call(base_url=base_url, allow_redirects=False, **more)
    assert "Traceback" not in answer.text
    assert SANDBOX_TOKEN not in answer.text
    return answer
