"""Evolution API 2.3.7 on loopback: the vendor's routes, the people's controls, the seed."""

from dataclasses import fields
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from sandbox.evolution import accounts, chatting, connection, sending
from sandbox.evolution.content import fingerprint
from sandbox.evolution.core import Config, Core
from sandbox.evolution.numbers import PHONE_SUFFIX
from sandbox.evolution.people import People
from sandbox.evolution.routing import unknown_route
from sandbox.evolution.scene import Scene
from sandbox.evolution.state import Ids, State
from sandbox.evolution.view import snapshot
from sandbox.evolution.wire import ApiError

_INSTANCE_SEED: dict[str, Any] = {
    "token": "sandbox-evolution-instance-token",
    "connection": "open",
    "webhook": None,
    "settings": {},
    "acks": "auto",
    "ack_read": False,
}


class EvolutionService(Core):
    """One Evolution server with, at the start, one connected instance and no messages.

    Seed keys: those of `Config`, and token, connection (open or close), webhook (the object
    /webhook/set takes), settings (parts of it), acks, ack_read.
    """

    def routes(self) -> list[BaseRoute]:
        return [*accounts.routes(self), *sending.routes(self), *chatting.routes(self), unknown_route(self)]

    def controls(self) -> list[BaseRoute]:
        return [*People(self).controls(), *Scene(self).controls()]

    def reset(self, seed: dict[str, Any]) -> None:
        names = {field.name for field in fields(Config)}
        unknown = set(seed) - names - set(_INSTANCE_SEED)
        if unknown:
            raise ValueError(f"seed for evolution has unknown keys: {', '.join(sorted(unknown))}")
        config = {name: value for name, value in seed.items() if name in names}
        if "retry_waits_s" in config:
            config["retry_waits_s"] = tuple(config["retry_waits_s"])
        self.config, self.ids, self.state = Config(**config), Ids(), State()
        self._seed_instance({**_INSTANCE_SEED, **seed})

    def _seed_instance(self, seed: dict[str, Any]) -> None:
        inst = accounts.new_instance(self, self.config.instance, seed["token"])
        if seed["connection"] == "open":
            inst.own_jid = self.config.own_number + PHONE_SUFFIX
            inst.state, inst.socket_up = "open", True
        inst.settings |= seed["settings"]
        if seed["webhook"]:
            accounts.store_webhook(self, inst, {"enabled": True, "events": [], **seed["webhook"]})
            inst.base64_active = bool(inst.webhook and inst.webhook["webhookBase64"])
        self.state.acks, self.state.ack_read = seed["acks"], seed["ack_read"]
        self.state.instances[inst.name] = inst

    def snapshot(self) -> dict[str, Any]:
        return snapshot(self)

    def wire_error(self, status: int, request: Request) -> Response:
        """A timeout for 400, which leaves open whether anything happened, and the usual envelope for the rest."""
        known: dict[int, Any] = {
            400: ["Error: Timed Out"],
            401: "Unauthorized",
            404: [f"Cannot {request.method} {request.url.path}"],
            500: "Internal Server Error",
        }
        try:
            error = ApiError(status, known.get(status))
        except ValueError:
            error = ApiError(status, None, "Error")
        error.message = error.message or error.error
        return error.response()

    def trouble(self, name: str, begins: bool) -> None:
        """What bad weather can put the whole server into: "disconnected" or "LICENSE_REQUIRED"."""
        if name == "LICENSE_REQUIRED":
            self.state.license_required = begins
        elif name == "disconnected":
            inst = self.instance(None)
            (connection.connecting if begins else connection.opened)(self, inst)

    def transcript_of(self, media: bytes) -> str | None:
        """What a voice note made here says; None for bytes from elsewhere or without a transcript."""
        return self.state.transcripts.get(fingerprint(media))
