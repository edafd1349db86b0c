"""The line to WhatsApp: opening, dropping, logging out, and the events each of these brings."""

import json
from typing import Any

from sandbox.evolution.core import PICTURE, Core, iso
from sandbox.evolution.messages import deliver_offline
from sandbox.evolution.numbers import PHONE_SUFFIX
from sandbox.evolution.state import Instance
from sandbox.evolution.wire import bad_request

# After these WhatsApp wants a new QR code; after any other reason the server reconnects by itself.
FINAL_REASONS = {401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 406: "Not Acceptable"}
# One pixel: a QR picture's format without a QR code in it.
_PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="


def connecting(core: Core, inst: Instance) -> None:
    """The socket is being opened; nothing gets through yet. Reads the webhook's base64 flag, as the server does."""
    inst.state, inst.socket_up = "connecting", False
    inst.base64_active = bool(inst.webhook and inst.webhook["webhookBase64"])
    core.emit(inst, "connection.update", {"instance": inst.name, "state": "connecting", "statusReason": 200})


def opened(core: Core, inst: Instance) -> None:
    """The socket stands. What was sent to us meanwhile arrives now."""
    inst.state, inst.socket_up, inst.qr_count = "open", True, 0
    inst.own_jid = inst.own_jid or core.config.own_number + PHONE_SUFFIX
    inst.disconnection = None
    inst.updated_at = core.now()
    update = {
        "instance": inst.name,
        "wuid": inst.own_jid,
        "profileName": inst.profile_name,
        "profilePictureUrl": PICTURE,
        "state": "open",
        "statusReason": 200,
    }
    core.emit(inst, "connection.update", update)
    deliver_offline(core, inst)


def closed(core: Core, inst: Instance, reason: int) -> None:
    """Logged out for good: three events, and a new QR code is needed."""
    inst.state, inst.socket_up, inst.updated_at = "close", False, core.now()
    at = iso(core.now())
    payload = {"statusCode": reason, "error": FINAL_REASONS[reason], "message": "Stream Errored"}
    error: dict[str, Any] = {"data": None, "isBoom": True, "isServer": False}
    error |= {"output": {"statusCode": reason, "payload": payload, "headers": {}}}
    detail = json.dumps({"error": error, "date": at}, separators=(",", ":"))
    inst.disconnection = {"code": reason, "object": detail, "at": at}
    core.emit(inst, "logout.instance", None)
    status = {
        "instance": inst.name,
        "status": "closed",
        "disconnectionAt": at,
        "disconnectionReasonCode": reason,
        "disconnectionObject": detail,
    }
    core.emit(inst, "status.instance", status)
    core.emit(inst, "connection.update", {"instance": inst.name, "state": "close", "statusReason": reason})


def show_qr(core: Core, inst: Instance) -> None:
    """A new QR code to scan."""
    inst.qr_count += 1
    code = qr_code(inst)
    qrcode = {"instance": inst.name, "pairingCode": None, "code": code["code"], "base64": code["base64"]}
    core.emit(inst, "qrcode.updated", {"qrcode": qrcode})


def qr_code(inst: Instance) -> dict[str, Any]:
    if not inst.qr_count:
        return {"count": 0}
    code = f"2@SANDBOX{inst.qr_count:04d},{inst.id},"
    return {"pairingCode": None, "code": code, "base64": _PNG, "count": inst.qr_count}


def state_of(inst: Instance) -> dict[str, Any]:
    return {"instance": {"instanceName": inst.name, "state": inst.state}}


def connect(core: Core, inst: Instance) -> Any:
    """GET /instance/connect: the state when open, else a QR code."""
    if inst.state == "open":
        return state_of(inst)
    if inst.state == "close":
        connecting(core, inst)
        show_qr(core, inst)
    return qr_code(inst)


def restart(core: Core, inst: Instance) -> Any:
    """POST /instance/restart. Revives a socket that is dead behind an open state; a failure is a 200 too."""
    if inst.state == "close":
        return {"error": True, "message": "[object Object]"}
    if inst.state == "open":
        connecting(core, inst)
        opened(core, inst)
    return connect(core, inst)


def logout(core: Core, inst: Instance) -> Any:
    if inst.state == "close":
        raise bad_request(f'The "{inst.name}" instance is not connected')
    closed(core, inst, 401)
    return {"status": "SUCCESS", "error": False, "response": {"message": "Instance logged out"}}
