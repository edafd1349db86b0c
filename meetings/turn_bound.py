"""How many answers may begin within an hour, to all customers together: a bound on what a flood of messages can cost."""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from meetings.tables import Turn

_HOUR = timedelta(hours=1)
log = structlog.get_logger("dispatcher")


class DueTurn(NamedTuple):
    """A burst that may be answered: when its first message came, whose it is, its last message, the workflow's id."""

    first_at: datetime
    customer_id: int
    last_id: int
    workflow_id: str


class TurnBound:
    """Lets the oldest go first. Nobody is refused: who does not get through is due again at the next look.

    Attributes:
        held_back: How many customers wait for the hour to pass.
    """

    def __init__(self, per_hour: int, now: Callable[[], datetime]) -> None:
        self.per_hour, self.now = per_hour, now
        self.held_back = 0
        self._begun: deque[datetime] = deque()

    async def admit(self, session: AsyncSession, due: Sequence[DueTurn]) -> Sequence[DueTurn]:
        """Those of `due` (oldest first, none of them begun) that may begin now."""
        if not due:
            self.held_back = 0
            return due
        since = self.now() - _HOUR
        while self._begun and self._begun[0] <= since:
            self._begun.popleft()
        on_record = await session.scalar(select(func.count()).select_from(Turn).where(Turn.started_at > since)) or 0
        # On record: begun before a restart, or by another process. In memory: begun here, though perhaps not on record yet.
        free = max(0, self.per_hour - max(on_record, len(self._begun)))
        admitted = due[:free]
        if len(admitted) < len(due) and not self.held_back:
            log.warning("too many answers within an hour", waiting=len(due) - len(admitted), most=self.per_hour)
        self.held_back = len(due) - len(admitted)
        self._begun.extend([self.now()] * len(admitted))
        return admitted
