"""Reading a stream for as long as the worker runs: what the intake and the callbacks share.

One round at a time: read, commit, remove from the stream, ring. A failure anywhere before the
removal leaves the entries where they are; an outage is waited out.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Final, Generic, TypeVar

from redis.exceptions import RedisError

from schemas.ids import OrderId
from schemas.jobs import OrderBell
from tasks.engine import EngineThread
from worker.logs import get_logger
from worker.store.session import is_transient
from worker.supervisor import pause

log = get_logger(__name__)

AnyEntry = TypeVar("AnyEntry")

LEFT_BEHIND_MS: Final = 10_000
"""Age from which an entry that was read and not removed is believed left behind."""
BLOCK_MS: Final = 1000
"""How long one read waits for the first entry."""
RECOVER: Final = 5.0
"""Seconds between two looks for what was left behind."""

_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 5.0


class Reader(ABC, Generic[AnyEntry]):
    """One process's consumer of some streams, whose entries are the subclass's to take in."""

    door: ClassVar[str]
    """What the worker's pulse calls it."""
    waits: ClassVar[str]
    """The log's word for an outage that it waits out."""
    failed: ClassVar[str]
    """The log's word for a fault of ours; it goes on all the same."""

    def __init__(self, thread: EngineThread, left_behind_ms: int = LEFT_BEHIND_MS) -> None:
        self._thread = thread
        self._rt = thread.engine.rt
        self._left_behind_ms = left_behind_ms
        self._stopping = asyncio.Event()
        self._recovered = float("-inf")
        thread.engine.pulse.got_through(self.door)  # counted from the start

    async def run(self) -> None:
        """Take in until stopped."""
        wait = _FIRST_WAIT
        while not self._stopping.is_set():
            try:
                await self._round()
                self._thread.engine.pulse.got_through(self.door)
                wait = _FIRST_WAIT
            except Exception as error:
                if isinstance(error, RedisError) or is_transient(error):
                    log.warning(self.waits, error=type(error).__name__, retry_in=wait)
                else:
                    log.exception(self.failed, retry_in=wait)
                await pause(wait, until=self._stopping)
                wait = min(wait * 2, _LONGEST_WAIT)
        try:
            await self._leave()
        except RedisError:
            log.info("consumer_left_behind", worker=self._rt.worker)

    def stop(self) -> None:
        """End after the round under way."""
        self._stopping.set()

    async def _round(self) -> None:
        """One batch: what was left behind, every now and then; else what is new, soon."""
        if entries := await self._next():
            await self._take_in(entries)

    async def _next(self) -> Sequence[AnyEntry]:
        count = self._rt.settings.intake_batch
        if self._rt.clock.monotonic() - self._recovered > RECOVER:
            found = await self._left_behind(count)
            if len(found) < count:
                self._recovered = self._rt.clock.monotonic()
            if found:
                return found
        return await self._read(count)

    def _ring(self, task: str, provider: str, account: str, order_id: OrderId) -> None:
        """Look here at once; the bell calls the others, and shows in Flower what there is to do."""
        self._thread.engine.look(provider, account)
        self._thread.publisher.ring(
            OrderBell(task=task, provider=provider, account=account, order_ids=(order_id,))
        )

    @abstractmethod
    async def _left_behind(self, count: int) -> Sequence[AnyEntry]:
        """Up to ``count`` entries that another worker read and did not remove."""

    @abstractmethod
    async def _read(self, count: int) -> Sequence[AnyEntry]:
        """About ``count`` new entries; waits up to ``BLOCK_MS`` for the first."""

    @abstractmethod
    async def _take_in(self, entries: Sequence[AnyEntry]) -> None:
        """Commit the entries, remove them from their stream, and ring for what is due."""

    @abstractmethod
    async def _leave(self) -> None:
        """Take the consumer out of its groups."""
