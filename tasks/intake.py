"""The intake: reads the intent streams in bulk and makes orders of what they hold."""

from typing import ClassVar, Final

from schemas import jobs
from schemas.jobs import OrderBell
from tasks.engine import EngineThread
from tasks.reader import BLOCK_MS, LEFT_BEHIND_MS, Reader
from worker.logs import get_logger
from worker.pulse import INTAKE
from worker.steps.accept import Sorted, accept
from worker.store import producers
from worker.store.intake import Entry
from worker.streams import IntentStreams
from worker.supervisor import pause

log = get_logger(__name__)

_REFRESH: Final = 2.0


class Intake(Reader):
    """One process's consumer of the intent streams."""

    door: ClassVar[str] = INTAKE
    waits: ClassVar[str] = "intake_waits"
    failed: ClassVar[str] = "intake_failed"

    def __init__(self, thread: EngineThread, left_behind_ms: int = LEFT_BEHIND_MS) -> None:
        super().__init__(thread, left_behind_ms)
        self._streams = IntentStreams(thread.redis, self._rt.worker)
        self._producers: list[str] = []
        self._refreshed = float("-inf")

    async def _round(self) -> None:
        entries = await self._next()
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

    async def _leave(self) -> None:
        await self._streams.leave()

    async def _next(self) -> list[Entry]:
        now = self._rt.clock.monotonic()
        if now - self._refreshed > _REFRESH:
            self._producers = [each.name for each in await producers.every(self._rt.db)]
            self._refreshed = now
        if not self._producers:
            await pause(_REFRESH, until=self._stopping)
            return []
        if self._recovers_now():
            count = self._rt.settings.intake_batch
            found = await self._streams.left_behind(
                self._producers, older_than_ms=self._left_behind_ms, count=count
            )
            if len(found) < count:
                self._recovered_all()
            if found:
                return found
        share = max(1, self._rt.settings.intake_batch // len(self._producers))
        return await self._streams.read(self._producers, count=share, block_ms=BLOCK_MS)

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
