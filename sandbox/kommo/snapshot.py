"""The account as plain JSON, for tests and the inspector."""

from dataclasses import asdict
from typing import Any

from sandbox.kommo.api_fields import describe
from sandbox.kommo.core import Core
from sandbox.kommo.state import Card, Lead, Note, Task
from sandbox.kommo.values import plain_fields


def take(core: Core) -> dict[str, Any]:
    """Everything a test may ask about. Times are Unix seconds; what is in the bin is under `deleted`."""
    state = core.state
    cards = {kind: [show_card(core, card) for card in found.values()] for kind, found in state.cards.items()}
    all_leads = [show_lead(core, lead) for lead in state.leads.values()]
    return {
        "account": {**asdict(state.account), "paid": state.options.paid},
        "users": [asdict(user) for user in state.users.values()],
        "pipelines": [asdict(pipeline) for pipeline in state.pipelines.values()],
        "task_types": [asdict(kind) for kind in state.task_types],
        "custom_fields": {kind: [describe(core, kind, field) for field in found] for kind, found in state.fields.items()},
        "leads": [lead for lead in all_leads if not lead["is_deleted"]],
        "contacts": [card for card in cards["contacts"] if not card["is_deleted"]],
        "companies": [card for card in cards["companies"] if not card["is_deleted"]],
        "tasks": [show_task(task) for task in state.tasks.values()],
        "notes": [show_note(note) for note in state.notes.values()],
        "deleted": {
            "leads": [lead["id"] for lead in all_leads if lead["is_deleted"]],
            "contacts": [card["id"] for card in cards["contacts"] if card["is_deleted"]],
            "tasks": list(state.deleted_tasks),
        },
        "webhooks": [
            {
                "id": hook.id,
                "destination": hook.destination,
                "settings": hook.settings,
                "disabled": hook.disabled,
                "bad_answers": sum(1 for _, valid in hook.answers if not valid),
            }
            for hook in state.hooks.values()
        ],
        "events": [asdict(event) for event in state.events],
        "options": {key: value for key, value in asdict(state.options).items() if key not in ("token", "oauth")},
    }


def show_lead(core: Core, lead: Lead) -> dict[str, Any]:
    """A lead with `fields` by name, its stage's name, its tags' names and its open tasks' ids."""
    stage = core.state.pipelines[lead.pipeline_id].stage(lead.status_id)
    shown = {key: value for key, value in asdict(lead).items() if key != "values"}
    return {
        **shown,
        "status": stage.name if stage else None,
        "tags": [tag.name for tag in lead.tags],
        "fields": plain_fields(core.state, "leads", lead.values),
        "open_tasks": [task.id for task in core.state.open_tasks("leads", lead.id)],
    }


def show_card(core: Core, card: Card) -> dict[str, Any]:
    shown = {key: value for key, value in asdict(card).items() if key not in ("values", "kind")}
    return {
        **shown,
        "tags": [tag.name for tag in card.tags],
        "fields": plain_fields(core.state, card.kind, card.values),
        "leads": [lead.id for lead in core.state.leads_of(card)],
    }


def show_task(task: Task) -> dict[str, Any]:
    return asdict(task)


def show_note(note: Note) -> dict[str, Any]:
    return {**asdict(note), "text": note.params.get("text")}
