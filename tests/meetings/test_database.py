"""The database: migrations, times, transactions, and one winner per time. PostgreSQL too, where its programs are installed."""

import asyncio
import os
import pwd
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from meeting_scene import ANA, BRUNO, Clock, add_customer, add_message, add_offer, at, eventually, new_file, qualify, shipped
from sqlalchemy import JSON, Column, func, inspect, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from clients.calendar import CalendarClient
from meetings.booking import Booking, BookingRefusedError
from meetings.customers import resume
from meetings.database import Database, DatabaseError, parse_url, sync_engine
from meetings.database import _alembic as alembic_config
from meetings.decide import Shown
from meetings.seen import shown_of
from meetings.tables import Change, CrmNote, Customer, Hint, Meeting, MeetingPhase, Message, MessageState, Table, Webhook
from panel.agenda import see_agenda
from panel.conversation import see_conversation
from panel.customers import list_customers
from panel.overview import see_overview

_names = count(1)


# --- a PostgreSQL server of our own -----------------------------------------------------------------------------------


def _server_user() -> str | None:
    """Who runs the server: it refuses to run as root."""
    return None if os.geteuid() else "postgres"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a throw-away server, without a database name, reached through a socket file."""
    initdb = shutil.which("initdb")
    user = _server_user()
    if not initdb or (user and user not in {entry.pw_name for entry in pwd.getpwall()}):
        pytest.skip("PostgreSQL is not installed")
    programs = Path(initdb).resolve().parent
    folder = Path(tempfile.mkdtemp(prefix="marcado-pg-"))
    if user:
        shutil.chown(folder, user)
    make: list[str | Path] = [
        programs / "initdb",
        "-D",
        folder / "data",
        "-U",
        "marcado",
        "-A",
        "trust",
        "-N",
        "-E",
        "UTF8",
        "--locale=C",
    ]
    subprocess.run(make, check=True, capture_output=True, user=user, cwd=folder)
    serve: list[str | Path] = [
        programs / "postgres",
        "-D",
        folder / "data",
        "-k",
        folder,
        "-c",
        "listen_addresses=",
        "-c",
        "fsync=off",
    ]
    # The shell waits for the end of its input, which comes also when the tests are killed: the server outlives nobody.
    watch = '"$@" </dev/null & server=$!; cat; kill -QUIT $server; wait $server'
    server = subprocess.Popen(
        ["sh", "-c", watch, "sh", *serve],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        user=user,
        cwd=folder,
    )
    try:
        eventually(lambda: _answers(f"host={folder} user=marcado dbname=postgres"), "PostgreSQL answers", within_s=30)
        yield f"postgresql://marcado@/{{name}}?host={folder}"
    finally:
        server.communicate(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def _answers(address: str) -> bool:
    try:
        psycopg.connect(address).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'marcado.sqlite'}"
    server = str(request.getfixturevalue("postgres"))
    name = f"marcado_{next(_names)}"
    engine = sync_engine(parse_url(server.format(name="postgres")), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.format(name=name)


def with_database(url: str, act: Callable[[Database], Awaitable[Any]]) -> Any:
    """What `act` returns, given the migrated database."""

    async def run() -> Any:
        db = Database(url)
        try:
            return await act(db)
        finally:
            await db.close()

    Database(url).migrate()
    return asyncio.run(run())


def tables(url: str) -> set[str]:
    engine = sync_engine(parse_url(url))
    with engine.connect() as connection:
        names = set(inspect(connection).get_table_names())
    engine.dispose()
    return names


# --- migrations -------------------------------------------------------------------------------------------------------


def _has_another_default(
    _context: Any, _in_db: Any, in_code: Column[Any], found: str | None, _wanted: Any, rendered: str | None
) -> bool | None:
    """PostgreSQL can't compare JSON with text, as Alembic would have it do: whether the JSON differs. None: compare as usual."""
    if not isinstance(in_code.type, JSON):
        return None
    return (found or "").split("::")[0].strip("'") != (rendered or "").strip("'")


def test_migrations_make_exactly_the_tables_of_the_code(url: str) -> None:
    Database(url).migrate()
    engine = sync_engine(parse_url(url))
    options = {"compare_type": True, "compare_server_default": _has_another_default}
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), Table.metadata)
    engine.dispose()
    assert differences == []


# One row of each kind that points somewhere, as the first version wrote them.
FIRST_VERSION = """
INSERT INTO customer (id, phone, match_key, jid, turn_attempts, superseded, created_at)
    VALUES (1, '+5511987654321', 'x', '5511987654321@s.whatsapp.net', 0, 0, '2026-03-09 11:00:00');
INSERT INTO meeting (id, customer_id, kommo_lead_id, kommo_user_id, calendar_id, event_id, generation, link, kommo_task_id,
        task_tried, phase, status, starts_at, ends_at, revision, event_rev, task_rev, lead_rev, notice_rev, attempts,
        created_at, updated_at)
    VALUES (1, 1, 21, 10001, 'ana@solclaro.example', 'a1b2c3', 1, 'https://x', 31, true, 'booked', 'scheduled',
        '2026-03-10 17:00:00', '2026-03-10 18:00:00', 1, 1, 1, 1, 1, 0, '2026-03-09 11:00:00', '2026-03-09 11:00:00');
INSERT INTO change (id, meeting_id, revision, what, "by", source, hint, before, after, at)
    VALUES (1, 1, 1, 'booked', 'customer', 'conversation', 'the customer chose it', '{}', '{}', '2026-03-09 11:00:00');
INSERT INTO message (id, customer_id, author, key, kind, text, state, sent_at, stored_at, meeting_id, attempts)
    VALUES (1, 1, 'system', 'meeting:1:1:booked', 'text', 'Marcado', 'sent', '2026-03-09 11:00:00', '2026-03-09 11:00:00', 1, 1);
INSERT INTO webhook (id, source, event, body, outcome, stored_at)
    VALUES (1, 'kommo', 'task[delete]', '', 'stored', '2026-03-09 12:00:00');
INSERT INTO hint (id, webhook_id, entity, entity_id, action, stored_at, attempts)
    VALUES (1, 1, 'task', 31, 'delete', '2026-03-09 12:00:00', 0);
"""


def test_what_the_first_version_wrote_is_kept_and_has_what_newer_code_reads(url: str) -> None:
    engine = sync_engine(parse_url(url))
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0001")
    with engine.begin() as connection:
        for statement in FIRST_VERSION.split(";")[:-1]:
            connection.execute(text(statement))
    engine.dispose()

    async def read(db: Database) -> None:
        async with db.transaction() as session:
            meeting = await session.get_one(Meeting, 1)
            assert (meeting.shown, meeting.old_events, meeting.told, meeting.wish, meeting.look_at) == (
                None,
                None,
                None,
                None,
                None,
            )
            assert (meeting.kommo_task_id, meeting.starts_at, meeting.settled) == (31, at("2026-03-10 14:00"), True)
            change = await session.get_one(Change, 1)
            assert (change.meeting_id, change.hint) == (1, "the customer chose it")
            message = await session.get_one(Message, 1)
            assert (message.meeting_id, message.text) == (1, "Marcado")
            hint = await session.get_one(Hint, 1)
            assert (hint.webhook_id, hint.entity_id, hint.task_type, hint.customer_id, hint.done_at) == (1, 31, None, None, None)
            assert shown_of(meeting) == Shown()
            session.add(Hint(id=2, entity="task", entity_id=32, action="found", customer_id=1, stored_at=at("2026-03-09 09:00")))

    with_database(url, read)


def test_after_the_update_rows_must_still_point_somewhere(url: str) -> None:
    engine = sync_engine(parse_url(url))
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0001")
    engine.dispose()

    async def write(db: Database) -> None:
        now = at("2026-03-09 08:00")
        for row in (
            Hint(entity="task", entity_id=1, action="found", customer_id=99, stored_at=now),
            CrmNote(key="x", kommo_lead_id=1, meeting_id=99, text="x", next_try_at=now, stored_at=now),
        ):
            with pytest.raises(IntegrityError):
                async with db.transaction() as session:
                    session.add(row)

    with_database(url, write)


def test_migrating_again_changes_nothing_and_loses_nothing(url: str) -> None:
    async def write(db: Database) -> int:
        return await add_customer(db, at("2026-03-09 08:00"), name="Maria")

    async def read(db: Database) -> str | None:
        async with db.transaction() as session:
            return await session.scalar(select(Customer.name))

    with_database(url, write)
    assert with_database(url, read) == "Maria"


def test_processes_that_start_together_migrate_once(url: str) -> None:
    together = threading.Barrier(4)

    def start(_: int) -> None:
        db = Database(url)
        together.wait()
        db.migrate()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(start, range(4)))
    assert tables(url) == {*Table.metadata.tables, "alembic_version"}


def test_a_migration_that_breaks_off_leaves_nothing_half_made(url: str) -> None:
    engine = sync_engine(parse_url(url))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE turn (something integer)"))  # in the way of the last table but one
    engine.dispose()
    with pytest.raises(DatabaseError):
        Database(url).migrate()
    assert tables(url) == {"turn"}


def test_a_database_of_a_newer_version_is_refused(url: str) -> None:
    Database(url).migrate()
    engine = sync_engine(parse_url(url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(DatabaseError, match="newer version of Marcado"):
        Database(url).migrate()


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=r"nowhere/marcado\.sqlite can't be used .* Check DATABASE_URL"):
        Database(f"sqlite:///{tmp_path}/nowhere/marcado.sqlite").migrate()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "marcado.sqlite").write_text("these are not the bytes of a database, but a hundred of others" * 20)
    with pytest.raises(DatabaseError, match="can't be used"):
        Database(f"sqlite:///{tmp_path}/marcado.sqlite").migrate()


def test_a_server_that_is_down_is_named_without_its_password() -> None:
    with pytest.raises(DatabaseError, match=r"marcado:\*\*\*@127\.0\.0\.1:1/sales can't be used") as refusal:
        Database("postgresql://marcado:s3cret@127.0.0.1:1/sales").migrate()
    assert "s3cret" not in str(refusal.value)


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "driver", "is_sqlite"),
    [
        ("sqlite:///marcado.sqlite", "sqlite", True),
        ("sqlite:////var/lib/marcado.sqlite", "sqlite", True),
        ("sqlite+aiosqlite:///marcado.sqlite", "sqlite", True),
        ("postgresql://u:p@host/db", "postgresql+psycopg", False),
        ("postgresql+asyncpg://u:p@host/db", "postgresql+psycopg", False),
    ],
)
def test_an_address_gets_the_driver_that_we_use(given: str, driver: str, is_sqlite: bool) -> None:
    assert parse_url(given).drivername == driver
    assert Database(given).is_sqlite is is_sqlite


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("marcado.sqlite", "DATABASE_URL is no URL"),
        ("", "DATABASE_URL is no URL"),
        ("mysql://u:s3cret@host/db", "DATABASE_URL starts with 'mysql'; only sqlite and postgresql are supported"),
        ("sqlite://", "names no file: what is kept in memory is lost"),
        ("sqlite:///:memory:", "names no file: what is kept in memory is lost"),
    ],
)
def test_an_address_that_can_not_be_used_is_refused(given: str, complaint: str) -> None:
    with pytest.raises(DatabaseError, match=complaint) as refusal:
        Database(given)
    assert "s3cret" not in str(refusal.value)


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_sqlite_writes_ahead_and_holds_foreign_keys(tmp_path: Path) -> None:
    async def pragmas(db: Database) -> list[Any]:
        async with db.transaction() as session:
            return [await session.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "foreign_keys", "synchronous")]

    url = f"sqlite:///{tmp_path / 'marcado.sqlite'}"
    assert with_database(url, pragmas) == ["wal", 1, 1]
    with sqlite3.connect(tmp_path / "marcado.sqlite") as other_program:
        assert other_program.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other_program.close()


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 3, 9, 11, 0, tzinfo=UTC),
        datetime(2026, 3, 9, 11, 0, 0, 123456, tzinfo=UTC),
        datetime(2026, 3, 9, 8, 0, tzinfo=timezone(timedelta(hours=-3))),
        at("2026-03-09 08:00"),
    ],
)
def test_a_time_comes_back_as_the_same_moment_in_utc(url: str, moment: datetime) -> None:
    async def there_and_back(db: Database) -> datetime:
        customer_id = await add_customer(db, moment)
        async with db.transaction() as session:
            return (await session.get_one(Customer, customer_id)).created_at

    back = with_database(url, there_and_back)
    assert (back, back.utcoffset()) == (moment, timedelta(0))


def test_times_are_compared_as_moments_whatever_zone_they_come_in(url: str) -> None:
    async def earlier_than(db: Database) -> list[bool]:
        await add_customer(db, datetime(2026, 3, 9, 11, 0, tzinfo=UTC))
        limits = (datetime(2026, 3, 9, 8, 1, tzinfo=timezone(timedelta(hours=-3))), datetime(2026, 3, 9, 10, 59, tzinfo=UTC))
        async with db.transaction() as session:
            return [bool(await session.scalar(select(Customer.created_at < limit))) for limit in limits]

    assert with_database(url, earlier_than) == [True, False]


def test_a_time_without_a_zone_is_refused(url: str) -> None:
    async def store(db: Database) -> None:
        with pytest.raises(StatementError, match="a time without a zone can't be stored"):
            await add_customer(db, datetime(2026, 3, 9, 11, 0))  # noqa: DTZ001

    with_database(url, store)


def test_a_time_without_a_zone_is_refused_in_a_search(url: str) -> None:
    async def search(db: Database) -> None:
        async with db.transaction() as session:
            with pytest.raises(StatementError, match="a time without a zone can't be stored"):
                await session.scalar(select(Customer).where(Customer.created_at < datetime(2026, 3, 9)))  # noqa: DTZ001

    with_database(url, search)


def test_a_row_that_points_nowhere_is_refused(url: str) -> None:
    async def store(db: Database) -> None:
        with pytest.raises(IntegrityError):
            async with db.transaction() as session:
                session.add(Hint(webhook_id=99, entity="task", entity_id=1, action="delete", stored_at=at("2026-03-09 08:00")))

    with_database(url, store)


def test_a_hint_that_comes_from_a_calendar_needs_no_webhook(url: str) -> None:
    async def store(db: Database) -> int | None:
        async with db.transaction() as session:
            session.add(Hint(entity="event", entity_id=1, action="changed", stored_at=at("2026-03-09 08:00")))
        async with db.transaction() as session:
            return await session.scalar(select(Hint.webhook_id).where(Hint.entity == "event"))

    assert with_database(url, store) is None


# --- transactions -----------------------------------------------------------------------------------------------------


def test_a_transaction_is_kept_as_a_whole_or_not_at_all(url: str) -> None:
    class OurMistakeError(Exception):
        pass

    async def act(db: Database) -> int | None:
        now = at("2026-03-09 08:00")

        async def break_off() -> None:
            async with db.transaction() as session:
                session.add(Customer(jid="1@lid", created_at=now))
                await session.flush()
                session.add(Webhook(source="kommo", event="", body="", outcome="stored", stored_at=now))
                await session.flush()
                raise OurMistakeError

        with pytest.raises(OurMistakeError):
            await break_off()
        async with db.transaction() as session:
            return await session.scalar(select(func.count()).select_from(Customer))

    assert with_database(url, act) == 0


def test_who_reads_in_order_to_write_waits_for_who_does_the_same(tmp_path: Path) -> None:
    """Two connections count one number up; each reads it first. None of the steps is lost."""
    url, steps = new_file(tmp_path), 30

    async def count_up(db: Database, customer_id: int) -> None:
        for _ in range(steps):
            async with db.transaction() as session:
                customer = await session.get_one(Customer, customer_id)
                seen = customer.turn_attempts
                await asyncio.sleep(0)  # lets the other one in, if it may come in
                customer.turn_attempts = seen + 1

    async def run() -> int:
        first, second = Database(url), Database(url)
        customer_id = await add_customer(first, at("2026-03-09 08:00"))
        await asyncio.gather(*(count_up(db, customer_id) for db in (first, second, first, second)))
        async with first.transaction() as session:
            total = (await session.get_one(Customer, customer_id)).turn_attempts
        await first.close()
        await second.close()
        return total

    assert asyncio.run(run()) == 4 * steps


# --- one winner per time ----------------------------------------------------------------------------------------------

NO_CALENDAR = cast("CalendarClient", None)  # `reserve` asks no calendar


async def try_to_reserve(db: Database, customer_id: int, option: int = 1) -> str:
    """What came of it: "won" or the code of the refusal."""
    try:
        await Booking(db, NO_CALENDAR, shipped(), Clock()).reserve(customer_id, option, f"turn:{customer_id}")
    except BookingRefusedError as error:
        return error.code
    return "won"


async def applicants(db: Database, *offers: tuple[datetime, int]) -> list[int]:
    """Qualified customers, each with one offer: its start and its seller."""
    now = at("2026-03-09 08:00")
    made = []
    for starts_at, seller in offers:
        customer_id = await add_customer(db, now, phone=f"+55119{next(_names):08}")
        await qualify(db, customer_id, now)
        await add_offer(db, customer_id, 1, starts_at, seller=seller)
        made.append(customer_id)
    return made


TEN = at("2026-03-10 10:00")  # a Tuesday: both sellers work


@pytest.mark.parametrize("minutes_apart", [0, 30, 60, 89])
def test_of_many_who_choose_overlapping_times_at_once_one_wins(url: str, minutes_apart: int) -> None:
    """Times 89 minutes apart overlap too: a meeting of an hour and the buffer of 30 minutes."""

    async def act(db: Database) -> list[str]:
        later = TEN + timedelta(minutes=minutes_apart)
        ids = await applicants(db, *((starts, ANA) for starts in (TEN, later) * 6))
        others = [Database(url) for _ in range(3)]
        outcomes = await asyncio.gather(*(try_to_reserve(others[n % 3], i) for n, i in enumerate(ids)))
        for other in others:
            await other.close()
        async with db.transaction() as session:
            held = list(await session.scalars(select(Meeting)))
            lines = list(await session.scalars(select(Change)))
        assert [(m.phase, m.customer_id) for m in held] == [(MeetingPhase.HELD, ids[list(outcomes).index("won")])]
        assert [line.what for line in lines] == ["booked"]
        return list(outcomes)

    outcomes = with_database(url, act)
    assert sorted(outcomes) == [*["SLOT_TAKEN"] * 11, "won"]


def test_times_a_buffer_apart_and_times_of_different_sellers_do_not_compete(url: str) -> None:
    async def act(db: Database) -> list[str]:
        ids = await applicants(db, (TEN, ANA), (TEN + timedelta(minutes=90), BRUNO), (TEN, BRUNO), (at("2026-03-10 14:00"), ANA))
        return [await try_to_reserve(db, customer_id) for customer_id in ids]

    assert with_database(url, act) == ["won", "SLOT_TAKEN", "won", "won"]


def test_two_processes_never_give_one_time_to_two_customers(url: str, tmp_path: Path) -> None:
    """Two programs race for twelve times; each has a customer for every one of them."""
    times = [
        at(f"2026-03-{day} {hour}:00") for day in (10, 11, 12, 17) for hour in ("10", "14", "16")
    ]  # far enough apart not to block each other

    async def prepare(db: Database) -> list[int]:
        return await applicants(db, *((starts, ANA) for starts in times for _ in range(2)))

    ids = with_database(url, prepare)
    programs = [
        subprocess.Popen(
            [sys.executable, __file__, url, str(tmp_path / f"ready-{n}"), str(tmp_path / f"ready-{1 - n}"), *map(str, ids[n::2])],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for n in (0, 1)
    ]
    first, second = (program.communicate(timeout=60)[0].split() for program in programs)
    assert all(sorted(pair) == ["SLOT_TAKEN", "won"] for pair in zip(first, second, strict=True)), (first, second)
    assert len(first) == len(times)


async def _race(url: str, wait_for_the_other: Callable[[], None], ids: list[int]) -> list[str]:
    db = Database(url)
    async with db.transaction() as session:  # the connection is open before the race begins
        await session.scalar(select(func.count()).select_from(Customer))
    wait_for_the_other()
    outcomes = [await try_to_reserve(db, customer_id) for customer_id in ids]
    await db.close()
    return outcomes


def _meet(own_mark: Path, other_mark: Path) -> None:
    own_mark.touch()
    eventually(other_mark.exists, "the other program is ready", within_s=30)


if __name__ == "__main__":  # one of the two racing programs
    _url, _own, _other, *_ids = sys.argv[1:]
    print(*asyncio.run(_race(_url, lambda: _meet(Path(_own), Path(_other)), [int(i) for i in _ids])))


def test_the_operator_s_pages_can_be_read_from_either_database(url: str) -> None:
    business = shipped()

    async def act(db: Database) -> Any:
        now = at("2026-03-09 08:00")
        customer_id = await add_customer(db, now, name="João", pause_source="person", paused_until=now + timedelta(hours=1))
        await qualify(db, customer_id, now)
        await add_message(db, customer_id, "alguém aí?", now, state=MessageState.SEEN)
        async with db.reading() as session:
            page = await list_customers(session, business, now, "", 1)
            found = await list_customers(session, business, now, "joao", 1)
            options: Any = {"older_than": None, "locale": "pt-BR", "lead_url": str}
            conversation = await see_conversation(session, business, now, customer_id, **options)
            agenda = await see_agenda(session, now, None, 1, str)
            since: Any = {"since_tick_s": 0, "late_s": 30, "connection": "open", "answer_within": timedelta(minutes=1)}
            overview = await see_overview(session, business, now, **since)
        async with db.transaction() as session:
            resumed = await resume(session, await session.get_one(Customer, customer_id), now)
        return page.count, found.count, conversation, agenda, overview, resumed

    listed, found, conversation, agenda, overview, resumed = with_database(url, act)
    assert (listed, found, len(conversation.waiting), agenda.upcoming, overview.numbers.left_to_a_person) == (1, 1, 1, [], 1)
    assert resumed == 1
