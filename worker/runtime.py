"""Everything a worker process holds, wired in one place from its settings."""

import os
import random
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from worker.budget import RetryBudget
from worker.calls import Calls
from worker.clock import Clock, SystemClock
from worker.crypto import Vault
from worker.decisions import Decider
from worker.delivery.sender import Sender
from worker.desk import Desk
from worker.http import Channel, Deadline
from worker.lanes import Lanes
from worker.order_tokens import CallbackUrls, OrderTokens
from worker.outcome import Outcome
from worker.pace import Pace
from worker.policy import Policy
from worker.provider import Account, Provider, Token
from worker.providers import REGISTRY, load_accounts
from worker.rates import Bucket, Rates
from worker.rests import AccountKey, Rests
from worker.settings import Settings
from worker.signers import Signers
from worker.skew import ClockWatch
from worker.store import attempts, deliveries, orders
from worker.store.batch import BatchWriter
from worker.store.open_orders import OpenOrders
from worker.store.session import Database, OnBoundary
from worker.supervisor import Supervisor
from worker.tokens import TokenCare, TokenKeeper

DeskKey = AccountKey


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
    vault = open_vault(settings)
    db = open_database(settings, on_boundary)
    stack.push_async_callback(db.close)
    sender = _open_sender(settings, clock)
    stack.push_async_callback(sender.aclose)
    calls = Calls()
    supervisor = Supervisor()
    opened = _open_desks(stack, settings, db, vault, clock, calls)
    rates = _open_rates(stack, settings, opened)
    desks = {key: _paced(desk, rates, supervisor) for key, desk in opened.items()}
    return Runtime(
        settings=settings,
        worker=worker_name(),
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
        attempts=BatchWriter("attempts", partial(attempts.open_attempts, db, vault)),
        changes=BatchWriter("changes", partial(orders.settle, db, vault)),
        deliveries=BatchWriter(
            "deliveries",
            partial(deliveries.record, db, disable_after=settings.endpoint_disable_after),
        ),
        database_clock=ClockWatch(),
        open_orders=OpenOrders(settings.open_per_producer),
        rests=Rests(),
    )


def _open_sender(settings: Settings, clock: Clock) -> Sender:
    return Sender(
        clock,
        development_hosts=settings.development_host_set,
        connections=settings.delivery_concurrency,
    )


def _open_desks(
    stack: AsyncExitStack,
    settings: Settings,
    db: Database,
    vault: Vault,
    clock: Clock,
    calls: Calls,
) -> dict[DeskKey, Desk]:
    desks = {
        (provider, name): _open_desk(provider, name, account, settings, db, vault, clock, calls)
        for provider, by_name in load_accounts(settings.accounts).items()
        for name, account in by_name.items()
    }
    for desk in desks.values():
        stack.push_async_callback(desk.channel.aclose)
    return desks


def _open_desk(
    provider: str,
    name: str,
    account: Account,
    settings: Settings,
    db: Database,
    vault: Vault,
    clock: Clock,
    calls: Calls,
) -> Desk:
    channel = Channel(account.base_url, limit=account.concurrency, clock=clock)
    adapter: Provider = REGISTRY[provider](account, channel)
    call_timeout = timedelta(seconds=account.call_timeout)
    return Desk(
        provider_name=provider,
        account=name,
        provider=adapter,
        channel=channel,
        decider=_decider(adapter, call_timeout, settings),
        tokens=_keeper(name, adapter, call_timeout, db, vault, clock, calls),
        permits=account.concurrency,
        start_grace=settings.start_grace,
        call_timeout=call_timeout,
        lease=settings.start_grace + call_timeout + settings.lease_margin,
        rate=account.rate,
        books_rate=account.books_rate,
        callback_urls=_callback_urls(provider, name, settings),
        budget=RetryBudget(share=settings.retry_share, floor=settings.retry_floor),
    )


def _open_rates(
    stack: AsyncExitStack, settings: Settings, desks: Mapping[DeskKey, Desk]
) -> Rates | None:
    """Redis for the accounts' rates; nothing of it where no account has one."""
    if all(desk.rate is None for desk in desks.values()):
        return None
    rates = Rates(settings.redis_url.get_secret_value(), worker_name())
    stack.push_async_callback(rates.aclose)
    return rates


def _paced(desk: Desk, rates: Rates | None, supervisor: Supervisor) -> Desk:
    if desk.rate is None or rates is None:
        return desk
    bucket = Bucket(rates, f"{desk.provider_name}/{desk.account}", desk.rate)
    return replace(desk, pace=Pace(bucket, supervisor, desk.lease - desk.total, desk.permits))


def _keeper(
    account: str,
    adapter: Provider,
    call_timeout: timedelta,
    db: Database,
    vault: Vault,
    clock: Clock,
    calls: Calls,
) -> TokenKeeper | None:
    if not adapter.capabilities.needs_token:
        return None
    return TokenKeeper(
        db,
        vault,
        clock,
        calls,
        provider=adapter.name,
        owner=adapter.token_owner or account,
        login=partial(_login, adapter, call_timeout),
        care=TokenCare(
            patience=call_timeout,
            early=adapter.capabilities.token_early,
            longest_rest=adapter.capabilities.login_rest,
        ),
    )


def _callback_urls(provider: str, account: str, settings: Settings) -> CallbackUrls | None:
    if settings.public_url is None:
        return None
    return CallbackUrls(settings.public_url, open_tokens(settings), provider, account)


async def _login(adapter: Provider, within: timedelta) -> Token | Outcome:
    return await adapter.login(Deadline.after(start=within, total=within))


def _decider(adapter: Provider, call_timeout: timedelta, settings: Settings) -> Decider:
    policy = Policy(
        retry_base=settings.retry_base,
        retry_cap=settings.retry_cap,
        retry_for=settings.retry_for,
        look_up_waits=settings.look_up_schedule,
        absence_after=settings.absence_after,
        quote_window=settings.quote_window,
        requotes=settings.requotes,
        max_tries=settings.max_tries,
    )
    return Decider(
        adapter.capabilities,
        policy,
        call_deadline=call_timeout,
        needs=settings.start_grace + call_timeout + settings.quote_margin,
    )
