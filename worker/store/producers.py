"""Registered producers and their webhook secrets."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text

from schemas.ids import new_uuid
from worker.crypto import Vault
from worker.errors import UnknownProducer
from worker.store.session import Boundary, Database

_ADD: Final = text("""
WITH added AS (
    INSERT INTO producers (name, notify_url) VALUES (:name, :notify_url)
    ON CONFLICT DO NOTHING RETURNING name
),
reached AS (
    INSERT INTO endpoints (producer, url) SELECT name, split_part(:notify_url, '?', 1) FROM added
),
signs AS (
    INSERT INTO webhook_secrets (id, producer, sealed_secret)
    SELECT :secret_id, name, :secret FROM added
)
SELECT name FROM added
""")


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
            _ADD,
            {
                "name": name,
                "notify_url": notify_url,
                "secret_id": new_uuid(),
                "secret": vault.seal(secret.encode()),
            },
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
                text(
                    "SELECT sealed_secret FROM webhook_secrets"
                    " WHERE producer = :name AND ends_at IS NULL"
                ),
                {"name": name},
            )
        ).scalar_one_or_none()
    if sealed is None:
        raise UnknownProducer(f"No producer {name!r} is registered.")
    return vault.unseal(sealed).decode()
