"""Scenarios as an exam: the model decides for itself, and is judged by the state left behind and the facts told.

All services but the model are the sandbox's, whatever the settings say. Without a real model its stand-in sits the exam.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openai import OpenAI, OpenAIError
from sqlalchemy import select

from cli.eval_customer import ScriptedCustomer, SimulatedCustomer
from cli.eval_judge import judge, our_calendars
from cli.people import People, SandboxRefusedError
from cli.scenario import after_talk, before_talk, staged
from cli.scenario_schema import Scenario, ScenarioError, Step, load_scenario
from cli.settings import load_settings
from cli.stack import SANDBOX_VALUES, Stack, sandbox_urls
from cli.wiring import Service
from meetings.tables import Turn
from prompts.catalogue import Catalogue

STAND_IN = str(SANDBOX_VALUES["OPENAI_MODEL"])
_SETTLE_S = 30.0
_SETTLE_WITH_MODEL_S = 300.0  # real seconds for one step with a real model; its own time limit ends a call much sooner
_NOWHERE = dict.fromkeys(("kommo", "google", "evolution", "openai"), "http://127.0.0.1:9")


@dataclass(frozen=True)
class ModelAccess:
    """A real model: the only thing of an exam that is not the sandbox's."""

    name: str
    api_key: str = field(repr=False)
    base_url: str

    @property
    def settings(self) -> dict[str, Any]:
        return {"OPENAI_MODEL": self.name, "OPENAI_API_KEY": self.api_key, "OPENAI_BASE_URL": self.base_url}

    def client(self) -> OpenAI:
        """For the customer that a model plays."""
        return OpenAI(api_key=self.api_key, base_url=self.base_url, timeout=60, max_retries=2)


@dataclass(frozen=True)
class Exam:
    """How scenarios are run.

    Attributes:
        model: None for the sandbox's stand-in.
        runs: How often each scenario is run (k).
        is_simulated: Whether a second model plays the customer.
        price_in, price_out: Of a million tokens, in any currency; None when unknown.
    """

    business_file: Path
    locale: str
    model: ModelAccess | None = None
    runs: int = 1
    is_simulated: bool = False
    price_in: float | None = None
    price_out: float | None = None

    @property
    def model_name(self) -> str:
        return self.model.name if self.model else STAND_IN

    def cost(self, input_tokens: int, output_tokens: int) -> float | None:
        """What tokens cost, None when a price is unknown. Cached tokens are counted at the full price."""
        if self.price_in is None or self.price_out is None:
            return None
        return (input_tokens * self.price_in + output_tokens * self.price_out) / 1_000_000

    def why_left_out(self, scenario: Scenario) -> str | None:
        """Why a scenario is not part of this exam."""
        if scenario.only_scripted:
            return scenario.only_scripted
        if not scenario.has_talk:
            return Catalogue.load("operator", self.locale).text("eval_no_talk")
        if self.is_simulated and not scenario.goal:
            return Catalogue.load("operator", self.locale).text("eval_no_goal")
        return None


@dataclass(frozen=True)
class Attempt:
    """One run of one scenario. Seconds are real ones; tokens are those the provider counted, of the agent alone.

    Attributes:
        complaints: What was not as wanted; empty when passed.
        refused: Replies that never reached the customer because the guard did not let them pass.
        chats: What was said, per customer's name: lines of {"from", "text"}.
    """

    complaints: list[str]
    turns: int = 0
    model_calls: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    customer_tokens: int = 0
    refused: int = 0
    seconds: float = 0.0
    cost: float | None = None
    chats: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return not self.complaints


@dataclass(frozen=True)
class Result:
    """All runs of one scenario."""

    name: str
    title: str
    attempts: list[Attempt]

    @property
    def pass_1(self) -> float:
        """How probable it is that one run passes."""
        return sum(a.passed for a in self.attempts) / len(self.attempts)

    @property
    def pass_k(self) -> float:
        """How probable it is that k runs all pass, for k as many as were made."""
        return pass_hat(sum(a.passed for a in self.attempts), len(self.attempts), len(self.attempts))


def pass_hat(passed: int, runs: int, k: int) -> float:
    """The share of groups of k runs in which every run passed: pass^k, estimated without bias."""
    return math.comb(passed, k) / math.comb(runs, k)


def model_access(name: str, overrides: Mapping[str, Any] | None = None) -> ModelAccess:
    """The model of that name at OPENAI_BASE_URL with OPENAI_API_KEY. No other setting is needed or used.

    Raises:
        SettingsError: The key is missing, or the address is none.
    """
    others = {**SANDBOX_VALUES, **sandbox_urls(_NOWHERE), "GOOGLE_CREDENTIALS_FILE": None, "GOOGLE_CALENDAR_ID": None}
    kept = {key: value for key, value in others.items() if not key.startswith("OPENAI_")}
    settings = load_settings({**kept, **(overrides or {})})
    return ModelAccess(name, settings.OPENAI_API_KEY.get_secret_value(), settings.OPENAI_BASE_URL)


def find_scenarios(paths: Iterable[Path]) -> dict[str, Scenario]:
    """Scenarios by name, in the order of the paths; folders are read through.

    Raises:
        ScenarioError: A file is none, there is nothing at a path, or two files have the same name.
    """
    found: dict[str, Scenario] = {}
    for path in paths:
        files = sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
        if not files or not all(file.is_file() for file in files):
            raise ScenarioError(f"there is no scenario at {path}")
        for file in files:
            if file.stem in found:
                raise ScenarioError(f"two scenarios have the name {file.stem}")
            found[file.stem] = load_scenario(file)
    return found


def sit(exam: Exam, scenarios: Mapping[str, Scenario], tell: Callable[[str, int], None]) -> list[Result]:
    """Runs every scenario as often as wanted, one after the other.

    Args:
        tell: Called with name and number before each run.
    """
    results = []
    for name, scenario in scenarios.items():
        attempts = []
        for number in range(1, exam.runs + 1):
            tell(name, number)
            attempts.append(attempt(exam, scenario))
        results.append(Result(name, scenario.title, attempts))
    return results


def attempt(exam: Exam, scenario: Scenario) -> Attempt:
    """One run on a sandbox of its own."""
    began = time.monotonic()
    with staged(scenario.given, exam.business_file, exam.model.settings if exam.model else None) as (stack, people):
        people.do("/model/mind", mind="stand_in")
        run = _Run(exam, scenario, stack, people)
        try:
            complaints = run.talk()
            complaints += judge(scenario.afterwards.as_exam(), people, our_calendars(exam.business_file))
            complaints += [f"the model's server failed: {u['why']}" for u in people.state()["openai"]["unexpected"]]
            return run.record(complaints, round(time.monotonic() - began, 2))
        finally:
            run.close()


class _Run:
    """The talk of one run: who speaks, and what it cost."""

    def __init__(self, exam: Exam, scenario: Scenario, stack: Stack, people: People) -> None:
        self.exam, self.scenario, self.stack, self.people = exam, scenario, stack, people
        self.settle_s = _SETTLE_WITH_MODEL_S if exam.model else _SETTLE_S
        self._everybody = {people.phone: people}
        self._customers: dict[str, ScriptedCustomer] = {}
        self._simulated = self._make_simulated() if exam.is_simulated else None

    def close(self) -> None:
        for one in self._everybody.values():
            if one is not self.people:
                one.close()

    def talk(self) -> list[str]:
        """Everything that happens. A step that can't be done (nothing was booked that a seller could cancel) ends it."""
        has_talked = False
        for number, step in enumerate(self.scenario.talk, 1):
            try:
                before_talk(step, self.stack, self.people)
                if step.customer and self._simulated is None:
                    self._customer(step).speak(step)
                elif step.customer and self._simulated is not None and not has_talked:
                    has_talked = True
                    self._simulated.converse(self.stack, self.settle_s)
                after_talk(step, self.people)
                self.stack.settle(self.settle_s)
            except (LookupError, SandboxRefusedError, TimeoutError, OpenAIError) as error:
                return [f"step {number}: {error}"]
        return []

    def record(self, complaints: list[str], seconds: float) -> Attempt:
        async def read(service: Service) -> list[Turn]:
            async with service.db.transaction() as session:
                return list(await session.scalars(select(Turn)))

        turns: list[Turn] = self.stack.call(read)
        input_tokens, output_tokens = sum(t.input_tokens for t in turns), sum(t.output_tokens for t in turns)
        simulated = self._simulated
        return Attempt(
            complaints=complaints,
            turns=len(turns),
            model_calls=sum(t.model_calls for t in turns),
            input_tokens=input_tokens,
            cached_tokens=sum(t.cached_tokens for t in turns),
            output_tokens=output_tokens,
            customer_tokens=simulated.input_tokens + simulated.output_tokens if simulated else 0,
            refused=sum(t.refused for t in turns),
            seconds=seconds,
            cost=self.exam.cost(input_tokens, output_tokens),
            chats={
                one.name: [{"from": line["from"], "text": line["text"]} for line in one.chat()]
                for one in self._everybody.values()
            },
        )

    def _customer(self, step: Step) -> ScriptedCustomer:
        said = step.customer[0]
        phone = said.phone or self.people.phone
        if phone not in self._everybody:
            self._everybody[phone] = People(self.stack.sandbox.control_url, phone, said.name or self.people.name)
        if phone not in self._customers:
            self._customers[phone] = ScriptedCustomer(self.stack, self._everybody[phone], self.scenario, self.settle_s)
        return self._customers[phone]

    def _make_simulated(self) -> SimulatedCustomer:
        assert self.exam.model is not None
        words = Catalogue.load("operator", self.exam.locale)
        return SimulatedCustomer(self.people, self.scenario, self.exam.model.client(), self.exam.model.name, words)
