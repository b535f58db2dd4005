"""One more at the provider than we asked for: found once, and nothing more is bought meanwhile."""

from dataclasses import replace

from tests.store.conftest import Shop, a_change, a_new_attempt
from worker.outcome import Confirmed
from worker.store import attempts, surplus
from worker.store.attempts import NotOpened, Opened
from worker.store.tables import SurplusDecision


async def test_a_late_yes_under_another_id_is_a_surplus_order(shop: Shop) -> None:
    slow = await shop.attempt(await shop.claimed())
    assert slow.attempt is not None
    await shop.execute("UPDATE orders SET provider_ref = 'the-order'")
    found = [
        await attempts.note_late(shop.db, slow.attempt, Confirmed(ref), "superseded", None)
        for ref in ("the-order", "another", "another", None)
    ]
    assert found == [False, True, False, False]
    assert await shop.rows("SELECT data FROM events WHERE type = 'order.surplus_found'") == [
        ({"provider_refs": ["another"]},)
    ]
    assert await shop.rows("SELECT provider_ref, decision FROM surplus_orders") == [
        ("another", None)
    ]


async def test_a_late_yes_without_an_id_is_a_surplus_order_once(shop: Shop) -> None:
    slow = await shop.attempt(await shop.claimed())
    assert slow.attempt is not None
    await shop.execute("UPDATE attempts SET outcome = 'not_sent'")
    for _ in range(2):
        await attempts.note_late(shop.db, slow.attempt, Confirmed(None), "superseded", None)
    assert await shop.rows("SELECT provider_ref FROM surplus_orders") == [(None,)]


async def test_while_a_surplus_order_is_open_nothing_more_is_bought(shop: Shop) -> None:
    slow = await shop.attempt(await shop.claimed())
    assert slow.attempt is not None
    await shop.execute("UPDATE attempts SET outcome = 'not_sent'")
    await attempts.note_late(shop.db, slow.attempt, Confirmed("77"), "superseded", None)
    buying, asking = a_new_attempt(slow), replace(a_new_attempt(slow), commits=False)
    opened = await attempts.open_attempts(shop.db, shop.vault, [buying])
    assert opened == [NotOpened.SURPLUS]
    (opened_,) = await attempts.open_attempts(shop.db, shop.vault, [asking])
    assert isinstance(opened_, Opened)
    await shop.execute("UPDATE attempts SET outcome = 'not_sent'")
    order_id = slow.order.order_id
    assert await surplus.still_open(shop.db, [order_id]) == {order_id: ("77",)}
    closing = [
        await surplus.close(
            shop.db, order_id, "77", SurplusDecision.RETURNED, by="ada", why="by phone"
        )
        for _ in range(2)
    ]
    assert closing == [True, False]
    assert await surplus.still_open(shop.db, [order_id]) == {}
    (opened_,) = await attempts.open_attempts(shop.db, shop.vault, [buying])
    assert isinstance(opened_, Opened)


async def test_a_surplus_order_that_turns_out_to_be_the_order_is_adopted(shop: Shop) -> None:
    slow = await shop.attempt(await shop.claimed())
    assert slow.attempt is not None
    await attempts.note_late(shop.db, slow.attempt, Confirmed("77"), "superseded", None)
    change = replace(a_change(slow, Confirmed("77")), surplus=("78", "79"), decided_by="ada")
    await shop.settle(change)
    assert await shop.rows(
        "SELECT provider_ref, decision, closed_by FROM surplus_orders ORDER BY provider_ref"
    ) == [("77", "adopted", "ada"), ("78", None, None), ("79", None, None)]


async def test_only_what_is_its_orders_own_is_adopted_also_when_the_change_is_written_again(
    shop: Shop,
) -> None:
    bought = await shop.attempt(await shop.claimed())
    await shop.execute("UPDATE orders SET provider_ref = 'the-order'")
    known = replace(bought, order=replace(bought.order, provider_ref="the-order"))
    change = a_change(known, Confirmed("another"))
    assert change.surplus == ("another",)
    for _ in range(2):  # the first commit came through, and its answer did not
        await shop.settle(change)
    assert await shop.rows("SELECT provider_ref, decision FROM surplus_orders") == [
        ("another", None)
    ]
