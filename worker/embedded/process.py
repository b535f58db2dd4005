"""One process of the embedded servers: started in its place, waited for, stopped."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from worker.embedded.place import Place
from worker.errors import EmbeddedError

_START_SECONDS = 60
_STOP_SECONDS = 10
_POLL_SECONDS = 0.02
_LOG_TAIL = 1500


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
        with log.open("wb") as output:
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
