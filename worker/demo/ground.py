"""Whether servers that were given to the demonstration may be used: only when they are empty."""

from redis.asyncio import Redis
from sqlalchemy import text

from worker.errors import OrderlineError
from worker.store.session import Database

_TABLES = text("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()")
_IN_USE = text(
    "SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM producers)"
    " + (SELECT count(*) FROM quarantine)"
)


class NotEmpty(OrderlineError):
    """A server holds something already; the demonstration touches nobody's data."""


async def check_ground(db: Database, redis: Redis, revision: str | None) -> None:
    """Raise ``NotEmpty`` unless the database, at ``revision``, and Redis hold nothing."""
    async with db.reading() as connection:
        found = await connection.execute(_TABLES if revision is None else _IN_USE)
        if found.scalar_one():
            held = "tables of something else" if revision is None else "producers or orders"
            raise NotEmpty(
                f"ORDERLINE_DATABASE_URL: the demo needs an empty database; this one holds {held}."
            )
    if count := await redis.dbsize():
        raise NotEmpty(
            f"ORDERLINE_REDIS_URL: the demo needs an empty Redis database; this one holds {count}"
            " keys. Another one is reached by another number at the end of the URL."
        )
