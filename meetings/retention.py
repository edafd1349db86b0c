"""What is kept for a while only: webhook bodies, for as long as they may be replayed, and what came with them."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select

from meetings.database import Database
from meetings.tables import EarlyEdit, Hint, Webhook

_AT_ONCE = 1000


async def purge(db: Database, now: datetime, days: float) -> int:
    """Deletes webhook bodies older than so many days, with their hints that are done; returns how many bodies went.

    A thousand in one transaction, so that nobody waits long; the next call goes on. A body whose hint is still open stays.
    So does the one with the newest hint: SQLite would give that id out again, and looks are named after it.
    """
    until = now - timedelta(days=days)
    async with db.transaction() as session:
        is_needed = select(Hint.id).where(Hint.webhook_id == Webhook.id, Hint.done_at.is_(None)).exists()
        newest = select(func.max(Hint.id)).scalar_subquery()
        has_newest = select(Hint.id).where(Hint.webhook_id == Webhook.id, Hint.id == newest).exists()
        old = list(
            await session.scalars(select(Webhook.id).where(Webhook.stored_at < until, ~is_needed, ~has_newest).limit(_AT_ONCE))
        )
        await session.execute(delete(EarlyEdit).where(EarlyEdit.stored_at < until))
        if old:
            await session.execute(delete(Hint).where(Hint.webhook_id.in_(old)))
            await session.execute(delete(Webhook).where(Webhook.id.in_(old)))
    return len(old)
