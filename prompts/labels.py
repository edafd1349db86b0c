"""Days and hours as people read them, per language. Formatting only; the facts come from the caller."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from babel.core import Locale, get_global
from babel.dates import format_date, format_datetime, get_timezone_gmt

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
    """E.g. "Horário de Brasília"; "GMT-03:00" for zones without a name of their own."""
    local = moment.astimezone(zone)
    names = Locale.parse(_BABEL[locale]).meta_zones.get(_metazone(zone.key), {}).get("long", {})
    # Some zones have a standard name only, such as those that never had summer time.
    name = names.get("generic") or (None if local.dst() else names.get("standard"))
    return str(name) if name else get_timezone_gmt(local, width="long", locale=_BABEL[locale])


def _metazone(key: str) -> str | None:
    """CLDR's name for a group of zones. CLDR knows some zones by old names only, e.g. America/Buenos_Aires."""
    known: Mapping[str, str] = get_global("meta_zones")
    old_names = (old for old, new in get_global("zone_aliases").items() if new == key)
    return next((known[name] for name in (key, *old_names) if name in known), None)
