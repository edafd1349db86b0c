"""Logging: one line per thing that happened, as JSON for machines or coloured for a terminal. No customers' words, no secrets."""

import logging
import sys
from collections.abc import Iterable
from types import TracebackType
from typing import Any
from urllib.parse import quote

import structlog
from structlog.typing import EventDict

_REDACTED = "[redacted]"
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def configure_logs(level: str, *, pretty: bool = False, stream: object = None, secrets: Iterable[str] = ()) -> None:
    """Sends structlog's lines to `stream` (standard error by default) from `level` up.

    Args:
        secrets: What must stand in no line, whoever wrote it: the last net, nobody should be counting on it.
    """
    number = getattr(logging, level.upper(), logging.INFO)
    # The longest first: one may be part of another. Also as they stand in an address.
    hidden = sorted({form for secret in secrets if secret for form in (secret, quote(secret, safe=""))}, key=len, reverse=True)

    def clean(logger: Any, method: str, event: EventDict) -> EventDict:
        return {key: _without(value, hidden) for key, value in event.items()}

    renderer = structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            clean,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(stream or sys.stderr),  # type: ignore[arg-type]
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LibraryLines(hidden))
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)
    # Uvicorn's access log would print the webhook token that stands in the URL; the library of the model what it was sent.
    logging.getLogger("uvicorn.access").disabled = True
    # Uvicorn's own handler would print tracebacks in full.
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers, logging.getLogger(name).propagate = [], True


class _LibraryLines(logging.Formatter):
    """What libraries say. Of an error the kind and the places in the code: its message could hold a customer's words."""

    def __init__(self, hidden: list[str]) -> None:
        super().__init__("%(levelname)s:%(name)s:%(message)s")
        self._hidden = hidden

    def format(self, record: logging.LogRecord) -> str:
        record.exc_text = None  # another handler may have filled it
        return str(_without(super().format(record), self._hidden))

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 (logging's own name)
        kind, _, trace = ei
        places = []
        while trace is not None:
            code = trace.tb_frame.f_code
            places.append(f"{code.co_filename}:{trace.tb_lineno} in {code.co_name}")
            trace = trace.tb_next
        return "\n  ".join([kind.__name__ if kind else "no error", *places])


def _without(value: Any, hidden: list[str]) -> Any:
    """The value without secrets; what is no text, list or mapping is written out first if one stands in it."""
    if isinstance(value, str):
        for secret in hidden:
            value = value.replace(secret, _REDACTED)
        return value
    if isinstance(value, dict):
        return {key: _without(member, hidden) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_without(member, hidden) for member in value]
    return value
