"""The sandbox's clock: real time until somebody sets it, then it moves only when told to."""

import time
from datetime import UTC, datetime, timedelta


class SandboxClock:
    """A settable source of time. Every answer and every webhook is stamped from it."""

    def __init__(self) -> None:
        self._fixed: datetime | None = None

    def now(self) -> datetime:
        """The present moment, aware UTC."""
        return self._fixed or datetime.now(UTC)

    def timestamp(self) -> int:
        """Whole Unix seconds, the unit of Kommo's and Evolution's times."""
        return int(self.now().timestamp())

    def set(self, moment: datetime | None) -> None:
        """Stop the clock at `moment` (aware); None lets real time flow again."""
        self._fixed = moment.astimezone(UTC) if moment else None

    def advance(self, seconds: float) -> None:
        """Move a stopped clock on; a running one is stopped first."""
        self._fixed = self.now() + timedelta(seconds=seconds)

    @property
    def is_fixed(self) -> bool:
        return self._fixed is not None

    @staticmethod
    def monotonic() -> float:
        """Real seconds for measuring waits that must end even while the clock stands still."""
        return time.monotonic()
