"""Google's own description as a judge over a long scenario, and a guard that notices when the description changes."""

import copy
import json

import pytest
from google_contract import ALWAYS_IN_AN_EVENT, Contract, load_document
from google_discovery import EVENT_PROPERTIES, METHODS, PARAMETERS, REVISION
from google_world import ANA, BRUNO, LEAD, Exchange, GoogleServer, Receiver, meeting, refused, with_meet

from sandbox.google.dispatch import METHODS as IMITATED
from sandbox.google.field_names import FIELD_NAMES, MAPS

MINE = "b5f0c2d19a7e4c0e8f31"


@pytest.fixture(scope="module")
def contract():
    return Contract()


@pytest.fixture(scope="module")
def exchanges():
    """A long scenario through every imitated method, refusals included."""
    with GoogleServer() as google, Receiver() as receiver:
        google.clock("2026-11-23T13:00:00+00:00")
        live_through_everything(google, receiver)
        yield list(google.exchanges)


def live_through_everything(google, receiver):
    calendar = google.calendar()
    events = calendar.events()
    write_events(google, events)
    read_events(google, events)
    refuse_events(events)
    push(calendar, events, receiver)
    manage_calendars(calendar)


def write_events(google, events):
    full = with_meet(
        id=MINE,
        description="Lead 4711: https://solclaro.kommo.com/leads/detail/4711",
        location="Rua Azul, 5",
        attendees=[{"email": LEAD, "displayName": "Joana"}, {"email": BRUNO, "optional": True}],
        reminders={"useDefault": False, "overrides": [{"method": "popup", "minutes": 10}]},
        extendedProperties={"private": {"booking": "bk_91"}, "shared": {"lead": "4711"}},
        source={"title": "Kommo", "url": "https://solclaro.kommo.com/leads/detail/4711"},
        transparency="transparent",
        visibility="private",
        guestsCanInviteOthers=False,
        guestsCanModify=True,
        colorId="5",
    )
    google.control("/calendar/options", conference_pending_reads=1)
    made = events.insert(calendarId=ANA, body=full, conferenceDataVersion=1, sendUpdates="all").execute()
    for _ in range(2):
        events.get(calendarId=ANA, eventId=MINE).execute()
    later = {"start": {"dateTime": "2026-12-01T11:00:00-03:00"}, "end": {"dateTime": "2026-12-01T11:30:00-03:00"}}
    events.patch(calendarId=ANA, eventId=MINE, body=later | {"location": None}, sendUpdates="externalOnly").execute()
    whole = events.get(calendarId=ANA, eventId=MINE, timeZone="UTC", maxAttendees=1).execute()
    events.update(calendarId=ANA, eventId=MINE, body=whole, conferenceDataVersion=1).execute()
    assert made["id"] == whole["id"]
    events.insert(calendarId=ANA, body={"start": {"date": "2026-12-02"}, "end": {"date": "2026-12-03"}}).execute()
    zone = {"timeZone": "America/Sao_Paulo"}
    series = meeting(id="semanal", recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"])
    events.insert(calendarId=ANA, body=series | {"start": series["start"] | zone, "end": series["end"] | zone}).execute()
    events.patch(calendarId=ANA, eventId="semanal_20261208T130000Z", body={"summary": "Só esta"}).execute()
    events.delete(calendarId=ANA, eventId="semanal_20261215T130000Z").execute()
    out = {"eventType": "outOfOffice", "outOfOfficeProperties": {"autoDeclineMode": "declineNone"}}
    events.insert(calendarId=BRUNO, body=meeting(id="folga", **out)).execute()
    imported = meeting(iCalUID="x@parceiro.example", organizer={"email": "x@parceiro.example", "displayName": "X"})
    events.import_(calendarId=ANA, body=imported).execute()
    google.control("/calendar/event/respond", calendar_id=ANA, event_id=MINE, email=LEAD, response="accepted", comment="Sim")


def read_events(google, events):
    token = events.list(calendarId=ANA, showDeleted=False).execute()["nextSyncToken"]
    request = events.list(calendarId=ANA, maxResults=2, singleEvents=True, orderBy="startTime", showDeleted=True)
    while request is not None:
        request = events.list_next(request, request.execute())
    events.instances(calendarId=ANA, eventId="semanal", showDeleted=True).execute()
    events.list(calendarId=ANA, privateExtendedProperty=["booking=bk_91", "x=y"], q="demo", eventTypes=["default"]).execute()
    events.list(calendarId=ANA, privateExtendedProperty=["long=" + "v" * 700] * 4).execute()
    events.list(calendarId=ANA, fields="items(id,attendees(email)),nextSyncToken", updatedMin="2026-11-20T00:00:00Z").execute()
    events.move(calendarId=ANA, eventId=MINE, destination=BRUNO, sendUpdates="none").execute()
    events.delete(calendarId=BRUNO, eventId=MINE, sendUpdates="all").execute()
    for where in (ANA, BRUNO):
        events.get(calendarId=where, eventId=MINE).execute()
    events.list(calendarId=ANA, syncToken=token).execute()
    events.list(calendarId=BRUNO, showDeleted=True).execute()
    query = {
        "timeMin": "2026-12-01T00:00:00Z",
        "timeMax": "2026-12-20T00:00:00Z",
        "items": [{"id": ANA}, {"id": BRUNO}, {"id": "gone@solclaro.example"}],
    }
    google.calendar().freebusy().query(body=query).execute()


def refuse_events(events):
    token = events.list(calendarId=ANA).execute()["nextSyncToken"]
    stale = events.patch(calendarId=ANA, eventId="semanal", body={"summary": "x"})
    stale.headers["If-Match"] = '"1"'
    for request, status in (
        (events.insert(calendarId=BRUNO, body=meeting(id=MINE)), 409),
        (events.insert(calendarId=ANA, body=meeting(id="XYZ")), 400),
        (events.insert(calendarId=ANA, body={"summary": "sem hora"}), 400),
        (events.get(calendarId=ANA, eventId="neverexisted0"), 404),
        (events.delete(calendarId=BRUNO, eventId=MINE), 410),
        (events.list(calendarId=ANA, syncToken="old"), 410),
        (events.list(calendarId=ANA, syncToken=token, timeMin="2026-12-01T00:00:00Z"), 400),
        (events.quickAdd(calendarId=ANA, text="Almoço amanhã"), 501),
        (stale, 412),
    ):
        assert refused(request)[0] == status


def push(calendar, events, receiver):
    body = {"id": "c-1", "type": "web_hook", "address": receiver.address, "token": "s", "params": {"ttl": "3600"}}
    channel = events.watch(calendarId=ANA, body=body).execute()
    calendar.channels().stop(body={"id": "c-1", "resourceId": channel["resourceId"]}).execute()


def manage_calendars(calendar):
    hours = {"workingHoursEnabled": True, "availableTimes": [{"dayOfWeek": "monday", "periodStart": 540, "periodEnd": 1080}]}
    made = calendar.calendars().insert(body={"summary": "Demos", "description": "Só demos"}).execute()["id"]
    calendar.calendars().patch(calendarId=ANA, body={"workingHours": hours}).execute()
    calendar.calendars().update(calendarId=made, body={"summary": "Visitas", "timeZone": "America/Bahia"}).execute()
    calendar.calendars().get(calendarId="primary").execute()
    lists = calendar.calendarList()
    lists.list(minAccessRole="writer", maxResults=1).execute()
    lists.get(calendarId=made).execute()
    lists.patch(calendarId=made, body={"selected": False}).execute()
    lists.update(calendarId=made, body={"colorId": "3"}).execute()
    lists.delete(calendarId=made).execute()
    lists.insert(body={"id": made}).execute()
    calendar.calendars().delete(calendarId=made).execute()
    calendar.settings().list().execute()
    calendar.settings().get(setting="timezone").execute()
    calendar.colors().get().execute()


def test_every_exchange_of_a_long_scenario_is_as_google_describes_it(contract, exchanges):
    seen = {contract.check(exchange) for exchange in exchanges}
    imitated = {method.name for method in IMITATED if method.handler}
    assert seen - {"events.quickAdd"} == imitated


def test_the_sandbox_knows_every_method_google_has_and_its_path(contract):
    ours = {method.name: (method.verb, method.template) for method in IMITATED}
    assert ours == {name: (method["httpMethod"], method["path"]) for name, method in contract.methods.items()}


def test_the_known_field_names_are_those_of_the_schemas():
    names, maps = set(), set()

    def collect(schema):
        for name, value in schema.get("properties", {}).items():
            names.add(name)
            if "additionalProperties" in value:
                maps.add(name)
            collect(value)
        collect(schema["items"]) if "items" in schema else None

    for schema in load_document()["schemas"].values():
        collect(schema)
    assert names == FIELD_NAMES
    assert maps == MAPS


def test_the_description_is_the_one_this_sandbox_was_written_for(contract, record_property):
    """A library upgrade that fails here shows what Google added; look at it, then store the new lists."""
    document = contract.document
    record_property("discovery_revision", document["revision"])
    print(f"discovery document revision {document['revision']}, written for {REVISION}")
    assert set(contract.methods) == METHODS
    assert set(document["schemas"]["Event"]["properties"]) == EVENT_PROPERTIES
    for name, parameters in PARAMETERS.items():
        assert set(contract.methods[name].get("parameters", {})) == parameters, name


def test_the_values_that_stand_only_in_prose_are_found(contract):
    assert len(contract.closed_lists) == 18
    assert contract.definitions["Event"]["properties"]["status"]["enum"] == ["confirmed", "tentative", "cancelled"]
    assert "Error.reason" not in contract.closed_lists


@pytest.fixture
def inserted(exchanges, contract):
    """The first accepted insert, to be spoiled."""
    return copy.deepcopy(next(e for e in exchanges if contract.find(e)[0] == "events.insert" and e.status == 200))


def spoiled(exchange: Exchange, **answer):
    body = json.loads(exchange.content) | answer
    return Exchange(**{**vars(exchange), "content": json.dumps(body).encode()})


@pytest.mark.parametrize(
    "answer",
    [
        {"invented": 1},
        {"status": "booked"},
        {"sequence": "0"},
        {"updated": "2026-12-01 10:00"},
        {"start": {"dateTime": "2026-12-01T10:00:00"}},
        {"attendees": [{"email": LEAD, "responseStatus": "maybe"}]},
        {"extendedProperties": {"private": {"n": 1}}},
    ],
)
def test_the_judge_condemns_an_answer_google_would_not_give(contract, inserted, answer):
    contract.check(inserted)
    with pytest.raises(AssertionError):
        contract.check(spoiled(inserted, **answer))


@pytest.mark.parametrize("name", sorted(ALWAYS_IN_AN_EVENT))
def test_the_judge_misses_every_field_that_is_always_there(contract, inserted, name):
    body = json.loads(inserted.content)
    del body[name]
    inserted.content = json.dumps(body).encode()
    with pytest.raises((AssertionError, KeyError)):
        contract.check(inserted)


@pytest.mark.parametrize(
    ("uri_suffix", "body"),
    [
        ("&sendUpdate=all", None),
        ("&sendUpdates=some", None),
        ("&conferenceDataVersion=2", None),
        ("&calendarId=x", None),
        ("", {"sumary": "x"}),
        ("", {"start": None}),
    ],
)
def test_the_judge_condemns_a_request_google_would_not_understand(contract, inserted, uri_suffix, body):
    sent = json.loads(inserted.body)
    changed = {name: value for name, value in {**sent, **(body or {})}.items() if value is not None}
    inserted.body = json.dumps(changed).encode()
    inserted.uri = inserted.uri.replace("conferenceDataVersion=1&", "") + uri_suffix
    with pytest.raises(AssertionError):
        contract.check(inserted)


def test_the_judge_condemns_a_broken_refusal(contract, exchanges):
    refusal = copy.deepcopy(next(e for e in exchanges if e.status == 409))
    contract.check(refusal)
    body = json.loads(refusal.content)
    body["error"]["code"] = 400
    refusal.content = json.dumps(body).encode()
    with pytest.raises(AssertionError):
        contract.check(refusal)
