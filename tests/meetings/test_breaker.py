"""What is sent unasked stops when WhatsApp refuses us, and a person lets it go on; and what waits is counted with its age."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from meeting_scene import add_customer, add_message, at, database

from meetings import breaker
from meetings.backlog import Waiting, read_backlog
from meetings.breaker import BY_HAND, WAITS, Breaker
from meetings.database import Database
from meetings.tables import Author, CrmNote, Customer, Hint, Message, MessageState, Touch, TouchKind, Webhook
from tests.panel.test_panel_overview import meeting

NOW = at("2026-03-09 10:00")


def inside(folder: Path, act: Callable[[Database], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with database(folder) as db:
            return await act(db)

    return asyncio.run(run())


@pytest.mark.parametrize(("refusals", "for_all", "is_stopped"), [(2, False, False), (3, False, True), (1, True, True)])
def test_it_stops_after_three_refusals_in_a_row_or_one_of_everything(
    tmp_path: Path, refusals: int, for_all: bool, is_stopped: bool
) -> None:
    async def act(db: Database) -> Any:
        one = Breaker(db, lambda: NOW)
        for _ in range(refusals):
            await one.refused("status 400", for_all=for_all)
        return await one.stopped()

    held = inside(tmp_path, act)
    assert (held is not None) is is_stopped
    if held is not None:
        assert (held.since, held.reason) == (NOW, "status 400")


def test_a_delivery_between_them_begins_the_count_anew_but_starts_nothing(tmp_path: Path) -> None:
    async def act(db: Database) -> list[bool]:
        one, found = Breaker(db, lambda: NOW), []
        for problem in ("a", "b", None, "c", "d", None, "e", "f", "g", None):
            if problem is None:
                async with db.transaction() as session:
                    await breaker.note_delivery(session)
            else:
                await one.refused(problem, for_all=False)
            found.append(await one.stopped() is not None)
        return found

    assert inside(tmp_path, act) == [False] * 8 + [True, True]


def test_a_person_stops_and_resumes_and_what_was_kept_back_is_due_at_once(tmp_path: Path) -> None:
    async def act(db: Database) -> Any:
        await meeting(timedelta(0))(db)
        async with db.transaction() as session:
            for key, outcome in (("kept", WAITS), ("later", None)):
                touch = Touch(meeting_id=1, kind=TouchKind.REMINDER, key=key, starts_at=NOW, outcome=outcome)
                touch.due_at, touch.useful_until = NOW + timedelta(minutes=5), NOW + timedelta(hours=1)
                session.add(touch)
            await breaker.stop(session, NOW)
        async with db.transaction() as session:
            held = await breaker.stopped(session)
            was_stopped = await breaker.resume(session, NOW)
            again = await breaker.resume(session, NOW)
        async with db.transaction() as session:
            due = {t.key: t.due_at for t in [await session.get_one(Touch, 1), await session.get_one(Touch, 2)]}
            return held, was_stopped, again, await breaker.stopped(session), due

    held, was_stopped, again, after, due = inside(tmp_path, act)
    assert held.reason == BY_HAND
    assert (was_stopped, again, after) == (True, False, None)
    assert due == {"kept": NOW, "later": NOW + timedelta(minutes=5)}


def test_what_waits_is_listed_with_its_age_its_tries_and_what_keeps_it(tmp_path: Path) -> None:
    async def act(db: Database) -> list[Waiting]:
        customer_id = await add_customer(db, NOW)
        await add_message(db, customer_id, "Oi", NOW - timedelta(minutes=3))
        async with db.transaction() as session:
            session.add(Webhook(id=1, source="kommo", event="task[update]", body="", outcome="stored", stored_at=NOW))
            await session.flush()
            hint = Hint(webhook_id=1, entity="task", entity_id=7, action="update", attempts=4)
            hint.stored_at = NOW - timedelta(hours=2)
            session.add(hint)
            for n, problem in ((1, None), (2, "Kommo: add note failed (status 502)")):
                note = CrmNote(key=f"n{n}", kommo_lead_id=1, text="…", attempts=n, problem=problem)
                note.next_try_at, note.stored_at = NOW, NOW - timedelta(minutes=n)
                session.add(note)
            unsent = Message(customer_id=customer_id, author=Author.SYSTEM, key="k", text="…", state=MessageState.PENDING)
            unsent.sent_at = unsent.stored_at = NOW - timedelta(seconds=5)
            session.add(unsent)
            customer = await session.get_one(Customer, customer_id)
            customer.crm_since, customer.crm_due_at, customer.crm_attempts = NOW - timedelta(minutes=30), NOW, 6
        async with db.transaction() as session:
            return await read_backlog(session, NOW)

    found = inside(tmp_path, act)
    assert [(one.kind, one.count, one.age(NOW), one.attempts, one.problem) for one in found] == [
        ("looks", 1, timedelta(hours=2), 4, None),
        ("leads", 1, timedelta(minutes=30), 6, None),
        ("answers", 1, timedelta(minutes=3), 0, None),
        ("notes", 2, timedelta(minutes=2), 2, "Kommo: add note failed (status 502)"),
        ("sending", 1, timedelta(seconds=5), 0, None),
    ]


def test_nothing_waits_in_an_empty_database(tmp_path: Path) -> None:
    async def act(db: Database) -> list[Waiting]:
        async with db.transaction() as session:
            return await read_backlog(session, NOW)

    assert inside(tmp_path, act) == []
