"""What is asked every second, and for every order, finds its rows by an index: at size.

A million orders have ended, a hundred thousand are open, half of them due; their notifications are
there with them.
"""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from sqlalchemy import TextClause

from tests.store.conftest import Shop
from worker.health import progress
from worker.lanes import FAILING_LANE
from worker.store import accounts, claims, notifications, views_metrics
from worker.store.session import as_rows

ENDED: Final = 1_000_000
OPEN: Final = 100_000

_MANY: Final = f"""
ALTER TABLE orders DISABLE TRIGGER ALL;

ALTER TABLE events DISABLE TRIGGER ALL;

ALTER TABLE notifications DISABLE TRIGGER ALL;

INSERT INTO producers (name, notify_url)
SELECT 'shop-' || n, 'https://shop-' || n || '.example' FROM generate_series(0, 19) n;

INSERT INTO endpoints (producer, url)
SELECT 'shop-' || n, 'https://shop-' || n || '.example' FROM generate_series(0, 19) n;

INSERT INTO accounts (provider, account) SELECT p, a
FROM unnest(ARRAY['hyperteknoloji', 'gifthub', 'adobe_vipm', 'threekit', 'feedback_company']) p,
    unnest(ARRAY['default', 'other']) a;

INSERT INTO orders (id, producer, intent_id, fingerprint, provider, account, intent, notify_url,
    priority, state, step, due_at, lease_until, expires_at, created_at, updated_at, finished_at)
SELECT gen_random_uuid(), 'shop-' || n % 20, n, '',
    (ARRAY['hyperteknoloji', 'gifthub', 'adobe_vipm', 'threekit', 'feedback_company'])[n % 5 + 1],
    (ARRAY['default', 'other'])[n / 5 % 2 + 1], '{{}}', 'https://shop-' || n % 20 || '.example',
    n / 20 % 3,
    CASE WHEN ended THEN 'fulfilled' ELSE 'accepted' END,
    CASE WHEN NOT ended THEN CASE WHEN n % 3 = 0 THEN 'poll' ELSE 'place' END END,
    CASE WHEN NOT ended THEN now() + (n % 2000 - 1000) * interval '1 s' END, NULL,
    CASE WHEN n % 2 = 0 THEN now() + (n % 1200 + 30) * interval '1 s' END,
    now() - n * interval '1 s', now(), CASE WHEN ended THEN now() - n * interval '1 s' END
FROM (SELECT n, n > {OPEN} AS ended FROM generate_series(1, {OPEN + ENDED}) n) _;

INSERT INTO events (id, order_id, type, data)
SELECT gen_random_uuid(), id, 'line.accepted', '{{}}' FROM orders;

INSERT INTO notifications (event_id, subject, sequence, producer, url, state, due_at)
SELECT id, gen_random_uuid(), 1, 'shop-' || n % 20,
    'https://shop-' || n % 20 || '.example',
    CASE WHEN n > {OPEN} THEN 'acknowledged' ELSE 'pending' END,
    CASE WHEN n <= {OPEN} THEN now() + (n % 2000 - 1000) * interval '1 s' END
FROM (SELECT id, row_number() OVER () AS n FROM events) _;

ALTER TABLE events ENABLE TRIGGER ALL;

ALTER TABLE orders ENABLE TRIGGER ALL;

ALTER TABLE notifications ENABLE TRIGGER ALL
"""  # noqa: S608 -- numbers of ours

_NEEDS: Final = [
    {"provider": provider, "account": account, "needs": 37.0}
    for provider in ("hyperteknoloji", "gifthub", "adobe_vipm", "threekit", "feedback_company")
    for account in ("default", "other")
]
_ACCOUNT: Final = {"provider": "gifthub", "account": "default"}
_NOW: Final = datetime.now(UTC)
_LATELY: Final = _NOW - timedelta(minutes=5)
_LEASE: Final = {"worker": "host:1", "lease": 60.0, "probing": False}

EVERY: Final[dict[str, tuple[TextClause, dict[str, Any]]]] = {
    "claim": (claims._CLAIM, _ACCOUNT | _LEASE | {"free": 32, "after": "shop-7"}),
    "claim of a small account": (
        claims._CLAIM,
        {"provider": "nobody", "account": "none", "free": 32, "after": ""} | _LEASE,
    ),
    "claim of lapsed ones": (
        claims._CLAIM_LAPSED,
        _LEASE | {"needs": as_rows(_NEEDS), "longest": 37.0, "free": 200},
    ),
    "sweep: accounts to ring": (accounts._RING, {"patience": 5.0}),
    "sweep: their oldest": (accounts._OLDEST, _ACCOUNT | {"hints": 20}),
    "sweep: notifications owed": (accounts._ANY_OWED, {}),
    "claim of notifications": (
        notifications._CLAIM,
        {"free": 64, "lease": 60.0, "each": FAILING_LANE * 16, "failing": 32, "taken": "[]"},
    ),
    "health: overdue": (progress._OVERDUE, {}),
    "health: owed": (progress._OWED, {}),
    **{f"metrics: {name}": (statement, {}) for name, statement in views_metrics.STATEMENTS.items()},
    "metrics: ended": (views_metrics._ENDED, {"since": _LATELY, "until": _NOW}),
    "metrics: bought": (views_metrics._BOUGHT, {"since": _LATELY, "until": _NOW}),
}

SMALL: Final = {
    "accounts", "endpoints", "producers", "jobs", "reconciliations", "surplus_orders",
    "differences", "quarantine", "attempts",
}  # fmt: skip
"""One row an account, endpoint or producer, or none at all here; to read them all is the quickest
way."""


@pytest.mark.slow
async def test_each_finds_its_rows_by_an_index_and_in_no_time(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    for each in _MANY.split(";"):
        await shop.execute(each)
    await shop.autocommit("VACUUM ANALYZE")
    told = [f"\n{OPEN + ENDED:,} orders in {timedelta(seconds=time.monotonic() - began)}"]
    scanned = {}
    for name, (statement, values) in EVERY.items():
        rows = await shop.rows(f"EXPLAIN (ANALYZE, BUFFERS) {statement.text}", **values)
        plan = "\n".join(line for (line,) in rows)
        scanned[name] = set(re.findall(r"Seq Scan on (\w+)", plan)) - SMALL
        indexes = sorted(set(re.findall(r"Index(?: Only)? Scan (?:using|on) (\w+)", plan)))
        took = float(plan.rpartition("Execution Time: ")[2].partition(" ms")[0])
        told.append(f"{name:34} {took:8.2f} ms   {', '.join(indexes)}")
        assert took < 250, plan
    with capsys.disabled():
        print("\n".join(told))  # noqa: T201 -- what this test is to show
    assert not any(scanned.values()), scanned
