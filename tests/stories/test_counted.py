"""What a worker does is counted as it does it, and nothing of whom it does it for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from tasks.engine import EngineThread
from tasks.intake import Intake
from tests.builders import an_intent, raw
from tests.stories.conftest import SHOP, Story, a_story, hyper
from worker.crypto import Vault
from worker.embedded.port import free_port
from worker.metrics.exposing import exposed
from worker.metrics.families import LABELS
from worker.metrics.meters import Meters
from worker.settings import Settings
from worker.store import producers
from worker.store.session import Database
from worker.streams import put

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
OURS = {"provider": "hyperteknoloji", "account": "default"}


def samples(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def told(story: Story) -> Samples:
    return samples(exposed(story.engine.rt.meters).decode())


def value(found: Samples, name: str, **labels: str) -> float:
    return found[f"orderline_{name}", frozenset(labels.items())]


async def test_an_order_is_counted_from_its_attempt_to_its_last_acknowledgement(
    story: Story,
) -> None:
    await story.submit(hyper("i-1"), hyper("i-2", 2))  # the second is refused
    await story.play()
    found = told(story)
    assert value(found, "attempts_total", **OURS, step="place", outcome="confirmed") == 1
    assert value(found, "attempts_total", **OURS, step="place", outcome="refused") == 1
    assert value(found, "attempts_total", **OURS, step="place", outcome="in_doubt") == 0
    assert value(found, "call_seconds_count", **OURS, step="place") == 2
    owed = await story.one("SELECT count(*) FROM notifications WHERE state = 'acknowledged'")
    assert value(found, "deliveries_total", result="acknowledged") == owed
    assert value(found, "told_seconds_count") == owed
    assert value(found, "commit_rows_sum", batch="attempts") == 2
    assert value(found, "commit_seconds_count", batch="changes") >= 2
    assert value(found, "claimed_rows_sum", work="orders") >= 2
    assert value(found, "orders_under_way", **OURS) == 0
    assert (
        value(found, "permits", **OURS)
        == story.engine.rt.desks["hyperteknoloji", "default"].permits
    )
    assert value(found, "tasks_failed_total") == 0


async def test_a_doubt_and_the_look_ups_that_settle_it_are_counted(story: Story) -> None:
    await story.submit(hyper("i-1", 8))  # bought, then the line is cut
    await story.play()
    found = told(story)
    assert value(found, "attempts_total", **OURS, step="place", outcome="in_doubt") == 1
    assert value(found, "questions_total", **OURS, step="reconcile", outcome="confirmed") == 1


async def test_a_failing_receiver_and_what_is_given_up_are_counted(story: Story) -> None:
    story.receiver.refuse("i-1-1")
    await story.submit(hyper("i-1"))
    await story.work()
    await story.execute("UPDATE notifications SET tries = 9")
    await story.play()
    found = told(story)
    assert value(found, "deliveries_total", result="refused") >= 2
    assert value(found, "notifications_exhausted_total") >= 1


async def test_a_replay_is_no_news_that_came_late(story: Story) -> None:
    await story.submit(hyper("i-1"))
    await story.play()
    before = value(told(story), "told_seconds_count")
    await story.execute("UPDATE notifications SET replays = 1, state = 'pending', due_at = now()")
    story.engine.mail.ring()
    await story.play()
    assert value(told(story), "told_seconds_count") == before
    assert value(told(story), "deliveries_total", result="acknowledged") > before


async def test_nothing_of_what_was_ordered_is_told(story: Story) -> None:
    await story.submit(hyper("i-4711"), b"not JSON", hyper("i-4712", 8))
    await story.play()
    text = exposed(story.engine.rt.meters).decode()
    names = {name for _, labels in samples(text) for name, _ in labels}
    assert names - {"le"} <= LABELS
    order = str(await story.one("SELECT id FROM orders LIMIT 1"))
    for hidden in ("4711", "4712", SHOP, order, story.receiver.host, "127.0.0.1"):
        assert hidden not in text


@pytest.fixture
async def paced_story(
    database_url: str, redis_url: str, set_clock: Callable[[timedelta], None]
) -> AsyncIterator[Story]:
    async with a_story(
        database_url,
        redis_url,
        set_clock,
        lambda ahead: datetime.now(UTC) + ahead,
        fields={"hyperteknoloji": {"rate": "20"}},
    ) as paced:
        yield paced


async def test_where_an_account_has_a_rate_the_waiting_for_it_is_counted(
    paced_story: Story,
) -> None:
    await paced_story.submit(hyper("i-1"))
    await paced_story.play()
    found = told(paced_story)
    assert value(found, "rate_wait_seconds_count", **OURS) >= 1
    assert value(found, "rates_alone") == 0


class Nobody:
    """Stands where Celery does; no bell is heard."""

    def send_task(self, *_: Any, **__: Any) -> None:
        """Ring for nobody."""


async def test_a_worker_tells_at_its_port_how_late_it_takes_in(
    database_url: str, redis_url: str, db: Database, vault: Vault
) -> None:
    port = free_port()
    given: dict[str, Any] = {
        "database_url": database_url,
        "redis_url": redis_url,
        "encryption_keys": Vault.new_key(),
        "metrics_port": port,
        "grace": 1,
    }
    url = "https://shop.example/hooks"
    await producers.add(db, vault, name=SHOP, notify_url=url, secret="whsec_c2VjcmV0")
    async with Redis.from_url(redis_url) as redis, httpx.AsyncClient(trust_env=False) as http:
        await put(redis, SHOP, raw(an_intent()))
        await put(redis, SHOP, b"not JSON")
        thread = EngineThread(Settings(_env_file=None, **given), Nobody())
        await asyncio.to_thread(thread.start)
        reading = thread.submit(Intake(thread).run())
        try:
            async with asyncio.timeout(20):
                while True:
                    answer = await http.get(f"http://127.0.0.1:{port}/metrics")
                    found = samples(answer.text)
                    if value(found, "intake_lag_seconds_count") >= 2:
                        break
                    await asyncio.sleep(0.05)
        finally:
            reading.cancel()
            await asyncio.to_thread(thread.stop)
    assert value(found, "intake_entries_total", result="accepted") == 1
    assert value(found, "intake_entries_total", result="quarantined") == 1
    assert value(found, "intake_lag_seconds_sum") < 20
    assert value(found, "intake_batch_entries_sum") == 2


def test_two_engines_in_one_process_count_apart() -> None:
    one, other = Meters(), Meters()
    one.batch.saw(3)
    assert value(samples(exposed(other).decode()), "intake_batch_entries_sum") == 0
