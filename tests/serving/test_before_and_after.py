"""Before and after the meeting, when things go wrong: restarts, lost answers, services that are down, two questions at once."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cli.people import People
from cli.stack import Stack
from cli.wiring import Service
from clients.transport import RetryPolicy
from meetings.invitations import Invitations
from meetings.tables import Customer, Hint, Meeting, Offer, SellerMessage, Touch, TouchKind
from sandbox.faults import Fault
from sandbox.server import Sandbox

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
SELLER = "5511975550001"
BY_WHATSAPP = {"follow_up": {"how": "whatsapp"}, "sellers": [{"whatsapp": f"+{SELLER}"}]}
QUALIFIED = [
    {"record_qualification": {"criterion": "bill", "value": "800", "quote": "800 reais"}},
    {"record_qualification": {"criterion": "property", "value": "casa", "quote": "é uma casa"}},
    {"record_qualification": {"criterion": "owner", "value": "sim", "quote": "sou o dono"}},
]


def when(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-{text}:00-03:00")


class Played:
    """A stack whose clock stands still, and its people."""

    def __init__(self, stack: Stack, people: People) -> None:
        self.stack, self.people, self.world = stack, people, stack.sandbox.world

    def book(self, option: int, phone: str | None = None, name: str = "Maria Souza") -> None:
        """Books one of Wednesday's times (9, 10, 11, 13 … o'clock, less what is taken) in two messages."""
        say = {"phone": phone or self.people.phone, "name": name}
        self.model({"calls": QUALIFIED}, {"call": {"check_availability": {"day": "2026-03-11"}}}, {"say": "Qual prefere?"})
        self.people.do("/customer/say", text="Minha conta é 800 reais, é uma casa e sou o dono", **say)
        self.stack.settle()
        self.model({"call": {"create_meeting": {"option": option}}}, {"call": {"notify_client": {}}}, {"say": "Combinado!"})
        self.people.do("/customer/say", text=f"a {option}", **say)
        self.stack.settle()

    def model(self, *steps: dict[str, Any]) -> None:
        self.people.do("/model/script", steps=list(steps))

    def until(self, text: str) -> None:
        """Time passes until that day and hour of March 2026, and what is due then happens."""
        self.world.clock.set(when(text))
        self.stack.settle()

    def seller_says(self, text: str, **fields: Any) -> None:
        self.people.do("/customer/say", phone=SELLER, name="Ana Ribeiro", text=text, **fields)
        self.stack.settle()

    def fault(self, **fields: Any) -> None:
        self.people.do("/faults", **fields)

    def told(self, part: str, phone: str | None = None) -> int:
        """How many messages of ours with these words somebody got."""
        chat = self.people.state()["evolution"]["chat"].get("+" + (phone or self.people.phone), [])
        return sum(part in m["text"] for m in chat if m["from"] == "agent")

    @property
    def questions(self) -> list[dict[str, Any]]:
        return self.people.tasks(task_type_id=1)

    @property
    def status(self) -> str:
        return str(self.people.lead()["fields"]["meeting_status"])

    def rows(self, table: type[Any]) -> Sequence[Any]:
        async def read(service: Service) -> Sequence[Any]:
            async with service.db.transaction() as session:
                return list(await session.scalars(select(table).order_by(table.id)))

        found: Sequence[Any] = self.stack.call(read)
        return found


@pytest.fixture
def play() -> Iterator[Callable[..., Played]]:
    with ExitStack() as running:

        def begin(**business: Any) -> Played:
            sandbox = Sandbox().start()
            running.callback(sandbox.stop)
            sandbox.world.clock.set(when("09T09:00"))
            stack = Stack(
                business_file=ROOT / "business.toml",
                business_changes=business,
                sandbox=sandbox,
                now=sandbox.world.clock.now,
                retry=RetryPolicy(attempts=1),  # what fails is tried again by ourselves, which is what is looked at here
            )
            running.enter_context(stack)
            people = People(sandbox.control_url)
            running.callback(people.close)
            people.do("/model/mind", mind="script")
            return Played(stack, people)

        yield begin


# --- reminders --------------------------------------------------------------------------------------------------------


def test_an_event_that_somebody_deleted_on_the_calendar_is_not_reminded_of_and_a_look_is_asked_for(
    play: Callable[..., Played],
) -> None:
    played = play()
    played.book(2)
    (event,) = played.people.events()
    played.world.clock.set(when("10T10:00"))
    played.people.do("/calendar/event/delete", calendar_id=event.calendar_id, event_id=event.id)
    played.stack.settle()
    assert played.told("lembrete") == 0
    (meeting,) = played.rows(Meeting)
    hints = [hint for hint in played.rows(Hint) if hint.entity == "event"]
    assert {(hint.entity_id, hint.webhook_id) for hint in hints} == {(meeting.id, None)}


def test_a_time_that_the_seller_changed_seconds_ago_is_not_reminded_of(play: Callable[..., Played]) -> None:
    played = play()
    played.book(2)
    (task,) = played.people.tasks(task_type_id=2)
    played.world.clock.set(when("10T09:59") + timedelta(seconds=55))
    thursday = int(when("12T15:00").timestamp())
    played.people.do("/seller/task/move", task_id=task["id"], complete_till=thursday)
    played.world.clock.set(when("10T10:00"))
    played.stack.settle()
    assert played.told("um lembrete") == 0
    assert played.told("mudou de horário") == 1


def test_what_was_due_while_we_were_down_is_sent_late_only_while_it_is_of_use(play: Callable[..., Played]) -> None:
    played = play()
    played.book(2)
    played.stack.stop_service()
    played.world.clock.set(when("10T18:00"))
    played.stack.start_service()
    played.stack.settle()
    assert played.told("um lembrete") == 1  # eight hours late, and the next one is far away
    played.stack.stop_service()
    played.world.clock.set(when("11T09:40"))
    played.stack.start_service()
    played.stack.settle()
    assert played.told("Responda SIM") == 0  # twenty minutes before, everybody is on the way
    assert [(touch.step, touch.outcome) for touch in played.rows(Touch) if touch.kind == TouchKind.REMINDER] == [
        (1440, "sent"),
        (60, "too late"),
    ]


def test_one_that_became_due_late_at_night_while_we_were_down_does_not_wake_anybody(play: Callable[..., Played]) -> None:
    played = play()
    played.book(2)
    played.stack.stop_service()
    played.world.clock.set(when("10T21:15"))
    played.stack.start_service()
    played.stack.settle()
    played.until("11T08:05")
    assert played.told("lembrete") == 0
    played.until("11T09:01")
    assert played.told("Responda SIM") == 1


def test_a_video_call_that_google_makes_late_stands_in_the_reminder(play: Callable[..., Played]) -> None:
    played = play(meetings={"meet_link": True})
    played.people.do("/calendar/options", conference_pending_reads=6)
    played.book(2)
    assert played.told("meet.google.com") == 0
    played.until("10T09:00")
    played.people.do("/calendar/options", conference_pending_reads=0)
    played.until("10T10:01")
    played.until("11T09:01")
    (meeting,) = played.rows(Meeting)
    assert meeting.meet_link
    assert played.told(f"📹 {meeting.meet_link}") > 0


def test_a_reminder_whose_answer_was_lost_comes_once(play: Callable[..., Played]) -> None:
    played = play()
    played.book(2)
    played.fault(service="evolution", path="/message/sendText", status=503, times=1, after_write=True)
    played.until("10T10:01")
    assert played.told("um lembrete") == 1
    assert played.rows(Touch)[0].outcome == "sent"


def test_a_reminder_that_is_carried_out_twice_comes_once(play: Callable[..., Played]) -> None:
    played = play()
    played.book(2)
    played.until("10T10:01")
    touch = played.rows(Touch)[0]
    # As after a kill between the sending and the noting.
    played.stack.call(lambda service: service.dispatcher.touches.acts[TouchKind.REMINDER](touch))
    assert played.told("um lembrete") == 1


def test_while_kommo_is_down_the_calendars_word_is_enough(play: Callable[..., Played]) -> None:
    played = play()
    played.book(2)
    played.fault(service="kommo", status=503, times=-1)
    played.until("10T10:01")
    played.until("10T10:05")
    assert played.told("um lembrete") == 1


def test_while_the_calendar_can_not_be_read_nobody_is_reminded(play: Callable[..., Played]) -> None:
    played = play()
    played.book(2)
    played.fault(service="google", path="/events/", status=503, times=-1)
    played.until("10T10:01")
    assert played.told("lembrete") == 0
    played.world.faults.clear()
    played.until("10T10:30")
    assert played.told("um lembrete") == 1


def test_the_business_file_that_counts_is_that_of_the_newest_start(play: Callable[..., Played]) -> None:
    played = play()
    played.book(2)
    played.stack.stop_service()
    played.stack.business_changes = {"reminders": {"before_min": [180]}}
    played.stack.start_service()
    played.until("10T10:01")
    assert played.told("lembrete") == 0
    played.until("11T07:30")
    assert played.told("Responda SIM") == 0  # three hours before it is quiet
    played.until("11T08:01")
    played.until("11T09:01")
    assert played.told("Responda SIM") == 1


def test_a_confirmation_is_noted_on_the_lead_once_kommo_answers_again(play: Callable[..., Played]) -> None:
    played = play()
    played.book(2)
    played.until("11T09:01")
    played.fault(service="kommo", method="POST", path="/notes", drop="after", times=1)
    played.people.customer_says("sim")
    played.stack.settle()
    assert played.told("Confirmado com Ana Ribeiro") == 1
    notes = [note["text"] for note in played.people.state()["kommo"]["notes"]]
    assert sum("O cliente confirmou" in note for note in notes) == 1
    (meeting,) = played.rows(Meeting)
    assert meeting.confirmed
    assert meeting.confirmed_at is not None


def test_a_yes_to_the_old_time_is_no_yes_to_the_new_one(play: Callable[..., Played]) -> None:
    played = play()
    played.book(2)
    played.until("11T09:01")
    played.people.customer_says("sim")
    played.stack.settle()
    played.model({"call": {"check_availability": {"day": "2026-03-12"}}}, {"say": "Qual?"})
    played.people.customer_says("melhor amanhã")
    played.stack.settle()
    played.model({"call": {"reschedule_meeting": {"option": 1}}}, {"say": "Feito!"})
    played.people.customer_says("a 1")
    played.stack.settle()
    (meeting,) = played.rows(Meeting)
    assert not meeting.confirmed
    played.until("12T08:01")
    assert played.told("Responda SIM") == 2


# --- the question afterwards ------------------------------------------------------------------------------------------


def test_the_task_that_asks_is_made_once_also_when_its_answer_is_lost(play: Callable[..., Played]) -> None:
    played = play()
    played.book(2)
    played.fault(service="kommo", method="POST", path="/tasks$", drop="after", times=1)
    played.until("11T11:21")
    assert len(played.questions) == 1
    played.people.seller_completes_task()
    played.stack.settle()
    assert [task["is_completed"] for task in played.questions] == [True]


def test_a_task_whose_answer_was_lost_is_closed_also_when_it_is_not_needed_any_more(play: Callable[..., Played]) -> None:
    played = play()
    played.book(2)
    played.fault(service="kommo", method="POST", path="/tasks$", drop="after", times=1)
    played.fault(service="kommo", method="GET", path="/tasks$", skip=4, status=503, times=-1)
    played.until("11T11:21")
    assert [task["is_completed"] for task in played.questions] == [False]
    played.world.faults.clear()
    played.people.seller_completes_task("não veio")
    played.stack.settle()
    played.until("11T11:50")
    assert [task["is_completed"] for task in played.questions] == [True]
    assert len(played.questions) == 1
    assert played.status == "no_show"


def test_an_unclear_answer_on_the_task_changes_nothing_and_is_asked_about_once_more(play: Callable[..., Played]) -> None:
    played = play()
    played.book(2)
    played.until("11T11:21")
    played.people.seller_completes_task("liguei e não atendeu", task_id=played.questions[0]["id"])
    played.fault(service="kommo", method="POST", path="/tasks$", drop="after", times=1)
    played.stack.settle()
    assert played.status == "scheduled"
    assert [task["is_completed"] for task in played.questions] == [True, False]
    assert "só com uma destas palavras: faltou, remarcar ou cancelada" in played.questions[1]["text"]
    played.people.seller_completes_task("liguei de novo", task_id=played.questions[1]["id"])
    played.stack.settle()
    played.until("11T18:00")
    assert [task["is_completed"] for task in played.questions] == [True, True]
    assert played.status == "scheduled"
    assert played.rows(Touch)[-1].outcome == "answer unclear"


def test_who_deletes_the_question_is_not_asked_again(play: Callable[..., Played]) -> None:
    played = play()
    played.book(2)
    played.until("11T11:21")
    played.people.seller_deletes_task(played.questions[0]["id"])
    played.stack.settle()
    played.until("11T18:00")
    assert played.questions == []
    assert played.status == "scheduled"


def two_meetings(played: Played) -> None:
    """Of Maria and João with Ana, both over and asked about."""
    everyday = {"start": when("09T00:00").isoformat(), "end": when("13T00:00").isoformat()}
    played.people.do("/calendar/event/add", calendar_id="bruno@solclaro.example", summary="Férias", **everyday)
    played.book(1)
    played.book(2, phone="5511912345678", name="João Lima")
    played.until("11T19:00")


def test_an_answer_counts_for_the_quoted_question_else_for_the_newest_open_one(play: Callable[..., Played]) -> None:
    played = play(**BY_WHATSAPP)
    two_meetings(played)
    assert played.told("aconteceu?", SELLER) == 2
    played.seller_says("2", quoted_id=played.people.id_of("Maria Souza", SELLER))
    played.seller_says("1")
    assert played.told("Anotado: Maria Souza, 11/03/2026 09:00: faltou", SELLER) == 1
    assert played.told("Anotado: João Lima", SELLER) == 1
    by_name = {customer.name: customer.id for customer in played.rows(Customer)}
    statuses = {meeting.customer_id: meeting.status for meeting in played.rows(Meeting)}
    assert statuses == {by_name["Maria Souza"]: "no_show", by_name["João Lima"]: "completed"}
    played.seller_says("1")
    assert played.told("Por aqui só entendo respostas", SELLER) == 1


def test_two_answers_in_one_breath_go_to_two_questions(play: Callable[..., Played]) -> None:
    played = play(**BY_WHATSAPP)
    two_meetings(played)
    for text in ("1", "2"):
        played.people.do("/customer/say", phone=SELLER, name="Ana Ribeiro", text=text)
    played.stack.settle()
    assert sorted(meeting.status for meeting in played.rows(Meeting)) == ["completed", "no_show"]
    assert played.told("Anotado", SELLER) == 2


def test_a_quoted_question_can_be_answered_again_to_correct_it(play: Callable[..., Played]) -> None:
    played = play(**BY_WHATSAPP)
    played.book(2)
    played.until("11T11:21")
    question = played.people.id_of("aconteceu?", SELLER)
    played.seller_says("1")
    assert played.status == "completed"
    played.seller_says("2", quoted_id=question)
    assert played.status == "no_show"
    played.seller_says("2", quoted_id=question)
    assert played.told("já estava como no_show", SELLER) == 1
    played.seller_says("3", quoted_id=question)
    assert played.told("já está como no_show", SELLER) == 1
    assert played.status == "no_show"


def test_an_answer_delivered_three_times_counts_once(play: Callable[..., Played]) -> None:
    played = play(**BY_WHATSAPP)
    played.book(2)
    played.until("11T11:21")
    for _ in range(3):
        played.seller_says("1", id="SELLERSAID1")
    assert played.told("Anotado", SELLER) == 1
    assert len([m for m in played.rows(SellerMessage) if m.author == "seller"]) == 1


def test_the_thanks_to_the_seller_come_once_also_when_their_answer_is_lost(play: Callable[..., Played]) -> None:
    played = play(**BY_WHATSAPP)
    played.book(2)
    played.until("11T11:21")
    played.fault(service="evolution", path="/message/sendText", status=503, times=2, after_write=True)
    played.seller_says("1")
    played.stack.settle()
    assert played.told("Anotado", SELLER) == 1
    assert played.told("obrigado pela visita") == 1
    assert played.status == "completed"


def test_a_seller_whose_number_has_no_whatsapp_is_asked_by_a_task(play: Callable[..., Played]) -> None:
    played = play(**BY_WHATSAPP)
    played.book(2)
    played.people.do("/whatsapp/number", phone=SELLER, exists=False)
    played.until("11T11:21")
    assert len(played.questions) == 1


def test_who_opted_out_is_told_of_the_cancellation_and_offered_nothing(play: Callable[..., Played]) -> None:
    played = play(**BY_WHATSAPP)
    played.book(2)
    played.people.customer_says("PARAR")
    played.stack.settle()
    played.until("11T11:21")
    played.seller_says("3")
    assert played.told("remarcar. Tenho") == 0
    assert played.told("foi cancelada pela Sol Claro") == 1
    assert played.told("combine o novo horário você", SELLER) == 1


# --- killed in the middle ---------------------------------------------------------------------------------------------


def killed(played: Played, act: Callable[[], Any], hold: str, **call: Any) -> None:
    """Begins something, ends the service hard while a call of it is held, and starts it again."""
    fault = played.world.faults.add(Fault(**call, hold=hold))
    act()
    deadline = time.monotonic() + 20
    while not fault.hits:
        assert time.monotonic() < deadline, "the call was never made"
        time.sleep(0.01)
    played.stack.call(lambda service: service.lanes.stop(drain_s=0))
    played.world.faults.clear()
    played.stack.stop_service()
    played.stack.start_service()
    played.stack.settle()


@pytest.mark.parametrize("hold", ["before", "after"])
def test_killed_while_reminding_the_customer_is_reminded_once(play: Callable[..., Played], hold: str) -> None:
    played = play()
    played.book(2)
    due = lambda: played.world.clock.set(when("10T10:01"))  # noqa: E731 (short beside its name)
    killed(played, due, hold, service="evolution", path="/message/sendText")
    assert played.told("um lembrete") == 1


@pytest.mark.parametrize("hold", ["before", "after"])
def test_killed_while_asking_the_seller_is_asked_once(play: Callable[..., Played], hold: str) -> None:
    played = play()
    played.book(2)
    due = lambda: played.world.clock.set(when("11T11:21"))  # noqa: E731 (short beside its name)
    killed(played, due, hold, service="kommo", method="POST", path="/tasks$")
    assert len(played.questions) == 1


@pytest.mark.parametrize(
    "call",
    [
        {"service": "google", "method": "DELETE", "path": "/events/"},
        {"service": "kommo", "method": "PATCH", "path": "/leads"},
        {"service": "evolution", "path": "/message/sendText"},
    ],
    ids=["event", "lead", "reply"],
)
def test_killed_while_an_answer_is_taken_it_is_taken_once(play: Callable[..., Played], call: dict[str, str]) -> None:
    played = play(**BY_WHATSAPP)
    played.book(2)
    played.until("11T11:21")
    answer = lambda: played.people.do("/customer/say", phone=SELLER, name="Ana Ribeiro", text="3")  # noqa: E731 (the same)
    killed(played, answer, "after", **call)
    assert played.status == "cancelled"
    assert played.told("Anotado: Maria Souza", SELLER) == 1
    assert played.told("gostaríamos de remarcar") == 1
    assert played.told("foi cancelada") == 0
    assert [meeting.revision for meeting in played.rows(Meeting)] == [2]


# --- rescue -----------------------------------------------------------------------------------------------------------


def invitation(played: Played, sentence: str) -> str:
    """What the message right after a no-show would say."""

    async def read(service: Service) -> str:
        rescue = service.dispatcher.touches.acts[TouchKind.RESCUE].__self__  # type: ignore[attr-defined]
        invitations: Invitations = rescue.invitations
        return await invitations.text(1, "meeting:1:2:no_show", sentence)  # type: ignore[arg-type]

    text: str = played.stack.call(read)
    return text


def test_the_message_after_a_no_show_offers_two_times_that_are_free_and_can_be_booked(play: Callable[..., Played]) -> None:
    played = play()
    played.book(2)
    played.world.clock.set(when("11T11:10"))
    text = invitation(played, "no_show")
    assert "1) quarta-feira, 11 de março de 2026, 14:00\n2) quinta-feira, 12 de março de 2026, 09:00\n" in text
    assert [(offer.number, offer.starts_at) for offer in played.rows(Offer)] == [(1, when("11T14:00")), (2, when("12T09:00"))]
    assert invitation(played, "no_show") == text


def test_without_hour_zero_or_without_free_times_it_offers_none(play: Callable[..., Played]) -> None:
    played = play(rescue={"touches_h": [24]})
    played.book(2)
    played.world.clock.set(when("11T11:10"))
    assert "remarcar" in invitation(played, "no_show")
    assert "1)" not in invitation(played, "no_show")


def test_when_the_calendars_can_not_be_read_it_invites_without_times(play: Callable[..., Played]) -> None:
    played = play()
    played.book(2)
    played.world.clock.set(when("11T11:10"))
    played.fault(service="google", path="freeBusy", status=503, times=-1)
    assert "1)" not in invitation(played, "no_show")


def test_a_closed_lead_is_left_in_peace(play: Callable[..., Played]) -> None:
    played = play()
    played.book(2)
    played.world.clock.set(when("11T11:10"))
    played.people.seller_completes_task("não veio")
    played.stack.settle()
    played.people.do("/seller/lead/stage", lead_id=played.people.lead()["id"], status_id=143)
    played.stack.settle()
    played.until("12T11:11")
    played.until("14T11:11")
    assert played.told("ainda quer marcar") == 0


def test_a_person_who_took_over_is_not_talked_over(play: Callable[..., Played]) -> None:
    played = play()
    played.book(2)
    played.world.clock.set(when("11T11:10"))
    played.people.seller_completes_task("não veio")
    played.stack.settle()
    played.people.seller_types("Oi Maria, o que houve?")
    played.stack.settle()
    played.until("12T11:11")
    assert played.told("ainda quer marcar") == 0
