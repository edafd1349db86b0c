"""Plays one storm: many customers side by side on one stack, their acts round by round, under bad weather or none."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import select

from cli.people import People
from cli.stack import Stack, whats_left
from cli.storm_plan import SPOKEN, Act, Deed, Person, Plan
from cli.storm_state import Left, read_left
from cli.storm_world import invite, sandbox_seed, words_of
from cli.wiring import Service
from clients.transport import RetryPolicy
from meetings.business import Business, load_business
from meetings.outbox import OVERTAKEN
from meetings.tables import Customer, Hint, Meeting, MeetingPhase, Message, MessageState, Turn
from prompts.catalogue import DEFAULT_LOCALE
from sandbox.server import Sandbox
from sandbox.weather import Weather

DEFAULT_CALENDAR = "agenda@storm.example"  # for sellers without one of their own
_ANSWER_S = 2.0  # real seconds a call is waited for; a late one takes longer
_LATE_S = 2.4
_SWEEP_S = 310
_HORIZON_S = 900  # what is planned within this time is waited for
_SWEEPS = 8  # of a round; what is not followed by then is a difference
_HOUR_AND_MORE = timedelta(minutes=75)  # after the storm, for webhooks that are an hour late


class StillGoingOnError(Exception):
    """The service did not come to rest."""


@dataclass
class Played:
    """One run and what it left behind.

    Attributes:
        left: By customer's code.
        complaints: What went wrong besides differences, one line each.
        weather: How often each trouble came, by (service, name).
        repeated: How often customers had to say something again.
        seconds: Real ones.
        lasted: On the service's clock.
    """

    left: dict[str, Left] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    weather: Mapping[tuple[str, str], int] = field(default_factory=dict)
    repeated: int = 0
    seconds: float = 0.0
    lasted: timedelta = timedelta(0)


# What is going on, for the progress bar: the round, of how many, and how many customers wait for what they asked for.
Progress = Callable[[int, int, int], None]


def play(
    plan: Plan,
    business_file: Path,
    *,
    weather_seed: int | None,
    strength: float = 1.0,
    progress: Progress = lambda _round, _of, _waiting: None,
) -> Played:
    """Plays a plan on a sandbox and a service of its own.

    Args:
        weather_seed: None for the calm run.
        strength: Of the weather, see `sandbox/weather.py`.
    """
    return Storm(plan, business_file, weather_seed, strength, progress).play()


class Storm:
    """A plan being played. `play` is called once."""

    def __init__(self, plan: Plan, business_file: Path, seed: int | None, strength: float, progress: Progress) -> None:
        self.plan, self.business_file, self.seed, self.strength = plan, business_file, seed, strength
        self.progress = progress
        self.business: Business = load_business(business_file, DEFAULT_CALENDAR, plan.changes)
        self.result = Played()

    def play(self) -> Played:
        """Puts the stage up, acts, and takes it down."""
        began = time.monotonic()
        with ExitStack() as running:
            sandbox = Sandbox().start()
            running.callback(sandbox.stop)
            self.world = sandbox.world
            self.world.reset(sandbox_seed(self.business))
            self.world.clock.set(self.plan.start)
            self.people = People(sandbox.control_url)
            running.callback(self.people.close)
            invite(self.plan, self.business, self.people)
            self.stack = Stack(
                business_file=self.business_file,
                business_changes=self.plan.changes,
                sandbox=sandbox,
                now=self.world.clock.now,
                overrides={
                    "LOCALE": DEFAULT_LOCALE,
                    "GOOGLE_CALENDAR_ID": DEFAULT_CALENDAR,
                    "MODEL_TIMEOUT_S": _ANSWER_S,
                    "MESSAGES_PER_HOUR": 1000,
                },
                tick_s=0.1,
                retry=RetryPolicy(attempts=2, total_s=5, wait_s=0.02, wait_max_s=0.1, answer_s=_ANSWER_S),
            )
            running.enter_context(self.stack)
            self.act()
        self.result.seconds = time.monotonic() - began
        return self.result

    def act(self) -> None:
        """All rounds under the weather, then what is left."""
        weather = self._brew()
        try:
            for number in range(self.plan.rounds):
                self._round(number)
            self.people.do("/faults/release")
            self.world_calms_down()
            self.rest(for_at_least=_HOUR_AND_MORE)
            self._sweep()
        except (StillGoingOnError, TimeoutError) as error:
            self.result.complaints.append(str(error))
        if weather:
            self.result.weather = Counter(weather.came)
        self.result.lasted = self.world.clock.now() - self.plan.start
        self.result.complaints += self.stack.call(_unfinished)
        self.result.left = read_left(self.plan, self.business, self.people.state(), self.stack.call(_rows))

    def _brew(self) -> Weather | None:
        if self.seed is None:
            return None
        self.people.do("/weather", seed=self.seed, strength=self.strength, late_s=_LATE_S)
        return self.world.faults.weather

    def world_calms_down(self) -> None:
        self.people._http.delete("/weather")  # noqa: SLF001 (People knows no deletions otherwise)

    # One round: everybody's next act at once, then time passes until all have been followed

    def _round(self, number: int) -> None:
        due = {
            person.code: (person, person.story[number - person.starts], number - person.starts)
            for person in self.plan.people
            if 0 <= number - person.starts < len(person.story)
        }
        tasks = {
            code: (meeting.kommo_task_id, meeting.calendar_id, meeting.event_id) for code, meeting in self.meetings().items()
        }
        leads = {lead["name"]: lead["id"] for lead in self.people.state()["kommo"]["leads"]}
        for person, deed, nth in due.values():
            self._act(person, deed, nth, tasks.get(person.code), leads)
        self.rest()
        for _ in range(_SWEEPS):
            waiting = self._not_followed(due)
            self.progress(number + 1, self.plan.rounds, len(waiting))
            if not waiting:
                return
            for code in waiting:
                person, deed, nth = due[code]
                if deed.act in SPOKEN and self._has_to_say_again(code, deed):
                    self.result.repeated += 1
                    self._say(person, nth)
            self._sweep()
        for code in self._not_followed(due):
            self.result.complaints.append(f"{code}: {due[code][1].act.value}: not followed after {_SWEEPS} sweeps")

    def _act(
        self, person: Person, deed: Deed, nth: int, ids: tuple[int | None, str, str] | None, leads: Mapping[str, int]
    ) -> None:
        if deed.act in SPOKEN:
            self._say(person, nth)
            return
        if ids is None or ids[0] is None or deed.at is None:
            self.result.complaints.append(f"{person.code}: {deed.act.value}: there is no meeting to do it to")
            return
        task_id, calendar_id, event_id = ids
        do, user = self.people.do, person.seller.kommo_user_id if person.seller else 0
        event = {"calendar_id": calendar_id, "event_id": event_id}
        words = self.business.result_words
        lead_id = leads.get(f"Lead de {person.name}", 0)
        complete = partial(do, "/seller/task/complete", task_id=task_id, user_id=user)
        match deed.act:
            case Act.TASK_MOVED:
                deadline = deed.at.ends_at if self.business.kommo.task_deadline == "end" else deed.at.starts_at
                do("/seller/task/move", task_id=task_id, user_id=user, complete_till=int(deadline.timestamp()))
            case Act.TASK_DELETED:
                do("/seller/task/delete", task_id=task_id, user_id=user)
            case Act.TASK_DONE:
                complete(result="ok")
            case Act.NO_SHOW:
                complete(result=words.no_show[0])
            case Act.TASK_CANCELLED:
                complete(result=words.cancelled[0])
            case Act.STATUS_SET:
                do("/seller/lead/edit", lead_id=lead_id, user_id=user, custom_fields={"123457": "completed"})
            case Act.LINK_WIPED:
                do("/seller/lead/edit", lead_id=lead_id, user_id=user, custom_fields={"123456": None})
            case Act.EVENT_MOVED:
                start, end = deed.at.starts_at.isoformat(), deed.at.ends_at.isoformat()
                do("/calendar/event/move", **event, start=start, end=end)
            case Act.EVENT_DELETED:
                do("/calendar/event/delete", **event)

    def _say(self, person: Person, nth: int) -> None:
        self.people.do("/customer/say", phone=person.phone, name=person.name, text=words_of(person, nth, self.business))

    def meetings(self) -> dict[str, Meeting]:
        """Each customer's newest meeting, by code."""
        codes = {f"+{person.phone}": person.code for person in self.plan.people}
        found: dict[str, Meeting] = {}
        for phone, meeting in self.stack.call(_meetings):
            found[codes[phone]] = meeting
        return found

    def _not_followed(self, due: Mapping[str, tuple[Person, Deed, int]]) -> list[str]:
        meetings, waiting, answered = self.meetings(), [], self.stack.call(_answered)
        links = {lead["name"]: lead["fields"].get("google_calendar_link") for lead in self.people.state()["kommo"]["leads"]}
        for code, (person, deed, nth) in due.items():
            meeting = meetings.get(code)
            if deed.act in (Act.ASKS, Act.GREETS):
                is_followed = person.cue(nth) in answered.get(f"+{person.phone}", "")
            else:
                is_followed = meeting is not None and _is_so(meeting, deed)
            if deed.act is Act.LINK_WIPED and meeting is not None:
                is_followed = is_followed and links.get(f"Lead de {person.name}") == meeting.link
            if not is_followed:
                waiting.append(code)
        return waiting

    def _has_to_say_again(self, code: str, deed: Deed) -> bool:
        """Whether the wish was lost: its webhook never came, or an answer said that it can't be done now."""
        meeting = self.meetings().get(code)
        return meeting is None or deed.at is None or (meeting.status, meeting.starts_at) != (deed.status, deed.at.starts_at)

    # Time

    def _sweep(self) -> None:
        self.world.clock.advance(_SWEEP_S)
        self.rest()

    def rest(self, *, for_at_least: timedelta = timedelta(0), within_s: float = 1200.0) -> None:
        """Lets time pass until nothing happens by itself any more; what failed is tried again meanwhile.

        Raises:
            StillGoingOnError: Something was still going on after `within_s` real seconds.
        """
        deadline = time.monotonic() + within_s
        until, seen_tick, quiet = self.world.clock.now() + for_at_least, -1, 0
        while quiet < 3:  # looks at quiet that a whole tick of the dispatcher lies between
            time.sleep(0.05)
            busy, next_due, tick = self.stack.call(whats_left)
            if time.monotonic() > deadline:
                raise StillGoingOnError(f"still going on after {within_s:g} s: {sorted(busy)[:5]}, next due {next_due}")
            now = self.world.clock.now()
            if busy or self.world.in_hand or not self.world.deliveries.idle:
                quiet = 0
            elif next_due is not None and next_due <= max(now, until) + timedelta(seconds=_HORIZON_S):
                # In steps of some seconds: what is due within them is due together.
                quiet = 0
                self.world.clock.set(max(next_due, now + timedelta(seconds=5)))
            elif now < until:
                quiet = 0
                self.world.clock.advance(300)
            elif tick != seen_tick:
                quiet += 1
            seen_tick = tick


def _is_so(meeting: Meeting, deed: Deed) -> bool:
    return (
        deed.at is not None
        and meeting.phase == MeetingPhase.BOOKED
        and meeting.settled
        and (meeting.status, meeting.starts_at, meeting.ends_at) == (deed.status, deed.at.starts_at, deed.at.ends_at)
    )


async def _meetings(service: Service) -> list[tuple[str, Meeting]]:
    async with service.db.transaction() as session:
        rows = await session.execute(
            select(Customer.phone, Meeting)
            .join(Customer, Customer.id == Meeting.customer_id)
            .where(Meeting.phase != MeetingPhase.RELEASED)
            .order_by(Meeting.id)
        )
        return [(phone, meeting) for phone, meeting in rows if phone]


async def _answered(service: Service) -> dict[str, str]:
    """What customers said and got an answer to, by phone; only of those whose lead is found or made."""
    async with service.db.transaction() as session:
        rows = await session.execute(
            select(Customer.phone, Message.text)
            .join(Customer, Customer.id == Message.customer_id)
            .join(Turn, Turn.id == Message.turn_id)
            .where(Message.state == MessageState.ANSWERED, Turn.outcome == "answered", Customer.kommo_lead_id.is_not(None))
        )
        found: dict[str, str] = {}
        for phone, text in rows:
            found[phone or ""] = f"{found.get(phone or '', '')}\n{text}"
        return found


async def _rows(service: Service) -> dict[str, str]:
    """The key of each message of ours that WhatsApp took, by its id there."""
    async with service.db.transaction() as session:
        rows = await session.execute(
            select(Message.vendor_id, Message.key).where(Message.vendor_id.is_not(None), Message.key.is_not(None))
        )
        return {str(vendor_id): str(key) for vendor_id, key in rows}


async def _unfinished(service: Service) -> list[str]:
    """What the service itself says is not done."""
    async with service.db.transaction() as session:
        hints = await session.scalars(select(Hint.entity).where(Hint.done_at.is_(None)))
        behind = await session.execute(
            select(Meeting.id, Meeting.problem).where(Meeting.phase != MeetingPhase.RELEASED, Meeting.is_behind())
        )
        failed = await session.scalars(
            select(Message.key).where(Message.state == MessageState.FAILED, Message.problem != OVERTAKEN)
        )
        unsent = await session.scalars(select(Message.key).where(Message.state.in_([MessageState.PENDING, MessageState.SENDING])))
        return [
            *(f"a hint about a {entity} is still open" for entity in hints),
            *(f"meeting {meeting_id} is behind: {problem}" for meeting_id, problem in behind),
            *(f"message {key} failed" for key in failed),
            *(f"message {key} was never sent" for key in unsent),
        ]
