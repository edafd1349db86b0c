"""What tools know that the model does not: whose turn this is, and the services."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from meetings.booking import Booking
from meetings.business import Business
from meetings.desk import Desk
from meetings.qualifying import HandOff, Qualifier
from prompts.labels import when_label


@dataclass(frozen=True)
class TurnContext:
    """Passed with every run of the agent. `locale` is the customer's language."""

    customer_id: int
    turn_id: str
    locale: str
    business: Business
    booking: Booking
    desk: Desk
    qualifier: Qualifier
    hand_off: HandOff

    @property
    def zone(self) -> ZoneInfo:
        return self.business.zone

    def when(self, moment: datetime) -> str:
        """The moment as the customer reads it."""
        return when_label(moment, self.zone, self.locale)

    def option(self, number: int, starts_at: datetime) -> str:
        """One offered time, for this turn's customer."""
        return option_line(number, starts_at, self.zone, self.locale)


def option_line(number: int, starts_at: datetime, zone: ZoneInfo, locale: str) -> str:
    """One offered time in the form that facts and tool results share: number | local time | what the customer reads."""
    return f"{number} | {starts_at.astimezone(zone).isoformat(timespec='minutes')} | {when_label(starts_at, zone, locale)}"
