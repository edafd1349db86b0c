"""Free/busy: what counts as busy, what cannot be read, how far one may ask."""

import httpx
import pytest
from google_world import ANA, BRUNO, LEAD, GoogleServer, meeting, refused

DAY = {"timeMin": "2026-12-01T00:00:00-03:00", "timeMax": "2026-12-02T00:00:00-03:00"}


@pytest.fixture(scope="module")
def server():
    with GoogleServer() as running:
        yield running


@pytest.fixture
def google(server):
    server.reset()
    return server


@pytest.fixture
def calendar(google):
    return google.calendar()


def ask(calendar, *names, **fields):
    body = {**DAY, "timeZone": "America/Sao_Paulo", "items": [{"id": name} for name in names or (ANA,)], **fields}
    return calendar.freebusy().query(body=body)


def busy(calendar, name=ANA, **fields):
    """Start and end hour of every busy interval, and no errors."""
    answer = ask(calendar, name, **fields).execute()["calendars"][name]
    assert "errors" not in answer
    return [(item["start"][11:16], item["end"][11:16]) for item in answer["busy"]]


def add(calendar, where=ANA, **fields):
    return calendar.events().insert(calendarId=where, body=meeting(**fields)).execute()["id"]


def test_an_opaque_event_is_busy_for_just_its_time(calendar):
    add(calendar)
    answer = ask(calendar).execute()
    assert answer == {
        "kind": "calendar#freeBusy",
        "timeMin": "2026-12-01T03:00:00.000Z",
        "timeMax": "2026-12-02T03:00:00.000Z",
        "calendars": {ANA: {"busy": [{"start": "2026-12-01T10:00:00-03:00", "end": "2026-12-01T10:30:00-03:00"}]}},
    }
    assert busy(calendar, timeZone=None) == [("13:00", "13:30")]


def test_transparent_and_cancelled_events_are_free(calendar):
    add(calendar, transparency="transparent")
    gone = add(calendar)
    calendar.events().delete(calendarId=ANA, eventId=gone).execute()
    assert busy(calendar) == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"visibility": "private"}, True),
        ({"status": "tentative"}, True),
        ({"eventType": "outOfOffice"}, True),
        ({"eventType": "focusTime"}, True),
        ({"eventType": "birthday", "start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}}, False),
        ({"eventType": "workingLocation", "workingLocationProperties": {"type": "homeOffice", "homeOffice": {}}}, False),
    ],
)
def test_kinds_of_events_block_or_do_not(calendar, fields, expected):
    add(calendar, **fields)
    assert bool(busy(calendar)) is expected


def test_an_all_day_event_is_busy_from_midnight_to_midnight_of_the_calendars_zone(calendar):
    add(calendar, start={"date": "2026-12-01"}, end={"date": "2026-12-02"})
    assert busy(calendar) == [("00:00", "00:00")]
    assert busy(calendar, timeZone="UTC") == [("03:00", "03:00")]


def test_overlapping_and_touching_events_are_one_interval_cut_to_the_question(calendar):
    for start, end in (("09:00", "10:00"), ("09:30", "11:00"), ("11:00", "11:15"), ("13:00", "14:00")):
        times = {name: {"dateTime": f"2026-12-01T{hour}:00-03:00"} for name, hour in (("start", start), ("end", end))}
        add(calendar, **times)
    assert busy(calendar) == [("09:00", "11:15"), ("13:00", "14:00")]
    assert busy(calendar, timeMin="2026-12-01T10:00:00-03:00", timeMax="2026-12-01T13:30:00-03:00") == [
        ("10:00", "11:15"),
        ("13:00", "13:30"),
    ]
    assert busy(calendar, timeMin="2026-12-01T11:15:00-03:00", timeMax="2026-12-01T13:00:00-03:00") == []


def test_occurrences_of_a_series_are_busy(calendar):
    zone = {"timeZone": "America/Sao_Paulo"}
    add(
        calendar,
        start={"dateTime": "2026-11-24T15:00:00", **zone},
        end={"dateTime": "2026-11-24T16:00:00", **zone},
        recurrence=["RRULE:FREQ=WEEKLY"],
    )
    assert busy(calendar) == [("15:00", "16:00")]


def test_an_invitation_blocks_until_the_calendars_owner_declines(google, calendar):
    event = add(calendar, ANA, attendees=[{"email": BRUNO}, {"email": LEAD}])
    assert busy(calendar, BRUNO) == [("10:00", "10:30")]
    google.control("/calendar/event/respond", calendar_id=ANA, event_id=event, email=LEAD, response="declined")
    google.control("/calendar/event/respond", calendar_id=ANA, event_id=event, email=BRUNO, response="tentative")
    assert busy(calendar, BRUNO) == [("10:00", "10:30")]
    google.control("/calendar/event/respond", calendar_id=ANA, event_id=event, email=BRUNO, response="declined")
    assert busy(calendar, BRUNO) == []
    assert busy(calendar, ANA) == [("10:00", "10:30")]
    google.control("/calendar/options", declined_blocks=True)
    assert busy(calendar, BRUNO) == [("10:00", "10:30")]


def test_unknown_and_unshared_calendars_are_errors_inside_a_success(google, calendar):
    google.control("/calendar/share", calendar_id=BRUNO, shared=False)
    answer = ask(calendar, ANA, BRUNO, "gone@solclaro.example").execute()["calendars"]
    missing = {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}
    assert answer == {ANA: {"busy": []}, BRUNO: missing, "gone@solclaro.example": missing}


def test_fifty_calendars_are_answered_and_fifty_one_are_errors(calendar):
    names = [ANA, *(f"p{n}@solclaro.example" for n in range(49))]
    assert ask(calendar, *names).execute()["calendars"][ANA] == {"busy": []}
    answer = ask(calendar, *names, "p50@solclaro.example").execute()["calendars"]
    assert {item["errors"][0]["reason"] for item in answer.values()} == {"tooManyCalendarsRequested"}
    assert refused(ask(calendar, calendarExpansionMax=51)) == (400, "invalid")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"timeMax": "2027-03-11T00:00:00-03:00"}, "timeRangeTooLong"),
        ({"timeMax": "2026-12-01T00:00:00-03:00"}, "timeRangeEmpty"),
        ({"timeMax": None}, "required"),
        ({"timeMin": "2026-12-01T00:00:00"}, "badRequest"),
        ({"timeZone": "Mars/Base"}, "invalid"),
        ({"items": [ANA]}, "invalid"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(calendar, fields, reason):
    assert refused(ask(calendar, **fields)) == (400, reason)


def test_ninety_days_may_be_asked(calendar):
    assert busy(calendar, timeMax="2027-03-01T00:00:00-03:00") == []


def test_primary_means_the_caller(google, calendar):
    add(calendar)
    assert busy(calendar, "primary") == [("10:00", "10:30")]


def test_a_body_that_is_no_json_is_a_parse_error(google):
    answer = httpx.post(f"{google.endpoint}freeBusy", content=b"{", trust_env=False)
    assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (400, "parseError")
