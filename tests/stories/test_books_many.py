"""Books of many orders: a run takes no more memory than a few pages, and shows how far it is.

``pytest -s tests/stories/test_books_many.py`` prints what it took.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import text

from tests.crash.installation import installed
from tests.crash.nursery import Nursery
from tests.crash.works import Works
from tests.stories.conftest import hyper, threekit
from worker.crypto import Vault
from worker.embedded import Servers
from worker.providers.threekit.wire import platform_said
from worker.sandbox.remotes.hyperteknoloji.basket import Wanted
from worker.store.claimed import peek
from worker.store.session import Boundary, as_rows

MOST: Final = 200 * 1024 * 1024
"""Bytes."""
AT_ONCE: Final = 1000
FOR_EVER: Final = 38
"""A product that is processed, and never delivered."""

_BOUGHT: Final = """
WITH bought AS (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS _(
        id uuid, ref text, line_ref text, state text, line_state text, total numeric)
),
ordered AS (
    UPDATE orders o SET state = b.state, provider_ref = b.ref, total = b.total,
        total_currency = CASE WHEN b.total IS NOT NULL THEN 'TRY' END,
        step = CASE WHEN b.state = 'placed' THEN 'poll' END,
        due_at = CASE WHEN b.state = 'placed' THEN orderline_now() + interval '1 day' END,
        finished_at = CASE WHEN b.state <> 'placed' THEN orderline_now() END
    FROM bought b WHERE o.id = b.id
)
UPDATE lines l SET state = b.line_state, provider_line_ref = b.line_ref
FROM bought b WHERE l.order_id = b.id
"""

Said = list[dict[str, Any]]


@asynccontextmanager
async def many(
    servers: Servers, home: Path, bodies: Sequence[Mapping[str, Any]]
) -> AsyncIterator[Works]:
    """An installation that has taken in these intents, and does nothing about them."""
    async with installed(servers, home, Nursery()) as works:
        for begin in range(0, len(bodies), AT_ONCE):
            await works.accept(*bodies[begin : begin + AT_ONCE])
        yield works


async def bought(works: Works, rows: Sequence[Mapping[str, Any]]) -> None:
    """Have these orders be where they would be once they were bought."""
    async with works.db.transaction(Boundary.PRODUCER) as connection:
        await connection.execute(text(_BOUGHT), {"rows": as_rows(rows)})
        await connection.execute(text("ANALYZE"))


async def reconciled(works: Works, provider: str) -> tuple[Said, dict[str, Any]]:
    """What a process of its own says while it reconciles, and at its end."""
    fast = {
        name: {account: {**fields, "books_rate": "1000"} for account, fields in accounts.items()}
        for name, accounts in works.system.accounts.items()
    }
    environment = {**os.environ, **replace(works.system, accounts=fast).environment}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.stories.reconciler", provider,
        env=environment, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode == 0
    *progress, last = [json.loads(line) for line in out.splitlines()]
    return progress, last


def check(
    progress: Said, last: Mapping[str, Any], say: Callable[[str], object], *, pages: int
) -> None:
    reading = [each["pages"] for each in progress if each["state"] == "reading"]
    assert reading == [*range(1, len(reading) + 1)]
    assert len(reading) >= pages
    compared = [each["compared"] for each in progress if each["state"] == "comparing"]
    assert compared == sorted(compared)
    seconds, peak = last["seconds"], last["peak"]
    orders = compared[-1]
    say(f"\n{orders} orders, {len(reading)} pages, {len(progress)} progresses: "
        f"{seconds} s, at most {peak / 1024 / 1024:.0f} MB\n")  # fmt: skip
    assert last["state"] == "done"
    assert peak < MOST


@pytest.mark.slow
async def test_ten_thousand_orders_of_one_list_are_compared_in_little_memory(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    count = 10_000
    bodies = [hyper(f"{n}", FOR_EVER) for n in range(count)]
    async with many(Servers(database_url, redis_url), tmp_path, bodies) as works:
        remote: Any = works.sandbox._remotes["hyperteknoloji"]
        rows, now = [], works.sandbox.clock()
        for row in await works.all("SELECT order_id, line_ref FROM lines ORDER BY order_id"):
            [line] = remote._ledger.buy([Wanted(row.line_ref, FOR_EVER, 1)], "TR", now)
            rows.append({
                "id": row.order_id, "ref": str(line.order_id), "line_ref": str(line.detail_id),
                "state": "placed", "line_state": "accepted", "total": line.total,
            })  # fmt: skip
        await bought(works, rows)
        gone, moved, dear = (rows[n]["ref"] for n in (17, 5_000, 9_999))
        works.sandbox.tamper("hyperteknoloji", "remove", order_id=gone)
        works.sandbox.tamper("hyperteknoloji", "status", order_id=moved, to=1)
        works.sandbox.tamper("hyperteknoloji", "price", order_id=dear, to="24.90")
        for _ in range(3):
            works.sandbox.tamper("hyperteknoloji", "add")
        progress, last = await reconciled(works, "hyperteknoloji")
        check(progress, last, sys.stderr.write, pages=count // 100)
        run = await works.all("SELECT orders, compared, entries, found FROM reconciliations")
        assert tuple(run[0]) == (
            count, count, count + 2,
            {"missing_there": 1, "status_differs": 1, "price_differs": 1, "missing_here": 3},
        )  # fmt: skip
        states = await works.all("SELECT state, count(*) FROM orders GROUP BY state")
        assert {row.state: row.count for row in states} == {
            "placed": count - 2, "parked": 1, "fulfilled": 1,
        }  # fmt: skip


@pytest.mark.slow
async def test_two_thousand_shelves_are_read_one_by_one_in_little_memory(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    count = 2_000
    bodies = [threekit(f"{n}") for n in range(count)]
    async with many(Servers(database_url, redis_url), tmp_path, bodies) as works:
        vault = Vault([works.system.encryption_key])
        ids = [row.id for row in await works.all("SELECT id FROM orders ORDER BY id")]
        rows: list[dict[str, Any]] = []
        for claimed in await peek(works.db, vault, ids):
            order = claimed.order
            [ref] = works.sandbox.tamper(
                "threekit", "add", ref=order.order_id.hex, shelf=platform_said(order)
            )
            rows.append({
                "id": order.order_id, "ref": ref, "line_ref": None, "total": None,
                "state": "fulfilled", "line_state": "delivered",
            })  # fmt: skip
        await bought(works, rows)
        works.sandbox.tamper("threekit", "copy", order_id=rows[7]["ref"])
        works.sandbox.tamper("threekit", "remove", order_id=rows[1_234]["ref"])
        progress, last = await reconciled(works, "threekit")
        check(progress, last, sys.stderr.write, pages=count)
        run = await works.all("SELECT orders, compared, entries, found FROM reconciliations")
        assert tuple(run[0]) == (
            count, count, count, {"missing_there": 1, "surplus_order": 1},
        )  # fmt: skip
