"""A customer's turn: what was written since the last answer is answered once, by a durable workflow in the customer's lane."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage
from langgraph.graph.state import CompiledStateGraph
from sqlalchemy import func, select

from agent.balloons import balloons, pause_ms
from agent.claim import Claims, Verdict, replies_made
from agent.durable import TooManyCallsError
from agent.guard import objections
from agent.history import Conversation, policy, read_conversation
from agent.identity import identity_objections, owning_up
from agent.known import known_facts
from agent.model import text_of
from agent.optout import OptOut, opt_out_of
from agent.presence import Presence
from agent.replies import confirmation
from agent.senses import Senses
from clients.errors import ServiceError
from meetings.backoff import wait_after
from meetings.booking import Booking
from meetings.business import Business
from meetings.customers import Leads, is_paused, language_of
from meetings.database import Database
from meetings.desk import Desk
from meetings.dispatcher import TURN
from meetings.lanes import Lanes
from meetings.outbox import MayBeUnderWayError, Outbox
from meetings.qualifying import HandOff, Publisher, Qualifier
from meetings.tables import Author, Customer, Message, MessageState, Turn
from meetings.usage import Meter
from prompts.catalogue import Catalogue
from tools.context import TurnContext

log = structlog.get_logger("turn")
MOST_SUPERSEDED = 2  # answers dropped in a row because the customer wrote again
_REPLY_CHARS = 1500  # nobody reads more on WhatsApp, and a model gone astray must not flood a chat
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
    publisher: Publisher
    hand_off: HandOff
    outbox: Outbox
    claims: Claims
    senses: Senses
    presence: Presence
    meter: Meter
    now: Callable[[], datetime]
    locale: str
    message_chars: int


class Turns:
    """Answers customers."""

    def __init__(self, services: TurnServices, agent: CompiledStateGraph[Any, Any, Any, Any], model_name: str) -> None:
        self.s, self.agent, self.model_name = services, agent, model_name
        self.s.lanes.register(TURN, self.run)

    async def run(self, customer_id: int, upto_message: int, turn_id: str) -> str:
        """The workflow. Returns its outcome: answered, refused, superseded, failed, or the verdict that needed no model."""
        step = self.s.lanes.step
        again_at: datetime | None = None
        problem = ""
        try:
            return await self._turn(customer_id, turn_id)
        except MayBeUnderWayError as error:
            again_at = error.until
        except Exception as error:
            # A model, a service or the database that is down, or a mistake of ours: the turn is planned again.
            problem = str(error) if isinstance(error, ServiceError) else type(error).__name__
            log.error("turn failed", turn=turn_id, problem=problem)
        # If this did not get through either, nothing would plan the turn again before the customer's next message.
        failed = await step("failed", lambda: self._failed(customer_id, turn_id, again_at, problem), keep_trying=True)
        if failed["attempts"] == _SORRY_AT and again_at is None:
            await step("apologise", lambda: self._apologise(customer_id, failed["first_message"], failed["has_reply"]))
        return "failed"

    async def _turn(self, customer_id: int, turn_id: str) -> str:
        """Everything up to the turn's end. Each part can be repeated by a later try: what was sent is not sent again."""
        step = self.s.lanes.step
        claimed = await step("claim", lambda: self._claim(customer_id, turn_id))
        messages, verdict = claimed["messages"], claimed["verdict"]
        if not messages:
            return str(verdict)
        covered = await step("send what is unsent", lambda: self._send_unsent(customer_id, min(messages)))
        if covered:  # the answer was made in an earlier try, only its sending or the end failed: it is not made again
            messages, outcome = [m for m in messages if m < covered], "answered"
        elif verdict == Verdict.ANSWER:
            outcome = await self._answer(customer_id, turn_id, messages)
        elif verdict == Verdict.PAUSED:
            outcome = "paused"
        else:
            outcome = str(await step(verdict, lambda: self._say_once(customer_id, turn_id, verdict, min(messages))))
        await step("settle", lambda: self._settle(customer_id))
        await step("finish", lambda: self._finish(customer_id, turn_id, messages, outcome))
        return outcome

    async def _answer(self, customer_id: int, turn_id: str, messages: list[int]) -> str:
        """Lets the model answer and sends what the guard lets through; returns the turn's outcome."""
        step = self.s.lanes.step
        async with self.s.presence.typing(customer_id, messages):
            await step("lead", lambda: self._ensure_lead(customer_id))
            if await step("is paused", lambda: self._is_paused(customer_id)):
                return "paused"
            await step("hear", lambda: self._hear(customer_id, messages))
            opt_out = await step("opt-out", lambda: self._opt_out(customer_id, messages))
            if opt_out != OptOut.NO:
                await step("acknowledge", lambda: self._say_once(customer_id, turn_id, Verdict.OPTED_OUT, min(messages)))
            if opt_out == OptOut.WHOLE:
                return Verdict.OPTED_OUT
            spoken = Conversation(**await step("read", lambda: self._read(customer_id, messages)))
            reply, outcome = await self._think(customer_id, turn_id, messages, spoken)
        if await step("taken over", lambda: self._is_taken_over(customer_id)):
            return "paused"
        if await step("superseded", lambda: self.s.claims.is_superseded(customer_id, turn_id, messages, MOST_SUPERSEDED)):
            return "superseded"
        await step("send", lambda: self._send(customer_id, turn_id, reply))
        return outcome

    async def _think(self, customer_id: int, turn_id: str, claimed: list[int], spoken: Conversation) -> tuple[str, str]:
        """The reply to send, and how the turn ends. A reply that is refused goes back once, then a person takes over."""
        company, step = self.s.business.company, self.s.lanes.step
        messages = _messages(self.s.business, spoken, await self.s.senses.images(claimed))
        context = self._context(customer_id, turn_id, spoken)
        for attempt in (1, 2):
            try:
                messages = (await self.agent.ainvoke({"messages": messages}, context=context))["messages"]
            except TooManyCallsError as error:
                # Trying again would cost as much and end as it did.
                log.warning("no answer found", turn=turn_id, attempt=attempt, problem=str(error))
                break
            reply = text_of(messages)
            why = await step(f"check {attempt}", partial(self._check, customer_id, turn_id, claimed, spoken, reply, attempt))
            if not why:
                return owning_up(reply, spoken.new, company, spoken.locale), "answered"
            log.warning("reply refused", turn=turn_id, attempt=attempt, objections=why)
            messages = [*messages, SystemMessage(_correction(why))]
        reason = Catalogue.load("conversation", self.s.locale).text("handoff_unsure")
        await step("hand over", lambda: self._hand_over(customer_id, reason))
        safe = Catalogue.load("conversation", spoken.locale).text("safe_reply", company=company.name)
        return owning_up(safe, spoken.new, company, spoken.locale), "refused"

    # Steps: each returns plain JSON.

    async def _claim(self, customer_id: int, turn_id: str) -> dict[str, Any]:
        return asdict(await self.s.claims.claim(customer_id, turn_id))

    async def _say_once(self, customer_id: int, turn_id: str, verdict: str, first_message: int) -> str:
        """The fixed sentence of a verdict that needs no model. Said once, however often it applies."""
        words = Catalogue.load("conversation", await self._locale(customer_id))
        if verdict == Verdict.OPTED_OUT:
            await self.s.outbox.post(customer_id, f"opted-out:{customer_id}", words.text("opt_out_ack"), turn_id=turn_id)
            return verdict
        if verdict == Verdict.CONFIRMED:
            key, text = await confirmation(self.s.db, self.s.business, customer_id, self.s.locale)
            await self.s.outbox.post(customer_id, key, text, turn_id=turn_id)
            return verdict
        what = "review" if verdict == Verdict.REVIEW else "too_many"
        await self._hand_over(customer_id, Catalogue.load("conversation", self.s.locale).text(f"handoff_{what}"))
        text, key = words.text(what, company=self.s.business.company.name), what.replace("_", "-")
        await self.s.outbox.post(customer_id, f"{key}:{customer_id}:{first_message}", text, turn_id=turn_id)
        return verdict

    async def _is_paused(self, customer_id: int) -> bool:
        """Whether the lead, found only now, carries the tag that silences us."""
        async with self.s.db.transaction() as session:
            return is_paused(await session.get_one(Customer, customer_id), self.s.now())

    async def _is_taken_over(self, customer_id: int) -> bool:
        """Whether a person stepped in while the answer was made: they answer now. A hand-off of our own is still announced."""
        async with self.s.db.transaction() as session:
            customer = await session.get_one(Customer, customer_id)
            return is_paused(customer, self.s.now()) and customer.pause_source != "hand-off"

    async def _hear(self, customer_id: int, claimed: list[int]) -> bool:
        await self.s.senses.hear(customer_id, claimed)
        return True

    async def _opt_out(self, customer_id: int, claimed: list[int]) -> str:
        """Whether they want to hear nothing more, now that what was spoken can be read, too."""
        async with self.s.db.transaction() as session:
            rows = await session.scalars(select(Message.text).where(Message.id.in_(claimed)).order_by(Message.id))
            opt_out = opt_out_of(list(rows))
            if opt_out is not OptOut.NO:
                customer = await session.get_one(Customer, customer_id)
                customer.opted_out_at = customer.opted_out_at or self.s.now()
        return opt_out.value

    async def _locale(self, customer_id: int) -> str:
        async with self.s.db.transaction() as session:
            return language_of(await session.get_one(Customer, customer_id), self.s.locale)

    async def _ensure_lead(self, customer_id: int) -> int | None:
        """The lead, if Kommo answers. Talking must not wait for the CRM: what it lacks is completed later."""
        try:
            return await self.s.leads.ensure(customer_id)
        except ServiceError as error:
            log.warning("lead not found yet", customer=customer_id, problem=str(error))
            return None

    async def _read(self, customer_id: int, claimed: list[int]) -> dict[str, Any]:
        return asdict(
            await read_conversation(
                self.s.db, self.s.business, customer_id, claimed, self.s.now(), self.s.locale, self.s.message_chars
            )
        )

    async def _check(
        self, customer_id: int, turn_id: str, claimed: list[int], spoken: Conversation, reply: str, attempt: int
    ) -> list[str]:
        """Why the reply is refused; empty when it may be sent."""
        found = await self._objections(customer_id, claimed, spoken, reply, attempt)
        if found:
            await self.s.meter.note_refusals(turn_id, attempt)
        return found

    async def _objections(
        self, customer_id: int, claimed: list[int], spoken: Conversation, reply: str, attempt: int
    ) -> list[str]:
        if not reply:
            return ["it is empty"]
        if len(reply) > _REPLY_CHARS:
            return [f"it is longer than {_REPLY_CHARS} characters: say less"]
        known = await known_facts(self.s.db, self.s.business, customer_id, self.s.now(), self.s.locale, claimed)
        return [*objections(reply, known), *identity_objections(reply, spoken.new, spoken.locale, is_last=attempt == 2)]

    async def _hand_over(self, customer_id: int, reason: str) -> bool:
        try:
            await self.s.hand_off.hand_off(customer_id, reason)
        except ServiceError as error:
            log.warning("hand-off waits", customer=customer_id, problem=str(error))
        return True

    async def _send(self, customer_id: int, turn_id: str, reply: str) -> str:
        """Sends the reply in one to three balloons. A crash between them goes on with the next."""
        parts = balloons(reply)
        for n, part in enumerate(parts):  # all on record first, so that a failure in between loses none
            await self.s.outbox.put(customer_id, f"{turn_id}:reply:{n}", part, turn_id=turn_id)
        for n, part in enumerate(parts):
            delay_ms = pause_ms(part) if n else 0
            state = await self.s.outbox.post(customer_id, f"{turn_id}:reply:{n}", part, turn_id=turn_id, delay_ms=delay_ms)
        return state.value

    async def _send_unsent(self, customer_id: int, first_claimed: int) -> int:
        """Completes the sending of a reply that an earlier try at these messages made; its rows' highest id, 0 without one."""
        async with self.s.db.transaction() as session:
            made = await replies_made(session, customer_id, first_claimed)
        for message in made:
            await self.s.outbox.post(customer_id, message.key or "", message.text, turn_id=message.turn_id)
        return max((message.id for message in made), default=0)

    async def _settle(self, customer_id: int) -> bool:
        """Completes what the model left out: the meeting's effects, the answers on the lead, the fate of an apology."""
        left = {
            "meeting": self.s.desk.settle_all,
            "lead": self.s.publisher.complete,
            "apology": self.s.outbox.withdraw_apology,
        }
        for what, complete in left.items():
            try:
                await complete(customer_id)
            except Exception as error:
                # The answer is sent: whatever this is, it must not let the turn be tried again. It is still due, and looked for.
                problem = str(error) if isinstance(error, ServiceError) else type(error).__name__
                log.warning("not complete yet", customer=customer_id, what=what, problem=problem)
        return True

    async def _finish(self, customer_id: int, turn_id: str, claimed: list[int], outcome: str) -> bool:
        now = self.s.now()
        async with self.s.db.transaction() as session:
            customer = await session.get_one(Customer, customer_id)
            customer.turn_attempts, customer.next_turn_at = 0, None
            if outcome != "superseded":  # then the messages wait for the next turn, together with the newer ones
                for message in await session.scalars(select(Message).where(Message.id.in_(claimed))):
                    message.state, message.turn_id = MessageState.ANSWERED, turn_id
                customer.superseded = 0
            turn = await session.get_one(Turn, turn_id)
            turn.ended_at, turn.outcome = now, outcome
        return True

    async def _failed(self, customer_id: int, turn_id: str, again_at: datetime | None, problem: str) -> dict[str, int]:
        """Plans the turn again, at that time or after a growing wait; how often in a row it failed, the oldest message without
        an answer, and whether one is made.
        """
        now = self.s.now()
        async with self.s.db.transaction() as session:
            customer = await session.get_one(Customer, customer_id)
            customer.turn_attempts += 1
            customer.next_turn_at = again_at or now + wait_after(customer.turn_attempts, _BACKOFF_MAX_S)
            turn = await session.get(Turn, turn_id)
            if turn is not None:  # else it failed before it was on record
                turn.ended_at, turn.outcome, turn.problem = now, "failed", problem
            first = await session.scalar(
                select(func.min(Message.id)).where(
                    Message.customer_id == customer_id, Message.author == Author.CUSTOMER, Message.state == MessageState.NEW
                )
            )
            has_reply = bool(first and await replies_made(session, customer_id, first))
            return {"attempts": customer.turn_attempts, "first_message": first or 0, "has_reply": has_reply}

    async def _apologise(self, customer_id: int, first_message: int, has_reply: bool) -> bool:
        """One honest sentence for the customer and a task for the seller; the turn is tried again without another.

        No sentence if the reply is made and only can't be sent: it goes out first of all as soon as anything does.
        """
        text = Catalogue.load("conversation", await self._locale(customer_id)).text("model_down")
        reason = Catalogue.load("conversation", self.s.locale).text("handoff_model_down")
        try:
            if not has_reply:
                await self.s.outbox.post(customer_id, f"sorry:{customer_id}:{first_message}", text, author=Author.SYSTEM)
            await self.s.hand_off.alert(customer_id, reason)
        except ServiceError as error:
            log.warning("apology or task waits", customer=customer_id, problem=str(error))
        return True

    def _context(self, customer_id: int, turn_id: str, spoken: Conversation) -> TurnContext:
        s = self.s
        return TurnContext(customer_id, turn_id, spoken.locale, s.business, s.booking, s.desk, s.qualifier, s.hand_off)


def _messages(business: Business, spoken: Conversation, images: list[dict[str, Any]]) -> list[AnyMessage]:
    """Static policy first (cacheable), then history, then what changes with every turn; images go with the last message."""
    history: list[AnyMessage] = [
        HumanMessage(entry["text"]) if entry["role"] == "user" else AIMessage(entry["text"]) for entry in spoken.history
    ]
    new: list[AnyMessage] = [HumanMessage(text) for text in spoken.new]
    if images:
        new[-1] = HumanMessage([{"type": "text", "text": spoken.new[-1]}, *images])
    return [SystemMessage(policy(business, spoken.locale)), *history, SystemMessage(spoken.facts), *new]


def _correction(why: list[str]) -> str:
    return f"That reply was NOT sent: {'; '.join(why)}. Use the tools or say less, then answer the customer again."
