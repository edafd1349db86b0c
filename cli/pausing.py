"""`marcado pause` and `marcado resume`: what the panel's two buttons do, from a terminal. The service may be running or not."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from cli.settings import Settings
from meetings.customers import HeldByTagError, customer_by_phone, is_held_by_tag, pause, resume
from meetings.database import Database, DatabaseError
from meetings.phones import to_e164
from meetings.tables import Customer


class PausingRefusedError(Exception):
    """It can't be done. `args[0]` names the sentence that says why, `refused_<name>` in the operator's catalogue."""


@dataclass(frozen=True)
class Done:
    """How it stands afterwards.

    Attributes:
        who: The customer's name, else phone.
        paused_until: None when the agent is active.
        to_answer: How many messages the agent will answer now.
    """

    who: str
    paused_until: datetime | None
    to_answer: int = 0


def resume_by_phone(settings: Settings, phone: str) -> Done:
    """Ends a customer's pause; see `meetings.customers.resume`.

    Raises:
        PausingRefusedError: no_phone, no_database, database, nobody or tag.
    """

    async def act(session: AsyncSession, customer: Customer) -> Done:
        return Done(_name(customer), None, await resume(session, customer, datetime.now(UTC)))

    try:
        return asyncio.run(_with_customer(_database(settings), phone, act))
    except HeldByTagError:
        raise PausingRefusedError("tag") from None


def pause_by_phone(settings: Settings, phone: str) -> Done:
    """Silences the agent for a customer, for HANDOFF_PAUSE_MIN minutes from now or for as long as it is silent anyway.

    Raises:
        PausingRefusedError: no_phone, no_database, database or nobody; tag when the tag on the lead silences it already.
    """

    async def act(session: AsyncSession, customer: Customer) -> Done:
        if is_held_by_tag(customer, datetime.now(UTC)):
            raise PausingRefusedError("tag")
        pause(customer, datetime.now(UTC) + timedelta(minutes=settings.HANDOFF_PAUSE_MIN))
        return Done(_name(customer), customer.paused_until)

    return asyncio.run(_with_customer(_database(settings), phone, act))


def _database(settings: Settings) -> Database:
    try:
        db = Database(settings.DATABASE_URL)
    except DatabaseError as error:
        raise PausingRefusedError("database") from error
    # Opening a file that is not there would make an empty one.
    if db.is_sqlite and not Path(db.url.database or "").is_file():
        raise PausingRefusedError("no_database")
    return db


async def _with_customer(db: Database, phone: str, act: Callable[[AsyncSession, Customer], Awaitable[Done]]) -> Done:
    number = to_e164(phone)
    if number is None:
        raise PausingRefusedError("no_phone")
    try:
        async with db.transaction() as session:
            customer = await customer_by_phone(session, number)
            if customer is None:
                raise PausingRefusedError("nobody")
            return await act(session, customer)
    except (SQLAlchemyError, OSError) as error:
        raise PausingRefusedError("database") from error
    finally:
        await db.close()


def _name(customer: Customer) -> str:
    return customer.name or customer.phone or ""
