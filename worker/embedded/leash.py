"""Processes on a leash: they end when we let go, and we let go when we are killed, too.

``python -m worker.embedded.leash GRACE COMMAND…`` runs a command until it ends or until its own
standard input does; then it asks the command to stop (SIGTERM) and, after ``GRACE`` seconds,
makes it. Its first line of output is the command's process id.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from worker.errors import EmbeddedError


class Leashed:
    """A command running on a leash, in a session of its own, so that Ctrl-C is for us alone."""

    def __init__(
        self, name: str, command: Sequence[str], *, env: Mapping[str, str], log: Path, grace: float
    ) -> None:
        self.name = name
        self._grace = grace
        with log.open("ab") as output:
            self._holder = subprocess.Popen(  # noqa: S603 -- our own interpreter and command
                [sys.executable, "-m", "worker.embedded.leash", str(grace), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env={**os.environ, **env},
                start_new_session=True,
            )
        assert self._holder.stdout is not None  # noqa: S101 -- it is a pipe; this tells mypy
        first = self._holder.stdout.readline()
        if not first:
            raise EmbeddedError(f"{name} could not be started; see {log}")
        self.pid = int(first)

    @property
    def running(self) -> bool:
        """Whether the command still runs."""
        return self._holder.poll() is None

    def signal(self, number: int) -> None:
        """Send the command a signal; nothing happens when it has ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait(self, seconds: float) -> int | None:
        """The command's exit code, or ``None`` while it runs on."""
        try:
            return self._holder.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def let_go(self) -> None:
        """Ask the command to stop; does not wait."""
        if self._holder.stdin is not None and not self._holder.stdin.closed:
            self._holder.stdin.close()

    def stop(self) -> None:
        """Ask the command to stop, and wait until it has."""
        self.let_go()
        self._holder.wait(self._grace + 10)
        if self._holder.stdout is not None:
            self._holder.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def stop_all(leashed: Iterable[Leashed]) -> None:
    """Stop several at once: they take as long as the slowest of them."""
    held = list(leashed)
    for each in held:
        each.let_go()
    for each in held:
        each.stop()


def main() -> int:
    """Hold the leash."""
    grace, *command = sys.argv[1:]
    child = subprocess.Popen(  # noqa: S603 -- the command our holder gave us
        command, stdin=subprocess.DEVNULL, stdout=sys.stderr
    )
    print(child.pid, flush=True)  # noqa: T201 -- how our holder learns it

    def let_go() -> None:
        while os.read(0, 4096):  # unbuffered: a thread inside sys.stdin would abort our exit
            pass
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(float(grace))
        except subprocess.TimeoutExpired:
            child.kill()

    threading.Thread(target=let_go, daemon=True).start()
    return child.wait()


if __name__ == "__main__":
    sys.exit(main())
