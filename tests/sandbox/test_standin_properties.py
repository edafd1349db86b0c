"""Whatever arrives, the stand-in answers with a valid message, ends its turn, and invents no time."""

import copy
import json
import re
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.openai.standin import reply

NOW = datetime(2026, 3, 9, 12, 15, tzinfo=UTC)
TOOLS = (
    "record_qualification",
    "check_availability",
    "create_meeting",
    "save_link_to_kommo",
    "notify_client",
    "get_meeting",
    "reschedule_meeting",
    "cancel_meeting",
    "hand_off_to_seller",
)
_HEAD_WORDS = (
    "RECORDED QUALIFIED NOT_QUALIFIED UNCLEAR FREE NONE_FREE BOOKED SLOT_TAKEN NOT_OFFERED ALREADY_BOOKED UNKNOWN CONFIRMING "
    "SAVED SENT MEETING NO_MEETING MOVED CANCELLED HANDED_OFF Error"
)
HEADS = _HEAD_WORDS.split()
_CUSTOMER_WORDS = (
    "oi quero agendar remarcar cancelar terça quinta segunda às 14h 9:30 2 a opção amanhã de manhã dia 31 31/02 12/03/2026 R$ "
    "800,00 mil duzentos entre não sim ? . , atendente robô quando é reunião obrigado casa hoje hasta mañana next week 99 "
    "31/12/9999 depois das 10h até pode ser 999999999999"
)

_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
_texts = st.lists(
    st.sampled_from([*_CUSTOMER_WORDS.split(), "\n"]),
    max_size=12,
).map(" ".join) | st.text(max_size=40)
_criterion = st.sampled_from(
    [
        "bill | money | Qual é o valor da conta?",
        "kind | choice | Qual é o imóvel? | casa, Sítio, Não",
        "owner | yes_no | Você é o dono do imóvel?",
        "people | number | Quantas pessoas?",
        "city | text | Qual cidade?",
        "odd | no such type | Hm?",
        "broken | money",
        "choice | choice | Sem opções? | ,,",
    ]
)
_option = st.sampled_from(
    [
        "1 | 2026-03-10T09:00-03:00 | terça-feira, 10 de março de 2026, 09:00",
        "2 | 2026-03-10T14:00-03:00 | terça-feira, 10 de março de 2026, 14:00",
        "3 | 2026-03-12T16:00-03:00 | quinta-feira, 12 de março de 2026, 16:00",
        "7 | never | sem hora",
        "1 | 2026-03-10T09:00",
        "x | y | z",
    ]
)


@st.composite
def _facts(draw: st.DrawFn) -> str:
    first = draw(st.booleans())
    lines = [
        "now: "
        + draw(
            st.sampled_from(["2026-03-09T09:15-03:00 | segunda-feira", "nonsense", "9999-12-31T23:00-03:00 | x", "0001-01-01"])
        ),
        f"language: {draw(st.sampled_from(['pt-BR', 'es', 'en', 'fr', '']))}",
        f"customer: {draw(st.sampled_from(['', 'Maria', '🔥', '{name} | x']))}",
        f"qualification: {draw(st.sampled_from(['missing', 'ok', 'failed', '']))}",
        *(f"missing: {line}" for line in draw(st.lists(_criterion, max_size=4))),
        *(f"offered: {line}" for line in draw(st.lists(_option, max_size=4))),
        "meeting: "
        + draw(st.sampled_from(["none", "scheduled | 2026-03-10T14:00-03:00 | label | Ana", "scheduled", "cancelled | x"])),
        f"first_contact: {'yes' if first else 'no'}",
        "introduction: Sou a Clara.",
        draw(_texts),
    ]
    return "\n".join(["<facts>", *lines, "</facts>"])


@st.composite
def _requests(draw: st.DrawFn) -> dict[str, Any]:
    roles = st.sampled_from(["user", "assistant"])
    history = [{"role": draw(roles), "content": draw(_texts)} for _ in range(draw(st.integers(0, 3)))]
    new = [{"role": "user", "content": draw(_texts)} for _ in range(draw(st.integers(0, 3)))]
    tools = draw(st.lists(st.sampled_from(TOOLS), unique=True)) if draw(st.booleans()) else list(TOOLS)
    return {
        "messages": [*history, {"role": "system", "content": draw(_facts())}, *new],
        "tools": [{"type": "function", "function": {"name": name}} for name in tools],
    }


def _assert_valid(message: dict[str, Any], request: dict[str, Any]) -> None:
    assert message["role"] == "assistant"
    json.dumps(message, ensure_ascii=False, allow_nan=False).encode()
    calls = message.get("tool_calls")
    if calls is None:
        assert isinstance(message["content"], str)
        assert message["content"].strip()
        return
    assert message["content"] is None
    assert len(calls) == 1
    assert calls[0]["type"] == "function"
    assert re.fullmatch(r"call_[0-9a-f]{24}", calls[0]["id"])
    assert isinstance(json.loads(calls[0]["function"]["arguments"]), dict)
    assert calls[0]["function"]["name"] in {tool["function"]["name"] for tool in request["tools"]}


@settings(deadline=None, database=None, max_examples=200)
@given(st.dictionaries(st.sampled_from(["messages", "tools", "tool_choice", "model"]), _anything))
def test_any_request_gets_a_valid_message(request: dict[str, Any]) -> None:
    _assert_valid(reply(request, now=NOW), request)


@settings(deadline=None, database=None, max_examples=200)
@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "role": st.sampled_from(["system", "developer", "user", "assistant", "tool", "x"]) | _anything,
                "content": _anything | st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": _anything})) | _facts(),
                "tool_calls": _anything | st.lists(st.fixed_dictionaries({"id": _anything, "function": _anything}), max_size=2),
                "tool_call_id": _anything,
            },
        ),
        max_size=6,
    )
)
def test_any_messages_get_a_valid_message(messages: list[dict[str, Any]]) -> None:
    request = {"messages": messages, "tools": [{"type": "function", "function": {"name": name}} for name in TOOLS]}
    _assert_valid(reply(request, now=NOW), request)


@settings(deadline=None, database=None, max_examples=200)
@given(_requests(), st.data())
def test_every_turn_ends_within_eight_calls_whatever_the_tools_say(request: dict[str, Any], data: st.DataObject) -> None:
    results = st.builds(
        lambda head, lines: "\n".join([f"{head}: said", *lines]),
        st.sampled_from(HEADS),
        st.lists(_option | _criterion.map("missing: {}".format), max_size=3),
    )
    ids = []
    for _ in range(9):
        message = reply(request, now=NOW)
        _assert_valid(message, request)
        if "tool_calls" not in message:
            break
        ids.append(message["tool_calls"][0]["id"])
        result = {"role": "tool", "tool_call_id": ids[-1], "content": data.draw(results)}
        request = request | {"messages": [*request["messages"], message, result]}
    assert "tool_calls" not in message
    assert len(ids) == len(set(ids)) <= 8


@settings(deadline=None, database=None, max_examples=300)
@given(_requests())
def test_no_text_names_an_hour_or_a_day_that_the_facts_do_not_name(request: dict[str, Any]) -> None:
    message = reply(request, now=NOW)
    known = "\n".join(part["content"] for part in request["messages"] if part["role"] == "system")
    for written in re.findall(r"\d{1,2}[:/h]\d{0,2}|segunda|terça|quarta|quinta|sexta|amanhã|hoje", message["content"] or ""):
        assert written in known


@settings(deadline=None, database=None, max_examples=200)
@given(_requests())
def test_a_quote_is_always_the_customers_own_words_and_an_option_always_an_offered_one(request: dict[str, Any]) -> None:
    message = reply(request, now=NOW)
    facts = next(part["content"] for part in request["messages"] if part["role"] == "system")
    new = request["messages"][[part["role"] for part in request["messages"]].index("system") + 1 :]
    for call in message.get("tool_calls", []):
        arguments = json.loads(call["function"]["arguments"])
        if "quote" in arguments:
            assert any(arguments["quote"] in part["content"] for part in new)
            assert arguments["quote"].strip()
        if "option" in arguments:
            assert f"offered: {arguments['option']} |" in facts


@settings(deadline=None, database=None, max_examples=100)
@given(_requests())
def test_the_same_request_gets_the_same_message_and_is_left_unchanged(request: dict[str, Any]) -> None:
    kept = copy.deepcopy(request)
    assert reply(request, now=NOW) == reply(kept, now=NOW)
    assert request == kept
