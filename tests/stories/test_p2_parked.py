"""P2, by people: what nothing can prove is parked, decided once, and goes on.

And what nobody expected: an answer after the order had gone on without it.
"""

import asyncio
from typing import Any

import psycopg
import pytest

from schemas.ids import OrderId
from tests.stories.conftest import MINUTE, Story, feedback, hyper, threekit
from worker.change import Change, begun
from worker.decisions.resolutions import Decision, Resolution
from worker.lifecycle import Step
from worker.order import Attempted, Claimed
from worker.outcome import Confirmed, Outcome
from worker.sandbox import Fault, Outage
from worker.steps.decided import Decided, Learnt
from worker.steps.resolve import Undecidable, consider, resolve
from worker.steps.settle import settle
from worker.store.session import Boundary

R = Resolution
PARK = """
UPDATE orders SET state = 'parked', parked_reason = 'x', step = NULL, due_at = NULL,
    leased_by = NULL, lease_until = NULL
"""


async def _parked(story: Story, *intents: dict[str, Any]) -> OrderId:
    await story.submit(*intents)
    await story.play()
    assert await story.state(intents[0]["intent_id"]) == "parked"
    found = await story.one("SELECT id FROM orders WHERE intent_id = :i", i=intents[0]["intent_id"])
    return OrderId(found)


async def _decide(story: Story, order_id: OrderId, resolution: Resolution, **more: Any) -> None:
    unchecked = more.pop("unchecked", False)
    decision = Decision(resolution=resolution, by="ada@ops", why="seen there", **more)
    await resolve(order_id, decision, story.engine.rt, unchecked=unchecked)
    await story.play()


async def test_an_order_that_was_never_there_is_bought_when_a_person_says_so(
    story: Story,
) -> None:
    order_id = await _parked(story, hyper("h", 20))  # never answered and unexecuted, once
    assert story.bought() == 0
    await _decide(story, order_id, R.RESEND)
    assert await story.state("h") == "fulfilled"
    assert story.bought() == 1
    assert story.told("h-1") == ["in_doubt", "accepted", "delivered"]


async def test_an_order_that_a_person_found_is_asked_after_from_then_on(story: Story) -> None:
    story.sandbox.script("hyperteknoloji", "list", [Fault.ERROR_500_BEFORE] * 200)
    order_id = await _parked(story, hyper("h", 10))  # executed and never answered
    [row] = story.sandbox.live_orders("hyperteknoloji")
    ref = await story.one("SELECT line_ref FROM lines")
    detail = row.line_id
    await _decide(story, order_id, R.PLACED, ref=row.order_id, line_refs={ref: detail})
    assert await story.state("h") == "fulfilled"
    assert story.bought() == 1


async def test_what_the_provider_does_not_confirm_is_not_recorded_as_placed(
    story: Story,
) -> None:
    order_id = await _parked(story, hyper("h", 20))
    ref = await story.one("SELECT line_ref FROM lines")
    with pytest.raises(Undecidable, match="does not confirm it"):
        await _decide(story, order_id, R.PLACED, ref="9876", line_refs={ref: "55501"})
    assert await story.state("h") == "parked"
    assert await story.one("SELECT provider_ref FROM orders") is None


async def test_no_order_is_said_to_be_another_ones(story: Story) -> None:
    await story.submit(threekit("theirs"))
    await story.play()
    ref = await story.one("SELECT provider_ref FROM orders")
    slow, _ = await _slow(story, threekit("t"))
    await story.execute(f"{PARK} WHERE intent_id = 't'")
    for unchecked in (False, True):
        with pytest.raises(Undecidable, match="another order"):
            await _decide(story, slow.order.order_id, R.PLACED, ref=ref, unchecked=unchecked)


async def test_nothing_is_decided_twice(story: Story) -> None:
    order_id = await _parked(story, feedback("f", "sandbox-cut-after"))
    await _decide(story, order_id, R.PLACED)
    assert await story.state("f") == "fulfilled"
    for resolution in Resolution:
        with pytest.raises(Undecidable, match="not parked"):
            await _decide(story, order_id, resolution)
    resolved = await story.all("SELECT data FROM events WHERE type = 'order.resolved'")
    assert resolved == [({"as": "placed", "by": "ada@ops", "why": "seen there"},)]


async def test_of_two_decisions_at_once_one_is_carried_out(story: Story) -> None:
    order_id = await _parked(story, feedback("f", "sandbox-cut-after"))
    await story.pass_time(10 * MINUTE)
    decisions = [
        Decision(resolution=one, by=str(one), why="seen there") for one in (R.PLACED, R.REFUSED)
    ]
    ended = await asyncio.gather(
        *(resolve(order_id, one, story.engine.rt) for one in decisions), return_exceptions=True
    )
    [lost] = [one for one in ended if isinstance(one, BaseException)]
    assert isinstance(lost, Undecidable)
    assert await story.one("SELECT count(*) FROM events WHERE type = 'order.resolved'") == 1
    state = await story.state("f")
    by = await story.one("SELECT data->>'by' FROM events WHERE type = 'order.resolved'")
    assert (by, state) in {("placed", "fulfilled"), ("refused", "refused")}


async def test_what_may_be_decided_is_told_with_the_reason_why_the_rest_may_not(
    story: Story,
) -> None:
    quote = {"quoted_at": (await story.now()).isoformat()}
    order_id = await _parked(story, hyper("h", 20, quote=quote))
    refusals = {
        choice.resolution: choice.refusal
        for choice in (await consider([order_id], story.engine.rt))[order_id]
    }
    assert "the quote's window closed" in str(refusals[R.RESEND])
    assert [refusals[one] for one in (R.PLACED, R.REFUSED, R.CANCELLED)] == [None] * 3
    with pytest.raises(Undecidable, match="window closed"):
        await _decide(story, order_id, R.RESEND)
    await _decide(story, order_id, R.REFUSED)
    assert await story.state("h") == "refused"
    assert story.told("h-1") == ["in_doubt", "refused"]


async def test_nobody_says_that_nothing_is_there_while_the_call_may_still_come_through(
    story: Story,
) -> None:
    order_id = await _parked(story, feedback("f", "sandbox-cut-after"))
    for resolution in (R.REFUSED, R.RESEND):
        with pytest.raises(Undecidable, match="may still come through"):
            await _decide(story, order_id, resolution)
    await story.pass_time(10 * MINUTE)
    await _decide(story, order_id, R.REFUSED)
    assert await story.state("f") == "refused"


async def test_an_account_that_is_not_configured_leaves_nothing_to_decide(story: Story) -> None:
    order_id = await _parked(story, feedback("f", "sandbox-cut-after"))
    await story.execute("UPDATE orders SET account = 'gone'")
    assert await consider([order_id], story.engine.rt) == {}
    with pytest.raises(Undecidable, match="not configured here"):
        await _decide(story, order_id, R.PLACED)


# --- late answers --------------------------------------------------------------------------------


async def _slow(story: Story, intent: dict[str, Any]) -> tuple[Claimed, Attempted]:
    """An order whose worker opened an attempt and then stood still."""
    await story.submit(intent)
    claimed = await story.claim(intent["provider"])
    return claimed, await story.attempt(claimed)


async def _answered(story: Story, slow: Claimed, attempt: Attempted, outcome: Outcome) -> None:
    """The slow worker comes back with what it was told."""
    rt = story.engine.rt
    desk = rt.desks[slow.provider, "default"]

    def decide(current: Claimed) -> Change:
        return desk.decider.after_call(begun(current, attempt), Step.PLACE, outcome, 0.5)

    decided = Decided(begun(slow, attempt), decide(slow), Learnt(attempt, outcome, decide))
    await settle(decided, desk, story.engine.mail, rt)


async def test_a_late_yes_takes_an_order_out_of_doubt_that_was_parked(story: Story) -> None:
    slow, attempt = await _slow(story, feedback("f"))
    await story.play()
    assert await story.state("f") == "parked"
    await _answered(story, slow, attempt, Confirmed(None))
    assert await story.state("f") == "placed"


async def test_a_late_yes_is_not_lost_when_the_order_is_taken_before_it_is_written(
    story: Story, database_url: str
) -> None:
    slow, attempt = await _slow(story, feedback("f"))
    await story.play()
    left = iter([None])

    def another_takes_it(boundary: Boundary, side: str) -> None:
        if (boundary, side) == (Boundary.CLAIM, "after") and next(left, 0) is None:
            with psycopg.connect(database_url.replace("+psycopg", "")) as other:
                other.execute("UPDATE orders SET fence = fence + 1")

    story.db._on_boundary = another_takes_it
    await _answered(story, slow, attempt, Confirmed(None))
    assert await story.state("f") == "placed"


async def test_a_late_yes_after_a_person_had_it_bought_again_is_a_surplus_order(
    story: Story,
) -> None:
    slow, attempt = await _slow(story, hyper("h"))
    await story.play()
    await _decide(story, slow.order.order_id, R.RESEND)
    assert await story.state("h") == "fulfilled"
    before = await story.all("SELECT state, provider_ref, fence FROM orders")
    await _answered(story, slow, attempt, Confirmed("late"))
    assert await story.all("SELECT state, provider_ref, fence FROM orders") == before
    assert await story.all("SELECT provider_ref, decision FROM surplus_orders") == [("late", None)]
    assert story.told("h-1") == ["in_doubt", "accepted", "delivered"]


async def test_a_late_yes_before_the_next_call_stops_it(story: Story) -> None:
    await story.sandbox.outage("hyperteknoloji", Outage.REFUSE)
    slow, attempt = await _slow(story, hyper("h"))
    order_id = slow.order.order_id
    await story.execute(PARK)  # whatever it was parked for
    await story.pass_time(10 * MINUTE)
    decision = Decision(resolution=R.RESEND, by="ada@ops", why="never arrived")
    await resolve(order_id, decision, story.engine.rt)
    await story.work()
    assert await story.state("h") == "placing"  # it is tried again and again
    await _answered(story, slow, attempt, Confirmed("late"))

    await story.sandbox.outage("hyperteknoloji", seconds=0)
    await story.play()
    assert await story.state("h") == "parked"
    assert story.bought() == 0
    [choice] = [
        one
        for one in (await consider([order_id], story.engine.rt))[order_id]
        if one.resolution is R.RESEND
    ]
    assert "late" in str(choice.refusal)
    ref = await story.one("SELECT line_ref FROM lines")
    adopt = Decision(
        resolution=R.PLACED, by="ada@ops", why="seen", ref="late", line_refs={ref: "55501"}
    )
    await resolve(order_id, adopt, story.engine.rt, unchecked=True)
    assert await story.all("SELECT decision, closed_by FROM surplus_orders") == [
        ("adopted", "ada@ops")
    ]
