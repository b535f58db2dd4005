"""An account's rate: who is over it waits, and waiting costs nothing."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from tests.stories.conftest import Story, a_story, gifthub, threekit

RATE: Final = 5.0
PATIENCE: Final = 20.0
HOUR: Final = timedelta(hours=1)

_STATES: Final = "SELECT state, count(*) AS n FROM orders GROUP BY state"
_ROWS: Final = "SELECT intent_id, xmin::text AS xmin, due_at, fence FROM orders ORDER BY 1"


@pytest.fixture
async def story(
    database_url: str, redis_url: str, set_clock: Callable[[timedelta], None]
) -> AsyncIterator[Story]:
    fields = {name: {"rate": str(RATE)} for name in ("threekit", "gifthub")}
    async with a_story(database_url, redis_url, set_clock, _now, fields=fields) as told:
        yield told


def _now(ahead: timedelta) -> datetime:
    return datetime.now(UTC) + ahead


async def until(reached: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not (await found if asyncio.iscoroutine(found := reached()) else found):
            await asyncio.sleep(0.01)


def ring(story: Story, provider: str) -> None:
    story.engine.orders[provider, "default"].ring()


async def test_an_order_over_the_limit_is_not_written_while_it_waits(story: Story) -> None:
    await story.submit(*(threekit(f"t{n:02}") for n in range(10)))
    before = {row.intent_id: row for row in await story.all(_ROWS)}
    ring(story, "threekit")
    await until(lambda: story.sandbox.hits("threekit", "create") >= 3)
    untouched = 0
    for row in await story.all(_ROWS):
        if row.fence == 0:
            assert row == before[row.intent_id]
            untouched += 1
    assert untouched >= 4


async def test_what_is_over_the_limit_goes_out_without_another_bell(story: Story) -> None:
    await story.submit(*(threekit(f"t{n}") for n in range(8)))
    began = time.monotonic()
    ring(story, "threekit")
    await until(lambda: story.sandbox.hits("threekit", "create") == 8)
    assert time.monotonic() - began >= 6 / RATE


async def test_the_call_that_buys_waits_in_line_and_goes_before_new_orders(
    story: Story,
) -> None:
    await story.submit(*(gifthub(f"g{n}") for n in range(4)))
    ring(story, "gifthub")
    await until(lambda: story.sandbox.hits("gifthub", "confirm") == 4)
    calls = [each for each in story.sandbox.journal.entries if each.remote == "gifthub"]
    operations = [each.operation for each in calls if each.operation in {"create", "confirm"}]
    assert operations.index("confirm") < 3
    assert operations[-4:] != ["confirm"] * 4
    took = (calls[7].at - calls[0].at).total_seconds()
    assert took >= 6 / RATE
    assert story.bought() == 4


async def test_a_worker_that_stops_keeps_nobody_in_line(
    database_url: str, redis_url: str, set_clock: Callable[[timedelta], None]
) -> None:
    fields = {"gifthub": {"rate": "0.05"}}
    async with a_story(database_url, redis_url, set_clock, _now, fields=fields) as story:
        await story.submit(gifthub("g"))
        ring(story, "gifthub")
        await until(lambda: story.one("SELECT state = 'quoted' FROM orders"))
        began = time.monotonic()
        await story.engine.stop(10.0)
        assert time.monotonic() - began < 5.0
        [order] = await story.all("SELECT step, leased_by, reason, attempts FROM orders")
        assert (order.step, order.leased_by, order.attempts) == ("confirm", None, 1)
        assert order.reason == "not sent: the worker is stopping"
        assert story.sandbox.hits("gifthub", "confirm") == 0


async def test_a_grant_that_does_not_come_leaves_the_order_due_with_its_reason(
    database_url: str, redis_url: str, set_clock: Callable[[timedelta], None]
) -> None:
    fields = {"gifthub": {"rate": "0.2"}}
    short: dict[str, Any] = {"lease_margin": timedelta(seconds=0.3)}
    async with a_story(database_url, redis_url, set_clock, _now, fields=fields, **short) as story:
        await story.submit(gifthub("g"))
        ring(story, "gifthub")
        await until(lambda: story.one("SELECT reason LIKE '%rate%' FROM orders"))
        assert await story.one("SELECT attempts FROM orders") == 1
        await until(lambda: _rung(story, "gifthub", "confirm"))
        assert story.bought() == 1


async def _rung(story: Story, provider: str, operation: str) -> bool:
    ring(story, provider)
    return story.sandbox.hits(provider, operation) > 0


async def test_where_no_account_has_a_rate_redis_is_not_asked(
    database_url: str, redis_url: str, set_clock: Callable[[timedelta], None]
) -> None:
    async with a_story(database_url, redis_url, set_clock, _now) as story:
        assert story.engine.rt.rates is None
        assert {desk.pace for desk in story.engine.rt.desks.values()} == {None}


@pytest.mark.parametrize(
    ("dead", "alive"), [(300, 30), pytest.param(5000, 500, marks=pytest.mark.slow)]
)
async def test_quotes_that_died_in_an_outage_are_ended_without_using_up_the_rate(
    database_url: str,
    redis_url: str,
    set_clock: Callable[[timedelta], None],
    capsys: pytest.CaptureFixture[str],
    dead: int,
    alive: int,
) -> None:
    fields = {"threekit": {"rate": "100"}}
    async with a_story(database_url, redis_url, set_clock, _now, fields=fields) as story:
        await _pile_up(story, "dead", dead, quote={"quoted_at": _now(timedelta()).isoformat()})
        await story.pass_time(HOUR)
        await _pile_up(story, "alive", alive)
        began = time.monotonic()
        ring(story, "threekit")
        await until(lambda: story.sandbox.hits("threekit", "create") > 0)
        first = time.monotonic() - began
        await until(lambda: story.sandbox.hits("threekit", "create") == alive)
        took = time.monotonic() - began
        await until(lambda: story.one("SELECT count(*) = 0 FROM orders WHERE due_at IS NOT NULL"))
        said = f"{dead} dead ones: the first live one after {first:.1f} s, all {took:.1f} s"
        with capsys.disabled():
            print(f"\n{said}")  # noqa: T201 -- what it measures
        states = {row.state: row.n for row in await story.all(_STATES)}
        assert states == {"expired": dead, "fulfilled": alive}
        assert story.sandbox.hits("threekit") == alive


async def _pile_up(story: Story, name: str, count: int, **more: Any) -> None:
    for numbers in (range(first, min(first + 500, count)) for first in range(0, count, 500)):
        await story.submit(*(threekit(f"{name}{n}", **more) for n in numbers))
