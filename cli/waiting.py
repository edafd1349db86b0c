"""What waits and since when (`marcado why`), and whether anything is sent unasked (`marcado proactive`)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy.ext.asyncio import AsyncSession

from cli.settings import Settings
from meetings import breaker
from meetings.backlog import Waiting, read_backlog
from meetings.breaker import BY_HAND, Stopped
from meetings.business import Business
from meetings.database import Database
from prompts.catalogue import Catalogue
from prompts.labels import short_label

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Queue:
    """What waits, the oldest first, and whether messages of our own accord are held back."""

    waiting: Sequence[Waiting]
    stopped: Stopped | None
    now: datetime


def read_queue(settings: Settings) -> Queue:
    """How it stands now, whether the service runs or not."""

    async def read(session: AsyncSession) -> Queue:
        now = datetime.now(UTC)
        return Queue(await read_backlog(session, now), await breaker.stopped(session), now)

    return _with_database(settings, read)


def resume(settings: Settings) -> bool:
    """Lets messages of our own accord go out again; False when they did."""
    return _with_database(settings, lambda session: breaker.resume(session, datetime.now(UTC)))


def stop(settings: Settings) -> None:
    """Holds back messages of our own accord."""
    _with_database(settings, lambda session: breaker.stop(session, datetime.now(UTC)))


def show_queue(out: Console, queue: Queue, words: Catalogue) -> None:
    """A table of what waits, or that nothing does."""
    if not queue.waiting:
        out.print(words.text("waiting_nothing"), style="green")
        return
    table = Table(title=words.text("waiting_title"), box=box.SIMPLE, title_justify="left", title_style="bold")
    for key in ("what", "count", "age", "tries", "problem"):
        table.add_column(words.text(f"waiting_{key}"), overflow="fold")
    for one in queue.waiting:
        age_s = int(one.age(queue.now).total_seconds())
        age = f"{age_s // 3600} h {age_s % 3600 // 60} min" if age_s >= 3600 else f"{age_s // 60} min {age_s % 60} s"
        what = words.text(f"waiting_{one.kind}")
        table.add_row(what, str(one.count), age, str(one.attempts), Text(one.problem or "", style="red"))
    out.print(table)


def show_proactive(out: Console, held: Stopped | None, business: Business, words: Catalogue) -> None:
    """Whether anything is sent unasked, and what a person can do about it."""
    if held is None:
        out.print(words.text("proactive_on"), style="green")
        return
    since = short_label(held.since, business.zone, words.locale)
    by_hand = held.reason == BY_HAND
    said = (
        words.text("proactive_off_by_hand", since=since)
        if by_hand
        else words.text("proactive_off", since=since, reason=held.reason)
    )
    out.print(said, style="bold yellow", highlight=False, markup=False)
    out.print(words.text("proactive_next"))


def _with_database(settings: Settings, act: Callable[[AsyncSession], Awaitable[_Result]]) -> _Result:
    async def run() -> _Result:
        db = Database(settings.DATABASE_URL)
        try:
            db.migrate()
            async with db.transaction() as session:
                return await act(session)
        finally:
            await db.close()

    return asyncio.run(run())
