"""Whether customers know of their meetings as these stand: by what was told, and by what became of the message that told it."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from meetings.lifecycle import snapshot
from meetings.outbox import OTHER_FORM
from meetings.tables import Meeting, Message, MessageState, Proof

_KNOWN = ("status", "starts_at", "kommo_user_id")  # what a notice tells


async def who_may_not_know(session: AsyncSession, meetings: Sequence[Meeting]) -> set[int]:
    """The ids of those meetings whose newest notice is over and done with, but did not reach the customer."""
    over = [meeting for meeting in meetings if meeting.notice_rev >= meeting.revision]
    found = await session.scalars(
        select(Message).where(Message.meeting_id.in_([m.id for m in over]), Message.key.contains("meeting:"))
    )
    notices: dict[str, list[Message]] = {}
    for message in found:
        about = ":".join((message.key or "").removeprefix(OTHER_FORM).split(":")[:3])  # "meeting", its id, the revision
        notices.setdefault(about, []).append(message)
    return {m.id for m in over if not _is_told(m, notices.get(f"meeting:{m.id}:{m.revision}", []))}


def _is_told(meeting: Meeting, notices: Sequence[Message]) -> bool:
    """`notices`: the message of the newest revision, and its second try at the other form of the number."""
    if any(message.state in (MessageState.DELIVERED, MessageState.READ) or message.proof == Proof.PROVEN for message in notices):
        return True
    if any(message.proof == Proof.SELLER_TOLD for message in notices):
        return False
    if notices:
        return any(message.state != MessageState.FAILED for message in notices)
    told, agreed = meeting.told, snapshot(meeting)
    return told is None or all(told.get(name) == agreed[name] for name in _KNOWN)
