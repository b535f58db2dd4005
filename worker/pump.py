"""The pump: keeps a number of permits busy with due rows, and claims no more than are free.

A bell only wakes it. What to do comes from the database, so a lost, doubled or late bell is
harmless, and waiting for a permit costs nothing: an order over the limit just stays due.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Generic, TypeVar
from uuid import UUID

from worker.logs import get_logger
from worker.store.session import is_transient
from worker.supervisor import Supervisor

Item = TypeVar("Item")

log = get_logger(__name__)

_FIRST_WAIT = 0.1
_LONGEST_WAIT = 5.0


class Pump(Generic[Item]):
    """Claims rows by ``claim(free)`` and works on each by ``work(item)``, ``permits`` at once.

    ``work`` gives one word for what came of it; ``name_of`` gives a row's id.
    """

    def __init__(
        self,
        name: str,
        *,
        permits: int,
        claim: Callable[[int], Awaitable[Sequence[Item]]],
        work: Callable[[Item], Awaitable[str]],
        name_of: Callable[[Item], UUID],
        supervisor: Supervisor,
    ) -> None:
        self.name = name
        self.free = permits
        self._claim = claim
        self._work = work
        self._name_of = name_of
        self._supervisor = supervisor
        self._bell = asyncio.Event()
        self._more_due = False
        self._stopping = False
        self._rounds: list[asyncio.Future[None]] = []
        self._working: dict[UUID, asyncio.Future[str]] = {}

    @property
    def working(self) -> int:
        """How many rows are being worked on."""
        return len(self._working)

    def ring(self) -> None:
        """Something may be due."""
        self._bell.set()

    def stop(self) -> None:
        """Claim nothing from now on; what is claimed is worked on to its end."""
        self._stopping = True
        self._bell.set()
        self._end_round()

    def reserve(self, wanted: int) -> bool:
        """Take this many permits for rows that are about to be leased here, or none."""
        if self._stopping or wanted > self.free:
            return False
        self.free -= wanted
        return True

    def give_back(self, permits: int) -> None:
        """Return reserved permits that were not needed."""
        self.free += permits
        if permits and self._more_due:
            self._bell.set()

    def start(self, item: Item) -> None:
        """Work on a row whose lease and permit are held already."""
        name = self._name_of(item)
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._working[name] = done
        self._supervisor.spawn(self._run(item, name, done), f"{self.name}:{name}")

    async def see(self, names: Iterable[UUID]) -> Counter[str]:
        """Ring, and wait for those of these rows that were claimed here.

        Rows that found no free permit, or that another worker holds, count as ``waiting``: so a
        caller never waits for a permit.
        """
        wanted = set(names)
        if self.free > 0 and not self._stopping:
            round_over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._rounds.append(round_over)
            self.ring()
            await round_over
        mine = [done for name in wanted if (done := self._working.get(name)) is not None]
        words = Counter(await asyncio.gather(*(asyncio.shield(done) for done in mine)))
        if waiting := len(wanted) - len(mine):
            words["waiting"] = waiting
        return words

    async def run(self) -> None:
        """Claim and work until stopped."""
        wait = _FIRST_WAIT
        while not self._stopping:
            await self._bell.wait()
            self._bell.clear()
            try:
                await self._claim_due()
                wait = _FIRST_WAIT
            except Exception as error:
                # Whatever it is: a pump that ended would leave its rows due for ever.
                log.warning(
                    "claim_failed",
                    task=self.name,
                    error=type(error).__name__,
                    retry_in=wait,
                    exc_info=None if is_transient(error) else error,
                )
                await asyncio.sleep(wait)
                wait = min(wait * 2, _LONGEST_WAIT)
                self._bell.set()
            finally:
                self._end_round()

    async def _claim_due(self) -> None:
        while self.free > 0 and not self._stopping:
            asked = self.free
            self.free = 0
            claimed: Sequence[Item] = ()
            try:
                claimed = await self._claim(asked)
            finally:
                self.free += asked - len(claimed)
            self._more_due = len(claimed) == asked
            for item in claimed:
                self.start(item)
            if not self._more_due:
                return

    async def _run(self, item: Item, name: UUID, done: asyncio.Future[str]) -> None:
        word = "failed"
        try:
            word = await self._work(item)
        finally:
            self._working.pop(name, None)
            done.set_result(word)
            self.give_back(1)

    def _end_round(self) -> None:
        rounds, self._rounds = self._rounds, []
        for over in rounds:
            if not over.done():
                over.set_result(None)
