"""Leases on orders: taken, seized by knowledge, given back.

A claim changes no state. It moves ``due_at`` to the lease's end, so that the order of a worker
that dies simply becomes due again, and it raises ``fence``, so that nobody writes under an
older lease.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.ids import AttemptId, LineId, OrderId
from schemas.intents import IntentFault, load_intent
from schemas.money import Money
from worker.crypto import SealBroken, Vault
from worker.lifecycle import LineState, OrderState, Step
from worker.logs import get_logger
from worker.order import Attempted, Claimed, Ordered, OrderedLine
from worker.outcome import OutcomeName
from worker.store.session import Boundary, Database, Row

log = get_logger(__name__)

_DUE: Final = """
    SELECT id FROM orders
    WHERE provider = :provider AND account = :account AND due_at <= orderline_now()
    ORDER BY due_at
    LIMIT :free
    FOR UPDATE SKIP LOCKED
"""

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

_TAKE: Final = """
WITH chosen AS MATERIALIZED ({chosen})
UPDATE orders o
SET fence = fence + 1, leased_by = :worker, step = coalesce(step, 'reconcile'),
    lease_until = orderline_now() + make_interval(secs => :lease),
    due_at = orderline_now() + make_interval(secs => :lease)
FROM chosen WHERE o.id = chosen.id
RETURNING o.id
"""

_READ: Final = text("""
SELECT o.id, o.producer, o.provider, o.account, o.intent, o.notify_url, o.state, o.step, o.fence,
    o.tries, o.provider_ref, o.expires_at, o.max_total, o.currency, o.created_at,
    o.finished_at, o.cancel_asked_at, o.reason, o.parked_reason, orderline_now() AS now, l.lines,
    a.id AS attempt_id, a.number AS attempt_number, a.reference, a.opened_at, a.sent_at, a.sends,
    a.sealed_request,
    a.step AS attempt_step, a.outcome AS attempt_outcome, a.look_ups
FROM orders o
CROSS JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_array(
        id, index, deliver_id, line_ref, state, sequence, provider_line_ref, details) ORDER BY index
    ) AS lines
    FROM lines WHERE order_id = o.id
) l
LEFT JOIN attempts a ON a.order_id = o.id AND a.number = o.attempts
WHERE o.id = ANY(:ids)
ORDER BY o.created_at
""")
"""A statement of its own: what was committed while the first one waited for a row lock is not in
that one's snapshot, and an order must never come with another moment's lines or attempt."""

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

_CLAIM: Final = text(_TAKE.format(chosen=_DUE))
_SEIZE: Final = text(_TAKE.format(chosen=_KNOWN_BY_ATTEMPT))


async def claim(
    db: Database,
    vault: Vault,
    *,
    provider: str,
    account: str,
    free: int,
    worker: str,
    lease: timedelta,
) -> list[Claimed]:
    """Lease at most ``free`` due orders of an account, longest due first."""
    async with db.transaction(Boundary.CLAIM) as connection:
        taken = await _take(
            connection,
            _CLAIM,
            {
                "provider": provider,
                "account": account,
                "free": free,
                "worker": worker,
                "lease": lease.total_seconds(),
            },
        )
    return [claimed for row in taken if (claimed := _readable(row, vault)) is not None]


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
    return _claimed(taken[0], vault) if taken else None


async def hold(db: Database, vault: Vault, order_id: OrderId) -> Claimed | None:
    """A parked order, for a person's decision: whoever held it before can write no more.

    It stays parked, and no lease is taken. ``None`` where it is not parked, or where a worker is
    just looking at it, or has to: what its provider called back for, no person knows yet.
    """
    async with db.transaction(Boundary.CLAIM) as connection:
        held = await connection.execute(_HOLD, {"id": order_id})
        ids = held.scalars().all()
        rows = (await connection.execute(_READ, {"ids": ids})).all()
    return _claimed(rows[0], vault) if rows else None


async def read(db: Database, vault: Vault, ids: Sequence[OrderId]) -> list[Claimed]:
    """Orders as a claim would give them, without one: to say what could be done, not to do it."""
    async with db.reading() as connection:
        rows = (await connection.execute(_READ, {"ids": ids})).all()
    return [claimed for row in rows if (claimed := _readable(row, vault)) is not None]


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
    return (await connection.execute(_READ, {"ids": ids})).all() if ids else ()


def _readable(row: Row, vault: Vault) -> Claimed | None:
    """A claimed order, unless this version cannot read its intent: then it must block no other.

    Nobody can work on it; it is due again, and said again, whenever its lease ends.
    """
    try:
        return _claimed(row, vault)
    except IntentFault as fault:
        log.exception("order_unreadable", order=str(row.id), code=fault.code)
    except SealBroken:
        log.exception("request_unreadable", order=str(row.id))
    return None


def _claimed(row: Row, vault: Vault) -> Claimed:
    order_id = OrderId(row.id)
    return Claimed(
        order=Ordered(
            order_id=order_id,
            intent=load_intent(row.intent),
            lines=tuple(_line(values) for values in row.lines),
            provider_ref=row.provider_ref,
        ),
        producer=row.producer,
        provider=row.provider,
        account=row.account,
        notify_url=row.notify_url,
        state=OrderState(row.state),
        step=Step(row.step or Step.RECONCILE),  # of a parked one, that is all there could be
        fence=row.fence,
        tries=row.tries,
        created_at=row.created_at,
        now=row.now,
        attempt=_attempted(row, vault),
        attempt_outcome=row.attempt_outcome and OutcomeName(row.attempt_outcome),
        look_ups=row.look_ups or 0,
        expires_at=row.expires_at,
        max_total=_money(row.max_total, row.currency),
        reason=row.reason,
        parked_reason=row.parked_reason,
        finished_at=row.finished_at,
        cancel_asked_at=row.cancel_asked_at,
    )


def _attempted(row: Row, vault: Vault) -> Attempted | None:
    if row.attempt_id is None:
        return None
    return Attempted(
        attempt_id=AttemptId(row.attempt_id),
        number=row.attempt_number,
        step=Step(row.attempt_step),
        reference=row.reference,
        opened_at=row.opened_at,
        sent_at=row.sent_at,
        sends=row.sends,
        request=None if row.sealed_request is None else vault.unseal(row.sealed_request),
    )


def _line(values: Sequence[Any]) -> OrderedLine:
    line_id, index, deliver_id, line_ref, state, sequence, provider_line_ref, details = values
    return OrderedLine(
        line_id=LineId(UUID(line_id)),
        index=index,
        deliver_id=deliver_id,
        line_ref=line_ref,
        state=LineState(state),
        sequence=sequence,
        provider_line_ref=provider_line_ref,
        details=details,
    )


def _money(amount: Decimal | None, currency: str | None) -> Money | None:
    return None if amount is None or currency is None else Money(amount, currency)
