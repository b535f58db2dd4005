"""A worker's pulse: whole, private, locked while its process lives, and gone with it."""

import asyncio
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tasks.engine import EngineThread
from tasks.queues import NOTIFICATIONS, QUEUES, UPKEEP, orders_of
from worker.clock import SystemClock
from worker.crypto import Vault
from worker.engine import MAIL, pump_of
from worker.pulse import PulseUnreadable, PulseWriter, PumpPulse, read_pulses
from worker.settings import Settings

PATIENCE = 30.0

ANOTHER_WORKER = """
import asyncio, sys
from worker.clock import SystemClock
from worker.pulse import PulseWriter
from worker.settings import Settings

settings = Settings(_env_file=None, database_url=sys.argv[1], redis_url="redis://nowhere",
    encryption_keys="unused", pulse_dir=sys.argv[2])

async def main():
    async with PulseWriter(settings, SystemClock(), "host:another", dict).beating():
        await asyncio.Event().wait()

asyncio.run(main())
"""


GIFTHUB, THREEKIT = pump_of("gifthub", "default"), pump_of("threekit", "default")


def installation(
    folder: Path, name: str = "orderline", user: str = "user:hidden", **more: Any
) -> Settings:
    return Settings(
        _env_file=None,
        database_url=f"postgresql://{user}@nowhere/{name}",
        redis_url="redis://nowhere",
        encryption_keys=Vault.new_key(),
        pulse_dir=folder,
        **more,
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return installation(tmp_path)


def a_writer(settings: Settings, pumps: Mapping[str, PumpPulse] | None = None) -> PulseWriter:
    return PulseWriter(settings, SystemClock(), "host:1", lambda: pumps or {})


def files(settings: Settings) -> list[Path]:
    assert settings.pulse_dir
    return list(settings.pulse_dir.iterdir())


async def until(reached: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not reached():
            await asyncio.sleep(0.01)


@contextmanager
def another_worker(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    url = settings.database_url.get_secret_value()
    command = [sys.executable, "-c", ANOTHER_WORKER, url, str(settings.pulse_dir)]
    with subprocess.Popen(command) as process:  # noqa: S603 -- our own interpreter
        try:
            yield process
        finally:
            process.kill()


# --- the file ------------------------------------------------------------------------------------


async def test_a_worker_has_a_pulse_of_its_own_for_as_long_as_it_runs(settings: Settings) -> None:
    pumps = {"order:gifthub/default": PumpPulse(silent=3, may=0)}
    writer = a_writer(settings, pumps)
    async with writer.beating():
        await until(lambda: files(settings))
        (pulse,) = read_pulses(settings)
        assert (pulse.worker, pulse.pumps) == ("host:1", pumps)
        (path,) = files(settings)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert files(settings) == []
    assert read_pulses(settings) == []


async def test_the_pulse_beats_on_and_is_whole_at_every_moment(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.pulse.EVERY", 0.0)
    beats: set[float] = set()
    async with a_writer(settings).beating():
        await until(lambda: files(settings))
        async with asyncio.timeout(PATIENCE):
            while len(beats) < 50:
                (pulse,) = await asyncio.to_thread(read_pulses, settings)
                beats.add(pulse.beat)


async def test_a_doors_silence_grows_until_a_round_of_reading_gets_through(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.pulse.EVERY", 0.01)
    writer = a_writer(settings)

    def silences() -> list[float]:
        return [pulse.doors["intake"] for pulse in read_pulses(settings)]

    async with writer.beating():
        await until(lambda: any(silent > 0.3 for silent in silences()))  # though nobody ever read
        writer.got_through("intake")
        await until(lambda: any(silent < 0.3 for silent in silences()))


async def test_a_worker_that_was_killed_has_no_pulse_and_the_next_one_clears_up_after_it(
    settings: Settings,
) -> None:
    with another_worker(settings) as victim:
        await until(lambda: read_pulses(settings))
        victim.send_signal(signal.SIGSTOP)
        (stopped,) = read_pulses(settings)
        assert stopped.pid == victim.pid
        victim.kill()
    assert read_pulses(settings) == []
    (left,) = files(settings)
    async with a_writer(settings).beating():
        await until(lambda: read_pulses(settings))
        assert not left.exists()


async def test_a_living_workers_pulse_is_left_alone_by_the_next_one(settings: Settings) -> None:
    with another_worker(settings):
        await until(lambda: read_pulses(settings))
        async with a_writer(settings).beating():
            await until(lambda: len(read_pulses(settings)) == 2)


async def test_only_the_workers_of_the_same_installation_count(tmp_path: Path) -> None:
    async with a_writer(installation(tmp_path, "ours")).beating():
        await until(lambda: read_pulses(installation(tmp_path, "ours", user="user:renewed")))
        assert read_pulses(installation(tmp_path, "theirs")) == []
        (path,) = files(installation(tmp_path))
        assert "ours" not in path.name


async def test_a_folder_that_takes_no_file_is_said_once_and_stops_no_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.pulse.EVERY", 0.0)
    folder = tmp_path / "later"
    with capture_logs() as logs:
        async with a_writer(installation(folder)).beating():
            await until(lambda: logs)
            await asyncio.sleep(0.1)
            folder.mkdir()
            await until(lambda: read_pulses(installation(folder)))
    assert [(line["event"], line["error"]) for line in logs] == [
        ("pulse_not_written", "FileNotFoundError")
    ]


async def test_a_pulse_of_another_version_is_told_as_that(settings: Settings) -> None:
    async with a_writer(settings).beating():
        await until(lambda: files(settings))
        (path,) = files(settings)
        path.write_text('{"worker": "host:1"}')
        with pytest.raises(PulseUnreadable, match="another version"):
            read_pulses(settings)


# --- for which pumps a process answers -----------------------------------------------------------


@pytest.mark.parametrize(
    ("queues", "pumps"),
    [
        ({queue.name for queue in QUEUES}, {MAIL, GIFTHUB, THREEKIT}),
        ({orders_of("gifthub"), UPKEEP}, {GIFTHUB}),
        ({NOTIFICATIONS}, {MAIL}),
    ],
)
def test_a_process_answers_for_the_pumps_that_it_is_rung_for(
    tmp_path: Path, queues: set[str], pumps: set[str]
) -> None:
    account = {"default": {"base_url": "https://nowhere.example", "token": "t"}}
    settings = installation(tmp_path, accounts={"gifthub": account, "threekit": account})
    thread = EngineThread(settings, None, queues=queues)
    thread.start()
    try:
        assert set(thread.run(_pump_pulses(thread))) == pumps
    finally:
        thread.stop()


async def _pump_pulses(thread: EngineThread) -> Mapping[str, PumpPulse]:
    return thread.engine.pump_pulses()
