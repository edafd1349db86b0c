"""Kommo's account webhooks: which tasks and leads a body names. What happened to them is read from the API later.

A lead's body also shows the lead. That is not believed, but tells what needs no look: our own write coming back.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from meetings.events import HintEntity, KommoHint, KommoWebhook, LeadShown
from webhooks.forms import parse_nested_form

# Kommo sends "task"; "tasks" is in no document or capture, but costs nothing to understand.
_ENTITIES = {"task": HintEntity.TASK, "tasks": HintEntity.TASK, "leads": HintEntity.LEAD}
_WORD = re.compile(r"[a-z][a-z_]{0,39}")
_ID = re.compile(r"[1-9][0-9]{0,17}")
_LEAD = "2"  # element_type: 1 contact, 2 lead, 3 company


def parse_kommo(body: bytes) -> KommoWebhook:
    """What a webhook body names, in the order of the body.

    Any action counts, known or not: a hint only makes us look. Values Kommo would never send (no numeric id, text where
    entries belong) are left out and their key is reported as ignored, so nothing but a limit raises.

    Raises:
        FormError: The body has too many keys or too deep ones (see `parse_nested_form`).
    """
    form = parse_nested_form(body)
    hints: dict[KommoHint, KommoHint] = {}
    ignored: dict[str, None] = {}
    for name, action, content in _sections(form):
        read = list(_hints(name, action, content))
        for hint in read:
            if hint and hints.setdefault(hint, hint).shows != hint.shows:
                hints[hint] = replace(hint, shows=None)  # two states of it in one body: it must be looked at
        if not read or None in read:
            ignored[_label(name, action)] = None
    account = form.get("account")
    return KommoWebhook(
        account_id=_id(account.get("id")) if isinstance(account, Mapping) else None,
        hints=tuple(hints.values()),
        ignored=tuple(ignored),
    )


def _sections(form: Mapping[str, Any]) -> Iterator[tuple[str, str | None, Any]]:
    """Entity key, action and content of each block but the account's; the action is None where no block is."""
    for name, actions in form.items():
        if name == "account":
            continue
        if not isinstance(actions, Mapping):
            yield name, None, actions
            continue
        for action, content in actions.items():
            yield name, action, content


def _hints(name: str, action: str | None, content: Any) -> Iterator[KommoHint | None]:
    """One hint per entry; None for an entry that names nothing."""
    entity = _ENTITIES.get(name)
    if entity is None or action is None or not _WORD.fullmatch(action):
        return
    for entry in _entries(content):
        yield _task(action, entry) if entity is HintEntity.TASK else _lead(action, entry)


def _entries(content: Any) -> Iterable[Any]:
    """The entries of a block, whatever their indexes; a block without an index is its own only entry."""
    if isinstance(content, list):
        return content
    if not isinstance(content, Mapping):
        return []
    return [content] if "id" in content else list(content.values())


def _task(action: str, entry: Any) -> KommoHint | None:
    task_id = _id(entry.get("id")) if isinstance(entry, Mapping) else None
    if task_id is None:
        return None
    return KommoHint(HintEntity.TASK, task_id, action, lead_id=_lead_of(entry), task_type=_id(entry.get("task_type")))


def _lead(action: str, entry: Any) -> KommoHint | None:
    """A lead's hint. A note sits one level deeper, and its own id is not the lead's."""
    if not isinstance(entry, Mapping):
        return None
    lead_id = _lead_of_note(entry.get("note", entry)) if action == "note" else _id(entry.get("id"))
    return KommoHint(HintEntity.LEAD, lead_id, action, shows=_shown(entry)) if lead_id else None


def _shown(entry: Mapping[str, Any]) -> LeadShown | None:
    """A lead as the body has it; None for a body that leaves out what a lead always has (a deletion, a note)."""
    status_id, responsible = _id(entry.get("status_id")), _id(entry.get("responsible_user_id"))
    if status_id is None or responsible is None:
        return None
    return LeadShown(
        fields={key: value for field in _entries(entry.get("custom_fields")) for key, value in _field(field)},
        status_id=status_id,
        responsible_user_id=responsible,
        tags=tuple(str(tag.get("name", "")) for tag in _entries(entry.get("tags")) if isinstance(tag, Mapping)),
    )


def _field(field: Any) -> Iterator[tuple[int, str]]:
    """Id and first value of a custom field; nothing of one that is empty or has another form."""
    field_id = _id(field.get("id")) if isinstance(field, Mapping) else None
    values = field.get("values") if field_id is not None else None
    first = values[0] if isinstance(values, list) and values else None
    value = first.get("value") if isinstance(first, Mapping) else first
    if field_id is not None and isinstance(value, str):
        yield field_id, value


def _lead_of_note(note: Any) -> int | None:
    """Under `leads` a note is about a lead even when it doesn't say so."""
    if not isinstance(note, Mapping):
        return None
    return _lead_of({"element_type": _LEAD, **note})


def _lead_of(entry: Mapping[str, Any]) -> int | None:
    if entry.get("element_type") == _LEAD or entry.get("entity_type") in ("lead", "leads"):
        return _id(entry.get("element_id")) or _id(entry.get("entity_id"))
    return None


def _id(value: Any) -> int | None:
    return int(value) if isinstance(value, str) and _ID.fullmatch(value) else None


def _label(name: str, action: str | None) -> str:
    """A key's name for the log. Whatever doesn't look like one of Kommo's could be a customer's words: not repeated."""
    if not _WORD.fullmatch(name):
        return "(unreadable key)"
    if action is None:
        return name
    return f"{name}[{action}]" if _WORD.fullmatch(action) else f"{name}[(unreadable key)]"
