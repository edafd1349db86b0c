"""Push channels at a served Google, and its messages at our served route: opened, renewed, closed, forged, lost, too many."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from calendar_scene import ANA, BRUNO, NOBODY, Office, run, run_served
from meeting_scene import Scene, at, delivered, served
from sqlalchemy import text

from clients.errors import UnreachableError
from meetings.push_channels import push_address

DAY = 86_400


@pytest.fixture(scope="module")
def shared_scene() -> Iterator[Scene]:
    with served() as scene:
        yield scene


@pytest.fixture
def scene(shared_scene: Scene) -> Scene:
    shared_scene.reset()
    return shared_scene


async def opened(office: Office) -> dict[str, Any]:
    """Ana's channel at Google, opened and heard; her calendar has been looked at."""
    await office.watch.poll(ANA)
    await office.push.ensure([ANA])
    await delivered(office.scene)
    (channel,) = office.at_google()
    return channel


def message(channel: dict[str, Any], **changes: str) -> dict[str, str]:
    """The headers Google sends for a change."""
    fields = {"ID": channel["id"], "Token": channel["token"], **changes}
    headers = {f"X-Goog-Channel-{name}": value for name, value in fields.items() if name in ("ID", "Token")}
    headers["X-Goog-Resource-ID"] = changes.get("Resource", channel["resource_id"])
    return {**headers, "X-Goog-Resource-State": changes.get("State", "exists"), "X-Goog-Message-Number": "2"}


async def post(office: Office, headers: dict[str, str], body: bytes = b"") -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.post(str(office.push.address), headers=headers, content=body)


# --- where Google can reach us ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("public_url", "address"),
    [
        ("https://marcado.example", "https://marcado.example/webhook/google"),
        ("https://example.com/marcado", "https://example.com/marcado/webhook/google"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/webhook/google"),
        ("http://localhost:8000", "http://localhost:8000/webhook/google"),
        ("http://[::1]:8000", "http://[::1]:8000/webhook/google"),
        ("http://marcado.example", None),
        ("http://192.168.0.10:8000", None),
        (None, None),
    ],
)
def test_google_posts_to_https_and_the_sandbox_to_this_machine(public_url: str | None, address: str | None) -> None:
    assert push_address(public_url) == address


@pytest.mark.parametrize("public_url", [None, "http://marcado.example"])
def test_without_such_an_address_no_channel_is_asked_for(tmp_path: Path, scene: Scene, public_url: str | None) -> None:
    async def act(office: Office) -> None:
        await office.push.ensure([ANA, BRUNO])
        assert scene.calls("google", "watch") == []

    run(tmp_path, scene, act, public_url=public_url)


# --- a message --------------------------------------------------------------------------------------------------------


def test_a_change_is_announced_and_looked_at_three_seconds_later(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        await office.book()
        await opened(office)
        assert await office.watch.next_due() is None  # the greeting is no reason to look
        scene.control("/clock", advance_s=10)
        office.act("move", start="2026-03-11T09:00")
        await delivered(scene)
        assert await office.watch.next_due() == scene.now() + timedelta(seconds=3)
        assert ANA not in await office.watch.due()
        scene.control("/clock", advance_s=3)
        assert ANA in await office.watch.due()
        assert await office.watch.poll(ANA) == [1]
        assert await office.watch.next_due() is None
        assert office.counts == {"google channel opened": 1, "google stored": 1}

    run_served(tmp_path, scene, act)


def test_a_storm_of_messages_asks_for_one_look_and_does_not_put_it_off(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        await office.book()
        channel = await opened(office)
        scene.control("/clock", advance_s=10)
        first = scene.now()
        answers = await asyncio.gather(*(post(office, message(channel)) for _ in range(60)))
        assert {answer.status_code for answer in answers} == {200}
        scene.control("/clock", advance_s=2)
        await post(office, message(channel))
        assert await office.watch.next_due() == first + timedelta(seconds=3)
        assert office.counts["google stored"] == 61

    run_served(tmp_path, scene, act)


def test_a_message_that_comes_during_a_look_asks_for_another(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        await office.book()
        channel = await opened(office)
        await post(office, message(channel))
        scene.control("/faults", service="google", method="GET", path="/events$", hold="after")
        looking = asyncio.create_task(office.watch.poll(ANA))
        while not any(fault.hits for fault in scene.sandbox.world.faults.planned):
            await asyncio.sleep(0.005)
        office.act("delete")
        await delivered(scene)
        scene.control("/faults/release")
        assert await looking == []
        assert await office.watch.next_due() == scene.now() + timedelta(seconds=3)
        assert await office.watch.poll(ANA) == [1]

    run_served(tmp_path, scene, act)


def test_a_message_does_not_press_a_calendar_that_can_not_be_read(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        channel = await opened(office)
        scene.control("/faults", service="google", method="GET", status=503, times=4)
        for _ in range(4):
            with pytest.raises(UnreachableError):
                await office.watch.poll(ANA)
        await post(office, message(channel))
        assert await office.watch.next_due() == scene.now() + timedelta(seconds=16)

    run_served(tmp_path, scene, act)


def test_messages_that_are_lost_are_made_up_for_by_the_regular_look(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        await office.book()
        await opened(office)
        scene.control("/deliveries/faults", service="google", mode="lose", times=-1)
        office.act("delete")
        await delivered(scene)
        assert await office.watch.next_due() is None
        scene.control("/clock", advance_s=60)
        assert ANA in await office.watch.due()
        assert await office.watch.poll(ANA) == [1]

    run_served(tmp_path, scene, act)


def test_messages_that_come_twice_and_late_change_nothing(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        await office.book()
        channel = await opened(office)
        scene.control("/deliveries/faults", service="google", mode="double")
        office.act("delete")
        await delivered(scene)
        assert await office.watch.poll(ANA) == [1]
        scene.control("/clock", advance_s=3000)
        await office.watch.poll(ANA)
        await post(office, message(channel))
        assert await office.watch.poll(ANA) == []
        assert await office.hints() == [("event", 1, "changed")] * 2  # the first look at the calendar, and the deletion

    run_served(tmp_path, scene, act)


# --- forged and broken ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"Token": "wrong"},
        {"Token": ""},
        {"Token": "ção"},
        {"Resource": "another"},
        {"Resource": ""},
        {"ID": "another"},
        {"ID": ""},
        {"ID": "x" * 5000},
    ],
    ids=str,
)
@pytest.mark.parametrize("state", ["sync", "exists"])
def test_a_forged_message_is_answered_404_and_moves_nothing(
    tmp_path: Path, scene: Scene, changes: dict[str, str], state: str
) -> None:
    async def act(office: Office) -> None:
        channel = await opened(office)
        headers = {name: value.encode() for name, value in message(channel, State=state, **changes).items()}
        answer = await post(office, headers)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()) == (404, {"error": "unknown channel"})
        assert await office.watch.next_due() is None
        assert office.counts["google unknown channel"] == 1

    run_served(tmp_path, scene, act)


def test_no_headers_at_all_are_answered_404(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        assert (await post(office, {})).status_code == 404

    run_served(tmp_path, scene, act)


def test_the_token_of_one_channel_does_not_open_another(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        await office.push.ensure([ANA, BRUNO])
        ana, bruno = sorted(office.at_google(), key=lambda channel: channel["calendar_id"])
        assert ana["token"] != bruno["token"]
        answer = await post(office, message(bruno, Token=ana["token"]))
        assert answer.status_code == 404

    run_served(tmp_path, scene, act)


def test_a_forged_message_is_known_without_the_database(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        channel = await opened(office)
        async with office.db.transaction() as session:
            await session.execute(text("ALTER TABLE calendar_channel RENAME TO channel_away"))
        assert (await post(office, message(channel, Token="wrong"))).status_code == 404
        assert (await post(office, message(channel))).status_code == 503

    run_served(tmp_path, scene, act)


def test_a_message_that_can_not_be_stored_is_sent_again_by_google(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        channel = await opened(office)
        async with office.db.transaction() as session:
            await session.execute(text("ALTER TABLE calendar_feed RENAME TO feed_away"))
        answer = await post(office, message(channel))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert office.counts["not stored"] == 1
        async with office.db.transaction() as session:
            await session.execute(text("ALTER TABLE feed_away RENAME TO calendar_feed"))
        assert (await post(office, message(channel))).status_code == 200
        assert await office.watch.next_due() == scene.now() + timedelta(seconds=3)

    run_served(tmp_path, scene, act)


def test_a_body_is_not_read_beyond_a_small_bound(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        channel = await opened(office)
        assert (await post(office, message(channel), b"x" * 1024)).status_code == 200
        assert (await post(office, message(channel), b"x" * 1025)).status_code == 413
        assert office.counts["google too large"] == 1

    run_served(tmp_path, scene, act)


def test_a_channel_that_was_closed_is_no_longer_listened_to(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        channel = await opened(office)
        await office.push.ensure([])
        assert office.at_google() == []
        assert await office.channels() == []
        assert (await post(office, message(channel))).status_code == 404

    run_served(tmp_path, scene, act)


# --- a channel's life -------------------------------------------------------------------------------------------------


def test_a_channel_is_opened_for_a_week_with_a_secret_that_is_stored_nowhere(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        await office.push.ensure([ANA, BRUNO])
        assert sorted(channel["calendar_id"] for channel in office.at_google()) == [ANA, BRUNO]
        for channel in await office.channels():
            assert channel.expires_at == scene.now() + timedelta(days=7)
        async with office.db.engine.connect() as connection:
            kept = str((await connection.execute(text("SELECT * FROM calendar_channel"))).all())
        assert not any(channel["token"] in kept for channel in office.at_google())

    run(tmp_path, scene, act)


def test_a_channel_that_lasts_is_left_alone(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        channel = await opened(office)
        for _ in range(3):
            scene.control("/clock", advance_s=2 * DAY - 10)
            await office.push.ensure([ANA])
        assert [living["id"] for living in office.at_google()] == [channel["id"]]

    run_served(tmp_path, scene, act)


def test_a_channel_is_followed_by_another_a_day_before_it_ends_and_closed_once_that_is_heard(
    tmp_path: Path, scene: Scene
) -> None:
    async def act(office: Office) -> None:
        old = await opened(office)
        scene.control("/clock", advance_s=6 * DAY)
        scene.control("/deliveries/faults", service="google", mode="hold", event="sync")
        await office.push.ensure([ANA])
        both = office.at_google()
        assert len(both) == 2
        for channel in both:  # both are listened to
            assert (await post(office, message(channel))).status_code == 200
        await office.push.ensure([ANA])
        (new,) = office.at_google()
        assert new["id"] != old["id"]
        assert [channel.id for channel in await office.channels()] == [new["id"]]
        assert new["expires_ms"] / 1000 == (scene.now() + timedelta(days=7)).timestamp()

    run_served(tmp_path, scene, act)


def test_a_new_channel_that_stays_silent_does_not_cost_the_old_one(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        old = await opened(office)
        scene.control("/clock", advance_s=6 * DAY)
        scene.control("/deliveries/faults", service="google", mode="lose", times=-1)
        for _ in range(3):
            await office.push.ensure([ANA])
            scene.control("/clock", advance_s=3600)
        assert old["id"] in [channel["id"] for channel in office.at_google()]
        assert len(office.at_google()) == 2

    run_served(tmp_path, scene, act)


def test_a_channel_that_ran_out_while_we_were_away_is_forgotten_and_replaced(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        old = await opened(office)
        scene.control("/clock", advance_s=30 * DAY)
        await office.push.ensure([ANA])
        (new,) = office.at_google()
        assert new["id"] != old["id"]
        assert [channel.id for channel in await office.channels()] == [new["id"]]
        assert scene.calls("google", "channels/stop") == []

    run_served(tmp_path, scene, act)


def test_a_channel_that_google_gives_less_time_is_renewed_in_its_own_time(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        end_ms = int((scene.now() + timedelta(hours=7)).timestamp() * 1000)
        body = {"id": "x", "resourceId": "r1", "expiration": str(end_ms)}
        scene.control("/faults", service="google", path="watch", status=200, body=body)
        await office.push.ensure([ANA])
        scene.control("/clock", advance_s=6 * 3600 - 60)
        await office.push.ensure([ANA])
        assert len(scene.calls("google", "watch")) == 1
        scene.control("/clock", advance_s=60)
        await office.push.ensure([ANA])
        assert len(scene.calls("google", "watch")) == 2

    run(tmp_path, scene, act)


def test_a_calendar_that_is_no_longer_followed_has_its_channel_closed(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        await office.push.ensure([ANA, BRUNO])
        await office.push.ensure([BRUNO])
        assert [channel["calendar_id"] for channel in office.at_google()] == [BRUNO]

    run(tmp_path, scene, act)


@pytest.mark.parametrize("settings", [{"public_url": "http://localhost:9"}, {"secret": "another-token-that-is-long"}], ids=str)
def test_another_address_or_secret_opens_new_channels(tmp_path: Path, scene: Scene, settings: dict[str, str]) -> None:
    async def act(office: Office) -> None:
        await office.push.ensure([ANA])
        (old,) = office.at_google()
        await office.with_settings(**settings).ensure([ANA])
        (new,) = office.at_google()
        assert new["id"] != old["id"]
        assert new["address"] == f"{settings.get('public_url', NOBODY)}/webhook/google"
        assert new["token"] != old["token"]

    run(tmp_path, scene, act)


def test_an_address_that_is_taken_away_closes_the_channels(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        await office.push.ensure([ANA])
        await office.with_settings(public_url=None).ensure([ANA])
        assert office.at_google() == []
        assert await office.channels() == []

    run(tmp_path, scene, act)


# --- trouble with opening and closing ---------------------------------------------------------------------------------


def test_a_channel_whose_answer_was_lost_is_used_once_it_is_heard(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        scene.control("/faults", service="google", path="watch", status=503, after_write=True)
        await office.push.ensure([ANA])
        await delivered(scene)
        (channel,) = await office.channels()
        (there,) = office.at_google()
        assert (channel.id, channel.resource_id, channel.heard_at) == (there["id"], there["resource_id"], scene.now())
        scene.control("/clock", advance_s=3600)
        await office.push.ensure([ANA])
        assert len(office.at_google()) == 1
        assert (await post(office, message(there))).status_code == 200

    run_served(tmp_path, scene, act)


def test_a_channel_whose_answer_was_lost_and_that_is_not_heard_is_replaced(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        scene.control("/faults", service="google", path="watch", drop="before", times=2)
        await office.push.ensure([ANA])
        assert office.at_google() == []
        scene.control("/clock", advance_s=60)
        await office.push.ensure([ANA])
        (there,) = office.at_google()
        assert there["id"] in [channel.id for channel in await office.channels()]

    run_served(tmp_path, scene, act)


def test_a_process_that_died_while_asking_leaves_nothing_that_lasts(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        scene.control("/faults", service="google", path="watch", hold="before")
        asking = asyncio.create_task(office.push.ensure([ANA]))
        while not scene.calls("google", "watch"):
            await asyncio.sleep(0.005)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        scene.control("/faults/release")
        await office.with_settings(public_url=str(office.push.address).removesuffix("/webhook/google")).ensure([ANA])
        await delivered(scene)
        await office.push.ensure([ANA])
        (there,) = office.at_google()
        assert [channel.id for channel in await office.channels()] == [there["id"]]

    run_served(tmp_path, scene, act)


@pytest.mark.parametrize(
    ("trouble", "problem"),
    [
        ({"status": 400}, "status 400, badRequest"),
        ({"status": 401}, "status 401, authError"),
        ({"status": 429}, "status 429, rateLimitExceeded"),
        ({"status": 503}, "status 503"),
    ],
    ids=str,
)
def test_a_refusal_is_remembered_and_tried_again_later_and_looking_goes_on(
    tmp_path: Path, scene: Scene, trouble: dict[str, int], problem: str
) -> None:
    async def act(office: Office) -> list[float]:
        await office.book()
        scene.control("/faults", service="google", path="watch", times=-1, **trouble)
        waits = []
        for asked in range(1, 12):
            await office.push.ensure([ANA])
            await office.push.ensure([ANA])
            assert len(scene.calls("google", "watch")) == asked
            feed = await office.feed()
            assert feed.push_problem == f"Google Calendar: watch calendar failed ({problem})"
            assert feed.push_next_try_at is not None
            waits.append((feed.push_next_try_at - scene.now()).total_seconds())
            scene.control("/clock", now=feed.push_next_try_at.isoformat())
        assert await office.watch.poll(ANA) == [1]
        scene.control("/reset")
        await office.push.ensure([ANA])
        assert (await office.feed()).push_problem is None
        return waits

    assert run(tmp_path, scene, act) == [60, 120, 240, 480, 960, 1920, 3840, 7680, 15360, 21600, 21600]


def test_a_start_of_the_service_tries_at_once(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        scene.control("/calendar/options", allow_http_channels=False)
        await office.push.ensure([ANA])
        assert "push.webhookUrlNotHttps" in str((await office.feed()).push_problem)
        scene.control("/calendar/options", allow_http_channels=True)
        await office.push.ensure([ANA])
        assert office.at_google() == []
        await office.with_settings().ensure([ANA])
        assert len(office.at_google()) == 1

    run(tmp_path, scene, act)


@pytest.mark.parametrize(("status", "is_kept"), [(503, True), (429, True), (401, False), (400, False), (404, False)])
def test_a_channel_that_can_not_be_closed_is_tried_again_unless_that_is_useless(
    tmp_path: Path, scene: Scene, status: int, *, is_kept: bool
) -> None:
    async def act(office: Office) -> None:
        await office.push.ensure([ANA])
        scene.control("/faults", service="google", path="channels/stop", status=status)
        await office.push.ensure([])
        assert bool(await office.channels()) is is_kept
        await office.push.ensure([])
        assert await office.channels() == []
        assert bool(office.at_google()) is not is_kept

    run(tmp_path, scene, act)


def test_a_whole_fortnight_of_ticks_keeps_one_channel_per_calendar(tmp_path: Path, scene: Scene) -> None:
    async def act(office: Office) -> None:
        for _ in range(15 * 4):
            await office.watch.tick()
            await office.watch.stop()
            await delivered(scene)
            assert {channel["calendar_id"] for channel in office.at_google()} == {ANA, BRUNO}
            scene.control("/clock", advance_s=DAY / 4)
        await office.watch.tick()
        await office.watch.stop()
        assert len(office.at_google()) == 2
        assert len(scene.calls("google", "watch")) == 6
        assert all(following.is_heard for following in await office.watch.report())
        assert scene.now() == at("2026-03-24 08:00")

    run_served(tmp_path, scene, act)
