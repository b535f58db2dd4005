"""Registered producers and their webhook secrets."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from worker.crypto import Vault
from worker.errors import UnknownProducer
from worker.store.session import Boundary, Database


@dataclass(frozen=True, slots=True)
class Producer:
    """A registered producer, its secret apart."""

    name: str
    notify_url: str
    created_at: datetime


async def add(db: Database, vault: Vault, *, name: str, notify_url: str, secret: str) -> bool:
    """Register a producer; ``False`` when the name is taken (nothing is changed then)."""
    async with db.transaction(Boundary.PRODUCER) as connection:
        added = await connection.execute(
            text(
                "INSERT INTO producers (name, notify_url, sealed_secret)"
                " VALUES (:name, :notify_url, :secret) ON CONFLICT DO NOTHING RETURNING name"
            ),
            {"name": name, "notify_url": notify_url, "secret": vault.seal(secret.encode())},
        )
        return added.one_or_none() is not None


async def every(db: Database) -> list[Producer]:
    """All producers, by name."""
    async with db.reading() as connection:
        rows = await connection.execute(
            text("SELECT name, notify_url, created_at FROM producers ORDER BY name")
        )
        return [Producer(row.name, row.notify_url, row.created_at) for row in rows]


async def secret_of(db: Database, vault: Vault, name: str) -> str:
    """A producer's ``whsec_`` signing secret. Raises ``UnknownProducer``, ``SealBroken``."""
    async with db.reading() as connection:
        sealed = (
            await connection.execute(
                text("SELECT sealed_secret FROM producers WHERE name = :name"), {"name": name}
            )
        ).scalar_one_or_none()
    if sealed is None:
        raise UnknownProducer(f"No producer {name!r} is registered.")
    return vault.unseal(sealed).decode()
