"""Blue ticks and "typing…" while an answer is made. Courtesy only: what fails here changes nothing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from sqlalchemy import select

from clients.errors import ServiceError
from clients.whatsapp import WhatsAppClient
from meetings.database import Database
from meetings.tables import Customer, Message

_TYPING_MS = 15_000  # one call shows it this long; an answer that takes longer is shown without


class Presence:
    """Shows the customer that somebody is there."""

    def __init__(self, db: Database, whatsapp: WhatsAppClient) -> None:
        self.db, self.whatsapp = db, whatsapp

    @contextlib.asynccontextmanager
    async def typing(self, customer_id: int, message_ids: list[int]) -> AsyncIterator[None]:
        """Marks the messages read and shows "typing…" as long as the block runs."""
        async with self.db.transaction() as session:
            customer = await session.get_one(Customer, customer_id)
            found = await session.scalars(select(Message.vendor_id).where(Message.id.in_(message_ids)))
            vendor_ids = [vendor_id for vendor_id in found if vendor_id]
        # Only the network is left to the task: it may be cancelled at any moment, a transaction may not.
        task = asyncio.create_task(self._show(customer.jid, vendor_ids))
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _show(self, jid: str, vendor_ids: list[str]) -> None:
        with contextlib.suppress(ServiceError):
            await self.whatsapp.mark_read(jid, vendor_ids)
            await self.whatsapp.show_typing(jid, _TYPING_MS)
