"""Webhooks that are missing, switched off or point elsewhere are set right; what can't be repaired is said."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from meeting_scene import ONCE, Scene, served, whatsapp_client

from clients.kommo import KommoClient
from meetings.hooks import EVOLUTION_EVENTS, KOMMO_EVENTS, Hooks

URL, TOKEN = "http://127.0.0.1:9", "a-token-that-is-long-enough"
KOMMO_URL = f"{URL}/webhook/kommo/events?token={TOKEN}"
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def shared_scene() -> Iterator[Scene]:
    with served() as one:
        yield one


@pytest.fixture
def scene(shared_scene: Scene) -> Scene:
    shared_scene.reset()
    return shared_scene


@asynccontextmanager
async def guarded(scene: Scene) -> AsyncIterator[Hooks]:
    kommo = KommoClient(scene.urls["kommo"], "sandbox-kommo-token", retry=ONCE, requests_per_s=100_000)
    whatsapp = whatsapp_client(scene)
    try:
        yield Hooks(kommo, whatsapp, URL, TOKEN)
    finally:
        await kommo.close()
        await whatsapp.close()


def ours(scene: Scene) -> list[dict[str, object]]:
    return [hook for hook in scene.state("kommo")["webhooks"] if hook["destination"] == KOMMO_URL]


async def test_both_are_set_once_and_then_left_alone(scene: Scene) -> None:
    async with guarded(scene) as hooks:
        assert await hooks.ensure() == ["kommo", "evolution"]
        writes = len(scene.calls("kommo", "/webhooks")), len(scene.calls("evolution", "/webhook/set"))
        assert await hooks.ensure() == []
        assert len(scene.calls("evolution", "/webhook/set")) == writes[1]
        assert [call["method"] for call in scene.calls("kommo", "/webhooks")[writes[0] :]] == ["GET"]
        assert hooks.problems == {}
        [hook] = ours(scene)
        assert set(KOMMO_EVENTS) <= set(hook["settings"])  # type: ignore[call-overload]


async def test_a_webhook_that_kommo_switched_off_is_made_anew(scene: Scene) -> None:
    async with guarded(scene) as hooks:
        await hooks.ensure()
        state = scene.sandbox.world.services["kommo"].state
        next(hook for hook in state.hooks.values() if hook.destination == KOMMO_URL).disabled = True
        assert await hooks.ensure() == ["kommo"]
        assert [hook["disabled"] for hook in ours(scene)] == [False]


async def test_a_webhook_with_too_few_events_is_completed(scene: Scene) -> None:
    async with guarded(scene) as hooks:
        await hooks.ensure()
        scene.control("/kommo/webhook/save", destination=KOMMO_URL, settings=["add_task"])
        assert await hooks.ensure() == ["kommo"]
        [hook] = ours(scene)
        assert set(KOMMO_EVENTS) <= set(hook["settings"])  # type: ignore[call-overload]


async def test_an_event_that_kommo_took_before_and_somebody_unticked_comes_back(scene: Scene) -> None:
    async with guarded(scene) as hooks:
        await hooks.ensure()
        for _ in range(2):  # as often as somebody does it
            scene.control(
                "/kommo/webhook/save", destination=KOMMO_URL, settings=[event for event in KOMMO_EVENTS if event != "update_task"]
            )
            assert (await hooks.look())["kommo"] == "incomplete"
            assert await hooks.ensure() == ["kommo"]
            assert hooks.problems == {}
            assert await hooks.look() == {"kommo": "well", "evolution": "well"}
            assert await hooks.ensure() == []


async def test_a_look_repairs_nothing(scene: Scene) -> None:
    async with guarded(scene) as hooks:
        assert await hooks.look() == {"kommo": "missing", "evolution": "missing"}
        assert ours(scene) == []
        await hooks.ensure()
        state = scene.sandbox.world.services["kommo"].state
        next(hook for hook in state.hooks.values() if hook.destination == KOMMO_URL).disabled = True
        await hooks.whatsapp.set_webhook("http://127.0.0.1:9/elsewhere", {}, EVOLUTION_EVENTS)
        assert await hooks.look() == {"kommo": "off", "evolution": "wrong"}


async def test_edited_tasks_that_kommo_does_not_announce_are_a_problem_to_read(scene: Scene) -> None:
    scene.reset(kommo={"refuse_update_task": 400})
    async with guarded(scene) as hooks:
        assert await hooks.ensure() == ["kommo", "evolution"]
        assert "Task edited" in hooks.problems["kommo"]
        assert await hooks.ensure() == []  # nothing that we could repair
        assert "Task edited" in hooks.problems["kommo"]


async def test_an_evolution_webhook_that_somebody_pointed_elsewhere_comes_back(scene: Scene) -> None:
    async with guarded(scene) as hooks:
        await hooks.ensure()
        await hooks.whatsapp.set_webhook("http://127.0.0.1:9/elsewhere", {}, EVOLUTION_EVENTS)
        assert await hooks.ensure() == ["evolution"]
        stored = await hooks.whatsapp.get_webhook() or {}
        assert stored["url"] == f"{URL}/webhook/evolution"
        assert await hooks.ensure() == []


async def test_a_service_that_does_not_answer_is_a_problem_until_it_does(scene: Scene) -> None:
    async with guarded(scene) as hooks:
        scene.control("/faults", service="kommo", status=503, times=1)
        assert await hooks.ensure() == ["evolution"]
        assert "503" in hooks.problems["kommo"]
        assert TOKEN not in str(hooks.problems)
        assert await hooks.ensure() == ["kommo"]
        assert hooks.problems == {}
