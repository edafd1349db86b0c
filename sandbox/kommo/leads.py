"""Leads: what a write may say, what it does, how a lead is shown."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.kommo import bodies, values
from sandbox.kommo.core import Core
from sandbox.kommo.reader import Reader
from sandbox.kommo.state import INCOMING, LOST, WON, Lead, Tag, Values
from sandbox.kommo.tags import read_tags


@dataclass
class LeadChange:
    """A checked write. None leaves a thing as it is."""

    name: str | None = None
    price: int | None = None
    status_id: int | None = None
    pipeline_id: int | None = None
    responsible_user_id: int | None = None
    loss_reason_id: int | None = None
    created_by: int | None = None
    created_at: int | None = None
    tags: list[Tag] | None = None
    values: Values = field(default_factory=dict)
    contact_ids: list[int] = field(default_factory=list)
    main_contact_id: int | None = None
    company_id: int | None = None


def read_change(core: Core, item: Reader, lead: Lead | None) -> LeadChange:
    """Check one item of a POST (`lead` is None) or PATCH; faults are noted on the item."""
    change = LeadChange(
        name=item.text("name"),
        price=item.integer("price"),
        responsible_user_id=read_user(core, item, "responsible_user_id"),
        loss_reason_id=item.integer("loss_reason_id"),
        created_by=read_user(core, item, "created_by"),
        created_at=item.integer("created_at"),
        tags=read_tags(core, "leads", item, lead.tags if lead else []),
        values=values.read_values(core.state, "leads", item),
    )
    change.pipeline_id, change.status_id = _read_stage(core, item, lead)
    if lead is None:
        _read_links(core, item, change)
    return change


def read_user(core: Core, item: Reader, key: str) -> int | None:
    """A user id; 0 stands for automations, deactivated users are refused as Kommo refuses them."""
    user_id = item.integer(key)
    if user_id:
        user = core.user(user_id)
        if user is None or not user.is_active:
            item.bad_choice(key)
            return None
    return user_id


def _read_stage(core: Core, item: Reader, lead: Lead | None) -> tuple[int | None, int | None]:
    pipeline_id, status_id = item.integer("pipeline_id"), item.integer("status_id")
    if pipeline_id is None and status_id is None:
        return None, None
    default = core.state.pipelines[lead.pipeline_id] if lead else core.main_pipeline()
    pipeline = default if pipeline_id is None else core.state.pipelines.get(pipeline_id)
    if pipeline is None:
        item.bad_choice("pipeline_id")
        return None, None
    if status_id is None:
        moved = lead is None or lead.pipeline_id != pipeline.id
        return pipeline.id, pipeline.first_stage.id if moved else None
    stage = pipeline.stage(status_id)
    if stage is None or stage.type == INCOMING:
        item.bad_choice("status_id")
        return None, None
    return pipeline.id, stage.id


def _read_links(core: Core, item: Reader, change: LeadChange) -> None:
    embedded = item.child("_embedded")
    for entry in embedded.children("contacts"):
        contact_id = entry.integer("id")
        if contact_id is None:
            continue  # a new contact, which only /leads/complex may carry
        if core.state.card("contacts", contact_id) is None:
            entry.bad_choice("id")
            continue
        change.contact_ids.append(contact_id)
        if entry.flag("is_main"):
            change.main_contact_id = contact_id
    for entry in embedded.children("companies"):
        company_id = entry.integer("id")
        if company_id is not None and core.state.card("companies", company_id) is None:
            entry.bad_choice("id")
        change.company_id = company_id


def create(core: Core, actor: int, change: LeadChange) -> Lead:
    pipeline = core.state.pipelines[change.pipeline_id] if change.pipeline_id else core.main_pipeline()
    now = core.now()
    author = actor if change.created_by is None else change.created_by
    lead = Lead(
        id=core.next_id("lead"),
        name=change.name or "",
        price=change.price or 0,
        status_id=change.status_id or pipeline.first_stage.id,
        pipeline_id=pipeline.id,
        responsible_user_id=change.responsible_user_id or actor,
        created_by=author,
        updated_by=author,
        created_at=change.created_at or now,
        updated_at=now,
        values={key: found for key, found in change.values.items() if found},
        tags=change.tags or [],
        contact_ids=list(change.contact_ids),
        main_contact_id=change.main_contact_id or next(iter(change.contact_ids), None),
        company_id=change.company_id,
    )
    if lead.status_id in (WON, LOST):
        lead.closed_at = now
    core.state.leads[lead.id] = lead
    core.journal("lead_added", "leads", lead.id, actor)
    core.announce("add_lead", "leads", "add", bodies.lead_item(core.state, lead, "add"))
    return lead


def change(core: Core, actor: int, lead: Lead, wanted: LeadChange) -> None:
    """Apply a checked write. `leads[update]` is sent whatever changed, even nothing, beside the special webhooks."""
    old_stage = (lead.pipeline_id, lead.status_id)
    old_responsible = lead.responsible_user_id
    _journal_fields(core, actor, lead, wanted)
    _assign(core, lead, wanted)
    lead.updated_by, lead.updated_at = actor, core.now()
    staged = (lead.pipeline_id, lead.status_id) != old_stage
    reassigned = lead.responsible_user_id != old_responsible
    old: dict[str, int] = {}
    if staged:
        old["old_status_id"] = old_stage[1]
        if lead.pipeline_id != old_stage[0]:
            old["old_pipeline_id"] = old_stage[0]
        _announce_stage(core, actor, lead, old_stage, old)
    if reassigned:
        _announce_responsible(core, actor, lead, old_responsible)
    core.announce("update_lead", "leads", "update", bodies.lead_item(core.state, lead, "update", **old))


def _assign(core: Core, lead: Lead, wanted: LeadChange) -> None:
    for name in ("name", "price", "status_id", "pipeline_id", "responsible_user_id", "tags"):
        value = getattr(wanted, name)
        if value is not None:
            setattr(lead, name, value)
    for field_id, found in wanted.values.items():
        lead.values[field_id] = found
        if not found:
            del lead.values[field_id]
    if lead.status_id not in (WON, LOST):
        lead.closed_at, lead.loss_reason_id = None, None
    elif lead.closed_at is None:
        lead.closed_at = core.now()
    if lead.status_id == LOST and wanted.loss_reason_id is not None:
        lead.loss_reason_id = wanted.loss_reason_id


def _journal_fields(core: Core, actor: int, lead: Lead, wanted: LeadChange) -> None:
    if wanted.name is not None and wanted.name != lead.name:
        core.journal("name_field_changed", "leads", lead.id, actor, _name(lead.name), _name(wanted.name))
    if wanted.price is not None and wanted.price != lead.price:
        before, after = {"sale_field_value": {"sale": lead.price}}, {"sale_field_value": {"sale": wanted.price}}
        core.journal("sale_field_changed", "leads", lead.id, actor, before, after)
    for field_id, found in wanted.values.items():
        old = lead.values.get(field_id, [])
        if found != old:
            kind = f"custom_field_{field_id}_value_changed"
            core.journal(kind, "leads", lead.id, actor, _value(field_id, old), _value(field_id, found))


def _name(name: str) -> dict[str, Any]:
    return {"name_field_value": {"name": name}}


def _value(field_id: int, found: list[dict[str, Any]]) -> dict[str, Any] | None:
    if not found:
        return None
    first = found[0]
    shown = {"field_id": field_id, "text": str(first.get("value", ""))}
    return {"custom_field_value": {**shown, "enum_id": first.get("enum_id")}}


def _announce_stage(core: Core, actor: int, lead: Lead, old_stage: tuple[int, int], old: dict[str, int]) -> None:
    before = {"lead_status": {"id": old_stage[1], "pipeline_id": old_stage[0]}}
    after = {"lead_status": {"id": lead.status_id, "pipeline_id": lead.pipeline_id}}
    core.journal("lead_status_changed", "leads", lead.id, actor, before, after)
    core.announce("status_lead", "leads", "status", bodies.lead_item(core.state, lead, "status", **old))


def _announce_responsible(core: Core, actor: int, lead: Lead, old_responsible: int) -> None:
    before = {"responsible_user": {"id": old_responsible}}
    after = {"responsible_user": {"id": lead.responsible_user_id}}
    core.journal("entity_responsible_changed", "leads", lead.id, actor, before, after)
    item = bodies.lead_item(core.state, lead, "responsible", old_responsible_user_id=old_responsible)
    core.announce("responsible_lead", "leads", "responsible", item)


def show(core: Core, base: str, lead: Lead, wanted: set[str]) -> dict[str, Any]:
    """A lead as the API reads it.

    Args:
        core: The account.
        base: Where links point, e.g. "http://127.0.0.1:4000/api/v4".
        lead: The lead.
        wanted: The `with` parameter's words.
    """
    due = [task.complete_till for task in core.state.open_tasks("leads", lead.id)]
    embedded: dict[str, Any] = {
        "tags": [{"id": tag.id, "name": tag.name, "color": None} for tag in lead.tags],
        "companies": [_link(base, "companies", lead.company_id)] if lead.company_id else [],
    }
    if "contacts" in wanted:
        embedded["contacts"] = [
            {"id": c, "is_main": c == lead.main_contact_id, "_links": _link(base, "contacts", c)["_links"]}
            for c in lead.contact_ids
        ]
    if "catalog_elements" in wanted:
        embedded["catalog_elements"] = []
    if "loss_reason" in wanted:
        embedded["loss_reason"] = []
    shown = {
        "id": lead.id,
        "name": lead.name,
        "price": lead.price,
        "responsible_user_id": lead.responsible_user_id,
        "group_id": 0,
        "status_id": lead.status_id,
        "pipeline_id": lead.pipeline_id,
        "loss_reason_id": lead.loss_reason_id,
        "created_by": lead.created_by,
        "updated_by": lead.updated_by,
        "created_at": lead.created_at,
        "updated_at": lead.updated_at,
        "closed_at": lead.closed_at,
        "closest_task_at": min(due, default=None),
        "is_deleted": lead.is_deleted,
        "custom_fields_values": values.api_shape(core.state, "leads", lead.values),
        "score": None,
        "account_id": core.state.account.id,
        "labor_cost": None,
        "is_price_computed": False,
    }
    if "source_id" in wanted:
        shown["source_id"] = None
    if "is_price_modified_by_robot" in wanted:
        shown["is_price_modified_by_robot"] = False
    return {**shown, "_links": _link(base, "leads", lead.id)["_links"], "_embedded": embedded}


def show_deleted(core: Core, base: str, lead: Lead) -> dict[str, Any]:
    """A lead in the bin, as `with=only_deleted` lists it: an id, a time and many nulls."""
    blank = dict.fromkeys(show(core, base, lead, set()))
    kept = {"id": lead.id, "updated_at": lead.updated_at, "is_deleted": True, "account_id": core.state.account.id}
    return {**blank, **kept, **_link(base, "leads", lead.id), "_embedded": {"tags": [], "companies": []}}


def _link(base: str, kind: str, entity_id: int) -> dict[str, Any]:
    return {"id": entity_id, "_links": {"self": {"href": f"{base}/{kind}/{entity_id}"}}}
