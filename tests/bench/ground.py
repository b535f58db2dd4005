"""What every system stands on: PostgreSQL, Redis and the remote, started for a run.

PostgreSQL commits to the disk (fsync and synchronous_commit are on); Redis keeps an append-only
file, synced every second. Orderline and its peers have a database each in the same server.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis

from tests.bench import job
from tests.bench.machine import parent_of
from worker.embedded import Servers, embedded_servers

PEERS: Final = "peers"
"""The database of everything that is not Orderline."""


class RemoteProcess:
    """The remote, and a way to ask it for its books."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.remote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.pid = self._process.pid
        self._http = HTTPConnection("127.0.0.1", self.port)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def reset(self, latency: float) -> None:
        """Begin new books, and answer calls after ``latency`` seconds from now on."""
        self._ask(f"/control/reset?latency={latency}")

    def count(self) -> Mapping[str, int]:
        """What arrived, summed up."""
        counted: Mapping[str, int] = self._ask("/control/count")
        return counted

    def books(self) -> Mapping[str, Any]:
        """All that arrived."""
        books: Mapping[str, Any] = self._ask("/control/books")
        return books

    def _ask(self, target: str) -> Any:
        self._http.request("GET", target)
        return json.loads(self._http.getresponse().read())


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Everything but the systems themselves."""

    home: Path
    servers: Servers = field(repr=False)
    remote: RemoteProcess
    postgres_pid: int
    redis_pid: int

    @property
    def peers_url(self) -> str:
        """The peers' database."""
        parts = urlsplit(self.servers.database_url)
        return urlunsplit(parts._replace(path=f"/{PEERS}"))

    @property
    def parts(self) -> dict[str, list[int]]:
        """The processes of the ground, by what they are."""
        return {
            "postgres": [self.postgres_pid],
            "redis": [self.redis_pid],
            "remote": [self.remote.pid],
        }

    def peers_environment(self) -> dict[str, str]:
        """What a peer's process is told."""
        return {
            "BENCH_DATABASE_URL": self.peers_url,
            "BENCH_REDIS_URL": self.servers.redis_url,
            "BENCH_PROVIDER_URL": self.remote.url + job.PROVIDER_PATH,
            "BENCH_HOOK_URL": self.remote.url + job.HOOK_PATH,
        }


@contextmanager
def laid(home: Path, say: Callable[[str], None]) -> Iterator[Ground]:
    """Start everything; it ends with the block. ``home`` takes the systems' logs."""
    home.mkdir(parents=True, exist_ok=True)
    with (
        embedded_servers(home, persistent=False, durable=True, say=say) as servers,
        RemoteProcess() as remote,
    ):
        with psycopg.connect(servers.database_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {PEERS}")
            postgres_pid = parent_of(connection.info.backend_pid)
        with redis.Redis.from_url(servers.redis_url) as client:
            client.config_set("appendfsync", "everysec")
            client.config_set("appendonly", "yes")
            redis_pid = int(client.info("server")["process_id"])
        yield Ground(
            home=home,
            servers=servers,
            remote=remote,
            postgres_pid=postgres_pid,
            redis_pid=redis_pid,
        )
