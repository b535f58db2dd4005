"""P3: no call that commits money starts unless it can end before the quote expires."""

from datetime import timedelta

from tests.stories.conftest import Story, gifthub, hyper
from worker.sandbox import Fault, Outage


def _iso(moment: object) -> str:
    return str(moment).replace(" ", "T")


async def test_a_quote_too_short_for_the_call_is_not_acted_on(story: Story) -> None:
    now = await story.now()
    quote = {"quoted_at": _iso(now), "expires_at": _iso(now + timedelta(seconds=4))}
    await story.submit(hyper("1", quote=quote))
    await story.play()
    assert await story.state("1") == "expired"
    assert story.told("1-1") == ["expired"]
    assert story.sandbox.hits("hyperteknoloji", "create") == 0


async def test_a_call_needs_all_that_it_may_take_and_the_margin(story: Story) -> None:
    settings = story.engine.rt.settings
    for desk in story.engine.rt.desks.values():
        longest = settings.start_grace + desk.call_timeout
        assert desk.total == longest
        assert desk.decider.needs == longest + settings.quote_margin


async def test_an_outage_longer_than_the_window_ends_in_expiry_not_in_a_late_purchase(
    story: Story,
) -> None:
    await story.sandbox.outage("hyperteknoloji", Outage.REFUSE)
    await story.submit(hyper("1", quote={"quoted_at": _iso(await story.now())}))
    await story.play(limit=timedelta(minutes=9))
    assert await story.state("1") == "placing"
    await story.play(limit=timedelta(minutes=10))
    assert await story.state("1") == "expired"
    await story.sandbox.outage("hyperteknoloji", seconds=0)
    await story.play()
    assert story.bought() == 0


async def test_a_window_that_closes_between_quote_and_confirmation_buys_nothing(
    story: Story,
) -> None:
    story.sandbox.script("gifthub", "confirm", [Fault.THROTTLED_429] * 400)
    await story.submit(gifthub("1"))
    await story.play()
    assert await story.state("1") == "expired"
    assert story.bought() == 0


async def test_the_providers_own_window_rules_when_it_is_tighter(story: Story) -> None:
    await story.submit(gifthub("1", "sandbox-expire-fast"))
    await story.play()
    assert await story.state("1") == "expired"
    assert story.sandbox.hits("gifthub", "confirm") == 0


async def test_an_order_without_a_quote_is_tried_for_a_long_time_and_then_fails_unsent(
    story: Story,
) -> None:
    await story.sandbox.outage("hyperteknoloji", Outage.REFUSE)
    await story.submit(hyper("1"))
    await story.play()
    assert await story.state("1") == "failed"
    assert story.told("1-1") == ["failed"]
    tried_for = await story.one("SELECT finished_at - created_at FROM orders")
    assert tried_for >= story.engine.rt.settings.retry_for
