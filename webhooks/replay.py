"""Stored webhooks, read and applied once more: as if they came again, but without a second record."""

import json

from meetings.inbox import Inbox
from meetings.tables import Webhook
from webhooks.evolution import parse_evolution
from webhooks.kommo import parse_kommo


async def replay_webhook(inbox: Inbox, row: Webhook) -> bool:
    """Applies a stored body again. Safe to repeat: what is known already changes nothing. False for a body nobody can read."""
    try:
        if row.source == "kommo":
            await inbox.store_kommo(parse_kommo(row.body.encode()), row.body, again=row.id)
        else:
            payload = json.loads(row.body)
            await inbox.store_evolution(str(payload.get("event") or ""), parse_evolution(payload), row.body, again=row.id)
    except (ValueError, RecursionError, AttributeError):
        return False
    return True
