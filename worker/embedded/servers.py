"""Start the embedded servers, use them, leave them: the side the rest of the program sees.

Nothing here starts a server. That is the keeper's work, a process of its own that waits at a
pipe whose other end only we hold: when it closes, because we left the block or because we were
killed, the keeper stops the servers and removes what they wrote. So there is one way to stop,
and no way to die that skips it.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from worker.embedded.place import is_running, kept_data
from worker.errors import EmbeddedError

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
    persistent: bool
    durable: bool
    database_url: str | None = field(repr=False)
    redis_url: str | None = field(repr=False)


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
    keeper = subprocess.Popen(
        [sys.executable, "-m", "worker.embedded.keeper"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for us: the servers must outlive our last commit
    )
    try:
        yield _ask(keeper, wanted, say)
    finally:
        _leave(keeper)


def running_servers(home: Path) -> Servers | None:
    """The persistent servers another process runs right now for the same ``home``, if any."""
    try:
        note = json.loads((kept_data(home) / "servers.json").read_text())
    except FileNotFoundError:
        return None
    return Servers(**note["servers"]) if is_running(Path(note["run"])) else None


def _ask(keeper: subprocess.Popen[str], wanted: Wanted, say: Callable[[str], None]) -> Servers:
    """Hand the keeper its order and listen until it reports the servers, or why not."""
    stdin, stdout = keeper.stdin, keeper.stdout
    assert stdin is not None  # noqa: S101  both are pipes; this tells mypy
    assert stdout is not None  # noqa: S101  as above
    with suppress(BrokenPipeError):  # it is dead: we shall read nothing below
        stdin.write(json.dumps(asdict(wanted)) + "\n")
        stdin.flush()
    for line in stdout:
        answer = json.loads(line)
        if "servers" in answer:
            return Servers(**answer["servers"])
        if "error" in answer:
            raise EmbeddedError(answer["error"])
        say(answer["say"])
    raise EmbeddedError("The keeper of the embedded servers ended without a word.")


def _leave(keeper: subprocess.Popen[str]) -> None:
    """Close the pipe, which is the order to stop, and wait until everything is gone."""
    for pipe in (keeper.stdin, keeper.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()
    try:
        keeper.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        keeper.kill()
        keeper.wait()
        raise EmbeddedError(
            f"The embedded servers did not stop within {_STOP_SECONDS} s; the next start clears up."
        ) from None
