"""Every conversation in tests/conversations runs through the whole app with a scripted model."""

from pathlib import Path
from typing import Any

import pytest

from cli.scenario import play
from cli.scenario_schema import load_scenario

ROOT = Path(__file__).parents[1]
SCENARIOS = sorted((ROOT / "tests" / "conversations").glob("*.yaml"))
# A story of each kind for every commit; the long suite plays all the others.
QUICK = [
    "angry_customer",
    "answer_lost_while_booking",
    "asks_whether_it_is_a_robot",
    "booking",
    "booking_needs_qualification",
    "burst",
    "cancel_by_customer",
    "cancel_by_seller",
    "claims_a_booking",
    "completed",
    "deleted_before_the_answer",
    "english_customer",
    "event_is_moved",
    "follow_up_task",
    "forged_webhook",
    "guest_declines",
    "hand_off",
    "injection_in_a_message",
    "invented_evidence",
    "kommo_down_while_booking",
    "lead_is_lost",
    "model_down",
    "no_show_by_result",
    "not_qualified",
    "opt_out",
    "reminders",
    "reschedule",
    "rescue_booked",
    "seller_books_by_hand",
    "seller_hands_over_the_task",
    "seller_moves_task",
    "seller_sets_status_completed_select",
    "seller_takes_over",
    "someone_elses_booking",
    "spanish",
    "two_wishes_in_one_message",
    "voice_note",
]


def when(path: Path) -> Any:
    return pytest.param(path, id=path.stem, marks=[] if path.stem in QUICK else [pytest.mark.long])


def test_the_quick_stories_exist() -> None:
    assert set(QUICK) <= {path.stem for path in SCENARIOS}


@pytest.mark.parametrize("path", [when(path) for path in SCENARIOS])
def test_the_conversation_leaves_the_world_as_promised(path: Path) -> None:
    verdict = play(load_scenario(path), ROOT / "business.toml")
    talk = "\n".join(f"{m['from']}: {m['text']}" for m in verdict.transcript)
    assert not verdict.complaints, "\n".join([*verdict.complaints, "", talk])
