"""What beat rings for besides the orders, and when it was last done."""

from datetime import timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_RAN: Final = text(
    "INSERT INTO jobs (name) VALUES (:job)"
    " ON CONFLICT (name) DO UPDATE SET ran_at = excluded.ran_at"
)

_SINCE: Final = text("SELECT orderline_now() - ran_at FROM jobs WHERE name = :job")


async def note_run(connection: AsyncConnection, job: str) -> None:
    """A job, by its task's name (``schemas.jobs``), is done once this transaction is.

    Its last statement, please: two that run at once wait for each other from here on.
    """
    await connection.execute(_RAN, {"job": job})


async def since_run(connection: AsyncConnection, job: str) -> timedelta | None:
    """How long ago, by the database's clock, a job was last done; ``None`` if it never was."""
    ago: timedelta | None = (await connection.execute(_SINCE, {"job": job})).scalar_one_or_none()
    return ago
