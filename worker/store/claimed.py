"""An order as a claim gives it, read from its rows."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.ids import AttemptId, LineId, OrderId
from schemas.intents import IntentFault, load_intent
from schemas.money import money_of
from worker.crypto import SealBroken, Vault
from worker.lifecycle import LineState, OrderState, Step
from worker.logs import get_logger
from worker.order import Attempted, Claimed, Ordered, OrderedLine
from worker.outcome import OutcomeName
from worker.store.pipeline import Asked, ask
from worker.store.session import Database, Row

log = get_logger(__name__)

_READ: Final = text("""
SELECT o.id, o.producer, o.provider, o.account, o.intent, o.notify_url, o.state, o.step, o.fence,
    o.tries, o.provider_ref, o.expires_at, o.max_total, o.currency, o.created_at,
    o.finished_at, o.cancel_asked_at, o.requotes, o.reason, o.parked_reason,
    orderline_now() AS now, l.lines,
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


async def rows_of(connection: AsyncConnection, ids: Sequence[OrderId]) -> Sequence[Row]:
    """What ``as_claimed`` reads, the oldest order first."""
    [rows] = await ask(connection, Asked(_READ, {"ids": ids}))
    return rows


async def peek(db: Database, vault: Vault, ids: Sequence[OrderId]) -> list[Claimed]:
    """Orders as a claim would give them, without one: to say what could be done, not to do it."""
    [rows] = await db.look(Asked(_READ, {"ids": ids}))
    return [claimed for row in rows if (claimed := readable(row, vault)) is not None]


def readable(row: Row, vault: Vault) -> Claimed | None:
    """A claimed order, unless this version cannot read its intent: then it must block no other.

    Nobody can work on it; it is due again, and said again, whenever its lease ends.
    """
    try:
        return as_claimed(row, vault)
    except IntentFault as fault:
        log.exception("order_unreadable", order=str(row.id), code=fault.code)
    except SealBroken:
        log.exception("request_unreadable", order=str(row.id))
    return None


def as_claimed(row: Row, vault: Vault) -> Claimed:
    """The order of a row. Raises ``IntentFault`` and ``SealBroken``."""
    order_id, intent = OrderId(row.id), load_intent(row.intent)
    return Claimed(
        order=Ordered(
            order_id=order_id,
            intent=intent,
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
        max_total=money_of(row.max_total, row.currency),
        may_requote=intent.quote is not None and intent.quote.requote,
        requotes=row.requotes,
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
