"""Somebody takes a new telephone number: WhatsApp shows it with the hidden id that it showed with the old one."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from cli.people import People
from cli.stack import Stack
from cli.wiring import Service
from clients.transport import RetryPolicy
from meetings.tables import Customer
from sandbox.server import Sandbox
from tests.processes import ROOT

pytestmark = pytest.mark.long

OLD, NEW, LID = "5511987654321", "5521998877665", "222333444555666"
GOOD: list[dict[str, Any]] = [
    {"record_qualification": {"criterion": "bill", "value": "800", "quote": "800 reais"}},
    {"record_qualification": {"criterion": "property", "value": "casa", "quote": "casa"}},
    {"record_qualification": {"criterion": "owner", "value": "sim", "quote": "sou o dono"}},
]


@pytest.fixture
def served() -> Iterator[tuple[Stack, People, People]]:
    with (
        Sandbox() as sandbox,
        Stack(
            business_file=ROOT / "business.toml",
            sandbox=sandbox,
            overrides={"DEBOUNCE_SILENCE_S": 0},
            retry=RetryPolicy(attempts=1),
        ) as stack,
    ):
        before, after = People(sandbox.control_url, OLD), People(sandbox.control_url, NEW)
        yield stack, before, after
        before.close()
        after.close()


def talk(stack: Stack, people: People, text: str, *steps: dict[str, Any]) -> None:
    people.do("/model/script", steps=list(steps))
    people.customer_says(text)
    stack.settle()
    assert not people.state()["openai"]["remaining"]


def book(stack: Stack, people: People) -> None:
    people.do("/whatsapp/number", phone=OLD, lid=LID, lid_mode="2.3.6")
    talk(stack, people, "800 reais, casa, sou o dono", {"calls": GOOD}, {"call": {"check_availability": {}}}, {"say": "Qual?"})
    talk(stack, people, "a 1", {"call": {"create_meeting": {"option": 1}}}, {"say": "Combinado!"})


def change_number(people: People) -> None:
    people.do("/whatsapp/number", phone=NEW, lid=LID, lid_mode="2.3.6")


def customers(stack: Stack) -> list[Customer]:
    async def read(service: Service) -> list[Customer]:
        async with service.db.transaction() as session:
            return list(await session.scalars(select(Customer)))

    found: list[Customer] = stack.call(read)
    return found


def contacts(people: People) -> list[list[str]]:
    """The phones of each contact in Kommo."""
    found = [contact["fields"]["Phone"] for contact in people.state()["kommo"]["contacts"]]
    return [phones if isinstance(phones, list) else [phones] for phones in found]


def test_one_customer_stays_one_and_kommo_gets_the_new_number(served: tuple[Stack, People, People]) -> None:
    stack, before, after = served
    book(stack, before)
    change_number(after)
    talk(stack, after, "mudei de número, a visita continua?", {"call": {"get_meeting": {}}}, {"say": "Continua sim!"})
    (customer,) = customers(stack)
    assert (customer.phone, customer.lid, customer.former_phone) == (f"+{NEW}", f"{LID}@lid", None)
    assert contacts(after) == [[f"+{OLD}", f"+{NEW}"]]
    assert len(after.state()["kommo"]["leads"]) == 1
    assert after.told() == ["Continua sim!"]
    requests = stack.sandbox.world.services["openai"].state.requests
    assert any("MEETING: scheduled" in str(m["content"]) for m in requests[-1]["messages"])


def test_notices_of_the_meeting_go_to_the_new_number(served: tuple[Stack, People, People]) -> None:
    stack, before, after = served
    book(stack, before)
    change_number(after)
    talk(stack, after, "mudei de número", {"say": "Anotado!"})
    told_before = len(before.told())
    after.seller_deletes_task()
    stack.settle()
    assert any("cancelada" in text for text in after.told())
    assert len(before.told()) == told_before


def test_while_kommo_is_down_the_customer_is_answered_and_the_number_follows(served: tuple[Stack, People, People]) -> None:
    stack, before, after = served
    book(stack, before)
    change_number(after)
    after.do("/faults", service="kommo", method="PATCH", path="/contacts", status=500, times=2)
    talk(stack, after, "mudei de número", {"say": "Anotado!"})
    assert after.told() == ["Anotado!"]
    assert contacts(after) == [[f"+{OLD}"]]
    stack.sandbox.world.faults.clear()
    talk(stack, after, "obrigada", {"say": "De nada!"})
    assert contacts(after) == [[f"+{OLD}", f"+{NEW}"]]
    assert [c.former_phone for c in customers(stack)] == [None]


def test_who_wrote_from_the_new_number_before_it_could_be_told_is_joined_with_the_meeting(
    served: tuple[Stack, People, People],
) -> None:
    stack, before, after = served
    book(stack, before)
    after.do("/whatsapp/number", phone=NEW, lid_mode="2.3.7")  # this server version shows no hidden id
    talk(stack, after, "Oi, é o número novo", {"say": "Oi!"})
    assert len(customers(stack)) == 2
    change_number(after)
    talk(stack, after, "minha visita continua?", {"call": {"get_meeting": {}}}, {"say": "Continua sim!"})
    (customer,) = customers(stack)
    meeting_lead = next(lead for lead in after.state()["kommo"]["leads"] if lead["fields"]["meeting_status"] == "scheduled")
    assert customer.kommo_lead_id == meeting_lead["id"]
    assert (customer.phone, customer.former_phone) == (f"+{NEW}", None)
    assert [f"+{OLD}", f"+{NEW}"] in contacts(after)
