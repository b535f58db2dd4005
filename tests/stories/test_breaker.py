"""A provider that is down is left alone, and nothing is lost: its orders wait, or end in time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.stories.conftest import Story, a_story, gifthub, hyper
from worker.sandbox import Fault, Outage
from worker.store import pauses
from worker.verdicts import OUTRESTED

HERE = ("gifthub", "default")
MINUTE = timedelta(minutes=1)
STATE = "SELECT opened_at IS NOT NULL FROM accounts WHERE provider = 'gifthub'"
EVENTS = "SELECT type, data FROM events WHERE account IS NOT NULL ORDER BY at, id"


@pytest.fixture
async def tender(
    database_url: str, redis_url: str, set_clock: Callable[[timedelta], None]
) -> AsyncIterator[Story]:
    """A story in which four failed calls are enough."""
    async with a_story(
        database_url, redis_url, set_clock, lambda by: datetime.now(UTC) + by, breaker_calls=4
    ) as told:
        yield told


def iso(moment: datetime) -> str:
    return moment.isoformat()


def hits(story: Story) -> int:
    return sum(entry.remote == "gifthub" for entry in story.sandbox.journal.entries)


async def until(story: Story, *, rests: bool) -> None:
    """Work, looking as often as it takes, until the account rests, or does not any more."""
    async with asyncio.timeout(20):
        while bool(await story.one(STATE)) is not rests:
            await story.engine.watch_calls()
            await story.work()
    await story.engine.watch_calls()
    await story.work()


@pytest.mark.parametrize("outage", Outage)
async def test_it_is_called_no_more_until_a_probe_is_answered_and_then_everything_goes_on(
    tender: Story, outage: Outage
) -> None:
    await tender.sandbox.outage("gifthub", outage)
    await tender.submit(*(gifthub(f"g{n}") for n in range(6)))
    await until(tender, rests=True)
    before = hits(tender)
    await tender.pass_time(timedelta(seconds=20))
    await tender.engine.watch_calls()
    await tender.work()
    assert hits(tender) == before
    states = {row.state for row in await tender.all("SELECT state FROM orders")}
    assert states <= {"placing", "in_doubt"}

    await tender.pass_time(timedelta(seconds=20))  # the pause, at its longest, is 36 seconds
    await tender.engine.watch_calls()
    await tender.work()
    if outage is not Outage.REFUSE:
        assert hits(tender) == before + 1, "one order found out that nothing has changed"
    [first, second] = await tender.all(EVENTS)
    assert (first.data["openings"], second.data["openings"]) == (1, 2)
    assert second.data["why"] == "a probe failed"

    await tender.sandbox.outage("gifthub", seconds=0)
    await tender.pass_time(timedelta(seconds=80))
    await until(tender, rests=False)
    await tender.play()
    assert {row.state for row in await tender.all("SELECT state FROM orders")} == {"fulfilled"}
    assert tender.bought() == 6
    kinds = [row.type for row in await tender.all(EVENTS)]
    assert kinds == ["account.opened", "account.opened", "account.closed"]
    assert await tender.all("SELECT FROM account_calls") == []


async def test_others_go_on_meanwhile(tender: Story) -> None:
    await tender.sandbox.outage("gifthub", Outage.UNAVAILABLE)
    await tender.submit(*(gifthub(f"g{n}") for n in range(6)))
    await until(tender, rests=True)
    await tender.submit(hyper("h"))
    await tender.play(limit=timedelta(seconds=20))
    assert await tender.state("h") == "fulfilled"


async def test_an_order_whose_quote_cannot_wait_so_long_ends_early_and_says_why(
    tender: Story,
) -> None:
    await tender.sandbox.outage("gifthub", Outage.UNAVAILABLE)
    now = await tender.now()
    soon, later = (now + timedelta(seconds=span) for span in (25, 300))
    await tender.submit(
        *(gifthub(f"g{n}") for n in range(5)),
        gifthub("soon", quote={"quoted_at": iso(now), "expires_at": iso(soon)}),
        gifthub("later", quote={"quoted_at": iso(now), "expires_at": iso(later)}),
    )
    await until(tender, rests=True)
    before = hits(tender)
    await tender.pass_time(timedelta(seconds=1))  # no retry is under way any more
    await tender.expire()
    assert await tender.state("soon") == "expired"
    assert await tender.one("SELECT reason FROM orders WHERE intent_id = 'soon'") == OUTRESTED
    assert await tender.state("later") == "placing"
    await tender.work()
    assert tender.told("soon-1") == ["expired"]
    assert hits(tender) == before


async def test_a_probe_that_makes_no_call_lets_the_next_one_try(tender: Story) -> None:
    await tender.sandbox.outage("gifthub", Outage.UNAVAILABLE)
    await tender.submit(*(gifthub(f"g{n}") for n in range(5)))
    await until(tender, rests=True)
    await tender.sandbox.outage("gifthub", seconds=0)
    for n in range(2):
        await tender.cancel(f"g{n}")
    await tender.execute(
        "UPDATE orders SET due_at = due_at - interval '1 h' WHERE cancel_asked_at IS NOT NULL"
    )
    await tender.pass_time(timedelta(seconds=40))
    await until(tender, rests=False)
    await tender.play()
    assert await tender.state("g0") == "cancelled"
    assert await tender.state("g4") == "fulfilled"
    kinds = [row.type for row in await tender.all(EVENTS)]
    assert kinds == ["account.opened", "account.closed"]


@pytest.mark.parametrize("fault", [Fault.NONE, Fault.THROTTLED_429])
async def test_a_provider_that_answers_is_not_counted_at_all(tender: Story, fault: Fault) -> None:
    tender.sandbox.script("gifthub", "create", [fault] * 8)
    await tender.submit(*(gifthub(f"g{n}") for n in range(8)))
    await tender.work()
    await tender.engine.watch_calls()
    assert not await tender.one(STATE)
    assert await tender.all("SELECT FROM account_calls") == []


async def test_a_paused_account_buys_nothing_and_goes_on_when_it_is_resumed(
    tender: Story,
) -> None:
    await tender.submit(gifthub("before"))
    await tender.work()
    await pauses.pause(tender.db, HERE, None, by="ada", why="maintenance")
    before = hits(tender)
    await tender.submit(*(gifthub(f"g{n}") for n in range(3)))
    await tender.engine.watch_calls()
    await tender.work()
    await tender.pass_time(MINUTE)
    await tender.expire()
    assert hits(tender) == before
    assert await tender.state("g0") == "accepted"
    await pauses.resume(tender.db, HERE, by="ada", why="over")
    await tender.engine.watch_calls()
    await tender.play()
    assert {row.state for row in await tender.all("SELECT state FROM orders")} == {"fulfilled"}


async def test_what_waits_for_longer_than_its_quote_ends_with_it(tender: Story) -> None:
    """A pause without an end ends nothing early."""
    await pauses.pause(tender.db, HERE, None, by="ada", why=None)
    await tender.submit(gifthub("g", quote={"quoted_at": iso(await tender.now())}))
    await tender.pass_time(timedelta(minutes=9))
    await tender.expire()
    assert await tender.state("g") == "accepted"
    await tender.pass_time(timedelta(minutes=1))
    await tender.expire()
    assert await tender.state("g") == "expired"
    assert hits(tender) == 0
