"""Workers stopped, killed and doubled, as Celery's own queues do not survive it.

Told elsewhere:

- every bell rung twice, by two workers: ``test_workers::test_two_workers_and_every_bell_…``
- killed in the middle of a call: ``test_checks_bite::killed_in_a_call_that_was_carried_out``
- the fence refuses a worker that was frozen: ``test_checks_bite``, ``test_boundaries_late``
- claims of one row by two transactions: ``tests/store/test_claims_races.py``
"""

import asyncio
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from schemas import jobs
from tasks.queues import orders_of
from tests.crash.moments import Moment
from tests.crash.nursery import Child
from tests.crash.promises import check_promises
from tests.crash.works import PATIENCE, Works
from tests.stories.conftest import gifthub, hyper
from worker.lifecycle import Step
from worker.sandbox import Outage
from worker.steps.sweep import PATIENCE as UNANSWERED
from worker.store.session import Boundary

SWEEP = 1.0
LEASE = 3.0
"""Of a call, by the settings of ``works``: grace, call and margin."""
_STARTED = 1.0
"""Seconds in which a worker that is there begins a call it may make."""


# Plain Celery loses the message for good: it was taken off its list, and is noted nowhere yet.
async def test_a_bell_that_dies_with_a_worker_is_rung_again_by_the_sweep(works: Works) -> None:
    victim = await works.start_worker("victim")
    await works.start_worker("heir", ORDERLINE_LOG_LEVEL="debug")
    await works.until_ready("victim")
    await works.until_ready("heir")
    victim.signal(signal.SIGSTOP)
    bells = [await _ring(works) for _ in range(2)]  # each of the two takes one off its list
    await works.accept(hyper("h"), gifthub("g"))
    victim.signal(signal.SIGKILL)
    await works.start_beat()
    due = time.monotonic()
    await works.until(lambda: works.sandbox.hits("hyperteknoloji", "create"), "it is rung again")
    assert time.monotonic() - due < UNANSWERED.total_seconds() + SWEEP + _STARTED
    await works.until_at_rest()
    assert sum(works.said("heir", bell) for bell in bells) == 1  # the other one was lost
    await check_promises(works)
    assert set((await works.states()).values()) == {"fulfilled"}


# Plain Celery begins again after the visibility timeout, an hour by default: with what waited,
# too, as it had been prefetched.
async def test_a_killed_workers_orders_are_taken_up_when_their_lease_ends_and_what_waited_at_once(
    works: Works,
) -> None:
    _one_at_a_time(works)
    await works.sandbox.outage("gifthub", Outage.DARK)
    victim = await works.start_worker("victim")
    await works.start_worker("heir")
    await works.submit(*(gifthub(f"g{number}") for number in range(4)))
    await works.until(lambda: works.sandbox.hits("gifthub", "create") >= 2, "two calls are made")
    await works.start_beat()
    await works.sandbox.outage("gifthub", seconds=0)
    before = works.sandbox.hits("gifthub", "create")
    victim.signal(signal.SIGKILL)
    killed = time.monotonic()
    await works.until(
        lambda: works.sandbox.hits("gifthub", "create") >= before + 2, "what waited is begun"
    )
    await works.until_at_rest()
    taken_up = await works.one(
        "SELECT max(extract(epoch FROM b.opened_at - a.opened_at)) FROM attempts a"
        " JOIN attempts b ON b.order_id = a.order_id AND b.number = a.number + 1"
        " WHERE a.step = 'place' AND b.step = 'place'"
    )
    assert float(taken_up) < LEASE + SWEEP + UNANSWERED.total_seconds() + _STARTED
    assert time.monotonic() - killed < PATIENCE
    await check_promises(works)
    assert set((await works.states()).values()) == {"fulfilled"}


# Plain Celery holds no rows; whatever does is waited for, for as long as the worker is frozen.
@pytest.mark.slow
async def test_a_worker_frozen_inside_a_transaction_holds_its_rows_no_longer_than_any_takes(
    works: Works,
) -> None:
    settling = Moment(Boundary.SETTLE, "before", Step.PLACE)
    await works.accept(hyper("h"), hyper("other"))
    frozen = await works.start_worker("frozen", freeze_at=settling)
    await works.until_frozen(frozen, settling)  # with the rows of the whole batch locked
    await works.start_worker("heir")
    await works.start_beat()
    await works.until_at_rest()
    frozen.signal(signal.SIGCONT)
    await works.until(lambda: works.said("frozen", "late_outcome"), "what it knew is too late")
    await check_promises(works)
    assert set((await works.states()).values()) == {"fulfilled"}


# Plain Celery runs one message several times at once: three executions of one that acknowledges
# late, four of one that waits.
async def test_calls_that_outlast_the_visibility_timeout_are_made_once(works: Works) -> None:
    works.app = "tests.crash.hasty"
    await works.start_worker("one")
    await works.start_worker("two")
    await works.start_beat()
    await works.submit(*(hyper(f"h{number}", 10) for number in range(6)))  # never answered
    await works.until_at_rest()
    assert works.sandbox.hits("hyperteknoloji", "create") == 6
    await check_promises(works)
    assert set((await works.states()).values()) == {"fulfilled"}


# Celery has no such thing; a queue on a database that locks whole files claims rows twice.
async def test_two_processes_that_claim_a_thousand_orders_claim_each_once(
    works: Works, tmp_path: Path
) -> None:
    await works.accept(*(hyper(f"h{number}") for number in range(1000)))
    go = tmp_path / "go"
    claimers = [
        works.run(name, "tests.crash.claimer", "hyperteknoloji", str(go)) for name in ("one", "two")
    ]
    await works.until(lambda: all(_claimed(works, each) for each in claimers), "both are ready")
    go.touch()
    for claimer in claimers:
        assert await asyncio.to_thread(claimer.wait, PATIENCE) == 0
    one, two = [_claimed(works, claimer)[1:] for claimer in claimers]
    assert one
    assert two
    assert len([*one, *two]) == len({*one, *two}) == 1000


def _claimed(works: Works, claimer: Child) -> list[str]:
    """What it printed: that it is ready, and then ids."""
    return works.log(claimer.name).read_text().split()


def _one_at_a_time(works: Works) -> None:
    accounts: Any = works.system.accounts
    accounts["gifthub"]["default"]["concurrency"] = "1"


async def _ring(works: Works) -> str:
    """Send a bell, and wait until somebody has taken it; its id."""
    app = Celery(broker=works.system.servers.redis_url)
    app.conf.broker_transport_options = {"global_keyprefix": "orderline:celery:"}
    queue = orders_of("hyperteknoloji")
    sent = await asyncio.to_thread(
        app.send_task,
        jobs.ORDER_PLACE,
        args=["hyperteknoloji", "default", []],
        queue=queue,
        ignore_result=True,
    )

    async def taken() -> bool:
        return await works.redis.llen(f"orderline:celery:{queue}") == 0

    await works.until(taken, "the bell is taken off its list")
    return str(sent.id)
