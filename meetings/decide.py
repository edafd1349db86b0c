"""What a look at Kommo and the calendar means for a meeting: one pure function, no I/O, no clock of its own."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from meetings.business import ResultWords
from meetings.lifecycle import may_become
from meetings.qualification import fold
from meetings.tables import MeetingStatus

TASK, LEAD, EVENT = "task", "lead", "event"


@dataclass(frozen=True)
class TaskSeen:
    """The meeting's task as read. Times are the meeting's own (aware UTC), whatever a deadline stands for.

    Attributes:
        is_gone: Somebody deleted it; nothing else is known then.
        responsible: Kommo user id.
        updated_at: When somebody last changed it.
    """

    is_gone: bool = False
    is_completed: bool = False
    result: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    responsible: int | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True)
class LeadSeen:
    """The lead as read: its two fields of ours as they stand, its stage, its responsible user.

    Attributes:
        is_gone: Deleted or merged away; nothing else is known then.
        speaks: The fields speak of this meeting; a lead with several meetings speaks of its newest.
    """

    is_gone: bool = False
    is_lost: bool = False
    speaks: bool = True
    status: str | None = None
    link: str | None = None
    responsible: int | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True)
class EventSeen:
    """The event on the seller's calendar as read.

    Attributes:
        is_gone: Deleted, or moved to a calendar that is no seller's.
        is_untimed: Somebody made it an all-day event; it has no hours then.
        is_declined: The customer declined the invitation.
        holder: Kommo user id of the seller on whose calendar it was found, None when that is the meeting's own.
        meet_link: Its video call, empty without one or when that was not read. Nothing is decided by it.
    """

    is_gone: bool = False
    is_untimed: bool = False
    is_declined: bool = False
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    updated_at: datetime | None = None
    holder: int | None = None
    meet_link: str = field(default="", compare=False)


@dataclass(frozen=True)
class Crm:
    """What was read in Kommo; None for what was not read this time, which says nothing."""

    task: TaskSeen | None = None
    lead: LeadSeen | None = None


@dataclass(frozen=True)
class Shown:
    """The base of the comparison: what each of the three showed when we last wrote or accepted it. None: not known."""

    task: TaskSeen | None = None
    lead: LeadSeen | None = None
    event: EventSeen | None = None


@dataclass(frozen=True)
class Agreed:
    """What calendar, lead and customer last agreed on.

    Attributes:
        kommo_user_id: The seller who holds the meeting.
        changed_at: When the newest change was made.
        source: Where it was made: task, lead, event, conversation or system. What was closed by a word on the lead is not opened
            to doubt again by the task's older result.
        pending: Those of task, lead and event that our own newest write has not reached yet.
    """

    status: MeetingStatus
    starts_at: datetime
    ends_at: datetime
    link: str | None
    kommo_user_id: int
    changed_at: datetime
    source: str = ""
    shown: Shown = field(default_factory=Shown)
    pending: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Rules:
    """The switches of the business file that bear on decisions.

    Attributes:
        sellers: Kommo user ids of those who hold meetings.
        lead_lost, lead_deleted: "cancel" or "keep" an upcoming meeting.
    """

    words: ResultWords
    sellers: frozenset[int]
    lead_lost: str = "cancel"
    lead_deleted: str = "cancel"


@dataclass(frozen=True)
class Decision:
    """What to do.

    Attributes:
        status: The status the meeting takes, None when it keeps its own.
        starts_at, ends_at: The time it moves to, None when it stays.
        kommo_user_id: The seller it goes to, None when it stays.
        source: Where that was seen: task, lead or event.
        because: A key of the catalogue `story` that says what was seen.
        by: Whose act it was: seller or customer.
        can_be_undone: Kommo or Google lets one take the act back: wait a little before the customer hears of it.
        done_at: When it was done, None when that can't be told.
        put_back: Those of task, lead and event that differ from what is agreed and must be set right.
        refused: Why this can't be followed whatever else is the case, e.g. "before_start"; "" when it may be.
    """

    status: MeetingStatus | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    kommo_user_id: int | None = None
    source: str = ""
    because: str = ""
    by: str = "seller"
    can_be_undone: bool = False
    done_at: datetime | None = None
    put_back: frozenset[str] = frozenset()
    refused: str = ""

    @property
    def is_change(self) -> bool:
        return (self.status or self.starts_at or self.kommo_user_id) is not None

    @property
    def fingerprint(self) -> str:
        """The same for the same wish, however often it is seen."""
        return f"{self.status}|{self.starts_at}|{self.ends_at}|{self.kommo_user_id}|{self.because}"


NOTHING = Decision()
# A denial right before a word, with helping words between at most.
_HELPING = "foi|e|esta|estava|fue|es|estaba|ha|sido|se|mais|was|is|has|been|be"
_DENIED = re.compile(rf"(?:\b(?:nao|no|not|nunca|never)|n't)(?: (?:{_HELPING})){{0,2}} $")


def decide(agreed: Agreed, crm: Crm, calendar: EventSeen | None, now: datetime, rules: Rules) -> Decision:
    """Compares what was read with what is agreed, against what was last shown.

    A value counts as somebody's change when it is neither what is agreed nor what we know was shown there before. While a write
    of ours is still to come, a change on the same thing counts only if it is the newer of the two.

    Who wins, first row first (what was not read says nothing):

    | seen | decided |
    | --- | --- |
    | the meeting is cancelled | stays so; lead, task and event are put back |
    | the lead is gone | cancelled while scheduled and upcoming, per switch |
    | meeting_status on the lead changed to another legal status | that status |
    | the task is gone | cancelled while scheduled, unless it went with a lead whose meetings are kept |
    | the task is completed, but the lead closed the meeting afterwards | as the lead said |
    | the task is completed, its result means "did not come" | no_show |
    | the task is completed, its result means "cancelled" | cancelled while scheduled |
    | the task is completed otherwise | completed while scheduled |
    | the lead is lost | cancelled while scheduled and upcoming, per switch |
    | the event is gone | cancelled while scheduled |
    | the customer declined the invitation | cancelled by the customer while scheduled |
    | the task has another time | moved there while scheduled |
    | the event has another time | moved there while scheduled |
    | the task, else the lead, has another responsible user who is a seller | that seller holds it, together with a new time |
    | the event stands on another seller's calendar | the same |
    | link or status on the lead, an open task of a closed meeting, an all-day event | put back |

    A no_show before the meeting's start is `refused`, for nobody can have missed it yet; a completion then is followed.
    A status that would not be legal (`lifecycle.LEGAL`) is no wish. Deletions in Kommo are final and acted on at once; the rest
    can be undone.
    """
    for wish in _status_wishes(agreed, crm, calendar, now, rules):
        if wish.status is not None and may_become(agreed.status, wish.status) and wish.status is not agreed.status:
            is_too_early = wish.status is MeetingStatus.NO_SHOW and now < agreed.starts_at
            return replace(wish, refused="before_start") if is_too_early else wish
    if agreed.status is MeetingStatus.SCHEDULED:
        change = _moved(agreed, crm.task, calendar, _handed_over(agreed, crm, calendar, rules))
        if change is not None:
            return change
    put_back = frozenset(_differing(agreed, crm, calendar)) - agreed.pending
    return Decision(put_back=put_back, because="put_back" if put_back else "")


def _status_wishes(agreed: Agreed, crm: Crm, calendar: EventSeen | None, now: datetime, rules: Rules) -> Iterator[Decision]:
    """What the seller's doings ask for, strongest first."""
    task, lead, shown = crm.task, crm.lead, agreed.shown
    is_upcoming = agreed.starts_at > now
    goes_with_lead = False
    if lead is not None and lead.is_gone:
        if is_upcoming and rules.lead_deleted == "cancel":
            yield Decision(MeetingStatus.CANCELLED, source=LEAD, because="lead_deleted")
        lead, goes_with_lead = None, rules.lead_deleted == "keep"
    if lead is not None and lead.speaks:
        named = status_named(lead.status, rules.words)
        # Before our first write the field may still speak of an earlier meeting on the lead.
        was = status_named(shown.lead.status, rules.words) if shown.lead else named
        if named is not None and (named is not was or LEAD not in agreed.pending):
            yield Decision(named, source=LEAD, because=f"status_set_{named.value}", can_be_undone=True, done_at=lead.updated_at)
    if task is not None and task.is_gone and not goes_with_lead:
        yield Decision(MeetingStatus.CANCELLED, source=TASK, because="task_deleted")
    if task is not None and task.is_completed and not _is_outspoken(task, agreed):
        yield from _result_wish(agreed, task, rules.words)
    was_lost = shown.lead is not None and shown.lead.is_lost
    if lead is not None and lead.is_lost and not was_lost and is_upcoming and rules.lead_lost == "cancel":
        yield Decision(MeetingStatus.CANCELLED, source=LEAD, because="lead_lost", can_be_undone=True, done_at=lead.updated_at)
    if calendar is not None and agreed.status is MeetingStatus.SCHEDULED and EVENT not in agreed.pending:
        if calendar.is_gone:
            yield Decision(
                MeetingStatus.CANCELLED, source=EVENT, because="event_deleted", can_be_undone=True, done_at=calendar.updated_at
            )
        elif calendar.is_declined and not (shown.event and shown.event.is_declined):
            yield Decision(
                MeetingStatus.CANCELLED,
                source=EVENT,
                because="guest_declined",
                by="customer",
                can_be_undone=True,
                done_at=calendar.updated_at,
            )


def _is_outspoken(task: TaskSeen, agreed: Agreed) -> bool:
    """Whether the meeting was closed by a word on the lead or of the seller on WhatsApp, after which the task's result is old."""
    if agreed.status is MeetingStatus.SCHEDULED:
        return False
    if agreed.source == "conversation":
        return task.updated_at is not None and task.updated_at <= agreed.changed_at
    return agreed.source == LEAD


def _result_wish(agreed: Agreed, task: TaskSeen, words: ResultWords) -> Iterator[Decision]:
    if means(task.result, words.no_show):
        yield Decision(MeetingStatus.NO_SHOW, source=TASK, because="task_no_show", can_be_undone=True, done_at=task.updated_at)
    elif means(task.result, words.cancelled):
        yield Decision(
            MeetingStatus.CANCELLED, source=TASK, because="task_cancelled", can_be_undone=True, done_at=task.updated_at
        )
    elif agreed.status is MeetingStatus.SCHEDULED:  # a plain completion does not overrule a no-show
        yield Decision(
            MeetingStatus.COMPLETED, source=TASK, because="task_completed", can_be_undone=True, done_at=task.updated_at
        )


def _handed_over(agreed: Agreed, crm: Crm, calendar: EventSeen | None, rules: Rules) -> Decision | None:
    """Another seller on the task, else on the lead, else by the calendar. Who is no seller of ours holds no meetings."""
    seen, shown = crm.task, agreed.shown.task
    before = shown.responsible if shown else None
    if seen and not seen.is_gone and _is_new(TASK, seen.responsible, before, agreed.kommo_user_id, seen.updated_at, agreed):
        if seen.responsible in rules.sellers:
            return Decision(
                kommo_user_id=seen.responsible,
                source=TASK,
                because="task_handed_over",
                can_be_undone=True,
                done_at=seen.updated_at,
            )
        return None
    lead, known = crm.lead, agreed.shown.lead
    # Whose lead it was before the meeting says nothing: only a change does.
    was = known.responsible if known else None
    is_seller = lead is not None and not lead.is_gone and was is not None and lead.responsible in rules.sellers
    if lead is None or not is_seller or not _is_new(LEAD, lead.responsible, was, agreed.kommo_user_id, lead.updated_at, agreed):
        return _given_away(calendar, agreed)
    return Decision(
        kommo_user_id=lead.responsible, source=LEAD, because="lead_handed_over", can_be_undone=True, done_at=lead.updated_at
    )


def _given_away(event: EventSeen | None, agreed: Agreed) -> Decision | None:
    if event is None or event.holder in (None, agreed.kommo_user_id) or EVENT in agreed.pending:
        return None
    return Decision(
        kommo_user_id=event.holder,
        source=EVENT,
        because="event_handed_over",
        can_be_undone=True,
        done_at=event.updated_at,
    )


def _moved(agreed: Agreed, task: TaskSeen | None, event: EventSeen | None, handed_over: Decision | None) -> Decision | None:
    """A new time, with a new seller if there is one too; None when neither changed."""
    seen: TaskSeen | EventSeen | None
    for source, seen, shown in ((TASK, task, agreed.shown.task), (EVENT, event, agreed.shown.event)):
        if seen is None or seen.is_gone or seen.starts_at is None or seen.ends_at is None:
            continue
        before = (shown.starts_at, shown.ends_at) if shown and shown.starts_at else None
        ours = (agreed.starts_at, agreed.ends_at)
        if _is_new(source, (seen.starts_at, seen.ends_at), before, ours, seen.updated_at, agreed):
            return Decision(
                starts_at=seen.starts_at,
                ends_at=seen.ends_at,
                kommo_user_id=handed_over.kommo_user_id if handed_over else None,
                source=source,
                because=f"{source}_moved",
                can_be_undone=True,
                done_at=seen.updated_at,
            )
    return handed_over


def _is_new(source: str, seen: object, before: object, ours: object, updated_at: datetime | None, agreed: Agreed) -> bool:
    """Whether a value is somebody's change: neither ours nor what stood there, and newer than a write of ours still to come."""
    if seen is None or seen in (ours, before):
        return False
    is_pending = source in agreed.pending if before is None else before != ours
    # Kommo tells whole seconds: what was done within ours counts as newer.
    return not is_pending or updated_at is None or updated_at + timedelta(seconds=1) > agreed.changed_at


def _differing(agreed: Agreed, crm: Crm, calendar: EventSeen | None) -> Iterator[str]:
    lead, task = crm.lead, crm.task
    fields = (agreed.status.value, agreed.link or "")
    if lead is not None and not lead.is_gone and lead.speaks and (lead.status or "", lead.link or "") != fields:
        yield LEAD
    is_open = task is not None and not task.is_gone and not task.is_completed
    if is_open and agreed.status is not MeetingStatus.SCHEDULED:
        yield TASK
    is_wrong = agreed.status is MeetingStatus.CANCELLED or (
        agreed.status is MeetingStatus.SCHEDULED and calendar is not None and calendar.is_untimed
    )
    if calendar is not None and not calendar.is_gone and is_wrong:
        yield EVENT


def status_named(text: str | None, words: ResultWords) -> MeetingStatus | None:
    """The status that somebody wrote into the lead's field: our own word, or one of the business file's."""
    said = fold(text or "")
    word = said.replace("-", "_").replace(" ", "_")
    for status in MeetingStatus:
        if status.value == word:
            return status
    listed = {
        MeetingStatus.NO_SHOW: words.no_show,
        MeetingStatus.CANCELLED: words.cancelled,
        MeetingStatus.COMPLETED: words.completed,
    }
    return next((status for status, known in listed.items() if said and said in [fold(w) for w in known]), None)


def means(result: str, words: Sequence[str]) -> bool:
    """Whether one of the words stands there as such: "não faltou nada" and "showroom" say nothing."""
    said = fold(result)
    found = (match for word in words for match in re.finditer(rf"(?<!\w){re.escape(fold(word))}(?!\w)", said))
    return any(not _DENIED.search(said[: match.start()]) for match in found)
