"""The files of an SQLite database: are they whole, and copies of them while they are in use."""

import contextlib
import os
import sqlite3
from contextlib import closing
from pathlib import Path

_PAGES_AT_ONCE = 2_000  # some milliseconds; writers get their turn in between


class DamagedFileError(Exception):
    """A database file is not whole. The message names it and says what to do."""


class BackupError(Exception):
    """No copy was made. `args[0]` names the sentence that says why, `args[1]` the file it is about."""


def check_file(path: Path) -> None:
    """Reads every page and index of a database file; one that is not there (yet) is fine.

    Raises:
        DamagedFileError: It is no database, or its parts contradict each other.
    """
    if not path.is_file() or path.stat().st_size == 0:
        return
    try:
        with closing(sqlite3.connect(path, timeout=30)) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.OperationalError:
        return  # locked, or not ours to read: that is no damage, and opening it says so
    except sqlite3.DatabaseError as error:
        raise DamagedFileError(_advice(path, str(error))) from None
    if found[0] != "ok":
        raise DamagedFileError(_advice(path, str(found[0]).splitlines()[0]))


def copy_file(path: Path, target: Path) -> int:
    """A copy of a database as it stands at one moment, made while others read and write; returns its size in bytes.

    The copy appears under its name only once it is complete and was checked.

    Raises:
        BackupError: missing (no such database), exists (nothing is overwritten), unwritable, or damaged.
    """
    if not path.is_file():
        raise BackupError("missing", str(path))
    if target.exists():
        raise BackupError("exists", str(target))
    part = target.with_name(f"{target.name}.part")
    try:
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)  # it holds what customers wrote
        with closing(sqlite3.connect(path, timeout=30)) as source, closing(sqlite3.connect(part)) as copy:
            source.backup(copy, pages=_PAGES_AT_ONCE, sleep=0.01)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
        check_file(part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(target)
    except DamagedFileError:
        raise BackupError("damaged", str(path)) from None
    except sqlite3.OperationalError:
        raise BackupError("unwritable", str(target)) from None
    except sqlite3.DatabaseError:
        raise BackupError("damaged", str(path)) from None
    except OSError:
        raise BackupError("unwritable", str(target)) from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return target.stat().st_size


def engine_file(path: Path) -> Path:
    """Where the durable engine keeps its records beside those of the application: marcado.sqlite → marcado.engine.sqlite."""
    return path.with_name(f"{path.stem}.engine{path.suffix or '.sqlite'}")


def _advice(path: Path, problem: str) -> str:
    return (
        f"The database file {path} is damaged ({problem[:120]}). Nothing was changed. Keep a copy of it, then put back the "
        "last backup (docs/operations.md), or let `sqlite3` rescue what can be read: .recover"
    )
