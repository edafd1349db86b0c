"""The business file: what is sold, to whom, by whom and when. Read once at the start, immutable afterwards."""

import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

import holidays
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from meetings.phones import match_key
from meetings.rules import FollowUpRules, Phone, Quiet, QuietHours, ReminderRules, RescueRules, merged
from meetings.rules import Part as _Part
from prompts.catalogue import DEFAULT_LOCALE, LOCALES

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class BusinessFileError(Exception):
    """The business file can't be used; the message lists every key at fault and what it should be."""


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{value!r} is no IANA time zone; write e.g. America/Sao_Paulo") from None
    return value


def _localised(value: Any) -> Any:
    return {DEFAULT_LOCALE: value} if isinstance(value, str) else value


def _known_locales(value: dict[str, str]) -> dict[str, str]:
    strange = sorted(set(value) - set(LOCALES))
    if strange:
        raise ValueError(f"language {strange[0]!r} is not known; use {', '.join(LOCALES)}")
    if not value:
        raise ValueError("give the text in at least one language")
    return value


Localised = Annotated[dict[str, str], BeforeValidator(_localised), AfterValidator(_known_locales)]


def in_language(text: dict[str, str], locale: str) -> str:
    """The text in that language, else in the default one, else in the first given."""
    return text.get(locale) or text.get(DEFAULT_LOCALE) or next(iter(text.values()))


_CLOCK = r"((?:[01][0-9]|2[0-3]):[0-5][0-9])"
_HOURS = re.compile(rf"\s*{_CLOCK}\s*-\s*{_CLOCK}\s*")


class Hours(_Part):
    """One opening interval of a day, local time, end exclusive."""

    start: time
    end: time

    @property
    def length(self) -> timedelta:
        return datetime.combine(date.min, self.end) - datetime.combine(date.min, self.start)


def _parse_hours(value: Any) -> Hours:
    if isinstance(value, Hours):
        return value
    found = _HOURS.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f'{value!r} is no interval; write e.g. "09:00-12:00"')
    start, end = (time.fromisoformat(part) for part in found.groups())
    if end <= start:
        raise ValueError(f"{value!r} ends before it starts")
    return Hours(start=start, end=end)


Interval = Annotated[Hours, BeforeValidator(_parse_hours)]


class Company(_Part):
    """Who we are, in the words customers read."""

    name: str = Field(min_length=1)
    sells: str = Field(min_length=1)
    assistant_name: str = Field(min_length=1)
    tone: str = ""
    facts: tuple[str, ...] = ()


Alias = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class CriterionType(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"
    CHOICE = "choice"
    YES_NO = "yes_no"


class Rule(_Part):
    """When an answer qualifies. Only the keys that fit the criterion's type may be given.

    Attributes:
        min: Least number or amount, inclusive.
        max: Greatest number or amount, inclusive.
        accept: Options that qualify.
        equals: The yes/no answer that qualifies.
    """

    min: float | None = Field(default=None, allow_inf_nan=False)
    max: float | None = Field(default=None, allow_inf_nan=False)
    accept: tuple[str, ...] | None = Field(default=None, min_length=1)
    equals: bool | None = None

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is greater than max {self.max:g}: no answer would qualify")
        return self


_RULE_KEYS = {
    CriterionType.TEXT: set(),
    CriterionType.NUMBER: {"min", "max"},
    CriterionType.MONEY: {"min", "max"},
    CriterionType.CHOICE: {"accept"},
    CriterionType.YES_NO: {"equals"},
}


class Criterion(_Part):
    """One thing to find out before a meeting may be booked.

    Attributes:
        kommo_field_id: Lead field that holds the answer: written when the customer answers, and read so that what stands there
            already is not asked. Without one the answer goes into a note.
        aliases: Other words for an option ("apê" for apartamento); for yes_no under "yes" and "no". A customer's answer that
            names one counts as that option.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    question: Localised
    type: CriterionType
    required: bool = True
    options: tuple[str, ...] = ()
    rule: Rule = Rule()
    kommo_field_id: int | None = None
    aliases: dict[str, tuple[Alias, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        given = self.rule.model_fields_set
        strange = sorted(given - _RULE_KEYS[self.type])
        if strange:
            raise ValueError(f"rule.{strange[0]} does not go with type {self.type.value!r}")
        if self.type is CriterionType.CHOICE and not self.options:
            raise ValueError("a choice needs options = [...]")
        if self.options and self.type is not CriterionType.CHOICE:
            raise ValueError("options go with type 'choice' only")
        unknown = sorted(set(self.rule.accept or ()) - set(self.options))
        if unknown:
            raise ValueError(f"rule.accept names {unknown[0]!r}, which is not among the options")
        return self

    @model_validator(mode="after")
    def _aliases_are_clear(self) -> Self:
        known = self.options if self.type is CriterionType.CHOICE else ("yes", "no") if self.type is CriterionType.YES_NO else ()
        strange = sorted(set(self.aliases) - set(known))
        if strange:
            raise ValueError(
                f"aliases names {strange[0]!r}, which is no option" if known else "aliases go with choice and yes_no only"
            )
        names = [name.casefold() for option in known for name in {option, *self.aliases.get(option, ())}]
        double = [name for n, name in enumerate(names) if name in names[:n]]
        if double:
            raise ValueError(f"aliases: {double[0]!r} stands for more than one answer")
        return self


class Seller(_Part):
    """A person who holds meetings.

    Attributes:
        working_hours: Intervals per weekday ("mon" … "sun"), in the business's time zone; a missing day is free.
        calendar_id: Google calendar; filled from GOOGLE_CALENDAR_ID where the file names none.
        whatsapp: The seller's own number, E.164. Who writes from it is never taken for a customer.
    """

    name: str = Field(min_length=1)
    kommo_user_id: int
    calendar_id: str = Field(default="", validate_default=True)
    whatsapp: Phone | None = None
    working_hours: dict[Weekday, tuple[Interval, ...]]

    @field_validator("calendar_id")
    @classmethod
    def _own_or_default(cls, value: str, info: ValidationInfo) -> str:
        calendar_id = value or (info.context or {}).get("default_calendar")
        if not calendar_id:
            raise ValueError("missing, and GOOGLE_CALENDAR_ID is not set either")
        return str(calendar_id)


class MeetingRules(_Part):
    """How meetings are offered. Minutes and days as the names say.

    Attributes:
        meet_link: A Google Meet link is made with the event and stands in the confirmation, where the account can make one.
        invite_guests: Customers who gave an e-mail address get the calendar's invitation.
    """

    subject: Localised
    length_min: int = Field(default=60, ge=5, le=480)
    buffer_min: int = Field(default=0, ge=0, le=240)
    minimum_notice_min: int = Field(default=120, ge=0, le=43_200)
    horizon_days: int = Field(default=14, ge=1, le=60)
    step_min: int = Field(default=30, ge=5, le=240)
    offers: int = Field(default=4, ge=1, le=10)
    holidays_region: str | None = None
    meet_link: bool = False
    invite_guests: bool = True

    @model_validator(mode="after")
    def _region_exists(self) -> Self:
        if self.holidays_region:
            try:
                _holiday_calendar(self.holidays_region, 2026)
            except (NotImplementedError, ValueError, KeyError):
                raise ValueError(
                    f"holidays_region {self.holidays_region!r} is not known; write a country or country-state, e.g. BR-SP"
                ) from None
        return self


class KommoRules(_Part):
    """How Kommo is used.

    Attributes:
        task_type_id: Type of the meeting tasks; 2 is Kommo's built-in Meeting.
        pause_tag: A tag on the lead that silences the agent for its customer until it is taken off again; "" for none.
        not_qualified_tag: Tag for leads whose answers rule them out; "" for none.
        not_qualified_status_id: Stage they are moved to, None to leave them where they are.
        task_deadline: Whether a task's deadline is shown and understood as the meeting's start or its end. Kommo does not say.
    """

    task_type_id: int = 2
    task_deadline: Literal["start", "end"] = "start"
    pipeline_id: int | None = None
    new_lead_status_id: int | None = None
    lead_tag: str = "marcado"
    pause_tag: str = "humano"
    not_qualified_tag: str = "não qualificado"
    not_qualified_status_id: int | None = None


# Not blank: a blank would stand in every result.
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class WhatsAppRules(_Part):
    """How the WhatsApp number is used.

    Attributes:
        automatic_replies: Greeting and away texts set in the WhatsApp Business app, word for word. They look like a person's
            messages; without this list each of them would silence the agent.
    """

    automatic_replies: tuple[Words, ...] = ()


class ResultWords(_Part):
    """What a seller writes as a task's result when the meeting did not simply take place, in any language.

    Attributes:
        completed: What else than "completed" a seller may write into the lead's meeting_status for a meeting that took place.
    """

    no_show: tuple[Words, ...]
    cancelled: tuple[Words, ...]
    completed: tuple[Words, ...] = ()


class SyncRules(_Part):
    """What follows from a seller's acts where businesses differ.

    Attributes:
        lead_lost: What becomes of an upcoming meeting whose lead is moved to "lost".
        lead_deleted: The same for a lead that is deleted or merged into another.
        task_by_hand: What a Meeting task that a seller makes by hand on a lead with a phone leads to: a meeting of which the
            customer is told, a meeting in silence, or nothing.
    """

    lead_lost: Literal["cancel", "keep"] = "cancel"
    lead_deleted: Literal["cancel", "keep"] = "cancel"
    task_by_hand: Literal["create_and_tell", "create_silently", "ignore"] = "create_and_tell"


class Business(_Part):
    """The whole file."""

    time_zone: Annotated[str, AfterValidator(_time_zone)]
    quiet_hours: Quiet = QuietHours(start=time(21), end=time(8))
    company: Company
    qualification: tuple[Criterion, ...] = ()
    sellers: tuple[Seller, ...]
    meetings: MeetingRules
    kommo: KommoRules = KommoRules()
    whatsapp: WhatsAppRules = WhatsAppRules()
    sync: SyncRules = SyncRules()
    reminders: ReminderRules = ReminderRules()
    follow_up: FollowUpRules = FollowUpRules()
    rescue: RescueRules = RescueRules()
    result_words: ResultWords

    @field_validator("sellers")
    @classmethod
    def _sellers_differ(cls, sellers: tuple[Seller, ...]) -> tuple[Seller, ...]:
        if not sellers:
            raise ValueError("name at least one")
        _refuse_doubles("kommo_user_id", [seller.kommo_user_id for seller in sellers])
        _refuse_doubles("name", [seller.name for seller in sellers])
        _refuse_doubles("whatsapp", [match_key(seller.whatsapp) for seller in sellers if seller.whatsapp])
        return sellers

    @field_validator("qualification")
    @classmethod
    def _criteria_differ(cls, criteria: tuple[Criterion, ...]) -> tuple[Criterion, ...]:
        _refuse_doubles("name", [criterion.name for criterion in criteria])
        return criteria

    @model_validator(mode="after")
    def _meetings_fit_into_hours(self) -> Self:
        length = timedelta(minutes=self.meetings.length_min)
        for n, seller in enumerate(self.sellers):
            hours = [interval for day in seller.working_hours.values() for interval in day]
            if hours and not any(interval.length >= length for interval in hours):
                raise ValueError(
                    f"sellers[{n}].working_hours has no interval as long as meetings.length_min, {self.meetings.length_min}"
                )
        return self

    @model_validator(mode="after")
    def _somebody_can_be_asked(self) -> Self:
        if self.follow_up.how == "whatsapp" and not any(seller.whatsapp for seller in self.sellers):
            raise ValueError('follow_up.how is "whatsapp", but no seller has a whatsapp number')
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def local(self, moment: datetime) -> datetime:
        """An aware moment as it reads on the wall clock of the business."""
        return moment.astimezone(self.zone)

    def seller(self, kommo_user_id: int | None) -> Seller | None:
        """The seller with that Kommo user id, None when it is nobody who holds meetings."""
        return next((s for s in self.sellers if s.kommo_user_id == kommo_user_id), None)

    def is_holiday(self, day: date) -> bool:
        region = self.meetings.holidays_region
        return bool(region) and day in _holiday_calendar(region or "", day.year)


def _refuse_doubles(key: str, values: list[Any]) -> None:
    double = [value for n, value in enumerate(values) if value in values[:n]]
    if double:
        raise ValueError(f"{key} {double[0]!r} stands twice")


_calendars: dict[tuple[str, int], holidays.HolidayBase] = {}


def _holiday_calendar(region: str, year: int) -> holidays.HolidayBase:
    if (region, year) not in _calendars:
        country, _, subdivision = region.partition("-")
        _calendars[region, year] = holidays.country_holidays(country, subdiv=subdivision or None, years=year)
    return _calendars[region, year]


def load_business(path: Path, default_calendar: str | None = None, changes: Mapping[str, Any] | None = None) -> Business:
    """Reads and checks the business file.

    Args:
        path: A TOML file.
        default_calendar: GOOGLE_CALENDAR_ID, for sellers without a calendar of their own.
        changes: What is different from the file, for scenarios: tables key by key, lists of tables place by place.

    Raises:
        BusinessFileError: It is missing, no TOML, or some keys are wrong; all of them are named.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BusinessFileError(
            f"There is no business file at {path}. Copy business.toml from the project and edit it, or set BUSINESS_FILE."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BusinessFileError(f"{path} is not valid TOML: {error}") from None
    try:
        return Business.model_validate(merged(data, changes or {}), context={"default_calendar": default_calendar})
    except ValidationError as error:
        raise BusinessFileError("\n".join([f"{path} has mistakes:", *_problems(error)])) from None


_PLAINLY = {"missing": "missing", "extra_forbidden": "unknown key; check its spelling or remove it"}


def _problems(error: ValidationError) -> list[str]:
    lines = []
    for item in error.errors(include_url=False):
        key = ""
        for part in item["loc"]:
            if part != "[key]":  # pydantic's mark for a bad key, which stands before it
                key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else str(part)
        what = _PLAINLY.get(item["type"]) or item["msg"].removeprefix("Value error, ")
        lines.append(f"  {key or 'file'}: {what}")
    return lines
