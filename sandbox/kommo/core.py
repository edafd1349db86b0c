"""What every part of the imitation needs: the state, the clock, numbering, the journal, announcements."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sandbox.kommo.hooks import Announcement, Postman, group
from sandbox.kommo.problems import Issues
from sandbox.kommo.state import Event, Pipeline, State, Tag, User
from sandbox.world import World

ROBOT = 0  # the user id of automations

_JOURNAL_NAMES = {"leads": "lead", "contacts": "contact", "companies": "company", "tasks": "task"}


class Core:
    """One account at work. Operations change `state` and call `announce`; `acting` sends what was announced."""

    state: State

    def __init__(self, world: World) -> None:
        self.world = world
        self.postman = Postman(world, lambda: self.state)
        self._outbox: list[Announcement] = []

    def now(self) -> int:
        """Unix seconds on the sandbox's clock."""
        return self.world.clock.timestamp()

    def next_id(self, kind: str) -> int:
        """A fresh id; Kommo's ids of one kind usually go up by two."""
        self.state.counters[kind] += 2
        return self.state.counters[kind]

    @contextmanager
    def acting(self, *, through_api: bool) -> Iterator[None]:
        """Collect what happens inside, then post it as webhooks; nothing is posted when it fails."""
        self._outbox = []
        yield
        if through_api and not self.state.options.echo_api_changes:
            self._outbox = []
        self.flush()

    def flush(self) -> None:
        """Post what was announced so far, so that it shares no body with what follows."""
        batches = group(self._outbox, together=self.state.options.batch_webhooks)
        self._outbox = []
        for batch in batches:
            self.postman.post(batch)

    def announce(self, setting: str, entity: str, action: str, item: dict[str, Any]) -> None:
        self._outbox.append(Announcement(setting, entity, action, item))

    def journal(
        self,
        kind: str,
        entity_type: str,
        entity_id: int,
        actor: int,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
    ) -> None:
        """Write a line of the account's event list."""
        self.state.counters["event"] += 1
        self.state.events.append(
            Event(
                id=f"01sandbox{self.state.counters['event']:017d}",
                type=kind,
                entity_type=_JOURNAL_NAMES[entity_type],
                entity_id=entity_id,
                created_by=actor,
                created_at=self.now(),
                value_before=[before] if before else [],
                value_after=[after] if after else [],
            )
        )

    def user(self, user_id: int) -> User | None:
        return self.state.users.get(user_id)

    def main_pipeline(self) -> Pipeline:
        pipelines = list(self.state.pipelines.values())
        return next((p for p in pipelines if p.is_main), pipelines[0])

    def tag(self, kind: str, name: str) -> Tag:
        """The tag of that name, made when it is new. Every kind of entity has tags of its own."""
        known = self.state.tags.setdefault(kind, {})
        if name not in known:
            known[name] = Tag(self.next_id("tag"), name)
        return known[name]


def checked(read: Callable[[Issues], Any]) -> Any:
    """What `read` makes of a person's input; a ValueError instead of a 400 when it is faulty."""
    issues = Issues()
    result = read(issues)
    if issues.found:
        raise ValueError(issues.text())
    return result
