"""OpenAI's wire format: errors, the checks on a request, completions, streams, token counts."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

FINGERPRINT = "fp_sandbox"
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ROLES = ("developer", "system", "user", "assistant", "tool", "function")


class ApiError(Exception):
    """An answer other than success, in OpenAI's envelope.

    Attributes:
        retry_after_s: For the Retry-After header; None leaves it out.
        final: Tells OpenAI's clients not to try again (header x-should-retry).
    """

    def __init__(
        self,
        status: int,
        message: str,
        kind: str = "invalid_request_error",
        *,
        param: str | None = None,
        code: str | None = None,
        retry_after_s: float | None = None,
        final: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
        self.retry_after_s = retry_after_s
        self.final = final

    def response(self) -> Response:
        headers = {}
        if self.retry_after_s is not None:
            headers["retry-after"] = f"{self.retry_after_s:g}"
        if self.final:
            headers["x-should-retry"] = "false"
        return JSONResponse(self.body, self.status, headers)


def usual_error(status: int, message: str | None = None, **extra: Any) -> ApiError:
    """What OpenAI says with a status when nothing more is known.

    Args:
        status: HTTP status.
        message: In place of the usual wording.
        extra: Further arguments of `ApiError`, in place of the usual ones.
    """
    kind = "invalid_request_error" if status < 500 else "server_error"
    usual: dict[int, tuple[str, dict[str, Any]]] = {
        401: ("Incorrect API key provided: sandbox.", {"code": "invalid_api_key"}),
        404: ("Invalid URL", {}),
        429: (
            "Rate limit reached for requests. Please try again in 1s.",
            {"kind": "requests", "code": "rate_limit_exceeded", "retry_after_s": 1},
        ),
        500: ("The server had an error while processing your request. Sorry about that!", {}),
        503: ("The engine is currently overloaded, please try again later", {"kind": "service_unavailable"}),
    }
    text, defaults = usual.get(status, (f"HTTP {status}", {}))
    arguments = {"kind": kind, **defaults, **extra}
    return ApiError(status, message or text, arguments.pop("kind"), **arguments)


def wrong_key(key: str) -> ApiError:
    """401 for a key; most of it is starred out, as OpenAI does."""
    shown = f"{key[:3]}{'*' * max(4, len(key) - 7)}{key[-4:]}" if len(key) > 8 else "****"
    url = "https://platform.openai.com/account/api-keys"
    return ApiError(401, f"Incorrect API key provided: {shown}. You can find your API key at {url}.", code="invalid_api_key")


# --- checks ----------------------------------------------------------------------------------------------------------


def check_request(body: dict[str, Any]) -> None:
    """Refuse what OpenAI refuses.

    Raises:
        ApiError: 400, with the offending parameter named.
    """
    if not body.get("model"):
        raise ApiError(400, "you must provide a model parameter")
    messages = body.get("messages")
    if messages is None:
        raise ApiError(400, "Missing required parameter: 'messages'.", param="messages", code="missing_required_parameter")
    if not isinstance(messages, list) or not messages:
        text = "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead."
        raise ApiError(400, text, param="messages", code="empty_array")
    _check_messages(messages)
    _check_tools(body)
    if body.get("stream_options") is not None and not body.get("stream"):
        text = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise ApiError(400, text, param="stream_options")
    if body.get("n") not in (None, 1):
        raise ApiError(400, "The sandbox answers with one choice only: leave 'n' out.", param="n")


def _check_messages(messages: list[Any]) -> None:
    """Roles, and that tool calls and tool messages belong together without gaps."""
    open_calls: set[str] = set()
    for n, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        if role not in _ROLES:
            text = f"Invalid value: '{role}'. Supported values are: {', '.join(repr(known) for known in _ROLES)}."
            raise ApiError(400, text, param=f"messages[{n}].role", code="invalid_value")
        if role == "tool":
            if message.get("tool_call_id") not in open_calls:
                raise _orphan(n)
            open_calls.discard(message["tool_call_id"])
            continue
        if open_calls:
            raise _unanswered(n, open_calls)
        if role == "assistant":
            open_calls = {call["id"] for call in message.get("tool_calls") or []}
        if message.get("content") is None and role != "assistant":
            text = "Invalid value for 'content': expected a string, got null."
            raise ApiError(400, text, param=f"messages.[{n}].content")
    if open_calls:
        raise _unanswered(len(messages), open_calls)


def _orphan(n: int) -> ApiError:
    text = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
    return ApiError(400, text, param=f"messages.[{n}].role")


def _unanswered(n: int, calls: set[str]) -> ApiError:
    text = (
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        f"The following tool_call_ids did not have response messages: {', '.join(sorted(calls))}"
    )
    return ApiError(400, text, param=f"messages.[{n}].role")


def _check_tools(body: dict[str, Any]) -> None:
    tools = body.get("tools")
    if tools is None:
        if body.get("tool_choice") is not None:
            text = "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified."
            raise ApiError(400, text, param="tool_choice")
        return
    if not tools:
        text = "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead."
        raise ApiError(400, text, param="tools", code="empty_array")
    for n, tool in enumerate(tools):
        name = str(tool.get("function", {}).get("name", ""))
        if not _TOOL_NAME.fullmatch(name):
            text = f"Invalid 'tools[{n}].function.name': string does not match pattern. Expected '^[a-zA-Z0-9_-]+$'."
            raise ApiError(400, text, param=f"tools[{n}].function.name", code="invalid_value")


# --- completions -----------------------------------------------------------------------------------------------------


@dataclass
class Answer:
    """What a mind said to one request, ready to be put on the wire."""

    id: str
    created: int
    model: str
    message: dict[str, Any]
    finish_reason: str
    usage: dict[str, Any]

    def completion(self) -> dict[str, Any]:
        """The body of a non-streaming answer."""
        message = {"refusal": None, "annotations": [], **self.message}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.finish_reason}
        return {
            **self._head("chat.completion"),
            "choices": [choice],
            "usage": self.usage,
            "service_tier": "default",
            "system_fingerprint": FINGERPRINT,
        }

    def events(self, *, with_usage: bool) -> Iterator[str]:
        """The server-sent events of a streaming answer, [DONE] included."""
        for delta, reason in (*((delta, None) for delta in self._deltas()), ({}, self.finish_reason)):
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
            yield self._event([choice], {"usage": None} if with_usage else {})
        if with_usage:
            yield self._event([], {"usage": self.usage})
        yield "data: [DONE]\n\n"

    def _deltas(self) -> Iterator[dict[str, Any]]:
        content: str | None = self.message.get("content")
        yield {"role": "assistant", "content": "" if content else None, "refusal": None}
        for piece in re.findall(r"\S+\s*|\s+", content or ""):
            yield {"content": piece}
        for n, call in enumerate(self.message.get("tool_calls") or []):
            name, arguments = call["function"]["name"], call["function"]["arguments"]
            start = {"index": n, "id": call["id"], "type": "function", "function": {"name": name, "arguments": ""}}
            yield {"tool_calls": [start]}
            for at in range(0, len(arguments), 12):
                yield {"tool_calls": [{"index": n, "function": {"arguments": arguments[at : at + 12]}}]}

    def _event(self, choices: list[dict[str, Any]], extra: dict[str, Any]) -> str:
        head = self._head("chat.completion.chunk")
        chunk = {**head, "service_tier": "default", "system_fingerprint": FINGERPRINT, "choices": choices, **extra}
        return f"data: {json.dumps(chunk, ensure_ascii=False, separators=(',', ':'))}\n\n"

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


class EventStream(Response):
    """Server-sent events, each in a chunk of its own.

    Starlette's StreamingResponse would stop at once: it watches for a disconnect, and the sandbox has read the whole
    request before the handler runs.
    """

    media_type = "text/event-stream; charset=utf-8"

    def __init__(self, events: Iterator[str]) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for event in self._events:
            await send({"type": "http.response.body", "body": event.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


# --- tokens ----------------------------------------------------------------------------------------------------------


def prompt_text(body: dict[str, Any]) -> str:
    """A request as the one text a prompt cache compares: tools first, then the messages in order.

    A picture sent along stands for itself by a digest: what it costs has nothing to do with its length in the request.
    """
    parts = [*(body.get("tools") or []), *body["messages"]]
    return "".join(json.dumps(_with_digests(part), ensure_ascii=False, sort_keys=True) for part in parts)


def _with_digests(part: dict[str, Any]) -> dict[str, Any]:
    content = part.get("content")
    if not isinstance(content, list):
        return part
    return {**part, "content": [_digest(piece) if _is_picture(piece) else piece for piece in content]}


def _is_picture(piece: Any) -> bool:
    return isinstance(piece, dict) and piece.get("type") == "image_url"


def _digest(piece: dict[str, Any]) -> dict[str, Any]:
    return {"type": "image_url", "sha256": hashlib.sha256(json.dumps(piece, sort_keys=True).encode()).hexdigest()}


def prompt_tokens(body: dict[str, Any]) -> int:
    """An estimate of what a request costs: its text, and for each picture what OpenAI takes for one of 1024 × 1024."""
    contents = [message.get("content") for message in body["messages"]]
    pictures = [piece for content in contents if isinstance(content, list) for piece in content if _is_picture(piece)]
    low = len([piece for piece in pictures if (piece.get("image_url") or {}).get("detail") == "low"])
    return tokens(prompt_text(body)) + low * _LOW_PICTURE + (len(pictures) - low) * _PICTURE


_PICTURE, _LOW_PICTURE = 765, 85


def tokens(text: str) -> int:
    """An estimate, the same on every machine: four UTF-8 bytes to a token."""
    return -(-len(text.encode()) // 4)


def shared_prefix(one: str, other: str) -> str:
    """The longest beginning both have."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one.startswith(other[:middle]) else (low, middle - 1)
    return one[:low]


def cached_tokens(prompt: str, earlier: list[str]) -> int:
    """How much of a prompt OpenAI would have from an earlier one: from 1024 tokens on, in steps of 128."""
    best = max((tokens(shared_prefix(prompt, other)) for other in earlier), default=0)
    return best // 128 * 128 if best >= 1024 else 0


def usage(prompt: int, cached: int, completion: int) -> dict[str, Any]:
    """The usage object."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
