"""The imitated OpenAI, driven by LangChain's ChatOpenAI as an agent would drive it."""

from collections.abc import Iterator

import pytest
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from served_scene import ServedWorld

from sandbox.openai.service import OpenAIService


@tool
def check_availability(day: str) -> str:
    """Free times of a day."""
    return f"{day}: 14h"


@pytest.fixture(scope="module")
def world() -> Iterator[ServedWorld]:
    with ServedWorld(OpenAIService) as served:
        yield served


@pytest.fixture
def model(world: ServedWorld) -> ChatOpenAI:
    world.control("/reset")
    url = world.urls["openai"] + "/v1"
    return ChatOpenAI(model="gpt-4.1-mini", base_url=url, api_key="sandbox-openai-key", max_retries=0, stream_usage=True)


def test_tools_are_called_and_their_results_accepted(world: ServedWorld, model: ChatOpenAI) -> None:
    steps = [{"call": {"check_availability": {"day": "terça"}}}, {"say": "Terça às 14h?"}]
    world.control("/model/script", steps=steps)
    bound = model.bind_tools([check_availability])
    asked = bound.invoke("tem horário na terça?")
    (call,) = asked.tool_calls
    assert (call["name"], call["args"]) == ("check_availability", {"day": "terça"})
    result = check_availability.invoke(call)
    answer = bound.invoke([("user", "tem horário na terça?"), asked, result])
    assert answer.text == "Terça às 14h?"
    assert answer.usage_metadata["input_tokens"] > 0
    assert answer.usage_metadata["input_token_details"]["cache_read"] == 0


def test_streams_carry_text_and_usage(world: ServedWorld, model: ChatOpenAI) -> None:
    world.control("/model/script", steps=[{"say": "Olá, tudo bem?"}])
    whole = None
    for chunk in model.stream("oi"):
        whole = chunk if whole is None else whole + chunk
    assert whole.text == "Olá, tudo bem?"
    assert whole.usage_metadata["total_tokens"] > 0
