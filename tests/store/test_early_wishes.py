"""A wish to call off that overtook its intent: it waits where it is, and not for ever."""

import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from schemas.intents import FaultCode
from schemas.quarantine import Became
from tests.builders import an_entry, an_intent, raw
from tests.store.conftest import Shop
from worker.steps.accept import Sorted, accept_into
from worker.steps.replay import replay
from worker.store.intake import Entry, EntryKind
from worker.store.quarantine import Decided
from worker.store.views_quarantine import kept
from worker.streams import IntentStreams, put, stream_of

SetClock = Callable[[timedelta], None]

WISH = {"intent_id": "i-1"}
OVERTAKEN = timedelta(seconds=20)
HUGE = 2**63
"""Milliseconds that Redis takes in an entry's id, and no calendar knows."""


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


async def put_intent(redis: Redis) -> None:
    await put(redis, "shop", raw(an_intent()))


async def put_wish(redis: Redis) -> None:
    await put(redis, "shop", json.dumps(WISH), EntryKind.CANCEL)


async def read(worker: IntentStreams, count: int = 10) -> list[Entry]:
    return await worker.read(["shop"], count=count, block_ms=10)


async def left_behind(worker: IntentStreams) -> list[Entry]:
    return await worker.left_behind(["shop"], older_than_ms=0, count=10)


async def take_in(
    shop: Shop, worker: IntentStreams, entries: list[Entry], *, within: timedelta = OVERTAKEN
) -> Sorted:
    """What an intake does with a batch; at its first look a wish may be early at any age."""
    heaps = await accept_into(shop.db, shop.vault, shop.settings, entries, within)
    await worker.done([each for each in entries if each not in heaps.early])
    return heaps


def a_wish(milliseconds: int | None = None) -> Entry:
    """A wish put by now, or whenever its id says."""
    put_at = int(time.time() * 1000) if milliseconds is None else milliseconds
    return an_entry(raw(WISH), entry_id=f"{put_at}-0", kind=EntryKind.CANCEL)


async def accepted(shop: Shop, *entries: Entry) -> Sorted:
    return await accept_into(shop.db, shop.vault, shop.settings, entries)


def codes(heaps: Sorted) -> list[FaultCode]:
    return [fault.code for _, fault in heaps.faulty]


# --- in its stream ---------------------------------------------------------------------------


async def test_a_wish_waits_for_an_intent_that_another_worker_has_read_and_not_committed(
    shop: Shop, redis: Redis
) -> None:
    slow, quick = IntentStreams(redis, "host:1"), IntentStreams(redis, "host:2")
    await put_intent(redis)
    [intent] = await read(slow)
    await put_wish(redis)
    overtook = await take_in(shop, quick, await read(quick))
    assert (overtook.to_cancel, overtook.faulty, len(overtook.early)) == ([], [], 1)
    assert await redis.xlen(stream_of("shop")) == 2
    assert (await shop.one("SELECT count(*) AS entries FROM quarantine")).entries == 0

    await take_in(shop, slow, [intent])
    assert await redis.xlen(stream_of("shop")) == 1
    found = await take_in(shop, quick, await left_behind(quick))
    assert [asked.provider for asked in found.to_cancel] == ["hyperteknoloji"]
    assert (found.early, found.faulty) == ([], [])
    assert await redis.xlen(stream_of("shop")) == 0
    [claimed] = await shop.claim()
    assert claimed.cancel_asked_at is not None


async def test_a_wish_outlives_the_worker_that_died_with_its_intent(
    shop: Shop, redis: Redis
) -> None:
    dead, heir = IntentStreams(redis, "host:1"), IntentStreams(redis, "host:2")
    await put_intent(redis)
    await read(dead)
    await put_wish(redis)
    await take_in(shop, heir, await read(heir))
    both = await left_behind(heir)
    assert [each.kind for each in both] == [EntryKind.INTENT, EntryKind.CANCEL]
    heaps = await take_in(shop, heir, both)
    assert (len(heaps.fresh), len(heaps.to_cancel), heaps.early) == (1, 1, [])


async def test_after_an_outage_an_old_wish_waits_for_its_intent_just_the_same(
    shop: Shop, redis: Redis
) -> None:
    """Both have been there for an hour; one worker gets the intent, another one the wish."""
    slow, quick = IntentStreams(redis, "host:1"), IntentStreams(redis, "host:2")
    long_ago = int(time.time() * 1000) - 3_600_000
    said = {EntryKind.INTENT: raw(an_intent()), EntryKind.CANCEL: raw(WISH)}
    for number, (kind, body) in enumerate(said.items()):
        await redis.xadd(stream_of("shop"), {kind.value: body}, id=f"{long_ago}-{number}")
    await read(slow, count=1)
    first = await take_in(shop, quick, await read(quick), within=timedelta.max)
    assert (len(first.early), first.faulty) == (1, [])
    heaps = await take_in(shop, quick, await left_behind(quick))
    assert (len(heaps.fresh), len(heaps.to_cancel), heaps.early) == (1, 1, [])


async def test_a_wish_that_is_looked_at_again_and_again_is_one_wish(shop: Shop) -> None:
    wish = a_wish()
    for _ in range(3):
        assert (await accepted(shop, wish)).early == [wish]
    await shop.accept(an_intent())
    for _ in range(2):
        assert len((await accepted(shop, wish)).to_cancel) == 1
    told = await shop.rows("SELECT type FROM events")
    assert [row.type for row in told].count("order.cancel_asked") == 1


async def test_what_came_with_an_early_wish_is_taken_in_all_the_same(
    shop: Shop, redis: Redis
) -> None:
    worker = IntentStreams(redis, "host:1")
    await put_wish(redis)
    await put(redis, "shop", raw(an_intent("x", intent_id="another")))
    await put(redis, "shop", b"{")
    heaps = await take_in(shop, worker, await read(worker))
    assert (len(heaps.fresh), len(heaps.early), codes(heaps)) == (1, 1, [FaultCode.NOT_JSON])
    assert await redis.xlen(stream_of("shop")) == 1


async def test_that_one_entry_cannot_be_stored_makes_no_wish_less_early(shop: Shop) -> None:
    unstorable = an_intent("y", intent_id="i-2", lines=[{"deliver_id": "y\0"}])
    odd = an_entry(raw(unstorable))
    wish = a_wish()
    heaps = await accepted(shop, wish, odd)
    assert heaps.early == [wish]
    assert len(heaps.faulty) == 1


# --- not for ever ----------------------------------------------------------------------------


async def test_after_twenty_seconds_a_wish_that_names_nothing_is_set_aside(
    shop: Shop, set_clock: SetClock
) -> None:
    wish = a_wish()
    set_clock(OVERTAKEN - timedelta(seconds=5))
    assert (await accepted(shop, wish)).early == [wish]
    set_clock(OVERTAKEN + timedelta(seconds=1))
    heaps = await accepted(shop, wish)
    assert (heaps.early, codes(heaps)) == ([], [FaultCode.UNKNOWN_INTENT])
    row = await shop.one("SELECT entry_id, code FROM quarantine")
    assert row == (wish.entry_id, "unknown_intent")


async def test_replayed_out_of_quarantine_it_is_never_early(
    shop: Shop, set_clock: SetClock
) -> None:
    set_clock(timedelta(minutes=1))
    await accepted(shop, a_wish())
    row = await shop.one("SELECT id FROM quarantine")
    entry = await kept(shop.db, shop.vault, row.id)
    ada = Decided(by="ada@mail-1", why="its intent came")
    for at in (timedelta(0), timedelta(minutes=1)):  # also by a clock by which it was put just now
        set_clock(at)
        vain = await replay(shop.db, shop.vault, shop.settings, entry, ada)
        assert vain.result is Became.FAULTY
        assert vain.fault is not None
        assert vain.fault.code is FaultCode.UNKNOWN_INTENT
    await shop.accept(an_intent())
    heard = await replay(shop.db, shop.vault, shop.settings, entry, ada)
    assert heard.result is Became.TO_CANCEL


# --- ids that are no moments -----------------------------------------------------------------


@pytest.mark.parametrize("milliseconds", [0, 1, HUGE, 2**64 - 1, 253_402_300_799_999])
async def test_an_id_that_is_no_moment_breaks_no_batch_and_waits_for_nothing(
    shop: Shop, milliseconds: int
) -> None:
    odd = a_wish(milliseconds)
    heaps = await accepted(shop, odd, an_entry(raw(an_intent("x", intent_id="another"))))
    assert len(heaps.fresh) == 1
    assert (heaps.early, codes(heaps)) == ([], [FaultCode.UNKNOWN_INTENT])


async def test_a_wish_of_such_an_id_is_heard_where_its_intent_is_there(
    shop: Shop, redis: Redis
) -> None:
    worker = IntentStreams(redis, "host:1")
    await put_intent(redis)
    await redis.xadd(stream_of("shop"), {"cancel": json.dumps(WISH)}, id=f"{HUGE}-0")
    await put_wish(redis)  # from now on Redis itself counts from there
    heaps = await take_in(shop, worker, await read(worker))
    assert (len(heaps.fresh), len(heaps.to_cancel)) == (1, 2)
    assert (heaps.early, heaps.faulty) == ([], [])
    assert await redis.xlen(stream_of("shop")) == 0


@pytest.mark.parametrize("ahead", [-5, 5])
async def test_that_redis_and_the_database_disagree_by_seconds_makes_no_difference(
    shop: Shop, ahead: int
) -> None:
    wish = a_wish(int((time.time() + ahead) * 1000))
    assert (await accepted(shop, wish)).early == [wish]
