"""Promise P1 at the database: an intent is accepted once, whatever arrives twice."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from schemas.intents import FaultCode
from tests.builders import Body, an_entry, an_intent, raw
from tests.store.conftest import Shop
from worker.steps.accept import Sorted, accept_into
from worker.store import producers
from worker.store.session import Database

COUNTS = """
SELECT (SELECT count(*) FROM orders) AS orders, (SELECT count(*) FROM lines) AS lines,
    (SELECT count(*) FROM quarantine) AS quarantined
"""


async def counts(shop: Shop) -> tuple[int, int, int]:
    row = await shop.one(COUNTS)
    return (row.orders, row.lines, row.quarantined)


def codes(heaps: Sorted) -> list[FaultCode]:
    return [fault.code for _, fault in heaps.faulty]


def ahead(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def test_an_intent_becomes_an_order_that_is_due_at_once(shop: Shop) -> None:
    heaps = await shop.accept(an_intent("a", "b"))
    assert len(heaps.fresh) == 1
    order = await shop.one(
        "SELECT id, state, step, due_at <= orderline_now() AS due, notify_url FROM orders"
    )
    assert (order.state, order.step, order.due) == ("accepted", "place", True)
    assert order.id == heaps.fresh[0].order_id
    assert order.notify_url == "https://shop.example/hooks"
    lines = await shop.rows("SELECT index, deliver_id, line_ref, state FROM lines ORDER BY index")
    assert [(line.index, line.deliver_id, line.state) for line in lines] == [
        (0, "a", "waiting"),
        (1, "b", "waiting"),
    ]
    assert len({line.line_ref for line in lines} | {"a", "b"}) == 4
    assert await shop.rows("SELECT provider FROM accounts") == [("hyperteknoloji",)]


async def test_a_repeat_finds_the_same_order(shop: Shop) -> None:
    first = await shop.accept(an_intent())
    again = await shop.accept(an_intent())
    assert [order_id for _, order_id in again.repeated] == [first.fresh[0].order_id]
    assert again.fresh == []
    assert await counts(shop) == (1, 1, 0)


async def test_a_repeat_in_other_words_is_still_the_same(shop: Shop) -> None:
    await shop.accept(an_intent())
    reordered = dict(reversed(an_intent().items()))
    again = await shop.accept(b"  " + raw(reordered) + b"\n")
    assert len(again.repeated) == 1


async def test_a_repeat_with_other_content_is_refused_and_kept(shop: Shop) -> None:
    await shop.accept(an_intent())
    heaps = await shop.accept(an_intent(account="other"))
    assert codes(heaps) == [FaultCode.REPEATED_WITH_OTHER_CONTENT]
    row = await shop.one("SELECT code, path, sealed_entry FROM quarantine")
    assert (row.code, row.path) == ("repeated_with_other_content", "intent_id")
    assert shop.vault.unseal(row.sealed_entry) == raw(an_intent(account="other"))
    assert (await shop.one("SELECT account FROM orders")).account == "default"


async def test_the_same_intent_twice_in_a_batch_is_one_order(shop: Shop) -> None:
    heaps = await shop.accept(an_intent(), an_intent(), an_intent(account="other"))
    assert (len(heaps.fresh), len(heaps.repeated)) == (1, 1)
    assert codes(heaps) == [FaultCode.REPEATED_WITH_OTHER_CONTENT]
    assert await counts(shop) == (1, 1, 1)


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one after the other"])
async def test_a_deliver_id_is_used_once(
    shop: Shop,
    together: bool,  # noqa: FBT001 -- named by the table above
) -> None:
    first, second = an_intent("a"), an_intent("b", "a", intent_id="i-2")
    batches = [[first, second]] if together else [[first], [second]]
    heaps = [await shop.accept(*batch) for batch in batches]
    ((_, fault),) = heaps[-1].faulty
    assert (fault.code, fault.path) == (FaultCode.DELIVER_ID_TAKEN, "lines[1].deliver_id")
    assert await counts(shop) == (1, 1, 1)


async def test_two_producers_may_use_the_same_ids(shop: Shop) -> None:
    await shop.execute("INSERT INTO producers (name, notify_url) VALUES ('other', 'https://o')")
    await shop.accept(an_intent())
    heaps = await shop.accept(an_intent(), producer="other")
    assert len(heaps.fresh) == 1
    assert await counts(shop) == (2, 2, 0)


async def test_a_bad_intent_goes_to_quarantine_and_hurts_no_other(shop: Shop) -> None:
    heaps = await shop.accept(b"{", an_intent(), an_intent("x", intent_id="i-2", colour="red"))
    assert codes(heaps) == [FaultCode.NOT_JSON, FaultCode.UNKNOWN_FIELD]
    assert await counts(shop) == (1, 1, 2)


async def test_what_is_in_quarantine_cannot_be_read_without_the_key(shop: Shop) -> None:
    await shop.accept(b'{"pin": "4711471147114711"')
    (row,) = await shop.rows("SELECT * FROM quarantine")
    assert "4711471147114711" not in repr(row)
    assert b"4711471147114711" not in bytes(row.sealed_entry)
    assert b"4711471147114711" in shop.vault.unseal(row.sealed_entry)


async def test_the_same_entry_read_again_is_neither_ordered_nor_quarantined_twice(
    shop: Shop,
) -> None:
    entries = [an_entry(an_intent()), an_entry(b"{"), an_entry(an_intent(account="other"))]
    await accept_into(shop.db, shop.vault, shop.settings, entries)
    before = await shop.rows("SELECT * FROM quarantine ORDER BY id")
    for _ in range(2):
        await accept_into(shop.db, shop.vault, shop.settings, entries)
    assert await counts(shop) == (1, 1, 2)
    assert await shop.rows("SELECT * FROM quarantine ORDER BY id") == before


async def test_a_wiped_stream_may_give_an_old_entry_id_to_other_bytes(shop: Shop) -> None:
    for body in (b"{", b"["):
        entry = an_entry(body, entry_id="1-0")
        await accept_into(shop.db, shop.vault, shop.settings, [entry])
    assert await counts(shop) == (0, 0, 2)


async def test_two_workers_with_the_same_entries_make_each_order_once(shop: Shop) -> None:
    entries = [an_entry(an_intent(f"d-{n}", intent_id=f"i-{n}")) for n in range(40)]
    entries += [an_entry(b"{") for _ in range(5)]
    other = Database(str(shop.db.engine.url.render_as_string(hide_password=False)))
    try:
        heaps = await asyncio.gather(
            *(
                accept_into(database, shop.vault, shop.settings, entries[turn:] + entries[:turn])
                for turn, database in enumerate([shop.db, other, shop.db, other])
            )
        )
    finally:
        await other.close()
    assert await counts(shop) == (40, 40, 5)
    assert sum(len(each.fresh) for each in heaps) == 40
    assert sum(len(each.repeated) for each in heaps) == 120


async def test_two_workers_with_rivals_for_a_deliver_id_accept_one_of_them(shop: Shop) -> None:
    def rival(number: int) -> Body:
        return an_intent("wanted", intent_id=f"i-{number}")

    heaps = await asyncio.gather(*(shop.accept(rival(number)) for number in range(4)))
    assert sum(len(each.fresh) for each in heaps) == 1
    faults = [code for each in heaps for code in codes(each)]
    assert faults == [FaultCode.DELIVER_ID_TAKEN] * 3


async def test_an_intent_only_the_database_refuses_is_found_and_set_aside_alone(
    shop: Shop,
) -> None:
    await shop.execute("""
        CREATE FUNCTION too_much() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'numeric_value_out_of_range'; END $$
    """)
    await shop.execute("""
        CREATE TRIGGER too_much BEFORE INSERT ON orders FOR EACH ROW
        WHEN (NEW.intent_id = 'i-bad') EXECUTE FUNCTION too_much()
    """)
    good = [an_intent(f"d-{n}", intent_id=f"i-{n}") for n in range(3)]
    heaps = await shop.accept(good[0], an_intent("bad", intent_id="i-bad"), b"{", *good[1:])
    assert len(heaps.fresh) == 3
    assert sorted(codes(heaps)) == [FaultCode.BAD_TEXT, FaultCode.NOT_JSON]
    assert await counts(shop) == (3, 3, 2)


async def test_the_quote_closes_when_the_producer_or_the_window_says(
    shop: Shop,
) -> None:
    await shop.accept(
        an_intent("a", intent_id="said", quote={"quoted_at": ahead(-9), "expires_at": ahead(60)}),
        an_intent("b", intent_id="silent", quote={"quoted_at": ahead(-300)}),
        an_intent("c", intent_id="none"),
        an_intent("d", intent_id="fast", quote={"quoted_at": ahead(30)}),
    )
    rows = await shop.rows("SELECT intent_id, expires_at - orderline_now() AS left FROM orders")
    left = {row.intent_id: row.left for row in rows}
    second = timedelta(seconds=1)
    assert left["none"] is None
    assert 50 * second < left["said"] <= 60 * second
    assert 290 * second < left["silent"] <= 300 * second
    assert 590 * second < left["fast"] <= 600 * second


async def test_a_quote_from_the_future_is_refused(shop: Shop) -> None:
    heaps = await shop.accept(an_intent(quote={"quoted_at": ahead(3600)}))
    assert codes(heaps) == [FaultCode.QUOTE_IN_FUTURE]


async def test_the_limit_of_a_quote_is_kept_to_the_last_digit(shop: Shop) -> None:
    quote = {"quoted_at": ahead(0), "max_total": "19.901234", "currency": "TRY"}
    await shop.accept(an_intent(quote=quote))
    (claimed,) = await shop.claim()
    assert str(claimed.max_total) == "19.901234 TRY"


# --- where an intent may be told ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://shop.example/elsewhere", True),
        ("https://other.example/hooks", True),
        ("https://eu.shop.test/hooks", True),
        ("https://attacker.example/hooks", False),
        ("https://shop.test/hooks", False),
    ],
)
async def test_an_intent_names_only_hosts_that_its_producer_was_allowed(
    shop: Shop, url: str, *, allowed: bool
) -> None:
    await producers.change(shop.db, "shop", notify_hosts=["other.example", "*.shop.test"])
    heaps = await shop.accept(an_intent(notify_url=url))
    if allowed:
        assert (await shop.one("SELECT notify_url FROM orders")).notify_url == url
    else:
        [(_, fault)] = heaps.faulty
        assert (fault.code, fault.path) == (FaultCode.FOREIGN_HOST, "notify_url")
        assert "attacker" not in fault.detail


async def test_a_disabled_producers_intents_are_set_aside_and_its_repeats_are_still_known(
    shop: Shop,
) -> None:
    first = (await shop.accept(an_intent())).fresh[0].order_id
    await producers.set_disabled(shop.db, "shop", disabled=True)
    heaps = await shop.accept(an_intent(), an_intent("d-2", intent_id="i-2"))
    assert [order_id for _, order_id in heaps.repeated] == [first]
    assert [fault.code for _, fault in heaps.faulty] == [FaultCode.PRODUCER_DISABLED]
