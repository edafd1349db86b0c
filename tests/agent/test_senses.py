"""Voice notes and pictures of customers, from the sandbox's WhatsApp through the webhook into text and prompt parts."""

import base64
import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.exc import NoResultFound
from structlog.testing import capture_logs

from agent.senses import MAX_IMAGES, Senses
from cli.stack import SANDBOX_TOKEN, Stack
from cli.wiring import Service, utc_now
from clients.speech import SpeechClient
from clients.transport import RetryPolicy
from clients.whatsapp import WhatsAppClient
from meetings.tables import Customer, Message, MessageState

ROOT = Path(__file__).parents[2]
SAID = "Pode ser terça às 14h"
MEDIA, SPEECH = "/chat/getBase64FromMediaMessage", "/v1/audio/transcriptions"
NOT_STORED = {"status": 400, "error": "Bad Request", "response": {"message": ["Message not found"]}}
TWICE = RetryPolicy(attempts=2, total_s=10, wait_s=0.01, wait_max_s=0.05)
JPEG, PNG, WEBP = b"\xff\xd8\xff\xe0 a photo", b"\x89PNG\r\n\x1a\n a picture", b"RIFF\x10\x00\x00\x00WEBP a picture"
_numbers = itertools.count(987_650_000)


@dataclass
class Scene:
    """A customer who writes to a running service that answers nobody yet."""

    stack: Stack
    http: httpx.Client
    phone: str = field(default_factory=lambda: f"+5511{next(_numbers)}")

    def control(self, path: str, /, **fields: Any) -> Any:
        answer = self.http.post(path, json=fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fault(self, path: str, /, **what: Any) -> None:
        self.control("/faults", **{"service": "evolution" if path == MEDIA else "openai", "path": path, **what})

    def calls(self, path: str, about: str = "") -> int:
        """How many calls reached that path since the test began."""
        return len([entry for entry in self.http.get("/requests").json() if path in entry["path"] and about in entry["body"]])

    def say(self, kind: str, **fields: Any) -> int:
        """Sends something to us; our id of it, once it is stored."""
        sent = self.control("/customer/say", **{"phone": self.phone, "kind": kind, **fields})
        return self.stored(sent["id"])

    def voice_note(self, transcript: str | None = SAID, **fields: Any) -> int:
        return self.say("audio", transcript=transcript, **fields)

    def photo(self, data: bytes, **fields: Any) -> int:
        return self.say("image", base64=base64.b64encode(data).decode(), **fields)

    def stored(self, vendor_id: str) -> int:
        async def find(service: Service) -> int | None:
            async with service.db.transaction() as session:
                return await session.scalar(select(Message.id).where(Message.vendor_id == vendor_id))

        until(lambda: self.stack.call(find))
        return int(self.stack.call(find))

    def message(self, message_id: int) -> Message:
        return self._get(Message, message_id)

    def customer_of(self, message_id: int) -> Customer:
        return self._get(Customer, self.message(message_id).customer_id)

    def change(self, table: Any, row_id: int, **values: Any) -> None:
        async def write(service: Service) -> None:
            async with service.db.transaction() as session:
                row = await session.get_one(table, row_id)
                for name, value in values.items():
                    setattr(row, name, value)

        self.stack.call(write)

    def _get(self, table: Any, row_id: int) -> Any:
        async def read(service: Service) -> Any:
            async with service.db.transaction() as session:
                return await session.get_one(table, row_id)

        return self.stack.call(read)

    def with_senses(self, work: Callable[[Senses], Any], **options: Any) -> Any:
        """Runs work with senses made of the service's parts; options replace what they are made with."""
        urls = self.stack.sandbox.urls
        keys = {"whatsapp_key": "sandbox-evolution-key", "speech_key": "sandbox-openai-key"}
        keys = {name: options.pop(name, key) for name, key in keys.items()}
        options = {"max_audio_bytes": 100_000, "max_image_bytes": 100_000, "waits_s": (0.01, 0.02), **options}
        now = options.pop("now", utc_now)

        async def run(service: Service) -> Any:
            whatsapp = WhatsAppClient(urls["evolution"], keys["whatsapp_key"], "marcado", retry=TWICE)
            speech = SpeechClient(f"{urls['openai']}/v1", keys["speech_key"], "whisper-1", 5.0, retry=TWICE)
            try:
                return await work(Senses(service.db, whatsapp, speech, now, **options))
            finally:
                await whatsapp.close()
                await speech.close()

        return self.stack.call(run)

    def hear(self, *message_ids: int, **options: Any) -> list[str]:
        """The texts of the messages after hearing them."""
        customer_id = self.message(message_ids[0]).customer_id
        self.with_senses(lambda senses: senses.hear(customer_id, list(message_ids)), **options)
        return [self.message(message_id).text for message_id in message_ids]

    def images(self, *message_ids: int, **options: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.with_senses(lambda senses: senses.images(list(message_ids)), **options)
        return found


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    # A silence of a minute: nothing is answered here, only taken in.
    with Stack(business_file=ROOT / "business.toml", overrides={"DEBOUNCE_SILENCE_S": 60, "DEBOUNCE_CAP_S": 300}) as served:
        yield served


@pytest.fixture
def scene(stack: Stack) -> Iterator[Scene]:
    with httpx.Client(base_url=f"{stack.sandbox.control_url}/_sandbox", trust_env=False, timeout=20) as http:
        stack.sandbox.world.requests.clear()
        yield Scene(stack, http)
        http.delete("/faults")


def until(condition: Callable[[], Any], within_s: float = 10) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def problems(entries: list[Any]) -> list[str]:
    return [entry["problem"] for entry in entries if entry["event"] == "media left out"]


def shown(mime_type: str, data: bytes) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": f"data:{mime_type};base64,{base64.b64encode(data).decode()}"}}


# Hearing


def test_a_voice_note_becomes_its_words_and_stays_a_voice_note(scene: Scene) -> None:
    note = scene.voice_note()
    assert scene.message(note).text == ""
    assert scene.hear(note) == [SAID]
    message = scene.message(note)
    assert (message.kind, message.state) == ("audio", MessageState.NEW)


def test_what_was_heard_is_not_fetched_again(scene: Scene) -> None:
    note = scene.voice_note()
    scene.hear(note)
    assert scene.hear(note) == [SAID]
    assert (scene.calls(MEDIA), scene.calls(SPEECH)) == (1, 1)


def test_a_transcript_that_came_with_the_message_is_kept(scene: Scene) -> None:
    note = scene.voice_note()
    scene.change(Message, note, text="quero marcar")
    assert scene.hear(note) == ["quero marcar"]
    assert scene.calls(MEDIA) == 0


def test_the_customers_language_is_the_hint_and_else_that_of_the_phones_country(scene: Scene) -> None:
    scene.hear(scene.voice_note())
    assert scene.calls(SPEECH, 'name="language"\r\n\r\npt\r\n') == 1
    note = scene.voice_note()
    scene.change(Customer, scene.customer_of(note).id, locale="es")
    scene.hear(note)
    assert scene.calls(SPEECH, 'name="language"\r\n\r\nes\r\n') == 1


def test_without_language_and_phone_there_is_no_hint(scene: Scene) -> None:
    note = scene.voice_note(lid_mode="no_phone")
    assert scene.customer_of(note).phone is None
    assert scene.hear(note) == [SAID]
    assert (scene.calls(SPEECH), scene.calls(SPEECH, 'name="language"')) == (1, 0)


def test_all_notes_of_a_burst_are_heard(scene: Scene) -> None:
    notes = [scene.voice_note(f"parte {n}") for n in range(5)]
    assert scene.hear(*notes) == [f"parte {n}" for n in range(5)]


def test_only_unanswered_voice_notes_of_that_customer_are_heard(scene: Scene) -> None:
    note, text, photo = scene.voice_note(), scene.say("text", text="Oi"), scene.photo(JPEG)
    answered, foreign = scene.voice_note(), Scene(scene.stack, scene.http).voice_note("de outra pessoa")
    scene.change(Message, answered, state=MessageState.ANSWERED)
    assert scene.hear(note, text, photo, answered, foreign) == [SAID, "Oi", "", "", ""]
    assert scene.calls(MEDIA) == 1


def test_nothing_claimed_asks_nobody(scene: Scene) -> None:
    customer = scene.customer_of(scene.say("text", text="Oi"))
    scene.with_senses(lambda senses: senses.hear(customer.id, []))
    assert scene.images() == []
    assert (scene.calls(MEDIA), scene.calls(SPEECH)) == (0, 0)


# Media that is not there yet


def test_media_that_is_not_stored_yet_is_asked_for_again(scene: Scene) -> None:
    note = scene.voice_note()
    scene.fault(MEDIA, status=400, body=NOT_STORED, times=2)
    assert scene.hear(note) == [SAID]
    assert scene.calls(MEDIA) == 3


def test_a_message_that_reaches_us_before_evolutions_database_is_heard(scene: Scene) -> None:
    key = {"remoteJid": f"{scene.phone[1:]}@s.whatsapp.net", "fromMe": False, "id": "3AEARLY"}
    data = {"key": key, "pushName": "Bia", "message": {"audioMessage": {"ptt": True}}, "messageTimestamp": int(time.time())}
    body = {"event": "messages.upsert", "instance": "marcado", "data": data}
    url = f"{scene.stack.url}/webhook/evolution"
    assert httpx.post(url, json=body, params={"token": SANDBOX_TOKEN}, trust_env=False).status_code == 200
    note = scene.stored("3AEARLY")
    with ThreadPoolExecutor(1) as pool:
        hearing = pool.submit(scene.hear, note, waits_s=(0.05,) * 100)
        until(lambda: scene.calls(MEDIA) >= 2)
        scene.voice_note(id="3AEARLY")
        assert hearing.result(20) == [SAID]


def test_media_that_never_comes_is_asked_for_a_bounded_number_of_times(scene: Scene) -> None:
    note = scene.voice_note()
    scene.fault(MEDIA, status=400, body=NOT_STORED, times=-1)
    with capture_logs() as entries:
        assert scene.hear(note, waits_s=(0.01, 0.01, 0.01)) == [""]
    assert scene.calls(MEDIA) == 4
    assert problems(entries) == ["WhatsApp: fetch media failed (status 400)"]


def test_what_came_a_while_ago_is_not_waited_for_in_full(scene: Scene) -> None:
    note = scene.voice_note()
    scene.fault(MEDIA, status=400, body=NOT_STORED, times=-1)
    assert scene.hear(note, now=lambda: utc_now() + timedelta(minutes=2), waits_s=(0.01, 30, 30)) == [""]
    assert scene.calls(MEDIA) == 2


# Bad days


@pytest.mark.parametrize("path", [MEDIA, SPEECH])
@pytest.mark.parametrize(
    "fault",
    [{"status": 429, "headers": {"retry-after": "0"}}, {"status": 503}, {"drop": "before"}, {"drop": "after"}],
    ids=["busy", "down", "dropped before", "dropped after"],
)
def test_passing_trouble_leaves_the_note_heard(scene: Scene, path: str, fault: dict[str, Any]) -> None:
    note = scene.voice_note()
    scene.fault(path, **fault)
    assert scene.hear(note) == [SAID]
    assert scene.calls(path) == 2


@pytest.mark.parametrize("path", [MEDIA, SPEECH])
@pytest.mark.parametrize(
    "fault",
    [{"status": 429, "headers": {"retry-after": "60"}}, {"status": 503}, {"drop": "before"}, {"status": 401}, {"status": 404}],
    ids=["busy", "down", "dropped", "wrong key", "wrong address"],
)
def test_lasting_trouble_leaves_the_text_empty_until_a_later_try(scene: Scene, path: str, fault: dict[str, Any]) -> None:
    note = scene.voice_note()
    scene.fault(path, times=-1, **fault)
    with capture_logs() as entries:
        assert scene.hear(note) == [""]
    assert len(problems(entries)) == 1
    scene.http.delete("/faults")
    assert scene.hear(note) == [SAID]


def test_a_wrong_key_is_told_and_not_tried_again(scene: Scene) -> None:
    note = scene.voice_note()
    with capture_logs() as entries:
        assert scene.hear(note, speech_key="sk-wrong") == [""]
        assert scene.hear(note, whatsapp_key="wrong") == [""]
    assert problems(entries) == [
        "OpenAI: transcribe failed (status 401, invalid_api_key)",
        "WhatsApp: fetch media failed (status 401)",
    ]
    assert (scene.calls(MEDIA), scene.calls(SPEECH)) == (2, 1)


def test_a_note_that_is_too_big_is_not_sent_for_transcription(scene: Scene) -> None:
    fits, too_big = scene.voice_note(size_bytes=2000), scene.voice_note(size_bytes=2001)
    with capture_logs() as entries:
        assert scene.hear(fits, too_big, max_audio_bytes=2000) == [SAID, ""]
    assert problems(entries) == ["2001 bytes, at most 2000 are taken"]
    assert scene.calls(SPEECH) == 1


def test_one_note_that_fails_does_not_spoil_the_others(scene: Scene) -> None:
    good, bad, other = scene.voice_note("um"), scene.voice_note("dois"), scene.voice_note("três")
    scene.fault(MEDIA, body_has=str(scene.message(bad).vendor_id), status=400, body=NOT_STORED, times=-1)
    assert scene.hear(good, bad, other) == ["um", "", "três"]


def test_silence_is_left_empty(scene: Scene) -> None:
    note = scene.voice_note("  \n")
    with capture_logs() as entries:
        assert scene.hear(note) == [""]
    assert problems(entries) == ["nothing is said in it"]


def test_a_note_that_was_deleted_before_is_not_fetched(scene: Scene) -> None:
    note = scene.voice_note()
    delete(scene, note)
    assert scene.hear(note) == [""]
    assert scene.calls(MEDIA) == 0


def test_a_note_that_is_deleted_while_it_is_heard_is_not_written_down(scene: Scene) -> None:
    note = scene.voice_note()
    with held(scene, note) as hearing:
        delete(scene, note)
        scene.control("/faults/release")
        assert hearing.result(20) == [""]


def test_a_mistake_that_is_no_services_is_raised_after_the_others_are_heard(scene: Scene) -> None:
    lost, other = scene.voice_note("perdida"), scene.voice_note("outra")
    customer_id = scene.message(lost).customer_id

    async def remove(service: Service) -> None:
        async with service.db.transaction() as session:
            await session.delete(await session.get_one(Message, lost))

    with held(scene, lost, other) as hearing:
        scene.stack.call(remove)
        scene.control("/faults/release")
        with pytest.raises(NoResultFound):
            hearing.result(20)
    assert scene.message(other).text == "outra"
    assert scene.message(other).customer_id == customer_id


def test_no_word_phone_or_key_is_logged(scene: Scene) -> None:
    note, silent, photo = scene.voice_note(), scene.voice_note(" "), scene.photo(b"GIF89a", caption=SAID)
    with capture_logs() as entries:
        scene.hear(note, silent)
        scene.images(photo)
    assert len(problems(entries)) == 2
    assert [word for word in (SAID, "terça", scene.phone[1:], "sandbox-", "GIF") if word in str(entries)] == []


class held:  # noqa: N801 (reads as a statement)
    """Notes that are being heard and whose transcription hangs; gives the future of their texts."""

    def __init__(self, scene: Scene, *notes: int) -> None:
        self.scene, self.notes, self.pool = scene, notes, ThreadPoolExecutor(1)

    def __enter__(self) -> Any:
        self.scene.fault(SPEECH, hold="before", times=-1)
        future = self.pool.submit(self.scene.hear, *self.notes)
        until(lambda: self.scene.calls(SPEECH) == len(self.notes))
        return future

    def __exit__(self, *exc: object) -> None:
        self.scene.control("/faults/release")
        self.pool.shutdown()


def delete(scene: Scene, message_id: int) -> None:
    """The customer deletes it for everyone, and we have taken note."""
    scene.control("/customer/delete", id=scene.message(message_id).vendor_id)
    until(lambda: scene.message(message_id).state == MessageState.SEEN)


# Seeing


@pytest.mark.parametrize(("data", "mime_type"), [(JPEG, "image/jpeg"), (PNG, "image/png"), (WEBP, "image/webp")])
def test_a_picture_becomes_a_part_of_the_prompt(scene: Scene, data: bytes, mime_type: str) -> None:
    assert scene.images(scene.photo(data, caption="Minha conta")) == [shown(mime_type, data)]


def test_its_type_is_what_it_is_and_not_what_it_is_called(scene: Scene) -> None:
    assert scene.images(scene.photo(PNG, mimetype="image/jpeg")) == [shown("image/png", PNG)]


def test_of_many_pictures_the_newest_are_seen_in_the_order_they_were_sent(scene: Scene) -> None:
    start = int(time.time())
    # They come in another order than they were sent.
    sent = {n: scene.photo(JPEG + bytes([n]), sent_at=start + n) for n in (2, 0, 4, 1, 3)}
    assert scene.images(*sent.values()) == [shown("image/jpeg", JPEG + bytes([n])) for n in (2, 3, 4)]
    assert scene.calls(MEDIA) == MAX_IMAGES


@pytest.mark.parametrize("data", [b"GIF89a anim", b"\x00\x00\x00\x18ftypheic", b"%PDF-1.4", b"RIFF\x10\x00\x00\x00WAVE"], ids=str)
def test_what_models_do_not_take_is_left_out(scene: Scene, data: bytes) -> None:
    with capture_logs() as entries:
        assert scene.images(scene.photo(data), scene.photo(JPEG)) == [shown("image/jpeg", JPEG)]
    assert problems(entries) == ["neither JPEG, PNG nor WebP"]


def test_a_picture_that_is_too_big_is_left_out(scene: Scene) -> None:
    fits, too_big = scene.photo(JPEG, size_bytes=2000), scene.photo(JPEG, size_bytes=2001)
    assert len(scene.images(fits, too_big, max_image_bytes=2000)) == 1
    assert scene.images(too_big, max_image_bytes=2000) == []


def test_other_kinds_and_deleted_pictures_are_not_fetched(scene: Scene) -> None:
    others = [scene.say("text", text="Oi"), scene.voice_note(), scene.say("sticker"), scene.say("video"), scene.say("document")]
    deleted = scene.photo(JPEG)
    delete(scene, deleted)
    assert scene.images(*others, deleted) == []
    assert scene.calls(MEDIA) == 0


def test_a_picture_that_is_not_stored_yet_is_asked_for_again(scene: Scene) -> None:
    photo = scene.photo(JPEG)
    scene.fault(MEDIA, status=400, body=NOT_STORED, times=2)
    assert scene.images(photo) == [shown("image/jpeg", JPEG)]
    assert scene.calls(MEDIA) == 3


@pytest.mark.parametrize(
    "fault",
    [{"status": 400, "body": NOT_STORED}, {"status": 401}, {"status": 429}, {"status": 503}, {"drop": "after"}],
    ids=["never stored", "wrong key", "busy", "down", "dropped"],
)
def test_pictures_that_can_not_be_had_are_left_out(scene: Scene, fault: dict[str, Any]) -> None:
    photo = scene.photo(JPEG)
    scene.fault(MEDIA, times=-1, **fault)
    with capture_logs() as entries:
        assert scene.images(photo) == []
    assert len(problems(entries)) == 1
