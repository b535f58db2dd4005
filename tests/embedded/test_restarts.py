"""Embedded servers are taken down and come back: the same address, everything they acknowledged."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest
import redis

from worker.embedded import POSTGRES, REDIS, How, Keeper, restartable_servers

_BUSY_SECONDS = 2


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeper]:
    with restartable_servers(tmp_path_factory.mktemp("home"), say=lambda _: None) as keeper:
        yield keeper


def connected(keeper: Keeper) -> psycopg.Connection:
    return psycopg.connect(keeper.servers.database_url, autocommit=True)


def rows_in(keeper: Keeper, table: str) -> int:
    with connected(keeper) as connection:
        found = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 -- our own
    assert found is not None
    return int(found[0])


@pytest.mark.parametrize("how", How)
def test_what_postgres_committed_is_there_after_a_restart(keeper: Keeper, how: How) -> None:
    table = f"kept_{how}"
    with connected(keeper) as before:
        before.execute(f"CREATE TABLE {table} (n int)")
        for n in range(50):  # each a commit of its own, the last one just before the end
            before.execute(f"INSERT INTO {table} VALUES ({n})")  # noqa: S608 -- our own
        keeper.restart(POSTGRES, how)
        with pytest.raises(psycopg.OperationalError):
            before.execute("SELECT 1")
    assert rows_in(keeper, table) == 50


@pytest.mark.parametrize("how", How)
def test_what_redis_acknowledged_is_there_after_a_restart(keeper: Keeper, how: How) -> None:
    with redis.Redis.from_url(keeper.servers.redis_url) as client:
        for n in range(50):
            client.xadd(f"kept-{how}", {"n": n})
        keeper.restart(REDIS, how)
    with redis.Redis.from_url(keeper.servers.redis_url) as again:
        assert again.xlen(f"kept-{how}") == 50


def test_what_was_wiped_stays_so_after_a_restart(keeper: Keeper) -> None:
    with redis.Redis.from_url(keeper.servers.redis_url) as client:
        client.set("gone", "soon")
        client.flushall()
    keeper.restart(REDIS, How.KILL)
    with redis.Redis.from_url(keeper.servers.redis_url) as client:
        assert client.dbsize() == 0


def test_a_transaction_that_was_open_is_undone(keeper: Keeper) -> None:
    with connected(keeper) as connection:
        connection.execute("CREATE TABLE undone (n int)")
    with psycopg.connect(keeper.servers.database_url) as open_one:
        open_one.execute("INSERT INTO undone VALUES (1)")
        keeper.restart(POSTGRES, How.KILL)
        with suppress(psycopg.OperationalError):
            open_one.rollback()
    assert rows_in(keeper, "undone") == 0


def test_a_killed_postgres_is_started_once_its_last_backend_has_noticed(keeper: Keeper) -> None:
    """A backend in the midst of a computation outlives its server, and holds its memory."""
    computing = threading.Event()

    def compute() -> None:
        with connected(keeper) as connection, suppress(psycopg.OperationalError):
            computing.set()
            connection.execute(
                "DO $$ DECLARE ends timestamptz = clock_timestamp() + make_interval("
                f"secs => {_BUSY_SECONDS}); BEGIN WHILE clock_timestamp() < ends LOOP END LOOP;"
                " END $$"
            )

    busy = threading.Thread(target=compute)
    busy.start()
    computing.wait()
    time.sleep(0.2)  # until the server has begun with it
    begun = time.monotonic()
    keeper.restart(POSTGRES, How.KILL)
    assert time.monotonic() - begun > _BUSY_SECONDS / 2
    busy.join()
    with connected(keeper) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_postgres_keeps_what_it_acknowledges_though_nothing_waits_for_the_disk(
    keeper: Keeper,
) -> None:
    with connected(keeper) as connection:
        said = {
            name: connection.execute(f"SHOW {name}").fetchone()
            for name in ("fsync", "synchronous_commit", "full_page_writes")
        }
    assert said == {"fsync": ("off",), "synchronous_commit": ("on",), "full_page_writes": ("on",)}
