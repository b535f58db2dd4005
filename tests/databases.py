"""Databases for tests: copies of a migrated one, each used again while only its rows changed.

To make a copy and to drop it takes half a second where a disk is busy, to empty it takes a few
milliseconds. What a test may leave behind besides rows (another clock, a table less, a row less of
those the template has, statistics that make other plans, large files) is found by looking; a copy
that has any of it is dropped.
"""

from typing import Final
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
from psycopg import sql

_USES: Final = 30
"""How often a copy serves: what was deleted still lies in its files."""
_ROOM: Final = 1 << 20
"""Bytes that a copy may have grown by: the planner looks at the size of files."""

_CATALOGS: Final = (
    "pg_attrdef", "pg_attribute", "pg_class", "pg_constraint", "pg_index", "pg_proc",
    "pg_rewrite", "pg_statistic", "pg_trigger", "pg_type",
)  # fmt: skip
_CLOCK: Final = "SELECT pg_get_functiondef('orderline_now()'::regprocedure)"
_TABLES: Final = """
SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
_SIZE: Final = """
SELECT sum(pg_relation_size(oid)) FROM pg_class WHERE relnamespace = 'public'::regnamespace
"""
_SETTINGS: Final = """
SELECT count(*) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
WHERE d.datname = current_database()
"""
_LET_GO: Final = """
SELECT bool_and(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


class Databases:
    """Hands out databases that are as the template is."""

    def __init__(self, server: str, template: str) -> None:
        self._server = server
        self._template = template
        self._spare: str | None = None
        self._uses = 0
        with psycopg.connect(self._url(template), autocommit=True) as connection:
            self._clock = connection.execute(_CLOCK).fetchone()
            self._size = _number(connection, _SIZE)
            tables = [name for (name,) in connection.execute(_TABLES).fetchall()]
            self._seeded = {name: rows for name in tables if (rows := _rows(connection, name))}
            self._tables = [name for name in tables if name not in self._seeded]
            self._shape = _shape(connection)

    def fresh(self) -> str:
        """The URL of a new copy of the template; ``drop`` it."""
        name = f"test_{uuid4().hex}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {self._template}")
        return self._url(name)

    def drop(self, url: str) -> None:
        """Drop a copy, whoever is connected to it."""
        self._execute(f"DROP DATABASE IF EXISTS {urlsplit(url).path[1:]} WITH (FORCE)")

    def take(self) -> str:
        """The URL of a database that is as the template is; ``give_back`` it."""
        url, self._spare = self._spare, None
        if url is None:
            url, self._uses = self.fresh(), 0
        self._uses += 1
        return url

    def give_back(self, url: str) -> None:
        """Keep it for the next test if it can be made as it was; else drop it."""
        if self._uses < _USES and self._cleared(url):
            self._spare = url
        else:
            self.drop(url)

    def close(self) -> None:
        """Drop what is kept."""
        if self._spare is not None:
            self.drop(self._spare)

    def _cleared(self, url: str) -> bool:
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                return self._clear(connection)
        except psycopg.Error:  # it is gone, refuses us, or we may not do such things to it
            return False

    def _clear(self, connection: psycopg.Connection) -> bool:
        connection.execute(_LET_GO)
        clock = connection.execute(_CLOCK).fetchone()
        if clock != self._clock:
            assert self._clock is not None
            connection.execute(self._clock[0])
        if _shape(connection) != self._shape or _number(connection, _SETTINGS):
            return False
        if _number(connection, _SIZE) > self._size + _ROOM:
            return False
        if any(_rows(connection, name) != rows for name, rows in self._seeded.items()):
            return False
        connection.execute("SET session_replication_role = replica")  # no trigger, no foreign key
        for table in self._tables:
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
        return True

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(statement.encode())

    def _url(self, name: str) -> str:
        return urlunsplit(urlsplit(self._server)._replace(path=f"/{name}"))


def _shape(connection: psycopg.Connection) -> list[object]:
    """What changes with every change of the schema, but not with the clock."""
    newest = " UNION ALL ".join(
        f"SELECT '{catalog}', count(*), max(xmin::text::bigint) FROM {catalog}"  # noqa: S608 -- ours
        + (" WHERE proname <> 'orderline_now'" if catalog == "pg_proc" else "")
        for catalog in _CATALOGS
    )
    return [*connection.execute(newest.encode()).fetchall()]


def _number(connection: psycopg.Connection, query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0] or 0)


def _rows(connection: psycopg.Connection, table: str) -> list[tuple[object, ...]]:
    query = sql.SQL("SELECT t::text FROM {} t ORDER BY 1").format(sql.Identifier(table))
    return connection.execute(query).fetchall()
