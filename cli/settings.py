"""The one module that reads the environment and `.env`. Everything else receives values."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from prompts.catalogue import LOCALES, Catalogue, closest_locale


class SettingsError(Exception):
    """The environment can't be used. `problems` holds one line per variable, ready to print."""

    def __init__(self, headline: str, problems: list[str]) -> None:
        super().__init__("\n".join([headline, *problems]))
        self.headline, self.problems = headline, problems


def _base_url(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("must start with https:// (or http:// for a local server)")
    if "@" in value.split("//", 1)[1].split("/", 1)[0]:
        raise ValueError("must not carry a user name or password")
    return value.rstrip("/")


def _known_locale(value: str) -> str:
    if value not in LOCALES:
        raise ValueError(f"use one of {', '.join(LOCALES)}")
    return value


def _not_blank(value: Any) -> Any:
    if isinstance(value, str) and not value.strip():
        raise ValueError("is empty")
    return value


BaseUrl = Annotated[str, AfterValidator(_base_url)]
Required = BeforeValidator(_not_blank)


class Settings(BaseSettings):
    """Every variable Marcado reads. A description says what it means and where to find it; `.env.example` repeats them."""

    model_config = SettingsConfigDict(env_file=".env", env_file_encoding="utf-8", extra="ignore", env_ignore_empty=True)

    KOMMO_BASE_URL: Annotated[BaseUrl, Required] = Field(
        description="Address of your Kommo account, e.g. https://acme.kommo.com (the browser's address bar)."
    )
    KOMMO_ACCESS_TOKEN: Annotated[SecretStr, Required] = Field(
        description="Long-lived token: Kommo > Settings > Integrations > your private integration > Keys and scopes."
    )
    KOMMO_FIELD_GOOGLE_CALENDAR_LINK: int = Field(
        description="Id of the lead field google_calendar_link (type URL): Kommo > a lead > Setup > click the field."
    )
    KOMMO_FIELD_MEETING_STATUS: int = Field(
        description="Id of the lead field meeting_status (type text or select), found in the same place."
    )
    GOOGLE_CREDENTIALS_FILE: Path | None = Field(
        default=None,
        description="JSON key of a service account (or an authorized user) that may edit the sellers' calendars: "
        "Google Cloud console > IAM > Service accounts > Keys. Not needed when GOOGLE_CALENDAR_ENDPOINT is set.",
    )
    GOOGLE_CALENDAR_ID: str | None = Field(
        default=None,
        description="Calendar for sellers who have no calendar_id in the business file: "
        "Google Calendar > Settings > the calendar > Integrate calendar > Calendar ID.",
    )
    GOOGLE_CALENDAR_ENDPOINT: BaseUrl | None = Field(
        default=None, description="Only to talk to another server than Google, such as the sandbox. Leave empty for Google."
    )
    EVOLUTION_BASE_URL: Annotated[BaseUrl, Required] = Field(
        description="Address of your Evolution API server, e.g. https://evolution.example.com."
    )
    EVOLUTION_API_KEY: Annotated[SecretStr, Required] = Field(
        description="Key of the server or of the instance: AUTHENTICATION_API_KEY in Evolution's own settings."
    )
    EVOLUTION_INSTANCE: Annotated[str, Required] = Field(
        description="Name of the WhatsApp instance, as shown in Evolution's manager."
    )
    OPENAI_API_KEY: Annotated[SecretStr, Required] = Field(description="Key of the model provider: platform.openai.com > API keys.")
    OPENAI_BASE_URL: BaseUrl = Field(
        default="https://api.openai.com/v1", description="Address of an OpenAI-compatible server."
    )
    OPENAI_MODEL: str = Field(default="gpt-4.1-mini", description="Name of the chat model; it must support tools.")
    WEBHOOK_TOKEN: Annotated[SecretStr, Required, Field(min_length=16)] = Field(
        description="Secret of at least 16 characters that Kommo and Evolution send with each webhook "
        "(?token=… in the URL, or the header X-Marcado-Token). Make one with: openssl rand -hex 24."
    )
    PUBLIC_URL: BaseUrl | None = Field(
        default=None,
        description="Address under which Kommo and Evolution reach this service. When set, Marcado registers both webhooks "
        "itself at the start; when empty, enter them by hand (README).",
    )
    DATABASE_URL: str = Field(
        default="sqlite:///marcado.sqlite",
        description="SQLite file (sqlite:///path) or PostgreSQL (postgresql://user:password@host/name).",
    )
    BUSINESS_FILE: Path = Field(default=Path("business.toml"), description="The business file: company, sellers, criteria.")
    LOCALE: Annotated[str, AfterValidator(_known_locale)] = Field(
        default="pt-BR", description="Language of sellers, operators and unknown customers: pt-BR, es or en."
    )
    DEBOUNCE_SILENCE_S: float = Field(
        default=4.0, ge=0, le=60, description="Seconds of silence after which a burst of messages is answered once."
    )
    DEBOUNCE_CAP_S: float = Field(
        default=20.0, ge=0, le=300, description="Seconds after which a burst is answered even if the customer goes on writing."
    )
    SWEEP_INTERVAL_S: float = Field(
        default=300.0, ge=1, description="Seconds between two looks at every open meeting, which find lost webhooks."
    )
    MODEL_CALLS_PER_TURN: int = Field(default=10, ge=1, le=50, description="Most model calls for one answer.")
    MODEL_TIMEOUT_S: float = Field(default=45.0, gt=0, description="Seconds to wait for one answer of the model.")
    HANDOFF_PAUSE_MIN: int = Field(
        default=360, ge=1, description="Minutes the agent stays silent for a customer after a person took over."
    )
    LOG_LEVEL: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")


def load_settings(overrides: Mapping[str, Any] | None = None, *, env_file: Path | None = Path(".env")) -> Settings:
    """The settings from the environment, `.env` and `overrides` (strongest).

    Raises:
        SettingsError: Values are missing or malformed; it lists every one with its meaning.
    """
    try:
        settings = Settings(_env_file=env_file, **dict(overrides or {}))
    except ValidationError as error:
        raise _explained(error, operator_catalogue(env_file)) from None
    problems = _cross_checks(settings, operator_catalogue(env_file))
    if problems:
        raise SettingsError(operator_catalogue(env_file).text("settings_headline", count=len(problems)), problems)
    return settings


def operator_catalogue(env_file: Path | None = Path(".env")) -> Catalogue:
    """The operator's words, in the language of LOCALE even when other variables are unusable."""

    class Language(BaseSettings):
        model_config = SettingsConfigDict(env_file=env_file, extra="ignore", env_ignore_empty=True)
        LOCALE: str = "pt-BR"

    return Catalogue.load("operator", closest_locale(Language().LOCALE))


def _cross_checks(settings: Settings, words: Catalogue) -> list[str]:
    problems = []
    path = settings.GOOGLE_CREDENTIALS_FILE
    if path is None and settings.GOOGLE_CALENDAR_ENDPOINT is None:
        problems.append(_line("GOOGLE_CREDENTIALS_FILE", words.text("settings_missing"), words))
    elif path is not None and not path.is_file():
        problems.append(_line("GOOGLE_CREDENTIALS_FILE", words.text("settings_no_file", value=str(path)), words))
    return problems


def _explained(error: ValidationError, words: Catalogue) -> SettingsError:
    lines = []
    for item in error.errors(include_url=False, include_input=False):
        name = str(item["loc"][0])
        what = words.text("settings_missing") if item["type"] == "missing" else item["msg"].removeprefix("Value error, ")
        lines.append(_line(name, what, words))
    return SettingsError(words.text("settings_headline", count=len(lines)), lines)


def _line(name: str, what: str, words: Catalogue) -> str:
    meaning = Settings.model_fields[name].description or ""
    return f"  {name}: {what}\n      {meaning}"
