"""How many orders of a producer may be open: what goes beyond is set aside, and comes in later."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.ids import QuarantineId
from schemas.intents import FaultCode
from tests.builders import an_entry, an_intent
from tests.store.conftest import Shop
from worker.steps.accept import Sorted, accept_into
from worker.steps.replay import replay
from worker.store import intake, open_orders, producers
from worker.store.intake import EntryKind
from worker.store.open_orders import SELDOM, OpenOrders, Room, counts, open_of
from worker.store.quarantine import Decided
from worker.store.views_quarantine import kept

SetClock = Callable[[timedelta], None]

END = """
UPDATE orders SET state = 'failed', step = NULL, due_at = NULL, finished_at = orderline_now()
WHERE intent_id = ANY(:ids)
"""


def an_order(name: str) -> dict[str, object]:
    return an_intent(f"d-{name}", intent_id=name)


async def put(shop: Shop, *names: str, crowd: OpenOrders | None = None) -> Sorted:
    entries = [an_entry(an_order(name)) for name in names]
    return await accept_into(shop.db, shop.vault, shop.settings, entries, open_orders=crowd)


def codes(heaps: Sorted) -> list[FaultCode]:
    return [fault.code for _, fault in heaps.faulty]


@pytest.fixture
async def small(shop: Shop) -> Shop:
    """A producer that may have two orders open."""
    await producers.change(shop.db, "shop", max_open=2)
    return shop


async def test_what_goes_beyond_the_limit_is_set_aside_and_told(small: Shop) -> None:
    heaps = await put(small, "a", "b", "c")
    assert ([order.intent.intent_id for order in heaps.fresh], codes(heaps)) == (
        ["a", "b"],
        [FaultCode.TOO_MANY_OPEN],
    )
    row = await small.one("SELECT code, path, detail FROM quarantine")
    assert (row.code, row.path) == ("too_many_open", "producer")
    assert row.detail.startswith("2 orders of this producer are open, and 2 may be;")
    news = await small.one("SELECT type, data ->> 'code' AS code FROM events WHERE line_id IS NULL")
    assert (news.type, news.code) == ("intent.quarantined", "too_many_open")


async def test_repeats_and_wishes_are_taken_however_many_orders_are_open(small: Shop) -> None:
    await put(small, "a", "b")
    again = await put(small, "a")
    wish = an_entry({"intent_id": "a"}, kind=EntryKind.CANCEL)
    wished = await accept_into(small.db, small.vault, small.settings, [wish])
    assert (len(again.repeated), len(wished.to_cancel), again.faulty + wished.faulty) == (1, 1, [])


async def test_what_is_faulty_anyway_says_its_own_fault(small: Shop) -> None:
    await put(small, "a", "b")
    taken = an_entry(an_intent("d-a", intent_id="other"))
    heaps = await accept_into(small.db, small.vault, small.settings, [taken])
    assert codes(heaps) == [FaultCode.DELIVER_ID_TAKEN]


async def test_one_producers_crowd_is_nobody_elses(small: Shop) -> None:
    await producers.add(
        small.db, small.vault, name="other", notify_url="https://o.example/h", secret="whsec_c2Vj"
    )
    await put(small, "a", "b")
    entry = an_entry(an_order("a"), producer="other")
    assert (await accept_into(small.db, small.vault, small.settings, [entry])).faulty == []


async def test_once_there_is_room_it_is_replayed(small: Shop) -> None:
    await put(small, "a", "b", "c")
    row = await small.one("SELECT id FROM quarantine")
    entry = await kept(small.db, small.vault, QuarantineId(row.id))
    decided = Decided(by="ada@ops", why=None)
    still = await replay(small.db, small.vault, small.settings, entry, decided)
    assert still.fault is not None
    assert still.fault.code is FaultCode.TOO_MANY_OPEN
    await small.execute(END, ids=["a"])
    replayed = await replay(small.db, small.vault, small.settings, entry, decided)
    assert replayed.order_id is not None
    assert await open_of(small.db, ["shop"]) == {"shop": 2}


async def test_open_is_neither_ended_nor_parked(small: Shop) -> None:
    await put(small, "a", "b")
    await small.execute(END, ids=["a"])
    await small.execute(
        "UPDATE orders SET state = 'parked', parked_reason = 'x', step = NULL, due_at = NULL"
        " WHERE intent_id = 'b'"
    )
    assert await open_of(small.db, ["shop", "nobody"]) == {"shop": 0, "nobody": 0}
    assert codes(await put(small, "c", "d")) == []


async def test_the_settings_limit_holds_where_a_producer_has_none(small: Shop) -> None:
    crowd = OpenOrders(most=3)
    assert codes(await put(small, "a", "b", "c", crowd=crowd)) == [FaultCode.TOO_MANY_OPEN]
    await producers.change(small.db, "shop", max_open=0)
    assert codes(await put(small, "c", "d", crowd=crowd)) == [FaultCode.TOO_MANY_OPEN]
    assert (await producers.find(small.db, "shop")).max_open is None


async def test_one_process_never_goes_beyond_the_limit_and_counts_once_a_second(
    shop: Shop, set_clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: Counter[str] = Counter()

    async def watched(connection: AsyncConnection, names: list[str]) -> dict[str, int]:
        counted.update(names)
        return await counts(connection, names)

    monkeypatch.setattr("worker.store.open_orders.counts", watched)
    crowd = OpenOrders(most=25)
    set_clock(timedelta(0))
    heaps = [await put(shop, *(f"{n}-{m}" for m in range(10)), crowd=crowd) for n in range(4)]
    assert ([len(each.fresh) for each in heaps], counted["shop"]) == ([10, 10, 5, 0], 1)
    await shop.execute(END, ids=["0-0", "0-1"])
    assert len((await put(shop, "x", crowd=crowd)).fresh) == 0
    set_clock(SELDOM)
    assert len((await put(shop, "y", "z", "w", crowd=crowd)).fresh) == 2
    assert counted["shop"] == 2


async def test_far_from_the_limit_counts_are_rare(shop: Shop, set_clock: SetClock) -> None:
    crowd = OpenOrders(most=1000)
    await put(shop, "a", crowd=crowd)
    await put(shop, "b")  # by another process
    set_clock(5 * SELDOM)
    assert await look(shop, crowd) == Room(1, 1000)
    set_clock(10 * SELDOM)
    assert await look(shop, crowd) == Room(2, 1000)
    crowd.took({"shop": 200})
    set_clock(12 * SELDOM)
    assert await look(shop, crowd) == Room(2, 1000)


async def test_what_may_or_may_not_be_committed_is_counted_anew(shop: Shop) -> None:
    crowd = OpenOrders(most=1000)
    await put(shop, "a", crowd=crowd)
    crowd.took({"shop": 500})
    crowd.forget()
    assert await look(shop, crowd) == Room(1, 1000)


async def look(shop: Shop, crowd: OpenOrders) -> Room:
    async with shop.db.reading() as connection:
        known = await intake.look(connection, [])
        return (await crowd.look(connection, known, {"shop": 1, "nobody": 1}))["shop"]


MANY = """
INSERT INTO accounts (provider, account)
SELECT provider, 'default' FROM unnest(ARRAY['gifthub', 'hyperteknoloji']) provider
ON CONFLICT DO NOTHING;

INSERT INTO orders (id, producer, intent_id, fingerprint, provider, account, intent, notify_url,
    state, step, due_at, finished_at, created_at, updated_at)
SELECT gen_random_uuid(), CASE WHEN n % 10 = 0 THEN 'shop' ELSE 'other' END, 'old-' || n, '',
    CASE WHEN n % 2 = 0 THEN 'gifthub' ELSE 'hyperteknoloji' END, 'default', '{}', 'https://x',
    CASE WHEN n % 5 = 0 THEN 'placing' ELSE 'fulfilled' END,
    CASE WHEN n % 5 = 0 THEN 'place' END,
    CASE WHEN n % 5 = 0 THEN now() END,
    CASE WHEN n % 5 = 0 THEN NULL ELSE now() END, now(), now()
FROM generate_series(1, 50000) n;
"""


async def test_counting_reads_each_producers_own_part_of_the_index(shop: Shop) -> None:
    await producers.add(
        shop.db, shop.vault, name="other", notify_url="https://o.example/h", secret="whsec_c2Vj"
    )
    for statement in filter(str.strip, MANY.split(";")):
        await shop.execute(statement)
    await shop.execute("ANALYZE")
    assert await open_of(shop.db, ["shop", "other"]) == {"shop": 5000, "other": 5000}
    plan = await shop.plan(open_orders._COUNT, names=["shop", "other"])
    keys = "(provider = a.provider) AND (account = a.account) AND (producer = p.name)"
    assert f"Index Cond: ({keys})" in plan.replace("(a.provider)::text", "a.provider").replace(
        "(a.account)::text", "a.account"
    ), plan
    assert "Seq Scan on orders" not in plan
