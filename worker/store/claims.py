"""Leases on orders: taken, seized by knowledge, given back.

A claim changes no state. It moves ``due_at`` to the lease's end, so that the order of a worker
that dies simply becomes due again, and it raises ``fence``, so that nobody writes under an
older lease.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.ids import AttemptId, OrderId
from worker.crypto import Vault
from worker.lifecycle import TERMINAL_ORDERS
from worker.order import Claimed
from worker.store.claimed import as_claimed, readable, rows_of
from worker.store.columns import listed
from worker.store.pipeline import Asked, ask
from worker.store.queues import IN_QUEUE, REST_ENDS, RESTS, queues
from worker.store.session import Boundary, Database, Row, as_rows

_OF_ACCOUNT: Final = "o.provider = :provider AND o.account = :account"

_DUE: Final = f"""
    SELECT c.id FROM shares q CROSS JOIN LATERAL (
        SELECT o.id FROM orders o WHERE {IN_QUEUE} AND o.due_at <= orderline_now()
        ORDER BY o.due_at LIMIT q.share
        FOR UPDATE SKIP LOCKED
    ) c
"""  # noqa: S608 -- clauses of ours

_SHARES: Final = f"""{queues(_OF_ACCOUNT)},
places AS (
    SELECT q.*, row_number() OVER (PARTITION BY q.producer ORDER BY q.priority, d.due_at) AS place
    FROM queues q CROSS JOIN LATERAL (
        SELECT o.due_at FROM orders o WHERE {IN_QUEUE} AND o.due_at <= orderline_now()
        ORDER BY o.due_at LIMIT :free
    ) d
    WHERE :probing OR NOT EXISTS (
        SELECT FROM accounts a
        WHERE a.provider = :provider AND a.account = :account AND {RESTS})
),
given AS (
    SELECT *, producer <= :after AS came_by FROM places
    ORDER BY place, producer <= :after, producer LIMIT :free
),
shares AS (
    SELECT provider, account, producer, priority, count(*) AS share FROM given
    GROUP BY provider, account, producer, priority
),"""  # noqa: S608 -- clauses of ours
"""Nothing of an account that rests, but a probe. Permits go round among the producers: one each,
beginning behind the one that was served last, until none is left. What is due of a producer is
counted as far as that matters, without a lock; then so many are taken of each queue that are not
locked."""

_LAST: Final = """(
    SELECT producer FROM given ORDER BY place DESC, came_by DESC, producer DESC LIMIT 1
)"""

_KNOWN_BY_ATTEMPT: Final = """
    SELECT o.id FROM orders o JOIN attempts a ON a.order_id = o.id AND a.number = o.attempts
    WHERE a.id = :attempt_id AND (a.outcome IS NULL OR a.outcome = 'in_doubt')
      AND (CAST(:fence AS int) IS NULL OR a.fence = :fence)
      AND (o.state = 'parked' OR
          (o.due_at IS NOT NULL AND (a.step = 'cancel' OR o.finished_at IS NULL)))
    FOR UPDATE OF o, a
"""
"""A finished order is due only where somebody wants it called off: that opens it to what is learnt
of that call, not to what is learnt of an older one. A parked one waits for just such knowledge."""

_LAPSED: Final = f"""
    SELECT o.id FROM orders o
    LEFT JOIN accounts a USING (provider, account)
    LEFT JOIN jsonb_to_recordset(CAST(:needs AS jsonb)) AS n(
        provider text, account text, needs float8) USING (provider, account)
    WHERE o.step IN ('place', 'confirm') AND o.expires_at IS NOT NULL
      AND o.expires_at < (SELECT max({REST_ENDS}) FROM accounts a) + make_interval(secs => :longest)
      AND o.expires_at < make_interval(secs => coalesce(n.needs, 0)) + CASE
          WHEN o.intent #>> '{{quote,requote}}' = 'true' THEN orderline_now() ELSE {REST_ENDS} END
      AND (o.lease_until IS NULL OR o.lease_until <= orderline_now())
      AND (n.needs IS NOT NULL OR (
          o.attempts = 0 AND o.intent #>> '{{quote,requote}}' IS DISTINCT FROM 'true'))
    ORDER BY o.expires_at
    LIMIT :free
    FOR UPDATE OF o SKIP LOCKED
"""  # noqa: S608 -- clauses of ours
"""What no call can be made for in time any more, also because its account rests until then; a quote
that may be renewed is kept for as long as it lasts. Of an account that is not configured here
nobody can say what doubt allows, so only those that no call was ever made for and none may be
anew."""

_UNFINISHED: Final = f"""
    SELECT id FROM orders
    WHERE id = :order_id AND cancel_asked_at IS NULL AND NOT {listed("state", TERMINAL_ORDERS)}
      AND (lease_until IS NULL OR lease_until <= orderline_now())
    FOR UPDATE SKIP LOCKED
"""  # noqa: S608 -- our own words

_TAKE: Final = """
WITH RECURSIVE {before} chosen AS MATERIALIZED ({chosen})
UPDATE orders o
SET fence = fence + 1, leased_by = :worker, step = coalesce(step, 'reconcile'),
    lease_until = orderline_now() + make_interval(secs => :lease),
    due_at = orderline_now() + make_interval(secs => :lease)
FROM chosen WHERE o.id = chosen.id
RETURNING o.id{besides}
"""

_HOLD: Final = text("""
UPDATE orders SET fence = fence + 1
WHERE id = :id AND state = 'parked' AND step IS DISTINCT FROM 'reconcile'
  AND (leased_by IS NULL OR lease_until IS NULL OR lease_until <= orderline_now())
RETURNING id
""")

_BEARER: Final = text("""
SELECT id FROM orders
WHERE provider_ref = :ref AND id <> :id AND provider = :provider AND account = :account
LIMIT 1
""")


def _taking(chosen: str, *, before: str = "", besides: str = "") -> TextClause:
    return text(_TAKE.format(chosen=chosen, before=before, besides=besides))


_CLAIM: Final = _taking(_DUE, before=_SHARES, besides=f", {_LAST} AS last")
_CLAIM_LAPSED: Final = _taking(_LAPSED)
_CLAIM_ONE: Final = _taking(_UNFINISHED)
_SEIZE: Final = _taking(_KNOWN_BY_ATTEMPT)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a claim brought, and the producer that its last permit went to."""

    orders: Sequence[Claimed]
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """What is claimed: at most ``free`` due orders of an account, for ``worker``."""

    provider: str
    account: str
    free: int
    worker: str
    lease: timedelta
    after: str = ""


async def claim(db: Database, vault: Vault, taking: Taking) -> Taken:
    """Lease at most ``free`` due orders of an account, in turn among its producers.

    None while it rests. The round begins behind ``after``, the producer that the last one ended
    with. Of one producer the most urgent come first, and among those the longest due.
    """
    async with db.transaction(Boundary.CLAIM) as connection:
        return await take(connection, vault, taking)


async def take(
    connection: AsyncConnection, vault: Vault, taking: Taking, *, probing: bool = False
) -> Taken:
    """``claim``, within a transaction; ``probing`` also while the account rests."""
    values = asdict(taking) | {"lease": taking.lease.total_seconds(), "probing": probing}
    [leased] = await ask(connection, Asked(_CLAIM, values))
    rows = await rows_of(connection, [row.id for row in leased]) if leased else ()
    orders = [claimed for row in rows if (claimed := readable(row, vault)) is not None]
    return Taken(orders, leased[0].last if leased else taking.after)


async def claim_lapsed(
    db: Database,
    vault: Vault,
    *,
    needs: Mapping[tuple[str, str], timedelta],
    most: int,
    worker: str,
    lease: timedelta,
) -> list[Claimed]:
    """Lease at most ``most`` orders whose quote has ended, or leaves no time for a call.

    ``needs`` is how much of its window a call of each account (provider, name) takes at most.
    """
    rows = [
        {"provider": provider, "account": account, "needs": each.total_seconds()}
        for (provider, account), each in needs.items()
    ]
    async with db.transaction(Boundary.CLAIM) as connection:
        taken = await _take(
            connection,
            _CLAIM_LAPSED,
            {
                "needs": as_rows(rows),
                "longest": max(needs.values(), default=timedelta(0)).total_seconds(),
                "free": most,
                "worker": worker,
                "lease": lease.total_seconds(),
            },
        )
    return [claimed for row in taken if (claimed := readable(row, vault)) is not None]


async def claim_one(
    db: Database, vault: Vault, order_id: OrderId, *, worker: str, lease: timedelta
) -> Claimed | None:
    """Lease one order because its provider's books say something else of it than ours.

    ``None`` where it has ended, where a worker is at it, or where it is to be called off first.
    """
    async with db.transaction(Boundary.CLAIM) as connection:
        values = {"order_id": order_id, "worker": worker, "lease": lease.total_seconds()}
        taken = await _take(connection, _CLAIM_ONE, values)
    return as_claimed(taken[0], vault) if taken else None


async def seize(
    db: Database,
    vault: Vault,
    *,
    attempt_id: AttemptId,
    fence: int | None,
    worker: str,
    lease: timedelta,
) -> Claimed | None:
    """Take an order over because we know what its newest, unsettled attempt came to.

    For a worker that was only slow: its lease is gone, its knowledge is not. ``fence`` is that of
    the lease under which the sending was made that is known of (two workers may each have thought
    theirs the second); ``None`` where it does not matter, because the provider said yes.
    ``None`` comes back when the attempt was settled, sent again or superseded meanwhile.
    """
    async with db.transaction(Boundary.CLAIM) as connection:
        taken = await _take(
            connection,
            _SEIZE,
            {
                "attempt_id": attempt_id,
                "fence": fence,
                "worker": worker,
                "lease": lease.total_seconds(),
            },
        )
    return as_claimed(taken[0], vault) if taken else None


async def hold(db: Database, vault: Vault, order_id: OrderId) -> Claimed | None:
    """A parked order, for a person's decision: whoever held it before can write no more.

    It stays parked, and no lease is taken. ``None`` where it is not parked, or where a worker is
    just looking at it, or has to: what its provider called back for, no person knows yet.
    """
    async with db.transaction(Boundary.CLAIM) as connection:
        held = await connection.execute(_HOLD, {"id": order_id})
        ids = held.scalars().all()
        rows = await rows_of(connection, ids)
    return as_claimed(rows[0], vault) if rows else None


async def bearer_of(db: Database, claimed: Claimed, provider_ref: str) -> OrderId | None:
    """Another order of the same account that the provider's id is known to belong to."""
    async with db.reading() as connection:
        found = await connection.execute(
            _BEARER,
            {
                "ref": provider_ref,
                "id": claimed.order.order_id,
                "provider": claimed.provider,
                "account": claimed.account,
            },
        )
        return found.scalar_one_or_none()


async def _take(
    connection: AsyncConnection, statement: TextClause, values: Mapping[str, Any]
) -> Sequence[Row]:
    ids = (await connection.execute(statement, values)).scalars().all()
    return await rows_of(connection, ids) if ids else ()
