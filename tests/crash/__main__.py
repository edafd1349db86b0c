"""`python -m tests.crash`: kills the service at every border of every flow and prints what became of it."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from meetings.takeover import LEASE_S
from tests.crash.crashing import CALL, COMMIT, WEBHOOK, Result
from tests.crash.flows import FLOWS
from tests.crash.matrix import Matrix, crash_all

_HOW = [
    "Each kill is a run of its own: the world as it was before the act, the service in another process, SIGKILL at the border,",
    "a new start, quiet. Then events, tasks, leads, contacts, notes, the customer's messages and the service's own records are",
    'compared with those of the calm run. "Before" a call: it was not carried out; "after": it was, and its answer never read.',
    "Commits are those of our own tables and of the durable engine: the service is killed just before each that writes",
    "something, so between any two calls wherever the records change.",
]
KINDS = {CALL: "outside calls", WEBHOOK: "webhooks", COMMIT: "commits"}


def main(
    flow: Annotated[list[str] | None, typer.Option(help="Only this flow; may be given several times.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Only call, webhook or commit; may be given several times.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that crash at the same time.")] = os.cpu_count() or 1,
    postgres: Annotated[
        bool,
        typer.Option("--postgres", help="Two services on one PostgreSQL: one is killed."),
    ] = False,
    lease: Annotated[float, typer.Option(help="With --postgres: seconds without a sign of life until one is dead.")] = LEASE_S,
    markdown: Annotated[Path | None, typer.Option(help="Also write the matrix to this file.")] = None,
) -> None:
    """Kill the service (SIGKILL) at every border of every flow, one run each; start it again; compare with the calm run."""
    names = [f.name for f in FLOWS if not flow or f.name in flow]
    kinds = [k for k in KINDS if not kind or k in kind]
    console = Console()
    if postgres:
        _crash_one_of_two(console, names, lease)
        return
    began = datetime.now(UTC)
    matrix = Matrix()
    for result in track(crash_all(names, kinds, workers), "Killing", console=console):
        matrix.results.append(result)
        if not result.is_well:
            console.print(f"[red]{result.flow}, {result.border}[/red]: {'; '.join(result.differences) or 'not reached'}")
    took_s = (datetime.now(UTC) - began).total_seconds()
    console.print(_detailed(matrix, names))
    console.print(_summary(matrix, names))
    console.print(f"{len(matrix.results)} kills in {took_s:.0f} s, {len(matrix.wrong)} of them left something wrong")
    if markdown:
        markdown.write_text(_markdown(matrix, names, took_s), encoding="utf-8")
    if matrix.wrong:
        raise typer.Exit(1)


def _crash_one_of_two(console: Console, names: list[str], lease_s: float) -> None:
    from tests.crash.pair import TakenOver, take_over_all

    table = Table("flow", "killed", "all done after", "then", title="Two processes on one PostgreSQL")
    found: list[TakenOver] = []
    for one in track(take_over_all(names, lease_s), "Killing", console=console):
        found.append(one)
        then = "WRONG: " + "; ".join(one.differences) if one.differences else "as calm" if one.was_reached else "not reached"
        table.add_row(one.flow, str(one.border), f"{one.seconds:.1f} s", then)
    console.print(table)
    wrong = [one for one in found if one.differences]
    longest = max((one.seconds for one in found), default=0.0)
    console.print(f"{len(found)} kills, {len(wrong)} of them left something wrong; taken over within {longest:.1f} s")
    if wrong:
        raise typer.Exit(1)


def _word(result: Result) -> str:
    if result.differences:
        return "WRONG: " + "; ".join(result.differences)
    if not result.was_reached:
        return "not reached"
    return "as calm, after the sweep" if result.by_sweep else "as calm"


def _detailed(matrix: Matrix, names: list[str]) -> Table:
    table = Table("flow", "killed", "then", title="Flow × border × result")
    for name in names:
        for result in matrix.of(name):
            table.add_row(name, str(result.border), _word(result))
        table.add_section()
    return table


def _summary(matrix: Matrix, names: list[str]) -> Table:
    table = Table("flow", *(f"{words}: killed / as calm" for words in KINDS.values()), "wrong")
    for name in names:
        table.add_row(name, *_figures(matrix, name))
    return table


def _figures(matrix: Matrix, name: str) -> list[str]:
    cells = []
    for kind in KINDS:
        reached = [r for r in matrix.of(name, kind) if r.was_reached]
        cells.append(f"{len(reached)} / {sum(r.is_well for r in reached)}")
    return [*cells, str(sum(r in matrix.wrong for r in matrix.of(name)))]


def _markdown(matrix: Matrix, names: list[str], took_s: float) -> str:
    git = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    by_sweep = sum(r.by_sweep for r in matrix.results)
    lines = [
        "# Killed at every border",
        "",
        (
            f"Written by `python -m tests.crash` on {datetime.now(UTC):%Y-%m-%d} at commit {git.stdout.strip() or 'unknown'}: "
            f"{len(matrix.results)} kills in {took_s:.0f} s, {len(matrix.wrong)} left something wrong, "
            f"{by_sweep} were set right only by the next sweep."
        ),
        "",
        *_HOW,
        "",
        "| flow | " + " | ".join(f"{words}: killed / as calm" for words in KINDS.values()) + " | wrong |",
        "| --- |" + " --- |" * (len(KINDS) + 1),
        *(f"| {name} | " + " | ".join(_figures(matrix, name)) + " |" for name in names),
        "",
        "## Calls and webhooks, one by one",
        "",
        "| flow | killed | then |",
        "| --- | --- | --- |",
        *(
            f"| {r.flow} | {r.border} | {_word(r)} |"
            for name in names
            for r in matrix.of(name)
            if r.border.kind != COMMIT or not r.is_well
        ),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
