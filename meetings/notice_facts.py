"""The facts that notices print: of a meeting as it is stored, for the customer's eyes and for the seller's."""

from collections.abc import Sequence

from meetings.booking import OfferedTime
from meetings.business import Business, in_language
from meetings.tables import Customer, Meeting
from prompts.labels import day_label, hour_label, short_label, when_label, zone_label


def meeting_facts(business: Business, customer: Customer, meeting: Meeting, locale: str) -> dict[str, str]:
    """Name, company, subject, seller, day, hour, zone and video call, in the customer's language; what is unknown is empty."""
    seller = business.seller(meeting.kommo_user_id)
    return {
        "name": first_name(customer),
        "company": business.company.name,
        "subject": in_language(business.meetings.subject, locale),
        "seller": seller.name if seller else business.company.name,
        "day": day_label(meeting.starts_at, business.zone, locale),
        "hour": hour_label(meeting.starts_at, business.zone),
        "zone": zone_label(meeting.starts_at, business.zone, locale),
        "meet_link": meeting.meet_link or "",
    }


def seller_facts(business: Business, customer: Customer, meeting: Meeting, locale: str) -> dict[str, str]:
    """Subject, name and when, as sellers read them."""
    return {
        "subject": in_language(business.meetings.subject, locale),
        "name": customer.name or customer.phone or "WhatsApp",
        "when": short_label(meeting.starts_at, business.zone, locale),
    }


def options_text(business: Business, offered: Sequence[OfferedTime], locale: str) -> str:
    """Offered times as a list, one per line, under their numbers."""
    return "\n".join(f"{o.number}) {when_label(o.starts_at, business.zone, locale)}" for o in offered)


def first_name(customer: Customer) -> str:
    return (customer.name or "").split(" ")[0]
