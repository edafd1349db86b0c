"""What a look at Kommo means for a meeting: one pure function, no I/O, no clock of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from meetings.business import ResultWords
from meetings.lifecycle import may_become
from meetings.qualification import fold
from meetings.tables import MeetingStatus


@dataclass(frozen=True)
class Agreed:
    """What calendar, lead and customer last agreed on."""

    status: MeetingStatus
    starts_at: datetime
    link: str | None


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


def decide(agreed: Agreed, task: TaskSeen | None, lead: LeadSeen | None, words: ResultWords) -> Decision:
    """Compares what was read with what is agreed.

    Who wins, first row first (None means: not read this time, says nothing):

    | seen | decided |
    | --- | --- |
    | meeting is cancelled | stays so; lead fields are put back |
    | lead is gone | cancelled, while it was still scheduled |
    | meeting_status on the lead names another legal status | that status |
    | task is gone | cancelled, while it was still scheduled |
    | task completed, result means "did not come" | no_show |
    | task completed, result means "cancelled" | cancelled, while it was still scheduled |
    | task completed otherwise | completed, while it was still scheduled |
    | link or status on the lead differ | put back |
    """
    wanted, source, because = _wanted(agreed, task, lead, words)
    if wanted is not None and wanted is not agreed.status and may_become(agreed.status, wanted):
        return Decision(status=wanted, source=source, because=because)
    differs = lead is not None and not lead.is_gone and (lead.status, lead.link) != (agreed.status.value, agreed.link)
    return Decision(rewrite_lead=differs, because="the lead's fields differ" if differs else "")


_Wanted = tuple[MeetingStatus | None, str, str]
_NO_WISH: _Wanted = (None, "", "")


def _wanted(agreed: Agreed, task: TaskSeen | None, lead: LeadSeen | None, words: ResultWords) -> _Wanted:
    if agreed.status is MeetingStatus.CANCELLED:
        return _NO_WISH
    if lead is not None and lead.is_gone:
        return MeetingStatus.CANCELLED, "lead", "the lead was deleted"
    named = _status_named(lead.status if lead else None)
    if named is not None and named is not agreed.status:
        return named, "lead", f"meeting_status on the lead was set to {named.value}"
    return _from_task(agreed, task, words)


def _from_task(agreed: Agreed, task: TaskSeen | None, words: ResultWords) -> _Wanted:
    if task is None:
        return _NO_WISH
    if task.is_gone:
        return MeetingStatus.CANCELLED, "task", "the task was deleted"
    if not task.is_completed:
        return _NO_WISH
    if _means(task.result, words.no_show):
        return MeetingStatus.NO_SHOW, "task", "the task was completed with a result that means the customer did not come"
    if _means(task.result, words.cancelled):
        return MeetingStatus.CANCELLED, "task", "the task was completed with a result that means cancelled"
    if agreed.status is MeetingStatus.SCHEDULED:
        return MeetingStatus.COMPLETED, "task", "the task was completed"
    return _NO_WISH  # a plain completion does not overrule a no-show that was set on the lead


def _status_named(text: str | None) -> MeetingStatus | None:
    word = fold(text or "").replace("-", "_").replace(" ", "_")
    return next((status for status in MeetingStatus if status.value == word), None)


def _means(result: str, words: Sequence[str]) -> bool:
    said = fold(result)
    return any(fold(word) in said for word in words)
