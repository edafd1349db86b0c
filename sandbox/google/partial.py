"""The `fields` parameter: a selector such as `nextPageToken,items(id,start/dateTime)` applied to an answer."""

import re
from typing import Any

from sandbox.google.errors import ApiError
from sandbox.google.field_names import FIELD_NAMES, MAPS

Tree = dict[str, "Tree"]

_TOKEN = re.compile(r"[^\s,()/]+|[,()/]")


def select(body: dict[str, Any], wanted: Tree) -> dict[str, Any]:
    """The parts of `body` that a parsed selector names."""
    result: dict[str, Any] = _pick(body, wanted)
    return result


def parse(selector: str) -> Tree:
    """The selector as nested dicts; an empty one means "all of it".

    Raises:
        ApiError: 400 for a broken selector and for a name that no Calendar resource has.
    """
    tokens = _TOKEN.findall(selector)
    tree, rest = _parse_list(tokens, selector, in_map=False)
    if rest:
        raise _refusal(selector)
    return tree


def _parse_list(tokens: list[str], selector: str, *, in_map: bool) -> tuple[Tree, list[str]]:
    tree: Tree = {}
    while True:
        tokens = _parse_item(tokens, selector, tree, in_map=in_map)
        if not tokens or tokens[0] != ",":
            return tree, tokens
        tokens = tokens[1:]


def _parse_item(tokens: list[str], selector: str, into: Tree, *, in_map: bool) -> list[str]:
    if not tokens or tokens[0] in ",()/":
        raise _refusal(selector)
    name, tokens = tokens[0], tokens[1:]
    if name != "*" and not in_map and name not in FIELD_NAMES:
        raise _refusal(name)
    branch = into.setdefault(name, {})
    if tokens and tokens[0] == "/":
        return _parse_item(tokens[1:], selector, branch, in_map=name in MAPS)
    if tokens and tokens[0] == "(":
        inner, tokens = _parse_list(tokens[1:], selector, in_map=name in MAPS)
        if not tokens or tokens[0] != ")":
            raise _refusal(selector)
        branch.update(inner)
        return tokens[1:]
    return tokens


def _pick(value: Any, tree: Tree) -> Any:
    if not tree:
        return value
    if isinstance(value, list):
        return [_pick(item, tree) for item in value]
    if not isinstance(value, dict):
        return value
    everything = tree.get("*")
    picked = {}
    for key, item in value.items():
        branch = tree.get(key, everything)
        if branch is not None:
            picked[key] = _pick(item, branch)
    return picked


def _refusal(what: str) -> ApiError:
    return ApiError(400, "invalidParameter", f"Invalid field selection {what}", location="fields")
