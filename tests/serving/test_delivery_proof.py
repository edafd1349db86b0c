"""A message that matters is followed until it arrived: 201 is no delivery. Through the whole service."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cli.people import People
from cli.stack import Stack
from cli.wiring import Service
from clients.transport import RetryPolicy
from meetings.tables import Customer, Meeting, Message, Proof
from sandbox.server import Sandbox
from tests.processes import ROOT

pytestmark = pytest.mark.long

QUALIFIED = [
    {"record_qualification": {"criterion": "bill", "value": "800", "quote": "800 reais"}},
    {"record_qualification": {"criterion": "property", "value": "casa", "quote": "é uma casa"}},
    {"record_qualification": {"criterion": "owner", "value": "sim", "quote": "sou o dono"}},
]
OLD_JID, NEW_JID = "5511987654321@s.whatsapp.net", "551187654321@s.whatsapp.net"


class Played:
    """A stack whose clock stands still, with a meeting booked by a customer whose phone then acknowledges as told."""

    def __init__(self, stack: Stack, people: People) -> None:
        self.stack, self.people, self.world = stack, people, stack.sandbox.world

    def book(self, acks: str = "none") -> None:
        self.model({"calls": QUALIFIED}, {"call": {"check_availability": {"day": "2026-03-11"}}}, {"say": "Qual prefere?"})
        self.people.customer_says("Minha conta é 800 reais, é uma casa e sou o dono")
        self.stack.settle()
        self.people.do("/whatsapp/acks", mode=acks)
        self.model({"call": {"create_meeting": {"option": 2}}}, {"call": {"notify_client": {}}}, {"say": "Combinado!"})
        self.people.customer_says("a 2")
        self.stack.settle()

    def model(self, *steps: dict[str, Any]) -> None:
        self.people.do("/model/script", steps=list(steps))

    def later(self, minutes: float) -> None:
        self.world.clock.set(self.world.clock.now() + timedelta(minutes=minutes))
        self.stack.settle()

    def ack(self, part: str, status: str = "DELIVERY_ACK") -> None:
        self.people.do("/whatsapp/ack", id=self.people.id_of(part), status=status)
        self.stack.settle()

    def number_is_now(self, canonical: str) -> None:
        self.people.do("/whatsapp/number", phone=self.people.phone, canonical=canonical)

    @property
    def confirmations(self) -> list[Message]:
        return [m for m in self.rows(Message) if "meeting:1:1:booked" in (m.key or "")]

    @property
    def tasks(self) -> list[dict[str, Any]]:
        return [t for t in self.people.tasks(task_type_id=1) if "pode não saber" in t["text"]]

    def rows(self, table: type[Any]) -> list[Any]:
        async def read(service: Service) -> list[Any]:
            async with service.db.transaction() as session:
                return list(await session.scalars(select(table).order_by(table.id)))

        found: list[Any] = self.stack.call(read)
        return found


@pytest.fixture
def play() -> Iterator[Callable[..., Played]]:
    with ExitStack() as running:

        def begin(**settings: Any) -> Played:
            sandbox = Sandbox().start()
            running.callback(sandbox.stop)
            sandbox.world.clock.set(datetime.fromisoformat("2026-03-09T09:00:00-03:00"))
            stack = Stack(
                business_file=ROOT / "business.toml",
                overrides=settings,
                sandbox=sandbox,
                now=sandbox.world.clock.now,
                retry=RetryPolicy(attempts=1),
            )
            running.enter_context(stack)
            people = People(sandbox.control_url)
            running.callback(people.close)
            people.do("/model/mind", mind="script")
            return Played(stack, people)

        yield begin


def test_a_message_that_arrives_is_proven_and_nobody_is_bothered(play: Callable[..., Played]) -> None:
    played = play()
    played.book(acks="auto")
    played.later(60)
    assert [m.state for m in played.confirmations] == ["delivered"]
    assert played.tasks == []


def test_without_an_acknowledgement_a_seller_gets_one_task_in_time(play: Callable[..., Played]) -> None:
    played = play()
    played.book()
    played.later(29)
    assert played.tasks == []
    played.later(2)
    (task,) = played.tasks
    (meeting,) = played.rows(Meeting)
    assert task["responsible_user_id"] == meeting.kommo_user_id
    assert "reunião marcada" in task["text"]
    assert "+5511987654321" in task["text"]
    assert [(m.state, m.proof) for m in played.confirmations] == [("sent", Proof.SELLER_TOLD)]
    played.later(300)
    assert len(played.tasks) == 1


def test_the_setting_says_how_long_is_waited(play: Callable[..., Played]) -> None:
    played = play(DELIVERY_TIMEOUT_MIN=5)
    played.book()
    played.later(6)
    assert len(played.tasks) == 1


def test_the_other_form_of_the_number_is_tried_once(play: Callable[..., Played]) -> None:
    played = play()
    played.book()
    played.number_is_now("without_nine")
    played.people.do("/whatsapp/acks", mode="auto")
    played.later(31)
    first, second = played.confirmations
    assert (first.sent_to, first.proof) == (OLD_JID, Proof.OTHER_FORM)
    assert (second.sent_to, second.state) == (NEW_JID, "delivered")
    assert second.text == first.text
    played.later(300)
    assert len(played.confirmations) == 2
    assert played.tasks == []


def test_neither_form_is_acknowledged_one_task_after_both(play: Callable[..., Played]) -> None:
    played = play()
    played.book()
    played.number_is_now("without_nine")
    played.later(31)
    assert (len(played.confirmations), len(played.tasks)) == (2, 0)
    played.later(31)
    played.later(120)
    assert (len(played.confirmations), len(played.tasks)) == (2, 1)


def test_a_late_acknowledgement_of_the_first_ends_it_and_nothing_is_sent_again(play: Callable[..., Played]) -> None:
    played = play()
    played.book()
    played.number_is_now("without_nine")
    played.later(20)
    played.ack("Combinado", "DELIVERY_ACK")  # another message: proves nothing about the confirmation
    played.ack(played.confirmations[0].text, "READ")
    played.later(120)
    assert (len(played.confirmations), len(played.tasks)) == (1, 0)


def test_an_acknowledgement_after_both_tries_keeps_the_seller_out_of_it(play: Callable[..., Played]) -> None:
    played = play()
    played.book()
    first = played.people.id_of(played.confirmations[0].text)
    played.number_is_now("without_nine")
    played.later(31)
    played.people.do("/whatsapp/ack", id=first, status="DELIVERY_ACK")
    played.stack.settle()
    played.later(120)
    assert (len(played.confirmations), len(played.tasks)) == (2, 0)


def test_an_acknowledgement_after_the_task_completes_it(play: Callable[..., Played]) -> None:
    played = play()
    played.book()
    played.later(31)
    played.ack(played.confirmations[0].text)
    (task,) = played.tasks
    assert task["is_completed"]
    assert "chegou" in str(task)
    assert played.confirmations[0].proof == Proof.PROVEN


def test_an_acknowledgement_whose_webhook_was_lost_is_found_at_evolution(play: Callable[..., Played]) -> None:
    played = play()
    played.book(acks="auto")

    async def forget(service: Service) -> None:
        async with service.db.transaction() as session:
            for message in await session.scalars(select(Message).where(Message.proof.is_not(None))):
                message.state = "sent"

    played.stack.call(forget)
    played.later(31)
    assert [(m.state, m.proof) for m in played.confirmations] == [("delivered", Proof.PROVEN)]
    assert played.tasks == []


def test_who_writes_afterwards_has_a_living_chat(play: Callable[..., Played]) -> None:
    played = play()
    played.book()
    played.world.clock.set(played.world.clock.now() + timedelta(minutes=5))
    played.model({"say": "De nada!"})
    played.people.customer_says("Obrigada")
    played.stack.settle()
    played.later(60)
    assert played.tasks == []


def test_an_error_after_acceptance_is_acted_upon_at_once(play: Callable[..., Played]) -> None:
    played = play()
    played.book(acks="error")
    (task,) = played.tasks
    assert "reunião marcada" in task["text"]


def test_what_is_no_longer_true_is_not_sent_to_another_number(play: Callable[..., Played]) -> None:
    played = play()
    played.book()
    played.number_is_now("without_nine")
    played.people.do("/whatsapp/acks", mode="auto")
    played.people.seller_deletes_task()
    played.stack.settle()
    played.later(60)
    assert len(played.confirmations) == 1
    assert played.confirmations[0].proof == Proof.OVERTAKEN
    assert played.tasks == []


def test_it_is_remembered_across_a_restart(play: Callable[..., Played]) -> None:
    played = play()
    played.book()
    played.number_is_now("without_nine")
    played.stack.stop_service()
    played.world.clock.set(played.world.clock.now() + timedelta(hours=2))
    played.stack.start_service()
    played.stack.settle()
    assert len(played.confirmations) == 2
    played.stack.stop_service()
    played.world.clock.set(played.world.clock.now() + timedelta(hours=2))
    played.stack.start_service()
    played.stack.settle()
    assert (len(played.confirmations), len(played.tasks)) == (2, 1)


def test_a_number_that_is_somebody_elses_gets_nothing(play: Callable[..., Played]) -> None:
    played = play()
    played.book()

    async def owned(service: Service) -> None:
        async with service.db.transaction() as session:
            session.add(Customer(jid=NEW_JID, created_at=service.dispatcher.now()))

    played.stack.call(owned)
    played.number_is_now("without_nine")
    played.later(31)
    assert (len(played.confirmations), len(played.tasks)) == (1, 1)


def test_a_kommo_that_is_down_gets_the_task_later_and_once(play: Callable[..., Played]) -> None:
    played = play()
    played.book()
    played.people.do("/faults", service="kommo", method="POST", path="/api/v4/tasks", status=500, after_write=True)
    played.later(31)
    assert len(played.tasks) == 1
