"""OpenAI's API on loopback: chat completions from a script or a stand-in, transcriptions, models."""

import json
import random
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.controls import control
from sandbox.openai import audio
from sandbox.openai.cues import check_cues, step_for
from sandbox.openai.script import Spoken, check_steps, speak
from sandbox.openai.wire import (
    Answer,
    ApiError,
    EventStream,
    cached_tokens,
    check_request,
    prompt_text,
    prompt_tokens,
    tokens,
    usage,
    usual_error,
    wrong_key,
)
from sandbox.world import World

STAND_IN = "marcado-stand-in"
_MINDS = ("stand_in", "script", "cued")
_MODELS = (STAND_IN, "gpt-4.1-mini", "gpt-4o-mini-transcribe", "whisper-1")
_PROMPTS_KEPT = 200


@dataclass
class State:
    """Everything a call may change.

    Attributes:
        mind: stand_in, script or cued.
        steps: What is left of the script.
        cues: What the cued mind listens for, and what it does then.
        unexpected: Chat completions the script had no step for, or the stand-in failed at: {why, request}.
        requests: Bodies of chat completions, whole and in order, refused ones included.
        transcriptions: What was sent for transcription: {model, bytes, text}.
        prompts: Recent prompts, for the imitated prompt cache.
    """

    mind: str = "stand_in"
    steps: list[dict[str, Any]] = field(default_factory=list)
    cues: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    unexpected: list[dict[str, Any]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    transcriptions: list[dict[str, Any]] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    unknown_audio: str = "Áudio sem transcrição."


@dataclass
class Config:
    """What a seed can set and a call cannot change.

    Attributes:
        api_key: The only key accepted.
        models: Model names accepted; None for any.
    """

    api_key: str = "sandbox-openai-key"
    models: tuple[str, ...] | None = None


class OpenAIService:
    """The OpenAI service.

    Seed keys: api_key, models, mind, steps, unknown_audio (the transcript of audio nobody in the sandbox spoke).
    """

    name = "openai"

    def __init__(self, world: World) -> None:
        self.world = world
        self.state: State = State()
        self.config = Config()
        self._random = random.Random(0)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/v1/chat/completions", self._guarded(self._chat), methods=["POST"]),
            Route("/v1/audio/transcriptions", self._guarded(self._transcribe), methods=["POST"]),
            Route("/v1/models", self._guarded(self._list_models), methods=["GET"]),
            Route("/v1/models/{model:path}", self._guarded(self._get_model), methods=["GET"]),
            Route("/{path:path}", self._unknown, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]

    def controls(self) -> list[BaseRoute]:
        return [
            control("/model", lambda _: self._model_view(), ("GET",)),
            control("/model/script", self._set_script),
            control("/model/cues", self._set_cues),
            control("/model/mind", self._set_mind),
            control("/model/requests", lambda _: self.state.requests, ("GET",)),
            control("/model/unknown_audio", self._set_unknown_audio),
        ]

    def reset(self, seed: dict[str, Any]) -> None:
        unknown = set(seed) - {"api_key", "models", "mind", "steps", "unknown_audio"}
        if unknown:
            raise ValueError(f"seed for openai has unknown keys: {', '.join(sorted(unknown))}")
        models = seed.get("models")
        self.config = Config(seed.get("api_key", Config.api_key), tuple(models) if models is not None else None)
        self.state = State(unknown_audio=seed.get("unknown_audio", State.unknown_audio))
        self._random = random.Random(20261123)
        if "steps" in seed:
            self._set_script({"steps": seed["steps"]})
        if "mind" in seed:
            self._set_mind({"mind": seed["mind"]})

    def snapshot(self) -> dict[str, Any]:
        return {**self._model_view(), "transcriptions": self.state.transcriptions}

    def wire_error(self, status: int, request: Request) -> Response:
        return usual_error(status).response()

    # --- controls -----------------------------------------------------------------------------------------------------

    def _model_view(self) -> dict[str, Any]:
        state = self.state
        return {
            "mind": state.mind,
            "label": STAND_IN if state.mind == "stand_in" else state.mind,
            "remaining": state.steps,
            "unexpected": state.unexpected,
            "requests": len(state.requests),
        }

    def _set_script(self, data: dict[str, Any]) -> dict[str, Any]:
        """{steps, append?: bool}: a new script in place of what is left of the old one, and the mind that follows it."""
        steps = check_steps(data.get("steps"))
        self.state.steps = [*self.state.steps, *steps] if data.get("append") else list(steps)
        self.state.mind = "script"
        return self._model_view()

    def _set_cues(self, data: dict[str, Any]) -> dict[str, Any]:
        """{cues: {the customer's words: steps}, append?: bool}: what to do whenever a customer says these, and the cued mind."""
        cues = check_cues(data.get("cues"))
        self.state.cues = {**self.state.cues, **cues} if data.get("append") else cues
        self.state.mind = "cued"
        return {"mind": "cued", "cues": len(self.state.cues)}

    def _set_mind(self, data: dict[str, Any]) -> dict[str, Any]:
        if data.get("mind") not in _MINDS:
            raise ValueError(f"mind is {data.get('mind')!r}; use one of {', '.join(_MINDS)}")
        self.state.mind = data["mind"]
        return self._model_view()

    def _set_unknown_audio(self, data: dict[str, Any]) -> None:
        self.state.unknown_audio = str(data["text"])

    # --- routes -------------------------------------------------------------------------------------------------------

    def _guarded(self, handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """Check the key, turn errors into OpenAI's envelope, add the headers every answer has."""

        async def endpoint(request: Request) -> Response:
            try:
                self._check_key(request.headers.get("authorization", ""))
                response = await handler(request)
            except ApiError as error:
                response = error.response()
            response.headers["x-request-id"] = f"req_{self._random.getrandbits(128):032x}"
            response.headers["openai-version"] = "2020-10-01"
            response.headers["openai-processing-ms"] = "1"
            response.headers["x-sandbox-mind"] = self.state.mind.replace("_", "-")
            return response

        return endpoint

    def _check_key(self, authorization: str) -> None:
        kind, _, key = authorization.partition(" ")
        if kind.lower() != "bearer" or not key:
            text = "You didn't provide an API key. You need to provide your API key in an Authorization header."
            raise ApiError(401, text)
        if not secrets.compare_digest(key.encode(), self.config.api_key.encode()):
            raise wrong_key(key)

    async def _unknown(self, request: Request) -> Response:
        return ApiError(404, f"Invalid URL ({request.method} {request.url.path})").response()

    async def _list_models(self, request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [_model(name) for name in self.config.models or _MODELS]})

    async def _get_model(self, request: Request) -> Response:
        self._check_model(request.path_params["model"])
        return JSONResponse(_model(request.path_params["model"]))

    def _check_model(self, name: str) -> None:
        if self.config.models is not None and name not in self.config.models:
            text = f"The model `{name}` does not exist or you do not have access to it."
            raise ApiError(404, text, code="model_not_found")

    async def _transcribe(self, request: Request) -> Response:
        body = await request.body()
        upload = audio.read_upload(audio.parse_form(body, request.headers.get("content-type", "")))
        self._check_model(upload.model)
        text = self._transcript(upload.audio)
        entry = {"model": upload.model, "bytes": len(upload.audio), "text": text, "known": text is not None}
        self.state.transcriptions.append(entry)
        return audio.transcription(upload, self.state.unknown_audio if text is None else text)

    def _transcript(self, data: bytes) -> str | None:
        """What a voice note says, if it was spoken on the imitated WhatsApp of the same world."""
        lookup = getattr(self.world.services.get("evolution"), "transcript_of", None)
        text = lookup(data) if lookup else None
        return None if text is None else str(text)

    async def _chat(self, request: Request) -> Response:
        try:
            body = json.loads(await request.body())
        except ValueError:
            text = "We could not parse the JSON body of your request. The OpenAI API expects a JSON payload."
            raise ApiError(400, text) from None
        if not isinstance(body, dict):
            raise ApiError(400, "Invalid type for the request body: expected an object.")
        answer = self._answer(body)
        if not body.get("stream"):
            return JSONResponse(answer.completion())
        with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        return EventStream(answer.events(with_usage=with_usage))

    # --- minds --------------------------------------------------------------------------------------------------------

    def _answer(self, body: dict[str, Any]) -> Answer:
        self.state.requests.append(body)
        check_request(body)
        self._check_model(body["model"])
        spoken = self._think(body)
        prompt = prompt_text(body)
        cached = cached_tokens(prompt, self.state.prompts)
        self.state.prompts = [*self.state.prompts, prompt][-_PROMPTS_KEPT:]
        said = json.dumps([spoken.message.get("content"), spoken.message.get("tool_calls")], ensure_ascii=False)
        return Answer(
            id=f"chatcmpl-{self._letters(29)}",
            created=self.world.clock.timestamp(),
            model=STAND_IN if self.state.mind == "stand_in" else body["model"],
            message=spoken.message,
            finish_reason=spoken.finish_reason,
            usage=usage(prompt_tokens(body), cached, tokens(said)),
        )

    def _think(self, body: dict[str, Any]) -> Spoken:
        if self.state.mind == "stand_in":
            return self._stand_in(body)
        if self.state.mind == "cued":
            step = step_for(body["messages"], self.state.cues)
            if step is None:
                raise self._unexpected(body, "no cue fits what the customer said")
            return speak(step, lambda: f"call_{self._letters(24)}")
        if not self.state.steps:
            raise self._unexpected(body, "the script has no step left for this call")
        return speak(self.state.steps.pop(0), lambda: f"call_{self._letters(24)}")

    def _stand_in(self, body: dict[str, Any]) -> Spoken:
        # Imported when first needed: a scripted sandbox works without it.
        from sandbox.openai import standin

        try:
            message = standin.reply(body, now=self.world.clock.now())
        except Exception as error:
            # A mistake in the stand-in must show as one, not as a broken connection.
            raise self._unexpected(body, f"the stand-in failed: {type(error).__name__}: {error}") from error
        return Spoken(message, "tool_calls" if message.get("tool_calls") else "stop")

    def _unexpected(self, body: dict[str, Any], why: str) -> ApiError:
        self.state.unexpected.append({"why": why, "request": body})
        return usual_error(500, f"Sandbox: {why}.", final=True)

    def _letters(self, count: int) -> str:
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        return "".join(self._random.choices(alphabet, k=count))


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "sandbox"}
