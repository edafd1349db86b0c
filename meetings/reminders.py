"""Reminds customers of their meeting, and keeps it on the lead when they say that they will be there."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from clients.kommo import KommoClient
from meetings.business import Business, in_language
from meetings.customers import Leads, language_of
from meetings.database import Database
from meetings.notice_facts import meeting_facts
from meetings.outbox import OTHER_FORM, Outbox
from meetings.tables import Author, Customer, Meeting, Message, MessageState, Touch, TouchKind
from meetings.touch_checks import NotYetError, Result, Witness, stands, talk_ends
from meetings.touch_plan import touch_key
from prompts.catalogue import Catalogue
from prompts.labels import short_label


class Reminders:
    """The touches before a meeting."""

    def __init__(
        self,
        db: Database,
        kommo: KommoClient,
        leads: Leads,
        outbox: Outbox,
        witness: Witness,
        business: Business,
        *,
        locale: str,
        now: Callable[[], datetime],
    ) -> None:
        """`locale`: the sellers' language."""
        self.db, self.kommo, self.leads, self.outbox, self.witness = db, kommo, leads, outbox, witness
        self.business, self.locale, self.now = business, locale, now

    async def remind(self, touch: Touch) -> Result:
        """Sends one reminder, if all is as agreed.

        A person who has taken over the conversation does not keep it back: it is the meeting's, not the conversation's. But it
        waits while somebody is talking.

        Raises:
            ServiceError, NotYetError: To be tried again.
        """
        async with self.db.transaction() as session:
            meeting = await session.get_one(Meeting, touch.meeting_id)
            customer = await session.get_one(Customer, meeting.customer_id)
            until = await talk_ends(session, customer.id, self.now())
        if not stands(meeting, touch):
            return Result("meeting changed")
        if customer.opted_out_at is not None:
            return Result("opted out")
        if until is not None and until < touch.useful_until:
            return Result("somebody is talking", again_at=until)
        seen = await self.witness.confirm(touch)
        if seen is None:
            return Result("meeting changed")
        if min(seen.event_rev, seen.notice_rev) < seen.revision:
            raise NotYetError("the customer has not been told of the present time yet")
        locale = language_of(customer, self.locale)
        asks = touch.step == min(self.business.reminders.before_min, default=0) and not seen.confirmed
        text = Catalogue.load("notices", locale).fill(
            "reminder_ask" if asks else "reminder", meeting_facts(self.business, customer, seen, locale)
        )
        state = await self.outbox.post(customer.id, touch.key, text, author=Author.SYSTEM, meeting_id=seen.id, needs_proof=True)
        return Result("failed" if state is MessageState.FAILED else "sent")

    async def note_confirmation(self, touch: Touch) -> Result:
        """Writes on the lead that the customer will be there.

        Raises:
            ServiceError: To be tried again.
        """
        async with self.db.transaction() as session:
            meeting = await session.get_one(Meeting, touch.meeting_id)
            customer = await session.get_one(Customer, meeting.customer_id)
        lead_id = meeting.kommo_lead_id or await self.leads.ensure(customer.id)
        if lead_id is None:
            return Result("no lead")
        note = Catalogue.load("crm", self.locale).text(
            "note_confirmed",
            subject=in_language(self.business.meetings.subject, self.locale),
            when=short_label(touch.starts_at, self.business.zone, self.locale),
        )
        if note not in await self.kommo.list_notes(lead_id):  # an earlier attempt may have got through
            await self.kommo.add_note(lead_id, note)
        return Result("noted")


async def reminded_of(session: AsyncSession, message: Message, now: datetime) -> Meeting | None:
    """The meeting of which a message of ours reminded, when it is still to be at that time; None for any other message."""
    if message.key is None or message.meeting_id is None:
        return None
    touch = await session.scalar(
        select(Touch).where(Touch.key == message.key.removeprefix(OTHER_FORM), Touch.kind == TouchKind.REMINDER)
    )
    meeting = await session.get(Meeting, message.meeting_id)
    return meeting if touch and meeting and stands(meeting, touch) and now < meeting.ends_at else None


async def confirm(session: AsyncSession, meeting: Meeting, now: datetime) -> None:
    """Keeps that the customer said yes to the meeting's present time; the note on the lead follows. Twice changes nothing."""
    if not meeting.confirmed:
        meeting.confirmed_at, meeting.confirmed_for = now, meeting.starts_at
    key = touch_key(meeting, TouchKind.CONFIRMED)
    if await session.scalar(select(Touch.id).where(Touch.key == key)) is None:
        session.add(
            Touch(
                meeting_id=meeting.id,
                kind=TouchKind.CONFIRMED,
                key=key,
                starts_at=meeting.starts_at,
                due_at=now,
                useful_until=meeting.ends_at,
            )
        )
