"""The wire itself: bad days on demand, long queries, batches, odd ids."""

import time
from http.client import RemoteDisconnected

import httpx
import pytest
from google.oauth2.credentials import Credentials
from google_auth_httplib2 import AuthorizedHttp
from google_world import ANA, BRUNO, GoogleServer, meeting, refused, until
from googleapiclient.errors import HttpError
from googleapiclient.http import BatchHttpRequest

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


def fault(google, **fields):
    google.control("/faults", service="google", **fields)


def stored(google):
    return list(google.snapshot()["calendars"][ANA]["events"])


def insert(events):
    return events.insert(calendarId=ANA, body=meeting(id=MINE))


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "authError"),
        (403, "rateLimitExceeded"),
        (404, "notFound"),
        (429, "rateLimitExceeded"),
        (500, "backendError"),
    ],
)
def test_a_refusal_on_demand_is_worded_as_google_words_it_and_changes_nothing(google, status, reason):
    fault(google, method="POST", path="/events", status=status)
    answer = httpx.post(f"{google.endpoint}calendars/{ANA}/events", json=meeting(id=MINE), trust_env=False)
    assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (status, reason)
    assert stored(google) == []


def test_a_refusal_may_carry_any_reason(google, events):
    body = {
        "error": {
            "code": 403,
            "message": "Calendar usage limits exceeded.",
            "errors": [{"domain": "usageLimits", "reason": "quotaExceeded", "message": "Calendar usage limits exceeded."}],
        }
    }
    fault(google, status=403, body=body)
    assert refused(insert(events)) == (403, "quotaExceeded")


@pytest.mark.parametrize("status", [502, 503, 504])
def test_front_ends_answer_in_html(google, events, status):
    fault(google, status=status)
    with pytest.raises(HttpError) as caught:
        insert(events).execute()
    assert caught.value.status_code == status
    assert b"<html>" in caught.value.content


def test_committed_then_500_leaves_the_event_and_a_repeat_collides(google, events):
    fault(google, method="POST", status=500, after_write=True)
    assert refused(insert(events)) == (500, "backendError")
    assert stored(google) == [MINE]
    assert refused(insert(events)) == (409, "duplicate")
    assert events.get(calendarId=ANA, eventId=MINE).execute()["status"] == "confirmed"


def test_committed_then_closed_the_transports_own_repeat_collides(google, events):
    fault(google, method="POST", drop="after")
    assert refused(insert(events)) == (409, "duplicate")
    assert stored(google) == [MINE]


def test_without_a_client_made_id_the_same_close_makes_two_meetings(google, events):
    fault(google, method="POST", drop="after")
    events.insert(calendarId=ANA, body=meeting()).execute()
    assert len(stored(google)) == 2


def test_closed_before_the_write_the_repeat_succeeds(google, events):
    fault(google, method="POST", drop="before")
    assert insert(events).execute()["id"] == MINE
    assert stored(google) == [MINE]


def test_closed_for_good_it_ends_in_the_clients_error(google, events):
    fault(google, method="POST", drop="before", times=-1)
    with pytest.raises(RemoteDisconnected):
        insert(events).execute()
    assert stored(google) == []


def test_a_swallowed_write_is_acknowledged_and_gone(google, events):
    fault(google, method="POST", swallow=True)
    assert insert(events).execute()["status"] == "confirmed"
    assert refused(events.get(calendarId=ANA, eventId=MINE)) == (404, "notFound")
    assert insert(events).execute()["id"] == MINE


def test_a_held_answer_ends_in_a_timeout_with_the_event_written(google, events):
    fault(google, method="POST", hold="after")
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{google.endpoint}calendars/{ANA}/events", json=meeting(id=MINE), timeout=0.3, trust_env=False)
    until(lambda: stored(google) == [MINE])
    google.control("/faults/release")


def test_a_slow_answer_is_slow(google, events):
    fault(google, delay_s=0.2)
    begun = time.monotonic()
    insert(events).execute()
    assert time.monotonic() - begun >= 0.2


def test_a_long_query_travels_as_post_and_is_a_get_all_the_same(google, events):
    insert(events).execute()
    token = events.list(calendarId=ANA).execute()["nextSyncToken"]
    long = ["k=" + "v" * 500] * 6
    assert events.list(calendarId=ANA, privateExtendedProperty=long).execute()["items"] == []
    sent = google.exchanges[-1]
    assert (sent.method, sent.headers["x-http-method-override"]) == ("POST", "GET")
    assert refused(events.list(calendarId=ANA, privateExtendedProperty=long, syncToken=token)) == (400, "invalid")
    assert stored(google) == [MINE]


@pytest.mark.parametrize("calendar_id", ["sala/1@solclaro.example", "#contacts@group.v.calendar.google.com", "a b+c@x.example"])
def test_ids_with_odd_characters_survive_the_path(google, calendar_id):
    google.reset(calendars=[{"id": calendar_id}])
    made = google.events().insert(calendarId=calendar_id, body=meeting(id=MINE)).execute()
    assert made["organizer"]["email"] == calendar_id
    assert google.events().get(calendarId=calendar_id, eventId=MINE).execute()["id"] == MINE


def test_primary_is_the_callers_calendar(google):
    google.reset(user=BRUNO)
    made = google.events().insert(calendarId="primary", body=meeting(id=MINE)).execute()
    assert made["organizer"] == {"email": BRUNO, "self": True}
    assert list(google.snapshot()["calendars"][BRUNO]["events"]) == [MINE]


def batch(google, callback):
    return BatchHttpRequest(callback=callback, batch_uri=f"{google.url}/batch/calendar/v3")


def test_a_batch_answers_each_of_its_calls(google, events):
    answers = {}
    calls = batch(google, lambda request_id, answer, error: answers.update({request_id: error or answer}))
    calls.add(insert(events), request_id="new")
    calls.add(insert(events), request_id="again")
    calls.add(events.list(calendarId=ANA, fields="items(id)"), request_id="list")
    calls.add(events.patch(calendarId=ANA, eventId=MINE, body={"summary": "Ação"}), request_id="patch")
    calls.add(events.delete(calendarId=ANA, eventId=MINE), request_id="delete")
    calls.execute(http=google.http())
    assert answers["new"]["id"] == MINE
    assert (answers["again"].status_code, answers["again"].error_details[0]["reason"]) == (409, "duplicate")
    assert answers["list"] == {"items": [{"id": MINE}]}
    assert answers["patch"]["summary"] == "Ação"
    assert answers["delete"] == ""


def test_a_batch_carries_the_callers_token_to_its_parts(google):
    google.reset(require_token=True, tokens={"good": {"user": ANA}})
    seen = []
    calls = batch(google, lambda request_id, answer, error: seen.append(error or answer))
    calls.add(google.events().list(calendarId="primary"))
    calls.execute(http=AuthorizedHttp(Credentials(token="good"), http=google.http()))
    assert seen[0]["summary"] == "Ana Ribeiro"


def test_what_is_no_batch_is_refused(google):
    answer = httpx.post(f"{google.url}/batch/calendar/v3", content=b"x", trust_env=False)
    assert answer.status_code == 400
