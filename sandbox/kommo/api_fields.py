"""/{entity}/custom_fields: definitions of custom fields. Writing them is for administrators."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from sandbox.kommo.call import Call, Handler, check_all, gone
from sandbox.kommo.core import Core
from sandbox.kommo.lists import Filters, ordered, page
from sandbox.kommo.problems import JsonResponse, refuse
from sandbox.kommo.reader import Reader
from sandbox.kommo.state import ENTITY_TYPES, Field, Option
from sandbox.kommo.values import CHOICE_TYPES, FIELD_TYPES

# Stored and shown again, without an effect here.
_ECHOED = (
    "required_statuses",
    "hidden_statuses",
    "chained_lists",
    "tracking_callback",
    "search_in",
    "remind",
    "currency",
)
_CATALOG_ONLY = {"category", "linked_entity"}


@dataclass
class FieldChange:
    """A checked write. None leaves a thing as it is."""

    name: str | None
    type: str | None
    code: str | None
    sort: int | None
    is_api_only: bool | None
    group_id: str | None
    options: list[Option] | None
    more: dict[str, Any]


def list_fields(entity_type: str, call: Call) -> dict[str, Any] | None:
    filters = Filters(call)
    rows = [field for field in call.core.state.fields[entity_type] if filters.allows("type", field.type)]
    rows = ordered(call, rows, {"id": lambda field: field.id, "sort": lambda field: field.sort})
    return page(call, "custom_fields", rows, partial(_show, call, entity_type), counted=True)


def read_field(entity_type: str, call: Call) -> dict[str, Any]:
    field = call.core.state.field(entity_type, call.number())
    if field is None:
        raise refuse(404)
    return _show(call, entity_type, field)


def add_fields(entity_type: str, call: Call) -> JsonResponse:
    call.need_admin()
    changes = check_all(call.items(), lambda item: _read(call.core, entity_type, item, None))
    made = []
    for request_id, change in changes:
        field = Field(id=call.core.next_id("field"), name=change.name or "", type=change.type or "")
        _apply(field, change)
        call.core.state.fields[entity_type].append(field)
        made.append({**_show(call, entity_type, field), "request_id": request_id})
    return JsonResponse({"_total_items": len(made), "_embedded": {"custom_fields": made}}, 201)


def change_fields(entity_type: str, call: Call) -> dict[str, Any]:
    call.need_admin()
    items = call.items()
    found = [_existing(entity_type, call, item.get("id")) for item in items]
    targets = iter(found)
    changes = check_all(items, lambda item: _read(call.core, entity_type, item, next(targets)))
    for field, (_, change) in zip(found, changes, strict=True):
        _apply(field, change)
    shown = [_show(call, entity_type, field) for field in found]
    return {"_total_items": len(shown), "_embedded": {"custom_fields": shown}}


def change_field(entity_type: str, call: Call) -> dict[str, Any]:
    call.need_admin()
    field = _existing(entity_type, call, call.number())
    [(_, change)] = check_all([call.obj()], lambda item: _read(call.core, entity_type, item, field))
    _apply(field, change)
    return _show(call, entity_type, field)


def _existing(entity_type: str, call: Call, field_id: Any) -> Field:
    field = call.core.state.field(entity_type, field_id) if isinstance(field_id, int) else None
    if field is None:
        raise gone(call.core)
    return field


def _read(core: Core, entity_type: str, item: Reader, field: Field | None) -> FieldChange:
    if field is None:
        item.need("name", "type")
    kind = item.text("type") or (field.type if field else None)
    if kind is not None and (
        kind not in FIELD_TYPES
        or kind in _CATALOG_ONLY
        or (kind == "multitext" and entity_type == "leads")
        or (field is not None and kind != field.type)
    ):
        item.bad_choice("type")
    code = item.text("code")
    # Whether codes must be unique is not documented; the careful assumption is that they must.
    if code and any(f.code == code and f is not field for f in core.state.fields[entity_type]):
        item.issues.add("NotUnique", item.path + "code", "This value is already used.")
    return FieldChange(
        name=item.text("name"),
        type=kind,
        code=code,
        sort=item.integer("sort"),
        is_api_only=item.flag("is_api_only"),
        group_id=item.text("group_id"),
        options=_read_options(core, item, field) if kind in CHOICE_TYPES | {"multitext"} else None,
        more={key: item.data[key] for key in _ECHOED if key in item},
    )


def _read_options(core: Core, item: Reader, field: Field | None) -> list[Option] | None:
    """The options left after the write. One sent without its id is made anew, one not sent is gone."""
    if item.data.get("enums") is None:
        return None
    known = {option.id for option in (field.options or [])} if field else set()
    options = []
    for index, entry in enumerate(item.children("enums")):
        entry.need("value")
        option_id = entry.integer("id")
        if option_id is not None and option_id not in known:
            entry.bad_choice("id")
        value, sort = entry.text("value") or "", entry.integer("sort") or index + 1
        options.append(Option(option_id or core.next_id("option"), value, sort, entry.text("code")))
    return options


def _apply(field: Field, change: FieldChange) -> None:
    for name in ("name", "code", "sort", "is_api_only", "group_id", "options"):
        value = getattr(change, name)
        if value is not None:
            setattr(field, name, value)
    field.more.update(change.more)


def _show(call: Call, entity_type: str, field: Field) -> dict[str, Any]:
    return {
        **describe(call.core, entity_type, field),
        "_links": call.link(entity_type, "custom_fields", field.id),
    }


def describe(core: Core, entity_type: str, field: Field) -> dict[str, Any]:
    """A definition as the API reads it, without links."""
    return {
        "id": field.id,
        "name": field.name,
        "type": field.type,
        "account_id": core.state.account.id,
        "code": field.code,
        "sort": field.sort,
        "is_api_only": field.is_api_only,
        "enums": None if field.options is None else [_show_option(option) for option in field.options],
        "group_id": field.group_id,
        "required_statuses": field.more.get("required_statuses", []),
        "is_deletable": not field.is_predefined,
        "is_predefined": field.is_predefined,
        "entity_type": entity_type,
        "tracking_callback": field.more.get("tracking_callback"),
        "remind": field.more.get("remind"),
        "triggers": [],
        "currency": field.more.get("currency"),
        "hidden_statuses": field.more.get("hidden_statuses", []),
        "chained_lists": field.more.get("chained_lists"),
        "search_in": field.more.get("search_in"),
        "settings": None,
    }


def _show_option(option: Option) -> dict[str, Any]:
    code = {"code": option.code} if option.code else {}
    return {"id": option.id, "value": option.value, "sort": option.sort, **code}


ROUTES: dict[str, dict[str, Handler]] = {}
for _type in ENTITY_TYPES:
    ROUTES[f"/{_type}/custom_fields"] = {
        "GET": partial(list_fields, _type),
        "POST": partial(add_fields, _type),
        "PATCH": partial(change_fields, _type),
    }
    ROUTES[f"/{_type}/custom_fields/{{id:int}}"] = {
        "GET": partial(read_field, _type),
        "PATCH": partial(change_field, _type),
    }
