"""What failed for good, or fails again and again: listed with its reason, and done again when somebody asks for it.

Nothing here is a record of its own. A letter is a row that says of itself that it did not get through, so the list is never out
of date, and what gets through after all is off it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from meetings.lifecycle import notice_key
from meetings.outbox import OTHER_FORM, OVERTAKEN
from meetings.tables import (
    Author,
    Change,
    CrmNote,
    Customer,
    Hint,
    Meeting,
    MeetingPhase,
    Message,
    MessageState,
    Touch,
    Turn,
    Webhook,
)

STUCK_AT = 6  # failures in a row, some two minutes: what still fails then is nothing passing
UNREADABLE, FAILED, TOO_LARGE = "unreadable", "failed", "too large"  # outcomes of webhooks that came to nothing
_HAND_OFF_LATE = timedelta(minutes=10)
_ANSWER_WITHIN = timedelta(hours=24)  # an older question is answered by a person, if at all


@dataclass(frozen=True)
class Letter:
    """One thing that did not get through.

    Attributes:
        id: Its kind and its row, e.g. "message:12". Kinds: message, note, hint, meeting, touch, turn, hand_off, webhook.
        about: Whom or what it concerns, in ids: nobody's words.
        reason: What the service or we ourselves said.
        since: When it was made (aware UTC).
        goes_on: It is still tried by itself; a replay only does so at once.
        obstacle: Why doing it again would be of no use or untrue (names a sentence), None when it can be done.
    """

    id: str
    about: str
    reason: str
    since: datetime
    goes_on: bool = False
    obstacle: str | None = None


async def find_letters(session: AsyncSession, now: datetime, since: datetime | None = None) -> list[Letter]:
    """Everything that did not get through, oldest first; only what was made at or after `since` when that is given."""
    found = [
        *await _messages(session, now),
        *await _notes(session),
        *await _hints(session),
        *await _meetings(session),
        *await _touches(session, now),
        *await _turns(session),
        *await _hand_offs(session, now),
        *await _webhooks(session),
    ]
    return sorted((one for one in found if since is None or one.since >= since), key=lambda one: (one.since, one.id))


async def replay(session: AsyncSession, letter: Letter, now: datetime) -> bool:
    """Has it done again by the running service, or the next one; False where that can't be.

    Webhooks are read again by `webhooks/replay.py`.
    """
    kind, _, number = letter.id.partition(":")
    if letter.obstacle is not None or kind in ("webhook", "hand_off"):
        return False
    row_id = int(number)
    match kind:
        case "message":
            await _send_again(session, await session.get_one(Message, row_id), now)
        case "note":
            note = await session.get_one(CrmNote, row_id)
            note.written_at, note.problem, note.next_try_at, note.tried = None, None, now, True
        case "hint":
            hint = await session.get_one(Hint, row_id)
            hint.attempts, hint.next_try_at = hint.attempts + 1, now
        case "meeting":
            meeting = await session.get_one(Meeting, row_id)
            meeting.attempts, meeting.next_try_at = meeting.attempts + 1, now  # the number names the workflow: it must be new
        case "touch":
            touch = await session.get_one(Touch, row_id)
            touch.runs, touch.due_at = touch.runs + 1, now
        case "turn":
            customer = await session.get_one(Customer, row_id)
            customer.turn_attempts, customer.next_turn_at = customer.turn_attempts + 1, None
    return True


async def _messages(session: AsyncSession, now: datetime) -> list[Letter]:
    refused = await session.scalars(
        select(Message).where(
            Message.state == MessageState.FAILED,
            Message.author.in_([Author.AGENT, Author.SYSTEM]),
            Message.problem.is_distinct_from(OVERTAKEN),
        )
    )
    return [
        Letter(
            f"message:{m.id}",
            f"customer {m.customer_id}" + (f", meeting #{m.meeting_id}" if m.meeting_id else ""),
            m.problem or "",
            m.stored_at,
            obstacle=await _obstacle(session, m, now),
        )
        for m in refused
    ]


async def _obstacle(session: AsyncSession, message: Message, now: datetime) -> str | None:
    """Why a refused message can't be sent again: the customer would read something untrue, or too late."""
    if message.address is not None:
        return "second_try"  # of another message, which is listed itself
    if message.meeting_id is None:
        if message.turn_id is None or message.stored_at < now - _ANSWER_WITHIN:
            return "its_time_is_over"
        later = select(Message.id).where(
            Message.customer_id == message.customer_id,
            Message.id > message.id,
            Message.author.in_([Author.AGENT, Author.SELLER]),
            Message.state.in_([MessageState.SENT, MessageState.DELIVERED, MessageState.READ]),
        )
        return "answered_since" if await session.scalar(later.limit(1)) is not None else None
    meeting = await session.get_one(Meeting, message.meeting_id)
    if await _touch_of(session, message) is not None:
        return "its_time_is_over" if meeting.starts_at <= now else None
    newest = await session.scalar(select(Change).where(Change.meeting_id == meeting.id, Change.revision == meeting.revision))
    if newest is None or message.key != notice_key(newest):
        return "changed_since"
    return "its_time_is_over" if meeting.ends_at <= now else None


async def _touch_of(session: AsyncSession, message: Message) -> Touch | None:
    return await session.scalar(select(Touch).where(Touch.key == (message.key or "").removeprefix(OTHER_FORM)))


async def _send_again(session: AsyncSession, message: Message, now: datetime) -> None:
    """A notice or a touch is taken up where it was left; an answer in the conversation is made anew."""
    if message.meeting_id is None:
        of_turn = await session.scalars(select(Message).where(Message.turn_id == message.turn_id))
        for one in of_turn:
            if one.author == Author.CUSTOMER:
                one.state = MessageState.NEW
            elif one.state == MessageState.FAILED:
                one.problem = OVERTAKEN
        customer = await session.get_one(Customer, message.customer_id)
        customer.resumed, customer.turn_attempts, customer.next_turn_at = customer.resumed + 1, 0, None
        return
    message.state, message.problem, message.vendor_id = MessageState.PENDING, None, None
    touch = await _touch_of(session, message)
    if touch is not None:
        touch.done_at, touch.outcome, touch.due_at, touch.runs = None, None, now, touch.runs + 1
        touch.useful_until = max(touch.useful_until, now + timedelta(minutes=5))
        return
    meeting = await session.get_one(Meeting, message.meeting_id)
    meeting.notice_rev = min(meeting.notice_rev, meeting.revision - 1)
    meeting.attempts, meeting.next_try_at = meeting.attempts + 1, now


async def _notes(session: AsyncSession) -> list[Letter]:
    rows = await session.scalars(select(CrmNote).where(CrmNote.problem.is_not(None)))
    return [
        Letter(f"note:{n.id}", f"lead {n.kommo_lead_id}", n.problem or "", n.stored_at, goes_on=n.written_at is None)
        for n in rows
        if n.written_at is not None or n.attempts >= STUCK_AT
    ]


async def _hints(session: AsyncSession) -> list[Letter]:
    rows = await session.scalars(select(Hint).where(Hint.done_at.is_(None), Hint.attempts >= STUCK_AT))
    return [Letter(f"hint:{h.id}", f"{h.entity} {h.entity_id}", h.problem or "", h.stored_at, goes_on=True) for h in rows]


async def _meetings(session: AsyncSession) -> list[Letter]:
    rows = await session.scalars(
        select(Meeting).where(Meeting.phase != MeetingPhase.RELEASED, Meeting.is_behind(), Meeting.attempts >= STUCK_AT)
    )
    return [
        Letter(f"meeting:{m.id}", f"customer {m.customer_id}, meeting #{m.id}", m.problem or "", m.updated_at, goes_on=True)
        for m in rows
    ]


async def _touches(session: AsyncSession, now: datetime) -> list[Letter]:
    rows = await session.scalars(select(Touch).where(Touch.done_at.is_(None), Touch.attempts >= STUCK_AT))
    return [
        Letter(f"touch:{t.id}", f"{t.kind}, meeting #{t.meeting_id}", t.problem or "", min(t.due_at, now), goes_on=True)
        for t in rows
    ]


async def _turns(session: AsyncSession) -> list[Letter]:
    """Customers whose messages could not be answered in many tries."""
    found = []
    for customer in await session.scalars(select(Customer).where(Customer.turn_attempts >= STUCK_AT)):
        last = await session.scalar(
            select(Turn)
            .where(Turn.customer_id == customer.id, Turn.outcome == "failed")
            .order_by(Turn.started_at.desc())
            .limit(1)
        )
        since = last.started_at if last else customer.created_at
        reason = (last.problem if last else None) or ""
        found.append(Letter(f"turn:{customer.id}", f"customer {customer.id}", reason, since, goes_on=True))
    return found


async def _hand_offs(session: AsyncSession, now: datetime) -> list[Letter]:
    rows = await session.scalars(
        select(Customer).where(Customer.handed_off_at < now - _HAND_OFF_LATE, Customer.handoff_task_id.is_(None))
    )
    return [
        Letter(
            f"hand_off:{c.id}",
            f"customer {c.id}",
            "no task in Kommo yet" if c.phone else "the number is hidden: no lead, no task",
            c.handed_off_at or now,
            goes_on=bool(c.phone),
            obstacle="by_itself" if c.phone else "hidden_number",
        )
        for c in rows
    ]


async def _webhooks(session: AsyncSession) -> list[Letter]:
    rows = await session.scalars(select(Webhook).where(Webhook.outcome.in_([UNREADABLE, FAILED, TOO_LARGE])))
    return [
        Letter(
            f"webhook:{w.id}",
            w.source,
            f"{w.outcome}: {w.reason or ''}",
            w.stored_at,
            obstacle=None if w.outcome == FAILED else "never_readable",
        )
        for w in rows
    ]


def named(letters: Sequence[Letter], wanted: Sequence[str]) -> list[Letter]:
    """Those with these ids, in the order of the list."""
    return [letter for letter in letters if letter.id in set(wanted)]
