"""What Kommo sends and takes, as data: leads, contacts, tasks, webhook settings. No call is made here."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

WON, LOST = 142, 143  # stage ids with the same meaning in every pipeline


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class KommoLead(_Read):
    """A lead as read. `fields` maps custom field id to its first value (text as shown to people)."""

    id: int
    name: str = ""
    status_id: int | None = None
    pipeline_id: int | None = None
    responsible_user_id: int | None = None
    updated_at: int = 0
    is_deleted: bool = False
    fields: dict[int, str] = Field(default_factory=dict)
    tags: tuple[str, ...] = ()
    contact_ids: tuple[int, ...] = ()

    @property
    def is_open(self) -> bool:
        """Neither won, lost nor deleted."""
        return not self.is_deleted and self.status_id not in (WON, LOST)


class KommoContact(_Read):
    """A contact as read; phones exactly as somebody typed them."""

    id: int
    name: str = ""
    phones: tuple[str, ...] = ()
    lead_ids: tuple[int, ...] = ()


class KommoTask(_Read):
    """A task as read. `result` is what the person wrote when completing it, empty without.

    `deadline` is aware UTC; what it means for a meeting (start or end) Kommo does not say.
    """

    id: int
    text: str = ""
    is_completed: bool = False
    deadline: datetime
    duration_s: int = 0
    responsible_user_id: int | None = None
    lead_id: int | None = None
    task_type_id: int | None = None
    result: str = ""
    updated_at: int = 0


class KommoWebhookSetting(_Read):
    """A webhook subscription as Kommo stores it."""

    destination: str
    settings: tuple[str, ...] = ()
    disabled: bool = False


def embedded(body: Any, name: str) -> list[dict[str, Any]]:
    """The list inside a HAL body; empty for no body, and for the [] that PHP makes of an empty object."""
    inside = body.get("_embedded") if isinstance(body, Mapping) else None
    return list(inside.get(name) or []) if isinstance(inside, Mapping) else []


def _field_values(item: Mapping[str, Any]) -> dict[int, list[str]]:
    """Custom field id → its values as text. Kommo sends null for no fields, numbers or text for values."""
    return {
        int(field["field_id"]): [str(v["value"]) for v in field.get("values") or [] if v.get("value") is not None]
        for field in item.get("custom_fields_values") or []
    }


def lead_from(item: Mapping[str, Any]) -> KommoLead:
    inside = item.get("_embedded") or {}
    return KommoLead(
        id=item["id"],
        name=item.get("name") or "",
        status_id=item.get("status_id"),
        pipeline_id=item.get("pipeline_id"),
        responsible_user_id=item.get("responsible_user_id"),
        updated_at=item.get("updated_at") or 0,
        is_deleted=bool(item.get("is_deleted")),
        fields={field_id: values[0] for field_id, values in _field_values(item).items() if values},
        tags=tuple(tag.get("name", "") for tag in inside.get("tags") or []),
        contact_ids=tuple(contact["id"] for contact in inside.get("contacts") or []),
    )


def contact_from(item: Mapping[str, Any]) -> KommoContact:
    phones = [value["value"] for value in phone_values(item)]
    leads = (item.get("_embedded") or {}).get("leads") or []
    return KommoContact(
        id=item["id"], name=item.get("name") or "", phones=tuple(phones), lead_ids=tuple(lead["id"] for lead in leads)
    )


def phone_values(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A contact's phones in the form in which they are written: value, and the kind of number if it has one."""
    return [
        {"value": str(value.get("value", "")), **{k: value[k] for k in ("enum_id", "enum_code") if value.get(k)}}
        for field in item.get("custom_fields_values") or []
        if field.get("field_code") == "PHONE"
        for value in field.get("values") or []
    ]


def task_from(item: Mapping[str, Any]) -> KommoTask:
    result = item.get("result")
    return KommoTask(
        id=item["id"],
        text=item.get("text") or "",
        is_completed=bool(item.get("is_completed")),
        deadline=datetime.fromtimestamp(int(item.get("complete_till") or 0), UTC),
        duration_s=int(item.get("duration") or 0),
        responsible_user_id=item.get("responsible_user_id"),
        lead_id=item.get("entity_id") if item.get("entity_type") == "leads" else None,
        task_type_id=item.get("task_type_id"),
        result=str(result.get("text") or "") if isinstance(result, Mapping) else "",  # no result is [], a PHP habit
        updated_at=item.get("updated_at") or 0,
    )


def fields_body(fields: Mapping[int, str]) -> list[dict[str, Any]]:
    """Custom field id → text as Kommo takes it; an empty text clears the field."""
    return [{"field_id": field_id, "values": [{"value": value}] if value else None} for field_id, value in fields.items()]


def lead_body(name: str, tags: Sequence[str], pipeline_id: int | None, status_id: int | None) -> dict[str, Any]:
    lead: dict[str, Any] = {"name": name, "_embedded": {"tags": [{"name": tag} for tag in tags]}}
    if pipeline_id is not None:
        lead["pipeline_id"] = pipeline_id
    if status_id is not None:
        lead["status_id"] = status_id
    return lead
