"""An office where everybody may do anything in any order: what the state machine moves, and what must hold when all is quiet."""

import asyncio
import contextlib
import shutil
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from meeting_scene import (
    ANA,
    BRUNO,
    ONCE,
    Scene,
    add_customer,
    add_offer,
    at,
    new_file,
    qualify,
    shipped,
    whatsapp_client,
)
from sqlalchemy import delete, select

from clients.calendar import CalendarClient
from clients.errors import ServiceError
from clients.kommo import KommoClient
from meetings.booking import Booking, BookingRefusedError
from meetings.business import Business
from meetings.calendars import CalendarWatch
from meetings.cases import EffectLostError
from meetings.customers import Leads
from meetings.database import Database
from meetings.desk import Desk
from meetings.events import HintEntity
from meetings.invitations import Invitations
from meetings.lifecycle import snapshot
from meetings.notes import Notes
from meetings.outbox import Outbox
from meetings.push_channels import PushChannels
from meetings.settle import Settler
from meetings.sync import Synchroniser
from meetings.tables import Change, Meeting, Message, Offer
from prompts.labels import day_label, hour_label

FIELDS = (123456, 123457)
UNDO_S = 15
CALENDARS = {ANA: "ana@solclaro.example", BRUNO: "bruno@solclaro.example"}
# Hours of Ana and Bruno alike, then hours of neither (Sunday, night), then the past.
TIMES = ["2026-03-10 14:00", "2026-03-11 15:00", "2026-03-12 16:00", "2026-03-15 10:00", "2026-03-11 22:00", "2026-03-08 10:00"]
CLOSED = ("completed", "no_show")


class Office:
    """One meeting between Maria and Ana, with the real clients over HTTP on a served sandbox."""

    def __init__(
        self,
        scene: Scene,
        business: Business | None = None,
        email: str | None = None,
        options: dict[str, Any] | None = None,
    ) -> None:
        self.scene, self.business, self.email = scene, business or shipped(), email
        scene.reset("2026-03-09 08:00")
        if options:
            scene.control("/calendar/options", **options)
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="marcado-office-"))
        self.meeting_id, self.heard = 0, 0
        self.runner.run(self._open())
        self._check_what_was_said()

    def close(self) -> None:
        async def shut() -> None:
            for client in (self.kommo, self.calendar, self.whatsapp):
                await client.close()
            await self.db.close()

        self.runner.run(shut())
        self.runner.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _open(self) -> None:
        now = self.scene.now
        self.db = Database(new_file(self.folder))
        self.kommo = KommoClient(self.scene.urls["kommo"], "sandbox-kommo-token", retry=ONCE, requests_per_s=100_000, now=now)
        self.calendar = CalendarClient(None, self.scene.urls["google"], retry=ONCE)
        self.whatsapp = whatsapp_client(self.scene)
        business = self.business
        leads = Leads(self.db, self.kommo, business, "pt-BR", now)
        self.outbox = Outbox(self.db, self.whatsapp, now)
        self.notes = Notes(self.db, self.kommo, now)
        push = PushChannels(self.db, self.calendar, now, public_url=None, secret="a-token-that-is-long-enough")
        calendars = CalendarWatch(self.db, self.calendar, business, push, now, poll_s=60)
        self.booking = Booking(self.db, self.calendar, business, now)
        self.settler = Settler(
            self.db,
            self.calendar,
            calendars,
            self.kommo,
            leads,
            self.outbox,
            self.notes,
            Invitations(self.db, self.booking, business, locale="pt-BR", now=now),
            business,
            fields=FIELDS,
            locale="pt-BR",
            now=now,
        )
        self.sync = Synchroniser(
            self.db, self.kommo, calendars, self.booking, self.settler, business, fields=FIELDS, undo_s=UNDO_S, now=now
        )
        self.desk = Desk(self.db, self.booking, self.settler, leads, self.sync.look_now, now)
        self.customer_id = await add_customer(self.db, now(), name="Maria Souza", email=self.email)
        await qualify(self.db, self.customer_id, now())
        await add_offer(self.db, self.customer_id, 1, at(TIMES[0]))
        self.meeting_id = await self.booking.reserve(self.customer_id, 1, "turn-1")
        receipts = await self.settler.settle(self.meeting_id)
        assert receipts.complete

    # People

    def act(self, path: str, /, **fields: Any) -> bool:
        """Somebody clicks; False when there is nothing to click on."""
        answer = self.scene._http.post(f"/_sandbox{path}", json=fields)
        return bool(answer.status_code == 200)

    def meeting(self) -> Meeting:
        async def read() -> Meeting:
            async with self.db.transaction() as session:
                return await session.get_one(Meeting, self.meeting_id)

        return self.runner.run(read())

    @property
    def task_id(self) -> int:
        return self.meeting().kommo_task_id or 0

    @property
    def lead_id(self) -> int:
        return self.meeting().kommo_lead_id or 0

    def customer_moves(self, when: datetime) -> None:
        seller = self.meeting().kommo_user_id

        async def move() -> None:
            async with self.db.transaction() as session:
                await session.execute(delete(Offer).where(Offer.customer_id == self.customer_id))
            await add_offer(self.db, self.customer_id, 1, when, seller=seller)
            with contextlib.suppress(BookingRefusedError, ServiceError):
                await self.desk.reschedule(self.customer_id, 1)
            await self.desk.settle_all(self.customer_id)  # as at the end of every turn

        self.runner.run(move())
        self._check_what_was_said()

    def customer_cancels(self) -> None:
        async def cancel() -> None:
            with contextlib.suppress(BookingRefusedError):
                await self.desk.cancel(self.customer_id, "mudança de planos")
            await self.desk.settle_all(self.customer_id)

        self.runner.run(cancel())
        self._check_what_was_said()

    # The service

    def look(self, entity: HintEntity | None) -> None:
        """What a webhook about it leads to. Services may be down: then it is looked at again later, or by the sweep."""

        async def sync() -> None:
            with contextlib.suppress(ServiceError, EffectLostError):
                await self.sync.sync(self.meeting_id, entity)

        self.runner.run(sync())
        self._check_what_was_said()

    def due(self) -> None:
        """What the dispatcher would do at this time."""
        meeting, now = self.meeting(), self.scene.now()
        if meeting.look_at and meeting.look_at <= now:
            self.look(None)
        if not meeting.settled and (meeting.next_try_at is None or meeting.next_try_at <= now):
            self.runner.run(self.sync.settle_late(self.meeting_id))
            self._check_what_was_said()

    def passes(self, seconds: float) -> None:
        self.scene.control("/clock", advance_s=seconds)

    def calm_down(self) -> None:
        """No more bad days; one sweep, the time to undo, and what that leaves to do."""
        self.scene._http.delete("/_sandbox/faults")
        for _ in range(4):
            self.look(None)
            self.passes(UNDO_S + 1)
            self.due()
            self.passes(700)
            self.due()

    # What must hold

    def _check_what_was_said(self) -> None:
        """A message that has just gone out says what the calendar shows at that moment."""
        notices, changes = self.runner.run(self._notices())
        new, self.heard = notices[self.heard :], len(notices)
        if not new:
            return
        revision, what = new[-1].key.split(":")[2:]
        said = next(change.after for change in changes if change.revision == int(revision))
        living = self._living()
        if what == "cancelled":
            assert not living, new[-1].text
        elif what in ("booked", "moved", "handed_over"):
            shown = [(place, datetime.fromisoformat(event["start"]["dateTime"])) for place, event in living]
            assert shown == [(CALENDARS[said["kommo_user_id"]], datetime.fromisoformat(said["starts_at"]))], new[-1].text

    def _living(self) -> list[tuple[str, dict[str, Any]]]:
        return [
            (calendar_id, event)
            for calendar_id, calendar in self.scene.state("google")["calendars"].items()
            for event in calendar["events"].values()
            if event["status"] != "cancelled"
        ]

    def check(self) -> None:
        meeting = self.meeting()
        assert meeting.settled, meeting.problem
        self._check_calendar(meeting)
        self._check_kommo(meeting, self.scene.state("kommo"))
        self._check_customer(meeting)

    def _check_calendar(self, meeting: Meeting) -> None:
        living = self._living()
        if meeting.status == "cancelled":
            assert not living
        elif meeting.status == "scheduled":
            [(calendar_id, event)] = living
            assert calendar_id == meeting.calendar_id == CALENDARS[meeting.kommo_user_id]
            assert datetime.fromisoformat(event["start"]["dateTime"]) == meeting.starts_at
            assert datetime.fromisoformat(event["end"]["dateTime"]) == meeting.ends_at
            assert event["id"] == meeting.event_id

    def _check_kommo(self, meeting: Meeting, kommo: dict[str, Any]) -> None:
        lead = next((item for item in kommo["leads"] if item["id"] == meeting.kommo_lead_id), None)
        if lead is not None and not lead["is_deleted"]:
            assert lead["fields"].get("meeting_status") == meeting.status
            assert lead["fields"].get("google_calendar_link") == meeting.link
        task = next((item for item in kommo["tasks"] if item["id"] == meeting.kommo_task_id), None)
        if meeting.status == "scheduled":
            assert task is not None
            assert not task["is_completed"]
            assert task["complete_till"] == int(meeting.starts_at.timestamp())
            if task["responsible_user_id"] in CALENDARS:
                assert task["responsible_user_id"] == meeting.kommo_user_id
        elif task is not None:
            assert task["is_completed"]

    def _check_customer(self, meeting: Meeting) -> None:
        notices, changes = self.runner.run(self._notices())
        chat = [message["text"] for message in self.scene.chat() if message["from"] == "agent"]
        assert chat == [notice.text for notice in notices]  # each once, in order
        assert len(notices) <= len(changes)
        told = dict(meeting.told or {})
        agreed = snapshot(meeting)
        assert {name: told[name] for name in ("status", "starts_at", "kommo_user_id")} == {
            name: agreed[name] for name in ("status", "starts_at", "kommo_user_id")
        }
        if meeting.status == "scheduled":
            zone = shipped().zone
            assert day_label(meeting.starts_at, zone, "pt-BR") in chat[-1]
            assert hour_label(meeting.starts_at, zone) in chat[-1]
            seller = shipped().seller(meeting.kommo_user_id)
            assert seller is not None
            assert seller.name in chat[-1]
        thanks = [text for text in chat if "brigado pela" in text or "entimos sua falta" in text]
        assert len(thanks) <= 1
        assert sum("ancelad" in text or "ancelei" in text for text in chat) <= 1

    async def _notices(self) -> tuple[list[Message], list[Change]]:
        async with self.db.transaction() as session:
            sent = await session.scalars(
                select(Message)
                .where(Message.meeting_id == self.meeting_id, Message.vendor_id.is_not(None))
                .order_by(Message.send_started_at, Message.id)
            )
            changes = await session.scalars(select(Change).where(Change.meeting_id == self.meeting_id))
            return list(sent), list(changes)
