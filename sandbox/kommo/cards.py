"""Contacts and companies: what a write may say, what it does, how a card is shown."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.kommo import bodies, values
from sandbox.kommo.core import Core
from sandbox.kommo.leads import read_user
from sandbox.kommo.reader import Reader
from sandbox.kommo.state import Card, Tag, Values
from sandbox.kommo.tags import read_tags

_SINGULAR = {"contacts": "contact", "companies": "company"}


@dataclass
class CardChange:
    """A checked write. None leaves a thing as it is."""

    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    responsible_user_id: int | None = None
    created_by: int | None = None
    created_at: int | None = None
    tags: list[Tag] | None = None
    values: Values = field(default_factory=dict)


def read_change(core: Core, kind: str, item: Reader, card: Card | None) -> CardChange:
    """Check one item of a POST (`card` is None) or PATCH; faults are noted on the item."""
    return CardChange(
        name=item.text("name"),
        first_name=item.text("first_name"),
        last_name=item.text("last_name"),
        responsible_user_id=read_user(core, item, "responsible_user_id"),
        created_by=read_user(core, item, "created_by"),
        created_at=item.integer("created_at"),
        tags=read_tags(core, kind, item, card.tags if card else []),
        values=values.read_values(core.state, kind, item),
    )


def create(core: Core, kind: str, actor: int, wanted: CardChange) -> Card:
    now = core.now()
    author = actor if wanted.created_by is None else wanted.created_by
    card = Card(
        kind=kind,
        id=core.next_id("card"),
        name="",
        responsible_user_id=wanted.responsible_user_id or actor,
        created_by=author,
        updated_by=author,
        created_at=wanted.created_at or now,
        updated_at=now,
        values={key: found for key, found in wanted.values.items() if found},
        tags=wanted.tags or [],
    )
    _set_name(card, wanted)
    core.state.cards[kind][card.id] = card
    core.journal(f"{_SINGULAR[kind]}_added", kind, card.id, actor)
    core.announce(f"add_{_SINGULAR[kind]}", "contacts", "add", bodies.card_item(core.state, card))
    return card


def change(core: Core, actor: int, card: Card, wanted: CardChange) -> None:
    """Apply a checked write. A new responsible user arrives as an update too, with the old one in it."""
    old_responsible = card.responsible_user_id
    _set_name(card, wanted)
    if wanted.responsible_user_id is not None:
        card.responsible_user_id = wanted.responsible_user_id
    if wanted.tags is not None:
        card.tags = wanted.tags
    for field_id, found in wanted.values.items():
        card.values[field_id] = found
        if not found:
            del card.values[field_id]
    card.updated_by, card.updated_at = actor, core.now()
    name = _SINGULAR[card.kind]
    if card.responsible_user_id != old_responsible:
        before, after = {"id": old_responsible}, {"id": card.responsible_user_id}
        core.journal(
            "entity_responsible_changed",
            card.kind,
            card.id,
            actor,
            {"responsible_user": before},
            {"responsible_user": after},
        )
        item = bodies.card_item(core.state, card, old_responsible_user_id=old_responsible)
        core.announce(f"responsible_{name}", "contacts", "update", item)
    core.announce(f"update_{name}", "contacts", "update", bodies.card_item(core.state, card))


def _set_name(card: Card, wanted: CardChange) -> None:
    if wanted.first_name is not None or wanted.last_name is not None:
        card.first_name = card.first_name if wanted.first_name is None else wanted.first_name
        card.last_name = card.last_name if wanted.last_name is None else wanted.last_name
        card.name = f"{card.first_name} {card.last_name}".strip()
    elif wanted.name is not None:
        card.name = wanted.name


def delete(core: Core, actor: int, card: Card) -> None:
    """Put a card in the bin and unlink it from its leads."""
    card.is_deleted = True
    card.updated_by, card.updated_at = actor, core.now()
    for lead in core.state.leads.values():
        if card.kind == "contacts" and card.id in lead.contact_ids:
            lead.contact_ids.remove(card.id)
            if lead.main_contact_id == card.id:
                lead.main_contact_id = next(iter(lead.contact_ids), None)
        elif card.kind == "companies" and lead.company_id == card.id:
            lead.company_id = None
    name = _SINGULAR[card.kind]
    core.journal(f"{name}_deleted", card.kind, card.id, actor)
    core.announce(f"delete_{name}", "contacts", "delete", {"id": card.id, "type": bodies.card_type(card.kind)})


def digits(text: str) -> str:
    return "".join(ch for ch in text if ch.isdigit())


def answers_query(core: Core, card: Card, query: str) -> bool:
    """Whether full-text search finds a card by name or by a field's value.

    Kommo's matching of phone numbers is not documented: by default digits are compared, so "+55 (11) 98888-0001"
    is found by "5511988880001" and by "11988880001"; the option `phone_search` = "exact" compares as typed.
    """
    texts = [card.name, *values.text_of(card.values)]
    if any(query.casefold() in text.casefold() for text in texts):
        return True
    wanted = digits(query)
    if len(wanted) < 5 or core.state.options.phone_search != "digits":
        return False
    return any(wanted in digits(text) for text in values.text_of(card.values))


def show(core: Core, base: str, card: Card, wanted: set[str]) -> dict[str, Any]:
    """A contact or company as the API reads it; `wanted` are the `with` parameter's words."""
    due = [task.complete_till for task in core.state.open_tasks(card.kind, card.id)]
    embedded: dict[str, Any] = {"tags": [{"id": tag.id, "name": tag.name, "color": None} for tag in card.tags]}
    if card.kind == "contacts":
        embedded["companies"] = [_link(base, "companies", card.company_id)] if card.company_id else []
    if "leads" in wanted:
        embedded["leads"] = [_link(base, "leads", lead.id) for lead in core.state.leads_of(card)]
    if "catalog_elements" in wanted:
        embedded["catalog_elements"] = []
    named = {"first_name": card.first_name, "last_name": card.last_name} if card.kind == "contacts" else {}
    return {
        "id": card.id,
        "name": card.name,
        **named,
        "responsible_user_id": card.responsible_user_id,
        "group_id": 0,
        "created_by": card.created_by,
        "updated_by": card.updated_by,
        "created_at": card.created_at,
        "updated_at": card.updated_at,
        "closest_task_at": min(due, default=None),
        "is_deleted": card.is_deleted,
        "is_unsorted": False,
        "custom_fields_values": values.api_shape(core.state, card.kind, card.values),
        "account_id": core.state.account.id,
        "_links": {"self": {"href": f"{base}/{card.kind}/{card.id}"}},
        "_embedded": embedded,
    }


def _link(base: str, kind: str, entity_id: int) -> dict[str, Any]:
    return {"id": entity_id, "_links": {"self": {"href": f"{base}/{kind}/{entity_id}"}}}
