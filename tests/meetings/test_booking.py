"""Offering, holding, moving and giving back times, against a served calendar."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from meeting_scene import (
    ANA,
    BRUNO,
    ONCE,
    PHONE,
    SAO_PAULO,
    Scene,
    add_customer,
    add_offer,
    at,
    business,
    database,
    qualify,
    served,
)
from sqlalchemy import select

from clients.calendar import CalendarClient
from clients.errors import ServiceError
from meetings.booking import Booking, BookingRefusedError, OfferedTime, latest_meeting, upcoming_meeting
from meetings.business import Business
from meetings.database import Database
from meetings.lifecycle import snapshot
from meetings.slots import Interval, Period
from meetings.tables import Change, Meeting, MeetingPhase, MeetingStatus, Offer

CALENDARS = {ANA: "ana@solclaro.example", BRUNO: "bruno@solclaro.example"}
TUESDAY, FRIDAY = date(2026, 3, 10), date(2026, 3, 13)
OTHER_PHONE = "+5511912345678"


@pytest.fixture(scope="module")
def shared_scene() -> Iterator[Scene]:
    with served() as scene:
        yield scene


@pytest.fixture
def scene(shared_scene: Scene) -> Scene:
    """Monday, 9 March 2026, eight in the morning; empty calendars."""
    shared_scene.reset()
    return shared_scene


@dataclass
class Office:
    """What a test works with."""

    db: Database
    booking: Booking
    scene: Scene

    async def qualified(self, phone: str = PHONE, **values: Any) -> int:
        customer_id = await add_customer(self.db, self.scene.now(), phone=phone, **values)
        await qualify(self.db, customer_id, self.scene.now())
        return customer_id

    async def meeting(self, customer_id: int, start: str, *, seller: int = ANA, **values: Any) -> int:
        """A booked meeting of an hour that stands on the calendar, unless told otherwise."""
        starts_at = at(start)
        fields: dict[str, Any] = {
            "calendar_id": CALENDARS[seller],
            "event_id": f"{customer_id}{starts_at:%d%H%M}",
            "phase": MeetingPhase.BOOKED,
            "status": MeetingStatus.SCHEDULED,
            "ends_at": starts_at + timedelta(hours=1),
            "created_at": self.scene.now(),
            "updated_at": self.scene.now(),
            **values,
        }
        async with self.db.transaction() as session:
            meeting = Meeting(customer_id=customer_id, kommo_user_id=seller, starts_at=starts_at, revision=1, **fields)
            session.add(meeting)
            await session.flush()
        if fields["phase"] == MeetingPhase.BOOKED and fields["status"] == MeetingStatus.SCHEDULED:
            self.busy(start, seller=seller)
        return meeting.id

    def busy(self, start: str, *, minutes: int = 60, seller: int = ANA) -> None:
        starts_at = at(start)
        self.scene.control(
            "/calendar/event/add",
            calendar_id=CALENDARS[seller],
            summary="ocupada",
            start=starts_at.isoformat(),
            end=(starts_at + timedelta(minutes=minutes)).isoformat(),
        )

    async def one(self, meeting_id: int) -> Meeting:
        async with self.db.transaction() as session:
            return await session.get_one(Meeting, meeting_id)

    async def changes(self) -> list[Change]:
        async with self.db.transaction() as session:
            return list(await session.scalars(select(Change).order_by(Change.id)))


@contextlib.asynccontextmanager
async def office(folder: Path, scene: Scene, rules: Business | None = None) -> AsyncIterator[Office]:
    calendar = CalendarClient(None, scene.urls["google"], retry=ONCE)
    async with database(folder) as db:
        try:
            yield Office(db, Booking(db, calendar, rules or business(), scene.now), scene)
        finally:
            await calendar.close()


def run(folder: Path, scene: Scene, act: Callable[[Office], Awaitable[Any]], rules: Business | None = None) -> Any:
    async def inside() -> Any:
        async with office(folder, scene, rules) as place:
            return await act(place)

    return asyncio.run(inside())


def shown(offers: list[OfferedTime]) -> list[str]:
    """E.g. "1 Tue 09:00 Ana"."""
    return [f"{o.number} {o.starts_at.astimezone(SAO_PAULO):%a %H:%M} {o.seller_name.split()[0]}" for o in offers]


async def refusal(act: Awaitable[Any]) -> str:
    """The code a refused act gives."""
    with pytest.raises(BookingRefusedError) as refused:
        await act
    return refused.value.code


# --- offers -----------------------------------------------------------------------------------------------------------


def test_free_times_are_offered_under_numbers_in_order_over_several_days(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> list[str]:
        return shown(await place.booking.offer(await place.qualified(), "turn-1"))

    assert run(tmp_path, scene, act) == ["1 Mon 10:00 Ana", "2 Mon 11:00 Ana", "3 Tue 09:00 Ana", "4 Tue 10:00 Ana"]


def test_what_is_busy_on_the_calendar_is_not_offered_nor_its_surroundings(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> list[str]:
        place.busy("2026-03-13 10:00")  # the buffer of half an hour takes 9 and 11 o'clock as well
        return shown(await place.booking.offer(await place.qualified(), "turn-1", day=FRIDAY))

    found = run(tmp_path, scene, act)
    assert [line[6:11] for line in found] == ["13:00", "14:00", "15:00", "16:00"]


def test_a_time_held_for_somebody_else_is_not_offered(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> list[str]:
        other = await place.qualified(OTHER_PHONE)
        await place.meeting(other, "2026-03-13 14:00", phase=MeetingPhase.HELD)
        await place.meeting(other, "2026-03-13 10:00", phase=MeetingPhase.RELEASED)
        return shown(await place.booking.offer(await place.qualified(), "turn-1", day=FRIDAY))

    assert [line[6:11] for line in run(tmp_path, scene, act)] == ["09:00", "10:00", "11:00", "16:00"]


def test_the_lead_s_own_seller_alone_is_offered(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> list[str]:
        return shown(await place.booking.offer(await place.qualified(kommo_user_id=BRUNO), "turn-1"))

    assert run(tmp_path, scene, act) == ["1 Tue 10:00 Bruno", "2 Tue 11:00 Bruno", "3 Wed 10:00 Bruno", "4 Wed 11:00 Bruno"]


def test_of_equal_times_the_seller_with_fewer_meetings_is_offered(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> list[str]:
        await place.meeting(await place.qualified(OTHER_PHONE), "2026-03-16 10:00", seller=ANA)
        return shown(await place.booking.offer(await place.qualified(), "turn-1", day=TUESDAY))

    assert run(tmp_path, scene, act) == ["1 Tue 09:00 Ana", "2 Tue 10:00 Bruno", "3 Tue 11:00 Bruno", "4 Tue 13:00 Ana"]


def test_wishes_for_day_and_part_of_the_day_are_kept(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> list[str]:
        customer = await place.qualified()
        return shown(await place.booking.offer(customer, "turn-1", day=TUESDAY, period=Period.EVENING))

    assert run(tmp_path, scene, act) == ["1 Tue 18:00 Bruno"]


def test_a_day_without_free_time_gives_no_offers(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> list[str]:
        return shown(await place.booking.offer(await place.qualified(), "turn-1", day=date(2026, 3, 15)))

    assert run(tmp_path, scene, act) == []


def test_a_second_look_in_the_same_turn_goes_on_counting_and_keeps_known_numbers(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> list[list[str]]:
        customer = await place.qualified()
        return [
            shown(await place.booking.offer(customer, "turn-1", day=FRIDAY)),
            shown(await place.booking.offer(customer, "turn-1", day=FRIDAY, period=Period.AFTERNOON)),
        ]

    first, second = run(tmp_path, scene, act)
    assert first == ["1 Fri 09:00 Ana", "2 Fri 10:00 Ana", "3 Fri 11:00 Ana", "4 Fri 13:00 Ana"]
    assert second == ["4 Fri 13:00 Ana", "5 Fri 14:00 Ana", "6 Fri 15:00 Ana", "7 Fri 16:00 Ana"]


def test_offers_of_an_earlier_turn_lapse_and_numbers_start_again(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> tuple[list[str], list[tuple[int, str]], str]:
        customer, other = await place.qualified(), await place.qualified(OTHER_PHONE)
        await place.booking.offer(customer, "turn-1", day=TUESDAY)
        await place.booking.offer(other, "turn-1")
        again = shown(await place.booking.offer(customer, "turn-2", day=TUESDAY, period=Period.EVENING))
        async with place.db.transaction() as session:
            rows = await session.scalars(select(Offer).where(Offer.customer_id == customer).order_by(Offer.number))
            kept = [(row.number, row.turn_id) for row in rows]
            assert len(list(await session.scalars(select(Offer).where(Offer.customer_id == other)))) == 4
        return again, kept, await refusal(place.booking.reserve(customer, 2, "turn-2"))

    assert run(tmp_path, scene, act) == (
        ["1 Tue 18:00 Bruno"],
        [(1, "turn-2")],
        "NOT_OFFERED",
    )


def test_a_customer_with_a_meeting_is_offered_that_seller_s_times_and_their_own_one_counts_as_free(
    tmp_path: Path, scene: Scene
) -> None:
    async def act(place: Office) -> list[str]:
        customer = await place.qualified(kommo_user_id=ANA)
        await place.meeting(customer, "2026-03-10 15:00", seller=BRUNO)
        return shown(await place.booking.offer(customer, "turn-1", day=TUESDAY, period=Period.AFTERNOON))

    assert run(tmp_path, scene, act) == ["1 Tue 14:00 Bruno", "2 Tue 15:00 Bruno", "3 Tue 16:00 Bruno", "4 Tue 17:00 Bruno"]


def test_a_calendar_that_can_not_be_read_is_not_taken_for_free(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> list[str]:
        scene.control("/calendar/share", calendar_id=CALENDARS[ANA], shared=False)
        return shown(await place.booking.offer(await place.qualified(), "turn-1", day=TUESDAY))

    assert run(tmp_path, scene, act) == ["1 Tue 10:00 Bruno", "2 Tue 11:00 Bruno", "3 Tue 14:00 Bruno", "4 Tue 15:00 Bruno"]


def test_when_no_calendar_can_be_read_nothing_is_offered(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> str:
        for calendar_id in CALENDARS.values():
            scene.control("/calendar/share", calendar_id=calendar_id, shared=False)
        return await refusal(place.booking.offer(await place.qualified(), "turn-1"))

    assert run(tmp_path, scene, act) == "CALENDAR_UNREADABLE"


def test_when_google_is_down_nothing_is_offered(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> None:
        scene.control("/faults", service="google", path="freeBusy", status=503, times=-1)
        with pytest.raises(ServiceError):
            await place.booking.offer(await place.qualified(), "turn-1")

    run(tmp_path, scene, act)


# --- holding ----------------------------------------------------------------------------------------------------------


def test_a_chosen_time_is_held_with_a_line_about_it_and_no_calendar_is_touched(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> tuple[Meeting, list[Change]]:
        customer = await place.qualified(kommo_lead_id=77)
        await add_offer(place.db, customer, 2, at("2026-03-10 14:00"), seller=BRUNO)
        meeting_id = await place.booking.reserve(customer, 2, "turn-9")
        return await place.one(meeting_id), await place.changes()

    meeting, (line,) = run(tmp_path, scene, act)
    assert (meeting.phase, meeting.status, meeting.revision) == (MeetingPhase.HELD, MeetingStatus.SCHEDULED, 1)
    assert (meeting.kommo_lead_id, meeting.kommo_user_id, meeting.calendar_id) == (77, BRUNO, CALENDARS[BRUNO])
    assert (meeting.starts_at, meeting.ends_at) == (at("2026-03-10 14:00"), at("2026-03-10 15:00"))
    assert (meeting.booked_in_turn, meeting.event_rev, meeting.settled) == ("turn-9", 0, False)
    assert set(meeting.event_id) <= set("0123456789abcdefghijklmnopqrstuv")
    assert len(meeting.event_id) >= 5
    assert (line.what, line.revision, line.meeting_id) == ("booked", 1, meeting.id)
    assert scene.calls("google", "/") == []


@pytest.mark.parametrize(
    ("qualifies", "reason"),
    [
        ({"bill": False}, "ruled out by: bill; end kindly, book nothing"),
        ({"bill": False, "owner": False}, "ruled out by: bill, owner"),
        (None, "still to ask and record: bill, property, owner"),
    ],
)
def test_who_is_not_qualified_gets_no_time(tmp_path: Path, scene: Scene, qualifies: dict[str, bool] | None, reason: str) -> None:
    async def act(place: Office) -> None:
        customer = await add_customer(place.db, scene.now())
        if qualifies is not None:
            await qualify(place.db, customer, scene.now(), **qualifies)
        await add_offer(place.db, customer, 1, at("2026-03-10 14:00"))
        with pytest.raises(BookingRefusedError, match=f"NOT_QUALIFIED: {reason}"):
            await place.booking.reserve(customer, 1, "turn-1")

    run(tmp_path, scene, act)


def test_who_hides_their_phone_gets_no_time(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> str:
        customer = await add_customer(place.db, scene.now(), phone=None)
        await qualify(place.db, customer, scene.now())
        await add_offer(place.db, customer, 1, at("2026-03-10 14:00"))
        return await refusal(place.booking.reserve(customer, 1, "turn-1"))

    assert run(tmp_path, scene, act) == "NO_PHONE"


@pytest.mark.parametrize("option", [0, 2, -1, 99])
def test_only_an_offered_number_can_be_chosen(tmp_path: Path, scene: Scene, option: int) -> None:
    async def act(place: Office) -> str:
        customer, other = await place.qualified(), await place.qualified(OTHER_PHONE)
        await add_offer(place.db, customer, 1, at("2026-03-10 14:00"))
        await add_offer(place.db, other, 2, at("2026-03-10 16:00"))  # somebody else's
        return await refusal(place.booking.reserve(customer, option, "turn-1"))

    assert run(tmp_path, scene, act) == "NOT_OFFERED"


def test_an_offer_of_somebody_who_sells_no_more_can_not_be_chosen(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> str:
        customer = await place.qualified()
        await add_offer(place.db, customer, 1, at("2026-03-10 14:00"), seller=10009)
        return await refusal(place.booking.reserve(customer, 1, "turn-1"))

    assert run(tmp_path, scene, act) == "NOT_OFFERED"


@pytest.mark.parametrize(
    ("offered", "chosen", "start", "outcome"),
    [
        ("08:00", "08:01", "10:00", "booked"),  # the notice has shrunk by a minute since the offer
        ("08:00", "08:30", "10:00", "booked"),
        ("08:00", "08:31", "10:00", "SLOT_TAKEN"),  # an old offer, inside the notice by now
        ("08:00", "09:50", "10:00", "SLOT_TAKEN"),
        ("08:00", "09:50", "14:00", "booked"),  # as old, but still far enough away
        ("08:00", "12:00", "14:00", "booked"),
        ("08:00", "12:01", "14:00", "SLOT_TAKEN"),
    ],
)
def test_an_old_offer_must_leave_the_seller_the_notice(
    tmp_path: Path, scene: Scene, offered: str, chosen: str, start: str, outcome: str
) -> None:
    async def act(place: Office) -> str:
        customer = await place.qualified()
        await add_offer(place.db, customer, 1, at(f"2026-03-09 {start}"), offered_at=at(f"2026-03-09 {offered}"))
        scene.control("/clock", now=at(f"2026-03-09 {chosen}").isoformat())
        try:
            await place.booking.reserve(customer, 1, "turn-1")
        except BookingRefusedError as error:
            return error.code
        return "booked"

    assert run(tmp_path, scene, act) == outcome


@pytest.mark.parametrize(
    "start",
    ["2026-03-06 10:00", "2026-03-10 19:00", "2026-03-14 10:00", "2026-04-03 10:00"],
    ids=["past", "late", "Saturday", "holiday"],
)
def test_an_offer_that_has_passed_or_fell_out_of_hours_can_not_be_chosen(tmp_path: Path, scene: Scene, start: str) -> None:
    async def act(place: Office) -> str:
        customer = await place.qualified()
        await add_offer(place.db, customer, 1, at(start))
        return await refusal(place.booking.reserve(customer, 1, "turn-1"))

    assert run(tmp_path, scene, act) == "SLOT_TAKEN"


@pytest.mark.parametrize("phase", [MeetingPhase.HELD, MeetingPhase.BOOKED])
def test_who_has_a_meeting_gets_no_second_one(tmp_path: Path, scene: Scene, phase: MeetingPhase) -> None:
    async def act(place: Office) -> str:
        customer = await place.qualified()
        await place.meeting(customer, "2026-03-11 10:00", phase=phase)
        await add_offer(place.db, customer, 1, at("2026-03-10 14:00"))
        return await refusal(place.booking.reserve(customer, 1, "turn-1"))

    assert run(tmp_path, scene, act) == "ALREADY_BOOKED"


@pytest.mark.parametrize(
    ("start", "values"),
    [
        ("2026-03-11 10:00", {"status": MeetingStatus.CANCELLED}),
        ("2026-03-11 10:00", {"phase": MeetingPhase.RELEASED}),
        ("2026-03-06 10:00", {"status": MeetingStatus.COMPLETED}),
        ("2026-03-06 10:00", {"status": MeetingStatus.NO_SHOW}),
        ("2026-03-06 10:00", {}),
    ],
    ids=["cancelled", "released", "completed", "no-show", "over"],
)
def test_a_meeting_that_is_no_more_to_come_keeps_nobody_from_a_new_one(
    tmp_path: Path, scene: Scene, start: str, values: dict[str, Any]
) -> None:
    async def act(place: Office) -> MeetingPhase:
        customer = await place.qualified()
        await place.meeting(customer, start, **values)
        await add_offer(place.db, customer, 1, at("2026-03-10 14:00"))
        return (await place.one(await place.booking.reserve(customer, 1, "turn-1"))).phase

    assert run(tmp_path, scene, act) == MeetingPhase.HELD


@pytest.mark.parametrize(
    ("start", "is_taken"), [("13:30", False), ("13:31", True), ("15:00", True), ("16:29", True), ("16:30", False)]
)
def test_a_held_time_blocks_its_neighbourhood_by_the_buffer(tmp_path: Path, scene: Scene, start: str, is_taken: bool) -> None:
    async def act(place: Office) -> str:
        customer, other = await place.qualified(), await place.qualified(OTHER_PHONE)
        await place.meeting(other, "2026-03-11 15:00", phase=MeetingPhase.HELD)
        await add_offer(place.db, customer, 1, at(f"2026-03-11 {start}"))
        try:
            await place.booking.reserve(customer, 1, "turn-1")
        except BookingRefusedError as error:
            return error.code
        return "held"

    assert run(tmp_path, scene, act) == ("SLOT_TAKEN" if is_taken else "held")


def test_a_released_time_can_be_held_again(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> tuple[Meeting, MeetingPhase]:
        customer, other = await place.qualified(), await place.qualified(OTHER_PHONE)
        for one in (customer, other):
            await add_offer(place.db, one, 1, at("2026-03-10 14:00"))
        first = await place.booking.reserve(customer, 1, "turn-1")
        assert await refusal(place.booking.reserve(other, 1, "turn-2")) == "SLOT_TAKEN"
        await place.booking.release(first, "taken on the calendar meanwhile")
        second = await place.booking.reserve(other, 1, "turn-2")
        return await place.one(first), (await place.one(second)).phase

    released, phase = run(tmp_path, scene, act)
    assert (released.phase, released.problem) == (MeetingPhase.RELEASED, "taken on the calendar meanwhile")
    assert phase == MeetingPhase.HELD


def test_a_booked_meeting_is_not_released(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> MeetingPhase:
        meeting_id = await place.meeting(await place.qualified(), "2026-03-10 14:00")
        await place.booking.release(meeting_id, "by mistake")
        return (await place.one(meeting_id)).phase

    assert run(tmp_path, scene, act) == MeetingPhase.BOOKED


@pytest.mark.parametrize(
    ("busy", "minutes", "is_free"),
    [(None, 0, True), ("14:00", 60, False), ("15:15", 15, False), ("13:00", 31, False), ("15:30", 60, True), ("13:00", 30, True)],
)
def test_the_calendar_is_read_once_more_for_the_held_time_and_its_buffer(
    tmp_path: Path, scene: Scene, busy: str | None, minutes: int, is_free: bool
) -> None:
    async def act(place: Office) -> bool:
        meeting_id = await place.meeting(await place.qualified(), "2026-03-10 14:00", phase=MeetingPhase.HELD)
        if busy:
            place.busy(f"2026-03-10 {busy}", minutes=minutes)
        return await place.booking.check_still_free(meeting_id)

    assert run(tmp_path, scene, act) is is_free


def test_a_calendar_that_can_not_be_read_any_more_is_not_free(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> bool:
        meeting_id = await place.meeting(await place.qualified(), "2026-03-10 14:00", phase=MeetingPhase.HELD)
        scene.control("/calendar/share", calendar_id=CALENDARS[ANA], shared=False)
        return await place.booking.check_still_free(meeting_id)

    assert run(tmp_path, scene, act) is False


# --- moving -----------------------------------------------------------------------------------------------------------


async def _try_to_move(place: Office, customer: int, to: str, *, seller: int = ANA, minutes: int = 60) -> str:
    await add_offer(place.db, customer, 1, at(to), seller=seller, minutes=minutes)
    try:
        await place.booking.move(customer, 1)
    except BookingRefusedError as error:
        return error.code
    return "moved"


def test_a_meeting_gets_the_offered_time_as_its_next_revision(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> tuple[Meeting, list[Change]]:
        customer = await place.qualified()
        meeting_id = await place.meeting(customer, "2026-03-10 14:00", event_rev=1)
        assert await _try_to_move(place, customer, "2026-03-11 10:00") == "moved"
        return await place.one(meeting_id), await place.changes()

    meeting, (line,) = run(tmp_path, scene, act)
    assert (meeting.starts_at, meeting.ends_at) == (at("2026-03-11 10:00"), at("2026-03-11 11:00"))
    assert (meeting.status, meeting.revision, meeting.event_rev) == (MeetingStatus.SCHEDULED, 2, 1)
    assert (line.what, line.by, line.source, line.revision) == ("moved", "customer", "conversation", 2)


def test_choosing_the_time_one_has_changes_nothing(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> tuple[str, int]:
        customer = await place.qualified()
        meeting_id = await place.meeting(customer, "2026-03-10 14:00")
        return await _try_to_move(place, customer, "2026-03-10 14:00"), (await place.one(meeting_id)).revision

    assert run(tmp_path, scene, act) == ("moved", 1)


@pytest.mark.parametrize("to", ["2026-03-10 15:00", "2026-03-10 13:00", "2026-03-10 14:30"])
def test_a_meeting_can_be_moved_into_its_own_neighbourhood(tmp_path: Path, scene: Scene, to: str) -> None:
    async def act(place: Office) -> str:
        customer = await place.qualified()
        await place.meeting(customer, "2026-03-10 14:00")
        return await _try_to_move(place, customer, to)

    assert run(tmp_path, scene, act) == "moved"


def test_a_meeting_is_not_moved_onto_something_on_the_calendar(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> tuple[str, datetime]:
        customer = await place.qualified()
        meeting_id = await place.meeting(customer, "2026-03-10 14:00")
        place.busy("2026-03-11 11:15")
        return await _try_to_move(place, customer, "2026-03-11 10:00"), (await place.one(meeting_id)).starts_at

    assert run(tmp_path, scene, act) == ("SLOT_TAKEN", at("2026-03-10 14:00"))


def test_a_meeting_is_not_moved_onto_a_time_held_for_somebody_else(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> str:
        customer, other = await place.qualified(), await place.qualified(OTHER_PHONE)
        await place.meeting(customer, "2026-03-10 14:00")
        await place.meeting(other, "2026-03-11 10:00", phase=MeetingPhase.HELD)
        return await _try_to_move(place, customer, "2026-03-11 10:00")

    assert run(tmp_path, scene, act) == "SLOT_TAKEN"


def test_a_meeting_stays_with_its_seller(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> str:
        customer = await place.qualified()
        await place.meeting(customer, "2026-03-10 14:00")
        return await _try_to_move(place, customer, "2026-03-11 10:00", seller=BRUNO)

    assert run(tmp_path, scene, act) == "SLOT_TAKEN"


@pytest.mark.parametrize(
    ("start", "values"),
    [
        (None, {}),
        ("2026-03-10 14:00", {"phase": MeetingPhase.HELD}),
        ("2026-03-10 14:00", {"phase": MeetingPhase.RELEASED}),
        ("2026-03-10 14:00", {"status": MeetingStatus.CANCELLED}),
        ("2026-03-06 14:00", {}),
    ],
    ids=["none", "held", "released", "cancelled", "over"],
)
@pytest.mark.parametrize("wish", ["move", "cancel"])
def test_only_a_meeting_still_to_come_can_be_moved_or_cancelled(
    tmp_path: Path, scene: Scene, wish: str, start: str | None, values: dict[str, Any]
) -> None:
    async def act(place: Office) -> str:
        customer = await place.qualified()
        if start:
            await place.meeting(customer, start, **values)
        if wish == "cancel":
            return await refusal(place.booking.cancel(customer, "vai viajar"))
        return await _try_to_move(place, customer, "2026-03-11 10:00")

    assert run(tmp_path, scene, act) == "NO_MEETING"


# --- cancelling -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "kept"),
    [("vai viajar", {"reason": "vai viajar"}), ("", {}), ("x" * 500, {"reason": "x" * 120})],
)
def test_the_customer_s_wish_cancels_with_its_reason(tmp_path: Path, scene: Scene, reason: str, kept: dict[str, str]) -> None:
    async def act(place: Office) -> tuple[Meeting, list[Change]]:
        customer = await place.qualified()
        await place.meeting(customer, "2026-03-10 14:00")
        meeting_id = await place.booking.cancel(customer, reason)
        return await place.one(meeting_id), await place.changes()

    meeting, (line,) = run(tmp_path, scene, act)
    assert (meeting.status, meeting.revision) == (MeetingStatus.CANCELLED, 2)
    assert (line.what, line.by, line.hint) == ("cancelled", "customer", "customer_cancelled")
    assert line.after == snapshot(meeting) | kept


def test_cancelling_frees_the_time_for_others(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> MeetingPhase:
        customer, other = await place.qualified(), await place.qualified(OTHER_PHONE)
        await place.meeting(customer, "2026-03-10 14:00")
        await add_offer(place.db, other, 1, at("2026-03-10 14:00"))
        await place.booking.cancel(customer, "")
        return (await place.one(await place.booking.reserve(other, 1, "turn-2"))).phase

    assert run(tmp_path, scene, act) == MeetingPhase.HELD


# --- what a seller wishes ----------------------------------------------------------------------------------------------


async def _judge(place: Office, start: str, *, minutes: int = 60, seller: int = ANA, **more: Any) -> str | None:
    slot = Interval(at(start), at(start) + timedelta(minutes=minutes))
    found = place.booking.business.seller(seller)
    assert found is not None
    return await place.booking.check_slot(found, slot, **more)


@pytest.mark.parametrize(
    ("start", "minutes", "seller", "verdict"),
    [
        ("2026-03-10 14:00", 60, ANA, None),
        ("2026-03-10 14:20", 25, ANA, None),  # any minute and length, within hours
        ("2026-03-09 09:00", 60, ANA, None),  # at short notice: the seller knows what they do
        ("2026-04-20 10:00", 60, ANA, None),  # beyond what customers are offered
        ("2026-03-09 08:00", 60, ANA, "in_the_past"),
        ("2026-03-09 07:59", 60, ANA, "in_the_past"),
        ("2026-03-10 17:30", 60, ANA, "outside_hours"),
        ("2026-03-10 11:30", 60, ANA, "outside_hours"),  # over lunch
        ("2026-03-14 10:00", 60, ANA, "outside_hours"),
        ("2026-03-14 10:00", 60, BRUNO, None),
        ("2026-04-03 10:00", 60, ANA, "outside_hours"),  # Good Friday
        ("2026-03-11 10:00", 60, ANA, "taken"),  # on the calendar
        ("2026-03-11 11:15", 30, ANA, "taken"),  # within its buffer
        ("2026-03-11 10:00", 60, BRUNO, None),
        ("2026-03-12 10:00", 60, ANA, "taken"),  # held for somebody, not on the calendar yet
        ("2026-03-12 11:30", 30, ANA, None),
    ],
)
def test_a_seller_s_wish_is_held_to_hours_holidays_and_what_is_taken(
    tmp_path: Path, scene: Scene, start: str, minutes: int, seller: int, verdict: str | None
) -> None:
    async def act(place: Office) -> str | None:
        place.busy("2026-03-11 10:00")
        await place.meeting(await place.qualified(OTHER_PHONE), "2026-03-12 10:00", phase=MeetingPhase.HELD)
        return await _judge(place, start, minutes=minutes, seller=seller)

    assert run(tmp_path, scene, act) == verdict


def test_what_the_meeting_itself_occupies_does_not_stand_in_its_way(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> list[str | None]:
        customer = await place.qualified()
        meeting_id = await place.meeting(customer, "2026-03-10 14:00")
        own = [Interval(at("2026-03-10 14:00"), at("2026-03-10 15:00"))]
        return [
            await _judge(place, "2026-03-10 14:30", meeting_id=meeting_id, own=own),
            await _judge(place, "2026-03-10 14:30", meeting_id=meeting_id),
            await _judge(place, "2026-03-10 14:30", own=own),
        ]

    assert run(tmp_path, scene, act) == [None, "taken", "taken"]


def test_a_calendar_that_can_not_be_read_is_not_free_for_a_seller_either(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> str | None:
        scene.control("/calendar/share", calendar_id=CALENDARS[ANA], shared=False)
        return await _judge(place, "2026-03-10 14:00")

    assert run(tmp_path, scene, act) == "taken"


# --- which meeting ----------------------------------------------------------------------------------------------------


def test_the_upcoming_meeting_is_the_next_one_and_the_latest_one_whatever_became_of_it(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Office) -> tuple[datetime, datetime]:
        customer = await place.qualified()
        await place.meeting(customer, "2026-03-09 07:30")  # under way: it ends at 8:30
        await place.meeting(customer, "2026-03-12 10:00")
        await place.meeting(customer, "2026-03-11 10:00", status=MeetingStatus.CANCELLED)
        await place.meeting(customer, "2026-03-13 10:00", phase=MeetingPhase.RELEASED)
        async with place.db.transaction() as session:
            upcoming = await upcoming_meeting(session, customer, scene.now())
            latest = await latest_meeting(session, customer)
        assert upcoming is not None
        assert latest is not None
        return upcoming.starts_at, latest.starts_at

    assert run(tmp_path, scene, act) == (at("2026-03-09 07:30"), at("2026-03-11 10:00"))
