"""Who may do what: tokens, scopes, service accounts, shared and unshared calendars, the token endpoint."""

import json

import httplib2
import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.exceptions import RefreshError
from google.oauth2 import service_account
from google.oauth2.credentials import Credentials
from google_auth_httplib2 import Request
from google_contract import Contract
from google_world import ANA, BRUNO, LEAD, GoogleServer, meeting, refused, with_meet

from sandbox.google.scopes import SCOPES

ROBOT = "marcado@solclaro.iam.gserviceaccount.com"
EVENTS = "https://www.googleapis.com/auth/calendar.events"
FREEBUSY = "https://www.googleapis.com/auth/calendar.freebusy"


@pytest.fixture(scope="module")
def server():
    with GoogleServer() as running:
        yield running


@pytest.fixture
def google(server):
    server.reset()
    return server


@pytest.fixture(scope="module")
def key_file(tmp_path_factory):
    """A service account's key file, as Google's console hands it out."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    path = tmp_path_factory.mktemp("keys") / "robot.json"
    info = {"type": "service_account", "client_email": ROBOT, "private_key": pem, "private_key_id": "k1"}
    path.write_text(json.dumps(info), "utf-8")
    return path


def robot(google, key_file, *scopes, subject=None):
    info = json.loads(key_file.read_text("utf-8")) | {"token_uri": f"{google.url}/token"}
    return service_account.Credentials.from_service_account_info(info, scopes=scopes or (EVENTS, FREEBUSY), subject=subject)


def person(google, refresh_token="r-1"):
    return Credentials(
        None,
        refresh_token=refresh_token,
        token_uri=f"{google.url}/token",
        client_id="id.apps.googleusercontent.com",
        client_secret="secret",
    )


def refresh(google, credentials):
    credentials.refresh(Request(google.http()))
    return credentials


def question(name=ANA):
    return {"timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-02T00:00:00Z", "items": [{"id": name}]}


def status_and_reason(answer: httpx.Response):
    return answer.status_code, answer.json()["error"]["errors"][0]["reason"]


def get(google, path, token=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.get(google.endpoint + path, headers=headers, trust_env=False)


def test_any_token_and_none_are_good_by_default(google):
    assert get(google, "calendars/primary").json()["id"] == ANA
    assert get(google, "calendars/primary", "whatever").json()["id"] == ANA


def test_a_strict_server_knows_only_its_own_tokens(google):
    google.reset(require_token=True, tokens={"good": {"user": BRUNO}})
    for token in (None, "whatever"):
        answer = get(google, "calendars/primary", token)
        assert status_and_reason(answer) == (401, "authError")
        assert answer.json()["error"]["status"] == "UNAUTHENTICATED"
    assert get(google, "calendars/primary", "good").json()["id"] == BRUNO


def test_a_static_token_refused_ends_in_the_clients_own_error(google):
    google.reset(require_token=True)
    with pytest.raises(RefreshError):
        google.events("wrong").list(calendarId=ANA).execute()


def test_a_delegated_service_account_acts_as_the_seller(google, key_file):
    google.reset(require_token=True)
    events = google.calendar(robot(google, key_file, subject=ANA)).events()
    made = events.insert(calendarId="primary", body=with_meet(attendees=[{"email": LEAD}]), conferenceDataVersion=1).execute()
    assert (made["creator"], made["organizer"]) == ({"email": ANA, "self": True}, {"email": ANA, "self": True})
    assert made["hangoutLink"].startswith("https://meet.google.com/")


def test_a_plain_service_account_may_neither_invite_nor_make_meet_links(google, key_file):
    google.reset(require_token=True)
    events = google.calendar(robot(google, key_file)).events()
    guests = events.insert(calendarId=ANA, body=meeting(attendees=[{"email": LEAD}]))
    assert refused(guests) == (403, "forbiddenForServiceAccounts")
    assert refused(events.insert(calendarId=ANA, body=with_meet(), conferenceDataVersion=1)) == (400, "invalid")
    made = events.insert(calendarId=ANA, body=meeting()).execute()
    assert (made["creator"], made["organizer"]) == ({"email": ROBOT}, {"email": ANA, "self": True})
    patch = events.patch(calendarId=ANA, eventId=made["id"], body={"attendees": [{"email": LEAD}]})
    assert refused(patch) == (403, "forbiddenForServiceAccounts")
    assert google.snapshot()["notifications"] == []


def test_service_account_mode_needs_no_credentials(google):
    google.control("/calendar/options", service_account=True)
    events = google.events()
    invitation = events.insert(calendarId=ANA, body=meeting(attendees=[{"email": LEAD}]))
    assert refused(invitation) == (403, "forbiddenForServiceAccounts")
    assert refused(events.insert(calendarId=ANA, body=with_meet(), conferenceDataVersion=1)) == (400, "invalid")
    assert refused(events.get(calendarId="primary", eventId="abcde")) == (404, "notFound")


def test_without_delegation_acting_for_a_user_is_unauthorized(google, key_file):
    google.control("/calendar/options", delegation=False)
    with pytest.raises(RefreshError, match="unauthorized_client"):
        refresh(google, robot(google, key_file, subject=ANA))


def test_acting_for_somebody_unknown_is_an_invalid_grant(google, key_file):
    with pytest.raises(RefreshError, match="invalid_grant"):
        refresh(google, robot(google, key_file, subject="nobody@solclaro.example"))


def test_events_scope_alone_does_not_open_free_busy(google, key_file):
    narrow = google.calendar(robot(google, key_file, EVENTS, subject=ANA))
    narrow.events().list(calendarId=ANA).execute()
    assert refused(narrow.freebusy().query(body=question())) == (403, "insufficientPermissions")
    wide = google.calendar(robot(google, key_file, EVENTS, FREEBUSY, subject=ANA))
    assert wide.freebusy().query(body=question()).execute()["calendars"][ANA] == {"busy": []}
    assert refused(wide.calendars().get(calendarId=ANA)) == (403, "insufficientPermissions")


def test_the_table_of_scopes_is_googles():
    methods = Contract().methods
    assert set(SCOPES) <= set(methods)
    for name, scopes in SCOPES.items():
        assert {f"https://www.googleapis.com/auth/{scope}" for scope in scopes} == set(methods[name]["scopes"]), name


def test_a_refresh_token_belongs_to_the_user_the_seed_gives_it(google):
    google.reset(require_token=True, refresh_tokens={"r-bruno": {"user": BRUNO, "scopes": [EVENTS]}})
    credentials = refresh(google, person(google, "r-bruno"))
    calendar = google.calendar(credentials)
    assert calendar.events().list(calendarId="primary").execute()["summary"] == "Bruno Teixeira"
    assert refused(calendar.freebusy().query(body=question())) == (403, "insufficientPermissions")
    assert google.snapshot()["tokens"][0]["user"] == BRUNO


def test_an_expired_access_token_is_refreshed_by_the_client(google):
    google.reset(require_token=True)
    credentials = refresh(google, person(google))
    events, first = google.calendar(credentials).events(), credentials.token
    assert google.control("/calendar/tokens/expire") == {"expired": 1}
    events.list(calendarId=ANA).execute()
    assert credentials.token != first
    assert get(google, "calendars/primary", first).status_code == 401


def test_an_access_token_lives_an_hour(google):
    google.clock("2026-11-23T13:00:00+00:00")
    token = refresh(google, person(google)).token
    assert get(google, "calendars/primary", token).status_code == 200
    google.control("/clock", advance_s=3600)
    assert get(google, "calendars/primary", token).status_code == 401


@pytest.mark.parametrize("who", [ANA, "r-1"])
def test_a_revoked_grant_is_final_until_restored(google, who):
    credentials = refresh(google, person(google))
    google.control("/calendar/tokens/revoke", who=who)
    with pytest.raises(RefreshError, match="invalid_grant"):
        credentials.refresh(Request(google.http()))
    google.control("/calendar/tokens/restore")
    refresh(google, person(google))


def test_revoking_a_user_ends_the_tokens_in_use(google):
    token = refresh(google, person(google)).token
    google.control("/calendar/tokens/revoke", who=ANA)
    assert get(google, "calendars/primary", token).status_code == 401
    assert get(google, "calendars/primary").status_code == 401


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "x"}, "invalid_grant"),
    ],
)
def test_a_token_request_that_makes_no_sense_is_refused_in_oauths_form(google, form, error):
    answer = httpx.post(f"{google.url}/token", data=form, trust_env=False)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_the_token_endpoint_has_its_own_bad_days(google):
    google.control("/faults", service="google", path="^/token", status=400)
    with pytest.raises(RefreshError, match="invalid_grant"):
        refresh(google, person(google))


def test_an_unshared_calendar_is_not_found_whatever_one_asks(google):
    events = google.events()
    made = events.insert(calendarId=ANA, body=meeting()).execute()["id"]
    token = events.list(calendarId=ANA).execute()["nextSyncToken"]
    google.control("/calendar/share", calendar_id=ANA, shared=False)
    for request in (
        events.get(calendarId=ANA, eventId=made),
        events.list(calendarId=ANA),
        events.insert(calendarId=ANA, body=meeting()),
        events.delete(calendarId=ANA, eventId=made),
        google.calendar().calendars().get(calendarId=ANA),
    ):
        assert refused(request) == (404, "notFound")
    google.control("/calendar/share", calendar_id=ANA)
    assert refused(events.list(calendarId=ANA, syncToken=token)) == (410, "fullSyncRequired")
    assert events.get(calendarId=ANA, eventId=made).execute()["status"] == "confirmed"


def test_a_calendar_shared_for_reading_refuses_writes(google):
    google.control("/calendar/share", calendar_id=BRUNO, role="reader")
    events = google.events()
    assert events.list(calendarId=BRUNO).execute()["accessRole"] == "reader"
    assert refused(events.insert(calendarId=BRUNO, body=meeting())) == (403, "requiredAccessLevel")


def test_calendars_are_listed_named_and_made(google):
    calendar = google.calendar()
    entries = calendar.calendarList().list().execute()["items"]
    assert [(item["id"], item.get("primary"), item["accessRole"]) for item in entries] == [
        (ANA, True, "owner"),
        (BRUNO, None, "writer"),
    ]
    assert calendar.calendars().get(calendarId="primary").execute()["timeZone"] == "America/Sao_Paulo"
    assert refused(calendar.calendars().insert(body={})) == (400, "required")
    made = calendar.calendars().insert(body={"summary": "Demos", "timeZone": "America/Bahia"}).execute()
    assert calendar.calendars().patch(calendarId=made["id"], body={"summary": "Visitas"}).execute()["summary"] == "Visitas"
    event = calendar.events().insert(calendarId=made["id"], body=meeting()).execute()
    assert event["organizer"] == {"email": made["id"], "displayName": "Visitas", "self": True}
    calendar.calendars().delete(calendarId=made["id"]).execute()
    assert refused(calendar.calendars().get(calendarId=made["id"])) == (404, "notFound")
    assert refused(calendar.calendars().delete(calendarId=ANA)) == (403, "cannotDeletePrimaryCalendar")


def test_a_calendar_off_the_list_can_be_put_on_it(google):
    google.reset(calendars=[{"id": ANA}, {"id": BRUNO, "listed": False}])
    lists = google.calendar().calendarList()
    assert [item["id"] for item in lists.list().execute()["items"]] == [ANA]
    assert refused(lists.get(calendarId=BRUNO)) == (404, "notFound")
    lists.insert(body={"id": BRUNO, "colorId": "3"}).execute()
    assert lists.get(calendarId=BRUNO).execute()["colorId"] == "3"
    assert refused(lists.insert(body={"id": "nobody@solclaro.example"})) == (404, "notFound")


def test_working_hours_are_shown_where_they_are_set(google):
    hours = {"workingHoursEnabled": True, "availableTimes": [{"dayOfWeek": "monday", "periodStart": 540, "periodEnd": 1080}]}
    google.reset(calendars=[{"id": ANA, "working_hours": hours}, {"id": BRUNO}])
    calendars = google.calendar().calendars()
    assert calendars.get(calendarId=ANA).execute()["workingHours"] == hours
    assert "workingHours" not in calendars.get(calendarId=BRUNO).execute()


@pytest.mark.parametrize(
    "seed",
    [
        {"nonsense": 1},
        {"require_token": "yes"},
        {"deleted_write": "maybe"},
        {"calendars": [{"id": ANA, "color": "red"}]},
        {"calendars": [{"id": ANA, "time_zone": "Mars/Base"}]},
        {"tokens": {"t": {"name": "x"}}},
    ],
)
def test_a_seed_with_a_mistake_is_refused(google, seed):
    answer = httpx.post(f"{google.url}/_sandbox/reset", json={"google": seed}, trust_env=False)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_refusals_of_http_clients_without_a_method_are_envelopes(google):
    answer = get(google, "calendars/primary/nonsense")
    assert status_and_reason(answer) == (404, "notFound")
    assert status_and_reason(get(google, f"calendars/{ANA}/acl")) == (501, "notImitated")
    http = httplib2.Http(timeout=10, proxy_info=None)
    response, _ = http.request(f"{google.url}/elsewhere")
    http.close()
    assert response.status == 404
