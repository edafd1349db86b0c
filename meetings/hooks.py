"""Keeps Kommo and Evolution telling us: their webhooks exist, point here and are switched on."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

import structlog

from clients.errors import RefusedError, ServiceError
from clients.kommo import KommoClient, KommoWebhookSetting
from clients.whatsapp import WhatsAppClient

log = structlog.get_logger("hooks")
KOMMO_EVENTS = (
    "add_task",
    "update_task",
    "delete_task",
    "responsible_task",
    "update_lead",
    "delete_lead",
    "status_lead",
    "responsible_lead",
)
EVOLUTION_EVENTS = (
    "MESSAGES_UPSERT",
    "MESSAGES_UPDATE",
    "MESSAGES_EDITED",
    "MESSAGES_DELETE",
    "SEND_MESSAGE",
    "CONNECTION_UPDATE",
)
# Kommo's own list leaves this one out, its guide names it: where it is refused, "Task edited" is ticked by hand.
_UNCERTAIN = "update_task"


class Hooks:
    """Sets our webhooks and repairs them. `problems` says what is wrong now, by service; empty when all is well."""

    def __init__(
        self, kommo: KommoClient, whatsapp: WhatsAppClient, public_url: str, token: str, previous_token: str | None = None
    ) -> None:
        """
        Args:
            public_url: Where the world reaches us.
            token: The secret that webhooks carry.
            previous_token: The one that it replaces.
        """
        self.kommo, self.whatsapp = kommo, whatsapp
        self._kommo_url = f"{public_url}/webhook/kommo/events?token={quote(token)}"
        previous = f"{public_url}/webhook/kommo/events?token={quote(previous_token)}" if previous_token else None
        self._former_url = previous if previous != self._kommo_url else None
        self._evolution_url = f"{public_url}/webhook/evolution"
        self._headers = {"X-Marcado-Token": token}
        self.problems: dict[str, str] = {}
        self._has_asked = False  # for the event that Kommo may not take, since it was last seen there

    async def look(self) -> dict[str, str]:
        """The state of both webhooks, by service: "well", "missing", "off", "incomplete" or "wrong". Changes nothing.

        Raises:
            ServiceError: One of them can't be read.
        """
        kommo, evolution = await self.kommo.get_webhook(self._kommo_url), await self.whatsapp.get_webhook()
        return {"kommo": _state(kommo), "evolution": self._state_of_evolution(evolution)}

    async def ensure(self) -> list[str]:
        """Looks at both webhooks and sets what is missing, switched off or wrong; returns what was repaired.

        A service that can't be asked is a problem for the log and the readiness, never an error: the sweep works without.
        """
        repaired = []
        for service, look in (("kommo", self._kommo), ("evolution", self._evolution)):
            if await self._try(service, look):
                repaired.append(service)
        return repaired

    async def _try(self, service: str, look: Callable[[], Awaitable[bool]]) -> bool:
        try:
            return await look()
        except ServiceError as error:
            if self.problems.get(service) != str(error):
                log.error("webhook not sure", of=service, problem=str(error))
            self.problems[service] = str(error)
            return False

    async def _kommo(self) -> bool:
        found = await self.kommo.get_webhook(self._kommo_url)
        has_edited = found is not None and _UNCERTAIN in found.settings
        was_well = _is_well(found)
        if was_well and (has_edited or self._has_asked):
            self._note_edited(found)
            await self._forget_former()
            return False
        if found is not None and found.disabled:
            # Kommo switches a webhook off that answered badly too often. Setting it again leaves it off; a new one is on.
            await self.kommo.delete_webhook(self._kommo_url)
        try:
            await self.kommo.set_webhook(self._kommo_url, KOMMO_EVENTS)
        except RefusedError:
            await self.kommo.set_webhook(self._kommo_url, [event for event in KOMMO_EVENTS if event != _UNCERTAIN])
        stored = await self.kommo.get_webhook(self._kommo_url)
        if stored is None or stored.disabled:
            raise RefusedError("Kommo", "set webhook", "it is switched off; save it under Settings > Integrations > Web hooks")
        self._note_edited(stored)
        await self._forget_former()
        if _UNCERTAIN not in stored.settings:
            self._has_asked = True
            if was_well:
                return False
        log.warning("webhook set", of="kommo", was=_state(found))
        return True

    async def _forget_former(self) -> None:
        """Kommo knows a webhook by its address, token and all: with a new token there are two, and everything comes twice."""
        if self._former_url is None:
            return
        if await self.kommo.get_webhook(self._former_url) is not None:
            await self.kommo.delete_webhook(self._former_url)
            log.warning("webhook with the former token removed", of="kommo")
        self._former_url = None

    def _note_edited(self, stored: KommoWebhookSetting | None) -> None:
        if stored is not None and _UNCERTAIN in stored.settings:
            self._has_asked = False
            self.problems.pop("kommo", None)
            return
        problem = 'Kommo does not announce edited tasks: tick "Task edited" under Settings > Integrations > Web hooks'
        if self.problems.get("kommo") != problem:
            log.warning("webhook incomplete", of="kommo", problem=problem)
        self.problems["kommo"] = problem

    async def _evolution(self) -> bool:
        state = self._state_of_evolution(await self.whatsapp.get_webhook())
        self.problems.pop("evolution", None)
        if state == "well":
            return False
        await self.whatsapp.set_webhook(self._evolution_url, self._headers, EVOLUTION_EVENTS)
        log.warning("webhook set", of="evolution", was=state)
        return True

    def _state_of_evolution(self, found: Mapping[str, Any] | None) -> str:
        if not found:
            return "missing"
        is_well = (
            found.get("enabled") is True
            and found.get("url") == self._evolution_url
            and set(EVOLUTION_EVENTS) <= set(found.get("events") or ())
            and (found.get("headers") or {}).get("X-Marcado-Token") == self._headers["X-Marcado-Token"]
        )
        return "well" if is_well else "wrong"


def _state(found: KommoWebhookSetting | None) -> str:
    if found is None:
        return "missing"
    return "off" if found.disabled else "well" if set(KOMMO_EVENTS) <= set(found.settings) else "incomplete"


def _is_well(found: KommoWebhookSetting | None) -> bool:
    wanted = set(KOMMO_EVENTS) - {_UNCERTAIN}
    return found is not None and not found.disabled and wanted <= set(found.settings)
