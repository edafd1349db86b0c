"""A customer's turn: what was written since the last answer is answered once, by a durable workflow in the customer's lane."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage
from langgraph.graph.state import CompiledStateGraph
from sqlalchemy import select

from agent.guard import Known, objections
from agent.history import Conversation, policy, read_conversation
from agent.model import text_of
from clients.errors import ServiceError
from meetings.booking import Booking, latest_meeting, upcoming_meeting
from meetings.business import Business, in_language
from meetings.customers import Leads
from meetings.database import Database
from meetings.desk import Desk
from meetings.dispatcher import TURN
from meetings.lanes import Lanes
from meetings.outbox import Outbox
from meetings.qualifying import HandOff, Qualifier
from meetings.tables import (
    Author,
    Change,
    Customer,
    Meeting,
    MeetingPhase,
    MeetingStatus,
    Message,
    MessageState,
    Offer,
    Turn,
)
from prompts.catalogue import Catalogue
from tools.context import TurnContext

log = structlog.get_logger("turn")
_SORRY_AT = 2  # failures in a row after which the customer gets one honest sentence
_BACKOFF_MAX_S = 300


@dataclass(frozen=True)
class TurnServices:
    """What a turn works with."""

    db: Database
    lanes: Lanes
    business: Business
    booking: Booking
    desk: Desk
    leads: Leads
    qualifier: Qualifier
    hand_off: HandOff
    outbox: Outbox
    now: Callable[[], datetime]
    locale: str


class Turns:
    """Answers customers."""

    def __init__(self, services: TurnServices, agent: CompiledStateGraph[Any, Any, Any, Any], model_name: str) -> None:
        self.s, self.agent, self.model_name = services, agent, model_name
        self.s.lanes.register(TURN, self.run)

    async def run(self, customer_id: int, upto_message: int, turn_id: str) -> str:
        """The workflow. Returns its outcome: answered, refused, paused, nothing or failed."""
        step = self.s.lanes.step
        claimed = await step("claim", lambda: self._claim(customer_id, turn_id))
        if not claimed["messages"]:
            return str(claimed["outcome"])
        try:
            await step("lead", lambda: self._ensure_lead(customer_id))
            spoken = Conversation(**await step("read", lambda: self._read(customer_id, claimed["messages"])))
            reply, outcome = await self._think(customer_id, turn_id, spoken)
            await step("send", lambda: self._send(customer_id, turn_id, reply))
        except Exception as error:
            # A model or a service that is down, or a mistake of ours: the messages stay unanswered and the turn is planned again.
            log.error(
                "turn failed", turn=turn_id, problem=str(error) if isinstance(error, ServiceError) else type(error).__name__
            )
            await step("failed", lambda: self._failed(customer_id, turn_id, claimed["messages"]))
            return "failed"
        await step("settle", lambda: self._settle(customer_id))
        await step("finish", lambda: self._finish(customer_id, turn_id, claimed["messages"], outcome))
        return outcome

    async def _think(self, customer_id: int, turn_id: str, spoken: Conversation) -> tuple[str, str]:
        """The reply to send, and how the turn ends. A reply the guard refuses goes back once, then a person takes over."""
        messages = _messages(self.s.business, spoken)
        context = self._context(customer_id, turn_id, spoken.locale)
        for attempt in (1, 2):
            before = len(messages)
            result = await self.agent.ainvoke({"messages": messages}, context=context)
            messages = result["messages"]
            await self._count(turn_id, messages[before:])
            reply = text_of(messages)
            why = await self.s.lanes.step(f"check {attempt}", partial(self._check, customer_id, reply))
            if not why and reply:
                return reply, "answered"
            log.warning("reply refused", turn=turn_id, attempt=attempt, objections=why or ["it is empty"])
            messages = [*messages, SystemMessage(_correction(why))]
        words = Catalogue.load("conversation", spoken.locale)
        reason = Catalogue.load("conversation", self.s.locale).text("handoff_unsure")
        await self.s.lanes.step("hand over", lambda: self._hand_over(customer_id, reason))
        return words.text("safe_reply", company=self.s.business.company.name), "refused"

    # Steps: each returns plain JSON.

    async def _claim(self, customer_id: int, turn_id: str) -> dict[str, Any]:
        """The messages to answer; none when a person has taken over."""
        now = self.s.now()
        async with self.s.db.transaction() as session:
            customer = await session.get_one(Customer, customer_id)
            new = list(
                await session.scalars(
                    select(Message)
                    .where(
                        Message.customer_id == customer_id,
                        Message.author == Author.CUSTOMER,
                        Message.state == MessageState.NEW,
                    )
                    .order_by(Message.sent_at, Message.id)
                )
            )
            is_paused = customer.paused_until is not None and customer.paused_until > now
            if is_paused:
                for message in new:
                    message.state = MessageState.SEEN
            if is_paused or not new:
                return {"messages": [], "outcome": "paused" if is_paused else "nothing"}
            if await session.get(Turn, turn_id) is None:
                session.add(
                    Turn(
                        id=turn_id,
                        customer_id=customer_id,
                        started_at=now,
                        model=self.model_name,
                        model_calls=0,
                        input_tokens=0,
                        cached_tokens=0,
                        output_tokens=0,
                        refused=0,
                    )
                )
            return {"messages": [m.id for m in new], "outcome": "answer"}

    async def _ensure_lead(self, customer_id: int) -> int | None:
        """The lead, if Kommo answers. Talking must not wait for the CRM: what it lacks is completed later."""
        try:
            return await self.s.leads.ensure(customer_id)
        except ServiceError as error:
            log.warning("lead not found yet", customer=customer_id, problem=str(error))
            return None

    async def _read(self, customer_id: int, claimed: list[int]) -> dict[str, Any]:
        return asdict(await read_conversation(self.s.db, self.s.business, customer_id, claimed, self.s.now(), self.s.locale))

    async def _check(self, customer_id: int, reply: str) -> list[str]:
        return objections(reply, await self._known(customer_id)) if reply else []

    async def _hand_over(self, customer_id: int, reason: str) -> bool:
        try:
            await self.s.hand_off.hand_off(customer_id, reason)
        except ServiceError as error:
            log.warning("hand-off waits", customer=customer_id, problem=str(error))
        return True

    async def _send(self, customer_id: int, turn_id: str, reply: str) -> str:
        return (await self.s.outbox.post(customer_id, f"{turn_id}:reply", reply, turn_id=turn_id)).value

    async def _settle(self, customer_id: int) -> bool:
        await self.s.desk.settle_all(customer_id)
        return True

    async def _finish(self, customer_id: int, turn_id: str, claimed: list[int], outcome: str) -> bool:
        now = self.s.now()
        async with self.s.db.transaction() as session:
            for message in await session.scalars(select(Message).where(Message.id.in_(claimed))):
                message.state, message.turn_id = MessageState.ANSWERED, turn_id
            customer = await session.get_one(Customer, customer_id)
            customer.introduced_at = customer.introduced_at or now
            customer.turn_attempts, customer.next_turn_at = 0, None
            turn = await session.get_one(Turn, turn_id)
            turn.ended_at, turn.outcome = now, outcome
        return True

    async def _failed(self, customer_id: int, turn_id: str, claimed: list[int]) -> bool:
        now = self.s.now()
        async with self.s.db.transaction() as session:
            customer = await session.get_one(Customer, customer_id)
            customer.turn_attempts += 1
            customer.next_turn_at = now + timedelta(seconds=min(2.0**customer.turn_attempts, _BACKOFF_MAX_S))
            turn = await session.get_one(Turn, turn_id)
            turn.ended_at, turn.outcome = now, "failed"
            attempts, locale = customer.turn_attempts, customer.locale
        if attempts == _SORRY_AT:
            text = Catalogue.load("conversation", locale or self.s.locale).text("model_down")
            try:
                await self.s.outbox.post(customer_id, f"sorry:{customer_id}:{claimed[0]}", text, author=Author.SYSTEM)
            except ServiceError as error:
                log.warning("apology not sent", customer=customer_id, problem=str(error))
        return True

    async def _count(self, turn_id: str, messages: list[AnyMessage]) -> None:
        """Adds up what the provider says the model calls cost."""
        answers = [m for m in messages if isinstance(m, AIMessage)]

        async def add() -> bool:
            async with self.s.db.transaction() as session:
                turn = await session.get_one(Turn, turn_id)
                for message in answers:
                    turn.model_calls += 1
                    if usage := message.usage_metadata:
                        turn.input_tokens += usage["input_tokens"]
                        turn.output_tokens += usage["output_tokens"]
                        turn.cached_tokens += usage.get("input_token_details", {}).get("cache_read", 0)
            return True

        await self.s.lanes.step("count", add)

    async def _known(self, customer_id: int) -> Known:
        """What a reply may speak of, read after the tools have run."""
        now, business = self.s.now(), self.s.business
        async with self.s.db.transaction() as session:
            customer = await session.get_one(Customer, customer_id)
            upcoming = await upcoming_meeting(session, customer_id, now)
            latest = await latest_meeting(session, customer_id)
            offers = list(await session.scalars(select(Offer).where(Offer.customer_id == customer_id)))
            changes = list(
                await session.execute(
                    select(Change.what, Meeting.event_rev, Change.revision, Change.before)
                    .join(Meeting, Meeting.id == Change.meeting_id)
                    .where(Meeting.customer_id == customer_id, Meeting.phase == MeetingPhase.BOOKED)
                )
            )
            said = list(
                await session.scalars(
                    select(Message.text)
                    .where(Message.customer_id == customer_id, Message.author.in_([Author.CUSTOMER, Author.SELLER]))
                    .order_by(Message.id.desc())
                    .limit(30)
                )
            )
        carried_out = {what for what, event_rev, revision, _ in changes if event_rev >= revision}
        earlier = [datetime.fromisoformat(before["starts_at"]) for *_, before in changes if before.get("starts_at")]
        meetings = [m for m in (upcoming, latest) if m]
        questions = [in_language(c.question, customer.locale or self.s.locale) for c in business.qualification]
        return Known(
            booked=bool(
                upcoming
                and upcoming.phase == MeetingPhase.BOOKED
                and upcoming.status == MeetingStatus.SCHEDULED
                and upcoming.event_rev >= upcoming.revision
            ),
            moved="moved" in carried_out,
            cancelled="cancelled" in carried_out,
            handed_off=bool(customer.handed_off_at and customer.paused_until and customer.paused_until > now),
            moments=(now, *(o.starts_at for o in offers), *(m.starts_at for m in meetings), *earlier),
            own_words="\n".join([*business.company.facts, business.company.sells, *questions, *said]),
            zone=business.zone,
        )

    def _context(self, customer_id: int, turn_id: str, locale: str) -> TurnContext:
        s = self.s
        return TurnContext(customer_id, turn_id, locale, s.business, s.booking, s.desk, s.qualifier, s.hand_off)


def _messages(business: Business, spoken: Conversation) -> list[AnyMessage]:
    """Static policy first (cacheable), then history, then what changes with every turn."""
    history: list[AnyMessage] = [
        HumanMessage(entry["text"]) if entry["role"] == "user" else AIMessage(entry["text"]) for entry in spoken.history
    ]
    new: list[AnyMessage] = [HumanMessage(text) for text in spoken.new]
    return [SystemMessage(policy(business, spoken.locale)), *history, SystemMessage(spoken.facts), *new]


def _correction(why: list[str]) -> str:
    reasons = "; ".join(why or ["it is empty"])
    return f"That reply was NOT sent: {reasons}. Use the tools or say less, then answer the customer again."
