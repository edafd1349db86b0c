"""Who we talk with, newest first: what the list of conversations shows."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from meetings.business import Business
from meetings.customers import ERASED_JID, is_paused, unanswered
from meetings.phones import match_key, to_e164
from meetings.qualification import Standing, fold, standing
from meetings.tables import Answer, Customer, Meeting, MeetingPhase, MeetingStatus, Message, MessageState, Turn

PAGE = 25


@dataclass(frozen=True)
class CustomerSeen:
    """One line of the list.

    Attributes:
        paused_by: person, hand-off, tag or operator while the agent is silent, else None.
        paused_until: When that ends by itself; None without a pause and for one that the tag holds.
        left: How many messages were left to a person and wait for an answer.
        meeting: The next meeting that has not ended yet.
        tokens: All that were ever spent on this customer, read and written.
    """

    customer: Customer
    paused_by: str | None
    paused_until: datetime | None
    is_opted_out: bool
    is_not_qualified: bool
    left: int
    last: Message | None
    meeting: Meeting | None
    tokens: int


@dataclass(frozen=True)
class Page:
    """A part of the list. `number` counts from 1; `last` is the number of the last page, at least 1."""

    customers: list[CustomerSeen]
    number: int
    last: int
    count: int


async def list_customers(session: AsyncSession, business: Business, now: datetime, search: str, number: int) -> Page:
    """The customers whose name or phone fits the search (all when it is empty), by their newest message."""
    newest = select(func.max(Message.id)).where(Message.customer_id == Customer.id).correlate(Customer).scalar_subquery()
    shown = Customer.jid.not_like(f"{ERASED_JID}%")
    order = (func.coalesce(newest, 0).desc(), Customer.id.desc())
    if search.strip():
        # Databases differ in what they hold for the same letter ("João", "joao"), so names are compared here.
        rows = await session.execute(select(Customer.id, Customer.name, Customer.phone).where(shown).order_by(*order))
        found = [row.id for row in rows if _fits(search, row.name, row.phone)]
        count = len(found)
        number = min(number, _pages(count))
        ids = found[(number - 1) * PAGE : number * PAGE]
    else:
        count = await session.scalar(select(func.count()).select_from(Customer).where(shown)) or 0
        number = min(number, _pages(count))
        ids = list(
            await session.scalars(select(Customer.id).where(shown).order_by(*order).limit(PAGE).offset((number - 1) * PAGE))
        )
    return Page(await see_customers(session, business, now, ids), number, _pages(count), count)


async def see_customers(session: AsyncSession, business: Business, now: datetime, ids: Sequence[int]) -> list[CustomerSeen]:
    """What is to be said about these customers, in the order given."""
    customers = {c.id: c for c in await session.scalars(select(Customer).where(Customer.id.in_(ids)))}
    newest = select(func.max(Message.id)).where(Message.customer_id.in_(ids)).group_by(Message.customer_id)
    last = {m.customer_id: m for m in await session.scalars(select(Message).where(Message.id.in_(newest)))}
    meetings: dict[int, Meeting] = {}
    for meeting in await session.scalars(
        select(Meeting)
        .where(
            Meeting.customer_id.in_(ids),
            Meeting.status == MeetingStatus.SCHEDULED,
            Meeting.phase != MeetingPhase.RELEASED,
            Meeting.ends_at > now,
        )
        .order_by(Meeting.starts_at)
    ):
        meetings.setdefault(meeting.customer_id, meeting)
    spent = await session.execute(
        select(Turn.customer_id, func.sum(Turn.input_tokens + Turn.output_tokens))
        .where(Turn.customer_id.in_(ids))
        .group_by(Turn.customer_id)
    )
    tokens = {row[0]: int(row[1] or 0) for row in spent}
    answers: dict[int, list[Answer]] = {}
    for answer in await session.scalars(select(Answer).where(Answer.customer_id.in_(ids))):
        answers.setdefault(answer.customer_id, []).append(answer)
    left: dict[int, int] = {}
    for message in await unanswered(session, ids):
        left[message.customer_id] = left.get(message.customer_id, 0) + (message.state != MessageState.NEW)
    return [
        CustomerSeen(
            customer=customers[id_],
            paused_by=(customers[id_].pause_source or "person") if is_paused(customers[id_], now) else None,
            paused_until=_pause_end(customers[id_], now),
            is_opted_out=customers[id_].opted_out_at is not None,
            is_not_qualified=standing(business, answers.get(id_, [])).standing is Standing.FAILED,
            left=left.get(id_, 0),
            last=last.get(id_),
            meeting=meetings.get(id_),
            tokens=tokens.get(id_, 0),
        )
        for id_ in ids
        if id_ in customers
    ]


def _pause_end(customer: Customer, now: datetime) -> datetime | None:
    return customer.paused_until if is_paused(customer, now) and customer.pause_source != "tag" else None


def _pages(count: int) -> int:
    return max(1, -(-count // PAGE))


def _fits(search: str, name: str | None, phone: str | None) -> bool:
    if name and fold(search) in fold(name):
        return True
    digits = re.sub(r"\D", "", search)
    if not phone or not digits or re.search(r"[^\W\d_]", search):  # letters: it is a name
        return False
    whole = to_e164(search)
    return (whole is not None and match_key(whole) == match_key(phone)) or digits in phone
