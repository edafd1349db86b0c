"""Notes reach the leads' feeds once, many in one call, and one that can't be written keeps no other back: over a served Kommo."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from meeting_scene import Scene, database, kommo_client, served
from sqlalchemy import select

from clients.under_way import LASTS
from meetings.database import Database
from meetings.notes import WAIT_S, Notes
from meetings.tables import CrmNote

GONE = 999
POST = {"method": "POST", "path": "notes"}


@pytest.fixture(scope="module")
def shared_scene() -> Iterator[Scene]:
    with served() as scene:
        yield scene


@pytest.fixture
def scene(shared_scene: Scene) -> Scene:
    """Leads 1 to 60."""
    shared_scene.reset(kommo={"leads": [{"id": n, "name": f"Casa {n}"} for n in range(1, 61)]})
    return shared_scene


@dataclass
class Desk:
    """What a test works with."""

    db: Database
    notes: Notes
    scene: Scene

    async def put(self, *lead_ids: int, text: str = "Reunião #{0} mudou", due: bool = True) -> None:
        for lead_id in lead_ids:
            await self.notes.put(f"meeting:{lead_id}:2", lead_id, text.format(lead_id))
        if due:
            self.scene.advance(seconds=WAIT_S)

    async def rows(self) -> list[CrmNote]:
        async with self.db.transaction() as session:
            return list(await session.scalars(select(CrmNote).order_by(CrmNote.id)))

    async def state(self) -> list[tuple[bool, int, str | None]]:
        """Per note: written, attempts, problem."""
        return [(row.written_at is not None, row.attempts, row.problem) for row in await self.rows()]

    async def wait_for_next_try(self) -> None:
        due = await self.notes.next_due()
        assert due is not None
        self.scene.control("/clock", now=max(due, self.scene.now() + LASTS).isoformat())  # the lost call is surely over by then

    @property
    def feed(self) -> list[tuple[int, str]]:
        """All notes in Kommo: lead and text, oldest first."""
        return [(note["entity_id"], note["text"]) for note in self.scene.state("kommo")["notes"]]

    @property
    def posts(self) -> list[list[int]]:
        """The leads that each call named."""
        made = [call for call in self.scene.calls("kommo", "/notes") if call["method"] == "POST"]
        return [[item["entity_id"] for item in json.loads(call["body"])] for call in made]


@contextlib.asynccontextmanager
async def desk(folder: Path, scene: Scene) -> AsyncIterator[Desk]:
    kommo = kommo_client(scene)
    async with database(folder) as db:
        try:
            yield Desk(db, Notes(db, kommo, scene.now), scene)
        finally:
            await kommo.close()


def run(folder: Path, scene: Scene, act: Callable[[Desk], Awaitable[Any]]) -> Any:
    async def inside() -> Any:
        async with desk(folder, scene) as place:
            return await act(place)

    return asyncio.run(inside())


def text(lead_id: int) -> str:
    return f"Reunião #{lead_id} mudou"


# --- together ---------------------------------------------------------------------------------------------------------


def test_notes_wait_a_little_and_go_out_in_one_call(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Desk) -> None:
        await place.put(3, 1, 2, due=False)
        assert await place.notes.next_due() == scene.now() + timedelta(seconds=WAIT_S)
        assert await place.notes.flush() == 0
        assert place.posts == []
        scene.advance(seconds=WAIT_S)
        assert await place.notes.flush() == 3
        assert await place.notes.next_due() is None
        assert await place.notes.flush() == 0
        assert place.posts == [[3, 1, 2]]
        assert place.feed == [(3, text(3)), (1, text(1)), (2, text(2))]

    run(tmp_path, scene, act)


def test_no_call_carries_more_than_fifty(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Desk) -> list[int]:
        await place.put(*range(1, 61))
        written = [await place.notes.flush(), await place.notes.flush(), await place.notes.flush()]
        assert [len(ids) for ids in place.posts] == [50, 10]
        assert place.feed == [(n, text(n)) for n in range(1, 61)]
        return written

    assert run(tmp_path, scene, act) == [50, 10, 0]


def test_a_key_is_one_note_that_keeps_its_first_text_and_time(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Desk) -> list[tuple[int, str]]:
        await place.put(1)
        await place.put(1, text="outro texto", due=False)
        await place.notes.flush()
        await place.put(1, text="mais um")
        await place.notes.flush()
        return place.feed

    assert run(tmp_path, scene, act) == [(1, text(1))]


def test_a_note_that_is_not_due_waits_while_another_goes_out(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Desk) -> list[list[int]]:
        await place.put(1)
        await place.put(2, due=False)
        await place.notes.flush()
        return place.posts

    assert run(tmp_path, scene, act) == [[1]]


# --- lost answers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("drop", ["before", "after"])
def test_a_lost_answer_doubles_no_note_and_loses_none(tmp_path: Path, scene: Scene, drop: str) -> None:
    async def act(place: Desk) -> None:
        await place.put(1, 2)
        scene.fault("kommo", **POST, drop=drop)
        assert await place.notes.flush() == 0
        assert [(written, attempts) for written, attempts, _ in await place.state()] == [(False, 1)] * 2
        await place.wait_for_next_try()
        assert await place.notes.flush() == 2
        assert [written for written, _, _ in await place.state()] == [True, True]
        assert place.feed == [(1, text(1)), (2, text(2))]
        assert len(place.posts) == (2 if drop == "before" else 1)

    run(tmp_path, scene, act)


def test_of_a_call_that_got_through_in_part_only_the_rest_is_written(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Desk) -> None:
        await place.put(1, 2, 3)
        scene.fault("kommo", **POST, drop="before")
        await place.notes.flush()
        scene.control("/seller/note/add", lead_id=2, text=text(2))  # of the three, Kommo kept this one
        await place.wait_for_next_try()
        assert await place.notes.flush() == 3
        assert sorted(place.feed) == [(n, text(n)) for n in (1, 2, 3)]
        assert place.posts[-1] == [1, 3]

    run(tmp_path, scene, act)


def test_the_feed_is_looked_through_only_after_a_call_that_may_have_written(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Desk) -> int:
        await place.put(1, 2)
        await place.notes.flush()
        return len([call for call in scene.calls("kommo", "/notes") if call["method"] == "GET"])

    assert run(tmp_path, scene, act) == 0


def test_what_somebody_wrote_in_the_same_words_is_not_taken_for_a_note_that_was_never_tried(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Desk) -> list[tuple[int, str]]:
        scene.control("/seller/note/add", lead_id=1, text=text(1))
        await place.put(1)
        await place.notes.flush()
        return place.feed

    assert run(tmp_path, scene, act) == [(1, text(1))] * 2


# --- bad days ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("position", [0, 1, 3])
def test_a_lead_that_is_gone_keeps_no_other_note_back_and_is_let_go(tmp_path: Path, scene: Scene, position: int) -> None:
    ids = [1, 2, 3]
    ids.insert(position, GONE)

    async def act(place: Desk) -> None:
        await place.put(*ids)
        await place.notes.flush()
        assert place.feed == [(n, text(n)) for n in (1, 2, 3)]
        state = await place.state()
        assert state[position] == (True, 0, "the lead does not take it")
        assert [entry for n, entry in enumerate(state) if n != position] == [(True, 0, None)] * 3
        assert await place.notes.next_due() is None

    run(tmp_path, scene, act)


def test_a_lead_that_went_to_the_bin_meanwhile_takes_its_note_with_it(tmp_path: Path, scene: Scene) -> None:
    async def act(place: Desk) -> list[tuple[int, str]]:
        await place.put(1, 2)
        scene.control("/seller/lead/delete", lead_id=1)
        await place.notes.flush()
        assert await place.notes.next_due() is None
        return place.feed

    assert run(tmp_path, scene, act) == [(2, text(2))]


@pytest.mark.parametrize("status", [503, 429, 401])
def test_while_kommo_is_down_notes_wait_longer_and_longer_and_are_written_in_the_end(
    tmp_path: Path, scene: Scene, status: int
) -> None:
    async def act(place: Desk) -> None:
        await place.put(1, 2)
        scene.fault("kommo", status=status, times=-1)
        waits = []
        for _ in range(11):
            assert await place.notes.flush() == 0
            due = await place.notes.next_due()
            assert due is not None
            waits.append((due - scene.now()).total_seconds())
            await place.wait_for_next_try()
        assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]
        assert {attempts for _, attempts, _ in await place.state()} == {11}
        assert all(problem and "Kommo" in problem and "mudou" not in problem for _, _, problem in await place.state())
        scene.clear_faults()
        assert await place.notes.flush() == 2
        assert place.feed == [(1, text(1)), (2, text(2))]

    run(tmp_path, scene, act)


def test_kommo_going_down_half_way_through_loses_none_and_doubles_none(tmp_path: Path, scene: Scene) -> None:
    """One lead is gone, so the notes go out one by one; after the first of them Kommo is down."""

    async def act(place: Desk) -> None:
        await place.put(1, GONE, 2)
        scene.fault("kommo", **POST, skip=2, times=1, status=503)
        await place.notes.flush()
        assert place.feed == [(1, text(1))]
        await place.wait_for_next_try()
        await place.notes.flush()
        assert place.feed == [(1, text(1)), (2, text(2))]
        assert await place.notes.next_due() is None

    run(tmp_path, scene, act)
