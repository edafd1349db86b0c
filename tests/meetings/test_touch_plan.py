"""When which touch is due: leads, quiet hours, late bookings, moves, corrections."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from meeting_scene import ANA, at, shipped

from meetings.business import Business
from meetings.rules import FollowUpRules, QuietHours, ReminderRules, RescueRules
from meetings.tables import Change, Meeting, MeetingPhase, MeetingStatus, TouchKind
from meetings.touch_plan import Planned, agreed_at, awake, is_quiet, plan, quiet_span

BOOKED = at("2026-03-02 09:00")
STARTS = at("2026-03-11 10:00")
HOUR = timedelta(hours=1)


def rules(quiet: str | None = "21:00-08:00", **parts: Any) -> Business:
    """The shipped business with other rules for touches."""
    hours = None
    if quiet:
        start, end = (datetime.strptime(part, "%H:%M").time() for part in quiet.split("-"))  # noqa: DTZ007 (a wall-clock hour)
        hours = QuietHours(start=start, end=end)
    return shipped().model_copy(update={"quiet_hours": hours, **parts})


def meeting(starts_at: datetime = STARTS, status: MeetingStatus = MeetingStatus.SCHEDULED, **values: Any) -> Meeting:
    fields: dict[str, Any] = {"id": 7, "customer_id": 1, "kommo_user_id": ANA, "phase": MeetingPhase.BOOKED, "created_at": BOOKED}
    return Meeting(**fields, starts_at=starts_at, ends_at=starts_at + HOUR, status=status, **values)


def change(
    what: str, moment: datetime, starts_at: datetime = STARTS, before: str = "scheduled", after: str = "scheduled"
) -> Change:
    return Change(
        what=what,
        at=moment,
        before={"status": before, "starts_at": starts_at.isoformat()},
        after={"status": after, "starts_at": starts_at.isoformat()},
    )


def reminders(business: Business, row: Meeting, *changes: Change) -> list[Planned]:
    planned = plan(business, row, list(changes) or [change("booked", BOOKED, row.starts_at)])
    return [touch for touch in planned if touch.kind is TouchKind.REMINDER]


def due(business: Business, row: Meeting, *changes: Change) -> list[datetime]:
    return [touch.due_at for touch in reminders(business, row, *changes)]


def before(*minutes: int) -> ReminderRules:
    return ReminderRules(before_min=minutes)


# --- quiet hours ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "quiet"),
    [("20:59", False), ("21:00", True), ("23:59", True), ("00:00", True), ("07:59", True), ("08:00", False), ("12:00", False)],
)
def test_quiet_hours_span_midnight_start_inclusive_end_exclusive(moment: str, quiet: bool) -> None:
    assert is_quiet(rules(), at(f"2026-03-10 {moment}")) is quiet


def test_quiet_hours_may_lie_within_a_day_or_not_be_at_all() -> None:
    assert is_quiet(rules("12:00-14:00"), at("2026-03-10 13:00"))
    assert not is_quiet(rules("12:00-14:00"), at("2026-03-10 23:00"))
    assert not is_quiet(rules(None), at("2026-03-10 23:00"))


@pytest.mark.parametrize(
    ("moment", "first", "last"),
    [
        ("2026-03-10 22:00", "2026-03-10 21:00", "2026-03-11 08:00"),
        ("2026-03-11 03:00", "2026-03-10 21:00", "2026-03-11 08:00"),
        ("2026-03-11 00:00", "2026-03-10 21:00", "2026-03-11 08:00"),
    ],
)
def test_the_quiet_hours_around_a_moment(moment: str, first: str, last: str) -> None:
    span = quiet_span(rules(), at(moment))
    assert (span.starts_at, span.ends_at) == (at(first), at(last))
    assert awake(rules(), at(moment)) == at(last)


def test_what_is_not_quiet_stays_as_it_is() -> None:
    assert awake(rules(), at("2026-03-10 15:00")) == at("2026-03-10 15:00")


# --- reminders --------------------------------------------------------------------------------------------------------


def test_a_day_and_an_hour_before_unless_the_file_says_otherwise() -> None:
    assert due(shipped(), meeting()) == [at("2026-03-10 10:00"), at("2026-03-11 09:00")]
    assert due(rules(reminders=before()), meeting()) == []
    assert due(rules(reminders=before(30, 2880)), meeting()) == [at("2026-03-09 10:00"), at("2026-03-11 09:30")]


def test_a_key_names_the_meeting_its_time_and_the_lead() -> None:
    keys = [touch.key for touch in reminders(shipped(), meeting())]
    assert keys == [f"meeting:7:{int(STARTS.timestamp())}:reminder:1440", f"meeting:7:{int(STARTS.timestamp())}:reminder:60"]
    assert not set(keys) & {touch.key for touch in reminders(shipped(), meeting(STARTS + HOUR))}


def test_one_that_falls_into_the_night_comes_in_the_morning_while_that_is_half_an_hour_before() -> None:
    assert due(rules(reminders=before(600)), meeting()) == [at("2026-03-11 08:00")]
    assert due(rules(reminders=before(60)), meeting(at("2026-03-11 08:30"))) == [at("2026-03-11 08:00")]


def test_else_it_comes_an_hour_before_the_night() -> None:
    assert due(rules(reminders=before(60)), meeting(at("2026-03-11 08:29"))) == [at("2026-03-10 20:00")]
    assert due(rules(reminders=before(60)), meeting(at("2026-03-10 23:00"))) == [at("2026-03-10 20:00")]
    assert due(rules(None, reminders=before(60)), meeting(at("2026-03-11 08:00"))) == [at("2026-03-11 07:00")]


def test_of_two_that_fall_together_only_the_last_is_sent() -> None:
    two = reminders(rules(reminders=before(720, 60)), meeting(at("2026-03-11 08:00")))
    assert [(touch.step, touch.due_at) for touch in two] == [(60, at("2026-03-10 20:00"))]
    two = reminders(rules(reminders=before(690, 60)), meeting(at("2026-03-11 08:00")))
    assert [(touch.step, touch.due_at) for touch in two] == [(60, at("2026-03-10 20:00"))]


@pytest.mark.parametrize(
    ("booked", "steps"),
    [
        ("2026-03-10 09:59", [1440, 60]),
        ("2026-03-10 10:01", [60]),
        ("2026-03-11 08:59", [60]),
        ("2026-03-11 09:01", []),
    ],
)
def test_a_meeting_made_later_than_the_lead_gets_no_such_reminder(booked: str, steps: list[int]) -> None:
    assert [touch.step for touch in reminders(shipped(), meeting(), change("booked", at(booked)))] == steps


def test_a_move_counts_as_made_anew_a_hand_over_does_not() -> None:
    old = STARTS - timedelta(days=1)
    moved = [change("booked", BOOKED, old), change("moved", at("2026-03-10 12:00"))]
    assert [touch.step for touch in reminders(shipped(), meeting(), *moved)] == [60]
    handed = [change("booked", BOOKED), change("reassigned", at("2026-03-11 08:30"))]
    assert [touch.step for touch in reminders(shipped(), meeting(), *handed)] == [1440, 60]
    assert agreed_at(meeting(), handed) == BOOKED


def test_a_late_one_is_useful_half_the_way_to_what_follows() -> None:
    day, hour = reminders(shipped(), meeting())
    assert day.useful_until == at("2026-03-10 21:30")
    assert hour.useful_until == at("2026-03-11 09:30")


@pytest.mark.parametrize("status", [MeetingStatus.COMPLETED, MeetingStatus.CANCELLED, MeetingStatus.NO_SHOW])
def test_nobody_is_reminded_of_or_asked_about_what_is_over(status: MeetingStatus) -> None:
    planned = plan(shipped(), meeting(status=status), [change("booked", BOOKED)])
    assert {touch.kind for touch in planned} <= {TouchKind.RESCUE}


def test_a_held_time_is_no_meeting_yet() -> None:
    row = meeting()
    row.phase = MeetingPhase.HELD
    assert plan(shipped(), row, [change("booked", BOOKED)]) == []


minutes = st.integers(0, 14 * 1440)


@given(
    starts=minutes,
    booked=minutes,
    steps=st.lists(st.integers(15, 4320), max_size=4, unique=True),
    quiet=st.one_of(st.none(), st.tuples(st.integers(0, 23), st.integers(1, 16))),
)
def test_whatever_the_rules_reminders_come_awake_in_time_in_order_and_never_before_the_booking(
    starts: int, booked: int, steps: list[int], quiet: tuple[int, int] | None
) -> None:
    hours = f"{quiet[0]:02}:00-{(quiet[0] + quiet[1]) % 24:02}:00" if quiet else None
    business = rules(hours, reminders=before(*steps))
    made = BOOKED + timedelta(minutes=booked)
    row = meeting(made + timedelta(minutes=starts + 1))
    found = reminders(business, row, change("booked", made, row.starts_at))
    assert [touch.due_at for touch in found] == sorted({touch.due_at for touch in found})
    assert [touch.step for touch in found] == sorted((touch.step for touch in found), reverse=True)
    for touch in found:
        assert made <= touch.due_at < touch.useful_until <= row.starts_at
        assert not is_quiet(business, touch.due_at)
        assert made <= row.starts_at - timedelta(minutes=touch.step)


# --- afterwards -------------------------------------------------------------------------------------------------------


def follow_up(business: Business, row: Meeting) -> list[datetime]:
    planned = plan(business, row, [change("booked", BOOKED, row.starts_at)])
    return [touch.due_at for touch in planned if touch.kind is TouchKind.FOLLOW_UP]


def test_the_seller_is_asked_some_minutes_after_the_end() -> None:
    assert follow_up(shipped(), meeting()) == [at("2026-03-11 11:20")]
    assert follow_up(rules(follow_up=FollowUpRules(after_min=0)), meeting()) == [at("2026-03-11 11:00")]
    assert follow_up(rules(follow_up=FollowUpRules(how="off")), meeting()) == []


def test_a_message_to_the_seller_waits_for_the_morning_a_task_does_not() -> None:
    late = meeting(at("2026-03-11 20:00"))
    assert follow_up(shipped(), late) == [at("2026-03-11 21:20")]
    assert follow_up(rules(follow_up=FollowUpRules(how="whatsapp")), late) == [at("2026-03-12 08:00")]


MISSED = at("2026-03-11 12:00")
NO_SHOW = change("no_show", MISSED, after="no_show")


def rescue(business: Business, *changes: Change) -> list[tuple[str, datetime]]:
    return [(touch.key, touch.due_at) for touch in plan(business, meeting(status=MeetingStatus.NO_SHOW), changes)]


def test_who_did_not_come_is_written_to_later_and_hour_zero_is_the_notice_itself() -> None:
    assert rescue(shipped(), NO_SHOW) == [
        ("meeting:7:rescue:24", at("2026-03-12 12:00")),
        ("meeting:7:rescue:72", at("2026-03-14 12:00")),
    ]
    assert rescue(rules(rescue=RescueRules(touches_h=())), NO_SHOW) == []


def test_at_night_it_waits_for_the_morning() -> None:
    late = change("no_show", at("2026-03-11 23:00"), after="no_show")
    assert rescue(rules(rescue=RescueRules(touches_h=(24,))), late) == [("meeting:7:rescue:24", at("2026-03-13 08:00"))]


def test_a_correction_of_what_was_marked_as_held_wins_nobody_back() -> None:
    thanked = change("completed", MISSED, after="completed")
    corrected = change("no_show", MISSED + HOUR, before="completed", after="no_show")
    assert rescue(shipped(), thanked, corrected) == []
