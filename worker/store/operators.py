"""Operators of the console and their sessions: who may sign in, and who has.

Of a session only the token's digest is kept, so whoever reads the database cannot take one over.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import text

from schemas.operators import OperatorView
from worker.errors import OrderlineError
from worker.store.deeds import Deed, note
from worker.store.session import Boundary, Database
from worker.store.tables_operators import Role

_ADD: Final = text("""
INSERT INTO operators (name, role, password_hash) VALUES (:name, :role, :password_hash)
ON CONFLICT DO NOTHING RETURNING name
""")

_CHANGE: Final = text("""
UPDATE operators SET
    role = coalesce(CAST(:role AS text), role),
    password_hash = coalesce(CAST(:password_hash AS text), password_hash),
    disabled_at = CASE WHEN CAST(:disabled AS boolean) IS NULL THEN disabled_at
        WHEN :disabled THEN coalesce(disabled_at, orderline_now()) END
WHERE name = :name RETURNING name
""")

_END_ALL: Final = text("DELETE FROM operator_sessions WHERE operator = :name")

_EVERY: Final = text("""
SELECT o.name, o.role, o.created_at, o.disabled_at, count(s.digest) AS sessions
FROM operators o LEFT JOIN operator_sessions s
    ON s.operator = o.name AND s.ends_at > orderline_now()
    AND s.seen_at > orderline_now() - CAST(:idle AS interval)
GROUP BY o.name ORDER BY o.name
""")

_HASH: Final = text("""
SELECT password_hash FROM operators WHERE name = :name AND disabled_at IS NULL
""")

_TIDY: Final = text("""
DELETE FROM operator_sessions WHERE digest IN (
    SELECT digest FROM operator_sessions
    WHERE ends_at <= orderline_now() OR seen_at <= orderline_now() - CAST(:idle AS interval)
    ORDER BY digest FOR UPDATE SKIP LOCKED)
""")

# The password may have been changed, or the operator disabled, since it was looked up.
_BEGIN: Final = text("""
INSERT INTO operator_sessions (digest, operator, ends_at)
SELECT :digest, name, orderline_now() + CAST(:lasts AS interval) FROM operators
WHERE name = :name AND password_hash = :password_hash AND disabled_at IS NULL
FOR SHARE
ON CONFLICT (digest) DO NOTHING
RETURNING operator
""")

_WHO: Final = text("""
SELECT o.name, o.role, s.seen_at < orderline_now() - interval '1 min' AS stale
FROM operator_sessions s JOIN operators o ON o.name = s.operator
WHERE s.digest = :digest AND o.disabled_at IS NULL AND s.ends_at > orderline_now()
    AND s.seen_at > orderline_now() - CAST(:idle AS interval)
""")

_SEEN: Final = text("""
UPDATE operator_sessions SET seen_at = greatest(seen_at, orderline_now()) WHERE digest = :digest
""")

_END: Final = text("DELETE FROM operator_sessions WHERE digest = :digest RETURNING operator")

IDLE: Final = timedelta(minutes=30)
"""A session that was not used for so long has ended."""
LASTS: Final = timedelta(hours=12)
"""How long a session lasts, however much it is used."""


class NoSuchOperator(OrderlineError):
    """No operator of that name was ever added."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is to be changed of an operator; ``None`` leaves it."""

    role: Role | None = None
    password_hash: str | None = field(default=None, repr=False)
    disabled: bool | None = None

    @property
    def ends_sessions(self) -> bool:
        """Whether who is signed in under that name has to sign in again."""
        return self.password_hash is not None or bool(self.disabled)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who a session is. ``stale``: it was last noted as seen a while ago."""

    name: str
    role: Role
    stale: bool


def digest_of(token: str) -> bytes:
    """What is kept of a session's token, which is as random as a digest is long."""
    return sha256(token.encode(errors="surrogateescape")).digest()


async def add(db: Database, name: str, role: Role, password_hash: str, deed: Deed) -> bool:
    """Let somebody sign in under a name; ``False`` where it is taken, and nothing is changed."""
    async with db.transaction(Boundary.OPERATOR) as connection:
        values = {"name": name, "role": role, "password_hash": password_hash}
        added = (await connection.execute(_ADD, values)).one_or_none() is not None
        if added:
            await note(connection, deed)
    return added


async def change(db: Database, name: str, changes: Changes, deed: Deed) -> None:
    """Change an operator. Raises ``NoSuchOperator``."""
    values = {
        "name": name,
        "role": changes.role,
        "password_hash": changes.password_hash,
        "disabled": changes.disabled,
    }
    async with db.transaction(Boundary.OPERATOR) as connection:
        if (await connection.execute(_CHANGE, values)).one_or_none() is None:
            raise NoSuchOperator(f"There is no operator {name!r}; `orderline operators list`.")
        if changes.ends_sessions:
            await connection.execute(_END_ALL, {"name": name})
        await note(connection, deed)


async def every(db: Database) -> list[OperatorView]:
    """All operators there ever were, by name, with how often each is signed in."""
    async with db.reading() as connection:
        rows = await connection.execute(_EVERY, {"idle": IDLE})
        return [OperatorView(**row._mapping) for row in rows]  # noqa: SLF001 -- SQLAlchemy's public name


async def password_hash_of(db: Database, name: str) -> str | None:
    """What a password is held against; ``None`` where nobody gets in under this name."""
    async with db.reading() as connection:
        return (await connection.execute(_HASH, {"name": name})).scalar_one_or_none()


async def sign_in(db: Database, token: str, name: str, password_hash: str, deed: Deed) -> bool:
    """Begin a session, once the password was found good; ``False`` where it is so no more."""
    values = {"digest": digest_of(token), "name": name, "password_hash": password_hash}
    async with db.transaction(Boundary.OPERATOR) as connection:
        await connection.execute(_TIDY, {"idle": IDLE})
        begun = await connection.execute(_BEGIN, {**values, "lasts": LASTS})
        if begun.one_or_none() is None:
            return False
        await note(connection, deed)
    return True


async def who(db: Database, token: str) -> SignedIn | None:
    """Who is signed in by this token; ``None`` where nobody is, or not any more."""
    async with db.reading() as connection:
        values = {"digest": digest_of(token), "idle": IDLE}
        row = (await connection.execute(_WHO, values)).one_or_none()
    return None if row is None else SignedIn(row.name, Role(row.role), row.stale)


async def seen(db: Database, token: str) -> None:
    """Note that a session is used."""
    async with db.transaction(Boundary.OPERATOR) as connection:
        await connection.execute(_SEEN, {"digest": digest_of(token)})


async def sign_out(db: Database, token: str, deed: Deed) -> None:
    """End a session. Safe to do again."""
    async with db.transaction(Boundary.OPERATOR) as connection:
        if (await connection.execute(_END, {"digest": digest_of(token)})).one_or_none():
            await note(connection, deed)
