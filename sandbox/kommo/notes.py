"""Notes on leads, contacts and companies."""

from dataclasses import dataclass
from typing import Any

from sandbox.kommo import bodies
from sandbox.kommo.core import Core
from sandbox.kommo.reader import Reader
from sandbox.kommo.state import Note

_SINGULAR = {"leads": "lead", "contacts": "contact", "companies": "company"}

# The params each type must have.
NOTE_TYPES: dict[str, tuple[str, ...]] = {
    "common": ("text",),
    "call_in": (),
    "call_out": (),
    "service_message": ("service", "text"),
    "extended_service_message": ("service", "text"),
    "geolocation": ("text", "address", "longitude", "latitude"),
    "sms_in": ("text", "phone"),
    "sms_out": ("text", "phone"),
    "attachment": ("file_uuid",),
}


@dataclass
class NoteChange:
    """A checked write."""

    entity_id: int
    note_type: str
    params: dict[str, Any]


def read_change(core: Core, entity_type: str, item: Reader, entity_id: int | None, note: Note | None) -> NoteChange:
    """Check one item of a POST (`note` is None) or PATCH; `entity_id` is the one in the path, if there is one."""
    wanted = NoteChange(
        entity_id=entity_id or item.integer("entity_id") or (note.entity_id if note else 0),
        note_type=item.text("note_type") or (note.note_type if note else "common"),
        params=item.child("params").data or (note.params if note else {}),
    )
    if wanted.entity_id == 0:
        item.need("entity_id")
    elif note is None and core.state.entity(entity_type, wanted.entity_id) is None:
        item.bad_choice("entity_id")
    if wanted.note_type not in NOTE_TYPES:
        item.bad_choice("note_type")
    else:
        Reader(wanted.params, item.issues, f"{item.path}params.").need(*NOTE_TYPES[wanted.note_type])
    return wanted


def create(core: Core, actor: int, entity_type: str, wanted: NoteChange) -> Note:
    entity = core.state.entity(entity_type, wanted.entity_id)
    assert entity is not None
    now = core.now()
    note = Note(
        id=core.next_id("note"),
        entity_type=entity_type,
        entity_id=wanted.entity_id,
        note_type=wanted.note_type,
        params=dict(wanted.params),
        responsible_user_id=entity.responsible_user_id,
        created_by=actor,
        updated_by=actor,
        created_at=now,
        updated_at=now,
    )
    core.state.notes[note.id] = note
    core.journal(f"{note.note_type}_note_added", entity_type, note.entity_id, actor, None, {"note": {"id": note.id}})
    author = core.user(actor)
    item = bodies.note_item(core.state, note, author.name if author else "")
    entity_key = "leads" if entity_type == "leads" else "contacts"
    core.announce(f"note_{_SINGULAR[entity_type]}", entity_key, "note", item)
    return note


def change(core: Core, actor: int, note: Note, wanted: NoteChange) -> None:
    """Rewrite a note. No webhook is documented for that."""
    note.note_type, note.params = wanted.note_type, dict(wanted.params)
    note.updated_by, note.updated_at = actor, core.now()


def show(core: Core, base: str, note: Note) -> dict[str, Any]:
    """A note as the API reads it; links start with `base`."""
    return {
        "id": note.id,
        "entity_id": note.entity_id,
        "created_by": note.created_by,
        "updated_by": note.updated_by,
        "created_at": note.created_at,
        "updated_at": note.updated_at,
        "responsible_user_id": note.responsible_user_id,
        "group_id": 0,
        "note_type": note.note_type,
        "params": note.params,
        "account_id": core.state.account.id,
        "_links": note_link(base, note),
    }


def note_link(base: str, note: Note) -> dict[str, Any]:
    return {"self": {"href": f"{base}/{note.entity_type}/{note.entity_id}/notes/{note.id}"}}
