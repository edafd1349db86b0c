"""What `marcado storm` shows: progress while it plays, a table per seed, the differences, and how to repeat one."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from cli.storm import DEFAULT_CALENDAR, Played, play
from cli.storm_plan import START, Plan, make_plan
from cli.storm_state import differences
from meetings.business import load_business
from prompts.catalogue import Catalogue

_SHOWN = 12  # differences per seed; more say no more


@dataclass(frozen=True)
class Outcome:
    """One seed: what it left behind compared with the calm run. No differences: survived."""

    seed: int
    played: Played
    differences: tuple[str, ...]


def blow(
    console: Console, words: Catalogue, business_file: Path, *, flows: int, seeds: Sequence[int], strength: float
) -> list[Outcome]:
    """Plays the calm run and then every seed.

    Raises:
        BusinessFileError, StormError: Not with this business file.
    """
    business = load_business(business_file, DEFAULT_CALENDAR)
    plan = make_plan(business, flows, START.replace(tzinfo=business.zone))
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    outcomes = []
    with Progress(*columns, console=console, transient=True) as bar:
        whole = bar.add_task(words.text("storm_calm"), total=(1 + len(seeds)) * plan.rounds)

        def one(name: str, done: int, seed: int | None) -> Played:
            def show(number: int, of: int, waiting: int) -> None:
                text = words.text("storm_round", name=name, number=number, of=of, waiting=waiting)
                bar.update(whole, description=text, completed=done * of + number)

            return play(plan, business_file, weather_seed=seed, strength=strength, progress=show)

        calm = one(words.text("storm_calm"), 0, None)
        if calm.complaints:
            raise CalmRunError(calm.complaints)
        for n, seed in enumerate(seeds, 1):
            played = one(words.text("storm_seed", seed=seed), n, seed)
            found = (*played.complaints, *differences(calm.left, played.left))
            outcomes.append(Outcome(seed, played, found))
    console.print(_summary(plan, calm, words), highlight=False)
    return outcomes


class CalmRunError(Exception):
    """Even without any trouble the stories did not end as they should: the business file asks for something else."""

    def __init__(self, complaints: Sequence[str]) -> None:
        super().__init__("; ".join(complaints))
        self.complaints = list(complaints)


def show(
    console: Console, words: Catalogue, outcomes: Sequence[Outcome], *, flows: int, strength: float, business_file: Path | None
) -> bool:
    """The table, what came down, the differences with the command that repeats them; True when there are none."""
    console.print(_table(outcomes, words))
    console.print(_troubles(outcomes, words))
    bad = [outcome for outcome in outcomes if outcome.differences]
    for outcome in bad:
        console.print(words.text("storm_differs", seed=outcome.seed, count=len(outcome.differences)), style="bold red")
        for line in outcome.differences[:_SHOWN]:
            console.print(f"  ✘ {line}", soft_wrap=True, markup=False, highlight=False)
        own = f" --business {business_file}" if business_file else ""
        force = f" --strength {strength:g}" if strength != 1 else ""
        command = f"marcado storm --seed {outcome.seed} --flows {flows}{force}{own}"
        console.print(words.text("storm_repeat", command=command), soft_wrap=True, highlight=False)
    verdict = words.text("storm_verdict", survived=len(outcomes) - len(bad), count=len(outcomes), flows=flows)
    console.print(verdict, style="bold red" if bad else "bold green")
    return not bad


def _summary(plan: Plan, calm: Played, words: Catalogue) -> str:
    acts = Counter(deed.act.value for person in plan.people for deed in person.story)
    listed = ", ".join(f"{count} × {act}" for act, count in acts.most_common())
    return words.text("storm_plan", flows=plan.flows, people=len(plan.people), acts=listed, seconds=f"{calm.seconds:.0f}")


def _table(outcomes: Sequence[Outcome], words: Catalogue) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=words.text("storm_title"), title_justify="left")
    for name in ("seed", "troubles", "again", "lasted", "seconds", "differences"):
        table.add_column(words.text(f"storm_{name}_column"), justify="right", no_wrap=True)
    for outcome in outcomes:
        minutes = int(outcome.played.lasted.total_seconds() // 60)
        table.add_row(
            str(outcome.seed),
            str(sum(outcome.played.weather.values())),
            str(outcome.played.repeated),
            f"{minutes // 60}:{minutes % 60:02d} h",
            f"{outcome.played.seconds:.0f}",
            f"[red]{len(outcome.differences)}[/red]" if outcome.differences else "[green]0[/green]",
        )
    return table


def _troubles(outcomes: Sequence[Outcome], words: Catalogue) -> Table:
    came: Counter[tuple[str, str]] = Counter()
    for outcome in outcomes:
        came.update(outcome.played.weather)
    table = Table(box=box.SIMPLE_HEAD, title=words.text("storm_troubles_title"), title_justify="left")
    table.add_column(words.text("storm_service_column"))
    table.add_column(words.text("storm_trouble_column"))
    table.add_column(words.text("storm_times_column"), justify="right")
    for (service, what), times in sorted(came.items()):
        table.add_row(service, what, str(times))
    return table
