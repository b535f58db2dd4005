"""The callbacks' reader: what providers said makes orders due, and the bell rings for them."""

from typing import ClassVar

from schemas import jobs
from schemas.jobs import OrderBell
from tasks.engine import EngineThread
from tasks.reader import BLOCK_MS, LEFT_BEHIND_MS, Reader
from worker.steps.hear import hear
from worker.store.callbacks import Callback, Heard
from worker.streams import CallbackStream


class CallbackReader(Reader):
    """One process's consumer of the callbacks' stream."""

    door: ClassVar[str] = "callbacks"
    waits: ClassVar[str] = "callbacks_wait"
    failed: ClassVar[str] = "callbacks_failed"

    def __init__(self, thread: EngineThread, left_behind_ms: int = LEFT_BEHIND_MS) -> None:
        super().__init__(thread, left_behind_ms)
        self._stream = CallbackStream(thread.redis, self._rt.worker)

    async def _round(self) -> None:
        batch = await self._next()
        if batch:
            heard = await hear(batch, self._rt)
            await self._stream.done(batch)
            for order in heard:
                self._ring(order)

    async def _leave(self) -> None:
        await self._stream.leave()

    async def _next(self) -> list[Callback]:
        count = self._rt.settings.intake_batch
        if self._recovers_now():
            found = await self._stream.left_behind(older_than_ms=self._left_behind_ms, count=count)
            if len(found) < count:
                self._recovered_all()
            if found:
                return found
        return await self._stream.read(count=count, block_ms=BLOCK_MS)

    def _ring(self, heard: Heard) -> None:
        self._thread.publisher.ring(
            OrderBell(
                task=jobs.ORDER_POLL,
                provider=heard.provider,
                account=heard.account,
                order_ids=(heard.order_id,),
            )
        )
