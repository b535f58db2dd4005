"""Beat was away for an hour: what was due in it is done then, once, however often it is rung."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from structlog.testing import capture_logs

from schemas import jobs
from schemas.jobs import NotificationBell, OrderBell
from tasks.schedule import EVERY
from tests.stories.conftest import MINUTE, Story, gifthub, hyper
from worker.sandbox import Fault
from worker.steps.expire import expire
from worker.steps.purge import purge
from worker.steps.sweep import sweep
from worker.store import upkeep

HOUR: Final = timedelta(hours=1)
NEVER_ENDS: Final = 38
KEPT_FOR: Final = 30 * MINUTE

Job = Callable[[Story], Awaitable[object]]


async def _purge(story: Story) -> object:
    rt = story.engine.rt
    kept = {"retention": KEPT_FOR, "personal_data_for": KEPT_FOR}
    return await purge(replace(rt, settings=rt.settings.model_copy(update=kept)))


async def _expire(story: Story) -> object:
    ended = await expire(story.engine.mail, story.engine.rt)
    while story.engine.mail.working:  # their ends are told by then
        await asyncio.sleep(0.01)
    return ended


async def _sweep(story: Story) -> object:
    return await sweep(story.engine.rt)


async def _reconcile(story: Story) -> list[str]:
    return await story.engine.reconcile_due()


JOBS: Final[Mapping[str, Job]] = {jobs.SWEEP: _sweep, jobs.EXPIRE: _expire, jobs.PURGE: _purge}
"""Those that are over when they return. A reconciliation goes on after the job that begins it."""

ROWS: Final = (
    "SELECT intent_id, state, step, fence, attempts, requotes, reason FROM orders ORDER BY 1",
    "SELECT deliver_id, state, sequence FROM lines ORDER BY 1",
    "SELECT id, outcome, sends FROM attempts ORDER BY 1",
    "SELECT id, type, at FROM events ORDER BY 1",
    "SELECT event_id, state FROM notifications ORDER BY 1",
    "SELECT * FROM tombstones ORDER BY 1, 2",
    "SELECT * FROM used_deliver_ids ORDER BY 1, 2",
    "SELECT id, code, closed_at FROM quarantine ORDER BY 1",
)


async def everything(story: Story) -> list[Any]:
    """What a job may change, but for when it was last done."""
    return [await story.all(query) for query in ROWS]


async def quote(story: Story, minutes: int, **more: Any) -> dict[str, Any]:
    now = await story.now()
    ends = now + minutes * MINUTE
    return {"quoted_at": now.isoformat(), "expires_at": ends.isoformat(), **more}


async def a_pause(story: Story) -> None:
    """Orders of every kind; then nobody rings for an hour, in which much becomes due.

    ``old`` has ended long before, ``young`` just so; ``lapses`` and ``quoted`` wait for a provider
    that turns them away, and their quotes end; ``renewed`` may have another one; ``placed`` is
    bought and not delivered; ``lasts`` waits, too, and its quote outlives the pause.
    """
    await upkeep.expect(story.db, EVERY)
    await story.submit(hyper("old"))
    await story.play()
    await story.pass_time(20 * MINUTE)
    await story.submit(hyper("placed", NEVER_ENDS))
    await story.work()
    story.sandbox.script("gifthub", "confirm", [Fault.THROTTLED_429] * 400)
    story.sandbox.script("hyperteknoloji", "create", [Fault.THROTTLED_429] * 400)
    limit = {"max_total": "11", "currency": "EUR", "requote": True}
    await story.submit(
        hyper("lapses", quote=await quote(story, 10)),
        hyper("lasts", quote=await quote(story, 90)),
        gifthub("quoted", quote=await quote(story, 10)),
        gifthub("renewed", quote=await quote(story, 10, **limit)),
    )
    await story.work()
    for job in JOBS.values():
        await job(story)
    await story.work()
    assert await states(story) == {
        "old": "fulfilled",
        "placed": "placed",
        "lapses": "placing",
        "lasts": "placing",
        "quoted": "confirming",
        "renewed": "confirming",
    }
    await story.pass_time(HOUR)


async def states(story: Story) -> dict[str, str]:
    return {row.intent_id: row.state for row in await story.all("SELECT * FROM orders")}


@pytest.mark.parametrize("name", EVERY)
async def test_every_job_that_beat_rings_for_notes_its_turn(story: Story, name: str) -> None:
    await upkeep.expect(story.db, EVERY)
    await {**JOBS, jobs.RECONCILE: _reconcile}[name](story)
    assert await story.all("SELECT name FROM jobs WHERE ran_at IS NOT NULL") == [(name,)]


async def test_after_an_hours_pause_exactly_what_was_due_is_done(story: Story) -> None:
    await a_pause(story)
    with capture_logs() as logs:
        assert await _expire(story) == {"expired": 2, "placing": 1}
        await _purge(story)
        bells = await sweep(story.engine.rt)
    rung = {bell.provider: len(bell.order_ids) for bell in bells if isinstance(bell, OrderBell)}
    assert set(rung) == {"hyperteknoloji", "gifthub"}
    assert await states(story) == {
        "placed": "placed",
        "lapses": "expired",
        "lasts": "placing",
        "quoted": "expired",
        "renewed": "placing",
    }
    assert [row.intent_id for row in await story.all("SELECT * FROM tombstones")] == ["old"]
    assert {each["task"] for each in logs if each["event"] == "turns_missed"} == set(JOBS)
    missed = {row.name: row.missed for row in await story.all("SELECT * FROM jobs")}
    assert missed[jobs.PURGE] == 11
    assert 3598 < missed[jobs.SWEEP] < 3605


@pytest.mark.parametrize("name", JOBS)
async def test_done_twice_in_a_row_it_changes_nothing_more(story: Story, name: str) -> None:
    await a_pause(story)
    await JOBS[name](story)
    before = await everything(story)
    await JOBS[name](story)
    assert await everything(story) == before


@pytest.mark.parametrize("name", JOBS)
async def test_done_several_times_at_once_it_does_what_it_does_once(
    story: Story, name: str
) -> None:
    await a_pause(story)
    done = await asyncio.gather(*(JOBS[name](story) for _ in range(5)))
    after = await everything(story)
    await JOBS[name](story)
    assert await everything(story) == after
    if name == jobs.EXPIRE:
        counts = [count for each in done if isinstance(each, dict) for count in each.values()]
        assert sum(counts) == 3
    if name == jobs.PURGE:
        assert await story.one("SELECT count(*) FROM tombstones") == 1
    if name == jobs.SWEEP:
        bells = [bell for each in done if isinstance(each, list) for bell in each]
        rung = [bell.provider for bell in bells if not isinstance(bell, NotificationBell)]
        assert sorted(rung) == ["gifthub", "hyperteknoloji"]  # one unanswered bell each
    assert (await story.all("SELECT name, count(*) FROM jobs GROUP BY 1 ORDER BY 1")) == [
        (each, 1) for each in sorted(EVERY)
    ]


async def test_rung_for_several_times_at_once_each_reconciliation_is_begun_once(
    story: Story,
) -> None:
    await a_pause(story)
    begun = await asyncio.gather(*(_reconcile(story) for _ in range(5)))
    names = [name for each in begun for name in each]
    assert "gifthub/default" in names
    assert len(names) == len(set(names))


async def test_all_of_it_at_once_and_again_ends_every_order_once(story: Story) -> None:
    await a_pause(story)
    story.sandbox.unscript()
    for _ in range(2):
        await asyncio.gather(*(job(story) for job in JOBS.values() for _ in range(3)))
        await story.work()
    await story.play(limit=10 * MINUTE)
    found = await states(story)
    assert found == {
        "placed": "placed",
        "lapses": "expired",
        "lasts": "fulfilled",
        "quoted": "expired",
        "renewed": "fulfilled",
    }
    assert story.told("lapses-1") == ["expired"]
    assert story.told("quoted-1") == ["quoted", "expired"]
    assert story.told("renewed-1") == ["quoted", "quoted", "accepted", "delivered"]
    twice = "SELECT event_id FROM deliveries WHERE code = 200 GROUP BY 1 HAVING count(*) > 1"
    assert await story.all(twice) == []
    assert story.bought() == 4  # with the one that was purged
