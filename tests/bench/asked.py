"""What the servers are asked, counted by themselves."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import parse_qs, urlsplit

import psycopg
import redis

from tests.bench.ground import Ground

_LOGGED: Final = re.compile(r"LOG:  (?:statement|execute [^:]*): *\n?\s*(.*)")
_OURS: Final = frozenset({"xadd", "info", "config", "auth", "hello", "client", "flushall"})
"""Commands of the producers and of the harness."""
_SHOWN: Final = 60

_COUNTED: Final = """
SELECT xact_commit, pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::int8
FROM pg_stat_database WHERE datname = current_database()
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Running totals of both servers."""

    redis: Counter[str]
    commits: int
    log_bytes: int
    """Of PostgreSQL's write-ahead log."""

    @classmethod
    def now(cls, ground: Ground) -> Self:
        """As they stand."""
        with redis.Redis.from_url(ground.servers.redis_url) as client:
            stats = client.info("commandstats")
        commands = {name.removeprefix("cmdstat_"): each["calls"] for name, each in stats.items()}
        with psycopg.connect(ground.servers.database_url, autocommit=True) as connection:
            row = connection.execute(_COUNTED.encode()).fetchone()
        assert row is not None
        theirs = {name: calls for name, calls in commands.items() if name not in _OURS}
        return cls(Counter(theirs), row[0], row[1])

    def since(self, before: Self) -> Self:
        """What was asked between two looks."""
        return type(self)(
            self.redis - before.redis,
            self.commits - before.commits,
            self.log_bytes - before.log_bytes,
        )


class StatementLog:
    """Has PostgreSQL write down every statement while its block lasts, and counts them.

    Not to be on while anything is timed.
    """

    def __init__(self, ground: Ground) -> None:
        self._url = ground.servers.database_url
        sockets = parse_qs(urlsplit(self._url).query)["host"][0]
        self._log = Path(sockets).parent / "postgres.log"
        self.counted: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._set("all")
        self._begins = self._log.stat().st_size
        return self

    def __exit__(self, *_: object) -> None:
        self._set("none")
        with self._log.open("rb") as log:
            log.seek(self._begins)
            said = log.read().decode(errors="replace")
        found = (" ".join(each.split())[:_SHOWN] for each in _LOGGED.findall(said))
        self.counted = Counter(found)

    def _set(self, which: str) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET log_statement = '{which}'".encode())
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("SELECT pg_sleep(0.2)")
