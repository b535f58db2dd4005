"""Whether endpoints take what they are sent: nothing that a worker could mend."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from worker.health.finding import Finding, ok, warn
from worker.health.progress import age, plural
from worker.store.deliveries import FAILING_IS_TOLD_AFTER
from worker.store.notifications import OWING
from worker.store.session import Database

_TROUBLED: Final = text(f"""
WITH RECURSIVE {OWING}
SELECT e.producer, e.url, e.disabled_because,
    extract(epoch FROM orderline_now() - coalesce(e.disabled_at, e.failing_since))::float8 AS age,
    (SELECT count(*) FROM notifications n
        WHERE n.producer = e.producer AND n.endpoint = e.url AND n.due_at IS NOT NULL) AS waiting
FROM owing o JOIN endpoints e ON (e.producer, e.url) = (o.producer, o.endpoint)
WHERE e.disabled_at IS NOT NULL
    OR e.failing_since <= orderline_now() - CAST(:told_after AS interval)
ORDER BY age DESC
""")  # noqa: S608 -- the clause is a constant of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Troubled:
    """An endpoint that is owed something, and disabled or failing for long; ``age`` in seconds."""

    producer: str
    url: str
    disabled_because: str | None
    age: float
    waiting: int


async def read_endpoints(db: Database) -> list[Troubled]:
    """Look at the rows, the longest troubled first."""
    async with db.reading() as connection:
        rows = await connection.execute(_TROUBLED, {"told_after": FAILING_IS_TOLD_AFTER})
        return [Troubled(**row._mapping) for row in rows]  # noqa: SLF001 -- SQLAlchemy's public name


def judge_endpoints(troubled: Sequence[Troubled]) -> list[Finding]:
    """One finding for each; what is disabled waits until somebody says otherwise."""
    return [_judge(each) for each in troubled] or [
        ok("endpoints", "none is disabled or failing that is owed something")
    ]


def _judge(each: Troubled) -> Finding:
    name = f"{each.url} of {each.producer}"
    waiting = plural(each.waiting, "notification")
    if each.disabled_because is None:
        return warn(
            "endpoints",
            f"{name} has failed for {age(each.age)}, owed {waiting}",
            f"tell {each.producer}; see `orderline endpoints show {each.url}`",
        )
    return warn(
        "endpoints",
        f"{name} has been disabled ({each.disabled_because}) for {age(each.age)}, owed {waiting}",
        f"once it is mended, run `orderline endpoints enable {each.url} --why ...`",
    )
