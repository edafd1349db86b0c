"""What is kept for a while only: webhook bodies, for as long as they may be replayed, and the hints they brought."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select

from meetings.database import Database
from meetings.tables import Hint, Webhook

_AT_ONCE = 1000


async def purge(db: Database, now: datetime, days: float) -> int:
    """Deletes webhook bodies older than so many days, with their hints that are done; returns how many bodies went.

    A thousand in one transaction, so that nobody waits long; the next call goes on. A body whose hint is still open stays.
    """
    async with db.transaction() as session:
        is_needed = select(Hint.id).where(Hint.webhook_id == Webhook.id, Hint.done_at.is_(None)).exists()
        old = list(
            await session.scalars(
                select(Webhook.id).where(Webhook.stored_at < now - timedelta(days=days), ~is_needed).limit(_AT_ONCE)
            )
        )
        if old:
            await session.execute(delete(Hint).where(Hint.webhook_id.in_(old)))
            await session.execute(delete(Webhook).where(Webhook.id.in_(old)))
    return len(old)
