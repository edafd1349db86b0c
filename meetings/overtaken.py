"""What is checked before we write over what Kommo shows, when that was not read just now."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

from meetings.business import Business
from meetings.cases import Case, Cases, OvertakenError
from meetings.decide import Crm, decide
from meetings.seen import agreed_of, rules_of

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Guard:
    """Keeps a write of ours from swallowing what a seller did meanwhile."""

    def __init__(
        self,
        cases: Cases,
        note_outdone: Callable[[Case, str], Awaitable[None]],
        business: Business,
        now: Callable[[], datetime],
    ) -> None:
        """`note_outdone`: tells the seller that an act of theirs (a key of the catalogue `story`) is not followed."""
        self.cases, self.note_outdone, self.now = cases, note_outdone, now
        self.rules = rules_of(business)

    @staticmethod
    def is_needed(case: Case) -> bool:
        """Whether a seller may have acted since Kommo was last read: a change made in the conversation is written some moments
        later, and a write that failed is made again whenever Kommo answers.
        """
        is_later = case.change.source == "conversation" and case.change.revision > 1
        return is_later or case.meeting.attempts > 0

    async def check(self, case: Case, crm: Crm) -> None:
        """Passes when what was read there may be written over. An act older than our change is, with a note that says so. What
        is gone can't be written over: that is left to the look at all of it.

        Raises:
            OvertakenError: It is a newer act of the seller; the meeting is looked at anew.
        """
        if any(seen is not None and seen.is_gone for seen in (crm.task, crm.lead)):
            return
        agreed, now = agreed_of(case.meeting, case.change), self.now()
        if decide(agreed, crm, None, now, self.rules).is_change:
            await self.cases.ask_for_look(case.meeting.id, now)
            raise OvertakenError(f"somebody has changed meeting {case.meeting.id} in Kommo since")
        older = decide(replace(agreed, changed_at=_LONG_AGO), crm, None, now, self.rules)
        if older.is_change:
            await self.note_outdone(case, older.because)
