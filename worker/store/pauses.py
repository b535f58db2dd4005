"""Pauses: what people say about an account, beside what its breaker found out by itself."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text

from schemas.ids import new_uuid
from worker.rests import AccountKey
from worker.store.breakers import close_breaker
from worker.store.deeds import Deed, note
from worker.store.queues import PAUSED
from worker.store.session import Boundary, Database, as_rows

_PAUSE: Final = text("""
WITH known AS (
    INSERT INTO accounts AS a
        (provider, account, paused_at, paused_until, paused_by, paused_because)
    VALUES (:provider, :account, orderline_now(),
        orderline_now() + make_interval(secs => CAST(:lasts AS float8)), :by, :why)
    ON CONFLICT (provider, account) DO UPDATE SET paused_until = excluded.paused_until,
        paused_at = excluded.paused_at, paused_by = excluded.paused_by,
        paused_because = excluded.paused_because
    RETURNING a.*
)
INSERT INTO events (id, provider, account, type, data)
SELECT :id, provider, account, 'account.paused',
    CAST(:data AS jsonb) || jsonb_build_object('until', paused_until)
FROM known
RETURNING CAST(data ->> 'until' AS timestamptz)
""")

_RESUME: Final = text(f"""
WITH before AS (
    SELECT provider, account, {PAUSED} AS was_paused FROM accounts a
    WHERE provider = :provider AND account = :account AND paused_at IS NOT NULL
    FOR NO KEY UPDATE
),
changed AS (
    UPDATE accounts a SET paused_at = NULL, paused_until = NULL, paused_by = NULL,
        paused_because = NULL
    FROM before b WHERE (a.provider, a.account) = (b.provider, b.account)
    RETURNING a.provider, a.account, b.was_paused
)
INSERT INTO events (id, provider, account, type, data)
SELECT :id, provider, account, 'account.resumed', CAST(:data AS jsonb)
FROM changed WHERE was_paused
RETURNING id
""")  # noqa: S608 -- the clause is a constant of ours
"""A pause that ended by itself leaves nothing to resume; its traces go."""


async def pause(
    db: Database,
    key: AccountKey,
    lasts: timedelta | None,
    *,
    by: str,
    why: str | None,
    deed: Deed | None = None,
) -> datetime | None:
    """Claim no order of the account until then, or until it is resumed; when it ends by itself.

    A pause takes the place of an earlier one. An account that never had an order may be paused.
    """
    seconds = None if lasts is None else lasts.total_seconds()
    values = _telling(key, by, why) | {"lasts": seconds, "by": by, "why": why}
    async with db.transaction(Boundary.PAUSE) as connection:
        until: datetime | None = (await connection.execute(_PAUSE, values)).scalar_one()
        await note(connection, deed)
    return until


async def resume(
    db: Database,
    key: AccountKey,
    *,
    by: str,
    why: str | None,
    breaker: bool = False,
    deed: Deed | None = None,
) -> tuple[bool, bool]:
    """End the account's pause and, if asked, close its ``breaker``; whether there was each."""
    async with db.transaction(Boundary.PAUSE) as connection:
        ended = (await connection.execute(_RESUME, _telling(key, by, why))).one_or_none()
        closed = breaker and await close_breaker(connection, key, {"by": by, "why": why})
        if ended is not None or closed:
            await note(connection, deed)
    return ended is not None, closed


def _telling(key: AccountKey, by: str, why: str | None) -> dict[str, object]:
    data = as_rows({"by": by, "why": why})
    return {"provider": key[0], "account": key[1], "id": new_uuid(), "data": data}
