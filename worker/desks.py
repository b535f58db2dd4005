"""Opens the desks: each configured account's adapter, connections, token, rate and rules."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial

from worker.budget import RetryBudget
from worker.calls import Calls
from worker.clock import Clock
from worker.crypto import Vault
from worker.decisions import Decider
from worker.desk import Desk
from worker.http import Channel, Deadline
from worker.order_tokens import CallbackUrls, OrderTokens
from worker.outcome import Outcome
from worker.pace import Pace
from worker.policy import Policy
from worker.provider import Account, Provider, Token
from worker.providers import REGISTRY, load_accounts
from worker.rates import Bucket, Rates
from worker.rests import AccountKey
from worker.settings import Settings
from worker.store.session import Database
from worker.supervisor import Supervisor
from worker.tokens import TokenCare, TokenKeeper


def open_desks(
    stack: AsyncExitStack,
    settings: Settings,
    db: Database,
    vault: Vault,
    clock: Clock,
    calls: Calls,
) -> dict[AccountKey, Desk]:
    """Every account's desk, as the settings say. Raises ``SettingsError``.

    Connects to nothing yet; what is opened is closed with the ``stack``.
    """
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


def open_rates(
    stack: AsyncExitStack, settings: Settings, worker: str, desks: Mapping[AccountKey, Desk]
) -> Rates | None:
    """Redis for the accounts' rates; nothing of it where no account has one."""
    if all(desk.rate is None for desk in desks.values()):
        return None
    rates = Rates(settings.redis_url.get_secret_value(), worker)
    stack.push_async_callback(rates.aclose)
    return rates


def paced(desk: Desk, rates: Rates | None, supervisor: Supervisor) -> Desk:
    """The desk with a pace, where its account has a rate."""
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
    return CallbackUrls(
        settings.public_url, OrderTokens(settings.encryption_key_list), provider, account
    )


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
