"""Free times: the working day, what blocks it, and what holds whatever the numbers are."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from meeting_scene import SAO_PAULO, at

from meetings.business import WEEKDAYS, Business, Seller
from meetings.slots import Interval, Period, free_slots, horizon, is_within_hours, spread

SANTIAGO = ZoneInfo("America/Santiago")
# 2026-03-09 is a Monday.
WEEK = {day: ["09:00-12:00", "13:00-18:00"] for day in ("mon", "tue", "wed", "thu", "fri")}


def make(hours: dict[str, list[str]] | None = None, zone: str = "America/Sao_Paulo", **rules: Any) -> Business:
    """A business with one seller."""
    meetings = {"subject": "visita", "length_min": 60, "step_min": 60, "minimum_notice_min": 0, "horizon_days": 4, **rules}
    return Business.model_validate(
        {
            "time_zone": zone,
            "company": {"name": "Sol", "sells": "sol", "assistant_name": "Clara"},
            "sellers": [
                {"name": "Ana", "kommo_user_id": 1, "calendar_id": "ana", "working_hours": WEEK if hours is None else hours}
            ],
            "meetings": meetings,
            "result_words": {"no_show": ["faltou"], "cancelled": ["cancelou"]},
        }
    )


def seller(business: Business) -> Seller:
    return business.sellers[0]


def starts(business: Business, now: str, busy: Sequence[tuple[str, str]] = (), **wish: Any) -> list[str]:
    """Local starts of the free times, e.g. "Mon 09:00"."""
    blocked = [Interval(at(a, business.zone), at(b, business.zone)) for a, b in busy]
    slots = free_slots(business, seller(business), blocked, at(now, business.zone), **wish)
    return [business.local(slot.starts_at).strftime("%a %H:%M") for slot in slots]


def on(day: str, *hours: str) -> list[str]:
    return [f"{day} {hour}" for hour in hours]


WHOLE_DAY = ("09:00", "10:00", "11:00", "13:00", "14:00", "15:00", "16:00", "17:00")
EARLY_MONDAY = "2026-03-09 06:00"


# --- the working day --------------------------------------------------------------------------------------------------


def test_times_lie_in_working_hours_and_leave_lunch_out() -> None:
    assert starts(make(), EARLY_MONDAY, day=date(2026, 3, 10)) == on("Tue", *WHOLE_DAY)


def test_a_meeting_must_end_within_its_interval() -> None:
    business = make({"tue": ["09:00-12:00"]}, length_min=90, step_min=30)
    assert starts(business, EARLY_MONDAY) == on("Tue", "09:00", "09:30", "10:00", "10:30")


def test_a_day_without_hours_is_free_of_meetings() -> None:
    assert starts(make({"wed": ["09:00-10:00"]}), EARLY_MONDAY) == on("Wed", "09:00")


def test_times_come_in_order_and_once_however_the_intervals_are_written() -> None:
    business = make({"tue": ["14:00-16:00", "09:00-11:00", "10:00-12:00"]})
    assert starts(business, EARLY_MONDAY) == on("Tue", "09:00", "10:00", "11:00", "14:00", "15:00")


def test_times_are_aware_utc() -> None:
    business = make({"tue": ["09:00-10:00"]})
    (slot,) = free_slots(business, seller(business), [], at(EARLY_MONDAY))
    assert slot == Interval(datetime(2026, 3, 10, 12, tzinfo=UTC), datetime(2026, 3, 10, 13, tzinfo=UTC))
    assert slot.starts_at.tzinfo is UTC


# --- what blocks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("busy", "free"),
    [
        (("10:00", "11:00"), ("09:00", "11:00", "12:00", "13:00")),
        (("10:30", "10:45"), ("09:00", "11:00", "12:00", "13:00")),
        (("09:59", "10:00"), ("10:00", "11:00", "12:00", "13:00")),
        (("11:00", "13:00"), ("09:00", "10:00", "13:00")),
        (("08:00", "09:00"), ("09:00", "10:00", "11:00", "12:00", "13:00")),
        (("00:00", "23:59"), ()),
    ],
)
def test_a_busy_interval_blocks_what_it_touches_and_nothing_more(busy: tuple[str, str], free: tuple[str, ...]) -> None:
    business = make({"tue": ["09:00-14:00"]})
    assert starts(business, EARLY_MONDAY, [(f"2026-03-10 {busy[0]}", f"2026-03-10 {busy[1]}")]) == on("Tue", *free)


@pytest.mark.parametrize(
    ("buffer_min", "free"),
    [(0, ("09:00", "10:00", "12:00", "13:00")), (30, ("09:00", "13:00")), (60, ("09:00", "13:00")), (61, ())],
)
def test_the_buffer_keeps_its_distance_on_both_sides(buffer_min: int, free: tuple[str, ...]) -> None:
    business = make({"tue": ["09:00-14:00"]}, buffer_min=buffer_min)
    assert starts(business, EARLY_MONDAY, [("2026-03-10 11:00", "2026-03-10 12:00")]) == on("Tue", *free)


def test_busy_intervals_may_overlap_and_come_in_any_order() -> None:
    business = make({"tue": ["09:00-14:00"]})
    busy = [
        ("2026-03-10 12:30", "2026-03-10 13:30"),
        ("2026-03-10 09:00", "2026-03-10 10:00"),
        ("2026-03-10 09:30", "2026-03-10 10:30"),
    ]
    assert starts(business, EARLY_MONDAY, busy) == on("Tue", "11:00")


def test_several_days_absence_blocks_all_of_them() -> None:
    assert starts(make(), EARLY_MONDAY, [("2026-03-08 00:00", "2026-03-13 00:00")]) == on("Fri", *WHOLE_DAY)


# --- notice, horizon, holidays, wishes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "notice_min", "first"),
    [
        ("2026-03-10 08:59", 0, "Tue 09:00"),
        ("2026-03-10 09:00", 0, "Tue 09:00"),
        ("2026-03-10 09:01", 0, "Tue 10:00"),
        ("2026-03-10 09:00", 120, "Tue 11:00"),
        ("2026-03-10 09:01", 120, "Tue 13:00"),
        ("2026-03-10 18:30", 0, "Wed 09:00"),
        ("2026-03-10 09:00", 24 * 60, "Wed 09:00"),
    ],
)
def test_nothing_starts_before_the_notice_is_over(now: str, notice_min: int, first: str) -> None:
    assert starts(make(minimum_notice_min=notice_min), now)[0] == first


@pytest.mark.parametrize(("horizon_days", "last_day"), [(1, "Tue"), (3, "Thu"), (4, "Fri"), (6, "Fri"), (7, "Mon")])
def test_the_horizon_counts_local_days_after_today(horizon_days: int, last_day: str) -> None:
    assert starts(make(horizon_days=horizon_days), "2026-03-09 23:30")[-1] == f"{last_day} 17:00"


def test_on_a_holiday_nothing_is_offered() -> None:
    friday_is_good_friday = "2026-04-01 06:00"
    days = {label[:3] for label in starts(make(holidays_region="BR"), friday_is_good_friday)}
    assert days == {"Wed", "Thu"}


@pytest.mark.parametrize(
    ("period", "hours"),
    [
        (Period.MORNING, ("09:00", "10:00", "11:00")),
        (Period.AFTERNOON, ("12:00", "13:00", "14:00", "15:00", "16:00", "17:00")),
        (Period.EVENING, ("18:00", "19:00", "20:00")),
    ],
)
def test_a_wish_for_a_part_of_the_day_goes_by_local_hours(period: Period, hours: tuple[str, ...]) -> None:
    assert starts(make({"tue": ["09:00-21:00"]}), EARLY_MONDAY, period=period) == on("Tue", *hours)


@pytest.mark.parametrize(
    "day", [date(2026, 3, 8), date(2026, 3, 14), date(2026, 3, 16)], ids=["yesterday", "a Saturday", "beyond the horizon"]
)
def test_a_wish_for_a_day_that_is_not_to_be_had_gives_nothing(day: date) -> None:
    assert starts(make(), EARLY_MONDAY, day=day) == []


def test_wishes_for_day_and_part_of_the_day_both_count() -> None:
    found = starts(make(), EARLY_MONDAY, day=date(2026, 3, 11), period=Period.MORNING)
    assert found == on("Wed", "09:00", "10:00", "11:00")


# --- days on which the clock changes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "before", "after"),
    [
        ("2026-09-04 12:00", ("2026-09-05", 13), ("2026-09-06", 12)),  # Chile goes from UTC-4 to UTC-3
        ("2026-04-03 12:00", ("2026-04-04", 12), ("2026-04-05", 13)),  # and back
    ],
)
def test_hours_stay_on_the_wall_clock_when_the_clock_changes(now: str, before: tuple[str, int], after: tuple[str, int]) -> None:
    business = make({"sat": ["09:00-10:00"], "sun": ["09:00-10:00"]}, zone="America/Santiago")
    slots = free_slots(business, seller(business), [], at(now, SANTIAGO))
    expected = [datetime.combine(date.fromisoformat(day), time(hour), UTC) for day, hour in (before, after)]
    assert [slot.starts_at for slot in slots] == expected
    assert all(slot.ends_at - slot.starts_at == timedelta(hours=1) for slot in slots)


def test_an_hour_that_a_clock_change_leaves_out_is_offered_once_or_not_at_all() -> None:
    # On 6 September 2026 Santiago's clocks go from 23:59 to 01:00.
    night = make({"sun": ["00:00-03:00"]}, zone="America/Santiago")
    assert starts(night, "2026-09-05 12:00") == on("Sun", "01:00", "02:00")
    gone = make({"sun": ["00:00-01:00"]}, zone="America/Santiago")
    assert starts(gone, "2026-09-05 12:00") == []


def test_an_hour_that_comes_twice_is_offered_once() -> None:
    # On 4 April 2026 Santiago's clocks go from 23:59 back to 23:00.
    night = make({"sat": ["22:00-23:59"]}, zone="America/Santiago", length_min=30, step_min=30)
    assert starts(night, "2026-04-04 12:00") == on("Sat", "22:00", "22:30", "23:00")


# --- the checks made later --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "is_within"),
    [
        ("2026-03-10 09:00", "2026-03-10 10:00", True),
        ("2026-03-10 11:00", "2026-03-10 12:00", True),
        ("2026-03-10 08:59", "2026-03-10 09:59", False),
        ("2026-03-10 11:30", "2026-03-10 12:30", False),  # into lunch
        ("2026-03-10 11:00", "2026-03-10 14:00", False),  # across it
        ("2026-03-10 17:30", "2026-03-10 18:30", False),
        ("2026-03-14 10:00", "2026-03-14 11:00", False),  # a Saturday
        ("2026-04-03 10:00", "2026-04-03 11:00", False),  # Good Friday
        ("2026-03-10 17:00", "2026-03-11 10:00", False),  # over night
    ],
)
def test_a_chosen_time_is_checked_against_hours_again(starts_at: str, ends_at: str, is_within: bool) -> None:
    business = make(holidays_region="BR")
    assert is_within_hours(business, seller(business), Interval(at(starts_at), at(ends_at))) is is_within


def test_intervals_that_only_touch_do_not_overlap() -> None:
    first, second = (
        Interval(at("2026-03-10 09:00"), at("2026-03-10 10:00")),
        Interval(at("2026-03-10 10:00"), at("2026-03-10 11:00")),
    )
    assert not first.overlaps(second)
    assert not second.overlaps(first)
    assert first.padded(1).overlaps(second)


# --- a choice over several days ---------------------------------------------------------------------------------------


def slots_at(*labels: str, zone: ZoneInfo = SAO_PAULO) -> list[Interval]:
    return [Interval(at(label, zone), at(label, zone) + timedelta(hours=1)) for label in labels]


MANY = slots_at(*(f"2026-03-{day:02} {hour:02}:00" for day in (9, 10, 11) for hour in (9, 10, 11, 14)))


@pytest.mark.parametrize(
    ("count", "chosen"),
    [
        (1, ["09 09"]),
        (2, ["09 09", "10 09"]),
        (3, ["09 09", "09 10", "10 09"]),
        (4, ["09 09", "09 10", "10 09", "10 10"]),
        (6, ["09 09", "09 10", "09 11", "10 09", "10 10", "10 11"]),
    ],
)
def test_a_choice_is_spread_over_days(count: int, chosen: list[str]) -> None:
    found = [slot.starts_at.astimezone(SAO_PAULO).strftime("%d %H") for slot in spread(MANY, count, SAO_PAULO)]
    assert found == chosen


def test_a_single_day_still_fills_the_choice() -> None:
    day = slots_at("2026-03-09 09:00", "2026-03-09 10:00", "2026-03-09 11:00", "2026-03-09 14:00")
    assert spread(day, 4, SAO_PAULO) == day
    assert spread(day, 9, SAO_PAULO) == day
    assert spread([], 4, SAO_PAULO) == []


def test_days_are_told_apart_by_the_wall_clock_not_by_utc() -> None:
    evening = slots_at("2026-03-09 19:00", "2026-03-09 20:00", "2026-03-09 21:00", "2026-03-09 22:00", "2026-03-10 19:00")
    assert spread(evening, 2, SAO_PAULO) == [evening[0], evening[4]]


@settings(deadline=None)
@given(st.lists(st.integers(0, 400), unique=True).map(sorted), st.integers(1, 10))
def test_a_choice_is_part_of_what_is_free_in_order_and_as_large_as_it_can_be(hours: list[int], count: int) -> None:
    slots = [Interval(at("2026-03-09 00:00") + timedelta(hours=n), at("2026-03-09 01:00") + timedelta(hours=n)) for n in hours]
    chosen = spread(slots, count, SAO_PAULO)
    assert set(chosen) <= set(slots)
    assert chosen == sorted(set(chosen))
    assert len(chosen) == min(count, len(slots))


# --- whatever the numbers are -----------------------------------------------------------------------------------------


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


@st.composite
def intervals_of_a_day(draw: st.DrawFn) -> str:
    start = draw(st.integers(0, 85)) * 15
    return f"{_clock(start)}-{_clock(min(start + draw(st.integers(8, 40)) * 15, 23 * 60 + 45))}"


@st.composite
def businesses(draw: st.DrawFn) -> Business:
    days = draw(st.lists(st.sampled_from(WEEKDAYS), min_size=1, unique=True))
    return make(
        {day: draw(st.lists(intervals_of_a_day(), min_size=1, max_size=3)) for day in days},
        zone=draw(st.sampled_from(["America/Sao_Paulo", "America/Santiago", "Europe/Lisbon", "Asia/Kathmandu", "UTC"])),
        length_min=draw(st.sampled_from([15, 30, 45, 60, 90])),
        step_min=draw(st.sampled_from([15, 30, 45, 60])),
        buffer_min=draw(st.sampled_from([0, 10, 30, 60])),
        minimum_notice_min=draw(st.sampled_from([0, 45, 120, 1440])),
        horizon_days=draw(st.integers(1, 12)),
        holidays_region=draw(st.sampled_from([None, "BR-SP", "CL"])),
    )


# Around the clock changes of Santiago and Lisbon, and Easter.
NOW = st.datetimes(datetime(2026, 3, 20), datetime(2026, 11, 10)).map(lambda moment: moment.replace(tzinfo=UTC))  # noqa: DTZ001
BUSY = st.lists(st.tuples(st.integers(-600, 18_000), st.integers(1, 2_000)), max_size=12)


@settings(max_examples=150, deadline=None)
@given(businesses(), NOW, BUSY)
def test_every_free_time_keeps_all_rules(business: Business, now: datetime, busy: list[tuple[int, int]]) -> None:
    rules = business.meetings
    blocked = [Interval(now + timedelta(minutes=a), now + timedelta(minutes=a + b)) for a, b in busy]
    slots = free_slots(business, seller(business), blocked, now)
    assert slots == sorted(set(slots))
    span = horizon(business, now)
    for slot in slots:
        assert slot.ends_at - slot.starts_at == timedelta(minutes=rules.length_min)
        assert slot.starts_at >= now + timedelta(minutes=rules.minimum_notice_min)
        assert not any(slot.overlaps(other.padded(rules.buffer_min)) for other in blocked)
        assert is_within_hours(business, seller(business), slot)
        assert not business.is_holiday(business.local(slot.starts_at).date())
        assert (business.local(slot.starts_at).date() - business.local(now).date()).days <= rules.horizon_days
        # Whatever could block it was asked for.
        assert span.starts_at <= slot.padded(rules.buffer_min).starts_at
        assert slot.padded(rules.buffer_min).ends_at <= span.ends_at


@settings(max_examples=60, deadline=None)
@given(businesses(), NOW, BUSY)
def test_a_wish_only_narrows_what_is_free(business: Business, now: datetime, busy: list[tuple[int, int]]) -> None:
    blocked = [Interval(now + timedelta(minutes=a), now + timedelta(minutes=a + b)) for a, b in busy]
    everything = free_slots(business, seller(business), blocked, now)
    parts = [slot for period in Period for slot in free_slots(business, seller(business), blocked, now, period=period)]
    assert sorted(parts) == everything
    days = {business.local(slot.starts_at).date() for slot in everything}
    assert [s for day in sorted(days) for s in free_slots(business, seller(business), blocked, now, day=day)] == everything


@settings(max_examples=60, deadline=None)
@given(businesses(), NOW, BUSY)
def test_more_busy_time_never_frees_anything(business: Business, now: datetime, busy: list[tuple[int, int]]) -> None:
    blocked = [Interval(now + timedelta(minutes=a), now + timedelta(minutes=a + b)) for a, b in busy]
    some = set(free_slots(business, seller(business), blocked[1:], now))
    assert set(free_slots(business, seller(business), blocked, now)) <= some
