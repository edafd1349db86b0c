"""What the tests of sellers' acts stand on: all that keeps a meeting true, wired to a served sandbox, and a seller's hands.

The sandbox's clock stands still until it is moved; each act of a seller takes a second. Webhooks are not delivered: a test
says what is looked at.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from meeting_scene import (
    ANA,
    BRUNO,
    PHONE,
    Scene,
    add_customer,
    at,
    calendar_client,
    database,
    kommo_client,
    shipped,
    whatsapp_client,
)
from sqlalchemy import select

from clients.calendar import CalendarClient
from clients.kommo import KommoClient
from clients.under_way import UnderWay
from clients.whatsapp import WhatsAppClient
from meetings.booking import Booking
from meetings.business import Business
from meetings.by_hand import ByHand
from meetings.calendars import CalendarWatch
from meetings.customers import Leads
from meetings.database import Database
from meetings.decide import Decision
from meetings.events import HintEntity
from meetings.invitations import Invitations
from meetings.lifecycle import first_change, revise
from meetings.notes import Notes
from meetings.outbox import Outbox
from meetings.push_channels import PushChannels
from meetings.settle import Receipts, Settler
from meetings.sweep import Sweeper
from meetings.sync import Synchroniser
from meetings.tables import Change, CrmNote, Customer, Meeting, MeetingPhase, MeetingStatus
from sandbox.server import Sandbox

LINK, STATUS = FIELDS = (123456, 123457)
MARIA, JOAO, OTHER_PHONE = 21, 22, "+5511912345678"  # leads of two customers
EMPTY = 23  # a lead without anybody
CALENDARS = {ANA: "ana@solclaro.example", BRUNO: "bruno@solclaro.example"}
MEETING, FOLLOW_UP = 2, 1  # task types
LOST, QUALIFIED = 143, 67548611  # stages
TUESDAY, TUESDAY_LATER = "2026-03-10 14:00", "2026-03-10 16:00"
WEDNESDAY, SUNDAY = "2026-03-11 10:00", "2026-03-15 10:00"
UNDO_S = 45
TASK, LEAD, EVENT = HintEntity.TASK, HintEntity.LEAD, HintEntity.EVENT

KOMMO_SEED: dict[str, Any] = {
    "contacts": [
        {"id": 11, "name": "Maria Souza", "fields": {"Phone": PHONE}},
        {"id": 12, "name": "João Lima", "fields": {"Phone": OTHER_PHONE}},
    ],
    "leads": [
        {"id": MARIA, "name": "WhatsApp: Maria", "contact_ids": [11], "responsible_user_id": 10000},
        {"id": JOAO, "name": "WhatsApp: João", "contact_ids": [12], "responsible_user_id": 10000},
        {"id": EMPTY, "name": "Sem contato", "responsible_user_id": 10000},
    ],
}


class Stage(Scene):
    """A served sandbox with clients that all tests of a module share: making them takes longer than most tests."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.runner = asyncio.Runner()
        self.kommo, self.calendar, self.whatsapp = kommo_client(self), calendar_client(self), whatsapp_client(self)

    def close(self) -> None:
        for client in (self.kommo, self.calendar, self.whatsapp):
            self.runner.run(client.close())
        self.runner.close()
        super().close()


@contextlib.contextmanager
def staged() -> Iterator[Stage]:
    with Sandbox() as sandbox:
        stage = Stage(sandbox)
        try:
            yield stage
        finally:
            stage.close()


def reset(scene: Scene) -> None:
    """Monday, 9 March 2026, eight in the morning; empty calendars, three leads."""
    scene.reset(kommo=KOMMO_SEED)


class Seller:
    """What a seller does by hand."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def does(self, path: str, /, **fields: Any) -> Any:
        self.scene.advance(seconds=1)
        return self.scene.control(path, **fields)

    def makes_task(self, start: str = TUESDAY, *, lead_id: int = MARIA, seller: int = ANA, **fields: Any) -> int:
        """A Meeting task of an hour, unless told otherwise; returns its id."""
        made = {"text": "Visita combinada por telefone", "duration": 3600, "responsible_user_id": seller, **fields}
        return int(self.does("/seller/task/create", lead_id=lead_id, complete_till=int(at(start).timestamp()), **made)["id"])

    def moves_task(self, task_id: int | None, start: str, **fields: Any) -> None:
        self.does("/seller/task/move", task_id=task_id, complete_till=int(at(start).timestamp()), **fields)

    def hands_task(self, task_id: int | None, seller: int) -> None:
        self.does("/seller/task/reassign", task_id=task_id, responsible_user_id=seller)

    def completes_task(self, task_id: int | None, result: str | None = None) -> None:
        self.does("/seller/task/complete", task_id=task_id, result=result)

    def reopens_task(self, task_id: int | None) -> None:
        self.does("/seller/task/reopen", task_id=task_id)

    def deletes_task(self, task_id: int | None) -> None:
        self.does("/seller/task/delete", task_id=task_id)

    def writes_on_lead(self, lead_id: int = MARIA, **fields: Any) -> None:
        """`link` and `status`, as the lead's fields."""
        ids = {"link": LINK, "status": STATUS}
        self.does("/seller/lead/edit", lead_id=lead_id, custom_fields={str(ids[name]): value for name, value in fields.items()})

    def stages_lead(self, stage: int, lead_id: int = MARIA) -> None:
        self.does("/seller/lead/stage", lead_id=lead_id, status_id=stage)

    def hands_lead(self, seller: int, lead_id: int = MARIA) -> None:
        self.does("/seller/lead/reassign", lead_id=lead_id, responsible_user_id=seller)

    def deletes_lead(self, lead_id: int = MARIA) -> None:
        self.does("/seller/lead/delete", lead_id=lead_id, tasks="keep")

    def moves_event(self, meeting: Meeting, start: str) -> None:
        where = {"calendar_id": meeting.calendar_id, "event_id": meeting.event_id}
        self.does("/calendar/event/move", **where, start=at(start).isoformat())

    def deletes_event(self, meeting: Meeting) -> None:
        self.does("/calendar/event/delete", calendar_id=meeting.calendar_id, event_id=meeting.event_id)

    def is_busy(self, start: str, seller: int = ANA, minutes: int = 60) -> None:
        """Something else on the calendar."""
        span = {"start": at(start).isoformat(), "end": (at(start) + timedelta(minutes=minutes)).isoformat()}
        self.does("/calendar/event/add", calendar_id=CALENDARS[seller], summary="ocupada", **span)


@dataclass
class House:
    """The parts under test, and what can be seen from outside."""

    db: Database
    scene: Scene
    seller: Seller
    business: Business
    kommo: KommoClient
    calendar: CalendarClient
    whatsapp: WhatsAppClient
    outbox: Outbox
    notes: Notes
    settler: Settler
    booking: Booking
    sync: Synchroniser
    by_hand: ByHand
    sweeper: Sweeper

    # What is there

    async def customer(self, lead_id: int | None = MARIA, phone: str = PHONE, name: str = "Maria Souza", **values: Any) -> int:
        return await add_customer(
            self.db, self.scene.now(), phone=phone, name=name, locale="pt-BR", kommo_lead_id=lead_id, **values
        )

    async def booked(
        self, start: str = TUESDAY, *, customer: int | None = None, seller: int = ANA, settled: bool = True
    ) -> Meeting:
        """A meeting booked in a conversation: on the calendar, on the lead, confirmed; unless it is not to be settled."""
        customer_id = customer or await self.customer()
        now = self.scene.now()
        async with self.db.transaction() as session:
            meeting = Meeting(
                customer_id=customer_id,
                kommo_lead_id=(await session.get_one(Customer, customer_id)).kommo_lead_id,
                kommo_user_id=seller,
                calendar_id=CALENDARS[seller],
                event_id=uuid4().hex,
                phase=MeetingPhase.HELD,
                status=MeetingStatus.SCHEDULED,
                starts_at=at(start),
                ends_at=at(start) + timedelta(hours=1),
                booked_in_turn=f"turn:{customer_id}:{start}",
                shown={},
                old_events=[],
                created_at=now,
                updated_at=now,
                revision=1,
                generation=1,
            )
            session.add(meeting)
            await session.flush()
            session.add(first_change(meeting, now))
        if settled:
            assert (await self.settler.settle(meeting.id)).complete
            self.scene.advance(minutes=5)
        return await self.one(meeting.id)

    async def changed(self, meeting_id: int, **values: Any) -> None:
        """The next revision, as the customer's own change in the conversation; nothing of it is carried out."""
        self.scene.advance(seconds=1)
        fields = {"what": "moved", "by": "customer", "source": "conversation", "hint": "customer_moved", **values}
        async with self.db.transaction() as session:
            row = await session.get_one(Meeting, meeting_id)
            if "start" in fields:
                fields["starts_at"] = at(fields.pop("start"))
                fields["ends_at"] = fields["starts_at"] + timedelta(hours=1)
            if "seller" in fields:
                fields["seller"] = self.business.seller(fields["seller"])
            revise(session, row, now=self.scene.now(), **fields)

    async def look(self, meeting_id: int, entity: HintEntity | None = None) -> Decision:
        return await self.sync.sync(meeting_id, entity)

    async def later(self, meeting_id: int) -> Decision:
        """The look that was planned, at its time."""
        planned = (await self.one(meeting_id)).look_at
        assert planned is not None, "no look is planned"
        if planned > self.scene.now():
            self.scene.control("/clock", now=planned.isoformat())
        return await self.look(meeting_id)

    async def settle(self, meeting_id: int) -> Receipts:
        return await self.settler.settle(meeting_id)

    # What can be seen

    async def one(self, meeting_id: int) -> Meeting:
        async with self.db.transaction() as session:
            return await session.get_one(Meeting, meeting_id)

    async def meetings(self) -> list[Meeting]:
        async with self.db.transaction() as session:
            return list(await session.scalars(select(Meeting).order_by(Meeting.id)))

    async def story(self, meeting_id: int) -> list[tuple[str, str]]:
        """Per revision: what and why."""
        async with self.db.transaction() as session:
            rows = await session.scalars(select(Change).where(Change.meeting_id == meeting_id).order_by(Change.revision))
            return [(row.what, row.hint) for row in rows]

    async def noted(self) -> list[str]:
        """The texts of the notes kept for leads, oldest first."""
        async with self.db.transaction() as session:
            return list(await session.scalars(select(CrmNote.text).order_by(CrmNote.id)))

    def task(self, task_id: int | None) -> dict[str, Any] | None:
        found: list[dict[str, Any]] = self.scene.state("kommo")["tasks"]
        return next((task for task in found if task["id"] == task_id), None)

    def tasks(self, lead_id: int = MARIA) -> list[dict[str, Any]]:
        return [task for task in self.scene.state("kommo")["tasks"] if task["entity_id"] == lead_id]

    def lead(self, lead_id: int = MARIA) -> dict[str, Any]:
        found: dict[str, Any] = next(lead for lead in self.scene.state("kommo")["leads"] if lead["id"] == lead_id)
        return found

    def fields(self, lead_id: int = MARIA) -> tuple[str | None, str | None]:
        """Link and status on the lead."""
        fields = self.lead(lead_id)["fields"]
        return fields["google_calendar_link"], fields["meeting_status"]

    def events(self) -> list[tuple[int, str]]:
        """Living events: whose calendar, and the local start, e.g. (10001, "2026-03-10 14:00")."""
        found = []
        for seller, calendar_id in CALENDARS.items():
            for event in self.scene.state("google")["calendars"][calendar_id]["events"].values():
                if event["status"] != "cancelled" and event.get("summary") != "ocupada":
                    start = event["start"].get("dateTime") or event["start"]["date"]
                    found.append((seller, start[:16].replace("T", " ")))
        return found

    def told(self, phone: str = PHONE) -> list[str]:
        """What the customer has on the phone from us."""
        return [line["text"] for line in self.scene.chat(phone) if line["from"] == "agent"]

    def writes(self) -> list[str]:
        """Every call that changes something, e.g. "kommo PATCH /api/v4/leads/21"."""
        kept = []
        for service in ("kommo", "google", "evolution"):
            calls = [c for c in self.scene.calls(service, "/") if c["method"] != "GET"]
            kept += [
                f"{service} {c['method']} {c['path']}" for c in calls if "freeBusy" not in c["path"] and "/find" not in c["path"]
            ]
        return kept

    async def agrees(self, meeting_id: int) -> Meeting:
        """Fails unless calendar, task, lead and what we know of them all show the meeting as it stands; returns it."""
        meeting = await self.one(meeting_id)
        assert meeting.settled, meeting.problem
        assert (meeting.wish, meeting.look_at, meeting.old_events or []) == (None, None, [])
        start = self.business.local(meeting.starts_at)
        expected = [(meeting.kommo_user_id, f"{start:%Y-%m-%d %H:%M}")] if meeting.status != MeetingStatus.CANCELLED else []
        booked = [m for m in await self.meetings() if m.phase == MeetingPhase.BOOKED]
        others = [m for m in booked if m.id != meeting_id and m.status != MeetingStatus.CANCELLED]
        expected += [(m.kommo_user_id, f"{self.business.local(m.starts_at):%Y-%m-%d %H:%M}") for m in others]
        assert sorted(self.events()) == sorted(expected)
        task = self.task(meeting.kommo_task_id)
        if task is not None:
            assert task["is_completed"] is (meeting.status != MeetingStatus.SCHEDULED)
        if meeting.status == MeetingStatus.SCHEDULED:
            assert task is not None
            assert datetime.fromtimestamp(task["complete_till"], meeting.starts_at.tzinfo) == meeting.starts_at
            assert (task["duration"], task["responsible_user_id"]) == (
                (meeting.ends_at - meeting.starts_at).total_seconds(),
                meeting.kommo_user_id,
            )
            assert start.strftime("%H:%M") in task["text"]
        found = await self.sweeper.compare()
        assert [(d.decision, d.behind) for d in found.disagreements if d.meeting.id == meeting_id] == []
        return meeting


def close_calendar(scene: Scene, status: int) -> None:
    """Ana's calendar is refused from now on: 404 and 403 for good, anything else as a passing trouble."""
    body = {"error": {"code": 403, "errors": [{"domain": "calendar", "reason": "forbidden"}]}} if status == 403 else None
    scene.control("/faults", service="google", path="ana@solclaro", status=status, times=-1, **({"body": body} if body else {}))


@contextlib.asynccontextmanager
async def house(folder: Path, scene: Stage, **rules: Any) -> AsyncIterator[House]:
    """`rules`: sync rules of the business that differ from the shipped ones."""
    whole = shipped()
    business = whole.model_copy(update={"sync": whole.sync.model_copy(update=rules)})
    kommo, calendar, whatsapp, now = scene.kommo, scene.calendar, scene.whatsapp, scene.now
    kommo._under_way = UnderWay("Kommo", now)  # the clients outlive a test, its clock does not
    async with database(folder) as db:
        leads, outbox, notes = Leads(db, kommo, business, "pt-BR", now), Outbox(db, whatsapp, now), Notes(db, kommo, now)
        push = PushChannels(db, calendar, now, public_url=None, secret="a-token-that-is-long-enough")
        calendars = CalendarWatch(db, calendar, business, push, now, poll_s=60)
        booking = Booking(db, calendar, business, now)
        invitations = Invitations(db, booking, business, locale="pt-BR", now=now)
        settler = Settler(
            db,
            calendar,
            calendars,
            kommo,
            leads,
            outbox,
            notes,
            invitations,
            business,
            fields=FIELDS,
            locale="pt-BR",
            now=now,
        )
        sync = Synchroniser(db, kommo, calendars, booking, settler, business, fields=FIELDS, undo_s=UNDO_S, now=now)
        by_hand = ByHand(db, kommo, booking, leads, settler, notes, business, locale="pt-BR", undo_s=UNDO_S, now=now)
        sweeper = Sweeper(db, kommo, calendars, business, fields=FIELDS, now=now)
        try:
            yield House(
                db,
                scene,
                Seller(scene),
                business,
                kommo,
                calendar,
                whatsapp,
                outbox,
                notes,
                settler,
                booking,
                sync,
                by_hand,
                sweeper,
            )
        finally:
            scene.clear_faults()  # a call kept waiting by a test that failed must not hold up the next one


def run(folder: Path, scene: Stage, act: Callable[[House], Awaitable[Any]], **rules: Any) -> Any:
    async def inside() -> Any:
        async with house(folder, scene, **rules) as place:
            return await act(place)

    return scene.runner.run(inside())
