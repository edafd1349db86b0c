"""Webhooks that show nothing new: our own writes coming back, and edits of what is no business of ours. They need no look.

Skipping a look is all that a webhook's content can do. A forged one, or an old one that comes late, gains nothing: what was
changed has a webhook of its own, and the sweep reads everything.
"""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from clients.kommo import LOST
from meetings.business import Business
from meetings.customers import responsible_seller
from meetings.events import HintEntity, KommoHint, LeadShown
from meetings.seen import shown_of
from meetings.sync import meetings_named
from meetings.tables import Customer, Meeting, MeetingPhase


class Echoes:
    """Tells them from webhooks that are worth a look."""

    def __init__(self, business: Business, fields: tuple[int, int]) -> None:
        """`fields`: ids of the lead fields google_calendar_link and meeting_status."""
        self.business, self.fields = business, fields

    async def has(self, session: AsyncSession, hint: KommoHint) -> bool:
        """Whether the lead's webhook shows what is agreed with all meetings and known of all customers of that lead."""
        if hint.entity is not HintEntity.LEAD or hint.shows is None:
            return False
        meetings = await meetings_named(session, HintEntity.LEAD, hint.id)
        customers = list(await session.scalars(select(Customer).where(Customer.kommo_lead_id == hint.id)))
        if not meetings:
            return False
        speaking, *others = meetings
        return (
            self._agrees(speaking, hint.shows)
            and all(_is_known(meeting, hint.shows) for meeting in [speaking, *others])
            and all(self._is_heeded(customer, hint.shows) for customer in customers)
        )

    def _agrees(self, meeting: Meeting, shows: LeadShown) -> bool:
        """The newest meeting, of which the lead's two fields speak."""
        link_field, status_field = self.fields
        fields = (shows.fields.get(link_field, ""), shows.fields.get(status_field, ""))
        return fields == (meeting.link or "", str(meeting.status))

    def _is_heeded(self, customer: Customer, shows: LeadShown) -> bool:
        """As in `heed_lead`: whose lead it is, and the tag that silences the agent."""
        is_tagged = bool(self.business.kommo.pause_tag) and self.business.kommo.pause_tag in shows.tags
        is_known = customer.kommo_user_id == responsible_seller(customer, shows.responsible_user_id, self.business)
        return is_known and is_tagged == (customer.pause_source == "tag")


def _is_known(meeting: Meeting, shows: LeadShown) -> bool:
    """Stage and responsible user are those of the base, and nothing is afoot."""
    base = shown_of(meeting).lead
    if base is None or meeting.phase != MeetingPhase.BOOKED or meeting.wish or meeting.look_at:
        return False
    return (shows.responsible_user_id, shows.status_id == LOST) == (base.responsible, base.is_lost)
