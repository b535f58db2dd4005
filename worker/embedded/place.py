"""Where embedded servers live, as whom they run, and what an earlier run left behind.

Each run has a fresh folder in ``/tmp``. Its path is short, for a Unix socket's may have no
more than 107 bytes, and every account may walk to it, so no other folder's mode has to change::

    orderline-run-x1y2z3/
        keeper    locked while the run's keeper lives; holds its process group
        servers   locked while its keeper or one of its servers lives, for they inherit the lock
        …         sockets, logs, data unless it is kept and, as root, a copy of the programs

The two locks tell a later start what a crash left behind: a folder to remove or, where the
keeper itself was killed, servers to stop first. No process id is believed without its lock.

As root the servers run as ``nobody``: PostgreSQL refuses to run as root, and Redis need not.
That account reaches nothing below ``/root``, so the programs are copied into the run, and data
that is kept lies in ``/var/lib/orderline`` instead of the home.
"""

import hashlib
import os
import pwd
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from worker import locks
from worker.errors import EmbeddedError

_RUNS = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108  names are random, owners are checked
_RUN = "orderline-run-"
_KEPT_DATA_OF_ROOT = Path("/var/lib/orderline")
_WALK_THROUGH = 0o711
_READ_AND_RUN = 0o755
_ORPHANS_SECONDS = 10
_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged account that servers of root run as."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Place:
    """One run: its folder, its data, its servers' account and the locks they inherit."""

    run: Path
    data: Path
    account: Account | None
    locks: tuple[int, ...]

    def own_folder(self, path: Path) -> Path:
        """A folder that only the servers' account (and root) may enter; made if need be."""
        path.mkdir(mode=0o700, exist_ok=True)
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)
        return path

    def lend(self, folder: Path, *names: str) -> Path:
        """``folder`` or, as root, a copy of the named parts of it that the account may run.

        Names that do not exist are left out.
        """
        if self.account is None:
            return folder
        copy = self.run / "programs"
        for name in names:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            if (folder / name).is_dir():
                unneeded = shutil.ignore_patterns("include", "*.a")
                shutil.copytree(
                    folder / name, copy / name, ignore=unneeded, copy_function=shutil.copyfile
                )
            elif (folder / name).exists():
                shutil.copyfile(folder / name, copy / name)
        for path in (copy, *copy.rglob("*")):
            path.chmod(_READ_AND_RUN)
        return copy


@contextmanager
def a_place(home: Path, *, persistent: bool) -> Iterator[Place]:
    """Clear up after crashed runs, then give this run a place and take it away at the end.

    The calling process must lead its process group: a later start may have to stop the group.
    Raises ``EmbeddedError`` when another run is using the kept data.
    """
    _clear_up()
    account = _servers_account()
    with _new_run() as run:
        data = kept_data(home) if persistent else run / "data"
        _make_folder(data)
        held = (_take(run / "servers"), _take(data / "in-use"))
        try:
            yield Place(run, data, account, held)
        finally:
            for lock in held:
                os.close(lock)


def kept_data(home: Path) -> Path:
    """Where data that outlives a run is kept: in the home; for root, in a folder of its own."""
    if os.geteuid() != 0:
        return home
    return _KEPT_DATA_OF_ROOT / hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:12]


def is_running(run: Path) -> bool:
    """Whether the keeper of that run lives."""
    return locks.is_held(run / "keeper")


def _servers_account() -> Account | None:
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedError(
            "PostgreSQL does not run as root, and there is no account `nobody` to run it as."
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid)


@contextmanager
def _new_run() -> Iterator[Path]:
    """A fresh folder. It is locked before it gets its name, so no other start clears it up."""
    parent = next((path for path in _RUNS if os.access(path, os.W_OK | os.X_OK)), None)
    if parent is None:
        raise EmbeddedError("The embedded servers need a writable /tmp or /var/tmp.")
    nameless = Path(tempfile.mkdtemp(prefix=f".{_RUN}", dir=parent))
    nameless.chmod(_WALK_THROUGH)
    keeper = _take(nameless / "keeper")
    os.write(keeper, str(os.getpgrp()).encode())
    run = nameless.rename(nameless.with_name(nameless.name.removeprefix(".")))
    try:
        yield run
    finally:
        shutil.rmtree(run, ignore_errors=True)
        os.close(keeper)


def _take(path: Path) -> int:
    lock = locks.take(path, create=True)
    if lock is None:
        raise EmbeddedError(f"Another run is using the data in {path.parent}.")
    return lock


def _make_folder(path: Path) -> None:
    """Make a folder others may walk through; those that were there keep their mode."""
    for folder in (*reversed(path.parents), path):
        if not folder.exists():
            folder.mkdir()
            folder.chmod(_WALK_THROUGH)


def _clear_up() -> None:
    """Remove what crashed runs of this user left behind."""
    for run in (path for parent in _RUNS for path in parent.glob(f"{_RUN}*")):
        with suppress(FileNotFoundError):  # another start is clearing it up, too
            if run.is_symlink() or run.stat().st_uid != os.geteuid():
                continue
            keeper = locks.take(run / "keeper")
            if keeper is not None:
                _stop_orphans(run, int(os.read(keeper, 16)))
                shutil.rmtree(run, ignore_errors=True)
                os.close(keeper)


def _stop_orphans(run: Path, group: int) -> None:
    """Stop servers whose keeper was killed. While they hold the lock, the group is theirs."""
    for request in (signal.SIGINT, signal.SIGKILL):
        deadline = time.monotonic() + _ORPHANS_SECONDS
        if locks.is_held(run / "servers"):
            os.killpg(group, request)
        while locks.is_held(run / "servers") and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
