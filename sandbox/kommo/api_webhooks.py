"""/webhooks: subscriptions, known by their destination."""

from typing import Any
from urllib.parse import urlsplit

from sandbox.kommo.call import Call, Handler, check_all
from sandbox.kommo.core import Core
from sandbox.kommo.hooks import SETTINGS
from sandbox.kommo.lists import Filters
from sandbox.kommo.problems import ApiProblem, Issues, problem, refuse
from sandbox.kommo.reader import Reader
from sandbox.kommo.state import Hook


def list_hooks(call: Call) -> dict[str, Any] | None:
    call.need_admin()
    wanted = Filters(call).tree.get("destination")
    rows = [hook for hook in call.core.state.hooks.values() if wanted in (None, hook.destination)]
    if not rows:
        return None
    shown = [show(call.core, hook) for hook in rows]
    return {"_total_items": len(shown), "_links": call.link("webhooks"), "_embedded": {"webhooks": shown}}


def subscribe(call: Call) -> dict[str, Any]:
    """Make a hook, or replace the settings of the one with this destination; a disabled one stays disabled."""
    call.need_admin()
    [(_, (destination, settings, sort))] = check_all([call.obj()], _read)
    refused = call.core.state.options.refuse_update_task
    if refused and "update_task" in settings:
        raise _refuse_setting(refused, settings.index("update_task"))
    return show(call.core, save(call.core, call.actor, destination, settings, sort))


def unsubscribe(call: Call) -> None:
    call.need_admin()
    destination = call.obj().get("destination")
    hook = find(call.core, str(destination))
    if hook is None:
        raise refuse(404)
    del call.core.state.hooks[hook.id]


def _read(item: Reader) -> tuple[str, list[str], int | None]:
    item.need("destination", "settings")
    destination, settings = item.text("destination") or "", item.array("settings") or []
    address = urlsplit(destination)
    if destination and (address.scheme not in ("http", "https") or not address.netloc):
        item.issues.add("InvalidUrl", item.path + "destination", "This value is not a valid URL.")
    for index, setting in enumerate(settings):
        if setting not in SETTINGS:
            item.bad_choice(f"settings.{index}")
    return destination, settings, item.integer("sort")


def _refuse_setting(status: int, index: int) -> ApiProblem:
    issues = Issues()
    issues.bad_choice(f"settings.{index}")
    return ApiProblem(problem(status, first={"validation-errors": [{"request_id": "0", "errors": issues.found}]}))


def find(core: Core, destination: str) -> Hook | None:
    return next((hook for hook in core.state.hooks.values() if hook.destination == destination), None)


def save(core: Core, actor: int, destination: str, settings: list[str], sort: int | None) -> Hook:
    hook = find(core, destination)
    if hook is None:
        hooks = core.state.hooks
        hook = Hook(core.next_id("hook"), destination, [], len(hooks) + 1, actor, core.now(), core.now())
        hooks[hook.id] = hook
    hook.settings = list(dict.fromkeys(settings))
    hook.sort = hook.sort if sort is None else sort
    hook.updated_at = core.now()
    return hook


def show(core: Core, hook: Hook) -> dict[str, Any]:
    return {
        "id": hook.id,
        "destination": hook.destination,
        "created_at": hook.created_at,
        "updated_at": hook.updated_at,
        "account_id": core.state.account.id,
        "created_by": hook.created_by,
        "sort": hook.sort,
        "disabled": hook.disabled,
        "settings": hook.settings,
    }


ROUTES: dict[str, dict[str, Handler]] = {
    "/webhooks": {"GET": list_hooks, "POST": subscribe, "DELETE": unsubscribe},
}
