"""`marcado privacy`: what we hold about one person, shown or taken away. The service may be running or not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import stamina
from sqlalchemy.exc import SQLAlchemyError

from cli.settings import Settings
from cli.wiring import make_privacy
from meetings.database import Database, DatabaseError
from meetings.lanes import LaneBusyError
from meetings.phones import to_e164
from meetings.privacy import Erasure, Privacy, PrivacyRefusedError

BUSY_S = 30.0  # an erasure waits so long for what the service is doing for that person


class PrivacyError(Exception):
    """It can't be done. `args[0]` names the sentence that says why, `refused_<name>` in the operator's catalogue."""


def export_person(settings: Settings, phone: str) -> dict[str, Any]:
    """All we hold about the person with that phone, as plain JSON.

    Raises:
        PrivacyError: no_phone, no_database, database or nobody.
        ServiceError: Kommo or the calendar can't be asked.
    """

    async def act() -> dict[str, Any]:
        async with _open(settings) as privacy:
            return await privacy.export(_number(phone))

    return asyncio.run(act())


def erase_person(settings: Settings, phone: str) -> Erasure:
    """Takes away all we hold about the person with that phone; safe to repeat.

    Raises:
        PrivacyError: no_phone, no_database, database, nobody, meeting_ahead, no_key, or busy for `BUSY_S` seconds.
    """

    async def act() -> Erasure:
        async with _open(settings) as privacy:
            # The running service may be answering this person, or looking at their meeting: mostly a matter of seconds.
            async for attempt in stamina.retry_context(on=LaneBusyError, attempts=None, timeout=BUSY_S, wait_max=2.0):
                with attempt:
                    return await privacy.erase(_number(phone))
        raise AssertionError("unreachable: the last attempt returns or raises")

    return asyncio.run(act())


def _number(phone: str) -> str:
    number = to_e164(phone)
    if number is None:
        raise PrivacyError("no_phone")
    return number


def _database(settings: Settings) -> Database:
    try:
        db = Database(settings.DATABASE_URL)
    except DatabaseError as error:
        raise PrivacyError("database") from error
    # Opening a file that is not there would make an empty one.
    if db.is_sqlite and not Path(db.url.database or "").is_file():
        raise PrivacyError("no_database")
    return db


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[Privacy]:
    db = _database(settings)
    try:
        async with make_privacy(settings, db) as privacy:
            yield privacy
    except PrivacyRefusedError as error:
        raise PrivacyError(error.args[0]) from None
    except LaneBusyError:
        raise PrivacyError("busy") from None
    except (SQLAlchemyError, OSError) as error:
        raise PrivacyError("database") from error
