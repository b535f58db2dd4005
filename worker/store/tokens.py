"""Provider tokens: one living token per owner, renewed by one worker, encrypted at rest.

An owner is an account, or what several accounts share (``Provider.token_owner``).

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
    AS alive,
    extract(epoch FROM rests_until - orderline_now())::float8 AS rests_for
FROM tokens WHERE provider = :provider AND account = :account
""")

_CLAIM: Final = text("""
INSERT INTO tokens AS t (provider, account, lease_until)
VALUES (:provider, :account, orderline_now() + make_interval(secs => :lease))
ON CONFLICT (provider, account) DO UPDATE SET lease_until = excluded.lease_until
WHERE t.version = :version AND (t.lease_until IS NULL OR t.lease_until <= orderline_now())
    AND (t.rests_until IS NULL OR t.rests_until <= orderline_now())
RETURNING version
""")

_RENEW: Final = text("""
UPDATE tokens SET sealed_token = :token, expires_at = :expires_at, version = version + 1,
    lease_until = NULL, failures = 0, rests_until = NULL
WHERE provider = :provider AND account = :account AND version = :version
""")

_GIVE_UP: Final = text("""
UPDATE tokens SET lease_until = NULL, failures = failures + CASE WHEN :first > 0 THEN 1 ELSE 0 END,
    rests_until = orderline_now()
        + make_interval(secs => least(:longest, :first * power(2, least(failures, 30))))
WHERE provider = :provider AND account = :account AND version = :version
""")


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token as stored. ``version`` names it; a rejected version is renewed once.

    ``rests_for`` is how long nobody may log in, because logins failed; nothing where one may.
    """

    version: int
    value: str | None = field(repr=False)
    alive: bool
    rests_for: timedelta = timedelta()


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
    rests_for = timedelta(seconds=max(row.rests_for or 0.0, 0.0))
    return StoredToken(row.version, _opened(vault, row.sealed_token), row.alive, rests_for)


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


async def give_up(
    db: Database, provider: str, account: str, version: int, *, first: timedelta, longest: timedelta
) -> None:
    """The login failed: whoever needs the token may try after a rest, doubled each time.

    With a ``first`` rest of nothing it was only given up, and the next one may try at once.
    """
    async with db.transaction(Boundary.TOKEN_RENEWED) as connection:
        await connection.execute(
            _GIVE_UP,
            {
                "provider": provider,
                "account": account,
                "version": version,
                "first": first.total_seconds(),
                "longest": longest.total_seconds(),
            },
        )
