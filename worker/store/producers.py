"""Registered producers: where each is told, whether anything is taken from it, how it is signed to.

Two of its webhook secrets live at most: the current one, and for a while the one before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.ids import new_uuid
from worker.crypto import Vault
from worker.errors import OrderlineError, UnknownProducer
from worker.store.session import Boundary, Database, Row

_ADD: Final = text("""
WITH added AS (
    INSERT INTO producers (name, notify_url, notify_hosts, max_open)
    VALUES (:name, :notify_url, :hosts, nullif(CAST(:max_open AS int), 0))
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

_CHANGE: Final = text("""
WITH changed AS (
    UPDATE producers SET notify_url = coalesce(:notify_url, notify_url),
        notify_hosts = coalesce(CAST(:hosts AS text[]), notify_hosts),
        max_open = nullif(coalesce(CAST(:max_open AS int), max_open), 0)
    WHERE name = :name RETURNING name, notify_url
),
reached AS (
    INSERT INTO endpoints (producer, url) SELECT name, split_part(notify_url, '?', 1) FROM changed
    ON CONFLICT DO NOTHING
)
SELECT name FROM changed
""")

_LOCK: Final = text("SELECT disabled_at FROM producers WHERE name = :name FOR NO KEY UPDATE")

_DISABLE: Final = text("UPDATE producers SET disabled_at = orderline_now() WHERE name = :name")
_ENABLE: Final = text("UPDATE producers SET disabled_at = NULL WHERE name = :name")

_FOUND: Final = text("""
SELECT name, notify_url, notify_hosts, max_open, created_at, disabled_at FROM producers
WHERE CAST(:name AS text) IS NULL OR name = :name
ORDER BY name
""")

_SECRETS: Final = text("""
SELECT producer, created_at, ends_at, ends_at - orderline_now() AS lasts, sealed_secret
FROM webhook_secrets
WHERE producer = ANY(:names) AND (ends_at IS NULL OR ends_at > orderline_now())
ORDER BY producer, ends_at IS NOT NULL, ends_at DESC
""")

_REPLACE: Final = (
    text("""
    UPDATE webhook_secrets SET ends_at = orderline_now()
    WHERE producer = :name AND ends_at > orderline_now()
    """),
    text("""
    UPDATE webhook_secrets SET ends_at = orderline_now() + make_interval(secs => :keep)
    WHERE producer = :name AND ends_at IS NULL
    """),
    text("""
    INSERT INTO webhook_secrets (id, producer, sealed_secret) VALUES (:id, :name, :secret)
    """),
)


@dataclass(frozen=True, slots=True)
class SecretAge:
    """Since when a webhook secret signs, and until when; ``None`` for the current one."""

    created_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Producer:
    """A registered producer. Of its live secrets only the ages, the current one first."""

    name: str
    notify_url: str
    notify_hosts: tuple[str, ...]
    max_open: int | None
    """How many of its orders may be open; ``None``: as ``ORDERLINE_OPEN_PER_PRODUCER`` says."""
    created_at: datetime
    disabled_at: datetime | None
    secrets: tuple[SecretAge, ...]


@dataclass(frozen=True, slots=True)
class LiveSecret:
    """A ``whsec_`` secret, and how long it still signs; ``None`` for the current one."""

    secret: str
    lasts: timedelta | None

    def __repr__(self) -> str:
        return f"LiveSecret(lasts={self.lasts})"


class TwoLive(OrderlineError):
    """A producer's last secret was replaced so lately that the one before still signs."""

    def __init__(self, name: str, ends_at: datetime) -> None:
        super().__init__(f"Two webhook secrets of {name} are live.")
        self.ends_at = ends_at


async def add(
    db: Database,
    vault: Vault,
    *,
    name: str,
    notify_url: str,
    secret: str,
    notify_hosts: Sequence[str] = (),
    max_open: int = 0,
) -> bool:
    """Register a producer; ``False`` when the name is taken (nothing is changed then).

    ``max_open``: how many of its orders may be open; 0 is as the settings say.
    """
    values = {
        "name": name,
        "notify_url": notify_url,
        "hosts": list(notify_hosts),
        "max_open": max_open,
        "secret_id": new_uuid(),
        "secret": vault.seal(secret.encode()),
    }
    async with db.transaction(Boundary.PRODUCER) as connection:
        return (await connection.execute(_ADD, values)).one_or_none() is not None


async def change(
    db: Database,
    name: str,
    *,
    notify_url: str | None = None,
    notify_hosts: Sequence[str] | None = None,
    max_open: int | None = None,
) -> None:
    """Say anew where a producer is told, and how many of its orders may be open (see ``add``).

    What is ``None`` stays. What was accepted before is told where it was to be. Raises
    ``UnknownProducer``.
    """
    hosts = None if notify_hosts is None else list(notify_hosts)
    async with db.transaction(Boundary.PRODUCER) as connection:
        values = {"name": name, "notify_url": notify_url, "hosts": hosts, "max_open": max_open}
        if (await connection.execute(_CHANGE, values)).one_or_none() is None:
            raise _unknown(name)


async def set_disabled(db: Database, name: str, *, disabled: bool) -> bool:
    """Take nothing from a producer any more, or again; ``False`` where it is so already.

    Raises ``UnknownProducer``.
    """
    async with db.transaction(Boundary.PRODUCER) as connection:
        row = await _locked(connection, name)
        if (row.disabled_at is not None) == disabled:
            return False
        await connection.execute(_DISABLE if disabled else _ENABLE, {"name": name})
    return True


async def rotate(
    db: Database, vault: Vault, *, name: str, secret: str, keep: timedelta, end_older: bool
) -> datetime | None:
    """Make this the current secret; the one before signs beside it for ``keep``.

    No more than two live: with ``end_older`` one that is older still ends at once, and until when
    it would have lived is given back. Raises ``UnknownProducer``, and ``TwoLive`` without.
    """
    async with db.transaction(Boundary.PRODUCER) as connection:
        await _locked(connection, name)
        live = await _secrets(connection, [name])
        ends_at: datetime | None = live[1].ends_at if len(live) > 1 else None
        if ends_at is not None and not end_older:
            raise TwoLive(name, ends_at)
        values = {"name": name, "keep": keep.total_seconds(), "id": new_uuid()}
        for statement in _REPLACE:
            await connection.execute(statement, values | {"secret": vault.seal(secret.encode())})
    return ends_at


async def every(db: Database) -> list[Producer]:
    """All producers, by name."""
    return await _select(db, None)


async def find(db: Database, name: str) -> Producer:
    """One of them. Raises ``UnknownProducer``."""
    found = await _select(db, name)
    if not found:
        raise _unknown(name)
    return found[0]


async def secrets_of(db: Database, vault: Vault, name: str) -> list[LiveSecret]:
    """A producer's live signing secrets, the current one first.

    Raises ``UnknownProducer``, ``SealBroken``.
    """
    async with db.reading() as connection:
        rows = await _secrets(connection, [name])
    if not rows:
        raise _unknown(name)
    return [LiveSecret(vault.unseal(row.sealed_secret).decode(), row.lasts) for row in rows]


async def secret_of(db: Database, vault: Vault, name: str) -> str:
    """The current one of them. Raises as they do."""
    return (await secrets_of(db, vault, name))[0].secret


async def _secrets(connection: AsyncConnection, names: Sequence[str]) -> Sequence[Row]:
    return (await connection.execute(_SECRETS, {"names": list(names)})).all()


async def _locked(connection: AsyncConnection, name: str) -> Row:
    row = (await connection.execute(_LOCK, {"name": name})).one_or_none()
    if row is None:
        raise _unknown(name)
    return row


async def _select(db: Database, name: str | None) -> list[Producer]:
    async with db.reading() as connection:
        rows = (await connection.execute(_FOUND, {"name": name})).all()
        secrets = await _secrets(connection, [row.name for row in rows])
    return [
        Producer(
            name=row.name,
            notify_url=row.notify_url,
            notify_hosts=tuple(row.notify_hosts),
            max_open=row.max_open,
            created_at=row.created_at,
            disabled_at=row.disabled_at,
            secrets=tuple(
                SecretAge(each.created_at, each.ends_at)
                for each in secrets
                if each.producer == row.name
            ),
        )
        for row in rows
    ]


def _unknown(name: str) -> UnknownProducer:
    return UnknownProducer(f"No producer {name!r} is registered.")
