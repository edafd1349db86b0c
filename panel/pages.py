"""Turns what was read into HTML: templates with every value escaped, and the few ways in which values are shown."""

import hashlib
import re
from datetime import date, datetime
from pathlib import Path
from urllib.parse import urlsplit

from babel.dates import format_date
from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from meetings.business import Business
from meetings.phones import local_format
from meetings.tables import Change, Customer
from prompts.catalogue import Catalogue
from prompts.labels import day_label, hour_label, short_label

_HERE = Path(__file__).parent
STATIC = _HERE / "static"
_LINK = re.compile(r"https?://[^\s<>\"'`]+", re.IGNORECASE)
_BABEL = {"pt-BR": "pt_BR", "es": "es", "en": "en"}


class Pages:
    """Renders the panel's pages in one language, with times as the business's clocks show them."""

    def __init__(self, business: Business, locale: str) -> None:
        self.business, self.locale = business, locale
        self.words = Catalogue.load("panel", locale)
        self._env = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._env.globals.update(
            t=self.words.text,
            has=lambda key: key in self.words.sentences,
            locale=locale,
            company=business.company.name,
            agent=business.company.assistant_name,
            version=_fingerprint(),
        )
        self._env.filters.update(
            when=self.when,
            hour=lambda moment: hour_label(moment, business.zone),
            full=lambda moment: short_label(moment, business.zone, locale),
            day=lambda moment: day_label(moment, business.zone, locale),
            weekday=self._weekday,
            number=lambda value: format_decimal(value, locale=_BABEL[locale]),
            phone=local_format,
            named=self.name_of,
            initial=lambda name: next((c.upper() for c in name if c.isalpha()), "#"),
            length_of=length_of,
            linked=linked,
            web=safe_url,
            moved=self.moved,
            because=self.because,
        )

    def render(self, template: str, **values: object) -> str:
        """The page. Everything a template names must be given."""
        return self._env.get_template(template).render(**values)

    def name_of(self, customer: Customer) -> str:
        """What to call somebody: name, else phone, else that the number is hidden."""
        return customer.name or (local_format(customer.phone) if customer.phone else self.words.text("somebody"))

    def when(self, moment: datetime, now: datetime) -> str:
        """The hour today, the day without its year in this year, the whole date otherwise."""
        local, today = self.business.local(moment), self.business.local(now)
        if local.date() == today.date():
            return f"{local:%H:%M}"
        return f"{local:%d/%m %H:%M}" if local.year == today.year else f"{local:%d/%m/%Y %H:%M}"

    def because(self, change: Change) -> str:
        """Why a meeting changed, in plain words, with the reason that somebody gave in their own."""
        story = Catalogue.load("story", self.words.locale).text(change.hint)
        reason = change.after.get("reason")
        return f"{story}: “{reason}”" if reason else story

    def moved(self, change: Change) -> str | None:
        """From when to when a change moved the meeting; None when it did not."""
        before, after = (line.get("starts_at") for line in (change.before, change.after))
        if not before or not after or before == after:
            return None
        shown = [short_label(datetime.fromisoformat(text), self.business.zone, self.locale) for text in (before, after)]
        return self.words.text("change_from_to", before=shown[0], after=shown[1])

    def _weekday(self, day: date) -> str:
        pattern = {"en": "EEEE, MMMM d"}.get(self.locale, "EEEE, d 'de' MMMM")
        return format_date(day, pattern, locale=_BABEL[self.locale])


def linked(text: str) -> Markup:
    """The text, escaped, with its web addresses as links that tell the other side nothing about us."""
    result, end = Markup(), 0
    for found in _LINK.finditer(text):
        url = found[0].rstrip(".,;:!?)]}…")
        result += text[end : found.start()]
        result += Markup('<a href="{}" rel="noopener noreferrer nofollow ugc" target="_blank">{}</a>').format(url, url)
        end = found.start() + len(url)
    return result + escape(text[end:])


def safe_url(url: str | None) -> str | None:
    """The address if it leads to the web; None for anything that would run here."""
    try:
        return url if url and urlsplit(url).scheme in ("http", "https") else None
    except ValueError:
        return None


def length_of(minutes: int) -> str:
    """E.g. "45 min", "6 h", "1 h 30 min"."""
    hours, rest = divmod(minutes, 60)
    return " ".join([*([f"{hours} h"] if hours else []), *([f"{rest} min"] if rest or not hours else [])])


def _fingerprint() -> str:
    """Changes with the files that browsers keep."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(STATIC.iterdir()))).hexdigest()[:12]
