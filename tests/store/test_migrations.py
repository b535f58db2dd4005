"""The schema's history leads to exactly the tables that the code believes in, both ways."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, pool, text

from worker.embedded import Servers
from worker.store import migrations
from worker.store.tables import OrderRow
from worker.store.tables_books import ReconciliationRow
from worker.store.tables_operators import OperatorRow
from worker.store.tables_purge import TombstoneRow
from worker.store.tables_told import NotificationRow
from worker.store.tables_upkeep import ProducerRow

METADATA = OrderRow.metadata
TABLES = (NotificationRow, OperatorRow, ProducerRow, ReconciliationRow, TombstoneRow)
assert all(table.metadata is METADATA for table in TABLES)

CATALOGUE = """
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(c.oid)
FROM pg_constraint c JOIN pg_namespace n ON n.oid = connamespace
WHERE n.nspname = 'public' AND contype <> 'n' AND conrelid::regclass::text <> 'alembic_version'
UNION ALL
SELECT 'index', tablename, indexname, indexdef FROM pg_indexes
WHERE schemaname = 'public' AND tablename <> 'alembic_version'
UNION ALL
SELECT 'column', table_name, column_name, concat_ws(' ', data_type, numeric_precision,
    numeric_scale, is_nullable, column_default)
FROM information_schema.columns
WHERE table_schema = 'public' AND table_name <> 'alembic_version'
ORDER BY 1, 2, 3
"""


@pytest.fixture
def empty_url(servers: Servers) -> Iterator[str]:
    """A database with nothing in it."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield urlunsplit(
            urlsplit(servers.database_url)._replace(scheme="postgresql+psycopg", path=f"/{name}")
        )
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def catalogue(connection: Connection) -> list[tuple[object, ...]]:
    return [tuple(row) for row in connection.execute(text(CATALOGUE))]


def downgrade(url: str, to: str = "base") -> None:
    command.downgrade(migrations._config(url), to)


def test_alembic_finds_no_difference_between_the_code_and_a_migrated_database(
    empty_url: str,
) -> None:
    assert migrations.upgrade(empty_url) == migrations.newest()
    with connected(empty_url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, METADATA) == []


def test_the_tables_in_code_are_the_migrated_ones_to_the_last_constraint(empty_url: str) -> None:
    migrations.upgrade(empty_url)
    with connected(empty_url) as connection:
        migrated = catalogue(connection)
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
        connection.execute(
            text(
                "CREATE FUNCTION orderline_now() RETURNS timestamptz LANGUAGE sql STABLE"
                " RETURN statement_timestamp()"
            )
        )
        METADATA.create_all(connection)
        assert catalogue(connection) == migrated
    assert len(migrated) > 100


def test_a_database_can_go_back_and_forth(empty_url: str) -> None:
    migrations.upgrade(empty_url)
    with connected(empty_url) as connection:
        there = catalogue(connection)
        assert migrations.current(connection) == migrations.newest()
    downgrade(empty_url)
    with connected(empty_url) as connection:
        assert catalogue(connection) == []
        assert migrations.current(connection) is None
        functions = "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        assert connection.execute(text(functions)).all() == []
    migrations.upgrade(empty_url)
    with connected(empty_url) as connection:
        assert catalogue(connection) == there


CALLED_OFF = """
INSERT INTO producers (name, notify_url) VALUES ('shop', 'https://shop');
INSERT INTO orders (id, producer, intent_id, fingerprint, provider, account, intent, notify_url,
    state, step, due_at, attempts, cancel_asked_at, parked_reason)
SELECT gen_random_uuid(), 'shop', state || ' ' || step, '', 'p', 'a', '{}', '', state, step, now(),
    2, now(), CASE WHEN state = 'parked' THEN 'who knows' END
FROM unnest('{placed,fulfilled,parked}'::text[]) state, unnest('{cancel,reconcile}'::text[]) step;
INSERT INTO attempts (id, order_id, number, step, reference, fence, outcome)
SELECT gen_random_uuid(), o.id, number, CASE number WHEN 1 THEN 'place' ELSE 'cancel' END, '', 1,
    CASE number WHEN 1 THEN 'confirmed' ELSE 'in_doubt' END
FROM orders o, generate_series(1, 2) number
"""


def test_orders_that_were_to_be_called_off_go_back_to_where_they_were(empty_url: str) -> None:
    """A version that knows no such step must neither meet it nor leave an order without one."""
    migrations.upgrade(empty_url)
    with connected(empty_url) as connection:
        connection.execute(text(CALLED_OFF))
    downgrade(empty_url, "0001")
    with connected(empty_url) as connection:
        stand = "SELECT DISTINCT state, step, due_at <= now(), attempts FROM orders ORDER BY state"
        assert connection.execute(text(stand)).all() == [
            ("fulfilled", None, None, 1),
            ("parked", None, None, 1),
            ("placed", "poll", True, 1),
        ]


def test_an_upgrade_of_what_is_newest_does_nothing(empty_url: str) -> None:
    migrations.upgrade(empty_url)
    with connected(empty_url) as connection:
        connection.execute(text("INSERT INTO producers (name, notify_url) VALUES ('a', 'b')"))
    migrations.upgrade(empty_url)
    with connected(empty_url) as connection:
        assert connection.execute(text("SELECT name FROM producers")).all() == [("a",)]


async def test_upgrades_at_the_same_time_wait_for_each_other(empty_url: str) -> None:
    code = "import sys; from worker.store import migrations; migrations.upgrade(sys.argv[1])"
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", code, empty_url)
        for _ in range(3)
    ]
    async with asyncio.timeout(60):
        assert [await process.wait() for process in processes] == [0, 0, 0]
    with connected(empty_url) as connection:
        assert migrations.current(connection) == migrations.newest()


def test_the_clock_that_decides_is_the_statements_start(empty_url: str) -> None:
    migrations.upgrade(empty_url)
    with connected(empty_url) as connection:
        volatility = "SELECT provolatile FROM pg_proc WHERE proname = 'orderline_now'"
        assert connection.execute(text(volatility)).scalar_one() == "s"
        same = "SELECT orderline_now() = statement_timestamp()"
        assert connection.execute(text(same)).scalar_one() is True
