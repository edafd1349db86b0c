"""Meeting tasks that a seller makes by hand in Kommo: read, judged by the same rules as any time, and made a meeting."""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import uuid4

import structlog
from sqlalchemy import select

from clients.kommo import KommoClient, KommoTask
from meetings.booking import Booking, upcoming_meeting
from meetings.business import Business, Seller
from meetings.customers import Leads, customer_of
from meetings.database import Database
from meetings.decide import Crm
from meetings.effects_crm import mark_of
from meetings.events import ChatIdentity
from meetings.lifecycle import first_change, snapshot
from meetings.notes import Notes, refusal_key
from meetings.phones import to_e164
from meetings.seen import remember, task_seen
from meetings.settle import Settler
from meetings.slots import Interval
from meetings.tables import Bookmark, CrmNote, Customer, Meeting, MeetingPhase, MeetingStatus
from prompts.catalogue import Catalogue
from prompts.labels import short_label

log = structlog.get_logger("by_hand")
FIRST_START = "first start"  # the bookmark of that moment: tasks that nobody touched since are not ours to take


class Adoption(StrEnum):
    """What became of a task that was not known as a meeting's."""

    BOOKED = "booked"
    REFUSED = "refused"
    NOT_A_MEETING = "not a meeting"
    KNOWN = "known"
    WAITS = "waits for undo"
    OLDER = "from before the first start"


class ByHand:
    """Turns sellers' tasks into meetings."""

    def __init__(
        self,
        db: Database,
        kommo: KommoClient,
        booking: Booking,
        leads: Leads,
        settler: Settler,
        notes: Notes,
        business: Business,
        *,
        locale: str,
        undo_s: float,
        now: Callable[[], datetime],
    ) -> None:
        """
        Args:
            locale: The sellers' language.
            undo_s: Seconds in which a task just made may be deleted again before anybody hears of it.
        """
        self.db, self.kommo, self.booking, self.leads, self.settler, self.notes = db, kommo, booking, leads, settler, notes
        self.business, self.locale, self.undo, self.now = business, locale, timedelta(seconds=undo_s), now

    @property
    def is_on(self) -> bool:
        return self.business.sync.task_by_hand != "ignore"

    def may_be_meeting(self, task_type: int | None) -> bool:
        """Whether a task of that type, as its webhook says, is worth reading. None: the webhook does not say."""
        return self.is_on and task_type in (None, self.business.kommo.task_type_id)

    async def find_customer(self, task_id: int) -> int | None:
        """The customer behind a task's lead, made from the lead's contact if new; None when there is nobody to meet.

        Raises:
            ServiceError: Kommo can't be read.
        """
        task = await self.kommo.get_task(task_id)
        if task is None or not self._is_open_meeting(task) or task.lead_id is None:
            return None
        async with self.db.transaction() as session:
            known = await session.scalar(select(Customer.id).where(Customer.kommo_lead_id == task.lead_id).order_by(Customer.id))
        if known is not None:
            return known
        if await self._is_settled(task):
            return None
        lead = await self.kommo.get_lead(task.lead_id)
        for contact_id in lead.contact_ids if lead else ():
            contact = await self.kommo.get_contact(contact_id)
            phone = next((number for text in (contact.phones if contact else ()) if (number := to_e164(text))), None)
            if contact is None or phone is None:
                continue
            chat = ChatIdentity(phone=phone, jid=f"{phone.removeprefix('+')}@s.whatsapp.net")
            async with self.db.transaction() as session:
                customer = await customer_of(session, chat, contact.name, self.now())
                customer.kommo_lead_id = customer.kommo_lead_id or task.lead_id
                customer.kommo_contact_id = customer.kommo_contact_id or contact.id
                return customer.id
        await self._refuse(task, "no_phone")
        return None

    async def adopt(self, customer_id: int, task_id: int) -> tuple[Adoption, datetime | None]:
        """Makes the task a meeting of the customer, if it is one and its time can be kept. In the customer's lane.

        Safe to repeat: a task is one meeting.

        Returns:
            What became of it, and when to look again (only for WAITS).

        Raises:
            ServiceError: Kommo or the calendar can't be read; nothing was made.
        """
        async with self.db.transaction() as session:
            known = await session.scalar(select(Meeting).where(Meeting.kommo_task_id == task_id))
        if known is not None:
            if not known.settled:
                await self.settler.settle(known.id)
            return Adoption.KNOWN, None
        task = await self.kommo.get_task(task_id)
        if task is None or task.lead_id is None or not self._is_open_meeting(task) or await self._is_ours(customer_id, task):
            return Adoption.NOT_A_MEETING, None
        if settled := await self._is_settled(task):
            return settled, None
        now = self.now()
        done_at = min(now, datetime.fromtimestamp(task.updated_at, now.tzinfo) if task.updated_at else now)
        if now < done_at + self.undo:
            return Adoption.WAITS, done_at + self.undo
        seller = self.business.seller(task.responsible_user_id)
        reason, slot = await self._judge(customer_id, task, seller)
        if reason or seller is None:
            await self._refuse(task, reason or "no_seller")
            return Adoption.REFUSED, None
        meeting_id = await self._make(customer_id, task, seller, slot)
        log.info("meeting made by hand", meeting=meeting_id)
        await self.settler.settle(meeting_id)
        return Adoption.BOOKED, None

    def _is_open_meeting(self, task: KommoTask) -> bool:
        return not task.is_completed and task.task_type_id == self.business.kommo.task_type_id

    async def _is_settled(self, task: KommoTask) -> Adoption | None:
        """What was decided of a task that nobody changed since: a webhook that names it once more is no new wish.

        Returns:
            None when it is still to be judged.
        """
        async with self.db.transaction() as session:
            start = await session.get(Bookmark, FIRST_START)
            refusal = await session.scalar(
                select(CrmNote.id).where(CrmNote.key.startswith(refusal_key(task.id, task.updated_at, "")))
            )
        if refusal is not None:
            return Adoption.REFUSED
        return Adoption.OLDER if start and 0 < task.updated_at < int(start.at.timestamp()) else None

    async def _is_ours(self, customer_id: int, task: KommoTask) -> bool:
        """Whether the task carries the mark of one of the customer's meetings: we made it, its answer is still on the way."""
        async with self.db.transaction() as session:
            ids = await session.scalars(select(Meeting.id).where(Meeting.customer_id == customer_id, Meeting.task_tried))
            return bool({mark_of(meeting_id) for meeting_id in ids} & set(task.text.split()))

    async def _judge(self, customer_id: int, task: KommoTask, seller: Seller | None) -> tuple[str | None, Interval]:
        """Why the task's time can't be kept, None when it can; and that time."""
        length = timedelta(seconds=task.duration_s) if task.duration_s else timedelta(minutes=self.business.meetings.length_min)
        starts_at = task.deadline if self.business.kommo.task_deadline == "start" else task.deadline - length
        slot = Interval(starts_at, starts_at + length)
        if seller is None:
            return "no_seller", slot
        async with self.db.transaction() as session:
            if await upcoming_meeting(session, customer_id, self.now()) is not None:
                return "has_meeting", slot
        return await self.booking.check_slot(seller, slot), slot

    async def _make(self, customer_id: int, task: KommoTask, seller: Seller, slot: Interval) -> int:
        now = self.now()
        async with self.db.transaction() as session:
            meeting = Meeting(
                customer_id=customer_id,
                kommo_lead_id=task.lead_id,
                kommo_user_id=seller.kommo_user_id,
                calendar_id=seller.calendar_id,
                event_id=uuid4().hex,
                kommo_task_id=task.id,
                phase=MeetingPhase.HELD,
                status=MeetingStatus.SCHEDULED,
                starts_at=slot.starts_at,
                ends_at=slot.ends_at,
                created_at=now,
                updated_at=now,
                revision=1,
                generation=1,
            )
            if self.business.sync.task_by_hand == "create_silently":
                meeting.told = snapshot(meeting)  # by the seller
            remember(meeting, Crm(task=task_seen(task, meeting, self.business)), None)
            session.add(meeting)
            await session.flush()
            session.add(first_change(meeting, now, by="seller", source="task", hint="task_by_hand"))
            return meeting.id

    async def _refuse(self, task: KommoTask, reason: str) -> None:
        """A note on the lead, once per state of the task."""
        if task.lead_id is None:
            return
        words = Catalogue.load("crm", self.locale)
        zone = self.business.zone
        text = words.text(
            "note_task_refused",
            when=short_label(task.deadline, zone, self.locale),
            reason=words.text(f"refused_{reason}"),
            now=short_label(self.now(), zone, self.locale),
        )
        await self.notes.put(refusal_key(task.id, task.updated_at, reason), task.lead_id, text)
