"""Makes every model call and every tool call of an agent a durable step: after a kill, finished ones are not done again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ModelRequest, ModelResponse, ToolCallRequest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage, messages_from_dict, messages_to_dict
from langgraph.types import Command
from openai import BadRequestError, NotFoundError, UnprocessableEntityError

from meetings.lanes import Lanes
from meetings.usage import Meter, Tokens
from tools.context import TurnContext

log = structlog.get_logger("model")
_UNSEEN = "(You cannot see the picture. Say so kindly and ask the customer to write what it shows.)"
_ModelHandler = Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]


class TooManyCallsError(Exception):
    """The turn has used up its model calls without coming to an answer."""


class CallLimit(AgentMiddleware[Any, Any, Any]):
    """Ends a turn whose model calls tool after tool. First in the middleware list.

    Counted are the model's answers since the customer's last words, so that a second try at a reply goes on where the first
    one stopped, also after a kill.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    async def awrap_model_call(self, request: ModelRequest[Any], handler: _ModelHandler) -> ModelResponse[Any]:
        if _answers_so_far(request.messages) >= self._most:
            raise TooManyCallsError(f"{self._most} model calls are used up")
        return await handler(request)


class Durable(AgentMiddleware[Any, Any, Any]):
    """Before all that calls models. Also keeps tool calls of one answer in order: parallel ones could not be replayed."""

    def __init__(self, lanes: Lanes) -> None:
        super().__init__()
        self._lanes = lanes
        self._one_tool_at_a_time = asyncio.Lock()

    async def awrap_model_call(self, request: ModelRequest[Any], handler: _ModelHandler) -> ModelResponse[Any]:
        async def call() -> list[dict[str, Any]]:
            return messages_to_dict((await handler(request)).result)

        return ModelResponse(result=messages_from_dict(await self._lanes.step("model", call)))

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]]
    ) -> ToolMessage | Command[Any]:
        async def call() -> list[dict[str, Any]]:
            answer = await handler(request)
            assert isinstance(answer, ToolMessage)  # none of our tools returns a Command
            return messages_to_dict([answer])

        async with self._one_tool_at_a_time:
            # The step's name is compared on replay: it must say which call this is.
            name = f"tool:{request.tool_call['name'][:60]}:{request.tool_call['id']}"
            message = messages_from_dict(await self._lanes.step(name, call))[0]
        assert isinstance(message, ToolMessage)
        return message


class BlindRetry(AgentMiddleware[Any, Any, Any]):
    """Asks a model that refuses pictures once more without them, so that it can ask for words instead. Within the fallback."""

    async def awrap_model_call(self, request: ModelRequest[Any], handler: _ModelHandler) -> ModelResponse[Any]:
        try:
            return await handler(request)
        except (BadRequestError, NotFoundError, UnprocessableEntityError):  # providers differ in how they say it
            messages = [_without_pictures(message) for message in request.messages]
            if messages == request.messages:
                raise
            log.warning("model refused a request with pictures, asked again without")
        return await handler(request.override(messages=messages))


def _without_pictures(message: AnyMessage) -> AnyMessage:
    if not isinstance(message, HumanMessage) or isinstance(message.content, str):
        return message
    kept = [part for part in message.content if not (isinstance(part, dict) and part.get("type") == "image_url")]
    if len(kept) == len(message.content):
        return message
    return HumanMessage([*kept, {"type": "text", "text": _UNSEEN}])


class Metered(AgentMiddleware[Any, Any, Any]):
    """Counts each call of each model, answered or not. Last in the middleware list: within the durable step, so that a replay
    counts nothing twice, and within the fallback, so that the first model's failed call counts as well.
    """

    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._meter = meter

    async def awrap_model_call(self, request: ModelRequest[Any], handler: _ModelHandler) -> ModelResponse[Any]:
        context = request.runtime.context
        assert isinstance(context, TurnContext)
        try:
            response = await handler(request)
        except Exception:
            await self._meter.count_call(context.turn_id, Tokens())
            raise
        await self._meter.count_call(context.turn_id, _tokens(response.result))
        return response


def _answers_so_far(messages: list[AnyMessage]) -> int:
    last = max((n for n, message in enumerate(messages) if isinstance(message, HumanMessage)), default=-1)
    return sum(isinstance(message, AIMessage) for message in messages[last + 1 :])


def _tokens(answer: list[Any]) -> Tokens:
    """What the provider says the call took; nothing when it does not say."""
    found = [m.usage_metadata for m in answer if isinstance(m, AIMessage) and m.usage_metadata]
    return Tokens(
        sum(usage["input_tokens"] for usage in found),
        sum(usage.get("input_token_details", {}).get("cache_read", 0) for usage in found),
        sum(usage["output_tokens"] for usage in found),
    )
