"""Days and hours as people read them, per language. Formatting only; the facts come from the caller."""

from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, get_timezone_name

_DAY = {
    "pt-BR": "EEEE, d 'de' MMMM 'de' y",
    "es": "EEEE, d 'de' MMMM 'de' y",
    "en": "EEEE, MMMM d, y",
}
_BABEL = {"pt-BR": "pt_BR", "es": "es", "en": "en"}


def day_label(moment: datetime, zone: ZoneInfo, locale: str) -> str:
    """E.g. "terça-feira, 10 de março de 2026"."""
    return format_date(moment.astimezone(zone), _DAY[locale], locale=_BABEL[locale])


def hour_label(moment: datetime, zone: ZoneInfo) -> str:
    """E.g. "14:00"; twenty-four hours in every language, so that it can't be misread."""
    return moment.astimezone(zone).strftime("%H:%M")


def when_label(moment: datetime, zone: ZoneInfo, locale: str) -> str:
    """E.g. "terça-feira, 10 de março de 2026, 14:00"."""
    return f"{day_label(moment, zone, locale)}, {hour_label(moment, zone)}"


def short_label(moment: datetime, zone: ZoneInfo, locale: str) -> str:
    """For tables and CRM texts, e.g. "10/03/2026 14:00" (day first also in English: operators share one CRM)."""
    return format_datetime(moment.astimezone(zone), "dd/MM/y HH:mm", locale=_BABEL[locale])


def zone_label(moment: datetime, zone: ZoneInfo, locale: str) -> str:
    """E.g. "Horário de Brasília"."""
    return get_timezone_name(moment.astimezone(zone), width="long", zone_variant="generic", locale=_BABEL[locale])
