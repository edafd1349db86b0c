"""Recognises a clear yes to a reminder, so that no model is asked and none can misread it. Anything else is a turn's business."""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from meetings.business import Business
from meetings.customers import language_of
from meetings.database import Database
from meetings.events import ContentKind
from meetings.notice_facts import meeting_facts
from meetings.qualification import fold
from meetings.reminders import reminded_of
from meetings.tables import Author, Customer, Meeting, Message, MessageState
from meetings.touch_plan import touch_key
from prompts.catalogue import LOCALES, Catalogue

_SENT = (MessageState.SENDING, MessageState.SENT, MessageState.DELIVERED, MessageState.READ)
_LONGEST = 200  # characters; who writes more says more than yes
_TONE = re.compile("[\U0001f3fb-\U0001f3ff\u200d\ufe0e\ufe0f]")  # skin and style of an emoji


async def confirmed_meeting(session: AsyncSession, business: Business, new: Sequence[Message], now: datetime) -> Meeting | None:
    """The meeting to which the new messages say yes, None when they don't.

    A yes counts when a reminder is the last thing that the customer was sent, or is what they quote; then every message must be
    a clear yes and nothing else: "sim, mas mais tarde" is for the model.
    """
    if not all(m.kind in (ContentKind.TEXT, ContentKind.CHOICE) and is_yes(m.text, _names(business)) for m in new):
        return None
    customer_id = new[0].customer_id
    quoted = {m.quoted_id for m in new if m.quoted_id}
    if len(quoted) > 1:
        return None
    ours = select(Message).where(Message.customer_id == customer_id, Message.author != Author.CUSTOMER, Message.state.in_(_SENT))
    asked = await session.scalar(
        ours.where(Message.vendor_id.in_(quoted))
        if quoted
        else ours.where(Message.id < min(m.id for m in new)).order_by(Message.id.desc()).limit(1)
    )
    return await reminded_of(session, asked, now) if asked is not None else None


async def confirmation(db: Database, business: Business, customer_id: int, default_locale: str) -> tuple[str, str]:
    """Key and text of the answer to a customer who has just said yes."""
    async with db.transaction() as session:
        customer = await session.get_one(Customer, customer_id)
        meeting = await session.scalar(
            select(Meeting)
            .where(Meeting.customer_id == customer_id, Meeting.confirmed_for.is_not(None))
            .order_by(Meeting.confirmed_at.desc())
            .limit(1)
        )
    assert meeting is not None
    locale = language_of(customer, default_locale)
    text = Catalogue.load("notices", locale).fill("confirmed", meeting_facts(business, customer, meeting, locale))
    return touch_key(meeting, "thanks"), text


def is_yes(text: str, names: Sequence[str] = ()) -> bool:
    """Whether the text is a yes and nothing but a yes, in any of our languages: "Sim!", "ok 👍", "yes, I'll be there".

    Args:
        names: Of people who may be addressed: "sim, Clara".
    """
    said = _TONE.sub("", fold(text))
    if "?" in said or not said or len(said) > _LONGEST:
        return False
    rest = re.sub(r"[^\w\s']", lambda mark: f" {mark[0]} ", said)
    rest = " ".join(re.sub(r"[.,!;:()\-–—\"…]", " ", rest).split())
    yes, filler = _patterns()
    called = "|".join(re.escape(fold(name)) for name in names if name)
    either = f"(?:{yes}|{filler}{'|' + called if called else ''})"
    # Atomic: the longest words first and no second thoughts, so that a long text costs no more than its length.
    is_whole = re.fullmatch(rf"(?>{either}(?: |$))+", rest) is not None
    return is_whole and re.search(rf"(?<!\w){yes}(?!\w)", rest) is not None


@cache
def _patterns() -> tuple[str, str]:
    """Alternatives, longest first: words for yes, and words that may stand beside them."""
    return _either("confirm_words"), _either("confirm_beside")


def _either(key: str) -> str:
    words = {fold(word) for locale in LOCALES for word in Catalogue.load("notices", locale).list(key)}
    return "(?:" + "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)) + ")"


def _names(business: Business) -> list[str]:
    sellers = [part for seller in business.sellers for part in (seller.name, seller.name.split()[0])]
    return [business.company.assistant_name, business.company.name, *sellers]
