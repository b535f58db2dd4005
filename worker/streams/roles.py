"""The users of Redis beside the producers: one for each role, with what that role does, no more.

A rule names commands and keys, and each command is allowed on all the keys: Redis 6.2, the floor,
knows nothing finer. So who watches Celery can put nothing on a queue, but could take bells away,
which delays orders until the sweep. Nobody but workers (and people) reads a stream or takes
anything off it, and nobody at all trims one or empties the database.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from worker.rates import PREFIX as RATES
from worker.streams.callbacks import CALLBACKS
from worker.streams.intents import INTENTS

BELLS: Final = "orderline:celery:"
"""Before each key and channel by which bells are rung and heard."""

_CONNECTING: Final = ("ping", "auth", "hello", "select", "client|setname", "client|id")
_LISTENING: Final = ("subscribe", "unsubscribe", "psubscribe", "punsubscribe", "publish")
_ANSWERED: Final = (
    *("brpop", "llen", "del", "exists", "sadd", "srem", "smembers", "multi", "exec", "time"),
    *("zadd", "zrem", "zrange", "zrangebyscore", "evalsha", "script|load", "script|exists"),
)
"""How kombu waits for what workers answer, and sees how long a queue is."""
_PUTTING: Final = ("xadd", "xlen", "xrange", "time", "info")
_READING: Final = ("xreadgroup", "xack", "xdel", "xgroup", "xinfo")
_QUEUES: Final = (
    *("rpop", "type", "hset", "hget", "hdel", "hlen", "hexists"),
    *("zcard", "zscore", "zrevrangebyscore", "zremrangebyscore"),
    *("get", "set", "setnx", "expire", "pexpire", "ttl", "watch", "unwatch", "eval"),
)
_RINGING: Final = ("lpush", "rpush")
_LOOKING: Final = ("scan", "client|list", "config|get")


@dataclass(frozen=True, slots=True)
class Role:
    """What a process may do: these commands, with these keys and channels (patterns)."""

    name: str
    keys: tuple[str, ...]
    channels: tuple[str, ...]
    commands: tuple[str, ...]


_HEARD: Final = (
    "*",
    *(f"/{{db}}.{name}" for name in ("celery.pidbox", "celeryev", "celeryev/*", "celeryev/#")),
    *(f"/{{db}}.celeryev/{key}" for key in ("worker.#", "worker.*", "task.#", "task.*")),
)
"""Behind the prefix. A pattern may only be listened to as it stands here, letter by letter."""
_WATCHED: Final = (f"{BELLS}*",)


def _role(name: str, *commands: Iterable[str], keys: Iterable[str], listens: bool = False) -> Role:
    named = dict.fromkeys(each for some in (_CONNECTING, *commands) for each in some)
    channels = tuple(f"{BELLS}{each}" for each in _HEARD) if listens else ()
    return Role(name, tuple(keys), channels, tuple(named))


_STREAMS: Final = (f"{INTENTS}*", CALLBACKS)
_OWN: Final = (*_STREAMS, f"{BELLS}*", f"{RATES}*")
_WATCHING: Final = (_LISTENING, _ANSWERED, _QUEUES)
_WORKING: Final = (*_WATCHING, _PUTTING, _READING, _RINGING)

ROLES: Final = {
    role.name: role
    for role in (
        _role("worker", *_WORKING, keys=_OWN, listens=True),
        _role("operator", *_WORKING, _LOOKING, keys=_OWN, listens=True),
        _role("gateway", _PUTTING, keys=_STREAMS),
        _role("flower", *_WATCHING, keys=_WATCHED, listens=True),
        _role("exporter", *_WATCHING, keys=_WATCHED, listens=True),
    )
}
"""``worker``: workers and beat, and their health checks. ``operator``: people with ``orderline``.
``gateway``: puts intents and callbacks on their streams. ``flower``, ``exporter``: watch Celery."""


def user_line(role: Role, password: str, database: int = 0) -> str:
    """The role's line in a file of users (``aclfile``); the password stands in it as its SHA-256.

    After ``ACL SETUSER`` instead of ``user`` it is the same as a command. ``database`` is the
    number of the one that is used.
    """
    return " ".join(
        [
            f"user {role.name} reset on #{sha256(password.encode()).hexdigest()}",
            *(f"~{key}" for key in role.keys),
            "resetchannels",
            *(f"&{channel}".replace("{db}", str(database)) for channel in role.channels),
            "-@all",
            *(f"+{command}" for command in role.commands),
        ]
    )


NOBODY: Final = "user default reset off"
"""The user of everybody who names none: it may not come in."""
