"""Task, lead and event in terms of the meeting, and the base that is kept with it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from meeting_scene import ANA, at, shipped

from clients.calendar import CalendarEvent, Guest, GuestResponse
from clients.kommo import LOST, WON, KommoLead, KommoTask
from meetings.decide import EVENT, LEAD, TASK, Crm, EventSeen, LeadSeen, Shown, TaskSeen
from meetings.seen import agreed_of, event_seen, lead_seen, remember, shown_of, task_seen
from meetings.tables import Change, Meeting, MeetingStatus

LINK, STATUS = FIELDS = (123456, 123457)
START, END = at("2026-03-10 14:00"), at("2026-03-10 15:00")
TOUCHED = at("2026-03-09 11:59")
EPOCH = int(TOUCHED.timestamp())


def meeting(**values: Any) -> Meeting:
    fields = {"status": MeetingStatus.SCHEDULED, "starts_at": START, "ends_at": END, "kommo_user_id": ANA, "link": "https://x"}
    return Meeting(**{**fields, "revision": 3, "event_rev": 3, "task_rev": 3, "lead_rev": 3, "notice_rev": 3, **values})


def event(**values: Any) -> CalendarEvent:
    fields: dict[str, Any] = {"id": "a", "etag": "", "link": "", "is_cancelled": False, "starts_at": START, "ends_at": END}
    return CalendarEvent(**{**fields, "summary": "", "private": {}, "updated_at": TOUCHED, **values})


# --- as read ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("deadline_means", "duration_s", "span"),
    [
        ("start", 5400, (0, 90)),
        ("end", 5400, (-90, 0)),
        ("start", 0, (0, 60)),  # says nothing: the meeting keeps its length
        ("end", 0, (-60, 0)),
        ("start", -5, (0, 60)),
    ],
)
def test_a_task_s_deadline_and_duration_are_the_meeting_s_time(
    deadline_means: str, duration_s: int, span: tuple[int, int]
) -> None:
    kommo = shipped().kommo.model_copy(update={"task_deadline": deadline_means})
    business = shipped().model_copy(update={"kommo": kommo})
    task = KommoTask(id=1, deadline=START, duration_s=duration_s, responsible_user_id=7, updated_at=EPOCH)
    seen = task_seen(task, meeting(), business)
    assert (seen.starts_at, seen.ends_at) == tuple(START + timedelta(minutes=minutes) for minutes in span)
    assert (seen.responsible, seen.updated_at, seen.is_completed, seen.is_gone) == (7, TOUCHED, False, False)


def test_a_completed_task_has_its_result_and_a_deleted_one_nothing() -> None:
    done = KommoTask(id=1, deadline=START, is_completed=True, result="não veio")
    seen = task_seen(done, meeting(), shipped())
    assert (seen.is_completed, seen.result, seen.updated_at) == (True, "não veio", None)
    assert task_seen(None, meeting(), shipped()) == TaskSeen(is_gone=True)


def test_a_lead_shows_our_two_fields_its_end_and_its_user() -> None:
    fields = {LINK: "https://x", STATUS: "scheduled", 9: "outro"}
    lead = KommoLead(id=1, status_id=LOST, fields=fields, responsible_user_id=7, updated_at=EPOCH)
    assert lead_seen(lead, FIELDS, speaks=True) == LeadSeen(False, True, True, "scheduled", "https://x", 7, TOUCHED)
    won = KommoLead(id=1, status_id=WON)
    assert lead_seen(won, FIELDS, speaks=False) == LeadSeen(speaks=False)
    assert lead_seen(None, FIELDS, speaks=True) == LeadSeen(is_gone=True)


def test_an_event_shows_its_time_or_that_it_has_none() -> None:
    assert event_seen(event(), None) == EventSeen(starts_at=START, ends_at=END, updated_at=TOUCHED)
    assert event_seen(event(starts_at=None, ends_at=None), None) == EventSeen(is_untimed=True, updated_at=TOUCHED)
    assert event_seen(None, None) == EventSeen(is_gone=True)
    # Of a deleted one nothing but its id is promised: it is gone, not untimed.
    assert event_seen(event(is_cancelled=True, starts_at=None, ends_at=None), None) == EventSeen(is_gone=True, updated_at=TOUCHED)


@pytest.mark.parametrize(
    ("who", "response", "is_declined"),
    [
        ("maria@example.com", GuestResponse.DECLINED, True),
        ("Maria@Example.com", GuestResponse.DECLINED, True),
        ("ana@solclaro.example", GuestResponse.DECLINED, False),  # the seller's own copy
        ("engenheiro@solclaro.example", GuestResponse.DECLINED, False),  # a colleague whom the seller asked along
        ("maria@example.com", GuestResponse.TENTATIVE, False),
        ("maria@example.com", GuestResponse.ACCEPTED, False),
        ("maria@example.com", GuestResponse.NEEDS_ACTION, False),
    ],
)
def test_only_the_customer_s_refusal_is_one(who: str, response: GuestResponse, is_declined: bool) -> None:
    seen = event_seen(event(guests=(Guest("x@example.com", GuestResponse.ACCEPTED), Guest(who, response))), "maria@example.com")
    assert seen.is_declined is is_declined


@pytest.mark.parametrize(
    ("guests", "is_declined"),
    [
        (["maria@example.com"], True),
        (["maria@example.com", "ana@solclaro.example"], True),
        (["engenheiro@solclaro.example"], False),
        (["maria@example.com", "joao@example.com"], False),  # whose refusal that is, nobody can tell
    ],
)
def test_whom_the_seller_invited_alone_is_the_customer(guests: list[str], is_declined: bool) -> None:
    declined = tuple(Guest(email, GuestResponse.DECLINED) for email in guests)
    assert event_seen(event(guests=declined, organizer="ana@solclaro.example"), None).is_declined is is_declined


# --- the base ---------------------------------------------------------------------------------------------------------

TASK_BASE = TaskSeen(False, True, "feito", START, END, ANA, TOUCHED)
LEAD_BASE = LeadSeen(False, True, True, "scheduled", "https://x", 7, TOUCHED)
EVENT_BASE = EventSeen(False, False, True, START, END, TOUCHED)


def test_what_was_remembered_is_read_back_as_it_was() -> None:
    row = meeting(shown={})
    remember(row, Crm(TASK_BASE, LEAD_BASE), EVENT_BASE)
    assert shown_of(row) == Shown(TASK_BASE, LEAD_BASE, EVENT_BASE)
    bare = meeting(shown={})
    remember(bare, Crm(TaskSeen(), LeadSeen()), EventSeen())
    assert shown_of(bare) == Shown(TaskSeen(), LeadSeen(), EventSeen())


def test_times_are_remembered_in_utc() -> None:
    row = meeting(shown={})
    remember(row, Crm(replace(TASK_BASE, starts_at=START.astimezone(UTC))), None)
    found = shown_of(row).task
    assert found is not None
    assert isinstance(found.starts_at, datetime)
    assert (found.starts_at, found.starts_at.utcoffset()) == (START, timedelta(0))


def test_what_was_not_read_or_is_gone_leaves_the_base_as_it_was() -> None:
    row = meeting(shown={})
    remember(row, Crm(TASK_BASE, LEAD_BASE), EVENT_BASE)
    remember(row, Crm(), None)
    remember(row, Crm(TaskSeen(is_gone=True), LeadSeen(is_gone=True)), EventSeen(is_gone=True))
    assert shown_of(row) == Shown(TASK_BASE, LEAD_BASE, EVENT_BASE)
    remember(row, Crm(task=replace(TASK_BASE, result="outro")), None)
    assert shown_of(row) == Shown(replace(TASK_BASE, result="outro"), LEAD_BASE, EVENT_BASE)


def test_of_a_new_event_nothing_is_known() -> None:
    row = meeting(shown={})
    remember(row, Crm(TASK_BASE), EVENT_BASE)
    remember(row, Crm(), EVENT_BASE, has_new_event=True)
    assert shown_of(row) == Shown(TASK_BASE, None, None)


@pytest.mark.parametrize("kept", [None, {}])
def test_of_a_meeting_from_before_our_time_nothing_is_known(kept: dict[str, Any] | None) -> None:
    assert shown_of(meeting(shown=kept)) == Shown()


def test_what_is_agreed_is_the_meeting_with_its_newest_change_and_what_has_not_arrived() -> None:
    row = meeting(shown={}, event_rev=3, task_rev=2, lead_rev=0)
    remember(row, Crm(TASK_BASE), None)
    found = agreed_of(row, Change(at=TOUCHED, source="lead"))
    assert (found.status, found.starts_at, found.ends_at) == (MeetingStatus.SCHEDULED, START, END)
    assert (found.link, found.kommo_user_id, found.changed_at, found.source) == ("https://x", ANA, TOUCHED, "lead")
    assert (found.pending, found.shown) == ({TASK, LEAD}, Shown(task=TASK_BASE))
    row.event_rev = 2
    assert agreed_of(row, Change(at=TOUCHED, source="lead")).pending == {TASK, LEAD, EVENT}
