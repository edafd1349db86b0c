"""All meetings: first those that do not agree everywhere yet, then what is to come, then what is over."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from meetings.lifecycle import notice_key
from meetings.tables import Change, Meeting, MeetingPhase, MeetingStatus, Message, MessageState
from panel.receipts import MeetingSeen, see_meetings

PAGE = 25
_SHOWN_AHEAD = 200  # meetings to come on one page; the horizon is some days
_UNTOLD_DAYS = 7  # how long a notice that WhatsApp refused keeps a meeting among the unsettled


@dataclass(frozen=True)
class Agenda:
    """The three parts; `over` is one page of them. `number` counts pages from 1."""

    unsettled: list[MeetingSeen]
    upcoming: list[MeetingSeen]
    over: list[MeetingSeen]
    number: int
    last: int


async def see_agenda(
    session: AsyncSession, now: datetime, status: MeetingStatus | None, number: int, lead_url: Callable[[int], str]
) -> Agenda:
    """The meetings of that status, of every status when None."""
    wanted = [Meeting.phase != MeetingPhase.RELEASED]
    if status is not None:
        wanted.append(Meeting.status == status)
    troubled = or_(Meeting.is_behind(), Meeting.id.in_(await untold(session, now)))
    is_ahead = (Meeting.status == MeetingStatus.SCHEDULED) & (Meeting.ends_at > now)

    async def find(*conditions: ColumnElement[bool], order: ColumnElement[Any], limit: int, skip: int = 0) -> list[MeetingSeen]:
        rows = await session.scalars(
            select(Meeting).where(*wanted, *conditions).order_by(order, Meeting.id).limit(limit).offset(skip)
        )
        return await see_meetings(session, list(rows), lead_url)

    count = await session.scalar(select(func.count()).select_from(Meeting).where(*wanted, ~troubled, ~is_ahead)) or 0
    last = max(1, -(-count // PAGE))
    number = min(number, last)
    return Agenda(
        unsettled=await find(troubled, order=Meeting.updated_at.asc(), limit=_SHOWN_AHEAD),
        upcoming=await find(~troubled, is_ahead, order=Meeting.starts_at.asc(), limit=_SHOWN_AHEAD),
        over=await find(~troubled, ~is_ahead, order=Meeting.starts_at.desc(), limit=PAGE, skip=(number - 1) * PAGE),
        number=number,
        last=last,
    )


async def untold(session: AsyncSession, now: datetime) -> list[int]:
    """Meetings whose newest change WhatsApp refused to tell the customer, in the last days."""
    since = now - timedelta(days=_UNTOLD_DAYS)
    rows = await session.execute(
        select(Message.key, Change)
        .join(Meeting, Meeting.id == Message.meeting_id)
        .join(Change, (Change.meeting_id == Meeting.id) & (Change.revision == Meeting.revision))
        .where(Message.state == MessageState.FAILED, Message.stored_at > since)
    )
    return [change.meeting_id for key, change in rows if key == notice_key(change)]
