"""Listings: filters, order, pages, sync tokens, projections, series."""

import pytest
from google_world import ANA, BRUNO, LEAD, GoogleServer, meeting, refused


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


def at(hour, **fields):
    """A one-hour meeting on 1 December 2026, starting at that hour."""
    start, end = (f"2026-12-01T{h:02d}:00:00-03:00" for h in (hour, hour + 1))
    return {"summary": f"{hour} h", "start": {"dateTime": start}, "end": {"dateTime": end}, **fields}


def add(events, *bodies, calendar=ANA):
    return [events.insert(calendarId=calendar, body=body).execute()["id"] for body in bodies]


def ids(answer):
    return [item["id"] for item in answer["items"]]


def listed(events, calendar=ANA, **parameters):
    return events.list(calendarId=calendar, **parameters).execute()


def sync(events, token, **parameters):
    return listed(events, syncToken=token, **parameters)


def test_a_search_by_private_properties_must_match_all_of_them(events):
    one, two, three = add(
        events,
        at(9, extendedProperties={"private": {"lead": "1", "kind": "demo"}}),
        at(10, extendedProperties={"private": {"lead": "1", "kind": "visit"}}),
        at(11, extendedProperties={"shared": {"lead": "1", "kind": "demo"}}),
    )
    assert ids(listed(events, privateExtendedProperty="lead=1")) == [one, two]
    assert ids(listed(events, privateExtendedProperty=["lead=1", "kind=demo"])) == [one]
    assert ids(listed(events, privateExtendedProperty=["lead=1", "kind=call"])) == []
    assert ids(listed(events, sharedExtendedProperty="kind=demo")) == [three]
    assert refused(events.list(calendarId=ANA, privateExtendedProperty="lead")) == (400, "invalidParameter")


def test_time_bounds_take_what_overlaps_them(events):
    nine, ten, eleven = add(events, at(9), at(10), at(11))
    window = {"timeMin": "2026-12-01T10:00:00-03:00", "timeMax": "2026-12-01T11:00:00-03:00"}
    assert ids(listed(events, **window)) == [ten]
    assert ids(listed(events, timeMin="2026-12-01T13:59:59Z")) == [ten, eleven]
    assert ids(listed(events, timeMax="2026-12-01T10:00:01-03:00")) == [nine, ten]
    backwards = {"timeMin": window["timeMax"], "timeMax": window["timeMin"]}
    assert refused(events.list(calendarId=ANA, **backwards)) == (400, "timeRangeEmpty")
    assert refused(events.list(calendarId=ANA, timeMin="2026-12-01T10:00:00")) == (400, "badRequest")


def test_an_all_day_event_fills_its_day_in_the_calendars_zone(events):
    (day,) = add(events, {"start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}})
    assert ids(listed(events, timeMin="2026-12-02T02:59:59Z")) == [day]
    assert ids(listed(events, timeMin="2026-12-02T03:00:00Z")) == []
    assert ids(listed(events, timeMax="2026-12-01T03:00:00Z")) == []


def test_words_are_searched_in_titles_places_and_people(events):
    one, two = add(events, at(9, location="Sala Azul"), at(10, attendees=[{"email": LEAD, "displayName": "Joana Dias"}]))
    assert ids(listed(events, q="azul")) == [one]
    assert ids(listed(events, q="joana 10")) == [two]
    assert ids(listed(events, q="joana azul")) == []


def test_ical_uid_and_event_types_narrow_a_listing(events):
    one, two = add(events, at(9), at(10, eventType="focusTime"))
    assert ids(listed(events, iCalUID=f"{one}@google.com")) == [one]
    assert ids(listed(events, eventTypes=["focusTime", "outOfOffice"])) == [two]


def test_order_by_start_needs_single_events(events):
    late, early = add(events, at(15), at(9))
    assert refused(events.list(calendarId=ANA, orderBy="startTime")) == (400, "badRequest")
    assert ids(listed(events, orderBy="startTime", singleEvents=True)) == [early, late]
    events.patch(calendarId=ANA, eventId=late, body={"summary": "x"}).execute()
    assert ids(listed(events, orderBy="updated")) == [early, late]
    assert ids(listed(events)) == [late, early]


def test_cancelled_events_are_hidden_unless_asked_for(events):
    kept, gone = add(events, at(9), at(10))
    events.delete(calendarId=ANA, eventId=gone).execute()
    assert ids(listed(events)) == [kept]
    shown = listed(events, showDeleted=True)["items"]
    assert [(item["id"], item["status"]) for item in shown] == [(kept, "confirmed"), (gone, "cancelled")]
    assert shown[1]["summary"] == "10 h"


def test_updated_min_shows_changes_and_deletions_and_reaches_back_a_month(google, events):
    google.clock("2026-11-01T12:00:00+00:00")
    old, gone = add(events, at(9), at(10))
    google.clock("2026-11-20T12:00:00+00:00")
    events.delete(calendarId=ANA, eventId=gone).execute()
    assert ids(listed(events, updatedMin="2026-11-10T00:00:00Z")) == [gone]
    assert ids(listed(events, updatedMin="2026-11-01T00:00:00Z")) == [old, gone]
    assert refused(events.list(calendarId=ANA, updatedMin="2026-10-01T00:00:00Z")) == (410, "updatedMinTooLongAgo")


def test_pages_follow_one_another_and_only_the_last_has_a_sync_token(events):
    wanted = add(events, at(9), at(10), at(11))
    request, pages = events.list(calendarId=ANA, maxResults=1), []
    while request is not None:
        pages.append(request.execute())
        request = events.list_next(request, pages[-1])
    assert [ids(page) for page in pages] == [[item] for item in wanted]
    assert ["nextSyncToken" in page for page in pages] == [False, False, True]
    assert ["nextPageToken" in page for page in pages] == [True, True, False]


def test_what_changes_while_pages_are_turned_is_in_the_next_sync(events):
    one, two, three = add(events, at(9), at(10), at(11))
    first = listed(events, maxResults=2)
    events.delete(calendarId=ANA, eventId=one).execute()
    (late,) = add(events, at(12))
    last = listed(events, maxResults=2, pageToken=first["nextPageToken"])
    assert ids(last) == [three, late]
    assert set(ids(sync(events, last["nextSyncToken"]))) == {one, late}
    assert two in ids(first)


@pytest.mark.parametrize(
    "parameters",
    [
        {"maxResults": 0},
        {"pageToken": "nonsense"},
        {"maxAttendees": 0},
    ],
)
def test_parameters_out_of_range_are_refused(events, parameters):
    assert refused(events.list(calendarId=ANA, **parameters)) == (400, "invalidParameter")


def test_at_most_2500_events_come_in_one_page(google, events):
    google.reset(
        calendars=[{"id": ANA, "events": [{"start": "2026-12-01T10:00"} for _ in range(2501)]}],
    )
    assert len(listed(events)["items"]) == 250
    assert len(listed(events, maxResults=9999, fields="items/id,nextPageToken")["items"]) == 2500


@pytest.mark.parametrize(
    "parameter",
    [
        {"iCalUID": "x@google.com"},
        {"orderBy": "updated"},
        {"privateExtendedProperty": "a=1"},
        {"q": "x"},
        {"sharedExtendedProperty": "a=1"},
        {"timeMin": "2026-12-01T00:00:00Z"},
        {"timeMax": "2026-12-01T00:00:00Z"},
        {"updatedMin": "2026-12-01T00:00:00Z"},
        {"showDeleted": False},
    ],
)
def test_a_sync_token_goes_with_no_other_filter(events, parameter):
    token = listed(events)["nextSyncToken"]
    assert refused(events.list(calendarId=ANA, syncToken=token, **parameter)) == (400, "invalid")
    assert sync(events, token, showDeleted=True, maxResults=5)["items"] == []


def test_a_listing_narrowed_by_time_still_ends_with_a_sync_token_and_a_searched_one_does_not(events):
    add(events, at(9))
    assert "nextSyncToken" in listed(events, timeMin="2026-12-01T00:00:00Z", singleEvents=True)
    for parameters in ({"q": "x"}, {"orderBy": "updated"}, {"privateExtendedProperty": "a=1"}):
        assert "nextSyncToken" not in listed(events, **parameters)


@pytest.mark.parametrize("token", ["unknown", "bm9uc2Vuc2U=", "é"])
def test_an_unknown_sync_token_demands_a_full_sync(events, token):
    assert refused(events.list(calendarId=ANA, syncToken=token)) == (410, "fullSyncRequired")


def test_sync_tokens_expire_on_demand_per_calendar_and_belong_to_one_calendar(google, events):
    ana, bruno = listed(events)["nextSyncToken"], listed(events, BRUNO)["nextSyncToken"]
    assert refused(events.list(calendarId=BRUNO, syncToken=ana)) == (410, "fullSyncRequired")
    google.control("/calendar/sync_tokens/expire", calendar_id=ANA)
    assert refused(events.list(calendarId=ANA, syncToken=ana)) == (410, "fullSyncRequired")
    assert listed(events, BRUNO, syncToken=bruno)["items"] == []
    google.control("/calendar/sync_tokens/expire")
    assert refused(events.list(calendarId=BRUNO, syncToken=bruno)) == (410, "fullSyncRequired")


def test_a_token_from_before_a_reset_is_worthless(google, events):
    token = listed(events)["nextSyncToken"]
    google.reset()
    assert refused(google.events().list(calendarId=ANA, syncToken=token)) == (410, "fullSyncRequired")


def test_a_sync_shows_each_change_once_and_a_deletion_by_its_id_alone(google, events):
    drag, gone, asked, quiet = add(events, at(9), at(10), at(11, attendees=[{"email": LEAD}]), at(13))
    token = listed(events)["nextSyncToken"]
    google.control("/calendar/event/move", calendar_id=ANA, event_id=drag, start="2026-12-01T16:00:00-03:00")
    google.control("/calendar/event/move", calendar_id=ANA, event_id=drag, start="2026-12-01T17:00:00-03:00")
    google.control("/calendar/event/delete", calendar_id=ANA, event_id=gone)
    google.control("/calendar/event/respond", calendar_id=ANA, event_id=asked, email=LEAD, response="declined", comment="Não")
    own = google.control("/calendar/event/add", calendar_id=ANA, start="2026-12-02", summary="Dentista")["id"]
    seen = sync(events, token)
    items = {item["id"]: item for item in seen["items"]}
    assert len(seen["items"]) == len(items) == 4
    assert quiet not in items
    assert items[drag]["start"]["dateTime"] == "2026-12-01T17:00:00-03:00"
    assert items[drag]["end"]["dateTime"] == "2026-12-01T18:00:00-03:00"
    assert items[drag]["sequence"] == 2
    assert items[gone].keys() == {"kind", "etag", "id", "status"}
    assert items[asked]["attendees"] == [{"email": LEAD, "responseStatus": "declined", "comment": "Não"}]
    assert items[own]["start"] == {"date": "2026-12-02"}
    assert sync(events, seen["nextSyncToken"])["items"] == []


def test_our_own_write_comes_back_with_the_etag_we_were_given(events):
    token = listed(events)["nextSyncToken"]
    made = events.insert(calendarId=ANA, body=at(9)).execute()
    assert [item["etag"] for item in sync(events, token)["items"]] == [made["etag"]]


def test_pages_of_a_sync_keep_the_token(events):
    token = listed(events)["nextSyncToken"]
    wanted = add(events, at(9), at(10))
    first = sync(events, token, maxResults=1)
    second = sync(events, token, maxResults=1, pageToken=first["nextPageToken"])
    assert ids(first) + ids(second) == wanted
    assert sync(events, second["nextSyncToken"])["items"] == []


def test_a_selector_takes_nested_parts_and_nothing_else(events):
    add(events, at(9, attendees=[{"email": LEAD}], extendedProperties={"private": {"lead": "1", "x": "2"}}))
    fields = "nextSyncToken,items(id,start/dateTime,attendees(email,responseStatus),extendedProperties/private/lead)"
    answer = listed(events, fields=fields)
    assert answer.keys() == {"nextSyncToken", "items"}
    assert answer["items"][0].keys() == {"id", "start", "attendees", "extendedProperties"}
    assert answer["items"][0]["start"] == {"dateTime": "2026-12-01T09:00:00-03:00"}
    assert answer["items"][0]["attendees"] == [{"email": LEAD, "responseStatus": "needsAction"}]
    assert answer["items"][0]["extendedProperties"] == {"private": {"lead": "1"}}
    one = events.get(calendarId=ANA, eventId=answer["items"][0]["id"], fields="*").execute()
    assert one["summary"] == "9 h"


@pytest.mark.parametrize("fields", ["items(idd)", "items(id", "items(id))", "nosuch", "items//id", ",", "()"])
def test_a_broken_selector_is_refused(events, fields):
    assert refused(events.list(calendarId=ANA, fields=fields)) == (400, "invalidParameter")
    assert refused(events.insert(calendarId=ANA, body=at(9), fields=fields)) == (400, "invalidParameter")
    assert listed(events)["items"] == []


def test_the_selector_of_the_guide_for_a_sync_is_understood(events):
    fields = (
        "nextPageToken,nextSyncToken,items(id,etag,status,updated,sequence,start,end,organizer,"
        "attendees(self,email,responseStatus),transparency,extendedProperties/private)"
    )
    assert listed(events, fields=fields).keys() == {"nextSyncToken", "items"}


def test_long_guest_lists_can_be_cut(events):
    guests = [{"email": LEAD}, {"email": "x@cliente.example"}]
    (made,) = add(events, at(9, attendees=[*guests, {"email": ANA}]))
    seen = events.get(calendarId=ANA, eventId=made, maxAttendees=2).execute()
    assert [guest["email"] for guest in seen["attendees"]] == [ANA]
    assert seen["attendeesOmitted"] is True
    assert len(events.get(calendarId=ANA, eventId=made, maxAttendees=3).execute()["attendees"]) == 3
    seen["attendees"][0]["responseStatus"] = "accepted"
    whole = events.update(calendarId=ANA, eventId=made, body=seen).execute()
    assert [guest["responseStatus"] for guest in whole["attendees"]] == ["needsAction", "needsAction", "accepted"]


WEEKLY = {
    "id": "semanal",
    "summary": "Reunião de equipe",
    "start": {"dateTime": "2026-12-01T09:00:00-03:00", "timeZone": "America/Sao_Paulo"},
    "end": {"dateTime": "2026-12-01T10:00:00-03:00", "timeZone": "America/Sao_Paulo"},
    "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"],
}


def test_a_series_is_one_event_or_its_occurrences(events):
    add(events, WEEKLY)
    assert ids(listed(events)) == ["semanal"]
    single = listed(events, singleEvents=True, orderBy="startTime")["items"]
    assert [item["id"] for item in single] == [
        "semanal_20261201T120000Z",
        "semanal_20261208T120000Z",
        "semanal_20261215T120000Z",
    ]
    assert {item["recurringEventId"] for item in single} == {"semanal"}
    assert single[1]["originalStartTime"]["dateTime"] == "2026-12-08T09:00:00-03:00"
    assert "recurrence" not in single[0]
    in_week = listed(events, singleEvents=True, timeMin="2026-12-07T00:00:00Z", timeMax="2026-12-14T00:00:00Z")
    assert ids(in_week) == ["semanal_20261208T120000Z"]
    assert ids(listed(events, timeMin="2026-12-16T00:00:00Z")) == []


def test_one_occurrence_can_be_moved_and_another_deleted(events):
    add(events, WEEKLY)
    second, third = "semanal_20261208T120000Z", "semanal_20261215T120000Z"
    later = {"start": {"dateTime": "2026-12-08T15:00:00-03:00"}, "end": {"dateTime": "2026-12-08T16:00:00-03:00"}}
    moved = events.patch(calendarId=ANA, eventId=second, body=later).execute()
    assert moved["originalStartTime"]["dateTime"] == "2026-12-08T09:00:00-03:00"
    events.delete(calendarId=ANA, eventId=third).execute()
    single = listed(events, singleEvents=True, orderBy="startTime")["items"]
    assert [item["start"]["dateTime"][:13] for item in single] == ["2026-12-01T09", "2026-12-08T15"]
    instances = events.instances(calendarId=ANA, eventId="semanal").execute()
    assert ids(instances) == ["semanal_20261201T120000Z", second]
    assert refused(events.get(calendarId=ANA, eventId="semanal_20261209T120000Z")) == (404, "notFound")
    events.delete(calendarId=ANA, eventId="semanal").execute()
    assert ids(listed(events, singleEvents=True)) == []


def test_a_rule_with_an_end_in_utc_and_one_without_end_are_followed(events):
    add(events, WEEKLY | {"recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=20261208T120000Z"]})
    assert len(listed(events, singleEvents=True)["items"]) == 2
    add(events, WEEKLY | {"id": "semfim", "recurrence": ["RRULE:FREQ=DAILY"]})
    window = {"timeMin": "2030-01-01T03:00:00Z", "timeMax": "2030-01-03T03:00:00Z"}
    assert ids(listed(events, singleEvents=True, **window)) == ["semfim_20300101T120000Z", "semfim_20300102T120000Z"]
    assert refused(events.insert(calendarId=ANA, body=WEEKLY | {"recurrence": ["RRULE:NONSENSE"], "id": "outra"})) == (
        400,
        "invalid",
    )


def test_the_envelope_tells_zone_role_and_name_of_the_calendar(events):
    answer = listed(events, BRUNO, timeZone="UTC")
    assert (answer["timeZone"], answer["accessRole"], answer["summary"]) == ("UTC", "writer", "Bruno Teixeira")
    assert refused(events.list(calendarId=ANA, timeZone="Mars/Base")) == (400, "invalid")


def test_one_kind_of_token_does_not_pass_for_the_other(events):
    add(events, at(9), at(10))
    page, last = listed(events, maxResults=1)["nextPageToken"], listed(events)["nextSyncToken"]
    assert refused(events.list(calendarId=ANA, pageToken=last)) == (400, "invalidParameter")
    assert refused(events.list(calendarId=ANA, syncToken=page)) == (410, "fullSyncRequired")


def test_importing_makes_one_private_copy_per_ical_uid(events):
    body = meeting(iCalUID="externo-1@parceiro.example", organizer={"email": "chefe@parceiro.example"})
    first = events.import_(calendarId=ANA, body=body).execute()
    again = events.import_(calendarId=ANA, body=body | {"summary": "Novo título"}).execute()
    assert (first["id"], first["organizer"]) == (again["id"], {"email": "chefe@parceiro.example"})
    assert [item["summary"] for item in listed(events)["items"]] == ["Novo título"]
    assert refused(events.import_(calendarId=ANA, body=meeting())) == (400, "required")
