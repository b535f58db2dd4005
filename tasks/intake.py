"""The intake: reads the intent streams in bulk, for as long as the worker runs.

A Worker bootstep of its own beside the engine's, on the same loop. One batch at a time: read,
commit, remove from the streams, ring. A failure anywhere before the removal leaves the entries
where they are.
"""

import asyncio
from concurrent.futures import Future
from typing import Any, Final

from celery import bootsteps
from redis.exceptions import RedisError

from schemas import jobs
from schemas.jobs import OrderBell
from tasks.engine import EngineThread
from worker.logs import get_logger
from worker.steps.accept import Sorted, accept
from worker.store import producers
from worker.store.intake import Entry
from worker.store.session import is_transient
from worker.streams import IntentStreams
from worker.supervisor import pause

log = get_logger(__name__)

LEFT_BEHIND_MS: Final = 10_000
"""Age from which an entry that was read and not removed is believed left behind."""

_BLOCK_MS: Final = 1000
_REFRESH: Final = 2.0
_RECOVER: Final = 5.0
_LONGEST_WAIT: Final = 5.0


class Intake:
    """One process's consumer of the intent streams."""

    def __init__(self, thread: EngineThread, left_behind_ms: int = LEFT_BEHIND_MS) -> None:
        self._thread = thread
        self._left_behind_ms = left_behind_ms
        self._rt = thread.engine.rt
        self._streams = IntentStreams(thread.redis, self._rt.worker)
        self._stopping = asyncio.Event()
        self._producers: list[str] = []
        self._refreshed = self._recovered = float("-inf")

    async def run(self) -> None:
        """Take intents in until stopped; an outage is waited out."""
        wait = 0.1
        while not self._stopping.is_set():
            try:
                await self._take_in(await self._next())
                self._thread.engine.pulse.took_in()
                wait = 0.1
            except Exception as error:
                if isinstance(error, RedisError) or is_transient(error):
                    log.warning("intake_waits", error=type(error).__name__, retry_in=wait)
                else:
                    log.exception("intake_failed", retry_in=wait)
                await pause(wait, until=self._stopping)
                wait = min(wait * 2, _LONGEST_WAIT)
        try:
            await self._streams.leave()
        except RedisError:
            log.info("consumer_left_behind", worker=self._rt.worker)

    def stop(self) -> None:
        """End after the batch under way."""
        self._stopping.set()

    async def _next(self) -> list[Entry]:
        now = self._rt.clock.monotonic()
        if now - self._refreshed > _REFRESH:
            self._producers = [each.name for each in await producers.every(self._rt.db)]
            self._refreshed = now
        if not self._producers:
            await pause(_REFRESH, until=self._stopping)
            return []
        if now - self._recovered > _RECOVER:
            count = self._rt.settings.intake_batch
            found = await self._streams.left_behind(
                self._producers, older_than_ms=self._left_behind_ms, count=count
            )
            if len(found) < count:
                self._recovered = now
            if found:
                return found
        share = max(1, self._rt.settings.intake_batch // len(self._producers))
        return await self._streams.read(self._producers, count=share, block_ms=_BLOCK_MS)

    async def _take_in(self, entries: list[Entry]) -> None:
        if not entries:
            return
        heaps = await accept(entries, self._rt)
        self._ring(heaps)
        await self._streams.done(entries)
        for entry, fault in heaps.faulty:
            log.warning(
                "intent_quarantined",
                producer=entry.producer,
                entry_id=entry.entry_id,
                code=fault.code,
            )
        log.info(
            "intents_taken_in",
            accepted=len(heaps.fresh),
            repeated=len(heaps.repeated),
            to_cancel=len(heaps.to_cancel),
            quarantined=len(heaps.faulty),
        )

    def _ring(self, heaps: Sorted) -> None:
        for order in heaps.fresh:
            self._thread.publisher.ring(
                OrderBell(
                    task=jobs.ORDER_PLACE,
                    provider=order.intent.provider,
                    account=order.intent.account,
                    order_ids=(order.order_id,),
                )
            )
        for asked in heaps.to_cancel:
            self._thread.publisher.ring(
                OrderBell(
                    task=jobs.ORDER_CANCEL,
                    provider=asked.provider,
                    account=asked.account,
                    order_ids=(asked.order_id,),
                )
            )


class IntakeStep(bootsteps.StartStopStep):
    """Starts the intake after the engine and stops it before the engine."""

    requires = ("tasks.engine:EngineStep",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._intake: Intake
        self._running: Future[None]

    def start(self, parent: Any) -> None:
        """Begin to read."""
        thread: EngineThread = parent.app.engine_thread

        async def run() -> None:
            self._intake = Intake(thread)
            await self._intake.run()

        self._running = thread.submit(run())

    def stop(self, parent: Any) -> None:
        """End after the batch under way."""
        thread: EngineThread = parent.app.engine_thread

        async def stop() -> None:
            self._intake.stop()

        thread.run(stop())
        self._running.result(thread.settings.grace.total_seconds())

    terminate = stop
