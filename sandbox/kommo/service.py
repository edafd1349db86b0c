"""The Kommo imitation as one service of the sandbox: API v4, its webhooks, its people."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.kommo import (
    api_account,
    api_cards,
    api_fields,
    api_leads,
    api_links,
    api_notes,
    api_tasks,
    api_webhooks,
    snapshot,
)
from sandbox.kommo.access import Gate
from sandbox.kommo.call import METHODS, api_route
from sandbox.kommo.core import Core
from sandbox.kommo.oauth import oauth_route
from sandbox.kommo.people import people_routes
from sandbox.kommo.problems import bare_answer, problem
from sandbox.kommo.seed import build
from sandbox.kommo.state import State
from sandbox.world import World

_MODULES = (api_account, api_leads, api_cards, api_tasks, api_notes, api_fields, api_links, api_webhooks)


class KommoService(Core):
    """Kommo's account "solclaro" on loopback."""

    name = "kommo"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._gate = Gate(self)
        self.state: State
        self.reset({})

    def routes(self) -> list[BaseRoute]:
        routes: list[BaseRoute] = [
            api_route(self, self._gate, path, handlers) for module in _MODULES for path, handlers in module.ROUTES.items()
        ]
        return [*routes, oauth_route(self), Route("/{path:path}", _unknown_path, methods=METHODS)]

    def controls(self) -> list[BaseRoute]:
        return people_routes(self)

    def reset(self, seed: dict[str, Any]) -> None:
        """Back to the default scene, changed by `seed` (see sandbox.kommo.seed).

        Raises:
            ValueError: The seed has an unknown key or value.
        """
        self.state = build(seed, self.now())
        self._gate.reset()
        self.postman.reset()

    def snapshot(self) -> dict[str, Any]:
        return snapshot.take(self)

    def wire_error(self, status: int, request: Request) -> Response:
        return bare_answer(status)


async def _unknown_path(request: Request) -> Response:
    return problem(404, f"Cannot {request.method} {request.url}")
