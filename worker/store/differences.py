"""Differences between the books: found, dealt with, closed.

A difference is open once: seen again, it is the same. What a person has closed is not found again
as long as their books say the same of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from schemas.ids import OrderId, new_uuid
from worker.books import Difference, Rule
from worker.store.deeds import Deed, note
from worker.store.reconciliations import Run
from worker.store.session import LOCK_ORDERS, Boundary, Database, as_rows
from worker.store.tables_books import Handling

_FIND: Final = text("""
WITH input AS (
    SELECT * FROM jsonb_to_recordset(CAST(:found AS jsonb)) AS _(id uuid, event_id uuid, kind text,
        rule text, order_id uuid, provider_ref text, line text, ours text, theirs text)
),
kept AS (
    INSERT INTO differences AS d (id, provider, account, kind, rule, order_id, provider_ref, line,
        ours, theirs, found_in, seen_in)
    SELECT i.id, :provider, :account, i.kind, i.rule, i.order_id, i.provider_ref, i.line, i.ours,
        i.theirs, :run_id, :run_id
    FROM input i
    WHERE NOT EXISTS (
        SELECT FROM differences c
        WHERE c.provider = :provider AND c.account = :account AND c.kind = i.kind
            AND coalesce(c.order_id::text, '') = coalesce(i.order_id::text, '')
            AND coalesce(c.provider_ref, '') = coalesce(i.provider_ref, '') AND c.line = i.line
            AND c.handling = 'closed' AND c.theirs = i.theirs
    )
    ON CONFLICT (provider, account, kind, coalesce(order_id::text, ''),
        coalesce(provider_ref, ''), line) WHERE closed_at IS NULL
    DO UPDATE SET seen_in = excluded.seen_in, rule = excluded.rule, ours = excluded.ours,
        theirs = excluded.theirs
    RETURNING d.id, d.kind, d.order_id, d.provider_ref, d.line, d.found_in = d.seen_in AS fresh
),
said AS (
    INSERT INTO events (id, order_id, line_id, sequence, type, data)
    SELECT i.event_id, i.order_id, NULL, NULL, 'order.difference_found', jsonb_build_object(
        'kind', i.kind, 'rule', i.rule, 'ours', i.ours, 'theirs', i.theirs,
        'provider_ref', i.provider_ref)
    FROM input i JOIN kept k ON k.id = i.id JOIN orders o ON o.id = i.order_id
    ON CONFLICT (id) DO NOTHING
)
SELECT * FROM kept
""")

_HANDLE: Final = text("""
UPDATE differences SET handling = :handling,
    closed_at = CASE WHEN :closes THEN orderline_now() END,
    closed_by = CASE WHEN :closes THEN :by END, why = :why
WHERE id = :id AND closed_at IS NULL
RETURNING id
""")

_CLOSE: Final = text("""
WITH closed AS (
    UPDATE differences SET handling = 'closed', closed_at = orderline_now(), closed_by = :by,
        why = :why
    WHERE id = :id AND closed_at IS NULL
    RETURNING *
),
said AS (
    INSERT INTO events (id, order_id, line_id, sequence, type, data)
    SELECT CAST(:event_id AS uuid), c.order_id, NULL, NULL, 'order.difference_closed',
        jsonb_build_object('kind', c.kind, 'ours', c.ours, 'theirs', c.theirs,
            'provider_ref', c.provider_ref, 'by', c.closed_by, 'why', c.why)
    FROM closed c JOIN orders o ON o.id = c.order_id
)
SELECT id FROM closed
""")

_GONE: Final = text("""
UPDATE differences SET handling = 'gone', closed_at = orderline_now(), closed_by = 'orderline'
WHERE provider = :provider AND account = :account AND closed_at IS NULL AND seen_in <> :run_id
    AND rule <> 'alert'
    AND (order_id = ANY(:ids) OR (:whole AND order_id IS NULL AND found_at >= :since))
""")

_CHARGE: Final = text("""
WITH charged AS (
    UPDATE orders SET total = :amount, total_currency = :currency, updated_at = orderline_now()
    WHERE id = :order_id
        AND (total IS DISTINCT FROM :amount OR total_currency IS DISTINCT FROM :currency)
    RETURNING id
)
INSERT INTO events (id, order_id, line_id, sequence, type, data)
SELECT CAST(:event_id AS uuid), id, NULL, NULL, :type,
    jsonb_build_object('reason', CAST(:said AS text)) FROM charged
""")

_SURPLUS: Final = text("""
WITH found AS (
    INSERT INTO surplus_orders (id, order_id, provider_ref, reason)
    SELECT CAST(:id AS uuid), o.id, CAST(:ref AS text),
        'found in the provider''s books beside the order'
    FROM orders o
    WHERE o.id = :order_id AND (o.provider_ref IS DISTINCT FROM :ref
        OR o.state IN ('refused', 'expired', 'failed', 'cancelled'))
    ON CONFLICT DO NOTHING
    RETURNING order_id
)
INSERT INTO events (id, order_id, line_id, sequence, type, data)
SELECT CAST(:event_id AS uuid), order_id, NULL, NULL, 'order.surplus_found',
    jsonb_build_object('provider_refs', jsonb_build_array(CAST(:ref AS text)))
FROM found
""")

"""What meanwhile turned out to be the order itself is none, unless that ended without it."""

_STAYS_OPEN: Final = frozenset({Handling.AGREED})
"""What was done about a difference that is still there after it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A difference as it is kept; ``fresh`` where no run had found it before."""

    difference_id: UUID
    difference: Difference
    fresh: bool


async def find(db: Database, run: Run, found: Sequence[Difference]) -> list[Found]:
    """Keep differences; each that is new is told in its order's story."""
    rows = [
        {
            "id": new_uuid(),
            "event_id": new_uuid(),
            "kind": each.kind,
            "rule": each.rule,
            "order_id": each.order_id,
            "provider_ref": each.provider_ref,
            "line": each.line,
            "ours": each.ours,
            "theirs": each.theirs,
        }
        for each in found
    ]
    if not rows:
        return []
    async with db.transaction(Boundary.DIFFERENCE) as connection:
        kept = await connection.execute(_FIND, {**_of(run), "found": as_rows(rows)})
        by_key = {(r.kind, r.order_id, r.provider_ref, r.line): r for r in kept}
    keyed = (((d.kind, d.order_id, d.provider_ref, d.line), d) for d in found)
    return [Found(by_key[key].id, each, by_key[key].fresh) for key, each in keyed if key in by_key]


async def handled(db: Database, difference_id: UUID, handling: Handling, *, stays: bool) -> None:
    """Write down what was done about a difference; it is closed by that unless it ``stays``."""
    async with db.transaction(Boundary.DIFFERENCE) as connection:
        await connection.execute(
            _HANDLE,
            {
                "id": difference_id,
                "handling": handling,
                "closes": not (stays or handling in _STAYS_OPEN),
                "by": "orderline",
                "why": None,
            },
        )


async def close(
    db: Database, difference_id: UUID, *, by: str, why: str, deed: Deed | None = None
) -> bool:
    """A person has dealt with a difference, which its order's story tells.

    ``False`` where it is not there, or not open; then nothing is written.
    """
    async with db.transaction(Boundary.DIFFERENCE) as connection:
        values = {"id": difference_id, "by": by, "why": why, "event_id": new_uuid()}
        if (await connection.execute(_CLOSE, values)).one_or_none() is None:
            return False
        await note(connection, deed)
        return True


async def gone(db: Database, run: Run, compared: Sequence[OrderId], *, whole: bool) -> None:
    """Close what this run should have seen and did not: of orders, and (``whole``) of strangers."""
    async with db.transaction(Boundary.DIFFERENCE) as connection:
        values = {**_of(run), "ids": list(compared), "whole": whole, "since": run.since}
        await connection.execute(_GONE, values)


async def charge(db: Database, found: Difference) -> None:
    """Record what a provider charges for an order; above its limit that is told as an alarm."""
    assert found.total is not None  # noqa: S101 -- it is a price that differs
    assert found.order_id is not None  # noqa: S101 -- of an order
    alarm = found.rule is Rule.ALERT
    async with db.transaction(Boundary.DIFFERENCE) as connection:
        await connection.execute(LOCK_ORDERS, {"ids": [found.order_id]})
        await connection.execute(
            _CHARGE,
            {
                "order_id": found.order_id,
                "amount": found.total.amount,
                "currency": found.total.currency,
                "event_id": new_uuid(),
                "type": "order.charged_above_max" if alarm else "order.price_recorded",
                "said": f"was {found.ours}, is {found.theirs}",
            },
        )


async def add_surplus(db: Database, found: Difference) -> None:
    """One more there than our books have: from now on it stands among the surplus orders."""
    async with db.transaction(Boundary.DIFFERENCE) as connection:
        await connection.execute(LOCK_ORDERS, {"ids": [found.order_id]})
        await connection.execute(
            _SURPLUS,
            {
                "id": new_uuid(),
                "event_id": new_uuid(),
                "order_id": found.order_id,
                "ref": found.provider_ref,
            },
        )


def _of(run: Run) -> dict[str, Any]:
    return {"provider": run.provider, "account": run.account, "run_id": run.run_id}
