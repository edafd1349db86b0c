"""Sums over turns: per local day, per customer, per booked meeting, with and without a first day."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any

from meeting_scene import ANA, SAO_PAULO, add_customer, at, database

from meetings.database import Database
from meetings.tables import Meeting, MeetingPhase, MeetingStatus, Turn
from meetings.usage import Meter, Prices, Tokens, Usage, UsageReport, read_usage


def run(folder: Path, act: Callable[[Database], Awaitable[Any]]) -> Any:
    async def inside() -> Any:
        async with database(folder) as db:
            return await act(db)

    return asyncio.run(inside())


async def add_turn(db: Database, customer_id: int, when: str, last_message: int, *, attempt: int = 0, calls: int = 1) -> str:
    """A turn of so many calls, of 100 input tokens (30 of them cached) and 10 output tokens each."""
    turn_id = f"turn:{customer_id}:{last_message}:{attempt}"
    async with db.transaction() as session:
        session.add(Turn(id=turn_id, customer_id=customer_id, started_at=at(when), outcome="answered"))
    for _ in range(calls):
        await Meter(db).count_call(turn_id, Tokens(100, 30, 10))
    return turn_id


async def add_booking(db: Database, customer_id: int, turn_id: str | None, when: str, **values: Any) -> None:
    fields = {
        "customer_id": customer_id,
        "kommo_user_id": ANA,
        "calendar_id": "ana@solclaro.example",
        "event_id": f"{customer_id}-{when}",
        "phase": MeetingPhase.BOOKED,
        "status": MeetingStatus.SCHEDULED,
        "starts_at": at("2026-03-20 10:00"),
        "ends_at": at("2026-03-20 11:00"),
        "booked_in_turn": turn_id,
        "created_at": at(when),
        "updated_at": at(when),
    }
    async with db.transaction() as session:
        session.add(Meeting(**(fields | values)))


def test_what_was_counted_adds_up_per_day_and_customer(tmp_path: Path) -> None:
    async def act(db: Database) -> UsageReport:
        maria = await add_customer(db, at("2026-03-09 08:00"), name="Maria", kommo_lead_id=7)
        joao = await add_customer(db, at("2026-03-09 08:00"), phone="+5511912345678", name="João")
        await add_turn(db, maria, "2026-03-09 23:50", 1, calls=2)  # the tenth already in UTC
        await add_turn(db, maria, "2026-03-10 09:00", 2)
        refused = await add_turn(db, joao, "2026-03-10 10:00", 3, calls=3)
        await Meter(db).note_refusals(refused, 1)
        await Meter(db).note_refusals(refused, 2)
        await Meter(db).note_refusals(refused, 2)  # the same step once more
        return await read_usage(db, SAO_PAULO)

    report = run(tmp_path, act)
    assert report.days == {
        date(2026, 3, 9): Usage(1, 2, 200, 60, 20, 0),
        date(2026, 3, 10): Usage(2, 4, 400, 120, 40, 2),
    }
    assert [(c.customer_id, c.name, c.kommo_lead_id, c.usage) for c in report.customers] == [
        (1, "Maria", 7, Usage(2, 3, 300, 90, 30, 0)),
        (2, "João", None, Usage(1, 3, 300, 90, 30, 2)),
    ]
    assert report.total == Usage(3, 6, 600, 180, 60, 2)
    assert report.meetings == []


def test_a_first_day_leaves_out_turns_before_it(tmp_path: Path) -> None:
    async def act(db: Database) -> UsageReport:
        for n, day in enumerate(("08", "09", "10"), 1):
            customer_id = await add_customer(db, at("2026-03-01 08:00"), phone=f"+551191234567{n}")
            await add_turn(db, customer_id, f"2026-03-{day} 00:00", n)
        return await read_usage(db, SAO_PAULO, at("2026-03-09 00:00"))

    report = run(tmp_path, act)
    assert list(report.days) == [date(2026, 3, 9), date(2026, 3, 10)]
    assert [c.customer_id for c in report.customers] == [2, 3]
    assert report.total.turns == 2


def test_a_booked_meeting_has_the_turns_since_the_booking_before_it(tmp_path: Path) -> None:
    async def act(db: Database) -> UsageReport:
        maria = await add_customer(db, at("2026-03-09 08:00"), name="Maria")
        # The clock stands still: turns of one moment are in the order of their messages and attempts.
        turns = [await add_turn(db, maria, "2026-03-09 08:00", n, attempt=a, calls=n + a) for n, a in ((2, 0), (10, 0), (10, 1))]
        await add_booking(db, maria, turns[1], "2026-03-09 08:00", status=MeetingStatus.CANCELLED)
        await add_booking(db, maria, turns[1], "2026-03-09 08:01", phase=MeetingPhase.RELEASED)
        again = await add_turn(db, maria, "2026-03-12 08:00", 20, calls=4)
        await add_booking(db, maria, again, "2026-03-12 08:00")
        await add_turn(db, maria, "2026-03-13 08:00", 30)  # after the last booking
        joao = await add_customer(db, at("2026-03-09 08:00"), phone="+5511912345678")
        await add_turn(db, joao, "2026-03-10 08:00", 15)
        await add_booking(db, joao, None, "2026-03-10 09:00")  # not known which turn: all before it
        return await read_usage(db, SAO_PAULO)

    report = run(tmp_path, act)
    assert [(m.customer_id, m.status, m.usage.turns, m.usage.model_calls) for m in report.meetings] == [
        (1, "cancelled", 2, 12),
        (2, "scheduled", 1, 1),
        (1, "scheduled", 2, 15),
    ]
    assert report.of_meetings == Usage(5, 28, 2800, 840, 280, 0)


def test_meetings_are_those_booked_since_the_first_day_with_earlier_turns_too(tmp_path: Path) -> None:
    async def act(db: Database) -> UsageReport:
        maria = await add_customer(db, at("2026-03-01 08:00"))
        first = await add_turn(db, maria, "2026-03-01 08:00", 1)
        await add_booking(db, maria, first, "2026-03-01 08:00")
        await add_turn(db, maria, "2026-03-08 08:00", 2)
        second = await add_turn(db, maria, "2026-03-09 08:00", 3)
        await add_booking(db, maria, second, "2026-03-09 08:00")
        return await read_usage(db, SAO_PAULO, at("2026-03-09 00:00"))

    report = run(tmp_path, act)
    assert [m.usage.turns for m in report.meetings] == [2]
    assert report.total.turns == 1


def test_cached_tokens_are_paid_at_their_own_price() -> None:
    usage = Usage(turns=1, model_calls=2, input_tokens=1_000_000, cached_tokens=400_000, output_tokens=100_000, refused=0)
    assert round(Prices(input=0.4, cached=0.1, output=1.6).cost(usage), 9) == 0.44


def test_an_empty_database_is_no_trouble(tmp_path: Path) -> None:
    report = run(tmp_path, lambda db: read_usage(db, SAO_PAULO))
    assert (report.days, report.customers, report.meetings, report.total) == ({}, [], [], Usage())
