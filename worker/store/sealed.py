"""Every column that holds sealed bytes: which keys seal something there, and sealing it anew.

Which columns there are is read off the tables: those of bytes whose names begin with ``sealed_``.

Sealing anew stands beside running workers. Each batch locks its rows first, without waiting for
any, and leaves those alone that somebody holds: nobody waits for it in a circle, and nothing newer
is written over. It walks a table along its primary key, and may be begun again from anywhere.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, LargeBinary, Table, TextClause, Uuid, exc, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel

from worker.crypto import KEY_ID_LENGTH, SealBroken, Vault
from worker.store import tables, tables_accounts, tables_told, tables_upkeep
from worker.store.session import Boundary, Database, Row, as_bytea, as_rows

_TABLES: Final = (tables, tables_accounts, tables_told, tables_upkeep)
"""Imported so that ``SQLModel.metadata`` has all that seal something, and what those refer to."""

_PREFIX: Final = "sealed_"

UNNAMED: Final = "without an id"
"""What stands for the key of bytes that were sealed before keys had ids."""

BATCH: Final = 50
"""Rows at once. Few, for an entry in quarantine may be a MiB long."""

_CANCELLED: Final = "57014"

_FIRST: Final[Mapping[str, str]] = {"uuid": str(UUID(int=0)), "text": ""}
"""What comes before all values of a column that names a row, by its SQL type."""

_KEY_ID: Final = f"""CASE substring({{name}} FROM {KEY_ID_LENGTH + 1} FOR 1)
    WHEN '.' THEN encode(substring({{name}} FROM 1 FOR {KEY_ID_LENGTH}), 'escape')
    ELSE '{UNNAMED}' END"""

_COUNT: Final = f"""
SELECT '{{place}}' AS place, {_KEY_ID} AS key_id, count(*) AS values
FROM {{table}} WHERE {{name}} IS NOT NULL GROUP BY 2
"""  # noqa: S608 -- filled with names of our own tables only

_OLD: Final = f"""
SELECT {{columns}}, {{name}} AS sealed FROM {{table}}
WHERE {{name}} IS NOT NULL AND substring({{name}} FROM 1 FOR {KEY_ID_LENGTH + 1}) <> :current
    AND ({{columns}}) > ({{after}})
ORDER BY {{columns}} LIMIT :limit
"""  # noqa: S608 -- as above

_SEAL: Final = """
UPDATE {table} t SET {name} = i.sealed
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS i({typed}, sealed bytea)
WHERE {same}
"""

KeyCounts = Mapping[str, Mapping[str, int]]
"""Key id → how many values it seals, by place (``events.sealed_goods``)."""


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed bytes, and what names a row of its table: columns with their types."""

    table: str
    name: str
    key: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.table}.{self.name}"

    def count(self) -> str:
        """SQL that counts its values by the keys that seal them."""
        return _COUNT.format(place=self, table=self.table, name=self.name)

    def old(self, *, to_seal: bool) -> TextClause:
        """What the ``current`` key does not seal, after a row; to be sealed, it is locked."""
        columns = ", ".join(self.key)
        after = ", ".join(f"CAST(:{key} AS {kind})" for key, kind in self.key.items())
        lock = "FOR NO KEY UPDATE SKIP LOCKED" if to_seal else ""
        found = _OLD.format(columns=columns, name=self.name, table=self.table, after=after)
        return text(found + lock)

    def seal(self) -> TextClause:
        """Write values that were sealed anew."""
        typed = ", ".join(f"{key} {kind}" for key, kind in self.key.items())
        same = " AND ".join(f"t.{key} = i.{key}" for key in self.key)
        return text(_SEAL.format(table=self.table, name=self.name, typed=typed, same=same))

    def start(self) -> dict[str, Any]:
        """What comes before its first row."""
        return {key: _FIRST[kind] for key, kind in self.key.items()}


@dataclass(frozen=True, slots=True)
class Walked:
    """What became of some rows of a column."""

    column: SealedColumn
    sealed: int
    broken: int
    """How many could not be opened, and stay as they are."""


def sealed_columns() -> list[SealedColumn]:
    """Every column of sealed bytes there is."""
    found = []
    for table in SQLModel.metadata.sorted_tables:
        key = {each.name: _type_of(each) for each in table.primary_key}
        found += [SealedColumn(table.name, name, key) for name in _sealed_in(table)]
    return found


def _type_of(column: Column[Any]) -> str:
    return "uuid" if isinstance(column.type, Uuid) else "text"


def _sealed_in(table: Table) -> list[str]:
    return [
        column.name
        for column in table.columns
        if isinstance(column.type, LargeBinary) and column.name.startswith(_PREFIX)
    ]


async def count_keys(db: Database, *, within: float | None = None) -> KeyCounts | None:
    """Which keys seal how much. Reads whole tables; ``None`` where ``within`` seconds are too few.

    ``UNNAMED`` stands for those of before there were ids.
    """
    statement = text(" UNION ALL ".join(column.count() for column in sealed_columns()))
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    async with db.reading() as connection:
        if within is not None:
            await connection.execute(text(f"SET LOCAL statement_timeout = {round(within * 1000)}"))
        try:
            rows = (await connection.execute(statement)).all()
        except exc.OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != _CANCELLED:
                raise
            return None
    for row in rows:
        found[row.key_id][row.place] = row.values
    return dict(found)


async def seal_anew(
    db: Database, vault: Vault, column: SealedColumn, *, dry_run: bool = False
) -> AsyncIterator[Walked]:
    """Seal with the first key what others seal in a column, batch by batch.

    A ``dry_run`` opens all of it, and writes nothing.
    """
    after = column.start()
    while True:
        if dry_run:
            async with db.reading() as connection:
                rows = await _old(connection, vault, column, after, to_seal=False)
            anew = _sealed_anew(rows, vault, column)
        else:
            async with db.transaction(Boundary.REKEY) as connection:
                rows = await _old(connection, vault, column, after, to_seal=True)
                anew = _sealed_anew(rows, vault, column)
                await connection.execute(column.seal(), {"rows": as_rows(anew)})
        if not rows:
            return
        after = _named(rows[-1], column)
        yield Walked(column, len(anew), len(rows) - len(anew))


async def _old(
    connection: AsyncConnection,
    vault: Vault,
    column: SealedColumn,
    after: Mapping[str, Any],
    *,
    to_seal: bool,
) -> Sequence[Row]:
    current = f"{vault.key_ids[0]}.".encode()
    values = {**after, "current": current, "limit": BATCH}
    return (await connection.execute(column.old(to_seal=to_seal), values)).all()


def _sealed_anew(rows: Sequence[Row], vault: Vault, column: SealedColumn) -> list[dict[str, Any]]:
    """Rows with their new bytes, without those that cannot be opened."""
    anew = []
    for row in rows:
        try:
            plain = vault.unseal(bytes(row.sealed))
        except SealBroken:
            continue
        anew.append({**_named(row, column), "sealed": as_bytea(vault.seal(plain))})
    return anew


def _named(row: Row, column: SealedColumn) -> dict[str, Any]:
    return {key: str(getattr(row, key)) for key in column.key}
