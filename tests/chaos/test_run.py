"""``orderline chaos``: the real thing."""

import json
import os
import signal
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import (
    PATIENCE,
    PROGRAM,
    Terminal,
    clean,
    eventually,
    relatives,
    started,
    workers_among,
)
from worker.chaos.run import Asked
from worker.chaos.schedule import Kind
from worker.cli.chaos_play import replay

ZEROES = (
    "lost",
    "duplicate_provider_orders",
    "unresolved",
    "late_purchases",
    "notifications_missing",
    "notifications_out_of_order",
)

THEIRS = {
    "ORDERLINE_DATABASE_URL": "postgresql://127.0.0.1:1/nothing",
    "ORDERLINE_REDIS_URL": "redis://127.0.0.1:1/0",
}
"""Servers that were given for something else: chaos must not touch them."""


def chaos(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 -- our own program
        [PROGRAM, "chaos", *arguments],
        cwd=cwd,
        env=clean(**variables),
        capture_output=True,
        text=True,
        timeout=10 * PATIENCE,
        check=False,
    )


def assert_clean(said: dict[str, Any], asked: Asked) -> None:
    assert said["broken"] == []
    assert said["clean"] is True
    assert {name: said[name] for name in ZEROES} == dict.fromkeys(ZEROES, 0)
    assert said["orders"] == said["books"]["accepted"] == asked.orders
    assert said["seed"] == asked.seed
    assert said["seconds"] > asked.length
    assert sum(said["troubles"].values()) == len(asked.troubles())
    assert said["kills"] == sum("kill" in k or "crash" in k for k in map(str, _kinds(asked)))


def _kinds(asked: Asked) -> list[Kind]:
    return [trouble.kind for trouble in asked.troubles()]


@pytest.mark.slow
def test_in_a_short_storm_every_promise_is_kept(tmp_path: Path) -> None:
    asked = Asked(
        orders=60,
        seed=8,
        seconds=10,
        kinds=[Kind.KILL_WORKER, Kind.CRASH_POSTGRES, Kind.CRASH_REDIS, Kind.WIPE_REDIS],
    )
    assert len(set(_kinds(asked))) == 4
    only = [word for kind in asked.kinds for word in ("--only", str(kind))]
    ran = chaos(
        "--orders", "60", "--seed", "8", "--for", "10", *only, "--json", cwd=tmp_path, **THEIRS
    )
    assert ran.returncode == 0, ran.stderr
    (line,) = ran.stdout.splitlines()
    said = json.loads(line)
    assert_clean(said, asked)
    assert said["replay"] == replay(asked)
    assert said["logs"] is None
    assert not list(tmp_path.iterdir())
    assert f"again by: {replay(asked)}" in ran.stderr
    assert "Every promise was kept." in ran.stderr
    assert "ORDERLINE_DATABASE_URL and ORDERLINE_REDIS_URL: not used" in ran.stderr


@pytest.mark.slow
def test_in_a_long_storm_of_every_kind_every_promise_is_kept(tmp_path: Path) -> None:
    asked = Asked(orders=600, seed=11)
    assert set(_kinds(asked)) == set(Kind)
    ran = chaos("--orders", "600", "--seed", "11", "--json", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert_clean(json.loads(ran.stdout), asked)


@pytest.mark.slow
def test_a_run_that_breaks_something_ends_with_1_and_says_how_to_look_into_it(
    tmp_path: Path,
) -> None:
    logs, environment = tmp_path / "logs", clean()
    options = ["--orders", "40", "--seed", "1", "--only", "kill-beat", "--keep-logs", str(logs)]
    with started("chaos", *options, "--json", cwd=tmp_path, env=environment) as (process, printed):
        assert eventually(lambda: b"submitted" in printed.read_bytes())
        os.kill(workers_among(relatives(environment))[0], signal.SIGKILL)
        assert process.wait(PATIENCE) == 1
    *told, verdict = printed.read_text().splitlines()
    said = json.loads(verdict)
    assert said["broken"] == ["processes"]
    assert "was killed (SIGKILL)" in said["breaches"]["ended"][0]
    assert said["logs"] == str(logs)
    assert {"beat.log", "worker1.log", "worker2.log", "worker3.log"} <= {
        each.name for each in logs.iterdir()
    }
    assert any(line.startswith("Again:  orderline chaos --orders 40 --seed 1") for line in told)
    assert any(str(logs) in line for line in told)


@pytest.mark.slow
def test_ctrl_c_stops_everything(tmp_path: Path) -> None:
    environment = clean()
    with closing(Terminal("chaos", "--orders", "500", cwd=tmp_path, env=environment)) as terminal:
        assert terminal.read_until(b" submitted, "), terminal.printed
        terminal.press(b"\x03")
        assert terminal.read_all() == 130
    assert b"Traceback" not in terminal.printed
    assert eventually(lambda: not relatives(environment))


@pytest.mark.parametrize(
    ("asked", "command"),
    [
        (Asked(orders=2000, seed=7), "orderline chaos --orders 2000 --seed 7"),
        (
            Asked(orders=10, seed=0, workers=5, seconds=30.5),
            "orderline chaos --orders 10 --seed 0 --workers 5 --for 30.5",
        ),
        (
            Asked(orders=10, seed=1, kinds=[Kind.KILL_BEAT]),
            "orderline chaos --orders 10 --seed 1 --only kill-beat",
        ),
        (
            Asked(orders=10, seed=1, kinds=[kind for kind in Kind if kind is not Kind.KILL_BEAT]),
            "orderline chaos --orders 10 --seed 1 --without kill-beat",
        ),
    ],
)
def test_the_command_that_replays_a_run_asks_for_the_same(asked: Asked, command: str) -> None:
    assert replay(asked) == command
