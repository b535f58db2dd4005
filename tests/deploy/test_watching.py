"""Flower as somebody starts it by hand: with a login or not at all, and changing nothing."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

from worker.embedded.port import free_port

FLOWER: Final = (sys.executable, "-m", "celery", "-A", "tasks.watching", "flower")
PATIENCE: Final = 60.0
LOGIN: Final = ("ada", "a-password-of-this-test")
SHUTDOWN: Final = "/api/worker/shutdown/worker@here"


def environment(redis_url: str, **flowers: str) -> Mapping[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("FLOWER_")}
    return {**ours, "ORDERLINE_REDIS_URL": redis_url, **flowers}


@pytest.mark.parametrize(
    "flowers",
    [
        {},
        {"FLOWER_BASIC_AUTH": ""},
        {"FLOWER_BASIC_AUTH": "ada:"},
        {"FLOWER_BASIC_AUTH": "ada:a-password,eve:"},
        {"FLOWER_UNAUTHENTICATED_API": "true"},
    ],
    ids=str,
)
@pytest.mark.parametrize("file", [None, "read_only = True\n"], ids=["no file", "a file"])
def test_without_a_login_it_does_not_start(
    tmp_path: Path, flowers: Mapping[str, str], file: str | None
) -> None:
    if file is not None:
        (tmp_path / "flowerconfig.py").write_text(file)
    ran = subprocess.run(  # noqa: S603 -- our own interpreter and command
        [*FLOWER, "--address=127.0.0.1", f"--port={free_port()}"],
        cwd=tmp_path,
        env=environment("redis://127.0.0.1:1/0", **flowers),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ran.returncode == 2, ran.stderr
    assert "orderline: Flower has no login" in ran.stderr
    assert "FLOWER_BASIC_AUTH" in ran.stderr


@contextmanager
def started(folder: Path, redis_url: str, *options: str, **flowers: str) -> Iterator[httpx.Client]:
    """A Flower that serves, and somebody who is not logged in there."""
    port = free_port()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 -- our own interpreter and command
            [*FLOWER, "--address=127.0.0.1", f"--port={port}", *options],
            cwd=folder,
            env=environment(redis_url, **flowers),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as http:
            until_it_serves(http, process, folder / "log")
            yield http
    finally:
        process.terminate()
        process.wait(PATIENCE)


def until_it_serves(http: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        try:
            if http.get("/healthcheck").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    pytest.fail(log.read_text())


@pytest.mark.parametrize("by", ["environment", "file"])
def test_with_a_login_it_shows_and_changes_nothing(tmp_path: Path, redis_url: str, by: str) -> None:
    login = ":".join(LOGIN)
    if by == "file":
        (tmp_path / "flowerconfig.py").write_text(f"basic_auth = [{login!r}]\n")
    given = {"FLOWER_BASIC_AUTH": login} if by == "environment" else {}
    with started(tmp_path, redis_url, **given) as http:
        assert http.get("/api/workers").status_code == 401
        assert http.post(SHUTDOWN).status_code in {401, 403}
        assert http.get("/api/workers", auth=LOGIN).status_code == 200
        assert http.post(SHUTDOWN, auth=LOGIN).status_code == 403
