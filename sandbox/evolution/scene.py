"""Controls over WhatsApp itself: the connection, who is there, what becomes of a message, the vendor's license."""

from typing import Any

from starlette.routing import BaseRoute

from sandbox.controls import control
from sandbox.evolution import connection
from sandbox.evolution.core import Core
from sandbox.evolution.messages import report
from sandbox.evolution.numbers import LID_SUFFIX, PHONE_SUFFIX
from sandbox.evolution.people import set_addressing
from sandbox.evolution.state import LADDER

_ACK_MODES = ("auto", "server", "none", "error")
_STATES = ("open", "connecting", "close", "zombie")
_OUTCOMES = ("no", "yes", "unrecorded")


class Scene:
    """The controls under /whatsapp."""

    def __init__(self, core: Core) -> None:
        self.core = core

    def controls(self) -> list[BaseRoute]:
        return [
            control("/whatsapp/connection", self.connection),
            control("/whatsapp/number", self.number),
            control("/whatsapp/acks", self.acks),
            control("/whatsapp/ack", self.ack),
            control("/whatsapp/timeout", self.timeout),
            control("/whatsapp/license", self.license),
        ]

    def connection(self, data: dict[str, Any]) -> dict[str, Any]:
        """{state: open, connecting, close or zombie, status_reason?: 401}.

        close logs the account out; connecting is a drop the server tries to mend; zombie shows "open" while nothing
        gets through, and a restart revives it.
        """
        core, inst, state = self.core, self.core.instance(data.get("instance")), data["state"]
        if state not in _STATES:
            raise ValueError(f"state is {state!r}; use one of {', '.join(_STATES)}")
        if state == "open":
            if inst.state == "close":
                connection.connecting(core, inst)
            connection.opened(core, inst)
        elif state == "connecting":
            connection.connecting(core, inst)
        elif state == "zombie":
            inst.state, inst.socket_up = "open", False
        else:
            reason = int(data.get("status_reason", 401))
            if reason not in connection.FINAL_REASONS:
                raise ValueError(f"status_reason is {reason}, after which the server reconnects; use state connecting")
            connection.closed(core, inst, reason)
        return {"state": inst.state, "socket_up": inst.socket_up}

    def number(self, data: dict[str, Any]) -> dict[str, Any]:
        """{phone, exists?, canonical?, lid?, lid_mode?, name?}: what WhatsApp knows of a telephone.

        canonical is with_nine, without_nine or the digits of the JID. Servers forget what they knew of the number.
        """
        core, person = self.core, self.core.person(str(data["phone"]))
        if "exists" in data:
            person.exists = bool(data["exists"])
        if data.get("canonical"):
            person.jid = _canonical(person.key, str(data["canonical"])) + PHONE_SUFFIX
        if data.get("lid"):
            person.lid = str(data["lid"]).removesuffix(LID_SUFFIX) + LID_SUFFIX
        if data.get("lid_mode"):
            set_addressing(person, data["lid_mode"])
        if data.get("name") is not None:
            person.name = str(data["name"])
        for inst in core.state.instances.values():
            inst.numbers_known.pop(person.key, None)
        return {"phone": person.key, "jid": person.jid, "lid": person.lid, "exists": person.exists}

    def acks(self, data: dict[str, Any]) -> dict[str, Any]:
        """{mode?: auto, server, none or error, read?: bool}: what becomes of messages sent from now on."""
        state, mode = self.core.state, data.get("mode", self.core.state.acks)
        if mode not in _ACK_MODES:
            raise ValueError(f"mode is {mode!r}; use one of {', '.join(_ACK_MODES)}")
        state.acks, state.ack_read = mode, bool(data.get("read", state.ack_read))
        return {"mode": state.acks, "read": state.ack_read}

    def ack(self, data: dict[str, Any]) -> dict[str, Any]:
        """{id, status}: one more messages.update for a message of ours, whatever came before."""
        inst = self.core.instance(data.get("instance"))
        row, status = inst.row(str(data["id"])), str(data["status"])
        if row is None or not row.key["fromMe"]:
            raise ValueError(f"id is {data['id']!r}, which is no message of ours")
        if status not in (*LADDER, "ERROR"):
            raise ValueError(f"status is {status!r}; use one of {', '.join(LADDER)}, ERROR")
        report(self.core, inst, row, status)
        return {"id": row.key["id"], "status": row.status}

    def timeout(self, data: dict[str, Any]) -> dict[str, Any]:
        """{times?: 1, sent?: no, yes or unrecorded}: the next sends are answered 400 Timed Out.

        Whether the message reached the customer all the same: no; yes, with its row and send.message; or unrecorded:
        it did, and the server knows nothing of it.
        """
        outcome = data.get("sent", "no")
        outcome = {True: "yes", False: "no"}.get(outcome, outcome)
        if outcome not in _OUTCOMES:
            raise ValueError(f"sent is {outcome!r}; use one of {', '.join(_OUTCOMES)}")
        self.core.state.timeouts += [outcome] * int(data.get("times", 1))
        return {"planned": len(self.core.state.timeouts)}

    def license(self, data: dict[str, Any]) -> dict[str, Any]:
        """{required: bool}: answer 503 LICENSE_REQUIRED on every route, as 2.4.0 does until it is activated."""
        self.core.state.license_required = bool(data["required"])
        return {"required": self.core.state.license_required}


def _canonical(key: str, wanted: str) -> str:
    digits = key.lstrip("+")
    if wanted == "with_nine":
        return digits
    if wanted == "without_nine":
        if not (digits.startswith("55") and len(digits) == 13):
            raise ValueError(f"{key} is no Brazilian mobile: it has no ninth digit to leave out")
        return digits[:4] + digits[5:]
    if not wanted.isdigit():
        raise ValueError(f"canonical is {wanted!r}; use with_nine, without_nine or digits")
    return wanted
