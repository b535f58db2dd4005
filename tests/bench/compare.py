"""All systems beside each other, in rounds, interleaved: all meet each spell of the machine."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.bench.figures import Drain, Steady, Summary, summary
from tests.bench.ground import Ground
from tests.bench.measuring import Numbers, drain, steady, warm
from tests.bench.systems import system_class
from tests.bench.systems.base import System, SystemDied
from tests.bench.targets import Key

Tell = Callable[[Drain | Steady | str], None]
"""Takes a figure, or a word about how far it has come."""

_LEAST: Final = 90
_WITHIN: Final = 4.0
"""How many times as long as it should a drain may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be measured. A drain is sized to take about ``seconds``."""

    systems: Sequence[str]
    rounds: int
    latencies: Sequence[float]
    seconds: float
    steady_rate: float
    steady_seconds: float


@dataclass(slots=True)
class Findings:
    """All that was measured."""

    drains: list[Drain] = field(default_factory=list)
    steady: list[Steady] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def summaries(self) -> dict[Key, Summary]:
        """Medians by system and latency, in the order of measuring."""
        heaps: dict[Key, list[Drain]] = {}
        for each in self.drains:
            heaps.setdefault((each.system, each.latency), []).append(each)
        return {key: summary(heap) for key, heap in heaps.items()}

    def steady_by(self) -> dict[Key, list[Steady]]:
        """Steady loads by system and latency."""
        heaps: dict[Key, list[Steady]] = {}
        for each in self.steady:
            heaps.setdefault((each.system, each.latency), []).append(each)
        return heaps

    def rate(self, kind: type[System], latency: float) -> float:
        """How fast a system was, or how fast it is thought to be."""
        known = [e.rate for e in self.drains if (e.system, e.latency) == (kind.name, latency)]
        return max(known) if known else kind.guess.get(latency, min(kind.guess.values()))


def compare(ground: Ground, plan: Plan, tell: Tell) -> Findings:
    """Measure everything of a plan; ``tell`` gets each figure as it is known.

    A system that fails in a round is told of, and measured again in the next one. Where it is
    interrupted (Ctrl-C), what was measured until then is kept.
    """
    findings = Findings()
    try:
        asyncio.run(_compare(ground, plan, findings, tell))
    except KeyboardInterrupt:
        tell("Interrupted: these are the figures so far")
    return findings


async def _compare(ground: Ground, plan: Plan, findings: Findings, tell: Tell) -> None:
    numbers = Numbers()
    for number in range(1, plan.rounds + 1):
        tell(f"Round {number} of {plan.rounds}")
        for name in plan.systems:
            try:
                await _measure(system_class(name), ground, plan, findings, numbers, tell)
            except (SystemDied, TimeoutError) as error:
                findings.failed.append(str(error))
                tell(f"{name} failed: {error}")


async def _measure(
    kind: type[System],
    ground: Ground,
    plan: Plan,
    findings: Findings,
    numbers: Numbers,
    tell: Tell,
) -> None:
    system = kind(ground)
    async with system.running():
        await warm(system, numbers)
        for latency in plan.latencies:
            wanted = round(findings.rate(kind, latency) * plan.seconds)
            orders = numbers.take(max(_LEAST, wanted))
            drained = await drain(system, orders, latency, plan.seconds * _WITHIN)
            findings.drains.append(drained)
            tell(drained)
        if plan.steady_seconds:
            for latency in plan.latencies:
                offered = await steady(
                    system, numbers, latency, plan.steady_rate, plan.steady_seconds
                )
                findings.steady.append(offered)
                tell(offered)
                if not offered.keeps_up:
                    return  # what is left of it would be in the way of the next one
