"""What every test may ask for. The servers are real ones, started for the run.

``ORDERLINE_TEST_DATABASE_URL`` and ``ORDERLINE_TEST_REDIS_URL`` name other servers, whose
contents the tests may destroy.
"""

import gc
import os
import signal
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import hypothesis
import psycopg
import pytest
import redis

from tests.crash.nursery import Nursery
from tests.databases import Databases
from worker.crypto import Vault
from worker.embedded import Servers, embedded_servers
from worker.store import migrations
from worker.store.session import Database

# What drives a browser is an extra of its own; see `make test-browser`.
collect_ignore = [] if find_spec("playwright") else ["browser"]

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("orderline", deadline=None)
hypothesis.settings.register_profile("quick", deadline=None, max_examples=25)
hypothesis.settings.load_profile("orderline")


def pytest_configure() -> None:
    """Listen to Ctrl-C, also where a shell started us in the background, deaf to it.

    What ignores it passes that on to its children, and some of ours are to be interrupted.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Spare the collector what stays until the end: every module, every test.

    To look through that takes half a second each time, in the middle of some test that measures.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """PostgreSQL and Redis for the whole test run."""
    home: Path = tmp_path_factory.mktemp("orderline")
    with embedded_servers(
        home,
        persistent=False,
        durable=False,
        database_url=os.environ.get("ORDERLINE_TEST_DATABASE_URL"),
        redis_url=os.environ.get("ORDERLINE_TEST_REDIS_URL"),
        say=lambda _: None,
    ) as running:
        yield running


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Where this run's processes are forked."""
    with Nursery() as nursery:
        yield nursery


# --- Redis ---------------------------------------------------------------------------------


@pytest.fixture
def redis_url(servers: Servers) -> str:
    """An empty Redis database: emptied before the test, so that a failed one can be looked at."""
    with redis.Redis.from_url(servers.redis_url) as client:
        client.flushdb()
    return servers.redis_url


# --- PostgreSQL ----------------------------------------------------------------------------


def _sqlalchemy(url: str, database: str | None = None) -> str:
    parts = urlsplit(url)
    return urlunsplit(
        parts._replace(scheme="postgresql+psycopg", path=f"/{database or parts.path[1:]}")
    )


@pytest.fixture(scope="session")
def template(servers: Servers) -> str:
    """A migrated, empty database that each test's own one is copied from."""
    name = "orderline_template"
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
    migrations.upgrade(_sqlalchemy(servers.database_url, name))
    return name


@pytest.fixture(scope="session")
def databases(servers: Servers, template: str) -> Iterator[Databases]:
    """Where tests have their databases from."""
    databases = Databases(servers.database_url, template)
    yield databases
    databases.close()


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A migrated database without any rows, as ``postgresql://…``, for this test alone."""
    url = databases.take()
    yield url
    databases.give_back(url)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """The test's database."""
    database = Database(_sqlalchemy(database_url))
    yield database
    await database.close()


@pytest.fixture
def vault() -> Vault:
    """A vault with a key of its own."""
    return Vault([Vault.new_key()])


@pytest.fixture
def unknown_database_url(databases: Databases) -> Iterator[str]:
    """One that no process of another test has ever known."""
    url = databases.fresh()
    yield url
    databases.drop(url)


@pytest.fixture
def set_clock(database_url: str) -> Callable[[timedelta], None]:
    """Moves the database's clock, the one that decides leases and expiries, by a distance."""

    def move(by: timedelta) -> None:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(
                "CREATE OR REPLACE FUNCTION orderline_now() RETURNS timestamptz LANGUAGE sql STABLE"
                f" RETURN statement_timestamp() + make_interval(secs => {by.total_seconds()})"
            )

    return move
