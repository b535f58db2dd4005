"""Makes the troubles of a schedule, each at its moment."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from redis.exceptions import RedisError

from worker.chaos.pausing import Pausing
from worker.chaos.schedule import Kind, Trouble
from worker.chaos.works import Works
from worker.demo.crew import BEAT
from worker.embedded import POSTGRES, REDIS, How
from worker.sandbox import Outage

DRAINED_WITHIN: Final = 40.0
"""Seconds after which a wipe is given up: what is acknowledged and not taken in must not go."""

_LOOK_EVERY: Final = 0.05
_SIGKILLS: Final = frozenset(
    {Kind.KILL_WORKER, Kind.KILL_BEAT, Kind.CRASH_POSTGRES, Kind.CRASH_REDIS}
)
_OUTAGES: Final = {
    Kind.REFUSE_PROVIDER: Outage.REFUSE,
    Kind.DARK_PROVIDER: Outage.DARK,
    Kind.FAIL_PROVIDER: Outage.UNAVAILABLE,
}

_Make = Callable[[Trouble], Awaitable[None]]


class Troubles:
    """Makes troubles. ``pausings`` hold back whoever puts something on a stream."""

    def __init__(
        self, works: Works, pausings: Sequence[Pausing], say: Callable[[str], None]
    ) -> None:
        self.happened: Counter[Kind] = Counter()
        self.under_way: list[Trouble] = []
        self._works = works
        self._pausings = pausings
        self._say = say
        self._one_at_a_time: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._makes: Mapping[Kind, _Make] = {
            Kind.KILL_WORKER: self._kill_worker,
            Kind.STOP_WORKER: self._stop_worker,
            Kind.RESTART_WORKER: self._restart_worker,
            Kind.KILL_BEAT: self._kill_beat,
            Kind.RESTART_POSTGRES: lambda _: self._restart(POSTGRES, How.STOP),
            Kind.CRASH_POSTGRES: lambda _: self._restart(POSTGRES, How.KILL),
            Kind.CRASH_REDIS: lambda _: self._restart(REDIS, How.KILL),
            Kind.WIPE_REDIS: self._wipe_redis,
            Kind.HOLE_POSTGRES: lambda it: self._works.to_postgres.black_hole(it.lasts),
            Kind.HOLE_REDIS: lambda it: self._works.to_redis.black_hole(it.lasts),
            **dict.fromkeys(_OUTAGES, self._outage),
        }

    @property
    def kills(self) -> int:
        """How many processes were killed (SIGKILL)."""
        return sum(self.happened[kind] for kind in _SIGKILLS)

    async def run(self, schedule: Sequence[Trouble]) -> None:
        """Make every trouble at its moment; returns when all are over."""
        begun = time.monotonic()
        async with asyncio.TaskGroup() as making:
            for trouble in schedule:
                await asyncio.sleep(begun + trouble.at - time.monotonic())
                making.create_task(self._make(trouble))

    async def _make(self, trouble: Trouble) -> None:
        self._say(str(trouble))
        self.under_way.append(trouble)
        try:
            await self._makes[trouble.kind](trouble)
        finally:
            self.under_way.remove(trouble)
        if trouble.kind is not Kind.WIPE_REDIS:
            self.happened[trouble.kind] += 1

    @asynccontextmanager
    async def _alone_with(self, name: str) -> AsyncIterator[None]:
        """Do something to a process that nothing else is done to, once it is there."""
        async with self._one_at_a_time[name]:
            while name not in self._works.crew.running:  # noqa: ASYNC110 -- it ended by itself
                await asyncio.sleep(_LOOK_EVERY)
            yield

    async def _kill_worker(self, trouble: Trouble) -> None:
        async with self._alone_with(trouble.target):
            self._works.crew.kill(trouble.target)
            await self._works.crew.start(trouble.target)

    async def _restart_worker(self, trouble: Trouble) -> None:
        async with self._alone_with(trouble.target):
            self._works.crew.retire(trouble.target)
            await self._works.crew.start(trouble.target)

    async def _stop_worker(self, trouble: Trouble) -> None:
        async with self._alone_with(trouble.target):
            go_on = self._works.crew.halt(trouble.target)
        try:
            await asyncio.sleep(trouble.lasts)
        finally:
            go_on()

    async def _kill_beat(self, trouble: Trouble) -> None:
        async with self._alone_with(BEAT):
            self._works.crew.kill(BEAT)
            await asyncio.sleep(trouble.lasts)
            await self._works.crew.start(BEAT)

    async def _restart(self, server: str, how: How) -> None:
        async with self._one_at_a_time[server]:
            await asyncio.to_thread(self._works.keeper.restart, server, how)

    async def _outage(self, trouble: Trouble) -> None:
        mode = _OUTAGES[trouble.kind]
        async with self._one_at_a_time[trouble.target]:
            await self._works.sandbox.outage(trouble.target, mode)
            try:
                await asyncio.sleep(trouble.lasts)
            finally:
                await self._works.sandbox.outage(trouble.target, seconds=0)

    async def _wipe_redis(self, trouble: Trouble) -> None:
        """Empty Redis while nothing acknowledged is in it only."""
        async with self._one_at_a_time[trouble.kind], AsyncExitStack() as stack:
            for pausing in self._pausings:
                await stack.enter_async_context(pausing.pause())
            give_up_at = time.monotonic() + DRAINED_WITHIN
            while time.monotonic() < give_up_at:
                if await self._wiped():
                    self.happened[trouble.kind] += 1
                    return
                await asyncio.sleep(_LOOK_EVERY)
        self._say(f"{trouble.kind} was given up: the streams were not drained in time")

    async def _wiped(self) -> bool:
        """Whether everything was taken in, and Redis is empty now."""
        try:
            if await self._works.in_streams():
                return False
            await self._works.redis.flushall()
        except (RedisError, OSError):  # it is being restarted, too
            return False
        return True
