"""Webhook bodies and what came with them are kept for as long as is said, and no longer; nothing that is still needed goes."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from meeting_scene import at, new_file
from sqlalchemy import select

from meetings.database import Database
from meetings.retention import purge
from meetings.tables import EarlyEdit, Hint, Webhook

NOW = at("2026-04-20 12:00")
OLD, YOUNG = NOW - timedelta(days=31), NOW - timedelta(days=29)


def run(tmp_path: Path, act: Callable[[Database], Awaitable[Any]]) -> Any:
    async def inside() -> Any:
        db = Database(new_file(tmp_path))
        try:
            return await act(db)
        finally:
            await db.close()

    return asyncio.run(inside())


async def add(db: Database, stored_at: datetime, *, done: bool = True) -> int:
    async with db.transaction() as session:
        body = Webhook(source="kommo", event="task[update]", body="{}", outcome="stored", stored_at=stored_at)
        session.add(body)
        await session.flush()
        done_at = stored_at if done else None
        session.add(Hint(webhook_id=body.id, entity="task", entity_id=7, action="update", stored_at=stored_at, done_at=done_at))
        return body.id


async def left(db: Database, table: type[Any] = Webhook) -> list[int]:
    async with db.transaction() as session:
        return list(await session.scalars(select(table.id).order_by(table.id)))


def test_what_is_old_and_done_goes_with_its_hints(tmp_path: Path) -> None:
    async def act(db: Database) -> Any:
        await add(db, OLD)
        await add(db, OLD, done=False)
        await add(db, YOUNG)
        return await purge(db, NOW, 30), await left(db), await left(db, Hint), await purge(db, NOW, 30)

    assert run(tmp_path, act) == (1, [2, 3], [2, 3], 0)


def test_the_newest_hint_stays_so_that_its_id_is_not_given_out_again(tmp_path: Path) -> None:
    async def act(db: Database) -> Any:
        for _ in range(3):
            await add(db, OLD)
        count = await purge(db, NOW, 30)
        await add(db, NOW)
        return count, await left(db, Hint)

    assert run(tmp_path, act) == (2, [3, 4])


def test_an_edit_whose_message_never_came_goes_too(tmp_path: Path) -> None:
    async def act(db: Database) -> Any:
        async with db.transaction() as session:
            session.add_all(EarlyEdit(vendor_id=name, text="x", stored_at=when) for name, when in (("A", OLD), ("B", YOUNG)))
        await purge(db, NOW, 30)
        async with db.transaction() as session:
            return list(await session.scalars(select(EarlyEdit.vendor_id)))

    assert run(tmp_path, act) == ["B"]
