"""The installed ``orderline`` as a process of its own, with or without a terminal."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

PROGRAM = str(Path(sys.executable).with_name("orderline"))
PATIENCE = 120.0
"""Seconds; the machine may be busy."""

_MARK = "TEST_RUN"


def clean(**variables: str) -> dict[str, str]:
    """An environment without settings, marked so that what inherits it is found again."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("ORDERLINE_")}
    return bare | {_MARK: uuid4().hex, "TERM": "xterm-256color"} | variables


def relatives(environment: Mapping[str, str]) -> list[int]:
    """The processes that inherited an environment, by its mark."""
    mark = f"{_MARK}={environment[_MARK]}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
    return found


def workers_among(processes: list[int]) -> list[int]:
    """The Celery workers among processes: not those that hold their leashes."""
    found = []
    for pid in processes:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if words[2:3] == [b"celery"] and b"worker" in words:
            found.append(pid)
    return found


def eventually(condition: Callable[[], object], patience: float = PATIENCE) -> bool:
    """Whether it becomes true in time."""
    ends = time.monotonic() + patience
    while not condition():
        if time.monotonic() > ends:
            return False
        time.sleep(0.05)
    return True


@contextmanager
def started(
    *arguments: str, cwd: Path, env: Mapping[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """The program without a terminal, and the file of all that it prints. Killed at the end."""
    printed = cwd / "printed"
    with (
        printed.open("wb") as output,
        subprocess.Popen(  # noqa: S603 -- our own program
            [PROGRAM, *arguments], cwd=cwd, env=dict(env), stdout=output, stderr=output
        ) as process,
    ):
        try:
            yield process, printed
        finally:
            process.kill()


class Terminal:
    """The program in a terminal of a given size."""

    def __init__(
        self, *arguments: str, cwd: Path, env: Mapping[str, str], columns: int = 100, rows: int = 24
    ) -> None:
        self.printed = b""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(  # noqa: S603 -- our own program
            [PROGRAM, *arguments],
            cwd=cwd,
            env=dict(env),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 -- no threads here
        )
        os.close(slave)

    def read_until(self, text: bytes) -> bool:
        """Whether the text appears before the program ends."""
        return any(text in self.printed for _ in self._pieces())

    def read_all(self) -> int:
        """Read until the program ends; its exit code."""
        for _ in self._pieces():
            pass
        return self.process.wait(PATIENCE)

    def press(self, key: bytes) -> None:
        """As on a keyboard: Ctrl-C is ``b"\\x03"``."""
        os.write(self._master, key)

    def _pieces(self) -> Iterator[bytes]:
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            if not select.select([self._master], [], [], 0.2)[0]:
                continue
            try:
                piece = os.read(self._master, 65536)
            except OSError:  # the other side is closed
                return
            self.printed += piece
            yield piece

    def close(self) -> None:
        """Kill what is left."""
        self.process.kill()
        self.process.wait()
        os.close(self._master)
