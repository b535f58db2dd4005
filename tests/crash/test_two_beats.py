"""Two beats by mistake, two workers, and quotes that end while nothing of their orders is due.

What beat rings for is found in the rows, each time anew. So nothing is done twice, however often
it is rung for.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.jobs import SWEEP
from tasks.schedule import EVERY
from tests.crash.promises import check_promises
from tests.crash.works import Works
from tests.stories.conftest import gifthub, hyper
from worker.sandbox import Fault

_TWICE = """
SELECT count(*) FROM (
    SELECT l.deliver_id, e.type FROM events e JOIN lines l ON l.id = e.line_id
    GROUP BY 1, 2 HAVING count(*) > 1
) twice
"""


def lapsing(intent: dict[str, Any], seconds: float) -> dict[str, Any]:
    """The same, with a quote that ends so soon."""
    now = datetime.now(UTC)
    ends = now + timedelta(seconds=seconds)
    return intent | {"quote": {"quoted_at": now.isoformat(), "expires_at": ends.isoformat()}}


async def test_two_beats_and_two_workers_do_everything_once(works: Works) -> None:
    works.sandbox.script("gifthub", "confirm", [Fault.THROTTLED_429] * 400)
    for name in ("one", "two"):
        await works.start_worker(name)
    for name in ("a-beat", "another-beat"):
        words = ("-A", "tasks.app", "beat", "--pidfile", "")
        works.run(name, "celery", *words, ORDERLINE_LOG_LEVEL="debug")
    await works.submit(
        *(hyper(f"h{n}", (1, 8)[n % 2]) for n in range(10)),
        *(lapsing(gifthub(f"late{n}"), 8) for n in range(10)),
        *(lapsing(hyper(f"never{n}") | {"account": "elsewhere"}, 4) for n in range(10)),
    )
    await works.until_at_rest()
    states = await works.states()
    assert {states[f"h{n}"] for n in range(10)} == {"fulfilled"}
    assert {states[f"late{n}"] for n in range(10)} == {"expired"}
    assert {states[f"never{n}"] for n in range(10)} == {"expired"}
    assert await works.one(_TWICE) == 0
    await check_promises(works)

    assert all(_rang(works, name) > 5 for name in ("a-beat", "another-beat"))
    jobs = await works.all("SELECT name, missed FROM jobs ORDER BY name")
    assert [row.name for row in jobs] == sorted(EVERY)
    assert {row.missed for row in jobs} == {0}
    told = [body["data"]["deliver_id"] for body in works.receiver.received.first.values()]
    assert {told.count(f"never{n}-1") for n in range(10)} == {1}


def _rang(works: Works, name: str) -> int:
    """How often a beat has rung for the sweep."""
    return works.log(name).read_text(errors="replace").count(SWEEP)
