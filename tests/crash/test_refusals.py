"""A worker that cannot work says why in one line, with exit code 2 and no traceback."""

import os
import subprocess
import sys

import pytest

from worker.crypto import Vault

SANE = {
    "ORDERLINE_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
    "ORDERLINE_REDIS_URL": "redis://127.0.0.1:1/0",
    "ORDERLINE_ENCRYPTION_KEYS": Vault.new_key(),
}


@pytest.mark.parametrize(
    ("arguments", "changed", "said"),
    [
        ([], {"ORDERLINE_REDIS_URL": "amqp://x"}, "ORDERLINE_REDIS_URL"),
        ([], {"ORDERLINE_ENCRYPTION_KEYS": "short"}, "orderline new-key"),
        (
            [],
            {"ORDERLINE_ACCOUNTS__GIFTHUB__DEFAULT__BASE_URL": "ftp://x"},
            "ORDERLINE_ACCOUNTS__GIFTHUB__DEFAULT__BASE_URL",
        ),
        (["-P", "solo"], {}, "-P/--pool"),
        (["-B"], {}, "leave out -B"),
        (["-c", "4"], {}, "leave out -c"),
    ],
)
def test_a_worker_that_cannot_work_says_why(
    arguments: list[str], changed: dict[str, str], said: str
) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "celery", "-A", "tasks.app", "worker"]
    ended = subprocess.run(  # noqa: S603 -- our own interpreter
        [*command, *arguments],
        env={**os.environ, **SANE, **changed},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    last = ended.stderr.strip().splitlines()[-1]
    assert last.startswith("orderline: ")
    assert said in last
