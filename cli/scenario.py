"""Plays conversations as data (`cli/scenario_schema.py`) through the whole app and judges what is left behind.

With a scripted model every step of the script must be consumed exactly; as an exam (`marcado eval`) the model's steps are left
out and its own words are not judged.
"""

import copy
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from cli.eval_judge import judge, our_calendars
from cli.people import People, SandboxRefusedError
from cli.scenario_acts import do_as_seller, do_on_calendar
from cli.scenario_schema import BusyTime, Given, Said, Scenario, ScenarioError, Step, load_scenario
from cli.stack import SANDBOX_TOKEN, Stack
from prompts.catalogue import DEFAULT_LOCALE
from sandbox.server import Sandbox

_SWEEP_S = 310  # long enough for the next sweep to have begun


class Delivery(StrEnum):
    """How Kommo's webhooks come from the seller's first act on."""

    NORMAL = "normal"
    LOST = "lost"
    DOUBLED = "doubled"
    LATE = "late"
    """Held until everything is over and the sweep has long found it, then let go, newest first."""
    REVERSED = "reversed"
    """Those of one step come when all its acts are done, newest first."""


_MODES = {Delivery.LOST: "lose", Delivery.DOUBLED: "double", Delivery.LATE: "hold", Delivery.REVERSED: "hold"}


@dataclass
class Verdict:
    """How a scenario ended: no complaints means passed."""

    complaints: list[str] = field(default_factory=list)
    transcript: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Opening:
    """The world that a scenario left behind, to begin others with: it is played once per process.

    Attributes:
        given: How it began.
        now: When it ended.
        states: Of the sandbox's services, by name.
        files: The service's database, by file name.
    """

    given: Given
    now: datetime
    states: Mapping[str, Any]
    files: Mapping[str, bytes]


def play(
    scenario: Scenario,
    business_file: Path,
    *,
    delivery: Delivery = Delivery.NORMAL,
    inspect: Callable[[Stack, People], None] | None = None,
) -> Verdict:
    """Plays a scenario with the scripted model on a sandbox of its own and judges what is left.

    Args:
        delivery: What becomes of Kommo's webhooks from the seller's first act on.
        inspect: Called with everything still running, before the end.
    """
    with staged(scenario.given, business_file) as (stack, people):
        people.do("/model/mind", mind="script")
        complaints = _play_talk(scenario.talk, delivery, stack, people)
        complaints += judge(scenario.afterwards, people, our_calendars(business_file))
        if inspect:
            inspect(stack, people)
        return Verdict(complaints, people.chat())


@contextmanager
def staged(given: Given, business_file: Path, overrides: Mapping[str, Any] | None = None) -> Iterator[tuple[Stack, People]]:
    """A sandbox and a service in the given world, with nothing said yet, or after another scenario.

    Args:
        overrides: Settings, stronger than the scenario's own.

    Raises:
        ScenarioError: The scenario before is none, or does not end as it should.
    """
    opening = _opening(given.after, business_file) if given.after else None
    world = opening.given if opening else given
    # The files are written for sellers who read Portuguese, whatever language the operator reads.
    settings = {"LOCALE": DEFAULT_LOCALE, **given.settings, **(overrides or {})}
    with ExitStack() as running:
        sandbox = Sandbox().start()
        running.callback(sandbox.stop)
        now = sandbox.world.clock.now
        stack = Stack(business_file=business_file, business_changes=given.business, sandbox=sandbox, now=now, overrides=settings)
        if opening:
            _reopen(opening, stack)
        else:
            sandbox.world.reset({"kommo": {"meeting_status": "select"}} if given.status_field == "select" else {})
            sandbox.world.clock.set(given.now)
        running.enter_context(stack)
        people = People(sandbox.control_url, world.phone, world.name)
        running.callback(people.close)
        if not opening:
            _prepare(given, people)
        yield stack, people


@cache
def _opening(path: Path, business_file: Path) -> Opening:
    scenario = load_scenario(path)
    with staged(scenario.given, business_file) as (stack, people):
        people.do("/model/mind", mind="script")
        if complaints := _play_talk(scenario.talk, Delivery.NORMAL, stack, people):
            raise ScenarioError("\n".join([f"{path} can't be what came before:", *complaints]))
        # The next service will have an address of its own, and nobody answers at this one any more.
        destination = f"{stack.url}/webhook/kommo/events?token={SANDBOX_TOKEN}"
        stack.call(lambda service: service.kommo.delete_webhook(destination))
        stack.stop_service()
        world = stack.sandbox.world
        return Opening(
            given=_opening(scenario.given.after, business_file).given if scenario.given.after else scenario.given,
            now=world.clock.now(),
            states={name: copy.deepcopy(service.state) for name, service in world.services.items()},
            files={file.name: file.read_bytes() for file in stack.database.parent.iterdir()},
        )


def _reopen(opening: Opening, stack: Stack) -> None:
    world = stack.sandbox.world
    for name, state in opening.states.items():
        world.services[name].state = copy.deepcopy(state)
    world.clock.set(opening.now)
    for name, content in opening.files.items():
        stack.database.with_name(name).write_bytes(content)


def _prepare(given: Given, people: People) -> None:
    for busy in given.busy:
        _occupy(people, busy)
    if given.contact:
        contact = people.do("/seller/contact/create", name=given.contact.name, phone=given.contact.phone)
        people.do(
            "/seller/lead/create",
            name=f"Lead de {given.contact.name}",
            contact_id=contact["id"],
            responsible_user_id=given.contact.responsible_user_id,
        )


def _occupy(people: People, busy: BusyTime) -> None:
    people.do(
        "/calendar/event/add",
        calendar_id=busy.calendar,
        start=busy.start.isoformat(),
        end=busy.end.isoformat(),
        summary=busy.summary,
    )


def _play_talk(talk: Sequence[Step], delivery: Delivery, stack: Stack, people: People) -> list[str]:
    """Plays all steps; what is wrong with the script's use or the settling comes back, one line each."""
    complaints = []
    is_disturbed = False
    for number, step in enumerate(talk, 1):
        if (step.seller or step.on_calendar) and not is_disturbed and delivery in _MODES:
            is_disturbed = True
            for service in ("kommo", "google"):
                people.do("/deliveries/faults", service=service, mode=_MODES[delivery], times=-1)
        try:
            complaints += _play_step(number, step, delivery, stack, people)
        except (LookupError, SandboxRefusedError, TimeoutError) as error:
            return [*complaints, f"step {number}: {error}"]
    if delivery in (Delivery.LATE, Delivery.REVERSED):
        people.do("/deliveries/release", newest_first=True)
        stack.settle()
    return complaints


def _play_step(number: int, step: Step, delivery: Delivery, stack: Stack, people: People) -> list[str]:
    people.do("/model/script", steps=step.model)
    before_talk(step, stack, people)
    for said in step.customer:
        say(said, people, stack)
    after_talk(step, people)
    if delivery is Delivery.REVERSED:
        people.do("/deliveries/release", newest_first=True)
    stack.settle()
    if step.seller and delivery in (Delivery.LOST, Delivery.LATE):
        stack.sandbox.world.clock.advance(_SWEEP_S)
        stack.settle()
    model = people.state()["openai"]
    complaints = [f"step {number}: the model was asked without a script: {u['why']}" for u in model["unexpected"]]
    if model["remaining"]:
        complaints.append(f"step {number}: the model was never asked for: {model['remaining']}")
    return complaints


def before_talk(step: Step, stack: Stack, people: People) -> None:
    """What happens in a step before the customer writes: bad days, controls, calendars, time."""
    for fault in step.faults:
        people.do("/faults", **fault)
    for path, fields in step.by_control.items():
        people.do(path, **fields)
    if step.calendar:
        _occupy(people, step.calendar)
    if step.wait_s is not None:
        stack.sandbox.world.clock.advance(step.wait_s)
    if step.until is not None:
        stack.sandbox.world.clock.set(step.until)


def say(said: Said, people: People, stack: Stack) -> None:
    """The customer, or another one, sends a message, and changes it at once when it says so."""
    fields: dict[str, Any] = {"kind": said.kind, **said.with_fields}
    for name in ("text", "transcript", "caption"):
        if getattr(said, name) is not None:
            fields[name] = getattr(said, name)
    if said.phone:
        fields |= {"phone": said.phone, "name": said.name}
    if said.quotes:
        fields["quoted_id"] = people.id_of(said.quotes, said.phone)
    sent = people.do("/customer/say", **{"phone": people.phone, "name": people.name, **fields})
    for _ in range(said.times - 1):
        people.do("/customer/say", **{"phone": people.phone, "name": people.name, **fields, "id": sent["id"]})
    if said.edited_to is not None or said.deleted:
        _wait_for_webhooks(stack)  # nobody edits within milliseconds; webhooks sent together may arrive in another order
    if said.edited_to is not None:
        people.do("/customer/edit", id=sent["id"], text=said.edited_to)
    if said.deleted:
        people.do("/customer/delete", id=sent["id"])


def _wait_for_webhooks(stack: Stack, within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not stack.sandbox.world.deliveries.idle:
        if time.monotonic() > deadline:
            raise TimeoutError(f"webhooks still under way after {within_s:g} s")
        time.sleep(0.01)


def after_talk(step: Step, people: People) -> None:
    """What sellers, calendar owners and guests do in a step."""
    for act in step.seller:
        do_as_seller(act, people)
    for deed in step.on_calendar:
        do_on_calendar(deed, people)
