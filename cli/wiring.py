"""The one place where objects are made and joined. Everything can be replaced through arguments; nothing is opened on import."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import structlog
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError

from agent.claim import Claims
from agent.model import make_agent, make_model
from agent.presence import Presence
from agent.senses import Senses
from agent.turn import Turns, TurnServices
from cli.settings import Settings
from clients.calendar import CalendarClient
from clients.kommo import KommoClient
from clients.speech import SpeechClient
from clients.transport import RetryPolicy
from clients.whatsapp import WhatsAppClient
from meetings.backlog import read_backlog
from meetings.booking import Booking
from meetings.breaker import Breaker, stopped
from meetings.business import Business
from meetings.by_hand import ByHand
from meetings.calendars import CalendarWatch
from meetings.customers import Leads
from meetings.database import Database
from meetings.delivery import Deliveries
from meetings.desk import Desk
from meetings.dispatcher import Dispatcher
from meetings.echoes import Echoes
from meetings.follow_up import FollowUps
from meetings.forgotten import Forgotten
from meetings.hooks import Hooks
from meetings.inbox import Inbox
from meetings.introduction import Introduction
from meetings.invitations import Invitations
from meetings.lanes import Lanes
from meetings.looks import Looks
from meetings.notes import Notes
from meetings.outbox import Outbox
from meetings.outcomes import Outcomes
from meetings.own_account import OwnAccount
from meetings.privacy import Privacy
from meetings.push_channels import PushChannels
from meetings.qualifying import HandOff, Publisher, Qualifier
from meetings.reminders import Reminders
from meetings.rescue import Rescue
from meetings.seller_box import SellerBox
from meetings.sellers import Sellers
from meetings.settle import Settler
from meetings.sweep import Sweeper
from meetings.sync import Synchroniser
from meetings.tables import Bookmark, TouchKind
from meetings.takeover import LEASE_S, Takeover
from meetings.touch_checks import Witness
from meetings.touches import Touches
from meetings.usage import Meter
from panel.app import PanelServices, mount_panel
from panel.login import Sessions
from panel.overview import Connection
from webhooks.app import Door, make_app

log = structlog.get_logger("service")
_MAX_AUDIO_BYTES = 20 * 1024 * 1024  # below the transcription route's own 25 MB
_MAX_IMAGE_BYTES = 5 * 1024 * 1024
_LATE_S = 30  # the dispatcher looks several times a second; after this long it hangs


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
    calendars: CalendarWatch


def make_service(
    settings: Settings,
    business: Business,
    *,
    now: Callable[[], datetime] = utc_now,
    retry: RetryPolicy | None = None,
    tick_s: float = 0.1,
    kommo_requests_per_s: float = 7,
    takeover_lease_s: float = LEASE_S,
) -> Service:
    """Joins everything for one process. Opens nothing until the app's lifespan starts.

    Args:
        now: The source of time, aware UTC.
        retry: How clients repeat calls; their default when None.
        tick_s: Real seconds between two looks at what is due.
        takeover_lease_s: Real seconds after which another process on the same PostgreSQL database, not heard of, counts as dead.
    """
    db = Database(settings.DATABASE_URL)
    kommo = KommoClient(
        settings.KOMMO_BASE_URL,
        settings.KOMMO_ACCESS_TOKEN.get_secret_value(),
        retry=retry,
        requests_per_s=kommo_requests_per_s,
        now=now,
    )
    whatsapp = WhatsAppClient(
        settings.EVOLUTION_BASE_URL, settings.EVOLUTION_API_KEY.get_secret_value(), settings.EVOLUTION_INSTANCE, retry=retry
    )
    calendar = CalendarClient(settings.GOOGLE_CREDENTIALS_FILE, settings.GOOGLE_CALENDAR_ENDPOINT, retry=retry)
    fields = (settings.KOMMO_FIELD_GOOGLE_CALENDAR_LINK, settings.KOMMO_FIELD_MEETING_STATUS)
    lanes = Lanes(db.url, poll_s=min(0.1, tick_s))
    takeover = Takeover(db, lanes, lease_s=takeover_lease_s)

    speech = SpeechClient(
        settings.OPENAI_BASE_URL,
        settings.OPENAI_API_KEY.get_secret_value(),
        settings.OPENAI_TRANSCRIPTION_MODEL,
        settings.MODEL_TIMEOUT_S,
        retry=retry,
    )

    leads = Leads(db, kommo, business, settings.LOCALE, now)
    breaker = Breaker(db, now)
    outbox = Outbox(
        db,
        whatsapp,
        now,
        Introduction(business.company, settings.LOCALE),
        breaker=breaker,
        delivery_timeout_min=settings.DELIVERY_TIMEOUT_MIN,
    )
    meter = Meter(db)
    token = settings.WEBHOOK_TOKEN.get_secret_value()
    former_token = settings.WEBHOOK_TOKEN_PREVIOUS.get_secret_value() if settings.WEBHOOK_TOKEN_PREVIOUS else None
    push = PushChannels(db, calendar, now, public_url=settings.PUBLIC_URL, secret=token, previous_secret=former_token)
    calendars = CalendarWatch(db, calendar, business, push, now, poll_s=settings.CALENDAR_POLL_S)
    notes = Notes(db, kommo, now)
    booking = Booking(db, calendar, business, now)
    invitations = Invitations(db, booking, business, locale=settings.LOCALE, now=now)
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
        fields=fields,
        locale=settings.LOCALE,
        now=now,
    )
    undo_s = settings.SELLER_UNDO_S
    by_hand = ByHand(db, kommo, booking, leads, settler, notes, business, locale=settings.LOCALE, undo_s=undo_s, now=now)
    synchroniser = Synchroniser(db, kommo, calendars, booking, settler, business, fields=fields, undo_s=undo_s, now=now)
    publisher = Publisher(db, kommo, leads, business, settings.LOCALE)
    hand_off = HandOff(db, kommo, leads, pause_min=settings.HANDOFF_PAUSE_MIN, locale=settings.LOCALE, now=now)
    hooks = _hooks(settings, kommo, whatsapp)
    account = OwnAccount(kommo)
    dispatcher = Dispatcher(
        db,
        lanes,
        Looks(db, lanes, synchroniser, by_hand, now),
        Sweeper(db, kommo, calendars, business, fields=fields, now=now),
        _touches(
            db, calendar, kommo, whatsapp, leads, outbox, invitations, synchroniser, business, breaker, settings.LOCALE, now
        ),
        notes,
        hand_off,
        publisher,
        hooks,
        calendars,
        Deliveries(db, whatsapp, outbox, kommo, leads, business, locale=settings.LOCALE, now=now),
        now,
        silence_s=settings.DEBOUNCE_SILENCE_S,
        cap_s=settings.DEBOUNCE_CAP_S,
        sweep_s=settings.SWEEP_INTERVAL_S,
        retention_days=settings.RETENTION_DAYS,
        tick_s=tick_s,
        turns_per_hour=settings.TURNS_PER_HOUR,
    )
    turn_services = TurnServices(
        db,
        lanes,
        business,
        booking,
        Desk(db, booking, settler, leads, synchroniser.look_now, now),
        leads,
        Qualifier(db, business, now),
        publisher,
        hand_off,
        outbox,
        Claims(db, business, now, messages_per_hour=settings.MESSAGES_PER_HOUR, model_name=settings.OPENAI_MODEL),
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
        inbox=Inbox(
            db,
            now,
            pause_min=settings.HANDOFF_PAUSE_MIN,
            automatic_replies=business.whatsapp.automatic_replies,
            echoes=Echoes(business, fields),
            sellers={seller.whatsapp: seller.kommo_user_id for seller in business.sellers if seller.whatsapp},
            forgotten=_forgotten(settings),
        ),
        tokens=(token, former_token) if former_token else (token,),
        instance=settings.EVOLUTION_INSTANCE,
        wake=dispatcher.wake,
        checks=lambda: _checks(db, dispatcher, now),
        warnings=lambda: _warnings(hooks, dispatcher),
        waiting=lambda: _waiting(db, now),
        push=push,
        account_id=lambda: account.id,
    )

    connection = Connection(whatsapp)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        db.check()
        db.migrate()
        await takeover.join()
        await lanes.start()
        takeover.start()
        account.start()
        dispatcher.start()
        if hooks:
            await hooks.ensure()
        try:
            yield
        finally:
            await account.stop()
            await dispatcher.stop()
            await calendars.stop()
            await takeover.stop()
            await lanes.stop()
            await takeover.leave()
            await connection.close()
            for client in (kommo, whatsapp, calendar, speech):
                await client.close()
            await model_http.aclose()
            await db.close()

    app = make_app(door, lifespan)
    if settings.PANEL_PASSWORD:
        # The longest honest wait: a burst, then two calls of the model.
        answer_within = timedelta(seconds=settings.DEBOUNCE_CAP_S + 2 * settings.MODEL_TIMEOUT_S)
        panel = PanelServices(
            db=db,
            business=business,
            locale=settings.LOCALE,
            now=now,
            sessions=Sessions(
                settings.PANEL_PASSWORD.get_secret_value(), pepper=settings.WEBHOOK_TOKEN.get_secret_value(), now=now
            ),
            connection=connection,
            pause_min=settings.HANDOFF_PAUSE_MIN,
            answer_within=answer_within,
            lead_url=kommo.lead_url,
            wake=dispatcher.wake,
            since_tick_s=dispatcher.seconds_since_tick,
            late_s=_LATE_S,
            public_url=settings.PUBLIC_URL,
        )
        mount_panel(app, panel)
    return Service(app, settings, business, db, lanes, dispatcher, kommo, whatsapp, calendar, calendars)


def _touches(
    db: Database,
    calendar: CalendarClient,
    kommo: KommoClient,
    whatsapp: WhatsAppClient,
    leads: Leads,
    outbox: Outbox,
    invitations: Invitations,
    synchroniser: Synchroniser,
    business: Business,
    breaker: Breaker,
    locale: str,
    now: Callable[[], datetime],
) -> Touches:
    """What happens before and after meetings of our own accord."""
    witness = Witness(db, calendar, synchroniser.sync, now)
    outcomes = Outcomes(db, synchroniser.settler.settle, business, now)
    box = SellerBox(db, whatsapp, business, now, breaker=breaker)
    reminders = Reminders(db, kommo, leads, outbox, witness, business, locale=locale, now=now)
    follow_ups = FollowUps(db, kommo, leads, box, witness, outcomes, business, locale=locale, now=now)
    rescue = Rescue(db, kommo, outbox, invitations, witness, now=now)
    acts = {
        TouchKind.REMINDER: reminders.remind,
        TouchKind.CONFIRMED: reminders.note_confirmation,
        TouchKind.FOLLOW_UP: follow_ups.pursue,
        TouchKind.REBOOK: rescue.offer_anew,
        TouchKind.RESCUE: rescue.write_again,
    }
    return Touches(db, business, acts, Sellers(db, box, outcomes, business, locale=locale, now=now), now, breaker)


@asynccontextmanager
async def make_sweeper(settings: Settings, business: Business) -> AsyncIterator[tuple[Sweeper, Hooks | None]]:
    """A sweeper for commands, beside a service that may be running on the same database, which only reads from the services;
    and our webhooks, None without a PUBLIC_URL.
    """
    db = Database(settings.DATABASE_URL)
    db.migrate()
    kommo = KommoClient(settings.KOMMO_BASE_URL, settings.KOMMO_ACCESS_TOKEN.get_secret_value())
    whatsapp = WhatsAppClient(
        settings.EVOLUTION_BASE_URL, settings.EVOLUTION_API_KEY.get_secret_value(), settings.EVOLUTION_INSTANCE
    )
    calendar = CalendarClient(settings.GOOGLE_CREDENTIALS_FILE, settings.GOOGLE_CALENDAR_ENDPOINT)
    push = PushChannels(db, calendar, utc_now, public_url=None, secret=settings.WEBHOOK_TOKEN.get_secret_value())
    calendars = CalendarWatch(db, calendar, business, push, utc_now, poll_s=settings.CALENDAR_POLL_S)
    fields = (settings.KOMMO_FIELD_GOOGLE_CALENDAR_LINK, settings.KOMMO_FIELD_MEETING_STATUS)
    try:
        yield Sweeper(db, kommo, calendars, business, fields=fields, now=utc_now), _hooks(settings, kommo, whatsapp)
    finally:
        await kommo.close()
        await whatsapp.close()
        await calendar.close()
        await db.close()


def _hooks(settings: Settings, kommo: KommoClient, whatsapp: WhatsAppClient) -> Hooks | None:
    if settings.PUBLIC_URL is None:
        return None
    former_token = settings.WEBHOOK_TOKEN_PREVIOUS.get_secret_value() if settings.WEBHOOK_TOKEN_PREVIOUS else None
    return Hooks(kommo, whatsapp, settings.PUBLIC_URL, settings.WEBHOOK_TOKEN.get_secret_value(), former_token)


def _warnings(hooks: Hooks | None, dispatcher: Dispatcher) -> dict[str, str]:
    """What a person should look at, though webhooks can be stored."""
    found = {f"{service} webhook": problem for service, problem in hooks.problems.items()} if hooks else {}
    if dispatcher.bound.held_back:
        found["answers"] = f"{dispatcher.bound.held_back} customers wait: TURNS_PER_HOUR is reached"
    return found


@asynccontextmanager
async def make_privacy(settings: Settings, db: Database) -> AsyncIterator[Privacy]:
    """What answers people's requests about their data; closes the database, too."""
    db.migrate()
    kommo = KommoClient(settings.KOMMO_BASE_URL, settings.KOMMO_ACCESS_TOKEN.get_secret_value())
    calendar = CalendarClient(settings.GOOGLE_CREDENTIALS_FILE, settings.GOOGLE_CALENDAR_ENDPOINT)
    try:
        yield Privacy(db, kommo, calendar, _forgotten(settings), utc_now, locale=settings.LOCALE)
    finally:
        await kommo.close()
        await calendar.close()
        await db.close()


def _forgotten(settings: Settings) -> Forgotten:
    return Forgotten(settings.PRIVACY_KEY.get_secret_value() if settings.PRIVACY_KEY else None)


async def _waiting(db: Database, now: Callable[[], datetime]) -> dict[str, Any]:
    """The queue in numbers, for whoever watches from outside: what waits, for how long, and whether anything is held back."""
    async with db.transaction() as session:
        waiting, held = await read_backlog(session, now()), await stopped(session)
    kinds = {one.kind: {"count": one.count, "oldest_s": int(one.age(now()).total_seconds())} for one in waiting}
    oldest = max((int(one.age(now()).total_seconds()) for one in waiting), default=0)
    return {"oldest_s": oldest, "kinds": kinds, "proactive": "stopped" if held else "ok"}


async def _checks(db: Database, dispatcher: Dispatcher, now: Callable[[], datetime]) -> dict[str, str]:
    late = dispatcher.seconds_since_tick()
    checks = {"dispatcher": "ok" if late < _LATE_S else f"has not looked for {late:.0f} s"}
    try:
        # A real write, as a webhook needs one: reading goes on working on a full disk.
        async with db.transaction() as session:
            await session.merge(Bookmark(name="readiness", at=now()))
    except (SQLAlchemyError, OSError) as error:
        # What SQLite says names the trouble and nobody's data; a server's words could name hosts and users.
        cause = f": {getattr(error, 'orig', error)}"[:100] if db.is_sqlite else ""
        return {**checks, "database": f"can't be written ({type(error).__name__}{cause})"}
    return {**checks, "database": "ok"}
