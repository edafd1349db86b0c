"""/{entity}/{id}/link, unlink and links."""

from functools import partial
from typing import Any

from sandbox.kommo import links
from sandbox.kommo.call import Call, Handler, check_all, gone
from sandbox.kommo.lists import Filters
from sandbox.kommo.reader import Reader
from sandbox.kommo.state import ENTITY_TYPES, Card, Lead


def add_links(entity_type: str, call: Call) -> dict[str, Any]:
    entity = _entity(entity_type, call)
    pairs = check_all(call.items(), lambda item: _read_link(call, entity_type, item))
    rows = []
    for _, (other, metadata) in pairs:
        links.link(call.core, call.actor, entity, other, is_main=bool(metadata.get("is_main")))
        rows.append(
            {
                "entity_id": entity.id,
                "entity_type": entity_type,
                "to_entity_id": other.id,
                "to_entity_type": links.kind_of(other),
                "metadata": _written_metadata(entity, other),
            }
        )
    return _answer(call, entity_type, entity.id, rows)


def remove_links(entity_type: str, call: Call) -> None:
    entity = _entity(entity_type, call)
    for _, (other, _) in check_all(call.items(), lambda item: _read_link(call, entity_type, item)):
        links.unlink(call.core, call.actor, entity, other)


def list_links(entity_type: str, call: Call) -> dict[str, Any] | None:
    entity = _entity(entity_type, call)
    filters = Filters(call)
    rows = [
        row
        for row in links.links_of(call.core, entity)
        if filters.allows("to_entity_type", row["to_entity_type"]) and filters.allows("to_entity_id", row["to_entity_id"])
    ]
    return _answer(call, entity_type, entity.id, rows) if rows else None


def _entity(entity_type: str, call: Call) -> Lead | Card:
    entity = call.core.state.entity(entity_type, call.number())
    if entity is None:
        raise gone(call.core)
    return entity


def _read_link(call: Call, entity_type: str, item: Reader) -> tuple[Lead | Card, dict[str, Any]]:
    """The other entity and the metadata; a stand-in is returned for a faulty item, whose call is refused anyway."""
    item.need("to_entity_id", "to_entity_type")
    other_type, other_id = item.text("to_entity_type"), item.integer("to_entity_id")
    if other_type is not None and (other_type not in ENTITY_TYPES or other_type == entity_type):
        item.bad_choice("to_entity_type")
        other_type = None
    other = call.core.state.entity(other_type, other_id) if other_type and other_id else None
    if other is None and other_type and other_id:
        item.bad_choice("to_entity_id")
    return other or _entity(entity_type, call), item.child("metadata").data


def _written_metadata(entity: Lead | Card, other: Lead | Card) -> dict[str, Any] | None:
    if isinstance(entity, Lead) and isinstance(other, Card) and other.kind == "contacts":
        return {"main_contact": entity.main_contact_id == other.id}
    return None


def _answer(call: Call, entity_type: str, entity_id: int, rows: list[dict[str, Any]]) -> dict[str, Any]:
    own = call.link(entity_type, entity_id, "links")
    return {"_total_items": len(rows), "_links": own, "_embedded": {"links": rows}}


ROUTES: dict[str, dict[str, Handler]] = {}
for _type in ENTITY_TYPES:
    ROUTES[f"/{_type}/{{id:int}}/link"] = {"POST": partial(add_links, _type)}
    ROUTES[f"/{_type}/{{id:int}}/unlink"] = {"POST": partial(remove_links, _type)}
    ROUTES[f"/{_type}/{{id:int}}/links"] = {"GET": partial(list_links, _type)}
