"""One log line per call of an outside service: what stands in it, and what never does."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from outside_world import ANA, EVOLUTION_KEY, KOMMO_TOKEN, calls, failure, logged

from clients.calendar import Invitee, NewEvent
from clients.errors import ServiceError

PHONE, JID = "+5511987654321", "5511987654321@s.whatsapp.net"
TEXT = "Segredo da Joana"
START = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)
GUEST = Invitee("segredo@cliente.example", TEXT)
EVENT = NewEvent(
    "reuniao1", TEXT, TEXT, START, START + timedelta(hours=1), "America/Sao_Paulo", {"phone": PHONE}, [GUEST], wants_meet=True
)


async def kommo_day(kommo):
    """Every method of the client once, with a customer's data in all of them."""
    lead_id, contact_id = await kommo.create_lead_with_contact(TEXT, contact_name=TEXT, phone=PHONE, tags=[TEXT])
    await kommo.create_lead(TEXT, contact_id=contact_id)
    await kommo.get_lead(lead_id)
    await kommo.list_leads([lead_id])
    await kommo.update_lead(lead_id, fields={123457: TEXT})
    await kommo.find_contacts(PHONE)
    await kommo.get_contact(contact_id)
    task_id = await kommo.create_task(lead_id, text=TEXT, deadline=START, task_type_id=2)
    await kommo.get_task(task_id)
    await kommo.list_tasks(lead_id)
    await kommo.update_task(task_id, text=TEXT)
    await kommo.complete_task(task_id, TEXT)
    await kommo.add_note(lead_id, TEXT)
    await kommo.list_notes(lead_id)
    hook = f"https://marcado.example/hook?token={TEXT.replace(' ', '')}"
    await kommo.set_webhook(hook, ["add_task"])
    await kommo.get_webhook(hook)
    await kommo.delete_webhook(hook)
    await kommo.account()
    return lead_id, contact_id, task_id


async def whatsapp_day(whatsapp):
    sent = await whatsapp.send_text(PHONE, TEXT)
    now = datetime.now(UTC)
    await whatsapp.find_sent(JID, TEXT, now, now)
    await whatsapp.connection_state()
    await whatsapp.show_typing(PHONE, 10)
    await whatsapp.mark_read(JID, [sent.id])
    await whatsapp.numbers([PHONE])
    await failure(whatsapp.media(sent.id))
    await whatsapp.set_webhook("https://marcado.example/hook", {"X-Marcado-Token": TEXT}, ["SEND_MESSAGE"])
    await whatsapp.get_webhook()
    return sent


async def calendar_day(calendar):
    await calendar.insert_event(ANA, EVENT)
    await calendar.insert_event(ANA, EVENT)
    await calendar.get_event(ANA, EVENT.id)
    await calendar.move_event(ANA, EVENT.id, START, START + timedelta(hours=2), EVENT.zone)
    await calendar.change_guests(ANA, EVENT.id, uninvite=[GUEST.email])
    await calendar.free_busy([ANA], START, START + timedelta(days=1))
    await calendar.delete_event(ANA, EVENT.id)
    await calendar.changes(ANA, None, START)
    channel = await calendar.watch(ANA, "canal-1", "http://127.0.0.1:9/webhook/google", TEXT, 3600)
    await calendar.stop_channel(channel.id, channel.resource_id)


DAYS = {"kommo": ("Kommo", kommo_day), "whatsapp": ("WhatsApp", whatsapp_day), "calendar": ("Google Calendar", calendar_day)}
SERVERS = {"kommo": "kommo", "whatsapp": "evolution", "calendar": "google"}


@pytest.mark.parametrize("client", DAYS)
def test_every_call_has_a_line_with_the_same_fields(world, client):
    service, day = DAYS[client]
    with logged() as entries:
        getattr(world, client)(day)
    lines = calls(entries)
    assert len(lines) == len(world.requests(SERVERS[client]))
    for line in lines:
        assert set(line) == {"event", "log_level", "service", "method", "path", "status", "ms", "attempt"}
        assert (line["event"], line["log_level"], line["service"], line["attempt"]) == ("call", "info", service, 1)
        assert line["method"] in ("GET", "POST", "PATCH", "DELETE")
        assert isinstance(line["ms"], int)
        assert line["ms"] >= 0


@pytest.mark.parametrize("client", DAYS)
def test_status_and_method_are_those_of_the_wire(world, client):
    _, day = DAYS[client]
    with logged() as entries:
        getattr(world, client)(day)
    seen = [(entry["method"], entry["status"]) for entry in world.requests(SERVERS[client])]
    assert [(line["method"], line["status"]) for line in calls(entries)] == seen


def test_paths_have_names_in_place_of_ids(world):
    with logged() as entries:
        for client, (_, day) in DAYS.items():
            getattr(world, client)(day)
    assert {line["path"] for line in calls(entries)} == {
        "/api/v4/account",
        "/api/v4/leads",
        "/api/v4/leads/complex",
        "/api/v4/leads/{id}",
        "/api/v4/leads/{id}/notes",
        "/api/v4/contacts",
        "/api/v4/contacts/{id}",
        "/api/v4/tasks",
        "/api/v4/tasks/{id}",
        "/api/v4/webhooks",
        "/message/sendText/{instance}",
        "/chat/findMessages/{instance}",
        "/chat/sendPresence/{instance}",
        "/chat/markMessageAsRead/{instance}",
        "/chat/whatsappNumbers/{instance}",
        "/chat/getBase64FromMediaMessage/{instance}",
        "/instance/connectionState/{instance}",
        "/webhook/set/{instance}",
        "/webhook/find/{instance}",
        "/calendars/{calendarId}/events",
        "/calendars/{calendarId}/events/{eventId}",
        "/calendars/{calendarId}/events/watch",
        "/channels/stop",
        "/freeBusy",
    }


@pytest.mark.parametrize(
    "fault",
    [None, {"drop": "after"}, {"status": 503}, {"status": 429}, {"status": 400}, {"status": 401}, {"status": 404}],
    ids=str,
)
@pytest.mark.parametrize("client", DAYS)
def test_no_token_phone_text_or_address_is_ever_logged_or_in_an_error(world, client, fault):
    _, day = DAYS[client]
    if fault:
        world.fault(SERVERS[client], times=-1, skip=1, **fault)
    error: object = ""

    async def work(made):
        nonlocal error
        try:
            await day(made)
        except ServiceError as caught:
            error = caught

    with logged() as entries:
        getattr(world, client)(work)
    said = f"{entries} {error} {error!r}"
    secrets = [
        KOMMO_TOKEN,
        EVOLUTION_KEY,
        TEXT,
        TEXT.replace(" ", ""),
        "Segredo",
        GUEST.email,
        PHONE.strip("+"),
        "987654321",
        "127.0.0.1",
        ANA,
        EVENT.id,
    ]
    assert [secret for secret in secrets if secret in said] == []
    assert calls(entries)


def test_each_attempt_has_its_own_line_with_its_number_and_what_went_wrong(world):
    world.fault("kommo", drop="before")
    world.fault("kommo", status=503)
    with logged() as entries:
        world.kommo(lambda kommo: kommo.account())
    assert [(line["attempt"], line["status"]) for line in calls(entries)] == [(1, "RemoteProtocolError"), (2, 503), (3, 200)]


def test_each_attempt_at_google_has_its_own_line_too(world):
    world.fault("google", status=503)
    world.fault("google", drop="before", times=2)  # two, because the library's transport sends again by itself
    with logged() as entries:
        world.calendar(lambda calendar: calendar.free_busy([ANA], START, START + timedelta(hours=1)))
    assert [(line["attempt"], line["status"]) for line in calls(entries)] == [(1, 503), (2, "RemoteDisconnected"), (3, 200)]


@pytest.mark.parametrize("client", ["kommo", "calendar"])
def test_a_line_belongs_to_what_the_caller_works_on_also_from_another_thread(world, client):
    async def one(made, name):
        with structlog.contextvars.bound_contextvars(turn=name):
            await (made.account() if client == "kommo" else made.free_busy([ANA], START, START + timedelta(hours=1)))

    async def work(made):
        await asyncio.gather(*(one(made, f"turn {n}") for n in range(6)))

    with logged() as entries:
        getattr(world, client)(work)
    assert sorted(line["turn"] for line in calls(entries)) == [f"turn {n}" for n in range(6)]


def test_a_call_that_was_given_up_has_a_line(world):
    world.fault("kommo", hold="before")

    async def work(kommo):
        call = asyncio.create_task(kommo.account())
        while not world.requests("kommo"):
            await asyncio.sleep(0.005)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        world.control("/faults/release")

    with logged() as entries:
        world.kommo(work)
    assert [line["status"] for line in calls(entries)] == ["cancelled"]
