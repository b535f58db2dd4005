"""The pace of one account in one process: who may call next, and when a call leaves.

Grants are taken from the account's rate before anything is claimed, so that an order over the
limit just stays due. Whoever needs a further one waits for it in line, before claims get any.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from worker.outcome import NotSent
from worker.rates import LONGEST_WAIT, Bucket
from worker.supervisor import Supervisor, pause

_FRESH: Final = 0.1
"""Seconds after its moment in which an unused grant is given back: a hoard, let go, would break the
limit."""
_FORGOTTEN: Final = 1.0
"""Seconds after which a grant in hand is nobody's any more: a question was not asked after all."""
_GATHER: Final = 0.01
_CATCH_UP: Final = 1.03
"""By which share calls may leave faster than the rate: what was held up must once be through."""
_LATE: Final = 0.05
"""Seconds after its moment from which a call is too late: twenty of them are a second's worth."""
_LONGEST_STAY: Final = 1.0
"""A call is never held longer before it leaves: its attempt is open."""


class Pace:
    """Gives out an account's grants; ``patience`` is how long somebody in line waits for one.

    No more than ``permits`` are ever in use; ``held`` are, by orders whose call is still to leave.
    """

    def __init__(
        self, bucket: Bucket, supervisor: Supervisor, patience: timedelta, permits: int
    ) -> None:
        self._bucket = bucket
        self._supervisor = supervisor
        self._patience = patience.total_seconds()
        self._plenty = min(bucket.ahead, permits) // 2
        self._late = max(_LATE, 0.5 / bucket.rate)
        self._line = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._waiting = 0
        self.held = 0
        self._in_hand: deque[float] = deque()
        self._returning = 0
        self._next = 0.0

    async def take(self, most: int) -> tuple[int, float]:
        """How many orders may be claimed, and in how many seconds to ask for more.

        None while somebody waits in line, or while there is enough in hand: orders are not claimed
        one by one.
        """
        if self._waiting:
            return 0, min(1 / self._bucket.rate, LONGEST_WAIT)
        while self._in_hand and self._in_hand[0] < _now() - _FORGOTTEN:
            self._in_hand.popleft()
        spare = self.held + len(self._in_hand) - self._plenty
        if spare > 0:
            return 0, min(spare / self._bucket.rate, LONGEST_WAIT)
        return await self._fetch(most)

    async def wait(self) -> NotSent | None:
        """Wait in line for one grant; why there is none, where that takes too long."""
        return await self._wait(self._patience)

    def stop(self) -> None:
        """Keep nobody waiting in line any more."""
        self._stopping.set()

    def hold(self) -> float:
        """Take the next grant in hand, by its moment; whoever has it uses it, or gives it back."""
        self.held += 1
        return self._in_hand.popleft() if self._in_hand else _now()

    def leave(self, count: int) -> None:
        """Give back the last so many grants in hand: there was nothing to be claimed with them."""
        count = min(count, len(self._in_hand))
        self.give_back([self._in_hand.pop() for _ in range(count)])

    def give_back(self, moments: Iterable[float | None]) -> None:
        """Return grants that were not used, together with what else comes back soon."""
        oldest = _now() - _FRESH
        fresh = sum(moment is not None and moment >= oldest for moment in moments)
        if fresh and not self._returning:
            asyncio.get_running_loop().call_later(_GATHER, self._put_back)
        self._returning += fresh

    async def depart(self, moment: float | None = None) -> NotSent | None:
        """Wait for a grant's moment, and until the call before is well away; why it may not leave.

        Whoever was held up for longer than the provider might notice needs another grant: others
        have theirs now. Nobody waits long for it: an attempt is open.
        """
        if moment is None and self._in_hand:
            moment = self._in_hand.popleft()
        if moment is not None and _now() - moment > self._late:
            refused = await self._wait(_LONGEST_STAY)
            if refused is not None:
                return refused
            moment = self._in_hand.popleft() if self._in_hand else None
        now = _now()
        at = min(max(moment or now, self._next, now), now + _LONGEST_STAY)
        self._next = at + 1 / (self._bucket.rate * _CATCH_UP)
        if at > now:
            await asyncio.sleep(at - now)
        return None

    async def _wait(self, patience: float) -> NotSent | None:
        self._waiting += 1
        try:
            async with asyncio.timeout(patience), self._line:
                return None if await self._one() else NotSent("the worker is stopping")
        except TimeoutError:
            return NotSent("the account's rate left no room for one more call")
        finally:
            self._waiting -= 1

    async def _fetch(self, most: int) -> tuple[int, float]:
        taken = await self._bucket.take(most)
        now = _now()
        self._in_hand.extend(now + wait for wait in taken.waits)
        return len(taken.waits), taken.again_in

    async def _one(self) -> bool:
        count, again_in = await self._fetch(1)
        while not count and not self._stopping.is_set():
            await pause(again_in, until=self._stopping)
            count, again_in = await self._fetch(1)
        return bool(count)

    def _put_back(self) -> None:
        count, self._returning = self._returning, 0
        self._supervisor.spawn(self._bucket.put_back(count), "grants")


class Grant:
    """Leave to make one call: what an order was claimed with, or waited for after that."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._moment: float | None = pace.hold()

    async def ensure(self) -> NotSent | None:
        """See that there is one; why there is none."""
        if self._moment is not None:
            return None
        late = await self._pace.wait()
        if late is None:
            self._moment = self._pace.hold()
        return late

    async def depart(self) -> NotSent | None:
        """Use it for a call that leaves now; why it may not."""
        return await self._pace.depart(self._let_go())

    def close(self) -> None:
        """Give it back, if no call was made with it."""
        if self._moment is not None:
            self._pace.give_back([self._let_go()])

    def _let_go(self) -> float | None:
        moment, self._moment = self._moment, None
        if moment is not None:
            self._pace.held -= 1
        return moment


def _now() -> float:
    return asyncio.get_running_loop().time()
