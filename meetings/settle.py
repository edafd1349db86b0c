"""Carries a meeting's newest revision to calendar, task, lead and customer. Every step is an ensure: twice changes nothing.

The order matters once: the event comes first, for nobody may be told of a meeting that the calendar does not have. After it
the task, the lead and the customer's notice do not wait for each other: Kommo being down does not keep a customer in the dark.
Nor does a calendar that nobody shares with us any more keep anybody from hearing that a meeting is off.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select

from clients.calendar import CalendarClient
from clients.errors import LoginRefusedError, NotFoundError, ServiceError
from clients.kommo import KommoClient
from meetings.backoff import wait_after
from meetings.business import Business
from meetings.calendars import CalendarWatch
from meetings.cases import Case, Cases, EffectLostError
from meetings.customers import Leads, language_of
from meetings.database import Database
from meetings.decide import EVENT, LEAD, TASK, Decision
from meetings.effects_calendar import EventEffect
from meetings.effects_crm import LeadEffect, TaskEffect, mark_of
from meetings.invitations import Invitations
from meetings.lifecycle import notice_key, snapshot
from meetings.notes import Notes, refusal_key
from meetings.notices import notice_of
from meetings.outbox import Outbox
from meetings.overtaken import Guard
from meetings.seen import shown_of
from meetings.tables import Author, Change, Meeting, MeetingPhase, MeetingStatus, MessageState
from meetings.told import who_may_not_know
from meetings.touch_plan import awake, is_quiet
from prompts.catalogue import Catalogue
from prompts.labels import hour_label, short_label

log = structlog.get_logger("settle")
HOLD_MIN = 30  # a held time whose event still can't be made after this many minutes is given back
_MATTERS = ("booked", "moved", "handed_over", "cancelled")  # who misses this stands at a closed door, or is not there
_NOTED = ("moved", "handed_over", "cancelled", "completed", "no_show")  # a booking shows on the lead by itself


@dataclass(frozen=True)
class Receipts:
    """How far a meeting's newest revision has come."""

    event: bool
    task: bool
    lead: bool
    notice: bool

    @property
    def complete(self) -> bool:
        return self.event and self.task and self.lead and self.notice


class Settler:
    """Ensures effects, one by one or all that are behind."""

    def __init__(
        self,
        db: Database,
        calendar: CalendarClient,
        calendars: CalendarWatch,
        kommo: KommoClient,
        leads: Leads,
        outbox: Outbox,
        notes: Notes,
        invitations: Invitations,
        business: Business,
        *,
        fields: tuple[int, int],
        locale: str,
        now: Callable[[], datetime],
    ) -> None:
        """`fields`: ids of the lead fields google_calendar_link and meeting_status. `locale`: the sellers' language."""
        self.db, self.calendar, self.outbox, self.notes, self.invitations = db, calendar, outbox, notes, invitations
        self.business, self.locale, self.now = business, locale, now
        self.cases = Cases(db)
        guard = Guard(self.cases, self.note_outdone, business, now)
        self.event = EventEffect(self.cases, calendar, calendars, kommo, business, locale, now)
        self.task = TaskEffect(self.cases, kommo, leads, guard, business, locale)
        self.lead = LeadEffect(self.cases, kommo, leads, guard, fields)

    async def settle(self, meeting_id: int) -> Receipts:
        """Brings every effect that is behind up to date, as far as the services let us.

        Returns:
            What is done now. What failed is planned again (`next_try_at`) with growing waits.
        """
        case = await self.cases.read(meeting_id)
        if case.meeting.phase == MeetingPhase.RELEASED:
            return Receipts(event=True, task=True, lead=True, notice=True)
        errors = await self._attempt(meeting_id, {"event": self.event.ensure})
        # Of a meeting that is off, a calendar that is closed to us must not keep anybody from knowing.
        is_off = case.meeting.phase == MeetingPhase.BOOKED and case.meeting.status != MeetingStatus.SCHEDULED
        if not errors or (is_off and isinstance(errors[0], LoginRefusedError | NotFoundError)):
            # The note before the last receipt: once all are there nobody looks at the meeting again.
            steps = {"notice": self.ensure_notice, "task": self.task.ensure, "note": self.keep_note, "lead": self.lead.ensure}
            errors += await self._attempt(meeting_id, steps)
        return await self._conclude(meeting_id, [_plainly(error) for error in errors])

    async def postpone(self, meeting_id: int, problem: str) -> None:
        """Plans what is behind for later, with growing waits."""
        await self._conclude(meeting_id, [problem])

    async def put_back(self, meeting_id: int, what: frozenset[str], holder: int | None = None) -> None:
        """Sets right what of task, lead and event differs from what is agreed.

        Args:
            holder: Kommo user id of the seller on whose calendar the event was found, None when that is the meeting's own.

        Raises:
            ServiceError, EffectLostError: Not known to be so; the next look sees the difference again.
        """
        if TASK in what:
            await self.task.put_back(meeting_id)
        if LEAD in what:
            await self.lead.put_back(meeting_id)
        if EVENT in what:
            await self.event.put_back(meeting_id, holder)

    async def ensure_notice(self, meeting_id: int) -> None:
        """The customer was told of the newest revision, once.

        Thanks and invitations wait for the end of the quiet hours, everything waits while somebody's change can be taken back.

        Raises:
            ServiceError: Not known to be sent; try again later.
        """
        case = await self.cases.read(meeting_id)
        if case.meeting.notice_rev >= case.meeting.revision:
            return
        if _can_wait(case.meeting) and is_quiet(self.business, self.now()):
            return
        if case.meeting.wish:
            return  # somebody is changing it: what would be said now may be untrue in a moment
        if await self._heard_meanwhile(case):
            case = await self.cases.read(meeting_id)
        meeting = case.meeting
        told: object = snapshot(meeting)
        text = notice_of(meeting, case.customer, case.change, self.business, self.locale, own=case.own)
        if text:
            key = notice_key(case.change)
            if case.change.what == "no_show":
                text = await self.invitations.text(meeting.id, key, "no_show")
            state = await self.outbox.post(
                meeting.customer_id,
                key,
                text,
                author=Author.SYSTEM,
                meeting_id=meeting.id,
                needs_proof=case.change.what in _MATTERS,
            )
            if state is MessageState.FAILED:
                log.error("customer not told", meeting=meeting.id, revision=meeting.revision)
                told = meeting.told
        await self.cases.mark(meeting_id, notice_rev=meeting.revision, told=told)

    async def note_refusal(self, meeting_id: int, decision: Decision, reason: str) -> None:
        """Keeps a note for the seller that says why their change of a meeting was not followed."""
        case = await self.cases.read(meeting_id)
        if case.meeting.kommo_lead_id is None:
            return
        words = Catalogue.load("crm", self.locale)
        said = {
            "act": self._story(decision.because),
            "reason": words.text(f"refused_{reason}"),
            "now": short_label(self.now(), self.business.zone, self.locale),
        }
        text = words.fill("note_refused", self._of(case) | said)
        done = int(decision.done_at.timestamp()) if decision.done_at else 0
        key = f"refused:{meeting_id}:{done}:{decision.fingerprint}"[:120]
        await self.notes.put(key, case.meeting.kommo_lead_id, text, meeting_id)

    async def note_outdone(self, case: Case, act: str) -> None:
        """Keeps a note for the seller: an act of theirs (a key of the catalogue `story`) came to nothing, as the customer changed
        the meeting after it.
        """
        meeting, change = case.meeting, case.change
        if meeting.kommo_lead_id is None:
            return
        said = {
            "act": self._story(act),
            "because": self._story(change.hint),
            "now": short_label(change.at, self.business.zone, self.locale),
        }
        text = Catalogue.load("crm", self.locale).fill("note_outdone", self._of(case) | said)
        await self.notes.put(f"outdone:{meeting.id}:{change.revision}:{act}", meeting.kommo_lead_id, text, meeting.id)

    async def keep_note(self, meeting_id: int) -> None:
        """The lead's feed tells what became of the meeting and why; written with other notes a little later."""
        case = await self.cases.read(meeting_id)
        change, lead_id = case.change, case.meeting.kommo_lead_id
        if lead_id is None or change.what not in _NOTED or change.hint == "lead_deleted":
            return
        if outdone := change.after.get("outdone"):
            await self.note_outdone(case, outdone)
        words = Catalogue.load("crm", self.locale)
        zone = self.business.zone
        said = {
            "because": self._story(change.hint),
            "until": hour_label(case.meeting.ends_at, zone),
            "told": words.text("customer_not_told" if await self._is_untold(case) else "customer_told"),
            "now": short_label(change.at, zone, self.locale),
        }
        text = words.fill("note_resized" if _is_resized(change) else f"note_{change.what}", self._of(case) | said)
        await self.notes.put(f"meeting:{meeting_id}:{change.revision}", lead_id, text, meeting_id)

    def _of(self, case: Case) -> dict[str, str]:
        seller = self.business.seller(case.meeting.kommo_user_id)
        return {
            "mark": mark_of(case.meeting.id),
            "when": short_label(case.meeting.starts_at, self.business.zone, self.locale),
            "seller": seller.name if seller else self.business.company.name,
        }

    async def _is_untold(self, case: Case) -> bool:
        async with self.db.transaction() as session:
            return bool(await who_may_not_know(session, [case.meeting]))

    def _story(self, hint: str) -> str:
        return Catalogue.load("story", self.locale).text(hint)

    async def _heard_meanwhile(self, case: Case) -> bool:
        """Settles notices of earlier revisions whose fate is not known: what reached the customer after all counts as told.

        What was never sent is withdrawn: the newest notice tells of everything since what was last told.
        """
        meeting = case.meeting
        reached = await self.outbox.withdraw(meeting.id, except_key=notice_key(case.change))
        if not reached:
            return False
        async with self.db.transaction() as session:
            changes = list(await session.scalars(select(Change).where(Change.meeting_id == meeting.id)))
        # Up to the last receipt it is on record what the customer knows; a message may have gone out since without one.
        told = [c for c in changes if notice_key(c) in reached and c.revision > meeting.notice_rev]
        if told:
            await self.cases.mark(meeting.id, told=max(told, key=lambda change: change.revision).after)
        return bool(told)

    async def _attempt(self, meeting_id: int, steps: Mapping[str, Callable[[int], Awaitable[None]]]) -> list[Exception]:
        errors: list[Exception] = []
        for name, step in steps.items():
            try:
                await step(meeting_id)
            except Exception as error:
                # A service that does not answer, or a mistake of ours: either way it is planned again, never dropped.
                log.warning("effect failed", meeting=meeting_id, step=name, problem=_plainly(error))
                errors.append(error)
        return errors

    async def _conclude(self, meeting_id: int, problems: list[str]) -> Receipts:
        async with self.db.transaction() as session:
            row = await session.get_one(Meeting, meeting_id)
            if problems:
                row.attempts += 1
                row.problem = "; ".join(problems)
                row.next_try_at = self.now() + wait_after(row.attempts)
            else:
                row.attempts, row.problem, row.next_try_at = 0, None, None
                if row.notice_rev < row.revision and row.wish:
                    row.next_try_at = row.look_at
                elif row.notice_rev < row.revision and _can_wait(row):
                    row.next_try_at = awake(self.business, self.now())
            gives_up = row.phase == MeetingPhase.HELD and row.created_at + timedelta(minutes=HOLD_MIN) < self.now()
            receipts = Receipts(
                event=row.event_rev >= row.revision,
                task=row.task_rev >= row.revision,
                lead=row.lead_rev >= row.revision,
                notice=row.notice_rev >= row.revision,
            )
        if gives_up:
            await self._attempt(meeting_id, {"give up": self._give_up})
        return receipts

    async def _give_up(self, meeting_id: int) -> None:
        """Gives a held time back and says so: to the customer who chose it, else to the seller who made it by hand.

        The row is released last: until the event is surely gone and they know, this is tried again.
        """
        case = await self.cases.read(meeting_id)
        # An insert whose answer was lost may have gone through after all: nothing of it may stay.
        await self.calendar.delete_event(case.meeting.calendar_id, case.meeting.event_id)
        key, lead_id = f"meeting:{meeting_id}:sorry", case.meeting.kommo_lead_id
        if case.change.by == "seller" and lead_id is not None:
            crm = Catalogue.load("crm", self.locale)
            now = short_label(self.now(), self.business.zone, self.locale)
            said = self._of(case) | {"reason": crm.text("refused_no_calendar"), "now": now}
            task = shown_of(case.meeting).task
            if case.meeting.kommo_task_id is not None and task is not None and task.updated_at is not None:
                key = refusal_key(case.meeting.kommo_task_id, int(task.updated_at.timestamp()), "no_calendar")
            await self.notes.put(key, lead_id, crm.fill("note_task_refused", said), meeting_id)
        else:
            words = Catalogue.load("notices", language_of(case.customer, self.locale))
            text = words.text("booking_failed", name=(case.customer.name or "").split(" ")[0])
            await self.outbox.post(case.customer.id, key, text, author=Author.SYSTEM, meeting_id=meeting_id, needs_proof=True)
        # The task, if there is one, is the seller's again: changed once more it is read once more.
        await self.cases.mark(meeting_id, phase=MeetingPhase.RELEASED, kommo_task_id=None)


def _plainly(error: Exception) -> str:
    """Our own errors say what they must, others could carry customers' words."""
    return str(error) if isinstance(error, ServiceError | EffectLostError) else type(error).__name__


def _can_wait(meeting: Meeting) -> bool:
    """Whether what the customer would be told is no news of a time: it is not sent at night."""
    return meeting.status in (MeetingStatus.COMPLETED, MeetingStatus.NO_SHOW)


def _is_resized(change: Change) -> bool:
    """Only the end is another: the customer's hour stays, and they are not written to."""
    same = ("status", "starts_at", "kommo_user_id")
    return all(change.before.get(name) == change.after.get(name) for name in same)
