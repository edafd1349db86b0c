"""Transcription: the uploaded form, its checks, and the formats of the answer."""

import re
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox.openai.wire import ApiError, tokens

FORMATS = ("flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm")
MAX_BYTES = 26_214_400
_ANSWERS = ("json", "text", "verbose_json")


@dataclass(frozen=True)
class Part:
    """One field of a multipart form; `file_name` is None for plain fields."""

    data: bytes
    file_name: str | None = None


@dataclass(frozen=True)
class Upload:
    """A transcription request that passed the checks."""

    audio: bytes
    model: str
    answer: str
    language: str


def parse_form(body: bytes, content_type: str) -> dict[str, Part]:
    """The fields of a multipart/form-data body, bytes untouched; empty when it is something else."""
    found = re.search(r'boundary="?([^";]+)"?', content_type)
    if "multipart/form-data" not in content_type or not found:
        return {}
    parts: dict[str, Part] = {}
    for chunk in (b"\r\n" + body).split(b"\r\n--" + found[1].encode())[1:]:
        head, separator, data = chunk.partition(b"\r\n\r\n")
        header = head.decode("utf-8", "replace")
        name = re.search(r'[; ]name="([^"]*)"', header)
        if not separator or not name:
            continue
        file_name = re.search(r'filename="([^"]*)"', header)
        parts[name[1]] = Part(data, file_name[1] if file_name else None)
    return parts


def read_upload(form: dict[str, Part]) -> Upload:
    """Check a transcription's form.

    Raises:
        ApiError: 400 for a missing field, a format OpenAI does not take or audio that is none; 413 when too large.
    """
    if "file" not in form:
        raise ApiError(400, "Missing required parameter: 'file'.", param="file", code="missing_required_parameter")
    if not _text(form, "model"):
        raise ApiError(400, "you must provide a model parameter")
    audio, name = form["file"].data, form["file"].file_name or ""
    if len(audio) > MAX_BYTES:
        text = f"Maximum content size limit ({MAX_BYTES}) exceeded ({len(audio)} bytes read)"
        raise ApiError(413, text, "server_error")
    if name.rpartition(".")[2].lower() not in FORMATS:
        raise ApiError(400, f"Invalid file format. Supported formats: {list(FORMATS)}")
    if not audio:
        text = "Audio file is too short. Minimum audio length is 0.1 seconds."
        raise ApiError(400, text, param="file", code="audio_too_short")
    answer = _text(form, "response_format") or "json"
    if answer not in _ANSWERS:
        raise ApiError(400, f"The sandbox answers in {', '.join(_ANSWERS)} only.", param="response_format")
    return Upload(audio, _text(form, "model"), answer, _text(form, "language") or "portuguese")


def _text(form: dict[str, Part], name: str) -> str:
    return form[name].data.decode("utf-8", "replace") if name in form else ""


def transcription(upload: Upload, text: str) -> Response:
    """The answer in the format asked for."""
    if upload.answer == "text":
        return PlainTextResponse(text + "\n")
    seconds = max(1, len(text) // 15)
    if upload.answer == "verbose_json":
        body: dict[str, Any] = {"task": "transcribe", "language": upload.language, "duration": float(seconds)}
        return JSONResponse({**body, "text": text, "segments": [], "usage": {"type": "duration", "seconds": seconds}})
    if upload.model.startswith("whisper"):
        return JSONResponse({"text": text, "usage": {"type": "duration", "seconds": seconds}})
    heard, said = seconds * 10, tokens(text)
    details = {"text_tokens": 0, "audio_tokens": heard}
    usage = {"type": "tokens", "total_tokens": heard + said, "input_tokens": heard, "input_token_details": details}
    return JSONResponse({"text": text, "usage": {**usage, "output_tokens": said}})
