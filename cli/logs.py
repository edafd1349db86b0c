"""Logging: one line per thing that happened, as JSON for machines or coloured for a terminal. No customers' words, no secrets."""

import logging
import sys

import structlog


def configure_logs(level: str, *, pretty: bool = False, stream: object = None) -> None:
    """Sends structlog's lines to `stream` (standard error by default) from `level` up."""
    number = getattr(logging, level.upper(), logging.INFO)
    renderer = structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(stream or sys.stderr),  # type: ignore[arg-type]
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=max(number, logging.WARNING), stream=sys.stderr, force=True)
    # Uvicorn's access log would print the webhook token that stands in the URL.
    logging.getLogger("uvicorn.access").disabled = True
