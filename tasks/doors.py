"""The bootstep that reads the streams, and sees how full they make Redis: on the engine's loop."""

import asyncio
from concurrent.futures import Future
from typing import Any

from celery import bootsteps

from tasks.callbacks import CallbackReader
from tasks.engine import EngineThread
from tasks.intake import Intake
from tasks.reader import Reader
from worker.streams import MemoryWatch


class DoorsStep(bootsteps.StartStopStep):
    """Starts the readers after the engine and stops them before the engine."""

    requires = ("tasks.engine:EngineStep",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._readers: list[Reader[Any]] = []
        self._stopping: asyncio.Event
        self._running: Future[None]

    def start(self, parent: Any) -> None:
        """Begin to read."""
        thread: EngineThread = parent.app.engine_thread

        async def run() -> None:
            self._readers = [Intake(thread), CallbackReader(thread)]
            self._stopping = asyncio.Event()
            watch = MemoryWatch(thread.redis).run(self._stopping)
            await asyncio.gather(watch, *(reader.run() for reader in self._readers))

        self._running = thread.submit(run())

    def stop(self, parent: Any) -> None:
        """End after the rounds under way."""
        thread: EngineThread = parent.app.engine_thread

        async def stop() -> None:
            self._stopping.set()
            for reader in self._readers:
                reader.stop()

        thread.run(stop())
        self._running.result(thread.settings.grace.total_seconds())

    terminate = stop
