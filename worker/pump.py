"""The pump: keeps a number of permits busy with due rows, and claims no more than are free.

A bell only wakes it. What to do comes from the database, so a lost, doubled or late bell is
harmless, and waiting for a permit costs nothing: an order over the limit just stays due.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, Generic, TypeVar
from uuid import UUID

from worker.logs import get_logger
from worker.store.session import is_transient
from worker.supervisor import Supervisor, pause

Item = TypeVar("Item")

log = get_logger(__name__)

WAITING: Final = "waiting"
"""The word for a row that may be due, and that nobody works on here."""

_FIRST_WAIT = 0.1
_LONGEST_WAIT = 5.0


class Pump(Generic[Item]):
    """Claims rows by ``claim(free)`` and works on each by ``work(item)``, ``permits`` at once.

    ``work`` gives one word for what came of it; ``name_of`` gives a row's id. While it claims, so
    many permits as are ``kept`` can be reserved all the same, if they are free.
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
        kept: int = 0,
    ) -> None:
        self.name = name
        self.free = permits
        self._kept = kept
        self._claim = claim
        self._work = work
        self._name_of = name_of
        self._supervisor = supervisor
        self._bell = asyncio.Event()
        self._claiming = False
        self._asked = 0
        self._more_due = False
        self._stopping = asyncio.Event()
        self._next_round: list[asyncio.Future[None]] = []
        self._working: dict[UUID, asyncio.Future[str]] = {}
        self._moved_at = asyncio.get_running_loop().time()

    @property
    def working(self) -> int:
        """How many rows are being worked on."""
        return len(self._working)

    @property
    def idle(self) -> int:
        """How many permits no row has, also while a claim looks for rows for them."""
        return self.free + self._asked

    @property
    def full(self) -> bool:
        """Whether every permit is held by a row, so that none can be claimed."""
        return self.free <= 0 and not self._claiming

    @property
    def silent(self) -> float:
        """Seconds since a claim came back, or the work on a row ended."""
        return asyncio.get_running_loop().time() - self._moved_at

    def ring(self) -> None:
        """Something may be due."""
        self._bell.set()

    def stop(self) -> None:
        """Claim nothing from now on; what is claimed is worked on to its end."""
        self._stopping.set()
        self._bell.set()
        _answer(self._next_round)

    def reserve(self, wanted: int) -> bool:
        """Take this many permits for rows that are about to be leased here, or none."""
        if self._stopping.is_set() or wanted > self.free:
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
        if wanted and self.at_work_on(wanted) == wanted:
            return await self._words(wanted)
        self.ring()
        if (self.free > 0 or self._claiming) and not self._stopping.is_set():
            round_over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._next_round.append(round_over)
            await round_over
        mine = self.at_work_on(wanted)
        words = await self._words(mine)
        if waiting := len(wanted) - len(mine):
            words[WAITING] = waiting
        return words

    def at_work_on(self, names: Iterable[UUID]) -> set[UUID]:
        """Those of these rows that are being worked on here."""
        return {name for name in names if name in self._working}

    async def _words(self, names: Iterable[UUID]) -> Counter[str]:
        works = [asyncio.shield(self._working[name]) for name in names]
        return Counter(await asyncio.gather(*works))

    async def run(self) -> None:
        """Claim and work until stopped."""
        wait = _FIRST_WAIT
        while not self._stopping.is_set():
            await self._bell.wait()
            self._bell.clear()
            rang, self._next_round = self._next_round, []
            try:
                await self._claim_due()
            except Exception as error:
                # Whatever it is: a pump that ended would leave its rows due for ever.
                log.warning(
                    "claim_failed",
                    task=self.name,
                    error=type(error).__name__,
                    retry_in=wait,
                    exc_info=None if is_transient(error) else error,
                )
                _answer(rang)
                await pause(wait, until=self._stopping)
                wait = min(wait * 2, _LONGEST_WAIT)
                self._bell.set()
            else:
                wait = _FIRST_WAIT
            finally:
                _answer(rang)

    async def _claim_due(self) -> None:
        self._more_due = True  # for all we know, until a claim comes back short
        while self.free > 0 and not self._stopping.is_set():
            asked = self.free - self._kept if self.free > self._kept else self.free
            self.free, self._asked = self.free - asked, asked
            self._claiming = True
            claimed: Sequence[Item] = ()
            try:
                claimed = await self._claim(asked)
                self._moved()
            finally:
                self._claiming = False
                self.free, self._asked = self.free + asked - len(claimed), 0
            for item in claimed:
                self.start(item)
            if len(claimed) < asked:
                self._more_due = False
                return

    async def _run(self, item: Item, name: UUID, done: asyncio.Future[str]) -> None:
        word = "failed"
        try:
            word = await self._work(item)
        finally:
            self._working.pop(name, None)
            self._moved()
            done.set_result(word)
            self.give_back(1)

    def _moved(self) -> None:
        self._moved_at = asyncio.get_running_loop().time()


def _answer(bells: Iterable[asyncio.Future[None]]) -> None:
    """Tell those who rang that the claim they rang for is over."""
    for bell in bells:
        if not bell.done():
            bell.set_result(None)
