"""Runs a flow calm, lists its borders, and runs it again for each, killed there and started anew."""

import re
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sandbox.faults import Fault
from tests.crash.flows import NOW, Flow
from tests.crash.picture import differences, picture
from tests.crash.rig import GoneError, Rig, World

CALL, WEBHOOK, COMMIT = "call", "webhook", "commit"
_SWEEP_S = 310  # the next sweep has begun by then


@dataclass(frozen=True)
class Border:
    """One place at which the service is killed.

    Attributes:
        kind: call, webhook or commit.
        side: before or after: whether the call was carried out, the webhook answered. A commit is never reached.
        number: Which of its kind, from 1; of a call which with the same service, method and path.
        label: The call or event in words.
    """

    kind: str
    side: str
    number: int
    label: str
    service: str = ""
    method: str = ""
    path: str = ""

    def __str__(self) -> str:
        return f"{self.side} {self.label}"


@dataclass(frozen=True)
class Recording:
    """A flow's calm run.

    Attributes:
        before: The world in which the act takes place.
        picture: What it left behind.
        borders: In the order in which they are met; commits last.
    """

    flow: Flow
    before: World
    picture: dict[str, list[str]]
    borders: tuple[Border, ...]


@dataclass
class Result:
    """What became of one border. No differences: all is as in the calm run.

    Attributes:
        was_reached: The service died there.
        by_sweep: Quiet was not enough: the sweep, five minutes later, set it right.
    """

    flow: str
    border: Border
    was_reached: bool = True
    by_sweep: bool = False
    differences: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def is_well(self) -> bool:
        return self.was_reached and not self.differences


def prepare(rig: Rig, flow: Flow) -> World:
    """The world in which the flow's act takes place, from an empty one."""
    rig.begin(NOW)
    rig.start()
    rig.settle()
    flow.before(rig)
    return rig.keep()


def record(rig: Rig, flow: Flow, before: World) -> Recording:
    """The flow from there to its end, undisturbed."""
    rig.put_back(before)
    rig.start()
    rig.processes[0].arm()
    calls: list[dict[str, Any]] = rig.sandbox.world.requests
    calls.clear()
    flow.act(rig)
    rig.settle()
    counts = rig.processes[0].left()["counts"]
    return Recording(flow, before, picture(rig.people, rig.database_url), tuple(_borders(calls, counts)))


def _borders(calls: list[dict[str, Any]], counts: dict[str, int]) -> list[Border]:
    found = []
    for side in ("before", "after"):
        answered = counts.get(f"{side} webhook's answer", 0)
        found += [Border(WEBHOOK, side, n, f"the answer to webhook {n}") for n in range(1, answered + 1)]
    nth: Counter[tuple[str, str, str]] = Counter()
    for call in calls:
        which = (call["service"], call["method"], _pattern(call["path"]))
        nth[which] += 1
        label = f"{call['service']} {call['method']} {_shown(call['path'])}" + (f" ({nth[which]})" if nth[which] > 1 else "")
        found += [Border(CALL, side, nth[which], label, *which) for side in ("before", "after")]
    found += [Border(COMMIT, "before", n, f"commit {n}") for n in range(1, counts.get("commit", 0) + 1)]
    return found


_IDS = re.compile(r"[0-9a-f]{32}|\d{4,}")


def _pattern(path: str) -> str:
    return "^" + "[0-9a-z]+".join(re.escape(part) for part in _IDS.split(path)) + "$"


def _shown(path: str) -> str:
    short = re.sub(r"^/(api/v4|calendar/v3)", "", _IDS.sub("{id}", path))
    return re.sub(r"/calendars/[^/]+@[^/]+", "/calendars/{id}", short)


def crash(rig: Rig, recording: Recording, border: Border) -> Result:
    """The flow with the service killed at the border, started again and left alone until all is quiet."""
    began = time.monotonic()
    rig.put_back(recording.before)
    rig.start()
    result = Result(recording.flow.name, border)
    faults = []
    if border.kind == CALL:
        faults.append(rig.sandbox.world.faults.add(_fault(border, skip=border.number - 1)).id)
    elif border.kind == WEBHOOK:
        rig.process.arm(**{f"{border.side}_webhook's_answer": border.number})
    else:
        rig.process.arm(commit=border.number)
    recording.flow.act(rig)
    result.was_reached = _settle_until_killed(rig, *faults)
    rig.kill()
    rig.sandbox.world.faults.clear()
    rig.pass_time(1)
    rig.start()
    rig.settle()
    result.differences = _compare(rig, recording)
    if result.differences:
        rig.pass_time(_SWEEP_S)
        rig.settle()
        left = _compare(rig, recording)
        result.by_sweep = not left
        result.differences = left
    rig.kill()
    result.seconds = time.monotonic() - began
    return result


def crash_everywhere(rig: Rig, recording: Recording) -> tuple[int, list[str]]:
    """The flow once, killed and started anew when the first webhook is answered and before and after each outside call, in the
    order in which they are met, all in one run.

    Returns:
        How often the service was killed: after so many kills a call may not be needed any more. And the differences that are
        left in the end.
    """
    rig.put_back(recording.before)
    rig.start()
    kills = 0
    if recording.flow.begins_with is not None:
        side, number = recording.flow.begins_with
        rig.process.arm(**{f"{side}_webhook's_answer": number})
        recording.flow.act(rig)
        kills += _settle_until_killed(rig)
    else:
        recording.flow.act(rig)
    still_to_come = [border for border in recording.borders if border.kind == CALL]
    while True:
        faults = {}
        for border in still_to_come:  # of the same call the oldest, before each of them
            faults.setdefault((border.service, border.method, border.path), border)
        planned = {rig.sandbox.world.faults.add(_fault(border)).id: border for border in faults.values()}
        if not rig.process.is_alive:
            rig.start()
        was_killed = _settle_until_killed(rig, *planned)
        held = next((call["fault"] for call in rig.sandbox.world.requests if call.get("held") and call["fault"] in planned), None)
        rig.sandbox.world.faults.clear()
        if not was_killed:
            break
        kills += 1
        assert held is not None
        still_to_come.remove(planned[held])
    left = _compare(rig, recording)
    if left:
        rig.pass_time(_SWEEP_S)
        rig.settle()
        left = _compare(rig, recording)
    rig.kill()
    return kills, left


def _settle_until_killed(rig: Rig, *faults: int) -> bool:
    """Whether the service died, by its own hand or while a call was held, before all was quiet."""
    try:
        rig.settle(until=lambda: _is_held(rig, faults))
    except GoneError:
        rig.process.bury()
        return True
    if not _is_held(rig, faults):
        return False
    rig.kill()
    return True


def _fault(border: Border, skip: int = 0) -> Fault:
    """Holds the call, and loses it when it is let go: unhandled before it, unanswered after it."""
    return Fault(service=border.service, method=border.method, path=border.path, skip=skip, hold=border.side, drop=border.side)


@contextmanager
def hold(rig: Rig, border: Border) -> Iterator[Callable[[], bool]]:
    """Holds a call at the border; gives a function that says whether it has come to that. Afterwards the call is lost."""
    fault = rig.sandbox.world.faults.add(_fault(border, skip=border.number - 1))
    try:
        yield lambda: _is_held(rig, [fault.id])
    finally:
        rig.sandbox.world.faults.clear()


def _is_held(rig: Rig, faults: Collection[int]) -> bool:
    return any(call.get("held") and call.get("fault") in faults for call in rig.sandbox.world.requests)


def _compare(rig: Rig, recording: Recording) -> list[str]:
    return differences(recording.picture, picture(rig.people, rig.database_url))
