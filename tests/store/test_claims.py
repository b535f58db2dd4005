"""Leases: who holds an order, until when, and that nobody writes under an older one."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from schemas.ids import AttemptId, new_uuid
from tests.builders import an_intent
from tests.store.conftest import LEASE, Shop, a_change, a_new_attempt
from worker.lifecycle import LineState, OrderState, Step
from worker.outcome import Confirmed, InDoubt, NotSent, OutcomeName, RefusalCode, Refused
from worker.store import attempts, claims
from worker.store.attempts import NotOpened, Opened
from worker.verdicts import still_parked

SetClock = Callable[[timedelta], None]

PARK = """
UPDATE orders SET state = 'parked', parked_reason = 'x', step = NULL, due_at = NULL,
    leased_by = NULL, lease_until = NULL
"""

LATER = LEASE + timedelta(seconds=1)


async def seize(shop: Shop, attempt_id: AttemptId, fence: int = 1) -> int | None:
    """The fence under which the order is ours now."""
    seized = await claims.seize(
        shop.db, shop.vault, attempt_id=attempt_id, fence=fence, worker="host:2", lease=LEASE
    )
    return None if seized is None else seized.fence


async def test_a_claim_tells_everything_a_step_needs(shop: Shop) -> None:
    quote = {"quoted_at": "2026-01-01T00:00:00Z", "expires_at": "2999-01-01T00:00:00Z"}
    await shop.accept(an_intent("a", "b", quote=quote | {"max_total": "5", "currency": "TRY"}))
    (claimed,) = await shop.claim()
    assert (claimed.producer, claimed.provider, claimed.account) == (
        "shop",
        "hyperteknoloji",
        "default",
    )
    assert (claimed.state, claimed.step) == (OrderState.ACCEPTED, Step.PLACE)
    assert (claimed.fence, claimed.tries, claimed.attempt) == (1, 0, None)
    assert [line.deliver_id for line in claimed.order.lines] == ["a", "b"]
    assert [line.state for line in claimed.order.lines] == [LineState.WAITING] * 2
    assert claimed.order.intent.intent_id == "i-1"
    assert claimed.expires_at is not None
    assert (claimed.expires_at.year, str(claimed.max_total)) == (2999, "5.00 TRY")
    assert timedelta(0) <= claimed.age < timedelta(minutes=1)


async def test_a_claim_changes_no_state_and_the_order_is_due_when_its_lease_ends(
    shop: Shop,
) -> None:
    await shop.claimed()
    row = await shop.one("SELECT *, lease_until - orderline_now() AS left FROM orders")
    assert (row.state, row.fence, row.leased_by) == ("accepted", 1, "host:1")
    assert row.due_at == row.lease_until
    assert LEASE / 2 < row.left <= LEASE


async def test_what_is_leased_is_not_claimed_again(shop: Shop) -> None:
    await shop.claimed()
    assert await shop.claim() == []


async def test_the_order_of_a_dead_worker_is_claimed_again_under_a_higher_fence(
    shop: Shop, set_clock: SetClock
) -> None:
    await shop.claimed()
    set_clock(LATER)
    (claimed,) = await shop.claim(worker="host:2")
    assert (claimed.fence, claimed.left_open) == (2, False)


async def test_a_claim_takes_no_more_than_there_are_permits_longest_due_first(
    shop: Shop,
) -> None:
    await shop.accept(*(an_intent(f"d-{n}", intent_id=f"i-{n}") for n in range(4)))
    await shop.execute(
        "UPDATE orders SET due_at = due_at - interval '1s' * right(intent_id, 1)::int"
    )
    first = await shop.claim(free=3)
    assert {each.order.intent.intent_id for each in first} == {"i-3", "i-2", "i-1"}
    assert len(await shop.claim(free=3)) == 1


async def test_only_the_named_account_is_claimed(shop: Shop) -> None:
    await shop.accept(an_intent(), an_intent("x", intent_id="i-2", account="other"))
    (claimed,) = await shop.claim()
    assert claimed.account == "default"


async def test_what_is_not_due_yet_is_not_claimed(shop: Shop, set_clock: SetClock) -> None:
    await shop.accept(an_intent())
    set_clock(-timedelta(minutes=1))
    assert await shop.claim() == []


async def test_claims_at_the_same_time_share_without_overlap_or_waiting(shop: Shop) -> None:
    await shop.accept(*(an_intent(f"d-{n}", intent_id=f"i-{n}") for n in range(60)))
    heaps = await asyncio.gather(*(shop.claim(free=10, worker=f"host:{n}") for n in range(6)))
    ids = [each.order.order_id for heap in heaps for each in heap]
    assert len(ids) == len(set(ids))
    rest = [each.order.order_id for each in await shop.claim(free=100)]
    assert len(set(ids) | set(rest)) == 60


async def test_an_order_whose_kept_intent_cannot_be_read_stands_in_nobodys_way(
    shop: Shop,
) -> None:
    await shop.accept(an_intent(), an_intent("x", intent_id="i-2"))
    await shop.execute("UPDATE orders SET intent = '{}' WHERE intent_id = 'i-1'")
    assert [each.order.intent.intent_id for each in await shop.claim()] == ["i-2"]


# --- attempts --------------------------------------------------------------------------------


async def test_an_attempt_is_on_disk_before_its_call(shop: Shop) -> None:
    claimed = await shop.claimed()
    new = a_new_attempt(claimed)
    (opened,) = await attempts.open_attempts(shop.db, shop.vault, [new])
    assert isinstance(opened, Opened)
    row = await shop.one("SELECT * FROM attempts")
    assert (row.id, row.number, row.outcome) == (new.attempt_id, opened.number, None)
    assert (row.reference, row.opened_at) == (new.reference, opened.opened_at)
    assert (await shop.one("SELECT state FROM orders")).state == "placing"


async def test_an_attempt_under_an_older_fence_is_not_opened(
    shop: Shop, set_clock: SetClock
) -> None:
    stale = await shop.claimed()
    set_clock(LATER)
    await shop.claim(worker="host:2")
    assert await attempts.open_attempts(shop.db, shop.vault, [a_new_attempt(stale)]) == [
        NotOpened.FENCED
    ]
    assert await shop.rows("SELECT id FROM attempts") == []


async def test_the_databases_clock_closes_the_window(shop: Shop, set_clock: SetClock) -> None:
    claimed = await shop.claimed()
    await shop.execute("UPDATE orders SET expires_at = orderline_now() + interval '60s'")
    needy = a_new_attempt(claimed, needs=timedelta(seconds=61))
    assert await attempts.open_attempts(shop.db, shop.vault, [needy]) == [NotOpened.WINDOW_CLOSED]
    modest = a_new_attempt(claimed, needs=timedelta(seconds=30))
    set_clock(timedelta(seconds=31))
    assert await attempts.open_attempts(shop.db, shop.vault, [modest]) == [NotOpened.WINDOW_CLOSED]
    assert (await shop.one("SELECT state, attempts FROM orders")) == ("accepted", 0)
    set_clock(timedelta(seconds=20))
    (opened,) = await attempts.open_attempts(shop.db, shop.vault, [modest])
    assert isinstance(opened, Opened)


async def test_an_attempt_written_twice_is_one_attempt(shop: Shop, set_clock: SetClock) -> None:
    claimed = await shop.claimed()
    await shop.execute("UPDATE orders SET expires_at = orderline_now() + interval '60s'")
    new = a_new_attempt(claimed, needs=timedelta(seconds=30))
    first = await attempts.open_attempts(shop.db, shop.vault, [new])
    set_clock(timedelta(seconds=50))
    assert await attempts.open_attempts(shop.db, shop.vault, [new]) == first
    assert (await shop.one("SELECT attempts FROM orders")).attempts == 1


async def test_one_batch_opens_fences_and_closes_each_for_itself(
    shop: Shop, set_clock: SetClock
) -> None:
    await shop.accept(*(an_intent(f"d-{n}", intent_id=f"i-{n}") for n in range(3)))
    stale, *_ = await shop.claim()
    set_clock(LATER)
    fresh = {each.order.order_id: each for each in await shop.claim(worker="host:2")}
    late, good = (each for key, each in fresh.items() if key != stale.order.order_id)
    await shop.execute(
        "UPDATE orders SET expires_at = orderline_now() WHERE id = :id", id=late.order.order_id
    )
    batch = [a_new_attempt(each) for each in (stale, late, good)]
    results = await attempts.open_attempts(shop.db, shop.vault, batch)
    assert results[:2] == [NotOpened.FENCED, NotOpened.WINDOW_CLOSED]
    assert isinstance(results[2], Opened)


async def test_attempts_are_numbered_and_a_lost_one_is_seen_by_the_next_worker(
    shop: Shop, set_clock: SetClock
) -> None:
    first = await shop.attempt(await shop.claimed())
    set_clock(LATER)
    (claimed,) = await shop.claim(worker="host:2")
    assert claimed.left_open
    assert first.attempt is not None
    assert claimed.attempt == first.attempt
    assert (claimed.attempt_step, claimed.state) == (Step.PLACE, OrderState.PLACING)
    await shop.settle(a_change(claimed, NotSent("it was proven")))
    set_clock(2 * LATER)
    (again,) = await shop.claim()
    assert (again.left_open, again.attempt_outcome) == (False, OutcomeName.NOT_SENT)
    second = await shop.attempt(again)
    assert second.attempt is not None
    assert second.attempt.number == 2


# --- late knowledge --------------------------------------------------------------------------


async def test_a_slow_workers_knowledge_takes_its_order_over(
    shop: Shop, set_clock: SetClock
) -> None:
    slow = await shop.attempt(await shop.claimed())
    assert slow.attempt is not None
    set_clock(LATER)
    await shop.claim(worker="host:2")
    (unheld,) = await shop.settle(a_change(slow, Confirmed("their-id")))
    assert not unheld.held
    assert await seize(shop, slow.attempt.attempt_id) == 3


async def test_a_doubt_is_settled_by_late_knowledge(shop: Shop, set_clock: SetClock) -> None:
    slow = await shop.attempt(await shop.claimed())
    assert slow.attempt is not None
    set_clock(LATER)
    (other,) = await shop.claim(worker="host:2")
    await shop.settle(a_change(other, InDoubt("the worker was lost")))
    assert await seize(shop, slow.attempt.attempt_id) == 3


async def test_knowledge_of_what_is_settled_or_superseded_seizes_nothing(
    shop: Shop, set_clock: SetClock
) -> None:
    slow = await shop.attempt(await shop.claimed())
    assert slow.attempt is not None
    set_clock(LATER)
    (other,) = await shop.claim(worker="host:2")
    await shop.settle(a_change(other, NotSent("proven absent")))
    assert await seize(shop, slow.attempt.attempt_id) is None
    await shop.execute("UPDATE attempts SET outcome = 'in_doubt'")
    set_clock(2 * LATER)
    (again,) = await shop.claim()
    await shop.attempt(again)
    assert await seize(shop, slow.attempt.attempt_id) is None
    assert await seize(shop, AttemptId(new_uuid())) is None


async def test_a_parked_order_is_seized_by_the_knowledge_that_it_waits_for(shop: Shop) -> None:
    slow = await shop.attempt(await shop.claimed())
    assert slow.attempt is not None
    await shop.execute(PARK)
    assert await seize(shop, slow.attempt.attempt_id) == 2
    assert await shop.one("SELECT state, step FROM orders") == ("parked", "reconcile")
    await shop.settle(a_change(replace(slow, fence=2), Confirmed("their-id")))
    assert await seize(shop, slow.attempt.attempt_id) is None


async def test_of_two_who_hold_a_parked_order_the_later_one_decides(shop: Shop) -> None:
    placed = await shop.attempt(await shop.claimed())
    order_id = placed.order.order_id
    assert await claims.hold(shop.db, shop.vault, order_id) is None  # it is not parked
    await shop.execute(PARK)
    first = await claims.hold(shop.db, shop.vault, order_id)
    second = await claims.hold(shop.db, shop.vault, order_id)
    assert first is not None
    assert second is not None
    changes = [a_change(each, Confirmed("their-id")) for each in (first, second)]
    assert [each.held for each in await shop.settle(*changes)] == [False, True]
    assert await claims.hold(shop.db, shop.vault, order_id) is None


async def test_nobody_decides_while_a_worker_is_looking(shop: Shop, set_clock: SetClock) -> None:
    await shop.attempt(await shop.claimed())
    await shop.execute(PARK)
    await shop.execute("UPDATE orders SET step = 'reconcile', due_at = orderline_now()")
    (looking,) = await shop.claim()
    order_id = looking.order.order_id
    assert await claims.hold(shop.db, shop.vault, order_id) is None
    set_clock(LATER)
    assert await claims.hold(shop.db, shop.vault, order_id) is None  # another one will look
    (looking,) = await shop.claim()
    await shop.settle(still_parked(looking))
    assert await claims.hold(shop.db, shop.vault, order_id)


async def test_a_late_outcome_of_a_superseded_attempt_is_noted_once(shop: Shop) -> None:
    slow = await shop.attempt(await shop.claimed())
    assert slow.attempt is not None
    for outcome in (Confirmed("x"), Refused(RefusalCode.OTHER, "no")):
        await attempts.note_late(shop.db, slow.attempt, outcome, "superseded", None)
    row = await shop.one("SELECT outcome, reason FROM attempts")
    assert row == ("confirmed", "superseded")
