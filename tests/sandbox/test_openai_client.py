"""The imitated OpenAI, driven by the `openai` package: minds, tools, streams, errors, tokens, transcription."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from served_scene import ServedWorld

from sandbox.evolution.service import EvolutionService
from sandbox.openai.service import OpenAIService

KEY = "sandbox-openai-key"
TOOL = {
    "type": "function",
    "function": {
        "name": "check_availability",
        "description": "Free times",
        "parameters": {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]},
    },
}
HELLO = [{"role": "user", "content": "oi"}]


@pytest.fixture(scope="module")
def world() -> Iterator[ServedWorld]:
    with ServedWorld(EvolutionService, OpenAIService) as served:
        yield served


@pytest.fixture
def scene(world: ServedWorld) -> ServedWorld:
    world.control("/reset")
    return world


@pytest.fixture
def client(scene: ServedWorld) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=scene.urls["openai"] + "/v1", api_key=KEY, max_retries=0) as made:
        yield made


def script(scene: ServedWorld, *steps: dict[str, Any], **more: Any) -> None:
    scene.control("/model/script", steps=list(steps), **more)


def ask(client: openai.OpenAI, messages: Any = HELLO, **more: Any) -> Any:
    return client.chat.completions.create(model="gpt-4.1-mini", messages=messages, **more)


# --- the script ------------------------------------------------------------------------------------------------------


def test_each_completion_uses_up_one_step_in_order(scene: ServedWorld, client: openai.OpenAI) -> None:
    script(scene, {"say": "Olá!"}, {"say": "Tudo bem?"})
    assert [ask(client).choices[0].message.content for _ in range(2)] == ["Olá!", "Tudo bem?"]
    seen = scene.look("/model")
    assert (seen["mind"], seen["remaining"], seen["unexpected"], seen["requests"]) == ("script", [], [], 2)


def test_a_call_too_many_is_a_500_that_is_remembered_and_not_retried(scene: ServedWorld) -> None:
    script(scene, {"say": "Olá!"})
    with openai.OpenAI(base_url=scene.urls["openai"] + "/v1", api_key=KEY, max_retries=3) as eager:
        ask(eager)
        with pytest.raises(openai.InternalServerError, match="no step left"):
            ask(eager)
    (unexpected,) = scene.look("/model")["unexpected"]
    assert unexpected["request"]["messages"] == HELLO


def test_a_new_script_replaces_what_is_left_unless_it_is_appended(scene: ServedWorld) -> None:
    script(scene, {"say": "a"}, {"say": "b"})
    script(scene, {"say": "c"})
    script(scene, {"say": "d"}, append=True)
    assert scene.look("/model")["remaining"] == [{"say": "c"}, {"say": "d"}]


def test_tool_calls_carry_json_arguments_and_an_id(scene: ServedWorld, client: openai.OpenAI) -> None:
    script(scene, {"call": {"check_availability": {"day": "terça"}}, "say": "Um momento."})
    choice = ask(client, tools=[TOOL], tool_choice="auto").choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content == "Um momento."
    (call,) = choice.message.tool_calls
    assert (call.type, call.function.name) == ("function", "check_availability")
    assert json.loads(call.function.arguments) == {"day": "terça"}
    assert call.id.startswith("call_")


def test_several_tool_calls_of_one_step_have_different_ids(scene: ServedWorld, client: openai.OpenAI) -> None:
    script(scene, {"calls": [{"check_availability": {"day": "a"}}, {"check_availability": {"day": "b"}}]})
    calls = ask(client, tools=[TOOL]).choices[0].message.tool_calls
    assert [json.loads(call.function.arguments)["day"] for call in calls] == ["a", "b"]
    assert len({call.id for call in calls}) == 2


def test_a_raw_message_is_passed_on_whole(scene: ServedWorld, client: openai.OpenAI) -> None:
    script(scene, {"raw": {"content": None, "refusal": "Não posso."}}, {"say": "cort", "finish_reason": "length"})
    assert ask(client).choices[0].message.refusal == "Não posso."
    assert ask(client).choices[0].finish_reason == "length"


def test_broken_arguments_can_be_scripted(scene: ServedWorld, client: openai.OpenAI) -> None:
    script(scene, {"call": {"check_availability": '{"day": '}})
    assert ask(client, tools=[TOOL]).choices[0].message.tool_calls[0].function.arguments == '{"day": '


STEPS = [
    ({}, "step 0"),
    ({"says": "oi"}, "step 0"),
    ({"say": "oi", "error": {"status": 500}}, "error and raw stand alone"),
    ({"call": {"a": {}, "b": {}}}, "one key"),
    ({"call": {"a": {}}, "calls": []}, "either call or calls"),
    ({"error": {"code": 1, "wat": 2}}, "error is"),
]


@pytest.mark.parametrize(("step", "complaint"), STEPS)
def test_a_step_that_is_none_is_refused_when_the_script_is_set(scene: ServedWorld, step: dict[str, Any], complaint: str) -> None:
    assert complaint in scene.control("/model/script", 400, steps=[step])["error"]


def test_full_requests_are_kept(scene: ServedWorld, client: openai.OpenAI) -> None:
    script(scene, {"say": "Olá!"})
    long = "x" * 50_000
    ask(client, [{"role": "system", "content": long}, *HELLO], temperature=0.2, response_format={"type": "text"})
    (request,) = scene.look("/model/requests")
    assert request["messages"][0]["content"] == long
    assert (request["temperature"], request["response_format"]) == (0.2, {"type": "text"})


# --- the stand-in ----------------------------------------------------------------------------------------------------


def test_the_stand_in_answers_unless_a_script_is_set_and_says_so(scene: ServedWorld, client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model="gpt-4.1-mini", messages=HELLO)
    assert raw.headers["x-sandbox-mind"] == "stand-in"
    completion = raw.parse()
    assert completion.model == "marcado-stand-in"
    assert completion.choices[0].message.role == "assistant"
    seen = scene.look("/model")
    assert (seen["mind"], seen["label"], seen["unexpected"]) == ("stand_in", "marcado-stand-in", [])


def test_minds_can_be_changed(scene: ServedWorld, client: openai.OpenAI) -> None:
    script(scene, {"say": "do script"})
    scene.control("/model/mind", mind="stand_in")
    assert ask(client).model == "marcado-stand-in"
    scene.control("/model/mind", mind="script")
    completion = ask(client)
    assert (completion.choices[0].message.content, completion.model) == ("do script", "gpt-4.1-mini")
    assert "mind is 'gut'" in scene.control("/model/mind", 400, mind="gut")["error"]


# --- streaming -------------------------------------------------------------------------------------------------------


def test_a_stream_adds_up_to_the_text_and_ends_with_usage(scene: ServedWorld, client: openai.OpenAI) -> None:
    script(scene, {"say": "Olá, Maria! Tudo bem?"}, {"say": "Olá, Maria! Tudo bem?"})
    chunks = list(ask(client, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "Olá, Maria! Tudo bem?"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert len(chunks) > 4
    plain = ask(client)
    assert (chunks[-1].choices, chunks[-1].usage) == ([], plain.usage)
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_a_stream_without_the_option_has_no_usage(scene: ServedWorld, client: openai.OpenAI) -> None:
    script(scene, {"say": "Olá!"})
    assert all(chunk.usage is None for chunk in ask(client, stream=True))


def test_tool_calls_are_streamed_in_pieces_that_add_up(scene: ServedWorld, client: openai.OpenAI) -> None:
    days = {"day": "terça-feira, dez de março"}
    script(scene, {"calls": [{"check_availability": days}, {"check_availability": {"day": "quarta"}}]})
    with client.chat.completions.stream(model="gpt-4.1-mini", messages=HELLO, tools=[TOOL]) as stream:
        stream.until_done()
        message = stream.get_final_completion().choices[0].message
    assert [json.loads(call.function.arguments) for call in message.tool_calls] == [days, {"day": "quarta"}]


def test_an_error_step_fails_a_stream_before_it_starts(scene: ServedWorld, client: openai.OpenAI) -> None:
    script(scene, {"error": {"status": 429}})
    with pytest.raises(openai.RateLimitError):
        ask(client, stream=True)


# --- errors ----------------------------------------------------------------------------------------------------------


def test_the_client_waits_as_told_and_tries_again_after_a_429(scene: ServedWorld) -> None:
    script(scene, {"error": {"status": 429, "retry_after": 0.2}}, {"say": "Olá!"})
    with openai.OpenAI(base_url=scene.urls["openai"] + "/v1", api_key=KEY, max_retries=1) as patient:
        assert ask(patient).choices[0].message.content == "Olá!"
    first, second = (entry for entry in scene.look("/requests") if entry["path"].endswith("/completions"))
    assert (first["status"], second["status"]) == (429, 200)


def test_a_429_has_openais_envelope_and_a_retry_after(scene: ServedWorld, client: openai.OpenAI) -> None:
    script(scene, {"error": {"status": 429}})
    with pytest.raises(openai.RateLimitError) as limited:
        ask(client)
    assert limited.value.response.headers["retry-after"] == "1"
    assert limited.value.body["code"] == "rate_limit_exceeded"


def test_planned_faults_speak_openais_language(scene: ServedWorld, client: openai.OpenAI) -> None:
    for status, kind in ((429, openai.RateLimitError), (500, openai.InternalServerError), (401, openai.AuthenticationError)):
        scene.control("/faults", service="openai", status=status)
        with pytest.raises(kind):
            ask(client)
    assert scene.look("/model")["requests"] == 0


def test_a_wrong_key_is_refused_and_not_shown_whole(scene: ServedWorld) -> None:
    stranger = openai.OpenAI(base_url=scene.urls["openai"] + "/v1", api_key="sk-segredo-123456")
    with stranger, pytest.raises(openai.AuthenticationError) as refused:
        ask(stranger)
    assert refused.value.code == "invalid_api_key"
    assert "segredo" not in refused.value.message
    bare = scene.http.get(scene.urls["openai"] + "/v1/models")
    assert bare.status_code == 401
    assert bare.json()["error"]["type"] == "invalid_request_error"


CALL = {"id": "call_1", "type": "function", "function": {"name": "check_availability", "arguments": "{}"}}
CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "14h"}
BAD_REQUESTS = [
    ({"messages": []}, "messages"),
    ({"messages": [{"role": "robot", "content": "oi"}]}, "messages[0].role"),
    ({"messages": [*HELLO, RESULT]}, "messages.[1].role"),
    ({"messages": [*HELLO, CALLING]}, "messages.[2].role"),
    ({"messages": [*HELLO, CALLING, *HELLO, RESULT]}, "messages.[2].role"),
    ({"messages": [*HELLO, CALLING, RESULT, RESULT]}, "messages.[3].role"),
    ({"messages": HELLO, "tools": []}, "tools"),
    ({"messages": HELLO, "tools": [{"type": "function", "function": {"name": "com espaço"}}]}, "tools[0].function.name"),
    ({"messages": HELLO, "tool_choice": "auto"}, "tool_choice"),
    ({"messages": HELLO, "stream_options": {"include_usage": True}}, "stream_options"),
]


@pytest.mark.parametrize(("request_body", "param"), BAD_REQUESTS)
def test_requests_that_openai_refuses_are_refused_without_using_a_step(
    scene: ServedWorld, client: openai.OpenAI, request_body: dict[str, Any], param: str
) -> None:
    script(scene, {"say": "Olá!"})
    with pytest.raises(openai.BadRequestError) as refused:
        client.post("/chat/completions", body={"model": "gpt-4.1-mini", **request_body}, cast_to=object)
    assert refused.value.param == param
    assert len(scene.look("/model")["remaining"]) == 1


def test_a_tool_round_trip_is_accepted(scene: ServedWorld, client: openai.OpenAI) -> None:
    script(scene, {"say": "Às 14h."})
    assert ask(client, [*HELLO, CALLING, RESULT], tools=[TOOL]).choices[0].message.content == "Às 14h."


def test_unknown_urls_and_models_are_404(scene: ServedWorld, client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.post("/responses", body={}, cast_to=object)
    assert "gpt-4.1-mini" in [model.id for model in client.models.list()]
    scene.control("/reset", openai={"models": ["gpt-4.1-mini"]})
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="gpt-9", messages=HELLO)
    assert missing.value.code == "model_not_found"
    assert client.models.retrieve("gpt-4.1-mini").id == "gpt-4.1-mini"


# --- tokens ----------------------------------------------------------------------------------------------------------


def test_a_picture_costs_what_a_picture_costs_however_many_bytes_it_has(scene: ServedWorld, client: openai.OpenAI) -> None:
    script(scene, *[{"say": "Oi"}] * 4)

    def cost(size: int, **more: str) -> int:
        url = "data:image/jpeg;base64," + base64.b64encode(b"x" * size).decode()
        content = [{"type": "text", "text": "veja"}, {"type": "image_url", "image_url": {"url": url, **more}}]
        return int(ask(client, [{"role": "user", "content": content}]).usage.prompt_tokens)

    small, large, rough = cost(1_000), cost(500_000), cost(500_000, detail="low")
    assert small == large > 765
    assert large - rough == 765 - 85


def test_token_counts_are_the_same_every_time_and_add_up(scene: ServedWorld, client: openai.OpenAI) -> None:
    script(scene, {"say": "Olá!"}, {"say": "Olá!"}, {"say": "Olá! Que bom falar com você."})
    first, second, longer = (ask(client).usage for _ in range(3))
    assert first == second
    assert first.total_tokens == first.prompt_tokens + first.completion_tokens
    assert longer.completion_tokens > first.completion_tokens


def test_the_shared_beginning_of_a_long_prompt_counts_as_cached(scene: ServedWorld, client: openai.OpenAI) -> None:
    script(scene, *[{"say": "Olá!"}] * 4)
    policy = {"role": "system", "content": "Você vende energia solar. " * 300}
    cached = [
        ask(client, messages).usage.prompt_tokens_details.cached_tokens
        for messages in (
            [policy, *HELLO],
            [policy, *HELLO, {"role": "assistant", "content": "Olá!"}, *HELLO],
            [{"role": "system", "content": "Agora são 14h."}, policy, *HELLO],
            HELLO,
        )
    ]
    assert cached[0] == cached[2] == cached[3] == 0
    assert cached[1] >= 1024
    assert cached[1] % 128 == 0


# --- transcription ---------------------------------------------------------------------------------------------------


def voice_note(scene: ServedWorld, **said: Any) -> bytes:
    """What Evolution hands out for a voice note."""
    said_id = scene.control("/customer/say", phone="+5511987654321", kind="audio", **said)["id"]
    url = f"{scene.urls['evolution']}/chat/getBase64FromMediaMessage/marcado"
    body = {"message": {"key": {"id": said_id}}}
    answer = scene.http.post(url, json=body, headers={"apikey": "sandbox-evolution-key"})
    return base64.b64decode(answer.json()["base64"])


def transcribe(client: openai.OpenAI, data: bytes, name: str = "nota.ogg", **more: Any) -> Any:
    file = (name, data, "audio/ogg")
    return client.audio.transcriptions.create(model=more.pop("model", "gpt-4o-mini-transcribe"), file=file, **more)


def test_a_voice_note_is_transcribed_as_the_customer_spoke_it(scene: ServedWorld, client: openai.OpenAI) -> None:
    first = voice_note(scene, transcript="Quero um orçamento\npara minha casa")
    second = voice_note(scene, transcript="Amanhã às três")
    assert transcribe(client, second).text == "Amanhã às três"
    assert transcribe(client, first).text == "Quero um orçamento\npara minha casa"
    assert [entry["known"] for entry in scene.state("openai")["transcriptions"]] == [True, True]


def test_bytes_survive_the_form_whatever_they_are(scene: ServedWorld, client: openai.OpenAI) -> None:
    awkward = b"\r\n--\r\n\r\n\x00\xff" + bytes(range(256)) * 40 + b"\r\n"
    data = voice_note(scene, transcript="intacto", base64=base64.b64encode(awkward).decode())
    assert data == awkward
    assert transcribe(client, data).text == "intacto"


def test_audio_from_elsewhere_gets_the_text_set_for_it(scene: ServedWorld, client: openai.OpenAI) -> None:
    scene.control("/model/unknown_audio", text="(inaudível)")
    assert transcribe(client, b"OggS alheio").text == "(inaudível)"
    assert transcribe(client, voice_note(scene)).text == "(inaudível)"
    assert transcribe(client, b"OggS alheio", response_format="text") == "(inaudível)\n"
    verbose = transcribe(client, b"OggS alheio", model="whisper-1", response_format="verbose_json", language="pt")
    assert (verbose.text, verbose.language) == ("(inaudível)", "pt")


AUDIO = [
    (b"OggS", "nota.amr", "Invalid file format"),
    (b"OggS", "nota", "Invalid file format"),
    (b"", "nota.ogg", "too short"),
]


@pytest.mark.parametrize(("data", "name", "complaint"), AUDIO)
def test_audio_that_openai_refuses_is_refused(client: openai.OpenAI, data: bytes, name: str, complaint: str) -> None:
    with pytest.raises(openai.BadRequestError, match=complaint):
        transcribe(client, data, name)
