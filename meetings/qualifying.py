"""Records what a customer answered, with the words that prove it, and hands a customer over to a person."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select

from clients.errors import ServiceError
from clients.kommo import KommoClient
from meetings.backoff import wait_after
from meetings.business import Business, in_language
from meetings.customers import Leads, is_alerted, is_paused, pause
from meetings.database import Database
from meetings.events import ContentKind
from meetings.evidence import find_evidence, proves
from meetings.qualification import (
    Judged,
    Qualification,
    Standing,
    UnclearAnswerError,
    answers_of,
    judge,
    record_answer,
    standing,
)
from meetings.tables import Answer, Customer, Message
from prompts.catalogue import DEFAULT_LOCALE, Catalogue

log = structlog.get_logger("qualifying")
_FOLLOW_UP = 1  # Kommo's built-in task type
_ANSWER_WITHIN = timedelta(hours=1)


@dataclass(frozen=True)
class Recorded:
    """An answer that was stored, and where the customer stands now."""

    criterion: str
    judged: Judged
    now: Qualification


class Qualifier:
    """Evidence first: an answer counts only with words that stand in a message of the customer."""

    def __init__(self, db: Database, business: Business, now: Callable[[], datetime]) -> None:
        self.db, self.business, self.now = db, business, now

    async def record(self, customer_id: int, criterion: str, value: str, quote: str) -> Recorded:
        """Judges and stores one answer.

        Raises:
            UnclearAnswerError: Unknown criterion, a value that can't be judged, or words the customer never said.
        """
        wanted = next((c for c in self.business.qualification if c.name == criterion), None)
        if wanted is None:
            names = ", ".join(c.name for c in self.business.qualification)
            raise UnclearAnswerError(f"there is no criterion {criterion[:40]!r}; use one of: {names}")
        judged = judge(wanted, value)
        async with self.db.transaction() as session:
            customer = await session.get_one(Customer, customer_id)
            messages = list(await session.scalars(select(Message).where(Message.customer_id == customer_id).order_by(Message.id)))
            found = list(find_evidence(quote, messages))
            if not found:
                raise UnclearAnswerError("the quote stands in no message of the customer; quote their exact words")
            evidence = next((one for one in found if proves(wanted, judged, one)), None)
            if evidence is None:
                question = in_language(wanted.question, customer.locale or DEFAULT_LOCALE)
                raise UnclearAnswerError(f"the customer's words do not say that value; quote those that do, or ask: {question}")
            await record_answer(session, customer, wanted, judged, quote, evidence.message, self.now())
            await session.flush()
            state = standing(self.business, await answers_of(session, customer))
            if state.standing is Standing.FAILED:
                customer.not_qualified_at = self.now()
            return Recorded(criterion, judged, state)


class Publisher:
    """Brings answers onto the lead: into mapped fields, else into one note; marks those who are ruled out."""

    def __init__(self, db: Database, kommo: KommoClient, leads: Leads, business: Business, locale: str) -> None:
        """`locale`: the sellers' language."""
        self.db, self.kommo, self.leads, self.business, self.locale = db, kommo, leads, business, locale

    async def complete(self, customer_id: int) -> bool:
        """The customer's lead, with all that is to stand on it; planned again, with growing waits, until Kommo takes it.

        Returns:
            Whether it is done.
        """
        try:
            await self.leads.ensure(customer_id)
            await self.publish(customer_id)
        except Exception as error:
            # Kommo's trouble, or a mistake of ours: the customer may never write again, so it must not wait for that.
            problem = str(error) if isinstance(error, ServiceError) else type(error).__name__
            log.warning("lead not complete yet", customer=customer_id, problem=problem)
            await self._plan(customer_id)
            return False
        async with self.db.transaction() as session:
            customer = await session.get_one(Customer, customer_id)
            customer.crm_due_at, customer.crm_since, customer.crm_attempts = None, None, 0
        return True

    async def _plan(self, customer_id: int) -> None:
        now = self.leads.now()
        async with self.db.transaction() as session:
            customer = await session.get_one(Customer, customer_id)
            customer.crm_attempts += 1
            customer.crm_since = customer.crm_since or now
            customer.crm_due_at = now + wait_after(customer.crm_attempts)

    async def publish(self, customer_id: int) -> None:
        """Writes what Kommo does not have yet: once nothing more is to be asked, or a person takes over or the customer leaves.

        Who was ruled out and no longer is loses the tag again; a stage stays, for the seller may have moved the lead since.
        Safe to repeat.

        Raises:
            ServiceError: Kommo can't be reached; `complete` tries again.
        """
        async with self.db.transaction() as session:
            customer = await session.get_one(Customer, customer_id)
            answers = await answers_of(session, customer)
            state = standing(self.business, answers)
            heard = select(Message.id).where(Message.id.in_([a.message_id for a in answers]), Message.kind == ContentKind.AUDIO)
            spoken = set(await session.scalars(heard))
        is_failed = state.standing is Standing.FAILED
        is_cleared = customer.not_qualified_at is not None and not is_failed
        is_over = customer.handed_off_at is not None or customer.opted_out_at is not None
        is_open = state.standing is Standing.MISSING and not is_over
        new = [] if is_open else [answer for answer in answers if not answer.on_lead]
        if not new and not is_cleared:
            return
        lead_id = await self.leads.ensure(customer_id)
        if lead_id is None:
            return
        await self._mark(lead_id, new, is_failed=is_failed, is_cleared=is_cleared)
        await self._tell(lead_id, new, spoken)
        async with self.db.transaction() as session:
            for answer in await answers_of(session, customer):
                if answer.id in {a.id for a in new}:
                    answer.on_lead = True
            if is_cleared:
                (await session.get_one(Customer, customer_id)).not_qualified_at = None

    async def _mark(self, lead_id: int, answers: list[Answer], *, is_failed: bool, is_cleared: bool) -> None:
        rules, mapped = self.business.kommo, self._mapped()
        fields = {mapped[a.criterion]: a.value for a in answers if a.criterion in mapped}
        tag = [rules.not_qualified_tag] if rules.not_qualified_tag else []
        to_add, to_delete = tag if is_failed else [], tag if is_cleared else []
        status_id = rules.not_qualified_status_id if is_failed else None
        if fields or to_add or to_delete or status_id is not None:
            await self.kommo.update_lead(
                lead_id, fields=fields, tags_to_add=to_add, tags_to_delete=to_delete, status_id=status_id
            )

    async def _tell(self, lead_id: int, answers: list[Answer], spoken: set[int]) -> None:
        said = [a for a in answers if a.criterion not in self._mapped()]
        if said:
            note = self._note(said, spoken)
            if note not in await self.kommo.list_notes(lead_id):  # an earlier attempt may have got through
                await self.kommo.add_note(lead_id, note)

    def _mapped(self) -> dict[str, int]:
        return {c.name: c.kommo_field_id for c in self.business.qualification if c.kommo_field_id}

    def _note(self, answers: list[Answer], spoken: set[int]) -> str:
        """`spoken`: ids of voice notes; what was heard there may be misheard, and the seller is to know."""
        words = Catalogue.load("crm", self.locale)
        questions = {c.name: in_language(c.question, self.locale) for c in self.business.qualification}
        lines = [
            words.text(
                "note_answer_by_voice" if a.message_id in spoken else "note_answer",
                question=questions[a.criterion],
                value=a.value,
                quote=a.quote,
            )
            for a in answers
            if a.criterion in questions
        ]
        return "\n".join([words.text("note_title"), *lines])


class HandOff:
    """Gives the conversation to a person: a task for the seller, silence of the agent."""

    def __init__(
        self,
        db: Database,
        kommo: KommoClient,
        leads: Leads,
        *,
        pause_min: int,
        locale: str,
        now: Callable[[], datetime],
    ) -> None:
        """`pause_min`: minutes the agent stays silent afterwards. `locale`: the sellers' language."""
        self.db, self.kommo, self.leads = db, kommo, leads
        self.pause_min, self.locale, self.now = pause_min, locale, now

    async def hand_off(self, customer_id: int, reason: str) -> None:
        """Pauses the agent and makes one task on the lead. Again while paused: nothing more happens.

        Args:
            reason: One short phrase for the seller, in the sellers' language.

        Raises:
            ServiceError: Kommo can't be reached; the agent is paused all the same, and `complete` makes the task later.
        """
        now = self.now()
        async with self.db.transaction() as session:
            customer = await session.get_one(Customer, customer_id)
            if not (is_paused(customer, now) and customer.handed_off_at):
                customer.handed_off_at, customer.handoff_reason, customer.handoff_task_id = now, reason[:200], None
            pause(customer, now + timedelta(minutes=self.pause_min), "hand-off")
        await self.complete(customer_id)

    async def alert(self, customer_id: int, reason: str) -> None:
        """Makes a task for the seller without silencing the agent. One at a time per customer.

        Raises:
            ServiceError: Kommo can't be reached; `complete` makes the task later.
        """
        async with self.db.transaction() as session:
            customer = await session.get_one(Customer, customer_id)
            customer.handed_off_at, customer.handoff_reason, customer.handoff_task_id = self.now(), reason[:200], None
        await self.complete(customer_id)

    async def ask(self, customer_id: int, reason: str) -> None:
        """As `alert`, for one matter that the agent leaves to a seller; a second within the hour makes no second task.

        Raises:
            ServiceError: Kommo can't be reached; `complete` makes the task later.
        """
        async with self.db.transaction() as session:
            customer = await session.get_one(Customer, customer_id)
            is_asked = is_alerted(customer, self.now(), within=_ANSWER_WITHIN)
        if is_asked:
            await self.complete(customer_id)
        else:
            await self.alert(customer_id, reason)

    async def complete(self, customer_id: int) -> None:
        """Makes the seller's task of a hand-off that has none yet.

        Raises:
            ServiceError: Kommo can't be reached; try again later.
        """
        async with self.db.transaction() as session:
            customer = await session.get_one(Customer, customer_id)
        if customer.handed_off_at is None or customer.handoff_task_id is not None:
            return
        lead_id = await self.leads.ensure(customer_id)
        if lead_id is None:
            return
        name = customer.name or customer.phone or "WhatsApp"
        text = Catalogue.load("crm", self.locale).text("handoff_task", name=name, reason=customer.handoff_reason or "")
        task_id = await self._task(lead_id, text, customer.handed_off_at, customer.kommo_user_id)
        async with self.db.transaction() as session:
            (await session.get_one(Customer, customer_id)).handoff_task_id = task_id

    async def _task(self, lead_id: int, text: str, now: datetime, user_id: int | None) -> int:
        for task in await self.kommo.list_tasks(lead_id):  # an earlier attempt may have got through
            if not task.is_completed and task.text == text:
                return task.id
        return await self.kommo.create_task(
            lead_id, text=text, deadline=now + _ANSWER_WITHIN, task_type_id=_FOLLOW_UP, responsible_user_id=user_id
        )
