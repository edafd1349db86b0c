"""When which touch is due: pure functions of the business's rules, a meeting and its changes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from meetings.business import Business
from meetings.slots import Interval
from meetings.tables import Change, Meeting, MeetingPhase, MeetingStatus, TouchKind

# A reminder that quiet hours put off must still come this long before the start; else it comes on the evening before.
_USEFUL = timedelta(minutes=30)
_EVENING = timedelta(hours=1)  # before quiet hours begin
_ASK_WITHIN = timedelta(days=3)  # nobody is asked about what is longer ago
_RESCUE_WITHIN = timedelta(hours=24)


@dataclass(frozen=True)
class Planned:
    """One touch to come. Times aware UTC; `key` stays the same however often it is planned."""

    kind: TouchKind
    key: str
    step: int
    due_at: datetime
    useful_until: datetime


def plan(business: Business, meeting: Meeting, changes: Sequence[Change]) -> list[Planned]:
    """The touches of a meeting as it stands, also those whose time is over.

    Args:
        changes: All of the meeting's changes, oldest first.
    """
    if meeting.phase != MeetingPhase.BOOKED:
        return []
    if meeting.status == MeetingStatus.SCHEDULED:
        return [*_reminders(business, meeting, agreed_at(meeting, changes)), *_follow_up(business, meeting)]
    if meeting.status == MeetingStatus.NO_SHOW and (missed := missed_at(changes)):
        return _rescue(business, meeting, missed)
    return []


def agreed_at(meeting: Meeting, changes: Sequence[Change]) -> datetime:
    """Since when the meeting is at its present time."""
    since = meeting.created_at
    for change in reversed(changes):
        if datetime.fromisoformat(change.after["starts_at"]) != meeting.starts_at:
            break
        since = change.at
    return since


def missed_at(changes: Sequence[Change]) -> datetime | None:
    """When the meeting was marked as missed; None when that only set right what had been marked as held: then the customer was
    thanked already, and how to go on is for people to say.
    """
    newest = changes[-1] if changes else None
    if newest is None or newest.what != MeetingStatus.NO_SHOW or newest.before.get("status") != MeetingStatus.SCHEDULED:
        return None
    return newest.at


def touch_key(meeting: Meeting, what: str) -> str:
    """Names what is done once for a meeting at its present time: a moved meeting gets a fresh one, the same time never two."""
    return f"meeting:{meeting.id}:{int(meeting.starts_at.timestamp())}:{what}"


def is_quiet(business: Business, moment: datetime) -> bool:
    """Whether nothing may be sent unasked at that moment."""
    return business.quiet_hours is not None and business.quiet_hours.holds(business.local(moment).time())


def awake(business: Business, moment: datetime) -> datetime:
    """The moment itself, or the end of the quiet hours in which it lies."""
    return quiet_span(business, moment).ends_at if is_quiet(business, moment) else moment


def quiet_span(business: Business, moment: datetime) -> Interval:
    """The quiet hours in which the moment lies."""
    quiet = business.quiet_hours
    assert quiet is not None
    local = business.local(moment)
    # Wall-clock arithmetic: quiet hours keep their hours on a day with a clock change.
    first = datetime.combine(local.date(), quiet.start)
    if local.time() < quiet.start:
        first -= timedelta(days=1)
    last = datetime.combine(first.date(), quiet.end)
    if quiet.end <= quiet.start:
        last += timedelta(days=1)
    return Interval(*(wall.replace(tzinfo=business.zone).astimezone(moment.tzinfo) for wall in (first, last)))


def _reminders(business: Business, meeting: Meeting, agreed: datetime) -> Iterable[Planned]:
    """One per lead, unless the meeting was made later than that; of two that fall together only the second.

    One that comes late, because we were down, is useful until half the way to what follows: the next reminder, or the start.
    """
    steps = business.reminders.before_min
    times = [_reminder_time(business, meeting.starts_at, step) for step in steps]
    for n, step in enumerate(steps):
        nominal, due = meeting.starts_at - timedelta(minutes=step), times[n]
        follows = times[n + 1] if n + 1 < len(steps) else meeting.starts_at
        if agreed > min(nominal, due) or follows <= due:
            continue
        yield Planned(TouchKind.REMINDER, touch_key(meeting, f"reminder:{step}"), step, due, due + (follows - due) / 2)


def _reminder_time(business: Business, starts_at: datetime, step: int) -> datetime:
    nominal = starts_at - timedelta(minutes=step)
    if not is_quiet(business, nominal):
        return nominal
    quiet = quiet_span(business, nominal)
    return quiet.ends_at if quiet.ends_at <= starts_at - _USEFUL else quiet.starts_at - _EVENING


def _follow_up(business: Business, meeting: Meeting) -> Iterable[Planned]:
    rules = business.follow_up
    if rules.how == "off":
        return
    due = meeting.ends_at + timedelta(minutes=rules.after_min)
    if rules.how == "whatsapp":
        due = awake(business, due)
    yield Planned(TouchKind.FOLLOW_UP, touch_key(meeting, "follow_up"), 0, due, meeting.ends_at + _ASK_WITHIN)


def _rescue(business: Business, meeting: Meeting, missed: datetime) -> list[Planned]:
    """The later ones; hour 0 is the notice itself. Keyed by the meeting alone: corrections back and forth begin nothing anew."""
    planned = []
    for step in business.rescue.touches_h:
        if step:
            due = awake(business, missed + timedelta(hours=step))
            key = f"meeting:{meeting.id}:rescue:{step}"
            planned.append(Planned(TouchKind.RESCUE, key, step, due, due + _RESCUE_WITHIN))
    return planned
