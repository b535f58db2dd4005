"""One owner for everything that runs on the loop: nothing fails unseen, nothing outlives a stop."""

import asyncio
from collections.abc import Coroutine
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
        """Run something until it ends or the supervisor stops."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def drain(self, patience: float) -> int:
        """Wait up to ``patience`` seconds for all tasks, then cancel the rest; how many those were."""
        pending = {task for task in self._tasks if not task.done()}
        if pending:
            _, pending = await asyncio.wait(pending, timeout=patience)
        for task in pending:
            task.cancel()
        if pending:
            await asyncio.wait(pending)
        return len(pending)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or task.exception() is None:
            return
        self.failures += 1
        log.error("task_failed", task=task.get_name(), exc_info=task.exception())
