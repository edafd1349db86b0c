"""The settings: what is missing or wrong is listed at once with its meaning, and `.env.example` says what the code reads."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import annotated_types
import pytest
from pydantic.fields import FieldInfo

from cli.settings import Settings, SettingsError, load_settings, operator_catalogue
from prompts.catalogue import LOCALES, Catalogue

EXAMPLE = Path(__file__).parents[2] / ".env.example"
GOOD = {
    "KOMMO_BASE_URL": "https://acme.kommo.com",
    "KOMMO_ACCESS_TOKEN": "kommo-token",
    "KOMMO_FIELD_GOOGLE_CALENDAR_LINK": "123456",
    "KOMMO_FIELD_MEETING_STATUS": "123457",
    "GOOGLE_CALENDAR_ENDPOINT": "http://127.0.0.1:9001",
    "EVOLUTION_BASE_URL": "https://evolution.acme.example",
    "EVOLUTION_API_KEY": "evolution-key",
    "EVOLUTION_INSTANCE": "marcado",
    "OPENAI_API_KEY": "openai-key",
    "WEBHOOK_TOKEN": "a-token-that-is-long-enough",
}
REQUIRED = [name for name, field in Settings.model_fields.items() if field.is_required()]
# Optional for the code (the sandbox needs none), not for who talks to Google.
REQUIRED_FOR_GOOGLE = "GOOGLE_CREDENTIALS_FILE"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable and no `.env` of the machine the tests run on."""
    for name in list(os.environ):
        if name.upper() in Settings.model_fields:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def written(folder: Path, values: Mapping[str, str], *, encoding: str = "utf-8") -> Path:
    """A `.env` with these values."""
    path = folder / "given.env"
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()), encoding=encoding)
    return path


def loaded(folder: Path, **changes: str | None) -> Settings:
    """The settings of good values with some changed; None takes a value away."""
    values = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return load_settings(env_file=written(folder, values))


def problems(folder: Path, **changes: str | None) -> dict[str, str]:
    """Per variable at fault what is said about it; its meaning must follow."""
    with pytest.raises(SettingsError) as refusal:
        loaded(folder, **changes)
    found = {}
    for problem in refusal.value.problems:
        first, meaning = problem.split("\n")
        name, _, what = first.strip().partition(": ")
        assert meaning.strip() == Settings.model_fields[name].description
        found[name] = what
    return found


# --- good values ------------------------------------------------------------------------------------------------------


def test_required_values_are_enough(tmp_path: Path) -> None:
    settings = loaded(tmp_path)
    assert settings.KOMMO_BASE_URL == "https://acme.kommo.com"
    assert (settings.KOMMO_FIELD_GOOGLE_CALENDAR_LINK, settings.KOMMO_FIELD_MEETING_STATUS) == (123456, 123457)
    assert settings.WEBHOOK_TOKEN.get_secret_value() == "a-token-that-is-long-enough"
    assert (settings.LOCALE, settings.DEBOUNCE_SILENCE_S, settings.DATABASE_URL) == ("pt-BR", 4.0, "sqlite:///marcado.sqlite")
    assert (settings.PUBLIC_URL, settings.GOOGLE_CREDENTIALS_FILE) == (None, None)


def test_an_override_beats_the_environment_and_the_environment_beats_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env_file = written(tmp_path, {**GOOD, "OPENAI_MODEL": "from-file", "LOG_LEVEL": "ERROR", "LOCALE": "en"})
    monkeypatch.setenv("OPENAI_MODEL", "from-environment")
    monkeypatch.setenv("LOG_LEVEL", "WARNING")
    settings = load_settings({"OPENAI_MODEL": "from-override"}, env_file=env_file)
    assert (settings.OPENAI_MODEL, settings.LOG_LEVEL, settings.LOCALE) == ("from-override", "WARNING", "en")


def test_the_file_dot_env_of_the_folder_is_read_unless_another_is_named(tmp_path: Path) -> None:
    written(tmp_path, {**GOOD, "OPENAI_MODEL": "from-dot-env"}).rename(tmp_path / ".env")
    assert load_settings().OPENAI_MODEL == "from-dot-env"
    with pytest.raises(SettingsError):
        load_settings(env_file=None)


@pytest.mark.parametrize("name", ["OPENAI_BASE_URL", "LOCALE", "DEBOUNCE_SILENCE_S", "PUBLIC_URL", "GOOGLE_CREDENTIALS_FILE"])
def test_an_empty_line_means_the_default(tmp_path: Path, name: str) -> None:
    assert getattr(loaded(tmp_path, **{name: ""}), name) == Settings.model_fields[name].default


def test_a_file_with_a_byte_order_mark_is_read_from_its_first_line_on(tmp_path: Path) -> None:
    settings = load_settings(env_file=written(tmp_path, GOOD, encoding="utf-8-sig"))
    assert settings.KOMMO_BASE_URL == "https://acme.kommo.com"


def test_secrets_do_not_show(tmp_path: Path) -> None:
    settings = loaded(tmp_path, DATABASE_URL="postgresql://marcado:s3cret@host/sales")
    shown = f"{settings!r} {settings}"
    secrets = ("kommo-token", "evolution-key", "openai-key", "a-token-that-is-long-enough", "s3cret")
    assert not [secret for secret in secrets if secret in shown]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://acme.kommo.com/", "https://acme.kommo.com"),
        ("https://acme.kommo.com///", "https://acme.kommo.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("https://host.example/evolution/", "https://host.example/evolution"),
        ("https://host.example/@team", "https://host.example/@team"),
    ],
)
def test_an_address_is_kept_without_the_slash_at_its_end(tmp_path: Path, given: str, kept: str) -> None:
    assert kept == loaded(tmp_path, EVOLUTION_BASE_URL=given).EVOLUTION_BASE_URL


@pytest.mark.parametrize(("given", "kept"), [("debug", "DEBUG"), ("Warning", "WARNING"), ("ERROR", "ERROR")])
def test_a_log_level_may_be_written_in_any_case(tmp_path: Path, given: str, kept: str) -> None:
    assert kept == loaded(tmp_path, LOG_LEVEL=given).LOG_LEVEL


# --- what is wrong ----------------------------------------------------------------------------------------------------

NO_ADDRESS = "is no address; write e.g. https://acme.kommo.com"
WRONG = [
    ("KOMMO_BASE_URL", "acme.kommo.com", "must start with https:// (or http:// for a local server)"),
    ("KOMMO_BASE_URL", "ftp://acme.kommo.com", "must start with https:// (or http:// for a local server)"),
    ("KOMMO_BASE_URL", "https://", NO_ADDRESS),
    ("KOMMO_BASE_URL", "https:///leads", NO_ADDRESS),
    ("KOMMO_BASE_URL", "https://acme kommo.com", NO_ADDRESS),
    ("KOMMO_BASE_URL", "https://acme.kommo.com:notaport", NO_ADDRESS),
    ("KOMMO_BASE_URL", "https://[::1", NO_ADDRESS),
    ("EVOLUTION_BASE_URL", "https://ana:s3cret@evolution.example", "must not carry a user name or password"),
    ("OPENAI_BASE_URL", "https://s3cret@openai.example/v1", "must not carry a user name or password"),
    ("PUBLIC_URL", "https://:s3cret@marcado.example", "must not carry a user name or password"),
    ("PUBLIC_URL", "https://marcado.example/?token=s3cret", "must end before the ? or #"),
    ("GOOGLE_CALENDAR_ENDPOINT", "127.0.0.1:9001", "must start with https:// (or http:// for a local server)"),
    ("KOMMO_FIELD_GOOGLE_CALENDAR_LINK", "google_calendar_link", "Input should be a valid integer"),
    ("KOMMO_FIELD_MEETING_STATUS", "12.5", "Input should be a valid integer"),
    ("WEBHOOK_TOKEN", "too-short", "Value should have at least 16 items"),
    ("LOCALE", "fr", "use one of pt-BR, es, en"),
    ("LOCALE", "pt", "use one of pt-BR, es, en"),
    ("LOG_LEVEL", "LOUD", "use one of DEBUG, INFO, WARNING, ERROR"),
    ("DEBOUNCE_SILENCE_S", "soon", "Input should be a valid number"),
    ("DEBOUNCE_SILENCE_S", "-1", "Input should be greater than or equal to 0"),
    ("DEBOUNCE_SILENCE_S", "61", "Input should be less than or equal to 60"),
    ("DEBOUNCE_SILENCE_S", "nan", "Input should be"),
    ("SWEEP_INTERVAL_S", "inf", "Input should be less than or equal to 86400"),
    ("MODEL_TIMEOUT_S", "0", "Input should be greater than 0"),
    ("MODEL_CALLS_PER_TURN", "0", "Input should be greater than or equal to 1"),
    ("HANDOFF_PAUSE_MIN", "99999999999", "Input should be less than or equal to 525600"),
    ("KOMMO_ACCESS_TOKEN", '"  "', "is empty"),
    ("EVOLUTION_INSTANCE", '"  "', "is empty"),
]


@pytest.mark.parametrize(("name", "value", "complaint"), WRONG)
def test_a_wrong_value_is_named_with_what_is_wrong_and_what_it_means(
    tmp_path: Path, name: str, value: str, complaint: str
) -> None:
    found = problems(tmp_path, **{name: value})
    assert list(found) == [name]
    assert found[name].startswith(complaint)
    assert "s3cret" not in found[name]


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", [None, ""], ids=["absent", "empty"])
def test_a_required_value_that_is_not_given_is_named(tmp_path: Path, name: str, value: str | None) -> None:
    words = operator_catalogue(env_file=None)
    assert problems(tmp_path, **{name: value}) == {name: words.text("settings_missing")}


def test_everything_missing_and_everything_wrong_is_listed_at_once(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        KOMMO_BASE_URL="acme.kommo.com",
        KOMMO_ACCESS_TOKEN=None,
        KOMMO_FIELD_MEETING_STATUS="meeting_status",
        GOOGLE_CALENDAR_ENDPOINT=None,
        EVOLUTION_INSTANCE="",
        WEBHOOK_TOKEN="short",
        LOG_LEVEL="LOUD",
    )
    assert set(found) == {
        "KOMMO_BASE_URL",
        "KOMMO_ACCESS_TOKEN",
        "KOMMO_FIELD_MEETING_STATUS",
        "GOOGLE_CREDENTIALS_FILE",
        "EVOLUTION_INSTANCE",
        "WEBHOOK_TOKEN",
        "LOG_LEVEL",
    }


def test_the_message_counts_what_it_lists(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refusal:
        load_settings(env_file=written(tmp_path, {}))
    expected = len(REQUIRED) + 1  # and the credentials for Google
    words = operator_catalogue(env_file=None)
    assert len(refusal.value.problems) == expected
    assert refusal.value.headline == words.text("settings_headline", count=expected)
    assert str(refusal.value) == "\n".join([refusal.value.headline, *refusal.value.problems])


def test_a_wrong_secret_is_not_repeated(tmp_path: Path) -> None:
    assert "too-short" not in problems(tmp_path, WEBHOOK_TOKEN="too-short")["WEBHOOK_TOKEN"]


# --- Google's credentials ---------------------------------------------------------------------------------------------


def test_without_another_endpoint_google_needs_a_credentials_file(tmp_path: Path) -> None:
    words = operator_catalogue(env_file=None)
    assert problems(tmp_path, GOOGLE_CALENDAR_ENDPOINT=None) == {"GOOGLE_CREDENTIALS_FILE": words.text("settings_missing")}


@pytest.mark.parametrize("endpoint", [None, "http://127.0.0.1:9001"])
def test_a_credentials_file_that_is_not_there_is_named(tmp_path: Path, endpoint: str | None) -> None:
    words = operator_catalogue(env_file=None)
    missing = str(tmp_path / "key.json")
    found = problems(tmp_path, GOOGLE_CALENDAR_ENDPOINT=endpoint, GOOGLE_CREDENTIALS_FILE=missing)
    assert found == {"GOOGLE_CREDENTIALS_FILE": words.text("settings_no_file", value=missing)}


def test_a_credentials_file_that_is_there_is_taken(tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text("{}")
    settings = loaded(tmp_path, GOOGLE_CALENDAR_ENDPOINT=None, GOOGLE_CREDENTIALS_FILE=str(tmp_path / "key.json"))
    assert tmp_path / "key.json" == settings.GOOGLE_CREDENTIALS_FILE


def test_a_wrong_endpoint_is_one_problem_not_two(tmp_path: Path) -> None:
    assert list(problems(tmp_path, GOOGLE_CALENDAR_ENDPOINT="localhost")) == ["GOOGLE_CALENDAR_ENDPOINT"]


# --- the operator's language ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("where", ["file", "environment", "override"])
def test_the_operator_reads_it_in_the_language_of_locale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locale: str, where: str
) -> None:
    if where == "environment":
        monkeypatch.setenv("LOCALE", locale)
    env_file = written(tmp_path, {"LOCALE": locale} if where == "file" else {})
    with pytest.raises(SettingsError) as refusal:
        load_settings({"LOCALE": locale} if where == "override" else None, env_file=env_file)
    words = Catalogue.load("operator", locale)
    assert refusal.value.headline == words.text("settings_headline", count=len(refusal.value.problems))
    assert all(f": {words.text('settings_missing')}\n" in problem for problem in refusal.value.problems)


def test_the_sentences_differ_between_the_languages() -> None:
    texts = {Catalogue.load("operator", locale).text("settings_headline", count=3) for locale in LOCALES}
    assert len(texts) == len(LOCALES)


@pytest.mark.parametrize(("wrong", "locale"), [("fr", "pt-BR"), ("es-MX", "es"), ("en_US", "en")])
def test_with_an_unknown_locale_the_closest_language_says_so(tmp_path: Path, wrong: str, locale: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        loaded(tmp_path, LOCALE=wrong)
    assert refusal.value.headline == Catalogue.load("operator", locale).text("settings_headline", count=1)


# --- .env.example -----------------------------------------------------------------------------------------------------


class Entry:
    """A variable in `.env.example`: `NAME=value` after comment lines, with a `#` right before the name when optional."""

    def __init__(self, comment: str, line: str) -> None:
        self.comment = comment
        self.is_optional = line.startswith("#")
        self.name, _, self.value = line.removeprefix("#").partition("=")


def entries() -> list[Entry]:
    found = []
    for block in EXAMPLE.read_text(encoding="utf-8").split("\n\n"):
        *comments, last = block.strip().splitlines()
        if re.match(r"#?[A-Z_]+=", last):
            found.append(Entry(" ".join(line.removeprefix("# ") for line in comments), last))
    return found


ENTRIES = {entry.name: entry for entry in entries()}
FIELDS = list(Settings.model_fields.items())


def test_the_example_names_every_variable_once_required_ones_first() -> None:
    needed = [name for name, _ in FIELDS if name in REQUIRED or name == REQUIRED_FOR_GOOGLE]
    assert [entry.name for entry in entries()] == [*needed, *(name for name, _ in FIELDS if name not in needed)]
    assert [entry.name for entry in entries() if not entry.is_optional] == needed


def test_the_example_names_nothing_else() -> None:
    named = re.findall(r"^#?([A-Z_]+)=", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(named) == sorted(Settings.model_fields)


@pytest.mark.parametrize(("name", "field"), FIELDS, ids=[name for name, _ in FIELDS])
def test_the_example_says_what_a_variable_means(name: str, field: FieldInfo) -> None:
    assert field.description
    assert ENTRIES[name].comment.startswith(field.description)


@pytest.mark.parametrize(("name", "field"), FIELDS, ids=[name for name, _ in FIELDS])
def test_the_example_shows_the_default_of_what_is_optional(name: str, field: FieldInfo) -> None:
    entry = ENTRIES[name]
    if entry.is_optional:
        assert entry.value == ("" if field.default is None else str(field.default))
        assert f"Default: {entry.value or 'empty'}" in entry.comment


@pytest.mark.parametrize(("name", "field"), FIELDS, ids=[name for name, _ in FIELDS])
def test_the_example_says_units_and_limits(name: str, field: FieldInfo) -> None:
    unit = {"S": "second", "MIN": "minute"}.get(name.rpartition("_")[2])
    assert unit is None or unit in (field.description or "").lower()
    low = next((f"{m.ge}" for m in field.metadata if isinstance(m, annotated_types.Ge)), None)
    above = next((f"more than {m.gt}" for m in field.metadata if isinstance(m, annotated_types.Gt)), None)
    high = next((f"{m.le}" for m in field.metadata if isinstance(m, annotated_types.Le)), None)
    if above:
        assert ENTRIES[name].comment.endswith(f"; allowed: {above}, up to {high}")
    elif low:
        assert ENTRIES[name].comment.endswith(f"; allowed: {low} to {high}" if high else f"; allowed: {low} or more")


def test_the_example_has_the_two_field_ids_to_replace() -> None:
    shown = {name: entry.value for name, entry in ENTRIES.items() if not entry.is_optional and entry.value}
    assert shown == {"KOMMO_FIELD_GOOGLE_CALENDAR_LINK": "123456", "KOMMO_FIELD_MEETING_STATUS": "123457"}


def test_an_example_that_was_not_filled_in_is_refused_with_all_that_is_to_fill_in(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refusal:
        load_settings(env_file=EXAMPLE)
    named = [problem.strip().partition(":")[0] for problem in refusal.value.problems]
    assert sorted(named) == sorted(e.name for e in entries() if not e.is_optional and not e.value)


def test_a_filled_in_example_with_all_options_uncommented_gives_the_defaults(tmp_path: Path) -> None:
    uncommented = re.sub(r"^#([A-Z_]+=)", r"\1", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    filled = {name: value for name, value in GOOD.items() if name in REQUIRED}
    (tmp_path / "key.json").write_text("{}")
    filled[REQUIRED_FOR_GOOGLE] = str(tmp_path / "key.json")
    for name, value in filled.items():
        uncommented = re.sub(rf"^{name}=.*$", f"{name}={value}", uncommented, flags=re.MULTILINE)
    (tmp_path / "filled.env").write_text(uncommented, encoding="utf-8")
    settings = load_settings(env_file=tmp_path / "filled.env")
    assert {name: getattr(settings, name) for name, f in FIELDS if not f.is_required() and name != REQUIRED_FOR_GOOGLE} == {
        name: field.default for name, field in FIELDS if not field.is_required() and name != REQUIRED_FOR_GOOGLE
    }


def test_a_shell_can_read_the_example_too() -> None:
    """The checks in the README do."""
    shown = subprocess.run(
        ["sh", "-ec", f". {EXAMPLE}; echo $KOMMO_FIELD_MEETING_STATUS"], capture_output=True, text=True, check=True
    )
    assert shown.stdout == "123457\n"


def test_whatever_is_read_can_be_overridden_by_name() -> None:
    settings: Any = load_settings(dict(GOOD), env_file=None)
    assert settings.KOMMO_FIELD_MEETING_STATUS == 123457
