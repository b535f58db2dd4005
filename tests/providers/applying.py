"""When a story applies to a provider: decided while tests are collected, from what is declared.

A story says so in one line, ``@applies(calls_off)``; without one it applies to every provider.
Where it does not apply it is not collected (``conftest``), so that every test that is counted is
one that is told. ``test_suite`` says which stories a provider must have, from its capabilities.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from tests.providers.suite_base import ASKED_ABOUT, Contract
from tests.providers.trial import account_with, remote_of
from worker.books import Books
from worker.capabilities import Capabilities, Doubt, Polling
from worker.http import Channel
from worker.lifecycle import Step
from worker.order import Ordered
from worker.outcome import InDoubt
from worker.provider import Account
from worker.providers import REGISTRY
from worker.sandbox import Fault, SandboxSettings
from worker.sandbox.remote import Documented

NOWHERE = "http://127.0.0.1:9"
"""Where an adapter is that is asked for its capabilities and never for anything else."""


@dataclass(frozen=True, slots=True)
class Telling:
    """A story as it would be told: of whose suite, and with which of its parameters."""

    suite: type[Contract]
    params: Mapping[str, Any]

    @property
    def step(self) -> Step:
        return Step(self.params["step"])

    @property
    def fault(self) -> Fault:
        return Fault(self.params["fault"])

    @property
    def failure(self) -> Documented:
        failure = self.params["failure"]
        assert isinstance(failure, Documented)
        return failure

    @property
    def plain(self) -> Capabilities:
        """How the account behaves for the suite's usual order."""
        return _facts(self.suite).plain

    @property
    def cancellable(self) -> Capabilities:
        """How it behaves for one that is called off."""
        return _facts(self.suite).cancellable


Condition = Callable[[Telling], bool]


def applies(when: Condition) -> pytest.MarkDecorator:
    """Have a story told only where ``when`` holds."""
    return pytest.mark.applies.with_args(when)


def is_told(item: pytest.Item) -> bool:
    """Whether every condition of a story holds for the class that it was found in."""
    marks = [*item.iter_markers("applies")]
    if not marks:
        return True
    assert isinstance(item, pytest.Function)
    assert issubclass(item.cls, Contract)
    params = item.callspec.params if hasattr(item, "callspec") else {}
    telling = Telling(item.cls, params)
    return all(mark.args[0](telling) for mark in marks)


# --- conditions ----------------------------------------------------------------------------------


def names_prices(of: Telling) -> bool:
    return of.suite.tells_price


def delivers_goods(of: Telling) -> bool:
    return of.suite.gives_goods


def needs_a_token(of: Telling) -> bool:
    return of.plain.needs_token


def looks_up(of: Telling) -> bool:
    """Whether doubt about the call that buys is settled by asking, sooner or later."""
    return _doubt(of, of.suite.committing()) in ASKED_ABOUT


def polls(of: Telling) -> bool:
    return of.suite.reads[1] is not None


def is_asked_after(of: Telling) -> bool:
    """Whether an order that was placed can be asked after."""
    return of.plain.polls is not Polling.NONE


def sends_again(of: Telling) -> bool:
    """Whether the provider knows the very same request of this step again."""
    return _doubt(of, of.step) is Doubt.REPLAY


def calls_off(of: Telling) -> bool:
    return of.cancellable.cancels


def looks_up_what_was_called_off(of: Telling) -> bool:
    return of.cancellable.after_cancel in ASKED_ABOUT | {Doubt.HARMLESS}


def reads_books(of: Telling) -> bool:
    return of.plain.books is not Books.NONE


def keeps_shelves(of: Telling) -> bool:
    return of.plain.books is Books.SHELVES


def keeps_a_list(of: Telling) -> bool:
    """Whether a shelf of the books holds more than one order."""
    return reads_books(of) and of.suite.books_shelf is not None


def refuses_a_shelf(of: Telling) -> bool:
    return reads_books(of) and of.suite.no_shelf is not None


def leaves_doubt(of: Telling) -> bool:
    """Whether this provider's documentation has no answer to the fault's meaning."""
    return of.suite.comes_of(of.fault) is InDoubt


def is_no_clear_check(of: Telling) -> bool:
    """Not so a spoilt answer, where the status alone is documented to be the check's answer."""
    return not (of.suite.checks_by_status and of.fault is Fault.GARBAGE_AFTER)


def could_be_repeated(of: Telling) -> bool:
    """Whether the call that fails says anything that nobody else may see."""
    return bool(of.suite().said_at(of.failure.operation, _facts(of.suite).account))


# --- what is declared ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Facts:
    plain: Capabilities
    cancellable: Capabilities
    account: Account


@cache
def _facts(suite: type[Contract]) -> _Facts:
    remote = remote_of(suite.provider)
    settings = {
        name: value.replace("{base_url}", NOWHERE)
        for name, value in remote(SandboxSettings(), lambda *_: None, 0).account().items()
    }
    account = account_with(suite.provider, {"base_url": NOWHERE, **settings, **suite.account})
    told = suite()

    async def behaviour(order: Ordered) -> Capabilities:
        async with Channel(NOWHERE) as channel:
            return REGISTRY[suite.provider](account, channel).capabilities_for(order.intent)

    return _Facts(
        plain=asyncio.run(behaviour(told.plain())),
        cancellable=asyncio.run(behaviour(told.cancellable())),
        account=account,
    )


def _doubt(of: Telling, step: Step) -> Doubt | None:
    return of.plain.after_confirm if step is Step.CONFIRM else of.plain.after_place
