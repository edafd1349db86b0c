"""`marcado letters` and `marcado replay`: what did not get through, and doing it again. The service may be running or not."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import select

from cli.settings import Settings
from meetings.business import Business
from meetings.database import Database
from meetings.echoes import Echoes
from meetings.inbox import Inbox
from meetings.letters import Letter, find_letters, replay
from meetings.tables import Webhook
from prompts.catalogue import Catalogue
from prompts.labels import short_label
from webhooks.replay import replay_webhook


class NoDatabaseError(Exception):
    """There is no database where DATABASE_URL points."""


@dataclass(frozen=True)
class Replayed:
    """What a replay did, or in a dry run would do."""

    letters: list[Letter]
    done: set[str]


def list_letters(settings: Settings, since: datetime | None) -> list[Letter]:
    """What did not get through, oldest first.

    Raises:
        NoDatabaseError: There are no records here.
    """

    async def read() -> list[Letter]:
        db = _database(settings)
        try:
            async with db.transaction() as session:
                return await find_letters(session, _now(), since)
        finally:
            await db.close()

    return asyncio.run(read())


def replay_letters(
    settings: Settings, business: Business, wanted: Sequence[str], since: datetime | None, *, dry_run: bool
) -> Replayed:
    """Has letters done again: those named, all without names; of those made at or after `since`.

    Raises:
        NoDatabaseError: There are no records here.
    """

    async def act() -> Replayed:
        db = _database(settings)
        try:
            async with db.transaction() as session:
                found = await find_letters(session, _now(), since)
            chosen = [one for one in found if not wanted or one.id in wanted]
            if dry_run:
                return Replayed(chosen, {one.id for one in chosen if one.obstacle is None})
            done = set()
            for letter in chosen:
                if letter.id.startswith("webhook:") and letter.obstacle is None:
                    is_done = await _replay_stored(db, settings, business, int(letter.id.partition(":")[2]))
                else:
                    async with db.transaction() as session:
                        is_done = await replay(session, letter, _now())
                if is_done:
                    done.add(letter.id)
            return Replayed(chosen, done)
        finally:
            await db.close()

    return asyncio.run(act())


def replay_webhooks(
    settings: Settings, business: Business, numbers: Sequence[int], since: datetime | None, *, dry_run: bool
) -> list[tuple[Webhook, bool]]:
    """Reads stored webhook bodies again, oldest first: those with these numbers, else all since a time.

    Raises:
        NoDatabaseError: There are no records here.
    """

    async def act() -> list[tuple[Webhook, bool]]:
        db = _database(settings)
        try:
            wanted = select(Webhook).where(Webhook.body != "").order_by(Webhook.id)
            wanted = wanted.where(Webhook.id.in_(numbers)) if numbers else wanted
            wanted = wanted.where(Webhook.stored_at >= since) if since else wanted
            async with db.transaction() as session:
                rows = list(await session.scalars(wanted))
            return [(row, dry_run or await _replay_stored(db, settings, business, row.id)) for row in rows]
        finally:
            await db.close()

    return asyncio.run(act())


def show_letters(out: Console, letters: Sequence[Letter], business: Business, words: Catalogue) -> None:
    """A table: what, whom it concerns, why, since when, and what can be done."""
    if not letters:
        out.print(words.text("letters_none"), style="green")
        return
    table = Table(title=words.text("letters_title"), box=box.SIMPLE, title_justify="left", title_style="bold")
    for key in ("letters_id", "letters_about", "letters_reason", "letters_since", "letters_next"):
        table.add_column(words.text(key), overflow="fold")
    for one in letters:
        goes_on = "letters_goes_on" if one.goes_on else "letters_replay"
        follows = words.text(f"letters_not_{one.obstacle}" if one.obstacle else goes_on)
        since = short_label(one.since, business.zone, words.locale)
        table.add_row(one.id, Text(one.about), Text(one.reason), since, follows)
    out.print(table)


async def _replay_stored(db: Database, settings: Settings, business: Business, row_id: int) -> bool:
    fields = (settings.KOMMO_FIELD_GOOGLE_CALENDAR_LINK, settings.KOMMO_FIELD_MEETING_STATUS)
    inbox = Inbox(
        db,
        _now,
        pause_min=settings.HANDOFF_PAUSE_MIN,
        automatic_replies=business.whatsapp.automatic_replies,
        echoes=Echoes(business, fields),
        sellers={seller.whatsapp: seller.kommo_user_id for seller in business.sellers if seller.whatsapp},
    )
    async with db.transaction() as session:
        row = await session.get_one(Webhook, row_id)
    return await replay_webhook(inbox, row)


def _database(settings: Settings) -> Database:
    db = Database(settings.DATABASE_URL)
    if db.is_sqlite and not Path(db.url.database or "").is_file():
        raise NoDatabaseError  # opening it would make an empty one
    return db


def _now() -> datetime:
    return datetime.now(UTC)


def moment_of(text: str, business: Business, now: datetime) -> datetime:
    """The time a person means: "2h", "3d" (so long ago), or a day or minute on the business's clocks.

    Raises:
        ValueError: It is none of these.
    """
    if text[:-1].isdigit() and text[-1:] in ("h", "d"):
        return now - timedelta(**{{"h": "hours", "d": "days"}[text[-1]]: int(text[:-1])})
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=business.zone)
