"""Crashes at many borders, in several processes at once, and what came of them as a table."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import get_context
from multiprocessing.util import Finalize

from tests.crash.crashing import COMMIT, Border, Recording, Result, crash, crash_everywhere, prepare, record
from tests.crash.flows import FLOWS, Flow
from tests.crash.rig import Rig, World

_SHARE = 12  # borders of one task, so that processes end at about the same time


def flow_named(name: str) -> Flow:
    return next(flow for flow in FLOWS if flow.name == name)


class Workshop:
    """One process's rig, with what it has recorded."""

    def __init__(self) -> None:
        self.rig = Rig().__enter__()
        self._worlds: dict[Callable[[Rig], None], World] = {}
        self._recorded: dict[str, Recording] = {}

    def close(self) -> None:
        self.rig.__exit__(None, None, None)

    def recording(self, name: str) -> Recording:
        if name not in self._recorded:
            flow = flow_named(name)
            if flow.before not in self._worlds:  # several flows begin in the same world
                self._worlds[flow.before] = prepare(self.rig, flow)
            self._recorded[name] = record(self.rig, flow, self._worlds[flow.before])
        return self._recorded[name]

    def borders(self, name: str, kinds: Sequence[str]) -> list[Border]:
        return [border for border in self.recording(name).borders if border.kind in kinds]

    def crash(self, name: str, border: Border) -> Result:
        """The flow killed there; where the service did not get there, once more: calls beside each other come in any order."""
        result = crash(self.rig, self.recording(name), border)
        return result if result.was_reached else crash(self.rig, self.recording(name), border)

    def crash_everywhere(self, name: str) -> tuple[int, list[str]]:
        return crash_everywhere(self.rig, self.recording(name))


@cache
def workshop() -> Workshop:
    """A pool process's own; it lasts as long as the process."""
    made = Workshop()
    Finalize(None, made.close, exitpriority=10)
    return made


@dataclass
class Matrix:
    """Results by flow, in the order of the flows."""

    results: list[Result] = field(default_factory=list)

    def of(self, name: str, *kinds: str) -> list[Result]:
        return [r for r in self.results if r.flow == name and (not kinds or r.border.kind in kinds)]

    @property
    def wrong(self) -> list[Result]:
        return [r for r in self.results if not r.is_well and (r.was_reached or r.differences)]


def _list(name: str, kinds: Sequence[str]) -> tuple[str, list[Border]]:
    return name, workshop().borders(name, kinds)


def _share(name: str, borders: Sequence[Border]) -> list[Result]:
    return [workshop().crash(name, border) for border in borders]


def crash_all(names: Sequence[str], kinds: Sequence[str], workers: int) -> Iterator[Result]:
    """Every border of these flows and kinds, one run each; results come as they are done.

    A commit that this run did not come to is left out: how often the service looks is a matter of milliseconds.
    """
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        listed = pool.map(_list, names, [list(kinds)] * len(names))
        shares = [
            pool.submit(_share, name, borders[n : n + _SHARE]) for name, borders in listed for n in range(0, len(borders), _SHARE)
        ]
        for share in shares:
            yield from (result for result in share.result() if result.was_reached or result.border.kind != COMMIT)
