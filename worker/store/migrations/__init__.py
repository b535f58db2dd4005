"""The schema's history (Alembic). ``upgrade`` brings a database to the newest revision.

A migration that waits for a table makes everybody wait who comes after it. So it waits for seconds
only, undoes all it did, and tries again: until somebody's long transaction is over, or it gives up.
"""

import time
from importlib.resources import files
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from worker.errors import OrderlineError

LOCK_TIMEOUT: Final = 2
"""Seconds for which a migration, and with it the traffic, waits for a table that somebody holds."""

_PATIENCE: Final = 60.0
_PAUSE: Final = 1.0
_LOCK_NOT_AVAILABLE: Final = "55P03"

_HERE = str(files(__package__))


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", _HERE)
    config.attributes["url"] = url
    return config


class MigrationBlocked(OrderlineError):
    """A table that has to be changed was never free."""


def upgrade(url: str, *, patience: float = _PATIENCE) -> str:
    """Migrate the database at this SQLAlchemy URL; the revision it is at afterwards.

    Blocking: Alembic knows no asyncio. Two at once are safe, the second one waits. Raises
    ``MigrationBlocked`` when a table was not free within ``patience`` seconds; then nothing has
    changed.
    """
    ends = time.monotonic() + patience
    while True:
        try:
            command.upgrade(_config(url), "head")
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            if time.monotonic() > ends:
                raise MigrationBlocked(
                    "A long transaction holds a table that has to be changed: end it"
                    " (pg_stat_activity shows it), then run `orderline migrate` again. Nothing"
                    " was changed."
                ) from None
            time.sleep(_PAUSE)
        else:
            return newest()


def newest() -> str:
    """The revision that this code expects."""
    head = ScriptDirectory(_HERE).get_current_head()
    assert head is not None  # noqa: S101 -- the project has at least one revision
    return head


def current(connection: Connection) -> str | None:
    """The revision a database is at, ``None`` for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()
