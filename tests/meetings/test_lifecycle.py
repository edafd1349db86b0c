"""A meeting's life: which changes are legal, pair by pair, and the line each of them leaves."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from meeting_scene import ANA, BRUNO, Clock, add_customer, at, database, shipped
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from meetings.business import Seller
from meetings.lifecycle import LEGAL, IllegalChangeError, first_change, may_become, revise, snapshot
from meetings.tables import Change, Meeting, MeetingPhase, MeetingStatus

SCHEDULED, COMPLETED = MeetingStatus.SCHEDULED, MeetingStatus.COMPLETED
NO_SHOW, CANCELLED = MeetingStatus.NO_SHOW, MeetingStatus.CANCELLED
STARTS = at("2026-03-10 14:00")

#              to: scheduled completed no_show cancelled
TABLE = {
    SCHEDULED: (True, True, True, True),
    COMPLETED: (False, False, True, False),
    NO_SHOW: (False, True, False, False),
    CANCELLED: (False, False, False, False),
}
PAIRS = [(before, after, TABLE[before][list(MeetingStatus).index(after)]) for before, after in product(MeetingStatus, repeat=2)]


def meeting(status: MeetingStatus = SCHEDULED, **values: Any) -> Meeting:
    fields: dict[str, Any] = {
        "kommo_user_id": ANA,
        "calendar_id": "ana@solclaro.example",
        "event_id": "a1b2c3",
        "phase": MeetingPhase.BOOKED,
        "status": status,
        "starts_at": STARTS,
        "ends_at": STARTS + timedelta(hours=1),
        "revision": 1,
        "attempts": 0,
        "shown": {},
        "old_events": [],
        "created_at": at("2026-03-09 08:00"),
        "updated_at": at("2026-03-09 08:00"),
    }
    return Meeting(**{**fields, **values})


Act = Callable[[AsyncSession, Meeting, Clock], Awaitable[None] | None]


def after(folder: Path, row: Meeting, act: Act) -> tuple[Meeting, list[Change]]:
    """The meeting and its changes as stored once `act` was done to it."""

    async def run() -> tuple[Meeting, list[Change]]:
        clock = Clock("2026-03-09 09:30")
        async with database(folder) as db:
            row.customer_id = await add_customer(db, clock())
            async with db.transaction() as session:
                session.add(row)
                await session.flush()
                done = act(session, row, clock)
                if done is not None:
                    await done
            async with db.transaction() as session:
                stored = await session.get_one(Meeting, row.id)
                return stored, list(await session.scalars(select(Change).order_by(Change.id)))

    return asyncio.run(run())


def change(session: AsyncSession, row: Meeting, clock: Clock, **values: Any) -> None:
    fields = {"what": "completed", "by": "seller", "source": "task", "hint": "task_completed", "now": clock(), **values}
    revise(session, row, **fields)


def test_the_order_of_the_table_is_that_of_the_statuses() -> None:
    assert list(MeetingStatus) == [SCHEDULED, COMPLETED, NO_SHOW, CANCELLED]


@pytest.mark.parametrize(("before", "wanted", "is_legal"), PAIRS)
def test_every_pair_of_statuses_is_legal_or_not(before: MeetingStatus, wanted: MeetingStatus, is_legal: bool) -> None:
    assert may_become(before, wanted) is is_legal
    assert ((before, wanted) in LEGAL) is is_legal


def test_nothing_leaves_cancelled() -> None:
    assert not any(before is CANCELLED for before, _ in LEGAL)


@pytest.mark.parametrize(("before", "wanted", "is_legal"), PAIRS)
def test_a_change_is_made_when_legal_and_else_refused_without_a_trace(
    tmp_path: Path, before: MeetingStatus, wanted: MeetingStatus, is_legal: bool
) -> None:
    def act(session: AsyncSession, row: Meeting, clock: Clock) -> None:
        if is_legal:
            change(session, row, clock, status=wanted)
        else:
            with pytest.raises(IllegalChangeError, match=f"is {before} and can't become {wanted}"):
                change(session, row, clock, status=wanted)

    stored, changes = after(tmp_path, meeting(before), act)
    assert (stored.status, stored.revision, len(changes)) == ((wanted, 2, 1) if is_legal else (before, 1, 0))


def test_a_change_writes_one_line_that_says_what_who_where_why_and_when(tmp_path: Path) -> None:
    stored, changes = after(
        tmp_path,
        meeting(revision=3),
        lambda session, row, clock: change(session, row, clock, what="cancelled", hint="task_deleted", status=CANCELLED),
    )
    (line,) = changes
    assert (line.meeting_id, line.revision, line.what, line.by, line.source) == (stored.id, 4, "cancelled", "seller", "task")
    assert (line.hint, line.at) == ("task_deleted", at("2026-03-09 09:30"))
    times = {"starts_at": "2026-03-10T17:00:00+00:00", "ends_at": "2026-03-10T18:00:00+00:00", "kommo_user_id": ANA}
    assert line.before == {"status": "scheduled", **times}
    assert line.after == {"status": "cancelled", **times}
    assert (stored.revision, stored.updated_at) == (4, at("2026-03-09 09:30"))


def test_a_move_keeps_the_status_and_changes_both_times(tmp_path: Path) -> None:
    new = at("2026-03-11 10:00")
    stored, changes = after(
        tmp_path,
        meeting(),
        lambda session, row, clock: change(session, row, clock, what="moved", starts_at=new, ends_at=new + timedelta(hours=1)),
    )
    assert (stored.status, stored.starts_at, stored.ends_at) == (SCHEDULED, new, new + timedelta(hours=1))
    assert changes[0].before["starts_at"] == "2026-03-10T17:00:00+00:00"
    assert changes[0].after["starts_at"] == "2026-03-11T13:00:00+00:00"


def seller(kommo_user_id: int) -> Seller:
    found = shipped().seller(kommo_user_id)
    assert found is not None
    return found


def test_another_seller_gets_the_meeting_on_their_own_calendar_and_the_old_event_is_to_be_deleted(tmp_path: Path) -> None:
    stored, (line,) = after(
        tmp_path,
        meeting(generation=3),
        lambda session, row, clock: change(session, row, clock, what="handed_over", seller=seller(BRUNO)),
    )
    assert (stored.kommo_user_id, stored.calendar_id, stored.status) == (BRUNO, "bruno@solclaro.example", SCHEDULED)
    assert stored.old_events == [{"calendar_id": "ana@solclaro.example", "event_id": "a1b2c3"}]
    assert (stored.generation, len(stored.event_id)) == (1, 32)
    assert set(stored.event_id) <= set("0123456789abcdef")
    assert (line.before["kommo_user_id"], line.after["kommo_user_id"]) == (ANA, BRUNO)


def test_a_meeting_handed_on_twice_leaves_two_events_behind_and_one_handed_back_gets_a_new_id(tmp_path: Path) -> None:
    def act(session: AsyncSession, row: Meeting, clock: Clock) -> None:
        change(session, row, clock, what="handed_over", seller=seller(BRUNO))
        change(session, row, clock, what="handed_over", seller=seller(ANA))

    stored, _ = after(tmp_path, meeting(), act)
    assert [old["calendar_id"] for old in stored.old_events] == ["ana@solclaro.example", "bruno@solclaro.example"]
    assert stored.calendar_id == "ana@solclaro.example"
    assert stored.event_id not in [old["event_id"] for old in stored.old_events]


def test_a_seller_who_shares_the_calendar_takes_the_event_as_it_is(tmp_path: Path) -> None:
    shared = seller(BRUNO).model_copy(update={"calendar_id": "ana@solclaro.example"})
    stored, _ = after(
        tmp_path, meeting(), lambda session, row, clock: change(session, row, clock, what="handed_over", seller=shared)
    )
    assert (stored.kommo_user_id, stored.event_id, stored.old_events) == (BRUNO, "a1b2c3", [])


def test_a_reason_is_kept_with_the_change_and_not_with_what_is_agreed(tmp_path: Path) -> None:
    stored, (line,) = after(
        tmp_path, meeting(), lambda session, row, clock: change(session, row, clock, status=CANCELLED, reason="vai viajar")
    )
    assert line.after == snapshot(stored) | {"reason": "vai viajar"}


def test_a_wish_that_waits_is_overtaken_by_any_change(tmp_path: Path) -> None:
    row = meeting(wish={"what": "x", "since": "2026-03-09T12:00:00+00:00"}, look_at=at("2026-03-09 10:00"))
    stored, _ = after(tmp_path, row, lambda session, row, clock: change(session, row, clock, status=NO_SHOW))
    assert (stored.wish, stored.look_at) == (None, None)


@pytest.mark.parametrize("status", [COMPLETED, NO_SHOW, CANCELLED])
def test_a_meeting_that_is_over_can_not_be_moved(tmp_path: Path, status: MeetingStatus) -> None:
    def act(session: AsyncSession, row: Meeting, clock: Clock) -> None:
        with pytest.raises(IllegalChangeError):
            change(session, row, clock, what="moved", starts_at=at("2026-03-11 10:00"), ends_at=at("2026-03-11 11:00"))

    stored, changes = after(tmp_path, meeting(status), act)
    assert (stored.starts_at, stored.revision, changes) == (STARTS, 1, [])


def test_a_new_revision_is_unsettled_and_due_at_once(tmp_path: Path) -> None:
    row = meeting(
        event_rev=1, task_rev=1, lead_rev=1, notice_rev=1, attempts=7, problem="Kommo is down", next_try_at=at("2026-03-09 20:00")
    )
    assert row.settled
    stored, _ = after(tmp_path, row, lambda session, row, clock: change(session, row, clock, status=NO_SHOW))
    assert not stored.settled
    assert (stored.attempts, stored.problem, stored.next_try_at) == (0, None, None)
    assert (stored.event_rev, stored.task_rev, stored.lead_rev, stored.notice_rev) == (1, 1, 1, 1)


@pytest.mark.parametrize("behind", ["event_rev", "task_rev", "lead_rev", "notice_rev"])
def test_a_meeting_is_settled_only_when_nothing_is_behind(behind: str) -> None:
    revisions: dict[str, Any] = {"event_rev": 2, "task_rev": 2, "lead_rev": 2, "notice_rev": 2}
    assert meeting(revision=2, **revisions).settled
    assert not meeting(revision=2, **{**revisions, behind: 1}).settled


def test_completed_and_no_show_may_be_corrected_back_and_forth_each_time_with_a_line(tmp_path: Path) -> None:
    def act(session: AsyncSession, row: Meeting, clock: Clock) -> None:
        for status in (COMPLETED, NO_SHOW, COMPLETED, NO_SHOW):
            change(session, row, clock, what=status.value, status=status)

    stored, changes = after(tmp_path, meeting(), act)
    assert (stored.status, stored.revision) == (NO_SHOW, 5)
    assert [(line.revision, line.before["status"], line.after["status"]) for line in changes] == [
        (2, "scheduled", "completed"),
        (3, "completed", "no_show"),
        (4, "no_show", "completed"),
        (5, "completed", "no_show"),
    ]


def test_the_booking_itself_is_the_first_line(tmp_path: Path) -> None:
    def act(session: AsyncSession, row: Meeting, clock: Clock) -> None:
        session.add(first_change(row, clock()))

    stored, (line,) = after(tmp_path, meeting(), act)
    assert (line.meeting_id, line.revision, line.what, line.by, line.source) == (
        stored.id,
        1,
        "booked",
        "customer",
        "conversation",
    )
    assert (line.before, line.after) == ({}, snapshot(stored))
    assert line.hint == "customer_booked"


def test_a_booking_by_a_seller_says_so(tmp_path: Path) -> None:
    def act(session: AsyncSession, row: Meeting, clock: Clock) -> None:
        session.add(first_change(row, clock(), by="seller", source="task", hint="task_by_hand"))

    _, (line,) = after(tmp_path, meeting(), act)
    assert (line.revision, line.what, line.by, line.source, line.hint) == (1, "booked", "seller", "task", "task_by_hand")
