"""`marcado eval`: scenarios as an exam, for the sandbox's stand-in and for a model at another address."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.eval_customer import asked_about
from cli.eval_report import ComparisonError, compare, read_earlier
from cli.evaluation import Exam, ModelAccess, find_scenarios, model_access, pass_hat
from cli.scenario_schema import ScenarioError, load_scenario
from cli.settings import Settings, SettingsError
from meetings.business import load_business
from sandbox.server import Sandbox
from tests.processes import ROOT, Running, environment

pytestmark = pytest.mark.long  # minutes of whole conversations

BUSINESS = ROOT / "business.toml"
CONVERSATIONS = ROOT / "tests" / "conversations"
ASKED_ONE_BY_ONE = """
title: The agent asks in its own order
answers: {bill: ["mil e pouco", "1.150 reais"], property: "é uma casa", owner: "sim, sou eu"}
given: {now: 2026-03-09T09:00:00-03:00}
talk:
  - customer: "Oi, quero saber de energia solar"
    model: [{say: "never said in an exam"}]
  - customer: "never said in an exam"
    choose: 2026-03-11T10:00:00-03:00
  - seller: {delete_task: true}
afterwards:
  events: [{start: 2026-03-11T10:00:00-03:00, cancelled: true}]
  tasks: []
  meeting_status: cancelled
  facts_told: ["assistente virtual", "/11 de marco de 2026, as 10:00/", "foi cancelada"]
  never_told: ["never said"]
  told: ["words that only a script has"]
  replies: 1
"""
IMPOSSIBLE = """
title: Nobody can book on a Sunday
given: {now: 2026-03-09T09:00:00-03:00}
talk:
  - customer: "Oi! Minha conta é de 800 reais, é uma casa e sou o dono. Quero domingo"
    choose: 2026-03-15T10:00:00-03:00
  - seller: {complete_task: true}
afterwards:
  meeting_status: completed
"""
PERSON = """
title: Wants a person
goal: "Quer falar com uma pessoa"
given: {now: 2026-03-09T09:00:00-03:00}
talk:
  - customer: "Quero falar com uma pessoa"
    model: [{call: {hand_off_to_seller: {reason: x}}}, {say: "Claro! Um vendedor vai continuar."}]
afterwards:
  handed_off: true
  events: []
"""


def tales(folder: Path, **texts: str) -> Path:
    where = folder / "tales"
    where.mkdir()
    for name, text in texts.items():
        (where / f"{name}.yaml").write_text(text, encoding="utf-8")
    return where


def run_eval(folder: Path, *arguments: str, **env: Any) -> tuple[int, str]:
    """Exit code and output of `marcado eval` as another process, in English."""
    command = ("-m", "cli", "eval", *arguments, "--business", str(BUSINESS))
    with Running(*command, cwd=folder, env=environment(LOCALE="en", COLUMNS=160, **env)) as process:
        return process.ended(110), process.output


def test_the_stand_in_sits_an_exam_and_what_it_does_not_manage_is_said(tmp_path: Path) -> None:
    where = tales(
        tmp_path, asked=ASKED_ONE_BY_ONE, impossible=IMPOSSIBLE, scripted=ASKED_ONE_BY_ONE + "only_scripted: needs a lie\n"
    )
    code, output = run_eval(tmp_path, str(where), "--out", "out", "--price-in", "1", "--price-out", "10")
    assert code == 0, output
    assert "What the stand-in (marcado-stand-in) does not manage:" in output
    assert "impossible: step 2: there is no meeting task in Kommo yet" in output
    assert "✘ asked" not in output
    assert "scripted: needs a lie" in output
    assert "marcado-stand-in: 1 of 2 scenarios passed in all 1 runs; pass^1 50%, pass^k 50%" in output
    assert "a set of rules, not a language model" in output

    data = json.loads((tmp_path / "out" / "eval.json").read_text(encoding="utf-8"))
    assert (data["model"], data["customer"], data["runs"]) == ("marcado-stand-in", "scripted", 1)
    assert data["left_out"] == {"scripted": "needs a lie"}
    asked, impossible = data["scenarios"]["asked"]["runs"][0], data["scenarios"]["impossible"]["runs"][0]
    assert asked["passed"], asked["complaints"]
    assert impossible["complaints"][1] == "meeting_status on the lead is None, not 'completed'"
    assert asked["turns"] >= 6
    assert asked["model_calls"] > asked["turns"]
    assert asked["input_tokens"] > asked["cached_tokens"] > 0
    assert asked["cost"] == pytest.approx((asked["input_tokens"] + 10 * asked["output_tokens"]) / 1e6)
    assert data["summary"]["input_tokens"] == asked["input_tokens"] + impossible["input_tokens"]

    transcript = (tmp_path / "out" / asked["transcript"]).read_text(encoding="utf-8")
    assert transcript.startswith("# asked (1): passed\n\nThe agent asks in its own order\n")
    said = [line.partition("**: ")[2] for line in transcript.splitlines() if line.startswith("**Maria Souza**")]
    assert said[:5] == ["Oi, quero saber de energia solar", "mil e pouco", "1.150 reais", "é uma casa", "sim, sou eu"]
    assert said[-1].startswith("Quero a opção ")
    assert "**Marcado**: ✅ Marcado, Maria!" in transcript
    assert "- ✘ step 2: there is no meeting task" in (tmp_path / "out" / "impossible-1.md").read_text(encoding="utf-8")


def test_an_exam_is_compared_with_an_earlier_one_and_strict_makes_a_failure_an_error(tmp_path: Path) -> None:
    where = tales(tmp_path, impossible=IMPOSSIBLE, person=PERSON)
    run = {"input_tokens": 10, "output_tokens": 1}
    earlier = {
        "format": 1,
        "model": "another-model",
        "started_at": "2026-03-01T10:00:00+00:00",
        "scenarios": {
            name: {"pass_1": rate, "runs": [run]} for name, rate in (("impossible", 1.0), ("person", 0.5), ("old", 1.0))
        },
    }
    (tmp_path / "earlier.json").write_text(json.dumps(earlier), encoding="utf-8")
    code, output = run_eval(tmp_path, str(where), "--compare", "earlier.json", "--strict")
    assert code == 1, output
    assert "Compared with the exam of another-model at 2026-03-01T10:00:00+00:00:" in output
    assert "▲ person: 50% → 100%" in output
    assert "▼ impossible: 100% → 0%" in output
    assert "no longer there: old" in output
    assert "pass^1 75% → 50%; tokens 22 → " in output
    (written,) = (tmp_path / "var" / "eval").glob("*/eval.json")
    assert set(json.loads(written.read_text(encoding="utf-8"))["scenarios"]) == {"impossible", "person"}


def test_a_model_at_another_address_answers_and_only_its_settings_are_needed(tmp_path: Path) -> None:
    where = tales(tmp_path, person=PERSON)
    with Sandbox({}, {"openai": {"api_key": "a-real-key"}}) as provider:
        env = {
            "OPENAI_API_KEY": "a-real-key",
            "OPENAI_BASE_URL": f"{provider.urls['openai']}/v1",
            "KOMMO_BASE_URL": provider.urls["kommo"],
        }
        code, output = run_eval(tmp_path, str(where), "--model", "big-model", "--runs", "2", "--out", "out", **env)
        seen = list(provider.world.requests)
        asked = provider.world.snapshot()["openai"]["requests"]
    assert code == 0, output
    assert {request["service"] for request in seen} == {"openai"}, "only the model may be somebody else's"
    assert asked == 4
    assert "big-model: 1 of 1 scenarios passed in all 2 runs; pass^1 100%, pass^k 100%" in output
    assert "pass^2" in output
    data = json.loads((tmp_path / "out" / "eval.json").read_text(encoding="utf-8"))
    assert data["model"] == "big-model"
    assert [run["passed"] for run in data["scenarios"]["person"]["runs"]] == [True, True]
    assert (tmp_path / "out" / "person-2.md").is_file()
    assert "a-real-key" not in output + json.dumps(data)


def test_a_second_model_plays_the_customer_until_it_ends_the_talk(tmp_path: Path) -> None:
    where = tales(tmp_path, person=PERSON, without=IMPOSSIBLE)
    steps = [
        {"say": "oi"},
        {"say": "Oi, Maria! Aqui é a Clara, assistente virtual da Sol Claro Energia. Qual é o valor médio da sua conta de luz?"},
        {"say": "quero uma pessoa, nada de robô"},
        {"call": {"hand_off_to_seller": {"reason": "pediu"}}},
        {"say": "Claro! Um vendedor vai continuar por aqui."},
        {"say": "obrigada [END]"},
    ]
    with Sandbox({}, {"openai": {"steps": steps}}) as provider:
        env = {"OPENAI_API_KEY": "sandbox-openai-key", "OPENAI_BASE_URL": f"{provider.urls['openai']}/v1"}
        code, output = run_eval(tmp_path, str(where), "--model", "m", "--customer", "simulated", "--out", "out", **env)
        left = provider.world.snapshot()["openai"]
        first = provider.world.services["openai"].state.requests[0]
    assert code == 0, output
    assert (left["remaining"], left["unexpected"]) == ([], [])
    assert "Quer falar com uma pessoa" in first["messages"][0]["content"]
    assert "without: the scenario does not say what the customer wants (goal)" in output
    data = json.loads((tmp_path / "out" / "eval.json").read_text(encoding="utf-8"))
    (run,) = data["scenarios"]["person"]["runs"]
    assert run["passed"], run["complaints"]
    assert run["customer_tokens"] > 0
    assert run["turns"] == 2
    chat = (tmp_path / "out" / "person-1.md").read_text(encoding="utf-8")
    assert "**Maria Souza**: quero uma pessoa, nada de robô" in chat
    assert "**Maria Souza**: obrigada\n" in chat
    assert "[END]" not in chat


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--customer", "simulated"), "the sandbox's stand-in can't play a customer"),
        (("nowhere",), "there is no scenario at nowhere"),
        (("tales/broken.yaml",), "titel: Extra inputs"),
        (("tales/person.yaml", "--compare", "tales/person.yaml"), "The earlier exam can't be read"),
        (("tales/person.yaml", "--model", "m"), "OPENAI_API_KEY: missing"),
    ],
)
def test_what_can_not_be_run_is_refused_before_anything_starts(
    tmp_path: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    tales(tmp_path, person=PERSON, broken="titel: x\n")
    code, output = run_eval(tmp_path, *arguments)
    assert code == 2, output
    assert complaint in " ".join(output.split())
    assert not (tmp_path / "var").exists()


# --- parts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("passed", "runs", "k", "expected"), [(4, 4, 4, 1.0), (3, 4, 4, 0.0), (3, 4, 1, 0.75), (3, 4, 2, 0.5), (0, 3, 1, 0.0)]
)
def test_pass_hat_k_is_the_share_of_groups_of_k_runs_that_all_passed(passed: int, runs: int, k: int, expected: float) -> None:
    assert pass_hat(passed, runs, k) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("reply", "criterion"),
    [
        ("Anotado! O imóvel é casa, comércio, sítio ou apartamento?", "property"),
        ("Quanto você costuma pagar de luz por mês?", "bill"),
        ("E você é dono do imóvel ou aluga?", "owner"),
        ("Qual o valor da conta de luz? Pode ser aproximado.", "bill"),
        ("Obrigada pela conta de luz. Qual horário prefere?", None),
        ("Qual é o valor médio da sua conta de luz", None),
    ],
)
def test_the_customer_knows_which_criterion_a_question_is_about(reply: str, criterion: str | None) -> None:
    found = asked_about(reply, list(load_business(BUSINESS).qualification), "pt-BR")
    assert (found.name if found else None) == criterion


def test_a_question_about_what_is_known_already_is_about_no_criterion() -> None:
    bill, *others = load_business(BUSINESS).qualification
    assert asked_about("Qual é o valor da sua conta de luz?", others, "pt-BR") is None
    assert asked_about("Qual é o valor da sua conta de luz?", [bill, *others], "pt-BR") == bill


def test_two_scenarios_of_one_name_are_refused(tmp_path: Path) -> None:
    where = tales(tmp_path, person=PERSON)
    with pytest.raises(ScenarioError, match="two scenarios have the name person"):
        find_scenarios([where, where / "person.yaml"])


def test_scenarios_are_found_in_folders_and_by_path() -> None:
    found = find_scenarios([CONVERSATIONS / "hand_off.yaml", CONVERSATIONS / "booking.yaml"])
    assert list(found) == ["hand_off", "booking"]
    assert len(find_scenarios([CONVERSATIONS])) >= 45


def test_without_both_prices_the_cost_is_unknown() -> None:
    assert Exam(BUSINESS, "en", price_in=1.0).cost(1_000_000, 0) is None
    assert Exam(BUSINESS, "en", price_in=1.0, price_out=4.0).cost(1_000_000, 500_000) == pytest.approx(3.0)


def test_a_scenario_without_a_goal_is_left_out_of_a_simulated_exam_only() -> None:
    scenario = load_scenario(CONVERSATIONS / "reschedule.yaml")
    access = ModelAccess("m", "k", "http://127.0.0.1:9")
    assert Exam(BUSINESS, "en").why_left_out(scenario) is None
    assert "goal" in str(Exam(BUSINESS, "en", model=access, is_simulated=True).why_left_out(scenario))


def test_the_key_of_a_model_is_not_printed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError) as refusal:
        model_access("m")
    assert len(refusal.value.problems) == 1
    monkeypatch.setenv("OPENAI_API_KEY", "a-real-key")
    access = model_access("m")
    assert access.base_url == "https://api.openai.com/v1"
    assert access.settings["OPENAI_API_KEY"] == "a-real-key"
    assert "a-real-key" not in repr(access)


def scenario_json(pass_1: float, tokens: int, runs: int = 1) -> dict[str, Any]:
    return {"pass_1": pass_1, "runs": [{"input_tokens": tokens, "output_tokens": 0}] * runs}


def test_exams_are_compared_on_what_both_have_and_per_run() -> None:
    before = {"scenarios": {"a": scenario_json(1.0, 100), "b": scenario_json(0.5, 100, 2), "gone": scenario_json(1.0, 999)}}
    after = {"scenarios": {"a": scenario_json(0.0, 50), "b": scenario_json(1.0, 100), "new": scenario_json(0.0, 999)}}
    found = compare(before, after)
    assert (found.better, found.worse) == ({"b": (0.5, 1.0)}, {"a": (1.0, 0.0)})
    assert (found.new, found.gone) == (["new"], ["gone"])
    assert (found.pass_1, found.tokens) == ((0.75, 0.5), (200, 150))


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"format": 2, "scenarios": {}}', '{"format": 1, "scenarios": []}'])
def test_a_file_that_is_no_exam_is_refused(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "eval.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ComparisonError, match=r"eval\.json"):
        read_earlier(path)
