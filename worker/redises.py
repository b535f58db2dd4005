"""Where Redis is: one server, or the primary that Sentinels name. One URL does for every client.

``redis://`` and ``rediss://`` are redis-py's and Celery's own. ``sentinel://`` is ours, since those
two spell it differently::

    sentinel://USER:PASSWORD@HOST:26379,HOST:26379,HOST:26379/0?master=NAME

USER and PASSWORD are Redis's. Where the Sentinels want one, too: ``&sentinel_password=…``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, quote, unquote, urlsplit

from redis.asyncio import Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.sentinel import Sentinel

SCHEMES: Final = frozenset({"redis", "rediss", "sentinel"})

_SENTINEL_PORT: Final = 26379
_SENTINEL_PATIENCE: Final = 1.0
"""Seconds that one Sentinel is given: there are others."""
_KNOWN: Final = frozenset({"master", "sentinel_user", "sentinel_password"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentinels:
    """What a ``sentinel://`` URL says. ``hosts`` are the Sentinels', not Redis's."""

    hosts: Sequence[tuple[str, int]]
    master: str
    database: int = 0
    login: Mapping[str, str] = field(default_factory=dict, repr=False)
    sentinel_login: Mapping[str, str] = field(default_factory=dict, repr=False)


class _Following(Redis):
    """A client that follows the primary; with it the ones that ask the Sentinels are closed."""

    asked: Sentinel | None = None  # one for a single connection of ours asks nobody

    async def aclose(
        self,
        close_connection_pool: bool | None = None,  # noqa: FBT001 -- redis-py's signature
    ) -> None:
        await super().aclose(close_connection_pool)
        for sentinel in self.asked.sentinels if self.asked else ():
            await sentinel.aclose()


def sentinels_of(url: str) -> Sentinels | None:
    """Read a ``sentinel://`` URL; ``None`` for any other. Raises ``ValueError``."""
    parts = urlsplit(url)
    if parts.scheme != "sentinel":
        return None
    said = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if "master" not in said or said.keys() - _KNOWN:
        raise ValueError("must say ?master=NAME, and nothing unknown")
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    named = [_host(each) for each in parts.netloc.rpartition("@")[2].split(",")]
    return Sentinels(
        hosts=named,
        master=said["master"],
        database=int(parts.path.strip("/") or 0),
        login=_login(unquote(user), unquote(password)),
        sentinel_login=_login(said.get("sentinel_user", ""), said.get("sentinel_password", "")),
    )


def connect(url: str, **options: Any) -> Redis:
    """A client; it connects when it is first used. ``options`` are redis-py's.

    Behind Sentinels each new connection asks them for the primary, and one that finds itself at a
    replica is given up. Raises ``ValueError`` for what is not a URL.
    """
    found = sentinels_of(url)
    if found is None:
        return Redis.from_url(url, **options)
    own = {"socket_timeout": _SENTINEL_PATIENCE, "socket_connect_timeout": _SENTINEL_PATIENCE}
    asked = Sentinel(found.hosts, sentinel_kwargs={**own, **found.sentinel_login})  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
    kept: dict[str, Any] = {"db": found.database, **found.login, **options}
    client: _Following = asked.master_for(found.master, redis_class=_Following, **kept)
    client.asked = asked
    return client


def database_of(url: str) -> int:
    """The number of the database that a URL names."""
    found = sentinels_of(url)
    return found.database if found else int(parse_url(url).get("db", 0))


def for_celery(url: str) -> tuple[str, dict[str, Any]]:
    """The URL as kombu spells it, and the transport options that belong to it."""
    found = sentinels_of(url)
    if found is None:
        return url, {}
    login = ":".join(quote(found.login.get(name, ""), safe="") for name in ("username", "password"))
    before = f"{login}@" if found.login else ""
    each = (f"sentinel://{before}{host}:{port}/{found.database}" for host, port in found.hosts)
    asking = {
        "socket_timeout": _SENTINEL_PATIENCE,
        "socket_connect_timeout": _SENTINEL_PATIENCE,
        **found.sentinel_login,
    }
    return ";".join(each), {"master_name": found.master, "sentinel_kwargs": asking}


def _host(named: str) -> tuple[str, int]:
    parts = urlsplit(f"//{named}")
    if not parts.hostname:
        raise ValueError("a Sentinel has no host")
    return parts.hostname, parts.port or _SENTINEL_PORT


def _login(user: str, password: str) -> dict[str, str]:
    given = {"username": user, "password": password}
    return {name: value for name, value in given.items() if value}
