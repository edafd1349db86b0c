"""What people do to tasks in Kommo's pages. Every function's keyword arguments are its control's JSON fields."""

from typing import Any

from sandbox.kommo import snapshot, tasks
from sandbox.kommo.core import Core, checked
from sandbox.kommo.reader import Reader
from sandbox.kommo.state import Task

MEETING = 2


def _task(core: Core, task_id: int) -> Task:
    task = core.state.tasks.get(int(task_id))
    if task is None:
        known = ", ".join(map(str, core.state.tasks)) or "none"
        raise ValueError(f"task_id is {task_id!r}, which is no task of the account; there are: {known}")
    return task


def _change(core: Core, actor: int, task_id: int, data: dict[str, Any]) -> dict[str, Any]:
    task = _task(core, task_id)
    tasks.change(core, actor, task, checked(lambda issues: tasks.read_change(core, Reader(data, issues), task)))
    return snapshot.show_task(task)


def create(
    core: Core,
    actor: int,
    *,
    text: str,
    complete_till: int,
    lead_id: int | None = None,
    contact_id: int | None = None,
    task_type_id: int = MEETING,
    duration: int = 0,
    responsible_user_id: int | None = None,
) -> dict[str, Any]:
    """A new task, a meeting unless told otherwise; `complete_till` in Unix seconds, `duration` in seconds."""
    data: dict[str, Any] = {"text": text, "complete_till": complete_till, "task_type_id": task_type_id}
    data |= {"duration": duration, "responsible_user_id": responsible_user_id}
    if lead_id is not None:
        data |= {"entity_type": "leads", "entity_id": lead_id}
    elif contact_id is not None:
        data |= {"entity_type": "contacts", "entity_id": contact_id}
    task = tasks.create(core, actor, checked(lambda issues: tasks.read_change(core, Reader(data, issues), None)))
    return snapshot.show_task(task)


def delete(core: Core, actor: int, *, task_id: int) -> dict[str, Any]:
    """Announced by `task[delete]` with nothing but the id."""
    task = _task(core, task_id)
    tasks.delete(core, actor, task)
    return snapshot.show_task(task)


def complete(core: Core, actor: int, *, task_id: int, result: str | None = None, via: str | None = None) -> dict[str, Any]:
    """Close a task.

    `via` "card" (the default without a result) sends action_close=1, and a second update when there is a result;
    "calendar" (the default with one) sends a single update with the result and action_close=0.
    """
    via = via or ("calendar" if result else "card")
    if via not in ("card", "calendar"):
        raise ValueError(f"via is {via!r}; use card or calendar")
    task = _task(core, task_id)
    # Unchecked on purpose: a person may always close a task without a result.
    if via == "calendar" and result:
        tasks.change(core, actor, task, tasks.TaskChange(is_completed=True, result=result))
        return snapshot.show_task(task)
    tasks.change(core, actor, task, tasks.TaskChange(is_completed=True))
    if result:
        core.flush()
        tasks.change(core, actor, task, tasks.TaskChange(result=result))
    return snapshot.show_task(task)


def move(core: Core, actor: int, *, task_id: int, complete_till: int, duration: int | None = None) -> dict[str, Any]:
    """Move the deadline (Unix seconds): an update that names the new deadline only."""
    return _change(core, actor, task_id, {"complete_till": complete_till, "duration": duration})


def reassign(core: Core, actor: int, *, task_id: int, responsible_user_id: int) -> dict[str, Any]:
    """Hand a task to another user: `task[update]` for hooks with `responsible_task`."""
    return _change(core, actor, task_id, {"responsible_user_id": responsible_user_id})


def edit(core: Core, actor: int, *, task_id: int, text: str | None = None, task_type_id: int | None = None) -> dict[str, Any]:
    return _change(core, actor, task_id, {"text": text, "task_type_id": task_type_id})


def reopen(core: Core, actor: int, *, task_id: int) -> dict[str, Any]:
    """Open a completed task again; its result stays."""
    return _change(core, actor, task_id, {"is_completed": False})
