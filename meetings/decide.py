"""What a look at Kommo means for a meeting: one pure function, no I/O, no clock of its own."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from meetings.business import ResultWords
from meetings.lifecycle import may_become
from meetings.qualification import fold
from meetings.tables import MeetingStatus


@dataclass(frozen=True)
class Agreed:
    """What calendar, lead and customer last agreed on.

    Attributes:
        source: Where the newest change was seen: task, lead, event, conversation or system. What was closed by a word on the lead
            is not opened to doubt again by the task's older result.
    """

    status: MeetingStatus
    starts_at: datetime
    link: str | None
    source: str = ""


@dataclass(frozen=True)
class TaskSeen:
    """The meeting's task as read just now. `is_gone`: somebody deleted it."""

    is_gone: bool = False
    is_completed: bool = False
    result: str = ""


@dataclass(frozen=True)
class LeadSeen:
    """The lead as read just now: its two fields of ours, as they stand. `is_gone`: deleted or merged away."""

    is_gone: bool = False
    status: str | None = None
    link: str | None = None


@dataclass(frozen=True)
class Decision:
    """What to do.

    Attributes:
        status: The status the meeting takes, None when it keeps its own.
        source: Where it was seen: task or lead.
        because: What was seen, in plain words.
        rewrite_lead: The lead's fields differ from what is agreed and must be put back.
    """

    status: MeetingStatus | None = None
    source: str = ""
    because: str = ""
    rewrite_lead: bool = False


NOTHING = Decision()
# A denial right before a word, with a helping verb between at most.
_DENIED = re.compile(r"\b(?:nao|no|not|nunca|never)(?: (?:foi|esta|estava|fue|estaba|was|is|been|be))? $")


def decide(agreed: Agreed, task: TaskSeen | None, lead: LeadSeen | None, words: ResultWords) -> Decision:
    """Compares what was read with what is agreed.

    Who wins, first row first (None means: not read this time, says nothing):

    | seen | decided |
    | --- | --- |
    | meeting is cancelled | stays so; lead fields are put back |
    | lead is gone | cancelled, while it was still scheduled |
    | meeting_status on the lead names another legal status | that status |
    | task is gone | cancelled, while it was still scheduled |
    | task completed, but the lead closed the meeting afterwards | as the lead said |
    | task completed, result means "did not come" | no_show |
    | task completed, result means "cancelled" | cancelled, while it was still scheduled |
    | task completed otherwise | completed, while it was still scheduled |
    | link or status on the lead differ | put back |
    """
    for wanted, source, because in _wishes(agreed, task, lead, words):
        if may_become(agreed.status, wanted) and wanted is not agreed.status:
            return Decision(status=wanted, source=source, because=because)
    differs = lead is not None and not lead.is_gone and (lead.status, lead.link) != (agreed.status.value, agreed.link)
    return Decision(rewrite_lead=differs, because="the lead's fields differ" if differs else "")


def _wishes(
    agreed: Agreed, task: TaskSeen | None, lead: LeadSeen | None, words: ResultWords
) -> Iterator[tuple[MeetingStatus, str, str]]:
    """What the seller's doings ask for, strongest first: status, where it was seen, in plain words."""
    if lead is not None and lead.is_gone:
        yield MeetingStatus.CANCELLED, "lead", "the lead was deleted"
    named = _status_named(lead.status if lead else None)
    if named is not None:
        yield named, "lead", f"meeting_status on the lead was set to {named.value}"
    if task is not None and task.is_gone:
        yield MeetingStatus.CANCELLED, "task", "the task was deleted"
    elif task is not None and task.is_completed and (agreed.source != "lead" or agreed.status is MeetingStatus.SCHEDULED):
        yield from _result_wish(agreed, task.result, words)


def _result_wish(agreed: Agreed, result: str, words: ResultWords) -> Iterator[tuple[MeetingStatus, str, str]]:
    if _means(result, words.no_show):
        yield MeetingStatus.NO_SHOW, "task", "the task was completed with a result that means the customer did not come"
    elif _means(result, words.cancelled):
        yield MeetingStatus.CANCELLED, "task", "the task was completed with a result that means cancelled"
    elif agreed.status is MeetingStatus.SCHEDULED:  # a plain completion does not overrule a no-show
        yield MeetingStatus.COMPLETED, "task", "the task was completed"


def _status_named(text: str | None) -> MeetingStatus | None:
    word = fold(text or "").replace("-", "_").replace(" ", "_")
    return next((status for status in MeetingStatus if status.value == word), None)


def _means(result: str, words: Sequence[str]) -> bool:
    """Whether one of the words stands there as such: "não faltou nada" and "showroom" say nothing."""
    said = fold(result)
    found = (match for word in words for match in re.finditer(rf"(?<!\w){re.escape(fold(word))}(?!\w)", said))
    return any(not _DENIED.search(said[: match.start()]) for match in found)
