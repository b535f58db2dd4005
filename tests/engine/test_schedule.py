"""What beat rings for: known to the workers, heard on a queue of theirs, and rung for at once."""

import json
import subprocess
import sys
from datetime import timedelta

import pytest
from celery import Celery
from celery.beat import Scheduler

from schemas import jobs
from tasks.queues import QUEUES, ROUTES
from tasks.schedule import EVERY, SCHEDULE
from tests.cli.program import clean
from worker.crypto import Vault

_TASKS = "import json, tasks.upkeep; print(json.dumps(sorted(tasks.upkeep.app.tasks)))"


@pytest.fixture(scope="module")
def tasks() -> set[str]:
    """The names of the tasks that a worker knows, as one that starts finds them."""
    settings = clean(
        ORDERLINE_DATABASE_URL="postgresql://nowhere/db",
        ORDERLINE_REDIS_URL="redis://nowhere/0",
        ORDERLINE_ENCRYPTION_KEYS=Vault.new_key(),
    )
    told = subprocess.run(  # noqa: S603 -- our own program
        [sys.executable, "-c", _TASKS], env=settings, capture_output=True, check=True, timeout=120
    )
    return set(json.loads(told.stdout))


@pytest.fixture
def beat() -> Scheduler:
    """Beat, just started: its schedule, without the clock and the wire."""
    app = Celery(set_as_current=False)
    app.conf.update(beat_schedule=dict(SCHEDULE), enable_utc=True, timezone="UTC")
    scheduler = Scheduler(app=app)
    scheduler.setup_schedule()
    return scheduler


def test_every_job_has_a_task_of_its_name(tasks: set[str]) -> None:
    assert set(EVERY) == {each["task"] for each in SCHEDULE.values()}
    assert set(EVERY) <= tasks


def test_every_job_is_routed_to_a_queue_that_workers_hear() -> None:
    heard = {queue.name for queue in QUEUES}
    assert {ROUTES[job]["queue"] for job in EVERY} <= heard


def test_a_job_is_named_where_every_name_is() -> None:
    named = {value for name, value in vars(jobs).items() if name.isupper()}
    assert set(EVERY) <= named


def test_beat_rings_for_everything_as_it_starts_and_then_in_its_time(beat: Scheduler) -> None:
    """It remembers nothing, so a restart is a start."""
    entries = {name: entry for name, entry in beat.schedule.items() if name in SCHEDULE}
    assert set(entries) == set(EVERY)
    for name, entry in entries.items():
        due, wait = entry.is_due()
        assert (due, timedelta(seconds=wait)) == (True, EVERY[name])
        rung = next(entry)
        due, wait = rung.is_due()
        assert not due
        assert 0 < wait <= EVERY[name].total_seconds()


def test_a_ring_is_of_no_use_for_long_and_of_use_for_as_long_as_a_worker_may_take() -> None:
    for job, entry in SCHEDULE.items():
        expires = timedelta(seconds=entry["options"]["expires"])
        assert max(EVERY[job], timedelta(seconds=10)) == expires
