"""The lights: each is green only while what it stands for is fine. On rows, and once on a running service."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from meetings.database import Database
from meetings.tables import (
    Author,
    Change,
    Customer,
    Hint,
    Meeting,
    MeetingPhase,
    MeetingStatus,
    MessageState,
    Turn,
    Webhook,
)
from panel.overview import Level, Light, Overview, see_overview
from panel.pages import Pages
from prompts.catalogue import LOCALES
from tests.meetings.meeting_scene import PHONE, add_customer, add_message, at, database, shipped
from tests.panel.panel_scene import HELLO, operator, panel_stack, say, talk

NOW = at("2026-03-09 10:00")
Fill = Callable[[Database], Awaitable[Any]]


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def seen(folder: Path, fill: Fill | None = None, **given: Any) -> Overview:
    """The overview of a database that `fill` has filled; a connected phone and a lively dispatcher unless told otherwise."""
    values = {
        "since_tick_s": 0.1,
        "late_s": 30,
        "connection": "open",
        "answer_within": timedelta(seconds=110),
        **given,
    }

    async def inside() -> Overview:
        async with database(folder) as db:
            if fill:
                await fill(db)
            async with db.reading() as session:
                return await see_overview(session, shipped(), NOW, **values)

    return asyncio.run(inside())


def lit(overview: Overview) -> list[tuple[str, str, str]]:
    """The lights that are not green: what, how, and which sentence."""
    return [(light.of, light.level.value, light.says) for light in overview.lights if light.level is not Level.OK]


def message(age: timedelta, *, phone: str | None = PHONE, **values: Any) -> Fill:
    async def fill(db: Database) -> None:
        await add_message(db, await add_customer(db, NOW, phone=phone, name="Maria"), "Oi", NOW - age, **values)

    return fill


def ours(age: timedelta, state: MessageState, author: Author = Author.AGENT) -> Fill:
    return message(age, state=state, author=author)


def customer(**values: Any) -> Fill:
    async def fill(db: Database) -> None:
        await add_customer(db, NOW, **values)

    return fill


def meeting(age: timedelta, **values: Any) -> Fill:
    """A meeting that is settled unless told otherwise."""

    async def fill(db: Database) -> None:
        customer_id = await add_customer(db, NOW, name="Maria")
        fields = {
            "customer_id": customer_id,
            "kommo_user_id": 10001,
            "calendar_id": "ana@solclaro.example",
            "event_id": "e1",
            "phase": MeetingPhase.BOOKED,
            "status": MeetingStatus.SCHEDULED,
            "starts_at": NOW + timedelta(days=1),
            "ends_at": NOW + timedelta(days=1, hours=1),
            "created_at": NOW - age,
            "updated_at": NOW - age,
            **dict.fromkeys(("event_rev", "task_rev", "lead_rev", "notice_rev"), 1),
        }
        notice = values.pop("notice", None)
        async with db.transaction() as session:
            row = Meeting(**{**fields, **values})
            session.add(row)
            await session.flush()
            line = {"revision": 1, "what": "booked", "by": "customer", "source": "conversation", "hint": "x"}
            session.add(Change(meeting_id=row.id, before={}, after={}, at=NOW, **line))
        if notice:
            key = f"meeting:{row.id}:1:booked"
            fields = {"state": notice, "author": Author.SYSTEM, "key": key, "meeting_id": row.id}
            await add_message(db, customer_id, "Marcado!", NOW - timedelta(days=2), **fields)

    return fill


def hint(age: timedelta, **values: Any) -> Fill:
    async def fill(db: Database) -> None:
        async with db.transaction() as session:
            row = Webhook(source="kommo", event="task[delete]", body="", outcome="stored", stored_at=NOW)
            session.add(row)
            await session.flush()
            fields = {"webhook_id": row.id, "entity": "task", "entity_id": 7, "action": "delete", "stored_at": NOW - age}
            session.add(Hint(**{**fields, **values}))

    return fill


def turn(age: timedelta, **values: Any) -> Fill:
    async def fill(db: Database) -> None:
        customer_id = await add_customer(db, NOW)
        async with db.transaction() as session:
            session.add(Turn(id="t1", customer_id=customer_id, started_at=NOW - age, ended_at=NOW - age, **values))

    return fill


S, M, H, D = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
State = MessageState


def test_with_nothing_wrong_every_light_is_green(tmp_path: Path) -> None:
    overview = seen(tmp_path)
    assert lit(overview) == []
    assert overview.level is Level.OK
    assert len(overview.lights) == 9


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"since_tick_s": 30}, ("dispatcher", "wrong", "dispatcher_late")),
        ({"connection": "close"}, ("whatsapp", "wrong", "whatsapp_close")),
        ({"connection": "refused"}, ("whatsapp", "wrong", "whatsapp_close")),
        ({"connection": None}, ("whatsapp", "wrong", "whatsapp_unknown")),
        ({"connection": "connecting"}, ("whatsapp", "look", "whatsapp_connecting")),
    ],
)
def test_a_service_or_a_phone_that_hangs_shows(tmp_path: Path, given: Any, expected: Any) -> None:
    overview = seen(tmp_path, **given)
    assert lit(overview) == [expected]
    assert overview.level.value == expected[1]


@pytest.mark.parametrize(
    ("fill", "expected"),
    [
        (message(5 * M), [("answers", "wrong", "answers_late")]),
        (message(2 * M), []),
        (message(5 * M, state=State.SEEN), []),  # a person took over
        (ours(2 * M, State.FAILED), [("sending", "wrong", "sending_failed")]),
        (ours(2 * M, State.FAILED, Author.SYSTEM), [("sending", "wrong", "sending_failed")]),
        (ours(2 * D, State.FAILED), []),
        (ours(2 * M, State.PENDING), [("sending", "wrong", "sending_stuck")]),
        (ours(2 * M, State.SENDING), [("sending", "wrong", "sending_stuck")]),
        (ours(5 * S, State.SENDING), []),
        (ours(2 * M, State.SENT), []),
        (meeting(H), []),
        (meeting(H, notice=State.SENT), []),
        (meeting(H, notice=State.FAILED), [("meetings", "wrong", "meetings_unsettled")]),
        (meeting(2 * M, lead_rev=0), [("meetings", "wrong", "meetings_unsettled")]),
        (meeting(5 * S, lead_rev=0), []),  # under way
        (meeting(5 * S, task_rev=0, attempts=1, problem="Kommo: …"), [("meetings", "wrong", "meetings_unsettled")]),
        (meeting(2 * M, event_rev=0, phase=MeetingPhase.RELEASED), []),
        (hint(5 * S), []),
        (hint(2 * M), [("hints", "look", "hints_late")]),
        (hint(5 * S, attempts=1), [("hints", "look", "hints_late")]),
        (hint(11 * M), [("hints", "wrong", "hints_late")]),
        (hint(11 * M, done_at=NOW), []),
        (customer(handed_off_at=ago(minutes=2)), [("hand_offs", "wrong", "hand_offs_late")]),
        (customer(handed_off_at=ago(seconds=5)), []),
        (customer(handed_off_at=ago(minutes=2), handoff_task_id=7), []),
        (customer(handed_off_at=ago(minutes=2), phone=None), [("hand_offs", "wrong", "hand_offs_late")]),
        (customer(handed_off_at=ago(days=2), phone=None), []),
        (turn(H, outcome="failed"), [("turns", "look", "turns_failed")]),
        (turn(H, outcome="answered"), []),
        (turn(11 * H, outcome="failed"), []),  # yesterday, in São Paulo
    ],
)
def test_a_light_changes_when_something_is_wrong_and_only_then(tmp_path: Path, fill: Fill, expected: Any) -> None:
    overview = seen(tmp_path, fill)
    assert lit(overview) == expected
    assert overview.level.value == (expected[0][1] if expected else "ok")


def test_the_worst_light_is_that_of_the_whole(tmp_path: Path) -> None:
    assert seen(tmp_path, turn(H, outcome="failed"), connection="close").level is Level.WRONG


def test_a_light_names_the_customers_it_is_about(tmp_path: Path) -> None:
    (light,) = [light for light in seen(tmp_path, message(5 * M)).lights if light.customers]
    assert light.customers == [(1, "Maria")]


def test_numbers_are_of_today_and_tokens_per_meeting_of_thirty_days(tmp_path: Path) -> None:
    async def fill(db: Database) -> None:
        await meeting(2 * H)(db)
        async with db.transaction() as session:
            for n, (age, tokens) in enumerate([(H, 1000), (11 * H, 500), (40 * D, 7000)]):
                values = {"input_tokens": tokens, "output_tokens": 10, "model_calls": 2, "outcome": "answered"}
                session.add(Turn(id=f"t{n}", customer_id=1, started_at=NOW - age, ended_at=NOW - age, **values))
            (await session.get_one(Customer, 1)).paused_until = NOW + H
        await add_message(db, 1, "hoje", NOW - H, state=State.SEEN)
        await add_message(db, 1, "e agora", NOW - H, state=State.SEEN)
        await add_message(db, 1, "ontem", NOW - 11 * H, state=State.ANSWERED)

    numbers = seen(tmp_path, fill).numbers
    assert (numbers.messages_today, numbers.booked_today, numbers.model_calls_today) == (2, 1, 2)
    assert (numbers.tokens_in_today, numbers.tokens_out_today, numbers.tokens_per_meeting) == (1000, 10, 1520)
    assert (numbers.paused, numbers.left_to_a_person) == (1, 1)


def test_without_a_meeting_there_is_no_price_of_one(tmp_path: Path) -> None:
    assert seen(tmp_path).numbers.tokens_per_meeting is None


@pytest.mark.parametrize("locale", LOCALES)
def test_every_light_has_its_sentence_in_every_language(tmp_path: Path, locale: str) -> None:
    pages = Pages(shipped(), locale)
    count, seconds = {"count": 2}, {"seconds": "3"}
    sentences: list[tuple[str, dict[str, Any]]] = [
        *((f"dispatcher_{how}", seconds) for how in ("ok", "late")),
        *((f"whatsapp_{how}", {}) for how in ("open", "connecting", "close", "unknown")),
        *((says, count) for says in ("answers_late", "sending_failed", "sending_stuck", "meetings_under_way", "turns_failed")),
        *((says, count) for says in ("meetings_unsettled", "hints_under_way", "hints_late", "hand_offs_late")),
        ("proactive_by_hand", {"since": "09/03 10:00"}),
        ("proactive_stopped", {"since": "09/03 10:00", "reason": "status 403"}),
        ("proactive_ok", {}),
        *((f"{of}_ok", {}) for of in ("answers", "sending", "meetings", "hints", "hand_offs", "turns")),
    ]
    numbers = seen(tmp_path).numbers
    for level in Level:
        lights = [Light(says.rsplit("_", 1)[0], level, says, values) for says, values in sentences]
        known = {"dispatcher", "whatsapp", "answers", "sending", "meetings", "hints", "hand_offs", "turns"}
        shown = Overview([light for light in lights if light.of in known], numbers)
        session = type("Session", (), {"form_token": "x"})
        html = pages.render("overview.html", seen=shown, now=NOW, cost_days=30, here="overview", session=session)
        assert html.count('class="card light') == len(shown.lights)
    for says, values in sentences:
        assert pages.words.text(f"says_{says}", **values)


def test_a_running_service_says_so_and_a_phone_that_is_off_shows() -> None:
    with panel_stack() as (stack, people), operator(stack) as op:
        talk(stack, people, "Oi", say(HELLO))
        page = op.page("/")
        assert "Tudo em ordem" in page
        assert "A Evolution diz que o telefone está conectado" in page
    with panel_stack() as (stack, people), operator(stack) as op:
        people.do("/whatsapp/connection", state="close")
        page = op.page("/")
        assert "Algo precisa de você" in page
        assert "O telefone está desconectado" in page
    with panel_stack() as (stack, people), operator(stack) as op:
        people.do("/faults", service="evolution", path="/instance/connectionState", status=401, times=-1)
        assert "não se sabe se o telefone está conectado" in op.page("/")


def test_an_evolution_that_does_not_answer_keeps_neither_the_page_nor_the_end_of_the_service_waiting() -> None:
    with panel_stack() as (stack, people), operator(stack) as op:
        people.do("/faults", service="evolution", path="/instance/connectionState", hold="before", times=-1)
        assert "não se sabe se o telefone está conectado" in op.page("/")
        assert "não se sabe se o telefone está conectado" in op.page("/")
        stack.stop_service()
        people.do("/faults/release")
