"""Push channels: who may open one, what arrives, when it ends."""

import pytest
from google_world import ANA, BRUNO, GoogleServer, Receiver, meeting, refused, until


@pytest.fixture(scope="module")
def server():
    with GoogleServer() as running:
        yield running


@pytest.fixture
def google(server):
    server.reset()
    server.clock("2026-11-23T13:00:00+00:00")
    return server


@pytest.fixture
def events(google):
    return google.events()


@pytest.fixture
def receiver():
    with Receiver() as running:
        yield running


def watch(events, receiver, channel_id="c-1", calendar=ANA, **fields):
    body = {"id": channel_id, "type": "web_hook", "address": receiver.address, **fields.pop("body", {})}
    return events.watch(calendarId=calendar, body=body, **fields)


def settled(google):
    until(lambda: google.world.deliveries.idle)


def test_a_channel_is_confirmed_and_greeted_with_sync(google, events, receiver):
    channel = watch(events, receiver, body={"token": "segredo", "params": {"ttl": "3600"}}).execute()
    assert channel == {
        "kind": "api#channel",
        "id": "c-1",
        "resourceId": channel["resourceId"],
        "resourceUri": "https://www.googleapis.com/calendar/v3/calendars/ana%40solclaro.example/events?alt=json",
        "token": "segredo",
        "expiration": "1795442400000",
    }
    until(lambda: len(receiver.messages) == 1)
    headers = {name: value for name, value in receiver.messages[0].items() if name.startswith("x-goog-")}
    assert headers == {
        "x-goog-channel-id": "c-1",
        "x-goog-channel-token": "segredo",
        "x-goog-channel-expiration": "Mon, 23 Nov 2026 14:00:00 GMT",
        "x-goog-resource-id": channel["resourceId"],
        "x-goog-resource-uri": channel["resourceUri"],
        "x-goog-resource-state": "sync",
        "x-goog-message-number": "1",
    }
    assert receiver.bodies == [b""]


def test_every_change_of_the_calendar_is_announced_and_nothing_else(google, events, receiver):
    watch(events, receiver).execute()
    made = events.insert(calendarId=ANA, body=meeting()).execute()["id"]
    events.get(calendarId=ANA, eventId=made).execute()
    events.list(calendarId=ANA).execute()
    events.insert(calendarId=BRUNO, body=meeting()).execute()
    assert refused(events.insert(calendarId=ANA, body={"summary": "x"}))[0] == 400
    events.patch(calendarId=ANA, eventId=made, body={"summary": "x"}).execute()
    google.control("/calendar/event/move", calendar_id=ANA, event_id=made, start="2026-12-02T10:00:00-03:00")
    events.delete(calendarId=ANA, eventId=made).execute()
    settled(google)
    assert sorted(receiver.states()) == ["exists"] * 4 + ["sync"]
    numbers = sorted(int(message["x-goog-message-number"]) for message in receiver.messages)
    assert numbers == [1, 2, 3, 4, 5]
    assert not any("x-goog-channel-token" in message for message in receiver.messages)


def test_an_invitation_from_one_calendar_is_announced_on_the_other(google, events, receiver):
    watch(events, receiver, calendar=BRUNO).execute()
    events.insert(calendarId=ANA, body=meeting(attendees=[{"email": BRUNO}])).execute()
    until(lambda: sorted(receiver.states()) == ["exists", "sync"])


def test_a_channel_for_one_kind_of_event_hears_only_of_that_kind(google, events, receiver):
    watch(events, receiver, eventTypes=["focusTime"]).execute()
    events.insert(calendarId=ANA, body=meeting()).execute()
    events.insert(calendarId=ANA, body=meeting(eventType="focusTime")).execute()
    settled(google)
    assert sorted(receiver.states()) == ["exists", "sync"]


def test_a_stopped_channel_is_silent(google, events, receiver):
    channel = watch(events, receiver).execute()
    settled(google)
    stop = google.calendar().channels().stop
    assert refused(stop(body={"id": "c-1", "resourceId": "wrong"})) == (404, "notFound")
    assert stop(body={"id": "c-1", "resourceId": channel["resourceId"]}).execute() == ""
    assert refused(stop(body={"id": "c-1", "resourceId": channel["resourceId"]})) == (404, "notFound")
    events.insert(calendarId=ANA, body=meeting()).execute()
    settled(google)
    assert receiver.states() == ["sync"]


def test_an_expired_channel_is_silent(google, events, receiver):
    watch(events, receiver).execute()
    settled(google)
    google.control("/clock", advance_s=604_799)
    events.insert(calendarId=ANA, body=meeting()).execute()
    settled(google)
    google.control("/clock", advance_s=1)
    events.insert(calendarId=ANA, body=meeting()).execute()
    settled(google)
    assert receiver.states() == ["sync", "exists"]
    assert google.snapshot()["channels"][0]["live"] is False


def test_a_long_life_is_cut_to_thirty_days(google, events, receiver):
    month_ms = 30 * 86_400_000
    now_ms = 1795438800000
    long = watch(events, receiver, body={"params": {"ttl": "99999999"}}).execute()
    wished = watch(events, receiver, "c-2", body={"expiration": str(now_ms + 60_000)}).execute()
    default = watch(events, receiver, "c-3").execute()
    assert [int(c["expiration"]) - now_ms for c in (long, wished, default)] == [month_ms, 60_000, 604_800_000]


def test_two_channels_overlap_under_one_resource(google, events, receiver):
    first, second = watch(events, receiver).execute(), watch(events, receiver, "c-2").execute()
    assert first["resourceId"] == second["resourceId"]
    events.insert(calendarId=ANA, body=meeting()).execute()
    until(lambda: receiver.states().count("exists") == 2)
    other = watch(events, receiver, "c-3", BRUNO).execute()
    assert other["resourceId"] != first["resourceId"]


def test_a_channel_id_is_good_only_once_even_after_stop(google, events, receiver):
    channel = watch(events, receiver).execute()
    assert refused(watch(events, receiver)) == (400, "channelIdNotUnique")
    google.calendar().channels().stop(body={"id": "c-1", "resourceId": channel["resourceId"]}).execute()
    assert refused(watch(events, receiver)) == (400, "channelIdNotUnique")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"address": "http://hooks.example.com/gcal"}, "push.webhookUrlNotHttps"),
        ({"address": None}, "required"),
        ({"id": None}, "required"),
        ({"id": "x" * 65}, "invalid"),
        ({"id": "com espaço"}, "invalid"),
        ({"type": "email"}, "invalid"),
        ({"token": "x" * 257}, "invalid"),
        ({"expiration": "soon"}, "invalid"),
        ({"expiration": "1"}, "invalid"),
    ],
)
def test_a_channel_that_cannot_be_is_refused(google, events, receiver, body, reason):
    assert refused(watch(events, receiver, body=body)) == (400, reason)
    assert google.snapshot()["channels"] == []


def test_even_loopback_must_be_https_when_google_is_strict(google, events, receiver):
    google.control("/calendar/options", allow_http_channels=False)
    assert refused(watch(events, receiver)) == (400, "push.webhookUrlNotHttps")
    https = {"address": "https://127.0.0.1:1/gcal"}
    assert watch(events, receiver, body=https).execute()["id"] == "c-1"


def deliveries(google):
    return [item.describe() for item in google.world.deliveries.log]


@pytest.mark.parametrize(("answer", "attempts", "state"), [(204, 1, "delivered"), (404, 1, "failed"), (503, 2, "waiting")])
def test_only_server_errors_are_tried_again(google, events, answer, attempts, state):
    with Receiver(answer) as receiver:
        watch(events, receiver).execute()
        until(lambda: [item["status"] for item in deliveries(google)] == [answer])
        google.control("/clock", advance_s=1)
        until(lambda: [(item["attempts"], item["state"]) for item in deliveries(google)] == [(attempts, state)])


def test_messages_can_be_lost_and_doubled(google, events, receiver):
    google.control("/deliveries/faults", service="google", event="exists", mode="lose")
    google.control("/deliveries/faults", service="google", event="sync", mode="double")
    watch(events, receiver).execute()
    events.insert(calendarId=ANA, body=meeting()).execute()
    until(lambda: len(receiver.messages) == 2)
    settled(google)
    assert receiver.states() == ["sync", "sync"]


def test_a_meet_link_that_became_ready_is_announced(google, events, receiver):
    google.control("/calendar/options", conference_pending_reads=1)
    wish = {"createRequest": {"requestId": "1"}}
    body = meeting(conferenceData=wish)
    made = events.insert(calendarId=ANA, body=body, conferenceDataVersion=1).execute()
    watch(events, receiver).execute()
    events.get(calendarId=ANA, eventId=made["id"]).execute()
    settled(google)
    assert receiver.states() == ["sync"]
    ready = events.get(calendarId=ANA, eventId=made["id"]).execute()
    assert "hangoutLink" in ready
    until(lambda: receiver.states() == ["sync", "exists"])
