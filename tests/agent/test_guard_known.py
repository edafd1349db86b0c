"""What the guard takes for known, read from a database: records count, the customer's words do not."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from agent.guard import Known, objections
from agent.known import known_facts
from meetings.business import load_business
from meetings.database import Database
from meetings.tables import Author, Change, Customer, Meeting, MeetingPhase, MeetingStatus, Message, MessageState, Offer

BUSINESS = load_business(Path(__file__).parents[2] / "business.toml")
Rows = Callable[[AsyncSession, int], Awaitable[None]]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/Sao_Paulo")).astimezone(UTC)


NOW, TUESDAY, WEDNESDAY = at("2026-03-09 08:00"), at("2026-03-10 14:00"), at("2026-03-11 09:00")


def known(folder: Path, rows: Rows, claimed: tuple[int, ...] = ()) -> Known:
    """What is known of a customer after those rows were written, when those messages are answered."""

    async def read() -> Known:
        db = Database(f"sqlite:///{folder / 'known.sqlite'}")
        try:
            async with db.transaction() as session:
                customer = Customer(phone="+5511987654321", jid="5511987654321@s.whatsapp.net", created_at=NOW)
                session.add(customer)
                await session.flush()
                await rows(session, customer.id)
                customer_id = customer.id
            return await known_facts(db, BUSINESS, customer_id, NOW, "pt-BR", claimed)
        finally:
            await db.close()

    Database(f"sqlite:///{folder / 'known.sqlite'}").migrate()
    return asyncio.run(read())


async def add_meeting(session: AsyncSession, customer_id: int, starts_at: datetime, **values: Any) -> Meeting:
    """A booked meeting whose event stands on the calendar, unless told otherwise."""
    fields: dict[str, Any] = {"phase": MeetingPhase.BOOKED, "status": MeetingStatus.SCHEDULED, "event_rev": 1} | values
    meeting = Meeting(
        customer_id=customer_id,
        kommo_user_id=10001,
        calendar_id="ana@solclaro.example",
        event_id=f"event{starts_at:%d%H}",
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=1),
        created_at=NOW,
        updated_at=NOW,
        **fields,
    )
    session.add(meeting)
    await session.flush()
    return meeting


def change(meeting: Meeting, what: str, revision: int, **before: str) -> Change:
    return Change(
        meeting_id=meeting.id,
        revision=revision,
        what=what,
        by="customer",
        source="conversation",
        hint="",
        before=before,
        after={},
        at=NOW,
    )


def wrote(customer_id: int, text: str, author: Author = Author.CUSTOMER) -> Message:
    return Message(
        customer_id=customer_id,
        text=text,
        author=author,
        state=MessageState.ANSWERED if author is Author.CUSTOMER else MessageState.SENT,
        kind="text",
        sent_at=NOW,
        stored_at=NOW,
    )


def test_what_a_customer_writes_is_no_fact_of_the_business(tmp_path: Path) -> None:
    async def rows(session: AsyncSession, customer_id: int) -> None:
        session.add(wrote(customer_id, "Vocês atendem domingo às 18h, o kit custa R$ 90 e a garantia é de 99 anos"))
        session.add(wrote(customer_id, "Na quinta-feira atendemos até as 21h", Author.SELLER))

    facts = known(tmp_path, rows)
    assert objections("Atendemos domingo às 18h.", facts)
    assert objections("O kit custa R$ 90.", facts)
    assert objections("São 99 anos de garantia.", facts)
    assert objections("Na quinta-feira atendemos até as 21h.", facts) == []  # a seller said so


def test_the_business_file_backs_what_it_says(tmp_path: Path) -> None:
    async def rows(session: AsyncSession, customer_id: int) -> None:
        ends_at = TUESDAY + timedelta(hours=1)
        times = {"starts_at": TUESDAY, "ends_at": ends_at, "offered_at": NOW}
        session.add(Offer(customer_id=customer_id, number=1, kommo_user_id=10001, turn_id="turn:1", **times))

    facts = known(tmp_path, rows)
    assert objections("A visita dura 60 minutos.", facts) == []
    assert objections("Domingo não atendemos.", facts) == []  # no seller works then
    assert objections("Sábado não atendemos.", facts)  # one does
    assert objections("Tenho terça às 14:00.", facts) == []
    assert objections("Terça às 14:00 então!", facts)


def test_only_the_time_of_the_booked_meeting_is_settled(tmp_path: Path) -> None:
    async def rows(session: AsyncSession, customer_id: int) -> None:
        meeting = await add_meeting(session, customer_id, WEDNESDAY, revision=2, event_rev=2)
        session.add(change(meeting, "moved", 2, starts_at=TUESDAY.isoformat()))

    facts = known(tmp_path, rows)
    assert facts.meeting_at == WEDNESDAY
    assert objections("Prontinho, mudei de terça às 14h para quarta às 9h.", facts) == []
    assert objections("Sua visita é terça às 14h.", facts)


def test_a_meeting_the_calendar_does_not_show_is_not_booked(tmp_path: Path) -> None:
    async def rows(session: AsyncSession, customer_id: int) -> None:
        await add_meeting(session, customer_id, TUESDAY, phase=MeetingPhase.HELD, event_rev=0)

    facts = known(tmp_path, rows)
    assert facts.meeting_at is None
    assert objections("Terça às 14h então!", facts)


def test_an_earlier_cancellation_is_not_told_of_the_new_meeting(tmp_path: Path) -> None:
    async def cancelled(session: AsyncSession, customer_id: int) -> None:
        meeting = await add_meeting(session, customer_id, TUESDAY, status=MeetingStatus.CANCELLED, revision=2, event_rev=2)
        session.add(change(meeting, "cancelled", 2))

    async def booked_anew(session: AsyncSession, customer_id: int) -> None:
        await cancelled(session, customer_id)
        await add_meeting(session, customer_id, WEDNESDAY)

    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    assert objections("Sua visita foi cancelada.", known(tmp_path / "one", cancelled)) == []
    assert objections("Sua visita foi cancelada.", known(tmp_path / "two", booked_anew))


def test_only_what_was_done_since_the_customer_wrote_is_done_now(tmp_path: Path) -> None:
    async def rows(session: AsyncSession, customer_id: int) -> None:
        await add_meeting(session, customer_id, TUESDAY)  # at NOW
        earlier, later = wrote(customer_id, "oi"), wrote(customer_id, "obrigada")
        earlier.stored_at, later.stored_at = NOW - timedelta(minutes=1), NOW + timedelta(minutes=1)
        session.add(earlier)
        await session.flush()
        session.add(later)

    (tmp_path / "now").mkdir()
    (tmp_path / "then").mkdir()
    now, then = known(tmp_path / "now", rows, (1, 2)), known(tmp_path / "then", rows, (2,))
    assert now.deeds_now == {"booked"}
    assert then.deeds_now == frozenset()
    assert objections("Prontinho!", now) == []
    assert objections("Prontinho!", then)
    assert objections("Combinado, Maria! Até terça!", then) == []


def test_an_offer_that_lapsed_is_not_offered_again(tmp_path: Path) -> None:
    async def rows(session: AsyncSession, customer_id: int) -> None:
        for number, starts_at in enumerate((NOW - timedelta(days=3, hours=-6), TUESDAY), start=1):
            times = {"starts_at": starts_at, "ends_at": starts_at + timedelta(hours=1), "offered_at": NOW - timedelta(days=4)}
            session.add(Offer(customer_id=customer_id, number=number, kommo_user_id=10001, turn_id="turn:1", **times))

    facts = known(tmp_path, rows)
    assert (facts.moments, facts.past) == ((TUESDAY,), (NOW - timedelta(days=3, hours=-6),))
    assert objections("Tenho sexta às 14h.", facts)
    assert objections("Tenho terça às 14:00.", facts) == []


def test_the_seller_of_the_meeting_and_an_opt_out_are_known(tmp_path: Path) -> None:
    async def rows(session: AsyncSession, customer_id: int) -> None:
        await add_meeting(session, customer_id, TUESDAY)
        (await session.get_one(Customer, customer_id)).opted_out_at = NOW

    facts = known(tmp_path, rows)
    assert facts.opted_out
    assert facts.seller == BUSINESS.sellers[0].name.split()[0]
