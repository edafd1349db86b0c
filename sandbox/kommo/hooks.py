"""Kommo's own webhook rules: who is told what, how often it is tried, and when a hook is switched off."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.delivery import Delivery, RetryRule
from sandbox.kommo.phpform import encode
from sandbox.kommo.state import Hook, State
from sandbox.world import World

_ENTITY_SETTINGS = {
    f"{action}_{entity}"
    for entity in ("lead", "contact", "company", "customer")
    for action in ("add", "update", "delete", "restore", "responsible", "note")
}
SETTINGS = _ENTITY_SETTINGS | {
    "status_lead",
    "add_task",
    "update_task",
    "delete_task",
    "responsible_task",
    "add_message",
    "add_outgoing_message",
    "add_talk",
    "update_talk",
    "add_chat_template_review",
}

DISABLE_AFTER = 100  # invalid answers …
DISABLE_WINDOW_S = 2 * 3600  # … within this time, the newest being invalid


def is_valid_answer(status: int) -> bool:
    """Whether Kommo takes an answer for delivered. 0 stands for no answer in time."""
    return 100 <= status <= 299


def _gives_up(attempts: int, status: int) -> bool:
    """Attempts 2 and 3 follow any bad answer, 4 and 5 only 499 and 5xx."""
    return attempts >= 3 and status != 499 and not 500 <= status <= 599


RETRY_RULE = RetryRule(
    timeout_s=2.0,
    waits_s=(5 * 60, 15 * 60, 15 * 60, 60 * 60),
    accepted=is_valid_answer,
    gives_up=_gives_up,
)


@dataclass(frozen=True)
class Announcement:
    """One thing that happened, for the hooks subscribed to `setting`. `item` goes to `entity[action][n]`."""

    setting: str
    entity: str
    action: str
    item: dict[str, Any]

    @property
    def kind(self) -> tuple[str, str, str]:
        return self.setting, self.entity, self.action


def group(announcements: list[Announcement], *, together: bool) -> list[list[Announcement]]:
    """Announcements per webhook body, in order; those of one kind share a body when `together`."""
    if not together:
        return [[one] for one in announcements]
    kinds: dict[tuple[str, str, str], list[Announcement]] = {}
    for one in announcements:
        kinds.setdefault(one.kind, []).append(one)
    return list(kinds.values())


class Postman:
    """Posts announcements to the account's hooks and keeps score of the answers."""

    def __init__(self, world: World, state: Callable[[], State]) -> None:
        self._world, self._state = world, state
        self._generation = 0

    def reset(self) -> None:
        """Forget the deliveries of the state before: their late answers count for no hook of the new one."""
        self._generation += 1

    def post(self, batch: list[Announcement]) -> None:
        """Send one body to every hook subscribed to its kind."""
        setting, entity, action = batch[0].kind
        state = self._state()
        account = state.account
        body = encode(
            {
                "account": {"subdomain": account.subdomain, "id": account.id, "_links": {"self": account.host}},
                entity: {action: [one.item for one in batch]},
            }
        )
        for hook in state.hooks.values():
            if setting in hook.settings and not hook.disabled:
                self._send(hook, f"{entity}[{action}]", body)

    def _send(self, hook: Hook, event: str, body: bytes) -> None:
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "user-agent": "amoCRM-Webhooks/3.0",
            "accept-encoding": "gzip",
            "x-amocrm-requestid": str(uuid.uuid4()),
        }
        self._world.deliveries.send("kommo", event, hook.destination, body, headers, RETRY_RULE, on_result=self._scorer(hook.id))

    def _scorer(self, hook_id: int) -> Callable[[Delivery], None]:
        generation = self._generation

        def note(delivery: Delivery) -> None:
            hook = self._state().hooks.get(hook_id) if generation == self._generation else None
            if hook:
                score(hook, self._world.clock.timestamp(), delivery.status or 0)

        return note


def score(hook: Hook, now: int, status: int) -> None:
    """Note an answer given at `now` (Unix seconds); switch the hook off after too many bad ones."""
    hook.answers = [answer for answer in hook.answers if answer[0] > now - DISABLE_WINDOW_S]
    hook.answers.append((now, is_valid_answer(status)))
    bad = sum(1 for _, valid in hook.answers if not valid)
    if bad > DISABLE_AFTER and not hook.answers[-1][1]:
        hook.disabled = True
