"""The request bodies Evolution accepts, as schemas for `sandbox.evolution.schema`."""

from sandbox.evolution.schema import Schema

_STRING: Schema = {"type": "string"}
_BOOLEAN: Schema = {"type": "boolean"}
_NUMBER: Schema = {"type": "string", "description": "Invalid format"}
_DELAY: Schema = {"type": "integer", "description": "Enter a value in milliseconds"}
_KEY_FIELDS: dict[str, Schema] = {"id": _STRING, "remoteJid": _STRING, "fromMe": _BOOLEAN}

# Evolution's names for what a webhook can be subscribed to (31 in 2.3.7).
EVENTS = [
    *("APPLICATION_STARTUP", "QRCODE_UPDATED", "MESSAGES_SET", "MESSAGES_UPSERT", "MESSAGES_EDITED"),
    *("MESSAGES_UPDATE", "MESSAGES_DELETE", "SEND_MESSAGE", "SEND_MESSAGE_UPDATE", "CONTACTS_SET"),
    *("CONTACTS_UPSERT", "CONTACTS_UPDATE", "PRESENCE_UPDATE", "CHATS_SET", "CHATS_UPSERT", "CHATS_UPDATE"),
    *("CHATS_DELETE", "GROUPS_UPSERT", "GROUP_UPDATE", "GROUP_PARTICIPANTS_UPDATE", "CONNECTION_UPDATE"),
    *("LABELS_EDIT", "LABELS_ASSOCIATION", "CALL", "TYPEBOT_START", "TYPEBOT_CHANGE_STATUS", "REMOVE_INSTANCE"),
    *("LOGOUT_INSTANCE", "INSTANCE_CREATE", "INSTANCE_DELETE", "STATUS_INSTANCE"),
]


def _key(*required: str) -> Schema:
    not_empty = [name for name in ("id", "remoteJid") if name in required]
    return {"type": "object", "properties": _KEY_FIELDS, "required": list(required), "notEmpty": not_empty}


def _send(properties: dict[str, Schema], *required: str) -> Schema:
    common = {"delay": _DELAY, "quoted": {"properties": {"key": _key("id"), "message": {"type": "object"}}}}
    return {
        "type": "object",
        "properties": {"number": _NUMBER, **properties, **common},
        "required": ["number", *required],
    }


SEND_TEXT = _send({"text": _STRING, "linkPreview": _BOOLEAN}, "text")
SEND_MEDIA = _send(
    {
        "mediatype": {"type": "string", "enum": ["image", "document", "video", "audio"]},
        **dict.fromkeys(("mimetype", "media", "fileName", "caption"), _STRING),
    },
    "mediatype",
)
SEND_LOCATION = _send(
    {"latitude": {"type": "number"}, "longitude": {"type": "number"}, "name": _STRING, "address": _STRING},
    *("latitude", "longitude", "name", "address"),
)
SEND_REACTION: Schema = {
    "type": "object",
    "properties": {"key": _key("id", "remoteJid", "fromMe"), "reaction": _STRING},
    "required": ["key", "reaction"],
}
NUMBERS: Schema = {
    "type": "object",
    "properties": {
        "numbers": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "string", "description": '"numbers" must be an array of numeric strings'},
        }
    },
}
READ_MESSAGES: Schema = {
    "type": "object",
    "properties": {
        "readMessages": {
            "type": "array",
            "minItems": 1,
            "items": {k: v for k, v in _key("id", "fromMe", "remoteJid").items() if k != "type"},
        }
    },
    "required": ["readMessages"],
}
PRESENCE: Schema = {
    "type": "object",
    "properties": {
        "number": _NUMBER,
        "delay": {"type": "number"},
        "presence": {"type": "string", "enum": ["unavailable", "available", "composing", "recording", "paused"]},
    },
    "required": ["number", "presence", "delay"],
}
PROFILE: Schema = {"type": "object", "properties": {"number": _STRING, "picture": _STRING}}
UPDATE_MESSAGE: Schema = {
    "type": "object",
    "properties": {"number": _STRING, "text": _STRING, "key": _key("id", "fromMe", "remoteJid")},
    "notEmpty": ["number", "text", "key"],
}
DELETE_MESSAGE: Schema = {
    "type": "object",
    "properties": {**_KEY_FIELDS, "participant": _STRING},
    "required": ["id", "fromMe", "remoteJid"],
    "notEmpty": ["id", "remoteJid", "participant"],
}
FIND_MESSAGES: Schema = {
    "type": "object",
    "properties": {"where": {"type": "object", "properties": {"key": {"type": "object"}}}},
}
FIND_STATUS: Schema = {
    "type": "object",
    "properties": {"where": {"type": "object", "properties": {"remoteJid": _STRING, "id": _STRING}}},
}
WEBHOOK: Schema = {
    "type": "object",
    "properties": {
        "webhook": {
            "type": "object",
            "properties": {
                "enabled": _BOOLEAN,
                "url": _STRING,
                "headers": {"type": "object"},
                "byEvents": _BOOLEAN,
                "base64": _BOOLEAN,
                "events": {"type": "array", "items": {"type": "string", "enum": EVENTS}},
            },
            "required": ["enabled", "url"],
            "notEmpty": ["enabled", "url"],
        }
    },
    "required": ["webhook"],
}
SETTINGS: Schema = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("rejectCall", "groupsIgnore", "alwaysOnline"), _BOOLEAN),
        **dict.fromkeys(("readMessages", "readStatus", "syncFullHistory"), _BOOLEAN),
        "msgCall": _STRING,
        "wavoipToken": _STRING,
    },
    "required": ["rejectCall", "groupsIgnore", "alwaysOnline", "readMessages", "readStatus", "syncFullHistory"],
}
CREATE_INSTANCE: Schema = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("instanceName", "token", "number", "businessId", "msgCall"), _STRING),
        **dict.fromkeys(("qrcode", "rejectCall", "groupsIgnore", "alwaysOnline"), _BOOLEAN),
        **dict.fromkeys(("readMessages", "readStatus", "syncFullHistory"), _BOOLEAN),
    },
    "notEmpty": ["instanceName"],
}
