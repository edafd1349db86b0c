"""Recognises a clear yes to a reminder, so that no model is asked and none can misread it. Anything else is a turn's business."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache

from babel.dates import get_day_names
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
_PARTS = (  # of the day, up to that hour
    (12, "(?:manha|manana|morning)"),
    (18, "(?:tarde|afternoon)"),
    (24, "(?:noite|noche|tarde|evening|night)"),
)
_NEAR = {0: ("hoje", "hoy", "today"), 1: ("amanha", "manana", "tomorow")}
_TONE = re.compile("[\U0001f3fb-\U0001f3ff\u200d\ufe0e\ufe0f]")  # skin and style of an emoji


async def confirmed_meeting(session: AsyncSession, business: Business, new: Sequence[Message], now: datetime) -> Meeting | None:
    """The meeting to which the new messages say yes, None when they don't.

    A yes counts when a reminder is the last thing that the customer was sent, or is what they quote; then every message must be
    a clear yes and nothing else: "sim, mas mais tarde" is for the model.
    """
    if not all(m.kind in (ContentKind.TEXT, ContentKind.CHOICE) for m in new):  # what was heard may be misheard
        return None
    meeting = await _reminded_meeting(session, new, now)
    if meeting is None:
        return None
    starts_at = business.local(meeting.starts_at)
    names, today = _names(business), business.local(now).date()
    return meeting if all(is_yes(m.text, names, starts_at, today) for m in new) else None


async def _reminded_meeting(session: AsyncSession, new: Sequence[Message], now: datetime) -> Meeting | None:
    """The meeting of whose reminder the new messages are the answer."""
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


def is_yes(text: str, names: Sequence[str] = (), starts_at: datetime | None = None, today: date | None = None) -> bool:
    """Whether the text is a yes and nothing but a yes, in any of our languages: "Simm!", "ok 👍", "yes, I'll be there".

    Args:
        names: Of people who may be addressed: "sim, Clara".
        starts_at: Local time of the meeting. Its hour and day may be named, no others: "sim, às 10h".
        today: The day on which it was written, where the meeting is.
    """
    said = _TONE.sub("", fold(text))
    if "?" in said or not said or len(said) > _LONGEST:
        return False
    rest = re.sub(r"[^\w\s']", lambda mark: f" {mark[0]} ", said)
    rest = _once(" ".join(re.sub(r"[.,!¡;:()\-–—\"…]", " ", rest).split()))
    yes, filler = _patterns()
    called = [re.escape(_once(fold(name))) for name in names if name]
    times = [_hour_words(starts_at), *_day_words(starts_at, today)] if starts_at else []
    either = f"(?:{'|'.join([*times, yes, filler, *called])})"
    # Atomic: the longest words first and no second thoughts, so that a long text costs no more than its length.
    is_whole = re.fullmatch(rf"(?>{either}(?: |$))+", rest) is not None
    return is_whole and re.search(rf"(?<!\w){yes}(?!\w)", rest) is not None


@cache
def _patterns() -> tuple[str, str]:
    """Alternatives, longest first: words for yes, and words that may stand beside them."""
    return _either("confirm_words"), _either("confirm_beside")


def _either(key: str) -> str:
    words = {_once(fold(word)) for locale in LOCALES for word in Catalogue.load("notices", locale).list(key)}
    return "(?:" + "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)) + ")"


def _once(text: str) -> str:
    """Every letter once where it is repeated: "siiimm" is "sim"."""
    return re.sub(r"([^\W\d_])\1+", r"\1", text)


def _hour_words(at: datetime) -> str:
    """The ways to write that hour, as a pattern over text without punctuation: "as 10h", "10 00", "a las 3 de la tarde"."""
    part = next(words for until, words in _PARTS if at.hour < until)
    hours = "|".join({str(at.hour), f"{at.hour:02d}", str(at.hour % 12 or 12)})
    minutes = f"(?: ?h? ?{at.minute:02d}(?: ?min)?)" if at.minute else "(?: ?h? ?0{2})?"
    unit = rf"(?: ?(?:hs?|hrs?|horas?|hours?|o'clock|{'am' if at.hour < 12 else 'pm'})(?!\w))"
    when = rf"(?: (?:da|de la|por la|in the|at) {part})"
    number = rf"(?:{hours}){minutes}"
    exact = rf"(?:{hours}) ?[h ] ?{at.minute:02d}(?!\w)"
    alone = f"(?:{exact}|{number}{unit}){when}?|{number}{when}"
    return rf"(?:(?:as|a las?|at|para as|pras) )?(?:{alone})|(?:as|a las?|at|para as|pras) {number}(?!\w){when}?"


def _day_words(at: datetime, today: date | None) -> list[str]:
    """The ways to name that day, as patterns: its weekday, "hoje", "tomorrow"."""
    days = [_once(fold(get_day_names("wide", locale=locale.replace("-", "_"))[at.weekday()])) for locale in LOCALES]
    weekdays = {day for name in days for day in (name.replace("-", " "), name.split("-")[0])}
    near = _NEAR.get((at.date() - today).days, ()) if today else ()
    words = sorted({*weekdays, *near}, key=len, reverse=True)
    return [rf"(?:(?:na|no|el|on) )?(?:{'|'.join(words)})(?!\w)"]


def _names(business: Business) -> list[str]:
    sellers = [part for seller in business.sellers for part in (seller.name, seller.name.split()[0])]
    return [business.company.assistant_name, business.company.name, *sellers]
