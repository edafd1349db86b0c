"""Events on another seller's calendar, and tasks that went with their lead: what `decide` makes of where things are."""

from dataclasses import replace

import pytest
from meeting_scene import ANA, BRUNO, at, shipped

from meetings.decide import Agreed, Crm, EventSeen, LeadSeen, Rules, Shown, TaskSeen, decide
from meetings.seen import rules_of
from meetings.tables import MeetingStatus

NOW, BOOKED_AT, DONE_AT = at("2026-03-09 12:00"), at("2026-03-09 08:00"), at("2026-03-09 11:59")
START, END = at("2026-03-10 10:00"), at("2026-03-10 11:00")
LATER, LATER_END = at("2026-03-11 10:00"), at("2026-03-11 11:00")
TASK = TaskSeen(starts_at=START, ends_at=END, responsible=ANA, updated_at=BOOKED_AT)
LEAD = LeadSeen(status="scheduled", link="x", responsible=ANA, updated_at=BOOKED_AT)
EVENT = EventSeen(starts_at=START, ends_at=END, updated_at=BOOKED_AT)
AGREED = Agreed(MeetingStatus.SCHEDULED, START, END, "x", ANA, BOOKED_AT, shown=Shown(TASK, LEAD, EVENT))
CANCEL = rules_of(shipped())
KEEP = replace(CANCEL, lead_deleted="keep")
GONE_TASK, GONE_LEAD = TaskSeen(is_gone=True), LeadSeen(is_gone=True)


def test_an_event_on_another_sellers_calendar_is_that_sellers_meeting() -> None:
    found = decide(AGREED, Crm(TASK, LEAD), replace(EVENT, holder=BRUNO, updated_at=DONE_AT), NOW, CANCEL)
    assert (found.kommo_user_id, found.starts_at, found.status) == (BRUNO, None, None)
    assert (found.source, found.because, found.can_be_undone, found.done_at) == ("event", "event_handed_over", True, DONE_AT)


def test_it_may_have_moved_in_time_as_well() -> None:
    seen = EventSeen(holder=BRUNO, starts_at=LATER, ends_at=LATER_END, updated_at=DONE_AT)
    found = decide(AGREED, Crm(TASK, LEAD), seen, NOW, CANCEL)
    assert (found.kommo_user_id, found.starts_at, found.ends_at, found.because) == (BRUNO, LATER, LATER_END, "event_moved")


def test_kommo_is_stronger() -> None:
    rules = replace(CANCEL, sellers=CANCEL.sellers | {10003})
    task = replace(TASK, responsible=10003, updated_at=DONE_AT)
    found = decide(AGREED, Crm(task, LEAD), replace(EVENT, holder=BRUNO, updated_at=DONE_AT), NOW, rules)
    assert (found.kommo_user_id, found.because) == (10003, "task_handed_over")


def test_it_is_at_home_with_the_seller_who_holds_the_meeting() -> None:
    assert not decide(AGREED, Crm(TASK, LEAD), replace(EVENT, holder=ANA), NOW, CANCEL).is_change


@pytest.mark.parametrize(
    ("task", "lead", "rules", "status"),
    [
        (GONE_TASK, LEAD, CANCEL, MeetingStatus.CANCELLED),
        (GONE_TASK, LEAD, KEEP, MeetingStatus.CANCELLED),
        (GONE_TASK, None, KEEP, MeetingStatus.CANCELLED),
        (GONE_TASK, GONE_LEAD, CANCEL, MeetingStatus.CANCELLED),
        (GONE_TASK, GONE_LEAD, KEEP, None),
        (TASK, GONE_LEAD, KEEP, None),
        (replace(TASK, is_completed=True), GONE_LEAD, KEEP, MeetingStatus.COMPLETED),
    ],
)
def test_a_task_that_went_with_a_kept_lead_says_nothing(
    task: TaskSeen, lead: LeadSeen | None, rules: Rules, status: MeetingStatus | None
) -> None:
    assert decide(AGREED, Crm(task, lead), EVENT, NOW, rules).status is status
