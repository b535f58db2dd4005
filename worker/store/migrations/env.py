"""Alembic runs this module: one connection, one transaction, one migration at a time."""

from alembic import context
from sqlalchemy import create_engine, pool, text
from sqlmodel import SQLModel

from worker.store import (
    tables,
    tables_accounts,
    tables_books,
    tables_operators,
    tables_purge,
    tables_told,
    tables_upkeep,
)
from worker.store.migrations import LOCK_TIMEOUT

_TABLES = (
    tables,
    tables_accounts,
    tables_books,
    tables_operators,
    tables_purge,
    tables_told,
    tables_upkeep,
)
"""Imported so that ``SQLModel.metadata`` is complete."""
_MIGRATION_LOCK = 0x0DE2117E


def run() -> None:
    """Migrate, holding an advisory lock so that a second migration waits."""
    engine = create_engine(context.config.attributes["url"], poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=SQLModel.metadata)
        with context.begin_transaction():
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            # From here on every lock is a table's, and whoever works there would wait behind us.
            connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}s'"))
            context.run_migrations()
    engine.dispose()


run()
