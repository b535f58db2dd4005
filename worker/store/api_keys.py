"""API keys of producers that cannot reach Redis: kept as digests, shown once, revoked for good.

A key is ``olk_<id>_<secret>``. The id finds its row; the digest is of the whole, and needs no salt,
because the secret is as random as a digest is long.
"""

import base64
import hmac
import os
import re
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final

from sqlalchemy import text

from worker.errors import UnknownProducer
from worker.store.session import Boundary, Database

_SHAPE: Final = re.compile(r"olk_([a-z2-7]{8})_[A-Za-z0-9_-]{43}")

_ADD: Final = text("""
INSERT INTO api_keys (id, producer, digest)
SELECT :id, name, :digest FROM producers WHERE name = :producer
RETURNING id
""")

_REVOKE: Final = text("""
UPDATE api_keys SET revoked_at = coalesce(revoked_at, orderline_now()) WHERE id = :id RETURNING id
""")

_EVERY: Final = text("""
SELECT id, producer, created_at, revoked_at FROM api_keys ORDER BY producer, created_at, id
""")

_LIVING: Final = text("""
SELECT k.id, k.producer, k.digest FROM api_keys k JOIN producers p ON p.name = k.producer
WHERE k.revoked_at IS NULL AND p.disabled_at IS NULL
""")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key, its secret apart."""

    key_id: str
    producer: str
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class LivingKey:
    """A key that lets its producer in."""

    key_id: str
    producer: str
    digest: bytes = field(repr=False)

    def fits(self, digest: bytes) -> bool:
        """Whether this is the digest of that key. Constant time."""
        return hmac.compare_digest(self.digest, digest)


def new_key() -> str:
    """A fresh key."""
    key_id = base64.b32encode(os.urandom(5)).decode().lower()
    secret = base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()
    return f"olk_{key_id}_{secret}"


def key_id_of(key: str) -> str | None:
    """The id that a key names; ``None`` where it is no key."""
    shaped = _SHAPE.fullmatch(key)
    return None if shaped is None else shaped[1]


def digest_of(key: str) -> bytes:
    """What is kept of a key."""
    return sha256(key.encode(errors="surrogateescape")).digest()


async def add(db: Database, producer: str, key: str) -> str:
    """Keep a new key of a producer; its id. Raises ``UnknownProducer``."""
    values = {"id": key_id_of(key), "producer": producer, "digest": digest_of(key)}
    async with db.transaction(Boundary.PRODUCER) as connection:
        added = (await connection.execute(_ADD, values)).scalar_one_or_none()
    if added is None:
        raise UnknownProducer(f"No producer {producer!r} is registered.")
    return str(added)


async def revoke(db: Database, key_id: str) -> bool:
    """Let a key in no more; ``False`` where there is none of that id. Safe to do again."""
    async with db.transaction(Boundary.PRODUCER) as connection:
        revoked = await connection.execute(_REVOKE, {"id": key_id})
        return revoked.one_or_none() is not None


async def every(db: Database) -> list[ApiKey]:
    """All keys there ever were, by producer."""
    async with db.reading() as connection:
        rows = await connection.execute(_EVERY)
        return [ApiKey(row.id, row.producer, row.created_at, row.revoked_at) for row in rows]


async def living(db: Database) -> list[LivingKey]:
    """The keys that are good: neither revoked, nor of a producer that was disabled."""
    async with db.reading() as connection:
        rows = await connection.execute(_LIVING)
        return [LivingKey(row.id, row.producer, bytes(row.digest)) for row in rows]
