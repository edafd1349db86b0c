"""The chat model and the agent around it: LangChain's create_agent with our tools and limits."""

from collections.abc import Sequence
from typing import Any

import httpx
from langchain.agents import create_agent
from langchain.agents.middleware import ModelFallbackMiddleware
from langchain_openai import ChatOpenAI
from langgraph.graph.state import CompiledStateGraph
from pydantic import SecretStr

from agent.durable import BlindRetry, CallLimit, Durable, Metered
from meetings.lanes import Lanes
from meetings.usage import Meter
from tools.availability import check_availability
from tools.context import TurnContext
from tools.meeting import (
    cancel_meeting,
    create_meeting,
    get_meeting,
    notify_client,
    reschedule_meeting,
    save_link_to_kommo,
)
from tools.qualification import hand_off_to_seller, record_qualification

TOOLS = (
    record_qualification,
    check_availability,
    create_meeting,
    save_link_to_kommo,
    notify_client,
    get_meeting,
    reschedule_meeting,
    cancel_meeting,
    hand_off_to_seller,
)


def make_model(name: str, api_key: str, base_url: str, timeout_s: float, http: httpx.AsyncClient) -> ChatOpenAI:
    """A chat-completions model. One repeat on a passing trouble; anything longer is the turn's business.

    Args:
        http: Carries the calls. Ours to close: LangChain's own would outlive the event loop.
    """
    return ChatOpenAI(
        model=name,
        api_key=SecretStr(api_key),
        base_url=base_url,
        timeout=timeout_s,
        http_async_client=http,
        max_retries=1,
        use_responses_api=False,  # the route would else depend on the model's name
    )


def make_agent(
    models: Sequence[ChatOpenAI], lanes: Lanes, meter: Meter, max_calls: int
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Built once and reused for every turn. The policy is not fixed here: it depends on the customer's language.

    The first model is asked; each other one when those before it failed. All tries are one durable step, and one of the
    `max_calls` of a turn; beyond these, TooManyCallsError is raised.

    A mistake of ours inside a tool is not caught: it stops the turn, is reported, and the turn is tried again.
    """
    return create_agent(
        models[0],
        tools=list(TOOLS),
        context_schema=TurnContext,
        middleware=[
            CallLimit(max_calls),
            Durable(lanes),
            *([ModelFallbackMiddleware(*models[1:])] if models[1:] else []),
            BlindRetry(),
            Metered(meter),
        ],
    )


def text_of(messages: Sequence[Any]) -> str:
    """The text of the last message, without blocks that are no text."""
    return str(messages[-1].text).strip() if messages else ""
