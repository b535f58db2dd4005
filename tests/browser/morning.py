"""A morning's orders, as an operator may find them: most are well, a few are not."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.builders import ONE_PHASE, an_intent
from tests.cli.world import World, delivered
from tests.console.conftest import NO_WAY
from worker.outcome import Evidence, InDoubt, Pending, RefusalCode, Refused
from worker.store import pauses

CUT = InDoubt(
    "the connection was lost after the request was written",
    Evidence(504, "OL-7f3a91", '{"message": "Bad gateway"}'),
)
DIFFERENCE = """
INSERT INTO reconciliations (id, provider, account, since, asked_by, state, ended_at, entries,
    orders, compared, pages, found)
VALUES ('01a204c6-0000-7000-8000-000000000001', 'hyperteknoloji', 'default',
    now() - interval '2 days', 'beat', 'done', now(), 412, 409, 409, 9, '{"missing_here": 1}');
INSERT INTO differences (id, provider, account, kind, rule, order_id, provider_ref, line, ours,
    theirs, found_in, seen_in)
SELECT '01a204c6-0000-7000-8000-000000000002', 'hyperteknoloji', 'default', 'missing_here',
    'report', NULL, 'HT-884120', '', 'not there', 'placed', id, id FROM reconciliations
"""


@dataclass(frozen=True)
class Morning:
    """The orders that a test goes to."""

    parked: str
    quoted: str
    delivered: str


def _asked(number: int, **more: Any) -> dict[str, Any]:
    asked = an_intent(f"{number}-1", intent_id=str(number), **more)
    asked["lines"][0]["require_data"] = [
        {"product_require_id": 1, "identifier": "userid", "value": "player-5512"}
    ]
    return asked


async def make_morning(world: World) -> Morning:
    """Orders of every kind, an entry in quarantine, a difference, a failing endpoint."""
    ended = []
    for number in range(100041, 100045):
        [order] = (await world.accept(_asked(number))).fresh
        ended.append(str(order.order_id))
        tried = await world.attempt(await world.claim())
        await world.settle(tried, delivered(tried.order.lines[0].line_ref, code="XK42-PRZ9-77QA"))
    await world.tell()
    [parked] = (await world.accept(_asked(100045))).fresh
    await world.place(CUT, NO_WAY)
    await world.execute("UPDATE attempts SET sent_at = sent_at - interval '1 hour'")
    await world.accept(_asked(100046))
    await world.place(CUT, ONE_PHASE)
    await world.accept(_asked(100047))
    await world.place(Pending("HT-884119"))
    await world.accept(_asked(100048))
    await world.place(Refused(RefusalCode.OTHER, "the product is not sold any more"))
    await world.tell(code=503)
    await world.execute(
        "UPDATE endpoints SET failing_since = now() - interval '20 min', failures = 7"
    )
    await world.accept({**_asked(100049), "walet": "TRY"})
    for statement in DIFFERENCE.split(";"):
        await world.execute(statement.replace(":", r"\:"))
    quote = {
        "quoted_at": (datetime.now(UTC) - timedelta(minutes=5)).isoformat(),
        "max_total": "19.90",
        "currency": "TRY",
    }
    [quoted] = (await world.accept(_asked(100050, quote=quote))).fresh
    await pauses.pause(
        world.db,
        ("threekit", "default"),
        timedelta(hours=2),
        by="ada",
        why="their maintenance, ticket 4711",
    )
    return Morning(str(parked.order_id), str(quoted.order_id), ended[-1])
