"""What an exam leaves: a table, a JSON file, a transcript per run, and the comparison with an earlier exam."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from cli.evaluation import STAND_IN, Attempt, Exam, Result
from prompts.catalogue import Catalogue

JSON_NAME = "eval.json"
_FORMAT = 1
_SIDES = {"customer": "**{name}**", "agent": "**Marcado**", "seller": "**{seller}**"}


class ComparisonError(Exception):
    """The file is no earlier exam; the message says why."""


@dataclass(frozen=True)
class Summary:
    """Averages over scenarios, sums over runs."""

    scenarios: int
    passed_always: int
    pass_1: float
    pass_k: float
    input_tokens: int
    output_tokens: int
    turns: int
    seconds: float
    cost: float | None


def summarise(results: Sequence[Result]) -> Summary:
    attempts = [a for r in results for a in r.attempts]
    costs = [a.cost for a in attempts if a.cost is not None]
    count = max(1, len(results))
    return Summary(
        scenarios=len(results),
        passed_always=sum(r.pass_k == 1 for r in results),
        pass_1=sum(r.pass_1 for r in results) / count,
        pass_k=sum(r.pass_k for r in results) / count,
        input_tokens=sum(a.input_tokens for a in attempts),
        output_tokens=sum(a.output_tokens for a in attempts),
        turns=sum(a.turns for a in attempts),
        seconds=round(sum(a.seconds for a in attempts), 1),
        cost=sum(costs) if attempts and len(costs) == len(attempts) else None,
    )


def as_json(exam: Exam, results: Sequence[Result], left_out: Mapping[str, str], started: datetime) -> dict[str, Any]:
    """The whole exam as plain data, without keys, addresses or anything else of the settings."""
    return {
        "format": _FORMAT,
        "started_at": started.isoformat(timespec="seconds"),
        "model": exam.model_name,
        "customer": "simulated" if exam.is_simulated else "scripted",
        "runs": exam.runs,
        "price_in": exam.price_in,
        "price_out": exam.price_out,
        "summary": asdict(summarise(results)),
        "scenarios": {r.name: _scenario_json(r) for r in results},
        "left_out": dict(left_out),
    }


def _scenario_json(result: Result) -> dict[str, Any]:
    runs = [
        {
            "passed": a.passed,
            **{k: v for k, v in asdict(a).items() if k != "chats"},
            "transcript": transcript_name(result.name, n),
        }
        for n, a in enumerate(result.attempts, 1)
    ]
    return {"title": result.title, "pass_1": result.pass_1, "pass_k": result.pass_k, "runs": runs}


def write(exam: Exam, results: Sequence[Result], data: Mapping[str, Any], folder: Path, words: Catalogue) -> Path:
    """Writes the JSON file and the transcripts; returns the JSON file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    for result in results:
        for number, one in enumerate(result.attempts, 1):
            text = transcript(exam, result, number, one, words)
            (folder / transcript_name(result.name, number)).write_text(text, encoding="utf-8")
    path = folder / JSON_NAME
    path.write_text(json.dumps(data, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return path


def transcript_name(scenario: str, number: int) -> str:
    return f"{scenario}-{number}.md"


def transcript(exam: Exam, result: Result, number: int, one: Attempt, words: Catalogue) -> str:
    """One run for a reader: the verdict, what it cost, who said what."""
    verdict = words.text("eval_passed") if one.passed else words.text("eval_not_passed")
    numbers = words.text(
        "eval_numbers",
        turns=one.turns,
        calls=one.model_calls,
        tokens_in=one.input_tokens,
        tokens_out=one.output_tokens,
        seconds=one.seconds,
    )
    lines = [f"# {result.name} ({number}): {verdict}", "", result.title, "", f"{exam.model_name}. {numbers}", ""]
    lines += [f"- ✘ {complaint}" for complaint in one.complaints] + ([""] if one.complaints else [])
    for name, chat in one.chats.items():
        lines += [f"## {name}", ""]
        for said in chat:
            who = _SIDES.get(said["from"], said["from"]).format(name=name, seller=words.text("seller"))
            lines += [f"{who}: " + "  \n".join(str(said["text"]).splitlines()), ""]
    return "\n".join(lines).rstrip() + "\n"


def show(console: Console, exam: Exam, results: Sequence[Result], left_out: Mapping[str, str], words: Catalogue) -> None:
    """The table, what did not pass and why, what was left out, and one line that sums it up."""
    console.print(_table(exam, results, words))
    failed = [r for r in results if r.pass_k < 1]
    if failed:
        is_stand_in = exam.model is None
        console.print(words.text("eval_stand_in_fails" if is_stand_in else "eval_fails", model=exam.model_name), style="bold")
        for result in failed:
            complaint = next(c for a in result.attempts for c in a.complaints)
            console.print(f"  ✘ {result.name}: {_short(complaint)}", style="red", soft_wrap=True, markup=False, highlight=False)
    if left_out:
        console.print(words.text("eval_left_out", count=len(left_out)), style="bold")
        for name, why in left_out.items():
            console.print(f"  – {name}: {why}", style="dim", soft_wrap=True, markup=False, highlight=False)
    total = summarise(results)
    line = words.text(
        "eval_summary",
        model=exam.model_name,
        passed=total.passed_always,
        count=total.scenarios,
        k=exam.runs,
        pass_1=_percent(total.pass_1),
        pass_k=_percent(total.pass_k),
        tokens=total.input_tokens + total.output_tokens,
        cost=_money(total.cost, words),
        seconds=f"{total.seconds:.0f}",
    )
    console.print(line, style="bold", soft_wrap=True, highlight=False)
    if exam.model is None:
        console.print(words.text("eval_stand_in_note", model=STAND_IN), style="dim")


def _table(exam: Exam, results: Sequence[Result], words: Catalogue) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=words.text("eval_title", model=exam.model_name), title_justify="left")
    table.add_column(words.text("eval_scenario"), overflow="fold")
    k_name = f"pass^{exam.runs}" if exam.runs > 1 else "pass^k"
    for name in ("pass^1", k_name, "tokens", *(words.text(f"eval_{c}") for c in ("cost", "turns", "seconds"))):
        table.add_column(name, justify="right", no_wrap=True)
    for result in results:
        runs = len(result.attempts)
        costs = [a.cost for a in result.attempts if a.cost is not None]
        table.add_row(
            result.name,
            _percent(result.pass_1),
            _percent(result.pass_k),
            f"{sum(a.input_tokens + a.output_tokens for a in result.attempts) / runs:.0f}",
            _money(sum(costs) / runs if len(costs) == runs else None, words),
            f"{sum(a.turns for a in result.attempts) / runs:.1f}",
            f"{sum(a.seconds for a in result.attempts) / runs:.1f}",
            style=None if result.pass_k == 1 else "red",
        )
    return table


def read_earlier(path: Path) -> dict[str, Any]:
    """An exam written before.

    Raises:
        ComparisonError: There is no such file, or it is something else.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ComparisonError(f"{path}: {type(error).__name__}") from None
    if not isinstance(data, dict) or data.get("format") != _FORMAT or not isinstance(data.get("scenarios"), dict):
        raise ComparisonError(f"{path}: format {_FORMAT} of {JSON_NAME} is wanted")
    return data


@dataclass(frozen=True)
class Comparison:
    """What changed, by name of scenario. `better` and `worse` hold pass^1 before and now."""

    better: dict[str, tuple[float, float]]
    worse: dict[str, tuple[float, float]]
    new: list[str]
    gone: list[str]
    pass_1: tuple[float, float]
    tokens: tuple[float, float]


def compare(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> Comparison:
    """Two exams as JSON. Totals are of the scenarios that both have, per run, so that different k can be compared."""
    old, new = earlier["scenarios"], now["scenarios"]
    both = [name for name in new if name in old]
    pairs = {name: (float(old[name]["pass_1"]), float(new[name]["pass_1"])) for name in both}
    return Comparison(
        better={name: pair for name, pair in pairs.items() if pair[1] > pair[0]},
        worse={name: pair for name, pair in pairs.items() if pair[1] < pair[0]},
        new=[name for name in new if name not in old],
        gone=[name for name in old if name not in new],
        pass_1=(_mean([a for a, _ in pairs.values()]), _mean([b for _, b in pairs.values()])),
        tokens=(sum(_tokens(old[name]) for name in both), sum(_tokens(new[name]) for name in both)),
    )


def show_comparison(console: Console, earlier: Mapping[str, Any], now: Mapping[str, Any], words: Catalogue) -> None:
    found = compare(earlier, now)
    console.print(words.text("eval_compared", model=str(earlier["model"]), when=str(earlier["started_at"])), style="bold")
    for pairs, mark, style in ((found.better, "▲", "green"), (found.worse, "▼", "red")):
        for name, (before, after) in pairs.items():
            console.print(f"  {mark} {name}: {_percent(before)} → {_percent(after)}", style=style, highlight=False)
    if not found.better and not found.worse:
        console.print(f"  {words.text('eval_same')}", style="dim")
    for names, key in ((found.new, "eval_new"), (found.gone, "eval_gone")):
        if names:
            console.print(f"  {words.text(key)}: {', '.join(names)}", style="dim", soft_wrap=True, highlight=False)
    (pass_before, pass_after), (tokens_before, tokens_after) = found.pass_1, found.tokens
    console.print(
        f"  pass^1 {_percent(pass_before)} → {_percent(pass_after)}; tokens {tokens_before:.0f} → {tokens_after:.0f}",
        highlight=False,
    )


def _tokens(scenario: Mapping[str, Any]) -> float:
    return _mean([run["input_tokens"] + run["output_tokens"] for run in scenario["runs"]])


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0


def _percent(share: float) -> str:
    return f"{share:.0%}"


def _money(cost: float | None, words: Catalogue) -> str:
    return words.text("eval_unknown") if cost is None else f"{cost:.4f}"


def _short(text: str, length: int = 200) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
