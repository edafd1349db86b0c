"""Stores what webhooks bring, in one transaction per webhook, before anybody answers 200. No network, no rules about meetings."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from meetings.breaker import note_delivery, note_refusal
from meetings.customers import customer_of, find_customer, pause
from meetings.database import Database
from meetings.echoes import Echoes
from meetings.events import (
    ContentKind,
    CustomerMessage,
    DeliveryState,
    DeliveryUpdate,
    EvolutionEvent,
    Ignored,
    KommoWebhook,
    MessageDeleted,
    MessageEdited,
    OwnMessage,
)
from meetings.forgotten import Forgotten
from meetings.guests import note_email
from meetings.phones import match_key
from meetings.qualification import fold
from meetings.tables import (
    TAKEN_BACK,
    Author,
    Customer,
    EarlyEdit,
    Hint,
    Message,
    MessageState,
    Proof,
    SellerMessage,
    Webhook,
)

_LADDER = [MessageState.PENDING, MessageState.SENDING, MessageState.SENT, MessageState.DELIVERED, MessageState.READ]


class Inbox:
    """Where webhooks are put down."""

    def __init__(
        self,
        db: Database,
        now: Callable[[], datetime],
        *,
        pause_min: int,
        automatic_replies: Sequence[str] = (),
        echoes: Echoes | None = None,
        sellers: Mapping[str, int] | None = None,
        forgotten: Forgotten | None = None,
    ) -> None:
        """
        Args:
            pause_min: Minutes the agent stays silent for a customer after a person of ours wrote by hand.
            automatic_replies: Texts the WhatsApp Business app sends by itself: nobody wrote them.
            sellers: Sellers' own numbers (E.164) and their Kommo user ids. Who writes from one of them is no customer.
            forgotten: Knows who had opted out before their records were erased.
            echoes: Tells which of Kommo's webhooks show nothing new; without it all are looked at.
        """
        self.db, self.now, self.pause_min, self.echoes = db, now, pause_min, echoes
        self._sellers = {match_key(phone): user_id for phone, user_id in (sellers or {}).items()}
        self._forgotten = forgotten
        self._automatic = {fold(text) for text in automatic_replies}

    async def keep(self, source: str, body: str, outcome: str, reason: str) -> None:
        """Keeps a webhook that came to nothing, with the reason; its (redacted) body as far as it is of use."""
        async with self.db.transaction() as session:
            session.add(Webhook(source=source, event="", body=body, outcome=outcome, reason=reason[:200], stored_at=self.now()))

    async def store_kommo(self, webhook: KommoWebhook, body: str, *, again: int | None = None) -> int:
        """Keeps the (redacted) body and one hint per task or lead it names; returns the number of hints.

        A hint that shows nothing new is done already. `again`: the record of a body that is replayed; it gets no second one.
        """
        now = self.now()
        outcome = "stored" if webhook.hints else "ignored"
        async with self.db.transaction() as session:
            row = await self._record(session, "kommo", body, again)
            row.event = ", ".join(sorted({f"{h.entity.value}[{h.action}]" for h in webhook.hints}))[:60]
            row.outcome, row.reason = outcome, ", ".join(webhook.ignored)[:200] or None
            await session.flush()
            for hint in webhook.hints:
                is_echo = self.echoes is not None and await self.echoes.has(session, hint)
                session.add(
                    Hint(
                        webhook_id=row.id,
                        entity=hint.entity,
                        entity_id=hint.id,
                        action=hint.action,
                        kommo_lead_id=hint.lead_id,
                        task_type=hint.task_type,
                        stored_at=now,
                        done_at=now if is_echo else None,
                        outcome="shows nothing new" if is_echo else None,
                    )
                )
        return len(webhook.hints)

    async def store_evolution(
        self, event_name: str, events: Sequence[EvolutionEvent], body: str, *, again: int | None = None
    ) -> None:
        """Keeps the (redacted) body and applies what it tells to customers and messages. Safe to repeat; `again` as above."""
        ignored = [e.reason for e in events if isinstance(e, Ignored)]
        async with self.db.transaction() as session:
            row = await self._record(session, "evolution", body, again)
            row.event, row.outcome = event_name[:60], "ignored" if len(ignored) == len(events) else "stored"
            row.reason = ", ".join(sorted(set(ignored)))[:200] or None
            for event in events:
                await self._apply(session, event)

    async def _record(self, session: AsyncSession, source: str, body: str, again: int | None) -> Webhook:
        if again is not None:
            return await session.get_one(Webhook, again)
        row = Webhook(source=source, event="", body=body, outcome="", stored_at=self.now())
        session.add(row)
        return row

    async def _apply(self, session: AsyncSession, event: EvolutionEvent) -> None:
        match event:
            case CustomerMessage():
                await self._customer_wrote(session, event)
            case OwnMessage():
                await self._we_wrote(session, event)
            case DeliveryUpdate():
                await self._delivered(session, event)
            case MessageEdited():
                await self._edited(session, event.message_id, event.text)
            case MessageDeleted():
                await self._edited(session, event.message_id, "")
            case _:
                pass

    async def _customer_wrote(self, session: AsyncSession, event: CustomerMessage) -> None:
        user_id = await self._seller_behind(session, event)
        if user_id is not None:
            await self._seller_wrote(session, event, user_id)
            return
        customer = await customer_of(session, event.chat, event.name, self.now())
        if self._forgotten and customer.opted_out_at is None and customer.phone:
            customer.opted_out_at = await self._forgotten.opted_out_at(session, customer.phone)
        known = await _known(session, customer, event.id)
        if known is not None:
            if known.kind == ContentKind.UNKNOWN and known.state == MessageState.NEW:
                known.kind, known.text = event.kind, event.text  # it came first as a placeholder, now whole
            return
        message = Message(
            customer_id=customer.id,
            author=Author.CUSTOMER,
            vendor_id=event.id,
            kind=event.kind,
            text=event.text,
            quoted_id=event.quoted_id,
            state=MessageState.NEW,
            sent_at=event.sent_at,
            stored_at=self.now(),
        )
        session.add(message)
        early = await session.get(EarlyEdit, event.id)
        if early is not None:
            _change(message, early.text)
            await session.delete(early)
        note_email(customer, message.text)
        # A new message is a reason to answer at once, whatever went wrong with the last one.
        customer.turn_attempts, customer.next_turn_at = 0, None

    async def _seller_behind(self, session: AsyncSession, event: CustomerMessage) -> int | None:
        """The Kommo user id of the seller who wrote this, None when it was no seller.

        Where WhatsApp hides the phone, a seller is known by an earlier message that showed it, or by quoting one of ours.
        """
        if event.chat.phone:
            return self._sellers.get(match_key(event.chat.phone))
        signs = [SellerMessage.lid == event.chat.jid]
        if event.quoted_id:
            signs.append(SellerMessage.vendor_id == event.quoted_id)
        known = or_(*signs), SellerMessage.kommo_user_id.in_(self._sellers.values())
        return await session.scalar(select(SellerMessage.kommo_user_id).where(*known).limit(1))

    async def _seller_wrote(self, session: AsyncSession, event: CustomerMessage, user_id: int) -> None:
        same = SellerMessage.kommo_user_id == user_id, SellerMessage.vendor_id == event.id
        known = await session.scalar(select(SellerMessage).where(*same))
        if known is not None:
            if event.text and not known.text:  # it came first as a placeholder, now whole
                known.text, known.quoted_id = event.text, event.quoted_id
                known.state, known.assigned, known.attempts = MessageState.NEW, False, known.attempts + 1
            return
        session.add(
            SellerMessage(
                kommo_user_id=user_id,
                author=Author.SELLER,
                vendor_id=event.id,
                lid=event.chat.lid,
                text=event.text,
                state=MessageState.NEW,
                quoted_id=event.quoted_id,
                sent_at=event.sent_at,
                stored_at=self.now(),
            )
        )

    async def _we_wrote(self, session: AsyncSession, event: OwnMessage) -> None:
        customer = await find_customer(session, event.chat)
        if customer is None or await _known(session, customer, event.id) is not None:
            return
        sending = await session.scalar(
            select(Message)
            .where(
                Message.customer_id == customer.id,
                Message.state == MessageState.SENDING,
                Message.vendor_id.is_(None),
                Message.text == event.text,
            )
            .order_by(Message.id)
            .limit(1)
        )
        if sending is not None:  # our own send, announced before (or instead of) its answer
            sending.vendor_id, sending.state = event.id, MessageState.SENT
            return
        if event.via_api or event.automatic or fold(event.text) in self._automatic:
            return  # another system's bot or the server itself; nobody took over
        session.add(
            Message(
                customer_id=customer.id,
                author=Author.SELLER,
                vendor_id=event.id,
                kind=event.kind,
                text=event.text,
                state=MessageState.SENT,
                sent_at=event.sent_at,
                stored_at=self.now(),
            )
        )
        pause(customer, self.now() + timedelta(minutes=self.pause_min), "person")

    async def _delivered(self, session: AsyncSession, event: DeliveryUpdate) -> None:
        message = await session.scalar(
            select(Message).where(Message.vendor_id == event.message_id, Message.author.in_([Author.AGENT, Author.SYSTEM]))
        )
        if message is None:
            return
        wanted = {
            DeliveryState.SENT: MessageState.SENT,
            DeliveryState.DELIVERED: MessageState.DELIVERED,
            DeliveryState.READ: MessageState.READ,
            DeliveryState.FAILED: MessageState.FAILED,
        }[event.state]
        if wanted is MessageState.FAILED:
            if message.state not in (MessageState.DELIVERED, MessageState.READ):
                message.state, message.problem = MessageState.FAILED, "WhatsApp reported an error after accepting it"
                await note_refusal(session, self.now(), message.problem)
                if message.proof == Proof.AWAITED:
                    message.proof_due_at = self.now()
        elif message.state in _LADDER and _LADDER.index(wanted) > _LADDER.index(MessageState(message.state)):
            message.state = wanted
            if wanted is not MessageState.SENT:
                await note_delivery(session)

    async def _edited(self, session: AsyncSession, vendor_id: str, text: str) -> None:
        """Before the answer the new text counts; afterwards what was answered stays on record.

        What was left to a person is not answered: the agent may be given it back. An edit may come before its message, when that
        one's webhook had to be sent again: then it waits for it.
        """
        message = await session.scalar(select(Message).where(Message.vendor_id == vendor_id).limit(1))
        if message is None:
            await session.merge(EarlyEdit(vendor_id=vendor_id, text=text, stored_at=self.now()))
        elif message.author == Author.CUSTOMER and message.state in (MessageState.NEW, MessageState.SEEN):
            _change(message, text)


def _change(message: Message, text: str) -> None:
    message.text = text
    if not text:
        message.state, message.problem = MessageState.SEEN, TAKEN_BACK


async def _known(session: AsyncSession, customer: Customer, vendor_id: str) -> Message | None:
    return await session.scalar(
        select(Message).where(Message.customer_id == customer.id, Message.vendor_id == vendor_id).limit(1)
    )
