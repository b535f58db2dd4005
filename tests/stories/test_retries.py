"""Retries keep within their share of an account's calls, and cost no order its chance."""

from datetime import timedelta

from tests.stories.conftest import Story, hyper
from worker.decisions.rules import BUDGET_SPENT
from worker.sandbox.faults import Fault

ORDERS = 20
SECOND = timedelta(seconds=1)


async def test_a_provider_that_throttles_gets_its_retries_bit_by_bit(story: Story) -> None:
    budget = story.engine.rt.desks["hyperteknoloji", "default"].budget
    budget.floor = 0.5  # a second: on a slow machine, too, places come by more seldom than retries
    story.sandbox.script("hyperteknoloji", "create", [Fault.THROTTLED_429] * ORDERS)
    await story.submit(*(hyper(str(number)) for number in range(ORDERS)))
    await story.work()
    assert story.sandbox.hits("hyperteknoloji", "create") == ORDERS
    rows = await story.all(
        "SELECT reason, due_at - updated_at AS wait, tries FROM orders ORDER BY due_at"
    )
    assert {row.tries for row in rows} == {1}
    assert all(row.wait >= SECOND for row in rows)
    late = [row for row in rows if row.reason.endswith(BUDGET_SPENT)]
    assert 0 < len(late) < ORDERS / 2
    assert late == rows[-len(late) :]
    # Of the places that come by one after the other, the last ones wait longest.
    assert late[-1].wait > (len(late) - 1) * SECOND / budget.floor
    await story.play()
    assert await story.all("SELECT FROM orders WHERE state <> 'fulfilled'") == []
    assert story.bought() == ORDERS


async def test_a_quote_ends_no_sooner_for_want_of_a_place(story: Story) -> None:
    rt = story.engine.rt
    desk = rt.desks["hyperteknoloji", "default"]
    for _ in range(1000):
        desk.budget.retry_in(rt.clock.monotonic())
    story.sandbox.script("hyperteknoloji", "create", [Fault.THROTTLED_429])
    now = await story.now()
    quote = {"quoted_at": now.isoformat(), "expires_at": (now + timedelta(minutes=1)).isoformat()}
    await story.submit(hyper("1", quote=quote))
    await story.work()
    [row] = await story.all("SELECT reason, expires_at - due_at AS left FROM orders")
    assert row.reason.endswith(BUDGET_SPENT)
    assert row.left > SECOND
    await story.play()
    assert await story.state("1") == "fulfilled"
