"""What a turn hears and sees: voice notes become text, pictures become parts of a prompt. No words of a customer are logged."""

import asyncio
import base64
from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import structlog
from sqlalchemy import ColumnElement, select

from clients.errors import NotFoundError, ServiceError
from clients.speech import SpeechClient
from clients.whatsapp import WhatsAppClient
from meetings.customers import language_of
from meetings.database import Database
from meetings.events import ContentKind
from meetings.tables import Customer, Message, MessageState

log = structlog.get_logger("senses")
MAX_IMAGES = 3
_FRESH_S = 60
_AT_ONCE = 3  # recordings fetched and transcribed side by side
_T = TypeVar("_T")


class _UnfitError(Exception):
    """The media came, but is of no use; the message says why."""


class Senses:
    """Fetches what customers sent and makes it fit for the model. What can't be had is left out and logged, never raised."""

    def __init__(
        self,
        db: Database,
        whatsapp: WhatsAppClient,
        speech: SpeechClient,
        now: Callable[[], datetime],
        *,
        max_audio_bytes: int,
        max_image_bytes: int,
        waits_s: Sequence[float] = (1, 3, 10),
    ) -> None:
        """
        Args:
            waits_s: Seconds between two looks for media that Evolution does not have: the message can reach us before its
                database. There is one look more than there are waits, and after a minute only the first wait is kept.
        """
        self.db, self.whatsapp, self.speech, self.now = db, whatsapp, speech, now
        self.max_audio_bytes, self.max_image_bytes = max_audio_bytes, max_image_bytes
        self.waits_s = tuple(waits_s)

    async def hear(self, customer_id: int, message_ids: list[int]) -> None:
        """Writes down what is said in the customer's voice notes among these messages; `kind` stays "audio".

        Safe to repeat: a message that has its text is not fetched again. One that can't be fetched or understood keeps an
        empty text.
        """
        async with self.db.transaction() as session:
            customer = await session.get_one(Customer, customer_id)
            language = language_of(customer, "") or None  # unknown is no hint: a wrong one makes the model translate
            unheard = [*_wanted(message_ids, ContentKind.AUDIO), Message.customer_id == customer_id, Message.text == ""]
            notes = list(await session.scalars(select(Message).where(*unheard).order_by(Message.id)))
        gate = asyncio.Semaphore(_AT_ONCE)
        await _all(self._hear(note, language, gate) for note in notes)

    async def images(self, message_ids: list[int]) -> list[dict[str, Any]]:
        """The newest pictures among these messages as OpenAI content parts, in the order they were sent.

        At most `MAX_IMAGES` are fetched; JPEG, PNG and WebP up to `max_image_bytes` are given. Captions stand in the messages.

        Returns:
            {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,…"}} for each.
        """
        sent = select(Message).where(*_wanted(message_ids, ContentKind.IMAGE))
        async with self.db.transaction() as session:
            newest = await session.scalars(sent.order_by(Message.sent_at.desc(), Message.id.desc()).limit(MAX_IMAGES))
            pictures = list(newest)[::-1]
        return [part for part in await _all(self._see(picture) for picture in pictures) if part]

    async def _hear(self, note: Message, language: str | None, gate: asyncio.Semaphore) -> None:
        try:
            async with gate:
                audio, mime_type = await self._media(note, self.max_audio_bytes)
                text = await self.speech.transcribe(audio, mime_type, language)
        except (ServiceError, _UnfitError) as error:
            _left_out(note, str(error))
            return
        if text:
            await self._write_down(note, text)
        else:
            _left_out(note, "nothing is said in it")

    async def _write_down(self, note: Message, text: str) -> None:
        async with self.db.transaction() as session:
            stored = await session.get_one(Message, note.id)
            if not stored.text and stored.state == MessageState.NEW:  # else the customer deleted it meanwhile
                stored.text = text

    async def _see(self, picture: Message) -> dict[str, Any] | None:
        try:
            image, _ = await self._media(picture, self.max_image_bytes)
            mime_type = _image_type(image)
        except (ServiceError, _UnfitError) as error:
            _left_out(picture, str(error))
            return None
        return {"type": "image_url", "image_url": {"url": f"data:{mime_type};base64,{base64.b64encode(image).decode()}"}}

    async def _media(self, message: Message, max_bytes: int) -> tuple[bytes, str]:
        data, mime_type = await self._fetch(message)
        if len(data) > max_bytes:
            raise _UnfitError(f"{len(data)} bytes, at most {max_bytes} are taken")
        return data, mime_type

    async def _fetch(self, message: Message) -> tuple[bytes, str]:
        for wait_s in self._waits_for(message):
            try:
                return await self.whatsapp.media(str(message.vendor_id))
            except NotFoundError:
                await asyncio.sleep(wait_s)
        return await self.whatsapp.media(str(message.vendor_id))

    def _waits_for(self, message: Message) -> tuple[float, ...]:
        """Evolution has long stored what came a while ago, if it ever will: a turn that is tried again does not wait in full."""
        is_fresh = (self.now() - message.stored_at).total_seconds() <= _FRESH_S
        return self.waits_s if is_fresh else self.waits_s[:1]


def _wanted(message_ids: Iterable[int], kind: ContentKind) -> list[ColumnElement[bool]]:
    """Which of these messages are of that kind and a customer's that waits for its answer (a deleted one does not)."""
    return [
        Message.id.in_(list(message_ids)),
        Message.state == MessageState.NEW,
        Message.kind == kind,
        Message.vendor_id.is_not(None),
    ]


def _left_out(message: Message, why: str) -> None:
    log.warning("media left out", customer=message.customer_id, message=message.id, kind=message.kind, problem=why)


def _image_type(image: bytes) -> str:
    """The type by the first bytes: a wrong one in a prompt fails the whole call, and senders' labels are wrong at times."""
    if image.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if image.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if image[:4] == b"RIFF" and image[8:12] == b"WEBP":
        return "image/webp"
    raise _UnfitError("neither JPEG, PNG nor WebP")


async def _all(work: Iterable[Coroutine[Any, Any, _T]]) -> list[_T]:
    """The results in order. All have ended before the first mistake is raised: none goes on behind the caller's back."""
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]
