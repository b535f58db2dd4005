"""A run: submit and make trouble, wait for quiet, audit."""

import asyncio
import time
from asyncio import Future
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from redis.exceptions import RedisError

from worker.chaos.books import Look, look, patiently, restless
from worker.chaos.evidence import Evidence, Run
from worker.chaos.plan import plan
from worker.chaos.products import PROVIDERS
from worker.chaos.schedule import WORKERS, Kind, Trouble, schedule
from worker.chaos.stories import keep_stories
from worker.chaos.submitting import Submitting
from worker.chaos.troubles import Troubles
from worker.chaos.verdict import Verdict, judge
from worker.chaos.works import NEEDS, Works, set_up, worker_names
from worker.embedded import Keeper

ORDERS_PER_SECOND: Final = 11
"""How fast a run submits that is told no length: what two cores can work off amid the troubles."""
PATIENCE: Final = 100.0
"""Seconds without progress after which a run gives up waiting for quiet."""

_LOOK_EVERY: Final = 0.3
_QUIET_LOOKS: Final = 4
"""So often in a row nothing may be due: something may be on its way between two rooms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a run is to be."""

    orders: int
    seed: int
    workers: int = WORKERS
    kinds: Collection[Kind] = tuple(Kind)
    seconds: float | None = None

    @property
    def length(self) -> float:
        """Over how many seconds intents are submitted, and troubles made."""
        return self.seconds or max(8.0, self.orders / ORDERS_PER_SECOND)

    def troubles(self) -> tuple[Trouble, ...]:
        """What will go wrong."""
        return schedule(
            self.seed,
            self.length,
            workers=worker_names(self.workers),
            providers=PROVIDERS,
            kinds=self.kinds,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How a run stands."""

    reached: int
    """How many entries of the plan were dealt with."""
    planned: int
    look: Look
    under_way: tuple[Trouble, ...]


@dataclass(frozen=True, slots=True)
class Audience:
    """Who watches: ``say`` gets a sentence now and then, ``show`` how it stands, often."""

    say: Callable[[str], None]
    show: Callable[[Progress], None]


@dataclass(slots=True)
class Chaos:
    """A run under way."""

    works: Works
    asked: Asked
    audience: Audience
    started: float = field(default_factory=time.monotonic)
    seen: Look = field(default_factory=Look)
    ended: list[str] = field(default_factory=list)
    longest_lag: float = 0.0
    submitting: Submitting = field(init=False)
    troubles: Troubles = field(init=False)

    def __post_init__(self) -> None:
        works = self.works
        self.submitting = Submitting(works.producers_redis, lambda: self.seen.standing)
        pausings = (self.submitting.pausing, works.forwarder.pausing)
        self.troubles = Troubles(works, pausings, self.audience.say)

    async def play(self) -> Verdict:
        """Do it all, and judge."""
        planned = list(plan(self.asked.seed, self.asked.orders))
        coming = self.asked.troubles()
        self.audience.say(
            f"{len(planned)} entries and {len(coming)} troubles, by seed {self.asked.seed}"
        )
        watching = asyncio.create_task(self._watch(len(planned)))
        storm = asyncio.gather(
            self.submitting.run(planned, self.asked.length), self.troubles.run(coming)
        )
        try:
            gave_up = await self._until_quiet(storm, watching)
        finally:
            await _end(storm, watching)
        seen = await self._evidence(gave_up)
        verdict = judge(seen)
        await keep_stories(
            self.works.db, self.works.vault, seen.ours.orders, verdict, self.works.crew.system.home
        )
        return verdict

    async def _watch(self, planned: int) -> None:
        """Look again and again; restart what ended by itself, and remember that it did."""
        due = time.monotonic()
        while True:
            self.seen = await look(self.works.db) or self.seen
            for end in self.works.crew.ended():
                self.ended.append(str(end))
                self.audience.say(f"{end.name} ended by itself; it is started again")
                await self.works.crew.start(end.name)
            self.audience.show(
                Progress(
                    reached=self.submitting.reached,
                    planned=planned,
                    look=self.seen,
                    under_way=tuple(self.troubles.under_way),
                )
            )
            due = max(due + _LOOK_EVERY, time.monotonic())
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _until_quiet(self, storm: Future[Any], watching: Future[None]) -> str | None:
        """Wait until the storm is over and nothing is due any more; else why we gave up.

        Patience is counted from the last progress, so a backlog that shrinks is waited for.
        """
        moved_at, least, looks = time.monotonic(), self._left(), 0
        while time.monotonic() - moved_at < PATIENCE:
            if watching.done():
                watching.result()
            if storm.done():
                storm.result()
                await self.submitting.follow_up()
                looks = looks + 1 if await self._is_quiet() else 0
                if looks == _QUIET_LOOKS:
                    return None
            if self._left() < least:
                moved_at, least = time.monotonic(), self._left()
            await asyncio.sleep(_LOOK_EVERY)
        return f"no progress for {PATIENCE:g} s: {await restless(self.works.db)}"

    def _left(self) -> int:
        """What becomes less as long as something goes on."""
        to_come = 2 * self.asked.orders - self.submitting.reached - self.seen.accepted
        return to_come + self.seen.standing.open_orders + self.seen.owed

    async def _is_quiet(self) -> bool:
        held = self.works.forwarder.held + self.submitting.held
        with suppress(RedisError, OSError):
            fresh = await look(self.works.db)
            at_rest = fresh is not None and fresh.quiet and not held
            return at_rest and await self.works.in_streams() == 0
        return False

    async def _evidence(self, gave_up: str | None) -> Evidence:
        seconds = time.monotonic() - self.started
        works = self.works
        self.audience.say("Auditing")
        return Evidence(
            sent=self.submitting.sent,
            unsure=frozenset(self.submitting.unsure),
            ours=await patiently(works.db, NEEDS),
            theirs={remote: works.sandbox.books.rows(remote) for remote in PROVIDERS},
            received=works.receiver.received,
            left_in_streams=await works.in_streams(),
            run=Run(
                seed=self.asked.seed,
                wanted=self.asked.orders,
                troubles={str(kind): n for kind, n in sorted(self.troubles.happened.items())},
                kills=self.troubles.kills,
                callbacks=works.forwarder.counts,
                ended=self.ended,
                gave_up=gave_up,
                longest_lag=self.longest_lag,
                seconds=seconds,
            ),
        )


async def _end(*tasks: Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def run(keeper: Keeper, home: Path, asked: Asked, audience: Audience) -> Verdict:
    """Play a run on these servers, which it destroys; ``home`` takes the logs."""
    async with set_up(
        keeper, home, seed=asked.seed, workers=asked.workers, say=audience.say
    ) as works:
        chaos = Chaos(works, asked, audience)
        lagging = asyncio.create_task(_lag(chaos))
        try:
            return await chaos.play()
        finally:
            lagging.cancel()
            audience.say("Stopping everything")


async def _lag(chaos: Chaos) -> None:
    """Measure how long this process's loop stands still."""
    while True:
        before = time.monotonic()
        await asyncio.sleep(0.05)
        chaos.longest_lag = max(chaos.longest_lag, time.monotonic() - before - 0.05)
