"""The pace of one account in one process: who may call next, and when a call leaves.

A grant is taken from the account's rate before anything is claimed, so that an order over the
limit just stays due. Whoever needs a further one waits for it in line, before claims get any.
"""

import asyncio
from datetime import timedelta
from typing import Final

from worker.outcome import NotSent
from worker.rates import Bucket, Taken
from worker.supervisor import Supervisor

_FRESH: Final = 0.1
"""Seconds after which an unused grant is not given back: a hoard, let go, would break the limit."""
_GATHER: Final = 0.01
_CATCH_UP: Final = 1.02
"""By which share calls may leave faster than the rate: what was held up must once be through."""
_LONGEST_GAP: Final = 0.25


class Pace:
    """Gives out an account's grants; ``patience`` is how long somebody in line waits for one."""

    def __init__(self, bucket: Bucket, supervisor: Supervisor, patience: timedelta) -> None:
        self._bucket = bucket
        self._supervisor = supervisor
        self._patience = patience.total_seconds()
        self._line = asyncio.Lock()
        self._waiting = 0
        self._unused = 0
        self._next = 0.0

    async def take(self, most: int) -> Taken:
        """Grants for orders to be claimed; none while somebody waits in line."""
        if self._waiting:
            return Taken(0, 1 / self._bucket.rate)
        return await self._bucket.take(most)

    async def turn(self) -> NotSent | None:
        """Wait in line for one grant; why there is none, where that takes too long."""
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience), self._line:
                await self._one()
        except TimeoutError:
            return NotSent("the account's rate left no room for one more call")
        finally:
            self._waiting -= 1
        return None

    def give_back(self, count: int) -> None:
        """Return grants that were taken just now, together with what else comes back soon."""
        if count and not self._unused:
            asyncio.get_running_loop().call_later(_GATHER, self._put_back)
        self._unused += count

    async def depart(self) -> None:
        """Wait until a call may leave: grants come in bursts, the provider sees them evenly."""
        now = asyncio.get_running_loop().time()
        at = min(max(self._next, now), now + _LONGEST_GAP)
        self._next = at + 1 / (self._bucket.rate * _CATCH_UP)
        if at > now:
            await asyncio.sleep(at - now)

    async def _one(self) -> None:
        taken = await self._bucket.take(1)
        while not taken.count:
            await asyncio.sleep(taken.again_in)
            taken = await self._bucket.take(1)

    def _put_back(self) -> None:
        count, self._unused = self._unused, 0
        self._supervisor.spawn(self._bucket.put_back(count), "grants")


class Grant:
    """What an order was claimed with: leave to make one call."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._spent = False
        self._taken_at = asyncio.get_running_loop().time()

    def spend(self) -> bool:
        """Use it; whether it was there to be used."""
        spent, self._spent = self._spent, True
        return not spent

    def close(self) -> None:
        """Give it back, if no call was made with it."""
        fresh = asyncio.get_running_loop().time() - self._taken_at <= _FRESH
        if self.spend() and fresh:
            self._pace.give_back(1)
