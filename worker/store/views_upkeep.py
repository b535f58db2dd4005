"""Reading for people, beside the orders: accounts' loads, and intents just sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from schemas.ids import OrderId
from schemas.intents import FaultCode, IntentFault
from schemas.orders import AccountLoad
from worker.store.intake import KNOWN_ORDERS
from worker.store.session import Database, as_rows
from worker.store.views import snapshot

_LOADS: Final = text("""
SELECT a.provider, a.account, coalesce(o.unfinished, 0) AS unfinished, coalesce(o.due, 0) AS due,
    coalesce(o.in_doubt, 0) AS in_doubt, coalesce(o.parked, 0) AS parked,
    c.clock_ahead, c.clock_unsure, c.clock_seen_at
FROM accounts a LEFT JOIN (
    SELECT provider, account, count(*) AS unfinished,
        count(*) FILTER (WHERE due_at <= orderline_now()) AS due,
        count(*) FILTER (WHERE state = 'in_doubt') AS in_doubt,
        count(*) FILTER (WHERE state = 'parked') AS parked
    FROM orders WHERE due_at IS NOT NULL OR state = 'parked'
    GROUP BY provider, account
) o USING (provider, account)
LEFT JOIN accounts c ON (c.provider, c.account) = (a.provider, a.account)
    AND c.clock_seen_at > orderline_now() - interval '1 day'
ORDER BY a.provider, a.account
""")

_SET_ASIDE: Final = text("""
SELECT q.stream, q.entry_id, q.code, q.path, q.detail
FROM jsonb_to_recordset(CAST(:entries AS jsonb)) AS e(stream text, entry_id text)
JOIN quarantine q USING (stream, entry_id)
WHERE q.decision IS DISTINCT FROM 'replayed'
""")

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of intents: orders by (producer, intent_id), faults by (stream, entry_id)."""

    orders: Mapping[Key, tuple[OrderId, str]]
    """The order and its intent's fingerprint."""
    faults: Mapping[Key, IntentFault]


async def account_loads(db: Database) -> list[AccountLoad]:
    """Every account that ever had an order, by name."""
    async with snapshot(db) as connection:
        rows = await connection.execute(_LOADS)
        return [AccountLoad(**row._mapping) for row in rows]  # noqa: SLF001 -- SQLAlchemy's public name


async def taken_in(db: Database, intents: Sequence[Key], entries: Sequence[Key]) -> TakenIn:
    """What the intake has made so far of these intents and stream entries."""
    intent_rows = [{"producer": producer, "intent_id": name} for producer, name in intents]
    entry_rows = [{"stream": stream, "entry_id": entry_id} for stream, entry_id in entries]
    async with snapshot(db) as connection:
        orders = await connection.execute(KNOWN_ORDERS, {"keys": as_rows(intent_rows)})
        faults = await connection.execute(_SET_ASIDE, {"entries": as_rows(entry_rows)})
        return TakenIn(
            orders={(r.producer, r.intent_id): (OrderId(r.id), r.fingerprint) for r in orders},
            faults={
                (r.stream, r.entry_id): IntentFault(FaultCode(r.code), r.path, r.detail)
                for r in faults
            },
        )
