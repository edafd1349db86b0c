"""Each model call is counted once: answered, refused, failed, or in a turn that was killed. And a turn's calls have an end."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cli.people import People
from cli.stack import SANDBOX_VALUES, Stack, sandbox_urls
from cli.wiring import Service
from clients.transport import RetryPolicy
from meetings.tables import Turn
from sandbox.faults import Fault
from sandbox.openai.wire import prompt_tokens
from sandbox.server import Sandbox
from tests.processes import ROOT, Running, environment

Json = dict[str, Any]
GOOD: list[Json] = [
    {"record_qualification": {"criterion": "bill", "value": "800", "quote": "800 reais"}},
    {"record_qualification": {"criterion": "property", "value": "casa", "quote": "casa"}},
    {"record_qualification": {"criterion": "owner", "value": "sim", "quote": "sou o dono"}},
]
LOOK: Json = {"call": {"get_meeting": {}}}
CLAIM: Json = {"say": "Sua visita está marcada!"}


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[Stack, People]]]:
    with ExitStack() as running:

        def start(**overrides: Any) -> tuple[Stack, People]:
            sandbox = running.enter_context(Sandbox())
            stack = Stack(
                business_file=ROOT / "business.toml",
                sandbox=sandbox,
                overrides={"DEBOUNCE_SILENCE_S": 0, **overrides},
                retry=RetryPolicy(attempts=1),
            )
            running.enter_context(stack)
            people = People(sandbox.control_url)
            running.callback(people.close)
            return stack, people

        yield start


def talk(stack: Stack, people: People, text: str, *steps: Json) -> None:
    people.do("/model/script", steps=list(steps))
    people.customer_says(text)
    stack.settle()
    assert not people.state()["openai"]["remaining"]


def turns(stack: Stack) -> list[Turn]:
    async def read(service: Service) -> list[Turn]:
        async with service.db.transaction() as session:
            return list(await session.scalars(select(Turn).order_by(Turn.started_at, Turn.id)))

    found: list[Turn] = stack.call(read)
    return found


def asked(stack: Stack) -> list[Json]:
    """The requests that reached the model's provider."""
    found: list[Json] = stack.sandbox.world.services["openai"].state.requests
    return found


def wait_until(condition: Callable[[], bool], bound_s: float = 20) -> None:
    deadline = time.monotonic() + bound_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def test_calls_and_tokens_of_an_answer_are_those_of_the_provider(serve: Callable[..., Any]) -> None:
    stack, people = serve()
    talk(stack, people, "Oi", LOOK, {"say": "Oi!"})
    (turn,) = turns(stack)
    assert (turn.outcome, turn.model_calls, turn.refused) == ("answered", 2, 0)
    assert turn.input_tokens == sum(prompt_tokens(body) for body in asked(stack))
    assert turn.input_tokens > turn.cached_tokens >= 1024  # the second call begins as the first did
    assert turn.output_tokens > 0


@pytest.mark.long
def test_refused_replies_and_their_calls_are_counted(serve: Callable[..., Any]) -> None:
    stack, people = serve()
    talk(stack, people, "Oi", CLAIM, CLAIM)
    talk(stack, people, "Oi?")  # a person has taken over
    talk_turn = turns(stack)[0]
    assert (talk_turn.outcome, talk_turn.model_calls, talk_turn.refused) == ("refused", 2, 2)
    assert talk_turn.input_tokens == sum(prompt_tokens(body) for body in asked(stack))


def test_a_reply_refused_once_is_one_refusal_of_an_answered_turn(serve: Callable[..., Any]) -> None:
    stack, people = serve()
    talk(stack, people, "Oi", CLAIM, {"say": "Oi!"})
    (turn,) = turns(stack)
    assert (turn.outcome, turn.model_calls, turn.refused) == ("answered", 2, 1)


@pytest.mark.long
def test_calls_of_a_turn_that_failed_are_counted(serve: Callable[..., Any]) -> None:
    stack, people = serve()
    talk(stack, people, "Oi", LOOK, {"error": {"status": 400, "message": "no"}}, LOOK, {"say": "Oi!"})
    failed, answered = turns(stack)
    assert (failed.outcome, failed.model_calls, answered.outcome, answered.model_calls) == ("failed", 2, "answered", 2)
    assert failed.input_tokens == prompt_tokens(asked(stack)[0])  # the call that was refused reports none
    assert answered.input_tokens == sum(prompt_tokens(body) for body in asked(stack)[2:])


def test_the_first_models_failed_call_is_counted_beside_the_seconds(serve: Callable[..., Any]) -> None:
    stack, people = serve(OPENAI_FALLBACK_MODEL="marcado-second")
    talk(stack, people, "Oi", {"error": {"status": 400, "message": "no"}}, {"say": "Oi!"})
    (turn,) = turns(stack)
    assert (turn.outcome, turn.model_calls) == ("answered", 2)
    assert turn.input_tokens == prompt_tokens(asked(stack)[1])


@pytest.mark.long
def test_a_turn_that_was_killed_counts_no_call_twice(serve: Callable[..., Any]) -> None:
    stack, people = serve()
    people.do(
        "/model/script",
        steps=[
            {"calls": GOOD},
            {"call": {"check_availability": {}}},
            {"call": {"create_meeting": {"option": 1}}},
            {"call": {"save_link_to_kommo": {}}},
            {"say": "Combinado!"},
        ],
    )
    hold = stack.sandbox.world.faults.add(Fault(service="kommo", method="POST", path="/tasks$", hold="before"))
    people.customer_says("conta de 800 reais, casa, sou o dono, pode marcar o primeiro")
    wait_until(lambda: hold.hits == 1)  # in the middle of the tools, after several calls of the model
    stack.call(lambda service: service.lanes.stop(drain_s=0))
    stack.sandbox.world.faults.clear()
    stack.stop_service()
    stack.start_service()
    stack.settle()
    (turn,) = turns(stack)
    assert (turn.outcome, turn.model_calls) == ("answered", 5)
    assert turn.input_tokens == sum(prompt_tokens(body) for body in asked(stack))


@pytest.mark.long
def test_the_limit_holds_for_both_tries_at_a_reply_together(serve: Callable[..., Any]) -> None:
    stack, people = serve(MODEL_CALLS_PER_TURN=4)
    talk(stack, people, "Oi", LOOK, LOOK, CLAIM, LOOK)
    assert len(asked(stack)) == 4
    (turn,) = turns(stack)
    assert (turn.outcome, turn.model_calls, turn.refused) == ("refused", 4, 1)
    (told,) = people.told()
    assert "Vou pedir para um vendedor" in told
    assert [t for t in people.state()["kommo"]["tasks"] if t["task_type_id"] == 1]


def test_a_model_that_only_calls_tools_ends_with_a_person_and_is_not_asked_again(serve: Callable[..., Any]) -> None:
    stack, people = serve(MODEL_CALLS_PER_TURN=3)
    talk(stack, people, "Oi", LOOK, LOOK, LOOK)
    assert len(asked(stack)) == 3
    (turn,) = turns(stack)
    assert (turn.outcome, turn.model_calls, turn.refused) == ("refused", 3, 0)


@pytest.mark.long
def test_the_command_shows_what_was_counted_while_the_service_runs(serve: Callable[..., Any], tmp_path: Path) -> None:
    stack, people = serve()
    talk(
        stack,
        people,
        "conta de 800 reais, casa, sou o dono",
        {"calls": GOOD},
        {"call": {"check_availability": {}}},
        {"say": "1?"},
    )
    talk(stack, people, "a 1", CLAIM, {"call": {"create_meeting": {"option": 1}}}, {"say": "Combinado!"})
    settings = {**SANDBOX_VALUES, **sandbox_urls(stack.sandbox.urls), "BUSINESS_FILE": ROOT / "business.toml"}
    prices = {"MODEL_PRICE_INPUT": 0.4, "MODEL_PRICE_CACHED": 0.1, "MODEL_PRICE_OUTPUT": 1.6}
    env = environment(**settings, **prices, DATABASE_URL=f"sqlite:///{stack.database}", LOCALE="en", COLUMNS=160)

    def command(*arguments: str, env: dict[str, str] = env) -> str:
        with Running("-m", "cli", "usage", *arguments, cwd=tmp_path, env=env) as process:
            assert process.ended() == 0, process.output
        return process.output

    first, second = turns(stack)
    tokens = first.input_tokens + second.input_tokens
    data = json.loads(command("--json", "--by", "meeting"))
    (row,) = data["rows"]
    assert (row["turns"], row["model_calls"], row["input_tokens"], row["refused"]) == (2, 6, tokens, 1)
    assert (row["name"], row["status"], data["booked_meetings"]["count"]) == ("Maria Souza", "scheduled", 1)
    cached, output = data["total"]["cached_tokens"], data["total"]["output_tokens"]
    assert row["usd"] == round((0.4 * (tokens - cached) + 0.1 * cached + 1.6 * output) / 1e6, 6) > 0
    assert data["booked_meetings"]["average_of_their_own_turns"]["model_calls"] == 6
    shown = command("--by", "customer", "--since", "2020-01-01")
    for part in ("Maria Souza", f"{tokens:,}", "US$", "only the turns that led to it", "Jan 1, 2020"):
        assert part in shown, shown
    later = command("--since", "2999-01-01", env=environment(**settings, DATABASE_URL=f"sqlite:///{stack.database}", LOCALE="en"))
    assert "No meeting was booked" in later
    assert "US$" not in later


def test_the_command_says_so_when_there_is_no_database(tmp_path: Path) -> None:
    settings = {**SANDBOX_VALUES, "BUSINESS_FILE": ROOT / "business.toml", "GOOGLE_CALENDAR_ENDPOINT": "http://127.0.0.1:1"}
    urls = {"KOMMO_BASE_URL": "http://127.0.0.1:1", "EVOLUTION_BASE_URL": "http://127.0.0.1:1"}
    env = environment(**settings, **urls, DATABASE_URL=f"sqlite:///{tmp_path}/none.sqlite", LOCALE="en", COLUMNS=200)
    with Running("-m", "cli", "usage", cwd=tmp_path, env=env) as process:
        assert process.ended() == 2
    assert "There is no database" in process.output
    assert not (tmp_path / "none.sqlite").exists()
