"""When the jobs of beat were last done, by the database's clock and in their own commit."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from schemas.jobs import EXPIRE, PURGE, SWEEP
from tests.store.conftest import Shop
from worker.store import accounts
from worker.store.session import Boundary, Database
from worker.store.upkeep import Turns, expect, note, note_run, since_run, turns

SetClock = Callable[[timedelta], None]

PATIENCE = timedelta(seconds=5)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
EVERY = {SWEEP: SECOND, EXPIRE: 2 * SECOND, PURGE: timedelta(minutes=5)}


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


# --- turns -----------------------------------------------------------------------------------


async def standing(db: Database) -> dict[str, Turns]:
    async with db.reading() as connection:
        return {each.name: each for each in await turns(connection)}


async def turn(shop: Shop, set_clock: SetClock, job: str, at: timedelta) -> list[Any]:
    """Do a job at a moment of the database's clock; what was logged of turns that were missed."""
    set_clock(at)
    with capture_logs() as logs:
        await note(shop.db, job)
    return [
        (each["task"], each["count"], each["log_level"])
        for each in logs
        if each["event"] == "turns_missed"
    ]


async def test_jobs_are_expected_before_they_ever_ran_the_most_frequent_first(shop: Shop) -> None:
    await expect(shop.db, EVERY)
    jobs = await standing(shop.db)
    assert list(jobs) == [SWEEP, EXPIRE, PURGE]
    assert [(job.every, job.ago, job.missed, job.missed_at) for job in jobs.values()] == [
        (1, None, 0, None),
        (2, None, 0, None),
        (300, None, 0, None),
    ]


async def test_the_first_turn_of_all_misses_none(shop: Shop, set_clock: SetClock) -> None:
    await expect(shop.db, EVERY)
    assert await turn(shop, set_clock, PURGE, HOUR) == []
    job = (await standing(shop.db))[PURGE]
    assert job.ago is not None
    assert job.ago < 60
    assert (job.missed, job.missed_at) == (0, None)


@pytest.mark.parametrize("late", [2.0, 4.9, 9.9])
async def test_a_turn_that_is_merely_late_is_not_missed(
    shop: Shop, set_clock: SetClock, late: float
) -> None:
    """Every ten seconds: after twenty-five one was missed, before that a worker was busy."""
    await expect(shop.db, {PURGE: 10 * SECOND})
    await turn(shop, set_clock, PURGE, timedelta(0))
    assert await turn(shop, set_clock, PURGE, (10 + late) * SECOND) == []
    assert (await standing(shop.db))[PURGE].missed == 0


async def test_a_turn_that_was_missed_is_counted_dated_and_logged(
    shop: Shop, set_clock: SetClock
) -> None:
    await expect(shop.db, {PURGE: 10 * SECOND})
    await turn(shop, set_clock, PURGE, timedelta(0))
    assert await turn(shop, set_clock, PURGE, 26 * SECOND) == [(PURGE, 1, "warning")]
    job = (await standing(shop.db))[PURGE]
    assert job.missed == 1
    row = await shop.one("SELECT missed_at = ran_at AS then FROM jobs")
    assert row.then


async def test_what_was_missed_is_remembered_until_more_is(shop: Shop, set_clock: SetClock) -> None:
    await expect(shop.db, {PURGE: 10 * SECOND})
    await turn(shop, set_clock, PURGE, timedelta(0))
    await turn(shop, set_clock, PURGE, 60 * SECOND)
    seen = (await standing(shop.db))[PURGE]
    assert seen.missed == 5
    for at in (70, 80, 90):
        assert await turn(shop, set_clock, PURGE, at * SECOND) == []
    later = (await standing(shop.db))[PURGE]
    assert (later.missed, later.missed_at) == (seen.missed, seen.missed_at)
    await turn(shop, set_clock, PURGE, 120 * SECOND)
    again = (await standing(shop.db))[PURGE]
    assert again.missed == 2
    assert again.missed_at is not None
    assert seen.missed_at is not None
    assert again.missed_at > seen.missed_at


async def test_after_an_hours_pause_every_job_knows_how_much_it_missed(
    shop: Shop, set_clock: SetClock
) -> None:
    await expect(shop.db, EVERY)
    for job in EVERY:
        await turn(shop, set_clock, job, timedelta(0))
    logged = [told for job in EVERY for told in await turn(shop, set_clock, job, HOUR)]
    counts = {job: (await standing(shop.db))[job].missed for job in EVERY}
    assert logged == [(job, count, "warning") for job, count in counts.items()]
    assert 3598 <= counts[SWEEP] <= 3602  # some seconds of the test's own
    assert 1798 <= counts[EXPIRE] <= 1801
    assert counts[PURGE] == 11


async def test_of_two_that_come_after_the_pause_at_once_one_tells_of_it(
    shop: Shop, set_clock: SetClock
) -> None:
    await expect(shop.db, {PURGE: 10 * SECOND})
    await turn(shop, set_clock, PURGE, timedelta(0))
    set_clock(HOUR)
    with capture_logs() as logs:
        await asyncio.gather(*(note(shop.db, PURGE) for _ in range(6)))
    assert [each["event"] for each in logs].count("turns_missed") == 1
    assert 358 <= (await standing(shop.db))[PURGE].missed <= 360
    assert await shop.one("SELECT count(*) AS rows FROM jobs") == (1,)


async def test_a_database_clock_that_is_set_back_misses_nothing(
    shop: Shop, set_clock: SetClock
) -> None:
    await expect(shop.db, {PURGE: 10 * SECOND})
    await turn(shop, set_clock, PURGE, HOUR)
    assert await turn(shop, set_clock, PURGE, timedelta(0)) == []
    assert (await standing(shop.db))[PURGE].missed == 0


async def test_a_job_that_nobody_expects_misses_no_turn_and_is_not_shown(
    shop: Shop, set_clock: SetClock
) -> None:
    await turn(shop, set_clock, PURGE, timedelta(0))
    assert await turn(shop, set_clock, PURGE, HOUR) == []
    assert await standing(shop.db) == {}
    assert await since(shop.db, PURGE) is not None


async def test_a_job_that_is_expected_no_more_is_forgotten_and_the_others_are_not(
    shop: Shop, set_clock: SetClock
) -> None:
    await expect(shop.db, EVERY)
    await turn(shop, set_clock, PURGE, timedelta(0))
    await turn(shop, set_clock, EXPIRE, timedelta(0))
    await expect(shop.db, {SWEEP: SECOND, PURGE: HOUR})
    jobs = await standing(shop.db)
    assert list(jobs) == [SWEEP, PURGE]
    assert jobs[PURGE].every == 3600
    assert jobs[PURGE].ago is not None


async def test_what_every_worker_expects_at_once_is_expected_once(shop: Shop) -> None:
    await asyncio.gather(*(expect(shop.db, EVERY) for _ in range(6)))
    assert list(await standing(shop.db)) == [SWEEP, EXPIRE, PURGE]


async def test_a_turn_that_is_not_committed_is_none(shop: Shop) -> None:
    await expect(shop.db, EVERY)
    async with shop.db.engine.connect() as connection:
        await note_run(connection, EXPIRE)
        await connection.rollback()
    assert (await standing(shop.db))[EXPIRE].ago is None
