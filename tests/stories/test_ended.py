"""What has ended: personal data goes first, then all the rest; only that it was is never forgotten.

Told by the database's clock, which decides how long ago an order ended.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from schemas.intents import FaultCode
from schemas.quarantine import Became
from tests.stories.conftest import Story, adobe, feedback, gifthub, hyper, threekit
from worker.sandbox import Fault
from worker.steps.accept import Sorted
from worker.steps.purge import LONGEST, Purged, purge
from worker.steps.replay import replay
from worker.store import quarantine
from worker.store.quarantine import Decided
from worker.store.views_quarantine import kept
from worker.store.views_tombstones import buried

PLAYER = "player-5512345678"
ENGRAVED = "for-Zeynep-1994"
NEVER_ENDS = 38
LONG_ENOUGH = 8
"""Characters: what is shorter may stand anywhere by chance."""

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
YEAR = timedelta(days=365)
ADA = Decided(by="ada@mail-1", why="a test")

TABLES = (
    "orders",
    "lines",
    "attempts",
    "surplus_orders",
    "events",
    "notifications",
    "deliveries",
)
"""All that is written of an order."""


def personal(intent_id: str) -> dict[str, Any]:
    body = hyper(intent_id)
    body["lines"][0]["require_data"] = [{"product_require_id": 1, "value": PLAYER}]
    return body


async def purged(story: Story, **settings: timedelta) -> Purged:
    """What a run comes to; with these settings instead of the usual ones."""
    rt = story.engine.rt
    return await purge(replace(rt, settings=rt.settings.model_copy(update=settings)))


async def exhaust(story: Story) -> None:
    """Until nothing is tried any more, although the endpoint that fails is enabled each time."""
    await story.play(limit=YEAR)
    while await story.one("SELECT count(*) FROM notifications WHERE state = 'pending'"):
        await story.enable()
        await story.play(limit=YEAR)


async def left(story: Story) -> dict[str, int]:
    """How many rows are left of orders, where there are any."""
    counts = {table: await story.one(f"SELECT count(*) FROM {table}") for table in TABLES}  # noqa: S608 -- our own tables
    for table, column in (("events", "id"), ("notifications", "event_id")):
        counts[table] -= await story.one(
            f"SELECT count(*) FROM {table} JOIN events e ON e.id = {table}.{column}"  # noqa: S608 -- as above
            " WHERE e.quarantine_id IS NOT NULL"
        )
    counts["events"] -= await story.one("SELECT count(*) FROM events WHERE endpoint IS NOT NULL")
    return {table: count for table, count in counts.items() if count}


async def dump(story: Story) -> str:
    """The whole database as text, with what is sealed opened."""
    tables = await story.all("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    told = []
    for (table,) in tables:
        for row in await story.all(f"SELECT * FROM {table}"):  # noqa: S608 -- our own tables
            told += [
                story.engine.rt.vault.unseal(value).decode() if isinstance(value, bytes) else value
                for value in row
            ]
    return repr(told)


def codes(heaps: Sorted) -> list[FaultCode]:
    return [fault.code for _, fault in heaps.faulty]


def delivered_codes(story: Story) -> set[str]:
    return {
        value
        for told in story.receiver.received.first.values()
        for goods in told["data"].get("goods", ())
        for value in goods.values()
    }


# --- purged, and never forgotten ------------------------------------------------------------------


async def test_years_later_a_repeat_is_a_repeat_and_nothing_is_bought(story: Story) -> None:
    first = await story.submit(hyper("1", lines=2), gifthub("2"), adobe("3"))
    await story.play()
    bought = story.bought()
    await story.pass_time(91 * DAY)
    assert (await purged(story)).orders == 3
    assert await left(story) == {}
    await story.pass_time(5 * YEAR)
    again = await story.submit(hyper("1", lines=2), gifthub("2"), adobe("3"))
    await story.play()
    assert [order_id for _, order_id in again.repeated] == [o.order_id for o in first.fresh]
    assert (again.fresh, story.bought()) == ([], bought)
    assert await story.one("SELECT count(*) FROM quarantine") == 0


async def test_years_later_other_content_is_refused_and_so_is_a_used_deliver_id(
    story: Story,
) -> None:
    await story.submit(hyper("1"))
    await story.play()
    await story.pass_time(91 * DAY)
    await purged(story)
    await story.pass_time(YEAR)
    changed = await story.submit(hyper("1", product=2))
    assert codes(changed) == [FaultCode.REPEATED_WITH_OTHER_CONTENT]
    reused = await story.submit({**hyper("1"), "intent_id": "2"})
    assert codes(reused) == [FaultCode.DELIVER_ID_TAKEN]
    assert await left(story) == {}


async def test_the_tombstone_says_how_and_when_it_ended(story: Story) -> None:
    heaps = await story.submit(hyper("1"))
    await story.play()
    ended = await story.one("SELECT finished_at FROM orders")
    await story.pass_time(91 * DAY)
    await purged(story)
    [found] = await buried(story.db, "1-1")
    assert [found] == await buried(story.db, "1") == await buried(story.db, str(found.order_id))
    assert (found.order_id, found.state) == (heaps.fresh[0].order_id, "fulfilled")
    assert found.ended_at == ended
    assert timedelta() <= await story.now() - found.buried_at < DAY


async def test_a_wish_that_comes_after_the_purge_hears_that_it_ended_long_ago(
    story: Story,
) -> None:
    await story.submit(hyper("1"))
    await story.play()
    await story.pass_time(91 * DAY)
    await purged(story)
    wished = await story.cancel("1")
    assert (wished.to_cancel, codes(wished)) == ([], [FaultCode.PURGED_INTENT])
    assert "ended long ago (fulfilled, on 20" in wished.faulty[0][1].detail
    assert codes(await story.cancel("9")) == [FaultCode.UNKNOWN_INTENT]


async def test_an_entry_that_repeats_what_was_purged_is_closed_as_a_repeat(story: Story) -> None:
    rt = story.engine.rt
    await story.submit(hyper("1"))
    await story.play()
    await story.submit({**hyper("1"), "colour": "red"})
    [(entry_id,)] = await story.all("SELECT id FROM quarantine")
    await story.pass_time(91 * DAY)
    assert (await purged(story)).orders == 1
    entry = await kept(rt.db, rt.vault, entry_id)
    mended = entry.saying(entry.entry.raw.replace(b', "colour": "red"', b""))
    assert (await replay(rt.db, rt.vault, rt.settings, mended, ADA)).result is Became.REPEATED
    assert await left(story) == {}


# --- what is never purged -------------------------------------------------------------------------


async def test_before_its_time_nothing_is_purged(story: Story) -> None:
    await story.submit(hyper("1"))
    await story.play()
    await story.pass_time(89 * DAY)
    assert (await purged(story)).orders == 0
    assert await story.state("1") == "fulfilled"


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (hyper("1", NEVER_ENDS), "placed"),
        (feedback("1", "sandbox-cut-after"), "parked"),
    ],
    ids=["open", "parked"],
)
async def test_what_has_not_ended_is_never_purged(
    story: Story, body: dict[str, Any], state: str
) -> None:
    await story.submit(body)
    await story.work()
    await story.play(limit=timedelta(hours=1))
    before = await left(story)
    await story.pass_time(YEAR)
    assert await purged(story) == Purged(orders=0, personal=0, quarantine=0, more=False)
    assert (await story.state("1"), await left(story)) == (state, before)


async def test_what_is_in_doubt_is_never_purged(story: Story) -> None:
    await story.submit(threekit("1"))
    await story.attempt(await story.claim("threekit"))
    await story.pass_time(YEAR)
    assert await purged(story) == Purged(orders=0, personal=0, quarantine=0, more=False)
    assert await story.state("1") == "placing"


async def test_what_nobody_was_told_of_is_kept_until_that_is_settled(story: Story) -> None:
    story.receiver.refuse("1-1")
    await story.submit(personal("1"))
    await story.play(limit=timedelta(minutes=1))
    assert await story.state("1") == "fulfilled"
    await story.pass_time(YEAR)
    assert await purged(story) == Purged(orders=0, personal=0, quarantine=0, more=False)
    assert PLAYER in await dump(story)
    await exhaust(story)
    assert await story.all("SELECT DISTINCT state FROM notifications") == [("exhausted",)]
    assert (await purged(story)).orders == 1
    assert await left(story) == {}


async def test_an_open_surplus_order_keeps_its_order(story: Story) -> None:
    await story.submit(hyper("1"))
    await story.play()
    await story.execute(
        "INSERT INTO surplus_orders (id, order_id, reason)"
        " SELECT gen_random_uuid(), id, 'a late yes' FROM orders"
    )
    await story.pass_time(YEAR)
    assert (await purged(story)).orders == 0
    await story.execute(
        "UPDATE surplus_orders SET closed_at = now(), closed_by = 'ada', decision = 'kept'"
    )
    assert (await purged(story)).orders == 1
    assert await left(story) == {}


async def test_a_wish_without_an_answer_keeps_its_order(story: Story) -> None:
    await story.submit(hyper("1"))
    await story.play()
    await story.pass_time(YEAR)
    for pump in story.engine.orders.values():
        pump.stop()
    assert codes(await story.cancel("1")) == []
    assert (await purged(story)).orders == 0


async def test_of_the_quarantine_only_what_is_closed_goes(story: Story) -> None:
    await story.submit(b"{", {**personal("1"), "colour": "red"})
    _, closed = await story.all("SELECT id FROM quarantine ORDER BY entry_id")
    await quarantine.drop(story.db, closed.id, ADA)
    await story.play()
    await story.pass_time(15 * DAY)
    assert await purged(story) == Purged(orders=0, personal=1, quarantine=0, more=False)
    assert PLAYER not in await dump(story)
    with pytest.raises(quarantine.Erased, match="closed long ago"):
        await kept(story.db, story.engine.rt.vault, closed.id)
    await story.pass_time(91 * DAY)
    assert (await purged(story)).quarantine == 1
    assert await story.all("SELECT code FROM quarantine") == [("not_json",)]


# --- personal data goes first ---------------------------------------------------------------------


async def test_a_fortnight_after_the_end_nothing_personal_is_left_anywhere(story: Story) -> None:
    engraved = threekit("3", metadata={"engraving": ENGRAVED})
    await story.submit(personal("1"), feedback("2"), engraved, gifthub("4"), adobe("5"))
    await story.play()
    codes = {code for code in delivered_codes(story) if len(code) >= LONG_ENOUGH}
    secrets = {PLAYER, ENGRAVED, "2@example.com", "Zübeyde", *codes}
    assert len(secrets) > 4
    before = await dump(story)
    assert [secret for secret in secrets if secret not in before] == []
    await story.pass_time(13 * DAY)
    assert (await purged(story)).personal == 0
    await story.pass_time(2 * DAY)
    assert await purged(story) == Purged(orders=0, personal=5, quarantine=0, more=False)
    after = await dump(story)
    assert [secret for secret in secrets if secret in after] == []
    assert await story.one("SELECT count(*) FROM attempts WHERE evidence ? 'body'") == 0
    assert await story.one("SELECT count(*) FROM orders WHERE erased_at IS NULL") == 0
    assert (await purged(story)).personal == 0
    assert len((await story.submit(personal("1"), feedback("2"), engraved)).repeated) == 3


async def test_goods_that_nobody_received_stay_until_the_purge(story: Story) -> None:
    story.receiver.refuse("1-1")
    await story.submit(personal("1"))
    await exhaust(story)
    assert await story.all("SELECT DISTINCT state FROM notifications") == [("exhausted",)]
    await story.pass_time(15 * DAY)
    assert (await purged(story)).personal == 1
    assert PLAYER not in await dump(story)
    assert await story.one("SELECT count(*) FROM events WHERE sealed_goods IS NOT NULL") == 1


async def test_licences_are_given_back_although_their_order_was_erased(story: Story) -> None:
    await story.submit(adobe("1"))
    await story.play()
    await story.pass_time(2 * DAY)
    assert (await purged(story, personal_data_for=DAY)).personal == 1
    story.sandbox.script("adobe_vipm", "return", [Fault.CUT_AFTER])
    await story.cancel("1")
    await story.play()
    assert (await story.state("1"), story.bought()) == ("cancelled", 0)
    assert await story.one("SELECT count(*) FROM attempts WHERE sealed_request IS NOT NULL") == 1
    await story.pass_time(DAY)
    assert (await purged(story, personal_data_for=DAY)).personal == 1, "what came since goes, too"
    assert await story.one("SELECT count(*) FROM attempts WHERE sealed_request IS NOT NULL") == 0


@pytest.mark.parametrize("body", [personal("1"), feedback("1"), threekit("1"), gifthub("1")])
async def test_a_wish_for_an_erased_order_is_answered(story: Story, body: dict[str, Any]) -> None:
    await story.submit(body)
    await story.play()
    await story.pass_time(15 * DAY)
    assert (await purged(story)).personal == 1
    await story.cancel("1")
    await story.play()
    assert story.told("1-1")[-1] == "cancel_refused"
    assert await story.state("1") == "fulfilled"


async def test_an_intent_that_nobody_can_read_any_more_keeps_only_its_names(story: Story) -> None:
    await story.submit(personal("1"), feedback("2"))
    await story.play()
    await story.execute("UPDATE orders SET intent = intent || '{\"new\": 1}' WHERE intent_id = '1'")
    await story.pass_time(15 * DAY)
    assert (await purged(story)).personal == 2
    assert PLAYER not in await dump(story)
    assert await story.one("SELECT intent FROM orders WHERE intent_id = '1'") == {
        "intent_id": "1",
        "producer": "shop",
        "provider": "hyperteknoloji",
        "account": "default",
    }


# --- two at once ----------------------------------------------------------------------------------


async def test_two_runs_at_once_leave_an_order_or_its_tombstone(story: Story) -> None:
    await story.submit(*(hyper(f"h{n}") for n in range(12)))
    await story.play()
    await story.pass_time(91 * DAY)
    runs = await asyncio.gather(*(purged(story) for _ in range(4)))
    assert sum(run.orders for run in runs) == 12
    assert await left(story) == {}
    assert await story.one("SELECT count(*) FROM tombstones") == 12
    assert await story.one("SELECT count(*) FROM used_deliver_ids") == 12


# --- for a bounded time ---------------------------------------------------------------------------


@dataclass
class Hurried:
    """A clock by which every look costs half of what a run may take."""

    seconds: float = 0.0

    def now(self) -> datetime:
        raise AssertionError("nothing here is decided by this machine's clock")

    def monotonic(self) -> float:
        self.seconds += LONGEST.total_seconds() / 2
        return self.seconds


async def test_a_run_ends_in_time_and_the_next_one_goes_on(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.steps.purge.PURGED_AT_ONCE", 2)
    await story.submit(*(hyper(f"h{n}") for n in range(5)))
    await story.play()
    await story.pass_time(91 * DAY)
    hurried = replace(story.engine.rt, clock=Hurried())
    runs = [await purge(hurried) for _ in range(3)]
    assert [(run.orders, run.more) for run in runs] == [(2, True), (2, True), (1, False)]
    assert await left(story) == {}


async def test_one_run_does_it_all_where_there_is_time(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.steps.purge.PURGED_AT_ONCE", 2)
    monkeypatch.setattr("worker.steps.purge.ERASED_AT_ONCE", 2)
    await story.submit(*(hyper(f"h{n}") for n in range(5)))
    await story.play()
    await story.pass_time(15 * DAY)
    assert await purged(story) == Purged(orders=0, personal=5, quarantine=0, more=False)
    await story.pass_time(91 * DAY)
    assert await purged(story) == Purged(orders=5, personal=0, quarantine=0, more=False)
