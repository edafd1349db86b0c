"""What a reply may speak of: the facts that the guard compares it with, read after the tools have run."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select

from agent.guard import Known
from meetings.booking import is_in_time, latest_meeting, upcoming_meeting
from meetings.business import WEEKDAYS, Business, CriterionType, in_language
from meetings.customers import is_alerted, is_paused, language_of
from meetings.database import Database
from meetings.qualification import answers_of, parse_money
from meetings.tables import Answer, Author, Change, Customer, Meeting, MeetingPhase, MeetingStatus, Message, Offer

_SPOKEN = 30  # messages of customer and seller whose words may be taken up


async def known_facts(
    db: Database, business: Business, customer_id: int, now: datetime, default_locale: str, claimed: Sequence[int] = ()
) -> Known:
    """What a reply may speak of, read after the tools have run.

    Args:
        claimed: The messages that the reply answers: what was done since the oldest of them was stored is done now.
    """
    async with db.transaction() as session:
        customer = await session.get_one(Customer, customer_id)
        upcoming = await upcoming_meeting(session, customer_id, now)
        latest = await latest_meeting(session, customer_id)
        offers = list(await session.scalars(select(Offer).where(Offer.customer_id == customer_id)))
        changes = list(
            await session.execute(
                select(Change.meeting_id, Change.what, Meeting.event_rev, Change.revision, Change.before, Change.at)
                .join(Meeting, Meeting.id == Change.meeting_id)
                .where(Meeting.customer_id == customer_id, Meeting.phase == MeetingPhase.BOOKED)
            )
        )
        spoken = list(
            await session.scalars(
                select(Message)
                .where(Message.customer_id == customer_id, Message.author.in_([Author.CUSTOMER, Author.SELLER]))
                .order_by(Message.id.desc())
                .limit(_SPOKEN)
            )
        )
        answers = await answers_of(session, customer)
        since = await session.scalar(select(func.min(Message.stored_at)).where(Message.id.in_(claimed)))
    # Only what befell the newest meeting: once there is another, "it was cancelled" would be about that one.
    carried_out = {
        what: at
        for meeting_id, what, event_rev, revision, _, at in changes
        if latest and meeting_id == latest.id and event_rev >= revision
    }
    earlier = [datetime.fromisoformat(before["starts_at"]) for *_, before, _ in changes if before.get("starts_at")]
    meetings = [m for m in (upcoming, latest) if m]
    is_booked = bool(
        upcoming
        and upcoming.phase == MeetingPhase.BOOKED
        and upcoming.status == MeetingStatus.SCHEDULED
        and upcoming.event_rev >= upcoming.revision
    )
    handed_off_at = customer.handed_off_at if is_paused(customer, now) or is_alerted(customer, now) else None
    deeds = {what: carried_out[what] for what in ("moved", "cancelled") if what in carried_out}
    if upcoming and is_booked:
        deeds["booked"] = upcoming.created_at
    if handed_off_at:
        deeds["handed_off"] = handed_off_at
    open_offers = {o.starts_at for o in offers if is_in_time(o, business, now)}
    standing = {m.starts_at for m in meetings if m is upcoming}
    seller = next((s for s in business.sellers if upcoming and s.kommo_user_id == upcoming.kommo_user_id), None)
    questions = [in_language(c.question, language_of(customer, default_locale)) for c in business.qualification]
    return Known(
        booked=is_booked,
        moved="moved" in carried_out,
        cancelled="cancelled" in carried_out,
        handed_off=handed_off_at is not None,
        moments=tuple(sorted(open_offers | standing)),
        past=tuple(sorted({*(o.starts_at for o in offers), *(m.starts_at for m in meetings), *earlier} - open_offers - standing)),
        deeds_now=frozenset(deed for deed, at in deeds.items() if since is not None and at >= since),
        opted_out=customer.opted_out_at is not None,
        seller=seller.name.split()[0] if seller and is_booked else "",
        own_words="\n".join([*_facts(business), *questions, *_by(spoken, Author.SELLER)]),
        zone=business.zone,
        now=now,
        said=_by(spoken, Author.CUSTOMER),
        amounts=_amounts(business, answers),
        link_saved=bool(latest and latest.lead_rev >= latest.revision),
        notified=bool(latest and latest.notice_rev >= latest.revision),
        completed=bool(latest and latest.status == MeetingStatus.COMPLETED),
        no_show=bool(latest and latest.status == MeetingStatus.NO_SHOW),
        meeting_at=upcoming.starts_at if upcoming and is_booked else None,
        closed=frozenset(
            n for n, day in enumerate(WEEKDAYS) if not any(seller.working_hours.get(day) for seller in business.sellers)
        ),
        people=tuple(seller.name.split()[0] for seller in business.sellers),
    )


def _facts(business: Business) -> list[str]:
    """What may be stated about the company, and how long a meeting is."""
    return [*business.company.facts, business.company.sells, f"{business.meetings.length_min} min"]


def _by(messages: Sequence[Message], author: Author) -> tuple[str, ...]:
    return tuple(message.text for message in messages if message.author == author)


def _amounts(business: Business, answers: Sequence[Answer]) -> tuple[Decimal, ...]:
    """Money that may be named: what the rules ask for, and what the customer told."""
    money = {c.name: c.rule for c in business.qualification if c.type is CriterionType.MONEY}
    limits = [Decimal(str(limit)) for rule in money.values() for limit in (rule.min, rule.max) if limit is not None]
    told = [parse_money(answer.value) for answer in answers if answer.criterion in money]
    return (*limits, *told)
