"""Creations whose answer never came: the server may still be at them, so the same one is not asked for again at once."""

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from clients.errors import OutcomeUnknownError

LASTS = timedelta(seconds=30)  # longer than we wait for an answer: what is that old has ended at the server, too


class UnderWay:
    """Remembers them by what was to be created. For one process: a restart takes longer than a server that is only slow."""

    def __init__(self, service: str, now: Callable[[], datetime]) -> None:
        """`now`: the source of time, aware UTC."""
        self.service, self.now = service, now
        self._until: dict[str, datetime] = {}

    def check(self, operation: str, path: str, items: Sequence[Any]) -> None:
        """Passes when they may be created.

        Raises:
            OutcomeUnknownError: One of them was asked for a moment ago and may still come to be.
        """
        now = self.now()
        if any(self._until.get(_key(path, item), now) > now for item in items):
            raise OutcomeUnknownError(self.service, operation, "the same was asked for a moment ago and may be under way")

    def note(self, path: str, items: Sequence[Any]) -> None:
        """The connection ended before the answer."""
        now = self.now()
        self._until = {key: until for key, until in self._until.items() if until > now}
        self._until |= {_key(path, item): now + LASTS for item in items}


def _key(path: str, item: Any) -> str:
    return hashlib.sha256(f"{path} {json.dumps(item, sort_keys=True)}".encode()).hexdigest()
