"""What a command holds while it runs: settings, database, vault; and what is said without them.

An outage is one line that names the variable and the host, never a password, never a traceback.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import exc

from worker import redises
from worker.crypto import Vault
from worker.errors import OrderlineError, SettingsError
from worker.operating.running import open_desks_for_people
from worker.runtime import Runtime, open_database, open_vault
from worker.settings import Settings, load_settings
from worker.store import migrations
from worker.store.session import Database, is_transient

_DATABASE: Final = "ORDERLINE_DATABASE_URL"
_REDIS: Final = "ORDERLINE_REDIS_URL"
_PATIENCE: Final = 5.0


class Unreachable(OrderlineError):
    """A server that the settings name does not answer, or turned us away."""


class NotMigrated(OrderlineError):
    """The database's schema is not the one that this code knows."""


@dataclass(frozen=True, slots=True)
class Session:
    """A reachable, migrated database and what is needed beside it."""

    settings: Settings
    db: Database
    vault: Vault

    @asynccontextmanager
    async def runtime(self) -> AsyncIterator[Runtime]:
        """What the steps work with: a desk for every account that is configured well."""
        async with open_desks_for_people(self.settings) as rt:
            yield rt


@asynccontextmanager
async def opened() -> AsyncIterator[Session]:
    """What nearly every command needs.

    Raises ``SettingsError``, ``Unreachable``, ``NotMigrated``.
    """
    settings = load_settings()
    vault = open_vault(settings)
    async with opened_database(settings) as db:
        at, newest = await revision(db), migrations.newest()
        if at != newest:
            raise NotMigrated(
                f"The database is {'empty' if at is None else f'at revision {at}'} and this"
                f" version of Orderline needs revision {newest}: run `orderline migrate`."
            )
        yield Session(settings, db, vault)


@asynccontextmanager
async def opened_database(settings: Settings) -> AsyncIterator[Database]:
    """The database, whatever its schema. Raises ``SettingsError``, ``Unreachable``."""
    try:
        db = open_database(settings)
    except (exc.ArgumentError, ValueError):
        raise _malformed(_DATABASE) from None
    try:
        with reaching_database(settings):
            yield db
    finally:
        await db.close()


async def revision(db: Database) -> str | None:
    """The schema's revision, ``None`` for an empty database."""
    async with db.reading() as connection:
        return await connection.run_sync(migrations.current)


@asynccontextmanager
async def opened_redis(settings: Settings) -> AsyncIterator[Redis]:
    """Redis. Raises ``SettingsError``, ``Unreachable``."""
    url = settings.redis_url
    try:
        redis = redises.connect(
            url.get_secret_value(), socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE
        )
    except ValueError:
        raise _malformed(_REDIS) from None
    try:
        async with redis:
            yield redis
    except RedisError as error:
        raise _unreachable(_REDIS, "Redis", url, error) from None


@contextmanager
def reaching_database(settings: Settings) -> Iterator[None]:
    """Turn what a driver raises when the database is away into one line."""
    try:
        yield
    except (exc.DBAPIError, exc.TimeoutError, OSError) as error:
        if not is_transient(error):
            raise
        cause = getattr(error, "orig", None) or error
        raise _unreachable(_DATABASE, "PostgreSQL", settings.database_url, cause) from None


def _malformed(variable: str) -> SettingsError:
    return SettingsError(
        f"{variable}: is not a URL; a special character in its password is written percent-encoded"
    )


def _unreachable(
    variable: str, server: str, secret: SecretStr, cause: BaseException
) -> Unreachable:
    parts = urlsplit(secret.get_secret_value())
    said = next(iter(str(cause).splitlines()), "") or type(cause).__name__
    if parts.password and parts.password in said:
        said = type(cause).__name__
    return Unreachable(f"{variable}: {server} at {parts.hostname or 'a local socket'}: {said}")
