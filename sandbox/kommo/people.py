"""Controls for the people of an account: sellers under /_sandbox/seller, the administrator under /_sandbox/kommo.

Every control takes `user_id` beside the arguments of its function: 10001 (Ana Ribeiro) in Kommo's pages, 10000 in
the settings, unless given; 0 acts as an automation. It answers with the entity as the snapshot shows it.
"""

from collections.abc import Callable
from typing import Any

from starlette.routing import BaseRoute

from sandbox.controls import control
from sandbox.kommo import people_admin, people_leads, people_tasks
from sandbox.kommo.core import ROBOT, Core
from sandbox.kommo.seed import ANA, INTEGRATION

Act = Callable[..., dict[str, Any]]

SELLER: dict[str, Act] = {
    "/seller/task/create": people_tasks.create,
    "/seller/task/delete": people_tasks.delete,
    "/seller/task/complete": people_tasks.complete,
    "/seller/task/move": people_tasks.move,
    "/seller/task/reassign": people_tasks.reassign,
    "/seller/task/edit": people_tasks.edit,
    "/seller/task/reopen": people_tasks.reopen,
    "/seller/lead/create": people_leads.create_lead,
    "/seller/lead/edit": people_leads.edit_lead,
    "/seller/lead/stage": people_leads.stage_lead,
    "/seller/lead/reassign": people_leads.reassign_lead,
    "/seller/lead/delete": people_leads.delete_lead,
    "/seller/lead/restore": people_leads.restore_lead,
    "/seller/lead/merge": people_leads.merge_leads,
    "/seller/contact/create": people_leads.create_contact,
    "/seller/contact/edit": people_leads.edit_contact,
    "/seller/contact/delete": people_leads.delete_contact,
    "/seller/note/add": people_leads.add_note,
}
ADMIN: dict[str, Act] = {
    "/kommo/webhook/save": people_admin.save_hook,
    "/kommo/webhook/emit": people_admin.emit,
    "/kommo/account": people_admin.change_account,
    "/kommo/user": people_admin.set_user_active,
}


def people_routes(core: Core) -> list[BaseRoute]:
    sellers = [_route(core, path, act, ANA) for path, act in SELLER.items()]
    return sellers + [_route(core, path, act, INTEGRATION) for path, act in ADMIN.items()]


def _route(core: Core, path: str, act: Act, usual: int) -> BaseRoute:
    def handler(data: dict[str, Any]) -> dict[str, Any]:
        arguments = dict(data)
        actor = int(arguments.pop("user_id", usual))
        if actor != ROBOT and core.user(actor) is None:
            raise ValueError(f"user_id is {actor}, which is no user of the account")
        with core.acting(through_api=False):
            return act(core, actor, **arguments)

    return control(path, handler)
