"""``orderline report``: a day in numbers, exact and indexed."""

import csv
import io
import json
import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tests.builders import an_intent
from tests.cli.conftest import Orderline
from tests.cli.remotes import HYPER, Remotes, open_remotes
from tests.cli.world import World
from tests.crash.nursery import Nursery
from worker.cli.report_csv import HEADER
from worker.store import views_books, views_report
from worker.store.session import Boundary

ENDS = {
    "fulfilled", "partially_fulfilled", "refused", "expired", "failed", "cancelled",
}  # fmt: skip


@pytest.fixture
async def remotes(
    world: World, monkeypatch: pytest.MonkeyPatch, nursery: Nursery
) -> AsyncIterator[Remotes]:
    async with open_remotes(world, monkeypatch, nursery, HYPER) as running:
        yield running


async def _execute(world: World, sql: str, **values: Any) -> None:
    async with world.db.transaction(Boundary.PRODUCER) as connection:
        await connection.execute(text(sql), values)


async def _total(world: World, intent_id: str, total: str | None, currency: str | None) -> None:
    await _execute(
        world,
        "UPDATE orders SET total = CAST(:total AS numeric), total_currency = :currency"
        " WHERE intent_id = :intent_id",
        total=total,
        currency=currency,
        intent_id=intent_id,
    )


def _rows(printed: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(printed)))


async def test_sums_are_exact_and_by_account_and_currency(
    remotes: Remotes, world: World, orderline: Orderline
) -> None:
    await remotes.buy(*[an_intent(f"d-{n}", intent_id=f"i-{n}") for n in range(1, 6)])
    for intent_id, total in (("i-1", "0.1"), ("i-2", "0.2"), ("i-3", "123456789012.000001")):
        await _total(world, intent_id, total, "IRT" if intent_id != "i-3" else "TRY")
    await _total(world, "i-4", None, None)
    await _total(world, "i-5", "7.5", "TRY")
    await _execute(world, "UPDATE orders SET state = 'cancelled' WHERE intent_id = 'i-5'")
    ran = await orderline("report", "--csv")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[0] == ",".join(HEADER)
    assert ran.out.endswith("\r\n")
    by_currency = {row["currency"]: row for row in _rows(ran.out)}
    assert set(by_currency) == {"", "IRT", "TRY"}
    irt, lira, unknown = (by_currency[name] for name in ("IRT", "TRY", ""))
    assert (irt["accepted"], irt["fulfilled"], irt["bought"]) == ("2", "2", "2")
    assert irt["charged"] == "0.30"
    assert (lira["charged"], lira["bought"]) == ("123456789019.500001", "2")
    assert (lira["ended_after_buying"], lira["to_refund"]) == ("1", "7.50")
    assert (unknown["bought"], unknown["charged"], unknown["of_unknown_total"]) == (
        "1",
        "0.00",
        "1",
    )


async def test_json_has_its_keys_and_money_as_text(
    remotes: Remotes, world: World, orderline: Orderline
) -> None:
    await remotes.buy(an_intent("d-1"))
    await _total(world, "i-1", "0.3", "IRT")
    await remotes.program("reconcile")
    told = json.loads((await orderline("report", "--json")).out)
    assert set(told) == {"day", "as_of", "whole", "totals", "open", "runs"}
    [row] = told["totals"]
    assert set(row) == {
        "provider", "account", "currency", "accepted", "ended", "bought", "charged",
        "of_unknown_total", "ended_after_buying", "to_refund",
    }  # fmt: skip
    assert set(row["ended"]) == ENDS
    assert row["charged"] == row["charged"].strip('"') != 0
    assert isinstance(row["charged"], str)
    assert (told["whole"], told["open"]) == (True, [])
    [run] = told["runs"]
    assert (run["state"], run["found"]) == ("done", {"price_differs": 1})
    plain = (await orderline("report")).out
    assert "1 fulfilled" in plain
    assert "1 price_differs" in plain
    assert "Open differences between the books\nnone\n" in plain


async def test_an_empty_day_is_a_header_and_says_so(world: World, orderline: Orderline) -> None:
    del world
    assert (await orderline("report", "--csv")).out == ",".join(HEADER) + "\r\n"
    ran = await orderline("report", "--day", "2020-02-29")
    assert ran.code == 0
    assert "2020-02-29 (UTC)" in ran.out
    assert "Orders of that day may have been purged already" in ran.out
    assert "Nothing happened on that day." in ran.out
    assert json.loads((await orderline("report", "--json")).out)["totals"] == []


async def test_a_day_is_one_in_utc_by_the_databases_clock(
    world: World, orderline: Orderline, set_clock: Callable[[timedelta], None]
) -> None:
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for intent_id, at in (("i-1", midnight - timedelta(microseconds=1)), ("i-2", midnight)):
        await world.accept(an_intent(intent_id, intent_id=intent_id))
        sql = "UPDATE orders SET created_at = :at WHERE intent_id = :i"
        await _execute(world, sql, at=at, i=intent_id)

    async def accepted(*arguments: str) -> int:
        told = json.loads((await orderline("report", "--json", *arguments)).out)
        return sum(row["accepted"] for row in told["totals"])

    assert await accepted() == 1
    assert await accepted("--day", "yesterday") == 1
    assert await accepted("--day", midnight.date().isoformat()) == 1
    assert await accepted("--provider", "gifthub") == 0
    set_clock(timedelta(days=1))
    assert (await accepted(), await accepted("--day", "yesterday")) == (0, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        ["--day", "soon"],
        ["--day", "2026-02-30"],
        ["--provider", "nobody"],
        ["--csv", "--json"],
    ],
)
@pytest.mark.usefixtures("world")
async def test_what_is_wrongly_asked_is_a_usage_error(
    orderline: Orderline, wrong: list[str]
) -> None:
    ran = await orderline("report", *wrong)
    assert (ran.code, ran.out) == (2, "")


MANY = """
INSERT INTO accounts (provider, account) VALUES ('p', 'a'), ('p', 'b'), ('q', 'a');
INSERT INTO orders (id, producer, intent_id, fingerprint, provider, account, intent, notify_url,
    state, created_at, updated_at, finished_at, total, total_currency)
SELECT gen_random_uuid(), 'shop', 'm-' || n, '', CASE n % 3 WHEN 0 THEN 'q' ELSE 'p' END,
    CASE n % 3 WHEN 1 THEN 'b' ELSE 'a' END, '{}', '', 'fulfilled', at, at, at, 0.1, 'TRY'
FROM generate_series(1, 40000) n, LATERAL (SELECT now() - n * interval '3 minutes' AS at) _;
INSERT INTO attempts (id, order_id, number, step, reference, fence, outcome, closed_at)
SELECT gen_random_uuid(), id, 1, 'place', '', 1, 'confirmed', created_at FROM orders;
INSERT INTO reconciliations (id, provider, account, since, asked_by, state, started_at, ended_at)
SELECT gen_random_uuid(), 'p', 'a', now(), 'beat', 'done', at, at
FROM generate_series(1, 5000) n, LATERAL (SELECT now() - n * interval '1 hour' AS at) _;
INSERT INTO differences (id, provider, account, kind, rule, line, ours, theirs, found_in, seen_in,
    found_at, closed_at, closed_by)
SELECT gen_random_uuid(), 'p', 'a', 'missing_here', 'report', '', '', '', r.id, r.id, started_at,
    started_at, 'ada'
FROM reconciliations r CROSS JOIN generate_series(1, 2)
"""


async def test_a_day_is_found_by_indexes_whatever_else_there_is(
    world: World, orderline: Orderline
) -> None:
    for statement in MANY.split(";"):
        await _execute(world, statement)
    async with world.db.transaction(Boundary.PRODUCER) as connection:
        await connection.execute(text("ANALYZE"))
    begins = datetime.now(UTC) - timedelta(days=5)
    day = {"begins": begins, "ends": begins + timedelta(days=1)}
    plans = [
        await _plan(world, views_report._TOTALS.text, **day, provider=None),
        await _plan(world, views_report._TOTALS.text, **day, provider="p"),
        await _plan(
            world, views_books._RUNS.format(where=views_report._RUNS), **day, provider=None
        ),
        await _plan(
            world,
            views_books._DIFFERENCES.format(where="d.closed_at IS NULL", order="DESC"),
            runs=[],
            limit=50,
        ),
    ]
    read = [table for plan in plans for table in re.findall(r"Seq Scan on (\w+)", plan)]
    assert set(read) <= {"accounts"}, "\n\n".join(plans)
    assert {"orders_by_age", "attempts_that_bought", "orders_ended"} <= set(
        re.findall(r"Index (?:Only )?Scan (?:using|on) (\w+)", plans[0])
    )
    [row, *_] = _rows((await orderline("report", "--day", "yesterday", "--csv")).out)
    assert row["charged"] == "16.00"


async def _plan(world: World, statement: str, **values: Any) -> str:
    async with world.db.reading() as connection:
        explained = await connection.execute(text(f"EXPLAIN {statement}"), values)
        return "\n".join(line for (line,) in explained)
