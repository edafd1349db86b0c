"""/contacts and /companies: list, read, create, change."""

from functools import partial
from typing import Any

from sandbox.kommo import cards
from sandbox.kommo.call import Call, Handler, check_all, gone
from sandbox.kommo.lists import Filters, embedded, ordered, page
from sandbox.kommo.state import Card


def list_cards(kind: str, call: Call) -> dict[str, Any] | None:
    rows = [card for card in call.core.state.cards[kind].values() if not card.is_deleted and _is_wanted(call, card)]
    rows = ordered(call, rows, {"id": lambda card: card.id, "updated_at": lambda card: card.updated_at})
    return page(call, kind, rows, lambda card: cards.show(call.core, call.base, card, call.wanted))


def _is_wanted(call: Call, card: Card) -> bool:
    filters = Filters(call)
    tasks = call.core.state.open_tasks(card.kind, card.id)
    due = min((task.complete_till for task in tasks), default=None)
    query = str(call.query.get("query", ""))
    return (
        all(filters.allows(key, getattr(card, key)) for key in ("id", "name", "created_by", "updated_by", "responsible_user_id"))
        and filters.spans("updated_at", card.updated_at)
        and filters.spans("closest_task_at", due)
        and (not query or cards.answers_query(call.core, card, query))
    )


def read_card(kind: str, call: Call) -> dict[str, Any] | None:
    card = call.core.state.card(kind, call.number())
    return cards.show(call.core, call.base, card, call.wanted) if card else None


def add_cards(kind: str, call: Call) -> dict[str, Any]:
    changes = check_all(call.items(), lambda item: cards.read_change(call.core, kind, item, None))
    rows = []
    for request_id, change in changes:
        card = cards.create(call.core, kind, call.actor, change)
        flags = {"is_deleted": False, "is_unsorted": False} if kind == "contacts" else {}
        rows.append({"id": card.id, **flags, "request_id": request_id, "_links": call.link(kind, card.id)})
    return embedded(call, kind, rows)


def change_cards(kind: str, call: Call) -> dict[str, Any]:
    items = call.items()
    found = [_existing(kind, call, item.get("id")) for item in items]
    targets = iter(found)
    changes = check_all(items, lambda item: cards.read_change(call.core, kind, item, next(targets)))
    for card, (_, change) in zip(found, changes, strict=True):
        cards.change(call.core, call.actor, card, change)
    return embedded(call, kind, [_changed(call, card) for card in found])


def change_card(kind: str, call: Call) -> dict[str, Any]:
    card = _existing(kind, call, call.number())
    [(_, change)] = check_all([call.obj()], lambda item: cards.read_change(call.core, kind, item, card))
    cards.change(call.core, call.actor, card, change)
    row = _changed(call, card)
    return embedded(call, kind, [row]) if call.core.state.options.single_patch == "wrapped" else row


def _existing(kind: str, call: Call, card_id: Any) -> Card:
    card = call.core.state.card(kind, card_id) if isinstance(card_id, int) else None
    if card is None:
        raise gone(call.core)
    return card


def _changed(call: Call, card: Card) -> dict[str, Any]:
    flags = {"is_deleted": False, "is_unsorted": False} if card.kind == "contacts" else {}
    links = call.link(card.kind, card.id)
    return {"id": card.id, "name": card.name, "updated_at": card.updated_at, **flags, "_links": links}


ROUTES: dict[str, dict[str, Handler]] = {}
for _kind in ("contacts", "companies"):
    ROUTES[f"/{_kind}"] = {
        "GET": partial(list_cards, _kind),
        "POST": partial(add_cards, _kind),
        "PATCH": partial(change_cards, _kind),
    }
    ROUTES[f"/{_kind}/{{id:int}}"] = {"GET": partial(read_card, _kind), "PATCH": partial(change_card, _kind)}
