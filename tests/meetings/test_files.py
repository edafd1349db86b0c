"""Are the database's files whole, and copies of them while they are written to."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cli.backup import OtherServerError, back_up
from cli.settings import Settings
from cli.stack import SANDBOX_VALUES, sandbox_urls
from meetings.database import Database, DatabaseError
from meetings.files import BackupError, check_file, copy_file, engine_file
from tests.processes import ROOT, Running, environment

NOWHERE = dict.fromkeys(("kommo", "google", "evolution", "openai"), "http://127.0.0.1:9")


def settings(database: str) -> dict[str, object]:
    return {**SANDBOX_VALUES, **sandbox_urls(NOWHERE), "BUSINESS_FILE": ROOT / "business.toml", "DATABASE_URL": database}


def filled(path: Path, rows: int = 3000) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE kept (id INTEGER PRIMARY KEY, said TEXT)")
        connection.execute("CREATE INDEX by_said ON kept (said)")
        connection.executemany("INSERT INTO kept (said) VALUES (?)", [(f"row {n} " + "x" * 200,) for n in range(rows)])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def spoil(path: Path) -> None:
    with path.open("rb+") as file:
        file.seek(3 * 4096)
        file.write(b"\xff" * 8192)


@pytest.mark.parametrize("name", ["m.sqlite", "m.engine.sqlite"])
def test_a_damaged_file_is_named_with_what_to_do_before_anything_is_written(tmp_path: Path, name: str) -> None:
    database = Database(f"sqlite:///{tmp_path}/m.sqlite")
    database.migrate()
    spoil(filled(tmp_path / name) if name == "m.engine.sqlite" else filled_anew(tmp_path / name))
    before = (tmp_path / name).read_bytes()
    with pytest.raises(DatabaseError, match=f"{name}.*damaged.*backup"):
        database.check()
    assert (tmp_path / name).read_bytes() == before


def filled_anew(path: Path) -> Path:
    for part in path.parent.glob(f"{path.name}*"):
        part.unlink()
    return filled(path)


def test_a_file_that_is_no_database_is_named_by_the_command_too(tmp_path: Path) -> None:
    (tmp_path / "m.sqlite").write_text("not a database at all, just words, and some more of them " * 20)
    env = environment(**settings(f"sqlite:///{tmp_path}/m.sqlite"), LOCALE="en", COLUMNS=300)
    with Running("-m", "cli", "serve", "--port", "0", cwd=tmp_path, env=env) as process:
        assert process.ended() == 2
    assert "m.sqlite is damaged" in process.output
    assert "Traceback" not in process.output


def test_a_file_that_is_whole_or_not_there_or_empty_is_fine(tmp_path: Path) -> None:
    check_file(filled(tmp_path / "m.sqlite"))
    check_file(tmp_path / "none.sqlite")
    (tmp_path / "empty.sqlite").touch()
    check_file(tmp_path / "empty.sqlite")


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Path]:
    """A database into which pairs of rows are written all the time."""
    path = filled(tmp_path / "m.sqlite")
    stopping = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(path, timeout=30)) as connection:
            while not stopping.is_set():
                with connection:
                    connection.executemany("INSERT INTO kept (said) VALUES (?)", [("pair",), ("pair",)])

    writer = threading.Thread(target=write)
    writer.start()
    yield path
    stopping.set()
    writer.join()


def test_a_copy_made_under_writes_is_whole_and_of_one_moment(busy: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.sqlite"
    size = copy_file(busy, target)
    assert size == target.stat().st_size
    assert target.stat().st_mode & 0o077 == 0
    with closing(sqlite3.connect(target)) as copy:
        (pairs,) = copy.execute("SELECT count(*) FROM kept WHERE said = 'pair'").fetchone()
        (rest,) = copy.execute("SELECT count(*) FROM kept WHERE said != 'pair'").fetchone()
    assert (pairs % 2, rest) == (0, 3000)
    assert {path.name for path in tmp_path.glob("copy*")} == {"copy.sqlite"}


def test_nothing_is_overwritten_and_no_half_copy_stays(tmp_path: Path) -> None:
    path = filled(tmp_path / "m.sqlite")
    (tmp_path / "there.sqlite").write_text("precious")
    for target, why in ((tmp_path / "there.sqlite", "exists"), (tmp_path / "no" / "folder.sqlite", "unwritable")):
        with pytest.raises(BackupError) as refused:
            copy_file(path, target)
        assert refused.value.args[0] == why
    assert (tmp_path / "there.sqlite").read_text() == "precious"
    with pytest.raises(BackupError) as refused:
        copy_file(tmp_path / "none.sqlite", tmp_path / "copy.sqlite")
    assert refused.value.args[0] == "missing"
    spoil(path)
    with pytest.raises(BackupError) as refused:
        copy_file(path, tmp_path / "copy.sqlite")
    assert refused.value.args[0] == "damaged"
    assert not list(tmp_path.glob("copy*"))


def test_the_command_copies_both_files_and_refuses_a_second_time(tmp_path: Path) -> None:
    filled(tmp_path / "m.sqlite")
    filled(engine_file(tmp_path / "m.sqlite"), rows=5)
    env = environment(**settings(f"sqlite:///{tmp_path}/m.sqlite"), LOCALE="en", COLUMNS=300)
    with Running("-m", "cli", "backup", str(tmp_path / "b.sqlite"), cwd=tmp_path, env=env) as process:
        assert process.ended() == 0, process.output
    for name, rows in (("b.sqlite", 3000), ("b.engine.sqlite", 5)):
        with closing(sqlite3.connect(tmp_path / name)) as copy:
            assert copy.execute("SELECT count(*) FROM kept").fetchone() == (rows,)
    with Running("-m", "cli", "backup", str(tmp_path / "b.sqlite"), cwd=tmp_path, env=env) as process:
        assert process.ended() == 2
    assert "nothing is overwritten" in process.output


def test_a_copy_that_fails_half_way_leaves_neither_file(tmp_path: Path) -> None:
    filled(tmp_path / "m.sqlite")
    filled(engine_file(tmp_path / "m.sqlite"), rows=5)
    (tmp_path / "b.sqlite").write_text("precious")
    with pytest.raises(BackupError):
        back_up(Settings(**settings(f"sqlite:///{tmp_path}/m.sqlite"), _env_file=None), tmp_path / "b.sqlite")
    assert not (tmp_path / "b.engine.sqlite").exists()


def test_of_postgresql_the_command_is_told_without_its_password(tmp_path: Path) -> None:
    url = "postgresql://marcado:s3cret@db.example/marcado"
    with pytest.raises(OtherServerError) as other:
        back_up(Settings(**settings(url), _env_file=None), tmp_path / "b.dump")
    command = other.value.args[0]
    assert command.startswith("pg_dump --format=custom")
    assert "postgresql://marcado@db.example/marcado" in command
    assert "s3cret" not in command
