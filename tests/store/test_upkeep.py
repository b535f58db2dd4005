"""When the jobs of beat were last done, by the database's clock and in their own commit."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from schemas.jobs import SWEEP
from tests.store.conftest import Shop
from worker.store import accounts
from worker.store.session import Boundary, Database
from worker.store.upkeep import note_run, since_run

PATIENCE = timedelta(seconds=5)


async def since(db: Database, job: str) -> timedelta | None:
    async with db.reading() as connection:
        return await since_run(connection, job)


async def test_a_job_that_never_ran_is_not_one_that_ran_long_ago(
    shop: Shop, set_clock: Callable[[timedelta], None]
) -> None:
    assert await since(shop.db, "upkeep.purge") is None
    async with shop.db.transaction(Boundary.BELL) as connection:
        await note_run(connection, "upkeep.purge")
    set_clock(timedelta(days=3))
    ago = await since(shop.db, "upkeep.purge")
    assert ago
    assert ago.days == 3
    assert await since(shop.db, SWEEP) is None


async def test_a_sweep_is_noted_also_where_it_finds_nothing(
    shop: Shop, set_clock: Callable[[timedelta], None]
) -> None:
    for moved in (timedelta(0), timedelta(hours=1)):
        set_clock(moved)
        assert await accounts.ring_due(shop.db, PATIENCE) == []
        ago = await since(shop.db, SWEEP)
        assert ago is not None
        assert ago < timedelta(minutes=1)


async def test_sweeps_at_the_same_time_are_one_row(shop: Shop) -> None:
    await asyncio.gather(*(accounts.ring_due(shop.db, PATIENCE) for _ in range(8)))
    assert await shop.one("SELECT count(*), max(name) FROM jobs") == (1, SWEEP)


async def test_a_sweep_that_was_not_committed_was_none(shop: Shop) -> None:
    def die(*_: object) -> None:
        raise RuntimeError("killed before the commit")

    url = shop.db.engine.url.render_as_string(hide_password=False)
    victim = Database(url, on_boundary=die)
    try:
        await accounts.ring_due(victim, PATIENCE)
    except RuntimeError:
        assert await since(shop.db, SWEEP) is None
    else:
        raise AssertionError("it was to die")
    finally:
        await victim.close()
