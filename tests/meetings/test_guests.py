"""The calendar's invitation and the video call: who gave an address is invited, and reads nothing that is meant for sellers."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from agreement import Office
from meeting_scene import Scene, at, business, served

from meetings.guests import note_email
from meetings.tables import Customer

MARIA = "maria@cliente.example"


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with served() as one:
        yield one


def event_of(scene: Scene) -> dict[str, Any]:
    calendars = scene.state("google")["calendars"].values()
    [event] = [e for calendar in calendars for e in calendar["events"].values() if e["status"] != "cancelled"]
    found: dict[str, Any] = event
    return found


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("meu e-mail é Maria@Cliente.example", "Maria@cliente.example"),
        ("pode mandar para maria@cliente.example.", MARIA),
        ("maria@cliente.example ou melhor m.souza@cliente.example", "m.souza@cliente.example"),
        ("(maria@cliente.example)", MARIA),
        ("me segue no @marcado", None),
        ("maria@", None),
        ("a@b", None),
        ("não tenho", None),
    ],
)
def test_the_last_address_in_a_message_is_kept(text: str, email: str | None) -> None:
    customer = Customer(jid="x", created_at=datetime.now(UTC))
    note_email(customer, text)
    assert customer.email == email


def test_a_message_without_an_address_changes_nothing() -> None:
    customer = Customer(jid="x", created_at=datetime.now(UTC), email=MARIA)
    note_email(customer, "obrigada!")
    assert customer.email == MARIA


def test_who_gave_an_address_is_invited_and_reads_nothing_meant_for_sellers(scene: Scene) -> None:
    office = Office(scene, email=MARIA)
    try:
        event = event_of(scene)
        assert [guest["email"] for guest in event["attendees"]] == [MARIA]
        assert "Kommo" not in event["description"]
        assert "Sol Claro" in event["description"]
        assert office.meeting().guest_email == MARIA
    finally:
        office.close()


def test_an_address_given_after_the_booking_is_invited_and_a_new_one_replaces_it(scene: Scene) -> None:
    office = Office(scene)
    try:
        assert "Kommo" in event_of(scene)["description"]
        for email in (MARIA, MARIA, "m.souza@cliente.example"):
            office.runner.run(_give(office, email))
            event = event_of(scene)
            assert [guest["email"] for guest in event["attendees"]] == [email]
            assert "Kommo" not in event["description"]
    finally:
        office.close()


async def _give(office: Office, email: str) -> None:
    async with office.db.transaction() as session:
        (await session.get_one(Customer, office.customer_id)).email = email
    await office.settler.event.ensure_guest(office.meeting_id)


def test_nobody_is_invited_where_the_business_does_not_want_it(scene: Scene) -> None:
    office = Office(scene, business(invite_guests=False), email=MARIA)
    try:
        assert "attendees" not in event_of(scene)
    finally:
        office.close()


def test_a_guest_who_declines_cancels(scene: Scene) -> None:
    office = Office(scene, email=MARIA)
    try:
        meeting = office.meeting()
        event = {"calendar_id": meeting.calendar_id, "event_id": meeting.event_id}
        assert office.act("/calendar/event/respond", **event, email=MARIA, response="declined")
        office.calm_down()
        office.check()
        assert office.meeting().status == "cancelled"
        assert "cancelei" in scene.chat()[-1]["text"]
    finally:
        office.close()


def test_a_video_call_stands_in_the_confirmation_and_survives_a_move(scene: Scene) -> None:
    office = Office(scene, business(meet_link=True))
    try:
        link = event_of(scene)["hangoutLink"]
        assert office.meeting().meet_link == link
        assert link in scene.chat()[-1]["text"]
        office.act("/seller/task/move", task_id=office.task_id, complete_till=int(at("2026-03-11 15:00").timestamp()))
        office.calm_down()
        office.check()
        assert event_of(scene)["hangoutLink"] == link
        assert link in scene.chat()[-1]["text"]
    finally:
        office.close()


def test_an_account_that_may_neither_invite_nor_make_calls_books_all_the_same(scene: Scene) -> None:
    scene.reset()
    office = None
    try:
        office = Office(scene, business(meet_link=True), email=MARIA, options={"service_account": True})
        event = event_of(scene)
        assert "attendees" not in event
        assert "hangoutLink" not in event
        assert office.meeting().meet_link is None
        assert office.meeting().guest_email is None
    finally:
        if office:
            office.close()
