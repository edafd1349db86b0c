"""/account, /users, /leads/pipelines, /events: what is read about the account itself."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.kommo.call import Call, Handler
from sandbox.kommo.lists import Filters, page
from sandbox.kommo.problems import refuse
from sandbox.kommo.state import Event, Pipeline, Stage, TaskType, User

MAX_EVENT_IDS = 10
_AMOJO_ID = "0d3b2c5e-6a1f-4e57-9f0e-32720107aaaa"


def read_account(call: Call) -> dict[str, Any]:
    account = call.core.state.account
    shown: dict[str, Any] = {
        "id": account.id,
        "name": account.name,
        "subdomain": account.subdomain,
        "created_at": account.created_at,
        "created_by": 0,
        "updated_at": account.created_at,
        "updated_by": 0,
        "current_user_id": call.actor,
        "country": account.country,
        "currency": account.currency,
        "currency_symbol": account.currency_symbol,
        "customers_mode": "unavailable",
        "is_unsorted_on": True,
        "mobile_feature_version": 0,
        "is_loss_reason_enabled": False,
        "is_helpbot_enabled": False,
        "is_technical_account": False,
        "contact_name_display_order": 1,
        "language": account.language,
    }
    extras = {
        "amojo_id": _AMOJO_ID,
        "uuid": "5f6a7b8c-0000-4000-8000-000032720107",
        "drive_url": "https://drive-c.kommo.com",
        "version": 12,
    }
    shown.update({key: value for key, value in extras.items() if key in call.wanted})
    shown["_links"] = call.link("account")
    embedded = _account_embedded(call)
    return {**shown, "_embedded": embedded} if embedded else shown


def _account_embedded(call: Call) -> dict[str, Any]:
    embedded: dict[str, Any] = {}
    if call.wanted & {"users_groups", "user_groups"}:
        embedded["users_groups"] = [{"id": 0, "name": "Departamento de vendas", "uuid": None}]
    if "task_types" in call.wanted:
        embedded["task_types"] = [_show_task_type(kind) for kind in call.core.state.task_types]
    if "datetime_settings" in call.wanted:
        zone = call.core.state.account.timezone
        offset = datetime.fromtimestamp(call.core.now(), UTC).astimezone(ZoneInfo(zone)).strftime("%z")
        embedded["datetime_settings"] = {
            "date_pattern": "d.m.Y H:i",
            "short_date_pattern": "d.m.Y",
            "short_time_pattern": "H:i",
            "date_format": "d.m.Y",
            "time_format": "H:i:s",
            "timezone": zone,
            "timezone_offset": f"{offset[:3]}:{offset[3:]}",
        }
    return embedded


def _show_task_type(kind: TaskType) -> dict[str, Any]:
    return {"id": kind.id, "name": kind.name, "color": kind.color, "icon_id": kind.icon_id, "code": kind.code}


def list_users(call: Call) -> dict[str, Any] | None:
    call.need_admin()
    rows = sorted(call.core.state.users.values(), key=lambda user: user.id)
    return page(call, "users", rows, lambda user: _show_user(call, user), counted=True)


def read_user(call: Call) -> dict[str, Any]:
    call.need_admin()
    user = call.core.user(call.number())
    if user is None:
        raise refuse(404)
    return _show_user(call, user)


def _show_user(call: Call, user: User) -> dict[str, Any]:
    rights = {"view": "A", "edit": "A", "add": "A", "delete": "A", "export": "A"}
    shown = {
        "id": user.id,
        "name": user.name,
        "email": user.email,
        "lang": user.lang,
        "rights": {
            "leads": rights,
            "contacts": rights,
            "companies": rights,
            "tasks": {"edit": "A", "delete": "A"},
            "mail_access": False,
            "catalog_access": True,
            "status_rights": None,
            "is_admin": user.is_admin,
            "is_free": False,
            "is_active": user.is_active,
            "group_id": None,
            "role_id": None,
        },
        "_links": call.link("users", user.id),
    }
    asked = {"role": "roles", "group": "groups"}
    embedded: dict[str, Any] = {key: [] for word, key in asked.items() if word in call.wanted}
    return {**shown, "_embedded": embedded} if embedded else shown


def list_pipelines(call: Call) -> dict[str, Any]:
    rows = [_show_pipeline(call, pipeline) for pipeline in _pipelines(call)]
    links = call.link("leads", "pipelines")
    return {"_total_items": len(rows), "_links": links, "_embedded": {"pipelines": rows}}


def _pipelines(call: Call) -> list[Pipeline]:
    return sorted(call.core.state.pipelines.values(), key=lambda pipeline: pipeline.sort)


def _pipeline(call: Call) -> Pipeline:
    pipeline = call.core.state.pipelines.get(call.number())
    if pipeline is None:
        raise refuse(404)
    return pipeline


def read_pipeline(call: Call) -> dict[str, Any]:
    return _show_pipeline(call, _pipeline(call))


def list_stages(call: Call) -> dict[str, Any]:
    pipeline = _pipeline(call)
    rows = [_show_stage(call, pipeline, stage) for stage in pipeline.stages]
    return {"_total_items": len(rows), "_embedded": {"statuses": rows}}


def read_stage(call: Call) -> dict[str, Any]:
    pipeline = _pipeline(call)
    stage = pipeline.stage(call.number("stage_id"))
    if stage is None:
        raise refuse(404)
    return _show_stage(call, pipeline, stage)


def _show_pipeline(call: Call, pipeline: Pipeline) -> dict[str, Any]:
    return {
        "id": pipeline.id,
        "name": pipeline.name,
        "sort": pipeline.sort,
        "is_main": pipeline.is_main,
        "is_unsorted_on": True,
        "is_archive": False,
        "account_id": call.core.state.account.id,
        "_links": call.link("leads", "pipelines", pipeline.id),
        "_embedded": {"statuses": [_show_stage(call, pipeline, stage) for stage in pipeline.stages]},
    }


def _show_stage(call: Call, pipeline: Pipeline, stage: Stage) -> dict[str, Any]:
    return {
        "id": stage.id,
        "name": stage.name,
        "sort": stage.sort,
        "is_editable": stage.is_editable,
        "pipeline_id": pipeline.id,
        "color": stage.color,
        "type": stage.type,
        "account_id": call.core.state.account.id,
        "_links": call.link("leads", "pipelines", pipeline.id, "statuses", stage.id),
    }


def list_events(call: Call) -> dict[str, Any] | None:
    """The journal, newest first. Its filters take comma separated lists; entity names are singular."""
    filters = Filters(call)
    entities, entity_ids = filters.texts("entity"), filters.ids("entity_id")
    if entity_ids is not None and (entities is None or len(entities) != 1):
        raise refuse(400, "filter[entity_id] needs exactly one filter[entity]")
    if entity_ids is not None and len(entity_ids) > MAX_EVENT_IDS:
        raise refuse(400, f"filter[entity_id] takes at most {MAX_EVENT_IDS} values")
    rows = [event for event in reversed(call.core.state.events) if _is_wanted(filters, event)]
    return page(call, "events", rows, lambda event: _show_event(call, event))


def _is_wanted(filters: Filters, event: Event) -> bool:
    return (
        filters.allows("id", event.id)
        and filters.allows("type", event.type)
        and filters.allows("entity", event.entity_type)
        and filters.allows("entity_id", event.entity_id)
        and filters.allows("created_by", event.created_by)
        and filters.spans("created_at", event.created_at)
    )


def read_event(call: Call) -> dict[str, Any] | None:
    event = next((e for e in call.core.state.events if e.id == call.path["event_id"]), None)
    return _show_event(call, event) if event else None


def _show_event(call: Call, event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "type": event.type,
        "entity_id": event.entity_id,
        "entity_type": event.entity_type,
        "created_by": event.created_by,
        "created_at": event.created_at,
        "value_after": event.value_after,
        "value_before": event.value_before,
        "account_id": call.core.state.account.id,
        "_links": call.link("events", event.id),
        "_embedded": {"entity": {"id": event.entity_id}},
    }


ROUTES: dict[str, dict[str, Handler]] = {
    "/account": {"GET": read_account},
    "/users": {"GET": list_users},
    "/users/{id:int}": {"GET": read_user},
    "/leads/pipelines": {"GET": list_pipelines},
    "/leads/pipelines/{id:int}": {"GET": read_pipeline},
    "/leads/pipelines/{id:int}/statuses": {"GET": list_stages},
    "/leads/pipelines/{id:int}/statuses/{stage_id:int}": {"GET": read_stage},
    "/events": {"GET": list_events},
    "/events/{event_id}": {"GET": read_event},
}
