"""The schema's history (Alembic). ``upgrade`` brings a database to the newest revision."""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

_HERE = str(files(__package__))


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", _HERE)
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> str:
    """Migrate the database at this SQLAlchemy URL; the revision it is at afterwards.

    Blocking: Alembic knows no asyncio. Two at once are safe, the second one waits.
    """
    command.upgrade(_config(url), "head")
    return newest()


def newest() -> str:
    """The revision that this code expects."""
    head = ScriptDirectory(_HERE).get_current_head()
    assert head is not None  # noqa: S101 -- the project has at least one revision
    return head


def current(connection: Connection) -> str | None:
    """The revision a database is at, ``None`` for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()
