"""What a reply may speak of."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Known:
    """What a reply may speak of.

    Attributes:
        booked: The customer has a scheduled meeting that the calendar shows.
        moved: Its time was changed in this conversation, on the calendar.
        cancelled: A meeting of the customer was cancelled and the calendar shows that.
        handed_off: A seller was given this conversation.
        moments: Aware times that may be named and offered: what was offered and can still be had, and the meeting's.
        past: Aware times that may only be spoken of as past or denied: lapsed offers, earlier times of a moved meeting.
        deeds_now: What was done since the customer wrote: "booked", "moved", "cancelled", "handed_off".
        own_words: Sentences of the business file and of sellers: what they name may be stated.
        zone: The business's time zone; hours in words are read in it.
        now: Aware. Today's date may be named; relative days are counted from it. None: the first of the moments.
        said: The customer's messages: what they name may be asked back, reported or denied, but not offered.
        amounts: Amounts of money in reais that may be named: rules of the criteria, recorded answers.
        links: Addresses that may be named: the meeting's.
        link_saved: The meeting's link and status stand on the lead.
        notified: The confirmation (or the notice of a change) was accepted by WhatsApp.
        completed: A meeting of the customer took place.
        no_show: The customer missed a meeting.
        reminds: Customers are reminded of their meeting before it.
        meeting_at: Aware; when the booked meeting begins. None without one, or when it is not known.
        closed: Weekdays on which nobody works, 0 is Monday: that there is nothing then may always be said.
        opted_out: It is on record that the customer wants no messages.
        seller: First name of the booked meeting's seller; empty without one.
        people: First names of the sellers; "a Ana vai te chamar" promises a person.
    """

    booked: bool
    moved: bool
    cancelled: bool
    handed_off: bool
    moments: tuple[datetime, ...]
    own_words: str
    zone: ZoneInfo
    now: datetime | None = None
    said: tuple[str, ...] = ()
    amounts: tuple[Decimal, ...] = ()
    links: tuple[str, ...] = ()
    link_saved: bool = False
    notified: bool = False
    completed: bool = False
    no_show: bool = False
    reminds: bool = False
    meeting_at: datetime | None = None
    closed: frozenset[int] = frozenset()
    people: tuple[str, ...] = ()
    past: tuple[datetime, ...] = ()
    deeds_now: frozenset[str] = frozenset()
    opted_out: bool = False
    seller: str = ""

    @property
    def local_now(self) -> datetime | None:
        """Now on the wall clock of the business; None when nothing at all is known of time."""
        now = self.now or next(iter(self.moments), None)
        return now.astimezone(self.zone) if now else None
