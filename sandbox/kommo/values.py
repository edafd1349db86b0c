"""Custom field values: checked as Kommo checks them, and shown in its three shapes (API, webhook, plain)."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.kommo.problems import Issues
from sandbox.kommo.reader import Reader
from sandbox.kommo.state import Field, Option, State, Values

CHOICE_TYPES = {"select", "radiobutton", "multiselect", "category"}
DATE_TYPES = {"date", "date_time", "birthday"}
NUMBER_TYPES = {"numeric", "monetary"}
TEXT_TYPES = {"text", "textarea", "url", "streetaddress", "tracking_data"}
# Kept and shown as sent, unchecked.
OPAQUE_TYPES = {"smart_address", "legal_entity", "file", "chained_list", "linked_entity"}
FIELD_TYPES = CHOICE_TYPES | DATE_TYPES | NUMBER_TYPES | TEXT_TYPES | OPAQUE_TYPES | {"checkbox", "multitext"}


def read_values(state: State, entity_type: str, item: Reader) -> Values:
    """The field values an item sets; an empty list empties the field. Faults are noted on the item.

    A field named in `custom_fields_values` is replaced as a whole, fields not named stay as they are.
    """
    changes: Values = {}
    for entry in item.children("custom_fields_values"):
        field = _find_field(state, entity_type, entry)
        if field is None:
            continue
        if _clears(entry, state.options.clearing):
            changes[field.id] = []
        else:
            changes[field.id] = [read for value in entry.children("values") if (read := _read_value(field, value))]
    return changes


def _find_field(state: State, entity_type: str, entry: Reader) -> Field | None:
    if "field_id" not in entry and "field_code" not in entry:
        entry.need("field_id")
        return None
    key = "field_id" if entry.data.get("field_id") is not None else "field_code"
    wanted = entry.integer("field_id") if key == "field_id" else entry.text("field_code")
    if wanted is None:
        return None
    for field in state.fields[entity_type]:
        if wanted == (field.id if key == "field_id" else field.code):
            return field
    entry.bad_choice(key)
    return None


def _clears(entry: Reader, clearing: str) -> bool:
    if "values" not in entry:
        entry.need("values")
        return True
    values = entry.data["values"]
    if values is None and clearing == "list":
        entry.issues.wrong_type(entry.path + "values", "array")
    if values == [] and clearing == "null":
        entry.issues.add("TooFew", entry.path + "values", "This collection should contain 1 element or more.")
    return values in (None, [])


def _read_value(field: Field, item: Reader) -> dict[str, Any] | None:
    if field.type in OPAQUE_TYPES:
        return dict(item.data)
    if field.type in CHOICE_TYPES:
        return _read_choice(field, item)
    if "value" not in item:
        item.need("value")
        return None
    if field.type == "multitext":
        return _read_multitext(field, item)
    value = _read_scalar(field, item)
    # An empty text is an empty field.
    return None if value in (None, "") else {"value": value}


def _read_scalar(field: Field, item: Reader) -> Any:
    value = item.data["value"]
    if field.type == "checkbox":
        return item.flag("value")
    if field.type in NUMBER_TYPES:
        return _read_number(value, item)
    if field.type in DATE_TYPES:
        return _read_moment(value, item)
    return item.text("value")


def _read_number(value: Any, item: Reader) -> str | None:
    # Numbers come back as text: PHP keeps what was typed.
    try:
        float(value)
    except (TypeError, ValueError):
        item.issues.wrong_type(item.path + "value", "numeric")
        return None
    if isinstance(value, bool):
        item.issues.wrong_type(item.path + "value", "numeric")
        return None
    return str(value)


def _read_moment(value: Any, item: Reader) -> int | None:
    """Unix seconds or RFC 3339 in, Unix seconds out."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        item.issues.wrong_type(item.path + "value", "int|string (RFC 3339)")
        return None
    return int(moment.timestamp())


def _read_choice(field: Field, item: Reader) -> dict[str, Any] | None:
    """An option named by enum_id, enum_code or its exact text. Kommo makes no new options from values."""
    for key, attribute in (("enum_id", "id"), ("enum_code", "code"), ("value", "value")):
        wanted = item.data.get(key)
        if wanted is None:
            continue
        for option in field.options or []:
            if getattr(option, attribute) == wanted:
                return {"value": option.value, "enum_id": option.id, "enum_code": option.code}
        item.bad_choice(key)
        return None
    item.need("value")
    return None


def _read_multitext(field: Field, item: Reader) -> dict[str, Any] | None:
    text = item.text("value")
    option: Option | None = None
    options = field.options or []
    for key, attribute in (("enum_id", "id"), ("enum_code", "value")):
        wanted = item.data.get(key)
        if wanted is not None:
            option = next((o for o in options if getattr(o, attribute) == wanted), None)
            if option is None:
                item.bad_choice(key)
                return None
            break
    else:
        option = options[0] if options else None
    if text is None or option is None:
        return None
    return {"value": text, "enum_id": option.id, "enum_code": option.value}


def api_shape(state: State, entity_type: str, values: Values) -> list[dict[str, Any]] | None:
    """`custom_fields_values` of a read: in the order of the definitions, null when nothing is filled."""
    shown = [
        {
            "field_id": field.id,
            "field_name": field.name,
            "field_code": field.code,
            "field_type": field.type,
            "values": [dict(value) for value in values[field.id]],
            "is_computed": False,
        }
        for field in state.fields[entity_type]
        if values.get(field.id)
    ]
    return shown or None


def webhook_shape(state: State, entity_type: str, values: Values) -> list[dict[str, Any]]:
    """`custom_fields` of a webhook: `enum` for `enum_id`, bare dates, 0/1 checkboxes, radio buttons as one object."""
    zone = ZoneInfo(state.account.timezone)
    shown = []
    for field in state.fields[entity_type]:
        if not values.get(field.id):
            continue
        entries: list[Any] = [_webhook_value(field, value, zone) for value in values[field.id]]
        item: dict[str, Any] = {"id": field.id, "name": field.name}
        item["values"] = entries[0] if field.type == "radiobutton" else entries
        if field.code:
            item["code"] = field.code
        shown.append(item)
    return shown


def _webhook_value(field: Field, value: dict[str, Any], zone: ZoneInfo) -> Any:
    if field.type in ("date", "date_time"):
        return value["value"]
    if field.type == "birthday":
        return {"value": datetime.fromtimestamp(value["value"], zone).strftime("%d.%m.%Y")}
    if "enum_id" in value:
        return {"value": value["value"], "enum": value["enum_id"]}
    return dict(value)


def plain_fields(state: State, entity_type: str, values: Values) -> dict[str, Any]:
    """Field name to value for every defined field: None when empty, a list when there are several values."""
    shown: dict[str, Any] = {}
    for field in state.fields[entity_type]:
        found = [value.get("value", value) for value in values.get(field.id, [])]
        shown[field.name] = found if len(found) > 1 else (found[0] if found else None)
    return shown


def from_plain(state: State, entity_type: str, plain: dict[str, Any]) -> list[dict[str, Any]]:
    """`custom_fields_values` from what a person typed: field id or name to a value, a list of values, or None.

    Raises:
        ValueError: The account has no such field.
    """
    entries = []
    for key, value in plain.items():
        field = next((f for f in state.fields[entity_type] if str(key) in (str(f.id), f.name)), None)
        if field is None:
            names = ", ".join(f"{f.id} ({f.name})" for f in state.fields[entity_type])
            raise ValueError(f"custom field is {key!r}; {entity_type} have {names}")
        given = value if isinstance(value, list) else [] if value is None else [value]
        typed = [item if isinstance(item, dict) else {"value": item} for item in given]
        nothing: list[Any] | None = None if state.options.clearing == "null" else []
        entries.append({"field_id": field.id, "values": typed or nothing})
    return entries


def text_of(values: Values) -> list[str]:
    """Every value as text, for full-text search."""
    return [str(value.get("value", "")) for entries in values.values() for value in entries]


def read_plain(state: State, entity_type: str, plain: dict[str, Any]) -> Values:
    """Plain values (see `from_plain`) checked and stored the way a write stores them.

    Raises:
        ValueError: A field is unknown or a value does not fit it.
    """
    issues = Issues()
    entries = from_plain(state, entity_type, plain)
    found = read_values(state, entity_type, Reader({"custom_fields_values": entries}, issues))
    if issues.found:
        raise ValueError(issues.text())
    return {field_id: value for field_id, value in found.items() if value}
