"""P4 where endpoints are in trouble: they are left alone, or disabled, and nothing is lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web

from tests.stories.conftest import MINUTE, Story, a_story, hyper

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

ENDPOINT = "SELECT * FROM endpoints"
TOLD = "SELECT type FROM events WHERE endpoint IS NOT NULL ORDER BY at, type"


@dataclass
class Moods:
    """Endpoints of one shop, each with a mind of its own, by the last part of its path."""

    hung: set[str] = field(default_factory=set)
    headers: dict[str, str] = field(default_factory=dict)
    status: dict[str, int] = field(default_factory=dict)
    heard: dict[str, list[str]] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        name, body = request.match_info["name"], await request.json()
        if name in self.hung:
            self.waiting[name] = self.waiting.get(name, 0) + 1
            await self.let_go.wait()
        status = self.status.get(name, 200)
        if status == 200:
            data = body["data"]
            self.heard.setdefault(name, []).append(f"{data['deliver_id']} {data['sequence']}")
        return web.Response(status=status, headers=self.headers)


@pytest.fixture
async def moods() -> AsyncIterator[Moods]:
    moods = Moods()
    app = web.Application()
    app.router.add_post("/{name}", moods.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    moods.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield moods
    moods.let_go.set()
    await runner.cleanup()


@pytest.fixture
async def crowd(
    database_url: str, redis_url: str, set_clock: Callable[[timedelta], None], moods: Moods
) -> AsyncIterator[Story]:
    """A story with eight permits for notifications, at most two of them for one endpoint."""
    more: dict[str, Any] = {
        "delivery_concurrency": 8,
        "delivery_per_endpoint": 2,
        "development_hosts": "127.0.0.1",
    }
    async with AsyncExitStack() as stack:
        told = a_story(database_url, redis_url, set_clock, _from_now, **more)
        yield await stack.enter_async_context(told)
        moods.let_go.set()


def _from_now(ahead: timedelta) -> datetime:
    return datetime.now(UTC) + ahead


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not happened():
            await asyncio.sleep(0.005)


# --- one endpoint, told by days ------------------------------------------------------------------


async def test_who_is_gone_hears_nothing_until_enabled_and_then_everything_in_order(
    story: Story,
) -> None:
    story.receiver.answers = [410]
    await story.submit(hyper("1", lines=2), hyper("2"))
    await story.play(limit=DAY)
    assert story.receiver.received.first == {} or story.receiver.received.out_of_order == 0
    heard = len(story.receiver.bodies)
    await story.pass_time(30 * DAY)
    await story.submit(hyper("3"))
    await story.play(limit=DAY)
    assert len(story.receiver.bodies) == heard, "nothing was sent any more"
    assert await story.all(TOLD) == [("endpoint.disabled",)]
    assert await story.state("3") == "fulfilled"
    await story.enable()
    await story.play()
    for deliver_id in ("1-1", "1-2", "2-1", "3-1"):
        assert story.told(deliver_id) == ["accepted", "delivered"]
    assert story.receiver.received.out_of_order == 0
    assert await story.all("SELECT DISTINCT state FROM notifications") == [("acknowledged",)]


@pytest.mark.parametrize("form", ["seconds", "a date"])
@pytest.mark.parametrize(("asked", "given"), [(7 * MINUTE, 7 * MINUTE), (5 * HOUR, HOUR)])
async def test_an_endpoint_that_asks_to_be_left_alone_is_for_an_hour_at_most(
    crowd: Story, moods: Moods, form: str, asked: timedelta, given: timedelta
) -> None:
    moods.status["a"] = 429
    date = format_datetime(datetime.now(UTC) + asked, usegmt=True)
    moods.headers["Retry-After"] = str(int(asked.total_seconds())) if form == "seconds" else date
    await crowd.submit(hyper("1", notify_url=f"{moods.url}/a"))
    await crowd.work()
    rests = await crowd.one(
        "SELECT rests_until - orderline_now() FROM endpoints WHERE url LIKE '%/a'"
    )
    assert given - timedelta(seconds=10) < rests <= given
    del moods.status["a"]
    await crowd.submit(hyper("2", notify_url=f"{moods.url}/a"))
    await crowd.work()
    assert moods.heard == {}, "another order's news waits, too"
    await crowd.play()
    assert sorted(moods.heard["a"]) == ["1-1 1", "1-1 2", "2-1 1", "2-1 2"]


async def test_an_endpoint_that_recovers_forgets_its_failures(story: Story) -> None:
    story.receiver.answers = [500] * 5
    await story.submit(hyper("1"))
    await story.play()
    [row] = await story.all("SELECT failures, failing_since, disabled_at FROM endpoints")
    assert row == (0, None, None)
    assert await story.all(TOLD) == [("endpoint.failing",), ("endpoint.recovered",)]
    assert story.told("1-1") == ["accepted", "delivered"]


# --- several side by side ------------------------------------------------------------------------


@pytest.mark.parametrize("dead", [1, 4])
async def test_endpoints_that_hang_delay_no_other(crowd: Story, moods: Moods, dead: int) -> None:
    """More is owed to each that hangs than there are permits in all."""
    moods.hung = {f"dead{n}" for n in range(dead)}
    await crowd.submit(
        *(
            hyper(f"{name}-{n}", lines=3, notify_url=f"{moods.url}/{name}")
            for name in sorted(moods.hung)
            for n in range(3)
        )
    )
    for pump in crowd.engine.pumps:
        pump.ring()
    await until(lambda: len(moods.waiting) == dead)
    await crowd.submit(hyper("well", 2, notify_url=f"{moods.url}/well"))
    for pump in crowd.engine.pumps:
        pump.ring()
    await until(lambda: len(moods.heard.get("well", [])) == 1)
    await until(lambda: crowd.engine.mail.working < 8)
    assert max(moods.waiting.values()) <= 2
    moods.let_go.set()
    moods.hung.clear()
    await crowd.play()
    assert await crowd.all("SELECT DISTINCT state FROM notifications") == [("acknowledged",)]
    for name in (f"dead{n}" for n in range(dead)):
        assert len(set(moods.heard[name])) == 18


async def test_what_waits_for_room_in_its_lane_goes_without_another_bell(
    crowd: Story, moods: Moods
) -> None:
    await crowd.submit(*(hyper(f"{n}", lines=4, notify_url=f"{moods.url}/a") for n in range(4)))
    for pump in crowd.engine.pumps:
        pump.ring()
    await until(lambda: len(moods.heard.get("a", [])) == 16)
