"""PHP's way of writing nested data into flat text: `a[b][0][c]=1`, read from queries and written into webhooks."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, quote_plus

Tree = dict[str, Any]

_SEGMENT = re.compile(r"\[([^\[\]]*)\]")


def parse(query: str) -> Tree:
    """A query string as nested dicts; `[]` takes the next free number. Leaves are strings.

    `filter[id][]=1&filter[id][]=2&limit=5` becomes `{"filter": {"id": {"0": "1", "1": "2"}}, "limit": "5"}`.
    """
    root: Tree = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        head, bracket, rest = key.partition("[")
        path = [head, *_SEGMENT.findall(bracket + rest)]
        node = root
        for segment in path[:-1]:
            child = node.setdefault(_name(node, segment), {})
            if not isinstance(child, dict):
                break
            node = child
        else:
            node[_name(node, path[-1])] = value
    return root


def _name(node: Tree, segment: str) -> str:
    return segment or str(len(node))


def as_list(node: Any) -> list[str]:
    """The leaves under a node, whether it was written once, repeated with [] or comma separated."""
    if node is None:
        return []
    if isinstance(node, dict):
        return [leaf for child in node.values() for leaf in as_list(child)]
    return [part for part in str(node).split(",") if part]


def encode(data: dict[str, Any]) -> bytes:
    """Nested dicts and lists as a form body, byte for byte as PHP's http_build_query writes it.

    None and empty containers leave no key, booleans become 0 and 1, brackets are percent-encoded, a space is `+`.
    """
    return "&".join(f"{_quote(key)}={_quote(value)}" for key, value in _flatten("", data)).encode("ascii")


def _flatten(prefix: str, node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for key, child in node.items():
            yield from _flatten(f"{prefix}[{key}]" if prefix else str(key), child)
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from _flatten(f"{prefix}[{index}]", child)
    elif isinstance(node, bool):
        yield prefix, "1" if node else "0"
    elif node is not None:
        yield prefix, str(node)


def _quote(text: str) -> str:
    # PHP encodes the tilde in form bodies, Python does not.
    return quote_plus(text).replace("~", "%7E")
