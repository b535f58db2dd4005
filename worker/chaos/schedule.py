"""What goes wrong, and when: a pure function of the seed. Seconds count from the first intent."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final


class Kind(StrEnum):
    """A kind of trouble."""

    KILL_WORKER = "kill-worker"
    """A worker is killed (SIGKILL); another one starts in its place."""
    STOP_WORKER = "stop-worker"
    """A worker stands still (SIGSTOP) until its leases are long over, and goes on (SIGCONT)."""
    RESTART_WORKER = "restart-worker"
    """A worker is asked to end (SIGTERM) amid its work, as at a deployment; another one starts."""
    KILL_BEAT = "kill-beat"
    """Beat is killed (SIGKILL), and started again later."""
    RESTART_POSTGRES = "restart-postgres"
    """PostgreSQL shuts down fast, ending every session, and starts again."""
    CRASH_POSTGRES = "crash-postgres"
    """PostgreSQL is killed (SIGKILL), recovers and goes on."""
    CRASH_REDIS = "crash-redis"
    """Redis is killed (SIGKILL), and reads its append-only file again."""
    WIPE_REDIS = "wipe-redis"
    """Redis is emptied (FLUSHALL), once everything that was acknowledged has been taken in."""
    HOLE_POSTGRES = "blackhole-postgres"
    """The connections to PostgreSQL become a black hole; new ones work."""
    HOLE_REDIS = "blackhole-redis"
    """The connections to Redis become a black hole; new ones work."""
    REFUSE_PROVIDER = "refuse-provider"
    """A provider's port is closed; its open connections are reset."""
    DARK_PROVIDER = "dark-provider"
    """A provider takes every request and never answers."""
    FAIL_PROVIDER = "fail-provider"
    """A provider answers everything with 503."""


TO_A_WORKER: Final = frozenset({Kind.KILL_WORKER, Kind.STOP_WORKER, Kind.RESTART_WORKER})
"""What happens to one of the workers."""
TO_A_PROVIDER: Final = frozenset({Kind.REFUSE_PROVIDER, Kind.DARK_PROVIDER, Kind.FAIL_PROVIDER})
"""What happens to one of the providers."""

LASTING: Final[Mapping[Kind, tuple[float, float]]] = {
    Kind.STOP_WORKER: (5.0, 9.0),
    Kind.KILL_BEAT: (1.0, 6.0),
    Kind.HOLE_POSTGRES: (4.0, 8.0),
    Kind.HOLE_REDIS: (4.0, 8.0),
    Kind.REFUSE_PROVIDER: (2.0, 6.0),
    Kind.DARK_PROVIDER: (3.0, 8.0),
    Kind.FAIL_PROVIDER: (2.0, 6.0),
}
"""The least and the most seconds of those that last; the others are over as soon as they can be."""

WORKERS: Final = 3
"""How many workers there are, unless somebody wants more or fewer."""
FIRST: Final = 1.5
"""Seconds before the first trouble, so that it meets some work."""
GAP: Final = (1.5, 4.5)
"""The least and the most seconds from one trouble's beginning to the next one's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One trouble. ``target`` is a worker's or a provider's name, or nothing."""

    at: float
    kind: Kind
    lasts: float = 0.0
    target: str = ""

    @property
    def ends(self) -> float:
        """When it is over."""
        return self.at + self.lasts

    def __str__(self) -> str:
        lasts = f" for {self.lasts:.1f} s" if self.lasts else ""
        return f"{self.kind}{f' {self.target}' if self.target else ''}{lasts}"


def schedule(
    seed: int,
    seconds: float,
    *,
    workers: Sequence[str],
    providers: Sequence[str],
    kinds: Collection[Kind] = tuple(Kind),
) -> tuple[Trouble, ...]:
    """The troubles of a run, in the order of their beginnings; all are over by ``seconds``.

    Kinds come from a shuffled deck that is dealt to its end before it is shuffled anew: so no
    kind is missing from a long run, and none is rare.
    """
    chance = Random(f"troubles {seed}")  # noqa: S311 -- repeatable on purpose, nothing secret
    troubles: list[Trouble] = []
    at = FIRST
    for kind in _deal(chance, [kind for kind in Kind if kind in kinds]):
        lasts = round(chance.uniform(*LASTING[kind]), 1) if kind in LASTING else 0.0
        target = _target(chance, kind, workers, providers)
        pause = chance.uniform(*GAP)
        if at > seconds:
            break
        if at + lasts <= seconds:
            troubles.append(Trouble(at=round(at, 1), kind=kind, lasts=lasts, target=target))
            at += pause
        else:
            at += GAP[0]  # a shorter one may still fit
    return tuple(trouble for trouble in troubles if trouble.ends <= seconds)


def _deal(chance: Random, kinds: Sequence[Kind]) -> Iterator[Kind]:
    while kinds:
        deck = list(kinds)
        chance.shuffle(deck)
        yield from deck


def _target(chance: Random, kind: Kind, workers: Sequence[str], providers: Sequence[str]) -> str:
    if kind in TO_A_WORKER:
        return chance.choice(workers)
    return chance.choice(providers) if kind in TO_A_PROVIDER else ""
