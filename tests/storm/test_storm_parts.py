"""What a storm is made of: its stories, its weather, the cued model, the comparison, and the command around them."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import storm_report
from cli.main import app
from cli.storm import Played
from cli.storm_plan import Act, StormError, good_answer, make_plan
from cli.storm_state import Left, differences
from meetings.business import Business, Criterion, load_business
from meetings.qualification import judge
from meetings.slots import Interval
from sandbox.clock import SandboxClock
from sandbox.openai.cues import check_cues, step_for
from sandbox.weather import Weather

BUSINESS = Path(__file__).parents[2] / "business.toml"
START = datetime.fromisoformat("2026-03-09T08:00:00-03:00")


def business() -> Business:
    return load_business(BUSINESS)


# Stories


def test_a_plan_has_as_many_flows_as_wanted_of_every_kind() -> None:
    plan = make_plan(business(), 200, START)
    assert plan.flows == 200
    assert {deed.act for person in plan.people for deed in person.story} == set(Act)


def test_nobody_stands_in_anybodys_way() -> None:
    plan, rules = make_plan(business(), 200, START), business().meetings
    taken: dict[str, list[Interval]] = {}
    for person in plan.people:
        for at in {deed.at for deed in person.story if deed.at}:
            assert person.seller is not None
            others = taken.setdefault(person.seller.name, [])
            assert not any(at.padded(rules.buffer_min).overlaps(other) for other in others)
            others.append(at)
    phones, codes = [p.phone for p in plan.people], [p.code for p in plan.people]
    assert len(set(phones)) == len(phones)
    assert len(set(codes)) == len(codes)


def test_the_same_seed_tells_the_same_stories() -> None:
    assert make_plan(business(), 40, START, seed=3) == make_plan(business(), 40, START, seed=3)
    assert make_plan(business(), 40, START, seed=3) != make_plan(business(), 40, START, seed=4)


def test_too_many_flows_are_refused_with_the_number_that_fits() -> None:
    with pytest.raises(StormError, match="--flows"):
        make_plan(business(), 1000, START)


@pytest.mark.parametrize(
    "wanted",
    [
        {"type": "money", "rule": {"min": 250}},
        {"type": "number", "rule": {"max": 12.5}},
        {"type": "number"},
        {"type": "yes_no", "rule": {"equals": False}},
        {"type": "yes_no"},
        {"type": "choice", "options": ["casa", "loja"], "rule": {"accept": ["loja"]}},
        {"type": "text"},
    ],
)
def test_the_good_answer_qualifies(wanted: dict[str, Any]) -> None:
    criterion = Criterion.model_validate({"name": "it", "question": "O quê?", **wanted})
    assert judge(criterion, good_answer(criterion)).qualifies


# Weather


def weather(seed: int = 1, strength: float = 1.0) -> Weather:
    clock = SandboxClock()
    clock.set(START)
    return Weather(seed, clock, strength=strength)


def test_a_seed_brings_the_same_faults_in_the_same_order() -> None:
    def drawn(of: Weather) -> list[Any]:
        faults = [of.fault("kommo") for _ in range(300)]
        return [f and (f.status, f.drop, f.after_write, f.delay_s) for f in faults] + [
            of.deliveries("kommo", "x") for _ in range(50)
        ]

    assert drawn(weather(5)) == drawn(weather(5))
    assert drawn(weather(5)) != drawn(weather(6))


def test_every_kind_of_trouble_comes_in_the_end() -> None:
    bad = weather(2)
    for _ in range(3000):
        for service in ("kommo", "google", "evolution", "openai"):
            bad.fault(service)
        bad.deliveries("kommo", "task[delete]")
    names = {name for _, name in bad.came}
    assert {"429", "429 with Retry-After", "500 before", "500 after the write", "timeout", "dropped after the write"} <= names
    assert {
        "HTML 403 block",
        "token expired",
        "403 rateLimitExceeded",
        "disconnected",
        "LICENSE_REQUIRED",
        "slow answer",
    } <= names
    assert {"webhook lost", "webhook doubled", "webhook reordered", "webhook an hour late"} <= names


def test_a_calm_day_brings_nothing() -> None:
    calm = weather(1, strength=0)
    assert [calm.fault("kommo") for _ in range(200)] == [None] * 200
    assert [calm.deliveries("kommo", "x") for _ in range(200)] == [[0.0]] * 200


def test_what_a_customer_wrote_is_never_an_hour_late_the_first_time() -> None:
    bad = weather(3, strength=4)
    first = [copies[0] for _ in range(500) if (copies := bad.deliveries("evolution", "messages.upsert"))]
    assert max(first) < 3600


def test_an_outage_ends_with_its_time_and_says_so() -> None:
    clock, switched = SandboxClock(), []
    clock.set(START)
    bad = Weather(1, clock, strength=1, switch=lambda name, begins: switched.append((name, begins)))
    while not switched:
        bad.fault("evolution")
    clock.advance(3600)
    bad.pass_on()
    assert switched[1] == (switched[0][0], False)


# The cued model


CUES = {
    "pedido abc": [
        {"call": {"check_availability": {"day": "2026-03-10"}}},
        {"call": {"create_meeting": {"option_at": "2026-03-10T10:00-03:00"}}, "otherwise": "Um momento."},
        {"say": "Pronto!", "only_after": "BOOKED", "otherwise": "Um momento."},
    ]
}


def said(*after: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "system", "content": "…"}, {"role": "user", "content": "Oi! (pedido abc)"}, *after]


def test_the_cued_model_follows_what_was_done_since_and_repeats_itself() -> None:
    ask, offers = (
        {"role": "assistant", "content": None},
        {"role": "tool", "content": "FREE: …\n2 | 2026-03-10T10:00-03:00 | terça"},
    )
    assert step_for(said(), CUES) == CUES["pedido abc"][0]
    assert step_for(said(), CUES) == CUES["pedido abc"][0]
    assert step_for(said(ask, offers), CUES) == {"call": {"create_meeting": {"option": 2}}}
    assert step_for(said(ask, {"role": "tool", "content": "NONE_FREE"}), CUES) == {"say": "Um momento."}
    booked = said(ask, offers, ask, {"role": "tool", "content": "BOOKED: …"})
    assert step_for(booked, CUES) == {"say": "Pronto!"}
    assert step_for([{"role": "user", "content": "outra coisa"}], CUES) is None


def test_a_cue_without_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="pedido"):
        check_cues({"pedido": [{"sing": "la"}]})


# The comparison


LEFT = Left(("Ana: 10 to 11",), ("open",), ("scheduled",), ("moved",), ("✅ Marcado", "🔁 mudou"), ("answered",), ("1 leads",))


def test_what_is_missing_too_much_or_in_another_order_is_a_difference() -> None:
    assert differences({"a": LEFT}, {"a": LEFT}) == []
    assert differences({"a": LEFT}, {}) == ["a: nothing is known of this customer"]
    assert differences({"a": LEFT}, {"a": replace(LEFT, events=())}) == ["a: events: missing 'Ana: 10 to 11'"]
    twice = replace(LEFT, told=(*LEFT.told, "✅ Marcado"))
    assert differences({"a": LEFT}, {"a": twice}) == ["a: told: too much '✅ Marcado'"]
    assert "another order" in differences({"a": LEFT}, {"a": replace(LEFT, told=LEFT.told[::-1])})[0]


# The command


def test_the_command_names_the_seed_and_how_to_repeat_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def pretend(*_: object, weather_seed: int | None, **__: object) -> Played:
        left = replace(LEFT, events=()) if weather_seed == 2 else LEFT
        return Played(left={"a": left}, weather=Counter({("kommo", "429"): 3}))

    monkeypatch.setattr(storm_report, "play", pretend)
    done = CliRunner().invoke(app, ["storm", "--seeds", "2", "--flows", "9", "--business", str(BUSINESS)])
    assert done.exit_code == 1
    assert f"marcado storm --seed 2 --flows 9 --business {BUSINESS}" in done.output.replace("\n", "")
    assert "missing 'Ana: 10 to 11'" in done.output
    good = CliRunner().invoke(app, ["storm", "--seed", "1", "--flows", "9", "--business", str(BUSINESS)])
    assert good.exit_code == 0


def test_a_file_that_can_not_be_played_is_explained(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["storm", "--business", str(tmp_path / "none.toml")])
    assert done.exit_code == 2
    many = CliRunner().invoke(app, ["storm", "--flows", "1000", "--business", str(BUSINESS)])
    assert many.exit_code == 2
    assert "--flows" in many.output


def test_the_times_of_a_plan_are_aware() -> None:
    plan = make_plan(business(), 20, START)
    assert all(deed.at.starts_at.tzinfo == UTC for person in plan.people for deed in person.story if deed.at)
