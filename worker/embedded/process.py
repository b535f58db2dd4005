"""One process of the embedded servers: started in its place, waited for, stopped, started again."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from worker.embedded.place import Place
from worker.errors import EmbeddedError

_START_SECONDS = 60
_RESTART_SECONDS = 30
_STOP_SECONDS = 10
_POLL_SECONDS = 0.02
_LOG_TAIL = 1500


class How(StrEnum):
    """How a server is taken down before it is started again."""

    STOP = "stop"
    """SIGINT: both servers take it for an orderly, prompt stop that ends every session."""
    KILL = "kill"
    """SIGKILL."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process that was started; ``log`` is all it says."""

    popen: subprocess.Popen[bytes]
    log: Path

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Ask until it is ready. Raises ``EmbeddedError`` when it ends first, or never is."""
        deadline = time.monotonic() + _START_SECONDS
        while not ready():
            if self.popen.poll() is not None or time.monotonic() > deadline:
                raise self.failure()
            time.sleep(_POLL_SECONDS)

    def wait_until_done(self) -> None:
        """Wait for its end. Raises ``EmbeddedError`` when that is not a success."""
        if self.popen.wait():
            raise self.failure()

    def failure(self) -> EmbeddedError:
        """What to tell the user: its name and its last words."""
        words = self.log.read_text(errors="replace")[-_LOG_TAIL:].strip()
        return EmbeddedError(f"{self.log.stem} failed: {words or 'it did not say why'}")


@contextmanager
def running(
    command: Sequence[str], *, place: Place, folder: Path, name: str, config: str = ""
) -> Iterator[Process]:
    """Run a program in ``folder`` while the block lasts; ``config`` is its standard input.

    It runs as the place's account and knows nothing of our environment: a stray ``PGPORT`` or
    ``PGDATA`` would be obeyed.
    """
    account = place.account
    log = place.run / f"{name}.log"
    try:
        with log.open("ab") as output:
            popen = subprocess.Popen(  # noqa: S603  a program we looked for ourselves
                command,
                cwd=folder,
                env={"LC_ALL": "C", "PATH": os.defpath},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                umask=0o077,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=() if account else None,
                pass_fds=place.locks,
            )
    except OSError as error:
        raise EmbeddedError(f"{name} cannot be run: {error}") from error
    try:
        assert popen.stdin is not None  # noqa: S101  it is a pipe; this tells mypy
        with suppress(BrokenPipeError), popen.stdin as stdin:  # the dead are found out later
            stdin.write(config.encode())
        yield Process(popen, log)
    finally:
        _stop(popen)


def _stop(popen: subprocess.Popen[bytes]) -> None:
    """Ask it to end, in the way both servers take for an orderly but prompt stop; or make it."""
    popen.send_signal(signal.SIGINT)
    try:
        popen.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        popen.kill()
        popen.wait()


class Restartable:
    """A server that can be taken down and started again, at the same address with the same data.

    ``start`` runs it and waits until it accepts connections; leaving that block stops it.
    """

    def __init__(self, start: Callable[[], AbstractContextManager[Process]]) -> None:
        self._start = start
        self._stack = ExitStack()
        self._process: Process

    def __enter__(self) -> Self:
        self._process = self._stack.enter_context(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def restart(self, how: How) -> None:
        """Take it down, start it and wait until it accepts connections.

        A killed PostgreSQL leaves backends behind that end on their own when they notice, and
        refuses to start while one of them is still attached to its shared memory: so a start
        that fails is tried again. Raises ``EmbeddedError`` when it never succeeds.
        """
        if how is How.KILL:
            self._process.popen.kill()
            self._process.popen.wait()
        self._stack.close()
        deadline = time.monotonic() + _RESTART_SECONDS
        while True:
            try:
                self._process = self._stack.enter_context(self._start())
            except EmbeddedError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_POLL_SECONDS)
            else:
                return
