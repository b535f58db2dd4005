"""One owner for everything that runs on the loop: nothing fails unseen, nothing outlives a stop."""

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any

from worker.logs import get_logger

log = get_logger(__name__)


class Supervisor:
    """Keeps the tasks of a worker process.

    A task that raises is logged and counted, and hurts no other one; whatever it had leased
    comes back when its lease ends.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self.failures = 0

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run something until it ends or the supervisor stops.

        What whoever asks for it is about, the logs do not say of it: it may outlive that.
        """
        task = asyncio.create_task(work, name=name, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def settle(self, patience: float) -> bool:
        """Wait up to ``patience`` seconds until nothing runs, new tasks included; whether so."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + patience
        while self._tasks and (left := give_up_at - loop.time()) > 0:
            await asyncio.wait(self._tasks, timeout=left)
        return not self._tasks

    async def drain(self, patience: float) -> None:
        """Wait up to ``patience`` seconds for all tasks to end, then cancel those that did not."""
        if await self.settle(patience):
            return
        left = set(self._tasks)
        log.warning("tasks_cancelled", count=len(left))
        for task in left:
            task.cancel()
        await asyncio.wait(left)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or task.exception() is None:
            return
        self.failures += 1
        log.error("task_failed", task=task.get_name(), exc_info=task.exception())


async def pause(seconds: float, until: asyncio.Event) -> None:
    """Sleep, unless something happens before: a stop does not wait for a back-off to end."""
    try:
        async with asyncio.timeout(seconds):
            await until.wait()
    except TimeoutError:
        return
