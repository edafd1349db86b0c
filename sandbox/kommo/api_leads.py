"""/leads: list, read, create, change, and the combined creation with contact and company."""

from typing import Any

from sandbox.kommo import cards, leads
from sandbox.kommo.call import Call, Handler, check_all, gone
from sandbox.kommo.lists import Filters, embedded, ordered, page
from sandbox.kommo.problems import refuse
from sandbox.kommo.reader import Reader
from sandbox.kommo.state import LOST, WON, Card, Lead
from sandbox.kommo.values import text_of

MAX_COMPLEX = 50
MAX_COMPLEX_VALUES = 40


def list_leads(call: Call) -> dict[str, Any] | None:
    only_deleted = "only_deleted" in call.wanted
    rows = [lead for lead in call.core.state.leads.values() if lead.is_deleted == only_deleted and _is_wanted(call, lead)]
    rows = ordered(call, rows, {"id": lambda r: r.id, "created_at": _created, "updated_at": _updated})
    shape = leads.show_deleted if only_deleted else None
    return page(
        call,
        "leads",
        rows,
        lambda lead: shape(call.core, call.base, lead) if shape else leads.show(call.core, call.base, lead, call.wanted),
    )


def _created(lead: Lead) -> int:
    return lead.created_at


def _updated(lead: Lead) -> int:
    return lead.updated_at


def _is_wanted(call: Call, lead: Lead) -> bool:
    filters = Filters(call)
    tasks = call.core.state.open_tasks("leads", lead.id)
    due = min((task.complete_till for task in tasks), default=None)
    equal = ("id", "name", "price", "created_by", "updated_by", "responsible_user_id", "pipeline_id")
    return (
        all(filters.allows(key, getattr(lead, key)) for key in equal)
        and filters.spans("created_at", lead.created_at)
        and filters.spans("updated_at", lead.updated_at)
        and filters.spans("closed_at", lead.closed_at)
        and filters.spans("closest_task_at", due)
        and _is_in_stages(filters, lead)
        and _answers_query(call, lead)
    )


def _is_in_stages(filters: Filters, lead: Lead) -> bool:
    node = filters.tree.get("statuses")
    if not isinstance(node, dict):
        return True
    pairs = [pair for pair in node.values() if isinstance(pair, dict)]
    if any({"pipeline_id", "status_id"} - set(pair) for pair in pairs):
        raise refuse(400, "filter[statuses]: pipeline_id and status_id are needed together")
    here = (str(lead.pipeline_id), str(lead.status_id))
    return any((pair["pipeline_id"], pair["status_id"]) == here for pair in pairs)


def _answers_query(call: Call, lead: Lead) -> bool:
    query = str(call.query.get("query", "")).casefold()
    texts = [lead.name, str(lead.price), *text_of(lead.values)]
    return not query or any(query in text.casefold() for text in texts)


def read_lead(call: Call) -> dict[str, Any] | None:
    lead = call.core.state.lead(call.number())
    return leads.show(call.core, call.base, lead, call.wanted) if lead else None


def add_leads(call: Call) -> dict[str, Any]:
    changes = check_all(call.items(), lambda item: leads.read_change(call.core, item, None))
    made = [(request_id, leads.create(call.core, call.actor, change)) for request_id, change in changes]
    rows = [{"id": r.id, "request_id": request_id, "_links": call.link("leads", r.id)} for request_id, r in made]
    return embedded(call, "leads", rows)


def change_leads(call: Call) -> dict[str, Any]:
    items = call.items()
    found = [_existing(call, item.get("id")) for item in items]
    targets = iter(found)
    changes = check_all(items, lambda item: leads.read_change(call.core, item, next(targets)))
    for lead, (_, change) in zip(found, changes, strict=True):
        leads.change(call.core, call.actor, lead, change)
    return embedded(call, "leads", [_changed(call, lead) for lead in found])


def change_lead(call: Call) -> dict[str, Any]:
    lead = _existing(call, call.number())
    [(_, change)] = check_all([call.obj()], lambda item: leads.read_change(call.core, item, lead))
    leads.change(call.core, call.actor, lead, change)
    row = _changed(call, lead)
    return embedded(call, "leads", [row]) if call.core.state.options.single_patch == "wrapped" else row


def _existing(call: Call, lead_id: Any) -> Lead:
    lead = call.core.state.lead(lead_id) if isinstance(lead_id, int) else None
    if lead is None:
        raise gone(call.core)
    return lead


def _changed(call: Call, lead: Lead) -> dict[str, Any]:
    return {"id": lead.id, "updated_at": lead.updated_at, "_links": call.link("leads", lead.id)}


def add_complex(call: Call) -> list[dict[str, Any]]:
    """POST /leads/complex: a plain array of {id, contact_id, company_id, request_id: [...], merged}."""
    changes = check_all(call.items(MAX_COMPLEX), lambda item: _read_complex(call, item))
    # Duplicate control looks at what was there before the call: it does not work within one batch.
    known = [card for card in call.core.state.cards["contacts"].values() if not card.is_deleted]
    return [_make_complex(call, request_id, parts, known) for request_id, parts in changes]


_Parts = tuple[leads.LeadChange, cards.CardChange | None, cards.CardChange | None]


def _read_complex(call: Call, item: Reader) -> _Parts:
    found: dict[str, cards.CardChange | None] = {}
    inside = item.child("_embedded")
    for kind in ("contacts", "companies"):
        entries = inside.children(kind)
        if len(entries) > 1:
            path = f"{inside.path}{kind}"
            item.issues.add("TooMany", path, "This collection should contain 1 element or less.")
        new = [entry for entry in entries if entry.data.get("id") is None]
        found[kind] = cards.read_change(call.core, kind, new[0], None) if new else None
    for part in (item, *inside.children("contacts"), *inside.children("companies")):
        if len(part.array("custom_fields_values") or []) > MAX_COMPLEX_VALUES:
            detail = f"This collection should contain {MAX_COMPLEX_VALUES} elements or less."
            item.issues.add("TooMany", f"{part.path}custom_fields_values", detail)
    return leads.read_change(call.core, item, None), found["contacts"], found["companies"]


def _make_complex(call: Call, request_id: str, parts: _Parts, known: list[Card]) -> dict[str, Any]:
    wanted, contact_change, company_change = parts
    core = call.core
    contact_id = next(iter(wanted.contact_ids), None)
    merged = False
    lead: Lead | None = None
    if contact_change:
        twin = _twin(known, contact_change) if core.state.options.duplicate_control else None
        contact = twin or cards.create(core, "contacts", call.actor, contact_change)
        contact_id, merged = contact.id, twin is not None
        lead = _open_lead(call, twin) if twin else None
        wanted.contact_ids, wanted.main_contact_id = [contact.id], contact.id
    if company_change:
        wanted.company_id = cards.create(core, "companies", call.actor, company_change).id
    lead = lead or leads.create(core, call.actor, wanted)
    company_id = wanted.company_id
    return {
        "id": lead.id,
        "contact_id": contact_id,
        "company_id": company_id,
        "request_id": [request_id],
        "merged": merged,
    }


def _twin(known: list[Card], wanted: cards.CardChange) -> Card | None:
    """A contact with one of the phones or e-mails asked for."""
    texts = {_normal(text) for text in text_of(wanted.values)}
    return next((card for card in known if texts & {_normal(text) for text in text_of(card.values)}), None)


def _normal(text: str) -> str:
    return text.casefold() if "@" in text else cards.digits(text) or text.casefold()


def _open_lead(call: Call, contact: Card) -> Lead | None:
    return next((r for r in call.core.state.leads_of(contact) if r.status_id not in (WON, LOST)), None)


ROUTES: dict[str, dict[str, Handler]] = {
    "/leads": {"GET": list_leads, "POST": add_leads, "PATCH": change_leads},
    "/leads/complex": {"POST": add_complex},
    # No DELETE: the API has none, and answers 405.
    "/leads/{id:int}": {"GET": read_lead, "PATCH": change_lead},
}
