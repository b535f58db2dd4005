"""Redis itself: version, role, eviction, persistence. Orderline's keys are ``work``'s."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from worker.health.finding import Finding, Level, fail, ok, warn
from worker.streams.memory import NEAR, NEARLY_FULL, Memory

OLDEST: Final = (6, 2)

_AT_RISK: Final = "what is in a stream but not yet taken in would be lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisFacts:
    """What the server says of itself. ``None`` is what it does not let us see."""

    version: str
    role: str
    maxmemory: int
    policy: str
    appendonly: bool
    appendfsync: str | None
    snapshots: str | None
    """When it saves snapshots; empty for never."""
    memory: Memory
    write_failed: bool
    """Whether its last try to write to the disk failed."""


async def read_redis(redis: Redis) -> RedisFacts:
    """Ask the server."""
    info: Mapping[str, Any] = await redis.info("everything")
    return RedisFacts(
        version=str(info["redis_version"]),
        role=str(info["role"]),
        maxmemory=int(info.get("maxmemory", 0)),
        policy=str(info.get("maxmemory_policy", "noeviction")),
        appendonly=bool(info.get("aof_enabled")),
        appendfsync=await _setting(redis, "appendfsync"),
        snapshots=await _setting(redis, "save"),
        memory=Memory.of(info),
        write_failed=any(
            info.get(name, "ok") != "ok"
            for name in ("aof_last_write_status", "rdb_last_bgsave_status")
        ),
    )


async def _setting(redis: Redis, name: str) -> str | None:
    try:
        found: Mapping[Any, Any] = await redis.config_get(name)
    except ResponseError:  # managed Redis often has no CONFIG
        return None
    value = found.get(name)
    return None if value is None else str(value)


def judge_redis(facts: RedisFacts) -> list[Finding]:
    """Everything that can be said of the server."""
    return [
        judge_version(facts.version),
        judge_role(facts.role),
        judge_memory(facts.maxmemory, facts.policy),
        judge_room(facts.memory),
        judge_persistence(facts),
    ]


def judge_answer(took: float) -> Finding:
    """That it answers at all is well."""
    return Finding(Level.OK, "redis", f"answers in {took * 1000:.0f} ms", value=took)


def judge_version(version: str) -> Finding:
    """The streams need ``OLDEST``."""
    said = f"version {version}"
    if tuple(int(part) for part in version.split(".")[:2]) >= OLDEST:
        return ok("redis", said)
    return fail("redis", said, "use Redis 6.2 or newer, or any Valkey")


def judge_role(role: str) -> Finding:
    """A replica takes no intent."""
    if role == "master":
        return ok("redis role", "takes writes")
    return fail("redis role", f"a {role}", "name the primary in ORDERLINE_REDIS_URL")


def judge_memory(maxmemory: int, policy: str) -> Finding:
    """A Redis that evicts may evict an intent, and nobody would ever know."""
    if maxmemory and policy != "noeviction":
        return fail(
            "redis memory",
            f"evicts keys when full ({policy}): intents would vanish",
            "set maxmemory-policy noeviction",
        )
    if policy != "noeviction":
        said = f"{policy}, without effect as long as no maxmemory is set"
        return warn("redis memory", said, "set maxmemory-policy noeviction")
    return ok("redis memory", "noeviction: a full Redis refuses intents, it loses none")


def judge_room(memory: Memory) -> Finding:
    """How much room is left: a full Redis refuses intents and bells."""
    check, share = "redis room", memory.share
    used = f"{share:.0%} of its maxmemory is used"
    if not memory.limit:
        said = f"{share:.0%} of its machine's memory" if memory.machine else _size(memory.used)
        used = f"no maxmemory is set; {said} is used"
    advice = "find out what waits in its streams (`orderline health`), or give it more memory"
    if share >= NEARLY_FULL:
        return fail(check, f"{used}: soon it refuses intents", advice)
    if share >= NEAR:
        return warn(check, f"{used}: a full one refuses intents", advice)
    return ok(check, used)


def _size(used: int) -> str:
    return f"{used / 2**20:.0f} MiB"


def judge_persistence(facts: RedisFacts) -> Finding:
    """How much a crash of Redis would take with it, of what was not yet taken in."""
    check, advice = "redis disk", "set appendonly yes and appendfsync always"
    if facts.write_failed:
        said = "its last write to the disk failed"
        return fail(check, said, "look at its log and its disk: it may refuse writes")
    if facts.appendonly:
        return _judge_appending(check, facts.appendfsync)
    if facts.snapshots:
        return warn(check, f"snapshots only ({facts.snapshots}): {_AT_RISK}", advice)
    return warn(check, f"keeps nothing through a restart: {_AT_RISK}", advice)


def _judge_appending(check: str, appendfsync: str | None) -> Finding:
    match appendfsync:
        case "always":
            return ok(check, "appendfsync always: what is acknowledged is kept")
        case "everysec":
            said = "appendfsync everysec: a crash may lose the last second; `always` loses none"
            return ok(check, said)
        case _:
            said = f"appendfsync {appendfsync or 'is not to be seen'}"
            return warn(check, f"{said}: {_AT_RISK}", "set it to always, or at least everysec")
