"""The intake: reads the intent streams in bulk and makes orders of what they hold."""

from collections.abc import Sequence
from typing import ClassVar, Final

from schemas import jobs
from tasks.engine import EngineThread
from tasks.reader import BLOCK_MS, LEFT_BEHIND_MS, Reader
from worker.logs import get_logger
from worker.metrics.meters import Taken
from worker.pulse import INTAKE
from worker.steps.accept import Sorted, accept
from worker.store import producers
from worker.store.intake import Entry
from worker.streams import IntentStreams
from worker.supervisor import pause

log = get_logger(__name__)

_REFRESH: Final = 2.0


class Intake(Reader[Entry]):
    """One process's consumer of the intent streams."""

    door: ClassVar[str] = INTAKE
    waits: ClassVar[str] = "intake_waits"
    failed: ClassVar[str] = "intake_failed"

    def __init__(self, thread: EngineThread, left_behind_ms: int = LEFT_BEHIND_MS) -> None:
        super().__init__(thread, left_behind_ms)
        self._streams = IntentStreams(thread.redis, self._rt.worker)
        self._producers: list[str] = []
        self._first_look = True
        self._refreshed = float("-inf")

    async def _round(self) -> None:
        now = self._rt.clock.monotonic()
        if now - self._refreshed > _REFRESH:
            self._producers = [each.name for each in await producers.every(self._rt.db)]
            self._refreshed = now
        if self._producers:
            await super()._round()
        else:
            await pause(_REFRESH, until=self._stopping)

    async def _left_behind(self, count: int) -> list[Entry]:
        found = await self._streams.left_behind(
            self._producers, older_than_ms=self._left_behind_ms, count=count
        )
        self._first_look = not found
        return found

    async def _read(self, count: int) -> list[Entry]:
        self._first_look = True
        share = max(1, count // len(self._producers))
        return await self._streams.read(self._producers, count=share, block_ms=BLOCK_MS)

    async def _take_in(self, entries: Sequence[Entry]) -> None:
        heaps = await accept(entries, self._rt, first_look=self._first_look)
        self._count(entries, heaps)
        self._ring_for(heaps)
        await self._streams.done([each for each in entries if each not in heaps.early])
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

    def _count(self, entries: Sequence[Entry], heaps: Sorted) -> None:
        """How old each entry was as it was committed, and what became of it."""
        meters, now = self._rt.meters, self._rt.clock.now()
        meters.batch.saw(len(entries))
        for entry in entries:
            meters.lag.saw(max((now - entry.put_at).total_seconds(), 0.0))
        meters.taken[Taken.ACCEPTED].add(len(heaps.fresh))
        meters.taken[Taken.REPEATED].add(len(heaps.repeated))
        meters.taken[Taken.TO_CANCEL].add(len(heaps.to_cancel))
        meters.taken[Taken.QUARANTINED].add(len(heaps.faulty))
        meters.taken[Taken.EARLY].add(len(heaps.early))

    async def _leave(self) -> None:
        await self._streams.leave()

    def _ring_for(self, heaps: Sorted) -> None:
        for order in heaps.fresh:
            intent = order.intent
            self._ring(jobs.ORDER_PLACE, intent.provider, intent.account, order.order_id)
        for asked in heaps.to_cancel:
            self._ring(jobs.ORDER_CANCEL, asked.provider, asked.account, asked.order_id)
