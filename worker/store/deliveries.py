"""What deliveries came to: recorded with what that means for their followers and their endpoint.

An endpoint's row is written only when something about it changes: while all is well nothing is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy import text

from schemas.ids import EventId
from worker.logs import get_logger
from worker.store.pipeline import Asked
from worker.store.session import Boundary, Database, Row, as_rows

log = get_logger(__name__)

FAILURES_TO_DISABLE: Final = 5
"""One that is hardly ever used is not disabled for a single failure, however long ago it was."""
FAILING_IS_TOLD_AFTER: Final = timedelta(hours=1)
"""A restart is no news; an hour of nothing but failures is."""

_LOCK: Final = text(
    "SELECT event_id FROM notifications WHERE event_id = ANY(:ids) ORDER BY event_id FOR UPDATE"
)

_RECORD: Final = text("""
WITH input AS (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS _(
        event_id uuid, fence int, replays int, tries int, state text, due_in float8,
        milliseconds int, code int, error text, excerpt text, gone bool, rest float8)
),
noted AS (
    INSERT INTO deliveries (event_id, number, milliseconds, code, error, excerpt)
    SELECT i.event_id, i.fence, i.milliseconds, i.code, i.error, i.excerpt
    FROM input i JOIN notifications n USING (event_id)
    ORDER BY i.event_id, i.fence
    ON CONFLICT (event_id, number) DO NOTHING
    RETURNING event_id, number
),
held AS (
    UPDATE notifications n SET
        state = i.state, tries = i.tries, lease_until = NULL,
        due_at = orderline_now() + make_interval(secs => i.due_in),
        acknowledged_at = CASE WHEN i.state = 'acknowledged' THEN orderline_now()
            ELSE n.acknowledged_at END
    FROM input i WHERE n.event_id = i.event_id AND n.state = 'pending' AND n.replays = i.replays
        AND (n.fence = i.fence OR i.state = 'acknowledged')
    RETURNING n.event_id, n.subject, n.sequence, n.state, n.due_at, n.tries, n.acknowledged_at,
        n.producer, n.endpoint
),
followers AS (
    UPDATE notifications later SET due_at =
        CASE WHEN h.state = 'pending' THEN greatest(later.due_at, h.due_at)
        ELSE orderline_now() END
    FROM held h
    WHERE later.subject = h.subject AND later.sequence > h.sequence AND later.state = 'pending'
        AND later.event_id NOT IN (SELECT event_id FROM input)
        AND (later.lease_until IS NULL OR later.lease_until <= orderline_now())
        AND CASE WHEN h.state = 'pending'
            THEN h.acknowledged_at IS NULL OR later.acknowledged_at IS NOT NULL
            ELSE later.tries = 0 END
    RETURNING h.state
),
seen AS (
    SELECT n.producer, n.endpoint, bool_or(i.state = 'acknowledged') AS went_through,
        count(*) FILTER (WHERE i.state <> 'acknowledged') AS failed,
        bool_or(i.gone) AS gone, max(i.rest) AS rest
    FROM noted JOIN input i ON (i.event_id, i.fence) = (noted.event_id, noted.number)
    JOIN notifications n ON n.event_id = i.event_id
    GROUP BY n.producer, n.endpoint
),
touched AS (
    SELECT e.*, s.went_through, s.failed, s.gone, s.rest
    FROM seen s JOIN endpoints e ON (e.producer, e.url) = (s.producer, s.endpoint)
    WHERE s.failed > 0 OR e.failing_since IS NOT NULL
    ORDER BY e.producer, e.url
    FOR NO KEY UPDATE OF e
),
judged AS (
    SELECT t.*, t.failing_since + :told_after <= t.failed_at AS was_told,
        CASE WHEN t.went_through THEN 0 ELSE t.failures + t.failed END AS failures_now,
        CASE WHEN NOT t.went_through THEN coalesce(t.failing_since, orderline_now()) END AS since,
        CASE WHEN t.disabled_at IS NOT NULL THEN NULL WHEN t.gone THEN 'gone'
            WHEN NOT t.went_through AND t.failures + t.failed >= :enough
                AND t.failing_since + :disable_after <= orderline_now() THEN 'failing'
        END AS disabled_now
    FROM touched t
),
changed AS (
    UPDATE endpoints e SET
        failing_since = j.since, failures = j.failures_now,
        failed_at = CASE WHEN j.failed > 0 THEN orderline_now() ELSE e.failed_at END,
        rests_until = greatest(e.rests_until, orderline_now() + make_interval(secs => j.rest)),
        disabled_at = CASE WHEN j.disabled_now IS NULL THEN e.disabled_at ELSE orderline_now() END,
        disabled_because = coalesce(j.disabled_now, e.disabled_because)
    FROM judged j WHERE (e.producer, e.url) = (j.producer, j.url)
),
news AS (
    SELECT producer, url, 'endpoint.failing' AS type,
        jsonb_build_object('since', since, 'failures', failures_now) AS data
    FROM judged
    WHERE since + :told_after <= orderline_now() AND was_told IS NOT TRUE
    UNION ALL
    SELECT producer, url, 'endpoint.recovered',
        jsonb_build_object('since', failing_since, 'failures', failures)
    FROM judged WHERE went_through AND was_told
    UNION ALL
    SELECT producer, url, 'endpoint.disabled', jsonb_build_object(
        'because', disabled_now, 'since', since, 'failures', failures_now)
    FROM judged WHERE disabled_now IS NOT NULL
    UNION ALL
    SELECT producer, endpoint, 'notification.exhausted', jsonb_build_object(
        'event_id', event_id, 'tries', tries)
    FROM held WHERE state = 'exhausted'
),
told AS (
    INSERT INTO events (id, producer, endpoint, type, data)
    SELECT gen_random_uuid(), producer, url, type, data FROM news
)
SELECT EXISTS (SELECT FROM followers WHERE state <> 'pending') AS later_are_owed,
    (SELECT coalesce(jsonb_agg(to_jsonb(news)), '[]') FROM news) AS news
""")
"""What was noted before (the batch is repeated after a lost commit) counts for its endpoint only
once. A success beside failures in one batch is a success: nothing *but* failures is failing."""

_RELEASE: Final = text("""
UPDATE notifications n SET due_at = orderline_now(), lease_until = NULL
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS i(event_id uuid, fence int)
WHERE n.event_id = i.event_id AND n.fence = i.fence AND n.state = 'pending'
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What one delivery came to. ``due_in`` is ``None`` unless it is still pending.

    It is kept under its claim's ``fence``, which is never given twice. ``tries`` is how many there
    were since the notification was last begun anew. ``gone`` disables
    its endpoint; ``rest`` is for how long nothing is to be sent there.
    """

    event_id: EventId
    fence: int
    replays: int
    tries: int
    state: str
    due_in: timedelta | None
    milliseconds: int
    code: int | None
    error: str | None
    excerpt: str | None
    gone: bool = False
    rest: timedelta | None = None


async def record(
    db: Database, batch: Sequence[Delivered], *, disable_after: timedelta = timedelta(days=5)
) -> list[bool]:
    """Record deliveries, all in one commit, and what they say of their endpoints.

    An acknowledgement counts even after its lease is gone: the producer has it. One of a claim from
    before a replay is only noted: somebody wants another one. What comes after its order was purged
    is let go. An endpoint that did nothing but fail for ``disable_after`` is
    disabled. Each result says whether later notifications of some line of the batch may go now.
    """
    values = {
        "rows": as_rows([_row(item) for item in batch]),
        "enough": FAILURES_TO_DISABLE,
        "told_after": FAILING_IS_TOLD_AFTER,
        "disable_after": disable_after,
    }
    lock = Asked(_LOCK, {"ids": [item.event_id for item in batch]})
    _, (recorded,) = await db.together(Boundary.DELIVERY, lock, Asked(_RECORD, values))
    _call_attention(recorded)
    return [recorded.later_are_owed] * len(batch)


async def release(db: Database, given_back: Sequence[tuple[EventId, int]]) -> None:
    """Give leases back: each notification is due at once."""
    rows = [{"event_id": event_id, "fence": fence} for event_id, fence in given_back]
    async with db.transaction(Boundary.RELEASE) as connection:
        await connection.execute(_LOCK, {"ids": [row["event_id"] for row in rows]})
        await connection.execute(_RELEASE, {"rows": as_rows(rows)})


def _row(item: Delivered) -> dict[str, Any]:
    return {
        "event_id": item.event_id,
        "fence": item.fence,
        "replays": item.replays,
        "tries": item.tries,
        "state": item.state,
        "due_in": None if item.due_in is None else item.due_in.total_seconds(),
        "milliseconds": item.milliseconds,
        "code": item.code,
        "error": item.error,
        "excerpt": item.excerpt,
        "gone": item.gone,
        "rest": None if item.rest is None else item.rest.total_seconds(),
    }


def _call_attention(recorded: Row) -> None:
    for news in recorded.news:
        log.warning(
            "endpoint_needs_attention",
            producer=news["producer"],
            url_host=urlsplit(news["url"]).hostname,
            reason=news["type"],
            event_id=news["data"].get("event_id"),
        )
