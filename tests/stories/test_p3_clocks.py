"""P3 among clocks that disagree: a provider judges its quotes by its own, we by the database's."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from tests.stories.conftest import MINUTE, Story, a_story, gifthub
from worker.sandbox import Fault
from worker.steps.clocks import compare_clocks

SECOND = timedelta(seconds=1)
QUOTE = 10 * MINUTE
"""For how long Gifthub freezes a price."""

Telling = Callable[[int], AbstractAsyncContextManager[Story]]


@pytest.fixture
def telling(database_url: str, redis_url: str, set_clock: Callable[[timedelta], None]) -> Telling:
    """A story whose providers' clocks are so many seconds ahead of the database's."""

    def tell(by: int) -> AbstractAsyncContextManager[Story]:
        return a_story(
            database_url,
            redis_url,
            set_clock,
            lambda ahead: datetime.now(UTC) + ahead + by * SECOND,
        )

    return tell


async def its_end(story: Story, by: int) -> datetime:
    """When the one quote there is really ends, by the database's clock."""
    [row] = story.sandbox.books.rows("gifthub")
    return row.created_at + QUOTE - by * SECOND


async def quoted(story: Story) -> datetime:
    """Until when the one order there is may be bought; the call that buys is turned away."""
    story.sandbox.script("gifthub", "confirm", [Fault.THROTTLED_429] * 400)
    await story.submit(gifthub("1"))
    await story.work()
    assert story.told("1-1") == ["quoted"]
    ends: datetime = await story.one("SELECT expires_at FROM orders")
    return ends


@pytest.mark.parametrize("by", [30, 3])
async def test_the_quote_of_a_clock_that_is_ahead_ends_as_much_earlier(
    telling: Telling, by: int
) -> None:
    async with telling(by) as story:
        ends, truly = await quoted(story), await its_end(story, by)
        assert truly - 2 * SECOND < ends <= truly


@pytest.mark.parametrize("by", [0, -3, -30])
async def test_the_quote_of_a_clock_that_is_behind_ends_when_it_says(
    telling: Telling, by: int
) -> None:
    async with telling(by) as story:
        ends, truly = await quoted(story), await its_end(story, by)
        said = truly + by * SECOND
        assert abs(ends - said) < timedelta(milliseconds=2)  # it tells milliseconds
        assert ends <= truly


async def test_by_a_clock_that_is_ahead_nothing_is_confirmed_too_late(telling: Telling) -> None:
    """Judged by its own word, its quote would be tried for half a minute after its end."""
    async with telling(30) as story:
        await quoted(story)
        truly = await its_end(story, 30)
        await story.play(limit=QUOTE - 35 * SECOND)
        tried = story.sandbox.hits("gifthub", "confirm")
        assert tried > 1
        await story.pass_time(truly - await story.now())
        story.sandbox.unscript()
        await story.play()
        assert await story.state("1") == "expired"
        assert story.sandbox.hits("gifthub", "confirm") == tried
        assert "window closed" in await story.one("SELECT reason FROM orders")


@pytest.mark.parametrize("by", [30, -30])
async def test_the_account_tells_how_far_its_provider_is_ahead(telling: Telling, by: int) -> None:
    async with telling(by) as story:
        await quoted(story)
        with capture_logs() as logs:
            [seen] = [
                each for each in await compare_clocks(story.engine.rt) if each.provider == "gifthub"
            ]
        assert seen.ahead.least <= by * SECOND <= seen.ahead.most
        [row] = await story.all("SELECT * FROM accounts WHERE provider = 'gifthub'")
        assert abs(row.clock_ahead - by) <= row.clock_unsure < 1
        assert row.clock_seen_at is not None
        [warned] = [each for each in logs if each["event"] == "clock_skewed"]
        assert (warned["provider"], warned["log_level"]) == ("gifthub", "warning")
        assert abs(warned["seconds"] - by) < 1


async def test_clocks_that_agree_are_noted_and_nobody_is_warned(telling: Telling) -> None:
    async with telling(0) as story:
        await quoted(story)
        with capture_logs() as logs:
            await compare_clocks(story.engine.rt)
        assert [each for each in logs if each["event"] == "clock_skewed"] == []
        [row] = await story.all("SELECT * FROM accounts WHERE provider = 'gifthub'")
        assert abs(row.clock_ahead) <= row.clock_unsure < 1


async def test_what_an_account_showed_is_written_when_it_changed_and_not_each_time(
    telling: Telling,
) -> None:
    async with telling(30) as story:
        await quoted(story)
        rt = story.engine.rt
        await compare_clocks(rt)
        before = await story.one("SELECT xmin FROM accounts WHERE provider = 'gifthub'")
        await compare_clocks(rt)
        assert await story.one("SELECT xmin FROM accounts WHERE provider = 'gifthub'") == before
        story.set_clock(20 * SECOND)  # the database's clock is corrected by as much
        await compare_clocks(rt)
        ahead = await story.one("SELECT clock_ahead FROM accounts WHERE provider = 'gifthub'")
        assert abs(ahead - 10) < 1


async def test_a_database_that_is_far_from_our_clock_is_warned_of_and_changes_no_quote(
    telling: Telling,
) -> None:
    """It and the provider agree: that we are wrong says nothing of a quote."""
    async with telling(0) as story:
        await story.pass_time(2 * MINUTE)
        ends, truly = await quoted(story), await its_end(story, 0)
        assert abs(ends - truly) < timedelta(milliseconds=2)
        with capture_logs() as logs:
            await compare_clocks(story.engine.rt)
        [warned] = [each for each in logs if each["event"] == "clock_skewed"]
        assert "provider" not in warned
        assert abs(warned["seconds"] + 120) < 1


async def test_an_account_that_has_not_answered_for_long_says_nothing_any_more(
    telling: Telling,
) -> None:
    async with telling(30) as story:
        await quoted(story)
        rt = story.engine.rt
        watch = rt.desks["gifthub", "default"].channel.watch
        assert watch.seen_at is not None
        watch.seen_at -= 2 * MINUTE
        seen = await compare_clocks(rt)
        assert ("gifthub", "default") not in {(each.provider, each.account) for each in seen}
