"""Lists: filters as PHP spells them, order, pages. An empty list is 204 without a body."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from sandbox.kommo.call import MAX_ITEMS, Call
from sandbox.kommo.phpform import as_list
from sandbox.kommo.problems import refuse

Row = TypeVar("Row")

DEFAULT_LIMIT = 50


def _integer(text: str, name: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise refuse(400, f"{name}: this value should be of type int") from error


class Filters:
    """The `filter[…]` parameters of a call. A filter that Kommo does not know is ignored, as Kommo ignores it."""

    def __init__(self, call: Call) -> None:
        tree = call.query.get("filter")
        self.tree: dict[str, Any] = tree if isinstance(tree, dict) else {}

    def texts(self, key: str) -> set[str] | None:
        return set(as_list(self.tree[key])) if key in self.tree else None

    def ids(self, key: str) -> set[int] | None:
        found = self.texts(key)
        return None if found is None else {_integer(text, f"filter[{key}]") for text in found}

    def allows(self, key: str, value: int | str | None) -> bool:
        """Whether a value is among those named, however often and in whichever form they were named."""
        found = self.texts(key)
        return found is None or str(value) in found

    def spans(self, key: str, moment: int | None) -> bool:
        """Whether Unix seconds lie in [from]…[to]; a bare value means "from then on"."""
        node = self.tree.get(key)
        if node is None:
            return True
        bounds = node if isinstance(node, dict) else {"from": node}
        start, end = bounds.get("from"), bounds.get("to")
        if moment is None:
            return False
        return (start is None or _integer(start, f"filter[{key}][from]") <= moment) and (
            end is None or moment <= _integer(end, f"filter[{key}][to]")
        )


def ordered(call: Call, rows: Iterable[Row], keys: dict[str, Callable[[Row], Any]]) -> list[Row]:
    """The rows by `order[key]=asc|desc`, ties and the default by id.

    Raises:
        ApiProblem: The list can't be ordered by that (400).
    """
    found = sorted(rows, key=keys["id"])
    order = call.query.get("order")
    if not isinstance(order, dict):
        return found
    for key, direction in order.items():
        if key not in keys or direction not in ("asc", "desc"):
            raise refuse(400, f"order[{key}]={direction} is not supported")
        found.sort(key=keys[key], reverse=direction == "desc")
    return found


def page(
    call: Call, name: str, rows: list[Row], show: Callable[[Row], dict[str, Any]], *, counted: bool = False
) -> dict[str, Any] | None:
    """One page of rows under `_embedded[name]`, None (204) when there is nothing on it.

    Args:
        call: The call, whose `page` (from 1) and `limit` (50 unless given) are read.
        name: Key of the list.
        rows: All rows.
        show: How one row is shown.
        counted: Whether the answer carries `_total_items` and `_page_count`.

    Raises:
        ApiProblem: `limit` is over 250 (422) or one of both is no positive number (400).
    """
    number = _positive(call, "page", 1)
    limit = _positive(call, "limit", DEFAULT_LIMIT)
    if limit > MAX_ITEMS:
        raise refuse(422, f"Limit {MAX_ITEMS} per page")
    start = (number - 1) * limit
    shown = rows[start : start + limit]
    if not shown:
        return None
    links = {"self": _page_link(call, number, limit)}
    if start + limit < len(rows):
        links["next"] = _page_link(call, number + 1, limit)
    head: dict[str, Any] = {"_page": number, "_links": links}
    if counted:
        head = {"_total_items": len(rows), "_page": number, "_page_count": -(-len(rows) // limit), "_links": links}
    return {**head, "_embedded": {name: [show(row) for row in shown]}}


def _positive(call: Call, name: str, default: int) -> int:
    value = call.query.get(name)
    if value is None:
        return default
    number = _integer(str(value), name)
    if number < 1:
        raise refuse(400, f"{name}: this value should be positive")
    return number


def _page_link(call: Call, number: int, limit: int) -> dict[str, str]:
    return {"href": str(call.url.include_query_params(page=number, limit=limit))}


def embedded(call: Call, name: str, rows: list[dict[str, Any]], *path: Any) -> dict[str, Any]:
    """The thin answer of a write: rows under `_embedded[name]`."""
    return {"_links": call.link(*(path or (name,))), "_embedded": {name: rows}}
