"""What a look at Kommo means: the table of who wins, and what holds for everything that can be seen."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from meeting_scene import at, shipped

from meetings.decide import NOTHING, Agreed, Decision, LeadSeen, TaskSeen, decide
from meetings.tables import MeetingStatus
from prompts.catalogue import LOCALES, Catalogue

SCHEDULED, COMPLETED = MeetingStatus.SCHEDULED, MeetingStatus.COMPLETED
NO_SHOW, CANCELLED = MeetingStatus.NO_SHOW, MeetingStatus.CANCELLED
WORDS = shipped().result_words
LINK = "https://www.google.com/calendar/event?eid=abc"

OPEN = TaskSeen()
DONE = TaskSeen(is_completed=True)
DELETED = TaskSeen(is_gone=True)
ABSENT = TaskSeen(is_completed=True, result="cliente não compareceu")
CALLED_OFF = TaskSeen(is_completed=True, result="Cancelado pelo cliente")
TASKS = {"unread": None, "open": OPEN, "done": DONE, "deleted": DELETED, "absent": ABSENT, "called off": CALLED_OFF}


def agreed(status: MeetingStatus, source: str = "conversation") -> Agreed:
    return Agreed(status, at("2026-03-10 14:00"), LINK, source)


def lead(status: str | None, link: str | None = LINK) -> LeadSeen:
    return LeadSeen(status=status, link=link)


def verdict(before: Agreed, task: TaskSeen | None, seen: LeadSeen | None) -> str:
    """The decision in one word: a status, "put back" or "nothing"."""
    found = decide(before, task, seen, WORDS)
    assert not (found.status and found.rewrite_lead)
    return found.status.value if found.status else "put back" if found.rewrite_lead else "nothing"


# --- the task alone ---------------------------------------------------------------------------------------------------

TASK_TABLE = {
    #             scheduled    completed  no_show    cancelled
    "unread": ("nothing", "nothing", "nothing", "nothing"),
    "open": ("nothing", "nothing", "nothing", "nothing"),
    "done": ("completed", "nothing", "nothing", "nothing"),
    "deleted": ("cancelled", "nothing", "nothing", "nothing"),
    "absent": ("no_show", "no_show", "nothing", "nothing"),
    "called off": ("cancelled", "nothing", "nothing", "nothing"),
}


@pytest.mark.parametrize(("task", "status"), list(product(TASKS, MeetingStatus)))
def test_what_the_task_says_counts_as_the_table_has_it(task: str, status: MeetingStatus) -> None:
    expected = TASK_TABLE[task][list(MeetingStatus).index(status)]
    assert verdict(agreed(status), TASKS[task], None) == expected
    # A lead that says what is agreed changes nothing about it.
    assert verdict(agreed(status), TASKS[task], lead(status.value)) == expected


# --- the lead alone ---------------------------------------------------------------------------------------------------

LEAD_TABLE = {
    #             scheduled    completed  no_show    cancelled
    "scheduled": ("nothing", "put back", "put back", "put back"),
    "completed": ("completed", "nothing", "completed", "put back"),
    "no_show": ("no_show", "no_show", "nothing", "put back"),
    "cancelled": ("cancelled", "put back", "put back", "nothing"),
    "": ("put back",) * 4,
    None: ("put back",) * 4,
    "qualquer coisa": ("put back",) * 4,
}


@pytest.mark.parametrize(("word", "status"), list(product(LEAD_TABLE, MeetingStatus)))
def test_what_the_lead_says_counts_as_the_table_has_it(word: str | None, status: MeetingStatus) -> None:
    assert verdict(agreed(status), None, lead(word)) == LEAD_TABLE[word][list(MeetingStatus).index(status)]


@pytest.mark.parametrize("status", MeetingStatus)
def test_a_lead_that_is_gone_cancels_what_was_still_to_come(status: MeetingStatus) -> None:
    assert verdict(agreed(status), None, LeadSeen(is_gone=True)) == ("cancelled" if status is SCHEDULED else "nothing")


@pytest.mark.parametrize("link", [None, "", "https://elsewhere.example"])
@pytest.mark.parametrize("status", MeetingStatus)
def test_a_link_that_was_changed_is_put_back(status: MeetingStatus, link: str | None) -> None:
    assert verdict(agreed(status), None, lead(status.value, link)) == "put back"


@pytest.mark.parametrize("written", ["No_Show", "NO SHOW", "no-show", "  no_show ", "No-Show"])
def test_the_status_on_the_lead_may_be_typed_by_hand(written: str) -> None:
    assert verdict(agreed(SCHEDULED), None, lead(written)) == "no_show"


# --- task and lead together -------------------------------------------------------------------------------------------

TOGETHER = [
    # the lead's word is stronger than the task's
    (SCHEDULED, "done", "no_show", "no_show"),
    (SCHEDULED, "absent", "completed", "completed"),
    (SCHEDULED, "deleted", "completed", "completed"),
    (SCHEDULED, "called off", "no_show", "no_show"),
    (SCHEDULED, "done", "cancelled", "cancelled"),
    (SCHEDULED, "open", "completed", "completed"),
    (COMPLETED, "done", "no_show", "no_show"),
    (NO_SHOW, "absent", "completed", "completed"),
    # but a word that is not to be had leaves the task its say
    (COMPLETED, "absent", "scheduled", "no_show"),
    (COMPLETED, "absent", "cancelled", "no_show"),
    (COMPLETED, "absent", None, "no_show"),
    (SCHEDULED, "done", "qualquer coisa", "completed"),
    (SCHEDULED, "deleted", None, "cancelled"),
    # and what neither may change is put back
    (NO_SHOW, "done", "scheduled", "put back"),
    (COMPLETED, "deleted", "cancelled", "put back"),
    *((CANCELLED, task, word, "put back") for task in TASKS for word in ("scheduled", "completed", "no_show", None)),
]


@pytest.mark.parametrize(("status", "task", "word", "expected"), TOGETHER)
def test_of_task_and_lead_the_lead_wins_if_it_may(status: MeetingStatus, task: str, word: str | None, expected: str) -> None:
    assert verdict(agreed(status), TASKS[task], lead(word)) == expected


def test_a_lead_that_is_gone_is_stronger_than_a_completed_task() -> None:
    assert verdict(agreed(SCHEDULED), DONE, LeadSeen(is_gone=True)) == "cancelled"


@pytest.mark.parametrize("seen", [None, "the same"])
def test_a_correction_on_the_lead_is_not_undone_by_the_older_result_of_the_task(seen: str | None) -> None:
    """The task was closed as "não compareceu"; the seller then set the lead to completed."""
    corrected = agreed(COMPLETED, source="lead")
    assert verdict(corrected, ABSENT, lead("completed") if seen else None) == "nothing"
    assert verdict(corrected, ABSENT, lead("no_show")) == "no_show"  # and may be corrected again


def test_what_the_lead_said_about_a_meeting_still_to_come_does_not_silence_its_task() -> None:
    assert verdict(agreed(SCHEDULED, source="lead"), ABSENT, None) == "no_show"


@pytest.mark.parametrize(
    ("task", "seen", "source", "because"),
    [
        (DELETED, None, "task", "the task was deleted"),
        (DONE, None, "task", "the task was completed"),
        (ABSENT, None, "task", "the task was completed with a result that means the customer did not come"),
        (CALLED_OFF, None, "task", "the task was completed with a result that means cancelled"),
        (None, lead("no_show"), "lead", "meeting_status on the lead was set to no_show"),
        (None, LeadSeen(is_gone=True), "lead", "the lead was deleted"),
        (None, lead("scheduled", None), "", "the lead's fields differ"),
        (OPEN, lead("scheduled"), "", ""),
    ],
)
def test_a_decision_says_where_it_was_seen_and_why(
    task: TaskSeen | None, seen: LeadSeen | None, source: str, because: str
) -> None:
    found = decide(agreed(SCHEDULED), task, seen, WORDS)
    assert (found.source, found.because) == (source, because)


# --- the words of a result --------------------------------------------------------------------------------------------

RESULTS = [
    *((text, "no_show") for text in ("não veio", "Nao veio", "NÃO COMPARECEU", "Faltou!", "ele furou de novo", "no-show")),
    *((text, "no_show") for text in ("no show", "Noshow", "cliente ausente", "no vino", "No asistió", "did not come", "absent")),
    *((text, "no_show") for text in ("didn't come", "didn’t come", "Cliente não veio, remarcar", "não  veio\n")),
    *((text, "cancelled") for text in ("cancelado", "Cancelada pelo cliente", "desmarcou", "CANCELOU", "canceló", "called off")),
    *(
        (text, "completed")
        for text in ("", "ok", "Feito", "fechou negócio", "visita feita, mandar proposta", "reunião realizada")
    ),
    # words that only contain such a word, or deny it
    *((text, "completed") for text in ("visitou o showroom", "piano showcase", "não faltou nada", "Não furou, ótima visita")),
    *((text, "completed") for text in ("não foi cancelado, correu bem", "was not cancelled", "no canceló, muy bien")),
    # one that is denied and one that stands
    ("não cancelou, mas faltou", "no_show"),
    ("não faltou: cancelou antes", "cancelled"),
]


@pytest.mark.parametrize(("result", "status"), RESULTS)
def test_a_result_is_understood_in_any_language_case_and_spelling(result: str, status: str) -> None:
    assert verdict(agreed(SCHEDULED), TaskSeen(is_completed=True, result=result), None) == status


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
    assert verdict(agreed(SCHEDULED), TaskSeen(is_completed=True, result=result), None) == status


# --- whatever is seen -------------------------------------------------------------------------------------------------

AGREED = st.builds(
    Agreed,
    st.sampled_from(MeetingStatus),
    st.just(at("2026-03-10 14:00")),
    st.sampled_from([None, LINK]),
    st.sampled_from(["conversation", "task", "lead", "event", "system"]),
)
RESULT = st.sampled_from([text for text, _ in RESULTS]) | st.text(max_size=20)
TASK = st.none() | st.builds(TaskSeen, st.booleans(), st.booleans(), RESULT)
STATUS_WORD = st.none() | st.sampled_from([*(s.value for s in MeetingStatus), "", "No-Show", "?"])
LEAD = st.none() | st.builds(LeadSeen, st.booleans(), STATUS_WORD, st.sampled_from([None, "", LINK, "https://x.example"]))


def applied(before: Agreed, decision: Decision) -> Agreed:
    if decision.status is None:
        return before
    return replace(before, status=decision.status, source=decision.source)


def written(seen: LeadSeen | None, now_agreed: Agreed) -> LeadSeen | None:
    """The lead once our fields were written to it."""
    return seen if seen is None or seen.is_gone else LeadSeen(status=now_agreed.status.value, link=now_agreed.link)


@settings(deadline=None)
@given(AGREED, TASK, LEAD)
def test_the_same_look_gives_the_same_decision(before: Agreed, task: TaskSeen | None, seen: LeadSeen | None) -> None:
    assert decide(before, task, seen, WORDS) == decide(before, task, seen, WORDS)


@settings(deadline=None)
@given(AGREED, TASK, LEAD)
def test_once_carried_out_a_decision_leaves_nothing_to_decide(
    before: Agreed, task: TaskSeen | None, seen: LeadSeen | None
) -> None:
    after = applied(before, decide(before, task, seen, WORDS))
    assert decide(after, task, written(seen, after), WORDS) == NOTHING


@settings(deadline=None)
@given(AGREED, TASK, LEAD)
def test_before_the_lead_is_written_a_second_look_changes_no_status(
    before: Agreed, task: TaskSeen | None, seen: LeadSeen | None
) -> None:
    after = applied(before, decide(before, task, seen, WORDS))
    assert decide(after, task, seen, WORDS).status is None


@settings(deadline=None)
@given(AGREED, st.lists(st.tuples(TASK, LEAD), max_size=6))
def test_no_series_of_looks_revives_a_cancelled_meeting(
    before: Agreed, looks: list[tuple[TaskSeen | None, LeadSeen | None]]
) -> None:
    state = replace(before, status=CANCELLED)
    for task, seen in looks:
        state = applied(state, decide(state, task, seen, WORDS))
        assert state.status is CANCELLED


@settings(deadline=None)
@given(AGREED)
def test_reading_nothing_decides_nothing(before: Agreed) -> None:
    assert decide(before, None, None, WORDS) == NOTHING


@settings(deadline=None)
@given(AGREED, TASK, LEAD)
def test_a_meeting_goes_only_where_its_life_allows(before: Agreed, task: TaskSeen | None, seen: LeadSeen | None) -> None:
    allowed = {
        SCHEDULED: {COMPLETED, NO_SHOW, CANCELLED},
        COMPLETED: {NO_SHOW},
        NO_SHOW: {COMPLETED},
        CANCELLED: set[MeetingStatus](),
    }
    assert decide(before, task, seen, WORDS).status in {None, *allowed[before.status]}
