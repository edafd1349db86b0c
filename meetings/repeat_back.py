"""Whether an hour that was heard, not read, must be repeated to the customer before anything is booked.

Judged by what was really written and sent, never by which tool was called: a turn that failed or was dropped has told nobody.
"""

import re
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from babel.dates import format_date
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from meetings.events import ContentKind
from meetings.qualification import fold
from meetings.tables import Author, Message, MessageState, Offer
from prompts.catalogue import LOCALES

_LOOK_BACK = 30  # messages: further back nobody means the times that are offered now
_OURS = (Author.AGENT, Author.SYSTEM)
_TOLD = (MessageState.SENT, MessageState.DELIVERED, MessageState.READ)
_NEAR = r"hoje|amanha|hoy|manana|today|tomorrow"


async def must_repeat_back(session: AsyncSession, customer_id: int, option: int, zone: ZoneInfo) -> bool:
    """Whether the customer spoke lately, has not named the time in writing since, and has not answered a question of ours about
    it: about this one time, which is what a list of several does not do.

    Unknown options need no repeating: booking them is refused anyway.
    """
    offers = list(await session.scalars(select(Offer).where(Offer.customer_id == customer_id)))
    chosen = next((offer for offer in offers if offer.number == option), None)
    if chosen is None:
        return False
    rows = await session.scalars(
        select(Message).where(Message.customer_id == customer_id).order_by(Message.id.desc()).limit(_LOOK_BACK)
    )
    messages = list(rows)[::-1]
    spoken = [n for n, one in enumerate(messages) if one.author == Author.CUSTOMER and one.kind == ContentKind.AUDIO]
    if not spoken:
        return False
    if any(one.author == Author.CUSTOMER and _chooses(one.text, chosen, zone) for one in messages[spoken[-1] + 1 :]):
        return False
    others = [offer for offer in offers if offer is not chosen]
    asked = [n for n, one in enumerate(messages) if _asks(one, chosen, others, zone)]
    return not (asked and any(one.author == Author.CUSTOMER for one in messages[asked[0] + 1 :]))


def _asks(message: Message, chosen: Offer, others: Sequence[Offer], zone: ZoneInfo) -> bool:
    """Whether it is a message of ours that reached the customer and names this time and no other of those offered."""
    if message.author not in _OURS or message.state not in _TOLD or not _names(message.text, chosen, zone):
        return False
    return not any(_names(message.text, other, zone) for other in others)


def _chooses(text: str, offer: Offer, zone: ZoneInfo) -> bool:
    """Whether the customer wrote the option's number, or its hour."""
    said = fold(text)
    return re.search(rf"(?<![\d:,.])0?{offer.number}(?![\d:,.h]|\s*(?:h\b|horas?\b))", said) is not None or _has_hour(
        said, offer, zone
    )


def _names(text: str, offer: Offer, zone: ZoneInfo) -> bool:
    said = fold(text)
    return _has_hour(said, offer, zone) and _has_day(said, offer, zone)


def _has_hour(said: str, offer: Offer, zone: ZoneInfo) -> bool:
    start = offer.starts_at.astimezone(zone)
    minutes = f"(?::{start:%M}|h{start:%M})" if start.minute else r"(?::00|h(?:00)?\b|\s*horas?\b|\s*(?:am|pm)\b)"
    hours = {start.hour, start.hour % 12 or 12}
    return any(re.search(rf"(?<!\d)0?{hour}{minutes}", said) for hour in hours)


def _has_day(said: str, offer: Offer, zone: ZoneInfo) -> bool:
    start = offer.starts_at.astimezone(zone)
    weekdays = {fold(format_date(start, "EEEE", locale=locale.replace("-", "_"))).split("-")[0] for locale in LOCALES}
    date = rf"(?<!\d)0?{start.day}(?:/0?{start.month}\b|\s+(?:de\s+)?[a-z]{{3}})"
    return re.search(rf"\b(?:{'|'.join(weekdays)}|{_NEAR})\b|{date}", said) is not None
