"""Calls under way to the outside, and how a stopping worker cuts them off."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

Answer = TypeVar("Answer")
Otherwise = TypeVar("Otherwise")


class Calls:
    """Knows which tasks are waiting for an answer right now.

    Only a wait for the outside is ever cut short; the commits around it always run to their end.
    """

    def __init__(self) -> None:
        self._waiting: set[asyncio.Task[Any]] = set()
        self.stopped = False

    async def make(
        self, call: Callable[[], Awaitable[Answer]], *, unmade: Otherwise, cut: Otherwise
    ) -> Answer | Otherwise:
        """The answer of a call; ``unmade`` once calls are stopped, ``cut`` if stopped meanwhile."""
        if self.stopped:
            return unmade
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 -- a coroutine is run by a task
        self._waiting.add(task)
        try:
            return await call()
        except asyncio.CancelledError:
            # One cancel is ours; whoever else wants this task to end is obeyed.
            if not self.stopped or task.uncancel() > 0:
                raise
            return cut
        finally:
            self._waiting.discard(task)

    def stop(self) -> None:
        """Cut every call under way and let no new one start."""
        self.stopped = True
        for task in self._waiting:
            task.cancel()
