"""Sends texts once: a row with a key first, then the send, then its receipt.

What may have been sent is looked up at Evolution before it is sent again. Where that tells nothing (a server that keeps no
messages) it is sent again all the same: a customer who reads it twice is better off than one who never does. The row says so.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from clients.errors import (
    LoginRefusedError,
    NotOnWhatsAppError,
    OutcomeUnknownError,
    RefusedError,
    ServiceError,
    UnreachableError,
)
from clients.under_way import LASTS
from clients.whatsapp import SentMessage, WhatsAppClient
from meetings.breaker import Breaker
from meetings.database import Database
from meetings.introduction import Introduction
from meetings.phones import spellings
from meetings.tables import SENT_BLINDLY, Author, Customer, Message, MessageState, Proof, SellerMessage

log = structlog.get_logger("outbox")
OTHER_FORM = "other:"  # begins the key of a message that is sent once more, to the other form of a number
OVERTAKEN = "overtaken by what came after"  # the problem of a message that was taken back before it was sent
_UNDERWAY = (MessageState.SENDING, MessageState.SENT, MessageState.DELIVERED, MessageState.READ)
_DONE = (MessageState.SENT, MessageState.DELIVERED, MessageState.READ, MessageState.FAILED)

Row = Message | SellerMessage


class MayBeUnderWayError(UnreachableError):
    """An attempt that we lost sight of may still be carried out. `until`: from when on a look can tell."""

    def __init__(self, until: datetime) -> None:
        super().__init__("WhatsApp", "send text", "an earlier attempt may still be under way")
        self.until = until


class Sender:
    """Sends rows of one table, each once. Whose they are, the classes below know."""

    def __init__(
        self, db: Database, whatsapp: WhatsAppClient, now: Callable[[], datetime], breaker: Breaker | None = None
    ) -> None:
        """`breaker`: told of refusals; None: nobody counts them."""
        self.db, self.whatsapp, self.now, self.breaker = db, whatsapp, now, breaker

    async def deliver(self, message: Row, delay_ms: int = 0) -> MessageState:
        """Sends a row that is on record, unless that was done already; returns how far it got.

        Safe to repeat, also after a crash or a lost answer: what may have been sent is looked up before it is sent again.

        Raises:
            UnreachableError, OutcomeUnknownError, LoginRefusedError: Not known to be sent; call again later.
        """
        if message.state in _DONE:
            await self._note_sent(message.id)  # its receipt may have come by webhook, to a process that was killed
            return MessageState(message.state)
        if message.state != MessageState.SENDING:
            return await self._send(message, delay_ms)
        if await self._adopt(message):
            return MessageState.SENT
        return await self._send(message, delay_ms, is_blind=not await self._would_have_been_seen(message))

    async def _row(self, session: AsyncSession, message_id: int) -> Row:
        raise NotImplementedError

    async def _recipient(self, session: AsyncSession, message: Row) -> tuple[list[str], set[str]]:
        """Where to send, best first, and the WhatsApp ids of messages that are known in that chat."""
        raise NotImplementedError

    async def _words(self, session: AsyncSession, row: Row) -> str:
        """What is sent for a row, decided at the moment of sending."""
        return row.text

    def _await_proof(self, row: Row, started_at: datetime | None) -> None:
        """Plans the look for an acknowledgement: of a send that begins now, or at once of one that was refused (None)."""

    async def _note_sent(self, message_id: int) -> None:
        """Called when a row is known to be sent, perhaps more than once."""

    async def _adopt(self, message: Row) -> bool:
        """Whether an earlier attempt, whose answer we never saw, did send it."""
        async with self.db.transaction() as session:
            (first, *others), known = await self._recipient(session, message)
        found = await self.whatsapp.find_sent(
            first,
            message.text,
            message.send_started_at or message.stored_at,
            self.now(),
            known=known,
            also=others,
        )
        if found:
            await self._sent(message.id, found)
            return True
        state = await self.whatsapp.connection_state()
        if state != "open":
            # The row at Evolution appears only once WhatsApp accepted the send: wait until that can be told.
            raise UnreachableError("WhatsApp", "send text", f"connection is {state}")
        until = (message.send_started_at or message.stored_at) + LASTS
        if self.now() < until:  # the process that sent it is dead, the server may be at it
            raise MayBeUnderWayError(until)
        return False

    async def _would_have_been_seen(self, message: Row) -> bool:
        """Whether Evolution shows what was sent: the newest message that we know was. It may be set up to keep none."""
        kind = Message if isinstance(message, Message) else SellerMessage
        async with self.db.transaction() as session:
            newest: Row | None = await session.scalar(
                select(kind)
                .where(kind.vendor_id.is_not(None), kind.key.is_not(None), kind.id != message.id)
                .order_by(kind.id.desc())
                .limit(1)
            )
            if newest is None:
                return False
            (first, *others), _ = await self._recipient(session, newest)
        sent_at = newest.send_started_at or newest.stored_at
        return await self.whatsapp.find_sent(first, newest.text, sent_at, sent_at + LASTS, also=others) is not None

    async def _send(self, message: Row, delay_ms: int, *, is_blind: bool = False) -> MessageState:
        """`is_blind`: nobody can tell whether it was sent before."""
        if is_blind:
            log.warning("sent again without knowing", message=message.id)
        async with self.db.transaction() as session:
            row = await self._row(session, message.id)
            row.state, row.send_started_at, row.attempts = MessageState.SENDING, self.now(), row.attempts + 1
            row.problem = SENT_BLINDLY if is_blind else row.problem
            self._await_proof(row, self.now())
            unsent = row.text
            row.text = text = await self._words(session, row)
            addresses, _ = await self._recipient(session, row)
        for n, address in enumerate(addresses):
            try:
                sent = await self.whatsapp.send_text(address, text, delay_ms=delay_ms)
            except NotOnWhatsAppError as error:
                if n == len(addresses) - 1:
                    return await self._failed(message.id, error.detail)
            except RefusedError as error:
                await self._count_refusal(error)
                return await self._failed(message.id, error.detail)
            except OutcomeUnknownError:
                raise  # the row stays "sending": the next attempt looks first
            except (UnreachableError, LoginRefusedError) as error:
                if isinstance(error, LoginRefusedError):
                    await self._count_refusal(error)
                await self._waits(message.id, unsent)
                raise
            else:
                await self._sent(message.id, sent)
                return MessageState.SENT
        raise AssertionError("unreachable: everybody has at least one address")

    async def _sent(self, message_id: int, sent: SentMessage) -> None:
        async with self.db.transaction() as session:
            row = await self._row(session, message_id)
            row.vendor_id, row.problem = sent.id, row.problem if row.problem == SENT_BLINDLY else None
            if isinstance(row, Message):
                row.sent_to = sent.jid
            if row.state in (MessageState.PENDING, MessageState.SENDING):  # its webhook may have come first and say more
                row.state = MessageState.SENT
        await self._note_sent(message_id)

    async def _count_refusal(self, error: ServiceError) -> None:
        if self.breaker is not None:
            await self.breaker.refused(error.detail, for_all=isinstance(error, LoginRefusedError))

    async def _failed(self, message_id: int, problem: str) -> MessageState:
        log.error("message refused", message=message_id, problem=problem)
        async with self.db.transaction() as session:
            row = await self._row(session, message_id)
            row.state, row.problem = MessageState.FAILED, problem
            self._await_proof(row, None)
        return MessageState.FAILED

    async def _waits(self, message_id: int, unsent: str) -> None:
        async with self.db.transaction() as session:
            row = await self._row(session, message_id)
            row.state, row.text = MessageState.PENDING, unsent


class Outbox(Sender):
    """The only way a text reaches a customer. So here it is seen to that the first one introduces us."""

    def __init__(
        self,
        db: Database,
        whatsapp: WhatsAppClient,
        now: Callable[[], datetime],
        introduction: Introduction | None = None,
        breaker: Breaker | None = None,
        *,
        delivery_timeout_min: float = 30,
    ) -> None:
        """
        Args:
            introduction: What a customer's first message must hold; None for nothing.
            delivery_timeout_min: Minutes after which a message that needs proof is looked for.
        """
        super().__init__(db, whatsapp, now, breaker)
        self.introduction = introduction
        self.delivery_timeout = timedelta(minutes=delivery_timeout_min)

    async def post(
        self,
        customer_id: int,
        key: str,
        text: str,
        *,
        author: Author = Author.AGENT,
        turn_id: str | None = None,
        meeting_id: int | None = None,
        delay_ms: int = 0,
        needs_proof: bool = False,
    ) -> MessageState:
        """Sends the text unless a message with this key was sent already; returns how far it got (sent or beyond, or failed).

        Args:
            delay_ms: How long "typing…" is shown before.
            needs_proof: Whether it is followed until WhatsApp acknowledges it (`meetings/delivery.py`).

        Safe to repeat, also after a crash or a lost answer: what may have been sent is looked up before it is sent again.

        Raises:
            UnreachableError, OutcomeUnknownError, LoginRefusedError: Not known to be sent; call again later.
        """
        message = await self.put(
            customer_id, key, text, author=author, turn_id=turn_id, meeting_id=meeting_id, needs_proof=needs_proof
        )
        return await self.deliver(message, delay_ms)

    async def put(
        self,
        customer_id: int,
        key: str,
        text: str,
        *,
        author: Author = Author.AGENT,
        turn_id: str | None = None,
        meeting_id: int | None = None,
        needs_proof: bool = False,
    ) -> Message:
        """Keeps the text on record under its key, to be sent by `post`. A key that is known keeps its text."""
        async with self.db.transaction() as session:
            message = await session.scalar(select(Message).where(Message.key == key))
            if message is None:
                now = self.now()
                message = Message(
                    customer_id=customer_id,
                    author=author,
                    key=key,
                    text=text,
                    state=MessageState.PENDING,
                    sent_at=now,
                    stored_at=now,
                    turn_id=turn_id,
                    meeting_id=meeting_id,
                    attempts=0,
                    proof=Proof.AWAITED if needs_proof else None,
                )
                session.add(message)
            return message

    async def withdraw(self, meeting_id: int, *, except_key: str) -> list[str]:
        """Takes back the notices of a meeting that were not sent, all but one.

        Returns:
            The keys of those that did reach WhatsApp, as their receipts or a look there show.

        Raises:
            UnreachableError, LoginRefusedError: It can't be told of one of them now; call again later.
        """
        async with self.db.transaction() as session:
            found = await session.scalars(
                select(Message).where(
                    Message.meeting_id == meeting_id, Message.state != MessageState.FAILED, Message.key != except_key
                )
            )
            notices = [message for message in found if _is_notice(message.key or "", meeting_id)]
        return await self._take_back(notices)

    async def withdraw_apology(self, customer_id: int) -> None:
        """An apology for a model that was down, and that did not go out, has nothing left to apologise for.

        Raises:
            UnreachableError, LoginRefusedError: It can't be told whether it did; it stays on record as under way.
        """
        async with self.db.transaction() as session:
            found = await session.scalars(
                select(Message).where(
                    Message.customer_id == customer_id,
                    Message.key.like(f"sorry:{customer_id}:%"),
                    Message.state.in_([MessageState.PENDING, MessageState.SENDING]),
                )
            )
        await self._take_back(list(found))

    async def _take_back(self, messages: Sequence[Message]) -> list[str]:
        sent = []
        for message in messages:
            if message.state in _DONE or (message.state == MessageState.SENDING and await self._adopt(message)):
                sent.append(message.key or "")
                continue
            async with self.db.transaction() as session:
                row = await session.get_one(Message, message.id)
                row.state, row.problem, row.proof = MessageState.FAILED, OVERTAKEN, None
        return sent

    async def _row(self, session: AsyncSession, message_id: int) -> Message:
        return await session.get_one(Message, message_id)

    async def _recipient(self, session: AsyncSession, message: Row) -> tuple[list[str], set[str]]:
        assert isinstance(message, Message)
        customer = await session.get_one(Customer, message.customer_id)
        known = await session.scalars(
            select(Message.vendor_id).where(Message.customer_id == customer.id, Message.vendor_id.is_not(None))
        )
        addresses = [message.address] if message.address else _addresses(customer)
        return addresses, {vendor_id for vendor_id in known if vendor_id}

    def _await_proof(self, row: Row, started_at: datetime | None) -> None:
        assert isinstance(row, Message)
        if row.proof == Proof.AWAITED:
            row.proof_due_at = started_at + self.delivery_timeout if started_at else self.now()

    async def _words(self, session: AsyncSession, row: Row) -> str:
        """The row's text, with an introduction if the customer has none yet. Decided at the moment of sending: until then
        another message may go out first, or this one not at all.
        """
        assert isinstance(row, Message)
        customer = await session.get_one(Customer, row.customer_id)
        if self.introduction is None:
            return row.text
        if customer.introduced_at is not None:  # a text that was to introduce us and never arrived has come too late for that
            return row.text.removeprefix(f"{self.introduction.sentence(customer)}\n\n")
        # Sent, though its receipt came by webhook and not to us; or on its way, in a call of another turn.
        if any(self.introduction.is_in(other.text, customer) for other in await self._others(session, row, _UNDERWAY)):
            return row.text
        return self.introduction.before(row.text, customer)

    async def deliver(self, message: Row, delay_ms: int = 0) -> MessageState:
        """As any sender's. Before somebody's first message it is found out what became of those whose answer was lost: they may
        hold the introduction, or not have arrived.
        """
        if self.introduction is not None and message.state not in _DONE:
            for other in await self._unknown(message):
                if not await self._adopt(other):
                    await self._waits(other.id, other.text)
        return await super().deliver(message, delay_ms)

    async def _unknown(self, message: Row) -> list[Message]:
        async with self.db.transaction() as session:
            row = await self._row(session, message.id)
            customer = await session.get_one(Customer, row.customer_id)
            return [] if customer.introduced_at else await self._others(session, row, (MessageState.SENDING,))

    async def _others(self, session: AsyncSession, row: Message, states: Sequence[MessageState]) -> list[Message]:
        ours = Message.author.in_([Author.AGENT, Author.SYSTEM])
        same = Message.customer_id == row.customer_id, Message.id != row.id, Message.state.in_(states)
        return list(await session.scalars(select(Message).where(ours, *same).order_by(Message.id)))

    async def _note_sent(self, message_id: int) -> None:
        """The customer is introduced from the first message on that said so and was sent."""
        if self.introduction is None:
            return
        async with self.db.transaction() as session:
            row = await session.get_one(Message, message_id)
            customer = await session.get_one(Customer, row.customer_id)
            if row.state == MessageState.FAILED or customer.introduced_at is not None:
                return
            if self.introduction.is_in(row.text, customer):
                customer.introduced_at = self.now()


def _is_notice(key: str, meeting_id: int) -> bool:
    """Keys of notices: meeting, revision, what; reminders and the like have other forms."""
    return re.fullmatch(rf"meeting:{meeting_id}:\d+:[a-z_]+", key) is not None


def _addresses(customer: Customer) -> list[str]:
    """Where to send, best first: the chat id WhatsApp gave, then the other spelling of the number."""
    if not customer.phone:
        return [customer.jid]
    digits = customer.jid.split("@")[0]
    others = [number for number in spellings(customer.phone) if number != digits and number.startswith(digits[:2])]
    return [customer.jid, *others[:1]] if not customer.jid.endswith("@lid") else [customer.phone, customer.jid]
