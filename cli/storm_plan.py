"""What happens during a storm: who the customers are, when they meet whom, and who does what in which order. Pure.

Every customer has a seller and times of their own, so that nobody's outcome depends on who was quicker; and each act is one whose
outcome can be named beforehand. So what a storm leaves behind can be compared, customer by customer, with a calm run.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import ceil, floor
from typing import Any

from meetings.business import Business, Criterion, CriterionType, Seller
from meetings.slots import Interval, Period, free_slots

START = datetime(2026, 3, 9, 8, tzinfo=UTC)  # a Monday; storms take the business's own zone
_DAYS_AHEAD = 4  # a storm lasts hours: no meeting may come close enough for a reminder
LONGEST_HORIZON = 60  # days; the business file allows no more
_LETTERS = "bcdfghjklmnpqrstvwxz"  # no vowels: a code must not be a word
_FIELD = 900_001


class StormError(Exception):
    """The storm can't be played with this business file; the message says why and what helps."""


class Act(StrEnum):
    """What somebody does. The value is the name in tables and messages."""

    ASKS = "new customer asks"
    GREETS = "customer greets"
    BOOKS = "customer books"
    MOVES = "customer moves"
    CANCELS = "customer cancels"
    TASK_MOVED = "seller moves the task"
    TASK_DELETED = "seller deletes the task"
    TASK_DONE = "seller completes the task"
    NO_SHOW = "seller: did not come"
    TASK_CANCELLED = "seller: called off"
    STATUS_SET = "seller sets meeting_status"
    LINK_WIPED = "seller wipes the link"
    EVENT_MOVED = "event moved on the calendar"
    EVENT_DELETED = "event deleted on the calendar"


SPOKEN = (Act.ASKS, Act.GREETS, Act.BOOKS, Act.MOVES, Act.CANCELS)
_MOVING = (Act.MOVES, Act.TASK_MOVED, Act.EVENT_MOVED)
_ENDING = (
    Act.CANCELS,
    Act.TASK_DELETED,
    Act.TASK_DONE,
    Act.NO_SHOW,
    Act.TASK_CANCELLED,
    Act.STATUS_SET,
    Act.EVENT_DELETED,
)
_STATUS_AFTER = {
    Act.CANCELS: "cancelled",
    Act.TASK_DELETED: "cancelled",
    Act.TASK_CANCELLED: "cancelled",
    Act.EVENT_DELETED: "cancelled",
    Act.TASK_DONE: "completed",
    Act.STATUS_SET: "completed",
    Act.NO_SHOW: "no_show",
}


@dataclass(frozen=True)
class Deed:
    """One act of one customer's story, and what must be true when it has been followed.

    Attributes:
        status: The meeting's, None where there is no meeting.
        at: The meeting's time, aware UTC; None where there is no meeting.
    """

    act: Act
    status: str | None = None
    at: Interval | None = None


@dataclass(frozen=True)
class Person:
    """A customer of the storm.

    Attributes:
        code: Letters that stand in everything they say, and in their name.
        seller: Their lead's, None for somebody whom Kommo does not know.
        starts: The round of acts in which their story begins.
    """

    code: str
    phone: str
    seller: Seller | None
    starts: int
    story: tuple[Deed, ...]

    @property
    def name(self) -> str:
        return f"Cliente {self.code.capitalize()}"

    def cue(self, nth: int) -> str:
        """What this customer says for the nth deed of their story; nobody else ever says it."""
        return f"pedido {self.code} {'abcdefgh'[nth]}"


@dataclass(frozen=True)
class Plan:
    """Everything that happens, apart from the weather.

    Attributes:
        changes: What the business file must say in addition: fields for the answers, a longer horizon if it needs one.
    """

    people: tuple[Person, ...]
    start: datetime
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def flows(self) -> int:
        return sum(len(person.story) for person in self.people)

    @property
    def rounds(self) -> int:
        return max(person.starts + len(person.story) for person in self.people)


def make_plan(business: Business, flows: int, start: datetime, seed: int = 1) -> Plan:
    """Stories with as many acts as wanted.

    Args:
        flows: How many acts: bookings, moves, cancellations and the like.
        start: Aware; when the first customer writes.
        seed: Another one brings other stories.

    Raises:
        StormError: The sellers' hours hold fewer meetings.
    """
    if not business.sellers:
        raise StormError("the business file has no sellers: nobody could meet the customers")
    dice = random.Random(f"plan:{seed}")  # noqa: S311  # nosec B311 (stories, no secrets)
    slots = list(_slots(business, start, business.meetings.horizon_days))
    horizon = business.meetings.horizon_days
    if len(slots) < flows * 0.7:
        horizon = LONGEST_HORIZON
        slots = list(_slots(_with_horizon(business, horizon), start, horizon))
    dice.shuffle(slots)
    by_seller = {s.kommo_user_id: [slot for whose, slot in slots if whose is s] for s in business.sellers}
    people: list[Person] = []
    left = flows
    while left > 0:
        person = _person(business, by_seller, len(people), left, dice)
        if person is None:
            most = flows - left
            raise StormError(
                f"the sellers' hours within {horizon} days hold only {most} of {flows} flows: use --flows {most} or fewer, "
                "or a file with more sellers or hours"
            )
        people.append(person)
        left -= len(person.story)
    questions = [{} if c.kommo_field_id else {"kommo_field_id": _FIELD + n} for n, c in enumerate(business.qualification)]
    changes: dict[str, Any] = {"meetings": {"horizon_days": horizon}}
    if questions:
        changes["qualification"] = questions
    return Plan(tuple(people), start, changes)


def good_answer(criterion: Criterion) -> str:
    """An answer that qualifies, as a customer would write it."""
    rule = criterion.rule
    match criterion.type:
        case CriterionType.NUMBER | CriterionType.MONEY:
            return str(ceil(rule.min) if rule.min is not None else floor(rule.max) if rule.max is not None else 1000)
        case CriterionType.YES_NO:
            return "não" if rule.equals is False else "sim"
        case CriterionType.CHOICE:
            return str((rule.accept or criterion.options)[0])
        case _:
            return "tanto faz"


def _person(business: Business, slots: dict[int, list[Interval]], number: int, left: int, dice: random.Random) -> Person | None:
    """The next customer, with at most `left` acts; None when no seller has the times for them."""
    code, phone, starts = _code(number), f"551198{7_000_000 + number * 37:07d}", number % 3
    if dice.random() < 0.1:
        return Person(code, phone, None, starts, (Deed(Act.ASKS),))
    moves, ends, wipes = dice.random() < 0.5, dice.random() < 0.75, dice.random() < 0.15
    how_moved, how_ended = dice.choice(_MOVING), dice.choice(_ENDING)
    wanted = 1 + (1 if moves and left > 2 else 0)
    able = [s for s in business.sellers if len(slots[s.kommo_user_id]) >= wanted]
    if not able:
        return None
    seller = dice.choice(able)
    at = slots[seller.kommo_user_id].pop()
    # Whose lead it is must be known before they book: with Kommo down the seller would be who has time.
    story = [Deed(Act.GREETS), Deed(Act.BOOKS, "scheduled", at)]
    if wanted == 2:
        at = slots[seller.kommo_user_id].pop()
        story.append(Deed(how_moved, "scheduled", at))
    if wipes:
        story.append(Deed(Act.LINK_WIPED, "scheduled", at))
    if ends:
        story.append(Deed(how_ended, _STATUS_AFTER[how_ended], at))
    return Person(code, phone, seller, starts, tuple(story[:left]))


def _slots(business: Business, start: datetime, horizon: int) -> Iterator[tuple[Seller, Interval]]:
    """Times that do not get in each other's way, at most the first of each half of a day: that one is always among the offers."""
    today = business.local(start).date()
    for seller in business.sellers:
        taken: list[Interval] = []
        for n in range(_DAYS_AHEAD, horizon + 1):
            day = today + timedelta(days=n)
            for period in Period:
                free = free_slots(business, seller, (), start, day=day, period=period)
                if free and not any(free[0].padded(business.meetings.buffer_min).overlaps(other) for other in taken):
                    taken.append(free[0])
                    yield seller, free[0]


def _with_horizon(business: Business, days: int) -> Business:
    return business.model_copy(update={"meetings": business.meetings.model_copy(update={"horizon_days": days})})


def _code(number: int) -> str:
    letters = ""
    for _ in range(3):
        number, place = divmod(number, len(_LETTERS))
        letters = _LETTERS[place] + letters
    return letters
