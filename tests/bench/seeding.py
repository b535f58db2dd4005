"""An old installation: finished orders by the hundred thousand, copied from one that really was.

Each copy is whole (lines, attempt, events, notifications, deliveries) and belongs to a producer
of its own, ``past``.
"""

from typing import Any, Final

import psycopg

PAST: Final = "past"
_CHUNK: Final = 20_000

_ANEW: Final = "md5({column}::text || '/' || n)"
_NAMES: Final = {
    "orders": ("id",),
    "lines": ("id", "order_id", "line_ref"),
    "attempts": ("id", "order_id", "reference"),
    "events": ("id", "order_id", "line_id"),
    "notifications": ("event_id", "subject"),
    "deliveries": ("event_id",),
}
"""Columns that name a row: the copy gets a name of its own, the same wherever it is named."""
_MARKED: Final = {
    "orders": ("intent_id", "provider_ref", "fingerprint"),
    "lines": ("deliver_id",),
}
"""Texts that are unique besides: the copy's number is added."""
_OF: Final = {
    "orders": "id = %(order)s",
    "lines": "order_id = %(order)s",
    "attempts": "order_id = %(order)s",
    "events": "order_id = %(order)s",
    "notifications": "subject IN (SELECT id FROM lines WHERE order_id = %(order)s)",
    "deliveries": "event_id IN (SELECT id FROM events WHERE order_id = %(order)s)",
}

_PRODUCER: Final = f"""
INSERT INTO producers (name, notify_url)
SELECT '{PAST}', notify_url FROM producers WHERE name = 'bench' ON CONFLICT DO NOTHING
"""  # noqa: S608 -- our own words
_ENDPOINT: Final = f"""
INSERT INTO endpoints (producer, url)
SELECT '{PAST}', url FROM endpoints WHERE producer = 'bench' ON CONFLICT DO NOTHING
"""  # noqa: S608 -- as above
_COLUMNS: Final = """
SELECT column_name FROM information_schema.columns
WHERE table_name = %s AND table_schema = current_schema() AND is_generated = 'NEVER'
ORDER BY ordinal_position
"""


def seed(url: str, count: int) -> None:
    """Copy a finished order of two lines ``count`` times. There must be one."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_PRODUCER.encode())
        connection.execute(_ENDPOINT.encode())
        found = connection.execute(
            "SELECT order_id FROM lines GROUP BY order_id HAVING count(*) = 2 LIMIT 1"
        ).fetchone()
        assert found is not None
        for table in _OF:
            statement = _copying(connection, table)
            for first in range(0, count, _CHUNK):
                last = min(first + _CHUNK, count) - 1
                values = {"order": found[0], "first": first, "last": last}
                connection.execute(statement, values)
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def _copying(connection: "psycopg.Connection[Any]", table: str) -> bytes:
    columns = [row[0] for row in connection.execute(_COLUMNS, [table])]
    taken = ", ".join(_value(table, column) for column in columns)
    statement = (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {taken} FROM {table}"  # noqa: S608 -- the schema's own names
        f" CROSS JOIN generate_series(%(first)s::int, %(last)s::int) AS _(n) WHERE {_OF[table]}"
    )
    return statement.encode()


def _value(table: str, column: str) -> str:
    if column in _NAMES[table]:
        anew = _ANEW.format(column=column)
        return anew if column in {"line_ref", "reference"} else f"{anew}::uuid"
    if column in _MARKED.get(table, ()):
        return f"{column} || '/' || n"
    # An event of a line names no producer.
    return f"CASE WHEN producer <> '' THEN '{PAST}' END" if column == "producer" else column
