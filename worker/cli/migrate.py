"""``orderline migrate``."""

import asyncio

from worker.cli.output import say
from worker.cli.session import opened_database, revision
from worker.settings import load_settings
from worker.store import migrations


def migrate() -> None:
    """Bring the database's schema to the newest revision. Safe to repeat.

    While somebody else is migrating the same database it waits until they are done.

    Example: orderline migrate
    """
    before, after = asyncio.run(_migrate())
    if before == after:
        say(f"The database is at revision {after} already.")
    else:
        say(f"Migrated from {'an empty database' if before is None else before} to {after}.")


async def _migrate() -> tuple[str | None, str]:
    settings = load_settings()
    async with opened_database(settings) as db:
        before = await revision(db)
        return before, await asyncio.to_thread(migrations.upgrade, settings.sqlalchemy_url)
