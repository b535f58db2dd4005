"""The callbacks' reader: what providers said makes orders due, and the bell rings for them."""

from collections.abc import Sequence
from typing import ClassVar

from schemas import jobs
from tasks.engine import EngineThread
from tasks.reader import BLOCK_MS, LEFT_BEHIND_MS, Reader
from worker.steps.hear import hear
from worker.store.callbacks import Callback
from worker.streams import CallbackStream


class CallbackReader(Reader[Callback]):
    """One process's consumer of the callbacks' stream."""

    door: ClassVar[str] = "callbacks"
    waits: ClassVar[str] = "callbacks_wait"
    failed: ClassVar[str] = "callbacks_failed"

    def __init__(self, thread: EngineThread, left_behind_ms: int = LEFT_BEHIND_MS) -> None:
        super().__init__(thread, left_behind_ms)
        self._stream = CallbackStream(thread.redis, self._rt.worker)

    async def _left_behind(self, count: int) -> list[Callback]:
        return await self._stream.left_behind(older_than_ms=self._left_behind_ms, count=count)

    async def _read(self, count: int) -> list[Callback]:
        return await self._stream.read(count=count, block_ms=BLOCK_MS)

    async def _take_in(self, entries: Sequence[Callback]) -> None:
        heard = await hear(entries, self._rt)
        await self._stream.done(entries)
        for order in heard:
            self._ring(jobs.ORDER_POLL, order.provider, order.account, order.order_id)

    async def _leave(self) -> None:
        await self._stream.leave()
