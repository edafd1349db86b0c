"""The stand-in mind: a stand-in for a language model, not a language model. Rules answer where no API key is set.

It reads the facts and the tool results of one request and knows nothing else: no state, no clock of its own.
"""

import hashlib
import json
from datetime import datetime
from typing import Any

from sandbox.openai.standin_context import read_request
from sandbox.openai.standin_policy import next_action
from sandbox.openai.standin_turn import Call

LABEL = "marcado-stand-in"
"""Name of the stand-in, a rule-based replacement and not a language model, as answers should show it."""


def reply(request: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    """The assistant's message for a chat.completions request.

    Args:
        request: The request's body; `messages`, `tools` and `tool_choice` are read, everything else is passed over.
        now: Its date is "today" when the facts have no `now:` line.

    Returns:
        An OpenAI assistant message: either a text, or content None with exactly one tool call. The same request always
        gets the same message, ids included. Any request gets a valid message.
    """
    action = next_action(read_request(request, now.date()))
    if isinstance(action, Call):
        function = {"name": action.tool, "arguments": json.dumps(action.arguments)}
        call = {"id": _call_id(request, 0), "type": "function", "function": function}
        return {"role": "assistant", "content": None, "tool_calls": [call]}
    return {"role": "assistant", "content": action.text}


def _call_id(request: dict[str, Any], index: int) -> str:
    """An id that is new in the conversation, because the conversation has grown since the last one."""
    conversation = json.dumps([request.get("messages"), index], sort_keys=True, default=str)
    return f"call_{hashlib.sha256(conversation.encode()).hexdigest()[:24]}"
