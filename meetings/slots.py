"""Which times are free: pure functions of hours, busy intervals and now."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from meetings.business import WEEKDAYS, Business, Seller


class Period(StrEnum):
    """A part of the day in local hours: morning before 12, afternoon 12 to 18, evening from 18."""

    MORNING = "morning"
    AFTERNOON = "afternoon"
    EVENING = "evening"

    def holds(self, hour: int) -> bool:
        return {Period.MORNING: hour < 12, Period.AFTERNOON: 12 <= hour < 18, Period.EVENING: hour >= 18}[self]


@dataclass(frozen=True, order=True)
class Interval:
    """A span of time, aware UTC, end exclusive."""

    starts_at: datetime
    ends_at: datetime

    def overlaps(self, other: "Interval") -> bool:
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at

    def padded(self, minutes: int) -> "Interval":
        return Interval(self.starts_at - timedelta(minutes=minutes), self.ends_at + timedelta(minutes=minutes))


def free_slots(
    business: Business,
    seller: Seller,
    busy: Iterable[Interval],
    now: datetime,
    *,
    day: date | None = None,
    period: Period | None = None,
) -> list[Interval]:
    """Times this seller could meet somebody, earliest first.

    Args:
        busy: What blocks the seller, any order, overlaps allowed; the buffer is added here, on both sides.
        now: Aware. Times starting within the minimum notice are left out.
        day: Only that local day; None for every day within the horizon.
        period: Only that part of the day.

    Returns:
        Meeting-long intervals, aware UTC; empty when nothing is free.
    """
    rules = business.meetings
    earliest = now + timedelta(minutes=rules.minimum_notice_min)
    blocked = [interval.padded(rules.buffer_min) for interval in busy]
    candidates = sorted(set(_candidates(business, seller, _days(business, now, day))))
    return [
        slot
        for slot in candidates
        if slot.starts_at >= earliest
        and is_within_hours(business, seller, slot)
        and (period is None or period.holds(business.local(slot.starts_at).hour))
        and not any(slot.overlaps(other) for other in blocked)
    ]


def is_within_hours(business: Business, seller: Seller, slot: Interval) -> bool:
    """Whether the interval lies in one working interval of the seller, on a day that is no holiday."""
    starts, ends = business.local(slot.starts_at), business.local(slot.ends_at)
    if business.is_holiday(starts.date()) or starts.date() != ends.date():
        return False
    hours = seller.working_hours.get(WEEKDAYS[starts.weekday()], ())
    return any(h.start <= starts.time() and ends.time() <= h.end for h in hours)


def spread(slots: Sequence[Interval], count: int, zone: tzinfo = UTC) -> list[Interval]:
    """A choice of `count` slots over different days of that zone rather than the first morning's, in order of time."""
    per_day = max(1, (count + 1) // 2)
    chosen: list[Interval] = []
    taken: dict[date, int] = {}
    for slot in slots:
        key = slot.starts_at.astimezone(zone).date()
        if taken.get(key, 0) < per_day:
            chosen.append(slot)
            taken[key] = taken.get(key, 0) + 1
    rest = [slot for slot in slots if slot not in chosen]
    return sorted([*chosen[:count], *rest[: max(0, count - len(chosen))]])


def horizon(business: Business, now: datetime) -> Interval:
    """The span whose busy times matter: what is offered, and the buffer around it."""
    day_after = business.local(now).date() + timedelta(days=business.meetings.horizon_days + 1)
    end = datetime.combine(day_after, time.min, business.zone)
    return Interval(now.astimezone(UTC), end.astimezone(UTC)).padded(business.meetings.buffer_min)


def _days(business: Business, now: datetime, day: date | None) -> list[date]:
    today = business.local(now).date()
    within = [today + timedelta(days=n) for n in range(business.meetings.horizon_days + 1)]
    return [d for d in within if (day is None or d == day) and not business.is_holiday(d)]


def _candidates(business: Business, seller: Seller, days: Iterable[date]) -> Iterable[Interval]:
    length = timedelta(minutes=business.meetings.length_min)
    step = timedelta(minutes=business.meetings.step_min)
    for day in days:
        for hours in seller.working_hours.get(WEEKDAYS[day.weekday()], ()):
            start = datetime.combine(day, hours.start)
            # Wall-clock arithmetic first, zone last: so a day with a clock change keeps its hours. An hour that such a day
            # leaves out is read as the next one; where that is too late, `is_within_hours` says so.
            while start + length <= datetime.combine(day, hours.end):
                local = start.replace(tzinfo=business.zone)
                yield Interval(local.astimezone(UTC), (local.astimezone(UTC)) + length)
                start += step
