"""Opens the database: SQLite in WAL mode by default, PostgreSQL by URL; applies migrations; hands out transactions."""

import contextlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, event, make_url
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from meetings.files import DamagedFileError, check_file, engine_file

MIGRATIONS = Path(__file__).parent / "migrations"
_ONLY_READS = "only_reads"
_MIGRATION_LOCK = 7_260_101  # any number that nobody else locks on the same PostgreSQL database


class DatabaseError(Exception):
    """The database can't be opened; the message says which and what to do."""


class Database:
    """Short transactions on our own tables. Never hold one across a network call.

    Errors hide the statements' values: they hold customers' words.
    """

    def __init__(self, url: str) -> None:
        """`url` as in DATABASE_URL: sqlite:///path or postgresql://….

        Raises:
            DatabaseError: The URL is of another kind.
        """
        self.url = parse_url(url)
        self.engine = _async_engine(self.url)
        self._is_checked = False
        self._reader = self.engine.execution_options(**{_ONLY_READS: True})

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @property
    def files(self) -> list[Path]:
        """SQLite's files: the durable engine's, then ours. None with PostgreSQL.

        Copied in this order the engine's records are never ahead of ours: what it holds for unfinished is done again, what it
        held for finished without our knowing would never be.
        """
        path = Path(self.url.database or "")
        return [engine_file(path), path] if self.is_sqlite else []

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction, committed at the end, rolled back on an exception. Writers are served one at a time on SQLite."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A consistent look that changes nothing. On SQLite it neither waits for writers nor keeps them waiting."""
        async with AsyncSession(self._reader, expire_on_commit=False, autoflush=False) as session:
            yield session

    async def close(self) -> None:
        """Gives back connections, and the megabytes of prepared statements: FastAPI's caches keep what a route knows alive."""
        await self.engine.dispose()
        self.engine.sync_engine.clear_compiled_cache()

    def migrate(self) -> None:
        """Brings the tables up to date. Blocking; call before serving.

        Raises:
            DatabaseError: The file or server can't be used.
        """
        shown = self.url.render_as_string(hide_password=True)
        engine = sync_engine(self.url)
        try:
            with engine.begin() as connection:
                if not self.is_sqlite:
                    # Two processes starting together must not both make the tables; SQLite's write lock sees to that itself.
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
                command.upgrade(_alembic(connection), "head")
        except (SQLAlchemyError, OSError) as error:
            raise DatabaseError(
                f"The database {shown} can't be used ({type(error).__name__}). "
                "Check DATABASE_URL: the folder must exist and be writable, or the server must be up."
            ) from error
        except CommandError as error:
            raise DatabaseError(
                f"The database {shown} can't be brought up to date ({error}). "
                "If a newer version of Marcado has written it, run that version or restore a backup."
            ) from error
        finally:
            engine.dispose()

    def check(self) -> None:
        """Whether SQLite's files, ours and the durable engine's, are whole. Blocking, once: call before anything is written.

        Raises:
            DatabaseError: One is damaged; the message names it and says what to do.
        """
        for path in [] if self._is_checked else self.files:
            try:
                check_file(path)
            except DamagedFileError as error:
                raise DatabaseError(str(error)) from None
        self._is_checked = True


def compact(path: Path) -> bool:
    """Rewrites a SQLite file so that nothing deleted is left in it, nor in the log beside it. Blocking.

    Returns:
        False when somebody else used the file meanwhile: its log may still hold what was deleted.
    """
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection:
        connection.execute("VACUUM")
        is_blocked, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not is_blocked


def parse_url(url: str) -> URL:
    """DATABASE_URL with the driver that we use."""
    try:
        parsed = make_url(url)
    except SQLAlchemyError:
        raise DatabaseError("DATABASE_URL is no URL; write sqlite:///marcado.sqlite or postgresql://…") from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise DatabaseError("DATABASE_URL names no file: what is kept in memory is lost. Write sqlite:///marcado.sqlite")
        return parsed.set(drivername="sqlite")
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    raise DatabaseError(f"DATABASE_URL starts with {backend!r}; only sqlite and postgresql are supported")


def sync_engine(url: URL, **options: Any) -> Engine:
    """A blocking engine on the same database, for migrations."""
    engine = create_engine(url, hide_parameters=True, **options)
    if url.get_backend_name() == "sqlite":
        _take_over_transactions(engine)
    return engine


def _async_engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() != "sqlite":
        return create_async_engine(url, pool_size=10, hide_parameters=True)
    # Few connections: SQLite has one writer, and its busy handler is unfair when many wait.
    engine = create_async_engine(
        url.set(drivername="sqlite+aiosqlite"), pool_size=2, max_overflow=0, pool_timeout=60, hide_parameters=True
    )
    _take_over_transactions(engine.sync_engine)
    return engine


def _take_over_transactions(engine: Engine) -> None:
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediate)


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin_immediate
    cursor = connection.cursor()
    for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    # A transaction that reads, then writes, must hold the write lock from the start: two could else both see a free time.
    only_reads = connection.get_execution_options().get(_ONLY_READS, False)
    connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")


def _alembic(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config
