"""Whatever happens to workers, bells, calls, callbacks and clocks, in whatever order.

The steps and the database are the real ones; see ``workers``. After every rule the promises hold,
and at the end everything comes to rest by itself.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import ClassVar

import hypothesis
import psycopg
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pydantic import SecretStr

from schemas.ids import new_uuid
from tests.builders import NOW
from tests.properties.remote import LATEST
from tests.properties.workers import PROVIDER, Call, workers_of
from worker.capabilities import Capabilities, Doubt
from worker.crypto import Vault
from worker.decisions.resolutions import Decision, Resolution, choices
from worker.lifecycle import TERMINAL_ORDERS, OrderState, Step
from worker.outcome import InDoubt, NotSent
from worker.runtime import Runtime, open_runtime
from worker.settings import Settings
from worker.steps.resolve import Undecidable, resolve
from worker.store import cancels, producers
from worker.store.cancels import Wish
from worker.store.claimed import peek

S = OrderState

KINDS = [
    Capabilities(after_place=Doubt.LOOK_UP),
    Capabilities(after_place=Doubt.LOOK_UP_WEAK, after_cancel=Doubt.HARMLESS),
    Capabilities(after_place=Doubt.NONE),
    Capabilities(after_place=Doubt.REPLAY, after_cancel=Doubt.REPLAY),
    Capabilities(after_place=Doubt.HARMLESS, after_confirm=Doubt.LOOK_UP_ONCE),
]
TURNS = 60
"""How many times something has to come due, at the end, until everything rests."""


@dataclass
class World:
    """What all examples share: a loop, a database with a producer, its clock."""

    loop: asyncio.Runner
    rt: Runtime
    database_url: str
    now: datetime = NOW

    def move_clock(self, by: timedelta) -> None:
        """The database's clock stands still in between: an example replayed is the same again."""
        self.now += by
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(
                "CREATE OR REPLACE FUNCTION orderline_now() RETURNS timestamptz LANGUAGE sql STABLE"
                f" RETURN timestamptz '{self.now.isoformat()}'"
            )


NUMBERS = count(1)


class Lives(RuleBasedStateMachine):
    """One order, and all that can happen around it."""

    world: ClassVar[World]

    @initialize(
        kind=st.sampled_from(KINDS),
        window=st.sampled_from([None, None, timedelta(minutes=2), timedelta(minutes=10)]),
        at_its_end=st.sampled_from(["expires", "quoted anew"]),
    )
    def an_intent_is_accepted(
        self, kind: Capabilities, window: timedelta | None, at_its_end: str
    ) -> None:
        number = f"n{next(NUMBERS)}"
        self.workers = workers_of(self.world.loop, self.world.rt, kind, number)
        self.workers.accept(number, window, requote=at_its_end == "quoted anew")
        self.provider, self.remote = self.workers.provider, self.workers.provider.remote
        self.placed = False

    # --- bells, calls, workers -----------------------------------------------------------

    @rule()
    def a_bell_rings(self) -> None:
        self.workers.ring()

    @precondition(lambda self: self.workers.row().due_at is not None)
    @rule(then=st.sampled_from(["lost", "lost", "carried out, then lost", "dies", "stands still"]))
    def somebody_does_what_is_due_next(self, then: str) -> None:
        """The commonest accidents, in one go: what is rare is then met more often."""
        row = self.workers.row()
        self._pass_time(max(row.due_at - row.now, timedelta()))
        before = self._open_calls()
        self.workers.ring()
        for call in self._open_calls():
            if call in before:
                continue
            if then == "carried out, then lost":
                self.provider.carry_out(call)
            if then == "dies":
                self.workers.kill(call)
            elif then != "stands still":
                self.workers.answer(call, InDoubt("cut"))

    @precondition(lambda self: self._open_calls())
    @rule(which=st.integers(0, 9))
    def a_call_is_carried_out(self, which: int) -> None:
        self.provider.carry_out(self._pick(which))

    @precondition(lambda self: self._open_calls())
    @rule(which=st.integers(0, 9))
    def a_call_is_answered(self, which: int) -> None:
        call = self._pick(which)
        if call.left:
            self.workers.answer(call, self.provider.carry_out(call))
        else:
            self.workers.answer(call, call.outcome or NotSent("it was too late to send it"))

    @precondition(lambda self: self._open_calls())
    @rule(which=st.integers(0, 9))
    def an_answer_is_lost(self, which: int) -> None:
        self.workers.answer(self._pick(which), InDoubt("cut"))

    @precondition(lambda self: any(call.outcome is None for call in self._open_calls()))
    @rule(which=st.integers(0, 9))
    def a_call_does_not_leave(self, which: int) -> None:
        call = self._pick(which)
        if call.outcome is None:
            call.left = False
            self.workers.answer(call, NotSent("refused"))

    @precondition(lambda self: self._open_calls())
    @rule(which=st.integers(0, 9))
    def a_worker_dies(self, which: int) -> None:
        self.workers.kill(self._pick(which))

    # --- everybody else ------------------------------------------------------------------

    @rule()
    def the_provider_calls_back(self) -> None:
        self.workers.call_back()

    @rule()
    def the_provider_comes_and_goes(self) -> None:
        self.provider.away = not self.provider.away

    @rule()
    def its_list_lags(self) -> None:
        self.provider.listed = not self.provider.listed

    @rule()
    def beat_rings_for_what_has_lapsed(self) -> None:
        self.workers.expire()

    @rule(rarely=st.integers(0, 4))
    def somebody_wants_it_called_off(self, rarely: int) -> None:
        if rarely == 0:
            wish = Wish(event_id=new_uuid(), said_by="shop", order_id=self.workers.order_id)
            self.workers.run(cancels.ask(self.workers.rt.db, wish))

    @rule()
    def what_has_ended_is_erased_at_once(self) -> None:
        """Whatever comes after that must do without."""
        self.workers.erase()

    @precondition(lambda self: self.workers.row().state == S.PARKED)
    @rule(which=st.integers(0, 3))
    def a_person_decides(self, which: int) -> None:
        """By what is so at the provider, which is not told what is still on its way."""
        may_be = self.workers.run(self._choices())
        so = sorted(may_be & self._what_is_so())
        if so:
            resolution = so[which % len(so)]
            ref = next(iter(self.remote.live), None)
            decision = Decision(resolution=resolution, by="ada", why="seen", ref=ref)
            self.workers.run(self._resolve(decision))

    # --- time ----------------------------------------------------------------------------

    @rule(by=st.sampled_from([5, 30, 70, 200]))
    def time_passes(self, by: int) -> None:
        self._pass_time(timedelta(seconds=by))

    @rule(by=st.integers(1, 90))
    def the_databases_clock_is_put_back(self, by: int) -> None:
        self.world.move_clock(timedelta(seconds=-by))

    # --- what must hold ------------------------------------------------------------------

    @invariant()
    def there_is_never_more_than_one_live_order(self) -> None:
        assert len(self.remote.live) <= 1
        assert self.workers.row().surplus == 0  # nor is one ever thought to be there

    @invariant()
    def nothing_is_stuck_and_every_line_is_told(self) -> None:
        row = self.workers.row()
        self.placed |= row.state == S.PLACED
        if row.due_at is None:
            assert row.state in {*TERMINAL_ORDERS, S.PARKED}
            assert row.cancel_asked_at is None
        assert row.open_attempts <= 1
        assert (row.untold, row.unowed, row.mistold) == (0, 0, 0)

    @invariant()
    def what_we_say_of_the_provider_is_so(self) -> None:
        row, bought = self.workers.row(), bool(self.remote.live) or self.remote.called_off
        if row.state in {S.PLACED, S.FULFILLED, S.PARTIALLY_FULFILLED}:
            assert bought
        if row.state == S.CANCELLED:
            assert not self.remote.live
        if row.state in TERMINAL_ORDERS and not self.placed:  # nothing was heard of it before
            assert bought == (row.state == S.FULFILLED) or self.remote.called_off
            assert not any(map(self._may_still_buy, self.provider.calls))

    def teardown(self) -> None:
        """Everything comes to rest by itself, whatever was left standing."""
        if not hasattr(self, "workers"):
            return
        self.provider.away, self.provider.listed = False, True
        for _ in range(TURNS):
            for call in self._open_calls():
                self.workers.answer(call, InDoubt("cut"))
            self.nothing_is_stuck_and_every_line_is_told()
            row = self.workers.row()
            if row.due_at is None:
                break
            self._pass_time(max(row.due_at - row.now, timedelta()))
            self.workers.ring()
            for call in self._open_calls():
                self.workers.answer(call, self.provider.carry_out(call))
        assert self.workers.row().due_at is None, "it never comes to rest"
        self.there_is_never_more_than_one_live_order()
        self.what_we_say_of_the_provider_is_so()

    # --- helpers -------------------------------------------------------------------------

    def _open_calls(self) -> list[Call]:
        """Those that somebody waits for, or that are still on their way."""
        return [call for call in self.provider.calls if not call.answer.done()]

    def _pick(self, which: int) -> Call:
        found = self._open_calls()
        return found[which % len(found)]

    def _may_still_buy(self, call: Call) -> bool:
        if not call.left or call.outcome is not None or call.attempt.step is Step.CANCEL:
            return False
        replayed = self.remote.after(call.attempt.step) is Doubt.REPLAY
        known = replayed and call.attempt.reference in self.remote.answered
        buys = call.attempt.step is Step.CONFIRM or not self.remote.capabilities.two_phase
        return buys and not known

    def _pass_time(self, by: timedelta) -> None:
        """A call is carried out in time or never: its request does not travel for ever."""
        self.world.move_clock(by)
        now = self.workers.row().now
        for call in self.provider.calls:
            if now - call.attempt.sent_at > LATEST:
                call.left = False

    async def _choices(self) -> set[Resolution]:
        rt, order_id = self.workers.rt, self.workers.order_id
        assert order_id is not None
        (parked,) = await peek(rt.db, rt.vault, [order_id])
        decider = self.workers.desk.decider_for(parked)
        return {each.resolution for each in choices(decider, parked) if each.refusal is None}

    def _what_is_so(self) -> set[Resolution]:
        if self.remote.called_off:
            return {Resolution.CANCELLED}
        return {Resolution.PLACED} if self.remote.live else {Resolution.REFUSED, Resolution.RESEND}

    async def _resolve(self, decision: Decision) -> None:
        assert self.workers.order_id is not None
        try:
            await resolve(self.workers.order_id, decision, self.workers.rt, unchecked=True)
        except Undecidable:
            return
        self.placed |= decision.resolution is Resolution.PLACED


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    settings = Settings(
        _env_file=None,
        database_url=database_url,
        redis_url="redis://nowhere",
        encryption_keys=Vault.new_key(),
        accounts={
            PROVIDER: {
                "default": {
                    name: SecretStr(value)
                    for name, value in {
                        "base_url": "http://127.0.0.1:9",
                        "email": "a@example.com",
                        "password": "none",
                    }.items()
                }
            }
        },
    )
    with asyncio.Runner() as loop:
        opening = open_runtime(settings, chance=lambda: 0.5)
        rt = loop.run(opening.__aenter__())
        url = "https://shop.example/hooks"
        loop.run(
            producers.add(rt.db, rt.vault, name="shop", notify_url=url, secret="whsec_c2VjcmV0")
        )
        world = World(loop, rt, database_url)
        world.move_clock(timedelta())
        yield world
        loop.run(opening.__aexit__(None, None, None))


@pytest.mark.parametrize("examples", [12, pytest.param(400, marks=pytest.mark.slow)])
def test_whatever_happens_in_whatever_order(world: World, examples: int) -> None:
    Lives.world = world
    run_state_machine_as_test(
        Lives,
        settings=hypothesis.settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )
