"""Workers are replaced one by one, under load, by others whose bells look different."""

import signal
from collections.abc import Mapping
from typing import Any, Final

import pytest
from celery import Celery
from sqlalchemy import text

from schemas.jobs import ORDER_PLACE, SWEEP
from tasks.broker import broker_settings
from tests.crash.nursery import Child
from tests.crash.promises import check_promises
from tests.crash.works import Works
from tests.stories.conftest import adobe, gifthub, hyper
from worker.store.session import Boundary

pytestmark = pytest.mark.slow

NEXT = "tests.daytwo.next_version"


async def retire(works: Works, worker: Child) -> None:
    """Ask a worker to end, as an orchestrator does, and see that it does so in order."""
    worker.signal(signal.SIGTERM)
    await works.until(lambda: not worker.running, f"{worker.name} ended")
    assert worker.code == 0, works.log(worker.name).read_text()[-2000:]


async def test_nothing_is_lost_or_doubled_while_versions_run_side_by_side(works: Works) -> None:
    old = [await works.start_worker(name) for name in ("old-a", "old-b")]
    await works.start_beat()
    for worker in old:
        await works.until_ready(worker.name)
    orders = [ask(f"{ask.__name__}{n}") for n in range(40) for ask in (hyper, gifthub, adobe)]
    first, second, third = orders[:40], orders[40:80], orders[80:]
    await works.submit(*first)
    works.app = NEXT
    new = [await works.start_worker("new-a")]
    await works.until_ready("new-a")
    await works.submit(*second)
    await retire(works, old[0])
    new.append(await works.start_worker("new-b"))
    await works.until_ready("new-b")
    await works.submit(*third)
    await retire(works, old[1])
    works.app = "tasks.app"  # and back again: the next version was no good
    await works.start_worker("back")
    await works.until_ready("back")
    await retire(works, new[0])
    await works.until_at_rest()
    await check_promises(works)
    for name in ("old-a", "old-b", "new-a", "new-b", "back"):
        said = works.log(name).read_text()
        assert "TypeError" not in said, name
        assert '"level": "error"' not in said, name


NEXT_SCHEMA: Final = (
    "ALTER TABLE orders ADD COLUMN region text",
    "ALTER TABLE lines ADD COLUMN weight int NOT NULL DEFAULT 1",
    "ALTER TABLE attempts ADD COLUMN region text, ADD COLUMN weight int NOT NULL DEFAULT 1",
    "ALTER TABLE events ADD COLUMN region text",
    "ALTER TABLE notifications ADD COLUMN weight int NOT NULL DEFAULT 1",
    "CREATE INDEX orders_region ON orders (region) WHERE region IS NOT NULL",
    "CREATE TABLE regions (name text PRIMARY KEY)",
    "UPDATE alembic_version SET version_num = 'v9999'",
)
"""What a migration of the next version may do: add what the present one does not know."""


async def test_a_worker_goes_on_beside_the_schema_of_the_next_version(works: Works) -> None:
    await works.start_worker("worker")
    await works.start_beat()
    await works.until_ready("worker")
    orders = [ask(f"{ask.__name__}{n}") for n in range(20) for ask in (hyper, gifthub, adobe)]
    await works.submit(*orders[:20])
    await works.until(lambda: works.one("SELECT count(*) > 5 FROM attempts"), "it is at work")
    for statement in NEXT_SCHEMA:
        async with works.db.transaction(Boundary.PRODUCER) as connection:
            await connection.execute(text(statement))
    await works.submit(*orders[20:40])
    await works.start_worker("started-later")
    await works.until_ready("started-later")
    await works.submit(*orders[40:])
    await works.until_at_rest()
    await check_promises(works)
    for name in ("worker", "started-later"):
        assert '"level": "error"' not in works.log(name).read_text(), name


SHAPES: Final[Mapping[str, tuple[list[Any], dict[str, Any]]]] = {
    "as it was before the sweep was answered": (["gifthub", "default", []], {}),
    "without ids": (["gifthub", "default"], {"swept": True}),
    "with a field more": (["gifthub", "default", [], {"region": "eu"}], {"trace": "00-1"}),
    "with ids of another kind": (["gifthub", "default", ["no-id", 7, None]], {}),
    "of an account that is not here": (["acme", "default", []], {}),
    "without an account": (["gifthub"], {}),
    "empty": ([], {}),
    "with the wrong kinds": ([{"provider": "gifthub"}, 3], {"swept": "yes"}),
}


async def test_a_bell_of_any_shape_does_no_harm_and_the_order_is_found(works: Works) -> None:
    await works.start_worker("worker")
    await works.until_ready("worker")
    await works.accept(gifthub("g1"))
    celery = Celery(
        set_as_current=False, config_source=broker_settings(works.system.servers.redis_url, "test")
    )
    for args, kwargs in SHAPES.values():
        celery.send_task(ORDER_PLACE, args=args, kwargs=kwargs, queue="orders.gifthub")
    celery.send_task(SWEEP, kwargs={"shard": 3}, queue="upkeep")
    await works.until_states("placed", "fulfilled", of="g1")
    await works.start_beat()
    await works.until_at_rest()
    await check_promises(works)
    assert '"level": "error"' not in works.log("worker").read_text()
