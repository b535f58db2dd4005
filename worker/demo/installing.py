"""What an installation must have before its processes start: a database, and producers in it."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from worker.crypto import Vault
from worker.delivery.signing import new_secret
from worker.demo.receiver import Receiver
from worker.embedded import Servers
from worker.settings import Settings
from worker.store import migrations, producers
from worker.store.session import Database


@asynccontextmanager
async def migrated(servers: Servers, encryption_key: str) -> AsyncIterator[Database]:
    """The servers' database, at the newest revision."""
    settings = Settings(
        database_url=servers.database_url,
        redis_url=servers.redis_url,
        encryption_keys=encryption_key,
    )
    await asyncio.to_thread(migrations.upgrade, settings.sqlalchemy_url)
    db = Database(settings.sqlalchemy_url)
    try:
        yield db
    finally:
        await db.close()


async def register(
    names: Iterable[str], db: Database, vault: Vault, receiver: Receiver
) -> list[str]:
    """Register producers, all heard by this receiver; their webhook secrets."""
    secrets = {name: new_secret() for name in names}
    for name, secret in secrets.items():
        await producers.add(db, vault, name=name, notify_url=receiver.hook(name), secret=secret)
        receiver.trust(name, secret)
    return list(secrets.values())
