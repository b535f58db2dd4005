"""Notices: producers are told of their entries that were set aside, and of those that were dropped.

They go to the producer's registered URL, whatever an entry says, and are written by the commit that
changes the entry. Of a name that nobody registered nobody is told.
"""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.ids import QuarantineId, new_uuid
from schemas.intents import FaultCode, IntentFault, intent_id_in
from schemas.notifications import EntryNews, NoticeType
from worker.store.intake import Entry
from worker.store.session import as_rows

_IN_VAIN: Final = frozenset(
    {FaultCode.REPEATED_WITH_OTHER_CONTENT, FaultCode.UNKNOWN_INTENT, FaultCode.PURGED_INTENT}
)
"""Faults of which nothing will become, unless a person makes another intent of it."""

_OWE: Final = """
told AS (
    INSERT INTO events (id, quarantine_id, sequence, type, data)
    SELECT event_id, quarantine_id, sequence, type, data FROM news ORDER BY event_id
),
reached AS (
    INSERT INTO endpoints (producer, url)
    SELECT DISTINCT producer, split_part(notify_url, '?', 1) FROM news ORDER BY 1, 2
    ON CONFLICT DO NOTHING
)
INSERT INTO notifications (event_id, subject, sequence, producer, url, state, due_at)
SELECT event_id, quarantine_id, sequence, producer, notify_url, 'pending', orderline_now()
FROM news ORDER BY event_id
"""

_TELL: Final = text(f"""
WITH news AS (
    SELECT i.event_id, i.quarantine_id, 1 AS sequence, i.type, i.data, i.producer, p.notify_url
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS i(
        event_id uuid, quarantine_id uuid, type text, data jsonb, producer text)
    JOIN producers p ON p.name = i.producer
),
{_OWE}
""")  # noqa: S608 -- the clause is a constant of ours

_TELL_DROPPED: Final = text(f"""
WITH news AS (
    SELECT CAST(:event_id AS uuid) AS event_id, q.id AS quarantine_id, n.sequence,
        '{NoticeType.INTENT_REFUSED}' AS type, q.producer, p.notify_url,
        coalesce(before.data, '{{}}') || jsonb_strip_nulls(jsonb_build_object(
            'producer', q.producer, 'quarantine_id', q.id, 'sequence', n.sequence, 'kind', q.kind,
            'entry_id', q.entry_id, 'code', q.code, 'path', q.path, 'detail', q.detail,
            'reason', CAST(:why AS text))) AS data
    FROM quarantine q JOIN producers p ON p.name = q.producer
    LEFT JOIN LATERAL (
        SELECT sequence, type, data FROM events e WHERE e.quarantine_id = q.id
        ORDER BY sequence DESC LIMIT 1
    ) before ON true
    CROSS JOIN LATERAL (SELECT coalesce(before.sequence, 0) + 1 AS sequence) n
    WHERE q.id = :quarantine_id
        AND before.type IS DISTINCT FROM '{NoticeType.INTENT_REFUSED}'
),
{_OWE}
""")  # noqa: S608 -- the words are constants of ours

SetAside = tuple[QuarantineId, Entry, IntentFault]


async def tell(connection: AsyncConnection, set_aside: Iterable[SetAside]) -> None:
    """Owe a notice of each entry that was set aside just now, in one statement."""
    rows = [_row(*each) for each in set_aside]
    if rows:
        await connection.execute(_TELL, {"rows": as_rows(rows)})


async def tell_dropped(
    connection: AsyncConnection, quarantine_id: QuarantineId, why: str | None
) -> None:
    """Owe a notice that nothing will become of an entry, unless that was told before."""
    values = {"event_id": new_uuid(), "quarantine_id": quarantine_id, "why": why}
    await connection.execute(_TELL_DROPPED, values)


def _row(quarantine_id: QuarantineId, entry: Entry, fault: IntentFault) -> dict[str, Any]:
    in_vain = fault.code in _IN_VAIN
    news = EntryNews(
        producer=entry.producer,
        quarantine_id=str(quarantine_id),
        sequence=1,
        kind=entry.kind.value,
        entry_id=entry.entry_id,
        intent_id=intent_id_in(entry.raw),
        code=fault.code.value,
        path=fault.path,
        detail=fault.detail,
    )
    return {
        "event_id": new_uuid(),
        "quarantine_id": quarantine_id,
        "producer": entry.producer,
        "type": NoticeType.INTENT_REFUSED if in_vain else NoticeType.INTENT_QUARANTINED,
        "data": news.model_dump(exclude_none=True),
    }
