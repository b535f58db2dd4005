"""Whether accounts take orders. One that rests is nobody's fault here, and somebody should know."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from worker.health.finding import Finding, ok, warn
from worker.health.progress import age, plural
from worker.store.queues import IN_QUEUE, PAUSED, RESTS, RESTS_BECAUSE, queues
from worker.store.session import Database

CHECK: Final = "resting accounts"

_RESTING: Final = text(f"""
WITH RECURSIVE {queues()},
waiting AS (
    SELECT DISTINCT q.provider, q.account FROM queues q
    WHERE EXISTS (SELECT FROM orders o WHERE {IN_QUEUE} AND o.due_at <= orderline_now())
)
SELECT a.provider, a.account, {PAUSED} AS paused, {RESTS_BECAUSE} AS why,
    w.provider IS NOT NULL AS awaited,
    extract(epoch FROM orderline_now()
        - CASE WHEN {PAUSED} THEN a.paused_at ELSE a.opened_at END)::float8 AS age
FROM accounts a LEFT JOIN waiting w USING (provider, account)
WHERE {RESTS}
ORDER BY age DESC
""")  # noqa: S608 -- clauses of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Resting:
    """An account that rests, for ``age`` seconds; ``awaited`` where orders of it are due."""

    provider: str
    account: str
    paused: bool
    why: str
    awaited: bool
    age: float


async def read_resting(db: Database) -> list[Resting]:
    """Look at the rows, the longest resting first."""
    async with db.reading() as connection:
        rows = await connection.execute(_RESTING)
        return [Resting(**row._mapping) for row in rows]  # noqa: SLF001 -- SQLAlchemy's public name


def judge_resting(resting: Sequence[Resting]) -> list[Finding]:
    """One finding for each account that rests."""
    return [_judge(each) for each in resting] or [ok(CHECK, "none")]


def judge_rests(resting: Sequence[Resting]) -> Finding:
    """All of them in one."""
    if not resting:
        return ok(CHECK, "none")
    names = ", ".join(f"{each.provider}/{each.account}" for each in resting)
    said = f"{plural(len(resting), 'account')}: {names}"
    return warn(CHECK, said, "see `orderline accounts`")


def _judge(each: Resting) -> Finding:
    name = f"{each.provider}/{each.account}"
    waiting = ", and orders wait for it" if each.awaited else ""
    advice = (
        f"`orderline resume {name}` ends that"
        if each.paused
        else f"it is probed by itself; see `orderline accounts {name}`"
    )
    return warn(CHECK, f"{name} has rested for {age(each.age)}: {each.why}{waiting}", advice)
