"""CalendarClient: guests and Meet links, and accounts that may have neither."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from outside_world import ANA, BRUNO, QUICK, OutsideWorld, failure, logged

from clients.calendar import Extra, Guest, GuestResponse, Invitee, NewEvent
from clients.errors import ConflictError, LoginRefusedError, NotFoundError, OutcomeUnknownError, RefusedError

ZONE = "America/Sao_Paulo"
START = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)
END = START + timedelta(minutes=30)
JOANA, PEDRO = "joana@cliente.example", "pedro@cliente.example"
PLAIN = NewEvent("reuniao1", "Visita técnica", "Telhado", START, END, ZONE, {"marcado_meeting": "7"})
RICH = replace(PLAIN, guests=[Invitee(JOANA, "Joana Souza")], wants_meet=True)


def insert(calendar, event: NewEvent = RICH):
    return calendar.insert_event(ANA, event)


def stored(world: OutsideWorld, calendar_id: str = ANA) -> dict:
    return world.state("google")["calendars"][calendar_id]["events"]["reuniao1"]


def posts(world: OutsideWorld) -> list[dict]:
    return [json.loads(entry["body"]) for entry in world.requests("google") if entry["method"] == "POST"]


def mails(world: OutsideWorld, kind: str) -> list[str]:
    return [mail["to"] for mail in world.state("google")["notifications"] if mail["what"] == kind]


# Making


def test_a_guest_is_invited_by_mail_and_a_meet_link_is_made(world):
    event = world.calendar(insert)
    assert event.guests == (Guest(JOANA, GuestResponse.NEEDS_ACTION),)
    assert event.meet_link == stored(world)["hangoutLink"]
    assert event.meet_link.startswith("https://meet.google.com/")
    assert stored(world)["attendees"] == [{"email": JOANA, "displayName": "Joana Souza", "responseStatus": "needsAction"}]
    assert mails(world, "invitation") == [JOANA]
    assert len(world.requests("google")) == 1


def test_an_event_without_either_asks_for_neither(world):
    event = world.calendar(lambda calendar: insert(calendar, PLAIN))
    assert (event.guests, event.meet_link, event.is_meet_pending) == ((), "", False)
    assert posts(world)[0].keys() & {"attendees", "conferenceData"} == set()


@pytest.mark.parametrize("times", [1, 2])
def test_a_repeated_insert_makes_one_link(world, times):
    world.fault("google", method="POST", drop="after", times=times)
    event = world.calendar(insert)
    requests = {body["conferenceData"]["createRequest"]["requestId"] for body in posts(world)}
    assert requests == {"reuniao1"}
    assert event.meet_link == stored(world)["hangoutLink"]


def test_a_link_that_takes_a_moment_is_waited_for(world):
    world.control("/calendar/options", conference_pending_reads=1)
    event = world.calendar(insert)
    assert (event.meet_link, event.is_meet_pending) == (stored(world)["hangoutLink"], False)


def test_a_link_that_takes_longer_does_not_hold_up_the_event(world):
    world.control("/calendar/options", conference_pending_reads=50)

    async def work(calendar):
        made = await insert(calendar)
        world.control("/calendar/event/conference", calendar_id=ANA, event_id="reuniao1")
        return made, await calendar.get_event(ANA, "reuniao1")

    made, later = world.calendar(work)
    assert (made.id, made.meet_link, made.is_meet_pending) == ("reuniao1", "", True)
    assert (later.meet_link, later.is_meet_pending) == (stored(world)["hangoutLink"], False)
    assert [entry["method"] for entry in world.requests("google")] == ["POST", *["GET"] * QUICK.attempts, "GET"]


def test_a_link_that_fails_leaves_the_event_without_one(world):
    world.control("/calendar/options", conference_outcome="failure")
    event = world.calendar(insert)
    assert (event.meet_link, event.is_meet_pending, event.is_cancelled) == ("", False, False)


def test_trouble_while_waiting_for_the_link_is_no_trouble_with_the_event(world):
    world.control("/calendar/options", conference_pending_reads=1)
    world.fault("google", method="GET", status=503, times=-1)
    event = world.calendar(insert)
    assert (event.id, event.is_meet_pending) == ("reuniao1", True)


def test_a_video_call_of_another_provider_is_read_too(world):
    entries = [
        {"entryPointType": "phone", "uri": "tel:+55-11-5555-0000"},
        {"entryPointType": "video", "uri": "https://zoom.example/j/1"},
    ]
    world.fault("google", status=200, body={"id": "reuniao1", "conferenceData": {"entryPoints": entries}})
    assert world.calendar(lambda calendar: calendar.get_event(ANA, "reuniao1")).meet_link == "https://zoom.example/j/1"


def test_an_answer_that_google_invents_later_counts_as_none(world):
    attendees = [{"email": JOANA, "responseStatus": "fromAfar"}, {"responseStatus": "accepted", "self": True}]
    world.fault("google", status=200, body={"id": "reuniao1", "attendees": attendees})
    event = world.calendar(lambda calendar: calendar.get_event(ANA, "reuniao1"))
    assert event.guests == (Guest(JOANA, GuestResponse.NEEDS_ACTION), Guest("", GuestResponse.ACCEPTED, is_self=True))
    assert event.own_response is GuestResponse.ACCEPTED


# Accounts that may not


def test_a_service_account_makes_the_event_without_guests_and_link(world):
    world.control("/calendar/options", service_account=True)

    async def work(calendar):
        with logged() as entries:
            event = await insert(calendar)
        return event, calendar.cannot(ANA), [entry for entry in entries if entry["event"] == "event made without"]

    event, cannot, warnings = world.calendar(work)
    assert (event.id, event.guests, event.meet_link) == ("reuniao1", (), "")
    assert stored(world)["summary"] == "Visita técnica"
    assert cannot == {Extra.GUESTS, Extra.MEET}
    assert [(entry["left_out"], entry["for_good"]) for entry in warnings] == [(["guests", "meet"], ["guests", "meet"])]
    assert JOANA not in str(warnings)


def test_what_was_refused_for_good_is_not_asked_for_again(world):
    world.control("/calendar/options", service_account=True)

    async def work(calendar):
        await insert(calendar)
        before = len(world.requests("google"))
        with logged() as entries:
            await insert(calendar, replace(RICH, id="reuniao2"))
        return len(world.requests("google")) - before, [entry["event"] for entry in entries]

    calls, events = world.calendar(work)
    assert (calls, events) == (1, ["call"])


def test_what_one_calendar_refuses_is_still_asked_of_another(world):
    world.control("/calendar/options", service_account=True)

    async def work(calendar):
        await insert(calendar)
        world.control("/calendar/options", service_account=False)
        return await calendar.insert_event(BRUNO, RICH)

    assert world.calendar(work).meet_link


def test_a_calendar_without_meet_keeps_the_guests(world):
    refusal = {"error": {"code": 400, "message": "Invalid conference type value.", "errors": [{"reason": "invalid"}]}}
    world.fault("google", method="POST", body_has="conferenceData", status=400, body=refusal, times=-1)

    async def work(calendar):
        return await insert(calendar), calendar.cannot(ANA)

    event, cannot = world.calendar(work)
    assert ([guest.email for guest in event.guests], event.meet_link) == ([JOANA], "")
    assert cannot == {Extra.MEET}
    assert len(posts(world)) == 2


def test_an_account_that_may_not_invite_keeps_the_link(world):
    reasons = [{"domain": "calendar", "reason": "forbiddenForServiceAccounts"}]
    refusal = {"error": {"code": 403, "message": "no", "errors": reasons}}
    world.fault("google", method="POST", body_has="attendees", status=403, body=refusal, times=-1)

    async def work(calendar):
        return await insert(calendar), calendar.cannot(ANA)

    event, cannot = world.calendar(work)
    assert (event.guests, bool(event.meet_link)) == ((), True)
    assert cannot == {Extra.GUESTS}


def test_a_mistyped_address_costs_the_invitation_and_not_the_meeting(world):
    async def work(calendar):
        wrong = await insert(calendar, replace(RICH, guests=[Invitee("joana arroba gmail")]))
        right = await insert(calendar, replace(RICH, id="reuniao2"))
        return wrong, right, calendar.cannot(ANA)

    wrong, right, cannot = world.calendar(work)
    assert (wrong.guests, bool(wrong.meet_link)) == ((), True)
    assert [guest.email for guest in right.guests] == [JOANA]
    assert cannot == frozenset()


def test_a_mistake_in_the_event_itself_is_still_refused(world):
    error = world.calendar(lambda calendar: failure(insert(calendar, replace(RICH, ends_at=START))))
    assert (type(error), error.detail) == (RefusedError, "status 400, timeRangeEmpty")
    assert len(posts(world)) == 4


def test_a_calendar_that_is_only_read_needs_a_person_whatever_is_left_out(world):
    world.control("/calendar/share", calendar_id=BRUNO, role="reader")
    error = world.calendar(lambda calendar: failure(calendar.insert_event(BRUNO, RICH)))
    assert (type(error), len(posts(world))) == (LoginRefusedError, 1)


# Changing


def test_moving_keeps_guests_answers_and_link(world):
    async def work(calendar):
        made = await insert(calendar)
        world.control("/calendar/event/respond", calendar_id=ANA, event_id="reuniao1", email=JOANA, response="accepted")
        return made, await calendar.move_event(ANA, "reuniao1", START + timedelta(hours=1), END + timedelta(hours=1), ZONE)

    made, moved = world.calendar(work)
    assert moved.meet_link == made.meet_link
    assert moved.guests == (Guest(JOANA, GuestResponse.ACCEPTED),)
    assert moved.sequence == made.sequence + 1
    assert mails(world, "update") == [JOANA]


def change(calendar, **wanted):
    return calendar.change_guests(ANA, "reuniao1", **wanted)


def test_a_guest_more_and_a_guest_less_leave_the_others_and_their_answers(world):
    async def work(calendar):
        await insert(calendar)
        world.control("/calendar/event/invite", calendar_id=ANA, event_id="reuniao1", email=BRUNO)
        world.control("/calendar/event/respond", calendar_id=BRUNO, event_id="reuniao1", email=BRUNO, response="accepted")
        return await change(calendar, invite=[Invitee(PEDRO, "Pedro")], uninvite=[JOANA.upper()])

    event = world.calendar(work)
    assert event.guests == (Guest(BRUNO, GuestResponse.ACCEPTED), Guest(PEDRO, GuestResponse.NEEDS_ACTION))
    assert event.meet_link == stored(world)["hangoutLink"]
    assert (mails(world, "invitation")[-1], mails(world, "cancellation")) == (PEDRO, [JOANA])


def test_inviting_who_is_invited_writes_nothing(world):
    async def work(calendar):
        await insert(calendar)
        return await change(calendar, invite=[Invitee(JOANA.title())], uninvite=[PEDRO])

    event = world.calendar(work)
    assert [guest.email for guest in event.guests] == [JOANA]
    assert "PATCH" not in [entry["method"] for entry in world.requests("google")]


def test_an_answer_given_between_look_and_write_is_not_lost(world):
    world.fault("google", method="PATCH", hold="before")

    async def work(calendar):
        await insert(calendar)
        changing = asyncio.create_task(change(calendar, invite=[Invitee(PEDRO)]))
        while "PATCH" not in [entry["method"] for entry in world.requests("google")]:
            await asyncio.sleep(0.005)
        world.control("/calendar/event/respond", calendar_id=ANA, event_id="reuniao1", email=JOANA, response="declined")
        world.control("/faults/release")
        return await changing

    assert world.calendar(work).guests == (Guest(JOANA, GuestResponse.DECLINED), Guest(PEDRO, GuestResponse.NEEDS_ACTION))


@pytest.mark.parametrize("fault", [{"drop": "before"}, {"drop": "after"}, {"status": 500, "after_write": True}])
def test_a_change_of_guests_whose_answer_is_lost_is_made_once(world, fault):
    async def work(calendar):
        await insert(calendar)
        world.fault("google", method="PATCH", **fault)
        return await change(calendar, invite=[Invitee(PEDRO)])

    assert [guest.email for guest in world.calendar(work).guests] == [JOANA, PEDRO]
    assert mails(world, "invitation") == [JOANA, PEDRO]


def test_an_event_that_changes_under_our_hands_each_time_is_a_conflict(world):
    async def work(calendar):
        await insert(calendar)
        world.fault("google", method="PATCH", status=412, times=-1)
        return await failure(change(calendar, invite=[Invitee(PEDRO)]))

    assert type(world.calendar(work)) is ConflictError


def test_a_change_of_guests_that_stays_unanswered_is_unknown(world):
    async def work(calendar):
        await insert(calendar)
        world.fault("google", method="PATCH", status=503, times=-1)
        return await failure(change(calendar, invite=[Invitee(PEDRO)]))

    assert type(world.calendar(work)) is OutcomeUnknownError


@pytest.mark.parametrize("is_purged", [False, True])
def test_the_guests_of_a_deleted_event_are_not_found(world, is_purged):
    async def work(calendar):
        await insert(calendar)
        await calendar.delete_event(ANA, "reuniao1")
        if is_purged:
            world.control("/calendar/event/purge", calendar_id=ANA, event_id="reuniao1")
        return await failure(change(calendar, invite=[Invitee(PEDRO)]))

    assert type(world.calendar(work)) is NotFoundError


def test_a_service_account_that_is_asked_to_invite_leaves_the_event_as_it_is(world):
    world.control("/calendar/options", service_account=True)

    async def work(calendar):
        await insert(calendar, PLAIN)
        first = await change(calendar, invite=[Invitee(PEDRO)])
        second = await change(calendar, invite=[Invitee(PEDRO)])
        return first, second, calendar.cannot(ANA)

    first, second, cannot = world.calendar(work)
    assert first == second
    assert (first.guests, cannot) == ((), {Extra.GUESTS})
    assert [entry["method"] for entry in world.requests("google")].count("PATCH") == 1
