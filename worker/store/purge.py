"""The purge: what ended long ago is deleted, batch by batch, and of orders a tombstone stays.

Tombstone and deletion are one transaction, so that there is always the one or the other. An order
goes only at rest: nothing is due, nobody is owed anything, no person has to decide. Its neighbour
``erasing`` takes personal data earlier.
"""

from datetime import timedelta
from typing import Final, Literal

from sqlalchemy import text

from worker.lifecycle import TERMINAL_ORDERS
from worker.store.columns import listed
from worker.store.session import Boundary, Database

AT_REST: Final = f"""{listed("o.state", TERMINAL_ORDERS)}
    AND o.due_at IS NULL AND o.cancel_asked_at IS NULL
    AND NOT EXISTS (SELECT FROM attempts a WHERE a.order_id = o.id AND a.outcome IS NULL)
    AND NOT EXISTS (
        SELECT FROM lines l JOIN notifications n ON n.subject = l.id
        WHERE l.order_id = o.id AND n.state = 'pending')"""  # noqa: S608 -- our own words
"""Which orders ``o`` have ended, and owe nobody a call, an answer or a delivery."""

_OVER: Final = f"""{AT_REST} AND NOT EXISTS (
    SELECT FROM surplus_orders s WHERE s.order_id = o.id AND s.closed_at IS NULL)
    AND NOT EXISTS (
        SELECT FROM differences d WHERE d.order_id = o.id AND d.closed_at IS NULL)
"""  # noqa: S608 -- our own words
"""Which of them are nothing to a person either."""

_CHOOSE: Final = text(f"""
SELECT o.id FROM orders o
WHERE o.finished_at <= orderline_now() - make_interval(secs => :age) AND {_OVER}
ORDER BY o.finished_at LIMIT :limit
FOR UPDATE OF o SKIP LOCKED
""")  # noqa: S608 -- the clause is a constant of ours

_BURY: Final = text(f"""
INSERT INTO tombstones (producer, intent_id, fingerprint, order_id, state, ended_at)
SELECT o.producer, o.intent_id, o.fingerprint, o.id, o.state, o.finished_at
FROM orders o WHERE o.id = ANY(:ids) AND {_OVER}
ORDER BY o.producer, o.intent_id
RETURNING order_id
""")  # noqa: S608 -- the clause is a constant of ours
"""A statement of its own, under the locks: what became of an order until they were taken (a wish,
a late yes) is not in the choice's snapshot. Whoever changes that takes the order's lock first."""

_KEEP_DELIVER_IDS: Final = text("""
INSERT INTO used_deliver_ids (producer, deliver_id, order_id)
SELECT producer, deliver_id, order_id FROM lines WHERE order_id = ANY(:ids)
ORDER BY producer, deliver_id
""")

_OF_EVENTS: Final = "USING events e WHERE e.order_id = ANY(:ids) AND event_id = e.id"

_DELETE: Final = (
    text(f"DELETE FROM deliveries {_OF_EVENTS}"),  # noqa: S608 -- the clause is a constant of ours
    text(f"DELETE FROM notifications {_OF_EVENTS}"),  # noqa: S608 -- as above
    text("DELETE FROM events WHERE order_id = ANY(:ids)"),
    text("DELETE FROM attempts WHERE order_id = ANY(:ids)"),
    text("DELETE FROM lines WHERE order_id = ANY(:ids)"),
    text("DELETE FROM surplus_orders WHERE order_id = ANY(:ids)"),
    text("DELETE FROM orders WHERE id = ANY(:ids)"),
)
"""Everything that was ever written of an order, what refers before what is referred to."""

NO_NOTICE_OWED: Final = """NOT EXISTS (
    SELECT FROM notifications n WHERE n.subject = q.id AND n.state = 'pending')"""
"""Which entries ``q`` of the quarantine owe their producer nothing."""

_CHOOSE_CLOSED: Final = text(f"""
SELECT q.id FROM quarantine q
WHERE q.closed_at <= orderline_now() - make_interval(secs => :age) AND {NO_NOTICE_OWED}
ORDER BY q.closed_at LIMIT :limit
FOR UPDATE OF q SKIP LOCKED
""")  # noqa: S608 -- the clause is a constant of ours

_OF_NOTICES: Final = "USING events e WHERE e.quarantine_id = ANY(:ids) AND event_id = e.id"

_DELETE_CLOSED: Final = (
    text(f"DELETE FROM deliveries {_OF_NOTICES}"),  # noqa: S608 -- the clause is a constant of ours
    text(f"DELETE FROM notifications {_OF_NOTICES}"),  # noqa: S608 -- as above
    text("DELETE FROM events WHERE quarantine_id = ANY(:ids)"),
    text("DELETE FROM quarantine WHERE id = ANY(:ids)"),
)

Subject = Literal["endpoint", "account"]
BESIDE_ORDERS: Final[tuple[Subject, ...]] = ("endpoint", "account")
"""What has events besides orders and the quarantine, and stays when they are deleted."""

_DELETE_EVENTS: Final = {
    subject: text(f"""
DELETE FROM events WHERE id IN (
    SELECT id FROM events
    WHERE {subject} IS NOT NULL AND at <= orderline_now() - make_interval(secs => :age)
    ORDER BY at LIMIT :limit
    FOR UPDATE SKIP LOCKED
)
RETURNING id
""")  # noqa: S608 -- words of ours
    for subject in BESIDE_ORDERS
}

_DELETE_BOOKS: Final = text("""
WITH differing AS (
    DELETE FROM differences WHERE id IN (
        SELECT id FROM differences
        WHERE closed_at <= orderline_now() - make_interval(secs => :age)
        LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    RETURNING id
),
runs AS (
    DELETE FROM reconciliations WHERE id IN (
        SELECT id FROM reconciliations
        WHERE ended_at <= orderline_now() - make_interval(secs => :age)
        LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    RETURNING id
)
SELECT greatest((SELECT count(*) FROM differing), (SELECT count(*) FROM runs)) AS deleted
""")


async def bury(db: Database, age: timedelta, limit: int) -> int:
    """Purge at most ``limit`` orders that ended so long ago, the oldest first; how many it were.

    What somebody else holds just now is left for the next time.
    """
    async with db.transaction(Boundary.PURGE) as connection:
        values = {"age": age.total_seconds(), "limit": limit}
        chosen = (await connection.execute(_CHOOSE, values)).scalars().all()
        if not chosen:
            return 0
        ids = (await connection.execute(_BURY, {"ids": chosen})).scalars().all()
        for statement in (_KEEP_DELIVER_IDS, *_DELETE):
            await connection.execute(statement, {"ids": ids})
    return len(ids)


async def delete_closed(db: Database, age: timedelta, limit: int) -> int:
    """Delete at most ``limit`` entries of the quarantine that were closed so long ago.

    With all that their producers were told of them; one with a notice still owed is kept.
    """
    async with db.transaction(Boundary.PURGE) as connection:
        values = {"age": age.total_seconds(), "limit": limit}
        ids = (await connection.execute(_CHOOSE_CLOSED, values)).scalars().all()
        for statement in _DELETE_CLOSED if ids else ():
            await connection.execute(statement, {"ids": ids})
    return len(ids)


async def delete_events(db: Database, subject: Subject, age: timedelta, limit: int) -> int:
    """Delete at most ``limit`` events that old of endpoints, or of accounts.

    That is what happened to them, not how they stand.
    """
    async with db.transaction(Boundary.PURGE) as connection:
        values = {"age": age.total_seconds(), "limit": limit}
        return len((await connection.execute(_DELETE_EVENTS[subject], values)).all())


async def delete_books(db: Database, age: timedelta, limit: int) -> int:
    """Delete at most ``limit`` reconciliations, and as many closed differences, that old.

    How many it were of the one or the other, whichever is more.
    """
    async with db.transaction(Boundary.PURGE) as connection:
        values = {"age": age.total_seconds(), "limit": limit}
        deleted: int = (await connection.execute(_DELETE_BOOKS, values)).scalar_one()
    return deleted
