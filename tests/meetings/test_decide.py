"""What a look means: the table of who wins, row by row and pair by pair; whose value it is; the words; and what always holds."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from meeting_scene import ANA, BRUNO, at, shipped

from meetings.decide import (
    EVENT,
    LEAD,
    NOTHING,
    TASK,
    Agreed,
    Crm,
    Decision,
    EventSeen,
    LeadSeen,
    Rules,
    Shown,
    TaskSeen,
    decide,
    means,
    status_named,
)
from meetings.lifecycle import may_become
from meetings.seen import rules_of
from meetings.tables import MeetingStatus
from prompts.catalogue import LOCALES, Catalogue

SCHEDULED, COMPLETED = MeetingStatus.SCHEDULED, MeetingStatus.COMPLETED
NO_SHOW, CANCELLED = MeetingStatus.NO_SHOW, MeetingStatus.CANCELLED
RULES = rules_of(shipped())
WORDS = shipped().result_words
LINK = "https://www.google.com/calendar/event?eid=abc"
NOBODY = 10009  # a Kommo user who holds no meetings

NOW = at("2026-03-09 12:00")
START, END = at("2026-03-10 14:00"), at("2026-03-10 15:00")
LATER, LATER_END = at("2026-03-11 10:00"), at("2026-03-11 11:00")
OTHER, OTHER_END = at("2026-03-12 16:00"), at("2026-03-12 17:00")
BOOKED_AT = at("2026-03-09 08:00")  # the newest change
DONE_AT = at("2026-03-09 11:59")  # what somebody did since


@dataclass(frozen=True)
class World:
    """What task, lead and event show."""

    task: TaskSeen | None = None
    lead: LeadSeen | None = None
    event: EventSeen | None = None

    def but(self, surface: str, **fields: Any) -> "World":
        return replace(self, **{surface: replace(getattr(self, surface), updated_at=DONE_AT, **fields)})


def agreed(status: MeetingStatus = SCHEDULED, **fields: Any) -> Agreed:
    """A meeting that everything showed as agreed when we last looked, unless told otherwise."""
    before = Agreed(status, START, END, LINK, ANA, BOOKED_AT, source="conversation")
    calm = as_agreed(before)
    return replace(before, **{"shown": Shown(calm.task, calm.lead, calm.event), **fields})


def as_agreed(before: Agreed) -> World:
    """The world in which every surface shows what is agreed."""
    is_open = before.status is SCHEDULED
    task = TaskSeen(False, not is_open, "", before.starts_at, before.ends_at, before.kommo_user_id, before.changed_at)
    lead = LeadSeen(status=before.status.value, link=before.link, responsible=before.kommo_user_id, updated_at=before.changed_at)
    if before.status is CANCELLED:
        return World(task, lead, EventSeen(is_gone=True))
    return World(task, lead, EventSeen(starts_at=before.starts_at, ends_at=before.ends_at, updated_at=before.changed_at))


def look(before: Agreed, seen: World, *, now: datetime = NOW, rules: Rules = RULES) -> Decision:
    return decide(before, Crm(seen.task, seen.lead), seen.event, now, rules)


def verdict(before: Agreed, seen: World, **more: Any) -> str:
    """The decision in a word: a status, "moved", "handed over", both, what is put back, or "nothing"."""
    found = look(before, seen, **more)
    if found.status:
        assert (found.starts_at, found.kommo_user_id) == (None, None)
    if found.is_change:
        assert not found.put_back
        moved = ["moved"] if found.starts_at else []
        handed_over = ["handed over"] if found.kommo_user_id else []
        return found.status.value if found.status else " and ".join([*moved, *handed_over])
    return f"put back {', '.join(sorted(found.put_back))}" if found.put_back else "nothing"


# --- every act alone --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Act:
    """Something somebody did, where it shows and what of it."""

    surface: str
    fields: dict[str, Any]


# In the order of who wins.
ACTS: dict[str, Act] = {
    "lead_deleted": Act(LEAD, {"is_gone": True}),
    "status_set_completed": Act(LEAD, {"status": "completed"}),
    "status_set_no_show": Act(LEAD, {"status": "no_show"}),
    "status_set_cancelled": Act(LEAD, {"status": "cancelled"}),
    "task_deleted": Act(TASK, {"is_gone": True}),
    "task_no_show": Act(TASK, {"is_completed": True, "result": "cliente não compareceu"}),
    "task_cancelled": Act(TASK, {"is_completed": True, "result": "Cancelado pelo cliente"}),
    "task_completed": Act(TASK, {"is_completed": True, "result": ""}),
    "lead_lost": Act(LEAD, {"is_lost": True}),
    "event_deleted": Act(EVENT, {"is_gone": True}),
    "guest_declined": Act(EVENT, {"is_declined": True}),
    "task_moved": Act(TASK, {"starts_at": LATER, "ends_at": LATER_END}),
    "event_moved": Act(EVENT, {"starts_at": OTHER, "ends_at": OTHER_END}),
    "task_handed_over": Act(TASK, {"responsible": BRUNO}),
    "lead_handed_over": Act(LEAD, {"responsible": BRUNO}),
    # what is only put back
    "link wiped": Act(LEAD, {"link": None}),
    "event all day": Act(EVENT, {"is_untimed": True, "starts_at": None, "ends_at": None}),
}

# What becomes of a meeting in each state: "-" for nothing.
TABLE = {
    #                        scheduled        completed        no_show          cancelled
    "lead_deleted": ("cancelled", "-", "-", "-"),
    "status_set_completed": ("completed", "-", "completed", "put back lead"),
    "status_set_no_show": ("no_show", "no_show", "-", "put back lead"),
    "status_set_cancelled": ("cancelled", "put back lead", "put back lead", "-"),
    "task_deleted": ("cancelled", "-", "-", "-"),
    "task_no_show": ("no_show", "no_show", "-", "-"),
    "task_cancelled": ("cancelled", "-", "-", "-"),
    "task_completed": ("completed", "-", "-", "-"),
    "lead_lost": ("cancelled", "-", "-", "-"),
    "event_deleted": ("cancelled", "-", "-", "-"),
    "guest_declined": ("cancelled", "-", "-", None),
    "task_moved": ("moved", "-", "-", "-"),
    "event_moved": ("moved", "-", "-", None),
    "task_handed_over": ("handed over", "-", "-", "-"),
    "lead_handed_over": ("handed over", "-", "-", "-"),
    "link wiped": ("put back lead",) * 4,
    "event all day": ("put back event", "-", "-", None),
}


def test_the_table_has_every_act() -> None:
    assert list(TABLE) == list(ACTS)


@pytest.mark.parametrize(("name", "status"), list(product(ACTS, MeetingStatus)))
def test_every_act_counts_as_the_table_has_it(name: str, status: MeetingStatus) -> None:
    expected = TABLE[name][list(MeetingStatus).index(status)]
    if expected is None:
        pytest.skip("a cancelled meeting has no event to do it to")
    before, act = agreed(status), ACTS[name]
    seen = as_agreed(before).but(act.surface, **act.fields)
    assert verdict(before, seen) == ("nothing" if expected == "-" else expected)
    alone = World(**{act.surface: getattr(seen, act.surface)})  # a hint has one thing looked at, the others say nothing
    assert verdict(before, alone) == ("nothing" if expected == "-" else expected)


@pytest.mark.parametrize("name", ["status_set_no_show", "task_no_show"])
@pytest.mark.parametrize("status", [SCHEDULED, COMPLETED])
def test_nobody_has_missed_a_meeting_before_its_start(name: str, status: MeetingStatus) -> None:
    before, act = agreed(status), ACTS[name]
    seen = as_agreed(before).but(act.surface, **act.fields)
    assert look(before, seen, now=START - timedelta(seconds=1)).refused == "before_start"
    assert look(before, seen, now=START).refused == ""


@pytest.mark.parametrize("name", [name for name in ACTS if "no_show" not in name])
def test_before_the_start_everything_else_can_be(name: str) -> None:
    before, act = agreed(), ACTS[name]
    assert look(before, as_agreed(before).but(act.surface, **act.fields)).refused == ""


FINAL = ("task_deleted", "lead_deleted")  # Kommo has no way to take these back


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if not row[0].startswith("put back")])
def test_a_decision_says_where_it_was_seen_why_whose_it_was_and_whether_it_can_be_undone(name: str) -> None:
    before, act = agreed(), ACTS[name]
    found = look(before, as_agreed(before).but(act.surface, **act.fields))
    by = "customer" if name == "guest_declined" else "seller"
    assert (found.source, found.because, found.by) == (act.surface, name, by)
    assert (found.can_be_undone, found.done_at) == ((False, None) if name in FINAL else (True, DONE_AT))


@pytest.mark.parametrize("surface", [TASK, EVENT])
def test_a_move_takes_start_and_end_from_where_it_was_made(surface: str) -> None:
    act = ACTS[f"{surface}_moved"]
    found = look(agreed(), as_agreed(agreed()).but(surface, **act.fields))
    assert (found.starts_at, found.ends_at) == (act.fields["starts_at"], act.fields["ends_at"])
    assert (found.status, found.kommo_user_id) == (None, None)


@pytest.mark.parametrize("surface", [TASK, EVENT])
def test_another_length_is_a_move_too(surface: str) -> None:
    found = look(agreed(), as_agreed(agreed()).but(surface, ends_at=END + timedelta(minutes=30)))
    assert (found.starts_at, found.ends_at, found.because) == (START, END + timedelta(minutes=30), f"{surface}_moved")


@pytest.mark.parametrize("surface", [TASK, LEAD])
def test_nobody_but_a_seller_can_be_handed_a_meeting(surface: str) -> None:
    assert verdict(agreed(), as_agreed(agreed()).but(surface, responsible=NOBODY)) == "nothing"
    assert look(agreed(), as_agreed(agreed()).but(surface, responsible=BRUNO)).kommo_user_id == BRUNO


def test_whose_lead_it_was_before_the_meeting_says_nothing() -> None:
    lead = LeadSeen(status="scheduled", link=LINK, responsible=BRUNO, updated_at=DONE_AT)
    for base in (None, LeadSeen(status="scheduled", link=LINK), LeadSeen(status="scheduled", link=LINK, responsible=BRUNO)):
        assert verdict(agreed(shown=Shown(lead=base)), World(lead=lead)) == "nothing"


# --- switches and time ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lead_lost", "lead_deleted"])
@pytest.mark.parametrize("status", MeetingStatus)
def test_whether_a_lead_s_end_cancels_is_for_the_business_to_say(name: str, status: MeetingStatus) -> None:
    before, act = agreed(status), ACTS[name]
    seen = as_agreed(before).but(act.surface, **act.fields)
    assert verdict(before, seen, rules=replace(RULES, **{name: "keep"})) == "nothing"
    other = {"lead_lost": "lead_deleted", "lead_deleted": "lead_lost"}[name]
    expected = "cancelled" if status is SCHEDULED else "nothing"
    assert verdict(before, seen, rules=replace(RULES, **{other: "keep"})) == expected


@pytest.mark.parametrize("name", ["lead_lost", "lead_deleted"])
def test_a_lead_s_end_cancels_only_what_has_not_begun(name: str) -> None:
    seen = as_agreed(agreed()).but(LEAD, **ACTS[name].fields)
    assert verdict(agreed(), seen, now=START - timedelta(seconds=1)) == "cancelled"
    assert verdict(agreed(), seen, now=START) == "nothing"


def test_a_lead_that_is_gone_hides_nothing_of_what_the_task_says() -> None:
    seen = as_agreed(agreed()).but(LEAD, is_gone=True).but(TASK, is_completed=True)
    assert verdict(agreed(), seen, now=END) == "completed"


def test_a_lead_that_was_lost_when_we_last_looked_is_no_news() -> None:
    shown = replace(agreed().shown, lead=replace(as_agreed(agreed()).lead, is_lost=True))
    assert verdict(agreed(shown=shown), as_agreed(agreed()).but(LEAD, is_lost=True)) == "nothing"


def test_a_refusal_that_we_knew_of_is_no_news() -> None:
    shown = replace(agreed().shown, event=replace(as_agreed(agreed()).event, is_declined=True))
    assert verdict(agreed(shown=shown), as_agreed(agreed()).but(EVENT, is_declined=True)) == "nothing"


@pytest.mark.parametrize("status", MeetingStatus)
def test_a_lead_whose_fields_speak_of_another_meeting_is_neither_heeded_nor_put_back(status: MeetingStatus) -> None:
    for word in (*MeetingStatus, None):
        seen = as_agreed(agreed(status)).but(LEAD, speaks=False, status=word, link="https://elsewhere.example")
        assert verdict(agreed(status), seen) == "nothing"
    lost = as_agreed(agreed()).but(LEAD, speaks=False, is_lost=True)
    assert verdict(agreed(), lost) == "cancelled"  # but where the lead itself goes, all its meetings go


# --- every two acts at once -------------------------------------------------------------------------------------------


def together(first: str, second: str) -> World | None:
    """Both acts in one world, None when one leaves nothing for the other to be done to."""
    one, two = ACTS[first], ACTS[second]
    calm = as_agreed(agreed())
    if one.surface != two.surface:
        return calm.but(one.surface, **one.fields).but(two.surface, **two.fields)
    if one.fields.keys() & two.fields.keys() or one.fields.get("is_gone") or two.fields.get("is_gone"):
        return None
    return calm.but(one.surface, **one.fields, **two.fields)


PAIRS = [pair for pair in combinations(ACTS, 2) if together(*pair)]
NEW_TIMES, NEW_SELLERS = ("task_moved", "event_moved"), ("task_handed_over", "lead_handed_over")
PUT_BACK = ("link wiped", "event all day")


@pytest.mark.parametrize(("stronger", "weaker"), PAIRS)
def test_of_two_acts_the_stronger_one_is_followed_alone(stronger: str, weaker: str) -> None:
    seen = together(stronger, weaker)
    assert seen is not None
    found = look(agreed(), seen)
    if stronger in PUT_BACK:
        assert found == Decision(put_back=frozenset({LEAD, EVENT}), because="put_back")
        return
    alone = look(agreed(), as_agreed(agreed()).but(ACTS[stronger].surface, **ACTS[stronger].fields))
    if stronger in NEW_TIMES and weaker in NEW_SELLERS:  # the one exception: a new time with a new seller is one change
        assert found == replace(alone, kommo_user_id=BRUNO)
    else:
        assert found == alone
    assert found.is_change


def test_the_pairs_are_many_and_each_surface_meets_each_other() -> None:
    assert len(PAIRS) > 100
    assert {(ACTS[a].surface, ACTS[b].surface) for a, b in PAIRS} >= set(product((TASK, LEAD, EVENT), repeat=2)) - {
        (EVENT, EVENT)
    }


# What a closed meeting makes of both: the lead's word first, if it may be followed; else the task has its say.
CLOSED = [
    (COMPLETED, "status_set_no_show", "task_completed", "no_show"),
    (NO_SHOW, "status_set_completed", "task_no_show", "completed"),
    (COMPLETED, "status_set_cancelled", "task_no_show", "no_show"),
    (COMPLETED, "link wiped", "task_no_show", "no_show"),
    (COMPLETED, "status_set_cancelled", "task_deleted", "put back lead"),
    (NO_SHOW, "status_set_cancelled", "task_completed", "put back lead"),
    *(
        (CANCELLED, lead, task, "put back lead")
        for lead in ("status_set_completed", "link wiped")
        for task in ACTS
        if "task" in task
    ),
]


@pytest.mark.parametrize(("status", "on_lead", "on_task", "expected"), CLOSED)
def test_of_a_meeting_that_is_over_the_lead_speaks_first_too(
    status: MeetingStatus, on_lead: str, on_task: str, expected: str
) -> None:
    before = agreed(status)
    seen = as_agreed(before).but(LEAD, **ACTS[on_lead].fields).but(TASK, **ACTS[on_task].fields)
    assert verdict(before, seen) == expected


@pytest.mark.parametrize("is_lead_read", [False, True])
def test_a_correction_on_the_lead_is_not_undone_by_the_older_result_of_the_task(is_lead_read: bool) -> None:
    """The task was closed as "não compareceu"; the seller then set the lead to completed."""
    corrected = agreed(COMPLETED, source=LEAD)
    calm = as_agreed(corrected).but(TASK, **ACTS["task_no_show"].fields)
    seen = calm if is_lead_read else replace(calm, lead=None)
    assert verdict(corrected, seen) == "nothing"
    assert verdict(corrected, calm.but(LEAD, status="no_show")) == "no_show"  # and may be corrected again


def test_a_task_completed_long_ago_is_heard_when_the_lead_only_moved_or_handed_over_the_meeting() -> None:
    seen = as_agreed(agreed()).but(TASK, **ACTS["task_no_show"].fields)
    assert verdict(agreed(source=LEAD), seen) == "no_show"


def test_an_open_task_of_a_meeting_that_is_over_is_closed_again() -> None:
    for status in (COMPLETED, NO_SHOW, CANCELLED):
        assert verdict(agreed(status), as_agreed(agreed(status)).but(TASK, is_completed=False)) == "put back task"


def test_an_event_of_a_cancelled_meeting_that_is_back_is_put_back_and_one_that_took_place_is_left_alone() -> None:
    there = EventSeen(starts_at=START, ends_at=END, updated_at=DONE_AT)
    assert verdict(agreed(CANCELLED), World(event=there)) == "put back event"
    for status in (COMPLETED, NO_SHOW):
        assert verdict(agreed(status), World(event=replace(there, starts_at=LATER, ends_at=LATER_END))) == "nothing"
        assert verdict(agreed(status), World(event=EventSeen(is_gone=True))) == "nothing"


def test_all_that_differs_is_put_back_together() -> None:
    seen = as_agreed(agreed(CANCELLED)).but(LEAD, link="x").but(TASK, is_completed=False)
    there = EventSeen(starts_at=START, ends_at=END)
    assert verdict(agreed(CANCELLED), replace(seen, event=there)) == "put back event, lead, task"


@pytest.mark.parametrize("link", [None, "", "https://elsewhere.example"])
@pytest.mark.parametrize("status", MeetingStatus)
def test_a_link_that_was_changed_is_put_back(status: MeetingStatus, link: str | None) -> None:
    assert verdict(agreed(status), as_agreed(agreed(status)).but(LEAD, link=link)) == "put back lead"


def test_a_meeting_without_a_link_agrees_with_an_empty_field() -> None:
    before = agreed(link=None)
    for link in (None, ""):
        assert verdict(before, World(lead=LeadSeen(status="scheduled", link=link))) == "nothing"


# --- whose value it is: the base, and writes of ours still to come ----------------------------------------------------

EARLIER, EARLIER_END = at("2026-03-10 09:00"), at("2026-03-10 10:00")
ALL = frozenset({TASK, LEAD, EVENT})


def moved_by_us(surface: str) -> Agreed:
    """Agreed is the new time (START); the surface was last seen with the old one (EARLIER), our write is on its way."""
    calm = as_agreed(replace(agreed(), starts_at=EARLIER, ends_at=EARLIER_END))
    return agreed(shown=Shown(calm.task, calm.lead, calm.event), pending=frozenset({surface}), changed_at=NOW)


@pytest.mark.parametrize("surface", [TASK, EVENT])
@pytest.mark.parametrize(
    ("starts_at", "seconds", "expected"),
    [
        (EARLIER, -3600, "nothing"),  # our write is not there yet
        (EARLIER, 3600, "nothing"),  # nor when somebody changed something else meanwhile
        (START, 0, "nothing"),  # it is there, only its receipt was lost
        (LATER, 3600, "moved"),  # somebody moved it after our change
        (LATER, 0, "moved"),  # in the same second: Kommo tells no finer
        (LATER, -1, "nothing"),  # before our change: that one came later and wins
        (LATER, -3600, "nothing"),
        (LATER, None, "moved"),  # nobody says when
    ],
)
def test_while_our_own_move_is_on_its_way_only_a_newer_one_counts(
    surface: str, starts_at: datetime, seconds: int | None, expected: str
) -> None:
    updated_at = None if seconds is None else NOW + timedelta(seconds=seconds)
    times = {"starts_at": starts_at, "ends_at": starts_at + timedelta(hours=1), "updated_at": updated_at}
    seen = TaskSeen(responsible=ANA, **times) if surface == TASK else EventSeen(**times)
    assert verdict(moved_by_us(surface), World(**{surface: seen})) == expected


@pytest.mark.parametrize(
    ("responsible", "seconds", "expected"),
    [(ANA, -60, "nothing"), (ANA, 60, "nothing"), (BRUNO, 60, "nothing"), (10003, 60, "handed over"), (10003, -60, "nothing")],
)
def test_while_our_own_handing_over_is_on_its_way_only_a_newer_one_counts(responsible: int, seconds: int, expected: str) -> None:
    """Handed from Ana to Bruno by us; the task still shows Ana when it was last seen."""
    before = agreed(kommo_user_id=BRUNO, changed_at=NOW, pending=frozenset({TASK}), shown=Shown(task=TaskSeen(responsible=ANA)))
    seen = TaskSeen(starts_at=START, ends_at=END, responsible=responsible, updated_at=NOW + timedelta(seconds=seconds))
    rules = replace(RULES, sellers=RULES.sellers | {10003})
    assert verdict(before, World(task=seen), rules=rules) == expected


def test_once_our_write_has_arrived_every_other_value_is_somebody_s_whatever_the_clocks_say() -> None:
    long_ago = BOOKED_AT - timedelta(days=1)
    for surface in (TASK, EVENT):
        seen = as_agreed(agreed()).but(surface, starts_at=LATER, ends_at=LATER_END)
        seen = replace(seen, **{surface: replace(getattr(seen, surface), updated_at=long_ago)})
        assert verdict(agreed(), seen) == "moved"


@pytest.mark.parametrize("surface", [TASK, EVENT])
@pytest.mark.parametrize(("seconds", "expected"), [(60, "moved"), (-60, "nothing")])
def test_of_a_thing_never_seen_before_only_what_is_newer_than_our_change_counts(
    surface: str, seconds: int, expected: str
) -> None:
    """Handed over: the new event was made for the revision before this one, its answer was lost, then the customer moved."""
    before = agreed(shown=Shown(), pending=ALL, changed_at=NOW)
    times = {"starts_at": EARLIER, "ends_at": EARLIER_END, "updated_at": NOW + timedelta(seconds=seconds)}
    seen = TaskSeen(responsible=ANA, **times) if surface == TASK else EventSeen(**times)
    assert verdict(before, World(**{surface: seen})) == expected


@pytest.mark.parametrize("status", [COMPLETED, NO_SHOW, CANCELLED])
def test_what_the_lead_still_says_of_an_earlier_meeting_is_not_about_the_new_one(status: MeetingStatus) -> None:
    seen = World(lead=LeadSeen(status=status.value, link="https://earlier.example", updated_at=NOW))
    assert verdict(agreed(shown=Shown(), pending=ALL), seen) == "nothing"
    assert verdict(agreed(shown=Shown(), pending=frozenset({TASK})), seen) == status.value  # it was written, so it was changed


@pytest.mark.parametrize(
    ("word", "expected"), [("scheduled", "nothing"), ("completed", "nothing"), ("no_show", "no_show"), ("cancelled", "nothing")]
)
def test_while_our_own_status_is_on_its_way_only_a_third_one_counts(word: str, expected: str) -> None:
    """Completed by the task; the lead was last seen as scheduled."""
    shown = Shown(lead=LeadSeen(status="scheduled", link=LINK))
    before = agreed(COMPLETED, source=TASK, pending=frozenset({LEAD}), shown=shown)
    assert verdict(before, World(lead=LeadSeen(status=word, link=LINK))) == expected


@pytest.mark.parametrize("name", ["event_deleted", "guest_declined"])
def test_an_event_that_our_write_has_not_reached_is_not_judged(name: str) -> None:
    seen = as_agreed(agreed()).but(EVENT, **ACTS[name].fields)
    assert verdict(agreed(pending=frozenset({EVENT})), seen) == "nothing"
    assert verdict(agreed(pending=frozenset({TASK, LEAD})), seen) == "cancelled"


@pytest.mark.parametrize("pending", [frozenset(), frozenset({TASK}), ALL])
def test_what_is_final_in_kommo_counts_whatever_is_on_its_way(pending: frozenset[str]) -> None:
    for name in FINAL:
        seen = as_agreed(agreed()).but(ACTS[name].surface, **ACTS[name].fields)
        assert verdict(agreed(pending=pending), seen) == "cancelled"


@pytest.mark.parametrize("pending", [frozenset(c) for n in range(4) for c in combinations(sorted(ALL), n)])
def test_what_our_write_has_not_reached_yet_is_not_put_back(pending: frozenset[str]) -> None:
    seen = as_agreed(agreed(CANCELLED)).but(LEAD, link="x").but(TASK, is_completed=False)
    there = EventSeen(starts_at=START, ends_at=END)
    assert look(agreed(CANCELLED, pending=pending), replace(seen, event=there)).put_back == ALL - pending


def test_a_responsible_user_who_is_no_seller_and_was_accepted_hides_no_later_one() -> None:
    """The task was given to somebody who holds no meetings: nothing came of it. Then to Bruno."""
    shown = replace(agreed().shown, task=replace(as_agreed(agreed()).task, responsible=NOBODY))
    assert verdict(agreed(shown=shown), as_agreed(agreed()).but(TASK, responsible=NOBODY)) == "nothing"
    assert verdict(agreed(shown=shown), as_agreed(agreed()).but(TASK, responsible=BRUNO)) == "handed over"


# --- the words of a result --------------------------------------------------------------------------------------------

RESULTS = [
    *((text, "no_show") for text in ("não veio", "Nao veio", "NÃO COMPARECEU", "Faltou!", "ele furou de novo", "no-show")),
    *((text, "no_show") for text in ("no show", "Noshow", "cliente ausente", "no vino", "No asistió", "did not come", "absent")),
    *((text, "no_show") for text in ("didn't come", "didn’t come", "Cliente não veio, remarcar", "não  veio\n")),
    *((text, "cancelled") for text in ("cancelado", "Cancelada pelo cliente", "desmarcou", "CANCELOU", "canceló", "called off")),
    *((text, "cancelled") for text in ("Não, cancelado", "cliente pediu para cancelar", "no va: canceló")),
    *(
        (text, "completed")
        for text in ("", "ok", "Feito", "fechou negócio", "visita feita, mandar proposta", "reunião realizada")
    ),
    # words that only contain such a word, or deny it
    *((text, "completed") for text in ("visitou o showroom", "piano showcase", "não faltou nada", "Não furou, ótima visita")),
    *((text, "completed") for text in ("não foi cancelado, correu bem", "was not cancelled", "no canceló, muy bien")),
    *((text, "completed") for text in ("não se cancelou", "no se canceló nada", "no fue cancelada", "não está cancelada")),
    *((text, "completed") for text in ("wasn't cancelled", "It wasn’t called off", "never cancelled", "não é no-show")),
    *(
        (text, "completed")
        for text in ("no ha sido cancelada", "hasn't been cancelled", "nunca faltou", "não foi mais cancelado")
    ),
    # one that is denied and one that stands
    ("não cancelou, mas faltou", "no_show"),
    ("não faltou: cancelou antes", "cancelled"),
    ("não foi cancelado, foi cancelado depois", "cancelled"),
]


@pytest.mark.parametrize(("result", "status"), RESULTS)
def test_a_result_is_understood_in_any_language_case_and_spelling(result: str, status: str) -> None:
    assert verdict(agreed(), World(task=TaskSeen(is_completed=True, result=result))) == status


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(
    ("key", "status"),
    [
        ("task_result_cancelled_by_customer", "cancelled"),
        ("task_result_cancelled_by_seller", "cancelled"),
        ("task_result_completed_by_seller", "completed"),
        ("task_result_no_show_by_seller", "no_show"),
    ],
)
def test_results_that_we_write_ourselves_mean_what_they_say(locale: str, key: str, status: str) -> None:
    result = Catalogue.load("crm", locale).text(key)
    assert verdict(agreed(), World(task=TaskSeen(is_completed=True, result=result))) == status


@settings(deadline=None)
@given(st.text(max_size=30))
def test_any_text_has_a_meaning_and_the_same_in_capitals(text: str) -> None:
    for words in (WORDS.no_show, WORDS.cancelled):
        assert means(text, words) in (True, False)
        if text.isascii():
            assert means(text.upper(), words) == means(text, words)


LABELS = [
    *((text, SCHEDULED) for text in ("scheduled", "Scheduled", " SCHEDULED ")),
    *(
        (text, NO_SHOW)
        for text in ("no_show", "No_Show", "NO SHOW", "no-show", "  no_show ", "Não compareceu", "Ausente", "no asistió")
    ),
    *((text, CANCELLED) for text in ("cancelled", "Cancelled", "canceled", "Cancelada", "CANCELADO", "desmarcada")),
    *((text, COMPLETED) for text in ("completed", "Completed", "Realizada", "concluído", "Done", "held")),
    *(
        (text, None)
        for text in ("", " ", None, "?", "não cancelada", "realizada ontem", "cancelada?", "no", "show", "com_pleted")
    ),
]


@pytest.mark.parametrize(("label", "status"), LABELS)
def test_the_status_on_the_lead_may_be_typed_by_hand_or_be_a_list_s_own_label(
    label: str | None, status: MeetingStatus | None
) -> None:
    assert status_named(label, WORDS) is status


@pytest.mark.parametrize(("label", "status"), [(label, status) for label, status in LABELS if label != (status and status.value)])
def test_a_status_said_in_other_words_is_followed_and_one_that_says_nothing_is_put_back(
    label: str | None, status: MeetingStatus | None
) -> None:
    expected = "put back lead" if status in (None, SCHEDULED) else status
    assert verdict(agreed(), as_agreed(agreed()).but(LEAD, status=label)) == expected


# --- whatever is seen -------------------------------------------------------------------------------------------------

MOMENTS = [EARLIER, START, LATER, OTHER]
USERS = st.sampled_from([None, ANA, BRUNO, NOBODY])
UPDATED = st.sampled_from([None, BOOKED_AT - timedelta(hours=1), BOOKED_AT, DONE_AT])
WORD = st.none() | st.sampled_from([*(s.value for s in MeetingStatus), "", "No-Show", "Cancelada", "?"])
LINKS = st.sampled_from([None, "", LINK, "https://x.example"])


@st.composite
def task_seen(draw: st.DrawFn) -> TaskSeen:
    if draw(st.booleans()) and draw(st.booleans()):
        return TaskSeen(is_gone=True)
    starts_at = draw(st.sampled_from(MOMENTS))
    result = draw(st.sampled_from([text for text, _ in RESULTS]) | st.text(max_size=10))
    end = starts_at + timedelta(minutes=draw(st.sampled_from([30, 60])))
    return TaskSeen(False, draw(st.booleans()), result, starts_at, end, draw(USERS), draw(UPDATED))


@st.composite
def lead_seen(draw: st.DrawFn) -> LeadSeen:
    if draw(st.booleans()) and draw(st.booleans()):
        return LeadSeen(is_gone=True)
    speaks = draw(st.integers(0, 9)) > 0
    return LeadSeen(False, draw(st.booleans()), speaks, draw(WORD), draw(LINKS), draw(USERS), draw(UPDATED))


@st.composite
def event_seen(draw: st.DrawFn) -> EventSeen:
    shape = draw(st.sampled_from(["timed", "timed", "timed", "gone", "untimed"]))
    if shape == "gone":
        return EventSeen(is_gone=True, updated_at=draw(UPDATED))
    if shape == "untimed":
        return EventSeen(is_untimed=True, is_declined=draw(st.booleans()), updated_at=draw(UPDATED))
    starts_at = draw(st.sampled_from(MOMENTS))
    return EventSeen(False, False, draw(st.booleans()), starts_at, starts_at + timedelta(hours=1), draw(UPDATED))


WORLDS = st.builds(World, st.none() | task_seen(), st.none() | lead_seen(), st.none() | event_seen())
TIMES = st.sampled_from([BOOKED_AT, NOW, START, END, OTHER_END])


@st.composite
def agreements(draw: st.DrawFn) -> Agreed:
    starts_at = draw(st.sampled_from(MOMENTS))
    base = draw(WORLDS)
    alive = {name: None if part is None or part.is_gone else part for name, part in vars(base).items()}
    return Agreed(
        draw(st.sampled_from(MeetingStatus)),
        starts_at,
        starts_at + timedelta(hours=1),
        draw(st.sampled_from([None, LINK])),
        draw(st.sampled_from([ANA, BRUNO])),
        BOOKED_AT,
        draw(st.sampled_from(["conversation", TASK, LEAD, EVENT, "system"])),
        Shown(**alive),
        frozenset(draw(st.sets(st.sampled_from(sorted(ALL))))),
    )


SWITCHES = st.builds(
    replace, st.just(RULES), lead_lost=st.sampled_from(["cancel", "keep"]), lead_deleted=st.sampled_from(["cancel", "keep"])
)


def followed(before: Agreed, decision: Decision, seen: World) -> Agreed:
    """What stands once a decision is on record: the new revision, what was seen as its base, all our writes still to come."""
    base = {name: getattr(before.shown, name) if part is None or part.is_gone else part for name, part in vars(seen).items()}
    if not decision.is_change:
        return replace(before, shown=Shown(**base))
    return replace(
        before,
        status=decision.status or before.status,
        starts_at=decision.starts_at or before.starts_at,
        ends_at=decision.ends_at or before.ends_at,
        kommo_user_id=decision.kommo_user_id or before.kommo_user_id,
        changed_at=NOW,
        source=decision.source,
        shown=Shown(**base),
        pending=ALL,
    )


@settings(deadline=None)
@given(agreements(), WORLDS, TIMES, SWITCHES)
def test_a_meeting_goes_only_where_its_life_allows(before: Agreed, seen: World, now: datetime, rules: Rules) -> None:
    found = look(before, seen, now=now, rules=rules)
    if found.status:
        assert may_become(before.status, found.status)
        assert found.status is not before.status
    if found.starts_at or found.kommo_user_id:
        assert before.status is SCHEDULED
    assert found.kommo_user_id in {None, *rules.sellers} - {before.kommo_user_id}
    assert (found.starts_at is None) == (found.ends_at is None)


@settings(deadline=None)
@given(agreements(), WORLDS, TIMES, SWITCHES)
def test_a_decision_is_a_change_or_something_to_put_back_or_nothing(
    before: Agreed, seen: World, now: datetime, rules: Rules
) -> None:
    found = look(before, seen, now=now, rules=rules)
    assert not (found.is_change and found.put_back)
    assert not found.put_back & before.pending
    assert all(getattr(seen, name) is not None for name in found.put_back)
    if not found.is_change and not found.put_back:
        assert found == NOTHING
    assert look(before, seen, now=now, rules=rules) == found


@settings(deadline=None)
@given(agreements(), st.lists(WORLDS, max_size=5), TIMES)
def test_no_series_of_looks_revives_a_cancelled_meeting(before: Agreed, looks: list[World], now: datetime) -> None:
    state = replace(before, status=CANCELLED)
    for seen in looks:
        state = followed(state, look(state, seen, now=now), seen)
        assert state.status is CANCELLED


# Before or after all times: a meeting that has begun and is moved ahead becomes one that the lead's end cancels.
ASIDE = st.sampled_from([NOW, OTHER_END])


@settings(deadline=None)
@given(agreements(), WORLDS, ASIDE, SWITCHES)
def test_once_followed_the_same_sight_asks_for_nothing_more(before: Agreed, seen: World, now: datetime, rules: Rules) -> None:
    """Before any of our writes arrived: the same webhook told twice."""
    first = look(before, seen, now=now, rules=rules)
    after = followed(before, first, seen)
    again = look(after, seen, now=now, rules=rules)
    if first.is_change:
        assert not again.is_change
        assert not again.put_back
    else:
        assert again == first


@settings(deadline=None)
@given(agreements(), WORLDS, TIMES, SWITCHES)
def test_once_everything_shows_what_is_agreed_there_is_nothing_to_do(
    before: Agreed, seen: World, now: datetime, rules: Rules
) -> None:
    after = followed(before, look(before, seen, now=now, rules=rules), seen)
    calm = as_agreed(after)
    for pending in (frozenset[str](), after.pending):
        assert look(replace(after, pending=pending), calm, now=now, rules=rules) == NOTHING
    shown = Shown(calm.task, calm.lead, None if calm.event and calm.event.is_gone else calm.event)
    assert look(replace(after, shown=shown, pending=frozenset()), calm, now=now, rules=rules) == NOTHING


@settings(deadline=None)
@given(agreements(), TIMES)
def test_reading_nothing_decides_nothing(before: Agreed, now: datetime) -> None:
    assert look(before, World(), now=now) == NOTHING


@settings(deadline=None)
@given(agreements(), WORLDS, TIMES)
def test_the_same_wish_has_the_same_fingerprint_and_another_one_another(before: Agreed, seen: World, now: datetime) -> None:
    found = look(before, seen, now=now)
    assert replace(found, done_at=NOW, put_back=frozenset()).fingerprint == found.fingerprint
    if found.starts_at and found.ends_at:
        later = replace(found, starts_at=found.starts_at + timedelta(hours=1), ends_at=found.ends_at + timedelta(hours=1))
        assert later.fingerprint != found.fingerprint
