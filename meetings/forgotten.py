"""Who wanted no messages and was then erased: remembered without a number."""

import hashlib
import hmac
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from meetings.phones import match_key
from meetings.tables import Erased


class Forgotten:
    """Marks made with a key that stands in no database: who has only the database learns nothing about anybody from them."""

    def __init__(self, key: str | None) -> None:
        """`key`: PRIVACY_KEY; None: nobody can be remembered."""
        self._key = key.encode() if key else None

    @property
    def can_remember(self) -> bool:
        return self._key is not None

    def mark(self, phone: str) -> str:
        """The same for all spellings of a number (E.164)."""
        assert self._key is not None
        return hmac.new(self._key, b"erased:" + match_key(phone).encode(), hashlib.sha256).hexdigest()

    async def opted_out_at(self, session: AsyncSession, phone: str) -> datetime | None:
        """When an erased person with this number had asked for no more messages, None when nobody had."""
        found = await session.get(Erased, self.mark(phone)) if self._key else None
        return found.opted_out_at if found else None
