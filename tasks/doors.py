"""The bootstep that reads the streams: beside the engine's, on the same loop."""

import asyncio
from concurrent.futures import Future
from typing import Any

from celery import bootsteps

from tasks.callbacks import CallbackReader
from tasks.engine import EngineThread
from tasks.intake import Intake
from tasks.reader import Reader


class DoorsStep(bootsteps.StartStopStep):
    """Starts the readers after the engine and stops them before the engine."""

    requires = ("tasks.engine:EngineStep",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._readers: list[Reader[Any]] = []
        self._running: Future[None]

    def start(self, parent: Any) -> None:
        """Begin to read."""
        thread: EngineThread = parent.app.engine_thread

        async def run() -> None:
            self._readers = [Intake(thread), CallbackReader(thread)]
            await asyncio.gather(*(reader.run() for reader in self._readers))

        self._running = thread.submit(run())

    def stop(self, parent: Any) -> None:
        """End after the rounds under way."""
        thread: EngineThread = parent.app.engine_thread

        async def stop() -> None:
            for reader in self._readers:
                reader.stop()

        thread.run(stop())
        self._running.result(thread.settings.grace.total_seconds())

    terminate = stop
