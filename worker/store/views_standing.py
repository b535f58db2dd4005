"""Reading how everything stands, in numbers: what the console opens with and shows live.

Only what is open is counted, and what ended within a day, so that looking every few seconds costs
nothing that grows with the past. What was given up has no index, and is counted where it is asked.
"""

from typing import Final

from sqlalchemy import text

from schemas.operators import Standing
from worker.store.queues import ENDING, RESTS
from worker.store.session import Database
from worker.store.views import snapshot
from worker.store.views_books import NEEDS_PERSON

_STANDING: Final = text(f"""
WITH open AS (
    SELECT state, step, due_at, expires_at FROM orders WHERE due_at IS NOT NULL
    UNION ALL
    SELECT state, step, due_at, expires_at FROM orders WHERE state = 'parked' AND due_at IS NULL
),
due AS (SELECT count(*) AS many, min(due_at) AS since FROM open WHERE due_at <= orderline_now()),
owed AS (
    SELECT count(*) AS many, min(e.at) AS since
    FROM notifications n JOIN events e ON e.id = n.event_id WHERE n.due_at IS NOT NULL
)
SELECT
    (SELECT coalesce(jsonb_object_agg(state, n), '{{}}')
     FROM (SELECT state, count(*) AS n FROM open GROUP BY state) _) AS states,
    (SELECT coalesce(jsonb_object_agg(state, n), '{{}}')
     FROM (SELECT state, count(*) AS n FROM orders
           WHERE finished_at > orderline_now() - interval '1 day' GROUP BY state) _) AS ended,
    due.many AS overdue, due.since AS overdue_since,
    (SELECT count(*) FROM orders o WHERE {ENDING}) AS ending,
    (SELECT count(*) FROM surplus_orders WHERE closed_at IS NULL) AS surplus,
    (SELECT count(*) FROM quarantine WHERE closed_at IS NULL) AS quarantined,
    owed.many AS waiting, owed.since AS waiting_since,
    CASE WHEN :whole THEN (SELECT count(*) FROM notifications WHERE state = 'exhausted') END
        AS exhausted,
    (SELECT count(*) FROM accounts a WHERE {RESTS}) AS resting,
    (SELECT count(*) FROM endpoints WHERE disabled_at IS NOT NULL OR failing_since IS NOT NULL
        OR rests_until > orderline_now()) AS troubled,
    (SELECT count(*) FROM differences d WHERE {NEEDS_PERSON}) AS differences,
    orderline_now() AS as_of
FROM due, owed
""")  # noqa: S608 -- the clauses are ours


async def standing(db: Database, *, whole: bool) -> Standing:
    """How everything stands now; ``exhausted`` is left out unless the ``whole`` is asked for."""
    async with snapshot(db) as connection:
        row = (await connection.execute(_STANDING, {"whole": whole})).one()
        return Standing(**row._mapping)  # noqa: SLF001 -- SQLAlchemy's public name
