"""Start the embedded servers, use them, restart them, leave them: the side that others see.

Nothing here starts a server. That is the keeper's work, a process of its own that waits at a
pipe whose other end only we hold: when it closes, because we left the block or because we were
killed, the keeper stops the servers and removes what they wrote. So there is one way to stop,
and no way to die that skips it.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from worker.embedded.place import is_running, kept_data
from worker.embedded.process import How
from worker.errors import EmbeddedError

POSTGRES: Final = "postgres"
REDIS: Final = "redis"

_STOP_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Servers:
    """Where a running pair of servers is reached. The addresses are secret: they hold passwords.

    ``database_url`` (``postgresql://…``) suits psql, too; ``redis_url`` redis-py and Celery alike.
    """

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the keeper is asked for: a server whose address is ``None`` is to be started."""

    home: str
    persistent: bool = False
    durable: bool = False
    restartable: bool = False
    database_url: str | None = field(default=None, repr=False)
    redis_url: str | None = field(default=None, repr=False)


class Keeper:
    """Running servers that can be taken down and started again."""

    def __init__(self, wanted: Wanted, say: Callable[[str], None]) -> None:
        self._say = say
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "worker.embedded.keeper"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for us: the servers must outlive our last commit
        )
        try:
            self.servers = Servers(**self._ask(asdict(wanted), "servers"))
        except BaseException:
            self.leave()
            raise

    def restart(self, server: str, how: How) -> None:
        """Take ``POSTGRES`` or ``REDIS`` down and start it again; it keeps its address and data.

        Returns when it accepts connections; may be called from any thread. Raises
        ``EmbeddedError`` when it does not start: then both are gone.
        """
        with self._lock:
            self._ask({"restart": server, "how": how}, "restarted")

    def leave(self) -> None:
        """Close the pipe, which is the order to stop, and wait until everything is gone."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise EmbeddedError(
                f"The embedded servers did not stop within {_STOP_SECONDS} s; the next start clears"
                " up."
            ) from None

    def _ask(self, order: dict[str, Any], awaited: str) -> Any:
        """Hand the keeper an order and listen until it reports what is awaited, or why not."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None  # noqa: S101  both are pipes; this tells mypy
        assert stdout is not None  # noqa: S101  as above
        with suppress(BrokenPipeError):  # it is dead: we shall read nothing below
            stdin.write(json.dumps(order) + "\n")
            stdin.flush()
        for line in stdout:
            answer = json.loads(line)
            if awaited in answer:
                return answer[awaited]
            if "error" in answer:
                raise EmbeddedError(answer["error"])
            self._say(answer["say"])
        raise EmbeddedError("The keeper of the embedded servers ended without a word.")


@contextmanager
def embedded_servers(
    home: Path,
    *,
    persistent: bool,
    durable: bool = True,
    database_url: str | None = None,
    redis_url: str | None = None,
    say: Callable[[str], None],
) -> Iterator[Servers]:
    """Run the servers that have no address yet, as long as the block lasts.

    ``persistent`` keeps their data in ``home`` (as root: see ``place``) for the next run; else
    it is thrown away at the end. ``durable=False`` lets PostgreSQL skip every ``fsync``: for
    tests only. ``say`` gets a sentence for a person now and then.

    Raises ``EmbeddedError`` when a server is missing or does not start.
    """
    if database_url and redis_url:
        yield Servers(database_url, redis_url)
        return
    wanted = Wanted(
        home=str(home.absolute()),
        persistent=persistent,
        durable=durable,
        database_url=database_url,
        redis_url=redis_url,
    )
    keeper = Keeper(wanted, say)
    try:
        yield keeper.servers
    finally:
        keeper.leave()


@contextmanager
def restartable_servers(home: Path, *, say: Callable[[str], None]) -> Iterator[Keeper]:
    """Run both servers as long as the block lasts, to be taken down and started again.

    What they acknowledge outlives that; it is thrown away at the end. They are always our own.
    Raises ``EmbeddedError`` when one is missing or does not start.
    """
    keeper = Keeper(Wanted(home=str(home.absolute()), restartable=True), say)
    try:
        yield keeper
    finally:
        keeper.leave()


def running_servers(home: Path) -> Servers | None:
    """The persistent servers another process runs right now for the same ``home``, if any."""
    try:
        note = json.loads((kept_data(home) / "servers.json").read_text())
    except FileNotFoundError:
        return None
    return Servers(**note["servers"]) if is_running(Path(note["run"])) else None
