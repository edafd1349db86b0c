"""A meeting with what its effects need to know, and the marks that say how far they have come."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from meetings.booking import newest_meeting_of_lead
from meetings.database import Database
from meetings.tables import Change, Customer, Meeting


class EffectLostError(Exception):
    """A write was accepted, yet reading it back shows something else."""


class OvertakenError(EffectLostError):
    """Nothing was written: what stands there is somebody's newer act, and a look at it was asked for."""


@dataclass(frozen=True)
class Case:
    """One meeting, read in one transaction.

    Attributes:
        change: The line of its newest revision.
        own: The line of the newest one before that which the customer made in the conversation, None without one.
        is_current: The lead's fields speak of it; one lead may have several people, each with meetings.
    """

    meeting: Meeting
    customer: Customer
    change: Change
    own: Change | None
    is_current: bool


class Cases:
    """Reads cases and writes what became of them."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def read(self, meeting_id: int) -> Case:
        async with self.db.transaction() as session:
            meeting = await session.get_one(Meeting, meeting_id)
            customer = await session.get_one(Customer, meeting.customer_id)
            change = await session.scalar(
                select(Change).where(Change.meeting_id == meeting_id, Change.revision == meeting.revision)
            )
            own = await session.scalar(
                select(Change)
                .where(
                    Change.meeting_id == meeting_id,
                    Change.revision < meeting.revision,
                    Change.source == "conversation",
                    Change.by == "customer",
                )
                .order_by(Change.revision.desc())
                .limit(1)
            )
            newest = await newest_meeting_of_lead(session, meeting.kommo_lead_id) if meeting.kommo_lead_id else None
            assert change is not None
            return Case(meeting, customer, change, own, is_current=newest is None or newest.id == meeting_id)

    async def ask_for_look(self, meeting_id: int, now: datetime) -> None:
        """Has the meeting compared with Kommo and the calendar at once, or when it is planned already."""
        async with self.db.transaction() as session:
            row = await session.get_one(Meeting, meeting_id)
            row.look_at = row.look_at or now

    async def mark(self, meeting_id: int, *, and_then: Callable[[Meeting], None] | None = None, **values: object) -> None:
        """Writes columns of a meeting; those whose name ends in `_rev` never go back."""
        async with self.db.transaction() as session:
            row = await session.get_one(Meeting, meeting_id)
            for name, value in values.items():
                if name.endswith("_rev"):
                    assert isinstance(value, int)
                    setattr(row, name, max(getattr(row, name), value))
                else:
                    setattr(row, name, value)
            if and_then is not None:
                and_then(row)
