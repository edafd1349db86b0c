"""Checks a request body as Evolution's JSON-schema validator does, with the same wording and order of complaints."""

from typing import Any

Schema = dict[str, Any]

_TYPES: dict[str, Any] = {
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool) and float(v).is_integer(),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "array": lambda v: isinstance(v, list),
    "object": lambda v: isinstance(v, dict),
}


def complaints(value: Any, schema: Schema) -> list[str]:
    """What is wrong with `value`, in the order the vendor lists it; empty when it fits.

    Knows type, enum, minLength, minItems, properties, items, required, description, and `notEmpty`: the vendor's own
    rule that named strings may not be empty, which applies only when no other property is present.
    """
    return [text.replace("instance.", "", 1) for text in _check(value, schema, "instance")]


def _check(value: Any, schema: Schema, path: str) -> list[str]:
    found: list[str] = []
    for keyword, wanted in schema.items():
        said = _KEYWORDS[keyword](value, wanted, path) if keyword in _KEYWORDS else []
        if keyword in ("properties", "items", "notEmpty"):
            found += said
        else:
            found += [schema.get("description", text) for text in said]
    return found


def _type(value: Any, wanted: str, path: str) -> list[str]:
    return [] if _TYPES[wanted](value) else [f"{path} is not of a type(s) {wanted}"]


def _enum(value: Any, wanted: list[Any], path: str) -> list[str]:
    if any(type(value) is type(option) and value == option for option in wanted):
        return []
    return [f"{path} is not one of enum values: {','.join(str(option) for option in wanted)}"]


def _min(value: Any, wanted: int, path: str) -> list[str]:
    short = isinstance(value, (str, list)) and len(value) < wanted
    return [f"{path} does not meet minimum length of {wanted}"] if short else []


def _required(value: Any, wanted: list[str], path: str) -> list[str]:
    if not isinstance(value, dict):
        return []
    return [f'{path} requires property "{name}"' for name in wanted if name not in value]


def _properties(value: Any, wanted: dict[str, Schema], path: str) -> list[str]:
    if not isinstance(value, dict):
        return []
    return [text for name, sub in wanted.items() if name in value for text in _check(value[name], sub, f"{path}.{name}")]


def _items(value: Any, wanted: Schema, path: str) -> list[str]:
    if not isinstance(value, list):
        return []
    return [text for n, item in enumerate(value) for text in _check(item, wanted, f"{path}[{n}]")]


def _not_empty(value: Any, wanted: list[str], path: str) -> list[str]:
    if not isinstance(value, dict) or not set(value) <= set(wanted):
        return []
    return [f'The "{name}" cannot be empty' for name in wanted if value.get(name) == ""]


_KEYWORDS: dict[str, Any] = {
    "type": _type,
    "enum": _enum,
    "minLength": _min,
    "minItems": _min,
    "required": _required,
    "properties": _properties,
    "items": _items,
    "notEmpty": _not_empty,
}
