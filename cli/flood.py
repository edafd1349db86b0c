"""A flood of webhooks: how soon each is acknowledged, and whether one noisy lead keeps the others waiting."""

import asyncio
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
from rich import box
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from cli.storm import Storm
from cli.storm_plan import START, Plan, make_plan
from cli.wiring import Service
from meetings.business import Business
from meetings.tables import Hint, Webhook
from prompts.catalogue import Catalogue

WEBHOOKS, SPAN_S = 1000, 10.0
ACK_S = 2.0  # Kommo waits no longer
_QUIET = 10


@dataclass
class Flooded:
    """What a flood did. Seconds are real ones.

    Attributes:
        acks_s: How long each webhook waited for its answer, shortest first.
        refused: Answers other than 200, and none at all.
        quiet_s: From the last webhook until the last of the quiet customers' meetings was followed; None: never.
        settled_s: Until nothing was left to do.
        stored, hints_open: Bodies kept, hints not done in the end.
        wrong: What is not as it should be, one line each.
    """

    acks_s: list[float] = field(default_factory=list)
    refused: int = 0
    quiet_s: float | None = None
    settled_s: float = 0.0
    stored: int = 0
    hints_open: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not self.wrong and not self.refused and self.hints_open == 0

    @property
    def is_in_time(self) -> bool:
        return bool(self.acks_s) and self.acks_s[-1] < ACK_S


def flood(business: Business, business_file: Path, *, span_s: float = SPAN_S) -> Flooded:
    """1,000 webhooks of Kommo in `span_s` seconds, each twice: four fifths about one lead whose seller edits and edits, the rest
    about ten others, whose sellers delete the meeting's task towards the end.
    """
    whole = make_plan(business, 60, START.replace(tzinfo=business.zone))
    booked = [person for person in whole.people if person.seller][: _QUIET + 1]
    people = tuple(replace(person, starts=0, story=person.story[:2]) for person in booked)
    return _Flood(replace(whole, people=people), business_file, span_s).flood()


class _Flood(Storm):
    def __init__(self, plan: Plan, business_file: Path, span_s: float) -> None:
        super().__init__(plan, business_file, None, 0.0, lambda _round, _of, _waiting: None)
        self.span_s, self.found = span_s, Flooded()

    def flood(self) -> Flooded:
        self.play()
        return self.found

    def act(self) -> None:
        self._round(0)
        self._round(1)
        self.rest()
        noisy, *quiet = self.plan.people
        tasks = {code: meeting.kommo_task_id for code, meeting in self.meetings().items()}
        self.people.do("/deliveries/faults", service="kommo", mode="lose", times=-1)  # they are posted here, at our own pace
        mark = len(self.world.deliveries.log)
        for n in range(WEBHOOKS // 2 * 4 // 5):
            self.people.do("/seller/task/edit", task_id=tasks[noisy.code], text=f"Visita, {n}")
        noise = self.world.deliveries.log[mark:]
        mark = len(self.world.deliveries.log)
        for n in range((WEBHOOKS // 2 - len(noise)) // len(quiet) - 1):
            for person in quiet:
                self.people.do("/seller/task/edit", task_id=tasks[person.code], text=f"Visita {n}")
        for person in quiet:
            self.people.do("/seller/task/delete", task_id=tasks[person.code])
        others = self.world.deliveries.log[mark:]
        # Mixed, with the deletions last of all.
        step = max(1, len(noise) // max(1, len(others)))
        order = []
        for n, item in enumerate(noise):
            place, is_turn = divmod(n, step)
            order += [item, *([others[place]] if is_turn == 0 and place < len(others) else [])]
        bodies = [(item.url, item.body, item.headers) for item in order for _ in range(2)]
        asyncio.run(self._post(bodies))
        ended = time.monotonic()
        while time.monotonic() < ended + 300:
            status = {code: meeting.status for code, meeting in self.meetings().items()}
            if all(status[person.code] == "cancelled" for person in quiet):
                self.found.quiet_s = time.monotonic() - ended
                break
            time.sleep(0.1)
        self.rest()
        self.found.settled_s = time.monotonic() - ended
        self._judge(noisy.code, [person.code for person in quiet])

    async def _post(self, bodies: list[tuple[str, bytes, dict[str, str]]]) -> None:
        async with httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_connections=100), timeout=30) as http:

            async def one(n: int, url: str, body: bytes, headers: dict[str, str]) -> None:
                await asyncio.sleep(n * self.span_s / len(bodies))
                began = time.monotonic()
                try:
                    answer = await http.post(url, content=body, headers=headers)
                except httpx.HTTPError:
                    self.found.refused += 1
                    return
                self.found.acks_s.append(time.monotonic() - began)
                self.found.refused += answer.status_code != 200

            await asyncio.gather(*(one(n, *each) for n, each in enumerate(bodies)))
        self.found.acks_s.sort()

    def _judge(self, noisy: str, quiet: list[str]) -> None:
        self.found.stored, self.found.hints_open = self.stack.call(_counted)
        state, meetings = self.people.state(), self.meetings()
        if meetings[noisy].status != "scheduled":
            self.found.wrong.append(f"{noisy}: the noisy lead's meeting is {meetings[noisy].status}")
        phones = {person.code: person.phone for person in self.plan.people}
        for code in quiet:
            if meetings[code].status != "cancelled" or not meetings[code].settled:
                self.found.wrong.append(f"{code}: the deleted task was not followed")
            chat = [m["text"] for m in state["evolution"]["chat"].get(f"+{phones[code]}", []) if m["from"] == "agent"]
            told = sum("cancelada" in text for text in chat)
            if told != 1:
                self.found.wrong.append(f"{code}: told {told} times that it is cancelled")


async def _counted(service: Service) -> tuple[int, int]:
    async with service.db.transaction() as session:
        stored = await session.scalar(select(func.count()).select_from(Webhook).where(Webhook.source == "kommo"))
        still = await session.scalar(select(func.count()).select_from(Hint).where(Hint.done_at.is_(None)))
        return stored or 0, still or 0


def show(console: Console, words: Catalogue, found: Flooded) -> None:
    """A table of what was measured, and what is wrong."""
    title = words.text("flood_title", count=len(found.acks_s))
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", show_header=False)

    def at(part: float) -> str:
        return f"{found.acks_s[min(int(len(found.acks_s) * part), len(found.acks_s) - 1)]:.3f} s" if found.acks_s else "–"

    table.add_row(words.text("flood_acks"), f"{at(0.5)} / {at(0.99)} / {at(1)}")
    table.add_row(words.text("flood_refused"), str(found.refused))
    table.add_row(words.text("flood_quiet"), f"{found.quiet_s:.1f} s" if found.quiet_s is not None else "–")
    table.add_row(words.text("flood_settled"), f"{found.settled_s:.1f} s")
    table.add_row(words.text("flood_open"), str(found.hints_open))
    console.print(table)
    for line in found.wrong:
        console.print(f"  ✘ {line}", style="red", markup=False, highlight=False)
    is_good = found.is_good and found.is_in_time
    console.print(words.text("flood_good" if is_good else "flood_bad"), style="bold green" if is_good else "bold red")
