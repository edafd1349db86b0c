"""What the tests of followed calendars stand on: meetings with events on a served Google, and who watches them."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from meeting_scene import ANA as ANA_ID
from meeting_scene import BRUNO as BRUNO_ID
from meeting_scene import ONCE, Scene, add_customer, at, database, shipped
from sqlalchemy import select

from clients.calendar import CalendarClient, NewEvent
from meetings.business import Business
from meetings.calendars import CalendarWatch
from meetings.database import Database
from meetings.inbox import Inbox
from meetings.push_channels import PushChannels
from meetings.tables import CalendarChannel, CalendarFeed, Hint, Meeting, MeetingPhase, MeetingStatus
from webhooks.app import Door, make_app

ANA, BRUNO = "ana@solclaro.example", "bruno@solclaro.example"
SECRET = "a-token-that-is-long-enough"
NOBODY = "http://127.0.0.1:9"  # where push messages go that nobody is to receive
_numbers = count(1)


@dataclass
class Office:
    """A database, the client, and the watch over Ana's and Bruno's calendars."""

    db: Database
    scene: Scene
    client: CalendarClient
    business: Business
    push: PushChannels
    watch: CalendarWatch
    counts: dict[str, int] = field(default_factory=dict)

    async def book(
        self, start: str = "2026-03-10 14:00", calendar_id: str = ANA, *, with_event: bool = True, **values: Any
    ) -> int:
        """A meeting with its event, "event1" for the first one in its database, unless told otherwise; returns its id."""
        starts_at = at(start)
        ends_at = starts_at + timedelta(hours=1)
        async with self.db.transaction() as session:
            number = len(list(await session.scalars(select(Meeting.id)))) + 1
        customer_id = await add_customer(self.db, self.scene.now(), phone=f"+55119{next(_numbers):08}")
        fields = {
            "event_id": f"event{number}",
            "kommo_user_id": ANA_ID if calendar_id == ANA else BRUNO_ID,
            "phase": MeetingPhase.BOOKED,
            "status": MeetingStatus.SCHEDULED,
            **values,
        }
        now = self.scene.now()
        async with self.db.transaction() as session:
            meeting = Meeting(
                customer_id=customer_id,
                calendar_id=calendar_id,
                starts_at=starts_at,
                ends_at=ends_at,
                created_at=now,
                updated_at=now,
                **fields,
            )
            session.add(meeting)
            await session.flush()
            meeting_id = meeting.id
        if not with_event:
            return meeting_id
        event = NewEvent(str(fields["event_id"]), "Visita", "", starts_at, ends_at, "America/Sao_Paulo")
        await self.client.insert_event(calendar_id, event)
        return meeting_id

    def act(self, what: str, event_id: str = "event1", calendar_id: str = ANA, **more: Any) -> None:
        """Somebody does something in Google Calendar's own pages."""
        self.scene.control(f"/calendar/event/{what}", calendar_id=calendar_id, event_id=event_id, **more)

    async def hints(self) -> list[tuple[str, int, str]]:
        """All hints, oldest first."""
        async with self.db.transaction() as session:
            found = await session.scalars(select(Hint).order_by(Hint.id))
            return [(hint.entity, hint.entity_id, hint.action) for hint in found]

    async def feed(self, calendar_id: str = ANA) -> CalendarFeed:
        async with self.db.transaction() as session:
            found = await session.scalar(select(CalendarFeed).where(CalendarFeed.calendar_id == calendar_id))
        assert found is not None
        return found

    async def channels(self) -> list[CalendarChannel]:
        async with self.db.transaction() as session:
            return list(await session.scalars(select(CalendarChannel).order_by(CalendarChannel.asked_at)))

    def at_google(self) -> list[dict[str, Any]]:
        """The channels that Google has and that have not run out."""
        return [channel for channel in self.scene.state("google")["channels"] if channel["live"]]

    def with_settings(self, *, public_url: str | None = NOBODY, secret: str = SECRET) -> PushChannels:
        """The channels as another process with these settings would look after them."""
        return PushChannels(self.db, self.client, self.scene.now, public_url=public_url, secret=secret)


@contextlib.asynccontextmanager
async def answering(made: Office, listening: socket.socket) -> AsyncIterator[None]:
    """The webhook routes, on a socket that is open already."""

    async def checks() -> dict[str, str]:
        return {}

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    door = Door(Inbox(made.db, made.scene.now, pause_min=60), (SECRET,), "marcado", lambda: None, checks, made.push, made.counts)
    config = uvicorn.Config(
        make_app(door, lifespan), log_level="error", access_log=False, lifespan="off", timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([listening]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


def listening_socket() -> tuple[socket.socket, str]:
    """An open socket on loopback and the URL it is reached under."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen(64)
    return listening, f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextlib.asynccontextmanager
async def office(
    folder: Path, scene: Scene, *, public_url: str | None = NOBODY, business: Business | None = None, poll_s: float = 60
) -> AsyncIterator[Office]:
    client = CalendarClient(None, scene.urls["google"], retry=ONCE, threads=3)
    whose = business or shipped()
    async with database(folder) as db:
        push = PushChannels(db, client, scene.now, public_url=public_url, secret=SECRET)
        watch = CalendarWatch(db, client, whose, push, scene.now, poll_s=poll_s)
        try:
            yield Office(db, scene, client, whose, push, watch)
        finally:
            await watch.stop()
            await client.close()


def run_served(folder: Path, scene: Scene, act: Callable[[Office], Awaitable[Any]]) -> Any:
    """As `run`, with the webhook routes being served where Google is told to post to."""

    async def inside() -> Any:
        listening, url = listening_socket()
        async with office(folder, scene, public_url=url) as made, answering(made, listening):
            return await act(made)

    return asyncio.run(inside())


def run(folder: Path, scene: Scene, act: Callable[[Office], Awaitable[Any]], **more: Any) -> Any:
    async def inside() -> Any:
        async with office(folder, scene, **more) as made:
            return await act(made)

    return asyncio.run(inside())
