"""What does not belong there on the Celery queues: no order is harmed.

Nobody but our own workers and beat has anything to put there: producers write to streams. And what
is there is a bell, not work: nothing of it is worth a quarantine, what Celery throws away costs
nothing, and a worker that it ends costs a start. Nonsense on a *stream*, where producers do write,
is ``test_outages::test_nonsense_on_a_stream_never_stops_the_worker``.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest
from celery import Celery

from schemas import jobs
from tasks.queues import NOTIFICATIONS, orders_of
from tests.crash.promises import check_promises
from tests.crash.works import Works
from tests.stories.conftest import gifthub, hyper

PLAYER: Final = "player-5512345678"
"""In an intent that somebody sent as a task, by a name that is not ours."""
QUEUES: Final = (orders_of("hyperteknoloji"), NOTIFICATIONS)

Poison = Callable[[Works, str], Awaitable[None]]


async def unregistered_name(works: Works, queue: str) -> None:
    await _send(works, queue, "orders.from_somewhere_else", serializer="json")


async def pickled_body(works: Works, queue: str) -> None:
    await _send(works, queue, jobs.ORDER_PLACE, serializer="pickle")


async def json_of_somebody_elses(works: Works, queue: str) -> None:
    await _push(works, queue, json.dumps({"order": 1, "for": PLAYER}))


async def no_json_at_all(works: Works, queue: str) -> None:
    await _push(works, queue, "hello")


# Plain Celery deletes the first two, an order that was such a message included; for the third it
# takes its connection for lost, and the message is.
@pytest.mark.parametrize(
    ("poison", "said"),
    [
        (unregistered_name, "Received unregistered task of type 'orders.from_somewhere_else'\""),
        (pickled_body, 'Received invalid task message"'),
        (json_of_somebody_elses, "Connection to broker lost"),
    ],
)
async def test_a_message_that_nobody_understands_costs_no_order_and_no_worker(
    works: Works, poison: Poison, said: str
) -> None:
    works.secrets.append(PLAYER)
    worker = await works.start_worker("worker")
    await works.start_beat()
    for number, queue in enumerate(QUEUES):
        await poison(works, queue)
        await works.submit(hyper(f"h{number}"), gifthub(f"g{number}"))
    await works.until_at_rest()
    assert worker.running
    assert works.said("worker", said)
    assert [await works.redis.llen(_key(queue)) for queue in QUEUES] == [0, 0]
    await check_promises(works)
    assert set((await works.states()).values()) == {"fulfilled"}


# Plain Celery loses the message and ends the process, with whatever it had prefetched. So does our
# worker, but in good order: its supervisor starts another one, and every order is still due.
async def test_what_is_no_json_ends_a_worker_in_good_order_and_the_next_one_goes_on(
    works: Works,
) -> None:
    await works.start_beat()
    for number, queue in enumerate(QUEUES):
        worker = await works.start_worker(f"worker{number}")
        await no_json_at_all(works, queue)
        await works.submit(hyper(f"h{number}"), gifthub(f"g{number}"))
        assert await asyncio.to_thread(worker.wait, 20) == 1
        assert works.said(worker.name, "Unrecoverable error: JSONDecodeError")
        assert works.said(worker.name, '"engine_stopped"')
        waiting: Any = await works.redis.lrange(_key(queue), 0, -1)
        assert b"hello" not in waiting  # the next worker does not meet it again
    assert await works.in_a_call() == set()
    await works.start_worker("supervised")
    await works.until_at_rest()
    await check_promises(works)
    assert set((await works.states()).values()) == {"fulfilled"}


def _key(queue: str) -> str:
    return f"orderline:celery:{queue}"


async def _push(works: Works, queue: str, raw: str) -> None:
    await works.redis.lpush(_key(queue), raw)


async def _send(works: Works, queue: str, name: str, *, serializer: str) -> None:
    app = Celery(broker=works.system.servers.redis_url)
    app.conf.broker_transport_options = {"global_keyprefix": "orderline:celery:"}
    await asyncio.to_thread(
        app.send_task,
        name,
        args=[{"lines": [{"require_data": [{"value": PLAYER}]}]}],
        queue=queue,
        serializer=serializer,
        ignore_result=True,
    )
