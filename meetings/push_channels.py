"""Push channels: Google says at once that a calendar changed. A convenience; what they lose is found by the regular look.

A channel ends after a week and can't be renewed, so a new one is opened a day before. Both then speak; the old one is closed
when the new one has been heard. Its message carries a secret derived from the channel's id: a forged one is known as such
without a look into the database.
"""

import hashlib
import hmac
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import uuid4

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from clients.calendar import CalendarClient
from clients.errors import BusyError, OutcomeUnknownError, ServiceError, UnreachableError
from meetings.database import Database
from meetings.tables import CalendarChannel, CalendarFeed

PATH = "/webhook/google"
LIFE = timedelta(days=7)
_RENEWED_IN_THE_LAST = 1 / 7  # of its life: a day, unless Google gave it less
_BACKOFF_S, _BACKOFF_MAX_S = 60, 6 * 3600
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
log = structlog.get_logger("calendars")


def push_address(public_url: str | None) -> str | None:
    """Where Google can reach us: under https, or http on this very machine (which only the sandbox accepts). None: nowhere."""
    parts = urlsplit(public_url or "")
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return f"{public_url}{PATH}"
    return None


async def feed_of(session: AsyncSession, calendar_id: str) -> CalendarFeed:
    """The calendar's row, made when there is none yet."""
    feed = await session.scalar(select(CalendarFeed).where(CalendarFeed.calendar_id == calendar_id))
    if feed is None:
        feed = CalendarFeed(calendar_id=calendar_id, attempts=0, push_attempts=0)
        session.add(feed)
    return feed


class PushChannels:
    """Opens, renews and closes channels, and takes in what they bring."""

    def __init__(
        self,
        db: Database,
        calendar: CalendarClient,
        now: Callable[[], datetime],
        *,
        public_url: str | None,
        secret: str,
        previous_secret: str | None = None,
    ) -> None:
        """`public_url` as in PUBLIC_URL; `secret` makes the channels' tokens; those made with the previous one still count."""
        self.db, self.calendar, self.now = db, calendar, now
        self.address = push_address(public_url)
        self._secret = secret.encode()
        self._secrets = [self._secret, *([previous_secret.encode()] if previous_secret else [])]
        self._tried: set[str] = set()

    async def notified(self, channel_id: str, token: str, resource_id: str, state: str) -> bool:
        """Takes in a message: the calendar is to be looked at. False when it is not from a channel of ours.

        Args:
            channel_id: As Google gives it; unchecked, like the rest.
            token: The secret we gave the channel.
            resource_id: Google's name for what is watched.
            state: "sync" when the channel was opened, else something changed.
        """
        known = [hmac.compare_digest(token.encode(), self._token(channel_id, secret).encode()) for secret in self._secrets]
        if not resource_id or not any(known):
            return False
        now = self.now()
        async with self.db.transaction() as session:
            channel = await session.get(CalendarChannel, channel_id)
            if channel is None:
                return False  # closed by us, or from another database
            watched = channel.resource_id or resource_id
            if not hmac.compare_digest(watched.encode(), resource_id.encode()):
                return False
            channel.resource_id = watched
            channel.heard_at = channel.heard_at or now
            if state != "sync":
                feed = await feed_of(session, channel.calendar_id)
                feed.nudged_at = feed.nudged_at or now
        return True

    async def ensure(self, calendar_ids: Collection[str]) -> None:
        """Each of the calendars has a channel that lasts, no other one has any. Safe to repeat.

        What Google refuses is noted and tried again with growing waits; calendars are followed without it.
        """
        channels = await self._living()
        if self.address:
            for calendar_id in sorted(calendar_ids):
                newest = self._newest(channels, calendar_id)
                if newest is None or self._is_ending(newest):
                    await self._open(calendar_id, self.address)
        await self._close_surplus(calendar_ids)

    async def _living(self) -> list[CalendarChannel]:
        """The channels that have not run out; the others are forgotten, as Google has forgotten them."""
        async with self.db.transaction() as session:
            channels = list(await session.scalars(select(CalendarChannel).order_by(CalendarChannel.asked_at)))
            for channel in channels:
                if channel.expires_at <= self.now():
                    await session.delete(channel)
        return [channel for channel in channels if channel.expires_at > self.now()]

    def _newest(self, channels: Sequence[CalendarChannel], calendar_id: str) -> CalendarChannel | None:
        """The channel to rely on. One whose opening was not confirmed, by answer or message, is none."""
        usable = [c for c in channels if c.calendar_id == calendar_id and c.resource_id and self._is_current(c)]
        return max(usable, key=lambda channel: channel.expires_at, default=None)

    async def _open(self, calendar_id: str, address: str) -> None:
        now, channel_id = self.now(), uuid4().hex
        async with self.db.transaction() as session:
            feed = await feed_of(session, calendar_id)
            # A start of the service is a reason to try at once: somebody may have set things right.
            if calendar_id in self._tried and feed.push_next_try_at and feed.push_next_try_at > now:
                return
            session.add(
                CalendarChannel(
                    id=channel_id,
                    calendar_id=calendar_id,
                    opened_with=self._fingerprint(channel_id),
                    asked_at=now,
                    expires_at=now + LIFE,
                )
            )
        self._tried.add(calendar_id)
        try:
            made = await self.calendar.watch(calendar_id, channel_id, address, self._token(channel_id), int(LIFE.total_seconds()))
        except ServiceError as error:
            await self._not_opened(calendar_id, channel_id, error)
            return
        async with self.db.transaction() as session:
            channel = await session.get_one(CalendarChannel, channel_id)
            channel.resource_id = made.resource_id or channel.resource_id
            channel.expires_at = made.expires_at or channel.expires_at
            feed = await feed_of(session, calendar_id)
            feed.push_attempts, feed.push_next_try_at, feed.push_problem = 0, None, None
        log.info("calendar is watched", calendar=calendar_id, until=channel.expires_at.isoformat())

    async def _not_opened(self, calendar_id: str, channel_id: str, error: ServiceError) -> None:
        async with self.db.transaction() as session:
            feed = await feed_of(session, calendar_id)
            is_news = feed.push_problem != str(error)
            wait_s = min(_BACKOFF_S * 2**feed.push_attempts, _BACKOFF_MAX_S)
            asked_s = error.retry_after_s if isinstance(error, BusyError) else None
            feed.push_attempts, feed.push_problem = feed.push_attempts + 1, str(error)
            feed.push_next_try_at = self.now() + timedelta(seconds=max(wait_s, asked_s or 0))
            if not isinstance(error, OutcomeUnknownError):
                # Surely there is no such channel. One whose answer was lost may speak up yet.
                await session.delete(await session.get_one(CalendarChannel, channel_id))
        if is_news:
            log.warning("calendar is not watched, only looked at regularly", calendar=calendar_id, problem=str(error))

    async def _close_surplus(self, calendar_ids: Collection[str]) -> None:
        channels = await self._living()
        for channel in channels:
            newest = self._newest(channels, channel.calendar_id)
            is_wanted = self.address is not None and channel.calendar_id in calendar_ids and self._is_current(channel)
            is_followed = newest is not None and newest.id != channel.id and newest.heard_at is not None
            if channel.resource_id and (is_followed or not is_wanted):
                await self._close(channel.id, channel.resource_id)

    async def _close(self, channel_id: str, resource_id: str) -> None:
        try:
            await self.calendar.stop_channel(channel_id, resource_id)
        except (UnreachableError, OutcomeUnknownError):
            return  # with the next look
        except ServiceError as error:
            # Opened with other credentials, say. It runs out by itself, and what it says until then is not heard.
            log.warning("push channel not closed", problem=str(error))
        async with self.db.transaction() as session:
            channel = await session.get(CalendarChannel, channel_id)
            if channel is not None:
                await session.delete(channel)

    def _is_ending(self, channel: CalendarChannel) -> bool:
        return channel.expires_at - self.now() <= (channel.expires_at - channel.asked_at) * _RENEWED_IN_THE_LAST

    def _is_current(self, channel: CalendarChannel) -> bool:
        """Opened with the address and the secret of today."""
        return channel.opened_with == self._fingerprint(channel.id)

    def _token(self, channel_id: str, secret: bytes | None = None) -> str:
        return hmac.new(secret or self._secret, f"google-channel:{channel_id}".encode(), hashlib.sha256).hexdigest()

    def _fingerprint(self, channel_id: str) -> str:
        return hashlib.sha256(f"{self.address} {self._token(channel_id)}".encode()).hexdigest()
