"""Offers times and reserves them: what the customer may choose from, and the one winner per time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import uuid4

from sqlalchemy import ColumnElement, delete, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from clients.calendar import CalendarClient
from meetings.business import Business, Seller
from meetings.database import Database
from meetings.lifecycle import first_change, revise
from meetings.qualification import Standing, answers_of, standing
from meetings.repeat_back import must_repeat_back
from meetings.slots import Interval, Period, free_slots, horizon, is_within_hours, spread
from meetings.tables import Author, Change, Customer, Meeting, MeetingPhase, MeetingStatus, Message, MessageState, Offer

_OFFER_HOLDS = timedelta(minutes=30)  # how long an offer may be taken up although the notice gets shorter meanwhile


class BookingRefusedError(Exception):
    """A meeting can't be booked or moved now.

    Attributes:
        code: NOT_QUALIFIED, NOT_OFFERED, SLOT_TAKEN, ALREADY_BOOKED, NO_MEETING, NO_PHONE, CALENDAR_UNREADABLE,
            MEETING_CHANGED or MEETING_CHANGING.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code, self.reason = code, reason


@dataclass(frozen=True)
class OfferedTime:
    """A time under the number it is offered by. Aware UTC."""

    number: int
    starts_at: datetime
    seller_name: str


class Booking:
    """Everything about times that needs the database and the calendars, but changes no calendar."""

    def __init__(self, db: Database, calendar: CalendarClient, business: Business, now: Callable[[], datetime]) -> None:
        self.db, self.calendar, self.business, self.now = db, calendar, business, now

    async def offer(
        self,
        customer_id: int,
        turn_id: str,
        *,
        day: date | None = None,
        period: Period | None = None,
        count: int | None = None,
    ) -> list[OfferedTime]:
        """Free times, stored as offers of this turn under numbers; offers of earlier turns lapse.

        Returns:
            At most `count`, or as many as the business file says, in order of time; empty when nothing is free then.

        Raises:
            BookingRefusedError: CALENDAR_UNREADABLE, no calendar could be read.
            ServiceError: Google can't be asked.
        """
        sellers, own = await self._sellers_for(customer_id)
        busy = await self._busy(sellers, horizon(self.business, self.now()), without=own)
        free: dict[Interval, Seller] = {}
        for seller in sellers:
            intervals = busy[seller.name]
            if intervals is None:
                continue
            for slot in free_slots(self.business, seller, intervals, self.now(), day=day, period=period):
                free.setdefault(slot, seller)
        if all(intervals is None for intervals in busy.values()):
            raise BookingRefusedError("CALENDAR_UNREADABLE", "no seller's calendar can be read")
        slots = sorted(free)
        most = min(count or self.business.meetings.offers, self.business.meetings.offers)
        chosen = slots[:most] if day else spread(slots, most, self.business.zone)
        return await self._store_offers(customer_id, turn_id, [(slot, free[slot]) for slot in chosen])

    async def must_repeat_back(self, customer_id: int, option: int) -> bool:
        """Whether a choice made by voice must first be repeated to the customer."""
        async with self.db.transaction() as session:
            return await must_repeat_back(session, customer_id, option, self.business.zone)

    async def reserve(self, customer_id: int, option: int, turn_id: str) -> int:
        """Holds the offered time for the customer; returns the meeting's id, phase held.

        Of several customers who choose one time, one wins here, in one transaction, before any calendar is asked.

        Raises:
            BookingRefusedError: NOT_QUALIFIED, ALREADY_BOOKED, NOT_OFFERED, SLOT_TAKEN or NO_PHONE.
        """
        now = self.now()
        async with self.db.transaction() as session:
            customer = await session.get_one(Customer, customer_id)
            await self._check_qualified(session, customer)
            if not customer.phone:
                raise BookingRefusedError("NO_PHONE", "the customer's phone number is hidden; ask for it, then hand off")
            existing = await upcoming_meeting(session, customer_id, now)
            if existing is not None:
                raise BookingRefusedError("ALREADY_BOOKED", "the customer has a meeting; use reschedule_meeting to move it")
            offer, seller = await self._offered(session, customer_id, option)
            slot = Interval(offer.starts_at, offer.ends_at)
            await self._check_not_taken(session, seller, slot)
            meeting = Meeting(
                customer_id=customer_id,
                kommo_lead_id=customer.kommo_lead_id,
                kommo_user_id=seller.kommo_user_id,
                calendar_id=seller.calendar_id,
                event_id=uuid4().hex,
                phase=MeetingPhase.HELD,
                status=MeetingStatus.SCHEDULED,
                starts_at=slot.starts_at,
                ends_at=slot.ends_at,
                booked_in_turn=turn_id,
                created_at=now,
                updated_at=now,
                revision=1,
                generation=1,
            )
            session.add(meeting)
            await session.flush()
            session.add(first_change(meeting, now))
            return meeting.id

    async def check_still_free(self, meeting_id: int) -> bool:
        """Reads the seller's calendar once more for exactly the held time, buffer included.

        Raises:
            ServiceError: Google can't be asked.
        """
        async with self.db.transaction() as session:
            meeting = await session.get_one(Meeting, meeting_id)
        return await self._is_free(meeting.calendar_id, Interval(meeting.starts_at, meeting.ends_at))

    async def release(self, meeting_id: int, why: str) -> None:
        """Gives a held time back: it never became a meeting."""
        async with self.db.transaction() as session:
            meeting = await session.get_one(Meeting, meeting_id)
            if meeting.phase == MeetingPhase.HELD:
                meeting.phase, meeting.problem, meeting.updated_at = MeetingPhase.RELEASED, why, self.now()

    async def move(self, customer_id: int, option: int) -> int:
        """Gives the customer's meeting the offered time; returns the meeting's id. Its effects follow.

        Raises:
            BookingRefusedError: NO_MEETING, NOT_OFFERED or SLOT_TAKEN.
            ServiceError: Google can't be asked.
        """
        async with self.db.transaction() as session:
            meeting = await self._upcoming_or_refuse(session, customer_id)
            offer, seller = await self._offered(session, customer_id, option)
        slot, own = Interval(offer.starts_at, offer.ends_at), Interval(meeting.starts_at, meeting.ends_at)
        if slot == own:
            return meeting.id
        if seller.calendar_id != meeting.calendar_id or not await self._is_free(meeting.calendar_id, slot, without=[own]):
            raise BookingRefusedError("SLOT_TAKEN", "that time is no longer free")
        async with self.db.transaction() as session:
            meeting = await self._upcoming_or_refuse(session, customer_id)
            await self._check_not_taken(session, seller, slot, except_meeting=meeting.id)
            revise(
                session,
                meeting,
                what="moved",
                by="customer",
                source="conversation",
                hint="customer_moved",
                now=self.now(),
                starts_at=slot.starts_at,
                ends_at=slot.ends_at,
            )
            return meeting.id

    async def check_slot(
        self, seller: Seller, slot: Interval, *, meeting_id: int | None = None, own: Sequence[Interval] = ()
    ) -> str | None:
        """Whether a seller's own wish for a time can be followed.

        Args:
            meeting_id: The meeting that moves.
            own: What it occupies on that seller's calendar now; that does not stand in its way.

        Returns:
            None, or why not: in_the_past, outside_hours or taken.

        Raises:
            ServiceError: Google can't be asked.
        """
        if slot.starts_at <= self.now():
            return "in_the_past"
        if not is_within_hours(self.business, seller, slot):
            return "outside_hours"
        async with self.db.transaction() as session:
            try:
                await self._check_not_taken(session, seller, slot, except_meeting=meeting_id)
            except BookingRefusedError:
                return "taken"
        return None if await self._is_free(seller.calendar_id, slot, without=own) else "taken"

    async def cancel(self, customer_id: int, reason: str) -> int:
        """Cancels the customer's meeting on the customer's wish; returns its id. Its effects follow.

        Repeated for the same messages of the customer, as after a kill, it gives the meeting that was cancelled for them.

        Args:
            reason: In a few words, kept with the change.

        Raises:
            BookingRefusedError: NO_MEETING.
        """
        async with self.db.transaction() as session:
            done = await _cancelled_for_them(session, customer_id)
            if done is not None and await upcoming_meeting(session, customer_id, self.now()) is None:
                return done
            meeting = await self._upcoming_or_refuse(session, customer_id)
            revise(
                session,
                meeting,
                what="cancelled",
                by="customer",
                source="conversation",
                hint="customer_cancelled",
                reason=reason[:120],
                now=self.now(),
                status=MeetingStatus.CANCELLED,
            )
            return meeting.id

    async def _upcoming_or_refuse(self, session: AsyncSession, customer_id: int) -> Meeting:
        meeting = await upcoming_meeting(session, customer_id, self.now())
        if meeting is None or meeting.phase != MeetingPhase.BOOKED:
            raise BookingRefusedError("NO_MEETING", "the customer has no upcoming meeting")
        return meeting

    async def _check_qualified(self, session: AsyncSession, customer: Customer) -> None:
        state = standing(self.business, await answers_of(session, customer))
        if state.standing is Standing.FAILED:
            raise BookingRefusedError("NOT_QUALIFIED", f"ruled out by: {', '.join(state.failed)}; end kindly, book nothing")
        if state.standing is Standing.MISSING:
            names = ", ".join(c.name for c in state.missing if c.required)
            raise BookingRefusedError("NOT_QUALIFIED", f"still to ask and record: {names}")

    async def _offered(self, session: AsyncSession, customer_id: int, option: int) -> tuple[Offer, Seller]:
        offer = await session.scalar(select(Offer).where(Offer.customer_id == customer_id, Offer.number == option))
        seller = self.business.seller(offer.kommo_user_id) if offer else None
        if offer is None or seller is None:
            raise BookingRefusedError("NOT_OFFERED", f"no option {option} was offered; call check_availability first")
        slot = Interval(offer.starts_at, offer.ends_at)
        if not is_in_time(offer, self.business, self.now()) or not is_within_hours(self.business, seller, slot):
            raise BookingRefusedError("SLOT_TAKEN", "that time has passed or is too soon by now")
        return offer, seller

    async def _check_not_taken(
        self, session: AsyncSession, seller: Seller, slot: Interval, *, except_meeting: int | None = None
    ) -> None:
        if not self.db.is_sqlite:
            # SQLite's writers queue up by themselves; on PostgreSQL one calendar's bookings do so by this lock.
            await session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:calendar))"), {"calendar": seller.calendar_id})
        padded = slot.padded(self.business.meetings.buffer_min)
        count = await session.scalar(
            select(func.count())
            .select_from(Meeting)
            .where(
                Meeting.calendar_id == seller.calendar_id,
                *_blocking(),
                Meeting.starts_at < padded.ends_at,
                Meeting.ends_at > padded.starts_at,
                Meeting.id != (except_meeting or 0),
            )
        )
        if count:
            raise BookingRefusedError("SLOT_TAKEN", "that time is no longer free")

    async def _sellers_for(self, customer_id: int) -> tuple[list[Seller], Interval | None]:
        """Whose times to offer, and the interval of the meeting that may move. The lead's own seller alone, if there is one;
        else all, those with fewer upcoming meetings first.
        """
        now = self.now()
        async with self.db.transaction() as session:
            customer = await session.get_one(Customer, customer_id)
            meeting = await upcoming_meeting(session, customer_id, now)
            rows = await session.execute(
                select(Meeting.kommo_user_id, func.count())
                .where(*_blocking(), Meeting.starts_at > now)
                .group_by(Meeting.kommo_user_id)
            )
            load = {row[0]: row[1] for row in rows}
        own = Interval(meeting.starts_at, meeting.ends_at) if meeting else None
        seller = self.business.seller(meeting.kommo_user_id if meeting else customer.kommo_user_id)
        if seller:
            return [seller], own
        return sorted(self.business.sellers, key=lambda s: load.get(s.kommo_user_id, 0)), own

    async def _busy(
        self, sellers: Sequence[Seller], span: Interval, *, without: Interval | None
    ) -> dict[str, list[Interval] | None]:
        """Per seller: what blocks them, on the calendar and among our own holds; None when the calendar can't be read."""
        calendars = {str(seller.calendar_id) for seller in sellers}
        read = await self.calendar.free_busy(sorted(calendars), span.starts_at, span.ends_at)
        async with self.db.transaction() as session:
            held = list(await session.scalars(select(Meeting).where(*_blocking(), Meeting.ends_at > span.starts_at)))
        result: dict[str, list[Interval] | None] = {}
        for seller in sellers:
            on_calendar = read[str(seller.calendar_id)]
            if on_calendar is None:
                result[seller.name] = None
                continue
            intervals = [Interval(b.starts_at, b.ends_at) for b in on_calendar]
            intervals += [Interval(m.starts_at, m.ends_at) for m in held if m.calendar_id == seller.calendar_id]
            result[seller.name] = [part for i in intervals for part in _cut(i, without)]
        return result

    async def _is_free(self, calendar_id: str, slot: Interval, *, without: Sequence[Interval] = ()) -> bool:
        padded = slot.padded(self.business.meetings.buffer_min)
        busy = (await self.calendar.free_busy([calendar_id], padded.starts_at, padded.ends_at))[calendar_id]
        if busy is None:
            return False
        blocked = [Interval(b.starts_at, b.ends_at) for b in busy]
        for hole in without:
            blocked = [part for interval in blocked for part in _cut(interval, hole)]
        return not any(padded.overlaps(part) for part in blocked)

    async def _store_offers(self, customer_id: int, turn_id: str, chosen: Sequence[tuple[Interval, Seller]]) -> list[OfferedTime]:
        """Numbers go on within a turn (two looks, one list) and start at 1 in the next."""
        now = self.now()
        async with self.db.transaction() as session:
            await session.execute(delete(Offer).where(Offer.customer_id == customer_id, Offer.turn_id != turn_id))
            offers = list(await session.scalars(select(Offer).where(Offer.customer_id == customer_id)))
            by_start = {offer.starts_at: offer for offer in offers}
            result = []
            for slot, seller in chosen:
                offer = by_start.get(slot.starts_at)
                if offer is None:
                    offer = Offer(
                        customer_id=customer_id,
                        number=len(by_start) + 1,
                        kommo_user_id=seller.kommo_user_id,
                        starts_at=slot.starts_at,
                        ends_at=slot.ends_at,
                        turn_id=turn_id,
                        offered_at=now,
                    )
                    session.add(offer)
                    by_start[slot.starts_at] = offer
                result.append(OfferedTime(offer.number, offer.starts_at, seller.name))
        return result


def is_in_time(offer: Offer, business: Business, now: datetime) -> bool:
    """Whether the offered time is not too soon by now. Somebody who answers an offer gets what was offered; for who comes back
    later the minimum notice counts anew.
    """
    is_fresh = now <= offer.offered_at + _OFFER_HOLDS
    notice = timedelta(0) if is_fresh else timedelta(minutes=business.meetings.minimum_notice_min)
    return offer.starts_at > now and offer.starts_at >= now + notice


async def upcoming_meeting(session: AsyncSession, customer_id: int, now: datetime) -> Meeting | None:
    """The customer's scheduled meeting (held or booked) that has not ended yet, None without."""
    return await session.scalar(
        select(Meeting)
        .where(Meeting.customer_id == customer_id, *_blocking(), Meeting.ends_at > now)
        .order_by(Meeting.starts_at)
        .limit(1)
    )


async def _cancelled_for_them(session: AsyncSession, customer_id: int) -> int | None:
    """The meeting that was cancelled on what the customer wrote and has no answer to yet; None without one."""
    unanswered_since = (
        select(func.min(Message.stored_at))
        .where(Message.customer_id == customer_id, Message.author == Author.CUSTOMER, Message.state == MessageState.NEW)
        .scalar_subquery()
    )
    return await session.scalar(
        select(Meeting.id)
        .join(Change, Change.meeting_id == Meeting.id)
        .where(Meeting.customer_id == customer_id, Change.hint == "customer_cancelled", Change.at >= unanswered_since)
        .order_by(Change.id.desc())
        .limit(1)
    )


async def latest_meeting(session: AsyncSession, customer_id: int) -> Meeting | None:
    """The customer's newest meeting in whatever state, None when there never was one."""
    return await session.scalar(
        select(Meeting)
        .where(Meeting.customer_id == customer_id, Meeting.phase == MeetingPhase.BOOKED)
        .order_by(Meeting.id.desc())
        .limit(1)
    )


async def newest_meeting_of_lead(session: AsyncSession, lead_id: int) -> Meeting | None:
    """The meeting that the lead's fields speak of: its newest one, whoever of the lead's people booked it."""
    return await session.scalar(
        select(Meeting)
        .where(Meeting.kommo_lead_id == lead_id, Meeting.phase != MeetingPhase.RELEASED)
        .order_by(Meeting.id.desc())
        .limit(1)
    )


def _blocking() -> tuple[ColumnElement[bool], ...]:
    """Conditions of meetings that occupy their time."""
    return (
        Meeting.status == MeetingStatus.SCHEDULED,
        or_(Meeting.phase == MeetingPhase.HELD, Meeting.phase == MeetingPhase.BOOKED),
    )


def _cut(interval: Interval, hole: Interval | None) -> list[Interval]:
    """The interval without the hole. Free/busy has no ids, so our own meeting is taken out by its time."""
    if hole is None or not interval.overlaps(hole):
        return [interval]
    parts = []
    if interval.starts_at < hole.starts_at:
        parts.append(Interval(interval.starts_at, hole.starts_at))
    if hole.ends_at < interval.ends_at:
        parts.append(Interval(hole.ends_at, interval.ends_at))
    return parts
