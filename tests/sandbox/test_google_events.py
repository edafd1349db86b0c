"""Events one by one: what an insert, a patch, an update and a delete answer and leave behind."""

import base64
import json

import pytest
from google_world import ANA, BRUNO, LEAD, ZONE, GoogleServer, meeting, refused, with_meet

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
    body = kwargs.pop("body", None) or meeting(id=MINE)
    return events.insert(calendarId=calendar, body=body, **kwargs).execute()


def conditional(request, etag):
    request.headers["If-Match"] = etag
    return request


def test_an_insert_keeps_the_clients_id_and_fills_in_what_google_makes(google, events):
    google.clock("2026-11-23T13:00:00+00:00")
    made = insert(events, body=meeting(id=MINE, attendees=[{"email": LEAD}]))
    eid = base64.urlsafe_b64encode(f"{MINE} {ANA}".encode()).decode().rstrip("=")
    etag = made.pop("etag")
    assert made == {
        "kind": "calendar#event",
        "id": MINE,
        "status": "confirmed",
        "htmlLink": f"https://www.google.com/calendar/event?eid={eid}",
        "created": "2026-11-23T13:00:00.000Z",
        "updated": "2026-11-23T13:00:00.000Z",
        "summary": "Demo – Joana",
        "creator": {"email": ANA, "self": True},
        "organizer": {"email": ANA, "self": True},
        "start": {"dateTime": "2026-12-01T10:00:00-03:00", "timeZone": ZONE},
        "end": {"dateTime": "2026-12-01T10:30:00-03:00", "timeZone": ZONE},
        "iCalUID": f"{MINE}@google.com",
        "sequence": 0,
        "attendees": [{"email": LEAD, "responseStatus": "needsAction"}],
        "reminders": {"useDefault": True},
        "eventType": "default",
    }
    assert etag == f'"{2 * 1795438800000000}"'


def test_an_insert_without_id_gets_one_that_google_could_have_made(events):
    first, second = insert(events, body=meeting()), insert(events, body=meeting())
    assert first["id"] != second["id"]
    assert insert(events, BRUNO, body=meeting(id=first["id"]))["id"] == first["id"]


def test_the_same_id_is_a_duplicate_even_after_deletion(events):
    insert(events)
    assert refused(events.insert(calendarId=ANA, body=meeting(id=MINE))) == (409, "duplicate")
    events.delete(calendarId=ANA, eventId=MINE).execute()
    assert refused(events.insert(calendarId=ANA, body=meeting(id=MINE))) == (409, "duplicate")
    assert insert(events, BRUNO)["id"] == MINE


@pytest.mark.parametrize("bad", ["XYZ_w", "abcd", "abcdw", "abc-def", "ABCDEF", "a" * 1025])
def test_ids_outside_base32hex_are_refused(events, bad):
    assert refused(events.insert(calendarId=ANA, body=meeting(id=bad))) == (400, "invalid")
    assert events.list(calendarId=ANA).execute()["items"] == []


@pytest.mark.parametrize("good", ["abcde", "0v1u2", "a" * 1024])
def test_ids_of_base32hex_are_taken(events, good):
    assert insert(events, body=meeting(id=good))["id"] == good


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"end": None}, "required"),
        ({"start": None}, "required"),
        ({"end": {"dateTime": "2026-12-01T10:00:00-03:00"}}, "timeRangeEmpty"),
        ({"end": {"dateTime": "2026-12-01T12:59:59Z"}}, "timeRangeEmpty"),
        ({"start": {"date": "2026-12-01"}}, "invalid"),
        ({"start": {"date": "2026-12-01"}, "end": {"date": "2026-12-01"}}, "timeRangeEmpty"),
        ({"start": {"dateTime": "2026-12-01T10:00:00"}}, "required"),
        ({"start": {"dateTime": "2026-12-01T10:00:00", "timeZone": "Mars/Base"}}, "invalid"),
        ({"start": {"dateTime": "tomorrow"}}, "invalid"),
        ({"start": {"dateTime": "2026-12-01T10:00:00-03:00", "date": "2026-12-01"}}, "invalid"),
        ({"attendees": [{"displayName": "nobody"}]}, "invalid"),
        ({"attendees": [{"email": "not an address"}]}, "invalid"),
        ({"visibility": "secret"}, "invalid"),
        ({"summary": 5}, "invalid"),
        ({"source": {"url": "ftp://acme.example"}}, "invalid"),
        ({"iCalUID": "x@y"}, "invalid"),
        ({"status": "cancelled"}, "invalid"),
        ({"recurrence": ["RRULE:FREQ=WEEKLY"]}, "required"),
        ({"reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 5}] * 6}}, "invalid"),
        ({"reminders": {"overrides": [{"method": "popup", "minutes": 40321}]}}, "invalid"),
        ({"reminders": {"overrides": [{"method": "sms", "minutes": 5}]}}, "invalid"),
    ],
)
def test_a_body_that_cannot_be_an_event_is_refused_and_stores_nothing(events, change, reason):
    assert refused(events.insert(calendarId=ANA, body=meeting(id=MINE) | change)) == (400, reason)
    assert events.list(calendarId=ANA, showDeleted=True).execute()["items"] == []


def test_times_come_back_with_the_offset_of_the_calendars_zone(google, events):
    made = insert(
        events,
        body=meeting(
            start={"dateTime": "2026-12-01T13:00:00Z"},
            end={"dateTime": "2026-12-01T16:00:00", "timeZone": "Europe/Lisbon"},
        ),
    )
    assert made["start"] == {"dateTime": "2026-12-01T10:00:00-03:00", "timeZone": ZONE}
    assert made["end"] == {"dateTime": "2026-12-01T13:00:00-03:00", "timeZone": "Europe/Lisbon"}
    seen = events.get(calendarId=ANA, eventId=made["id"], timeZone="Asia/Tokyo").execute()
    assert seen["start"]["dateTime"] == "2026-12-01T22:00:00+09:00"
    assert events.get(calendarId=ANA, eventId=made["id"], timeZone="UTC").execute()["start"]["dateTime"].endswith("00Z")


def test_all_day_events_keep_their_dates_in_every_zone(events):
    day = {"start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}}
    made = insert(events, body={"summary": "Férias", **day})
    seen = events.get(calendarId=ANA, eventId=made["id"], timeZone="Asia/Tokyo").execute()
    assert {"start": seen["start"], "end": seen["end"]} == day


def test_the_link_shortens_google_domains(google):
    gmail = "ana.ribeiro@gmail.com"
    google.reset(calendars=[{"id": gmail}], user=gmail)
    calendar = google.calendar()
    group = calendar.calendars().insert(body={"summary": "Demos"}).execute()["id"]
    for calendar_id, short in ((gmail, "ana.ribeiro@m"), (group, group.removesuffix("@group.calendar.google.com") + "@g")):
        link = insert(calendar.events(), calendar_id)["htmlLink"]
        eid = link.removeprefix("https://www.google.com/calendar/event?eid=")
        assert base64.urlsafe_b64decode(eid + "=" * (-len(eid) % 4)).decode() == f"{MINE} {short}"


@pytest.mark.parametrize("verb", ["patch", "update", "delete"])
def test_a_stale_etag_is_refused_and_changes_nothing(google, events, verb):
    old = insert(events)["etag"]
    current = events.patch(calendarId=ANA, eventId=MINE, body={"summary": "Novo"}).execute()
    before = google.snapshot()["calendars"][ANA]["events"][MINE]
    body = {} if verb == "delete" else {"body": meeting(summary="Velho")}
    request = conditional(getattr(events, verb)(calendarId=ANA, eventId=MINE, **body), old)
    assert refused(request) == (412, "conditionNotMet")
    assert google.snapshot()["calendars"][ANA]["events"][MINE] == before
    conditional(getattr(events, verb)(calendarId=ANA, eventId=MINE, **body), current["etag"]).execute()


def test_every_write_changes_etag_and_updated_even_while_the_clock_stands(google, events):
    google.clock("2026-11-23T13:00:00+00:00")
    seen = [insert(events)]
    seen += [events.patch(calendarId=ANA, eventId=MINE, body={"summary": name}).execute() for name in ("A", "B")]
    seen.append(events.update(calendarId=ANA, eventId=MINE, body=meeting(summary="C")).execute())
    assert len({item["etag"] for item in seen}) == 4
    assert [item["updated"] for item in seen] == sorted({item["updated"] for item in seen})
    assert {item["created"] for item in seen} == {"2026-11-23T13:00:00.000Z"}


def test_no_etag_comes_twice_even_when_the_clock_creeps_or_is_set_back(google, events):
    etags = []
    for now in ("13:00:00.000", "13:00:00.000", "13:00:00.001", "13:00:00.000", "12:59:59.999"):
        google.clock(f"2026-11-23T{now}+00:00")
        etags.append(events.insert(calendarId=ANA, body=meeting()).execute()["etag"])
    assert len(set(etags)) == 5


def test_a_change_of_reminders_alone_keeps_updated(events):
    made = insert(events)
    reminders = {"useDefault": False, "overrides": [{"method": "popup", "minutes": 10}]}
    changed = events.patch(calendarId=ANA, eventId=MINE, body={"reminders": reminders}).execute()
    assert changed["reminders"] == reminders
    assert changed["updated"] == made["updated"]
    assert changed["etag"] != made["etag"]


def test_only_a_change_of_time_raises_the_sequence(events):
    insert(events)
    assert events.patch(calendarId=ANA, eventId=MINE, body={"summary": "x"}).execute()["sequence"] == 0
    later = {"start": {"dateTime": "2026-12-01T11:00:00-03:00"}, "end": {"dateTime": "2026-12-01T11:30:00-03:00"}}
    moved = events.patch(calendarId=ANA, eventId=MINE, body=later).execute()
    assert (moved["sequence"], moved["start"]["dateTime"]) == (1, "2026-12-01T11:00:00-03:00")


def test_a_patch_merges_objects_replaces_arrays_and_removes_nulls(events):
    insert(
        events,
        body=meeting(
            id=MINE,
            location="Sala 1",
            attendees=[{"email": LEAD, "responseStatus": "accepted"}],
            extendedProperties={"private": {"lead": "4711", "booking": "bk_1"}},
        ),
    )
    patch = {
        "location": None,
        "attendees": [{"email": "outro@cliente.example"}],
        "extendedProperties": {"private": {"booking": None, "revision": "2"}},
    }
    changed = events.patch(calendarId=ANA, eventId=MINE, body=patch).execute()
    assert "location" not in changed
    assert changed["attendees"] == [{"email": "outro@cliente.example", "responseStatus": "needsAction"}]
    assert changed["extendedProperties"] == {"private": {"lead": "4711", "revision": "2"}}
    assert changed["summary"] == "Demo – Joana"


def test_an_update_replaces_the_whole_resource(events):
    insert(events, body=meeting(id=MINE, location="Sala 1", extendedProperties={"private": {"a": "1"}}))
    changed = events.update(calendarId=ANA, eventId=MINE, body=meeting(summary="Só isto")).execute()
    assert changed["summary"] == "Só isto"
    assert not {"location", "extendedProperties"} & changed.keys()
    assert changed["iCalUID"] == f"{MINE}@google.com"
    assert refused(events.update(calendarId=ANA, eventId=MINE, body={"summary": "sem hora"})) == (400, "required")


def test_a_timed_event_becomes_all_day_only_when_the_hour_is_nulled(events):
    insert(events)
    half = {"start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}}
    assert refused(events.patch(calendarId=ANA, eventId=MINE, body=half)) == (400, "invalid")
    whole = {name: value | {"dateTime": None} for name, value in half.items()}
    changed = events.patch(calendarId=ANA, eventId=MINE, body=whole).execute()
    assert (changed["start"], changed["end"]) == (half["start"], half["end"])


def test_delete_is_204_then_410_and_get_still_shows_the_cancelled_event(google, events):
    insert(events)
    assert events.delete(calendarId=ANA, eventId=MINE).execute() == ""
    assert google.exchanges[-1].status == 204
    assert refused(events.delete(calendarId=ANA, eventId=MINE)) == (410, "deleted")
    seen = events.get(calendarId=ANA, eventId=MINE).execute()
    assert (seen["status"], seen["summary"]) == ("cancelled", "Demo – Joana")
    assert refused(events.get(calendarId=ANA, eventId="neverexisted0")) == (404, "notFound")
    assert refused(events.delete(calendarId=ANA, eventId="neverexisted0")) == (404, "notFound")


def test_a_patch_to_cancelled_deletes(events):
    insert(events)
    assert events.patch(calendarId=ANA, eventId=MINE, body={"status": "cancelled"}).execute()["status"] == "cancelled"
    assert refused(events.delete(calendarId=ANA, eventId=MINE)) == (410, "deleted")


@pytest.mark.parametrize(("policy", "outcome"), [("gone", (410, "deleted")), ("forbidden", (403, "forbidden"))])
def test_writing_to_a_deleted_event_is_refused_as_configured(google, events, policy, outcome):
    insert(events)
    events.delete(calendarId=ANA, eventId=MINE).execute()
    google.control("/calendar/options", deleted_write=policy)
    assert refused(events.update(calendarId=ANA, eventId=MINE, body=meeting(status="confirmed"))) == outcome


def test_a_deleted_event_can_be_revived_where_google_allows_it(google, events):
    insert(events)
    events.delete(calendarId=ANA, eventId=MINE).execute()
    google.control("/calendar/options", deleted_write="allow")
    revived = events.update(calendarId=ANA, eventId=MINE, body=meeting(status="confirmed")).execute()
    assert revived["status"] == "confirmed"
    assert len(events.list(calendarId=ANA).execute()["items"]) == 1


def test_purged_from_the_trash_it_was_never_there(google, events):
    insert(events)
    events.delete(calendarId=ANA, eventId=MINE).execute()
    google.control("/calendar/event/purge", calendar_id=ANA, event_id=MINE)
    assert refused(events.get(calendarId=ANA, eventId=MINE)) == (404, "notFound")


def test_without_conference_version_the_block_is_ignored_in_silence(events):
    made = insert(events, body=with_meet())
    assert not {"conferenceData", "hangoutLink"} & made.keys()


def test_a_meet_link_is_there_at_once_by_default(events):
    made = insert(events, body=with_meet(), conferenceDataVersion=1)
    data = made["conferenceData"]
    assert data["createRequest"]["status"] == {"statusCode": "success"}
    assert made["hangoutLink"] == f"https://meet.google.com/{data['conferenceId']}"
    assert data["entryPoints"][0]["uri"] == made["hangoutLink"]


def test_a_slow_meet_link_is_pending_for_as_many_reads_as_asked(google, events):
    google.control("/calendar/options", conference_pending_reads=2)
    made = insert(events, body=with_meet(id=MINE), conferenceDataVersion=1)
    states = [made] + [events.get(calendarId=ANA, eventId=MINE).execute() for _ in range(3)]
    codes = [seen["conferenceData"]["createRequest"]["status"]["statusCode"] for seen in states]
    assert codes == ["pending", "pending", "pending", "success"]
    assert ["hangoutLink" in seen for seen in states] == [False, False, False, True]
    assert states[3]["etag"] != states[2]["etag"]


def test_a_meet_link_can_fail(google, events):
    google.control("/calendar/options", conference_outcome="failure")
    made = insert(events, body=with_meet(id=MINE), conferenceDataVersion=1)
    assert made["conferenceData"] == {
        "createRequest": {
            "requestId": "m-1",
            "conferenceSolutionKey": {"type": "hangoutsMeet"},
            "status": {"statusCode": "failure"},
        }
    }


def test_a_repeated_request_id_is_ignored_and_a_new_one_makes_a_new_link(events):
    def patch(body):
        return events.patch(calendarId=ANA, eventId=MINE, body=body, conferenceDataVersion=1).execute()

    first = insert(events, body=with_meet("m-1", id=MINE), conferenceDataVersion=1)["hangoutLink"]
    assert patch(with_meet("m-1"))["hangoutLink"] == first
    second = patch(with_meet("m-2"))["hangoutLink"]
    assert second != first
    assert patch({"summary": "x"})["hangoutLink"] == second
    assert "hangoutLink" not in patch({"conferenceData": None})


def test_an_update_keeps_the_link_unless_it_says_it_understands_conferences(events):
    made = insert(events, body=with_meet(id=MINE), conferenceDataVersion=1)
    kept = events.update(calendarId=ANA, eventId=MINE, body=meeting()).execute()
    assert kept["hangoutLink"] == made["hangoutLink"]
    whole = events.update(calendarId=ANA, eventId=MINE, body=kept, conferenceDataVersion=1).execute()
    assert whole["conferenceData"] == made["conferenceData"]
    bare = events.update(calendarId=ANA, eventId=MINE, body=meeting(), conferenceDataVersion=1).execute()
    assert "conferenceData" not in bare


def test_an_unknown_kind_of_conference_is_refused(events):
    body = meeting(conferenceData={"createRequest": {"requestId": "1", "conferenceSolutionKey": {"type": "zoom"}}})
    assert refused(events.insert(calendarId=ANA, body=body, conferenceDataVersion=1)) == (400, "invalid")


def test_source_is_for_its_creators_eyes(google):
    google.reset(tokens={"t-ana": {"user": ANA}, "t-bruno": {"user": BRUNO}})
    source = {"title": "Kommo", "url": "https://solclaro.kommo.com/leads/detail/1"}
    made = insert(google.events("t-ana"), BRUNO, body=meeting(id=MINE, source=source))
    assert (made["source"], made["creator"], made["organizer"]) == (source, {"email": ANA}, {"email": BRUNO, "self": True})
    assert "source" not in google.events("t-bruno").get(calendarId=BRUNO, eventId=MINE).execute()
    google.events("t-bruno").patch(calendarId=BRUNO, eventId=MINE, body={"source": None}).execute()
    assert google.events("t-ana").get(calendarId=BRUNO, eventId=MINE).execute()["source"] == source


def test_moving_to_another_calendar_keeps_the_id_and_leaves_a_stub(google, events):
    made = insert(events, body=with_meet(id=MINE, extendedProperties={"private": {"lead": "1"}}), conferenceDataVersion=1)
    moved = events.move(calendarId=ANA, eventId=MINE, destination=BRUNO).execute()
    assert (moved["id"], moved["iCalUID"]) == (MINE, made["iCalUID"])
    assert moved["organizer"] == {"email": BRUNO, "self": True}
    assert (moved["hangoutLink"], moved["extendedProperties"]) == (made["hangoutLink"], made["extendedProperties"])
    assert moved["htmlLink"] != made["htmlLink"]
    google.control("/calendar/options", deleted_write="allow")
    assert refused(events.patch(calendarId=ANA, eventId=MINE, body={"status": "confirmed"})) == (410, "deleted")
    stub = events.get(calendarId=ANA, eventId=MINE).execute()
    assert stub.keys() == {"kind", "etag", "id", "status"}
    assert stub["status"] == "cancelled"
    back = events.move(calendarId=BRUNO, eventId=MINE, destination=ANA).execute()
    assert (back["status"], back["htmlLink"]) == ("confirmed", made["htmlLink"])


def test_what_cannot_be_moved_is_refused(google, events):
    insert(events)
    insert(events, BRUNO, body=meeting(id=MINE))
    assert refused(events.move(calendarId=ANA, eventId=MINE, destination="nobody@solclaro.example")) == (404, "notFound")
    assert refused(events.move(calendarId=ANA, eventId=MINE, destination=ANA)) == (400, "invalid")
    assert refused(events.move(calendarId=ANA, eventId=MINE, destination=BRUNO)) == (409, "duplicate")
    focus = insert(events, body=meeting(eventType="focusTime"))
    assert refused(events.move(calendarId=ANA, eventId=focus["id"], destination=BRUNO)) == (400, "invalid")


def test_extended_properties_are_cut_to_their_limits(events):
    made = insert(events, body=meeting(extendedProperties={"private": {"k" * 45: "x", "long": "v" * 2000}}))
    assert made["extendedProperties"]["private"] == {"long": "v" * 1024}


def test_text_travels_unharmed(google, events):
    text = "Olá, João – ação às 14h 🌞"
    assert insert(events, body=meeting(summary=text))["summary"] == text
    assert "João".encode() in google.exchanges[-1].content
    assert json.loads(google.exchanges[-1].body)["summary"] == text
