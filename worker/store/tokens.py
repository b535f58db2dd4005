"""Provider tokens: one living token per account, renewed by one worker, encrypted at rest.

The lease is a row, never a transaction held open over HTTP.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text

from worker.crypto import SealBroken, Vault
from worker.store.session import Boundary, Database

_READ: Final = text("""
SELECT sealed_token, version,
    sealed_token IS NOT NULL
        AND (expires_at IS NULL OR expires_at > orderline_now() + make_interval(secs => :margin))
    AS alive
FROM tokens WHERE provider = :provider AND account = :account
""")

_CLAIM: Final = text("""
INSERT INTO tokens AS t (provider, account, lease_until)
VALUES (:provider, :account, orderline_now() + make_interval(secs => :lease))
ON CONFLICT (provider, account) DO UPDATE SET lease_until = excluded.lease_until
WHERE t.version = :version AND (t.lease_until IS NULL OR t.lease_until <= orderline_now())
RETURNING version
""")

_RENEW: Final = text("""
UPDATE tokens SET sealed_token = :token, expires_at = :expires_at, version = version + 1,
    lease_until = NULL
WHERE provider = :provider AND account = :account AND version = :version
""")

_GIVE_UP: Final = text(
    "UPDATE tokens SET lease_until = NULL"
    " WHERE provider = :provider AND account = :account AND version = :version"
)


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token as stored. ``version`` names it; a rejected version is renewed once."""

    version: int
    value: str | None = field(repr=False)
    alive: bool


async def read(
    db: Database, vault: Vault, provider: str, account: str, margin: timedelta
) -> StoredToken:
    """The account's token; version 0 without a value when there never was one.

    One that no key opens any more has no value either: a new one costs no more than a login.
    """
    async with db.reading() as connection:
        row = (
            await connection.execute(
                _READ,
                {"provider": provider, "account": account, "margin": margin.total_seconds()},
            )
        ).one_or_none()
    if row is None:
        return StoredToken(0, None, alive=False)
    return StoredToken(row.version, _opened(vault, row.sealed_token), alive=row.alive)


def _opened(vault: Vault, sealed: bytes | None) -> str | None:
    try:
        return None if sealed is None else vault.unseal(sealed).decode()
    except SealBroken:
        return None


async def claim_renewal(
    db: Database, provider: str, account: str, version: int, lease: timedelta
) -> bool:
    """Whether it is ours to replace this version; others wait for us."""
    async with db.transaction(Boundary.TOKEN_CLAIM) as connection:
        rows = await connection.execute(
            _CLAIM,
            {
                "provider": provider,
                "account": account,
                "version": version,
                "lease": lease.total_seconds(),
            },
        )
        return rows.one_or_none() is not None


async def renew(
    db: Database,
    vault: Vault,
    provider: str,
    account: str,
    *,
    version: int,
    value: str,
    expires_at: datetime | None,
) -> None:
    """Store the new token in place of ``version``."""
    async with db.transaction(Boundary.TOKEN_RENEWED) as connection:
        await connection.execute(
            _RENEW,
            {
                "provider": provider,
                "account": account,
                "version": version,
                "token": vault.seal(value.encode()),
                "expires_at": expires_at,
            },
        )


async def give_up(db: Database, provider: str, account: str, version: int) -> None:
    """The login failed; whoever needs the token may try next."""
    async with db.transaction(Boundary.TOKEN_RENEWED) as connection:
        await connection.execute(
            _GIVE_UP, {"provider": provider, "account": account, "version": version}
        )
