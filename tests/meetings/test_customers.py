"""One customer per person, whatever the chat shows of them, and their lead in a served Kommo."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from meeting_scene import (
    ANA,
    BRUNO,
    JID,
    ONCE,
    PHONE,
    Scene,
    add_customer,
    add_message,
    add_offer,
    at,
    business,
    database,
    served,
)
from sqlalchemy import func, select

from clients.errors import OutcomeUnknownError, ServiceError, UnreachableError
from clients.kommo import KommoClient
from meetings.business import Business
from meetings.customers import Leads, customer_of, find_customer, language_of
from meetings.database import Database
from meetings.events import ChatIdentity
from meetings.tables import Answer, Customer, Meeting, MeetingPhase, MeetingStatus, Message, Offer

NOW = at("2026-03-09 08:00")
LID = "222333444555666@lid"
OLD_JID = "551187654321@s.whatsapp.net"  # WhatsApp's spelling without the ninth digit
OTHER = ChatIdentity("+5511912345678", "5511912345678@s.whatsapp.net")

BY_PHONE = ChatIdentity(PHONE, JID)
BY_OLD_PHONE = ChatIdentity(PHONE, OLD_JID)
BY_BOTH = ChatIdentity(PHONE, JID, LID)
BY_LID = ChatIdentity(None, LID, LID)


# --- who it is --------------------------------------------------------------------------------------------------------


def met(folder: Path, *chats: tuple[ChatIdentity, str | None]) -> list[Customer]:
    """The customers there are after these chats wrote one after the other, each with a name or without."""

    async def run() -> list[Customer]:
        async with database(folder) as db:
            for chat, name in chats:
                async with db.transaction() as session:
                    await customer_of(session, chat, name, NOW)
            async with db.transaction() as session:
                return list(await session.scalars(select(Customer).order_by(Customer.id)))

    return asyncio.run(run())


@pytest.mark.parametrize("chats", [[BY_PHONE, BY_OLD_PHONE], [BY_OLD_PHONE, BY_PHONE]], ids=["new first", "old first"])
def test_a_number_with_and_without_the_ninth_digit_is_one_person(tmp_path: Path, chats: Sequence[ChatIdentity]) -> None:
    (customer,) = met(tmp_path, *((chat, None) for chat in chats))
    assert (customer.phone, customer.match_key) == (PHONE, "551187654321")
    assert customer.jid == chats[-1].jid  # where the chat was last seen is where answers go


@pytest.mark.parametrize(
    "chats",
    [[BY_LID, BY_BOTH], [BY_BOTH, BY_LID], [BY_PHONE, BY_BOTH, BY_LID], [BY_LID, BY_LID, BY_BOTH, BY_PHONE]],
    ids=["hidden, then shown", "shown, then hidden", "phone, both, hidden", "all ways"],
)
def test_a_hidden_id_and_the_phone_shown_with_it_are_one_person(tmp_path: Path, chats: Sequence[ChatIdentity]) -> None:
    (customer,) = met(tmp_path, *((chat, None) for chat in chats))
    assert (customer.phone, customer.lid, customer.jid) == (PHONE, LID, JID)


def test_who_hides_the_phone_is_a_customer_without_one(tmp_path: Path) -> None:
    (customer,) = met(tmp_path, (BY_LID, "Maria"), (BY_LID, None))
    assert (customer.phone, customer.match_key, customer.lid, customer.jid, customer.name) == (None, None, LID, LID, "Maria")


def test_different_people_are_different_customers(tmp_path: Path) -> None:
    hidden = ChatIdentity(None, "999888777666555@lid", "999888777666555@lid")
    assert len(met(tmp_path, (BY_PHONE, "Maria"), (OTHER, "Maria"), (hidden, "Maria"))) == 3


def test_a_new_number_with_the_same_hidden_id_is_the_same_person(tmp_path: Path) -> None:
    moved = ChatIdentity(OTHER.phone, OTHER.jid, LID)
    (customer,) = met(tmp_path, (BY_BOTH, "Maria"), (moved, None), (BY_LID, None), (moved, None))
    assert (customer.phone, customer.match_key, customer.jid) == (OTHER.phone, "5511912345678", OTHER.jid)
    assert (customer.former_phone, customer.lid, customer.name) == (PHONE, LID, "Maria")


def test_the_number_with_and_without_the_ninth_digit_is_no_new_number(tmp_path: Path) -> None:
    (customer,) = met(tmp_path, (BY_BOTH, None), (ChatIdentity("+551187654321", OLD_JID, LID), None))
    assert (customer.phone, customer.former_phone) == (PHONE, None)


def test_what_is_known_is_added_to_and_never_blanked_or_overwritten(tmp_path: Path) -> None:
    (customer,) = met(tmp_path, (BY_PHONE, None), (BY_BOTH, "Maria Souza"), (BY_LID, None), (BY_PHONE, "Mari 🌻"))
    assert (customer.phone, customer.lid, customer.jid, customer.name) == (PHONE, LID, JID, "Maria Souza")
    assert customer.created_at == NOW


@pytest.mark.parametrize("chats", [[BY_LID, BY_PHONE, BY_BOTH], [BY_PHONE, BY_LID, BY_BOTH]], ids=["hidden first", "phone first"])
def test_two_records_of_one_person_are_joined_as_soon_as_that_shows(tmp_path: Path, chats: Sequence[ChatIdentity]) -> None:
    (customer,) = met(tmp_path, *((chat, "Maria") for chat in chats))
    assert (customer.phone, customer.lid, customer.jid) == (PHONE, LID, JID)


def test_of_two_joined_records_nothing_said_answered_or_booked_is_lost(tmp_path: Path) -> None:
    async def run() -> tuple[Customer, list[str], dict[str, str], list[int]]:
        async with database(tmp_path) as db:
            known = await add_customer(db, NOW)
            hidden = await add_customer(db, NOW, phone=None, jid=LID, lid=LID, name="Maria", paused_until=at("2026-03-09 12:00"))
            for one, text in ((known, "Oi"), (hidden, "Oi de novo")):
                await add_message(db, one, text, NOW, vendor_id=text)
            await add_message(db, known, "dos dois lados", NOW, vendor_id="A1")
            await add_message(db, hidden, "dos dois lados", NOW, vendor_id="A1")
            async with db.transaction() as session:
                session.add_all(
                    Answer(
                        customer_id=one, criterion=name, value=value, qualifies=True, quote=value, message_id=1, recorded_at=NOW
                    )
                    for one, name, value in ((known, "bill", "800"), (hidden, "bill", "200"), (hidden, "owner", "sim"))
                )
                session.add(_meeting(hidden))
            await add_offer(db, hidden, 1, at("2026-03-11 10:00"))
            async with db.transaction() as session:
                joined = await customer_of(session, BY_BOTH, None, NOW)
            async with db.transaction() as session:
                (customer,) = await session.scalars(select(Customer))
                assert customer.id == joined.id == known
                said = list(await session.scalars(select(Message.text).where(Message.customer_id == known).order_by(Message.id)))
                rows = await session.scalars(select(Answer).where(Answer.customer_id == known))
                answered = {answer.criterion: answer.value for answer in rows}
                meetings = list(await session.scalars(select(Meeting.customer_id)))
                assert await session.scalar(select(func.count()).select_from(Offer)) == 0
            return customer, said, answered, meetings

    customer, said, answered, meetings = asyncio.run(run())
    assert (customer.name, customer.paused_until) == ("Maria", at("2026-03-09 12:00"))
    assert said == ["Oi", "Oi de novo", "dos dois lados", "dos dois lados"]
    assert answered == {"bill": "800", "owner": "sim"}
    assert meetings == [customer.id]


def _meeting(customer_id: int) -> Meeting:
    return Meeting(
        customer_id=customer_id,
        kommo_user_id=ANA,
        calendar_id="ana@solclaro.example",
        event_id="a1b2c3",
        phase=MeetingPhase.BOOKED,
        status=MeetingStatus.SCHEDULED,
        starts_at=at("2026-03-10 14:00"),
        ends_at=at("2026-03-10 15:00"),
        created_at=NOW,
        updated_at=NOW,
    )


@pytest.mark.parametrize("chat", [BY_PHONE, BY_OLD_PHONE, BY_BOTH, BY_LID])
def test_looking_for_a_person_makes_nobody(tmp_path: Path, chat: ChatIdentity) -> None:
    async def run() -> tuple[Customer | None, int | None]:
        async with database(tmp_path) as db:
            async with db.transaction() as session:
                nobody = await find_customer(session, chat)
            customer_id = await add_customer(db, NOW, lid=LID)
            async with db.transaction() as session:
                found = await find_customer(session, chat)
            assert found is not None
            return nobody, found.id - customer_id

    assert asyncio.run(run()) == (None, 0)


@pytest.mark.parametrize(
    ("locale", "phone", "expected"),
    [
        ("es", PHONE, "es"),
        ("en-US", PHONE, "en"),
        ("fr", PHONE, "pt-BR"),
        (None, PHONE, "pt-BR"),
        (None, "+34612345678", "es"),
        (None, "+5491123456789", "es"),
        (None, "+12025550123", "en"),
        (None, "+33612345678", "en"),  # no language of ours is spoken there: the default
        (None, None, "en"),
    ],
)
def test_a_customer_is_written_to_in_their_language_else_their_country_s_else_the_default(
    locale: str | None, phone: str | None, expected: str
) -> None:
    assert language_of(Customer(locale=locale, phone=phone), "en") == expected


# --- their lead -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared_scene() -> Iterator[Scene]:
    with served() as scene:
        yield scene


@pytest.fixture
def scene(shared_scene: Scene) -> Scene:
    shared_scene.reset()
    return shared_scene


@dataclass
class Crm:
    """What a test works with: one customer, Maria."""

    db: Database
    leads: Leads
    scene: Scene
    customer_id: int

    async def ensure(self) -> int | None:
        return await self.leads.ensure(self.customer_id)

    async def customer(self) -> Customer:
        async with self.db.transaction() as session:
            return await session.get_one(Customer, self.customer_id)

    def contact(self, phone: str, name: str = "Maria") -> int:
        return int(self.scene.control("/seller/contact/create", name=name, phone=phone)["id"])

    def lead(self, contact_id: int, *, status_id: int | None = None, seller: int = ANA) -> int:
        fields: dict[str, Any] = {"name": "Projeto", "contact_id": contact_id, "responsible_user_id": seller}
        lead = self.scene.control("/seller/lead/create", **fields, **({"status_id": status_id} if status_id else {}))
        return int(lead["id"])

    def there(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.scene.state("kommo")[kind]
        return found


@contextlib.asynccontextmanager
async def crm(folder: Path, scene: Scene, rules: Business, **customer: Any) -> AsyncIterator[Crm]:
    kommo = KommoClient(scene.urls["kommo"], "sandbox-kommo-token", retry=ONCE, requests_per_s=200, now=scene.now)
    async with database(folder) as db:
        try:
            customer_id = await add_customer(db, scene.now(), **{"name": "Maria Souza", **customer})
            yield Crm(db, Leads(db, kommo, rules, "pt-BR", scene.now), scene, customer_id)
        finally:
            await kommo.close()


def run(folder: Path, scene: Scene, act: Callable[[Crm], Awaitable[Any]], rules: Business | None = None, **customer: Any) -> Any:
    async def inside() -> Any:
        async with crm(folder, scene, rules or business(), **customer) as place:
            return await act(place)

    return asyncio.run(inside())


def test_a_new_person_gets_a_contact_and_a_lead(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Crm) -> None:
        lead_id = await place.ensure()
        (lead,), (contact,) = place.there("leads"), place.there("contacts")
        assert lead["id"] == lead_id
        assert (lead["name"], contact["name"]) == ("WhatsApp: Maria Souza", "Maria Souza")
        assert "marcado" in str(lead["tags"])
        assert PHONE in str(contact)
        customer = await place.customer()
        assert (customer.kommo_lead_id, customer.kommo_contact_id) == (lead_id, contact["id"])

    run(tmp_path, scene, act)


def test_a_person_without_a_name_is_filed_under_the_phone(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Crm) -> None:
        await place.ensure()
        assert [lead["name"] for lead in place.there("leads")] == [f"WhatsApp: {PHONE}"]

    run(tmp_path, scene, act, name=None)


def test_asking_again_makes_nothing_more_and_asks_kommo_nothing(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Crm) -> None:
        first = await place.ensure()
        calls = len(scene.calls("kommo", "/"))
        assert await place.ensure() == first
        assert len(scene.calls("kommo", "/")) == calls

    run(tmp_path, scene, act)


def test_while_the_phone_is_hidden_there_is_no_lead(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Crm) -> None:
        assert await place.ensure() is None
        assert scene.calls("kommo", "/") == []

    run(tmp_path, scene, act, phone=None)


TYPED = ["+5511987654321", "5511987654321", "(11) 98765-4321", "11 98765 4321", "+55 11 8765-4321", "551187654321", "11987654321"]


@pytest.mark.parametrize("typed", TYPED)
def test_a_contact_is_found_however_somebody_typed_the_number(tmp_path: Path, scene: Scene, typed: str) -> None:
    async def act(place: Crm) -> None:
        contact_id = place.contact(typed)
        lead_id = place.lead(contact_id)
        assert await place.ensure() == lead_id
        assert (len(place.there("contacts")), len(place.there("leads"))) == (1, 1)
        assert (await place.customer()).kommo_contact_id == contact_id

    run(tmp_path, scene, act)


@pytest.mark.parametrize("typed", ["+55 21 98765-4321", "+54 9 11 8765-4321", "98765-4321", "0800 11987654321 9"])
def test_a_stranger_with_similar_digits_is_not_taken_for_the_person(tmp_path: Path, scene: Scene, typed: str) -> None:
    async def act(place: Crm) -> None:
        stranger = place.contact(typed, name="Outra pessoa")
        other_lead = place.lead(stranger)
        assert await place.ensure() != other_lead
        assert len(place.there("contacts")) == 2

    run(tmp_path, scene, act)


@pytest.mark.parametrize(("responsible", "kommo_user_id"), [(ANA, ANA), (BRUNO, BRUNO), (10000, None)])
def test_the_open_lead_says_whose_customer_it_is_if_that_is_a_seller(
    tmp_path: Path, scene: Scene, responsible: int, kommo_user_id: int | None
) -> None:
    async def act(place: Crm) -> None:
        place.lead(place.contact(PHONE), seller=responsible)
        await place.ensure()
        assert (await place.customer()).kommo_user_id == kommo_user_id

    run(tmp_path, scene, act)


def test_a_lead_that_we_made_is_nobodys_until_somebody_is_chosen(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Crm) -> None:
        token_user = 10000  # whom Kommo makes responsible for what the API makes; here a seller too
        rules = place.leads.business
        owner = rules.sellers[0].model_copy(update={"kommo_user_id": token_user})
        place.leads.business = rules.model_copy(update={"sellers": (owner, *rules.sellers[1:])})
        lead_id = await place.ensure()
        assert (await place.customer()).kommo_user_id is None
        assert await place.leads.refresh(place.customer_id) == lead_id
        assert (await place.customer()).kommo_user_id is None
        for to in (BRUNO, token_user):
            scene.control("/seller/lead/reassign", lead_id=lead_id, responsible_user_id=to)
            assert await place.leads.refresh(place.customer_id) == lead_id
            assert (await place.customer()).kommo_user_id == to

    run(tmp_path, scene, act)


@pytest.mark.parametrize("closed", [142, 143], ids=["won", "lost"])
def test_a_closed_lead_is_left_alone_and_a_new_one_made_for_the_same_contact(tmp_path: Path, scene: Scene, closed: int) -> None:
    async def act(place: Crm) -> None:
        contact_id = place.contact(PHONE)
        old = place.lead(contact_id, status_id=closed)
        new = await place.ensure()
        assert new != old
        assert len(place.there("contacts")) == 1
        assert {lead["id"]: lead["status_id"] for lead in place.there("leads")}[old] == closed
        assert (await place.customer()).kommo_contact_id == contact_id

    run(tmp_path, scene, act)


def test_of_several_open_leads_the_one_last_worked_on_counts(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Crm) -> None:
        contact_id = place.contact(PHONE)
        leads = []
        for _ in range(3):
            leads.append(place.lead(contact_id))
            scene.control("/clock", advance_s=60)
        scene.control("/seller/lead/edit", lead_id=leads[1], price=900)
        assert await place.ensure() == leads[1]

    run(tmp_path, scene, act)


@pytest.mark.parametrize("fate", ["deleted", "won", "lost"])
def test_for_a_new_meeting_a_lead_that_is_gone_or_closed_is_replaced(tmp_path: Path, scene: Scene, fate: str) -> None:
    async def act(place: Crm) -> None:
        first = await place.ensure()
        if fate == "deleted":
            scene.control("/seller/lead/delete", lead_id=first)
        else:
            scene.control("/seller/lead/stage", lead_id=first, status_id={"won": 142, "lost": 143}[fate])
        assert await place.ensure() == first  # what we know is not doubted without a reason
        second = await place.leads.refresh(place.customer_id)
        assert second not in (None, first)
        assert (await place.customer()).kommo_lead_id == second
        assert len(place.there("contacts")) == 1

    run(tmp_path, scene, act)


@pytest.mark.parametrize(("to", "kommo_user_id"), [(BRUNO, BRUNO), (10000, None)])
def test_for_a_new_meeting_an_open_lead_is_kept_with_whoever_is_responsible_now(
    tmp_path: Path, scene: Scene, to: int, kommo_user_id: int | None
) -> None:
    async def act(place: Crm) -> None:
        first = place.lead(place.contact(PHONE), seller=ANA)
        await place.ensure()
        scene.control("/seller/lead/reassign", lead_id=first, responsible_user_id=to)
        assert await place.leads.refresh(place.customer_id) == first
        assert (await place.customer()).kommo_user_id == kommo_user_id

    run(tmp_path, scene, act)


def test_a_new_person_s_first_meeting_finds_or_makes_the_lead_too(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Crm) -> None:
        assert await place.leads.refresh(place.customer_id) is not None
        assert len(place.there("leads")) == 1

    run(tmp_path, scene, act)


def test_while_kommo_can_not_be_asked_the_known_lead_is_kept(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Crm) -> None:
        first = await place.ensure()
        scene.control("/faults", service="kommo", status=503)
        with pytest.raises(UnreachableError):
            await place.leads.refresh(place.customer_id)
        assert (await place.customer()).kommo_lead_id == first

    run(tmp_path, scene, act)


def test_a_new_lead_goes_where_the_business_file_says(tmp_path: Path, scene: Scene) -> None:
    rules = business()
    place_rules = rules.kommo.model_copy(update={"pipeline_id": 8572511, "new_lead_status_id": 67548611, "lead_tag": "robô"})

    async def act(place: Crm) -> None:
        await place.ensure()
        (lead,) = place.there("leads")
        assert (lead["pipeline_id"], lead["status_id"]) == (8572511, 67548611)
        assert "robô" in str(lead["tags"])

    run(tmp_path, scene, act, rules.model_copy(update={"kommo": place_rules}))


@pytest.mark.parametrize(
    "fault", [{"drop": "after"}, {"status": 502, "after_write": True}], ids=["the connection broke", "a proxy answered"]
)
def test_a_lost_answer_makes_no_second_contact_and_no_second_lead(tmp_path: Path, scene: Scene, fault: dict[str, Any]) -> None:
    async def act(place: Crm) -> None:
        scene.control("/faults", service="kommo", method="POST", path="/leads", **fault)
        with pytest.raises(OutcomeUnknownError):
            await place.ensure()
        assert (await place.customer()).kommo_lead_id is None
        lead_id = await place.ensure()
        assert [lead["id"] for lead in place.there("leads")] == [lead_id]
        assert len(place.there("contacts")) == 1

    run(tmp_path, scene, act)


def test_a_lost_answer_for_a_known_contact_makes_no_second_lead(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Crm) -> None:
        place.contact(PHONE)
        scene.control("/faults", service="kommo", method="POST", path="/leads", drop="after")
        with pytest.raises(OutcomeUnknownError):
            await place.ensure()
        lead_id = await place.ensure()
        assert [lead["id"] for lead in place.there("leads")] == [lead_id]

    run(tmp_path, scene, act)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [({"status": 503}, UnreachableError), ({"drop": "before"}, UnreachableError), ({"status": 401}, ServiceError)],
)
def test_while_kommo_can_not_be_asked_nothing_is_made(
    tmp_path: Path, scene: Scene, fault: dict[str, Any], kind: type[ServiceError]
) -> None:
    async def act(place: Crm) -> None:
        scene.control("/faults", service="kommo", times=-1, **fault)
        with pytest.raises(kind):
            await place.ensure()
        assert (await place.customer()).kommo_lead_id is None
        assert (place.there("leads"), place.there("contacts")) == ([], [])

    run(tmp_path, scene, act)
