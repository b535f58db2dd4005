"""Reading a stream for as long as the worker runs: what the intake and the callbacks share.

One round at a time: read, commit, remove from the stream, ring. A failure anywhere before the
removal leaves the entries where they are; an outage is waited out.
"""

import asyncio
from abc import ABC, abstractmethod
from typing import ClassVar, Final

from redis.exceptions import RedisError

from tasks.engine import EngineThread
from worker.logs import get_logger
from worker.store.session import is_transient
from worker.supervisor import pause

log = get_logger(__name__)

LEFT_BEHIND_MS: Final = 10_000
"""Age from which an entry that was read and not removed is believed left behind."""
BLOCK_MS: Final = 1000
"""How long one read waits for the first entry."""
RECOVER: Final = 5.0
"""Seconds between two looks for what was left behind."""

_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 5.0


class Reader(ABC):
    """One process's consumer of some streams. Rounds are the subclass's."""

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

    @abstractmethod
    async def _round(self) -> None:
        """Read what is there, or wait a little for something; commit it; remove it; ring."""

    @abstractmethod
    async def _leave(self) -> None:
        """Take the consumer out of its groups."""

    def _recovers_now(self) -> bool:
        """Whether it is time to look for what was left behind."""
        return self._rt.clock.monotonic() - self._recovered > RECOVER

    def _recovered_all(self) -> None:
        self._recovered = self._rt.clock.monotonic()
