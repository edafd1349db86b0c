"""The seller's side: every act ends the same however Kommo's webhooks come, and costs the calls that docs/sync.md says."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cli.people import People
from cli.scenario import Delivery, play, staged
from cli.scenario_acts import OnCalendar, SellerDoes, do_as_seller, do_on_calendar
from cli.scenario_schema import Given, Scenario, load_scenario
from cli.stack import Stack

ROOT = Path(__file__).parents[1]
CONVERSATIONS = ROOT / "tests" / "conversations"
BUSINESS = ROOT / "business.toml"
ANY = {path.stem: scenario for path in sorted(CONVERSATIONS.glob("*.yaml")) if (scenario := load_scenario(path)).webhooks}
# One story or more for each row of the table of acts: these are played in every way by CI, of the others two ways in turn.
ROWS = {
    *("seller_deletes_task", "seller_completes_task", "seller_completes_no_show", "seller_completes_cancelled"),
    *("seller_moves_task", "seller_moves_task_to_a_taken_hour", "seller_hands_over_the_task", "seller_hands_over_the_lead"),
    *("seller_sets_status_cancelled_text", "seller_sets_status_cancelled_select", "seller_sets_status_completed_select"),
    *("seller_sets_status_no_show_text", "seller_corrects_the_outcome", "seller_sets_link_and_status_to_anything"),
    *("seller_books_by_hand", "seller_books_by_hand_silently", "lead_is_lost", "lead_is_deleted_tasks_announce"),
    *("lead_is_merged", "event_is_moved", "event_is_deleted", "event_is_edited", "guest_declines"),
    *("seller_moves_and_deletes_at_once", "seller_moves_task_and_back"),
}
# Acts that Kommo announces more than once.
ANNOUNCED_TWICE = {"complete_task", "lose_lead", "stage_lead", "reassign_lead", "delete_lead", "merge_lead"}


def deliveries(scenario: Scenario) -> Iterator[Delivery]:
    """How the webhooks may come beside the normal way, which tests/test_conversations.py plays. One alone has no order."""
    yield from (Delivery.LOST, Delivery.DOUBLED, Delivery.LATE)
    if any(len(step.seller) > 1 or {act.act for act in step.seller} & ANNOUNCED_TWICE for step in scenario.talk):
        yield Delivery.REVERSED


def ways() -> Iterator[Any]:
    """Every story in every way, marked with the suite that plays it."""
    for nth, (name, scenario) in enumerate(ANY.items()):
        every = list(deliveries(scenario))
        in_turn = {every[nth % len(every)], every[(nth + 1) % len(every)]}
        for delivery in every:
            mark = pytest.mark.long if name in ROWS or delivery in in_turn else pytest.mark.nightly
            yield pytest.param(name, delivery, marks=mark)


# --- whatever happens to the webhooks ---------------------------------------------------------------------------------


def test_the_stories_of_the_rows_exist() -> None:
    assert ANY.keys() >= ROWS


@pytest.mark.parametrize(("name", "delivery"), list(ways()))
def test_the_end_is_the_same_however_the_webhooks_come(name: str, delivery: Delivery) -> None:
    verdict = play(ANY[name], BUSINESS, delivery=delivery)
    talk = "\n".join(f"{m['from']}: {m['text']}" for m in verdict.transcript)
    assert not verdict.complaints, "\n".join([*verdict.complaints, "", talk])


@pytest.mark.parametrize("delivery", [Delivery.LOST, Delivery.DOUBLED, Delivery.LATE])
def test_a_deletion_ends_the_same_however_its_webhook_comes(delivery: Delivery) -> None:
    assert play(ANY["seller_deletes_task"], BUSINESS, delivery=delivery).complaints == []


@pytest.mark.long
def test_disturbed_webhooks_are_really_disturbed() -> None:
    seen: dict[Delivery, list[str]] = {}

    def look(delivery: Delivery, stack: Stack) -> None:
        log = [one for one in stack.sandbox.world.deliveries.log if one.event == "task[delete]"]
        seen[delivery] = [one.state for one in log]

    for delivery in (Delivery.NORMAL, Delivery.LOST, Delivery.DOUBLED):
        play(ANY["seller_deletes_task"], BUSINESS, delivery=delivery, inspect=lambda stack, _, d=delivery: look(d, stack))
    assert seen == {
        Delivery.NORMAL: ["delivered"],
        Delivery.LOST: ["lost"],
        Delivery.DOUBLED: ["delivered", "delivered"],
    }


# --- what it costs ----------------------------------------------------------------------------------------------------

HEADING = "## Calls per flow"
COLUMNS = ("Kommo reads", "Kommo writes", "Google", "Evolution", "notes, later")
Cost = tuple[int, ...]


def documented() -> dict[str, Cost]:
    """Flow → calls, as the table in docs/sync.md has them."""
    table = (ROOT / "docs" / "sync.md").read_text(encoding="utf-8").split(HEADING)[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("|")]
    assert tuple(rows[0][1:]) == COLUMNS
    return {row[0]: tuple(int(cell) for cell in row[1:]) for row in rows[2:]}


class Meter:
    """Counts the calls of one flow after the other."""

    def __init__(self, stack: Stack, people: People) -> None:
        self.stack, self.people = stack, people
        self.measured: dict[str, Cost] = {}

    def flow(self, name: str, *acts: SellerDoes | OnCalendar, wait_s: float = 0, before: Any = None) -> None:
        """Does the acts at once, waits until nothing more happens by itself, and counts."""
        if before:
            before()
        log = self.stack.sandbox.world.requests
        mark = len(log)
        for act in acts:
            if isinstance(act, SellerDoes):
                do_as_seller(act, self.people)
            else:
                do_on_calendar(act, self.people)
        self.stack.sandbox.world.clock.advance(wait_s)
        self.stack.settle()
        self.measured[name] = cost(log[mark:])


def cost(calls: list[dict[str, Any]]) -> Cost:
    kinds = [kind(call) for call in calls]
    return tuple(kinds.count(column) for column in COLUMNS)


def kind(call: dict[str, Any]) -> str:
    if call["service"] == "kommo":
        if call["path"] == "/api/v4/leads/notes":
            return "notes, later"
        return "Kommo reads" if call["method"] == "GET" else "Kommo writes"
    if call["service"] == "google" and (call["path"].endswith(("/watch", "/stop")) or _is_list(call)):
        return "following"  # at the pace of calendars, not of acts: what happened on one is read once, however much it was
    return {"google": "Google", "evolution": "Evolution"}[call["service"]]


def _is_list(call: dict[str, Any]) -> bool:
    return bool(call["method"] == "GET" and call["path"].endswith("/events"))


def does(**act: Any) -> SellerDoes:
    return SellerDoes.model_validate(act)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-{text}:00-03:00")


def measure_before_the_meeting() -> dict[str, Cost]:
    with staged(Given(after=CONVERSATIONS / "booked.yaml"), BUSINESS) as (stack, people):
        meter = Meter(stack, people)
        meter.flow("the link is cleared, and put back", does(set_link=""))
        meter.flow("the task is moved", does(move_task=at("11T14:00")))
        meter.flow("the task is moved outside working hours, and goes back", does(move_task=at("15T14:00")))
        meter.flow("the task gets another seller", does(reassign_task=10002))
        meter.flow("the lead gets another seller", does(reassign_lead=10001), before=lambda: same_seller(stack, people))
        meter.flow("the lead is moved to another stage", does(stage_lead=67548611))
        meter.flow("a sweep that finds nothing", wait_s=301)
        meter.flow("the event is moved on the calendar", OnCalendar(move_event=at("12T14:00")), wait_s=4)
        meter.flow("the task is deleted", does(delete_task=True))
        return meter.measured


def same_seller(stack: Stack, people: People) -> None:
    """The lead is given to the seller of its meeting: nothing follows."""
    do_as_seller(does(reassign_lead=10002), people)
    stack.settle()


def measure_other_ways_to_cancel() -> dict[str, Cost]:
    measured = {}
    for name, act in {
        "`meeting_status` is set to cancelled": does(set_status="cancelled"),
        "the lead is moved to lost": does(lose_lead=True),
        "the lead is deleted, its tasks with it": does(delete_lead="silent"),
        "the task is completed as cancelled": does(complete_task=True, result="cancelado"),
    }.items():
        with staged(Given(after=CONVERSATIONS / "booked.yaml"), BUSINESS) as (stack, people):
            meter = Meter(stack, people)
            meter.flow(name, act)
            measured |= meter.measured
    return measured


def measure_after_the_meeting() -> dict[str, Cost]:
    with staged(Given(after=CONVERSATIONS / "booked.yaml"), BUSINESS) as (stack, people):
        stack.sandbox.world.clock.advance(97_200)
        stack.settle()
        meter = Meter(stack, people)
        meter.flow("the task is completed (and with it the question how it went)", does(complete_task=True))
        meter.flow("`meeting_status` is corrected to no_show", does(set_status="no_show"))
        return meter.measured


def measure_by_hand() -> dict[str, Cost]:
    contact = {"name": "Maria Souza", "phone": "(11) 98765-4321"}
    given = Given.model_validate({"now": at("09T09:00"), "contact": contact})
    with staged(given, BUSINESS) as (stack, people):
        meter = Meter(stack, people)
        new = {"deadline": at("10T10:00")}
        meter.flow("a Meeting task is made by hand", does(create_task=new))
        return meter.measured


@pytest.mark.long
def test_every_flow_costs_the_calls_that_the_table_says(capsys: pytest.CaptureFixture[str]) -> None:
    measured = measure_before_the_meeting() | measure_other_ways_to_cancel() | measure_after_the_meeting() | measure_by_hand()
    with capsys.disabled():
        rows = [f"| {name} | {' | '.join(map(str, calls))} |" for name, calls in measured.items()]
        print("", f"| flow | {' | '.join(COLUMNS)} |", *rows, sep="\n")
    table = documented()
    assert measured.keys() == table.keys()
    for name, calls in measured.items():
        # Several webhooks of one act are one look or more, as they come: the table has the most.
        spare = [most - found for most, found in zip(table[name], calls, strict=True)]
        assert spare[0] in range(4), f"{name}: {calls}, not {table[name]}"
        assert not any(spare[1:]), f"{name}: {calls}, not {table[name]}"


def test_a_deletion_costs_one_read_and_one_write_at_kommo_one_call_at_google_and_one_message() -> None:
    assert documented()["the task is deleted"] == (1, 1, 1, 1, 1)


def test_every_scenario_named_on_the_page_exists() -> None:
    named = set(re.findall(r"`(\w+)\.yaml`", (ROOT / "docs" / "sync.md").read_text(encoding="utf-8")))
    assert len(named) >= 25
    assert named <= {path.stem for path in CONVERSATIONS.glob("*.yaml")}
