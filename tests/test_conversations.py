"""Every conversation in tests/conversations runs through the whole app with a scripted model."""

from pathlib import Path
from typing import Any

import pytest

from cli.scenario import play
from cli.scenario_schema import load_scenario

ROOT = Path(__file__).parents[1]
SCENARIOS = sorted((ROOT / "tests" / "conversations").glob("*.yaml"))
# Stories about one row of a table each are for the long suite, but for every twelfth.
ROWS = [p for p in SCENARIOS if p.stem.split("_")[0] in ("seller", "lead", "event", "task", "reminder", "rescue", "follow")]


def when(path: Path) -> Any:
    is_long = path in ROWS and ROWS.index(path) % 12
    return pytest.param(path, id=path.stem, marks=[pytest.mark.long] if is_long else [])


@pytest.mark.parametrize("path", [when(path) for path in SCENARIOS])
def test_the_conversation_leaves_the_world_as_promised(path: Path) -> None:
    verdict = play(load_scenario(path), ROOT / "business.toml")
    talk = "\n".join(f"{m['from']}: {m['text']}" for m in verdict.transcript)
    assert not verdict.complaints, "\n".join([*verdict.complaints, "", talk])
