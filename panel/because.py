"""Why a meeting changed, in the operator's language. The history is written by code, in English; this reads those lines."""

import re

from prompts.catalogue import Catalogue

# What stands in the history → the sentence that says it. None: who, where and what say it already.
_KNOWN = {
    "the customer chose an offered time": None,
    "the customer chose another offered time": None,
    "the customer asked for it": None,
    "the task was deleted": "because_task_deleted",
    "the task was completed": "because_task_completed",
    "the task was completed with a result that means the customer did not come": "because_result_no_show",
    "the task was completed with a result that means cancelled": "because_result_cancelled",
    "the lead was deleted": "because_lead_deleted",
}
_REASON = re.compile(r"the customer asked for it: (.+)", re.DOTALL)
_STATUS = re.compile(r"meeting_status on the lead was set to (\w+)")


def because(hint: str, words: Catalogue) -> str | None:
    """The reason; None when there is nothing to add. A line that is not known is shown as it stands."""
    if hint in _KNOWN:
        key = _KNOWN[hint]
        return words.text(key) if key else None
    if found := _REASON.fullmatch(hint):
        return words.text("because_reason", reason=found[1])
    if found := _STATUS.fullmatch(hint):
        return words.text("because_status", status=found[1])
    return hint
