"""What did not get through is listed with its reason and can be done again; webhook bodies are kept for a while, then purged."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from cli.people import People
from cli.replay import list_letters, moment_of, replay_letters, replay_webhooks
from cli.stack import SANDBOX_TOKEN, SANDBOX_VALUES, Stack
from cli.wiring import Service
from clients.transport import RetryPolicy
from meetings.business import load_business
from meetings.inbox import Inbox
from meetings.letters import STUCK_AT
from meetings.retention import purge
from meetings.tables import CrmNote, Hint, Meeting, Message, Webhook
from sandbox.server import Sandbox
from tests.processes import ROOT, Running, environment
from webhooks.app import MAX_FORM

pytestmark = pytest.mark.long

CARD = "4111 1111 1111 1111"


class Played:
    """A stack in real time with real people around it: what is looked at here is what fails."""

    def __init__(self, stack: Stack, people: People) -> None:
        self.stack, self.people, self.sandbox = stack, people, stack.sandbox
        self.settings, self.business = stack.service.settings, stack.service.business

    def letters(self) -> dict[str, Any]:
        return {one.id: one for one in list_letters(self.settings, None)}

    def replay(self, *ids: str, dry_run: bool = False) -> set[str]:
        done = replay_letters(self.settings, self.business, ids, None, dry_run=dry_run).done
        self.stack.settle()
        return done

    def post(self, path: str, **body: Any) -> httpx.Response:
        return httpx.post(f"{self.stack.url}{path}", params={"token": SANDBOX_TOKEN}, trust_env=False, timeout=60, **body)

    def rows(self, table: type[Any]) -> list[Any]:
        async def read(service: Service) -> list[Any]:
            async with service.db.transaction() as session:
                return list(await session.scalars(select(table).order_by(table.id)))

        found: list[Any] = self.stack.call(read)
        return found

    def change(self, table: type[Any], **values: Any) -> None:
        async def write(service: Service) -> None:
            async with service.db.transaction() as session:
                for row in await session.scalars(select(table)):
                    for name, value in values.items():
                        setattr(row, name, value)

        self.stack.call(write)

    def model(self, *steps: dict[str, Any]) -> None:
        self.people.do("/model/script", steps=list(steps))

    def book(self, before_the_notice: Callable[[], None] = lambda: None) -> None:
        answers = {"bill": ("800", "800 reais"), "property": ("casa", "é uma casa"), "owner": ("sim", "sou o dono")}
        calls = [{"record_qualification": {"criterion": c, "value": v, "quote": q}} for c, (v, q) in answers.items()]
        self.model({"calls": calls}, {"call": {"check_availability": {}}}, {"say": "Qual prefere?"})
        self.people.customer_says("Minha conta é 800 reais, é uma casa e sou o dono")
        self.stack.settle()
        before_the_notice()
        self.model({"call": {"create_meeting": {"option": 1}}}, {"call": {"notify_client": {}}}, {"say": "Até lá!"})
        self.people.customer_says("a 1")
        self.stack.settle()


@pytest.fixture
def play() -> Iterator[Played]:
    with ExitStack() as running:
        sandbox = running.enter_context(Sandbox())
        stack = Stack(
            business_file=ROOT / "business.toml",
            overrides={"DEBOUNCE_SILENCE_S": 0},
            sandbox=sandbox,
            retry=RetryPolicy(attempts=1),
        )
        running.enter_context(stack)
        people = People(sandbox.control_url)
        running.callback(people.close)
        people.do("/model/mind", mind="script")
        yield Played(stack, people)


def refuse_sends(played: Played, times: int, has: str | None = None) -> None:
    malformed = {"status": 400, "error": "Bad Request", "response": {"message": [['instance requires property "number"']]}}
    played.people.do("/faults", service="evolution", path="sendText", body_has=has, status=400, body=malformed, times=times)


def test_nothing_is_listed_while_all_goes_well(play: Played) -> None:
    play.book()
    assert play.letters() == {}


def test_a_refused_notice_is_listed_and_sent_by_a_replay_once(play: Played) -> None:
    play.book(lambda: refuse_sends(play, 1, "✅ Marcado"))
    (meeting,) = play.rows(Meeting)
    (notice,) = [m for m in play.rows(Message) if m.state == "failed"]
    letter = play.letters()[f"message:{notice.id}"]
    assert "malformed" in letter.reason
    assert letter.obstacle is None
    told = len(play.people.told())
    assert play.replay(letter.id, dry_run=True) == {letter.id}
    assert len(play.people.told()) == told
    assert play.replay(letter.id) == {letter.id}
    assert len(play.people.told()) == told + 1
    assert play.letters() == {}
    assert play.replay() == set()
    assert len(play.people.told()) == told + 1
    assert meeting.id == play.rows(Meeting)[0].id


def test_a_notice_that_is_no_longer_true_is_not_sent(play: Played) -> None:
    play.book(lambda: refuse_sends(play, 1, "✅ Marcado"))
    play.people.seller_deletes_task()
    play.stack.settle()
    (letter,) = play.letters().values()
    assert letter.obstacle == "changed_since"
    told = play.people.told()
    assert play.replay() == set()
    assert play.people.told() == told


def test_a_refused_answer_is_made_anew(play: Played) -> None:
    refuse_sends(play, 1)
    play.model({"say": "Qual é o valor da sua conta?"})
    play.people.customer_says("Oi")
    play.stack.settle()
    assert play.people.told() == []
    (letter,) = play.letters().values()
    play.model({"say": "E qual é o valor da sua conta?"})
    assert play.replay(letter.id) == {letter.id}
    assert ["E qual é o valor da sua conta?" in text for text in play.people.told()] == [True]
    assert play.letters() == {}


def test_a_note_that_the_lead_did_not_take_is_listed_and_written_by_a_replay(play: Played) -> None:
    play.book()

    async def put(service: Service) -> None:
        now = service.dispatcher.now()
        async with service.db.transaction() as session:
            lead_id = (await session.get_one(Meeting, 1)).kommo_lead_id
            session.add(
                CrmNote(key="k", kommo_lead_id=lead_id, text="Combinado por telefone", stored_at=now, next_try_at=now, attempts=0)
            )

    play.people.do("/faults", service="kommo", method="POST", path="notes", status=400, times=1)
    play.stack.call(put)
    play.stack.settle()
    (letter,) = play.letters().values()
    assert (letter.id.partition(":")[0], letter.reason) == ("note", "the lead does not take it")
    play.replay(letter.id)
    notes = play.people.state()["kommo"]["notes"]
    assert sum("Combinado por telefone" in str(note) for note in notes) == 1
    assert play.letters() == {}


def test_what_is_still_tried_is_listed_after_some_failures_and_tried_at_once_by_a_replay(play: Played) -> None:
    play.book()
    later = datetime.now(UTC) + timedelta(hours=1)
    play.change(Meeting, lead_rev=0, attempts=STUCK_AT, next_try_at=later, problem="Kommo: update lead failed (status 400)")
    (letter,) = play.letters().values()
    assert (letter.id, letter.goes_on, letter.reason) == ("meeting:1", True, "Kommo: update lead failed (status 400)")
    play.replay(letter.id)
    assert play.letters() == {}
    assert play.rows(Meeting)[0].settled


def test_unreadable_and_oversized_bodies_are_listed_without_their_words(play: Played) -> None:
    assert play.post("/webhook/evolution", content=f'{{"text": "{CARD}'.encode()).status_code == 400
    assert play.post("/webhook/kommo/events", content=b"a" * (MAX_FORM + 1)).status_code == 413
    found = list(play.letters().values())
    assert [letter.reason.partition(",")[0] for letter in found] == [
        "unreadable: JsonBodyError",
        f"too large: larger than {MAX_FORM} bytes",
    ]
    assert {letter.obstacle for letter in found} == {"never_readable"}
    assert all(row.body == "" for row in play.rows(Webhook) if row.outcome in ("unreadable", "too large"))


def test_a_body_that_we_stumble_over_is_kept_answered_200_and_replayed(play: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Inbox._customer_wrote

    async def stumble(*args: Any) -> None:
        raise LookupError("a mistake of ours")

    monkeypatch.setattr(Inbox, "_customer_wrote", stumble)
    play.people.customer_says("Oi")
    play.stack.settle()
    assert play.rows(Message) == []
    (letter,) = play.letters().values()
    assert letter.reason == "failed: LookupError"
    monkeypatch.setattr(Inbox, "_customer_wrote", original)
    play.model({"say": "Qual é o valor da sua conta?"})
    assert play.replay(letter.id) == {letter.id}
    assert len(play.people.told()) == 1
    assert play.letters() == {}


def test_stored_bodies_are_read_again_and_change_nothing_that_is_known(play: Played) -> None:
    play.book()
    play.people.seller_deletes_task()
    play.stack.settle()
    before = (len(play.rows(Message)), play.people.told(), [m.revision for m in play.rows(Meeting)], len(play.rows(Webhook)))
    replayed = replay_webhooks(play.settings, play.business, [], None, dry_run=False)
    assert len(replayed) == before[3]
    assert all(is_done for _, is_done in replayed)
    play.stack.settle()
    after = (len(play.rows(Message)), play.people.told(), [m.revision for m in play.rows(Meeting)], len(play.rows(Webhook)))
    assert after == before


def test_a_lost_effect_of_a_body_comes_back_by_its_replay(play: Played) -> None:
    play.model({"say": "Qual é o valor da sua conta?"})
    play.people.customer_says("Oi")
    play.stack.settle()
    numbers = [row.id for row in play.rows(Webhook) if "messages.upsert" in row.event]

    async def lose(service: Service) -> None:
        async with service.db.transaction() as session:
            for message in await session.scalars(select(Message).where(Message.author == "customer")):
                await session.delete(message)

    play.stack.call(lose)
    assert replay_webhooks(play.settings, play.business, numbers, None, dry_run=True)
    assert not [m for m in play.rows(Message) if m.author == "customer"]
    play.model({"say": "E qual é o valor da sua conta?"})
    replay_webhooks(play.settings, play.business, numbers, None, dry_run=False)
    play.stack.settle()
    assert [m.text for m in play.rows(Message) if m.author == "customer"] == ["Oi"]


def test_old_bodies_are_purged_with_their_hints_and_young_or_open_ones_stay(play: Played) -> None:
    play.book()
    play.people.seller_deletes_task()
    play.stack.settle()
    count = len(play.rows(Webhook))
    now = datetime.now(UTC)

    async def age(service: Service) -> tuple[int, int]:
        async with service.db.transaction() as session:
            rows = list(await session.scalars(select(Webhook).order_by(Webhook.id)))
            for row in rows[:-1]:
                row.stored_at = now - timedelta(days=40)
            session.add(
                Hint(
                    webhook_id=rows[0].id,
                    entity="task",
                    entity_id=999,
                    action="update",
                    stored_at=now,
                    attempts=0,
                    next_try_at=now + timedelta(days=1),
                )
            )
        return await purge(service.db, now, 30), await purge(service.db, now, 30)

    assert play.stack.call(age) == (count - 2, 0)
    assert len(play.rows(Webhook)) == 2
    assert {hint.webhook_id for hint in play.rows(Hint)} <= {row.id for row in play.rows(Webhook)} | {None}


def test_the_commands_say_it_in_a_table_and_change_nothing_in_a_dry_run(play: Played) -> None:
    play.book(lambda: refuse_sends(play, 1, "✅ Marcado"))
    own = ("KOMMO_BASE_URL", "EVOLUTION_BASE_URL", "OPENAI_BASE_URL", "GOOGLE_CALENDAR_ENDPOINT", "DATABASE_URL")
    values = {name: getattr(play.settings, name) for name in own}
    env = environment(**SANDBOX_VALUES, **values, BUSINESS_FILE=ROOT / "business.toml", LOCALE="en", COLUMNS=200)
    for command in (["letters"], ["replay", "--all", "--dry-run"]):
        with Running("-m", "cli", *command, cwd=ROOT, env=env) as process:
            assert process.ended() == 0, process.output
        assert "message:" in process.output
    assert "1 of 1 would be done again" in process.output
    assert len(play.letters()) == 1


def test_times_as_people_write_them() -> None:
    rules, now = load_business(ROOT / "business.toml", None), datetime(2026, 3, 9, 15, tzinfo=UTC)
    assert moment_of("2h", rules, now) == datetime(2026, 3, 9, 13, tzinfo=UTC)
    assert moment_of("3d", rules, now) == datetime(2026, 3, 6, 15, tzinfo=UTC)
    assert moment_of("2026-03-09", rules, now) == datetime(2026, 3, 9, 3, tzinfo=UTC)
    with pytest.raises(ValueError, match="yesterday"):
        moment_of("yesterday", rules, now)
