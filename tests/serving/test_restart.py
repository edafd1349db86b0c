"""The service is stopped in the middle and started again on the same database: it goes on where it was."""

from pathlib import Path

from cli.people import People
from cli.stack import Stack
from sandbox.faults import Fault

ROOT = Path(__file__).parents[2]
LINES = ["Oi, minha conta é 800 reais", "é uma casa", "sim, sou o dono"]


def test_a_message_taken_in_before_a_stop_is_answered_after_the_start() -> None:
    with Stack(business_file=ROOT / "business.toml", overrides={"DEBOUNCE_SILENCE_S": 2}) as stack:
        people = People(stack.sandbox.control_url)
        people.customer_says("Oi")
        wait_for_delivery(stack)
        stack.stop_service()
        assert people.told() == []
        stack.start_service()
        stack.settle()
        assert len(people.told()) == 1
        people.close()


def test_a_turn_that_waits_for_the_model_is_answered_once_after_a_restart() -> None:
    with Stack(business_file=ROOT / "business.toml", overrides={"DEBOUNCE_SILENCE_S": 0.1}) as stack:
        people = People(stack.sandbox.control_url)
        for line in LINES:
            people.customer_says(line)
            stack.settle()
        hold = stack.sandbox.world.faults.add(Fault(service="kommo", method="POST", path="/tasks$", hold="before"))
        people.customer_says("a 3")
        wait_until(lambda: hold.hits == 1)  # the event is made, the task is on its way
        stack.call(lambda service: service.lanes.stop(drain_s=0))  # as hard as a stop can be within a process
        stack.sandbox.world.faults.clear()
        stack.stop_service()
        stack.start_service()
        stack.settle()
        assert len(people.events()) == 1
        assert len(people.tasks()) == 1
        assert sum("✅ Marcado" in text for text in people.told()) == 1
        assert people.lead()["fields"]["meeting_status"] == "scheduled"
        people.close()


def wait_for_delivery(stack: Stack) -> None:
    wait_until(lambda: stack.sandbox.world.deliveries.idle)


def wait_until(condition: object, bound_s: float = 20) -> None:
    import time

    deadline = time.monotonic() + bound_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
