"""Google's own description of the API, turned into checks on recorded exchanges."""

import importlib.resources
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import jsonschema
from google_world import Exchange

ALWAYS_IN_AN_EVENT = frozenset(
    {
        "kind",
        "id",
        "status",
        "htmlLink",
        "created",
        "updated",
        "etag",
        "creator",
        "organizer",
        "start",
        "end",
        "iCalUID",
        "sequence",
        "reminders",
        "eventType",
    }
)
# No schema of the document describes refusals.
REFUSAL: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "errors"],
            "additionalProperties": False,
            "properties": {
                "code": {"type": "integer"},
                "message": {"type": "string", "minLength": 1},
                "status": {"type": "string", "pattern": "^[A-Z_]+$"},
                "errors": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "required": ["domain", "reason", "message"],
                        "additionalProperties": False,
                        "properties": {
                            name: {"type": "string"} for name in ("domain", "reason", "message", "locationType", "location")
                        },
                    },
                },
            },
        }
    },
}
# A list that says of itself that it may grow.
_OPEN_LISTS = {("Error", "reason")}
_FORMATS = jsonschema.FormatChecker(["date", "date-time"])


def load_document() -> dict[str, Any]:
    folder = importlib.resources.files("googleapiclient") / "discovery_cache" / "documents"
    return json.loads((folder / "calendar.v3.json").read_text("utf-8"))


class Contract:
    """The discovery document as a judge. `check` raises AssertionError with what is wrong."""

    def __init__(self, document: dict[str, Any] | None = None) -> None:
        self.document = document or load_document()
        self.methods = {method["id"].removeprefix("calendar."): method for method in _methods(self.document)}
        self.closed_lists: list[str] = []
        self.definitions = {name: self._convert(schema, name, "") for name, schema in self.document["schemas"].items()}

    def _convert(self, schema: dict[str, Any], owner: str, field: str) -> dict[str, Any]:
        if "$ref" in schema:
            return {"$ref": f"#/$defs/{schema['$ref']}"}
        kind = schema.get("type", "any")
        result: dict[str, Any] = {} if kind == "any" else {"type": kind}
        if schema.get("format") in ("date", "date-time"):
            result["format"] = schema["format"]
        elif schema.get("format") == "int64":
            result["pattern"] = "^-?[0-9]+$"
        values = _values_in_prose(schema.get("description", "")) if kind == "string" else []
        if values and (owner, field) not in _OPEN_LISTS:
            result["enum"] = values
            self.closed_lists.append(f"{owner}.{field}")
        if kind == "array":
            result["items"] = self._convert(schema["items"], owner, field)
        if kind == "object":
            named = schema.get("properties", {})
            result["properties"] = {name: self._convert(value, owner, name) for name, value in named.items()}
            rest = schema.get("additionalProperties")
            result["additionalProperties"] = self._convert(rest, owner, field) if rest else not named
        return result

    def find(self, exchange: Exchange) -> tuple[str, dict[str, str], list[tuple[str, str]]]:
        """Method name, path arguments and query of a request."""
        parts = urlsplit(exchange.uri)
        verb, query = exchange.method, parse_qsl(parts.query, keep_blank_values=True)
        if exchange.headers.get("x-http-method-override") == "GET":
            verb, query = "GET", query + parse_qsl(exchange.body.decode(), keep_blank_values=True)
        path = parts.path.split("/calendar/v3/", 1)[1]
        found = []
        for name, method in self.methods.items():
            pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", method["path"])
            match = re.fullmatch(pattern, path)
            if match and method["httpMethod"] == verb:
                found.append((method["path"].count("{"), name, match.groupdict()))
        assert found, f"no method {verb} {path}"
        _, name, arguments = min(found, key=lambda item: item[:2])
        return name, {key: unquote(value) for key, value in arguments.items()}, query

    def check(self, exchange: Exchange) -> str:
        """Checks request and answer; returns the method's name."""
        name, _, query = self.find(exchange)
        method = self.methods[name]
        if exchange.status < 400:
            # A refused request may be wrong on purpose; an accepted one must be right.
            self._check_query(name, query)
            self._check_request(name, exchange)
        self._check_answer(method, exchange, partial=any(key == "fields" for key, _ in query))
        return name

    def _check_query(self, name: str, query: list[tuple[str, str]]) -> None:
        method = self.methods[name]
        known = {**self.document["parameters"], **method.get("parameters", {})}
        given = [key for key, _ in query]
        for key, value in query:
            assert key in known, f"{name}: unknown parameter {key}"
            assert known[key]["location"] == "query", f"{name}: {key} belongs into the path"
            assert given.count(key) == 1 or known[key].get("repeated"), f"{name}: {key} is repeated"
            _check_parameter(f"{name} {key}", known[key], value)
        for key, rule in known.items():
            if rule.get("required") and rule["location"] == "query":
                assert key in given, f"{name}: {key} is missing"

    def _check_request(self, name: str, exchange: Exchange) -> None:
        schema = self.methods[name].get("request")
        if schema is None:
            return
        body = json.loads(exchange.body or b"{}")
        self.validate(schema["$ref"], _without_nulls(body))
        for field, rule in self.document["schemas"][schema["$ref"]]["properties"].items():
            needed_by = rule.get("annotations", {}).get("required", [])
            assert f"calendar.{name}" not in needed_by or field in body, f"{name}: the body lacks {field}"

    def _check_answer(self, method: dict[str, Any], exchange: Exchange, *, partial: bool) -> None:
        if exchange.status >= 400:
            refusal = json.loads(exchange.content)
            jsonschema.validate(refusal, REFUSAL)
            assert refusal["error"]["code"] == exchange.status
            return
        if "response" not in method:
            assert exchange.content == b"", f"{method['id']} answers with a body"
            return
        answer = json.loads(exchange.content)
        schema = method["response"]["$ref"]
        self.validate(schema, answer)
        if not partial:
            for event in answer["items"] if schema == "Events" else [answer] if schema == "Event" else []:
                missing = ALWAYS_IN_AN_EVENT - event.keys()
                assert event["status"] == "cancelled" or not missing, f"{method['id']}: an event lacks {missing}"

    def validate(self, schema: str, value: Any) -> None:
        """Raises AssertionError when the value is not of that schema."""
        whole = {"$ref": f"#/$defs/{schema}", "$defs": self.definitions}
        validator = jsonschema.Draft202012Validator(whole, format_checker=_FORMATS)
        error = jsonschema.exceptions.best_match(validator.iter_errors(value))
        assert error is None, f"{schema} {error.json_path}: {error.message}"


def _methods(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for resource in node.get("resources", {}).values():
        yield from resource.get("methods", {}).values()
        yield from _methods(resource)


def _values_in_prose(text: str) -> list[str]:
    """The values a description lists; [] unless it says that it lists them and names more than one."""
    values = re.findall(r'-\s+"(\w+)"', text) if "ossible values" in text else []
    return values if len(values) > 1 else []


def _check_parameter(what: str, rule: dict[str, Any], value: str) -> None:
    if "enum" in rule:
        assert value in rule["enum"], f"{what}={value}"
    if rule["type"] == "boolean":
        assert value in ("true", "false"), f"{what}={value}"
    if rule["type"] == "integer":
        assert int(rule.get("minimum", -(2**31))) <= int(value) <= int(rule.get("maximum", 2**31 - 1)), f"{what}={value}"
    if rule.get("format") == "date-time":
        assert _FORMATS.conforms(value, "date-time"), f"{what}={value}"


def _without_nulls(value: Any) -> Any:
    """A patch says "remove" with null, which the schemas do not know."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
