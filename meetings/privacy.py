"""What we hold about one person: shown to them (export), and taken away (erase), as LGPD and GDPR let people ask for."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus

import structlog
from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from clients.calendar import CalendarClient
from clients.errors import ServiceError
from clients.kommo import KommoClient
from meetings.customers import ERASED_JID, customer_by_phone
from meetings.database import Database, compact
from meetings.forgotten import Forgotten
from meetings.lanes import forget_lane, lane_of
from meetings.phones import spellings
from meetings.tables import (
    Answer,
    Change,
    CrmNote,
    Customer,
    Erased,
    Hint,
    Meeting,
    MeetingPhase,
    MeetingStatus,
    Message,
    Offer,
    SellerMessage,
    Table,
    Touch,
    Turn,
    Webhook,
)
from prompts.catalogue import LOCALES, Catalogue

log = structlog.get_logger("privacy")
_EMPTIED = (Meeting, Touch, SellerMessage)


class PrivacyRefusedError(Exception):
    """It can't be done now. `args[0]`: nobody, meeting_ahead or no_key."""


@dataclass
class Erasure:
    """What was taken away, and what could not be reached. Doing it again goes on where something was left.

    Attributes:
        rows: Records of ours that were deleted, by table.
        bodies: Stored webhook bodies that named the person.
        workflows: Finished pieces of work in the durable engine.
        notes, tasks, events: Rewritten in Kommo and on the calendar.
        problems: What a service refused or did not answer; our own records stay until that is solved.
        is_compact: Whether the files were rewritten, so that no deleted byte is left in them.
    """

    rows: dict[str, int] = field(default_factory=dict)
    bodies: int = 0
    workflows: int = 0
    notes: int = 0
    tasks: int = 0
    events: int = 0
    problems: list[str] = field(default_factory=list)
    is_compact: bool = True


@dataclass(frozen=True)
class _Person:
    """A customer with the ids of what belongs to them."""

    customer: Customer
    meetings: list[Meeting]
    touches: list[Touch]
    lead_ids: set[int]


class Privacy:
    """Answers requests of people about their data."""

    def __init__(
        self,
        db: Database,
        kommo: KommoClient,
        calendar: CalendarClient,
        forgotten: Forgotten,
        now: Callable[[], datetime],
        *,
        locale: str,
    ) -> None:
        """`locale`: the sellers' language."""
        self.db, self.kommo, self.calendar, self.forgotten, self.now = db, kommo, calendar, forgotten, now
        self._erased_text = Catalogue.load("crm", locale).text("erased")

    async def export(self, phone: str) -> dict[str, Any]:
        """All we hold about the person with that phone (E.164), as plain JSON: our records by table, what we wrote elsewhere.

        Raises:
            PrivacyRefusedError: nobody.
            ServiceError: Kommo or the calendar can't be asked.
        """
        async with self.db.reading() as session:
            person = await _person(session, phone)
            records = {
                table.__tablename__: [_plain(row) for row in await session.scalars(select(table).where(condition))]
                for table, condition in _belongings(person)
            }
            bodies = [_plain(body) for body in await _bodies_about(session, person)]
        notes = [text for lead_id in sorted(person.lead_ids) for text in (await self._our_notes(lead_id)).values()]
        events = [await self.calendar.get_event(meeting.calendar_id, meeting.event_id) for meeting in person.meetings]
        return {
            "exported_at": self.now().isoformat(),
            "records": {"customer": [_plain(person.customer)], **records, "webhook": bodies},
            "kommo": {"contact_id": person.customer.kommo_contact_id, "lead_ids": sorted(person.lead_ids), "notes": notes},
            "calendar": [
                {"id": event.id, "summary": event.summary, "description": event.description} for event in events if event
            ],
        }

    async def erase(self, phone: str) -> Erasure:
        """Takes away all we hold about the person with that phone (E.164). First elsewhere, then here; safe to repeat.

        Raises:
            PrivacyRefusedError: nobody; meeting_ahead (cancel it first: somebody would wait in vain); no_key (the opt-out could
                not be remembered).
            LaneBusyError: An answer or a look is under way; try again in a moment.
        """
        done = Erasure()
        async with self.db.reading() as session:
            person = await _person(session, phone)
        if person.customer.opted_out_at is not None and not self.forgotten.can_remember:
            raise PrivacyRefusedError("no_key")
        if any(self._is_ahead(meeting) for meeting in person.meetings):
            raise PrivacyRefusedError("meeting_ahead")
        await self._erase_elsewhere(person, done)
        if done.problems:
            return done  # the ids by which the rest is found stand in our records
        done.workflows = forget_lane(self.db.url, lane_of(person.customer.id))
        async with self.db.transaction() as session:
            if person.customer.opted_out_at is not None:
                await session.merge(Erased(mark=self.forgotten.mark(phone), opted_out_at=person.customer.opted_out_at))
            await self._erase_rows(session, person, done)
        if self.db.is_sqlite:
            rewritten = [compact(file) for file in self.db.files if file.is_file()]  # both, whatever became of the first
            done.is_compact = all(rewritten)
        log.info("customer erased", customer=person.customer.id)
        return done

    def _is_ahead(self, meeting: Meeting) -> bool:
        is_on = meeting.phase != MeetingPhase.RELEASED and meeting.status == MeetingStatus.SCHEDULED
        return is_on and meeting.ends_at > self.now()

    async def _our_notes(self, lead_id: int) -> dict[int, str]:
        """The notes on a lead that we wrote, by id: those on record, and the one with the answers, whatever the language."""
        async with self.db.reading() as session:
            kept = set(await session.scalars(select(CrmNote.text).where(CrmNote.kommo_lead_id == lead_id)))
        titles = tuple(Catalogue.load("crm", locale).text("note_title") for locale in LOCALES)
        notes = await self.kommo.notes_by_id(lead_id)
        return {id_: text for id_, text in notes.items() if text in kept or text.startswith(titles)}

    async def _erase_elsewhere(self, person: _Person, done: Erasure) -> None:
        for lead_id in sorted(person.lead_ids):
            try:
                for note_id in await self._our_notes(lead_id):
                    await self.kommo.rewrite_note(note_id, self._erased_text)
                    done.notes += 1
            except ServiceError as error:
                done.problems.append(str(error))
        ids = [
            person.customer.handoff_task_id,
            *(m.kommo_task_id for m in person.meetings),
            *(t.kommo_task_id for t in person.touches),
        ]
        for task_id in sorted({id_ for id_ in ids if id_}):
            try:
                if await self.kommo.get_task(task_id) is not None:
                    await self.kommo.update_task(task_id, text=self._erased_text)
                    done.tasks += 1
            except ServiceError as error:
                done.problems.append(str(error))
        for meeting in person.meetings:
            try:
                done.events += await self.calendar.blank_event(meeting.calendar_id, meeting.event_id, self._erased_text)
            except ServiceError as error:
                done.problems.append(str(error))

    async def _erase_rows(self, session: AsyncSession, person: _Person, done: Erasure) -> None:
        bodies = [body.id for body in await _bodies_about(session, person)]
        await session.execute(update(Hint).where(Hint.webhook_id.in_(bodies)).values(webhook_id=None))
        await session.execute(delete(Webhook).where(Webhook.id.in_(bodies)))
        done.bodies = len(bodies)
        for table, condition in _belongings(person):
            if table not in _EMPTIED:
                result = await session.execute(delete(table).where(condition))
                done.rows[table.__tablename__] = int(result.rowcount)  # type: ignore[attr-defined]
        await self._empty(session, person)
        done.rows |= {"customer": 1, "meeting": len(person.meetings), "touch": len(person.touches)}

    async def _empty(self, session: AsyncSession, person: _Person) -> None:
        """Leaves rows that say nothing but that their id was given: work is named by ids, and SQLite gives a free one again."""
        now, id_ = self.now(), person.customer.id
        told = SellerMessage.touch_id.in_([touch.id for touch in person.touches])
        nobody: dict[str, Any] = {column.name: None for column in Customer.__table__.columns if column.nullable}
        await session.execute(update(Customer).where(Customer.id == id_).values(**nobody, jid=f"{ERASED_JID}{id_}"))
        await session.execute(update(SellerMessage).where(told).values(text="", vendor_id=None, lid=None, quoted_id=None))
        for meeting in person.meetings:
            nothing: dict[str, Any] = {column.name: None for column in Meeting.__table__.columns if column.nullable}
            nothing |= {"phase": MeetingPhase.RELEASED, "calendar_id": "", "event_id": f"erased{meeting.id}"}
            await session.execute(update(Meeting).where(Meeting.id == meeting.id).values(**nothing))
        for touch in person.touches:
            ended: dict[str, Any] = {"kommo_task_id": None, "problem": None, "done_at": touch.done_at or now}
            await session.execute(update(Touch).where(Touch.id == touch.id).values(**ended))


def _belongings(person: _Person) -> list[tuple[type[Any], Any]]:
    """Whatever is theirs besides the customer's own row; what points to others comes before them."""
    customer_id = person.customer.id
    meeting_ids, touch_ids = [meeting.id for meeting in person.meetings], [touch.id for touch in person.touches]
    return [
        (SellerMessage, SellerMessage.touch_id.in_(touch_ids)),
        (Touch, Touch.id.in_(touch_ids)),
        (Change, Change.meeting_id.in_(meeting_ids)),
        (CrmNote, or_(CrmNote.meeting_id.in_(meeting_ids), CrmNote.kommo_lead_id.in_(person.lead_ids))),
        (Answer, Answer.customer_id == customer_id),
        (Offer, Offer.customer_id == customer_id),
        (Message, Message.customer_id == customer_id),
        (Turn, Turn.customer_id == customer_id),
        (Hint, or_(Hint.customer_id == customer_id, Hint.kommo_lead_id.in_(person.lead_ids))),
        (Meeting, Meeting.customer_id == customer_id),
    ]


async def _person(session: AsyncSession, phone: str) -> _Person:
    customer = await customer_by_phone(session, phone)
    if customer is None:
        raise PrivacyRefusedError("nobody")
    meetings = list(await session.scalars(select(Meeting).where(Meeting.customer_id == customer.id)))
    touches = list(await session.scalars(select(Touch).where(Touch.meeting_id.in_([meeting.id for meeting in meetings]))))
    lead_ids = {customer.kommo_lead_id, *(meeting.kommo_lead_id for meeting in meetings)} - {None}
    return _Person(customer, meetings, touches, {lead_id for lead_id in lead_ids if lead_id is not None})


async def _bodies_about(session: AsyncSession, person: _Person) -> list[Webhook]:
    """Stored bodies that name the person: by phone in any spelling, hidden id, or one of their leads."""
    customer = person.customer
    marks = {digits for phone in (customer.phone, customer.former_phone) if phone for digits in _digits_of(phone)}
    marks |= {digits for name in (customer.jid, customer.lid) if name for digits in re.findall(r"[0-9]{6,}", name)}
    named = select(Hint.webhook_id).where(
        or_(Hint.kommo_lead_id.in_(person.lead_ids), Hint.entity_id.in_(person.lead_ids), Hint.customer_id == customer.id)
    )
    by_hint = set(await session.scalars(named))
    bodies = await session.stream_scalars(select(Webhook))
    return [body async for body in bodies if body.id in by_hint or _names(body.body, marks)]


def _names(body: str, marks: Collection[str]) -> bool:
    """Whether one of the numbers stands in a body, also written with spaces, brackets or dashes, or percent-encoded."""
    plain = unquote_plus(body)
    bare = re.sub(r"(?<=[0-9])[ ().\-]+(?=[0-9])", "", plain)
    return any(mark in text for mark in marks for text in (body, plain, bare))


def _digits_of(phone: str) -> set[str]:
    return {*spellings(phone), *spellings(phone, national=True)}


def _plain(row: Table) -> dict[str, Any]:
    values = {column.name: getattr(row, column.name) for column in row.__table__.columns}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
