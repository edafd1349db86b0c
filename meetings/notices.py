"""What a customer is told of a meeting: the difference between what they were last told and what is agreed now."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from meetings.business import Business, in_language
from meetings.customers import language_of
from meetings.lifecycle import snapshot
from meetings.tables import Change, Customer, Meeting, MeetingStatus
from prompts.catalogue import Catalogue
from prompts.labels import day_label, hour_label, zone_label

_CLOSED_BY_SELLER = (MeetingStatus.COMPLETED, MeetingStatus.NO_SHOW)


def notice_of(
    meeting: Meeting,
    customer: Customer,
    change: Change,
    business: Business,
    default_locale: str,
    *,
    own: Change | None = None,
) -> str | None:
    """The text for the customer, printed from the stored meeting; None when there is nothing to tell.

    What changed twice before the customer heard of it is told once; what was undone in between, not at all.

    Args:
        change: The line of the newest revision: who did it and when.
        own: The newest change before that which the customer made in the conversation.
        default_locale: The language when the customer's is not known.
    """
    told = told_of(meeting, own)
    key = _key(meeting, customer, change, told)
    if key is None:
        return None
    locale = language_of(customer, default_locale)
    # Of a meeting that ended the customer knows the time they were last told.
    known = told if told and meeting.status != MeetingStatus.SCHEDULED else snapshot(meeting)
    values = _values(known, customer, business, locale) | {"meet_link": meeting.meet_link or ""}
    if key == "moved" and told:
        old = datetime.fromisoformat(told["starts_at"])
        values |= {"old_day": day_label(old, business.zone, locale), "old_hour": hour_label(old, business.zone)}
    return Catalogue.load("notices", locale).fill(key, values)


def told_of(meeting: Meeting, own: Change | None) -> Mapping[str, Any] | None:
    """What the customer knows of the meeting, None for one they never heard of.

    Who booked in the conversation knows the time before the official confirmation has gone out.
    """
    if meeting.told:
        return meeting.told
    if meeting.booked_in_turn and own is not None:
        return own.after
    return None


def _key(meeting: Meeting, customer: Customer, change: Change, told: Mapping[str, Any] | None) -> str | None:
    status = MeetingStatus(meeting.status)
    if told is None:
        if status is not MeetingStatus.SCHEDULED:
            return None
        return "confirmation_by_seller" if change.by == "seller" else "confirmation"
    was = MeetingStatus(told["status"])
    if status is not was:
        return _key_of_status(status, was, meeting, customer, change)
    if status is not MeetingStatus.SCHEDULED:
        return None
    if datetime.fromisoformat(told["starts_at"]) != meeting.starts_at:
        return "moved" if meeting.told else "confirmation"
    if told["kommo_user_id"] != meeting.kommo_user_id:
        return "seller_changed" if meeting.told else "confirmation"
    return None if meeting.told else "confirmation"


def _key_of_status(status: MeetingStatus, was: MeetingStatus, meeting: Meeting, customer: Customer, change: Change) -> str | None:
    if status is MeetingStatus.CANCELLED:
        if change.at >= meeting.ends_at and change.source != "conversation":
            return None  # somebody tidied up: nothing is called off that is over
        return "cancelled_by_customer" if change.by == "customer" else "cancelled_by_us"
    if was in _CLOSED_BY_SELLER:
        return None  # the seller set right what was marked wrong; the customer was there, or knows that not
    if customer.opted_out_at is not None:
        return None  # thanks and invitations are ours to offer; changes of the meeting itself are told all the same
    return status.value


def _values(known: Mapping[str, Any], customer: Customer, business: Business, locale: str) -> dict[str, Any]:
    starts_at = datetime.fromisoformat(known["starts_at"])
    seller = business.seller(known["kommo_user_id"])
    return {
        "name": (customer.name or "").split(" ")[0],
        "company": business.company.name,
        "subject": in_language(business.meetings.subject, locale),
        "seller": seller.name if seller else business.company.name,
        "day": day_label(starts_at, business.zone, locale),
        "hour": hour_label(starts_at, business.zone),
        "zone": zone_label(starts_at, business.zone, locale),
    }
