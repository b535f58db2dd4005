"""Migrations while others work: what they lock, and for how long the others wait."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from alembic import command

from worker.embedded import Servers
from worker.store import migrations

VERSIONS: Final = Path(migrations.__file__).parent / "versions"
FIRST_RELEASE: Final = "v0008"
"""Nobody has an earlier schema with orders in it: how it came to be is of no concern."""
LOCKING: Final = frozenset(
    {
        "adding-field-with-default",
        "adding-foreign-key-constraint",
        "adding-not-nullable-field",
        "adding-required-field",
        "adding-serial-primary-key-field",
        "changing-column-type",
        "constraint-missing-not-valid",
        "disallowed-unique-constraint",
        "require-concurrent-index-creation",
        "require-concurrent-index-deletion",
    }
)
"""What holds a table while all of its rows are read or written."""
BREAKING: Final = frozenset(
    {"ban-drop-column", "ban-drop-table", "renaming-column", "renaming-table"}
)
"""What a worker of the version before would trip over."""

ROWS: Final = 100_000
POPULATE: Final = f"""
INSERT INTO producers (name, notify_url) VALUES ('shop', 'https://shop');
INSERT INTO orders (id, producer, intent_id, fingerprint, provider, account, intent, notify_url,
    state, step, due_at)
SELECT gen_random_uuid(), 'shop', n::text, '', 'p', 'a', '{{}}', '', 'accepted', 'place', now()
FROM generate_series(1, {ROWS}) n;
INSERT INTO events (id, order_id, type, data)
SELECT gen_random_uuid(), id, 'order.accepted', '{{}}' FROM orders;
"""  # noqa: S608 -- a number of ours
WORK: Final = "UPDATE orders SET tries = tries + 1 WHERE (producer, intent_id) = ('shop', '7')"


@pytest.fixture
def old_url(servers: Servers) -> Iterator[str]:
    """A database of the version before the newest, with many orders; as ``postgresql://…``."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        url = urlunsplit(urlsplit(servers.database_url)._replace(path=f"/{name}"))
        command.upgrade(migrations._config(spelt(url)), "0007")
        with psycopg.connect(url, autocommit=True) as populated:
            populated.execute(POPULATE.encode())
        yield url
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def spelt(url: str) -> str:
    return urlunsplit(urlsplit(url)._replace(scheme="postgresql+psycopg"))


@contextmanager
def traffic(url: str) -> Iterator[list[float]]:
    """Somebody who works all the time; how long each of their statements took, in seconds."""
    took: list[float] = []
    over = threading.Event()

    def work() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not over.is_set():
                begun = time.monotonic()
                connection.execute(WORK.encode())
                took.append(time.monotonic() - begun)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield took
    finally:
        over.set()
        worker.join()


@pytest.mark.slow
def test_whoever_works_meanwhile_waits_for_a_moment_only(
    old_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with traffic(old_url) as took:
        begun = time.monotonic()
        migrations.upgrade(spelt(old_url))
        lasted = time.monotonic() - begun
    assert max(took) < 5
    with capsys.disabled():
        print(  # noqa: T201 -- the measured wait is what this test is for
            f"\nMigration of {ROWS} orders from 0007 to {migrations.newest()}: {lasted:.2f} s;"
            f" the longest wait of {len(took)} statements meanwhile was {max(took):.2f} s."
        )


@pytest.mark.slow
async def test_a_long_transaction_is_waited_for_without_holding_up_the_others(
    old_url: str,
) -> None:
    with psycopg.connect(old_url) as reader:
        reader.execute("SELECT count(*) FROM orders")  # and its transaction stays open
        with traffic(old_url) as took:
            migrating = asyncio.create_task(asyncio.to_thread(migrations.upgrade, spelt(old_url)))
            await asyncio.sleep(2 * migrations.LOCK_TIMEOUT + 1)
            assert not migrating.done()
            assert max(took) < migrations.LOCK_TIMEOUT + 1
            reader.rollback()
            assert await migrating == migrations.newest()


@pytest.mark.slow
def test_one_that_never_gets_through_says_why_and_has_changed_nothing(old_url: str) -> None:
    with psycopg.connect(old_url) as reader:
        reader.execute("SELECT count(*) FROM orders")
        with pytest.raises(migrations.MigrationBlocked, match="pg_stat_activity"):
            migrations.upgrade(spelt(old_url), patience=0)
        reader.rollback()
        at = reader.execute("SELECT version_num FROM alembic_version").fetchone()
    assert at == ("0007",)


_HOW: Final = ("--reporter=Json", "--pg-version=18.0", "--assume-in-transaction")
"""Alembic runs each migration in a transaction: a table made in it is nobody else's yet."""


def found_in(sql: str) -> set[str]:
    """The rules that a linter of migrations finds broken."""
    ran = subprocess.run(  # noqa: S603 -- the linter of the environment
        [Path(sys.executable).with_name("squawk"), *_HOW],
        input=sql,
        capture_output=True,
        text=True,
        check=False,
    )
    found: list[dict[str, Any]] = json.loads(ran.stdout)
    return {each["rule_name"] for each in found}


def test_no_migration_since_the_first_release_locks_for_long_or_breaks_who_runs_beside_it() -> None:
    later = sorted(each.stem for each in VERSIONS.glob("v*.py") if each.stem[:5] > FIRST_RELEASE)
    for name in later:
        module = import_module(f"worker.store.migrations.versions.{name}")
        assert not found_in(module.UPGRADE) & (LOCKING | BREAKING), name


def test_the_linter_would_notice() -> None:
    sql = (
        "CREATE INDEX late ON orders (due_at); ALTER TABLE orders DROP COLUMN tries;"
        "ALTER TABLE orders ADD CONSTRAINT tried CHECK (tries >= 0);"
    )
    assert found_in(sql) >= {
        "require-concurrent-index-creation",
        "ban-drop-column",
        "constraint-missing-not-valid",
    }
