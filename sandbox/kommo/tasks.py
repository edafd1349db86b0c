"""Tasks: what a write may say, what it does, how a task is shown."""

from dataclasses import dataclass
from typing import Any

from sandbox.kommo import bodies
from sandbox.kommo.core import Core
from sandbox.kommo.leads import read_user
from sandbox.kommo.reader import Reader
from sandbox.kommo.state import ENTITY_TYPES, Task

# Deadlines beyond the year 5000 are milliseconds taken for seconds.
_LATEST_DEADLINE = 95_617_584_000


@dataclass
class TaskChange:
    """A checked write. None leaves a thing as it is."""

    text: str | None = None
    complete_till: int | None = None
    duration: int | None = None
    task_type_id: int | None = None
    responsible_user_id: int | None = None
    is_completed: bool | None = None
    result: str | None = None
    entity_type: str | None = None
    entity_id: int | None = None
    created_by: int | None = None
    created_at: int | None = None


def read_change(core: Core, item: Reader, task: Task | None) -> TaskChange:
    """Check one item of a POST (`task` is None) or PATCH; faults are noted on the item."""
    if task is None:
        item.need("text", "complete_till")
    wanted = TaskChange(
        text=item.text("text"),
        complete_till=_read_deadline(item),
        duration=item.integer("duration"),
        task_type_id=item.integer("task_type_id"),
        responsible_user_id=read_user(core, item, "responsible_user_id"),
        is_completed=item.flag("is_completed"),
        result=item.child("result").text("text"),
        created_by=read_user(core, item, "created_by"),
        created_at=item.integer("created_at"),
    )
    types = {kind.id for kind in core.state.task_types}
    if wanted.task_type_id is not None and wanted.task_type_id not in types:
        item.bad_choice("task_type_id")
    _read_entity(core, item, wanted)
    closes = wanted.is_completed and not (task and task.is_completed)
    if closes and not wanted.result and core.state.options.task_close_needs_result:
        item.need("result")
    return wanted


def _read_deadline(item: Reader) -> int | None:
    deadline = item.integer("complete_till")
    if deadline is not None and not 0 <= deadline <= _LATEST_DEADLINE:
        item.bad_choice("complete_till")
        return None
    return deadline


def _read_entity(core: Core, item: Reader, wanted: TaskChange) -> None:
    entity_type, entity_id = item.text("entity_type"), item.integer("entity_id")
    if entity_type is None and entity_id is None:
        return
    if entity_type not in ENTITY_TYPES:
        item.bad_choice("entity_type")
    elif entity_id is None or core.state.entity(entity_type, entity_id) is None:
        item.bad_choice("entity_id")
    else:
        wanted.entity_type, wanted.entity_id = entity_type, entity_id


def create(core: Core, actor: int, wanted: TaskChange) -> Task:
    assert wanted.text is not None
    assert wanted.complete_till is not None
    now = core.now()
    author = actor if wanted.created_by is None else wanted.created_by
    task = Task(
        id=core.next_id("task"),
        text=wanted.text,
        complete_till=wanted.complete_till,
        duration=wanted.duration or 0,
        task_type_id=wanted.task_type_id or 1,
        responsible_user_id=wanted.responsible_user_id or actor,
        entity_type=wanted.entity_type,
        entity_id=wanted.entity_id,
        is_completed=bool(wanted.is_completed),
        created_by=author,
        updated_by=author,
        created_at=wanted.created_at or now,
        updated_at=now,
    )
    _set_result(core, task, wanted.result)
    core.state.tasks[task.id] = task
    core.journal("task_added", "tasks", task.id, actor)
    core.announce("add_task", "task", "add", bodies.task_item(core.state, task))
    return task


def change(core: Core, actor: int, task: Task, wanted: TaskChange) -> None:
    """Apply a checked write: `task[update]` for an edit, one of another kind for a new responsible user."""
    old_text, old_responsible, was_completed = task.text, task.responsible_user_id, task.is_completed
    _journal_changes(core, actor, task, wanted)
    for name in (
        "text",
        "complete_till",
        "duration",
        "task_type_id",
        "is_completed",
        "entity_type",
        "entity_id",
        "responsible_user_id",
    ):
        value = getattr(wanted, name)
        if value is not None:
            setattr(task, name, value)
    _set_result(core, task, wanted.result)
    task.updated_by, task.updated_at = actor, core.now()
    closed = task.is_completed and not was_completed
    reassigned = task.responsible_user_id != old_responsible
    if reassigned:
        _announce_responsible(core, actor, task, old_responsible, old_text)
    if not reassigned or _says_more(wanted):
        _announce_edit(core, task, wanted, old_text, closed=closed)


def _says_more(wanted: TaskChange) -> bool:
    """Whether a write names anything beside the responsible user."""
    names = ("text", "complete_till", "duration", "task_type_id", "is_completed", "result", "entity_id")
    return any(getattr(wanted, name) is not None for name in names)


def _set_result(core: Core, task: Task, result: str | None) -> None:
    if result:
        task.result, task.result_id = result, core.next_id("note")


def _announce_edit(core: Core, task: Task, wanted: TaskChange, old_text: str, *, closed: bool) -> None:
    # With a result the documented body has it in place of old_text, and action_close is 0 although the task closes.
    if wanted.result:
        item = bodies.task_item(core.state, task, action_close=False, with_result=True)
    else:
        item = bodies.task_item(core.state, task, action_close=closed, old_text=old_text)
    core.announce("update_task", "task", "update", item)


def _announce_responsible(core: Core, actor: int, task: Task, old_responsible: int, old_text: str) -> None:
    item = bodies.task_item(
        core.state,
        task,
        action_close=False,
        old_text=old_text,
        old_responsible_user_id=old_responsible,
        modified_by=actor,
    )
    core.announce("responsible_task", "task", "update", item)


def _journal_changes(core: Core, actor: int, task: Task, wanted: TaskChange) -> None:
    def note(kind: str, before: dict[str, Any] | None = None, after: dict[str, Any] | None = None) -> None:
        core.journal(kind, "tasks", task.id, actor, before, after)

    if wanted.text is not None and wanted.text != task.text:
        note("task_text_changed", {"task": {"text": task.text}}, {"task": {"text": wanted.text}})
    if wanted.complete_till is not None and wanted.complete_till != task.complete_till:
        after = {"task_deadline": {"timestamp": wanted.complete_till}}
        note("task_deadline_changed", {"task_deadline": {"timestamp": task.complete_till}}, after)
    if wanted.task_type_id is not None and wanted.task_type_id != task.task_type_id:
        after = {"task_type": {"id": wanted.task_type_id}}
        note("task_type_changed", {"task_type": {"id": task.task_type_id}}, after)
    if wanted.responsible_user_id is not None and wanted.responsible_user_id != task.responsible_user_id:
        before = {"responsible_user": {"id": task.responsible_user_id}}
        note("entity_responsible_changed", before, {"responsible_user": {"id": wanted.responsible_user_id}})
    if wanted.is_completed and not task.is_completed:
        note("task_completed")
    if wanted.result:
        note("task_result_added", None, {"task_result": {"text": wanted.result}})


def delete(core: Core, actor: int, task: Task, *, announced: bool = True) -> None:
    """Remove a task. The webhook names its id and nothing else."""
    del core.state.tasks[task.id]
    core.state.deleted_tasks[task.id] = task
    core.journal("task_deleted", "tasks", task.id, actor)
    if announced:
        core.announce("delete_task", "task", "delete", {"id": task.id})


def show(core: Core, base: str, task: Task) -> dict[str, Any]:
    """A task as the API reads it; links start with `base`."""
    return {
        "id": task.id,
        "created_by": task.created_by,
        "updated_by": task.updated_by,
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "responsible_user_id": task.responsible_user_id,
        "group_id": 0,
        "entity_id": task.entity_id,
        "entity_type": task.entity_type,
        "duration": task.duration,
        "is_completed": task.is_completed,
        "task_type_id": task.task_type_id,
        "text": task.text,
        "result": {"text": task.result} if task.result else [],
        "complete_till": task.complete_till,
        "account_id": core.state.account.id,
        "_links": {"self": {"href": f"{base}/tasks/{task.id}"}},
    }
