"""The one module that reads the environment and `.env`. Everything else receives values."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from prompts.catalogue import LOCALES, Catalogue, closest_locale

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_PASSWORD_CHARS = 12
_ENV_ENCODING = "utf-8-sig"  # some editors put a mark at the start of the file, which would become part of the first name


class SettingsError(Exception):
    """The environment can't be used. `problems` holds one line per variable, ready to print."""

    def __init__(self, headline: str, problems: list[str]) -> None:
        super().__init__("\n".join([headline, *problems]))
        self.headline, self.problems = headline, problems


def _base_url(value: str) -> str:
    url = value.strip()
    if not url.startswith(("http://", "https://")):
        raise ValueError("must start with https:// (or http:// for a local server)")
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0  # reading the port checks it
    except ValueError:
        has_host = False
    if not has_host or re.search(r"\s", url):
        raise ValueError("is no address; write e.g. https://acme.kommo.com")
    if "@" in parts.netloc:
        raise ValueError("must not carry a user name or password")
    if parts.query or parts.fragment:
        raise ValueError("must end before the ? or #")
    return url.rstrip("/")


def _known_log_level(value: str) -> str:
    if value.upper() not in LOG_LEVELS:
        raise ValueError(f"use one of {', '.join(LOG_LEVELS)}")
    return value.upper()


def _google_credentials(path: Path | None, info: ValidationInfo) -> Path | None:
    """Errors carry the names of catalogue sentences as their types."""
    if path is not None and not path.is_file():
        raise PydanticCustomError("no_file", "there is no file at {value}", {"value": str(path)})
    # An endpoint that is wrong itself is in nobody's data; one complaint about it will do.
    if path is None and "GOOGLE_CALENDAR_ENDPOINT" in info.data and info.data["GOOGLE_CALENDAR_ENDPOINT"] is None:
        raise PydanticCustomError("missing", "missing")
    return path


def _known_locale(value: str) -> str:
    if value not in LOCALES:
        raise ValueError(f"use one of {', '.join(LOCALES)}")
    return value


def _not_blank(value: Any) -> Any:
    if isinstance(value, str) and not value.strip():
        raise ValueError("is empty")
    return value


def _long_enough(value: SecretStr | None) -> SecretStr | None:
    if value is not None and len(value.get_secret_value().strip()) < _PASSWORD_CHARS:
        raise ValueError(f"is too short: use at least {_PASSWORD_CHARS} characters, better several words")
    return value


BaseUrl = Annotated[str, AfterValidator(_base_url)]
Required = BeforeValidator(_not_blank)


class Settings(BaseSettings):
    """Every variable Marcado reads. A description says what it means and where to find it; `.env.example` repeats them."""

    model_config = SettingsConfigDict(env_file=".env", env_file_encoding=_ENV_ENCODING, extra="ignore", env_ignore_empty=True)

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
    # Before the credentials, which are checked against it.
    GOOGLE_CALENDAR_ENDPOINT: BaseUrl | None = Field(
        default=None, description="Only to talk to another server than Google, such as the sandbox. Leave empty for Google."
    )
    GOOGLE_CREDENTIALS_FILE: Annotated[Path | None, AfterValidator(_google_credentials)] = Field(
        default=None,
        validate_default=True,
        description="JSON key of a service account (or an authorized user) that may edit the sellers' calendars: "
        "Google Cloud console > IAM > Service accounts > Keys. Not needed when GOOGLE_CALENDAR_ENDPOINT is set.",
    )
    GOOGLE_CALENDAR_ID: str | None = Field(
        default=None,
        description="Calendar for sellers who have no calendar_id in the business file: "
        "Google Calendar > Settings > the calendar > Integrate calendar > Calendar ID.",
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
    OPENAI_API_KEY: Annotated[SecretStr, Required] = Field(
        description="Key of the model provider: platform.openai.com > API keys."
    )
    OPENAI_BASE_URL: BaseUrl = Field(default="https://api.openai.com/v1", description="Address of an OpenAI-compatible server.")
    OPENAI_MODEL: str = Field(default="gpt-4.1-mini", description="Name of the chat model; it must support tools.")
    OPENAI_FALLBACK_MODEL: str | None = Field(
        default=None, description="Name of a second chat model, asked when the first does not answer. Leave empty for none."
    )
    OPENAI_TRANSCRIPTION_MODEL: str = Field(
        default="gpt-4o-mini-transcribe", description="Name of the model that turns voice messages into text."
    )
    MODEL_PRICE_INPUT: float | None = Field(
        default=None,
        ge=0,
        description="Price of a million input tokens in US dollars. marcado usage shows money when this and MODEL_PRICE_OUTPUT "
        "are set.",
    )
    MODEL_PRICE_CACHED: float | None = Field(
        default=None,
        ge=0,
        description="Price of a million input tokens that the provider had cached. Leave empty for MODEL_PRICE_INPUT.",
    )
    MODEL_PRICE_OUTPUT: float | None = Field(default=None, ge=0, description="Price of a million output tokens in US dollars.")
    WEBHOOK_TOKEN: Annotated[SecretStr, Required, Field(min_length=16)] = Field(
        description="Secret of at least 16 characters that Kommo and Evolution send with each webhook "
        "(?token=… in the URL, or the header X-Marcado-Token). Make one with: openssl rand -hex 24."
    )
    WEBHOOK_TOKEN_PREVIOUS: Annotated[SecretStr | None, Field(min_length=16)] = Field(
        default=None,
        description="The token that WEBHOOK_TOKEN replaces: both are taken until this line is removed again, a day later say.",
    )
    PUBLIC_URL: BaseUrl | None = Field(
        default=None,
        description="Address under which Kommo, Evolution and Google reach this service. When set, Marcado registers webhooks "
        "itself at the start; when empty, enter those of Kommo and Evolution by hand (README). Google takes https only.",
    )
    PANEL_PASSWORD: Annotated[SecretStr | None, AfterValidator(_long_enough)] = Field(
        default=None,
        description="Password of the operator's page at /panel, at least 12 characters: conversations, meetings, what is wrong. "
        "Leave empty for no such page.",
    )
    PRIVACY_KEY: Annotated[SecretStr | None, Field(min_length=32)] = Field(
        default=None,
        description="Secret of at least 32 characters with which opt-outs are remembered after marcado privacy erase, without "
        "phone numbers. Keep it for good: with another one they are forgotten. Make one with: openssl rand -hex 24.",
    )
    DATABASE_URL: str = Field(
        default="sqlite:///marcado.sqlite",
        repr=False,  # may hold a password
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
        default=300.0, ge=1, le=86_400, description="Seconds between two looks at every open meeting, which find lost webhooks."
    )
    SELLER_UNDO_S: float = Field(
        default=15.0,
        ge=0,
        le=600,
        description="Seconds in which a seller can take an act back before anybody hears of it; Kommo deletions count at once.",
    )
    CALENDAR_POLL_S: float = Field(
        default=60.0,
        ge=5,
        le=86_400,
        description="Seconds between two looks at a seller's calendar; with PUBLIC_URL Google also says when to look at once.",
    )
    MODEL_CALLS_PER_TURN: int = Field(
        default=10,
        ge=1,
        le=50,
        description="Most model calls for one answer, a second try at a refused one included; beyond it a person takes over.",
    )
    MODEL_TIMEOUT_S: float = Field(default=45.0, gt=0, le=600, description="Seconds to wait for one answer of the model.")
    MESSAGES_PER_HOUR: int = Field(
        default=60, ge=1, le=10_000, description="Most messages of one customer within an hour; beyond it a person takes over."
    )
    TURNS_PER_HOUR: int = Field(
        default=1000,
        ge=1,
        le=1_000_000,
        description="Most answers within an hour to all customers together, a bound on cost; beyond it they wait their turn.",
    )
    MESSAGE_CHARS: int = Field(
        default=4000,
        ge=200,
        le=100_000,
        description="Most characters of one message that the model gets to read; the rest is cut.",
    )
    HANDOFF_PAUSE_MIN: int = Field(
        default=360, ge=1, le=525_600, description="Minutes the agent stays silent for a customer after a person took over."
    )
    DELIVERY_TIMEOUT_MIN: float = Field(
        default=30.0,
        gt=0,
        le=1440,
        description="Minutes in which WhatsApp must acknowledge a confirmation, change, cancellation or reminder. After that the "
        "other form of the number is tried once, then a seller gets a task.",
    )
    RETENTION_DAYS: float = Field(
        default=30.0,
        gt=0,
        le=3650,
        description="Days for which webhook bodies are kept, without secrets, so that marcado replay can read them again.",
    )
    LOG_LEVEL: Annotated[str, AfterValidator(_known_log_level)] = Field(
        default="INFO", description="DEBUG, INFO, WARNING or ERROR."
    )


def secrets_of(settings: Settings) -> list[str]:
    """Whatever of the settings must stand in no log."""
    values = [value.get_secret_value() for value in dict(settings).values() if isinstance(value, SecretStr)]
    password = re.search(r"//[^/@]*:([^/]*)@", settings.DATABASE_URL)
    return [*values, *([unquote(password[1])] if password else [])]


def load_settings(overrides: Mapping[str, Any] | None = None, *, env_file: Path | None = Path(".env")) -> Settings:
    """The settings from the environment, `.env` and `overrides` (strongest).

    Raises:
        SettingsError: Values are missing or malformed; it lists every one with its meaning.
    """
    values = dict(overrides or {})
    try:
        return Settings(_env_file=env_file, **values)
    except ValidationError as error:
        raise _explained(error, operator_catalogue(env_file, values.get("LOCALE"))) from None


def operator_catalogue(env_file: Path | None = Path(".env"), locale: str | None = None) -> Catalogue:
    """The operator's words, in the language given or that of LOCALE even when other variables are unusable."""

    class Language(BaseSettings):
        model_config = SettingsConfigDict(
            env_file=env_file, env_file_encoding=_ENV_ENCODING, extra="ignore", env_ignore_empty=True
        )
        LOCALE: str = "pt-BR"

    return Catalogue.load("operator", closest_locale(locale or Language().LOCALE))


def _explained(error: ValidationError, words: Catalogue) -> SettingsError:
    lines = []
    for item in error.errors(include_url=False, include_input=False):
        name = str(item["loc"][0])
        match item["type"]:
            case "missing":
                what = words.text("settings_missing")
            case "no_file":
                what = words.text("settings_no_file", value=item["ctx"]["value"])
            case _:
                what = item["msg"].removeprefix("Value error, ")
        lines.append(f"  {name}: {what}\n      {Settings.model_fields[name].description}")
    return SettingsError(words.text("settings_headline", count=len(lines)), lines)
