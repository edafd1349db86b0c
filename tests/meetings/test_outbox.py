"""A text reaches the customer once, whatever happens to the call: against a served WhatsApp."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from meeting_scene import (
    JID,
    PHONE,
    Scene,
    add_customer,
    add_message,
    database,
    delivered,
    receiving,
    served,
    soon,
    whatsapp_client,
)
from sqlalchemy import select

from clients.errors import LoginRefusedError, OutcomeUnknownError, ServiceError, UnreachableError
from clients.under_way import LASTS
from meetings.database import Database
from meetings.outbox import MayBeUnderWayError, Outbox
from meetings.tables import SENT_BLINDLY, Author, Message, MessageState

TEXT = "✅ Marcado, Maria!"
KEY = "meeting:1:1:booked"
SEND = {"service": "evolution", "path": "sendText"}
WITHOUT_NINE = "551187654321"
NOTHING_KEPT = {"messages": {"total": 0, "pages": 0, "currentPage": 1, "records": []}}
NOT_THERE = {
    "status": 400,
    "error": "Bad Request",
    "response": {"message": [{"jid": JID, "exists": False, "number": "5511987654321"}]},
}


@pytest.fixture(scope="module")
def shared_scene() -> Iterator[Scene]:
    with served() as scene:
        yield scene


@pytest.fixture
def scene(shared_scene: Scene) -> Scene:
    shared_scene.reset()
    return shared_scene


@dataclass
class PostRoom:
    """What a test works with: one customer, Maria."""

    db: Database
    outbox: Outbox
    scene: Scene
    customer_id: int

    async def post(self, key: str = KEY, text: str = TEXT, **more: Any) -> MessageState:
        return await self.outbox.post(self.customer_id, key, text, **more)

    async def fails(self, kind: type[ServiceError], key: str = KEY) -> None:
        with pytest.raises(kind):
            await self.post(key)

    def waits(self) -> None:
        """Until no earlier attempt can be under way any more."""
        self.scene.control("/clock", advance_s=LASTS.total_seconds())

    async def row(self, key: str = KEY) -> Message:
        async with self.db.transaction() as session:
            found = await session.scalar(select(Message).where(Message.key == key))
        assert found is not None
        return found

    @property
    def received(self) -> list[str]:
        """What the customer has on the phone."""
        return [line["text"] for line in self.scene.chat() if line["from"] != "customer"]

    @property
    def sends(self) -> list[dict[str, Any]]:
        return self.scene.calls("evolution", "sendText")


@contextlib.asynccontextmanager
async def post_room(folder: Path, scene: Scene, **customer: Any) -> AsyncIterator[PostRoom]:
    whatsapp = whatsapp_client(scene)
    async with database(folder) as db:
        try:
            customer_id = await add_customer(db, scene.now(), **customer)
            yield PostRoom(db, Outbox(db, whatsapp, scene.now), scene, customer_id)
        finally:
            await whatsapp.close()


def run(folder: Path, scene: Scene, act: Callable[[PostRoom], Awaitable[Any]], **customer: Any) -> Any:
    async def inside() -> Any:
        async with post_room(folder, scene, **customer) as room:
            return await act(room)

    return asyncio.run(inside())


# --- once -------------------------------------------------------------------------------------------------------------


def test_a_text_is_sent_and_its_receipt_kept(tmp_path: Path, scene: Scene) -> None:
    async def act(room: PostRoom) -> tuple[MessageState, Message]:
        state = await room.post(author=Author.SYSTEM, turn_id="turn-1")
        return state, await room.row()

    state, row = run(tmp_path, scene, act)
    (line,) = scene.chat()
    assert (line["from"], line["text"]) == ("agent", TEXT)
    assert (state, row.state, row.vendor_id) == (MessageState.SENT, MessageState.SENT, line["id"])
    assert (row.author, row.turn_id, row.text, row.attempts, row.problem) == (Author.SYSTEM, "turn-1", TEXT, 1, None)
    assert (row.sent_at, row.send_started_at) == (scene.now(), scene.now())


def test_one_key_is_one_message_however_often_it_is_posted_and_with_whatever_text(tmp_path: Path, scene: Scene) -> None:
    async def act(room: PostRoom) -> list[MessageState]:
        return [await room.post(), await room.post(), await room.post(text="outro texto")]

    assert run(tmp_path, scene, act) == [MessageState.SENT] * 3
    assert [line["text"] for line in scene.chat()] == [TEXT]


def test_two_keys_are_two_messages_even_with_the_same_text(tmp_path: Path, scene: Scene) -> None:
    async def act(room: PostRoom) -> None:
        await room.post("first")
        await room.post("second")
        assert (await room.row("first")).vendor_id != (await room.row("second")).vendor_id

    run(tmp_path, scene, act)
    assert [line["text"] for line in scene.chat()] == [TEXT, TEXT]


@pytest.mark.parametrize("state", [MessageState.SENT, MessageState.DELIVERED, MessageState.READ, MessageState.FAILED])
def test_what_is_over_is_not_sent_again(tmp_path: Path, scene: Scene, state: MessageState) -> None:
    async def act(room: PostRoom) -> MessageState:
        await add_message(room.db, room.customer_id, TEXT, scene.now(), author=Author.SYSTEM, key=KEY, state=state)
        return await room.post()

    assert run(tmp_path, scene, act) is state
    assert scene.calls("evolution", "/") == []


@pytest.mark.parametrize("state", [MessageState.PENDING, MessageState.SENDING])
def test_a_process_killed_before_its_send_sends_after_all(tmp_path: Path, scene: Scene, state: MessageState) -> None:
    """The row was written, the call never made."""

    async def act(room: PostRoom) -> MessageState:
        await add_message(room.db, room.customer_id, TEXT, scene.now(), author=Author.SYSTEM, key=KEY, state=state)
        room.waits()
        return await room.post()

    assert run(tmp_path, scene, act) is MessageState.SENT
    assert [line["text"] for line in scene.chat()] == [TEXT]


# --- lost answers -----------------------------------------------------------------------------------------------------

LOST: dict[str, dict[str, Any]] = {
    "the connection broke": {**SEND, "drop": "after"},
    "the server broke": {**SEND, "status": 500, "after_write": True},
    "a proxy answered": {**SEND, "status": 502, "after_write": True, "body": "<html>Bad Gateway</html>"},
}


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
def test_a_send_whose_answer_was_lost_is_found_and_not_repeated(tmp_path: Path, scene: Scene, fault: dict[str, Any]) -> None:
    async def act(room: PostRoom) -> None:
        scene.control("/faults", **fault)
        await room.fails(OutcomeUnknownError)
        assert (await room.row()).state == MessageState.SENDING
        assert await room.post() is MessageState.SENT
        row = await room.row()
        assert (row.vendor_id, row.problem) == (scene.chat()[0]["id"], None)
        assert (room.received, len(room.sends)) == ([TEXT], 1)

    run(tmp_path, scene, act)


def test_a_send_that_timed_out_at_the_server_is_found_and_not_repeated(tmp_path: Path, scene: Scene) -> None:
    async def act(room: PostRoom) -> None:
        scene.control("/whatsapp/timeout", sent="yes")
        await room.fails(OutcomeUnknownError)
        assert await room.post() is MessageState.SENT
        assert (room.received, len(room.sends)) == ([TEXT], 1)

    run(tmp_path, scene, act)


@pytest.mark.parametrize("later_s", [60, 20 * 3600])
def test_a_lost_send_is_found_long_afterwards_too(tmp_path: Path, scene: Scene, later_s: float) -> None:
    async def act(room: PostRoom) -> None:
        scene.control("/faults", **LOST["the connection broke"])
        await room.fails(OutcomeUnknownError)
        scene.control("/clock", advance_s=later_s)
        assert await room.post() is MessageState.SENT
        assert room.received == [TEXT]

    run(tmp_path, scene, act)


def test_an_equal_text_that_was_sent_before_is_not_taken_for_the_lost_one(tmp_path: Path, scene: Scene) -> None:
    async def act(room: PostRoom) -> None:
        await room.post("first")
        scene.control("/faults", **SEND, drop="before")
        await room.fails(OutcomeUnknownError, "second")
        room.waits()
        assert await room.post("second") is MessageState.SENT
        assert room.received == [TEXT, TEXT]
        assert (await room.row("first")).vendor_id != (await room.row("second")).vendor_id

    run(tmp_path, scene, act)


def test_an_equal_text_that_the_customer_wrote_is_not_taken_for_the_lost_one(tmp_path: Path, scene: Scene) -> None:
    async def act(room: PostRoom) -> None:
        scene.control("/faults", **SEND, drop="before")
        await room.fails(OutcomeUnknownError)
        scene.control("/customer/say", phone=PHONE, text=TEXT)
        room.waits()
        assert await room.post() is MessageState.SENT
        assert room.received == [TEXT]

    run(tmp_path, scene, act)


def test_a_lost_send_in_a_chat_that_hides_its_phone_is_found_too(tmp_path: Path, scene: Scene) -> None:
    async def act(room: PostRoom) -> None:
        scene.control("/faults", **LOST["the connection broke"])
        await room.fails(OutcomeUnknownError)
        assert await room.post() is MessageState.SENT
        assert len(room.sends) == 1

    lid = scene.control("/whatsapp/number", phone=PHONE)["lid"]
    run(tmp_path, scene, act, phone=None, jid=lid, lid=lid)


def test_a_lost_send_is_found_when_whatsapp_files_it_without_the_ninth_digit(tmp_path: Path, scene: Scene) -> None:
    async def act(room: PostRoom) -> None:
        scene.control("/whatsapp/number", phone=PHONE, canonical="without_nine")
        scene.control("/faults", **LOST["the connection broke"])
        await room.fails(OutcomeUnknownError)
        assert await room.post() is MessageState.SENT
        assert len(room.sends) == 1

    run(tmp_path, scene, act)


# --- not sent ---------------------------------------------------------------------------------------------------------

NOT_SENT: dict[str, dict[str, Any]] = {
    "the connection broke before": {**SEND, "drop": "before"},
    "the server broke before": {**SEND, "status": 500},
}


@pytest.mark.parametrize("fault", NOT_SENT.values(), ids=NOT_SENT)
def test_a_send_that_never_arrived_is_sent_once_on_the_next_try(tmp_path: Path, scene: Scene, fault: dict[str, Any]) -> None:
    async def act(room: PostRoom) -> None:
        scene.control("/faults", **fault)
        await room.fails(OutcomeUnknownError)
        await room.fails(MayBeUnderWayError)
        room.waits()
        assert await room.post() is MessageState.SENT
        assert (room.received, (await room.row()).attempts) == ([TEXT], 2)

    run(tmp_path, scene, act)


def test_a_send_that_timed_out_for_good_is_sent_once_on_the_next_try(tmp_path: Path, scene: Scene) -> None:
    async def act(room: PostRoom) -> None:
        scene.control("/whatsapp/timeout", sent="no", times=2)
        await room.fails(OutcomeUnknownError)
        room.waits()
        await room.fails(OutcomeUnknownError)
        room.waits()
        assert await room.post() is MessageState.SENT
        assert (room.received, (await room.row()).attempts) == ([TEXT], 3)

    run(tmp_path, scene, act)


@pytest.mark.parametrize("keeps", [True, False])
def test_a_text_that_had_to_be_sent_again_blindly_says_so(tmp_path: Path, scene: Scene, keeps: bool) -> None:
    """A server that keeps no messages shows none: what was surely sent before is looked for to know whether it does."""

    async def act(room: PostRoom) -> None:
        await room.post("first", "Oi, Maria!")
        scene.control("/faults", **SEND, drop="before")
        await room.fails(OutcomeUnknownError)
        room.waits()
        if not keeps:
            scene.control("/faults", service="evolution", path="findMessages", times=-1, status=200, body=NOTHING_KEPT)
        assert await room.post() is MessageState.SENT
        assert (await room.row()).problem == (None if keeps else SENT_BLINDLY)
        assert room.received == ["Oi, Maria!", TEXT]

    run(tmp_path, scene, act)


@pytest.mark.parametrize("state", ["close", "connecting", "zombie"])
def test_while_whatsapp_is_not_connected_the_text_waits(tmp_path: Path, scene: Scene, state: str) -> None:
    async def act(room: PostRoom) -> None:
        scene.control("/whatsapp/connection", state=state)
        for _ in range(2):
            await room.fails(UnreachableError)
            row = await room.row()
            assert (row.state, row.vendor_id) == (MessageState.PENDING, None)
        scene.control("/whatsapp/connection", state="open")
        assert await room.post() is MessageState.SENT
        assert room.received == [TEXT]

    run(tmp_path, scene, act)


@pytest.mark.parametrize("sent", ["yes", "no"])
def test_while_the_outcome_is_unknown_and_the_line_is_down_nothing_is_sent_again(tmp_path: Path, scene: Scene, sent: str) -> None:
    """Evolution files a message only once WhatsApp took it: as long as the line is down a missing row means nothing."""

    async def act(room: PostRoom) -> None:
        scene.control("/whatsapp/timeout", sent=sent)
        await room.fails(OutcomeUnknownError)
        scene.control("/whatsapp/connection", state="connecting")
        if sent == "no":
            await room.fails(UnreachableError)
            assert (await room.row()).state == MessageState.SENDING
            assert len(room.sends) == 1
        scene.control("/whatsapp/connection", state="open")
        room.waits()
        assert await room.post() is MessageState.SENT
        assert room.received == [TEXT]

    run(tmp_path, scene, act)


@pytest.mark.parametrize(("status", "kind"), [(401, LoginRefusedError), (403, LoginRefusedError), (429, UnreachableError)])
def test_a_text_that_the_server_does_not_take_now_waits_for_better_days(
    tmp_path: Path, scene: Scene, status: int, kind: type[ServiceError]
) -> None:
    async def act(room: PostRoom) -> None:
        scene.control("/faults", **SEND, status=status)
        await room.fails(kind)
        assert (await room.row()).state == MessageState.PENDING
        assert await room.post() is MessageState.SENT
        assert room.received == [TEXT]

    run(tmp_path, scene, act)


# --- not on WhatsApp --------------------------------------------------------------------------------------------------


def test_a_number_that_is_not_on_whatsapp_is_tried_in_its_other_spelling_and_then_given_up(tmp_path: Path, scene: Scene) -> None:
    async def act(room: PostRoom) -> None:
        scene.control("/whatsapp/number", phone=PHONE, exists=False)
        assert await room.post() is MessageState.FAILED
        row = await room.row()
        assert (row.state, row.problem, row.vendor_id) == (MessageState.FAILED, "no WhatsApp at this number", None)
        assert [_number(call) for call in room.sends] == ["5511987654321", WITHOUT_NINE]
        assert await room.post() is MessageState.FAILED  # and nobody is asked again
        assert (len(room.sends), room.received) == (2, [])

    run(tmp_path, scene, act)


def test_a_number_that_is_there_in_its_other_spelling_gets_the_text_once(tmp_path: Path, scene: Scene) -> None:
    async def act(room: PostRoom) -> None:
        scene.control("/faults", **SEND, status=400, body=NOT_THERE)
        assert await room.post() is MessageState.SENT
        assert [_number(call) for call in room.sends] == ["5511987654321", WITHOUT_NINE]
        assert room.received == [TEXT]

    run(tmp_path, scene, act)


def test_an_answer_lost_in_the_other_spelling_is_found_and_not_repeated(tmp_path: Path, scene: Scene) -> None:
    async def act(room: PostRoom) -> None:
        scene.control("/whatsapp/number", phone=PHONE, canonical="without_nine")
        scene.control("/faults", **SEND, status=400, body=NOT_THERE)
        scene.control("/faults", **SEND, drop="after")
        await room.fails(OutcomeUnknownError)
        assert await room.post() is MessageState.SENT
        assert room.received == [TEXT]

    run(tmp_path, scene, act)


def test_a_foreign_number_has_one_spelling(tmp_path: Path, scene: Scene) -> None:
    async def act(room: PostRoom) -> None:
        scene.control("/whatsapp/number", phone="+34612345678", exists=False)
        assert await room.post() is MessageState.FAILED
        assert [_number(call) for call in room.sends] == ["34612345678"]

    run(tmp_path, scene, act, phone="+34612345678")


def test_a_text_that_can_never_be_sent_is_given_up_at_once(tmp_path: Path, scene: Scene) -> None:
    async def act(room: PostRoom) -> None:
        assert await room.post(text="   ") is MessageState.FAILED
        assert len(room.sends) == 1

    run(tmp_path, scene, act)


def _number(call: dict[str, Any]) -> str:
    return str(json.loads(call["body"])["number"])


# --- with the webhooks of our own messages ----------------------------------------------------------------------------


def test_a_webhook_that_comes_before_the_answer_is_taken_as_the_receipt(tmp_path: Path, scene: Scene) -> None:
    async def act(room: PostRoom) -> None:
        async with receiving(room.db, scene):
            scene.control("/faults", **SEND, hold="after")
            posting = asyncio.create_task(room.post())

            async def has_receipt() -> bool:
                return bool(scene.calls("evolution", "sendText")) and (await room.row()).vendor_id is not None

            await soon(has_receipt, "the webhook brings the receipt")
            early = await room.row()
            assert (early.state in (MessageState.SENT, MessageState.DELIVERED), posting.done()) == (True, False)
            scene.control("/faults/release")
            assert await posting is MessageState.SENT
            await delivered(scene)
            late = await room.row()
            assert (late.vendor_id, room.received) == (early.vendor_id, [TEXT])
            assert await _authors(room) == [Author.AGENT]  # not one of the seller's besides

    run(tmp_path, scene, act)


def test_a_webhook_alone_is_receipt_enough_when_the_answer_is_lost(tmp_path: Path, scene: Scene) -> None:
    async def act(room: PostRoom) -> None:
        async with receiving(room.db, scene):
            scene.control("/faults", **SEND, drop="after")
            await room.fails(OutcomeUnknownError)

            async def is_sent() -> bool:
                return (await room.row()).vendor_id is not None

            await soon(is_sent, "the webhook brings the receipt")
            assert await room.post() in (MessageState.SENT, MessageState.DELIVERED)
            assert (room.received, len(room.sends), scene.calls("evolution", "findMessages")) == ([TEXT], 1, [])

    run(tmp_path, scene, act)


def test_the_webhook_that_comes_after_the_answer_changes_nothing(tmp_path: Path, scene: Scene) -> None:
    async def act(room: PostRoom) -> None:
        async with receiving(room.db, scene):
            scene.control("/whatsapp/acks", mode="none")
            scene.control("/deliveries/faults", service="evolution", mode="hold")
            await room.post()
            scene.control("/deliveries/release")
            await delivered(scene)
            assert (await room.row()).state == MessageState.SENT
            assert await _authors(room) == [Author.AGENT]

    run(tmp_path, scene, act)


def test_the_way_of_a_message_is_followed_until_it_is_read(tmp_path: Path, scene: Scene) -> None:
    async def act(room: PostRoom) -> list[MessageState]:
        async with receiving(room.db, scene):
            scene.control("/whatsapp/acks", mode="none")
            await room.post()
            states = []
            for status in ("SERVER_ACK", "DELIVERY_ACK", "READ", "DELIVERY_ACK"):
                scene.control("/whatsapp/ack", id=(await room.row()).vendor_id, status=status)
                await delivered(scene)
                states.append(MessageState((await room.row()).state))
            return states

    assert run(tmp_path, scene, act) == [MessageState.SENT, MessageState.DELIVERED, MessageState.READ, MessageState.READ]


async def _authors(room: PostRoom) -> list[str]:
    async with room.db.transaction() as session:
        return list(await session.scalars(select(Message.author).order_by(Message.id)))
