"""Everything a worker process holds, wired in one place from its settings."""

import os
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final, TypeVar

from worker.calls import Calls
from worker.clock import Clock, SystemClock
from worker.crypto import Vault
from worker.delivery.sender import RESULTS, Sender
from worker.desk import Desk
from worker.desks import open_desks, open_rates, paced
from worker.lanes import Lanes
from worker.metrics import families
from worker.metrics.meters import Meters
from worker.order_tokens import OrderTokens
from worker.providers import load_accounts
from worker.rates import Rates
from worker.rests import AccountKey, Rests
from worker.settings import Settings
from worker.signers import Signers
from worker.skew import ClockWatch
from worker.store import attempts, deliveries, orders
from worker.store.batch import BatchWriter
from worker.store.open_orders import OpenOrders
from worker.store.session import Database, OnBoundary
from worker.supervisor import Supervisor

DeskKey = AccountKey

Given = TypeVar("Given")
Result = TypeVar("Result")

_DELIVERIES_APART: Final = 0.05
"""Seconds: what a receiver has can be noted a moment later, with others like it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What the steps work with. Closed by whoever opened it.

    ``rates`` is there if any account has one.
    """

    settings: Settings
    worker: str
    clock: Clock
    chance: Callable[[], float]
    db: Database
    vault: Vault
    supervisor: Supervisor
    calls: Calls
    sender: Sender
    lanes: Lanes
    signers: Signers
    desks: Mapping[DeskKey, Desk]
    rates: Rates | None
    attempts: BatchWriter[attempts.NewAttempt, attempts.Opened | attempts.NotOpened]
    changes: BatchWriter[orders.Settling, orders.Settled]
    deliveries: BatchWriter[deliveries.Delivered, bool]
    database_clock: ClockWatch
    open_orders: OpenOrders
    rests: Rests
    meters: Meters

    @property
    def delivery_lease(self) -> timedelta:
        """How long a notification is ours: longer than its delivery can take."""
        return self.settings.delivery_timeout + self.settings.lease_margin


def worker_name() -> str:
    """This process, for people: ``host:pid``."""
    return f"{socket.gethostname()}:{os.getpid()}"


def check_settings(settings: Settings) -> None:
    """Find out now what ``open_runtime`` would refuse. Raises ``SettingsError``."""
    open_vault(settings)
    load_accounts(settings.accounts)


def permits_in_all(settings: Settings) -> int:
    """How many calls and deliveries one worker process can have under way at once."""
    accounts = load_accounts(settings.accounts).values()
    calls = sum(account.concurrency for by_name in accounts for account in by_name.values())
    return calls + settings.delivery_concurrency


def open_vault(settings: Settings) -> Vault:
    """The vault of an installation. Raises ``SettingsError``."""
    return Vault(settings.encryption_key_list)


def open_tokens(settings: Settings) -> OrderTokens:
    """What makes and knows order tokens. The keys must be good: ``open_vault`` says so."""
    return OrderTokens(settings.encryption_key_list)


def open_database(settings: Settings, on_boundary: OnBoundary | None = None) -> Database:
    """The database of an installation; connects when it is first used."""
    return Database(settings.sqlalchemy_url, on_boundary=on_boundary)


@asynccontextmanager
async def open_runtime(
    settings: Settings,
    *,
    clock: Clock | None = None,
    chance: Callable[[], float] = random.random,
    on_boundary: OnBoundary | None = None,
) -> AsyncIterator[Runtime]:
    """Wire a runtime on the running loop. Connects to nothing yet.

    Raises ``SettingsError``. On the way out every write handed over is committed first.
    """
    async with AsyncExitStack() as stack:
        rt = _wired(stack, settings, clock or SystemClock(), chance, on_boundary)
        for close in (rt.attempts.close, rt.changes.close, rt.deliveries.close):
            stack.push_async_callback(close, settings.grace.total_seconds())
        yield rt


def _wired(
    stack: AsyncExitStack,
    settings: Settings,
    clock: Clock,
    chance: Callable[[], float],
    on_boundary: OnBoundary | None,
) -> Runtime:
    vault, worker = open_vault(settings), worker_name()
    db = open_database(settings, on_boundary)
    stack.push_async_callback(db.close)
    sender = _open_sender(settings, clock)
    stack.push_async_callback(sender.aclose)
    calls, supervisor = Calls(), Supervisor()
    record = partial(deliveries.record, db, disable_after=settings.endpoint_disable_after)
    opened = open_desks(stack, settings, db, vault, clock, calls)
    rates = open_rates(stack, settings, worker, opened)
    desks = {key: paced(desk, rates, supervisor) for key, desk in opened.items()}
    meters = _open_meters(desks, supervisor, rates)
    return Runtime(
        settings=settings,
        worker=worker,
        clock=clock,
        chance=chance,
        db=db,
        vault=vault,
        supervisor=supervisor,
        calls=calls,
        sender=sender,
        lanes=Lanes(settings.delivery_concurrency, settings.delivery_per_endpoint),
        signers=Signers(db, vault, clock),
        desks=desks,
        rates=rates,
        attempts=_writer("attempts", partial(attempts.open_attempts, db, vault), meters),
        changes=_writer("changes", partial(orders.settle, db, vault), meters),
        deliveries=_writer("deliveries", record, meters, apart=_DELIVERIES_APART),
        database_clock=ClockWatch(),
        open_orders=OpenOrders(settings.open_per_producer),
        rests=Rests(),
        meters=meters,
    )


def _open_meters(
    desks: Mapping[DeskKey, Desk], supervisor: Supervisor, rates: Rates | None
) -> Meters:
    meters = Meters(desks, RESULTS)
    meters.read(families.TASKS_FAILED, lambda: supervisor.failures)
    if rates is not None:
        meters.read(families.RATES_ALONE, lambda: rates.alone)
    return meters


def _writer(
    name: str,
    write: Callable[[Sequence[Given]], Awaitable[Sequence[Result]]],
    meters: Meters,
    apart: float = 0.0,
) -> BatchWriter[Given, Result]:
    return BatchWriter(name, meters.committing(name, write), apart=apart)


def _open_sender(settings: Settings, clock: Clock) -> Sender:
    return Sender(
        clock,
        development_hosts=settings.development_host_set,
        connections=settings.delivery_concurrency,
    )
