"""Loads the words: catalogues of sentences and policy documents, per language. No logic about meetings here."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, meta

LOCALES = ("pt-BR", "es", "en")
DEFAULT_LOCALE = "pt-BR"
_ROOT = Path(__file__).parent
_environment = Environment(undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True)  # noqa: S701  # nosec B701


class CatalogueError(Exception):
    """A sentence is missing, or was given too few or too many values: a mistake of ours, found by tests."""


def closest_locale(wanted: str | None) -> str:
    """The catalogue to use for a language tag: "pt", "pt_PT" and None give pt-BR, "es-MX" gives es, "fr" gives pt-BR."""
    language = (wanted or "").replace("_", "-").split("-")[0].lower()
    return {"pt": "pt-BR", "es": "es", "en": "en"}.get(language, DEFAULT_LOCALE)


@dataclass(frozen=True)
class Catalogue:
    """Sentences of one subject ("notices", "operator", …) in one language."""

    name: str
    locale: str
    sentences: dict[str, Any]

    @classmethod
    def load(cls, name: str, locale: str) -> "Catalogue":
        """Reads prompts/<locale>/<name>.toml once per process.

        Raises:
            CatalogueError: There is no such catalogue.
        """
        return cls(name, locale, _read(name, locale))

    def text(self, key: str, **values: Any) -> str:
        """The sentence with its values filled in.

        Raises:
            CatalogueError: No such sentence, or the values are not exactly those it names.
        """
        source = self.sentences.get(key)
        if not isinstance(source, str):
            raise CatalogueError(f"{self.locale}/{self.name}.toml has no sentence {key!r}")
        return _render(f"{self.locale}/{self.name}.toml: {key}", source, values)

    def fill(self, key: str, facts: Mapping[str, Any]) -> str:
        """The sentence filled from a larger set of facts: it takes those that it names.

        Raises:
            CatalogueError: No such sentence, or it names a fact that is not there.
        """
        source = self.sentences.get(key)
        wanted = names_in(source) if isinstance(source, str) else set()
        return self.text(key, **{name: value for name, value in facts.items() if name in wanted})

    def list(self, key: str) -> list[str]:
        """A list of words, such as the answers that mean "did not come"."""
        value = self.sentences.get(key)
        if not isinstance(value, list):
            raise CatalogueError(f"{self.locale}/{self.name}.toml has no list {key!r}")
        return [str(item) for item in value]


def document(name: str, locale: str, **values: Any) -> str:
    """A policy document, prompts/<locale>/<name>.md, filled in.

    Raises:
        CatalogueError: No such document, or the values are not exactly those it names.
    """
    path = _ROOT / locale / f"{name}.md"
    if not path.is_file():
        raise CatalogueError(f"there is no {locale}/{name}.md")
    return _render(f"{locale}/{name}.md", path.read_text(encoding="utf-8"), values)


def names_in(source: str) -> set[str]:
    """The values a sentence or document asks for."""
    return meta.find_undeclared_variables(_environment.parse(source))


def _render(where: str, source: str, values: dict[str, Any]) -> str:
    wanted = names_in(source)
    if wanted != set(values):
        missing, unused = sorted(wanted - set(values)), sorted(set(values) - wanted)
        raise CatalogueError(f"{where} wants {sorted(wanted)}; missing {missing}, unused {unused}")
    return _environment.from_string(source).render(values).strip()


@cache
def _read(name: str, locale: str) -> dict[str, Any]:
    path = _ROOT / locale / f"{name}.toml"
    if not path.is_file():
        raise CatalogueError(f"there is no {locale}/{name}.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))
