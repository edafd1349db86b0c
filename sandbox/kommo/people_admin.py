"""What the account's administrator does in Settings, and a way to send any webhook body at all."""

from typing import Any

from sandbox.kommo import api_webhooks
from sandbox.kommo.core import Core
from sandbox.kommo.hooks import SETTINGS


def save_hook(core: Core, actor: int, *, destination: str, settings: list[str] | None = None) -> dict[str, Any]:
    """Settings → Web hooks → Save: makes a hook, changes what it is told, and switches a disabled one on again.

    The page offers "Task edited" (`update_task`) whatever the API says about it.
    """
    hook = api_webhooks.find(core, destination)
    if hook is None and settings is None:
        raise ValueError(f"destination is {destination!r}, which no hook has; give settings to make one")
    if unknown := set(settings or []) - SETTINGS:
        raise ValueError(f"settings names {', '.join(sorted(unknown))}; known are {', '.join(sorted(SETTINGS))}")
    wanted = hook.settings if settings is None and hook else settings or []
    hook = api_webhooks.save(core, actor, destination, wanted, None)
    hook.disabled, hook.answers = False, []
    return api_webhooks.show(core, hook)


def emit(core: Core, actor: int, *, setting: str, entity: str, action: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    """Post a body nothing here makes by itself, e.g. add_message as message[add], to the hooks with `setting`."""
    for item in items:
        core.announce(setting, entity, action, item)
    return {"ok": True}


def change_account(core: Core, actor: int, *, token: str | None = None, paid: bool | None = None) -> dict[str, Any]:
    """Revoke the long-lived token by putting another in its place, or let the plan end (402) and be renewed."""
    if token is not None:
        core.state.options.token = token
    if paid is not None:
        core.state.options.paid = paid
    return {"ok": True}


def set_user_active(core: Core, actor: int, *, id: int, is_active: bool) -> dict[str, Any]:  # noqa: A002
    """Deactivate a user (nothing can be assigned to them any more) or take them back."""
    user = core.user(int(id))
    if user is None:
        raise ValueError(f"id is {id!r}, which is no user of the account")
    user.is_active = is_active
    return {"ok": True}
