"""Calling a Hyperteknoloji order off: a yes is only heard, where the lines stand is believed."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given

from tests.providers.answers import patient, replies, reply
from tests.providers.conftest import Recorder, RemoteClock
from tests.providers.hyperteknoloji.test_adapter import basket
from tests.providers.trial import CUSTOMER, Trial, ample, an_attempt
from worker.http import Channel
from worker.lifecycle import LineState, Step
from worker.outcome import (
    Absent,
    Confirmed,
    InDoubt,
    LineReport,
    NotSent,
    Outcome,
    Pending,
    RefusalCode,
    Refused,
)
from worker.providers.hyperteknoloji import adapter, standing
from worker.sandbox import Fault, Sandbox

PLACED: Final = replace(basket(38, 38), provider_ref="9001")


@pytest.fixture
async def trial(sandbox: Sandbox) -> AsyncIterator[Trial]:
    async with Trial(sandbox, "hyperteknoloji") as one:
        yield one


@pytest.fixture
async def by_line(sandbox: Sandbox) -> AsyncIterator[Trial]:
    async with Trial(sandbox, "hyperteknoloji", cancel_by="line") as one:
        yield one


def live(trial: Trial) -> int:
    return len(trial.sandbox.live_orders("hyperteknoloji"))


# --- the whole order -----------------------------------------------------------------------------


async def test_a_wish_that_was_heard_is_pending_until_every_line_says_so(
    trial: Trial, remote_clock: RemoteClock
) -> None:
    order = await trial.ready_for(Step.CANCEL, basket(40, 38))
    assert isinstance(await trial.call(Step.CANCEL, order), Pending)
    assert isinstance(await trial.look_up(order), Absent)
    remote_clock.pass_paces()
    found = await trial.look_up(order)
    assert isinstance(found, Confirmed)
    assert [(line.state, line.reason) for line in found.lines] == [
        (LineState.CANCELLED, "called off"),
        (LineState.CANCELLED, "called off"),
    ]


async def test_a_yes_that_is_never_carried_out_is_not_taken_for_one(trial: Trial) -> None:
    order = await trial.ready_for(Step.CANCEL, basket(39))
    assert isinstance(await trial.call(Step.CANCEL, order), Pending)
    assert isinstance(await trial.look_up(order), Absent)
    assert live(trial) == 1


@pytest.mark.parametrize("products", [(1,), (38, 1)], ids=["whole", "in part"])
async def test_what_is_delivered_stands(trial: Trial, products: tuple[int, ...]) -> None:
    order = await trial.ready_for(Step.CANCEL, basket(*products))
    outcome = await trial.call(Step.CANCEL, order)
    assert isinstance(outcome, Refused)
    assert outcome.reason == "A delivered order cannot be cancelled"
    found = await trial.look_up(order)
    assert isinstance(found, Refused)
    assert found.reason == f"already delivered: 1 of {len(products)} lines"
    assert live(trial) == len(products)


async def test_who_asks_twice_is_not_told_that_the_order_stands(trial: Trial) -> None:
    """The tenant refuses to cancel what is cancelled; its lines say why."""
    order = await trial.ready_for(Step.CANCEL, basket(41))
    assert isinstance(await trial.call(Step.CANCEL, order), InDoubt)
    trial.sandbox.script("hyperteknoloji", "cancel", [Fault.NONE])
    outcome = await trial.call(Step.CANCEL, order)
    assert isinstance(outcome, Confirmed)
    assert live(trial) == 0


async def test_what_the_provider_has_not_named_is_not_called_off(trial: Trial) -> None:
    outcome = await trial.call(Step.CANCEL, basket(38))
    assert isinstance(outcome, NotSent)
    assert outcome.reason == "nothing_to_cancel"
    assert trial.hits(Step.CANCEL) == 0


# --- line by line --------------------------------------------------------------------------------


async def test_an_order_can_be_called_off_line_by_line(by_line: Trial) -> None:
    order = await by_line.ready_for(Step.CANCEL, basket(38, 38))
    assert isinstance(await by_line.call(Step.CANCEL, order), Pending)
    assert by_line.hits(Step.CANCEL) == 2
    assert isinstance(await by_line.look_up(order), Confirmed)
    assert live(by_line) == 0


async def test_of_several_lines_the_delivered_one_stands(by_line: Trial) -> None:
    order = await by_line.ready_for(Step.CANCEL, basket(1, 38))
    assert isinstance(await by_line.call(Step.CANCEL, order), Pending)
    assert isinstance(await by_line.look_up(order), Refused)
    assert live(by_line) == 1


@pytest.mark.parametrize(
    ("faults", "expected", "left"),
    [
        ([Fault.NONE, Fault.CUT_AFTER], InDoubt, 0),
        ([Fault.CUT_BEFORE, Fault.NONE], InDoubt, 1),
        ([Fault.NONE, Fault.THROTTLED_429], InDoubt, 1),
        ([Fault.THROTTLED_429], NotSent, 2),
    ],
    ids=["second cut", "first cut", "second throttled", "first throttled"],
)
async def test_the_least_sure_of_several_calls_counts(
    by_line: Trial, faults: list[Fault], expected: type[Outcome], left: int
) -> None:
    order = await by_line.ready_for(Step.CANCEL, basket(38, 38))
    by_line.sandbox.script("hyperteknoloji", "cancel", faults)
    assert isinstance(await by_line.call(Step.CANCEL, order), expected)
    assert live(by_line) == left


# --- on the wire ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "bodies"),
    [
        ({}, [{"OrderID": 9001}]),
        ({"cancel_by": "line"}, [{"OrderDetailID": 55}, {"OrderDetailID": 56}]),
    ],
    ids=["order", "line"],
)
async def test_what_a_cancelling_call_says_is_a_setting(
    recorder: Recorder, settings: dict[str, str], bodies: list[dict[str, int]]
) -> None:
    account = adapter.HyperteknolojiAccount.model_validate(
        {"base_url": recorder.url, "email": "e", "password": "p", **settings}
    )
    lines = (replace(line, provider_line_ref=str(55 + line.index)) for line in PLACED.lines)
    order = replace(PLACED, lines=tuple(lines))
    async with Channel(account.base_url) as channel:
        sender = adapter.Hyperteknoloji(account, channel)
        outcome = await sender.cancel(order, an_attempt(Step.CANCEL), ample(), "jwt")
    assert isinstance(outcome, InDoubt)
    assert recorder.bodies == bodies


@patient
@given(replies({"data": {}, "success": True, "message": "OK"}))
def test_any_answer_to_a_cancelling_call_is_survived_and_calls_nothing_off(answer: Any) -> None:
    outcome = standing.read_cancel(answer, PLACED)
    assert isinstance(outcome, Pending | Refused | NotSent | InDoubt)
    if isinstance(outcome, Pending):
        assert answer.status == 200
    assert outcome.evidence.request_ref == PLACED.lines[0].line_ref


def test_a_refusal_to_call_off_repeats_no_customer() -> None:
    said = {"success": False, "message": f"Müşteri: {CUSTOMER}"}
    outcome = standing.read_cancel(reply(400, said), PLACED)
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.reason) == (RefusalCode.OTHER, "Müşteri: …")


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([LineState.CANCELLED, LineState.CANCELLED], Confirmed),
        ([LineState.CANCELLED, LineState.ACCEPTED], Absent),
        ([LineState.CANCELLED, LineState.DELIVERED], Refused),
        ([LineState.ACCEPTED, LineState.DELIVERED], Refused),
    ],
)
def test_only_all_lines_called_off_are_an_order_called_off(
    states: list[LineState], expected: type[Any]
) -> None:
    reports = [
        LineReport(line.line_ref, state) for line, state in zip(PLACED.lines, states, strict=True)
    ]
    assert isinstance(standing.called_off(reports, PLACED), expected)
