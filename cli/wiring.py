"""The one place where objects are made and joined. Everything can be replaced through arguments; nothing is opened on import."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import structlog
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from agent.claim import Claims
from agent.model import make_agent, make_model
from agent.presence import Presence
from agent.senses import Senses
from agent.turn import Turns, TurnServices
from cli.settings import Settings
from clients.calendar import CalendarClient
from clients.errors import RefusedError, ServiceError
from clients.kommo import KommoClient
from clients.speech import SpeechClient
from clients.transport import RetryPolicy
from clients.whatsapp import WhatsAppClient
from meetings.booking import Booking
from meetings.business import Business
from meetings.customers import Leads
from meetings.database import Database
from meetings.desk import Desk
from meetings.dispatcher import Dispatcher
from meetings.inbox import Inbox
from meetings.introduction import Introduction
from meetings.lanes import Lanes
from meetings.outbox import Outbox
from meetings.qualifying import HandOff, Publisher, Qualifier
from meetings.settle import Settler
from meetings.sync import Synchroniser
from meetings.usage import Meter
from webhooks.app import Door, make_app

log = structlog.get_logger("service")
_MAX_AUDIO_BYTES = 20 * 1024 * 1024  # below the transcription route's own 25 MB
_MAX_IMAGE_BYTES = 5 * 1024 * 1024
_LATE_S = 30  # the dispatcher looks several times a second; after this long it hangs
KOMMO_EVENTS = (
    "add_task",
    "update_task",
    "delete_task",
    "responsible_task",
    "update_lead",
    "delete_lead",
    "status_lead",
    "responsible_lead",
)
EVOLUTION_EVENTS = (
    "MESSAGES_UPSERT",
    "MESSAGES_UPDATE",
    "MESSAGES_EDITED",
    "MESSAGES_DELETE",
    "SEND_MESSAGE",
    "CONNECTION_UPDATE",
)


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Service:
    """Marcado, wired and ready to be served."""

    app: FastAPI
    settings: Settings
    business: Business
    db: Database
    lanes: Lanes
    dispatcher: Dispatcher
    kommo: KommoClient
    whatsapp: WhatsAppClient
    calendar: CalendarClient


def make_service(
    settings: Settings,
    business: Business,
    *,
    now: Callable[[], datetime] = utc_now,
    retry: RetryPolicy | None = None,
    tick_s: float = 0.1,
    kommo_requests_per_s: float = 7,
) -> Service:
    """Joins everything for one process. Opens nothing until the app's lifespan starts.

    Args:
        now: The source of time, aware UTC.
        retry: How clients repeat calls; their default when None.
        tick_s: Real seconds between two looks at what is due.
    """
    db = Database(settings.DATABASE_URL)
    kommo = KommoClient(
        settings.KOMMO_BASE_URL,
        settings.KOMMO_ACCESS_TOKEN.get_secret_value(),
        retry=retry,
        requests_per_s=kommo_requests_per_s,
    )
    whatsapp = WhatsAppClient(
        settings.EVOLUTION_BASE_URL, settings.EVOLUTION_API_KEY.get_secret_value(), settings.EVOLUTION_INSTANCE, retry=retry
    )
    calendar = CalendarClient(settings.GOOGLE_CREDENTIALS_FILE, settings.GOOGLE_CALENDAR_ENDPOINT, retry=retry)
    fields = (settings.KOMMO_FIELD_GOOGLE_CALENDAR_LINK, settings.KOMMO_FIELD_MEETING_STATUS)
    lanes = Lanes(db.url, poll_s=min(0.1, tick_s))

    speech = SpeechClient(
        settings.OPENAI_BASE_URL,
        settings.OPENAI_API_KEY.get_secret_value(),
        settings.OPENAI_TRANSCRIPTION_MODEL,
        settings.MODEL_TIMEOUT_S,
        retry=retry,
    )

    leads = Leads(db, kommo, business, settings.LOCALE, now)
    outbox = Outbox(db, whatsapp, now, Introduction(business.company, settings.LOCALE))
    meter = Meter(db)
    settler = Settler(db, calendar, kommo, leads, outbox, business, fields=fields, locale=settings.LOCALE, now=now)
    booking = Booking(db, calendar, business, now)
    hand_off = HandOff(db, kommo, leads, pause_min=settings.HANDOFF_PAUSE_MIN, locale=settings.LOCALE, now=now)
    dispatcher = Dispatcher(
        db,
        lanes,
        Synchroniser(db, kommo, settler, business, fields=fields, now=now),
        hand_off,
        now,
        silence_s=settings.DEBOUNCE_SILENCE_S,
        cap_s=settings.DEBOUNCE_CAP_S,
        sweep_s=settings.SWEEP_INTERVAL_S,
        tick_s=tick_s,
    )
    turn_services = TurnServices(
        db,
        lanes,
        business,
        booking,
        Desk(db, booking, settler, leads, now),
        leads,
        Qualifier(db, business, now),
        Publisher(db, kommo, leads, business, settings.LOCALE),
        hand_off,
        outbox,
        Claims(db, now, messages_per_hour=settings.MESSAGES_PER_HOUR, model_name=settings.OPENAI_MODEL),
        Senses(db, whatsapp, speech, now, max_audio_bytes=_MAX_AUDIO_BYTES, max_image_bytes=_MAX_IMAGE_BYTES),
        Presence(db, whatsapp),
        meter,
        now,
        settings.LOCALE,
        settings.MESSAGE_CHARS,
    )
    names = [name for name in (settings.OPENAI_MODEL, settings.OPENAI_FALLBACK_MODEL) if name]
    key = settings.OPENAI_API_KEY.get_secret_value()
    # No redirects and no proxies from the environment: the key goes to the configured server alone.
    model_http = httpx.AsyncClient(follow_redirects=False, trust_env=False)
    models = [make_model(name, key, settings.OPENAI_BASE_URL, settings.MODEL_TIMEOUT_S, model_http) for name in names]
    Turns(turn_services, make_agent(models, lanes, meter, settings.MODEL_CALLS_PER_TURN), settings.OPENAI_MODEL)

    door = Door(
        inbox=Inbox(db, now, pause_min=settings.HANDOFF_PAUSE_MIN, automatic_replies=business.whatsapp.automatic_replies),
        token=settings.WEBHOOK_TOKEN.get_secret_value(),
        instance=settings.EVOLUTION_INSTANCE,
        wake=dispatcher.wake,
        checks=lambda: _checks(db, dispatcher),
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        db.migrate()
        await lanes.start()
        dispatcher.start()
        if settings.PUBLIC_URL:
            await register_webhooks(settings, kommo, whatsapp)
        try:
            yield
        finally:
            await dispatcher.stop()
            await lanes.stop()
            for client in (kommo, whatsapp, calendar, speech):
                await client.close()
            await model_http.aclose()
            await db.close()

    app = make_app(door, lifespan)
    return Service(app, settings, business, db, lanes, dispatcher, kommo, whatsapp, calendar)


async def register_webhooks(settings: Settings, kommo: KommoClient, whatsapp: WhatsAppClient) -> None:
    """Tells Kommo and Evolution where we are. A service that can't be told is logged: the sweep works without it."""
    token = settings.WEBHOOK_TOKEN.get_secret_value()
    destination = f"{settings.PUBLIC_URL}/webhook/kommo/events?token={token}"
    try:
        await _subscribe(kommo, destination)
    except ServiceError as error:
        log.error("Kommo webhook not registered", problem=str(error))
    try:
        url = f"{settings.PUBLIC_URL}/webhook/evolution"
        await whatsapp.set_webhook(url, {"X-Marcado-Token": token}, EVOLUTION_EVENTS)
    except ServiceError as error:
        log.error("Evolution webhook not registered", problem=str(error))


async def _subscribe(kommo: KommoClient, destination: str) -> None:
    try:
        await kommo.set_webhook(destination, KOMMO_EVENTS)
    except RefusedError:
        # Kommo's own list leaves out update_task, its guide names it: without it, tick "Task edited" by hand.
        await kommo.set_webhook(destination, [event for event in KOMMO_EVENTS if event != "update_task"])
    stored = await kommo.get_webhook(destination)
    if stored is None or "update_task" not in stored.settings:
        log.warning('Kommo does not announce edited tasks: tick "Task edited" under Settings > Integrations > Web hooks')


async def _checks(db: Database, dispatcher: Dispatcher) -> dict[str, str]:
    late = dispatcher.seconds_since_tick()
    checks = {"dispatcher": "ok" if late < _LATE_S else f"has not looked for {late:.0f} s"}
    try:
        async with db.transaction() as session:
            await session.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError) as error:
        return {**checks, "database": type(error).__name__}
    return {**checks, "database": "ok"}
