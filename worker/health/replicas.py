"""What a failover of Redis would lose: the gap between the primary and its replicas."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from worker.health.finding import Finding, fail, ok, warn

CHECK: Final = "redis failover"

_LATE: Final = 10
"""Seconds without a word from a replica after which it counts as behind."""
_WAIT: Final = "a producer that sends WAIT 1 after its XADD loses nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicas:
    """How the replicas of a primary stand. ``behind`` is in bytes, of the one that is nearest.

    ``refuses_alone`` says whether the primary refuses writes once no replica hears it.
    """

    count: int
    behind: int
    silent: float
    refuses_alone: bool


async def read_replicas(redis: Redis) -> Replicas:
    """Ask the primary."""
    info: Mapping[str, Any] = await redis.info("replication")
    named = [value for key, value in info.items() if key.startswith("slave") and key[5:].isdigit()]
    online = [each for each in named if each.get("state") == "online"]
    offset = int(info.get("master_repl_offset", 0))
    return Replicas(
        count=len(online),
        behind=min((offset - int(each["offset"]) for each in online), default=0),
        silent=min((float(each["lag"]) for each in online), default=0.0),
        refuses_alone=await _refuses_alone(redis),
    )


async def _refuses_alone(redis: Redis) -> bool:
    try:
        found: Mapping[Any, Any] = await redis.config_get("min-replicas-to-write")
    except ResponseError:  # managed Redis often has no CONFIG
        return False
    return any(int(value) > 0 for value in found.values())


def judge_replicas(replicas: Replicas, *, failing_over: bool) -> Finding:
    """Name the gap. ``failing_over`` is whether Sentinels are asked for the primary."""
    if not replicas.count:
        if not failing_over:
            return ok(CHECK, "none: there is no replica")
        return fail(
            CHECK,
            "no replica is connected: a failover would lose all that its streams hold",
            "start the replica, or look at its log",
        )
    gap = (
        f"a failover loses what no replica has heard: {max(replicas.behind, 0)} bytes now,"
        f" {replicas.silent:.0f} s since a replica's last word; {_WAIT}"
    )
    if replicas.silent > _LATE:
        return warn(CHECK, gap, "look at the replica and at the line to it")
    if not replicas.refuses_alone:
        advice = "set min-replicas-to-write 1, so that a primary that is cut off refuses intents"
        return warn(CHECK, gap, advice)
    return ok(CHECK, gap)
