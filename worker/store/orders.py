"""Changes of orders: the only writer of an order's or a line's state, and of their events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text

from schemas.ids import EventId
from worker.change import Change
from worker.crypto import Vault
from worker.lifecycle import TERMINAL_ORDERS, OrderState
from worker.store.goods import seal_goods
from worker.store.pipeline import Asked
from worker.store.session import LOCK_ORDERS, Boundary, Database, as_bytea, as_rows

_SETTLE: Final = text("""
WITH input AS (
    SELECT * FROM jsonb_to_recordset(CAST(:changes AS jsonb)) AS _(
        id uuid, fence int, state text, step text, due_in float8, keep float8, tries int,
        reason text, parked_reason text, provider_ref text, expires_at timestamptz,
        total numeric, total_currency text, requotes int, quote_for float8, ended bool,
        cancel_seen timestamptz, cancel_answered bool, surplus jsonb, decided_by text)
),
asked AS (
    SELECT i.*, o.cancel_asked_at IS NOT NULL AND NOT (i.cancel_answered AND (
            i.state = 'cancelled' OR coalesce(o.cancel_asked_at <= i.cancel_seen, false)
        )) AS unanswered,
        o.heard_at IS NOT NULL AND (i.step IN ('poll', 'reconcile')
            OR (i.step IS NULL AND i.state = 'parked')) AS called_back
    FROM input i JOIN orders o ON o.id = i.id
),
held AS (
    UPDATE orders o SET
        state = i.state, tries = i.tries, reason = i.reason, parked_reason = i.parked_reason,
        step = CASE WHEN i.unanswered THEN coalesce(i.step, 'cancel')
            WHEN i.called_back THEN coalesce(i.step, 'reconcile') ELSE i.step END,
        due_at = orderline_now() + make_interval(secs => coalesce(i.keep,
            CASE WHEN i.unanswered AND (i.step IS NULL OR i.cancel_seen IS NULL) THEN 0
            WHEN i.called_back THEN 0 ELSE i.due_in END)),
        heard_at = CASE WHEN i.keep IS NOT NULL
            OR (i.unanswered AND coalesce(i.step, 'cancel') = 'cancel') THEN o.heard_at END,
        cancel_asked_at = CASE WHEN i.unanswered THEN o.cancel_asked_at END,
        lease_until = orderline_now() + make_interval(secs => i.keep),
        leased_by = CASE WHEN i.keep IS NOT NULL THEN o.leased_by END,
        provider_ref = CASE WHEN i.requotes IS NULL
            THEN coalesce(o.provider_ref, i.provider_ref) END,
        expires_at = CASE WHEN i.requotes IS NULL THEN least(o.expires_at, i.expires_at)
            ELSE orderline_now() + make_interval(secs => i.quote_for) END,
        requotes = coalesce(i.requotes, o.requotes),
        total = coalesce(i.total, o.total),
        total_currency = coalesce(i.total_currency, o.total_currency),
        updated_at = orderline_now(),
        finished_at = CASE WHEN i.ended THEN coalesce(o.finished_at, orderline_now()) END
    FROM asked i WHERE o.id = i.id AND o.fence = i.fence
    RETURNING o.id, o.fence, o.provider_ref
),
found AS (
    INSERT INTO surplus_orders (id, order_id, provider_ref, reason)
    SELECT gen_random_uuid(), i.id, s.ref, 'found at the provider beside the order'
    FROM input i JOIN held USING (id, fence) CROSS JOIN jsonb_array_elements_text(i.surplus) s(ref)
    ON CONFLICT DO NOTHING
),
adopted AS (
    UPDATE surplus_orders s SET decision = 'adopted', closed_at = orderline_now(),
        closed_by = coalesce(i.decided_by, 'orderline'), why = 'it is the order, after all'
    FROM input i JOIN held USING (id, fence)
    WHERE s.order_id = i.id AND s.provider_ref = held.provider_ref AND s.closed_at IS NULL
),
ended AS (
    UPDATE attempts a SET
        outcome = i.outcome, reason = i.reason, evidence = i.evidence,
        closed_at = orderline_now(), look_ups = i.look_ups, sends = coalesce(i.sends, a.sends)
    FROM jsonb_to_recordset(CAST(:attempts AS jsonb)) AS i(
        id uuid, order_id uuid, fence int, outcome text, reason text, evidence jsonb,
        look_ups int, sends int)
    WHERE a.id = i.id AND (i.order_id, i.fence) IN (SELECT id, fence FROM held)
      AND (a.outcome IS NULL OR a.outcome = 'in_doubt')
),
move AS (
    SELECT * FROM jsonb_to_recordset(CAST(:moves AS jsonb)) AS _(
        event_id uuid, order_id uuid, fence int, line_id uuid, sequence int, state text,
        type text, provider_line_ref text, price numeric, currency text, reason text,
        details jsonb, data jsonb,
        sealed_goods bytea, producer text, url text, lease float8)
    WHERE (order_id, fence) IN (SELECT id, fence FROM held)
),
moved AS (
    UPDATE lines l SET
        state = m.state, sequence = m.sequence, reason = m.reason,
        provider_line_ref = coalesce(m.provider_line_ref, l.provider_line_ref),
        price = coalesce(m.price, l.price), currency = coalesce(m.currency, l.currency),
        details = l.details || m.details
    FROM move m WHERE l.id = m.line_id
),
told AS (
    INSERT INTO events (id, order_id, line_id, sequence, type, data, sealed_goods)
    SELECT event_id, order_id, line_id, sequence, type, data, sealed_goods FROM move
    UNION ALL
    SELECT id, order_id, NULL, NULL, type, data, NULL
    FROM jsonb_to_recordset(CAST(:events AS jsonb)) AS _(
        id uuid, order_id uuid, fence int, type text, data jsonb)
    WHERE (order_id, fence) IN (SELECT id, fence FROM held)
    ON CONFLICT (id) DO NOTHING
),
before AS MATERIALIZED (
    SELECT p.subject, p.due_at FROM move m JOIN notifications p ON p.subject = m.line_id
    WHERE p.state = 'pending' AND p.acknowledged_at IS NULL
    ORDER BY p.event_id FOR NO KEY UPDATE OF p
),
owed AS (
    INSERT INTO notifications AS n (
        event_id, subject, sequence, producer, url, state, fence, lease_until, due_at)
    SELECT m.event_id, m.line_id, m.sequence, m.producer, m.url, 'pending',
        CASE WHEN first.here THEN 1 ELSE 0 END,
        CASE WHEN first.here THEN orderline_now() + make_interval(secs => m.lease) END,
        CASE WHEN first.here THEN orderline_now() + make_interval(secs => m.lease)
            ELSE greatest(first.behind, orderline_now()) END
    FROM move m
    LEFT JOIN (SELECT subject, max(due_at) AS due_at FROM before GROUP BY subject) b
        ON b.subject = m.line_id
    CROSS JOIN LATERAL (
        SELECT b.due_at AS behind, m.lease IS NOT NULL AND b.due_at IS NULL AND EXISTS (
            SELECT FROM endpoints e
            WHERE e.producer = m.producer AND e.url = split_part(m.url, '?', 1)
                AND e.failing_since IS NULL AND e.disabled_at IS NULL
                AND (e.rests_until IS NULL OR e.rests_until <= orderline_now())
        ) AS here
    ) first
    ON CONFLICT (event_id) DO NOTHING
    RETURNING n.event_id, n.fence
)
SELECT held.id, held.fence, orderline_now() AS at,
    (SELECT coalesce(array_agg(m.event_id), '{}') FROM move m JOIN owed USING (event_id)
     WHERE m.order_id = held.id AND owed.fence = 1) AS leased
FROM held
""")
"""Whatever goes behind an earlier notification takes that one's lock first: it is settled before,
and then nobody waits for it, or after, and then it calls this one up."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What a change came to.

    ``at`` is the database's time of its events, ``None`` when our fence was no longer the
    newest: then nothing is written. ``leased`` are the events whose first delivery is ours to
    make at once.
    """

    at: datetime | None = None
    leased: frozenset[EventId] = frozenset()

    @property
    def held(self) -> bool:
        """Whether the change is written."""
        return self.at is not None


NOT_HELD: Final = Settled()


@dataclass(frozen=True, slots=True)
class Settling:
    """A change with what its writer wants to keep.

    ``keep`` holds on to the order's lease for the next step; ``deliver_for`` takes a lease on
    its notifications, for a first delivery at once.
    """

    change: Change
    keep: timedelta | None = None
    deliver_for: timedelta | None = None


async def settle(db: Database, vault: Vault, batch: Sequence[Settling]) -> list[Settled]:
    """Write changes, each under its own fence, all in one commit.

    An order may be there twice, under an old lease and a new one: only the new one counts.
    """
    lock = Asked(LOCK_ORDERS, {"ids": [item.change.order_id for item in batch]})
    write = Asked(_SETTLE, _parameters(batch, vault))
    _, rows = await db.together(Boundary.SETTLE, lock, write)
    held = {(row.id, row.fence): Settled(at=row.at, leased=frozenset(row.leased)) for row in rows}
    return [held.get((item.change.order_id, item.change.fence), NOT_HELD) for item in batch]


def _parameters(batch: Sequence[Settling], vault: Vault) -> dict[str, str]:
    attempts = [
        {
            "id": end.attempt_id,
            "order_id": item.change.order_id,
            "fence": item.change.fence,
            "outcome": end.outcome,
            "reason": end.reason,
            "evidence": {
                "status": end.evidence.status,
                "request_ref": end.evidence.request_ref,
                "body": end.evidence.body,
            },
            "look_ups": end.look_ups,
            "sends": end.sends,
        }
        for item in batch
        if (end := item.change.attempt) is not None
    ]
    events = [
        {
            "id": e.event_id,
            "order_id": item.change.order_id,
            "fence": item.change.fence,
            "type": e.type,
            "data": e.data,
        }
        for item in batch
        for e in item.change.events
    ]
    return {
        "changes": as_rows([_change_row(item) for item in batch]),
        "attempts": as_rows(attempts),
        "moves": as_rows([row for item in batch for row in _move_rows(item, vault)]),
        "events": as_rows(events),
    }


def _change_row(item: Settling) -> dict[str, Any]:
    change = item.change
    return {
        "id": change.order_id,
        "fence": change.fence,
        "state": change.state,
        "step": change.step,
        "due_in": None if change.due_in is None else change.due_in.total_seconds(),
        "keep": None if item.keep is None else item.keep.total_seconds(),
        "tries": change.tries,
        "reason": change.reason,
        "parked_reason": change.parked_reason,
        "provider_ref": change.provider_ref,
        "expires_at": change.expires_at,
        "total": change.total and change.total.amount,
        "total_currency": change.total and change.total.currency,
        "requotes": change.requote and change.requote.number,
        "quote_for": change.requote and change.requote.window.total_seconds(),
        "ended": change.state in TERMINAL_ORDERS,
        "cancel_seen": change.cancel_seen,
        "cancel_answered": change.cancel_answered or change.state is OrderState.CANCELLED,
        "surplus": change.surplus,
        "decided_by": change.decided_by,
    }


def _move_rows(item: Settling, vault: Vault) -> list[dict[str, Any]]:
    lease = None if item.deliver_for is None else item.deliver_for.total_seconds()
    return [
        {
            "event_id": move.event_id,
            "order_id": item.change.order_id,
            "fence": item.change.fence,
            "line_id": move.line_id,
            "sequence": move.news.sequence,
            "state": move.to,
            "type": move.type,
            "provider_line_ref": move.news.provider_line_ref,
            "price": move.price and move.price.amount,
            "currency": move.price and move.price.currency,
            "reason": move.news.reason,
            "details": dict(move.news.details or {}),
            "data": move.news.model_dump(mode="json", exclude_none=True),
            "sealed_goods": as_bytea(seal_goods(vault, move.goods)),
            "producer": item.change.producer,
            "url": item.change.notify_url,
            "lease": lease,
        }
        for move in item.change.moves
    ]
