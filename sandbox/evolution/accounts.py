"""The /instance, /webhook and /settings routes, and what an instance is made of."""

from typing import Any

from starlette.routing import BaseRoute

from sandbox.evolution import bodies, connection
from sandbox.evolution.bodies import EVENTS
from sandbox.evolution.core import PICTURE, Core, iso
from sandbox.evolution.routing import Call, vendor_route
from sandbox.evolution.state import Instance
from sandbox.evolution.wire import ApiError, bad_request, crashed, not_found

SETTINGS: dict[str, Any] = {
    "rejectCall": False,
    "msgCall": "",
    "groupsIgnore": False,
    "alwaysOnline": False,
    "readMessages": False,
    "readStatus": False,
    "syncFullHistory": False,
    "wavoipToken": "",
}


def routes(core: Core) -> list[BaseRoute]:
    def named(method: str, path: str, handler: Any, schema: Any = None, status: int = 200) -> BaseRoute:
        return vendor_route(core, method, path, handler, schema=schema, status=status)

    return [
        named("GET", "/", welcome),
        named("POST", "/instance/create", create, bodies.CREATE_INSTANCE, 201),
        named("GET", "/instance/fetchInstances", fetch_instances),
        named("GET", "/instance/connectionState/{name}", lambda call: connection.state_of(call.inst)),
        named("GET", "/instance/connect/{name}", lambda call: connection.connect(call.core, call.inst)),
        named("POST", "/instance/restart/{name}", lambda call: connection.restart(call.core, call.inst)),
        named("DELETE", "/instance/logout/{name}", lambda call: connection.logout(call.core, call.inst)),
        named("DELETE", "/instance/delete/{name}", delete),
        named("POST", "/webhook/set/{name}", set_webhook, bodies.WEBHOOK, 201),
        named("GET", "/webhook/find/{name}", lambda call: call.inst.webhook),
        named("POST", "/settings/set/{name}", set_settings, bodies.SETTINGS, 201),
        named("GET", "/settings/find/{name}", lambda call: call.inst.settings),
    ]


def welcome(call: Call) -> Any:
    return {
        "status": 200,
        "message": "Welcome to the Evolution API, it is working!",
        "version": call.core.config.version,
        "clientName": "evolution_exchange",
        "manager": f"{call.core.server_url}/manager",
        "documentation": "https://doc.evolution-api.com",
        "whatsappWebVersion": "2.3000.1030000000",
    }


def new_instance(core: Core, name: str, token: str | None = None) -> Instance:
    """An instance as it is before its first connection."""
    return Instance(
        name=name,
        id=core.ids.uuid(),
        token=token or core.ids.uuid().upper(),
        own_jid=None,
        profile_name=core.config.profile_name,
        created_at=core.now(),
        updated_at=core.now(),
        setting_id=core.ids.row(),
        settings=dict(SETTINGS),
    )


def create(call: Call) -> Any:
    body, core = call.body, call.core
    if body.get("integration") != "WHATSAPP-BAILEYS":
        # The sandbox imitates one channel; the vendor says the same of a channel it does not know.
        raise bad_request("Invalid integration")
    inst = new_instance(core, str(body.get("instanceName") or core.ids.uuid()), body.get("token"))
    inst.number = body.get("number")
    inst.settings |= {name: body[name] for name in SETTINGS if name in body}
    hook = body.get("webhook")
    if hook:
        try:
            store_webhook(core, inst, {**hook, "enabled": True})
        except ApiError as error:
            raise bad_request(error.message) from None
    core.state.instances[inst.name] = inst
    core.emit(inst, "instance.create", {"instanceName": inst.name, "instanceId": inst.id})
    if body.get("qrcode"):
        connection.connect(core, inst)
    shown = {"webhookUrl": "url", "webhookHeaders": "headers", "webhookByEvents": "byEvents", "webhookBase64": "base64"}
    answer: dict[str, Any] = {
        "instance": {
            "instanceName": inst.name,
            "instanceId": inst.id,
            "integration": "WHATSAPP-BAILEYS",
            "webhookWaBusiness": None,
            "accessTokenWaBusiness": "",
            "status": inst.state,
        },
        "hash": inst.token,
        "webhook": {ours: hook[theirs] for ours, theirs in shown.items() if hook and theirs in hook},
        **{name: {} for name in ("websocket", "rabbitmq", "nats", "sqs")},
        "settings": inst.settings,
    }
    return answer | ({"qrcode": connection.qr_code(inst)} if body.get("qrcode") else {})


def delete(call: Call) -> Any:
    inst = call.inst
    if inst.state != "close":
        connection.logout(call.core, inst)
    call.core.emit(inst, "instance.delete", {"instanceName": inst.name, "instanceId": inst.id})
    del call.core.state.instances[inst.name]
    return {"status": "SUCCESS", "error": False, "response": {"message": "Instance deleted"}}


def fetch_instances(call: Call) -> Any:
    """All instances for the global key, its own for a token. Tokens are shown."""
    core, query = call.core, call.query
    found = list(core.state.instances.values())
    if call.key != core.config.api_key:
        found = [inst for inst in found if inst.token == call.key]
    if query.get("instanceId"):
        found = [inst for inst in found if inst.id == query["instanceId"]]
        if not found:
            raise not_found(f'Instance "{query["instanceId"]}" not found')
    if query.get("instanceName"):
        found = [inst for inst in found if inst.name == query["instanceName"]]
    return [_describe(inst) for inst in found]


def _describe(inst: Instance) -> dict[str, Any]:
    gone = inst.disconnection or {}
    setting = {
        "id": inst.setting_id,
        **inst.settings,
        "createdAt": iso(inst.created_at),
        "updatedAt": iso(inst.created_at),
        "instanceId": inst.id,
    }
    return {
        "id": inst.id,
        "name": inst.name,
        "connectionStatus": inst.state,
        "ownerJid": inst.own_jid,
        "profileName": inst.profile_name if inst.own_jid else None,
        "profilePicUrl": PICTURE if inst.own_jid else None,
        "integration": "WHATSAPP-BAILEYS",
        "number": inst.number,
        "businessId": None,
        "token": inst.token,
        "clientName": "evolution_exchange",
        "disconnectionReasonCode": gone.get("code"),
        "disconnectionObject": gone.get("object"),
        "disconnectionAt": gone.get("at"),
        "createdAt": iso(inst.created_at),
        "updatedAt": iso(inst.updated_at),
        **dict.fromkeys(("Chatwoot", "Proxy", "Rabbitmq", "Nats", "Sqs", "Websocket")),
        "Setting": setting,
        "_count": {"Message": len(inst.rows), "Contact": len(inst.contacts), "Chat": 0},
    }


# --- webhook and settings --------------------------------------------------------------------------------------------


def set_webhook(call: Call) -> Any:
    store_webhook(call.core, call.inst, call.body["webhook"])
    return call.inst.webhook


def store_webhook(core: Core, inst: Instance, wanted: dict[str, Any]) -> None:
    """Take over a webhook. The base64 flag is stored now and takes effect when the socket is next opened.

    Raises:
        ApiError: 500 when it is enabled and `events` is missing: the vendor's own slip.
    """
    events = wanted.get("events") if wanted["enabled"] else []
    if events is None:
        raise crashed("Cannot read properties of undefined (reading 'length')")
    old = inst.webhook or {"id": core.ids.row(), "createdAt": iso(core.now())}
    inst.webhook = {
        "id": old["id"],
        "url": wanted["url"],
        "headers": wanted.get("headers", old.get("headers")),
        "enabled": wanted["enabled"],
        "events": list(EVENTS) if wanted["enabled"] and not events else events,
        "webhookByEvents": wanted.get("byEvents", old.get("webhookByEvents", False)),
        "webhookBase64": wanted.get("base64", old.get("webhookBase64", False)),
        "createdAt": old["createdAt"],
        "updatedAt": iso(core.now()),
        "instanceId": inst.id,
    }


def set_settings(call: Call) -> Any:
    inst, body = call.inst, call.body
    inst.settings |= {name: body[name] for name in SETTINGS if name in body}
    return {"settings": {"instanceName": inst.name, "settings": body}}
