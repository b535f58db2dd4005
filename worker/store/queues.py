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

RESTS: Final = """(
    (a.paused_at IS NOT NULL AND (a.paused_until IS NULL OR a.paused_until > orderline_now()))
    OR a.opened_at IS NOT NULL
)"""
"""Whether an account ``a`` takes no orders now: somebody paused it, or its breaker is open."""
