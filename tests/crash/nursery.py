"""Where the processes of crash tests are born: forked from one that has imported everything.

A Celery worker spends two seconds of a core on imports before its first line of ours; a crash
test needs two of them and a beat. So one process imports all of it once, opens nothing, starts no
thread, and forks whatever it is asked for. What is forked goes through Celery's own ``main`` (or
the command's), in a session and an environment of its own, as if it had been started.

``python -m tests.crash.nursery`` is that process. It ends when its standard input does, and its
children with it; when it is killed, they are, too.
"""

import ctypes
import json
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Self

_PATIENCE: Final = 60.0
_LOOK_EVERY: Final = 0.01
_DIE_WITH_PARENT: Final = 1
"""``PR_SET_PDEATHSIG`` of ``prctl(2)``."""
_IMPORTED: Final = (
    "celery.__main__",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.beat",
    "celery.bin.celery",
    "celery.concurrency.thread",
    "celery.worker.consumer",
    "kombu.transport.redis",
    "tasks.notifications",
    "tasks.orders",
    "tasks.upkeep",
    "worker.cli",
)


class Child:
    """A process that was forked for a test."""

    def __init__(self, nursery: "Nursery", name: str, pid: int) -> None:
        self.name = name
        self.pid = pid
        self._nursery = nursery
        self._code: int | None = None

    @property
    def code(self) -> int | None:
        """Its exit code, below zero for a signal; ``None`` while it runs."""
        if self._code is None:
            self._code = self._nursery.code_of(self.pid)
        return self._code

    @property
    def running(self) -> bool:
        """Whether it still runs (or is stopped)."""
        return self.code is None

    def signal(self, number: int) -> None:
        """Send it a signal; nothing happens when it has ended."""
        if self.running:  # a pid that is not reaped yet is nobody else's
            os.kill(self.pid, number)

    def wait(self, seconds: float) -> int | None:
        """Its exit code, or ``None`` while it runs on."""
        ends = time.monotonic() + seconds
        while self.running and time.monotonic() < ends:
            time.sleep(_LOOK_EVERY)
        return self.code


class Nursery:
    """The test's side: asks for processes and after them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.crash.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={k: v for k, v in os.environ.items() if not k.startswith("ORDERLINE_")},
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait(_PATIENCE)

    def start(
        self,
        name: str,
        module: str,
        arguments: Sequence[str],
        env: Mapping[str, str],
        log: Path,
        errors: Path | None = None,
    ) -> Child:
        """Fork a process that runs ``python -m module arguments`` in our directory.

        It writes to ``log``, and its standard error to ``errors`` where that is given.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch()
        files = {"log": str(log), "errors": str(errors or log)}
        wanted = {"argv": [module, *arguments], "env": dict(env), "cwd": str(Path.cwd()), **files}
        return Child(self, name, int(self._ask(wanted)))

    def code_of(self, pid: int) -> int | None:
        """The exit code of a child; ``None`` while it runs. Asked for until it is told once."""
        code: int | None = self._ask({"code_of": pid})
        return code

    def _ask(self, question: Mapping[str, Any]) -> Any:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        with self._lock:
            stdin.write(json.dumps(question) + "\n")
            stdin.flush()
            answer = stdout.readline()
        assert answer, "the nursery has died"
        return json.loads(answer)


def kill_all(children: Iterable[Child]) -> None:
    """Kill what still runs: nothing is owed to a test that is over."""
    held = list(children)
    for child in held:
        child.signal(signal.SIGKILL)
    for child in held:
        child.wait(_PATIENCE)


def main() -> None:
    """Fork what is asked for, until nobody asks any more."""
    for name in _IMPORTED:
        import_module(name)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for pytest; it lets go of us
    living: set[int] = set()
    for line in sys.stdin:
        asked = json.loads(line)
        if "code_of" in asked:
            answer = _reaped(asked["code_of"], living)
        else:
            answer = os.fork()
            if answer == 0:
                _become(asked)
                return
            living.add(answer)
        print(json.dumps(answer), flush=True)  # noqa: T201 -- how the test learns it
    for pid in living:
        os.kill(pid, signal.SIGKILL)


def _reaped(pid: int, living: set[int]) -> int | None:
    if pid not in living:
        raise ValueError(f"{pid} was reaped before")
    ended, status = os.waitpid(pid, os.WNOHANG)
    if not ended:
        return None
    living.remove(pid)
    return os.waitstatus_to_exitcode(status)


def _become(asked: Mapping[str, Any]) -> None:
    """Be the process that was asked for. Returns, or raises ``SystemExit``, when that ends."""
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(asked["cwd"])
    log, errors = (
        os.open(asked[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for name in ("log", "errors")
    )
    nothing = os.open(os.devnull, os.O_RDONLY)
    for ours, theirs in ((nothing, 0), (log, 1), (errors, 2)):
        os.dup2(ours, theirs)
    os.environ.update(asked["env"])
    module, *arguments = asked["argv"]
    sys.argv = [module, *arguments]
    with suppress(KeyboardInterrupt):
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
