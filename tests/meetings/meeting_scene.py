"""What the tests of the domain stand on: a business, a database on a file, a clock that is told the time, a served sandbox."""

import asyncio
import atexit
import contextlib
import shutil
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import uvicorn
from fastapi import FastAPI

from clients.calendar import CalendarClient
from clients.kommo import KommoClient
from clients.transport import RetryPolicy
from clients.whatsapp import WhatsAppClient
from meetings.business import Business, load_business
from meetings.database import Database
from meetings.inbox import Inbox
from meetings.phones import match_key
from meetings.tables import Answer, Author, Customer, Message, MessageState, Offer
from sandbox.server import Sandbox
from webhooks.app import Door, make_app

SHIPPED = Path(__file__).parents[2] / "business.toml"
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
ANA, BRUNO = 10001, 10002
PHONE, JID = "+5511987654321", "5511987654321@s.whatsapp.net"
TOKEN = "a-token-that-is-long-enough"
EVOLUTION_EVENTS = (
    "MESSAGES_UPSERT",
    "MESSAGES_UPDATE",
    "MESSAGES_EDITED",
    "MESSAGES_DELETE",
    "SEND_MESSAGE",
    "CONNECTION_UPDATE",
)
ONCE = RetryPolicy(attempts=1)  # tests decide themselves when something is tried again


def at(text: str, zone: ZoneInfo = SAO_PAULO) -> datetime:
    """Aware UTC of a wall-clock time such as "2026-03-10 14:00"."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


class Clock:
    """A source of time that stands still until it is moved."""

    def __init__(self, text: str = "2026-03-09 08:00") -> None:
        self.moment = at(text)

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **span: float) -> None:
        self.moment += timedelta(**span)


@cache
def shipped() -> Business:
    return load_business(SHIPPED)


def business(**rules: Any) -> Business:
    """The shipped business with other meeting rules."""
    whole = shipped()
    return whole.model_copy(update={"meetings": whole.meetings.model_copy(update=rules)})


@cache
def _migrated() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="marcado-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "empty.sqlite"
    Database(f"sqlite:///{path}").migrate()
    return path


def new_file(folder: Path, name: str = "marcado.sqlite") -> str:
    """The URL of a fresh database with all tables and no rows."""
    shutil.copy(_migrated(), folder / name)
    return f"sqlite:///{folder / name}"


@contextlib.asynccontextmanager
async def database(folder: Path) -> AsyncIterator[Database]:
    """A fresh database, closed at the end."""
    db = Database(new_file(folder))
    try:
        yield db
    finally:
        await db.close()


async def add_customer(db: Database, now: datetime, **values: Any) -> int:
    """A customer with a phone, unless told otherwise."""
    phone = values.pop("phone", PHONE)
    jid = values.pop("jid", f"{phone.removeprefix('+')}@s.whatsapp.net" if phone else "222333444555666@lid")
    async with db.transaction() as session:
        customer = Customer(phone=phone, match_key=match_key(phone) if phone else None, jid=jid, created_at=now, **values)
        session.add(customer)
        await session.flush()
        return customer.id


async def add_message(db: Database, customer_id: int, text: str, now: datetime, **values: Any) -> int:
    """A message of the customer that waits for an answer, unless told otherwise."""
    fields = {"author": Author.CUSTOMER, "state": MessageState.NEW, "kind": "text", **values}
    async with db.transaction() as session:
        message = Message(customer_id=customer_id, text=text, sent_at=now, stored_at=now, **fields)
        session.add(message)
        await session.flush()
        return message.id


async def qualify(db: Database, customer_id: int, now: datetime, **qualifies: bool) -> None:
    """Answers to all criteria of the shipped business; all qualify unless `bill=False` or the like says otherwise."""
    message_id = await add_message(db, customer_id, "uns 800, casa própria", now, state=MessageState.ANSWERED)
    async with db.transaction() as session:
        session.add_all(
            Answer(
                customer_id=customer_id,
                criterion=criterion.name,
                value="x",
                qualifies=qualifies.get(criterion.name, True),
                quote="uns 800",
                message_id=message_id,
                recorded_at=now,
            )
            for criterion in shipped().qualification
        )


async def add_offer(
    db: Database,
    customer_id: int,
    number: int,
    starts_at: datetime,
    *,
    seller: int = ANA,
    turn_id: str = "turn-1",
    minutes: int = 60,
    offered_at: datetime | None = None,
) -> None:
    async with db.transaction() as session:
        ends_at = starts_at + timedelta(minutes=minutes)
        session.add(
            Offer(
                customer_id=customer_id,
                number=number,
                kommo_user_id=seller,
                starts_at=starts_at,
                ends_at=ends_at,
                turn_id=turn_id,
                offered_at=offered_at or starts_at,
            )
        )


class Scene:
    """A served sandbox and the hand that moves it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.urls = sandbox, sandbox.urls
        self._http = httpx.Client(base_url=sandbox.control_url, trust_env=False, timeout=10)

    def close(self) -> None:
        self._http.close()

    def now(self) -> datetime:
        return self.sandbox.world.clock.now()

    def reset(self, text: str = "2026-03-09 08:00", **seed: Any) -> None:
        """Everything back to the seed; the clock stands at that wall-clock time in São Paulo."""
        self.control("/reset", **seed)
        self.control("/clock", now=at(text).isoformat())

    def control(self, path: str, /, **fields: Any) -> Any:
        answer = self._http.post(f"/_sandbox{path}", json=fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fault(self, service: str, /, **what: Any) -> None:
        """What goes wrong with the next matching call of a service; `times=-1` for all."""
        self.control("/faults", service=service, **what)

    def clear_faults(self) -> None:
        """Everything works again."""
        assert self._http.delete("/_sandbox/faults").status_code == 200

    def advance(self, **span: float) -> None:
        self.control("/clock", advance_s=timedelta(**span).total_seconds())

    def state(self, service: str) -> dict[str, Any]:
        found: dict[str, Any] = self._http.get("/_sandbox/state").json()[service]
        return found

    def calls(self, service: str, path: str) -> list[dict[str, Any]]:
        """The calls to paths that contain `path`."""
        made = self._http.get("/_sandbox/requests", params={"service": service}).json()
        return [call for call in made if path in call["path"]]

    def chat(self, phone: str = PHONE) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.state("evolution")["chat"].get(phone, [])
        return found


@contextlib.contextmanager
def served() -> Iterator[Scene]:
    with Sandbox() as sandbox:
        scene = Scene(sandbox)
        try:
            yield scene
        finally:
            scene.close()


def eventually(check: Callable[[], Any], what: str, within_s: float = 5.0) -> Any:
    """What `check` returns as soon as it is truthy; fails when that does not happen in time."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if found := check():
            return found
        time.sleep(0.005)
    raise AssertionError(f"did not happen within {within_s} s: {what}")


async def soon(check: Callable[[], Awaitable[Any]], what: str, within_s: float = 10.0) -> Any:
    """`eventually` for coroutines: the loop goes on meanwhile."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if found := await check():
            return found
        await asyncio.sleep(0.01)
    raise AssertionError(f"did not happen within {within_s} s: {what}")


@contextlib.asynccontextmanager
async def receiving(db: Database, scene: Scene, *, pause_min: int = 60) -> AsyncIterator[Inbox]:
    """The webhook routes on loopback, known to the sandbox's Evolution server; yields the inbox behind them."""
    inbox = Inbox(db, scene.now, pause_min=pause_min)

    async def checks() -> dict[str, str]:
        return {}

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    app = make_app(Door(inbox, (TOKEN,), "marcado", wake=lambda: None, checks=checks), lifespan)
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen(64)
    config = uvicorn.Config(app, log_level="error", access_log=False, lifespan="off", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([listening]))
    whatsapp = whatsapp_client(scene)
    try:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/webhook/evolution"
        await whatsapp.set_webhook(url, {"X-Marcado-Token": TOKEN}, EVOLUTION_EVENTS)
        yield inbox
    finally:
        await whatsapp.close()
        server.should_exit = True
        await serving


def whatsapp_client(scene: Scene) -> WhatsAppClient:
    return WhatsAppClient(scene.urls["evolution"], "sandbox-evolution-key", "marcado", retry=ONCE)


def kommo_client(scene: Scene) -> KommoClient:
    return KommoClient(scene.urls["kommo"], "sandbox-kommo-token", retry=ONCE, requests_per_s=5000, now=scene.now)


def calendar_client(scene: Scene) -> CalendarClient:
    return CalendarClient(None, scene.urls["google"], retry=ONCE)


async def delivered(scene: Scene) -> None:
    """Waits until no webhook is under way."""

    async def idle() -> bool:
        return scene.sandbox.world.deliveries.idle

    await soon(idle, "webhooks are delivered")
