"""/tasks: list, read, create, change. Nobody can delete a task here: 403."""

from typing import Any, NoReturn

from sandbox.kommo import tasks
from sandbox.kommo.call import Call, Handler, check_all, gone
from sandbox.kommo.lists import Filters, embedded, ordered, page
from sandbox.kommo.problems import refuse
from sandbox.kommo.state import ENTITY_TYPES, Task


def list_tasks(call: Call) -> dict[str, Any] | None:
    filters = Filters(call)
    entity_types = filters.texts("entity_type")
    if filters.texts("entity_id") is not None and not entity_types:
        raise refuse(400, "filter[entity_id] needs filter[entity_type]")
    if entity_types and entity_types - set(ENTITY_TYPES):
        raise refuse(400, "filter[entity_type]: the value you selected is not a valid choice")
    rows = [task for task in call.core.state.tasks.values() if _is_wanted(filters, task)]
    keys = {
        "id": lambda task: task.id,
        "created_at": lambda task: task.created_at,
        "complete_till": lambda task: task.complete_till,
    }
    return page(call, "tasks", ordered(call, rows, keys), lambda task: tasks.show(call.core, call.base, task))


def _is_wanted(filters: Filters, task: Task) -> bool:
    equal = ("id", "responsible_user_id", "created_by", "entity_type", "entity_id", "task_type_id")
    return (
        all(filters.allows(key, getattr(task, key)) for key in equal)
        and filters.allows("task_type", task.task_type_id)
        and filters.allows("is_completed", int(task.is_completed))
        and filters.spans("updated_at", task.updated_at)
    )


def read_task(call: Call) -> dict[str, Any] | None:
    task = call.core.state.tasks.get(call.number())
    if task is None and call.core.state.options.missing_task == 404:
        raise refuse(404)
    return tasks.show(call.core, call.base, task) if task else None


def add_tasks(call: Call) -> dict[str, Any]:
    changes = check_all(call.items(), lambda item: tasks.read_change(call.core, item, None))
    made = [(request_id, tasks.create(call.core, call.actor, change)) for request_id, change in changes]
    rows = [{"id": t.id, "request_id": request_id, "_links": call.link("tasks", t.id)} for request_id, t in made]
    return embedded(call, "tasks", rows)


def change_tasks(call: Call) -> dict[str, Any]:
    items = call.items()
    found = [_existing(call, item.get("id")) for item in items]
    targets = iter(found)
    changes = check_all(items, lambda item: tasks.read_change(call.core, item, next(targets)))
    for task, (_, change) in zip(found, changes, strict=True):
        tasks.change(call.core, call.actor, task, change)
    rows = [_changed(call, task, request_id) for task, (request_id, _) in zip(found, changes, strict=True)]
    return embedded(call, "tasks", rows)


def change_task(call: Call) -> dict[str, Any]:
    task = _existing(call, call.number())
    [(request_id, change)] = check_all([call.obj()], lambda item: tasks.read_change(call.core, item, task))
    tasks.change(call.core, call.actor, task, change)
    row = _changed(call, task, request_id)
    return embedded(call, "tasks", [row]) if call.core.state.options.single_patch == "wrapped" else row


def refuse_delete(call: Call) -> NoReturn:
    raise refuse(403, "Forbidden")


def _existing(call: Call, task_id: Any) -> Task:
    task = call.core.state.tasks.get(task_id) if isinstance(task_id, int) else None
    if task is None:
        raise gone(call.core)
    return task


def _changed(call: Call, task: Task, request_id: str) -> dict[str, Any]:
    links = call.link("tasks", task.id)
    return {"id": task.id, "updated_at": task.updated_at, "request_id": request_id, "_links": links}


ROUTES: dict[str, dict[str, Handler]] = {
    "/tasks": {"GET": list_tasks, "POST": add_tasks, "PATCH": change_tasks, "DELETE": refuse_delete},
    "/tasks/{id:int}": {"GET": read_task, "PATCH": change_task, "DELETE": refuse_delete},
}
