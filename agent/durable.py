"""Makes every model call and every tool call of an agent a durable step: after a kill, finished ones are not done again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ModelRequest, ModelResponse, ToolCallRequest
from langchain_core.messages import ToolMessage, messages_from_dict, messages_to_dict
from langgraph.types import Command

from meetings.lanes import Lanes


class Durable(AgentMiddleware[Any, Any, Any]):
    """First in the middleware list. Also keeps tool calls of one answer in order: parallel ones could not be replayed."""

    def __init__(self, lanes: Lanes) -> None:
        super().__init__()
        self._lanes = lanes
        self._one_tool_at_a_time = asyncio.Lock()

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
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
