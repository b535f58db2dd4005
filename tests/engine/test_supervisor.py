"""One owner for all tasks: nothing fails unseen, nothing outlives a stop."""

import asyncio

from structlog.testing import capture_logs

from worker.supervisor import Supervisor

PATIENCE = 10.0


async def forever() -> None:
    await asyncio.Event().wait()


async def fail() -> None:
    raise RuntimeError("a bug")


async def test_a_task_that_fails_is_logged_and_counted_and_hurts_no_other() -> None:
    supervisor = Supervisor()
    answer = asyncio.Event()
    other = supervisor.spawn(answer.wait(), "other")
    with capture_logs() as logs:
        task = supervisor.spawn(fail(), "order:1")
        await asyncio.wait({task})
        await asyncio.sleep(0)
    assert supervisor.failures == 1
    assert [(line["event"], line["task"]) for line in logs] == [("task_failed", "order:1")]
    answer.set()
    assert await other is True
    assert await supervisor.settle(PATIENCE)


async def test_a_task_that_was_cancelled_did_not_fail() -> None:
    supervisor = Supervisor()
    task = supervisor.spawn(forever(), "task")
    task.cancel()
    assert await supervisor.settle(PATIENCE)
    assert supervisor.failures == 0


async def test_settling_waits_for_tasks_that_start_meanwhile() -> None:
    supervisor = Supervisor()
    ended = []

    async def parent() -> None:
        await asyncio.sleep(0.01)
        supervisor.spawn(child(), "child")

    async def child() -> None:
        await asyncio.sleep(0.01)
        ended.append("child")

    supervisor.spawn(parent(), "parent")
    assert await supervisor.settle(PATIENCE)
    assert ended == ["child"]


async def test_settling_gives_up_and_cancels_nothing() -> None:
    supervisor = Supervisor()
    task = supervisor.spawn(forever(), "task")
    assert not await supervisor.settle(0.01)
    assert not task.cancelling()
    await supervisor.drain(0)


async def test_draining_cancels_what_does_not_end_by_itself_and_waits_for_it() -> None:
    supervisor = Supervisor()
    tidied = []

    async def stubborn() -> None:
        try:
            await forever()
        finally:
            await asyncio.sleep(0)
            tidied.append(True)

    task = supervisor.spawn(stubborn(), "task")
    await asyncio.sleep(0)
    with capture_logs() as logs:
        await supervisor.drain(0.01)
    assert task.cancelled()
    assert tidied == [True]
    assert logs[0]["event"] == "tasks_cancelled"
    assert await supervisor.settle(0)


async def test_draining_when_nothing_runs_returns_at_once() -> None:
    await Supervisor().drain(0)
