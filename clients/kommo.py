"""Kommo API v4: leads, contacts, tasks, notes, webhooks. Facts about the vendor; no rule of ours."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiolimiter import AsyncLimiter

from clients.errors import NoAnswerError, NotFoundError, RefusedError, ServiceError
from clients.kommo_batch import LeadWriter
from clients.kommo_errors import SERVICE, error_of, new_id
from clients.kommo_shapes import (
    LOST,
    WON,
    KommoContact,
    KommoLead,
    KommoTask,
    KommoWebhookSetting,
    contact_from,
    embedded,
    fields_body,
    lead_body,
    lead_from,
    phone_values,
    task_from,
)
from clients.transport import RetryPolicy, Transport
from clients.under_way import UnderWay

__all__ = ["LOST", "WON", "KommoClient", "KommoContact", "KommoLead", "KommoTask", "KommoWebhookSetting"]
_utc_now = partial(datetime.now, UTC)
_PAGE, _MAX_PAGES = 250, 40  # Kommo's largest page, and where a list that never ends is left


class KommoClient:
    """One Kommo account, seen through its long-lived token. At most 7 requests in any second."""

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        retry: RetryPolicy | None = None,
        requests_per_s: float = 7,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        """
        Args:
            base_url: The account's address, e.g. https://acme.kommo.com.
            now: The source of time, aware UTC.
        """
        self.base_url = base_url.rstrip("/")
        # A bucket of 1 that refills at (rate - 2) per second lets at most (rate - 1) leave in any one second. One is spare:
        # a call that has to open a connection arrives later than it left, and so closer to those behind it.
        refill = max(requests_per_s - 2, 0.5)
        self._http = Transport(
            SERVICE,
            self.base_url,
            {"authorization": f"Bearer {token}", "accept": "application/json", "user-agent": "Marcado/0.1"},
            error_of=error_of,
            retry=retry,
            limiter=AsyncLimiter(1, 1 / refill),
        )
        self._under_way = UnderWay(SERVICE, now)
        self._leads = LeadWriter(self._write_lead, self._write_leads)

    async def close(self) -> None:
        await self._http.close()

    def lead_url(self, lead_id: int) -> str:
        """The page a seller opens to see the lead."""
        return f"{self.base_url}/leads/detail/{lead_id}"

    async def account(self) -> dict[str, Any]:
        """The account's own record: id, name, subdomain, current_user_id and more."""
        return await self._http.call("read account", "GET", "/api/v4/account") or {}

    # Leads

    async def get_lead(self, lead_id: int) -> KommoLead | None:
        """The lead, None when it does not exist any more."""
        item = await self._read_one("read lead", "leads", lead_id, {"with": "contacts"})
        return lead_from(item) if item else None

    async def list_leads(self, lead_ids: Sequence[int]) -> list[KommoLead]:
        """Those of the leads that exist, most recently updated first."""
        if not lead_ids:
            return []
        items = await self._list("list leads", "leads", {"filter[id][]": [str(i) for i in lead_ids]})
        leads = [lead_from(item) for item in items if not item.get("is_deleted")]
        return sorted(leads, key=lambda lead: lead.updated_at, reverse=True)

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
        lead = lead_body(name, tags, pipeline_id, status_id)
        lead["_embedded"]["contacts"] = [{"id": contact_id}]
        body = await self._create("create lead", "/api/v4/leads", [lead])
        return new_id("create lead", embedded(body, "leads"))

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
        lead = lead_body(name, tags, pipeline_id, status_id)
        lead["_embedded"]["contacts"] = [
            {
                "name": contact_name,
                "custom_fields_values": [{"field_code": "PHONE", "values": [{"value": phone, "enum_code": "MOB"}]}],
            }
        ]
        operation = "create lead and contact"
        rows = await self._create(operation, "/api/v4/leads/complex", [lead])
        return new_id(operation, rows), new_id(operation, rows, "contact_id")

    async def update_lead(
        self,
        lead_id: int,
        *,
        fields: Mapping[int, str] | None = None,
        status_id: int | None = None,
        tags_to_add: Sequence[str] = (),
        tags_to_delete: Sequence[str] = (),
    ) -> None:
        """Writes only what is given; the rest of the lead stays. Safe to repeat. Updates that pile up go out in one call.

        Raises:
            NotFoundError: The lead was deleted or merged away.
        """
        change: dict[str, Any] = {}
        if fields:
            change["custom_fields_values"] = fields_body(fields)
        if status_id is not None:
            change["status_id"] = status_id
        if tags_to_add:
            change["tags_to_add"] = [{"name": tag} for tag in tags_to_add]
        if tags_to_delete:
            change["tags_to_delete"] = [{"name": tag} for tag in tags_to_delete]
        if change:
            await self._leads.write(lead_id, change)

    # Contacts

    async def find_contacts(self, query: str) -> list[KommoContact]:
        """Contacts whose name or fields contain the query. Kommo's matching is loose: compare the phones yourself."""
        items = await self._list("find contact", "contacts", {"query": query, "with": "leads"})
        return [contact_from(item) for item in items if not item.get("is_deleted")]

    async def get_contact(self, contact_id: int) -> KommoContact | None:
        """The contact with its leads, None when it does not exist."""
        item = await self._read_one("read contact", "contacts", contact_id, {"with": "leads"})
        return contact_from(item) if item else None

    async def add_phone(self, contact_id: int, phone: str) -> None:
        """One more phone number of the contact; those it has stay as somebody typed them. Safe to repeat.

        Raises:
            NotFoundError: The contact was deleted or merged away.
        """
        operation = "add phone"
        item = await self._read_one(operation, "contacts", contact_id)
        if item is None:
            raise NotFoundError(SERVICE, operation, "it is not there any more")
        values = phone_values(item)
        if phone not in [value["value"] for value in values]:
            # A field is written whole: what is left out is lost.
            field = {"field_code": "PHONE", "values": [*values, {"value": phone, "enum_code": "MOB"}]}
            await self._change(operation, "contacts", contact_id, {"custom_fields_values": [field]})

    # Tasks

    async def get_task(self, task_id: int) -> KommoTask | None:
        """The task, None when somebody deleted it."""
        # By the list, in one call: reading a task by its id is not in Kommo's reference, the answer for a missing one is not
        # documented, and taking a living task for a deleted one cancels a meeting.
        return next(iter(await self.list_tasks_by_id([task_id])), None)

    async def list_tasks_by_id(self, task_ids: Sequence[int]) -> list[KommoTask]:
        """Those of the tasks that exist, open and completed."""
        if not task_ids:
            return []
        items = await self._list("read tasks", "tasks", {"filter[id][]": [str(i) for i in task_ids]})
        return [task_from(item) for item in items if item.get("id") in task_ids]

    async def list_open_tasks(self, task_type_id: int, since: datetime) -> list[KommoTask]:
        """Open tasks of a type that were made or changed since then."""
        wanted = {
            "filter[task_type][]": task_type_id,
            "filter[is_completed]": 0,
            "filter[updated_at][from]": int(since.timestamp()),
        }
        found = [task_from(item) for item in await self._list("list open tasks", "tasks", wanted)]
        return [task for task in found if task.task_type_id == task_type_id and not task.is_completed]

    async def list_tasks(self, lead_id: int) -> list[KommoTask]:
        """All tasks of a lead, open and completed."""
        items = await self._list("list tasks", "tasks", {"filter[entity_type]": "leads", "filter[entity_id][]": lead_id})
        return [task_from(item) for item in items]

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
        body = await self._create("create task", "/api/v4/tasks", [task])
        return new_id("create task", embedded(body, "tasks"))

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
        await self._change("update task", "tasks", task_id, {k: v for k, v in values.items() if v is not None})

    async def complete_task(self, task_id: int, result: str) -> None:
        """Closes the task with a result text (some accounts refuse closing without one). Safe to repeat.

        Raises:
            NotFoundError: The task was deleted.
        """
        await self._change("complete task", "tasks", task_id, {"is_completed": True, "result": {"text": result}})

    async def reopen_task(self, task_id: int) -> None:
        """Opens a completed task again; its result stays. Safe to repeat.

        Raises:
            NotFoundError: The task was deleted.
        """
        await self._change("reopen task", "tasks", task_id, {"is_completed": False})

    # Notes

    async def add_note(self, lead_id: int, text: str) -> int:
        """A common note on the lead; returns its id. Not safe to repeat: look through the lead's notes first."""
        note = {"note_type": "common", "params": {"text": text}}
        path, template = f"/api/v4/leads/{lead_id}/notes", "/api/v4/leads/{id}/notes"
        body = await self._create("add note", path, [note], template)
        return new_id("add note", embedded(body, "notes"))

    async def add_notes(self, notes: Sequence[tuple[int, str]]) -> None:
        """Common notes on several leads (lead id, text) in one call. Not safe to repeat: look through the leads' notes first."""
        body = [{"entity_id": lead_id, "note_type": "common", "params": {"text": text}} for lead_id, text in notes]
        await self._create("add notes", "/api/v4/leads/notes", body)

    async def list_notes(self, lead_id: int) -> list[str]:
        """The texts of the lead's common notes; none for a lead that is gone."""
        return list((await self.notes_by_id(lead_id)).values())

    async def notes_by_id(self, lead_id: int) -> dict[int, str]:
        """Id and text of the lead's common notes; none for a lead that is gone."""
        try:
            items = await self._list("list notes", "notes", {"filter[note_type][]": "common"}, owner=lead_id)
        except NotFoundError:
            return {}
        return {int(item["id"]): str((item.get("params") or {}).get("text", "")) for item in items}

    async def rewrite_note(self, note_id: int, text: str) -> None:
        """Gives a common note of a lead another text: Kommo has no way to delete one. Safe to repeat."""
        change = {"note_type": "common", "params": {"text": text}}
        path, template = f"/api/v4/leads/notes/{note_id}", "/api/v4/leads/notes/{id}"
        await self._http.call("rewrite note", "PATCH", path, template=template, json=change, safe=True)

    # Webhooks

    async def get_webhook(self, destination: str) -> KommoWebhookSetting | None:
        """Our subscription at that address, None when there is none."""
        body = await self._http.call("read webhook", "GET", "/api/v4/webhooks", params={"filter[destination]": destination})
        hooks = [KommoWebhookSetting.model_validate(item) for item in embedded(body, "webhooks")]
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

    async def _write_lead(self, lead_id: int, change: dict[str, Any]) -> None:
        try:
            await self._change("update lead", "leads", lead_id, change)
        except RefusedError:
            fields = change.get("custom_fields_values") or []
            if all(field["values"] for field in fields):
                raise
            # Kommo documents no way to empty a field; null and [] are both in use.
            emptied = [{**field, "values": field["values"] or []} for field in fields]
            await self._change("update lead", "leads", lead_id, {**change, "custom_fields_values": emptied})

    async def _write_leads(self, changes: dict[int, dict[str, Any]]) -> set[int]:
        body = [{"id": lead_id, **change} for lead_id, change in changes.items()]
        answer = await self._http.call("update leads", "PATCH", "/api/v4/leads", json=body, safe=True)
        return {int(item["id"]) for item in embedded(answer, "leads") if "id" in item}

    async def _read_one(
        self, operation: str, name: str, entity_id: int, params: Mapping[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """The entity; None when its own address and the list both say that it is not there, or it is in the bin.

        A look at the list comes before "gone", because taking a living task for a deleted one cancels a meeting: reading a task
        by its id is not in Kommo's reference, the answer for a missing one is not documented (204 and 404 are both seen), and
        204 was reported for a contact that exists.
        """
        path = f"/api/v4/{name}"
        item: dict[str, Any] | None
        try:
            item = await self._http.call(operation, "GET", f"{path}/{entity_id}", template=f"{path}/{{id}}", params=params)
        except (NotFoundError, RefusedError):
            item = None
        if not item:
            found = await self._list(operation, name, {**(params or {}), "filter[id][]": str(entity_id)})
            item = next((one for one in found if one.get("id") == entity_id), None)
        return None if item is None or item.get("is_deleted") else item

    async def _list(
        self, operation: str, name: str, params: Mapping[str, Any], *, owner: int | None = None
    ) -> list[dict[str, Any]]:
        """All pages of a list (of the lead `owner`'s own list, when given). An empty one is a 204 without a body."""
        path = f"/api/v4/{name}" if owner is None else f"/api/v4/leads/{owner}/{name}"
        template = path if owner is None else f"/api/v4/leads/{{id}}/{name}"
        found: list[dict[str, Any]] = []
        for page in range(1, _MAX_PAGES + 1):
            query = {**params, "limit": _PAGE, "page": page}
            try:
                body = await self._http.call(operation, "GET", path, template=template, params=query)
            except NotFoundError:
                if owner is not None:
                    raise
                # The lists of an account always exist: something else than Kommo has answered.
                raise RefusedError(SERVICE, operation, "status 404: is KOMMO_BASE_URL right?") from None
            found += embedded(body, name)
            if not body or "next" not in (body.get("_links") or {}):
                break
        return found

    async def _create(self, operation: str, path: str, items: list[dict[str, Any]], template: str | None = None) -> Any:
        """What a slow server may still be making is not asked for again, so that a look can find it first."""
        self._under_way.check(operation, path, items)
        try:
            return await self._http.call(operation, "POST", path, template=template, json=items)
        except NoAnswerError:
            self._under_way.note(path, items)
            raise

    async def _change(self, operation: str, name: str, entity_id: int, change: dict[str, Any]) -> None:
        """Changes one entity; an empty change, which Kommo refuses, is none. Safe to repeat.

        Raises:
            NotFoundError: It is not there any more. How Kommo says so is not documented (404, 400 and an empty 204 are all
                possible), so that anything but a plain success is followed by a look.
        """
        if not change:
            return
        path, template = f"/api/v4/{name}/{entity_id}", f"/api/v4/{name}/{{id}}"
        refusal: ServiceError | None = None
        try:
            if await self._http.call(operation, "PATCH", path, template=template, json=change, safe=True) is not None:
                return
        except (RefusedError, NotFoundError) as error:
            refusal = error
        if await self._read_one(operation, name, entity_id) is None:
            raise NotFoundError(SERVICE, operation, "it is not there any more") from None
        if refusal:
            raise RefusedError(SERVICE, operation, refusal.detail) from None
