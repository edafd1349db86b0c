"""/{entity}/notes and /{entity}/{id}/notes: list, read, create, change."""

from functools import partial
from typing import Any

from sandbox.kommo import notes
from sandbox.kommo.call import Call, Handler, check_all, gone
from sandbox.kommo.lists import Filters, embedded, ordered, page
from sandbox.kommo.state import ENTITY_TYPES, Note


def list_notes(entity_type: str, call: Call) -> dict[str, Any] | None:
    filters = Filters(call)
    owner = call.path.get("entity_id")
    rows = [
        note
        for note in call.core.state.notes.values()
        if note.entity_type == entity_type
        and owner in (None, note.entity_id)
        and all(filters.allows(key, getattr(note, key)) for key in ("id", "entity_id", "note_type"))
        and filters.spans("updated_at", note.updated_at)
    ]
    rows = ordered(call, rows, {"id": lambda note: note.id, "updated_at": lambda note: note.updated_at})
    return page(call, "notes", rows, lambda note: notes.show(call.core, call.base, note))


def read_note(entity_type: str, call: Call) -> dict[str, Any] | None:
    note = _find(entity_type, call, call.number())
    return notes.show(call.core, call.base, note) if note else None


def add_notes(entity_type: str, call: Call) -> dict[str, Any]:
    owner = call.path.get("entity_id")
    changes = check_all(call.items(), lambda item: notes.read_change(call.core, entity_type, item, owner, None))
    rows = []
    for request_id, change in changes:
        note = notes.create(call.core, call.actor, entity_type, change)
        links = notes.note_link(call.base, note)
        rows.append({"id": note.id, "entity_id": note.entity_id, "request_id": request_id, "_links": links})
    return embedded(call, "notes", rows, entity_type, "notes")


def change_notes(entity_type: str, call: Call) -> dict[str, Any]:
    items = call.items()
    found = [_existing(entity_type, call, item.get("id")) for item in items]
    targets = iter(found)
    changes = check_all(items, lambda item: notes.read_change(call.core, entity_type, item, None, next(targets)))
    for note, (_, change) in zip(found, changes, strict=True):
        notes.change(call.core, call.actor, note, change)
    return embedded(call, "notes", [_changed(call, note) for note in found], entity_type, "notes")


def change_note(entity_type: str, call: Call) -> dict[str, Any]:
    note = _existing(entity_type, call, call.number())
    [(_, change)] = check_all([call.obj()], lambda item: notes.read_change(call.core, entity_type, item, None, note))
    notes.change(call.core, call.actor, note, change)
    row = _changed(call, note)
    wrapped = call.core.state.options.single_patch == "wrapped"
    return embedded(call, "notes", [row], entity_type, "notes") if wrapped else row


def _find(entity_type: str, call: Call, note_id: Any) -> Note | None:
    note = call.core.state.notes.get(note_id) if isinstance(note_id, int) else None
    owner = call.path.get("entity_id")
    return note if note and note.entity_type == entity_type and owner in (None, note.entity_id) else None


def _existing(entity_type: str, call: Call, note_id: Any) -> Note:
    note = _find(entity_type, call, note_id)
    if note is None:
        raise gone(call.core)
    return note


def _changed(call: Call, note: Note) -> dict[str, Any]:
    links = notes.note_link(call.base, note)
    return {"id": note.id, "entity_id": note.entity_id, "updated_at": note.updated_at, "_links": links}


ROUTES: dict[str, dict[str, Handler]] = {}
for _type in ENTITY_TYPES:
    _list: dict[str, Handler] = {"GET": partial(list_notes, _type), "POST": partial(add_notes, _type)}
    _one: dict[str, Handler] = {"GET": partial(read_note, _type), "PATCH": partial(change_note, _type)}
    ROUTES[f"/{_type}/notes"] = {**_list, "PATCH": partial(change_notes, _type)}
    ROUTES[f"/{_type}/{{entity_id:int}}/notes"] = _list
    ROUTES[f"/{_type}/notes/{{id:int}}"] = _one
    ROUTES[f"/{_type}/{{entity_id:int}}/notes/{{id:int}}"] = _one
