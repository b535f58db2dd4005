"""A primary, a replica and three Sentinels on this machine, all real."""

import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import redis

from worker.embedded.port import free_port
from worker.embedded.redis_server import find_redis

MASTER: Final = "orderline"
PASSWORD: Final = "a-password-of-this-test"
DOWN_AFTER: Final = 1.0
"""Seconds for which the primary must be silent before it is believed down."""

_PATIENCE: Final = 30.0


@dataclass
class Cluster:
    """The processes by their ports; the first one is the primary until it dies."""

    primary: int
    replica: int
    sentinels: list[int]
    running: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """What ``ORDERLINE_REDIS_URL`` has to be."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.sentinels)
        return f"sentinel://:{PASSWORD}@{hosts}/0?master={MASTER}"

    def signal(self, port: int, number: signal.Signals) -> None:
        self.running[port].send_signal(number)
        if number is signal.SIGKILL:
            self.running[port].wait()

    def primaries(self) -> set[int]:
        """The primary's port, as each of the Sentinels sees it."""
        found = set()
        for sentinel in self.sentinels:
            with redis.Redis(port=sentinel) as asked:
                _, port = asked.execute_command("SENTINEL", "get-master-addr-by-name", MASTER)
            found.add(int(port))
        return found

    def until_failed_over(self) -> float:
        """Wait until the replica takes writes; how long that took, in seconds."""
        begun = time.monotonic()
        until(lambda: self.primaries() == {self.replica} and role_of(self.replica) == "master")
        return time.monotonic() - begun


def role_of(port: int) -> str:
    with redis.Redis(port=port, password=PASSWORD) as client:
        return str(client.info("replication")["role"])


def until(reached: object) -> None:
    """Wait until it is so; a server that is not there yet says no."""
    ends = time.monotonic() + _PATIENCE
    while time.monotonic() < ends:
        try:
            if callable(reached) and reached():
                return
        except (redis.RedisError, TypeError, KeyError):
            pass
        time.sleep(0.05)
    raise AssertionError("it never became so")


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Run them while the block lasts."""
    with tempfile.TemporaryDirectory(prefix="orderline-sentinel-") as folder:
        made = Cluster(free_port(), 0, [])
        try:
            _server(made, Path(folder), made.primary)
            made.replica = free_port()
            _server(made, Path(folder), made.replica, f"replicaof 127.0.0.1 {made.primary}")
            until(lambda: _replicas(made.primary) == 1)
            for _ in range(3):
                port = free_port()
                made.sentinels.append(port)
                _sentinel(made, Path(folder), port)
            until(lambda: all(_knows_all(port) for port in made.sentinels))
            yield made
        finally:
            for process in made.running.values():
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()


def _replicas(port: int) -> int:
    with redis.Redis(port=port, password=PASSWORD) as client:
        return int(client.info("replication")["connected_slaves"])


def _knows_all(port: int) -> bool:
    with redis.Redis(port=port) as client:
        found = client.sentinel_master(MASTER)
    return (found["num-slaves"], found["num-other-sentinels"]) == (1, 2)


def _server(made: Cluster, folder: Path, port: int, *lines: str) -> None:
    _start(
        made,
        folder,
        port,
        f"requirepass {PASSWORD}",
        f"masterauth {PASSWORD}",
        "appendonly yes",
        "appendfsync everysec",
        "repl-diskless-sync-delay 0",
        *lines,
    )
    until(lambda: role_of(port))


def _sentinel(made: Cluster, folder: Path, port: int) -> None:
    _start(
        made,
        folder,
        port,
        f"sentinel monitor {MASTER} 127.0.0.1 {made.primary} 2",
        f"sentinel auth-pass {MASTER} {PASSWORD}",
        f"sentinel down-after-milliseconds {MASTER} {int(DOWN_AFTER * 1000)}",
        f"sentinel failover-timeout {MASTER} 5000",
        options=("--sentinel",),
    )


def _start(
    made: Cluster, folder: Path, port: int, *lines: str, options: tuple[str, ...] = ()
) -> None:
    own = folder / str(port)
    own.mkdir()
    config = own / "redis.conf"
    config.write_text("\n".join(["bind 127.0.0.1", f"port {port}", f"dir {own}", *lines, ""]))
    with (own / "log").open("wb") as log:
        made.running[port] = subprocess.Popen(  # noqa: S603 -- a server that we looked for
            [str(find_redis()), str(config), *options], stdout=log, stderr=log
        )
