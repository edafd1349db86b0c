"""Speech to text through OpenAI's transcription route, or that of a server which imitates it."""

import json
import re
import time
from typing import Any

import structlog
from openai import APIConnectionError, APIStatusError, AsyncOpenAI, DefaultAsyncHttpxClient

from clients.errors import BusyError, LoginRefusedError, NotFoundError, RefusedError, ServiceError, UnreachableError
from clients.transport import RetryPolicy, attempts, retry_after_s, server_trouble

log = structlog.get_logger("clients")
SERVICE = "OpenAI"
_OPERATION, _PATH = "transcribe", "/audio/transcriptions"
# The route tells formats by the file's name alone. Voice notes are Ogg; the others are what phones and WhatsApp Web attach.
_EXTENSIONS = {
    "audio/ogg": "ogg",
    "audio/opus": "ogg",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/mp4": "m4a",
    "audio/m4a": "m4a",
    "audio/x-m4a": "m4a",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/webm": "webm",
    "audio/flac": "flac",
    "audio/x-flac": "flac",
    "application/octet-stream": "ogg",
}


class SpeechClient:
    """One transcription model at one server. Redirects are not followed: they would carry a customer's voice elsewhere."""

    def __init__(self, base_url: str, api_key: str, model: str, timeout_s: float, *, retry: RetryPolicy | None = None) -> None:
        """
        Args:
            base_url: With the version, e.g. "https://api.openai.com/v1".
            timeout_s: Seconds to wait for one attempt's answer.
        """
        self._model = model
        self._retry = retry or RetryPolicy()
        self._api = AsyncOpenAI(
            base_url=base_url,
            api_key=api_key,
            max_retries=0,  # the library's own repeats would be neither logged nor bounded in time
            http_client=DefaultAsyncHttpxClient(timeout=timeout_s, follow_redirects=False, trust_env=False),
        )

    async def close(self) -> None:
        await self._api.close()

    async def transcribe(self, audio: bytes, mime_type: str, language: str | None) -> str:
        """What is said in a recording; empty when nothing is. Safe to repeat.

        Args:
            mime_type: As WhatsApp gives it, e.g. "audio/ogg; codecs=opus".
            language: A hint such as "pt" or "pt-BR"; None lets the model find out.

        Raises:
            UnreachableError: No answer or a server's error, several times over; later it may work.
            BusyError: The service wants a longer pause than we wait here.
            RefusedError: It will never take this recording: too short, too long, another format.
            LoginRefusedError: Key, rights or credit: a person must act.
            NotFoundError: No such model there.
        """
        file = (f"audio.{_extension(mime_type)}", audio, mime_type)
        hint = {"language": language.partition("-")[0].lower()} if language else {}
        async for attempt in attempts(self._retry, UnreachableError):
            with attempt:
                return _words(await self._send(file, hint, attempt.num))
        raise AssertionError("unreachable: the retry loop returns or raises")

    async def _send(self, file: tuple[str, bytes, str], hint: dict[str, Any], attempt: int) -> str:
        """The body of a successful answer."""
        started = time.monotonic()
        outcome: int | str = "cancelled"
        try:
            answer = await self._api.audio.transcriptions.with_raw_response.create(
                model=self._model, file=file, response_format="json", **hint
            )
            outcome = answer.status_code
            body: str = answer.text
            return body
        except APIStatusError as error:
            outcome = error.status_code
            raise _error_of(error) from None
        except APIConnectionError as error:
            outcome = type(error.__cause__ or error).__name__
            raise UnreachableError(SERVICE, _OPERATION, outcome) from None
        finally:
            log.info(
                "call",
                service=SERVICE,
                method="POST",
                path=_PATH,
                status=outcome,
                ms=round((time.monotonic() - started) * 1000),
                attempt=attempt,
            )


def _extension(mime_type: str) -> str:
    """The ending of a file of that type. One we don't know goes as it is called: the service decides whether it takes it."""
    kind = mime_type.partition(";")[0].strip().lower()
    return _EXTENSIONS.get(kind) or re.sub(r"[^a-z0-9]", "", kind.partition("/")[2]) or "ogg"


def _words(body: str) -> str:
    try:
        text = json.loads(body)["text"]
    except (ValueError, LookupError, TypeError):
        text = None
    if not isinstance(text, str):
        # Somebody in between answered for the service.
        raise UnreachableError(SERVICE, _OPERATION, "a success without a transcript")
    return text.strip()


def _error_of(error: APIStatusError) -> ServiceError:
    status, code = error.status_code, _code(error)
    what = f"status {status}, {code}" if code else f"status {status}"
    # An account without credit is told so as 429: no wait helps.
    if status in (401, 403) or code == "insufficient_quota":
        return LoginRefusedError(SERVICE, _OPERATION, what)
    if status == 404:
        return NotFoundError(SERVICE, _OPERATION, f"{what}: are the address and the transcription model right?")
    if status == 429:
        return BusyError(SERVICE, _OPERATION, what, retry_after_s(error.response.headers.get("retry-after")))
    if status >= 500 or status == 408:
        return server_trouble(SERVICE, _OPERATION, status, is_safe=True)
    return RefusedError(SERVICE, _OPERATION, what if status >= 400 else f"{what}, a redirect: is the address right?")


def _code(error: APIStatusError) -> str | None:
    """The service's word for what is wrong, when it is one: imitations may put sentences there."""
    return error.code if error.code and re.fullmatch(r"[a-z_]{3,40}", error.code) else None
