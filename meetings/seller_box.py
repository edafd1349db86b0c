"""Sends texts to sellers' own WhatsApp numbers, once each."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from clients.whatsapp import WhatsAppClient
from meetings.breaker import Breaker
from meetings.business import Business
from meetings.database import Database
from meetings.outbox import Row, Sender
from meetings.phones import spellings
from meetings.tables import Author, MessageState, SellerMessage


class SellerBox(Sender):
    """The only way a text reaches a seller on WhatsApp."""

    def __init__(
        self,
        db: Database,
        whatsapp: WhatsAppClient,
        business: Business,
        now: Callable[[], datetime],
        breaker: Breaker | None = None,
    ) -> None:
        super().__init__(db, whatsapp, now, breaker)
        self.business = business

    async def post(self, kommo_user_id: int, key: str, text: str, *, touch_id: int | None = None) -> MessageState:
        """Sends the text unless one with this key was sent already; returns how far it got. Safe to repeat.

        Args:
            touch_id: The question that it asks.

        Raises:
            UnreachableError, OutcomeUnknownError, LoginRefusedError: Not known to be sent; call again later.
        """
        async with self.db.transaction() as session:
            message = await session.scalar(select(SellerMessage).where(SellerMessage.key == key))
            if message is None:
                now = self.now()
                message = SellerMessage(
                    kommo_user_id=kommo_user_id,
                    author=Author.SYSTEM,
                    key=key,
                    text=text,
                    state=MessageState.PENDING,
                    touch_id=touch_id,
                    sent_at=now,
                    stored_at=now,
                    attempts=0,
                )
                session.add(message)
        if not self._addresses(kommo_user_id):
            return MessageState.FAILED  # the number was taken out of the business file
        return await self.deliver(message)

    async def _row(self, session: AsyncSession, message_id: int) -> SellerMessage:
        return await session.get_one(SellerMessage, message_id)

    async def _recipient(self, session: AsyncSession, message: Row) -> tuple[list[str], set[str]]:
        assert isinstance(message, SellerMessage)
        known = await session.scalars(
            select(SellerMessage.vendor_id).where(
                SellerMessage.kommo_user_id == message.kommo_user_id, SellerMessage.vendor_id.is_not(None)
            )
        )
        return self._addresses(message.kommo_user_id), {vendor_id for vendor_id in known if vendor_id}

    def _addresses(self, kommo_user_id: int) -> list[str]:
        seller = self.business.seller(kommo_user_id)
        return [f"+{number}" for number in spellings(seller.whatsapp)] if seller and seller.whatsapp else []
