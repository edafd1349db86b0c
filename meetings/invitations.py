"""Texts that invite a customer to meet after all, with two times that are really free at that moment."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

import structlog
from sqlalchemy import select

from clients.errors import ServiceError
from meetings.booking import Booking, BookingRefusedError, OfferedTime, upcoming_meeting
from meetings.business import Business
from meetings.customers import language_of
from meetings.database import Database
from meetings.notice_facts import meeting_facts, options_text
from meetings.tables import Customer, Meeting, Message
from prompts.catalogue import Catalogue

log = structlog.get_logger("invitations")
_TIMES = 2
_WITH_TIMES = {"no_show": "no_show_times", "rescue": "rescue_times", "rebook": "rebook_times"}


class Invitations:
    """Reads the calendars and words the invitation. Sends nothing."""

    def __init__(self, db: Database, booking: Booking, business: Business, *, locale: str, now: Callable[[], datetime]) -> None:
        """`locale`: of customers whose language is not known."""
        self.db, self.booking, self.business, self.locale, self.now = db, booking, business, locale, now

    async def text(self, meeting_id: int, key: str, sentence: Literal["no_show", "rescue", "rebook"]) -> str:
        """What the customer is written, with free times stored as offers under the numbers that the text shows.

        Without times when nothing is free, no calendar can be read, the customer has another meeting already, or (for the message
        right after a no-show) the business file says so. The text of a message on record is kept: its numbers are in use.

        Args:
            key: The message's; also the turn to which the offers belong.
            sentence: What is said, a key of the catalogue "notices".
        """
        async with self.db.transaction() as session:
            made = await session.scalar(select(Message.text).where(Message.key == key))
            meeting = await session.get_one(Meeting, meeting_id)
            customer = await session.get_one(Customer, meeting.customer_id)
            has_another = await upcoming_meeting(session, customer.id, self.now()) is not None
        if made is not None:
            return made
        locale = language_of(customer, self.locale)
        offers_times = not has_another and (sentence != "no_show" or 0 in self.business.rescue.touches_h)
        offered = await self._times(customer.id, key) if offers_times else []
        facts = meeting_facts(self.business, customer, meeting, locale)
        facts["options"] = options_text(self.business, offered, locale)
        return Catalogue.load("notices", locale).fill(_WITH_TIMES[sentence] if offered else sentence, facts)

    async def _times(self, customer_id: int, key: str) -> list[OfferedTime]:
        try:
            return await self.booking.offer(customer_id, key, count=_TIMES)
        except (BookingRefusedError, ServiceError) as error:
            log.warning("inviting without times", customer=customer_id, problem=str(error))
            return []
