"""Workers that are stopped, killed, doubled, and robbed of Redis, in the middle of their work."""

import asyncio
import signal
import time

from celery import Celery
from sqlalchemy import text

from schemas import jobs
from tasks.queues import orders_of
from tests.crash.promises import check_promises
from tests.crash.works import Works
from tests.stories.conftest import gifthub, hyper
from worker.sandbox import Outage

_DUE = text(
    "SELECT provider, array_agg(id::text) AS ids FROM orders"
    " WHERE due_at IS NOT NULL GROUP BY provider"
)


async def test_a_wiped_redis_loses_no_accepted_order_and_the_next_intent_is_taken_in(
    works: Works,
) -> None:
    await works.start_worker("worker")
    await works.start_beat()
    await works.submit(
        *(hyper(f"h{n}", 5) for n in range(10)), *(gifthub(f"g{n}") for n in range(10))
    )

    async def all_accepted() -> bool:
        return bool(await works.one("SELECT count(*) = 20 FROM orders"))

    await works.until(all_accepted, "everything is accepted")
    await works.until_nothing_waits()
    await works.redis.flushall()
    await works.submit(hyper("after-the-wipe"))
    await works.until_at_rest()
    await check_promises(works)
    assert set((await works.states()).values()) == {"fulfilled"}


async def test_a_dedicated_worker_leaves_what_is_due_elsewhere_to_others(works: Works) -> None:
    await works.accept(hyper("h"), gifthub("g"))
    await works.start_worker("dedicated", "-Q", f"{orders_of('gifthub')},notifications,upkeep")
    await works.start_beat()
    await works.until_states("fulfilled", of="g")
    rung = "SELECT rung_at IS NOT NULL FROM accounts WHERE provider = 'hyperteknoloji'"
    await works.until(lambda: works.one(rung), "the other one was rung for")
    assert works.sandbox.hits("hyperteknoloji", "create") == 0
    await works.start_worker("other", "-Q", orders_of("hyperteknoloji"))
    await works.until_at_rest()
    assert set((await works.states()).values()) == {"fulfilled"}


async def test_sigterm_ends_a_worker_within_its_grace_while_a_provider_is_dark(
    works: Works,
) -> None:
    await works.sandbox.outage("hyperteknoloji", Outage.DARK)
    worker = await works.start_worker("worker")
    await works.start_beat()
    await works.submit(*(hyper(f"h{n}") for n in range(5)), *(gifthub(f"g{n}") for n in range(5)))
    await works.until(
        lambda: works.sandbox.hits("hyperteknoloji", "login") > 0, "a call is under way"
    )
    asked = time.monotonic()
    worker.signal(signal.SIGTERM)
    assert await asyncio.to_thread(worker.wait, 15) == 0
    assert time.monotonic() - asked < 5 + 3  # the grace, and what Celery itself takes to leave

    await works.sandbox.outage("hyperteknoloji", seconds=0)
    await works.start_worker("heir")
    await works.until_at_rest()
    await check_promises(works)
    assert set((await works.states()).values()) == {"fulfilled"}


async def test_sigkill_leaves_in_doubt_only_what_had_an_attempt_open(works: Works) -> None:
    await works.sandbox.outage("hyperteknoloji", Outage.DARK)
    victim = await works.start_worker("victim", ORDERLINE_GRACE="20")
    await works.start_beat()
    await works.submit(*(hyper(f"h{n}") for n in range(4)), *(gifthub(f"g{n}") for n in range(4)))
    await works.until(
        lambda: works.sandbox.hits("hyperteknoloji", "login") > 0, "a call is under way"
    )
    victim.signal(signal.SIGKILL)
    await works.sandbox.outage("hyperteknoloji", seconds=0)
    doubtful = await works.in_a_call()
    await works.start_worker("heir")
    await works.until_at_rest()
    await check_promises(works, may_be_parked=doubtful)
    states = list((await works.states()).values())
    assert states.count("fulfilled") == 8 - states.count("parked")
    assert works.bought() == states.count("fulfilled")


async def test_two_workers_and_every_bell_rung_twice_buy_nothing_twice(works: Works) -> None:
    await works.start_worker("one")
    await works.start_worker("two")
    await works.start_beat()
    bodies = [hyper(f"h{n}", (1, 8)[n % 2]) for n in range(30)]
    bodies += [gifthub(f"g{n}") for n in range(30)]
    ringing = asyncio.create_task(_ring_everything_twice(works))
    await works.submit(*bodies)
    try:
        await works.until_at_rest()
    finally:
        ringing.cancel()
    await check_promises(works)
    assert set((await works.states()).values()) == {"fulfilled"}


async def _ring_everything_twice(works: Works) -> None:
    app = Celery(broker=works.system.servers.redis_url)
    app.conf.broker_transport_options = {"global_keyprefix": "orderline:celery:"}
    while True:
        async with works.db.reading() as connection:
            found = await connection.execute(_DUE)
            due = [(row.provider, row.ids) for row in found]
        for provider, ids in due:
            for task in (jobs.ORDER_PLACE, jobs.ORDER_PLACE, jobs.ORDER_POLL):
                await asyncio.to_thread(
                    app.send_task,
                    task,
                    args=[provider, "default", ids],
                    queue=orders_of(provider),
                    ignore_result=True,
                )
        await asyncio.sleep(0.05)


async def test_a_wish_on_the_stream_is_answered_by_a_worker(works: Works) -> None:
    await works.start_worker("only")
    await works.start_beat()
    await works.submit(hyper("h", 38), gifthub("g", "sandbox-slow"))

    async def bought() -> bool:
        states = await works.states()
        return len(states) == 2 and set(states.values()) <= {"placed", "fulfilled"}

    await works.until(bought, "both are bought")
    await works.call_off("h", "g")
    await works.until_at_rest()
    await check_promises(works)
    assert await works.states() == {"h": "cancelled", "g": "fulfilled"}
    told = [body["type"] for body in works.receiver.received.first.values()]
    assert told.count("line.cancelled") == told.count("line.cancel_refused") == 1
