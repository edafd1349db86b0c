"""The words: the same sentences with the same values in every language, filled in completely or not at all."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.history import policy
from agent.model import TOOLS
from agent.replies import is_yes
from meetings.answers import understood
from meetings.business import load_business
from meetings.events import ContentKind
from meetings.tables import MeetingStatus
from prompts.catalogue import DEFAULT_LOCALE, LOCALES, Catalogue, CatalogueError, closest_locale, document, names_in

ROOT = Path(__file__).parents[2]
CATALOGUES = sorted(path.stem for path in (ROOT / "prompts" / DEFAULT_LOCALE).glob("*.toml"))
DOCUMENTS = sorted(path.stem for path in (ROOT / "prompts" / DEFAULT_LOCALE).glob("*.md"))
OTHERS = [locale for locale in LOCALES if locale != DEFAULT_LOCALE]
NOTICES = (
    "confirmation",
    "confirmation_by_seller",
    "moved",
    "seller_changed",
    "cancelled_by_us",
    "cancelled_by_customer",
    "completed",
    "no_show",
)
TOUCHES = ("reminder", "reminder_ask", "confirmed")
INVITATIONS = ("no_show", "rescue", "rebook")


def entries(name: str, locale: str) -> dict[str, Any]:
    """All of a catalogue: sentences and lists of words."""
    return tomllib.loads((ROOT / "prompts" / locale / f"{name}.toml").read_text(encoding="utf-8"))


def sentences(name: str, locale: str) -> dict[str, str]:
    return {key: text for key, text in entries(name, locale).items() if isinstance(text, str)}


def every_sentence() -> list[tuple[str, str, str]]:
    return [(name, locale, key) for name in CATALOGUES for locale in LOCALES for key in sentences(name, locale)]


# --- the same in every language ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("locale", LOCALES)
def test_every_language_has_the_same_files(locale: str) -> None:
    folder = ROOT / "prompts" / locale
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [*(f"{c}.toml" for c in CATALOGUES), *(f"{d}.md" for d in DOCUMENTS)]
    )


@pytest.mark.parametrize("locale", OTHERS)
@pytest.mark.parametrize("name", CATALOGUES)
def test_every_language_has_the_same_sentences_in_the_same_order(name: str, locale: str) -> None:
    kinds = [[(key, type(entry)) for key, entry in entries(name, one).items()] for one in (locale, DEFAULT_LOCALE)]
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize("locale", OTHERS)
@pytest.mark.parametrize("name", CATALOGUES)
def test_a_sentence_asks_for_the_same_values_in_every_language(name: str, locale: str) -> None:
    original, translated = sentences(name, DEFAULT_LOCALE), sentences(name, locale)
    assert {key: names_in(translated[key]) for key in translated} == {key: names_in(original[key]) for key in original}


@pytest.mark.parametrize("locale", OTHERS)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_asks_for_the_same_values_and_has_as_many_headings_in_every_language(name: str, locale: str) -> None:
    original, translated = (
        (ROOT / "prompts" / where / f"{name}.md").read_text(encoding="utf-8") for where in (DEFAULT_LOCALE, locale)
    )
    assert names_in(translated) == names_in(original)
    assert len(re.findall(r"^# ", translated, re.MULTILINE)) == len(re.findall(r"^# ", original, re.MULTILINE))


@pytest.mark.parametrize("locale", OTHERS)
@pytest.mark.parametrize("name", CATALOGUES)
def test_sentences_are_translated_not_copied(name: str, locale: str) -> None:
    original, translated = sentences(name, DEFAULT_LOCALE), sentences(name, locale)
    prose = {key for key, text in original.items() if len(re.findall(r"[^\W\d_]{3,}", re.sub(r"\{.*?\}+", "", text))) >= 5}
    assert not {key for key in prose if translated[key] == original[key]}


@pytest.mark.parametrize(("name", "locale", "key"), every_sentence())
def test_no_sentence_is_blank_or_has_a_gap(name: str, locale: str, key: str) -> None:
    values: dict[str, Any] = dict.fromkeys(names_in(sentences(name, locale)[key]), "X")
    if "count" in values:
        values["count"] = 2
    text = Catalogue.load(name, locale).text(key, **values)
    assert text
    assert "  " not in text
    assert not re.search(r"[{}]|\bNone\b| [,.;:!?](?:\s|$)", text)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", CATALOGUES)
def test_a_list_of_words_has_words_in_it(name: str, locale: str) -> None:
    lists = {
        key: Catalogue.load(name, locale).list(key) for key, entry in entries(name, locale).items() if isinstance(entry, list)
    }
    assert all(words and all(word.strip() for word in words) for words in lists.values())


def test_no_sentence_is_left_that_nobody_says() -> None:
    packages = ("agent", "tools", "webhooks", "panel", "meetings", "cli")
    files = [path for package in packages for ending in ("*.py", "*.html") for path in (ROOT / package).rglob(ending)]
    code = "\n".join(path.read_text(encoding="utf-8") for path in [*files, ROOT / "test_minimal_sync.py"])
    begun = tuple(re.findall(r"""f["']([a-z_]+_)\{""", code) + re.findall(r"""["']([a-z_]+_)["'] ~""", code))
    ended = tuple(re.findall(r"""f["']\{[a-z_.]+\}(_[a-z_]+)["']""", code))
    said = set(re.findall(r"""["']([a-z_]+)["']""", code))
    silent = [
        f"{name}: {key}"
        for name in CATALOGUES
        for key in entries(name, DEFAULT_LOCALE)
        if key not in said and not key.startswith(begun) and not key.endswith(ended)
    ]
    assert silent == []


def trees() -> Iterator[ast.AST]:
    """Every node of the code that decides about meetings."""
    for path in sorted((ROOT / "meetings").glob("*.py")):
        yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def story_keys_in_code() -> set[str]:
    """Regular expressions of what is given as `because` or `hint` anywhere, gaps of f-strings as any word."""
    values: list[ast.expr] = []
    for node in trees():
        if isinstance(node, ast.keyword) and node.arg in ("because", "hint"):
            values.append(node.value)
        if isinstance(node, ast.FunctionDef):
            pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            values += [default for arg, default in pairs if arg.arg == "hint" and default]
    found = set()
    for value in values:
        if isinstance(value, ast.JoinedStr):
            found.add("".join(str(part.value) if isinstance(part, ast.Constant) else "[a-z_]+" for part in value.values))
        elif isinstance(value, ast.Constant) and value.value:
            found.add(str(value.value))
    return found


def test_every_reason_of_a_change_that_the_code_gives_has_its_words_and_none_is_left_over() -> None:
    story, patterns = set(sentences("story", DEFAULT_LOCALE)), story_keys_in_code()
    assert len(patterns) > 10
    assert [p for p in patterns if not any(re.fullmatch(p, key) for key in story)] == []
    assert [key for key in story if not any(re.fullmatch(p, key) for p in patterns)] == []
    assert {f"status_set_{status}" for status in MeetingStatus} | {"task_moved", "event_moved"} <= story


def test_every_reason_of_a_refusal_that_the_code_gives_has_its_words_and_none_is_left_over() -> None:
    """Reasons are returned by what judges a time, given to the note about a task made by hand, or named in full."""
    given: set[str] = set()
    for node in trees():
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"refused_[a-z_]+[a-z]", node.value):
            given.add(node.value.removeprefix("refused_"))
        if isinstance(node, ast.AsyncFunctionDef) and node.name in ("check_slot", "_why_not", "_judge"):
            returned = [part for part in ast.walk(node) if isinstance(part, ast.Return) and part.value]
            given |= {str(c.value) for part in returned for c in _alternatives(part.value) if isinstance(c.value, str)}
        if isinstance(node, ast.keyword) and node.arg == "refused" and isinstance(node.value, ast.Constant):
            given.add(str(node.value.value))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "_refuse":
            given |= {str(c.value) for arg in node.args for c in _alternatives(arg) if isinstance(c.value, str)}
    given = {reason for reason in given if re.fullmatch(r"[a-z_]+", reason)}  # others are for the log, in plain words
    assert len(given) > 4
    assert {f"refused_{reason}" for reason in given} == {
        key for key in sentences("crm", DEFAULT_LOCALE) if key.startswith("refused_")
    }


def _alternatives(value: ast.expr | None) -> list[ast.Constant]:
    """The constants that an expression may give: itself, parts of a pair, both sides of "or" and of a choice."""
    match value:
        case ast.Constant():
            return [value]
        case ast.Tuple(elts=parts) | ast.BoolOp(values=parts):
            return [c for part in parts for c in _alternatives(part)]
        case ast.IfExp(body=one, orelse=other):
            return [*_alternatives(one), *_alternatives(other)]
    return []


@pytest.mark.parametrize("locale", LOCALES)
def test_every_kind_of_change_that_is_noted_on_the_lead_has_its_words(locale: str) -> None:
    kinds = ("moved", "handed_over", "cancelled", "completed", "no_show")
    facts = {
        "mark": "#12",
        "when": "10/03 14:00",
        "seller": "Ana Ribeiro",
        "because": "PORQUE",
        "told": "AVISADO",
        "now": "09/03 08:00",
    }
    for kind in kinds:
        text = Catalogue.load("crm", locale).fill(f"note_{kind}", facts)
        assert all(facts[name] in text for name in ("mark", "when", "because", "now"))
    refused = Catalogue.load("crm", locale).fill("note_refused", facts | {"act": "FEZ", "reason": "MAS"})
    assert all(word in refused for word in ("#12", "10/03 14:00", "Ana Ribeiro", "FEZ", "MAS", "09/03 08:00"))


# --- filling in -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "locale", "key"), [s for s in every_sentence() if names_in(sentences(s[0], s[1])[s[2]])])
def test_a_sentence_with_a_value_missing_or_left_over_is_not_printed(name: str, locale: str, key: str) -> None:
    catalogue = Catalogue.load(name, locale)
    values: dict[str, Any] = dict.fromkeys(sorted(names_in(catalogue.sentences[key])), "X")
    missing = next(iter(values))
    with pytest.raises(CatalogueError, match=rf"{locale}/{name}\.toml: {key} wants .* missing \['{missing}'\], unused \[\]"):
        catalogue.text(key, **{k: v for k, v in values.items() if k != missing})
    with pytest.raises(CatalogueError, match=r"missing \[\], unused \['colour'\]"):
        catalogue.text(key, **values, colour="blue")


def test_a_sentence_without_values_takes_none() -> None:
    with pytest.raises(CatalogueError, match=r"unused \['name'\]"):
        Catalogue.load("conversation", "pt-BR").text("model_down", name="Maria")


def test_a_sentence_may_be_filled_from_a_larger_set_of_facts() -> None:
    facts = {"name": "Maria", "colour": "blue"}
    assert Catalogue.load("crm", "pt-BR").fill("lead_name", facts) == "WhatsApp: Maria"
    with pytest.raises(CatalogueError, match=r"missing \['name'\]"):
        Catalogue.load("crm", "pt-BR").fill("lead_name", {"colour": "blue"})
    with pytest.raises(CatalogueError, match="has no sentence 'nothing'"):
        Catalogue.load("crm", "pt-BR").fill("nothing", facts)


@pytest.mark.parametrize("typed", ["{{ 7 * 7 }}", "{% if name %}x{% endif %}", "<b>Ana & Zé</b>", "{# segredo #}", "Ana\\n"])
def test_what_a_customer_calls_themselves_is_printed_as_it_is(typed: str) -> None:
    assert Catalogue.load("crm", "pt-BR").text("lead_name", name=typed) == f"WhatsApp: {typed}"


@pytest.mark.parametrize(
    ("load", "complaint"),
    [
        (lambda: Catalogue.load("nothing", "pt-BR"), r"there is no pt-BR/nothing\.toml"),
        (lambda: Catalogue.load("notices", "fr"), r"there is no fr/notices\.toml"),
        (lambda: Catalogue.load("notices", "es").text("nothing"), r"es/notices\.toml has no sentence 'nothing'"),
        (lambda: document("nothing", "en"), r"there is no en/nothing\.md"),
        (lambda: document("policy", "en"), r"en/policy\.md wants \["),
    ],
)
def test_words_that_are_not_there_are_named(load: Any, complaint: str) -> None:
    with pytest.raises(CatalogueError, match=complaint):
        load()


@pytest.mark.parametrize(
    ("wanted", "locale"),
    [
        *(
            ("pt", "pt-BR"),
            ("pt-BR", "pt-BR"),
            ("pt_BR", "pt-BR"),
            ("PT-br", "pt-BR"),
            ("pt-PT", "pt-BR"),
            ("pt_PT.UTF-8", "pt-BR"),
        ),
        *(("es", "es"), ("es-MX", "es"), ("es_AR", "es"), ("ES", "es"), ("es-419", "es")),
        *(("en", "en"), ("en-US", "en"), ("en_GB", "en"), ("EN", "en")),
        *(
            ("fr", "pt-BR"),
            ("de-DE", "pt-BR"),
            ("", "pt-BR"),
            (None, "pt-BR"),
            ("est", "pt-BR"),
            ("english", "pt-BR"),
            ("-", "pt-BR"),
        ),
    ],
)
def test_every_language_tag_has_a_catalogue(wanted: str | None, locale: str) -> None:
    assert closest_locale(wanted) == locale


# --- what is said -----------------------------------------------------------------------------------------------------

FACTS = {
    "name": "Maria",
    "company": "Sol Claro Energia",
    "subject": "visita",
    "seller": "Ana Ribeiro",
    "day": "terça-feira, 10 de março de 2026",
    "hour": "14:00",
    "zone": "Horário de Brasília",
    "old_day": "segunda-feira, 9 de março de 2026",
    "old_hour": "09:30",
    "meet_link": "",
}


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("key", NOTICES)
def test_every_notice_says_with_whom_for_which_company_and_of_a_time_to_come_or_taken_away_when(key: str, locale: str) -> None:
    text = Catalogue.load("notices", locale).fill(key, FACTS)
    before = {"old_day", "old_hour"}
    left_out = set[str]() if key == "moved" else before
    if key in ("completed", "no_show"):  # the customer knows when it was
        left_out |= {"day", "hour", "zone"}
    assert {name for name, value in FACTS.items() if value in text} == set(FACTS) - left_out


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("key", TOUCHES)
def test_a_reminder_and_its_answer_print_all_facts_and_no_word_that_is_false_when_it_comes_late(key: str, locale: str) -> None:
    text = Catalogue.load("notices", locale).fill(key, FACTS)
    facts = {name: value for name, value in FACTS.items() if not name.startswith("old_")}
    assert [value for value in facts.values() if value not in text] == []
    assert not re.search(r"\b(hoje|amanhã|hoy|mañana|today|tomorrow|daqui a|dentro de)\b", text, re.IGNORECASE)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("key", ["confirmation", "reminder", "reminder_ask"])
def test_the_link_of_a_video_call_has_a_line_of_its_own(key: str, locale: str) -> None:
    link = "https://meet.google.com/abc-defg-hij"
    text = Catalogue.load("notices", locale).fill(key, {**FACTS, "meet_link": link})
    assert f"\n📹 {link}\n" in text


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("key", INVITATIONS)
def test_an_invitation_is_there_with_times_and_without(key: str, locale: str) -> None:
    notices, options = Catalogue.load("notices", locale), "1) terça-feira, 14:00\n2) quarta-feira, 09:00"
    with_times = notices.fill(f"{key}_times", {**FACTS, "options": options})
    assert f"\n{options}\n" in with_times
    assert "Sol Claro Energia" in with_times
    assert "1)" not in notices.fill(key, {**FACTS, "options": options})


@pytest.mark.parametrize("locale", LOCALES)
def test_the_words_of_the_texts_themselves_are_understood(locale: str) -> None:
    words = Catalogue.load("notices", locale)
    asked = re.search(r"\b(SIM|SÍ|YES)\b", words.fill("reminder_ask", FACTS))
    assert asked is not None
    assert is_yes(asked[0])
    result_words = load_business(ROOT / "business.toml").result_words
    question = Catalogue.load("crm", locale).text("seller_question", subject="visita", name="Maria", when="10/03/2026 14:00")
    numbered = re.findall(r"^[123] .+$", question, re.MULTILINE)
    assert [understood(line, result_words) for line in numbered] == ["completed", "no_show", "rebook"]
    for key in ("follow_up_task", "follow_up_again"):
        named = re.search(r": ([^:]+)\. \{\{", Catalogue.load("crm", locale).sentences[key])
        assert named is not None
        answers = re.split(r", | ou | o | or ", named[1])
        assert [understood(answer, result_words) for answer in answers] == ["no_show", "rebook", "cancelled"]


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(
    "key", [*NOTICES, *TOUCHES, *INVITATIONS, "no_show_times", "rescue_times", "rebook_times", "booking_failed"]
)
def test_a_notice_to_somebody_without_a_name_reads_well_too(key: str, locale: str) -> None:
    notices = Catalogue.load("notices", locale)
    text = notices.fill(key, {**FACTS, "name": "", "options": "1) terça"})
    letters = re.search(r"[^\W\d_]", text)
    assert letters is not None
    assert letters[0].isupper()
    assert not re.search(r"^[,\s]|, [,!]|,!", text)
    assert "Maria" in notices.fill(key, {**FACTS, "options": "1) terça"})


@pytest.mark.parametrize("locale", LOCALES)
def test_every_kind_of_message_without_text_has_words_for_the_model(locale: str) -> None:
    bare = {str(kind) for kind in set(ContentKind) - {ContentKind.TEXT, ContentKind.CHOICE}} | {"audio_heard"}
    assert {key.removeprefix("media_") for key in sentences("conversation", locale) if key.startswith("media_")} == bare


@pytest.mark.parametrize("locale", LOCALES)
def test_every_end_of_a_meeting_has_a_result_for_its_task(locale: str) -> None:
    keys = {key for key in sentences("crm", locale) if key.startswith("task_result_")}
    assert keys == {
        "task_result_cancelled_by_customer",
        "task_result_cancelled_by_seller",
        "task_result_completed_by_seller",
        "task_result_no_show_by_seller",
    }


# --- the policy -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("locale", LOCALES)
def test_the_policy_renders_with_all_that_the_business_file_says(locale: str) -> None:
    business = load_business(ROOT / "business.toml")
    text = policy(business, locale)
    company = business.company
    questions = [criterion.question[locale] for criterion in business.qualification]
    names = [f"- {criterion.name} ({criterion.type}, " for criterion in business.qualification]
    shown = [company.name, company.assistant_name, company.sells, company.tone, *company.facts, *questions, *names]
    shown += ["casa, comércio, sítio, apartamento", business.meetings.subject[locale], str(business.meetings.length_min)]
    assert [part for part in shown if part not in text] == []
    assert not re.search(r"[{}]|\bNone\b", text)


@pytest.mark.parametrize("locale", LOCALES)
def test_the_policy_names_every_tool_and_none_that_there_is_not(locale: str) -> None:
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", policy(load_business(ROOT / "business.toml"), locale)))
    assert named == {tool.name for tool in TOOLS}


@pytest.mark.parametrize("locale", LOCALES)
def test_a_business_without_criteria_and_facts_has_a_policy_too(locale: str) -> None:
    business = load_business(ROOT / "business.toml")
    bare = business.model_copy(update={"qualification": (), "company": business.company.model_copy(update={"facts": ()})})
    assert "bill" not in policy(bare, locale)
