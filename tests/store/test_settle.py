"""Changes: all of one or nothing of it, under its own fence, and harmless to write again."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import exc

from schemas.money import Money
from schemas.notifications import Price
from tests.builders import TWO_PHASE, an_intent
from tests.store.conftest import LEASE, Shop, a_change, news_of
from worker.change import Change
from worker.lifecycle import LineState, OrderState
from worker.order import Claimed
from worker.outcome import (
    Confirmed,
    Evidence,
    Goods,
    InDoubt,
    LineReport,
    NotSent,
    OutcomeName,
    Pending,
    RefusalCode,
    Refused,
)

SetClock = Callable[[timedelta], None]

LATER = LEASE + timedelta(seconds=1)
CODE = "ABCD-1234-WXYZ"


async def placed(shop: Shop, *deliver_ids: str) -> tuple[Claimed, Change]:
    """An order whose call was answered with yes, and the change that follows, not yet written."""
    claimed = await shop.attempt(await shop.claimed(*deliver_ids))
    return claimed, a_change(claimed, Confirmed("their-id", evidence=Evidence(status=200)))


async def everything(shop: Shop) -> list[Any]:
    """Every row a change can touch, but for the moments that a repeat may move."""
    return [
        await shop.rows("SELECT state, step, tries, provider_ref, fence FROM orders ORDER BY id"),
        await shop.rows("SELECT state, sequence, reason FROM lines ORDER BY id"),
        await shop.rows("SELECT outcome, reason, look_ups FROM attempts ORDER BY id"),
        await shop.rows("SELECT id, line_id, sequence, type, at FROM events ORDER BY id"),
        await shop.rows("SELECT event_id, sequence, state, fence FROM notifications ORDER BY 1"),
    ]


async def test_a_change_is_written_whole(shop: Shop) -> None:
    _, change = await placed(shop, "a", "b")
    change = replace(change, total=Money(Decimal("19.90"), "TRY"))
    (settled,) = await shop.settle(change)
    assert settled.held
    order = await shop.one("SELECT *, due_at - orderline_now() AS left FROM orders")
    assert (order.state, order.step, order.tries) == ("placed", "poll", 1)
    assert (order.provider_ref, order.total, order.total_currency) == (
        "their-id",
        Decimal("19.90"),
        "TRY",
    )
    assert (order.lease_until, order.leased_by, order.finished_at) == (None, None, None)
    assert change.due_in is not None
    assert change.due_in - timedelta(seconds=2) < order.left <= change.due_in
    attempt = await shop.one("SELECT * FROM attempts")
    assert (attempt.outcome, attempt.evidence["status"]) == ("confirmed", 200)
    assert attempt.closed_at is not None
    lines = await shop.rows("SELECT state, sequence FROM lines")
    assert lines == [("accepted", 1), ("accepted", 1)]
    events = await shop.rows("SELECT type, sequence, at, data FROM events")
    assert [(each.type, each.sequence, each.at) for each in events] == [
        ("line.accepted", 1, settled.at)
    ] * 2
    assert [each.data["provider_ref"] for each in events] == ["their-id"] * 2
    notes = await shop.rows(
        "SELECT state, url, producer, due_at <= orderline_now() FROM notifications"
    )
    assert notes == [("pending", "https://shop.example/hooks", "shop", True)] * 2


async def test_an_ended_order_is_due_no_more(shop: Shop) -> None:
    claimed = await shop.attempt(await shop.claimed())
    await shop.settle(a_change(claimed, Refused(RefusalCode.OUT_OF_STOCK, "sold out")))
    order = await shop.one("SELECT * FROM orders")
    assert (order.state, order.step, order.due_at) == ("refused", None, None)
    assert order.finished_at is not None
    assert order.reason == "out_of_stock: sold out"


async def test_under_an_older_fence_nothing_at_all_is_written(
    shop: Shop, set_clock: SetClock
) -> None:
    _, change = await placed(shop)
    set_clock(LATER)
    await shop.claim(worker="host:2")
    before = await everything(shop)
    (settled,) = await shop.settle(change)
    assert (settled.held, settled.at, settled.leased) == (False, None, frozenset())
    assert await everything(shop) == before


async def test_an_old_and_a_new_lease_of_one_order_in_one_batch_do_not_mix(
    shop: Shop, set_clock: SetClock
) -> None:
    _, stale = await placed(shop)
    set_clock(LATER)
    (current,) = await shop.claim(worker="host:2")
    doubt = a_change(current, InDoubt("the worker was lost"))
    results = await shop.settle(stale, doubt)
    assert [each.held for each in results] == [False, True]
    assert (await shop.one("SELECT state FROM orders")).state == "in_doubt"
    assert (await shop.one("SELECT outcome FROM attempts")).outcome == "in_doubt"
    assert await shop.rows("SELECT type FROM events") == [("line.in_doubt",)]


async def test_writing_a_batch_again_changes_nothing(shop: Shop) -> None:
    await shop.accept(an_intent("a", "b"), an_intent("c", intent_id="i-2"))
    claimed = [await shop.attempt(each) for each in await shop.claim()]
    changes = [
        a_change(claimed[0], Confirmed("their-id")),
        a_change(claimed[1], InDoubt("reset")),
    ]
    first = await shop.settle(*changes, deliver_for=LEASE)
    before = await everything(shop)
    second = await shop.settle(*changes, deliver_for=LEASE)
    assert await everything(shop) == before
    assert [each.held for each in first + second] == [True] * 4
    assert [each.leased for each in second] == [frozenset()] * 2


async def test_a_bad_change_takes_its_whole_batch_back(shop: Shop) -> None:
    await shop.accept(an_intent("a"), an_intent("b", intent_id="i-2"))
    good, bad = [await shop.attempt(each) for each in await shop.claim()]
    before = await everything(shop)
    unstorable = a_change(bad, Refused(RefusalCode.OTHER, "a NUL: \0"))
    with pytest.raises(exc.DataError):
        await shop.settle(a_change(good, Confirmed("their-id")), unstorable)
    assert await everything(shop) == before


async def test_an_attempt_that_has_ended_keeps_its_outcome(shop: Shop) -> None:
    claimed, change = await placed(shop)
    await shop.settle(change, keep=LEASE)
    await shop.settle(a_change(claimed, NotSent("no")), keep=LEASE)
    assert (await shop.one("SELECT outcome FROM attempts")).outcome == "confirmed"


async def test_a_doubt_may_still_be_settled(shop: Shop, set_clock: SetClock) -> None:
    claimed = await shop.attempt(await shop.claimed())
    await shop.settle(a_change(claimed, InDoubt("reset")))
    assert (await shop.one("SELECT outcome FROM attempts")).outcome == "in_doubt"
    set_clock(timedelta(hours=1))
    (again,) = await shop.claim()
    assert again.attempt_outcome is OutcomeName.IN_DOUBT
    await shop.settle(a_change(again, Confirmed("their-id")))
    assert (await shop.one("SELECT outcome FROM attempts")).outcome == "confirmed"


async def test_a_lease_can_be_kept_for_the_next_step(shop: Shop, set_clock: SetClock) -> None:
    claimed = await shop.attempt(await shop.claimed())
    quote = a_change(claimed, Confirmed("their-id"), capabilities=TWO_PHASE)
    await shop.settle(quote, keep=LEASE)
    order = await shop.one("SELECT *, lease_until - orderline_now() AS left FROM orders")
    assert (order.state, order.step, order.leased_by) == ("quoted", "confirm", "host:1")
    assert order.due_at == order.lease_until
    assert await shop.claim() == []
    set_clock(LATER)
    assert len(await shop.claim()) == 1


async def test_the_providers_id_of_an_order_is_never_replaced(shop: Shop) -> None:
    _, change = await placed(shop)
    await shop.settle(change, keep=LEASE)
    await shop.settle(replace(change, provider_ref="another"), keep=LEASE)
    assert (await shop.one("SELECT provider_ref FROM orders")).provider_ref == "their-id"


async def test_a_quote_can_only_become_tighter(shop: Shop) -> None:
    _, change = await placed(shop)
    (row,) = await shop.rows("SELECT orderline_now() AS now")
    soon, later = row.now + timedelta(minutes=1), row.now + timedelta(hours=1)
    for end in (soon, later):
        await shop.settle(replace(change, expires_at=end), keep=LEASE)
        assert (await shop.one("SELECT expires_at FROM orders")).expires_at == soon


async def test_delivered_codes_are_sealed_and_nowhere_else(shop: Shop) -> None:
    claimed = await shop.attempt(await shop.claimed())
    report = LineReport(
        claimed.order.lines[0].line_ref,
        LineState.DELIVERED,
        provider_line_ref="their-line",
        price=Money(Decimal("5.00"), "EUR"),
        goods=Goods(({"code": CODE},)),
    )
    change = a_change(claimed, Confirmed("their-id", (report,)))
    assert change.state is OrderState.FULFILLED
    await shop.settle(change)
    for table in ("orders", "lines", "attempts", "events", "notifications"):
        (row,) = await shop.rows(f"SELECT {table}::text AS row FROM {table}")  # noqa: S608 -- ours
        assert CODE not in row.row
        assert CODE.encode().hex() not in row.row
    line = await shop.one("SELECT provider_line_ref, price, currency FROM lines")
    assert line == ("their-line", Decimal(5), "EUR")
    (owed,) = await shop.owed()
    assert news_of(owed).goods == ({"code": CODE},)
    assert news_of(owed).price == Price(amount="5.00", currency="EUR")


# --- first deliveries ------------------------------------------------------------------------


async def test_a_first_delivery_is_leased_to_whoever_settled(
    shop: Shop, set_clock: SetClock
) -> None:
    _, change = await placed(shop, "a", "b")
    (settled,) = await shop.settle(change, deliver_for=LEASE)
    assert settled.leased == {move.event_id for move in change.moves}
    assert await shop.owed() == []
    set_clock(LATER)
    assert {each.event_id for each in await shop.owed()} == settled.leased


async def test_without_a_free_hand_the_notification_is_due_at_once(shop: Shop) -> None:
    _, change = await placed(shop)
    (settled,) = await shop.settle(change)
    assert settled.leased == frozenset()
    (owed,) = await shop.owed()
    assert owed.event_id == change.moves[0].event_id


async def test_a_first_delivery_is_not_leased_while_an_earlier_one_is_owed(
    shop: Shop, set_clock: SetClock
) -> None:
    claimed = await shop.attempt(await shop.claimed("a", "b"))
    doubt = a_change(claimed, InDoubt("reset"))
    await shop.settle(doubt)
    told = doubt.moves[0]
    await shop.execute(
        "UPDATE notifications SET state = 'acknowledged', due_at = NULL WHERE event_id = :id",
        id=told.event_id,
    )
    set_clock(timedelta(minutes=1))
    (again,) = await shop.claim()
    found = a_change(again, Pending("their-id"))
    (settled,) = await shop.settle(found, deliver_for=LEASE)
    first = [move.event_id for move in found.moves if move.line_id == told.line_id]
    assert settled.leased == set(first)
