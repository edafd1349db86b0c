"""A client that others wrote, turned on the sandbox: gcsa does with it what it does with Google."""

from datetime import date, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import gcsa._services.authentication
import pytest
from gcsa.attendee import Attendee
from gcsa.calendar import Calendar
from gcsa.conference import ConferenceSolution, ConferenceSolutionCreateRequest, SolutionType
from gcsa.event import Event, Transparency
from gcsa.free_busy import FreeBusyQueryError
from gcsa.google_calendar import GoogleCalendar, SendUpdatesMode
from gcsa.recurrence import WEEKLY, Recurrence
from gcsa.reminders import PopupReminder
from google.oauth2.credentials import Credentials
from google_contract import Contract
from google_world import ANA, BRUNO, LEAD, ZONE, GoogleServer
from googleapiclient.errors import HttpError

SAO_PAULO = ZoneInfo(ZONE)
TEN = datetime(2026, 12, 1, 10, tzinfo=SAO_PAULO)


@pytest.fixture(scope="module")
def server():
    with GoogleServer() as running:
        yield running


@pytest.fixture
def google(server):
    server.reset()
    yield server
    contract = Contract()
    for exchange in server.exchanges:
        contract.check(exchange)


@pytest.fixture
def calendar(google, monkeypatch):
    """gcsa has no option for the server's address: the module through which it builds its client is stood in for."""

    def build(name, version, credentials):
        return google.calendar(credentials)

    monkeypatch.setattr(gcsa._services.authentication, "discovery", SimpleNamespace(build=build))
    return GoogleCalendar(ANA, credentials=Credentials(token="t"))


def demo(**fields):
    return Event("Demo", start=TEN, end=TEN + timedelta(minutes=30), timezone=ZONE, **fields)


def test_an_event_makes_the_round_trip(google, calendar):
    made = calendar.add_event(
        demo(
            description="Lead 4711",
            location="Sala 1",
            attendees=[Attendee(LEAD, display_name="Joana")],
            reminders=PopupReminder(minutes_before_start=10),
            transparency=Transparency.OPAQUE,
            conference_solution=ConferenceSolutionCreateRequest(SolutionType.HANGOUTS_MEET, request_id="1"),
            event_id="abc123",
        ),
        send_updates=SendUpdatesMode.ALL,
    )
    seen = calendar.get_event("abc123")
    assert (seen.id, seen.start, seen.end, seen.summary) == ("abc123", TEN, TEN + timedelta(minutes=30), "Demo")
    assert isinstance(seen.conference_solution, ConferenceSolution)
    assert seen.conference_solution.entry_points[0].uri.startswith("https://meet.google.com/")
    assert [(guest.email, guest.response_status) for guest in seen.attendees] == [(LEAD, "needsAction")]
    assert seen.reminders[0].minutes_before_start == 10
    assert made.other["htmlLink"] == seen.other["htmlLink"]
    assert google.mails() == [(LEAD, "invitation")]


def test_an_update_keeps_the_meet_link_that_was_read(calendar):
    wish = ConferenceSolutionCreateRequest(SolutionType.HANGOUTS_MEET, request_id="1")
    event = calendar.add_event(demo(conference_solution=wish))
    event.summary = "Outro título"
    changed = calendar.update_event(event)
    assert changed.summary == "Outro título"
    assert changed.conference_solution.conference_id == event.conference_solution.conference_id


def test_a_pending_meet_link_is_a_request_still(google, calendar):
    google.control("/calendar/options", conference_pending_reads=5)
    event = calendar.add_event(demo(conference_solution=ConferenceSolutionCreateRequest(request_id="1")))
    assert isinstance(event.conference_solution, ConferenceSolutionCreateRequest)
    assert event.conference_solution.status == "pending"


def test_lists_pages_and_series(calendar):
    for hour in (9, 13, 15):
        start = TEN.replace(hour=hour)
        calendar.add_event(Event(f"{hour} h", start=start, end=start + timedelta(hours=1), timezone=ZONE))
    calendar.add_event(
        Event("Equipe", start=TEN, end=TEN + timedelta(hours=1), timezone=ZONE, recurrence=Recurrence.rule(freq=WEEKLY, count=3))
    )
    window = {"time_min": TEN.replace(hour=0), "time_max": TEN + timedelta(days=30), "timezone": ZONE}
    found = list(calendar.get_events(**window, single_events=True, order_by="startTime", maxResults=2))
    assert [event.summary for event in found] == ["9 h", "Equipe", "13 h", "15 h", "Equipe", "Equipe"]
    assert [event.summary for event in calendar.get_events(**window, query="13")] == ["13 h"]
    series = next(event for event in calendar.get_events(**window) if event.recurrence)
    instances = list(calendar.get_instances(series, **window))
    assert [event.start.day for event in instances] == [1, 8, 15]


def test_an_all_day_event_stays_all_day(calendar):
    made = calendar.add_event(Event("Férias", start=date(2026, 12, 1), end=date(2026, 12, 3)))
    assert (made.start, made.end) == (date(2026, 12, 1), date(2026, 12, 3))


def test_deleting_moving_and_importing(calendar):
    event = calendar.add_event(demo())
    moved = calendar.move_event(event, BRUNO)
    assert moved.organizer.email == BRUNO
    calendar.delete_event(moved, calendar_id=BRUNO)
    with pytest.raises(HttpError) as caught:
        calendar.delete_event(moved, calendar_id=BRUNO)
    assert caught.value.status_code == 410
    imported = calendar.import_event(demo(iCalUID="x@parceiro.example"))
    assert imported.other["iCalUID"] == "x@parceiro.example"


def test_free_busy_with_and_without_errors(calendar):
    calendar.add_event(demo())
    window = {"time_min": TEN.replace(hour=0), "time_max": TEN + timedelta(days=1), "timezone": ZONE}
    answer = calendar.get_free_busy(**window)
    assert [(slot.start, slot.end) for slot in answer.calendars[ANA]] == [(TEN, TEN + timedelta(minutes=30))]
    with pytest.raises(FreeBusyQueryError):
        calendar.get_free_busy([ANA, "gone@solclaro.example"], **window)


def test_calendars_their_list_settings_and_colors(calendar):
    made = calendar.add_calendar(Calendar("Demos", timezone="America/Bahia"))
    assert calendar.get_calendar(made.id).timezone == "America/Bahia"
    assert [entry.id for entry in calendar.get_calendar_list()] == [ANA, BRUNO, made.id]
    assert calendar.get_calendar_list_entry(ANA).primary is True
    entry = calendar.get_calendar_list_entry(made.id)
    entry.summary_override = "Minhas demos"
    assert calendar.update_calendar_list_entry(entry).summary_override == "Minhas demos"
    made.summary = "Visitas"
    assert calendar.update_calendar(made).summary == "Visitas"
    calendar.delete_calendar(made)
    assert calendar.get_settings().timezone == ZONE
    assert len(calendar.list_event_colors()) == 11
    assert len(calendar.list_calendar_colors()) == 24
