"""What became of one meeting and why: its changes, and what the customer was told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select

from meetings.database import Database
from meetings.phones import match_key, to_e164
from meetings.tables import SENT_BLINDLY, Change, CrmNote, Customer, Hint, Meeting, Message, Webhook
from meetings.told import who_may_not_know


@dataclass(frozen=True)
class Told:
    """A message about the meeting: what it says and how far it got; `proof` as in `meetings.tables.Proof`.

    `is_doubtful`: they may have got it twice.
    """

    text: str
    state: str
    at: datetime
    is_doubtful: bool = False
    proof: str | None = None


@dataclass(frozen=True)
class Line:
    """One change of a meeting.

    Attributes:
        what: booked, moved, handed_over, cancelled, completed or no_show.
        by: customer, seller or system.
        source: task, lead, event, conversation or system.
        because: A key of the catalogue `story`.
        reason: Somebody's own words, empty without.
        before, after: What was agreed: status, starts_at, ends_at, kommo_user_id.
    """

    at: datetime
    what: str
    by: str
    source: str
    because: str
    reason: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True)
class Story:
    """A meeting with all that happened to it, in order of time.

    Attributes:
        hints: Webhooks and polls that named it: when, what, and what came of it.
        is_untold: WhatsApp did not take the newest notice: the customer may not know of the meeting as it stands.
        refused: What a seller wanted and could not be: when, and the note that told them why.
    """

    meeting: Meeting
    customer: Customer
    lines: tuple[Line, ...]
    told: tuple[Told, ...]
    hints: tuple[tuple[datetime, str, str], ...]
    is_untold: bool = False
    refused: tuple[tuple[datetime, str], ...] = ()


async def find_meeting(db: Database, wanted: str) -> int | None:
    """The id of a meeting named by its number ("12" or "#12") or by its customer's phone (then the newest); None if unknown."""
    text = wanted.strip()
    digits = text.removeprefix("#")
    async with db.transaction() as session:
        if digits.isascii() and digits.isdigit() and len(digits) < 8:  # no phone is shorter
            found = await session.get(Meeting, int(digits))
            return found.id if found else None
        phone = to_e164(text)
        if phone is None:
            return None
        return await session.scalar(
            select(Meeting.id)
            .join(Customer, Customer.id == Meeting.customer_id)
            .where(Customer.match_key == match_key(phone))
            .order_by(Meeting.id.desc())
            .limit(1)
        )


async def story_of(db: Database, meeting_id: int) -> Story:
    """Everything we know of a meeting."""
    async with db.transaction() as session:
        meeting = await session.get_one(Meeting, meeting_id)
        customer = await session.get_one(Customer, meeting.customer_id)
        changes = await session.scalars(select(Change).where(Change.meeting_id == meeting_id).order_by(Change.revision))
        messages = await session.scalars(select(Message).where(Message.meeting_id == meeting_id).order_by(Message.id))
        refusals = await session.execute(
            select(CrmNote.stored_at, CrmNote.text)
            .where(CrmNote.meeting_id == meeting_id, CrmNote.key.startswith(f"refused:{meeting_id}:"))
            .order_by(CrmNote.id)
        )
        named = [(Hint.entity == "event") & (Hint.entity_id == meeting_id)]
        if meeting.kommo_task_id:
            named.append((Hint.entity == "task") & (Hint.entity_id == meeting.kommo_task_id))
        if meeting.kommo_lead_id:
            is_of_this = (Hint.entity_id == meeting.kommo_lead_id) & (Hint.stored_at >= meeting.created_at)
            named.append((Hint.entity == "lead") & is_of_this)  # a task's may be older: one made by hand came before its meeting
        hints = await session.execute(
            select(Hint.stored_at, Hint.entity, Hint.action, Hint.outcome, Webhook.source)
            .outerjoin(Webhook, Webhook.id == Hint.webhook_id)
            .where(or_(*named))
            .order_by(Hint.id)
        )
        return Story(
            meeting,
            customer,
            tuple(Line(c.at, c.what, c.by, c.source, c.hint, str(c.after.get("reason", "")), c.before, c.after) for c in changes),
            tuple(Told(m.text, str(m.state), m.sent_at, m.problem == SENT_BLINDLY, m.proof) for m in messages),
            tuple(
                (at, f"{source or 'poll'}: {entity}[{action}]", outcome or "…") for at, entity, action, outcome, source in hints
            ),
            bool(await who_may_not_know(session, [meeting])),
            tuple((at, text) for at, text in refusals),
        )
