"""``orderline up``: a system to play with, reached from another terminal, kept for next time."""

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.program import PROGRAM, clean, eventually, relatives, started, workers_among
from worker.embedded.place import kept_data

DOORS = re.compile(
    r"Flower http://127\.0\.0\.1:\d+  console (http://127\.0\.0\.1:\d+)/ops"
    r"  metrics \1/metrics  API \1/docs\n"
)
READY = "Verified notifications:"
DELIVERED = re.compile(r"no\. [0-9]+  delivered\b")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A directory to run in; what root's servers keep elsewhere is removed, too."""
    yield tmp_path
    kept = kept_data(tmp_path / ".orderline")
    with suppress(OSError):
        shutil.rmtree(kept)
        kept.parent.rmdir()


def in_another_terminal(command: str, cwd: Path) -> str:
    """What a command prints that is typed as ``up`` tells it."""
    ran = subprocess.run(  # noqa: S603 -- the command is the test's
        ["sh", "-c", f"set -a; . .orderline/env; set +a; {command}"],  # noqa: S607 -- any shell
        cwd=cwd,
        env=clean(PATH=f"{Path(PROGRAM).parent}:{os.environ['PATH']}"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.slow
def test_it_can_be_played_with_as_it_says_and_the_data_is_there_the_next_time(home: Path) -> None:
    environment = clean(PATH=f"{Path(PROGRAM).parent}:{os.environ['PATH']}")
    receiving = {**environment, "ORDERLINE_DEVELOPMENT_HOSTS": "127.0.0.1:8900"}
    with started("up", "--port", "0", cwd=home, env=receiving) as (process, printed):
        assert eventually(lambda: READY in printed.read_text()), printed.read_text()
        said = printed.read_text()
        [command] = [line.strip() for line in said.splitlines() if " enqueue " in line]
        assert "/_sandbox/magic" in said
        assert DOORS.match(said), said.splitlines()[0]
        kept = home / ".orderline"
        assert [mode(kept / name) for name in ("key", "flower", "env", "example.json")] == [
            0o600
        ] * 4
        key = (kept / "key").read_text()
        assert ",127.0.0.1:8900" in (kept / "env").read_text()
        assert in_another_terminal(command, home).count("accepted") == 5
        assert eventually(lambda: len(DELIVERED.findall(printed.read_text())) == 5)
        assert "SANDBOX-" not in printed.read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert eventually(lambda: not relatives(environment))
    with started("up", "--port", "0", cwd=home, env=environment) as (process, printed):
        assert eventually(lambda: READY in printed.read_text()), printed.read_text()
        assert in_another_terminal("orderline list", home).count("fulfilled") == 5
        assert (kept / "key").read_text() == key
        [worker] = workers_among(relatives(environment))
        os.kill(worker, signal.SIGKILL)
        assert eventually(lambda: "worker was killed (SIGKILL)" in printed.read_text())
        assert "the rest goes on" in printed.read_text()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert "Traceback" not in printed.read_text()
    assert eventually(lambda: not relatives(environment))


def test_a_port_that_is_wanted_and_taken_is_said_in_one_line(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with started("up", "--port", port, cwd=home, env=clean()) as (process, printed):
            assert process.wait(60) == 1
        assert f"orderline: Port {port} of 127.0.0.1" in printed.read_text()
        assert "Traceback" not in printed.read_text()
