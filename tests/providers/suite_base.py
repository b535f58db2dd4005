"""What the contract stands on: what a provider's test says of it, and how its stories are told."""

import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import pytest

from tests.providers.trial import Steps, Trial, ample, credentials_in, usual_steps
from worker.capabilities import Doubt
from worker.http import Deadline
from worker.lifecycle import LineState, Step
from worker.order import Ordered
from worker.outcome import (
    Check,
    Confirmed,
    InDoubt,
    LookUp,
    NotSent,
    Outcome,
    RefusalCode,
)
from worker.provider import Account
from worker.providers.asked import personal_in
from worker.sandbox import Fault, Sandbox

UNANSWERED: Final = frozenset({Fault.HANG_BEFORE, Fault.HANG_AFTER, Fault.ENDLESS_DRIP})
HARMLESS: Final = frozenset({Fault.NONE, Fault.SLOW_DRIP, Fault.LATE_ANSWER})
THROTTLED: Final = frozenset({Fault.THROTTLED_429, Fault.THROTTLED_429_DATE})
BREAKING: Final = sorted(set(Fault) - HARMLESS)

OUTCOMES: Final[Mapping[Fault, type[Outcome]]] = (
    dict.fromkeys(Fault, InDoubt)
    | dict.fromkeys(HARMLESS, Confirmed)
    | dict.fromkeys(THROTTLED, NotSent)
    | {Fault.UNAUTHORIZED_401: NotSent}
)
"""What a committing call comes to; ``ProviderSuite.outcomes`` has a provider's exceptions."""

DOUBTFUL: Final = sorted(fault for fault, outcome in OUTCOMES.items() if outcome is InDoubt)

ASKED_ABOUT: Final = frozenset(
    {Doubt.LOOK_UP, Doubt.LOOK_UP_ONCE, Doubt.LOOK_UP_WEAK, Doubt.REPLAY}
)
"""Doubts that a look-up settles, sooner or later."""

SHORT: Final = 0.5
"""Seconds a call may take that is never answered, or never to the end."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a documented failure comes to: an outcome, and where it is a no, which one."""

    outcome: type[LookUp | Check]
    code: RefusalCode | None = None
    token_rejected: bool = False


class Contract(ABC):
    """The contract. ``reads`` names the sandbox operations of ``look_up`` and ``poll``.

    ``account`` are settings beside those of the sandbox's own account. ``placed_as`` is where a
    line stands once its order is bought, ``tells_price`` and ``gives_goods`` say what comes with
    it, ``gives_ref`` whether the provider names its orders at all.

    ``steps`` are the calls that make ``plain`` orders, where that is not the same for all orders;
    ``cancelling`` is the sandbox operation of the call that calls one off.
    ``checks_by_status`` says that the check's answer is documented to be a status and nothing else.
    ``documented`` has every failure that the remote's documentation lists, by operation and name;
    those of the operations in ``elsewhere`` are told by another class of the same provider.
    ``outcomes`` are a provider's exceptions from ``OUTCOMES``. ``believed`` are faults in which
    the remote says, in so many words of its documentation, that it did nothing, having done it:
    no caller can tell.

    ``books_shelf`` is a shelf that lists many orders, ``None`` where each holds one only;
    ``no_shelf`` one that is refused. ``books_state`` is where an entry of ``plain`` stands,
    ``books_unknown`` where one does whose status nobody documented; ``books_bear_refs`` says
    whether entries bear our references. ``books_emptied`` are faults that look like an empty
    shelf, ``books_turned_away`` those that say "not let in".
    """

    provider: ClassVar[str]
    reads: ClassVar[tuple[str | None, str | None]]
    documented: ClassVar[Mapping[tuple[str, str], Means]]
    steps: ClassVar[Steps | None] = None
    cancelling: ClassVar[str] = "cancel"
    checks_by_status: ClassVar[bool] = False
    elsewhere: ClassVar[frozenset[str]] = frozenset()
    account: ClassVar[Mapping[str, str]] = {}
    placed_as: ClassVar[LineState] = LineState.ACCEPTED
    tells_price: ClassVar[bool] = True
    gives_goods: ClassVar[bool] = True
    gives_ref: ClassVar[bool] = True
    outcomes: ClassVar[Mapping[Fault, type[Outcome]]] = {}
    believed: ClassVar[frozenset[Fault]] = frozenset()
    books_shelf: ClassVar[str | None] = None
    no_shelf: ClassVar[str | None] = None
    books_state: ClassVar[LineState] = LineState.DELIVERED
    books_unknown: ClassVar[LineState | None] = None
    books_bear_refs: ClassVar[bool] = True
    books_emptied: ClassVar[frozenset[Fault]] = frozenset()
    books_turned_away: ClassVar[frozenset[Fault]] = frozenset({Fault.UNAUTHORIZED_401})

    @abstractmethod
    def plain(self) -> Ordered:
        """An order of two lines that is delivered as soon as it is bought."""

    def cancellable(self) -> Ordered:
        """An order of two lines that, once bought, can be called off for a while."""
        return self.plain()

    @classmethod
    def calls(cls) -> Steps:
        """The calls that make the suite's orders."""
        return cls.steps or usual_steps(cls.provider)

    @classmethod
    def operations(cls) -> Steps:
        """Every call that is a step, with the sandbox operation that it takes."""
        return {**cls.calls(), Step.CANCEL: cls.cancelling}

    @classmethod
    def committing(cls) -> Step:
        """The call that costs money."""
        return list(cls.calls())[-1]

    @classmethod
    def comes_of(cls, fault: Fault) -> type[Outcome]:
        """What a committing call comes to that meets the fault."""
        return cls.outcomes.get(fault) or OUTCOMES[fault]

    def said_at(self, operation: str, account: Account) -> list[str]:
        """What a caller says at an operation that nobody else may see."""
        about_an_order = {*self.operations().values(), *self.reads}
        return personal_in(self.plain()) if operation in about_an_order else credentials_in(account)

    @pytest.fixture
    async def trial(
        self, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
    ) -> AsyncIterator[Trial]:
        caplog.set_level(logging.DEBUG)
        how = (self.calls(), self.cancelling)
        async with Trial(sandbox, self.provider, *how, **self.account) as one:
            yield one
            assert not [secret for secret in one.secrets if secret in caplog.text]

    async def _ready(self, trial: Trial, step: Step, *, reused: bool) -> Ordered:
        """An order whose ``step`` is next, on a connection that was used or on a new one."""
        if reused:
            await trial.bought(self.plain())
        order = await trial.ready_for(step, self.plain())
        if not reused:
            await trial.reconnect()
        return order

    async def _faulty(self, trial: Trial, step: Step, order: Ordered, fault: Fault) -> Outcome:
        trial.sandbox.script(self.provider, trial.operations[step], [fault])
        return await trial.call(step, order, self._deadline(fault))

    def _deadline(self, fault: Fault) -> Deadline:
        return Deadline.after(start=SHORT, total=SHORT) if fault in UNANSWERED else ample()
