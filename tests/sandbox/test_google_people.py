"""The other side: sellers and guests at work in Google's own pages, and what the API then shows."""

import httpx
import pytest
from google_world import ANA, BRUNO, LEAD, GoogleServer, meeting, refused, with_meet

MINE = "b5f0c2d19a7e4c0e8f31"


@pytest.fixture(scope="module")
def server():
    with GoogleServer() as running:
        yield running


@pytest.fixture
def google(server):
    server.reset()
    return server


@pytest.fixture
def events(google):
    return google.events()


def insert(events, calendar=ANA, **kwargs):
    return events.insert(calendarId=calendar, body=meeting(id=MINE, **kwargs.pop("body", {})), **kwargs).execute()


def get(events, calendar=ANA, event_id=MINE):
    return events.get(calendarId=calendar, eventId=event_id).execute()


def busy(google, name=ANA):
    body = {"timeMin": "2026-12-01T00:00:00-03:00", "timeMax": "2026-12-03T00:00:00-03:00", "items": [{"id": name}]}
    answer = google.calendar().freebusy().query(body=body | {"timeZone": "America/Sao_Paulo"}).execute()
    return [item["start"][:16] for item in answer["calendars"][name]["busy"]]


def failure(google, path, **data):
    answer = httpx.post(f"{google.url}/_sandbox{path}", json=data, trust_env=False)
    assert answer.status_code == 400
    return answer.json()["error"]


def test_a_seller_drags_a_meeting_and_it_keeps_its_length(google, events):
    before = insert(events)
    google.control("/calendar/event/move", calendar_id=ANA, event_id=MINE, start="2026-12-02T15:00:00-03:00")
    after = get(events)
    assert (after["start"]["dateTime"], after["end"]["dateTime"]) == (
        "2026-12-02T15:00:00-03:00",
        "2026-12-02T15:30:00-03:00",
    )
    assert after["sequence"] == before["sequence"] + 1
    assert after["etag"] != before["etag"]
    assert busy(google) == ["2026-12-02T15:00"]


def test_a_drag_may_change_the_length_or_make_it_all_day(google, events):
    insert(events)
    move = {"calendar_id": ANA, "event_id": MINE}
    google.control("/calendar/event/move", **move, start="2026-12-01T15:00", end="2026-12-01T17:00")
    assert get(events)["end"]["dateTime"] == "2026-12-01T17:00:00-03:00"
    assert "end is missing" in failure(google, "/calendar/event/move", **move, start="2026-12-02")
    google.control("/calendar/event/move", **move, start="2026-12-02", end="2026-12-03")
    assert get(events)["start"] == {"date": "2026-12-02"}


def test_a_seller_adds_events_of_every_kind(google, events):
    add = {"calendar_id": ANA}
    timed = google.control("/calendar/event/add", **add, start="2026-12-01T09:00:00-03:00", end="2026-12-01T09:45:00-03:00")
    google.control("/calendar/event/add", **add, start="2026-12-01T11:00:00-03:00", transparency="transparent")
    google.control("/calendar/event/add", **add, start="2026-12-02", summary="Férias")
    google.control("/calendar/event/add", **add, start="2026-11-24T14:00", recurrence=["RRULE:FREQ=WEEKLY"])
    assert get(events, event_id=timed["id"])["end"]["dateTime"] == "2026-12-01T09:45:00-03:00"
    assert busy(google) == ["2026-12-01T09:00", "2026-12-01T14:00", "2026-12-02T00:00"]


def test_an_outsider_invites_the_seller_who_declines(google, events):
    invitation = google.control(
        "/calendar/event/add",
        calendar_id=ANA,
        start="2026-12-01T09:00:00-03:00",
        organizer="chefe@parceiro.example",
        response="accepted",
    )
    assert busy(google) == ["2026-12-01T09:00"]
    seen = get(events, event_id=invitation["id"])
    assert seen["organizer"] == {"email": "chefe@parceiro.example"}
    assert seen["attendees"] == [{"email": ANA, "responseStatus": "accepted", "self": True}]
    patch = events.patch(calendarId=ANA, eventId=seen["id"], body={"summary": "Meu título"})
    assert refused(patch) == (403, "forbiddenForNonOrganizer")
    google.control("/calendar/event/respond", calendar_id=ANA, event_id=seen["id"], email=ANA, response="declined")
    assert busy(google) == []
    assert get(events, event_id=seen["id"])["status"] == "confirmed"


def test_a_seller_deletes_and_the_snapshot_keeps_the_details_apart(google, events):
    insert(events)
    google.control("/calendar/event/delete", calendar_id=ANA, event_id=MINE)
    assert busy(google) == []
    assert refused(events.delete(calendarId=ANA, eventId=MINE)) == (410, "deleted")
    kept = google.snapshot()["calendars"][ANA]["events"][MINE]
    assert kept.keys() == {"kind", "etag", "id", "status", "_details"}
    assert kept["status"] == "cancelled"
    assert kept["_details"]["summary"] == "Demo – Joana"
    assert "no live event" in failure(google, "/calendar/event/delete", calendar_id=ANA, event_id=MINE)


def test_a_seller_edits_title_and_availability(google, events):
    insert(events)
    google.control("/calendar/event/edit", calendar_id=ANA, event_id=MINE, summary="Café", transparency="transparent")
    assert get(events)["summary"] == "Café"
    assert busy(google) == []
    google.control("/calendar/event/edit", calendar_id=ANA, event_id=MINE, transparency="opaque", description="x")
    assert "transparency" not in get(events)
    assert busy(google) == ["2026-12-01T10:00"]


def test_a_lead_answers_with_a_comment(google, events):
    insert(events, body={"attendees": [{"email": LEAD}]})
    answer = {"calendar_id": ANA, "event_id": MINE, "response": "tentative", "comment": "Talvez"}
    google.control("/calendar/event/respond", **answer, email=LEAD)
    assert get(events)["attendees"] == [{"email": LEAD, "responseStatus": "tentative", "comment": "Talvez"}]
    assert "not invited" in failure(google, "/calendar/event/respond", **answer, email="x@y.example")
    assert "use one of" in failure(google, "/calendar/event/respond", **answer | {"response": "sim"}, email=LEAD)


def test_a_seller_moves_the_meeting_to_a_colleagues_calendar(google, events):
    token = events.list(calendarId=ANA).execute()["nextSyncToken"]
    insert(events)
    google.control("/calendar/event/transfer", calendar_id=ANA, event_id=MINE, destination=BRUNO)
    items = events.list(calendarId=ANA, syncToken=token).execute()["items"]
    assert [(item["id"], item["status"], "start" in item) for item in items] == [(MINE, "cancelled", False)]
    there = get(events, BRUNO)
    assert (there["organizer"], there["iCalUID"]) == ({"email": BRUNO, "self": True}, f"{MINE}@google.com")


def test_a_meet_link_still_being_made_is_made_after_a_move(google, events):
    google.control("/calendar/options", conference_pending_reads=1)
    events.insert(calendarId=ANA, body=with_meet(id=MINE), conferenceDataVersion=1).execute()
    moved = events.move(calendarId=ANA, eventId=MINE, destination=BRUNO).execute()
    assert moved["conferenceData"]["createRequest"]["status"]["statusCode"] == "pending"
    assert ["hangoutLink" in get(events, BRUNO) for _ in range(2)] == [False, True]


def test_private_properties_may_be_lost_in_a_move(google, events):
    google.control("/calendar/options", move_keeps_private=False)
    insert(events, body={"extendedProperties": {"private": {"lead": "1"}, "shared": {"s": "2"}}})
    moved = events.move(calendarId=ANA, eventId=MINE, destination=BRUNO).execute()
    assert moved["extendedProperties"] == {"shared": {"s": "2"}}


def test_a_colleague_invited_has_a_copy_that_follows_the_organizer(google, events):
    insert(events, body={"attendees": [{"email": BRUNO}], "extendedProperties": {"private": {"p": "1"}, "shared": {"s": "2"}}})
    copy = get(events, BRUNO)
    assert copy["organizer"] == {"email": ANA}
    assert copy["attendees"] == [{"email": BRUNO, "responseStatus": "needsAction", "self": True}]
    assert copy["extendedProperties"] == {"shared": {"s": "2"}}
    assert copy["htmlLink"] != get(events)["htmlLink"]
    google.control("/calendar/event/move", calendar_id=ANA, event_id=MINE, start="2026-12-02T10:00:00-03:00")
    assert get(events, BRUNO)["start"]["dateTime"] == "2026-12-02T10:00:00-03:00"
    events.delete(calendarId=ANA, eventId=MINE).execute()
    assert get(events, BRUNO).keys() == {"kind", "etag", "id", "status"}


def test_an_event_that_blocks_nobody_does_not_block_its_guests(google, events):
    insert(events, body={"attendees": [{"email": BRUNO}], "transparency": "transparent"})
    assert busy(google, BRUNO) == []
    events.patch(calendarId=BRUNO, eventId=MINE, body={"transparency": "opaque"}).execute()
    assert (busy(google, BRUNO), busy(google)) == (["2026-12-01T10:00"], [])


def test_a_guest_may_change_their_answer_and_their_own_settings_only(google, events):
    insert(events, body={"attendees": [{"email": BRUNO}, {"email": LEAD}]})

    def patch(body):
        return events.patch(calendarId=BRUNO, eventId=MINE, body=body)

    own = {"colorId": "5", "transparency": "transparent", "extendedProperties": {"private": {"mine": "1"}}}
    assert patch(own).execute()["colorId"] == "5"
    assert "colorId" not in get(events)
    for body in (
        {"summary": "x"},
        {"start": {"dateTime": "2026-12-01T09:00:00-03:00"}},
        {"attendees": [{"email": BRUNO}]},
        {"extendedProperties": {"shared": {"s": "1"}}},
    ):
        assert refused(patch(body)) == (403, "forbiddenForNonOrganizer")
    mine = {"email": BRUNO, "responseStatus": "accepted"}
    patch({"attendees": [mine], "attendeesOmitted": True}).execute()
    assert [guest["responseStatus"] for guest in get(events)["attendees"]] == ["accepted", "needsAction"]
    events.patch(calendarId=ANA, eventId=MINE, body={"summary": "Novo"}).execute()
    assert get(events, BRUNO)["colorId"] == "5"


def test_a_guest_who_deletes_their_copy_declines_for_themselves_alone(google, events):
    insert(events, body={"attendees": [{"email": BRUNO}, {"email": LEAD}]})
    events.delete(calendarId=BRUNO, eventId=MINE).execute()
    seen = get(events)
    assert seen["status"] == "confirmed"
    assert [guest["responseStatus"] for guest in seen["attendees"]] == ["declined", "needsAction"]
    google.control("/calendar/event/move", calendar_id=ANA, event_id=MINE, start="2026-12-02T10:00:00-03:00")
    assert get(events, BRUNO)["status"] == "cancelled"
    assert busy(google, BRUNO) == []


def test_nobody_is_mailed_unless_asked(google, events):
    insert(events, body={"attendees": [{"email": LEAD}]})
    events.patch(calendarId=ANA, eventId=MINE, body={"summary": "x"}).execute()
    events.delete(calendarId=ANA, eventId=MINE, sendUpdates="none").execute()
    assert google.mails() == []


def test_all_guests_are_mailed_about_what_concerns_them(google, events):
    insert(events, body={"attendees": [{"email": LEAD}, {"email": ANA}]}, sendUpdates="all")
    assert google.mails() == [(LEAD, "invitation")]
    guests = {"attendees": [{"email": "outro@cliente.example"}]}
    events.patch(calendarId=ANA, eventId=MINE, body=guests, sendUpdates="all").execute()
    assert google.mails()[1:] == [("outro@cliente.example", "invitation"), (LEAD, "cancellation")]
    reminders = {"reminders": {"useDefault": False}}
    events.patch(calendarId=ANA, eventId=MINE, body=reminders, sendUpdates="all").execute()
    events.patch(calendarId=ANA, eventId=MINE, body={"summary": "x"}, sendUpdates="all").execute()
    events.delete(calendarId=ANA, eventId=MINE, sendNotifications=True).execute()
    assert google.mails()[3:] == [("outro@cliente.example", "update"), ("outro@cliente.example", "cancellation")]
    mail = google.snapshot()["notifications"][0]
    assert (mail["event_id"], mail["calendar_id"]) == (MINE, ANA)


def test_external_only_leaves_out_people_with_google_calendar(google, events):
    guests = [{"email": LEAD}, {"email": BRUNO}, {"email": "joao@gmail.com"}]
    insert(events, body={"attendees": guests}, sendUpdates="externalOnly")
    assert google.mails() == [(LEAD, "invitation")]


def test_a_seller_invites_somebody(google, events):
    insert(events)
    google.control("/calendar/event/invite", calendar_id=ANA, event_id=MINE, email=LEAD, name="Joana")
    assert get(events)["attendees"] == [{"email": LEAD, "displayName": "Joana", "responseStatus": "needsAction"}]
    assert google.mails() == [(LEAD, "invitation")]


def test_a_pending_meet_link_can_be_ended_by_hand(google, events):
    google.control("/calendar/options", conference_pending_reads=99)
    events.insert(calendarId=ANA, body=with_meet(id=MINE), conferenceDataVersion=1).execute()
    google.control("/calendar/event/conference", calendar_id=ANA, event_id=MINE, outcome="failure")
    seen = get(events)
    assert seen["conferenceData"]["createRequest"]["status"]["statusCode"] == "failure"
    assert "hangoutLink" not in seen


def test_a_reset_puts_up_the_two_sellers_or_the_scene_asked_for(google):
    calendars = google.snapshot()["calendars"]
    assert [(key, value["time_zone"], value["events"]) for key, value in calendars.items()] == [
        (ANA, "America/Sao_Paulo", {}),
        (BRUNO, "America/Sao_Paulo", {}),
    ]
    busy_day = {"id": "almoco", "summary": "Almoço", "start": "2026-12-01T12:00", "end": "2026-12-01T13:00"}
    google.reset(calendars=[{"id": BRUNO, "time_zone": "America/Argentina/Buenos_Aires", "events": [busy_day]}])
    snapshot = google.snapshot()
    assert list(snapshot["calendars"]) == [BRUNO]
    assert snapshot["calendars"][BRUNO]["events"]["almoco"]["start"]["dateTime"] == "2026-12-01T12:00:00-03:00"
    assert (snapshot["notifications"], snapshot["channels"]) == ([], [])


@pytest.mark.parametrize(
    ("path", "data", "words"),
    [
        ("/calendar/event/add", {"calendar_id": "x", "start": "2026-12-01"}, "there are"),
        ("/calendar/event/add", {"calendar_id": ANA, "start": "amanhã"}, "write 2026"),
        ("/calendar/event/add", {"calendar_id": ANA}, "missing field 'start'"),
        ("/calendar/event/edit", {"calendar_id": ANA, "event_id": "nosuch"}, "no live event"),
        ("/calendar/share", {"calendar_id": ANA, "role": "boss"}, "use reader"),
        ("/calendar/options", {"nonsense": 1}, "unknown Google option"),
        ("/calendar/options", {"require_token": 1}, "takes a bool"),
    ],
)
def test_a_control_with_a_mistake_says_what_is_wrong(google, path, data, words):
    assert words in failure(google, path, **data)
