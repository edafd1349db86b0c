"""Who may see the panel: one password, a signed cookie, and a bound on guesses."""

import hashlib
import hmac
import ipaddress
import math
import secrets
import unicodedata
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import delete

from meetings.database import Database
from meetings.tables import PanelLogout

SESSION_H = 12
GUESSES_PER_ADDRESS, GUESSES_IN_ALL, GUESSES_WITHIN_MIN = 5, 50, 15


@dataclass(frozen=True)
class Session:
    """Somebody who knew the password.

    Attributes:
        id: Random; new with every login.
        until: Aware UTC; afterwards the cookie opens nothing.
        form_token: What every form of this session must bring back.
    """

    id: str
    until: datetime
    form_token: str


class Sessions:
    """Signs and reads session cookies. With another password the signing key is another one: all sessions end."""

    def __init__(self, password: str, pepper: str, now: Callable[[], datetime]) -> None:
        """
        Args:
            pepper: A second secret, so that a stolen cookie does not let anybody try passwords on their own machine.
            now: Aware UTC.
        """
        self.now = now
        self._password = _plain(password)
        # Slow on purpose, once per start: passwords are weaker than keys.
        self._key = hashlib.scrypt(self._password, salt=b"marcado panel:" + pepper.encode(), n=2**14, r=8, p=1, dklen=32)
        self._cookies = URLSafeSerializer(
            self._key, salt="session", signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
        )

    def knows(self, password: str) -> bool:
        """Whether that is the password; takes equally long for every wrong one."""
        given, wanted = (hashlib.sha256(text).digest() for text in (_plain(password), self._password))
        return hmac.compare_digest(given, wanted)

    def begin(self) -> str:
        """A cookie for a new session."""
        until = self.now() + timedelta(hours=SESSION_H)
        signed = self._cookies.dumps({"id": secrets.token_urlsafe(18), "until": int(until.timestamp())})
        return signed.decode() if isinstance(signed, bytes) else signed

    def read(self, cookie: str | None) -> Session | None:
        """The session of a cookie; None when it is no cookie of ours or too old. `Logouts` knows whether it was ended."""
        try:
            content = self._cookies.loads(cookie or "")
        except BadData:
            return None
        session_id, until = content["id"], datetime.fromtimestamp(content["until"], self.now().tzinfo)
        if until <= self.now():
            return None
        return Session(session_id, until, self._form_token(session_id))

    def _form_token(self, session_id: str) -> str:
        return hmac.new(self._key, b"form:" + session_id.encode(), hashlib.sha256).hexdigest()


class Logouts:
    """Sessions that were ended before their time, in the database: neither a restart nor another process opens them again."""

    def __init__(self, db: Database, now: Callable[[], datetime]) -> None:
        self.db, self.now = db, now

    async def has(self, session: Session) -> bool:
        """Whether the session was logged out."""
        async with self.db.reading() as reading:
            return await reading.get(PanelLogout, _mark(session)) is not None

    async def note(self, session: Session) -> None:
        """The session's cookie opens nothing any more. Safe to repeat."""
        async with self.db.transaction() as writing:
            await writing.execute(delete(PanelLogout).where(PanelLogout.until <= self.now()))
            await writing.merge(PanelLogout(session=_mark(session), until=session.until))


def _mark(session: Session) -> str:
    return hashlib.sha256(session.id.encode()).hexdigest()


class Guesses:
    """Bounds wrong passwords: few from one address, and not endlessly many from all addresses together."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self._wrong: deque[tuple[datetime, str]] = deque(maxlen=GUESSES_IN_ALL)

    def wait_min(self, address: str) -> int:
        """Minutes until this address may try again, 0 for now. The right password has to wait as well."""
        since = self.now() - timedelta(minutes=GUESSES_WITHIN_MIN)
        recent = [(at, who) for at, who in self._wrong if at > since]
        mine = [at for at, who in recent if who == _network(address)]
        ends = [
            times[-most] + timedelta(minutes=GUESSES_WITHIN_MIN)
            for times, most in ((mine, GUESSES_PER_ADDRESS), ([at for at, _ in recent], GUESSES_IN_ALL))
            if len(times) >= most
        ]
        return math.ceil((max(ends) - self.now()).total_seconds() / 60) if ends else 0

    def was_wrong(self, address: str) -> None:
        self._wrong.append((self.now(), _network(address)))

    def was_right(self, address: str) -> None:
        """Forgets the wrong passwords of this address."""
        kept = [entry for entry in self._wrong if entry[1] != _network(address)]
        self._wrong = deque(kept, maxlen=GUESSES_IN_ALL)


def _plain(password: str) -> bytes:
    """The same bytes however a keyboard composes accents."""
    return unicodedata.normalize("NFC", password).encode()


def _network(address: str) -> str:
    """Whose address it is: one household has billions of IPv6 addresses."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address) or found.ipv4_mapped:
        return str(found)
    return str(ipaddress.ip_network((found, 64), strict=False))
