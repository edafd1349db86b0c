"""Proof that customers got the messages that matter: a send that WhatsApp accepted is no delivery.

Such a message waits for its acknowledgement. Without one in time Evolution is asked, in case only the webhook was lost; then the
other form of the number is looked up and tried once; then a seller gets a task that the customer may not know.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from clients.errors import NotFoundError, ServiceError
from clients.kommo import KommoClient
from clients.whatsapp import WhatsAppClient
from meetings.business import Business
from meetings.customers import Leads
from meetings.database import Database
from meetings.lifecycle import snapshot
from meetings.outbox import OTHER_FORM, Outbox
from meetings.phones import spellings
from meetings.tables import Author, Change, Customer, Meeting, Message, MessageState, Proof, Touch
from meetings.touch_checks import stands
from prompts.catalogue import Catalogue
from prompts.labels import short_label

log = structlog.get_logger("delivery")
DELIVERY = "delivery.v1"
_PROVEN = (MessageState.DELIVERED, MessageState.READ)
_FOLLOW_UP = 1  # Kommo's built-in task type
_FOLLOWED = timedelta(days=7)  # how long a late acknowledgement still closes the seller's task
_BACKOFF_MAX_S = 600
_KNOWN = ("status", "starts_at", "kommo_user_id")  # what a notice tells


@dataclass(frozen=True)
class Awaited:
    """A look that is due: the message, its customer, and how often it was looked at."""

    message_id: int
    customer_id: int
    tries: int


@dataclass(frozen=True)
class _Case:
    """A message with what is needed to judge it. `first` is the one before, when it is the try at the other form."""

    message: Message
    first: Message | None
    customer: Customer
    meeting: Meeting
    is_still_true: bool
    was_answered: bool

    @property
    def is_proven(self) -> bool:
        return any(row.state in _PROVEN for row in (self.message, self.first) if row is not None)


class Deliveries:
    """Looks at messages whose acknowledgement is late."""

    def __init__(
        self,
        db: Database,
        whatsapp: WhatsAppClient,
        outbox: Outbox,
        kommo: KommoClient,
        leads: Leads,
        business: Business,
        *,
        locale: str,
        now: Callable[[], datetime],
    ) -> None:
        """`locale`: the sellers' language."""
        self.db, self.whatsapp, self.outbox, self.kommo, self.leads = db, whatsapp, outbox, kommo, leads
        self.business, self.locale, self.now = business, locale, now

    async def due(self) -> list[Awaited]:
        """What is to be looked at now."""
        now = self.now()
        async with self.db.transaction() as session:
            late = await session.scalars(
                select(Message).where(
                    Message.proof == Proof.AWAITED,
                    Message.proof_due_at <= now,
                    # Whoever sends a message has not given up on it while it is pending; only the second try is ours to send.
                    or_(Message.state.in_([MessageState.SENT, MessageState.FAILED]), Message.address.is_not(None)),
                )
            )
            found = list(late)
            told = await session.scalars(
                select(Message).where(Message.proof == Proof.SELLER_TOLD, Message.stored_at > now - _FOLLOWED)
            )
            for message in told:
                first = await _first_of(session, message)
                if any(row.state in _PROVEN for row in (message, first) if row is not None):
                    found.append(message)
        return [Awaited(m.id, m.customer_id, m.proof_tries) for m in found if m.proof_due_at is None or m.proof_due_at <= now]

    async def look(self, message_id: int) -> str:
        """Does what is next for a message. Safe to repeat after a kill at any point; returns what came of it."""
        try:
            return await self._look(message_id)
        except ServiceError as error:
            log.warning("proof of delivery waits", message=message_id, problem=str(error))
        except Exception as error:
            # A mistake of ours: it is looked at again, never dropped.
            log.error("proof of delivery waits", message=message_id, problem=type(error).__name__)
        async with self.db.transaction() as session:
            row = await session.get_one(Message, message_id)
            row.proof_tries += 1
            row.proof_due_at = self.now() + timedelta(seconds=min(2.0 ** min(row.proof_tries, 10), _BACKOFF_MAX_S))
        return "later"

    async def _look(self, message_id: int) -> str:
        case = await self._read(message_id)
        message = case.message
        if message.proof == Proof.SELLER_TOLD:
            return await self._close_task(case) if case.is_proven else "waits"
        if message.proof != Proof.AWAITED:
            return "over"
        if case.is_proven or (message.state == MessageState.SENT and case.was_answered):
            return await self._conclude(message_id, Proof.PROVEN)
        if not case.is_still_true:
            return await self._conclude(message_id, Proof.OVERTAKEN)
        # Evolution's trouble must not keep the seller in the dark for long: after another span they are told all the same.
        since = message.send_started_at or message.stored_at
        is_patient = self.now() < since + 2 * self.outbox.delivery_timeout
        try:
            if message.state in (MessageState.PENDING, MessageState.SENDING):
                await self.outbox.deliver(message)
                async with self.db.transaction() as session:
                    (await session.get_one(Message, message.id)).proof_tries += 1
                return "sent to the other form"
            if await self._was_delivered(case):
                return await self._conclude(message_id, Proof.PROVEN)
            if case.first is None and (other := await self._other_form(case)):
                await self._plan_second(message, other)
                return "other form found"
        except ServiceError:
            if is_patient:
                raise
        return await self._tell_seller(case)

    async def _read(self, message_id: int) -> _Case:
        async with self.db.transaction() as session:
            message = await session.get_one(Message, message_id)
            meeting = await session.get_one(Meeting, message.meeting_id)
            since = message.send_started_at or message.stored_at
            answer = await session.scalar(
                select(Message.id).where(
                    Message.customer_id == message.customer_id, Message.author == Author.CUSTOMER, Message.sent_at > since
                )
            )
            return _Case(
                message,
                await _first_of(session, message),
                await session.get_one(Customer, message.customer_id),
                meeting,
                await self._is_still_true(session, message, meeting),
                answer is not None,
            )

    async def _is_still_true(self, session: AsyncSession, message: Message, meeting: Meeting) -> bool:
        """Whether the customer would be told the truth by reading it now, in time."""
        key = _plain_key(message)
        if key.endswith(":sorry"):
            return True
        if meeting.ends_at <= self.now():
            return False
        touch = await session.scalar(select(Touch).where(Touch.key == key))
        if touch is not None:
            return stands(meeting, touch) and meeting.starts_at > self.now()
        revision = int(key.split(":")[2])
        change = await session.scalar(select(Change).where(Change.meeting_id == meeting.id, Change.revision == revision))
        return change is not None and all(change.after.get(name) == snapshot(meeting)[name] for name in _KNOWN)

    async def _was_delivered(self, case: _Case) -> bool:
        """Whether Evolution has the acknowledgement whose webhook never came."""
        for row in (case.message, case.first):
            if row is None or row.vendor_id is None:
                continue
            state = await self.whatsapp.delivery_of(row.vendor_id)
            if state in _PROVEN:
                async with self.db.transaction() as session:
                    (await session.get_one(Message, row.id)).state = MessageState(state)
                return True
        return False

    async def _other_form(self, case: _Case) -> str | None:
        """The chat id to which the message did not go although the customer may be there; None without one."""
        customer, went_to = case.customer, case.message.sent_to
        if not customer.phone or went_to is None or went_to.endswith("@lid"):
            return None
        found = await self.whatsapp.numbers([f"+{digits}" for digits in spellings(customer.phone)])
        others = [jid for jid in found.values() if jid and jid != went_to]
        if not others or await self._is_somebody_else(case, others[0], is_valid=went_to in found.values()):
            return None
        return others[0]

    async def _is_somebody_else(self, case: _Case, other: str, *, is_valid: bool) -> bool:
        """Two accounts that differ in one digit are two people when one is known to be ours: it wrote to us from there.

        Args:
            is_valid: The chat that the message went to is an account of its own still.
        """
        async with self.db.transaction() as session:
            owner = await session.scalar(select(Customer.id).where(Customer.jid == other, Customer.id != case.customer.id))
            wrote = await session.scalar(
                select(Message.id).where(Message.customer_id == case.customer.id, Message.author == Author.CUSTOMER).limit(1)
            )
        is_from_there = wrote is not None and case.customer.jid == case.message.sent_to
        return owner is not None or (is_from_there and is_valid)

    async def _plan_second(self, message: Message, address: str) -> None:
        now = self.now()
        async with self.db.transaction() as session:
            (await session.get_one(Message, message.id)).proof = Proof.OTHER_FORM
            session.add(
                Message(
                    customer_id=message.customer_id,
                    author=message.author,
                    key=f"{OTHER_FORM}{message.key}",
                    text=message.text,
                    state=MessageState.PENDING,
                    sent_at=now,
                    stored_at=now,
                    meeting_id=message.meeting_id,
                    attempts=0,
                    address=address,
                    proof=Proof.AWAITED,
                    proof_due_at=now,
                )
            )

    async def _tell_seller(self, case: _Case) -> str:
        """Makes the task that says so, once: one that an earlier attempt made is known by its text."""
        message, customer = case.message, case.customer
        task_id = None
        lead_id = case.meeting.kommo_lead_id or await self.leads.ensure(customer.id)
        if lead_id is not None:
            text = self._task_text(case)
            open_tasks = [task for task in await self.kommo.list_tasks(lead_id) if task.text == text]
            task_id = (
                open_tasks[0].id
                if open_tasks
                else await self.kommo.create_task(
                    lead_id,
                    text=text,
                    deadline=self.now() + timedelta(hours=1),
                    task_type_id=_FOLLOW_UP,
                    responsible_user_id=case.meeting.kommo_user_id,
                )
            )
        log.error("customer may not know", message=message.id, meeting=case.meeting.id)
        async with self.db.transaction() as session:
            row = await session.get_one(Message, message.id)
            row.proof, row.proof_task_id, row.proof_due_at, row.proof_tries = (
                Proof.SELLER_TOLD,
                task_id,
                None,
                row.proof_tries + 1,
            )
        return "seller told"

    def _task_text(self, case: _Case) -> str:
        words = Catalogue.load("crm", self.locale)
        key = _plain_key(case.message)
        what = "sorry" if key.endswith(":sorry") else key.split(":")[3]
        first = case.first or case.message
        return words.text(
            "undelivered_task",
            name=case.customer.name or case.customer.phone or "WhatsApp",
            phone=case.customer.phone or "",
            what=words.text(f"undelivered_{what}" if f"undelivered_{what}" in words.sentences else "undelivered_reminder"),
            when=short_label(case.meeting.starts_at, self.business.zone, self.locale),
            sent=short_label(first.stored_at, self.business.zone, self.locale),
        )

    async def _close_task(self, case: _Case) -> str:
        """The acknowledgement came after all: the seller need not do anything any more."""
        if case.message.proof_task_id is not None:
            done = Catalogue.load("crm", self.locale).text("undelivered_after_all")
            try:
                task = await self.kommo.get_task(case.message.proof_task_id)
                if task is not None and not task.is_completed:
                    await self.kommo.complete_task(task.id, done)
            except NotFoundError:
                pass  # deleted meanwhile
        return await self._conclude(case.message.id, Proof.PROVEN)

    async def _conclude(self, message_id: int, proof: Proof) -> str:
        async with self.db.transaction() as session:
            row = await session.get_one(Message, message_id)
            row.proof, row.proof_due_at, row.proof_tries = proof, None, row.proof_tries + 1
        return proof.value


async def _first_of(session: AsyncSession, message: Message) -> Message | None:
    """The message before, of a try at the other form."""
    if message.address is None:
        return None
    return await session.scalar(select(Message).where(Message.key == _plain_key(message)))


def _plain_key(message: Message) -> str:
    return (message.key or "").removeprefix(OTHER_FORM)
