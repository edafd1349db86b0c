"""What the model sees: the policy first and unchanged, then a window of messages, then the facts, then what is new."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from meetings.booking import is_in_time, latest_meeting, upcoming_meeting
from meetings.business import Business, in_language
from meetings.customers import language_of
from meetings.database import Database
from meetings.introduction import Introduction
from meetings.qualification import Standing, answers_of, standing
from meetings.tables import Author, Customer, Meeting, Message, MessageState, Offer
from prompts.catalogue import Catalogue, document
from prompts.labels import when_label
from tools.context import option_line
from tools.qualification import missing_line

WINDOW = 30  # most messages of history; everything older that matters stands in the facts
# The window does not move with every turn but in leaps, so that most turns begin as the one before and providers can cache that.
_LEAP = 10
_VALUE_CHARS = 200  # of an answer in free words


def policy(business: Business, locale: str) -> str:
    """The static part: the same for every customer of a language, so that providers can cache it."""
    company = business.company
    return document(
        "policy",
        locale,
        assistant_name=company.assistant_name,
        company=company.name,
        sells=company.sells,
        tone=company.tone,
        facts=company.facts,
        subject=in_language(business.meetings.subject, locale),
        length_min=business.meetings.length_min,
        criteria=[
            {
                "name": c.name,
                "type": c.type.value,
                "required": c.required,
                "options": ", ".join(c.options),
                "question": in_language(c.question, locale),
            }
            for c in business.qualification
        ],
    )


@dataclass(frozen=True)
class Conversation:
    """One turn's input as plain data: it is kept as the result of a durable step.

    Attributes:
        history: Messages before, oldest first: {"role": "user" | "assistant", "text": …}.
        facts: The block of facts as of now.
        new: Texts of the messages to answer, oldest first.
        locale: The customer's language.
    """

    history: list[dict[str, str]]
    facts: str
    new: list[str]
    locale: str


async def read_conversation(
    db: Database,
    business: Business,
    customer_id: int,
    claimed: Sequence[int],
    now: datetime,
    default_locale: str,
    message_chars: int,
) -> Conversation:
    """The conversation up to the claimed messages, of each at most `message_chars` characters."""
    async with db.transaction() as session:
        customer = await session.get_one(Customer, customer_id)
        locale = language_of(customer, default_locale)
        said = (Message.customer_id == customer_id, Message.id <= max(claimed), Message.state != MessageState.FAILED)
        count = await session.scalar(select(func.count()).select_from(Message).where(*said)) or 0
        wanted = _window(count - len(claimed)) + len(claimed)
        rows = list(await session.scalars(select(Message).where(*said).order_by(Message.id.desc()).limit(wanted)))
        answers = await answers_of(session, customer)
        stored = await session.scalars(select(Offer).where(Offer.customer_id == customer_id).order_by(Offer.number))
        offers = [offer for offer in stored if is_in_time(offer, business, now)]
        meeting = await upcoming_meeting(session, customer_id, now) or await latest_meeting(session, customer_id)
    words = Catalogue.load("conversation", locale)
    rows.sort(key=lambda m: (m.sent_at, m.id))  # a burst may arrive in another order than it was written
    old = [m for m in rows if m.id not in claimed]
    return Conversation(
        history=_from_customer_on([_entry(m, business, words, message_chars) for m in old]),
        facts=_facts(business, customer, standing(business, answers), offers, meeting, now, locale),
        new=[_text(m, words, message_chars) for m in rows if m.id in claimed],
        locale=locale,
    )


def _window(messages: int) -> int:
    """How many of so many messages are shown: all, and beyond WINDOW the newest 21 to 30."""
    return messages if messages <= WINDOW else WINDOW - _LEAP + 1 + (messages - WINDOW - 1) % _LEAP


def _entry(message: Message, business: Business, words: Catalogue, most: int) -> dict[str, str]:
    if message.author == Author.CUSTOMER:
        return {"role": "user", "text": _text(message, words, most)}
    if message.author == Author.SELLER:
        text = _cut(message.text, words, most)
        return {"role": "assistant", "text": words.text("seller_wrote", company=business.company.name, text=text)}
    return {"role": "assistant", "text": message.text}


def _text(message: Message, words: Catalogue, most: int) -> str:
    said = _cut(message.text, words, most)
    if message.kind in ("text", "choice"):
        return said
    if message.kind == "audio" and said:
        return f"{words.text('media_audio_heard')} {said}"
    mark = words.text(f"media_{message.kind}")
    return f"{mark} {said}" if said else mark


def _cut(text: str, words: Catalogue, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]} {words.text('cut_off')}"


def _from_customer_on(entries: list[dict[str, str]]) -> list[dict[str, str]]:
    """The window may cut in the middle: it starts with something the customer said."""
    first = next((n for n, entry in enumerate(entries) if entry["role"] == "user"), len(entries))
    return entries[first:]


def _facts(
    business: Business,
    customer: Customer,
    state: Any,
    offers: Sequence[Offer],
    meeting: Meeting | None,
    now: datetime,
    locale: str,
) -> str:
    zone = business.zone
    first_name = (customer.name or "").split(" ")[0]
    lines = [
        f"now: {now.astimezone(zone).isoformat(timespec='minutes')} | {when_label(now, zone, locale)}",
        f"language: {locale}",
        f"company: {business.company.name}",
        f"customer: {first_name}",
        f"qualification: {state.standing.value}",
        *(f"answered: {name} | {value[:_VALUE_CHARS]}" for name, value in state.answers.items()),
    ]
    if state.standing is not Standing.FAILED:
        lines += [missing_line(criterion, locale) for criterion in state.missing]
    lines += [f"offered: {option_line(o.number, o.starts_at, zone, locale)}" for o in offers]
    lines.append(f"meeting: {_meeting_fact(business, meeting, locale)}")
    lines.append(f"first_contact: {'no' if customer.introduced_at else 'yes'}")
    if not customer.introduced_at:
        lines.append(f"introduction: {Introduction(business.company, locale).sentence(customer)}")
    return "\n".join(["<facts>", *lines, "</facts>"])


def _meeting_fact(business: Business, meeting: Meeting | None, locale: str) -> str:
    if meeting is None:
        return "none"
    seller = business.seller(meeting.kommo_user_id)
    parts = [
        str(meeting.status) if meeting.phase != "held" else "confirming",
        meeting.starts_at.astimezone(business.zone).isoformat(timespec="minutes"),
        when_label(meeting.starts_at, business.zone, locale),
        seller.name if seller else business.company.name,
    ]
    return " | ".join(parts)
