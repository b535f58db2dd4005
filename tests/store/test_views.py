"""Views: what people are shown is what is there, from one moment, without a statement an order."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, exc, text

from tests.builders import an_entry, an_intent
from tests.cli.world import World, delivered
from worker.crypto import Vault
from worker.errors import NotFound
from worker.outcome import Confirmed
from worker.settings import Settings
from worker.steps.accept import accept_into
from worker.store.session import Database
from worker.store.views import Wanted, find, orders, price, recent_lines, snapshot
from worker.store.views_story import shown_url, story
from worker.store.views_upkeep import taken_in


@pytest.fixture
async def world(db: Database, vault: Vault) -> World:
    settings = Settings(database_url="postgresql://", redis_url="redis://", encryption_keys="k")
    world = World(db, vault, settings)
    await world.register()
    return world


@contextmanager
def statements(db: Database) -> Iterator[list[str]]:
    """Every statement sent meanwhile."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(db.engine.sync_engine, "before_cursor_execute", note)
    yield seen
    event.remove(db.engine.sync_engine, "before_cursor_execute", note)


async def test_a_view_cannot_write(db: Database) -> None:
    async with snapshot(db) as connection:
        with pytest.raises(exc.InternalError, match="read-only"):
            await connection.execute(text("DELETE FROM orders"))


async def test_a_listing_is_one_statement_however_long_it_is(world: World) -> None:
    await world.accept(*(an_intent(f"d-{n}", f"e-{n}", intent_id=f"i-{n}") for n in range(9)))
    with statements(world.db) as seen:
        assert len(await orders(world.db)) == 9
        assert len(await recent_lines(world.db)) == 18
    assert len(seen) == 2 * len(["the snapshot", "the listing"])


async def test_what_is_wanted_narrows_orders_and_lines_alike(world: World) -> None:
    await world.accept(an_intent("d-1", intent_id="i-1"))
    await world.place(Confirmed("provider-77"))
    [first] = await orders(world.db)
    await world.accept(an_intent("d-2", intent_id="i-2"))
    both = Wanted(producer="shop", provider="hyperteknoloji")
    assert [o.intent_id for o in await orders(world.db, both)] == ["i-2", "i-1"]
    since = Wanted(since=first.created_at + timedelta(microseconds=1))
    assert [o.intent_id for o in await orders(world.db, since)] == ["i-2"]
    assert [line.deliver_id for line in await recent_lines(world.db, since)] == ["d-2"]
    accepted = Wanted(states=["accepted"])
    assert [o.intent_id for o in await orders(world.db, accepted)] == ["i-2"]
    assert [line.deliver_id for line in await recent_lines(world.db, accepted)] == ["d-1"]


async def test_a_lines_notifications_are_counted_as_told_owed_or_given_up(world: World) -> None:
    await world.accept(an_intent())
    await world.place(Confirmed("provider-77"))
    [owed] = await recent_lines(world.db)
    await world.tell()
    [told] = await recent_lines(world.db)
    assert [(line.told, line.owed, line.given_up) for line in (owed, told)] == [
        (0, 1, 0),
        (1, 0, 0),
    ]


async def test_an_exact_name_wins_over_the_beginning_of_an_id(world: World) -> None:
    await world.accept(an_intent("d-1", intent_id="i-1"))
    [order] = await orders(world.db)
    beginning = str(order.order_id)[:8]
    assert [o.intent_id for o in await find(world.db, beginning)] == ["i-1"]
    await world.accept(an_intent("d-2", intent_id=beginning))
    assert [o.intent_id for o in await find(world.db, beginning)] == [beginning]


async def test_one_order_with_the_same_name_twice_is_one_order(world: World) -> None:
    await world.accept(an_intent("100045", intent_id="100045"))
    assert len(await find(world.db, "100045")) == 1


async def test_goods_whose_key_is_gone_are_still_a_story(world: World) -> None:
    await world.accept(an_intent())
    tried = await world.attempt(await world.claim())
    await world.settle(tried, delivered(tried.order.lines[0].line_ref, code="AAAA"))
    [order] = await orders(world.db)
    told = await story(world.db, world.vault, order.order_id)
    other = await story(world.db, Vault([Vault.new_key()]), order.order_id)
    assert [e.goods for e in told.events] == ["1 item, sealed"]
    assert [e.goods for e in other.events] == ["sealed, and no configured key opens them"]
    assert told.notifications[0].webhook_id.startswith("evt_")


async def test_a_story_that_nobody_wrote_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        await story(world.db, world.vault, UUID(int=1))


async def test_what_became_of_sent_intents_is_seen_as_soon_as_it_is_committed(
    world: World,
) -> None:
    good, bad = an_entry(an_intent()), an_entry(b"{")
    intents, entries = [("shop", "i-1")], [(e.stream, e.entry_id) for e in (good, bad)]
    before = await taken_in(world.db, intents, entries)
    await accept_into(world.db, world.vault, world.settings, [good, bad])
    after = await taken_in(world.db, intents, entries)
    assert (before.orders, before.faults) == ({}, {})
    assert list(after.orders) == intents
    assert {entry: fault.code for entry, fault in after.faults.items()} == {entries[1]: "not_json"}


@pytest.mark.parametrize(
    ("stored", "shown"),
    [("19.900000", "19.90"), ("5.000000", "5.00"), ("0.000001", "0.000001"), ("1000", "1000.00")],
)
def test_an_amount_is_shown_without_the_columns_zeros(stored: str, shown: str) -> None:
    said = price(Decimal(stored), "TRY")
    assert said is not None
    assert said.amount == shown


def test_a_urls_query_is_hidden() -> None:
    assert shown_url("https://shop.example/hooks?key=1#x") == "https://shop.example/hooks?…"
    assert shown_url("https://shop.example/hooks") == "https://shop.example/hooks"
