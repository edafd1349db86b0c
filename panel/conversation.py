"""One conversation: what both sides wrote, what the customer answered, what was agreed, and who may speak now."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from meetings.business import Business, Criterion, in_language
from meetings.customers import unanswered
from meetings.qualification import answers_of, standing
from meetings.tables import SENT_BLINDLY, TAKEN_BACK, Answer, Author, Customer, Meeting, MeetingPhase, Message, MessageState
from panel.customers import CustomerSeen, see_customers
from panel.receipts import MeetingSeen, see_meetings

WINDOW = 60  # messages of one page


@dataclass(frozen=True)
class MessageSeen:
    """A message.

    Attributes:
        state: Names the sentence that says it, `state_<state>` in the panel's catalogue: that of the record, or "left" for what
            a person was to answer, or "taken_back".
        opens_day: The first message of this day on the page, in the business's zone; None for the others.
        is_doubtful: The customer may have got it twice.
    """

    message: Message
    state: str
    opens_day: date | None
    is_doubtful: bool = False


@dataclass(frozen=True)
class AnswerSeen:
    """What a customer answered, and the question in the operator's language (its bare name once it left the business file)."""

    answer: Answer
    question: str


@dataclass(frozen=True)
class ConversationSeen:
    """The whole page.

    Attributes:
        messages: At most `WINDOW`, oldest first.
        older_than: To be asked for the messages before; None when these are the first.
        is_newest_part: Whether the newest message is among them.
        newest_meeting_first: The customer's meetings.
        missing: Questions that are still to be asked.
        waiting: What the agent would answer now, or does already.
    """

    person: CustomerSeen
    messages: list[MessageSeen]
    older_than: int | None
    is_newest_part: bool
    answers: list[AnswerSeen]
    missing: list[str]
    newest_meeting_first: list[MeetingSeen]
    waiting: list[Message]


async def see_conversation(
    session: AsyncSession,
    business: Business,
    now: datetime,
    customer_id: int,
    *,
    older_than: int | None,
    locale: str,
    lead_url: Callable[[int], str],
) -> ConversationSeen | None:
    """The conversation with a customer, None when there is no such customer.

    Args:
        older_than: Only messages with a smaller id; the newest ones when None.
    """
    customer = await session.get(Customer, customer_id)
    if customer is None:
        return None
    (person,) = await see_customers(session, business, now, [customer_id])
    wanted = select(Message).where(Message.customer_id == customer_id).order_by(Message.id.desc()).limit(WINDOW + 1)
    if older_than is not None:
        wanted = wanted.where(Message.id < older_than)
    rows = list(await session.scalars(wanted))
    part = rows[:WINDOW]
    waiting = await unanswered(session, [customer_id])
    meetings = await session.scalars(
        select(Meeting)
        .where(Meeting.customer_id == customer_id, Meeting.phase != MeetingPhase.RELEASED)
        .order_by(Meeting.id.desc())
    )
    answers = {answer.criterion: answer for answer in await answers_of(session, customer)}
    return ConversationSeen(
        person=person,
        messages=_in_order(part, {m.id for m in waiting}, business),
        older_than=part[-1].id if len(rows) > WINDOW else None,
        is_newest_part=older_than is None,
        answers=[AnswerSeen(answer, _question(business, name, locale)) for name, answer in _sorted(answers, business)],
        missing=[_asked(criterion, locale) for criterion in standing(business, answers.values()).missing],
        newest_meeting_first=await see_meetings(session, list(meetings), lead_url),
        waiting=waiting,
    )


def _in_order(messages: list[Message], waiting: set[int], business: Business) -> list[MessageSeen]:
    seen, day = [], None
    for message in sorted(messages, key=lambda m: (m.sent_at, m.id)):
        today = business.local(message.sent_at).date()
        state = _state(message, is_waiting=message.id in waiting)
        is_doubtful = message.problem == SENT_BLINDLY
        seen.append(MessageSeen(message, state, today if today != day else None, is_doubtful))
        day = today
    return seen


def _state(message: Message, *, is_waiting: bool) -> str:
    if message.problem == TAKEN_BACK and message.author == Author.CUSTOMER:
        return "taken_back"
    if is_waiting and message.state != MessageState.NEW:
        return "left"
    return str(message.state)


def _sorted(answers: dict[str, Answer], business: Business) -> list[tuple[str, Answer]]:
    """In the order of the business file; what it does not ask any more comes last."""
    order = {criterion.name: n for n, criterion in enumerate(business.qualification)}
    return sorted(answers.items(), key=lambda item: (order.get(item[0], len(order)), item[0]))


def _question(business: Business, name: str, locale: str) -> str:
    return next((_asked(c, locale) for c in business.qualification if c.name == name), name)


def _asked(criterion: Criterion, locale: str) -> str:
    return in_language(criterion.question, locale)
