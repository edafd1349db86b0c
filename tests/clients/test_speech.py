"""SpeechClient against the sandbox's OpenAI: what it sends, what comes back, and bad days."""

import asyncio
import base64
from datetime import datetime

import pytest
from outside_world import QUICK, OutsideWorld, calls, closed_port, failure, logged, until

from clients.errors import BusyError, LoginRefusedError, NotFoundError, RefusedError, ServiceError, UnreachableError
from clients.speech import SpeechClient
from clients.transport import RetryPolicy

KEY, MODEL = "sandbox-openai-key", "gpt-4o-mini-transcribe"
ROUTE = "/v1/audio/transcriptions"
VOICE = b"OggS\x00\x02 the voice of Joana"
NOTE = "audio/ogg; codecs=opus"
SAID = "Quero agendar na terça às 14h"


@pytest.fixture
def voice(world: OutsideWorld) -> bytes:
    """A recording that the sandbox knows the words of."""
    encoded = base64.b64encode(VOICE).decode()
    world.control("/customer/say", phone="+5511987654321", kind="audio", transcript=SAID, base64=encoded)
    return VOICE


def speech(world: OutsideWorld, work, *, retry: RetryPolicy = QUICK, timeout_s: float = 5.0, **more):
    """Runs work with a client of the sandbox's, in an event loop of its own."""
    options = {"base_url": f"{world.url('openai')}/v1", "api_key": KEY, "model": MODEL, **more}

    async def main():
        client = SpeechClient(timeout_s=timeout_s, retry=retry, **options)
        try:
            return await work(client)
        finally:
            await client.close()

    return asyncio.run(main())


def transcribe(world: OutsideWorld, audio: bytes = VOICE, mime_type: str = NOTE, language: str | None = "pt-BR", **more):
    return speech(world, lambda client: client.transcribe(audio, mime_type, language), **more)


def error_of(world: OutsideWorld, audio: bytes = VOICE, mime_type: str = NOTE, **more):
    return speech(world, lambda client: failure(client.transcribe(audio, mime_type, None)), **more)


def tries(world: OutsideWorld) -> int:
    return len(world.requests("openai", ROUTE))


def form(world: OutsideWorld) -> str:
    return world.requests("openai", ROUTE)[-1]["body"]


def field(name: str, value: str) -> str:
    return f'name="{name}"\r\n\r\n{value}\r\n'


# On a good day


def test_a_voice_note_becomes_the_words_in_it(world, voice):
    assert transcribe(world, voice) == SAID
    heard = {"model": MODEL, "bytes": len(VOICE), "text": SAID, "known": True}
    assert world.state("openai")["transcriptions"] == [heard]


def test_the_language_is_sent_as_a_bare_code(world, voice):
    for given, sent in (("pt-BR", "pt"), ("es", "es"), ("EN-us", "en")):
        transcribe(world, voice, language=given)
        assert field("language", sent) in form(world)


@pytest.mark.parametrize("unknown", [None, ""])
def test_without_a_language_the_model_finds_out(world, voice, unknown):
    assert transcribe(world, voice, language=unknown) == SAID
    assert "language" not in form(world)


@pytest.mark.parametrize(
    ("mime_type", "name"),
    [
        ("audio/ogg; codecs=opus", "audio.ogg"),
        ("AUDIO/MPEG", "audio.mp3"),
        ("audio/mpeg", "audio.mp3"),
        ("audio/mp4", "audio.m4a"),
        ("audio/x-wav", "audio.wav"),
        ("audio/webm;codecs=opus", "audio.webm"),
        ("application/octet-stream", "audio.ogg"),
        ("", "audio.ogg"),
    ],
)
def test_the_file_is_named_after_its_type(world, voice, mime_type, name):
    assert transcribe(world, voice, mime_type) == SAID
    assert f'filename="{name}"' in form(world)


def test_silence_is_no_words_and_no_error(world):
    world.control("/model/unknown_audio", text=" \n")
    assert transcribe(world) == ""


# On bad ones


def test_a_wait_that_is_asked_for_is_kept_to_and_then_it_works(world, voice):
    world.fault("openai", status=429, headers={"retry-after": "1"})
    with logged() as entries:
        assert transcribe(world, voice, retry=RetryPolicy(attempts=2, wait_s=0.01, wait_max_s=2)) == SAID
    first, second = world.requests("openai", ROUTE)
    assert [line["status"] for line in calls(entries)] == [429, 200]
    assert seconds_between(first, second) >= 0.95


def seconds_between(first: dict, second: dict) -> float:
    return (datetime.fromisoformat(second["at"]) - datetime.fromisoformat(first["at"])).total_seconds()


def test_a_longer_wait_than_ours_is_left_to_the_caller(world):
    world.fault("openai", status=429, headers={"retry-after": "30"}, times=-1)
    error = error_of(world)
    assert (type(error), error.retry_after_s, error.detail) == (BusyError, 30.0, "status 429, rate_limit_exceeded")
    assert tries(world) == 1


def test_no_credit_left_is_not_waited_for(world):
    body = {"error": {"message": "You exceeded your current quota", "type": "insufficient_quota", "code": "insufficient_quota"}}
    world.fault("openai", status=429, body=body, times=-1)
    error = error_of(world)
    assert (type(error), error.detail) == (LoginRefusedError, "status 429, insufficient_quota")
    assert tries(world) == 1


@pytest.mark.parametrize(
    "fault", [{"status": 500}, {"status": 503}, {"status": 408}, {"drop": "before"}, {"drop": "after"}], ids=str
)
def test_passing_trouble_is_tried_again_a_few_times_only(world, voice, fault):
    world.fault("openai", times=QUICK.attempts - 1, **fault)
    assert transcribe(world, voice) == SAID
    world.reset()
    world.fault("openai", times=-1, **fault)
    assert type(error_of(world)) is UnreachableError
    assert tries(world) == QUICK.attempts


def test_a_server_that_hangs_is_given_up(world):
    world.fault("openai", hold="before", times=-1)
    error = error_of(world, timeout_s=0.15)
    world.control("/faults/release")
    assert (type(error), error.detail) == (UnreachableError, "ReadTimeout")
    assert tries(world) == QUICK.attempts


def test_a_server_that_is_not_there(world):
    error = error_of(world, base_url=f"http://127.0.0.1:{closed_port()}/v1")
    assert (type(error), error.detail) == (UnreachableError, "ConnectError")


@pytest.mark.parametrize("body", ["<html>sign in</html>", [], {}, {"text": None}, {"text": 5}], ids=str)
def test_a_success_without_a_transcript_is_none(world, body):
    world.fault("openai", status=200, body=body, times=-1)
    assert type(error_of(world)) is UnreachableError
    assert tries(world) == QUICK.attempts


def test_a_wrong_key_needs_a_person(world):
    error = error_of(world, api_key="sk-not-the-right-one")
    assert (type(error), error.detail) == (LoginRefusedError, "status 401, invalid_api_key")
    world.fault("openai", status=403)
    assert type(error_of(world)) is LoginRefusedError
    assert tries(world) == 2


def test_a_recording_that_will_never_be_taken_is_sent_once(world):
    empty, document = error_of(world, b""), error_of(world, VOICE, "application/pdf")
    assert (type(empty), empty.detail) == (RefusedError, "status 400, audio_too_short")
    assert type(document) is RefusedError
    world.fault("openai", status=413)
    assert type(error_of(world)) is RefusedError
    assert tries(world) == 3


def test_a_model_that_is_not_there_is_told_with_what_to_look_at(world):
    world.reset(openai={"models": ["whisper-1"]})
    error = error_of(world)
    assert type(error) is NotFoundError
    assert error.detail == "status 404, model_not_found: are the address and the transcription model right?"
    assert tries(world) == 1


def test_a_redirect_is_not_followed(world):
    world.fault("openai", status=307, body="", headers={"location": f"{world.url('openai')}/v1/audio/transcriptions"})
    assert type(error_of(world)) is RefusedError
    assert tries(world) == 1


def test_a_call_that_its_caller_gives_up_is_not_repeated_and_has_a_line(world):
    world.fault("openai", hold="before", times=-1)

    async def work(client):
        call = asyncio.create_task(client.transcribe(VOICE, NOTE, None))
        await asyncio.to_thread(until, lambda: tries(world) == 1)
        call.cancel()
        outcome = (await asyncio.gather(call, return_exceptions=True))[0]
        world.control("/faults/release")
        return outcome

    with logged() as entries:
        assert type(speech(world, work)) is asyncio.CancelledError
    assert [line["status"] for line in calls(entries)] == ["cancelled"]
    assert tries(world) == 1


# What is logged


def test_each_attempt_has_a_line_with_the_usual_fields(world, voice):
    world.fault("openai", drop="before")
    world.fault("openai", status=503)
    with logged() as entries:
        transcribe(world, voice)
    lines = calls(entries)
    assert [(line["attempt"], line["status"]) for line in lines] == [(1, "RemoteProtocolError"), (2, 503), (3, 200)]
    for line in lines:
        assert set(line) == {"event", "log_level", "service", "method", "path", "status", "ms", "attempt"}
        assert (line["service"], line["method"], line["path"]) == ("OpenAI", "POST", "/audio/transcriptions")
        assert isinstance(line["ms"], int)


@pytest.mark.parametrize(
    "fault", [None, {"drop": "after"}, {"status": 400}, {"status": 401}, {"status": 429}, {"status": 500}], ids=str
)
def test_no_key_word_or_address_is_ever_logged_or_in_an_error(world, voice, fault):
    if fault:
        world.fault("openai", times=-1, **fault)

    async def work(client):
        return (await asyncio.gather(client.transcribe(voice, NOTE, "pt"), return_exceptions=True))[0]

    with logged() as entries:
        outcome = speech(world, work)
    said = f"{entries}"
    if fault:
        assert isinstance(outcome, ServiceError)
        assert outcome.__cause__ is None
        said += f"{outcome} {outcome!r}"
    assert [secret for secret in (KEY, SAID, "terça", "Joana", "127.0.0.1") if secret in said] == []
    assert calls(entries)


def test_a_sentence_in_place_of_an_error_code_is_not_repeated(world):
    world.fault("openai", status=400, body={"error": {"message": "x", "code": "Could not hear: Quero agendar"}})
    assert error_of(world).detail == "status 400"
