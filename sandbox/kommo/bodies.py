"""The items of webhook bodies, key by key in the order Kommo writes them.

The order is that of the documented examples and captures; a key whose value is None or empty is not sent at all.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.kommo import values
from sandbox.kommo.state import ENTITY_TYPES, Card, Lead, Note, State, Task

# Note dates in the documentation are three hours ahead of UTC, task dates are UTC.
_NOTE_OFFSET = timedelta(hours=3)

_NOTE_TYPES = {"common": 4, "attachment": 5, "call_in": 10, "call_out": 11, "service_message": 25}


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def lead_item(
    state: State,
    lead: Lead,
    action: str,
    *,
    old_status_id: int | None = None,
    old_pipeline_id: int | None = None,
    old_responsible_user_id: int | None = None,
) -> dict[str, Any]:
    """A lead in `leads[action]`. A nameless lead has an empty `name`, except in updates, where the key is missing."""
    return {
        "id": lead.id,
        "name": None if action == "update" and not lead.name else lead.name,
        "status_id": lead.status_id,
        "old_status_id": old_status_id,
        "price": lead.price,
        "responsible_user_id": lead.responsible_user_id,
        "last_modified": lead.updated_at,
        "modified_user_id": lead.updated_by,
        "created_user_id": lead.created_by,
        "date_create": lead.created_at,
        "pipeline_id": lead.pipeline_id,
        "old_pipeline_id": old_pipeline_id,
        "tags": [{"id": tag.id, "name": tag.name} for tag in lead.tags],
        "account_id": state.account.id,
        "custom_fields": values.webhook_shape(state, "leads", lead.values),
        "old_responsible_user_id": old_responsible_user_id,
        "created_at": lead.created_at,
        "updated_at": lead.updated_at,
    }


def lead_gone(lead: Lead) -> dict[str, Any]:
    return {"id": lead.id, "status_id": lead.status_id, "pipeline_id": lead.pipeline_id}


def card_item(state: State, card: Card, *, old_responsible_user_id: int | None = None) -> dict[str, Any]:
    """A contact or company in `contacts[…]`, told apart by `type`."""
    return {
        "id": card.id,
        "name": card.name,
        "responsible_user_id": card.responsible_user_id,
        "date_create": card.created_at,
        "last_modified": card.updated_at,
        "created_user_id": card.created_by,
        "modified_user_id": card.updated_by,
        "account_id": state.account.id,
        "tags": [{"id": tag.id, "name": tag.name} for tag in card.tags],
        "custom_fields": values.webhook_shape(state, card.kind, card.values),
        "linked_leads_id": {lead.id: {"ID": lead.id} for lead in state.leads_of(card)},
        "old_responsible_user_id": old_responsible_user_id,
        "created_at": card.created_at,
        "updated_at": card.updated_at,
        "type": card_type(card.kind),
    }


def card_type(kind: str) -> str:
    return "contact" if kind == "contacts" else "company"


def task_item(
    state: State,
    task: Task,
    *,
    action_close: bool | None = None,
    old_text: str | None = None,
    with_result: bool = False,
    old_responsible_user_id: int | None = None,
    modified_by: int | None = None,
) -> dict[str, Any]:
    """A task in `task[add]` or, with `action_close`, in `task[update]`. There is no duration and no old deadline."""
    reassigned = old_responsible_user_id is not None
    return {
        "id": task.id,
        "element_id": task.entity_id,
        "element_type": ENTITY_TYPES[task.entity_type] if task.entity_type else None,
        "task_type": task.task_type_id,
        "date_create": _utc(task.created_at),
        "text": task.text,
        "status": task.is_completed,
        "account_id": state.account.id,
        "created_user_id": task.created_by,
        "last_modified": _utc(task.updated_at),
        "responsible_user_id": task.responsible_user_id,
        "complete_till": _utc(task.complete_till),
        "action_close": action_close,
        "result": {"id": task.result_id, "text": task.result} if with_result else None,
        "old_text": old_text,
        "main_user": task.responsible_user_id if reassigned else None,
        "modified_by": modified_by if reassigned else None,
        "old_responsible_user_id": old_responsible_user_id,
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "complete_before": task.complete_till,
    }


def note_item(state: State, note: Note, author: str) -> dict[str, Any]:
    """A note in `leads[note][n]` or `contacts[note][n]`: one level deeper than everything else."""
    source = {"event_source": {"id": note.created_by, "author_name": author, "type": 1}}
    item: dict[str, Any] = {
        "note": {
            "text": note.params.get("text", ""),
            "attachement": note.params.get("file_name", ""),
            "date_create": _utc(note.created_at + int(_NOTE_OFFSET.total_seconds())),
            "note_type": _NOTE_TYPES.get(note.note_type, 4),
            "element_type": ENTITY_TYPES[note.entity_type],
            "element_id": note.entity_id,
            "catalog_id": 0,
            "group_id": 0,
            "timestamp_x": _utc(note.updated_at + int(_NOTE_OFFSET.total_seconds())),
            "account_id": state.account.id,
            "metadata": json.dumps(source, separators=(",", ":")),
            "created_by": note.created_by,
            "modified_by": note.updated_by,
            "main_user_id": note.responsible_user_id,
            "id": note.id,
            "created_at": note.created_at,
            "updated_at": note.updated_at,
        }
    }
    if note.entity_type != "leads":
        item["type"] = card_type(note.entity_type)
    return item
