"""P6: whatever goes wrong inside, nothing is used up by it and what is due stays due."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import exc

from schemas.money import Money
from tests.stories.conftest import MINUTE, Story, gifthub, hyper
from worker.change import Change
from worker.lifecycle import LineState, OrderState, Step
from worker.moves import line_moves
from worker.order import Claimed
from worker.outcome import Confirmed, LineReport
from worker.sandbox import Fault
from worker.steps.decided import Decided, Learnt
from worker.steps.drive import drive
from worker.steps.settle import settle
from worker.verdicts import change_of


def _change(claimed: Claimed, price: Money | None = None) -> Change:
    reports = [
        LineReport(line.line_ref, LineState.ACCEPTED, price=price) for line in claimed.order.lines
    ]
    moves = line_moves(claimed, reports, LineState.ACCEPTED)
    return change_of(claimed, state=OrderState.PLACED, step=Step.POLL, due_in=MINUTE, moves=moves)


async def test_a_change_that_cannot_be_written_uses_up_no_permit_of_the_webhooks(
    story: Story,
) -> None:
    await story.submit(hyper("1", lines=3))
    claimed = await story.claim("hyperteknoloji")
    desk = story.engine.rt.desks["hyperteknoloji", "default"]
    mail = story.engine.mail
    free = mail.free
    unwritable = _change(claimed, Money(Decimal(10) ** 30, "TRY"))
    with pytest.raises(exc.DataError):
        await settle(Decided(claimed, unwritable), desk, mail, story.engine.rt)
    assert mail.free == free


async def test_what_follows_from_late_knowledge_is_due_at_once(story: Story) -> None:
    await story.submit(gifthub("1"))
    slow = await story.claim("gifthub")
    desk = story.engine.rt.desks["gifthub", "default"]
    attempt = await story.attempt(slow, needs=MINUTE)
    await story.pass_time(2 * MINUTE)
    await story.claim("gifthub")  # another worker, which now thinks the call lost

    def decide(current: Claimed) -> Change:
        ours = replace(current, attempt=attempt)
        return desk.decider.after_call(ours, Step.PLACE, yes, 0.5)

    yes = Confirmed("their-id")
    decided = Decided(slow, decide(slow), Learnt(attempt, yes, decide))
    settled = await settle(decided, desk, story.engine.mail, story.engine.rt)
    assert not settled.held
    assert await story.all(
        "SELECT state, step, due_at <= orderline_now(), leased_by FROM orders"
    ) == [("quoted", "confirm", True, None)]


async def test_a_doubt_may_be_looked_up_under_the_lease_of_the_call_that_left_it(
    story: Story,
) -> None:
    story.sandbox.script("hyperteknoloji", "create", [Fault.RESET_AFTER])
    await story.submit(hyper("1"))
    claimed = await story.claim("hyperteknoloji")
    desk = story.engine.rt.desks["hyperteknoloji", "default"]
    policy = replace(desk.decider.policy, look_up_waits=(timedelta(0),) * 3)
    at_once = replace(desk, decider=replace(desk.decider, policy=policy))
    assert await drive(claimed, at_once, story.engine.mail, story.engine.rt) == "placed"
    assert await story.all("SELECT number, outcome FROM attempts") == [(1, "confirmed")]
