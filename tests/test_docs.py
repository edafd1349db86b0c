"""What the documents name must exist: commands, files, settings, controls, links; and the two READMEs must say the same."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
import typer
from pydantic import BaseModel
from starlette.routing import Route

import test_minimal_sync
from cli import scenario_acts, scenario_schema
from cli.main import app
from cli.scenario import play
from cli.scenario_schema import load_scenario
from cli.settings import Settings
from cli.stack import SANDBOX_VALUES
from sandbox.controls import control_routes
from sandbox.openai.script import check_steps
from sandbox.server import Sandbox, make_world

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "README.pt-BR.md")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]

# Capital words with underscores that are a vendor's, not settings of ours.
VENDORS_WORDS = {
    "AUTHENTICATION_API_KEY",
    "CONNECTION_UPDATE",
    "DATABASE_SAVE_DATA_NEW_MESSAGE",
    "LICENSE_REQUIRED",
    "MESSAGES_DELETE",
    "MESSAGES_EDITED",
    "MESSAGES_UPDATE",
    "MESSAGES_UPSERT",
    "SEND_MESSAGE",
}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language, without comments at the ends of lines."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [re.sub(r"\s+# .*$", "", block, flags=re.MULTILINE).strip() for block in found]


def without_blocks(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def headings(text: str) -> list[tuple[int, str]]:
    return [(len(marks), title) for marks, title in re.findall(r"^(#+) (.+)$", without_blocks(text), re.MULTILINE)]


def commands(program: str) -> Iterator[tuple[str, list[str]]]:
    """Page and arguments of each call of a program in a command block, and between backticks in the text."""
    for name in NAMES:
        text = read(name)
        lines = [line for block in blocks(text, "bash") for line in block.splitlines()]
        inline = re.findall(r"`([^`\n]+)`", without_blocks(text))
        for line in [*lines, *inline]:
            found = re.match(rf"(?:[A-Z_]+=\S+ )*(?:\S*/)?{re.escape(program)}(?: (.*))?$", line)
            if found:
                yield name, (found[1] or "").split()


# --- commands ---------------------------------------------------------------------------------------------------------


def test_the_first_screen_of_both_readmes_holds_make_run_and_make_test() -> None:
    for name in READMES:
        first_screen = "\n".join(read(name).splitlines()[:25])
        assert blocks(first_screen, "bash") == ["make run\nmake test"], name


def test_every_make_target_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    named = {arguments[0] for _, arguments in commands("make") if arguments}
    assert named <= targets
    assert {"run", "test", "check"} <= named


def test_every_marcado_command_and_option_in_the_documents_exists() -> None:
    group: Any = typer.main.get_command(app)
    named = [(name, arguments) for name, arguments in commands("marcado") if arguments]
    assert {arguments[0] for _, arguments in named} >= {"serve", "sandbox"}
    for name, arguments in named:
        command = group.commands.get(arguments[0])
        assert command is not None, f"{name} names marcado {arguments[0]}"
        options = {option for parameter in command.params for option in parameter.opts}
        assert {a for a in arguments if a.startswith("--")} <= options, f"{name}: marcado {' '.join(arguments)}"


def test_every_option_of_the_sync_test_in_the_documents_exists() -> None:
    source = Path(test_minimal_sync.__file__).read_text(encoding="utf-8")
    known = set(re.findall(r'add_argument\("(--[a-z-]+)"', source))
    named = {a for _, arguments in commands("python") if "test_minimal_sync.py" in arguments for a in arguments if a[:2] == "--"}
    assert named == {"--live", "--phone"} & known


# --- the two READMEs --------------------------------------------------------------------------------------------------


def test_both_readmes_have_the_same_headings() -> None:
    levels = [[level for level, _ in headings(read(name))] for name in READMES]
    assert levels[0] == levels[1]


def test_both_readmes_have_the_same_commands_and_the_same_transcript() -> None:
    english, portuguese = map(read, READMES)
    assert blocks(english, "bash") == blocks(portuguese, "bash")
    assert blocks(english, "text") == blocks(portuguese, "text")


def test_both_readmes_have_tables_and_lists_of_the_same_length_with_the_same_names() -> None:
    def shape(text: str) -> list[str]:
        rows = [line for line in without_blocks(text).splitlines() if line.startswith(("|", "- ", "1. ", "2. ", "3. "))]
        return [row.split(" ")[0] for row in rows]

    def first_cells(text: str) -> list[str]:
        return re.findall(r"^\| (`[^`]+`) \|", text, re.MULTILINE)

    english, portuguese = map(read, READMES)
    assert shape(english) == shape(portuguese)
    assert first_cells(english) == first_cells(portuguese)


# --- files and links --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READMES)
def test_everything_on_the_map_exists(name: str) -> None:
    rows = re.findall(r"^\| (`[^`]+`) \|.*$", read(name), re.MULTILINE)
    on_map = {row.strip("`") for row in rows} | set(re.findall(r"`(tests/[a-z_/]+)`", read(name)))
    assert {"agent/", "tools/", "webhooks/", "prompts/", "test_minimal_sync.py", "business.toml"} <= on_map
    assert [path for path in sorted(on_map) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", READMES)
def test_every_package_is_on_the_map(name: str) -> None:
    packages = {path.split(".")[0] for path in tomllib.loads(read("pyproject.toml"))["tool"]["setuptools"]["packages"]}
    assert [package for package in sorted(packages) if f"| `{package}/` |" not in read(name)] == []


@pytest.mark.parametrize("name", NAMES)
def test_relative_links_and_their_anchors_lead_somewhere(name: str) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", without_blocks(read(name))):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        if not target.exists() or (anchor and anchor not in {slug(title) for _, title in headings(target.read_text("utf-8"))}):
            broken.append(link)
    assert broken == []


def slug(title: str) -> str:
    """The anchor GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


@pytest.mark.parametrize("name", NAMES)
def test_files_named_in_backticks_exist(name: str) -> None:
    named = re.findall(r"`((?:agent|cli|clients|docs|meetings|panel|prompts|sandbox|tests|tools|webhooks)/[\w./-]*)`", read(name))
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_page_names_a_path_of_somebodys_machine(name: str) -> None:
    assert re.findall(r"(?:^|[\s`\"'(=])/(?:home|root|tmp|work|Users|opt|srv)/\S*", read(name), re.MULTILINE) == []


# --- settings, controls, scenarios ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_named_exists(name: str) -> None:
    named = set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", read(name)))
    assert named - set(Settings.model_fields) - VENDORS_WORDS - developers_words() == set()


def developers_words() -> set[str]:
    """Variables of make's and of the scripts that it runs."""
    audit = re.findall(r'os\.environ\.get\("([A-Z_]+)"\)', read(".ci/audit.py"))
    return {*re.findall(r"^([A-Z_]+) \?=", read("Makefile"), re.MULTILINE), *audit}


@pytest.mark.parametrize("name", READMES)
def test_the_readmes_name_every_setting_that_real_accounts_need(name: str) -> None:
    assert [setting for setting in SANDBOX_VALUES if setting not in read(name)] == []


def served_controls() -> set[tuple[str, str]]:
    routes = [route for route in control_routes(make_world()) if isinstance(route, Route)]
    return {(method, route.path) for route in routes for method in route.methods or () if method != "HEAD"}


CURL = re.compile(r"""^curl -s(?: -X (\w+))? "\$S(/[^"?]*)(\?[^"]*)?"(?: -d '(.*?)')?(\s+# needs .*)?$""", re.MULTILINE)


def documented_calls() -> list[tuple[str, str, str | None, bool]]:
    """Method, path with query, body, and whether it works on a fresh sandbox, of each curl line in docs/sandbox.md."""
    text = read("docs/sandbox.md")
    found = [(m[1] or ("GET" if m[4] is None else "POST"), m[2] + (m[3] or ""), m[4], m[5] is None) for m in CURL.finditer(text)]
    assert len(found) == len(re.findall(r"^curl ", text, re.MULTILINE)), "a curl line has an unknown form"
    return found


def test_every_control_of_the_sandbox_page_is_served_and_every_served_one_has_an_example() -> None:
    served = served_controls()
    shown = {(method, "/_sandbox" + path.partition("?")[0]) for method, path, _, _ in documented_calls()}
    named = {(m, "/_sandbox" + p) for m, p in re.findall(r"`(GET|POST|DELETE) (/[a-z_/]+)`", read("docs/sandbox.md"))}
    assert shown - served == set()
    assert named - served == set()
    assert served - shown == set()


def test_the_examples_of_the_sandbox_page_work_from_top_to_bottom() -> None:
    with Sandbox() as sandbox, httpx.Client(base_url=sandbox.control_url + "/_sandbox", trust_env=False) as http:
        for method, path, body, works_at_once in documented_calls():
            # The hook of the example is somebody's service on port 8000; here it must be nobody's.
            sent = body.replace("127.0.0.1:8000", "127.0.0.1:9") if body else body
            answer = http.request(method, path, content=sent)
            assert (answer.status_code == 200) is works_at_once, f"{method} {path} {body}: {answer.text}"


def parts() -> list[type[BaseModel]]:
    found = [v for module in (scenario_schema, scenario_acts) for v in vars(module).values() if isinstance(v, type)]
    return [v for v in found if issubclass(v, BaseModel) and v.__module__.startswith("cli.scenario")]


@pytest.mark.parametrize("part", parts())
def test_every_key_of_a_scenario_is_explained(part: type[BaseModel]) -> None:
    named = set(re.findall(r"`([a-z_]+)`", read("docs/scenarios.md"))) | {"title", "given", "talk", "afterwards"}
    assert set(part.model_fields) <= named


def test_the_keys_of_a_model_step_are_those_explained() -> None:
    table = read("docs/scenarios.md").split("## What the model does")[1].split("##")[0]
    named = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert sorted(named) == sorted(["say", "call", "calls", "error", "raw", "finish_reason"])
    example = {"say": "x", "call": {"t": {}}, "calls": [{"t": {}}], "error": {"status": 500}, "raw": {"content": "x"}}
    check_steps([{key: value} for key, value in example.items()] + [{"say": "x", "finish_reason": "stop"}])


def test_the_example_conversation_passes(tmp_path: Path) -> None:
    (example,) = blocks(read("docs/scenarios.md"), "yaml")
    path = tmp_path / "example.yaml"
    path.write_text(example, encoding="utf-8")
    assert play(load_scenario(path), ROOT / "business.toml").complaints == []


# --- changelog --------------------------------------------------------------------------------------------------------


def test_the_newest_version_of_the_changelog_is_that_of_the_project() -> None:
    versions = re.findall(r"^## (\d+\.\d+\.\d+)", read("CHANGELOG.md"), re.MULTILINE)
    assert versions[0] == tomllib.loads(read("pyproject.toml"))["project"]["version"]
