"""Personal data is erased some time after an order's end, long before ``purge`` takes the rest.

What stays of an order is its story: states, references, prices, times. Goods that nobody has
received stay, too: they are its producer's.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import text

from schemas.intents import IntentFault, erased
from worker.logs import get_logger
from worker.store.purge import AT_REST, NO_NOTICE_OWED
from worker.store.session import Boundary, Database, as_rows

log = get_logger(__name__)

_CHOOSE: Final = text(f"""
SELECT o.id, o.intent FROM orders o
WHERE o.finished_at <= orderline_now() - make_interval(secs => :age)
    AND (o.erased_at IS NULL OR o.erased_at < o.updated_at) AND {AT_REST}
    AND (o.created_at <= orderline_now() - make_interval(secs => :sent_again_for) OR (
        SELECT a.outcome = 'in_doubt' AND a.step = 'cancel'
        FROM attempts a WHERE a.order_id = o.id AND a.number = o.attempts) IS NOT TRUE)
ORDER BY o.finished_at LIMIT :limit
FOR UPDATE OF o SKIP LOCKED
""")  # noqa: S608 -- the clause is a constant of ours

_ERASE: Final = (
    text("""
    UPDATE orders o SET intent = i.intent, erased_at = orderline_now()
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS i(id uuid, intent jsonb) WHERE o.id = i.id
    """),
    text("""
    UPDATE attempts SET sealed_request = NULL, evidence = evidence - 'body'
    WHERE order_id = ANY(:ids)
        AND (sealed_request IS NOT NULL OR evidence -> 'body' IS NOT NULL)
    """),
    text("""
    UPDATE events e SET sealed_goods = NULL FROM notifications n
    WHERE e.order_id = ANY(:ids) AND e.sealed_goods IS NOT NULL
        AND n.event_id = e.id AND n.state = 'acknowledged'
    """),
    text("""
    UPDATE deliveries d SET excerpt = NULL FROM events e
    WHERE e.order_id = ANY(:ids) AND d.event_id = e.id AND d.excerpt IS NOT NULL
    """),
)

_ERASE_CLOSED: Final = text(f"""
WITH chosen AS (
    SELECT q.id FROM quarantine q
    WHERE q.closed_at <= orderline_now() - make_interval(secs => :age)
        AND q.sealed_entry IS NOT NULL AND {NO_NOTICE_OWED}
    ORDER BY q.closed_at LIMIT :limit
    FOR UPDATE OF q SKIP LOCKED
),
answers AS (
    UPDATE deliveries d SET excerpt = NULL FROM events e
    WHERE e.quarantine_id IN (SELECT id FROM chosen) AND d.event_id = e.id
        AND d.excerpt IS NOT NULL
)
UPDATE quarantine SET sealed_entry = NULL, sealed_mended = NULL
WHERE id IN (SELECT id FROM chosen)
RETURNING id
""")  # noqa: S608 -- the clause is a constant of ours

_NAMES: Final = ("intent_id", "producer", "provider", "account")


async def erase(
    db: Database, age: timedelta, limit: int, *, sent_again_for: timedelta = timedelta()
) -> int:
    """Erase personal data of at most ``limit`` orders that ended so long ago; how many it were.

    One that changed since it was erased (a wish was answered) is erased once more. A wish whose
    outcome is unknown may have to be put again, exactly as it was, for ``sent_again_for`` after its
    order was accepted: so long that one stays as it is.
    """
    async with db.transaction(Boundary.ERASURE) as connection:
        values = {
            "age": age.total_seconds(),
            "limit": limit,
            "sent_again_for": sent_again_for.total_seconds(),
        }
        chosen = (await connection.execute(_CHOOSE, values)).all()
        rows = [{"id": row.id, "intent": _erased(row.id, row.intent)} for row in chosen]
        ids = [row.id for row in chosen]
        for statement in _ERASE if ids else ():
            await connection.execute(statement, {"ids": ids, "rows": as_rows(rows)})
    return len(ids)


async def erase_closed(db: Database, age: timedelta, limit: int) -> int:
    """Erase what at most ``limit`` entries of the quarantine said that were closed so long ago."""
    async with db.transaction(Boundary.ERASURE) as connection:
        values = {"age": age.total_seconds(), "limit": limit}
        return len((await connection.execute(_ERASE_CLOSED, values)).all())


def _erased(order_id: Any, document: Mapping[str, Any]) -> dict[str, Any]:
    """An intent without its personal data.

    Of one that this version cannot read nobody knows what is personal: only its names stay.
    """
    try:
        return erased(document)
    except IntentFault as fault:
        log.exception("order_unreadable", order=str(order_id), code=fault.code)
        return {name: document[name] for name in _NAMES if name in document}
