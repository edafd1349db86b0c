"""Whatever sellers, calendar and customer do in whatever order, and whatever becomes of the webhooks: all agree in the end."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from agreement import CALENDARS, TIMES, Office
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from meeting_scene import Scene, at, served

from meetings.events import HintEntity

WHEN = st.sampled_from(TIMES).map(at)
SELLER = st.sampled_from([10001, 10002, 10000])
RESULT = st.sampled_from([None, "cliente não veio", "cancelado pelo cliente", "foi ótimo"])
WORD = st.sampled_from(["scheduled", "completed", "no_show", "cancelled", "", "talvez"])
LOST, NEW = 143, 67548607


class Agreement(RuleBasedStateMachine):
    """Sellers click in Kommo and on the calendar, the customer changes their mind, services fail, webhooks come or do not."""

    scene: Scene

    def __init__(self) -> None:
        super().__init__()
        self.office = Office(self.scene)

    def teardown(self) -> None:
        try:
            self.office.calm_down()
            self.office.check()
        finally:
            self.office.close()

    # The seller in Kommo

    @rule(when=WHEN)
    def task_is_moved(self, when: datetime) -> None:
        self.office.act("/seller/task/move", task_id=self.office.task_id, complete_till=int(when.timestamp()))

    @rule(result=RESULT)
    def task_is_completed(self, result: str | None) -> None:
        self.office.act("/seller/task/complete", task_id=self.office.task_id, result=result)

    @rule()
    def task_is_reopened(self) -> None:
        self.office.act("/seller/task/reopen", task_id=self.office.task_id)

    @rule(seller=SELLER)
    def task_is_handed_over(self, seller: int) -> None:
        self.office.act("/seller/task/reassign", task_id=self.office.task_id, responsible_user_id=seller)

    @rule()
    def task_is_deleted(self) -> None:
        self.office.act("/seller/task/delete", task_id=self.office.task_id)

    @rule(word=WORD)
    def status_is_set(self, word: str) -> None:
        fields = {"meeting_status": word or None}
        self.office.act("/seller/lead/edit", lead_id=self.office.lead_id, custom_fields=fields)

    @rule(link=st.sampled_from([None, "https://example.com/outro"]))
    def link_is_changed(self, link: str | None) -> None:
        fields = {"google_calendar_link": link}
        self.office.act("/seller/lead/edit", lead_id=self.office.lead_id, custom_fields=fields)

    @rule(stage=st.sampled_from([LOST, NEW]))
    def lead_changes_stage(self, stage: int) -> None:
        self.office.act("/seller/lead/stage", lead_id=self.office.lead_id, status_id=stage)

    @rule(seller=SELLER)
    def lead_is_handed_over(self, seller: int) -> None:
        self.office.act("/seller/lead/reassign", lead_id=self.office.lead_id, responsible_user_id=seller)

    @rule(tasks=st.sampled_from(["silent", "announce", "keep"]))
    def lead_is_deleted(self, tasks: str) -> None:
        self.office.act("/seller/lead/delete", lead_id=self.office.lead_id, tasks=tasks)

    # The calendar

    @rule(when=WHEN)
    def event_is_moved(self, when: datetime) -> None:
        meeting = self.office.meeting()
        start, end = when.isoformat(), (when + timedelta(hours=1)).isoformat()
        event = {"calendar_id": meeting.calendar_id, "event_id": meeting.event_id}
        self.office.act("/calendar/event/move", **event, start=start, end=end)

    @rule()
    def event_is_deleted(self) -> None:
        meeting = self.office.meeting()
        self.office.act("/calendar/event/delete", calendar_id=meeting.calendar_id, event_id=meeting.event_id)

    @rule(calendar_id=st.sampled_from(sorted(CALENDARS.values())))
    def event_is_given_away(self, calendar_id: str) -> None:
        meeting = self.office.meeting()
        event = {"calendar_id": meeting.calendar_id, "event_id": meeting.event_id}
        self.office.act("/calendar/event/transfer", **event, destination=calendar_id)

    @rule()
    def event_is_edited(self) -> None:
        meeting = self.office.meeting()
        event = {"calendar_id": meeting.calendar_id, "event_id": meeting.event_id}
        self.office.act("/calendar/event/edit", **event, summary="Levar o projeto")

    # The customer

    @rule(when=st.sampled_from(TIMES[:3]).map(at))
    def customer_moves(self, when: datetime) -> None:
        self.office.customer_moves(when)

    @rule()
    def customer_cancels(self) -> None:
        self.office.customer_cancels()

    # Webhooks, time, bad days

    @rule(entity=st.sampled_from(list(HintEntity)), times=st.integers(1, 2))
    def webhook_comes(self, entity: HintEntity, times: int) -> None:
        for _ in range(times):
            self.office.look(entity)

    @rule()
    def sweep_comes(self) -> None:
        self.office.look(None)

    @rule(seconds=st.sampled_from([1, 5, 16, 60]))
    def time_passes(self, seconds: int) -> None:
        self.office.passes(seconds)
        self.office.due()

    @rule(
        service=st.sampled_from(["kommo", "google", "evolution"]),
        how=st.sampled_from([{"status": 503}, {"status": 500, "after_write": True}, {"drop": "after"}, {"drop": "before"}]),
        skip=st.integers(0, 3),
    )
    def service_fails(self, service: str, how: dict[str, object], skip: int) -> None:
        self.office.act("/faults", service=service, skip=skip, **how)


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with served() as one:
        yield one


def play(scene: Scene, examples: int, steps: int) -> None:
    machine = type("Played", (Agreement,), {"scene": scene})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
            # No shrinking: each step is several calls over HTTP, and the first story that fails is short enough to read.
            phases=(Phase.explicit, Phase.reuse, Phase.generate),
            report_multiple_bugs=False,
        ),
    )


@pytest.mark.timeout(300)
def test_all_agree_in_the_end(scene: Scene) -> None:
    play(scene, examples=12, steps=12)


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_all_agree_in_the_end_at_length(scene: Scene) -> None:
    play(scene, examples=250, steps=25)
