"""What a reply may speak of: the facts that the guard compares it with, read after the tools have run."""

from datetime import datetime

from sqlalchemy import select

from agent.guard import Known
from meetings.booking import latest_meeting, upcoming_meeting
from meetings.business import Business, in_language
from meetings.customers import language_of
from meetings.database import Database
from meetings.tables import Author, Change, Customer, Meeting, MeetingPhase, MeetingStatus, Message, Offer


async def known_facts(db: Database, business: Business, customer_id: int, now: datetime, default_locale: str) -> Known:
    """What a reply may speak of, read after the tools have run."""
    async with db.transaction() as session:
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
    questions = [in_language(c.question, language_of(customer, default_locale)) for c in business.qualification]
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
