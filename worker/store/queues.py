"""Who waits for which account: the queues that claims and the sweep go through.

A queue is the open orders of one producer and one priority at one account. They are found in jumps
over the index ``orders_due``, so that it costs nothing how many orders there are besides.
"""

from typing import Final

_KEY: Final = "o.provider, o.account, o.producer, o.priority"


def queues(where: str = "true") -> str:
    """For a ``WITH RECURSIVE``: the queues of those orders ``o`` that satisfy ``where``."""
    return f"""queues AS (
    (SELECT {_KEY} FROM orders o
    WHERE o.due_at IS NOT NULL AND {where} ORDER BY {_KEY} LIMIT 1)
    UNION ALL
    SELECT next.* FROM queues q CROSS JOIN LATERAL (
        SELECT {_KEY} FROM orders o
        WHERE o.due_at IS NOT NULL AND {where}
            AND ({_KEY}) > (q.provider, q.account, q.producer, q.priority)
        ORDER BY {_KEY} LIMIT 1
    ) next
)"""  # noqa: S608 -- clauses of ours


IN_QUEUE: Final = """(o.provider, o.account, o.producer, o.priority)
    = (q.provider, q.account, q.producer, q.priority)"""
"""Whether an order ``o`` waits in a queue ``q``."""

PAUSED: Final = """(
    a.paused_at IS NOT NULL AND (a.paused_until IS NULL OR a.paused_until > orderline_now())
)"""
"""Whether somebody has an account ``a`` paused now."""

RESTS: Final = f"({PAUSED} OR a.opened_at IS NOT NULL)"
"""Whether an account ``a`` takes no orders now: it is paused, or its breaker is open."""

REST_ENDS: Final = f"""greatest(
    orderline_now(), a.probe_at, CASE WHEN {PAUSED} THEN a.paused_until END)"""
"""The earliest moment at which an account ``a`` may take orders again, as far as that is known: a
pause without an end may end at any time."""

RESTS_UNTIL: Final = f"CASE WHEN {PAUSED} THEN a.paused_until ELSE a.probe_at END"
"""When the rest of an account ``a`` ends, or is first put to the proof; null: not by itself."""

RESTS_BECAUSE: Final = f"""CASE
    WHEN {PAUSED} THEN 'paused by ' || a.paused_by || coalesce(': ' || a.paused_because, '')
    WHEN a.opened_at IS NOT NULL THEN 'its breaker is open: ' || a.opened_because
END"""
"""Why an account ``a`` rests, for people; null where it does not."""

ENDING: Final = """o.step IN ('place', 'confirm') AND o.expires_at IS NOT NULL
    AND o.expires_at BETWEEN orderline_now() AND orderline_now() + interval '1 min'"""
"""Whether an order ``o`` is yet to be bought, and its quote ends within a minute."""

OVERDUE: Final = f"""
WITH RECURSIVE {queues()}
SELECT q.provider, q.account, extract(epoch FROM orderline_now() - min(d.due_at))::float8 AS age
FROM queues q LEFT JOIN accounts a USING (provider, account) CROSS JOIN LATERAL (
    SELECT o.due_at FROM orders o WHERE {IN_QUEUE} AND o.due_at <= orderline_now()
    ORDER BY o.due_at LIMIT 1
) d
WHERE NOT {RESTS}
GROUP BY q.provider, q.account ORDER BY min(d.due_at)
"""  # noqa: S608 -- clauses of ours
"""How long the longest due order of each account waits, in seconds; the oldest first. An order that
a worker holds has its ``due_at`` in the future; one whose account rests waits for that, and the
account says so itself."""
