"""Every conversation in tests/conversations runs through the whole app with a scripted model."""

from pathlib import Path

import pytest

from cli.scenario import play
from cli.scenario_schema import load_scenario

ROOT = Path(__file__).parents[1]
SCENARIOS = sorted((ROOT / "tests" / "conversations").glob("*.yaml"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda p: p.stem)
def test_the_conversation_leaves_the_world_as_promised(path: Path) -> None:
    verdict = play(load_scenario(path), ROOT / "business.toml")
    talk = "\n".join(f"{m['from']}: {m['text']}" for m in verdict.transcript)
    assert not verdict.complaints, "\n".join([*verdict.complaints, "", talk])
