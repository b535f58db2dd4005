"""Bells may fail in any way, and a stop never leaves anybody waiting."""

import asyncio
import threading
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from kombu.exceptions import ChannelError

from schemas import jobs
from schemas.jobs import NotificationBell, OrderBell
from tasks.engine import EngineThread
from tasks.publisher import Publisher
from worker.crypto import Vault
from worker.settings import Settings


class Bells:
    """Stands where the Celery app does: says what was sent, or fails."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.sent: list[str] = []

    def send_task(self, task: str, **_: Any) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(task)


def _bell() -> OrderBell:
    return OrderBell(
        task=jobs.ORDER_PLACE, provider="gifthub", account="default", order_ids=(uuid4(),)
    )


@pytest.mark.parametrize("failure", [ChannelError("OOM"), OSError(), KeyError("a fault of ours")])
async def test_a_bell_that_cannot_be_rung_stops_no_other(failure: Exception) -> None:
    app = Bells(failure)
    async with Publisher(app) as publisher:
        publisher.ring(NotificationBell())
        publisher.ring(_bell())
    assert app.sent == [jobs.ORDER_PLACE]


async def test_what_is_rung_during_a_round_waits_for_the_next_one() -> None:
    app = Bells()
    async with Publisher(app) as publisher:
        publisher.ring(_bell())
        while not app.sent:
            await asyncio.sleep(0.005)
            publisher.ring(_bell())
        await asyncio.sleep(0.1)
        assert len(app.sent) == 1
    assert len(app.sent) == 2


async def test_a_bell_for_one_queue_does_not_hold_up_another_s() -> None:
    app = Bells()
    async with Publisher(app) as publisher:
        publisher.ring(_bell())
        await asyncio.sleep(0.1)
        publisher.ring(NotificationBell())
        await asyncio.sleep(0.1)
        assert app.sent == [jobs.ORDER_PLACE, jobs.NOTIFICATION_DELIVER]


@pytest.fixture
def engine(database_url: str, redis_url: str, tmp_path: Path) -> EngineThread:
    settings = Settings(
        _env_file=None,
        database_url=database_url,
        redis_url=redis_url,
        encryption_keys=Vault.new_key(),
        grace=1,
        pulse_dir=tmp_path,
    )
    return EngineThread(settings, Bells())


def test_whoever_waits_for_a_loop_that_is_given_up_is_answered(
    engine: EngineThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.engine._SPARE", 0.1)
    engine.start()
    stuck, go_on = threading.Event(), threading.Event()
    answers: list[BaseException] = []

    async def block_the_loop() -> None:
        stuck.set()
        go_on.wait(30)

    def ask() -> None:
        try:
            engine.run(asyncio.sleep(0))
        except BaseException as error:  # noqa: BLE001 -- any answer will do
            answers.append(error)

    engine.submit(block_the_loop())
    assert stuck.wait(10)
    waiting = threading.Thread(target=ask, daemon=True)
    waiting.start()
    engine.stop()
    waiting.join(10)
    go_on.set()
    assert [type(answer) for answer in answers] == [TimeoutError]
