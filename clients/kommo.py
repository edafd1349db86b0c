"""Kommo API v4: leads, contacts, tasks, notes, webhooks. Facts about the vendor; no rule of ours."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
from aiolimiter import AsyncLimiter
from pydantic import BaseModel, ConfigDict, Field

from clients.errors import (
    BusyError,
    LoginRefusedError,
    NotFoundError,
    RefusedError,
    ServiceError,
)
from clients.transport import RetryPolicy, Transport, retry_after_s, server_trouble

SERVICE = "Kommo"
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


class KommoClient:
    """One Kommo account, seen through its long-lived token. At most 7 requests in any second."""

    def __init__(self, base_url: str, token: str, *, retry: RetryPolicy | None = None, requests_per_s: float = 7) -> None:
        """`base_url` is the account's address, e.g. https://acme.kommo.com."""
        self.base_url = base_url
        # A bucket of 2 that refills at (rate - 2) per second never lets more than `rate` through in any one second.
        refill = max(requests_per_s - 2, 0.5)
        self._http = Transport(
            SERVICE,
            base_url,
            {"authorization": f"Bearer {token}", "accept": "application/json", "user-agent": "Marcado/0.1"},
            error_of=_error_of,
            retry=retry,
            limiter=AsyncLimiter(2, 2 / refill),
        )

    async def close(self) -> None:
        await self._http.close()

    def lead_url(self, lead_id: int) -> str:
        """The page a seller opens to see the lead."""
        return f"{self.base_url}/leads/detail/{lead_id}"

    async def account(self) -> dict[str, Any]:
        """The account's own record: id, name, subdomain, current_user_id, …"""
        return await self._get("read account", "/api/v4/account") or {}

    # Leads

    async def get_lead(self, lead_id: int) -> KommoLead | None:
        """The lead, None when it does not exist any more."""
        body = await self._get("read lead", f"/api/v4/leads/{lead_id}", "/api/v4/leads/{id}", {"with": "contacts"})
        lead = _lead(body) if body else None
        return None if lead is None or lead.is_deleted else lead

    async def list_leads(self, lead_ids: Sequence[int]) -> list[KommoLead]:
        """Those of the leads that exist, most recently updated first."""
        if not lead_ids:
            return []
        params = {"filter[id][]": [str(i) for i in lead_ids], "limit": 250, "order[updated_at]": "desc"}
        body = await self._get("list leads", "/api/v4/leads", params=params)
        leads = [_lead(item) for item in _embedded(body, "leads")]
        return sorted((x for x in leads if not x.is_deleted), key=lambda x: x.updated_at, reverse=True)

    async def create_lead(
        self,
        name: str,
        *,
        contact_id: int,
        tags: Sequence[str] = (),
        pipeline_id: int | None = None,
        status_id: int | None = None,
    ) -> int:
        """A new lead of an existing contact; returns its id. Not safe to repeat: look for it first."""
        lead = _lead_body(name, tags, pipeline_id, status_id)
        lead["_embedded"]["contacts"] = [{"id": contact_id}]
        body = await self._post("create lead", "/api/v4/leads", [lead])
        return int(_embedded(body, "leads")[0]["id"])

    async def create_lead_with_contact(
        self,
        name: str,
        *,
        contact_name: str,
        phone: str,
        tags: Sequence[str] = (),
        pipeline_id: int | None = None,
        status_id: int | None = None,
    ) -> tuple[int, int]:
        """A new lead with a new contact; returns (lead id, contact id). Not safe to repeat: look for the phone first."""
        lead = _lead_body(name, tags, pipeline_id, status_id)
        lead["_embedded"]["contacts"] = [
            {
                "name": contact_name,
                "custom_fields_values": [{"field_code": "PHONE", "values": [{"value": phone, "enum_code": "MOB"}]}],
            }
        ]
        body = await self._post("create lead and contact", "/api/v4/leads/complex", [lead])
        return int(body[0]["id"]), int(body[0]["contact_id"])

    async def update_lead(
        self,
        lead_id: int,
        *,
        fields: Mapping[int, str] | None = None,
        status_id: int | None = None,
        tags_to_add: Sequence[str] = (),
    ) -> None:
        """Writes only what is given; the rest of the lead stays. Safe to repeat.

        Raises:
            NotFoundError: The lead was deleted or merged away.
        """
        change: dict[str, Any] = {}
        if fields:
            change["custom_fields_values"] = [
                {"field_id": field_id, "values": [{"value": value}] if value else None} for field_id, value in fields.items()
            ]
        if status_id is not None:
            change["status_id"] = status_id
        if tags_to_add:
            change["tags_to_add"] = [{"name": tag} for tag in tags_to_add]
        await self._http.call(
            "update lead", "PATCH", f"/api/v4/leads/{lead_id}", template="/api/v4/leads/{id}", json=change, safe=True
        )

    # Contacts

    async def find_contacts(self, query: str) -> list[KommoContact]:
        """Contacts whose name or fields contain the query. Kommo's matching is loose: compare the phones yourself."""
        body = await self._get("find contact", "/api/v4/contacts", params={"query": query, "with": "leads", "limit": 50})
        return [_contact(item) for item in _embedded(body, "contacts")]

    async def get_contact(self, contact_id: int) -> KommoContact | None:
        """The contact with its leads, None when it does not exist."""
        path = f"/api/v4/contacts/{contact_id}"
        body = await self._get("read contact", path, "/api/v4/contacts/{id}", {"with": "leads"})
        return _contact(body) if body else None

    # Tasks

    async def get_task(self, task_id: int) -> KommoTask | None:
        """The task, None when somebody deleted it."""
        body = await self._get("read task", f"/api/v4/tasks/{task_id}", "/api/v4/tasks/{id}")
        return _task(body) if body else None

    async def list_tasks(self, lead_id: int) -> list[KommoTask]:
        """All tasks of a lead, open and completed."""
        params = {"filter[entity_type]": "leads", "filter[entity_id][]": lead_id, "limit": 250}
        body = await self._get("list tasks", "/api/v4/tasks", params=params)
        return [_task(item) for item in _embedded(body, "tasks")]

    async def create_task(
        self,
        lead_id: int,
        *,
        text: str,
        deadline: datetime,
        duration_s: int = 0,
        task_type_id: int,
        responsible_user_id: int | None = None,
    ) -> int:
        """A new task on a lead; returns its id. Not safe to repeat: look through the lead's tasks first."""
        task: dict[str, Any] = {
            "entity_id": lead_id,
            "entity_type": "leads",
            "task_type_id": task_type_id,
            "text": text,
            "complete_till": int(deadline.timestamp()),
            "duration": duration_s,
        }
        if responsible_user_id is not None:
            task["responsible_user_id"] = responsible_user_id
        body = await self._post("create task", "/api/v4/tasks", [task])
        return int(_embedded(body, "tasks")[0]["id"])

    async def update_task(
        self,
        task_id: int,
        *,
        text: str | None = None,
        deadline: datetime | None = None,
        duration_s: int | None = None,
        responsible_user_id: int | None = None,
    ) -> None:
        """Writes only what is given. Safe to repeat. Raises NotFoundError when the task was deleted."""
        values = {
            "text": text,
            "complete_till": int(deadline.timestamp()) if deadline else None,
            "duration": duration_s,
            "responsible_user_id": responsible_user_id,
        }
        await self._patch_task("update task", task_id, {k: v for k, v in values.items() if v is not None})

    async def complete_task(self, task_id: int, result: str) -> None:
        """Closes the task with a result text (some accounts refuse closing without one). Safe to repeat."""
        await self._patch_task("complete task", task_id, {"is_completed": True, "result": {"text": result}})

    async def _patch_task(self, operation: str, task_id: int, change: dict[str, Any]) -> None:
        path = f"/api/v4/tasks/{task_id}"
        await self._http.call(operation, "PATCH", path, template="/api/v4/tasks/{id}", json=change, safe=True)

    # Notes

    async def add_note(self, lead_id: int, text: str) -> int:
        """A common note on the lead; returns its id. Not safe to repeat: look through the lead's notes first."""
        note = {"note_type": "common", "params": {"text": text}}
        path = f"/api/v4/leads/{lead_id}/notes"
        answer = await self._http.call("add note", "POST", path, template="/api/v4/leads/{id}/notes", json=[note])
        return int(_embedded(answer.json(), "notes")[0]["id"])

    async def list_notes(self, lead_id: int) -> list[str]:
        """The texts of the lead's common notes."""
        params = {"filter[note_type][]": "common", "limit": 250}
        body = await self._get("list notes", f"/api/v4/leads/{lead_id}/notes", "/api/v4/leads/{id}/notes", params)
        return [str((item.get("params") or {}).get("text", "")) for item in _embedded(body, "notes")]

    # Webhooks

    async def get_webhook(self, destination: str) -> KommoWebhookSetting | None:
        """Our subscription at that address, None when there is none."""
        body = await self._get("read webhook", "/api/v4/webhooks", params={"filter[destination]": destination})
        hooks = [KommoWebhookSetting.model_validate(item) for item in _embedded(body, "webhooks")]
        return next((hook for hook in hooks if hook.destination == destination), None)

    async def set_webhook(self, destination: str, settings: Sequence[str]) -> None:
        """Subscribes, or replaces the settings of an existing subscription. Safe to repeat."""
        body = {"destination": destination, "settings": list(settings)}
        await self._http.call("set webhook", "POST", "/api/v4/webhooks", json=body, safe=True)

    async def delete_webhook(self, destination: str) -> None:
        """Ends the subscription; one that does not exist is fine."""
        try:
            await self._http.call("delete webhook", "DELETE", "/api/v4/webhooks", json={"destination": destination}, safe=True)
        except NotFoundError:
            return

    async def _get(
        self, operation: str, path: str, template: str | None = None, params: Mapping[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """The body, None when Kommo says that there is nothing (204, sometimes 404)."""
        try:
            answer = await self._http.call(operation, "GET", path, template=template, params=params)
        except NotFoundError:
            return None
        if answer.status_code == 204 or not answer.content:
            return None
        body: dict[str, Any] = answer.json()
        return body

    async def _post(self, operation: str, path: str, body: Any) -> Any:
        return (await self._http.call(operation, "POST", path, json=body)).json()


def _error_of(answer: httpx.Response, operation: str, is_safe: bool) -> ServiceError:
    status = answer.status_code
    if status == 429:
        return BusyError(SERVICE, operation, "status 429", _wait_s(answer))
    if status in (401, 402, 403):
        # A block after repeated 429 is plain HTML; a token or rights problem is problem+json.
        is_block = "json" not in answer.headers.get("content-type", "")
        what = "blocked address" if status == 403 and is_block else f"status {status}"
        return LoginRefusedError(SERVICE, operation, what)
    if status == 404:
        return NotFoundError(SERVICE, operation, "status 404")
    if status >= 500:
        return server_trouble(SERVICE, operation, answer, is_safe)
    return RefusedError(SERVICE, operation, f"status {status}{_codes(answer)}")


def _wait_s(answer: httpx.Response) -> float | None:
    """Kommo documents `retry_after` in the body only; a header is honoured as well."""
    header = retry_after_s(answer)
    if header is not None:
        return header
    try:
        value = answer.json().get("retry_after")
    except (ValueError, AttributeError):
        return None
    return float(value) if isinstance(value, int | float) else None


def _codes(answer: httpx.Response) -> str:
    """The validation codes and paths, e.g. ", NotSupportedChoice at custom_fields_values.0"; never the values."""
    try:
        groups = answer.json().get("validation-errors") or []
        errors = [e for group in groups for e in group.get("errors", [])]
        return "".join(f", {e.get('code')} at {e.get('path')}" for e in errors[:5])
    except (ValueError, AttributeError):
        return ""


def _embedded(body: Any, name: str) -> list[dict[str, Any]]:
    return list(((body or {}).get("_embedded") or {}).get(name) or [])


def _field_values(item: Mapping[str, Any]) -> dict[int, list[str]]:
    """Custom field id → its values as text. Kommo sends null for no fields, numbers or text for values."""
    return {
        int(field["field_id"]): [str(v.get("value", "")) for v in field.get("values") or []]
        for field in item.get("custom_fields_values") or []
    }


def _lead(item: Mapping[str, Any]) -> KommoLead:
    embedded = item.get("_embedded") or {}
    return KommoLead(
        id=item["id"],
        name=item.get("name") or "",
        status_id=item.get("status_id"),
        pipeline_id=item.get("pipeline_id"),
        responsible_user_id=item.get("responsible_user_id"),
        updated_at=item.get("updated_at") or 0,
        is_deleted=bool(item.get("is_deleted")),
        fields={field_id: values[0] for field_id, values in _field_values(item).items() if values},
        tags=tuple(tag.get("name", "") for tag in embedded.get("tags") or []),
        contact_ids=tuple(contact["id"] for contact in embedded.get("contacts") or []),
    )


def _contact(item: Mapping[str, Any]) -> KommoContact:
    phones = [
        str(value.get("value", ""))
        for field in item.get("custom_fields_values") or []
        if field.get("field_code") == "PHONE"
        for value in field.get("values") or []
    ]
    leads = (item.get("_embedded") or {}).get("leads") or []
    return KommoContact(
        id=item["id"], name=item.get("name") or "", phones=tuple(phones), lead_ids=tuple(lead["id"] for lead in leads)
    )


def _task(item: Mapping[str, Any]) -> KommoTask:
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


def _lead_body(name: str, tags: Sequence[str], pipeline_id: int | None, status_id: int | None) -> dict[str, Any]:
    lead: dict[str, Any] = {"name": name, "_embedded": {"tags": [{"name": tag} for tag in tags]}}
    if pipeline_id is not None:
        lead["pipeline_id"] = pipeline_id
    if status_id is not None:
        lead["status_id"] = status_id
    return lead
