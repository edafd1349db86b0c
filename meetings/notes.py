"""Notes in a lead's feed: written down with the change they tell of, carried to Kommo together."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select

from clients.errors import NotFoundError, RefusedError, ServiceError
from clients.kommo import KommoClient
from meetings.backoff import wait_after
from meetings.database import Database
from meetings.tables import CrmNote

log = structlog.get_logger("notes")
WAIT_S = 20  # notes of this time go out in one call
_AT_ONCE = 50  # entities that Kommo advises per write


class Notes:
    """Keeps notes and writes those that are due, up to fifty in one call."""

    def __init__(self, db: Database, kommo: KommoClient, now: Callable[[], datetime]) -> None:
        self.db, self.kommo, self.now = db, kommo, now

    async def put(self, key: str, lead_id: int, text: str, meeting_id: int | None = None) -> None:
        """Keeps a note under its key; a key that is known keeps its text."""
        now = self.now()
        async with self.db.transaction() as session:
            if await session.scalar(select(CrmNote.id).where(CrmNote.key == key)) is None:
                session.add(
                    CrmNote(
                        key=key,
                        kommo_lead_id=lead_id,
                        meeting_id=meeting_id,
                        text=text,
                        next_try_at=now + timedelta(seconds=WAIT_S),
                        stored_at=now,
                    )
                )

    async def next_due(self) -> datetime | None:
        """When the next note waits to be written, None without one."""
        async with self.db.transaction() as session:
            return await session.scalar(
                select(CrmNote.next_try_at).where(CrmNote.written_at.is_(None)).order_by(CrmNote.next_try_at).limit(1)
            )

    async def flush(self) -> int:
        """Writes what is due; returns how many notes are in Kommo now that were not before.

        Safe to repeat, also after a lost answer: what may have been written is looked up first. Failures are planned again.
        """
        async with self.db.transaction() as session:
            found = await session.scalars(
                select(CrmNote)
                .where(CrmNote.written_at.is_(None), CrmNote.next_try_at <= self.now())
                .order_by(CrmNote.id)
                .limit(_AT_ONCE)
            )
            due = list(found)
        written = 0
        try:
            missing = [note for note in due if not await self._is_there(note)]
            written = len(due) - len(missing)
            if missing:
                await self._mark(missing, tried=True)
                await self._write(missing)
                written += len(missing)
        except ServiceError as error:
            log.warning("notes wait", notes=len(due) - written, problem=str(error))
            await self._later(due, str(error))
        return written

    async def _is_there(self, note: CrmNote) -> bool:
        if not note.tried or note.text not in await self.kommo.list_notes(note.kommo_lead_id):
            return False
        await self._mark([note], written_at=self.now())
        return True

    async def _write(self, notes: list[CrmNote]) -> None:
        try:
            await self.kommo.add_notes([(note.kommo_lead_id, note.text) for note in notes])
        except (RefusedError, NotFoundError):
            if len(notes) > 1:  # one of them can't be written: find out which
                for note in notes:
                    await self._write([note])
                return
            # The lead is gone: nobody will look for the note.
            await self._mark(notes, written_at=self.now(), problem="the lead does not take it")
            return
        await self._mark(notes, written_at=self.now(), problem=None)

    async def _later(self, notes: list[CrmNote], problem: str) -> None:
        async with self.db.transaction() as session:
            for note in await session.scalars(select(CrmNote).where(CrmNote.id.in_([n.id for n in notes]))):
                if note.written_at is None:
                    note.attempts += 1
                    note.problem = problem
                    note.next_try_at = self.now() + wait_after(note.attempts)

    async def _mark(self, notes: list[CrmNote], **values: object) -> None:
        async with self.db.transaction() as session:
            for note in await session.scalars(select(CrmNote).where(CrmNote.id.in_([n.id for n in notes]))):
                for name, value in values.items():
                    setattr(note, name, value)


def refusal_key(task_id: int, updated_at: int, reason: str) -> str:
    """The key of the note that says why a task is no meeting; `updated_at` (epoch seconds) is the state of it that was judged."""
    return f"by-hand:{task_id}:{updated_at}:{reason}"
