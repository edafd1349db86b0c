"""`marcado backup`: a copy of the database while the service goes on."""

from dataclasses import dataclass
from pathlib import Path

from cli.settings import Settings
from meetings.database import Database
from meetings.files import copy_file, engine_file


@dataclass(frozen=True)
class Copied:
    """One file of the backup."""

    path: Path
    size: int


class OtherServerError(Exception):
    """The database is PostgreSQL's; `args[0]` is the command that copies it."""


def back_up(settings: Settings, target: Path) -> list[Copied]:
    """Copies SQLite's two files: `target` and, beside it, the durable engine's. Safe while the service runs.

    Raises:
        DatabaseError: DATABASE_URL can't be used.
        BackupError: No copy was made; nothing is left behind that could be taken for one.
        OtherServerError: It is PostgreSQL.
    """
    db = Database(settings.DATABASE_URL)
    if not db.is_sqlite:
        url = db.url.set(drivername="postgresql")._replace(password=None)
        raise OtherServerError(f"pg_dump --format=custom --file={target} '{url.render_as_string()}'")
    engine, own = db.files
    wanted = [(engine, engine_file(target)), (own, target)] if engine.is_file() else [(own, target)]
    copied: list[Copied] = []
    try:
        for path, copy in wanted:
            copied.append(Copied(copy, copy_file(path, copy)))
    except BaseException:
        for done in copied:  # half a backup is none
            done.path.unlink(missing_ok=True)
        raise
    return copied[::-1]
