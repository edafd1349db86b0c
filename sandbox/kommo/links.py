"""Which contacts and companies hang on which leads. Kommo announces links by no webhook that is documented."""

from typing import Any

from sandbox.kommo.core import Core
from sandbox.kommo.state import Card, Lead


def link(core: Core, actor: int, entity: Lead | Card, other: Lead | Card, *, is_main: bool) -> None:
    """Link two entities; a repeat changes nothing but the main contact.

    Raises:
        ValueError: The two kinds can't be linked.
    """
    lead, card = _pair(entity, other)
    if lead is None:
        contact = entity if isinstance(entity, Card) and entity.kind == "contacts" else other
        company = other if contact is entity else entity
        assert isinstance(contact, Card)
        contact.company_id = company.id
    elif card.kind == "companies":
        lead.company_id = card.id
    else:
        if card.id not in lead.contact_ids:
            lead.contact_ids.append(card.id)
        if is_main or lead.main_contact_id is None:
            lead.main_contact_id = card.id
    _journal(core, actor, "entity_linked", entity, other)


def unlink(core: Core, actor: int, entity: Lead | Card, other: Lead | Card) -> None:
    """Part two entities; nothing happens when they are not linked.

    Raises:
        ValueError: The two kinds can't be linked.
    """
    lead, card = _pair(entity, other)
    if lead is None:
        for one in (entity, other):
            if isinstance(one, Card) and one.kind == "contacts":
                one.company_id = None
    elif card.kind == "companies":
        lead.company_id = None if lead.company_id == card.id else lead.company_id
    elif card.id in lead.contact_ids:
        lead.contact_ids.remove(card.id)
        if lead.main_contact_id == card.id:
            lead.main_contact_id = next(iter(lead.contact_ids), None)
    _journal(core, actor, "entity_unlinked", entity, other)


def _pair(entity: Lead | Card, other: Lead | Card) -> tuple[Lead | None, Card]:
    if isinstance(entity, Lead) and isinstance(other, Card):
        return entity, other
    if isinstance(entity, Card) and isinstance(other, Lead):
        return other, entity
    if isinstance(entity, Card) and isinstance(other, Card) and {entity.kind, other.kind} == {"contacts", "companies"}:
        return None, other
    raise ValueError("these two kinds of entities can't be linked")


def _journal(core: Core, actor: int, kind: str, entity: Lead | Card, other: Lead | Card) -> None:
    after = {"link": {"entity": {"type": kind_of(other), "id": other.id}}}
    core.journal(kind, kind_of(entity), entity.id, actor, None, after)


def kind_of(entity: Lead | Card) -> str:
    return "leads" if isinstance(entity, Lead) else entity.kind


def links_of(core: Core, entity: Lead | Card) -> list[dict[str, Any]]:
    """The links of an entity as the API reads them: contacts, then companies, then leads."""
    if isinstance(entity, Lead):
        shown = [_shown("contacts", c, {"main_contact": c == entity.main_contact_id}) for c in entity.contact_ids]
        return shown + ([_shown("companies", entity.company_id, None)] if entity.company_id else [])
    shown = []
    if entity.kind == "companies":
        staff = [c for c in core.state.cards["contacts"].values() if c.company_id == entity.id and not c.is_deleted]
        shown = [_shown("contacts", card.id, None) for card in staff]
    elif entity.company_id:
        shown = [_shown("companies", entity.company_id, None)]
    return shown + [
        _shown("leads", lead.id, {"main_contact": lead.main_contact_id == entity.id}) for lead in core.state.leads_of(entity)
    ]


def _shown(kind: str, entity_id: int, metadata: dict[str, Any] | None) -> dict[str, Any]:
    return {"to_entity_id": entity_id, "to_entity_type": kind, "metadata": metadata}
