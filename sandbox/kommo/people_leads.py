"""What people do to leads, contacts and notes in Kommo's pages. Keyword arguments are the controls' JSON fields."""

from typing import Any

from sandbox.kommo import cards, lead_bin, leads, links, notes, snapshot
from sandbox.kommo.core import Core, checked
from sandbox.kommo.reader import Reader
from sandbox.kommo.state import Card, Lead
from sandbox.kommo.values import from_plain


def _lead(core: Core, lead_id: int) -> Lead:
    lead = core.state.lead(int(lead_id))
    if lead is None:
        raise ValueError(f"lead_id is {lead_id!r}, which is no lead outside the bin")
    return lead


def _contact(core: Core, contact_id: int) -> Card:
    card = core.state.card("contacts", int(contact_id))
    if card is None:
        raise ValueError(f"contact_id is {contact_id!r}, which is no contact outside the bin")
    return card


def _entries(core: Core, kind: str, custom_fields: dict[str, Any] | None) -> list[dict[str, Any]]:
    """`custom_fields_values` from {field id or name: value or null}; a field only the API may write is refused."""
    entries = from_plain(core.state, kind, custom_fields or {})
    for entry in entries:
        field = core.state.field(kind, entry["field_id"])
        if field and field.is_api_only:
            raise ValueError(f"{field.name} is an API-only field: nobody can edit it in Kommo's pages")
    return entries


def create_lead(
    core: Core,
    actor: int,
    *,
    name: str = "",
    price: int = 0,
    status_id: int | None = None,
    pipeline_id: int | None = None,
    responsible_user_id: int | None = None,
    contact_id: int | None = None,
    custom_fields: dict[str, Any] | None = None,
    tags: list[str] | None = None,
) -> dict[str, Any]:
    data: dict[str, Any] = {"name": name, "price": price, "status_id": status_id, "pipeline_id": pipeline_id}
    data["responsible_user_id"] = responsible_user_id
    data["custom_fields_values"] = _entries(core, "leads", custom_fields)
    data["tags_to_add"] = [{"name": tag} for tag in tags or []]
    if contact_id is not None:
        data["_embedded"] = {"contacts": [{"id": contact_id, "is_main": True}]}
    lead = leads.create(core, actor, checked(lambda issues: leads.read_change(core, Reader(data, issues), None)))
    return snapshot.show_lead(core, lead)


def _change_lead(core: Core, actor: int, lead_id: int, data: dict[str, Any]) -> dict[str, Any]:
    lead = _lead(core, lead_id)
    leads.change(core, actor, lead, checked(lambda issues: leads.read_change(core, Reader(data, issues), lead)))
    return snapshot.show_lead(core, lead)


def edit_lead(
    core: Core,
    actor: int,
    *,
    lead_id: int,
    name: str | None = None,
    price: int | None = None,
    custom_fields: dict[str, Any] | None = None,
    tags_add: list[str] | None = None,
    tags_delete: list[str] | None = None,
) -> dict[str, Any]:
    """Save the lead card: one `leads[update]`, whatever was changed on it."""
    data: dict[str, Any] = {"name": name, "price": price}
    data["custom_fields_values"] = _entries(core, "leads", custom_fields)
    data["tags_to_add"] = [{"name": tag} for tag in tags_add or []]
    data["tags_to_delete"] = [{"name": tag} for tag in tags_delete or []]
    return _change_lead(core, actor, lead_id, data)


def stage_lead(core: Core, actor: int, *, lead_id: int, status_id: int, pipeline_id: int | None = None) -> dict[str, Any]:
    """Move to another stage: `leads[status]` and `leads[update]`."""
    return _change_lead(core, actor, lead_id, {"status_id": status_id, "pipeline_id": pipeline_id})


def reassign_lead(core: Core, actor: int, *, lead_id: int, responsible_user_id: int) -> dict[str, Any]:
    """Hand to another user: `leads[responsible]` and `leads[update]`. Tasks keep their responsible user."""
    return _change_lead(core, actor, lead_id, {"responsible_user_id": responsible_user_id})


def delete_lead(core: Core, actor: int, *, lead_id: int, tasks: str | None = None) -> dict[str, Any]:
    """Put into the bin; `tasks` (silent, announce, keep) overrides the option `lead_delete_tasks`."""
    fate = tasks or core.state.options.lead_delete_tasks
    if fate not in lead_bin.FATES:
        raise ValueError(f"tasks is {fate!r}; use one of {', '.join(lead_bin.FATES)}")
    lead = _lead(core, lead_id)
    lead_bin.delete(core, actor, lead, fate)
    return snapshot.show_lead(core, lead)


def restore_lead(core: Core, actor: int, *, lead_id: int) -> dict[str, Any]:
    lead = core.state.leads.get(int(lead_id))
    if lead is None or not lead.is_deleted:
        raise ValueError(f"lead_id is {lead_id!r}, which is no lead in the bin")
    lead_bin.restore(core, actor, lead)
    return snapshot.show_lead(core, lead)


def merge_leads(core: Core, actor: int, *, lead_id: int, into_id: int) -> dict[str, Any]:
    """Merge `lead_id` into `into_id`: the first one is deleted, its tasks, notes and contacts move."""
    kept = _lead(core, into_id)
    lead_bin.merge(core, actor, _lead(core, lead_id), kept)
    return snapshot.show_lead(core, kept)


def _contact_fields(
    core: Core, custom_fields: dict[str, Any] | None, phone: str | None, email: str | None
) -> list[dict[str, Any]]:
    entries = _entries(core, "contacts", custom_fields)
    for code, text in (("PHONE", phone), ("EMAIL", email)):
        if text is not None:
            entries.append({"field_code": code, "values": [{"value": text, "enum_code": "WORK"}]})
    return entries


def create_contact(
    core: Core,
    actor: int,
    *,
    name: str = "",
    phone: str | None = None,
    email: str | None = None,
    responsible_user_id: int | None = None,
    lead_id: int | None = None,
    custom_fields: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A new contact, linked to `lead_id` when given; phone and e-mail are kept as typed."""
    data: dict[str, Any] = {"name": name, "responsible_user_id": responsible_user_id}
    data["custom_fields_values"] = _contact_fields(core, custom_fields, phone, email)
    lead = _lead(core, lead_id) if lead_id is not None else None
    wanted = checked(lambda issues: cards.read_change(core, "contacts", Reader(data, issues), None))
    card = cards.create(core, "contacts", actor, wanted)
    if lead:
        links.link(core, actor, lead, card, is_main=lead.main_contact_id is None)
    return snapshot.show_card(core, card)


def edit_contact(
    core: Core,
    actor: int,
    *,
    contact_id: int,
    name: str | None = None,
    phone: str | None = None,
    email: str | None = None,
    responsible_user_id: int | None = None,
    custom_fields: dict[str, Any] | None = None,
) -> dict[str, Any]:
    data: dict[str, Any] = {"name": name, "responsible_user_id": responsible_user_id}
    data["custom_fields_values"] = _contact_fields(core, custom_fields, phone, email)
    card = _contact(core, contact_id)
    wanted = checked(lambda issues: cards.read_change(core, "contacts", Reader(data, issues), card))
    cards.change(core, actor, card, wanted)
    return snapshot.show_card(core, card)


def delete_contact(core: Core, actor: int, *, contact_id: int) -> dict[str, Any]:
    card = _contact(core, contact_id)
    cards.delete(core, actor, card)
    return snapshot.show_card(core, card)


def add_note(core: Core, actor: int, *, text: str, lead_id: int | None = None, contact_id: int | None = None) -> dict[str, Any]:
    """A text note on a lead or a contact."""
    if (lead_id is None) == (contact_id is None):
        raise ValueError("a note goes on one thing: give lead_id or contact_id")
    kind, entity_id = ("leads", lead_id) if lead_id is not None else ("contacts", contact_id)
    data = {"entity_id": entity_id, "note_type": "common", "params": {"text": text}}
    wanted = checked(lambda issues: notes.read_change(core, kind, Reader(data, issues), None, None))
    return snapshot.show_note(notes.create(core, actor, kind, wanted))
