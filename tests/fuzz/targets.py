"""What is fuzzed: the readers that see strangers' bytes first. Each takes any bytes and fails when a promise is broken."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_plus

from meetings.events import CustomerMessage, OwnMessage
from webhooks.evolution import parse_evolution
from webhooks.forms import FormError, parse_nested_form
from webhooks.json_body import JsonBodyError, read_json_object
from webhooks.kommo import parse_kommo
from webhooks.redact import REDACTED, redact, redact_form

_MOST_DEEP = 14  # brackets of a key, and the name before them


def form(body: bytes) -> None:
    """Any bytes give plain strings in plain branches, or a FormError."""
    try:
        _check_form(parse_nested_form(body))
    except FormError:
        return


def kommo(body: bytes) -> None:
    """Any bytes give hints that can be stored, or a FormError; what is kept can be read again and names the same."""
    try:
        webhook = parse_kommo(body)
    except FormError:
        return
    for hint in webhook.hints:
        assert 0 < hint.id < 2**63
        assert hint.action.isascii()
    kept = redact_form(body)
    _check_text(kept)
    assert redact_form(kept.encode()) == kept
    named = {(hint.entity, hint.id) for hint in webhook.hints}
    kept_named = {(hint.entity, hint.id) for hint in parse_kommo(kept.encode()).hints}
    assert kept_named <= named
    if REDACTED not in unquote_plus(kept):
        assert kept_named == named


def evolution(body: bytes) -> None:
    """Any bytes give events that can be stored, or a JsonBodyError."""
    try:
        payload = read_json_object(body)
    except JsonBodyError:
        return
    events = parse_evolution(payload)
    assert events
    for event in events:
        if isinstance(event, CustomerMessage | OwnMessage):
            _check_text(event.text)
            _check_text(event.id)
            _check_text(event.chat.jid)
            assert event.sent_at.tzinfo is not None
    kept = json.dumps(redact(payload), ensure_ascii=False)
    _check_text(kept)
    assert json.dumps(redact(json.loads(kept)), ensure_ascii=False) == kept


TARGETS: Mapping[str, Callable[[bytes], None]] = {"form": form, "kommo": kommo, "evolution": evolution}


def _check_form(value: Any, depth: int = 0) -> None:
    assert depth <= _MOST_DEEP
    if isinstance(value, dict):
        for key, member in value.items():
            _check_text(key)
            _check_form(member, depth + 1)
    elif isinstance(value, list):
        for member in value:
            _check_form(member, depth + 1)
    else:
        _check_text(value)


def _check_text(text: Any) -> None:
    """A database takes it: a string without NUL and half characters."""
    assert isinstance(text, str)
    assert "\0" not in text
    text.encode("utf-8")
