"""Days, hours and zones as people read them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest

from prompts.catalogue import LOCALES
from prompts.labels import day_label, hour_label, short_label, when_label, zone_label

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
TUESDAY = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)  # 14:00 in São Paulo


@pytest.mark.parametrize(
    ("locale", "day"),
    [("pt-BR", "terça-feira, 10 de março de 2026"), ("es", "martes, 10 de marzo de 2026"), ("en", "Tuesday, March 10, 2026")],
)
def test_a_day_is_written_out_with_its_weekday(locale: str, day: str) -> None:
    assert day_label(TUESDAY, SAO_PAULO, locale) == day
    assert when_label(TUESDAY, SAO_PAULO, locale) == f"{day}, 14:00"


@pytest.mark.parametrize(
    ("moment", "day", "hour"),
    [
        (datetime(2026, 3, 11, 2, 59, tzinfo=UTC), "terça-feira, 10 de março de 2026", "23:59"),
        (datetime(2026, 3, 11, 3, 0, tzinfo=UTC), "quarta-feira, 11 de março de 2026", "00:00"),
        (datetime(2026, 1, 1, 2, 30, tzinfo=UTC), "quarta-feira, 31 de dezembro de 2025", "23:30"),
        (datetime(2026, 3, 9, 12, 5, tzinfo=UTC), "segunda-feira, 9 de março de 2026", "09:05"),
    ],
)
def test_day_and_hour_are_those_of_the_wall_clock(moment: datetime, day: str, hour: str) -> None:
    assert (day_label(moment, SAO_PAULO, "pt-BR"), hour_label(moment, SAO_PAULO)) == (day, hour)


@pytest.mark.parametrize("locale", LOCALES)
def test_short_forms_have_the_day_first_in_every_language(locale: str) -> None:
    assert short_label(datetime(2026, 4, 3, 12, 5, tzinfo=UTC), SAO_PAULO, locale) == "03/04/2026 09:05"


@pytest.mark.parametrize(
    ("zone", "names"),
    [
        ("America/Sao_Paulo", ("Horário de Brasília", "hora de Brasilia", "Brasilia Time")),
        ("America/Manaus", ("Horário do Amazonas", "hora del Amazonas", "Amazon Time")),
        ("America/Santiago", ("Horário do Chile", "hora de Chile", "Chile Time")),
        ("America/Argentina/Buenos_Aires", ("Horário da Argentina", "hora de Argentina", "Argentina Time")),
        ("America/Montevideo", ("Horário do Uruguai", "hora de Uruguay", "Uruguay Time")),
        ("America/Asuncion", ("Horário do Paraguai", "hora de Paraguay", "Paraguay Time")),
        ("America/La_Paz", ("Horário da Bolívia", "hora de Bolivia", "Bolivia Time")),
        ("America/Lima", ("Horário do Peru", "hora de Perú", "Peru Time")),
        ("Etc/GMT+3", ("GMT-03:00", "GMT-03:00", "GMT-03:00")),
    ],
)
def test_a_zone_has_its_people_s_name_in_every_language(zone: str, names: tuple[str, ...]) -> None:
    assert tuple(zone_label(TUESDAY, ZoneInfo(zone), locale) for locale in LOCALES) == names


@pytest.mark.parametrize(
    ("zone", "moment", "name"),
    [
        ("Europe/London", datetime(2026, 1, 10, tzinfo=UTC), "Greenwich Mean Time"),
        ("Europe/London", datetime(2026, 7, 10, tzinfo=UTC), "GMT+01:00"),
        ("America/Santiago", datetime(2026, 7, 10, tzinfo=UTC), "Chile Time"),
    ],
)
def test_a_zone_s_name_is_not_wrong_in_summer(zone: str, moment: datetime, name: str) -> None:
    assert zone_label(moment, ZoneInfo(zone), "en") == name


@pytest.mark.parametrize("locale", LOCALES)
def test_every_zone_of_the_world_can_be_named(locale: str) -> None:
    names = {zone_label(TUESDAY, ZoneInfo(zone), locale) for zone in available_timezones()}
    assert all(name.strip() and "∅" not in name for name in names)
