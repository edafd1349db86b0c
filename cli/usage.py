"""`marcado usage`: what conversations cost, as tables or as JSON."""

import asyncio
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Literal

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from rich import box
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from cli.settings import Settings
from meetings.business import Business
from meetings.database import Database, DatabaseError
from meetings.usage import Prices, Usage, UsageReport, read_usage
from prompts.catalogue import Catalogue

By = Literal["day", "customer", "meeting"]
_COLUMNS = ("turns", "model_calls", "input_tokens", "cached_tokens", "output_tokens", "refused")


class NoUsageError(Exception):
    """There is nothing to read; `key` is the catalogue's sentence for it."""

    def __init__(self, key: str, where: str) -> None:
        super().__init__(f"{key}: {where}")
        self.key, self.where = key, where


def prices_of(settings: Settings) -> Prices | None:
    """The prices in the settings; None when one that is needed is empty."""
    if settings.MODEL_PRICE_INPUT is None or settings.MODEL_PRICE_OUTPUT is None:
        return None
    cached = settings.MODEL_PRICE_CACHED
    return Prices(
        settings.MODEL_PRICE_INPUT, settings.MODEL_PRICE_INPUT if cached is None else cached, settings.MODEL_PRICE_OUTPUT
    )


def read_report(settings: Settings, business: Business, since: date | None) -> UsageReport:
    """Reads the service's database, also while it is being served. Changes nothing.

    Args:
        since: A day of the business; it begins at midnight there.

    Raises:
        NoUsageError: There is no such database, or it can't be read.
    """
    try:
        db = Database(settings.DATABASE_URL)
    except DatabaseError as error:
        raise NoUsageError("usage_unreadable", str(error)) from None
    shown = db.url.render_as_string(hide_password=True)
    if db.is_sqlite and not Path(db.url.database or "").is_file():
        raise NoUsageError("usage_no_database", shown)
    moment = datetime.combine(since, time(), tzinfo=business.zone) if since else None

    async def read() -> UsageReport:
        try:
            return await read_usage(db, business.zone, moment)
        finally:
            await db.close()

    try:
        return asyncio.run(read())
    except (SQLAlchemyError, OSError) as error:
        raise NoUsageError("usage_unreadable", f"{shown} ({type(error).__name__})") from None


def as_json(report: UsageReport, by: By, since: date | None, prices: Prices | None) -> dict[str, Any]:
    """The report as plain data. Money is US dollars, None without prices; times are ISO 8601, UTC."""
    own, every = averages(report)
    rows: list[dict[str, Any]]
    match by:
        case "day":
            rows = [{"day": day.isoformat(), **_numbers(usage, prices)} for day, usage in report.days.items()]
        case "customer":
            rows = [{**_without_usage(asdict(c)), **_numbers(c.usage, prices)} for c in report.customers]
        case "meeting":
            rows = [{**_without_usage(asdict(m)), **_numbers(m.usage, prices)} for m in report.meetings]
    return {
        "since": since.isoformat() if since else None,
        "by": by,
        "rows": rows,
        "total": _numbers(report.total, prices),
        "booked_meetings": {
            "count": len(report.meetings),
            "average_of_their_own_turns": own and {**own, "usd": _per_meeting(report, report.of_meetings, prices)},
            "average_of_all_turns": every and {**every, "usd": _per_meeting(report, report.total, prices)},
        },
        "prices_usd_per_million": asdict(prices) if prices else None,
    }


def show(
    console: Console, report: UsageReport, by: By, since: date | None, prices: Prices | None, business: Business, words: Catalogue
) -> None:
    """The table asked for with its total, then what a booked meeting took on average."""
    locale = words.locale.replace("-", "_")
    day = format_date(since, locale=locale) if since else ""
    table = _table(words.text("usage_title", since=day), words.text(f"usage_{by}"), prices, words)
    for label, usage in _labelled(report, by, business, locale):
        table.add_row(label, *_cells(usage, prices, locale))
    table.add_section()
    table.add_row(words.text("usage_total"), *_cells(report.total, prices, locale), style="bold")
    console.print(table)
    count = len(report.meetings)
    if not count:
        console.print(words.text("usage_no_meetings"), style="dim")
        return
    table = _table(words.text("usage_per_meeting", count=count), "", prices, words)
    for key, total, average in zip(
        ("usage_own_turns", "usage_all_turns"), (report.of_meetings, report.total), averages(report), strict=True
    ):
        cells = [format_decimal(average[name], format="#,##0.#", locale=locale) for name in _COLUMNS] if average else []
        cost = _per_meeting(report, total, prices)
        table.add_row(words.text(key), *cells, *([] if cost is None else [f"{cost:.4f}"]))
    console.print(table)
    if prices is None:
        console.print(words.text("usage_no_prices"), style="dim")


def averages(report: UsageReport) -> tuple[dict[str, float] | None, dict[str, float] | None]:
    """Per booked meeting: of the meetings' own turns, and of all turns, also of customers who booked nothing."""
    count = len(report.meetings)
    if not count:
        return None, None

    def average(usage: Usage) -> dict[str, float]:
        return {name: round(value / count, 2) for name, value in asdict(usage).items()}

    return average(report.of_meetings), average(report.total)


def _per_meeting(report: UsageReport, usage: Usage, prices: Prices | None) -> float | None:
    return round(prices.cost(usage) / len(report.meetings), 6) if prices and report.meetings else None


def _without_usage(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in row.items() if k != "usage"}


def _numbers(usage: Usage, prices: Prices | None) -> dict[str, Any]:
    return {**asdict(usage), "usd": round(prices.cost(usage), 6) if prices else None}


def _labelled(report: UsageReport, by: By, business: Business, locale: str) -> Iterator[tuple[str, Usage]]:
    match by:
        case "day":
            yield from ((format_date(day, "medium", locale=locale), usage) for day, usage in report.days.items())
        case "customer":
            yield from ((f"#{c.customer_id} {c.name or ''}".strip(), c.usage) for c in report.customers)
        case "meeting":
            for m in report.meetings:
                when = format_datetime(business.local(m.starts_at), "short", locale=locale)
                yield f"#{m.meeting_id} {m.name or ''} {when} ({m.status})", m.usage


def _table(title: str, first: str, prices: Prices | None, words: Catalogue) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold")
    table.add_column(first, overflow="fold")
    for name in (*_COLUMNS, *(["usd"] if prices else [])):
        table.add_column(words.text(f"usage_{name}"), justify="right", no_wrap=True)
    return table


def _cells(usage: Usage, prices: Prices | None, locale: str) -> list[str]:
    cells = [format_decimal(getattr(usage, name), locale=locale) for name in _COLUMNS]
    return [*cells, f"{prices.cost(usage):.4f}"] if prices else cells
